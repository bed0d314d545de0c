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
"""A client of the running graph: asks for a gesture and keeps what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
import time
from typing import Any

from l2emg_interfaces.action import GenerateMotion
from l2emg_interfaces.msg import SmplMotion
import numpy as np
from rclpy.action.client import ActionClient
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import L2EmgError
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import convert, joints, qos
from l2emg_ros.nodes.visitor import Visitor
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import RootPlanner
from l2emg_ros.retarget.trajectory import Trajectory

# Speed below which a robot counts as standing, rad/s.
_STANDING = 0.02
# Time without a new plan after which none is expected any more, s.
_QUIET = 0.5


class PerformanceError(L2EmgError):
    """A gesture was refused, failed or did not come to an end in time."""


@dataclass(frozen=True)
class Performance:
    """One gesture from request to rest.

    Attributes:
        motion: What the generator made.
        commanded: What the robot was asked to do.
        executed: What its joint states say it did, on the same clock.
        time_to_first_chunk: From sending the goal to the first chunk at this client, s.
        total_time: From sending the goal to the result, s.
        experts: Experts that wrote the motion.
        expert_weights: Their weights.
        novelty_p_value: Small where the request is unlike every scenario.
    """

    motion: Motion
    commanded: Trajectory
    executed: Trajectory
    time_to_first_chunk: float
    total_time: float
    experts: tuple[str, ...]
    expert_weights: tuple[float, ...]
    novelty_p_value: float


class GestureClient(Visitor):
    """Asks for gestures and watches the robot perform them.

    Args:
        robot: The robot of the graph.
        namespace: Namespace of the nodes.
    """

    failure = PerformanceError

    def __init__(self, robot: Robot, namespace: str = '') -> None:
        super().__init__('gesture_client', namespace)
        self._robot = robot
        self._motions: list[tuple[float, SmplMotion]] = []
        self._plans: list[JointTrajectory] = []
        self._planned = 0.0
        self._states: list[JointState] = []
        for kind, topic, callback, profile in (
            (SmplMotion, 'smpl_motion', self._on_motion, qos.STREAM),
            (JointTrajectory, 'joint_trajectory', self._on_plan, qos.STREAM),
            (JointState, 'joint_states', self._states.append, qos.SENSOR),
        ):
            self._node.create_subscription(kind, topic, callback, profile)
        self._action = ActionClient(self._node, GenerateMotion, 'generate_motion')
        self._enter()

    def perform(
        self,
        text: str,
        emotion: Emotion | None = None,
        *,
        seconds: float = 0.0,
        seed: int = -1,
        timeout: float = 60.0,
    ) -> Performance:
        """Ask for a gesture and wait until the robot has performed it and stands.

        Args:
            text: What to do.
            emotion: How; None leaves it to the words.
            seconds: Length; 0 leaves it to the model.
            seed: -1 for a random one.
            timeout: For all of it, s.

        Raises:
            PerformanceError: The goal was refused or failed, or time ran out.
        """
        deadline = time.monotonic() + timeout
        self._until(self._action.server_is_ready, deadline, 'no generate_motion server')
        self._until(lambda: self._states, deadline, 'no joint_states')
        # This client and the retargeter: a reader that is found later misses the first chunks.
        readers = partial(self._node.count_subscribers, 'smpl_motion')
        self._until(lambda: readers() >= 2, deadline, 'no reader of smpl_motion')
        for recorded in (self._motions, self._plans, self._states):
            recorded.clear()
        goal = GenerateMotion.Goal(
            text=text,
            emotion=convert.emotion_to_message(emotion),
            duration=float(seconds),
            seed=int(seed),
        )
        sent = time.monotonic()
        handle = self._ask(lambda: self._action.send_goal_async(goal), deadline, 'no answer')
        if not handle.accepted:
            raise PerformanceError(f'goal {text!r} was rejected')
        result = self._ask(handle.get_result_async, deadline, 'no result').result
        total = time.monotonic() - sent
        if result.error_code != GenerateMotion.Result.OK:
            raise PerformanceError(f'{text!r} failed ({result.error_code}): {result.message}')
        self._until(self._performed, deadline, 'the robot did not come to rest')
        return Performance(
            motion=convert.motion_from_message(result.motion),
            commanded=self._commanded(text),
            executed=self._executed(text),
            time_to_first_chunk=self._motions[0][0] - sent,
            total_time=total,
            experts=tuple(result.experts),
            expert_weights=tuple(float(weight) for weight in result.expert_weights),
            novelty_p_value=float(result.novelty_p_value),
        )

    def _on_motion(self, message: SmplMotion) -> None:
        self._motions.append((time.monotonic(), message))

    def _on_plan(self, message: JointTrajectory) -> None:
        self._plans.append(message)
        self._planned = time.monotonic()

    def _performed(self) -> bool:
        """Whether the whole motion has been planned and played."""
        if not (self._plans and self._motions and self._motions[-1][1].last):
            return False
        plan, state = self._plans[-1], self._states[-1]
        end = _start(plan) + joints.stamp_seconds(plan.points[-1].time_from_start)
        standing = float(np.abs(state.velocity).max()) < _STANDING
        quiet = time.monotonic() - self._planned > _QUIET
        return quiet and standing and joints.stamp_seconds(state.header.stamp) > end

    def _commanded(self, source: str) -> Trajectory:
        """Join the plans: each holds until the first sample of its successor."""
        names, origin = self._robot.joint_names, _start(self._plans[0])
        parts = []
        for number, message in enumerate(self._plans):
            plan = joints.trajectory_from_message(message, names, self._robot.name)
            if plan is None:
                continue
            times = plan.time_from_start + _start(message) - origin
            end = np.inf
            if number + 1 < len(self._plans):
                after = self._plans[number + 1]
                first = joints.stamp_seconds(after.points[0].time_from_start)
                end = _start(after) + first - origin - 1e-4
            keep = times < end
            parts.append((times[keep], *(values[keep] for values in _motion_of(plan))))
        return self._trajectory(
            source, *(np.concatenate(column) for column in zip(*parts, strict=True))
        )

    def _executed(self, source: str) -> Trajectory:
        """Return the joint states as a trajectory."""
        origin = _start(self._plans[0])
        rows = {
            joints.stamp_seconds(state.header.stamp) - origin: joints.joint_positions(
                state, self._robot.joint_names
            )
            for state in self._states
        }
        times = np.array([at for at in sorted(rows) if at > 0.0])
        q = np.array([rows[at][0] for at in times])
        v = np.array([rows[at][1] for at in times])
        return self._trajectory(source, times, q, v, np.gradient(v, times, axis=0))

    def _trajectory(self, source: str, times: Any, q: Any, v: Any, a: Any) -> Trajectory:
        return Trajectory(
            joint_names=self._robot.joint_names,
            time_from_start=times,
            source_time=times,
            positions=q,
            velocities=v,
            accelerations=a,
            root_position=RootPlanner(self._robot).fixed(len(times)),
            root_orientation=np.tile([0.0, 0.0, 0.0, 1.0], (len(times), 1)),
            robot=self._robot.name,
            source=source,
        )


def _start(plan: JointTrajectory) -> float:
    return joints.stamp_seconds(plan.header.stamp)


def _motion_of(plan: Trajectory) -> tuple[Any, Any, Any]:
    return plan.positions, plan.velocities, plan.accelerations
