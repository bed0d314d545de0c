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
"""The joints of a person: anatomical angles, how far they go, and forearms held in that.

Rotations are (T, 22, 4) parent-local quaternions, xyzw, of the SMPL skeleton.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from l2emg_ros.motion import rotation, skeleton

Array = NDArray[np.float64]

RANGES: dict[str, tuple[float, float]] = {
    'spine flexion': (-30.0, 80.0),
    'spine side bending': (-35.0, 35.0),
    'spine rotation': (-45.0, 45.0),
    'neck flexion': (-60.0, 50.0),
    'neck side bending': (-45.0, 45.0),
    'neck rotation': (-80.0, 80.0),
    'hip flexion': (-20.0, 120.0),
    'hip abduction': (-30.0, 45.0),
    'hip outward rotation': (-45.0, 45.0),
    'knee flexion': (0.0, 140.0),
    'knee side bending': (-5.0, 5.0),
    'ankle dorsiflexion': (-50.0, 30.0),
    'ankle eversion': (-35.0, 15.0),
    'foot outward rotation': (-30.0, 40.0),
    'shoulder extension': (-90.0, 60.0),
    'shoulder extension overhead': (-90.0, 20.0),
    'shoulder crossing': (-90.0, 45.0),
    'shoulder inward rotation': (-104.0, 70.0),
    'elbow flexion': (0.0, 150.0),
    'elbow side bending': (-15.0, 15.0),
    'pronation': (-80.0, 80.0),
    'wrist flexion': (-70.0, 80.0),
    'wrist radial deviation': (-30.0, 20.0),
}
"""Normal ranges of motion, degrees.

After the American Academy of Orthopaedic Surgeons (Greene and Heckman 1994, "The clinical
measurement of joint motion") and Norkin and White (2016, "Measurement of joint motion", 5th ed.,
appendix of normal ranges): the neck by its goniometer values, the outward rotation of the shoulder
by Boone and Azen (1979: 104 degrees, where the Academy rounds to 90). Some are not in the tables:
ankle dorsiflexion is that of the loaded foot with a bent knee (Bennell et al. 1998: lunge test),
the rotation of the foot includes that of the shank against the thigh, knees and elbows bend
sideways as far as the carrying angle and ligaments allow, and the upper arm crosses the chest by
the 135 degrees of horizontal adduction, counted from the side.
"""
TOLERANCE = 10.0
"""Room beyond `RANGES`, degrees: one to two standard deviations between healthy adults."""

# Degrees of `TOLERANCE` that a held joint may use.
_ROOM = 9.0
# Degrees by which the range of rotation of the shoulder moves for a degree of elevation.
_COUPLING = 0.5

# What reflects a rotation to the other side.
_MIRROR = np.array([1.0, -1.0, -1.0, 1.0])


def joint_angles(rotations: Array) -> dict[str, Array]:
    """Return anatomical angles in degrees, by the names of `RANGES`.

    Joints that act together are measured together: the three of the spine, neck with head, collar
    with shoulder (the upper arm against the thorax), the twists of elbow and wrist (pronation).
    Spine and neck: rotation, flexion, side bending (Euler YXZ); hip and ankle: flexion, abduction,
    rotation (Euler XZY, the axes of Grood and Suntay 1983); shoulder: direction of the upper arm
    and twist about it, from the T pose; knee and elbow: direction of the lower bone.

    Returns:
        (T,) for spine and neck, (T, 2) for the rest, left then right.
    """
    spine, neck = (
        _chain(rotations, 'spine1', 'spine2', 'spine3'),
        _chain(rotations, 'neck', 'head'),
    )
    angles: dict[str, Array] = {}
    for name, quaternion in (('spine', spine), ('neck', neck)):
        turn, bend, side = _euler(quaternion, 'YXZ')
        angles[f'{name} flexion'] = bend
        angles[f'{name} side bending'] = side
        angles[f'{name} rotation'] = turn
    bend, side, turn = _euler(_paired(rotations, 'hip'), 'XZY')
    angles.update({'hip flexion': -bend, 'hip abduction': side, 'hip outward rotation': turn})
    bend, side, turn = _euler(_paired(rotations, 'ankle'), 'XZY')
    angles.update({'ankle dorsiflexion': -bend, 'ankle eversion': side})
    angles['foot outward rotation'] = turn
    for hinge, below in (('knee', 'ankle'), ('elbow', 'wrist')):
        bend, side = _hinge(_paired(rotations, hinge), hinge, below)
        angles[f'{hinge} flexion'], angles[f'{hinge} side bending'] = bend, side
    return angles | _shoulder(rotations) | _forearm(rotations)


def joint_excess(rotations: Array) -> dict[str, Array]:
    """Return (T,) degrees by which each angle leaves its range, 0 inside; the worse side."""
    result = {}
    for name, angle in joint_angles(rotations).items():
        low, high = RANGES[name]
        excess = np.maximum(np.maximum(low - angle, angle - high), 0.0)
        result[name] = excess.reshape(len(rotations), -1).max(axis=1)
    return result


def hold_forearms(rotations: Array) -> Array:
    """Return rotations whose forearms are not wrung: the turns of the wrists kept in bounds.

    Decoded tokens know no bounds, and of all joints it is the forearm that leaves them. What is
    beyond the range of pronation is pressed into `TOLERANCE` (tanh): no joint moves away, only
    palms turn back.
    """
    axis = _rest('wrist')
    turned = _pronation(rotations)
    low, high = RANGES['pronation']
    beyond = turned - np.clip(turned, low, high)
    back = beyond - _ROOM * np.tanh(beyond / _ROOM)
    if not back.any():
        return rotations
    untwist = rotation.from_rotvec(np.radians(-back)[..., None] * axis)
    # The right side was measured reflected to the left.
    untwist[:, 1] *= _MIRROR
    wrists = [skeleton.index(f'{side}_wrist') for side in skeleton.SIDES]
    held = rotations.copy()
    held[:, wrists] = rotation.multiply(untwist, rotations[:, wrists])
    return held


def _chain(rotations: Array, *joints: str) -> Array:
    """Return (T, 4) the rotation of the last of the joints against the parent of the first."""
    result = rotations[:, skeleton.index(joints[0])]
    for name in joints[1:]:
        result = rotation.multiply(result, rotations[:, skeleton.index(name)])
    return result


def _paired(rotations: Array, *joints: str) -> Array:
    """Return (T, 2, 4) chains of left joints and of right ones reflected to the left."""
    left, right = (
        _chain(rotations, *(f'{side}_{name}' for name in joints)) for side in skeleton.SIDES
    )
    return np.stack([left, right * _MIRROR], axis=1)


def _euler(quaternion: Array, sequence: str) -> Array:
    """Return (3, ...) intrinsic Euler angles in degrees."""
    flat = Rotation.from_quat(quaternion.reshape(-1, 4)).as_euler(sequence, degrees=True)
    return np.moveaxis(flat.reshape(*quaternion.shape[:-1], 3), -1, 0)


def _twist(quaternion: Array, axis: Array) -> Array:
    """Return (...) degrees of the turn about a unit axis, in (-180, 180]."""
    angle = 2.0 * np.degrees(np.arctan2(quaternion[..., :3] @ axis, quaternion[..., 3]))
    return np.asarray(180.0 - (180.0 - angle) % 360.0)


def _rest(joint: str) -> Array:
    """Return (3,) the unit direction of the bone that ends at a left joint, SMPL axes."""
    bone = skeleton.REST_OFFSETS[skeleton.index(f'left_{joint}')]
    return np.asarray(bone / np.linalg.norm(bone))


def _hinge(quaternion: Array, joint: str, below: str) -> tuple[Array, Array]:
    """Return (..., ) degrees of flexion and of bending out of the plane of flexion."""
    along = _rest(joint)
    towards = np.array([0.0, 0.0, -1.0 if joint == 'knee' else 1.0])
    towards = towards - (towards @ along) * along
    towards = towards / np.linalg.norm(towards)
    bone = rotation.apply(quaternion, _rest(below))
    side = np.degrees(np.arcsin(np.clip(bone @ np.cross(along, towards), -1.0, 1.0)))
    return np.degrees(np.arctan2(bone @ towards, bone @ along)), side


def _shoulder(rotations: Array) -> dict[str, Array]:
    """Return the angles of the upper arms against the thorax."""
    whole = _paired(rotations, 'collar', 'shoulder')
    arm = np.clip(rotation.apply(whole, _rest('elbow')), -1.0, 1.0)
    behind = np.degrees(np.arcsin(-arm[..., 2]))
    raised = np.degrees(np.arccos(-arm[..., 1]))
    # The tables measure rotation at 90 degrees of abduction. A hanging arm turns further inwards
    # (a hand behind the back), an arm overhead further outwards (a hand on the neck).
    turned = _twist(whole, _rest('elbow')) + _COUPLING * (raised - 90.0)
    return {
        'shoulder extension': behind,
        'shoulder extension overhead': np.where(arm[..., 1] > np.sqrt(0.5), behind, 0.0),
        'shoulder crossing': np.degrees(np.arcsin(-arm[..., 0])),
        'shoulder inward rotation': turned,
    }


def _pronation(rotations: Array) -> Array:
    """Return (T, 2) degrees that elbow and wrist turn about the forearm together."""
    axis = _rest('wrist')
    return _twist(_paired(rotations, 'wrist'), axis) + _twist(_paired(rotations, 'elbow'), axis)


def _forearm(rotations: Array) -> dict[str, Array]:
    """Return pronation, shared by elbow and wrist, and the bending of the wrists."""
    axis = _rest('wrist')
    wrist = _paired(rotations, 'wrist')
    turned = _twist(wrist, axis)
    untwist = rotation.from_rotvec(np.radians(-turned)[..., None] * axis)
    bent = np.degrees(rotation.to_rotvec(rotation.multiply(untwist, wrist)))
    return {
        'pronation': _pronation(rotations),
        'wrist flexion': -bent[..., 2],
        'wrist radial deviation': -bent[..., 1],
    }
