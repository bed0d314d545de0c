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

from learning import school
from lifelong.interactions import record
import numpy as np
import pytest
import torch

from l2emg_ros.emotion import Emotion
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.learner import _read
from l2emg_ros.learning.lessons import Lessons
from l2emg_ros.learning.pairs import Teacher
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.lifelong.recording import Record


def lessons(host: Host, *interactions: Interaction, **options: object) -> Lessons:
    model = host.model
    teacher = Teacher(model.lm, model.tokenizer, host.requests, None, **options)  # type: ignore[arg-type]
    return teacher.lessons(interactions, 0)


def test_ratings_weigh_what_was_performed(host: Host) -> None:
    found = lessons(
        host,
        school.interaction(0, rating=0.0),
        school.interaction(1, rating=1.0),
        school.interaction(2, rating=-1.0),
        school.interaction(3),
    )
    first, liked, disliked = found.examples
    assert all(example.rated for example in found.examples)
    assert first.weight == pytest.approx(0.3)
    assert liked.weight == pytest.approx(0.3 * np.exp(0.5 / 0.5))
    expected = 0.9 * 0.0 + 0.1 * 0.5
    assert disliked.weight == pytest.approx(0.3 * np.exp((-0.5 - expected) / 0.5))
    assert torch.equal(liked.tokens, torch.from_numpy(school.tokens(1)))
    # Nobody gets more than three times the weight.
    many = [school.interaction(n, rating=-1.0) for n in range(4)]
    best = lessons(host, *many, school.interaction(9, rating=1.0)).examples[-1]
    assert best.weight == pytest.approx(0.9)


def test_two_motions_for_much_the_same_request_are_compared(host: Host) -> None:
    found = lessons(
        host,
        school.interaction(0, rating=1.0, text='wave to a visitor'),
        school.interaction(1, rating=-1.0, text='Wave to  a visitor!'),
        school.interaction(2, rating=-1.0, text='bow deeply before the king'),
        school.interaction(3, rating=0.9, text='wave to a visitor', emotion=Emotion('sad')),
    )
    (pair,) = found.preferences
    assert (pair.id, pair.against) == (f'{0:032x}', f'{1:032x}')
    assert torch.equal(pair.better, torch.from_numpy(school.tokens(0)))
    assert torch.equal(pair.worse, torch.from_numpy(school.tokens(1)))


def test_the_same_motion_rated_twice_is_no_pair(host: Host) -> None:
    found = lessons(
        host,
        school.interaction(0, motion_id='m', rating=1.0),
        school.interaction(1, motion_id='m', rating=-1.0),
    )
    assert not found.preferences


def test_a_motion_is_in_few_pairs(host: Host) -> None:
    some = [school.interaction(n, rating=1.0 if n % 2 else -1.0) for n in range(40)]
    found = lessons(host, *some)
    taking_part = [name for pair in found.preferences for name in (pair.id, pair.against)]
    assert 20 < len(found.preferences) <= 80
    assert max(taking_part.count(name) for name in taking_part) == 4
    assert len(found.sources) == 40


def test_the_motion_that_was_chosen_is_the_better_one(host: Host) -> None:
    found = lessons(
        host,
        school.interaction(0, text='wave'),
        school.interaction(1, text='bow', preferred_motion_id='m0'),
        school.interaction(2, text='nod', preferred_motion_id='m2'),
        school.interaction(3, text='nod', preferred_motion_id='gone'),
    )
    (pair,) = found.preferences
    # The request is the one that the person was asked about.
    assert (pair.text, pair.id, pair.against) == ('bow', f'{1:032x}', f'{0:032x}')
    assert torch.equal(pair.better, torch.from_numpy(school.tokens(0)))
    assert found.left_out == {'preferred motion was not recorded': 1}


def smpl_chunks(motion_id: str, seeds: tuple[int, ...]) -> list[Record]:
    """Return a recorded motion in chunks of four tokens, as the node stores them."""
    messages = pytest.importorskip('l2emg_interfaces.msg')
    serialization = pytest.importorskip('rclpy.serialization')
    from l2emg_ros.nodes import convert, definitions

    kind = messages.SmplMotion
    return [
        Record(
            'smpl_motion',
            definitions.type_name(kind),
            definitions.definition(kind),
            10 + index,
            serialization.serialize_message(
                convert.motion_to_message(
                    school.motion().slice(0, 16),
                    motion_id=motion_id,
                    frame_id='odom',
                    chunk_index=index,
                    last=index + 1 == len(seeds),
                    emotion=None,
                    experts=[],
                    expert_weights=[],
                    novelty_p_value=1.0,
                    tokens=school.tokens(seed, 4),
                )
            ),
        )
        for index, seed in enumerate(seeds)
    ]


def test_a_choice_is_read_from_the_recording(tiny: Path, tmp_path: Path, host: Host) -> None:
    with InteractionLog(tmp_path / 'log', writer=True) as log:
        one = school.interaction(1, preferred_motion_id='other', id='')
        own, other = smpl_chunks('m1', (1, 2)), smpl_chunks('other', (3, 4, 5))
        stored = log.add(one, [*own, *other, record()])
        # Half a motion is no motion.
        log.add(school.interaction(2, preferred_motion_id='cut', id=''), smpl_chunks('cut', (1,)))
        cut = smpl_chunks('lost', (1, 2, 3))
        del cut[1]
        log.add(school.interaction(3, preferred_motion_id='lost', id=''), cut)
    job = school.job(tiny, tmp_path, log=tmp_path / 'log')
    reading = Host.__new__(Host)
    reading.__dict__.update(host.__dict__, job=job)
    found, interactions = _read(reading)
    assert len(interactions) == 3
    (pair,) = found.preferences
    assert (pair.id, pair.against) == (stored, '')
    wanted = np.concatenate([school.tokens(seed, 4) for seed in (3, 4, 5)])
    assert torch.equal(pair.better, torch.from_numpy(wanted))
    assert found.left_out == {'preferred motion was not recorded': 2}


def test_demonstrations_are_shown_motions(tmp_path: Path, host: Host) -> None:
    school.motion().save(tmp_path / 'shown.npz')
    (tmp_path / 'bad.npz').write_bytes(b'no')
    found = lessons(
        host,
        school.interaction(0, demonstration=str(tmp_path / 'shown.npz'), correction='happier'),
        school.interaction(1, demonstration=str(tmp_path / 'bad.npz')),
        school.interaction(2, demonstration=str(tmp_path / 'gone.npz')),
    )
    (example,) = found.examples
    assert example.weight == 1.0
    assert not example.rated
    assert example.emotion == Emotion('happy')
    # Nothing was said of the motion with the emotion that had been asked for.
    assert not found.preferences
    assert len(example.tokens) == 15
    assert len(found.left_out) == 2
    assert all(why.startswith('demonstration: ') for why in found.left_out)


def test_what_is_shown_is_better_than_what_it_answers(tmp_path: Path, host: Host) -> None:
    path = tmp_path / 'shown.npz'
    school.motion().save(path)
    found = lessons(host, school.interaction(0, demonstration=str(path)), school.interaction(1))
    (example,), (pair,) = found.examples, found.preferences
    assert pair.implied
    assert (pair.id, pair.text, pair.against) == (example.id, example.text, '')
    assert torch.equal(pair.better, example.tokens)
    assert torch.equal(pair.worse, torch.from_numpy(school.tokens(0)))
    assert found.sources == [example.id]


def test_what_is_shown_is_learned_in_place_of_what_was_rated(tmp_path: Path, host: Host) -> None:
    path = tmp_path / 'shown.npz'
    school.motion().save(path)
    found = lessons(
        host,
        school.interaction(0, demonstration=str(path), rating=-0.5),
        school.interaction(1, rating=0.5),
    )
    assert [(int(e.id, 16), e.rated) for e in found.examples] == [(0, False), (1, True)]


def test_corrections_give_motions_as_they_should_have_been(host: Host) -> None:
    found = lessons(
        host,
        school.interaction(0, correction='slower'),
        school.interaction(1, correction='happier', emotion=Emotion('sad')),
        school.interaction(2, correction='xyzzy'),
        school.interaction(3, correction='slower', rating=-1.0),
    )
    assert found.left_out['correction not understood'] == 1
    slow = next(e for e in found.examples if e.id == f'{0:032x}')
    assert slow.weight == 1.0
    # Forty-eight frames, played at three quarters of their pace.
    assert len(slow.tokens) in (15, 16)
    again = [e for e in found.examples if e.id == f'{1:032x}']
    # The tiny model may answer with less than a gesture.
    assert all(e.emotion == Emotion('sad') and e.weight == 1.0 for e in again)
    # What was corrected is not an example of itself.
    assert not any(example.rated for example in found.examples)


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'tokens': school.tokens(0, 5)}, 'motion of 5 tokens'),
        ({'tokens': np.zeros((0, 0))}, 'motion of 0 tokens'),
        ({'tokens': np.full((12, 2), 32)}, 'tokens of another model'),
        ({'tokens': np.zeros((12, 3))}, 'tokens of another model'),
        ({'model': 'other@1'}, 'motion of other@1'),
        ({'text': ' '}, 'no request'),
    ],
)
def test_what_cannot_be_used_is_counted(host: Host, fields: dict, why: str) -> None:
    found = lessons(host, school.interaction(0, rating=1.0, **fields), model='tiny@1')
    assert len(found) == 0
    assert found.left_out == {why: 1}


def test_what_is_shown_counts_where_the_motion_of_the_robot_cannot_be_used(
    tmp_path: Path, host: Host
) -> None:
    path = tmp_path / 'shown.npz'
    school.motion().save(path)
    found = lessons(
        host,
        school.interaction(0, demonstration=str(path), tokens=school.tokens(0, 5)),
        school.interaction(1, demonstration=str(path), model='other@1'),
        model='tiny@1',
    )
    assert len(found.examples) == 2
    assert not found.preferences
    assert not found.left_out
