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

import json
import math

import numpy as np

from l2emg_ros.learning.verdict import Check, Finding, Growth, Verdict


def test_a_verdict_comes_back_from_json() -> None:
    whole = Verdict(
        True,
        'ward@2 is active',
        'ward@2',
        (Check('target', True, 0.0, math.inf, 'said'), Check('safe', False, -math.inf, 1, 'x')),
        (Finding('emotions', True, 'said'),),
        Growth('new', '', 0.0, math.inf, -math.inf),
        True,
    )
    line = json.dumps(whole.record(), allow_nan=False)
    assert Verdict.of(json.loads(line)) == whole
    bare = Verdict(False, 'no')
    assert Verdict.of(json.loads(json.dumps(bare.record(), allow_nan=False))) == bare


def test_nan_and_numpy_numbers_are_json_too() -> None:
    found = Verdict(
        False,
        'no',
        checks=(Check('kept', np.bool_(True), np.float64(0.5), math.nan, 'said'),),  # type: ignore[arg-type]
        growth=Growth('clone', 'ward', 0.5, 1.0, math.nan),
    )
    again = Verdict.of(json.loads(json.dumps(found.record(), allow_nan=False)))
    assert again.checks[0].ok is True
    assert again.checks[0].before == 0.5
    assert math.isnan(again.checks[0].after)
    assert again.growth is not None
    assert math.isnan(again.growth.head_start)
