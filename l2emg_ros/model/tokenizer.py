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
"""Causal VQ-VAE: four frames of motion features to one token and back, with no look-ahead.

After T2M-GPT (Zhang et al., CVPR 2023), with every convolution padded on the left only: the frames
of a token depend on it and on earlier ones, so a stream can be decoded as it is written.
"""

from __future__ import annotations

import dataclasses
from typing import cast

import torch
from torch import nn, Tensor
from torch.nn import functional as F

from l2emg_ros.model.config import TokenizerConfig
from l2emg_ros.motion.features import FEATURE_DIM

FRAMES_PER_TOKEN = 4
# The inputs that a streamed decode still needs, by layer.
Cache = dict[int, Tensor]


class CausalConv(nn.Conv1d):
    """A 1-d convolution that looks only back; (B, C, T) to (B, C', T / stride)."""

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Convolve; with a cache, continue where the last call with that cache ended."""
        past = (self.kernel_size[0] - 1) * self.dilation[0] + 1 - self.stride[0]
        if past <= 0:
            return super().forward(x)
        before = None if cache is None else cache.get(id(self))
        x = F.pad(x, (past, 0)) if before is None else torch.cat([before, x], dim=-1)
        if cache is not None:
            cache[id(self)] = x[..., -past:]
        return super().forward(x)


class ResidualBlock(nn.Module):
    """``x + conv1(relu(conv3(relu(x))))`` with a dilated first convolution."""

    def __init__(self, width: int, dilation: int) -> None:
        """Build a block of ``width`` channels."""
        super().__init__()
        self.wide = CausalConv(width, width, 3, dilation=dilation)
        self.point = CausalConv(width, width, 1)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Return (B, C, T)."""
        return x + self.point(F.relu(self.wide(F.relu(x), cache)))


class _Stack(nn.ModuleList):
    """Layers in a row that share one cache; an upsampling step doubles the frames."""

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Run every layer."""
        for layer in self:
            x = layer(x) if isinstance(layer, nn.Upsample) else layer(x, cache)
        return x


def _blocks(width: int, count: int) -> list[ResidualBlock]:
    """Return residual blocks with dilations 1, 3, 9, 1, ..."""
    return [ResidualBlock(width, 3 ** (i % 3)) for i in range(count)]


class Codebook(nn.Module):
    """Vector quantiser whose entries follow the encoder by an exponential moving average.

    ``N_k <- mu N_k + (1 - mu) n_k; s_k <- mu s_k + (1 - mu) sum z; c_k = s_k / N_k``; a dead
    entry (N_k near 0) is replaced by a random encoder output of the batch (van den Oord et al.,
    2017; Razavi et al., 2019).
    """

    codes: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, codes: int, width: int, decay: float = 0.99) -> None:
        """Start empty; the first training batch fills the entries."""
        super().__init__()
        self.decay = decay
        self.register_buffer('codes', torch.zeros(codes, width))
        self.register_buffer('counts', torch.zeros(codes))
        self.register_buffer('sums', torch.zeros(codes, width))

    def nearest(self, latents: Tensor) -> Tensor:
        """Return the (...) index of the entry nearest to each of (..., width) latents."""
        flat = latents.reshape(-1, latents.shape[-1])
        distance = self.codes.square().sum(1) - 2 * flat @ self.codes.T
        return distance.argmin(dim=1).reshape(latents.shape[:-1])

    @torch.no_grad()
    def update(self, latents: Tensor, generator: torch.Generator) -> None:
        """Move the entries towards (n, width) latents; call in training only."""
        if not self.counts.any():
            pick = torch.randint(len(latents), (len(self.codes),), generator=generator)
            self.codes.copy_(latents[pick])
            self.sums.copy_(self.codes)
            self.counts.fill_(1.0)
        one_hot = F.one_hot(self.nearest(latents), len(self.codes)).to(latents.dtype)
        self.counts.mul_(self.decay).add_(one_hot.sum(0), alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(one_hot.T @ latents, alpha=1 - self.decay)
        # Dead: used less than a quarter as often as in even use.
        dead = self.counts < min(1.0, 0.25 * len(latents) / len(self.codes))
        pick = torch.randint(len(latents), (len(self.codes),), generator=generator)
        self.sums[dead] = latents[pick][dead]
        self.counts[dead] = 1.0
        self.codes.copy_(self.sums / self.counts[:, None])


class MotionTokenizer(nn.Module):
    """Encoder, codebooks and decoder with the normalisation of the features inside.

    A token is one code a level: the first tells the movement, each further one what is left over
    (residual quantisation; Zeghidour et al., SoundStream, 2021).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: TokenizerConfig) -> None:
        """Build the network with identity normalisation."""
        super().__init__()
        width, self.config = config.width, config
        self.register_buffer('mean', torch.zeros(FEATURE_DIM))
        self.register_buffer('std', torch.ones(FEATURE_DIM))
        self.encoder = _Stack(
            [
                CausalConv(FEATURE_DIM, width, 3),
                CausalConv(width, width, 4, stride=2),
                *_blocks(width, config.blocks),
                CausalConv(width, width, 4, stride=2),
                *_blocks(width, config.blocks),
                CausalConv(width, width, 3),
            ]
        )
        self.codebooks = nn.ModuleList(Codebook(config.codes, width) for _ in range(config.levels))
        self.decoder = _Stack(
            [
                CausalConv(width, width, 3),
                *_blocks(width, config.blocks),
                nn.Upsample(scale_factor=2.0),
                CausalConv(width, width, 3),
                *_blocks(width, config.blocks),
                nn.Upsample(scale_factor=2.0),
                CausalConv(width, width, 3),
                CausalConv(width, width, 3),
                CausalConv(width, FEATURE_DIM, 1),
            ]
        )

    def latents(self, features: Tensor) -> Tensor:
        """Return (B, T // 4, width) encoder outputs of (B, T, 140) features."""
        frames = features.shape[1] - features.shape[1] % FRAMES_PER_TOKEN
        normal = (features[:, :frames] - self.mean) / self.std
        return self.encoder(normal.transpose(1, 2)).transpose(1, 2)

    def encode(self, features: Tensor) -> Tensor:
        """Return (B, T // 4, levels) codes of (B, T, 140) features; trailing frames drop."""
        return self.quantise(self.latents(features), self.config.levels)[1]

    def quantise(
        self, latents: Tensor, levels: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Quantise encoder outputs, each level what the ones before left over.

        Args:
            latents: (..., width) encoder outputs.
            levels: How many levels to use.
            generator: Moves the codebooks towards the latents, drawing replacements of dead
                entries from it; None leaves them as they are.

        Returns:
            (..., width) sum of the codes, and their (..., levels) numbers.
        """
        left, total, numbers = latents, torch.zeros_like(latents), []
        for book in self._books()[:levels]:
            if generator is not None:
                book.update(left.detach().flatten(0, -2), generator)
            numbers.append(book.nearest(left))
            code = book.codes[numbers[-1]]
            left, total = left - code, total + code
        return total, torch.stack(numbers, dim=-1)

    def grow(self, codes: Tensor) -> None:
        """Append a level that quantises what the present ones leave over.

        Nothing else changes: tokens of the present levels keep their meaning and decode as before.

        Args:
            codes: (codes, width) entries of the new codebook.
        """
        book = Codebook(self.config.codes, self.config.width).to(codes.device)
        book.codes.copy_(codes)
        self.codebooks.append(book)
        self.config = dataclasses.replace(self.config, levels=self.config.levels + 1)

    def _books(self) -> list[Codebook]:
        """Return the codebooks with their type."""
        return cast('list[Codebook]', list(self.codebooks))

    def reconstruct(self, codes: Tensor, cache: Cache | None = None) -> Tensor:
        """Return (B, 4 L, 140) features of (B, L, width) codes, continuing with a cache."""
        normal = self.decoder(codes.transpose(1, 2), cache).transpose(1, 2)
        return normal * self.std + self.mean

    def decode(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Return (B, 4 L, 140) features of (B, L, levels) codes.

        Args:
            tokens: Numbers of codes. They may have fewer levels than there are, as those of a time
                before ``grow``; the missing ones add nothing.
            cache: An empty dict to start a stream; the same dict continues it. Streamed and whole
                decodes agree.
        """
        books = self._books()[: tokens.shape[-1]]
        codes = [book.codes[tokens[..., q]] for q, book in enumerate(books)]
        return self.reconstruct(torch.stack(codes).sum(dim=0), cache)
