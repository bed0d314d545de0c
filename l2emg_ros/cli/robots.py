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
"""`l2emg robots`: the robots that are known, and a check and a draft of a map file."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = 'List the known robots, draft the map file of your own from its URDF, or check one.'
_DEFAULT = 'map.yaml'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.epilog = (
        'example: l2emg robots list\n'
        '         l2emg robots init my_robot/my_robot.urdf -o my_robot/map.yaml\n'
        '         l2emg robots check my_robot/map.yaml'
    )
    parser.add_argument('action', choices=('list', 'check', 'init'))
    parser.add_argument(
        'robot',
        nargs='?',
        help='check: name or map file, default: all known; init: URDF, a file or package://...',
    )
    parser.add_argument(
        '-o', '--output', type=Path, help=f'init: map file to write; default {_DEFAULT}'
    )
    parser.add_argument('--name', help='init: name of the robot; default: that in the URDF')
    parser.add_argument(
        '--force', action='store_true', help='init: replace a map file that is there'
    )


def run(args: argparse.Namespace) -> int:
    """Run one action."""
    from l2emg_ros.errors import BadRequest

    given = args.output is not None or args.name is not None or args.force
    if args.action != 'init' and given:
        raise BadRequest(f'{args.action} takes no --output, --name or --force: they are for init')
    return {'list': _list, 'check': _check, 'init': _init}[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.retarget import mapping
    from l2emg_ros.retarget.robot import list_robots

    if args.robot:
        raise BadRequest(f'list takes no robot, got {args.robot!r}: use check')
    for name, path in list_robots().items():
        print(f'{name:<17}{mapping.load(path).description}')
    return 0


def _check(args: argparse.Namespace) -> int:
    """Print what is wrong, one finding a line; the error is the first one."""
    from l2emg_ros.errors import RobotMapError
    from l2emg_ros.retarget.check import check
    from l2emg_ros.retarget.robot import list_robots, map_path

    error = ''
    for name in [args.robot] if args.robot else list_robots():
        robot, findings = check(name)
        path = map_path(name)
        if robot is None:
            title = f'{path}: does not load'
        else:
            legs = 'arms and legs' if robot.map.has_legs else 'arms'
            title = f'{robot.name}: {len(robot.joint_names)} joints, {legs} mapped'
        count = len(findings)
        print(f'{title}, {count or "no"} finding{"s" * (count > 1)}')
        for finding in findings:
            print(f'  {finding}')
        if findings:
            more = f' (and {count - 1} more)' if count > 1 else ''
            error = error or f'{path}: {findings[0]}{more}'
    if error:
        raise RobotMapError(error)
    return 0


def _init(args: argparse.Namespace) -> int:
    """Draft a map file."""
    from l2emg_ros.errors import BadRequest, RobotMapError
    from l2emg_ros.files import atomic_write
    from l2emg_ros.retarget import urdf
    from l2emg_ros.retarget.draft import draft

    if not args.robot:
        raise BadRequest('init needs a URDF: expected l2emg robots init my_robot.urdf')
    target = args.output or Path(_DEFAULT)
    if target.suffix not in ('.yaml', '.yml'):
        raise BadRequest(f'--output is {target}: expected a .yaml file')
    if target.exists() and not args.force:
        raise BadRequest(f'{target} exists: expected another --output, or --force to replace it')
    path = urdf.resolve(args.robot, Path())
    try:
        text = draft(path, target, args.name or '')
    except RobotMapError as error:
        # The file is named once, wherever the error comes from.
        raise RobotMapError(f'{path}: {str(error).removeprefix(f"{path} ")}') from None
    with atomic_write(target) as temporary:
        temporary.write_text(text, 'utf-8')
    doubts = text.count('# check:')
    print(f'{path.name} -> {target}: {doubts} lines to look at, marked "# check:"')
    print(f'next: l2emg robots check {target}')
    return 0
