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
"""The part of the lifelong node that learns: one job at a time, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import time
from typing import Any

from l2emg_interfaces.action import LearnScenario
from l2emg_interfaces.msg import Expert
from rclpy.action.server import ActionServer, CancelResponse, ServerGoalHandle
from std_msgs.msg import String

from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes import convert, qos
from l2emg_ros.nodes.base import BaseNode
from l2emg_ros.nodes.diagnostics import Status
from l2emg_ros.nodes.joints import floats
from l2emg_ros.nodes.parameters import folder
from l2emg_ros.nodes.worker import Worker

Result: Any = LearnScenario.Result
_FEEDBACK_PERIOD = 0.2


class Learning:
    """Serves `learn_scenario` and tells on latched `~/status` what is being learned.

    Args:
        node: The node, whose parameters say with which model and where.
        registry: Returns the registry of experts.
    """

    def __init__(self, node: BaseNode[Any], registry: Callable[[], Any]) -> None:
        self._node, self._registry = node, registry
        # A thread of its own: the node's worker answers services meanwhile.
        self._thread = Worker(node)
        self._trainer: Any = None
        self._goal: Any = None
        self._interrupted = False
        self._reasons: set[str] = set()
        self._state, self._last = 'idle', ''
        self._learned = {'promoted': 0, 'kept_back': 0, 'failed': 0}
        self._status = node.create_publisher(String, '~/status', qos.LATCHED)
        self._server = ActionServer(
            node,
            LearnScenario,
            'learn_scenario',
            self._execute,
            callback_group=node.group,
            cancel_callback=self._on_cancel,
        )

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._trainer is not None

    def halt(self) -> None:
        """Stop the job; its state is saved, so that the same goal goes on from there."""
        if self._trainer is not None:
            self._interrupted = True
            self._trainer.cancel()

    def close(self) -> None:
        """Stop the job and wait for its end."""
        self.halt()
        self._thread.close()

    def hold(self, reason: str, holds: bool) -> None:
        """Pause the job while a reason holds, and let it go on when none does."""
        before = bool(self._reasons)
        (self._reasons.add if holds else self._reasons.discard)(reason)
        if self._trainer is None or bool(self._reasons) == before:
            return
        if self._reasons:
            self._trainer.pause()
        else:
            self._trainer.resume()
        self._tell()

    def _tell(self, state: str | None = None) -> None:
        """Publish what is being done."""
        self._state = self._state if state is None else state
        paused = f', paused: {", ".join(sorted(self._reasons))}' if self._reasons else ''
        self._status.publish(String(data=self._state + (paused if self.busy else '')))

    def _on_cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        # One that has just been refused is not the one that runs.
        if self._trainer is not None and bytes(goal.goal_id.uuid) == self._goal:
            self._trainer.cancel()
        return CancelResponse.ACCEPT

    async def _execute(self, goal: ServerGoalHandle) -> Any:
        """Answer a goal; every way out sets its final state and says why."""
        from l2emg_ros.learning.process import Trainer, TrainerStopped

        result, mine = Result(), False
        try:
            self._node.require_active()
            if self.busy:
                raise BadRequest(f'{self._state}: wait for its end or cancel it')
            self._trainer = Trainer(self._job(goal.request), self._feedback(goal))
            mine, self._interrupted = True, False
            self._goal = bytes(goal.goal_id.uuid)
            if self._reasons:
                self._trainer.pause()
            self._tell(f'learning {goal.request.scenario}')
            if goal.is_cancel_requested:
                self._trainer.cancel()
            verdict = await self._thread.run(self._trainer.run)
            await self._node.worker.run(self._fill, result, verdict)
        except BadRequest as error:
            result.error_code, result.message = Result.BAD_REQUEST, self._node.report(error)
        except TrainerStopped as stopped:
            result.error_code = Result.INTERRUPTED
            result.message = f'{stopped}: the same goal goes on from there'
            if goal.is_cancel_requested and not self._interrupted:
                result.error_code = Result.CANCELLED
        except Exception as error:
            result.error_code, result.message = Result.OTHER, self._node.report(error)
        finally:
            if mine:
                self._trainer = None
                self._count(result)
                self._tell('idle')
            self._finish(goal, result)
        return result

    def _job(self, goal: LearnScenario.Goal) -> Any:
        """Return the job of a goal.

        Raises:
            BadRequest: A value cannot be used.
        """
        from l2emg_ros import resources
        from l2emg_ros.experts.manifest import check_name
        from l2emg_ros.learning.job import Job

        given = self._node.parameters
        check_name(str(goal.scenario))
        seconds = float(goal.max_seconds)
        if not 0.0 <= seconds < float('inf'):
            raise BadRequest(f'max_seconds is {seconds}: expected 0, no limit, or more')
        data = folder(str(goal.data))
        if data is not None and not data.exists():
            raise BadRequest(f'data is {str(data)!r}: expected a scenario folder or .jsonl file')
        log = Path(given.log_path).expanduser()
        return Job(
            scenario=str(goal.scenario),
            model=resources.find('models/default', given.model_path or None),
            work=log / 'training',
            data=data,
            log=None if data is not None else log,
            experts=folder(given.experts_path),
            robot=given.robot,
            steps=int(goal.max_steps),
            seconds=seconds,
            promote=bool(goal.promote),
            fewest=given.fewest_lessons,
        )

    def _feedback(self, goal: ServerGoalHandle) -> Callable[[Any], None]:
        """Return what passes progress on to a goal's owner, not too often."""
        last, stage = 0.0, ''

        def told(progress: Any) -> None:
            nonlocal last, stage
            now = time.monotonic()
            if now - last < _FEEDBACK_PERIOD and progress.stage == stage:
                return
            last, stage = now, progress.stage
            eta = progress.eta
            goal.publish_feedback(
                LearnScenario.Feedback(
                    stage=progress.stage,
                    step=progress.step,
                    steps=progress.steps,
                    loss=float('nan') if progress.loss is None else progress.loss,
                    eta=float('nan') if eta is None else eta,
                )
            )

        return told

    def _fill(self, result: Any, verdict: Any) -> None:
        """Copy a verdict into a result."""
        result.promoted, result.message = verdict.promoted, verdict.message
        if verdict.refused:
            result.error_code = Result.BAD_REQUEST
        result.gate_checks = [
            f'{check.name}: {"ok" if check.ok else "FAILED"}: {check.said}'
            for check in verdict.checks
        ]
        result.before = floats([check.before for check in verdict.checks])
        result.after = floats([check.after for check in verdict.checks])
        name, _, version = verdict.version.partition('@')
        found = [e for e in self._registry().list(name) if e.version == version] if name else []
        result.expert = convert.expert_to_message(found[0]) if found else Expert()

    def _count(self, result: Any) -> None:
        self._last = str(result.message)
        if result.error_code == Result.OK:
            self._learned['promoted' if result.promoted else 'kept_back'] += 1
        elif result.error_code not in (Result.CANCELLED, Result.INTERRUPTED):
            self._learned['failed'] += 1

    def _finish(self, goal: ServerGoalHandle, result: Any) -> None:
        """Set the goal's final state from the result."""
        if result.error_code == Result.CANCELLED:
            goal.canceled()
        elif result.error_code == Result.OK:
            goal.succeed()
        else:
            goal.abort()

    def status(self) -> Status:
        """Return the line of the diagnostics."""
        values = {
            'doing': self._state,
            'paused': ', '.join(sorted(self._reasons)),
            'last': self._last,
            **self._learned,
        }
        return Status(values=values)
