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

import json
import os
from pathlib import Path
import stat

import pytest

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.lifelong.log import Feedback, FeedbackLog


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path / 'a' / 'log.jsonl')
    assert list(log.read()) == []
    given = [
        Feedback('m1', rating=0.5, human_after=Emotion('happy', intensity=0.3)),
        Feedback('m2', correction='größer, ⚡'),
    ]
    ids = [log.append(feedback) for feedback in given]
    found = list(FeedbackLog(log.path).read())
    assert [entry['id'] for entry in found] == ids
    assert len(set(ids)) == 2
    assert found[0]['human_after']['intensity'] == 0.3
    assert found[1]['correction'] == 'größer, ⚡'
    assert stat.S_IMODE(os.stat(log.path).st_mode) == 0o600


def test_a_torn_line_is_skipped_and_swallows_nothing(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path / 'log.jsonl')
    first = log.append(Feedback('m1'))
    with log.path.open('ab') as file:
        file.write(b'{"id": "torn", "motio')
    second = log.append(Feedback('m2'))
    assert [entry['id'] for entry in log.read()] == [first, second]


def test_what_was_written_is_never_changed(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path / 'log.jsonl')
    log.append(Feedback('m1'))
    before = log.path.read_bytes()
    log.append(Feedback('m2'))
    assert log.path.read_bytes().startswith(before)
    assert all(json.loads(line) for line in log.path.read_bytes().splitlines())


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'motion_id': ''}, 'motion_id is empty'),
        ({'motion_id': 'x' * 257}, '257 characters'),
        ({'motion_id': 'a\x00'}, 'control characters'),
        ({'motion_id': 'a', 'rating': float('nan')}, 'rating is nan'),
        ({'motion_id': 'a', 'rating': -1.01}, 'rating is -1.01'),
        ({'motion_id': 'a', 'session_id': 'a\nb'}, 'session_id'),
        ({'motion_id': 'a', 'demonstration': '/' * 5000}, 'demonstration'),
    ],
)
def test_bad_feedback_is_named(fields: dict, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Feedback(**fields)
