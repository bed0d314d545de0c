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

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toy_robot
import yaml

from l2emg_ros.errors import BadRequest
from l2emg_ros.retarget import play_motion
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory


@pytest.fixture
def trajectory(tmp_path: Path) -> Trajectory:
    robot = Robot.load(toy_robot.write(tmp_path))
    time = np.arange(45)[:, None] / 30
    angles = [0.5, -0.4, -0.9, -0.5, -0.4, -0.9] + 0.4 * np.sin(4 * time + np.arange(6))
    motion = toy_robot.person(angles).replace(text='größe, "hello": there')
    return Retargeter(robot).retarget(motion, start=robot.home)


def test_the_file_holds_one_motion_of_the_joints_that_move(
    trajectory: Trajectory, tmp_path: Path
) -> None:
    still = trajectory.positions.copy()
    still[:, 1] = 0.25
    play_motion.save(replace(trajectory, positions=still), tmp_path / 'greet.yaml')
    content = yaml.safe_load((tmp_path / 'greet.yaml').read_text('utf-8'))
    motions = content['/play_motion2']['ros__parameters']['motions']
    assert set(motions) == {'greet'}
    motion = motions['greet']
    kept = [n for n in range(len(trajectory.joint_names)) if n != 1]
    assert motion['joints'] == [trajectory.joint_names[n] for n in kept]
    rows = np.reshape(motion['positions'], (len(motion['times_from_start']), len(kept)))
    np.testing.assert_allclose(rows, still[:, kept], atol=1e-6)
    np.testing.assert_allclose(motion['times_from_start'], trajectory.time_from_start, atol=1e-6)
    assert motion['meta'] == {
        'name': 'greet',
        'usage': 'l2emg',
        'description': 'größe, "hello": there',
    }
    # A parameter array of doubles must not begin with an integer.
    assert all(isinstance(value, float) for value in motion['positions'])


def test_a_motion_that_stands_still_names_every_joint(trajectory: Trajectory) -> None:
    held = replace(trajectory, positions=np.zeros_like(trajectory.positions))
    tree = play_motion.parameters(held, 'stand')['/play_motion2']['ros__parameters']
    assert tree['motions']['stand']['joints'] == list(trajectory.joint_names)


@pytest.mark.parametrize('name', ['2nd.yaml', 'a.b.yaml', 'my wave.yaml'])
def test_names_that_no_parameter_takes_are_refused(
    trajectory: Trajectory, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadRequest, match='no name for a motion'):
        play_motion.save(trajectory, tmp_path / name)
    assert not list(tmp_path.glob('*.yaml.*'))
    assert not (tmp_path / name).exists()
