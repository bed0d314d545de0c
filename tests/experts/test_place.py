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
"""Where learned experts are: nothing is written before the first write, then a whole copy."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
import threading

from experts import small
import pytest

from l2emg_ros.errors import BadRequest, ExpertIntegrityError, ModelNotLoaded
from l2emg_ros.experts.place import own_folder, registry_for
from l2emg_ros.experts.registry import Registry
from l2emg_ros.files import write_json


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / 'model'
    small.registry(folder / 'experts')
    files = {f'{part}.safetensors': value for part, value in small.HASHES.items()}
    write_json(folder / 'model.json', {'format': 3, 'name': 'small', 'files': files})
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_the_first_write_makes_a_whole_copy(model: Path, tmp_path: Path) -> None:
    root, own = tmp_path / 'deep' / 'root', snapshot(model)
    found = registry_for(model, root)
    assert small.active(found) == {'ward': 'ward@2', 'stage': 'stage@1'}
    assert found.folder == model / 'experts'
    assert not root.exists()
    with found.writing():
        pass
    place = root / 'small-aaaaaaaa-cccccccc'
    assert found.folder == place
    assert snapshot(place) == snapshot(model / 'experts')
    assert small.add(found, 'ward', 9) == '3'
    small.activate(found, 5, ward='3')
    small.check(found)
    assert snapshot(model) == own
    assert small.active(registry_for(model, root))['ward'] == 'ward@3'
    assert found.model_folder == model


def test_without_a_root_it_is_the_model_s_own(model: Path) -> None:
    assert registry_for(model).folder == model / 'experts'


def test_a_registry_is_taken_as_it_is(model: Path, tmp_path: Path) -> None:
    small.registry(tmp_path / 'other')
    assert registry_for(model, tmp_path / 'other').folder == tmp_path / 'other'


def test_two_first_writers_make_one_copy(model: Path, tmp_path: Path) -> None:
    found: list[str] = []

    def write(seed: int) -> None:
        found.append(small.add(registry_for(model, tmp_path / 'root'), 'ward', seed))

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ['3', '4', '5', '6', '7', '8']
    assert len(list((tmp_path / 'root').iterdir())) == 1
    small.check(registry_for(model, tmp_path / 'root'))


def copy_slowly(model: str, root: str) -> None:
    """Begin the copy and stop in the middle of it."""
    from l2emg_ros.experts import place

    real, count = place.write_synced, 0

    def write(path: Path, data: bytes) -> None:
        nonlocal count
        count += 1
        if count == 5:
            os.kill(os.getpid(), 9)
        real(path, data)

    place.write_synced = write
    small.add(registry_for(model, Path(root)), 'ward', 1)


def test_a_copy_that_was_killed_is_made_again(model: Path, tmp_path: Path) -> None:
    root = tmp_path / 'root'
    context = multiprocessing.get_context('forkserver')
    victim = context.Process(target=copy_slowly, args=(str(model), str(root)))
    victim.start()
    victim.join()
    assert victim.exitcode == -9
    assert [path.name[:5] for path in root.iterdir()] == ['.tmp-']
    found = registry_for(model, root)
    assert found.folder == model / 'experts'
    small.add(found, 'ward', 9)
    small.check(found)
    assert [path.name for path in root.iterdir()] == ['small-aaaaaaaa-cccccccc']


def test_a_model_that_was_trained_on_has_another_place(model: Path, tmp_path: Path) -> None:
    root = tmp_path / 'root'
    small.add(registry_for(model, root), 'ward', 9)
    files = {f'{part}.safetensors': value for part, value in small.HASHES.items()}
    files['emotion.safetensors'] = 'd' * 64
    write_json(model / 'model.json', {'format': 3, 'name': 'small', 'files': files})
    assert registry_for(model, root).folder == model / 'experts'


def test_a_linked_installation_is_followed_once(model: Path, tmp_path: Path) -> None:
    # As `colcon build --symlink-install` does: folders are real, every file is a link.
    linked = tmp_path / 'linked'
    for path in model.rglob('*'):
        if path.is_file():
            target = linked / path.relative_to(model)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    assert own_folder(linked) == model / 'experts'
    small.check(registry_for(linked))
    small.add(registry_for(linked, tmp_path / 'root'), 'ward', 9)


def test_what_is_not_a_model_is_named(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotLoaded, match=r'expected model\.json'):
        registry_for(tmp_path, tmp_path / 'root')
    (model / 'model.json').write_text('{"name": "small", "files": 3}')
    with pytest.raises(ModelNotLoaded, match='not complete'):
        registry_for(model, tmp_path / 'root')
    (model / 'model.json').write_text('nonsense')
    with pytest.raises(ModelNotLoaded, match='damaged'):
        registry_for(model, tmp_path / 'root')


def test_a_place_that_cannot_be_made_is_one_clear_line(model: Path, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    found = registry_for(model, tmp_path / 'file' / 'root')
    small.check(found)
    with pytest.raises(BadRequest, match=r'cannot be written .*experts_path'):
        small.add(found, 'ward', 1)


def test_links_and_pipes_are_not_copied(model: Path, tmp_path: Path) -> None:
    secret = tmp_path / 'secret'
    secret.mkdir()
    link = model / 'experts' / 'ward' / '9'
    link.symlink_to(secret)
    with pytest.raises(ExpertIntegrityError, match='ward/9 is a symbolic link'):
        small.add(registry_for(model, tmp_path / 'root'), 'ward', 1)
    link.unlink()
    os.mkfifo(model / 'experts' / 'ward' / 'pipe')
    with pytest.raises(ExpertIntegrityError, match='pipe is not a regular file'):
        small.add(registry_for(model, tmp_path / 'root'), 'ward', 1)
    assert list((tmp_path / 'root').iterdir()) == []
    assert Registry(model / 'experts').versions('ward')
