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
"""Links that would touch are moved apart, smoothly, by the upper body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from l2emg_ros.retarget.collision import hulls_of, SelfCollision
from l2emg_ros.retarget.repair import Repair
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from tests import toy_robot


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


@pytest.fixture
def repair(g1: Robot) -> Repair:
    found = Retargeter(g1).repair
    assert found is not None
    return found


def _through_the_body(robot: Robot, frames: int = 60) -> np.ndarray:
    """Both hands swing into the body and out again."""
    poses = np.tile(robot.home, (frames, 1))
    swing = np.sin(np.linspace(0.0, np.pi, frames))
    for side, sign in (('left', -1.0), ('right', 1.0)):
        roll = robot.joint_names.index(f'{side}_shoulder_roll_joint')
        poses[:, roll] += sign * 0.5 * swing
        poses[:, robot.joint_names.index(f'{side}_elbow_joint')] += 0.5 * swing
    return np.clip(poses, robot.lower, robot.upper)


def _deepest(hulls: SelfCollision, poses: np.ndarray) -> float:
    """Return the deepest overlap, m."""
    gaps = [hulls.gaps(pose, hulls.touching(pose).tolist())[0] for pose in poses]
    return -min(float(gap.min(initial=0.0)) for gap in gaps)


def test_what_touches_is_moved_apart(g1: Robot, repair: Repair) -> None:
    hulls, poses = hulls_of(g1), _through_the_body(g1)
    assert hulls.share(poses) > 0.7
    apart = repair.push(poses)
    # From one way around the hip to the other a few frames graze it.
    assert hulls.share(apart) < 0.3
    assert _deepest(hulls, poses) > 0.05
    assert _deepest(hulls, apart) < 0.02
    assert np.all((apart >= g1.lower) & (apart <= g1.upper))
    # No more than it takes, no faster than the swing itself, and not by the legs.
    assert np.abs(np.diff(apart - poses, axis=0)).max() < 0.4
    legs = g1.indices(['legs'])
    assert np.array_equal(apart[:, legs], poses[:, legs])


def test_what_does_not_touch_is_left_as_it_is(g1: Robot, repair: Repair) -> None:
    rng = np.random.default_rng(0)
    poses = g1.home + np.cumsum(rng.normal(scale=0.002, size=(40, 29)), axis=0)
    poses = np.clip(poses, g1.lower, g1.upper)
    assert np.array_equal(repair.push(poses), poses)


def test_chunks_join(g1: Robot, repair: Repair) -> None:
    """Cut in the middle of a touch, the way goes on without a step."""
    poses = _through_the_body(g1)
    parts = [repair.push(poses[start : start + 20]) for start in (0, 20, 40)]
    apart = np.concatenate(parts)
    assert hulls_of(g1).share(apart) < 0.3
    assert np.abs(np.diff(apart - poses, axis=0)).max() < 0.4
    repair.reset()
    assert np.array_equal(repair.push(poses[:20]), parts[0])


def test_legs_alone_cannot_help(g1: Robot) -> None:
    assert Retargeter(g1, RetargetConfig(joint_groups=('legs',))).repair is None


def test_trajectories_say_how_much_they_touch(g1: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the sizes of the map targets are inside the body: the repair alone has to help."""
    angles = np.tile([0.0, -0.2, -1.6, 0.0, -0.2, -1.6], (40, 1))
    angles[:, [0, 3]] = np.linspace(0.4, -0.5, 40)[:, None] * [1.0, -1.0]
    motion = toy_robot.person(angles)
    bare = replace(g1, map=replace(g1.map, body=None))
    retargeter = Retargeter(bare)
    asked = retargeter.solve(motion)[0]
    assert hulls_of(bare).share(asked) > 0.5
    report = retargeter.retarget(motion).report
    assert report is not None
    assert report.self_collision < 0.35
    monkeypatch.setattr(Retargeter, 'repair', None)
    report = retargeter.retarget(motion).report
    assert report is not None
    assert report.self_collision > 0.5
    assert 'links touch in' in str(report)
