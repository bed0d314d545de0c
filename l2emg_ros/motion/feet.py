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
"""Keeps the feet of streamed motion where they stepped."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.motion import limbs, rotation, skeleton
from l2emg_ros.motion.features import FPS

Array = NDArray[np.float64]

_UP = np.array([0.0, 0.0, 1.0])
_ANKLES = [skeleton.index(f'{side}_ankle') for side in skeleton.SIDES]
_BALLS = [skeleton.index(f'{side}_foot') for side in skeleton.SIDES]
# From the ankle to the ball of the foot, in the frame of the foot.
_SOLES = skeleton.REST_OFFSETS[_BALLS]
# A contact begins above the first and ends below the second, so that noise does not release it.
_ON, _OFF = 0.6, 0.4
# Contacts tell slow, low steps badly: of two held feet that want to go apart by this much, one
# steps, and both are let go for a moment, m.
_SLIP = 0.06
# A foot at less than this speed, m/s, may come to stand.
_STANDING = 0.3
# How high a moving foot is at least over the floor, m, and from which speed on, m/s.
_CLEARANCE, _SWINGING = 0.03, 0.2
# Most that a foot is lifted or let down in a frame, m.
_RISE = 0.012
# Shares a frame at 30 fps: of the drift that the body gives way to, of the correction that a
# swinging foot keeps, and of the way to flat on the floor that a standing foot goes.
_YIELD = 0.15
_KEEP = 0.8
_SETTLE = 0.2
_REACH = (0.985, 0.998)
# Sine of the knee's flexion below which the thigh tells the hinge.
_STRAIGHT = 0.05


class FootLock:
    """Holds feet in contact still, by bending the legs, piece by piece.

    Generated motion tells the velocity of the body and the angles of the legs apart, and both
    with a small error, so that a standing foot wanders and a stepping one drags along the floor.
    Here a foot in contact stays where it came down, and one that travels is lifted; the legs are
    solved again for them, and the body follows the feet slowly, so that no error adds up. Pieces
    of any size give the same result; no later frame is read.
    """

    def __init__(self) -> None:
        """Start with both feet free."""
        # How the body has followed the feet.
        self._yaw, self._offset = 0.0, np.zeros(2)
        # Of both feet: what is held (heel, ball), where they are, and how that differs from the
        # input.
        self._held = np.zeros((2, 2), dtype=bool)
        self._ball, self._foot = np.zeros((2, 3)), np.zeros((2, 4))
        self._shift, self._turn = np.zeros((2, 3)), np.zeros((2, 3))
        # Where the input had the balls of both feet, and how far those that move are lifted.
        self._input: Array | None = None
        self._lift = np.zeros(2)

    def push(
        self, rotations: ArrayLike, translation: ArrayLike, contacts: ArrayLike
    ) -> tuple[Array, Array]:
        """Correct the next frames.

        Args:
            rotations: (T, 22, 4) xyzw, parent-local.
            translation: (T, 3) m, pelvis.
            contacts: (T, 4) left ankle, left foot, right ankle, right foot, 0 to 1; the columns
                ``features.CONTACTS``.

        Returns:
            Rotations (T, 22, 4) and root translation (T, 3) m.
        """
        local = np.array(rotations, dtype=np.float64)
        root = np.array(translation, dtype=np.float64)
        touch = np.asarray(contacts, dtype=np.float64).reshape(-1, 2, 2)
        positions, frames = skeleton.forward_kinematics(local, root)
        turns = np.empty((len(root), 4))
        balls, feet = positions[:, _BALLS], frames[:, _ANKLES]
        speeds = self._speeds(balls)
        for t in range(len(root)):
            turns[t] = [0.0, 0.0, np.sin(self._yaw / 2), np.cos(self._yaw / 2)]
            shift = np.append(self._offset, 0.0)
            root[t] = rotation.apply(turns[t], root[t]) + shift
            balls[t], feet[t] = self._step(
                rotation.apply(turns[t], balls[t]) + shift,
                rotation.multiply(turns[t], feet[t]),
                touch[t],
                speeds[t],
            )
            self._follow()
        local[:, 0] = rotation.multiply(turns, local[:, 0])
        positions, frames = skeleton.forward_kinematics(local, root)
        for k in range(2):
            ankle = balls[:, k] - rotation.apply(feet[:, k], _SOLES[k])
            _set_leg(local, positions, frames, skeleton.SIDES[k], ankle, feet[:, k])
        return local, root

    def _speeds(self, balls: Array) -> Array:
        """Return the (T, 2) m/s at which the input moves the (T, 2, 3) m balls of the feet."""
        if not len(balls):
            return np.zeros((0, 2))
        if self._input is None:
            self._input, self._ball = balls[0], balls[0].copy()
        moves = np.diff(np.concatenate([self._input[None], balls]), axis=0)
        self._input = balls[-1].copy()
        return _speed(moves)

    def _step(
        self, balls: Array, feet: Array, contacts: Array, speeds: Array
    ) -> tuple[Array, Array]:
        """Return (2, 3) balls of the feet and (2, 4) feet that follow the input or stay."""
        now = self._touching(contacts, speeds)
        ball = balls + _KEEP * self._shift
        foot = rotation.multiply(rotation.from_rotvec(_KEEP * self._turn), feet)
        heel_stays, ball_stays = (now & self._held).T
        flat = now[:, 0] & now[:, 1]
        if flat.any():
            held = np.where(
                (flat & self._held[:, 0] & self._held[:, 1])[:, None], self._foot, foot
            )
            foot = np.where(flat[:, None], _flatter(held), foot)
        heel_alone = heel_stays & ~now[:, 1]
        if heel_alone.any():
            heel = self._ball - rotation.apply(self._foot, _SOLES)
            ball = np.where(heel_alone[:, None], heel + rotation.apply(foot, _SOLES), ball)
        ball[ball_stays, :2] = self._ball[ball_stays, :2]
        settle = ball_stays & now[:, 0]
        height = self._ball[settle, 2]
        ball[settle, 2] = height + np.clip(skeleton.FOOT_HEIGHT - height, -_RISE, _RISE)
        self._raise(ball, np.logical_not(now.any(axis=1)))
        self._held, self._ball, self._foot = now, ball, foot
        self._shift = ball - balls
        self._turn = rotation.to_rotvec(rotation.multiply(foot, rotation.inverse(feet)))
        return ball, foot

    def _raise(self, ball: Array, free: NDArray[np.bool_]) -> None:
        """Lift, in place, the (2, 3) balls of the feet; the (2,) free ones as far as they move."""
        moved = np.minimum(_speed(ball - self._ball) / _SWINGING, 1.0)
        wanted = np.where(free, _CLEARANCE * moved, 0.0)
        self._lift += np.clip(wanted - self._lift, -_RISE, _RISE)
        ball[:, 2] = np.maximum(ball[:, 2], skeleton.FOOT_HEIGHT + self._lift)

    def _touching(self, contacts: Array, speeds: Array) -> NDArray[np.bool_]:
        """Return (2, 2) which heels and balls are on the floor and shall stay."""
        # One held foot alone may be dragged any way: then it is the body that drifts.
        apart = np.linalg.norm(self._shift[0, :2] - self._shift[1, :2])
        stay = contacts > _OFF
        if self._held.any(axis=1).all() and apart > _SLIP:
            # The one that moves makes a step, whatever its contact says.
            stay[int(np.argmax(speeds))] = False
        lands = (contacts > _ON) & (speeds < _STANDING)[:, None]
        if not self._held.any():
            # Somebody who walks stands on one foot at least, whatever the speeds say.
            standing = int(np.argmax(contacts.mean(axis=1)))
            lands[standing] = contacts[standing] > _OFF
        return np.where(self._held, stay, lands)

    def _follow(self) -> None:
        """Move the body a little towards where its held feet are."""
        held = self._held.any(axis=1)
        if not held.any():
            return
        turn = _YIELD * float(self._turn[held, 2].mean())
        shift = _YIELD * self._shift[held, :2].mean(axis=0)
        # Turning about the middle of the feet leaves them where they are.
        centre = self._ball[held, :2].mean(axis=0)
        c, s = np.cos(turn), np.sin(turn)
        self._offset = np.array([[c, -s], [s, c]]) @ (self._offset - centre) + centre + shift
        self._yaw += turn


def _speed(moves: Array) -> Array:
    """Return the horizontal speed in m/s of (..., 3) m moved in a frame."""
    return np.asarray(np.linalg.norm(moves[..., :2], axis=-1) * FPS)


def _flatter(feet: Array) -> Array:
    """Return (2, 4) feet a little nearer to flat on the floor."""
    upright = rotation.between(rotation.apply(feet, np.array([0.0, 1.0, 0.0])), _UP)
    return rotation.multiply(rotation.from_rotvec(_SETTLE * rotation.to_rotvec(upright)), feet)


def _set_leg(
    local: Array, positions: Array, frames: Array, side: str, ankle: Array, foot: Array
) -> None:
    """Write the rotations of a leg whose (T, 3) m ankle and (T, 4) foot are told into ``local``.

    The knee bends more or less about its own hinge and turns about no other axis; ``positions``
    and ``frames`` are those of the whole body before.
    """
    hip, knee, end = (skeleton.index(f'{side}_{name}') for name in ('hip', 'knee', 'ankle'))
    start, upper = positions[:, hip], positions[:, knee] - positions[:, hip]
    lower = positions[:, end] - positions[:, knee]
    # The hinge of a straight leg is told by its thigh.
    across = rotation.apply(frames[:, hip], np.array([1.0, 0.0, 0.0]))
    hinge = limbs.unit(np.cross(limbs.unit(upper), limbs.unit(lower)) + _STRAIGHT * across)
    along = limbs.unit(ankle - start)
    pole = limbs.unit(np.cross(along, hinge))
    lengths = (_length(knee), _length(end))
    middle, ankle = limbs.two_bones(start, ankle, pole, lengths, _REACH)
    turned = np.cross(pole, along)
    pelvis = rotation.inverse(frames[:, 0])
    thigh = _carried(frames[:, hip], (upper, hinge), (middle - start, turned))
    shank = _carried(frames[:, knee], (lower, hinge), (ankle - middle, turned))
    local[:, hip] = rotation.multiply(pelvis, thigh)
    local[:, knee] = rotation.multiply(rotation.inverse(thigh), shank)
    local[:, end] = rotation.multiply(rotation.inverse(shank), foot)


def _length(joint: int) -> float:
    """Return the length in m of the bone that ends at a joint."""
    return float(np.linalg.norm(skeleton.REST_OFFSETS[joint]))


def _carried(bone: Array, before: tuple[Array, Array], after: tuple[Array, Array]) -> Array:
    """Return (T, 4) bones turned as (T, 3) direction and hinge go from ``before`` to ``after``."""
    turn = limbs.frame(*after) @ np.swapaxes(limbs.frame(*before), -1, -2)
    return rotation.multiply(rotation.from_matrix(turn), bone)
