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
"""One system for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

rclpy = pytest.importorskip('rclpy')

from e2e.system import System  # noqa: E402


@pytest.fixture(scope='module')
def system(
    ros_domain: int, tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Return the running system with an untrained two-layer model.

    It ends with each module: its nodes at rest take half a core from the tests after them.
    """
    system = System(tiny, tmp_path_factory.mktemp('system'))
    try:
        yield system
    finally:
        system.close()
