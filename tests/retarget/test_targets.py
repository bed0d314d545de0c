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
"""Feet as targets: they stay where they stand, and lie flat there."""

from __future__ import annotations

import numpy as np
import pytest

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import Footing, RootPlanner
from l2emg_ros.retarget.targets import Builder, Targets


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def _perform(gesture: str) -> Motion:
    return synthesise(gesture, Emotion('neutral').weights(), np.random.default_rng(2))


def _point(builder: Builder, targets: Targets, name: str) -> np.ndarray:
    """Return a target point from the root link, in the directions of the world."""
    at = targets.points[:, builder.points.index(name)]
    return np.asarray((targets.root @ at[..., None])[..., 0])


def _sole(builder: Builder, targets: Targets, name: str) -> np.ndarray:
    return targets.root @ targets.orientations[:, builder.parts.index(name)]


def _tilted(motion: Motion, degrees: float) -> Motion:
    """Return the motion with toes that point down, as in a skeleton whose feet rest like that."""
    rotations = motion.rotations.copy()
    for side in ('left', 'right'):
        joint = skeleton.index(f'{side}_ankle')
        down = rotation.from_rotvec([np.radians(degrees), 0.0, 0.0])
        rotations[:, joint] = rotation.multiply(rotations[:, joint], down)
    return motion.replace(poses=rotation.to_rotvec(rotations).reshape(motion.frames, -1))


def test_standing_ankles_stay_apart_while_the_knees_bend(g1: Robot) -> None:
    builder, motion = Builder(g1), _perform('squat')
    person = motion.joint_positions()
    sides = [person[:, skeleton.index(f'{side}_ankle')] for side in ('left', 'right')]
    knees = person[:, skeleton.index('left_knee'), 2]
    assert np.ptp(knees) > 0.02
    assert np.ptp(sides[0] - sides[1], axis=0).max() < 0.02

    def wander(exact: bool) -> float:
        targets = builder.build(motion, exact=exact)
        apart = _point(builder, targets, 'l_ankle') - _point(builder, targets, 'r_ankle')
        return float(np.ptp(apart, axis=0).max())

    assert wander(exact=False) < 0.02
    # By the directions of the bones alone they would slide.
    assert wander(exact=False) < 0.7 * wander(exact=True)


@pytest.mark.parametrize('gesture', ['squat', 'dance', 'walk_guide', 'curtsy'])
def test_legs_keep_the_lengths_of_the_robot(g1: Robot, gesture: str) -> None:
    builder, lengths, hips = Builder(g1), g1.limb_lengths(), g1.home_points()
    targets = builder.build(_perform(gesture))
    for side in ('l', 'r'):
        knee, ankle = (
            targets.points[:, builder.points.index(f'{side}_{limb}')] for limb in ('knee', 'ankle')
        )
        thigh = np.linalg.norm(knee - hips[f'{side}_hip'], axis=1)
        np.testing.assert_allclose(thigh, lengths[f'{side}_knee'], rtol=1e-6)
        shin = np.linalg.norm(ankle - knee, axis=1)
        np.testing.assert_allclose(shin, lengths[f'{side}_ankle'], rtol=1e-6)


def test_soles_that_stand_are_flat_however_the_feet_of_the_skeleton_rest(g1: Robot) -> None:
    builder, motion = Builder(g1), _tilted(_perform('nod'), 12.0)
    raised = motion.replace(trans=motion.trans + np.array([0.0, 0.0, 0.3]))
    for name in ('l_sole', 'r_sole'):
        standing, person, off = (
            _sole(builder, targets, name)[:, 2, 2]
            for targets in (
                builder.build(motion),
                builder.build(motion, exact=True),
                builder.build(raised),
            )
        )
        np.testing.assert_allclose(standing, 1.0, atol=1e-6)
        assert person.max() < np.cos(np.radians(8.0))
        np.testing.assert_allclose(off, person, atol=1e-6)


def test_a_foot_that_is_about_to_stand_does_not_drag_the_one_that_stands(g1: Robot) -> None:
    """The right leg swings forward: what it touches lightly must not carry the body along."""
    joints = np.tile(g1.home, (10, 1))
    joints[:, g1.joint_names.index('right_hip_pitch_joint')] -= np.linspace(0.0, 0.4, 10)
    contacts = np.tile([1.0, 1.0, 0.5, 0.3], (10, 1))
    feet = Footing(contacts, np.zeros(10), np.zeros((10, 2)))
    planner = RootPlanner(g1)
    turn = np.tile(np.eye(3), (10, 1, 1))
    root = planner.plan(joints, turn, feet, None)
    parts = planner.parts(planner.corners(joints, turn)) + root[:, None]
    assert np.ptp(parts[:, 2:, 0], axis=0).min() > 0.1
    assert np.ptp(parts[:, :2, :2], axis=0).max() < 0.005
