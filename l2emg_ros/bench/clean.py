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
"""An expert that learned from more and cleaner data than anybody will leave: what could be had."""

from __future__ import annotations

from pathlib import Path
import shutil
from typing import Any

from l2emg_ros.bench import batches
from l2emg_ros.bench.sequence import tests
from l2emg_ros.bench.stage import Stage, wishes
from l2emg_ros.corpus import Scenario
from l2emg_ros.learning import scenario, tuning

_STEPS_A_CLIP = 1.25


def compare(
    stage: Stage, place: Scenario, work: Path, *, clips: int, prompts: int, seed: int
) -> dict[str, Any]:
    """Return the weighted F1 of the active expert of a place and of one of many clean clips.

    Both are told that the requests are theirs.

    Args:
        stage: Whose experts are active.
        place: The scenario.
        work: Folder for the clips and the state.
        clips: To learn from.
        prompts: Requests of the test.
        seed: Of the clips and the training.
    """
    asked = tests([place], prompts, seed)[place.name]
    wanted = wishes(place, clips, seed + 1)
    folder = batches.clips(work / 'clean', place, wanted, seed + 1)
    lm = stage.model.lm
    lessons = scenario.read(folder, stage.model.tokenizer, lm.config.longest)
    expert = tuning.train(
        lm,
        stage.requests,
        lessons,
        parent=None,
        reference=None,
        rehearsed=tuning.rehearsal(lm, stage.requests, None, seed),
        steps=round(_STEPS_A_CLIP * clips),
        seed=seed,
        checkpoint=work / 'clean.ckpt',
    )
    shutil.rmtree(folder)
    learned = stage.experts.get(place.name)
    return {
        'scenario': place.name,
        'clips': clips,
        'clean': 100.0 * stage.read(asked, seed, [expert] * len(asked)).f1,
        'learned': 100.0 * stage.read(asked, seed, [learned] * len(asked)).f1,
        'nothing': 100.0 * stage.read(asked, seed, [None] * len(asked)).f1,
    }
