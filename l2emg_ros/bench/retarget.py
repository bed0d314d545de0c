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
solver as a stream uses it, frame by frame and before the limits, and the same compiled, where
numba is. The floor is the
arithmetic that no such method can save: Jacobians, normal matrix and one Cholesky solution for
each of the steps. Our time includes everything up to a trajectory inside the limits; that of the
others begins with the targets. Trajectories that another system made are judged beside ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
import importlib.util
from pathlib import Path
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros import files
from l2emg_ros.bench import motions
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import baseline
from l2emg_ros.retarget.ik import FrameSolver, IkConfig
from l2emg_ros.retarget.report import evaluate, Report
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import footing, RootPlanner
from l2emg_ros.retarget.targets import Builder, Targets
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]
# Yields joint angles (N,) and the rotation (3, 3) of the root away from its target.
Peer = Callable[[Robot, Builder, Targets], Iterator[tuple[Array, Array]]]

_MADE = 40
# No ratio to a figure that is zero but for rounding.
_RATIO_FROM = 1e-2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    motions.add_folder(parser, 'motions of the corpus')
    parser.add_argument('--robot', default='g1', help='robot or map file')
    parser.add_argument('--root', choices=('kinematic', 'fixed'), default='kinematic')
    parser.add_argument('--clips', type=int, default=0, help='evenly spread; 0: all, or 40 made')
    parser.add_argument(
        '--held-out',
        type=int,
        default=0,
        metavar='N',
        help='leave out the clips that `--clips N` takes: those that weights were tuned on',
    )
    parser.add_argument(
        '--without',
        action='append',
        default=[],
        metavar='PATTERN',
        help='leave out clips by name, such as "005_*"; may be repeated',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the motions of the corpus')
    parser.add_argument(
        '--others',
        type=Path,
        metavar='FOLDER',
        help='trajectories of another system to judge too: NAME.npz or NAME.csv for each clip',
    )
    parser.add_argument('--markdown', type=Path, metavar='FILE', help='write the table there too')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures.

    Raises:
        BadRequest: The folder holds no motion, an option is out of range, or a trajectory of
            ``--others`` is not there.
    """
    motions.check_count(args.clips)
    motions.check_count(args.held_out, '--held-out')
    robot = Robot.load(args.robot)
    retargeter = Retargeter(robot, RetargetConfig(root=args.root))
    folder = motions.recordings(args.folder)
    if folder is None:
        named = motions.performed(args.clips or _MADE, args.seed)
    else:
        named = motions.read(folder, args.clips, args.held_out, args.without)
    peers = _peers(retargeter.config.rate)
    runs = {name: _Run() for name in ('ours', *peers, *(['others'] if args.others else []))}
    floors: list[float] = []
    for name, motion in named:
        motion = motion.resample(retargeter.config.rate)
        floors.append(baseline.floor(robot, retargeter.builder, motion.frames))
        began = time.process_time()
        trajectory = retargeter.retarget(motion, report=False)
        taken = time.process_time() - began
        trajectory.check(robot)
        runs['ours'].add(name, robot, motion, trajectory, [taken / motion.frames])
        targets = retargeter.builder.build(motion, steady=retargeter.config.root_smoothing)
        for peer, solve in peers.items():
            other, times = _solved(solve, robot, motion, retargeter.builder, targets)
            runs[peer].add(name, robot, motion, other, times)
        if args.others:
            runs['others'].add(name, robot, motion, _other(args.others, name), [])
    results = _results(runs, sum(floors))
    if args.markdown:
        with files.atomic_write(args.markdown) as path:
            path.write_text(markdown(results), 'utf-8')
    return results


@dataclass
class _Run:
    """Names, frames and reports of the clips of one method, and seconds of its steps."""

    names: list[str] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    seconds: list[list[float]] = field(default_factory=list)

    def add(
        self,
        name: str,
        robot: Robot,
        motion: Motion,
        trajectory: Trajectory,
        seconds: list[float],
    ) -> None:
        """Judge one trajectory; ``seconds`` of every frame, or the mean of all."""
        self.names.append(name)
        self.frames.append(motion.frames)
        self.reports.append(evaluate(robot, motion, trajectory))
        self.seconds.append(seconds)

    def figures(self) -> dict[str, float]:
        """Return the means over all frames."""
        figures = {
            **Report.mean(self.reports),
            'clip_stretch': float(np.mean([report.stretch for report in self.reports])),
        }
        if all(self.seconds):
            clips = [float(np.mean(seconds)) for seconds in self.seconds]
            every = np.concatenate([np.asarray(seconds) for seconds in self.seconds])
            figures['ms_per_frame'] = 1e3 * float(np.average(clips, weights=self.frames))
            figures['ms_per_frame_p99'] = 1e3 * float(np.percentile(every, 99.0))
        return figures


def _peers(rate: float) -> dict[str, Peer]:
    """Return the peers by name; Pink only where it and the solver it uses are installed."""
    peers: dict[str, Peer] = {
        'streaming': partial(_streaming, rate=rate),
        **({'compiled': partial(_streaming, rate=rate, compiled=True)} if _found('numba') else {}),
        'textbook': partial(_upright, baseline.textbook),
    }
    if _found('pink') and _found('daqp'):
        peers['pink'] = partial(_upright, partial(baseline.pink, rate=rate))
    return peers


def _found(package: str) -> bool:
    """Return whether a package is installed."""
    return importlib.util.find_spec(package) is not None


def _streaming(
    robot: Robot, builder: Builder, targets: Targets, rate: float, compiled: bool = False
) -> Iterator[tuple[Array, Array]]:
    """Solve frame after frame as a stream does."""
    solver = FrameSolver(robot, builder, IkConfig(compiled=compiled))
    return (solver.solve(*targets.frame(row), 1.0 / rate) for row in range(len(targets)))


def _upright(
    solve: Callable[[Robot, Builder, Targets], Iterator[Array]],
    robot: Robot,
    builder: Builder,
    targets: Targets,
) -> Iterator[tuple[Array, Array]]:
    """Complete a solver whose root is where its target is."""
    for joints in solve(robot, builder, targets):
        yield joints, np.eye(3)


def _solved(
    solve: Peer, robot: Robot, motion: Motion, builder: Builder, targets: Targets
) -> tuple[Trajectory, list[float]]:
    """Return what a peer makes of the targets, and the seconds of every frame."""
    joints, turns, frames = [], [], solve(robot, builder, targets)
    times = [time.process_time()]
    for q, turn in frames:
        times.append(time.process_time())
        joints.append(q)
        turns.append(turn)
    root = targets.root @ np.array(turns)
    return _as_trajectory(robot, motion, np.array(joints), root), np.diff(times).tolist()


def _other(folder: Path, name: str) -> Trajectory:
    """Load the trajectory that another system made of a clip."""
    for suffix in ('.npz', '.csv'):
        if (folder / f'{name}{suffix}').is_file():
            return Trajectory.load(folder / f'{name}{suffix}')
    raise BadRequest(f'{folder} holds no {name}.npz and no {name}.csv: expected one for each clip')


def table(results: dict[str, Any]) -> str:
    """Return one figure a line: ours, then each peer and our ratio to it."""
    peers = list(results['peers'])
    told = ''.join(f'{peer:>10}{"ratio":>8}' for peer in peers)
    lines = [f'{len(results["clips"])} clips', f'{"":<24}{"ours":>10}{told}']
    for name, cells in _cells(results):
        told = f'{cells[0]:>10}'
        for value, ratio in zip(cells[1::2], cells[2::2], strict=True):
            told += f'{value:>10}{ratio:>8}'
        lines.append(f'{name:<24}{told}'.rstrip())
    lines.append(f'time over the arithmetic floor: {results["ms_over_floor"]:.1f}')
    worst = ', '.join(f'{name} {error:.0f} mm' for name, error in results['worst'])
    return '\n'.join([*lines, f'worst limb error: {worst}'])


def markdown(results: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    peers = [cell for peer in results['peers'] for cell in (peer, 'ratio')]
    rows = [['', 'ours', *peers], ['---', *['---:'] * (1 + len(peers))]]
    rows += [[name, *cells] for name, cells in _cells(results)]
    lines = [f'| {" | ".join(row)} |' for row in rows]
    return '\n'.join([f'{len(results["clips"])} clips', '', *lines, ''])


def _cells(results: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each figure and its cells: ours, then each peer's and the ratio."""
    for name, value in results['ours'].items():
        cells = [f'{value:.3g}']
        for peer, figures in results['peers'].items():
            ratio = results['ratio'][peer].get(name)
            cells.append(f'{figures[name]:.3g}' if name in figures else '')
            cells.append('' if ratio is None else f'{ratio:.2f}')
        yield name, cells


def _as_trajectory(robot: Robot, motion: Motion, joints: Array, root: Array) -> Trajectory:
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
        root_position=RootPlanner(robot).plan(joints, root, footing(motion), None),
        root_orientation=rotation.from_matrix(root),
        robot=robot.name,
    )


def _results(runs: dict[str, _Run], floor: float) -> dict[str, Any]:
    ours = runs['ours']
    own = ours.figures()
    peers = {name: run.figures() for name, run in runs.items() if name != 'ours'}
    order = np.argsort([-report.limb_error for report in ours.reports])
    taken = float(np.dot([seconds[0] for seconds in ours.seconds], ours.frames))
    return {
        'clips': ours.names,
        'ours': own,
        'peers': peers,
        'ratio': {
            name: {key: own[key] / other[key] for key in own if other.get(key, 0.0) > _RATIO_FROM}
            for name, other in peers.items()
        },
        'ms_over_floor': taken / floor,
        'worst': [(ours.names[i], ours.reports[i].limb_error) for i in order[:5]],
    }
