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
"""What a body cannot do: sliding feet, joints bent too far, arms through the trunk.

The measures look at one motion alone, so that they judge recorded, composed and generated motion
by the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.blend import CONTACT_JOINTS, STANDING_HEIGHT
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]

CONTACT_HEIGHT = 0.025
"""A joint of the foot this much over its standing height has left the floor, m."""

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

# Degrees by which the range of rotation of the shoulder moves for a degree of elevation.
_COUPLING = 0.5

# Cross-sections of the trunk: joint, centre in its frame (m, SMPL axes), half width, half depth.
# The surface of a body of 1.75 m; the joints of the spine lie behind the middle.
_SECTIONS = (
    ('pelvis', (0.0, -0.09, 0.0), 0.155, 0.110),
    ('spine1', (0.0, 0.0, 0.020), 0.140, 0.100),
    ('spine2', (0.0, 0.0, 0.015), 0.140, 0.105),
    ('spine3', (0.0, 0.05, -0.010), 0.140, 0.110),
    ('neck', (0.0, -0.08, 0.015), 0.110, 0.090),
    ('neck', (0.0, 0.0, 0.010), 0.055, 0.055),
)
# Points along the arm: the shoulder end of the upper arm always touches the trunk. Share of the
# bone from the first joint to the second, and radius in m; the hand ends 9 cm beyond the wrist.
_HAND = 0.09
_UPPER_ARM = ((0.7, 0.045), (0.85, 0.042))
_FOREARM = tuple((share, 0.042 - 0.014 * share) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
_PALM = ((0.5, 0.018), (1.0, 0.014))
DEPTH = 0.02
"""Deepest touch, m: skin, muscle and cloth give way by this much."""

_SIDES = ('left', 'right')


def foot_skate(motion: Motion) -> float:
    """Return the mean horizontal speed of the feet while they are on the floor, m/s.

    Contact is judged by height alone, as a sliding foot would escape a rule that asks for slow
    ones. The floor is found from the motion: the 5th percentile of the heights of ankles and toes
    over their standing heights. A joint at height h over that counts with the weight
    ``2 - 2^(h / H)`` with H = `CONTACT_HEIGHT`, from 1 on the floor to 0 (Zhang et al. 2018,
    "Mode-adaptive neural networks for quadruped motion control").
    """
    _need(motion, 2)
    columns = [skeleton.index(name) for name in CONTACT_JOINTS]
    feet = motion.joint_positions()[:, columns]
    height = feet[..., 2] - STANDING_HEIGHT
    height = height - np.percentile(height, 5)
    # A step between two frames is on the floor when both its ends are.
    height = np.maximum(height[:-1], height[1:])
    weight = np.clip(2.0 - 2.0 ** (height / CONTACT_HEIGHT), 0.0, 1.0)
    speed = np.linalg.norm(np.diff(feet[..., :2], axis=0), axis=-1) * motion.fps
    return float((weight * speed).sum() / weight.sum())


def joint_angles(motion: Motion) -> dict[str, Array]:
    """Return anatomical angles in degrees, by the names of `RANGES`.

    Joints that act together are measured together: the three of the spine, neck with head, collar
    with shoulder (the upper arm against the thorax), the twists of elbow and wrist (pronation).
    Spine and neck: rotation, flexion, side bending (Euler YXZ); hip and ankle: flexion, abduction,
    rotation (Euler XZY, the axes of Grood and Suntay 1983); shoulder: direction of the upper arm
    and twist about it, from the T pose; knee and elbow: direction of the lower bone.

    Returns:
        (T,) for spine and neck, (T, 2) for the rest, left then right.
    """
    spine, neck = _chain(motion, 'spine1', 'spine2', 'spine3'), _chain(motion, 'neck', 'head')
    angles: dict[str, Array] = {}
    for name, quaternion in (('spine', spine), ('neck', neck)):
        turn, bend, side = _euler(quaternion, 'YXZ')
        angles[f'{name} flexion'] = bend
        angles[f'{name} side bending'] = side
        angles[f'{name} rotation'] = turn
    bend, side, turn = _euler(_paired(motion, 'hip'), 'XZY')
    angles.update({'hip flexion': -bend, 'hip abduction': side, 'hip outward rotation': turn})
    bend, side, turn = _euler(_paired(motion, 'ankle'), 'XZY')
    angles.update({'ankle dorsiflexion': -bend, 'ankle eversion': side})
    angles['foot outward rotation'] = turn
    for hinge, below in (('knee', 'ankle'), ('elbow', 'wrist')):
        bend, side = _hinge(_paired(motion, hinge), hinge, below)
        angles[f'{hinge} flexion'], angles[f'{hinge} side bending'] = bend, side
    return angles | _shoulder(motion) | _forearm(motion)


def joint_limits(motion: Motion) -> float:
    """Return the share of frames in which any joint is more than `TOLERANCE` out of `RANGES`."""
    beyond = np.stack(list(joint_excess(motion).values())) > TOLERANCE
    return float(beyond.any(axis=0).mean())


def joint_excess(motion: Motion) -> dict[str, Array]:
    """Return (T,) degrees by which each angle leaves its range, 0 inside; the worse side."""
    result = {}
    for name, angle in joint_angles(motion).items():
        low, high = RANGES[name]
        excess = np.maximum(np.maximum(low - angle, angle - high), 0.0)
        result[name] = excess.reshape(motion.frames, -1).max(axis=1)
    return result


def arm_through_trunk(motion: Motion) -> NDArray[np.bool_]:
    """Return (T,) whether an arm is deeper than `DEPTH` inside the trunk."""
    return trunk_depth(motion) > DEPTH


def trunk_depth(motion: Motion) -> Array:
    """Return (T,) m by which the deeper arm enters the trunk; negative where both are clear.

    The trunk is a chain of elliptic frustums from the hips to the neck, which bends with the
    spine; the arms are points with a radius from the lower third of the upper arm to the fingers.
    Depth is measured along the line to the axis of the trunk.
    """
    points, radii = _arm_points(motion)
    places, frames = motion.joint_positions(), motion.joint_orientations()
    joints = [skeleton.index(name) for name, *_ in _SECTIONS]
    centres = places[:, joints] + rotation.apply(
        frames[:, joints], np.array([offset for _, offset, *_ in _SECTIONS])
    )
    axes = np.array([half for *_, width, depth in _SECTIONS for half in [(width, depth)]])
    depth = np.full(points.shape[:2], -np.inf)
    for k in range(len(_SECTIONS) - 1):
        start, line = centres[:, None, k], (centres[:, k + 1] - centres[:, k])[:, None]
        share = ((points - start) * line).sum(-1) / (line**2).sum(-1)
        share = np.clip(share, 0.0, 1.0)
        away = points - start - share[..., None] * line
        half = axes[k] + share[..., None] * (axes[k + 1] - axes[k]) + radii[:, None]
        # Beyond the ends of a frustum the way along the axis counts like depth.
        half = np.concatenate([half, half[..., 1:]], axis=-1)
        local = rotation.apply(rotation.inverse(frames[:, joints[k], None]), away)[..., [0, 2, 1]]
        length = np.linalg.norm(local, axis=-1)
        scaled = np.maximum(np.linalg.norm(local / half, axis=-1), 1e-6)
        inside = np.where(length < 1e-6, half[..., 1], length / scaled - length)
        depth = np.maximum(depth, inside)
    return np.asarray(depth.max(axis=1))


def palms_apart(motion: Motion) -> float:
    """Return the least gap in m between the palms, 0 where the hands meet.

    It is measured between the middles of the palms, less the thickness of the hands.
    """
    places, frames = motion.joint_positions(), motion.joint_orientations()
    share, radius = _PALM[0]
    left, right = (_in_hand(places, frames, side, share) for side in _SIDES)
    distance = np.linalg.norm(left - right, axis=-1).min()
    return float(max(distance - 2.0 * radius, 0.0))


def jerk(motion: Motion) -> float:
    """Return the root mean square of the third derivative of all joint positions, m/s^3."""
    _need(motion, 4)
    third = np.diff(motion.joint_positions(), n=3, axis=0) * motion.fps**3
    return float(np.sqrt((third**2).sum(axis=-1).mean()))


def report(motions: Sequence[Motion]) -> dict[str, float]:
    """Return the figures of a set of motions.

    Returns:
        ``foot_skate`` mean m/s; ``joint_limits_broken`` share of motions with a frame out of
        range; ``arms_clear`` share of motions without an arm through the trunk; ``jerk`` m/s^3,
        the root mean square over motions.

    Raises:
        BadRequest: There is no motion, or one is shorter than four frames.
    """
    if not motions:
        raise BadRequest('no motion to judge: expected at least one')
    return {
        'foot_skate': float(np.mean([foot_skate(m) for m in motions])),
        'joint_limits_broken': float(np.mean([joint_limits(m) > 0.0 for m in motions])),
        'arms_clear': float(np.mean([not arm_through_trunk(m).any() for m in motions])),
        'jerk': float(np.sqrt(np.mean([jerk(m) ** 2 for m in motions]))),
    }


def _need(motion: Motion, frames: int) -> None:
    if motion.frames < frames:
        raise BadRequest(f'motion has {motion.frames} frames: expected at least {frames}')


def _chain(motion: Motion, *joints: str) -> Array:
    """Return (T, 4) the rotation of the last of the joints against the parent of the first."""
    result = motion.rotations[:, skeleton.index(joints[0])]
    for name in joints[1:]:
        result = rotation.multiply(result, motion.rotations[:, skeleton.index(name)])
    return result


def _paired(motion: Motion, *joints: str) -> Array:
    """Return (T, 2, 4) chains of left joints and of right ones reflected to the left."""
    left, right = (_chain(motion, *(f'{side}_{name}' for name in joints)) for side in _SIDES)
    return np.stack([left, right * np.array([1.0, -1.0, -1.0, 1.0])], axis=1)


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


def _shoulder(motion: Motion) -> dict[str, Array]:
    """Return the angles of the upper arms against the thorax."""
    whole = _paired(motion, 'collar', 'shoulder')
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


def _forearm(motion: Motion) -> dict[str, Array]:
    """Return pronation, shared by elbow and wrist, and the bending of the wrists."""
    axis = _rest('wrist')
    wrist = _paired(motion, 'wrist')
    turned = _twist(wrist, axis)
    untwist = rotation.from_rotvec(np.radians(-turned)[..., None] * axis)
    bent = np.degrees(rotation.to_rotvec(rotation.multiply(untwist, wrist)))
    return {
        'pronation': turned + _twist(_paired(motion, 'elbow'), axis),
        'wrist flexion': -bent[..., 2],
        'wrist radial deviation': -bent[..., 1],
    }


def _arm_points(motion: Motion) -> tuple[Array, Array]:
    """Return (T, P, 3) m points along both arms and (P,) m their radii."""
    places, frames = motion.joint_positions(), motion.joint_orientations()
    points, radii = [], []
    for side in _SIDES:
        shoulder, elbow, wrist = (
            places[:, skeleton.index(f'{side}_{name}')] for name in ('shoulder', 'elbow', 'wrist')
        )
        tip = _in_hand(places, frames, side, 1.0)
        for start, stop, samples in (
            (shoulder, elbow, _UPPER_ARM),
            (elbow, wrist, _FOREARM),
            (wrist, tip, _PALM),
        ):
            points += [start + share * (stop - start) for share, _ in samples]
            radii += [radius for _, radius in samples]
    return np.stack(points, axis=1), np.array(radii)


def _in_hand(places: Array, frames: Array, side: str, share: float) -> Array:
    """Return (T, 3) m the point at a share of the way from the wrist to the end of the palm."""
    wrist = skeleton.index(f'{side}_wrist')
    along = share * _HAND if side == 'left' else -share * _HAND
    return np.asarray(
        places[:, wrist] + rotation.apply(frames[:, wrist], np.array([along, 0.0, 0.0]))
    )
