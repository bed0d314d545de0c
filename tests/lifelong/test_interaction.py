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

import dataclasses
from typing import Any

from lifelong.interactions import interaction
import pytest

from l2emg_ros.errors import BadRequest
from l2emg_ros.lifelong.interaction import Feedback, Outcome


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'motion_id': ''}, 'motion_id is empty'),
        ({'motion_id': 'm' * 257}, 'motion_id has 257 characters'),
        ({'session_id': 'a\tb'}, 'session_id holds the control character U\\+0009'),
        ({'rating': 1.5}, 'rating is 1.5'),
        ({'rating': float('nan')}, 'rating is nan'),
        ({'rating': float('-inf')}, 'rating is -inf'),
        ({'correction': 'x' * 501}, 'correction has 501 characters'),
        ({'demonstration': 'x' * 4097}, 'demonstration has 4097 characters'),
        ({'confidence_after': float('nan')}, 'confidence_after is nan'),
    ],
)
def test_bad_feedback(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Feedback(**{'motion_id': 'm', **fields})


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'text': 'x' * 501}, 'text has 501 characters'),
        ({'tokens': [[70_000]]}, 'tokens of shape'),
        ({'tokens': [1, 2]}, 'tokens of shape'),
        ({'expert_weights': (1.0,)}, '1 weights for 2 experts'),
        ({'novelty_p_value': float('nan')}, 'novelty_p_value is nan'),
        ({'feedback': Feedback('another')}, "about motion 'another'"),
    ],
)
def test_bad_interactions(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        dataclasses.replace(interaction(), **fields)


def test_words_of_every_language_are_taken() -> None:
    # With a wide space, another direction, a joined emoji and a space that does not break.
    words = '\u3053\u3093\u3000\u0645\u0631 \U0001f469\u200d\U0001f680\u00a0!'
    assert interaction(text=words, correction=words).text == words


def test_bad_outcomes() -> None:
    for fields in ({'trimmed': 1.1}, {'time_stretch': -1.0}, {'tracking_error': float('nan')}):
        with pytest.raises(BadRequest, match=next(iter(fields))):
            Outcome(True, **fields)
