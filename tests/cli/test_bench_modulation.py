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
"""`l2emg bench modulation`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from l2emg_ros.cli.main import main


def test_set_points_take_another_manner_over_ros(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'bench.json'
    options = ['--minutes', '0.1', '--events', '2', '--json', str(output)]
    assert main(['bench', 'modulation', *options]) == 0
    assert 'excess_p99_ms' in capsys.readouterr().out
    results = json.loads(output.read_text())['results']
    assert (results['set_points'], results['violations'], results['events']) == (600, 0, 2)
    assert results['changed_set_point_median_ms'] >= results['next_set_point_median_ms'] > 0.0


def test_without_events_nothing_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['bench', 'modulation', '--minutes', '0.05', '--events', '0']) == 0
    assert 'events' not in capsys.readouterr().out
