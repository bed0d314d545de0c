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
"""How far generated motions are from real ones and from their requests, in an evaluator's space.

Every function takes what frozen evaluators gave, one row a motion: features or labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgWarning, sqrtm
from scipy.spatial.distance import cdist

from l2emg_ros.errors import BadRequest

Array = NDArray[np.float64]

_OFFSET = 1e-6
_IMAGINARY = 1e-3


def numbers(name: str, values: ArrayLike) -> Array:
    """Return values as an array of floats; ``name`` is what an error calls them.

    Raises:
        BadRequest: They are no numbers, or ragged.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadRequest(f'{name} is no array of numbers: expected floats') from None


def finite(name: str, values: ArrayLike, dims: int, least: int = 1) -> Array:
    """Return values as an array of ``dims`` dimensions and at least ``least`` rows.

    Raises:
        BadRequest: They have another shape, too few rows, or are not all finite numbers.
    """
    array = numbers(name, values)
    if array.ndim != dims or 0 in array.shape[1:]:
        raise BadRequest(f'{name} has shape {array.shape}: expected {dims} dimensions, none empty')
    if len(array) < least:
        raise BadRequest(f'{name} has length {len(array)}: expected at least {least}')
    if wrong := int(array.size - np.isfinite(array).sum()):
        raise BadRequest(f'{name} has {wrong} values that are not finite: expected none')
    return array


def aligned(**columns: ArrayLike) -> list[NDArray[Any]]:
    """Return columns of labels, each (n,), all of them strings or all of them integers.

    Raises:
        BadRequest: A column is empty, of another length or of another kind than the first.
    """
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    first = next(iter(arrays.values()))
    for name, array in arrays.items():
        shown = f'{name} has shape {array.shape} and type {array.dtype}'
        if array.ndim != 1 or not len(array) or array.dtype.kind not in 'Uiu':
            raise BadRequest(f'{shown}: expected a row of labels, str or int')
        if len(array) != len(first) or (array.dtype.kind == 'U') != (first.dtype.kind == 'U'):
            raise BadRequest(f'{shown}: expected {first.shape} and {first.dtype}')
    return list(arrays.values())


def fid(real: ArrayLike, made: ArrayLike, *, shrink: bool = False) -> float:
    """Return the Frechet distance of two sets of features.

    ``|mu_r - mu_g|^2 + tr(S_r + S_g - 2 sqrt(S_r S_g))``, covariances with N - 1. It means little
    where N is close to the width: report N and ``fid_floor`` beside it.

    Args:
        real: (N, width) features of real motions.
        made: (M, width) features of generated motions.
        shrink: Draw the covariances towards a sphere (Ledoit and Wolf 2004), for N below 500.

    Raises:
        BadRequest: Unfit arrays, or a matrix square root that is not real.
    """
    real, made = _sets(2, real=real, made=made)
    first, second = _covariance(real, shrink), _covariance(made, shrink)
    root = _root(first, second)
    if not np.isfinite(root).all():
        offset = _OFFSET * np.eye(len(first))
        root = _root(first + offset, second + offset)
    gap = real.mean(axis=0) - made.mean(axis=0)
    value = float(gap @ gap + np.trace(first) + np.trace(second) - 2 * np.trace(root.real))
    imaginary = float(np.abs(np.diagonal(root).imag).max())
    if not (imaginary <= _IMAGINARY and np.isfinite(value)):
        raise BadRequest(
            f'FID of {len(real)} and {len(made)} rows of width {len(first)} is {value:.3g} with '
            f'imaginary part {imaginary:.2g}: expected more rows or a smaller scale'
        )
    return value


def fid_floor(real: ArrayLike, rng: np.random.Generator, *, shrink: bool = False) -> float:
    """Return the FID of two random halves of (N, width) real features: what perfection scores."""
    rows = finite('real', real, 2, 4)
    order, half = rng.permutation(len(rows)), len(rows) // 2
    return fid(rows[order[:half]], rows[order[half:]], shrink=shrink)


def fid_interval(
    real: ArrayLike,
    made: ArrayLike,
    rng: np.random.Generator,
    *,
    draws: int = 200,
    shrink: bool = False,
) -> tuple[float, float]:
    """Return the ends of a bootstrapped 95 % interval of ``fid``, both sets resampled."""
    real, made = _sets(2, real=real, made=made)
    values = []
    for _ in range(draws):
        rows = [some[rng.integers(len(some), size=len(some))] for some in (real, made)]
        values.append(fid(rows[0], rows[1], shrink=shrink))
    # Repeated rows raise the FID of every draw alike: take from the draws their spread only.
    low, high = np.quantile(values, (0.025, 0.975)) - np.mean(values)
    value = fid(real, made, shrink=shrink)
    return value + float(low), value + float(high)


def kid(real: ArrayLike, made: ArrayLike) -> float:
    """Return the kernel distance: unbiased squared MMD, kernel ``(x.y / width + 1)^3``.

    Its mean is zero for equal distributions at any N, unlike FID's; it may come out negative.
    """
    real, made = _sets(2, real=real, made=made)
    width = real.shape[1]

    def within(rows: Array) -> float:
        kernel = (rows @ rows.T / width + 1) ** 3
        return float((kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1)))

    return within(real) + within(made) - 2 * float(((real @ made.T / width + 1) ** 3).mean())


def r_precision(
    text: ArrayLike, motion: ArrayLike, rng: np.random.Generator, *, top: int = 3, pool: int = 32
) -> Array:
    """Return R-Precision@1..top: how often a text's own motion is among its k nearest.

    Rows are dealt at random into pools; those that fill no pool are left out. A motion as near as
    the own one counts as a toss-up, so that equal motions score chance in any order of the rows.

    Args:
        text: (n, width) features of the texts.
        motion: (n, width) features of the motions generated from them, same order.
        rng: Deals the pools.
        top: Largest k.
        pool: Motions of which one is the text's own.

    Returns:
        (top,) shares in [0, 1].
    """
    text, motion = _matched(text, motion, pool)
    if not 1 <= top <= pool:
        raise BadRequest(f'top is {top}: expected 1 to the pool of {pool}')
    used = len(text) // pool * pool
    hits = np.zeros(top)
    for rows in rng.permutation(len(text))[:used].reshape(-1, pool):
        # From differences: |a|^2 + |b|^2 - 2 a.b rounds below zero, and its square root is NaN.
        distance = cdist(text[rows], motion[rows])
        own = np.diagonal(distance)[:, None]
        nearer = (distance < own).sum(axis=1, keepdims=True)
        level = (distance == own).sum(axis=1, keepdims=True)
        hits += np.clip((np.arange(1, top + 1) - nearer) / level, 0, 1).sum(axis=0)
    return hits / used


def mm_distance(text: ArrayLike, motion: ArrayLike) -> float:
    """Return MM-Dist: the mean distance of (n, width) texts to their own motions."""
    text, motion = _matched(text, motion)
    return float(np.linalg.norm(text - motion, axis=1).mean())


def diversity(motion: ArrayLike, rng: np.random.Generator) -> float:
    """Return the mean distance of 300 pairs of (n, width) motions, 100 where n <= 300.

    The two ends of the pairs are independent draws without replacement.
    """
    motion = finite('motion', motion, 2, 100)
    pairs = 300 if len(motion) > 300 else 100
    first, second = (rng.choice(len(motion), pairs, replace=False) for _ in range(2))
    return float(np.linalg.norm(motion[first] - motion[second], axis=1).mean())


def multimodality(motion: ArrayLike, rng: np.random.Generator, *, pairs: int = 10) -> float:
    """Return the mean distance of motions generated from one text.

    Args:
        motion: (texts, generations, width) features; the protocol asks for 30 generations.
        rng: Draws the pairs of generations, the same for all texts.
        pairs: How many, each end drawn without replacement.
    """
    motion = finite('motion', motion, 3)
    generations = motion.shape[1]
    if not 1 <= pairs <= generations:
        raise BadRequest(f'motion has {generations} generations a text: expected {pairs} or more')
    first, second = (rng.choice(generations, pairs, replace=False) for _ in range(2))
    return float(np.linalg.norm(motion[:, first] - motion[:, second], axis=2).mean())


def repeated(
    measure: Callable[[np.random.Generator], ArrayLike],
    rng: np.random.Generator,
    *,
    repeats: int = 20,
) -> tuple[Array, Array]:
    """Return mean and half a 95 % interval of repeated measurements, of the measurement's shape.

    The half is ``1.96 std / sqrt(repeats)`` with the standard deviation's ddof 0.
    """
    if repeats < 1:
        raise BadRequest(f'repeats is {repeats}: expected at least 1')
    values = np.asarray([measure(rng) for _ in range(repeats)], dtype=np.float64)
    return np.asarray(values.mean(axis=0)), np.asarray(1.96 * values.std(axis=0) / repeats**0.5)


def class_f1(
    requested: ArrayLike, read: ArrayLike
) -> tuple[NDArray[Any], NDArray[np.int64], Array]:
    """Return the requested classes in order, how often each was requested, and its F1.

    A class that nobody requested has no F1; reading it is counted as a miss of the requested one.
    """
    requested, read = aligned(requested=requested, read=read)
    classes, support = np.unique(requested, return_counts=True)
    hits = np.array([((requested == label) & (read == label)).sum() for label in classes])
    claimed = np.array([(read == label).sum() for label in classes])
    return classes, support, 2 * hits / (support + claimed)


def weighted_f1(requested: ArrayLike, read: ArrayLike) -> float:
    """Return the F1 of the requested classes, weighted with their shares: ``sum n_c / n F1_c``."""
    _, support, scores = class_f1(requested, read)
    return float(np.average(scores, weights=support))


def macro_f1(requested: ArrayLike, read: ArrayLike) -> float:
    """Return the plain mean F1 of the requested classes."""
    return float(class_f1(requested, read)[2].mean())


def _sets(least: int, **sets: ArrayLike) -> list[Array]:
    """Return sets of features, each (``least`` or more, width), all of one width."""
    arrays = {name: finite(name, rows, 2, least) for name, rows in sets.items()}
    width = next(iter(arrays.values())).shape[1]
    for name, array in arrays.items():
        if array.shape[1] != width:
            raise BadRequest(f'{name} has width {array.shape[1]}: expected {width}')
    return list(arrays.values())


def _matched(text: ArrayLike, motion: ArrayLike, least: int = 1) -> list[Array]:
    """Return features of as many texts as motions."""
    text, motion = _sets(least, text=text, motion=motion)
    if len(text) != len(motion):
        raise BadRequest(f'motion has {len(motion)} rows: expected one for each of {len(text)}')
    return [text, motion]


def _covariance(rows: Array, shrink: bool) -> Array:
    """Return the (width, width) covariance of rows, with N - 1."""
    count, width = rows.shape
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / (count - 1)
    if not shrink:
        return covariance
    sphere = np.trace(covariance) / width * np.eye(width)
    # The two moments of Ledoit and Wolf are those of the covariance with N.
    scale = ((count - 1) / count) ** 2
    noise = ((centred**2).sum(axis=1) ** 2).mean() - scale * (covariance**2).sum()
    spread = scale * ((covariance - sphere) ** 2).sum()
    share = min(noise / count / spread, 1.0) if spread > 0 else 0.0
    return np.asarray(covariance + share * (sphere - covariance))


def _root(first: Array, second: Array) -> NDArray[Any]:
    """Return the square root of a product, not finite where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', LinAlgWarning)
        try:
            return np.asarray(sqrtm(first @ second))
        except (ValueError, np.linalg.LinAlgError):
            return np.full(first.shape, np.nan)
