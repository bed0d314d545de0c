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
"""An installation has every file that the checkout has, and finds them."""

from __future__ import annotations

from importlib import metadata
import os
from pathlib import Path
import shutil
import subprocess
import sys
import zipfile

import pytest

from l2emg_ros import resources
from l2emg_ros.errors import ResourceNotFound

ROOT = Path(__file__).resolve().parents[2]
SHARED = ('launch', 'models', 'rviz', 'urdf', 'worlds')
SKIPPED = {'.git', '.venv', 'build', 'install', 'log', 'out', 'docs', 'tests', 'ros2_ws'}
PROGRAMS = {'l2emg', 'generator', 'retargeter', 'lifelong', 'hri_bridge', 'simulator'}


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy of the checkout without leftovers of earlier builds."""
    source = tmp_path_factory.mktemp('source') / 'l2emg_ros'

    def skipped(folder: str, names: list[str]) -> set[str]:
        top = SKIPPED if Path(folder) == ROOT else set()
        return {n for n in names if n in top or n == '__pycache__' or n.endswith('.egg-info')}

    shutil.copytree(ROOT, source, ignore=skipped)
    target = tmp_path_factory.mktemp('wheel')
    pip('wheel', '--no-deps', '--no-build-isolation', '-w', str(target), str(source))
    return next(target.glob('*.whl'))


def pip(*words: str) -> None:
    command = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check', *words]
    subprocess.run(command, check=True)


def shared_files() -> set[str]:
    files = {p for folder in SHARED for p in (ROOT / folder).rglob('*') if p.is_file()}
    return {p.relative_to(ROOT).as_posix() for p in files if '__pycache__' not in p.parts}


def config_files() -> set[str]:
    return {f'config/{p.name}' for p in (ROOT / 'l2emg_ros' / 'config').glob('*.yaml')}


def test_wheel_holds_everything(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    share = 'l2emg_ros-0.1.0.data/data/share'
    expected = shared_files() | config_files() | {'package.xml'}
    assert len(expected) > 15
    assert {f'{share}/l2emg_ros/{name}' for name in expected} <= names
    assert f'{share}/ament_index/resource_index/packages/l2emg_ros' in names
    package = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / 'l2emg_ros').rglob('*')
        if p.is_file() and '__pycache__' not in p.parts
    }
    assert package <= names


def test_installation_finds_everything(wheel: Path, tmp_path: Path) -> None:
    prefix = tmp_path / 'prefix'
    # Without --ignore-installed pip would remove the editable installation.
    pip('install', '--no-deps', '--ignore-installed', '--prefix', str(prefix), str(wheel))
    site = next(prefix.glob('lib/python3*/site-packages'))
    code = (
        'import sys, l2emg_ros; from l2emg_ros import resources;'
        'print(l2emg_ros.__file__); [print(resources.find(name)) for name in sys.argv[1:]]'
    )
    names = sorted(shared_files() | config_files())
    environment = os.environ | {'PYTHONPATH': str(site), 'AMENT_PREFIX_PATH': str(prefix)}
    done = subprocess.run(
        [sys.executable, '-c', code, *names],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [Path(line) for line in done.stdout.splitlines()]
    assert len(found) == len(names) + 1
    assert all(path.is_relative_to(prefix.resolve()) for path in found)
    assert {p.name for p in (prefix / 'bin').iterdir()} >= PROGRAMS


def test_programs_can_be_imported() -> None:
    points = metadata.distribution('l2emg_ros').entry_points
    assert {point.name for point in points} == PROGRAMS
    assert all(callable(point.load()) for point in points)


def test_checkout_finds_everything() -> None:
    for name in shared_files() | config_files():
        assert resources.find(name).is_file()


def test_a_missing_resource_lists_the_places() -> None:
    with pytest.raises(ResourceNotFound) as caught:
        resources.find('urdf/robots/nobody/map.yaml')
    message = str(caught.value)
    assert 'urdf/robots/nobody/map.yaml' in message
    assert all(str(place) in message for place in resources.places())
    assert '\n' not in message


def test_an_explicit_path_is_the_only_one_tried(tmp_path: Path) -> None:
    assert resources.find('urdf', explicit=tmp_path) == tmp_path.resolve()
    with pytest.raises(ResourceNotFound, match='absent'):
        resources.find('urdf', explicit=tmp_path / 'absent')


def test_a_sourced_installation_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / 'share' / 'l2emg_ros' / 'urdf' / 'robots' / 'g1' / 'map.yaml'
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{tmp_path}:/opt/ros/jazzy')
    assert resources.find('urdf/robots/g1/map.yaml') == file.resolve()
