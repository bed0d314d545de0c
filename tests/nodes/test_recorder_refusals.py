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

from pathlib import Path
import shutil

from l2emg_interfaces.msg import Emotion
from l2emg_interfaces.srv import ListExperts
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
from nodes.person import entries, Person
import pytest

from l2emg_ros.nodes.lifelong_node import LifelongNode


def test_without_consent_nothing_is_kept(person: Person, log: Path) -> None:
    person.watch('secret')
    person.say('secret', consent=False, rating=1.0, correction='pssst')
    wait_until(lambda: person.node.errors == 1, 'it was not refused')
    assert person.node.last_error == 'feedback without consent: nothing of it is kept'
    person.watch('open')
    person.say('open', rating=float('nan'))
    person.stored(1)
    assert [(item.motion_id, item.feedback.rating) for item in entries(log)] == [('open', None)]
    content = b''.join(path.read_bytes() for path in log.rglob('*') if path.is_file())
    assert b'open' in content
    assert b'secret' not in content
    assert b'pssst' not in content
    assert person.status()['refused'] == 1


BAD = {
    'no motion': ({'motion_id': ''}, 'motion_id is empty'),
    'rating': ({'rating': 1.5}, 'rating is 1.5'),
    'infinite rating': ({'rating': float('inf')}, 'rating is inf'),
    'long id': ({'motion_id': 'm' * 1000}, '1000 characters'),
    'control character': ({'session_id': 'm\n'}, 'control character U+000A'),
    'odd emotion': ({'human_before': Emotion(label='odd')}, "unknown emotion 'odd'"),
    'nan': ({'human_after': Emotion(valence=float('nan'))}, 'valence is nan'),
    'confidence': ({'human_after': Emotion(confidence=2.0)}, 'confidence is 2.0'),
    'long comment': ({'correction': 'x' * 501}, 'correction has 501 characters'),
    'a megabyte': ({'correction': 'x' * 1_000_000}, 'bytes: expected at most 65536'),
    'unknown motion': ({'motion_id': 'stranger'}, "unknown motion_id 'stranger'"),
    'unknown preference': ({'preferred_motion_id': 'nothing'}, "preferred_motion_id 'nothing'"),
    'no such user': ({'demonstration': '~nosuchuser/shown.npz'}, 'No such file'),
    'no such file': ({'demonstration': '/nowhere.npz'}, 'No such file'),
    'no motion in it': ({'demonstration': __file__}, 'expected a name that ends in'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_feedback_is_refused(graph: Graph, person: Person, log: Path, case: str) -> None:
    fields, words = BAD[case]
    person.watch('m')
    person.say(**{'motion_id': 'm', **fields})
    wait_until(lambda: person.node.errors, words)
    assert words in person.node.last_error
    assert len(person.node.last_error) < 300
    assert graph.state('lifelong') == 'active'
    assert person.status()['refused'] == 1
    person.say('m')
    person.stored(1)
    assert len(entries(log)) == 1


def test_a_log_that_cannot_be_opened_refuses_feedback_until_it_can(
    graph: Graph, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / 'log'
    folder.touch()
    node = graph.add(LifelongNode, model_path=str(model), log_path=str(folder))
    assert 'is a file: expected the folder of a log' in node.last_error
    assert graph.call(ListExperts, 'list_experts', ListExperts.Request()).experts
    person = Person(graph, node)
    person.watch('m')
    errors = node.errors
    person.say('m')
    wait_until(lambda: node.errors > errors, 'it was not refused')
    assert node._log_status().level == b'\x02'
    folder.unlink()
    person.say('m')
    person.stored(1)
    assert len(entries(folder)) == 1


def test_a_log_that_was_removed_is_made_anew(person: Person, log: Path) -> None:
    person.watch('m')
    person.say('m')
    person.stored(1)
    shutil.rmtree(log)
    person.say('m')
    ids = person.stored(2)
    assert [item.id for item in entries(log)] == ids[1:]
    assert person.node.errors == 0


@pytest.mark.parametrize('step', ['os.replace', 'os.fsync', 'l2emg_ros.lifelong.recording.write'])
def test_a_full_disk_is_survived(
    graph: Graph, person: Person, log: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_, **__) -> None:
        raise OSError(28, 'No space left on device', 'disk')

    person.watch('m')
    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        person.say('m')
        wait_until(lambda: person.node.errors, 'it was not refused')
        assert 'No space left on device' in person.node.last_error
    assert graph.state('lifelong') == 'active'
    person.say('m')
    person.stored(1)
    assert len(entries(log)) == len(list((log / 'interactions').iterdir())) == 1


def test_broken_motions_are_not_recorded(person: Person) -> None:
    good = chunks(gesture(), 'm')
    for name, change in (
        ('tokens', lambda message: setattr(message, 'token_levels', 5)),
        ('text', lambda message: setattr(message, 'text', 'x' * 501)),
        ('novelty_p_value', lambda message: setattr(message, 'novelty_p_value', 7.0)),
        ('chunk 5', lambda message: setattr(message, 'chunk_index', 5)),
    ):
        person._motions.publish(good[0])
        bad = chunks(gesture(), 'm')[1]
        change(bad)
        person._motions.publish(bad)
        wait_until(lambda: name in person.node.last_error, name)  # noqa: B023
        assert person.status()['pending'] == 0
