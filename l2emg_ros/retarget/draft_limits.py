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

"""Drafts velocity and acceleration limits, and notes ranges that look wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pinocchio as pin

from l2emg_ros.retarget.figure import Figure
from l2emg_ros.retarget.robot import Robot

# rad/s: what next to no gesture of people exceeds, and still safe beside them (see the G1's map).
_FASTEST = {
    'waist': 5.0,
    'head': 4.0,
    'shoulder': 8.0,
    'elbow': 10.0,
    'wrist': 10.0,
    'hip': 8.0,
    'knee': 12.0,
    'ankle': 12.0,
}
# Share of that where the URDF says nothing.
_UNKNOWN = 0.25
# Full speed is reached in this time, s, if the motors can.
_RAMP = 0.1
# Share of the torque above gravity that a drafted acceleration uses.
_TORQUE = 0.8
_FULL_TURN = 2 * np.pi


def narrowed(figure: Figure) -> list[dict[str, Any]]:
    """Return rules for joints that turn by more than a full turn: half a turn to either side."""
    model = figure.tree.model
    rules = []
    for joint in figure.moving:
        i = model.joints[joint].idx_q
        low, high = model.lowerPositionLimit[i], model.upperPositionLimit[i]
        if high - low > _FULL_TURN + 1e-6:
            low, high = max(low, -3.14), min(high, 3.14)
            rules.append({'joints': model.names[joint], 'lower': float(low), 'upper': float(high)})
    return rules


def rules(
    figure: Figure, robot: Robot, home: Mapping[str, float]
) -> list[tuple[dict[str, Any], str]]:
    """Return ``limits``: one rule for the joints of a part that have the same ones, and a comment.

    Args:
        figure: The robot seen as a person.
        robot: The robot with any limits.
        home: Joint -> rad, at which the motors are loaded as they are at rest.
    """
    model = figure.tree.model
    free = _free_acceleration(robot, home)
    found: dict[tuple[str, float, float, str], list[str]] = {}
    for joint, role in sorted(_roles(figure).items()):
        name = model.names[joint]
        if name not in free:  # locked
            continue
        allowed = float(model.velocityLimit[model.joints[joint].idx_v])
        fastest = _FASTEST[role]
        known = 0 < allowed < np.inf
        velocity = min(allowed, fastest) if known else _UNKNOWN * fastest
        comment = f'URDF: {allowed:g} rad/s' if known and allowed > fastest else ''
        if not known:
            comment = f'check: the URDF allows {allowed:g} rad/s; a careful guess'
        acceleration = velocity / _RAMP
        if free[name] < acceleration:
            acceleration = free[name]
            if acceleration <= 0:
                acceleration = velocity
                comment = 'check: the torque of the URDF does not hold the limb'
        key = (role, _down(velocity), _down(acceleration), comment)
        found.setdefault(key, []).append(name)
    limits: list[tuple[dict[str, Any], str]] = [
        ({'joints': joints, 'velocity': velocity, 'acceleration': acceleration}, comment)
        for (_, velocity, acceleration, comment), joints in found.items()
    ]
    return limits + [
        (rule, 'check: the URDF allows more than a turn')
        for rule in narrowed(figure)
        if rule['joints'] in free
    ]


def _roles(figure: Figure) -> dict[int, str]:
    """Return what part of a person each joint moves."""
    roles = dict.fromkeys(figure.waist, 'waist') | dict.fromkeys(figure.head, 'head')
    for parts, pair in (
        (('shoulder', 'elbow', 'wrist'), figure.arms),
        (('hip', 'knee', 'ankle'), figure.legs),
    ):
        for limb in pair.values():
            bend = limb.joints.index(limb.bend)
            end = limb.joints.index(limb.end) if limb.hinged else len(limb.joints)
            for number, joint in enumerate(limb.joints):
                at = 0 if number < bend else 1 if number < max(end, bend + 1) else 2
                roles[joint] = parts[at]
    return roles


def _free_acceleration(robot: Robot, home: Mapping[str, float]) -> dict[str, float]:
    """Return what the motors can do above gravity, rad/s^2, in the worse of zero and home pose."""
    model, data = robot.model, robot.model.createData()
    resting = np.array([home.get(name, 0.0) for name in robot.joint_names])
    free = np.full(len(resting), np.inf)
    for q in (resting, robot.home):
        inertia = np.diag(pin.crba(model, data, q))
        gravity = np.abs(pin.computeGeneralizedGravity(model, data, q))
        able = _TORQUE * (model.effortLimit - gravity) / np.maximum(inertia, 1e-6)
        free = np.minimum(free, np.where(model.effortLimit > 0, able, np.inf))
    return dict(zip(robot.joint_names, free.tolist(), strict=True))


def asymmetries(figure: Figure) -> list[str]:
    """Return the pairs of joints whose ranges do not mirror each other."""
    tree, left = figure.tree, figure.left
    odd = []
    for pair in (figure.arms, figure.legs):
        for one, other in zip(*(limb.joints for limb in pair.values()), strict=False):
            ranges = []
            for joint in (one, other):
                i = tree.model.joints[joint].idx_q
                ranges.append(
                    np.array([tree.model.lowerPositionLimit[i], tree.model.upperPositionLimit[i]])
                )
            # A reflection turns the sense of every rotation but those about its normal.
            axis = tree.axes[one]
            same = (2 * (axis @ left) * left - axis) @ tree.axes[other] > 0
            mirrored = ranges[0] if same else -ranges[0][::-1]
            if np.abs(mirrored - ranges[1]).max() > 0.1:
                odd.append(f'{tree.model.names[one]} / {tree.model.names[other]}')
    return odd


def _down(value: float) -> float:
    """Round down to two significant digits, so that a limit stays below its source."""
    step = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f'{np.floor(value / step + 1e-9) * step:.6g}')
