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
"""Stages 0 and 1: train the backbone, then its emotion block; both are frozen afterwards.

Stage 0 trains everything but the shared emotion expert on what belongs to no scenario. Stage 1
freezes the backbone and trains the blocks that fill its slots, and the shared emotion expert, with
the losses of ``decoupling``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2
import torch
from torch import nn, Tensor

from l2emg_ros.model.condition import Slots, Withheld
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import Misread, MotionLanguageModel
from l2emg_ros.training import loop
from l2emg_ros.training.dataset import Batch, Batches, UNKNOWN
from l2emg_ros.training.decoupling import Decoupling, Weights

BATCH = 48
EXPERT_BATCH = 32
# Share of the steps before the dictionary is filled (the block needs features worth clustering).
_WARM_UP = 0.05
_EMOTION_LOSS, _CONTENT_LOSS = 0.5, 0.5
_FURTHER_LEVELS = 0.3
MISREAD = Misread(tokens=0.6, begin=0.4)
# Share of the batches in which a backbone that reads words does not: shown them, it learns
# the wordings of the corpus by heart and does not look at the slots.
_BLIND = 0.6
# Shares of the requests of which content, emotion or both are withheld, for guidance.
_NO_CONTENT, _NO_EMOTION, _NEITHER = 0.12, 0.12, 0.06
# Share of the requests whose emotion slots are made from the words of another.
_CROSSED = 0.5
# Sentences a step that teach the slots without a motion.
_SENTENCES = 96
# Of the read-out of gestures; chosen with its dropout and the noise on the features on a tenth of
# the free sentences.
_SMOOTHING = 0.1
# The losses of the shipped model.
DECOUPLING = Weights(adversarial=0.5, independence=0.1, transfer=0.2)

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
    points = torch.cat(pooled).double().cpu().numpy()
    centres, member = kmeans2(points, model.config.dictionary, minit='++', seed=seed)
    counts = np.bincount(member, minlength=len(centres)) + 1.0
    model.emotion.set_dictionary(
        torch.from_numpy(centres).float(), torch.from_numpy(counts / counts.sum()).float()
    )


def language(levels: Tensor) -> Tensor:
    """Return the loss of (levels,) nats: the first tells the movement, the rest is detail."""
    return levels[0] + _FURTHER_LEVELS * levels[1:].sum()


def _emotion_loss(
    model: MotionLanguageModel, batches: Batches, batch: Batch, slots: Tensor, number: int
) -> tuple[Tensor, float]:
    """Return the loss of the emotion read-out on a batch and the lexicon, and its accuracy."""
    read = model.emotion.read_out(slots.float())
    text, mask, label = batches.draw_feelings(_SENTENCES, number)
    nothing = torch.zeros(len(text), dtype=torch.bool, device=text.device)
    neutral = torch.zeros(len(text), read.shape[1], device=text.device)
    found = model.emotion.read_out(model.emotion(model.text(text), mask, neutral, nothing))
    loss = nn.functional.cross_entropy(read, batch.condition.emotion)
    return loss + nn.functional.cross_entropy(found, label), _accuracy(found, label)


def _content_loss(
    model: MotionLanguageModel, batches: Batches, batch: Batch, slots: Tensor, number: int
) -> tuple[Tensor, float]:
    """Return the loss of the gesture read-out on a batch and free sentences, and its accuracy.

    Words cost little beside motions, and there are more sentences than a run has batches for.
    """
    read = model.content.read_out(slots.float())
    text, mask, gestures = batches.draw_sentences(_SENTENCES, number)
    more = model.content.read_out(model.content(text, model.text(text), mask))
    wanted = torch.cat([batch.gesture, gestures])
    loss = nn.functional.cross_entropy(torch.cat([read, more]), wanted, label_smoothing=_SMOOTHING)
    return loss, _accuracy(read, batch.gesture)


def _accuracy(logits: Tensor, wanted: Tensor) -> float:
    """Return the share of rows whose largest logit is the wanted one; NaN where none is known."""
    known = wanted != UNKNOWN
    return float((logits.argmax(dim=1) == wanted)[known].float().mean())


def _loss(
    model: MotionLanguageModel, batches: Batches, batch: Batch, number: int, withheld: Withheld
) -> tuple[Tensor, Slots, dict[str, float]]:
    """Return the loss of tokens and read-outs that both stages have, the slots, and figures."""
    with loop.precision(batches.device):
        levels, slots = model.loss(batch.condition, batch.tokens, None, MISREAD, withheld)
    emotion, emotion_accuracy = _emotion_loss(model, batches, batch, slots.emotion, number)
    content, content_accuracy = _content_loss(model, batches, batch, slots.content, number)
    figures = {
        'nll': float(levels[0].detach()),
        'further_nll': float(levels[1:].detach().sum()),
        'emotion_accuracy': emotion_accuracy,
        'content_accuracy': content_accuracy,
    }
    total = language(levels) + _EMOTION_LOSS * emotion + _CONTENT_LOSS * content
    return total, slots, figures


def _withheld(size: int) -> Withheld:
    """Draw what a batch is not told."""
    chance = torch.rand(size)
    neither = chance < _NEITHER
    content = neither | ((chance >= _NEITHER) & (chance < _NEITHER + _NO_CONTENT))
    emotion = neither | (chance >= 1 - _NO_EMOTION)
    return Withheld(float(torch.rand(())) < _BLIND, content, emotion, _crossed(size))


def _crossed(size: int) -> Tensor:
    """Draw whose emotion slots are made from the words of another."""
    return torch.rand(size) < _CROSSED


def train(
    batches: Batches,
    config: LmConfig,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 1e-3,
    batch: int = BATCH,
    report: Report | None = None,
    initial: Mapping[str, Tensor] | None = None,
    start: Mapping[str, Tensor] | None = None,
) -> MotionLanguageModel:
    """Train backbone, content and emotion block; resumable (``loop.run``).

    Args:
        batches: What to learn from.
        config: Sizes.
        steps: How many batches.
        seed: Of weights and batches.
        checkpoint: File of the state.
        lr: Peak learning rate.
        batch: Requests a step.
        report: Told about progress.
        initial: Weights of a pretrained backbone, or None for fresh ones.
        start: Weights to begin with, in place of fresh ones.
    """
    torch.manual_seed(seed)
    model = MotionLanguageModel(config)
    if initial is not None:
        model.backbone.load_state_dict(dict(initial), strict=False)
    if start is not None:
        model.load_state_dict({**model.state_dict(), **start})
    model.emotion_expert.requires_grad_(False)
    model.to(batches.device)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        if number == int(_WARM_UP * steps):
            fill_dictionary(model, batches, seed)
        drawn = batches.draw(batch, number)
        total, _, figures = _loss(model, batches, drawn, number, _withheld(batch))
        return total, figures

    model.train()
    loop.run(model, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    return model.eval()


class _EmotionStage(nn.Module):
    """What trains in stage 1, under one roof for its checkpoint."""

    def __init__(self, model: MotionLanguageModel, decoupling: Decoupling) -> None:
        super().__init__()
        self.content, self.emotion = model.content, model.emotion
        self.expert = model.emotion_expert
        self.decoupling = decoupling


def train_emotion(
    model: MotionLanguageModel,
    batches: Batches,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 5e-4,
    batch: int = BATCH,
    weights: Weights = DECOUPLING,
    report: Report | None = None,
) -> None:
    """Train the content and emotion blocks and the shared emotion expert in place; resumable.

    The dictionary is filled anew at the start, from evidence of the block as stage 0 left it.
    """
    torch.manual_seed(seed)
    model.requires_grad_(False).eval().to(batches.device)
    for block in (model.content, model.emotion):
        block.requires_grad_(True).train()
    model.emotion_expert.requires_grad_(True)
    decoupling = Decoupling(model.config, weights).to(batches.device)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        if number == 0:
            fill_dictionary(model, batches, seed)
        drawn = batches.draw(batch, number)
        total, slots, figures = _loss(
            model, batches, drawn, number, Withheld(crossed=_crossed(batch))
        )
        apart, parts = decoupling.loss(model, drawn, slots, number / steps)
        return total + apart, parts | figures

    stage = _EmotionStage(model, decoupling)
    loop.run(stage, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    model.requires_grad_(False).eval()


def train_expert(
    model: MotionLanguageModel,
    batches: Batches,
    *,
    rehearsal: Batches | None = None,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 5e-4,
    batch: int = EXPERT_BATCH,
    report: Report | None = None,
) -> ScenarioExpert:
    """Train one scenario's expert on the frozen backbone; resumable (``loop.run``).

    Args:
        model: Language model.
        batches: Of the scenario's clips.
        rehearsal: Every other batch, where there is any: of what the scenario does not show.
            Without it an expert forgets, in its own scenario, what it is not shown there.
        steps: How many batches.
        seed: Of weights and batches.
        checkpoint: File of the state.
        lr: Peak learning rate.
        batch: Requests a step.
        report: Told about progress.
    """
    torch.manual_seed(seed)
    model.requires_grad_(False).eval().to(batches.device)
    expert = model.new_expert().to(batches.device)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        source = rehearsal if rehearsal is not None and number % 2 else batches
        drawn = source.draw(batch, number)
        # Experts read what they will read in use, words and all: their backbone has learned what
        # the slots mean.
        with loop.precision(batches.device):
            levels, _ = model.loss(drawn.condition, drawn.tokens, expert, MISREAD)
        return language(levels), {'nll': float(levels[0].detach())}

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
    rng = np.random.default_rng(0)
    total, tokens = torch.zeros(model.config.levels, device=batches.device), 0
    for start in range(0, len(numbers), 32):
        batch = batches.collect(numbers[start : start + 32], rng).to(batches.device)
        read = sum(len(motion) for motion in batch.tokens)
        total += read * model.loss(batch.condition, batch.tokens, expert)[0]
        tokens += read
    levels = total / tokens
    return {'nll': float(levels[0]), 'further_nll': float(levels[1:].sum())}
