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

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn, Tensor
from torch.nn import functional as F

from l2emg_ros.errors import BadRequest
from l2emg_ros.model import kinematics
from l2emg_ros.model.config import TokenizerConfig
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.motion import skeleton
from l2emg_ros.motion.features import CONTACTS, FPS, ROTATIONS
from l2emg_ros.training import loop
from l2emg_ros.training.dataset import Corpus, CPU

Report = Callable[[int, dict[str, float]], None]
WINDOW = 64
BATCH = 64
_FIRST_LEVEL_ALONE = 0.2
_QUIET = [skeleton.index(n) for n in ('neck', 'head', 'left_wrist', 'right_wrist')]
_FEET = [skeleton.index(name) for name in ('left_ankle', 'left_foot', 'right_ankle', 'right_foot')]


def normalise(tokenizer: MotionTokenizer, corpus: Corpus) -> None:
    """Set mean and standard deviation; rotations share one scale, as do the contacts.

    A dimension that hardly moves keeps a floor under its scale, or its noise would be learned.
    Errors of neck, head and wrists count twice.
    """
    sample = torch.from_numpy(
        np.array(corpus.features[:: max(len(corpus.features) // 200_000, 1)])
    )
    tokenizer.mean.copy_(sample.mean(0))
    std = sample.std(0)
    for group in (slice(0, 2), slice(2, 3), slice(3, 4), CONTACTS):
        std[group] = std[group].mean().clamp_min(0.02)
    std[ROTATIONS] = std[ROTATIONS].clamp_min(float(std[ROTATIONS].median()))
    # Turning these joints hardly moves any position, but a nod and a palm tell a gesture.
    for joint in _QUIET:
        std[4 + 6 * joint : 10 + 6 * joint] *= 0.5
    tokenizer.std.copy_(std)


def loss(
    tokenizer: MotionTokenizer,
    features: Tensor,
    generator: torch.Generator | None,
    *,
    skate: float = 0.1,
    acceleration: float = 0.0,
) -> tuple[Tensor, dict[str, float]]:
    """Return the training loss of (B, T, 140) features, and figures.

    ``SmoothL1(m) + 0.5 SmoothL1(dm) + 0.1 |z - sg c|^2 + 5 |x - x'| + skate |dx - dx'| on feet in
    contact + acceleration |ddx - ddx'|``, with joint positions x from forward kinematics.

    Args:
        tokenizer: Network to train.
        features: Windows of clips.
        generator: Moves the codebooks, drawing replacements of dead entries from it; None leaves
            them as they are.
        skate: Weight of the feet in contact, per m/s.
        acceleration: Weight of the accelerations, per metre of second difference.
    """
    latents = tokenizer.latents(features).float()
    # Now and then the first level stands alone, so that it tells as much as it can.
    alone = generator is not None and float(torch.rand(())) < _FIRST_LEVEL_ALONE
    levels = 1 if alone else tokenizer.config.levels
    # Millimetres are lost where half precision adds up rotations or looks for the nearest code.
    full = torch.autocast(features.device.type, enabled=False)
    with full:
        codes, numbers = tokenizer.quantise(latents, levels, generator)
    commitment = (latents - codes).square().mean()
    result = tokenizer.reconstruct(latents + (codes - latents).detach()).float()
    with full:
        error = kinematics.joint_positions(result) - kinematics.joint_positions(features)
    scaled, wanted = result / tokenizer.std, features / tokenizer.std
    shape = F.smooth_l1_loss(scaled, wanted)
    change = F.smooth_l1_loss(scaled.diff(dim=1), wanted.diff(dim=1))
    contact = features[:, 1:, CONTACTS, None]
    drift = error[:, :, _FEET].diff(dim=1) * FPS
    total = shape + 0.5 * change + 0.1 * commitment + 5 * error.abs().mean()
    total = total + skate * (drift.abs() * contact).mean()
    total = total + acceleration * error.diff(n=2, dim=1).abs().mean()
    first = numbers[..., 0].flatten()
    share = torch.bincount(first, minlength=tokenizer.config.codes) / len(first)
    perplexity = float((-(share * (share + 1e-9).log()).sum()).exp())
    mpjpe = float(error.detach().norm(dim=-1).mean()) * 1000
    return total, {'mpjpe_mm': mpjpe, 'perplexity': perplexity}


class _Windows:
    """Random windows of the training clips, aligned with the tokens."""

    def __init__(self, corpus: Corpus, seed: int, size: int) -> None:
        """Remember where windows may start.

        Raises:
            BadRequest: Every clip is too short.
        """
        numbers, _ = corpus.split()
        starts = np.array([corpus.clips[n]['start'] for n in numbers])
        room = np.array([corpus.clips[n]['frames'] - WINDOW for n in numbers])
        # Tokens start at frame 0 of a clip: windows keep that phase.
        if not (room >= 0).any():
            raise BadRequest(
                f'{corpus.folder} has no training clip of {WINDOW} frames: expected at least one'
            )
        self._starts, self._room = starts[room >= 0], room[room >= 0] // FRAMES_PER_TOKEN
        self._features, self._seed, self._size = corpus.features, seed, size

    def draw(self, number: int) -> Tensor:
        """Return batch ``number``: (size, WINDOW, 140)."""
        rng = np.random.default_rng((self._seed, number))
        pick = rng.integers(len(self._starts), size=self._size)
        begin = self._starts[pick] + FRAMES_PER_TOKEN * rng.integers(self._room[pick] + 1)
        return torch.from_numpy(np.stack([self._features[b : b + WINDOW] for b in begin]))


def train(
    corpus: Corpus,
    config: TokenizerConfig,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 6e-4,
    batch: int = BATCH,
    report: Report | None = None,
    device: torch.device = CPU,
) -> MotionTokenizer:
    """Train a tokeniser; resumable (``loop.run``).

    Raises:
        BadRequest: No clip is as long as a training window.
    """
    torch.manual_seed(seed)
    generator = torch.Generator()
    tokenizer = MotionTokenizer(config)
    normalise(tokenizer, corpus)
    tokenizer.to(device)
    windows = _Windows(corpus, seed, batch)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        generator.manual_seed(seed * 1_000_003 + number)
        with loop.precision(device):
            return loss(tokenizer, windows.draw(number).to(device), generator)

    loop.run(tokenizer, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    return tokenizer.eval()


def polish(
    tokenizer: MotionTokenizer,
    corpus: Corpus,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 3e-4,
    batch: int = BATCH,
    report: Report | None = None,
) -> None:
    """Train the decoder alone for smoothness and quiet feet; tokens keep their meaning.

    A causal decoder learns of a change only at the next token and tends to jerk there. With
    encoder and codebook frozen the same tokens decode to smoother motion.
    """
    windows, device = _Windows(corpus, seed, batch), tokenizer.std.device
    tokenizer.requires_grad_(False)
    tokenizer.decoder.requires_grad_(True)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        with loop.precision(device):
            return loss(
                tokenizer, windows.draw(number).to(device), None, skate=1.0, acceleration=20.0
            )

    loop.run(tokenizer, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    tokenizer.requires_grad_(True)


@torch.no_grad()
def tokenize(tokenizer: MotionTokenizer, corpus: Corpus) -> list[Tensor]:
    """Return the tokens of every clip, (T // 4, levels) each, in the memory of the CPU."""
    lengths = [clip['frames'] for clip in corpus.clips]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    tokens: list[Tensor] = [torch.empty(0)] * len(lengths)
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        # The encoder is causal: what stands behind a clip does not change its tokens.
        rows = [torch.from_numpy(corpus.motion(number)) for number in chosen]
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True).to(tokenizer.std.device)
        for number, row in zip(chosen, tokenizer.encode(padded).cpu(), strict=True):
            tokens[number] = row[: lengths[number] // FRAMES_PER_TOKEN].clone()
    return tokens


@torch.no_grad()
def decoded(tokenizer: MotionTokenizer, motions: Sequence[Tensor]) -> list[Tensor]:
    """Return the (T, 140) features of motions' tokens, in the memory of the CPU."""
    # The decoder is causal: what stands behind a motion does not change it.
    padded = nn.utils.rnn.pad_sequence(list(motions), batch_first=True)
    rows = tokenizer.decode(padded.to(tokenizer.std.device)).cpu()
    return [
        row[: FRAMES_PER_TOKEN * len(motion)] for row, motion in zip(rows, motions, strict=True)
    ]


@torch.inference_mode()
def evaluate(tokenizer: MotionTokenizer, motions: Iterable[Tensor]) -> dict[str, float]:
    """Return figures of (T, 140) features of motions, coded and decoded.

    ``mpjpe_mm`` and ``mpjpe_p95_mm``, mean and 95th percentile over frames and joints;
    ``jerk_ratio``, RMS third difference of joint positions over that of the data; ``skate_mm_s``,
    speed of feet in contact beyond the data's; ``perplexity`` and ``codes_used`` (a share)
    of the first level.

    Raises:
        BadRequest: No motion is as long as a token.
    """
    errors, used, jerks, drifts = [], [], [], []
    for motion in motions:
        if len(motion) < FRAMES_PER_TOKEN:
            continue
        features = motion[None].to(tokenizer.std.device)
        tokens = tokenizer.encode(features)
        used.append(tokens[..., 0].flatten())
        made = tokenizer.decode(tokens)
        real = features[:, : made.shape[1]]
        here, there = kinematics.joint_positions(made), kinematics.joint_positions(real)
        errors.append((here - there).norm(dim=-1).flatten())
        jerks.append(torch.stack([p.diff(n=3, dim=1).square().mean() for p in (here, there)]))
        drift = (here - there)[:, :, _FEET].diff(dim=1).norm(dim=-1) * FPS * 1000
        drifts.append(drift[real[:, 1:, CONTACTS] > 0.5])
    if not errors:
        raise BadRequest(f'no motion has {FRAMES_PER_TOKEN} frames or more')
    wide = torch.cat(errors).double().cpu().numpy() * 1000
    share = torch.bincount(torch.cat(used), minlength=tokenizer.config.codes).double()
    share = share[share > 0] / share.sum()
    made_jerk, real_jerk = torch.stack(jerks).mean(dim=0).sqrt()
    return {
        'mpjpe_mm': float(wide.mean()),
        'mpjpe_p95_mm': float(np.percentile(wide, 95)),
        'jerk_ratio': float(made_jerk / real_jerk),
        'skate_mm_s': float(torch.cat(drifts).mean()),
        'perplexity': float((-(share * share.log()).sum()).exp()),
        'codes_used': len(share) / tokenizer.config.codes,
    }
