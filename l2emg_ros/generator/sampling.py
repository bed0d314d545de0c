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

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from l2emg_ros.experts import composition
from l2emg_ros.experts.composition import Composition
from l2emg_ros.model.condition import Withheld
from l2emg_ros.model.language_model import MotionLanguageModel

SHORTEST = 8
"""Tokens of the shortest motion worth making: a gesture of less than a second is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: Below 1 is more typical, above is more varied; the end is not affected.
        top_p: Share of the probability that is drawn from, most likely tokens first.
        content_guidance: How far what is asked for is pushed away from any motion at all; 1 not.
        emotion_guidance: How far the emotion is pushed away from the same motion without its
            emotion; 1 not. With either other than 1 each token is read two or three ways at once.
    """

    temperature: float = 0.6
    top_p: float = 0.9
    content_guidance: float = 2.0
    emotion_guidance: float = 2.0

    def readings(self) -> tuple[Withheld, Tensor]:
        """Return what each of R readings of a request is not told, and its weight in the logits.

        ``l = l_0 + w_c (l_c - l_0) + w_e (l_ce - l_c)``: l_0 is told nothing, l_c the content,
        l_ce everything (two scales, as in InstructPix2Pix, Brooks et al., 2023).

        Returns:
            The withheld of R requests, the first of which is told everything; (R,) weights, which
            sum to 1.
        """
        readings = [
            (False, False, self.emotion_guidance),
            (False, True, self.content_guidance - self.emotion_guidance),
            (True, True, 1.0 - self.content_guidance),
        ]
        used = readings[:1] + [reading for reading in readings[1:] if reading[2] != 0.0]
        content, emotion, weights = zip(*used, strict=True)
        withheld = Withheld(content=torch.tensor(content), emotion=torch.tensor(emotion))
        return withheld, torch.tensor(weights)


@dataclass(frozen=True, slots=True)
class Readings:
    """R readings of one request, from ``MotionLanguageModel.prompt``.

    Attributes:
        prompts: R tensors (P, d).
        steering: (R, d), from the slots of the same prompts.
        composed: Experts of this request, or None.
        weights: (R,) of their logits; they sum to 1.
    """

    prompts: list[Tensor]
    steering: Tensor
    composed: Composition | None
    weights: Tensor


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

    def prefill(self, readings: Readings, spoken: list[list[int]]) -> None:
        """Start over from prompts followed by tokens that were already spoken.

        Args:
            readings: The request, as it is read.
            spoken: Codes of the motion tokens.
        """
        self._readings, self._cache = readings, DynamicCache()
        device = readings.steering.device
        self._weights = readings.weights.to(device)
        tokens = torch.tensor(spoken, dtype=torch.int64, device=device)
        tokens = tokens.reshape(-1, 1, self._model.config.levels)
        lengths = [len(prompt) for prompt in readings.prompts]
        # A prompt without words is shorter: it is filled up in front, where nothing reads it.
        self._seen: Tensor | None = None
        if len(set(lengths)) > 1:
            first = torch.tensor([[max(lengths) - length] for length in lengths], device=device)
            self._seen = torch.arange(max(lengths), device=device) >= first
        padded = [
            torch.nn.functional.pad(prompt, (0, 0, max(lengths) - len(prompt), 0))
            for prompt in readings.prompts
        ]
        with torch.inference_mode():
            spoken_states = self._model.embed(tokens, readings.steering).transpose(0, 1)
            self._read(torch.cat([torch.stack(padded), spoken_states], dim=1))

    def _read(self, embeddings: Tensor) -> None:
        """Append (R, n, d) embeddings; the (R, d) states of the last are the next to speak."""
        if self._seen is not None:
            grown = self._cache.get_seq_length() + embeddings.shape[1] - self._seen.shape[1]
            self._seen = torch.nn.functional.pad(self._seen, (0, grown), value=True)
        with composition.active(self._readings.composed):
            states = self._model.backbone(
                inputs_embeds=embeddings,
                past_key_values=self._cache,
                attention_mask=self._seen,
                use_cache=True,
            ).last_hidden_state
        self._states = states[:, -1]

    def next(self, allow_end: bool, urge: float = 0.0) -> list[int] | None:
        """Draw the codes of the next token, or None, the end.

        Args:
            allow_end: Whether the end may come.
            urge: Added to its logit.
        """
        model = self._model
        with torch.inference_mode():
            logits = guided(model.head(self._states), self._weights)
            # When to end is drawn as it was learned: cooled, a body would wait in its last pose.
            chance = float(torch.rand((), generator=self._generator)) if allow_end else 1.0
            logits[0, model.eos] += urge
            if chance < float(logits[0].softmax(dim=-1)[model.eos]):
                return None
            streams = [self._generator]
            codes = speak(model, self._states, self._weights, logits, self._sampling, streams)
            token = codes.to(logits.device)
            self._read(model.embed(token, self._readings.steering)[:, None])
        spoken: list[int] = codes[0].tolist()
        return spoken


def guided(logits: Tensor, weights: Tensor) -> Tensor:
    """Return the (B, V) weighted sums of (R * B, V) logits: R readings of B requests in turn."""
    summed = weights @ logits.float().reshape(len(weights), -1)
    return summed.view(-1, logits.shape[-1])


def speak(
    model: MotionLanguageModel,
    states: Tensor,
    weights: Tensor,
    logits: Tensor,
    sampling: Sampling,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Return the (B, levels) codes of the next token of B requests, on the processor.

    Args:
        model: Language model.
        states: (R * B, d) at the position before the token, R readings of the B requests in turn.
        weights: (R,) of the readings.
        logits: (B, V) guided ones of the first level; the end is taken out of them.
        sampling: How codes are drawn.
        generators: Random streams of the B requests.
    """
    logits[:, model.eos] = float('-inf')
    codes = _draw(logits, sampling, generators)
    for level in range(1, model.config.levels):
        known = codes.to(states.device).repeat(len(weights), 1)
        further = guided(model.level_logits(states, known, level), weights)
        codes = torch.cat([codes, _draw(further, sampling, generators)], dim=1)
    return codes


def _draw(logits: Tensor, sampling: Sampling, generators: Sequence[torch.Generator]) -> Tensor:
    """Return (B, 1) codes drawn from (B, V) logits: nucleus sampling (Holtzman et al., 2020).

    It is done on the processor, so that seeds travel.
    """
    probabilities = (logits / sampling.temperature).softmax(dim=-1).cpu()
    ordered, order = probabilities.sort(descending=True, stable=True)
    kept = ordered.cumsum(-1) - ordered < sampling.top_p
    rows = zip((ordered * kept).split(1), generators, strict=True)
    drawn = [torch.multinomial(row, 1, generator=generator) for row, generator in rows]
    return order.gather(-1, torch.cat(drawn))
