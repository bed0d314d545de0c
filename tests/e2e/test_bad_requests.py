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
"""Some eighty kinds of bad request: answered or dropped, and every node stays active."""

from __future__ import annotations

from collections.abc import Callable
import subprocess
import sys
from typing import Any
import uuid

from action_msgs.msg import GoalInfo, GoalStatus
from action_msgs.srv import CancelGoal
from e2e.system import Goal, NODES, Result, System
from l2emg_interfaces.action import GenerateMotion, LearnScenario
from l2emg_interfaces.msg import Emotion, InteractionFeedback, SceneTarget, SmplMotion
from l2emg_interfaces.srv import ListExperts, RollbackExpert
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nodes.chunked import chunks, gesture
from nodes.graph import wait_until
import numpy as np
import pytest
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.nodes import joints, qos
from l2emg_ros.retarget.robot import Robot

NAN, INF = float('nan'), float('inf')
BAD, UNSUPPORTED = Result.BAD_REQUEST, Result.UNSUPPORTED


@pytest.fixture(scope='module', autouse=True)
def nodes_survive(system: System):
    """After all of them every node is active and a good goal is served."""
    yield
    assert system.all_active()
    status, result = system.finish(system.send(duration=1.0))
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.OK)
    system.rest()
    assert system.diagnostics()['retargeter: ik']['limit_violations'] == '0'


def target(
    x: float = 0.25, kind: int = SceneTarget.REACH, limb: str = '', frame: str = ''
) -> SceneTarget:
    message = SceneTarget(kind=kind, limb=limb)
    message.point.header.frame_id = frame
    message.point.point.x, message.point.point.y, message.point.point.z = x, 0.15, 0.2
    return message


GOALS: dict[str, tuple[dict[str, Any], int, str]] = {
    'empty text': ({'text': ''}, BAD, 'text is empty'),
    'blank text': ({'text': ' \t'}, BAD, 'text'),
    '501 characters': ({'text': 'x' * 501}, BAD, '501 characters'),
    '10,000 characters': ({'text': 'wave ' * 2000}, BAD, '10000 characters'),
    'control character': ({'text': 'wave\x07'}, BAD, 'U+0007'),
    'line break': ({'text': 'wave\nrm -rf'}, BAD, 'U+000A'),
    'duration nan': ({'duration': NAN}, BAD, 'duration is nan'),
    'duration inf': ({'duration': INF}, BAD, 'duration is inf'),
    'duration negative': ({'duration': -1.0}, BAD, 'duration is -1'),
    'duration huge': ({'duration': 1e9}, BAD, 'duration is 1e+09'),
    'duration tiny': ({'duration': 0.01}, BAD, 'duration is 0.01'),
    'seed': ({'seed': -2}, BAD, 'seed is -2'),
    'context': ({'context': 'y' * 10_000}, BAD, 'context has 10000'),
    'emotion label': ({'emotion': Emotion(label='hangry')}, BAD, "unknown emotion 'hangry'"),
    'emotion case': ({'emotion': Emotion(label='HAPPY')}, BAD, 'unknown emotion'),
    'valence nan': ({'emotion': Emotion(valence=NAN)}, BAD, 'valence is nan'),
    'arousal': ({'emotion': Emotion(arousal=1.5)}, BAD, 'arousal is 1.5'),
    'dominance': ({'emotion': Emotion(dominance=-INF)}, BAD, 'dominance is -inf'),
    'intensity': ({'emotion': Emotion(label='sad', intensity=-0.5)}, BAD, 'intensity is -0.5'),
    'confidence': ({'emotion': Emotion(label='sad', confidence=7.0)}, BAD, 'confidence is 7'),
    'out of reach': ({'targets': [target(2.0)]}, UNSUPPORTED, 'unreachable: 1.'),
    'target nan': ({'targets': [target(NAN)]}, BAD, 'point of reach is'),
    'target kind': ({'targets': [target(kind=9)]}, BAD, 'target kind is 9'),
    'target limb': ({'targets': [target(limb='tail')]}, BAD, "is 'tail'"),
    'target frame': ({'targets': [target(frame='camera')]}, BAD, "frame 'camera'"),
    'targets of one hand': (
        {'targets': [target(limb='left_hand'), target(0.3, limb='left_hand')]},
        BAD,
        'both want left_hand',
    ),
    'joint groups': ({'joint_groups': ['third_arm']}, BAD, "unknown joint group 'third_arm'"),
}


@pytest.mark.parametrize('case', GOALS)
def test_bad_goals_are_aborted_with_the_reason(system: System, case: str) -> None:
    fields, code, words = GOALS[case]
    handle = system.send(**{'text': 'wave', **fields})
    status, result = system.finish(handle)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, code)
    assert words in result.message
    assert '\n' not in result.message


def broken_motions() -> list[SmplMotion]:
    def message(change: Callable[[SmplMotion], object]) -> SmplMotion:
        first = chunks(gesture(), str(uuid.uuid4()))[0]
        change(first)
        return first

    def zeros(values: Any) -> None:
        values[0:4] = type(values)('f', [0.0] * 4)

    return [
        SmplMotion(),
        message(lambda m: m.rotations.pop()),
        message(lambda m: m.root_translation.append(0.0)),
        message(lambda m: m.rotations.__setitem__(3, NAN)),
        message(lambda m: m.root_translation.__setitem__(0, INF)),
        message(lambda m: m.root_translation.__setitem__(0, 1e30)),
        message(lambda m: zeros(m.rotations)),
        message(lambda m: setattr(m, 'fps', 0.0)),
        message(lambda m: setattr(m, 'fps', -30.0)),
        message(lambda m: setattr(m, 'motion_id', '')),
        message(lambda m: setattr(m, 'experts', ['a', 'b'])),
        message(lambda m: setattr(m.header, 'frame_id', '/world')),
        message(lambda m: setattr(m.header.stamp, 'sec', 2**31 - 1)),
        message(lambda m: setattr(m.emotion, 'label', 'bored')),
    ]


def broken_trajectories() -> list[JointTrajectory]:
    robot = Robot.load('g1')
    point = {'positions': list(robot.home), 'velocities': [0.0] * len(robot.home)}

    def message(**changes: Any) -> JointTrajectory:
        values = {**point, **{k: v for k, v in changes.items() if k in point}}
        points = [JointTrajectoryPoint(**values) for _ in range(3)]
        for index, item in enumerate(points):
            item.time_from_start = joints.duration_message(changes.get('step', 0.1) * (index + 1))
        return JointTrajectory(
            joint_names=changes.get('names', list(robot.joint_names)), points=points
        )

    names = list(robot.joint_names)
    return [
        message(names=[*names[:-1], 'third_arm']),
        message(names=names[:-1]),
        message(names=[]),
        message(names=[*names, names[0]]),
        message(positions=[NAN] * len(names)),
        message(positions=[0.0] * 3),
        message(positions=[]),
        message(velocities=[1e-4] * len(names)),
        message(step=0.0),
        message(step=-1.0),
    ]


def feedback(**fields: Any) -> InteractionFeedback:
    return InteractionFeedback(**{'motion_id': 'm', 'consent': True, **fields})


TOPICS: dict[str, tuple[str, type, Callable[[], list[Any]]]] = {
    'smpl_motion': ('retargeter', SmplMotion, broken_motions),
    'joint_trajectory': ('simulator', JointTrajectory, broken_trajectories),
    'joint_command': (
        'simulator',
        JointState,
        lambda: [
            JointState(),
            JointState(name=['third_arm'], position=[0.0]),
            JointState(name=['waist_yaw_joint'], position=[INF]),
            JointState(name=['waist_yaw_joint'], position=[]),
        ],
    ),
    'joint_states': (
        'retargeter',
        JointState,
        lambda: [
            JointState(name=['waist_yaw_joint'], position=[0.0, 0.0]),
            JointState(name=list(Robot.load('g1').joint_names), position=[NAN] * 29),
        ],
    ),
    'interaction_feedback': (
        'lifelong',
        InteractionFeedback,
        lambda: [
            feedback(motion_id=''),
            feedback(rating=2.0),
            feedback(rating=-INF),
            feedback(correction='z' * 10_000),
            feedback(session_id='a\tb'),
            feedback(human_before=Emotion(label='meh')),
            feedback(human_after=Emotion(arousal=NAN)),
            feedback(consent=False),
            feedback(correction='z' * 1_000_000),
            feedback(motion_id='never seen'),
        ],
    ),
}


def until_counted(
    system: System, publisher: Any, message: Any, nodes: tuple[str, ...]
) -> dict[str, int]:
    """Publish until every reader has taken the message (a new writer is found in its own time)."""
    before = system.errors()

    def counted() -> dict[str, int] | None:
        publisher.publish(message)
        now = system.errors()
        return now if all(now[name] > before[name] for name in nodes) else None

    wait_until(counted, 'the first message was not counted')
    return system.errors()


@pytest.mark.parametrize('topic', TOPICS)
def test_bad_messages_are_dropped_and_counted(system: System, topic: str) -> None:
    node, kind, make = TOPICS[topic]
    plans = len(system.plans)
    publisher = system.client.publisher(kind, topic, qos.FEEDBACK)
    first, *others = make()
    before = until_counted(system, publisher, first, (node,))[node]
    for message in others:
        publisher.publish(message)
        # The reader keeps one or five messages: an answer of the node shows that it took this one.
        system.client.state(node)
    wait_until(lambda: system.errors()[node] == before + len(others), 'not all were counted')
    assert system.diagnostics()[f'{node}: node']['last_error']
    if topic != 'joint_trajectory':
        assert len(system.plans) == plans
    assert float(np.abs(system.states[-1].velocity).max()) < 0.05
    with InteractionLog(system.log) as log:
        assert not [item for item in log.interactions() if item.motion_id in ('m', 'never seen')]


def test_bad_emotions_are_counted_by_both_readers(system: System) -> None:
    readers = ('generator', 'retargeter')
    publisher = system.client.publisher(Emotion, 'emotion', qos.FEEDBACK)
    before = until_counted(system, publisher, Emotion(label='meh'), readers)
    for message in (Emotion(valence=NAN), Emotion(intensity=3.0)):
        publisher.publish(message)
        assert system.all_active()

    def counted() -> bool:
        now = system.errors()
        return all(now[name] == before[name] + 2 for name in readers)

    wait_until(counted, 'not all were counted')


def test_bad_service_calls_are_answered(system: System) -> None:
    client = system.client
    for scenario, version in (('moon', ''), ('ward', '99'), ('', ''), ('../..', '1')):
        request = RollbackExpert.Request(scenario=scenario, version=version)
        answer = client.call(RollbackExpert, 'rollback_expert', request)
        assert not answer.success
        assert answer.message
    request = ListExperts.Request(scenario='../../etc')
    assert client.call(ListExperts, 'list_experts', request).experts == []
    action = client.action(LearnScenario, 'learn_scenario')
    for fields, words in (
        ({'scenario': 'ward', 'data': '/etc/passwd', 'max_seconds': NAN}, 'max_seconds is nan'),
        ({'scenario': '../../etc', 'data': '/etc'}, 'expert name'),
        ({'scenario': 'night', 'data': '/nowhere'}, "data is '/nowhere'"),
    ):
        goal = LearnScenario.Goal(**fields)
        handle = client.ask(lambda: action.send_goal_async(goal))  # noqa: B023
        result = client.ask(handle.get_result_async).result
        assert result.error_code == LearnScenario.Result.BAD_REQUEST
        assert words in result.message


@pytest.mark.parametrize(
    ('node', 'name', 'value'),
    [
        ('generator', 'max_duration_s', -1.0),
        ('generator', 'max_duration_s', NAN),
        ('generator', 'max_duration_s', 'long'),
        ('generator', 'model_path', '/tmp'),
        ('retargeter', 'stream_timeout_s', 1e9),
        ('retargeter', 'output', 'both'),
        ('retargeter', 'emotion_pace', INF),
        ('lifelong', 'log_path', '/etc/passwd'),
        ('simulator', 'timestep_s', 0.0),
        ('simulator', 'gravity', 0.0),
    ],
)
def test_bad_parameters_are_refused(system: System, node: str, name: str, value: Any) -> None:
    accepted, reason = system.client.set_parameter(node, name, value)
    assert not accepted
    assert reason


@pytest.mark.parametrize('node', NODES)
def test_invalid_transitions_are_answered(system: System, node: str) -> None:
    for transition in (
        Transition(id=Transition.TRANSITION_CONFIGURE),
        Transition(id=Transition.TRANSITION_CLEANUP),
        Transition(id=Transition.TRANSITION_ACTIVATE),
        Transition(id=200),
        Transition(label='fly'),
    ):
        request = ChangeState.Request(transition=transition)
        assert not system.client.call(ChangeState, f'{node}/change_state', request).success
        assert system.client.state(node) == 'active'


def test_cancelling_what_is_not_there(system: System) -> None:
    request = CancelGoal.Request(goal_info=GoalInfo())
    request.goal_info.goal_id.uuid = list(uuid.uuid4().bytes)
    answer = system.client.call(CancelGoal, 'generate_motion/_action/cancel_goal', request)
    assert answer.return_code == CancelGoal.Response.ERROR_UNKNOWN_GOAL_ID
    handle = system.send(duration=1.0)
    system.finish(handle)
    assert not system.client.ask(handle.cancel_goal_async).goals_canceling


def test_a_client_that_is_killed_leaves_nothing_behind(system: System) -> None:
    program = '\n'.join(
        (
            'import rclpy, sys',
            'from rclpy.action import ActionClient',
            'from l2emg_interfaces.action import GenerateMotion',
            'rclpy.init()',
            f'node = rclpy.create_node("doomed", namespace="{system.namespace}")',
            "client = ActionClient(node, GenerateMotion, 'generate_motion')",
            'assert client.wait_for_server(20.0)',
            "goal = GenerateMotion.Goal(text='wave to a visitor', duration=20.0)",
            'future = client.send_goal_async(goal)',
            'rclpy.spin_until_future_complete(node, future)',
            'result = future.result().get_result_async()',
            "print('sent', flush=True)",
            'rclpy.spin_until_future_complete(node, result)',
        )
    )
    count = len(system.motions)
    child = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == 'sent\n'
    child.kill()
    child.wait(10.0)
    child.stdout.close()
    # Nobody can cancel that goal any more: it is served, or a new one takes its place.
    wait_until(lambda: len(system.motions) > count, 'the goal was not begun')
    status, _ = system.finish(system.send(duration=1.0))
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert system.all_active()


def test_a_flood_of_goals(system: System) -> None:
    client = system.client.action(GenerateMotion, 'generate_motion')
    goals = [Goal(text='wave' if number % 2 else '', duration=10.0) for number in range(30)]
    results = []
    # A ROS service keeps ten requests: more at once are lost before any node sees them.
    for start in range(0, len(goals), 10):
        futures = [
            system.client.start(lambda goal=goal: client.send_goal_async(goal))
            for goal in goals[start : start + 10]
        ]
        results += [system.finish(system.client.result(future)) for future in futures]
    codes = [result.error_code for _, result in results]
    assert codes[::2] == [Result.BAD_REQUEST] * 15
    assert set(codes[1::2]) <= {Result.OK, Result.INTERRUPTED}
    assert Result.OK in codes
