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
"""Emotions as ROS4HRI says them: the labels of ``hri_msgs/Expression``, valence and arousal.

The table is `data/hri_expressions.json`. Inbound, a label is one of ours, one of ours at a fixed
strength, or a point in valence, arousal and dominance; outbound, three of ours have no label and
go by their numbers. An expression has no dominance and no intensity: the one is dropped, the other
scales the numbers.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
import json
import math
from typing import Any

import numpy as np

from l2emg_ros.emotion import Emotion, LABELS, VAD
from l2emg_ros.errors import BadRequest

# Numbers this close to those of a label mean it: what rounding leaves.
_SAME = 0.05
# Width of the kernel by which labels near a point tell its dominance, as between labels.
_KERNEL = 0.2


@cache
def table() -> dict[str, dict[str, Any]]:
    """Return the table: 'inbound' by the labels of hri_msgs, 'outbound' by ours."""
    text = (files('l2emg_ros') / 'data' / 'hri_expressions.json').read_text('utf-8')
    content: dict[str, dict[str, Any]] = json.loads(text)
    return content


def from_expression(
    expression: str, valence: float = 0.0, arousal: float = 0.0, confidence: float = 1.0
) -> Emotion | None:
    """Return the emotion that an expression stands for.

    The label counts. Numbers that point its way say how strong it is; without any it is as strong
    as the table says. Without a label the numbers count, and labels near them tell the dominance.

    Args:
        expression: A label of hri_msgs, or ''.
        valence: In [-1, 1].
        arousal: In [-1, 1].
        confidence: In [0, 1]; only checked.

    Returns:
        The emotion, or None where the expression says nothing: no label, both numbers 0.

    Raises:
        BadRequest: The label is unknown, or a number is not finite or out of range.
    """
    for name, value, low in (
        ('valence', valence, -1.0),
        ('arousal', arousal, -1.0),
        ('confidence', confidence, 0.0),
    ):
        if not math.isfinite(value) or not low <= value <= 1.0:
            raise BadRequest(f'expression {name} is {value}: expected a number in [{low:g}, 1]')
    given = bool(valence or arousal)
    if not expression:
        return _nearby(valence, arousal) if given else None
    entry = table()['inbound'].get(expression)
    if entry is None:
        known = ', '.join(table()['inbound'])
        raise BadRequest(f'unknown expression {expression[:64]!r}: expected one of {known}')
    if 'vad' in entry:
        usual = entry['vad']
        if not given:
            valence, arousal = usual[:2]
        return Emotion.from_vad(valence, arousal, usual[2])
    label = entry['emotion']
    strength = entry.get('intensity') or _strength(label, valence, arousal)
    return Emotion(label, intensity=strength)


def to_expression(emotion: Emotion) -> tuple[str, float, float]:
    """Return label, valence and arousal of the expression for an emotion.

    The label is '' where hri_msgs has none: then the numbers count. They are scaled by the
    intensity.
    """
    if emotion.intensity == 0.0:
        return 'neutral', 0.0, 0.0
    label = table()['outbound'][emotion.label] if emotion.label else ''
    return label, emotion.valence * emotion.intensity, emotion.arousal * emotion.intensity


def _strength(label: str, valence: float, arousal: float) -> float:
    """Return how far numbers go towards a label, in (0, 1]; 1 where they do not at all."""
    there = VAD[label]
    size = there[0] ** 2 + there[1] ** 2
    share = (valence * there[0] + arousal * there[1]) / size if size else 0.0
    return min(share, 1.0) if share > 0.0 else 1.0


def _nearby(valence: float, arousal: float) -> Emotion:
    """Return the label at a point, or the point with the dominance of the labels near it."""
    points = np.array(list(VAD.values()))
    away = np.linalg.norm(points[:, :2] - (valence, arousal), axis=1)
    nearest = int(away.argmin())
    if away[nearest] < _SAME:
        return Emotion(LABELS[nearest])
    weights = np.exp((away[nearest] ** 2 - away**2) / (2.0 * _KERNEL**2))
    dominance = float(weights @ points[:, 2] / weights.sum())
    return Emotion.from_vad(valence, arousal, dominance)
