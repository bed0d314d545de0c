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
"""`l2emg bench retarget`: what it measures, on which clips, and beside whom."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from l2emg_ros.cli.main import main
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot
from tests import toy_robot

NAMES = ('a_1', 'a_2', 'b_1', 'b_2', 'b_3')


@pytest.fixture(scope='module')
def robot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_robot.write(tmp_path_factory.mktemp('toy'))


@pytest.fixture(scope='module')
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('clips')
    for number, name in enumerate(NAMES):
        swing = 0.4 * np.sin(np.linspace(0.0, 3.0 + number, 25))[:, None]
        q = np.tile([0.5, -0.4, -0.9, -0.5, -0.4, -0.9], (25, 1)) + swing
        toy_robot.person(q).save(folder / f'{name}.npz')
    return folder


def _measure(tmp_path: Path, *options: str) -> dict[str, object]:
    file = tmp_path / 'results.json'
    assert main(['bench', 'retarget', *options, '--json', str(file)]) == 0
    return dict(json.loads(file.read_text())['results'])


def test_figures_of_all_methods(
    clips: Path, robot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / 'table.md'
    results = _measure(tmp_path, str(clips), '--robot', str(robot), '--markdown', str(page))
    assert results['clips'] == list(NAMES)
    ours, peers = results['ours'], results['peers']
    assert isinstance(ours, dict)
    assert isinstance(peers, dict)
    assert ours['violations'] == 0
    assert ours['limb_error'] < 15.0
    assert set(peers) >= {'streaming', 'textbook'}
    for figures in (ours, *peers.values()):
        assert 0.0 < figures['ms_per_frame'] <= figures['ms_per_frame_p99'] * 1.5
    rows = page.read_text().splitlines()
    assert rows[0] == '5 clips'
    told = capsys.readouterr().out
    for name in ours:
        assert name in told
        assert any(row.startswith(f'| {name} |') for row in rows)
    assert {row.count('|') for row in rows[2:] if row} == {rows[2].count('|')}


def test_clips_that_are_left_out(clips: Path, robot: Path, tmp_path: Path) -> None:
    where = (str(clips), '--robot', str(robot))
    assert _measure(tmp_path, *where, '--clips', '2')['clips'] == ['a_1', 'b_3']
    assert _measure(tmp_path, *where, '--held-out', '2')['clips'] == ['a_2', 'b_1', 'b_2']
    left = _measure(tmp_path, *where, '--without', 'a_*', '--without', 'b_2')['clips']
    assert left == ['b_1', 'b_3']


def test_trajectories_of_another_system(clips: Path, robot: Path, tmp_path: Path) -> None:
    """Ours from files get the marks that ours get, and no time."""
    from l2emg_ros.motion.motion import Motion

    retargeter = Retargeter(Robot.load(robot))
    for name, suffix in zip(NAMES[:2], ('npz', 'csv'), strict=True):
        trajectory = retargeter.retarget(Motion.load(clips / f'{name}.npz'))
        trajectory.save(tmp_path / f'{name}.{suffix}')
    results = _measure(
        tmp_path, str(clips), '--robot', str(robot), '--without', 'b_*', '--others', str(tmp_path)
    )
    ours, peers = results['ours'], results['peers']
    assert isinstance(ours, dict)
    assert isinstance(peers, dict)
    assert peers['others']['limb_error'] == pytest.approx(ours['limb_error'], rel=1e-6)
    assert 'ms_per_frame' not in peers['others']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--clips', '-1'), '--clips is -1: expected 0 or more'),
        (('--held-out', '-2'), '--held-out is -2: expected 0 or more'),
        (('--without', '*'), 'is left: expected fewer to be left out'),
        (('--clips', '1', '--others', 'nowhere'), 'nowhere holds no a_1.npz and no a_1.csv'),
    ],
)
def test_bad_options(
    clips: Path,
    robot: Path,
    options: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(['bench', 'retarget', str(clips), '--robot', str(robot), *options]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count('\n') == 1
