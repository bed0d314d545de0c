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
"""Finds the files that ship beside the Python package: robots, models, configuration, worlds.

They lie in ``share/l2emg_ros`` after a colcon or pip installation and at the root of a checkout.
"""

from __future__ import annotations

import os
from pathlib import Path
import sys

from l2emg_ros.errors import ResourceNotFound

_PACKAGE = Path(__file__).resolve().parent


def find(name: str | Path, explicit: str | Path | None = None) -> Path:
    """Find a shipped file or folder.

    Args:
        name: path below the share folder, such as ``urdf/robots/g1/map.yaml``.
        explicit: a path chosen by the user; where given, nothing else is tried.

    Returns:
        The absolute path; it exists.

    Raises:
        ResourceNotFound: it is nowhere; the message lists every place tried.
    """
    tried = [Path(explicit)] if explicit is not None else [root / name for root in places()]
    for path in tried:
        if path.exists():
            return path.resolve()
    listed = ', '.join(map(str, tried))
    raise ResourceNotFound(f'{explicit or name} not found: expected one of {listed}')


def places() -> list[Path]:
    """List the folders that are searched, in order.

    Returns:
        ``share/l2emg_ros`` of every prefix on AMENT_PREFIX_PATH (a sourced colcon install) and of
        this interpreter (a pip install), the checkout, the Python package itself.
    """
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    shares = [Path(prefix, 'share', 'l2emg_ros') for prefix in [*prefixes, sys.prefix]]
    # The checkout counts only where it is one: beside an installed package lies site-packages.
    checkout = [_PACKAGE.parent] if (_PACKAGE.parent / 'package.xml').is_file() else []
    return [*shares, *checkout, _PACKAGE]
