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

"""The map file of a robot: which link stands for which part of a person, and what it may do.

One YAML file beside a URDF is all a new robot needs. Keys of ``links`` are the frame names of
REP-120, extended by the joints it leaves out (shoulder, elbow, hip, knee).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from l2emg_ros import yaml_file
from l2emg_ros.errors import BadRequest, RobotMapError

Array = NDArray[np.float64]
T = TypeVar('T')

SIDES = ('l', 'r')
BODY = ('base_link', 'torso')
ARM = ('shoulder', 'elbow', 'wrist')
LEG = ('hip', 'knee', 'ankle', 'sole')
OPTIONAL = ('gaze', 'l_gripper', 'r_gripper')

# The two directions that orient a link: along the body part, and square to it.
_DIRECTIONS = {
    **dict.fromkeys(('base_link', 'torso', 'gaze', 'l_sole', 'r_sole'), ('forward', 'up')),
    **dict.fromkeys(('l_gripper', 'r_gripper'), ('fingers', 'palm')),
}
_AXES = {
    f'{sign}{axis}': np.eye(3)[number] * (1.0 if sign == '+' else -1.0)
    for sign in '+-'
    for number, axis in enumerate('xyz')
}
_TOP_KEYS = {'name', 'description', 'urdf', 'locked', 'links', 'body', 'home', 'limits', 'groups'}
_BODY_KEYS = {'trunk', 'thigh', 'hand', 'hand_length'}
_LIMIT_KEYS = {'joints', 'velocity', 'acceleration', 'lower', 'upper'}


@dataclass(frozen=True)
class LinkMap:
    """A link that stands for a part of the body.

    Attributes:
        key: Neutral name, such as ``l_elbow``.
        link: Name of the link in the URDF.
        point: (3,) m, the point that stands for the human joint, in the frame of the link.
        axes: (3, 3) columns: the link's own directions along the body part, across, and square to
            it (forward, left, up; for hands fingers, palm x fingers, palm); identity where the
            part has no orientation.
        corners: (C, 3) m, corners of the sole in the frame of the link; empty elsewhere.
    """

    key: str
    link: str
    point: Array
    axes: Array
    corners: Array


@dataclass(frozen=True)
class LimitRule:
    """Limits of the joints that match a pattern; None leaves the value as it was.

    Attributes:
        joints: Names or shell patterns (``*_wrist_*``).
        velocity: rad/s.
        acceleration: rad/s^2.
        lower: rad.
        upper: rad.
    """

    joints: tuple[str, ...]
    velocity: float | None = None
    acceleration: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Body:
    """Sizes that keep the hands out of the body.

    Attributes:
        trunk: m, radius of the trunk.
        thigh: m, radius of a thigh.
        hand: m, half of the thickness of a hand.
        hand_length: m, from the wrist point to the finger tips.
    """

    trunk: float
    thigh: float
    hand: float
    hand_length: float


@dataclass(frozen=True)
class RobotMap:
    """Content of a map file.

    Attributes:
        name: Name of the robot.
        description: One line about it.
        urdf: ``package://`` address or path of the URDF, relative to the map file.
        locked: Names or patterns of joints that stay at 0 and are in no trajectory: fingers,
            wheels, joints that mimic others.
        links: Neutral name -> link.
        body: Sizes, or None: hands are not kept away.
        home: Joint -> rad of the resting pose; joints that are left out rest at 0.
        limits: Rules in order, later ones win.
        groups: Group name -> joint names or patterns.
        path: Where the file lies.
    """

    name: str
    description: str
    urdf: str
    locked: tuple[str, ...]
    links: Mapping[str, LinkMap]
    body: Body | None
    home: Mapping[str, float]
    limits: tuple[LimitRule, ...]
    groups: Mapping[str, tuple[str, ...]]
    path: Path

    @property
    def has_legs(self) -> bool:
        """Whether the robot has legs to map."""
        return 'l_hip' in self.links


def load(path: str | Path) -> RobotMap:
    """Read and check a map file.

    Raises:
        RobotMapError: The file is not valid; the message names the file, every entry that is
            wrong and what was expected.
        OSError: The file cannot be read.
    """
    robot_map, problems = inspect(path)
    if robot_map is None or problems:
        raise RobotMapError(f'{path}: {"; ".join(problems)}')
    return robot_map


def inspect(path: str | Path) -> tuple[RobotMap | None, list[str]]:
    """Read as much of a map file as is valid.

    Returns:
        The map without the entries that are wrong (None: nothing can be made of it), and one
        sentence per problem.

    Raises:
        OSError: The file cannot be read.
    """
    path = Path(path)
    try:
        entries = yaml_file.mapping(yaml_file.read(path), 'the file')
    except BadRequest as error:
        return None, [str(error).removeprefix(f'{path} ')]
    return _parse(entries, path)


def parse(content: Mapping[str, Any], path: Path) -> RobotMap:
    """Return the map that the content of a file stands for; RobotMapError names what is wrong."""
    robot_map, problems = _parse(content, path)
    if robot_map is None or problems:
        raise RobotMapError(f'{path}: {"; ".join(problems)}')
    return robot_map


def _parse(entries: Mapping[str, Any], path: Path) -> tuple[RobotMap | None, list[str]]:
    problems: list[str] = []

    def each(value: Any, where: str, read: Callable[[Any, str], T]) -> dict[str, T]:
        """Read those of "name: value" entries that are valid."""
        found = _tried(problems, yaml_file.mapping, value, where) or {}
        items = {
            key: _tried(problems, read, item, f'{where}.{key}') for key, item in found.items()
        }
        return {key: item for key, item in items.items() if item is not None}

    def one(key: str, read: Callable[[Any, str], T]) -> T | None:
        """Read an entry if it is there and valid."""
        return _tried(problems, read, entries[key], key) if entries.get(key) is not None else None

    _tried(problems, _known, entries, 'the file')
    problems += [
        f'{key!r} is missing' for key in ('name', 'urdf', 'links', 'limits') if key not in entries
    ]
    links = each(entries.get('links', {}), 'links', _link)
    if isinstance(entries.get('links'), dict):
        _tried(problems, _complete, entries['links'], 'links')
    rules = entries.get('limits', [])
    if not isinstance(rules, list):
        problems.append(f'limits is {rules!r}: expected a list of rules')
        rules = []
    limits = [_tried(problems, _rule, rule, f'limits[{n}]') for n, rule in enumerate(rules)]
    urdf = one('urdf', yaml_file.text)
    robot_map = RobotMap(
        name=one('name', yaml_file.text) or path.parent.name,
        description=str(entries.get('description', '')),
        urdf=urdf or '',
        locked=(one('locked', _names) or ()) if entries.get('locked') else (),
        links=links,
        body=one('body', _body),
        home=each(entries.get('home') or {}, 'home', _number),
        limits=tuple(rule for rule in limits if rule is not None),
        groups=each(entries.get('groups') or {}, 'groups', _names),
        path=path,
    )
    return (robot_map if urdf else None), problems


def _tried(problems: list[str], read: Callable[[Any, str], T], value: Any, where: str) -> T | None:
    """Return what ``read`` returns; where it refuses, note why and return None."""
    try:
        return read(value, where)
    except (BadRequest, RobotMapError) as error:
        problems.append(str(error))
        return None


def _known(entries: Mapping[str, Any], where: str) -> None:
    yaml_file.known(entries, _TOP_KEYS, where)


def _link(value: Any, where: str) -> LinkMap:
    key = where.removeprefix('links.')
    allowed = [*BODY, *OPTIONAL, *(f'{s}_{part}' for s in SIDES for part in ARM + LEG)]
    if key not in allowed:
        raise RobotMapError(f'{where} is unknown: expected one of {", ".join(allowed)}')
    entry = yaml_file.mapping({'link': value} if isinstance(value, str) else value, where)
    directions = _DIRECTIONS.get(key, ())
    sole = key.endswith('_sole')
    yaml_file.known(entry, {'link', 'point', *directions, *(['corners'] if sole else [])}, where)
    needed = ('link', *directions, *(['corners'] if sole else []))
    missing = [name for name in needed if name not in entry]
    if missing:
        raise RobotMapError(f'{where} lacks {", ".join(missing)}')
    axes = np.eye(3)
    if directions:
        along, square = (_axis(entry[name], f'{where}.{name}') for name in directions)
        if abs(along @ square) > 0:
            raise RobotMapError(f'{where}: {" and ".join(directions)} must be perpendicular')
        axes = np.stack([along, np.cross(square, along), square], axis=1)
    corners = entry.get('corners', [])
    if sole and (not isinstance(corners, list) or len(corners) < 3):
        raise RobotMapError(f'{where}.corners is {corners!r}: expected at least 3 points')
    return LinkMap(
        key=key,
        link=yaml_file.text(entry['link'], f'{where}.link'),
        point=_point(entry.get('point', [0.0, 0.0, 0.0]), f'{where}.point'),
        axes=axes,
        corners=np.array(
            [_point(corner, f'{where}.corners[{i}]') for i, corner in enumerate(corners)]
        ).reshape(-1, 3),
    )


def _complete(links: Iterable[str], where: str) -> None:
    """Check that body and arms are there, and both legs or neither."""
    links = set(links)
    needed = [*BODY, *(f'{side}_{part}' for side in SIDES for part in ARM)]
    legs = [f'{side}_{part}' for side in SIDES for part in LEG]
    if any(key in links for key in legs):
        needed += legs
    missing = [key for key in needed if key not in links]
    if missing:
        raise RobotMapError(f'{where} lacks {", ".join(missing)}')


def _body(value: Any, where: str) -> Body:
    entry = yaml_file.mapping(value, where)
    yaml_file.known(entry, _BODY_KEYS, where)
    missing = sorted(_BODY_KEYS - set(entry))
    if missing:
        raise RobotMapError(f'{where} lacks {", ".join(missing)}')
    sizes = {key: _number(entry[key], f'{where}.{key}') for key in entry}
    for key, size in sizes.items():
        if not 0 <= size < 1:
            raise RobotMapError(f'{where}.{key} is {size:g}: expected metres, 0 to 1')
    return Body(**sizes)


def _rule(value: Any, where: str) -> LimitRule:
    entry = yaml_file.mapping(value, where)
    yaml_file.known(entry, _LIMIT_KEYS, where)
    if 'joints' not in entry:
        raise RobotMapError(f'{where} lacks joints')
    numbers = {key: _number(entry[key], f'{where}.{key}') for key in entry if key != 'joints'}
    for key in ('velocity', 'acceleration'):
        if numbers.get(key, 1.0) <= 0:
            raise RobotMapError(f'{where}.{key} is {numbers[key]:g}: expected more than 0')
    return LimitRule(joints=_names(entry['joints'], f'{where}.joints'), **numbers)


def _names(value: Any, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(i, str) for i in items):
        raise RobotMapError(f'{where} is {value!r}: expected joint names or patterns')
    return tuple(items)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise RobotMapError(f'{where} is {value!r}: expected a finite number')
    return float(value)


def _point(value: Any, where: str) -> Array:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 3:
        raise RobotMapError(f'{where} is {value!r}: expected three numbers in metres')
    return np.array([_number(number, where) for number in value])


def _axis(value: Any, where: str) -> Array:
    if value not in _AXES:
        raise RobotMapError(f'{where} is {value!r}: expected one of {", ".join(_AXES)}')
    return _AXES[value]
