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
"""The decoding loop: one token after another from a prompt that is computed once."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from l2emg_ros.experts import composition
from l2emg_ros.experts.composition import Composition
from l2emg_ros.model.condition import Withheld
from l2emg_ros.model.language_model import MotionLanguageModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: Below 1 is more typical, above is more varied; the end is not affected.
        top_p: Share of the probability that is drawn from, most likely tokens first.
        content_guidance: How far what is asked for is pushed away from any motion at all; 1 not.
        emotion_guidance: How far the emotion is pushed away from the same motion without its
            emotion; 1 not. Each that differs from 1 costs another pass a token.
    """

    temperature: float = 0.6
    top_p: float = 0.9
    content_guidance: float = 1.0
    emotion_guidance: float = 1.0

    def withheld(self) -> list[tuple[Withheld, float]]:
        """Return what each pass is not told, and its weight in the logits; the weights sum to 1.

        ``l = l_0 + w_c (l_c - l_0) + w_e (l_ce - l_c)``: l_0 is told nothing, l_c the content,
        l_ce everything (two scales, as in InstructPix2Pix, Brooks et al., 2023).
        """
        everything = torch.ones(1, dtype=torch.bool)
        passes = [
            (Withheld(), self.emotion_guidance),
            (Withheld(emotion=everything), self.content_guidance - self.emotion_guidance),
            (
                Withheld(content=everything, emotion=everything),
                1.0 - self.content_guidance,
            ),
        ]
        return [(told, weight) for told, weight in passes if weight != 0.0]


@dataclass(slots=True)
class Pass:
    """One reading of a request: its prompt, and the attention cache as it grows.

    Attributes:
        prompt: (P, d), from ``MotionLanguageModel.prompt``.
        steering: (d,), from the slots of the same prompt.
        composed: Experts of this request, or None.
        weight: Of its logits.
    """

    prompt: Tensor
    steering: Tensor
    composed: Composition | None
    weight: float = 1.0
    cache: DynamicCache = field(default_factory=DynamicCache)

    def read(self, model: MotionLanguageModel, embeddings: Tensor) -> Tensor:
        """Append (n, d) embeddings and return the (1, d) state of the last."""
        with composition.active(self.composed):
            states = model.backbone(
                inputs_embeds=embeddings[None], past_key_values=self.cache, use_cache=True
            ).last_hidden_state
        state: Tensor = states[:, -1]
        return state


class Decoder:
    """One request's attention caches and random stream.

    Args:
        model: Language model.
        generator: Random stream of this request.
        sampling: How tokens are drawn.
    """

    def __init__(
        self, model: MotionLanguageModel, generator: torch.Generator, sampling: Sampling
    ) -> None:
        """Start without a prompt; ``prefill`` comes next."""
        self._model, self._generator, self._sampling = model, generator, sampling
        self._passes: list[Pass] = []
        self._states: list[Tensor] = []

    def prefill(self, passes: list[Pass], spoken: list[list[int]]) -> None:
        """Start over from prompts followed by tokens that were already spoken.

        Args:
            passes: Readings of the request; their weights sum to 1.
            spoken: Codes of the motion tokens.
        """
        self._passes = passes
        tokens = torch.tensor(spoken, dtype=torch.int64, device=passes[0].prompt.device)
        tokens = tokens.reshape(-1, self._model.config.levels)
        with torch.inference_mode():
            self._states = [
                p.read(self._model, torch.cat([p.prompt, self._model.embed(tokens, p.steering)]))
                for p in passes
            ]

    def next(self, allow_end: bool) -> list[int] | None:
        """Draw the codes of the next token; None, the end, only where ``allow_end`` is set."""
        model = self._model
        with torch.inference_mode():
            logits = self._guided([model.head(state)[0] for state in self._states])
            # When to end is drawn as it was learned: cooled, a body would wait in its last pose.
            chance = float(torch.rand((), generator=self._generator)) if allow_end else 1.0
            if chance < float(logits.softmax(dim=-1)[model.eos]):
                return None
            logits[model.eos] = float('-inf')
            codes = [self._draw(logits)]
            for level in range(1, model.config.levels):
                known = torch.tensor([codes], device=logits.device)
                further = [model.level_logits(state, known, level)[0] for state in self._states]
                codes.append(self._draw(self._guided(further)))
            token = torch.tensor([codes], device=logits.device)
            self._states = [p.read(model, model.embed(token, p.steering)) for p in self._passes]
        return codes

    def _guided(self, logits: list[Tensor]) -> Tensor:
        """Return the weighted sum of the passes' logits."""
        weighted = [
            p.weight * values.float() for p, values in zip(self._passes, logits, strict=True)
        ]
        return torch.stack(weighted).sum(dim=0)

    def _draw(self, logits: Tensor) -> int:
        """Nucleus sampling (Holtzman et al. 2020) on the processor, so that seeds travel."""
        probabilities = (logits / self._sampling.temperature).softmax(dim=-1).cpu()
        ordered, order = probabilities.sort(descending=True, stable=True)
        kept = ordered.cumsum(0) - ordered < self._sampling.top_p
        pick = torch.multinomial(ordered * kept, 1, generator=self._generator)
        return int(order[pick])
