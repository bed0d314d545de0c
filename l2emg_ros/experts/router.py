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
from typing import Any, TYPE_CHECKING
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, LinAlgError
from scipy.optimize import minimize
from scipy.special import log_softmax

from l2emg_ros.errors import BadRequest, ModelNotLoaded
from l2emg_ros.text import lexicon

if TYPE_CHECKING:
    from l2emg_ros.text.encoder import TextEncoder

_BUCKETS = 1 << 14
_SMOOTHING = 0.1
_SHRINKAGE = 0.03
# Texts that are encoded at once.
_TOGETHER = 64
# A text whose p-value is lower belongs to no known scenario.
_NOVEL = 0.01
_LEAST_VARIANCE = 1e-6

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

    @property
    def novel(self) -> bool:
        """Whether the text is like nothing that any expert has learned."""
        return self.novelty_p_value < _NOVEL

    @property
    def scenario(self) -> str:
        """The scenario that serves the text; '' where none does."""
        return '' if self.novel else self.scenarios[0]


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


def _embedded(encoder: TextEncoder, texts: Sequence[str]) -> Array:
    """Return (n, width) features of any number of texts, some at a time."""
    parts = [embed(encoder, texts[i : i + _TOGETHER]) for i in range(0, len(texts), _TOGETHER)]
    return np.concatenate(parts)


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
        self._solver: Any = None

    @property
    def width(self) -> int:
        """Numbers of a text feature."""
        return len(self._scatter)

    def learn(self, scenario: str, texts: Sequence[str], encoder: TextEncoder) -> None:
        """Add the texts of a scenario, known or new, to the statistics."""
        if scenario not in self.scenarios:
            self.scenarios.append(scenario)
            self._lexical = np.concatenate([self._lexical, np.zeros((1, _BUCKETS))])
            self._sums = np.concatenate([self._sums, np.zeros((1, self._sums.shape[1]))])
            self._sizes = np.append(self._sizes, 0.0)
        row, self._solver = self.scenarios.index(scenario), None
        stacked = _embedded(encoder, texts)
        self._sums[row] += stacked.sum(axis=0)
        self._sizes[row] += len(stacked)
        self._scatter += stacked.T @ stacked
        for text in texts:
            self._lexical[row] += _counts(lexicon.without_emotion(text))

    def row(self, scenario: str) -> Router:
        """Return a router that knows one scenario of this one, to be adopted by another.

        Only the pooled scatter is known; a scenario's share of it is taken to be like the others'.

        Raises:
            BadRequest: The scenario is not known.
        """
        k = self._index(scenario)
        result = Router(self.width)
        result.scenarios = [scenario]
        result._lexical, result._sums = self._lexical[k : k + 1], self._sums[k : k + 1]
        result._sizes, result._scatter = self._sizes[k : k + 1], self._share(k)
        result._scales, result._calibration = self._scales.copy(), self._calibration.copy()
        return result

    def adopt(self, other: Router) -> None:
        """Add the scenarios of another router, as if their texts had been learnt here.

        A router that knows nothing yet takes over the calibration too.

        Raises:
            BadRequest: A scenario is known already, or the features have another width.
        """
        if other.width != self.width:
            raise BadRequest(
                f'router statistics of {other.width} numbers a text: expected {self.width}'
            )
        if known := sorted(set(other.scenarios) & set(self.scenarios)):
            raise BadRequest(f'the router knows {known[0]!r} already')
        if not self.scenarios:
            self._scales, self._calibration = other._scales.copy(), other._calibration.copy()
        self.scenarios = [*self.scenarios, *other.scenarios]
        self._lexical = np.concatenate([self._lexical, other._lexical])
        self._sums = np.concatenate([self._sums, other._sums])
        self._sizes = np.concatenate([self._sizes, other._sizes])
        self._scatter, self._solver = self._scatter + other._scatter, None

    def forget(self, scenario: str) -> None:
        """Take a scenario out; what is known of the others, their covariance too, stays.

        Raises:
            BadRequest: The scenario is not known.
        """
        k = self._index(scenario)
        self._scatter, self._solver = self._scatter - self._share(k), None
        self.scenarios = [name for name in self.scenarios if name != scenario]
        self._lexical = np.delete(self._lexical, k, axis=0)
        self._sums = np.delete(self._sums, k, axis=0)
        self._sizes = np.delete(self._sizes, k)

    def _index(self, scenario: str) -> int:
        if scenario not in self.scenarios:
            known = ', '.join(self.scenarios) or 'none'
            raise BadRequest(f'the router does not know {scenario!r}: it knows {known}')
        return self.scenarios.index(scenario)

    def _share(self, k: int) -> Array:
        """Return a scenario's part of the scatter, ``n (mu mu^T + S)`` with the pooled S."""
        mean = self._sums[k] / self._sizes[k]
        return np.asarray(self._sizes[k] * (np.outer(mean, mean) + self._covariance()))

    def _covariance(self) -> Array:
        """Return the covariance within scenarios, pooled over all of them."""
        means = self._sums / self._sizes[:, None]
        return np.asarray((self._scatter - (means.T * self._sizes) @ means) / self._sizes.sum())

    def calibrate(self, texts: Mapping[str, Sequence[str]], encoder: TextEncoder) -> None:
        """Fit the two scales and the novelty quantiles on texts kept out of ``learn``.

        Without any they stay as they are.
        """
        flat = [(scenario, text) for scenario, listed in texts.items() for text in listed]
        if not flat:
            return
        target = np.array([self.scenarios.index(scenario) for scenario, _ in flat])
        features = _embedded(encoder, [text for _, text in flat])
        distance = self._distances(features)
        lexical = np.stack([self._likelihood(text) for _, text in flat])

        def loss(scales: Array) -> float:
            fused = -0.5 * np.exp(scales[0]) * distance + np.exp(scales[1]) * lexical
            return float(-log_softmax(fused, axis=1)[np.arange(len(target)), target].mean())

        self._scales = np.exp(minimize(loss, np.log(self._scales), method='Nelder-Mead').x)
        self._calibration = np.sort(distance.min(axis=1))

    def route(self, text: str, encoder: TextEncoder) -> Route:
        """Return scenarios in order of likelihood and how novel the text is."""
        return self.routes([text], encoder)[0]

    def routes(self, texts: Sequence[str], encoder: TextEncoder) -> list[Route]:
        """Return what ``route`` returns for each text, faster."""
        if not texts:
            return []
        distances = self._distances(_embedded(encoder, texts))
        return [self._route(text, row) for text, row in zip(texts, distances, strict=True)]

    def _route(self, text: str, distance: Array) -> Route:
        """Return the route of a text with (K,) squared distances."""
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
        difference = features[:, None] - means
        flat = difference.reshape(-1, self.width)
        solved = cho_solve(self._factor(), flat.T).T
        return np.asarray((flat * solved).sum(axis=1).reshape(difference.shape[:2]))

    def _factor(self) -> Any:
        """Return the Cholesky factor of the shrunk covariance, computed once."""
        if self._solver is None:
            width, covariance = self.width, self._covariance() * (1 - _SHRINKAGE)
            # Texts that are all the same have none, but for what single precision leaves of it.
            least = max(_SHRINKAGE * np.trace(covariance) / width, _LEAST_VARIANCE)
            covariance += np.eye(width) * least
            self._solver = cho_factor(covariance)
        return self._solver

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
        count, missing = len(scenarios), sorted(set(Router(0).state()) - set(state))
        if missing:
            raise ModelNotLoaded(f'router statistics lack {missing[0]!r}')
        router = cls(len(state['scatter']))
        if (found := len(state['sums'])) != count:
            raise ModelNotLoaded(f'router statistics know {found} scenarios: expected {count}')
        shapes = {
            'lexical': (count, _BUCKETS),
            'sums': (count, router.width),
            'sizes': (count,),
            'scatter': (router.width, router.width),
            'scales': (2,),
            'calibration': (state['calibration'].size,),
        }
        for name, shape in shapes.items():
            if state[name].shape != shape:
                raise ModelNotLoaded(
                    f'router statistics: {name} has the shape {state[name].shape}: '
                    f'expected {shape}'
                )
            setattr(router, f'_{name}', np.array(state[name], dtype=np.float64))
        if not (router._sizes > 0).all():
            raise ModelNotLoaded('router statistics: a scenario has no texts')
        router._check()
        router.scenarios = list(scenarios)
        return router

    def _check(self) -> None:
        """Find statistics that no texts have, before a request does.

        Raises:
            ModelNotLoaded: Counts or scales are negative, or the covariance is none.
        """
        if (self._lexical < 0).any() or not (self._scales > 0).all():
            raise ModelNotLoaded('router statistics: negative counts or scales')
        try:
            if len(self._sizes):
                self._factor()
        except (LinAlgError, ValueError):
            raise ModelNotLoaded('router statistics: no covariance of texts') from None
