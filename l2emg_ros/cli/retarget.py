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
"""`l2emg retarget`: a motion to a robot trajectory inside the robot's limits."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = 'Turn a motion into a robot trajectory inside the limits of the robot.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        'example: l2emg retarget wave.npz --robot g1 -o wave_g1.npz\n'
        '         l2emg retarget wave.npz -o give.npz '
        "--target 'hand_over 0.3 -0.1 0.2 limb=right_hand start=0.5'\n"
        'A target is point_at, look_at, reach, hand_over or avoid, and a point in metres from '
        'where\nthe root of the robot stands at first: forward, left, up. Then, if wanted, limb= '
        '(left_hand,\nright_hand, either, head), start= and duration= in seconds, and radius= of '
        'the sphere to avoid.'
    )
    parser.add_argument('input', type=Path, help='motion: .npz, .bvh or .npy')
    parser.add_argument(
        '--robot', default='g1', help='a robot of `l2emg robots list` or the path of a map file'
    )
    parser.add_argument(
        '--root',
        choices=('kinematic', 'fixed'),
        default='kinematic',
        help='kinematic: the root follows the pelvis; fixed: it stands still, as on a stand',
    )
    parser.add_argument(
        '--groups',
        default='',
        help='joint groups or joints that move, with commas between: upper_body; default: all',
    )
    parser.add_argument(
        '--from-home', action='store_true', help='begin with the way from the home pose'
    )
    parser.add_argument(
        '--must-stand',
        action='store_true',
        help='write nothing (exit code 2) if the robot stands slowly with its centre of mass '
        'beside its soles for so long that it would tip over without a balance controller',
    )
    parser.add_argument(
        '--target',
        action='append',
        default=[],
        metavar='TEXT',
        help='something to do meanwhile, such as "reach 0.3 0.2 0.1 limb=left_hand start=0.5 '
        'duration=2"; may be given more than once',
    )
    parser.add_argument(
        '-o',
        '--output',
        type=Path,
        required=True,
        help='trajectory file: .npz, .csv, or .yaml for play_motion2',
    )


def run(args: argparse.Namespace) -> int:
    """Load, retarget, save and say how well it went."""
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.motion.motion import Motion
    from l2emg_ros.retarget import balance, play_motion
    from l2emg_ros.retarget.collision import hulls_of, touches
    from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.scene import SceneTarget
    from l2emg_ros.retarget.scene_report import judge

    if args.output.suffix not in ('.npz', '.csv', '.yaml'):
        raise BadRequest(f'{args.output}: expected a file name that ends in .npz, .csv or .yaml')
    if args.must_stand and args.root == 'fixed':
        raise BadRequest('--must-stand with --root fixed: a robot on a stand does not tip over')
    targets = [SceneTarget.parse(text) for text in args.target]
    groups = tuple(word for word in args.groups.split(',') if word)
    robot = Robot.load(args.robot)
    retargeter = Retargeter(robot, RetargetConfig(root=args.root, joint_groups=groups))
    motion = Motion.load(args.input)
    start = robot.home if args.from_home else None
    trajectory = retargeter.retarget(motion, start, targets=targets)
    trajectory.check(robot)
    overhangs = []
    if args.root != 'fixed':
        stands = balance.standing(robot, trajectory)
        overhangs = balance.overhangs(stands, trajectory.time_from_start)
    tipping = [overhang for overhang in overhangs if overhang.tips]
    if args.must_stand and tipping:
        raise BadRequest(
            f'{args.input}: {robot.name} would tip over: {tipping[0]}; '
            f'expected no longer than {balance.TIPS:g} s'
        )
    if args.output.suffix == '.yaml':
        play_motion.save(trajectory, args.output)
    else:
        trajectory.save(args.output)
    print(f'{trajectory} -> {args.output}')
    print(trajectory.report)
    for answer in judge(robot, trajectory, targets):
        print(answer)
    hulls = hulls_of(robot)
    if hulls is not None:
        for touch in touches(hulls, trajectory.positions, trajectory.time_from_start):
            print(touch)
    for overhang in overhangs:
        print(overhang)
    if tipping:
        print(f'{robot.name} would tip over without a balance controller')
    return 0
