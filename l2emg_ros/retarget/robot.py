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
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros import resources
from l2emg_ros.errors import BadRequest, ResourceNotFound, RobotMapError
from l2emg_ros.motion import skeleton
from l2emg_ros.retarget import mapping, urdf
from l2emg_ros.retarget.mapping import LinkMap, RobotMap

Array = NDArray[np.float64]

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
        path = map_path(name)
        robot, problems = inspect(path)
        if robot is None or problems:
            raise RobotMapError(f'{path}: {"; ".join(problems)}')
        return robot

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

    def leg_scale(self) -> float:
        """Return the length of a leg over that of a person; the robot has legs."""
        lengths = self.limb_lengths()
        human = sum(
            float(np.linalg.norm(skeleton.REST_OFFSETS[skeleton.index(f'left_{joint}')]))
            for joint in ('knee', 'ankle')
        )
        return (lengths['l_knee'] + lengths['l_ankle']) / human

    def home_points(self) -> dict[str, Array]:
        """Return the mapped points (3,) m in the home pose, in the frame of the model's root."""
        data = self.model.createData()
        pin.forwardKinematics(self.model, data, self.home)
        result = {}
        for key in self.map.links:
            joint, point, _ = self.placement(key)
            result[key] = data.oMi[joint].act(point)
        return result

    def home_axes(self, key: str) -> Array:
        """Return a link's forward, left and up (3, 3) in the home pose, in the root's frame."""
        data = self.model.createData()
        pin.forwardKinematics(self.model, data, self.home)
        joint, _, axes = self.placement(key)
        return np.asarray(data.oMi[joint].rotation @ axes)

    def places(self, keys: Sequence[str], positions: Array) -> tuple[Array, Array]:
        """Return where mapped links are in poses, in the frame of the model's root.

        Args:
            keys: Their K neutral names.
            positions: (T, N) rad.

        Returns:
            Points (T, K, 3) m, and forward, left and up of the links (T, K, 3, 3).
        """
        places = [self.placement(key) for key in keys]
        data = self.model.createData()
        frames = np.empty((len(positions), len(places), 4, 4))
        for row, q in enumerate(positions):
            pin.forwardKinematics(self.model, data, q)
            frames[row] = [data.oMi[place[0]].homogeneous for place in places]
        turns, offsets = frames[..., :3, :3], np.array([place[1] for place in places])
        points = (turns @ offsets[..., None])[..., 0] + frames[..., :3, 3]
        return points, turns @ np.array([place[2] for place in places])

    def check(self) -> list[str]:
        """Look for what loads but cannot work well.

        Returns:
            One sentence per finding; empty when all is well. `l2emg_ros.retarget.check.check` also
            looks at the shapes, and at maps that do not load.
        """
        from l2emg_ros.retarget.check import findings_of

        return findings_of(self)


def list_robots() -> dict[str, Path]:
    """Return the shipped robots: name -> map file."""
    found: dict[str, Path] = {}
    for place in reversed(resources.places()):
        for path in sorted(place.glob('urdf/robots/*/map.yaml')):
            found[path.parent.name] = path
    return dict(sorted(found.items()))


def map_path(name: str | os.PathLike[str]) -> Path:
    """Return the map file of a robot, by its name or by the path itself.

    Raises:
        RobotMapError: It is not there.
    """
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


def inspect(name: str | os.PathLike[str]) -> tuple[Robot | None, list[str]]:
    """Load as much of a robot as its map file and URDF allow.

    Returns:
        The robot without the entries that are wrong, limits that are missing as NaN (None: there
        is no URDF), and one sentence per problem. Without problems it is what `Robot.load` gives.

    Raises:
        RobotMapError: Nothing has that name.
    """
    robot_map, problems = mapping.inspect(map_path(name))
    if robot_map is None:
        return None, problems
    try:
        robot, more = assemble(robot_map)
    except RobotMapError as error:
        return None, [*problems, str(error)]
    return robot, problems + more


def assemble(robot_map: RobotMap) -> tuple[Robot, list[str]]:
    """Join a map with its URDF.

    Returns:
        The robot without the entries that do not fit, and one sentence per problem.

    Raises:
        RobotMapError: There is no URDF.
    """
    path = urdf.resolve(robot_map.urdf, robot_map.path.parent)
    model, problems = _unlocked(urdf.read(path), robot_map.locked)
    names = tuple(model.names[1:])
    odd = [
        f'joint {name} of {path.name} has {joint.nq} coordinates: expected revolute or '
        f'prismatic joints only; name it in locked'
        for name, joint in zip(names, model.joints[1:], strict=True)
        if joint.nq != 1
    ]
    if odd:
        raise RobotMapError('; '.join([*problems, *odd]))
    wrong = _check_links(model, robot_map.links)
    problems += wrong.values()
    limits, refused = _limits(model, names, robot_map)
    home, outside = _home(names, robot_map.home, *limits[:2])
    problems += refused + outside
    for group, patterns in robot_map.groups.items():
        _select(names, patterns, f'groups.{group}', problems)
    for array in (*limits, home):
        array.setflags(write=False)
    fitting = {key: link for key, link in robot_map.links.items() if key not in wrong}
    fitting_map = replace(robot_map, links=fitting)
    return Robot(robot_map.name, names, *limits, home, path, model, fitting_map), problems


def _unlocked(model: Any, locked: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the model without the joints that stay at 0."""
    names = tuple(model.names[1:])
    problems: list[str] = []
    chosen = _select(names, locked, 'locked', problems)
    if not chosen:
        return model, problems
    return pin.buildReducedModel(model, [i + 1 for i in chosen], pin.neutral(model)), problems


def _home(
    names: tuple[str, ...], asked: Mapping[str, float], lower: Array, upper: Array
) -> tuple[Array, list[str]]:
    """Return the home pose (N,) inside the limits, and what was wrong with the one asked for."""
    home, problems = np.zeros(len(names)), []
    for joint, value in asked.items():
        if joint in names:
            home[names.index(joint)] = value
        else:
            problems.append(f'home.{joint} is not a joint of the URDF that moves')
    for i, name in enumerate(names):
        if lower[i] < upper[i] and not lower[i] <= home[i] <= upper[i]:
            problems.append(
                f'home pose of {name} is outside its position limits: '
                f'{home[i]:g}, expected {lower[i]:g} to {upper[i]:g}'
            )
            home[i] = np.clip(home[i], lower[i], upper[i])
    return home, problems


def _check_links(model: Any, links: Mapping[str, LinkMap]) -> dict[str, str]:
    """Return what is wrong with the links, by their neutral names."""
    problems = {}
    for key, link in links.items():
        if not model.existFrame(link.link, pin.FrameType.BODY):
            known = ', '.join(f.name for f in model.frames if f.type == pin.FrameType.BODY)
            problems[key] = f'links.{key} is {link.link!r}: expected a link of {known}'
    if 'base_link' in links and 'base_link' not in problems:
        name = links['base_link'].link
        frame = model.frames[model.getFrameId(name, pin.FrameType.BODY)]
        if frame.parentJoint != 0 or not frame.placement.isIdentity(1e-9):
            problems['base_link'] = (
                f'links.base_link is {name!r}: expected the root link of the URDF'
            )
    return problems


def _limits(
    model: Any, names: tuple[str, ...], robot_map: RobotMap
) -> tuple[tuple[Array, Array, Array, Array], list[str]]:
    """Return lower, upper, velocity and acceleration limits after the rules of the map file.

    Also returns what is wrong with them; a limit that is missing is NaN.
    """
    lower, upper = model.lowerPositionLimit.copy(), model.upperPositionLimit.copy()
    velocity = model.velocityLimit.copy()
    acceleration = np.full(len(names), np.nan)
    problems: list[str] = []
    for number, rule in enumerate(robot_map.limits):
        where = f'limits[{number}]'
        for i in _select(names, rule.joints, where, problems):
            if rule.velocity is not None:
                if 0 < model.velocityLimit[i] < rule.velocity:
                    problems.append(
                        f'{where} allows {names[i]} {rule.velocity:g} rad/s: '
                        f'the URDF allows {model.velocityLimit[i]:g}'
                    )
                velocity[i] = rule.velocity
            acceleration[i] = rule.acceleration or acceleration[i]
            lower[i] = lower[i] if rule.lower is None else max(lower[i], rule.lower)
            upper[i] = upper[i] if rule.upper is None else min(upper[i], rule.upper)
    for i, name in enumerate(names):
        if not np.isfinite([lower[i], upper[i]]).all() or not lower[i] < upper[i]:
            problems.append(
                f'{name} may move from {lower[i]:g} to {upper[i]:g}: expected lower < upper; '
                'add both to limits, or name it in locked'
            )
    still = [
        f'{names[i]} has velocity limit {velocity[i]:g}'
        for i in np.flatnonzero(~((velocity > 0) & (velocity < np.inf)))
    ]
    if still:
        problems.append(f'{", ".join(still)}: add one to limits, or name the joint in locked')
    free = [names[i] for i in np.flatnonzero(~(acceleration > 0))]
    if free:
        problems.append(f'{", ".join(free)} has no acceleration limit: add one to limits')
    velocity[~((velocity > 0) & (velocity < np.inf))] = np.nan
    return (lower, upper, velocity, acceleration), problems


def _select(
    names: tuple[str, ...], patterns: Sequence[str], where: str, problems: list[str]
) -> list[int]:
    """Return the joints that patterns match; note the patterns that match none."""
    problems += [
        f'{where}: no joint of the URDF matches {pattern!r}'
        for pattern in patterns
        if not _matching(names, (pattern,))
    ]
    return _matching(names, patterns)


def _matching(names: tuple[str, ...], patterns: Sequence[str]) -> list[int]:
    return [i for i, name in enumerate(names) if any(fnmatchcase(name, p) for p in patterns)]
