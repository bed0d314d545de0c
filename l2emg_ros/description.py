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
"""Robot descriptions for RViz and Gazebo: URDF text with mesh addresses that anyone can open."""

from __future__ import annotations

from pathlib import Path
import re

from l2emg_ros import resources
from l2emg_ros.errors import ResourceNotFound, RobotMapError
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.urdf import resolve


def describe(robot: str, *, use_gazebo: bool = False, fixed_base: bool = True) -> str:
    """Return the URDF of a robot as one self-contained text.

    Args:
        robot: name or path of the map file.
        use_gazebo: add what `urdf/robots/<name>/<name>.urdf.xacro` adds: the stand, ros2_control
            and Gazebo's plugin. Needs the Python module of xacro.
        fixed_base: hold the pelvis on a stand.

    Returns:
        URDF whose meshes have `file://` addresses.

    Raises:
        RobotMapError: the robot is unknown, has no such file, or a mesh is missing.
    """
    loaded = Robot.load(robot)
    if not use_gazebo:
        return _with_local_meshes(loaded.urdf_path.read_text(), loaded.urdf_path.parent)
    # Part of every ROS installation that can show a robot; from pip it is a test dependency.
    import xacro

    folder = f'urdf/robots/{loaded.name}'
    try:
        wrapper = resources.find(f'{folder}/{loaded.name}.urdf.xacro')
        controllers = resources.find(f'{folder}/controllers.yaml')
    except ResourceNotFound as error:
        raise RobotMapError(f'robot {loaded.name} is not prepared for Gazebo: {error}') from None
    mappings = {
        'urdf': str(loaded.urdf_path),
        'controllers': str(controllers),
        'use_gazebo': 'true',
        'fixed_base': str(fixed_base).lower(),
    }
    text = xacro.process_file(str(wrapper), mappings=mappings).toprettyxml(indent='  ')
    return _with_local_meshes(text, loaded.urdf_path.parent)


def _with_local_meshes(urdf: str, base: Path) -> str:
    """Replace the address of every mesh by where it lies."""

    def absolute(match: re.Match[str]) -> str:
        return f'filename="{resolve(match[1], base).as_uri()}"'

    return re.sub(
        r'filename="((?:package://)?[^":]+\.(?:stl|dae|obj|STL|DAE|OBJ))"', absolute, urdf
    )
