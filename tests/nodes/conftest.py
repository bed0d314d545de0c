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
"""Fixtures of the node tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import itertools
from pathlib import Path
import shutil
from typing import Any

import pytest

rclpy = pytest.importorskip('rclpy')
domain_coordinator = pytest.importorskip('domain_coordinator')

from nodes.graph import Graph  # noqa: E402
from nodes.person import Person  # noqa: E402
import toy_robot  # noqa: E402

from l2emg_ros.nodes.lifelong_node import LifelongNode  # noqa: E402

# Each graph has a domain of its own: the last words of one that has just gone must not reach it.
_DOMAINS = itertools.cycle(range(1, 101)).__next__


@pytest.fixture
def graph() -> Iterator[Graph]:
    """Return an empty ROS graph, taken down after the test."""
    with domain_coordinator.domain_id(_DOMAINS) as domain:
        graph = Graph(domain=domain)
        try:
            yield graph
        finally:
            graph.close()


@pytest.fixture
def model(tmp_path: Path, tiny: Path) -> Path:
    """Return a copy of the untrained model, to be changed."""
    return shutil.copytree(tiny, tmp_path / 'model')


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the folder of the log of interactions."""
    return tmp_path / 'deep' / 'log'


@pytest.fixture
def person(graph: Graph, model: Path, log: Path) -> Person:
    """Return a person before an active lifelong node."""
    return Person(graph, graph.add(LifelongNode, model_path=str(model), log_path=str(log)))


@pytest.fixture
def start(graph: Graph, model: Path, log: Path, tmp_path: Path) -> Callable[..., LifelongNode]:
    """Return what starts a node that learns for a robot of six joints."""

    def started(**parameters: Any) -> LifelongNode:
        given = {
            'model_path': str(model),
            'experts_path': str(tmp_path / 'experts'),
            'log_path': str(log),
            'robot': str(toy_robot.write(tmp_path)),
            'fewest_lessons': 8,
            'idle_only': False,
        }
        return graph.add(LifelongNode, **{**given, **parameters})

    return started
