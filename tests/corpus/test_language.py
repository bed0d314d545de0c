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
"""Captions ask for the gesture in proper words; held-out sentences stay unseen."""

from __future__ import annotations

from itertools import pairwise
import re

from corpus.wordings import captions, cores, normalised
import numpy as np
import pytest

from l2emg_ros.corpus import caption, GESTURES, SCENARIOS
from l2emg_ros.corpus.language import EMOTION_WORDS, gerund, third_person
from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import BadRequest

DEMONSTRATIONS = (
    'wave to greet an old friend you have missed',
    'comfort someone who is crying',
)


def test_the_patterns_know_every_caption() -> None:
    rng = np.random.default_rng(0)
    for number in range(600):
        gesture = GESTURES[list(GESTURES)[number % len(GESTURES)]]
        label = (None, *LABELS)[rng.integers(14)]
        place = (None, *gesture.scenarios)[rng.integers(len(gesture.scenarios) + 1)]
        text = normalised(caption(gesture.name, label, rng, place))
        known = (p.fullmatch(text) for name, p in captions() if name == gesture.name)
        assert any(known), text


def test_no_template_says_a_heldout_sentence_or_a_part_of_one() -> None:
    for gesture in GESTURES.values():
        assert len(gesture.heldout) >= 4
        for sentence in gesture.heldout:
            text = normalised(sentence)
            said = [(name, p.pattern) for name, p in cores() if p.search(text)]
            assert not said, sentence


def test_test_requests_are_near_no_sentence_of_training() -> None:
    learned = [set(normalised(s).split()) for g in GESTURES.values() for s in g.sentences]
    for gesture in GESTURES.values():
        assert len(gesture.requests) == 3, gesture.name
        for request in gesture.requests:
            text = normalised(request)
            assert not [name for name, p in cores() if p.search(text)], request
            own = set(text.split())
            assert all(len(own & other) <= 0.6 * len(own | other) for other in learned), request


def test_sentences_for_evaluation_are_all_different() -> None:
    listed = ((*gesture.heldout, *gesture.requests) for gesture in GESTURES.values())
    texts = [normalised(sentence) for sentences in listed for sentence in sentences]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize('sentence', DEMONSTRATIONS)
def test_the_demonstrations_are_no_training_sentences(sentence: str) -> None:
    assert not [name for name, p in captions() if p.fullmatch(normalised(sentence))]


def test_captions_are_plain_sentences() -> None:
    rng = np.random.default_rng(1)
    for gesture in GESTURES:
        for label in (None, 'sad'):
            text = caption(gesture, label, rng)
            assert re.fullmatch(r"[A-Za-z][A-Za-z ,'-]*[A-Za-z][.?]?", text), text
            assert '  ' not in text
            assert len(text) <= 500


@pytest.mark.parametrize('label', LABELS)
def test_words_of_feeling_are_spoken_only_when_asked_for(label: str) -> None:
    rng = np.random.default_rng(2)
    words = [normalised(word) for row in EMOTION_WORDS[label] for word in row]
    for _ in range(10):
        text = normalised(caption('wave', label, rng))
        assert any(word in text for word in words), text
    plain = [normalised(caption('salute', None, rng)) for _ in range(10)]
    assert not [text for text in plain if any(f' {word} ' in f' {text} ' for word in words)]


def test_verbs_take_their_forms() -> None:
    assert [third_person(v) for v in ('wave', 'touch', 'carry', 'say', 'do')] == [
        *('waves', 'touches', 'carries', 'says', 'does')
    ]
    assert [gerund(v) for v in ('wave', 'clap', 'say', 'see')] == [
        *('waving', 'clapping', 'saying', 'seeing')
    ]


@pytest.mark.parametrize(
    ('gesture', 'emotion', 'scenario', 'named'),
    [
        ('moonwalk', None, None, 'moonwalk'),
        ('wave', 'hungry', None, 'hungry'),
        ('wave', None, 'moon', 'moon'),
    ],
)
def test_unknown_names_are_refused(
    gesture: str, emotion: str | None, scenario: str | None, named: str
) -> None:
    with pytest.raises(BadRequest, match=named):
        caption(gesture, emotion, np.random.default_rng(0), scenario)


def test_every_gesture_and_scenario_has_its_counterpart() -> None:
    assert len(SCENARIOS) == 8
    for scenario in SCENARIOS.values():
        assert set(scenario.gestures) <= set(GESTURES)
        assert len(set(scenario.gestures)) == len(scenario.gestures)
    for gesture in GESTURES.values():
        assert gesture.scenarios, gesture.name
        assert gesture.templates, gesture.name


def test_neighbouring_scenarios_share_some_gestures() -> None:
    rows = [set(scenario.gestures) for scenario in SCENARIOS.values()]
    shares = [2 * len(a & b) / (len(a) + len(b)) for a, b in pairwise(rows)]
    assert 0.2 <= np.mean(shares) <= 0.3
    assert max(shares) < 0.45
    for name, row in zip(SCENARIOS, rows, strict=True):
        others = set().union(*(other for other in rows if other is not row))
        assert len(row & others) >= 0.25 * len(row), name


def test_every_gesture_has_free_sentences_that_are_no_held_out_ones() -> None:
    held = [set(normalised(s).split()) for gesture in GESTURES.values() for s in gesture.heldout]
    for gesture in GESTURES.values():
        assert len(set(gesture.sentences)) == len(gesture.sentences) >= 50, gesture.name
        for sentence in gesture.sentences:
            own = set(normalised(sentence).split())
            assert all(len(own & other) <= 0.6 * len(own | other) for other in held), sentence
