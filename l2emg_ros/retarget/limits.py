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

"""Joint curves that hold position, velocity and acceleration limits at every instant.

A curve is a uniform cubic B-spline with knots ``step`` seconds apart. With control points c,

    q_k = (c_k + 4 c_k+1 + c_k+2) / 6      v_k = (c_k+2 - c_k) / (2 step)
    a_k = (c_k - 2 c_k+1 + c_k+2) / step^2

at knot k, and by the convex hull property the curve stays inside the limits *between* the knots
too when the control points do:

    lower <= c <= upper      |c_k+1 - c_k| <= velocity step      |second difference| <= a step^2

These are linear: following a reference inside them is one convex problem, a banded matrix
for every joint. A curve is continued from any instant by keeping three control points, which
keeps position, velocity and acceleration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.linalg import cho_solve_banded, cholesky_banded

Array = NDArray[np.float64]

# Solve for slightly tighter limits, so that rounding and the last percent of convergence are free.
_SHRINK = 0.985
_POSITION_MARGIN = 1e-5
_ROUNDING = 1e-9
_SWEEPS = 400
# Sweeps end when no limit is missed by more than this share of the range of second differences.
_CLOSE = 0.0025
# Relaxation, and weights of the three kinds of limit: a second difference is bounded ten times
# tighter than a first one and that again than a position, and each deserves equal attention.
_RELAX = 1.6
_RHO = (0.5, 4.0, 40.0)


@dataclass(frozen=True)
class Bounds:
    """Limits of N joints in units of control points.

    Attributes:
        lower: (N,) rad.
        upper: (N,) rad.
        first: (N,) rad, largest first difference.
        second: (N,) rad, largest second difference.
    """

    lower: Array
    upper: Array
    first: Array
    second: Array

    @classmethod
    def of(
        cls, lower: Array, upper: Array, velocity: Array, acceleration: Array, step: float
    ) -> Bounds:
        """Convert limits in rad, rad/s, rad/s^2 for knots ``step`` seconds apart."""
        return cls(
            lower + _POSITION_MARGIN,
            upper - _POSITION_MARGIN,
            velocity * step * (1.0 - 1e-6),
            acceleration * step**2 * (1.0 - 1e-6),
        )

    def shrunk(self) -> Bounds:
        """Return the limits to aim at."""
        return Bounds(self.lower, self.upper, self.first * _SHRINK, self.second * _SHRINK)

    def columns(self, chosen: NDArray[np.intp]) -> Bounds:
        """Return the limits of some joints."""
        return Bounds(*(a[chosen] for a in (self.lower, self.upper, self.first, self.second)))

    def excess(self, control: Array) -> Array:
        """Return by how much control points (K, N) break each joint's limits, (N,); <= 0: not."""
        first = np.diff(control, axis=0)
        second = np.diff(first, axis=0)
        return np.max(
            [
                (control - self.upper).max(axis=0),
                (self.lower - control).max(axis=0),
                np.abs(first).max(axis=0) - self.first,
                np.abs(second).max(axis=0) - self.second,
            ],
            axis=0,
        )


def evaluate(control: Array, step: float) -> tuple[Array, Array, Array]:
    """Return positions, velocities, accelerations (K - 2, N) at the knots."""
    before, middle, after = control[:-2], control[1:-1], control[2:]
    position = (before + 4.0 * middle + after) / 6.0
    return position, (after - before) / (2.0 * step), (before - 2 * middle + after) / step**2


def brake(start: Array, bounds: Bounds, count: int) -> Array:
    """Return control points (3 + count, N) that come to rest as fast as possible.

    Args:
        start: (3, N) control points of the moment where braking begins.
        bounds: Limits; braking uses all of the acceleration limit.
        count: Control points to add.
    """
    control = np.empty((3 + count, start.shape[1]))
    control[:3] = start
    pace = start[2] - start[1]
    for row in range(3, len(control)):
        pace = np.sign(pace) * np.maximum(np.abs(pace) - bounds.second, 0.0)
        control[row] = control[row - 1] + pace
    return control


def extended(control: Array, count: int) -> Array:
    """Return ``count`` control points: cut, or lengthened by holding the last one."""
    missing = max(count - len(control), 0)
    return np.vstack([control[:count], np.repeat(control[-1:], missing, axis=0)])


def braking_steps(pace: Array, bounds: Bounds) -> int:
    """Return how many control points a stop takes from first differences (N,)."""
    return int(np.ceil(np.max(np.abs(pace) / (bounds.second * _SHRINK), initial=0.0)))


def follow(
    reference: Array,
    start: Array,
    bounds: Bounds,
    smoothing: ArrayLike,
    tail: int,
    weights: Array | None = None,
) -> Array:
    """Follow a reference inside the limits and end at rest.

    Minimises ``sum w |q_k - reference_k|^2 + smoothing sum |third difference of c|^2`` over the
    limits, by alternating directions (ADMM): each sweep is one banded back substitution for all
    joints. What is left of a violation after the last sweep is removed exactly by mixing
    in the braking curve, which is inside the limits; the set of allowed curves is convex.

    Args:
        reference: (T, N) rad, at the knots; the first knot is the one ``start`` fixes.
        start: (3, N) control points of the first knot.
        bounds: Limits.
        smoothing: Weight of the third differences, one for all joints or (N,).
        tail: Knots after the reference in which to come to rest.
        weights: (T, N), how much every knot of every joint counts; None: 1.

    Returns:
        (T + tail + 2, N) control points; the last three are equal.
    """
    if weights is None:
        weights = np.ones(reference.shape)
    jerk = np.broadcast_to(np.asarray(smoothing, dtype=np.float64), reference.shape[1])
    system = _System(len(reference) + tail, jerk, weights)
    control = system.solve(reference, start)
    aim = bounds.shrunk()
    late = np.flatnonzero(aim.excess(control) > _ROUNDING)
    if late.size:
        control[:, late] = system.constrained(reference, control, aim, late)
        bounds = bounds.columns(late)
        # Clipping the last tenth of a milliradian costs second differences less than they spare.
        inside = np.clip(control[:, late], bounds.lower, bounds.upper)
        control[:, late] = _repair(inside, start[:, late], bounds)
    return control


def _repair(control: Array, start: Array, bounds: Bounds) -> Array:
    """Mix each joint with its braking curve just enough to be inside the limits."""
    safe = brake(start, bounds, len(control) - 3)
    low, high = np.zeros(control.shape[1]), np.ones(control.shape[1])
    inside = bounds.excess(control) <= _ROUNDING
    low[inside] = 1.0
    for _ in range(20):
        share = (low + high) / 2
        good = bounds.excess(safe + share * (control - safe)) <= _ROUNDING
        low, high = np.where(good, np.maximum(low, share), low), np.where(good, high, share)
        high = np.maximum(high, low)
    return np.asarray(safe + low * (control - safe))


class _System:
    """The banded least-squares problem of one length: free control points x, c = S x + fixed.

    Joints differ in the weight of the third differences, so that each has a matrix of its own.
    """

    def __init__(self, knots: int, smoothing: Array, weights: Array) -> None:
        self.knots = knots
        self.smoothing = smoothing
        self.weights = weights
        count = knots + 2
        free = count - 5
        # The first three are given; the last three are one variable, which makes the end rest.
        rows = np.arange(3, count)
        columns = np.minimum(rows - 3, free - 1)
        self.spread = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(count, free))
        self.sample = stencil((1 / 6, 4 / 6, 1 / 6), count)[: len(weights)]
        self.third = stencil((-1.0, 3.0, -3.0, 1.0), count)
        limits = [stencil((1.0,), count), stencil((-1.0, 1.0), count)]
        limits.append(stencil((1.0, -2.0, 1.0), count))
        self.limits = sparse.vstack(
            [np.sqrt(rho) * block for rho, block in zip(_RHO, limits, strict=True)]
        ).tocsr()
        self.sample_free, self.third_free, self.limits_free = (
            block @ self.spread for block in (self.sample, self.third, self.limits)
        )
        # (N, 4, free)
        smoothed = smoothing[:, None, None] * bands_of(self.third_free)
        self.bands = weighted_bands(self.sample_free, weights) + smoothed

    def solve(self, reference: Array, start: Array) -> Array:
        """Return all control points (knots + 2, N) without limits."""
        pull = self._gradient(reference, start, self.smoothing, self.weights)
        return self._full(_Factor(self.bands).solve(pull), start)

    def constrained(
        self, reference: Array, control: Array, bounds: Bounds, chosen: NDArray[np.intp]
    ) -> Array:
        """Return all control points of some joints after sweeps that begin at ``control``."""
        start = control[:3, chosen]
        factor = _Factor(self.bands[chosen] + bands_of(self.limits_free))
        pull = self._gradient(
            reference[:, chosen], start, self.smoothing[chosen], self.weights[:, chosen]
        )
        fixed = self.limits[:, :3] @ start
        low, high = self._box(bounds.columns(chosen))
        value = self.limits @ control[:, chosen]
        split, dual = np.clip(value, low, high), np.zeros_like(value)
        close = np.minimum(_CLOSE * (high - low), _CLOSE * (high[-1] - low[-1]))
        for sweep in range(_SWEEPS):
            free = factor.solve(pull + self.limits_free.T @ (split - dual - fixed))
            value = self.limits_free @ free + fixed
            mixed = _RELAX * value + (1 - _RELAX) * split
            split = np.clip(mixed + dual, low, high)
            dual += mixed - split
            if sweep % 10 == 9 and np.all(np.abs(value - split) <= close):
                break
        return self._full(free, start)

    def _full(self, free: Array, start: Array) -> Array:
        """Return all control points (knots + 2, N)."""
        control = self.spread @ free
        control[:3] = start
        return np.asarray(control)

    def _gradient(self, reference: Array, start: Array, smoothing: Array, weights: Array) -> Array:
        """Right-hand side: the pull of the reference, less what the fixed points give."""
        pull = self.sample_free.T @ (weights * (reference - self.sample[:, :3] @ start))
        return np.asarray(pull - smoothing * (self.third_free.T @ (self.third[:, :3] @ start)))

    def _box(self, bounds: Bounds) -> tuple[Array, Array]:
        count = self.knots + 2
        sizes = (count, count - 1, count - 2)
        highs = (bounds.upper, bounds.first, bounds.second)
        lows = (bounds.lower, -bounds.first, -bounds.second)
        high = [
            np.tile(np.sqrt(r) * b, (n, 1)) for r, b, n in zip(_RHO, highs, sizes, strict=True)
        ]
        low = [np.tile(np.sqrt(r) * b, (n, 1)) for r, b, n in zip(_RHO, lows, sizes, strict=True)]
        return np.vstack(low), np.vstack(high)


def stencil(weights: tuple[float, ...], count: int) -> sparse.csr_array:
    """Return the banded matrix whose rows slide ``weights`` over ``count`` columns."""
    rows = count - len(weights) + 1
    return sparse.diags_array(
        [np.full(rows, weight) for weight in weights],
        offsets=range(len(weights)),
        shape=(rows, count),
    ).tocsr()


def bands_of(block: sparse.csr_array) -> Array:
    """Return the bands (4, K) of ``block^T block``, upper form, bandwidth 3."""
    normal = block.T @ block
    size = normal.shape[0]
    bands = np.zeros((4, size))
    for offset in range(min(4, size)):
        bands[3 - offset, offset:] = normal.diagonal(offset)
    return bands


def weighted_bands(block: sparse.csr_array, weights: Array) -> Array:
    """Return the bands (N, 4, K) of ``block^T W block``, as `bands_of`, for weights (R, N)."""
    size = block.shape[1]
    bands = np.zeros((weights.shape[1], 4, size))
    for offset in range(min(4, size)):
        products = block[:, : size - offset] * block[:, offset:]
        bands[:, 3 - offset, offset:] = (products.T @ weights).T
    return bands


class _Factor:
    """Cholesky factors of symmetric matrices (N, 4, K), chained into one long band."""

    def __init__(self, bands: Array) -> None:
        chain = np.swapaxes(bands, 0, 1).reshape(4, -1)
        self._factor = cholesky_banded(chain, check_finite=False)

    def solve(self, right: Array) -> Array:
        """Return the solutions (K, N)."""
        chain = right.T.ravel()
        solved = cho_solve_banded((self._factor, False), chain, check_finite=False)
        return np.asarray(solved.reshape(right.T.shape).T)
