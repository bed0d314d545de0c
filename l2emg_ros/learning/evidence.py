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
"""Does learning help with requests that were not learned from? Cross-validation of lessons.

Few interactions make a small test set, and a small test set proves nothing. So every lesson is
judged once, by an expert that learned from the others only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.learning import tuning
from l2emg_ros.learning.lessons import Example, Lessons
from l2emg_ros.learning.performance import Requests
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel

FOLDS = 3
_DRAWS = 4000
# One-sided: that learning does not help shall be as unlikely as this.
_RISK = 0.05
_ENOUGH = 8

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gain:
    """How one kind of lesson fares with an expert that has not seen it.

    Attributes:
        kind: 'shown' motions became likelier; 'preferred' ones against the others; 'rated' ones
            the better they were liked.
        count: Lessons.
        mean: Gain over the active expert, nats a token.
        low: Lower end of its one-sided 95 % bootstrap interval.
        high: Upper end of the same on the other side.
    """

    kind: str
    count: int
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the gain with its interval."""
        return (
            f'{self.kind}: {self.mean:+.3f} nats a token [{self.low:+.3f}, {self.high:+.3f}], '
            f'n {self.count}'
        )


def cross_validated(
    lm: MotionLanguageModel,
    requests: Requests,
    lessons: Lessons,
    *,
    parent: ScenarioExpert | None,
    active: ScenarioExpert | None,
    rehearsed: Lessons,
    steps: int,
    seed: int,
    lr: float,
    work: Path,
    report: Callable[[int, int, dict[str, float]], None],
) -> list[Gain]:
    """Return the gains over the active expert, by kinds of lessons of which there are enough.

    Args:
        lm: Language model.
        requests: Turns prompts into batches.
        lessons: What is to be learned.
        parent: Where training begins, as in ``tuning.train``.
        active: What serves these requests now, or None for the backbone.
        rehearsed: As in ``tuning.train``.
        steps: Of a training on all lessons.
        seed: Of folds and trainings.
        lr: Peak learning rate of the trainings.
        work: Folder of the states, so that a run that was stopped goes on.
        report: Told step, steps and figures.
    """
    values: dict[str, list[float]] = {'shown': [], 'preferred': []}
    rated: list[tuple[float, float]] = []
    folds = _folds(lessons, seed)
    # Each lesson is seen as often as in the training that this stands for.
    lengths = [math.ceil(steps * len(learned) / len(lessons)) for learned, _ in folds]
    for number, (learned, held) in enumerate(folds):

        def told(step: int, figures: dict[str, float], done: int = sum(lengths[:number])) -> None:
            report(done + step, sum(lengths), figures)

        expert = tuning.train(
            lm,
            requests,
            learned,
            parent=parent,
            reference=active,
            rehearsed=rehearsed,
            steps=lengths[number],
            seed=seed,
            lr=lr,
            checkpoint=work / f'fold-{number}.ckpt',
            report=told,
        )
        gains = tuning.gains(lm, requests, held.examples, expert, active)
        for example, gain in zip(held.examples, gains, strict=True):
            if example.rated:
                rated.append((example.weight, gain))
            elif not example.played:
                values['shown'].append(gain)
        judged = [p for p in held.preferences if not p.implied]
        better = [Example(p.id, p.text, p.emotion, p.better) for p in judged]
        worse = [Example(p.id, p.text, p.emotion, p.worse) for p in judged]
        won = tuning.gains(lm, requests, better, expert, active)
        lost = tuning.gains(lm, requests, worse, expert, active)
        values['preferred'] += [a - b for a, b in zip(won, lost, strict=True)]
    if rated:
        weights, liked = np.array(rated).T
        values['rated'] = list((weights - weights.mean()) * (liked - liked.mean()))
    rng = np.random.default_rng(seed)
    return [
        _gain(kind, np.array(found), rng)
        for kind, found in values.items()
        if len(found) >= _ENOUGH
    ]


def _folds(lessons: Lessons, seed: int) -> list[tuple[Lessons, Lessons]]:
    """Return what is learned from and what is held out, each lesson held out once.

    The parts share no request; where there is but one request, they share no source.
    """
    words = sorted(set(lessons.texts))
    one = len(words) == 1
    keys = lessons.sources if one else words
    order = np.random.default_rng(seed).permutation(len(keys))
    parts = [{keys[n] for n in order[k::FOLDS]} for k in range(min(FOLDS, len(keys)))]
    folds = [lessons.of_others(part) if one else lessons.apart(part) for part in parts]
    return [(learned, held) for learned, held in folds if len(learned) and len(held)]


def _gain(kind: str, values: Array, rng: np.random.Generator) -> Gain:
    draws = rng.integers(len(values), size=(_DRAWS, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (_RISK, 1.0 - _RISK))
    return Gain(kind, len(values), float(values.mean()), float(low), float(high))


def helps(gains: list[Gain]) -> bool:
    """Return whether learning helped some kind of lesson for sure, and harmed none for sure."""
    return any(gain.low > 0.0 for gain in gains) and not any(gain.high < 0.0 for gain in gains)
