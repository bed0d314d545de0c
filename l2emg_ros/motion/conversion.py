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
"""From joint positions (and orientations, where a file has them) to SMPL rotations.

Bone directions come from the positions. The rotation about a bone, its twist, comes from the
orientation of the source joint after a constant correction of axes, found once a clip:

- Elbow and knee are hinges. Seen from the upper limb the hinge axis stands still, so its mean,
  weighted by the flexion, tells how the source's axes lie about the bone. Seen from the forearm
  it moves: that is pronation, and is kept.
- Pelvis, chest, head and feet carry axes along the body in every rig seen so far: the signed axis
  nearest to the mean direction of the body is taken.

A constant correction cannot add a jump that the source does not have.

Without orientations the twist of a limb follows from the hinge where it is bent and is
interpolated where it is straight; the twist of forearm, hand, head and toes cannot be observed and
stays zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import rotation, skeleton

Array = NDArray[np.float64]

_X, _Y, _Z = np.eye(3)

# SMPL's pelvis-spine1 and spine3-neck bones lean back by 14 and 11 degrees, those of most rigs by
# none. Aiming them exactly would pitch the pelvis and chest of an upright person forward by as
# much; where the source has axes of its own, the bones may stay apart by these angles instead.
_PELVIS_SLACK = np.radians(6.0)
_CHEST_SLACK = np.radians(4.0)
# With less flexion than the first, noise decides where the hinge axis lies; with less than the
# second, hyperextension may decide to which side it points.
_FLEXED = np.sin(np.radians(1.0))
_BENT = np.sin(np.radians(5.0))
_SOLE_LIFT = 0.02  # m; higher, the ball of a foot may be tilted
_HEAD_TURN = np.cos(np.radians(65.0))


def to_smpl(positions: Array, orientations: Array | None = None) -> Array:
    """Find the SMPL rotations of a body.

    Args:
        positions: (T, 22, 3) m, SMPL joints in a z-up world, of a body about as tall as SMPL's.
        orientations: (T, 22, 4) xyzw orientations of the source joints in the same world, with
            whatever local axes the source has; those of collars, neck, spine1 and spine2 are not
            used.

    Returns:
        (T, 22, 4) parent-local rotations of the SMPL skeleton.

    Raises:
        MotionFormatError: if two neighbouring joints lie on one point.
    """
    body = _Body(positions, orientations)
    body.set_block('pelvis', ['hip'], 'spine1', _PELVIS_SLACK)
    body.set_block('spine3', ['collar', 'shoulder'], 'neck', _CHEST_SLACK)
    for side, sign in (('left_', 1.0), ('right_', -1.0)):
        body.aim_from('spine3', f'{side}collar', f'{side}shoulder')
        # Bending turns the forearm of a T-pose forward, the shin backward.
        body.set_limb(
            f'{side}collar', [side + j for j in ('shoulder', 'elbow', 'wrist')], -sign * _Y
        )
        body.set_limb('pelvis', [side + j for j in ('hip', 'knee', 'ankle')], _X)
        body.set_foot(side)
    body.set_neck_and_head()
    body.set_spine()
    return body.local_rotations()


class _Body:
    """The world orientations of the SMPL joints of a clip, while they are being found."""

    def __init__(self, positions: Array, orientations: Array | None) -> None:
        self.positions = positions
        self.source = orientations
        self.smpl = np.tile([0.0, 0.0, 0.0, 1.0], (*positions.shape[:2], 1))
        bones = positions[:, 1:] - positions[:, skeleton.PARENTS[1:]]
        lengths = np.linalg.norm(bones, axis=-1)
        empty = np.flatnonzero((lengths <= 1e-6 * lengths.max()).any(axis=0))
        if len(empty):
            name = skeleton.JOINT_NAMES[empty[0] + 1]
            raise MotionFormatError(
                f'joint {name} lies on its parent: expected a bone between them'
            )
        self.directions = bones / lengths[..., None]

    def bone(self, joint: str) -> Array:
        """Return (T, 3) directions from the parent of a joint to it."""
        return self.directions[:, skeleton.index(joint) - 1]

    def get(self, joint: str) -> Array:
        """Return the (T, 4) SMPL orientations found for a joint."""
        return self.smpl[:, skeleton.index(joint)]

    def put(self, joint: str, orientations: Array) -> None:
        """Store the (T, 4) SMPL orientations of a joint."""
        self.smpl[:, skeleton.index(joint)] = orientations

    def seen_from(self, joint: str, directions: ArrayLike) -> Array:
        """Return (T, 3) world directions in the axes of a source joint."""
        assert self.source is not None
        return rotation.apply(rotation.inverse(self.source[:, skeleton.index(joint)]), directions)

    def follow(self, joint: str, seen: tuple[Array, Array], rest: tuple[Array, Array]) -> Array:
        """Return the source orientation of a joint with its axes corrected.

        Args:
            joint: the joint.
            seen: two directions in the axes of the source joint.
            rest: the same two directions of the body in the axes of the SMPL joint.
        """
        assert self.source is not None
        correction = rotation.multiply(_frame(*seen), rotation.inverse(_frame(*rest)))
        return rotation.multiply(self.source[:, skeleton.index(joint)], correction)

    def aim(self, orientations: Array, child: str, slack: float = 0.0) -> Array:
        """Turn orientations by the least angle that brings the bone to `child` within `slack`."""
        bone = rotation.apply(orientations, _rest(child))
        turn = rotation.to_rotvec(rotation.between(bone, self.bone(child)))
        angle = np.linalg.norm(turn, axis=-1, keepdims=True)
        turn *= np.maximum(angle - slack, 0.0) / np.maximum(angle, 1e-9)
        return rotation.multiply(rotation.from_rotvec(turn), orientations)

    def aim_from(self, parent: str, joint: str, child: str) -> None:
        """Set a joint to its parent's orientation, turned to its bone without twist."""
        self.put(joint, self.aim(self.get(parent), child))

    def set_block(self, joint: str, pairs: list[str], child: str, slack: float) -> None:
        """Set the pelvis or the chest, a rigid triangle.

        Args:
            joint: pelvis or spine3.
            pairs: joints that span the triangle's base; the first whose sides lie apart is taken
                (in some rigs both collars start at the neck).
            child: the third corner, the next joint of the spine.
            slack: how far the bone to `child` may be off where the source has axes, in radians.
        """
        across = next(filter(np.any, map(self._across, pairs)), None)
        if across is None:
            raise MotionFormatError(f'left and right {pairs[-1]} lie on one point')
        rigid = rotation.multiply(
            _frame(across, self.bone(child)), rotation.inverse(_frame(_X, _rest(child)))
        )
        if self.source is not None:
            up = _nearest_axis(self.seen_from(joint, rotation.apply(rigid, _Y)))
            side = self.seen_from(joint, across).mean(axis=0)
            rigid = self.aim(self.follow(joint, (side, up), (_X, _Y)), child, slack)
        self.put(joint, rigid)

    def _across(self, pair: str) -> Array:
        """Return (T, 3) directions from right to left of a pair; zeros where they coincide."""
        left, right = skeleton.index(f'left_{pair}'), skeleton.index(f'right_{pair}')
        span = self.positions[:, left] - self.positions[:, right]
        length = np.linalg.norm(span, axis=-1, keepdims=True)
        if length.min() < 1e-3 * np.abs(self.positions - self.positions[:, :1]).max():
            return np.zeros_like(span)
        return span / length

    def set_limb(self, parent: str, joints: list[str], hinge: Array) -> None:
        """Set an arm or a leg down to the wrist or the knee.

        Args:
            parent: joint whose orientation gives the twist where nothing else does.
            joints: shoulder, elbow, wrist or hip, knee, ankle.
            hinge: axis of flexion in SMPL's axes.
        """
        upper, lower, end = joints
        untwisted = self.aim(self.get(parent), lower)
        if self.source is None:
            turn = _hinge_twist(untwisted, self.bone(end), (lower, end), hinge)
            self.put(upper, rotation.multiply(untwisted, turn))
            self.aim_from(upper, lower, end)
            self.put(end, self.get(lower))
            return
        flexion = np.cross(self.bone(lower), self.bone(end))
        seen = self._hinge_axis(upper, untwisted, flexion, hinge)
        along = self.seen_from(upper, self.bone(lower)).mean(axis=0)
        self.put(upper, self.aim(self.follow(upper, (along, seen), (_rest(lower), hinge)), lower))
        along = self.seen_from(lower, self.bone(end)).mean(axis=0)
        axes = (along, seen), (_rest(end), hinge)
        self.put(lower, self.aim(self.follow(lower, *axes), end))
        self.put(end, self.follow(end, *axes))

    def _hinge_axis(self, upper: str, untwisted: Array, flexion: Array, hinge: Array) -> Array:
        """Return the axis of flexion, (3,), in the axes of the source's upper limb."""
        weights = np.linalg.norm(flexion, axis=-1, keepdims=True)
        bend = np.sqrt((weights**2).mean())
        guess = self.seen_from(upper, rotation.apply(untwisted, hinge)).mean(axis=0)
        if bend < _FLEXED:
            return guess
        axis = (self.seen_from(upper, flexion) * weights).sum(axis=0)
        # A knee may be hyperextended throughout; a bent elbow may be turned far from the guess.
        unsure = bend < _BENT or upper.endswith('hip')
        return -axis if unsure and axis @ guess < 0.0 else axis

    def set_foot(self, side: str) -> None:
        """Set ankle and ball of one foot; on the floor the ball is level."""
        knee, ankle, foot = (f'{side}{name}' for name in ('knee', 'ankle', 'foot'))
        across = rotation.apply(self.get(knee), _X)
        if self.source is None:
            self.aim_from(knee, ankle, foot)
            self.put(foot, self.get(ankle))
            return
        along = self.seen_from(ankle, self.bone(foot)).mean(axis=0)
        axis = _nearest_axis(self.seen_from(ankle, across))
        self.put(ankle, self.aim(self.follow(ankle, (along, axis), (_rest(foot), _X)), foot))
        planted = self._planted(foot)
        if not planted.any():
            self.put(foot, self.get(ankle))
            return
        up = self.seen_from(foot, _Z)[planted].mean(axis=0)
        axis = _nearest_axis(self.seen_from(foot, across))
        self.put(foot, self.follow(foot, (up, axis), (_Y, _X)))

    def _planted(self, foot: str) -> NDArray[np.bool_]:
        """Return (T,) whether the ball of a foot is as low as either ball usually gets."""
        balls = [skeleton.index('left_foot'), skeleton.index('right_foot')]
        floor = np.percentile(self.positions[:, balls, 2].min(axis=1), 5.0)
        return self.positions[:, skeleton.index(foot), 2] < floor + _SOLE_LIFT

    def set_neck_and_head(self) -> None:
        """Set the head by the source and the neck halfway between chest and head."""
        chest = self.get('spine3')
        if self.source is None:
            self.aim_from('spine3', 'neck', 'head')
            self.put('head', self.get('neck'))
            return
        up, side = (self.seen_from('head', rotation.apply(chest, axis)) for axis in (_Y, _X))
        # A head that is bent or turned away all along may lie nearer to a wrong axis: the axes of
        # the chest are tried first.
        axes = [
            _nearest_axis(self.seen_from('spine3', rotation.apply(chest, a))) for a in (_Y, _X)
        ]
        if min(up.mean(axis=0) @ axes[0], side.mean(axis=0) @ axes[1]) < _HEAD_TURN:
            axes[0] = _nearest_axis(up)
            axes[1] = _nearest_axis(side * (axes[0] == 0.0))
        head = self.follow('head', (axes[0], axes[1]), (_Y, _X))
        self.put('head', head)
        self.put('neck', self.aim(rotation.slerp(chest, head, 0.5), 'head'))

    def set_spine(self) -> None:
        """Spread the turn from pelvis to chest evenly over the spine."""
        pelvis, chest = self.get('pelvis'), self.get('spine3')
        self.put('spine1', self.aim(rotation.slerp(pelvis, chest, 1 / 3), 'spine2'))
        self.put('spine2', self.aim(rotation.slerp(pelvis, chest, 2 / 3), 'spine3'))

    def local_rotations(self) -> Array:
        """Return (T, 22, 4) rotations relative to the parents."""
        local = self.smpl.copy()
        parents = self.smpl[:, skeleton.PARENTS[1:]]
        local[:, 1:] = rotation.multiply(rotation.inverse(parents), self.smpl[:, 1:])
        return rotation.normalize(local)


def _hinge_twist(untwisted: Array, lower: Array, joints: tuple[str, str], hinge: Array) -> Array:
    """Return (T, 4) turns about the upper bone that make the joint below a hinge.

    The SMPL hinge turns the lower bone v to ``a h + b cos(t) + c sin(t)``; t is solved from the
    angle between the bones, and the turn is what then still separates v from where it is. Frames
    with a straight limb get the turn between those of their bent neighbours.

    Args:
        untwisted: (T, 4) orientations of the upper limb but for the turn.
        lower: (T, 3) directions of the lower bone.
        joints: ends of the upper and the lower bone.
        hinge: axis of flexion in SMPL's axes.
    """
    upper, rest = _rest(joints[0]), _rest(joints[1])
    frame = _frame(upper, hinge)
    seen = rotation.apply(rotation.inverse(rotation.multiply(untwisted, frame)), lower)
    along, across, cross = (
        rotation.apply(rotation.inverse(frame), part)
        for part in (hinge * (hinge @ rest), rest - hinge * (hinge @ rest), np.cross(hinge, rest))
    )
    cosine = (seen[:, 0] - along[0]) / np.hypot(across[0], cross[0])
    bend = np.arccos(np.clip(cosine, -1.0, 1.0))
    angle = (bend + np.arctan2(cross[0], across[0]))[:, None]
    hinged = along + across * np.cos(angle) + cross * np.sin(angle)
    bent = np.flatnonzero(bend > 2.0 * _BENT)
    if len(bent) == 0:
        bent = np.array([int(bend.argmax())])
    turns = np.arctan2(seen[:, 2], seen[:, 1]) - np.arctan2(hinged[:, 2], hinged[:, 1])
    turn = np.interp(np.arange(len(seen)), bent, np.unwrap(turns[bent]))
    about = rotation.from_rotvec(turn[:, None] * _X)
    return rotation.multiply(rotation.multiply(frame, about), rotation.inverse(frame))


def _rest(joint: str) -> Array:
    """Return the direction from the parent of a joint to it in SMPL's rest pose."""
    return _unit(skeleton.REST_OFFSETS[skeleton.index(joint)])


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _frame(first: Array, second: Array) -> Array:
    """Return the rotations whose x axis is `first` and whose xy half-plane holds `second`."""
    aimed = rotation.between(_X, first)
    seen = rotation.apply(rotation.inverse(aimed), second)
    about = rotation.from_rotvec(np.arctan2(seen[..., 2], seen[..., 1])[..., None] * _X)
    return rotation.multiply(aimed, about)


def _nearest_axis(directions: Array) -> Array:
    """Return the signed coordinate axis nearest to the mean of (T, 3) directions."""
    mean = directions.mean(axis=0)
    largest = int(np.abs(mean).argmax())
    return np.asarray(np.eye(3)[largest] * (1.0 if mean[largest] >= 0.0 else -1.0))
