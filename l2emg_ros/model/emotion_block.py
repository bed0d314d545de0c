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
"""Causal-guided emotion decoupling: emotion evidence in the sample, experience across samples.

An independent implementation inspired by the front-door adjustment of CATT (Yang et al., CVPR
2021): in-sample attention picks the evidence Z, cross-sample attention over a global dictionary
stands for the expectation over other samples, and both are fused into the emotion slots.
"""

from __future__ import annotations

import math

import torch
from torch import nn, Tensor

from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.model.attention import InSampleAttention
from l2emg_ros.model.config import LmConfig

CS_MODES = ('attention', 'marginal', 'sample', 'off')
_DRAWS = 8


class CausalEmotionBlock(nn.Module):
    """Text features and a requested emotion to emotion slots, with a read-out of the emotion.

    In-sample attention gives Z over the text and the emotion token, cross-sample attention gives X
    over the dictionary D with masses pi; the slots are ``F = W_o [Z; X] + W_e E``. The last term
    keeps an explicit request E from being diluted by a long sentence. ``config.cs_mode`` says what
    X is:

    - attention: ``softmax((Z W'_q)(D W'_k)^T / sqrt(d) + log pi) D W'_v``, as in CATT. It
      estimates P(x'|z), not the marginal P(x') of the front-door formula.
    - marginal: ``sum_j pi_j D_j W'_v``, the exact expectation; the same for every request.
    - sample: in training the mean of 8 entries drawn by their masses, otherwise the marginal,
      which is its expectation, as F is linear in X.
    - off: zero.
    """

    dictionary: Tensor
    masses: Tensor

    def __init__(self, config: LmConfig) -> None:
        """Build the block with an empty dictionary, which switches the second attention off.

        Raises:
            ModelNotLoaded: The configuration names no known ``cs_mode``.
        """
        super().__init__()
        if config.cs_mode not in CS_MODES:
            raise ModelNotLoaded(f'cs_mode {config.cs_mode!r}: expected {", ".join(CS_MODES)}')
        width, self.cs_mode = config.width, config.cs_mode
        self.labels = nn.Embedding(len(LABELS), width)
        self.unspecified = nn.Parameter(torch.zeros(width))
        self.inside = InSampleAttention(config.emotion_slots, width)
        self.cross_query = nn.Linear(width, width, bias=False)
        self.cross_key = nn.Linear(width, width, bias=False)
        self.cross_value = nn.Linear(width, width, bias=False)
        self.fuse = nn.Linear(2 * width, width)
        self.direct = nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, len(LABELS))
        self.register_buffer('dictionary', torch.zeros(config.dictionary, width))
        self.register_buffer('masses', torch.zeros(config.dictionary))

    def evidence(self, text: Tensor, mask: Tensor, emotion: Tensor, given: Tensor) -> Tensor:
        """Return the in-sample evidence Z.

        Args:
            text: (B, L, d) projected token features.
            mask: (B, L) bool, True on tokens.
            emotion: (B, 13) mixture over the labels.
            given: (B,) bool, False where the request names no emotion.

        Returns:
            (B, n_e, d).
        """
        token = self._token(emotion, given)
        states = torch.cat([text, token[:, None]], dim=1)
        return self.inside(states, torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1))

    def _token(self, emotion: Tensor, given: Tensor) -> Tensor:
        """Return the (B, d) emotion token: a mixture of label vectors, or the one for none."""
        mixed = emotion @ self.labels.weight
        return torch.where(given[:, None], mixed, self.unspecified)

    def forward(self, text: Tensor, mask: Tensor, emotion: Tensor, given: Tensor) -> Tensor:
        """Return the (B, n_e, d) emotion slots; arguments as in ``evidence``."""
        inner = self.evidence(text, mask, emotion, given)
        fused = self.fuse(torch.cat([inner, self._across(inner)], dim=-1))
        return fused + self.direct(self._token(emotion, given))[:, None]

    def _across(self, inner: Tensor) -> Tensor:
        """Return the (B, n_e, d) evidence across samples for the evidence Z inside them."""
        if self.cs_mode == 'off' or not bool(self.masses.any()):
            return torch.zeros_like(inner)
        values = self.cross_value(self.dictionary)
        if self.cs_mode == 'attention':
            scores = self.cross_query(inner) @ self.cross_key(self.dictionary).T
            scores = scores / math.sqrt(inner.shape[-1]) + self.masses.clamp_min(1e-6).log()
            across: Tensor = scores.softmax(dim=-1) @ values
            return across
        shares = self.masses.expand(len(inner), -1)
        if self.cs_mode == 'sample' and self.training:
            drawn = torch.multinomial(shares, _DRAWS, replacement=True)
            shares = nn.functional.one_hot(drawn, len(values)).to(values.dtype).mean(dim=1)
        return (shares.to(values.dtype) @ values)[:, None].expand_as(inner)

    def read_out(self, slots: Tensor) -> Tensor:
        """Return (B, 13) logits over the labels of (B, n_e, d) slots."""
        return self.head(slots.mean(dim=1))

    @torch.no_grad()
    def set_dictionary(self, centres: Tensor, masses: Tensor) -> None:
        """Fill the dictionary with K-means centres (K_D, d) and their shares (K_D,)."""
        self.dictionary.copy_(centres)
        self.masses.copy_(masses)
