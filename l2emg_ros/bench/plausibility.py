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

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import anatomy, rotation, skeleton
from l2emg_ros.motion.blend import CONTACT_JOINTS, STANDING_HEIGHT
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]

CONTACT_HEIGHT = 0.025
"""A joint of the foot this much over its standing height has left the floor, m."""

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


def joint_limits(motion: Motion) -> float:
    """Return the share of frames in which a joint is beyond its range and tolerance."""
    beyond = np.stack(list(anatomy.joint_excess(motion.rotations).values())) > anatomy.TOLERANCE
    return float(beyond.any(axis=0).mean())


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
    left, right = (_in_hand(places, frames, side, share) for side in skeleton.SIDES)
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


def _arm_points(motion: Motion) -> tuple[Array, Array]:
    """Return (T, P, 3) m points along both arms and (P,) m their radii."""
    places, frames = motion.joint_positions(), motion.joint_orientations()
    points, radii = [], []
    for side in skeleton.SIDES:
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
