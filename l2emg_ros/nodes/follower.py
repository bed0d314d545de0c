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
"""Plans as goals of a controller's action, which says whether it could follow them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.action.client import ActionClient
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory

from l2emg_ros.errors import BadRequest


class Follower:
    """Sends each plan as a goal of `FollowJointTrajectory`, which takes the place of the last.

    Args:
        node: Whose executor hears the answers.
        name: Name of the action.
        report: Called with what went wrong with the newest plan.

    Raises:
        BadRequest: control_msgs is not installed.
    """

    def __init__(self, node: Node, name: str, report: Callable[[Exception], Any]) -> None:
        try:
            from control_msgs.action import FollowJointTrajectory
        except ImportError:
            raise BadRequest(
                f'follow_action is {name!r} but control_msgs is not installed: expected the '
                'package ros-jazzy-control-msgs, or an empty name'
            ) from None
        self._action: Any = FollowJointTrajectory
        self._name, self._report, self._newest = name, report, 0
        self._client = ActionClient(node, FollowJointTrajectory, name)

    def publish(self, plan: JointTrajectory) -> None:
        """Send a plan.

        Raises:
            BadRequest: No controller is there.
        """
        if not self._client.server_is_ready():
            raise BadRequest(f'no controller serves {self._name}: the plan was not sent')
        self._newest += 1
        sent = self._client.send_goal_async(self._action.Goal(trajectory=plan))
        sent.add_done_callback(partial(self._answered, self._newest))

    def _answered(self, number: int, sent: Any) -> None:
        goal = sent.result()
        if goal.accepted:
            goal.get_result_async().add_done_callback(partial(self._ended, number))
        elif number == self._newest:
            self._report(BadRequest(f'{self._name} refused the plan'))

    def _ended(self, number: int, finished: Any) -> None:
        """Report how the newest plan ended; those before were replaced."""
        result = finished.result().result
        if number == self._newest and result.error_code != self._action.Result.SUCCESSFUL:
            why = result.error_string or f'error code {result.error_code}'
            self._report(BadRequest(f'{self._name} did not follow the plan: {why}'))
