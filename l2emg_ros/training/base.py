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
"""Stages 0b and 1: train backbone and emotion block together; both are frozen afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2
import torch
from torch import nn, Tensor

from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.language_model import MotionLanguageModel, ScenarioExpert
from l2emg_ros.training import loop
from l2emg_ros.training.dataset import Batches, Corpus, TextFeatures

BATCH = 48
EXPERT_BATCH = 32
# Share of the steps before the dictionary is filled (the block needs features worth clustering).
_WARM_UP = 0.05
_EMOTION_LOSS = 0.5
_TOKEN_NOISE = 0.1

Report = Callable[[int, dict[str, float]], None]


@torch.no_grad()
def fill_dictionary(model: MotionLanguageModel, batches: Batches, seed: int) -> None:
    """Set the global dictionary to K-means centres of pooled in-sample evidence."""
    pooled = []
    for number in range(20):
        condition, _ = batches.draw(128, number)
        text = model.text(condition.text)
        evidence = model.emotion.evidence(text, condition.mask, condition.emotion, condition.given)
        pooled.append(evidence.mean(dim=1))
    points = torch.cat(pooled).double().numpy()
    centres, member = kmeans2(points, model.config.dictionary, minit='++', seed=seed)
    counts = np.bincount(member, minlength=len(centres)) + 1.0
    model.emotion.set_dictionary(
        torch.from_numpy(centres).float(), torch.from_numpy(counts / counts.sum()).float()
    )


def _losses(
    model: MotionLanguageModel,
    batches: Batches,
    size: int,
    number: int,
    expert: ScenarioExpert | None,
) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of one random batch and its parts."""
    condition, tokens = batches.draw(size, number)
    with torch.autocast('cpu', torch.bfloat16):
        language, slots = model.loss(condition, tokens, expert, noise=_TOKEN_NOISE)
    logits = model.emotion.read_out(slots.float())
    read = nn.functional.cross_entropy(logits, condition.emotion)
    right = (logits.argmax(1) == condition.emotion.argmax(1)).float().mean()
    figures = {'nll': float(language.detach()), 'emotion_accuracy': float(right)}
    return language + (_EMOTION_LOSS * read if expert is None else 0.0), figures


def train(
    corpus: Corpus,
    texts: TextFeatures,
    tokens: Sequence[Tensor],
    config: LmConfig,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 1e-3,
    report: Report | None = None,
) -> MotionLanguageModel:
    """Train backbone and emotion block on every clip of a corpus; resumable (``loop.run``)."""
    torch.manual_seed(seed)
    model = MotionLanguageModel(config)
    batches = Batches(corpus, texts, tokens, corpus.split()[0], seed)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        if number == int(_WARM_UP * steps):
            fill_dictionary(model, batches, seed)
        return _losses(model, batches, BATCH, number, None)

    model.train()
    loop.run(model, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    return model.eval()


def train_expert(
    model: MotionLanguageModel,
    batches: Batches,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 5e-4,
    report: Report | None = None,
) -> ScenarioExpert:
    """Train one scenario's expert on the frozen backbone; resumable (``loop.run``)."""
    torch.manual_seed(seed)
    model.requires_grad_(False).eval()
    expert = model.new_expert()

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        return _losses(model, batches, EXPERT_BATCH, number, expert)

    loop.run(expert, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    return expert.eval()


@torch.inference_mode()
def validate(
    model: MotionLanguageModel,
    batches: Batches,
    numbers: Sequence[int],
    expert: ScenarioExpert | None = None,
) -> float:
    """Return the mean negative log-likelihood a token on given clips, in nats."""
    losses, rng = [], np.random.default_rng(0)
    for start in range(0, len(numbers), 32):
        condition, tokens = batches.collect(numbers[start : start + 32], rng)
        losses.append(float(model.loss(condition, tokens, expert)[0]))
    return float(np.mean(losses))
