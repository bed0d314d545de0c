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
"""The check of a map file: everything that is wrong, at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_robot
import yaml

from l2emg_ros.errors import RobotMapError
from l2emg_ros.motion import skeleton
from l2emg_ros.retarget import draft_home, urdf
from l2emg_ros.retarget.check import check
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.targets import Builder


def findings(folder: Path, change: Callable[[dict[str, Any]], Any]) -> list[str]:
    return check(toy_robot.write(folder, change))[1]


def test_every_problem_at_once(tmp_path: Path) -> None:
    def spoil(content: dict[str, Any]) -> None:
        content['wheels'] = 4
        content['links']['torso'] = {'link': 'chest', 'forward': '+x', 'up': '+z'}
        content['links']['l_elbow'] = {'link': 'l_fore', 'point': [0, 0]}
        content['links'].pop('r_elbow')
        content['links']['l_wrist'], content['links']['r_wrist'] = 'r_hand', 'l_hand'
        content['home'] = {'l_pitch': 9.0, 'hip': 0.0}
        content['limits'] = [
            {'joints': 'l_*', 'velocity': 6.0},
            {'joints': 'tail', 'velocity': 1.0},
            {'joints': 'r_roll', 'velocity': -1.0},
        ]
        content['groups'] = {'arm': 'x'}
        content['locked'] = ['nothing']

    found = findings(tmp_path, spoil)
    expected = [
        "unknown entry 'wheels'",
        'links.l_elbow.point is [0, 0]',
        'links lacks r_elbow',
        'limits[2].velocity is -1',
        "locked: no joint of the URDF matches 'nothing'",
        "links.torso is 'chest': expected a link of base",
        "limits[1]: no joint of the URDF matches 'tail'",
        'l_roll, l_pitch, l_elbow, r_roll, r_pitch, r_elbow has no acceleration limit',
        'home.hip is not a joint',
        'home pose of l_pitch is outside its position limits: 9, expected -3 to 3',
        "groups.arm: no joint of the URDF matches 'x'",
        'l_wrist (r_hand) is not to the left of r_wrist (l_hand)',
    ]
    assert len(found) == len(expected)
    for finding, message in zip(found, expected, strict=True):
        assert message in finding
    # Loading says the same, in one line.
    with pytest.raises(RobotMapError) as caught:
        Robot.load(tmp_path / 'map.yaml')
    assert all(message in str(caught.value) for message in expected[:-1])
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('limit', 'message'),
    [
        ('lower="-3" upper="3" effort="9" velocity="0"', 'has velocity limit 0: add one'),
        ('lower="-3" upper="3" effort="9" velocity="100"', 'above 20 rad/s: l_roll (100), r_roll'),
        ('lower="0" upper="0" effort="9" velocity="9"', 'may move from 0 to 0: expected lower <'),
        ('lower="-9" upper="9" effort="9" velocity="9"', 'from -9 to 9, more than a turn'),
        ('lower="-3" upper="3" effort="1e-3" velocity="9"', '50 rad/s^2 needs'),
    ],
)
def test_limits_of_the_urdf(tmp_path: Path, limit: str, message: str) -> None:
    path = toy_robot.write(
        tmp_path, lambda c: c['limits'][0].update(acceleration=50.0, joints=['*'], velocity=None)
    )
    content = yaml.safe_load(path.read_text())
    del content['limits'][0]['velocity']
    path.write_text(yaml.safe_dump(content))
    model = tmp_path / 'toy.urdf'
    old = 'lower="-3" upper="3.0" effort="100" velocity="20"'
    text = model.read_text()
    parts = text.split('<joint name="')
    spoiled = [p.replace(old, limit) if p.startswith(('l_roll', 'r_roll')) else p for p in parts]
    model.write_text('<joint name="'.join(spoiled))
    found = check(path)[1]
    assert any(message in finding for finding in found)
    assert all('l_pitch' not in finding for finding in found)


def test_limbs_of_different_lengths(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        lambda c: c['links'].update(l_wrist={'link': 'l_hand', 'point': [0, 0, -0.1]}),
    )
    assert found == [
        'the limbs that end at l_wrist and r_wrist are 350 and 250 mm long: expected the same; '
        'map the same links on both sides'
    ]


def test_motors_that_do_not_hold_and_motions_too_hard(tmp_path: Path) -> None:
    path = toy_robot.write(
        tmp_path,
        lambda c: (c['limits'][0].update(acceleration=2000.0), c.update(home={'l_pitch': 1.5})),
    )
    model = tmp_path / 'toy.urdf'
    model.write_text(model.read_text().replace('effort="100"', 'effort="2"'))
    found = check(path)[1]
    assert any('l_pitch: holding the home pose takes' in f and 'locked' in f for f in found)
    assert any('acceleration limits above 1000 rad/s^2: l_roll (2000)' in f for f in found)


def test_soles_and_collisions_of_g1(tmp_path: Path) -> None:
    content = yaml.safe_load(Robot.load('g1').map.path.read_text())
    content['home'].update(left_ankle_roll_joint=0.2, left_shoulder_roll_joint=-0.3)
    content['links']['r_sole']['corners'] = [
        [x, y, 0.1] for x, y, _ in content['links']['r_sole']['corners']
    ]
    path = tmp_path / 'map.yaml'
    path.write_text(yaml.safe_dump(content))
    found = check(path)[1]
    for message in (
        'l_sole is not level in the home pose',
        'the corners of r_sole lie above the ankle',
        'the soles differ by',
        'touch: hold them apart in home',
    ):
        assert any(message in finding for finding in found), message
    assert len(found) == 4


def test_missing_meshes_are_a_finding(tmp_path: Path) -> None:
    g1 = Robot.load('g1')
    content = yaml.safe_load(g1.map.path.read_text())
    content['urdf'] = 'g1.urdf'
    text = g1.urdf_path.read_text().replace('package://example-robot-data', 'package://nowhere')
    (tmp_path / 'g1.urdf').write_text(text)
    (tmp_path / 'map.yaml').write_text(yaml.safe_dump(content))
    (found,) = check(tmp_path / 'map.yaml')[1]
    assert found.startswith('self-collision cannot be checked')
    assert '\n' not in found


def test_meshes_of_the_package_that_holds_the_urdf(tmp_path: Path) -> None:
    """Without installing it: the address is found in the folders around the URDF."""
    folder = tmp_path / 'my_robot'
    (folder / 'urdf').mkdir(parents=True)
    (folder / 'meshes').mkdir()
    (folder / 'meshes' / 'a.stl').write_text('solid')
    found = urdf.resolve('package://my_robot/meshes/a.stl', folder / 'urdf')
    assert found == (folder / 'meshes' / 'a.stl').resolve()


def test_locked_joints_are_not_in_the_robot(tmp_path: Path) -> None:
    robot = Robot.load(toy_robot.write(tmp_path, lambda c: c.update(locked='?_roll')))
    assert robot.joint_names == ('l_pitch', 'l_elbow', 'r_pitch', 'r_elbow')
    assert len(robot.home) == robot.model.nq == 4
    whole = Robot.load(toy_robot.write(tmp_path))
    assert robot.limb_lengths() == pytest.approx(whole.limb_lengths())


def test_joints_that_mimic_must_be_locked(tmp_path: Path) -> None:
    path = toy_robot.write(tmp_path)
    model = tmp_path / 'toy.urdf'
    mimic = '<joint name="r_elbow" type="revolute"><mimic joint="l_elbow"/>'
    model.write_text(model.read_text().replace('<joint name="r_elbow" type="revolute">', mimic))
    assert check(path)[1] == ['r_elbow only mimic other joints: name them in locked']


def test_continuous_joints_turn_half_a_turn_to_either_side(tmp_path: Path) -> None:
    path = toy_robot.write(tmp_path)
    model = tmp_path / 'toy.urdf'
    text = model.read_text().replace('type="revolute"', 'type="continuous"')
    model.write_text(text.replace('lower="-3" upper="3.0" ', ''))
    robot, found = check(path)
    assert found == []
    assert robot is not None
    assert robot.upper[:2] == pytest.approx([np.pi, np.pi])
    assert robot.lower[:2] == pytest.approx([-np.pi, -np.pi])


@pytest.mark.parametrize('name', ['g1', 'icub'])
def test_shoulders_are_where_they_are(name: str) -> None:
    """The links of iCub's trunk are turned against its root: offsets must not be mixed up."""
    robot = Robot.load(name)
    builder = Builder(robot, 'fixed')
    motion = draft_home.standing(True, 0.2)
    targets = builder.build(motion, exact=True)
    home = robot.home_points()
    positions = motion.joint_positions()[0]
    for side, word in (('l', 'left'), ('r', 'right')):
        bone = (
            positions[skeleton.index(f'{word}_elbow')]
            - positions[skeleton.index(f'{word}_shoulder')]
        )
        at = targets.points[0, builder.points.index(f'{side}_elbow')]
        reach = robot.limb_lengths()[f'{side}_elbow'] * bone / np.linalg.norm(bone)
        start = at - targets.root[0].T @ reach
        assert start == pytest.approx(home[f'{side}_shoulder'], abs=0.03)
