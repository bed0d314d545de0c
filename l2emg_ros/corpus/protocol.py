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
"""How feelings are dealt out over gestures: labels, confounding, pairs kept from training."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Any
import zlib

import numpy as np

from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import BadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The knobs of a corpus; stored with it.

    Attributes:
        labels: Emotions that occur.
        confounding: Share of a gesture's requests that carry the gesture's dominant emotion, on
            top of its uniform share: what a model must not take for the gesture's nature.
        divergence: How far apart the scenarios' dialects are; 1 as written, 0 none.
        general: Share of clips that belong to no scenario: any gesture, no dialect, nobody's
            people and places. What a model learns before its first scenario.
        keep_pairs: Whether one emotion of every gesture is kept from training, to measure whether
            a model carries an emotion over to a gesture that it never saw with it.
    """

    labels: tuple[str, ...] = LABELS
    confounding: float = 0.0
    divergence: float = 1.0
    general: float = 0.6
    keep_pairs: bool = True

    def __post_init__(self) -> None:
        """Check the knobs.

        Raises:
            BadRequest: An unknown label, fewer than three, or a share outside its range.
        """
        if unknown := [label for label in self.labels if label not in LABELS]:
            raise BadRequest(f'unknown emotion {unknown[0]!r}: use some of {", ".join(LABELS)}')
        if len(set(self.labels)) < 3:
            raise BadRequest(f'labels are {self.labels}: expected at least three')
        for name in ('confounding', 'general'):
            if not 0.0 <= (share := getattr(self, name)) <= 1.0:
                raise BadRequest(f'{name} is {share}: expected a share in [0, 1]')
        if not (math.isfinite(self.divergence) and 0.0 <= self.divergence <= 2.0):
            raise BadRequest(f'divergence is {self.divergence}: expected a number in [0, 2]')

    def kept_out(self, gesture: str) -> str | None:
        """Return the emotion that a gesture never shows in training; None without kept pairs."""
        feelings = [label for label in self.labels if label != 'neutral']
        return feelings[_number(gesture, 'kept') % len(feelings)] if self.keep_pairs else None

    def dominant(self, gesture: str) -> str:
        """Return the emotion that confounding ties to a gesture."""
        free = [label for label in self.labels if label != self.kept_out(gesture)]
        return free[_number(gesture, 'dominant') % len(free)]

    def draw(self, gesture: str, rng: np.random.Generator) -> str:
        """Return an emotion for a training request of a gesture."""
        if self.confounding and rng.random() < self.confounding:
            return self.dominant(gesture)
        free = [label for label in self.labels if label != self.kept_out(gesture)]
        return free[int(rng.integers(len(free)))]

    def record(self) -> dict[str, Any]:
        """Return the knobs as stored with a corpus."""
        return {
            'labels': list(self.labels),
            'confounding': self.confounding,
            'divergence': self.divergence,
            'general': self.general,
            'keep_pairs': self.keep_pairs,
        }


def _number(gesture: str, purpose: str) -> int:
    """Return a number that depends on nothing but its arguments."""
    return zlib.crc32(f'{purpose} {gesture}'.encode())


SHIPPED = Protocol(confounding=0.2)
"""All labels: the corpus of the shipped model. Every gesture has an emotion four times as frequent
as the others, as in life, so that contamination can be measured."""

BENCHMARK = Protocol(
    labels=('neutral', 'happy', 'sad', 'angry', 'fearful', 'tired', 'surprised', 'proud'),
    confounding=0.55,
)
"""Eight labels, confounded: the corpus of comparisons."""

COMPLETE = Protocol(keep_pairs=False)
"""All labels with every gesture, none more than another: the corpus of the evaluator. A judge that
never saw a pair takes it for another, whoever performs it."""

PROTOCOLS = {'shipped': SHIPPED, 'benchmark': BENCHMARK, 'complete': COMPLETE}
