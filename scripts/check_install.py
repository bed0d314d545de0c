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
"""Check a colcon installation from outside the checkout, with its setup.bash sourced.

Usage: check_install.py INSTALL_FOLDER
"""

from __future__ import annotations

import os
from pathlib import Path
import sys

from ament_index_python.packages import get_package_share_directory
import l2emg_interfaces

import l2emg_ros
from l2emg_ros import resources

PROGRAMS = ('l2emg', 'generator', 'retargeter', 'lifelong', 'hri_bridge', 'simulator')
FILES = (
    'models',
    'urdf/robots/g1/controllers.yaml',
    'config/gz_bridge.yaml',
    'launch/l2emg.launch.py',
)


def main() -> int:
    """Return 0 if packages, programs and files all come from the installation."""
    install = Path(sys.argv[1]).resolve()
    share = Path(get_package_share_directory('l2emg_ros'))
    programs = [install / 'l2emg_ros' / 'lib' / 'l2emg_ros' / name for name in PROGRAMS]
    paths = [
        Path(l2emg_ros.__file__),
        Path(l2emg_interfaces.__path__[0]),
        share,
        *programs,
        *(resources.find(name) for name in FILES),
    ]
    outside = [path for path in paths if not path.resolve().is_relative_to(install)]
    absent = [path for path in paths if not path.exists()]
    unusable = [path for path in programs if path.exists() and not os.access(path, os.X_OK)]
    for path in {*outside, *absent, *unusable}:
        print(f'not installed properly: {path}', file=sys.stderr)
    print(f'installation: {len(paths)} places checked under {install}')
    return 1 if outside or absent or unusable else 0


if __name__ == '__main__':
    sys.exit(main())
