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
"""The ceiling of routing: what one who knows how the corpus draws could reach."""

from __future__ import annotations

import pytest

from l2emg_ros.bench import routing
from l2emg_ros.corpus import SCENARIOS


def _homes(gesture: str) -> list[int]:
    """Return how many gestures each scenario has that makes this one."""
    return [len(p.gestures) for p in SCENARIOS.values() if gesture in p.gestures]


def test_a_gesture_of_one_scenario_gives_it_away() -> None:
    gesture = next(g for p in SCENARIOS.values() for g in p.gestures if len(_homes(g)) == 1)
    assert routing._certainty(gesture, 'do it') == 1.0


def test_a_shared_gesture_is_told_apart_by_the_words_of_a_place() -> None:
    shared = next(g for p in SCENARIOS.values() for g in p.gestures if len(_homes(g)) > 1)
    sizes = [1 / size for size in _homes(shared)]
    assert routing._certainty(shared, 'do it') == pytest.approx(max(sizes) / sum(sizes))
    place = next(p for p in SCENARIOS.values() if shared in p.gestures)
    term = next(
        t
        for t in routing._vocabulary(place)
        if sum(t in routing._vocabulary(p) for p in SCENARIOS.values()) == 1
        and routing._terms(f'do it, {t}') == {t}
    )
    assert routing._certainty(shared, f'do it, {term}') == 1.0


def test_words_that_fit_no_scenario_tell_nothing() -> None:
    shared = next(g for p in SCENARIOS.values() for g in p.gestures if len(_homes(g)) > 1)
    foreign = next(p for p in SCENARIOS.values() if shared not in p.gestures)
    term = foreign.places[0]
    assert routing._certainty(shared, f'do it {term}') == routing._certainty(shared, 'do it')


def test_words_count_whole_and_whoever_speaks() -> None:
    assert routing._terms('greet your sister') == routing._terms('they greet their sister')
    assert routing._terms('greet your sister') == {'your sister'}
    assert 'the ball' not in routing._terms('bow at the ballet')


def test_people_who_are_met_anywhere_tell_nothing() -> None:
    assert routing._terms('wave to an old friend and a stranger') == set()
