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
"""Environment and fixtures shared by every test."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from l2emg_ros.text.encoder import MiniLmEncoder

# Small networks are slower with several threads, and tests run in several processes.
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Read when a message class is first imported, so set before any test module is.
os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['HF_HUB_OFFLINE'] = '1'
os.environ['TRANSFORMERS_OFFLINE'] = '1'
_ROS_LOG_DIR = tempfile.TemporaryDirectory(prefix='l2emg_ros_log_')
os.environ['ROS_LOG_DIR'] = _ROS_LOG_DIR.name


@pytest.fixture(scope='session', autouse=True)
def ros_domain() -> Iterator[int | None]:
    """Give this pytest process a ROS domain of its own (None where ROS is not installed)."""
    try:
        import domain_coordinator
    except ModuleNotFoundError:
        yield None
        return
    with domain_coordinator.domain_id() as domain:
        os.environ['ROS_DOMAIN_ID'] = str(domain)
        yield domain


@pytest.fixture(scope='session')
def mocap_dir() -> Path:
    """Return the folder of real motion capture that L2EMG_MOCAP_DIR names."""
    value = os.environ.get('L2EMG_MOCAP_DIR')
    if not value:
        pytest.skip('needs real motion capture: set L2EMG_MOCAP_DIR to its folder')
    path = Path(value)
    if not path.is_dir():
        pytest.fail(f'L2EMG_MOCAP_DIR={value} is not a folder')
    return path


@pytest.fixture(scope='session')
def minilm() -> MiniLmEncoder:
    """Return the real text encoder, loaded once."""
    from l2emg_ros.text.encoder import MiniLmEncoder

    return MiniLmEncoder()


@pytest.fixture(scope='session')
def tiny(tmp_path_factory: pytest.TempPathFactory, minilm: MiniLmEncoder) -> Path:
    """Return an untrained two-layer model folder; copy it before changing it."""
    from tiny import tiny_model

    return tiny_model(tmp_path_factory.mktemp('tiny'), minilm)
