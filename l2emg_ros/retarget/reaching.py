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
"""Arms that reach, point and make way, in closed form.

Everything is in one frame, whichever; an arm is two bones and a hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion import limbs, rotation
from l2emg_ros.retarget.robot import Robot

Array = NDArray[np.float64]

# Shares of the length of an arm where pulling it in starts and ends.
_REACH = (0.985, 0.999)
# The same for an arm that was only pushed aside: what is straight stays so.
_PUSHED = (0.999, 1.0)
# Share of its length at which an arm points: the elbow is a little bent.
_POINTING = 0.98
# What is left between the finger tips and a point near by, m.
_BEFORE = 0.03
# Where on a forearm, from the elbow, and on a hand, from the wrist, a sphere is kept out.
_ON_FOREARM, _ON_HAND = (0.0, 1 / 3, 2 / 3, 1.0), (0.5, 1.0)
# Share of a push that the elbow takes with the wrist.
_ELBOW_SHARE = 0.5
# What is left between an arm and a sphere for what inverse kinematics and smoothing miss, m.
_APART = 0.03
# What frees one part of an arm may bring the next one too close.
_ROUNDS = 8
# Poses from which is learned how a shoulder moves with the arm, and how far they are from home,
# rad. Less than this is no movement, m.
_POSES, _SPREAD, _HARDLY = 150, 1.5, 0.01
# Share of the way of the wrist by which the elbow goes where elbows go.
_DOUBT = 0.3


@dataclass(frozen=True)
class Arm:
    """Sizes of an arm.

    Attributes:
        upper: m, from shoulder to elbow.
        fore: m, from elbow to wrist.
        grip: (3,) m, from the wrist to the point of the gripper, in the axes of the hand.
        tips: m, from the wrist to the finger tips.
        thick: m, half of the thickness of the hand.
    """

    upper: float
    fore: float
    grip: Array
    tips: float
    thick: float

    @classmethod
    def of(cls, robot: Robot, side: str) -> Arm:
        """Read the sizes of one arm."""
        lengths, home, body = robot.limb_lengths(), robot.home_points(), robot.map.body
        grip, key = np.zeros(3), f'{side}_gripper'
        if key in home:
            grip = (home[key] - home[f'{side}_wrist']) @ robot.home_axes(key)
        return cls(
            lengths[f'{side}_elbow'],
            lengths[f'{side}_wrist'],
            grip,
            max(body.hand_length if body else 0.0, float(grip[0])),
            body.hand if body else 0.0,
        )

    @property
    def length(self) -> float:
        """From the shoulder to the point of the gripper when stretched, m."""
        return float(self.upper + np.hypot(self.fore + self.grip[0], np.hypot(*self.grip[1:])))


def reaching(
    arm: Arm, shoulder: Array, at: Array, bend: Array, palm: Array
) -> tuple[tuple[Array, Array], Array]:
    """Return elbow and wrist (T, 3), and the hand, which goes on as the forearm does."""
    beside = arm.grip * [0.0, 1.0, 1.0]
    end = at
    # The second time the direction of the fingers is known, and with it what lies beside them.
    for _ in range(2):
        pole = limbs.frame(end - shoulder, bend)[..., 1]
        elbow, tip = limbs.two_bones(
            shoulder, end, pole, (arm.upper, arm.fore + float(arm.grip[0])), _REACH
        )
        hand = _hand(tip - elbow, palm)
        end = at - hand @ beside
    return (elbow, elbow + arm.fore * hand[..., 0]), hand


def pointing(
    arm: Arm, shoulder: Array, at: Array, bend: Array, palm: Array
) -> tuple[tuple[Array, Array], Array]:
    """Return elbow and wrist (T, 3), and the hand, with the fingers on the way to the point."""
    way = at - shoulder
    distance = np.linalg.norm(way, axis=-1, keepdims=True)
    hand = _hand(way, palm)
    far = np.minimum(_POINTING * (arm.upper + arm.fore), distance - arm.tips - _BEFORE)
    wrist = shoulder + np.maximum(far, 0.0) * hand[..., 0] - hand @ (arm.grip * [0.0, 1.0, 1.0])
    pole = limbs.frame(wrist - shoulder, bend)[..., 1]
    return limbs.two_bones(shoulder, wrist, pole, (arm.upper, arm.fore), _REACH), hand


def kept_out(
    arm: Arm,
    joints: tuple[Array, Array, Array],
    fingers: Array,
    at: Array,
    radius: Array,
    aside: tuple[Array, Array],
) -> tuple[Array, Array, Array]:
    """Push elbow, forearm and hand out of a sphere.

    Args:
        arm: Sizes.
        joints: Shoulder, elbow and wrist (T, 3) m.
        fingers: (T, 3) directions.
        at: (T, 3) m, the middle of the sphere.
        radius: (T,) m; 0: there is none yet.
        aside: Where hands and where elbows go in case of doubt, (T, 3) directions.

    Returns:
        Elbow and wrist (T, 3) m, and the rotation (T, 3, 3) of the forearm, with which the hand
        turns.
    """
    shoulder, elbow, wrist = joints
    size = radius + (arm.thick + _APART) * np.minimum(radius / _APART, 1.0)
    # A hand on its way through the middle passes on the side of the shoulder.
    past = limbs.unit(aside[0] + 0.5 * limbs.unit(shoulder - at))
    along = fingers
    for _ in range(_ROUNDS):
        for share in _ON_FOREARM:
            push = _out_of(elbow + share * (wrist - elbow), at, size, past)
            wrist = wrist + push
            elbow = elbow + (_ELBOW_SHARE if share else 1.0) * push
        for share in _ON_HAND:
            push = _out_of(wrist + share * arm.tips * along, at, size, past)
            wrist = wrist + push
            elbow = elbow + _ELBOW_SHARE * push
        moved = np.linalg.norm(wrist - joints[2], axis=-1, keepdims=True)
        bend = elbow - shoulder + _DOUBT * moved * aside[1]
        pole = limbs.frame(wrist - shoulder, bend)[..., 1]
        elbow, wrist = limbs.two_bones(shoulder, wrist, pole, (arm.upper, arm.fore), _PUSHED)
        swing = rotation.to_matrix(rotation.between(joints[2] - joints[1], wrist - elbow))
        along = limbs.turn(swing, fingers)
    return elbow, wrist, swing


def swaying(robot: Robot, side: str) -> Array:
    """Fit how a shoulder moves in the torso with the direction u of the upper arm.

    The first joint of some arms turns the shoulder too. Learned from poses of the arm around the
    home pose with the elbow in front.

    Returns:
        (4, 3) m in the axes of the torso: it moves by ``(1, u)`` times that.
    """
    arm = np.flatnonzero(robot.supports(f'{side}_elbow') & ~robot.supports('torso'))
    poses = np.tile(robot.home, (_POSES, 1))
    spread = np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, (_POSES, len(arm)))
    poses[:, arm] = np.clip(poses[:, arm] + spread, robot.lower[arm], robot.upper[arm])
    points, axes = robot.places([f'{side}_shoulder', f'{side}_elbow', 'torso'], poses)
    shoulder, elbow = (points[:, :2] @ axes[:, 2]).swapaxes(0, 1)
    home, torso = robot.home_points(), robot.home_axes('torso')
    moved = shoulder - home[f'{side}_shoulder'] @ torso
    upper = limbs.unit(elbow - shoulder)
    front = upper[:, 0] > 0.0
    if np.abs(moved).max() < _HARDLY or front.sum() < 8:
        return np.zeros((4, 3))
    known = np.column_stack([np.ones(len(upper)), upper])
    return np.asarray(np.linalg.lstsq(known[front], moved[front], rcond=None)[0])


def _hand(fingers: Array, palm: Array) -> Array:
    """Return the hand (T, 3, 3) along ``fingers`` whose palm faces ``palm`` as far as it can."""
    return limbs.frame(fingers, np.cross(palm, fingers))


def _out_of(at: Array, middle: Array, radius: Array, aside: Array) -> Array:
    """Return the way (T, 3) from points to the surface of a sphere; zero outside of it.

    The farther in, the more it leads towards ``aside`` (T, 3): what moves through the middle goes
    round the sphere instead of from one side of it to the other.
    """
    away, size = at - middle, np.maximum(radius, 1e-9)[:, None]
    depth = np.maximum(1.0 - (np.linalg.norm(away, axis=-1, keepdims=True) / size) ** 2, 0.0)
    goal = middle + size * limbs.unit(away + 0.5 * depth * size * aside)
    return np.where(depth > 0.0, goal - at, 0.0)
