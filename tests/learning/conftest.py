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
"""A host of the tiny model, loaded once."""

from __future__ import annotations

from pathlib import Path

from learning import school
import pytest

from l2emg_ros.learning.host import Host


@pytest.fixture(scope='session')
def host(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """Return a host whose model, encoder and judge are only read."""
    return Host(school.job(tiny, tmp_path_factory.mktemp('host')), school.Told())
