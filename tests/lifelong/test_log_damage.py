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

import os
from pathlib import Path
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from typing import Any

from lifelong.interactions import bytes_of, interaction, record
import numpy as np
import pytest

from l2emg_ros.errors import BadRequest, LogError
from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.index import Index
from l2emg_ros.lifelong.log import InteractionLog

WRITER = """
import sys
from lifelong.interactions import interaction, record
from l2emg_ros.lifelong.log import InteractionLog

log = InteractionLog(sys.argv[1], writer=True)
print('ready', flush=True)
for number in range(100_000):
    item = interaction(f'm{number}', text=f'text {number}', outcome=None)
    identifier = log.add(item, [record(f'text {number}')])
    print('+' + identifier, flush=True)
    if number % 4 == 3:
        print('?' + identifier, flush=True)
        log.erase(id=identifier)
        print('-' + identifier, flush=True)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    tests = str(Path(__file__).resolve().parents[1])
    environment = os.environ | {'PYTHONPATH': tests}
    command = [sys.executable, '-c', WRITER, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_nothing_that_was_acknowledged_is_lost_when_the_writer_is_killed(folder: Path) -> None:
    rng = random.Random()
    stored: set[str] = set()
    erased: set[str] = set()
    doubtful: set[str] = set()
    for _ in range(6):
        process = start(folder)
        assert process.stdout is not None
        assert process.stdout.readline() == 'ready\n'
        lines = [process.stdout.readline() for _ in range(rng.randrange(1, 12))]
        time.sleep(rng.uniform(0.0, 0.02))
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait()
        for line in (line.strip() for line in lines if line.endswith('\n')):
            {'+': stored, '-': erased, '?': doubtful}[line[0]].add(line[1:])
        with InteractionLog(folder) as log:
            found = {item.id: item for item in log.interactions()}
            assert stored - doubtful <= set(found), 'an acknowledged interaction is lost'
            assert not erased & set(found)
            for identifier, item in found.items():
                (message,) = recording.read(log.recording(identifier))
                assert item.text.encode() in message.data
    assert len(stored) > 5
    with InteractionLog(folder, writer=True) as log:
        names = {f'{item.id}.mcap' for item in log.interactions()}
        assert {path.name for path in (folder / 'interactions').iterdir()} == names


def test_a_reader_beside_a_writer_of_another_process(folder: Path) -> None:
    process = start(folder)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == 'ready\n'
        counts = []
        with InteractionLog(folder) as reader:
            while len(counts) < 20 or counts[-1] < 10:
                counts.append(len(reader.interactions()))
                assert len(counts) < 100_000
                if len(counts) == 10:
                    reader.erase(session='nobody')
        assert max(counts) >= 10
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


class Full(OSError):
    """The disk is full."""

    def __init__(self) -> None:
        super().__init__(28, 'No space left on device', 'somewhere')


@pytest.mark.parametrize(
    'step',
    [
        'l2emg_ros.lifelong.recording.write',
        'os.fsync',
        'os.replace',
        'l2emg_ros.files.sync_folder',
        'l2emg_ros.lifelong.log.sha256',
        'l2emg_ros.lifelong.index.Index._add',
        'l2emg_ros.lifelong.index.Index._commit',
    ],
)
def test_a_full_disk_at_any_step_loses_nothing(
    folder: Path, log: InteractionLog, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What was stored before stays, nothing half is left, and later it works again."""
    kept = log.add(interaction('before'), [record()])

    def fail(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError('disk is full') if 'Index' in step else Full()

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises((OSError, LogError), match=r'full|No space'):
            log.add(interaction('lost'), [record()])
    assert [item.id for item in log.interactions()] == [kept]
    assert len(list((folder / 'interactions').iterdir())) == 1
    after = log.add(interaction('after'), [record()])
    log.close()
    with InteractionLog(folder, writer=True) as again:
        assert [item.id for item in again.interactions()] == [kept, after]
        assert all(again.recording(identifier) for identifier in (kept, after))


def test_a_database_that_cannot_grow(folder: Path, log: InteractionLog) -> None:
    kept = log.add(interaction('before'), [record()])
    connection = log._index._connection
    pages = connection.execute('PRAGMA page_count').fetchone()[0]
    connection.execute(f'PRAGMA max_page_count={pages}')
    with pytest.raises(LogError, match='database or disk is full'):
        log.add(interaction('lost', tokens=np.zeros((9000, 2))), [record()])
    connection.execute('PRAGMA max_page_count=100000')
    after = log.add(interaction('after'), [record()])
    assert [item.id for item in log.interactions()] == [kept, after]
    assert len(list((folder / 'interactions').iterdir())) == 2


def test_files_that_cannot_grow(folder: Path) -> None:
    """The kernel refuses to write on, at every length at which it can."""

    def limit(size: int) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))

    with InteractionLog(folder, writer=True) as log:
        kept = [log.add(interaction('before'), [record()])]
    refused = 0
    for size in range(1000, 80_000, 4000):
        with InteractionLog(folder, writer=True) as log:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
            limit(size)
            try:
                kept.append(log.add(interaction(f'at {size}'), [record('x' * 3000)]))
            except (OSError, LogError):
                refused += 1
            finally:
                limit(before)
            assert [item.id for item in log.interactions()] == kept
    assert len(kept) > 1
    assert refused > 1
    with InteractionLog(folder, writer=True) as log:
        assert all(log.recording(identifier) for identifier in kept)
        assert len(list((folder / 'interactions').iterdir())) == len(kept)


def test_a_crash_while_erasing_is_made_good(
    folder: Path, log: InteractionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ('unlink', 'scrub'):
        log.add(interaction(name, text=f'secret {name}'), [record(f'secret {name}')])
    with monkeypatch.context() as patch:
        patch.setattr(Path, 'unlink', lambda *_, **__: (_ for _ in ()).throw(Full()))
        with pytest.raises(OSError, match='No space'):
            log.erase(everything=True)
    assert log.interactions() == []
    assert b'secret unlink' in bytes_of(folder)
    log.close()
    with InteractionLog(folder) as eraser:
        assert eraser.erase(everything=True) == 0
    assert b'secret' not in bytes_of(folder)


def test_what_is_not_a_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogError, match='no log of interactions in'):
        InteractionLog(tmp_path / 'nowhere')
    assert not (tmp_path / 'nowhere').exists()
    file = tmp_path / 'feedback.jsonl'
    file.touch()
    with pytest.raises(LogError, match=r'feedback.jsonl is a file: expected the folder'):
        InteractionLog(file, writer=True)
    with pytest.raises(OSError, match='nowhere'):
        InteractionLog('/proc/nowhere/log', writer=True)


@pytest.mark.parametrize(
    ('damage', 'words'),
    [
        (b'not a database', 'not a database'),
        (b'', 'is empty'),
        ('PRAGMA user_version=2', 'made by a newer l2emg_ros'),
        ('PRAGMA application_id=7', 'a database of something else'),
        ("UPDATE interactions SET emotion='{'", 'row .* is damaged'),
        ("UPDATE interactions SET tokens=x'010203'", 'row .* is damaged'),
        ('DROP TABLE outcomes', 'no such table'),
    ],
)
def test_a_damaged_index_is_named(folder: Path, damage: str | bytes, words: str) -> None:
    with InteractionLog(folder, writer=True) as log:
        log.add(interaction(), [record()])
    path = folder / 'index.sqlite'
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        connection = sqlite3.connect(path)
        connection.execute(damage)
        connection.commit()
        connection.close()
    with (
        pytest.raises(LogError, match=f'index.sqlite.*{words}'),
        InteractionLog(folder) as log,
    ):
        log.interactions()


def test_torn_pages_are_found_before_anything_is_recorded(folder: Path) -> None:
    with InteractionLog(folder, writer=True) as log:
        for number in range(40):
            log.add(interaction(f'm{number}'), [record()])
    path = folder / 'index.sqlite'
    content = path.read_bytes()
    for page in range(1, len(content) // 4096):
        torn = content[: page * 4096] + os.urandom(4096) + content[(page + 1) * 4096 :]
        path.write_bytes(torn)
        with pytest.raises(LogError, match=r'index\.sqlite'):
            InteractionLog(folder, writer=True)
    path.write_bytes(content)
    InteractionLog(folder, writer=True).close()


def test_a_damaged_recording_is_named(log: InteractionLog) -> None:
    identifier = log.add(interaction(), [record()])
    path = log.recording(identifier)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b'x')
    with pytest.raises(LogError, match=f'{path.name} has SHA-256'):
        log.recording(identifier)
    path.unlink()
    with pytest.raises(LogError, match=f'{path.name} is missing'):
        log.recording(identifier)
    with pytest.raises(BadRequest, match='no interaction'):
        log.recording('0' * 32)


def test_strangers_in_the_folder_are_left_alone(folder: Path, log: InteractionLog) -> None:
    names = ('notes.txt', f'{"a" * 32}.txt')
    orphans = (f'{"a" * 32}.mcap', f'{"b" * 32}.demo.npz', '.tmp-x.mcap')
    for name in (*names, *orphans):
        (folder / 'interactions' / name).touch()
    with InteractionLog(folder) as reader:
        reader.erase(everything=True)
    # They may be files of an interaction that is just being stored.
    assert len(list((folder / 'interactions').iterdir())) == 5
    log.close()
    InteractionLog(folder, writer=True).close()
    assert {path.name for path in (folder / 'interactions').iterdir()} == set(names)


@pytest.mark.parametrize('table', ['interactions', 'doomed'])
def test_a_name_that_leads_elsewhere_is_refused(
    folder: Path, log: InteractionLog, tmp_path: Path, table: str
) -> None:
    victim = tmp_path / 'victim.txt'
    victim.touch()
    identifier = log.add(interaction(), [record()])
    log.close()
    path = os.path.relpath(victim, folder / 'interactions')
    with sqlite3.connect(folder / 'index.sqlite') as connection:
        if table == 'doomed':
            connection.execute('INSERT INTO doomed VALUES (?)', (path,))
        else:
            connection.execute('UPDATE interactions SET demonstration = ?', (path,))
    connection.close()
    with InteractionLog(folder) as reader:
        with pytest.raises(LogError, match=r"it names the file '.*victim\.txt'"):
            reader.erase(everything=True)
        if table == 'interactions':
            for read in (reader.interactions, lambda: reader.recording(identifier)):
                with pytest.raises(LogError, match=r'victim\.txt'):
                    read()
    assert victim.exists()


def test_a_log_that_was_removed_takes_nothing(folder: Path, log: InteractionLog) -> None:
    """Rows of a file without a name would be lost although they were acknowledged."""
    log.add(interaction(), [record()])
    shutil.rmtree(folder)
    assert not log.present
    with pytest.raises(LogError, match='was removed while it was open'):
        log.add(interaction(), [record()])
    assert not folder.exists()
    with InteractionLog(folder, writer=True) as again:
        identifier = again.add(interaction(), [record()])
        assert again.recording(identifier)


def test_a_full_disk_can_still_be_erased(
    folder: Path, log: InteractionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept in reserve is given up for it, and made again by the next who records."""
    log.add(interaction(), [record()])
    reserve, doom = folder / 'reserve', Index.doom
    assert reserve.stat().st_size > 100_000

    def full(self: Index, *condition: Any) -> int:
        if reserve.exists():
            raise LogError('index.sqlite: database or disk is full')
        return doom(self, *condition)

    with monkeypatch.context() as patch:
        patch.setattr(Index, 'doom', full)
        assert log.erase(everything=True) == 1
    assert log.count() == 0
    assert not reserve.exists()
    log.close()
    InteractionLog(folder, writer=True).close()
    assert reserve.exists()
