# Copyright 2026 l2emg_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""What the launch files share: launch actions made from the description of the processes.

Needs a full ROS 2 installation (launch, launch_ros).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    RegisterEventHandler,
)
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from lifecycle_msgs.msg import Transition

from l2emg_ros.description import describe
from l2emg_ros.processes import ARGUMENTS, COMMON, Process

PACKAGE = 'l2emg_ros'


def share(*parts: Any) -> PathJoinSubstitution:
    """Return the path of an installed file of this package."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


def arguments(*processes: Process) -> list[str]:
    """Return the names of the launch arguments that some processes take."""
    return list(dict.fromkeys([*COMMON, *(name for p in processes for name in p.arguments)]))


def declare(*names: str, **defaults: str) -> list[DeclareLaunchArgument]:
    """Declare launch arguments.

    Args:
        *names: keys of `processes.ARGUMENTS`.
        **defaults: argument -> default, where it differs from the description.
    """
    actions = []
    for name in names:
        argument = ARGUMENTS[name]
        default: Any = defaults.get(name, argument.default)
        if name == 'params_file' and not default:
            default = share('config', 'l2emg.yaml')
        actions.append(
            DeclareLaunchArgument(
                name,
                default_value=default,
                description=argument.help,
                choices=list(argument.choices) or None,
            )
        )
    return actions


def node_description(process: Process) -> LaunchDescription:
    """Return the whole launch description of one node."""
    return LaunchDescription([*declare(*arguments(process)), *lifecycle_node(process)])


def lifecycle_node(process: Process) -> list[Any]:
    """Start a node and, with `autostart`, bring it to active."""
    given: dict[str, ParameterValue] = {
        name: ParameterValue(LaunchConfiguration(name), value_type=str)
        for name in process.arguments
    }
    given['use_sim_time'] = ParameterValue(LaunchConfiguration('use_sim_time'), value_type=bool)
    node = LifecycleNode(
        package=PACKAGE,
        executable=process.executable,
        name=process.executable,
        namespace=LaunchConfiguration('namespace'),
        parameters=[
            share('config', process.parameters),
            LaunchConfiguration('params_file'),
            given,
        ],
        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
        output='screen',
    )
    autostart = IfCondition(LaunchConfiguration('autostart'))
    started = OnProcessStart(
        target_action=node, on_start=[_change(node, Transition.TRANSITION_CONFIGURE)]
    )
    configured = OnStateTransition(
        target_lifecycle_node=node,
        start_state='configuring',
        goal_state='inactive',
        entities=[_change(node, Transition.TRANSITION_ACTIVATE)],
    )
    return [
        RegisterEventHandler(started, condition=autostart),
        RegisterEventHandler(configured, condition=autostart),
        node,
    ]


def include(
    package: str, file: str, arguments: Mapping[str, Any] | None = None, **options: Any
) -> IncludeLaunchDescription:
    """Include a launch file of a package; arguments that are not given are passed on."""
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution([FindPackageShare(package), 'launch', file])
        ),
        launch_arguments=(arguments or {}).items(),
        **options,
    )


def robot_state_publisher(context: LaunchContext, *, use_gazebo: bool) -> list[Node]:
    """Publish the description and the transforms of the robot; for OpaqueFunction."""

    def word(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    fixed = not use_gazebo or word('fixed_base') == 'true'
    text = describe(word('robot'), use_gazebo=use_gazebo, fixed_base=fixed)
    parameters = {
        'robot_description': ParameterValue(text, value_type=str),
        'use_sim_time': word('use_sim_time') == 'true',
    }
    return [
        Node(
            package='robot_state_publisher',
            executable='robot_state_publisher',
            namespace='' if use_gazebo else word('namespace'),
            parameters=[parameters],
            output='screen',
        )
    ]


def _change(node: LifecycleNode, transition: int) -> EmitEvent:
    return EmitEvent(
        event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition)
    )
