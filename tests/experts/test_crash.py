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
"""A registry after `kill -9` at random moments, and with a full disk at every single step."""

from __future__ import annotations

from collections.abc import Callable
import multiprocessing
from pathlib import Path
import random
import shutil
import time

from experts import small
import pytest

from l2emg_ros.errors import L2EmgError
from l2emg_ros.experts.place import registry_for
from l2emg_ros.experts.registry import Registry
from l2emg_ros.files import write_json
from l2emg_ros.lifelong.rollback import remove, rollback

KILLS = 32


def churn(folder: str, seed: int) -> None:
    """Add, activate, roll back, remove and collect, for ever."""
    found, chance = Registry(folder), random.Random(seed)
    for number in range(1_000_000):
        name = chance.choice(('ward', 'stage'))
        version = small.add(found, name, number, probe={'n': number})
        small.activate(found, number, **{name: version})
        step = chance.randrange(4)
        if step == 0:
            rollback(found, name, found.versions(name)[0][1])
        elif step == 1:
            rollback(found, name)
        elif step == 2:
            found.collect(keep=2, age=0.0)
        else:
            remove(found, name, force=True)


def test_killed_at_any_moment_it_loads(tmp_path: Path) -> None:
    found = small.registry(tmp_path / 'experts')
    # A server that has imported everything forks each victim in milliseconds.
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['experts.small', 'l2emg_ros.lifelong.rollback'])
    chance, numbers, previous = random.Random(7), set(), 0
    for kill in range(KILLS):
        victim = context.Process(target=churn, args=(str(found.folder), kill), daemon=True)
        before = (found.folder / 'active.json').stat().st_mtime_ns
        victim.start()
        deadline = time.monotonic() + 20.0
        while (found.folder / 'active.json').stat().st_mtime_ns == before:
            assert time.monotonic() < deadline, 'the victim never wrote'
            assert victim.is_alive()
        # Random moments are the point here: nothing is waited for.
        time.sleep(chance.random() * 0.05)
        victim.kill()
        victim.join()
        assert victim.exitcode == -9
        small.check(found)
        numbers.add(tuple(found.versions()))
        highest = max(found._last(name) for name in ('ward', 'stage'))
        assert highest >= previous
        previous = highest
    assert len(numbers) > KILLS // 2, 'the victims did nothing'
    found.collect(keep=1, age=0.0)
    assert not list(found.folder.rglob('.tmp-*'))
    # Of each expert the one in use, and one that was never made active.
    assert len(found.versions()) <= 4
    assert len(list(found.folder.glob('router-*'))) <= 4
    size = sum(path.stat().st_size for path in found.folder.rglob('*') if path.is_file())
    assert size < 1 << 20
    # And it goes on from there.
    small.activate(found, 0, ward=small.add(found, 'ward'))
    small.check(found)


@pytest.mark.parametrize(
    ('action', 'least'),
    [
        (lambda found: small.add(found, 'ward', 5, probe={'n': 1}), 15),
        (lambda found: small.add(found, 'fresh', 5), 15),
        (lambda found: small.activate(found, 5, ward='1'), 20),
        (lambda found: rollback(found, 'ward'), 15),
        (lambda found: rollback(rolled(found), 'ward'), 15),
        (lambda found: remove(found, 'ward', force=True), 25),
        (lambda found: found.collect(keep=1, age=0.0), 10),
    ],
    ids=['add', 'add the first', 'activate', 'rollback', 'take out', 'remove', 'collect'],
)
def test_a_full_disk_at_any_step(
    tmp_path: Path, action: Callable[[Registry], object], least: int
) -> None:
    before = small.registry(tmp_path / 'before')
    for steps in range(1, 400):
        shutil.rmtree(tmp_path / 'experts', ignore_errors=True)
        shutil.copytree(before.folder, tmp_path / 'experts')
        found, failed = Registry(tmp_path / 'experts'), None
        with pytest.MonkeyPatch.context() as patch:
            disk = small.FullDisk(patch, steps)
            try:
                action(found)
            except (OSError, L2EmgError) as error:
                failed = error
        small.check(found)
        if disk.left > 0:
            assert failed is None
            break
        # With room again, the same works, and nothing is left over.
        small.activate(found, 7, ward=small.add(found, 'ward', 6))
        small.check(found)
        found.collect(keep=3, age=0.0)
        assert not list(found.folder.rglob('.tmp-*'))
    assert least < steps < 399


def test_a_full_disk_at_any_step_of_making_a_place(tmp_path: Path) -> None:
    model, root = tmp_path / 'model', tmp_path / 'root'
    small.registry(model / 'experts')
    files = {f'{part}.safetensors': value for part, value in small.HASHES.items()}
    write_json(model / 'model.json', {'name': 'small', 'files': files})
    # Every file is copied by the same few steps: a third of them meets each kind.
    for steps in range(1, 400, 3):
        shutil.rmtree(root, ignore_errors=True)
        found, failed = registry_for(model, root), None
        with pytest.MonkeyPatch.context() as patch:
            disk = small.FullDisk(patch, steps)
            try:
                small.add(found, 'ward', 5)
            except (OSError, L2EmgError) as error:
                failed = error
        small.check(registry_for(model, root))
        if disk.left > 0:
            assert failed is None
            break
        small.add(found, 'ward', 6)
        assert found.folder.parent == root
        assert len(list(root.iterdir())) == 1
        small.check(found)
    assert 40 < steps < 399


def rolled(found: Registry) -> Registry:
    if small.active(found)['ward'] == 'ward@2':
        rollback(found, 'ward')
    return found


def test_a_half_written_version_is_not_visible(tmp_path: Path) -> None:
    found = small.registry(tmp_path / 'experts')
    staging = found.folder / 'ward' / '.tmp-half'
    shutil.copytree(found.folder / 'ward' / '1', staging)
    (staging / 'slots.safetensors').unlink()
    assert found.versions('ward') == [('ward', '1'), ('ward', '2')]
    assert small.add(found, 'ward', 4) == '3'
    small.check(found)
    small.activate(found, 3, ward='3')
    assert not staging.exists()
