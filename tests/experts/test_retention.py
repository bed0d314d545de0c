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
"""What a registry keeps of its past: rollback, taking out, removal, collection."""

from __future__ import annotations

import os
from pathlib import Path
import threading
import time
from typing import Any

from experts import small
import numpy as np
import pytest

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts import state
from l2emg_ros.experts.registry import Registry
from l2emg_ros.lifelong.rollback import remove, rollback, take_out


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return small.registry(tmp_path / 'experts')


def routers(registry: Registry) -> list[str]:
    return sorted(path.name for path in registry.folder.glob('router-*'))


def test_going_back_restores_the_statistics_of_then(registry: Registry) -> None:
    now = registry.active()
    (before,) = registry.history()
    assert rollback(registry, 'ward') == 'ward is now at version 1, was 2'
    present = registry.active()
    assert small.active(registry) == {'ward': 'ward@1', 'stage': 'stage@1'}
    assert present['router'] == before['router'] != now['router']
    # And forward again.
    rollback(registry, 'ward', '2')
    assert registry.active()['router'] == now['router']


def test_statistics_stay_where_something_else_has_changed_since(registry: Registry) -> None:
    small.add(registry, 'stage', 9)
    small.activate(registry, 3, stage='2')
    now = registry.active()['router']
    rollback(registry, 'ward')
    assert small.active(registry) == {'ward': 'ward@1', 'stage': 'stage@2'}
    assert registry.active()['router'] == now
    rollback(registry, 'stage')
    assert small.active(registry) == {'ward': 'ward@1', 'stage': 'stage@1'}
    assert registry.active()['router'] == now


def test_going_back_again_goes_back_further_and_never_to_what_was_left(
    registry: Registry,
) -> None:
    rollback(registry, 'ward')
    third = small.add(registry, 'ward', 5)
    small.activate(registry, 4, ward=third)
    rollback(registry, 'ward')
    assert small.active(registry)['ward'] == 'ward@1'
    words = rollback(registry, 'ward')
    assert words.startswith('ward@1 was the first: ward is taken out')
    assert small.active(registry) == {'stage': 'stage@1'}
    assert registry.router().scenarios == ['stage']
    with pytest.raises(BadRequest, match="no active expert for scenario 'ward'"):
        rollback(registry, 'ward')
    # By its number it comes back, with what was known of its texts.
    assert rollback(registry, 'ward', '2') == 'ward is now at version 2, ward had no expert'
    assert set(registry.router().scenarios) == {'stage', 'ward'}
    small.check(registry)


def test_without_any_scenario_there_is_no_router(registry: Registry) -> None:
    take_out(registry, 'ward')
    take_out(registry, 'stage')
    assert registry.active()['active'] == {}
    assert registry.router() is None
    rollback(registry, 'stage', '1')
    small.check(registry)
    assert small.active(registry) == {'stage': 'stage@1'}


def test_a_registry_from_before_there_was_a_stack(registry: Registry) -> None:
    from l2emg_ros.files import write_json

    old = registry.active()
    for entry in old['active'].values():
        del entry['previous']
    write_json(registry.folder / 'active.json', old)
    rollback(registry, 'ward')
    assert small.active(registry)['ward'] == 'ward@1'
    assert 'taken out' in rollback(registry, 'ward')


def test_a_damaged_target_is_refused_and_nothing_changes(registry: Registry) -> None:
    before = (registry.folder / 'active.json').read_bytes()
    path = registry.folder / 'ward' / '1' / 'slots.safetensors'
    path.write_bytes(path.read_bytes()[:-1] + b'x')
    with pytest.raises(ExpertIntegrityError, match=r'ward/1/slots\.safetensors'):
        rollback(registry, 'ward')
    assert (registry.folder / 'active.json').read_bytes() == before


def test_versions_in_between_may_be_gone(registry: Registry) -> None:
    for seed in (5, 6):
        small.activate(registry, seed, ward=small.add(registry, 'ward', seed))
    registry.remove('ward', '3')
    assert rollback(registry, 'ward') == 'ward is now at version 2, was 4'
    registry.remove('ward', '1')
    with pytest.raises(BadRequest, match='before ward@2 have been removed'):
        rollback(registry, 'ward')


def test_a_rollback_takes_at_most_100_ms(tmp_path: Path) -> None:
    # Of the size of the shipped experts: 42 layers of rank 8, and a router of eight scenarios.
    made = Registry(tmp_path / 'experts')
    layers = [f'layers.{n}.proj' for n in range(42)]
    for version in range(2):
        adapter = {}
        for layer in layers:
            adapter[f'{layer}.lora_A.weight'] = np.full((8, 400), version, np.float16)
            adapter[f'{layer}.lora_B.weight'] = np.full((400, 8), version, np.float16)
        described = {**small.manifest('ward'), 'rank': 8, 'target_modules': layers}
        made.add(described, adapter, {'queries': np.zeros((4, 256), np.float16)})
        names = ('ward', *(f'other_{n}' for n in range(7)))
        for name in names[1:] if not version else ():
            small.add(made, name)
        chosen = {name: (name, '1') for name in names}
        chosen['ward'] = ('ward', str(version + 1))
        made.activate(chosen, small.router(names, version), 'c' * 64)
    spent = []
    for _ in range(5):
        for wanted in ('1', '2'):
            begun = time.perf_counter()
            rollback(made, 'ward', wanted)
            spent.append(time.perf_counter() - begun)
    assert sorted(spent)[len(spent) // 2] < 0.1
    assert small.active(made)['ward'] == 'ward@2'


def test_a_version_is_removed_and_its_number_is_not_given_again(registry: Registry) -> None:
    small.add(registry, 'ward', 7)
    assert remove(registry, 'ward', '3') == 'removed ward@3'
    assert registry.versions('ward') == [('ward', '1'), ('ward', '2')]
    assert small.add(registry, 'ward', 8) == '4'
    with pytest.raises(BadRequest, match="no expert 'ward' version '3'"):
        remove(registry, 'ward', '3')
    with pytest.raises(BadRequest, match='unknown expert'):
        remove(registry, 'moon')


def test_what_is_active_is_removed_by_force_only(registry: Registry) -> None:
    for version in ('2', ''):
        with pytest.raises(BadRequest, match=r"ward@2 is active for 'ward'"):
            remove(registry, 'ward', version)
    with pytest.raises(BadRequest, match='active'):
        registry.remove('ward', '2')
    small.check(registry)
    assert remove(registry, 'ward', force=True) == 'removed ward@1, ward@2'
    assert small.active(registry) == {'stage': 'stage@1'}
    assert registry.versions() == [('stage', '1')]
    assert small.add(registry, 'ward', 8) == '3'


def test_collection_keeps_the_last_three_the_active_and_the_young(registry: Registry) -> None:
    for seed in range(5):
        version = small.add(registry, 'ward', seed + 10)
        small.activate(registry, seed + 10, ward=version)
    rollback(registry, 'ward', '3')
    refused = {**small.manifest('ward'), 'gate': {'verdict': 'refused', 'checks': []}}
    never = registry.add(refused, *small.tensors(98))
    waiting = small.add(registry, 'ward', 99)
    for name, version in registry.versions():
        os.utime(registry.folder / name / version, (1e9, 1e9))
    young = small.add(registry, 'ward', 100)
    (registry.folder / 'ward' / '.tmp-left').mkdir()
    (registry.folder / '.tmp-file').write_bytes(b'left')
    (registry.folder / 'router-0123456789ab.safetensors').write_bytes(b'left')
    removed = registry.collect()
    # Active is 3, the two active before it 7 and 6; one was refused, one nobody has tried yet.
    kept = [version for _, version in registry.versions('ward')]
    assert kept == ['3', '6', '7', waiting, young]
    assert removed == ['ward@1', 'ward@2', 'ward@4', 'ward@5', f'ward@{never}']
    assert not list(registry.folder.rglob('.tmp-*'))
    named = {past['router']['file'] for past in (registry.active(), *registry.history())}
    assert set(routers(registry)) == named
    small.check(registry)
    assert registry.collect() == []
    with pytest.raises(BadRequest, match='keep is 0'):
        registry.collect(keep=0)


def test_what_the_gate_refused_is_not_brought_back(registry: Registry) -> None:
    refused = {**small.manifest('ward'), 'gate': {'verdict': 'refused', 'checks': []}}
    version = registry.add(refused, *small.tensors(5))
    with pytest.raises(BadRequest, match='the gate refused ward@3'):
        rollback(registry, 'ward', version)
    take_out(registry, 'ward')
    with pytest.raises(BadRequest, match='the gate refused ward@3'):
        rollback(registry, 'ward', version)
    assert small.active(registry) == {'stage': 'stage@1'}
    assert 'ward is now at version 3' in rollback(registry, 'ward', version, force=True)


def test_a_damaged_active_file_lets_nothing_be_collected(registry: Registry) -> None:
    os.utime(registry.folder / 'ward' / '1', (1e9, 1e9))
    (registry.folder / 'active.json').write_text('{')
    with pytest.raises(ExpertIntegrityError, match=r'active\.json'):
        registry.collect(keep=1)
    (registry.folder / 'active.json').unlink()
    assert registry.collect(keep=1, age=0.0) == []
    assert registry.versions('ward') == [('ward', '1'), ('ward', '2')]


def test_a_version_of_another_emotion_block_does_not_come_back(registry: Registry) -> None:
    described = {**small.manifest('ward'), 'hashes': {**small.HASHES, 'emotion': 'd' * 64}}
    version = registry.add(described, *small.tensors(4))
    before = (registry.folder / 'active.json').read_bytes()
    with pytest.raises(ExpertIntegrityError, match='ward@3 was trained on another emotion block'):
        rollback(registry, 'ward', version)
    assert (registry.folder / 'active.json').read_bytes() == before


def test_the_past_stays_small_whatever_is_done(registry: Registry) -> None:
    for number in range(30):
        small.activate(registry, number, ward='12'[number % 2])
    assert len(registry.history()) <= 3
    assert len(routers(registry)) <= 4
    assert len(registry.active()['active']['ward']['previous']) <= 1


def test_further_files_are_verified_like_the_rest(registry: Registry) -> None:
    version = small.add(registry, 'ward', 5, probe={'texts': ['wave']}, golden=b'{"a": 1}')
    assert registry.extra('ward', version, 'probe.json') == {'texts': ['wave']}
    assert registry.extra('ward', version, 'golden.json') == {'a': 1}
    assert registry.extra('ward', '1', 'probe.json') is None
    path = registry.folder / 'ward' / version / 'probe.json'
    path.write_text('{"texts": ["hit"]}')
    with pytest.raises(ExpertIntegrityError, match=r'probe\.json'):
        registry.load('ward', version)
    for name, value in (('../x', {}), ('manifest', {}), ('adapter_config', {}), ('p', b'[')):
        with pytest.raises(BadRequest, match='expected'):
            small.add(registry, 'ward', 5, **{name: value})
    assert registry.newest('ward') == version


def test_router_statistics_that_go_between_two_reads_are_read_anew(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Registry(registry.folder)
    real, late = reader.active, []

    def active() -> dict[str, Any]:
        present = real()
        if not late:
            late.append(present['router']['file'])
            for seed in range(20, 23):
                small.activate(registry, seed, ward='2')
            assert not (registry.folder / late[0]).exists()
        return present

    monkeypatch.setattr(reader, 'active', active)
    assert sorted(reader.router().scenarios) == ['stage', 'ward']


def test_writers_take_turns(registry: Registry) -> None:
    found: list[str] = []

    def write(seed: int) -> None:
        # A registry of its own, as another process would have.
        mine = Registry(registry.folder)
        for n in range(5):
            found.append(small.add(mine, 'ward', seed * 10 + n))
            with mine.writing():
                small.activate(mine, seed, ward=found[-1])

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, found)) == list(range(3, 23))
    small.check(registry)


def test_a_writer_that_does_not_finish_is_not_waited_for_for_ever(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('l2emg_ros.experts.lock._PATIENCE', 0.05)
    with registry.writing():
        with registry.writing():
            pass
        with pytest.raises(BadRequest, match='being written by another process'):
            small.add(Registry(registry.folder), 'ward')
        # Readers never wait.
        small.check(Registry(registry.folder))
    assert small.add(Registry(registry.folder), 'ward') == '3'


def test_manifests_read_as_they_were_written(registry: Registry) -> None:
    described = {**small.manifest('ward'), 'data': {10: 'ten', 2: ('two', float('nan'))}}
    version = registry.add(described, *small.tensors())
    assert registry.load('ward', version)[0]['data']['10'] == 'ten'


def test_a_folder_that_cannot_be_written_is_one_clear_line(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, 'access', lambda *_: False)
    with pytest.raises(BadRequest, match=r'cannot be written .*experts_path'):
        rollback(registry, 'ward')
    monkeypatch.undo()
    (registry.folder.parent / 'file').write_text('')
    with pytest.raises(BadRequest, match=r'cannot be written .*experts_path'):
        small.add(Registry(registry.folder.parent / 'file' / 'experts'), 'ward')


def test_versions_of_another_scenario_are_not_activated(registry: Registry) -> None:
    chosen = {**state.chosen(registry.active()), 'ward': ('stage', '1')}
    with pytest.raises(ExpertIntegrityError, match="expert of 'stage': expected one of 'ward'"):
        registry.activate(chosen, small.router(('ward', 'stage')), 'c' * 64)
    with pytest.raises(BadRequest, match="the router knows 'ward', which has no expert"):
        registry.activate({'stage': ('stage', '1')}, small.router(('ward', 'stage')), 'c' * 64)
    assert small.active(registry) == {'ward': 'ward@2', 'stage': 'stage@1'}
