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

"""The body over its feet: hips shift until the centre of mass of the robot is over its soles.

A robot has its mass elsewhere than a person, so that a pose in which a person stands may tip it
over. Feet move against the root, which the planner of the root then moves over feet that stand.
Only slow motions are helped: in a fast one the centre of mass belongs elsewhere. Looks back, never
ahead, as `Stance` does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.retarget import balance
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import fade, sole_corners

Array = NDArray[np.float64]

# Share of a sole, around its middle, over which the centre of mass is brought.
_INNER = 0.6
# Most by which hips shift, m, and the time of each of the two lags by which they do, s.
_MOST, _LAG = 0.1, 0.15
# Speeds of the centre of mass, m/s, up to which, and from which on no longer, hips shift.
_SLOW = (0.1, 0.25)
# A foot held more surely than this carries.
_CARRIES = 0.5
# Poses that the masses are learned from, and how far their joints are from home, rad.
_POSES, _SPREAD = 200, 0.6


class Masses:
    """Where the centre of mass is when points and parts of a robot are where targets want them.

    No joint angles are needed: the centre of mass is linear in the places of the links, and these
    are given, nearly, by the points. The weights are fitted to poses around home; both sides weigh
    the same, so that a mirrored motion gives the mirrored place.
    """

    def __init__(self, robot: Robot, points: tuple[str, ...], parts: tuple[str, ...]) -> None:
        """Fit the weights; always the same.

        Args:
            robot: The robot.
            points: Neutral names of points, left and right of each in turn.
            parts: Neutral names of oriented links.
        """
        pairs = [(key, f'r_{key[2:]}') for key in parts if key[:2] == 'l_']
        self._pairs = np.array([[parts.index(key) for key in pair] for pair in pairs], dtype=int)
        self._single = [n for n, key in enumerate(parts) if key[:2] not in ('l_', 'r_')]
        self._root = robot.map.links['base_link'].axes
        angles = np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, (_POSES, len(robot.home)))
        poses = np.clip(robot.home + angles, robot.lower, robot.upper)
        places, axes = robot.places((*points, *parts), poses)
        known = self._known(places[:, : len(points)], axes[:, len(points) :])
        centres = balance.centre_of_mass(robot, poses)
        self._weights = np.linalg.lstsq(
            known.reshape(-1, known.shape[2]), centres.ravel(), rcond=None
        )[0]

    def centre(self, points: Array, orientations: Array) -> Array:
        """Return the centre of mass (T, 3) m from points (T, K, 3) m and parts (T, M, 3, 3)."""
        return np.asarray(self._known(points, orientations) @ self._weights)

    def _known(self, points: Array, orientations: Array) -> Array:
        """Return what is weighted, (T, 3, W): points of both sides, and axes of root and parts."""
        count = len(points)
        both = points.reshape(count, -1, 2, 3).sum(axis=2)
        # Forward, left, up: what one foot has to its left the other has to its right.
        sides = orientations[:, self._pairs]
        paired = sides[:, :, 0] + sides[:, :, 1] * [1.0, -1.0, 1.0]
        # Forward and up: parts in the middle have nothing to one side.
        root = np.broadcast_to(self._root[:, ::2], (count, 1, 3, 2))
        single = np.concatenate([root, orientations[:, self._single][..., ::2]], axis=1)
        axes = [np.moveaxis(part, 1, 2).reshape(count, 3, -1) for part in (paired, single)]
        return np.concatenate([np.swapaxes(both, 1, 2), *axes], axis=2)


class Sway:
    """Moves the feet of one robot under its body."""

    def __init__(self, robot: Robot) -> None:
        """Read the soles."""
        corners = np.array([sole_corners(robot, side) for side in SIDES])
        middle = corners.mean(axis=1, keepdims=True)
        self._inner = middle + _INNER * (corners - middle)
        self.reset()

    def reset(self) -> None:
        """Forget the frames before."""
        self._last: Array | None = None
        self._shift = np.zeros((2, 1, 2))

    def push(self, centres: Array, ankles: Array, soles: Array, held: Array, step: float) -> Array:
        """Return the ankles (T, 2, 3) m of the next frames, moved under the body.

        Args:
            centres: (T, 3) m, centres of mass in the world.
            ankles: (T, 2, 3) m.
            soles: (T, 2, 3, 3), orientation of the feet; columns forward, left, up.
            held: (T, 2) in [0, 1], whether feet stand.
            step: Seconds of a frame.
        """
        first = self._last is None
        last = centres[:1] if self._last is None else self._last
        speed = np.linalg.norm(np.diff(centres[:, :2], axis=0, prepend=last[:, :2]), axis=1) / step
        corners = ankles[:, :, None] + np.einsum('tsij,scj->tsci', soles, self._inner)
        # What `balance` takes to be on the floor.
        corners[..., 2] = np.where(held > _CARRIES, 0.0, np.inf)[..., None]
        away = balance.beside(centres, corners.reshape(len(corners), -1, 3))
        wanted = np.nan_to_num(away) * fade(speed, _SLOW)[:, None]
        size = np.linalg.norm(wanted, axis=1, keepdims=True)
        wanted *= np.minimum(1.0, _MOST / np.maximum(size, 1e-9))
        for stage in range(2):
            start = wanted[:1] if first else self._shift[stage]
            wanted = lagged(start, wanted, step / _LAG)
            self._shift[stage] = wanted[-1:]
        self._last = centres[-1:]
        return ankles + np.pad(wanted, ((0, 0), (0, 1)))[:, None]


def lagged(start: Array, wanted: Array, steps: float) -> Array:
    """Return values (T, K) that follow others with a lag of the first order.

    Args:
        start: (1, K), the value before.
        wanted: (T, K).
        steps: Length of a step over the time of the lag.
    """
    share, result, value = 1.0 - np.exp(-steps), np.empty_like(wanted), start[0]
    for row, goal in enumerate(wanted):
        value = value + share * (goal - value)
        result[row] = value
    return result
