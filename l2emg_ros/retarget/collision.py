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

"""Where a robot touches itself, on convex hulls of its links."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
import warnings

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.errors import RobotMapError
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

    def __init__(self, robot: Robot, at_rest: bool = True) -> None:
        """Build hulls and choose the pairs, with a fixed seed.

        Args:
            robot: The robot.
            at_rest: Whether pairs that touch in the home pose count: they do so by their hulls.

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
        self._prepare()
        rng = np.random.default_rng(0)
        touched = np.zeros(len(geometry.collisionPairs))
        for _ in range(_RANDOM_POSES):
            touched[self.touching(rng.uniform(robot.lower, robot.upper))] += 1
        if not at_rest:
            touched[self.touching(robot.home)] = np.inf
        kept = [
            pair
            for pair, n in zip(list(geometry.collisionPairs), touched, strict=True)
            if n <= _RANDOM_POSES / 2
        ]
        geometry.removeAllCollisionPairs()
        for pair in kept:
            geometry.addCollisionPair(pair)
        self._prepare()
        self.pairs = len(kept)

    def _prepare(self) -> None:
        """Make room for the results of the present pairs."""
        self._results = _forgetful(self._geometry)
        self._boxes = pin.BroadPhaseManager_DynamicAABBTreeCollisionManager(
            self._model, self._geometry, self._results
        )

    def touches(self, pose: Array) -> bool:
        """Return whether any pair collides in a pose (N,); stops at the first."""
        return bool(pin.computeCollisions(self._model, self._data, self._boxes, pose, True))

    def share(self, positions: Array) -> float:
        """Return the share of poses (T, N) in which a pair collides."""
        return float(np.mean([self.touches(q) for q in positions])) if len(positions) else 0.0

    def touching(self, pose: Array) -> NDArray[np.intp]:
        """Return the numbers of the pairs that collide in a pose (N,)."""
        pin.computeCollisions(self._model, self._data, self._boxes, pose, False)
        results = self._results.collisionResults
        # Pairs whose boxes do not overlap keep the result that they had in a pose before.
        marked = [number for number, result in enumerate(results) if result.isCollision()]
        found = [n for n in marked if pin.computeCollision(self._geometry, self._results, n)]
        return np.array(found, dtype=np.intp)

    def names(self, pair: int) -> tuple[str, str]:
        """Return the links of a pair."""
        numbers, items = self._geometry.collisionPairs[pair], self._geometry.geometryObjects
        first, second = (items[n].parentFrame for n in (numbers.first, numbers.second))
        return self._model.frames[first].name, self._model.frames[second].name

    def colliding(self, pose: Array) -> list[tuple[str, str]]:
        """Return the names of the colliding links of a pose (N,)."""
        return [self.names(pair) for pair in self.touching(pose).tolist()]

    def gaps(self, pose: Array, pairs: Iterable[int]) -> tuple[Array, Array]:
        """Return how far pairs are apart, and how that changes.

        Args:
            pose: (N,) rad.
            pairs: K numbers.

        Returns:
            (K,) m, negative where they overlap, and its gradient (K, N) m/rad.
        """
        pin.computeJointJacobians(self._model, self._data, pose)
        pin.updateGeometryPlacements(self._model, self._data, self._geometry, self._results)
        distances, gradients = [], []
        for pair in pairs:
            pin.computeDistance(self._geometry, self._results, pair)
            result = self._results.distanceResults[pair]
            numbers = self._geometry.collisionPairs[pair]
            gradients.append(
                self._speed(numbers.second, result.getNearestPoint2(), result.normal)
                - self._speed(numbers.first, result.getNearestPoint1(), result.normal)
            )
            distances.append(result.min_distance)
        size = len(pose)
        return np.array(distances), np.array(gradients).reshape(-1, size)

    def _speed(self, number: int, point: Array, direction: Array) -> Array:
        """Return how fast each joint (N,) moves a point of a link along a direction, m/rad."""
        joint = self._geometry.geometryObjects[number].parentJoint
        if joint == 0:
            return np.zeros(self._model.nv)
        frame = pin.LOCAL_WORLD_ALIGNED
        jacobian = pin.getJointJacobian(self._model, self._data, joint, frame)
        arm = point - self._data.oMi[joint].translation
        return np.asarray(direction @ jacobian[:3] + np.cross(arm, direction) @ jacobian[3:])

    def _steps(self, first: int, second: int) -> int:
        """Number of joints between two joints of the tree."""
        one, other = list(self._model.supports[first]), list(self._model.supports[second])
        shared = sum(a == b for a, b in zip(one, other, strict=False))
        return len(one) + len(other) - 2 * shared


def _forgetful(geometry: Any) -> Any:
    """Return results of searches that do not begin where the last one ended: always the same."""
    results = geometry.createData()
    with warnings.catch_warnings():
        # Deprecated in favour of another attribute, whose value does not switch this one off.
        warnings.simplefilter('ignore', DeprecationWarning)
        for requests in (results.distanceRequests, results.collisionRequests):
            for request in requests:
                request.enable_cached_gjk_guess = False
    return results


@dataclass(frozen=True)
class Touch:
    """Two links that touch for a while.

    Attributes:
        links: Their names.
        start: s, first sample.
        stop: s, last sample.
    """

    links: tuple[str, str]
    start: float
    stop: float

    def __str__(self) -> str:
        """Say it in a line."""
        one, other = self.links
        when = f'at {self.start:.2f} s'
        if self.stop > self.start:
            when = f'from {self.start:.2f} to {self.stop:.2f} s'
        return f'{one} and {other} touch {when}'


def touches(hulls: SelfCollision, positions: Array, times: Array) -> list[Touch]:
    """Return which links touch, and when, in the order of the beginning.

    Args:
        hulls: Of the robot.
        positions: (T, N) rad.
        times: (T,) s.
    """
    open_since: dict[int, int] = {}
    found: list[tuple[int, int, int]] = []
    for row in range(len(positions) + 1):
        now: set[int] = set()
        if row < len(positions) and hulls.touches(positions[row]):
            now = set(hulls.touching(positions[row]).tolist())
        for pair in set(open_since) - now:
            found.append((open_since.pop(pair), row - 1, pair))
        for pair in now - set(open_since):
            open_since[pair] = row
    return [
        Touch(hulls.names(pair), float(times[start]), float(times[stop]))
        for start, stop, pair in sorted(found)
    ]


@lru_cache(maxsize=4)
def hulls_of(robot: Robot) -> SelfCollision | None:
    """Return the hulls of a robot, without pairs that touch at rest; built once.

    None: its meshes are not there.
    """
    try:
        return SelfCollision(robot, at_rest=False)
    except RobotMapError:
        return None
