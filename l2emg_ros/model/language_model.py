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
Blocks and experts always read the text, the backbone itself only with ``LmConfig.words``.
A motion token is one code a level of the tokeniser: the backbone's head gives the first, a small
head each further one from the same state and the codes before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn, Tensor

from l2emg_ros.experts import composition
from l2emg_ros.experts.composition import Composition
from l2emg_ros.model import backbone
from l2emg_ros.model.condition import BUCKETS, Condition, Slots, Withheld
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.content_block import ContentBlock
from l2emg_ros.model.emotion_block import CausalEmotionBlock
from l2emg_ros.model.expert import LowRank, ScenarioExpert

# Lengths of training batches are multiples of this.
_PADDED_TO = 32
_SPECIALS = ('bos', 'txt', 'end_txt', 'mot')
TOLD = Withheld()


@dataclass(frozen=True, slots=True)
class Misread:
    """How the tokens that are read along in training differ from those to be said.

    A model that always reads faultless motion believes what it has said more than what it was
    asked for: one unlucky token, and it goes on with another gesture that begins like that.

    Attributes:
        tokens: Largest share of a motion's tokens that is replaced at random (as in T2M-GPT,
            where it is one share for all); each motion has its own, from 0 on.
        begin: Share of the motions whose beginning, of any length, is that of another motion.
    """

    tokens: float = 0.0
    begin: float = 0.0

    def read(self, motion: Tensor, other: Tensor, codes: int) -> Tensor:
        """Return the (L, levels) tokens that are read for a motion, with those of another."""
        share = self.tokens * float(torch.rand(()))
        kept = torch.rand(len(motion), 1, device=motion.device) >= share
        read = torch.where(kept, motion, torch.randint_like(motion, codes))
        if float(torch.rand(())) < self.begin:
            begin = int(torch.randint(min(len(motion), len(other)) + 1, ()))
            read[:begin] = other[:begin]
        return read


FAULTLESS = Misread()


class MotionLanguageModel(nn.Module):
    """Backbone, projections, content and emotion blocks, steering and heads."""

    def __init__(self, config: LmConfig) -> None:
        """Build the network with fresh weights."""
        super().__init__()
        self.config = config
        self.eos = config.codes
        width = config.width
        self.backbone = backbone.build(config)
        self.vocabulary = nn.Embedding(config.codes + 1 + len(_SPECIALS) + BUCKETS + 1, width)
        nn.init.normal_(self.vocabulary.weight, std=0.02)
        self.expert_layers = [
            (name, module.in_features, module.out_features)
            for name, module in self.backbone.named_modules()
            if isinstance(module, nn.Linear)
        ]
        composition.install(self.backbone)
        self.text = nn.Sequential(nn.Linear(config.text_width, width), nn.LayerNorm(width))
        self.content = ContentBlock(config)
        self.emotion = CausalEmotionBlock(config)
        self.emotion_expert = LowRank(config.rank, self.expert_layers)
        self.steer = nn.Linear((config.content_slots + config.emotion_slots) * width, width)
        # What stands in place of slots that are withheld.
        self.no_content = nn.Parameter(torch.zeros(config.content_slots, width))
        self.no_emotion = nn.Parameter(torch.zeros(config.emotion_slots, width))
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
        """Return the (n, d) embeddings of (n, levels) codes of a request with (d,) steering.

        Any further dimensions in front of levels and d are broadcast.
        """
        return self._summed(tokens, self.config.levels) + steering

    def _summed(self, codes: Tensor, levels: int) -> Tensor:
        """Return the (n, d) sum of the embeddings of the first levels of (n, levels) codes."""
        total: Tensor = self.vocabulary(codes[..., 0])
        for level in range(1, levels):
            total = total + self.level_embeddings[level - 1](codes[..., level])
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
        withheld: Withheld = TOLD,
    ) -> tuple[list[Tensor], Slots, Composition | None]:
        """Return everything that comes before the first motion token.

        Args:
            condition: B requests.
            expert: Scenario expert to apply beside the shared emotion expert, or None.
            withheld: What is not told.

        Returns:
            One (P_i, d) prompt for each request, the slots, and the experts' composition for this
            batch.
        """
        text, mask = self.text(condition.text), condition.mask
        content = self.content(condition.text, text, mask)
        emotion = self._emotion(condition, text, withheld)
        told, felt = self.content.named(content), emotion
        if withheld.content is not None:
            hidden = withheld.content.to(mask.device)
            told = torch.where(hidden[:, None, None], self.no_content, told)
            mask = mask & ~hidden[:, None]
        if withheld.emotion is not None:
            hidden = withheld.emotion.to(mask.device)
            felt = torch.where(hidden[:, None, None], self.no_emotion, emotion)
        if withheld.words or not self.config.words:
            mask = torch.zeros_like(mask)
        steering = self.steer(torch.cat([told, felt], dim=1).flatten(1))
        scenario, composed = self._scenario(text, mask, torch.cat([told, felt], dim=1), expert)
        special = self.vocabulary.weight[self.config.codes + 1 :]
        bos, txt, end_txt, mot = special[: len(_SPECIALS), None]
        durations = special[len(_SPECIALS) + condition.duration]
        prompts = []
        for row, kept in enumerate(mask):
            words = [txt, text[row, kept], end_txt]
            slots = [durations[row : row + 1], told[row], felt[row]]
            prompts.append(torch.cat([bos, scenario[row], *words, *slots, mot + steering[row]]))
        return prompts, Slots(content, emotion, steering), composed

    def _emotion(self, condition: Condition, text: Tensor, withheld: Withheld) -> Tensor:
        """Return the (B, n_e, d) emotion slots of (B, L, d) projected text."""
        mask = condition.mask
        if withheld.crossed is not None:
            crossed = withheld.crossed.to(mask.device) & condition.given
            text = torch.where(crossed[:, None, None], text.roll(1, 0), text)
            mask = torch.where(crossed[:, None], mask.roll(1, 0), mask)
        slots: Tensor = self.emotion(text, mask, condition.emotion, condition.given)
        return slots

    def _scenario(
        self, text: Tensor, mask: Tensor, slots: Tensor, expert: ScenarioExpert | None
    ) -> tuple[Tensor, Composition | None]:
        """Return the (B, P_s, d) scenario slots and the composition of the experts."""
        own = self.base_slots if expert is None else expert.queries
        queries = own.expand(len(text), -1, -1)
        states = torch.cat([text, slots], dim=1)
        padded = nn.functional.pad(~mask, (0, states.shape[1] - mask.shape[1]), value=False)
        context, _ = self.scenario_attention(
            queries, states, states, key_padding_mask=padded, need_weights=False
        )
        parts = [] if self.emotion_expert.idle() else [(self.emotion_expert.composition(), 1.0)]
        if expert is not None:
            parts.append((expert.gated(context), 1.0))
        return queries + context, composition.compose(parts) if parts else None

    def states(
        self,
        condition: Condition,
        tokens: Sequence[Tensor],
        expert: ScenarioExpert | None = None,
        misread: Misread = FAULTLESS,
        withheld: Withheld = TOLD,
    ) -> tuple[Tensor, Slots]:
        """Return the states before each token and before the end of motions that are read along.

        Args:
            condition: B requests.
            tokens: B tensors of (L, levels) codes, of any lengths.
            expert: Scenario expert to apply beside the shared emotion expert, or None.
            misread: How what is read differs from the tokens.
            withheld: What is not told.

        Returns:
            (sum (L + 1), d) states, one motion after the other, and the slots.
        """
        prompts, slots, composed = self.prompt(condition, expert, withheld)
        rows = []
        others = [*tokens[1:], *tokens[:1]]
        rows_of = zip(prompts, slots.steering, tokens, others, strict=True)
        for prompt, steering, motion, other in rows_of:
            read = misread.read(motion, other, self.config.codes)
            rows.append(torch.cat([prompt, self.embed(read, steering)]))
        # Padding sits on the right: causal attention never lets a real position see it. Lengths
        # are rounded up because every new shape costs the CPU kernels a compilation.
        inputs = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        inputs = nn.functional.pad(inputs, (0, 0, 0, -inputs.shape[1] % _PADDED_TO))
        with composition.active(composed):
            states = self.backbone(inputs_embeds=inputs, use_cache=False).last_hidden_state
        spans = zip(states, prompts, tokens, strict=True)
        return torch.cat([s[len(p) - 1 : len(p) + len(m)] for s, p, m in spans]), slots

    def loss(
        self,
        condition: Condition,
        tokens: Sequence[Tensor],
        expert: ScenarioExpert | None = None,
        misread: Misread = FAULTLESS,
        withheld: Withheld = TOLD,
    ) -> tuple[Tensor, Slots]:
        """Return the mean cross-entropy of each level's codes, and the slots.

        The first level's includes the end token. Arguments as in ``states``; misreading, the
        model learns to recover from its own mistakes.

        Returns:
            (levels,) nats, and the slots.
        """
        states, slots = self.states(condition, tokens, expert, misread, withheld)
        end = tokens[0].new_full((1, self.config.levels), self.eos)
        wanted = torch.cat([part for motion in tokens for part in (motion, end)])
        losses = [nn.functional.cross_entropy(self.head(states).float(), wanted[:, 0])]
        spoken = wanted[:, 0] != self.eos
        for level in range(1, self.config.levels):
            logits = self.level_logits(states[spoken], wanted[spoken], level)
            losses.append(nn.functional.cross_entropy(logits.float(), wanted[spoken, level]))
        return torch.stack(losses), slots

    def log_likelihoods(
        self,
        condition: Condition,
        tokens: Sequence[Tensor],
        expert: ScenarioExpert | None = None,
    ) -> Tensor:
        """Return the (B,) mean log-likelihood a token of B motions, all levels and the end.

        Arguments as in ``states``. The mean, for a sum would prefer short motions.
        """
        states, _ = self.states(condition, tokens, expert)
        rows = []
        for part, motion in zip(states.split([len(m) + 1 for m in tokens]), tokens, strict=True):
            end = motion.new_full((1,), self.eos)
            wanted = torch.cat([motion[:, 0], end])
            total = -nn.functional.cross_entropy(self.head(part).float(), wanted, reduction='sum')
            for level in range(1, self.config.levels):
                logits = self.level_logits(part[:-1], motion, level).float()
                total = total - nn.functional.cross_entropy(
                    logits, motion[:, level], reduction='sum'
                )
            rows.append(total / len(wanted))
        return torch.stack(rows)
