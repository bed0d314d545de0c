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
"""Router: which scenario a request belongs to when nobody names it.

Two scorers with additive statistics, so that learning a scenario never changes what is known of
another: a naive Bayes over hashed words and word pairs, and a Gaussian per scenario with tied
covariance over the sentence feature. Both read the text without its emotion words and are fused
with two calibrated scales.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import itertools
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import log_softmax

from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.text import lexicon
from l2emg_ros.text.encoder import TextEncoder

_BUCKETS = 1 << 14
_SMOOTHING = 0.1
_SHRINKAGE = 0.03

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Route:
    """A router's answer.

    Attributes:
        scenarios: Known scenarios, most likely first.
        probabilities: Their posterior, same order.
        novelty_p_value: Conformal p-value of the text coming from any known scenario.
    """

    scenarios: tuple[str, ...]
    probabilities: tuple[float, ...]
    novelty_p_value: float


def _counts(text: str) -> Array:
    """Return (buckets,) counts of the hashed words and neighbouring pairs of a text."""
    tokens = lexicon.words(text)
    result = np.zeros(_BUCKETS)
    for token in [*tokens, *(f'{a} {b}' for a, b in itertools.pairwise(tokens))]:
        result[zlib.crc32(token.encode()) % _BUCKETS] += 1
    return result


def embed(encoder: TextEncoder, texts: Sequence[str]) -> Array:
    """Return (n, width) unit sentence features of texts without their emotion words."""
    rows = encoder.encode([lexicon.without_emotion(text) for text in texts])
    means = np.stack([row[0] for row in rows]).astype(np.float64)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))


class Router:
    """Additive statistics of every scenario and the scales that fuse them.

    Args:
        width: Numbers of a text feature.
    """

    def __init__(self, width: int) -> None:
        """Start knowing no scenario."""
        self.scenarios: list[str] = []
        self._lexical = np.zeros((0, _BUCKETS))
        self._sums = np.zeros((0, width))
        self._sizes = np.zeros(0)
        self._scatter = np.zeros((width, width))
        self._scales = np.ones(2)
        self._calibration = np.zeros(0)

    def learn(self, scenario: str, texts: Sequence[str], encoder: TextEncoder) -> None:
        """Add the texts of a scenario, known or new, to the statistics."""
        if scenario not in self.scenarios:
            self.scenarios.append(scenario)
            self._lexical = np.concatenate([self._lexical, np.zeros((1, _BUCKETS))])
            self._sums = np.concatenate([self._sums, np.zeros((1, self._sums.shape[1]))])
            self._sizes = np.append(self._sizes, 0.0)
        row = self.scenarios.index(scenario)
        features = []
        for start in range(0, len(texts), 64):
            features.append(embed(encoder, texts[start : start + 64]))
        stacked = np.concatenate(features)
        self._sums[row] += stacked.sum(axis=0)
        self._sizes[row] += len(stacked)
        self._scatter += stacked.T @ stacked
        for text in texts:
            self._lexical[row] += _counts(lexicon.without_emotion(text))

    def calibrate(self, texts: Mapping[str, Sequence[str]], encoder: TextEncoder) -> None:
        """Fit the two scales and the novelty quantiles on texts kept out of ``learn``."""
        flat = [(scenario, text) for scenario, listed in texts.items() for text in listed]
        target = np.array([self.scenarios.index(scenario) for scenario, _ in flat])
        features = np.concatenate(
            [embed(encoder, [t for _, t in flat[i : i + 64]]) for i in range(0, len(flat), 64)]
        )
        distance = self._distances(features)
        lexical = np.stack([self._likelihood(text) for _, text in flat])

        def loss(scales: Array) -> float:
            fused = -0.5 * np.exp(scales[0]) * distance + np.exp(scales[1]) * lexical
            return float(-log_softmax(fused, axis=1)[np.arange(len(target)), target].mean())

        self._scales = np.exp(minimize(loss, np.log(self._scales), method='Nelder-Mead').x)
        self._calibration = np.sort(distance.min(axis=1))

    def route(self, text: str, encoder: TextEncoder) -> Route:
        """Return scenarios in order of likelihood and how novel the text is."""
        distance = self._distances(embed(encoder, [text]))[0]
        fused = -0.5 * self._scales[0] * distance + self._scales[1] * self._likelihood(text)
        probabilities = np.exp(log_softmax(fused))
        order = np.argsort(-probabilities, kind='stable')
        above = len(self._calibration) - np.searchsorted(self._calibration, distance.min())
        return Route(
            tuple(self.scenarios[k] for k in order),
            tuple(float(probabilities[k]) for k in order),
            float((above + 1) / (len(self._calibration) + 1)),
        )

    def _distances(self, features: Array) -> Array:
        """Return (n, K) squared Mahalanobis distances to the scenarios' means."""
        means = self._sums / self._sizes[:, None]
        total = self._sizes.sum()
        covariance = (self._scatter - (means.T * self._sizes) @ means) / total
        width = len(covariance)
        covariance *= 1 - _SHRINKAGE
        covariance += np.eye(width) * (_SHRINKAGE * np.trace(covariance) / width + 1e-9)
        difference = features[:, None] - means
        flat = difference.reshape(-1, width)
        solved = cho_solve(cho_factor(covariance), flat.T).T
        return np.asarray((flat * solved).sum(axis=1).reshape(difference.shape[:2]))

    def _likelihood(self, text: str) -> Array:
        """Return (K,) multinomial log-likelihoods a word."""
        counts = _counts(lexicon.without_emotion(text))
        seen = counts > 0
        share = self._lexical[:, seen] + _SMOOTHING
        total = self._lexical.sum(axis=1, keepdims=True) + _SMOOTHING * _BUCKETS
        return np.asarray((np.log(share / total) * counts[seen]).sum(axis=1))

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return the statistics as arrays; ``from_state`` reads them back."""
        arrays = {
            'lexical': self._lexical,
            'sums': self._sums,
            'sizes': self._sizes,
            'scatter': self._scatter,
            'scales': self._scales,
            'calibration': self._calibration,
        }
        return {name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}

    @classmethod
    def from_state(
        cls, scenarios: Sequence[str], state: Mapping[str, NDArray[np.float32]]
    ) -> Router:
        """Rebuild a router.

        Raises:
            ModelNotLoaded: An array is missing or of another size.
        """
        try:
            router = cls(len(state['scatter']))
            router.scenarios = list(scenarios)
            for name in ('lexical', 'sums', 'sizes', 'scatter', 'scales', 'calibration'):
                setattr(router, f'_{name}', np.array(state[name], dtype=np.float64))
        except KeyError as error:
            raise ModelNotLoaded(f'router statistics lack {error}') from None
        if len(router._sums) != len(router.scenarios) or len(router._lexical) != len(scenarios):
            raise ModelNotLoaded(
                f'router statistics know {len(router._sums)} scenarios: expected {len(scenarios)}'
            )
        return router
