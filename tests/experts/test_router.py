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
"""The router: additive, order-independent, and honest about what it does not know."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from l2emg_ros.errors import BadRequest, ModelNotLoaded
from l2emg_ros.experts.router import Router
from l2emg_ros.text.encoder import MiniLmEncoder

TRAIN = {
    'ward': ['comfort a patient', 'stroke the arm of a sick child', 'calm a worried patient'],
    'sports': ['cheer for the team', 'clap after a goal', 'stretch before the race'],
    'security': ['stop a stranger at the gate', 'point to the exit', 'refuse entry to a man'],
}
KEPT = {
    'ward': ['console the patient in bed', 'pat a sick boy'],
    'sports': ['applaud the goal', 'warm up before the match'],
    'security': ['block the gate', 'show a stranger the exit'],
}


def _router(encoder: MiniLmEncoder, order: tuple[str, ...]) -> Router:
    router = Router(encoder.width)
    for scenario in order:
        router.learn(scenario, TRAIN[scenario], encoder)
    router.calibrate({name: KEPT[name] for name in order}, encoder)
    return router


def test_texts_that_were_not_learnt_find_their_scenario(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    for scenario, texts in KEPT.items():
        for text in texts:
            route = router.route(text, minilm)
            assert route.scenarios[0] == scenario
            assert sum(route.probabilities) == pytest.approx(1.0)


def test_many_texts_are_routed_as_each_alone(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    # Not those of the calibration: their distances tie with themselves but for rounding.
    texts = ['help the nurse', 'run with the team', 'search a bag', 'paint the ceiling blue']
    for together, text in zip(router.routes(texts, minilm), texts, strict=True):
        alone = router.route(text, minilm)
        assert together.scenarios == alone.scenarios
        assert together.scenario == ('' if alone.novel else alone.scenarios[0])
        assert together.probabilities == pytest.approx(alone.probabilities, abs=1e-4)
        assert together.novelty_p_value == alone.novelty_p_value
    assert router.routes([], minilm) == []


def test_the_order_of_learning_does_not_matter(minilm: MiniLmEncoder) -> None:
    reference = _router(minilm, ('ward', 'sports', 'security')).route('help the nurse', minilm)
    expected = dict(zip(reference.scenarios, reference.probabilities, strict=True))
    for order in itertools.permutations(TRAIN):
        route = _router(minilm, order).route('help the nurse', minilm)
        for scenario, probability in zip(route.scenarios, route.probabilities, strict=True):
            assert probability == pytest.approx(expected[scenario], abs=0.01)


def test_the_order_of_batches_does_not_change_the_statistics(minilm: MiniLmEncoder) -> None:
    batches = [(name, [text]) for name, texts in TRAIN.items() for text in texts]
    states = []
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(batches))
        router = Router(minilm.width)
        for name, texts in (batches[k] for k in order):
            router.learn(name, texts, minilm)
        rows = [router.scenarios.index(name) for name in TRAIN]
        state = router.state()
        states.append([state['scatter'], *(state[k][rows] for k in ('lexical', 'sums', 'sizes'))])
    for other in states[1:]:
        for found, first in zip(other, states[0], strict=True):
            np.testing.assert_allclose(found, first, rtol=1e-5, atol=1e-6)


def test_learning_a_scenario_leaves_the_statistics_of_the_others(minilm: MiniLmEncoder) -> None:
    router = Router(minilm.width)
    router.learn('ward', TRAIN['ward'], minilm)
    before = {name: value.copy() for name, value in router.state().items()}
    router.learn('sports', TRAIN['sports'], minilm)
    after = router.state()
    for name in ('lexical', 'sums', 'sizes'):
        np.testing.assert_array_equal(after[name][:1], before[name])


def test_emotion_words_do_not_route(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    plain = router.route('clap after the game', minilm)
    assert router.route('sadly clap after the game', minilm) == plain


def test_unlike_texts_are_more_novel(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    known = np.mean([router.route(t, minilm).novelty_p_value for t in TRAIN['ward']])
    strange = router.route('compute the determinant of a sparse matrix', minilm)
    assert strange.novelty_p_value < known


def test_a_stored_router_routes_alike(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    again = Router.from_state(router.scenarios, router.state())
    first, second = (r.route('help the nurse', minilm) for r in (router, again))
    assert first.scenarios == second.scenarios
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-3)


def test_a_router_of_one_text_is_stored_and_loads(minilm: MiniLmEncoder) -> None:
    router = Router(minilm.width)
    router.learn('ward', ['console the patient'] * 3, minilm)
    again = Router.from_state(router.scenarios, router.state())
    assert again.route('help the nurse', minilm).scenarios == ('ward',)


def test_statistics_that_do_not_fit_are_refused(minilm: MiniLmEncoder) -> None:
    state = _router(minilm, ('ward', 'sports', 'security')).state()
    with pytest.raises(ModelNotLoaded, match='3 scenarios: expected 2'):
        Router.from_state(['ward', 'sports'], state)
    state.pop('scatter')
    with pytest.raises(ModelNotLoaded, match='scatter'):
        Router.from_state(['ward', 'sports', 'security'], state)


def test_forgetting_a_scenario_leaves_what_is_known_of_the_others(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    before, texts = router._covariance(), ['console a patient', 'cheer for the goal']
    full = [router.route(text, minilm) for text in texts]
    router.forget('security')
    assert router.scenarios == ['ward', 'sports']
    np.testing.assert_allclose(router._covariance(), before, atol=1e-12)
    for text, route in zip(texts, full, strict=True):
        now = router.route(text, minilm)
        assert now.scenarios[0] == route.scenarios[0]
        # The same distances: what is left shares the probability of what has gone.
        was = dict(zip(route.scenarios, route.probabilities, strict=True))
        share = 1.0 - was['security']
        for scenario, probability in zip(now.scenarios, now.probabilities, strict=True):
            assert probability == pytest.approx(was[scenario] / share, rel=1e-6)


def test_a_scenario_that_is_taken_over_is_known_like_one_that_was_learnt(
    minilm: MiniLmEncoder,
) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    expected, row = router.route('help the nurse', minilm), router.row('ward')
    router.forget('ward')
    router.adopt(row)
    found = router.route('help the nurse', minilm)
    assert found.scenarios == expected.scenarios
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=1e-6)
    assert found.novelty_p_value == expected.novelty_p_value
    # Through a file too, and into a router that knew nothing.
    again = Router.from_state(row.scenarios, row.state())
    empty = Router(minilm.width)
    empty.adopt(again)
    assert empty.route('help the nurse', minilm).scenarios == ('ward',)


def test_adopting_adds_up_in_any_order(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports', 'security'))
    rows = {name: router.row(name) for name in router.scenarios}
    states = []
    for order in itertools.permutations(rows):
        made = Router(minilm.width)
        for name in order:
            made.adopt(rows[name])
        states.append((made._covariance(), made.row('ward').state()['sums']))
    for covariance, sums in states:
        np.testing.assert_allclose(covariance, router._covariance(), atol=1e-12)
        np.testing.assert_array_equal(sums, router.row('ward').state()['sums'])


def test_scenarios_are_neither_taken_twice_nor_forgotten_twice(minilm: MiniLmEncoder) -> None:
    router = _router(minilm, ('ward', 'sports'))
    with pytest.raises(BadRequest, match="knows 'ward' already"):
        router.adopt(router.row('ward'))
    with pytest.raises(BadRequest, match='3 numbers a text: expected 384'):
        router.adopt(Router(3))
    with pytest.raises(BadRequest, match="does not know 'moon': it knows ward, sports"):
        router.forget('moon')
    router.forget('ward')
    router.forget('sports')
    assert router.scenarios == []
    assert abs(router._scatter).max() < 1e-12
