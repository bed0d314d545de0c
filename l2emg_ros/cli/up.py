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
"""`l2emg up`: the nodes without ros2 launch, started and stopped together."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import signal

from l2emg_ros.processes import ARGUMENTS

HELP = 'start the nodes, bring them to active, stop them together'
# Optional words that are launch arguments too.
SHARED = ('robot', 'model_path', 'experts_path', 'device', 'namespace', 'log_level')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    for name in SHARED:
        argument = ARGUMENTS[name]
        choices: Sequence[str] | None = argument.choices or None
        option = '--' + name.replace('_', '-')
        parser.add_argument(option, default=argument.default, choices=choices, help=argument.help)
    parser.add_argument('--sim', action='store_true', help='also start the MuJoCo simulator')
    parser.add_argument(
        '--hri', action='store_true', help='also start the bridge to ROS4HRI (needs hri_msgs)'
    )
    parser.add_argument(
        '--params-file', type=Path, metavar='FILE', help=ARGUMENTS['params_file'].help
    )
    parser.add_argument(
        '--timeout', type=float, default=120.0, metavar='S', help='to become active'
    )
    parser.epilog = 'example: l2emg up --robot g1 --sim'


def run(args: argparse.Namespace) -> int:
    """Run the graph until Ctrl-C or SIGTERM."""
    from l2emg_ros.nodes.graph import Graph
    from l2emg_ros.retarget.robot import Robot

    Robot.load(args.robot)
    if args.params_file is not None:
        args.params_file.open().close()
    # Started in the background of a script it would inherit that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Graph(
            args.robot,
            sim=args.sim,
            hri=args.hri,
            files=[args.params_file] if args.params_file is not None else [],
            namespace=args.namespace,
            log_level=args.log_level,
            model_path=args.model_path,
            experts_path=args.experts_path,
            device=args.device,
        ) as graph:
            graph.wait_active(args.timeout)
            print('active: ' + ', '.join(node.executable for node in graph.nodes), flush=True)
            graph.wait()
    except KeyboardInterrupt:
        return 0
    return 0
