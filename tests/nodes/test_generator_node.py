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

import gc
from pathlib import Path
import threading
import time
import weakref

from action_msgs.msg import GoalStatus
from l2emg_interfaces.action import GenerateMotion
from l2emg_interfaces.msg import Emotion, SceneTarget, SmplMotion
from lifecycle_msgs.msg import Transition
from nodes.graph import Graph, wait_until
import numpy as np
import pytest
from std_srvs.srv import Trigger

from l2emg_ros.nodes import convert, qos
from l2emg_ros.nodes.generator_node import GeneratorNode

Goal, Result = GenerateMotion.Goal, GenerateMotion.Result
LONG = 'wave to a visitor'


@pytest.fixture
def generator(graph: Graph, tiny: Path) -> GeneratorNode:
    return graph.add(GeneratorNode, model_path=str(tiny), experts_path='', threads=1)


def send(graph: Graph, goal: Goal, feedback: list | None = None):
    client = graph.action(GenerateMotion, 'generate_motion')
    callback = None if feedback is None else lambda m: feedback.append(m.feedback)
    handle = graph.ask(lambda: client.send_goal_async(goal, feedback_callback=callback))
    assert handle.accepted
    return handle


def finish(graph: Graph, handle) -> tuple[int, Result]:
    answer = graph.ask(handle.get_result_async)
    return answer.status, answer.result


def slow_down(node: GeneratorNode, seconds: float = 0.05) -> None:
    """Make every chunk of the tiny model take its time, as a big model does."""
    real = node._open

    def slowly(request, ticket):
        session = real(request, ticket)
        chunks = iter(session)

        class Slow:
            def __iter__(self):
                for chunk in chunks:
                    time.sleep(seconds)
                    yield chunk

            def __getattr__(self, name):
                return getattr(session, name)

        return Slow()

    node._open = slowly


def test_a_goal_gives_chunks_feedback_and_the_whole_motion(
    graph: Graph, generator: GeneratorNode
) -> None:
    chunks = graph.collect(SmplMotion, 'smpl_motion', qos.STREAM)
    feedback: list[GenerateMotion.Feedback] = []
    emotion = Emotion(label='happy', intensity=0.5)
    handle = send(graph, Goal(text=LONG, emotion=emotion, duration=3.0, seed=7), feedback)
    status, result = finish(graph, handle)
    assert (status, result.error_code, result.message) == (GoalStatus.STATUS_SUCCEEDED, 0, '')
    wait_until(lambda: chunks and chunks[-1].last, 'no last chunk')
    wait_until(lambda: len(feedback) == len(chunks), 'feedback is missing')
    assert [chunk.chunk_index for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.motion_id for chunk in chunks} == {result.motion.motion_id}
    assert feedback[-1].seconds_generated == pytest.approx(3.0)
    whole = convert.motion_from_message(result.motion)
    parts = [convert.motion_from_message(chunk) for chunk in chunks]
    assert whole.frames == 90
    np.testing.assert_allclose(
        np.concatenate([part.poses for part in parts]), whole.poses, atol=1e-6
    )
    assert chunks[0].header.frame_id == 'odom'
    assert (chunks[0].emotion.label, chunks[0].emotion.intensity) == ('happy', 0.5)
    assert len(chunks[0].emotion_embedding) > 0
    assert list(result.experts) == list(chunks[0].experts) != []
    assert 0.0 <= result.novelty_p_value <= 1.0
    # What is needed to write it again and to learn from it.
    assert list(result.motion.tokens) == [token for chunk in chunks for token in chunk.tokens]
    levels = result.motion.token_levels
    assert len(result.motion.tokens) // levels >= 90 // 4
    for message in (result.motion, *chunks):
        assert (message.seed, message.scenario) == (7, whole.scenario)
        assert message.model == whole.generator != ''
        assert message.novelty_p_value == pytest.approx(result.novelty_p_value)
        assert message.token_levels == levels
    assert 0.0 < result.time_to_first_chunk <= result.total_time


def test_the_same_seed_gives_the_same_motion(graph: Graph, generator: GeneratorNode) -> None:
    results = []
    for seed in (3, 3, 4):
        _, result = finish(graph, send(graph, Goal(text=LONG, duration=2.0, seed=seed)))
        results.append(result.motion.rotations)
    assert results[0] == results[1] != results[2]


def test_a_node_that_has_gone_while_generating_is_left_alone(
    graph: Graph, tiny: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    node = graph.add(GeneratorNode, model_path=str(tiny), experts_path='', threads=1)
    slow_down(node)
    node = weakref.ref(node)
    chunks = graph.collect(SmplMotion, 'smpl_motion', qos.STREAM)
    send(graph, Goal(text=LONG, duration=20.0))
    wait_until(lambda: chunks, 'no chunks')
    graph.close()
    # What waits for the next chunk has nobody who resumes it, and ends as garbage.
    gc.collect()
    assert node() is None
    assert 'Error' not in capfd.readouterr().err


def test_cancel_is_acknowledged_while_generating(graph: Graph, generator: GeneratorNode) -> None:
    slow_down(generator)
    chunks = graph.collect(SmplMotion, 'smpl_motion', qos.STREAM)
    handle = send(graph, Goal(text=LONG, duration=20.0))
    wait_until(lambda: len(chunks) >= 2, 'no chunks')
    sent = time.monotonic()
    answer = graph.ask(handle.cancel_goal_async)
    acknowledged = time.monotonic() - sent
    status, result = finish(graph, handle)
    ended = time.monotonic() - sent
    count = len(chunks)
    assert len(answer.goals_canceling) == 1
    assert (status, result.error_code) == (GoalStatus.STATUS_CANCELED, Result.CANCELLED)
    assert not chunks[-1].last
    # The model works 50 ms a chunk here: the acknowledgement does not wait for it.
    assert acknowledged < 0.1
    assert ended < 0.3
    status, _ = finish(graph, send(graph, Goal(text=LONG, duration=1.0)))
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert chunks[count].chunk_index == 0


def test_a_new_goal_preempts(graph: Graph, generator: GeneratorNode) -> None:
    slow_down(generator)
    chunks = graph.collect(SmplMotion, 'smpl_motion', qos.STREAM)
    first = send(graph, Goal(text=LONG, duration=20.0))
    wait_until(lambda: chunks, 'no chunk of the first goal')
    second = send(graph, Goal(text='bow to a guest', duration=1.0))
    status, result = finish(graph, first)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.INTERRUPTED)
    status, result = finish(graph, second)
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.OK)
    ids = [chunk.motion_id for chunk in chunks]
    switch = ids.index(result.motion.motion_id)
    assert set(ids[switch:]) == {result.motion.motion_id}


def test_a_bad_goal_interrupts_nothing(graph: Graph, generator: GeneratorNode) -> None:
    slow_down(generator)
    chunks = graph.collect(SmplMotion, 'smpl_motion', qos.STREAM)
    good = send(graph, Goal(text=LONG, duration=2.0))
    wait_until(lambda: chunks, 'no chunk')
    status, result = finish(graph, send(graph, Goal(text='')))
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.BAD_REQUEST)
    assert 'text is empty' in result.message
    assert finish(graph, good)[0] == GoalStatus.STATUS_SUCCEEDED


def test_the_emotion_topic_changes_the_running_motion(
    graph: Graph, generator: GeneratorNode
) -> None:
    slow_down(generator)
    chunks = graph.collect(SmplMotion, 'smpl_motion', qos.STREAM)
    emotions = graph.publisher(Emotion, 'emotion', qos.NEWEST)
    handle = send(graph, Goal(text=LONG, duration=6.0, emotion=Emotion(label='happy')))
    wait_until(lambda: len(chunks) >= 2, 'no chunks')
    emotions.publish(Emotion(label='sad', intensity=0.8, confidence=1.0))
    finish(graph, handle)
    labels = [chunk.emotion.label for chunk in chunks]
    assert labels[0] == 'happy'
    assert labels[-1] == 'sad'
    assert list(chunks[0].emotion_embedding) != list(chunks[-1].emotion_embedding)
    # It is remembered for goals that name none, until a message without emotion arrives.
    _, result = finish(graph, send(graph, Goal(text=LONG, duration=1.0)))
    assert result.motion.emotion.label == 'sad'
    emotions.publish(Emotion())
    wait_until(lambda: generator._emotion is None, 'the emotion was not taken back')


def test_goals_beyond_the_robot_say_so(graph: Graph, generator: GeneratorNode) -> None:
    """The running goal goes on."""
    running = send(graph, Goal(text=LONG))
    far = SceneTarget(kind=SceneTarget.REACH)
    far.point.point.x = 2.0
    status, result = finish(graph, send(graph, Goal(text=LONG, targets=[far])))
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.UNSUPPORTED)
    assert 'reach (2.00, 0.00, 0.00) with ' in result.message
    assert 'the arm of g1 is' in result.message
    status, result = finish(graph, send(graph, Goal(text=LONG, joint_groups=['third_arm'])))
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.BAD_REQUEST)
    assert "unknown joint group 'third_arm'" in result.message
    status, result = finish(graph, running)
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.OK)


def test_targets_and_joint_groups_go_with_the_first_chunk(
    graph: Graph, generator: GeneratorNode
) -> None:
    chunks = graph.collect(SmplMotion, 'smpl_motion', qos.STREAM)
    target = SceneTarget(kind=SceneTarget.HAND_OVER, limb='right_hand')
    target.point.point.x, target.point.point.y, target.point.point.z = 0.25, -0.15, 0.2
    goal = Goal(text='wave', duration=1.0, targets=[target], joint_groups=['upper_body'])
    status, result = finish(graph, send(graph, goal))
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.OK)
    wait_until(lambda: chunks and chunks[-1].last, 'the last chunk did not come')
    assert chunks[0].targets == result.motion.targets == [target]
    assert list(chunks[0].joint_groups) == ['upper_body']
    assert not any(chunk.targets or chunk.joint_groups for chunk in chunks[1:])


def test_experts_are_reloaded_during_a_goal(graph: Graph, generator: GeneratorNode) -> None:
    slow_down(generator)
    handle = send(graph, Goal(text=LONG, duration=3.0))
    answer = graph.call(Trigger, 'reload_experts', Trigger.Request())
    assert answer.success
    assert 'reception' in answer.message
    assert finish(graph, handle)[0] == GoalStatus.STATUS_SUCCEEDED


def test_inactive_it_answers_and_active_again_it_works(
    graph: Graph, generator: GeneratorNode
) -> None:
    slow_down(generator)
    running = send(graph, Goal(text=LONG, duration=20.0))
    assert graph.transition('generator', Transition.TRANSITION_DEACTIVATE)
    status, result = finish(graph, running)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.INTERRUPTED)
    status, result = finish(graph, send(graph, Goal(text=LONG)))
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.BAD_REQUEST)
    assert 'activate it first' in result.message
    assert not graph.call(Trigger, 'reload_experts', Trigger.Request()).success
    assert graph.transition('generator', Transition.TRANSITION_CLEANUP)
    graph.configure_and_activate('generator')
    assert finish(graph, send(graph, Goal(text=LONG, duration=1.0)))[0] == (
        GoalStatus.STATUS_SUCCEEDED
    )


def test_a_missing_model_leaves_the_node_unconfigured(graph: Graph, tmp_path) -> None:
    node = graph.add(GeneratorNode, active=False, model_path=str(tmp_path / 'none'))
    assert not graph.transition('generator', Transition.TRANSITION_CONFIGURE)
    assert graph.state('generator') == 'unconfigured'
    assert 'none' in node.last_error


def test_many_goals_at_once(graph: Graph, generator: GeneratorNode) -> None:
    client = graph.action(GenerateMotion, 'generate_motion')
    goal = Goal(text=LONG, duration=5.0)
    goals = [graph.start(lambda: client.send_goal_async(goal)) for _ in range(10)]
    results = [finish(graph, graph.result(goal)) for goal in goals]
    codes = [result.error_code for _, result in results]
    assert codes.count(Result.OK) >= 1
    assert set(codes) <= {Result.OK, Result.INTERRUPTED}
    assert generator.idle
    assert threading.active_count() < 20
