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
"""Map files drafted from URDFs: of robots nobody prepared, and of those that cannot have one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin
import pytest
import yaml

from l2emg_ros import corpus
from l2emg_ros.cli.main import main
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import RobotMapError
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import limbs, urdf
from l2emg_ros.retarget.check import check
from l2emg_ros.retarget.draft import draft
from l2emg_ros.retarget.figure import recognise
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import list_robots, Robot

ROBOTS = 'package://example-robot-data/robots'
HUMAN = f'{ROBOTS}/human_description/robots/human.urdf'
PR2 = f'{ROBOTS}/pr2_description/urdf/pr2.urdf'


@pytest.fixture(scope='module')
def wave() -> Motion:
    return corpus.synthesise('wave', Emotion('happy').weights(), np.random.default_rng(0))


def nameless(folder: Path, legs: bool = True, foot: str = '0.2 0.08 0.02', turn: str = '') -> Path:
    """Write a robot in the T pose with 12 joints (6 without legs) whose names tell nothing.

    Args:
        folder: Where to.
        legs: Whether it has any.
        foot: Size of the boxes that are its feet; '': no shapes.
        turn: ``xyz rpy``-like roll, pitch, yaw of everything on the root link.
    """
    parts: list[str] = []
    count = iter(range(100))

    def link(name: str, shape: str = '') -> None:
        parts.append(
            f'<link name="{name}"><inertial><origin xyz="0 0 0"/><mass value="0.5"/><inertia '
            f'ixx="0.01" ixy="0" ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial>{shape}</link>'
        )

    def joint(parent: str, at: str, axis: str, low: float, high: float, shape: str = '') -> str:
        number = next(count)
        link(f'part{number}', shape)
        parts.append(
            f'<joint name="motor{number}" type="revolute"><parent link="{parent}"/>'
            f'<child link="part{number}"/><origin xyz="{at}"/><axis xyz="{axis}"/>'
            f'<limit lower="{low}" upper="{high}" effort="60" velocity="{50 * (number % 2)}"/>'
            '</joint>'
        )
        return f'part{number}'

    def tip(parent: str, at: str) -> None:
        name = f'end{next(count)}'
        link(name)
        parts.append(
            f'<joint name="f{name}" type="fixed"><parent link="{parent}"/><child link="{name}"/>'
            f'<origin xyz="{at}"/></joint>'
        )

    link('root')
    base = 'root'
    if turn:
        link('body')
        parts.append(
            '<joint name="mount" type="fixed"><parent link="root"/><child link="body"/>'
            f'<origin xyz="0 0 0" rpy="{turn}"/></joint>'
        )
        base = 'body'
    for y in (-1, 1):
        upper = joint(base, f'0 {0.2 * y} 0.4', '0 1 0', -3, 3)
        upper = joint(upper, '0 0 0', '1 0 0', -1.7, 1.7)
        low, high = sorted((0.0, 2.4 * y))
        tip(joint(upper, f'0 {0.3 * y} 0', '0 0 -1', low, high), f'0 {0.25 * y} 0')
    for y in (1, -1) if legs else ():
        shin = joint(joint(base, f'0 {0.1 * y} 0', '0 1 0', -2, 1), '0 0 -0.4', '0 1 0', 0, 2)
        box = f'<collision><origin xyz="0.05 0 -0.06"/><geometry><box size="{foot}"/></geometry>'
        joint(shin, '0 0 -0.4', '0 1 0', -1, 1, f'{box}</collision>' if foot else '')
    path = folder / 'nameless.urdf'
    path.write_text(f'<robot name="Nameless Robot">{"".join(parts)}</robot>')
    return path


def test_nameless_robot_from_urdf_to_trajectory(
    tmp_path: Path, wave: Motion, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = nameless(tmp_path), tmp_path / 'map.yaml'
    assert main(['robots', 'init', str(path), '-o', str(target)]) == 0
    assert main(['robots', 'check', str(target)]) == 0
    assert 'nameless_robot: 12 joints, arms and legs mapped, no finding' in capsys.readouterr().out
    robot = Robot.load(target)
    links = robot.map.links
    assert [links[f'l_{part}'].link for part in ('shoulder', 'elbow', 'wrist')] == [
        'part4',
        'part6',
        'end7',
    ]
    assert [links[f'r_{part}'].link for part in ('hip', 'knee', 'ankle')] == [
        'part11',
        'part12',
        'part13',
    ]
    lengths = robot.limb_lengths()
    expected = {'elbow': 0.3, 'wrist': 0.25, 'knee': 0.4, 'ankle': 0.4}
    for limb, length in expected.items():
        assert [lengths[f'l_{limb}'], lengths[f'r_{limb}']] == pytest.approx(
            [length] * 2, abs=2e-3
        )
    # The corners of the box, heel to toe.
    assert links['l_sole'].corners == pytest.approx(
        np.array(
            [[0.15, y, -0.07] for y in (0.04, -0.04)] + [[-0.05, y, -0.07] for y in (0.04, -0.04)]
        )
    )
    # From the T pose of the URDF to hanging arms.
    points = robot.home_points()
    assert points['l_wrist'][2] < points['l_elbow'][2] - 0.2 < points['l_shoulder'][2] - 0.4
    # Velocities of 0 and of 50 rad/s in the URDF.
    assert robot.velocity.min() > 0.5
    assert robot.velocity.max() <= 12.0
    Retargeter(robot).retarget(wave).check(robot)


@pytest.mark.parametrize(('address', 'joints'), [(HUMAN, 36), (PR2, 16)])
def test_unprepared_robots_from_urdf_to_trajectory(
    tmp_path: Path, wave: Motion, address: str, joints: int
) -> None:
    """A model of a person with y up; arms on wheels, with joints that turn without end."""
    target = tmp_path / 'map.yaml'
    assert main(['robots', 'init', address, '-o', str(target)]) == 0
    robot, findings = check(target)
    assert findings == []
    assert robot is not None
    assert len(robot.joint_names) == joints
    trajectory = Retargeter(robot).retarget(wave)
    trajectory.check(robot)
    assert trajectory.report is not None
    # The person waves with the right hand; the left one stays down.
    up = robot.placement('base_link')[2][:, 2]
    highest = {
        side: heights(robot, f'{side}_wrist', trajectory.positions, up).max() for side in 'lr'
    }
    shoulder = robot.home_points()['r_shoulder'] @ up
    assert highest['r'] > shoulder + 0.05 > shoulder > highest['l']


def heights(
    robot: Robot, key: str, positions: NDArray[np.float64], up: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how high a point of the robot is in poses (T, N)."""
    data = robot.model.createData()
    joint, point, _ = robot.placement(key)
    found = []
    for q in positions:
        pin.forwardKinematics(robot.model, data, q)
        found.append(data.oMi[joint].act(point) @ up)
    return np.array(found)


@pytest.mark.parametrize('name', list(list_robots()))
def test_shipped_robots(name: str, wave: Motion) -> None:
    robot, findings = check(name)
    assert findings == []
    assert robot is not None
    trajectory = Retargeter(robot).retarget(wave)
    trajectory.check(robot)
    assert '# check:' not in robot.map.path.read_text()
    # A slow joint that still brakes must not let the others drift.
    over = trajectory.source_time >= trajectory.source_time[-1] - 1e-9
    still = trajectory.positions[over]
    assert np.abs(still - still[0]).max() < 0.3


@pytest.mark.parametrize('name', list(list_robots()))
def test_drafts_find_the_links_of_shipped_maps(name: str, tmp_path: Path) -> None:
    robot = Robot.load(name)
    target = tmp_path / 'map.yaml'
    target.write_text(draft(robot.urdf_path, target, name))
    drafted = Robot.load(target) if name != 'simple_humanoid' else check(target)[0]
    assert drafted is not None
    pose = dict(zip(robot.joint_names, robot.home, strict=True))
    posed = replace(drafted, home=np.array([pose.get(n, 0.0) for n in drafted.joint_names]))
    ours, theirs = robot.home_points(), posed.home_points()
    # Ankles may be mapped to either of two joints, the others are written with a direction.
    for key in (f'{side}_{part}' for side in 'lr' for part in ('shoulder', 'elbow', 'wrist')):
        assert theirs[key] == pytest.approx(ours[key], abs=0.025), key
    for key in (f'{side}_{part}' for side in 'lr' for part in ('hip', 'knee')):
        assert theirs[key] == pytest.approx(ours[key], abs=0.025), key
    for key in set(robot.map.links) & set(drafted.map.links):
        if robot.map.links[key].axes.trace() != 3.0 or key in ('base_link', 'torso'):
            assert posed.home_axes(key) == pytest.approx(robot.home_axes(key), abs=0.01), key


def test_robot_that_faces_sideways(tmp_path: Path) -> None:
    """Turned by a quarter on its root: the feet say where forward is."""
    path = nameless(tmp_path, turn='0 0 1.5707963')
    figure = recognise(urdf.read(path), path)
    assert figure.forward == pytest.approx([0, 1, 0])
    assert figure.left == pytest.approx([-1, 0, 0])
    assert figure.arms['l'].socket_at == pytest.approx([-0.2, 0, 0.4], abs=1e-3)


def test_robot_without_legs(tmp_path: Path) -> None:
    target = tmp_path / 'map.yaml'
    target.write_text(draft(nameless(tmp_path, legs=False), target))
    robot, findings = check(target)
    assert findings == []
    assert robot is not None
    assert not robot.map.has_legs
    assert len(robot.joint_names) == 6


def test_joints_that_cannot_move_are_locked(tmp_path: Path, wave: Motion) -> None:
    path, target = nameless(tmp_path), tmp_path / 'map.yaml'
    text = path.read_text()
    mimic = '<joint name="motor12" type="revolute"><mimic joint="motor11"/>'
    text = text.replace('<joint name="motor12" type="revolute">', mimic)
    before, after = text.split('<joint name="motor1" type="revolute">')
    after = after.replace('lower="-1.7" upper="1.7"', 'lower="0" upper="0"', 1)
    path.write_text(f'{before}<joint name="motor1" type="revolute">{after}')
    target.write_text(draft(path, target))
    robot, findings = check(target)
    assert findings == []
    assert robot is not None
    assert robot.map.locked == ('motor1', 'motor12')
    Retargeter(robot).retarget(wave).check(robot)


def test_feet_without_shapes_are_doubted(tmp_path: Path) -> None:
    target = tmp_path / 'map.yaml'
    text = draft(nameless(tmp_path, foot=''), target)
    assert text.count('the foot has no shapes') == 2
    assert 'the URDF allows 0 rad/s' in text
    content = yaml.safe_load(text)
    assert content['urdf'] == 'nameless.urdf'
    corners = np.array(content['links']['l_sole']['corners'])
    assert np.ptp(corners, axis=0)[:2] == pytest.approx([0.28 * 0.8, 0.1 * 0.8], abs=0.01)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('<robot name="x"><link', 'is not a URDF'),
        ('name: g1\n', 'is not a URDF'),
        ('<mujoco model="x"/>', 'expected <robot>, found <mujoco>'),
        ('<robot name="x"><link name="a"/></robot>', 'no two arms found'),
    ],
)
def test_no_urdf(
    tmp_path: Path, content: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / 'x.urdf', tmp_path / 'map.yaml'
    path.write_text(content)
    assert main(['robots', 'init', str(path), '-o', str(target)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.startswith(f'l2emg: {path}')
    assert told.count('\n') == 1
    assert told.count(str(path)) == 1
    assert not target.exists()


@pytest.mark.parametrize(
    'urdf_path',
    [
        'solo_description/robots/solo12.urdf',
        'talos_data/robots/talos_left_arm.urdf',
        'panda_description/urdf/panda.urdf',
        'alexander_description/urdf/alexander_v1.lowerBodyOnly.urdf',
    ],
)
def test_robots_without_two_arms(tmp_path: Path, urdf_path: str) -> None:
    path = urdf.resolve(f'{ROBOTS}/{urdf_path}', tmp_path)
    with pytest.raises(RobotMapError, match='no two arms found'):
        draft(path, tmp_path / 'map.yaml')


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, target = nameless(tmp_path), tmp_path / 'map.yaml'
    target.write_text('mine')
    assert main(['robots', 'init', str(path), '-o', str(target)]) == 2
    assert f'{target} exists' in capsys.readouterr().err
    assert target.read_text() == 'mine'
    assert main(['robots', 'init', str(path), '-o', str(target), '--force', '--name', 'x']) == 0
    assert Robot.load(target).name == 'x'
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith('.tmp')] == []


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['init'], 'init needs a URDF'),
        (['init', 'nowhere.urdf'], 'nowhere.urdf is not a file'),
        (['init', 'package://nowhere/x.urdf'], 'install the package nowhere'),
        (['init', 'x.urdf', '-o', 'map.txt'], 'expected a .yaml file'),
        (['check', '--force'], 'they are for init'),
    ],
)
def test_bad_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['robots', *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count('\n') == 1


@pytest.mark.parametrize(
    ('name', 'side', 'mirrored'),
    [
        ('left_elbow_joint', 'l', 'right_elbow_joint'),
        ('arm_left_1_joint', 'l', 'arm_right_1_joint'),
        ('RShoulderPitch', 'r', 'LShoulderPitch'),
        ('LLEG_HIP_R', 'l', 'RLEG_HIP_R'),
        ('RARM_WRIST_R', 'r', 'LARM_WRIST_R'),
        ('l_hip_roll', 'l', 'r_hip_roll'),
        ('LeftWristYaw', 'l', 'RightWristYaw'),
        ('hip_r', 'r', 'hip_l'),
        ('motor3', '', ''),
        ('roll', '', ''),
    ],
)
def test_names_of_sides(name: str, side: str, mirrored: str) -> None:
    assert limbs.side_of(name) == side
    assert limbs.mirrored_name(name) == mirrored
    assert mirrored == '' or limbs.mirrored_name(mirrored) == name


@pytest.mark.parametrize('seed', range(5))
def test_sphere_and_meeting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centre, radius = rng.normal(size=3), rng.uniform(0.1, 1.0)
    ways = rng.normal(size=(50, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    found, spread = limbs.sphere(centre + radius * ways)
    assert found == pytest.approx(centre, abs=1e-6)
    assert spread < 1e-6
    # A circle: its own centre, not another point on its axis.
    flat = np.column_stack([ways[:, :2], np.zeros(50)])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert limbs.sphere(centre + radius * flat)[0] == pytest.approx(centre, abs=1e-6)
    origins = centre + rng.normal(size=(3, 1)) * ways[:3]
    assert limbs.meeting(origins, ways[:3]) == pytest.approx(centre, abs=0.02)
