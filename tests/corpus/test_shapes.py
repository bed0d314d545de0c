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
"""What makes a gesture the gesture it is, whatever the feeling."""

from __future__ import annotations

from corpus.performances import joint, perform, pointing, SIDES
import numpy as np
import pytest

FEELINGS = ('neutral', 'sad', 'fearful', 'excited', 'angry')


@pytest.mark.parametrize('emotion', FEELINGS)
def test_clapping_hands_meet_without_crossing(emotion: str) -> None:
    motion = perform('clap', emotion, 1)
    apart = np.linalg.norm(joint(motion, 'left_wrist') - joint(motion, 'right_wrist'), axis=1)
    assert 0.06 < apart.min() < 0.11


@pytest.mark.parametrize('gesture', ['refuse', 'cry'])
@pytest.mark.parametrize('emotion', FEELINGS)
def test_crossing_forearms_keep_apart(gesture: str, emotion: str) -> None:
    motion = perform(gesture, emotion, 2)
    share = np.linspace(0.0, 1.0, 11)[:, None, None]
    left, right = (
        (1 - share) * joint(motion, f'{side}_elbow') + share * joint(motion, f'{side}_wrist')
        for side in SIDES
    )
    assert np.linalg.norm(left[:, None] - right[None], axis=-1).min() > 0.05
    across = pointing(motion, 'pelvis', [1.0, 0.0, 0.0])
    apart = ((joint(motion, 'left_wrist') - joint(motion, 'right_wrist')) * across).sum(-1)
    assert apart.min() < 0.02


@pytest.mark.parametrize('emotion', FEELINGS)
def test_who_sits_has_the_hips_at_the_knees_and_upright_shanks(emotion: str) -> None:
    motion = perform('talk_seated', emotion, 3)
    height = joint(motion, 'pelvis')[:, 2]
    seated = height < height.min() + 0.02
    assert seated.sum() > 0.35 * motion.frames
    for side in SIDES:
        hip, knee, ankle = (
            joint(motion, f'{side}_{part}')[seated] for part in ('hip', 'knee', 'ankle')
        )
        assert np.abs(hip[:, 2] - knee[:, 2]).max() < 0.06
        lean = np.degrees(np.arctan2(knee[:, 0] - ankle[:, 0], knee[:, 2] - ankle[:, 2]))
        assert np.abs(lean).max() < 12.0
    assert np.ptp(joint(motion, 'pelvis')[seated], axis=0).max() < 0.03


@pytest.mark.parametrize(('gesture', 'sign'), [('turn_left', 1.0), ('turn_right', -1.0)])
@pytest.mark.parametrize('emotion', FEELINGS)
def test_a_turn_ends_with_the_feet_under_the_body(gesture: str, sign: float, emotion: str) -> None:
    motion = perform(gesture, emotion, 4)
    front, left = (pointing(motion, 'pelvis', axis)[-1] for axis in ([0, 0, 1], [1, 0, 0]))
    assert sign * np.degrees(np.arctan2(front[1], front[0])) == pytest.approx(80.0, abs=5.0)
    pelvis = joint(motion, 'pelvis')[-1]
    for side, way in zip(SIDES, (1.0, -1.0), strict=True):
        foot = joint(motion, f'{side}_foot')[-1] - pelvis
        assert 0.07 < way * foot @ left < 0.2
        assert 0.0 < foot @ front < 0.2


@pytest.mark.parametrize('emotion', FEELINGS)
def test_a_scratching_hand_is_behind_the_head(emotion: str) -> None:
    motion = perform('scratch_head', emotion, 5)
    skull = joint(motion, 'head') + 0.09 * pointing(motion, 'head', [0.0, 1.0, 0.0])
    forward = pointing(motion, 'head', [0.0, 0.0, 1.0])
    behind = np.zeros(motion.frames, dtype=bool)
    for side, way in zip(SIDES, (1.0, -1.0), strict=True):
        fingers = 0.145 * pointing(motion, f'{side}_wrist', [way, 0.0, 0.0])
        away = joint(motion, f'{side}_wrist') + fingers - skull
        near = np.linalg.norm(away, axis=1) < 0.22
        behind |= near & ((away * forward).sum(-1) < -0.03)
    assert behind.sum() > 0.25 * motion.frames


@pytest.mark.parametrize('emotion', FEELINGS)
def test_hands_on_hips_touch_them_with_the_elbows_out(emotion: str) -> None:
    motion = perform('hands_on_hips', emotion, 6)
    middle = motion.frames // 2
    left = pointing(motion, 'pelvis', [1.0, 0.0, 0.0])[middle]
    pelvis = joint(motion, 'pelvis')[middle]
    for side, way in zip(SIDES, (1.0, -1.0), strict=True):
        wrist, elbow = (joint(motion, f'{side}_{part}')[middle] for part in ('wrist', 'elbow'))
        assert 0.0 < wrist[2] - pelvis[2] < 0.22
        assert 0.15 < way * (wrist - pelvis) @ left < 0.26
        assert way * (elbow - wrist) @ left > 0.1


@pytest.mark.parametrize('emotion', ['neutral', 'sad', 'tired', 'shy', 'fearful'])
def test_a_wave_is_beside_the_face(emotion: str) -> None:
    for seed in range(4):
        motion = perform('wave', emotion, seed)
        chin = joint(motion, 'head')[:, 2]
        high = np.max([joint(motion, f'{side}_wrist')[:, 2] for side in SIDES], axis=0)
        assert (high > chin - 0.12).sum() > 0.3 * motion.frames
