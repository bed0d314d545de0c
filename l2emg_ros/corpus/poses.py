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
"""The vocabulary of the choreographies: hand poses and their registry.

Hand positions are metres from the shoulder of the same side to the wrist in the relaxed standing
body: outwards, up, forward. The arm is 0.51 m long, the chin is at (-0.17, 0.11, 0.14).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from l2emg_ros.corpus.score import Score

Vector = tuple[float, float, float]

# Palm directions: (outwards, up, forward).
IN: Vector = (-1.0, 0.0, 0.0)
OUT: Vector = (1.0, 0.0, 0.0)
UP: Vector = (0.0, 1.0, 0.0)
DOWN: Vector = (0.0, -1.0, 0.0)
AHEAD: Vector = (0.0, 0.0, 1.0)
SELF: Vector = (0.0, 0.0, -1.0)


@dataclass(frozen=True, slots=True)
class Choreography:
    """How a gesture moves: a name, its natural length and the function that writes its score.

    Attributes:
        name: Of the gesture.
        seconds: Natural shortest and longest length at neutral tempo.
        write: Writes the score.
    """

    name: str
    seconds: tuple[float, float]
    write: Callable[[Score], None]


CHOREOGRAPHIES: dict[str, Choreography] = {}
"""Filled by the modules that define gestures."""


def gesture(
    name: str, shortest: float, longest: float
) -> Callable[[Callable[[Score], None]], Callable[[Score], None]]:
    """Register a choreography."""

    def register(write: Callable[[Score], None]) -> Callable[[Score], None]:
        CHOREOGRAPHIES[name] = Choreography(name, (shortest, longest), write)
        return write

    return register


def hand(
    side: str,
    out: float,
    up: float,
    fwd: float,
    palm: Vector | None = None,
    *,
    elbow: float | None = None,
    flex: float | None = None,
    dev: float | None = None,
    at: str = '',
) -> dict[str, float]:
    """Return the channels of a hand pose.

    Args:
        side: 'L' or 'R'.
        out: Outwards of the shoulder, m.
        up: Above the shoulder, m.
        fwd: In front of the shoulder, m.
        palm: Where the palm looks; None leaves it.
        elbow: Elbow lifted outwards, degrees; None leaves it.
        flex: Wrist bent towards the palm, degrees; None leaves it.
        dev: Wrist bent towards the thumb, degrees; None leaves it.
        at: 'chest' or 'head' where the hand touches or moves with it: the size of the emotion then
            leaves it alone; 'fixed' leaves it alone but carries it with the body.
    """
    pose = {f'{side}.out': out, f'{side}.up': up, f'{side}.fwd': fwd}
    if palm is not None:
        for axis, value in zip(('out', 'up', 'fwd'), palm, strict=True):
            pose[f'{side}.palm_{axis}'] = value
    for name, angle in (('elbow', elbow), ('flex', flex), ('dev', dev)):
        if angle is not None:
            pose[f'{side}.{name}'] = float(angle)
    pose[f'{side}.fixed'] = 1.0 if at else 0.0
    pose[f'{side}.at_chest'] = float(at == 'chest')
    pose[f'{side}.at_head'] = float(at == 'head')
    return pose


def both(
    out: float,
    up: float,
    fwd: float,
    palm: Vector | None = None,
    *,
    elbow: float | None = None,
    flex: float | None = None,
    dev: float | None = None,
    at: str = '',
) -> dict[str, float]:
    """Return the channels of the same hand pose on both sides."""
    return {
        name: value
        for side in 'LR'
        for name, value in hand(
            side, out, up, fwd, palm, elbow=elbow, flex=flex, dev=dev, at=at
        ).items()
    }


def sign(side: str) -> float:
    """Return 1 for left and -1 for right: the sign of turning towards that side."""
    return 1.0 if side == 'L' else -1.0


def other(side: str) -> str:
    """Return the other side."""
    return 'R' if side == 'L' else 'L'
