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
from l2emg_ros.learning.lessons import Example, Lessons, Preference
from l2emg_ros.learning.performance import decoded, performed, Prompt, Requests
from l2emg_ros.learning.preferences import chosen, liked_better, shown_instead
from l2emg_ros.learning.reward import advantages, RewardWeights
from l2emg_ros.learning.scenario import SHORTEST, spoken
from l2emg_ros.lifelong import demonstration
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.motion.features import FPS
from l2emg_ros.motion.finish import finished
from l2emg_ros.motion.motion import Motion

# What people say counts as what they show; ratings hardly tell motions of one request apart.
_CORRECTED, _RATED = 1.0, 0.3
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
        robot: Whose trajectories people may have shown, unless these name a shipped one: a shipped
            name or a map file.
    """

    lm: MotionLanguageModel
    tokenizer: MotionTokenizer
    requests: Requests
    expert: ScenarioExpert | None
    weights: RewardWeights = field(default_factory=RewardWeights)
    recorded: Callable[[Interaction], NDArray[np.int64] | None] = lambda _: None
    model: str = ''
    robot: str = ''

    def lessons(self, interactions: Sequence[Interaction], seed: int) -> Lessons:
        """Return what interactions teach.

        Demonstrations and corrections give motions that requests should have, ratings weigh the
        motions there were. A preference comes of two motions for the same request that were liked
        unlike, or of which one was chosen, or of which one was shown in answer to the other.
        """
        left_out: Counter[str] = Counter()
        asked, usable = [], []
        for interaction in sorted(interactions, key=lambda item: item.recorded):
            if not interaction.text.strip():
                left_out['no request'] += 1
                continue
            asked.append(interaction)
            why = self._unusable(interaction.tokens)
            if not why and self.model and interaction.model not in ('', self.model):
                why = f'motion of {interaction.model}'
            if not why:
                usable.append(interaction)
            elif not interaction.feedback.demonstration:
                left_out[why] += 1
        # What people show needs no usable motion of the robot's.
        shown = list(self._shown(asked, left_out))
        played, directed = self._played(usable, left_out)
        examples = [
            *shown,
            *played,
            *self._performed_anew(usable, left_out, seed),
            *self._rated(usable),
        ]
        preferences = [
            *directed,
            *chosen(usable, self._recorded, left_out),
            *liked_better(usable, self.requests.encoded, self.weights),
            *shown_instead(shown, usable),
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
                motion = demonstration.load_for(self.robot, interaction.feedback.demonstration)
                tokens = spoken(self.tokenizer, motion, self.lm.config.longest)
            except (L2EmgError, OSError) as error:
                left_out[f'demonstration: {error}'] += 1
                continue
            meant = understood(interaction.feedback.correction).emotion(interaction.emotion)
            yield Example(interaction.id, interaction.text, meant, tokens)

    def _played(
        self, interactions: Sequence[Interaction], left_out: Counter[str]
    ) -> tuple[list[Example], list[Preference]]:
        """Return motions played with the pace and size that people asked for.

        Each is better than the same one played the other way: both were played otherwise, so that
        their likelihoods differ by nothing but the direction.
        """
        examples, preferences = [], []
        for interaction in interactions:
            said = interaction.feedback
            asked = understood(said.correction)
            if said.demonstration or _anew(asked) or not asked:
                continue
            motion = finished(decoded(self.tokenizer, [_tokens(interaction)])[0].numpy())
            better, worse = (
                self._tokens_of(motion, change) for change in (asked, asked.opposite())
            )
            if better is None:
                left_out['corrected motion is too short'] += 1
                continue
            about = (interaction.id, interaction.text, interaction.emotion)
            examples.append(Example(*about, better, _CORRECTED, played=True))
            if worse is not None:
                preferences.append(Preference(*about, better, worse))
        return examples, preferences

    def _tokens_of(self, motion: Motion, change: Correction) -> Tensor | None:
        """Return a motion played otherwise, no slower than fits; None where it gets too short."""
        longest = self.lm.config.longest * FRAMES_PER_TOKEN / FPS
        try:
            played = corrected(motion, change, longest)
            return spoken(self.tokenizer, played, self.lm.config.longest)
        except L2EmgError:
            return None

    def _performed_anew(
        self, interactions: Sequence[Interaction], left_out: Counter[str], seed: int
    ) -> Iterator[Example]:
        """Yield performances with the emotion that people asked for instead."""
        again: list[tuple[Interaction, Correction]] = []
        for interaction in interactions:
            said = interaction.feedback
            if not said.correction or said.demonstration:
                continue
            correction = understood(said.correction)
            if not correction:
                left_out['correction not understood'] += 1
            elif _anew(correction):
                again.append((interaction, correction))
        prompts = [Prompt(i.text, c.emotion(i.emotion)) for i, c in again]
        motions = performed(self.lm, self.requests, prompts, self.expert, seed)
        for (interaction, _), motion in zip(again, motions, strict=True):
            if len(motion) >= SHORTEST:
                # The same words and emotion shall give what the correction asks for.
                asked = interaction.emotion
                yield Example(interaction.id, interaction.text, asked, motion, _CORRECTED)

    def _rated(self, interactions: Sequence[Interaction]) -> Iterator[Example]:
        """Yield the motions there were, as heavy as they were liked."""
        for interaction, gain in zip(
            interactions, advantages(interactions, self.weights), strict=True
        ):
            said = interaction.feedback
            # Who says or shows how it should be has it learned in place of what there was.
            if np.isnan(gain) or understood(said.correction) or said.demonstration:
                continue
            weight = _RATED * float(np.clip(np.exp(gain / _TEMPERATURE), 0.0, _MOST_WEIGHT))
            asked, tokens = interaction.emotion, _tokens(interaction)
            yield Example(interaction.id, interaction.text, asked, tokens, weight, rated=True)


def _anew(correction: Correction) -> bool:
    """Return whether a motion has to be performed anew: no playing changes its emotion."""
    return bool(correction.label) or correction.intensity != 1.0


def _tokens(interaction: Interaction) -> Tensor:
    return torch.from_numpy(np.array(interaction.tokens))
