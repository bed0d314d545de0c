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
"""Robots and their map files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pinocchio as pin
import pytest
import toy_robot

from l2emg_ros.errors import BadRequest, RobotMapError
from l2emg_ros.retarget.robot import list_robots, Robot


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


def test_g1_fits_its_urdf(g1: Robot) -> None:
    assert g1.name == 'g1'
    assert len(g1.joint_names) == 29
    assert g1.urdf_path.is_file()
    model = pin.buildModelFromUrdf(str(g1.urdf_path))
    assert g1.joint_names == tuple(model.names[1:])
    assert np.all(g1.lower >= model.lowerPositionLimit)
    assert np.all(g1.upper <= model.upperPositionLimit)
    # Beside people the robot is slower than its motors allow.
    assert np.all(g1.velocity < 0.7 * model.velocityLimit)
    assert np.all((g1.home >= g1.lower) & (g1.home <= g1.upper))
    assert g1.check() == []


def test_g1_accelerations_are_within_reach_of_the_motors(g1: Robot) -> None:
    """With straight arms held out to the sides, each joint alone, gravity included."""
    q = g1.home.copy()
    for side, sign in (('left', 1.0), ('right', -1.0)):
        q[g1.joint_names.index(f'{side}_shoulder_roll_joint')] = sign * 1.5
        q[g1.joint_names.index(f'{side}_elbow_joint')] = 1.5
    data = g1.model.createData()
    inertia = np.diag(pin.crba(g1.model, data, q))
    gravity = np.abs(pin.computeGeneralizedGravity(g1.model, data, q))
    assert np.all(inertia * g1.acceleration + gravity <= g1.model.effortLimit)


def test_g1_home_stands_flat(g1: Robot) -> None:
    points = g1.home_points()
    assert points['l_sole'][2] == pytest.approx(points['r_sole'][2], abs=1e-6)
    data = g1.model.createData()
    pin.forwardKinematics(g1.model, data, g1.home)
    joint, _, axes = g1.placement('l_sole')
    assert data.oMi[joint].rotation @ axes == pytest.approx(np.eye(3), abs=1e-6)


def test_limbs_are_as_long_as_in_the_urdf(tmp_path: Path) -> None:
    lengths = Robot.load(toy_robot.write(tmp_path)).limb_lengths()
    assert lengths == pytest.approx(
        {f'{s}_{k}': v for s in 'lr' for k, v in (('elbow', 0.3), ('wrist', 0.25))}
    )


def test_groups(g1: Robot) -> None:
    arms, legs = g1.indices(['arms']), g1.indices(['legs'])
    assert (len(arms), len(legs)) == (14, 12)
    assert not set(arms) & set(legs)
    assert set(g1.indices(['upper_body'])) == set(range(29)) - set(legs)
    one = g1.indices(['waist_yaw_joint'])
    assert g1.joint_names[one[0]] == 'waist_yaw_joint'
    with pytest.raises(BadRequest, match="unknown joint group 'tail': expected one of upper_body"):
        g1.indices(['tail'])


def test_arrays_are_read_only(g1: Robot) -> None:
    for array in (g1.lower, g1.upper, g1.velocity, g1.acceleration, g1.home):
        with pytest.raises(ValueError, match='read-only'):
            array[0] = 0.0


def test_list() -> None:
    assert list_robots()['g1'].name == 'map.yaml'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.pop('urdf'), "'urdf' is missing"),
        (lambda c: c.update(urdf='no.urdf'), "urdf is 'no.urdf'"),
        (lambda c: c.update(urdf='package://nowhere/x.urdf'), 'install the package nowhere'),
        (lambda c: c.update(wheels=4), "unknown entry 'wheels'"),
        (lambda c: c['links'].pop('l_elbow'), 'links lacks l_elbow'),
        (lambda c: c['links'].update(l_hip='base'), 'links lacks l_knee, l_ankle, l_sole, r_hip'),
        (
            lambda c: c['links'].update(l_elbow='elbow'),
            "links.l_elbow is 'elbow': expected a link",
        ),
        (lambda c: c['links'].update(l_tail='base'), 'links.l_tail is unknown'),
        (lambda c: c['links'].update(torso='base'), 'links.torso lacks forward, up'),
        (
            lambda c: c['links']['torso'].update(forward='+z'),
            'links.torso: forward and up must be perpendicular',
        ),
        (lambda c: c['links']['torso'].update(up='north'), "links.torso.up is 'north'"),
        (
            lambda c: c['links']['base_link'].update(link='l_upper'),
            "links.base_link is 'l_upper': expected the root link",
        ),
        (
            lambda c: c['links'].update(l_wrist={'link': 'l_hand', 'point': [0, float('nan'), 0]}),
            'links.l_wrist.point is nan',
        ),
        (lambda c: c.update(home={'l_roll': 9.0}), 'home pose of l_roll is outside'),
        (lambda c: c.update(home={'hip': 0.0}), 'home.hip is not a joint'),
        (lambda c: c['limits'].append({'joints': 'x_*'}), "no joint of the URDF matches 'x_*'"),
        (lambda c: c['limits'][0].pop('acceleration'), 'has no acceleration limit'),
        (lambda c: c['limits'][0].update(velocity=0.0), 'expected more than 0'),
        (lambda c: c['limits'][0].update(velocity=30.0), 'the URDF allows 20'),
        (lambda c: c['limits'][0].update(lower=2.9, upper=-2.9), 'expected lower < upper'),
        (lambda c: c.update(body={'trunk': 0.1}), 'body lacks hand, hand_length, thigh'),
        (
            lambda c: c.update(body=dict.fromkeys(('trunk', 'thigh', 'hand', 'hand_length'), 5)),
            'is 5: expected metres, 0 to 1',
        ),
        (lambda c: c.update(groups={'arm': 'x'}), "groups.arm: no joint of the URDF matches 'x'"),
    ],
)
def test_bad_maps(tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str) -> None:
    path = toy_robot.write(tmp_path, change)
    with pytest.raises(RobotMapError) as caught:
        Robot.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('text', ['', '- 1\n- 2\n', 'a: [', '3'])
def test_no_map_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / 'map.yaml'
    path.write_text(text)
    with pytest.raises(RobotMapError, match=r'map\.yaml') as caught:
        Robot.load(path)
    assert '\n' not in str(caught.value)


def test_broken_urdf(tmp_path: Path) -> None:
    path = toy_robot.write(tmp_path)
    (tmp_path / 'toy.urdf').write_text('<robot name="toy"><link')
    with pytest.raises(RobotMapError, match=r'toy\.urdf'):
        Robot.load(path)


def test_unknown_robots() -> None:
    with pytest.raises(RobotMapError, match="unknown robot 'h2': expected one of g1"):
        Robot.load('h2')
    with pytest.raises(RobotMapError, match='is not a file'):
        Robot.load('nowhere/map.yaml')


def test_check_finds_swapped_sides_and_weak_motors(tmp_path: Path) -> None:
    def swap(content: dict[str, Any]) -> None:
        links = content['links']
        links['l_wrist'], links['r_wrist'] = links['r_wrist'], links['l_wrist']

    findings = Robot.load(toy_robot.write(tmp_path, swap)).check()
    assert any('l_wrist (r_hand) is not to the left of r_wrist' in text for text in findings)
    findings = Robot.load(
        toy_robot.write(tmp_path, lambda c: c['limits'][0].update(acceleration=5000.0))
    ).check()
    assert any('5000 rad/s^2 needs' in text for text in findings)
    findings = Robot.load(
        toy_robot.write(tmp_path, lambda c: c['links'].update(l_wrist='l_fore'))
    ).check()
    assert any('the limb that ends at l_wrist is 0 mm long' in text for text in findings)
