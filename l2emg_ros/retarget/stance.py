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

"""Standing feet: they stay where they came down, their soles are level and on one floor.

Captured and generated feet slide a little while they stand, and what is a level foot differs
between skeletons. A robot would rub its soles or stand on an edge. They may turn: people do, on
heel or toe. The hips of a robot are broader for its legs than a person's: when they tilt, one of
two standing feet would hang in the air. `Stance` looks back, never ahead, and carries what it
knows from call to call, so that chunks give what the whole motion gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from l2emg_ros.motion import limbs, rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.limits import stencil, weighted_bands
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import fade, footing, heel_and_toe
from l2emg_ros.retarget.sway import lagged, Sway

Array = NDArray[np.float64]

# Below the first contact a foot is free, above the second it is held.
_HOLD = (0.3, 0.7)
# Time in which a free foot returns to where the person has it, and a held one, s.
_RETURN, _CREEP = 0.15, 20.0
# Time in which the body gives way to what all held feet have in common, s.
_FOLLOW = 0.2
# Most by which a held foot stays behind, m.
_BEHIND = 0.08
# Time in which a standing foot is raised to the level of the other, s.
_RAISE = 0.15
# What is left between two soles, m. They pass each other when they are this far from level, m.
_GAP = 0.015
_PASSING = (0.06, 0.12)
# Weight of the turns of flat feet against their distance from the person's.
_STEADY = 10.0
# Time over which standing feet tell what level is, s.
_LEARN = 3.0


class Stance:
    """Holds the feet of one person as a robot with legs follows them.

    Attributes:
        sway: Brings the body over the feet that `push` placed last.
        held: (T, 2) in [0, 1], whether the feet stood in the frames pushed last.
    """

    def __init__(self, robot: Robot) -> None:
        """Read the feet of the robot."""
        self._edges = np.array([heel_and_toe(robot, side) for side in SIDES])
        soles = [robot.map.links[f'{side}_sole'] for side in SIDES]
        widths = [np.ptp(sole.corners @ sole.axes[:, 1]) for sole in soles]
        self._apart = float(sum(widths)) / 2 + _GAP
        self.sway = Sway(robot)
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self.sway.reset()
        self.held = np.zeros((0, 2))
        # How far each foot is raised, (1, 2) m.
        self._raised = np.zeros((1, 2))
        self._last: Motion | None = None
        # Where the last frame had heels and toes (2, 2, 2) m, before correction.
        self._edge = np.zeros((2, 2, 2))
        # How far both feet stay behind, (2, 2) m.
        self._shift = np.zeros((2, 2))
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
        feet = footing(motion, self._last)
        contacts = feet.contacts.reshape(-1, 2, 2)
        first, step = self._last is None, 1.0 / motion.fps
        self._last = motion.slice(motion.frames - 1)
        soles = self._levelled(soles, feet.flat, step)
        parts = 1.0 - fade(contacts, _HOLD)
        held = parts.max(axis=2)
        edges = ankles[:, :, None] + np.einsum('tsij,sej->tsei', soles, self._edges)
        low = edges[..., 2].min(axis=2)
        # Up, not down: the higher foot may hang from a leg that is straight.
        up = low.max(axis=1, keepdims=True) - low
        up *= held.min(axis=1, keepdims=True) * fade(up, _PASSING)
        raised = lagged(up[:1] if first else self._raised, up, step / _RAISE)
        aside = _apart(edges, self._apart)
        ankles += np.concatenate([aside, raised[..., None]], axis=2)
        edges = edges[..., :2] + aside[:, :, None]
        if first:
            self._edge = edges[0]
        moves = np.diff(edges, axis=0, prepend=self._edge[None])
        share = parts / np.maximum(parts.sum(axis=2, keepdims=True), 1e-9)
        moves = (share[..., None] * moves).sum(axis=2)
        shift = _behind(self._shift, moves, held, step)
        self._shift, self._edge = shift[-1], edges[-1]
        self._raised, self.held = raised[-1:], held
        return ankles + np.pad(shift, ((0, 0), (0, 0), (0, 1))), soles

    def _levelled(self, soles: Array, stands: Array, step: float) -> Array:
        """Return soles (T, 2, 3, 3) that are level where they stand, as far as was learned."""
        level = limbs.heading(soles)
        seen = rotation.to_rotvec(rotation.from_matrix(np.swapaxes(soles, -1, -2) @ level))
        tilts = np.empty_like(seen)
        for row in range(len(seen)):
            # At first the mean of all that was seen, later one that forgets.
            self._learned = self._learned + stands[row] * step
            share = stands[row] * step / np.clip(self._learned, 1e-9, _LEARN)
            self._tilt = self._tilt + share[:, None] * (seen[row] - self._tilt)
            tilts[row] = self._tilt
        return np.asarray(soles @ rotation.to_matrix(rotation.from_rotvec(tilts)))


def steadied(soles: Array, flat: Array) -> Array:
    """Return soles that turn little while they are flat, around where they are on average.

    Looks ahead: for whole motions. Minimises the squared distance of the headings from the
    person's and, weighted, their squared changes between frames in which the foot is flat.

    Args:
        soles: (T, 2, 3, 3), columns forward, left, up.
        flat: (T, 2) in [0, 1], whether heel and toe stay in place.
    """
    if len(soles) < 2:
        return soles
    ahead = limbs.heading(soles)[..., 0]
    headings = np.unwrap(np.arctan2(ahead[..., 1], ahead[..., 0]), axis=0)
    turns = np.zeros((*headings.shape, 3))
    weights = _STEADY * np.minimum(flat[1:], flat[:-1]) ** 2
    for side, bands in enumerate(weighted_bands(stencil((-1.0, 1.0), len(soles)), weights)):
        bands[-1] += 1.0
        turns[:, side, 2] = solveh_banded(bands, headings[:, side]) - headings[:, side]
    return np.asarray(rotation.to_matrix(rotation.from_rotvec(turns)) @ soles)


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


def _behind(start: Array, moves: Array, held: Array, step: float) -> Array:
    """Return how far feet stay behind (T, 2, 2) m.

    Args:
        start: (2, 2) m, how far they did before.
        moves: (T, 2, 2) m, how far the person's feet moved in each frame.
        held: (T, 2) in [0, 1].
        step: Seconds of a frame.
    """
    keep = np.exp(-step * ((1.0 - held) / _RETURN + held / _CREEP))[..., None]
    yielding = 1.0 - np.exp(-step / _FOLLOW)
    result, behind = np.empty_like(moves), start
    for row, hold in enumerate(held[..., None]):
        behind = keep[row] * (behind - hold * moves[row])
        size = np.sqrt((behind**2).sum(axis=1, keepdims=True))
        behind = behind * np.minimum(1.0, _BEHIND / np.maximum(size, 1e-9))
        behind = behind - yielding * (hold * behind).sum(axis=0) / np.maximum(hold.sum(), 1.0)
        result[row] = behind
    return result
