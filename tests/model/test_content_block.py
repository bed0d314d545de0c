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
"""The content block: what may be read, what comes out."""

from __future__ import annotations

import torch

from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.content_block import ContentBlock
from l2emg_ros.text.encoder import SENTENCE_ROWS

CONFIG = LmConfig(width=32, gestures=5)


def test_rows_that_may_not_be_read_do_not_matter() -> None:
    torch.manual_seed(0)
    block = ContentBlock(CONFIG).eval().requires_grad_(False)
    text, mask = torch.randn(2, 6, 32), torch.ones(2, 6, dtype=torch.bool)
    mask[:, 4:] = False
    shown = torch.ones(2, 6, dtype=torch.bool)
    told = torch.randn(2, 6, CONFIG.text_width)
    found = block(told, text, mask)
    assert not torch.allclose(found, block(told, text, shown))
    torch.testing.assert_close(found, block(told[:, :4], text[:, :4], mask[:, :4]))
    assert block.read_out(found).shape == (2, 5)


def test_the_whole_sentence_is_read_as_the_encoder_tells_it() -> None:
    torch.manual_seed(0)
    block = ContentBlock(CONFIG).eval().requires_grad_(False)
    text, mask = torch.randn(1, 5, 32), torch.ones(1, 5, dtype=torch.bool)
    told = torch.randn(1, 5, CONFIG.text_width)
    found = block(told, text, mask)
    for row in range(5):
        other = told.clone()
        other[:, row] += 1.0
        same = torch.equal(block(other, text, mask), found)
        assert same == (row >= SENTENCE_ROWS)
