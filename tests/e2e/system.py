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
"""The whole system as processes, as `l2emg up --sim` starts it, and a client that looks on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from l2emg_interfaces.action import GenerateMotion
from l2emg_interfaces.msg import SmplMotion
from nodes.graph import Graph as Client
from nodes.graph import wait_until
import numpy as np
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from l2emg_ros.nodes import joints, qos
from l2emg_ros.nodes.graph import Graph

NODES = ('generator', 'retargeter', 'lifelong', 'simulator')
START_TIMEOUT = 300.0
Goal, Result = GenerateMotion.Goal, GenerateMotion.Result


class System:
    """Four node processes and a client in the test's process."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.log = folder / 'log'
        # Every name of the graph is relative: in a namespace of its own it meets nobody else's.
        self.namespace = f'e2e_{os.getpid()}'
        self.processes = Graph(
            'g1',
            sim=True,
            namespace=self.namespace,
            log_dir=folder / 'logs',
            model_path=str(model),
            experts_path=str(folder / 'experts'),
            parameters={'lifelong': {'log_path': str(self.log)}, 'generator': {'threads': 1}},
        )
        self.processes.start()
        self.client = Client(self.namespace)
        try:
            self.processes.wait_active(START_TIMEOUT)
            self._watch()
        except BaseException:
            self.close()
            raise

    def _watch(self) -> None:
        self.motions: list[SmplMotion] = self.client.collect(SmplMotion, 'smpl_motion', qos.STREAM)
        self.plans: list[JointTrajectory] = self.client.collect(
            JointTrajectory, 'joint_trajectory', qos.STREAM
        )
        self.states: list[JointState] = self.client.collect(JointState, 'joint_states', qos.STATE)
        self._reports: list[DiagnosticArray] = self.client.collect(
            DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS
        )
        wait_until(lambda: self.states, 'no joint states')

    def close(self) -> None:
        self.client.close()
        self.processes.stop()

    def send(self, text: str = 'wave to a visitor', **fields: Any) -> Any:
        """Send a goal that must be accepted."""
        client = self.client.action(GenerateMotion, 'generate_motion')
        goal = Goal(text=text, **fields)
        handle = self.client.ask(lambda: client.send_goal_async(goal))
        assert handle.accepted
        return handle

    def finish(self, handle: Any) -> tuple[int, Any]:
        """Wait for a goal's status and result."""
        answer = self.client.ask(handle.get_result_async)
        return answer.status, answer.result

    def diagnostics(self) -> dict[str, dict[str, str]]:
        """Return the newest values of every line."""
        return {
            status.name: {item.key: item.value for item in status.values}
            for report in list(self._reports)
            for status in report.status
            if status.hardware_id.startswith(f'/{self.namespace}/')
        }

    def errors(self) -> dict[str, int]:
        """Return how many errors every node has met so far, from reports still to come."""
        self._reports.clear()
        lines = {f'{name}: node' for name in NODES}
        wait_until(lambda: lines <= set(self.diagnostics()), 'a node does not report')
        return {name: int(self.diagnostics()[f'{name}: node']['errors']) for name in NODES}

    def planned(self) -> int:
        """Return how many plans the retargeter has made so far, from a report still to come."""
        self._reports.clear()
        wait_until(lambda: 'retargeter: ik' in self.diagnostics(), 'the retargeter is silent')
        return int(self.diagnostics()['retargeter: ik']['plan_count'])

    def all_active(self) -> bool:
        """Ask every node for its state."""
        self.processes.check()
        return all(self.client.state(name) == 'active' for name in NODES)

    def rest(self) -> None:
        """Wait until the robot has played everything and stands."""

        def resting() -> bool:
            now = joints.stamp_seconds(self.states[-1].header.stamp)
            if self.plans:
                plan = self.plans[-1]
                end = joints.stamp_seconds(plan.header.stamp)
                end += joints.stamp_seconds(plan.points[-1].time_from_start)
                if now < end + 0.1:
                    return False
            return float(np.abs(self.states[-1].velocity).max()) < 0.01

        wait_until(resting, 'the robot does not come to rest', timeout=40.0)
