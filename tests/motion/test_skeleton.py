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
"""The skeleton's tree, symmetry and forward kinematics."""

from __future__ import annotations

import numpy as np
import pytest

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation, skeleton


def _rest(frames: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 22, 1))
    rotations[:, 0] = rotation.SMPL_TO_ROS_QUAT
    return rotations, np.tile([0.0, 0.0, 0.95], (frames, 1))


def test_parents_come_before_children_and_mirror_is_an_involution() -> None:
    assert all(parent < joint for joint, parent in enumerate(skeleton.PARENTS))
    assert [skeleton.MIRROR[j] for j in skeleton.MIRROR] == list(range(22))
    mirrored = skeleton.REST_OFFSETS[list(skeleton.MIRROR)] * [-1, 1, 1]
    np.testing.assert_array_equal(mirrored, skeleton.REST_OFFSETS)


def test_rest_pose_stands_upright_with_the_left_on_the_left() -> None:
    positions = skeleton.forward_kinematics(*_rest())[0][0]
    assert positions[skeleton.index('head'), 2] > 1.4
    assert 0.0 < positions[skeleton.index('left_foot'), 2] < 0.06
    assert positions[skeleton.index('left_wrist'), 1] > 0.6
    assert positions[skeleton.index('right_wrist'), 1] < -0.6
    assert positions[skeleton.index('left_foot'), 0] > positions[skeleton.index('left_ankle'), 0]


def test_a_bent_elbow_moves_only_what_hangs_on_it() -> None:
    rotations, translation = _rest()
    before, _ = skeleton.forward_kinematics(rotations, translation)
    rotations[0, skeleton.index('left_elbow')] = rotation.from_rotvec([0.0, -np.pi / 2, 0.0])
    after, _ = skeleton.forward_kinematics(rotations, translation)
    moved = np.linalg.norm(after - before, axis=-1)[0] > 1e-9
    assert [skeleton.JOINT_NAMES[j] for j in np.flatnonzero(moved)] == ['left_wrist']
    # The forearm pointed left (+y); turned by -90 degrees about SMPL's up it points forward.
    forearm = (after[0, 20] - after[0, 18]) / np.linalg.norm(after[0, 20] - after[0, 18])
    assert forearm[0] > 0.99


def test_an_unknown_joint_is_named() -> None:
    with pytest.raises(BadRequest, match='left_tail'):
        skeleton.index('left_tail')
