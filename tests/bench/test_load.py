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
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import toy_robot

from l2emg_ros.bench import load


def test_lateness_belongs_to_the_case_in_which_it_was() -> None:
    ticks = load._Ticks()
    at = np.arange(0.0, 6.0, 0.5)
    ticks.rows = np.stack([at, np.arange(12) / 1e3], axis=1)
    spans = {'alone': [(0.0, 1.0), (3.0, 4.0)], 'learning': [(1.0, 2.0)], 'idle': [(4.0, 9.0)]}
    found = load._late(ticks, spans)
    assert found['alone'].tolist() == [0.0, 1.0, 6.0, 7.0]
    assert found['learning'].tolist() == [2.0, 3.0]
    assert found['idle'].tolist() == [8.0, 9.0, 10.0, 11.0]


def test_ratios() -> None:
    first = {'alone': [10.0] * 20, 'learning': [12.0] * 20, 'idle': [11.0] * 20}
    late = {case: np.full(20, value) for case, value in zip(load.CASES, (1, 3, 2), strict=True)}
    found = load._figures(first, late)
    assert found['first_learning_over_alone_p95'] == pytest.approx(1.2)
    assert found['first_idle_over_alone_p50'] == pytest.approx(1.1)
    assert found['late_learning_over_idle_p99'] == pytest.approx(1.5)
    assert found['late_alone_p95_ms'] == 1.0


@pytest.mark.slow
def test_it_measures_a_real_trainer(tiny: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    load.add_arguments(parser)
    robot = str(toy_robot.write(tmp_path))
    options = ['--model', str(tiny), '--robot', robot, '--rounds', '1', '--repeats', '3']
    found = load.run(parser.parse_args([*options, '--nice-only']))
    assert all(np.isfinite(value) and value > 0.0 for value in found.values())
    assert 'first_learning_over_alone_p95' in load.table(found)
