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

"""The 22 body joints of SMPL: names, tree, rest offsets and forward kinematics."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation

JOINT_NAMES: tuple[str, ...] = (
    'pelvis',
    'left_hip',
    'right_hip',
    'spine1',
    'left_knee',
    'right_knee',
    'spine2',
    'left_ankle',
    'right_ankle',
    'spine3',
    'left_foot',
    'right_foot',
    'neck',
    'left_collar',
    'right_collar',
    'head',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
)
PARENTS: tuple[int, ...] = (
    *(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19),
)
MIRROR: tuple[int, ...] = tuple(
    JOINT_NAMES.index(name.replace('left', '?').replace('right', 'left').replace('?', 'right'))
    for name in JOINT_NAMES
)

# Offset of every joint from its parent in the rest (T) pose, metres, SMPL axes: x left, y up,
# z forward. An adult of 1.75 m; rounded to millimetres and symmetric, so that a mirrored motion
# has exactly mirrored joint positions.
_OFFSETS = {
    'pelvis': (0.0, 0.0, 0.0),
    'left_hip': (0.069, -0.091, -0.006),
    'spine1': (0.0, 0.109, -0.027),
    'left_knee': (0.036, -0.379, -0.005),
    'spine2': (0.0, 0.135, 0.001),
    'left_ankle': (-0.015, -0.398, -0.043),
    'spine3': (0.0, 0.053, 0.025),
    'left_foot': (0.026, -0.052, 0.121),
    'neck': (0.0, 0.214, -0.043),
    'left_collar': (0.080, 0.120, -0.036),
    'head': (0.0, 0.065, 0.051),
    'left_shoulder': (0.093, 0.031, -0.009),
    'left_elbow': (0.257, -0.013, -0.025),
    'left_wrist': (0.252, 0.008, -0.003),
}
REST_OFFSETS: NDArray[np.float64] = np.array(
    [
        np.array(_OFFSETS[name.replace('right', 'left')])
        * ((-1.0, 1.0, 1.0) if name.startswith('right') else (1.0, 1.0, 1.0))
        for name in JOINT_NAMES
    ]
)
REST_OFFSETS.setflags(write=False)
# Height of the ankle and toe joints above the floor when the soles are flat on it, metres.
ANKLE_HEIGHT = 0.072
FOOT_HEIGHT = 0.020
SIDES = ('left', 'right')


def index(name: str) -> int:
    """Return the number of a joint.

    Raises:
        BadRequest: No SMPL body joint has that name.
    """
    if name not in JOINT_NAMES:
        raise BadRequest(f'unknown joint {name!r}: use one of {", ".join(JOINT_NAMES)}')
    return JOINT_NAMES.index(name)


def forward_kinematics(
    rotations: ArrayLike, root_translation: ArrayLike, offsets: ArrayLike = REST_OFFSETS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return joint positions and orientations in the world.

    ``G_j = G_p(j) R_j`` and ``x_j = x_p(j) + G_p(j) o_j`` for parent p(j); the pelvis is at
    ``root_translation``.

    Args:
        rotations: (T, 22, 4) xyzw parent-local quaternions, the pelvis relative to the world.
        root_translation: (T, 3) m, position of the pelvis.
        offsets: (22, 3) m, rest offsets from the parents.

    Returns:
        Positions (T, 22, 3) m and orientations (T, 22, 4) xyzw.
    """
    local = np.asarray(rotations, dtype=np.float64)
    steps = np.asarray(offsets, dtype=np.float64)
    orientations = np.empty_like(local)
    positions = np.empty((*local.shape[:-1], 3))
    orientations[:, 0] = local[:, 0]
    positions[:, 0] = root_translation
    for joint in range(1, len(PARENTS)):
        parent = PARENTS[joint]
        orientations[:, joint] = rotation.multiply(orientations[:, parent], local[:, joint])
        offset = rotation.apply(orientations[:, parent], steps[joint])
        positions[:, joint] = positions[:, parent] + offset
    return positions, orientations
