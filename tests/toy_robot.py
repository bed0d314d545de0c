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
"""A robot of six joints whose inverse kinematics has a closed answer, and people to copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
import yaml

from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion

UPPER_ARM, FOREARM = 0.3, 0.25
JOINTS = ('l_roll', 'l_pitch', 'l_elbow', 'r_roll', 'r_pitch', 'r_elbow')


def _joint(name: str, parent: str, child: str, at: str, axis: str, upper: float = 3.0) -> str:
    return (
        f'<joint name="{name}" type="revolute"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{at}"/><axis xyz="{axis}"/>'
        f'<limit lower="-3" upper="{upper}" effort="100" velocity="20"/></joint>'
    )


def _urdf() -> str:
    links, joints = ['base'], []
    for side, y in (('l', 0.2), ('r', -0.2)):
        links += [f'{side}_{part}' for part in ('shoulder', 'upper', 'fore', 'hand')]
        joints += [
            _joint(f'{side}_roll', 'base', f'{side}_shoulder', f'0 {y} 0.4', '1 0 0'),
            _joint(f'{side}_pitch', f'{side}_shoulder', f'{side}_upper', '0 0 0', '0 1 0'),
            # Bent one way only, or every pose would have a second answer.
            _joint(
                f'{side}_elbow', f'{side}_upper', f'{side}_fore', f'0 0 -{UPPER_ARM}', '0 1 0', 0.1
            ),
            f'<joint name="{side}_wrist" type="fixed"><parent link="{side}_fore"/>'
            f'<child link="{side}_hand"/><origin xyz="0 0 -{FOREARM}"/></joint>',
        ]
    inertia = (
        '<inertial><mass value="0.5"/>'
        '<inertia ixx="0.01" ixy="0" ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial>'
    )
    bodies = ''.join(f'<link name="{link}">{inertia}</link>' for link in links)
    return f'<robot name="toy">{bodies}{"".join(joints)}</robot>'


def map_content() -> dict[str, Any]:
    """Return the content of a valid map file."""
    parts = {'shoulder': 'upper', 'elbow': 'fore', 'wrist': 'hand'}
    return {
        'name': 'toy',
        'urdf': 'toy.urdf',
        'links': {
            'base_link': {'link': 'base', 'forward': '+x', 'up': '+z'},
            'torso': {'link': 'base', 'forward': '+x', 'up': '+z'},
            **{f'{s}_{key}': f'{s}_{link}' for s in 'lr' for key, link in parts.items()},
        },
        'limits': [{'joints': '*', 'velocity': 6.0, 'acceleration': 50.0}],
        'groups': {'left_arm': ['l_*']},
    }


def write(folder: Path, change: Callable[[dict[str, Any]], Any] | None = None) -> Path:
    """Write URDF and map file; ``change`` edits the content of the map first."""
    content = map_content()
    if change is not None:
        change(content)
    (folder / 'toy.urdf').write_text(_urdf())
    path = folder / 'map.yaml'
    path.write_text(yaml.safe_dump(content))
    return path


def person(angles: ArrayLike, fps: float = 30.0) -> Motion:
    """Return someone whose arms point where the toy's would at joint angles (T, 6)."""
    q: NDArray[np.float64] = np.atleast_2d(np.asarray(angles, dtype=float))
    local = np.tile([0.0, 0.0, 0.0, 1.0], (len(q), 22, 1))
    local[:, 0] = rotation.SMPL_TO_ROS_QUAT
    for number, side in enumerate(('left', 'right')):
        roll, pitch, elbow = q[:, 3 * number : 3 * number + 3].T
        parent = np.tile(rotation.SMPL_TO_ROS_QUAT, (len(q), 1))
        for joint, following, bend in (
            ('shoulder', 'elbow', pitch),
            ('elbow', 'wrist', pitch + elbow),
        ):
            turn = rotation.from_euler('XY', np.stack([roll, bend], axis=-1))
            rest = skeleton.REST_OFFSETS[skeleton.index(f'{side}_{following}')]
            whole = rotation.between(rest, rotation.apply(turn, [0.0, 0.0, -1.0]))
            index = skeleton.index(f'{side}_{joint}')
            local[:, index] = rotation.multiply(rotation.inverse(parent), whole)
            parent = whole
    return Motion.from_rotations(local, np.tile([0.0, 0.0, 0.93], (len(q), 1)), fps, text='toy')
