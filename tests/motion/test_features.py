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
"""The 140 features: exact way back, pieces equal to the whole, heading independence."""

from __future__ import annotations

import numpy as np
import pytest
from samples import random_motion

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import features, rotation
from l2emg_ros.motion.motion import Motion


def _turned(motion: Motion, yaw: float, shift: tuple[float, float, float]) -> Motion:
    turn = rotation.from_euler('z', [yaw])
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    moved = rotation.apply(turn, motion.root_translation) + shift
    return Motion.from_rotations(rotations, moved, motion.fps)


def test_decoding_gives_the_motion_back_up_to_where_it_starts() -> None:
    motion = random_motion(3)
    back = features.decode(features.encode(motion))
    yaw = features.heading(motion.rotations[:, 0])[0]
    start = motion.root_translation[0] * [1, 1, 0]
    placed = _turned(_turned(motion, 0.0, tuple(-start)), -yaw, (0, 0, 0))
    np.testing.assert_allclose(back.joint_positions(), placed.joint_positions(), atol=1e-4)


def test_features_do_not_depend_on_place_and_heading() -> None:
    motion = random_motion(4)
    np.testing.assert_allclose(
        features.encode(_turned(motion, 2.0, (5.0, -3.0, 0.0))), features.encode(motion), atol=1e-3
    )


@pytest.mark.parametrize('size', [1, 3, 7])
def test_pieces_of_any_size_decode_to_the_whole(size: int) -> None:
    encoded = features.encode(random_motion(5))
    whole = features.FeatureDecoder().push(encoded)
    decoder = features.FeatureDecoder()
    pieces = [decoder.push(encoded[i : i + size]) for i in range(0, len(encoded), size)]
    for k in range(2):
        joined = np.concatenate([piece[k] for piece in pieces])
        np.testing.assert_allclose(joined, whole[k], atol=1e-12)


@pytest.mark.parametrize('size', [1, 3, 7])
def test_smoothing_pieces_of_any_size_gives_the_whole(size: int) -> None:
    encoded = features.encode(random_motion(5))
    whole = features.Smoother().push(encoded, last=True)
    smoother = features.Smoother()
    starts = range(0, len(encoded), size)
    pieces = [smoother.push(encoded[i : i + size], last=i == starts[-1]) for i in starts]
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-12)


def test_smoothing_keeps_lines_and_takes_out_what_alternates() -> None:
    line = np.arange(20.0)[:, None] * np.ones(features.FEATURE_DIM)
    smooth = features.Smoother().push(line, last=True)
    np.testing.assert_allclose(smooth[2:-2], line[2:-2], atol=1e-12)
    jitter = np.tile(np.array([[1.0], [-1.0]]), (10, features.FEATURE_DIM))
    assert float(np.abs(features.Smoother().push(jitter, last=True)[2:-2]).max()) < 1e-12


def test_smoothing_holds_two_frames_back_and_gives_them_up_at_the_end() -> None:
    encoded = features.encode(random_motion(5))
    smoother = features.Smoother()
    assert len(smoother.push(encoded[:10], last=False)) == 10 - features.Smoother.LOOK_AHEAD
    assert len(smoother.push(encoded[:0], last=True)) == features.Smoother.LOOK_AHEAD
    assert len(features.Smoother().push(encoded[:1], last=True)) == 1
    assert len(features.Smoother().push(encoded[:0], last=True)) == 0


def test_other_rates_and_widths_are_refused() -> None:
    with pytest.raises(MotionFormatError, match='30 fps'):
        features.encode(random_motion(fps=60.0))
    with pytest.raises(MotionFormatError, match='140'):
        features.FeatureDecoder().push(np.zeros((4, 263)))
