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

"""Standing feet: they stay where they came down, and their soles are level.

Captured and generated feet slide a little while they stand, and what is a level foot differs
between skeletons. A robot would rub its soles or stand on an edge. Looks back, never ahead, and
carries what it knows from call to call, so that chunks give what the whole motion gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion import limbs, rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import fade, footing, heel_and_toe

Array = NDArray[np.float64]

_UP = np.array([0.0, 0.0, 1.0])
# Below the first contact a foot is free, above the second it is held.
_HOLD = (0.3, 0.7)
# Time in which a free foot returns to where the person has it, and a held one, s.
_RETURN, _CREEP = 0.15, 5.0
# Time in which the body gives way to what all held feet have in common, s.
_FOLLOW = 0.2
# Most by which a held foot stays behind, m and rad.
_BEHIND, _TURNED = 0.08, 0.2
# What is left between two soles, m. They pass each other when they are this far from level, m.
_GAP = 0.015
_PASSING = (0.06, 0.12)
# Time over which standing feet tell what level is, s.
_LEARN = 3.0
# How far the sole of a standing foot goes from what was learned to exactly level.
_LEVEL = 0.5


class Stance:
    """Holds the feet of one person as a robot with legs follows them."""

    def __init__(self, robot: Robot) -> None:
        """Read the feet of the robot."""
        self._edges = np.array([heel_and_toe(robot, side) for side in SIDES])
        soles = [robot.map.links[f'{side}_sole'] for side in SIDES]
        widths = [np.ptp(sole.corners @ sole.axes[:, 1]) for sole in soles]
        self._apart = float(sum(widths)) / 2 + _GAP
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._last: Motion | None = None
        # Where the last frame had heels and toes (2, 2, 2) m, and headings, before correction.
        self._edge, self._heading = np.zeros((2, 2, 2)), np.zeros(2)
        # How far both feet stay behind, (2, 2) m and (2, 1) rad.
        self._shift, self._turn = np.zeros((2, 2)), np.zeros((2, 1))
        # The turn (2, 3) rad from the person's feet to level ones, and what it was learned in, s.
        self._tilt, self._learned = np.zeros((2, 3)), np.zeros(2)

    def push(self, motion: Motion, ankles: Array, soles: Array) -> tuple[Array, Array]:
        """Correct the feet of the next frames.

        Args:
            motion: Frames that follow those of the call before.
            ankles: (T, 2, 3) m, where the ankles of the robot would be in the world.
            soles: (T, 2, 3, 3), orientation of the person's feet; columns forward, left, up.

        Returns:
            Ankles (T, 2, 3) m and soles (T, 2, 3, 3) in the same world.
        """
        ankles = ankles.copy()
        contacts = footing(motion, self._last).contacts.reshape(-1, 2, 2)
        first, step = self._last is None, 1.0 / motion.fps
        self._last = motion.slice(motion.frames - 1)
        soles, heading = self._levelled(soles, contacts.min(axis=2), step)
        parts = 1.0 - fade(contacts, _HOLD)
        held = parts.max(axis=2)
        if first:
            self._heading = heading[0]
        turned = np.diff(heading, axis=0, prepend=self._heading[None])
        turned = (turned + np.pi) % (2.0 * np.pi) - np.pi
        turn = _behind(self._turn, turned[..., None], held, step, _TURNED)
        soles = rotation.to_matrix(rotation.from_rotvec(turn * _UP)) @ soles
        edges = ankles[:, :, None] + np.einsum('tsij,sej->tsei', soles, self._edges)
        aside = _apart(edges, self._apart)
        ankles[..., :2] += aside
        edges = edges[..., :2] + aside[:, :, None]
        if first:
            self._edge = edges[0]
        moves = np.diff(edges, axis=0, prepend=self._edge[None])
        share = parts / np.maximum(parts.sum(axis=2, keepdims=True), 1e-9)
        moves = (share[..., None] * moves).sum(axis=2)
        shift = _behind(self._shift, moves, held, step, _BEHIND, _FOLLOW)
        self._turn, self._shift = turn[-1], shift[-1]
        self._heading, self._edge = heading[-1], edges[-1]
        return ankles + np.pad(shift, ((0, 0), (0, 0), (0, 1))), soles

    def _levelled(self, soles: Array, stands: Array, step: float) -> tuple[Array, Array]:
        """Return soles (T, 2, 3, 3) that are level while they stand, and headings (T, 2) rad."""
        level = limbs.heading(soles)
        seen = rotation.to_rotvec(rotation.from_matrix(np.swapaxes(soles, -1, -2) @ level))
        tilts = np.empty_like(seen)
        for row in range(len(seen)):
            # At first the mean of all that was seen, later one that forgets.
            self._learned = self._learned + stands[row] * step
            share = stands[row] * step / np.clip(self._learned, 1e-9, _LEARN)
            self._tilt = self._tilt + share[:, None] * (seen[row] - self._tilt)
            tilts[row] = self._tilt
        soles = soles @ rotation.to_matrix(rotation.from_rotvec(tilts))
        level = limbs.heading(soles)
        ends = rotation.from_matrix(soles), rotation.from_matrix(level)
        mixed = rotation.to_matrix(rotation.slerp(*ends, _LEVEL * stands))
        return mixed, np.arctan2(level[..., 1, 0], level[..., 0, 0])


def _apart(edges: Array, least: float) -> Array:
    """Return how both feet step aside, (T, 2, 2) m, to be ``least`` apart.

    The hips of some robots are closer together, and their feet broader, than those of a person.

    Args:
        edges: (T, 2, 2, 3) m, heels and toes.
        least: m, between the middle lines of the soles.
    """
    lines = np.concatenate([edges, edges.mean(axis=2, keepdims=True)], axis=2)
    between = (lines[:, 0, :, None] - lines[:, 1, None]).reshape(len(edges), -1, 3)
    distance = np.linalg.norm(between[..., :2], axis=-1)
    rows, nearest = np.arange(len(edges)), distance.argmin(axis=1)
    way, near = between[rows, nearest], distance[rows, nearest]
    lacking = np.maximum(least - near, 0.0) * fade(np.abs(way[:, 2]), _PASSING)
    push = way[:, :2] * (lacking / np.maximum(2.0 * near, 1e-3))[:, None]
    return np.stack([push, -push], axis=1)


def _behind(
    start: Array, moves: Array, held: Array, step: float, most: float, follow: float = 0.0
) -> Array:
    """Return how far feet stay behind (T, 2, K).

    Args:
        start: (2, K), how far they did before.
        moves: (T, 2, K), how far the person's feet moved in each frame.
        held: (T, 2) in [0, 1].
        step: Seconds of a frame.
        most: Limit.
        follow: Time in which the body gives way to what held feet have in common, s; 0: never.
    """
    keep = np.exp(-step * ((1.0 - held) / _RETURN + held / _CREEP))[..., None]
    yielding = 1.0 - np.exp(-step / follow) if follow else 0.0
    result, behind = np.empty_like(moves), start
    for row, hold in enumerate(held[..., None]):
        behind = keep[row] * (behind - hold * moves[row])
        size = np.sqrt((behind**2).sum(axis=1, keepdims=True))
        behind = behind * np.minimum(1.0, most / np.maximum(size, 1e-9))
        behind = behind - yielding * (hold * behind).sum(axis=0) / np.maximum(hold.sum(), 1.0)
        result[row] = behind
    return result
