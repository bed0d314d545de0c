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

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn, Tensor

from l2emg_ros.generator.sampling import Decoder, guided, Readings, Sampling
from l2emg_ros.model.condition import Condition, Withheld
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.language_model import FAULTLESS, Misread, MotionLanguageModel

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


def _model(words: bool = False) -> MotionLanguageModel:
    torch.manual_seed(0)
    config = dataclasses.replace(CONFIG, words=words)
    return MotionLanguageModel(config).eval().requires_grad_(False)


def _alone(prompt: Tensor, steering: Tensor) -> Readings:
    return Readings([prompt], steering[None], None, torch.ones(1))


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
    model, condition = _model(words=True), _condition(5)
    seen, told, _ = model.prompt(condition)
    blind, slots, _ = model.prompt(condition, withheld=Withheld(words=True))
    assert [len(s) - len(b) for s, b in zip(seen, blind, strict=True)] == [5, 5]
    assert torch.equal(slots.content, told.content)
    assert torch.equal(slots.steering, told.steering)
    begin = len(blind[0]) - 1 - CONFIG.emotion_slots - CONFIG.content_slots
    torch.testing.assert_close(blind[0][begin : begin + CONFIG.content_slots], slots.content[0])
    never, _, _ = _model().prompt(condition)
    assert len(never[0]) == len(blind[0])


def test_crossed_requests_feel_what_is_named_and_not_what_the_words_of_another_do() -> None:
    model, condition = _model(), _condition(5)
    condition = dataclasses.replace(condition, given=torch.tensor([True, False]))
    _, plain, _ = model.prompt(condition)
    crossed = Withheld(crossed=torch.tensor([True, True]))
    _, slots, _ = model.prompt(condition, withheld=crossed)
    assert torch.equal(slots.content, plain.content)
    other = dataclasses.replace(condition, text=condition.text.flip(0))
    _, swapped, _ = model.prompt(other)
    torch.testing.assert_close(slots.emotion[0], swapped.emotion[0])
    assert not torch.equal(slots.emotion[0], plain.emotion[0])
    # Where only the words tell the emotion they stay.
    torch.testing.assert_close(slots.emotion[1], plain.emotion[1])


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
            decoder.prefill(_alone(prompt, steering), motion[:at].tolist())
            logits = model.head(decoder._states)[0].log_softmax(-1)
            if at == len(motion):
                first.append(-logits[model.eos])
                break
            first.append(-logits[motion[at, 0]])
            further = model.level_logits(decoder._states, motion[at : at + 1], 1)[0]
            second.append(-further.log_softmax(-1)[motion[at, 1]])
    alone = torch.stack([torch.stack(first).mean(), torch.stack(second).mean()])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=0)


def test_misread_motions_begin_like_another_or_lose_tokens() -> None:
    torch.manual_seed(0)
    motion, other = torch.zeros(40, 2, dtype=torch.int64), torch.ones(30, 2, dtype=torch.int64)
    assert torch.equal(FAULTLESS.read(motion, other, 16), motion)
    begins = []
    for _ in range(200):
        read = Misread(begin=0.5).read(motion, other, 16)[:, 0]
        begins.append(int(read.sum()))
        assert torch.equal(read, (torch.arange(40) < begins[-1]).long())
    assert 60 < np.count_nonzero(begins) < 140
    assert max(begins) == 30
    shares = [
        float((Misread(tokens=0.6).read(motion, other, 1000) != 0).any(dim=1).float().mean())
        for _ in range(200)
    ]
    assert min(shares) < 0.05
    assert 0.5 < max(shares) < 0.8
    assert np.mean(shares) == pytest.approx(0.3, abs=0.05)
    assert not bool(motion.any())


def test_what_is_drawn_is_what_was_read() -> None:
    """A step after drawing equals a new start with what was drawn."""
    model, condition = _model(), _condition(4)
    prompts, slots, _ = model.prompt(condition)
    going = Decoder(model, torch.Generator().manual_seed(3), Sampling())
    going.prefill(_alone(prompts[0], slots.steering[0]), [])
    drawn = [going.next(allow_end=False) for _ in range(6)]
    assert all(codes is not None and len(codes) == 2 for codes in drawn)
    again = Decoder(model, torch.Generator(), Sampling())
    again.prefill(_alone(prompts[0], slots.steering[0]), [codes for codes in drawn if codes])
    torch.testing.assert_close(going._states, again._states, atol=1e-5, rtol=0)


def test_the_end_is_drawn_only_where_it_is_allowed() -> None:
    model, condition = _model(), _condition(4)
    nn.init.zeros_(model.head.weight)
    prompts, slots, _ = model.prompt(condition)
    decoder = Decoder(model, torch.Generator().manual_seed(0), Sampling(top_p=1.0))
    decoder.prefill(_alone(prompts[0], slots.steering[0]), [])
    assert all(decoder.next(allow_end=False) for _ in range(80))
    assert None in [decoder.next(allow_end=True) for _ in range(200)]
    assert decoder.next(allow_end=True, urge=50.0) is None
    assert all(decoder.next(allow_end=True, urge=-50.0) for _ in range(80))


def test_guidance_of_one_is_none_and_its_weights_sum_to_one() -> None:
    withheld, weights = Sampling(content_guidance=1.0, emotion_guidance=1.0).readings()
    assert weights.tolist() == [1.0]
    assert not bool(withheld.content.any())
    assert not bool(withheld.emotion.any())
    for content, emotion in ((1.5, 1.5), (2.0, 1.0), (1.0, 3.0), (1.2, 1.7), (1.5, 0.0)):
        _, weights = Sampling(content_guidance=content, emotion_guidance=emotion).readings()
        assert float(weights.sum()) == pytest.approx(1.0)
    assert len(Sampling(content_guidance=1.5, emotion_guidance=1.5).readings()[1]) == 2


@pytest.mark.parametrize('words', [False, True], ids=['slots', 'words'])
def test_guidance_adds_the_logits_of_its_readings(words: bool) -> None:
    """As ``l_0 + w_c (l_c - l_0) + w_e (l_ce - l_c)``, also where prompts differ in length."""
    model, condition = _model(words=words), _condition(4)
    nn.init.normal_(model.no_content)
    nn.init.normal_(model.no_emotion)
    sampling = Sampling(content_guidance=1.4, emotion_guidance=2.0)
    one = Condition(*(getattr(condition, name)[:1] for name in condition.__slots__))
    withheld, weights = sampling.readings()
    prompts, slots, _ = model.prompt(one.repeated(3), withheld=withheld)
    assert (len({len(prompt) for prompt in prompts}) == 1) is not words
    both, content, nothing = (
        _logits(model, _alone(prompt, steering))
        for prompt, steering in zip(prompts, slots.steering, strict=True)
    )
    found = _logits(model, Readings(prompts, slots.steering, None, weights))
    wanted = nothing + 1.4 * (content - nothing) + 2.0 * (both - content)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def _logits(model: MotionLanguageModel, readings: Readings) -> Tensor:
    """Return the logits of the first level after a prompt and one token."""
    decoder = Decoder(model, torch.Generator(), Sampling())
    decoder.prefill(readings, [[1, 2]])
    return guided(model.head(decoder._states), decoder._weights)[0]


def test_what_is_withheld_does_not_reach_the_backbone() -> None:
    model, condition = _model(words=True), _condition(4)
    everywhere = torch.ones(2, dtype=torch.bool)
    other = Condition(
        torch.randn_like(condition.text), condition.mask, condition.emotion.flip(0),
        condition.given, condition.duration,
    )  # fmt: skip
    nothing = Withheld(content=everywhere, emotion=everywhere)
    first, _, _ = model.prompt(condition, withheld=nothing)
    second, _, _ = model.prompt(other, withheld=nothing)
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b)
    told, _, _ = model.prompt(condition)
    assert len(told[0]) > len(first[0])


def test_the_shared_expert_takes_part_once_it_has_learned_something() -> None:
    model, condition = _model(), _condition(4)
    _, _, composed = model.prompt(condition)
    assert composed is None
    nn.init.normal_(model.emotion_expert.up[0])
    _, _, composed = model.prompt(condition)
    assert composed is not None
    expert = model.new_expert()
    _, _, both = model.prompt(condition, expert)
    assert both is not None
    assert both.gate is not None
    assert both.gate.shape == (2, 1, 2 * CONFIG.rank)
    assert bool((both.gate == 1).all())
