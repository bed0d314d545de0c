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
"""Emotion in the control loop: the manner of a running motion, changed at every set point.

With ``q_n`` the planned motion on a clock of its own, the phase s,

    ds/dt = pace      q = home + size (q_n(s) - home) + lean P_lean + nod P_nod

where only the arms are scaled and P are the joint displacements that bow trunk and head by one
radian. ``softness`` averages q_n over s - softness, s and s + softness, ``pause`` lingers where
the motion nearly stands. The parameters follow their goals critically damped, and each set point
is kept inside position, velocity and acceleration limits, so that the robot can always stop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.retarget.manner import AS_PLANNED, Manner
from l2emg_ros.retarget.robot import Robot

Array = NDArray[np.float64]
# From the phase, s, to positions, velocities and accelerations (N,) of the planned motion.
Nominal = Callable[[float], tuple[Array, Array, Array]]

# Pace at which the parameters approach their goals, 1/s: nine tenths of the way in half a second.
_SLEW = 8.0
# Pace at which a set point that the limits held back catches up, 1/s, and the share of the
# acceleration limit that it plans to brake with.
_CATCH_UP, _GENTLY = 15.0, 0.5
# Fastest joint at which a motion counts as nearly standing, rad/s.
_STILL = 0.3
# Differences that no longer count as movement, rad and rad/s.
_CLOSE = 1e-5


def bows(robot: Robot) -> Array:
    """Return the joint displacements (2, N) that bow trunk and head forward by one radian.

    A row is zero where the robot has no joints for it.
    """
    rows = np.zeros((2, len(robot.joint_names)))
    trunk = robot.supports('torso')
    rows[0] = _bow(robot, 'torso', trunk)
    if 'gaze' in robot.map.links:
        rows[1] = _bow(robot, 'gaze', robot.supports('gaze') & ~trunk)
    return rows


def _bow(robot: Robot, key: str, joints: NDArray[np.bool_]) -> Array:
    """Return the smallest displacement (N,) of some joints that turns a link about the left."""
    row = np.zeros(len(joints))
    if not joints.any():
        return row
    data = robot.model.createData()
    pin.computeJointJacobians(robot.model, data, robot.home)
    joint = robot.placement(key)[0]
    jacobian = pin.getJointJacobian(
        robot.model, data, joint, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
    )
    left = np.array([0.0, 1.0, 0.0])
    turn = jacobian[3:, joints]
    found = np.linalg.pinv(turn, rcond=1e-3) @ left
    # Half the wish or less would be another movement.
    if (turn @ found)[1] > 0.5:
        row[joints] = found
    return row


class Modulator:
    """Plays a planned motion in a changing manner, one set point a call.

    Attributes:
        phase: Where on the clock of the plan it is, s.
        position: (N,) rad, the last set point.
        velocity: (N,) rad/s.
    """

    def __init__(self, robot: Robot, period: float) -> None:
        """Prepare for set points ``period`` seconds apart; ``start`` begins."""
        self._robot, self._period = robot, period
        self._bows, self._arms = bows(robot), arms(robot)
        # Braking from n steps of deceleration: see ``_within``.
        most = int(np.ceil((robot.velocity / (robot.acceleration * period)).max())) + 1
        self._brakes: Array = np.arange(1.0, most + 1.0)[:, None]
        self.start(0.0, robot.home)

    def start(self, phase: float, position: Array) -> None:
        """Stand somewhere, in the planned manner."""
        self.phase = phase
        self.position: Array = position.copy()
        self.velocity: Array = np.zeros_like(position)
        self._value: Array = np.array(astuple(AS_PLANNED))
        self._change: Array = np.zeros_like(self._value)
        self._goal: Array = self._value.copy()
        self._target: Array = position.copy()

    def aim(self, wanted: Manner) -> None:
        """Set the manner that is approached from the next set point on."""
        self._goal = np.array(astuple(wanted))

    @property
    def resting(self) -> bool:
        """Whether the set points stand, at where the motion and the manner want them."""
        return bool(
            not self.velocity.any()
            and not self._change.any()
            and np.array_equal(self.position, self._target)
            and np.array_equal(self._value, self._goal)
        )

    def step(self, nominal: Nominal) -> tuple[Array, Array]:
        """Return the next set point: positions (N,) rad and velocities (N,) rad/s."""
        self._slew()
        pace, size, lean, nod, softness, pause = self._value
        rate = pace
        if pause > 0.0:
            _, ahead, _ = nominal(self.phase)
            rate *= 1.0 - pause * np.exp(-((np.abs(ahead).max() / _STILL) ** 2))
        self.phase += rate * self._period
        q, v = _averaged(nominal, self.phase, softness)
        factor = np.where(self._arms, size, 1.0)
        away = q - self._robot.home
        wanted = self._robot.home + factor * away + np.array([lean, nod]) @ self._bows
        self._target = np.clip(wanted, self._robot.lower, self._robot.upper)
        moving = rate * factor * v + np.where(self._arms, self._change[1], 0.0) * away
        self._follow(self._target, moving + self._change[2:4] @ self._bows)
        return self.position, self.velocity

    def _slew(self) -> None:
        """Move the parameters towards their goals, critically damped."""
        off = self._value - self._goal
        tempo = (self._change + _SLEW * off) * self._period
        decay = np.exp(-_SLEW * self._period)
        self._value = self._goal + (off + tempo) * decay
        self._change = (self._change - _SLEW * tempo) * decay
        there = (np.abs(self._value - self._goal) < _CLOSE) & (np.abs(self._change) < _CLOSE)
        self._value, self._change = np.where(there, self._goal, self._value), self._change * ~there

    def _follow(self, target: Array, moving: Array) -> None:
        """Go towards a target that moves, inside the limits."""
        h, robot = self._period, self._robot
        off = target - self.position - (self.velocity + moving) * (h / 2.0)
        back = np.sqrt(2.0 * _GENTLY * robot.acceleration * np.abs(off))
        wanted = moving + np.sign(off) * np.minimum(_CATCH_UP * np.abs(off), back)
        reached = self._within(wanted)
        position = self.position + (self.velocity + reached) * (h / 2.0)
        # What is approached for ever is never at rest.
        there = (moving == 0.0) & (np.abs(target - position) < _CLOSE) & (np.abs(reached) < _CLOSE)
        self.position = np.where(there, target, position)
        self.velocity = np.where(there, 0.0, reached)

    def _within(self, wanted: Array) -> Array:
        """Return the velocity nearest to the wanted one that the limits allow.

        The acceleration is constant between set points. A step to the velocity w and a stop in n
        more go ``v h / 2 + n w h - A h^2 n (n - 1) / 2``; the n that it takes goes farthest, so
        that w is bounded by the least of the bounds that they give.
        """
        h, robot = self._period, self._robot
        change = robot.acceleration * h
        n = self._brakes
        slack = change * h * n * (n - 1.0) / 2.0
        gone = self.position + self.velocity * (h / 2.0)
        most = ((robot.upper - gone + slack) / (n * h)).min(axis=0)
        least = -((gone - robot.lower + slack) / (n * h)).min(axis=0)
        bounded = np.clip(
            wanted, np.maximum(least, -robot.velocity), np.minimum(most, robot.velocity)
        )
        return np.clip(bounded, self.velocity - change, self.velocity + change)


def _averaged(nominal: Nominal, phase: float, softness: float) -> tuple[Array, Array]:
    """Return position and velocity of a motion, averaged over a binomial window."""
    q, v, _ = nominal(phase)
    if softness < 1e-4:
        return q, v
    before, after = nominal(phase - softness), nominal(phase + softness)
    return (before[0] + 2.0 * q + after[0]) / 4.0, (before[1] + 2.0 * v + after[1]) / 4.0


def arms(robot: Robot) -> NDArray[np.bool_]:
    """Return which joints (N,) lie between the torso and a wrist."""
    wrists = robot.supports('l_wrist') | robot.supports('r_wrist')
    return np.asarray(wrists & ~robot.supports('torso'))
