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
"""Does a scenario need an expert of its own? Asked before anything is learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import math
from pathlib import Path

import numpy as np
import torch

from l2emg_ros.experts.router import Router
from l2emg_ros.learning import tuning
from l2emg_ros.learning.lessons import Example, Lessons
from l2emg_ros.learning.performance import Prompt, Requests
from l2emg_ros.learning.verdict import CLONE, Growth, NEW, REUSE
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.text.encoder import TextEncoder

_BATCH, _NOVEL = 16, 0.05
_FITS, _NEAR = 1.1, 1.5
PROBE_STEPS = 50


def novelty(router: Router | None, texts: Sequence[str], encoder: TextEncoder) -> float:
    """Return the smallest mean p-value of batches of 16 requests; 0 where nothing is known."""
    if router is None or not router.scenarios:
        return 0.0
    values = np.array([route.novelty_p_value for route in router.routes(texts, encoder)])
    parts = np.array_split(values, max(len(values) // _BATCH, 1))
    return float(min(part.mean() for part in parts))


def decide(
    lm: MotionLanguageModel,
    requests: Requests,
    lessons: Lessons,
    experts: Mapping[str, ScenarioExpert],
    own_level: float,
    surprise: float,
    probe: Callable[[ScenarioExpert | None], float] | None,
) -> Growth:
    """Return whether to reuse, clone or begin anew.

    Args:
        lm: Language model.
        requests: Turns prompts into batches.
        lessons: What there is to learn.
        experts: The active ones, by scenario.
        own_level: Mean negative log-likelihood of the active experts on their own scenarios.
        surprise: ``novelty`` of the requests.
        probe: Trains for a little while from an expert or from nothing, and says how much
            likelier held-out motions have become; None is not to try.
    """
    if not experts:
        return Growth(NEW, '', surprise, math.inf, math.nan)
    examples = lessons.examples or tuple(
        Example(p.id, p.text, p.emotion, p.better) for p in lessons.preferences
    )
    losses = {name: loss(lm, requests, examples, expert) for name, expert in experts.items()}
    nearest = min(losses, key=lambda name: losses[name])
    fit = losses[nearest] / own_level if own_level > 0 else math.inf
    head_start = math.nan
    if probe is not None:
        head_start = probe(experts[nearest]) - probe(None)
    novel = surprise < _NOVEL
    if fit < _FITS and not novel:
        decision = REUSE
    elif fit < _NEAR:
        decision = CLONE
    else:
        decision = NEW
    return Growth(decision, nearest, surprise, fit, head_start)


@torch.no_grad()
def loss(
    lm: MotionLanguageModel,
    requests: Requests,
    examples: Sequence[Example],
    expert: ScenarioExpert | None,
) -> float:
    """Return the mean negative log-likelihood a token of the first level, nats."""
    total, count = 0.0, 0
    for start in range(0, len(examples), _BATCH):
        some = examples[start : start + _BATCH]
        condition = requests.condition([Prompt(e.text, e.emotion) for e in some])
        motions = [example.tokens.to(condition.text.device) for example in some]
        size = sum(len(motion) for motion in motions)
        total += float(lm.loss(condition, motions, expert)[0][0]) * size
        count += size
    return total / count


def probing(
    lm: MotionLanguageModel,
    requests: Requests,
    lessons: Lessons,
    work: Path,
    seed: int,
    report: Callable[[int, dict[str, float]], None] | None = None,
) -> Callable[[ScenarioExpert | None], float]:
    """Return the probe of ``decide``: 50 steps on most of the lessons, judged by the others."""
    # Judged by examples, where there are any, it is not worth the time that pairs take.
    some = dataclasses.replace(lessons, preferences=()) if lessons.examples else lessons
    learned, held = some.split(0.25, seed)

    def probe(parent: ScenarioExpert | None) -> float:
        name = 'none' if parent is None else 'nearest'
        trained = tuning.train(
            lm,
            requests,
            learned,
            parent=parent,
            reference=parent,
            rehearsed=Lessons(),
            steps=PROBE_STEPS,
            seed=seed,
            checkpoint=work / f'probe-{name}.ckpt',
            report=report,
        )
        judged = held if held.examples else learned
        return float(np.mean(tuning.gains(lm, requests, judged.examples, trained, None)))

    return probe
