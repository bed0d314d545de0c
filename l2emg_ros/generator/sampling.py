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

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from l2emg_ros.experts import composition
from l2emg_ros.experts.composition import Composition
from l2emg_ros.model.language_model import MotionLanguageModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: Below 1 is more typical, above is more varied; the end is not affected.
        top_p: Share of the probability that is drawn from, most likely tokens first.
    """

    temperature: float = 0.6
    top_p: float = 0.9


class Decoder:
    """One request's attention cache and random stream.

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
        self._cache = DynamicCache()
        self._composed: Composition | None = None
        self._state = self._steering = torch.empty(0)

    def prefill(
        self,
        prompt: Tensor,
        steering: Tensor,
        spoken: list[list[int]],
        composed: Composition | None,
    ) -> None:
        """Start over from a (P, d) prompt followed by tokens that were already spoken.

        Args:
            prompt: (P, d), from ``MotionLanguageModel.prompt``.
            steering: (d,), from the slots of the same prompt.
            spoken: Codes of the motion tokens.
            composed: Experts of this request, or None.
        """
        self._cache, self._composed, self._steering = DynamicCache(), composed, steering
        if spoken:
            tokens = torch.tensor(spoken, device=prompt.device)
            prompt = torch.cat([prompt, self._model.embed(tokens, steering)])
        self._forward(prompt[None])

    def next(self, allow_end: bool) -> list[int] | None:
        """Draw the codes of the next token; None, the end, only where ``allow_end`` is set."""
        model = self._model
        with torch.inference_mode():
            logits = model.head(self._state)[0].float()
            # When to end is drawn as it was learned: cooled, a body would wait in its last pose.
            if allow_end and self._chance() < float(logits.softmax(dim=-1)[model.eos]):
                return None
            logits[model.eos] = float('-inf')
            codes = [self._draw(logits)]
            for level in range(1, model.config.levels):
                known = torch.tensor([codes], device=logits.device)
                codes.append(self._draw(model.level_logits(self._state, known, level)[0].float()))
            token = torch.tensor([codes], device=logits.device)
            self._forward(model.embed(token, self._steering)[None])
        return codes

    def _forward(self, embeddings: Tensor) -> None:
        """Append (1, n, d) embeddings and keep the (1, d) state of the last."""
        with torch.inference_mode(), composition.active(self._composed):
            states = self._model.backbone(
                inputs_embeds=embeddings, past_key_values=self._cache, use_cache=True
            ).last_hidden_state
            self._state = states[:, -1]

    def _chance(self) -> float:
        """Return the next number in [0, 1) of the request's random stream."""
        return float(torch.rand((), generator=self._generator))

    def _draw(self, logits: Tensor) -> int:
        """Nucleus sampling (Holtzman et al. 2020) on the processor, so that seeds travel."""
        probabilities = (logits / self._sampling.temperature).softmax(dim=-1).cpu()
        ordered, order = probabilities.sort(descending=True, stable=True)
        kept = ordered.cumsum(0) - ordered < self._sampling.top_p
        pick = torch.multinomial(ordered * kept, 1, generator=self._generator)
        return int(order[pick])
