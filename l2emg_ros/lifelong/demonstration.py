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
"""What a person has shown: a motion, or a robot that was moved by hand or by remote control."""

from __future__ import annotations

import os
from pathlib import Path
import zipfile

from l2emg_ros.errors import BadRequest, MotionFormatError, RobotMapError
from l2emg_ros.motion.motion import Motion


def load(path: str | os.PathLike[str], robot: str = '') -> Motion:
    """Load a demonstration as a motion that an expert can learn from.

    Args:
        path: A motion file, as `Motion.load` takes it, at its own frame rate, or a trajectory
            file (``.npz`` or ``.csv``), which becomes a motion of 30 fps.
        robot: The robot of a trajectory: one that is shipped, or the path of a map file. Empty:
            the one that the file names, which must be shipped. Not used with motions.

    Raises:
        MotionFormatError: The file is neither, or damaged.
        RobotMapError: The robot of a trajectory is unknown.
        BadRequest: The trajectory moves joints that the robot does not have.
        OSError: The file cannot be read.
    """
    return _from_trajectory(Path(path), robot) if is_trajectory(path) else Motion.load(path)


def load_for(own: str, path: str | os.PathLike[str]) -> Motion:
    """Load a demonstration that may be a trajectory of one's own robot, which is not shipped.

    Args:
        own: That robot: a shipped name or the path of a map file.
        path: As of `load`.

    Raises:
        MotionFormatError: As of `load`.
        RobotMapError: As of `load`.
        BadRequest: As of `load`.
        OSError: As of `load`.
    """
    try:
        return load(path)
    except RobotMapError:
        from l2emg_ros.retarget.robot import Robot
        from l2emg_ros.retarget.trajectory import Trajectory

        # That of yet another robot may have joints of the same names.
        if not own or Robot.load(own).name != Trajectory.load(path).robot:
            raise
        return load(path, own)


def check(path: str | os.PathLike[str]) -> None:
    """Check that a file holds what can be learned from, as far as that can be known now.

    Of a trajectory whose robot is not shipped only the file itself is checked: who learns from it
    has the map file.

    Raises:
        MotionFormatError: As of `load`.
        BadRequest: As of `load`.
        OSError: As of `load`.
    """
    try:
        load(path)
    except RobotMapError:
        from l2emg_ros.retarget.trajectory import Trajectory

        Trajectory.load(path)


def is_trajectory(path: str | os.PathLike[str]) -> bool:
    """Return whether a file holds a trajectory of a robot, by its name and what is in it.

    Raises:
        OSError: It cannot be read.
    """
    suffix = Path(path).suffix.lower()
    if suffix != '.npz':
        return suffix == '.csv'
    try:
        with zipfile.ZipFile(path) as archive:
            return 'joint_names.npy' in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _from_trajectory(path: Path, robot: str) -> Motion:
    # Motions need no kinematics of robots.
    from l2emg_ros.retarget.human import to_motion
    from l2emg_ros.retarget.robot import list_robots, Robot
    from l2emg_ros.retarget.trajectory import Trajectory

    trajectory = Trajectory.load(path)
    # A file must not choose which other file is read as a map.
    if not robot and trajectory.robot not in (known := list_robots()):
        raise RobotMapError(
            f'{path}: trajectory of robot {trajectory.robot!r}: expected one of '
            f'{", ".join(known)}, or to be told the map file of the robot'
        )
    model = Robot.load(robot or trajectory.robot)
    try:
        return to_motion(model, trajectory)
    except (BadRequest, MotionFormatError) as error:
        raise type(error)(f'{path}: {error}') from None
