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
"""Going back to an earlier version of an expert."""

from __future__ import annotations

from l2emg_ros.errors import BadRequest
from l2emg_ros.experts.registry import Registry


def rollback(registry: Registry, scenario: str, version: str = '') -> str:
    """Make an earlier version of a scenario's expert the active one.

    Args:
        registry: Where the experts are.
        scenario: The scenario whose expert is to change.
        version: The version wanted; empty for the one before the active.

    Returns:
        What is active now, as a sentence.

    Raises:
        BadRequest: There is no such scenario or version.
        ExpertIntegrityError: The files of the version differ from its manifest.
    """
    state = registry.active()
    current = {key: (value['name'], value['version']) for key, value in state['active'].items()}
    if scenario not in current:
        known = ', '.join(sorted(current)) or 'none'
        raise BadRequest(f'no active expert for scenario {scenario!r}: there are {known}')
    name, present = current[scenario]
    versions = [info.version for info in registry.list(scenario) if info.name == name]
    if not version:
        earlier = [item for item in versions if int(item) < int(present)]
        if not earlier:
            raise BadRequest(f'{name} version {present} is the first: there is none before it')
        version = max(earlier, key=int)
    elif version not in versions:
        raise BadRequest(f'{name} has versions {", ".join(versions)}: not {version!r}')
    router = registry.router()
    if router is None:
        raise BadRequest(f'{registry.folder} has no router: nothing can be activated')
    registry.activate({**current, scenario: (name, version)}, router, state['emotion_block'])
    return f'{name} is now at version {version}, was {present}: call reload_experts to use it'
