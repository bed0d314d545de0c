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

"""Inverse kinematics of one frame: damped least squares on Pinocchio Jacobians in a box.

Joint angles q and a small rotation of the root minimise

    sum w_k |x_k(q) - x_k*|^2 + sum w_m |log(R_m* R_m(q)^T)|^2
        + w_v |q - q_prev|^2 + w_h |q - home|^2

by Gauss-Newton. Steps stay in the box of joint limits and of what the velocity limit allows since
the previous frame; joints that would leave it are fixed at its wall and the others solved again,
so that they make up for it (clamping would not). The velocity cost is what a straight elbow or
knee needs: there the twist of the limb moves nothing, and without cost it would jump. Steps are
damped by the cost that is left (Levenberg and Marquardt's method after Sugihara, IEEE Transactions
on Robotics 27(5), 2011): what is out of reach is approached, not circled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin
from scipy.linalg.lapack import dposv

from l2emg_ros.errors import BadRequest
from l2emg_ros.retarget.config import IkConfig
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.targets import Builder

__all__ = ['FrameSolver', 'IkConfig', 'solve_box']

Array = NDArray[np.float64]


# Steps of the first frame, which starts from the home pose, and the step that ends them, rad.
_FIRST_STEPS = 60
_SMALL_STEP = 1e-4
# A joint and its neighbours settle in a few rounds; more than that is numerical noise.
_ACTIVE_ROUNDS = 6


class FrameSolver:
    """Solves frame after frame, each from the one before.

    Attributes:
        q: (N,) rad, the last solution.
        miss: m, the largest distance of a point from its target before the last step.
        fresh: Whether no frame was solved since the last reset.
        tilt: (3, 3), rotation of the root away from its target, in the frame of the target.
    """

    def __init__(
        self,
        robot: Robot,
        targets: Builder,
        config: IkConfig | None = None,
        free: NDArray[np.bool_] | None = None,
    ) -> None:
        """Prepare the constant parts.

        Args:
            robot: The robot.
            targets: Says which points and parts the targets speak of.
            config: Costs.
            free: (N,) joints that may move; the others stay at home.

        Raises:
            BadRequest: ``config.compiled`` without numba.
        """
        config = config or IkConfig()
        self.robot, self.config = robot, config
        model = robot.model
        self._data = model.createData()
        places = [robot.placement(key) for key in targets.points]
        parts = [robot.placement(key) for key in targets.parts]
        self._joints = [place[0] for place in (*places, *parts)]
        self._offsets = np.array([place[1] for place in places])
        self._axes = np.array([part[2] for part in parts])
        moved = np.array([robot.supports(key) for key in (*targets.points, *targets.parts)])
        count = len(places)
        self._point_mask = moved[:count, None, :]
        self._part_mask = moved[count:, None, :]
        costs = [config.cost(key) for key in (*targets.points, *targets.parts)]
        locked = targets.root == 'fixed'
        size = model.nv
        free = np.ones(size, dtype=bool) if free is None else free
        # What no free joint moves must not pull on the root.
        movable = np.repeat((moved & free).any(axis=1), 3)
        self._costs = np.repeat(costs, 3) * movable
        self._counted = movable[: 3 * count : 3]
        self._lower = np.where(free, robot.lower, robot.home)
        self._upper = np.where(free, robot.upper, robot.home)
        # Unknowns: the joints, then the rotation of the root.
        self._root_box = np.zeros(3) if locked else np.full(3, np.pi)
        self._jacobian = np.zeros((len(self._costs), size + 3))
        self._damping = np.concatenate(
            [np.full(size, config.velocity_cost), np.full(3, config.velocity_cost)]
        )
        self._posture = np.concatenate(
            [np.full(size, config.posture_cost), np.full(3, config.root_cost)]
        )
        self._kernel = self._compile(moved) if config.compiled else None
        self.reset()
        if self._kernel is not None:
            # What has to be compiled is compiled now, not in the first frame.
            turns = np.tile(np.eye(3), (len(parts), 1, 1))
            self.solve(np.zeros((count, 3)), np.ones(count), turns, 1.0)
            self.reset()

    def reset(self) -> None:
        """Forget the last solution: the next frame starts from the home pose."""
        self.q = np.clip(self.robot.home, self._lower, self._upper)
        self.tilt = np.eye(3)
        self.fresh = True
        self.miss = 0.0

    def stiffness(self, pose: Array) -> Array:
        """Return what moving the joints away from a pose (N,) costs, (N, N) m^2/rad^2."""
        size = len(self.q)
        self._at(pose)
        jacobian = self._jacobian[:, :size]
        normal = jacobian.T @ (jacobian * self._costs[:, None])
        normal.flat[:: size + 1] += self._posture[:size] + self._damping[:size]
        return np.asarray(normal)

    def levers(self) -> Array:
        """Return how far each joint (N,) moves a point in the home pose, m a radian, at most."""
        count, size = len(self._offsets), len(self.q)
        self._at(self.robot.home)
        moves = self._jacobian[: 3 * count, :size].reshape(count, 3, size)
        return np.asarray(np.linalg.norm(moves, axis=1).max(axis=0))

    @property
    def state(self) -> tuple[Array, Array, float]:
        """What the next frame starts from: joint angles, tilt of the root and `miss`."""
        return self.q, self.tilt, self.miss

    @state.setter
    def state(self, state: tuple[Array, Array, float]) -> None:
        self.q, self.tilt, self.miss = state
        self.fresh = False

    def solve(
        self, points: Array, weights: Array, orientations: Array, dt: float
    ) -> tuple[Array, Array]:
        """Solve one frame.

        Args:
            points: (K, 3) m, targets in the frame of the root.
            weights: (K,), by which the costs of the points are multiplied.
            orientations: (M, 3, 3) targets.
            dt: Seconds since the last frame.

        Returns:
            Joint angles (N,) rad, and the rotation (3, 3) by which the root leaves its target,
            in the frame of the target.
        """
        fresh, previous = self.fresh, self.q
        costs = self._costs.copy()
        costs[: 3 * len(weights)] *= np.repeat(weights, 3)
        reach = self.robot.velocity * (dt * self.config.speed_headroom)
        lower = self._lower if fresh else np.maximum(self._lower, previous - reach)
        upper = self._upper if fresh else np.minimum(self._upper, previous + reach)
        if self._kernel is not None:
            self.q, self.tilt, self.miss = self._kernel(points, costs, orientations, lower, upper)
            self.fresh = False
            return self.q, self.tilt
        q, tilt = previous.copy(), self.tilt
        for _ in range(_FIRST_STEPS if fresh else self.config.iterations):
            step = self._step(q, tilt, points, costs, orientations, previous, lower, upper, fresh)
            q += step[:-3]
            tilt = tilt @ _exp(step[-3:])
            if np.abs(step).max() < _SMALL_STEP:
                break
        self.miss = float(np.sqrt(((self._missed**2).sum(axis=1) * self._counted).max()))
        self.fresh = False
        self.q = np.clip(q, lower, upper)
        self.tilt = tilt
        return self.q, tilt

    def _compile(self, moved: NDArray[np.bool_]) -> Callable[..., tuple[Array, Array, float]]:
        """Return the compiled loop, which takes targets and box."""
        try:
            from l2emg_ros.retarget import kernel
        except ImportError:
            raise BadRequest(
                'compiled is true but numba is not installed: pip install numba, or say false'
            ) from None
        size = len(self.robot.joint_names)
        constant = (
            self.robot.home,
            self._counted,
            self._root_box,
            kernel.tree_of(self.robot.model),
            np.array(self._joints),
            self._offsets,
            np.ascontiguousarray(self._axes),
            moved,
        )

        def run(
            points: Array, costs: Array, orientations: Array, lower: Array, upper: Array
        ) -> tuple[Array, Array, float]:
            fresh = self.fresh
            return kernel.solve(
                self.q,
                np.ascontiguousarray(self.tilt),
                np.ascontiguousarray(points),
                costs,
                np.ascontiguousarray(orientations),
                lower,
                upper,
                _FIRST_STEPS if fresh else self.config.iterations,
                _SMALL_STEP,
                _ACTIVE_ROUNDS,
                self._posture + (1e-4 if fresh else self._damping),
                self.config.caution,
                (0.0 if fresh else 1.0) * self._damping[:size],
                self._posture,
                *constant,
            )

        return run

    def _step(
        self,
        q: Array,
        tilt: Array,
        points: Array,
        costs: Array,
        orientations: Array,
        previous: Array,
        lower: Array,
        upper: Array,
        fresh: bool,
    ) -> Array:
        """One Gauss-Newton step (N + 3,) inside the box."""
        size = len(q)
        error = self._linearise(q, points @ tilt, tilt.T @ orientations)
        weighted = self._jacobian * costs[:, None]
        normal = self._jacobian.T @ weighted
        right = error @ weighted
        away = _log(tilt)
        right[:size] += self._posture[:size] * (self.robot.home - q)
        right[size:] -= self._posture[size:] * away
        if fresh:
            # Levenberg's damping alone: there is no previous frame to stay close to.
            diagonal = self._posture + 1e-4
        else:
            right[:size] += self._damping[:size] * (previous - q)
            diagonal = self._posture + self._damping
        missed = float(error**2 @ costs)
        normal.flat[:: size + 4] += diagonal + self.config.caution * missed
        low = np.concatenate([lower - q, -self._root_box])
        high = np.concatenate([upper - q, self._root_box])
        return solve_box(normal, right, low, high)

    def _linearise(self, q: Array, points: Array, orientations: Array) -> Array:
        """Fill the Jacobian at q and return the error (3 K + 3 M,) towards the targets."""
        at, axes = self._at(q)
        turn = _log(orientations @ np.swapaxes(axes, 1, 2))
        self._missed = points - at
        return np.concatenate([self._missed.ravel(), turn.ravel()])

    def _at(self, q: Array) -> tuple[Array, Array]:
        """Fill the Jacobian at q and return points (K, 3) m and parts (M, 3, 3)."""
        count, size = len(self._offsets), len(q)
        pin.computeJointJacobians(self.robot.model, self._data, q)
        placements = self._data.oMi
        frames = np.array([placements[joint].homogeneous for joint in self._joints])
        at = (frames[:count, :3, :3] @ self._offsets[:, :, None])[..., 0] + frames[:count, :3, 3]
        jacobian = self._data.J
        linear, angular = jacobian[:3], jacobian[3:]
        across = _skew(at)
        rows = self._jacobian[: 3 * count].reshape(count, 3, size + 3)
        rows[..., :size] = (linear - across @ angular) * self._point_mask
        rows[..., size:] = -across
        rows = self._jacobian[3 * count :].reshape(-1, 3, size + 3)
        rows[..., :size] = angular * self._part_mask
        rows[..., size:] = np.eye(3)
        return at, frames[count:, :3, :3] @ self._axes


def solve_box(normal: Array, right: Array, low: Array, high: Array) -> Array:
    """Minimise ``x^T normal x / 2 - right^T x`` for low <= x <= high by an active set.

    Variables that leave the box are fixed at its wall and the rest is solved again until none
    leaves. Walls are not let go again: near the solution, where frames follow each other, none
    has to be.
    """
    solution = dposv(normal, right)[1]
    outside = (solution < low) | (solution > high)
    if not outside.any():
        return np.asarray(solution)
    fixed = np.zeros(len(right), dtype=bool)
    for _ in range(_ACTIVE_ROUNDS):
        fixed |= outside
        free = ~fixed
        solution = np.clip(solution, low, high)
        if not free.any():
            break
        rest = right[free] - normal[np.ix_(free, fixed)] @ solution[fixed]
        solution[free] = dposv(normal[np.ix_(free, free)], rest)[1]
        outside = free & ((solution < low) | (solution > high))
        if not outside.any():
            break
    return np.clip(solution, low, high)


def _skew(vectors: Array) -> Array:
    """Return the matrices (..., 3, 3) of the cross products with (..., 3) vectors."""
    result = np.zeros((*vectors.shape, 3))
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    result[..., 0, 1], result[..., 0, 2], result[..., 1, 2] = -z, y, -x
    result[..., 1, 0], result[..., 2, 0], result[..., 2, 1] = z, -y, x
    return result


def _log(matrices: Array) -> Array:
    """Return rotation vectors (..., 3) of rotation matrices, exact below pi."""
    vector = np.stack(
        [
            matrices[..., 2, 1] - matrices[..., 1, 2],
            matrices[..., 0, 2] - matrices[..., 2, 0],
            matrices[..., 1, 0] - matrices[..., 0, 1],
        ],
        axis=-1,
    )
    double_sine = np.sqrt((vector**2).sum(axis=-1))
    trace = matrices[..., 0, 0] + matrices[..., 1, 1] + matrices[..., 2, 2]
    angle = np.arctan2(double_sine, trace - 1.0)
    scale = np.where(double_sine > 1e-9, angle / np.maximum(double_sine, 1e-9), 0.5)
    return np.asarray(vector * scale[..., None])


def _exp(vector: Array) -> Array:
    """Return the rotation matrix (3, 3) of a rotation vector (Rodrigues)."""
    angle = float(np.sqrt(vector @ vector))
    if angle < 1e-12:
        return np.eye(3)
    cross = _skew(vector / angle)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)
