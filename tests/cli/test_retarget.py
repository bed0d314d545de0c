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
"""`l2emg retarget` and its benchmark, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
import re

import numpy as np
from people import leaning
import pytest
import toy_robot

from l2emg_ros.cli.main import main
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / 'clip.npz'
    time = np.arange(40)[:, None] / 30
    angles = [0.5, -0.4, -0.9, -0.5, -0.4, -0.9] + 0.3 * np.sin(4 * time + np.arange(6))
    toy_robot.person(angles).save(path)
    return path


@pytest.mark.parametrize('suffix', ['.npz', '.csv'])
def test_g1(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    output = tmp_path / 'out' / f'clip_g1{suffix}'
    assert main(['retarget', str(clip), '--robot', 'g1', '-o', str(output)]) == 0
    told = capsys.readouterr().out
    assert 'Trajectory(g1, ' in told
    assert '0 limit violations' in told
    trajectory = Trajectory.load(output)
    trajectory.check(Robot.load('g1'))
    assert trajectory.robot == 'g1'


def test_options(clip: Path, tmp_path: Path) -> None:
    robot = Robot.load('g1')
    output = tmp_path / 'a.npz'
    words = ['--groups', 'left_arm,waist', '--root', 'fixed', '--from-home', '-o', str(output)]
    assert main(['retarget', str(clip), *words]) == 0
    trajectory = Trajectory.load(output)
    still = np.setdiff1d(np.arange(29), robot.indices(['left_arm', 'waist']))
    assert np.abs(trajectory.positions[:, still] - robot.home[still]).max() < 1e-4
    assert np.abs(trajectory.positions[0] - robot.home).max() < 0.01
    assert np.ptp(trajectory.root_position, axis=0) == pytest.approx(0.0)


def test_your_own_robot(clip: Path, tmp_path: Path) -> None:
    path = toy_robot.write(tmp_path)
    output = tmp_path / 'toy.npz'
    assert main(['retarget', str(clip), '--robot', str(path), '-o', str(output)]) == 0
    assert Trajectory.load(output).joint_names == Robot.load(path).joint_names


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['CLIP', '-o', 'a.mp4'], 'a.mp4: expected a file name that ends in .npz, .csv or .yaml'),
        (['CLIP', '--robot', 'h2', '-o', 'a.npz'], "unknown robot 'h2': expected one of g1"),
        (['CLIP', '--groups', 'tail', '-o', 'a.npz'], "unknown joint group 'tail'"),
        (['missing.npz', '-o', 'a.npz'], 'missing.npz: No such file'),
        (['CLIP', '--root', 'free', '-o', 'a.npz'], 'invalid choice'),
        (
            ['CLIP', '--root', 'fixed', '--must-stand', '-o', 'a.npz'],
            '--must-stand with --root fixed: a robot on a stand does not tip over',
        ),
        (
            ['CLIP', '-o', 'a.npz', '--target', 'reach 1 2'],
            "target 'reach 1 2': expected KIND X Y",
        ),
        (['CLIP', '-o', 'a.npz', '--target', 'avoid 1 2 3'], 'is 0: expected more than 0'),
        (
            ['CLIP', '-o', 'a.npz', *('--target', 'reach 1 0 0 limb=left_hand') * 2],
            'both want left_hand at the same time',
        ),
    ],
)
def test_bad_input_is_one_line(
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [str(clip) if word == 'CLIP' else word for word in words]
    try:
        code = main(['retarget', *words])
    except SystemExit as error:
        code = error.code
    told = capsys.readouterr().err
    assert code == 2
    assert message in told
    assert told.count('\n') == 1
    assert not list(tmp_path.glob('a.*'))


def test_a_motion_that_would_tip_the_robot_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said; ``--must-stand`` refuses it, and an upright one passes."""
    lean = np.interp(np.arange(90) / 30, [0.5, 2.5], [0.0, 0.35])
    path, output = tmp_path / 'lean.npz', tmp_path / 'a.npz'
    leaning(0.0 * lean, lean).save(path)
    assert main(['retarget', str(path), '-o', str(output)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r'centre of mass \d+ mm outside the soles from \d\.\d\d s on', told[-2])
    assert told[-1] == 'g1 would tip over without a balance controller'
    output.unlink()
    assert main(['retarget', str(path), '--must-stand', '-o', str(output)]) == 2
    streams = capsys.readouterr()
    assert not output.exists()
    assert not streams.out
    assert streams.err.count('\n') == 1
    assert 'lean.npz: g1 would tip over: centre of mass ' in streams.err
    assert streams.err.endswith('expected no longer than 0.5 s\n')
    leaning(0.0 * lean, 0.0 * lean).save(path)
    assert main(['retarget', str(path), '--must-stand', '-o', str(output)]) == 0
    assert 'centre of mass' not in capsys.readouterr().out
    assert output.exists()


def test_targets(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line each; what cannot be reached is approached all the same."""
    output = tmp_path / 'a.npz'
    near = 'reach 0.25 0.15 0.2 limb=left_hand duration=1.2'
    words = ['--target', near, '--target', 'point_at -0.5 -3 0.3 limb=right_hand']
    far = ['--target', 'reach 2 0 0.2 limb=left_hand start=1.2']
    assert main(['retarget', str(clip), '-o', str(output)]) == 0
    assert 'reach' not in capsys.readouterr().out
    plain = Trajectory.load(output)
    assert main(['retarget', str(clip), '-o', str(output), *words, *far]) == 0
    told = capsys.readouterr().out.splitlines()[2:5]
    assert told[0].startswith('reach (0.25, 0.15, 0.20) with left_hand: reached within ')
    assert told[1].startswith('point_at (-0.50, -3.00, 0.30) with right_hand: pointing within ')
    assert told[2] == 'reach (2.00, 0.00, 0.20): not done, the motion ends at 1.3 s'
    trajectory = Trajectory.load(output)
    trajectory.check(Robot.load('g1'))
    assert np.abs(trajectory.positions[20] - plain.positions[20]).max() > 0.3
    assert main(['retarget', str(clip), '-o', str(output), '--target', 'reach 2 0 0.2']) == 0
    told = capsys.readouterr().out.splitlines()[2:3]
    assert 'unreachable: ' in told[0]
    assert told[0].endswith('the arm of g1 is 0.47 m long')


def test_benchmark(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / 'bench.json'
    assert main(['bench', 'retarget', str(clip.parent), '--json', str(output)]) == 0
    assert 'limb_error' in capsys.readouterr().out
    content = json.loads(output.read_text())
    assert set(content) == {'name', 'commit', 'machine', 'config', 'results'}
    assert set(content['machine']) == {'cpu', 'cores', 'gpu'}
    results = content['results']
    assert results['clips'] == ['clip']
    assert results['ours']['violations'] == 0
    assert results['ours']['ms_per_frame'] > 0
    assert set(results['peers']) == {'streaming', 'compiled', 'textbook', 'pink'}
    for peer, figures in results['peers'].items():
        assert results['ratio'][peer]['ms_per_frame'] == pytest.approx(
            results['ours']['ms_per_frame'] / figures['ms_per_frame']
        )
        # Peers solve the same task: they are not straw men.
        assert figures['limb_error'] < results['ours']['limb_error'] + 15.0


def test_benchmark_of_made_motions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv('L2EMG_MOCAP_DIR', raising=False)
    assert main(['bench', 'retarget', '--clips', '2']) == 0
    assert '2 clips' in capsys.readouterr().out


def test_benchmark_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'empty').mkdir()
    assert main(['bench', 'retarget', str(tmp_path / 'empty')]) == 2
    assert 'holds no motion' in capsys.readouterr().err
