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
"""Feet that stand: they stay, they are level, and no frame ahead is read."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion import limbs, rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import heel_and_toe, RootPlanner
from l2emg_ros.retarget.stance import Stance, steadied

FRAMES = 60


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def _standing(frames: int = FRAMES) -> Motion:
    """Someone who stands still with both feet on the floor."""
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 22, 1))
    rotations[:, 0] = rotation.SMPL_TO_ROS_QUAT
    still = Motion.from_rotations(rotations, np.zeros((frames, 3)), 30.0)
    low = still.joint_positions()[0, skeleton.index('left_foot'), 2]
    return still.replace(trans=np.tile([0.0, 0.0, skeleton.FOOT_HEIGHT - low], (frames, 1)))


def _feet(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Ankles (T, 2, 3) and soles (T, 2, 3, 3) of the person."""
    columns = [skeleton.index(f'{side}_ankle') for side in ('left', 'right')]
    turns = rotation.to_matrix(motion.joint_orientations()[:, columns])
    return motion.joint_positions()[:, columns], turns @ rotation.SMPL_TO_ROS.T


def _moved(motion: Motion, foot: int, way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Feet of a motion, one of them moved by (T, 3) although the person stands."""
    ankles, soles = _feet(motion)
    ankles = ankles.copy()
    ankles[:, foot] += way
    return ankles, soles


def test_a_standing_foot_that_creeps_is_held(g1: Robot) -> None:
    way = np.zeros((FRAMES, 3))
    way[:, 0] = np.linspace(0.0, 0.04, FRAMES)
    ankles, soles = _moved(_standing(), 0, way)
    held, _ = Stance(g1).push(_standing(), ankles, soles)
    apart = (held[:, 0] - held[:, 1])[:, 0]
    assert np.ptp(apart) < 0.01
    assert held[..., 2] == pytest.approx(ankles[..., 2])


def test_a_foot_never_stays_farther_behind_than_a_step(g1: Robot) -> None:
    way = np.zeros((FRAMES, 3))
    way[:, 0] = np.linspace(0.0, 0.5, FRAMES)
    ankles, soles = _moved(_standing(), 1, way)
    held, _ = Stance(g1).push(_standing(), ankles, soles)
    assert np.linalg.norm(held - ankles, axis=-1).max() < 0.09


def test_the_body_gives_way_to_feet_that_slide_together(g1: Robot) -> None:
    """A capture that drifts as a whole must not bend the legs more and more."""
    drift = np.linspace(0.0, 0.3, FRAMES)[:, None] * [1.0, 0.0, 0.0]
    standing = _standing()
    drifting = standing.replace(trans=standing.trans + drift)
    ankles, soles = _feet(drifting)
    held, _ = Stance(g1).push(drifting, ankles, soles)
    behind = held - ankles
    # The feet of the motion are as level as single precision is.
    assert behind[:, 0] == pytest.approx(behind[:, 1], abs=1e-8)
    assert np.abs(behind).max() < 0.04


def test_feet_in_the_air_are_left_alone(g1: Robot) -> None:
    up = _standing().replace(trans=_standing().trans + np.array([0.0, 0.0, 0.3]))
    way = np.sin(np.arange(FRAMES) / 5)[:, None] * [0.1, 0.05, 0.0]
    ankles, soles = _moved(up, 0, way)
    held, turned = Stance(g1).push(up, ankles, soles)
    assert held == pytest.approx(ankles, abs=1e-9)
    assert turned == pytest.approx(soles, abs=1e-9)


def test_what_is_level_is_learned_from_standing_feet(g1: Robot) -> None:
    """The feet of some skeletons rest with the toes down: level when they stand, on and off."""
    standing = _standing()
    ankles, soles = _feet(standing)
    tilted = soles @ rotation.to_matrix(rotation.from_rotvec([0.0, 0.25, 0.0]))
    lifted = standing.replace(trans=standing.trans + np.array([0.0, 0.0, 0.3]))
    stance = Stance(g1)
    assert stance.push(standing, ankles, tilted)[1][..., 2, 2] == pytest.approx(1.0)
    assert stance.push(lifted, ankles, tilted)[1][..., 2, 2] == pytest.approx(1.0)
    # Without having seen them stand there is nothing to tell.
    assert Stance(g1).push(lifted, ankles, tilted)[1] == pytest.approx(tilted)
    stance.reset()
    assert stance.push(lifted, ankles, tilted)[1] == pytest.approx(tilted)


def test_a_standing_foot_turns_as_the_person_s_does(g1: Robot) -> None:
    standing = _standing()
    ankles, soles = _feet(standing)
    turn = rotation.from_rotvec(np.linspace(0.0, 0.5, FRAMES)[:, None] * [0.0, 0.0, 1.0])
    spun = rotation.to_matrix(turn)[:, None] @ soles
    turned = Stance(g1).push(standing, ankles, spun)[1]
    assert np.abs(limbs.heading(turned) - limbs.heading(spun)).max() < 0.02


def test_flat_feet_of_a_whole_motion_turn_little() -> None:
    """Around their mean, and not at all less in the air."""
    time = np.arange(60) / 30
    yaw = np.stack([0.1 * np.sin(4.0 * time), 0.3 + 0.5 * time], axis=1)
    soles = rotation.to_matrix(rotation.from_rotvec(yaw[..., None] * [0.0, 0.0, 1.0]))
    flat = np.ones((60, 2))
    flat[20:40] = 0.0
    ahead = limbs.heading(steadied(soles, flat))[..., 0]
    turned = np.arctan2(ahead[..., 1], ahead[..., 0])
    for stand in (slice(0, 20), slice(40, 60)):
        assert np.all(np.ptp(turned[stand], axis=0) < 0.8 * np.ptp(yaw[stand], axis=0))
        assert turned[stand].mean(axis=0) == pytest.approx(yaw[stand].mean(axis=0), abs=0.01)
    assert turned[21:39] == pytest.approx(yaw[21:39], abs=1e-6)
    assert steadied(soles[:1], flat[:1]) == pytest.approx(soles[:1])


def test_heel_and_toe_are_where_the_planner_has_them(g1: Robot) -> None:
    planner = RootPlanner(g1)
    corners = planner.corners(g1.home[None], np.eye(3)[None])
    parts = planner.parts(corners)[0].reshape(2, 2, 3)
    home = g1.home_points()
    for number, side in enumerate('lr'):
        axes = g1.home_axes(f'{side}_sole')
        ends = home[f'{side}_ankle'] + heel_and_toe(g1, side) @ axes.T
        assert ends == pytest.approx(parts[number], abs=1e-9)


def _cut(frames: int, cuts: Sequence[int]) -> list[tuple[int, int]]:
    ends = sorted({min(cut, frames) for cut in cuts} | {frames})
    return list(zip([0, *ends[:-1]], ends, strict=True))


@settings(deadline=None, max_examples=3)
@given(cuts=st.lists(st.integers(1, 59), max_size=5), seed=st.integers(0, 50))
def test_chunks_of_any_size_give_what_the_whole_gives(cuts: list[int], seed: int) -> None:
    """Strictly causal: frame by frame or at once, to the last bits."""
    robot = Robot.load('g1')
    rng = np.random.default_rng(seed)
    gesture = ('walk_guide', 'dance', 'wave', 'bow')[seed % 4]
    motion = synthesise(gesture, Emotion('happy').weights(), rng).resample(30.0).slice(0, 60)
    whole, pieces = Retargeter(robot), Retargeter(robot)
    joints, root = whole.solve(motion)
    parts = [pieces.solve(motion.slice(*ends)) for ends in _cut(motion.frames, cuts)]
    assert np.concatenate([part[0] for part in parts]) == pytest.approx(joints, abs=1e-9)
    assert np.concatenate([part[1] for part in parts]) == pytest.approx(root, abs=1e-9)


def test_single_frames_give_what_the_whole_gives(g1: Robot) -> None:
    motion = synthesise('walk_guide', Emotion('sad').weights(), np.random.default_rng(1))
    motion = motion.resample(30.0).slice(0, 60)
    joints, _ = Retargeter(g1).solve(motion)
    single = Retargeter(g1)
    frames = [single.solve(motion.slice(row, row + 1))[0] for row in range(motion.frames)]
    assert np.concatenate(frames) == pytest.approx(joints, abs=1e-9)


def test_no_frame_ahead_is_read(g1: Robot) -> None:
    """Whatever comes after a frame, even nonsense, the frames before are the same bits."""
    rng = np.random.default_rng(4)
    motion = synthesise('dance', Emotion('happy').weights(), rng).resample(30.0).slice(0, 60)
    now = 35
    other = motion.poses.copy()
    other[now:] = rng.uniform(-2.0, 2.0, other[now:].shape)
    place = motion.trans.copy()
    place[now:] += rng.uniform(-5.0, 5.0, place[now:].shape)
    changed = motion.replace(poses=other, trans=place)
    joints, root = Retargeter(g1).solve(motion)
    others, roots = Retargeter(g1).solve(changed)
    assert np.array_equal(joints[:now], others[:now])
    assert np.array_equal(root[:now], roots[:now])
    assert not np.array_equal(joints[now:], others[now:])


def test_feet_broader_than_a_person_s_stand_side_by_side(g1: Robot) -> None:
    """Ankles a foot's width apart at least, on the floor; feet that pass above are not pushed."""
    standing = _standing()
    ankles, soles = _feet(standing)
    middle = ankles.mean(axis=1, keepdims=True)
    close = middle + 0.1 * (ankles - middle)
    held, _ = Stance(g1).push(standing, close, soles)
    apart = np.linalg.norm((held[:, 0] - held[:, 1])[:, :2], axis=1)
    corners = g1.map.links['l_sole'].corners
    assert apart == pytest.approx(np.ptp(corners[:, 1]) + 0.015, abs=1e-3)
    assert held.mean(axis=1) == pytest.approx(close.mean(axis=1), abs=1e-9)
    close[:, 0, 2] += 0.2
    passing, _ = Stance(g1).push(standing, close, soles)
    assert passing == pytest.approx(close, abs=1e-9)
