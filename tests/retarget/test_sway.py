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
"""The body comes over its feet where it stands slowly, and nowhere else."""

from __future__ import annotations

import numpy as np
from people import leaning
import pytest
import toy_robot

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import balance
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.stance import Stance
from l2emg_ros.retarget.sway import lagged, Masses, Sway
from l2emg_ros.retarget.targets import Builder

STEP = 1.0 / 30.0
_RAMP = np.interp(np.arange(120) * STEP, [0.5, 2.5], [0.0, 1.0])


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def _bow() -> Motion:
    """Return a bow over upright legs, without the hips that a person moves back for it."""
    return leaning(0.8 * _RAMP, 0.0 * _RAMP)


@pytest.mark.parametrize('name', ['g1', 'talos'])
def test_points_and_parts_tell_the_centre_of_mass(name: str) -> None:
    """Of poses of a gesture, which no weight was fitted to."""
    robot = Robot.load(name)
    builder = Builder(robot)
    motion = synthesise('bow', Emotion('happy').weights(), np.random.default_rng(3))
    poses = Retargeter(robot).solve(motion.resample(30.0))[0][::5]
    places, axes = robot.places((*builder.points, *builder.parts), poses)
    count = len(builder.points)
    told = Masses(robot, builder.points, builder.parts).centre(places[:, :count], axes[:, count:])
    away = told - balance.centre_of_mass(robot, poses)
    assert np.abs(away).max() < 0.006
    assert np.ptp(told, axis=0).max() > 0.05


def test_mirrored_points_have_the_mirrored_centre_of_mass(g1: Robot) -> None:
    builder, rng = Builder(g1), np.random.default_rng(0)
    masses = Masses(g1, builder.points, builder.parts)
    points = rng.normal(size=(5, len(builder.points), 3))
    axes = rng.normal(size=(5, len(builder.parts), 3, 3))
    other = {'l': 'r', 'r': 'l'}
    sides = [
        [keys.index(other.get(key[0], key[0]) + key[1:] if key[1] == '_' else key) for key in keys]
        for keys in (builder.points, builder.parts)
    ]
    flip = np.array([1.0, -1.0, 1.0])
    mirrored = masses.centre(points[:, sides[0]] * flip, flip[:, None] * axes[:, sides[1]] * flip)
    assert mirrored == pytest.approx(masses.centre(points, axes) * flip)


def test_a_bow_is_brought_back_over_the_soles(g1: Robot) -> None:
    """Without the repair the same bow would tip the robot over."""
    shifted, plain = Retargeter(g1), Retargeter(g1)
    plain.builder._masses = None
    repaired, tipping = shifted.retarget(_bow()), plain.retarget(_bow())
    before = balance.standing(g1, tipping)
    assert before.distance[-1] > 0.03
    assert any(o.tips for o in balance.overhangs(before, tipping.time_from_start))
    after = balance.standing(g1, repaired)
    assert after.distance.max() == 0.0
    assert repaired.report is not None
    assert tipping.report is not None
    assert repaired.report.upright == 1.0 > tipping.report.upright
    # The feet stay, and nothing is paid for it in smoothness.
    assert repaired.report.skate < 1.0
    assert repaired.report.foot < tipping.report.foot + 0.1
    assert repaired.report.jerk < 1.05 * tipping.report.jerk + 1.0


@pytest.mark.parametrize('size', [1, 7])
def test_chunks_give_what_the_whole_gives(g1: Robot, size: int) -> None:
    motion = _bow()
    whole = Retargeter(g1).solve(motion)[0]
    pieces = Retargeter(g1)
    starts = range(0, motion.frames, size)
    parts = [pieces.solve(motion.slice(n, min(n + size, motion.frames)))[0] for n in starts]
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-9)
    assert np.abs(pieces.stance.sway._shift).max() > 0.02
    pieces.reset()
    assert not pieces.stance.sway._shift.any()


def _feet(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ankles (T, 2, 3) side by side and level soles (T, 2, 3, 3)."""
    ankles = np.tile([[0.0, 0.1, 0.035], [0.0, -0.1, 0.035]], (frames, 1, 1))
    return ankles, np.tile(np.eye(3), (frames, 2, 1, 1))


def _centres(x: np.ndarray) -> np.ndarray:
    return np.stack([x, np.zeros_like(x), np.full_like(x, 0.7)], axis=1)


def test_feet_move_together_under_the_centre_of_mass(g1: Robot) -> None:
    ankles, soles = _feet(60)
    moved = Sway(g1).push(_centres(np.full(60, 0.15)), ankles, soles, np.ones((60, 2)), STEP)
    shift = moved - ankles
    assert shift[:, 0] == pytest.approx(shift[:, 1])
    # Ahead by as much as takes it over the inner part of the soles; 12 cm ahead is the toe.
    assert shift[-1, 0] == pytest.approx([0.15 - (0.035 + 0.6 * 0.085), 0.0, 0.0], abs=1e-3)
    inside = Sway(g1).push(_centres(np.full(60, 0.05)), ankles, soles, np.ones((60, 2)), STEP)
    assert np.array_equal(inside, ankles)


def test_a_body_far_outside_is_followed_by_no_more_than_a_step(g1: Robot) -> None:
    ankles, soles = _feet(60)
    moved = Sway(g1).push(_centres(np.full(60, 0.9)), ankles, soles, np.ones((60, 2)), STEP)
    assert (moved - ankles)[-1, 0, 0] == pytest.approx(0.1)


def test_on_one_foot_the_body_comes_over_that_one(g1: Robot) -> None:
    ankles, soles = _feet(60)
    held = np.tile([1.0, 0.0], (60, 1))
    moved = Sway(g1).push(_centres(np.zeros(60)), ankles, soles, held, STEP)
    assert -0.1 < (moved - ankles)[-1, 0, 1] < -0.07


def test_what_is_fast_or_in_the_air_is_left_alone(g1: Robot) -> None:
    ankles, soles = _feet(30)
    fast = _centres(0.15 + 0.3 * STEP * np.arange(30))
    sway = Sway(g1)
    sway.push(fast[:1] - 0.3 * STEP, ankles[:1], soles[:1], np.zeros((1, 2)), STEP)
    assert np.array_equal(sway.push(fast, ankles, soles, np.ones((30, 2)), STEP), ankles)
    still = _centres(np.full(30, 0.3))
    assert np.array_equal(Sway(g1).push(still, ankles, soles, np.zeros((30, 2)), STEP), ankles)


def test_a_shift_is_smooth_and_goes_when_the_feet_leave(g1: Robot) -> None:
    ankles, soles = _feet(120)
    x = np.where(np.arange(120) < 60, 0.05, 0.16)
    held = np.tile((np.arange(120) < 90)[:, None].astype(float), 2)
    moved = Sway(g1).push(_centres(x), ankles, soles, held, STEP) - ankles
    way = moved[:, 0, 0]
    assert way[:60].max() == 0.0
    assert way[89] > 0.05
    assert way[-1] < 0.01
    assert np.abs(np.diff(way)).max() / STEP < 0.3


def test_one_of_two_standing_feet_does_not_hang_in_the_air(g1: Robot) -> None:
    motion = leaning(np.zeros(60), np.zeros(60))
    ankles, soles = _feet(60)
    ankles[:, 0, 2] += 0.012
    held, _ = Stance(g1).push(motion, ankles, soles)
    assert held[:, 1, 2] == pytest.approx(held[:, 0, 2])
    assert held[:, 0, 2] == pytest.approx(ankles[:, 0, 2])
    # In the air nothing says that both feet are on one floor.
    jump = motion.replace(trans=motion.trans + np.array([0.0, 0.0, 0.3]))
    held, _ = Stance(g1).push(jump, ankles, soles)
    assert held[..., 2] == pytest.approx(ankles[..., 2])


def test_robots_without_legs_on_a_stand_or_without_mass_do_not_sway(
    g1: Robot, tmp_path_factory: pytest.TempPathFactory
) -> None:
    toy = Robot.load(toy_robot.write(tmp_path_factory.mktemp('toy')))
    assert Builder(toy)._masses is None
    assert Builder(g1, 'fixed')._masses is None
    motion = _bow().slice(0, 30)
    trajectory = Retargeter(toy).retarget(motion)
    assert trajectory.report is not None
    assert (trajectory.report.slow, trajectory.report.upright) == (0.0, 1.0)
    Retargeter(g1, RetargetConfig(root='fixed')).retarget(motion, report=False)


def test_a_lag_goes_on_where_it_was() -> None:
    values = np.random.default_rng(0).normal(size=(20, 2))
    whole = lagged(values[:1], values, 0.3)
    first = lagged(values[:1], values[:9], 0.3)
    assert np.array_equal(np.vstack([first, lagged(first[-1:], values[9:], 0.3)]), whole)
    assert np.array_equal(whole[0], values[0])
