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
"""The wall between the core, torch, Pinocchio and ROS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
import subprocess
import sys

import pytest

import l2emg_ros

PACKAGE = Path(l2emg_ros.__file__).resolve().parent
MODULES = sorted(PACKAGE.rglob('*.py'))
TORCH = {'accelerate', 'peft', 'safetensors', 'torch', 'transformers'}
TORCH_HOMES = {
    'bench',
    'experts',
    'generator',
    'learning',
    'lifelong',
    'model',
    'text',
    'training',
}
# They may ask torch for threads and memory, but only once they work: never when imported.
TORCH_USERS = {'cli', 'nodes'}
# Folder -> folders of this package that it must not import.
FORBIDDEN = {
    'motion': {'model', 'generator', 'experts', 'retarget', 'corpus', 'sim', 'viz'},
    'retarget': {'model', 'generator', 'experts', 'lifelong', 'text'},
    'model': {'generator', 'retarget', 'lifelong'},
    'lifelong': {'generator', 'learning', 'retarget'},
    # It runs in a process of its own and shares nothing with the generator but the registry.
    'learning': {'sim', 'viz'},
}
# What a robot has shown becomes a motion by the kinematics of the robot.
ALLOWED = {'lifelong/demonstration.py': {'retarget'}}


def imported(path: Path, *, at_once: bool = False) -> Iterator[str]:
    """Yield what a module imports, or only what it imports when it is imported itself."""
    tree = ast.parse(path.read_text())
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            # `from l2emg_ros import nodes` names a folder too.
            if node.module == 'l2emg_ros':
                yield from (f'l2emg_ros.{alias.name}' for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            pytest.fail(f'{path}: relative import')


def home(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ''


def is_ros(name: str) -> bool:
    root = name.split('.')[0]
    known = root in ('rclpy', 'launch', 'launch_ros', 'std_srvs', 'ament_index_python')
    return known or root.endswith(('_msgs', '_interfaces'))


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 40
    assert is_ros('l2emg_interfaces.msg')
    assert is_ros('rclpy.node')


@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_wall(path: Path) -> None:
    where = home(path)
    allowed = ALLOWED.get(path.relative_to(PACKAGE).as_posix(), set())
    for name in imported(path):
        root, *rest = name.split('.')
        if is_ros(name):
            assert where == 'nodes', f'{name}: only nodes/ may import ROS'
        if root in TORCH:
            homes = TORCH_HOMES | TORCH_USERS
            assert where in homes, f'{name}: not in {where or "the package root"}/'
        if root == 'pinocchio':
            assert where == 'retarget', f'{name}: only retarget/ may import Pinocchio'
        if root == 'l2emg_ros' and rest:
            forbidden = FORBIDDEN.get(where, set()) - allowed
            assert rest[0] not in forbidden, f'{where}/ must not import {name}'
            if rest[0] == 'nodes':
                assert where in ('nodes', 'cli'), f'{name}: only cli/ starts nodes'
            # A progress bar may be passed anywhere; it imports nothing of this package.
            if rest[0] == 'cli' and rest[1:2] != ['progress']:
                assert where == 'cli', f'{name}: nothing imports the command line'


@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_torch_is_loaded_late(path: Path) -> None:
    if home(path) in TORCH_USERS:
        assert not {name.split('.')[0] for name in imported(path, at_once=True)} & TORCH


def test_core_without_torch_ros_and_pinocchio() -> None:
    code = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'rclpy', 'pinocchio', 'mujoco'):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from l2emg_ros import Emotion, Motion
import l2emg_ros.motion.io, l2emg_ros.corpus, l2emg_ros.processes, l2emg_ros.cli.main
"""
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    'node',
    ['generator_node', 'retargeter_node', 'lifelong_node', 'simulator_node', 'hri_bridge'],
)
def test_importing_a_node_does_not_load_torch(node: str) -> None:
    code = f'import sys, l2emg_ros.nodes.{node}; sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_public_names() -> None:
    for name in l2emg_ros.__all__:
        assert getattr(l2emg_ros, name) is not None
    with pytest.raises(AttributeError, match='nothing'):
        _ = l2emg_ros.nothing
