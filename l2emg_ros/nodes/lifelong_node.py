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
"""Node `lifelong`: keeps motions and what people say about them, and the list of experts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import sys
from typing import Any

from l2emg_interfaces.srv import ListExperts, RollbackExpert

from l2emg_ros.nodes import convert, diagnostics
from l2emg_ros.nodes.base import answered, BaseNode, run
from l2emg_ros.nodes.diagnostics import Status
from l2emg_ros.nodes.holds import Holds
from l2emg_ros.nodes.initiative import Initiative
from l2emg_ros.nodes.jobs import Jobs
from l2emg_ros.nodes.learning import Learning
from l2emg_ros.nodes.parameters import folder, parameter, Parameters
from l2emg_ros.nodes.recorder import Recorder


@dataclass(frozen=True)
class LifelongParameters(Parameters):
    """Parameters of the lifelong node."""

    log_path: str = parameter(
        '~/.ros/l2emg/log', 'Folder of the log of interactions', read_only=True
    )
    retention_days: float = parameter(
        90.0,
        'How long interactions that are recorded from now on are kept',
        unit='d',
        minimum=0.0,
        maximum=3650.0,
    )
    pending_motions: int = parameter(
        64, 'Most motions that wait in memory for feedback', minimum=1, maximum=1000
    )
    pending_s: float = parameter(
        600.0, 'How long they wait', unit='s', minimum=1.0, maximum=86400.0
    )
    model_path: str = parameter(
        '', 'Model folder whose experts are listed; empty for the shipped one', read_only=True
    )
    experts_path: str = parameter(
        '~/.ros/l2emg/experts',
        'Folder of learned experts; empty for those beside the model',
        read_only=True,
    )
    robot: str = parameter(
        'g1',
        'Robot that new experts are tried on before they are used: a shipped name or the path of '
        'a map file',
        read_only=True,
    )
    fewest_lessons: int = parameter(
        32, 'Usable lessons below which nothing is learned', minimum=8, maximum=10000
    )
    learn_by_itself: bool = parameter(
        False,
        'Learn without being asked: after fewest_lessons new interactions, where requests are '
        'unlike what is known or people like what they see less and less',
    )
    idle_only: bool = parameter(
        True,
        'Learn only while nothing else wants the processor; false where it is always busy: then '
        'learning goes on at a low priority',
    )
    pause_while_moving: bool = parameter(True, 'Do not learn while the robot performs a motion')
    min_battery: float = parameter(
        0.2, 'Charge below which nothing is learned on battery', minimum=0.0, maximum=1.0
    )
    max_temperature: float = parameter(
        80.0,
        'Temperature above which nothing is learned',
        unit='degrees C',
        minimum=-50.0,
        maximum=200.0,
    )


class LifelongNode(BaseNode[LifelongParameters]):
    """Records feedback, learns scenarios from it, lists experts and rolls them back."""

    def __init__(self, **options: Any) -> None:
        """Declare the parameters."""
        self._recorder: Recorder | None = None
        self._jobs: Jobs | None = None
        self._initiative: Initiative | None = None
        self._registry: Any = None
        super().__init__('lifelong', LifelongParameters, **options)

    def load(self) -> None:
        """Open the log and find the expert registry."""
        from l2emg_ros import resources
        from l2emg_ros.experts.place import registry_for

        model = resources.find('models/default', self.parameters.model_path or None)
        self._registry = registry_for(model, folder(self.parameters.experts_path))
        if self._recorder is not None:
            self._recorder.open()

    def halt(self) -> None:
        """Store the feedback that waits for its motion, and stop learning."""
        if self._jobs is not None:
            self._jobs.halt()
        if self._recorder is not None:
            self._recorder.finish()

    def unload(self) -> None:
        """Close the log."""
        if self._recorder is not None:
            self._recorder.close()

    def parameters_changed(self, value: LifelongParameters) -> None:
        """Stop what was begun by itself where that is no longer wanted."""
        if self._initiative is not None and not value.learn_by_itself:
            self._initiative.stop()

    @property
    def idle(self) -> bool:
        """Whether everything that was begun has been stored and answered."""
        learning = self._jobs is not None and self._jobs.busy
        return not learning and (self._recorder is None or self._recorder.idle)

    def destroy_node(self) -> None:
        """Wait for the end of the trainer and destroy the node."""
        if self._jobs is not None:
            self._jobs.close()
        super().destroy_node()

    def create(self) -> None:
        """Make the topics, services and the action server."""
        recorder = self._recorder = Recorder(self)
        self.serve(ListExperts, 'list_experts', self._on_list)
        self.serve(RollbackExpert, 'rollback_expert', self._on_rollback)
        jobs = self._jobs = Jobs(self)
        # rclpy keeps its servers and timers alive through the node.
        self._learning = Learning(self, jobs, lambda: self._registry)
        self._holds = Holds(self, lambda: recorder.moving, jobs.hold)
        self._initiative = Initiative(self, jobs, lambda: self._registry, lambda: recorder.stored)

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

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the lines `log`, `experts` and `learning` of the node."""
        return {
            'log': self._log_status,
            'experts': self._expert_status,
            'learning': self._learning_status,
        }

    def _learning_status(self) -> Status:
        if self._initiative is None:
            return Status(diagnostics.WARN, 'not configured')
        return self._initiative.status()

    def _log_status(self) -> Status:
        if self._recorder is None:
            return Status(diagnostics.WARN, 'not configured')
        return self._recorder.status()

    def _expert_status(self) -> Status:
        if self._registry is None:
            return Status(diagnostics.WARN, 'not configured')
        active = self._registry.active()['active']
        names = (f'{scenario}: {v["name"]}/{v["version"]}' for scenario, v in active.items())
        return Status(values={'active_experts': ', '.join(names)})


def main(arguments: list[str] | None = None) -> int:
    """Run the node as a process."""
    return run(LifelongNode, arguments)


if __name__ == '__main__':
    sys.exit(main())
