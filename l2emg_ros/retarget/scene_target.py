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
"""What a robot is to point at, look at, reach, hand over or avoid while a motion plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args, Literal

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion.blend import minimum_jerk
from l2emg_ros.retarget.mapping import SIDES

Array = NDArray[np.float64]
Kind = Literal['point_at', 'look_at', 'reach', 'hand_over', 'avoid']
Limb = Literal['left_hand', 'right_hand', 'either', 'head']

KINDS: tuple[Kind, ...] = get_args(Kind)
LIMBS: tuple[Limb, ...] = get_args(Limb)
# By side.
HANDS: dict[str, Limb] = {'l': 'left_hand', 'r': 'right_hand'}
_BY_HAND = ('point_at', 'reach', 'hand_over')
# Longest time in which a target takes over, s.
RAMP = 0.5
# Targets of one motion: more than any gesture has.
_MOST = 16
# Farther away than this is a mistake in units or frames, m.
_FARTHEST = 100.0
_USAGE = 'expected KIND X Y Z, then limb=, radius=, start= or duration='


@dataclass(frozen=True)
class SceneTarget:
    """One thing to do with a point in space while a motion plays.

    The point is given from where the robot stands when the motion begins: the origin is the root
    link, standing upright in the home pose; x points where the root faces in the first frame, y to
    its left, z up. The point stays where it is when the robot walks or turns.

    Attributes:
        kind: What to do. 'reach' brings the point of the hand's ``gripper`` link there,
            'hand_over' does so with the palm up, 'point_at' stretches the arm towards it,
            'look_at' turns head and trunk to it, 'avoid' keeps the arms out of a sphere around it.
        point: m.
        limb: The hand; 'either' leaves the choice to the side on which the point lies when the
            target starts, for 'avoid' it means both arms. 'look_at' takes the head only.
        radius: m, of the sphere to avoid; 0 for the other kinds.
        start: s, in the time of the motion.
        duration: s, ways there and back included; 0: until the motion ends.

    Raises:
        BadRequest: A value is none of these, or they do not go together.
    """

    kind: Kind
    point: tuple[float, float, float]
    limb: Limb = 'either'
    radius: float = 0.0
    start: float = 0.0
    duration: float = 0.0

    def __post_init__(self) -> None:
        """Check, and make plain numbers of what was given."""
        if self.kind not in KINDS:
            raise BadRequest(f'target kind is {self.kind!r}: expected one of {", ".join(KINDS)}')
        for name, value in (
            ('point', _point(self.point, self.kind)),
            ('radius', _number(self.radius, f'radius of {self.kind}')),
            ('start', _number(self.start, f'start of {self.kind}')),
            ('duration', _number(self.duration, f'duration of {self.kind}')),
        ):
            object.__setattr__(self, name, value)
        if self.limb not in LIMBS:
            raise BadRequest(
                f'limb of {self} is {self.limb!r}: expected one of {", ".join(LIMBS)}'
            )
        if self.kind == 'look_at':
            if self.limb not in ('head', 'either'):
                raise BadRequest(f'limb of {self} is {self.limb}: expected head')
            object.__setattr__(self, 'limb', 'head')
        elif self.limb == 'head':
            raise BadRequest(f'limb of {self} is head: expected left_hand, right_hand or either')
        if self.kind == 'avoid' and not 0.0 < self.radius <= _FARTHEST:
            raise BadRequest(
                f'radius of {self.kind} is {self.radius:g}: '
                f'expected more than 0, up to {_FARTHEST:g} m'
            )
        if self.kind != 'avoid' and self.radius:
            raise BadRequest(f'radius of {self.kind} is {self.radius:g}: only avoid has one')
        for name in ('start', 'duration'):
            if (value := getattr(self, name)) < 0.0:
                raise BadRequest(f'{name} of {self} is {value:g}: expected 0 s or more')

    @classmethod
    def parse(cls, text: str) -> SceneTarget:
        """Read a target such as ``reach 0.3 0.2 0.1 limb=left_hand start=0.5 duration=2``.

        Raises:
            BadRequest: The text is no target; the message says what was expected.
        """
        words = text.split()
        if len(words) < 4:
            raise BadRequest(f'target {text!r}: {_USAGE}')
        options: dict[str, str] = {}
        for word in words[4:]:
            name, equals, value = word.partition('=')
            if not equals or name not in ('limb', 'radius', 'start', 'duration'):
                raise BadRequest(f'target {text!r} has {word!r}: {_USAGE}')
            if name in options:
                raise BadRequest(f'target {text!r} has {name} twice: expected it once')
            options[name] = value
        numbers = {
            name: _read(value, name, text) for name, value in options.items() if name != 'limb'
        }
        x, y, z = (_read(word, axis, text) for axis, word in zip('xyz', words[1:4], strict=True))
        limb: Limb = options.get('limb', 'either')  # type: ignore[assignment]
        kind: Kind = words[0]  # type: ignore[assignment]
        return cls(kind, (x, y, z), limb, **numbers)

    @property
    def end(self) -> float:
        """When it lets go, s; infinite where that is the end of the motion."""
        return self.start + self.duration if self.duration else np.inf

    @property
    def ramp(self) -> float:
        """Time in which it takes over, and lets go again, s."""
        return min(RAMP, self.duration / 2) if self.duration else RAMP

    @property
    def full(self) -> float:
        """When it has taken over, s."""
        return self.start + self.ramp

    def weight(self, times: Array) -> Array:
        """Return how far the target has taken over, (T,) in [0, 1], at (T,) s of the motion.

        Minimum jerk ``10 s^3 - 15 s^4 + 6 s^5`` both ways.
        """
        share = np.minimum(times - self.start, self.end - times) / self.ramp
        share = np.clip(share, 0.0, 1.0)
        return minimum_jerk(share)

    def overlaps(self, other: SceneTarget) -> bool:
        """Return whether there is a time at which both count."""
        return self.start < other.end and other.start < self.end

    def __str__(self) -> str:
        """Say what and where."""
        where = ', '.join(f'{value:.2f}' for value in self.point)
        return f'{self.kind} ({where})' + (f' radius {self.radius:g}' if self.radius else '')


class Hands:
    """Gives every target that needs a hand one of its own."""

    def __init__(self, targets: Sequence[SceneTarget]) -> None:
        """Check that there are hands enough.

        Raises:
            BadRequest: Two targets want the same limb at the same time, three need a hand, or
                there are too many.
        """
        if len(targets) > _MOST:
            raise BadRequest(f'there are {len(targets)} targets: expected at most {_MOST}')
        self._targets = targets
        self.order = sorted(
            (n for n, target in enumerate(targets) if target.kind in _BY_HAND),
            key=lambda number: targets[number].start,
        )
        self._named = {
            number: side
            for number in self.order
            for side in SIDES
            if targets[number].limb == HANDS[side]
        }
        busy = [target for target in targets if target.kind != 'avoid']
        for number, target in enumerate(busy):
            for other in busy[:number]:
                if target.limb == other.limb != 'either' and target.overlaps(other):
                    raise BadRequest(
                        f'{other} and {target} both want {target.limb} at the same time: '
                        'expected one after the other'
                    )
        for count, number in enumerate(self.order):
            if not self._possible(self.order[: count + 1], self._named):
                target = targets[number]
                others = [targets[n] for n in self.order if n != number]
                other = [other for other in others if target.overlaps(other)][-1]
                raise BadRequest(
                    f'{other} and {target} overlap and no hand is free for both: '
                    'expected one after the other'
                )
        self.reset()

    def reset(self) -> None:
        """Forget what was chosen."""
        self.sides = dict(self._named)

    def choose(self, number: int, left: bool) -> None:
        """Take the hand of one side for a target, or the other where that one is needed."""
        near, far = SIDES if left else SIDES[::-1]
        fits = self._free(number, near, self.sides) and self._possible(
            self.order, {**self.sides, number: near}
        )
        self.sides[number] = near if fits else far

    def _possible(self, order: Sequence[int], sides: dict[int, str]) -> bool:
        """Return whether every target can have a hand if these are given away."""
        for number in order:
            if number not in sides:
                return any(
                    self._possible(order, {**sides, number: side})
                    for side in SIDES
                    if self._free(number, side, sides)
                )
        return True

    def _free(self, number: int, side: str, sides: dict[int, str]) -> bool:
        """Return whether nothing else has this hand while a target needs it."""
        target = self._targets[number]
        return not any(
            taken == side and target.overlaps(self._targets[other])
            for other, taken in sides.items()
            if other != number
        )


def _point(value: Any, kind: str) -> tuple[float, float, float]:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.zeros(0)
    if array.shape != (3,) or not np.isfinite(array).all():
        raise BadRequest(f'point of {kind} is {value!r}: expected three finite numbers in metres')
    if (distance := float(np.linalg.norm(array))) > _FARTHEST:
        raise BadRequest(
            f'point of {kind} is {distance:g} m away: expected at most {_FARTHEST:g} m'
        )
    x, y, z = array.tolist()
    return x, y, z


def _number(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number):
        raise BadRequest(f'{what} is {value!r}: expected a finite number')
    return number


def _read(word: str, name: str, text: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise BadRequest(f'{name} of target {text!r} is {word!r}: expected a number') from None
