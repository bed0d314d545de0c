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
"""Whatever a motion asks for: finite, inside every limit, and the report tells how far off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.report import violations
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.stream import StreamRetargeter
from tests import toy_robot
from tests.samples import random_motion

Make = Callable[[np.random.Generator], Motion]


def _unreachable(rng: np.random.Generator) -> Motion:
    """Every joint turned as no person can, another way in every frame."""
    return random_motion(1, 24).replace(poses=rng.uniform(-np.pi, np.pi, (24, 66)))


def _flipped(rng: np.random.Generator) -> Motion:
    """Upside down and back in every other frame."""
    motion = random_motion(int(rng.integers(99)), 24)
    rotations = motion.rotations.copy()
    over = rotation.from_rotvec([np.pi - 1e-3, 0.0, 0.0])
    rotations[::2, 0] = rotation.multiply(over, rotations[::2, 0])
    return Motion.from_rotations(rotations, motion.root_translation, 30.0)


def _constant(rng: np.random.Generator) -> Motion:
    return Motion.concatenate([random_motion(int(rng.integers(99)), 1)] * 24)


def _kilohertz(rng: np.random.Generator) -> Motion:
    return random_motion(int(rng.integers(99)), 500, fps=1000.0)


def _slide_show(rng: np.random.Generator) -> Motion:
    return random_motion(int(rng.integers(99)), 3, fps=1.0)


def _teleporting(rng: np.random.Generator) -> Motion:
    motion = random_motion(int(rng.integers(99)), 24)
    return motion.replace(trans=motion.trans + rng.normal(scale=1e3, size=(24, 3)))


def _shaking(rng: np.random.Generator) -> Motion:
    """Both arms from one end of their range to the other, frame by frame."""
    motion = random_motion(int(rng.integers(99)), 24)
    poses = motion.poses.copy()
    poses[::2, 48:] *= -4.0
    return motion.replace(poses=poses)


MAKES: dict[str, Make] = {
    make.__name__.strip('_'): make
    for make in (
        _unreachable,
        _flipped,
        _constant,
        _kilohertz,
        _slide_show,
        _teleporting,
        _shaking,
    )
}


@pytest.fixture(scope='module')
def robots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Robot]:
    toy = toy_robot.write(tmp_path_factory.mktemp('toy'))
    return {'g1': Robot.load('g1'), 'toy': Robot.load(toy)}


@pytest.mark.parametrize('name', ['g1', 'toy'])
@pytest.mark.parametrize('kind', MAKES)
@settings(deadline=None, max_examples=2)
@given(seed=st.integers(0, 2**16), root=st.sampled_from(['kinematic', 'fixed']))
def test_whole(robots: dict[str, Robot], name: str, kind: str, seed: int, root: str) -> None:
    robot, rng = robots[name], np.random.default_rng(seed)
    motion = MAKES[kind](rng)
    config = RetargetConfig(root='fixed' if root == 'fixed' else 'kinematic')
    start = rng.uniform(robot.lower, robot.upper) if seed % 2 else None
    trajectory = Retargeter(robot, config).retarget(motion, start=start)
    trajectory.check(robot)
    assert violations(robot, trajectory, tolerance=0.0) == 0
    assert np.isfinite(trajectory.root_position).all()
    assert not trajectory.velocities[-1].any()
    assert trajectory.report is not None
    assert np.isfinite(trajectory.report.limb_error)
    if kind in ('unreachable', 'flipped', 'shaking'):
        assert trajectory.report.limb_error > 5.0


@pytest.mark.parametrize('kind', MAKES)
@settings(deadline=None, max_examples=2)
@given(seed=st.integers(0, 2**16))
def test_streamed(robots: dict[str, Robot], kind: str, seed: int) -> None:
    """In pieces, with a stop or another motion in between at any moment."""
    robot, rng = robots['g1'], np.random.default_rng(seed)
    motion = MAKES[kind](rng)
    stream, now, size = StreamRetargeter(robot), 0.0, max(motion.frames // 4, 1)
    for start in range(0, motion.frames, size):
        part = motion.slice(start, start + size)
        sent = [stream.push(part, start + size >= motion.frames, now, start=rng.random() < 0.2)]
        if rng.random() < 0.2:
            sent.append(stream.stop(now))
        for trajectory in sent:
            trajectory.check(robot)
            assert violations(robot, trajectory, tolerance=0.0) == 0
            assert np.isfinite(trajectory.root_position).all()
        now += rng.uniform(0.0, 0.5)
    q, v, _ = stream.state(now)
    assert np.isfinite([q, v]).all()


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_numbers_that_are_none_are_no_motion(value: float, tmp_path: Path) -> None:
    motion = random_motion(0, 5)
    for name in ('poses', 'trans'):
        wrong = np.array(getattr(motion, name))
        wrong[2, 1] = value
        with pytest.raises(MotionFormatError, match=f'{name}.*finite'):
            motion.replace(**{name: wrong})
