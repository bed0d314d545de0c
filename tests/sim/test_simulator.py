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

from pathlib import Path
import time

import numpy as np
import pytest

from l2emg_ros.errors import BadRequest, RobotMapError
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory
from l2emg_ros.sim.player import Player
from l2emg_ros.sim.simulator import load_model, Simulator

WRISTS = ('left_wrist_yaw_link', 'right_wrist_yaw_link')


@pytest.fixture(scope='module')
def robot() -> Robot:
    return Robot.load('g1')


def swing(robot: Robot, seconds: float = 2.0, amplitude: float = 0.5, cycles: int = 2):
    """Return all joints going there and back together, inside their position limits."""
    t = np.linspace(1 / 30, seconds, round(30 * seconds))
    w = 2 * np.pi * cycles / seconds
    room = np.where(
        robot.upper - robot.home > robot.home - robot.lower,
        robot.upper - robot.home,
        robot.lower - robot.home,
    )
    scale = np.sign(room) * np.minimum(amplitude, np.abs(room) * 0.9) / 2
    q = robot.home + scale * (1 - np.cos(w * t))[:, None]
    v = scale * (w * np.sin(w * t))[:, None]
    a = scale * (w * w * np.cos(w * t))[:, None]
    v[-1] = 0.0
    root = np.zeros((len(t), 3))
    turn = np.tile([0.0, 0.0, 0.0, 1.0], (len(t), 1))
    return Trajectory(robot.joint_names, t, t, q, v, a, root, turn, robot.name)


def test_it_holds_home_against_gravity(robot: Robot) -> None:
    simulator = Simulator(robot)
    for _ in range(100):
        simulator.step(0.02)
    assert simulator.time == pytest.approx(2.0, abs=0.003)
    assert np.abs(simulator.positions - robot.home).max() < 1e-3


def test_wrists_follow_within_two_centimetres(robot: Robot) -> None:
    simulator = Simulator(robot)
    simulator.set_trajectory(swing(robot, seconds=3.0, amplitude=0.8, cycles=3))
    errors = []
    while not simulator.player.resting(simulator.time):
        simulator.step(0.01)
        for wrist in WRISTS:
            wanted = simulator.link_position(wrist, simulator.desired)
            errors.append(np.linalg.norm(simulator.link_position(wrist) - wanted))
    assert len(errors) > 500
    assert float(np.sqrt(np.mean(np.square(errors)))) < 0.02


def test_torque_limits_bind(robot: Robot) -> None:
    """A jump of a set point does not teleport: the joint needs its time and its effort."""
    simulator = Simulator(robot)
    elbow = robot.joint_names.index('left_elbow_joint')
    target = robot.home.copy()
    target[elbow] += 0.8
    simulator.set_command(target)
    efforts = []
    for _ in range(50):
        simulator.step(0.002)
        efforts.append(np.abs(simulator._data.qfrc_applied).max(initial=0.0))
        assert (np.abs(simulator._data.qfrc_applied) <= simulator._effort + 1e-9).all()
    assert abs(simulator.positions[elbow] - target[elbow]) > 0.05
    simulator.step(0.2)
    simulator.step(0.2)
    simulator.step(0.2)
    assert abs(simulator.positions[elbow] - target[elbow]) < 0.01


def test_a_replacement_starts_from_the_desired_state(robot: Robot) -> None:
    simulator = Simulator(robot)
    simulator.set_trajectory(swing(robot, seconds=4.0, amplitude=0.6, cycles=1))
    for _ in range(100):
        simulator.step(0.01)
    q, v, _ = simulator.player.state(simulator.time)
    simulator.set_trajectory(swing(robot), simulator.time + 0.2)
    q_after, v_after, _ = simulator.player.state(simulator.time)
    np.testing.assert_allclose(q_after, q, atol=1e-9)
    np.testing.assert_allclose(v_after, v, atol=1e-9)


def test_a_late_trajectory_is_joined_where_it_is_now(robot: Robot) -> None:
    player, plan = Player(robot.home), swing(robot)
    player.play(plan, start=10.0, now=10.5)
    np.testing.assert_allclose(player.state(10.5)[0], plan.sample(0.5)[0])
    assert not player.resting(11.9)
    assert player.resting(12.0)
    np.testing.assert_allclose(player.state(20.0)[0], plan.positions[-1])
    assert not player.state(20.0)[1].any()


def test_set_points_extrapolate_briefly_then_hold(robot: Robot) -> None:
    player = Player(robot.home)
    velocity = np.full(len(robot.home), 0.5)
    player.command(robot.home, velocity, now=1.0)
    np.testing.assert_allclose(player.state(1.02)[0], robot.home + 0.01)
    assert not player.state(2.0)[1].any()
    assert player.resting(2.0)


def test_it_is_faster_than_real_time(robot: Robot) -> None:
    simulator = Simulator(robot)
    simulator.set_trajectory(swing(robot))
    started = time.process_time()
    for _ in range(10):
        simulator.step(0.2)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize('name', ['romeo', 'icub'])
def test_links_without_possible_inertia_are_simulated(name: str) -> None:
    """Fingers without mass, an ankle whose inertia no body has; fingers are locked at 0."""
    model = Robot.load(name)
    simulator = Simulator(model)
    simulator.step(0.2)
    assert simulator.positions == pytest.approx(model.home, abs=0.02)


def test_what_cannot_be_simulated_is_named(tmp_path: Path, robot: Robot) -> None:
    broken = tmp_path / 'broken.urdf'
    broken.write_text('<robot name="x"><link name="a"></robot>')
    with pytest.raises(RobotMapError, match=r'broken\.urdf cannot be simulated'):
        load_model(broken, 0.002)
    with pytest.raises(BadRequest, match='third_hand'):
        Simulator(robot).link_position('third_hand')
