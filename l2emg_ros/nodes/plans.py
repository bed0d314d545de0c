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
"""The plans whose pieces set points may still need."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.retarget.trajectory import Trajectory

# The clock time of a trajectory's time 0, s, and the trajectory.
Planned = tuple[float, Trajectory]
# More than come in the time that set points look back.
_RECENT = 16


class Plans:
    """The last plans, the newest last; times are those of the stream's clock, s."""

    def __init__(self) -> None:
        self._recent: deque[Planned] = deque(maxlen=_RECENT)

    @property
    def newest(self) -> Planned | None:
        """The plan in force."""
        return self._recent[-1] if self._recent else None

    def add(self, planned: Planned, *, alone: bool) -> None:
        """Put a plan in force; ``alone``: what was planned before does not lead to it."""
        if alone:
            self._recent.clear()
        self._recent.append(planned)

    def clear(self) -> None:
        """Forget all."""
        self._recent.clear()

    def over(self, phase: float) -> bool:
        """Return whether the plan in force has been played, or there is none."""
        if self.newest is None:
            return True
        stamp, trajectory = self.newest
        return phase > stamp + trajectory.duration

    def sample(self, phase: float) -> tuple[NDArray[np.float64], ...]:
        """Return position, velocity and acceleration as planned; there must be a plan."""
        for stamp, trajectory in reversed(self._recent):
            # Until its first sample a plan is the continuation of the one before.
            if phase >= stamp + trajectory.time_from_start[0]:
                break
        return trajectory.sample(phase - stamp)
