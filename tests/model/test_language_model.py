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
"""The language model: what reaches the backbone, training and decoding agree."""

from __future__ import annotations

import torch
from torch import nn

from l2emg_ros.generator.sampling import Decoder, Sampling
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.language_model import Condition, MotionLanguageModel

CONFIG = LmConfig(
    codes=16, text_width=12, width=32, layers=2, heads=2, ff=32, dictionary=4, gestures=5
)


def _condition(words: int) -> Condition:
    torch.manual_seed(1)
    return Condition(
        text=torch.randn(2, words, 12),
        mask=torch.ones(2, words, dtype=torch.bool),
        emotion=torch.eye(13)[:2],
        given=torch.ones(2, dtype=torch.bool),
        duration=torch.zeros(2, dtype=torch.int64),
    )


def _model() -> MotionLanguageModel:
    torch.manual_seed(0)
    return MotionLanguageModel(CONFIG).eval().requires_grad_(False)


def test_the_content_does_not_hear_the_requested_emotion() -> None:
    model, condition = _model(), _condition(5)
    _, slots, _ = model.prompt(condition)
    flipped = Condition(
        condition.text, condition.mask, condition.emotion.flip(0), condition.given,
        condition.duration,
    )  # fmt: skip
    _, other, _ = model.prompt(flipped)
    assert torch.equal(slots.content, other.content)
    assert not torch.equal(slots.emotion, other.emotion)


def test_blind_requests_reach_the_backbone_through_the_slots_alone() -> None:
    model, condition = _model(), _condition(5)
    seen, told, _ = model.prompt(condition)
    blind, slots, _ = model.prompt(condition, blind=True)
    assert [len(s) - len(b) for s, b in zip(seen, blind, strict=True)] == [5, 5]
    assert torch.equal(slots.content, told.content)
    assert torch.equal(slots.steering, told.steering)
    begin = len(blind[0]) - 1 - CONFIG.emotion_slots - CONFIG.content_slots
    torch.testing.assert_close(blind[0][begin : begin + CONFIG.content_slots], slots.content[0])


def test_training_and_decoding_give_every_level_the_same_likelihood() -> None:
    model, condition = _model(), _condition(4)
    torch.manual_seed(2)
    tokens = [torch.randint(16, (7, 2)), torch.randint(16, (3, 2))]
    whole, _ = model.loss(condition, tokens)

    prompts, slots, _ = model.prompt(condition)
    first, second = [], []
    for prompt, steering, motion in zip(prompts, slots.steering, tokens, strict=True):
        decoder = Decoder(model, torch.Generator(), Sampling())
        for at in range(len(motion) + 1):
            decoder.prefill(prompt, steering, motion[:at].tolist(), None)
            logits = model.head(decoder._state)[0].log_softmax(-1)
            if at == len(motion):
                first.append(-logits[model.eos])
                break
            first.append(-logits[motion[at, 0]])
            further = model.level_logits(decoder._state, motion[at : at + 1], 1)[0]
            second.append(-further.log_softmax(-1)[motion[at, 1]])
    alone = torch.stack([torch.stack(first).mean(), torch.stack(second).mean()])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=0)


def test_what_is_drawn_is_what_was_read() -> None:
    """A step after drawing equals a new start with what was drawn."""
    model, condition = _model(), _condition(4)
    prompts, slots, _ = model.prompt(condition)
    going = Decoder(model, torch.Generator().manual_seed(3), Sampling())
    going.prefill(prompts[0], slots.steering[0], [], None)
    drawn = [going.next(allow_end=False) for _ in range(6)]
    assert all(codes is not None and len(codes) == 2 for codes in drawn)
    again = Decoder(model, torch.Generator(), Sampling())
    again.prefill(prompts[0], slots.steering[0], [codes for codes in drawn if codes], None)
    torch.testing.assert_close(going._state, again._state, atol=1e-5, rtol=0)


def test_the_end_is_drawn_only_where_it_is_allowed() -> None:
    model, condition = _model(), _condition(4)
    nn.init.zeros_(model.head.weight)
    prompts, slots, _ = model.prompt(condition)
    decoder = Decoder(model, torch.Generator().manual_seed(0), Sampling(top_p=1.0))
    decoder.prefill(prompts[0], slots.steering[0], [], None)
    assert all(decoder.next(allow_end=False) for _ in range(80))
    assert None in [decoder.next(allow_end=True) for _ in range(200)]
