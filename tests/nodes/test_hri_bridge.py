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
"""The bridge to ROS4HRI: with its messages where they are installed, and without."""

from __future__ import annotations

from collections.abc import Callable
import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from l2emg_interfaces.msg import Emotion
from lifecycle_msgs.msg import Transition
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
import pytest

from l2emg_ros.emotion import Emotion as Feeling
from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes import qos
from l2emg_ros.nodes.hri_bridge import HriBridgeNode

WITHOUT = 'needs ROS4HRI: install ros-jazzy-hri-msgs'


def status(graph: Graph, ready: Callable[[dict[str, str]], Any] = bool) -> tuple[str, dict]:
    """Return message and values of the line `hri_bridge: hri` once they are as wanted."""
    heard = graph.collect(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)

    def found() -> Any:
        for message in reversed(heard):
            for line in message.status:
                values = {pair.key: pair.value for pair in line.values}
                if line.name == 'hri_bridge: hri' and ready(values):
                    return line.message, values
        return None

    return wait_until(found, 'no such diagnostics')


# Without hri_msgs, whether it is installed here or not.


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('hri_msgs', 'hri_msgs.msg', 'interaction_skills', 'interaction_skills.msg'):
        monkeypatch.setitem(sys.modules, name, None)


def test_without_hri_msgs_it_says_so_and_lives(graph: Graph, absent: None) -> None:
    node = graph.add(HriBridgeNode)
    message, values = status(graph)
    assert message.startswith('hri_msgs is not installed')
    assert 'ros-jazzy-hri-msgs' in message
    assert '\n' not in message
    assert values['human_emotion'] == ''
    names = {name for name, _ in graph.client.get_topic_names_and_types()}
    assert '/human_emotion' in names
    assert not any('expression' in name for name in names)
    for _ in range(2):
        assert graph.transition('hri_bridge', Transition.TRANSITION_DEACTIVATE)
        assert graph.transition('hri_bridge', Transition.TRANSITION_CLEANUP)
        graph.configure_and_activate('hri_bridge')
    assert node.errors == 0


@pytest.mark.parametrize('face', ['a/b', '1a', 'a b', 'ä', 'x' * 200])
def test_an_id_that_is_none_is_refused(graph: Graph, absent: None, face: str) -> None:
    with pytest.raises(BadRequest, match='expected an id of letters') as refused:
        graph.add(HriBridgeNode, active=False, face=face)
    assert len(str(refused.value)) < 150


# With it.


@pytest.fixture
def said(graph: Graph) -> tuple[HriBridgeNode, list[Any]]:
    """Return an active bridge, and what it says of people."""
    pytest.importorskip('hri_msgs.msg', reason=WITHOUT)
    node = graph.add(HriBridgeNode)
    return node, graph.collect(Emotion, 'human_emotion', qos.LATCHED)


def expression(label: str = '', valence: float = 0.0, arousal: float = 0.0, confidence=1.0) -> Any:
    from hri_msgs.msg import Expression

    return Expression(
        expression=label, valence=valence, arousal=arousal, confidence=float(confidence)
    )


def face(graph: Graph, topic: str) -> Any:
    from hri_msgs.msg import Expression

    return graph.publisher(Expression, topic, qos.SENSOR)


def last(messages: list[Any], label: str) -> Any:
    wait_until(lambda: messages and messages[-1].label == label, f'no {label}')
    return messages[-1]


def test_the_messages_are_those_of_the_table() -> None:
    kinds = pytest.importorskip('hri_msgs.msg', reason=WITHOUT)
    from l2emg_ros.hri import table

    named = {
        value
        for key in vars(type(kinds.Expression))['_Metaclass_Expression__constants']
        if isinstance(value := getattr(kinds.Expression, key), str)
    }
    assert named == set(table()['inbound'])


def test_the_only_face(graph: Graph, said: tuple[HriBridgeNode, list[Any]]) -> None:
    node, heard = said
    people = face(graph, 'face/expression')
    people.publish(expression('scared', confidence=0.75))
    found = last(heard, 'fearful')
    assert (found.intensity, found.confidence) == (1.0, 0.75)
    assert Feeling('fearful').vad[0] == pytest.approx(found.valence)
    people.publish(expression('annoyed', confidence=0.5))
    assert last(heard, 'angry').intensity == 0.5
    people.publish(expression('', 0.4, -0.4))
    found = last(heard, '')
    assert (found.valence, found.arousal) == pytest.approx((0.4, -0.4))
    # Who comes later still hears of it.
    later = graph.collect(Emotion, 'human_emotion', qos.LATCHED)
    wait_until(lambda: later, 'nothing was kept')
    assert later[0].valence == pytest.approx(0.4)
    assert node.errors == 0


def test_bad_expressions_change_nothing(
    graph: Graph, said: tuple[HriBridgeNode, list[Any]]
) -> None:
    node, heard = said
    people = face(graph, 'face/expression')
    people.publish(expression('happy'))
    last(heard, 'happy')
    for number, (bad, words) in enumerate(
        [
            (expression('joyful'), "unknown expression 'joyful'"),
            (expression('happy', float('nan')), 'valence is nan'),
            (expression('happy', confidence=2.0), 'confidence is 2.0'),
        ],
        start=1,
    ):
        people.publish(bad)
        wait_until(lambda number=number: node.errors == number, words)
        assert words in node.last_error
    assert graph.state('hri_bridge') == 'active'
    assert [message.label for message in heard] == ['happy']
    people.publish(expression('sad'))
    last(heard, 'sad')


def test_it_stays_with_a_face_while_that_is_tracked(
    graph: Graph, said: tuple[HriBridgeNode, list[Any]]
) -> None:
    from hri_msgs.msg import Expression, IdsList

    node, heard = said
    tracked = graph.publisher(IdsList, '/humans/faces/tracked', qos.SENSOR)

    def track(*ids: str) -> None:
        tracked.publish(IdsList(ids=list(ids)))

    def heard_of(name: str) -> Any:
        return graph.client.create_publisher(
            Expression, f'/humans/faces/{name}/expression', qos.SENSOR
        )

    anna, bert = heard_of('anna'), heard_of('bert')
    track('anna', 'bert')
    wait_until(anna.get_subscription_count, 'nobody listens to anna')
    anna.publish(expression('happy'))
    last(heard, 'happy')
    # The order does not matter while anna is there, and a bad id beside her neither.
    track('bert', '?', 'anna')
    anna.publish(expression('amazed'))
    last(heard, 'surprised')
    assert bert.get_subscription_count() == 0
    track('bert')
    wait_until(bert.get_subscription_count, 'nobody listens to bert')
    wait_until(lambda: anna.get_subscription_count() == 0, 'somebody still listens to anna')
    bert.publish(expression('bored'))
    wait_until(lambda: heard[-1].arousal < -0.5, 'bert is not heard')
    before = node.errors
    track('?')
    wait_until(lambda: node.errors > before, 'the bad id was taken')
    assert "face '?'" in node.last_error
    track('anna')
    wait_until(anna.get_subscription_count, 'nobody listens to anna any more')
    assert status(graph, lambda values: values['face'] == 'anna')
    track()
    wait_until(lambda: anna.get_subscription_count() == 0, 'anna is gone')


def test_one_face_by_its_id(graph: Graph) -> None:
    pytest.importorskip('hri_msgs.msg', reason=WITHOUT)
    graph.add(HriBridgeNode, face='carl', faces='faces')
    heard = graph.collect(Emotion, 'human_emotion', qos.LATCHED)
    face(graph, 'faces/carl/expression').publish(expression('tired'))
    last(heard, 'tired')


def test_what_the_body_expresses_is_said(graph: Graph) -> None:
    kinds = pytest.importorskip('hri_msgs.msg', reason=WITHOUT)
    from l2emg_interfaces.msg import SmplMotion

    graph.add(HriBridgeNode)
    heard = graph.collect(kinds.Expression, 'robot_face/expression', qos.LATCHED)
    feelings = graph.publisher(Emotion, 'emotion', qos.NEWEST)
    feelings.publish(Emotion(label='shy', intensity=1.0))
    wait_until(lambda: heard, 'nothing is said')
    assert heard[0].expression == 'embarrassed'
    assert heard[0].header.stamp.sec > 0
    # The same again is no news; another is.
    feelings.publish(Emotion(label='shy', intensity=1.0))
    feelings.publish(Emotion(label='happy', intensity=0.5))
    wait_until(lambda: heard[-1].expression == 'happy', 'the change is not said')
    assert len(heard) == 2
    assert heard[-1].valence == pytest.approx(0.4)
    motions = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    for chunk in chunks(gesture('bow', 1.0, 'proud'), 'm'):
        motions.publish(chunk)
    wait_until(lambda: heard[-1].expression == '', 'the motion says nothing')
    assert (heard[-1].valence, heard[-1].arousal) == pytest.approx(Feeling('proud').vad[:2])


def test_without_interaction_skills_the_rest_works(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('hri_msgs.msg', reason=WITHOUT)
    monkeypatch.setitem(sys.modules, 'interaction_skills', None)
    monkeypatch.setitem(sys.modules, 'interaction_skills.msg', None)
    graph.add(HriBridgeNode)
    assert status(graph)[0] == 'without interaction_skills: skill/set_expression is not heard'
    heard = graph.collect(Emotion, 'human_emotion', qos.LATCHED)
    face(graph, 'face/expression').publish(expression('happy'))
    last(heard, 'happy')


def test_a_request_asks_the_body(graph: Graph) -> None:
    kinds = pytest.importorskip('interaction_skills.msg', reason='needs interaction_skills')
    from hri_msgs.msg import Expression

    node = graph.add(HriBridgeNode)
    body = graph.collect(Emotion, 'emotion', qos.NEWEST)
    shown = graph.collect(Expression, 'robot_face/expression', qos.LATCHED)
    requests = graph.publisher(kinds.SetExpression, 'skill/set_expression', qos.NEWEST)
    requests.publish(kinds.SetExpression(expression=expression('furious')))
    assert last(body, 'angry').intensity == 1.0
    wait_until(lambda: shown and shown[-1].expression == 'angry', 'the body is not shown')
    requests.publish(kinds.SetExpression(expression=expression('joyful')))
    wait_until(lambda: node.errors == 1, 'joyful was taken')
    # An empty one takes it back.
    requests.publish(kinds.SetExpression(expression=expression()))
    last(body, '')
    assert body[-1] == Emotion(confidence=body[-1].confidence)
    assert len(body) == 2


def test_inactive_it_hears_and_says_nothing(
    graph: Graph, said: tuple[HriBridgeNode, list[Any]]
) -> None:
    node, heard = said
    people = face(graph, 'face/expression')
    assert graph.transition('hri_bridge', Transition.TRANSITION_DEACTIVATE)
    # Not over ROS, where activation could overtake them. A bad one is not even looked at.
    node._on_expression(expression('happy'))
    node._on_expression(expression('joyful'))
    assert graph.transition('hri_bridge', Transition.TRANSITION_ACTIVATE)
    people.publish(expression('sad'))
    last(heard, 'sad')
    assert len(heard) == 1
    assert node.errors == 0
