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
"""`l2emg experts`: look into a registry of experts."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = 'List, show or verify the experts of a registry.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.epilog = 'example: l2emg experts show reception --registry models/default/experts'
    parser.add_argument('action', choices=('list', 'show', 'verify'))
    parser.add_argument(
        'name', nargs='?', help='expert, or NAME@VERSION; verify without it checks all'
    )
    parser.add_argument(
        '--registry', type=Path, help='registry folder; default: of the shipped model'
    )


def run(args: argparse.Namespace) -> int:
    """Run one action."""
    from l2emg_ros import resources
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.experts.registry import Registry

    folder = args.registry or resources.find('models/default') / 'experts'
    if not folder.is_dir():
        raise BadRequest(f'{folder} is not a folder: expected a registry of experts')
    registry = Registry(folder)
    name, _, version = (args.name or '').partition('@')
    if args.action == 'show':
        if not name:
            raise BadRequest('which expert? expected a name: l2emg experts show NAME')
        print(json.dumps(registry.manifest(name, version), indent=2))
    elif args.action == 'list':
        print(f'{"expert":<16}{"version":<9}{"scenario":<16}{"rank":<6}{"active":<8}metrics')
        for info in registry.list():
            metrics = ', '.join(f'{key} {value:.3f}' for key, value in info.metrics.items())
            told = f'{info.name:<16}{info.version:<9}{info.scenario:<16}{info.rank:<6}'
            print(f'{told}{"yes" if info.active else "no":<8}{metrics}')
    else:
        listed = [(i.name, i.version) for i in registry.list()] if not name else [(name, version)]
        for expert, number in listed:
            registry.verify(expert, number)
            print(f'{expert}@{number or registry.newest(expert)}: every file matches its manifest')
        registry.router()
        print('router: matches active.json')
    return 0
