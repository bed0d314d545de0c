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
"""A disk that is full at one step after the other of a promotion."""

from __future__ import annotations

from pathlib import Path
import shutil

from experts import small
from learning import school
import pytest

from l2emg_ros.errors import L2EmgError
from l2emg_ros.experts.place import registry_for
from l2emg_ros.learning import promotion
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.lessons import Lessons
from l2emg_ros.learning.verdict import Check


def test_a_full_disk_at_any_step_of_a_promotion(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The checks write nothing; they are left out for their time.
    monkeypatch.setattr(promotion, '_checks', lambda *_: [Check('target', True, 0.0, 1.0, '')])
    job = school.job(tiny, tmp_path)
    host = Host(job, school.Told())
    lessons = Lessons(tuple(school.example(n, f'serve tea {n}') for n in range(6)))
    expert = host.experts['ward']
    candidate = promotion.Candidate(expert, None, lessons, (), None, {})
    place = registry_for(job.model, job.experts)
    before = small.active(place)
    # Every file is written by the same few steps: a seventh of them meets each kind.
    for steps in range(1, 400, 7):
        shutil.rmtree(job.experts, ignore_errors=True)
        failed = verdict = None
        with pytest.MonkeyPatch.context() as patch:
            disk = small.FullDisk(patch, steps)
            try:
                verdict = promotion.promote(host, candidate)
            except (OSError, L2EmgError) as error:
                failed = error
        found = registry_for(job.model, job.experts)
        small.check(found)
        # Nothing in between: the new expert is used, or what was used before.
        used = small.active(found)
        assert used in (before, before | {'cafe': 'cafe@1'})
        if verdict is not None and verdict.promoted:
            assert used == before | {'cafe': 'cafe@1'}
        if disk.left > 0:
            assert failed is None
            break
        if used == before:
            # With room again, the same works.
            assert promotion.promote(host, candidate).promoted
            small.check(registry_for(job.model, job.experts))
    assert 60 < steps < 399
    assert verdict is not None
    assert verdict.promoted
