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
"""Sentences that train without a motion: what to do, and how it feels, in any words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l2emg_ros.corpus import GESTURES
from l2emg_ros.text import lexicon

# How often an expression of the lexicon is joined to a request; it stands alone once more.
_JOINED = 8


@dataclass(frozen=True)
class Wordings:
    """Free sentences of gestures, and sentences that say an emotion.

    Attributes:
        requests: Free sentences of every gesture.
        feelings: Label and sentence: an expression of the lexicon, alone or with a request.
    """

    requests: dict[str, tuple[str, ...]]
    feelings: tuple[tuple[str, str], ...]

    @property
    def texts(self) -> set[str]:
        """Every sentence."""
        free = {text for listed in self.requests.values() for text in listed}
        return free | {text for _, text in self.feelings}


def wordings(most: int | None = None, seed: int = 0) -> Wordings:
    """Return the shipped sentences.

    Args:
        most: Sentences of each gesture and expressions of each label; None takes all.
        seed: Which requests the expressions are joined to.
    """
    requests = {name: gesture.sentences[:most] for name, gesture in sorted(GESTURES.items())}
    free = [text for listed in requests.values() for text in listed]
    rng = np.random.default_rng(seed)
    feelings = []
    for label, listed in lexicon.expressions().items():
        for expression in listed[:most]:
            feelings.append((label, expression))
            for number in rng.integers(len(free), size=_JOINED):
                request = free[number].rstrip('.!?')
                first = rng.random() < 0.3
                joined = f'{expression}, {request}' if first else f'{request}, {expression}'
                feelings.append((label, joined))
    return Wordings(requests, tuple(feelings))
