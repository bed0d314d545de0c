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

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import limits
from l2emg_ros.retarget.collision import hulls_of
from l2emg_ros.retarget.config import RetargetConfig
from l2emg_ros.retarget.curves import Curves
from l2emg_ros.retarget.ik import FrameSolver
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.repair import Repair
from l2emg_ros.retarget.report import evaluate
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import Footing, footing, RootPlanner
from l2emg_ros.retarget.scene import Scene, SceneTarget
from l2emg_ros.retarget.stance import Stance
from l2emg_ros.retarget.targets import Builder, lead_in, relaxed, Targets
from l2emg_ros.retarget.track import smooth_turns, turn_at
from l2emg_ros.retarget.trajectory import Trajectory

__all__ = ['RetargetConfig', 'Retargeter']

Array = NDArray[np.float64]

# Time between the imagined frames that lead to the first one: no limit on their speed, s.
_UNHURRIED = 1.0
# Frames at the end that are slowed down where stopping at once would let links touch.
_SETTLE = 8
# A point of the first frame this far off makes a second attempt worth while, m.
_MISSED = 0.03


@dataclass(frozen=True)
class _Choice:
    """What solves motions for some of the joints.

    Attributes:
        builder: Makes the targets.
        solver: Solves them.
        repair: Keeps links apart; None where these joints cannot.
        still: Whether the robot has legs, none of whose joints moves.
        start: State of the solver with hanging arms and straight legs, where motions begin.
    """

    builder: Builder
    solver: FrameSolver
    repair: Repair | None
    still: bool
    start: tuple[Array, Array, float]


class Retargeter:
    """Turns motions into trajectories of one robot, inside its limits."""

    def __init__(self, robot: Robot, config: RetargetConfig | None = None) -> None:
        """Prepare the solver.

        Raises:
            BadRequest: ``config.joint_groups`` names an unknown group or joint.
        """
        self.robot = robot
        self.config = config or RetargetConfig()
        self.stance = Stance(robot) if robot.map.has_legs else None
        self.root = RootPlanner(robot)
        # (2, N), the joints of each leg.
        self._legs = np.zeros((len(SIDES), len(robot.joint_names)), dtype=bool)
        if robot.map.has_legs:
            self._legs[:] = [robot.supports(f'{side}_sole') for side in SIDES]
        self._choices: dict[bytes, _Choice] = {}
        self.choose()
        self.curves = Curves(robot, self.config, self._legs, self.solver.levers())
        self.step, self.bounds = self.curves.step, self.curves.bounds

    @property
    def builder(self) -> Builder:
        """Makes the targets of the joints that were chosen."""
        return self._choice.builder

    @property
    def solver(self) -> FrameSolver:
        """Solves the joints that were chosen."""
        return self._choice.solver

    @property
    def repair(self) -> Repair | None:
        """Keeps links apart by the joints that were chosen; None where they cannot."""
        return self._choice.repair

    def choose(self, groups: Sequence[str] = ()) -> None:
        """Say what moves from the next motion on; the other joints stay in the home pose.

        Where no joint of a leg moves, the root stands still: somebody else may be walking.

        Args:
            groups: Joint groups or joints; empty: those of the configuration.

        Raises:
            BadRequest: A group or joint is unknown; the choice stays as it was.
        """
        names = tuple(groups) or self.config.joint_groups
        free = np.ones(len(self.robot.joint_names), dtype=bool)
        if names:
            free[:] = False
            free[self.robot.indices(names)] = True
        key = free.tobytes()
        if key not in self._choices:
            self._choices[key] = self._prepare(free)
        self._choice = self._choices[key]

    def _prepare(self, free: NDArray[np.bool_]) -> _Choice:
        """Prepare the solver for some joints (N,)."""
        still = self.robot.map.has_legs and not (self._legs & free).any()
        builder = Builder(self.robot, 'fixed' if still else self.config.root)
        solver = FrameSolver(self.robot, builder, self.config.ik, free)
        solver.solve(*builder.build(relaxed(self.config.rate)).frame(0), _UNHURRIED)
        start = solver.state
        solver.reset()
        return _Choice(builder, solver, self._repair(free, builder, solver), still, start)

    def footing(self, motion: Motion, before: Motion | None = None) -> Footing:
        """Return what the feet of the robot do in a motion; see `root.footing`."""
        feet = footing(motion, before)
        return feet.still() if self._choice.still else feet

    def reset(self) -> None:
        """Forget the motion before: the next one starts anew."""
        self.solver.reset()
        if self.stance is not None:
            self.stance.reset()
        if self.repair is not None:
            self.repair.reset()

    def retarget(
        self,
        motion: Motion,
        start: ArrayLike | None = None,
        report: bool = True,
        targets: Sequence[SceneTarget] = (),
        joint_groups: Sequence[str] = (),
    ) -> Trajectory:
        """Turn a motion into a trajectory.

        Args:
            motion: Any frame rate.
            start: (N,) rad, measured joint positions, at rest: a minimum-jerk approach leads from
                there to the first pose. None: the trajectory starts at the first pose.
            report: Whether to judge it too, against the motion.
            targets: What to point at, look at, reach, hand over or avoid meanwhile; whether that
                was possible is what `scene_report.judge` says.
            joint_groups: See `choose`.

        Returns:
            A trajectory inside the limits whose last velocity is zero, with its report.

        Raises:
            BadRequest: ``start`` has another shape or is not finite, a group is unknown, or two
                targets want the same limb at the same time.
        """
        self.choose(joint_groups)
        scene = self.scene(targets)
        motion = motion.resample(self.config.rate)
        self.reset()
        joints, root = self.solve(motion, self.config.root_smoothing, scene)
        joints = self.apart(joints)
        # As smooth as the joints: feet that both hold would move otherwise.
        root = smooth_turns(root, self.config.smoothing)
        begin = joints[0] if start is None else self.checked(start)
        first = 0 if start is None else 1
        still = np.tile(self.clipped(begin), (3, 1))
        lead = joints[:0] if start is None else self.curves.approach(still, joints[0])
        feet = self.footing(motion)
        stands = np.vstack([np.repeat(feet.stands[:1], len(lead), axis=0), feet.stands])
        aims = any(target.start < motion.duration for target in targets)
        frames, control = self.curves.follow(joints, still, lead, stands, aims=aims)
        if self.repair is not None and self.repair.needed(self._stop(control, lead, frames)):
            # Who stops at once out of full swing goes on where nobody went: slow down before.
            frames, control = self.curves.follow(
                joints, still, lead, stands, settle=_SETTLE, aims=aims
            )
        positions, velocities, accelerations = limits.evaluate(control, self.step)
        frames = np.concatenate([np.zeros(len(lead)), frames])
        frames = np.pad(frames, (0, len(positions) - len(frames)), mode='edge')
        orientation = turn_at(root, frames)
        at = self.stand(positions, orientation, feet.at(frames), None)
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

    def scene(self, targets: Sequence[SceneTarget]) -> Scene | None:
        """Return what lays targets over one motion of this robot; None: there are none.

        Raises:
            BadRequest: Two targets want the same limb at the same time.
        """
        if not targets:
            return None
        return Scene(self.robot, targets)

    def solve(
        self, motion: Motion, steady: float = 0.0, scene: Scene | None = None
    ) -> tuple[Array, Array]:
        """Solve every frame, going on from the last one solved.

        Args:
            motion: Frames that follow those of the call before.
            steady: See `Builder.build`; 0: no frame is looked at before its turn.
            scene: Targets laid over the motion, the same object for all of its chunks.

        Returns:
            Joint angles (T, N) rad and root orientations (T, 3, 3) in the world.
        """
        targets = self.builder.build(motion, self.stance, steady, scene=scene)
        if self.solver.fresh:
            self._begin(motion, targets)
        joints = np.empty((len(targets), len(self.robot.joint_names)))
        root = np.tile(np.eye(3), (len(targets), 1, 1))
        for row in range(len(targets)):
            joints[row], tilt = self.solver.solve(*targets.frame(row), 1.0 / motion.fps)
            if self.builder.root == 'kinematic':
                root[row] = targets.root[row] @ tilt
        return joints, root

    def apart(self, joints: Array) -> Array:
        """Return poses (T, N) in which links do not touch, where the upper body can help it."""
        return joints if self.repair is None else self.repair.push(joints)

    def _repair(
        self, free: NDArray[np.bool_], builder: Builder, solver: FrameSolver
    ) -> Repair | None:
        """Return what keeps links apart; None where nothing can: without meshes, legs alone."""
        movable = free.copy()
        for key in builder.parts:
            if key.endswith('sole'):
                movable &= ~self.robot.supports(key)
        hulls = hulls_of(self.robot) if movable.any() else None
        if hulls is None:
            return None
        return Repair(self.robot, hulls, movable, solver.stiffness)

    def _begin(self, motion: Motion, targets: Targets) -> None:
        """Solve the first frame by the way a person would take or, if that fails, directly."""
        way = self.builder.build(lead_in(motion))
        self.solver.state = self._choice.start
        for row in range(len(way)):
            self.solver.solve(*way.frame(row), _UNHURRIED)
        self.solver.solve(*targets.frame(0), _UNHURRIED)
        missed, found = self.solver.miss, self.solver.state
        if missed > _MISSED:
            self.solver.reset()
            self.solver.solve(*targets.frame(0), _UNHURRIED)
            if self.solver.miss > missed:
                self.solver.state = found

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
