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

"""What the retargeter is compared with: textbook inverse kinematics, Pink, and bare arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin
from scipy.linalg.lapack import dposv

from l2emg_ros.retarget.ik import IkConfig
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.targets import Builder, Targets

Array = NDArray[np.float64]

_DAMPING = 1e-4
_STEPS = 2
_PINK_STEPS, _PINK_SOLVER, _PINK_DAMPING = 3, 'daqp', 1e-4


def textbook(robot: Robot, builder: Builder, targets: Targets) -> Iterator[Array]:
    """Yield joint angles (N,) by damped least squares with clamped position limits.

    One call of Pinocchio for each task, two steps a frame, no cost on velocities: smooth only as
    far as the targets are.
    """
    model, data = robot.model, robot.model.createData()
    points = [robot.placement(key) for key in builder.points]
    parts = [robot.placement(key) for key in builder.parts]
    config, size = IkConfig(), model.nv
    near = np.array([config.cost(key) for key in builder.points])
    turned = [config.cost(key) for key in builder.parts]
    q = robot.home.copy()
    for row in range(len(targets)):
        for _ in range(_STEPS):
            pin.computeJointJacobians(model, data, q)
            normal, right = np.eye(size) * _DAMPING, np.zeros(size)
            costs = near * targets.weights[row]
            for (joint, offset, _), target, cost in zip(
                points, targets.points[row], costs, strict=True
            ):
                jacobian = pin.getJointJacobian(model, data, joint, pin.LOCAL_WORLD_ALIGNED)
                arm = data.oMi[joint].rotation @ offset
                moved = jacobian[:3] - pin.skew(arm) @ jacobian[3:]
                normal += cost * moved.T @ moved
                right += cost * moved.T @ (target - data.oMi[joint].translation - arm)
            for (joint, _, axes), target, cost in zip(
                parts, targets.orientations[row], turned, strict=True
            ):
                angular = pin.getJointJacobian(model, data, joint, pin.LOCAL_WORLD_ALIGNED)[3:]
                error = pin.log3(target @ (data.oMi[joint].rotation @ axes).T)
                normal += cost * angular.T @ angular
                right += cost * angular.T @ error
            q = np.clip(q + np.linalg.solve(normal, right), robot.lower, robot.upper)
        yield q


def pink(robot: Robot, builder: Builder, targets: Targets, rate: float) -> Iterator[Array]:
    """Yield joint angles (N,) by Pink, the inverse kinematics of Caron et al. on Pinocchio.

    The same targets and costs as tasks of a quadratic program with Pink's limits on positions and
    velocities, three steps a frame.

    Args:
        robot: The robot.
        builder: Which points and parts have targets.
        targets: Of every frame.
        rate: Frames a second.

    Raises:
        ImportError: Pink, or the solver of its quadratic programs, is not installed.
    """
    from pink import Configuration, solve_ik
    from pink.limits import ConfigurationLimit, VelocityLimit
    from pink.tasks import FrameTask

    model = robot.model.copy()
    model.lowerPositionLimit, model.upperPositionLimit = robot.lower, robot.upper
    model.velocityLimit = robot.velocity
    config = IkConfig()
    tasks: list[Any] = []
    for key in (*builder.points, *builder.parts):
        joint, offset, axes = robot.placement(key)
        placement = pin.SE3(axes, offset)
        # A link may have a point and a part.
        name = f'{key}/{len(tasks)}'
        model.addFrame(pin.Frame(name, joint, placement, pin.FrameType.OP_FRAME))
        cost = config.cost(key) ** 0.5
        costs = (cost, 0.0) if len(tasks) < len(builder.points) else (0.0, cost)
        tasks.append(FrameTask(name, *costs))
    limits = [ConfigurationLimit(model), VelocityLimit(model)]
    configuration = Configuration(model, model.createData(), robot.home)
    step = 1.0 / (rate * _PINK_STEPS)
    for row in range(len(targets)):
        wanted = [
            *(pin.SE3(np.eye(3), point) for point in targets.points[row]),
            *(pin.SE3(turn, np.zeros(3)) for turn in targets.orientations[row]),
        ]
        for task, target in zip(tasks, wanted, strict=True):
            task.set_target(target)
        for task, key, weight in zip(tasks, builder.points, targets.weights[row], strict=False):
            task.set_position_cost((config.cost(key) * weight) ** 0.5)
        for _ in range(_PINK_STEPS):
            velocity = solve_ik(
                configuration,
                tasks,
                step,
                solver=_PINK_SOLVER,
                damping=_PINK_DAMPING,
                limits=limits,
                safety_break=False,
            )
            configuration.integrate_inplace(velocity, step)
        yield configuration.q.copy()


def floor(robot: Robot, builder: Builder, frames: int) -> float:
    """Return the process seconds that no such method can save for a number of frames.

    Jacobians, one normal matrix of all tasks and one Cholesky solution for each of two steps.
    """
    model, data = robot.model, robot.model.createData()
    rows = 3 * (len(builder.points) + len(builder.parts))
    jacobian = np.random.default_rng(0).normal(size=(rows, model.nv))
    right, damping = np.ones(model.nv), np.eye(model.nv)
    began = time.process_time()
    for _ in range(_STEPS * frames):
        pin.computeJointJacobians(model, data, robot.home)
        dposv(jacobian.T @ jacobian + damping, right)
    return time.process_time() - began
