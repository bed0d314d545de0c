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
"""Decoder-only language model of motion: prompt slots in, motion tokens out.

Prompt: ``<bos> [scenario slots] <txt> text </txt> <duration> [emotion slots] <mot>``, then motion
tokens and ``<eos>``. Everything up to ``<mot>`` is computed once a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import torch
from torch import nn, Tensor
from transformers import LlamaConfig, LlamaModel

from l2emg_ros.experts import composition
from l2emg_ros.experts.composition import Composition
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.emotion_block import CausalEmotionBlock

# Durations are told in 16 log-spaced buckets from 1 to 12 seconds; bucket 0 is "not told".
_BUCKETS = 16
_SHORTEST, _LONGEST = 1.0, 12.0
# Lengths of training batches are multiples of this.
_PADDED_TO = 32
_SPECIALS = ('bos', 'txt', 'end_txt', 'mot')


def duration_bucket(seconds: float | None) -> int:
    """Return the number of a duration token; 0 for None."""
    if seconds is None:
        return 0
    place = math.log(seconds / _SHORTEST) / math.log(_LONGEST / _SHORTEST)
    return 1 + round(min(max(place, 0.0), 1.0) * (_BUCKETS - 1))


@dataclass(frozen=True, slots=True)
class Condition:
    """What a batch of requests asks for, as tensors.

    Attributes:
        text: (B, L, text width) token features, padded.
        mask: (B, L) bool, True on tokens.
        emotion: (B, 13) mixtures over the emotion labels.
        given: (B,) bool, False where no emotion is named.
        duration: (B,) int64 duration buckets.
    """

    text: Tensor
    mask: Tensor
    emotion: Tensor
    given: Tensor
    duration: Tensor


class ScenarioExpert(nn.Module):
    """One scenario's low-rank factors, slot queries and rank gates.

    The queries attend to the text and the emotion slots (cross-attention with projections shared
    by all experts); the result gives the scenario slots and, through a zero-initialised map, a
    gate ``u = 2 sigmoid(W_u C)`` on the rank directions: how this scenario shows this emotion.
    """

    def __init__(
        self, config: LmConfig, layers: Sequence[tuple[str, int, int]], queries: Tensor
    ) -> None:
        """Build an expert that changes nothing yet.

        Args:
            config: Sizes.
            layers: Name, inputs and outputs of each linear layer of the backbone.
            queries: (P_s, d) slot queries of the backbone, where the expert's start.
        """
        super().__init__()
        self.rank, self.scaling = config.rank, 2.0
        self.names = [name for name, _, _ in layers]
        self.down = nn.ParameterList(
            nn.Parameter(torch.randn(self.rank, inputs) / math.sqrt(inputs))
            for _, inputs, _ in layers
        )
        self.up = nn.ParameterList(
            nn.Parameter(torch.zeros(outputs, self.rank)) for _, _, outputs in layers
        )
        self.queries = nn.Parameter(queries.detach().clone())
        self.gate = nn.Linear(config.width, self.rank, bias=False)
        nn.init.zeros_(self.gate.weight)

    def composition(self, context: Tensor) -> Composition:
        """Return the factors with the gates for (B, P_s, d) attended slots."""
        gate = 2 * torch.sigmoid(self.gate(context.mean(dim=1)))[:, None]
        factors = zip(self.names, self.down, self.up, strict=True)
        return Composition({name: (a, b * self.scaling) for name, a, b in factors}, gate)


class MotionLanguageModel(nn.Module):
    """Backbone, projections, emotion block and heads."""

    def __init__(self, config: LmConfig) -> None:
        """Build the network with fresh weights."""
        super().__init__()
        self.config = config
        self.eos = config.codes
        width = config.width
        llama = LlamaConfig(
            vocab_size=config.codes + 1 + len(_SPECIALS) + _BUCKETS + 1,
            hidden_size=width,
            intermediate_size=config.ff,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=1024,
        )
        self.backbone = LlamaModel(llama)
        self.expert_layers = [
            (name, module.in_features, module.out_features)
            for name, module in self.backbone.named_modules()
            if isinstance(module, nn.Linear)
        ]
        composition.install(self.backbone)
        self.text = nn.Sequential(nn.Linear(config.text_width, width), nn.LayerNorm(width))
        self.emotion = CausalEmotionBlock(config)
        self.base_slots = nn.Parameter(torch.randn(config.scenario_slots, width) * 0.02)
        self.scenario_attention = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.head = nn.Linear(width, config.codes + 1, bias=False)

    def new_expert(self) -> ScenarioExpert:
        """Return a scenario expert that still gives what the backbone alone gives."""
        return ScenarioExpert(self.config, self.expert_layers, self.base_slots)

    def prompt(
        self, condition: Condition, expert: ScenarioExpert | None = None
    ) -> tuple[list[Tensor], Tensor, Composition | None]:
        """Return everything that comes before the first motion token.

        Returns:
            One (P_i, d) prompt for each request, the (B, n_e, d) emotion slots, and the expert's
            composition for this batch.
        """
        text = self.text(condition.text)
        slots = self.emotion(text, condition.mask, condition.emotion, condition.given)
        scenario, composed = self._scenario(text, condition.mask, slots, expert)
        special = self.backbone.embed_tokens.weight[self.config.codes + 1 :]
        bos, txt, end_txt, mot = special[: len(_SPECIALS), None]
        durations = special[len(_SPECIALS) + condition.duration]
        prompts = []
        for row, kept in enumerate(condition.mask):
            words = text[row, kept]
            duration = durations[row : row + 1]
            parts = [bos, scenario[row], txt, words, end_txt, duration, slots[row], mot]
            prompts.append(torch.cat(parts))
        return prompts, slots, composed

    def _scenario(
        self, text: Tensor, mask: Tensor, slots: Tensor, expert: ScenarioExpert | None
    ) -> tuple[Tensor, Composition | None]:
        """Return the (B, P_s, d) scenario slots and the composition of the expert."""
        own = self.base_slots if expert is None else expert.queries
        queries = own.expand(len(text), -1, -1)
        states = torch.cat([text, slots], dim=1)
        padded = torch.cat([~mask, torch.zeros_like(mask[:, :1]).expand(slots.shape[:2])], dim=1)
        context, _ = self.scenario_attention(
            queries, states, states, key_padding_mask=padded, need_weights=False
        )
        return queries + context, None if expert is None else expert.composition(context)

    def loss(
        self,
        condition: Condition,
        tokens: Sequence[Tensor],
        expert: ScenarioExpert | None = None,
        noise: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Return the mean cross-entropy of motion tokens and end, and the emotion slots.

        Args:
            condition: B requests.
            tokens: B tensors of motion tokens, of any lengths.
            expert: Scenario expert to apply, or None for the backbone alone.
            noise: Share of the tokens read (not of those predicted) that is replaced at random, so
                that the model learns to recover from its own mistakes (as in T2M-GPT).
        """
        prompts, slots, composed = self.prompt(condition, expert)
        rows, targets = [], []
        for prompt, motion in zip(prompts, tokens, strict=True):
            wrong = torch.randint_like(motion, self.config.codes)
            read = torch.where(torch.rand(len(motion)) < noise, wrong, motion)
            rows.append(torch.cat([prompt, self.backbone.embed_tokens(read)]))
            end = torch.full((1,), self.eos)
            ignored = torch.full((len(prompt) - 1,), -100)
            targets.append(torch.cat([ignored, motion, end]))
        # Padding sits on the right: causal attention never lets a real position see it. Lengths
        # are rounded up because every new shape costs the CPU kernels a compilation.
        inputs = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        target = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-100)
        extra = -inputs.shape[1] % _PADDED_TO
        inputs = nn.functional.pad(inputs, (0, 0, 0, extra))
        target = nn.functional.pad(target, (0, extra), value=-100)
        with composition.active(composed):
            states = self.backbone(inputs_embeds=inputs, use_cache=False).last_hidden_state
        logits = self.head(states).flatten(0, 1)
        return nn.functional.cross_entropy(logits.float(), target.flatten()), slots
