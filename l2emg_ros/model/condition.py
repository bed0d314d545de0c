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
"""What a request says to the language model, as tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields
import math

import torch
from torch import Tensor

# Durations are told in 16 log-spaced buckets from 1 to 12 seconds; bucket 0 is "not told".
BUCKETS = 16
_SHORTEST, _LONGEST = 1.0, 12.0


def duration_bucket(seconds: float | None) -> int:
    """Return the number of a duration token; 0 for None."""
    if seconds is None:
        return 0
    place = math.log(seconds / _SHORTEST) / math.log(_LONGEST / _SHORTEST)
    return 1 + round(min(max(place, 0.0), 1.0) * (BUCKETS - 1))


@dataclass(frozen=True, slots=True)
class Condition:
    """What a batch of requests asks for, as tensors.

    Attributes:
        text: (B, L, text width) features, padded; the first ``SENTENCE_ROWS`` of
            ``text.encoder`` tell the sentence, the others its tokens.
        mask: (B, L) bool, True on tokens.
        emotion: (B, 13) mixtures over the emotion labels.
        given: (B,) bool, False where no emotion is named.
        duration: (B,) int64 duration buckets.
    """

    text: Tensor
    mask: Tensor
    emotion: Tensor
    given: Tensor
    duration: Tensor

    def to(self, device: torch.device) -> Condition:
        """Return the requests on a device."""
        return Condition(*(getattr(self, field.name).to(device) for field in fields(self)))

    def repeated(self, count: int) -> Condition:
        """Return the batch of requests ``count`` times, one after the other."""
        parts = (getattr(self, field.name) for field in fields(self))
        return Condition(*(torch.cat([part] * count) for part in parts))


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a batch of requests is not told, for training and for guidance.

    Attributes:
        words: Whether the backbone reads the slots alone; for the whole batch, because a batch
            without words is shorter.
        content: (B,) bool, True where nothing tells what to do: no words, no content slots. None
            withholds it nowhere.
        emotion: (B,) bool, True where the emotion slots are withheld; None withholds them nowhere.
        crossed: (B,) bool, True where the emotion slots are made from the words of the request
            before; None crosses them nowhere. Where the emotion is named the words must not
            matter: an intervention that training can make and a user cannot.
    """

    words: bool = False
    content: Tensor | None = None
    emotion: Tensor | None = None
    crossed: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """What the backbone reads beside the words.

    Attributes:
        content: (B, n_c, d) content slots, as made, withheld or not.
        emotion: (B, n_e, d) emotion slots, as made, withheld or not.
        steering: (B, d) what ``<mot>`` and every motion token carry of both, added to their
            embeddings: a small backbone would else lose the request behind the tokens that it has
            just spoken.
    """

    content: Tensor
    emotion: Tensor
    steering: Tensor
