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
"""What a stream has planned, and what it can tell of the motion that it plays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.retarget.track import Track

Array = NDArray[np.float64]

# A pose in which every joint was moved by less is as it was asked for, rad: nobody sees it.
_SAME = 0.01
# A step that takes longer than asked by a smaller share is not counted as slowed down.
_SLOWED = 0.99


@dataclass
class Plan:
    """What is planned on the grid.

    Attributes:
        origin: Clock time of knot 0, s.
        control: (K + 2, N) control points; the last three are equal.
        track: The references of the first knots; the rest is deceleration.
        root: (K, 3) m.
    """

    origin: float
    control: Array
    track: Track
    root: Array

    @property
    def knots(self) -> int:
        """Number of knots."""
        return len(self.control) - 2


@dataclass
class Account:
    """How one motion is planned so far.

    Attributes:
        step: Seconds between frames on the grid.
        began: Clock time of its first frame, s; infinite before it is planned.
        end: Clock time of its last frame so far, s.
        frames: Number of its frames on the grid so far.
        last: Whether no more come.
        changed: Numbers of the frames that limits or self-collision have changed.
    """

    step: float
    began: float = np.inf
    end: float = np.inf
    frames: int = 0
    last: bool = False
    changed: set[int] = field(default_factory=set)

    @property
    def trimmed(self) -> float:
        """Share of the frames that limits or self-collision have changed."""
        return min(len(self.changed) / self.frames, 1.0) if self.frames else 0.0

    @property
    def stretch(self) -> float:
        """Seconds that the frames so far take, over seconds that they are long."""
        return (
            (self.end - self.began) / (self.step * (self.frames - 1)) if self.frames > 1 else 1.0
        )

    def solved(self, asked: Array, given: Array) -> None:
        """Note further frames: poses (T, N) as asked for and as they may be."""
        moved = np.abs(given - asked).max(axis=1) > _SAME
        self.changed.update((self.frames + np.flatnonzero(moved)).tolist())
        self.frames += len(given)

    def followed(self, frames: Array, index: Array, stretch: float) -> None:
        """Note a curve that was fitted.

        Args:
            frames: (T,) numbers of the frames that it follows.
            index: (K,) which of them, fractionally, is reached at each step.
            stretch: How much longer than the motion the steps were to take.
        """
        # The last step ends where the frames do.
        slow = np.flatnonzero(np.diff(index)[:-1] * stretch < _SLOWED)
        self.changed.update(frames[index[slow].astype(int)].astype(int).tolist())
