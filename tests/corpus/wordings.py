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
"""Everything a template can say, as regular expressions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
import re

from l2emg_ros.corpus import GESTURES, language, SCENARIOS

_THEY = {'you': 'they', 'your': 'their', 'yourself': 'themselves'}
_MARK = re.compile(r'(\[|\]|\||<\w+>|\{\w+\})')


def normalised(text: str) -> str:
    """Return the words in lower case, no marks; ``you`` is ``they`` as in descriptions."""
    words = re.sub(r"[^a-z']+", ' ', text.lower()).split()
    return ' '.join(_THEY.get(word, word) for word in words)


def _any(options: Iterable[str]) -> str:
    texts = sorted({normalised(option) for option in options}, key=len, reverse=True)
    return f'(?:{"|".join(re.escape(text) for text in texts)})'


@cache
def _slots() -> dict[str, str]:
    places = SCENARIOS.values()
    people = [person for place in places for person in place.people]
    who = _any([*language.GENERAL_PEOPLE, *people])
    return {
        '{who}': f'{who}(?: {_any(language._WHO_IS)})?',
        '{thing}': _any(thing for place in places for thing in place.things),
        '{goal}': _any(goal for place in places for goal in place.goals),
    }


def _pattern(template: str) -> str:
    parts = []
    for part in _MARK.split(template):
        if part in ('[', ']', '|'):
            parts.append({'[': '(?:', ']': ')', '|': '|'}[part])
        elif part.startswith('<'):
            verb = part[1:-1]
            parts.append(_any([verb, language.third_person(verb), language.gerund(verb)]))
        elif part.startswith('{'):
            parts.append(_slots()[part])
        else:
            # Neighbouring empty alternatives leave any number of spaces, or none.
            left, right = (' ' if re.search(end, part) else '' for end in (r'^\W', r'\W$'))
            text = f'{left}{normalised(part)}{right}' if normalised(part) else left
            parts.append(text.replace(' ', ' *'))
    return ''.join(parts)


@cache
def cores() -> list[tuple[str, re.Pattern[str]]]:
    """Return a gesture and everything it can say, without feelings and forms, per template."""
    return [
        (gesture.name, re.compile(rf'\b(?:{_pattern(template)})\b'))
        for gesture in GESTURES.values()
        for template in gesture.templates
    ]


@cache
def captions() -> list[tuple[str, re.Pattern[str]]]:
    """Return a gesture and every sentence that ``caption`` can write for it, per template."""
    words = language.EMOTION_WORDS.values()
    adverbs, states, reasons = (_any(o for row in words for o in row[k]) for k in range(3))
    feeling = f'(?: {adverbs}| feeling {states}| (?:while |because |)they are {states}| {reasons})'
    place = _any(where for scenario in SCENARIOS.values() for where in scenario.places)
    before, after = zip(*(request.split('{}') for request in language._REQUESTS), strict=True)
    lead = f'(?:(?:{_any([*before, *language._SUBJECTS])}) )?'
    tail = f'(?: {place})?{feeling}?(?: {_any(after)})?'
    return [
        (name, re.compile(f'{lead}(?:{adverbs} )?{core.pattern}{tail}')) for name, core in cores()
    ]
