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
"""Stage 0a: train the motion tokeniser on a corpus; it is frozen afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from l2emg_ros.model import kinematics
from l2emg_ros.model.config import TokenizerConfig
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.motion import skeleton
from l2emg_ros.motion.features import FPS
from l2emg_ros.training import loop
from l2emg_ros.training.dataset import Corpus

WINDOW = 64
BATCH = 64
_FEET = [skeleton.index(name) for name in ('left_ankle', 'left_foot', 'right_ankle', 'right_foot')]


def normalise(tokenizer: MotionTokenizer, corpus: Corpus) -> None:
    """Set mean and standard deviation; rotations share one scale, as do the contacts.

    A dimension that hardly moves keeps a floor under its scale, or its noise would be learned.
    """
    sample = torch.from_numpy(
        np.array(corpus.features[:: max(len(corpus.features) // 200_000, 1)])
    )
    tokenizer.mean.copy_(sample.mean(0))
    std = sample.std(0)
    for group in (slice(0, 2), slice(2, 3), slice(3, 4), slice(136, 140)):
        std[group] = std[group].mean().clamp_min(0.02)
    std[4:136] = std[4:136].clamp_min(float(std[4:136].median()))
    tokenizer.std.copy_(std)


def loss(
    tokenizer: MotionTokenizer, features: Tensor, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Return the training loss of (B, T, 140) features and figures; moves the codebook.

    ``SmoothL1(m) + 0.5 SmoothL1(dm) + 0.1 |z - sg c|^2 + 0.5 |FK(m) - FK(m')|_1 + 0.1 skate``.
    """
    latents = tokenizer.latents(features).float()
    flat = latents.reshape(-1, latents.shape[-1])
    if tokenizer.training:
        tokenizer.codebook.update(flat.detach(), generator)
    tokens = tokenizer.codebook.nearest(flat)
    codes = tokenizer.codebook.codes[tokens].reshape(latents.shape)
    commitment = (latents - codes).square().mean()
    passed = latents + (codes - latents).detach()
    result = tokenizer.reconstruct(passed).float()
    scaled, wanted = result / tokenizer.std, features / tokenizer.std
    shape = F.smooth_l1_loss(scaled, wanted)
    change = F.smooth_l1_loss(scaled.diff(dim=1), wanted.diff(dim=1))
    made, real = kinematics.joint_positions(result), kinematics.joint_positions(features)
    place = (made - real).abs().mean()
    # Feet in contact move as in the data: positions relative to the pelvis, so compare velocities.
    contact = features[:, 1:, 136:140, None]
    drift = (made[:, :, _FEET].diff(dim=1) - real[:, :, _FEET].diff(dim=1)) * FPS
    skate = (drift.abs() * contact).mean()
    total = shape + 0.5 * change + 0.1 * commitment + 0.5 * 10 * place + 0.1 * skate
    share = torch.bincount(tokens, minlength=tokenizer.config.codes) / len(tokens)
    perplexity = float((-(share * (share + 1e-9).log()).sum()).exp())
    mpjpe = float((made - real).norm(dim=-1).mean().detach()) * 1000
    return total, {'mpjpe_mm': mpjpe, 'perplexity': perplexity}


def train(
    corpus: Corpus,
    config: TokenizerConfig,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 6e-4,
    report: Callable[[int, dict[str, float]], None] | None = None,
) -> MotionTokenizer:
    """Train a tokeniser; resumable (``loop.run``)."""
    torch.manual_seed(seed)
    generator = torch.Generator()
    tokenizer = MotionTokenizer(config)
    normalise(tokenizer, corpus)
    numbers, _ = corpus.split()
    starts = np.array([corpus.clips[n]['start'] for n in numbers])
    room = np.array([corpus.clips[n]['frames'] - WINDOW for n in numbers])
    # Tokens start at frame 0 of a clip: windows keep that phase.
    starts, room = starts[room >= 0], room[room >= 0] // FRAMES_PER_TOKEN

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((seed, number))
        pick = rng.integers(len(starts), size=BATCH)
        begin = starts[pick] + FRAMES_PER_TOKEN * rng.integers(room[pick] + 1)
        batch = np.stack([corpus.features[b : b + WINDOW] for b in begin])
        generator.manual_seed(seed * 1_000_003 + number)
        with torch.autocast('cpu', torch.bfloat16):
            return loss(tokenizer, torch.from_numpy(batch), generator)

    tokenizer.train()
    loop.run(tokenizer, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    return tokenizer.eval()


@torch.inference_mode()
def tokenize(tokenizer: MotionTokenizer, corpus: Corpus) -> list[Tensor]:
    """Return the tokens of every clip, (T // 4,) each."""
    return [
        tokenizer.encode(torch.from_numpy(corpus.motion(n))[None])[0]
        for n in range(len(corpus.clips))
    ]


@torch.inference_mode()
def evaluate(tokenizer: MotionTokenizer, corpus: Corpus) -> dict[str, float]:
    """Return reconstruction figures on the validation clips: MPJPE in mm, codes used."""
    errors, used = [], []
    for number in corpus.split()[1]:
        features = torch.from_numpy(corpus.motion(number))[None]
        tokens = tokenizer.encode(features)
        used.append(tokens.flatten())
        made = tokenizer.decode(tokens)
        real = features[:, : made.shape[1]]
        distance = kinematics.joint_positions(made) - kinematics.joint_positions(real)
        errors.append(distance.norm(dim=-1).flatten())
    share = torch.bincount(torch.cat(used), minlength=tokenizer.config.codes).double()
    share = share[share > 0] / share.sum()
    return {
        'mpjpe_mm': float(torch.cat(errors).mean()) * 1000,
        'perplexity': float((-(share * share.log()).sum()).exp()),
        'codes_used': float(len(share) / tokenizer.config.codes),
    }
