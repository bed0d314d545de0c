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
"""What a joint trajectory controller makes of its messages: one desired state at every instant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]
# A stream of set points that pauses longer than this is held, not extrapolated, seconds.
_COMMAND_AGE = 0.05


class Player:
    """Follows the newest trajectory or the newest set point.

    A trajectory that starts later than now is reached from the state desired now, as with
    ``interpolate_from_desired_state``; after its last point the player holds.

    Args:
        home: (N,) rad, where it holds before anything has arrived.
    """

    def __init__(self, home: Array) -> None:
        self.hold(np.array(home, dtype=np.float64))

    def hold(self, positions: Array) -> None:
        """Stay at a position, (N,) rad."""
        self._trajectory: Trajectory | None = None
        self._time = -np.inf
        self._point = (positions, np.zeros(len(positions)))

    def command(self, positions: Array, velocities: Array, now: float) -> None:
        """Follow a set point, (N,) rad and rad/s, until the next one."""
        self._trajectory, self._time, self._point = None, now, (positions, velocities)

    def play(self, trajectory: Trajectory, start: float, now: float) -> None:
        """Replace what was playing.

        Args:
            trajectory: The plan.
            start: Time of the plan's time 0 on the clock of ``now``, s.
            now: Present time, s.
        """
        if start + trajectory.time_from_start[0] > now:
            trajectory = _from_state(trajectory, now - start, self.state(now))
        self._trajectory, self._time = trajectory, start

    def state(self, now: float) -> tuple[Array, Array, Array]:
        """Return desired position, velocity and acceleration, (N,) each, in rad and seconds."""
        if self._trajectory is not None:
            return self._trajectory.sample(now - self._time)
        q, v = self._point
        age = now - self._time
        if age < _COMMAND_AGE:
            return q + v * age, v, np.zeros(len(q))
        return q, np.zeros(len(q)), np.zeros(len(q))

    def resting(self, now: float) -> bool:
        """Return whether nothing is left to play."""
        if self._trajectory is not None:
            return bool(now - self._time >= self._trajectory.duration)
        return bool(now - self._time >= _COMMAND_AGE)


def _from_state(
    trajectory: Trajectory, time: float, state: tuple[Array, Array, Array]
) -> Trajectory:
    """Return a trajectory with one more state in front."""
    q, v, a = state
    return replace(
        trajectory,
        time_from_start=np.concatenate([[time], trajectory.time_from_start]),
        source_time=np.concatenate([trajectory.source_time[:1], trajectory.source_time]),
        positions=np.vstack([q, trajectory.positions]),
        velocities=np.vstack([v, trajectory.velocities]),
        accelerations=np.vstack([a, trajectory.accelerations]),
        root_position=np.vstack([trajectory.root_position[:1], trajectory.root_position]),
        root_orientation=np.vstack([trajectory.root_orientation[:1], trajectory.root_orientation]),
    )
