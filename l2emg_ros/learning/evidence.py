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

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from l2emg_ros.learning import tuning
from l2emg_ros.learning.lessons import Example, Lesson, Lessons, motion_of
from l2emg_ros.learning.performance import Requests
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel

FOLDS = 3
# One-sided: that learning does not help shall be as unlikely as this.
_RISK = 0.05
# The same before all folds are known. Looking more than once with so small a risk leaves the risk
# of the last look as it is (Haybittle, 1971; Peto et al., 1976).
_EARLY_RISK = 0.001
# Groups below which nothing can be told.
_ENOUGH = 8

# Says what a lesson belongs to: its request, or, where there are too few of them, its motion.
Group = Callable[[Lesson], Any]
Places = Callable[[Lesson], set[Any]]
# What was found of a lesson, and its group.
Value = tuple[float, object]


@dataclass(frozen=True, slots=True)
class Gain:
    """How one kind of lesson fares with an expert that has not seen it.

    Attributes:
        kind: 'shown' motions became likelier; 'preferred' ones against the others; 'rated' ones
            the better they were liked.
        count: Lessons that were judged.
        mean: Gain over the active expert, nats a token.
        low: Above this it is for sure, one-sided (Student's t over groups).
        high: Below this it is for sure, one-sided, at 95 %.
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
    judged = _Judged(_grouping(lessons))
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
    return _gains(judged.kinds())


@dataclass(slots=True)
class _Judged:
    """What was found of the lessons so far."""

    group: Group
    shown: list[Value] = field(default_factory=list)
    preferred: list[Value] = field(default_factory=list)
    rated: list[tuple[float, Value]] = field(default_factory=list)

    def add(self, held: Lessons, gains: Callable[[Sequence[Example]], list[float]]) -> None:
        """Judge lessons that ``gains`` knows nothing of."""
        for example, gain in zip(held.examples, gains(held.examples), strict=True):
            value = gain, self.group(example)
            if example.rated:
                self.rated.append((example.weight, value))
            elif not example.played:
                self.shown.append(value)
        pairs = [pair for pair in held.preferences if not pair.implied]
        won = gains([Example(p.id, p.text, p.emotion, p.better) for p in pairs])
        lost = gains([Example(p.id, p.text, p.emotion, p.worse) for p in pairs])
        for pair, a, b in zip(pairs, won, lost, strict=True):
            self.preferred.append((a - b, self.group(pair)))

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
    means = {}
    for kind, values in kinds.items():
        sums, counts = _groups(values)
        means[kind] = sums / counts
    harmless = all(some.mean() >= 0.0 for some in means.values())
    return harmless and any(_sure(means[kind]) for kind in _deciding(kinds))


def _deciding(kinds: Collection[str]) -> list[str]:
    """Return the kinds that can prove a gain.

    Ratings say no more than the pairs that were made of them: counted beside these they would be
    a second chance for what is random.
    """
    return [kind for kind in kinds if kind != 'rated'] or list(kinds)


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
    everything: list[Lesson] = [*lessons.examples, *lessons.preferences]
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


def _grouping(lessons: Lessons) -> Group:
    """Return what says which group a lesson belongs to."""
    if len(set(lessons.texts)) >= _ENOUGH:
        return lambda one: one.text
    return lambda one: motion_of(one.tokens if isinstance(one, Example) else one.better)


def _places(lessons: Lessons) -> Places:
    """Return what says where a lesson belongs: at its group, and at those of its motions."""
    group = _grouping(lessons)
    owner: dict[bytes, Any] = {}
    for example in lessons.examples:
        if example.rated:
            owner.setdefault(motion_of(example.tokens), group(example))
    chosen = [pair for pair in lessons.preferences if not pair.implied]
    for pair in chosen:
        owner.setdefault(motion_of(pair.better), group(pair))
    for pair in chosen:
        owner.setdefault(motion_of(pair.worse), group(pair))
    return lambda one: {group(one), *(owner.get(motion, group(one)) for motion in one.motions)}


def _groups(values: Sequence[Value]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return sum and number of the values of each group."""
    numbers = {group: n for n, group in enumerate(dict.fromkeys(group for _, group in values))}
    place = np.array([numbers[group] for _, group in values], dtype=np.int64)
    return np.bincount(place, [value for value, _ in values]), np.bincount(place)


def _gains(kinds: dict[str, list[Value]]) -> list[Gain]:
    """Return the gains by kinds of which there are enough.

    The kinds that may prove one share the risk that none is there (Bonferroni).
    """
    told = {kind: some for kind, some in kinds.items() if len(_groups(some)[0]) >= _ENOUGH}
    risk = _RISK / max(len(_deciding(told)), 1)
    return [_gain(kind, values, risk) for kind, values in told.items()]


def _gain(kind: str, values: Sequence[Value], risk: float) -> Gain:
    """Return the mean of values, which are independent only of those of other groups.

    It is a ratio of means over groups, whose error is that of its residuals (Cochran, Sampling
    Techniques, 6.4).
    """
    sums, counts = _groups(values)
    mean, size = float(sums.sum() / counts.sum()), len(sums)
    error = float((sums - mean * counts).std(ddof=1) / counts.mean() / size**0.5)
    low, high = (mean + error * float(stats.t.ppf(q, size - 1)) for q in (risk, 1.0 - _RISK))
    return Gain(kind, len(values), mean, low, high)


def helps(gains: Sequence[Gain]) -> bool:
    """Return whether learning helped some kind of lesson for sure, and harmed none for sure."""
    deciding = _deciding([gain.kind for gain in gains])
    helped = any(gain.low > 0.0 for gain in gains if gain.kind in deciding)
    return helped and not any(gain.high < 0.0 for gain in gains)
