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
"""How much a person liked a motion, as one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.lifelong.interaction import Interaction


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """What counts how much.

    Attributes:
        rating: Of the rating in [-1, 1].
        valence: Of how much better the person feels after the motion, in [-1, 1].
        completed: Of a motion that was played to its end.
        trimmed: Taken away for the share of it that safety changed.
        memory: How slowly the expected reward follows the rewards, in [0, 1).
        sure: Confidence below which a person's emotion is not believed.
    """

    rating: float = 0.5
    valence: float = 0.3
    completed: float = 0.2
    trimmed: float = 0.5
    memory: float = 0.9
    sure: float = 0.4


def reward(interaction: Interaction, weights: RewardWeights) -> float | None:
    """Return the reward of one interaction; None where the person showed nothing."""
    said = interaction.feedback
    sure = min(said.confidence_before, said.confidence_after)
    before, after = said.human_before, said.human_after
    felt = before is not None and after is not None and sure >= weights.sure
    if said.rating is None and not felt:
        return None
    total = weights.rating * (said.rating or 0.0)
    if felt and before is not None and after is not None:
        change = float(np.clip(after.valence - before.valence, -1.0, 1.0))
        total += weights.valence * change * sure
    if (outcome := interaction.outcome) is not None:
        total += weights.completed * outcome.completed - weights.trimmed * outcome.trimmed
    return total


def advantages(interactions: Sequence[Interaction], weights: RewardWeights) -> NDArray[np.float64]:
    """Return (n,) rewards above what was expected at their time; NaN where there is none.

    What is expected is a running mean of the rewards before in the same scenario, the first one's
    own. The result is in the order of ``interactions``.
    """
    expected: dict[str, float] = {}
    found = np.full(len(interactions), np.nan)
    for number in sorted(range(len(interactions)), key=lambda n: interactions[n].recorded):
        interaction = interactions[number]
        value = reward(interaction, weights)
        if value is None:
            continue
        before = expected.get(interaction.scenario, value)
        found[number] = value - before
        expected[interaction.scenario] = weights.memory * before + (1 - weights.memory) * value
    return found
