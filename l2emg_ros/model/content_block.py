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

from torch import nn, Tensor

from l2emg_ros.model.attention import InSampleAttention
from l2emg_ros.model.config import LmConfig


class ContentBlock(nn.Module):
    """Text features to content slots: in-sample evidence plus the sentence as a whole."""

    def __init__(self, config: LmConfig) -> None:
        """Build the block with fresh weights."""
        super().__init__()
        self.inside = InSampleAttention(config.content_slots, config.width)
        self.sentence = nn.Linear(config.width, config.width)
        self.head = nn.Sequential(
            # The wordings of training are few beside those of users.
            nn.Dropout(0.3),
            nn.Linear(config.content_slots * config.width, config.gestures),
        )

    def forward(self, text: Tensor, mask: Tensor) -> Tensor:
        """Return the (B, n_c, d) content slots.

        Args:
            text: (B, L, d) projected text features, the sentence in row 0.
            mask: (B, L) bool, True on rows that may be read.
        """
        return self.inside(text, mask) + self.sentence(text[:, :1])

    def read_out(self, slots: Tensor) -> Tensor:
        """Return (B, gestures) logits over the gestures of the corpus of (B, n_c, d) slots."""
        return self.head(slots.flatten(1))
