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

"""A robot: its URDF read by Pinocchio, seen through its map file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import metadata
import os
from pathlib import Path
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros import resources
from l2emg_ros.errors import BadRequest, ResourceNotFound, RobotMapError
from l2emg_ros.retarget import mapping
from l2emg_ros.retarget.mapping import LinkMap, RobotMap

Array = NDArray[np.float64]

# Shorter limbs than this are a link mapped twice, metres.
_SHORTEST_LIMB = 0.03
_CHAINS = {
    '{}_shoulder': '{}_elbow',
    '{}_elbow': '{}_wrist',
    '{}_hip': '{}_knee',
    '{}_knee': '{}_ankle',
}


@dataclass(frozen=True, eq=False)
class Robot:
    """A humanoid with a fixed root in the model; arrays are read-only, in the order of its joints.

    Attributes:
        name: Name in the map file.
        joint_names: (N,) names of the moving joints.
        lower: (N,) rad.
        upper: (N,) rad.
        velocity: (N,) rad/s, limits on the absolute value.
        acceleration: (N,) rad/s^2, limits on the absolute value.
        home: (N,) rad, resting pose.
        urdf_path: The URDF.
        model: ``pinocchio.Model`` with nq = nv = N.
        map: The map file.
    """

    name: str
    joint_names: tuple[str, ...]
    lower: Array
    upper: Array
    velocity: Array
    acceleration: Array
    home: Array
    urdf_path: Path
    model: Any
    map: RobotMap

    @classmethod
    def load(cls, name: str | os.PathLike[str]) -> Robot:
        """Load a robot.

        Args:
            name: A shipped robot (`list_robots`) or the path of a map file.

        Raises:
            RobotMapError: Nothing has that name, or the map file and the URDF do not fit; the
                message names the entry and what was expected.
        """
        robot_map = mapping.load(_map_path(name))
        try:
            urdf = resolve(robot_map.urdf, robot_map.path.parent)
            return _build(robot_map, urdf)
        except RobotMapError as error:
            raise RobotMapError(f'{robot_map.path}: {error}') from None

    def placement(self, key: str) -> tuple[int, Array, Array]:
        """Return where a mapped point lies: joint number, (3,) m and (3, 3) in the joint's frame.

        The rotation holds the link's own forward, left and up directions as columns.
        """
        link = self.map.links[key]
        frame = self.model.frames[self.model.getFrameId(link.link, pin.FrameType.BODY)]
        rotation = frame.placement.rotation
        return (
            int(frame.parentJoint),
            frame.placement.translation + rotation @ link.point,
            rotation @ link.axes,
        )

    def supports(self, key: str) -> NDArray[np.bool_]:
        """Return which joints (N,) move a mapped link."""
        joint = self.placement(key)[0]
        chain = [int(j) - 1 for j in self.model.supports[joint] if j > 0]
        return np.isin(np.arange(len(self.joint_names)), chain)

    def indices(self, names: Iterable[str]) -> NDArray[np.intp]:
        """Return the numbers of the joints that groups, names or patterns select, in order.

        Raises:
            BadRequest: A name is neither a group nor a joint.
        """
        chosen: set[int] = set()
        for name in names:
            patterns = self.map.groups.get(name, (name,))
            found = _matching(self.joint_names, patterns)
            if not found:
                known = ', '.join([*self.map.groups, *self.joint_names])
                raise BadRequest(f'unknown joint group {name!r}: expected one of {known}')
            chosen.update(found)
        return np.array(sorted(chosen), dtype=np.intp)

    def limb_lengths(self) -> dict[str, float]:
        """Return the length in metres of every limb, keyed by its far end (``l_elbow``, ...).

        It is the distance of the mapped points in the home pose.
        """
        points = self.home_points()
        limbs = {}
        for side in mapping.SIDES:
            for near, far in _CHAINS.items():
                start, end = near.format(side), far.format(side)
                if start in points and end in points:
                    limbs[end] = float(np.linalg.norm(points[end] - points[start]))
        return limbs

    def home_points(self) -> dict[str, Array]:
        """Return the mapped points (3,) m in the home pose, in the frame of the model's root."""
        data = self.model.createData()
        pin.forwardKinematics(self.model, data, self.home)
        result = {}
        for key in self.map.links:
            joint, point, _ = self.placement(key)
            result[key] = data.oMi[joint].act(point)
        return result

    def check(self) -> list[str]:
        """Look for what loads but cannot work well.

        Returns:
            One sentence per finding; empty when all is well.
        """
        findings = []
        for end, length in self.limb_lengths().items():
            if length < _SHORTEST_LIMB:
                findings.append(
                    f'the limb that ends at {end} is {1e3 * length:.0f} mm long: '
                    f'expected more than {1e3 * _SHORTEST_LIMB:.0f} mm; is a link mapped twice?'
                )
        findings += self._check_sides()
        findings += self._check_torque()
        return findings

    def _check_sides(self) -> list[str]:
        """Left parts must lie on the left of the base, upper parts above lower ones."""
        points, findings = self.home_points(), []
        base = points['base_link']
        frame = self.placement('base_link')[2]
        local = {key: frame.T @ (point - base) for key, point in points.items()}
        for key in [key for key in local if key.startswith('l_')]:
            twin = 'r' + key[1:]
            if twin in local and local[key][1] <= local[twin][1]:
                findings.append(
                    f'{key} ({self.map.links[key].link}) is not to the left of {twin} '
                    f'({self.map.links[twin].link}): are the sides or base_link axes swapped?'
                )
        if self.map.has_legs and local['l_shoulder'][2] <= local['l_hip'][2]:
            findings.append('the shoulders are not above the hips: check the axes of base_link')
        return findings

    def _check_torque(self) -> list[str]:
        """Acceleration limits must be within reach of the motors at the home pose."""
        model, data = self.model, self.model.createData()
        inertia = np.diag(pin.crba(model, data, self.home))
        gravity = np.abs(pin.computeGeneralizedGravity(model, data, self.home))
        needed = inertia * self.acceleration + gravity
        return [
            f'{name}: {limit:g} rad/s^2 needs {torque:.0f} N m in the home pose, but the URDF '
            f'allows {effort:.0f} N m'
            for name, limit, torque, effort in zip(
                self.joint_names, self.acceleration, needed, model.effortLimit, strict=True
            )
            if 0 < effort < torque
        ]


def list_robots() -> dict[str, Path]:
    """Return the shipped robots: name -> map file."""
    found: dict[str, Path] = {}
    for place in reversed(resources.places()):
        for path in sorted(place.glob('urdf/robots/*/map.yaml')):
            found[path.parent.name] = path
    return dict(sorted(found.items()))


def resolve(address: str, base: Path) -> Path:
    """Find a file by ``package://NAME/...`` address or by its path relative to ``base``.

    A package is looked for as ROS does (share folders of AMENT_PREFIX_PATH and of this
    interpreter) and among the installed wheels.

    Raises:
        RobotMapError: It is not there; the message lists every place tried.
    """
    if not address.startswith('package://'):
        path = base / address
        if path.is_file():
            return path.resolve()
        raise RobotMapError(f'urdf is {address!r}: {path} is not a file')
    package, _, inside = address.removeprefix('package://').partition('/')
    tried = [share / inside for share in _share_folders(package)]
    for path in tried:
        if path.is_file():
            return path
    listed = ', '.join(map(str, tried))
    raise RobotMapError(f'urdf is {address!r}: install the package {package} (tried {listed})')


def _share_folders(package: str) -> list[Path]:
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    folders = [Path(prefix, 'share', package) for prefix in [*prefixes, sys.prefix]]
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    marker = f'share/{package}/package.xml'
    folders += [Path(str(f.locate())).parent for f in files if f.as_posix().endswith(marker)]
    return folders


def _map_path(name: str | os.PathLike[str]) -> Path:
    text = os.fspath(name)
    if text.endswith(('.yaml', '.yml')) or os.sep in text:
        path = Path(text)
        if not path.is_file():
            raise RobotMapError(f'{path} is not a file: expected the map file of a robot')
        return path
    try:
        return resources.find(f'urdf/robots/{text}/map.yaml')
    except ResourceNotFound:
        known = ', '.join(list_robots())
        raise RobotMapError(
            f'unknown robot {text!r}: expected one of {known} or the path of a map file'
        ) from None


def _build(robot_map: RobotMap, urdf: Path) -> Robot:
    """Join URDF and map file, and check that they fit."""
    try:
        model = pin.buildModelFromUrdf(str(urdf))
    except (RuntimeError, ValueError) as error:
        raise RobotMapError(
            f'urdf {urdf} cannot be read: {" ".join(str(error).split())}'
        ) from None
    names = tuple(model.names[1:])
    for name, joint in zip(names, model.joints[1:], strict=True):
        if joint.nq != 1:
            raise RobotMapError(
                f'joint {name} of {urdf.name} has {joint.nq} coordinates: '
                'expected revolute or prismatic joints with limits only'
            )
    _check_links(model, robot_map.links)
    limits = _limits(model, names, robot_map)
    home = np.zeros(len(names))
    for joint, value in robot_map.home.items():
        if joint not in names:
            raise RobotMapError(f'home.{joint} is not a joint of {urdf.name}')
        home[names.index(joint)] = value
    outside = [
        n for n, q, lo, up in zip(names, home, *limits[:2], strict=True) if not lo <= q <= up
    ]
    if outside:
        raise RobotMapError(f'home pose of {outside[0]} is outside its position limits')
    for group, patterns in robot_map.groups.items():
        _select(names, patterns, f'groups.{group}')
    for array in (*limits, home):
        array.setflags(write=False)
    return Robot(robot_map.name, names, *limits, home, urdf, model, robot_map)


def _check_links(model: Any, links: Mapping[str, LinkMap]) -> None:
    for key, link in links.items():
        if not model.existFrame(link.link, pin.FrameType.BODY):
            known = ', '.join(f.name for f in model.frames if f.type == pin.FrameType.BODY)
            raise RobotMapError(f'links.{key} is {link.link!r}: expected a link of {known}')
    root = links['base_link'].link
    frame = model.frames[model.getFrameId(root, pin.FrameType.BODY)]
    if frame.parentJoint != 0 or not frame.placement.isIdentity(1e-9):
        raise RobotMapError(f'links.base_link is {root!r}: expected the root link of the URDF')


def _limits(
    model: Any, names: tuple[str, ...], robot_map: RobotMap
) -> tuple[Array, Array, Array, Array]:
    """Return lower, upper, velocity and acceleration limits after the rules of the map file."""
    lower, upper = model.lowerPositionLimit.copy(), model.upperPositionLimit.copy()
    velocity = model.velocityLimit.copy()
    acceleration = np.full(len(names), np.nan)
    for number, rule in enumerate(robot_map.limits):
        where = f'limits[{number}]'
        for i in _select(names, rule.joints, where):
            if rule.velocity is not None:
                if 0 < model.velocityLimit[i] < rule.velocity:
                    raise RobotMapError(
                        f'{where} allows {names[i]} {rule.velocity:g} rad/s: '
                        f'the URDF allows {model.velocityLimit[i]:g}'
                    )
                velocity[i] = rule.velocity
            acceleration[i] = rule.acceleration or acceleration[i]
            lower[i] = lower[i] if rule.lower is None else max(lower[i], rule.lower)
            upper[i] = upper[i] if rule.upper is None else min(upper[i], rule.upper)
    for i, name in enumerate(names):
        if not np.isfinite([lower[i], upper[i]]).all() or not lower[i] < upper[i]:
            raise RobotMapError(
                f'{name} may move from {lower[i]:g} to {upper[i]:g}: expected lower < upper'
            )
        if not 0 < velocity[i] < np.inf:
            raise RobotMapError(f'{name} has velocity limit {velocity[i]:g}: add one to limits')
        if not 0 < acceleration[i] < np.inf:
            raise RobotMapError(f'{name} has no acceleration limit: add one to limits')
    return lower, upper, velocity, acceleration


def _select(names: tuple[str, ...], patterns: Sequence[str], where: str) -> list[int]:
    for pattern in patterns:
        if not _matching(names, (pattern,)):
            raise RobotMapError(f'{where}: no joint of the URDF matches {pattern!r}')
    return _matching(names, patterns)


def _matching(names: tuple[str, ...], patterns: Sequence[str]) -> list[int]:
    return [i for i, name in enumerate(names) if any(fnmatchcase(name, p) for p in patterns)]
