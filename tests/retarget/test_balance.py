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

from dataclasses import replace

import numpy as np
import pinocchio as pin
import pytest
import toy_robot

from l2emg_ros.motion import rotation
from l2emg_ros.retarget import balance
from l2emg_ros.retarget.report import Report
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import RootPlanner
from l2emg_ros.retarget.trajectory import Trajectory

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


@pytest.mark.parametrize(
    ('at', 'wanted'),
    [
        ((0.05, -0.05), (0.0, 0.0)),
        ((0.13, 0.02), (0.03, 0.0)),
        ((-0.13, 0.14), (-0.03, 0.04)),
        ((0.0, -2.1), (0.0, -2.0)),
    ],
)
def test_how_far_beside_the_soles_and_which_way(
    at: tuple[float, float], wanted: tuple[float, float]
) -> None:
    away = balance.beside(np.array([[*at, 0.7]]), _SQUARE[None])
    assert away[0] == pytest.approx(wanted)
    lifted = np.vstack([_SQUARE, 9.0 * _SQUARE + np.array([0.0, 0.0, 0.05])])
    assert balance.beside(np.array([[*at, 0.7]]), lifted[None])[0] == pytest.approx(wanted)
    floating = balance.beside(np.array([[*at, 0.7]]), _SQUARE[None] + np.array([0.0, 0.0, 0.3]))
    assert np.isnan(floating).all()


def test_between_two_feet_there_is_support() -> None:
    feet = np.vstack([_SQUARE + np.array([0.0, y, 0.0]) for y in (0.3, -0.3)])
    assert not balance.beside(np.zeros((1, 3)), feet[None]).any()
    assert balance.beside(np.array([[0.15, 0.0, 0.7]]), feet[None])[0] == pytest.approx([0.05, 0])


def _leaning(robot: Robot, lean: np.ndarray, step: float = 1.0 / 30.0) -> Trajectory:
    """Return the home pose that turns forward about the heels of a sole that stays on the floor.

    Only its ankles move; ``lean`` is (T,) rad.
    """
    positions = np.tile(robot.home, (len(lean), 1))
    for side in ('left', 'right'):
        positions[:, robot.joint_names.index(f'{side}_ankle_pitch_joint')] -= lean
    turns = rotation.from_rotvec(lean[:, None] * [0.0, 1.0, 0.0])
    corners = RootPlanner(robot).corners(positions, rotation.to_matrix(turns))
    return Trajectory(
        joint_names=robot.joint_names,
        time_from_start=step * np.arange(1.0, len(lean) + 1),
        source_time=step * np.arange(float(len(lean))),
        positions=positions,
        velocities=np.zeros_like(positions),
        accelerations=np.zeros_like(positions),
        # The first corner of the left sole stays at (0, 0, 0).
        root_position=-corners[:, 0, 0],
        root_orientation=turns,
        robot=robot.name,
    )


def _found(robot: Robot, lean: np.ndarray, step: float = 1.0 / 30.0) -> list[balance.Overhang]:
    trajectory = _leaning(robot, lean, step)
    return balance.overhangs(balance.standing(robot, trajectory), trajectory.time_from_start)


def test_a_slow_lean_is_flagged_as_long_as_it_lasts() -> None:
    robot = Robot.load('g1')
    times = np.arange(1.0, 181.0) / 30.0
    lean = 0.125 * (1.0 - np.cos(times * np.pi / 3.0))
    # The robot turns about its ankles as one body: a pendulum, whose toes are 12 cm ahead.
    home = robot.home_points()
    arm = balance.centre_of_mass(robot, robot.home[None])[0] - home['l_ankle']
    ahead = arm[0] * np.cos(lean) + arm[2] * np.sin(lean) - 0.12
    out = times[ahead > 0.0]
    (found,) = _found(robot, lean)
    assert found.distance == pytest.approx(ahead.max(), abs=6e-3)
    assert found.start == pytest.approx(out[0], abs=0.1)
    assert found.stop == pytest.approx(out[-1], abs=0.1)
    assert found.tips
    millimetres = f'{1e3 * found.distance:.0f} mm outside the soles'
    when = f'from {found.start:.2f} to {found.stop:.2f} s'
    assert str(found) == f'centre of mass {millimetres} {when}'


def test_an_upright_stand_and_a_short_or_fast_lean_do_not_tip() -> None:
    robot = Robot.load('g1')
    assert _found(robot, np.zeros(60)) == []
    times = np.arange(1.0, 181.0) / 30.0
    short = np.interp(times, [1.0, 3.0, 5.0], [0.0, 0.135, 0.0])
    assert not any(found.tips for found in _found(robot, short))
    # Ten times as fast the same lean is no standing.
    lean = np.interp(times, [1.0, 3.0, 4.0, 5.95], [0.0, 0.25, 0.25, 0.0])
    assert any(found.tips for found in _found(robot, lean))
    assert not any(found.tips for found in _found(robot, lean, 1.0 / 300.0))


def test_what_is_outside_at_the_end_stays_there() -> None:
    robot = Robot.load('g1')
    found = _found(robot, np.interp(np.arange(90.0) / 30.0, [0.0, 2.97], [0.0, 0.17]))[-1]
    assert found.stop == np.inf
    assert found.tips
    assert str(found).endswith(f'from {found.start:.2f} s on')


def test_a_robot_without_legs_never_stands(tmp_path_factory: pytest.TempPathFactory) -> None:
    robot = Robot.load(toy_robot.write(tmp_path_factory.mktemp('toy')))
    still = np.zeros((20, 6))
    times = np.arange(1.0, 21.0) / 30.0
    upright = np.tile([0.0, 0.0, 0.0, 1.0], (20, 1))
    trajectory = Trajectory(
        robot.joint_names, times, times, still, still, still, still[:, :3], upright, robot.name
    )
    stands = balance.standing(robot, trajectory)
    assert not stands.slow.any()
    assert balance.overhangs(stands, times) == []


def test_means_count_the_frames_that_stand() -> None:
    names = Report.__dataclass_fields__
    base = Report(**dict.fromkeys(names, 0))
    walks = replace(base, frames=900, slow=0.0, upright=1.0)
    stands = replace(base, frames=100, slow=0.8, upright=0.5)
    sways = replace(base, frames=100, slow=0.2, upright=1.0)
    mean = Report.mean([walks, stands, sways])
    assert mean['upright'] == pytest.approx(0.6)
    assert mean['slow'] == pytest.approx(100 / 1100)
    assert Report.mean([walks])['upright'] == 1.0
