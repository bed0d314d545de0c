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
"""When a robot should learn by itself, from what its log holds.

Enough must have been said that nobody has learned from yet, and there must be a need: requests
are unlike what is known, or people like what they see less and less.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
import re

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.learning.correction import understood
from l2emg_ros.learning.reward import advantages, reward, RewardWeights
from l2emg_ros.learning.scenario import SHORTEST
from l2emg_ros.lifelong.interaction import Interaction

_WINDOW, _WINDOWS = 16, 3
# Mean p-value of a window of requests below which they are of no known scenario.
_NOVEL = 0.05
NAME = 'situation_'


@dataclass(frozen=True, slots=True)
class Due:
    """Something to learn.

    Attributes:
        scenario: A known one, or the name of a new one.
        ids: Interactions to learn from, also those that were learned from before.
        fresh: Those of them that nobody has learned from.
        why: In words, with numbers.
    """

    scenario: str
    ids: tuple[str, ...]
    fresh: tuple[str, ...]
    why: str


def due(
    interactions: Sequence[Interaction],
    active: Collection[str],
    names: Collection[str],
    used: Collection[str],
    fewest: int,
    failed: Collection[str] = (),
    weights: RewardWeights | None = None,
) -> Due | None:
    """Return what should be learned now, or None.

    Args:
        interactions: What the log holds.
        active: Scenarios with an expert.
        names: Names of experts that are in use, active or not.
        used: Interactions that something was learned from, or was tried to be.
        fewest: Usable interactions that are needed.
        failed: Interactions that could not be learned from. They may be with others: half of
            ``fewest`` beside them are needed.
        weights: What counts how much in a reward.
    """
    weights = weights or RewardWeights()
    usable = [item for item in interactions if _usable(item, weights)]
    taken, in_vain, found = set(used), set(failed), []
    for scenario in ('', *sorted(active)):
        all_of = [item for item in usable if item.scenario == scenario]
        fresh = [item for item in all_of if item.id not in taken]
        untried = [item for item in fresh if item.id not in in_vain]
        if len(fresh) < fewest or len(untried) < max(fewest // 2, 1):
            continue
        gains = dict(zip((i.id for i in all_of), advantages(all_of, weights), strict=True))
        if why := _need(scenario, fresh, np.array([gains[item.id] for item in fresh])):
            found.append((len(fresh), scenario, all_of if scenario else fresh, fresh, why))
    if not found:
        return None
    # The most at once; of what is as much, the first by name.
    _, scenario, learned, fresh, why = max(found, key=lambda item: item[0])
    return Due(
        scenario or _new_name({*names, *active}),
        tuple(item.id for item in learned),
        tuple(item.id for item in fresh),
        why,
    )


def _usable(interaction: Interaction, weights: RewardWeights) -> bool:
    """Return whether an interaction can teach something."""
    said = interaction.feedback
    told = understood(said.correction) or said.demonstration or said.preferred_motion_id
    taught = bool(told) or reward(interaction, weights) is not None
    # What people show needs no motion of the robot's.
    moved = bool(said.demonstration) or len(interaction.tokens) >= SHORTEST
    return taught and moved and bool(interaction.text.strip())


def _need(scenario: str, fresh: Sequence[Interaction], gains: NDArray[np.float64]) -> str:
    """Return why something should be learned, or ''."""
    values = np.array([item.novelty_p_value for item in fresh])
    parts = np.array_split(values, max(len(values) // _WINDOW, 1))
    novelty = min(float(part.mean()) for part in parts)
    what = f'{len(fresh)} new interactions'
    if not scenario:
        return f'{what} without an expert (novelty p {novelty:.3f})'
    if novelty < _NOVEL:
        return f'{what} of {scenario} are unlike it (novelty p {novelty:.3f}, below {_NOVEL})'
    told = gains[~np.isnan(gains)][-_WINDOW * _WINDOWS :]
    if len(told) == _WINDOW * _WINDOWS:
        means = told.reshape(_WINDOWS, _WINDOW).mean(axis=1)
        if (means < 0.0).all():
            said = ', '.join(f'{mean:+.2f}' for mean in means)
            return f'{what} of {scenario} are liked less than expected, window by window: {said}'
    return ''


def _new_name(names: Collection[str]) -> str:
    """Return a name for a new scenario that nobody has used."""
    pattern = re.compile(NAME + r'(\d+)')
    numbers = [int(match[1]) for name in names if (match := pattern.fullmatch(name))]
    return f'{NAME}{max(numbers, default=0) + 1}'
