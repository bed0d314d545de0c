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

import itertools
import time

from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import SceneTarget, SmplMotion
from lifecycle_msgs.msg import Transition
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
import numpy as np
import pytest
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from l2emg_ros.nodes import joints, qos
from l2emg_ros.nodes.retargeter_node import RetargeterNode
from l2emg_ros.retarget.robot import Robot


@pytest.fixture(scope='module')
def robot() -> Robot:
    return Robot.load('g1')


@pytest.fixture
def retargeter(graph: Graph) -> RetargeterNode:
    return graph.add(RetargeterNode)


def send(graph: Graph, motion_id: str = 'm', seconds: float = 3.0, count: int | None = None):
    publisher = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    for message in chunks(gesture(seconds=seconds), motion_id)[:count]:
        publisher.publish(message)
    return publisher


def check_plan(message: JointTrajectory, robot: Robot) -> None:
    """What a joint trajectory controller of Jazzy asks of a message, and the robot's limits."""
    assert set(message.joint_names) == set(robot.joint_names)
    times = [joints.stamp_seconds(point.time_from_start) for point in message.points]
    assert times[0] > 0.0
    assert (np.diff(times) > 0.0).all()
    assert not np.any(message.points[-1].velocities)
    trajectory = joints.trajectory_from_message(message, robot.joint_names, robot.name)
    assert trajectory is not None
    trajectory.check(robot)


def sample(message: JointTrajectory, robot: Robot, at: float) -> np.ndarray:
    trajectory = joints.trajectory_from_message(message, robot.joint_names, robot.name)
    assert trajectory is not None
    return trajectory.sample(at - joints.stamp_seconds(message.header.stamp))


def test_plans_are_complete_inside_limits_and_agree_at_the_splice(
    graph: Graph, retargeter: RetargeterNode, robot: Robot
) -> None:
    plans = graph.collect(JointTrajectory, 'joint_trajectory', qos.STREAM)
    send(graph)
    wait_until(lambda: retargeter._plans.count == 10, 'not every chunk was planned')
    wait_until(lambda: len(plans) == 10, 'not every plan was sent')
    for plan in plans:
        check_plan(plan, robot)
    for before, after in itertools.pairwise(plans):
        start = joints.stamp_seconds(after.header.stamp)
        first = joints.stamp_seconds(after.points[0].time_from_start)
        for later in (first, 0.09):
            old, new = (sample(plan, robot, start + later) for plan in (before, after))
            np.testing.assert_allclose(old[0], new[0], atol=1e-4)
            np.testing.assert_allclose(old[1], new[1], atol=1e-2)
    assert retargeter.errors == 0
    moved = np.ptp([point.positions for point in plans[-1].points], axis=0).max()
    assert moved > 0.5


def test_the_approach_starts_at_the_measured_pose(
    graph: Graph, retargeter: RetargeterNode, robot: Robot
) -> None:
    plans = graph.collect(JointTrajectory, 'joint_trajectory', qos.STREAM)
    states = graph.publisher(JointState, 'joint_states', qos.STATE)
    pose = robot.home + 0.3 * (robot.upper - robot.home)
    order = np.random.default_rng(0).permutation(len(pose))
    states.publish(
        JointState(
            name=[robot.joint_names[i] for i in order] + ['some_gripper'],
            position=[*pose[order], 0.0],
        )
    )
    wait_until(lambda: retargeter._measured is not None, 'no joint state')
    send(graph, count=1)
    wait_until(lambda: plans, 'no plan')
    np.testing.assert_allclose(plans[0].points[0].positions, pose, atol=0.02)
    check_plan(plans[0], robot)


def reach(x: float = 0.25) -> SceneTarget:
    target = SceneTarget(kind=SceneTarget.REACH, limb='left_hand')
    target.point.point.x, target.point.point.y, target.point.point.z = x, 0.15, 0.2
    return target


def test_targets_and_joint_groups_of_a_request(
    graph: Graph, retargeter: RetargeterNode, robot: Robot
) -> None:
    """The hand gets there, the legs stay, and the next motion moves everything again."""
    plans = graph.collect(JointTrajectory, 'joint_trajectory', qos.STREAM)
    publisher = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    messages = chunks(gesture(), 'm')
    messages[0].targets, messages[0].joint_groups = [reach()], ['upper_body']
    for message in messages:
        publisher.publish(message)
    wait_until(lambda: len(plans) == 10, 'not every plan was sent')
    trajectory = joints.trajectory_from_message(plans[-1], robot.joint_names, robot.name)
    assert trajectory is not None
    legs = robot.indices(['legs'])
    np.testing.assert_allclose(trajectory.positions[:, legs] - robot.home[legs], 0.0, atol=1e-4)
    points, _ = robot.places(['l_gripper'], trajectory.positions)
    assert np.linalg.norm(points[:, 0] - [0.25, 0.15, 0.2], axis=1).min() < 0.03
    send(graph, 'n')
    wait_until(lambda: len(plans) == 20, 'not every plan was sent')
    trajectory = joints.trajectory_from_message(plans[-1], robot.joint_names, robot.name)
    assert trajectory is not None
    assert np.ptp(trajectory.positions[:, legs], axis=0).max() > 1e-3
    assert retargeter.errors == 0


def test_a_request_that_does_not_fit_the_robot_is_not_played(
    graph: Graph, retargeter: RetargeterNode
) -> None:
    plans = graph.collect(JointTrajectory, 'joint_trajectory', qos.STREAM)
    publisher = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    motions = {name: chunks(gesture(), name) for name in ('group', 'hand', 'frame', 'late')}
    motions['group'][0].joint_groups = ['third_arm']
    motions['hand'][0].targets = [reach(), reach(0.3)]
    motions['frame'][0].targets = [reach()]
    motions['frame'][0].targets[0].point.header.frame_id = 'camera'
    motions['late'][1].targets = [reach()]
    for messages in motions.values():
        for message in messages[:2]:
            publisher.publish(message)
    # Each of the first three also for the chunk that follows an unknown beginning.
    wait_until(lambda: retargeter.errors == 7, 'not everything was refused')
    wait_until(lambda: plans, 'the chunk before the late target was not played')
    assert len(plans) == 1


def test_stop_brings_it_to_rest_and_the_rest_is_not_played(
    graph: Graph, retargeter: RetargeterNode, robot: Robot
) -> None:
    plans = graph.collect(JointTrajectory, 'joint_trajectory', qos.STREAM)
    publisher = send(graph, count=9)
    wait_until(lambda: len(plans) == 9, 'not every plan was sent')
    stamp = joints.stamp_seconds(plans[0].header.stamp)
    wait_until(lambda: retargeter.seconds() > stamp + 1.5, 'the clock stands')
    answer = graph.call(Trigger, 'stop', Trigger.Request())
    assert answer.success
    assert 'at rest in' in answer.message
    wait_until(lambda: len(plans) == 10, 'no stop')
    check_plan(plans[-1], robot)
    assert joints.stamp_seconds(plans[-1].points[-1].time_from_start) < 1.0
    publisher.publish(chunks(gesture(), 'm')[9])
    wait_until(lambda: retargeter._chunks.refused == 1, 'the last chunk was taken')
    assert len(plans) == 10
    # A new motion is played again.
    publisher.publish(chunks(gesture(), 'n')[0])
    wait_until(lambda: len(plans) == 11, 'no new plan')
    check_plan(plans[-1], robot)


def test_stop_at_rest_says_so(graph: Graph, retargeter: RetargeterNode) -> None:
    answer = graph.call(Trigger, 'stop', Trigger.Request())
    assert (answer.success, answer.message) == (True, 'at rest')


def test_a_stream_that_ends_without_its_last_chunk_is_given_up(graph: Graph, robot: Robot) -> None:
    node = graph.add(RetargeterNode, stream_timeout_s=0.2)
    plans = graph.collect(JointTrajectory, 'joint_trajectory', qos.STREAM)
    send(graph, count=1)
    wait_until(lambda: not node._chunks.running and node.errors, 'it was not given up')
    assert 'none was the last' in node.last_error
    check_plan(plans[-1], robot)


def test_an_emotion_changes_the_running_motion(
    graph: Graph, retargeter: RetargeterNode, robot: Robot
) -> None:
    plans = graph.collect(JointTrajectory, 'joint_trajectory', qos.STREAM)
    emotions = graph.publisher(EmotionMessage, 'emotion', qos.NEWEST)
    send(graph)
    wait_until(lambda: len(plans) == 10, 'not every plan was sent')

    def end(plan: JointTrajectory) -> float:
        stamp = joints.stamp_seconds(plan.header.stamp)
        return stamp + joints.stamp_seconds(plan.points[-1].time_from_start)

    emotions.publish(EmotionMessage(label='tired', intensity=1.0))
    wait_until(lambda: len(plans) == 11, 'no slower plan')
    check_plan(plans[-1], robot)
    assert end(plans[-1]) > end(plans[-2]) + 0.3
    emotions.publish(EmotionMessage(label='sleepy', intensity=1.0))
    wait_until(lambda: retargeter.errors == 1, 'an unknown label was taken')
    # What the motion expresses by itself is not added again.
    emotions.publish(EmotionMessage(label='happy', intensity=1.0))
    wait_until(lambda: len(plans) == 12, 'no plan as it was meant')
    assert end(plans[-1]) < end(plans[-2])


def test_set_points_follow_the_plan_and_come_to_rest_on_deactivation(
    graph: Graph, robot: Robot
) -> None:
    node = graph.add(RetargeterNode, output='command')
    commands = graph.collect(JointState, 'joint_command', qos.STREAM)
    send(graph)
    wait_until(lambda: len(commands) > 150, 'no set points')
    assert graph.transition('retargeter', Transition.TRANSITION_DEACTIVATE)
    count = len(commands)
    wait_until(lambda: not np.any(commands[-1].velocity), 'it was left moving')
    times = np.array([joints.stamp_seconds(message.header.stamp) for message in commands])
    q = np.array([message.position for message in commands])
    steps = np.diff(times)
    assert 0.005 < np.median(steps) < 0.05
    assert (np.abs(np.diff(q, axis=0)) <= robot.velocity * steps[:, None] * 1.05 + 1e-3).all()
    assert (q >= robot.lower).all()
    assert (q <= robot.upper).all()
    assert node.state == 'inactive'
    assert len(commands) - count < 100
    topics = dict(graph.client.get_topic_names_and_types())
    assert '/joint_trajectory' not in topics


def test_an_emotion_changes_the_next_set_points(graph: Graph, robot: Robot) -> None:
    """Set points bow before any plan could, within the limits, and straighten up at rest."""
    node = graph.add(RetargeterNode, output='command')
    commands = graph.collect(JointState, 'joint_command', qos.STREAM)
    emotions = graph.publisher(EmotionMessage, 'emotion', qos.NEWEST)
    waist = robot.joint_names.index('waist_pitch_joint')
    send(graph)
    wait_until(lambda: len(commands) > 100, 'no set points')
    plans = node._plans.count
    emotions.publish(EmotionMessage(label='sad', intensity=1.0))
    wait_until(lambda: node._manner.lean > 0.1, 'the emotion did not arrive')
    wait_until(lambda: node._modulator._value[2] > 0.1, 'the set points do not bow')
    assert node._plans.count - plans <= 10
    wait_until(lambda: node._resting() and node._modulator.resting, 'it does not come to rest')
    q = np.array([message.position for message in commands])
    assert np.ptp(q[:, waist]) > 0.08
    assert q[-1, waist] == pytest.approx(node._plan[1].positions[-1][waist], abs=1e-3)
    assert (q >= robot.lower).all()
    assert (q <= robot.upper).all()
    assert node.errors == 0


def test_exactly_one_output_is_published(graph: Graph, retargeter: RetargeterNode) -> None:
    names = {name for name, _ in graph.client.get_topic_names_and_types()}
    wait_until(
        lambda: '/joint_trajectory' in {n for n, _ in graph.client.get_topic_names_and_types()},
        'no output',
    )
    assert '/joint_command' not in names


def test_bad_input_leaves_it_active(graph: Graph, retargeter: RetargeterNode) -> None:
    publisher = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    states = graph.publisher(JointState, 'joint_states', qos.STATE)
    bad = chunks(gesture(), 'x')
    bad[0].rotations[7] = float('nan')
    bad[1].root_translation.pop()
    bad[1].chunk_index = 0
    for count, (target, message) in enumerate(
        (
            (publisher, bad[0]),
            (publisher, bad[1]),
            (publisher, SmplMotion()),
            (states, JointState(name=['left_elbow_joint'], position=[])),
            (states, JointState(name=['left_elbow_joint'], position=[0.0])),
        ),
        1,
    ):
        target.publish(message)
        wait_until(lambda: retargeter.errors == count, f'case {count}')  # noqa: B023
    assert graph.state('retargeter') == 'active'
    assert retargeter._plan is None


def test_an_unknown_robot_leaves_it_unconfigured(graph: Graph) -> None:
    node = graph.add(RetargeterNode, active=False, robot='r2d2')
    assert not graph.transition('retargeter', Transition.TRANSITION_CONFIGURE)
    assert "unknown robot 'r2d2'" in node.last_error
    assert graph.state('retargeter') == 'unconfigured'


def test_inactive_it_plays_nothing(graph: Graph, retargeter: RetargeterNode) -> None:
    assert graph.transition('retargeter', Transition.TRANSITION_DEACTIVATE)
    send(graph)
    assert not graph.call(Trigger, 'stop', Trigger.Request()).success
    assert retargeter._plan is None
    assert graph.transition('retargeter', Transition.TRANSITION_ACTIVATE)
    started = time.monotonic()
    send(graph, motion_id='again', count=2)
    wait_until(lambda: retargeter._plans.count == 2, 'it does not play')
    assert time.monotonic() - started < 2.0
