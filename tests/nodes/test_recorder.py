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

import dataclasses
from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticArray
from l2emg_interfaces.msg import Emotion, InteractionFeedback, MotionOutcome, SmplMotion
from lifecycle_msgs.msg import Transition
from nodes.chunked import chunks, gesture, TOKENS
from nodes.graph import Graph, wait_until
from nodes.person import entries, Person
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.rosbag2 import Reader
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from std_msgs.msg import String

from l2emg_ros.emotion import Emotion as Feeling
from l2emg_ros.errors import LogError
from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.interaction import Outcome
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import definitions, qos

COUNT = len(chunks(gesture(), 'm'))


def on_the_wire(messages: list) -> list:
    """Return messages with the precision that they have when they arrive."""
    return [deserialize_message(serialize_message(item), type(item)) for item in messages]


def test_an_interaction_holds_all_that_is_known(person: Person, log: Path) -> None:
    begun = time.time()
    sent = person.watch('m')
    person.finish('m', completed=True, time_stretch=1.5, trimmed=0.25, tracking_error=0.125)
    said = person.say(
        'm',
        session_id='s',
        rating=-0.5,
        human_before=Emotion(valence=-0.5, confidence=0.25),
        human_after=Emotion(label='happy', intensity=0.75, confidence=0.5),
        correction='slower, please',
    )
    (identifier,) = person.stored(1)
    with InteractionLog(log) as reader:
        found = reader.get(identifier)
        path = reader.recording(identifier)
    motion = gesture()
    assert (found.motion_id, found.text) == ('m', motion.text)
    assert found.emotion == Feeling('happy')
    assert (found.experts, found.expert_weights) == (('reception@1',), (0.75,))
    assert (found.novelty_p_value, found.seed) == (0.5, motion.seed)
    assert (found.scenario, found.model) == (motion.scenario, motion.generator)
    np.testing.assert_array_equal(
        found.tokens, np.concatenate([TOKENS + number for number in range(COUNT)])
    )
    assert found.seconds == pytest.approx(motion.frames / motion.fps)
    assert found.outcome == Outcome(True, 1.5, 0.25, 0.125)
    assert found.feedback.rating == -0.5
    assert found.feedback.human_before == Feeling.from_vad(-0.5, 0.0, 0.0, 0.0)
    assert found.feedback.human_after == Feeling('happy', intensity=0.75)
    assert (found.feedback.confidence_before, found.feedback.confidence_after) == (0.25, 0.5)
    assert (found.feedback.session_id, found.feedback.correction) == ('s', 'slower, please')
    assert begun <= found.recorded <= time.time()
    assert found.keep_until - found.recorded == pytest.approx(90 * 86400)
    # The messages are those that were sent.
    records = recording.read(path)
    data = [record.data for record in records if record.topic == 'smpl_motion']
    assert [deserialize_message(item, SmplMotion) for item in data] == on_the_wire(sent)
    assert records[-1].topic == 'interaction_feedback'
    assert [deserialize_message(records[-1].data, InteractionFeedback)] == on_the_wire([said])
    assert [record.topic for record in records].count('motion_outcome') == 1
    # And give the motion back.
    (whole,) = recording.motions(path).values()
    np.testing.assert_allclose(whole.trans, motion.trans, atol=1e-6)
    assert (whole.text, whole.emotion) == (motion.text, 'happy')
    assert person.node.errors == 0


def test_recordings_open_with_rosbags_and_have_equal_fields(person: Person, log: Path) -> None:
    """Another implementation reads them by the definitions in the file alone."""
    sent = person.watch('m')
    person.finish('m', completed=True, tracking_error=float('nan'))
    said = person.say('m', rating=1.0, correction='größer')
    (identifier,) = person.stored(1)
    with InteractionLog(log) as reader:
        path = reader.recording(identifier)
    store = get_typestore(Stores.EMPTY)
    with Reader(path) as bag:
        for connection in bag.connections:
            types = get_types_from_msg(connection.msgdef.data, connection.msgtype)
            store.register({k: v for k, v in types.items() if k not in store.types})
        found = [
            store.deserialize_cdr(data, connection.msgtype)
            for connection, _, data in bag.messages()
        ]
    assert len(found) == COUNT + 2
    ours = [message for _, message in recording.decoded(path)]
    chunks_found = [message for message in found if hasattr(message, 'rotations')]
    chunks_ours = [message for message in ours if hasattr(message, 'rotations')]
    for message, other, wanted in zip(chunks_found, chunks_ours, sent, strict=True):
        assert message.motion_id == other.motion_id == wanted.motion_id
        assert message.chunk_index == other.chunk_index == wanted.chunk_index
        assert message.emotion.label == other.emotion.label == wanted.emotion.label
        assert message.experts == other.experts == wanted.experts
        for name in ('rotations', 'root_translation', 'tokens', 'expert_weights'):
            np.testing.assert_array_equal(getattr(message, name), getattr(wanted, name))
            np.testing.assert_array_equal(getattr(other, name), getattr(wanted, name))
    (theirs,) = (message for message in found if hasattr(message, 'rating'))
    assert theirs.correction == ours[-1].correction == said.correction
    assert theirs.rating == ours[-1].rating == 1.0


@pytest.mark.parametrize(
    ('kind', 'topic'),
    [
        (SmplMotion, 'smpl_motion'),
        (MotionOutcome, 'motion_outcome'),
        (InteractionFeedback, 'interaction_feedback'),
        (DiagnosticArray, '/diagnostics'),
    ],
)
def test_definitions_are_those_of_the_types(
    graph: Graph, person: Person, kind: type, topic: str
) -> None:
    """Their hash, over names and types in order, is the one that ROS tells of the topic."""
    name, store = definitions.type_name(kind), get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(definitions.definition(kind), name))
    infos = wait_until(lambda: graph.client.get_publishers_info_by_topic(topic), 'no publisher')
    assert store.hash_rihs01(name) == str(infos[0].topic_type_hash)


def test_every_feedback_is_an_interaction(person: Person, log: Path) -> None:
    """Also about one motion, also when only the log knows it, and on disk before its id is out."""
    person.watch('m')
    person.say('m', rating=0.5, session_id='anna')
    person.stored(1)
    person.finish('m', completed=False, time_stretch=0.5)
    person.say('m', rating=-0.5, session_id='bert')
    person.stored(2)
    person.node._recorder._pending.clear()
    person.say('m', rating=0.25, session_id='carl')
    ids = person.stored(3)
    found = entries(log)
    assert [item.id for item in found] == ids
    assert [item.feedback.rating for item in found] == [0.5, -0.5, 0.25]
    assert all(item.outcome == Outcome(False, 0.5, 0.0, 0.0) for item in found)
    assert all(len(item.tokens) == 2 * COUNT for item in found)
    with InteractionLog(log) as reader:
        for item in found:
            *motion, last = recording.decoded(reader.recording(item.id))
            assert last[1].rating == item.feedback.rating
            assert [m.chunk_index for r, m in motion if r.topic == 'smpl_motion'] == [
                *range(COUNT)
            ]
            assert item.feedback.session_id.encode() in reader.recording(item.id).read_bytes()


def test_ids_are_published_when_all_is_on_disk(graph: Graph, person: Person, log: Path) -> None:
    seen: list[bool] = []

    def check(message: String) -> None:
        with InteractionLog(log) as reader:
            seen.append(reader.recording(message.data).is_file())

    graph.client.create_subscription(String, 'lifelong/recorded', check, qos.STREAM)
    person.watch('m')
    for _ in range(10):
        person.say('m')
    ids = person.stored(10)
    wait_until(lambda: len(seen) == 10, 'not every id came')
    assert all(seen)
    # A late reader still learns the last id.
    late = graph.collect(String, 'lifelong/recorded', qos.LATCHED)
    wait_until(lambda: late, 'the id is not latched')
    assert late[0].data == ids[-1] == entries(log)[-1].id


def test_feedback_waits_for_the_rest_of_its_motion(person: Person, log: Path) -> None:
    messages = chunks(gesture(), 'm')
    person.say('m')
    person.watch('m', count=2)
    for message in messages[2:]:
        person._motions.publish(message)
    person.stored(1)
    assert len(entries(log)[0].tokens) == 2 * COUNT
    # One that was cancelled has no last chunk: learned from, it would teach to stop half-way.
    person.watch('cut', count=2)
    person.say('cut')
    person.stored(2)
    assert len(entries(log)[1].tokens) == 0
    assert person.node.errors == 0


def test_what_was_said_is_stored_before_the_node_stops(
    graph: Graph, person: Person, log: Path
) -> None:
    person.watch('m', count=2)
    person.say('m')
    wait_until(lambda: person.node._recorder._held, 'the feedback did not come')
    assert graph.transition('lifelong', Transition.TRANSITION_DEACTIVATE)
    assert len(entries(log)) == 1
    assert person.stored(1) == [entries(log)[0].id]
    assert graph.transition('lifelong', Transition.TRANSITION_CLEANUP)
    InteractionLog(log, writer=True).close()
    graph.configure_and_activate('lifelong')
    with pytest.raises(LogError, match='another process'):
        InteractionLog(log, writer=True)


def test_both_motions_of_a_preference_are_kept(person: Person, log: Path) -> None:
    person.watch('first')
    person.watch('second')
    person.say('second', preferred_motion_id='first')
    (identifier,) = person.stored(1)
    with InteractionLog(log) as reader:
        motions = recording.motions(reader.recording(identifier))
    assert set(motions) == {'first', 'second'}


def test_demonstrations_are_copied(person: Person, log: Path, tmp_path: Path) -> None:
    from l2emg_ros.retarget.retargeter import Retargeter
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.trajectory import Trajectory

    person.watch('m')
    shown = tmp_path / 'shown.npz'
    gesture('bow').save(shown)
    person.say('m', demonstration=str(shown))
    person.stored(1)
    moved = tmp_path / 'moved.npz'
    Retargeter(Robot.load('g1')).retarget(gesture('bow', 1.0)).save(moved)
    person.say('m', demonstration=str(moved))
    person.stored(2)
    shown.unlink()
    moved.unlink()
    first, second = (item.feedback.demonstration for item in entries(log))
    assert Motion.load(first).frames == gesture('bow').frames
    assert len(Trajectory.load(second)) > 30


def test_a_trajectory_must_be_one_that_can_be_learned_from(
    person: Person, log: Path, tmp_path: Path
) -> None:
    from l2emg_ros.lifelong import demonstration
    from l2emg_ros.retarget.retargeter import Retargeter
    from l2emg_ros.retarget.robot import Robot

    person.watch('m')
    moved = Retargeter(Robot.load('g1')).retarget(gesture('wave', 1.0))
    shown = tmp_path / 'shown.npz'
    odd = dataclasses.replace(moved, joint_names=('tail', *moved.joint_names[1:]))
    odd.save(shown)
    person.say('m', demonstration=str(shown))
    wait_until(lambda: person.node.errors, 'the tail was taken')
    assert "g1 has no joint 'tail'" in person.node.last_error
    # Nobody here knows that robot, but who learns from it may.
    dataclasses.replace(odd, robot='mine').save(shown)
    person.say('m', demonstration=str(shown))
    person.stored(1)
    moved.save(shown)
    person.say('m', demonstration=str(shown))
    person.stored(2)
    kept = [item.feedback.demonstration for item in entries(log)]
    assert demonstration.load(kept[1]) == demonstration.load(shown)


def test_waiting_motions_are_bounded(graph: Graph, person: Person, log: Path) -> None:
    assert graph.set_parameter('lifelong', 'pending_motions', 2)[0]
    for number in range(4):
        for message in chunks(gesture(), f'm{number}'):
            person._motions.publish(message)
    pending = person.node._recorder._pending
    wait_until(lambda: (known := pending.get('m3')) and known.complete, 'm3 is not there')
    assert [pending.get(f'm{number}') is None for number in range(4)] == [True, True, False, False]
    person.say('m0')
    wait_until(lambda: 'unknown motion_id' in person.node.last_error, 'm0 is still there')
    assert graph.set_parameter('lifelong', 'pending_s', 1.0)[0]
    wait_until(lambda: not len(pending), 'they wait for ever')


def test_retention_is_enforced_when_configured(
    graph: Graph, person: Person, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert graph.set_parameter('lifelong', 'retention_days', 1.0)[0]
    person.watch('m')
    person.say('m')
    person.stored(1)
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        assert graph.transition('lifelong', transition)
    graph.configure_and_activate('lifelong')
    assert person.status()['interactions'] == 1
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        assert graph.transition('lifelong', transition)
    tomorrow = time.time() + 86401
    monkeypatch.setattr(time, 'time', lambda: tomorrow)
    graph.configure_and_activate('lifelong')
    assert person.status()['interactions'] == 0
    assert entries(log) == []
