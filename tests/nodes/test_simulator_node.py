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

from l2emg_interfaces.msg import SmplMotion  # noqa: F401 - the interfaces must be importable
from lifecycle_msgs.msg import Transition
from nodes.graph import Graph, wait_until
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from l2emg_ros.nodes import joints, qos
from l2emg_ros.nodes.simulator_node import SimulatorNode
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory


@pytest.fixture(scope='module')
def robot() -> Robot:
    return Robot.load('g1')


def swing(robot: Robot, seconds: float = 1.0, amplitude: float = 0.2) -> Trajectory:
    """Return a smooth there-and-back movement of every joint, at rest at both ends."""
    t = np.linspace(0.05, seconds, 40)
    w = 2 * np.pi / seconds
    towards = np.sign(robot.lower + robot.upper + 1e-9 - 2 * robot.home)
    scale = amplitude / 2 * towards
    q = robot.home + scale * (1 - np.cos(w * t))[:, None]
    v = scale * (w * np.sin(w * t))[:, None]
    a = scale * (w * w * np.cos(w * t))[:, None]
    v[-1] = 0.0
    root = np.zeros((40, 3))
    return Trajectory(
        robot.joint_names, t, t, q, v, a, root, np.tile([0.0, 0, 0, 1], (40, 1)), robot.name
    )


def test_a_trajectory_is_followed(graph: Graph, robot: Robot) -> None:
    node = graph.add(SimulatorNode)
    states = graph.collect(JointState, 'joint_states', qos.SENSOR)
    publisher = graph.publisher(JointTrajectory, 'joint_trajectory', qos.NEWEST)
    plan = swing(robot)
    publisher.publish(joints.trajectory_to_message(plan, node.seconds()))
    index = robot.joint_names.index('left_elbow_joint')
    peak = float(np.abs(plan.positions[:, index] - robot.home[index]).max())

    def elbow() -> float:
        return abs(states[-1].position[index] - robot.home[index]) if states else 0.0

    wait_until(lambda: elbow() > 0.9 * peak, 'the elbow did not reach its turning point')
    wait_until(lambda: elbow() < 0.1 * peak, 'the elbow did not come back')
    assert list(states[-1].name) == list(robot.joint_names)
    assert node.errors == 0


def test_set_points_are_followed_and_may_be_partial(graph: Graph, robot: Robot) -> None:
    graph.add(SimulatorNode)
    states = graph.collect(JointState, 'joint_states', qos.SENSOR)
    publisher = graph.publisher(JointState, 'joint_command', qos.NEWEST)
    publisher.publish(JointState(name=['waist_yaw_joint'], position=[0.3]))
    waist = robot.joint_names.index('waist_yaw_joint')
    wait_until(
        lambda: states and abs(states[-1].position[waist] - 0.3) < 0.01, 'the waist did not turn'
    )
    others = np.delete(np.array(states[-1].position) - robot.home, waist)
    assert np.abs(others).max() < 0.05


def broken_trajectories(robot: Robot) -> dict[str, tuple[JointTrajectory, str]]:
    def message() -> JointTrajectory:
        return joints.trajectory_to_message(swing(robot), 0.0)

    unknown, missing, moving, backwards, short, nan, old, still = (message() for _ in range(8))
    unknown.joint_names[3] = 'third_arm'
    missing.joint_names.pop()
    moving.points[-1].velocities[0] = 1e-5
    backwards.points[5].time_from_start = backwards.points[4].time_from_start
    short.points[7].positions.pop()
    nan.points[2].positions[4] = float('nan')
    old.header.stamp.sec = 10
    for point in still.points:
        point.positions = []
    return {
        'unknown joint': (unknown, "unknown joint 'third_arm'"),
        'missing joint': (missing, 'expected each of the 29 joints once'),
        'moving end': (moving, 'last point is not zero'),
        'times': (backwards, 'increase strictly'),
        'length': (short, 'point 7 has 28 positions'),
        'nan': (nan, 'not finite'),
        'old': (old, 'expected a stamp of 0'),
        'no positions': (still, 'points have no positions'),
    }


def test_bad_messages_change_nothing(graph: Graph, robot: Robot) -> None:
    node = graph.add(SimulatorNode)
    plans = graph.publisher(JointTrajectory, 'joint_trajectory', qos.FEEDBACK)
    commands = graph.publisher(JointState, 'joint_command', qos.FEEDBACK)
    expected = 0
    for message, reason in broken_trajectories(robot).values():
        plans.publish(message)
        expected += 1
        wait_until(lambda: node.errors == expected, reason)  # noqa: B023
        assert reason in node.last_error
    for command, reason in (
        (JointState(name=['third_arm'], position=[0.0]), "unknown joint 'third_arm'"),
        (JointState(name=['waist_yaw_joint'], position=[0.0, 1.0]), '2 positions'),
        (JointState(name=['waist_yaw_joint'], position=[float('inf')]), 'not finite'),
        (JointState(), '0 of the 29 joints'),
    ):
        commands.publish(command)
        expected += 1
        wait_until(lambda: node.errors == expected, reason)  # noqa: B023
        assert reason in node.last_error
    assert graph.state('simulator') == 'active'
    assert np.abs(node._simulator.positions - robot.home).max() < 1e-3


def test_an_empty_trajectory_holds(graph: Graph, robot: Robot) -> None:
    node = graph.add(SimulatorNode)
    publisher = graph.publisher(JointTrajectory, 'joint_trajectory', qos.NEWEST)
    plan = swing(robot, seconds=4.0, amplitude=0.4)
    publisher.publish(joints.trajectory_to_message(plan, 0.0))
    simulator = node._simulator
    wait_until(lambda: np.abs(simulator.desired - robot.home).max() > 0.1, 'it did not start')
    publisher.publish(JointTrajectory(joint_names=list(robot.joint_names)))
    wait_until(lambda: simulator.player.resting(simulator.time), 'it did not stop')
    assert 0.05 < np.abs(simulator.desired - robot.home).max() < 0.39


def test_the_clock_is_simulated_time(graph: Graph) -> None:
    graph.add(SimulatorNode, publish_clock=True)
    clocks = graph.collect(Clock, '/clock', qos.NEWEST)
    wait_until(lambda: len(clocks) > 20, 'no clock')
    times = [joints.stamp_seconds(message.clock) for message in clocks[:20]]
    assert times == sorted(times)
    assert 0.0 <= times[0] < 100.0


def test_inactive_it_does_not_move_and_can_start_again(graph: Graph, robot: Robot) -> None:
    node = graph.add(SimulatorNode)
    publisher = graph.publisher(JointTrajectory, 'joint_trajectory', qos.NEWEST)
    assert graph.transition('simulator', Transition.TRANSITION_DEACTIVATE)
    publisher.publish(joints.trajectory_to_message(swing(robot), 0.0))
    before = node._simulator.time
    assert graph.state('simulator') == 'inactive'
    assert node._simulator.time == before
    assert graph.transition('simulator', Transition.TRANSITION_CLEANUP)
    graph.configure_and_activate('simulator')
    wait_until(lambda: node._simulator.time > 0.05, 'time does not pass')
