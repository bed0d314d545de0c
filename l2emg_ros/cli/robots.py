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
"""`l2emg robots`: the robots that are known, and a check of a map file."""

from __future__ import annotations

import argparse

HELP = 'List the known robots or check the map file of your own.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.epilog = 'example: l2emg robots list\n         l2emg robots check my_robot/map.yaml'
    parser.add_argument('action', choices=('list', 'check'))
    parser.add_argument('robot', nargs='?', help='check: name or map file; default: all known')


def run(args: argparse.Namespace) -> int:
    """Run one action."""
    from l2emg_ros.errors import BadRequest, RobotMapError
    from l2emg_ros.retarget import mapping
    from l2emg_ros.retarget.robot import list_robots, Robot

    if args.action == 'list':
        if args.robot:
            raise BadRequest(f'list takes no robot, got {args.robot!r}: use check')
        for name, path in list_robots().items():
            print(f'{name:<12}{mapping.load(path).description}')
        return 0
    for name in [args.robot] if args.robot else list_robots():
        robot = Robot.load(name)
        findings = robot.check()
        if findings:
            raise RobotMapError(f'{robot.map.path}: {"; ".join(findings)}')
        legs = 'arms and legs' if robot.map.has_legs else 'arms'
        print(f'{robot.name}: {len(robot.joint_names)} joints, {legs} mapped, no finding')
    return 0
