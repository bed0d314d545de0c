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
"""Simulated people: what they would like to see is hidden, what they say of it is noisy.

A person's ideal is not written in terms of what the robot does with their words. It is how the
corpus performs a gesture with a dialect that nobody is told, seen through what an observer can
measure: how fast and how far the hands go, how high they are, how the trunk leans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.bench import style
from l2emg_ros.corpus import Scenario, synthesise
from l2emg_ros.corpus.effort import Dialect
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]

DESCRIPTORS: Mapping[str, float] = {
    'log wrist speed': 0.2,
    'log wrist amplitude': 0.15,
    'hand height': 0.05,
    'trunk pitch': 4.0,
}
"""What a person looks at, and how much of it is one standard unit (m, degrees)."""
COMPARES = 8
"""Every so many encounters a person compares two motions."""
_TAKES = 4
_LIKED, _STEEP = 0.8, 0.5
# Steps of pace or size, in logarithms, that words stand for; what is smaller goes unsaid.
_SLIGHT, _PLAIN, _GREAT = 0.15, 0.25, 0.42
_SAID = {
    ('pace', 1): ('faster', 'quicker', 'brisker'),
    ('pace', -1): ('slower', 'more slowly', 'more unhurried'),
    ('size', 1): ('bigger', 'larger', 'wider'),
    ('size', -1): ('smaller', 'more compact', 'narrower'),
}
_DEGREES = ((_GREAT, ('much {}', 'a lot {}')), (_PLAIN, ('{}', '{}, please', 'can you do it {}?')))
_SLIGHTLY = ('a bit {}', 'a little {}, please', 'slightly {}')
_BAFFLING = ('that felt odd', 'hm, like my uncle does it', 'stand up straight', 'more pepper')


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person shows of what they think of a motion.

    Attributes:
        rating: In [-1, 1], or None where none was given.
        correction: In words, or ''.
        before: Emotion before the motion.
        after: Emotion after it.
        delay: Seconds from the end of the motion until all this is said.
    """

    rating: float | None
    correction: str
    before: Emotion
    after: Emotion
    delay: float


class Person:
    """Somebody with a taste; the same seed is the same person.

    Args:
        seed: Of the taste and of every answer.
        dialect: The taste; None draws a strong one.
        noise: Standard deviation of a rating.
        talkative: Chance of saying so where pace or size is off.
        baffling: Chance that what is said cannot be understood.
        shows: Every so many encounters they show how it should be; the others are words.
    """

    def __init__(
        self,
        seed: int,
        dialect: Dialect | None = None,
        *,
        noise: float = 0.2,
        talkative: float = 0.8,
        baffling: float = 0.1,
        shows: int = 16,
    ) -> None:
        self._seed = seed
        self._noise, self._talkative, self._baffling = noise, talkative, baffling
        self._shows = shows
        self._dialect = dialect or _taste(np.random.default_rng((seed, 1)))
        self._manner = Scenario('person', (), self._dialect, (), (), (), ())
        self._ideals: dict[tuple[str, Emotion], Array] = {}

    def ideal(self, gesture: str, emotion: Emotion) -> Array:
        """Return the (4,) descriptors that a person wants to see, means of several takes."""
        key = (gesture, emotion)
        if key not in self._ideals:
            takes = [
                observed(self.demonstrate(gesture, emotion, number)) for number in range(_TAKES)
            ]
            self._ideals[key] = np.mean(takes, axis=0)
        return self._ideals[key]

    def utility(self, motion: Motion, gesture: str, emotion: Emotion) -> float:
        """Return minus the mean squared distance from the ideal, in standard units."""
        off = observed(motion) - self.ideal(gesture, emotion)
        return -float(np.mean((off / np.array(list(DESCRIPTORS.values()))) ** 2))

    def opinion(self, motion: Motion, gesture: str, emotion: Emotion, number: int = 0) -> Opinion:
        """Return what a person says of a motion.

        Args:
            motion: What they saw.
            gesture: What had been asked for.
            emotion: How.
            number: Of the encounter; the same one has the same noise.
        """
        rng = np.random.default_rng((self._seed, 2, number))
        liked = np.tanh(_LIKED + _STEEP * self.utility(motion, gesture, emotion))
        rating = float(np.clip(liked + rng.normal(0.0, self._noise), -1.0, 1.0))
        mood = rng.uniform(-0.5, 0.5, 3)
        change = 0.4 * liked + rng.normal(0.0, 0.1)
        after = np.clip(mood + np.array([change, 0.0, 0.0]), -1.0, 1.0)
        delay = float(rng.gamma(4.0, 0.5))
        said = self._correction(motion, gesture, emotion, rng)
        return Opinion(rating, said, Emotion.from_vad(*mood), Emotion.from_vad(*after), delay)

    def prefers(
        self, motions: Sequence[Motion], gesture: str, emotion: Emotion, number: int = 0
    ) -> int:
        """Return which of several motions a person would rather have seen."""
        rng = np.random.default_rng((self._seed, 3, number))
        liked = [self.utility(motion, gesture, emotion) for motion in motions]
        return int(np.argmax(liked + rng.normal(0.0, self._noise, len(motions))))

    def compares(self, number: int) -> bool:
        """Return whether a person asks in an encounter for a second motion, and chooses."""
        return number % COMPARES == COMPARES - 1

    def shows(self, number: int) -> bool:
        """Return whether a person shows in an encounter how it should be."""
        return number % self._shows == (self._shows - 2) % self._shows

    def demonstrate(self, gesture: str, emotion: Emotion, number: int = 0) -> Motion:
        """Return a gesture as a person shows it themselves."""
        rng = np.random.default_rng((self._seed, 4, number))
        return synthesise(gesture, emotion.weights(), rng, scenario=self._manner)

    def _correction(
        self, motion: Motion, gesture: str, emotion: Emotion, rng: np.random.Generator
    ) -> str:
        """Return words about what is off most, or ''."""
        off = self.ideal(gesture, emotion)[:2] - observed(motion)[:2]
        # What is wrong with the speed beyond the size is the pace.
        wrong = {'pace': float(off[0] - off[1]), 'size': float(off[1])}
        axis = max(wrong, key=lambda name: abs(wrong[name]))
        amount, direction = abs(wrong[axis]), int(np.sign(wrong[axis]))
        speaks, baffles = rng.random() < self._talkative, rng.random() < self._baffling
        if amount < _SLIGHT or not speaks:
            return ''
        if baffles:
            return str(rng.choice(_BAFFLING))
        forms = next((told for least, told in _DEGREES if amount >= least), _SLIGHTLY)
        return str(rng.choice(forms)).format(rng.choice(_SAID[axis, direction]))


def words(rng: np.random.Generator) -> str:
    """Return a correction that means nothing: an axis and a direction at random."""
    kinds = sorted(_SAID)
    return str(rng.choice(_SAID[kinds[int(rng.integers(len(kinds)))]]))


def observed(motion: Motion) -> Array:
    """Return the (4,) descriptors of a motion, in the units of ``DESCRIPTORS``."""
    seen = style.measure(motion)
    joints = motion.joint_positions()
    height = (joints[:, 20:22, 2] - joints[:, :1, 2]).mean()
    return np.array(
        [
            np.log(seen['wrist speed'] + 1e-3),
            np.log(seen['wrist amplitude'] + 1e-3),
            height,
            seen['trunk pitch'],
        ]
    )


def _taste(rng: np.random.Generator) -> Dialect:
    """Return manners as far from none as a ward is from a stage, one way or the other."""
    calm = rng.random() < 0.5
    low, high = (-0.4, -0.2) if calm else (0.3, 0.45)
    return Dialect(
        tempo=float(np.exp(rng.uniform(low, high))),
        amp=float(np.exp(rng.uniform(-0.3, -0.1))),
        bend=float(rng.uniform(-2.0, 2.0)),
        chest=float(rng.uniform(-2.0, 4.0)),
    )
