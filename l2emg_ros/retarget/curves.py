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

"""Joint curves of one robot: as near to a motion and as smooth as its limits allow.

Where a curve inside the limits cannot be near enough, time is stretched.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion.blend import minimum_jerk
from l2emg_ros.retarget import limits
from l2emg_ros.retarget.config import RetargetConfig
from l2emg_ros.retarget.limits import Bounds
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.track import interpolate

Array = NDArray[np.float64]

# Knots after the first frame in which the curve may lag: a motion that begins in full swing cannot
# be joined from rest at once, and slowing it down would only delay that.
_START_UP = 5
# Knots after the last frame in which joints may stop as they like.
_SHORT_STOP = 8
# Of the joints of no leg against those of the legs: smoothing, and what their lag counts. Arms
# and trunk may give way to smoothness, while legs have to keep the feet where they stand.
_UPPER_SMOOTHING, _UPPER_LAG = 3.1, 0.75
# What the distance of a standing leg's joints counts against that of a leg in the air: what swings
# would be smoothed into the time in which the foot stands.
_STANDING = 8.0
# A joint that moves no point farther than this, m a radian, only turns a hand, foot or head: what
# its distance counts while a foot stands, and its lag where it is of no leg, against others.
_TURNS = 0.05
_TURNING_STANDING, _TURNING_LAG = 0.5, 0.5


class Curves:
    """Fits curves for one robot.

    Attributes:
        step: Seconds between knots.
        bounds: Limits at these knots.
    """

    def __init__(
        self, robot: Robot, config: RetargetConfig, legs: NDArray[np.bool_], levers: Array
    ) -> None:
        """Prepare what joints count.

        Args:
            robot: The robot.
            config: How motions become trajectories.
            legs: (2, N), the joints of each leg.
            levers: (N,) m a radian, how far each joint moves a point at most.
        """
        self.robot, self.config = robot, config
        self.step = 1.0 / config.rate
        self.bounds = Bounds.of(
            robot.lower, robot.upper, robot.velocity, robot.acceleration, self.step
        )
        upper, turning = ~legs.any(axis=0), levers < _TURNS
        self._haste = np.where(upper, np.where(turning, _TURNING_LAG, _UPPER_LAG), 1.0)
        self._standing = (_STANDING - 1.0) * np.where(turning, _TURNING_STANDING, 1.0) * legs
        self._upper = (_UPPER_SMOOTHING - 1.0) * upper
        self._smoothing = config.smoothing * np.where(upper, _UPPER_SMOOTHING, 1.0)

    def approach(
        self,
        start: Array,
        goal: Array,
        pace: float | None = None,
        min_duration: float | None = None,
    ) -> Array:
        """Return the minimum-jerk way (L, N) from a state up to, not including, ``goal``.

        ``q = b + (goal - b) (10 s^3 - 15 s^4 + 6 s^5)`` with b the pose or, when the robot moves,
        the curve on which it would come to rest. From rest the velocity peaks at 1.875 and the
        acceleration at 5.77 times distance / duration (squared); both are kept below the limits.

        Args:
            start: (3, N) control points of the first knot.
            goal: (N,) rad.
            pace: rad/s; None: that of the configuration.
            min_duration: s; None: that of the configuration.
        """
        count = limits.braking_steps(start[2] - start[1], self.bounds)
        stop = limits.brake(start, self.bounds, count)
        distance = np.abs(goal - stop[-1])
        duration = max(
            self.config.approach_min_duration if min_duration is None else min_duration,
            float(distance.max()) / (pace or self.config.approach_velocity),
            float((1.9 * distance / self.robot.velocity).max()),
            float(np.sqrt(5.8 * distance / self.robot.acceleration).max()),
        )
        knots = max(int(np.ceil(duration / self.step - 1e-9)), count + 1)
        base = limits.evaluate(limits.extended(stop, knots + 2), self.step)[0]
        share = (np.arange(knots) / knots)[:, None]
        return np.asarray(base + (goal - base) * minimum_jerk(share))

    def follow(
        self,
        joints: Array,
        start: Array,
        lead: Array,
        stands: Array,
        stretch: float = 1.0,
        most: float | None = None,
        settle: int = 0,
        aims: bool = False,
    ) -> tuple[Array, Array]:
        """Fit a curve inside the limits, slowing down where it cannot keep up.

        Args:
            joints: (T, N) rad, one a grid step at the motion's own pace.
            start: (3, N) control points of the first knot.
            lead: (L, N) rad, knots before the first frame.
            stands: (L + T, 2) in [0, 1], how surely each foot stands; its leg is followed closely.
            stretch: Least factor on the time between frames; below 1 plays faster.
            most: Largest factor; None: that of the configuration.
            settle: Frames at the end that are slowed down more and more.
            aims: Whether the arms have something to reach or avoid: they are followed as closely
                as legs that swing.

        Returns:
            The fractional frame (K,) of every knot after the lead, and control points
            (L + K + tail + 2, N) of the curve, which ends at rest.
        """
        speed = (np.abs(np.diff(joints, axis=0)) / self.bounds.first).max(axis=1, initial=0.0)
        most = max(self.config.max_stretch if most is None else most, stretch)
        factors = np.clip(speed / 0.95, stretch, most)
        if settle:
            ending = np.linspace(stretch, most, min(settle, len(factors)) + 1)[1:]
            factors[-len(ending) :] = np.maximum(factors[-len(ending) :], ending)
        while True:
            frames = _grid(factors)
            reference = np.vstack([lead, interpolate(joints, frames)])
            end = reference[-1] - reference[max(len(reference) - 2, 0)]
            tail = max(3, 5 - len(reference)) + limits.braking_steps(end, self.bounds)
            # The slowest joint may take long to stop: meanwhile the others are held, not let go.
            held = max(tail - _SHORT_STOP, 0)
            control = limits.follow(
                np.vstack([reference, np.repeat(reference[-1:], held, axis=0)]),
                start,
                self.bounds,
                self._smoothing,
                tail - held,
                self._importance(stands, len(lead), frames, held) + aims * self._upper,
            )
            curve = limits.evaluate(control, self.step)[0]
            gap = np.abs(curve[len(lead) : len(reference)] - reference[len(lead) :])
            gap = (gap * self._haste).max(axis=1)
            gap[:_START_UP] = 0.0
            slower = _slower(factors, frames[gap > self.config.lag], most)
            if np.array_equal(slower, factors):
                return frames, control
            factors = slower

    def _importance(self, stands: Array, lead: int, frames: Array, held: int) -> Array:
        """Return what the distance from every knot of a reference counts, (L + K + H, N)."""
        rows = np.concatenate([np.arange(lead), lead + frames, np.full(held, lead + frames[-1])])
        return np.asarray(1.0 + interpolate(stands, rows) @ self._standing)


def _grid(stretch: Array) -> Array:
    """Return the fractional frame (K,) of every grid step, given (T - 1,) stretches of steps."""
    times = np.concatenate([[0.0], np.cumsum(stretch)])
    count = int(np.ceil(times[-1] - 1e-9)) + 1
    return np.interp(np.arange(count), times, np.arange(len(times)))


def _slower(factors: Array, late: Array, most: float) -> Array:
    """Slow down by a quarter around the fractional frames where the curve lags."""
    touched = np.zeros(len(factors), dtype=bool)
    for frame in late.astype(int):
        touched[max(frame - 3, 0) : frame + 3] = True
    return np.where(touched, np.minimum(factors * 1.25, most), factors)
