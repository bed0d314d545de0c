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
"""`l2emg robots`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_robot

from l2emg_ros.cli.main import main


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['robots', 'list']) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == [
        'g1',
        'icub',
        'romeo',
        'simple_humanoid',
        'talos',
    ]
    assert len({line.index(line.split(maxsplit=1)[1]) for line in listed}) == 1


def test_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['robots', 'check', 'g1']) == 0
    assert main(['robots', 'check', str(toy_robot.write(tmp_path))]) == 0
    assert capsys.readouterr().out == (
        'g1: 29 joints, arms and legs mapped, no finding\ntoy: 6 joints, arms mapped, no finding\n'
    )


def test_findings_and_errors_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = toy_robot.write(tmp_path, lambda c: c['limits'][0].update(acceleration=5000.0))
    assert main(['robots', 'check', str(weak)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f'l2emg: {weak}: l_roll: 5000 rad/s^2 needs')
    assert told.count('\n') == 1
    broken = toy_robot.write(tmp_path, lambda c: c.pop('limits'))
    assert main(['robots', 'check', str(broken)]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"l2emg: {broken}: 'limits' is missing (and 1 more)\n"
    assert printed.out.splitlines()[0] == 'toy: 6 joints, arms mapped, 2 findings'
    assert printed.out.count('\n') == 3
    assert main(['robots', 'list', 'g1']) == 2
    assert 'use check' in capsys.readouterr().err
