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

import itertools
import math

from l2emg_interfaces.msg import Emotion, MotionOutcome, SmplMotion
from lifecycle_msgs.msg import Transition
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
import numpy as np
import pytest
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from l2emg_ros.nodes import qos
from l2emg_ros.nodes.outcomes import Outcomes
from l2emg_ros.nodes.retargeter_node import RetargeterNode
from l2emg_ros.retarget.plan import Account


@pytest.fixture(params=['trajectory', 'command'])
def outcomes(graph: Graph, request: pytest.FixtureRequest) -> list[MotionOutcome]:
    graph.add(RetargeterNode, output=request.param)
    return graph.collect(MotionOutcome, 'motion_outcome', qos.OUTCOME)


def send(graph: Graph, motion_id: str, seconds: float, count: int | None = None) -> None:
    publisher = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    for message in chunks(gesture(seconds=seconds), motion_id)[:count]:
        publisher.publish(message)


def test_motions_that_are_played_replaced_and_stopped(
    graph: Graph, outcomes: list[MotionOutcome]
) -> None:
    node = graph.nodes['retargeter']
    send(graph, 'replaced', 4.0)
    wait_until(lambda: node._plans.count == 12, 'it is not planned')
    send(graph, 'played', 1.0)
    wait_until(lambda: len(outcomes) == 2, 'not every outcome came')
    send(graph, 'stopped', 4.0)
    wait_until(lambda: node._outcomes.playing, 'it is not planned')
    assert graph.call(Trigger, 'stop', Trigger.Request()).success
    wait_until(lambda: len(outcomes) == 3, 'the stopped one is not told')
    send(graph, 'silent', 2.0, count=1)
    wait_until(lambda: len(outcomes) == 4, 'the one without an end is not told')
    send(graph, 'halted', 2.0)
    wait_until(lambda: node._outcomes.playing, 'it is not planned')
    assert graph.transition('retargeter', Transition.TRANSITION_DEACTIVATE)
    wait_until(lambda: len(outcomes) == 5, 'the halted one is not told')
    told = [(outcome.motion_id, outcome.completed) for outcome in outcomes]
    assert told == [
        ('replaced', False),
        ('played', True),
        ('stopped', False),
        ('silent', False),
        ('halted', False),
    ]
    played = outcomes[1]
    assert 0.9 < played.time_stretch < 3.0
    assert 0.0 <= played.trimmed <= 1.0
    assert math.isnan(played.tracking_error)


def test_the_tracking_error_is_that_of_the_joints(graph: Graph) -> None:
    """A robot that is always 0.05 rad beside its set points."""
    node = graph.add(RetargeterNode, output='command')
    outcomes = graph.collect(MotionOutcome, 'motion_outcome', qos.OUTCOME)
    states = graph.publisher(JointState, 'joint_states', qos.STATE)

    def follow(message: JointState) -> None:
        signs = itertools.cycle((1.0, -1.0))
        position = [value + 0.05 * sign for value, sign in zip(message.position, signs)]  # noqa: B905
        states.publish(JointState(name=message.name, position=position))

    graph.client.create_subscription(JointState, 'joint_command', follow, qos.NEWEST)
    send(graph, 'm', 1.0)
    wait_until(lambda: outcomes, 'no outcome')
    assert node.errors == 0
    assert outcomes[0].tracking_error == pytest.approx(0.05, abs=0.02)


def test_a_slower_manner_stretches_the_time(graph: Graph) -> None:
    node = graph.add(RetargeterNode, output='command')
    outcomes = graph.collect(MotionOutcome, 'motion_outcome', qos.OUTCOME)
    emotions = graph.publisher(Emotion, 'emotion', qos.NEWEST)
    send(graph, 'happy', 2.0)
    wait_until(lambda: len(outcomes) == 1, 'no outcome')
    send(graph, 'tired', 2.0)
    wait_until(lambda: node._outcomes.playing, 'it is not planned')
    emotions.publish(Emotion(label='tired', intensity=1.0))
    wait_until(lambda: len(outcomes) == 2, 'no outcome')
    assert outcomes[1].time_stretch > 1.1 * outcomes[0].time_stretch


def test_half_of_a_stretched_motion() -> None:
    told: list[MotionOutcome] = []
    clock = 100.0
    outcomes = Outcomes(told.append, lambda: clock)
    account = Account(0.02, began=10.0, end=10.0 + 100 * 0.03, frames=101, last=True)
    account.changed.update(range(50))
    outcomes.planned('m', account, 9.0)
    outcomes.watch(9.5)
    assert outcomes.playing
    clock = 101.0
    outcomes.watch(10.0)
    outcomes.measured(0.25)
    outcomes.measured(0.75)
    clock = 104.0
    # Planned 1.5 times as long, and then played at half of that pace.
    outcomes.close(11.5)
    # A plan to come to rest is not another performance.
    outcomes.planned('m', account, 11.5)
    outcomes.close(20.0)
    (outcome,) = told
    assert not outcome.completed
    assert outcome.time_stretch == pytest.approx(3.0)
    assert outcome.trimmed == pytest.approx(50 / 101)
    assert outcome.tracking_error == 0.5
    assert np.isfinite(outcome.time_stretch)
