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
"""How smoothly and how safely a running motion takes another manner, in simulated time."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.corpus import GESTURES, synthesise
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.retarget.manner import manner, STRENGTH
from l2emg_ros.retarget.modulation import Modulator
from l2emg_ros.retarget.report import beyond_limits
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot

Array = NDArray[np.float64]

_RATE = 100.0
# Seconds between emotions, and after one in which the switch is under way.
_EVERY, _SWITCH = 2.0, 0.5
_ROUNDING = 1e-9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument('--robot', default='g1', help='robot or map file; default g1')
    parser.add_argument('--minutes', type=float, default=10.0, help='simulated minutes')
    parser.add_argument('--seed', type=int, default=0)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures."""
    robot, rng = Robot.load(args.robot), np.random.default_rng(args.seed)
    q, v, switching, costs = _play(robot, args.minutes, rng)
    pushes = np.diff(v, axis=0, prepend=v[:1]) * _RATE
    jerk = np.diff(v, n=2, axis=0) * _RATE**2
    switch, steady = (
        float(np.sqrt((jerk[part] ** 2).mean())) for part in (switching[2:], ~switching[2:])
    )
    return {
        'set_points': len(q),
        'violations': beyond_limits(robot, 1.0 / _RATE, q, v, pushes, _ROUNDING),
        'jerk_steady_rad_s3': steady,
        'jerk_switch_over_steady': switch / steady,
        'step_mean_us': 1e6 * float(np.mean(costs)),
        'step_p99_us': 1e6 * float(np.percentile(costs, 99)),
    }


def _play(
    robot: Robot, minutes: float, rng: np.random.Generator
) -> tuple[Array, Array, NDArray[np.bool_], Array]:
    """Play gestures while emotions change.

    Returns:
        Positions and velocities (K, N), which set points (K,) follow an emotion closely, and the
        seconds (K,) that each one took.
    """
    count = round(60.0 * minutes * _RATE)
    modulator = Modulator(robot, 1.0 / _RATE)
    plans = _plans(robot, rng)
    plan, begun = next(plans), 0.0
    modulator.start(0.0, plan.positions[0])
    points, costs = [], np.empty(count)
    since = np.arange(count) % round(_EVERY * _RATE)
    for number in range(count):
        if since[number] == 0:
            modulator.aim(manner(Emotion(LABELS[rng.integers(len(LABELS))]), STRENGTH))
        if modulator.phase > begun + plan.duration:
            plan, begun = next(plans), modulator.phase
        start = time.perf_counter()
        points.append(modulator.step(lambda phase: plan.sample(phase - begun)))  # noqa: B023
        costs[number] = time.perf_counter() - start
    q, v = (np.array(column) for column in zip(*points, strict=True))
    return q, v, since < round(_SWITCH * _RATE), costs


def _plans(robot: Robot, rng: np.random.Generator) -> Iterator[Any]:
    """Yield trajectories of random gestures in random emotions, each from where one ended."""
    retargeter, names, pose = Retargeter(robot), sorted(GESTURES), None
    while True:
        weights = Emotion(LABELS[rng.integers(len(LABELS))]).weights()
        motion = synthesise(names[rng.integers(len(names))], weights, rng)
        trajectory = retargeter.retarget(motion, start=pose)
        pose = trajectory.positions[-1]
        yield trajectory
