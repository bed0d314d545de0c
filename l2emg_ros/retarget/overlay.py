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
"""What head, trunk and arms do for a point in space, laid over what a motion asks of them.

Everything is in the frame of the root link. Bones are blended as directions and keep their length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion import limbs, rotation
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.reaching import Arm, kept_out, pointing, reaching, swaying
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import fade

Array = NDArray[np.float64]

_LEFT, _UP = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
# Where elbows go, forward, outward and up, and what it counts where the person has them.
_ELBOW, _PERSON = (-0.25, 0.35, -1.0), 0.5
# The same for palms; the small numbers decide where the fingers point along the large one.
_PALMS = {
    'reach': (0.0, -1.0, -0.6),
    'point_at': (0.0, -0.5, -1.0),
    'hand_over': (-0.2, 0.0, 1.0),
}
# What the trunk does of a look, about the vertical and across, if the robot has a head; and else.
_TRUNK_WITH_HEAD, _TRUNK_ALONE = (0.3, 0.15), (1.0, 1.0)
# How far the trunk turns to either side, bends back and bends forward for a look, rad.
_TRUNK_YAW, _TRUNK_PITCH = 1.0, (-0.25, 0.45)
# How far the head turns from the trunk, rad.
_HEAD_YAW, _HEAD_PITCH = 1.2, (-0.6, 0.8)
# Who looks at what moves behind gives up between these angles: the other side is as near, rad.
_BEHIND = (2.2, 3.0)
# Rounds in which the place of a shoulder and the arm agree.
_SETTLING = 3
# Keeps the blend of opposite directions defined; the most that it turns a blend, rad.
_NUDGE = 1e-3


@dataclass(frozen=True)
class Level:
    """Horizontal forward and left, and up, each (T, 3), seen from the root link."""

    forward: Array
    left: Array
    up: Array

    @classmethod
    def of(cls, turn: Array, axes: Array) -> Level:
        """Return them for orientations (T, 3, 3) of the root link with ``axes`` (3, 3)."""
        level = np.swapaxes(turn, 1, 2) @ limbs.heading(turn @ axes)
        return cls(level[..., 0], level[..., 1], level[..., 2])

    def along(self, outward: float, parts: tuple[float, float, float]) -> Array:
        """Return (T, 3) from shares forward, outward and up; outward is 1 on the left, else -1."""
        forward, aside, up = parts
        return np.asarray(forward * self.forward + outward * aside * self.left + up * self.up)


class Overlay:
    """Moves the targets of one robot."""

    def __init__(self, robot: Robot) -> None:
        """Read what is fixed from the robot."""
        self.arms = {side: Arm.of(robot, side) for side in SIDES}
        self._robot, self._sways = robot, dict[str, Array]()
        home = robot.home_points()
        self._torso_at = home['torso']
        self._gaze = None
        if 'gaze' in home:
            self._gaze = (home['gaze'] - self._torso_at) @ robot.home_axes('torso')

    def look(
        self,
        points: dict[str, Array],
        parts: dict[str, Array],
        at: Array,
        weight: Array,
    ) -> None:
        """Turn head and trunk towards a point; arms go with the trunk.

        Args:
            points: (T, 3) m by name; shoulders, elbows and wrists are replaced.
            parts: (T, 3, 3) by name, changed in place.
            at: (T, 3) m, the point.
            weight: (T,) in [0, 1].
        """
        torso = parts['torso']
        shares = _TRUNK_ALONE if self._gaze is None else _TRUNK_WITH_HEAD
        yaw, pitch = _angles(torso, at - self._eyes(points, torso))
        yaw = np.clip(shares[0] * yaw, -_TRUNK_YAW, _TRUNK_YAW)
        aside = _facing(torso, weight * yaw)
        turned = _facing(torso, weight * yaw, weight * np.clip(shares[1] * pitch, *_TRUNK_PITCH))
        swing, whole = aside @ np.swapaxes(torso, 1, 2), turned @ np.swapaxes(torso, 1, 2)
        for side in SIDES:
            # Arms hang as before when the trunk bends, and turn with it.
            names = [f'{side}_{joint}' for joint in ('shoulder', 'elbow', 'wrist')]
            shoulder, elbow, wrist = (points[name] for name in names)
            points[names[0]] = self._torso_at + limbs.turn(whole, shoulder - self._torso_at)
            points[names[1]] = points[names[0]] + limbs.turn(swing, elbow - shoulder)
            points[names[2]] = points[names[0]] + limbs.turn(swing, wrist - shoulder)
            if f'{side}_gripper' in parts:
                parts[f'{side}_gripper'][:] = swing @ parts[f'{side}_gripper']
        torso[:] = turned
        if self._gaze is not None:
            yaw, pitch = _angles(torso, at - self._eyes(points, torso))
            gaze = _facing(
                torso, np.clip(yaw, -_HEAD_YAW, _HEAD_YAW), np.clip(pitch, *_HEAD_PITCH)
            )
            parts['gaze'][:] = _turned(parts['gaze'], gaze, weight)

    def use(
        self,
        kind: str,
        side: str,
        points: dict[str, Array],
        parts: dict[str, Array],
        at: Array,
        weight: Array,
        level: Level,
    ) -> None:
        """Let one arm reach, hand over or point.

        Args:
            kind: 'reach', 'hand_over' or 'point_at'.
            side: Of the arm.
            points: (T, 3) m by name; shoulder, elbow and wrist are replaced.
            parts: (T, 3, 3) by name, changed in place.
            at: (T, 3) m, the point.
            weight: (T,) in [0, 1].
            level: Directions.
        """
        arm, outward = self.arms[side], 1.0 if side == 'l' else -1.0
        shoulder, elbow, wrist = (points[f'{side}_{j}'] for j in ('shoulder', 'elbow', 'wrist'))
        bend = _PERSON * (elbow - shoulder) / arm.upper + level.along(outward, _ELBOW)
        palm = level.along(outward, _PALMS[kind])
        base = shoulder
        if kind == 'point_at':
            joints, hand = pointing(arm, shoulder, at, bend, palm)
            for _ in range(_SETTLING):
                # What others see is the line from the shoulder to the hand.
                base = shoulder + self._sway(side, joints[0] - base, parts['torso'])
                joints, hand = pointing(arm, base, at, bend, palm)
        else:
            joints, hand = reaching(arm, shoulder, at, bend, palm)
        upper = _mixed(elbow - shoulder, joints[0] - base, weight, level.forward)
        fore = _mixed(wrist - elbow, joints[1] - joints[0], weight, level.forward)
        shoulder = shoulder + weight[:, None] * (base - shoulder)
        points[f'{side}_shoulder'] = shoulder
        points[f'{side}_elbow'] = shoulder + arm.upper * upper
        points[f'{side}_wrist'] = points[f'{side}_elbow'] + arm.fore * fore
        if f'{side}_gripper' in parts:
            parts[f'{side}_gripper'][:] = _turned(parts[f'{side}_gripper'], hand, weight)

    def avoid(
        self,
        side: str,
        points: dict[str, Array],
        parts: dict[str, Array],
        at: Array,
        radius: Array,
        level: Level,
    ) -> None:
        """Push elbow, forearm and hand out of a sphere.

        Args:
            side: Of the arm.
            points: (T, 3) m by name; elbow and wrist are replaced.
            parts: (T, 3, 3) by name, changed in place.
            at: (T, 3) m, the middle.
            radius: (T,) m; 0: there is none yet.
            level: Directions.
        """
        arm = self.arms[side]
        names = [f'{side}_{joint}' for joint in ('shoulder', 'elbow', 'wrist')]
        shoulder, elbow, wrist = (points[name] for name in names)
        hand = parts.get(f'{side}_gripper')
        fingers = limbs.unit(wrist - elbow) if hand is None else hand[..., 0]
        elbows = level.along(1.0 if side == 'l' else -1.0, _ELBOW)
        points[names[1]], points[names[2]], swing = kept_out(
            arm, (shoulder, elbow, wrist), fingers, at, radius, (level.up, elbows)
        )
        if hand is not None:
            hand[:] = swing @ hand

    def _sway(self, side: str, upper: Array, torso: Array) -> Array:
        """Return how far a shoulder moves (T, 3) m for an upper arm along (T, 3)."""
        if side not in self._sways:
            self._sways[side] = swaying(self._robot, side)
        fixed, moving = np.split(self._sways[side], [1])
        local = limbs.turn(np.swapaxes(torso, 1, 2), limbs.unit(upper))
        return limbs.turn(torso, fixed + local @ moving)

    def _eyes(self, points: dict[str, Array], torso: Array) -> Array:
        """Return where the robot looks from (T, 3): without a head the middle of the shoulders."""
        if self._gaze is None:
            return (points['l_shoulder'] + points['r_shoulder']) / 2
        return self._torso_at + torso @ self._gaze


def _angles(axes: Array, way: Array) -> tuple[Array, Array]:
    """Return how far (T,) rad a way (T, 3) lies to the left of and below forward (T, 3, 3)."""
    x, y, z = np.moveaxis((np.swapaxes(axes, 1, 2) @ way[..., None])[..., 0], -1, 0)
    yaw = np.arctan2(y, x)
    return yaw * fade(np.abs(yaw), _BEHIND), np.arctan2(-z, np.hypot(x, y))


def _facing(axes: Array, yaw: Array, pitch: Array | None = None) -> Array:
    """Return orientations (T, 3, 3) turned to the left by ``yaw``, then bent by ``pitch`` rad."""
    turned = axes @ limbs.axis_angle(_UP, yaw)
    return turned if pitch is None else turned @ limbs.axis_angle(_LEFT, pitch)


def _mixed(first: Array, second: Array, share: Array, past: Array) -> Array:
    """Return directions (T, 3) on the way from one to the other; opposite ones pass ``past``."""
    first, second = limbs.unit(first), limbs.unit(second)
    cosine = (first * second).sum(axis=-1, keepdims=True)
    across = second - cosine * first
    across = across + _NUDGE * (past - (past * first).sum(axis=-1, keepdims=True) * first)
    angle = share[:, None] * np.arccos(np.clip(cosine, -1.0, 1.0))
    return np.asarray(np.cos(angle) * first + np.sin(angle) * limbs.unit(across))


def _turned(first: Array, second: Array, share: Array) -> Array:
    """Return orientations (T, 3, 3) on the way from one to the other."""
    ends = rotation.from_matrix(first), rotation.from_matrix(second)
    return rotation.to_matrix(rotation.slerp(*ends, share))
