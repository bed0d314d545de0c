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
"""Emotion as effort: what each of the thirteen labels does to a gesture.

The values are our own. Their directions follow studies of affective movement: Wallbott (1998,
"Bodily expression of emotion": collapsed posture in sadness, expansive and fast arms in joy and
hot anger, backward lean and turning away in fear and disgust), de Meijer (1989: trunk stretching,
force, velocity and directness), Roether et al. (2009: posture and speed of emotional gaits) and
the effort qualities of Laban (time, weight, space and flow). A mixture of labels mixes the rows
linearly.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Effort:
    """How a gesture is performed.

    Attributes:
        tempo: Speed of strokes, 1 is neutral.
        amp: Size of strokes.
        sharp: 0 flowing to 1 abrupt: a stroke takes less of its time, the rest is a hold.
        pause: Length of holds.
        lift: Raised hands higher, m.
        bounce: Bobbing on the knees, m.
        idle: Restlessness while nothing else happens, 1 is neutral.
        tremor: Trembling of the hands, m.
        bend: Forward bending of the trunk, degrees.
        chest: Lifted chest and open shoulders, degrees.
        nod: Lowered head, degrees.
        turn: Head turned away, and the trunk less than half as much, degrees.
        tilt: Head tilted sideways, degrees.
        shrug: Raised shoulders, degrees.
        surge: Weight moved forward, m.
        crouch: Bent knees, m.
        open: Elbows away from the trunk, degrees.
        stance: Feet apart, 1 is neutral.
    """

    tempo: float
    amp: float
    sharp: float
    pause: float
    lift: float
    bounce: float
    idle: float
    tremor: float
    bend: float
    chest: float
    nod: float
    turn: float
    tilt: float
    shrug: float
    surge: float
    crouch: float
    open: float
    stance: float


_NAMES = tuple(field.name for field in fields(Effort))
# Columns as the attributes of Effort.
# fmt: off
_STROKES = {
    #               tempo     amp   sharp   pause    lift  bounce    idle  tremor
    'neutral':    (     1,      1,    0.3,      1,      0,      0,      1,      0),
    'happy':      (  1.32,    1.2,    0.4,    0.7,   0.05,  0.026,    1.5,      0),
    'sad':        (  0.62,   0.66,      0,    1.5,  -0.03,      0,    0.5,      0),
    'angry':      (  1.42,   1.14,      1,    0.6,      0,      0,      1,  0.001),
    'fearful':    (  1.12,   0.68,    0.7,    1.2,   0.01,      0,    1.8,  0.004),
    'disgusted':  (  0.86,   0.78,    0.5,    1.2,      0,      0,    0.8,      0),
    'surprised':  (  1.36,    1.1,    0.9,    1.8,   0.08,      0,      1,      0),
    'proud':      (   0.8,   1.15,    0.3,    1.5,   0.03,      0,    0.5,      0),
    'tired':      (  0.56,   0.66,      0,    1.6,  -0.05,      0,      1,      0),
    'calm':       (   0.7,   0.86,      0,    1.3,  -0.01,      0,    0.4,      0),
    'compassion': (   0.7,   0.84,   0.05,    1.3,      0,      0,    0.6,      0),
    'excited':    (  1.52,   1.34,    0.6,    0.5,   0.08,  0.048,    2.2,      0),
    'shy':        (  0.86,   0.66,    0.2,    1.2,  -0.03,      0,      1,      0),
}
_POSTURE = {
    #                bend   chest     nod    turn    tilt   shrug   surge  crouch    open  stance
    'neutral':    (     2,      0,      2,      0,      0,      0,      0,      0,      0,      1),
    'happy':      (    -2,     12,     -7,      0,      5,      2,  0.012,      0,     10,    1.1),
    'sad':        (    17,    -16,     24,      0,      7,     -5, -0.005,   0.02,    -10,    0.9),
    'angry':      (    11,      4,      7,      0,      0,     10,   0.04,  0.035,     18,   1.35),
    'fearful':    (     9,    -12,      2,     10,      0,     18, -0.055,  0.055,    -14,    0.8),
    'disgusted':  (    -6,     -6,     -2,     34,      8,      8,  -0.05,  0.005,     -2,      1),
    'surprised':  (    -9,      6,    -10,      0,      0,     12,  -0.05,      0,      8,   1.05),
    'proud':      (    -5,     22,    -14,      0,      0,      0,      0, -0.008,     16,   1.25),
    'tired':      (    15,    -15,     17,      0,     10,     -8,      0,   0.04,     -5,    1.1),
    'calm':       (     0,      5,      1,      0,      2,     -4,      0,      0,      0,      1),
    'compassion': (    10,      0,      8,      0,     16,      0,  0.035,  0.012,     -2,   0.95),
    'excited':    (    -3,     12,     -9,      0,      0,      5,  0.015,   0.01,     14,   1.25),
    'shy':        (     7,    -13,     17,     26,     10,      7, -0.015,  0.005,    -16,   0.72),
}
# fmt: on
_MATRIX = np.array([_STROKES[label] + _POSTURE[label] for label in LABELS])


def mixed(weights: ArrayLike) -> Effort:
    """Return the effort of a (13,) convex mixture over ``emotion.LABELS``.

    Raises:
        BadRequest: ``weights`` has another shape, a negative entry or another sum than 1.
    """
    shares = np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(LABELS),) or not (shares.min() >= 0 and abs(shares.sum() - 1) < 1e-3):
        raise BadRequest(
            f'emotion weights {shares.tolist()}: expected {len(LABELS)} shares of sum 1'
        )
    values = shares @ _MATRIX
    return Effort(**{name: float(value) for name, value in zip(_NAMES, values, strict=True)})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a place colours every gesture made in it.

    Attributes:
        tempo: Gain on the tempo.
        amp: Gain on the size of strokes.
        ceiling: Largest size of strokes; a ward is quieter than a stage.
        sharp: Added to the sharpness.
        chest: Added to the lifted chest, degrees.
        bend: Added to the bending of the trunk, degrees.
        bounce: Gain on the bobbing.
        stance: Gain on the distance of the feet.
    """

    tempo: float = 1.0
    amp: float = 1.0
    ceiling: float = 2.0
    sharp: float = 0.0
    chest: float = 0.0
    bend: float = 0.0
    bounce: float = 1.0
    stance: float = 1.0

    def scaled(self, strength: float) -> Dialect:
        """Return the dialect with its distance from none multiplied by ``strength``."""
        plain = Dialect()
        return Dialect(
            **{
                f.name: getattr(plain, f.name)
                + strength * (getattr(self, f.name) - getattr(plain, f.name))
                for f in fields(self)
            }
        )

    def colour(self, effort: Effort) -> Effort:
        """Return the effort as performed in this place."""
        return replace(
            effort,
            tempo=effort.tempo * self.tempo,
            amp=min(effort.amp * self.amp, self.ceiling),
            sharp=float(np.clip(effort.sharp + self.sharp, 0.0, 1.0)),
            chest=effort.chest + self.chest,
            bend=effort.bend + self.bend,
            bounce=effort.bounce * self.bounce,
            stance=effort.stance * self.stance,
        )
