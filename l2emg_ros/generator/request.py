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
"""A request for motion, and the checks that every entry point shares."""

from __future__ import annotations

from dataclasses import dataclass
import math

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.plain_text import check_text

MAX_TEXT = 500
MIN_SECONDS, MAX_SECONDS = 0.5, 20.0
# torch seeds are signed 64-bit; negative ones are kept for "random" on the wire.
MAX_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Request:
    """What a motion should say.

    Attributes:
        text: What to do, in words.
        emotion: How; None leaves it to the words.
        seconds: How long, in [0.5, 20]; None lets the model decide.
        seed: For a reproducible answer; None draws one.
        context: Where it happens ("at the ward"), read by the router only.

    Raises:
        BadRequest: A value cannot be served; the message says which and what was expected.
    """

    text: str
    emotion: Emotion | None = None
    seconds: float | None = None
    seed: int | None = None
    context: str = ''

    def __post_init__(self) -> None:
        """Check every field."""
        check_text('text', self.text, MAX_TEXT)
        if not self.text.strip():
            raise BadRequest('text is empty: expected a sentence such as "wave to a visitor"')
        check_text('context', self.context, MAX_TEXT)
        if self.seconds is not None and not (
            math.isfinite(self.seconds) and MIN_SECONDS <= self.seconds <= MAX_SECONDS
        ):
            raise BadRequest(
                f'duration is {self.seconds:g} s: expected {MIN_SECONDS:g} to {MAX_SECONDS:g} s'
            )
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise BadRequest(f'seed is {self.seed}: expected 0 to {MAX_SEED}')

    @property
    def routed(self) -> str:
        """What the router reads: the text with its context."""
        return f'{self.text} {self.context}'.strip()
