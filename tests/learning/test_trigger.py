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

from learning import school
import pytest

from l2emg_ros.learning.trigger import due
from l2emg_ros.lifelong.interaction import Interaction


def said(count: int, first: int = 0, **fields: object) -> list[Interaction]:
    given = {'rating': 0.0, 'novelty_p_value': 0.5, **fields}
    return [school.interaction(first + n, **given) for n in range(count)]


def test_novel_requests_become_a_new_situation() -> None:
    novel = said(32, scenario='', novelty_p_value=0.001)
    found = due(novel, ['ward'], ['ward'], [], 32)
    assert found is not None
    assert found.scenario == 'situation_1'
    assert found.ids == found.fresh == tuple(item.id for item in novel)
    assert '32 new interactions without an expert' in found.why
    assert due(novel[1:], ['ward'], ['ward'], [], 32) is None
    taken = due(novel, ['ward'], ['ward', 'situation_1', 'situation_7'], [], 32)
    assert taken is not None
    assert taken.scenario == 'situation_8'


def test_never_twice_from_the_same() -> None:
    novel = said(40, scenario='')
    used = [item.id for item in novel[:9]]
    assert due(novel, [], [], used, 32) is None
    found = due(novel, [], [], used[:8], 32)
    assert found is not None
    assert found.fresh == tuple(item.id for item in novel[8:])


def test_a_known_scenario_is_learned_again_where_requests_are_unlike_it() -> None:
    usual = said(30)
    odd = said(32, 100, novelty_p_value=0.04)
    assert due(usual + odd, ['cafe'], ['cafe'], [], 64) is None
    assert due(said(64), ['cafe'], ['cafe'], [], 32) is None
    found = due(usual + odd, ['cafe'], ['cafe'], [item.id for item in usual], 32)
    assert found is not None
    assert found.scenario == 'cafe'
    # It learns from all, also from what it has learned from before.
    assert len(found.ids) == 62
    assert len(found.fresh) == 32
    assert 'novelty p 0.040' in found.why


def test_a_known_scenario_is_learned_again_where_it_is_liked_less_and_less() -> None:
    liked = said(20, rating=1.0)
    falling = [
        school.interaction(100 + n, rating=0.9 - n / 30, novelty_p_value=0.5) for n in range(48)
    ]
    used = [item.id for item in liked]
    found = due(liked + falling, ['cafe'], ['cafe'], used, 32)
    assert found is not None
    assert 'liked less than expected' in found.why
    assert due(liked + falling[:47], ['cafe'], ['cafe'], used, 32) is None
    steady = said(48, 100, rating=1.0)
    assert due(liked + steady, ['cafe'], ['cafe'], used, 32) is None


@pytest.mark.parametrize(
    'fields',
    [{'rating': None}, {'tokens': school.tokens(0, 5)}, {'text': ''}, {'scenario': 'gone'}],
)
def test_what_teaches_nothing_does_not_count(fields: dict[str, object]) -> None:
    assert due(said(40, **{'scenario': '', **fields}), ['cafe'], [], [], 32) is None


def test_what_is_shown_counts_without_a_motion_of_the_robot() -> None:
    fields = {'scenario': '', 'tokens': school.tokens(0, 0), 'rating': None}
    assert due(said(40, **fields), [], [], [], 32) is None
    assert due(said(40, demonstration='01.npz', **fields), [], [], [], 32) is not None


def test_what_failed_is_tried_with_half_as_many_more() -> None:
    """It keeps no other scenario waiting."""
    useless = said(200, scenario='')
    failed = [item.id for item in useless]
    odd = said(60, 300, novelty_p_value=0.001)
    found = due(useless + odd, ['cafe'], [], [], 32, failed)
    assert found is not None
    assert found.scenario == 'cafe'
    assert due(useless + said(15, 400, scenario=''), [], [], [], 32, failed) is None
    again = due(useless + said(16, 400, scenario=''), [], [], [], 32, failed)
    assert again is not None
    assert len(again.ids) == 216


def test_the_most_is_learned_first() -> None:
    some = said(33, scenario='')
    more = said(40, 100, novelty_p_value=0.0)
    found = due(some + more, ['cafe'], [], [], 32)
    assert found is not None
    assert found.scenario == 'cafe'
