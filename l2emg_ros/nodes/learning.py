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

from l2emg_ros.errors import BadRequest
from l2emg_ros.files import expanded
from l2emg_ros.nodes import convert
from l2emg_ros.nodes.base import BaseNode
from l2emg_ros.nodes.jobs import Jobs
from l2emg_ros.nodes.joints import floats
from l2emg_ros.nodes.parameters import folder
from l2emg_ros.nodes.worker import end

Result: Any = LearnScenario.Result
_FEEDBACK_PERIOD = 0.2


class Learning:
    """Serves `learn_scenario`.

    Args:
        node: The node, whose parameters say with which model and where.
        jobs: Runs what is to be learned.
        registry: Returns the registry of experts.
    """

    def __init__(self, node: BaseNode[Any], jobs: Jobs, registry: Callable[[], Any]) -> None:
        self._node, self._jobs, self._registry = node, jobs, registry
        self._goal = b''
        self._server = ActionServer(
            node,
            LearnScenario,
            'learn_scenario',
            self._execute,
            callback_group=node.group,
            cancel_callback=self._on_cancel,
        )

    def _on_cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        # One that has just been refused is not the one that runs.
        if bytes(goal.goal_id.uuid) == self._goal:
            self._jobs.cancel()
        return CancelResponse.ACCEPT

    async def _execute(self, goal: ServerGoalHandle) -> Any:
        """Answer a goal; every answer sets its final state and says why."""
        from l2emg_ros.learning.process import TrainerStopped

        result, mine = Result(), False
        try:
            self._node.require_active()
            self._jobs.require_idle()
            job = self._job(goal.request)
            self._goal, mine = bytes(goal.goal_id.uuid), True
            verdict = await self._jobs.run(
                job, self._feedback(goal), lambda: goal.is_cancel_requested
            )
            await self._node.worker.run(self._fill, result, verdict)
        except BadRequest as error:
            result.error_code, result.message = Result.BAD_REQUEST, self._node.report(error)
        except TrainerStopped as stopped:
            result.error_code = Result.INTERRUPTED
            result.message = f'{stopped}: the same goal goes on from there'
            if goal.is_cancel_requested and not self._jobs.interrupted:
                result.error_code = Result.CANCELLED
        except Exception as error:
            result.error_code, result.message = Result.OTHER, self._node.report(error)
        if mine:
            self._goal = b''
        end(goal, result)
        return result

    def _job(self, goal: LearnScenario.Goal) -> Any:
        """Return the job of a goal.

        Raises:
            BadRequest: A value cannot be used.
        """
        from l2emg_ros.experts.manifest import check_name

        check_name(str(goal.scenario))
        seconds = float(goal.max_seconds)
        if not 0.0 <= seconds < float('inf'):
            raise BadRequest(f'max_seconds is {seconds}: expected 0, no limit, or more')
        data = folder(str(goal.data))
        if data is not None and not data.exists():
            raise BadRequest(f'data is {str(data)!r}: expected a scenario folder or .jsonl file')
        return job_of(
            self._node.parameters,
            scenario=str(goal.scenario),
            data=data,
            steps=int(goal.max_steps),
            seconds=seconds,
            promote=bool(goal.promote),
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


def job_of(given: Any, *, scenario: str, data: Path | None = None, **options: Any) -> Any:
    """Return a job as the node's parameters have it.

    Args:
        given: The parameters.
        scenario: What is to be learned.
        data: Scenario folder or file; None is the log.
        options: More of ``Job``.
    """
    from l2emg_ros import resources
    from l2emg_ros.learning.job import Job

    log = expanded(given.log_path)
    return Job(
        scenario=scenario,
        model=resources.find('models/default', given.model_path or None),
        work=log / 'training',
        data=data,
        log=None if data is not None else log,
        experts=folder(given.experts_path),
        robot=given.robot,
        fewest=given.fewest_lessons,
        idle_only=given.idle_only,
        **options,
    )
