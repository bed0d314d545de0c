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

The baseline of the same run is textbook inverse kinematics: the same targets, frame Jacobians and
a damped least-squares step with clamped joint limits, two steps a frame, nothing else. The floor
is the arithmetic that no such method can save: Jacobians, normal matrix and one Cholesky solution
for each of the steps.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.bench import motions
from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import baseline
from l2emg_ros.retarget.collision import SelfCollision
from l2emg_ros.retarget.report import evaluate, Report
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import footing, RootPlanner
from l2emg_ros.retarget.targets import Targets
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

_MADE = 40
# Self-collision is judged on every third sample: it costs as much as all the rest.
_EVERY = 3
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
    hulls = SelfCollision(robot)
    touching = []
    names: list[str] = []
    ours: list[Report] = []
    textbook: list[Report] = []
    times = []
    folder = motions.recordings(args.folder)
    if folder is None:
        named = motions.performed(args.clips or _MADE, args.seed)
    else:
        named = motions.read(folder, args.clips)
    for name, motion in named:
        motion = motion.resample(retargeter.config.rate)
        began = time.process_time()
        trajectory = retargeter.retarget(motion)
        own = time.process_time() - began
        trajectory.check(robot)
        targets = retargeter.builder.build(motion)
        began = time.process_time()
        joints = baseline.textbook(robot, retargeter.builder, targets)
        other = time.process_time() - began
        touching.append([hulls.share(q[::_EVERY]) for q in (trajectory.positions, joints)])
        names.append(name)
        ours.append(trajectory.report or evaluate(robot, motion, trajectory))
        textbook.append(evaluate(robot, motion, _as_trajectory(robot, motion, joints, targets)))
        times.append(
            (motion.frames, own, other, baseline.floor(robot, retargeter.builder, motion.frames))
        )
    return _results(names, ours, textbook, np.array(times), np.array(touching))


def table(results: dict[str, Any]) -> str:
    """Return one figure a line: ours, the baseline, their ratio."""
    lines = [f'{results["clips"]} clips', f'{"":<16}{"ours":>10}{"textbook":>10}{"ratio":>8}']
    for name, value in results['ours'].items():
        base, ratio = results['textbook'][name], results['ratio'].get(name)
        shown = '' if ratio is None else f'{ratio:8.2f}'
        lines.append(f'{name:<16}{value:>10.3g}{base:>10.3g}{shown}')
    lines.append(f'mean stretch of a clip {results["mean_stretch"]:.3f}')
    lines.append(
        f'time over the arithmetic floor: ours {results["ms_over_floor"]:.1f}, '
        f'textbook {results["textbook_ms_over_floor"]:.1f}'
    )
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


def _results(
    names: list[str],
    ours: list[Report],
    textbook: list[Report],
    times: Array,
    touching: Array,
) -> dict[str, Any]:
    own, other = Report.mean(ours), Report.mean(textbook)
    frames, seconds, base, floor = times.sum(axis=0)
    own['ms_per_frame'], other['ms_per_frame'] = 1e3 * seconds / frames, 1e3 * base / frames
    own['self_collision'], other['self_collision'] = np.average(
        touching, axis=0, weights=times[:, 0]
    ).tolist()
    order = np.argsort([-report.limb_error for report in ours])
    return {
        'clips': len(names),
        'ours': own,
        'textbook': other,
        'ratio': {key: own[key] / other[key] for key in own if other[key] > _RATIO_FROM},
        'mean_stretch': float(np.mean([report.stretch for report in ours])),
        'ms_over_floor': seconds / floor,
        'textbook_ms_over_floor': base / floor,
        'worst': [(names[i], ours[i].limb_error) for i in order[:5]],
    }
