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
"""Hands stay out of the body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from l2emg_ros import corpus
from l2emg_ros.retarget.clearance import clear
from l2emg_ros.retarget.collision import hulls_of
from l2emg_ros.retarget.mapping import Body
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot

BODY = Body(trunk=0.11, thigh=0.1, hand=0.05, hand_length=0.16)


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def scene(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Hands anywhere near the body."""
    points = {}
    for side, y in (('l', 1.0), ('r', -1.0)):
        points[f'{side}_hip'] = np.tile([0.0, 0.11 * y, -0.1], (count, 1))
        points[f'{side}_knee'] = np.tile([0.0, 0.12 * y, -0.44], (count, 1))
        points[f'{side}_elbow'] = rng.uniform([-0.2, -0.3, 0.0], [0.3, 0.3, 0.3], (count, 3))
        wrist = rng.uniform([-0.1, 0.05, -0.3], [0.3, 0.4, 0.3], (count, 3))
        points[f'{side}_wrist'] = wrist * [1.0, y, 1.0]
    return points


def distance(at: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance to a segment, by many points on it."""
    shares = np.linspace(0.0, 1.0, 201)[:, None, None]
    return np.linalg.norm(start + shares * (end - start) - at, axis=-1).min(axis=0)


def test_hands_leave_one_obstacle() -> None:
    rng = np.random.default_rng(0)
    points = scene(rng, 300)
    before = {key: value.copy() for key, value in points.items()}
    fingers = rng.normal(size=(300, 3)) * [1.0, 0.3, 1.0]
    fingers /= np.linalg.norm(fingers, axis=1, keepdims=True)
    only_thigh = replace(BODY, trunk=0.0, hand=0.02, hand_length=0.0)
    clear(points, {'l': fingers}, np.tile([0, 0, 0.3], (300, 1)), only_thigh)
    ends = points['l_hip'], points['l_knee']
    was, now = distance(before['l_wrist'], *ends), distance(points['l_wrist'], *ends)
    inside = (was < 0.12) & (was > 0.03)
    assert inside.sum() > 10
    assert np.all(now[inside] > 0.119)
    # Who is outside of everything stays.
    others = distance(before['l_wrist'], points['r_hip'], points['r_knee'])
    trunk = distance(before['l_wrist'], np.zeros((300, 3)), np.tile([0, 0, 0.3], (300, 1)))
    free = (was > 0.12) & (others > 0.12) & (trunk > 0.02)
    assert free.sum() > 100
    assert np.array_equal(points['l_wrist'][free], before['l_wrist'][free])
    assert np.array_equal(points['l_knee'], before['l_knee'])


def test_hands_part() -> None:
    """Palms together in front: pushed apart evenly, the elbows half as far."""
    one = np.array([[0.3, 0.01, 0.1]])
    points = {
        **{f'{s}_hip': np.array([[0.0, y, -0.1]]) for s, y in (('l', 0.1), ('r', -0.1))},
        'l_wrist': one,
        'r_wrist': one * [1, -1, 1],
        'l_elbow': np.array([[0.2, 0.2, 0.1]]),
        'r_elbow': np.array([[0.2, -0.2, 0.1]]),
    }
    fingers = {side: np.array([[1.0, 0.0, 0.0]]) for side in 'lr'}
    clear(points, fingers, np.array([[0.0, 0.0, 0.3]]), BODY)
    assert points['l_wrist'] == pytest.approx(points['r_wrist'] * [1, -1, 1])
    assert points['l_wrist'][0, 1] == pytest.approx(0.0625, abs=1e-6)
    assert points['l_elbow'][0, 1] == pytest.approx(0.2 + 0.0525 / 2, abs=1e-6)


def test_pushes_are_bounded() -> None:
    rng = np.random.default_rng(2)
    points = scene(rng, 200)
    before = {key: value.copy() for key, value in points.items()}
    fingers = {side: np.tile([0.0, 0.0, -1.0], (200, 1)) for side in 'lr'}
    clear(points, fingers, np.tile([0, 0, 0.3], (200, 1)), BODY)
    for key, value in points.items():
        assert np.linalg.norm(value - before[key], axis=1).max() <= 0.1 + 1e-9


def test_targets_keep_the_hands_out(g1: Robot) -> None:
    """Gestures near the body; without the sizes in the map hands lie deep in it."""
    bare = replace(g1, map=replace(g1.map, body=None))
    hulls, depths = hulls_of(g1), {}
    for name, robot in (('with', g1), ('without', bare)):
        retargeter = Retargeter(robot)
        gaps = []
        for number, gesture in enumerate(('nod', 'wave', 'comfort', 'point_forward')):
            rng = np.random.default_rng(number)
            motion = corpus.synthesise(gesture, np.eye(13)[0], rng)
            retargeter.reset()
            for pose in retargeter.solve(motion)[0][::6]:
                pairs = hulls.touching(pose).tolist()
                gaps.append(hulls.gaps(pose, pairs)[0].min(initial=0.0))
        depths[name] = -float(np.mean(gaps))
    assert depths['with'] < 0.7 * depths['without']
