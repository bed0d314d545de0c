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
"""HumanML3D features give back the joints that they were made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from people import bone_angles, person
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import blend, humanml, io, rotation, skeleton


def encode(joints: np.ndarray) -> np.ndarray:
    """Return the (T - 1, 263) features of (T, 22, 3) joints, y up, as the data set defines them.

    Heading: forward of hips and shoulders, the hips with their sides swapped, smoothed by a
    Gaussian of 20 frames; the first frame counts as facing +z.
    """
    number = skeleton.index
    across = joints[:, number('left_hip')] - joints[:, number('right_hip')]
    across += joints[:, number('right_shoulder')] - joints[:, number('left_shoulder')]
    forward = gaussian_filter1d(np.cross([0.0, 1.0, 0.0], across), 20, axis=0, mode='nearest')
    angle = np.arctan2(forward[:, 0], forward[:, 2])
    angle[0] = 0.0
    facing = Rotation.from_rotvec(-angle[:, None] * [0.0, 1.0, 0.0])
    turn = np.arcsin((facing[1:] * facing[:-1].inv()).as_quat(canonical=True)[:, 1])

    step = facing[1:].apply(np.diff(joints[:, 0], axis=0))
    centred = joints - joints[:, :1] * [1.0, 0.0, 1.0]
    matrices = facing.as_matrix()
    local = np.einsum('tij,tkj->tki', matrices, centred)
    velocity = np.einsum('tij,tkj->tki', matrices[:-1], np.diff(joints, axis=0))
    feet = [number(f'{side}_{name}') for side in ('left', 'right') for name in ('ankle', 'foot')]
    contact = (np.diff(joints[:, feet], axis=0) ** 2).sum(axis=-1) < 0.002
    frames = len(turn)
    rotations = np.tile([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], (frames, 21))  # never read
    return np.concatenate(
        [
            turn[:, None],
            step[:, [0, 2]],
            joints[:-1, 0, 1:2],
            local[:-1, 1:].reshape(frames, 63),
            rotations,
            velocity.reshape(frames, 66),
            contact,
        ],
        axis=1,
    )


def performance(seed: int, turns: float = 0.0) -> np.ndarray:
    """Return (61, 22, 3) joints, y up, first pelvis over the origin, who turns about `turns`."""
    joints = person(seed, frames=61).joint_positions() @ rotation.SMPL_TO_ROS
    joints -= joints[0, 0] * [1.0, 0.0, 1.0]
    joints[..., 1] -= joints[..., 1].min()
    spin = Rotation.from_rotvec(np.linspace(0.0, turns, 61)[:, None] * [0.0, 2.0 * np.pi, 0.0])
    return np.einsum('tij,tkj->tki', spin.as_matrix(), joints)


@pytest.mark.parametrize(('seed', 'turns'), [(0, 0.0), (1, 0.4), (2, -1.6), (3, 2.0)])
def test_joints_come_back(seed: int, turns: float) -> None:
    joints = performance(seed, turns)
    features = encode(joints)
    assert features.shape == (60, humanml.FEATURES)
    assert np.abs(humanml.joint_positions(features) - joints[:-1]).max() < 1e-9
    single = humanml.joint_positions(features.astype(np.float32).astype(np.float64))
    assert np.abs(single - joints[:-1]).max() < 1e-4


@pytest.mark.parametrize('turns', [0.0, 1.5])
def test_file_is_read_as_its_joints_are(tmp_path: Path, turns: float) -> None:
    joints = performance(4, turns)
    np.save(tmp_path / 'features.npy', encode(joints).astype(np.float32))
    np.save(tmp_path / 'joints.npy', joints[:-1])
    motion, expected = io.load(tmp_path / 'features.npy'), io.load(tmp_path / 'joints.npy')
    assert motion.fps == expected.fps == 20.0
    assert motion.frames == 60
    found = motion.joint_positions()
    assert np.abs(found - expected.joint_positions()).max() < 1e-3
    world = joints[:-1] @ rotation.SMPL_TO_ROS.T
    assert bone_angles(found, world).max() < 0.2
    assert np.abs(found - world - (found - world)[:, :1] * [0.0, 0.0, 1.0]).max() < 5e-3


def test_one_frame_stands_at_the_origin(tmp_path: Path) -> None:
    joints = performance(5)
    np.save(tmp_path / 'a.npy', encode(joints)[:1])
    motion = io.load(tmp_path / 'a.npy')
    assert motion.frames == 1
    assert np.allclose(motion.trans[0, :2], 0.0, atol=5e-3)


def test_feet_that_stand_are_in_contact(tmp_path: Path) -> None:
    joints = np.repeat(performance(6)[:1], 30, axis=0)
    still = encode(joints)
    assert (still[:, 259:] == 1.0).all()
    np.save(tmp_path / 'a.npy', still)
    contacts = blend.foot_contacts(io.load(tmp_path / 'a.npy'))
    assert contacts.any(axis=1).all()


def normalised(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 0.05)


@pytest.mark.parametrize('seed', range(3))
def test_normalised_features_are_refused(tmp_path: Path, seed: int) -> None:
    clips = [encode(performance(number)) for number in range(4)]
    clips.append(encode(np.repeat(performance(6)[:1], 61, axis=0)))
    rows = normalised(np.concatenate(clips)).reshape(5, 60, 263)
    # The last clip stands still: its contacts alone would pass.
    for number, values in enumerate(rows[[seed, 4]]):
        path = tmp_path / f'{number}.npy'
        np.save(path, values)
        with pytest.raises(MotionFormatError, match='must be denormalised first') as error:
            io.load(path)
        assert str(error.value).startswith(f'{path}: ')
        assert len(str(error.value).splitlines()) == 1


def test_contacts_of_a_model_need_not_be_exact() -> None:
    joints = performance(0)
    features = encode(joints)
    features[:, 259:] += np.linspace(-0.4, 0.4, 60)[:, None]
    assert np.abs(humanml.joint_positions(features) - joints[:-1]).max() < 1e-9
    features[30, 261] = 1.6
    with pytest.raises(MotionFormatError, match=r'foot contacts lie in \[-0\.4, 1\.6\]'):
        humanml.joint_positions(features)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (np.zeros((40, 251)), r'shape \(40, 251\): expected .*\(T, 263\)'),
        (np.zeros((0, 263)), r'shape \(0, 263\)'),
        (np.zeros(263), r'shape \(263,\)'),
        (np.full((40, 263), np.nan), 'NaN'),
        (np.zeros((40, 263)), 'left_knee is 0 m from its parent'),
    ],
)
def test_no_features(tmp_path: Path, values: np.ndarray, message: str) -> None:
    np.save(tmp_path / 'a.npy', values)
    with pytest.raises(MotionFormatError, match=message):
        io.load(tmp_path / 'a.npy')


def test_centimetres_are_refused() -> None:
    features = encode(performance(0))
    features[:, 1:67] *= 100.0
    with pytest.raises(MotionFormatError, match='m from its parent: expected a person'):
        humanml.joint_positions(features)
