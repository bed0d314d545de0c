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
"""Losses that keep gesture and emotion apart do what their formulas say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from l2emg_ros.training.decoupling import contrast, hsic, MotionReader, reverse


def test_a_reversed_gradient_has_the_other_sign_and_the_same_value() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    out = reverse(x, 0.3)
    assert torch.equal(out, x)
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.full((2,), -0.3))


def test_reversal_takes_the_content_out_of_a_feature() -> None:
    """A probe trained afterwards reads less than before."""
    rng = np.random.default_rng(0)
    label = torch.from_numpy(rng.integers(2, size=400))
    x = torch.from_numpy(rng.normal(size=(400, 8))).float()
    x[:, 0] += 8.0 * label

    def probe(feature: torch.Tensor) -> float:
        rows = torch.cat([feature, torch.ones(len(feature), 1)], dim=1)
        weights = torch.linalg.lstsq(rows[:300], label[:300, None].float()).solution
        read = (rows[300:] @ weights)[:, 0] > 0.5
        return float((read == label[300:].bool()).float().mean())

    torch.manual_seed(0)
    encoder, adversary = nn.Linear(8, 4), nn.Linear(4, 2)
    keep = nn.Linear(4, 1)
    parameters = [*encoder.parameters(), *adversary.parameters(), *keep.parameters()]
    before = probe(encoder(x).detach())
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    for _ in range(300):
        feature = encoder(x)
        told = nn.functional.cross_entropy(adversary(reverse(feature, 1.0)), label)
        useful = (keep(feature)[:, 0] - x[:, 1]).square().mean()
        optimizer.zero_grad()
        (told + useful).backward()
        optimizer.step()
    feature = encoder(x).detach()
    assert before > 0.9
    assert probe(feature) < before - 0.2
    assert float((keep(feature)[:, 0] - x[:, 1]).detach().square().mean()) < 0.1


def test_hsic_equals_its_formula_and_tells_dependence() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(60, 3), torch.randn(60, 2)
    n = len(x)
    centre = torch.eye(n) - torch.full((n, n), 1 / n)

    def kernel(samples: torch.Tensor) -> torch.Tensor:
        squared = torch.cdist(samples, samples).square()
        return centre @ torch.exp(-squared / squared.median()) @ centre

    first, second = kernel(x), kernel(y)
    scale = (torch.trace(first @ first) * torch.trace(second @ second)).sqrt()
    expected = torch.trace(first @ second) / scale
    torch.testing.assert_close(hsic(x, y), expected, atol=1e-4, rtol=0)
    assert float(hsic(x, x)) == pytest.approx(1.0, abs=1e-5)
    assert float(hsic(x, x[:, :1].square())) > float(hsic(x, y))


def test_contrast_counts_other_gestures_of_the_same_emotion() -> None:
    text = torch.eye(4)
    emotion = torch.tensor([0, 0, 1, 1])
    gesture = torch.tensor([0, 1, 0, 1])
    crossed = text[[1, 0, 3, 2]]
    assert float(contrast(text, crossed, emotion, gesture)) < 1e-3
    wrong = text[[0, 2, 1, 3]]
    assert float(contrast(text, wrong, emotion, gesture)) > 1.0
    torch.manual_seed(0)
    text, motion = (nn.functional.normalize(torch.randn(4, 5), dim=-1) for _ in range(2))
    found = float(contrast(text, motion, emotion, gesture))
    assert found == pytest.approx(_by_hand(text, motion), rel=1e-4)


def _by_hand(text: torch.Tensor, motion: torch.Tensor) -> float:
    """Return the loss for emotions 0 0 1 1 and gestures 0 1 0 1, written out."""
    scores = (text @ motion.T / 0.1).exp()
    partner, others = [1, 0, 3, 2], [(2, 3), (2, 3), (0, 1), (0, 1)]
    losses = []
    for row in range(4):
        positive = float(scores[row, partner[row]])
        negative = sum(float(scores[row, k]) for k in others[row])
        losses.append(-math.log(positive / (positive + negative)))
    return sum(losses) / 4


def test_contrast_of_a_batch_without_partners_is_zero_and_harmless() -> None:
    text = torch.randn(3, 4, requires_grad=True)
    loss = contrast(text, torch.randn(3, 4), torch.arange(3), torch.arange(3))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert text.grad is not None
    assert bool(torch.isfinite(text.grad).all())


def test_a_reader_takes_soft_tokens_for_hard_ones_where_they_are_certain() -> None:
    torch.manual_seed(0)
    reader = MotionReader(6, 3, 8)
    codes = torch.randint(6, (9,))
    hard = nn.functional.one_hot(codes, 6).float()
    soft = (hard * 60).softmax(dim=-1)
    for first, second in zip(reader([hard]), reader([soft]), strict=True):
        torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)
