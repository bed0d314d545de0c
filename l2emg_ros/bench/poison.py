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
"""Are poisoned batches refused, and clean ones let through? The whole learner is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import shutil
import time
from typing import Any

from scipy import stats

from l2emg_ros.bench import batches, places
from l2emg_ros.bench.kept import kept
from l2emg_ros.bench.people import Person
from l2emg_ros.bench.stage import Stage, wishes
from l2emg_ros.cli.progress import progress
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.learner import learn

CLEAN = ('clips', 'encounters')
_CLIPS = ('clips', 'emotions', 'motions')
_PLACES = 20


def measure(
    model: Path, work: Path, *, poisoned: int, clean: int, interactions: int, steps: int, seed: int
) -> dict[str, Any]:
    """Return by kind how many batches there were and how many were promoted, and why not.

    Args:
        model: Model folder.
        work: Folder of the results so far.
        poisoned: Batches, an equal number of each kind of poison.
        clean: Batches, half of them clips and half encounters.
        interactions: In a batch.
        steps: Most training steps of each training; 0 is as the learner likes.
        seed: Of everything.
    """
    asked = [(k, n) for k in CLEAN for n in range(clean // len(CLEAN))]
    asked += [(k, n) for n in range(poisoned // len(batches.POISONS)) for k in batches.POISONS]
    config = {'interactions': interactions, 'steps': steps, 'seed': seed, 'model': model.name}
    rows = []
    for kind, number in progress(asked, 'batches'):
        place = work / f'{kind}-{number}'

        def one(kind: str = kind, number: int = number, place: Path = place) -> dict[str, Any]:
            shutil.rmtree(place, ignore_errors=True)
            try:
                return _batch(model, place, kind, 1000 * seed + number, interactions, steps)
            finally:
                shutil.rmtree(place, ignore_errors=True)

        rows.append(kept(work / f'{kind}-{number}.json', config, one))
    return {
        'batches': rows,
        'poisoned': _counted(rows, lambda row: row['kind'] in batches.POISONS, promoted=False),
        'clean': _counted(rows, lambda row: row['kind'] in CLEAN, promoted=True),
    }


def _batch(
    model: Path, place: Path, kind: str, seed: int, interactions: int, steps: int
) -> dict[str, Any]:
    """Return what the learner did with one batch."""
    began = time.monotonic()
    scenario = places.invented(_PLACES, seed // 1000)[seed % _PLACES]
    wanted = wishes(scenario, interactions, seed)
    poison = '' if kind in CLEAN else kind
    data = log = None
    if kind in _CLIPS:
        data = batches.clips(place / 'clips', scenario, wanted, seed, poison)
    else:
        log = batches.encounters(place / 'log', Stage(model), Person(seed), wanted, seed, poison)
    verdict = learn(
        Job(
            scenario=scenario.name,
            model=model,
            work=place / 'work',
            data=data,
            log=log,
            experts=place / 'experts',
            steps=steps,
            seed=seed,
        ),
        lambda *_: None,
    )
    return {
        'kind': kind,
        'number': seed % 1000,
        'promoted': verdict.promoted,
        'audited': verdict.refused,
        'failed': [finding.name for finding in verdict.findings if not finding.ok]
        + [check.name for check in verdict.checks if not check.ok],
        'message': verdict.message,
        'checks': [f'{check.name}: {check.said}' for check in verdict.checks],
        'findings': [f'{finding.name}: {finding.said}' for finding in verdict.findings],
        'seconds': time.monotonic() - began,
    }


def _counted(
    rows: list[dict[str, Any]], of: Callable[[dict[str, Any]], bool], promoted: bool
) -> dict[str, Any]:
    """Return how many batches went as they should, with the exact 95 % interval."""
    chosen = [row for row in rows if of(row)]
    right = sum(row['promoted'] is promoted for row in chosen)
    if not chosen:
        return {'right': 0, 'of': 0}
    low, high = stats.binomtest(right, len(chosen)).proportion_ci(0.95, 'exact')
    return {
        'right': right,
        'of': len(chosen),
        'share': right / len(chosen),
        'interval': [float(low), float(high)],
        'by_audit': sum(row['audited'] for row in chosen),
    }


def table(results: dict[str, Any]) -> str:
    """Return one line a kind of batch, and the two shares."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in results['batches']:
        kinds.setdefault(row['kind'], []).append(row)
    lines = [f'{"batches":<14}{"promoted":>10}{"audit refuses":>15}   failed']
    for kind, rows in kinds.items():
        promoted = sum(row['promoted'] for row in rows)
        audited = sum(row['audited'] for row in rows)
        failed = sorted({name for row in rows for name in row['failed']})
        told = f'{promoted}/{len(rows)}'
        lines.append(f'{kind:<14}{told:>10}{audited:>15}   {", ".join(failed)}')
    for name, verb, wanted in (('poisoned', 'refused', 95), ('clean', 'promoted', 80)):
        row = results[name]
        if row['of']:
            low, high = row['interval']
            lines.append(
                f'{name}: {row["right"]} of {row["of"]} {verb}, {row["share"]:.0%} '
                f'[{low:.0%}, {high:.0%}], wanted {wanted} %'
            )
    return '\n'.join(lines)
