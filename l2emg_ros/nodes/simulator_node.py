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
"""Node `simulator`: the robot's stand-in behind the topics of a joint trajectory controller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import sys
import time
from typing import Any

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes import diagnostics, joints, qos
from l2emg_ros.nodes.base import BaseNode, guarded, run
from l2emg_ros.nodes.diagnostics import Meter, Status
from l2emg_ros.nodes.parameters import parameter, Parameters

# Tracking error above which the diagnostics warn, rad.
_WARN_ERROR = 0.2


@dataclass(frozen=True)
class SimulatorParameters(Parameters):
    """Parameters of the simulator."""

    robot: str = parameter('g1', 'Robot: a shipped name or the path of a map file', read_only=True)
    rate_hz: float = parameter(
        100.0, 'Rate of joint_states', unit='Hz', minimum=10.0, maximum=500.0, read_only=True
    )
    timestep_s: float = parameter(
        0.002, 'Integration step', unit='s', minimum=0.0005, maximum=0.01, read_only=True
    )
    publish_clock: bool = parameter(
        False, 'Publish /clock: simulated time for nodes with use_sim_time', read_only=True
    )
    frame_id: str = parameter('odom', 'Frame in which the fixed pelvis stands', read_only=True)


class SimulatorNode(BaseNode[SimulatorParameters]):
    """Moves the simulated joints as `joint_trajectory` or `joint_command` ask."""

    def __init__(self, **options: Any) -> None:
        """Declare the parameters."""
        self._simulator: Any = None
        self._steps = Meter()
        self._accepted = Meter()
        self._peak_error = 0.0
        super().__init__('simulator', SimulatorParameters, **options)

    def load(self) -> None:
        """Load the robot and compile its dynamics."""
        from l2emg_ros.retarget.robot import Robot
        from l2emg_ros.sim.simulator import Simulator

        self._simulator = Simulator(Robot.load(self.parameters.robot), self.parameters.timestep_s)

    def create(self) -> None:
        """Make the topics and the timer."""
        self._states = self.publish_to(JointState, 'joint_states', qos.STATE)
        self._clock_topic = (
            self.publish_to(Clock, '/clock', qos.NEWEST) if self.parameters.publish_clock else None
        )
        self._tf = self._make_tf()
        self.subscribe(JointTrajectory, 'joint_trajectory', self._on_trajectory, qos.NEWEST)
        self.subscribe(JointState, 'joint_command', self._on_command, qos.NEWEST)
        self.every(1.0 / self.parameters.rate_hz, self._on_tick, steady=True)

    def start(self) -> None:
        """Let time pass."""
        self._last_tick = time.monotonic()
        self._epoch = self._zero(self.seconds())
        self._simulator.hold()

    def unload(self) -> None:
        """Free the dynamics."""
        self._simulator = None

    def _zero(self, clock: float) -> float:
        """Return the clock time of simulated time 0, s: 0 where this node is the clock."""
        if self.parameters.publish_clock:
            return 0.0
        return clock - self._simulator.time - self._simulator.pending

    @guarded
    def _on_trajectory(self, message: JointTrajectory) -> None:
        if not self.active:
            return
        robot = self._simulator.robot
        trajectory = joints.trajectory_from_message(message, robot.joint_names, robot.name)
        if trajectory is None:
            self._simulator.hold()
            return
        now = self._simulator.time
        stamp = joints.stamp_seconds(message.header.stamp)
        start = stamp - self._epoch if stamp else now
        if start + trajectory.duration < now:
            raise BadRequest(
                f'joint_trajectory ended {now - start - trajectory.duration:.3f} s ago: '
                'expected a stamp of 0 or an end in the future'
            )
        self._simulator.set_trajectory(trajectory, start)
        self._accepted.mark(max(now - start, 0.0))

    @guarded
    def _on_command(self, message: JointState) -> None:
        if not self.active:
            return
        names = self._simulator.robot.joint_names
        unknown = sorted(set(message.name) - set(names))
        if unknown:
            raise BadRequest(f'unknown joint {unknown[0]!r}')
        self._simulator.set_command(*joints.joint_positions(message, names, partial=True))
        self._accepted.mark()

    @guarded
    def _on_tick(self) -> None:
        if not self.active:
            return
        now, clock = time.monotonic(), self.seconds()
        before = self._simulator.time
        self._simulator.step(now - self._last_tick)
        self._last_tick = now
        if self._simulator.time == before:
            return
        # What the joints do belongs to the instant of their last step, not to that of sending.
        self._epoch = self._zero(clock)
        stamp = self._epoch + self._simulator.time
        self._peak_error = max(self._peak_error, self._simulator.tracking_error)
        if self._clock_topic is not None:
            self._clock_topic.publish(Clock(clock=joints.time_message(stamp)))
        if self._tf is not None:
            self._tf(stamp)
        self._states.publish(
            joints.joint_state_message(
                self._simulator.robot.joint_names,
                self._simulator.positions,
                self._simulator.velocities,
                stamp,
            )
        )
        self._steps.mark(time.monotonic() - now)

    def _make_tf(self) -> Callable[[float], None] | None:
        """Return what publishes the pelvis in the world; the links are robot_state_publisher's."""
        try:
            from geometry_msgs.msg import TransformStamped
            from tf2_msgs.msg import TFMessage

            from l2emg_ros.retarget.robot import Robot
            from l2emg_ros.retarget.root import RootPlanner
        except ImportError:
            self.get_logger().info('tf2_msgs is not installed: no tf', once=True)
            return None
        publisher = self.publish_to(TFMessage, '/tf', qos.FEEDBACK)
        robot = Robot.load(self.parameters.robot)
        transform = TransformStamped(child_frame_id=robot.map.links['base_link'].link)
        transform.header.frame_id = self.parameters.frame_id
        # The orientation of a new message is the identity.
        place = transform.transform.translation
        place.x, place.y, place.z = (float(value) for value in RootPlanner(robot).fixed(1)[0])

        def publish(stamp: float) -> None:
            transform.header.stamp = joints.time_message(stamp)
            publisher.publish(TFMessage(transforms=[transform]))

        return publish

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the line `simulator: physics`."""
        return {'physics': self._physics_status}

    def _physics_status(self) -> Status:
        if self._simulator is None:
            return Status(diagnostics.WARN, 'no robot loaded')
        peak, self._peak_error = self._peak_error, 0.0
        values = {
            'robot': self._simulator.robot.name,
            'simulated_s': f'{self._simulator.time:.2f}',
            'tracking_error_rad': f'{peak:.4f}',
            **self._steps.values('step'),
            **self._accepted.values('accepted'),
        }
        if peak > _WARN_ERROR:
            return Status(diagnostics.WARN, 'joints lag behind what is asked', values)
        return Status(values=values)


def main(arguments: list[str] | None = None) -> int:
    """Run the node as a process."""
    return run(SimulatorNode, arguments)


if __name__ == '__main__':
    sys.exit(main())
