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
"""Inverse kinematics against closed answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import lsq_linear
import toy_robot

from l2emg_ros.retarget.ik import FrameSolver, IkConfig, solve_box
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.targets import Builder

# Nothing pulls away from the targets; the velocity cost vanishes where a pose is held.
EXACT = IkConfig(posture_cost=0.0)
HELD = 30


@pytest.fixture
def toy(tmp_path: Path) -> Robot:
    return Robot.load(toy_robot.write(tmp_path))


def poses(count: int, seed: int) -> np.ndarray:
    """Roll below 90 degrees and elbows that bend forward: one answer only."""
    rng = np.random.default_rng(seed)
    q = np.empty((count, 6))
    for side, sign in ((0, 1.0), (3, -1.0)):
        q[:, side] = sign * rng.uniform(0.0, 1.2, count)
        q[:, side + 1] = rng.uniform(-1.2, 1.0, count)
        q[:, side + 2] = rng.uniform(-2.0, -0.3, count)
    return q


def test_finds_the_closed_answer(toy: Robot) -> None:
    for expected in poses(25, 0):
        retargeter = Retargeter(toy, RetargetConfig(ik=EXACT))
        joints, root = retargeter.solve(toy_robot.person(np.tile(expected, (HELD, 1))))
        assert joints[-1] == pytest.approx(expected, abs=1e-4)
        assert root[-1] == pytest.approx(np.eye(3), abs=1e-4)


def test_follows_a_movement_with_default_costs(toy: Robot) -> None:
    time = np.arange(90)[:, None] / 30
    middle = np.array([0.5, -0.4, -0.9, -0.5, -0.4, -0.9])
    expected = middle + 0.4 * np.sin(2 * np.pi * 0.5 * time + np.arange(6))
    joints, _ = Retargeter(toy).solve(toy_robot.person(expected))
    assert np.abs(joints - expected).max() < 0.06


def test_respects_position_limits(tmp_path: Path) -> None:
    path = toy_robot.write(
        tmp_path, lambda c: c['limits'].append({'joints': '*_elbow', 'lower': -1.0})
    )
    robot = Robot.load(path)
    wanted = [0.3, -0.2, -1.8, -0.3, -0.2, -1.8]
    joints, _ = Retargeter(robot, RetargetConfig(ik=EXACT)).solve(
        toy_robot.person(np.tile(wanted, (HELD, 1)))
    )
    assert np.all(joints >= robot.lower)
    # The shoulders give what the elbows cannot: closer than with the angle cut off.
    cut = np.array([0.3, -0.2, -1.0, -0.3, -0.2, -1.0])
    builder = Builder(robot)
    target = builder.build(toy_robot.person(wanted)).points[0]
    reached, clamped = (builder.build(toy_robot.person(q)).points[0] for q in (joints[-1], cut))
    assert np.linalg.norm(reached - target) < np.linalg.norm(clamped - target)


def test_respects_velocity_limits(toy: Robot) -> None:
    far = np.array([[0.2, 0.5, -0.4, -0.2, 0.5, -0.4], [1.2, -1.2, -1.9, -1.2, -1.2, -1.9]])
    config = IkConfig(speed_headroom=1.0)
    joints, _ = Retargeter(toy, RetargetConfig(ik=config)).solve(toy_robot.person(far))
    assert np.all(np.abs(np.diff(joints, axis=0)) <= toy.velocity / 30 + 1e-12)


def test_straight_elbow_does_not_flip(toy: Robot) -> None:
    """A straight arm leaves its twist open: it stays where it was."""
    time = np.linspace(0.0, 1.0, 60)
    elbow = -1.2 * np.abs(np.cos(np.pi * time))
    q = np.stack([0.4 + 0 * time, -0.5 * time, elbow] * 2, axis=1)
    q[:, 3] *= -1
    joints, _ = Retargeter(toy).solve(toy_robot.person(q))
    assert np.abs(np.diff(joints, axis=0)).max() < 0.15


def test_locked_joints_stay_home(toy: Robot) -> None:
    builder = Builder(toy)
    free = np.array([True, True, True, False, False, False])
    solver = FrameSolver(toy, builder, free=free)
    targets = builder.build(toy_robot.person([0.5, -0.5, -1.0, -0.5, -0.5, -1.0]))
    q, _ = solver.solve(*targets.frame(0), 1 / 30)
    assert np.all(q[3:] == toy.home[3:])
    assert q[:3] == pytest.approx([0.5, -0.5, -1.0], abs=0.02)


def test_box_against_scipy() -> None:
    """The active set reaches the bounded least-squares optimum of well-conditioned problems."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        matrix, target = rng.normal(size=(40, 10)), rng.normal(size=40)
        low, high = -rng.uniform(0.02, 0.3, 10), rng.uniform(0.02, 0.3, 10)
        ours = solve_box(matrix.T @ matrix, matrix.T @ target, low, high)
        best = lsq_linear(matrix, target, (low, high)).x
        assert np.all((ours >= low) & (ours <= high))
        cost = [
            np.sum((matrix @ x - target) ** 2)
            for x in (
                ours,
                best,
                np.clip(np.linalg.lstsq(matrix, target, rcond=None)[0], low, high),
            )
        ]
        assert cost[0] <= cost[2] + 1e-9
        assert cost[0] <= 1.02 * cost[1]


def test_box_of_no_size() -> None:
    assert np.array_equal(solve_box(np.eye(3), np.ones(3), np.zeros(3), np.zeros(3)), np.zeros(3))
