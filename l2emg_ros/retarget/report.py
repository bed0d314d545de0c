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

"""How well a trajectory follows a motion, in the figures that retargeting papers use."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from l2emg_ros.motion import limbs, rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import balance
from l2emg_ros.retarget.collision import hulls_of
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import footing, RootPlanner
from l2emg_ros.retarget.targets import Builder
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

# A joint this close to a position limit counts as stopped by it, rad.
_AT_LIMIT = 1e-3
# A step of a joint this large between two samples is a jump, rad.
_JUMP = 0.5
# A human foot part is in stance when its contact is at least this sure.
_STANCE = 0.9
_BONES = {
    'upper_arm': ('shoulder', 'elbow'),
    'forearm': ('elbow', 'wrist'),
    'thigh': ('hip', 'knee'),
    'shin': ('knee', 'ankle'),
}
_PARTS = {'torso': ('torso',), 'foot': ('l_sole', 'r_sole'), 'wrist': ('l_gripper', 'r_gripper')}
_SIDES = {'l': 'left', 'r': 'right'}


@dataclass(frozen=True)
class Report:
    """Figures of one trajectory, means over its frames; the first frame is left out.

    Attributes:
        frames: Samples that were judged: those that answer a new instant of the motion.
        limb_error: mm, distance of elbows, wrists, knees and ankles from the targets (human bone
            directions, robot limb lengths), relative to the root.
        mpjpe: mm, distance from the human joints after one scale, relative to the root.
        upper_arm: degrees between the human and the robot bone.
        forearm: degrees.
        thigh: degrees.
        shin: degrees.
        pelvis: degrees between the orientation of the part and that of the robot's link, after a
            constant offset.
        torso: degrees.
        foot: degrees.
        wrist: degrees.
        jumps: Joint steps above 0.5 rad.
        jerk: rad/s^3, RMS of the third difference over joints and samples.
        skate: mm/s, horizontal speed of the foot parts that the person keeps in place.
        penetration: mm, deepest corner of a sole below the floor.
        self_collision: Share of all samples, approach and stop included, in which two links touch;
            NaN where the meshes of the robot are not there.
        balance: Share of the samples on the floor with the centre of mass over the soles that
            touch it; 1 without legs.
        at_limit: Share of the samples with a joint at a position limit.
        violations: Samples beyond a position, velocity or acceleration limit.
        stretch: Seconds of trajectory for a second of motion, approach and final stop left out.
        slow: Share of the samples in which the robot stands slowly (`balance.Standing`).
        upright: Share of those with the centre of mass over the soles that touch the floor; 1
            where there is none.
    """

    frames: int
    limb_error: float
    mpjpe: float
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    pelvis: float
    torso: float
    foot: float
    wrist: float
    jumps: int
    jerk: float
    skate: float
    penetration: float
    self_collision: float
    balance: float
    at_limit: float
    violations: int
    stretch: float
    slow: float
    upright: float

    def __str__(self) -> str:
        """Say the essential in one line."""
        touching = f'{self.self_collision:.1%}'
        return (
            f'limbs {self.limb_error:.1f} mm off, {self.violations} limit violations, '
            f'time stretch {self.stretch:.3f}, foot slide {self.skate:.0f} mm/s, '
            f'jerk {self.jerk:.0f} rad/s^3, links touch in '
            f'{"unknown" if np.isnan(self.self_collision) else touching} of the samples'
        )

    @staticmethod
    def mean(reports: list[Report]) -> dict[str, float]:
        """Average over clips by frames; counts are added up, the worst penetration is kept.

        `upright` is averaged by the frames that it speaks of.
        """
        weights = np.array([report.frames for report in reports], dtype=float)
        result: dict[str, float] = {}
        for name in (item.name for item in fields(Report)):
            values = np.array([getattr(report, name) for report in reports], dtype=float)
            if name in ('frames', 'jumps', 'violations'):
                result[name] = float(values.sum())
            elif name == 'penetration':
                result[name] = float(values.max())
            elif name == 'jerk':
                result[name] = float(np.sqrt(np.average(values**2, weights=weights)))
            elif name == 'upright':
                slow = weights * [report.slow for report in reports]
                result[name] = float(np.average(values, weights=np.maximum(slow, 1e-9)))
            else:
                result[name] = float(np.average(values, weights=np.maximum(weights, 1e-9)))
        return result


def evaluate(
    robot: Robot, motion: Motion, trajectory: Trajectory, builder: Builder | None = None
) -> Report:
    """Compare a trajectory with the motion it was made from.

    Args:
        robot: The robot.
        motion: The motion, at the rate of the trajectory's source or any other.
        trajectory: What to judge.
        builder: Target builder to share; made where it is None.
    """
    builder = builder or Builder(robot)
    chosen = np.flatnonzero(np.diff(trajectory.source_time, prepend=np.inf) > 0)
    frames = np.clip(trajectory.source_time[chosen] * motion.fps, 0, motion.frames - 1)
    low = np.clip(np.floor(frames).astype(int), 0, max(motion.frames - 2, 0))
    high, share = np.minimum(low + 1, motion.frames - 1), frames - low
    targets = builder.build(motion, exact=True)

    def mix(values: Array) -> Array:
        part = share.reshape(-1, *([1] * (values.ndim - 1)))
        return np.asarray(values[low] + part * (values[high] - values[low]))

    root = rotation.to_matrix(trajectory.root_orientation[chosen])
    points, parts = _kinematics(robot, builder, trajectory.positions[chosen])
    world = np.einsum('tij,tkj->tki', root, points)
    sought = mix(np.einsum('tij,tkj->tki', targets.root, targets.points))
    names = (*builder.points, *(f'{s}_{j}' for j in ('shoulder', 'hip') for s in _SIDES))
    at = dict(zip(names, np.swapaxes(world, 0, 1), strict=False))
    human = mix(motion.joint_positions())
    angles = {
        bone: _bone_angle(at, human, *ends) if f'l_{ends[1]}' in at else 0.0
        for bone, ends in _BONES.items()
    }
    turned = root[:, None] @ parts
    wanted = mix(targets.root[:, None] @ targets.orientations)
    for part, keys in _PARTS.items():
        columns = [builder.parts.index(key) for key in keys if key in builder.parts]
        angles[part] = _angle(turned[:, columns], wanted[:, columns])
    planted, deepest = _feet(robot, motion, trajectory, chosen, frames)
    stands = balance.standing(robot, trajectory)
    over, slow = (stands.distance == 0.0)[chosen], stands.slow[chosen]
    landed = ~np.isnan(stands.distance[chosen])
    return Report(
        frames=len(chosen),
        limb_error=_mean(1e3 * np.linalg.norm(world[:, : len(builder.points)] - sought, axis=-1)),
        mpjpe=_mpjpe(at, human),
        pelvis=_angle(root[:, None], mix(targets.root)[:, None]),
        **angles,
        jumps=int((np.abs(np.diff(trajectory.positions, axis=0)) > _JUMP).sum()),
        jerk=_jerk(trajectory),
        skate=planted,
        penetration=deepest,
        self_collision=_touching(robot, trajectory.positions),
        balance=_mean(over[landed], 1.0),
        at_limit=_at_limit(robot, trajectory, chosen),
        violations=violations(robot, trajectory),
        stretch=_stretch(trajectory, chosen),
        slow=_mean(slow),
        upright=_mean(over[slow], 1.0),
    )


def violations(robot: Robot, trajectory: Trajectory, tolerance: float = 1e-6) -> int:
    """Count samples beyond a limit, finite differences of the samples included."""
    q, v, a = trajectory.positions, trajectory.velocities, trajectory.accelerations
    return beyond_limits(robot, np.diff(trajectory.time_from_start), q, v, a, tolerance)


def beyond_limits(
    robot: Robot, steps: ArrayLike, q: Array, v: Array, a: Array, tolerance: float
) -> int:
    """Count samples beyond a limit, finite differences of the samples included.

    Args:
        robot: The robot.
        steps: Seconds between the samples, (T - 1,) or one for all.
        q: (T, N) rad.
        v: (T, N) rad/s.
        a: (T, N) rad/s^2.
        tolerance: In each of these units.
    """
    step = np.reshape(steps, (-1, 1))
    beyond = (q < robot.lower - tolerance) | (q > robot.upper + tolerance)
    beyond |= (np.abs(v) > robot.velocity + tolerance) | (
        np.abs(a) > robot.acceleration + tolerance
    )
    beyond[1:] |= np.abs(np.diff(q, axis=0) / step) > robot.velocity + tolerance
    beyond[1:] |= np.abs(np.diff(v, axis=0) / step) > robot.acceleration + tolerance
    return int(beyond.any(axis=1).sum())


def _kinematics(robot: Robot, builder: Builder, positions: Array) -> tuple[Array, Array]:
    """Return points (T, K + 4, 3), sockets last, and parts (T, M, 3, 3) in the root's frame."""
    sockets = [f'{s}_{j}' for j in ('shoulder', 'hip') for s in _SIDES]
    keys = [*builder.points, *(key for key in sockets if key in robot.map.links)]
    points, axes = robot.places((*keys, *builder.parts), positions)
    return points[:, : len(keys)], axes[:, len(keys) :]


def _bone_angle(at: dict[str, Array], human: Array, start: str, stop: str) -> float:
    """Mean angle in degrees between a bone of the robot and of the person, both sides."""
    angles = []
    for side, name in _SIDES.items():
        robot = at[f'{side}_{stop}'] - at[f'{side}_{start}']
        person = (
            human[:, skeleton.index(f'{name}_{stop}')]
            - human[:, skeleton.index(f'{name}_{start}')]
        )
        angles.append(np.degrees(limbs.angle(robot, person)))
    return _mean(np.array(angles))


def _mpjpe(at: dict[str, Array], human: Array) -> float:
    """Mean distance in mm after the one scale that fits best."""
    columns = [skeleton.index(f'{_SIDES[key[0]]}_{key[2:]}') for key in at]
    person = human[:, columns] - human[:, :1]
    robot = np.stack(list(at.values()), axis=1)
    scale = (person * robot).sum() / max(float((person**2).sum()), 1e-9)
    return _mean(1e3 * np.linalg.norm(robot - scale * person, axis=-1))


def _angle(first: Array, second: Array) -> float:
    """Mean angle in degrees between rotations (T, M, 3, 3) after a constant offset of each part.

    The second may be mixtures. Captures carry such offsets: a foot flat on the floor is not flat
    in every skeleton.
    """
    if first.size == 0:
        return 0.0
    angles = []
    for column in range(first.shape[1]):
        between = Rotation.from_matrix(np.swapaxes(first[:, column], 1, 2) @ second[:, column])
        angles.append((between * between.mean().inv()).magnitude())
    return _mean(np.degrees(np.array(angles)))


def _feet(
    robot: Robot, motion: Motion, trajectory: Trajectory, chosen: NDArray[np.intp], frames: Array
) -> tuple[float, float]:
    """Return the sliding of planted foot parts, mm/s, and the deepest corner, mm."""
    if not robot.map.has_legs or len(chosen) < 2:
        return 0.0, 0.0
    planner = RootPlanner(robot)
    feet = footing(motion).at(frames)
    root = rotation.to_matrix(trajectory.root_orientation[chosen])
    corners = planner.corners(trajectory.positions[chosen], root)
    parts = planner.parts(corners) + trajectory.root_position[chosen, None]
    step = np.diff(trajectory.time_from_start[chosen])[:, None]
    speed = 1e3 * np.linalg.norm(np.diff(parts[..., :2], axis=0), axis=-1) / step
    planted = np.minimum(feet.contacts[1:], feet.contacts[:-1]) >= _STANCE
    height = corners[..., 2].min(axis=(1, 2)) + trajectory.root_position[chosen, 2]
    return _mean(speed[planted]), 1e3 * max(0.0, -float(height.min()))


def _touching(robot: Robot, positions: Array) -> float:
    """Return the share of poses (T, N) in which two links touch."""
    hulls = hulls_of(robot)
    return float('nan') if hulls is None else hulls.share(positions)


def _jerk(trajectory: Trajectory) -> float:
    if len(trajectory) < 4:
        return 0.0
    step = float(np.median(np.diff(trajectory.time_from_start)))
    return float(np.sqrt(np.mean(np.diff(trajectory.positions, 3, axis=0) ** 2))) / step**3


def _at_limit(robot: Robot, trajectory: Trajectory, chosen: NDArray[np.intp]) -> float:
    q = trajectory.positions[chosen]
    near = (q < robot.lower + _AT_LIMIT) | (q > robot.upper - _AT_LIMIT)
    return _mean(near.any(axis=1).astype(float))


def _stretch(trajectory: Trajectory, chosen: NDArray[np.intp]) -> float:
    """Time from the first frame to the last over the motion's own."""
    if not len(chosen):
        return 1.0
    first = chosen[0] - 1
    played = trajectory.time_from_start[chosen[-1]] - trajectory.time_from_start[first]
    return float(played / (trajectory.source_time[chosen[-1]] - trajectory.source_time[first]))


def _mean(values: NDArray[Any], none: float = 0.0) -> float:
    return float(values.mean()) if values.size else none
