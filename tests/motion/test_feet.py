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
"""Feet in contact stay, whatever the input does, and the rest of the body hardly notices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import pytest

from l2emg_ros.bench import plausibility
from l2emg_ros.corpus.dataset import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion import anatomy, rotation, skeleton
from l2emg_ros.motion.blend import CONTACT_JOINTS, foot_contacts
from l2emg_ros.motion.features import FPS
from l2emg_ros.motion.feet import FootLock
from l2emg_ros.motion.motion import Motion

FEET = [skeleton.index(name) for name in CONTACT_JOINTS]


def _clip(gesture: str) -> Motion:
    return synthesise(gesture, Emotion('neutral').weights(), np.random.default_rng(3))


def _locked(motion: Motion, contacts: NDArray[np.floating] | None = None) -> Motion:
    told = foot_contacts(motion) if contacts is None else contacts
    rotations, root = FootLock().push(motion.rotations, motion.root_translation, told)
    return Motion.from_rotations(rotations, root, FPS)


def _drifting(motion: Motion, speed: float) -> Motion:
    """Return the motion with its body pushed along the ground and its legs trembling."""
    rng = np.random.default_rng(4)
    trans = motion.root_translation.copy()
    trans[:, 0] += speed * np.arange(motion.frames) / FPS
    rotations = motion.rotations.copy()
    legs = [skeleton.index(f'{s}_{j}') for s in ('left', 'right') for j in ('hip', 'knee')]
    noise = rotation.from_rotvec(rng.normal(scale=0.01, size=(motion.frames, len(legs), 3)))
    rotations[:, legs] = rotation.multiply(rotations[:, legs], noise)
    return Motion.from_rotations(rotations, trans, FPS)


@pytest.mark.parametrize('gesture', ['wave', 'bow', 'step_forward'])
def test_wandering_feet_stay(gesture: str) -> None:
    clean = _clip(gesture)
    drifting = _drifting(clean, 0.05)
    contacts = foot_contacts(clean)
    before, after = (plausibility.foot_skate(m) for m in (drifting, _locked(drifting, contacts)))
    assert before > 0.04
    assert after < 0.1 * before


def test_what_already_stands_still_is_left_alone() -> None:
    motion = _clip('wave')
    locked = _locked(motion)
    error = np.abs(locked.joint_positions() - motion.joint_positions())
    assert float(error.max()) < 2e-3


def test_a_long_drift_leaves_the_legs_as_they_were() -> None:
    """The body follows its feet: after ten seconds the knees are no more bent than before."""
    motion = _clip('wave')
    long = Motion.concatenate([motion] * round(10 * FPS / motion.frames))
    drifting = _drifting(long, 0.1)
    locked = _locked(drifting, np.ones((long.frames, 4)))
    assert np.ptp(drifting.root_translation[:, 0]) > 0.9
    assert np.ptp(locked.root_translation[:, 0]) < 0.15


def test_without_contact_nothing_changes() -> None:
    motion = _clip('wave')
    locked = _locked(motion, np.zeros((motion.frames, 4)))
    assert float(np.abs(locked.joint_positions() - motion.joint_positions()).max()) < 2e-3


def test_a_raised_heel_turns_about_the_ball() -> None:
    motion = _drifting(_clip('wave'), 0.05)
    contacts = np.zeros((motion.frames, 4))
    contacts[:, 1] = 1.0
    ball = _locked(motion, contacts).joint_positions()[:, skeleton.index('left_foot'), :2]
    assert float(np.ptp(ball, axis=0).max()) < 1e-3


def test_a_standing_heel_alone_stays() -> None:
    motion = _drifting(_clip('wave'), 0.05)
    contacts = np.zeros((motion.frames, 4))
    contacts[:, 2] = 1.0
    heel = _locked(motion, contacts).joint_positions()[:, skeleton.index('right_ankle'), :2]
    assert float(np.ptp(heel, axis=0).max()) < 1e-3


def test_a_step_ends_where_it_came_down_and_starts_without_a_jump() -> None:
    motion = _drifting(_clip('step_forward'), 0.05)
    contacts = foot_contacts(_clip('step_forward'))
    moved = np.diff(_locked(motion, contacts).joint_positions()[:, FEET], axis=0) * FPS
    free = np.diff(motion.joint_positions()[:, FEET], axis=0) * FPS
    assert np.linalg.norm(moved, axis=-1).max() < 1.3 * np.linalg.norm(free, axis=-1).max()


@pytest.mark.parametrize('size', [1, 7, 30])
def test_pieces_give_the_same_result(size: int) -> None:
    motion = _drifting(_clip('step_forward'), 0.05)
    contacts = foot_contacts(motion)
    whole = FootLock().push(motion.rotations, motion.root_translation, contacts)
    lock = FootLock()
    pieces = [
        lock.push(motion.rotations[k : k + size], motion.root_translation[k : k + size],
                  contacts[k : k + size])
        for k in range(0, motion.frames, size)
    ]  # fmt: skip
    for number in range(2):
        joined = np.concatenate([piece[number] for piece in pieces])
        np.testing.assert_allclose(joined, whole[number], atol=1e-9)


def test_an_empty_piece_is_nothing() -> None:
    rotations, root = FootLock().push(np.zeros((0, 22, 4)), np.zeros((0, 3)), np.zeros((0, 4)))
    assert rotations.shape == (0, 22, 4)
    assert root.shape == (0, 3)


def test_a_slow_low_step_is_followed_and_knees_stay_hinges() -> None:
    """The foot that glides behind the other in a curtsy never looks lifted."""
    motion = _clip('curtsy')
    locked = _locked(motion, np.ones((motion.frames, 4)))
    apart = (np.ptp(m.joint_positions()[:, FEET[1]] - m.joint_positions()[:, FEET[3]], axis=0)
             for m in (motion, locked))  # fmt: skip
    wanted, made = apart
    assert float(np.linalg.norm(made - wanted)) < 0.1 < float(np.linalg.norm(wanted))
    bent = anatomy.joint_angles(locked.rotations)['knee side bending']
    assert float(np.abs(bent).max()) < 2.0


def test_knees_bend_forwards_and_bones_keep_their_length() -> None:
    motion = _drifting(_clip('bow'), 0.1)
    locked = _locked(motion, np.ones((motion.frames, 4)))
    assert float(anatomy.joint_angles(locked.rotations)['knee flexion'].min()) > 0.0
    assert np.isfinite(locked.joint_positions()).all()
