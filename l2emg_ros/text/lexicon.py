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
"""Words of emotion: what a router must not see, what the emotion block must read."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
import json
import re

_WORD = re.compile(r"[a-z']+(?:-[a-z']+)*")


@cache
def emotion_words() -> dict[str, str]:
    """Return every emotion word of the shipped list with its label."""
    text = (files('l2emg_ros') / 'data' / 'emotion_words.json').read_text('utf-8')
    return {word: label for label, words in json.loads(text).items() for word in words}


@cache
def expressions() -> dict[str, tuple[str, ...]]:
    """Return the lexicon: for every label, ways to say that somebody feels like that."""
    text = (files('l2emg_ros') / 'data' / 'lexicon.json').read_text('utf-8')
    return {label: tuple(listed) for label, listed in json.loads(text).items()}


def words(text: str) -> list[str]:
    """Return the lower-case words of a text."""
    return _WORD.findall(text.lower())


def without_emotion(text: str) -> str:
    """Return the text without its emotion words, or as it is where nothing else is left."""
    lexicon = emotion_words()
    kept = [word for word in words(text) if word not in lexicon]
    return ' '.join(kept) or text
