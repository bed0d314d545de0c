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
"""Composition equals plain LoRA, sums equal sums, and requests do not disturb one another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
import itertools

import torch
from torch import nn

from l2emg_ros.experts import composition
from l2emg_ros.experts.composition import Composition


def _network() -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)).requires_grad_(False)
    composition.install(network)
    return network


def _expert(seed: int, rank: int = 2, gate: bool = False) -> Composition:
    generator = torch.Generator().manual_seed(seed)
    layers = {
        '0': (
            torch.randn(rank, 6, generator=generator),
            torch.randn(8, rank, generator=generator),
        ),
        '2': (
            torch.randn(rank, 8, generator=generator),
            torch.randn(4, rank, generator=generator),
        ),
    }
    gates = torch.rand(1, 1, rank, generator=generator) * 2 if gate else None
    return Composition(layers, gates)


def _run(network: nn.Module, expert: Composition | None, x: torch.Tensor) -> torch.Tensor:
    with composition.active(expert):
        return network(x)


def test_one_expert_equals_the_plain_lora_formula() -> None:
    network, expert = _network(), _expert(1)
    x = torch.randn(3, 5, 6)
    first, last = network[0], network[2]
    (a0, b0), (a2, b2) = expert.layers['0'], expert.layers['2']
    hidden = torch.relu(nn.functional.linear(x, first.weight + b0 @ a0, first.bias))
    expected = nn.functional.linear(hidden, last.weight + b2 @ a2, last.bias)
    torch.testing.assert_close(_run(network, expert, x), expected, atol=1e-5, rtol=1e-5)


def test_a_stack_of_one_is_the_expert() -> None:
    network, expert = _network(), _expert(1, gate=True)
    x = torch.randn(3, 5, 6)
    stacked = _run(network, composition.compose([(expert, 1.0)]), x)
    torch.testing.assert_close(stacked, _run(network, expert, x), atol=1e-6, rtol=0)


def test_an_expert_beside_one_without_a_gate_keeps_its_own() -> None:
    network, x = _network(), torch.randn(3, 5, 6)
    shared, own = _expert(1), _expert(2, rank=3, gate=True)
    stacked = composition.compose([(shared, 1.0), (own, 1.0)])
    layer = network[0]
    plain = _run(layer, None, x)
    expected = _run(layer, shared, x) + _run(layer, own, x) - plain
    torch.testing.assert_close(_run(layer, stacked, x), expected, atol=1e-5, rtol=1e-5)


def test_an_expert_with_zero_b_is_the_backbone_exactly() -> None:
    network, x = _network(), torch.randn(3, 5, 6)
    layers = {name: (a, torch.zeros_like(b)) for name, (a, b) in _expert(1).layers.items()}
    assert torch.equal(_run(network, Composition(layers), x), _run(network, None, x))


def test_a_stack_equals_the_weighted_sum_of_its_experts() -> None:
    network, x = _network(), torch.randn(3, 5, 6)
    experts = [(_expert(1, gate=True), 0.7), (_expert(2, rank=3, gate=True), -0.4)]
    stacked = composition.compose(experts)
    assert stacked.layers['0'][0].shape == (5, 6)
    layer = network[0]
    expected = _run(layer, None, x)
    for expert, weight in experts:
        a, b = expert.layers['0']
        assert expert.gate is not None
        expected = expected + weight * ((x @ a.T) * expert.gate) @ b.T
    torch.testing.assert_close(_run(layer, stacked, x), expected, atol=1e-5, rtol=1e-5)


def test_without_a_composition_the_backbone_is_untouched() -> None:
    network, x = _network(), torch.randn(3, 6)
    plain = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))
    plain.load_state_dict(network.state_dict())
    assert torch.equal(_run(network, None, x), plain(x))


def test_threads_with_different_experts_never_mix() -> None:
    network, x = _network(), torch.randn(2, 4, 6)
    experts = [None, _expert(1), _expert(2), _expert(3)]
    pure = [_run(network, expert, x) for expert in experts]
    turns = list(itertools.islice(itertools.cycle(range(4)), 400))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda k: _run(network, experts[k], x), turns))
    for turn, result in zip(turns, results, strict=True):
        assert torch.equal(result, pure[turn])
