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
import sys
import time
from typing import Any, cast, Literal

from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import MotionOutcome, SmplMotion
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
from l2emg_ros.nodes.convert import Wish
from l2emg_ros.nodes.diagnostics import Meter, Status
from l2emg_ros.nodes.follower import Follower
from l2emg_ros.nodes.outcomes import Outcomes
from l2emg_ros.nodes.plans import Planned, Plans
from l2emg_ros.nodes.retargeter_parameters import RetargeterParameters
from l2emg_ros.nodes.worker import Line
from l2emg_ros.retarget.manner import AS_PLANNED, beyond, Manner, manner
from l2emg_ros.retarget.trajectory import Trajectory

# Set points that are skipped at most after a pause of the timer.
_MOST_STEPS = 5
# Longest time that set points are sent for after deactivation, s.
_LONGEST_STOP = 10.0
# How exactly a motion with a stamp is begun, seconds.
_WATCH_PERIOD = 0.05


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
        self._manner = AS_PLANNED
        self._modulator: Any = None
        self._measured: tuple[float, NDArray[np.float64]] | None = None
        self._recent = Plans()
        self._motion_id = ''
        self._sent = 0.0
        self._plans, self._late, self._violations = Meter(), 0, 0
        super().__init__('retargeter', RetargeterParameters, **options)

    def load(self) -> None:
        """Load the robot and prepare the solver."""
        from l2emg_ros.retarget.ik import IkConfig
        from l2emg_ros.retarget.retargeter import RetargetConfig
        from l2emg_ros.retarget.robot import Robot
        from l2emg_ros.retarget.stream import StreamRetargeter

        given = self.parameters
        config = RetargetConfig(
            root=cast(Literal['fixed', 'kinematic'], given.root),
            approach_velocity=given.approach_velocity,
            approach_min_duration=given.approach_min_duration,
            ik=IkConfig(compiled=given.compiled),
        )
        robot = Robot.load(given.robot)
        self._stream = StreamRetargeter(robot, config, given.splice_delay_s)
        if given.output == 'command':
            from l2emg_ros.retarget.modulation import Modulator

            self._modulator = Modulator(robot, 1.0 / given.command_rate_hz)
        self._line = Line(self, self.worker, self._publish, self.report)

    def create(self) -> None:
        """Make the topics, the service and the timers."""
        self._trajectories: Any = None
        if self.parameters.output == 'trajectory' and self.parameters.follow_action:
            # First: without control_msgs nothing else is made.
            self._trajectories = Follower(self, self.parameters.follow_action, self.report)
        self.subscribe(SmplMotion, 'smpl_motion', self._on_motion, qos.STREAM)
        self.subscribe(EmotionMessage, 'emotion', self._on_emotion, qos.NEWEST)
        self.subscribe(JointState, 'joint_states', self._on_joint_states, qos.SENSOR)
        self.serve(Trigger, 'stop', self._on_stop)
        told = self.publish_to(MotionOutcome, 'motion_outcome', qos.OUTCOME)
        self._outcomes = Outcomes(told.publish, self.seconds)
        self._commands: Any = None
        if self.parameters.output == 'trajectory':
            self._trajectories = self._trajectories or self.publish_to(
                JointTrajectory, 'joint_trajectory', qos.NEWEST
            )
        else:
            self._commands = self.publish_to(JointState, 'joint_command', qos.NEWEST)
            self.every(1.0 / self.parameters.command_rate_hz, self._on_command_tick)
        self.every(_WATCH_PERIOD, self._on_watch)

    def start(self) -> None:
        """Begin without a plan: the first motion is approached from the measured pose."""
        self._recent.clear()
        self._stream.reset()
        self._chunks.clear()
        self._manner = AS_PLANNED

    def halt(self) -> None:
        """Bring the robot to rest; returns when it has been told to, or stands."""
        self._drop()
        self._outcomes.close(self._played())
        self._publish(self.worker.wait(self._stop), force=True)
        if self._modulator is None:
            return
        # Set points end with the timer, so the last ones are sent from here.
        deadline = time.monotonic() + _LONGEST_STOP
        while not self._modulator.resting and time.monotonic() < deadline:
            self._send_command()
            time.sleep(1.0 / self.parameters.command_rate_hz)

    def unload(self) -> None:
        """Free the solver."""
        self._stream = self._modulator = None

    # What arrives.

    @guarded
    def _on_motion(self, message: SmplMotion) -> None:
        """Accept the next chunk of the running motion, or the first of a new one."""
        if self.active:
            try:
                self._chunks.add(message, self.seconds(), self._wish(message))
            finally:
                self._feed()

    def _wish(self, message: SmplMotion) -> Wish:
        """Check what a chunk asks for beside the motion.

        Raises:
            BadRequest: It is not for this robot, or comes with a later chunk.
        """
        if not (message.targets or message.joint_groups):
            return Wish()
        if message.chunk_index:
            raise BadRequest(f'targets or joint_groups in chunk {message.chunk_index}: expected 0')
        return convert.wish_from_message(message, self._stream.robot)

    def _feed(self) -> None:
        """Plan with the chunks whose time has come."""
        for chunk in self._chunks.due(self.seconds()):
            spoken = Emotion.parse(chunk.motion.emotion, chunk.motion.intensity)
            if chunk.first or spoken != self._spoken:
                # What the chunk expresses by itself is not to be added once more.
                self._spoken = spoken
                self._change_manner(AS_PLANNED)
            self._line.add(self._push, chunk)

    @guarded
    def _on_emotion(self, message: EmotionMessage) -> None:
        """Play what is running in another manner than it was meant."""
        if not self.active:
            return
        emotion = convert.emotion_from_message(message)
        if self._resting():
            return
        wanted = AS_PLANNED
        if emotion is not None:
            strength = self.parameters.strength()
            meant = manner(self._spoken, strength)
            wanted = beyond(manner(emotion, strength), meant)
        self._change_manner(wanted)

    def _change_manner(self, manner: Manner) -> None:
        """Set the manner from the next set point or the next splice on."""
        if manner != self._manner:
            self._manner = manner
            if self._modulator is None:
                self._line.add(self._modulate, manner)

    @guarded
    def _on_joint_states(self, message: JointState) -> None:
        if self._stream is not None:
            q, _ = joints.joint_positions(message, self._stream.robot.joint_names)
            self._measured = (self.seconds(), q)
            if self._outcomes.playing:
                self._outcomes.measured(float(np.abs(self._asked() - q).mean()))

    @answered
    async def _on_stop(self, request: Trigger.Request, response: Any) -> Any:
        self.require_active()
        self._drop()
        self._outcomes.close(self._played())
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
        now, begun = self._played(), time.monotonic()
        trajectory = self._stream.push(
            chunk.motion,
            chunk.last,
            now,
            self._pose(),
            start=chunk.first,
            targets=chunk.wish.targets,
            joint_groups=chunk.wish.joint_groups,
        )
        self._plans.mark(time.monotonic() - begun)
        self._motion_id = chunk.motion_id
        return now, trajectory

    def _played(self) -> float:
        """Return the time that plans are made for: what has been played of them, or the clock."""
        return self.seconds() if self._modulator is None else float(self._modulator.phase)

    def _pose(self) -> NDArray[np.float64] | None:
        """Return the measured pose if it is fresh."""
        if self._measured is None:
            return None
        at, positions = self._measured
        fresh = abs(self.seconds() - at) <= self.parameters.joint_states_timeout_s
        return positions if fresh else None

    def _modulate(self, manner: Manner) -> Planned | None:
        """Plan the rest in another manner; None where nothing is left."""
        now = self._played()
        trajectory = self._stream.modulate(now, manner)
        return None if trajectory is None else (now, trajectory)

    def _stop(self) -> Planned | None:
        """Plan to come to rest; None where the robot stands already."""
        now = self._played()
        if self._plan is None or self._stream.finished(now):
            return None
        return now, self._stream.stop(now)

    @property
    def _plan(self) -> Planned | None:
        """The plan in force."""
        return self._recent.newest

    def _asked(self) -> NDArray[np.float64]:
        """Return where the joints (N,) should be now, rad; there must be a plan."""
        if self._modulator is not None:
            return np.asarray(self._modulator.position)
        return self._recent.sample(self._played())[0]

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
            self._outcomes.close(self._played())
            self._line.add(self._stream.reset)
            raise
        if self._played() - stamp > self.parameters.splice_delay_s:
            self._late += 1
        if self._trajectories is not None:
            self._trajectories.publish(joints.trajectory_to_message(trajectory, stamp))
        moved = self._modulator is not None and self._elsewhere(trajectory)
        self._recent.add(planned, alone=moved)
        if moved:
            self._modulator.start(stamp, trajectory.positions[0])
        # While a result of the worker is handed over, the worker rests.
        self._outcomes.planned(self._motion_id, self._stream.account, self._played())

    def _elsewhere(self, trajectory: Trajectory) -> bool:
        """Whether a plan begins where no set point has led, as the first one does."""
        if self._plan is None:
            return True
        gap = np.abs(trajectory.positions[0] - self._modulator.position).max()
        return bool(self._modulator.resting and gap > self._stream.MOVED)

    def _send_command(self) -> None:
        """Publish the set point for now, stamped with the time that it is for.

        Set points lie on a grid: however late or early the timer is, two of them are no farther
        apart than the limits allow for the time between their stamps.
        """
        if self._plan is None:
            return
        now, rate = self.seconds(), self.parameters.command_rate_hz
        steps = round((now - self._sent) * rate)
        if steps == 0:
            return
        # Negative: the clock was set back.
        self._sent = self._sent + steps / rate if 1 <= steps <= _MOST_STEPS else now
        self._modulator.aim(AS_PLANNED if self._resting() else self._manner)
        for _ in range(int(np.clip(steps, 1, _MOST_STEPS))):
            q, v = self._modulator.step(self._recent.sample)
        names = self._stream.robot.joint_names
        self._commands.publish(joints.joint_state_message(names, q, v, self._sent))

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
        self._outcomes.watch(self._played())
        silent = self._chunks.silent(self.seconds())
        if silent <= self.parameters.stream_timeout_s or self._chunks.waiting:
            return
        if self._resting():
            self._chunks.close()
            self._outcomes.close(self._played())
            raise BadRequest(f'no chunk for {silent:.1f} s and none was the last: the robot holds')

    def _resting(self) -> bool:
        """Whether nothing is left to play, nor being planned."""
        return not self._line.busy and self._recent.over(self._played())

    # Diagnostics.

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the line `retargeter: ik`."""
        return {'ik': self._ik_status}

    def _ik_status(self) -> Status:
        if self._stream is None:
            return Status(diagnostics.WARN, 'no robot loaded')
        values = {
            'robot': self._stream.robot.name,
            'playing': not self._resting(),
            'late_plans': self._late,
            'refused_chunks': self._chunks.refused,
            'limit_violations': self._violations,
            **self._plans.values('plan'),
        }
        pose = self._pose()
        if pose is not None and self._plan is not None:
            error = np.abs(self._asked() - pose).max()
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
