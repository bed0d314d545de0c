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
"""The tokeniser is causal and streams what it decodes as a whole."""

from __future__ import annotations

import numpy as np
import pytest
from samples import random_motion
import torch

from l2emg_ros.model import kinematics
from l2emg_ros.model.config import TokenizerConfig
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.motion import features


@pytest.fixture(scope='module')
def tokenizer() -> MotionTokenizer:
    torch.manual_seed(0)
    result = MotionTokenizer(TokenizerConfig(codes=64, width=32, blocks=3)).eval()
    for book in result.codebooks:
        book.codes.normal_()
    return result.requires_grad_(False)


@pytest.mark.parametrize('seed', range(4))
def test_streamed_decoding_equals_offline_decoding(tokenizer: MotionTokenizer, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = torch.from_numpy(rng.integers(64, size=(1, 50, 2)))
    whole = tokenizer.decode(tokens)
    cache: dict[int, torch.Tensor] = {}
    pieces, start = [], 0
    while start < 50:
        size = int(rng.integers(1, 9))
        pieces.append(tokenizer.decode(tokens[:, start : start + size], cache))
        start += size
    assert whole.shape == (1, 50 * FRAMES_PER_TOKEN, features.FEATURE_DIM)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-5, rtol=0)


def test_a_token_knows_nothing_of_later_frames(tokenizer: MotionTokenizer) -> None:
    torch.manual_seed(1)
    motion = torch.randn(1, 80, features.FEATURE_DIM)
    later = motion.clone()
    later[:, 40:] = torch.randn(1, 40, features.FEATURE_DIM)
    assert torch.equal(tokenizer.latents(motion)[:, :10], tokenizer.latents(later)[:, :10])
    assert not torch.equal(tokenizer.latents(motion)[:, 10:], tokenizer.latents(later)[:, 10:])


def test_a_frame_knows_nothing_of_later_tokens(tokenizer: MotionTokenizer) -> None:
    tokens = torch.arange(20)[None, :, None].expand(1, 20, 2)
    other = tokens.clone()
    other[:, 12:] += 30
    same, changed = tokenizer.decode(tokens), tokenizer.decode(other)
    assert torch.equal(same[:, :48], changed[:, :48])
    assert not torch.equal(same[:, 48:], changed[:, 48:])


def test_each_level_brings_the_codes_nearer_to_the_latents() -> None:
    torch.manual_seed(3)
    generator = torch.Generator().manual_seed(0)
    books = MotionTokenizer(TokenizerConfig(codes=16, width=32, blocks=1))
    latents = torch.randn(512, 32)
    for _ in range(30):
        books.quantise(latents, 2, generator)
    further = books.codebooks[1].codes.clone()
    books.quantise(latents, 1, generator)
    assert torch.equal(books.codebooks[1].codes, further)
    one, _ = books.quantise(latents, 1)
    two, numbers = books.quantise(latents, 2)
    assert torch.equal(numbers[:, 0], books.codebooks[0].nearest(latents))
    assert (latents - two).square().mean() < 0.95 * (latents - one).square().mean()


def test_encoding_is_quantising(tokenizer: MotionTokenizer) -> None:
    torch.manual_seed(4)
    motion = torch.randn(2, 40, features.FEATURE_DIM)
    tokens = tokenizer.encode(motion)
    assert tokens.shape == (2, 10, 2)
    latents = tokenizer.latents(motion)
    summed, _ = tokenizer.quantise(latents, 2)
    torch.testing.assert_close(tokenizer.decode(tokens), tokenizer.reconstruct(summed))


def test_torch_kinematics_agree_with_the_motion_core() -> None:
    motion = random_motion(2)
    encoded = features.encode(motion)
    made = kinematics.joint_positions(torch.from_numpy(encoded)[None].double())[0].numpy()
    back = features.decode(encoded)
    heading = features.heading(back.rotations[:, 0])
    cos, sin = np.cos(-heading)[:, None], np.sin(-heading)[:, None]
    relative = back.joint_positions() - back.root_translation[:, None] * [1, 1, 0]
    turned = relative.copy()
    turned[..., 0] = cos * relative[..., 0] - sin * relative[..., 1]
    turned[..., 1] = sin * relative[..., 0] + cos * relative[..., 1]
    np.testing.assert_allclose(made, turned, atol=1e-5)


def test_the_codebook_follows_its_latents_and_revives_dead_entries() -> None:
    torch.manual_seed(0)
    codebook = MotionTokenizer(TokenizerConfig(codes=8, width=4, blocks=1)).codebooks[0]
    generator = torch.Generator().manual_seed(0)
    codebook.update(torch.randn(128, 4), generator)
    codebook.codes[3] = codebook.sums[3] = 1000.0
    assert 3 not in codebook.nearest(torch.randn(512, 4))
    for _ in range(600):
        codebook.update(torch.randn(128, 4) + 5.0, generator)
    latents = torch.randn(512, 4) + 5.0
    used = codebook.nearest(latents)
    assert sorted(set(used.tolist())) == list(range(8))
    # Eight entries explain a cloud better than its centre alone.
    error = (latents - codebook.codes[used]).square().mean()
    assert float(error) < 0.7 * float((latents - latents.mean(0)).square().mean())
