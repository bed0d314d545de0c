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
import stat
from typing import Any

from lifelong.interactions import bytes_of, interaction, record
import numpy as np
import pytest

from l2emg_ros.cli import log as command
from l2emg_ros.cli.main import main
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.lifelong.recording import Record
from l2emg_ros.motion.motion import Motion


def motion_records(motion: Motion, motion_id: str) -> list[Record]:
    """Return the messages of a motion as the node records them."""
    rclpy = pytest.importorskip('rclpy.serialization')
    from l2emg_interfaces.msg import SmplMotion

    from l2emg_ros.nodes import convert, definitions

    name, described = definitions.type_name(SmplMotion), definitions.definition(SmplMotion)
    half = motion.frames // 2
    parts = [motion.slice(0, half), motion.slice(half, motion.frames)]
    return [
        Record(
            'smpl_motion',
            name,
            described,
            10**18 + number,
            rclpy.serialize_message(
                convert.motion_to_message(
                    part, motion_id=motion_id, frame_id='odom', chunk_index=number
                )
            ),
        )
        for number, part in enumerate(parts)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with InteractionLog(tmp_path / 'log', writer=True) as log:
        for number, (session, scenario) in enumerate(
            (('anna', 'ward'), ('anna', 'reception'), ('bert', 'ward'))
        ):
            item = interaction(
                f'm{number}', session_id=session, scenario=scenario, text=f'wave number {number}'
            )
            log.add(item, [record(f'message {number}')])
    return tmp_path / 'log'


def ids(folder: Path) -> list[str]:
    with InteractionLog(folder) as log:
        return [item.id for item in log.interactions()]


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['log', 'list', '--log', str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *('id', 'recorded', 'session', 'scenario', 'emotion', 'rating', 'played', 'text')
    ]
    for line, identifier, session in zip(
        lines[1:4], ids(folder), ('anna', 'anna', 'bert'), strict=True
    ):
        words = line.split()
        assert identifier.startswith(words[0])
        assert words[3] == session
        assert words[5:8] == ['happy', '+0.50', 'yes']
    assert lines[3].endswith('wave number 2')
    assert lines[4] == f'3 interactions in {folder}'
    options = ['--session', 'anna', '--scenario', 'ward']
    assert main(['log', 'list', '--log', str(folder), *options]) == 0
    out = capsys.readouterr().out
    assert 'wave number 0' in out
    assert '1 interactions' in out


def test_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    motion = Motion(np.zeros((40, 66)), np.zeros((40, 3)), 30.0, text='wave', emotion='happy')
    with InteractionLog(tmp_path, writer=True) as log:
        identifier = log.add(interaction('m'), [*motion_records(motion, 'm'), record('said')])
    assert main(['log', 'show', identifier[:9], '--log', str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = {line.split()[0]: line[20:] for line in lines if not line.startswith(' ')}
    assert json.loads(shown['id']) == identifier
    assert json.loads(shown['tokens']) == interaction().tokens.tolist()
    assert json.loads(shown['outcome'])['time_stretch'] == 1.25
    assert json.loads(shown['correction']) == 'größer, ⚡'
    assert json.loads(shown['human_after'])['intensity'] == 0.7
    assert json.loads(shown['consent']) is True
    messages = lines[lines.index('messages') + 1 :]
    assert len(messages) == 3
    assert '"motion_id": "m"' in messages[0]
    assert '"rotations": "1760 values"' in messages[0]
    assert '{"data": "said"}' in messages[2]


def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    poses, trans = rng.normal(0, 0.3, (40, 66)), rng.normal(0, 0.1, (40, 3))
    motion = Motion(poses, trans, 30.0, text='wave', scenario='ward', seed=3, generator='tiny')
    with InteractionLog(tmp_path / 'log', writer=True) as log:
        identifier = log.add(interaction('m'), motion_records(motion, 'm'))
    output, folder = tmp_path / 'out' / 'log.jsonl', tmp_path / 'motions'
    words = ['-o', str(output), '--motions', str(folder), '--log', str(tmp_path / 'log')]
    assert main(['log', 'export', *words]) == 0
    assert '1 interactions written' in capsys.readouterr().out
    (line,) = output.read_text('utf-8').splitlines()
    value = json.loads(line)
    assert value['id'] == identifier
    assert value['tokens'] == interaction().tokens.tolist()
    assert value['feedback']['rating'] == 0.5
    assert value['consent'] is True
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    exported = Motion.load(value['motion'])
    assert Path(value['motion']) == folder / f'{identifier}.npz'
    np.testing.assert_allclose(exported.rotations, motion.rotations, atol=1e-5)
    np.testing.assert_allclose(exported.trans, motion.trans, atol=1e-6)
    assert (exported.text, exported.scenario) == ('wave', 'ward')
    assert (exported.seed, exported.generator) == (3, 'tiny')


def test_erase_asks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    questions: list[str] = []

    def answer(text: str) -> Any:
        def reply(question: str) -> str:
            questions.append(question)
            return text

        return reply

    words = ['log', 'erase', '--session', 'anna', '--log', str(folder)]
    for refusal in ('', 'n', 'what'):
        monkeypatch.setattr('builtins.input', answer(refusal))
        assert main(words) == 2
        assert 'not confirmed: nothing was erased' in capsys.readouterr().err
    assert len(ids(folder)) == 3
    monkeypatch.setattr('builtins.input', answer('y'))
    assert main(words) == 0
    assert '2 interactions erased' in capsys.readouterr().out
    assert questions[-1] == 'Erase 2 interactions? [y/N] '
    assert len(ids(folder)) == 1
    assert b'anna' not in bytes_of(folder)


def test_erase_without_asking(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ['log', 'erase', '--yes', '--log', str(folder)]
    first, *others = ids(folder)
    assert main([*words, '--id', first[:12]]) == 0
    assert '1 interactions erased' in capsys.readouterr().out
    assert ids(folder) == others
    assert main([*words, '--session', 'nobody']) == 0
    assert '0 interactions erased' in capsys.readouterr().out
    assert main([*words, '--all']) == 0
    assert ids(folder) == []
    assert b'wave number' not in bytes_of(folder)


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['list', '--log', 'absent'], 'no log of interactions in absent'),
        (['show', 'zzz'], "no interaction 'zzz'"),
        (['show', ''], "no interaction ''"),
        (['show'], 'required: id'),
        (['erase'], 'one of the arguments --session --id --all is required'),
        (['erase', '--id', 'zzz', '--yes'], "no interaction 'zzz'"),
        (['erase', '--all', '--session', 'anna'], 'not allowed with'),
        (['export'], 'required: -o'),
        (['export', '-o', 'FOLDER'], 'directory'),
        (['dance'], 'dance'),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    words = [str(folder) if word == 'FOLDER' else word for word in words]
    if '--log' not in words:
        words = [*words, '--log', str(folder)]
    try:
        code = main(['log', *words])
    except SystemExit as done:
        code = done.code
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1
    assert len(ids(folder)) == 3


def test_an_ambiguous_beginning_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with InteractionLog(tmp_path, writer=True) as log:
        for end in '01':
            log.add(interaction(id=f'{"a" * 31}{end}'), [record()])
    assert main(['log', 'show', 'aa', '--log', str(tmp_path)]) == 2
    assert "'aa' begins 2 ids" in capsys.readouterr().err


def test_the_default_is_the_folder_of_the_node() -> None:
    nodes = pytest.importorskip('l2emg_ros.nodes.lifelong_node')
    assert nodes.LifelongParameters().log_path == command._DEFAULT
