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

"""Chunks of motion in, one continuous robot motion out.

Everything planned lies on one grid of knots. A push keeps what the robot is about to do until the
splice, a few hundredths of a second ahead, and plans anew from there: three control points
of the spline carry position, velocity and acceleration over. Every plan ends at rest, so that a
late chunk, or none at all, leaves the robot standing, never stopping short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import limbs, rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import limits, modulation
from l2emg_ros.retarget.manner import AS_PLANNED, Manner
from l2emg_ros.retarget.plan import Account, Plan
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import Footing
from l2emg_ros.retarget.scene import Scene, SceneTarget
from l2emg_ros.retarget.track import Resampler, Track
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

# Pace of the way back into a motion that stopped for want of chunks, rad/s.
_CATCH_UP = 2.0
# Samples over which the manner of a motion changes.
_RAMP = 10
# Sooner than this after now a sample is not sent: it would be in the past on arrival, s.
_SOONEST = 1e-3


class StreamRetargeter:
    """Plays chunks as one motion inside the limits of the robot.

    Times are seconds of one clock, the same for every call.

    Attributes:
        account: How the newest motion is planned so far.
    """

    # A pose this far from where the plan left the robot was reached by other means, rad.
    MOVED: ClassVar[float] = 0.3

    def __init__(
        self, robot: Robot, config: RetargetConfig | None = None, splice_delay: float = 0.05
    ) -> None:
        """Prepare the solver.

        Args:
            robot: The robot.
            config: How motions become trajectories.
            splice_delay: Seconds for which a plan stays as it is, to let its successor arrive.
        """
        self.robot = robot
        self.retargeter = Retargeter(robot, config)
        self.splice_delay = splice_delay
        self._step = self.retargeter.step
        self._scaled, self._bows = modulation.arms(robot), modulation.bows(robot)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next push starts from the measured pose."""
        self._plan: Plan | None = None
        self._open = False
        self._text = ''
        self._manner = AS_PLANNED
        self._scene: Scene | None = None
        self._begin_motion()

    def push(
        self,
        chunk: Motion,
        last: bool,
        now: float,
        measured: ArrayLike | None = None,
        start: bool = False,
        targets: Sequence[SceneTarget] = (),
        joint_groups: Sequence[str] = (),
    ) -> Trajectory:
        """Add a chunk and plan anew.

        The first chunk of a motion (after `reset`, `stop` or a chunk with ``last``, or with
        ``start``) is approached from rest, or from full movement without a stop.

        Args:
            chunk: Frames that follow those of the chunk before; any frame rate.
            last: Whether the motion ends with it.
            now: Clock time, s.
            measured: (N,) rad, where the robot is; needed when nothing was planned yet, else used
                only when the robot stands elsewhere than planned. None: it is as planned, at first
                in its home pose.
            start: Whether a new motion begins although the one before has not ended.
            targets: What to do with points in space during the motion that begins with this chunk,
                from where the robot stands and to where it faces then.
            joint_groups: Groups or joints that this motion moves, with its first chunk; see
                `Retargeter.choose`.

        Returns:
            All that is still to be played, ``time_from_start`` counted from ``now``.

        Raises:
            BadRequest: ``measured`` is not N finite numbers, a group is unknown, two targets want
                the same limb at the same time, or there are targets or groups although the motion
                has begun.
        """
        scene = self.retargeter.scene(targets)
        self._locate(now, measured)
        fresh = start or not self._open
        if not fresh and (targets or joint_groups):
            what = 'targets' if targets else 'joint_groups'
            raise BadRequest(f'{what} come late: expected with the first chunk of a motion')
        if fresh:
            self.retargeter.choose(joint_groups)
            self._begin_motion()
            self._scene = scene
            self.retargeter.reset()
            self._text = chunk.text
        self._open = not last
        frames = self._resampler.push(chunk)
        if frames is not None:
            self._extend(self._track(frames, fresh, now), fresh, now)
        self.account.last = last
        return self._trajectory(now)

    def stop(self, now: float) -> Trajectory:
        """Come to rest inside the limits, and forget the rest of the motion.

        Raises:
            BadRequest: Nothing was pushed yet.
        """
        plan, knot = self._prepared(now)
        begin = limits.extended(plan.control, knot + 3)[knot:]
        count = 3 + limits.braking_steps(begin[2] - begin[1], self.retargeter.bounds)
        control = limits.brake(begin, self.retargeter.bounds, count)
        self._open = False
        self._replace(knot, plan.track.held(knot + 1)[knot:], control)
        return self._trajectory(now)

    def modulate(self, now: float, manner: Manner) -> Trajectory | None:
        """Change how the rest of the running motion and all later ones are played.

        Args:
            now: Clock time, s.
            manner: Pace, size, lean and nod; what a plan cannot do at once, softness and pause, is
                left to those who play it set point by set point.

        Returns:
            The new trajectory, or None where nothing is being played.

        Raises:
            BadRequest: Pace or size are outside [0.25, 2], or lean or nod beyond 1.
        """
        for name, least, most in (
            ('pace', 0.25, 2.0),
            ('size', 0.25, 2.0),
            ('lean', -1.0, 1.0),
            ('nod', -1.0, 1.0),
        ):
            if not least <= (value := getattr(manner, name)) <= most:
                raise BadRequest(f'{name} is {value:g}: expected {least:g} to {most:g}')
        stretch, self._manner = self._manner.pace / manner.pace, manner
        if self._plan is None:
            return None
        plan, knot = self._prepared(now)
        rest = plan.track[knot:]
        if len(rest) < 2:
            return None
        rest = self._ramped(rest, rest.manner[0])
        # What was slowed down for the limits already must not be slowed down again and again.
        self._follow(knot, rest[:0], rest, stretch, most=1.0)
        return self._trajectory(now)

    def state(self, time: float) -> tuple[Array, Array, Array]:
        """Return position, velocity, acceleration (N,) at a clock time; before and after: at rest.

        Raises:
            BadRequest: Nothing was pushed yet.
        """
        plan = self._planned()
        place = (time - plan.origin) / self._step
        if place >= plan.knots - 1:
            return plan.control[-1].copy(), np.zeros_like(plan.control[-1]), 0 * plan.control[-1]
        place = max(place, 0.0)
        knot = int(place)
        c0, c1, c2, c3 = plan.control[knot : knot + 4]
        u = place - knot
        q, v, a = limits.evaluate(np.array([c0, c1, c2]), self._step)
        jerk = (c3 - 3 * c2 + 3 * c1 - c0) / self._step**3
        t = u * self._step
        return (
            q[0] + t * (v[0] + t * (a[0] / 2 + t * jerk / 6)),
            v[0] + t * (a[0] + t * jerk / 2),
            a[0] + t * jerk,
        )

    def root_state(self, time: float) -> tuple[Array, Array]:
        """Return position (3,) m and orientation (4,) xyzw of the root at a clock time."""
        plan = self._planned()
        if not len(plan.track):
            return plan.root[0], np.array([0.0, 0.0, 0.0, 1.0])
        place = np.clip((time - plan.origin) / self._step, 0.0, plan.knots - 1.0)
        low = min(int(place), plan.knots - 2)
        position = plan.root[low] + (place - low) * (plan.root[low + 1] - plan.root[low])
        last = len(plan.track) - 1
        first = min(low, last)
        turns = rotation.from_matrix(plan.track.turn[[first, min(low + 1, last)]])
        return position, rotation.slerp(turns[0], turns[1], place - low)

    def finished(self, now: float) -> bool:
        """Return whether the robot has come to rest and nothing is to be played."""
        plan = self._plan
        return plan is None or now >= plan.origin + (plan.knots - 1) * self._step

    def _begin_motion(self) -> None:
        self._resampler = Resampler(self.retargeter.config.rate)
        self._before: Motion | None = None
        self.account = Account(self._step)
        self._yaw = np.eye(3)

    def _planned(self) -> Plan:
        if self._plan is None:
            raise BadRequest('nothing is planned: push a chunk first')
        return self._plan

    def _locate(self, now: float, measured: ArrayLike | None) -> None:
        """Make sure there is a plan to go on from."""
        given = None if measured is None else self.retargeter.checked(measured)
        plan = self._plan
        if plan is not None and now < plan.origin - self._step:
            plan = None  # the clock was set back
        if plan is not None and given is not None and self.finished(now):
            elsewhere = np.abs(given - plan.control[-1]).max() > self.MOVED
            plan = None if elsewhere else plan
        if plan is None:
            pose = self.robot.home if given is None else given
            rest = np.tile(self.retargeter.clipped(pose), (4, 1))
            self._plan = Plan(now, rest, Track.empty(len(pose)), np.zeros((2, 3)))
            self._open = False

    def _prepared(self, now: float) -> tuple[Plan, int]:
        """Drop what has been played; return the plan and the knot of the splice."""
        plan = self._planned()
        if not len(plan.track):
            plan.origin = now
            return plan, 0
        played = max(int((now - plan.origin) / self._step) - 1, 0)
        if played > 0:
            count = max(plan.knots - played, 2)
            control = limits.extended(plan.control, played + count + 2)[played:]
            track = plan.track.held(max(len(plan.track), played + 1))[played:]
            root = limits.extended(plan.root, played + count)[played:]
            plan = Plan(plan.origin + played * self._step, control, track, root)
            self._plan = plan
        ahead = (now + self.splice_delay - plan.origin) / self._step
        return plan, max(int(np.ceil(ahead)), 0)

    def _track(self, frames: Motion, fresh: bool, now: float) -> Track:
        """Solve the chunk; a new motion turns to where the robot already faces."""
        solved, turn = self.retargeter.solve(frames, scene=self._scene)
        joints = self.retargeter.apart(solved)
        number = self.account.frames + np.arange(len(joints), dtype=float)
        self.account.solved(solved, joints)
        feet = self.retargeter.footing(frames, self._before)
        if fresh and len(self._planned().track):
            plan, knot = self._prepared(now)
            faces = limbs.heading(plan.track.held(knot + 1).turn[-1:])[0]
            self._yaw = faces @ limbs.heading(turn[:1])[0].T
        turn = self._yaw @ turn
        feet = Footing(feet.contacts, feet.clearance, feet.travel @ self._yaw[:2, :2].T)
        self._before = frames.slice(frames.frames - 1)
        return Track(joints, number, turn, feet, np.tile(_row(self._manner), (len(joints), 1)))

    def _extend(self, track: Track, fresh: bool, now: float) -> None:
        """Plan from the splice on: what was left of the motion, then the new frames."""
        plan, knot = self._prepared(now)
        end = len(plan.track) - 1
        if not fresh and knot <= end:
            lead, rest = plan.track[knot:end], plan.track[end:]
            self._follow(
                knot, lead, rest + self._ramped(track, rest.manner[0]), 1.0 / self._manner.pace
            )
            return
        begin = limits.extended(plan.control, knot + 3)[knot:]
        goal = self._values(track[:1])[0]
        pace = None if fresh else _CATCH_UP
        way = self.retargeter.curves.approach(begin, goal, pace, None if fresh else 0.0)
        if fresh:
            self.account.began = plan.origin + (knot + len(way)) * self._step
        self._follow(knot, self._way(way, plan, track, knot), track, 1.0 / self._manner.pace)

    def _way(self, joints: Array, plan: Plan, track: Track, knot: int) -> Track:
        """Complete the way to the first frame of ``track``: the root turns, the feet stand."""
        count = len(joints)
        first = track[:1]
        if len(plan.track):
            first = plan.track.held(knot + 1)[knot:] + first
        blend = np.linspace(0.0, len(first) - 1.0, count + 1)[:-1]
        way = first.at(blend)
        still = Footing(
            np.tile(track.feet.contacts[:1], (count, 1)),
            way.feet.clearance,
            np.tile(track.feet.travel[:1], (count, 1)),
        )
        frames = np.full(count, track.frames[0])
        # The manner is in the joints already.
        return Track(joints, frames, way.turn, still, np.tile(_row(AS_PLANNED), (count, 1)))

    def _values(self, track: Track) -> Array:
        """Return joint angles (E, N)."""
        return track.values(self.robot.home, self._scaled, self._bows)

    def _ramped(self, track: Track, begin: Array) -> Track:
        """Let the manner go from ``begin`` (3,) to the present one over the first samples."""
        share = np.minimum(np.arange(1, len(track) + 1) / _RAMP, 1.0)[:, None]
        values = begin + (_row(self._manner) - begin) * share
        return Track(track.joints, track.frames, track.turn, track.feet, values)

    def _follow(
        self, knot: int, lead: Track, rest: Track, stretch: float, most: float | None = None
    ) -> None:
        """Fit the curve from a knot on."""
        plan = self._planned()
        begin = limits.extended(plan.control, knot + 3)[knot:]
        index, control = self.retargeter.curves.follow(
            self._values(rest),
            begin,
            self._values(lead),
            np.vstack([lead.feet.stands, rest.feet.stands]),
            stretch,
            most,
            aims=self._scene is not None,
        )
        self.account.followed(rest.frames, index, stretch)
        self._replace(knot, lead + rest.at(index), control)
        self.account.end = plan.origin + (len(self._planned().track) - 1) * self._step

    def _replace(self, knot: int, track: Track, control: Array) -> None:
        """Put a new curve in the place of all that was planned from a knot on."""
        plan = self._planned()
        positions = limits.evaluate(control, self._step)[0]
        held = track.held(max(len(positions), len(track)))[: len(positions)]
        at = None if not len(plan.track) else limits.extended(plan.root, knot + 1)[knot, :2]
        root = self.retargeter.stand(positions, held.turn, held.feet, at)
        self._plan = Plan(
            plan.origin,
            np.vstack([limits.extended(plan.control, knot), control]),
            (plan.track.held(knot) + track) if knot and len(plan.track) else track,
            np.vstack([limits.extended(plan.root, knot), root]),
        )

    def _trajectory(self, now: float) -> Trajectory:
        """Return all samples after now, at least the last one."""
        plan = self._planned()
        times: Array = plan.origin + self._step * np.arange(float(plan.knots)) - now
        late = np.flatnonzero(times > _SOONEST)
        if not late.size:
            late, times = np.array([plan.knots - 1]), np.full(plan.knots, self._step)
        positions, velocities, accelerations = limits.evaluate(plan.control, self._step)
        track = plan.track.held(max(plan.knots, len(plan.track)))[: plan.knots]
        turn = rotation.continuous(rotation.from_matrix(track.turn))
        return Trajectory(
            joint_names=self.robot.joint_names,
            time_from_start=times[late],
            source_time=track.frames[late] * self._step,
            positions=positions[late],
            velocities=velocities[late],
            accelerations=accelerations[late],
            root_position=plan.root[late],
            root_orientation=turn[late],
            robot=self.robot.name,
            source=self._text,
        )


def _row(manner: Manner) -> Array:
    """Return what a track keeps of a manner, (3,)."""
    return np.array([manner.size, manner.lean, manner.nod])
