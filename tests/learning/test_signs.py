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
from __future__ import annotations

from pathlib import Path

from experts import small
from learning import school

from l2emg_ros import resources
from l2emg_ros.experts.registry import Registry
from l2emg_ros.learning.signs import signs


def served(**counts: int) -> list:
    return [
        school.interaction(n, scenario=name if name != 'none' else '')
        for name, count in counts.items()
        for n in range(count)
    ]


def crowded(folder: Path) -> Registry:
    """Return a registry with six experts."""
    found = Registry(folder)
    names = [f'place{n}' for n in range(6)]
    for name in names:
        small.add(found, name)
    small.activate(found, **dict.fromkeys(names, '1'))
    return found


def test_even_load_is_no_alarm(tmp_path: Path) -> None:
    values, alarms = signs(crowded(tmp_path), served(**{f'place{n}': 5 for n in range(6)}, none=3))
    assert not alarms
    assert values['effective_experts'] == '1.00'
    assert values['largest_share'] == '0.17'
    assert values['dead_experts'] == '0'
    assert (values['requests_of_experts'], values['requests_of_none']) == ('30', '3')


def test_experts_that_collapse_are_told(tmp_path: Path) -> None:
    values, alarms = signs(crowded(tmp_path), served(place0=40, place1=2))
    assert values['dead_experts'] == '4'
    assert alarms == ['95% of the requests go to place0, 4 experts are dead']
    # Of a few requests nothing can be said.
    values, alarms = signs(crowded(tmp_path / 'other'), served(place0=20))
    assert 'dead_experts' not in values
    assert not alarms


def test_versions_that_shipped_had_no_gate() -> None:
    values, alarms = signs(Registry(resources.find('models/default') / 'experts'), [])
    assert 'last_update' not in values
    assert not alarms


def test_the_last_update_is_told(tmp_path: Path) -> None:
    found = small.registry(tmp_path)
    assert 'last_update' not in signs(found, [])[0]
    manifest = small.manifest('ward')
    checks = [
        {'name': 'readable', 'ok': True, 'before': 0.75, 'after': 0.7, 'said': 'x'},
        {'name': 'kept', 'ok': True, 'before': 0.0, 'after': 0.0, 'said': 'none goes elsewhere'},
    ]
    manifest['gate'] = {'verdict': 'passed', 'checks': checks}
    version = found.add(manifest, *small.tensors(4))
    small.activate(found, 3, ward=version)
    values, _ = signs(found, [])
    assert values['last_update'] == f'ward@{version}'
    assert values['emotions_read_right'] == '0.75 -> 0.70'
    assert values['old_requests'] == 'none goes elsewhere'
