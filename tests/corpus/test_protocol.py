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
"""Feelings over gestures: pairs kept from training, confounding, knobs stored with a corpus."""

from __future__ import annotations

from collections import Counter
import json
from pathlib import Path

import numpy as np
import pytest

from l2emg_ros import corpus
from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import BadRequest


def test_a_kept_pair_is_never_drawn_and_leaves_no_trace_in_mixtures() -> None:
    rng = np.random.default_rng(0)
    for _ in range(150):
        drawn = corpus.sample(rng)
        kept = corpus.SHIPPED.kept_out(drawn.gesture)
        assert kept not in (None, 'neutral')
        assert drawn.weights[LABELS.index(kept)] < 0.25
        assert drawn.emotion is None or drawn.emotion.label != kept


def test_every_emotion_is_kept_out_somewhere() -> None:
    kept = {corpus.SHIPPED.kept_out(gesture) for gesture in corpus.GESTURES}
    assert kept == set(LABELS) - {'neutral'}


@pytest.mark.parametrize('share', [0.0, 0.55, 1.0])
def test_confounding_ties_an_emotion_to_a_gesture(share: float) -> None:
    protocol = corpus.Protocol(labels=corpus.BENCHMARK.labels, confounding=share)
    rng = np.random.default_rng(1)
    drawn = Counter(protocol.draw('wave', rng) for _ in range(2000))
    uniform = (1.0 - share) / 7
    assert drawn[protocol.dominant('wave')] / 2000 == pytest.approx(share + uniform, abs=0.04)
    assert protocol.kept_out('wave') not in drawn


def test_divergence_zero_makes_places_alike() -> None:
    weights = np.eye(len(LABELS))[0]

    def perform(scenario: str, divergence: float) -> np.ndarray:
        rng = np.random.default_rng(2)
        motion = corpus.synthesise('nod', weights, rng, scenario=scenario, divergence=divergence)
        return np.asarray(motion.rotations)

    assert np.array_equal(perform('ward', 0.0), perform('stage', 0.0))
    assert perform('ward', 1.0).shape != perform('stage', 1.0).shape


def test_general_clips_have_no_place_and_any_gesture() -> None:
    rng = np.random.default_rng(3)
    everywhere = [corpus.sample(rng, None, corpus.Protocol(general=1.0)) for _ in range(30)]
    assert {drawn.scenario for drawn in everywhere} == {''}
    homes = [set(corpus.GESTURES[drawn.gesture].scenarios) for drawn in everywhere]
    assert not set.intersection(*homes)
    nowhere = [corpus.sample(rng, None, corpus.Protocol(general=0.0)) for _ in range(10)]
    assert all(drawn.scenario in corpus.SCENARIOS for drawn in nowhere)


def test_the_knobs_are_stored(tmp_path: Path) -> None:
    corpus.build(tmp_path, 3, seed=5, protocol=corpus.BENCHMARK)
    stored = json.loads((tmp_path / 'corpus.json').read_text())
    assert stored == {'seed': 5, 'clips': 3, 'protocol': corpus.BENCHMARK.record()}


@pytest.mark.parametrize(
    ('knobs', 'message'),
    [
        ({'labels': ('happy', 'sad', 'hungry')}, "unknown emotion 'hungry'"),
        ({'labels': ('happy', 'sad')}, 'at least three'),
        ({'confounding': 1.5}, r'confounding is 1\.5'),
        ({'general': -0.1}, r'general is -0\.1'),
        ({'divergence': float('nan')}, 'divergence is nan'),
    ],
)
def test_bad_knobs_are_named(knobs: dict, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        corpus.Protocol(**knobs)
