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

Prompt: ``<bos> [scenario slots] <txt> text </txt> <duration> [content slots] [emotion slots]
<mot>``, then motion tokens and ``<eos>``. Everything up to ``<mot>`` is computed once a request.
A motion token is one code a level of the tokeniser: the backbone's head gives the first, a small
head each further one from the same state and the codes before it.
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
from l2emg_ros.model.content_block import ContentBlock
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
        text: (B, L, text width) features, padded; row 0 is the sentence, the others its tokens.
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


@dataclass(frozen=True, slots=True)
class Slots:
    """What the backbone reads beside the words.

    Attributes:
        content: (B, n_c, d) content slots.
        emotion: (B, n_e, d) emotion slots.
        steering: (B, d) what ``<mot>`` and every motion token carry of both, added to their
            embeddings: a small backbone would else lose the request behind the tokens that it has
            just spoken.
    """

    content: Tensor
    emotion: Tensor
    steering: Tensor


class ScenarioExpert(nn.Module):
    """One scenario's low-rank factors, slot queries and rank gates.

    The queries attend to the text, the content and the emotion slots (cross-attention with
    projections shared by all experts); the result gives the scenario slots and, through a
    zero-initialised map, a gate ``u = 2 sigmoid(W_u C)`` on the rank directions: how this scenario
    shows this emotion.
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
    """Backbone, projections, content and emotion blocks, steering and heads."""

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
        self.content = ContentBlock(config)
        self.emotion = CausalEmotionBlock(config)
        self.steer = nn.Linear((config.content_slots + config.emotion_slots) * width, width)
        self.base_slots = nn.Parameter(torch.randn(config.scenario_slots, width) * 0.02)
        self.scenario_attention = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.head = nn.Linear(width, config.codes + 1, bias=False)
        further = range(1, config.levels)
        self.level_embeddings = nn.ModuleList(nn.Embedding(config.codes, width) for _ in further)
        self.level_heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, config.codes, bias=False)
            )
            for _ in further
        )

    def new_expert(self) -> ScenarioExpert:
        """Return a scenario expert that still gives what the backbone alone gives."""
        return ScenarioExpert(self.config, self.expert_layers, self.base_slots)

    def embed(self, tokens: Tensor, steering: Tensor) -> Tensor:
        """Return the (n, d) embeddings of (n, levels) codes of a request with (d,) steering."""
        return self._summed(tokens, self.config.levels) + steering

    def _summed(self, codes: Tensor, levels: int) -> Tensor:
        """Return the (n, d) sum of the embeddings of the first levels of (n, levels) codes."""
        total: Tensor = self.backbone.embed_tokens(codes[:, 0])
        for level in range(1, levels):
            total = total + self.level_embeddings[level - 1](codes[:, level])
        return total

    def level_logits(self, states: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return the (n, codes) logits of a level from 1 on.

        Args:
            states: (n, d) states of the backbone at the position before the token.
            codes: (n, level or more) codes of the levels before.
            level: Which one.
        """
        known = torch.cat([states, self._summed(codes, level)], dim=-1)
        logits: Tensor = self.level_heads[level - 1](known)
        return logits

    def prompt(
        self,
        condition: Condition,
        expert: ScenarioExpert | None = None,
        blind: bool = False,
    ) -> tuple[list[Tensor], Slots, Composition | None]:
        """Return everything that comes before the first motion token.

        Args:
            condition: B requests.
            expert: Scenario expert to apply, or None for the backbone alone.
            blind: Whether the words themselves are withheld, so that the slots alone tell what is
                asked for.

        Returns:
            One (P_i, d) prompt for each request, the slots, and the expert's composition for this
            batch.
        """
        text, mask = self.text(condition.text), condition.mask
        content = self.content(text, mask)
        emotion = self.emotion(text, mask, condition.emotion, condition.given)
        steering = self.steer(torch.cat([content, emotion], dim=1).flatten(1))
        slots = Slots(content, emotion, steering)
        if blind:
            mask = torch.zeros_like(mask)
        scenario, composed = self._scenario(text, mask, slots, expert)
        special = self.backbone.embed_tokens.weight[self.config.codes + 1 :]
        bos, txt, end_txt, mot = special[: len(_SPECIALS), None]
        durations = special[len(_SPECIALS) + condition.duration]
        prompts = []
        for row, kept in enumerate(mask):
            words = [txt, text[row, kept], end_txt]
            told = [durations[row : row + 1], slots.content[row], slots.emotion[row]]
            prompts.append(torch.cat([bos, scenario[row], *words, *told, mot + steering[row]]))
        return prompts, slots, composed

    def _scenario(
        self, text: Tensor, mask: Tensor, slots: Slots, expert: ScenarioExpert | None
    ) -> tuple[Tensor, Composition | None]:
        """Return the (B, P_s, d) scenario slots and the composition of the expert."""
        own = self.base_slots if expert is None else expert.queries
        queries = own.expand(len(text), -1, -1)
        states = torch.cat([text, slots.content, slots.emotion], dim=1)
        padded = nn.functional.pad(~mask, (0, states.shape[1] - mask.shape[1]), value=False)
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
        blind: bool = False,
    ) -> tuple[Tensor, Slots]:
        """Return the mean cross-entropy of each level's codes, and the slots.

        The first level's includes the end token.

        Args:
            condition: B requests.
            tokens: B tensors of (L, levels) codes, of any lengths.
            expert: Scenario expert to apply, or None for the backbone alone.
            noise: Share of the tokens read (not of those predicted) that is replaced at random, so
                that the model learns to recover from its own mistakes (as in T2M-GPT).
            blind: As in ``prompt``.

        Returns:
            (levels,) nats, and the slots.
        """
        prompts, slots, composed = self.prompt(condition, expert, blind)
        rows = []
        for prompt, steering, motion in zip(prompts, slots.steering, tokens, strict=True):
            wrong = torch.randint_like(motion, self.config.codes)
            kept = torch.rand(len(motion), 1, device=motion.device) >= noise
            rows.append(
                torch.cat([prompt, self.embed(torch.where(kept, motion, wrong), steering)])
            )
        # Padding sits on the right: causal attention never lets a real position see it. Lengths
        # are rounded up because every new shape costs the CPU kernels a compilation.
        inputs = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        inputs = nn.functional.pad(inputs, (0, 0, 0, -inputs.shape[1] % _PADDED_TO))
        with composition.active(composed):
            states = self.backbone(inputs_embeds=inputs, use_cache=False).last_hidden_state
        spans = zip(states, prompts, tokens, strict=True)
        states = torch.cat([s[len(p) - 1 : len(p) + len(m)] for s, p, m in spans])
        end = tokens[0].new_full((1, self.config.levels), self.eos)
        wanted = torch.cat([part for motion in tokens for part in (motion, end)])
        losses = [nn.functional.cross_entropy(self.head(states).float(), wanted[:, 0])]
        spoken = wanted[:, 0] != self.eos
        for level in range(1, self.config.levels):
            logits = self.level_logits(states[spoken], wanted[spoken], level)
            losses.append(nn.functional.cross_entropy(logits.float(), wanted[spoken, level]))
        return torch.stack(losses), slots
