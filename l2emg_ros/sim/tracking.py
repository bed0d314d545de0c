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
"""How well a simulated robot did what it was asked: wrist error, joint error, limit hits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l2emg_ros.motion import skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory
from l2emg_ros.sim.simulator import Simulator

# Rounding of a velocity or acceleration that was computed at its limit.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Tracking:
    """Commanded against executed, at the instants of the executed samples.

    Attributes:
        wrist_rms: Distance of the wrists from where they should be, root mean square, m.
        wrist_peak: The largest such distance, m.
        joint_rms: Joint error, root mean square over joints and time, rad.
        limit_hits: Commanded samples beyond a position, velocity or acceleration limit.
        samples: Number of instants compared.
    """

    wrist_rms: float
    wrist_peak: float
    joint_rms: float
    limit_hits: int
    samples: int


def compare(robot: Robot, commanded: Trajectory, executed: Trajectory) -> Tracking:
    """Compare what was asked with what was done; both count time from the same instant."""
    inside = (executed.time_from_start >= commanded.time_from_start[0]) & (
        executed.time_from_start <= commanded.duration
    )
    done = executed.positions[inside]
    wanted = commanded.sample(executed.time_from_start[inside])[0]
    simulator = Simulator(robot)
    distances = np.array(
        [
            np.linalg.norm(simulator.link_position(link, q) - simulator.link_position(link, r))
            for link in wrists(robot)
            for q, r in zip(done, wanted, strict=True)
        ]
    )
    return Tracking(
        wrist_rms=float(np.sqrt((distances**2).mean())),
        wrist_peak=float(distances.max()),
        joint_rms=float(np.sqrt(((done - wanted) ** 2).mean())),
        limit_hits=limit_hits(robot, commanded),
        samples=len(done),
    )


def wrists(robot: Robot) -> tuple[str, ...]:
    """Return the links that the robot's map names as wrists."""
    return tuple(robot.map.links[key].link for key in ('l_wrist', 'r_wrist'))


def limit_hits(robot: Robot, trajectory: Trajectory) -> int:
    """Return how many samples of a trajectory are beyond a limit of the robot."""
    beyond = (
        (trajectory.positions < robot.lower - _TOLERANCE)
        | (trajectory.positions > robot.upper + _TOLERANCE)
        | (np.abs(trajectory.velocities) > robot.velocity + _TOLERANCE)
        | (np.abs(trajectory.accelerations) > robot.acceleration + _TOLERANCE)
    )
    return int(beyond.any(axis=1).sum())


def delay(robot: Robot, motion: Motion, executed: Trajectory, rate: float = 30.0) -> float:
    """Return how long after the start of a trajectory its motion begins, s.

    What lies before is the approach to the first pose. Found where the speeds of human and robot
    wrists agree best.
    """
    motion = motion.resample(rate)
    positions = motion.joint_positions()
    ends = [skeleton.index(name) for name in ('left_wrist', 'right_wrist')]
    human = positions[:, ends] - positions[:, :1]
    simulator = Simulator(robot)
    times = np.arange(executed.time_from_start[0], executed.duration, 1.0 / rate)
    machine = np.array(
        [
            [simulator.link_position(link, q) for link in wrists(robot)]
            for q in executed.sample(times)[0]
        ]
    )
    asked, done = (
        np.linalg.norm(np.diff(path, axis=0), axis=-1).sum(axis=-1) for path in (human, machine)
    )
    if len(done) <= len(asked):
        return 0.0
    return float(np.correlate(done, asked, mode='valid').argmax()) / rate
