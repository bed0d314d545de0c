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
"""Show the robot in RViz: what joint_states says, or sliders with gui:=true."""

from functools import partial

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from l2emg_ros.nodes.launching import declare, robot_state_publisher, share


def generate_launch_description() -> LaunchDescription:
    namespace = LaunchConfiguration('namespace')
    use_sim_time = ParameterValue(LaunchConfiguration('use_sim_time'), value_type=bool)
    return LaunchDescription(
        [
            *declare('robot', 'namespace', 'use_sim_time'),
            DeclareLaunchArgument(
                'rviz_config',
                default_value=share('rviz', 'l2emg.rviz'),
                description='configuration of RViz',
            ),
            DeclareLaunchArgument(
                'gui',
                default_value='false',
                description='move the joints with sliders',
                choices=['true', 'false'],
            ),
            OpaqueFunction(function=partial(robot_state_publisher, use_gazebo=False)),
            Node(
                package='joint_state_publisher_gui',
                executable='joint_state_publisher_gui',
                namespace=namespace,
                condition=IfCondition(LaunchConfiguration('gui')),
            ),
            Node(
                package='rviz2',
                executable='rviz2',
                namespace=namespace,
                arguments=['-d', LaunchConfiguration('rviz_config')],
                parameters=[{'use_sim_time': use_sim_time}],
            ),
        ]
    )
