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

"""Emotions: thirteen labels with valence, arousal and dominance, and points between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
import math

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import BadRequest

# Valence, arousal, dominance in [-1, 1]. Placed after the usual dimensional models of emotion
# (Russell and Mehrabian 1977) and kept 0.4 or more apart, so that numbers alone tell them apart.
VAD: dict[str, tuple[float, float, float]] = {
    'neutral': (0.0, 0.0, 0.0),
    'happy': (0.8, 0.5, 0.4),
    'sad': (-0.65, -0.45, -0.4),
    'angry': (-0.6, 0.7, 0.5),
    'fearful': (-0.65, 0.6, -0.65),
    'disgusted': (-0.7, 0.25, 0.15),
    'surprised': (0.2, 0.8, -0.2),
    'proud': (0.6, 0.2, 0.85),
    'tired': (-0.2, -0.85, -0.3),
    'calm': (0.45, -0.6, 0.2),
    'compassion': (0.35, -0.25, -0.2),
    'excited': (0.65, 0.95, 0.35),
    'shy': (-0.05, 0.1, -0.7),
}
LABELS: tuple[str, ...] = tuple(VAD)
_AXES = ('valence', 'arousal', 'dominance')
_POINTS = np.array(list(VAD.values()))
# Width of the kernel between labels: at a label's own point 90 % or more of the weight is its own,
# half-way between two labels both get the same.
_KERNEL = 0.2


@dataclass(frozen=True, slots=True)
class Emotion:
    """One emotion: a label, or a point in valence, arousal and dominance.

    Attributes:
        label: One of ``LABELS``; empty when the three numbers count.
        valence: Unpleasant to pleasant, in [-1, 1].
        arousal: Sleepy to activated, in [-1, 1].
        dominance: Submissive to in control, in [-1, 1].
        intensity: How strongly it is shown, in [0, 1]; 0 is neutral.

    Raises:
        BadRequest: A label is unknown or a number is not finite or out of range.
    """

    label: str = ''
    valence: float = 0.0
    arousal: float = 0.0
    dominance: float = 0.0
    intensity: float = 1.0

    def __post_init__(self) -> None:
        """Check the label and the ranges; a label sets the numbers."""
        if self.label:
            if self.label not in VAD:
                raise BadRequest(f'unknown emotion {self.label!r}: use one of {", ".join(LABELS)}')
            for name, value in zip(_AXES, VAD[self.label], strict=True):
                object.__setattr__(self, name, value)
        for name, low in (*((name, -1) for name in _AXES), ('intensity', 0)):
            value = float(getattr(self, name))
            if not math.isfinite(value) or not low <= value <= 1:
                raise BadRequest(f'emotion {name} is {value}: expected a number in [{low}, 1]')
            object.__setattr__(self, name, value)

    @classmethod
    def from_vad(
        cls, valence: float, arousal: float, dominance: float, intensity: float = 1.0
    ) -> Emotion:
        """Return the emotion at a point in valence, arousal and dominance."""
        return cls('', valence, arousal, dominance, intensity)

    @classmethod
    def parse(
        cls, value: str | Sequence[float] | Emotion | None, intensity: float | None = None
    ) -> Emotion | None:
        """Return the emotion that ``value`` names.

        Args:
            value: A label, ``'vad:V,A,D'``, three numbers, an emotion, or None or '' for none.
            intensity: Replaces the intensity when given.

        Returns:
            The emotion, or None where ``value`` names none.

        Raises:
            BadRequest: ``value`` is none of these.
        """
        if value is None or (isinstance(value, str) and not value):
            return None
        if isinstance(value, Emotion):
            return value if intensity is None else replace(value, intensity=intensity)
        strength = 1.0 if intensity is None else intensity
        if isinstance(value, str) and not value.startswith('vad:'):
            return cls(value, intensity=strength)
        try:
            parts = value[4:].split(',') if isinstance(value, str) else list(value)
            numbers = [float(part) for part in parts]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != 3:
            raise BadRequest(
                f'emotion {value!r}: expected a label or three numbers: {", ".join(_AXES)}'
            )
        valence, arousal, dominance = numbers
        return cls.from_vad(valence, arousal, dominance, strength)

    @property
    def vad(self) -> tuple[float, float, float]:
        """Valence, arousal and dominance."""
        return (self.valence, self.arousal, self.dominance)

    def weights(self) -> NDArray[np.float64]:
        """Return the emotion as a convex mixture of the labels.

        A label puts ``intensity`` on itself and the rest on neutral. A point in the VAD space is a
        Gaussian kernel over the labels' points, scaled the same way: between two labels it gives a
        style between theirs.

        Returns:
            (13,) weights over ``LABELS``, non-negative, of sum 1.
        """
        mixture = np.zeros(len(LABELS))
        if self.label:
            mixture[LABELS.index(self.label)] = 1.0
        else:
            squared = ((_POINTS - np.array(self.vad)) ** 2).sum(axis=1)
            mixture = np.exp(-(squared - squared.min()) / (2 * _KERNEL**2))
            mixture /= mixture.sum()
        mixture *= self.intensity
        mixture[0] += 1.0 - self.intensity
        return mixture

    def __str__(self) -> str:
        """Return the form that ``parse`` reads back, without the intensity."""
        if self.label:
            return self.label
        return f'vad:{self.valence:.6g},{self.arousal:.6g},{self.dominance:.6g}'
