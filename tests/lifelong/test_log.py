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
import stat
import threading
import time
from typing import Any

from lifelong.interactions import bytes_of, DAY, interaction, record
import numpy as np
import pytest

from l2emg_ros.errors import BadRequest, LogError
from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.interaction import Interaction, Outcome
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.motion.motion import Motion


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


def test_threads_of_a_process_take_turns(folder: Path, log: InteractionLog) -> None:
    """The log is opened on one thread and used on another, as the node does."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(log.add(interaction(), [record()])))
    thread.start()
    thread.join()
    assert [item.id for item in log.interactions()] == found
