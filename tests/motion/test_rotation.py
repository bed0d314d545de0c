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
"""Group axioms of rotations and agreement of the representations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion import rotation

Array = NDArray[np.float64]

_quaternions = (
    hnp.arrays(np.float64, (5, 4), elements=st.floats(-1, 1))
    .filter(lambda q: bool((np.linalg.norm(q, axis=1) > 0.1).all()))
    .map(rotation.normalize)
)
_vectors = hnp.arrays(np.float64, (5, 3), elements=st.floats(-2, 2))
_directions = _vectors.filter(lambda v: bool((np.linalg.norm(v, axis=1) > 0.1).all()))


def _same(first: Array, second: Array) -> None:
    dots = np.abs((first * second).sum(axis=-1))
    np.testing.assert_allclose(dots, 1.0, atol=1e-9)


@given(_quaternions, _quaternions, _vectors)
def test_product_applies_the_right_factor_first(a: Array, b: Array, v: Array) -> None:
    np.testing.assert_allclose(
        rotation.apply(rotation.multiply(a, b), v),
        rotation.apply(a, rotation.apply(b, v)),
        atol=1e-9,
    )


@given(_quaternions)
def test_representations_agree(q: Array) -> None:
    _same(rotation.from_matrix(rotation.to_matrix(q)), q)
    _same(rotation.from_rotvec(rotation.to_rotvec(q)), q)
    _same(rotation.from_6d(rotation.to_6d(q)), q)
    identity = rotation.multiply(q, rotation.inverse(q))
    np.testing.assert_allclose(identity, [[0, 0, 0, 1]] * 5, atol=1e-9)


@given(_directions, _directions)
def test_between_carries_one_direction_onto_the_other(u: Array, v: Array) -> None:
    turned = rotation.apply(rotation.between(u, v), u)
    np.testing.assert_allclose(
        turned / np.linalg.norm(turned, axis=1, keepdims=True),
        v / np.linalg.norm(v, axis=1, keepdims=True),
        atol=1e-4,
    )


def test_between_opposite_directions_is_a_half_turn() -> None:
    u = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(rotation.apply(rotation.between(u, -u), u), -u, atol=1e-12)


@given(_quaternions, _quaternions)
def test_slerp_meets_both_ends_and_halves_the_angle(a: Array, b: Array) -> None:
    _same(rotation.slerp(a, b, np.zeros(5)), a)
    _same(rotation.slerp(a, b, np.ones(5)), b)
    middle = rotation.slerp(a, b, np.full(5, 0.5))

    def angle(p: Array, q: Array) -> Array:
        return np.linalg.norm(
            rotation.to_rotvec(rotation.multiply(rotation.inverse(p), q)), axis=1
        )

    np.testing.assert_allclose(angle(a, middle), angle(a, b) / 2, atol=1e-6)


def test_continuous_chooses_the_near_sign() -> None:
    q = rotation.from_euler('z', np.linspace(0, 7, 50)[:, None])
    jumpy = q * np.where(np.arange(50) % 3, 1.0, -1.0)[:, None]
    smooth = rotation.continuous(jumpy)
    assert ((smooth[1:] * smooth[:-1]).sum(axis=1) > 0).all()
    _same(smooth, q)


def test_smpl_axes_map_to_the_ros_world() -> None:
    left, up, forward = np.eye(3)
    np.testing.assert_allclose(
        rotation.apply(rotation.SMPL_TO_ROS_QUAT, left), [0, 1, 0], atol=1e-12
    )
    np.testing.assert_allclose(
        rotation.apply(rotation.SMPL_TO_ROS_QUAT, up), [0, 0, 1], atol=1e-12
    )
    np.testing.assert_allclose(
        rotation.apply(rotation.SMPL_TO_ROS_QUAT, forward), [1, 0, 0], atol=1e-12
    )
