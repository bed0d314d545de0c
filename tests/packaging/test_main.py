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
"""The `l2emg` command itself: help, exit codes, one line for what goes wrong."""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path
import subprocess
import sys
from types import ModuleType

import pytest

from l2emg_ros.cli import main as command
from l2emg_ros.cli.progress import progress
from l2emg_ros.errors import BadRequest


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        command.main(['--help'])
    assert done.value.code == 0
    words = capsys.readouterr().out.split()
    assert set(command.COMMANDS) <= set(words)


@pytest.mark.parametrize('name', command.COMMANDS)
def test_help_of_a_command_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        command.main([name, '--help'])
    assert done.value.code == 0
    printed = capsys.readouterr().out
    assert f'l2emg {name}' in printed.split('xample', 1)[1]
    assert importlib.import_module(command.COMMANDS[name]).HELP in ' '.join(printed.split())


@pytest.mark.parametrize(
    ('words', 'offender'),
    [
        (['dance'], 'dance'),
        ([], 'COMMAND'),
        (['up', '--robto', 'g1'], '--robto'),
        (['up', '--timeout', 'soon'], 'soon'),
        (['up', '--device', 'abacus'], 'abacus'),
    ],
)
def test_bad_usage_is_one_line(
    words: list[str], offender: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        command.main(words)
    assert done.value.code == 2
    error = capsys.readouterr().err
    assert offender in error
    assert error.count('\n') == 1


@pytest.mark.parametrize(
    ('words', 'offender'),
    [
        (['up', '--robot', 'nobody'], 'nobody'),
        (['up', '--params-file', 'absent.yaml'], 'absent.yaml'),
        (['robots', 'check', 'absent/map.yaml'], 'absent/map.yaml'),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], offender: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith('l2emg: ')
    assert offender in error
    assert error.count('\n') == 1


@pytest.mark.parametrize(
    ('error', 'code', 'printed'),
    [
        (BadRequest('two\nlines'), 2, 'l2emg: two lines\n'),
        (FileNotFoundError(2, 'No such file', 'a.npz'), 2, 'l2emg: a.npz: No such file\n'),
        (ModuleNotFoundError('No module named x', name='x'), 2, 'l2emg: No module named x; '),
        (KeyboardInterrupt(), 130, ''),
    ],
)
def test_exit_codes(
    error: BaseException,
    code: int,
    printed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = ModuleType('failing')

    def run(args: argparse.Namespace) -> int:
        raise error

    vars(module).update(HELP='fails', add_arguments=lambda parser: None, run=run)
    monkeypatch.setitem(sys.modules, 'failing', module)
    monkeypatch.setitem(command.COMMANDS, 'fail', 'failing')
    assert command.main(['fail']) == code
    assert capsys.readouterr().err.startswith(printed)


def test_own_defects_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(command.COMMANDS, 'broken', 'l2emg_ros.cli.absent')
    with pytest.raises(ModuleNotFoundError):
        command.main(['broken'])


def test_a_reader_that_leaves() -> None:
    program = str(Path(sys.executable).with_name('l2emg'))
    read, write = os.pipe()
    os.close(read)
    with open(write, 'wb') as nobody:
        done = subprocess.run(
            [program, '--help'], stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == ''
    assert done.returncode in (0, 1)


def test_progress_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(progress(range(3), 'counting')) == [0, 1, 2]
    assert capfd.readouterr().err == 'counting: 3/3 (0 s)\n'
    assert list(progress(iter('ab'), 'letters')) == ['a', 'b']
    assert capfd.readouterr().err == 'letters: 2 (0 s)\n'


def test_the_program_starts_quickly_without_heavy_imports() -> None:
    code = 'import sys, l2emg_ros.cli.main as m; m.main(["--help"])'
    check = (
        'import atexit, sys; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))'
    )
    done = subprocess.run(
        [sys.executable, '-c', f'{check}; {code}'],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {'COLUMNS': '80'},
    )
    loaded = done.stderr
    assert "'l2emg_ros.cli.up'" in loaded
    assert not [
        name for name in ('torch', 'pinocchio', 'rclpy', 'mujoco') if f"'{name}'" in loaded
    ]
