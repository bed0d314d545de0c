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
"""Continual scores by hand, and comparisons against other ways to compute them."""

from __future__ import annotations

from collections.abc import Callable
import itertools
import math

import numpy as np
from numpy.typing import NDArray
import pytest
from scipy import stats

from l2emg_ros.bench import continual
from l2emg_ros.bench.metrics import weighted_f1
from l2emg_ros.errors import BadRequest

Array = NDArray[np.float64]

# The first scenario is best after the second; the second never recovers.
SCORES = [[0.90, 0.20, 0.10], [0.95, 0.80, 0.30], [0.80, 0.60, 0.70]]
NAN = float('nan')
LOWER = [[0.90, NAN, NAN], [0.95, 0.80, NAN], [0.80, 0.60, 0.70]]


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize('scores', [SCORES, LOWER])
def test_three_scenarios_by_hand(scores: list[list[float]]) -> None:
    np.testing.assert_allclose(continual.averages(scores), [0.9, 0.875, 0.7])
    assert continual.average(scores) == pytest.approx(0.7)
    assert continual.any_time(scores) == pytest.approx((0.9 + 0.875 + 0.7) / 3)
    assert continual.learning_accuracy(scores) == pytest.approx(0.8)
    assert continual.backward_transfer(scores) == pytest.approx((-0.1 - 0.2) / 2)
    assert continual.forgetting(scores) == pytest.approx((0.15 + 0.2) / 2)
    assert continual.intransigence(scores, [0.9, 0.9, 0.85]) == pytest.approx((0.1 + 0.15) / 3)
    assert continual.relative_to_joint(scores, [0.8, 0.9, 0.7]) == pytest.approx(0.7 / 0.8)
    assert continual.routing_loss(scores, np.add(scores, 0.05)) == pytest.approx(0.05)


def test_forward_transfer_by_hand() -> None:
    found = continual.forward_transfer(SCORES, [0.5, 0.15, 0.05])
    assert found == pytest.approx((0.2 - 0.15 + 0.3 - 0.05) / 2)


def test_forgetting_is_negative_where_the_last_score_is_best() -> None:
    assert continual.forgetting([[0.5, 0], [0.7, 0.9]]) == pytest.approx(-0.2)


@pytest.mark.parametrize('size', [2, 5, 9])
def test_random_matrices_equal_the_formulas_in_loops(size: int) -> None:
    a, base, single, joint = seeded(size).random((4, size, size))
    last = range(1, size + 1)

    def at(t: int, j: int) -> float:
        return float(a[t - 1, j - 1])

    mean = {t: sum(at(t, j) for j in range(1, t + 1)) / t for t in last}
    bwt = sum(at(size, j) - at(j, j) for j in range(1, size)) / (size - 1)
    lost = [max(at(t, j) - at(size, j) for t in range(j, size)) for j in range(1, size)]
    fwt = sum(at(j - 1, j) - base[0, j - 1] for j in range(2, size + 1)) / (size - 1)
    held = sum(single[0, j - 1] - at(j, j) for j in last) / size
    assert continual.average(a) == pytest.approx(mean[size])
    assert continual.any_time(a) == pytest.approx(sum(mean.values()) / size)
    assert continual.learning_accuracy(a) == pytest.approx(sum(at(j, j) for j in last) / size)
    assert continual.backward_transfer(a) == pytest.approx(bwt)
    assert continual.forgetting(a) == pytest.approx(sum(lost) / (size - 1))
    assert continual.forward_transfer(a, base[0]) == pytest.approx(fwt)
    assert continual.intransigence(a, single[0]) == pytest.approx(held)
    assert continual.relative_to_joint(a, joint[0]) == pytest.approx(mean[size] / joint[0].mean())


def test_forgetting_is_at_least_what_was_lost_since_learning() -> None:
    for scores in seeded().random((50, 6, 6)):
        assert continual.forgetting(scores) >= -continual.backward_transfer(scores) - 1e-12


def test_one_scenario_has_averages_only() -> None:
    assert continual.average([[0.4]]) == continual.any_time([[0.4]]) == 0.4


REQUESTED = ['sad', 'happy', 'happy', 'angry', 'sad', 'happy', 'sad', 'angry']
READ = ['happy', 'happy', 'sad', 'happy', 'sad', 'happy', 'angry', 'sad']
DOMINANT = ['happy', 'happy', 'happy', 'happy', 'sad', 'sad', 'happy', 'sad']


def test_contamination_by_hand() -> None:
    # Rows 0, 3 and 7; row 2 is wrong another way, rows 1 and 4 were asked for.
    assert continual.contamination(REQUESTED, READ, DOMINANT) == pytest.approx(3 / 8)
    order = seeded().permutation(8)
    columns = [np.array(column)[order] for column in (REQUESTED, READ, DOMINANT)]
    assert continual.contamination(*columns) == pytest.approx(3 / 8)
    assert continual.contamination(REQUESTED, REQUESTED, DOMINANT) == 0


def test_swap_needs_both() -> None:
    found = continual.swap_success(
        ['wave', 'wave', 'bow', 'bow'],
        [1, 2, 1, 2],
        ['wave', 'bow', 'bow', 'wave'],
        [1, 2, 2, 1],
    )
    assert found == 1 / 4


def test_leakage_weighs_contents_alike() -> None:
    # Recalls 4/4, 1/2 and 0/1 over chance of a third; plain accuracy would be 5/7.
    content, probed = [0, 0, 0, 0, 1, 1, 2], [0, 0, 0, 0, 1, 0, 0]
    assert continual.leakage(content, probed) == pytest.approx((1 + 0.5 + 0) / 3 - 1 / 3)
    assert continual.leakage(content, [0] * 7) == pytest.approx(0)


def test_confusion_shift_by_hand() -> None:
    # One emotion is asked for four times: counts (3, 1, 0, 0) and (0, 4, 0, 0), half more each.
    old, new = [3.5, 1.5, 0.5, 0.5], [0.5, 4.5, 0.5, 0.5]
    expected = sum(p / 6 * math.log(p / q) for p, q in zip(old, new, strict=True))
    found = continual.confusion_shift(['a'] * 4, ['a', 'a', 'a', 'b'], ['b', 'b', 'b', 'b'])
    assert found == pytest.approx(expected)
    assert continual.confusion_shift(REQUESTED, READ, READ) == 0
    # The same mistakes on other clips are no shift; the same reads for other requests are one.
    assert continual.confusion_shift([0, 0, 1, 1], [0, 1, 1, 1], [1, 0, 1, 1]) == 0
    assert continual.confusion_shift([0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1]) > 0.1


def test_expert_load_by_hand() -> None:
    assert continual.expert_load([7, 7, 7, 7]) == pytest.approx((1, 0.25, 0))
    assert continual.expert_load([0, 5, 5, 0]) == pytest.approx((0.5, 0.5, 2))
    effective, largest, dead = continual.expert_load([98, 1, 1])
    entropy = -0.98 * math.log(0.98) - 0.02 * math.log(0.01)
    assert (effective, largest, dead) == pytest.approx((math.exp(entropy) / 3, 0.98, 2))


def pairwise(known: Array, novel: Array) -> float:
    wins = [(n > k) + 0.5 * (n == k) for n, k in itertools.product(novel, known)]
    return float(np.mean(wins))


def test_auroc_counts_pairs_and_ties_half() -> None:
    assert continual.auroc([1, 2], [2, 3]) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    rng = seeded()
    known, novel = rng.integers(0, 6, size=40), rng.integers(2, 9, size=25)
    found = continual.auroc(known, novel)
    assert found == pytest.approx(pairwise(known, novel))
    assert found == pytest.approx(stats.mannwhitneyu(novel, known).statistic / (40 * 25))
    assert continual.auroc(novel, known) == pytest.approx(1 - found)
    assert continual.auroc(rng.permutation(known), novel) == pytest.approx(found)
    assert continual.auroc(np.exp(known), np.exp(novel)) == pytest.approx(found)
    assert continual.auroc([0.3] * 5, [0.3] * 9) == 0.5


def test_pooled_auroc_compares_means_of_full_batches() -> None:
    rng = seeded()
    known, novel = rng.normal(size=70), rng.normal(size=50) + 0.5
    rng = seeded(3)
    dealt = [rng.permutation(values) for values in (known, novel)]
    means = [np.array([np.mean(d[i : i + 16]) for i in range(0, len(d) - 15, 16)]) for d in dealt]
    assert [len(m) for m in means] == [4, 3]
    assert continual.pooled_auroc(known, novel, seeded(3)) == pytest.approx(pairwise(*means))
    assert continual.pooled_auroc(known, novel, seeded(), batch=1) == pytest.approx(
        continual.auroc(known, novel)
    )


def test_pooling_tells_what_single_prompts_do_not() -> None:
    known, novel = seeded().normal(size=1600), seeded(1).normal(size=1600) + 1
    assert continual.auroc(known, novel) < 0.8
    assert continual.pooled_auroc(known, novel, seeded()) > 0.98


def test_spearman_is_pearson_of_ranks() -> None:
    first, second = seeded().integers(0, 8, size=(2, 30))
    ranks = [stats.rankdata(values) for values in (first, second)]
    rho, p = continual.spearman(first, second)
    assert rho == pytest.approx(np.corrcoef(ranks)[0, 1])
    statistic = rho * math.sqrt(28 / (1 - rho**2))
    assert p == pytest.approx(2 * stats.t.sf(abs(statistic), 28))
    assert continual.spearman([1, 2, 3, 9], [1, 10, 11, 12])[0] == pytest.approx(1)


def test_mean_interval_by_hand() -> None:
    # 4.302653 is the 97.5 % quantile of Student's t with two degrees of freedom.
    assert continual.mean_interval([1, 2, 3]) == pytest.approx((2, 4.302653 / math.sqrt(3)))


def test_mean_interval_covers_as_often_as_it_says() -> None:
    samples = seeded().normal(5, 2, size=(2000, 4))
    covered = [abs(m - 5) <= half for m, half in map(continual.mean_interval, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_paired_bootstrap_agrees_with_scipy() -> None:
    rng = seeded()
    theirs = rng.normal(size=80)
    ours = theirs + 0.1 + 0.3 * rng.normal(size=80)
    found = continual.paired_bootstrap(ours, theirs, seeded(1), draws=4000)
    other = stats.bootstrap(
        (ours - theirs,), np.mean, n_resamples=4000, method='percentile', vectorized=True
    ).confidence_interval
    assert found.value == pytest.approx((ours - theirs).mean())
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.01)
    # Normal for a mean of 80: the p-value is that of the distance in standard errors.
    error = (ours - theirs).std() / math.sqrt(80)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.value) / error), abs=0.015)


def test_paired_bootstrap_is_paired_and_signed() -> None:
    items = 100 * seeded().normal(size=50)
    better = continual.paired_bootstrap(items + 1, items, seeded(), draws=200)
    assert (better.value, better.low, better.high) == pytest.approx((1, 1, 1))
    assert better.p == pytest.approx(2 / 201)
    worse = continual.paired_bootstrap(items, items + 1, seeded(), draws=200)
    assert (worse.value, worse.p) == pytest.approx((-1, 2 / 201))
    assert continual.paired_bootstrap(items, items, seeded(), draws=200).p == 1


def test_paired_bootstrap_of_a_score_of_labels() -> None:
    rng = seeded()
    requested = rng.integers(0, 3, size=150)
    good, bad = requested.copy(), requested.copy()
    good[::9], bad[::3] = 0, 0

    def score(rows: NDArray[np.int64]) -> float:
        return weighted_f1(rows[:, 0], rows[:, 1])

    pairs = [np.column_stack([requested, read]) for read in (good, bad)]
    found = continual.paired_bootstrap(*pairs, seeded(), statistic=score, draws=300)
    assert found.value == pytest.approx(score(pairs[0]) - score(pairs[1]))
    assert 0 < found.low < found.value < found.high
    assert found.p == pytest.approx(2 / 301)


def test_holm_by_hand() -> None:
    # Sorted 0.01 * 3, 0.03 * 2, then 0.04 * 1, which may not fall below its forerunner.
    np.testing.assert_allclose(continual.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(continual.holm([0.6, 0.9]), [1, 1])
    np.testing.assert_allclose(continual.holm([0.2]), [0.2])


def test_holm_rejects_what_stepping_down_rejects() -> None:
    for values in seeded().random((40, 6)) ** 4:
        rejected = set()
        for step, index in enumerate(np.argsort(values)):
            if values[index] > 0.05 / (6 - step):
                break
            rejected.add(index)
        assert set(np.flatnonzero(continual.holm(values) <= 0.05)) == rejected


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: continual.average([[1, 2, 3], [4, 5, 6]]), r'shape \(2, 3\): expected \(T, T\)'),
    (lambda: continual.average([1.0, 2.0]), r'shape \(2,\)'),
    (lambda: continual.average([[1.0], [2.0, 3.0]]), 'scores is no array of numbers'),
    (lambda: continual.average(np.zeros((0, 0))), 'T at least 1'),
    (lambda: continual.forgetting([[0.5]]), 'T at least 2'),
    (lambda: continual.backward_transfer([[0.5]]), 'T at least 2'),
    (lambda: continual.any_time([[1, 0], [NAN, 1]]), 'on and below the diagonal has 1 values'),
    (lambda: continual.learning_accuracy([[np.inf, 0], [0, 1]]), 'not finite'),
    (lambda: continual.forward_transfer(LOWER, [0, 0, 0]), 'above the diagonal has 2 values'),
    (lambda: continual.forward_transfer(SCORES, [0, 0]), 'base has 2 scores: expected 3'),
    (lambda: continual.intransigence(SCORES, [0, NAN, 0]), 'single has 1 values'),
    (lambda: continual.relative_to_joint(SCORES, [-1, -2, -3]), 'joint has mean -2'),
    (lambda: continual.contamination(['a'], ['a'], ['a', 'b']), r'dominant has shape \(2,\)'),
    (lambda: continual.swap_success([1], [1, 2], [1], [1, 2]), 'emotion has 2 labels: expected 1'),
    (lambda: continual.expert_load([0, 0]), 'requests go from 0'),
    (lambda: continual.expert_load([3, -1]), 'requests go from -1'),
    (lambda: continual.auroc([], [1.0]), 'known has length 0'),
    (lambda: continual.auroc([1.0], [NAN]), 'novel has 1 values'),
    (lambda: continual.pooled_auroc([0.0] * 16, [0.0] * 15, seeded()), 'novel has length 15'),
    (lambda: continual.pooled_auroc([0.0], [0.0], seeded(), batch=0), 'batch is 0'),
    (lambda: continual.spearman([1, 2, 3], [1, 2, 3, 4]), 'second has length 4: expected 3'),
    (lambda: continual.spearman([1, 2, 3], [5, 5, 5]), 'constant'),
    (lambda: continual.mean_interval([0.5]), 'values has length 1: expected at least 2'),
    (lambda: continual.paired_bootstrap([1, 2], [1, 2, 3], seeded()), 'pairs are'),
    (lambda: continual.paired_bootstrap([1, NAN], [1, 2], seeded(), draws=9), 'not finite'),
    (lambda: continual.paired_bootstrap([1, 2], [1, 2], seeded(), draws=0), 'draws is 0'),
    (lambda: continual.holm([0.5, 1.5]), 'go from 0.5 to 1.5'),
    (lambda: continual.holm([NAN]), 'not finite'),
]


@pytest.mark.parametrize(('call', 'message'), REFUSED, ids=[message for _, message in REFUSED])
def test_refusals_are_one_clear_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        call()
    assert '\n' not in str(caught.value)
