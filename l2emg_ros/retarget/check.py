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

"""Looks for everything that is wrong with a map file and its URDF, at once."""

from __future__ import annotations

import os

import numpy as np
import pinocchio as pin

from l2emg_ros.errors import RobotMapError
from l2emg_ros.retarget import mapping, urdf
from l2emg_ros.retarget.collision import SelfCollision
from l2emg_ros.retarget.robot import inspect, Robot

# Nobody moves a joint faster than this, and no robot should beside people, rad/s.
_FASTEST = 20.0
_SLOWER = 'add lower ones to limits, people seldom exceed 10'
# More than this is no acceleration limit, rad/s^2.
_HARDEST = 1000.0
_SOFTER = 'ten times the velocity is a good start'
# Joints need room to move, rad; more than a full turn winds up cables.
_NARROWEST, _WIDEST = 0.01, 2 * np.pi + 1e-3
# Shorter limbs than this are a link mapped twice, metres; the two sides may differ by a tenth.
_SHORTEST_LIMB = 0.03
_SAME_LIMB = 0.1
# In the home pose soles lie on one floor, m, and are level, as the cosine of 6 degrees.
_LEVEL, _FLAT = 0.02, 0.995


def check(name: str | os.PathLike[str]) -> tuple[Robot | None, list[str]]:
    """Load a robot and look for what is wrong with it.

    Args:
        name: A shipped robot or the path of a map file.

    Returns:
        The robot as far as it loads (None: no URDF), and one sentence per finding that says what
        to change; empty when all is well.

    Raises:
        RobotMapError: Nothing has that name.
        OSError: The map file cannot be read.
    """
    robot, findings = inspect(name)
    if robot is not None:
        findings += findings_of(robot)
        findings += _collisions(robot)
    return robot, findings


def findings_of(robot: Robot) -> list[str]:
    """Look for what loads but cannot work well; quick, without the shapes of the robot.

    Returns:
        One sentence per finding that says what to change.
    """
    checks = (_limbs, _sides, uneven, _torque, _speeds, _ranges, _mimics)
    return [finding for look in checks for finding in look(robot)]


def _limbs(robot: Robot) -> list[str]:
    """Limbs must have a length, about the same on both sides."""
    lengths = robot.limb_lengths()
    findings = [
        f'the limb that ends at {end} is {1e3 * length:.0f} mm long: '
        f'expected more than {1e3 * _SHORTEST_LIMB:.0f} mm; is a link mapped twice?'
        for end, length in lengths.items()
        if length < _SHORTEST_LIMB
    ]
    for end, length in lengths.items():
        twin = lengths.get(f'r{end[1:]}', 0.0)
        known = end.startswith('l_') and min(length, twin) >= _SHORTEST_LIMB
        if known and abs(length - twin) > _SAME_LIMB * max(length, twin):
            findings.append(
                f'the limbs that end at {end} and r{end[1:]} are {1e3 * length:.0f} and '
                f'{1e3 * twin:.0f} mm long: expected the same; map the same links on both sides'
            )
    return findings


def _sides(robot: Robot) -> list[str]:
    """Left parts must lie on the left of the base, upper parts above lower ones."""
    points = robot.home_points()
    if 'base_link' not in points:
        return []
    findings = []
    frame = robot.placement('base_link')[2]
    local = {key: frame.T @ (point - points['base_link']) for key, point in points.items()}
    for key in [key for key in local if key.startswith('l_')]:
        twin = 'r' + key[1:]
        if twin in local and local[key][1] <= local[twin][1]:
            findings.append(
                f'{key} ({robot.map.links[key].link}) is not to the left of {twin} '
                f'({robot.map.links[twin].link}): are the sides or base_link axes swapped?'
            )
    if {'l_shoulder', 'l_hip'} <= set(local) and local['l_shoulder'][2] <= local['l_hip'][2]:
        findings.append('the shoulders are not above the hips: check the axes of base_link')
    return findings


def uneven(robot: Robot) -> list[str]:
    """Return what is wrong with the soles: level, below the ankles and on one floor they stand."""
    keys = [f'{side}_sole' for side in mapping.SIDES if f'{side}_sole' in robot.map.links]
    if not keys or 'base_link' not in robot.map.links:
        return []
    findings, heights = [], []
    base = robot.placement('base_link')[2]
    points, data = robot.home_points(), robot.model.createData()
    pin.forwardKinematics(robot.model, data, robot.home)
    for key in keys:
        link = robot.map.links[key]
        joint, origin, axes = robot.placement(key)
        place = data.oMi[joint]
        if (base.T @ place.rotation @ axes)[2, 2] < _FLAT:
            findings.append(
                f'{key} is not level in the home pose: change the ankle joints in home, '
                f'or forward and up of links.{key}'
            )
        corners = origin + (link.corners - link.point) @ (axes @ link.axes.T).T
        low = ((corners @ place.rotation.T + place.translation) @ base)[:, 2]
        heights.append(float(low.mean()))
        ankle = points.get(f'{key[0]}_ankle')
        if ankle is not None and low.mean() > (base.T @ ankle)[2]:
            findings.append(f'the corners of {key} lie above the ankle: check corners and up')
    if len(heights) == 2 and abs(heights[0] - heights[1]) > _LEVEL:
        findings.append(
            f'the soles differ by {1e3 * abs(heights[0] - heights[1]):.0f} mm in height in the '
            'home pose: change the legs in home, or the corners'
        )
    return findings


def _speeds(robot: Robot) -> list[str]:
    """Limits must be of the size of a person's."""
    findings = []
    for what, limits, most, unit, advice in (
        ('velocity', robot.velocity, _FASTEST, 'rad/s', _SLOWER),
        ('acceleration', robot.acceleration, _HARDEST, 'rad/s^2', _SOFTER),
    ):
        beyond = [
            f'{name} ({limit:g})'
            for name, limit in zip(robot.joint_names, limits, strict=True)
            if limit > most
        ]
        if beyond:
            findings.append(f'{what} limits above {most:g} {unit}: {", ".join(beyond)}; {advice}')
    return findings


def _ranges(robot: Robot) -> list[str]:
    """Joints must have room to move, and not more than a turn."""
    findings = []
    for name, low, high in zip(robot.joint_names, robot.lower, robot.upper, strict=True):
        if 0 < high - low < _NARROWEST:
            findings.append(
                f'{name} may only move from {low:g} to {high:g}: widen it or name it in locked'
            )
        if _WIDEST < high - low < np.inf:
            findings.append(
                f'{name} may move from {low:g} to {high:g}, more than a turn: add lower and upper '
                'to limits'
            )
    return findings


def _torque(robot: Robot) -> list[str]:
    """Acceleration limits must be within reach of the motors at the home pose."""
    model, data = robot.model, robot.model.createData()
    inertia = np.diag(pin.crba(model, data, robot.home))
    gravity = np.abs(pin.computeGeneralizedGravity(model, data, robot.home))
    needed = inertia * robot.acceleration + gravity
    findings = []
    for name, limit, torque, held, effort in zip(
        robot.joint_names, robot.acceleration, needed, gravity, model.effortLimit, strict=True
    ):
        if 0 < effort < held:
            findings.append(
                f'{name}: holding the home pose takes {held:.0f} N m, but the URDF allows '
                f'{effort:.0f} N m: change home, or name the joint in locked'
            )
        elif 0 < effort < torque:
            findings.append(
                f'{name}: {limit:g} rad/s^2 needs {torque:.0f} N m in the home pose, but the URDF '
                f'allows {effort:.0f} N m: lower its acceleration in limits'
            )
    return findings


def _mimics(robot: Robot) -> list[str]:
    """Joints that mimic others do not move by themselves."""
    found = urdf.mimics(robot.urdf_path)
    mimics = [name for name in robot.joint_names if name in found]
    if not mimics:
        return []
    return [f'{", ".join(mimics)} only mimic other joints: name them in locked']


def _collisions(robot: Robot) -> list[str]:
    """The robot must not touch itself at rest."""
    room = robot.upper - robot.lower
    if not np.isfinite(room).all() or (room < 0).any():
        return []  # limits that are missing were found before
    try:
        hulls = SelfCollision(robot)
    except RobotMapError as error:
        return [f'self-collision cannot be checked: {error}']
    pairs = [f'{one} and {other}' for one, other in hulls.colliding(robot.home)]
    if not pairs:
        return []
    return [f'in the home pose {", ".join(pairs)} touch: hold them apart in home']
