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
"""`l2emg demo`: two requests through the whole system, performed by the simulated robot."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
import os
from pathlib import Path
import time
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from l2emg_ros.nodes.client import Performance
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.sim.tracking import Tracking

HELP = 'two gestures through the whole system: nodes, model, simulated robot, videos'
START_TIMEOUT = 120.0
PANEL = (480, 480)


@dataclass(frozen=True)
class Scene:
    """One request of the demo."""

    folder: str
    text: str
    emotion: str


SCENES = (
    Scene('1-happy', 'wave to greet an old friend you have missed', 'happy'),
    Scene('2-compassion', 'comfort someone who is crying', 'compassion'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('-o', '--output', type=Path, default=Path('out/demo'), help='folder')
    parser.add_argument('--model-path', default='', help='model folder; default: the shipped one')
    parser.add_argument('--robot', default='g1', help='robot or map file; default g1')
    parser.add_argument('--seed', type=int, default=0, help='random seed of the motions')
    parser.add_argument('--fps', type=float, default=20.0, help='images a second of the videos')
    parser.epilog = 'example: l2emg demo -o out/demo'


def run(args: argparse.Namespace) -> int:
    """Start the graph, perform, measure, draw and report."""
    # Nodes on this machine only; a namespace of its own keeps it apart from a running graph.
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.sim.tracking import compare

    robot = Robot.load(args.robot)
    begun = time.monotonic()
    performances = perform(robot, args)
    rows = []
    for scene, performance in zip(SCENES, performances, strict=True):
        folder = args.output / scene.folder
        tracking = compare(robot, performance.commanded, performance.executed)
        save(robot, performance, folder, args.fps)
        rows.append(summary(scene, performance, tracking, folder))
    write_report(args.output / 'report.json', rows, time.monotonic() - begun)
    print_table(rows)
    print(f'\n{args.output / "report.json"}')
    for row in rows:
        print('  '.join(row['files']))
    return 0


def perform(robot: Robot, args: argparse.Namespace) -> list[Performance]:
    """Bring the graph up and send every request through it."""
    from l2emg_ros.emotion import Emotion
    from l2emg_ros.nodes.client import GestureClient
    from l2emg_ros.nodes.graph import Graph

    namespace = f'l2emg_demo_{os.getpid()}'
    begun = time.monotonic()
    print('starting the nodes ...', flush=True)
    with Graph(
        args.robot,
        sim=True,
        namespace=namespace,
        model_path=args.model_path,
        log_dir=args.output / 'logs',
        # What a user's robot has learned must not change the demo.
        parameters={
            'generator': {'experts_path': ''},
            'lifelong': {
                'experts_path': '',
                'log_path': str(args.output / 'log'),
            },
        },
    ) as graph:
        graph.wait_active(START_TIMEOUT)
        names = ', '.join(process.executable for process in graph.nodes)
        print(f'active after {time.monotonic() - begun:.1f} s: {names}', flush=True)
        performances = []
        with GestureClient(robot, namespace) as client:
            for scene in SCENES:
                print(f'{scene.emotion}: "{scene.text}" ...', flush=True)
                performances.append(
                    client.perform(scene.text, Emotion(scene.emotion), seed=args.seed)
                )
                graph.check()
    return performances


def save(robot: Robot, performance: Performance, folder: Path, fps: float) -> None:
    """Write motion, trajectories and video of one performance."""
    from l2emg_ros.viz import video

    folder.mkdir(parents=True, exist_ok=True)
    performance.motion.save(folder / 'motion.npz')
    performance.commanded.save(folder / 'trajectory.npz')
    performance.executed.save(folder / 'executed.npz')
    print(f'drawing {folder / "video.mp4"} ...', flush=True)
    video.write(draw(robot, performance, fps), folder / 'video.mp4', fps)


def draw(robot: Robot, performance: Performance, fps: float) -> Iterator[Any]:
    """Draw the person of the motion and the robot of the simulation side by side, in time."""
    import numpy as np

    from l2emg_ros.sim.tracking import delay
    from l2emg_ros.viz.robot import render_trajectory
    from l2emg_ros.viz.skeleton import render_motion

    executed, motion = performance.executed, performance.motion
    times = np.arange(executed.time_from_start[0], executed.duration, 1.0 / fps)
    since = times - delay(robot, motion, executed)
    shown = np.clip(np.round(since * motion.fps), 0, motion.frames - 1).astype(int)
    people = render_motion(motion, PANEL, shown.tolist())
    robots = render_trajectory(robot, executed, PANEL, times=times.tolist())
    for person, machine in zip(people, robots, strict=True):
        yield np.hstack([person, machine])


def summary(
    scene: Scene, performance: Performance, tracking: Tracking, folder: Path
) -> dict[str, Any]:
    """Return one entry of the report."""
    return {
        'text': scene.text,
        'emotion': scene.emotion,
        'seconds': round(performance.motion.duration, 3),
        'performed_seconds': round(performance.commanded.duration, 3),
        'time_to_first_chunk_s': round(performance.time_to_first_chunk, 4),
        'total_time_s': round(performance.total_time, 4),
        'experts': list(performance.experts),
        'expert_weights': [round(weight, 4) for weight in performance.expert_weights],
        'novelty_p_value': round(performance.novelty_p_value, 4),
        'tracking': {name: _rounded(value) for name, value in asdict(tracking).items()},
        'files': [
            str(folder / name)
            for name in ('motion.npz', 'trajectory.npz', 'executed.npz', 'video.mp4')
        ],
    }


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else round(value, 6)


def write_report(path: Path, rows: Sequence[dict[str, Any]], seconds: float) -> None:
    """Write the report as JSON."""
    from l2emg_ros.files import write_json

    write_json(path, {'name': 'demo', 'seconds': round(seconds, 1), 'results': list(rows)})


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print what matters of the report."""
    head = ('request', 'first chunk', 'total', 'expert', 'wrist error', 'limit hits')
    lines = [
        (
            f'{row["emotion"]}: {row["text"]}',
            f'{row["time_to_first_chunk_s"]:.2f} s',
            f'{row["total_time_s"]:.2f} s',
            ', '.join(row['experts']),
            f'{100 * row["tracking"]["wrist_rms"]:.2f} cm',
            str(row['tracking']['limit_hits']),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    print()
    for line in (head, *lines):
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
