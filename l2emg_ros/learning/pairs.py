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
"""What a log of interactions teaches: examples and preferences, and what had to be left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from l2emg_ros.errors import L2EmgError
from l2emg_ros.learning.correction import corrected, Correction, understood
from l2emg_ros.learning.lessons import Example, Lessons
from l2emg_ros.learning.performance import decoded, performed, Prompt, Requests
from l2emg_ros.learning.preferences import chosen, liked_better
from l2emg_ros.learning.reward import advantages, RewardWeights
from l2emg_ros.learning.scenario import SHORTEST, spoken
from l2emg_ros.lifelong import demonstration
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.motion import features

# A motion as it should have been is a guess, a shown one is not.
_CORRECTED = 0.5
_MOST_WEIGHT, _TEMPERATURE = 3.0, 0.5


@dataclass
class Teacher:
    """Turns interactions into lessons.

    Attributes:
        lm: Language model.
        tokenizer: Of the same model.
        requests: Turns prompts into batches.
        expert: Which performs corrected requests anew, or None.
        weights: What counts how much in a reward.
        recorded: Returns the tokens that an interaction's recording has of the motion that it
            prefers, or None.
        model: Name of the model; what another one has performed is left out. '' takes all.
    """

    lm: MotionLanguageModel
    tokenizer: MotionTokenizer
    requests: Requests
    expert: ScenarioExpert | None
    weights: RewardWeights = field(default_factory=RewardWeights)
    recorded: Callable[[Interaction], NDArray[np.int64] | None] = lambda _: None
    model: str = ''

    def lessons(self, interactions: Sequence[Interaction], seed: int) -> Lessons:
        """Return what interactions teach.

        Demonstrations and corrections give motions that requests should have, ratings weigh the
        motions there were, and two motions for the same request that were liked unlike, or of
        which one was chosen, give a preference.
        """
        left_out: Counter[str] = Counter()
        usable = []
        for interaction in sorted(interactions, key=lambda item: item.recorded):
            if why := self._unusable(interaction.tokens):
                left_out[why] += 1
            elif self.model and interaction.model not in ('', self.model):
                left_out[f'motion of {interaction.model}'] += 1
            elif not interaction.text.strip():
                left_out['no request'] += 1
            else:
                usable.append(interaction)
        examples = [
            *self._shown(usable, left_out),
            *self._corrected(usable, left_out, seed),
            *self._rated(usable),
        ]
        preferences = [
            *chosen(usable, self._recorded, left_out),
            *liked_better(usable, self.requests.encoded, self.weights),
        ]
        return Lessons(tuple(examples), tuple(preferences), dict(left_out))

    def _unusable(self, tokens: NDArray[np.int64]) -> str:
        """Return why tokens are no motion to learn from, or ''."""
        config = self.lm.config
        if not SHORTEST <= len(tokens) <= config.longest:
            return f'motion of {len(tokens)} tokens'
        if tokens.shape[1] != config.levels or tokens.max() >= config.codes:
            return 'tokens of another model'
        return ''

    def _recorded(self, interaction: Interaction) -> NDArray[np.int64] | None:
        """Return the tokens of the motion that an interaction prefers, if it can be used."""
        tokens = self.recorded(interaction)
        return None if tokens is None or self._unusable(tokens) else tokens

    def _shown(
        self, interactions: Sequence[Interaction], left_out: Counter[str]
    ) -> Iterator[Example]:
        """Yield what people have shown."""
        for interaction in interactions:
            if not interaction.feedback.demonstration:
                continue
            try:
                motion = demonstration.load(interaction.feedback.demonstration)
                tokens = spoken(self.tokenizer, motion, self.lm.config.longest)
            except (L2EmgError, OSError) as error:
                left_out[f'demonstration: {error}'] += 1
                continue
            meant = understood(interaction.feedback.correction).emotion(interaction.emotion)
            yield Example(interaction.id, interaction.text, meant, tokens)

    def _corrected(
        self, interactions: Sequence[Interaction], left_out: Counter[str], seed: int
    ) -> Iterator[Example]:
        """Yield motions as people said that they should have been."""
        again: list[tuple[Interaction, Correction]] = []
        for interaction in interactions:
            said = interaction.feedback
            if not said.correction or said.demonstration:
                continue
            correction = understood(said.correction)
            if not correction:
                left_out['correction not understood'] += 1
            elif correction.label or correction.intensity != 1.0:
                again.append((interaction, correction))
            elif (tokens := self._played(interaction, correction, left_out)) is not None:
                asked = interaction.emotion
                yield Example(interaction.id, interaction.text, asked, tokens, _CORRECTED)
        prompts = [Prompt(i.text, c.emotion(i.emotion)) for i, c in again]
        motions = performed(self.lm, self.requests, prompts, self.expert, seed)
        for (interaction, _), motion in zip(again, motions, strict=True):
            if len(motion) >= SHORTEST:
                # The same words and emotion shall give what the correction asks for.
                asked = interaction.emotion
                yield Example(interaction.id, interaction.text, asked, motion, _CORRECTED)

    def _played(
        self, interaction: Interaction, correction: Correction, left_out: Counter[str]
    ) -> Tensor | None:
        """Return the tokens of an interaction's motion, played as it should have been."""
        rows = decoded(self.tokenizer, [_tokens(interaction)])[0]
        most = self.lm.config.longest * FRAMES_PER_TOKEN / features.FPS
        motion = corrected(features.decode(rows.numpy()), correction, most)
        try:
            return spoken(self.tokenizer, motion, self.lm.config.longest)
        except L2EmgError as error:
            left_out[f'corrected {error}'] += 1
            return None

    def _rated(self, interactions: Sequence[Interaction]) -> Iterator[Example]:
        """Yield the motions there were, as heavy as they were liked."""
        for interaction, gain in zip(
            interactions, advantages(interactions, self.weights), strict=True
        ):
            if np.isnan(gain) or interaction.feedback.correction:
                continue
            weight = float(np.clip(np.exp(gain / _TEMPERATURE), 0.0, _MOST_WEIGHT))
            asked, tokens = interaction.emotion, _tokens(interaction)
            yield Example(interaction.id, interaction.text, asked, tokens, weight, rated=True)


def _tokens(interaction: Interaction) -> Tensor:
    return torch.from_numpy(np.array(interaction.tokens))
