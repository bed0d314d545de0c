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
"""A registry that somebody has tampered with: refused, named, nothing executed, nothing hung."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
from pathlib import Path
import pickle
import random
import shutil
import struct

from experts import small
import numpy as np
import pytest
from safetensors.numpy import save

from l2emg_ros.errors import BadRequest, ExpertIntegrityError, L2EmgError
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.experts import state
from l2emg_ros.experts.reading import digest
from l2emg_ros.experts.registry import Registry
from l2emg_ros.files import read_json, write_json

FILES = ('adapter_config.json', 'adapter_model.safetensors', 'slots.safetensors', 'probe.json')
NAMES = [
    '../ward',
    '/etc',
    '..',
    '.',
    '',
    'ward/../stage',
    'ward\0',
    'ward\n',
    'Ward',
    'w',
    'wärd',
    'ward\u202e',
    'x' * 65,
    'x' * 100_000,
    '.history',
]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    found = Registry(tmp_path / 'experts')
    small.add(found, 'ward', 1, probe={'texts': ['wave', 'bow']})
    small.add(found, 'stage', 2)
    small.activate(found, 1, ward='1', stage='1')
    small.add(found, 'ward', 3, probe={'texts': ['wave']})
    small.activate(found, 2, ward='2')
    return found


def reseal(folder: Path) -> None:
    """Make a manifest fit its files again, as somebody who knows the format would."""
    manifest = read_json(folder / 'manifest.json')
    for file in manifest['sha256']:
        manifest['sha256'][file] = digest((folder / file).read_bytes())
    write_json(folder / 'manifest.json', manifests.sealed(manifest))


def refusal(action: Callable[[], object]) -> str:
    """Return the one line that an action is refused with."""
    with pytest.raises((ExpertIntegrityError, BadRequest)) as caught:
        action()
    words = str(caught.value)
    assert '\n' not in words
    assert len(words) < 600
    return words


def test_any_byte_of_any_file_of_a_version(registry: Registry) -> None:
    chance = random.Random(1)
    folder = registry.folder / 'ward' / '2'
    whole = registry.load('ward', '2')
    for file in FILES:
        good = (folder / file).read_bytes()
        for _ in range(60):
            data = bytearray(good)
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            (folder / file).write_bytes(bytes(data))
            assert f'ward/2/{file}' in refusal(lambda: registry.load('ward', '2'))
        (folder / file).write_bytes(good[: len(good) // 2])
        assert f'ward/2/{file}' in refusal(lambda: registry.verify('ward', '2'))
        (folder / file).write_bytes(good)
    path = folder / 'manifest.json'
    good, refused = path.read_bytes(), 0
    for _ in range(300):
        data = bytearray(good)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(data))
        try:
            assert registry.load('ward', '2')[0] == whole[0]
        except L2EmgError as error:
            refused += str(path) in str(error)
            continue
        # One kind of white space for another: it says the same.
        assert json.loads(data) == json.loads(good)
    assert refused > 250
    path.write_bytes(good)
    registry.verify('ward', '2')


def why_not(registry: Registry) -> str | None:
    """Return why what is active does not load, or None where it does."""
    try:
        present = registry.active()
        registry.router(present)
        for name, version in state.chosen(present).values():
            registry.load(name, version)
    except L2EmgError as error:
        return str(error)
    return None


def test_any_byte_of_what_is_active(registry: Registry) -> None:
    chance, path = random.Random(2), registry.folder / 'active.json'
    good = path.read_bytes()
    versions = set(registry.versions())
    for _ in range(400):
        data = bytearray(good)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(data))
        if (refused := why_not(registry)) is None:
            assert set(state.chosen(registry.active()).values()) <= versions
        else:
            assert str(registry.folder) in refused
    path.write_bytes(good)
    (router,) = (p for p in registry.folder.glob('router-*') if p.name in good.decode())
    data = bytearray(router.read_bytes())
    data[len(data) // 3] ^= 4
    router.write_bytes(bytes(data))
    assert router.name in refusal(registry.router)


def test_swapped_files_and_experts(registry: Registry) -> None:
    ward, stage = registry.folder / 'ward', registry.folder / 'stage'
    for file in FILES[1:3]:
        shutil.copytree(ward, registry.folder / 'kept')
        for a, b in ((ward / '1' / file, ward / '2' / file), (ward / '1', stage / '1')):
            a.rename(ward / 'aside')
            b.rename(a)
            (ward / 'aside').rename(b)
        assert 'ward/1' in refusal(lambda: registry.load('ward', '1'))
        assert 'stage/1' in refusal(lambda: registry.load('stage', '1'))
        (ward / '1').rename(ward / 'aside')
        (stage / '1').rename(ward / '1')
        (ward / 'aside').rename(stage / '1')
        shutil.rmtree(ward)
        (registry.folder / 'kept').rename(ward)
    shutil.copy(stage / '1' / FILES[1], ward / '2' / FILES[1])
    assert 'ward/2/adapter_model' in refusal(lambda: registry.load('ward', '2'))


@pytest.mark.parametrize('schema', [0, 1, 99, None, '2', [], True, 10**30])
def test_manifests_of_another_schema(registry: Registry, schema: object) -> None:
    path = registry.folder / 'ward' / '2' / 'manifest.json'
    manifest = read_json(path)
    write_json(path, {**manifest, 'schema': schema})
    assert 'ward/2/manifest.json has schema' in refusal(lambda: registry.load('ward', '2'))
    assert [i.version for i in registry.list('ward')] == ['1']


@pytest.mark.parametrize('schema', [0, 99, None, '1', [], True])
def test_states_of_another_schema(registry: Registry, schema: object) -> None:
    path = registry.folder / 'active.json'
    write_json(path, {**read_json(path), 'schema': schema})
    for action in (
        registry.active,
        registry.list,
        registry.router,
        registry.collect,
        lambda: small.activate(registry, 1, ward='1'),
    ):
        assert 'active.json has schema' in refusal(action)


@pytest.mark.parametrize('name', NAMES, ids=lambda name: ascii(name)[:20])
def test_names_lead_nowhere_else(registry: Registry, name: str) -> None:
    for action in (
        lambda: registry.load(name, '1'),
        lambda: registry.newest(name),
        lambda: registry.remove(name, '1'),
        lambda: registry.add({**small.manifest('ward'), 'name': name}, *small.tensors()),
    ):
        assert 'expert name' in refusal(action)
    path = registry.folder / 'active.json'
    present = read_json(path)
    present['active']['ward']['name'] = name
    path.write_text(json.dumps(present))
    assert 'active.json is damaged: expert name' in refusal(registry.active)
    folder = registry.folder / 'ward' / '1'
    described = {**read_json(folder / 'manifest.json'), 'name': name}
    (folder / 'manifest.json').write_text(json.dumps(manifests.sealed(described)))
    assert 'ward/1/manifest.json is damaged' in refusal(lambda: registry.load('ward', '1'))


@pytest.mark.parametrize(
    'version', ['../1', '0', '01', '-1', '1.0', '\u0661', '²', '1\0', '9' * 30, ' 1', '1/.', 'x']
)
def test_versions_lead_nowhere_else(registry: Registry, version: str) -> None:
    assert 'expert version' in refusal(lambda: registry.load('ward', version))
    assert 'expert version' in refusal(lambda: registry.remove('ward', version))
    path = registry.folder / 'active.json'
    present = read_json(path)
    present['active']['ward']['previous'] = [{'name': 'ward', 'version': version}]
    path.write_text(json.dumps(present))
    assert 'active.json is damaged: expert version' in refusal(registry.active)


@pytest.mark.parametrize(
    'file', ['../../secret.json', '/etc/passwd', 'manifest.json', 'x.pkl', 'a/b.json', '.json']
)
def test_manifests_name_no_other_files(registry: Registry, file: str) -> None:
    folder = registry.folder / 'ward' / '2'
    manifest = read_json(folder / 'manifest.json')
    manifest['sha256'][file] = '0' * 64
    write_json(folder / 'manifest.json', manifests.sealed(manifest))
    assert 'sha256 names the file' in refusal(lambda: registry.load('ward', '2'))


@pytest.mark.parametrize('file', ['../router.safetensors', '/etc/passwd', 'router-x.safetensors'])
def test_states_name_no_other_router(registry: Registry, file: str) -> None:
    path = registry.folder / 'active.json'
    present = read_json(path)
    present['router']['file'] = file
    write_json(path, present)
    assert 'active.json is damaged' in refusal(registry.router)


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize('file', FILES[1:3])
def test_pickles_are_never_opened(registry: Registry, tmp_path: Path, file: str) -> None:
    folder, mark = registry.folder / 'ward' / '2', tmp_path / 'executed'
    hostile = pickle.dumps(Hostile(mark))
    (folder / file).write_bytes(hostile)
    assert file in refusal(lambda: registry.load('ward', '2'))
    # Even where the hashes fit.
    reseal(folder)
    words = refusal(lambda: registry.load('ward', '2'))
    assert f'ward/2/{file} is not a readable safetensors file' in words
    assert not mark.exists()
    # The trap is real.
    pickle.loads(hostile)
    assert mark.exists()


@pytest.mark.parametrize(
    'data',
    [
        struct.pack('<Q', 2**63) + b'{}',
        struct.pack('<Q', 99_000_000) + b'{}',
        struct.pack('<Q', 2) + b'{',
        struct.pack('<Q', 100_000) + b'[' * 100_000,
        b'',
        bytes(8),
        save({'layers.0.q_proj.lora_A.weight': np.zeros((2, 6), np.float16)})[:-3],
    ],
)
def test_headers_of_safetensors(registry: Registry, data: bytes) -> None:
    folder = registry.folder / 'ward' / '2'
    (folder / FILES[1]).write_bytes(data)
    reseal(folder)
    assert FILES[1] in refusal(lambda: registry.load('ward', '2'))


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda t: {**t, 'layers.0.q_proj.lora_A.weight': np.full((2, 6), np.nan)}, 'not finite'),
        (lambda t: {**t, 'layers.0.v_proj.lora_B.weight': np.full((6, 2), np.inf)}, 'not finite'),
        (lambda t: {**t, 'layers.0.q_proj.lora_A.weight': np.zeros((3, 6))}, 'expected rank 2'),
        (lambda t: {**t, 'layers.0.q_proj.lora_A.weight': np.zeros(6)}, 'expected rank 2'),
        (lambda t: {**t, 'layers.0.q_proj.lora_A.weight': np.zeros((2, 6), int)}, 'floating'),
        (lambda t: {**t, 'layers.0.q_proj.lora_A.weight': np.zeros((2, 6), bool)}, 'floating'),
        (lambda t: {**t, 'layers.9.q_proj.lora_A.weight': np.zeros((2, 6))}, 'not expected'),
        (lambda t: {k: v for k, v in t.items() if 'v_proj.lora_B' not in k}, 'is missing'),
        (lambda t: {}, 'is missing'),
    ],
)
def test_tensors_that_do_not_fit(
    registry: Registry, change: Callable[[dict[str, np.ndarray]], dict], words: str
) -> None:
    adapter, slots = small.tensors(1)
    changed = change(adapter)
    # Neither stored ...
    assert words in refusal(lambda: registry.add(small.manifest('ward'), changed, slots))
    # ... nor loaded where somebody else has stored them.
    folder = registry.folder / 'ward' / '2'
    (folder / FILES[1]).write_bytes(save({f'base_model.model.{k}': v for k, v in changed.items()}))
    reseal(folder)
    assert words in (found := refusal(lambda: registry.load('ward', '2')))
    assert 'ward/2' in found
    assert registry.versions('ward') == [('ward', '1'), ('ward', '2')]


def test_slots_that_are_not_finite(registry: Registry) -> None:
    adapter, slots = small.tensors(1)
    slots['queries'] = np.full((2, 6), np.inf, np.float16)
    words = refusal(lambda: registry.add(small.manifest('ward'), adapter, slots))
    assert 'queries holds numbers that are not finite' in words


@pytest.mark.parametrize(
    'text',
    [
        '[' * 200_000,
        '{"a":' * 100_000,
        '[]',
        'null',
        '3',
        '',
        '{',
        '\x00',
        '{"schema": 1, "active": {"ward": {}, "ward": {}}, "router": null}',
        '{"schema": 1, "active": {"ward": 3}, "router": null}',
        '{"schema": 1, "active": [], "router": null}',
        '{"schema": 1, "active": {"": {"name": "ward", "version": "1"}}, "router": null}',
        '{"schema": 1, "active": {}, "router": 3}',
        '{"schema": 1, "active": {}}',
        '{"schema": ' + '1' * 10_000 + '}',
        '{"schema": 1, "active": {"ward": {"name": "ward", "version": 1}}, "router": null}',
        '{"schema": 1, "active": {"w": {"name": "ward", "version": "1", "previous": 3}}}',
    ],
    ids=range(17),
)
def test_json_that_is_something_else(registry: Registry, text: str) -> None:
    (registry.folder / 'active.json').write_text(text)
    assert 'active.json' in refusal(registry.active)
    (registry.folder / 'ward' / '1' / 'manifest.json').write_text(text)
    assert 'ward/1/manifest.json' in refusal(lambda: registry.manifest('ward', '1'))


def test_a_scenario_twice_or_without_an_expert(registry: Registry) -> None:
    path = registry.folder / 'active.json'
    present = read_json(path)
    for scenarios, words in (
        (['ward', 'ward'], 'names a scenario twice'),
        (['ward', 'moon'], "knows 'moon', which has no expert"),
    ):
        present['router']['scenarios'] = scenarios
        write_json(path, present)
        assert words in refusal(registry.active)


def test_files_that_are_not_text_or_too_large(registry: Registry) -> None:
    path = registry.folder / 'active.json'
    path.write_bytes(b'\xff\xfe{}')
    assert 'active.json' in refusal(registry.active)
    with path.open('wb') as file:
        file.truncate(1 << 40)
    assert 'active.json is larger than 4 MiB' in refusal(registry.active)
    path = registry.folder / 'ward' / '1' / FILES[1]
    with path.open('wb') as file:
        file.truncate(1 << 40)
    assert 'is larger than 256 MiB' in refusal(lambda: registry.load('ward', '1'))


def test_links_out_of_the_registry(registry: Registry, tmp_path: Path) -> None:
    outside = tmp_path / 'outside'
    shutil.copytree(registry.folder, outside)
    ward = registry.folder / 'ward'
    # A file, a version and a whole expert.
    for file in (*FILES, 'manifest.json'):
        path = ward / '2' / file
        path.unlink()
        path.symlink_to(outside / 'ward' / '2' / file)
        words = refusal(lambda: registry.load('ward', '2'))
        assert f'{file} is or lies behind a symbolic link' in words
        path.unlink()
        shutil.copy(outside / 'ward' / '2' / file, path)
    registry.verify('ward', '2')
    shutil.rmtree(ward / '2')
    (ward / '2').symlink_to(outside / 'ward' / '2')
    assert 'ward/2/manifest.json' in refusal(lambda: registry.load('ward', '2'))
    shutil.rmtree(ward)
    ward.symlink_to(outside / 'ward')
    assert 'ward/2/manifest.json' in refusal(lambda: registry.load('ward', '2'))
    assert 'is not a folder: nothing is written there' in refusal(
        lambda: small.add(registry, 'ward')
    )
    assert Registry(outside).versions('ward') == [('ward', '1'), ('ward', '2')]
    active = registry.folder / 'active.json'
    active.unlink()
    active.symlink_to(outside / 'active.json')
    assert 'active.json is or lies behind a symbolic link' in refusal(registry.active)


def test_a_history_that_leads_elsewhere_is_not_written(registry: Registry, tmp_path: Path) -> None:
    history, outside = registry.folder / '.history', tmp_path / 'outside'
    outside.mkdir()
    shutil.rmtree(history)
    history.symlink_to(outside)
    before = registry.active()
    words = refusal(lambda: small.activate(registry, 5, stage=small.add(registry, 'stage')))
    assert '.history is not a folder: nothing is written there' in words
    assert registry.active() == before
    assert list(outside.iterdir()) == []


def test_removing_a_link_leaves_what_it_points_at(registry: Registry, tmp_path: Path) -> None:
    precious = tmp_path / 'precious'
    precious.mkdir()
    (precious / 'file').write_text('x')
    (registry.folder / 'ward' / '7').symlink_to(precious)
    (registry.folder / '.tmp-left').symlink_to(precious)
    os.utime(registry.folder / 'ward' / '7', (1e9, 1e9), follow_symlinks=False)
    assert registry.collect() == ['ward@7']
    assert (precious / 'file').read_text() == 'x'
    assert not (registry.folder / '.tmp-left').is_symlink()
    small.check(registry)


def test_pipes_do_not_hang(registry: Registry) -> None:
    for path in (
        registry.folder / 'ward' / '2' / FILES[1],
        registry.folder / 'ward' / '2' / 'manifest.json',
        registry.folder / 'active.json',
    ):
        path.unlink()
        os.mkfifo(path)
    assert 'active.json is not a regular file' in refusal(registry.active)
    assert 'manifest.json is not a regular file' in refusal(lambda: registry.load('ward', '2'))


def test_a_damaged_version_does_not_hide_the_others(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    (registry.folder / 'ward' / '1' / 'manifest.json').write_text('{')
    assert [(i.name, i.version) for i in registry.list()] == [('stage', '1'), ('ward', '2')]
    assert 'ward/1/manifest.json' in caplog.text
