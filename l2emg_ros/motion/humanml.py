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
"""The 263 numbers a frame of HumanML3D, read back to joint positions.

Layout of a frame at 20 fps, y up, metres; the person faces +z in the first frame:

======= ====================================================================
0       half the turn of the heading to the next frame, rad
1:3     x and z of the pelvis's step to the next frame, in that frame's heading
3       height of the pelvis
4:67    the other 21 joints: x and z from the pelvis in the frame of the
        heading, y from the floor
67:193  6D rotations
193:259 velocities of the 22 joints
259:263 contact of left ankle, left foot, right ankle, right foot, 0 or 1
======= ====================================================================

Only the path and the positions are used. The rotations only aim bones and know no twist; the
velocities repeat the positions. The heading is a poor one (the encoder swaps the hips), but
positions and path are told in the same heading, so its error cancels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import skeleton

Array = NDArray[np.float64]

FEATURES = 263
FPS = 20.0
"""The files do not say their frame rate; the data set has one."""

_JOINTS = slice(4, 67)
_CONTACTS = slice(259, 263)
# What a model wrote strays from 0 and 1, but not by this much.
_CONTACT_SLACK = 0.5
_LIMBS = [
    skeleton.index(f'{side}_{name}')
    for side in ('left', 'right')
    for name in ('knee', 'ankle', 'elbow', 'wrist')
]


def joint_positions(features: Array) -> Array:
    """Return the joints that features describe.

    Args:
        features: (T, 263) finite, as in ``new_joint_vecs``, not normalised.

    Returns:
        (T, 22, 3) m, y up.

    Raises:
        MotionFormatError: if the features are normalised, or no person.
    """
    contacts = features[:, _CONTACTS]
    if np.abs(contacts - 0.5).max(initial=0.0) > 0.5 + _CONTACT_SLACK:
        raise MotionFormatError(
            f'foot contacts lie in [{contacts.min():.3g}, {contacts.max():.3g}]: expected [0, 1]; '
            'normalised features must be denormalised first, times Std.npy plus Mean.npy'
        )
    joints = features[:, _JOINTS].reshape(-1, 21, 3)
    # Ground vectors are complex, z + ix: a turn about y by an angle is a factor exp(i angle).
    turns = np.concatenate([[0.0], np.cumsum(features[:-1, 0])])
    heading = np.exp(-2j * turns)
    steps = (features[:-1, 2] + 1j * features[:-1, 1]) * heading[1:]
    path = np.concatenate([[0.0], np.cumsum(steps)])
    around = (joints[..., 2] + 1j * joints[..., 0]) * heading[:, None]
    ground = path[:, None] + np.concatenate([np.zeros((len(joints), 1)), around], axis=1)
    heights = np.concatenate([features[:, 3:4], joints[..., 1]], axis=1)
    positions = np.stack([ground.imag, heights, ground.real], axis=-1)
    _check_limbs(positions)
    return positions


def _check_limbs(positions: Array) -> None:
    """Raise unless the limbs of (T, 22, 3) joints are about as long as a person's."""
    parents = [skeleton.PARENTS[joint] for joint in _LIMBS]
    lengths = np.linalg.norm(positions[:, _LIMBS] - positions[:, parents], axis=-1)
    ratios = np.median(lengths, axis=0) / np.linalg.norm(skeleton.REST_OFFSETS[_LIMBS], axis=-1)
    worst = int(np.abs(np.log(np.maximum(ratios, 1e-6))).argmax())
    if not 0.5 < ratios[worst] < 2.0:
        raise MotionFormatError(
            f'{skeleton.JOINT_NAMES[_LIMBS[worst]]} is {np.median(lengths[:, worst]):.3g} m from '
            'its parent: expected a person; normalised features must be denormalised first'
        )
