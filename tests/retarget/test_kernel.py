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
"""The compiled solver gives what the reference gives."""

from __future__ import annotations

from pathlib import Path
import sys

import numpy as np
import pytest

from l2emg_ros import corpus, retarget
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.ik import FrameSolver, IkConfig
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.stream import StreamRetargeter
from l2emg_ros.retarget.targets import Builder, Root
from tests import toy_robot
from tests.samples import random_motion


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def _solved(
    robot: Robot, motion: Motion, root: Root = 'kinematic', groups: str = ''
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the reference and the compiled solver find: joint angles and root, as rows."""
    pytest.importorskip('numba', reason='the compiled solver needs numba')
    found = []
    for compiled in (False, True):
        config = RetargetConfig(
            root=root,
            joint_groups=tuple(groups.split()),
            ik=IkConfig(compiled=compiled),
        )
        joints, turns = Retargeter(robot, config).solve(motion)
        found.append(np.hstack([joints, turns.reshape(len(turns), 9)]))
    assert np.ptp(found[0][:, :-9], axis=0).max() > 0.02
    return found[0], found[1]


@pytest.mark.parametrize('root', ['kinematic', 'fixed'])
@pytest.mark.parametrize('groups', ['', 'left_arm waist_yaw_joint'])
def test_gestures(g1: Robot, root: Root, groups: str) -> None:
    rng = np.random.default_rng(0)
    wave = corpus.synthesise('wave', np.eye(13)[1], rng).resample(30.0)
    reference, compiled = _solved(g1, wave, root, groups)
    assert compiled == pytest.approx(reference, abs=1e-6)


@pytest.mark.parametrize('seed', range(3))
def test_what_no_person_does(g1: Robot, seed: int) -> None:
    """Joints at their limits of position and velocity in most frames."""
    motion = random_motion(seed, 30)
    wild = motion.replace(poses=np.clip(3.0 * motion.poses, -2.5, 2.5))
    reference, compiled = _solved(g1, wild)
    assert compiled == pytest.approx(reference, abs=1e-6)


def test_joints_that_slide(tmp_path: Path) -> None:
    path = toy_robot.write(tmp_path)
    urdf = tmp_path / 'toy.urdf'
    text = urdf.read_text().replace(
        '<joint name="l_roll" type="revolute">', '<joint name="l_roll" type="prismatic">'
    )
    urdf.write_text(text.replace('<axis xyz="1 0 0"/>', '<axis xyz="0 0.6 0.8"/>', 1))
    q = np.tile([0.5, -0.4, -0.9, -0.5, -0.4, -0.9], (40, 1))
    q += 0.4 * np.sin(np.linspace(0.0, 5.0, 40))[:, None]
    reference, compiled = _solved(Robot.load(path), toy_robot.person(q))
    assert compiled == pytest.approx(reference, abs=1e-6)


def test_streams_may_be_compiled(g1: Robot) -> None:
    pytest.importorskip('numba', reason='the compiled solver needs numba')
    motion = random_motion(3, 30)
    ends = []
    for compiled in (False, True):
        stream = StreamRetargeter(g1, RetargetConfig(ik=IkConfig(compiled=compiled)))
        trajectory = stream.push(motion, True, 0.0, g1.home)
        trajectory.check(g1)
        ends.append(trajectory.positions)
    assert ends[1] == pytest.approx(ends[0], abs=1e-6)


def test_without_numba(g1: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, 'l2emg_ros.retarget.kernel', raising=False)
    monkeypatch.delattr(retarget, 'kernel', raising=False)
    monkeypatch.setitem(sys.modules, 'numba', None)
    with pytest.raises(BadRequest, match='numba is not installed: pip install numba'):
        FrameSolver(g1, Builder(g1), IkConfig(compiled=True))
    FrameSolver(g1, Builder(g1))
