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
"""Where a robot touches itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pinocchio as pin
import pytest

from l2emg_ros.errors import RobotMapError
from l2emg_ros.retarget.collision import hulls_of, SelfCollision, touches
from l2emg_ros.retarget.robot import Robot


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def _folded(robot: Robot) -> np.ndarray:
    """Return a pose with the left hand in the body."""
    pose = robot.home.copy()
    pose[robot.joint_names.index('left_shoulder_roll_joint')] = -0.3
    pose[robot.joint_names.index('left_elbow_joint')] = 1.5
    return pose


def test_g1(g1: Robot) -> None:
    hulls, pose = hulls_of(g1), _folded(g1)
    assert hulls is hulls_of(g1)
    assert hulls.pairs > 300
    assert hulls.colliding(g1.home) == []
    assert hulls.share(np.stack([g1.home, pose])) == 0.5
    assert hulls.share(np.empty((0, 29))) == 0.0
    assert any('left_rubber_hand' in pair for pair in hulls.colliding(pose))


def test_boxes_find_what_all_pairs_find(g1: Robot) -> None:
    hulls, rng = hulls_of(g1), np.random.default_rng(0)
    found = []
    for _ in range(100):
        pose = g1.home + rng.uniform(-0.6, 0.6, 29) * (g1.upper - g1.lower) / 2
        found.append(hulls.touches(pose))
        touching = hulls.touching(pose)
        assert found[-1] == bool(len(touching))
        alone = [
            pair
            for pair in range(hulls.pairs)
            if pin.computeCollision(hulls._geometry, hulls._results, pair)
        ]
        assert touching.tolist() == alone
    assert 0.1 < np.mean(found) < 0.9


def test_gaps_change_as_they_say(g1: Robot) -> None:
    hulls, pose = hulls_of(g1), _folded(g1)
    pairs = [*hulls.touching(pose).tolist(), 3, 60]
    gaps, gradients = hulls.gaps(pose, pairs)
    assert (gaps[:-2] < 0.0).all()
    rng = np.random.default_rng(1)
    for _ in range(5):
        way = rng.normal(size=29)
        ahead, behind = (hulls.gaps(pose + sign * 1e-5 * way, pairs)[0] for sign in (1.0, -1.0))
        # Nearest points of flat faces may jump.
        assert gradients @ way == pytest.approx((ahead - behind) / 2e-5, abs=0.03)
    none = hulls.gaps(pose, [])
    assert (none[0].shape, none[1].shape) == ((0,), (0, 29))


def test_touches_say_what_and_when(g1: Robot) -> None:
    hulls, pose = hulls_of(g1), _folded(g1)
    positions = np.stack([pose, pose, g1.home, g1.home, pose])
    found = touches(hulls, positions, 0.1 * np.arange(5.0))
    pairs = len(hulls.touching(pose))
    assert len(found) == 2 * pairs
    assert (found[0].start, found[0].stop) == (0.0, 0.1)
    assert str(found[0]).endswith('touch from 0.00 to 0.10 s')
    assert str(found[-1]).endswith('touch at 0.40 s')
    assert touches(hulls, positions[2:4], np.arange(2.0)) == []


def test_missing_meshes(g1: Robot, tmp_path: Path) -> None:
    path = tmp_path / 'g1.urdf'
    text = g1.urdf_path.read_text()
    path.write_text(text.replace('package://example-robot-data', 'package://nowhere'))
    with pytest.raises(RobotMapError, match=r'g1\.urdf.*nowhere'):
        SelfCollision(replace(g1, urdf_path=path))
    assert hulls_of(replace(g1, urdf_path=path)) is None
