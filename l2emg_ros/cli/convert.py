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
"""`l2emg convert`: motions of other formats, and what a robot did, to a motion file."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = 'Convert motion capture (BVH, AMASS .npz, HumanML3D .npy) or a trajectory to a motion file.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        'example: l2emg convert clip.bvh --fps 30 -o clip.npz\n'
        '         l2emg convert shown.npz --robot g1 -o motion.npz'
    )
    parser.add_argument(
        'input', type=Path, help='motion: .bvh, .npz or .npy; trajectory of a robot: .npz or .csv'
    )
    parser.add_argument(
        '--robot',
        help='whose trajectory it is: a robot of `l2emg robots list` or the path of a map file; '
        'default: the one that the file names',
    )
    parser.add_argument('--fps', type=float, help='resample; default: the rate of the file')
    parser.add_argument('--mirror', action='store_true', help='exchange left and right')
    parser.add_argument('--text', help='store a description with the motion')
    parser.add_argument('-o', '--output', type=Path, required=True, help='motion file, .npz')


def run(args: argparse.Namespace) -> int:
    """Load, change and save."""
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.lifelong import demonstration

    if args.output.suffix != '.npz':
        raise BadRequest(f'{args.output}: expected a file name that ends in .npz')
    if args.fps is not None and not 1.0 <= args.fps <= 1000.0:
        raise BadRequest(f'--fps is {args.fps:g}: expected 1 to 1000')
    if args.robot is not None and not demonstration.is_trajectory(args.input):
        raise BadRequest(f'--robot is {args.robot}: expected a trajectory, {args.input} is none')
    motion = demonstration.load(args.input, args.robot or '')
    if args.fps is not None:
        motion = motion.resample(args.fps)
    if args.mirror:
        motion = motion.mirror()
    if args.text is not None:
        motion = motion.replace(text=args.text)
    motion.save(args.output)
    print(f'{motion} -> {args.output}')
    return 0
