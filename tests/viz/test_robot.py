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
"""Drawing the robot without a display."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
import pinocchio as pin
import pytest

from l2emg_ros.errors import RobotMapError
from l2emg_ros.motion import rotation
from l2emg_ros.retarget import urdf
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory
from l2emg_ros.viz import robot as drawing


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def trajectory(robot: Robot, samples: int = 31, travel: float = 0.0) -> Trajectory:
    """Return a trajectory that raises the right arm in one second."""
    times = np.arange(1, samples + 1) / 30.0
    q = np.tile(robot.home, (samples, 1))
    arm = robot.joint_names.index('right_shoulder_pitch_joint')
    q[:, arm] -= np.linspace(0.0, 2.5, samples)
    root = np.column_stack(
        [np.linspace(0, travel, samples), np.zeros(samples), np.full(samples, 0.78)]
    )
    zeros = np.zeros_like(q)
    upright = np.tile([0.0, 0.0, 0.0, 1.0], (samples, 1))
    return Trajectory(
        robot.joint_names, times, times, q, zeros, zeros, root, upright, robot.name, 'raise an arm'
    )


def body(image: np.ndarray) -> np.ndarray:
    """Return where the dark parts of the robot are, (H, W) bool."""
    return image.max(axis=-1) < 70


def test_images_show_the_robot_and_its_motion(g1: Robot) -> None:
    images = list(drawing.render_trajectory(g1, trajectory(g1), (160, 192), times=[0.0, 1.0]))
    assert [image.shape for image in images] == [(192, 160, 3)] * 2
    for image in images:
        assert 50 < body(image).sum() < 0.3 * body(image).size
    assert np.any(images[0] != images[1], axis=-1).mean() > 0.005


def test_robot_is_seen_from_the_front_and_followed(g1: Robot) -> None:
    moving = trajectory(g1, travel=3.0)
    turned = Trajectory(
        **{
            name: getattr(moving, name)
            for name in ('joint_names', 'time_from_start', 'source_time', 'positions')
        },
        velocities=moving.velocities,
        accelerations=moving.accelerations,
        root_position=moving.root_position,
        root_orientation=np.tile(rotation.from_rotvec([0.0, 0.0, 2.0]), (31, 1)),
        robot='g1',
    )
    for path in (moving, turned):
        for image in drawing.render_trajectory(g1, path, (160, 192), times=[0.0, 1.0]):
            columns = np.nonzero(body(image))[1]
            assert 30 < columns.mean() < 130


def test_frames_follow_the_rate(g1: Robot) -> None:
    assert np.allclose(drawing.frame_times(1.0, 4.0), [0.0, 0.25, 0.5, 0.75, 1.0])
    short = trajectory(g1, samples=6)
    assert len(list(drawing.render_trajectory(g1, short, (64, 64), fps=10.0))) == 3


def test_sheet(g1: Robot, tmp_path: Path) -> None:
    drawing.write_sheet(g1, trajectory(g1), tmp_path / 'a.png', poses=3, size=(96, 128))
    with Image.open(tmp_path / 'a.png') as sheet:
        assert sheet.size[0] >= 96
        assert np.asarray(sheet).std() > 20


def test_another_robot_is_refused(g1: Robot) -> None:
    other = Trajectory(
        ('a', 'b'), [0.1], [0.0], *([np.zeros((1, 2))] * 3), [[0, 0, 1]], [[0, 0, 0, 1]], 'toy'
    )
    with pytest.raises(RobotMapError, match='2 joints of toy: expected those of g1'):
        next(drawing.render_trajectory(g1, other))


@pytest.mark.parametrize('name', ['icub', 'simple_humanoid'])
def test_collada_meshes_and_robots_without_shapes_are_drawn(name: str) -> None:
    robot = Robot.load(name)
    with drawing.RobotRenderer(robot, (160, 192)) as renderer:
        renderer.camera.distance = 2.5
        upright = np.array([0.0, 0.0, 0.0, 1.0])
        renderer.pose(robot.home, np.array([0.0, 0.0, 0.7]), upright)
        seen = renderer.draw()
        renderer.pose(robot.home, np.array([0.0, 0.0, -9.0]), upright)
        empty = renderer.draw()
    assert np.any(seen != empty, axis=-1).mean() > 0.01


def test_lying_meshes_stand_up() -> None:
    """Collada with y up: the thigh of iCub hangs below its hip, not in front of it."""
    robot = Robot.load('icub')
    shapes = urdf.shapes(robot.model, robot.urdf_path)
    (thigh,) = (item for item in shapes.geometryObjects if item.name == 'l_upper_leg_0')
    data = robot.model.createData()
    pin.forwardKinematics(robot.model, data, np.zeros(len(robot.home)))
    place = data.oMi[thigh.parentJoint] * thigh.placement
    points = np.asarray(thigh.geometry.vertices()) @ place.rotation.T + place.translation
    size = np.ptp(points, axis=0)
    assert size.argmax() == 2
    assert points[:, 2].max() < -0.1
