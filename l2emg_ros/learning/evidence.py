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
judged once, by an expert that learned from the others only. Where the first of them leave no
doubt, the rest is spared: training them is most of what learning takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from l2emg_ros.learning import tuning
from l2emg_ros.learning.lessons import Example, Lessons, motion_of, Preference
from l2emg_ros.learning.performance import Requests
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel

FOLDS = 3
_DRAWS = 4000
# One-sided: that learning does not help shall be as unlikely as this.
_RISK = 0.05
# The same before all folds are known. Looking more than once with so small a risk leaves the risk
# of the last look as it is (Haybittle, 1971; Peto et al., 1976).
_EARLY_RISK = 0.001
# Requests, or motions, below which nothing can be told.
_ENOUGH = 8

Places = Callable[[Example | Preference], set[Any]]
# What was found of a lesson, and the request that it belongs to, or, where there are too few, the
# motion.
Value = tuple[float, object]


@dataclass(frozen=True, slots=True)
class Gain:
    """How one kind of lesson fares with an expert that has not seen it.

    Attributes:
        kind: 'shown' motions became likelier; 'preferred' ones against the others; 'rated' ones
            the better they were liked.
        count: Lessons that were judged.
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
    judged = _Judged(_few(lessons))
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
        gains = partial(tuning.gains, lm, requests, expert=expert, reference=active)
        judged.add(held, gains)
        if clear(judged.kinds()):
            break
    rng = np.random.default_rng(seed)
    return [
        _gain(kind, values, rng)
        for kind, values in judged.kinds().items()
        if len(_groups(values)[0]) >= _ENOUGH
    ]


@dataclass(slots=True)
class _Judged:
    """What was found of the lessons so far; ``few`` are those of too few requests."""

    few: bool
    shown: list[Value] = field(default_factory=list)
    preferred: list[Value] = field(default_factory=list)
    rated: list[tuple[float, Value]] = field(default_factory=list)

    def add(self, held: Lessons, gains: Callable[[Sequence[Example]], list[float]]) -> None:
        """Judge lessons that ``gains`` knows nothing of."""
        for example, gain in zip(held.examples, gains(held.examples), strict=True):
            value = gain, self._group(example.text, example.tokens)
            if example.rated:
                self.rated.append((example.weight, value))
            elif not example.played:
                self.shown.append(value)
        pairs = [pair for pair in held.preferences if not pair.implied]
        won = gains([Example(p.id, p.text, p.emotion, p.better) for p in pairs])
        lost = gains([Example(p.id, p.text, p.emotion, p.worse) for p in pairs])
        for pair, a, b in zip(pairs, won, lost, strict=True):
            self.preferred.append((a - b, self._group(pair.text, pair.better)))

    def _group(self, text: str, tokens: Tensor) -> object:
        """Return what a lesson's value belongs to: its request, or where few, its motion."""
        return motion_of(tokens) if self.few else text

    def kinds(self) -> dict[str, list[Value]]:
        """Return the values by kinds of lessons, of those that there are."""
        weights = np.array([weight for weight, _ in self.rated])
        liked = np.array([gain for _, (gain, _) in self.rated])
        agreed = (weights - weights.mean()) * (liked - liked.mean()) if self.rated else []
        rated = [(float(v), group) for v, (_, (_, group)) in zip(agreed, self.rated, strict=True)]
        found = {'shown': self.shown, 'preferred': self.preferred, 'rated': rated}
        return {kind: values for kind, values in found.items() if values}


def clear(kinds: dict[str, list[Value]]) -> bool:
    """Return whether some kind of lesson is helped beyond doubt, and none seems to be harmed."""
    means = [sums / counts for sums, counts in map(_groups, kinds.values())]
    return all(some.mean() >= 0.0 for some in means) and any(map(_sure, means))


def _sure(means: NDArray[Any]) -> bool:
    """Return whether there can be no doubt that means of groups are above 0."""
    if len(means) < _ENOUGH:
        return False
    return bool(stats.ttest_1samp(means, 0.0, alternative='greater').pvalue < _EARLY_RISK)


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


def _groups(values: Sequence[Value]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return sum and number of the values of each group."""
    numbers = {group: n for n, group in enumerate(dict.fromkeys(group for _, group in values))}
    place = np.array([numbers[group] for _, group in values], dtype=np.int64)
    return np.bincount(place, [value for value, _ in values]), np.bincount(place)


def _gain(kind: str, values: Sequence[Value], rng: np.random.Generator) -> Gain:
    """Return the mean of values; groups are drawn whole, for what is in one goes together."""
    sums, counts = _groups(values)
    draws = rng.integers(len(sums), size=(_DRAWS, len(sums)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(means, (_RISK, 1.0 - _RISK))
    return Gain(kind, len(values), float(sums.sum() / counts.sum()), float(low), float(high))


def helps(gains: list[Gain]) -> bool:
    """Return whether learning helped some kind of lesson for sure, and harmed none for sure."""
    return any(gain.low > 0.0 for gain in gains) and not any(gain.high < 0.0 for gain in gains)
