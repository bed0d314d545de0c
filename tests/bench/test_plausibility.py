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
"""Hand-made motions with a known fault, and the same without it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from l2emg_ros.bench import plausibility
from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import anatomy, rotation, skeleton
from l2emg_ros.motion.motion import Motion

Turns = Mapping[str, tuple[str, tuple[float, ...]]]
# Arms beside the body; in the T pose of SMPL they point out.
HANGING: Turns = {'left_shoulder': ('Z', (-78,)), 'right_shoulder': ('Z', (78,))}
STANDING_PELVIS = 0.091 + 0.379 + 0.398 + skeleton.ANKLE_HEIGHT


def pose(turns: Turns, frames: int = 30) -> Motion:
    """Return a still, standing body with some joints turned, intrinsic Euler angles in degrees."""
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 22, 1))
    rotations[:, 0] = rotation.SMPL_TO_ROS_QUAT
    for name, (sequence, angles) in (HANGING | dict(turns)).items():
        turn = Rotation.from_euler(sequence, angles, degrees=True)
        rotations[:, skeleton.index(name)] = turn.as_quat().reshape(4)
    return Motion.from_rotations(rotations, np.tile([0, 0, STANDING_PELVIS], (frames, 1)), 30.0)


def moved(motion: Motion, x: object = 0.0, z: object = 0.0) -> Motion:
    """Return the motion shifted by (T,) m forward and up."""
    ones = np.ones(motion.frames)
    shift = np.stack([ones * x, ones * 0.0, ones * z], axis=-1)  # type: ignore[operator]
    return motion.replace(trans=motion.trans + shift)


def joined(*motions: Motion) -> Motion:
    return Motion.concatenate(motions)


def perform(gesture: str, emotion: str = 'neutral', seed: int = 0) -> Motion:
    return synthesise(gesture, Emotion(emotion).weights(), np.random.default_rng(seed))


CLOCK = np.arange(30) / 30.0


@pytest.mark.parametrize('speed', [0.05, 0.3, 1.5])
@pytest.mark.parametrize('height', [0.0, 0.04])
def test_a_sliding_body_skates_with_its_speed_however_fast(speed: float, height: float) -> None:
    sliding = moved(pose({}), speed * CLOCK, height)
    assert plausibility.foot_skate(sliding) == pytest.approx(speed, rel=1e-4)


def test_a_still_body_does_not_skate_and_a_lifted_foot_may_swing() -> None:
    assert plausibility.foot_skate(pose({})) == 0.0
    swing = [
        pose({'left_hip': ('X', (angle,)), 'left_knee': ('X', (90,))}, 1)
        for angle in np.linspace(-60, 0, 20)
    ]
    assert plausibility.foot_skate(joined(*swing)) == 0.0


def test_a_foot_that_leaves_the_floor_counts_less() -> None:
    still = np.full(15, 0.0125)
    motion = moved(pose({}), CLOCK, np.concatenate([np.zeros(15), still]))
    low = moved(pose({}), np.concatenate([np.zeros(15), CLOCK[:15]]), motion.trans[:, 2] * 0)
    raised = moved(low, 0.0, np.concatenate([np.zeros(15), still]))
    # Half the contact height weighs 2 - sqrt(2).
    weight = 2.0 - np.sqrt(2.0)
    assert plausibility.foot_skate(low) == pytest.approx(14 / 29, rel=1e-3)
    expected = 14 * weight / (14 + 15 * weight)
    assert plausibility.foot_skate(raised) == pytest.approx(expected, rel=1e-3)


# Name of the angle, turned joints, expected degrees on the left.
ANATOMY: list[tuple[str, Turns, float]] = [
    ('spine flexion', {'spine1': ('X', (20,)), 'spine3': ('X', (15,))}, 35),
    ('spine side bending', {'spine2': ('Z', (12,))}, 12),
    ('spine rotation', {'spine1': ('Y', (10,)), 'spine2': ('Y', (20,))}, 30),
    ('neck flexion', {'neck': ('X', (25,)), 'head': ('X', (15,))}, 40),
    ('neck rotation', {'neck': ('YX', (30, 5)), 'head': ('Y', (0,))}, 30),
    ('hip flexion', {'left_hip': ('XZ', (-70, 10))}, 70),
    ('hip abduction', {'left_hip': ('XZ', (-70, 20))}, 20),
    ('hip outward rotation', {'left_hip': ('XY', (-70, 25))}, 25),
    ('ankle dorsiflexion', {'left_ankle': ('X', (-18,))}, 18),
    ('foot outward rotation', {'left_ankle': ('Y', (22,))}, 22),
    ('pronation', {'left_elbow': ('X', (30,)), 'left_wrist': ('X', (40,))}, 70),
    ('wrist flexion', {'left_wrist': ('Z', (-50,))}, 50),
    ('wrist radial deviation', {'left_wrist': ('Y', (-15,))}, 15),
    ('shoulder extension', {'left_shoulder': ('XZ', (40, -90))}, 40),
]


@pytest.mark.parametrize(('name', 'turns', 'expected'), ANATOMY)
def test_angles_have_their_anatomical_sign_and_size(
    name: str, turns: Turns, expected: float
) -> None:
    motion = pose(turns, 1)
    found = anatomy.joint_angles(motion.rotations)[name][0]
    mirrored = anatomy.joint_angles(motion.mirror().rotations)[name][0]
    # The bones of the arm are up to 6 degrees off the axes of their joints.
    if found.ndim:
        assert found[0] == pytest.approx(expected, abs=6.0)
        np.testing.assert_allclose(mirrored, found[::-1], atol=1e-3)
    else:
        assert found == pytest.approx(expected, abs=0.01)
        sign = 1.0 if 'flexion' in name else -1.0
        assert mirrored == pytest.approx(sign * found, abs=1e-3)


def test_a_bent_elbow_or_knee_adds_to_the_angle_at_rest() -> None:
    straight, bent = (
        anatomy.joint_angles(
            pose({'left_elbow': ('Y', (-angle,)), 'left_knee': ('X', (angle,))}, 1).rotations
        )
        for angle in (0.0, 60.0)
    )
    for hinge in ('elbow', 'knee'):
        change = bent[f'{hinge} flexion'] - straight[f'{hinge} flexion']
        np.testing.assert_allclose(change, [[60.0, 0.0]], atol=1.0)


GOOD: dict[str, Turns] = {
    'standing': {},
    'bowing deeply': dict.fromkeys(('spine1', 'spine2', 'spine3'), ('X', (25,))),
    'sitting': {'left_hip': ('X', (-95,)), 'left_knee': ('X', (95,))},
    'arm overhead': {'left_shoulder': ('ZX', (75, -90))},
    'arm ahead, forearm up': {'left_shoulder': ('YX', (-80, -95)), 'left_elbow': ('Y', (-90,))},
    'elbow folded': {'left_elbow': ('Y', (-140,))},
    'looking over the shoulder': {'neck': ('Y', (35,)), 'head': ('Y', (40,))},
}
BAD: dict[str, Turns] = {
    'elbow bent backwards': {'left_elbow': ('Y', (30,))},
    'elbow bent sideways': {'right_elbow': ('Z', (45,))},
    'knee bent backwards': {'right_knee': ('X', (-25,))},
    'knee bent sideways': {'left_knee': ('Z', (25,))},
    'head turned round': {'neck': ('Y', (55,)), 'head': ('Y', (50,))},
    'folded back': dict.fromkeys(('spine1', 'spine2', 'spine3'), ('X', (-20,))),
    'leg through the other': {'left_hip': ('Z', (-50,))},
    'leg far behind': {'left_hip': ('X', (45,))},
    'foot turned back': {'left_ankle': ('Y', (80,))},
    'arm straight behind': {'left_shoulder': ('Y', (75,))},
    'hand bent back': {'left_wrist': ('Z', (95,))},
    'forearm wrung': {'left_elbow': ('X', (70,)), 'left_wrist': ('X', (70,))},
    'upper arm wrung': {'left_shoulder': ('X', (110,))},
}


@pytest.mark.parametrize('turns', GOOD.values(), ids=GOOD)
def test_what_people_do_is_within_their_range(turns: Turns) -> None:
    assert plausibility.joint_limits(pose(turns)) == 0.0
    assert plausibility.joint_limits(pose(turns).mirror()) == 0.0


@pytest.mark.parametrize('turns', BAD.values(), ids=BAD)
def test_a_joint_that_leaves_its_range_is_caught_on_either_side(turns: Turns) -> None:
    assert plausibility.joint_limits(pose(turns)) == 1.0
    assert plausibility.joint_limits(pose(turns).mirror()) == 1.0


@pytest.mark.parametrize('turns', BAD.values(), ids=BAD)
def test_forearms_alone_are_held(turns: Turns) -> None:
    for motion in (pose(turns, 2), pose(turns, 2).mirror()):
        held = anatomy.hold_forearms(motion.rotations)
        before, after = (anatomy.joint_angles(rotations) for rotations in (motion.rotations, held))
        wrung = np.abs(before.pop('pronation')).max() > 90.0
        assert np.abs(after.pop('pronation')).max() <= 80.0 + anatomy.TOLERANCE
        for name, angle in before.items():
            np.testing.assert_allclose(after[name], angle, atol=1e-6, err_msg=name)
        assert np.array_equal(held, motion.rotations) == (not wrung)
        moved_back = motion.replace(poses=rotation.to_rotvec(held).reshape(2, -1))
        places = motion.joint_positions()
        np.testing.assert_allclose(moved_back.joint_positions(), places, atol=1e-6)


def test_the_share_of_frames_and_the_excess_are_counted() -> None:
    motion = joined(pose({}, 15), pose({'right_knee': ('X', (150,))}, 5))
    assert plausibility.joint_limits(motion) == pytest.approx(0.25)
    excess = anatomy.joint_excess(motion.rotations)
    straight = anatomy.joint_angles(motion.rotations)['knee flexion'][0, 1]
    assert excess['knee flexion'][:15].max() == 0.0
    assert excess['knee flexion'][-1] == pytest.approx(150 + straight - 140, abs=1.0)
    others = [values for name, values in excess.items() if not name.startswith('knee')]
    assert np.max(others) == 0.0


# The forearm points inwards, from an elbow beside the trunk or from one in front of it.
THROUGH: Turns = {'left_shoulder': ('ZX', (-80, 90)), 'left_elbow': ('Y', (-95,))}
ACROSS: Turns = {
    'left_shoulder': ('XZX', (-48, -80, 90)),
    'left_elbow': ('Y', (-95,)),
}


@pytest.mark.parametrize('mirrored', [False, True])
def test_a_forearm_in_the_trunk_is_caught_and_one_before_it_is_not(mirrored: bool) -> None:
    through, across = pose(THROUGH), pose(ACROSS)
    if mirrored:
        through, across = through.mirror(), across.mirror()
    assert plausibility.arm_through_trunk(through).all()
    assert plausibility.trunk_depth(through).min() > 0.08
    assert not plausibility.arm_through_trunk(across).any()
    assert not plausibility.arm_through_trunk(pose({})).any()
    mixed = plausibility.arm_through_trunk(joined(across, through))
    np.testing.assert_array_equal(mixed, np.arange(60) >= 30)


def test_depth_does_not_depend_on_where_the_body_stands_and_follows_the_bent_trunk() -> None:
    upright = plausibility.trunk_depth(pose(THROUGH, 1))
    quarter = rotation.from_rotvec([0.3, 0.2, 1.5])
    turned = pose(THROUGH, 1)
    rotations = np.array(turned.rotations)
    rotations[:, 0] = rotation.multiply(quarter, rotations[:, 0])
    turned = Motion.from_rotations(rotations, turned.trans + 3.0, 30.0)
    np.testing.assert_allclose(plausibility.trunk_depth(turned), upright, atol=1e-5)
    bent = pose({**THROUGH, 'spine1': ('X', (60,))}, 1)
    assert plausibility.trunk_depth(bent)[0] > 0.06


@pytest.mark.parametrize(
    'gesture', ['hug', 'comfort', 'laugh', 'point_self', 'plead', 'hands_on_hips', 'scratch_head']
)
def test_hands_on_the_body_are_no_arms_through_it(gesture: str) -> None:
    for seed, emotion in enumerate(('neutral', 'sad', 'proud', 'excited')):
        motion = perform(gesture, emotion, seed)
        assert not plausibility.arm_through_trunk(motion).any(), emotion
        depth = plausibility.trunk_depth(motion).max()
        assert depth > -0.12, 'nothing touches the trunk'


def test_an_arm_pulled_into_the_chest_of_a_good_gesture_is_caught() -> None:
    motion = perform('hug')
    assert plausibility.joint_limits(motion) == 0.0
    poses = motion.poses.copy()
    middle = motion.frames // 2
    side = skeleton.index('right_shoulder')
    inwards = rotation.from_rotvec([0.0, np.radians(50.0), 0.0])
    turned = rotation.multiply(inwards, motion.rotations[middle, side])
    poses[middle, 3 * side : 3 * side + 3] = rotation.to_rotvec(turned)
    found = plausibility.arm_through_trunk(motion.replace(poses=poses))
    assert np.flatnonzero(found).tolist() == [middle]


def test_jerk_of_a_swaying_body_is_that_of_the_sine() -> None:
    clock = np.arange(300) / 30.0
    motion = moved(pose({}, 300), 0.2 * np.sin(2 * np.pi * 0.5 * clock))
    # 0.2 m at pi rad/s.
    assert plausibility.jerk(motion) == pytest.approx(0.2 * np.pi**3 / np.sqrt(2.0), rel=0.02)


def test_report_counts_motions() -> None:
    good, bent, through = pose({}), pose({'left_knee': ('X', (-25,))}), pose(THROUGH)
    figures = plausibility.report([good, moved(good, CLOCK), bent, through])
    assert figures['foot_skate'] == pytest.approx(0.25, rel=1e-3)
    assert figures['joint_limits_broken'] == 0.25
    assert figures['arms_clear'] == 0.75
    assert figures['jerk'] == pytest.approx(0.0, abs=0.1)


def test_too_little_to_judge_is_refused() -> None:
    with pytest.raises(BadRequest, match='no motion'):
        plausibility.report([])
    with pytest.raises(BadRequest, match='3 frames'):
        plausibility.jerk(pose({}, 3))
    with pytest.raises(BadRequest, match='1 frames'):
        plausibility.foot_skate(pose({}, 1))
