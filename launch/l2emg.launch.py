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
"""Start the whole graph; with sim:=true the simulator too, with hri:=true the ROS4HRI bridge."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration

from l2emg_ros.nodes.launching import arguments, declare, include, PACKAGE
from l2emg_ros.processes import HRI_BRIDGE, NODES, SIMULATOR


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *declare(*arguments(*NODES, SIMULATOR, HRI_BRIDGE)),
            DeclareLaunchArgument(
                'sim',
                default_value='false',
                description='also start the MuJoCo simulator',
                choices=['true', 'false'],
            ),
            include(
                PACKAGE,
                'simulator.launch.py',
                condition=IfCondition(LaunchConfiguration('sim')),
            ),
            DeclareLaunchArgument(
                'hri',
                default_value='false',
                description='also start the bridge to ROS4HRI',
                choices=['true', 'false'],
            ),
            include(PACKAGE, 'generator.launch.py'),
            include(PACKAGE, 'retarget.launch.py'),
            include(PACKAGE, 'lifelong.launch.py'),
            include(
                PACKAGE,
                'hri_bridge.launch.py',
                condition=IfCondition(LaunchConfiguration('hri')),
            ),
        ]
    )
