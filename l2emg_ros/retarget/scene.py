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
"""Lays what a robot is to do with points in space over a motion.

Targets change what the motion asks for before the inverse kinematics: bones keep their lengths,
limits and self-collision are dealt with as ever, and a point out of reach is approached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion import limbs
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.overlay import Level, Overlay
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import Footing, footing, RootPlanner, sole_corners
from l2emg_ros.retarget.scene_target import HANDS, Hands, SceneTarget

__all__ = ['Scene', 'SceneTarget']

Array = NDArray[np.float64]


@dataclass
class _Path:
    """What goes on from chunk to chunk: where the root has got to.

    Attributes:
        heading: (3, 3), forward, left and up in the first frame, in the world.
        motion: The last frame.
        feet: What the feet did in it.
        corners: (1, 2, C, 3) m, of the soles from the root, in world directions.
        at: (3,) m, place of the root.
    """

    heading: Array
    motion: Motion
    feet: Footing
    corners: Array
    at: Array


class Scene:
    """Lays targets over one motion, chunk after chunk; looks back, never ahead."""

    def __init__(self, robot: Robot, targets: Sequence[SceneTarget]) -> None:
        """Prepare.

        Args:
            robot: The robot.
            targets: What to do; those that need the same hand must not overlap in time.

        Raises:
            BadRequest: Two targets want the same limb at the same time, or there are too many.
        """
        self.targets = tuple(targets)
        self._hands = Hands(self.targets)
        self._overlay = Overlay(robot)
        self._planner = RootPlanner(robot)
        self._axes = robot.map.links['base_link'].axes
        self._home = self._planner.fixed(1)[0]
        if robot.map.has_legs:
            self._soles = np.array([sole_corners(robot, side) for side in SIDES])
        self.reset()

    def reset(self) -> None:
        """Forget the motion: the next frame is the first of another one."""
        self._frames = 0
        self._path: _Path | None = None
        self._hands.reset()

    def apply(
        self, motion: Motion, root: Array | None, points: dict[str, Array], parts: dict[str, Array]
    ) -> None:
        """Lay the targets over the next frames.

        Args:
            motion: Frames that follow those of the call before.
            root: (T, 3, 3) orientation of the root link in the world; None: the root stands still.
            points: Target points (T, 3) m by name, shoulders too, from the root link in its frame;
                those of shoulders, elbows and wrists are replaced.
            parts: Orientations (T, 3, 3) of links by name, changed in place.
        """
        times = (self._frames + np.arange(motion.frames)) / motion.fps
        self._frames += motion.frames
        turn, place, heading = self._root(motion, root, points, parts)
        local, level = np.swapaxes(turn, 1, 2), Level.of(turn, self._axes)
        weights = [target.weight(times) for target in self.targets]
        seen = [
            limbs.turn(local, self._home + heading @ np.array(target.point) - place)
            for target in self.targets
        ]
        live = [number for number, weight in enumerate(weights) if weight.any()]
        # Arms start at the trunk, and make way last.
        for number in live:
            if self.targets[number].kind == 'look_at':
                self._overlay.look(points, parts, seen[number], weights[number])
        for number in self._hands.order:
            started = np.flatnonzero(times >= self.targets[number].start)
            if started.size and number not in self._hands.sides:
                row = started[0]
                self._hands.choose(number, bool(seen[number][row] @ level.left[row] > 0.0))
            if number in live:
                kind, side = self.targets[number].kind, self._hands.sides[number]
                self._overlay.use(kind, side, points, parts, seen[number], weights[number], level)
        for number in live:
            target = self.targets[number]
            if target.kind != 'avoid':
                continue
            radius = target.radius * weights[number]
            for side in SIDES:
                if target.limb in ('either', HANDS[side]):
                    self._overlay.avoid(side, points, parts, seen[number], radius, level)

    def _root(
        self, motion: Motion, root: Array | None, points: dict[str, Array], parts: dict[str, Array]
    ) -> tuple[Array, Array, Array]:
        """Return orientation (T, 3, 3) and place (T, 3) m of the root, and the heading (3, 3).

        The place is what `RootPlanner` will make of the motion if the feet are where the targets
        have them.
        """
        count = motion.frames
        if root is None:
            still = np.tile(np.eye(3), (count, 1, 1))
            return still, np.tile(self._home, (count, 1)), limbs.heading(self._axes[None])[0]
        before = self._path
        feet = footing(motion, before.motion if before else None)
        heading = before.heading if before else limbs.heading(root[:1] @ self._axes)[0]
        corners = self._corners(root, points, parts)
        at = before.at if before else self._home
        if corners is None:
            place = np.tile(at, (count, 1))
            corners = np.zeros((count, 2, 0, 3))
        elif before:
            joined = np.vstack([before.corners, corners])
            place = self._planner.place(joined, before.feet + feet, at[:2])[1:]
        else:
            place = self._planner.place(corners, feet, at[:2])
        last = slice(count - 1, count)
        self._path = _Path(heading, motion.slice(count - 1), feet[last], corners[last], place[-1])
        return root, place, heading

    def _corners(
        self, root: Array, points: dict[str, Array], parts: dict[str, Array]
    ) -> Array | None:
        """Return the corners of the soles (T, 2, C, 3) m from the root, in world directions."""
        if 'l_sole' not in parts:
            return None
        corners = np.stack(
            [
                points[f'{side}_ankle'][:, None]
                + self._soles[number] @ np.swapaxes(parts[f'{side}_sole'], 1, 2)
                for number, side in enumerate(SIDES)
            ],
            axis=1,
        )
        return np.asarray(corners @ np.swapaxes(root, 1, 2)[:, None])
