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
"""Experts as an argument of a forward pass: ``h = W x + B diag(u) A x``, no global adapter state.

peft switches adapters for a whole model at once; two requests in flight then disturb each other.
Here a request carries an immutable ``Composition`` that the linear layers read from a context
variable, so any number of requests with different experts share one backbone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import nn, Tensor

# The two factors of one layer: A (R, inputs) and B (outputs, R), B already scaled by alpha / r.
Factors = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Composition:
    """Experts stacked along the rank for one request or one training batch.

    Attributes:
        layers: Name of a linear layer to its factors.
        gate: (1, 1, R) or (B, 1, R) factors on the rank directions, u in the formula; None is 1.
    """

    layers: Mapping[str, Factors]
    gate: Tensor | None = None


_ACTIVE: ContextVar[Composition | None] = ContextVar('composition', default=None)


class ComposedLinear(nn.Linear):
    """A linear layer that adds the active composition's low-rank term."""

    layer_name = ''

    def forward(self, x: Tensor) -> Tensor:
        """Return ``W x``, plus ``B diag(u) A x`` where the active composition has this layer."""
        result = super().forward(x)
        active = _ACTIVE.get()
        if active is None or self.layer_name not in active.layers:
            return result
        down, up = active.layers[self.layer_name]
        hidden = x @ down.T
        if active.gate is not None:
            hidden = hidden * active.gate
        return result + hidden @ up.T


def install(model: nn.Module) -> list[str]:
    """Make every linear layer of a model open to compositions, in place.

    Returns:
        The names of the layers, as ``named_modules`` gives them.
    """
    names = []
    for name, module in model.named_modules():
        if type(module) is nn.Linear:
            # Only the forward method differs: parameters and their names stay as they are.
            module.__class__ = ComposedLinear
            module.layer_name = name
            names.append(name)
    return names


@contextmanager
def active(composition: Composition | None) -> Iterator[None]:
    """Run the block with a composition, in this thread or task only."""
    token = _ACTIVE.set(composition)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def compose(experts: Sequence[tuple[Composition, float]]) -> Composition:
    """Stack experts into one composition of summed rank.

    ``sum_k g_k B_k diag(u_k) A_k`` equals one pair of stacked factors with the weights ``g_k``
    folded into B and the gates ``u_k`` side by side, so any number of experts costs one LoRA-sized
    product a layer.

    Args:
        experts: Pairs of an expert's composition, with a gate for the same batch or none, and its
            weight. All have the same layers.
    """
    layers = {
        name: (
            torch.cat([expert.layers[name][0] for expert, _ in experts]),
            torch.cat([expert.layers[name][1] * weight for expert, weight in experts], dim=1),
        )
        for name in experts[0][0].layers
    }
    batch = max((len(e.gate) for e, _ in experts if e.gate is not None), default=0)
    if not batch:
        return Composition(layers)
    gates = []
    for expert, _ in experts:
        rank = next(iter(expert.layers.values()))[0].shape[0]
        plain = layers[next(iter(layers))][0].new_ones(1, 1, rank)
        gates.append((plain if expert.gate is None else expert.gate).expand(batch, 1, rank))
    return Composition(layers, torch.cat(gates, dim=-1))
