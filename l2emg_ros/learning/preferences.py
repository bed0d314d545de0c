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
"""Which of two motions people liked better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
import itertools

import numpy as np
from numpy.typing import NDArray
import torch

from l2emg_ros.learning.lessons import Example, Preference
from l2emg_ros.learning.reward import advantages, RewardWeights
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.text import lexicon

# Difference of rewards that makes one of two motions the better one.
_GAP = 0.5
# Cosine of the encodings of two requests that are taken for one.
_ALIKE = 0.95
# Pairs in which one motion takes part: of a request that is made daily there are thousands.
_MOST_PAIRS = 4

Tokens = NDArray[np.int64]


def chosen(
    interactions: Sequence[Interaction],
    recorded: Callable[[Interaction], Tokens | None],
    left_out: Counter[str],
) -> Iterator[Preference]:
    """Yield the choices that people made between two motions.

    Args:
        interactions: Those with a motion that can be used.
        recorded: Returns the (L, levels) tokens of the motion that an interaction prefers, from
            its own recording; None where it has none that can be used.
        left_out: Counts why a choice could not be used.
    """
    known = {interaction.motion_id: interaction for interaction in interactions}
    for interaction in interactions:
        wanted = interaction.feedback.preferred_motion_id
        if not wanted or wanted == interaction.motion_id:
            continue
        other = known.get(wanted)
        better = recorded(interaction) if other is None else other.tokens
        if better is None:
            left_out['preferred motion was not recorded'] += 1
            continue
        # The person was asked about this request, whatever the other motion was made for.
        yield Preference(
            interaction.id,
            interaction.text,
            interaction.emotion,
            _tensor(better),
            _tensor(interaction.tokens),
            '' if other is None else other.id,
        )


def liked_better(
    interactions: Sequence[Interaction],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
    weights: RewardWeights,
) -> Iterator[Preference]:
    """Yield pairs of motions for much the same request of which one was liked clearly better.

    Args:
        interactions: Those with a motion that can be used.
        encode: Returns (n, width) encodings of n requests.
        weights: What counts how much in a reward.
    """
    gains = advantages(interactions, weights)
    rated = [n for n, gain in enumerate(gains) if not np.isnan(gain)]
    asked = {n: _plain(interactions[n].text) for n in rated}
    texts = sorted(set(asked.values()))
    if not texts:
        return
    place = {text: number for number, text in enumerate(texts)}
    rows = encode(texts)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs: Counter[int] = Counter()
    gaps = []
    for first, second in itertools.combinations(rated, 2):
        one, other = interactions[first], interactions[second]
        gap = gains[first] - gains[second]
        if abs(gap) <= _GAP or one.motion_id == other.motion_id or one.emotion != other.emotion:
            continue
        rows_of = rows[place[asked[first]]], rows[place[asked[second]]]
        if asked[first] == asked[second] or rows_of[0] @ rows_of[1] > _ALIKE:
            gaps.append((gap, first, second) if gap > 0 else (-gap, second, first))
    # The clearest first.
    for _, first, second in sorted(gaps, key=lambda item: (-item[0], *item[1:])):
        if max(pairs[first], pairs[second]) < _MOST_PAIRS:
            pairs.update((first, second))
            better, worse = interactions[first], interactions[second]
            yield Preference(
                better.id,
                better.text,
                better.emotion,
                _tensor(better.tokens),
                _tensor(worse.tokens),
                worse.id,
            )


def shown_instead(
    shown: Iterable[Example], interactions: Iterable[Interaction]
) -> Iterator[Preference]:
    """Yield what people showed against the motion in answer to which they showed it.

    Args:
        shown: Demonstrations, with the ids of their interactions.
        interactions: Those with a motion that can be used.
    """
    seen = {interaction.id: interaction for interaction in interactions}
    for example in shown:
        played = seen.get(example.id)
        # Who shows another emotion has said nothing of how the one asked for was played.
        if played is not None and played.emotion == example.emotion:
            about = (example.id, example.text, example.emotion, example.tokens)
            yield Preference(*about, _tensor(played.tokens), implied=True)


def _plain(text: str) -> str:
    """Return a request without what does not change it: capitals, spaces, punctuation."""
    return ' '.join(lexicon.words(text)) or text


def _tensor(tokens: Tokens) -> torch.Tensor:
    return torch.from_numpy(np.array(tokens))
