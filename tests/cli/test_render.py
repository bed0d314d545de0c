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
"""`l2emg render`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from PIL import Image
import pytest
from samples import random_motion

from l2emg_ros.cli.main import main
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    random_motion(0, frames=31).save(tmp_path / 'motion.npz')
    return tmp_path / 'motion.npz'


@pytest.fixture
def trajectory(tmp_path: Path) -> Path:
    robot = Robot.load('g1')
    times = np.arange(1, 7) / 30.0
    q = np.tile(robot.home, (6, 1))
    root, upright = np.tile([0.0, 0.0, 0.8], (6, 1)), np.tile([0.0, 0.0, 0.0, 1.0], (6, 1))
    Trajectory(
        robot.joint_names, times, times, q, 0 * q, 0 * q, root, upright, 'g1', 'stand'
    ).save(tmp_path / 'trajectory.npz')
    return tmp_path / 'trajectory.npz'


def test_motion_as_video(motion: Path, tmp_path: Path) -> None:
    output = tmp_path / 'a.mp4'
    words = ['--size', '160x208', '--fps', '10', '-o', str(output)]
    assert main(['render', str(motion), *words]) == 0
    images = imageio.imread(output, plugin='FFMPEG')
    assert images.shape == (11, 208, 160, 3)


def test_motion_as_gif_and_sheet(motion: Path, tmp_path: Path) -> None:
    assert main(['render', str(motion), '--fps', '10', '-o', str(tmp_path / 'a.gif')]) == 0
    with Image.open(tmp_path / 'a.gif') as gif:
        assert gif.n_frames == 11
    assert main(['render', str(motion), '--poses', '4', '-o', str(tmp_path / 'a.png')]) == 0
    with Image.open(tmp_path / 'a.png') as sheet:
        assert sheet.size[0] % 240 == 0


def test_trajectory(trajectory: Path, tmp_path: Path) -> None:
    output = tmp_path / 'a.mp4'
    assert (
        main(['render', str(trajectory), '--size', '96x96', '--fps', '10', '-o', str(output)]) == 0
    )
    assert imageio.imread(output, plugin='FFMPEG').shape == (3, 96, 96, 3)
    words = ['--poses', '2', '--size', '96x96', '--robot', 'g1', '-o', str(tmp_path / 'a.png')]
    assert main(['render', str(trajectory), *words]) == 0
    assert (tmp_path / 'a.png').stat().st_size > 1000


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['nothing.npz', '-o', 'a.mp4'], 'nothing.npz: No such file'),
        (['MOTION', '-o', 'a.avi'], 'a.avi: expected a name that ends in .mp4'),
        (['MOTION', '-o', 'a.mp4', '--size', 'large'], 'expected WIDTHxHEIGHT'),
        (['MOTION', '-o', 'a.mp4', '--size', '9999x9999'], 'expected 64x64 to'),
        (['MOTION', '-o', 'a.mp4', '--fps', '-1'], '--fps is -1'),
        (['MOTION', '-o', 'a.png', '--poses', '0'], '--poses is 0'),
        (['junk.npz', '-o', 'a.png'], 'junk.npz: '),
        (['junk.txt', '-o', 'a.png'], 'junk.txt: expected'),
        (['TRAJECTORY', '-o', 'a.png', '--robot', 'r2d2'], 'r2d2'),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    motion: Path,
    trajectory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ('junk.npz', 'junk.txt'):
        (tmp_path / name).write_bytes(bytes(range(256)))
    files = {'MOTION': str(motion), 'TRAJECTORY': str(trajectory)}
    assert main(['render', *(files.get(word, word) for word in words)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert message in error
    assert not list(tmp_path.glob('a.*'))
