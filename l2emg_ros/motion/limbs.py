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
"""Bones in space: rotations about axes and two-bone chains in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def axis_angle(axis: Array, angle: Array) -> Array:
    """Return (T, 3, 3) rotations about (T, 3) or (3,) unit axes by (T,) angles."""
    x, y, z = np.moveaxis(np.broadcast_to(axis, (*np.shape(angle), 3)), -1, 0)
    c, s = np.cos(angle), np.sin(angle)
    v = 1.0 - c
    rows = [
        [c + x * x * v, x * y * v - z * s, x * z * v + y * s],
        [y * x * v + z * s, c + y * y * v, y * z * v - x * s],
        [z * x * v - y * s, z * y * v + x * s, c + z * z * v],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def unit(vectors: Array) -> Array:
    """Return (..., 3) vectors at length 1; zero stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def angle(first: Array, second: Array) -> Array:
    """Return the angles (...) rad between (..., 3) directions; exact near 0 and pi."""
    sine = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.asarray(np.arctan2(sine, (first * second).sum(axis=-1)))


def turn(matrix: Array, vector: Array) -> Array:
    """Apply (T, 3, 3) to (3,) or (T, 3)."""
    return np.einsum('tij,j->ti' if vector.ndim == 1 else 'tij,tj->ti', matrix, vector)


def frame(along: Array, hinge: Array) -> Array:
    """Return (..., 3, 3) frames with the first axis ``along`` and the second near ``hinge``."""
    first = unit(along)
    second = unit(hinge - (hinge * first).sum(-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def heading(matrices: Array) -> Array:
    """Return the rotations about the vertical (..., 3, 3) that face where ``matrices`` face.

    The direction is that of the forward axis or, when it points up or down, of the up axis: a
    person who bends forward by 90 degrees still faces forward.
    """
    # forward - (its height) * up stays horizontal and defined through a deep bow.
    forward = matrices[..., :2, 0] - matrices[..., 2:, 0] * matrices[..., :2, 2]
    yaw = np.arctan2(forward[..., 1], forward[..., 0])
    cosine, sine, zero = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)
    rows = [cosine, -sine, zero, sine, cosine, zero, zero, zero, zero + 1.0]
    return np.stack(rows, axis=-1).reshape(matrices.shape)


def two_bones(
    start: Array,
    target: Array,
    pole: Array,
    lengths: tuple[float, float],
    bounds: tuple[float, float],
) -> tuple[Array, Array]:
    """Return the middle joint and the end of a two-bone chain that reaches for ``target``.

    Args:
        start: (T, 3) fixed end.
        target: (T, 3) wanted end; pulled in smoothly where out of reach.
        pole: (T, 3) unit, perpendicular to the line to the target: where the middle joint goes.
        lengths: Of the two bones.
        bounds: Shares of the full length where the pulling in starts and where it ends.
    """
    upper, lower = lengths
    line = target - start
    distance = np.linalg.norm(line, axis=-1, keepdims=True)
    full = upper + lower
    soft, span = bounds[0], bounds[1] - bounds[0]
    excess = np.maximum(distance / full - soft, 0.0) / span
    reach = np.minimum(distance, full * (soft + span * np.tanh(excess)))
    reach = np.maximum(reach, 0.35 * full)
    along = line / np.maximum(distance, 1e-9)
    cosine = np.clip((upper**2 + reach**2 - lower**2) / (2 * upper * reach), -1.0, 1.0)
    middle = start + upper * (cosine * along + np.sqrt(1.0 - cosine**2) * pole)
    return middle, start + reach * along


def bone_rotations(
    points: tuple[Array, Array, Array], rest: tuple[Array, Array], hinge: Array
) -> tuple[Array, Array]:
    """Return the global rotations of two bones through three points, flexing about ``hinge``."""
    upper, lower = points[1] - points[0], points[2] - points[1]
    normal = np.cross(unit(upper), unit(lower))
    turned = frame(upper, normal) @ frame(rest[0], hinge).T
    return turned, frame(lower, normal) @ frame(rest[1], hinge).T
