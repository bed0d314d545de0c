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
"""`l2emg generate` and `l2emg experts`: a file or one line of complaint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from l2emg_ros.cli.main import main
from l2emg_ros.motion.motion import Motion


def test_writes_the_same_motion_for_the_same_seed(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['generate', 'wave to a visitor', '--emotion', 'happy', '--intensity', '0.8']
    words += ['--seconds', '1.5', '--seed', '3', '--model', str(tiny), '--device', 'cpu', '-o']
    for name in ('a.npz', 'b.npz'):
        assert main([*words, str(tmp_path / name)]) == 0
    first, second = (Motion.load(tmp_path / name) for name in ('a.npz', 'b.npz'))
    assert first == second
    assert (first.frames, first.emotion, first.intensity) == (45, 'happy', 0.8)
    assert 'reception@1' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (['', '-o', 'x.npz'], 'empty'),
        (['wave', '--emotion', 'joyful', '-o', 'x.npz'], 'joyful'),
        (['wave', '--emotion', 'vad:1,2', '-o', 'x.npz'], 'vad:1,2'),
        (['wave', '--emotion', 'sad', '--intensity', '7', '-o', 'x.npz'], 'intensity'),
        (['wave', '--seconds', '-1', '-o', 'x.npz'], 'duration'),
        (['wave', '--seed', '-4', '-o', 'x.npz'], 'seed'),
        (['wave', '-o', 'x.txt'], 'x.txt'),
        (['wave', '--model', '/nowhere', '-o', 'x.npz'], '/nowhere'),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['generate', *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err.count('\n') == 1
    assert expected in captured.err


def test_experts_are_listed_shown_and_verified(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = ['--registry', str(tiny / 'experts')]
    assert main(['experts', 'list', *registry]) == 0
    listed = capsys.readouterr().out
    assert 'reception' in listed
    assert 'ward' in listed
    assert main(['experts', 'show', 'ward@1', *registry]) == 0
    assert json.loads(capsys.readouterr().out)['scenario'] == 'ward'
    assert main(['experts', 'verify', *registry]) == 0
    verified = capsys.readouterr().out.splitlines()
    assert [line.split(':')[0] for line in verified] == ['reception@1', 'ward@1', 'router']


def test_unknown_experts_and_registries_are_one_line(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ['experts', 'show', 'stage', '--registry', str(tiny / 'experts')],
        ['experts', 'show', '--registry', str(tiny / 'experts')],
        ['experts', 'list', '--registry', str(tiny / 'nothing')],
    ):
        assert main(words) == 2
        assert capsys.readouterr().err.count('\n') == 1
