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

"""`l2emg bench retarget`: how closely, smoothly, safely and quickly a robot follows motions.

Peers of the same run solve the same targets with the same costs: textbook inverse kinematics
(frame Jacobians and a damped least-squares step with clamped joint limits, two steps a frame,
nothing else), and Pink, where it is installed (``requirements/dev.txt``). Beside them stands our
solver as a stream uses it, frame by frame and before the limits. The floor is the
arithmetic that no such method can save: Jacobians, normal matrix and one Cholesky solution for
each of the steps. Our time includes everything up to a trajectory inside the limits.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
import importlib.util
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.bench import motions
from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import baseline
from l2emg_ros.retarget.ik import FrameSolver
from l2emg_ros.retarget.report import evaluate, Report
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import footing, RootPlanner
from l2emg_ros.retarget.targets import Builder, Targets
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

_MADE = 40
# No ratio to a figure that is zero but for rounding.
_RATIO_FROM = 1e-2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    motions.add_folder(parser, 'motions of the corpus')
    parser.add_argument('--robot', default='g1', help='robot or map file')
    parser.add_argument('--root', choices=('kinematic', 'fixed'), default='kinematic')
    parser.add_argument('--clips', type=int, default=0, help='evenly spread; 0: all, or 40 made')
    parser.add_argument('--seed', type=int, default=0, help='of the motions of the corpus')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures.

    Raises:
        BadRequest: The folder holds no motion, or an option is out of range.
    """
    motions.check_count(args.clips)
    robot = Robot.load(args.robot)
    retargeter = Retargeter(robot, RetargetConfig(root=args.root))
    folder = motions.recordings(args.folder)
    if folder is None:
        named = motions.performed(args.clips or _MADE, args.seed)
    else:
        named = motions.read(folder, args.clips)
    peers = _peers(retargeter.config.rate)
    runs = {name: _Run() for name in ('ours', *peers)}
    names: list[str] = []
    floors: list[float] = []
    for name, motion in named:
        names.append(name)
        motion = motion.resample(retargeter.config.rate)
        floors.append(baseline.floor(robot, retargeter.builder, motion.frames))
        began = time.process_time()
        trajectory = retargeter.retarget(motion)
        runs['ours'].seconds.append(time.process_time() - began)
        trajectory.check(robot)
        runs['ours'].add(robot, motion, trajectory)
        targets = retargeter.builder.build(motion)
        for peer, solve in peers.items():
            began = time.process_time()
            joints = solve(robot, retargeter.builder, targets)
            runs[peer].seconds.append(time.process_time() - began)
            other = _as_trajectory(robot, motion, joints, targets)
            runs[peer].add(robot, motion, other)
    return _results(names, runs, sum(floors))


@dataclass
class _Run:
    """Process seconds, frames and report of one method for each clip."""

    seconds: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def add(self, robot: Robot, motion: Motion, trajectory: Trajectory) -> None:
        """Judge one trajectory."""
        self.frames.append(motion.frames)
        self.reports.append(trajectory.report or evaluate(robot, motion, trajectory))

    def figures(self) -> dict[str, float]:
        """Return the means over all frames."""
        times = 1e3 * np.array(self.seconds) / np.array(self.frames)
        return {
            **Report.mean(self.reports),
            'ms_per_frame': 1e3 * sum(self.seconds) / sum(self.frames),
            'ms_per_frame_worst_clip': float(times.max()),
        }


def _peers(rate: float) -> dict[str, Callable[[Robot, Builder, Targets], Array]]:
    """Return the peers by name; Pink only where it and the solver it uses are installed."""
    peers: dict[str, Callable[[Robot, Builder, Targets], Array]] = {
        'streaming': partial(_streaming, rate=rate),
        'textbook': baseline.textbook,
    }
    if all(importlib.util.find_spec(name) for name in ('pink', 'daqp')):
        peers['pink'] = partial(baseline.pink, rate=rate)
    return peers


def _streaming(robot: Robot, builder: Builder, targets: Targets, rate: float) -> Array:
    """Solve frame after frame as a stream does."""
    solver = FrameSolver(robot, builder)
    frames = zip(targets.points, targets.orientations, strict=True)
    return np.stack([solver.solve(*frame, 1.0 / rate)[0] for frame in frames])


def table(results: dict[str, Any]) -> str:
    """Return one figure a line: ours, then each peer and our ratio to it."""
    peers = list(results['peers'])
    told = ''.join(f'{peer:>10}{"ratio":>8}' for peer in peers)
    lines = [f'{results["clips"]} clips', f'{"":<24}{"ours":>10}{told}']
    for name, value in results['ours'].items():
        told = ''
        for peer in peers:
            ratio = results['ratio'][peer].get(name)
            shown = f'{"":>8}' if ratio is None else f'{ratio:8.2f}'
            told += f'{results["peers"][peer][name]:>10.3g}{shown}'
        lines.append(f'{name:<24}{value:>10.3g}{told}'.rstrip())
    lines.append(f'mean stretch of a clip {results["mean_stretch"]:.3f}')
    lines.append(f'time over the arithmetic floor: {results["ms_over_floor"]:.1f}')
    worst = ', '.join(f'{name} {error:.0f} mm' for name, error in results['worst'])
    return '\n'.join([*lines, f'worst limb error: {worst}'])


def _as_trajectory(robot: Robot, motion: Motion, joints: Array, targets: Targets) -> Trajectory:
    """Wrap joint angles at the frame rate of the motion; derivatives by differences."""
    step = 1.0 / motion.fps
    velocities = np.gradient(joints, step, axis=0) if len(joints) > 1 else np.zeros_like(joints)
    speeds = np.gradient(velocities, step, axis=0) if len(joints) > 1 else np.zeros_like(joints)
    return Trajectory(
        joint_names=robot.joint_names,
        time_from_start=step * np.arange(1.0, len(joints) + 1),
        source_time=step * np.arange(float(len(joints))),
        positions=joints,
        velocities=velocities,
        accelerations=speeds,
        root_position=RootPlanner(robot).plan(joints, targets.root, footing(motion), None),
        root_orientation=rotation.from_matrix(targets.root),
        robot=robot.name,
    )


def _results(names: list[str], runs: dict[str, _Run], floor: float) -> dict[str, Any]:
    own = runs['ours'].figures()
    peers = {name: run.figures() for name, run in runs.items() if name != 'ours'}
    reports = runs['ours'].reports
    order = np.argsort([-report.limb_error for report in reports])
    return {
        'clips': len(names),
        'ours': own,
        'peers': peers,
        'ratio': {
            name: {key: own[key] / other[key] for key in own if other[key] > _RATIO_FROM}
            for name, other in peers.items()
        },
        'mean_stretch': float(np.mean([report.stretch for report in reports])),
        'ms_over_floor': sum(runs['ours'].seconds) / floor,
        'worst': [(names[i], reports[i].limb_error) for i in order[:5]],
    }
