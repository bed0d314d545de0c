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
from l2emg_ros.training.dataset import Batches, Corpus, TextFeatures, UNKNOWN

BATCH = 48
EXPERT_BATCH = 32
# Share of the steps before the dictionary is filled (the block needs features worth clustering).
_WARM_UP = 0.05
_EMOTION_LOSS, _CONTENT_LOSS = 0.5, 0.5
_TOKEN_NOISE, _FURTHER_LEVELS = 0.2, 0.3
# Share of the batches that the backbone reads through the slots alone: shown the words, it learns
# the wordings of the corpus by heart and does not look at the slots.
_BLIND = 0.6
# Free sentences a step that teach the content slots alone.
_SENTENCES = 96

Report = Callable[[int, dict[str, float]], None]


@torch.no_grad()
def fill_dictionary(model: MotionLanguageModel, batches: Batches, seed: int) -> None:
    """Set the global dictionary to K-means centres of pooled in-sample evidence."""
    pooled = []
    for number in range(20):
        condition = batches.draw(128, number).condition
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
    batch = batches.draw(size, number)
    # Whole batches, because a batch without words is shorter. Experts read what they will read in
    # use: their backbone has learned what the slots mean.
    blind = expert is None and float(torch.rand(())) < _BLIND
    with torch.autocast('cpu', torch.bfloat16):
        levels, slots = model.loss(batch.condition, batch.tokens, expert, _TOKEN_NOISE, blind)
    # The first level tells the movement; the rest is detail.
    language = levels[0] + _FURTHER_LEVELS * levels[1:].sum()
    emotion = model.emotion.read_out(slots.emotion.float())
    content = model.content.read_out(slots.content.float())
    figures = {
        'nll': float(levels[0].detach()),
        'further_nll': float(levels[1:].detach().sum()),
        'emotion_accuracy': _accuracy(emotion, batch.condition.emotion.argmax(dim=1)),
        'content_accuracy': _accuracy(content, batch.gesture),
    }
    if expert is not None:
        return language, figures
    emotion_loss = _EMOTION_LOSS * nn.functional.cross_entropy(emotion, batch.condition.emotion)
    # Words cost little beside motions, and there are more sentences than a run has batches for.
    text, mask, gestures = batches.draw_sentences(_SENTENCES, number)
    more = model.content.read_out(model.content(model.text(text), mask))
    wanted = torch.cat([batch.gesture, gestures])
    content_loss = nn.functional.cross_entropy(torch.cat([content, more]), wanted)
    return language + emotion_loss + _CONTENT_LOSS * content_loss, figures


def _accuracy(logits: Tensor, wanted: Tensor) -> float:
    """Return the share of rows whose largest logit is the wanted one; NaN where none is known."""
    known = wanted != UNKNOWN
    return float((logits.argmax(dim=1) == wanted)[known].float().mean())


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
    """Train backbone, content and emotion block on a corpus; resumable (``loop.run``)."""
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
) -> dict[str, float]:
    """Return the mean negative log-likelihood of the first level and of the further ones, nats."""
    losses, rng = [], np.random.default_rng(0)
    for start in range(0, len(numbers), 32):
        batch = batches.collect(numbers[start : start + 32], rng)
        losses.append(model.loss(batch.condition, batch.tokens, expert)[0])
    levels = torch.stack(losses).mean(dim=0)
    return {'nll': float(levels[0]), 'further_nll': float(levels[1:].sum())}
