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
"""Keeps motions and what people say of them, with their consent, in the log of interactions."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
from dataclasses import dataclass
import time
from typing import Any

from l2emg_interfaces.msg import InteractionFeedback, MotionOutcome, SmplMotion
from std_msgs.msg import String

from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.interaction import Feedback, Interaction
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.lifelong.recording import Record
from l2emg_ros.nodes import definitions, diagnostics, qos
from l2emg_ros.nodes import feedback as said
from l2emg_ros.nodes.base import BaseNode
from l2emg_ros.nodes.diagnostics import Meter, Status
from l2emg_ros.nodes.pending import Pending, PendingMotions
from l2emg_ros.nodes.worker import Line

# Of a serialised message, bytes. A motion: ten minutes at 60 Hz. Feedback: every text at its
# longest, each character at its longest.
_MAX_MOTION, _MAX_FEEDBACK, _MAX_OUTCOME = 16 << 20, 64 << 10, 4 << 10
_WATCH_PERIOD, _PRUNE_PERIOD = 0.1, 3600.0
# Feedback can arrive before the motion that it is about, on its other way: how long it waits, s.
_GRACE = 1.0
_MAX_HELD = 64
_DAY = 86400.0


@dataclass(frozen=True)
class _Held:
    """Feedback that waits for its motion to be complete."""

    feedback: Feedback
    record: Record
    arrived: float


class Recorder:
    """The part of the node that records; its entities are the node's.

    Motions wait in memory. When feedback with consent arrives, one interaction is stored on the
    worker's thread, and its id is published when it is on disk. A log that cannot be opened or
    written refuses feedback with the reason, and is tried again with the next.

    Args:
        node: The node, whose parameters say where and for how long.
    """

    def __init__(self, node: BaseNode[Any]) -> None:
        given = node.parameters
        self._node = node
        self._pending = PendingMotions(given.pending_motions, given.pending_s)
        self._held: list[_Held] = []
        self._log: InteractionLog | None = None
        self._refused, self._stored = 0, Meter()
        # Of the log, as the worker last knew it.
        self._count = self._bytes = 0
        self._line = Line(node, node.worker, self._done, node.report)
        self._recorded = node.create_publisher(String, '~/recorded', qos.LATCHED)
        for kind, topic, callback, profile in (
            (SmplMotion, 'smpl_motion', self._on_motion, qos.STREAM),
            (MotionOutcome, 'motion_outcome', self._on_outcome, qos.OUTCOME),
            (InteractionFeedback, 'interaction_feedback', self._on_feedback, qos.FEEDBACK),
        ):
            node.subscribe(kind, topic, self._guarded(callback), profile, raw=True)
        node.every(_WATCH_PERIOD, self._guarded(self._on_watch), steady=True)
        node.every(_PRUNE_PERIOD, self._on_hour, steady=True)

    # Lifecycle.

    def open(self) -> None:
        """Open the log and forget what is kept no longer; a failure is reported, not raised."""
        try:
            self._node.worker.wait(self._prune)
        except (L2EmgError, OSError) as error:
            self._node.report(error)

    def finish(self) -> None:
        """Store the feedback that waits; returns when all is on disk."""
        for held in self._held:
            self._store(held)
        self._held.clear()
        self._line.finish()

    def close(self) -> None:
        """Forget the motions in memory and close the log."""
        self._pending.clear()
        self._node.worker.wait(self._close)

    @property
    def idle(self) -> bool:
        """Whether everything that was begun is stored and published."""
        return not self._line.busy

    @property
    def stored(self) -> int:
        """How many interactions the log holds."""
        return self._count

    @property
    def moving(self) -> bool:
        """Whether the robot performs a motion, as far as one can tell from its messages."""
        return self._pending.moving(time.monotonic())

    # What arrives.

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        """Return a callback that works in the active state only and survives its errors."""

        def guarded(*arguments: Any) -> None:
            try:
                if self._node.active:
                    callback(*arguments)
            except Exception as error:
                self._node.report(error)

        return guarded

    def _on_motion(self, data: bytes) -> None:
        message = said.unpack(data, SmplMotion, _MAX_MOTION)
        record = _record('smpl_motion', SmplMotion, data)
        self._limit()
        self._pending.add(message, record, time.monotonic())

    def _limit(self) -> None:
        """Take over parameters that may have been changed."""
        self._pending.most = self._node.parameters.pending_motions
        self._pending.seconds = self._node.parameters.pending_s

    def _on_outcome(self, data: bytes) -> None:
        message = said.unpack(data, MotionOutcome, _MAX_OUTCOME)
        outcome = said.outcome_from_message(message)
        record = _record('motion_outcome', MotionOutcome, data)
        self._pending.outcome(message.motion_id, outcome, record)
        # Of motions that nobody has said anything about the log keeps nothing.
        self._line.add(self._write_outcome, message.motion_id, outcome)

    def _on_feedback(self, data: bytes) -> None:
        try:
            message = said.unpack(data, InteractionFeedback, _MAX_FEEDBACK)
            feedback = said.feedback_from_message(message)
            if len(self._held) >= _MAX_HELD:
                raise BadRequest(f'{_MAX_HELD} feedbacks wait for their motions: one was refused')
        except Exception:
            self._refused += 1
            raise
        record = _record('interaction_feedback', InteractionFeedback, data)
        self._held.append(_Held(feedback, record, time.monotonic()))
        self._on_watch()

    def _on_watch(self) -> None:
        """Store the feedback whose motion is complete; drop motions that have waited too long."""
        now = time.monotonic()
        self._limit()
        self._pending.forget(now)
        for held in list(self._held):
            known = self._pending.get(held.feedback.motion_id)
            waited = now - held.arrived > _GRACE
            if waited if known is None else known.settled(now):
                self._held.remove(held)
                self._store(held)

    def _on_hour(self) -> None:
        if self._node.state in ('inactive', 'active'):
            self._line.add(self._prune)

    def _store(self, held: _Held) -> None:
        """Queue a feedback together with what is known of its motion now."""
        feedback = held.feedback
        known = self._pending.get(feedback.motion_id)
        preferred = self._pending.get(feedback.preferred_motion_id)
        shown = list(preferred.records) if preferred is not None else []
        keep = self._node.parameters.retention_days * _DAY
        copy = None
        if known is not None:
            copy = dataclasses.replace(known, records=list(known.records))
        self._line.add(self._write_or_refuse, held, copy, shown, keep)

    # On the worker's thread.

    def _opened(self) -> InteractionLog:
        if self._log is not None and not self._log.present:
            self._close()
        if self._log is None:
            self._log = InteractionLog(self._node.parameters.log_path, writer=True)
            self._count, self._bytes = self._log.count(), self._log.size()
        return self._log

    def _close(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def _prune(self) -> None:
        """Erase what is kept no longer."""
        log = self._opened()
        log.prune(time.time())
        self._count, self._bytes = log.count(), log.size()

    def _write_outcome(self, *arguments: Any) -> None:
        # A log that could not be opened has no interactions to complete.
        if self._log is not None:
            self._log.outcome(*arguments)

    def _write_or_refuse(self, *arguments: Any) -> str:
        try:
            return self._write(*arguments)
        except Exception:
            self._refused += 1
            raise

    def _write(self, held: _Held, known: Pending | None, shown: list[Record], keep: float) -> str:
        """Store an interaction and return its id.

        Raises:
            BadRequest: A motion is unknown, or the demonstration cannot be taken.
            LogError: The log cannot be opened or written.
            OSError: The same.
        """
        log, feedback = self._opened(), held.feedback
        if known is not None:
            interaction = known.interaction(feedback, time.time(), keep)
            records = known.records
        else:
            interaction, records = _again(log, feedback, time.time(), keep)
        other = feedback.preferred_motion_id
        if other and other != feedback.motion_id and not shown and not log.about(other):
            raise BadRequest(f'unknown preferred_motion_id {other!r}')
        begun = time.monotonic()
        identifier = log.add(interaction, [*records, *shown, held.record])
        self._stored.mark(time.monotonic() - begun)
        self._count = log.count()
        self._bytes += log.recording(identifier).stat().st_size
        return identifier

    # Back on the executor.

    def _done(self, identifier: str | None) -> None:
        if identifier:
            self._recorded.publish(String(data=identifier))

    def status(self) -> Status:
        """Return what the diagnostics say of the log."""
        values = {
            'folder': self._node.parameters.log_path,
            'interactions': self._count,
            'bytes': self._bytes,
            'pending': len(self._pending),
            'refused': self._refused,
            **self._stored.values('stored'),
        }
        if self._log is None:
            return Status(diagnostics.ERROR, 'the log is not open: feedback is refused', values)
        return Status(values=values)


def _record(topic: str, kind: type, data: bytes) -> Record:
    described = definitions.definition(kind)
    return Record(topic, definitions.type_name(kind), described, time.time_ns(), bytes(data))


def _again(
    log: InteractionLog, feedback: Feedback, recorded: float, keep: float
) -> tuple[Interaction, list[Record]]:
    """Return a motion of the log with another feedback.

    Raises:
        BadRequest: The log has no such motion.
    """
    earlier = log.about(feedback.motion_id)
    if not earlier:
        raise BadRequest(
            f'unknown motion_id {feedback.motion_id!r}: expected one of the last motions'
        )
    kind = definitions.type_name(InteractionFeedback)
    records = recording.read(log.recording(earlier[-1].id))
    interaction = dataclasses.replace(
        earlier[-1], id='', feedback=feedback, recorded=recorded, keep_until=recorded + keep
    )
    return interaction, [record for record in records if record.type != kind]
