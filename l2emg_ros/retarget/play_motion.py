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
"""Trajectories as motions of PAL Robotics' play_motion2, which plans the way to their first pose.

Format: the parameter file that its README describes.
"""

from __future__ import annotations

import os
from pathlib import Path
import re
from typing import Any

import numpy as np
import yaml

from l2emg_ros.errors import BadRequest
from l2emg_ros.files import atomic_write
from l2emg_ros.retarget.trajectory import Trajectory

# A joint that moves less than this in all stays where it is, rad.
_STILL = 1e-4
# A name that the parameters of a ROS node take.
_NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')


def save(trajectory: Trajectory, path: str | os.PathLike[str]) -> None:
    """Write a parameter file of one motion, named as the file; replaces it atomically.

    Raises:
        BadRequest: The file's name is none for a parameter.
    """
    text = yaml.safe_dump(
        parameters(trajectory, Path(path).stem),
        default_flow_style=None,
        sort_keys=False,
        allow_unicode=True,
        width=99,
    )
    with atomic_write(path) as temporary:
        temporary.write_text(text, 'utf-8')


def parameters(trajectory: Trajectory, name: str) -> dict[str, Any]:
    """Return the parameters of the node ``play_motion2`` for one motion.

    Only joints that move are named, so that the others may be driven by someone else; where none
    moves all are. Samples keep their times; play_motion2 reads positions alone.

    Raises:
        BadRequest: ``name`` has other characters than letters, digits and underscores, or does
            not begin with a letter.
    """
    if not _NAME.fullmatch(name):
        raise BadRequest(
            f'{name!r} is no name for a motion of play_motion2: expected letters, digits and '
            'underscores, a letter first'
        )
    moving = np.ptp(trajectory.positions, axis=0) > _STILL
    columns = np.flatnonzero(moving) if moving.any() else np.arange(len(moving))
    source = trajectory.source or name
    motion = {
        'joints': [trajectory.joint_names[column] for column in columns],
        'positions': trajectory.positions[:, columns].round(6).ravel().tolist(),
        'times_from_start': trajectory.time_from_start.round(6).tolist(),
        'meta': {'name': name, 'usage': 'l2emg', 'description': source},
    }
    return {'/play_motion2': {'ros__parameters': {'motions': {name: motion}}}}
