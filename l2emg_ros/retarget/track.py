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

"""What is to be played, knot by knot: joint angles, root and feet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.limits import bands_of, stencil
from l2emg_ros.retarget.root import Footing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """E samples of a reference, one a grid step.

    Attributes:
        joints: (E, N) rad.
        frames: (E,) number of the motion's frame, fractional.
        turn: (E, 3, 3) orientation of the root in the world.
        feet: What the person's feet do.
        manner: (E, 3) size of the arms' gesture, and bows of trunk and head in rad.
    """

    joints: Array
    frames: Array
    turn: Array
    feet: Footing
    manner: Array

    @classmethod
    def empty(cls, joints: int) -> Track:
        """Return no samples of N joints."""
        feet = Footing(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 2)))
        none = np.zeros((0, joints))
        return cls(none, np.zeros(0), np.zeros((0, 3, 3)), feet, np.zeros((0, 3)))

    def __len__(self) -> int:
        return len(self.joints)

    def __getitem__(self, part: slice) -> Track:
        return Track(
            self.joints[part],
            self.frames[part],
            self.turn[part],
            self.feet[part],
            self.manner[part],
        )

    def __add__(self, other: Track) -> Track:
        def join(first: Array, second: Array) -> Array:
            return np.concatenate([first, second])

        return Track(
            join(self.joints, other.joints),
            join(self.frames, other.frames),
            join(self.turn, other.turn),
            self.feet + other.feet,
            join(self.manner, other.manner),
        )

    def at(self, index: Array) -> Track:
        """Interpolate at (K,) fractional samples; beyond the ends the outer ones are held."""
        index = np.clip(index, 0.0, len(self) - 1.0)
        return Track(
            interpolate(self.joints, index),
            interpolate(self.frames, index),
            turn_at(self.turn, index),
            self.feet.at(index),
            interpolate(self.manner, index),
        )

    def held(self, count: int) -> Track:
        """Return ``count`` samples: cut, or lengthened by holding the last one."""
        return self.at(np.arange(count, dtype=float)) if count > len(self) else self[:count]

    def values(self, home: Array, scaled: NDArray[np.bool_], bows: Array) -> Array:
        """Return joint angles (E, N) in the manner of each sample.

        Args:
            home: (N,) rad.
            scaled: Which joints (N,) are as far from home as the size says.
            bows: (2, N) displacements that bow trunk and head by one radian.
        """
        factor = np.where(scaled, self.manner[:, :1], 1.0)
        return np.asarray(home + factor * (self.joints - home) + self.manner[:, 1:] @ bows)


def smooth(values: Array, weight: float, sure: Array | None = None) -> Array:
    """Return (T, K) values x near those given: least ``sure |x - values|^2 + weight |D3 x|^2``.

    D3 takes third differences (the smoother of Whittaker and Henderson); ``sure`` (T,) is 1 where
    it is not given.
    """
    count = len(values)
    if count < 4:
        return values
    bands = weight * bands_of(stencil((-1.0, 3.0, -3.0, 1.0), count))
    sure = np.ones(count) if sure is None else sure
    bands[3] += sure
    return np.asarray(solveh_banded(bands, sure[:, None] * values))


def smooth_turns(turns: Array, weight: float) -> Array:
    """Return rotations (T, 3, 3) near those given, as `smooth` does for numbers."""
    quaternions = smooth(rotation.continuous(rotation.from_matrix(turns)), weight)
    return rotation.to_matrix(rotation.normalize(quaternions))


def interpolate(values: Array, frames: Array) -> Array:
    """Interpolate (T, ...) linearly at fractional frames (K,)."""
    low, high, share = _split(len(values), frames)
    part = share.reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray(values[low] + part * (values[high] - values[low]))


def turn_at(root: Array, frames: Array) -> Array:
    """Interpolate rotations (T, 3, 3) at fractional frames (K,)."""
    low, high, share = _split(len(root), frames)
    quaternions = rotation.from_matrix(root)
    return rotation.to_matrix(rotation.slerp(quaternions[low], quaternions[high], share))


def _split(count: int, frames: Array) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Return the frames before and after each fractional frame and the share of the second."""
    low = np.clip(np.floor(frames).astype(np.intp), 0, max(count - 2, 0))
    return low, np.minimum(low + 1, count - 1), frames - low


class Resampler:
    """Brings chunks of one motion to the rate of the grid, chunk boundaries or not."""

    def __init__(self, rate: float) -> None:
        """Start with the first frame of a motion."""
        self._rate = rate
        self._held: Motion | None = None
        self._base = 0
        self._done = 0

    def push(self, chunk: Motion) -> Motion | None:
        """Return the frames at the new rate that are known now; None: there is none yet."""
        if chunk.fps == self._rate:
            return chunk
        known = chunk if self._held is None else Motion.concatenate([self._held, chunk])
        last = self._base + known.frames - 1
        stop = int(np.floor(last * self._rate / chunk.fps + 1e-6)) + 1
        at: Array = np.arange(float(self._done), stop) * (chunk.fps / self._rate) - self._base
        self._base, self._held, self._done = last, known.slice(known.frames - 1), stop
        if not at.size:
            return None
        low, high, share = _split(known.frames, at)
        turns = rotation.slerp(known.rotations[low], known.rotations[high], share[:, None])
        moved = interpolate(known.root_translation, at)
        return chunk.replace(
            poses=rotation.to_rotvec(turns).reshape(len(at), -1), trans=moved, fps=self._rate
        )
