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
"""Training an expert on lessons: likelihood of examples, preferences, and rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import nn, Tensor

from l2emg_ros.corpus import GESTURES
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.learning.lessons import Example, Lessons, Preference
from l2emg_ros.learning.performance import performed, Prompt, Requests
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.training import loop
from l2emg_ros.training.base import language, MISREAD, Report
from l2emg_ros.training.dataset import disturbed

STEPS = 150
# Examples and pairs in a step.
_BATCH, _PAIRS = 16, 4
# Scale of the log-likelihood ratios a token in the preference loss, and the share of plain
# likelihood of the better motion that keeps it from becoming unlikely too.
_BETA, _BETTER = 2.0, 0.2
_TEXT_NOISE = 0.5
_REHEARSED, _REHEARSES = 96, 4
# A wish to stop is heard at a report: within seconds, whatever the model.
_EVERY = 5


def rehearsal(
    lm: MotionLanguageModel,
    requests: Requests,
    parent: ScenarioExpert | None,
    seed: int,
    count: int = _REHEARSED,
) -> Lessons:
    """Return what the model does today with requests of all kinds, for it to go on doing it.

    No motion of the past is needed: the model performs shipped sentences itself.
    """
    rng = np.random.default_rng(seed)
    prompts = []
    for name in rng.choice(sorted(GESTURES), count):
        text = str(rng.choice(GESTURES[str(name)].sentences or GESTURES[str(name)].heldout))
        emotion = Emotion(str(rng.choice(LABELS)), intensity=float(rng.uniform(0.4, 1.0)))
        prompts.append(Prompt(text, emotion))
    motions = performed(lm, requests, prompts, parent, seed)
    rows = zip(prompts, motions, strict=True)
    return Lessons(tuple(Example('rehearsal', p.text, p.emotion, motion) for p, motion in rows))


def train(
    lm: MotionLanguageModel,
    requests: Requests,
    lessons: Lessons,
    *,
    parent: ScenarioExpert | None,
    reference: ScenarioExpert | None,
    rehearsed: Lessons,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 5e-4,
    report: Report | None = None,
) -> ScenarioExpert:
    """Train an expert on lessons; resumable (``loop.run``).

    Args:
        lm: Language model; it stays as it is.
        requests: Turns prompts into batches.
        lessons: What to learn; not empty.
        parent: Expert to begin as a copy of, or None for one that changes nothing yet.
        reference: Expert that preferences are learned relative to, or None for the backbone.
        rehearsed: What must stay as it is: every fourth batch, where there is any.
        steps: How many batches.
        seed: Of weights and batches.
        checkpoint: File of the state.
        lr: Peak learning rate.
        report: Told about progress.
    """
    torch.manual_seed(seed)
    lm.requires_grad_(False).eval()
    expert = lm.new_expert().to(lm.base_slots.device)
    if parent is not None:
        expert.load_state_dict(parent.state_dict())
    expert.requires_grad_(True).train()
    known = _known(lm, requests, lessons.preferences, reference)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((seed, number))
        if rehearsed.examples and number % _REHEARSES == _REHEARSES - 1:
            return _likelihood(lm, requests, rehearsed.examples, expert, rng)
        total = torch.zeros((), device=lm.base_slots.device)
        figures: dict[str, float] = {}
        if lessons.examples:
            total, figures = _likelihood(lm, requests, lessons.examples, expert, rng)
        if lessons.preferences:
            chosen = rng.choice(len(lessons.preferences), _PAIRS)
            pairs = [lessons.preferences[n] for n in chosen]
            total = total + _preference(lm, requests, pairs, expert, known[chosen])
        return total, figures

    loop.run(expert, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report, every=_EVERY)
    return expert.eval().requires_grad_(False)


def _likelihood(
    lm: MotionLanguageModel,
    requests: Requests,
    examples: Sequence[Example],
    expert: ScenarioExpert,
    rng: np.random.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of a batch that draws each example in proportion to its weight."""
    weights = np.array([example.weight for example in examples])
    chosen = [examples[n] for n in rng.choice(len(examples), _BATCH, p=weights / weights.sum())]
    condition = requests.condition([Prompt(e.text, e.emotion) for e in chosen])
    text, mask = disturbed(condition.text, condition.mask, rng, _TEXT_NOISE)
    noisy = dataclasses.replace(condition, text=text, mask=mask)
    device = condition.text.device
    with loop.precision(device):
        levels, _ = lm.loss(noisy, [e.tokens.to(device) for e in chosen], expert, MISREAD)
    return language(levels), {'nll': float(levels[0].detach())}


def _preference(
    lm: MotionLanguageModel,
    requests: Requests,
    pairs: Sequence[Preference],
    expert: ScenarioExpert,
    known: Tensor,
) -> Tensor:
    """Return the loss of B pairs (DPO, Rafailov et al., 2023), by log-likelihoods a token.

    ``known`` are the (B, 2) log-likelihoods of better and worse under the reference.
    """
    likelihoods = _both(lm, requests, pairs, expert)
    gained = likelihoods - known
    chosen = nn.functional.logsigmoid(_BETA * (gained[:, 0] - gained[:, 1]))
    return -(chosen + _BETTER * likelihoods[:, 0]).mean()


def _both(
    lm: MotionLanguageModel,
    requests: Requests,
    pairs: Sequence[Preference],
    expert: ScenarioExpert | None,
) -> Tensor:
    """Return the (B, 2) log-likelihoods a token of better and worse."""
    condition = requests.condition([Prompt(pair.text, pair.emotion) for pair in pairs] * 2)
    motions = [pair.better for pair in pairs] + [pair.worse for pair in pairs]
    tokens = [motion.to(condition.text.device) for motion in motions]
    return lm.log_likelihoods(condition, tokens, expert).view(2, -1).T


@torch.no_grad()
def _known(
    lm: MotionLanguageModel,
    requests: Requests,
    pairs: Sequence[Preference],
    reference: ScenarioExpert | None,
) -> Tensor:
    """Return the (n, 2) log-likelihoods of n pairs under the reference, which never changes."""
    parts = [
        _both(lm, requests, pairs[start : start + _PAIRS], reference)
        for start in range(0, len(pairs), _PAIRS)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, 2)


@torch.no_grad()
def gains(
    lm: MotionLanguageModel,
    requests: Requests,
    examples: Sequence[Example],
    expert: ScenarioExpert | None,
    reference: ScenarioExpert | None,
) -> list[float]:
    """Return how much likelier a token of each example is to an expert than to a reference."""
    found: list[float] = []
    for start in range(0, len(examples), _BATCH):
        some = examples[start : start + _BATCH]
        condition = requests.condition([Prompt(e.text, e.emotion) for e in some])
        motions = [e.tokens.to(condition.text.device) for e in some]
        ours = lm.log_likelihoods(condition, motions, expert)
        theirs = lm.log_likelihoods(condition, motions, reference)
        found += (ours - theirs).tolist()
    return found
