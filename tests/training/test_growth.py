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
"""A tokeniser that grows says more and forgets nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2emg_ros import corpus
from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.model.config import TokenizerConfig
from l2emg_ros.model.tokenizer import MotionTokenizer
from l2emg_ros.motion import features
from l2emg_ros.training import growth
from l2emg_ros.training.growth import Fit


def _tokenizer() -> MotionTokenizer:
    torch.manual_seed(0)
    tokenizer = MotionTokenizer(TokenizerConfig(codes=16, levels=2, width=16, blocks=1))
    for book in tokenizer.codebooks:
        book.codes.normal_(std=0.1)
    return tokenizer.eval().requires_grad_(False)


@pytest.fixture(scope='module')
def motions() -> list[torch.Tensor]:
    neutral = np.eye(len(LABELS))[0]
    made = [corpus.synthesise(g, neutral, np.random.default_rng(0)) for g in ('wave', 'squat')]
    return [torch.from_numpy(features.encode(motion)) for motion in made]


def test_golden_tokens_decode_to_the_same_bits_after_growth(motions: list[torch.Tensor]) -> None:
    tokenizer = _tokenizer()
    golden = tokenizer.encode(motions[0][None])
    before = tokenizer.decode(golden)
    weights = {name: value.clone() for name, value in tokenizer.state_dict().items()}
    growth.grow(tokenizer, motions, seed=0)
    assert torch.equal(tokenizer.decode(golden), before)
    assert torch.equal(tokenizer.encode(motions[0][None])[..., :2], golden)
    after = tokenizer.state_dict()
    assert all(torch.equal(after[name], value) for name, value in weights.items())
    assert tokenizer.config.levels == 3


def test_a_new_level_says_what_was_left_over(motions: list[torch.Tensor]) -> None:
    tokenizer = _tokenizer()
    latents = torch.cat([tokenizer.latents(m[None])[0] for m in motions])

    def left() -> float:
        total, _ = tokenizer.quantise(latents, tokenizer.config.levels)
        return float((latents - total).square().mean())

    before = left()
    growth.grow(tokenizer, motions, seed=0)
    assert left() < 0.5 * before
    tokens = tokenizer.encode(motions[0][None])
    assert tokens.shape[-1] == 3
    assert len(tokens[..., 2].unique()) > 3


def test_the_ratio_takes_the_worse_of_mean_and_tail(motions: list[torch.Tensor]) -> None:
    known = Fit(10.0, 20.0)
    assert Fit(11.0, 30.0).ratio(known) == 1.5
    assert Fit(11.0, 30.0).asks_for_growth(known)
    assert not Fit(12.0, 22.0).asks_for_growth(known)
    found = growth.fit(_tokenizer(), motions)
    assert found.worst > found.mean > 0


def test_too_little_motion_is_refused(motions: list[torch.Tensor]) -> None:
    with pytest.raises(BadRequest, match='no motion has 4 frames'):
        growth.fit(_tokenizer(), [motions[0][:3]])
    with pytest.raises(BadRequest, match='5 tokens of motion: expected at least 16'):
        growth.grow(_tokenizer(), [motions[0][:20]], seed=0)
