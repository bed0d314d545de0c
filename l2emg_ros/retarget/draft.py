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

"""Drafts the map file of a robot from its URDF; what is guessed says ``# check:``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import os
from pathlib import Path
import re
from typing import Any
from xml.etree import ElementTree

import yaml

from l2emg_ros.retarget import draft_home, draft_limits, draft_links, mapping, urdf
from l2emg_ros.retarget.draft_links import Line
from l2emg_ros.retarget.figure import Figure, recognise
from l2emg_ros.retarget.robot import assemble

_ODD = (
    '# check: the URDF gives these joints ranges that do not mirror each other; one of them\n'
    '# may be wrong, and then the robot cannot do on one side what it does on the other:\n'
)


def draft(path: Path, target: Path, name: str = '') -> str:
    """Return the text of a map file.

    Args:
        path: The URDF.
        target: Where the map file will lie; the URDF is addressed from there, or by its package.
        name: Name of the robot; empty: that of the URDF.

    Raises:
        RobotMapError: It is not a URDF, or has no two arms.
        OSError: It cannot be read.
    """
    figure = recognise(urdf.read(path), path)
    title = name or _plain(str(ElementTree.parse(path).getroot().get('name', path.stem)))
    links = draft_links.links(figure)
    locked = _locked(figure, path)
    content: dict[str, Any] = {
        'name': title,
        'urdf': str(path.resolve()),
        'locked': locked,
        'links': {key: value for key, value, _ in links},
        'body': draft_links.body(figure),
        'limits': [
            *draft_limits.narrowed(figure),
            {'joints': '*', 'velocity': 1.0, 'acceleration': 1.0},
        ],
    }
    # The velocities above are no limits yet, only there to have a robot to pose.
    robot, _ = assemble(mapping.parse(content, target))
    home = draft_home.home(robot)
    joints = len(robot.joint_names)
    limb = 'arms and legs' if figure.legs else 'arms'
    head = [
        ('name', title, ''),
        ('description', f'{title}, {joints} joints, {limb}; drafted by l2emg robots init', ''),
        ('urdf', _address(path, target), ''),
    ]
    parts = [
        '# Drafted by `l2emg robots init`: look at every line that says "check", then run\n'
        '# `l2emg robots check` on this file.',
        _block('', head),
    ]
    if odd := draft_limits.asymmetries(figure):
        parts.insert(1, _ODD + '\n'.join(f'#   {pair}' for pair in odd))
    if locked:
        parts.append(
            '# Joints that stay at 0: fingers, wheels, lifts, and what mimics other joints.\n'
            + _flow('locked', locked)
        )
    parts += [
        '# Which link stands for which part of a person (REP-120 names); points in metres in the\n'
        '# frame of the link, directions along its axes.\n' + _block('links', links),
        '# m, to keep the hands out of trunk and thighs and off each other.\n'
        '# check: guessed from the lengths of the limbs, not from the shapes.\n'
        + _flow('body', content['body']),
        '# rad; joints that are not named rest at 0.\n'
        + _block('home', [(joint, value, '') for joint, value in home.items()]),
        '# rad/s and rad/s^2. Velocities: of the URDF, or less where gestures beside people need\n'
        '# less. Accelerations: full speed after 0.1 s, less where the torque of the motor above\n'
        '# gravity does not give it.\n' + _rules(draft_limits.rules(figure, robot, home)),
        _block('groups', [(key, value, '') for key, value in _groups(figure, locked).items()]),
    ]
    return '\n\n'.join(parts) + '\n'


def _locked(figure: Figure, path: Path) -> list[str]:
    """Return the joints that move no part of a person, or not by themselves, or not at all."""
    moving, model = set(figure.moving), figure.tree.model
    mimics = urdf.mimics(path)
    found = []
    for joint in range(1, model.njoints):
        name, i = model.names[joint], model.joints[joint].idx_q
        stuck = model.upperPositionLimit[i] <= model.lowerPositionLimit[i]
        if joint not in moving or name in mimics or stuck:
            found.append(name)
    return found


def _groups(figure: Figure, locked: Sequence[str]) -> dict[str, list[str]]:
    names = figure.tree.model.names
    arms = {
        f'{word}_arm': figure.arms[side].joints for side, word in (('l', 'left'), ('r', 'right'))
    }
    found: dict[str, Iterable[int]] = {
        'upper_body': [*figure.waist, *figure.head, *arms['left_arm'], *arms['right_arm']],
        'waist': figure.waist,
        'head': figure.head,
        **arms,
        'arms': [*arms['left_arm'], *arms['right_arm']],
        'legs': [joint for leg in figure.legs.values() for joint in leg.joints],
    }
    groups = {
        key: [names[j] for j in joints if names[j] not in locked] for key, joints in found.items()
    }
    return {key: joints for key, joints in groups.items() if joints}


def _address(path: Path, target: Path) -> str:
    """Return the address of the URDF: by package where it is installed, else relative."""
    path = path.resolve()
    for folder in path.parents:
        if (folder / 'package.xml').is_file():
            address = f'{urdf.PACKAGE}{folder.name}/{path.relative_to(folder).as_posix()}'
            shares = [share.resolve() for share in urdf.share_folders(folder.name)]
            if folder in shares:
                return address
    return Path(os.path.relpath(path, target.resolve().parent)).as_posix()


def _plain(name: str) -> str:
    return re.sub(r'\W+', '_', name.strip()).strip('_').lower() or 'robot'


def _rules(rules: Sequence[tuple[dict[str, Any], str]]) -> str:
    """Return ``limits``, each rule with its comment above it."""
    rows = ['limits:']
    for rule, comment in rules:
        rows += [f'  # {comment}'] if comment else []
        rows.append(f'  - {_yaml(rule)}')
    return '\n'.join(rows)


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=88)
    return text.removesuffix('\n').removesuffix('\n...').replace('\n', '\n     ')


def _flow(key: str, value: Any) -> str:
    return f'{key}: {_yaml(value)}'


def _block(key: str, lines: Sequence[Line]) -> str:
    """Return entries of a mapping, one a line, each with its comment."""
    indent = '  ' if key else ''
    rows = [f'{key}:'] if key else []
    for name, value, doubt in lines:
        if doubt:
            rows.append(f'{indent}# check: {doubt}')
        if isinstance(value, dict) and 'corners' in value:
            rows.append(f'{indent}{name}:')
            rows += [f'{indent}  {_flow(part, item)}' for part, item in value.items()]
        else:
            rows.append(f'{indent}{_flow(name, value)}')
    if key and not lines:
        return f'{key}: {{}}'
    return '\n'.join(rows)
