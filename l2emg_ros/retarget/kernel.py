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

"""The frame solver as one compiled loop; `ik` is the reference and says what is minimised.

Most of the time of a frame in NumPy is spent between its calls. numba compiles this module once
(seconds) and keeps the result beside it, or in its own cache where that is not writable.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

Array = NDArray[np.float64]

_compiled = numba.njit(cache=True)


def tree_of(model: Any) -> tuple[NDArray[Any], ...]:
    """Return the joints of a model, each of one coordinate, as arrays; row 0 is the root.

    Returns:
        Number (J,) of the joint before; placement in its frame, (J, 3, 3) and (J, 3) m; axis
        (J, 3) in the frame of the joint; whether it moves along the axis (J,), not about it.
    """
    data = model.createData()
    pin.computeJointJacobians(model, data, np.zeros(model.nq))
    frames = np.array([placement.rotation for placement in data.oMi])
    linear, angular = data.J[:3].T, data.J[3:].T
    slides = np.concatenate([[False], ~angular.any(axis=1)])
    along = np.where(slides[1:, None], linear, angular)
    axes = np.zeros((model.njoints, 3))
    # At zero a joint has the directions of its placement.
    axes[1:] = np.einsum('jki,jk->ji', frames[1:], along)
    turns = np.array([placement.rotation for placement in model.jointPlacements])
    offsets = np.array([placement.translation for placement in model.jointPlacements])
    return np.array(list(model.parents), dtype=np.int64), turns, offsets, axes, slides


@_compiled
def solve(  # type: ignore[no-untyped-def]
    q,
    tilt,
    points,
    costs,
    orientations,
    lower,
    upper,
    steps,
    small,
    rounds,
    diagonal,
    caution,
    damping,
    posture,
    home,
    counted,
    root_box,
    tree,
    joints,
    places,
    part_axes,
    masks,
):
    """Solve one frame; see `ik.FrameSolver.solve`.

    Args:
        q: (N,) rad, the frame before.
        tilt: (3, 3), rotation of the root there.
        points: (K, 3) m, targets.
        orientations: (M, 3, 3) targets.
        lower: (N,) rad, the box of this frame.
        upper: (N,) rad.
        steps: Most Gauss-Newton steps.
        small: A step in which nothing moves by more, rad, is the last.
        rounds: Of the active set.
        diagonal: (N + 3,) added to the normal matrix.
        caution: What is added for each unit of cost that is left.
        damping: (N,) pull back to ``q``.
        posture: (N + 3,) pull to ``home`` and to no tilt.
        home: (N,) rad.
        costs: (3 K + 3 M,).
        counted: (K,) points that count for the miss.
        root_box: (3,) rad, most that the root turns in a step.
        tree: What `tree_of` returns.
        joints: (K + M,) joint that carries each target.
        places: (K, 3) m in its frame.
        part_axes: (M, 3, 3) in its frame.
        masks: (K + M, N) whether a joint moves a target.

    Returns:
        Joint angles (N,), tilt (3, 3) and miss in m.
    """
    parents, turns, offsets, axes, slides = tree
    count, parts, size = len(points), len(orientations), len(q)
    whole = size + 3
    previous = q
    q = q.copy()
    frames, at = np.empty((len(parents), 3, 3)), np.zeros((len(parents), 3))
    frames[0] = np.eye(3)
    world, place = np.zeros((len(parents), 3)), np.empty(3)
    frame, wanted, between = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    # What stays zero in every step is written nowhere.
    jacobian = np.zeros((3 * (count + parts), whole))
    error = np.empty(3 * (count + parts))
    miss = 0.0
    for _ in range(steps):
        for j in range(1, len(parents)):
            before = parents[j]
            _multiply(frames[before], turns[j], frame)
            for i in range(3):
                at[j, i] = at[before, i]
                world[j, i] = 0.0
                for n in range(3):
                    at[j, i] += frames[before, i, n] * offsets[j, n]
                    world[j, i] += frame[i, n] * axes[j, n]
            if slides[j]:
                at[j] += q[j - 1] * world[j]
                frames[j] = frame
            else:
                _multiply(frame, _turn(axes[j], q[j - 1]), frames[j])
        miss = 0.0
        for k in range(count):
            j = joints[k]
            away = 0.0
            for i in range(3):
                place[i] = at[j, i]
                error[3 * k + i] = 0.0
                for n in range(3):
                    place[i] += frames[j, i, n] * places[k, n]
                    error[3 * k + i] += points[k, n] * tilt[n, i]
                error[3 * k + i] -= place[i]
                away += error[3 * k + i] ** 2
            if counted[k]:
                miss = max(miss, away)
            for n in range(size):
                if not masks[k, n]:
                    continue
                if slides[n + 1]:
                    for i in range(3):
                        jacobian[3 * k + i, n] = world[n + 1, i]
                    continue
                x, y, z = world[n + 1]
                u, v, w = place[0] - at[n + 1, 0], place[1] - at[n + 1, 1], place[2] - at[n + 1, 2]
                jacobian[3 * k, n] = y * w - z * v
                jacobian[3 * k + 1, n] = z * u - x * w
                jacobian[3 * k + 2, n] = x * v - y * u
            jacobian[3 * k, size + 1], jacobian[3 * k, size + 2] = place[2], -place[1]
            jacobian[3 * k + 1, size], jacobian[3 * k + 1, size + 2] = -place[2], place[0]
            jacobian[3 * k + 2, size], jacobian[3 * k + 2, size + 1] = place[1], -place[0]
        for m in range(parts):
            k = count + m
            _multiply(frames[joints[k]], part_axes[m], frame)
            _multiply(tilt.T, orientations[m], wanted)
            _multiply(wanted, frame.T, between)
            turn = _log(between)
            for i in range(3):
                error[3 * k + i] = turn[i]
                jacobian[3 * k + i, size + i] = 1.0
                for n in range(size):
                    if masks[k, n] and not slides[n + 1]:
                        jacobian[3 * k + i, n] = world[n + 1, i]
        weighted = (jacobian * costs.reshape(-1, 1)).T
        normal = weighted @ jacobian
        right = weighted @ error
        away_tilt = _log(tilt)
        for n in range(size):
            right[n] += posture[n] * (home[n] - q[n]) + damping[n] * (previous[n] - q[n])
        for n in range(3):
            right[size + n] -= posture[size + n] * away_tilt[n]
        missed = caution * (costs * error**2).sum()
        for n in range(whole):
            normal[n, n] += diagonal[n] + missed
        low, high = np.empty(whole), np.empty(whole)
        low[:size], high[:size] = lower - q, upper - q
        low[size:], high[size:] = -root_box, root_box
        step = _solve_box(normal, right, low, high, rounds)
        q += step[:size]
        tilt = tilt @ _exp(step[size:])
        if np.abs(step).max() < small:
            break
    return np.minimum(np.maximum(q, lower), upper), tilt, np.sqrt(miss)


@_compiled
def _solve_box(normal, right, low, high, rounds):  # type: ignore[no-untyped-def]
    """Minimise in a box by the active set of `ik.solve_box`."""
    whole = len(right)
    solution = _solve(normal, right)
    fixed = np.zeros(whole, dtype=np.bool_)
    for _ in range(rounds):
        outside = False
        for n in range(whole):
            if not fixed[n] and (solution[n] < low[n] or solution[n] > high[n]):
                fixed[n] = True
                outside = True
        if not outside:
            break
        solution = np.minimum(np.maximum(solution, low), high)
        free = np.flatnonzero(~fixed)
        if len(free) == 0:
            break
        part, rest = np.empty((len(free), len(free))), np.empty(len(free))
        for a in range(len(free)):
            rest[a] = right[free[a]]
            for n in range(whole):
                if fixed[n]:
                    rest[a] -= normal[free[a], n] * solution[n]
            for b in range(len(free)):
                part[a, b] = normal[free[a], free[b]]
        found = _solve(part, rest)
        for a in range(len(free)):
            solution[free[a]] = found[a]
    return np.minimum(np.maximum(solution, low), high)


@_compiled
def _solve(normal, right):  # type: ignore[no-untyped-def]
    """Solve a symmetric positive definite system by Cholesky."""
    size = len(right)
    lower, x = np.empty((size, size)), right.copy()
    for i in range(size):
        for j in range(i + 1):
            total = normal[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(total) if i == j else total / lower[j, j]
    for i in range(size):
        for k in range(i):
            x[i] -= lower[i, k] * x[k]
        x[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            x[i] -= lower[k, i] * x[k]
        x[i] /= lower[i, i]
    return x


@_compiled
def _multiply(a, b, out):  # type: ignore[no-untyped-def]
    """Write the product of two (3, 3) matrices."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]


@_compiled
def _turn(axis, angle):  # type: ignore[no-untyped-def]
    """Return the rotation about a unit axis."""
    x, y, z = axis
    c, s = np.cos(angle), np.sin(angle)
    v = 1.0 - c
    return np.array(
        [
            [c + x * x * v, x * y * v - z * s, x * z * v + y * s],
            [y * x * v + z * s, c + y * y * v, y * z * v - x * s],
            [z * x * v - y * s, z * y * v + x * s, c + z * z * v],
        ]
    )


@_compiled
def _exp(vector):  # type: ignore[no-untyped-def]
    angle = np.sqrt((vector**2).sum())
    if angle < 1e-12:
        return np.eye(3)
    return _turn(vector / angle, angle)


@_compiled
def _log(m):  # type: ignore[no-untyped-def]
    vector = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    double_sine = np.sqrt((vector**2).sum())
    angle = np.arctan2(double_sine, m[0, 0] + m[1, 1] + m[2, 2] - 1.0)
    return vector * (angle / double_sine if double_sine > 1e-9 else 0.5)
