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
"""`l2emg experts`: every action does what it says, or says in one line why not."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

from experts import small
import pytest

from l2emg_ros.cli.main import main
from l2emg_ros.experts.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return small.registry(tmp_path / 'model' / 'experts')


def run(registry: Registry, *words: str) -> int:
    return main(['experts', *words, '--registry', str(registry.folder)])


def test_every_action(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def says(*words: str) -> str:
        assert run(registry, *words) == 0
        return capsys.readouterr().out

    listed = [line.split()[:5] for line in says('list').splitlines()]
    assert listed[0] == ['expert', 'version', 'scenario', 'rank', 'active']
    assert ['ward', '1', 'ward', '2', 'no'] in listed
    assert ['ward', '2', 'ward', '2', 'yes'] in listed
    assert json.loads(says('show', 'ward@1'))['version'] == '1'
    assert says('verify').splitlines()[-1] == 'router: matches active.json'
    assert says('verify', 'ward@2') == 'ward@2: every file matches its manifest\n'
    assert says('rollback', 'ward') == 'ward is now at version 1, was 2\n'
    assert says('rollback', 'ward@2') == 'ward is now at version 2, was 1\n'
    path = tmp_path / 'ward.zip'
    assert says('export', 'ward', '-o', str(path)) == f'ward@2 -> {path}\n'
    assert says('import', str(path)) == 'ward@3 is added for ward, not active\n'
    assert says('import', str(path), '--activate').startswith('ward@4 is added and active')
    assert small.active(registry)['ward'] == 'ward@4'
    assert says('remove', 'ward@3') == 'removed ward@3\n'
    assert says('remove', 'ward@4', '--force') == 'removed ward@4\n'
    assert small.active(registry) == {'stage': 'stage@1'}
    assert 'nothing' in says('collect')
    small.check(registry)


def test_what_is_exported_is_what_is_active(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.add(registry, 'ward', 9)
    assert run(registry, 'export', 'ward', '-o', str(tmp_path / 'w.zip')) == 0
    assert capsys.readouterr().out.startswith('ward@2 ->')


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (['show'], 'expected l2emg experts show NAME'),
        (['rollback'], 'expected l2emg experts rollback NAME'),
        (['remove'], 'expected l2emg experts remove NAME'),
        (['export'], 'expected l2emg experts export NAME'),
        (['import'], 'expected l2emg experts import FILE.zip'),
        (['export', 'ward'], 'expected -o FILE.zip'),
        (['export', 'ward', '-o', 'ward.tar'], 'ends in .zip'),
        (['import', 'none.zip'], 'none.zip'),
        (['list', 'ward'], 'takes no name'),
        (['show', 'ward@'], 'expected NAME or NAME@VERSION'),
        (['show', 'ward@9'], "version '9'"),
        (['show', '../ward'], 'expert name'),
        (['rollback', 'moon'], 'there are stage, ward'),
        (['remove', 'ward@2'], 'is active'),
        (['list', '--force'], '--force is for remove'),
        (['export', 'ward', '--activate'], '--activate is for import'),
        (['eat', 'ward'], 'eat'),
    ],
)
def test_mistakes_are_one_line_and_code_2(
    registry: Registry, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(registry.folder.rglob('*'))
    try:
        code = run(registry, *words)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err.count('\n') == 1
    assert expected in captured.err
    assert sorted(registry.folder.rglob('*')) == before


def test_all_damage_is_named_and_one_line_sums_it_up(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    (registry.folder / 'ward' / '1' / 'slots.safetensors').write_bytes(b'x')
    (registry.folder / 'stage' / '1' / 'manifest.json').write_text('{')
    assert run(registry, 'verify') == 2
    captured = capsys.readouterr()
    assert [line.split(':')[0] for line in captured.out.splitlines()] == [
        'stage@1',
        'ward@1',
        'ward@2',
        'router',
    ]
    assert captured.out.count('DAMAGED') == 2
    assert captured.err.count('\n') == 1
    assert 'stage@1, ward@1' in captured.err


def test_a_folder_of_registries_is_not_one(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['experts', 'list', '--registry', str(registry.folder.parent)]) == 2
    assert 'holds the registries experts: name one of them' in capsys.readouterr().err


def test_help_tells_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(['experts', '--help'])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    actions = ('list', 'show', 'verify', 'rollback', 'remove', 'collect', 'export', 'import')
    assert all(f'\n  {name} ' in told for name in actions)


def test_torch_is_not_loaded_to_look_into_a_registry(registry: Registry) -> None:
    code = (
        'import sys; from l2emg_ros.cli.main import main; '
        f'main(["experts", "rollback", "ward", "--registry", {str(registry.folder)!r}]); '
        'sys.exit("torch" in sys.modules)'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
