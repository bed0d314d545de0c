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
"""What people mean by "calmer, please", and a motion that is played like that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
import json
import math
from typing import Any

import numpy as np

from l2emg_ros.emotion import Emotion
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.features import FPS
from l2emg_ros.motion.motion import Motion
from l2emg_ros.text import lexicon

# A plain "slower" or "smaller" is a quarter, "a bit" half of that, "much" once and a half.
_STEP, _SLIGHTLY, _GREATLY = 0.25, 0.5, 1.5
# How many words before the one that says what, the words lie that turn it round or weigh it.
_NEAR = 3
# Contact with the floor stays as it is: the legs and the pelvis keep their size.
_UPPER = [
    number
    for number, name in enumerate(skeleton.JOINT_NAMES)
    if not any(part in name for part in ('pelvis', 'hip', 'knee', 'ankle', 'foot'))
]


@dataclass(frozen=True, slots=True)
class Correction:
    """How a motion should have been.

    Attributes:
        pace: Factor on its speed.
        size: Factor on the movements of the upper body.
        label: The emotion that it should have shown; '' is the one it had.
        intensity: Factor on the intensity of its emotion.
    """

    pace: float = 1.0
    size: float = 1.0
    label: str = ''
    intensity: float = 1.0

    def __bool__(self) -> bool:
        """Return whether it asks for anything."""
        return self != Correction()

    def opposite(self) -> Correction:
        """Return the change of pace and size the other way."""
        return Correction(1.0 / self.pace, 1.0 / self.size)

    def emotion(self, asked: Emotion | None) -> Emotion | None:
        """Return the emotion that should have been asked for."""
        if self.label:
            return Emotion(self.label, intensity=1.0 if asked is None else asked.intensity)
        if asked is None or self.intensity == 1.0:
            return asked
        return replace(asked, intensity=min(asked.intensity * self.intensity, 1.0))


@cache
def _words() -> dict[str, Any]:
    text = (files('l2emg_ros') / 'data' / 'corrections.json').read_text('utf-8')
    return dict(json.loads(text))


def understood(text: str) -> Correction:
    """Return what a person's words ask for; nothing where none of them is known.

    "calmer", "a bit slower", "not so wild", "not slow enough", "happier", "less angry".
    """
    said = lexicon.words(text)
    pace = size = intensity = 1.0
    label = ''
    for place, word in enumerate(said):
        before = _near(said[max(place - _NEAR, 0) : place])
        change = _STEP * _weight(before)
        opposed = bool(set(before) & set(_words()['opposed']))
        if said[place + 1 : place + 2] == ['enough']:
            # "Not slow enough" wants it slower still; "slow enough" wants nothing.
            if not opposed:
                continue
            opposed = False
        for axis, sign in _meanings(word):
            factor = 1.0 + (-sign if opposed else sign) * change
            pace *= factor if axis in ('pace', 'both') else 1.0
            size *= factor if axis in ('size', 'both') else 1.0
        feeling = _words()['feelings'].get(word) or lexicon.emotion_words().get(word)
        if feeling and not any(True for _ in _meanings(word)):
            # "less angry" and "too angry" leave the feeling and take some of it away.
            label, intensity = (label, intensity / 2) if opposed else (feeling, intensity)
    return Correction(pace, size, label, intensity)


def _near(before: list[str]) -> list[str]:
    """Return the words before a word that speak of it: those after the last "but"."""
    return before[before.index('but') + 1 :] if 'but' in before else before


def _weight(before: list[str]) -> float:
    """Return how much the words before a word make of it."""
    if set(before) & set(_words()['slightly']):
        return _SLIGHTLY
    return _GREATLY if set(before) & set(_words()['greatly']) else 1.0


def _meanings(word: str) -> Iterator[tuple[str, int]]:
    """Yield the axis and the direction that a word stands for."""
    for axis in ('pace', 'size', 'both'):
        for sign, listed in ((1, 'more'), (-1, 'less')):
            if word in _words()[axis][listed]:
                yield axis, sign


def corrected(motion: Motion, correction: Correction, longest: float = math.inf) -> Motion:
    """Return a motion at 30 fps with another pace and size; its feet stay where they are.

    Args:
        motion: What was played.
        correction: How it should have been. Size is how far the joints of the upper body leave
            the pose in which the motion begins.
        longest: Seconds beyond which it is not slowed down.
    """
    slowest = min(motion.duration / longest, 1.0) if longest < math.inf else 0.0
    pace = max(correction.pace, slowest)
    begin = motion.rotations[:1]
    turned = rotation.to_rotvec(rotation.multiply(rotation.inverse(begin), motion.rotations))
    factors = np.ones((1, len(skeleton.JOINT_NAMES), 1))
    factors[:, _UPPER] = correction.size
    rotations = rotation.multiply(begin, rotation.from_rotvec(turned * factors))
    played = Motion.from_rotations(rotations, motion.root_translation, motion.fps * pace)
    return played.resample(FPS)
