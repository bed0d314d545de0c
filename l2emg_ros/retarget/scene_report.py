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
"""Whether a robot did what its targets in space asked for, told in one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion import limbs, rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.ik import FrameSolver
from l2emg_ros.retarget.reaching import Arm
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import footing, RootPlanner
from l2emg_ros.retarget.scene import Scene
from l2emg_ros.retarget.scene_target import HANDS, SceneTarget
from l2emg_ros.retarget.stance import Stance
from l2emg_ros.retarget.targets import Builder, relaxed, Root
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

# A target is met when it is missed by no more than this: m, or rad for directions.
TOLERANCES = {'reach': 0.03, 'hand_over': 0.03, 'point_at': 0.1, 'look_at': 0.2, 'avoid': 0.01}
# A target counts where it has taken over by this share.
_IN_FULL = 0.99
# From here on lengths are told in metres, m.
_FAR = 0.1
# Frames a second in which a target takes over from a standing robot, and how many there are to
# settle.
_FPS, _SETTLING = 10.0, 20
# Time between them: no limit on their speed, s.
_UNHURRIED = 1.0


@dataclass(frozen=True)
class Answer:
    """What became of a target.

    Attributes:
        target: What was asked for.
        limb: With what: a hand, 'both arms', 'head', or 'trunk' where there is no head.
        miss: By how much it was missed at best, m or rad; 'avoid': how deep the arms were inside
            at worst, negative where they stayed out; infinite where the motion ended before.
        met: Whether that is within `TOLERANCES`.
        time: s from the start of the trajectory, when that was.
        why: What stood in the way, or ''.
    """

    target: SceneTarget
    limb: str
    miss: float
    met: bool
    time: float
    why: str = ''

    def __str__(self) -> str:
        """Tell it in one line."""
        if np.isinf(self.miss):
            return f'{self.target}: not done, {self.why}'
        if self.target.kind in ('point_at', 'look_at'):
            size = f'{np.degrees(self.miss):.0f} degrees'
        else:
            metres = abs(self.miss)
            size = f'{metres:.2f} m' if metres >= _FAR else f'{1e3 * metres:.0f} mm'
        good, bad = {
            'point_at': (f'pointing within {size}', f'{size} off'),
            'look_at': (f'looking within {size}', f'{size} off'),
            'avoid': (f'{size} {"away" if self.miss < 0.0 else "inside"}', f'{size} inside'),
        }.get(self.target.kind, (f'reached within {size}', f'{size} short'))
        told = f'{good if self.met else f"unreachable: {bad}"} at {self.time:.1f} s'
        return f'{self.target} with {self.limb}: {told}' + (f', {self.why}' if self.why else '')


def judge(robot: Robot, trajectory: Trajectory, targets: Iterable[SceneTarget]) -> list[Answer]:
    """Say what became of the targets that a trajectory was made with.

    Args:
        robot: The robot.
        trajectory: A whole one, with its ``source_time``.
        targets: In the same frame as they were given: where the robot stands when the motion
            begins.
    """
    judged = _Judged(robot, trajectory)
    return [judged.answer(target) for target in targets]


def unreachable(robot: Robot, target: SceneTarget, root: Root = 'kinematic') -> str | None:
    """Say why a robot that stands relaxed cannot do what a target asks for; None: it can.

    Answers before anything is played, by the same way as a motion goes: overlay and inverse
    kinematics, solved until the robot has settled. Times of the target do not count.

    Args:
        robot: The robot.
        target: What is asked for.
        root: As in `RetargetConfig`.
    """
    target = replace(target, start=0.0, duration=0.0)
    motion = Motion.concatenate([relaxed(_FPS)] * _SETTLING)
    builder, planner = Builder(robot, root), RootPlanner(robot)
    solver = FrameSolver(robot, builder)
    stance = Stance(robot) if robot.map.has_legs else None
    asked = builder.build(motion, stance, scene=Scene(robot, [target]))
    joints, turns = [], []
    for row, turn in enumerate(asked.root):
        q, tilt = solver.solve(*asked.frame(row), _UNHURRIED)
        joints.append(q)
        turns.append(turn @ tilt if root == 'kinematic' else np.eye(3))
    positions, orientation = np.array(joints), np.array(turns)
    if root == 'fixed':
        place = planner.fixed(len(positions))
    else:
        place = planner.plan(positions, orientation, footing(motion), None)
    ends, still = [0, -1], np.zeros((2, len(robot.joint_names)))
    trajectory = Trajectory(
        joint_names=robot.joint_names,
        time_from_start=np.array([1.0, _SETTLING]) / _FPS,
        source_time=np.array([0.0, _SETTLING - 1.0]) / _FPS,
        positions=positions[ends],
        velocities=still,
        accelerations=still,
        root_position=place[ends],
        root_orientation=rotation.from_matrix(orientation[ends]),
        robot=robot.name,
    )
    answer = judge(robot, trajectory, [target])[0]
    return None if answer.met else str(answer)


class _Judged:
    """A trajectory by forward kinematics, in the world."""

    def __init__(self, robot: Robot, trajectory: Trajectory) -> None:
        keys = [key for key in robot.map.links if key != 'base_link']
        at, axes = robot.places(keys, trajectory.positions)
        root = rotation.to_matrix(trajectory.root_orientation)
        world = np.einsum('tij,tkj->kti', root, at) + trajectory.root_position
        self._at = dict(zip(keys, world, strict=True))
        turned = root[:, None] @ axes
        self._forward = {key: turned[:, number, :, 0] for number, key in enumerate(keys)}
        self._name = robot.name
        self._arms = {side: Arm.of(robot, side) for side in HANDS}
        self._times, self._source = trajectory.time_from_start, trajectory.source_time
        # The way to the first frame, if there is one, answers instant 0 too.
        first = max(int(np.searchsorted(self._source, 1e-9, side='right')) - 1, 0)
        self._heading = limbs.heading(root[first] @ robot.map.links['base_link'].axes)
        height = RootPlanner(robot).fixed(1)[0, 2]
        self._origin = np.array([*trajectory.root_position[first, :2], height])

    def answer(self, target: SceneTarget) -> Answer:
        point = self._origin + self._heading @ np.array(target.point)
        if target.full > self._source[-1] + 1e-6:
            why = f'the motion ends at {self._source[-1]:.1f} s'
            return Answer(target, target.limb, np.inf, False, float(self._times[-1]), why)
        rows = np.flatnonzero(target.weight(self._source) >= _IN_FULL)
        if not rows.size:
            # It counts between two samples only.
            rows = np.array([np.abs(self._source - target.full).argmin()])
        if target.kind == 'look_at':
            missed = {'head' if 'gaze' in self._at else 'trunk': self._looking(point)}
        else:
            sides = [side for side in HANDS if target.limb in ('either', HANDS[side])]
            missed = {HANDS[side]: self._missed(side, target, point) for side in sides}
        if target.kind == 'avoid':
            limb = next(iter(missed)) if len(missed) == 1 else 'both arms'
            inside = np.max(list(missed.values()), axis=0)
            row = rows[inside[rows].argmax()]
            return self._told(target, limb, float(inside[row]), row)
        # Where the hand was left open, that one was chosen which did better.
        limb = min(missed, key=lambda limb: missed[limb][rows].min())
        row = rows[missed[limb][rows].argmin()]
        answer = self._told(target, limb, float(missed[limb][row]), row)
        if answer.met or target.kind not in ('reach', 'hand_over'):
            return answer
        side = limb[0]
        length = self._arms[side].length
        if np.linalg.norm(point - self._at[f'{side}_shoulder'][row]) <= length:
            return answer
        return replace(answer, why=f'the arm of {self._name} is {length:.2f} m long')

    def _told(self, target: SceneTarget, limb: str, miss: float, row: np.intp) -> Answer:
        met = miss <= TOLERANCES[target.kind]
        return Answer(target, limb, miss, met, float(self._times[row]))

    def _hand(self, side: str) -> Array:
        """Return where the point of the gripper, or else of the wrist, is (T, 3)."""
        return self._at.get(f'{side}_gripper', self._at[f'{side}_wrist'])

    def _missed(self, side: str, target: SceneTarget, point: Array) -> Array:
        """Return by how much an arm misses, or is inside what it is to avoid, (T,) m or rad."""
        if target.kind == 'avoid':
            return self._inside(side, target.radius, point)
        if target.kind != 'point_at':
            return np.asarray(np.linalg.norm(self._hand(side) - point, axis=-1))
        shoulder = self._at[f'{side}_shoulder']
        return limbs.angle(self._hand(side) - shoulder, point - shoulder)

    def _looking(self, point: Array) -> Array:
        """Return how far (T,) rad head or trunk look past the point."""
        if 'gaze' in self._at:
            return limbs.angle(self._forward['gaze'], point - self._at['gaze'])
        eyes = (self._at['l_shoulder'] + self._at['r_shoulder']) / 2
        return limbs.angle(self._forward['torso'], point - eyes)

    def _inside(self, side: str, radius: float, point: Array) -> Array:
        """Return how deep (T,) m forearm and hand are in the sphere."""
        arm = self._arms[side]
        elbow, wrist = self._at[f'{side}_elbow'], self._at[f'{side}_wrist']
        hand = f'{side}_gripper'
        fingers = self._forward[hand] if hand in self._at else limbs.unit(wrist - elbow)
        near = np.minimum(
            _distance(point, elbow, wrist), _distance(point, wrist, wrist + arm.tips * fingers)
        )
        return np.asarray(radius + arm.thick - near)


def _distance(point: Array, start: Array, end: Array) -> Array:
    """Return the distances (T,) m of a point from segments."""
    bone = end - start
    share = ((point - start) * bone).sum(axis=-1) / np.maximum((bone**2).sum(axis=-1), 1e-12)
    nearest = start + np.clip(share, 0.0, 1.0)[:, None] * bone
    return np.asarray(np.linalg.norm(point - nearest, axis=-1))
