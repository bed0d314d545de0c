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
"""`l2emg experts`: look into a registry of experts, go back, remove, carry one elsewhere."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l2emg_ros.experts.registry import Registry

HELP = 'List, show, verify, roll back, remove, export or import the experts of a registry.'
ACTIONS = {
    'list': 'every version of every expert',
    'show': 'the manifest of NAME[@VERSION]',
    'verify': 'every file against its hash, of NAME[@VERSION] or of all',
    'rollback': 'NAME goes back to the version that was active before, or to @VERSION',
    'remove': 'NAME@VERSION, or every version of NAME, from the disk',
    'collect': 'remove what is older than the last three active versions, or was refused',
    'export': 'NAME[@VERSION] into one file: -o FILE.zip',
    'import': 'FILE.zip as a new version',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.epilog = '\n'.join(
        [
            'actions:',
            *(f'  {name:<10}{text}' for name, text in ACTIONS.items()),
            '',
            'example: l2emg experts rollback reception --registry models/default/experts',
            '         l2emg experts export ward@2 -o ward.zip --registry DIR',
        ]
    )
    parser.add_argument('action', choices=tuple(ACTIONS), metavar='ACTION', help='see below')
    parser.add_argument('name', nargs='?', help='NAME[@VERSION] of an expert; import: a file')
    parser.add_argument(
        '--registry', type=Path, metavar='DIR', help='registry; default: of the shipped model'
    )
    parser.add_argument('-o', '--output', type=Path, metavar='FILE', help='export: file, .zip')
    parser.add_argument('--activate', action='store_true', help='import: and make it active')
    parser.add_argument(
        '--force',
        action='store_true',
        help='remove: also what is active, its scenario goes first; rollback: also to what the '
        'gate refused',
    )


def run(args: argparse.Namespace) -> int:
    """Run one action."""
    from l2emg_ros.errors import BadRequest

    for option, actions in (
        ('output', ('export',)),
        ('activate', ('import',)),
        ('force', ('remove', 'rollback')),
    ):
        if getattr(args, option) and args.action not in actions:
            wanted = ' and '.join(actions)
            raise BadRequest(f'--{option} is for {wanted}: not for {args.action}')
    needed = {'show', 'rollback', 'remove', 'export', 'import'}
    if args.action in needed and not args.name:
        what = 'FILE.zip' if args.action == 'import' else 'NAME'
        raise BadRequest(f'{args.action} what? expected l2emg experts {args.action} {what}')
    registry = _registry(args.registry)
    if args.action in ('list', 'collect'):
        if args.name:
            raise BadRequest(f'{args.action} takes no name: got {args.name!r}')
        return _list(registry) if args.action == 'list' else _collect(registry)
    if args.action == 'import':
        from l2emg_ros.experts import parcel

        print(parcel.take(registry, Path(args.name), activate=args.activate))
        return 0
    name, separator, version = (args.name or '').partition('@')
    if separator and not version:
        raise BadRequest(f'{args.name!r} has no version after @: expected NAME or NAME@VERSION')
    return _of_one(args, registry, name, version)


def _of_one(args: argparse.Namespace, registry: Registry, name: str, version: str) -> int:
    """Run an action on one expert, or on all where it has no name."""
    if args.action == 'verify':
        return _verify(registry, name, version)
    if args.action == 'show':
        print(json.dumps(registry.manifest(name, version), indent=2, ensure_ascii=False))
    elif args.action == 'export':
        _export(registry, name, version, args.output)
    else:
        from l2emg_ros.lifelong import rollback

        if args.action == 'remove':
            print(rollback.remove(registry, name, version, force=args.force))
        else:
            scenario = _scenario(registry, name)
            print(rollback.rollback(registry, scenario, version, force=args.force))
    return 0


def _registry(folder: Path | None) -> Registry:
    """Return the registry of a folder, or that of the shipped model."""
    from l2emg_ros import resources
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.experts.place import registry_for
    from l2emg_ros.experts.registry import Registry

    if folder is None:
        return registry_for(resources.find('models/default'))
    if not folder.is_dir():
        raise BadRequest(f'{folder} is not a folder: expected a registry of experts')
    inner = sorted(path.parent.name for path in folder.glob('*/active.json'))
    if inner and not (folder / 'active.json').exists():
        raise BadRequest(f'{folder} holds the registries {", ".join(inner)}: name one of them')
    return Registry(folder)


def _list(registry: Registry) -> int:
    print(f'{"expert":<16}{"version":<9}{"scenario":<16}{"rank":<6}{"active":<8}metrics')
    for info in registry.list():
        metrics = ', '.join(f'{key} {value:.3f}' for key, value in info.metrics.items())
        told = f'{info.name:<16}{info.version:<9}{info.scenario:<16}{info.rank:<6}'
        print(f'{told}{"yes" if info.active else "no":<8}{metrics}')
    return 0


def _collect(registry: Registry) -> int:
    print('removed ' + (', '.join(registry.collect()) or 'nothing: every version is of use'))
    return 0


def _verify(registry: Registry, name: str, version: str) -> int:
    """Verify one version, or every one and the router; go on to the end to name all damage."""
    from l2emg_ros.errors import ExpertIntegrityError, L2EmgError

    if name:
        version = registry.verify(name, version)['version']
        print(f'{name}@{version}: every file matches its manifest')
        return 0
    damaged = []
    for expert, number in registry.versions():
        try:
            registry.verify(expert, number)
            print(f'{expert}@{number}: every file matches its manifest')
        except L2EmgError as error:
            damaged.append(f'{expert}@{number}')
            print(f'{expert}@{number}: DAMAGED: {error}')
    registry.router()
    print('router: matches active.json')
    if damaged:
        raise ExpertIntegrityError(f'damaged in {registry.folder}: {", ".join(damaged)}')
    return 0


def _export(registry: Registry, name: str, version: str, output: Path | None) -> None:
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.experts import parcel, state

    if output is None:
        raise BadRequest('export where to? expected -o FILE.zip')
    if not version:
        # What a robot uses is what is meant, not what was tried last.
        active = dict(state.chosen(registry.active()).values())
        version = active.get(name, '')
    print(f'{parcel.export(registry, name, version, output)} -> {output}')


def _scenario(registry: Registry, name: str) -> str:
    """Return the scenario that an expert is active for; names and scenarios are often the same."""
    from l2emg_ros.experts import state

    chosen = state.chosen(registry.active())
    if name in chosen:
        return name
    return next((key for key, (expert, _) in chosen.items() if expert == name), name)
