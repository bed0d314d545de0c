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
"""Hot swap: a request reads one set of experts from start to end, the next one the newest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
import logging
from pathlib import Path
import shutil
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

from l2emg_ros.errors import ExpertIntegrityError
from l2emg_ros.experts import state
from l2emg_ros.experts.registry import Registry
from l2emg_ros.files import read_json, write_json
from l2emg_ros.generator import checkpoint
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.generator.request import Request
from l2emg_ros.lifelong.rollback import rollback
from l2emg_ros.motion.motion import Motion
from l2emg_ros.text.encoder import MiniLmEncoder

TEXT = 'comfort a patient'
REQUESTS, THREADS, PERIOD = 1000, 4, 0.01


@pytest.fixture
def model(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / 'model'))


@pytest.fixture
def registry(model: Path) -> Registry:
    """Return a registry whose inactive second version of ward differs from the first."""
    found = Registry(model / 'experts')
    manifest, adapter, slots = found.load('ward')
    found.add(manifest, {name: value * -1.5 for name, value in adapter.items()}, slots)
    return found


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def activate(registry: Registry, version: str) -> None:
    present = registry.active()
    chosen = {**state.chosen(present), 'ward': ('ward', version)}
    registry.activate(chosen, registry.router(present), present['emotion_block'])


class Remembering(MiniLmEncoder):
    """The real encoder, asked for each text once: its share of the time is half a request's."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, ...], list[np.ndarray]] = {}

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        key = tuple(texts)
        if key not in self._known:
            self._known[key] = super().encode(texts)
        return self._known[key]


def perform(generator: EmpathicGenerator) -> tuple[str, Motion]:
    session = generator.open(Request(TEXT, seconds=0.5, seed=3))
    for _ in session:
        pass
    return session.experts[0], session.motion()


@pytest.mark.slow
@pytest.mark.usefixtures('one_thread')
def test_a_thousand_requests_while_experts_are_swapped(model: Path, registry: Registry) -> None:
    generator = EmpathicGenerator(checkpoint.load(model), Remembering())
    pure = {}
    for version in ('2', '1'):
        activate(registry, version)
        name, pure[f'ward@{version}'] = perform(generator)
        assert name == f'ward@{version}'
    assert pure['ward@1'] != pure['ward@2']
    seen: Counter[str] = Counter()
    wrong: list[object] = []
    swaps, over, lock = 0, threading.Event(), threading.Lock()

    def swap() -> None:
        nonlocal swaps
        due = time.monotonic()
        while not over.is_set():
            activate(registry, '12'[swaps % 2])
            swaps += 1
            due += PERIOD
            over.wait(max(0.0, due - time.monotonic()))

    def ask() -> None:
        try:
            for _ in range(REQUESTS // THREADS):
                name, motion = perform(generator)
                with lock:
                    seen[name] += 1
                    if motion != pure[name]:
                        wrong.append(name)
        except Exception as error:
            wrong.append(error)

    swapper = threading.Thread(target=swap)
    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    swapper.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    swapper.join()
    assert not wrong
    assert sum(seen.values()) == REQUESTS
    assert min(seen['ward@1'], seen['ward@2']) > REQUESTS // 10
    assert swaps > 200
    assert generator.experts_error == ''


def test_the_next_request_sees_what_was_promoted(model: Path, registry: Registry) -> None:
    generator = EmpathicGenerator.load(model, device='cpu')
    running = generator.open(Request(TEXT, seconds=2, seed=3))
    chunks = iter(running)
    next(chunks)
    alone = generator.generate(TEXT, seconds=2, seed=3)
    activate(registry, '2')
    assert generator.open(Request(TEXT, seed=3)).experts == ('ward@2',)
    assert generator.active_experts() == ['reception@1', 'ward@2']
    for _ in chunks:
        pass
    assert running.experts == ('ward@1',)
    assert running.motion() == alone
    rollback(registry, 'ward')
    assert generator.generate(TEXT, seconds=2, seed=3) == alone
    rollback(registry, 'ward')
    # Taken out, its requests go elsewhere or to no expert, and nothing of it is left.
    assert generator.active_experts() == ['reception@1']
    assert generator.open(Request(TEXT, seed=3)).experts != ('ward@1',)


def test_experts_that_stayed_are_not_loaded_again(model: Path, registry: Registry) -> None:
    generator = EmpathicGenerator.load(model, device='cpu')
    before = generator._experts.current()
    activate(registry, '2')
    after = generator._experts.current()
    assert after.loaded['reception'] is before.loaded['reception']
    assert after.router is before.router
    assert after.loaded['ward'] is not before.loaded['ward']
    assert before.loaded['ward'].name == 'ward@1'


def test_readers_do_not_break_where_old_versions_are_collected(
    model: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    generator = EmpathicGenerator.load(model, device='cpu')
    manifest, adapter, slots = registry.load('ward')
    over, seen = threading.Event(), set()

    def read() -> None:
        while not over.is_set():
            seen.update(generator.active_experts())

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        version = registry.add(manifest, adapter, slots)
        activate(registry, version)
        registry.collect(keep=1, age=0.0)
        assert registry.versions('ward') == [('ward', version)]
    over.set()
    for thread in threads:
        thread.join()
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert generator.active_experts() == ['reception@1', f'ward@{version}']
    assert len(seen) > 5


def test_what_goes_between_being_named_and_being_read_is_read_anew(
    model: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = EmpathicGenerator.load(model, device='cpu')
    manifest, adapter, slots = registry.load('ward')
    reader = generator._model.registry
    real, late = reader.active, []

    def active() -> dict[str, Any]:
        present = real()
        if not late:
            # Another process is quicker.
            late.append(registry.add(manifest, adapter, slots))
            activate(registry, late[0])
            assert registry.collect(keep=1, age=0.0) == ['ward@1', 'ward@2']
        return present

    activate(registry, '2')
    monkeypatch.setattr(reader, 'active', active)
    assert generator.active_experts() == ['reception@1', 'ward@3']
    assert generator.experts_error == ''


def test_a_damaged_expert_leaves_the_old_ones_in_use_and_is_reported_once(
    model: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    generator = EmpathicGenerator.load(model, device='cpu')
    _, alone = perform(generator)
    path = registry.folder / 'ward' / '2' / 'adapter_model.safetensors'
    good = path.read_bytes()
    activate(registry, '2')
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert perform(generator) == ('ward@1', alone)
    lines = [r.getMessage() for r in caplog.records if r.name.startswith('l2emg_ros')]
    assert len(lines) == 1
    assert 'ward/2/adapter_model.safetensors' in lines[0]
    assert 'adapter_model' in generator.experts_error
    with pytest.raises(ExpertIntegrityError, match='adapter_model'):
        generator.reload_experts()
    assert perform(generator) == ('ward@1', alone)
    path.write_bytes(good)
    assert generator.reload_experts() == ['reception@1', 'ward@2']
    assert generator.experts_error == ''
    assert perform(generator)[0] == 'ward@2'


def test_an_expert_of_another_scenario_is_not_loaded(model: Path, registry: Registry) -> None:
    present = read_json(registry.folder / 'active.json')
    entries = present['active']
    entries['ward'], entries['reception'] = entries['reception'], entries['ward']
    write_json(registry.folder / 'active.json', present)
    with pytest.raises(ExpertIntegrityError, match='is an expert of'):
        EmpathicGenerator.load(model, device='cpu')


def test_learned_experts_are_read_from_their_place(
    model: Path, registry: Registry, tmp_path: Path
) -> None:
    from l2emg_ros.experts.place import registry_for

    root = tmp_path / 'learned'
    generator = EmpathicGenerator.load(model, device='cpu', experts=root)
    assert not root.exists()
    assert perform(generator)[0] == 'ward@1'
    activate(registry_for(model, root), '2')
    assert perform(generator)[0] == 'ward@2'
    # What came with the model stays as it was.
    assert perform(EmpathicGenerator.load(model, device='cpu'))[0] == 'ward@1'
    assert EmpathicGenerator.load(model, experts=root).active_experts()[1] == 'ward@2'
