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

"""Rotations with any leading dimensions, on scipy; quaternions are xyzw, rotating columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

# Columns: SMPL's axes (x left, y up, z forward) in the ROS world (x forward, y left, z up).
SMPL_TO_ROS: Array = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
SMPL_TO_ROS_QUAT: Array = Rotation.from_matrix(SMPL_TO_ROS).as_quat()


def _convert(values: ArrayLike, read: Any, write: str, axes: int = 1) -> Array:
    """Convert between representations, keeping the leading dimensions."""
    array = np.asarray(values, dtype=np.float64)
    lead = array.shape[: array.ndim - axes]
    if array.size == 0:
        empty = getattr(Rotation.identity(), write)()
        return np.zeros(lead + empty.shape)
    flat = array.reshape((-1, *array.shape[array.ndim - axes :]))
    result = np.asarray(getattr(read(flat), write)())
    return result.reshape(lead + result.shape[1:])


def normalize(quaternion: ArrayLike) -> Array:
    """Return (..., 4) quaternions scaled to length 1."""
    array = np.asarray(quaternion, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array, axis=-1, keepdims=True))


def to_matrix(quaternion: ArrayLike) -> Array:
    """Return (..., 3, 3) rotation matrices of (..., 4) quaternions."""
    return _convert(quaternion, Rotation.from_quat, 'as_matrix')


def from_matrix(matrix: ArrayLike) -> Array:
    """Return (..., 4) quaternions of (..., 3, 3) rotation matrices."""
    return _convert(matrix, Rotation.from_matrix, 'as_quat', axes=2)


def to_rotvec(quaternion: ArrayLike) -> Array:
    """Return (..., 3) axis-angle vectors in radians, of length at most pi."""
    return _convert(quaternion, Rotation.from_quat, 'as_rotvec')


def from_rotvec(rotvec: ArrayLike) -> Array:
    """Return (..., 4) quaternions of (..., 3) axis-angle vectors in radians."""
    return _convert(rotvec, Rotation.from_rotvec, 'as_quat')


def from_euler(sequence: str, angles: ArrayLike) -> Array:
    """Return (..., 4) quaternions of (..., k) Euler angles in radians.

    Args:
        sequence: Axes as in scipy: 'ZXY' intrinsic, 'zxy' extrinsic.
        angles: (..., len(sequence)) angles; a single axis keeps its last dimension of 1.
    """
    return _convert(angles, lambda flat: Rotation.from_euler(sequence, flat), 'as_quat')


def multiply(first: ArrayLike, second: ArrayLike) -> Array:
    """Return the Hamilton product: rotate by ``second``, then by ``first``; shapes broadcast."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    ax, ay, az, aw = np.moveaxis(a, -1, 0)
    bx, by, bz, bw = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=-1,
    )


def inverse(quaternion: ArrayLike) -> Array:
    """Return the inverse of (..., 4) unit quaternions."""
    return np.asarray(quaternion, dtype=np.float64) * np.array([-1.0, -1.0, -1.0, 1.0])


def apply(quaternion: ArrayLike, vector: ArrayLike) -> Array:
    """Rotate (..., 3) vectors by (..., 4) unit quaternions; leading shapes broadcast."""
    q, v = np.asarray(quaternion, dtype=np.float64), np.asarray(vector, dtype=np.float64)
    cross = 2.0 * np.cross(q[..., :3], v)
    return np.asarray(v + q[..., 3:] * cross + np.cross(q[..., :3], cross))


def between(source: ArrayLike, target: ArrayLike) -> Array:
    """Return the shortest rotations that carry (..., 3) directions onto others.

    Opposite directions turn about an axis perpendicular to ``source``.
    """
    a, b = np.broadcast_arrays(
        np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    )
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    cosine = (a * b).sum(axis=-1, keepdims=True)
    result = np.concatenate([np.cross(a, b), 1.0 + cosine], axis=-1)
    opposite = cosine[..., 0] < -1.0 + 1e-9
    if np.any(opposite):
        flipped = a[opposite]
        helper = np.eye(3)[np.abs(flipped).argmin(axis=-1)]
        axis = np.cross(flipped, helper)
        result[opposite] = np.concatenate([axis, np.zeros((len(axis), 1))], axis=-1)
    return normalize(result)


def continuous(quaternion: ArrayLike) -> Array:
    """Choose signs so that neighbours along the first axis lie in the same hemisphere.

    Args:
        quaternion: (T, ..., 4).

    Returns:
        The same rotations; q and -q are one rotation, but only one of them interpolates well.
    """
    array = np.array(quaternion, dtype=np.float64)
    if len(array) > 1:
        dots = (array[1:] * array[:-1]).sum(axis=-1)
        signs = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
        array[1:] *= signs[..., None]
    return array


def slerp(start: ArrayLike, stop: ArrayLike, fraction: ArrayLike) -> Array:
    """Interpolate on the shortest arc.

    Args:
        start: (..., 4) rotations at fraction 0.
        stop: (..., 4) rotations at fraction 1.
        fraction: (...) numbers, broadcast against the leading shape.

    Returns:
        (..., 4) unit quaternions.
    """
    a = np.asarray(start, dtype=np.float64)
    delta = multiply(inverse(a), stop)
    delta = np.where(delta[..., 3:] < 0, -delta, delta)
    length = np.linalg.norm(delta[..., :3], axis=-1)
    angle = np.arctan2(length, delta[..., 3]) * np.asarray(fraction, dtype=np.float64)
    axis = delta[..., :3] / np.maximum(length, 1e-12)[..., None]
    step = np.concatenate([axis * np.sin(angle)[..., None], np.cos(angle)[..., None]], axis=-1)
    return normalize(multiply(a, step))


def to_6d(quaternion: ArrayLike) -> Array:
    """Return (..., 6): the first two columns of the rotation matrices (Zhou et al., CVPR 2019)."""
    matrix = to_matrix(quaternion)
    return np.concatenate([matrix[..., :, 0], matrix[..., :, 1]], axis=-1)


def from_6d(values: ArrayLike) -> Array:
    """Return (..., 4) quaternions of (..., 6) numbers by Gram-Schmidt."""
    array = np.asarray(values, dtype=np.float64)
    first = array[..., :3] / np.maximum(
        np.linalg.norm(array[..., :3], axis=-1, keepdims=True), 1e-9
    )
    rest = array[..., 3:] - (first * array[..., 3:]).sum(axis=-1, keepdims=True) * first
    second = rest / np.maximum(np.linalg.norm(rest, axis=-1, keepdims=True), 1e-9)
    return from_matrix(np.stack([first, second, np.cross(first, second)], axis=-1))
