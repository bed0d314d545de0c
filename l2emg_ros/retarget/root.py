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

"""Where the root of the robot is: its feet decide.

The root is driven kinematically (a free-standing robot needs a balance controller). Its height
puts the lowest corner of the soles on the floor, or as high above it as the person jumps; its
travel keeps the parts of the feet in place that the person keeps in place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.motion import skeleton
from l2emg_ros.motion.blend import CONTACT_JOINTS, STANDING_HEIGHT
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.robot import Robot

Array = NDArray[np.float64]

_CONTACTS = [skeleton.index(name) for name in CONTACT_JOINTS]
# A contact fades out between these heights over the standing height (m) and these speeds (m/s):
# soft edges keep the root smooth.
_HEIGHT_RAMP, _SPEED_RAMP = (0.045, 0.09), (0.2, 0.6)
# Power of the contacts by which feet hold the root.
_SURE = 6
# A foot that hovers less than this stands: what a capture or a generator leaves, m.
_HOVER = 0.04


@dataclass(frozen=True)
class Footing:
    """What a person's feet do, per frame.

    Attributes:
        contacts: (T, 4) in [0, 1]: left heel, left toe, right heel, right toe stay in place.
        clearance: (T,) m, height of the lowest foot over the floor, 0 while standing.
        travel: (T, 2) m, horizontal position of the pelvis.
    """

    contacts: Array
    clearance: Array
    travel: Array

    def __getitem__(self, part: slice) -> Footing:
        return Footing(self.contacts[part], self.clearance[part], self.travel[part])

    def __add__(self, other: Footing) -> Footing:
        return Footing(
            np.concatenate([self.contacts, other.contacts]),
            np.concatenate([self.clearance, other.clearance]),
            np.concatenate([self.travel, other.travel]),
        )

    @property
    def stands(self) -> Array:
        """(T, 2) in [0, 1]: heel or toe of the left and the right foot stay in place."""
        return np.asarray(self.contacts.reshape(-1, 2, 2).max(axis=2))

    @property
    def flat(self) -> Array:
        """(T, 2) in [0, 1]: heel and toe of the left and the right foot stay in place."""
        return np.asarray(self.contacts.reshape(-1, 2, 2).min(axis=2))

    def still(self) -> Footing:
        """Return feet that stand all the time."""
        return Footing(np.ones_like(self.contacts), np.zeros_like(self.clearance), self.travel)

    def at(self, frames: Array) -> Footing:
        """Interpolate at (K,) fractional frame numbers."""
        low = np.clip(frames.astype(int), 0, len(self.clearance) - 1)
        high = np.minimum(low + 1, len(self.clearance) - 1)
        share = np.clip(frames - low, 0.0, 1.0)

        def mix(values: Array) -> Array:
            part = share.reshape(-1, *([1] * (values.ndim - 1)))
            return np.asarray(values[low] + part * (values[high] - values[low]))

        return Footing(mix(self.contacts), mix(self.clearance), mix(self.travel))


def footing(motion: Motion, before: Motion | None = None) -> Footing:
    """Read the feet of a motion; looks back, never ahead, so that chunks give the same result.

    Args:
        motion: Floor at z = 0.
        before: The frames that came before, of the same rate, if any.
    """
    positions = motion.joint_positions()
    feet = positions[:, _CONTACTS]
    last = feet[:1] if before is None else before.joint_positions()[-1:, _CONTACTS]
    speed = np.linalg.norm(np.diff(feet, axis=0, prepend=last), axis=-1) * motion.fps
    height = feet[..., 2] - STANDING_HEIGHT
    contacts = fade(height, _HEIGHT_RAMP) * fade(speed, _SPEED_RAMP)
    lowest = height.min(axis=1)
    return Footing(contacts, np.maximum(lowest - _HOVER, 0.0), motion.root_translation[:, :2])


def fade(values: Array, ramp: tuple[float, float]) -> Array:
    """Return 1 below the ramp, 0 above it, smooth between."""
    share = np.clip((ramp[1] - values) / (ramp[1] - ramp[0]), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def held_travel(touching: Array, contacts: Array, free: Array) -> Array:
    """Return how far the root gets (K, 2) m, so that the parts of the feet in contact stay put.

    Args:
        touching: (K, 4, 2) m, the parts of the feet from the root, in world directions.
        contacts: (K, 4) in [0, 1]: they stay in place.
        free: (K - 1, 2) m, steps of the root where nothing holds it.
    """
    weights = (contacts[1:] + contacts[:-1])[..., None] / 2
    grip = np.minimum(weights.sum(axis=1), 1.0)
    # A foot that is about to stand, or to leave, must not drag the one that stands.
    sure = np.maximum(weights, 1e-9) ** _SURE
    held = -(sure * np.diff(touching, axis=0)).sum(axis=1) / sure.sum(axis=1)
    steps = grip * held + (1.0 - grip) * free
    return np.vstack([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


def sole_corners(robot: Robot, side: str) -> Array:
    """Return the corners (C, 3) m of a sole from the ankle, in the sole's axes."""
    sole, ankle = f'{side}_sole', f'{side}_ankle'
    link, home = robot.map.links[sole], robot.home_points()
    corners = (link.corners - link.point) @ link.axes
    return np.asarray(corners + (home[sole] - home[ankle]) @ robot.home_axes(sole))


def heel_and_toe(robot: Robot, side: str) -> Array:
    """Return the middles of both ends (2, 3) m of a sole from the ankle, in the sole's axes."""
    corners = sole_corners(robot, side)
    return np.stack([corners[part].mean(axis=0) for part in _ends(corners[:, 0])])


def _ends(along: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which corners are at the heel and which at the toe, from how far ahead they are."""
    heel = along < (along.min() + along.max()) / 2
    return heel, ~heel


class RootPlanner:
    """Computes root positions of one robot."""

    def __init__(self, robot: Robot) -> None:
        """Find the soles."""
        self.robot = robot
        self._data = robot.model.createData()
        self._legs = robot.map.has_legs
        self._soles: list[tuple[int, Array]] = []
        self._edges: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []
        if not self._legs:
            return
        for side in SIDES:
            link = robot.map.links[f'{side}_sole']
            joint, origin, axes = robot.placement(link.key)
            # Corners are given in the frame of the link, like its point.
            frame = axes @ link.axes.T
            corners = origin + (link.corners - link.point) @ frame.T
            self._soles.append((joint, corners))
            self._edges.append(_ends(link.corners @ link.axes[:, 0]))
        self._scale = robot.leg_scale()

    def corners(self, positions: Array, orientations: Array) -> Array:
        """Return the corners of both soles (K, 2, C, 3) m, from the root, in world directions.

        Args:
            positions: (K, N) rad.
            orientations: (K, 3, 3) of the root link in the world.
        """
        result = []
        for q, turn in zip(positions, orientations, strict=True):
            pin.forwardKinematics(self.robot.model, self._data, q)
            soles = []
            for joint, corners in self._soles:
                place = self._data.oMi[joint]
                soles.append((corners @ place.rotation.T + place.translation) @ turn.T)
            result.append(soles)
        return np.array(result)

    def parts(self, corners: Array) -> Array:
        """Return left heel, left toe, right heel, right toe (K, 4, 3) from sole corners."""
        return np.stack(
            [
                corners[:, side, edge].mean(axis=1)
                for side, edges in enumerate(self._edges)
                for edge in edges
            ],
            axis=1,
        )

    def fixed(self, count: int) -> Array:
        """Return ``count`` times the place (3,) m of a root that stands still in the home pose."""
        if not self._legs:
            return np.zeros((count, 3))
        corners = self.corners(self.robot.home[None], np.eye(3)[None])
        return np.tile([0.0, 0.0, -corners[..., 2].min()], (count, 1))

    def plan(
        self, positions: Array, orientations: Array, feet: Footing, start: Array | None
    ) -> Array:
        """Return root positions (K, 3) m.

        Args:
            positions: (K, N) rad.
            orientations: (K, 3, 3) of the root link in the world.
            feet: K frames.
            start: (2,) m where the root is at first; None: where the person is.
        """
        at = feet.travel[0] if start is None else start
        if not self._legs:
            return np.tile([*at, 0.0], (len(positions), 1))
        return self.place(self.corners(positions, orientations), feet, at)

    def place(self, corners: Array, feet: Footing, at: Array) -> Array:
        """Return root positions (K, 3) m.

        Args:
            corners: (K, 2, C, 3) m, of the soles from the root, in world directions.
            feet: K frames.
            at: (2,) m, where the root is at first.
        """
        height = self._scale * feet.clearance - corners[..., 2].min(axis=(1, 2))
        free = self._scale * np.diff(feet.travel, axis=0)
        travel = at + held_travel(self.parts(corners)[..., :2], feet.contacts, free)
        return np.column_stack([travel, height])
