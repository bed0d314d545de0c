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
"""`l2emg train`: stages end early where they are told to, go on, and name bad options."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2emg_ros import corpus
from l2emg_ros.cli.learn import NOT_PROMOTED
from l2emg_ros.cli.main import main
from l2emg_ros.cli.train import UNFINISHED
from l2emg_ros.learning import learner
from l2emg_ros.learning.verdict import Check, Verdict


def test_a_stage_stops_after_its_minutes_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus.build(tmp_path / 'train' / 'corpus', 40, seed=0)
    stage = ['train', 'evaluator', '--steps', '60']
    places = ['--work', str(tmp_path / 'train'), '--model', str(tmp_path / 'model')]
    assert main([*stage, *places, '--minutes', '0.001']) == UNFINISHED
    assert 'evaluator has done 50 of 60 steps: run the command again' in capsys.readouterr().out
    assert not (tmp_path / 'evaluator').exists()
    assert main([*stage, *places]) == 0
    assert (tmp_path / 'evaluator' / 'evaluator.json').is_file()


@pytest.mark.parametrize(
    ('option', 'value', 'named'),
    [
        ('--minutes', '0', '--minutes is 0.0'),
        ('--lr', '-1', '--lr is -1.0: expected more than 0'),
        ('--device', 'abacus', "device 'abacus'"),
        ('--steps', '-5', '--steps is -5: expected at least 1'),
        ('--batch', '0', '--batch is 0: expected at least 1'),
        ('--threads', '0', '--threads is 0'),
        ('--sentences', '0', '--sentences is 0'),
        ('--seed', '-1', '--seed is -1: expected at least 0'),
    ],
)
def test_bad_options_are_named(
    option: str, value: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['train', 'base', '--model', str(tmp_path), option, value]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line


def test_options_of_a_scenario_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is ignored: what has no meaning here is refused, --restart forgets its states."""
    (tmp_path / 'cafe').mkdir()
    state, other = (
        tmp_path / 'work' / 'expert' / f'{name}-{"0" * 12}' for name in ('cafe', 'bar')
    )
    for folder in (state, other):
        folder.mkdir(parents=True)
    learn = ['train', 'expert', '--scenario', str(tmp_path / 'cafe')]
    learn += ['--work', str(tmp_path / 'work'), '--experts', str(tmp_path / 'experts')]
    assert main([*learn, '--batch', '4']) == 2
    assert '--batch' in capsys.readouterr().err
    assert main(learn) == 2
    assert state.exists()
    assert main([*learn, '--restart']) == 2
    assert 'holds no motions' in capsys.readouterr().err
    assert not state.exists()
    assert other.exists()
    # There is no such user: it is a folder like any other.
    assert main([*learn, '--experts', '~nobody-of-that-name/experts']) == 2
    assert 'holds no motions' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('promoted', 'ok', 'options', 'code'),
    [
        (True, True, [], 0),
        (False, True, ['--no-promote'], 0),
        # It passed, and other experts became active meanwhile.
        (False, True, [], NOT_PROMOTED),
        (False, False, [], NOT_PROMOTED),
        (False, False, ['--no-promote'], NOT_PROMOTED),
    ],
)
def test_the_exit_code_says_whether_what_was_wanted_was_done(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    promoted: bool,
    ok: bool,
    options: list[str],
    code: int,
) -> None:
    check = Check('target', ok, 0.0, 1.0, 'likelier')
    verdict = Verdict(promoted, 'cafe@1', 'cafe@1', (check,))
    monkeypatch.setattr(learner, 'learn', lambda *_: verdict)
    (tmp_path / 'cafe').mkdir()
    learn = ['train', 'expert', '--scenario', str(tmp_path / 'cafe'), '--work', str(tmp_path)]
    assert main([*learn, *options]) == code
