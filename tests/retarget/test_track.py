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

"""Smoothing of whole motions."""

from __future__ import annotations

import numpy as np
import pytest

from l2emg_ros.motion import rotation
from l2emg_ros.retarget.track import smooth, smooth_turns


@pytest.mark.parametrize('count', [1, 3, 4, 5, 9, 60])
@pytest.mark.parametrize('weight', [0.1, 20.0])
def test_smooth_is_the_least_squares_solution(count: int, weight: float) -> None:
    values = np.random.default_rng(count).normal(size=(count, 3))
    third = np.diff(np.eye(count), 3, axis=0) if count > 3 else np.zeros((1, count))
    expected = np.linalg.solve(np.eye(count) + weight * third.T @ third, values)
    assert smooth(values, weight) == pytest.approx(expected, abs=1e-12)


def test_parabolas_stay() -> None:
    time = np.linspace(0.0, 1.0, 30)[:, None]
    values = 1.0 - 2.0 * time + 3.0 * time**2
    assert smooth(values, 1e3) == pytest.approx(values, abs=1e-9)


def test_turns_tremble_less_and_end_where_they_did() -> None:
    rng = np.random.default_rng(0)
    angles = np.linspace(0.0, 2.5, 80)[:, None] * [0.0, 0.0, 1.0]
    clean = rotation.to_matrix(rotation.from_rotvec(angles))
    noise = rotation.to_matrix(rotation.from_rotvec(rng.normal(scale=0.02, size=(80, 3))))
    result = smooth_turns(clean @ noise, 60.0)
    assert result @ np.swapaxes(result, 1, 2) == pytest.approx(
        np.tile(np.eye(3), (80, 1, 1)), abs=1e-9
    )

    def off(turns: np.ndarray) -> float:
        between = rotation.from_matrix(np.swapaxes(clean, 1, 2) @ turns)
        return float(np.linalg.norm(rotation.to_rotvec(between), axis=1).mean())

    assert off(result) < 0.6 * off(clean @ noise)
