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

import json
from pathlib import Path
import shutil

from action_msgs.msg import GoalStatus
from l2emg_interfaces.action import LearnScenario
from l2emg_interfaces.msg import Emotion, InteractionFeedback
from l2emg_interfaces.srv import ListExperts, RollbackExpert
from nodes.graph import Graph, wait_until
import pytest
from std_msgs.msg import String

from l2emg_ros.nodes import qos
from l2emg_ros.nodes.lifelong_node import LifelongNode


@pytest.fixture
def model(tmp_path: Path, tiny_model_path: str) -> Path:
    return Path(shutil.copytree(tiny_model_path, tmp_path / 'model'))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / 'deep' / 'feedback.jsonl'


@pytest.fixture
def lifelong(graph: Graph, model: Path, log: Path) -> LifelongNode:
    experts = str(log.parent / 'experts')
    return graph.add(LifelongNode, model_path=str(model), experts_path=experts, log_path=str(log))


def entries(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text('utf-8').splitlines()]


def test_feedback_is_on_disk_before_its_id_is_published(
    graph: Graph, lifelong: LifelongNode, log: Path
) -> None:
    seen: list[tuple[str, list[str]]] = []

    def check(message: String) -> None:
        seen.append((message.data, [entry['id'] for entry in entries(log)]))

    graph.client.create_subscription(String, 'lifelong/recorded', check, qos.LATCHED)
    publisher = graph.publisher(InteractionFeedback, 'interaction_feedback', qos.FEEDBACK)
    for number in range(10):
        publisher.publish(
            InteractionFeedback(
                motion_id=f'motion-{number}',
                session_id='s',
                consent=True,
                rating=-0.5,
                human_after=Emotion(label='happy', intensity=0.7),
                correction='slower, please',
            )
        )
    wait_until(log.exists, 'nothing was recorded')
    wait_until(lambda: len(entries(log)) == 10, 'not everything was recorded')
    last = entries(log)[-1]['id']
    wait_until(lambda: seen and seen[-1][0] == last, 'the last id was not published')
    assert all(identifier in stored for identifier, stored in seen)
    first = entries(log)[0]
    assert first['motion_id'] == 'motion-0'
    assert first['rating'] == -0.5
    assert first['human_before'] is None
    assert first['human_after']['label'] == 'happy'
    # A late reader still learns the last id.
    late = graph.collect(String, 'lifelong/recorded', qos.LATCHED)
    wait_until(lambda: late, 'the id is not latched')
    assert late[0].data == entries(log)[-1]['id']


def test_without_consent_nothing_is_kept(graph: Graph, lifelong: LifelongNode, log: Path) -> None:
    publisher = graph.publisher(InteractionFeedback, 'interaction_feedback', qos.FEEDBACK)
    publisher.publish(InteractionFeedback(motion_id='secret', consent=False, rating=1.0))
    publisher.publish(InteractionFeedback(motion_id='open', consent=True, rating=float('nan')))
    wait_until(log.exists, 'nothing was recorded')
    assert [(entry['motion_id'], entry['rating']) for entry in entries(log)] == [('open', None)]
    assert lifelong._without_consent == 1
    assert lifelong.errors == 0


def test_bad_feedback_is_refused(graph: Graph, lifelong: LifelongNode, log: Path) -> None:
    publisher = graph.publisher(InteractionFeedback, 'interaction_feedback', qos.FEEDBACK)
    cases = (
        (InteractionFeedback(consent=True), 'motion_id is empty'),
        (InteractionFeedback(motion_id='m', consent=True, rating=1.5), 'rating is 1.5'),
        (InteractionFeedback(motion_id='m', consent=True, rating=float('inf')), 'rating is inf'),
        (InteractionFeedback(motion_id='m' * 1000, consent=True), '1000 characters'),
        (InteractionFeedback(motion_id='m\n', consent=True), 'control characters'),
        (
            InteractionFeedback(motion_id='m', consent=True, human_before=Emotion(label='odd')),
            "unknown emotion 'odd'",
        ),
        (
            InteractionFeedback(
                motion_id='m', consent=True, human_after=Emotion(valence=float('nan'))
            ),
            'valence is nan',
        ),
        (InteractionFeedback(motion_id='m', consent=True, correction='x' * 501), 'correction'),
    )
    for count, (message, words) in enumerate(cases, 1):
        publisher.publish(message)
        wait_until(lambda: lifelong.errors == count, words)  # noqa: B023
        assert words in lifelong.last_error
    assert not log.exists()
    assert graph.state('lifelong') == 'active'


def test_experts_are_listed(graph: Graph, lifelong: LifelongNode) -> None:
    experts = graph.call(ListExperts, 'list_experts', ListExperts.Request()).experts
    assert {expert.name for expert in experts} == {'reception', 'ward'}
    assert all(expert.active and len(expert.sha256) == 64 for expert in experts)
    assert all(expert.created.sec > 1_500_000_000 for expert in experts)
    one = graph.call(ListExperts, 'list_experts', ListExperts.Request(scenario='ward')).experts
    assert [expert.scenario for expert in one] == ['ward']
    none = graph.call(ListExperts, 'list_experts', ListExperts.Request(scenario='moon')).experts
    assert none == []


def test_rollback(graph: Graph, lifelong: LifelongNode, model: Path, log: Path) -> None:
    from l2emg_ros.experts import state
    from l2emg_ros.experts.place import registry_for
    from l2emg_ros.experts.registry import Registry

    def ask(scenario: str, version: str = '') -> tuple[bool, str]:
        request = RollbackExpert.Request(scenario=scenario, version=version)
        answer = graph.call(RollbackExpert, 'rollback_expert', request)
        return answer.success, answer.message

    for scenario, version, words in (
        ('moon', '', "no active expert for scenario 'moon'"),
        ('ward', '7', "not '7'"),
    ):
        success, message = ask(scenario, version)
        assert not success
        assert words in message
    registry = registry_for(model, log.parent / 'experts')
    manifest, adapter, slots = registry.load('ward')
    second = registry.add(manifest, adapter, slots)
    present = registry.active()
    chosen = state.chosen(present)
    registry.activate(
        {**chosen, 'ward': ('ward', second)}, registry.router(), present['emotion_block']
    )
    success, message = ask('ward')
    assert success
    assert 'version 1, was 2' in message
    assert state.chosen(registry.active()) == chosen
    success, message = ask('ward')
    assert success
    assert 'ward@1 was the first: ward is taken out' in message
    assert state.chosen(registry.active()) == {'reception': ('reception', '1')}
    assert ask('ward', second)[0]
    assert state.chosen(registry.active()) == {**chosen, 'ward': ('ward', second)}
    # The experts that came with the model are as they were.
    assert Registry(model / 'experts').versions('ward') == [('ward', '1')]


def test_learning_is_not_pretended(graph: Graph, lifelong: LifelongNode) -> None:
    client = graph.action(LearnScenario, 'learn_scenario')
    handle = graph.ask(lambda: client.send_goal_async(LearnScenario.Goal(scenario='ward')))
    answer = graph.ask(handle.get_result_async)
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert answer.result.error_code == LearnScenario.Result.UNSUPPORTED
    assert 'not supported' in answer.result.message
