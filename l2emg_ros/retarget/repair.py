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

"""Moves links apart that would touch, as little and as smoothly as it takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.retarget.collision import SelfCollision
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.track import smooth

Array = NDArray[np.float64]

# What is repaired ends up this far apart, because the limits and the smoothing come after, m.
_MARGIN = 0.008
# From this gap on it is enough, m.
_ENOUGH = 0.005
# Cost of what a gap lacks against those of the solver.
_COST = 1000.0
# Largest step of a joint, rad, and steps for one pose.
_STEP, _STEPS = 0.15, 12
# How often the frames are looked at again.
_ROUNDS = 3
# Weights of a frame that collides, of one that does not, of one already played, and of the jerk.
_HIT, _FREE, _FIXED, _JERK = 1e3, 1.0, 1e6, 1e3


class Repair:
    """Keeps a sequence of poses free of self-collision where joints of the upper body can."""

    def __init__(
        self,
        robot: Robot,
        hulls: SelfCollision,
        movable: NDArray[np.bool_],
        stiffness: Callable[[Array], Array],
    ) -> None:
        """Prepare.

        Args:
            robot: The robot.
            hulls: Its hulls.
            movable: (N,) joints that may make way.
            stiffness: Of a pose (N,), what moving away costs, (N, N) m^2/rad^2.
        """
        self._lower, self._upper = robot.lower, robot.upper
        self._hulls, self._stiffness = hulls, stiffness
        self._movable = np.flatnonzero(movable)
        self.reset()

    def reset(self) -> None:
        """Forget the frames before."""
        # How far the last frames were moved, (up to 3, N) rad.
        self._before = np.zeros((0, len(self._lower)))

    def needed(self, poses: Array) -> bool:
        """Return whether links touch in any of the poses (T, N)."""
        return any(self._hulls.touches(pose) for pose in poses)

    def push(self, joints: Array) -> Array:
        """Return the next poses (T, N) rad, apart."""
        past = len(self._before)
        wanted = np.vstack([self._before, np.zeros_like(joints)])
        sure = np.concatenate([np.full(past, _FIXED), np.full(len(joints), _FREE)])
        offset = np.zeros_like(joints)
        if self._before.any():
            offset = smooth(wanted, _JERK, sure)[past:]
        for _ in range(_ROUNDS):
            poses = np.clip(joints + offset, self._lower, self._upper)
            hits = [row for row, pose in enumerate(poses) if self._hulls.touches(pose)]
            if not hits:
                break
            for row in hits:
                start = poses[row]
                if row and sure[past + row - 1] == _HIT:
                    # The way of the frame before: what is apart there will be apart here.
                    start = joints[row] + wanted[past + row - 1]
                    start = np.clip(start, self._lower, self._upper)
                wanted[past + row] = self._apart(joints[row], start) - joints[row]
                sure[past + row] = _HIT
            offset = smooth(wanted, _JERK, sure)[past:]
        self._before = np.vstack([self._before, offset])[-3:]
        return np.clip(joints + offset, self._lower, self._upper)

    def _apart(self, asked: Array, pose: Array) -> Array:
        """Return the pose (N,) nearest to the one asked for in which nothing touches."""
        stiff = self._stiffness(asked)[np.ix_(self._movable, self._movable)]
        pairs = set(self._hulls.touching(pose).tolist())
        for _ in range(_STEPS):
            gaps, gradients = self._hulls.gaps(pose, sorted(pairs))
            if gaps.min(initial=np.inf) > _ENOUGH:
                if not self._hulls.touches(pose):
                    break
                pairs |= set(self._hulls.touching(pose).tolist())
                gaps, gradients = self._hulls.gaps(pose, sorted(pairs))
            away = (asked - pose)[self._movable]
            step = _nearest(stiff, away, gradients[:, self._movable], _MARGIN - gaps)
            step *= min(1.0, _STEP / max(float(np.abs(step).max()), 1e-9))
            pose = pose.copy()
            pose[self._movable] += step
            pose = np.clip(pose, self._lower, self._upper)
        return pose


def _nearest(stiff: Array, away: Array, rows: Array, needed: Array) -> Array:
    """Return the step x that costs least, ``(x - away)^T stiff (x - away)``, of those that help.

    Args:
        stiff: (K, K).
        away: (K,), the step that would cost nothing.
        rows: (P, K) gradients of the gaps.
        needed: (P,) m, by how much each gap must grow at least: ``rows x >= needed``.
    """
    active = np.ones(len(needed), dtype=bool)
    free = stiff @ away
    while True:
        normal = stiff + _COST * rows[active].T @ rows[active]
        step = np.linalg.solve(normal, free + _COST * rows[active].T @ needed[active])
        # A gap that has to be held together, not apart, would be larger by itself.
        loose = active & (needed - rows @ step < 0.0)
        if not loose.any():
            return np.asarray(step)
        active &= ~loose
