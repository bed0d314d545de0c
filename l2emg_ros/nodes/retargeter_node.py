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
"""Node `retargeter`: chunks of human motion to one continuous motion of the robot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import sys
import time
from typing import Any, cast, Literal

from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import SmplMotion
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest, LimitViolation
from l2emg_ros.nodes import convert, diagnostics, joints, qos
from l2emg_ros.nodes.base import answered, BaseNode, guarded, run
from l2emg_ros.nodes.chunks import Chunk, ChunkQueue
from l2emg_ros.nodes.diagnostics import Meter, Status
from l2emg_ros.nodes.parameters import parameter, Parameters
from l2emg_ros.nodes.worker import Line
from l2emg_ros.retarget.trajectory import Trajectory

# A trajectory and the clock time of its time 0, s.
Planned = tuple[float, Trajectory]
# How exactly a motion with a stamp is begun, seconds.
_WATCH_PERIOD = 0.05


@dataclass(frozen=True)
class RetargeterParameters(Parameters):
    """Parameters of the retargeter."""

    robot: str = parameter('g1', 'Robot: a shipped name or the path of a map file', read_only=True)
    output: str = parameter(
        'trajectory',
        'What is published: joint_trajectory plans or joint_command set points',
        choices=('trajectory', 'command'),
        read_only=True,
    )
    root: str = parameter(
        'fixed',
        'fixed: the pelvis of the robot stands still; kinematic: it follows the person',
        choices=('fixed', 'kinematic'),
        read_only=True,
    )
    command_rate_hz: float = parameter(
        100.0, 'Rate of joint_command', unit='Hz', minimum=10.0, maximum=500.0, read_only=True
    )
    splice_delay_s: float = parameter(
        0.1,
        'Time for which a plan stays as it is while its successor is made and sent',
        unit='s',
        minimum=0.02,
        maximum=1.0,
        read_only=True,
    )
    approach_velocity: float = parameter(
        0.5,
        'Pace of the way to the first pose of a motion',
        unit='rad/s',
        minimum=0.05,
        maximum=2.0,
        read_only=True,
    )
    approach_min_duration: float = parameter(
        0.5,
        'Shortest way to the first pose of a motion',
        unit='s',
        minimum=0.1,
        maximum=10.0,
        read_only=True,
    )
    joint_states_timeout_s: float = parameter(
        1.0, 'Age at which a measured pose no longer counts', unit='s', minimum=0.05, maximum=60.0
    )
    stream_timeout_s: float = parameter(
        1.0,
        'Pause after which an unfinished motion is given up',
        unit='s',
        minimum=0.1,
        maximum=60.0,
    )
    emotion_pace: float = parameter(
        0.3, 'Change of pace at arousal 1 by the emotion topic; 0: none', minimum=0.0, maximum=0.5
    )
    emotion_size: float = parameter(
        0.3,
        'Change of arm gesture size at dominance 1 by the emotion topic; 0: none',
        minimum=0.0,
        maximum=0.5,
    )


class RetargeterNode(BaseNode[RetargeterParameters]):
    """Plays `smpl_motion` on the robot inside its limits, however the chunks arrive.

    Every plan ends at rest: when chunks stop coming, are refused, or the node is deactivated, the
    robot decelerates and holds.
    """

    def __init__(self, **options: Any) -> None:
        """Declare the parameters."""
        self._stream: Any = None
        self._chunks = ChunkQueue()
        self._spoken: Emotion | None = None
        self._factors = (1.0, 1.0)
        self._measured: tuple[float, NDArray[np.float64]] | None = None
        self._plan: Planned | None = None
        self._before: Planned | None = None
        self._plans, self._late, self._violations = Meter(), 0, 0
        super().__init__('retargeter', RetargeterParameters, **options)

    def load(self) -> None:
        """Load the robot and prepare the solver."""
        from l2emg_ros.retarget.retargeter import RetargetConfig
        from l2emg_ros.retarget.robot import Robot
        from l2emg_ros.retarget.stream import StreamRetargeter

        given = self.parameters
        config = RetargetConfig(
            root=cast(Literal['fixed', 'kinematic'], given.root),
            approach_velocity=given.approach_velocity,
            approach_min_duration=given.approach_min_duration,
        )
        self._stream = StreamRetargeter(Robot.load(given.robot), config, given.splice_delay_s)
        self._line = Line(self, self.worker, self._publish, self.report)

    def create(self) -> None:
        """Make the topics, the service and the timers."""
        self.subscribe(SmplMotion, 'smpl_motion', self._on_motion, qos.STREAM)
        self.subscribe(EmotionMessage, 'emotion', self._on_emotion, qos.NEWEST)
        self.subscribe(JointState, 'joint_states', self._on_joint_states, qos.SENSOR)
        self.serve(Trigger, 'stop', self._on_stop)
        self._trajectories: Any = None
        self._commands: Any = None
        if self.parameters.output == 'trajectory':
            self._trajectories = self.publish_to(JointTrajectory, 'joint_trajectory', qos.NEWEST)
        else:
            self._commands = self.publish_to(JointState, 'joint_command', qos.NEWEST)
            self.every(1.0 / self.parameters.command_rate_hz, self._on_command_tick)
        self.every(_WATCH_PERIOD, self._on_watch)

    def start(self) -> None:
        """Begin without a plan: the first motion is approached from the measured pose."""
        self._plan = self._before = None
        self._stream.reset()
        self._chunks.clear()
        self._factors = (1.0, 1.0)

    def halt(self) -> None:
        """Bring the robot to rest; returns when it has been told to, or stands."""
        self._drop()
        stopped = self.worker.wait(self._stop)
        if stopped is None:
            return
        self._publish(stopped, force=True)
        if self._commands is None:
            return
        # Set points end with the timer, so the last ones are sent from here.
        period = 1.0 / self.parameters.command_rate_hz
        deadline = time.monotonic() + stopped[1].duration
        while time.monotonic() < deadline + period:
            self._send_command()
            time.sleep(period)

    def unload(self) -> None:
        """Free the solver."""
        self._stream = None

    # What arrives.

    @guarded
    def _on_motion(self, message: SmplMotion) -> None:
        """Accept the next chunk of the running motion, or the first of a new one."""
        if self.active:
            try:
                self._chunks.add(message, self.seconds())
            finally:
                self._feed()

    def _feed(self) -> None:
        """Plan with the chunks whose time has come."""
        for chunk in self._chunks.due(self.seconds()):
            spoken = Emotion.parse(chunk.motion.emotion, chunk.motion.intensity)
            if chunk.first or spoken != self._spoken:
                # What the chunk expresses by itself is not to be added once more.
                self._spoken = spoken
                self._change_manner((1.0, 1.0))
            self._line.add(self._push, chunk)

    @guarded
    def _on_emotion(self, message: EmotionMessage) -> None:
        """Play what is running faster or slower, larger or smaller than it was meant."""
        if not self.active:
            return
        emotion = convert.emotion_from_message(message)
        if self._resting():
            return
        factors = (1.0, 1.0)
        if emotion is not None:
            wanted, meant = self._manner(emotion), self._manner(self._spoken)
            factors = (wanted[0] / meant[0], wanted[1] / meant[1])
        self._change_manner(factors)

    def _change_manner(self, factors: tuple[float, float]) -> None:
        """Set pace and gesture size from the next splice on."""
        if factors != self._factors:
            self._factors = factors
            self._line.add(self._modulate, *factors)

    def _manner(self, emotion: Emotion | None) -> tuple[float, float]:
        """Return the pace and gesture size of an emotion, as factors."""
        if emotion is None:
            return 1.0, 1.0
        strength = emotion.intensity
        return (
            1.0 + self.parameters.emotion_pace * emotion.arousal * strength,
            1.0 + self.parameters.emotion_size * emotion.dominance * strength,
        )

    @guarded
    def _on_joint_states(self, message: JointState) -> None:
        if self._stream is not None:
            q, _ = joints.joint_positions(message, self._stream.robot.joint_names)
            self._measured = (self.seconds(), q)

    @answered
    async def _on_stop(self, request: Trigger.Request, response: Any) -> Any:
        self.require_active()
        self._drop()
        stopped = await self._line.add(self._stop)
        if isinstance(stopped, Exception):
            raise stopped
        response.success = True
        response.message = (
            'at rest' if stopped is None else f'at rest in {stopped[1].duration:.2f} s'
        )
        return response

    def _drop(self) -> None:
        """Forget everything that has not been planned yet."""
        self._line.clear()
        self._chunks.clear()

    # On the worker's thread.

    def _push(self, chunk: Chunk) -> Planned:
        """Plan with one more chunk."""
        now, begun = self.seconds(), time.monotonic()
        trajectory = self._stream.push(
            chunk.motion, chunk.last, now, self._pose(now), start=chunk.first
        )
        self._plans.mark(time.monotonic() - begun)
        return now, trajectory

    def _pose(self, now: float) -> NDArray[np.float64] | None:
        """Return the measured pose if it is fresh."""
        if self._measured is None:
            return None
        at, positions = self._measured
        return positions if abs(now - at) <= self.parameters.joint_states_timeout_s else None

    def _modulate(self, pace: float, gain: float) -> Planned | None:
        """Plan the rest in another manner; None where nothing is left."""
        now = self.seconds()
        trajectory = self._stream.modulate(now, min(max(pace, 0.5), 1.5), min(max(gain, 0.5), 1.5))
        return None if trajectory is None else (now, trajectory)

    def _stop(self) -> Planned | None:
        """Plan to come to rest; None where the robot stands already."""
        now = self.seconds()
        if self._plan is None or self._stream.finished(now):
            return None
        return now, self._stream.stop(now)

    # What is sent.

    def _publish(self, planned: Planned | None, force: bool = False) -> None:
        """Check a new plan and send it, or make it the source of the set points.

        A plan outside the limits is not sent: what was sent before ends at rest by itself.
        """
        if planned is None or not (self.active or force):
            return
        stamp, trajectory = planned
        try:
            trajectory.check(self._stream.robot)
        except LimitViolation:
            self._violations += 1
            self._drop()
            self._line.add(self._stream.reset)
            raise
        if self.seconds() - stamp > self.parameters.splice_delay_s:
            self._late += 1
        self._before, self._plan = self._plan, planned
        if self._trajectories is not None:
            self._trajectories.publish(joints.trajectory_to_message(trajectory, stamp))

    def _send_command(self) -> None:
        """Publish the set point for now."""
        if self._plan is None:
            return
        now = self.seconds()
        stamp, trajectory = self._plan
        # Until its first sample a plan is the continuation of the one before.
        if now < stamp + trajectory.time_from_start[0] and self._before is not None:
            stamp, trajectory = self._before
        q, v, _ = trajectory.sample(now - stamp)
        names = trajectory.joint_names
        self._commands.publish(joints.joint_state_message(names, q, v, now))

    @guarded
    def _on_command_tick(self) -> None:
        if self.active:
            self._send_command()

    @guarded
    def _on_watch(self) -> None:
        """Begin what waited for its stamp; give up a motion whose chunks have stopped coming."""
        if not self.active:
            return
        self._feed()
        silent = self._chunks.silent(self.seconds())
        if silent <= self.parameters.stream_timeout_s or self._chunks.waiting:
            return
        if self._resting():
            self._chunks.close()
            raise BadRequest(f'no chunk for {silent:.1f} s and none was the last: the robot holds')

    def _resting(self) -> bool:
        """Whether nothing is left to play, nor being planned."""
        if self._line.busy:
            return False
        if self._plan is None:
            return True
        stamp, trajectory = self._plan
        return self.seconds() > stamp + trajectory.duration

    # Diagnostics.

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the line `retargeter: ik`."""
        return {'ik': self._ik_status}

    def _ik_status(self) -> Status:
        if self._stream is None:
            return Status(diagnostics.WARN, 'no robot loaded')
        now = self.seconds()
        values = {
            'robot': self._stream.robot.name,
            'playing': not self._resting(),
            'late_plans': self._late,
            'refused_chunks': self._chunks.refused,
            'limit_violations': self._violations,
            **self._plans.values('plan'),
        }
        pose = self._pose(now)
        if pose is not None and self._plan is not None:
            stamp, trajectory = self._plan
            error = np.abs(trajectory.sample(now - stamp)[0] - pose).max()
            values['tracking_error_rad'] = f'{error:.4f}'
        if self._violations:
            return Status(diagnostics.ERROR, 'a plan outside the limits was held back', values)
        if pose is None:
            return Status(diagnostics.WARN, 'no joint_states: assuming the home pose', values)
        return Status(values=values)


def main(arguments: list[str] | None = None) -> int:
    """Run the node as a process."""
    return run(RetargeterNode, arguments)


if __name__ == '__main__':
    sys.exit(main())
