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
"""What the body shall do, apart from how it feels: content slots with a read-out of the gesture.

Beside the emotion's queries the content has queries of its own over the same text. Without a loss
of their own the words reach the motion through the token loss alone, which learns the wordings of
the corpus and little else; the read-out teaches the slots which gesture any wording asks for.
"""

from __future__ import annotations

import torch
from torch import nn, Tensor

from l2emg_ros.model.attention import InSampleAttention
from l2emg_ros.model.config import LmConfig
from l2emg_ros.text.encoder import SENTENCE_ROWS

# Exponent of the probabilities: of two gestures that a sentence may mean, one is performed, not a
# mixture.
_SHARPNESS = 2.0


class ContentBlock(nn.Module):
    """Text features to content slots: in-sample evidence plus the sentence as a whole."""

    def __init__(self, config: LmConfig) -> None:
        """Build the block with fresh weights."""
        super().__init__()
        self.inside = InSampleAttention(config.content_slots, config.width)
        # From the encoder's own features: the projection keeps what the motion needs, and unseen
        # wordings are told apart by more than that.
        self.sentence = nn.Sequential(
            nn.Linear(SENTENCE_ROWS * config.text_width, 2 * config.width),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(2 * config.width, config.content_slots * config.width),
        )
        self.head = nn.Sequential(
            # The wordings of training are few beside those of users.
            nn.Dropout(0.5),
            nn.Linear(config.content_slots * config.width, config.gestures),
        )
        self.names = nn.Parameter(torch.zeros(config.gestures, config.content_slots, config.width))

    def forward(self, features: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Return the (B, n_c, d) content slots.

        Args:
            features: (B, L, text width) text features as the encoder gives them.
            text: (B, L, d) the same, projected.
            mask: (B, L) bool, True on rows that may be read.
        """
        evidence: Tensor = self.inside(text, mask)
        whole = self.sentence(features[:, :SENTENCE_ROWS].flatten(1))
        return evidence + whole.view_as(evidence)

    def read_out(self, slots: Tensor) -> Tensor:
        """Return (B, gestures) logits over the gestures of the corpus of (B, n_c, d) slots."""
        return self.head(slots.flatten(1))

    def named(self, slots: Tensor) -> Tensor:
        """Return (B, n_c, d) slots with the gesture that they read as told outright.

        Slots of words unlike any of training lie where the backbone never was, though the read-out
        understands them. So it is told the read-out's answer in its own words: an embedding of
        each gesture, by the sharpened probabilities. No gradient reaches the read-out from here.
        """
        answer = nn.functional.softmax(_SHARPNESS * self.head[1](slots.detach().flatten(1)), dim=1)
        return slots + torch.einsum('bg,gnd->bnd', answer.detach().to(slots.dtype), self.names)
