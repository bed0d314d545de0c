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
"""`l2emg bench tokenizer`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from l2emg_ros.cli.main import main
from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion


def test_it_says_how_much_worse_recordings_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    motion = synthesise('wave', Emotion('happy').weights(), np.random.default_rng(0))
    (tmp_path / 'clips').mkdir()
    motion.save(tmp_path / 'clips' / 'wave.npz')
    output = tmp_path / 'bench.json'
    options = [str(tmp_path / 'clips'), '--clips', '6', '--json', str(output)]
    assert main(['bench', 'tokenizer', *options]) == 0
    told = capsys.readouterr().out
    assert 'mean joint position error, mm' in told
    results = json.loads(output.read_text())['results']
    performed, recorded = results['rows']['performed'], results['rows']['recorded']
    assert 1.0 < performed['mpjpe_mm'] < 25.0
    assert performed['mpjpe_mm'] < performed['mpjpe_p95_mm']
    assert results['rho'] == pytest.approx(
        max(recorded[name] / performed[name] for name in ('mpjpe_mm', 'mpjpe_p95_mm'))
    )


def test_performances_alone_ask_for_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv('L2EMG_MOCAP_DIR', raising=False)
    assert main(['bench', 'tokenizer', '--clips', '3']) == 0
    assert 'rho' not in capsys.readouterr().out


@pytest.mark.parametrize(
    ('options', 'message'),
    [(['--clips', '-1'], '--clips is -1'), (['FOLDER'], 'holds no motion')],
    ids=['count', 'empty'],
)
def test_bad_options_are_named(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [str(tmp_path) if option == 'FOLDER' else option for option in options]
    assert main(['bench', 'tokenizer', '--clips', '1', *told]) == 2
    assert message in capsys.readouterr().err
