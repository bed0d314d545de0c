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
"""What the parts of `l2emg bench lifelong` share: nodes, and a place for what is measured."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from l2emg_ros import processes
from l2emg_ros.nodes.graph import Graph
from l2emg_ros.nodes.raters import Rater

FEWEST = 8
"""Interactions that the node is asked to learn from at least."""
_START = 120.0
# People speak this much sooner than their delays, so that hours become minutes.
_HURRY = 0.1


def config(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return what a result depends on."""
    given = {name: getattr(args, name) for name in names}
    model = json.loads((args.model / 'model.json').read_text('utf-8'))
    return {**given, 'files': model['files']}


def place(args: argparse.Namespace, name: str, config: dict[str, Any]) -> Path:
    """Return a folder that belongs to a configuration, for what was learned in another one."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    folder = Path(args.work, f'{name}-{digest}')
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def nodes(args: argparse.Namespace, work: Path) -> Iterator[tuple[Graph, Rater]]:
    """Start a generator and a lifelong node whose experts and log are in a folder."""
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    namespace = f'l2emg_bench_{os.getpid()}'
    fewest = min(32, max(FEWEST, args.interactions // 2))
    given = {'lifelong': {'log_path': str(work / 'log'), 'fewest_lessons': fewest}}
    with Graph(
        namespace=namespace,
        nodes=(processes.GENERATOR, processes.LIFELONG),
        parameters=given,
        log_dir=work / 'logs',
        model_path=str(args.model),
        experts_path=str(work / 'experts'),
        device='cpu',
    ) as graph:
        graph.wait_active(_START)
        with Rater(namespace, _HURRY) as rater:
            rater.wait()
            yield graph, rater
