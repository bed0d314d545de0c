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
"""Low-rank experts: one that every request shares, and one for each scenario."""

from __future__ import annotations

from collections.abc import Sequence
import math

import torch
from torch import nn, Tensor

from l2emg_ros.experts.composition import Composition
from l2emg_ros.model.config import LmConfig

# alpha / r of LoRA (Hu et al., 2022), with alpha = 2 r.
SCALING = 2.0
# Name, inputs and outputs of a linear layer of the backbone.
Layer = tuple[str, int, int]


class LowRank(nn.Module):
    """Factors ``s B A`` for every linear layer of the backbone; B starts at zero."""

    def __init__(self, rank: int, layers: Sequence[Layer]) -> None:
        """Build factors that change nothing yet."""
        super().__init__()
        self.rank = rank
        self.names = [name for name, _, _ in layers]
        self.down = nn.ParameterList(
            nn.Parameter(torch.randn(rank, inputs) / math.sqrt(inputs)) for _, inputs, _ in layers
        )
        self.up = nn.ParameterList(
            nn.Parameter(torch.zeros(outputs, rank)) for _, _, outputs in layers
        )

    def idle(self) -> bool:
        """Return whether the factors add nothing: B is zero and not being trained."""
        return not self.up[0].requires_grad and not bool(self.up[0].any())

    def composition(self, gate: Tensor | None = None) -> Composition:
        """Return the factors with a (B, 1, r) gate on the rank directions, or none."""
        factors = zip(self.names, self.down, self.up, strict=True)
        return Composition({name: (a, b * SCALING) for name, a, b in factors}, gate)


class ScenarioExpert(LowRank):
    """One scenario's low-rank factors, slot queries and rank gates.

    The queries attend to the text, the content and the emotion slots (cross-attention with
    projections shared by all experts); the result gives the scenario slots and, through a
    zero-initialised map, a gate ``u = 2 sigmoid(W_u C)`` on the rank directions: how this scenario
    shows this emotion.
    """

    def __init__(self, config: LmConfig, layers: Sequence[Layer], queries: Tensor) -> None:
        """Build an expert that changes nothing yet.

        Args:
            config: Sizes.
            layers: The linear layers of the backbone.
            queries: (P_s, d) slot queries of the backbone, where the expert's start.
        """
        super().__init__(config.rank, layers)
        self.queries = nn.Parameter(queries.detach().clone())
        self.gate = nn.Linear(config.width, self.rank, bias=False)
        nn.init.zeros_(self.gate.weight)

    def gated(self, context: Tensor) -> Composition:
        """Return the factors with the gates for (B, P_s, d) attended slots."""
        return self.composition(2 * torch.sigmoid(self.gate(context.mean(dim=1)))[:, None])
