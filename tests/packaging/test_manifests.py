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
"""package.xml, setup.py and friends say the same, and what they say is true."""

from __future__ import annotations

import ast
from pathlib import Path
import re

from catkin_pkg.package import parse_package
import pytest
import yaml

import l2emg_ros

ROOT = Path(__file__).resolve().parents[2]
INTERFACES = ROOT / 'ros2_ws' / 'src' / 'l2emg_interfaces'
# Guarded imports of packages that a full installation has.
OPTIONAL = {'hri_msgs'}


@pytest.mark.parametrize('folder', [ROOT, INTERFACES], ids=['l2emg_ros', 'l2emg_interfaces'])
def test_manifest(folder: Path) -> None:
    warnings: list[str] = []
    package = parse_package(str(folder / 'package.xml'), warnings=warnings)
    package.validate(warnings=warnings)
    assert not warnings
    assert package.package_format == 3
    assert package.licenses == ['Apache-2.0']
    changelog = (folder / 'CHANGELOG.rst').read_text()
    assert f'Changelog for package {package.name}' in changelog
    assert re.search(r'^Forthcoming\n-{11}$', changelog, re.MULTILINE)


def test_versions_agree() -> None:
    version = l2emg_ros.__version__
    assert parse_package(str(ROOT / 'package.xml')).version == version
    assert parse_package(str(INTERFACES / 'package.xml')).version == version
    assert f"version='{version}'" in (ROOT / 'setup.py').read_text()
    assert yaml.safe_load((ROOT / 'CITATION.cff').read_text())['version'] == version


def test_imported_ros_packages_are_declared() -> None:
    declared = {item.name for item in parse_package(str(ROOT / 'package.xml')).exec_depends}
    used = set()
    for path in (ROOT / 'l2emg_ros' / 'nodes').glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or '']
            used |= {name.split('.')[0] for name in names}
    ros = {name for name in used if re.search(r'^rclpy$|_msgs$|_srvs$|_interfaces$', name)}
    assert 'l2emg_interfaces' in ros
    assert ros - declared - OPTIONAL == set()


def test_colcon_can_read_the_metadata() -> None:
    # The one makes colcon's reading of setup.py fail, the other breaks --symlink-install.
    assert 'python_requires' not in re.sub('#.*', '', (ROOT / 'setup.py').read_text())
    assert '\n[project]' not in (ROOT / 'pyproject.toml').read_text()
    assert "'test': ['pytest']" in (ROOT / 'setup.py').read_text()
    assert 'ADD_LINTER_TESTS' not in (INTERFACES / 'CMakeLists.txt').read_text()


def test_requirements_are_pinned() -> None:
    constraints = (ROOT / 'requirements' / 'constraints.txt').read_text()
    for path in (ROOT / 'requirements').glob('*.txt'):
        for line in path.read_text().splitlines():
            word = line.partition('#')[0].strip().rstrip('\\').strip()
            if not word or word.startswith('--') or path.name == 'constraints-ros.txt':
                continue
            if '==' not in word:
                assert re.search(f'^{word}==', constraints, re.MULTILINE), f'{path.name}: {line}'
            elif path.name not in ('text.txt', 'constraints.txt'):
                assert re.sub(r'\[.*\]', '', word) in constraints.split(), f'{path.name}: {line}'
