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
"""What ``active.json`` says: which versions are active, and with which router statistics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import re
from typing import Any

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts.manifest import check_name, check_scenario, check_version
from l2emg_ros.experts.reading import MAX_JSON, parse, read

SCHEMA = 1
ACTIVE = 'active.json'
_ROUTER = re.compile(r'router-[0-9a-f]{12}\.safetensors')
_SHA256 = re.compile(r'[0-9a-f]{64}')

Chosen = dict[str, tuple[str, str]]
"""Scenario to the name and the version of its expert."""


def empty() -> dict[str, Any]:
    """Return the state of a registry in which nothing is active."""
    return {'schema': SCHEMA, 'active': {}, 'router': None}


def load(root: Path, *parts: str) -> dict[str, Any]:
    """Read a state.

    Args:
        root: Folder of the registry.
        parts: Path of the file below it.

    Raises:
        FileNotFoundError: There is none.
        ExpertIntegrityError: It is damaged or of another schema.
    """
    path = root.joinpath(*parts)
    value = parse(read(root, *parts, limit=MAX_JSON), path)
    if value.get('schema') != SCHEMA or value['schema'] is True:
        raise ExpertIntegrityError(
            f'{path} has schema {value.get("schema")!r:.60}: expected {SCHEMA}'
        )
    try:
        for scenario, entry in value['active'].items():
            check_scenario(scenario)
            for item in (entry, *entry.get('previous', ())):
                check_name(item['name'])
                check_version(item['version'])
        _check_router(value['router'], value['active'])
    except (BadRequest, ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error) if isinstance(error, BadRequest | ValueError) else repr(error)
        raise ExpertIntegrityError(f'{path} is damaged: {why}') from None
    return value


def _check_router(entry: Any, active: Mapping[str, Any]) -> None:
    """Check what a state says of the router.

    Raises:
        ValueError: It is not well formed, or knows a scenario that has no expert.
    """
    if entry is None:
        return
    if not _ROUTER.fullmatch(entry['file']) or not _SHA256.fullmatch(entry['sha256']):
        raise ValueError('the router has no proper file name or hash')
    scenarios = entry['scenarios']
    if len(set(scenarios)) != len(scenarios):
        raise ValueError('the router names a scenario twice')
    if unknown := sorted(set(scenarios) - set(active)):
        raise ValueError(f'the router knows {unknown[0]!r}, which has no expert')


def chosen(state: Mapping[str, Any]) -> Chosen:
    """Return the expert name and version of every scenario of a state."""
    return {key: (entry['name'], entry['version']) for key, entry in state['active'].items()}


def entries(present: Mapping[str, Any], wanted: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the entries of a new state; each keeps a stack of what was active before it.

    Going back to something on the stack takes off what lies above it, so that going back twice
    goes back two versions.

    Args:
        present: The state before.
        wanted: Scenario to expert name and version.
    """
    result = {}
    for scenario, (name, version) in wanted.items():
        entry, before = {'name': name, 'version': version}, present['active'].get(scenario)
        if before is not None and (before['name'], before['version']) == (name, version):
            result[scenario] = dict(before)
            continue
        stack = [] if before is None else [*stack_of(before), _bare(before)]
        if entry in stack:
            stack = stack[: stack.index(entry)]
        result[scenario] = {**entry, 'previous': stack}
    return result


def stack_of(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what was active before an entry, the latest last.

    Registries from before there was a stack counted versions up, one after the other.
    """
    if 'previous' in entry:
        return [_bare(item) for item in entry['previous']]
    numbers = range(1, min(int(entry['version']), 1000))
    return [{'name': entry['name'], 'version': str(number)} for number in numbers]


def _bare(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return name and version alone."""
    return {'name': entry['name'], 'version': entry['version']}
