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
"""One encounter with a person: what was performed, how it went, what the person thought of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.plain_text import check_text

_MAX_NAME = 256
_MAX_TEXT = 500
_MAX_PATH = 4096


def _check_text(owner: Any, **limits: int) -> None:
    for name, limit in limits.items():
        check_text(name, getattr(owner, name), limit)


def _check_range(owner: Any, **ranges: tuple[float, float]) -> None:
    for name, (low, high) in ranges.items():
        value = getattr(owner, name)
        if value is not None and not low <= value <= high:
            raise BadRequest(f'{name} is {value}: expected {low:g} to {high:g}')


@dataclass(frozen=True, slots=True)
class Feedback:
    """One person's reaction to one motion.

    Attributes:
        motion_id: The motion it is about.
        session_id: The encounter it belongs to, or ''.
        rating: In [-1, 1], or None where none was given.
        human_before: The person's emotion before the motion, or None.
        human_after: The person's emotion after it, or None.
        correction: What the request should have been, or ''.
        preferred_motion_id: The motion they would rather have seen, or ''.
        demonstration: File with what a person has shown, a motion or a trajectory of a robot, or
            ''.
        confidence_before: How sure ``human_before`` is, in [0, 1]; 0: not said.
        confidence_after: How sure ``human_after`` is, in [0, 1]; 0: not said.

    Raises:
        BadRequest: A field is not well formed.
    """

    motion_id: str
    session_id: str = ''
    rating: float | None = None
    human_before: Emotion | None = None
    human_after: Emotion | None = None
    correction: str = ''
    preferred_motion_id: str = ''
    demonstration: str = ''
    confidence_before: float = 0.0
    confidence_after: float = 0.0

    def __post_init__(self) -> None:
        """Check lengths and ranges."""
        if not self.motion_id:
            raise BadRequest('motion_id is empty: expected the id of the motion it is about')
        _check_text(
            self,
            motion_id=_MAX_NAME,
            session_id=_MAX_NAME,
            preferred_motion_id=_MAX_NAME,
            correction=_MAX_TEXT,
            demonstration=_MAX_PATH,
        )
        if self.rating is not None and not -1.0 <= self.rating <= 1.0:
            raise BadRequest(f'rating is {self.rating}: expected -1 to 1, or NaN for none')
        _check_range(self, confidence_before=(0.0, 1.0), confidence_after=(0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a motion on the robot.

    Attributes:
        completed: Whether it was played to its end.
        time_stretch: Seconds it took over seconds that it is long.
        trimmed: Share of its samples that limits or self-collision have changed, in [0, 1].
        tracking_error: Mean absolute difference of set points and joints, rad; None: unknown.

    Raises:
        BadRequest: A number is not finite or out of range.
    """

    completed: bool
    time_stretch: float = 1.0
    trimmed: float = 0.0
    tracking_error: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check_range(self, time_stretch=(0.0, 1e3), trimmed=(0.0, 1.0), tracking_error=(0.0, 1e3))


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """One motion, its outcome, and one feedback with consent about it.

    Attributes:
        feedback: What the person said. A demonstration in it is, once stored, a file of the log.
        motion_id: The motion.
        text: What was asked for.
        scenario: The scenario it was taken for, or ''.
        emotion: The emotion that was asked for, or None.
        model: Name and version of the model, or ''.
        experts: Names and versions of the experts that wrote it.
        expert_weights: Their weights.
        novelty_p_value: In [0, 1]; small where the text is unlike every known scenario.
        seed: Gives the same motion again; -1: unknown.
        tokens: (L, levels) int, what the motion was decoded from; (0, 0): unknown.
        seconds: Length of the motion.
        recorded: When it was stored, seconds since the epoch.
        keep_until: When it is to be forgotten, seconds since the epoch.
        outcome: What became of it, or None where that is not known.
        id: Name of the entry; '' until it is stored.

    Raises:
        BadRequest: A field is not well formed.
    """

    feedback: Feedback
    motion_id: str
    text: str = ''
    scenario: str = ''
    emotion: Emotion | None = None
    model: str = ''
    experts: tuple[str, ...] = ()
    expert_weights: tuple[float, ...] = ()
    novelty_p_value: float = 1.0
    seed: int = -1
    tokens: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    seconds: float = 0.0
    recorded: float = 0.0
    keep_until: float = math.inf
    outcome: Outcome | None = None
    id: str = ''

    def __post_init__(self) -> None:
        """Check the fields, freeze the tokens."""
        if self.feedback.motion_id != self.motion_id:
            raise BadRequest(
                f'feedback is about motion {self.feedback.motion_id!r}: '
                f'expected {self.motion_id!r}'
            )
        _check_text(self, text=_MAX_TEXT, scenario=_MAX_NAME, model=_MAX_NAME, id=_MAX_NAME)
        _check_range(
            self,
            novelty_p_value=(0.0, 1.0),
            seconds=(0.0, 1e6),
            recorded=(0.0, 1e12),
            keep_until=(0.0, math.inf),
        )
        if len(self.experts) != len(self.expert_weights):
            raise BadRequest(f'{len(self.expert_weights)} weights for {len(self.experts)} experts')
        tokens = np.array(self.tokens, dtype=np.int64)
        if tokens.ndim != 2 or (tokens.size and not 0 <= tokens.min() <= tokens.max() < 65536):
            raise BadRequest(f'tokens of shape {tokens.shape}: expected (L, levels) of 0 to 65535')
        tokens.setflags(write=False)
        object.__setattr__(self, 'tokens', tokens)

    def to_dict(self) -> dict[str, Any]:
        """Return it in numbers, strings, lists and dicts, ready for JSON."""
        value = asdict(self)
        value['tokens'] = self.tokens.tolist()
        value['consent'] = True
        value['keep_until'] = self.keep_until if math.isfinite(self.keep_until) else None
        return value
