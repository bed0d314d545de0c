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
"""The requests of the readability benchmark: balanced, unseen, and scored as they should be."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from l2emg_ros.bench import readability
from l2emg_ros.bench.readability import Reading
from l2emg_ros.corpus import BENCHMARK, GESTURES, SHIPPED
from l2emg_ros.emotion import LABELS
from l2emg_ros.motion.motion import Motion


def _reading(gesture: str, emotion: str, read_gesture: str, read_emotion: str) -> Reading:
    still = Motion(np.zeros((4, 66), np.float32), np.zeros((4, 3), np.float32), 30.0)
    return Reading(gesture, emotion, 'a sentence', still, read_gesture, read_emotion)


def test_requests_are_many_balanced_and_no_training_sentences() -> None:
    wanted = readability.requests()
    assert len(wanted) >= 200
    assert {gesture for gesture, _, _ in wanted} == set(GESTURES)
    emotions = Counter(label for _, _, label in wanted)
    assert set(emotions) == set(LABELS)
    assert max(emotions.values()) - min(emotions.values()) <= 2
    learned = {text.lower() for g in GESTURES.values() for text in (*g.sentences, *g.heldout)}
    assert not learned & {text.lower() for _, text, _ in wanted}
    assert all(label != SHIPPED.kept_out(gesture) for gesture, _, label in wanted)


def test_unseen_pairs_are_those_that_training_keeps_out() -> None:
    wanted = readability.unseen_pairs()
    assert {gesture for gesture, _, _ in wanted} == set(GESTURES)
    assert all(label == SHIPPED.kept_out(gesture) for gesture, _, label in wanted)


def test_the_pairs_of_a_model_are_those_of_its_own_corpus() -> None:
    card = {'training': {'tokenizer': {}, 'base': {'protocol': BENCHMARK.record()}}}
    assert readability._protocol(card) == BENCHMARK
    assert readability._protocol({'training': {'base': {}}}) == SHIPPED
    labels = {label for _, _, label in readability.unseen_pairs(BENCHMARK)}
    assert labels <= set(BENCHMARK.labels)


def test_scores_count_what_was_read() -> None:
    dominant = SHIPPED.dominant('wave')
    other = next(label for label in LABELS if label != dominant)
    readings = [
        _reading('wave', other, 'wave', other),
        _reading('wave', other, 'bow', dominant),
        _reading('wave', dominant, 'wave', dominant),
        _reading('wave', other, 'wave', other),
    ]
    scores = readability._scores(readings)
    assert scores['motions'] == 4
    assert scores['content'] == 0.75
    assert scores['emotion'] == 0.75
    assert scores['contamination'] == 0.25
    # F1 of the other: precision 1, recall 2/3; of the dominant: precision 1/2, recall 1.
    assert scores['emotion_weighted_f1'] == pytest.approx((3 * 0.8 + 1 * 2 / 3) / 4)
    assert readability._by_gesture(readings)['wave'] == {
        'right': 3, 'of': 4, 'read_instead': ['bow']
    }  # fmt: skip
