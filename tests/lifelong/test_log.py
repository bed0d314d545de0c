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

import dataclasses
import itertools
import os
from pathlib import Path
import random
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from typing import Any

from lifelong.interactions import bytes_of, DAY, interaction, record
import numpy as np
import pytest

from l2emg_ros.errors import BadRequest, LogError
from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.interaction import Feedback, Interaction, Outcome
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.motion.motion import Motion


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / 'deep' / 'log'


@pytest.fixture
def log(folder: Path):
    with InteractionLog(folder, writer=True) as log:
        yield log


def same(found: Interaction, given: Interaction) -> bool:
    fields = {f.name for f in dataclasses.fields(Interaction)} - {'id', 'tokens'}
    equal = all(getattr(found, name) == getattr(given, name) for name in fields)
    return equal and np.array_equal(found.tokens, given.tokens)


def test_what_is_stored_comes_back(folder: Path, log: InteractionLog) -> None:
    given = [
        interaction('m1'),
        interaction('m2', rating=None, human_before=None, emotion=None, outcome=None),
        interaction('m3', tokens=np.zeros((0, 0)), experts=(), expert_weights=()),
    ]
    ids = [log.add(item, [record(f'about {item.motion_id}')]) for item in given]
    with InteractionLog(folder) as reader:
        found = reader.interactions()
        assert [item.id for item in found] == ids
        for item, wanted in zip(found, given, strict=True):
            assert same(item, wanted)
            assert same(reader.get(item.id), wanted)
            (stored,) = recording.read(reader.recording(item.id))
            assert stored == record(f'about {wanted.motion_id}')
    assert len(set(ids)) == 3


def test_interactions_are_chosen(log: InteractionLog) -> None:
    for number, (scenario, session) in enumerate(itertools.product(('a', 'b'), ('x', 'y'))):
        item = interaction(f'm{number}', scenario=scenario, session_id=session)
        log.add(dataclasses.replace(item, recorded=100.0 + number), [record()])

    def found(**given: Any) -> list[str]:
        return [item.motion_id for item in log.interactions(**given)]

    assert found() == ['m0', 'm1', 'm2', 'm3']
    assert found(scenario='b') == ['m2', 'm3']
    assert found(session='x') == ['m0', 'm2']
    assert found(scenario='a', session='y') == ['m1']
    assert found(since=102.0) == ['m2', 'm3']
    assert found(scenario="a' OR 1 --") == []
    assert [item.motion_id for item in log.about('m2')] == ['m2']


def test_everything_is_private(folder: Path, log: InteractionLog) -> None:
    log.add(interaction(), [record()])
    for path in (folder, *folder.rglob('*')):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_an_outcome_completes_what_is_stored(log: InteractionLog) -> None:
    identifier = log.add(interaction('m', outcome=None), [record()])
    assert log.get(identifier).outcome is None
    assert log.outcome('m', Outcome(False, 0.5, 0.25))
    assert log.get(identifier).outcome == Outcome(False, 0.5, 0.25, None)
    # The newest counts, and of motions that nobody spoke of nothing is kept.
    assert log.outcome('m', Outcome(True, 1.0, 0.0, 0.01))
    assert log.get(identifier).outcome == Outcome(True, 1.0, 0.0, 0.01)
    assert not log.outcome('stranger', Outcome(True))


def test_erasing_a_session_leaves_no_byte(folder: Path, log: InteractionLog) -> None:
    rng = random.Random(0)
    for number in range(120):
        session = 'anna' if number % 3 else 'bert'
        word = f'{session}says{rng.random()}'
        item = interaction(
            f'{session}{number}', text=word, session_id=session, correction=word * 15
        )
        log.add(item, [record(word)])
        log.outcome(f'{session}{number}', Outcome(True))
    assert b'annasays' in bytes_of(folder)
    with InteractionLog(folder) as eraser:
        assert eraser.erase(session='anna') == 80
    left = bytes_of(folder)
    assert b'anna' not in left
    assert left.count(b'bertsays') >= 40
    assert len(log.interactions()) == log.count() == 40
    assert len(list((folder / 'interactions').iterdir())) == 40
    with pytest.raises(BadRequest, match='what is to be erased'):
        log.erase()
    assert log.erase(id=log.interactions()[0].id) == 1
    assert log.erase(id='0' * 32) == 0
    assert log.erase(everything=True) == 39
    assert b'bert' not in bytes_of(folder)


def test_a_demonstration_lives_and_dies_with_its_interaction(
    tmp_path: Path, folder: Path, log: InteractionLog
) -> None:
    shown = tmp_path / 'shown.npz'
    motion = Motion(np.zeros((4, 66)), np.zeros((4, 3)), 30.0, text='secretive')
    motion.save(shown)
    identifier = log.add(interaction(demonstration=str(shown)), [record()])
    shown.unlink()
    kept = Path(log.get(identifier).feedback.demonstration)
    assert kept.is_relative_to(folder)
    assert Motion.load(kept).text == 'secretive'
    assert log.recording(identifier)
    kept.write_bytes(b'x')
    with pytest.raises(LogError, match=r'demo\.npz has SHA-256'):
        log.recording(identifier)
    log.erase(id=identifier)
    assert not list((folder / 'interactions').iterdir())


@pytest.mark.parametrize('case', ['text', 'missing', 'pipe', 'folder', 'huge', 'bomb', 'suffix'])
def test_a_bad_demonstration_is_refused(
    tmp_path: Path, folder: Path, log: InteractionLog, case: str
) -> None:
    path = tmp_path / ('shown.txt' if case == 'suffix' else 'shown.npz')
    if case in ('text', 'suffix'):
        path.write_text('this is no motion')
    elif case == 'pipe':
        os.mkfifo(path)
    elif case == 'folder':
        path.mkdir()
    elif case == 'huge':
        with path.open('wb') as file:
            file.truncate(50_000_001)
    elif case == 'bomb':
        np.savez_compressed(path, poses=np.zeros((80_000_000, 1)))
    with pytest.raises(BadRequest, match=r'demonstration .*shown') as refused:
        log.add(interaction(demonstration=str(path)), [record()])
    assert '\n' not in str(refused.value)
    assert '.tmp' not in str(refused.value)
    assert log.count() == 0
    assert not list((folder / 'interactions').iterdir())


def test_what_is_kept_no_longer_is_erased(folder: Path, log: InteractionLog) -> None:
    now = time.time()
    for days in (1, 2, 3):
        log.add(interaction(f'm{days}', text=f'{days}days', keep_until=now + days * DAY), [])
    log.add(interaction('forever', keep_until=float('inf')), [record()])
    assert log.prune(now) == 0
    assert log.prune(now + 2 * DAY) == 2
    assert [item.motion_id for item in log.interactions()] == ['m3', 'forever']
    assert b'1days' not in bytes_of(folder)
    assert len(list((folder / 'interactions').iterdir())) == 2


def test_one_process_records_any_number_read(folder: Path, log: InteractionLog) -> None:
    with pytest.raises(LogError, match='another process records into'):
        InteractionLog(folder, writer=True)
    with InteractionLog(folder) as reader:
        assert reader.interactions() == []
        identifier = log.add(interaction(), [record()])
        assert reader.get(identifier).id == identifier
        with pytest.raises(LogError, match='open for reading'):
            reader.add(interaction(), [record()])
    log.close()
    InteractionLog(folder, writer=True).close()


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
    content = bytearray(path.read_bytes())
    content[8192:16384] = os.urandom(8192)
    path.write_bytes(content)
    with pytest.raises(LogError, match=r'index\.sqlite'):
        InteractionLog(folder, writer=True)


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


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'motion_id': ''}, 'motion_id is empty'),
        ({'motion_id': 'm' * 257}, 'motion_id has 257 characters'),
        ({'session_id': 'a\tb'}, 'session_id holds control characters'),
        ({'rating': 1.5}, 'rating is 1.5'),
        ({'rating': float('nan')}, 'rating is nan'),
        ({'rating': float('-inf')}, 'rating is -inf'),
        ({'correction': 'x' * 501}, 'correction has 501 characters'),
        ({'demonstration': 'x' * 4097}, 'demonstration has 4097 characters'),
        ({'confidence_after': float('nan')}, 'confidence_after is nan'),
    ],
)
def test_bad_feedback(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Feedback(**{'motion_id': 'm', **fields})


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'text': 'x' * 501}, 'text has 501 characters'),
        ({'tokens': [[70_000]]}, 'tokens of shape'),
        ({'tokens': [1, 2]}, 'tokens of shape'),
        ({'expert_weights': (1.0,)}, '1 weights for 2 experts'),
        ({'novelty_p_value': float('nan')}, 'novelty_p_value is nan'),
        ({'feedback': Feedback('another')}, "about motion 'another'"),
    ],
)
def test_bad_interactions(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        dataclasses.replace(interaction(), **fields)


def test_bad_outcomes() -> None:
    for fields in ({'trimmed': 1.1}, {'time_stretch': -1.0}, {'tracking_error': float('nan')}):
        with pytest.raises(BadRequest, match=next(iter(fields))):
            Outcome(True, **fields)


def test_threads_of_a_process_take_turns(folder: Path, log: InteractionLog) -> None:
    """The log is opened on one thread and used on another, as the node does."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(log.add(interaction(), [record()])))
    thread.start()
    thread.join()
    assert [item.id for item in log.interactions()] == found
