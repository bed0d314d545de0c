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
"""Plans as goals of a controller's action."""

from __future__ import annotations

import importlib.util
from typing import Any

from l2emg_interfaces.msg import SmplMotion
from lifecycle_msgs.msg import Transition
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
import numpy as np
import pytest
from rclpy.action.server import ActionServer

from l2emg_ros.nodes import joints, qos
from l2emg_ros.nodes.retargeter_node import RetargeterNode
from l2emg_ros.retarget.robot import Robot

ACTION = 'joint_trajectory_controller/follow_joint_trajectory'


def play(graph: Graph, motion_id: str = 'm') -> None:
    publisher = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    for message in chunks(gesture(), motion_id):
        publisher.publish(message)


@pytest.mark.skipif(
    importlib.util.find_spec('control_msgs') is not None, reason='control_msgs is installed'
)
def test_without_control_msgs_it_says_so(graph: Graph) -> None:
    node = graph.add(RetargeterNode, active=False, follow_action=ACTION)
    assert not graph.transition('retargeter', Transition.TRANSITION_CONFIGURE)
    assert 'control_msgs is not installed' in node.last_error
    assert graph.state('retargeter') == 'unconfigured'


class Controller:
    """Serves the action as a joint trajectory controller does, and keeps the goals."""

    def __init__(self, graph: Graph, **answer: Any) -> None:
        from control_msgs.action import FollowJointTrajectory

        self.plans: list[Any] = []

        def execute(goal: Any) -> Any:
            self.plans.append(goal.request.trajectory)
            goal.succeed()
            return FollowJointTrajectory.Result(**answer)

        self._server = ActionServer(graph.client, FollowJointTrajectory, ACTION, execute)


def test_plans_are_goals(graph: Graph) -> None:
    pytest.importorskip('control_msgs', reason='needs control_msgs, of a full ROS 2 installation')
    controller, robot = Controller(graph), Robot.load('g1')
    node = graph.add(RetargeterNode, follow_action=ACTION)
    wait_until(lambda: node._trajectories._client.server_is_ready(), 'no controller')
    play(graph)
    wait_until(lambda: len(controller.plans) == 10, 'not every plan came')
    for plan in controller.plans:
        trajectory = joints.trajectory_from_message(plan, robot.joint_names, robot.name)
        assert trajectory is not None
        trajectory.check(robot)
    assert not np.any(controller.plans[-1].points[-1].velocities)
    assert node.errors == 0


def test_what_a_controller_cannot_follow_is_told(graph: Graph) -> None:
    pytest.importorskip('control_msgs', reason='needs control_msgs, of a full ROS 2 installation')
    node = graph.add(RetargeterNode, follow_action=ACTION)
    play(graph)
    wait_until(lambda: node.errors, 'nothing was said')
    assert f'no controller serves {ACTION}' in node.last_error
    Controller(graph, error_code=-4, error_string='elbow is 0.3 rad off')
    wait_until(lambda: node._trajectories._client.server_is_ready(), 'no controller')
    play(graph, 'n')
    wait_until(lambda: 'elbow' in node.last_error, 'the failure was not told')
    assert node.last_error.endswith('did not follow the plan: elbow is 0.3 rad off')
