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
"""Node `lifelong`: keeps what people say about motions, and the list of experts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
from pathlib import Path
import sys
from typing import Any

from l2emg_interfaces.action import LearnScenario
from l2emg_interfaces.msg import InteractionFeedback
from l2emg_interfaces.srv import ListExperts, RollbackExpert
from rclpy.action.server import ActionServer, ServerGoalHandle
from std_msgs.msg import String

from l2emg_ros.lifelong.log import Feedback, FeedbackLog
from l2emg_ros.nodes import convert, diagnostics, qos
from l2emg_ros.nodes.base import answered, BaseNode, guarded, run
from l2emg_ros.nodes.diagnostics import Meter, Status
from l2emg_ros.nodes.parameters import folder, parameter, Parameters


@dataclass(frozen=True)
class LifelongParameters(Parameters):
    """Parameters of the lifelong node."""

    log_path: str = parameter(
        '~/.ros/l2emg/feedback.jsonl', 'File that feedback is appended to', read_only=True
    )
    model_path: str = parameter(
        '', 'Model folder whose experts are listed; empty for the shipped one', read_only=True
    )
    experts_path: str = parameter(
        '~/.ros/l2emg/experts',
        'Folder of learned experts; empty for those beside the model',
        read_only=True,
    )


class LifelongNode(BaseNode[LifelongParameters]):
    """Records feedback, lists experts and rolls them back; it does not learn yet and says so."""

    def __init__(self, **options: Any) -> None:
        """Declare the parameters."""
        self._log: Any = None
        self._registry: Any = None
        self._stored = Meter()
        self._without_consent = 0
        super().__init__('lifelong', LifelongParameters, **options)

    def load(self) -> None:
        """Find the log and the expert registry."""
        from l2emg_ros import resources
        from l2emg_ros.experts.place import registry_for

        self._log = FeedbackLog(Path(self.parameters.log_path).expanduser())
        model = resources.find('models/default', self.parameters.model_path or None)
        experts = folder(self.parameters.experts_path)
        self._registry = registry_for(model, experts)

    def create(self) -> None:
        """Make the topics, services and the action server."""
        self._recorded = self.create_publisher(String, '~/recorded', qos.LATCHED)
        self.subscribe(
            InteractionFeedback, 'interaction_feedback', self._on_feedback, qos.FEEDBACK
        )
        self.serve(ListExperts, 'list_experts', self._on_list)
        self.serve(RollbackExpert, 'rollback_expert', self._on_rollback)
        self._server = ActionServer(
            self, LearnScenario, 'learn_scenario', self._on_learn, callback_group=self._group
        )

    @guarded
    def _on_feedback(self, message: InteractionFeedback) -> None:
        """Append one entry; without consent nothing of it is kept or logged."""
        if not self.active:
            return
        if not message.consent:
            self._without_consent += 1
            return
        entry = self._log.append(feedback_from_message(message))
        self._stored.mark()
        self._recorded.publish(String(data=entry))

    async def _on_list(self, request: ListExperts.Request, response: Any) -> Any:
        """List experts; the service has no message, so a failure is an empty list and a report."""
        try:
            self.require_active()
            experts = await self.worker.run(self._registry.list, str(request.scenario))
            response.experts = [convert.expert_to_message(expert) for expert in experts]
        except Exception as error:
            self.report(error)
        return response

    @answered
    async def _on_rollback(self, request: RollbackExpert.Request, response: Any) -> Any:
        from l2emg_ros.lifelong.rollback import rollback

        self.require_active()
        response.message = await self.worker.run(
            rollback, self._registry, str(request.scenario), str(request.version)
        )
        response.success = True
        return response

    def _on_learn(self, goal: ServerGoalHandle) -> LearnScenario.Result:
        """Say that learning on the robot is not there yet."""
        goal.abort()
        return LearnScenario.Result(
            error_code=LearnScenario.Result.UNSUPPORTED,
            message='learning a scenario through ROS is not supported yet: use `l2emg train`',
        )

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the lines `lifelong: log` and `lifelong: experts`."""
        return {'log': self._log_status, 'experts': self._expert_status}

    def _log_status(self) -> Status:
        if self._log is None:
            return Status(diagnostics.WARN, 'not configured')
        values = {
            'file': self._log.path,
            'dropped_without_consent': self._without_consent,
            **self._stored.values('stored'),
        }
        return Status(values=values)

    def _expert_status(self) -> Status:
        if self._registry is None:
            return Status(diagnostics.WARN, 'not configured')
        active = self._registry.active()['active']
        names = (f'{scenario}: {v["name"]}/{v["version"]}' for scenario, v in active.items())
        return Status(values={'active_experts': ', '.join(names)})


def feedback_from_message(message: InteractionFeedback) -> Feedback:
    """Return the feedback of a message.

    Raises:
        BadRequest: A field is not well formed.
    """
    rating = float(message.rating)
    return Feedback(
        motion_id=str(message.motion_id),
        session_id=str(message.session_id),
        rating=None if math.isnan(rating) else rating,
        human_before=convert.emotion_from_message(message.human_before),
        human_after=convert.emotion_from_message(message.human_after),
        correction=str(message.correction),
        preferred_motion_id=str(message.preferred_motion_id),
        demonstration=str(message.demonstration),
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the node as a process."""
    return run(LifelongNode, arguments)


if __name__ == '__main__':
    sys.exit(main())
