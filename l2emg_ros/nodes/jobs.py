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
"""The one job of learning that a lifelong node may run, whoever began it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from std_msgs.msg import String

from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes import qos
from l2emg_ros.nodes.base import BaseNode
from l2emg_ros.nodes.worker import Worker

# A trainer that gets no processor must not keep its node from answering the goal before it ends.
_STOP_PATIENCE = 5.0


class Jobs:
    """Runs one job at a time in a trainer of its own and tells on latched `~/status` about it.

    Args:
        node: The node.

    Attributes:
        ended: How many jobs have ended.
    """

    def __init__(self, node: BaseNode[Any]) -> None:
        self._node = node
        # A thread of its own: the node's worker answers services meanwhile.
        self._thread = Worker(node)
        self._trainer: Any = None
        self._interrupted = False
        self._reasons: set[str] = set()
        self._state = 'idle'
        self._learned = {'promoted': 0, 'kept_back': 0, 'failed': 0}
        self._last = self._growth = ''
        self.ended = 0
        self._status = node.create_publisher(String, '~/status', qos.LATCHED)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._trainer is not None

    @property
    def interrupted(self) -> bool:
        """Whether the job was stopped because the node stops, not at its owner's wish."""
        return self._interrupted

    @property
    def pid(self) -> int | None:
        """Process number of the trainer while it runs."""
        return None if self._trainer is None else self._trainer.pid

    def require_idle(self) -> None:
        """Refuse a second job.

        Raises:
            BadRequest: One is running.
        """
        if self.busy:
            raise BadRequest(
                f'{self._state}: wait for its end, cancel it, or, where it was begun by itself, '
                'set learn_by_itself to false'
            )

    async def run(
        self, job: Any, told: Callable[[Any], None], cancelled: Callable[[], bool]
    ) -> Any:
        """Run a job to its end and return its verdict.

        Args:
            job: What to learn.
            told: Called with the progress, on another thread.
            cancelled: Whether it has been cancelled before it could begin.

        Raises:
            BadRequest: One is running, or the job cannot be done.
            TrainerStopped: It was cancelled or its time is over.
            TrainerFailed: It ended without a verdict.
        """
        from l2emg_ros.learning.process import Trainer, TrainerStopped

        self.require_idle()
        trainer = self._trainer = Trainer(job, told)
        self._interrupted = False
        try:
            if self._reasons:
                trainer.pause()
            self._tell(f'learning {job.scenario}')
            if cancelled():
                trainer.cancel()
            verdict = await self._thread.run(trainer.run)
        except TrainerStopped as stopped:
            self._conclude(str(stopped))
            raise
        except Exception as error:
            self._learned['failed'] += 1
            self._conclude(' '.join(str(error).split()))
            raise
        if verdict.growth is not None:
            self._node.get_logger().info(f'{job.scenario}: {verdict.growth}')
        self._growth = str(verdict.growth or '')
        failed = 'failed' if verdict.refused else 'kept_back'
        self._learned['promoted' if verdict.promoted else failed] += 1
        self._conclude(verdict.message)
        return verdict

    def _conclude(self, said: str) -> None:
        """Be idle again, and tell what came of the job."""
        self._last = said
        self._trainer = None
        self.ended += 1
        self._tell('idle')

    def cancel(self) -> None:
        """Stop the job; its state is saved, so that the same job goes on from there."""
        if self._trainer is not None:
            self._trainer.cancel()

    def halt(self) -> None:
        """Stop the job because the node stops."""
        if self._trainer is not None:
            self._interrupted = True
            self._trainer.cancel(_STOP_PATIENCE)

    def close(self) -> None:
        """Stop the job and wait for its end."""
        self.halt()
        self._thread.close()

    def hold(self, reason: str, holds: bool) -> None:
        """Pause the job while a reason holds, and let it go on when none does."""
        if holds == (reason in self._reasons):
            return
        before = bool(self._reasons)
        (self._reasons.add if holds else self._reasons.discard)(reason)
        if self._trainer is None:
            return
        if self._reasons and not before:
            self._trainer.pause()
        elif before and not self._reasons:
            self._trainer.resume()
        self._tell()

    def _tell(self, state: str | None = None) -> None:
        """Publish what is being done, and what came of the last job."""
        self._state = self._state if state is None else state
        said = self._state
        if self.busy and self._reasons:
            said += f', paused: {", ".join(sorted(self._reasons))}'
        elif not self.busy and self._last:
            said += f', last: {self._last}'
            said += f'; {self._growth}' if self._growth else ''
        self._status.publish(String(data=said))

    def values(self) -> dict[str, Any]:
        """Return what the diagnostics say."""
        return {
            'doing': self._state,
            'paused': ', '.join(sorted(self._reasons)),
            'last': self._last,
            'growth': self._growth,
            **self._learned,
        }
