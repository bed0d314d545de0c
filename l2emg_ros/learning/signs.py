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
"""Signs of failing at lifelong learning, from what the log and the registry hold already.

An expert that nobody is sent to, one that everybody is sent to, emotions that are read worse after
an update, old requests that an update has sent elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from l2emg_ros.bench.continual import expert_load
from l2emg_ros.errors import L2EmgError
from l2emg_ros.experts.registry import Registry
from l2emg_ros.experts.state import chosen
from l2emg_ros.lifelong.interaction import Interaction

RECENT = 200
"""Requests over which the load of the experts is told."""
# Below so many for each expert nothing can be said about their load.
_FEWEST = 4
_UNEVEN, _MUCH = 0.7, 3.0


def signs(
    registry: Registry, interactions: Sequence[Interaction]
) -> tuple[dict[str, str], list[str]]:
    """Return figures by name, and the alarms that they give, in words.

    Args:
        registry: Holds the experts.
        interactions: What the log holds, the newest last.
    """
    values, alarms = _load(sorted(chosen(registry.active())), interactions)
    values.update(_last_update(registry))
    return values, alarms


def _load(
    scenarios: Sequence[str], interactions: Sequence[Interaction]
) -> tuple[dict[str, str], list[str]]:
    """Return how evenly the last requests used the experts."""
    served = Counter(item.scenario for item in interactions[-RECENT:])
    counts = [served[name] for name in scenarios]
    values = {'requests_of_experts': str(sum(counts)), 'requests_of_none': str(served[''])}
    if len(scenarios) < 2 or sum(counts) < _FEWEST * len(scenarios):
        return values, []
    effective, share, dead = expert_load(counts)
    values |= {
        'effective_experts': f'{effective:.2f}',
        'largest_share': f'{share:.2f}',
        'dead_experts': str(dead),
    }
    alarms = []
    # People ask more of one thing than of another: only both together are a sign.
    if effective < _UNEVEN and share > _MUCH / len(scenarios):
        most = scenarios[counts.index(max(counts))]
        alarms.append(f'{share:.0%} of the requests go to {most}, {dead} experts are dead')
    return values, alarms


def _last_update(registry: Registry) -> dict[str, str]:
    """Return what the gate said of emotions and of old requests at the last update."""
    newest = ''
    gate: dict[str, Any] = {}
    latest = -1.0
    for item in registry.list():
        if not item.active or item.created <= latest:
            continue
        try:
            found = registry.manifest(item.name, item.version).get('gate')
        except L2EmgError:
            continue
        # A version that shipped has passed no gate: it says so in words.
        if isinstance(found, dict) and found.get('checks'):
            newest, gate, latest = f'{item.name}@{item.version}', found, item.created
    checks = {str(check.get('name')): check for check in gate.get('checks', ())}
    values = {'last_update': newest} if newest else {}
    if 'readable' in checks:
        check = checks['readable']
        values['emotions_read_right'] = f'{check["before"]:.2f} -> {check["after"]:.2f}'
    if 'kept' in checks:
        values['old_requests'] = str(checks['kept']['said'])
    return values
