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
"""What is left of every scenario while new ones are learned: matrices, slopes and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from l2emg_ros.bench import continual
from l2emg_ros.bench.stage import Stage, Wish, wishes
from l2emg_ros.corpus import Scenario, SCENARIOS
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.generator.request import Request

Array = NDArray[np.float64]
MEASURES = ('f1', 'content', 'routing')
SHIPPED = 'shipped'
_TIMED = 'wave to greet an old friend who is coming up the stairs'
_SEED = 4000


def tests(places: Sequence[Scenario], prompts: int, seed: int) -> dict[str, list[Wish]]:
    """Return the requests that every scenario is tested with, and of those the model ships with.

    Args:
        places: What is to be learned.
        prompts: Requests of each; of those that ship, together.
        seed: Of the choice.
    """
    found = {place.name: wishes(place, prompts, seed + _SEED) for place in places}
    each = max(prompts // len(SCENARIOS), 1)
    known = [wishes(place, each, seed + _SEED) for place in SCENARIOS.values()]
    return {**found, SHIPPED: [wish for part in known for wish in part]}


def scored(stage: Stage, asked: dict[str, list[Wish]], seed: int) -> dict[str, dict[str, float]]:
    """Return by scenario the weighted F1 of emotions, gestures and routes that are right, %.

    Args:
        stage: Performs; the router decides which expert.
        asked: ``tests``, or some of them.
        seed: Of the performances, the same after every scenario.
    """
    rows = {}
    for name, wanted in asked.items():
        reading = stage.read(wanted, seed)
        # Requests that name nothing of a place may as well be any other's.
        named = [
            route == name or (name == SHIPPED and route in SCENARIOS)
            for route, wish in zip(reading.routed, wanted, strict=True)
            if name == SHIPPED or wish.named
        ]
        rows[name] = {
            'f1': 100.0 * reading.f1,
            'content': 100.0 * float(reading.content.mean()),
            'routing': 100.0 * float(np.mean(named)) if named else 100.0,
        }
    return rows


def first_chunks(model: Path, registries: Sequence[Path | None], repeats: int) -> list[float]:
    """Return the processor times to the first chunk with each of several registries, ms.

    They are measured in turns and on one thread, so that what else runs disturbs all of them
    alike; the shortest of many is what the code needs.

    Args:
        model: Model folder.
        registries: Folders of experts, as in ``registry_for``.
        repeats: How often each.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        generators = [EmpathicGenerator.load(model, device='cpu', experts=p) for p in registries]
        times: list[list[float]] = [[] for _ in generators]
        for seed in range(repeats):
            for into, generator in zip(times, generators, strict=True):
                began = time.process_time()
                next(iter(generator.open(Request(_TIMED, seed=seed))))
                into.append(1e3 * (time.process_time() - began))
    finally:
        torch.set_num_threads(threads)
    return [min(some) for some in times]


def matrices(steps: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, Array]:
    """Return the (T, T) matrices of each measure; NaN where a scenario was not tested yet."""
    found = {}
    for measure in MEASURES:
        found[measure] = np.array(
            [
                [step['scores'].get(name, {}).get(measure, np.nan) for name in names]
                for step in steps
            ]
        )
    return found


def summary(results: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a sequence from what was measured after each scenario."""
    steps, names = results['steps'], results['scenarios']
    found: dict[str, Any] = {}
    for name, scores in matrices(steps, names).items():
        means = continual.averages(scores)
        found[name] = {
            'average': continual.average(scores),
            'learning': continual.learning_accuracy(scores),
            'averages': means.tolist(),
        }
        if len(scores) > 1:
            found[name] |= {
                'backward_transfer': continual.backward_transfer(scores),
                'forgetting': continual.forgetting(scores),
                'slope': float(np.polyfit(np.arange(len(means)), means, 1)[0]),
            }
    shipped = [results['before'][SHIPPED]['f1'], *(s['scores'][SHIPPED]['f1'] for s in steps)]
    few, many = results['first_chunk_ms']
    # Nothing is measured where the last scenario was not promoted.
    back = results['rollback_s']
    return found | {
        'promoted': sum(step['promoted'] for step in steps),
        'shipped_before': shipped[0],
        'shipped_after': shipped[-1],
        'seconds': float(np.mean([step['seconds'] for step in steps])),
        'expert_mb': max((step['bytes'] for step in steps), default=0) / 1e6,
        'node_mb': [results['node_mb'], *(step['node_mb'] for step in steps)],
        'latency_growth': many / few - 1.0,
        'rollback_ms': None if back is None else 1e3 * back,
    }


def table(results: dict[str, Any]) -> str:
    """Return the matrix of F1, one line a scenario learned, and the figures below."""
    steps, names, told = results['steps'], results['scenarios'], results['summary']
    lines = [
        'weighted F1 of emotions, %; a line is what was learned, a column what is tested',
        f'{"learned":<19}{SHIPPED:>8}' + ''.join(f'{n + 1:>7}' for n in range(len(names))),
    ]
    for title, scores in (
        ('nothing yet', results['before']),
        *((f'{n + 1:>2} {step["scenario"]}', step['scores']) for n, step in enumerate(steps)),
    ):
        row = (scores.get(name, {}).get('f1') for name in (SHIPPED, *names))
        lines.append(
            f'{title:<20}' + ''.join(f'{"" if v is None else format(v, ".1f"):>7}' for v in row)
        )
    lines.append(
        f'{"learned":<19}{"promoted":>9}{"growth":>8}{"seconds":>9}{"MB":>7}{"A_t F1":>8}'
        f'{"gesture":>9}{"routing":>9}{"chunk ms":>10}'
    )
    for number, step in enumerate(steps):
        means = [told[measure]['averages'][number] for measure in MEASURES]
        lines.append(
            f'{number + 1:>2} {step["scenario"]:<16}'
            f'{"yes" if step["promoted"] else "NO":>9}{step["growth"]:>8}'
            f'{step["seconds"]:>9.0f}{step["bytes"] / 1e6:>7.2f}{means[0]:>8.1f}{means[1]:>9.1f}'
            f'{means[2]:>9.1f}{step["node_chunk_ms"]:>10.0f}'
        )
    return '\n'.join([*lines, *_figures(results)])


def _figures(results: dict[str, Any]) -> list[str]:
    told = results['summary']
    f1, few_many = told['f1'], results['first_chunk_ms']
    lines = [
        f'A_T {f1["average"]:.1f}, learning accuracy {f1["learning"]:.1f}; gestures '
        f'{told["content"]["average"]:.1f} %, routing {told["routing"]["average"]:.1f} %'
    ]
    if 'slope' in f1:
        lines.append(
            f'BWT {f1["backward_transfer"]:+.2f}, forgetting {f1["forgetting"]:.2f}, slope of A_t '
            f'{f1["slope"]:+.2f} points a scenario, wanted at least -0.2'
        )
    back = told['rollback_ms']
    lines += [
        f'the eight that ship: F1 {told["shipped_before"]:.1f} -> {told["shipped_after"]:.1f}, '
        'wanted to lose at most 1 point',
        f'processor time of the first chunk {few_many[0]:.1f} -> {few_many[1]:.1f} ms with '
        f'{len(results["steps"])} experts more: {told["latency_growth"]:+.1%}, wanted at most 5 %',
        f'{told["expert_mb"]:.2f} MB an expert, wanted at most 3; generator node '
        f'{told["node_mb"][0]:.0f} -> {told["node_mb"][-1]:.0f} MB',
        f'{told["seconds"]:.0f} s a scenario, wanted at most 600; rollback '
        f'{"not measured" if back is None else f"{back:.0f} ms"}, wanted at most 100',
    ]
    return lines
