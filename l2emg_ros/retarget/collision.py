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

"""Counts the poses in which a robot touches itself, on convex hulls of its links."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.retarget import urdf
from l2emg_ros.retarget.robot import Robot

Array = NDArray[np.float64]

# Links closer than this in the tree touch by design.
_NEAR = 2
# Pairs that touch in more than half of random poses do so by their hulls, not by the pose.
_RANDOM_POSES = 200


class SelfCollision:
    """Finds colliding links.

    Attributes:
        pairs: Number of pairs that are checked.
    """

    def __init__(self, robot: Robot) -> None:
        """Build hulls and choose the pairs, with a fixed seed.

        Raises:
            RobotMapError: The meshes of the URDF are not there.
        """
        self._model, self._data = robot.model, robot.model.createData()
        geometry = urdf.shapes(robot.model, robot.urdf_path)
        for item in geometry.geometryObjects:
            if hasattr(item.geometry, 'buildConvexHull'):
                item.geometry.buildConvexHull(True, 'Qt')
                item.geometry = item.geometry.convex
        parents = [item.parentJoint for item in geometry.geometryObjects]
        for i, first in enumerate(parents):
            for j in range(i + 1, len(parents)):
                if self._steps(first, parents[j]) > _NEAR:
                    geometry.addCollisionPair(pin.CollisionPair(i, j))
        self._geometry = geometry
        self._results = geometry.createData()
        rng = np.random.default_rng(0)
        touched = np.zeros(len(geometry.collisionPairs))
        for _ in range(_RANDOM_POSES):
            touched += self._touching(rng.uniform(robot.lower, robot.upper), all_pairs=True)
        kept = [
            pair
            for pair, n in zip(list(geometry.collisionPairs), touched, strict=True)
            if n <= _RANDOM_POSES / 2
        ]
        geometry.removeAllCollisionPairs()
        for pair in kept:
            geometry.addCollisionPair(pair)
        self._results = geometry.createData()
        self.pairs = len(kept)

    def share(self, positions: Array) -> float:
        """Return the share of poses (T, N) in which a pair collides."""
        hits = [self._touching(q, all_pairs=False).any() for q in positions]
        return float(np.mean(hits)) if hits else 0.0

    def colliding(self, pose: Array) -> list[tuple[str, str]]:
        """Return the names of the colliding links of a pose (N,)."""
        pairs, items = self._geometry.collisionPairs, self._geometry.geometryObjects
        return [
            (items[pairs[i].first].name, items[pairs[i].second].name)
            for i in np.flatnonzero(self._touching(pose, all_pairs=True)).tolist()
        ]

    def _touching(self, pose: Array, all_pairs: bool) -> NDArray[np.bool_]:
        """Return which pairs collide; otherwise stop at the first."""
        found = pin.computeCollisions(
            self._model, self._data, self._geometry, self._results, pose, not all_pairs
        )
        if not all_pairs:
            return np.array([found])
        return np.array([result.isCollision() for result in self._results.collisionResults])

    def _steps(self, first: int, second: int) -> int:
        """Number of joints between two joints of the tree."""
        one, other = list(self._model.supports[first]), list(self._model.supports[second])
        shared = sum(a == b for a, b in zip(one, other, strict=False))
        return len(one) + len(other) - 2 * shared
