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
"""Demonstrations: motions as they are, trajectories of robots as the motions of people."""

from __future__ import annotations

from dataclasses import replace
import os
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest
from samples import random_motion
import toy_robot

from l2emg_ros.errors import BadRequest, L2EmgError, MotionFormatError, RobotMapError
from l2emg_ros.lifelong import demonstration
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.human import to_motion
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory


def shown(robot: Robot, count: int = 20) -> Trajectory:
    swing = 0.3 * np.sin(np.arange(count) / 5)[:, None]
    still = np.zeros((count, len(robot.joint_names)))
    return Trajectory(
        joint_names=robot.joint_names,
        time_from_start=(1.0 + np.arange(count)) / 30,
        source_time=np.arange(count) / 30,
        positions=robot.home + swing * (np.arange(len(robot.joint_names)) % 2),
        velocities=still,
        accelerations=still,
        root_position=np.zeros((count, 3)),
        root_orientation=np.tile([0.0, 0.0, 0.0, 1.0], (count, 1)),
        robot=robot.name,
        source='shown by hand',
    )


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


@pytest.mark.parametrize('suffix', ['npz', 'csv'])
def test_a_trajectory_of_a_shipped_robot(tmp_path: Path, g1: Robot, suffix: str) -> None:
    path = tmp_path / f'shown.{suffix}'
    shown(g1).save(path)
    assert demonstration.is_trajectory(path)
    motion = demonstration.load(path)
    assert motion == to_motion(g1, Trajectory.load(path))
    assert demonstration.load_for('no robot', path) == motion
    assert motion.text == 'shown by hand'
    motion.save(tmp_path / 'motion.npz')
    assert not demonstration.is_trajectory(tmp_path / 'motion.npz')
    assert demonstration.load(tmp_path / 'motion.npz') == motion


def test_a_robot_of_ones_own(tmp_path: Path) -> None:
    own = toy_robot.write(tmp_path)
    robot = Robot.load(own)
    path = tmp_path / 'shown.npz'
    shown(robot).save(path)
    assert demonstration.load(path, str(own)) == to_motion(robot, shown(robot))
    with pytest.raises(
        RobotMapError, match=r"shown\.npz: trajectory of robot 'toy': expected one"
    ):
        demonstration.load(path)
    assert demonstration.load_for(str(own), path) == demonstration.load(path, str(own))
    with pytest.raises(RobotMapError, match="trajectory of robot 'toy'"):
        demonstration.load_for('g1', path)
    # It can be kept until somebody knows that robot, if it is one at all.
    demonstration.check(path)
    # A file does not choose what other file is read.
    replace(shown(robot), robot=str(own)).save(path)
    with pytest.raises(RobotMapError, match='or to be told the map file'):
        demonstration.load(path)


def test_motions_are_loaded_as_ever_and_without_kinematics_of_robots(tmp_path: Path) -> None:
    path = tmp_path / 'motion.npz'
    motion = random_motion(0, frames=12)
    motion.save(path)
    assert demonstration.load(path, 'no robot') == Motion.load(path) == motion
    code = (
        'import sys; from l2emg_ros.lifelong import demonstration; '
        f'demonstration.load({str(path)!r}); sys.exit("pinocchio" in sys.modules)'
    )
    done = subprocess.run([sys.executable, '-c', code], env=os.environ.copy(), check=False)
    assert done.returncode == 0


BAD: dict[str, tuple[type[L2EmgError], str]] = {
    'damaged': (MotionFormatError, r'shown\.npz: '),
    'incomplete': (MotionFormatError, r'shown\.npz: no trajectory: time_from_start is missing'),
    'joint': (BadRequest, r"shown\.npz: g1 has no joint 'tail'"),
    'robot': (RobotMapError, "unknown robot 'g2'"),
    'suffix': (MotionFormatError, r'expected a name that ends in \.npz'),
    'csv': (MotionFormatError, r'shown\.csv: no trajectory file'),
}


@pytest.mark.parametrize('case', BAD)
def test_what_is_wrong_is_named(tmp_path: Path, g1: Robot, case: str) -> None:
    path = tmp_path / {'suffix': 'shown.txt', 'csv': 'shown.csv'}.get(case, 'shown.npz')
    if case in ('joint', 'robot'):
        first = 'tail' if case == 'joint' else g1.joint_names[0]
        replace(shown(g1), joint_names=(first, *g1.joint_names[1:])).save(path)
    elif case == 'incomplete':
        np.savez(path, joint_names=np.array(['a']))
    else:
        path.write_bytes(bytes(range(256)) if case == 'damaged' else b'a,b\n1,2\n')
    kind, message = BAD[case]
    with pytest.raises(kind, match=message) as refused:
        demonstration.load(path, 'g2' if case == 'robot' else '')
    assert '\n' not in str(refused.value)
    if case != 'robot':
        with pytest.raises(kind, match=message):
            demonstration.check(path)


def test_a_missing_file(tmp_path: Path) -> None:
    for suffix in ('npz', 'csv'):
        with pytest.raises(FileNotFoundError):
            demonstration.load(tmp_path / f'nothing.{suffix}')
