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
"""Losses that keep what the body does out of how it feels, for the emotion block.

Each is switched by its weight in ``Weights``; which ones the shipped model uses is a matter of
measurement (``docs/training.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn, Tensor
from torch.nn import functional as F

from l2emg_ros.emotion import LABELS
from l2emg_ros.model.condition import Condition, Slots
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.training.dataset import Batch

# Full strength of the reversed gradient, reached by a linear ramp over the stage.
_REVERSAL = 0.3
_CONTRAST_TEMPERATURE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of the losses; 0 switches one off and saves its cost.

    Attributes:
        adversarial: The gesture is not to be read in the emotion feature.
        independence: HSIC of the emotion and the content feature.
        transfer: Same feeling, other gesture: the motion's feature is near the text's.
        swap: Gesture of one request, feeling of another: both are to be read in the tokens.
        front_door: Variance of the emotion read-out over what ``cs_mode='sample'`` draws.
    """

    adversarial: float = 0.0
    independence: float = 0.0
    transfer: float = 0.0
    swap: float = 0.0
    front_door: float = 0.0


class _Reversal(torch.autograd.Function):
    """Identity whose gradient is turned round (Ganin & Lempitsky, 2015)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse(x: Tensor, strength: float) -> Tensor:
    """Return ``x``; its gradient is multiplied by ``-strength``."""
    result: Tensor = _Reversal.apply(x, strength)
    return result


def hsic(x: Tensor, y: Tensor) -> Tensor:
    """Return the normalised Hilbert-Schmidt independence criterion of (n, p) and (n, q) samples.

    ``HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y))`` with Gaussian kernels of median width (Gretton et
    al., 2005): 0 for independent samples in the limit, 1 for equal ones.
    """
    kernels = []
    for samples in (x, y):
        squared = (samples[:, None] - samples).square().sum(dim=-1)
        kernel = torch.exp(-squared / squared.detach().median().clamp_min(1e-6))
        kernels.append(kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean())
    left, right = kernels
    scale = (left.square().sum() * right.square().sum()).sqrt()
    return (left * right).sum() / scale.clamp_min(1e-9)


def contrast(text: Tensor, motion: Tensor, emotion: Tensor, gesture: Tensor) -> Tensor:
    """Return InfoNCE between text-side and motion-side emotion features.

    Positives of a text are the motions of other gestures with its emotion; motions of its own
    gesture with its emotion count for nothing, for they would tell the gesture.

    Args:
        text: (B, d) features of the emotion slots.
        motion: (B, d) features of motions.
        emotion: (B,) numbers of the labels.
        gesture: (B,) numbers of the gestures.

    Returns:
        Mean over the texts that have a positive; 0 where none has.
    """
    scores = F.normalize(text, dim=-1) @ F.normalize(motion, dim=-1).T / _CONTRAST_TEMPERATURE
    same = emotion[:, None] == emotion
    positive = same & (gesture[:, None] != gesture)
    scores = scores.masked_fill(same & ~positive, float('-inf'))
    kept = positive.any(dim=1)
    if not bool(kept.any()):
        return text.sum() * 0.0
    found = scores.masked_fill(~positive, float('-inf'))[kept].logsumexp(dim=1)
    return (scores[kept].logsumexp(dim=1) - found).mean()


def _known(logits: Tensor, gesture: Tensor) -> Tensor:
    """Return the cross-entropy over the gestures that have a number; 0 where none has."""
    return F.cross_entropy(logits, gesture) if bool((gesture >= 0).any()) else logits.sum() * 0.0


class MotionReader(nn.Module):
    """Reads gesture and emotion in first-level tokens, hard or soft; a tool of training only."""

    def __init__(self, codes: int, gestures: int, width: int) -> None:
        """Build with fresh weights; features are (d,), half means over time, half maxima."""
        super().__init__()
        half = width // 2
        self.table = nn.Parameter(torch.randn(codes, half) * 0.1)
        self.mix = nn.ModuleList(nn.Conv1d(half, half, 5, padding=2) for _ in range(2))
        self.gesture = nn.Linear(2 * half, gestures)
        self.emotion = nn.Linear(2 * half, len(LABELS))

    def forward(self, motions: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return (B, d) features, (B, gestures) and (B, 13) logits of B motions.

        Args:
            motions: (L, codes) soft tokens each, or (L,) codes.
        """
        rows = [self.table[m] if m.dim() == 1 else m @ self.table for m in motions]
        states = nn.utils.rnn.pad_sequence(rows, batch_first=True).transpose(1, 2)
        lengths = torch.tensor([len(row) for row in rows], device=states.device)
        mask = (torch.arange(states.shape[2], device=states.device) < lengths[:, None])[:, None]
        for layer in self.mix:
            states = F.relu(layer(states)) * mask
        feature = torch.cat([states.sum(dim=2) / lengths[:, None], states.amax(dim=2)], dim=1)
        return feature, self.gesture(feature), self.emotion(feature)

    def loss(
        self, tokens: Sequence[Tensor], gesture: Tensor, emotion: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy of gesture and emotion of real motions, and their features.

        Args:
            tokens: (L, levels) codes of each of B motions.
            gesture: (B,) numbers, or ``UNKNOWN``.
            emotion: (B, 13) mixtures over the labels.
        """
        feature, performed, felt = self([motion[:, 0] for motion in tokens])
        return _known(performed, gesture) + F.cross_entropy(felt, emotion), feature


class Decoupling(nn.Module):
    """The adversaries and the losses of one run of the emotion stage."""

    def __init__(self, config: LmConfig, weights: Weights) -> None:
        """Build adversaries with fresh weights."""
        super().__init__()
        width, self.weights = config.width, weights
        self.gesture = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, config.gestures)
        )
        self.reader = MotionReader(config.codes, config.gestures, width)

    def loss(
        self, model: MotionLanguageModel, batch: Batch, slots: Slots, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted sum of the losses and each one's value.

        Args:
            model: Whose emotion block trains.
            batch: Requests and motions.
            slots: The model's, of the same batch.
            progress: Share of the stage that is over, in [0, 1].
        """
        weights = self.weights
        feature = slots.emotion.float().mean(dim=1)
        label = batch.condition.emotion.argmax(dim=1)
        parts: dict[str, tuple[float, Tensor]] = {}
        if weights.adversarial:
            hidden = reverse(feature, _REVERSAL * progress)
            told = _known(self.gesture(hidden), batch.gesture)
            parts['adversarial'] = (weights.adversarial, told)
        if weights.independence:
            content = slots.content.float().mean(dim=1)
            parts['independence'] = (weights.independence, hsic(feature, content))
        if weights.transfer or weights.swap:
            reading, moved = self.reader.loss(batch.tokens, batch.gesture, batch.condition.emotion)
            parts['reader'] = (1.0, reading)
        if weights.transfer:
            apart = contrast(feature, moved.detach(), label, batch.gesture)
            parts['transfer'] = (weights.transfer, apart)
        if weights.swap:
            parts['swap'] = (weights.swap, self._swapped(model, batch))
        if weights.front_door:
            parts['front_door'] = (weights.front_door, _variance(model, batch.condition))
        total = feature.new_zeros(()) + sum(weight * value for weight, value in parts.values())
        return total, {name: float(value.detach()) for name, (_, value) in parts.items()}

    def _swapped(self, model: MotionLanguageModel, batch: Batch) -> Tensor:
        """Return how badly a reader finds the gesture of each and the emotion of its neighbour.

        Tokens are drawn with the straight-through Gumbel estimator (Jang et al., 2017) while the
        model reads the real motion along; the reader's weights get no gradient.
        """
        condition = batch.condition
        other = dataclasses.replace(
            condition,
            emotion=condition.emotion.roll(1, 0),
            given=torch.ones_like(condition.given),
        )
        states, _ = model.states(other, batch.tokens)
        logits = model.head(states).float()[:, : model.config.codes]
        soft = F.gumbel_softmax(logits, hard=True)
        spans = soft.split([len(motion) + 1 for motion in batch.tokens])
        frozen = {name: value.detach() for name, value in self.reader.named_parameters()}
        _, gesture, emotion = torch.func.functional_call(self.reader, frozen, (spans,))
        return _known(gesture, batch.gesture) + F.cross_entropy(emotion, other.emotion)


def _variance(model: MotionLanguageModel, condition: Condition) -> Tensor:
    """Return the variance of the emotion read-out over two cross-samplings."""
    text = model.text(condition.text)
    read = [
        model.emotion.read_out(
            model.emotion(text, condition.mask, condition.emotion, condition.given)
        ).softmax(dim=-1)
        for _ in range(2)
    ]
    return (read[0] - read[1]).square().sum(dim=-1).mean() / 2
