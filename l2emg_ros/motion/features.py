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
"""The 140 numbers a frame that the model reads and writes, and the way back to a motion.

Layout of a frame at 30 fps, heading-free:

====== =====================================================================
0:2    velocity of the pelvis on the ground in the frame of the heading, m/s
2      yaw velocity of the heading, rad/s
3      height of the pelvis, m
4:136  6D rotations (``rotation.to_6d``) of the pelvis without its heading and
       of the 21 parent-local joints
136:140 contact of left ankle, left foot, right ankle, right foot, 0 or 1
====== =====================================================================

Frame t holds the velocity from frame t - 1 to t; frame 0 holds that of frame 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.blend import foot_contacts
from l2emg_ros.motion.motion import Motion

FEATURE_DIM = 140
FPS = 30.0
ROTATIONS = slice(4, 136)
CONTACTS = slice(136, 140)
_FORWARD = np.array([0.0, 0.0, 1.0])


def heading(root_rotation: ArrayLike) -> NDArray[np.float64]:
    """Return the yaw of pelvis orientations: where SMPL's forward axis points on the ground.

    Args:
        root_rotation: (T, 4) xyzw.

    Returns:
        (T,) rad, unwrapped over time; 0 faces world x.
    """
    forward = rotation.apply(root_rotation, _FORWARD)
    return np.asarray(np.unwrap(np.arctan2(forward[:, 1], forward[:, 0])))


def _yaw_quaternion(yaw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (T, 4) rotations about the world's z."""
    zeros = np.zeros_like(yaw)
    return np.stack([zeros, zeros, np.sin(yaw / 2), np.cos(yaw / 2)], axis=-1)


def _rotate_ground(vectors: NDArray[np.float64], yaw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn (T, 2) ground vectors by (T,) angles."""
    c, s = np.cos(yaw), np.sin(yaw)
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([c * x - s * y, s * x + c * y], axis=-1)


def encode(motion: Motion) -> NDArray[np.float32]:
    """Return the features of a motion.

    Args:
        motion: A motion at 30 fps with at least 2 frames (``Motion.resample`` first).

    Returns:
        (T, 140) float32.

    Raises:
        MotionFormatError: Another frame rate or a single frame.
    """
    if motion.fps != FPS or motion.frames < 2:
        raise MotionFormatError(
            f'features need 2 frames or more at 30 fps: got {motion.frames} at {motion.fps:g}'
        )
    rotations, position = motion.rotations, motion.root_translation
    yaw = heading(rotations[:, 0])
    velocity = np.diff(position[:, :2], axis=0) * FPS
    # The step from t - 1 to t is told in the heading of t - 1, which the decoder already knows.
    velocity = _rotate_ground(velocity, -yaw[:-1])
    turn = np.diff(yaw) * FPS
    local = rotations.copy()
    local[:, 0] = rotation.multiply(_yaw_quaternion(-yaw), rotations[:, 0])
    result = np.empty((motion.frames, FEATURE_DIM), dtype=np.float32)
    result[1:, :2], result[0, :2] = velocity, velocity[0]
    result[1:, 2], result[0, 2] = turn, turn[0]
    result[:, 3] = position[:, 2]
    result[:, ROTATIONS] = rotation.to_6d(local).reshape(motion.frames, -1)
    result[:, CONTACTS] = foot_contacts(motion)
    return result


class Smoother:
    """Low-pass filter for streamed features; pieces of any size give the same result.

    Generated features jitter from frame to frame and where one token passes to the next. A
    binomial kernel of five frames (a Gaussian of one frame, -3 dB at 5.6 Hz) takes that out. It
    looks `LOOK_AHEAD` frames ahead, so a piece comes out that much later; the first and the last
    frame stand for those beyond.
    """

    LOOK_AHEAD = 2
    _KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen = np.empty((0, FEATURE_DIM))

    def push(self, features: ArrayLike, *, last: bool) -> NDArray[np.float64]:
        """Filter the next frames.

        Args:
            features: (T, 140).
            last: Whether no more will come; then the frames that were held back come out too.

        Returns:
            (T', 140), all frames that are known now.
        """
        values = np.asarray(features, dtype=np.float64)
        ahead = self.LOOK_AHEAD
        if len(values) and not len(self._seen):
            self._seen = np.repeat(values[:1], ahead, axis=0)
        self._seen = np.concatenate([self._seen, values])
        if last and len(self._seen):
            self._seen = np.concatenate([self._seen, np.repeat(self._seen[-1:], ahead, axis=0)])
        ready = max(len(self._seen) - 2 * ahead, 0)
        known = sum(
            (weight * self._seen[k : k + ready] for k, weight in enumerate(self._KERNEL)),
            np.zeros((ready, FEATURE_DIM)),
        )
        self._seen = self._seen[ready:]
        return known


class FeatureDecoder:
    """Turns features back into poses piece by piece; pieces of any size give the same result.

    The first frame stands at the ground origin facing world x unless told otherwise.
    """

    def __init__(self, yaw: float = 0.0, position: tuple[float, float] = (0.0, 0.0)) -> None:
        """Start at a heading in radians and a place on the ground in metres."""
        self._yaw = float(yaw)
        self._position = np.array(position, dtype=np.float64)
        self._started = False

    def push(self, features: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Decode the next frames.

        Args:
            features: (T, 140).

        Returns:
            Rotations (T, 22, 4) xyzw and root translation (T, 3) m.

        Raises:
            MotionFormatError: Another width.
        """
        values = np.asarray(features, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != FEATURE_DIM:
            raise MotionFormatError(f'features have shape {values.shape}: expected (T, 140)')
        turn = values[:, 2] / FPS
        step = values[:, :2] / FPS
        if not self._started and len(values):
            turn[0], step[0] = 0.0, 0.0
            self._started = True
        yaw = self._yaw + np.cumsum(turn)
        before = np.concatenate([[self._yaw], yaw[:-1]])
        ground = self._position + np.cumsum(_rotate_ground(step, before), axis=0)
        if len(values):
            self._yaw, self._position = float(yaw[-1]), ground[-1]
        local = rotation.from_6d(
            values[:, ROTATIONS].reshape(len(values), len(skeleton.JOINT_NAMES), 6)
        )
        local[:, 0] = rotation.multiply(_yaw_quaternion(yaw), local[:, 0])
        return local, np.concatenate([ground, values[:, 3:4]], axis=1)


def decode(features: ArrayLike, **meta: Any) -> Motion:
    """Return the motion of (T, 140) features, starting at the origin and facing world x."""
    rotations, translation = FeatureDecoder().push(features)
    return Motion.from_rotations(rotations, translation, FPS, **meta)
