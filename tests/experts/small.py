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
"""A real registry with tensors of a few numbers: what is tested is the disk, not the model."""

from __future__ import annotations

from collections.abc import Callable
import errno
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2emg_ros.experts import state
from l2emg_ros.experts.registry import Registry
from l2emg_ros.experts.router import Router

LAYERS = ['layers.0.q_proj', 'layers.0.v_proj']
RANK = 2
WIDTH = 8
HASHES = {'base': 'a' * 64, 'tokenizer': 'b' * 64, 'emotion': 'c' * 64}


def manifest(name: str, scenario: str = '') -> dict[str, Any]:
    return {
        'name': name,
        'scenario': scenario or name,
        'base_model': 'small@1',
        'rank': RANK,
        'target_modules': LAYERS,
        'hashes': HASHES,
        'metrics': {'nll': 0.5},
    }


def tensors(seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    random = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float16)

    adapter = {}
    for layer in LAYERS:
        adapter[f'{layer}.lora_A.weight'] = some(RANK, 6)
        adapter[f'{layer}.lora_B.weight'] = some(6, RANK)
    return adapter, {'queries': some(2, 6), 'gate.weight': some(RANK, 6)}


def add(registry: Registry, name: str, seed: int = 0, **extras: object) -> str:
    return registry.add(
        manifest(name), *tensors(seed), {f'{k}.json': v for k, v in extras.items()}
    )


def router(scenarios: tuple[str, ...], seed: int = 0) -> Router:
    """Return statistics of random texts: 40 a scenario."""
    random = np.random.default_rng(seed)
    result = Router(WIDTH)
    for scenario in scenarios:
        one = Router(WIDTH)
        features = random.normal(size=(40, WIDTH)) + random.normal(size=WIDTH) * 3
        one.scenarios = [scenario]
        one._lexical = random.integers(0, 3, (1, one._lexical.shape[1])).astype(float)
        one._sums, one._sizes = features.sum(axis=0)[None], np.array([40.0])
        one._scatter = features.T @ features
        one._calibration = np.sort(random.random(20))
        result.adopt(one)
    return result


def activate(registry: Registry, seed: int = 0, **versions: str) -> None:
    """Make versions active beside what is active already."""
    wanted = {name: (name, version) for name, version in versions.items()}
    chosen = {**state.chosen(registry.active()), **wanted}
    registry.activate(chosen, router(tuple(sorted(chosen)), seed), 'c' * 64)


def registry(folder: Path) -> Registry:
    """Return a registry in which ward@2, after ward@1, and stage@1 are active."""
    made = Registry(folder)
    add(made, 'ward', 1)
    add(made, 'stage', 2)
    activate(made, 1, ward='1', stage='1')
    add(made, 'ward', 3)
    activate(made, 2, ward='2')
    return made


def active(found: Registry) -> dict[str, str]:
    return {key: f'{n}@{v}' for key, (n, v) in state.chosen(found.active()).items()}


def check(found: Registry) -> None:
    """Check what must hold after any crash: what is active loads, what is listed is whole."""
    present = found.active()
    for scenario, (name, version) in state.chosen(present).items():
        assert found.load(name, version)[0]['scenario'] == scenario
    known = found.router(present)
    assert known is None or set(known.scenarios) == set(present['active'])
    listed = {(item.name, item.version) for item in found.list()}
    assert listed == set(found.versions())
    for name, version in listed:
        found.verify(name, version)


class FullDisk:
    """Makes the n-th call of what changes a disk fail, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        for module, name in (
            (os, 'replace'),
            (os, 'rename'),
            (os, 'fsync'),
            (os, 'open'),
            (os, 'mkdir'),
            (os, 'unlink'),
            (os, 'rmdir'),
            (os, 'chmod'),
            (io, 'open'),
        ):
            monkeypatch.setattr(module, name, self.failing(getattr(module, name)))

    def failing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))
            return real(*arguments, **options)

        return call
