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
"""`l2emg convert`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

from bvh_files import rig_text
import numpy as np
import pytest
from samples import random_motion

from l2emg_ros.cli.main import main
from l2emg_ros.lifelong import demonstration
from l2emg_ros.motion import rigs
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    motion = random_motion(0, frames=31)
    rig = next(rig for rig in rigs.load_rigs() if rig.name == 'lafan1')
    path = tmp_path / 'clip.bvh'
    path.write_text(rig_text(rig, motion.rotations, motion.root_translation, frame_time=1 / 60))
    return path


def test_convert(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / 'out' / 'a.npz'
    assert main(['convert', str(clip), '-o', str(output)]) == 0
    assert 'Motion(31 frames, 60 fps' in capsys.readouterr().out
    assert Motion.load(output) == Motion.load(clip)


def test_options(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / 'a.npz'
    words = ['--fps', '30', '--mirror', '--text', 'a wave', '-o', str(output)]
    assert main(['convert', str(clip), *words]) == 0
    motion = Motion.load(output)
    assert (motion.fps, motion.frames, motion.text) == (30.0, 16, 'a wave')
    expected = Motion.load(clip).resample(30.0).mirror()
    assert np.array_equal(motion.poses, expected.poses)


def test_a_trajectory_becomes_a_motion(clip: Path, tmp_path: Path) -> None:
    moved, output = tmp_path / 'moved.npz', tmp_path / 'motion.npz'
    assert main(['convert', str(clip), '--fps', '30', '-o', str(output)]) == 0
    assert main(['retarget', str(output), '--robot', 'talos', '-o', str(moved)]) == 0
    expected = demonstration.load(moved)
    assert main(['convert', str(moved), '-o', str(output)]) == 0
    assert Motion.load(output) == expected
    words = ['--robot', 'talos', '--text', 'shown', '-o', str(output)]
    assert main(['convert', str(moved), *words]) == 0
    assert Motion.load(output) == expected.replace(text='shown')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['missing.bvh', '-o', 'a.npz'], 'missing.bvh: No such file'),
        (['CLIP', '-o', 'a.bvh'], 'a.bvh: expected a file name that ends in .npz'),
        (['CLIP', '-o', 'a.npz', '--fps', '0'], '--fps is 0: expected 1 to 1000'),
        (['CLIP', '-o', 'a.npz', '--fps', 'nan'], '--fps is nan: expected 1 to 1000'),
        (['CLIP', '-o', 'a.npz', '--robot', 'g1'], '--robot is g1: expected a trajectory'),
        (['TRAJECTORY', '-o', 'a.npz', '--robot', 'g1'], "g1 has no joint 'leg_left_1_joint'"),
        (['TRAJECTORY', '-o', 'a.npz', '--robot', 'g2'], "unknown robot 'g2'"),
        (['CLIP'], 'required: -o'),
        (['BROKEN', '-o', 'a.npz'], 'expected a BVH file'),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'broken.bvh').write_bytes(bytes(range(256)))
    files = {'CLIP': str(clip), 'BROKEN': 'broken.bvh', 'TRAJECTORY': 'moved.npz'}
    if 'TRAJECTORY' in words:
        Retargeter(Robot.load('talos')).retarget(Motion.load(clip), report=False).save('moved.npz')
    try:
        code = main(['convert', *(files.get(word, word) for word in words)])
    except SystemExit as exit_:
        code = exit_.code
    error = capsys.readouterr().err
    assert code == 2
    assert len(error.splitlines()) == 1
    assert message in error
    assert not (tmp_path / 'a.npz').exists()
