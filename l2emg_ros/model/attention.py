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
"""In-sample attention: learned queries pick evidence from one request."""

from __future__ import annotations

import math

import torch
from torch import nn, Tensor


class InSampleAttention(nn.Module):
    """``Z = softmax((Q W_q)(H W_k)^T / sqrt(d)) H W_v`` with learned queries Q, H normalised."""

    def __init__(self, queries: int, width: int) -> None:
        """Build with small random queries."""
        super().__init__()
        self.queries = nn.Parameter(torch.randn(queries, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the (B, n, d) evidence Z in (B, L, d) states H where the (B, L) mask is True."""
        states = self.norm(states)
        scores = self.query(self.queries) @ self.key(states).transpose(1, 2)
        scores = scores / math.sqrt(states.shape[-1])
        scores = scores.masked_fill(~mask[:, None], float('-inf'))
        return scores.softmax(dim=-1) @ self.value(states)
