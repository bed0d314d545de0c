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
from __future__ import annotations

import numpy as np
import pytest

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion import features
from l2emg_ros.motion.finish import finished, Finisher
from l2emg_ros.motion.motion import Motion


@pytest.fixture
def generated() -> np.ndarray:
    """Features as a model makes them: of a motion, with an error in every frame."""
    rng = np.random.default_rng(0)
    encoded = features.encode(synthesise('wave', Emotion('happy').weights(), rng))
    return encoded + rng.normal(0.0, 0.01, encoded.shape)


@pytest.mark.parametrize('size', [1, 7, 40])
def test_pieces_give_what_the_whole_gives(generated: np.ndarray, size: int) -> None:
    whole = finished(generated)
    finisher = Finisher()
    starts = range(0, len(generated), size)
    pieces = [
        finisher.push(generated[at : at + size], last=at + size >= len(generated)) for at in starts
    ]
    joined = Motion.from_rotations(*map(np.concatenate, zip(*pieces, strict=True)), 30.0)
    assert joined.frames == whole.frames == len(generated)
    assert np.abs(joined.joint_positions() - whole.joint_positions()).max() < 1e-9


def test_jitter_goes_and_the_gesture_stays(generated: np.ndarray) -> None:
    def jitter(motion: Motion) -> float:
        return float(np.abs(np.diff(motion.joint_positions()[:, 20:22], n=3, axis=0)).mean())

    raw, played = features.decode(generated), finished(generated)
    assert jitter(played) < 0.3 * jitter(raw)
    hands = [motion.joint_positions()[:, 20:22] for motion in (raw, played)]
    assert np.abs(hands[0] - hands[1]).mean() < 0.03


def test_of_nothing_comes_nothing() -> None:
    rotations, translation = Finisher().push(np.zeros((0, features.FEATURE_DIM)), last=True)
    assert rotations.shape == (0, 22, 4)
    assert translation.shape == (0, 3)
