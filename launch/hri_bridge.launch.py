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
"""Start the bridge to ROS4HRI: expressions of people in, of the robot out."""

from launch import LaunchDescription

from l2emg_ros.nodes.launching import node_description
from l2emg_ros.processes import HRI_BRIDGE


def generate_launch_description() -> LaunchDescription:
    return node_description(HRI_BRIDGE)
