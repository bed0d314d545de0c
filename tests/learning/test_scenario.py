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
from pathlib import Path

from learning import school
import pytest
import torch

from l2emg_ros.errors import BadRequest
from l2emg_ros.learning import scenario
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.lessons import Lessons


def read(host: Host, path: Path) -> Lessons:
    return scenario.read(path, host.model.tokenizer, host.model.lm.config.longest)


def test_a_folder_of_motions_says_what_they_show(tmp_path: Path, host: Host) -> None:
    school.motion(text='serve tea', emotion='happy', intensity=0.5).save(tmp_path / 'a.npz')
    school.motion(1, text='clear the table').save(tmp_path / 'b.npz')
    first, second = read(host, tmp_path).examples
    assert (first.id, first.text, str(first.emotion)) == ('a.npz', 'serve tea', 'happy')
    assert first.emotion is not None
    assert first.emotion.intensity == 0.5
    assert second.emotion is None
    # Sixty frames, four a token.
    assert first.tokens.shape == (15, 2)
    assert first.tokens.dtype == torch.int64
    assert not torch.equal(first.tokens, second.tokens)


def test_rows_replace_what_motions_say(tmp_path: Path, host: Host) -> None:
    school.motion(text='serve tea', emotion='happy').save(tmp_path / 'a.npz')
    rows = [
        {'motion': 'a.npz', 'text': 'pour \u2028 coffee', 'emotion': [0.1, 0.2, 0.3]},
        {'motion': 'a.npz', 'emotion': 'sad', 'intensity': 1},
        {'motion': 'a.npz', 'emotion': None},
    ]
    path = tmp_path / 'rows.jsonl'
    path.write_text('\n\n'.join(json.dumps(row, ensure_ascii=False) for row in rows), 'utf-8')
    for place in (path, tmp_path):
        found = read(host, place).examples
        assert [example.text for example in found] == [
            'pour \u2028 coffee', 'serve tea', 'serve tea'
        ]  # fmt: skip
        assert [str(example.emotion) for example in found] == ['vad:0.1,0.2,0.3', 'sad', 'None']
        assert [example.id for example in found] == [f'rows.jsonl:{n}' for n in (1, 3, 5)]


@pytest.mark.parametrize(
    ('row', 'said'),
    [
        ('{"motion": "a.npz", ', 'is not valid JSON'),
        ('[' * 100_000, 'is not valid JSON'),
        ('["a.npz"]', 'expected an object with motion'),
        ('{"motion": 3}', 'expected an object with motion'),
        ('{"motion": "b.npz", "text": "x"}', 'b.npz'),
        ('{"motion": "a.npz", "text": ""}', 'text is empty'),
        ('{"motion": "a.npz", "text": ["serve"]}', "text is ['serve']"),
        ('{"motion": "a.npz", "text": "x", "emotion": "grumpy"}', "unknown emotion 'grumpy'"),
        ('{"motion": "a.npz", "text": "x", "emotion": [1]}', 'expected a label or three numbers'),
        ('{"motion": "a.npz", "text": "x", "emotion": "sad", "intensity": "much"}', 'intensity'),
        ('{"motion": "a.npz", "text": "x", "emotion": "sad", "intensity": NaN}', 'intensity'),
        ('{"motion": "short.npz", "text": "x"}', 'motion lasts 0.3 s: expected'),
        ('{"motion": "long.npz", "text": "x"}', 'motion lasts 60.0 s: expected'),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, host: Host, row: str, said: str) -> None:
    good = school.motion()
    good.save(tmp_path / 'a.npz')
    good.slice(0, 9).save(tmp_path / 'short.npz')
    good.replace(fps=1.0).resample(30).save(tmp_path / 'long.npz')
    path = tmp_path / 'rows.jsonl'
    path.write_text('{"motion": "a.npz", "text": "serve tea"}\n' + row + '\n')
    with pytest.raises(BadRequest) as error:
        read(host, path)
    assert said in str(error.value)
    assert str(error.value).startswith(f'{path}:2: ')
    assert '\n' not in str(error.value)


def test_every_bad_row_is_named_at_once(tmp_path: Path, host: Host) -> None:
    path = tmp_path / 'rows.jsonl'
    path.write_text('{"motion": "missing.npz", "text": "x"}\n' * 9)
    with pytest.raises(BadRequest) as error:
        read(host, path)
    for number in range(1, 6):
        assert f'{path}:{number}: ' in str(error.value)
    assert str(error.value).endswith('; and 4 more')


def test_nothing_there(tmp_path: Path, host: Host) -> None:
    with pytest.raises(BadRequest, match='does not exist'):
        read(host, tmp_path / 'missing')
    with pytest.raises(BadRequest, match='holds no motions'):
        read(host, tmp_path)
    (tmp_path / 'rows.jsonl').write_bytes(b'\xff\xfe')
    with pytest.raises(BadRequest, match=r'rows\.jsonl cannot be read'):
        read(host, tmp_path)
