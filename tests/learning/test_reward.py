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
import numpy as np
import pytest

from l2emg_ros.emotion import Emotion
from l2emg_ros.learning.reward import advantages, reward, RewardWeights
from l2emg_ros.lifelong.interaction import Outcome

WEIGHTS = RewardWeights()
FELT = {'human_before': Emotion('sad'), 'human_after': Emotion('happy')}


def value(**fields: object) -> float | None:
    return reward(school.interaction(0, **fields), WEIGHTS)


def test_ratings_count_half() -> None:
    assert value(rating=1.0) == 0.5
    assert value(rating=-0.5) == -0.25
    assert value() is None


def test_feelings_count_by_how_sure_they_are() -> None:
    sure = value(**FELT, confidence_before=0.9, confidence_after=0.5)
    # From -0.65 to 0.8 is more than 1.
    assert sure == pytest.approx(0.3 * 1.0 * 0.5)
    assert value(**FELT, confidence_before=0.9, confidence_after=0.39) is None
    assert value(**FELT, confidence_after=0.9) is None
    assert value(**FELT, confidence_before=0.9, confidence_after=0.3, rating=1.0) == 0.5
    assert value(human_after=Emotion('sad'), confidence_before=1, confidence_after=1) is None
    worse = value(
        human_before=Emotion('happy'),
        human_after=Emotion('sad'),
        confidence_before=1.0,
        confidence_after=1.0,
    )
    assert worse == pytest.approx(-0.3)


def test_what_became_of_the_motion_counts() -> None:
    assert value(rating=0.0, outcome=Outcome(True)) == pytest.approx(0.2)
    assert value(rating=0.0, outcome=Outcome(True, trimmed=0.6)) == pytest.approx(-0.1)
    assert value(rating=0.0, outcome=Outcome(False, trimmed=1.0)) == pytest.approx(-0.5)
    assert value(outcome=Outcome(True)) is None


def test_advantages_are_above_what_was_expected_in_the_same_scenario() -> None:
    found = [
        school.interaction(0, rating=1.0),
        school.interaction(1),
        school.interaction(2, rating=-1.0),
        school.interaction(3, rating=1.0, scenario='ward'),
        school.interaction(4, rating=1.0),
    ]
    expected = 0.9 * 0.5 + 0.1 * -0.5
    wanted = [0.0, np.nan, -1.0, 0.0, 0.5 - expected]
    np.testing.assert_allclose(advantages(found, WEIGHTS), wanted)
    # In the order in which they are given, by the time at which they were recorded.
    np.testing.assert_allclose(advantages(found[::-1], WEIGHTS), wanted[::-1])
