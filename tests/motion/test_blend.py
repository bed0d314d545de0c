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
"""Foot contacts and cross-fades."""

from __future__ import annotations

import numpy as np
import pytest
from samples import random_motion

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.blend import cross_fade, foot_contacts
from l2emg_ros.motion.motion import Motion

STANDING_HEIGHT = (
    -(sum(skeleton.REST_OFFSETS[skeleton.index(f'left_{n}')][1] for n in ('hip', 'knee', 'ankle')))
    + skeleton.ANKLE_HEIGHT
)


def standing(frames: int = 60, fps: float = 30.0) -> Motion:
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 22, 1))
    rotations[:, 0] = rotation.SMPL_TO_ROS_QUAT
    return Motion.from_rotations(rotations, np.tile([0, 0, STANDING_HEIGHT], (frames, 1)), fps)


@pytest.mark.parametrize('fps', [20.0, 30.0, 120.0])
def test_standing_is_contact(fps: float) -> None:
    assert foot_contacts(standing(fps=fps)).all()
    assert foot_contacts(standing(frames=1, fps=fps)).all()


def test_contact_survives_a_floor_that_is_a_little_too_low() -> None:
    motion = standing()
    assert foot_contacts(motion.replace(trans=motion.trans + np.float32([0, 0, 0.04]))).all()


def test_floating_and_jumping_are_no_contact() -> None:
    motion = standing()
    assert not foot_contacts(motion.replace(trans=motion.trans + np.float32([0, 0, 0.5]))).any()
    height = np.zeros((60, 3), dtype=np.float32)
    height[20:40, 2] = 0.3
    contacts = foot_contacts(motion.replace(trans=motion.trans + height))
    assert not contacts[20:40].any()
    assert contacts[:18].all()
    assert contacts[42:].all()


def test_sliding_is_no_contact() -> None:
    motion = standing()
    path = np.outer(np.arange(60) / 30.0, [1.5, 0, 0]).astype(np.float32)
    assert not foot_contacts(motion.replace(trans=motion.trans + path)).any()


def test_lifted_leg_is_told_from_the_other() -> None:
    rotations = standing().rotations.copy()
    rotations[:, skeleton.index('left_hip')] = rotation.from_rotvec([-0.8, 0.0, 0.0])
    rotations[:, skeleton.index('left_knee')] = rotation.from_rotvec([0.8, 0.0, 0.0])
    motion = Motion.from_rotations(rotations, standing().trans, 30.0)
    contacts = foot_contacts(motion)
    assert not contacts[:, :2].any()
    assert contacts[:, 2:].all()


def test_heel_off_keeps_the_ball_down() -> None:
    rotations = standing().rotations.copy()
    rotations[30:, skeleton.index('left_ankle')] = rotation.from_rotvec([0.7, 0.0, 0.0])
    trans = standing().trans.copy()
    trans[30:, 2] += 0.09
    contacts = foot_contacts(Motion.from_rotations(rotations, trans, 30.0))
    assert contacts[:28].all()
    assert not contacts[32:, [0, 2]].any()
    assert contacts[32:, 1].all()


@pytest.mark.parametrize('frames', [0, 1, 7, 40])
def test_cross_fade_lengths_and_ends(frames: int) -> None:
    a, b = random_motion(1), random_motion(2, frames=50)
    joined = cross_fade(a, b, frames)
    assert joined.frames == 40 + 50 - frames
    assert np.array_equal(joined.poses[: 40 - frames], a.poses[: 40 - frames])
    assert np.array_equal(joined.poses[40:], b.poses[frames:])
    assert np.array_equal(joined.trans[40:], b.trans[frames:])
    assert joined.text == a.text


def test_cross_fade_of_a_motion_with_itself_changes_nothing() -> None:
    a = random_motion(3)
    joined = cross_fade(a, a.slice(20), 20)
    assert np.allclose(joined.joint_positions(), a.joint_positions(), atol=1e-5)


def test_cross_fade_is_smooth() -> None:
    a = standing()
    b = a.replace(trans=a.trans + np.float32([0.3, 0.0, 0.0]))
    steps = np.diff(cross_fade(a, b, 30).trans[:, 0])
    assert (steps >= 0).all()
    assert steps.max() < 1.6 * 0.3 / 30
    assert np.abs(np.diff(steps)).max() < 0.002


def test_cross_fade_refuses_what_does_not_fit() -> None:
    a = random_motion(1)
    with pytest.raises(BadRequest, match='0 to 40'):
        cross_fade(a, a, 41)
    with pytest.raises(BadRequest, match='0 to 40'):
        cross_fade(a, a, -1)
    with pytest.raises(BadRequest, match='equal rates'):
        cross_fade(a, a.replace(fps=60.0), 3)
