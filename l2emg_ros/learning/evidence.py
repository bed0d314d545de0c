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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any

import numpy as np

from l2emg_ros.learning import tuning
from l2emg_ros.learning.lessons import Example, Lessons, motion_of, Preference
from l2emg_ros.learning.performance import Requests
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel

FOLDS = 3
_DRAWS = 4000
# One-sided: that learning does not help shall be as unlikely as this.
_RISK = 0.05
# Requests, or motions, below which nothing can be told.
_ENOUGH = 8

Places = Callable[[Example | Preference], set[Any]]


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
    # With the request that each belongs to, or, where there are too few, the motion.
    values: dict[str, list[tuple[float, object]]] = {'shown': [], 'preferred': []}
    rated: list[tuple[float, float, object]] = []
    few = _few(lessons)
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
            group = motion_of(example.tokens) if few else example.text
            if example.rated:
                rated.append((example.weight, gain, group))
            elif not example.played:
                values['shown'].append((gain, group))
        judged = [p for p in held.preferences if not p.implied]
        better = [Example(p.id, p.text, p.emotion, p.better) for p in judged]
        worse = [Example(p.id, p.text, p.emotion, p.worse) for p in judged]
        won = tuning.gains(lm, requests, better, expert, active)
        lost = tuning.gains(lm, requests, worse, expert, active)
        for pair, a, b in zip(judged, won, lost, strict=True):
            group = motion_of(pair.better) if few else pair.text
            values['preferred'].append((a - b, group))
    if rated:
        weights, liked = (np.array([row[k] for row in rated], dtype=float) for k in (0, 1))
        agreed = (weights - weights.mean()) * (liked - liked.mean())
        values['rated'] = [(float(v), row[2]) for v, row in zip(agreed, rated, strict=True)]
    rng = np.random.default_rng(seed)
    return [
        _gain(kind, found, rng)
        for kind, found in values.items()
        if len({group for _, group in found}) >= _ENOUGH
    ]


def _folds(lessons: Lessons, seed: int) -> list[tuple[Lessons, Lessons]]:
    """Return what is learned from and what is held out.

    They share no request, and no motion that people have judged: whoever has learned by heart that
    one was disliked would know a pair of it. A pair that lies on both sides is on neither.
    """
    everything: list[Example | Preference] = [*lessons.examples, *lessons.preferences]
    places = _places(lessons)
    keys = sorted({place for one in everything for place in places(one)})
    order = np.random.default_rng(seed).permutation(len(keys))
    parts = [{keys[n] for n in order[k::FOLDS]} for k in range(min(FOLDS, len(keys)))]
    folds = [_parted(lessons, places, part) for part in parts]
    return [(learned, held) for learned, held in folds if len(learned) and len(held)]


def _parted(lessons: Lessons, places: Places, part: set[Any]) -> tuple[Lessons, Lessons]:
    """Return the lessons that have no place in a part, and those that have no other."""
    return (
        lessons.only(lambda one: not places(one) & part),
        lessons.only(lambda one: places(one) <= part),
    )


def _few(lessons: Lessons) -> bool:
    """Return whether there are too few requests to tell anything by them."""
    return len(set(lessons.texts)) < _ENOUGH


def _places(lessons: Lessons) -> Places:
    """Return what says where a lesson belongs: at its request, and at those of its motions.

    Where there are too few requests, at its motions themselves.
    """
    if _few(lessons):
        return lambda one: set(one.motions)
    owner: dict[bytes, str] = {}
    for example in lessons.examples:
        if example.rated:
            owner.setdefault(motion_of(example.tokens), example.text)
    chosen = [pair for pair in lessons.preferences if not pair.implied]
    for pair in chosen:
        owner.setdefault(motion_of(pair.better), pair.text)
    for pair in chosen:
        owner.setdefault(motion_of(pair.worse), pair.text)
    return lambda one: {one.text, *(owner.get(motion, one.text) for motion in one.motions)}


def _gain(kind: str, found: Sequence[tuple[float, object]], rng: np.random.Generator) -> Gain:
    """Return the mean of values; groups are drawn whole, for what is in one goes together."""
    numbers = {group: n for n, group in enumerate(dict.fromkeys(group for _, group in found))}
    place = np.array([numbers[group] for _, group in found])
    values = np.array([value for value, _ in found])
    sums, counts = np.bincount(place, values), np.bincount(place)
    draws = rng.integers(len(numbers), size=(_DRAWS, len(numbers)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(means, (_RISK, 1.0 - _RISK))
    return Gain(kind, len(values), float(values.mean()), float(low), float(high))


def helps(gains: list[Gain]) -> bool:
    """Return whether learning helped some kind of lesson for sure, and harmed none for sure."""
    return any(gain.low > 0.0 for gain in gains) and not any(gain.high < 0.0 for gain in gains)
