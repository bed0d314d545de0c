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
"""Invented places: the same by seed, with words of their own."""

from __future__ import annotations

import pytest

from l2emg_ros.bench.places import GESTURES_A_PLACE, invented
from l2emg_ros.corpus import SCENARIOS, synthesise, UNSEEN
from l2emg_ros.corpus.language import GENERAL_PEOPLE
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest


def test_more_places_begin_with_the_same_ones() -> None:
    assert invented(20, 3)[:5] == invented(5, 3)
    assert invented(20, 3) != invented(20, 4)
    assert len({place.name for place in invented(20, 3)}) == 20


def test_places_have_gestures_and_manners_of_their_own() -> None:
    places = invented(20, 0)
    assert all(len(set(place.gestures)) == GESTURES_A_PLACE for place in places)
    assert len({place.gestures for place in places}) == 20
    assert all(abs(place.dialect.tempo - 1.0) > 0.05 for place in places)


def test_nobody_shares_people_with_a_place_that_ships() -> None:
    known = {who for place in (*SCENARIOS.values(), *UNSEEN.values()) for who in place.people}
    met: set[str] = set()
    for place in invented(20, 0):
        people = set(place.people)
        assert len(people) >= 6
        assert not people & (known | met | set(GENERAL_PEOPLE))
        met |= people


def test_a_place_is_performed_in_its_manner() -> None:
    import numpy as np

    place = invented(1, 0)[0]
    weights = Emotion('happy').weights()
    plain, own = (
        synthesise(place.gestures[0], weights, np.random.default_rng(0), scenario=scenario)
        for scenario in (None, place)
    )
    assert plain.frames != own.frames or not np.allclose(plain.poses, own.poses)


@pytest.mark.parametrize('count', [0, 21])
def test_only_so_many_places_are_known(count: int) -> None:
    with pytest.raises(BadRequest, match=f'scenarios is {count}: expected 1 to 20'):
        invented(count, 0)
