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
"""What a request may hold."""

from __future__ import annotations

from typing import Any

import pytest

from l2emg_ros.errors import BadRequest
from l2emg_ros.generator.request import MAX_TEXT, Request


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({'text': ''}, 'empty'),
        ({'text': '   \u3000 '}, 'empty'),
        ({'text': 'a' * (MAX_TEXT + 1)}, f'{MAX_TEXT + 1} characters'),
        ({'text': 'wave\x00'}, r'U\+0000'),
        ({'text': 'wave\n'}, r'U\+000A'),
        ({'text': 'wave \ud800'}, r'U\+D800'),
        ({'text': 'wave', 'context': 'b' * 1000}, 'context'),
        ({'text': 'wave', 'seconds': 0.0}, 'duration'),
        ({'text': 'wave', 'seconds': -1.0}, 'duration'),
        ({'text': 'wave', 'seconds': 1e9}, 'duration'),
        ({'text': 'wave', 'seconds': float('nan')}, 'duration'),
        ({'text': 'wave', 'seconds': float('inf')}, 'duration'),
        ({'text': 'wave', 'seed': -1}, 'seed'),
        ({'text': 'wave', 'seed': 2**63}, 'seed'),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(
    fields: dict[str, Any], expected: str
) -> None:
    with pytest.raises(BadRequest, match=expected) as caught:
        Request(**fields)
    assert '\n' not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_plain_text_of_any_language_is_accepted() -> None:
    assert Request('winke – grüße 手を振る 👋', seconds=0.5, seed=0).text.startswith('winke')
