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
"""Gazebo and RViz files against the URDF of the robot; neither program is needed."""

from __future__ import annotations

import functools
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import pinocchio as pin
import pytest
import yaml

from l2emg_ros.description import describe
from l2emg_ros.errors import RobotMapError
from l2emg_ros.retarget.robot import Robot

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def urdf(*, use_gazebo: bool = True, fixed_base: bool = True) -> str:
    return describe('g1', use_gazebo=use_gazebo, fixed_base=fixed_base)


@pytest.fixture(scope='module')
def robot() -> Robot:
    return Robot.load('g1')


def controllers() -> dict:
    return yaml.safe_load((ROOT / 'urdf' / 'robots' / 'g1' / 'controllers.yaml').read_text())


def moving_joints(text: str) -> set[str]:
    joints = ElementTree.fromstring(text).findall('joint')
    return {joint.attrib['name'] for joint in joints if joint.attrib['type'] != 'fixed'}


def test_ros2_control_names_every_joint_once(robot: Robot) -> None:
    names = [
        j.attrib['name'] for j in ElementTree.fromstring(urdf()).findall('ros2_control/joint')
    ]
    assert len(names) == len(set(names)) == 29
    assert set(names) == set(robot.joint_names) == moving_joints(urdf())


def test_ros2_control_interfaces() -> None:
    control = ElementTree.fromstring(urdf()).find('ros2_control')
    assert control is not None
    assert control.findtext('hardware/plugin') == 'gz_ros2_control/GazeboSimSystem'
    for joint in control.findall('joint'):
        assert [i.attrib['name'] for i in joint.findall('command_interface')] == ['position']
        assert [i.attrib['name'] for i in joint.findall('state_interface')] == [
            'position',
            'velocity',
        ]


def test_controllers_fit_the_robot(robot: Robot) -> None:
    manager = controllers()['controller_manager']['ros__parameters']
    assert set(manager) == {
        'update_rate',
        'joint_state_broadcaster',
        'joint_trajectory_controller',
    }
    trajectory = controllers()['joint_trajectory_controller']['ros__parameters']
    assert sorted(trajectory['joints']) == sorted(robot.joint_names)
    assert trajectory['interpolate_from_desired_state'] is True
    assert trajectory['command_interfaces'] == ['position']
    assert trajectory['state_interfaces'] == ['position', 'velocity']
    assert trajectory['allow_nonzero_velocity_at_trajectory_end'] is False


def test_gain_is_stable() -> None:
    plugin = ElementTree.fromstring(urdf()).find('gazebo/plugin')
    assert plugin is not None
    gain = float(plugin.findtext('position_proportional_gain') or 'nan')
    # gz_ros2_control: above 1 the joint oscillates; the default 0.1 is soft.
    assert 0.1 < gain <= 1.0
    assert Path(plugin.findtext('parameters') or '').is_file()


@pytest.mark.parametrize('use_gazebo', [False, True])
def test_meshes_lie_where_the_description_says(use_gazebo: bool) -> None:
    text = urdf(use_gazebo=use_gazebo)
    meshes = ElementTree.fromstring(text).iter('mesh')
    addresses = [urlparse(mesh.attrib['filename']) for mesh in meshes]
    assert len(addresses) > 50
    assert {address.scheme for address in addresses} == {'file'}
    assert all(Path(unquote(address.path)).is_file() for address in addresses)


@pytest.mark.parametrize('fixed_base', [False, True])
def test_description_is_the_robot(robot: Robot, fixed_base: bool) -> None:
    text = urdf(fixed_base=fixed_base)
    model = pin.buildModelFromXML(text)
    assert tuple(model.names)[1:] == tuple(robot.model.names)[1:]
    assert model.lowerPositionLimit == pytest.approx(robot.model.lowerPositionLimit)
    links = [link.attrib['name'] for link in ElementTree.fromstring(text).findall('link')]
    assert ('world' in links) == fixed_base


def test_a_robot_that_is_not_prepared_says_so(tmp_path: Path) -> None:
    text = (ROOT / 'urdf' / 'robots' / 'g1' / 'map.yaml').read_text()
    (tmp_path / 'map.yaml').write_text(text.replace('name: g1', 'name: cousin', 1))
    with pytest.raises(RobotMapError, match='cousin is not prepared for Gazebo'):
        describe(str(tmp_path / 'map.yaml'), use_gazebo=True)


def test_world() -> None:
    tree = ElementTree.parse(ROOT / 'worlds' / 'empathy.sdf').getroot()
    assert tree.tag == 'sdf'
    worlds = tree.findall('world')
    assert [world.attrib['name'] for world in worlds] == ['empathy']
    plugins = {plugin.attrib['name'] for plugin in worlds[0].findall('plugin')}
    needed = ('Physics', 'UserCommands', 'SceneBroadcaster')
    assert {f'gz::sim::systems::{name}' for name in needed} <= plugins
    assert worlds[0].find("model/static[.='true']") is not None
    # Nothing is fetched: no model and no mesh by address.
    assert not list(tree.iter('uri'))
    assert not list(tree.iter('include'))
    step = float(worlds[0].findtext('physics/max_step_size') or 'nan')
    rate = controllers()['controller_manager']['ros__parameters']['update_rate']
    assert (1 / rate) / step == pytest.approx(round((1 / rate) / step))


def test_bridge_has_one_clock() -> None:
    entries = yaml.safe_load((ROOT / 'l2emg_ros' / 'config' / 'gz_bridge.yaml').read_text())
    clocks = [entry for entry in entries if 'clock' in entry['ros_topic_name']]
    assert len(clocks) == 1
    assert clocks[0]['direction'] == 'GZ_TO_ROS'
    keys = {'ros_topic_name', 'gz_topic_name', 'ros_type_name', 'gz_type_name', 'direction'}
    assert all(set(entry) == keys for entry in entries)


def test_rviz() -> None:
    config = yaml.safe_load((ROOT / 'rviz' / 'l2emg.rviz').read_text())['Visualization Manager']
    displays = {display['Class'] for display in config['Displays']}
    assert 'rviz_default_plugins/RobotModel' in displays
    links = {link.attrib['name'] for link in ElementTree.fromstring(urdf()).findall('link')}
    assert config['Global Options']['Fixed Frame'] in links
