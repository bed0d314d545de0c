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
"""What is left of old scenarios while new ones are learned, and how sure a comparison is.

``scores[t, j]`` is the score on scenario j after learning scenario t, higher is better: negate an
error or a distance. Only what lies above the diagonal may be NaN, for not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from l2emg_ros.bench.metrics import aligned, finite, numbers
from l2emg_ros.errors import BadRequest

Array = NDArray[np.float64]


def averages(scores: ArrayLike) -> Array:
    """Return (T,) mean scores A_t on the scenarios learned so far: ``1/t sum_{j<=t} a_tj``."""
    scores = _square(scores)
    return np.array([row[: t + 1].mean() for t, row in enumerate(scores)])


def average(scores: ArrayLike) -> float:
    """Return the mean score after the last scenario: ``A_T = 1/T sum_j a_Tj``."""
    return float(averages(scores)[-1])


def any_time(scores: ArrayLike) -> float:
    """Return the any-time average: ``1/T sum_t A_t``."""
    return float(averages(scores).mean())


def learning_accuracy(scores: ArrayLike) -> float:
    """Return the mean score on a scenario just learned: ``1/T sum_j a_jj``."""
    return float(np.diagonal(_square(scores)).mean())


def backward_transfer(scores: ArrayLike) -> float:
    """Return BWT: ``1/(T-1) sum_{j<T} (a_Tj - a_jj)``; negative where old scenarios suffer."""
    scores = _square(scores, least=2)
    return float((scores[-1] - np.diagonal(scores))[:-1].mean())


def forgetting(scores: ArrayLike) -> float:
    """Return F: ``1/(T-1) sum_{j<T} max_{j<=t<T} (a_tj - a_Tj)``.

    The maximum takes noise for forgetting: print ``backward_transfer`` beside it.
    """
    scores = _square(scores, least=2)
    best = [scores[j:-1, j].max() for j in range(len(scores) - 1)]
    return float((best - scores[-1, :-1]).mean())


def forward_transfer(scores: ArrayLike, base: ArrayLike) -> float:
    """Return FWT: ``1/(T-1) sum_{j>=2} (a_{j-1,j} - b_j)``, b the untrained base model's (T,)."""
    scores = _square(scores, least=2)
    before = finite('scores just above the diagonal', np.diagonal(scores, offset=1), 1)
    return float((before - _baseline('base', base, scores)[1:]).mean())


def intransigence(scores: ArrayLike, single: ArrayLike) -> float:
    """Return ``1/T sum_j (I_j - a_jj)``, I the (T,) scores of experts that learned j alone."""
    scores = _square(scores)
    return float((_baseline('single', single, scores) - np.diagonal(scores)).mean())


def relative_to_joint(scores: ArrayLike, joint: ArrayLike) -> float:
    """Return ``A_T / J``, J the mean of the (T,) scores of a model that learned all at once."""
    best = float(_baseline('joint', joint, _square(scores)).mean())
    if best <= 0:
        raise BadRequest(f'joint has mean {best:.3g}: expected more than 0 for a ratio')
    return average(scores) / best


def routing_loss(scores: ArrayLike, oracle: ArrayLike) -> float:
    """Return what hiding the scenario costs: ``A_T`` with the scenario told minus A_T."""
    return average(oracle) - average(scores)


def contamination(requested: ArrayLike, read: ArrayLike, dominant: ArrayLike) -> float:
    """Return P(read = dominant, read != requested) over all motions.

    Args:
        requested: (n,) emotions asked for.
        read: (n,) emotions that the evaluator reads.
        dominant: (n,) most frequent emotion in training of each motion's content.
    """
    requested, read, dominant = aligned(requested=requested, read=read, dominant=dominant)
    return float(((read == dominant) & (read != requested)).mean())


def swap_success(
    content: ArrayLike, emotion: ArrayLike, read_content: ArrayLike, read_emotion: ArrayLike
) -> float:
    """Return P(read content = content of one motion and read emotion = emotion of another)."""
    content, read_content = aligned(content=content, read_content=read_content)
    emotion, read_emotion = aligned(emotion=emotion, read_emotion=read_emotion)
    if len(content) != len(emotion):
        raise BadRequest(f'emotion has {len(emotion)} labels: expected {len(content)}')
    return float(((read_content == content) & (read_emotion == emotion)).mean())


def leakage(content: ArrayLike, probed: ArrayLike) -> float:
    """Return a probe's balanced accuracy over chance: what an emotion feature tells of content.

    Args:
        content: (n,) true contents or scenarios.
        probed: (n,) what the probe reads, on data that it was not fitted to.
    """
    content, probed = aligned(content=content, probed=probed)
    classes = np.unique(content)
    recalls = [(probed[content == label] == label).mean() for label in classes]
    return float(np.mean(recalls) - 1 / len(classes))


def confusion_shift(requested: ArrayLike, before: ArrayLike, after: ArrayLike) -> float:
    """Return KL(before || after) of the emotion confusion matrix of old scenarios, in nats.

    Half a count is added to every cell (Jeffreys), so that an empty one is not infinitely rare.

    Args:
        requested: (n,) emotions asked for, the same at both times.
        before: (n,) emotions read before a scenario was learned.
        after: (n,) emotions read after it.
    """
    columns = aligned(requested=requested, before=before, after=after)
    labels, numbers = np.unique(np.concatenate(columns), return_inverse=True)
    truth, *reads = numbers.reshape(3, -1)
    cells = len(labels) ** 2
    old, new = (np.bincount(truth * len(labels) + r, minlength=cells) + 0.5 for r in reads)
    return float(stats.entropy(old, new))


def expert_load(requests: ArrayLike) -> tuple[float, float, int]:
    """Return how evenly requests use K experts: effective and largest share, dead experts.

    Args:
        requests: (K,) requests routed to each expert.

    Returns:
        ``exp(H(p)) / K``, ``max p`` and how many experts have less than ``1 / (10 K)``.
    """
    counts = finite('requests', requests, 1)
    if counts.min() < 0 or not counts.any():
        raise BadRequest(f'requests go from {counts.min():g}: expected counts, not all zero')
    share = counts / counts.sum()
    dead = int((share < 0.1 / len(share)).sum())
    return float(np.exp(stats.entropy(share))) / len(share), float(share.max()), dead


def auroc(known: ArrayLike, novel: ArrayLike) -> float:
    """Return P(a novel score is above a known one), ties counted half.

    Args:
        known: (n,) novelty scores of what was learned; negate a p-value.
        novel: (m,) novelty scores of what was not.
    """
    known, novel = finite('known', known, 1), finite('novel', novel, 1)
    ranks = stats.rankdata(np.concatenate([novel, known]))[: len(novel)]
    return float((ranks.mean() - (len(novel) + 1) / 2) / len(known))


def pooled_auroc(
    known: ArrayLike, novel: ArrayLike, rng: np.random.Generator, *, batch: int = 16
) -> float:
    """Return the AUROC of the mean scores of random batches; prompts that fill none are left out.

    Args:
        known: (n,) novelty scores of prompts of known scenarios, at least one batch.
        novel: (m,) novelty scores of prompts of an unknown one, at least one batch.
        rng: Deals the batches.
        batch: Prompts in a batch.
    """
    if batch < 1:
        raise BadRequest(f'batch is {batch}: expected at least 1')
    means = []
    for name, values in (('known', known), ('novel', novel)):
        dealt = rng.permutation(finite(name, values, 1, batch))
        means.append(dealt[: len(dealt) // batch * batch].reshape(-1, batch).mean(axis=1))
    return auroc(*means)


def spearman(first: ArrayLike, second: ArrayLike) -> tuple[float, float]:
    """Return Spearman's rank correlation of two (n,) series and its two-sided p-value."""
    first, second = finite('first', first, 1, 3), finite('second', second, 1, 3)
    if len(first) != len(second):
        raise BadRequest(f'second has length {len(second)}: expected {len(first)}')
    if not (np.ptp(first) and np.ptp(second)):
        raise BadRequest('a series is constant: expected different values to rank')
    found = stats.spearmanr(first, second)
    return float(found.statistic), float(found.pvalue)


def mean_interval(values: ArrayLike) -> tuple[float, float]:
    """Return the mean over (runs,) values and half its 95 % t-interval."""
    runs = finite('values', values, 1, 2)
    quantile = stats.t.ppf(0.975, len(runs) - 1)
    return float(runs.mean()), float(quantile * runs.std(ddof=1) / len(runs) ** 0.5)


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two methods on the same items.

    Attributes:
        value: Ours minus theirs.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided bootstrap p-value of no difference.
    """

    value: float
    low: float
    high: float
    p: float


def paired_bootstrap(
    ours: ArrayLike,
    theirs: ArrayLike,
    rng: np.random.Generator,
    *,
    statistic: Callable[[NDArray[Any]], Any] = np.mean,
    draws: int = 10_000,
) -> Difference:
    """Compare two methods by a percentile bootstrap that resamples the items of both alike.

    Args:
        ours: (n, ...) one row an item, for example scores, or requested and read label.
        theirs: (n, ...) the rows of the other method, same items, same order.
        rng: Draws the items.
        statistic: Number to compare, of (n, ...) rows.
        draws: How often.
    """
    first, second = np.asarray(ours), np.asarray(theirs)
    if first.shape != second.shape or not first.ndim or len(first) < 2:
        raise BadRequest(f'pairs are {first.shape} and {second.shape}: expected 2 or more each')
    if draws < 1:
        raise BadRequest(f'draws is {draws}: expected at least 1')
    value = float(statistic(first) - statistic(second))
    drawn = (rng.integers(len(first), size=len(first)) for _ in range(draws))
    values = np.array([statistic(first[rows]) - statistic(second[rows]) for rows in drawn])
    if not (np.isfinite(value) and np.isfinite(values).all()):
        raise BadRequest('the compared statistic is not finite: expected finite scores')
    low, high = np.quantile(values, (0.025, 0.975))
    # The sample itself counts as one draw: no p-value is zero.
    tail = 1 + min((values <= 0).sum(), (values >= 0).sum())
    return Difference(value, float(low), float(high), min(1.0, 2.0 * float(tail) / (draws + 1)))


def holm(p_values: ArrayLike) -> Array:
    """Return (m,) p-values of m comparisons corrected for their number (Holm 1979)."""
    values = finite('p_values', p_values, 1)
    if values.min() < 0 or values.max() > 1:
        raise BadRequest(f'p_values go from {values.min():g} to {values.max():g}: expected [0, 1]')
    order = np.argsort(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def _square(scores: ArrayLike, least: int = 1) -> Array:
    """Return (T, T) scores, finite on and below the diagonal, T at least ``least``."""
    array = numbers('scores', scores)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or len(array) < least:
        raise BadRequest(f'scores have shape {array.shape}: expected (T, T), T at least {least}')
    finite('scores on and below the diagonal', array[np.tril_indices(len(array))], 1)
    return array


def _baseline(name: str, values: ArrayLike, scores: Array) -> Array:
    """Return (T,) scores of another model."""
    array = finite(name, values, 1)
    if len(array) != len(scores):
        raise BadRequest(f'{name} has {len(array)} scores: expected {len(scores)}')
    return array
