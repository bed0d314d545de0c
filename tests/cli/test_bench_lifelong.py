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
"""`l2emg bench lifelong`: a small run through the real nodes, and bad numbers."""

from __future__ import annotations

import json
from pathlib import Path
import shutil

import pytest

pytest.importorskip('rclpy')

from l2emg_ros.cli.main import main


@pytest.mark.parametrize(
    ('option', 'value', 'said'),
    [
        ('--scenarios', '21', 'scenarios is 21: expected 1 to 20'),
        ('--interactions', '7', 'interactions is 7: expected at least 8'),
        ('--poisoned', '6', 'poisoned is 6: expected at least 0, a multiple of 4'),
        ('--tests', '0', 'tests is 0: expected at least 8'),
    ],
)
def test_bad_numbers_are_one_line(
    tmp_path: Path,
    tiny: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    said: str,
) -> None:
    words = ['bench', 'lifelong', '--model', str(tiny), '--work', str(tmp_path / 'work')]
    assert main([*words, option, value]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / 'work').exists()


@pytest.mark.slow
def test_a_sequence_is_taught_through_the_nodes_and_not_twice(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(tiny, tmp_path / 'model')
    words = ['bench', 'lifelong', '--model', str(model), '--part', 'sequence']
    words += ['--scenarios', '1', '--interactions', '10', '--tests', '8', '--steps', '2']
    words += ['--work', str(tmp_path / 'work'), '--json', str(tmp_path / 'a.json')]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert 'weighted F1 of emotions' in told
    report = json.loads((tmp_path / 'a.json').read_text())
    assert report['name'] == 'lifelong'
    (step,) = report['results']['sequence']['steps']
    assert step['scenario'] == report['results']['sequence']['scenarios'][0]
    assert step['checks'] or step['message']
    assert set(step['scores']) == {'shipped', step['scenario']}
    assert step['node_mb'] > 50.0
    assert report['results']['sequence']['first_chunk_ms'][0] > 0.0

    assert main(words) == 0
    again = json.loads((tmp_path / 'a.json').read_text())
    assert again['results'] == report['results'] | {
        'sequence': report['results']['sequence']
        | {
            'node_mb': again['results']['sequence']['node_mb'],
            'summary': again['results']['sequence']['summary'],
        }
    }
