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
"""Simulated people before the real nodes: what they say is recorded, and can be learned from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nodes.graph import Graph
from nodes.person import entries
import pytest

from l2emg_ros.bench.people import Person
from l2emg_ros.bench.places import invented
from l2emg_ros.bench.stage import wishes
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes.generator_node import GeneratorNode
from l2emg_ros.nodes.lifelong_node import LifelongNode
from l2emg_ros.nodes.raters import Rater, RaterError

PLACE = invented(1, 0)[0]


@pytest.fixture
def rater(
    graph: Graph, model: Path, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rater]:
    """Return a rater before active nodes of the tiny model."""
    shared = {'model_path': str(model), 'experts_path': str(tmp_path / 'experts')}
    graph.add(GeneratorNode, **shared, device='cpu')
    graph.add(LifelongNode, **shared, log_path=str(log), fewest_lessons=8)
    monkeypatch.setenv('ROS_DOMAIN_ID', str(graph.context.get_domain_id()))
    with Rater(hurry=0.01) as rater:
        rater.wait()
        yield rater


def test_everything_that_people_say_is_recorded(rater: Rater, log: Path) -> None:
    person, asked = Person(3, talkative=1.0, baffling=0.0), wishes(PLACE, 16, 0)
    seen = [rater.encounter(person, wish, n, n) for n, wish in enumerate(asked)]
    rater.settle()
    found = {item.motion_id: item for item in entries(log)}
    assert len(found) == rater.said == 18
    for number, (wish, watched) in enumerate(zip(asked, seen, strict=True)):
        item = found[watched.motion_id]
        opinion = person.opinion(watched.motion, wish.gesture, wish.emotion, number)
        assert item.text == wish.text
        assert item.feedback.rating == pytest.approx(opinion.rating, abs=1e-6)
        assert item.feedback.human_after.valence == pytest.approx(opinion.after.valence, abs=1e-6)
        assert len(item.tokens) * 4 == watched.motion.frames
        if number % 16 == 14:
            shown = Motion.load(item.feedback.demonstration)
            assert shown == person.demonstrate(wish.gesture, wish.emotion, number)
        else:
            assert item.feedback.correction == opinion.correction
    chosen = [i.feedback.preferred_motion_id for i in found.values()]
    assert {name for name in chosen if name} <= set(found)
    assert sum(bool(name) for name in chosen) == 2


def test_the_same_seed_shows_the_same_motion(rater: Rater) -> None:
    first, second = (rater.watch('wave to a visitor', Emotion('happy'), 7) for _ in range(2))
    assert first.motion_id != second.motion_id
    assert first.motion == second.motion
    assert first.first_chunk > 0.0


def test_what_is_refused_is_said(rater: Rater) -> None:
    with pytest.raises(RaterError, match='text is empty'):
        rater.watch(' ', None, 0)
    with pytest.raises(RaterError, match='no active expert'):
        rater.roll_back('nowhere')
    result = rater.learn(PLACE.name, steps=2)
    assert result.error_code == result.BAD_REQUEST
    assert result.message


@pytest.mark.slow
def test_what_people_say_is_learned(rater: Rater, log: Path) -> None:
    """The whole way through the nodes; an untrained model learns nothing, and the gate says so."""
    person = Person(3, baffling=0.0)
    for number, wish in enumerate(wishes(PLACE, 20, 0)):
        rater.encounter(person, wish, number, number)
    rater.settle()
    result = rater.learn(PLACE.name, steps=2)
    assert result.error_code == result.OK, result.message
    assert len(result.gate_checks) == 7
    assert result.expert.scenario == PLACE.name
    assert rater.roll_back('reception') < 5.0
