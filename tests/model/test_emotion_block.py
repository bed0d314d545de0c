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
"""The emotion block: attention, dictionary and the forms an emotion comes in."""

from __future__ import annotations

import pytest
import torch

from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.emotion_block import CausalEmotionBlock

CONFIG = LmConfig(width=32, dictionary=4, emotion_slots=3)


def _block() -> CausalEmotionBlock:
    torch.manual_seed(0)
    return CausalEmotionBlock(CONFIG).eval().requires_grad_(False)


def _inputs(label: str, count: int = 1) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)
    mixture = torch.from_numpy(Emotion(label).weights()).float().expand(count, -1)
    text = torch.randn(count, 5, 32)
    return text, torch.ones(count, 5, dtype=torch.bool), mixture, torch.ones(count).bool()


def test_a_dictionary_of_one_entry_adds_a_constant() -> None:
    block = CausalEmotionBlock(LmConfig(width=32, dictionary=1, emotion_slots=3)).eval()
    inputs = _inputs('happy', 4)
    before = block(*inputs)
    block.set_dictionary(torch.randn(1, 32), torch.ones(1))
    shift = block(*inputs) - before
    torch.testing.assert_close(shift, shift[:1, :1].expand_as(shift), atol=1e-5, rtol=0)
    assert float(shift.detach().abs().max()) > 1e-3


def test_padding_does_not_change_the_slots() -> None:
    block = _block()
    text, mask, mixture, given = _inputs('sad')
    padded = torch.cat([text, torch.randn(1, 3, 32)], dim=1)
    longer = torch.cat([mask, torch.zeros(1, 3, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(
        block(padded, longer, mixture, given), block(text, mask, mixture, given)
    )


def test_an_emotion_that_is_not_given_is_not_read() -> None:
    block = _block()
    text, mask, mixture, given = _inputs('sad')
    other = torch.from_numpy(Emotion('happy').weights()).float()[None]
    assert torch.equal(block(text, mask, mixture, ~given), block(text, mask, other, ~given))
    assert not torch.equal(block(text, mask, mixture, given), block(text, mask, other, given))


def test_the_read_out_has_a_score_for_every_label() -> None:
    block = _block()
    assert block.read_out(block(*_inputs('calm', 2))).shape == (2, len(LABELS))


def _filled(mode: str) -> CausalEmotionBlock:
    torch.manual_seed(0)
    block = CausalEmotionBlock(LmConfig(width=32, dictionary=4, emotion_slots=3, cs_mode=mode))
    torch.manual_seed(2)
    block.set_dictionary(torch.randn(4, 32), torch.tensor([0.4, 0.3, 0.2, 0.1]))
    return block.eval().requires_grad_(False)


def test_off_leaves_the_dictionary_unread() -> None:
    inputs = _inputs('happy', 3)
    assert torch.equal(_filled('off')(*inputs), _block()(*inputs))


def test_the_marginal_adds_the_same_expectation_to_every_request() -> None:
    block, inputs = _filled('marginal'), _inputs('happy', 3)
    expected = block.masses @ block.cross_value(block.dictionary)
    shift = block(*inputs) - _block()(*inputs)
    wanted = block.fuse.weight[:, 32:] @ expected
    torch.testing.assert_close(shift, wanted.expand_as(shift), atol=1e-5, rtol=0)


def test_sampling_has_the_marginal_as_its_expectation() -> None:
    block, inputs = _filled('sample'), _inputs('happy', 2)
    torch.testing.assert_close(block(*inputs), _filled('marginal')(*inputs))
    block.train()
    torch.manual_seed(5)
    drawn = torch.stack([block(*inputs) for _ in range(400)])
    assert float(drawn.std(dim=0).max()) > 1e-3
    torch.testing.assert_close(drawn.mean(dim=0), block.eval()(*inputs), atol=0.05, rtol=0)


def test_attention_over_a_dictionary_depends_on_the_request() -> None:
    block, inputs = _filled('attention'), _inputs('happy', 3)
    shift = block(*inputs) - _block()(*inputs)
    assert float((shift[0] - shift[1]).abs().max()) > 1e-4


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ModelNotLoaded, match="cs_mode 'sum'"):
        CausalEmotionBlock(LmConfig(width=32, cs_mode='sum'))
