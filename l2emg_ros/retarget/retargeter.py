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

"""Whole motions to trajectories."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import limits
from l2emg_ros.retarget.collision import hulls_of
from l2emg_ros.retarget.ik import FrameSolver, IkConfig
from l2emg_ros.retarget.limits import Bounds
from l2emg_ros.retarget.repair import Repair
from l2emg_ros.retarget.report import evaluate
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import Footing, footing, RootPlanner
from l2emg_ros.retarget.stance import Stance
from l2emg_ros.retarget.targets import Builder, lead_in, Root, Targets
from l2emg_ros.retarget.track import interpolate, smooth_turns, turn_at
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

# Knots after the first frame in which the curve may lag: a motion that begins in full swing cannot
# be joined from rest at once, and slowing it down would only delay that.
_START_UP = 5
# Knots after the last frame in which joints may stop as they like.
_SHORT_STOP = 8
# Time between the imagined frames that lead to the first one: no limit on their speed, s.
_UNHURRIED = 1.0
# A joint that moves no point farther than this, m a radian, only turns a hand, foot or head: what
# its lag counts, and its smoothing, against those of the joints that place them.
_TURNS = 0.05
_TURNING_LAG, _TURNING_SMOOTHING = 0.5, 4.0
# Frames at the end that are slowed down where stopping at once would let links touch.
_SETTLE = 8
# A point of the first frame this far off makes a second attempt worth while, m.
_MISSED = 0.03


@dataclass(frozen=True)
class RetargetConfig:
    """How motions become trajectories."""

    rate: float = field(
        default=30.0,
        metadata={'help': 'samples a second', 'unit': 'Hz', 'min': 10.0, 'max': 200.0},
    )
    root: Root = field(
        default='kinematic',
        metadata={'help': 'kinematic: the root follows the pelvis; fixed: it stands still'},
    )
    joint_groups: tuple[str, ...] = field(
        default=(), metadata={'help': 'groups or joints that move; empty: all'}
    )
    smoothing: float = field(
        default=1.35, metadata={'help': 'weight of the jerk against the distance', 'min': 0.0}
    )
    root_smoothing: float = field(
        default=60.0,
        metadata={'help': 'weight of the jerk of the pelvis against its distance', 'min': 0.0},
    )
    approach_min_duration: float = field(
        default=0.5, metadata={'help': 'shortest way to the first pose', 'unit': 's', 'min': 0.0}
    )
    approach_velocity: float = field(
        default=0.5,
        metadata={'help': 'pace of the way to the first pose', 'unit': 'rad/s', 'min': 0.01},
    )
    lag: float = field(
        default=0.15,
        metadata={'help': 'distance at which time is stretched', 'unit': 'rad', 'min': 0.0},
    )
    max_stretch: float = field(
        default=4.0, metadata={'help': 'slowest pace of a passage, as a factor', 'min': 1.0}
    )
    ik: IkConfig = field(default_factory=IkConfig)


class Retargeter:
    """Turns motions into trajectories of one robot, inside its limits."""

    def __init__(self, robot: Robot, config: RetargetConfig | None = None) -> None:
        """Prepare the solver.

        Raises:
            BadRequest: ``config.joint_groups`` names an unknown group or joint.
        """
        self.robot = robot
        self.config = config or RetargetConfig()
        self.builder = Builder(robot, self.config.root)
        free = np.ones(len(robot.joint_names), dtype=bool)
        if self.config.joint_groups:
            free[:] = False
            free[robot.indices(self.config.joint_groups)] = True
        self.solver = FrameSolver(robot, self.builder, self.config.ik, free)
        self.stance = Stance(robot) if robot.map.has_legs else None
        self.repair = self._repair(free)
        self.root = RootPlanner(robot)
        turning = self.solver.levers() < _TURNS
        self._haste = np.where(turning, _TURNING_LAG, 1.0)
        self._smoothing = self.config.smoothing * np.where(turning, _TURNING_SMOOTHING, 1.0)
        self.step = 1.0 / self.config.rate
        self.bounds = Bounds.of(
            robot.lower, robot.upper, robot.velocity, robot.acceleration, self.step
        )

    def reset(self) -> None:
        """Forget the motion before: the next one starts anew."""
        self.solver.reset()
        if self.stance is not None:
            self.stance.reset()
        if self.repair is not None:
            self.repair.reset()

    def retarget(
        self, motion: Motion, start: ArrayLike | None = None, report: bool = True
    ) -> Trajectory:
        """Turn a motion into a trajectory.

        Args:
            motion: Any frame rate.
            start: (N,) rad, measured joint positions, at rest: a minimum-jerk approach leads from
                there to the first pose. None: the trajectory starts at the first pose.
            report: Whether to judge it too.

        Returns:
            A trajectory inside the limits whose last velocity is zero, with its report.

        Raises:
            BadRequest: ``start`` has another shape or is not finite.
        """
        motion = motion.resample(self.config.rate)
        self.reset()
        joints, root = self.solve(motion, self.config.root_smoothing)
        joints = self.apart(joints)
        # As smooth as the joints: feet that both hold would move otherwise.
        root = smooth_turns(root, self.config.smoothing)
        begin = joints[0] if start is None else self.checked(start)
        first = 0 if start is None else 1
        still = np.tile(self.clipped(begin), (3, 1))
        lead = joints[:0] if start is None else self.approach(still, joints[0])
        frames, control = self.follow(joints, still, lead)
        if self.repair is not None and self.repair.needed(self._stop(control, lead, frames)):
            # Who stops at once out of full swing goes on where nobody went: slow down before.
            frames, control = self.follow(joints, still, lead, settle=_SETTLE)
        positions, velocities, accelerations = limits.evaluate(control, self.step)
        frames = np.concatenate([np.zeros(len(lead)), frames])
        frames = np.pad(frames, (0, len(positions) - len(frames)), mode='edge')
        orientation = turn_at(root, frames)
        at = self.stand(positions, orientation, footing(motion).at(frames), None)
        trajectory = Trajectory(
            joint_names=self.robot.joint_names,
            time_from_start=self.step * np.arange(1.0, len(positions) - first + 1),
            source_time=frames[first:] * self.step,
            positions=positions[first:],
            velocities=velocities[first:],
            accelerations=accelerations[first:],
            root_position=at[first:],
            root_orientation=rotation.continuous(rotation.from_matrix(orientation))[first:],
            robot=self.robot.name,
            source=motion.text,
        )
        if not report:
            return trajectory
        return replace(trajectory, report=evaluate(self.robot, motion, trajectory, self.builder))

    def solve(self, motion: Motion, steady: float = 0.0) -> tuple[Array, Array]:
        """Solve every frame, going on from the last one solved.

        Args:
            motion: Frames that follow those of the call before.
            steady: See `Builder.build`; 0: no frame is looked at before its turn.

        Returns:
            Joint angles (T, N) rad and root orientations (T, 3, 3) in the world.
        """
        targets = self.builder.build(motion, self.stance, steady)
        if self.solver.fresh:
            self._begin(motion, targets)
        joints = np.empty((len(targets), len(self.robot.joint_names)))
        root = np.tile(np.eye(3), (len(targets), 1, 1))
        for row in range(len(targets)):
            joints[row], tilt = self.solver.solve(
                targets.points[row], targets.orientations[row], 1.0 / motion.fps
            )
            if self.config.root == 'kinematic':
                root[row] = targets.root[row] @ tilt
        return joints, root

    def apart(self, joints: Array) -> Array:
        """Return poses (T, N) in which links do not touch, where the upper body can help it."""
        return joints if self.repair is None else self.repair.push(joints)

    def _repair(self, free: NDArray[np.bool_]) -> Repair | None:
        """Return what keeps links apart; None where nothing can: without meshes, legs alone."""
        movable = free.copy()
        for key in self.builder.parts:
            if key.endswith('sole'):
                movable &= ~self.robot.supports(key)
        hulls = hulls_of(self.robot) if movable.any() else None
        if hulls is None:
            return None
        return Repair(self.robot, hulls, movable, self.solver.stiffness)

    def _begin(self, motion: Motion, targets: Targets) -> None:
        """Solve the first frame by the way a person would take or, if that fails, directly."""
        way = self.builder.build(lead_in(motion))
        for points, orientations in zip(way.points, way.orientations, strict=True):
            self.solver.solve(points, orientations, _UNHURRIED)
        self.solver.solve(targets.points[0], targets.orientations[0], _UNHURRIED)
        missed, found = self.solver.miss, self.solver.state
        if missed > _MISSED:
            self.solver.reset()
            self.solver.solve(targets.points[0], targets.orientations[0], _UNHURRIED)
            if self.solver.miss > missed:
                self.solver.state = found

    def approach(
        self,
        start: Array,
        goal: Array,
        pace: float | None = None,
        min_duration: float | None = None,
    ) -> Array:
        """Return the minimum-jerk way (L, N) from a state up to, not including, ``goal``.

        ``q = b + (goal - b) (10 s^3 - 15 s^4 + 6 s^5)`` with b the pose or, when the robot moves,
        the curve on which it would come to rest. From rest the velocity peaks at 1.875 and the
        acceleration at 5.77 times distance / duration (squared); both are kept below the limits.

        Args:
            start: (3, N) control points of the first knot.
            goal: (N,) rad.
            pace: rad/s; None: that of the configuration.
            min_duration: s; None: that of the configuration.
        """
        count = limits.braking_steps(start[2] - start[1], self.bounds)
        stop = limits.brake(start, self.bounds, count)
        distance = np.abs(goal - stop[-1])
        duration = max(
            self.config.approach_min_duration if min_duration is None else min_duration,
            float(distance.max()) / (pace or self.config.approach_velocity),
            float((1.9 * distance / self.robot.velocity).max()),
            float(np.sqrt(5.8 * distance / self.robot.acceleration).max()),
        )
        knots = max(int(np.ceil(duration / self.step - 1e-9)), count + 1)
        base = limits.evaluate(limits.extended(stop, knots + 2), self.step)[0]
        share = (np.arange(knots) / knots)[:, None]
        return np.asarray(base + (goal - base) * share**3 * (10 - 15 * share + 6 * share**2))

    def follow(
        self,
        joints: Array,
        start: Array,
        lead: Array,
        stretch: float = 1.0,
        most: float | None = None,
        settle: int = 0,
    ) -> tuple[Array, Array]:
        """Fit a curve inside the limits, slowing down where it cannot keep up.

        Args:
            joints: (T, N) rad, one a grid step at the motion's own pace.
            start: (3, N) control points of the first knot.
            lead: (L, N) rad, knots before the first frame.
            stretch: Least factor on the time between frames; below 1 plays faster.
            most: Largest factor; None: that of the configuration.
            settle: Frames at the end that are slowed down more and more.

        Returns:
            The fractional frame (K,) of every knot after the lead, and control points
            (L + K + tail + 2, N) of the curve, which ends at rest.
        """
        speed = (np.abs(np.diff(joints, axis=0)) / self.bounds.first).max(axis=1, initial=0.0)
        most = max(self.config.max_stretch if most is None else most, stretch)
        factors = np.clip(speed / 0.95, stretch, most)
        if settle:
            ending = np.linspace(stretch, most, min(settle, len(factors)) + 1)[1:]
            factors[-len(ending) :] = np.maximum(factors[-len(ending) :], ending)
        while True:
            frames = _grid(factors)
            reference = np.vstack([lead, interpolate(joints, frames)])
            end = reference[-1] - reference[max(len(reference) - 2, 0)]
            tail = max(3, 5 - len(reference)) + limits.braking_steps(end, self.bounds)
            # The slowest joint may take long to stop: meanwhile the others are held, not let go.
            held = max(tail - _SHORT_STOP, 0)
            control = limits.follow(
                np.vstack([reference, np.repeat(reference[-1:], held, axis=0)]),
                start,
                self.bounds,
                self._smoothing,
                tail - held,
            )
            curve = limits.evaluate(control, self.step)[0]
            gap = np.abs(curve[len(lead) : len(reference)] - reference[len(lead) :])
            gap = (gap * self._haste).max(axis=1)
            gap[:_START_UP] = 0.0
            slower = _slower(factors, frames[gap > self.config.lag], most)
            if np.array_equal(slower, factors):
                return frames, control
            factors = slower

    def _stop(self, control: Array, lead: Array, frames: Array) -> Array:
        """Return the poses (K, N) of a curve after its last frame."""
        return limits.evaluate(control, self.step)[0][len(lead) + len(frames) :]

    def stand(
        self, positions: Array, orientation: Array, feet: Footing, start: Array | None
    ) -> Array:
        """Return root positions (K, 3) m; see `RootPlanner.plan`."""
        if self.config.root == 'fixed':
            return self.root.fixed(len(positions))
        return self.root.plan(positions, orientation, feet, start)

    def clipped(self, pose: Array) -> Array:
        """Return a pose (N,) moved into the position limits."""
        return np.clip(pose, self.bounds.lower, self.bounds.upper)

    def checked(self, start: ArrayLike) -> Array:
        """Return a measured pose as an array (N,) after checking shape and finiteness.

        Raises:
            BadRequest: It is not N finite numbers.
        """
        values = np.asarray(start, dtype=np.float64)
        if values.shape != (len(self.robot.joint_names),) or not np.isfinite(values).all():
            raise BadRequest(
                f'start pose has shape {values.shape}: expected '
                f'{len(self.robot.joint_names)} finite joint angles'
            )
        return values


def _grid(stretch: Array) -> Array:
    """Return the fractional frame (K,) of every grid step, given (T - 1,) stretches of steps."""
    times = np.concatenate([[0.0], np.cumsum(stretch)])
    count = int(np.ceil(times[-1] - 1e-9)) + 1
    return np.interp(np.arange(count), times, np.arange(len(times)))


def _slower(factors: Array, late: Array, most: float) -> Array:
    """Slow down by a quarter around the fractional frames where the curve lags."""
    touched = np.zeros(len(factors), dtype=bool)
    for frame in late.astype(int):
        touched[max(frame - 3, 0) : frame + 3] = True
    return np.where(touched, np.minimum(factors * 1.25, most), factors)
