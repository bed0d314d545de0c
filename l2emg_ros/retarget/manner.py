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
"""How an emotion moves: the manner in which a motion is played."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np

from l2emg_ros.emotion import Emotion


@dataclass(frozen=True, slots=True)
class Manner:
    """How a motion is played, relative to how it was planned.

    Attributes:
        pace: Factor on its speed.
        size: Factor on the distance of the arms from the home pose.
        lean: Bow of the trunk, rad, forward positive.
        nod: Bow of the head, rad, down positive; nothing where the robot's head cannot.
        softness: Half the span over which the motion is averaged, s.
        pause: Share of the pace that is taken away where the motion nearly stands.
    """

    pace: float = 1.0
    size: float = 1.0
    lean: float = 0.0
    nod: float = 0.0
    softness: float = 0.0
    pause: float = 0.0


AS_PLANNED = Manner()
# How much an emotion changes unless told otherwise; see ``manner``.
STRENGTH = Manner(pace=0.3, size=0.3, lean=0.12, nod=0.2, softness=0.1, pause=0.4)
# What a manner is limited to, whatever an emotion asks for.
_LEAST = Manner(pace=0.5, size=0.5, lean=-0.25, nod=-0.4)
_MOST = Manner(pace=1.5, size=1.4, lean=0.25, nod=0.4, softness=0.15, pause=0.7)


def manner(emotion: Emotion | None, strength: Manner) -> Manner:
    """Return the manner in which an emotion moves.

    Arousal quickens, and its want softens and lingers; dominance makes gestures large; the trunk
    and head sink with displeasure and submission (what observers go by: Wallbott, 1998, European
    Journal of Social Psychology 28; Montepare et al., 1999, Journal of Nonverbal Behavior 23).

    Args:
        emotion: The emotion, or None for none.
        strength: Change of each parameter for an emotion at the end of the scale, of intensity 1;
            pace and size as changes of the factor.
    """
    if emotion is None:
        return AS_PLANNED
    valence, arousal, dominance = (emotion.intensity * value for value in emotion.vad)
    sunk = -(valence + dominance) / 2.0
    return Manner(
        pace=1.0 + strength.pace * arousal,
        size=1.0 + strength.size * dominance,
        lean=strength.lean * sunk,
        nod=strength.nod * sunk,
        softness=strength.softness * max(-arousal, 0.0),
        pause=strength.pause * max(-arousal, 0.0),
    )


def beyond(wanted: Manner, meant: Manner) -> Manner:
    """Return what makes a motion of one manner into one of another, within bounds."""
    found = Manner(
        wanted.pace / meant.pace,
        wanted.size / meant.size,
        *(getattr(wanted, f.name) - getattr(meant, f.name) for f in fields(Manner)[2:]),
    )
    return Manner(*np.clip(astuple(found), astuple(_LEAST), astuple(_MOST)).tolist())
