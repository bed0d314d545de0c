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
"""`l2emg render`: a motion or a trajectory to a video or a contact sheet."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HELP = 'Draw a motion or a trajectory as .mp4, .gif or a .png contact sheet.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        'example: l2emg render wave_g1.npz -o wave.mp4\n'
        '         l2emg render clip.bvh --poses 8 -o clip.png'
    )
    parser.add_argument(
        'input', type=Path, help='motion (.npz, .bvh, .npy) or trajectory (.npz, .csv)'
    )
    parser.add_argument('--robot', help='robot or map file; default: the one the trajectory names')
    parser.add_argument('--size', default='', help='WIDTHxHEIGHT in pixels, such as 640x480')
    parser.add_argument('--fps', type=float, default=30.0, help='images a second; default 30')
    parser.add_argument('--poses', type=int, default=10, help='poses on a contact sheet')
    parser.add_argument('--title', default='', help='first line of a contact sheet')
    parser.add_argument(
        '-o', '--output', type=Path, required=True, help='.mp4, .gif, or .png for a sheet'
    )


def run(args: argparse.Namespace) -> int:
    """Draw and save."""
    from l2emg_ros.cli.progress import progress
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.viz import video

    sheet = video.check_format(args.output) == '.png'
    if not 1.0 <= args.fps <= 120.0:
        raise BadRequest(f'--fps is {args.fps:g}: expected 1 to 120')
    if not 1 <= args.poses <= 100:
        raise BadRequest(f'--poses is {args.poses}: expected 1 to 100')
    size = _size(args.size) if args.size else ((240, 320) if sheet else (480, 480))
    drawing = _trajectory if _is_trajectory(args.input) else _motion
    images, labels, title = drawing(args, sheet, size)
    if sheet:
        drawn = list(progress(images, 'draw', len(labels)))
        video.write_sheet(drawn, args.output, args.title or title, labels)
    else:
        video.write(progress(images, 'draw', len(labels)), args.output, args.fps)
    print(f'{title or args.input} -> {args.output}')
    return 0


def _motion(
    args: argparse.Namespace, sheet: bool, size: tuple[int, int]
) -> tuple[Iterator[Any], list[str], str]:
    """Return the images of a motion, a label for each, and a title."""
    from l2emg_ros.motion.motion import Motion
    from l2emg_ros.viz import skeleton, video

    motion = Motion.load(args.input)
    if not sheet:
        motion = motion.resample(args.fps)
    frames = video.evenly_spaced(motion.frames, args.poses) if sheet else range(motion.frames)
    labels = [f'{frame / motion.fps:.2f} s' for frame in frames]
    return skeleton.render_motion(motion, size, frames), labels, motion.text


def _trajectory(
    args: argparse.Namespace, sheet: bool, size: tuple[int, int]
) -> tuple[Iterator[Any], list[str], str]:
    """Return the images of a trajectory, a label for each, and a title."""
    import numpy as np

    from l2emg_ros.errors import BadRequest
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.trajectory import Trajectory
    from l2emg_ros.viz import robot as drawing

    trajectory = Trajectory.load(args.input)
    name = args.robot or trajectory.robot
    if not name:
        raise BadRequest(f'{args.input} names no robot: expected --robot')
    if sheet:
        times = np.linspace(0.0, trajectory.duration, args.poses)
    else:
        times = drawing.frame_times(trajectory.duration, args.fps)
    labels = [f'{time:.2f} s' for time in times]
    images = drawing.render_trajectory(
        Robot.load(name), trajectory, size, args.fps, times.tolist(), fine=sheet
    )
    return images, labels, trajectory.source


def _is_trajectory(path: Path) -> bool:
    """Tell a trajectory from a motion by what is in the file."""
    from l2emg_ros.errors import MotionFormatError
    from l2emg_ros.motion import arrays

    if path.suffix.lower() != '.npz':
        return path.suffix.lower() == '.csv'
    try:
        return 'joint_names' in arrays.list_npz(path)
    except MotionFormatError as error:
        raise MotionFormatError(f'{path}: {error}') from None


def _size(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT."""
    from l2emg_ros.errors import BadRequest

    width, _, height = text.lower().partition('x')
    if not (width.isdigit() and height.isdigit()):
        raise BadRequest(f'--size is {text!r}: expected WIDTHxHEIGHT such as 640x480')
    if not (64 <= int(width) <= 3840 and 64 <= int(height) <= 2160):
        raise BadRequest(f'--size is {text!r}: expected 64x64 to 3840x2160')
    return int(width), int(height)
