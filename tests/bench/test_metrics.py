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
"""Distances, retrieval and F1 agree with formulas written another way, and avoid known traps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
import pytest

from l2emg_ros.bench import metrics
from l2emg_ros.errors import BadRequest

Array = NDArray[np.float64]


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def cloud(count: int, width: int, seed: int = 0) -> Array:
    """Correlated rows with a mean of their own."""
    rng = seeded(seed)
    return rng.normal(size=(count, width)) @ rng.normal(size=(width, width)) + rng.normal(
        size=width
    )


def frechet(real: Array, made: Array, covariance: Callable[[Array], Array] | None = None) -> float:
    """FID by sums of outer products and eigenvalues of a symmetric matrix, no matrix root."""

    def unbiased(rows: Array) -> Array:
        mean = sum(rows) / len(rows)
        return sum(np.outer(row - mean, row - mean) for row in rows) / (len(rows) - 1)

    first, second = ((covariance or unbiased)(rows) for rows in (real, made))
    values, vectors = np.linalg.eigh(first)
    half = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    product = np.maximum(np.linalg.eigvalsh(half @ second @ half), 0)
    mean = ((real.mean(0) - made.mean(0)) ** 2).sum()
    return float(mean + np.trace(first) + np.trace(second) - 2 * np.sqrt(product).sum())


@pytest.mark.parametrize('count', [7, 40, 300])
def test_fid_equals_the_formula_by_eigenvalues(count: int) -> None:
    real, made = cloud(count, 6, 1), cloud(count + 5, 6, 2)
    assert metrics.fid(real, made) == pytest.approx(frechet(real, made), rel=1e-8)


def test_fid_in_one_dimension_by_hand() -> None:
    # Means 1 and 3; variances 2 and 8 with N - 1 (1 and 4 with N, which would give 5).
    assert metrics.fid([[0], [2]], [[1], [5]]) == pytest.approx(4 + 2 + 8 - 2 * 4)


def test_fid_is_symmetric_and_ignores_order_and_rotation() -> None:
    real, made = cloud(50, 5, 1), cloud(60, 5, 2)
    value = metrics.fid(real, made)
    assert metrics.fid(made, real) == pytest.approx(value)
    assert metrics.fid(seeded().permutation(real), made) == pytest.approx(value)
    turn = np.linalg.qr(seeded().normal(size=(5, 5)))[0]
    assert metrics.fid(real @ turn, made @ turn) == pytest.approx(value)


def test_fid_of_equal_and_of_shifted_sets() -> None:
    real = cloud(50, 5)
    assert metrics.fid(real, real) == pytest.approx(0, abs=1e-6)
    assert metrics.fid(real, real + np.array([3, 0, 0, 0, -4])) == pytest.approx(25)


# Whole numbers and constant columns: several eigenvalues are exactly zero, and with them the
# square root of the product is infinite or NaN, depending on the linear algebra library.
SINGULAR = (
    [[1, -1, 0, 0, -1, 1], [-1, 2, 2, 0, 2, 1]],
    [[-1, 2, 1, -1, 1, 1], [0, 0, 1, -2, 1, 1], [0, 0, 1, 2, 1, 1], [0, -1, 1, -2, 1, 1]],
)


def test_fid_where_the_root_is_not_finite() -> None:
    real, made = (np.array(rows, dtype=float) for rows in SINGULAR)
    assert metrics.fid(real, made) == pytest.approx(frechet(real, made), abs=0.03)


def test_fid_of_singular_covariances() -> None:
    rng = seeded(3)
    for _ in range(200):
        width = int(rng.integers(3, 8))
        counts = rng.integers(3, width + 2, size=2)
        real, made = (rng.integers(-2, 3, size=(n, width)).astype(float) for n in counts)
        made[:, rng.random(width) < 0.5] = 1
        assert metrics.fid(real, made) == pytest.approx(frechet(real, made), abs=0.03)


def test_fid_of_a_generator_that_always_does_the_same() -> None:
    real = cloud(50, 5)
    made = np.tile(np.arange(5.0), (20, 1))
    expected = ((real.mean(0) - made[0]) ** 2).sum() + real.var(axis=0, ddof=1).sum()
    assert metrics.fid(real, made) == pytest.approx(expected)


def test_fid_refuses_an_imaginary_root() -> None:
    real, made = seeded(1).normal(size=(2, 8, 64))
    assert metrics.fid(real, made) == pytest.approx(frechet(real, made), abs=1e-4)
    with pytest.raises(BadRequest, match='imaginary'):
        metrics.fid(1e5 * real, 1e5 * made)


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_fid_refuses_what_overflows() -> None:
    with pytest.raises(BadRequest, match='FID of 8 and 8 rows'):
        metrics.fid(1e200 * cloud(8, 4), cloud(8, 4))


def test_floor_shrinks_with_the_number_of_rows() -> None:
    floors = [metrics.fid_floor(seeded().normal(size=(n, 24)), seeded(1)) for n in (60, 400, 3000)]
    assert floors[0] > 3 * floors[1] > 9 * floors[2] > 0


def test_floor_uses_every_row_once() -> None:
    rows = cloud(9, 2)
    order = seeded(5).permutation(9)
    expected = frechet(rows[order[:4]], rows[order[4:]])
    assert metrics.fid_floor(rows, seeded(5)) == pytest.approx(expected)


def ledoit_wolf(rows: Array) -> Array:
    """The estimator as in the paper: a sum over the rows' own outer products."""
    count, width = rows.shape
    centred = rows - rows.mean(0)
    sample = centred.T @ centred / count
    mean = np.trace(sample) / width
    distance = np.linalg.norm(sample - mean * np.eye(width)) ** 2
    noise = sum(np.linalg.norm(np.outer(r, r) - sample) ** 2 for r in centred) / count**2
    share = min(noise, distance) / distance
    return (share * mean * np.eye(width) + (1 - share) * sample) * count / (count - 1)


@pytest.mark.parametrize('count', [5, 30, 200])
def test_shrunk_fid_equals_ledoit_and_wolf(count: int) -> None:
    real, made = cloud(count, 8, 1), cloud(count, 8, 2)
    expected = frechet(real, made, ledoit_wolf)
    assert metrics.fid(real, made, shrink=True) == pytest.approx(expected, rel=1e-6)


def test_shrinking_lowers_the_floor_of_few_rows() -> None:
    rows = seeded().normal(size=(60, 24))
    plain, shrunk = (metrics.fid_floor(rows, seeded(1), shrink=flag) for flag in (False, True))
    assert shrunk < plain / 2


def test_fid_interval_holds_the_value_and_narrows() -> None:
    widths = []
    for count in (60, 600):
        real, made = cloud(count, 3, 1), cloud(count, 3, 1) + seeded().normal(size=(count, 3))
        low, high = metrics.fid_interval(real, made, seeded(), draws=60)
        assert low < metrics.fid(real, made) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_kid_equals_three_loops_over_pairs() -> None:
    real, made = cloud(6, 4, 1), cloud(5, 4, 2)

    def kernel(x: Array, y: Array) -> float:
        return float((sum(a * b for a, b in zip(x, y, strict=True)) / 4 + 1) ** 3)

    def others(rows: Array) -> float:
        pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j]
        return float(np.mean([kernel(rows[i], rows[j]) for i, j in pairs]))

    across = np.mean([kernel(x, y) for x in real for y in made])
    assert metrics.kid(real, made) == pytest.approx(others(real) + others(made) - 2 * across)


def test_kid_of_one_distribution_is_zero_on_average_where_fid_is_not() -> None:
    rng = seeded()
    pairs = [rng.normal(size=(2, 12, 6)) for _ in range(400)]
    values = [metrics.kid(*pair) for pair in pairs]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(metrics.fid(*pair) for pair in pairs[:20]) > 0.5


def by_sorting(text: Array, motion: Array, top: int) -> list[float]:
    """R-Precision of one pool as public code has it: sort each row, look for the own column."""
    distance = np.sqrt(((text[:, None] - motion[None]) ** 2).sum(-1))
    ranks = [list(np.argsort(row)).index(i) for i, row in enumerate(distance)]
    return [sum(rank < k for rank in ranks) / len(ranks) for k in range(1, top + 1)]


def test_r_precision_equals_sorting() -> None:
    text = cloud(32, 4, 1)
    motion = text + seeded(2).normal(size=text.shape)
    found = metrics.r_precision(text, motion, seeded(), top=32)
    np.testing.assert_allclose(found, by_sorting(text, motion, 32))
    assert found[0] < found[2] < found[-1] == 1


def test_r_precision_of_several_pools_is_the_mean_of_theirs() -> None:
    text = cloud(70, 3, 1)
    motion = text + seeded(2).normal(size=text.shape)
    pools = seeded(9).permutation(70)[:64].reshape(2, 32)
    expected = np.mean([by_sorting(text[rows], motion[rows], 3) for rows in pools], axis=0)
    np.testing.assert_allclose(metrics.r_precision(text, motion, seeded(9)), expected)


def test_r_precision_by_hand() -> None:
    # Own distances 0, 2 and 1; one motion is nearer to the second text and one to the third.
    text, motion = [[0.0], [10.0], [12.5]], [[0.0], [12.0], [11.5]]
    found = metrics.r_precision(text, motion, seeded(), pool=3)
    np.testing.assert_allclose(found, [1 / 3, 1, 1])
    # The pool of a text is made of motions; of texts, the last would find its own at once.
    turned = metrics.r_precision(motion, text, seeded(), pool=3)
    np.testing.assert_allclose(turned, [2 / 3, 1, 1])


def test_r_precision_ignores_the_order_of_the_rows() -> None:
    text = np.round(cloud(32, 2, 1))
    motion = np.round(text + seeded(2).normal(size=text.shape))
    order = seeded(3).permutation(32)
    first = metrics.r_precision(text, motion, seeded(4))
    np.testing.assert_allclose(metrics.r_precision(text[order], motion[order], seeded(5)), first)


def test_equal_motions_score_chance() -> None:
    found = metrics.r_precision(cloud(64, 4), np.zeros((64, 4)), seeded())
    np.testing.assert_allclose(found, np.array([1, 2, 3]) / 32)


def test_ties_count_their_share_of_the_places() -> None:
    # Distances of the first text: own 1, others 1 and 5: the own is nearest in half of the orders.
    text, motion = [[0.0], [1.0], [5.0]], [[-1.0], [1.0], [5.0]]
    found = metrics.r_precision(text, motion, seeded(), pool=3)
    np.testing.assert_allclose(found, [2.5 / 3, 1, 1])


def test_distances_that_round_below_zero_are_no_nan() -> None:
    text = 1e4 + seeded(1).normal(size=(32, 64)).astype(np.float32)
    squares = (text**2).sum(1)
    expanded = squares[:, None] + squares[None] - 2 * text @ text.T
    assert np.diagonal(expanded).min() < 0, 'the trap is not set'
    np.testing.assert_array_equal(metrics.r_precision(text, text, seeded()), [1, 1, 1])
    assert metrics.mm_distance(text, text) == 0


def test_mm_distance_by_hand() -> None:
    assert metrics.mm_distance([[0, 0], [1, 1]], [[3, 4], [1, 2]]) == pytest.approx((5 + 1) / 2)


@pytest.mark.parametrize(('count', 'pairs'), [(100, 100), (300, 100), (301, 300), (900, 300)])
def test_diversity_draws_that_many_pairs(count: int, pairs: int) -> None:
    motion = cloud(count, 3)
    rng = seeded(7)
    ends = zip(*(rng.choice(count, pairs, replace=False) for _ in range(2)), strict=True)
    expected = np.mean([np.sqrt(((motion[i] - motion[j]) ** 2).sum()) for i, j in ends])
    assert metrics.diversity(motion, seeded(7)) == pytest.approx(expected)


def test_diversity_estimates_the_mean_distance_and_scales() -> None:
    motion = seeded().normal(size=(2000, 8))
    gaps = np.linalg.norm(motion[:300, None] - motion[None, 300:600], axis=-1)
    assert metrics.diversity(motion, seeded()) == pytest.approx(gaps.mean(), rel=0.05)
    tripled = metrics.diversity(3 * motion + 1, seeded())
    assert tripled == pytest.approx(3 * metrics.diversity(motion, seeded()))


def test_multimodality_shares_its_pairs_among_texts() -> None:
    one = cloud(30, 4)
    rng = seeded(7)
    ends = zip(*(rng.choice(30, 10, replace=False) for _ in range(2)), strict=True)
    expected = np.mean([np.linalg.norm(one[i] - one[j]) for i, j in ends])
    texts = np.stack([scale * one + 100 * scale for scale in (1, 2, 6)])
    assert metrics.multimodality(texts, seeded(7)) == pytest.approx(3 * expected)
    assert metrics.multimodality(np.ones((5, 30, 4)), seeded()) == 0


def test_repeats_by_hand() -> None:
    answers = iter([0.0, 1.0] * 10)
    mean, half = metrics.repeated(lambda _: next(answers), seeded())
    assert (float(mean), float(half)) == pytest.approx((0.5, 1.96 * 0.5 / np.sqrt(20)))


def test_repeats_keep_the_shape_and_draw_anew() -> None:
    mean, half = metrics.repeated(lambda rng: rng.random(3), seeded(), repeats=50)
    values = seeded().random((50, 3))
    np.testing.assert_allclose(mean, values.sum(0) / 50)
    spread = np.sqrt((values**2).mean(0) - values.mean(0) ** 2)
    np.testing.assert_allclose(half, 1.96 * spread / np.sqrt(50))


def test_f1_by_hand() -> None:
    requested = ['sad', 'sad', 'sad', 'happy', 'happy', 'tired']
    read = ['sad', 'sad', 'happy', 'happy', 'proud', 'sad']
    classes, support, scores = metrics.class_f1(requested, read)
    assert list(classes) == ['happy', 'sad', 'tired']
    assert list(support) == [2, 3, 1]
    # happy: precision 1/2, recall 1/2; sad: 2/3 and 2/3; tired is never read; proud never asked.
    np.testing.assert_allclose(scores, [1 / 2, 2 / 3, 0])
    assert metrics.weighted_f1(requested, read) == pytest.approx((2 / 2 + 3 * 2 / 3) / 6)
    assert metrics.macro_f1(requested, read) == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)


def test_f1_equals_precision_and_recall() -> None:
    rng = seeded()
    requested, read = rng.choice(5, 200, p=[0.5, 0.2, 0.2, 0.08, 0.02]), rng.integers(7, size=200)
    read[:90] = requested[:90]
    weighted, plain = 0.0, []
    for label in set(requested.tolist()):
        right = sum(a == b == label for a, b in zip(requested, read, strict=True))
        precision, recall = right / list(read).count(label), right / list(requested).count(label)
        plain.append(2 / (1 / precision + 1 / recall) if right else 0.0)
        weighted += list(requested).count(label) / 200 * plain[-1]
    assert metrics.weighted_f1(requested, read) == pytest.approx(weighted)
    assert metrics.macro_f1(requested, read) == pytest.approx(np.mean(plain))
    order = rng.permutation(200)
    names = np.array(['g', 'f', 'e', 'd', 'c', 'b', 'a'])
    shuffled = names[requested[order]], names[read[order]]
    assert metrics.weighted_f1(*shuffled) == pytest.approx(weighted)
    assert metrics.macro_f1(*shuffled) == pytest.approx(np.mean(plain))


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: metrics.fid([1.0, 2.0], cloud(5, 2)), r'real has shape \(2,\): expected 2'),
    (lambda: metrics.fid(cloud(1, 2), cloud(5, 2)), 'real has length 1: expected at least 2'),
    (lambda: metrics.fid(cloud(5, 2), cloud(5, 3)), 'made has width 3: expected 2'),
    (lambda: metrics.fid(cloud(5, 2), [[0, 1], [np.nan, np.inf]]), 'made has 2 values that are'),
    (lambda: metrics.fid([[1, 2], [3]], cloud(5, 2)), 'real is no array of numbers'),
    (lambda: metrics.fid(np.zeros((5, 0)), np.zeros((5, 0))), 'none empty'),
    (lambda: metrics.fid_floor(cloud(3, 2), seeded()), 'length 3: expected at least 4'),
    (lambda: metrics.kid(cloud(5, 2), cloud(1, 2)), 'made has length 1'),
    (lambda: metrics.r_precision(cloud(31, 2), cloud(31, 2), seeded()), 'length 31: .* least 32'),
    (lambda: metrics.r_precision(cloud(40, 2), cloud(33, 2), seeded()), 'one for each of 40'),
    (lambda: metrics.r_precision(cloud(32, 2), cloud(32, 2), seeded(), top=33), 'top is 33'),
    (lambda: metrics.mm_distance(cloud(4, 2), cloud(5, 2)), 'motion has 5 rows'),
    (lambda: metrics.diversity(cloud(99, 2), seeded()), 'length 99: expected at least 100'),
    (lambda: metrics.multimodality(cloud(30, 2), seeded()), r'shape \(30, 2\)'),
    (lambda: metrics.multimodality(np.zeros((5, 9, 2)), seeded()), '9 generations a text: .* 10'),
    (lambda: metrics.repeated(lambda _: 0.0, seeded(), repeats=0), 'repeats is 0'),
    (lambda: metrics.weighted_f1([], []), r'requested has shape \(0,\)'),
    (lambda: metrics.weighted_f1(['a'], ['a', 'b']), r'read has shape \(2,\).*expected \(1,\)'),
    (lambda: metrics.weighted_f1(['a'], [0]), 'type int64: expected'),
    (lambda: metrics.macro_f1([1.0, np.nan], [1.0, 2.0]), 'float64: expected a row of labels'),
    (lambda: metrics.macro_f1(['a', None], ['a', 'b']), 'object: expected a row of labels'),
]


@pytest.mark.parametrize(('call', 'message'), REFUSED, ids=[message for _, message in REFUSED])
def test_refusals_are_one_clear_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        call()
    assert '\n' not in str(caught.value)
