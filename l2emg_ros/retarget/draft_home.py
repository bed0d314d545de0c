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

"""Drafts the home pose of a robot: that of a person who stands at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import RobotMapError
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import check
from l2emg_ros.retarget.collision import SelfCollision
from l2emg_ros.retarget.ik import FrameSolver
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.targets import Builder

Array = NDArray[np.float64]

# Tangent of the angle by which the forearm points forward in the home pose.
_ELBOW = 0.35
# Where arms are lowered from, rad from hanging, and in how many steps.
_RAISED, _STEPS = 1.4, 15
# How far out hanging arms are held, rad: the first that does not touch the trunk.
_ARMS_OUT = (0.12, 0.25, 0.4, 0.55, 0.7)


def home(robot: Robot) -> dict[str, float]:
    """Return joint -> rad of standing with hanging arms, knees and elbows slightly bent.

    Where the ankles cannot follow bent knees these are straight; where arms would touch the trunk
    they hang farther out.
    """
    for bent in (True, False):
        q = _posed(robot, bent, _ARMS_OUT[0])
        if not check.uneven(replace(robot, home=q)):
            break
    try:
        hulls = SelfCollision(robot)
        for out in _ARMS_OUT[1:]:
            if not hulls.colliding(q):
                break
            q = _posed(robot, bent, out)
    except RobotMapError:
        pass  # without its meshes nothing is known of how thick the robot is
    return {
        joint: round(value, 2)
        for joint, value, low, high in zip(
            robot.joint_names, q.tolist(), robot.lower, robot.upper, strict=True
        )
        if abs(value) > 0.005 or not low <= 0 <= high
    }


def _posed(robot: Robot, bent: bool, out: float) -> Array:
    """Return the pose (N,) of `standing`, to 0.01 rad and inside the limits.

    Of the two ways there, at once and by lowering raised arms, the one that ends closer counts.
    """
    builder, found = Builder(robot, 'fixed'), []
    for first in (out, _RAISED):
        solver = FrameSolver(robot, builder)
        for angle in np.linspace(first, out, 1 if first == out else _STEPS):
            targets = builder.build(standing(bent, angle))
            q, _ = solver.solve(*targets.frame(0), 1.0)
        found.append((round(solver.miss, 3), q))
    q = min(found, key=lambda entry: entry[0])[1]
    rounded = np.clip(
        np.round(q, 2), np.ceil(100 * robot.lower) / 100, np.floor(100 * robot.upper) / 100
    )
    return np.clip(rounded, robot.lower, robot.upper)


def standing(bent: bool, out: float) -> Motion:
    """Return one frame of a person at rest, arms ``out`` rad from hanging straight down."""
    local = np.tile([0.0, 0.0, 0.0, 1.0], (1, 22, 1))
    local[:, 0] = rotation.SMPL_TO_ROS_QUAT
    knee = 0.3 if bent else 0.0
    for side, sign in (('left', 1.0), ('right', -1.0)):
        # In SMPL's axes: x left, y up, z forward.
        hanging = np.array([sign * np.sin(out), -np.cos(out), 0.0])
        upper = rotation.between(_bone(f'{side}_elbow'), hanging)
        fore = rotation.between(
            rotation.apply(upper, _bone(f'{side}_wrist')), hanging + np.array([0.0, 0.0, _ELBOW])
        )
        turns = {
            'shoulder': upper,
            'elbow': rotation.multiply(rotation.inverse(upper), rotation.multiply(fore, upper)),
            'hip': rotation.from_rotvec([-knee / 2, 0.0, 0.0]),
            'knee': rotation.from_rotvec([knee, 0.0, 0.0]),
            'ankle': rotation.from_rotvec([-knee / 2, 0.0, 0.0]),
        }
        for joint, turn in turns.items():
            local[:, skeleton.index(f'{side}_{joint}')] = turn
    return Motion.from_rotations(local, np.array([[0.0, 0.0, 0.93]]), 30.0)


def _bone(joint: str) -> Array:
    """Return the bone (3,) that ends at a human joint at rest, in SMPL's axes."""
    return np.asarray(skeleton.REST_OFFSETS[skeleton.index(joint)])
