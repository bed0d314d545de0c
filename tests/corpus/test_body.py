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
"""What a body can do: every gesture stands, bends and moves like one."""

from __future__ import annotations

from collections.abc import Callable

from corpus.performances import (
    clips,
    distance_to_segment,
    flexion,
    foot_slide,
    joint,
    pointing,
    SIDES,
)
import numpy as np
import pytest

from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion

TRUNK_RADIUS = 0.14
"""Of the capsule from pelvis to neck, m: hands may touch the chest but not enter it."""
ELBOW_CLEARANCE = 0.19


def _worst(measure: Callable[[Motion], float]) -> tuple[float, str]:
    """Return the largest value of a measure over all clips, and the clip."""
    return max((measure(motion), name) for name, motion in clips().items())


def test_every_clip_is_finite_and_of_natural_length() -> None:
    for name, motion in clips().items():
        assert np.isfinite(motion.poses).all(), name
        assert np.isfinite(motion.trans).all(), name
        assert motion.fps == 30.0, name
        assert 2.0 - 1 / 30 <= motion.duration <= 6.0 + 1 / 30, name


def test_planted_feet_do_not_slide() -> None:
    slide, name = _worst(foot_slide)
    assert slide < 0.003, name


def test_feet_stand_on_the_floor_and_never_below() -> None:
    feet = [skeleton.index(f'{side}_{part}') for side in SIDES for part in ('ankle', 'foot')]
    sole = np.array([skeleton.ANKLE_HEIGHT, skeleton.FOOT_HEIGHT] * 2)
    for name, motion in clips().items():
        heights = motion.joint_positions()[:, feet, 2] - sole
        assert heights.min() > -0.001, name
        assert heights.min(axis=1).max() < 0.001, f'{name}: both feet off the floor'
        assert motion.joint_positions()[..., 2].min() > 0.015, name


def _depth_in_trunk(motion: Motion) -> float:
    """Return the largest m by which wrist, forearm or elbow enter their room around the trunk."""
    pelvis, neck = joint(motion, 'pelvis'), joint(motion, 'neck')
    depth = -np.inf
    for side in SIDES:
        elbow, wrist = joint(motion, f'{side}_elbow'), joint(motion, f'{side}_wrist')
        for point, room in (
            (wrist, TRUNK_RADIUS),
            (0.5 * (wrist + elbow), TRUNK_RADIUS),
            (elbow, ELBOW_CLEARANCE),
        ):
            depth = max(depth, room - distance_to_segment(point, pelvis, neck).min())
    return float(depth)


def test_arms_stay_out_of_the_trunk() -> None:
    depth, name = _worst(_depth_in_trunk)
    assert depth < 0.0, name


def test_hands_stay_out_of_the_head() -> None:
    centre = np.array([0.0, 0.08, 0.03])
    for name, motion in clips().items():
        head = joint(motion, 'head') + pointing(motion, 'head', centre)
        for side in SIDES:
            assert np.linalg.norm(joint(motion, f'{side}_wrist') - head, axis=1).min() > 0.07, name


@pytest.mark.parametrize('hinge', ['elbow', 'knee'])
def test_hinges_bend_one_way_and_never_lock(hinge: str) -> None:
    for name, motion in clips().items():
        for side in SIDES:
            angle = flexion(motion, side, hinge)
            assert angle.min() > 3.0, name
            assert angle.max() < 145.0, name


def test_knees_point_forward() -> None:
    for name, motion in clips().items():
        forward = pointing(motion, 'pelvis', [0.0, 0.0, 1.0])
        for side in SIDES:
            hip, knee, ankle = (
                joint(motion, f'{side}_{part}') for part in ('hip', 'knee', 'ankle')
            )
            line = ankle - hip
            share = ((knee - hip) * line).sum(-1, keepdims=True) / (line**2).sum(-1, keepdims=True)
            assert ((knee - hip - share * line) * forward).sum(-1).min() > 0.0, name


def _largest_turn(motion: Motion) -> float:
    between = rotation.multiply(rotation.inverse(motion.rotations[:-1]), motion.rotations[1:])
    return float(np.degrees(np.linalg.norm(rotation.to_rotvec(between), axis=-1).max()))


def test_no_joint_jumps_between_frames() -> None:
    turn, name = _worst(_largest_turn)
    assert turn < 45.0, name


def test_a_gesture_starts_and_ends_standing_relaxed() -> None:
    for name, motion in clips().items():
        for frame in (0, -1):
            for side in SIDES:
                wrist = motion.joint_positions()[frame, skeleton.index(f'{side}_wrist')]
                shoulder = motion.joint_positions()[frame, skeleton.index(f'{side}_shoulder')]
                assert wrist[2] < shoulder[2] - 0.3, name
