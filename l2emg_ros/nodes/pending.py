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
"""Motions that have been performed and wait, in memory only, for what a person says of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from l2emg_interfaces.msg import SmplMotion
import numpy as np

from l2emg_ros.errors import BadRequest
from l2emg_ros.lifelong.interaction import Feedback, Interaction, Outcome
from l2emg_ros.lifelong.recording import Record
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import convert

# Of all together; a motion of 20 s takes a quarter of a megabyte.
_MAX_BYTES = 128 << 20
# Seconds without a chunk after which no more is expected.
_SILENT = 2.0
# How much longer than it is a motion may take, and how long the robot may take to begin, s.
_SLOWER, _SLACK = 4.0 / 3.0, 3.0


@dataclass
class Pending:
    """One motion.

    Attributes:
        first: Its first chunk.
        records: Its messages as they came.
        tokens: (L, levels) of each chunk.
        seconds: Its length so far.
        begun: When the first message came, s.
        changed: When the last message came, s.
        complete: Whether the last chunk has come.
        outcome: What became of it, once that is known.
    """

    first: SmplMotion
    records: list[Record] = field(default_factory=list)
    tokens: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    chunks: int = 0
    begun: float = 0.0
    changed: float = 0.0
    complete: bool = False
    outcome: Outcome | None = None

    @property
    def size(self) -> int:
        """Bytes that its messages take."""
        return sum(len(record.data) for record in self.records)

    def settled(self, now: float) -> bool:
        """Return whether no further chunk is expected."""
        return self.complete or now - self.changed > _SILENT

    def interaction(self, feedback: Feedback, recorded: float, keep: float) -> Interaction:
        """Return it together with what a person said.

        Args:
            feedback: About this motion.
            recorded: s since the epoch.
            keep: Seconds for which it is kept.
        """
        first = self.first
        rows = [part for part in self.tokens if part.size]
        same = len({part.shape[1] for part in rows}) == 1
        return Interaction(
            feedback=feedback,
            motion_id=first.motion_id,
            text=first.text,
            scenario=first.scenario,
            emotion=convert.emotion_from_message(first.emotion),
            model=first.model,
            experts=tuple(first.experts),
            expert_weights=tuple(first.expert_weights),
            novelty_p_value=first.novelty_p_value,
            seed=first.seed,
            # Tokens of some chunks alone would be those of another motion, cut short or not.
            tokens=np.concatenate(rows)
            if self.complete and same and len(rows) == self.chunks
            else np.zeros((0, 0), dtype=np.int64),
            seconds=self.seconds,
            recorded=recorded,
            keep_until=recorded + keep,
            outcome=self.outcome,
        )


class PendingMotions:
    """The motions of the last while, the oldest first.

    Args:
        most: How many are kept.
        seconds: For how long, after the last message of each.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._motions: OrderedDict[str, Pending] = OrderedDict()

    def __len__(self) -> int:
        return len(self._motions)

    def get(self, motion_id: str) -> Pending | None:
        """Return a motion, or None where it is not kept."""
        return self._motions.get(motion_id)

    def add(self, message: SmplMotion, record: Record, now: float) -> None:
        """Take a chunk; of a motion that was not seen from its beginning none is taken.

        Raises:
            BadRequest: It is not well formed, or not the next one; its motion is forgotten.
        """
        index, name = int(message.chunk_index), message.motion_id
        if index and name not in self._motions:
            return
        try:
            motion = convert.motion_from_message(message)
            known = Pending(message, begun=now) if not index else self._motions[name]
            if index != known.chunks:
                raise BadRequest(
                    f'chunk {index} came where {known.chunks} was expected: '
                    'the motion cannot be recorded'
                )
            _check(known, motion, message)
        except BadRequest:
            self._motions.pop(name, None)
            raise
        known.records.append(record)
        known.tokens.append(_tokens(message))
        known.seconds += motion.frames / motion.fps
        known.chunks += 1
        known.changed, known.complete = now, bool(message.last)
        self._motions[name] = known
        self._motions.move_to_end(name)
        self.forget(now)

    def outcome(self, motion_id: str, outcome: Outcome, record: Record) -> None:
        """Take what became of a motion, if it is kept."""
        known = self._motions.get(motion_id)
        if known is not None:
            known.outcome = outcome
            known.records.append(record)

    def forget(self, now: float) -> None:
        """Drop motions that are too old or too many."""
        size = sum(known.size for known in self._motions.values())
        for name, known in list(self._motions.items()):
            old = now - known.changed > self.seconds
            if not old and len(self._motions) <= self.most and size <= _MAX_BYTES:
                return
            size -= known.size
            del self._motions[name]

    def moving(self, now: float) -> bool:
        """Return whether a motion has begun of which nobody has said what became of it.

        Where nobody ever does, it is over when it would be at a third more than its length.
        """
        return any(
            known.outcome is None and now - known.begun < _SLOWER * known.seconds + _SLACK
            for known in self._motions.values()
        )

    def clear(self) -> None:
        """Drop all."""
        self._motions.clear()


def _check(known: Pending, motion: Motion, message: SmplMotion) -> None:
    """Check what only a record needs, so that nothing of it can fail later."""
    Interaction(
        feedback=Feedback(motion_id=message.motion_id),
        motion_id=message.motion_id,
        text=message.text,
        scenario=message.scenario,
        model=message.model,
        experts=tuple(convert.check_name(name, 'expert') for name in message.experts),
        expert_weights=tuple(message.expert_weights),
        novelty_p_value=message.novelty_p_value,
        seed=message.seed,
        seconds=known.seconds + motion.frames / motion.fps,
    )


def _tokens(message: SmplMotion) -> Any:
    levels = max(int(message.token_levels), 1)
    return np.array(message.tokens, dtype=np.int64).reshape(-1, levels)
