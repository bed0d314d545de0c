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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros import yaml_file
from l2emg_ros.errors import BadRequest, RobotMapError

Array = NDArray[np.float64]

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
_TOP_KEYS = {'name', 'description', 'urdf', 'links', 'body', 'home', 'limits', 'groups'}
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
        RobotMapError: The file is not valid; the message names the file, the entry and what was
            expected.
        OSError: The file cannot be read.
    """
    path = Path(path)
    try:
        content = yaml_file.read(path)
    except BadRequest as error:
        raise RobotMapError(str(error)) from None
    try:
        return _parse(content, path)
    except (BadRequest, RobotMapError) as error:
        raise RobotMapError(f'{path}: {error}') from None


def _parse(content: Any, path: Path) -> RobotMap:
    entries = yaml_file.mapping(content, 'the file')
    yaml_file.known(entries, _TOP_KEYS, 'the file')
    for key in ('name', 'urdf', 'links', 'limits'):
        if key not in entries:
            raise RobotMapError(f'{key!r} is missing')
    links = {
        key: _link(key, value)
        for key, value in yaml_file.mapping(entries['links'], 'links').items()
    }
    _complete(links)
    home = yaml_file.mapping(entries.get('home') or {}, 'home')
    rules = entries['limits']
    if not isinstance(rules, list):
        raise RobotMapError(f'limits is {rules!r}: expected a list of rules')
    groups = yaml_file.mapping(entries.get('groups') or {}, 'groups')
    return RobotMap(
        name=yaml_file.text(entries['name'], 'name'),
        description=str(entries.get('description', '')),
        urdf=yaml_file.text(entries['urdf'], 'urdf'),
        links=links,
        body=None if 'body' not in entries else _body(entries['body']),
        home={joint: _number(value, f'home.{joint}') for joint, value in home.items()},
        limits=tuple(_rule(rule, f'limits[{i}]') for i, rule in enumerate(rules)),
        groups={name: _names(value, f'groups.{name}') for name, value in groups.items()},
        path=path,
    )


def _link(key: str, value: Any) -> LinkMap:
    where = f'links.{key}'
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


def _complete(links: Mapping[str, LinkMap]) -> None:
    """Check that body and arms are there, and both legs or neither."""
    needed = [*BODY, *(f'{side}_{part}' for side in SIDES for part in ARM)]
    legs = [f'{side}_{part}' for side in SIDES for part in LEG]
    if any(key in links for key in legs):
        needed += legs
    missing = [key for key in needed if key not in links]
    if missing:
        raise RobotMapError(f'links lacks {", ".join(missing)}')


def _body(value: Any) -> Body:
    entry = yaml_file.mapping(value, 'body')
    yaml_file.known(entry, _BODY_KEYS, 'body')
    missing = sorted(_BODY_KEYS - set(entry))
    if missing:
        raise RobotMapError(f'body lacks {", ".join(missing)}')
    sizes = {key: _number(entry[key], f'body.{key}') for key in entry}
    for key, size in sizes.items():
        if not 0 <= size < 1:
            raise RobotMapError(f'body.{key} is {size:g}: expected metres, 0 to 1')
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
