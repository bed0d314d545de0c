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
"""What a robot did as a person would do it: the way back from a trajectory to a motion.

A person shows a robot a motion by moving it. The forward kinematics of the robot gives what the
retargeter aims at: the directions of the limbs and the orientations of trunk, head, hands and
feet. A person of SMPL's size takes them over. Elbows and knees are hinges, which tells how upper
arms and thighs turn about themselves; a straight limb turns as little as its neighbours in time
allow. What a robot lacks stays at rest.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import BadRequest, MotionFormatError
from l2emg_ros.motion import conversion, limbs, rotation, skeleton
from l2emg_ros.motion.blend import CONTACT_JOINTS, STANDING_HEIGHT
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.mapping import SIDES
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import fade, held_travel, RootPlanner
from l2emg_ros.retarget.targets import PARTS, rest_axes
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

FPS = 30.0
"""Frames a second of the motions."""

# Longer than any demonstration, s: what is longer has wrong times.
_LONGEST = 3600.0
# What rounding leaves of the length of a quaternion.
_OFF = 1e-2
_HUMAN = dict(zip(SIDES, skeleton.SIDES, strict=True))
# Human bone, by its far end -> mapped points at its near and far end.
_BONES = {
    f'{_HUMAN[side]}_{far}': (f'{side}_{near}', f'{side}_{far}')
    for side in SIDES
    for near, far in (
        ('shoulder', 'elbow'),
        ('elbow', 'wrist'),
        ('hip', 'knee'),
        ('knee', 'ankle'),
    )
}
_FEET = [skeleton.index(name) for name in CONTACT_JOINTS]
# A part of a sole stands below the first height, m, and speed, m/s, and no longer beyond the
# second.
_HEIGHT_RAMP, _SPEED_RAMP = (0.02, 0.06), (0.2, 0.6)
# Soles less high than this are on the floor: recordings tremble, m.
_TREMBLE = 0.01
# A root that moves less is not moved at all: the robot hangs on a stand, m.
_STILL = 1e-3


def to_motion(robot: Robot, trajectory: Trajectory) -> Motion:
    """Return the motion of a person who does what a robot did.

    Joints that the trajectory leaves out rest in the home pose of the robot. Where its root
    stands still all the time, as on a stand, the lower foot is on the floor.

    Args:
        robot: Whose joints the trajectory moves.
        trajectory: Any times that increase; velocities and accelerations shape what is between.

    Returns:
        A motion of 30 fps whose first frame is the first sample, and whose text is the source of
        the trajectory.

    Raises:
        BadRequest: The robot has no such joint.
        MotionFormatError: Times do not increase or span more than an hour, an orientation of the
            root is no unit quaternion, or a joint is named twice.
    """
    times = _times(trajectory)
    joints = _poses(robot, trajectory, times)
    place, orientation = trajectory.sample_root(times)
    turn = rotation.to_matrix(orientation)
    parts, bones = _seen(robot, joints, turn)
    rotations = _rotations(parts, bones)
    relative = skeleton.forward_kinematics(rotations, np.zeros((len(times), 3)))[0][:, _FEET]
    root = _root(robot, joints, place, turn, relative)
    return Motion.from_rotations(rotation.continuous(rotations), root, FPS, text=trajectory.source)


def _times(trajectory: Trajectory) -> Array:
    """Return the instants (T,) s of the frames."""
    times = trajectory.time_from_start
    steps = np.diff(times)
    if (steps <= 0).any():
        late = times[int(np.argmax(steps <= 0)) + 1]
        raise MotionFormatError(f'time_from_start does not increase at {late:.3f} s')
    span = float(times[-1] - times[0])
    if span > _LONGEST:
        raise MotionFormatError(f'trajectory lasts {span:.0f} s: expected at most {_LONGEST:g}')
    off = np.abs(np.linalg.norm(trajectory.root_orientation, axis=1) - 1.0) > _OFF
    if off.any():
        raise MotionFormatError(
            f'root_orientation at {times[int(np.argmax(off))]:.3f} s is no unit quaternion'
        )
    return np.asarray(times[0] + np.arange(int(span * FPS + 1e-6) + 1) / FPS)


def _poses(robot: Robot, trajectory: Trajectory, times: Array) -> Array:
    """Return joint positions (T, N) rad in the order of the robot."""
    numbers = {name: number for number, name in enumerate(robot.joint_names)}
    names = trajectory.joint_names
    # Fingers and the like, which the map locks, may have been recorded too.
    strange = [
        name
        for name in names
        if name not in numbers and not any(fnmatchcase(name, p) for p in robot.map.locked)
    ]
    if strange:
        raise BadRequest(
            f'{robot.name} has no joint {strange[0]!r}: expected some of {", ".join(numbers)}'
        )
    known = [column for column, name in enumerate(names) if name in numbers]
    if not known or len({names[column] for column in known}) < len(known):
        raise MotionFormatError(
            f'joint_names holds no joint of {robot.name}, or one twice: expected each once'
        )
    poses = np.tile(robot.home, (len(times), 1))
    sampled = trajectory.sample(times)[0]
    poses[:, [numbers[names[column]] for column in known]] = sampled[:, known]
    return poses


def _seen(robot: Robot, joints: Array, turn: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return what a person takes over from poses (T, N).

    Returns:
        World orientations (T, 4) of human joints, and world directions (T, 3) of bones by the
        human joint at their far end.
    """
    links = robot.map.links
    keys = [*(key for key in PARTS if key in links), *dict.fromkeys(sum(_BONES.values(), ()))]
    keys = [key for key in dict.fromkeys(keys) if key in links]
    points, axes = robot.places(keys, joints)
    at = {key: limbs.turn(turn, points[:, number]) for number, key in enumerate(keys)}
    parts = {
        PARTS[key]: rotation.from_matrix(turn @ axes[:, number] @ rest_axes(key).T)
        for number, key in enumerate(keys)
        if key in PARTS
    }
    bones = {
        bone: limbs.unit(at[far] - at[near])
        for bone, (near, far) in _BONES.items()
        if near in at and far in at
    }
    return parts, bones


def _rotations(parts: dict[str, Array], bones: dict[str, Array]) -> Array:
    """Return parent-local rotations (T, 22, 4) from what was seen."""
    local = conversion.to_smpl(_joints(parts, bones))
    world = skeleton.forward_kinematics(local, np.zeros((len(local), 3)))[1]
    chest = parts['spine3']
    parts = {'head': chest, **parts}
    parts['neck'] = rotation.slerp(chest, parts['head'], 0.5)
    for side in skeleton.SIDES:
        parts.setdefault(f'{side}_wrist', world[:, skeleton.index(f'{side}_elbow')])
        parts[f'{side}_foot'] = parts.setdefault(
            f'{side}_ankle', world[:, skeleton.index(f'{side}_knee')]
        )
    for name, orientation in parts.items():
        world[:, skeleton.index(name)] = orientation
    local[:, 0] = world[:, 0]
    parents = world[:, list(skeleton.PARENTS[1:])]
    local[:, 1:] = rotation.multiply(rotation.inverse(parents), world[:, 1:])
    return rotation.normalize(local)


def _joints(parts: dict[str, Array], bones: dict[str, Array]) -> Array:
    """Return joint positions (T, 22, 3) m of a person, from the pelvis in world directions."""
    pelvis, chest = parts['pelvis'], parts['spine3']
    frames = {
        'spine1': rotation.slerp(pelvis, chest, 1 / 3),
        'spine2': rotation.slerp(pelvis, chest, 2 / 3),
        **parts,
    }
    positions = np.zeros((len(pelvis), len(skeleton.JOINT_NAMES), 3))
    for joint in range(1, len(skeleton.JOINT_NAMES)):
        parent, name = skeleton.PARENTS[joint], skeleton.JOINT_NAMES[joint]
        offset = skeleton.REST_OFFSETS[joint]
        # What was not seen goes on as the joint before.
        before = skeleton.JOINT_NAMES[parent]
        frames.setdefault(name, frames.get(before, pelvis))
        step = rotation.apply(frames.get(before, pelvis), offset)
        if name in bones:
            step = bones[name] * np.linalg.norm(offset)
        positions[:, joint] = positions[:, parent] + step
    return positions


def _root(robot: Robot, joints: Array, place: Array, turn: Array, feet: Array) -> Array:
    """Return where the pelvis is (T, 3) m: the feet are on the floor as those of the robot are.

    Args:
        robot: The robot.
        joints: (T, N) rad.
        place: (T, 3) m, its root in the world.
        turn: (T, 3, 3), orientation of its root.
        feet: (T, 4, 3) m, ankles and balls of the person from the pelvis, in world directions.
    """
    under = (feet[..., 2] - STANDING_HEIGHT).min(axis=1)
    if not robot.map.has_legs:
        return np.column_stack([place[:, :2], -under])
    planner, scale = RootPlanner(robot), robot.leg_scale()
    corners = planner.corners(joints, turn) + place[:, None, None]
    soles = planner.parts(corners)
    lowest = corners[..., 2].min(axis=(1, 2))
    if np.ptp(place, axis=0).max() < _STILL:
        # Nothing tells where the floor is, and how fast it goes by.
        clearance = np.zeros(len(place))
        contacts = fade(soles[..., 2] - lowest[:, None], _HEIGHT_RAMP)
    else:
        floor = np.percentile(lowest, 5.0)
        clearance = np.maximum(lowest - floor - _TREMBLE, 0.0) / scale
        speed = np.linalg.norm(np.diff(soles, axis=0, prepend=soles[:1]), axis=-1) * FPS
        contacts = fade(soles[..., 2] - floor, _HEIGHT_RAMP) * fade(speed, _SPEED_RAMP)
    free = np.diff(place[:, :2], axis=0) / scale
    travel = place[0, :2] + held_travel(feet[..., :2], contacts, free)
    return np.column_stack([travel, clearance - under])
