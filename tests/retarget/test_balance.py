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

from __future__ import annotations

import numpy as np
import pinocchio as pin
import pytest

from l2emg_ros.retarget import balance
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import RootPlanner

_SQUARE = np.array([[0.1, 0.1, 0.0], [0.1, -0.1, 0.0], [-0.1, -0.1, 0.0], [-0.1, 0.1, 0.0]])


@pytest.mark.parametrize('name', ['g1', 'talos'])
def test_the_centre_of_mass_is_the_mean_over_every_link_by_mass(name: str) -> None:
    robot = Robot.load(name)
    rng = np.random.default_rng(0)
    poses = rng.uniform(robot.lower, robot.upper, size=(5, len(robot.lower)))
    data = robot.model.createData()
    for q, found in zip(poses, balance.centre_of_mass(robot, poses), strict=True):
        pin.forwardKinematics(robot.model, data, q)
        links = [
            (i.mass, o.act(i.lever)) for i, o in zip(robot.model.inertias, data.oMi, strict=True)
        ]
        total = sum(mass for mass, _ in links)
        np.testing.assert_allclose(found, sum(m * at for m, at in links) / total, atol=1e-9)
        # The root link is a tenth of the robot or more: without it the answer is another.
        assert links[0][0] > 0.1 * total


@pytest.mark.parametrize(
    ('at', 'wanted'),
    [((0.0, 0.0), 1.0), ((0.09, -0.09), 1.0), ((0.11, 0.0), 0.0), ((-3.0, 0.05), 0.0)],
)
def test_support_is_the_hull_of_the_corners_on_the_floor(
    at: tuple[float, float], wanted: float
) -> None:
    centres = np.array([[*at, 0.7]])
    assert balance.supported(centres, _SQUARE[None]) == [wanted]
    # Far corners in the air carry nothing.
    lifted = np.vstack([_SQUARE, 9.0 * _SQUARE + np.array([0.0, 0.0, 0.05])])
    assert balance.supported(centres, lifted[None]) == [wanted]


def test_a_body_on_an_edge_or_in_the_air_is_not_supported() -> None:
    tilted = _SQUARE + np.array([0.0, 0.0, 0.03])
    centres = np.array([[0.0, 0.0, 0.7]])
    assert np.isnan(balance.supported(centres, tilted[None])).all()
    tilted[:2, 2] = 0.0
    assert balance.supported(centres, tilted[None]) == [0.0]
    assert balance.supported(np.zeros((0, 3)), np.zeros((0, 4, 3))).shape == (0,)


def test_a_robot_stands_in_its_home_pose_and_not_on_swung_legs() -> None:
    robot = Robot.load('g1')
    swung = robot.home.copy()
    swung[[robot.joint_names.index(f'{side}_hip_pitch_joint') for side in ('left', 'right')]] -= 1
    poses = np.stack([robot.home, swung])
    corners = RootPlanner(robot).corners(poses, np.tile(np.eye(3), (2, 1, 1))).reshape(2, -1, 3)
    corners -= corners[..., 2].min(axis=1)[:, None, None] * [0.0, 0.0, 1.0]
    assert balance.supported(balance.centre_of_mass(robot, poses), corners).tolist() == [1.0, 0.0]
