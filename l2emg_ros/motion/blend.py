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
"""Foot contacts and cross-fades: what is needed to join motions without sliding feet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation, skeleton

if TYPE_CHECKING:
    from l2emg_ros.motion.motion import Motion

CONTACT_JOINTS = ('left_ankle', 'left_foot', 'right_ankle', 'right_foot')
"""Columns of `foot_contacts`."""

STANDING_HEIGHT = np.array([skeleton.ANKLE_HEIGHT, skeleton.FOOT_HEIGHT] * 2)
"""Height of the contact joints over the floor when a person stands flat, in metres."""

# A lifted heel or toe passes 5 cm within a few frames; soft soles and noise stay below 3 cm.
HEIGHT_MARGIN = 0.05
# A swinging foot is faster than 1 m/s for most of the swing (walking: peak 3-4 m/s), a planted
# one slower than 0.1 m/s; 0.4 m/s also accepts the ankle that rolls over the ball of the foot.
SPEED_LIMIT = 0.4
# Window of the speed estimate: shorter ones turn the noise of 120 Hz recordings into speed.
SPEED_WINDOW = 1.0 / 15.0


def foot_contacts(motion: Motion) -> NDArray[np.bool_]:
    """Find which parts of the feet rest on the floor.

    A joint is in contact when it is both low and slow. Low means at most 5 cm above its standing
    height, counted from the 5th percentile of the heights of both feet where that lies higher
    (shoes, a floor found a little too low), but by no more than 5 cm, so that a jump is no floor.

    Args:
        motion: any frame rate; floor at z = 0.

    Returns:
        (T, 4) bool: left ankle, left foot (ball), right ankle, right foot.
    """
    columns = [skeleton.index(name) for name in CONTACT_JOINTS]
    positions = motion.joint_positions()[:, columns]
    heights = positions[..., 2]
    low = np.percentile(heights.reshape(-1, 2), 5, axis=0)
    ground = np.clip(np.tile(low, 2), STANDING_HEIGHT, STANDING_HEIGHT + HEIGHT_MARGIN)
    return (heights < ground + HEIGHT_MARGIN) & (_speed(positions, motion.fps) < SPEED_LIMIT)


def cross_fade(a: Motion, b: Motion, frames: int) -> Motion:
    """Join two motions over an overlap, with zero slope of the weight at both ends.

    The last `frames` frames of `a` are mixed with the first `frames` of `b`, both taken where
    they are in the world; the result has `a.frames + b.frames - frames` frames and the metadata
    of `a`.

    Args:
        a: the earlier motion.
        b: the later motion, same frame rate.
        frames: length of the overlap, 0 to the length of the shorter motion; 0 joins end to end.

    Returns:
        The joined motion.

    Raises:
        BadRequest: if the frame rates differ or the overlap does not fit.
    """
    if a.fps != b.fps:
        raise BadRequest(f'cross-fade of {a.fps:g} fps with {b.fps:g} fps: expected equal rates')
    if not 0 <= frames <= min(a.frames, b.frames):
        raise BadRequest(
            f'cross-fade over {frames} frames: expected 0 to {min(a.frames, b.frames)}'
        )
    phase = np.arange(1, frames + 1) / (frames + 1)
    weight = phase * phase * (3.0 - 2.0 * phase)
    head, tail = a.frames - frames, frames
    mixed = rotation.slerp(a.rotations[head:], b.rotations[:tail], weight[:, None])
    moved = a.root_translation[head:] + weight[:, None] * (
        b.root_translation[:tail] - a.root_translation[head:]
    )
    poses = rotation.to_rotvec(mixed).reshape(frames, a.poses.shape[1])
    return a.replace(
        poses=np.concatenate([a.poses[:head], poses, b.poses[tail:]]),
        trans=np.concatenate([a.trans[:head], moved, b.trans[tail:]]),
    )


def minimum_jerk(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far a movement of least jerk from rest to rest has come, for shares of its time.

    ``10 s^3 - 15 s^4 + 6 s^5`` (Flash and Hogan, Journal of Neuroscience 5(7), 1985).
    """
    return np.asarray(share**3 * (10.0 - 15.0 * share + 6.0 * share**2))


def _speed(positions: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Central-difference speed (T, J) m/s of positions (T, J, 3) over about `SPEED_WINDOW`."""
    reach = max(1, round(SPEED_WINDOW * fps / 2.0))
    frames = np.arange(len(positions))
    before = np.maximum(frames - reach, 0)
    after = np.minimum(frames + reach, len(positions) - 1)
    elapsed = np.maximum(after - before, 1) / fps
    travel = np.linalg.norm(positions[after] - positions[before], axis=-1)
    return travel / elapsed[:, None]
