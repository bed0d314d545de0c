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
"""Run the graph with the robot in Gazebo Harmonic, its pelvis on a stand by default."""

from functools import partial

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration, PythonExpression
from launch_ros.actions import Node, SetRemap

from l2emg_ros.nodes.launching import (
    arguments,
    declare,
    include,
    PACKAGE,
    robot_state_publisher,
    share,
)
from l2emg_ros.processes import NODES

CONTROLLER = 'joint_trajectory_controller'


def generate_launch_description() -> LaunchDescription:
    # The controllers have no namespace.
    names = [name for name in arguments(*NODES) if name != 'namespace']
    choice = ['true', 'false']
    headless = LaunchConfiguration('headless')
    no_window = PythonExpression(
        ["'-s --headless-rendering ' if '", headless, "' == 'true' else ''"]
    )
    gazebo = include(
        'ros_gz_sim',
        'gz_sim.launch.py',
        {
            'gz_args': ['-r -v 2 ', no_window, LaunchConfiguration('world')],
            'on_exit_shutdown': 'true',
        },
    )
    bridge = Node(
        package='ros_gz_bridge',
        executable='parameter_bridge',
        parameters=[{'config_file': share('config', 'gz_bridge.yaml')}],
        output='screen',
    )
    # The stand of the description holds the pelvis at its height; without it the feet start just
    # above the floor.
    height = PythonExpression(
        ["'0.0' if '", LaunchConfiguration('fixed_base'), "' == 'true' else '0.8'"]
    )
    spawn = Node(
        package='ros_gz_sim',
        executable='create',
        arguments=[
            *('-topic', 'robot_description', '-name', LaunchConfiguration('robot')),
            *('-allow_renaming', 'true', '-z', height),
        ],
        output='screen',
    )
    broadcaster = _spawner('joint_state_broadcaster')
    controller = _spawner(CONTROLLER)
    graph = GroupAction(
        [
            SetRemap('joint_trajectory', f'{CONTROLLER}/joint_trajectory'),
            include(PACKAGE, 'l2emg.launch.py', {'sim': 'false'}),
        ]
    )
    return LaunchDescription(
        [
            *declare(*names, use_sim_time='true'),
            DeclareLaunchArgument(
                'world',
                default_value=share('worlds', 'empathy.sdf'),
                description='world file of Gazebo',
            ),
            DeclareLaunchArgument(
                'headless', default_value='false', description='no window', choices=choice
            ),
            DeclareLaunchArgument(
                'hri',
                default_value='false',
                description='also start the bridge to ROS4HRI',
                choices=choice,
            ),
            DeclareLaunchArgument(
                'fixed_base',
                default_value='true',
                description='hold the pelvis on a stand; without it the robot falls over',
                choices=choice,
            ),
            OpaqueFunction(function=partial(robot_state_publisher, use_gazebo=True)),
            gazebo,
            bridge,
            spawn,
            RegisterEventHandler(OnProcessExit(target_action=spawn, on_exit=[broadcaster])),
            RegisterEventHandler(OnProcessExit(target_action=broadcaster, on_exit=[controller])),
            RegisterEventHandler(OnProcessExit(target_action=controller, on_exit=[graph])),
        ]
    )


def _spawner(controller: str) -> Node:
    robot = LaunchConfiguration('robot')
    return Node(
        package='controller_manager',
        executable='spawner',
        arguments=[
            controller,
            *('--param-file', share('urdf', 'robots', robot, 'controllers.yaml')),
            *('--controller-manager-timeout', '60'),
        ],
        output='screen',
    )
