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
"""Does a scenario move in ways that the frozen tokeniser cannot say? Then give it one more level.

Encoder, decoder and the present codebooks stay as they are, so every token keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.cluster.vq import kmeans2
import torch
from torch import Tensor

from l2emg_ros.errors import BadRequest
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.training.tokenizer import evaluate

_ENOUGH = 1.25
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a tokeniser says motions, mm of joint position error.

    Attributes:
        mean: Over all frames and joints (MPJPE).
        worst: 95th percentile.
    """

    mean: float
    worst: float

    @classmethod
    def of(cls, figures: Mapping[str, float]) -> Fit:
        """Return the fit among the figures of ``training.tokenizer.evaluate``."""
        return cls(figures['mpjpe_mm'], figures['mpjpe_p95_mm'])

    def ratio(self, known: Fit) -> float:
        """Return rho: how much worse than on known motions, by the worse of the two figures."""
        return max(self.mean / known.mean, self.worst / known.worst)

    def asks_for_growth(self, known: Fit) -> bool:
        """Return whether the error is more than a quarter above that on known motions."""
        return self.ratio(known) > _ENOUGH


def fit(tokenizer: MotionTokenizer, motions: Iterable[Tensor]) -> Fit:
    """Return the error of coding and decoding (T, 140) features of motions.

    Raises:
        BadRequest: No motion is as long as a token.
    """
    return Fit.of(evaluate(tokenizer, motions))


@torch.no_grad()
def grow(tokenizer: MotionTokenizer, motions: Sequence[Tensor], seed: int) -> None:
    """Append a level whose codes are K-means centres of what the present levels leave over.

    One code is zero, so that the new level can leave a token as it is.

    Args:
        tokenizer: Changed in place.
        motions: (T, 140) features of the new scenario.
        seed: Of the centres' starting points.

    Raises:
        BadRequest: The motions have fewer tokens than a codebook has codes.
    """
    latents = [tokenizer.latents(m[None])[0] for m in motions if len(m) >= FRAMES_PER_TOKEN]
    points = torch.cat(latents) if latents else torch.zeros(0, tokenizer.config.width)
    count = tokenizer.config.codes
    if len(points) < count:
        raise BadRequest(f'{len(points)} tokens of motion: expected at least {count} to grow')
    left = points - tokenizer.quantise(points, tokenizer.config.levels)[0]
    centres, _ = kmeans2(
        left.double().cpu().numpy(),
        count - 1,
        iter=_ROUNDS,
        minit='points',
        seed=seed,
        missing='warn',
    )
    codes = torch.cat([torch.zeros(1, centres.shape[1]), torch.from_numpy(centres).float()])
    tokenizer.grow(codes.to(left.device))
