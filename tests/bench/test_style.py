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
"""The style benchmark: measures of motions made by hand, and the comparison of signs."""

from __future__ import annotations

import json
from pathlib import Path

from bvh_files import rig_text
import numpy as np
from numpy.typing import NDArray
import pytest
from samples import random_motion

from l2emg_ros.bench import style
from l2emg_ros.cli.main import main
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rigs, rotation, skeleton
from l2emg_ros.motion.motion import Motion

# From the shoulder to the wrist and the elbow of a stretched arm, m.
WRIST = float(np.linalg.norm(skeleton.REST_OFFSETS[18] + skeleton.REST_OFFSETS[20]))
FPS = 30.0


def person(frames: int = 150, arms: float = 1.5, **turned: float | NDArray[np.float64]) -> Motion:
    """Return a person facing x with the arms lowered, and joints turned forward by degrees.

    Args:
        frames: Length.
        arms: Radians that the arms are lowered from the T-pose.
        **turned: Degrees about the axis to the left, by joint, constant or over time.
    """
    rotations = np.zeros((frames, 22, 4))
    rotations[..., 3] = 1.0
    for name, sign in (('left_shoulder', -1.0), ('right_shoulder', 1.0)):
        rotations[:, skeleton.index(name)] = rotation.from_rotvec([0.0, 0.0, sign * arms])
    for name, degrees in turned.items():
        vectors = np.zeros((frames, 3))
        vectors[:, 0] = np.radians(degrees)
        joint = skeleton.index(name)
        rotations[:, joint] = rotation.multiply(rotation.from_rotvec(vectors), rotations[:, joint])
    rotations[:, 0] = rotation.multiply(rotation.SMPL_TO_ROS_QUAT, rotations[:, 0])
    return Motion.from_rotations(rotations, np.tile([0.0, 0.0, 0.92], (frames, 1)), FPS)


def swinging(hertz: float, degrees: float = 5.0) -> Motion:
    """Return a person who swings both stretched arms to and fro for whole periods."""
    swing = degrees * np.sin(2 * np.pi * hertz * np.arange(150) / FPS)
    return person(left_shoulder=swing, right_shoulder=swing)


def test_wrist_measures_have_their_physical_values() -> None:
    hertz = 1.0
    found = style.measure(swinging(hertz))
    # The arm hangs 0.07 rad from the axis it swings about; the path is an arc of this radius.
    reach = WRIST * np.radians(5.0)
    omega = 2 * np.pi * hertz
    # Mean of |sin| is 2 / pi, its root mean square 1 / sqrt(2).
    assert found['wrist amplitude'] == pytest.approx(reach / np.sqrt(2), rel=0.03)
    assert found['wrist speed'] == pytest.approx(reach * omega * 2 / np.pi, rel=0.03)
    assert found['wrist acceleration'] == pytest.approx(reach * omega**2 * 2 / np.pi, rel=0.03)
    assert found['tempo'] == pytest.approx(hertz, rel=0.02)


def test_a_faster_and_a_larger_swing() -> None:
    slow, fast, large = (style.measure(m) for m in (swinging(1), swinging(2), swinging(1, 10)))
    assert fast['wrist speed'] == pytest.approx(2 * slow['wrist speed'], rel=0.03)
    assert fast['wrist acceleration'] == pytest.approx(4 * slow['wrist acceleration'], rel=0.05)
    assert fast['wrist amplitude'] == pytest.approx(slow['wrist amplitude'], rel=0.01)
    assert fast['tempo'] == pytest.approx(2 * slow['tempo'], rel=0.03)
    assert large['wrist amplitude'] == pytest.approx(2 * slow['wrist amplitude'], rel=0.01)
    assert large['wrist speed'] == pytest.approx(2 * slow['wrist speed'], rel=0.01)
    assert large['tempo'] == pytest.approx(slow['tempo'], rel=0.01)


@pytest.mark.parametrize('degrees', [-15.0, 20.0, 100.0])
def test_leaning_turns_the_trunk_and_not_the_neck(degrees: float) -> None:
    upright, leaning = style.measure(person()), style.measure(person(pelvis=degrees))
    assert leaning['trunk pitch'] - upright['trunk pitch'] == pytest.approx(degrees, abs=0.01)
    assert leaning['neck pitch'] == pytest.approx(upright['neck pitch'], abs=0.01)
    assert leaning['arm opening'] == pytest.approx(upright['arm opening'], abs=1e-3)


@pytest.mark.parametrize('degrees', [-10.0, 25.0])
def test_a_lowered_head_turns_the_neck_and_not_the_trunk(degrees: float) -> None:
    upright, lowered = style.measure(person()), style.measure(person(neck=degrees))
    assert lowered['neck pitch'] - upright['neck pitch'] == pytest.approx(degrees, abs=0.01)
    assert lowered['trunk pitch'] == pytest.approx(upright['trunk pitch'], abs=1e-6)


def test_arm_opening_is_the_distance_of_the_elbows_from_the_trunk() -> None:
    wide = style.measure(person(arms=0.0))['arm opening']
    beside = sum(skeleton.REST_OFFSETS[joint][0] for joint in (13, 16, 18))
    assert wide == pytest.approx(beside, abs=0.01)
    narrow = [style.measure(person(arms=angle))['arm opening'] for angle in (0.5, 1.0, 1.5)]
    assert wide > narrow[0] > narrow[1] > narrow[2]


def test_where_a_person_walks_and_faces_does_not_count() -> None:
    motion = swinging(1.5)
    turn = rotation.from_rotvec([0.0, 0.0, 2.1])
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    walk = motion.root_translation + np.linspace(0, 4, motion.frames)[:, None] * [1.0, -0.5, 0.0]
    elsewhere = Motion.from_rotations(rotations, walk, FPS)
    assert style.measure(elsewhere) == pytest.approx(style.measure(motion), abs=1e-4)


def test_both_hands_count_the_same() -> None:
    motion = random_motion()
    assert style.measure(motion.mirror()) == pytest.approx(style.measure(motion), rel=1e-3)


def test_stillness_is_no_division_by_zero() -> None:
    found = style.measure(person())
    assert (found['wrist speed'], found['tempo']) == (0.0, 0.0)
    with pytest.raises(BadRequest, match='2 frames: expected at least 3'):
        style.measure(person(frames=2))


def figures(changes: list[float]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return contents in which every measure of every emotion changes from 2 by these values."""
    neutral = np.full(len(style.MEASURES), 2.0)
    return {
        f'content {number}': {
            'neutral': neutral,
            **dict.fromkeys(style.EMOTIONS, neutral + change),
        }
        for number, change in enumerate(changes)
    }


@pytest.mark.parametrize(
    ('real', 'made', 'agree'),
    [
        ([1, 1, 1, 1, -9], [1, -0.5], True),  # four of five rise: the sign is not of the mean
        ([1, 1, 1, 1, -9], [-1, 0.5], False),
        ([-1, -1, -1, -1, 1], [-1], True),
        ([-1, -1, -1, -1, 1], [1], False),
        ([1, 1, 1, -1, -1], [1], None),  # three of five: people do not agree
        ([1, 1, 1, 0, 0], [1], None),  # no change is no rise
        ([1, 1], [0.5, -0.5], False),  # no mean change is no sign
    ],
)
def test_agreement(real: list[float], made: list[float], agree: bool | None) -> None:
    results = style.compare(figures(real), figures(made))
    cells = [cell for row in results['cells'].values() for cell in row.values()]
    assert len(cells) == len(style.EMOTIONS) * len(style.MEASURES)
    assert {cell['agree'] for cell in cells} == {agree}
    assert results['of'] == (0 if agree is None else len(cells))
    assert results['agreeing'] == (len(cells) if agree else 0)
    assert results['share'] == (1.0 if agree else 0.0)


def test_changes_are_shares_of_neutral_and_angles_degrees() -> None:
    results = style.compare(figures([1, 0.5, 0.3]), figures([-1, 0.2]))
    row = results['cells']['sad']
    assert row['wrist speed']['real'] == {
        'change': pytest.approx(30.0),
        'rising': 3,
        'falling': 0,
        'of': 3,
    }
    assert row['neck pitch']['real']['change'] == pytest.approx(0.6)
    assert row['neck pitch']['made']['change'] == pytest.approx(-0.4)
    told = style.table({'made_by': 'corpus', **results}).splitlines()
    assert len(told) == 2 + 35
    assert told[-1].startswith('signs agree in 0 of 35 cells')
    assert '+30.0 %' in told[1]
    assert '-20.0 %' in told[1]
    assert told[1].endswith('NO')


def test_an_emotion_nobody_plays() -> None:
    content = figures([1.0])
    del content['content 0']['proud']
    with pytest.raises(BadRequest, match='no content is played both proud and neutral'):
        style.compare(content, figures([1.0]))


def recorded(folder: Path) -> Path:
    """Write a dance of each style as clips; every style swings faster than neutral."""
    rig = next(rig for rig in rigs.load_rigs() if rig.name == 'bandai')
    (folder / 'bandai1').mkdir()
    for word in ('normal', *style.EMOTIONS, 'giant'):
        motion = swinging(1.0 if word == 'normal' else 2.0)
        text = rig_text(rig, motion.rotations, motion.root_translation)
        (folder / 'bandai1' / f'dataset-1_dance-short_{word}_001.bvh').write_text(text)
    return folder


def test_command_measures_the_model(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(style, 'CONTENTS', ('nod',))
    output = tmp_path / 'style.json'
    words = ['--mocap', str(recorded(tmp_path)), '--model', str(tiny), '--seeds', '1']
    assert main(['bench', 'style', *words, '--json', str(output)]) == 0
    assert 'cells in which the real contents agree' in capsys.readouterr().out
    results = json.loads(output.read_text())['results']
    assert results['made_by'] == 'model'
    speed = results['cells']['tired']['wrist speed']
    assert speed['real']['change'] == pytest.approx(100.0, rel=0.05)
    assert (speed['real']['of'], speed['made']['of']) == (1, 1)


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([], 'no real motion: expected --mocap DIR or L2EMG_MOCAP_DIR'),
        (['--mocap', 'nowhere'], 'nowhere/bandai1 holds no dataset-1_CONTENT_STYLE_NUMBER.bvh'),
        (['--mocap', 'nowhere', '--seeds', '0'], '--seeds is 0: expected 1 or more'),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.delenv('L2EMG_MOCAP_DIR', raising=False)
    assert main(['bench', 'style', '--corpus', *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count('\n') == 1


def test_the_corpus_moves_as_people_do(
    mocap_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'style.json'
    words = ['--mocap', str(mocap_dir), '--corpus', '--seeds', '1', '--json', str(output)]
    assert main(['bench', 'style', *words]) == 0
    assert 'happy   wrist speed' in capsys.readouterr().out
    results = json.loads(output.read_text())['results']
    assert results['of'] >= 10
    assert results['share'] >= style.WANTED
