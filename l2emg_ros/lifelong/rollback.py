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
"""Going back to an earlier version of an expert, and parting with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2emg_ros.errors import BadRequest
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.experts import state
from l2emg_ros.experts.registry import Registry


def rollback(registry: Registry, scenario: str, version: str = '', *, force: bool = False) -> str:
    """Make an earlier version of a scenario's expert the active one.

    Going back again goes back further; before the first version, the scenario is taken out and
    its requests are served without an expert. Naming a version brings it back. Router statistics
    return with the versions where nothing else has changed since.

    Args:
        registry: Where the experts are.
        scenario: The scenario whose expert is to change.
        version: The version wanted; empty for the one that was active before.
        force: Take one that the gate refused, too.

    Returns:
        What is active now, as a sentence.

    Raises:
        BadRequest: There is no such scenario or version, or the gate refused it.
        ExpertIntegrityError: The files of the version differ from its manifest.
    """
    with registry.writing():
        present = registry.active()
        entry = present['active'].get(scenario)
        if entry is None:
            return _bring_back(registry, present, scenario, version, force)
        chosen, name = state.chosen(present), entry['name']
        if version:
            target = (name, version)
            versions = [number for _, number in registry.versions(name)]
            if version not in versions:
                raise BadRequest(f'{name} has versions {", ".join(versions)}: not {version!r}')
        elif stack := state.stack_of(entry):
            target = _before(registry, stack, entry)
        else:
            first = f'{name}@{entry["version"]} was the first'
            return f'{first}: {take_out(registry, scenario)}'
        if target == chosen[scenario]:
            return f'{name} is at version {version} already'
        if version and not force:
            _check_verdict(registry, *target)
        registry.restore({**chosen, scenario: target})
        return f'{target[0]} is now at version {target[1]}, was {entry["version"]}'


def take_out(registry: Registry, scenario: str) -> str:
    """Leave a scenario without an expert; its versions stay and can be brought back.

    Returns:
        What was done, as a sentence.

    Raises:
        BadRequest: The scenario has no active expert.
    """
    with registry.writing():
        chosen = state.chosen(registry.active())
        if scenario not in chosen:
            raise _unknown(scenario, chosen)
        del chosen[scenario]
        registry.restore(chosen)
        return f'{scenario} is taken out, its requests are served without an expert'


def remove(registry: Registry, name: str, version: str = '', *, force: bool = False) -> str:
    """Remove a version of an expert from the disk, or all of them.

    Args:
        registry: Where the experts are.
        name: The expert.
        version: The version; empty for every one.
        force: Take the scenario out first where the version is active.

    Returns:
        What was removed, as a sentence.

    Raises:
        BadRequest: There is none, or it is active and not forced.
    """
    with registry.writing():
        wanted = [(name, version)] if version else registry.versions(name)
        if not wanted or wanted[0] not in registry.versions(name):
            # Says which experts and versions there are.
            registry.manifest(name, version)
        for scenario, active in state.chosen(registry.active()).items():
            if active not in wanted:
                continue
            if not force:
                raise BadRequest(
                    f'{name}@{active[1]} is active for {scenario!r}: roll it back, or force it'
                )
            take_out(registry, scenario)
        for each, number in wanted:
            registry.remove(each, number)
    return 'removed ' + ', '.join(f'{each}@{number}' for each, number in wanted)


def _before(
    registry: Registry, stack: list[dict[str, str]], entry: Mapping[str, Any]
) -> tuple[str, str]:
    """Return the latest version of a stack that is still there."""
    for item in reversed(stack):
        if (item['name'], item['version']) in registry.versions(item['name']):
            return item['name'], item['version']
    raise BadRequest(
        f'the versions before {entry["name"]}@{entry["version"]} have been removed: '
        'name the version to go to'
    )


def _check_verdict(registry: Registry, name: str, version: str) -> None:
    """Refuse a version that the gate refused: naming one is no way around it."""
    if manifests.refused(registry.manifest(name, version)):
        raise BadRequest(
            f'the gate refused {name}@{version}: `l2emg experts show {name}@{version}` says why, '
            '`l2emg experts rollback --force` takes it nevertheless'
        )


def _bring_back(
    registry: Registry, present: Mapping[str, Any], scenario: str, version: str, force: bool
) -> str:
    """Make a version active again whose scenario has been taken out."""
    chosen = state.chosen(present)
    names = (
        past[scenario]
        for before in registry.history()
        if scenario in (past := state.chosen(before))
    )
    target = next(names, None)
    if not version or target is None:
        raise _unknown(scenario, chosen)
    if not force:
        _check_verdict(registry, target[0], version)
    registry.restore({**chosen, scenario: (target[0], version)})
    return f'{target[0]} is now at version {version}, {scenario} had no expert'


def _unknown(scenario: str, chosen: Mapping[str, Any]) -> BadRequest:
    known = ', '.join(sorted(chosen)) or 'none'
    return BadRequest(f'no active expert for scenario {scenario!r}: there are {known}')
