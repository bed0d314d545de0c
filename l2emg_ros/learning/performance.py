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
"""Requests as batches, and what the model performs for many requests at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from l2emg_ros.emotion import Emotion
from l2emg_ros.generator.sampling import Sampling
from l2emg_ros.model.condition import Condition, duration_bucket
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.text.encoder import MAX_ROWS, TextEncoder
from l2emg_ros.training.practice import perform
from l2emg_ros.training.tokenizer import decoded

__all__ = ['Prompt', 'Requests', 'decoded', 'performed', 'performed_by']

TOGETHER = 48
"""Requests that are performed at once."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request without its answer.

    Attributes:
        text: What to do.
        emotion: How; None leaves it to the words.
        seconds: How long; None lets the model decide.
    """

    text: str
    emotion: Emotion | None = None
    seconds: float | None = None

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        emotion = self.emotion
        told = {} if emotion is None else {'emotion': str(emotion), 'intensity': emotion.intensity}
        return {'text': self.text, **told}

    @classmethod
    def of(cls, record: dict[str, Any]) -> Prompt:
        """Return the prompt of ``record``.

        Raises:
            KeyError: It has no text.
            BadRequest: Its emotion is none.
        """
        emotion = Emotion.parse(record.get('emotion'), record.get('intensity'))
        return cls(str(record['text']), emotion)


class Requests:
    """Turns prompts into batches; every text is encoded once.

    Args:
        encoder: What the model reads text through.
        device: Where the batches lie.
    """

    def __init__(self, encoder: TextEncoder, device: torch.device) -> None:
        self._encoder, self._device = encoder, device
        self._rows: dict[str, Tensor] = {}

    def encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the (n, width) encodings of n requests in which requests are compared."""
        self._encode(texts)
        return np.stack([self._rows[text][0].numpy() for text in texts])

    def _encode(self, texts: Sequence[str]) -> None:
        new = sorted(set(texts) - set(self._rows))
        for start in range(0, len(new), 64):
            some = new[start : start + 64]
            for sentence, encoded in zip(some, self._encoder.encode(some), strict=True):
                self._rows[sentence] = torch.from_numpy(encoded)

    def condition(self, prompts: Sequence[Prompt]) -> Condition:
        """Return B requests as a batch."""
        self._encode([prompt.text for prompt in prompts])
        # One width for every batch: each new shape costs the CPU kernels a compilation.
        text = torch.zeros(len(prompts), MAX_ROWS, self._encoder.width)
        mask = torch.zeros(len(prompts), MAX_ROWS, dtype=torch.bool)
        for number, prompt in enumerate(prompts):
            rows = self._rows[prompt.text]
            text[number, : len(rows)], mask[number, : len(rows)] = rows, True
        mixtures = [(prompt.emotion or Emotion('neutral')).weights() for prompt in prompts]
        return Condition(
            text=text,
            mask=mask,
            emotion=torch.from_numpy(np.stack(mixtures)).float(),
            given=torch.tensor([prompt.emotion is not None for prompt in prompts]),
            duration=torch.tensor([duration_bucket(prompt.seconds) for prompt in prompts]),
        ).to(self._device)


def performed(
    lm: MotionLanguageModel,
    requests: Requests,
    prompts: Sequence[Prompt],
    expert: ScenarioExpert | None,
    seed: int,
) -> list[Tensor]:
    """Return the (L, levels) tokens of one performance of each prompt; see ``performed_by``."""
    return performed_by(lm, requests, prompts, [expert] * len(prompts), seed)


def performed_by(
    lm: MotionLanguageModel,
    requests: Requests,
    prompts: Sequence[Prompt],
    experts: Sequence[ScenarioExpert | None],
    seed: int,
) -> list[Tensor]:
    """Return the (L, levels) tokens of one performance of each prompt, with an expert of its own.

    The same prompts and seed draw the same random numbers whatever the experts, so that two
    performances of a prompt differ by nothing else.
    """
    made: dict[int, Tensor] = {}
    for expert in dict.fromkeys(experts):
        numbers = [number for number, one in enumerate(experts) if one is expert]
        for start in range(0, len(numbers), TOGETHER):
            some = numbers[start : start + TOGETHER]
            condition = requests.condition([prompts[number] for number in some])
            streams = [_stream(seed, number) for number in some]
            tokens = perform(lm, condition, Sampling(), streams, expert)
            made.update(zip(some, tokens, strict=True))
    return [made[number] for number in range(len(prompts))]


def _stream(seed: int, number: int) -> torch.Generator:
    """Return the random stream of a prompt."""
    state = np.random.SeedSequence((seed, number)).generate_state(1)
    return torch.Generator().manual_seed(int(state[0]))
