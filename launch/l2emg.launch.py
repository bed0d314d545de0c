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
"""Start the whole graph: generator, retargeter, lifelong and, with sim:=true, the simulator."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration

from l2emg_ros.nodes.launching import arguments, declare, include, PACKAGE
from l2emg_ros.processes import NODES, SIMULATOR


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *declare(*arguments(*NODES, SIMULATOR)),
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
            include(PACKAGE, 'generator.launch.py'),
            include(PACKAGE, 'retarget.launch.py'),
            include(PACKAGE, 'lifelong.launch.py'),
        ]
    )
