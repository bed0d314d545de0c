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
"""What there is to learn: motions that requests should have, and choices between two motions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from torch import Tensor

from l2emg_ros.emotion import Emotion


def motion_of(tokens: Tensor) -> bytes:
    """Return what tells (L, levels) motion tokens from others."""
    return tokens.numpy().tobytes()


@dataclass(frozen=True, slots=True)
class Example:
    """A request and a motion that it should have.

    Attributes:
        id: Interaction or file that it comes from.
        text: The request.
        emotion: The emotion that the motion shows; None leaves it to the words.
        tokens: (L, levels) int64 motion tokens.
        weight: How much it counts, more than 0.
        rated: Whether it is what the model itself has performed and a person has rated.
        played: Whether it is a performance played otherwise. Such motion becomes likelier to
            whoever learns from it, whatever it was that people wanted: it proves nothing, only
            the ``Preference`` that belongs to it does.
    """

    id: str
    text: str
    emotion: Emotion | None
    tokens: Tensor
    weight: float = 1.0
    rated: bool = False
    played: bool = False

    @property
    def motions(self) -> set[bytes]:
        """Motions that it speaks of, as of `motion_of`."""
        return {motion_of(self.tokens)}


@dataclass(frozen=True, slots=True)
class Preference:
    """A request and two motions, of which a person liked one better.

    Attributes:
        id: Interaction that it comes from.
        text: The request.
        emotion: The emotion that was asked for; None leaves it to the words.
        better: (L, levels) int64 tokens of the better motion.
        worse: (L', levels) int64 tokens of the other.
        against: Interaction of the other motion, where that is another one, or ''.
        implied: Whether nobody chose between the two: the better one was shown in answer to the
            other. People move unlike the model in more than what they wanted otherwise, so such a
            pair teaches but proves nothing, only the ``Example`` that belongs to it does.
    """

    id: str
    text: str
    emotion: Emotion | None
    better: Tensor
    worse: Tensor
    against: str = ''
    implied: bool = False

    @property
    def motions(self) -> set[bytes]:
        """Motions that it speaks of, as of `motion_of`."""
        return {motion_of(self.better), motion_of(self.worse)}


Lesson = Example | Preference
_Kind = TypeVar('_Kind', Example, Preference)


@dataclass(frozen=True, slots=True)
class Lessons:
    """Everything to learn of one scenario.

    Attributes:
        examples: Motions that requests should have.
        preferences: Choices between two motions.
        left_out: Why something was left out, and how often.
    """

    examples: tuple[Example, ...] = ()
    preferences: tuple[Preference, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.examples) + len(self.preferences)

    @property
    def texts(self) -> list[str]:
        """The requests, one for each lesson."""
        return [example.text for example in self.examples] + [
            preference.text for preference in self.preferences
        ]

    @property
    def sources(self) -> list[str]:
        """The ids of the lessons themselves, each once, sorted."""
        return sorted({e.id for e in self.examples} | {p.id for p in self.preferences})

    @property
    def ids(self) -> list[str]:
        """Where they come from, each once, sorted."""
        pairs = {name for p in self.preferences for name in (p.id, p.against) if name}
        return sorted({e.id for e in self.examples} | pairs)

    def split(self, share: float, seed: int) -> tuple[Lessons, Lessons]:
        """Return what to learn from, and what to be tested on: at least ``share`` of the lessons.

        Requests of the same words are never on both sides; of one request nothing is held back.
        """
        words = sorted(set(self.texts))
        order = np.random.default_rng(seed).permutation(len(words))
        kept: set[str] = set()
        for number in order[: len(words) - 1]:
            if sum(text in kept for text in self.texts) >= share * len(self):
                break
            kept.add(words[number])
        return self.apart(kept)

    def apart(self, texts: set[str]) -> tuple[Lessons, Lessons]:
        """Return the lessons on all other requests, and those on the given ones."""
        return self.only(lambda one: one.text not in texts), self.only(
            lambda one: one.text in texts
        )

    def only(self, wanted: Callable[[Lesson], bool]) -> Lessons:
        """Return the lessons of which something holds."""

        def chosen(lessons: Sequence[_Kind]) -> tuple[_Kind, ...]:
            return tuple(lesson for lesson in lessons if wanted(lesson))

        return replace(self, examples=chosen(self.examples), preferences=chosen(self.preferences))
