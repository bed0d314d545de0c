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
"""Figures and tables of `l2emg bench lifelong`, and results that are not measured twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2emg_ros.bench import closed_loop, poison, sequence
from l2emg_ros.bench.kept import kept


def step(scenario: str, scores: dict[str, float], **fields: object) -> dict:
    measures = {
        name: {'f1': score, 'content': 90.0, 'routing': 80.0} for name, score in scores.items()
    }
    given = {'promoted': True, 'seconds': 100.0, 'bytes': 500_000, 'growth': 'clone'}
    given |= {'node_mb': 610.0, 'node_chunk_ms': 80.0}
    return {'scenario': scenario, 'scores': measures, **given, **fields}


def measured() -> dict:
    """Return three scenarios in a row, of which the first loses two points at the last step."""
    return {
        'scenarios': ['farm', 'zoo', 'bank'],
        'before': step('', {'shipped': 98.0, 'farm': 80.0, 'zoo': 70.0, 'bank': 60.0})['scores'],
        'steps': [
            step('farm', {'shipped': 98.0, 'farm': 96.0}),
            step('zoo', {'shipped': 98.0, 'farm': 96.0, 'zoo': 92.0}, promoted=False),
            step('bank', {'shipped': 97.5, 'farm': 94.0, 'zoo': 92.0, 'bank': 90.0}),
        ],
        'first_chunk_ms': [50.0, 51.0],
        'node_mb': 600.0,
        'rollback_s': 0.05,
    }


def test_figures_of_a_sequence() -> None:
    told = sequence.summary(measured())
    assert told['f1']['averages'] == pytest.approx([96.0, 94.0, 92.0])
    assert told['f1']['average'] == pytest.approx(92.0)
    assert told['f1']['learning'] == pytest.approx((96 + 92 + 90) / 3)
    assert told['f1']['backward_transfer'] == pytest.approx(-1.0)
    assert told['f1']['forgetting'] == pytest.approx(1.0)
    assert told['f1']['slope'] == pytest.approx(-2.0)
    assert told['latency_growth'] == pytest.approx(0.02)
    assert (told['shipped_before'], told['shipped_after']) == (98.0, 97.5)
    assert told['promoted'] == 2
    assert told['expert_mb'] == pytest.approx(0.5)


def test_table_of_a_sequence() -> None:
    results = measured()
    text = sequence.table(results | {'summary': sequence.summary(results)})
    matrix = [line.split() for line in text.splitlines()[1:6]]
    assert matrix[0] == ['learned', 'shipped', '1', '2', '3']
    assert matrix[2] == ['1', 'farm', '98.0', '96.0']
    assert matrix[4] == ['3', 'bank', '97.5', '94.0', '92.0', '90.0']
    assert 'slope of A_t -2.00 points a scenario' in text
    assert '50.0 -> 51.0 ms with 3 experts more: +2.0%' in text
    assert 'rollback 50 ms' in text


def test_a_sequence_of_one_has_no_slope() -> None:
    results = measured()
    one = results | {'scenarios': ['farm'], 'steps': results['steps'][:1], 'rollback_s': None}
    text = sequence.table(one | {'summary': sequence.summary(one)})
    assert 'slope' not in text
    assert 'rollback not measured' in text


def test_win_rate() -> None:
    off = np.zeros((2, 4, 4))
    before = (np.array([[-1.0] * 4, [-1.0] * 4]), off + 1.0)
    after = (np.array([[-0.5, -0.5, -1.0, -2.0], [-0.5, -2.0, -0.5, -2.0]]), off)
    found = closed_loop.compared(before, after, 0)
    # A request of which one of two performances is better is half a win.
    assert found['wins'] == [1.0, 0.5, 0.75, 0.0]
    assert found['prompts'] == 4
    assert found['win_rate'] == pytest.approx(0.5625)
    assert found['interval'][0] < 0.5625 < found['interval'][1]
    assert set(found['off_before'].values()) == {1.0}
    better = closed_loop.compared(before, (before[0] + 1.0, off), 0)
    row = {'person': 0, 'promoted': True, 'seconds_learning': 471.2, **found, 'in_context': better}
    summary = closed_loop.summary([row, {**row, 'person': 1, 'win_rate': 0.6625}])
    assert summary['win_rate'] == pytest.approx(0.6125)
    assert summary['prompts'] == 8
    assert summary['in_context']['win_rate'] == 1.0
    text = closed_loop.table({'people': [row, row], 'summary': summary})
    assert '56.2%' in text
    assert '471 s' in text
    assert 'on 8 unseen requests of 2 people' in text
    assert 'with their context: win rate 100.0%' in text


def test_counts_of_batches() -> None:
    def batch(kind: str, promoted: bool, audited: bool) -> dict:
        failed = ['emotions'] if audited else []
        return {'kind': kind, 'promoted': promoted, 'audited': audited, 'failed': failed}

    rows = [batch('emotions', False, True)] * 9 + [batch('ratings', True, False)]
    rows += [batch('clips', True, False)] * 3 + [batch('encounters', False, False)]
    bad = poison._counted(rows, lambda row: row['kind'] in ('emotions', 'ratings'), promoted=False)
    good = poison._counted(rows, lambda row: row['kind'] in poison.CLEAN, promoted=True)
    assert (bad['right'], bad['of'], bad['by_audit']) == (9, 10, 9)
    assert bad['interval'] == pytest.approx([0.555, 0.997], abs=1e-3)
    assert (good['right'], good['of']) == (3, 4)
    text = poison.table({'batches': rows, 'poisoned': bad, 'clean': good})
    assert 'poisoned: 9 of 10 refused, 90% [55%, 100%]' in text
    assert 'clean: 3 of 4 promoted, 75%' in text


def test_results_are_kept_for_their_configuration(tmp_path: Path) -> None:
    path, calls = tmp_path / 'deep' / 'a.json', []

    def measure() -> dict:
        calls.append(1)
        return {'value': np.float64(len(calls))}

    assert kept(path, {'seed': 0}, measure) == {'value': 1.0}
    assert kept(path, {'seed': 0}, measure) == {'value': 1.0}
    assert kept(path, {'seed': 1}, measure) == {'value': 2.0}
    path.write_text('{"config": {"seed"')
    assert kept(path, {'seed': 1}, measure) == {'value': 3.0}


def test_a_run_that_failed_keeps_nothing(tmp_path: Path) -> None:
    def measure() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path / 'a.json', {}, measure)
    assert not list(tmp_path.iterdir())
