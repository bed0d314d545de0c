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
"""An expert carried from one robot to another, and archives that are something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import random
import stat
import zipfile

from experts import small
import numpy as np
import pytest
from safetensors.numpy import load, save

from l2emg_ros.errors import BadRequest, ExpertIntegrityError, L2EmgError
from l2emg_ros.experts import parcel
from l2emg_ros.experts.registry import Registry
from l2emg_ros.lifelong.rollback import remove, rollback


@pytest.fixture
def source(tmp_path: Path) -> Registry:
    return small.registry(tmp_path / 'source')


@pytest.fixture
def target(tmp_path: Path) -> Registry:
    """Return a registry of another robot with the same model: it knows another scenario."""
    found = Registry(tmp_path / 'target')
    small.add(found, 'home', 4)
    small.activate(found, 8, home='1')
    return found


@pytest.fixture
def archive(source: Registry, tmp_path: Path) -> Path:
    small.activate(source, 6, ward=small.add(source, 'ward', 6, probe={'texts': ['wave']}))
    path = tmp_path / 'ward.zip'
    assert parcel.export(source, 'ward', '3', path) == 'ward@3'
    return path


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    with zipfile.ZipFile(archive) as before:
        files = {name: before.read(name) for name in before.namelist()}
    change(files)
    path = archive.with_name('changed.zip')
    with zipfile.ZipFile(path, 'w') as after:
        for name, data in files.items():
            after.writestr(zipfile.ZipInfo(name), data)
    return path


def sealed(files: dict[str, bytes]) -> None:
    """Make the table of hashes fit again."""
    import json

    from l2emg_ros.experts.reading import digest

    table = {name: digest(data) for name, data in files.items() if name != 'parcel.json'}
    files['parcel.json'] = json.dumps({'schema': 1, 'sha256': table}).encode()


def test_an_expert_arrives_as_it_left_and_is_known_by_its_texts(
    source: Registry, target: Registry, archive: Path
) -> None:
    words = parcel.take(target, archive, activate=True)
    assert words == 'ward@1 is added and active for ward'
    for before, after in zip(source.load('ward', '3')[1:], target.load('ward')[1:], strict=True):
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[name], after[name]) for name in before)
    manifest = target.manifest('ward')
    assert manifest['imported'] == {'version': '3', 'from': 'ward.zip'}
    assert target.extra('ward', '1', 'probe.json') == {'texts': ['wave']}
    router, theirs = target.router(), source.router()
    assert set(router.scenarios) == {'home', 'ward'}
    for name in ('lexical', 'sums', 'sizes'):
        one = router.row('ward').state()[name]
        np.testing.assert_array_equal(one, theirs.row('ward').state()[name])
    small.check(target)
    assert 'taken out' in rollback(target, 'ward')
    assert small.active(target) == {'home': 'home@1'}


def test_without_activation_nothing_else_changes(target: Registry, archive: Path) -> None:
    before = target.active()
    assert parcel.take(target, archive) == 'ward@1 is added for ward, not active'
    assert target.active() == before
    # It came from another registry: numbers go on here.
    assert parcel.take(target, archive).startswith('ward@2')


def test_a_scenario_that_is_known_gets_the_texts_of_the_version_that_comes(
    source: Registry, archive: Path
) -> None:
    before = source.router()
    remove(source, 'ward', '1')
    assert parcel.take(source, archive, activate=True).startswith('ward@4')
    assert sorted(source.router().scenarios) == ['stage', 'ward']
    np.testing.assert_allclose(
        source.router().row('ward').state()['sums'], before.row('ward').state()['sums']
    )
    small.check(source)


def test_what_the_gate_refused_is_not_made_active(
    source: Registry, target: Registry, tmp_path: Path
) -> None:
    described = {**small.manifest('ward'), 'gate': {'verdict': 'refused', 'checks': []}}
    version = source.add(described, *small.tensors(4))
    path = tmp_path / 'refused.zip'
    parcel.export(source, 'ward', version, path)
    with pytest.raises(BadRequest, match=r'refused\.zip holds an expert that the gate refused'):
        parcel.take(target, path, activate=True)
    assert target.versions() == [('home', '1')]
    assert 'not active' in parcel.take(target, path)


def test_an_expert_of_other_sizes_is_refused(
    source: Registry, target: Registry, tmp_path: Path
) -> None:
    adapter, slots = small.tensors(4)
    key = next(name for name in adapter if '.lora_A.' in name)
    wider = {**adapter, key: np.concatenate([adapter[key], adapter[key]], axis=1)}
    version = source.add(small.manifest('ward'), wider, slots)
    parcel.export(source, 'ward', version, tmp_path / 'wide.zip')
    with pytest.raises(ExpertIntegrityError, match=r'wide\.zip: .* expected .* those of home'):
        parcel.take(target, tmp_path / 'wide.zip')
    assert target.versions() == [('home', '1')]


@pytest.mark.parametrize(
    ('name', 'factor'), [('scatter', -1.0), ('lexical', -1.0), ('scales', 0.0)]
)
def test_statistics_that_no_texts_have_are_refused(
    target: Registry, archive: Path, name: str, factor: float
) -> None:
    """The first request that is routed would fail, and with it every request."""

    def spoil(files: dict[str, bytes]) -> None:
        rows = dict(load(files['router.safetensors']))
        rows[name] = rows[name] * np.float32(factor)
        files['router.safetensors'] = save(rows)
        sealed(files)

    with pytest.raises(ExpertIntegrityError, match='router statistics'):
        parcel.take(target, rewritten(archive, spoil), activate=True)
    assert target.versions() == [('home', '1')]


def test_the_same_export_twice_is_the_same_file(
    source: Registry, archive: Path, tmp_path: Path
) -> None:
    parcel.export(source, 'ward', '3', tmp_path / 'again.zip')
    assert (tmp_path / 'again.zip').read_bytes() == archive.read_bytes()


def test_an_expert_of_another_model_is_refused(
    target: Registry, source: Registry, tmp_path: Path
) -> None:
    for part in ('base', 'tokenizer', 'emotion'):
        hashes = {**small.HASHES, part: 'f' * 64}
        described = {**small.manifest('ward'), 'hashes': hashes}
        version = source.add(described, *small.tensors(4))
        parcel.export(source, 'ward', version, tmp_path / 'other.zip')
        with pytest.raises(ExpertIntegrityError, match=rf'other\.zip .* another {part}'):
            parcel.take(target, tmp_path / 'other.zip')
    parcel.export(source, 'ward', '1', tmp_path / 'ward.zip')
    with pytest.raises(BadRequest, match='nothing says which model'):
        parcel.take(Registry(tmp_path / 'empty'), tmp_path / 'ward.zip')
    assert target.versions() == [('home', '1')]


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda f: f.update({'../evil.json': b'{}'}), r'\.\./evil\.json'),
        (lambda f: f.update({'/etc/evil.json': b'{}'}), 'evil'),
        (lambda f: f.update({'ward/1/manifest.json': b'{}'}), 'not a file of an expert'),
        (lambda f: f.update({'evil.pkl': b'x'}), r'evil\.pkl'),
        (lambda f: f.update({'Probe.json': b'{}'}), r'Probe\.json'),
        (lambda f: f.update({'a\u200b.json': b'{}'}), 'not a file of an expert'),
        (lambda f: f.update({'more.json': b'{}'}), r'more\.json is missing or not expected'),
        (lambda f: (f.update({'more.json': b'{}'}), sealed(f)), r'more\.json is not in both'),
        (lambda f: f.pop('parcel.json'), r'no parcel\.json'),
        (lambda f: f.pop('slots.safetensors'), r'slots\.safetensors is missing'),
        (lambda f: (f.pop('manifest.json'), sealed(f)), r'manifest\.json is missing'),
        (lambda f: f.update({'router.safetensors': b'x'}), r'router\.safetensors differs'),
        (lambda f: (f.update({'router.safetensors': b'x'}), sealed(f)), 'router'),
        (lambda f: (f.update({'slots.safetensors': b'x'}), sealed(f)), 'slots'),
        (lambda f: f.update({'parcel.json': b'{"schema": 99}'}), 'schema 99'),
        (lambda f: f.update({'parcel.json': b'{"schema": 1, "sha256": 3}'}), 'no hashes'),
        (lambda f: f.update({'parcel.json': b'[' * 100_000}), 'nested too deeply'),
        (lambda f: f.update({f'n{n}.json': b'{}' for n in range(80)}), 'more than an expert'),
        (lambda f: f.update({'big.json': b' ' * (5 << 20)}), r'big\.json is larger than 4 MiB'),
    ],
)
def test_what_is_no_export_is_refused(
    target: Registry, archive: Path, change: Callable[[dict[str, bytes]], object], words: str
) -> None:
    changed = rewritten(archive, change)
    with pytest.raises((BadRequest, ExpertIntegrityError), match=rf'changed\.zip.*{words}'):
        parcel.take(target, changed, activate=True)
    assert target.versions() == [('home', '1')]
    assert not list(target.folder.rglob('evil*'))


def test_links_bombs_and_doubles_are_refused(target: Registry, tmp_path: Path) -> None:
    path = tmp_path / 'evil.zip'
    link = zipfile.ZipInfo('manifest.json')
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(link, '/etc/passwd')
    with pytest.raises(BadRequest, match=r'manifest\.json is a link'):
        parcel.take(target, path)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('parcel.json', b'{}')
        with pytest.warns(UserWarning, match='Duplicate'):
            archive.writestr('parcel.json', b'[]')
    with pytest.raises(BadRequest, match=r'parcel\.json twice'):
        parcel.take(target, path)
    # Says that it is small, and is not.
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('parcel.json', b' ' * (64 << 20))
    data = bytearray(path.read_bytes())
    directory = data.index(b'PK\x01\x02')
    data[directory + 24 : directory + 28] = (10).to_bytes(4, 'little')
    path.write_bytes(bytes(data))
    with pytest.raises(BadRequest, match=r'evil\.zip'):
        parcel.take(target, path)
    for content in (b'', b'PK', b'not a zip', bytes(100), b'\x80\x04\x95cos\nsystem\n.'):
        path.write_bytes(content)
        with pytest.raises(BadRequest, match=r'evil\.zip is not a readable archive'):
            parcel.take(target, path)
    with pytest.raises(BadRequest, match='is a folder'):
        parcel.take(target, tmp_path)
    with pytest.raises(FileNotFoundError):
        parcel.take(target, tmp_path / 'none.zip')


def refusal(archive: Path) -> str | None:
    try:
        parcel.open_parcel(archive)
    except L2EmgError as error:
        return str(error)
    return None


def test_any_byte_of_an_archive_may_be_wrong(target: Registry, archive: Path) -> None:
    good, chance = archive.read_bytes(), random.Random(3)
    expected = parcel.open_parcel(archive)
    refused = 0
    for _ in range(300):
        data = bytearray(good)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        archive.write_bytes(bytes(data[: chance.choice((len(data), len(data), -40))]))
        why = refusal(archive)
        if why is None:
            # A time stamp or an attribute of the archive: the content is what it was.
            assert parcel.open_parcel(archive).manifest == expected.manifest
        else:
            assert str(archive) in why
            assert '\n' not in why
            refused += 1
    assert refused > 200
    assert target.versions() == [('home', '1')]


def test_exports_go_to_zip_files(source: Registry, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r'ends in \.zip'):
        parcel.export(source, 'ward', '', tmp_path / 'ward.tar')
    with pytest.raises(BadRequest, match='unknown expert'):
        parcel.export(source, 'moon', '', tmp_path / 'moon.zip')
    assert list(tmp_path.glob('*.zip')) == []
