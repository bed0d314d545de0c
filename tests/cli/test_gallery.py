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
"""`l2emg gallery`, as a user calls it, and the pictures it draws."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from corpus.wordings import cores, normalised
import numpy as np
from PIL import Image, ImageSequence
import pytest

from l2emg_ros.bench import gallery
from l2emg_ros.cli.gallery import PROMPTS, read_prompts
from l2emg_ros.cli.main import main
from l2emg_ros.corpus import GESTURES
from l2emg_ros.emotion import LABELS
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.motion import skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory
from l2emg_ros.viz.skeleton import BACKGROUND, LEFT

WIDTH, HEIGHT = gallery._CELL
TITLE, HEADING = gallery._TITLE, gallery._HEADING


def raised(times: list[float], half: float, pace: float) -> tuple[Motion, Trajectory]:
    """Return an arm that goes up at `half` s, and a robot that is `pace` times slower."""
    robot = Robot.load('g1')
    rotations = np.zeros((len(times), 22, 4))
    rotations[..., 3] = 1.0
    rotations[:, 0] = [0.5, 0.5, 0.5, 0.5]
    up = np.array(times) >= half
    rotations[up, skeleton.index('left_shoulder')] = [0.0, 0.0, np.sin(0.7), np.cos(0.7)]
    motion = Motion.from_rotations(rotations, [[0.0, 0.0, 0.92]] * len(times), 30)
    q = np.tile(robot.home, (len(times), 1))
    q[up, robot.joint_names.index('left_shoulder_roll_joint')] += 1.6
    root, upright = np.tile([0.0, 0.0, 0.8], (len(times), 1)), [[0.0, 0.0, 0.0, 1.0]] * len(times)
    late = 1 / 30 + pace * np.array(times)
    trajectory = Trajectory(
        robot.joint_names, late, np.array(times), q, 0 * q, 0 * q, root, np.array(upright), 'g1'
    )
    return motion, trajectory


def cell(sheet: np.ndarray, row: int, column: int, robot: bool) -> np.ndarray:
    """Cut one picture out of a sheet, without the label in its corner."""
    top = TITLE + row * (HEADING + 2 * HEIGHT) + HEADING + robot * HEIGHT
    return sheet[top + 24 : top + HEIGHT, column * WIDTH : (column + 1) * WIDTH].astype(int)


def changes(sheet: np.ndarray, robot: bool) -> list[bool]:
    """Tell between which neighbours of a strip the pictures differ."""
    strip = [cell(sheet, 0, column, robot) for column in range(gallery._COLUMNS)]
    return [bool(np.abs(a - b).mean() > 1.0) for a, b in pairwise(strip)]


def test_the_prompts_are_no_sentences_of_the_corpus() -> None:
    assert len(PROMPTS) == 24
    assert set(PROMPTS) <= set(GESTURES)
    known = {normalised(text) for g in GESTURES.values() for text in (*g.sentences, *g.heldout)}
    names = set()
    for text, emotions in PROMPTS.values():
        assert normalised(text) not in known
        assert not [name for name, p in cores() if p.fullmatch(normalised(text))], text
        assert len(set(emotions) & set(LABELS)) == 3
        names.add(gallery.file_name(text))
    assert len(names) == 24


def test_one_prompt(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'prompts.txt').write_text('# two\n\nwave to the cook | happy, sad\n')
    folder = tmp_path / 'made'
    folder.mkdir()
    (folder / 'README.md').write_text('by hand')
    words = ['--model', str(tiny), '--prompts', str(tmp_path / 'prompts.txt'), '--seed', '3']
    assert main(['gallery', *words, '-o', str(folder)]) == 0
    names = ['README.md', 'wave-to-the-cook-happy.gif', 'wave-to-the-cook.png']
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / 'README.md').read_text() == 'by hand'
    printed = capsys.readouterr().out
    assert '1 sheets' in printed
    assert '1 films' in printed

    with Image.open(folder / 'wave-to-the-cook.png') as image:
        assert image.mode == 'P'
        sheet = np.asarray(image.convert('RGB'))
    size = (TITLE + 2 * (HEADING + 2 * HEIGHT), gallery._COLUMNS * WIDTH)
    assert sheet.shape[:2] == size
    for row in (0, 1):
        for column in range(gallery._COLUMNS):
            blue = [
                (np.abs(cell(sheet, row, column, robot) - LEFT).max(axis=2) < 20).sum()
                for robot in (False, True)
            ]
            assert blue[0] > 100
            assert blue[1] == 0

    motion = EmpathicGenerator.load(tiny).generate('wave to the cook', emotion='happy', seed=3)
    trajectory = Retargeter(Robot.load('g1')).retarget(motion)
    longest = max(motion.duration, trajectory.duration)
    with Image.open(folder / 'wave-to-the-cook-happy.gif') as film:
        assert film.size == (2 * gallery._PANEL[0], gallery._PANEL[1])
        shown = sum(frame.info['duration'] for frame in ImageSequence.Iterator(film))
    assert shown / 1000.0 == pytest.approx(longest, abs=0.0701)


def test_both_strips_show_the_same_instants_of_a_slower_robot(tmp_path: Path) -> None:
    times = [n / 30 for n in range(61)]
    motion, trajectory = raised(times, half=1.1, pace=2.0)
    at = gallery.performed_at(trajectory, np.array([0.0, 0.7, 2.0]))
    np.testing.assert_allclose(at, [1 / 30, 1 / 30 + 1.4, 1 / 30 + 4.0])
    gallery.write_comparison(
        tmp_path / 'a.png', 'up', Robot.load('g1'), [('calm', motion, trajectory)]
    )
    with Image.open(tmp_path / 'a.png') as image:
        sheet = np.asarray(image.convert('RGB'))
    # Seven of nine even instants of two seconds: 0.25 s apart, the fifth is the first with it up.
    assert changes(sheet, robot=False)[:4] == [False, False, False, True]
    assert changes(sheet, robot=True) == [False, False, False, True, False, False]
    corner = sheet[TITLE + HEADING + 30, gallery._COLUMNS * WIDTH - 2]
    np.testing.assert_allclose(corner, BACKGROUND, atol=3)


def test_in_a_film_each_keeps_its_own_pace(tmp_path: Path) -> None:
    motion, trajectory = raised([n / 30 for n in range(31)], half=0.5, pace=2.0)
    gallery.write_film(tmp_path / 'a.gif', Robot.load('g1'), motion, trajectory)
    first: dict[str, float] = {}
    clock = 0.0
    with Image.open(tmp_path / 'a.gif') as film:
        start = np.asarray(film.convert('RGB')).astype(int)
        for frame in ImageSequence.Iterator(film):
            moved = np.abs(np.asarray(frame.convert('RGB')) - start).max(axis=2) > 60
            for name, half in zip(('person', 'robot'), np.split(moved, 2, axis=1), strict=True):
                if half.mean() > 0.005:
                    first.setdefault(name, clock)
            clock += frame.info['duration'] / 1000.0
    assert first['person'] == pytest.approx(0.5, abs=0.08)
    assert first['robot'] == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('nod', "1: 'nod': expected sentence | emotion"),
        ('# one\nnod | ', "2: 'nod |': expected sentence | emotion"),
        ('nod | merry', "1: unknown emotion 'merry'"),
        ('nod! | sad\nNod | happy', "2: 'Nod' makes no file name of its own"),
        ('うなずく | sad', 'makes no file name of its own'),
        ('# nothing', 'holds no prompt'),
    ],
)
def test_bad_prompts_are_refused_in_one_line(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'p.txt').write_text(content, 'utf-8')
    assert main(['gallery', '--prompts', str(tmp_path / 'p.txt'), '-o', str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


def test_more_films_than_prompts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['gallery', '--gifs', '25', '-o', str(tmp_path / 'made')]) == 2
    assert '--gifs is 25: expected 0 to 24' in capsys.readouterr().err
    assert not (tmp_path / 'made').exists()


def test_a_sentence_may_hold_a_bar(tmp_path: Path) -> None:
    (tmp_path / 'p.txt').write_text('nod | or not | calm, sad')
    assert read_prompts(tmp_path / 'p.txt') == [('nod | or not', ('calm', 'sad'))]
