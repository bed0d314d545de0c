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
"""Decoders of Hugging Face go through the same code as our own, words and experts included."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tokenizers import models, pre_tokenizers, Tokenizer, trainers
import torch
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    BertConfig,
    Gemma2Config,
    GemmaConfig,
    GPT2Config,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.generator import checkpoint
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.generator.sampling import Decoder, Readings, Sampling
from l2emg_ros.model import backbone
from l2emg_ros.model.condition import Condition
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.text.backbone import BackboneEncoder
from tests.tiny import tiny_model

SIZES = {
    'hidden_size': 32,
    'intermediate_size': 48,
    'num_hidden_layers': 2,
    'num_attention_heads': 4,
    'num_key_value_heads': 2,
    'head_dim': 8,
    'max_position_embeddings': 512,
    'vocab_size': 290,
}
CLASSES = [LlamaConfig, Qwen2Config, Qwen3Config, GemmaConfig, Gemma2Config]


def _directory(folder: Path, kind: type[PretrainedConfig]) -> Path:
    """Write a tiny random causal language model with a tokenizer of its own."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(kind(**SIZES)).save_pretrained(folder)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learner = trainers.BpeTrainer(
        vocab_size=SIZES['vocab_size'],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=['<|endoftext|>'],
    )
    tokenizer.train_from_iterator(['wave to the visitor', 'bow and comfort the child'], learner)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token='<|endoftext|>')
    wrapped.save_pretrained(folder)
    return folder


def _config(folder: Path) -> tuple[LmConfig, dict[str, torch.Tensor], torch.Tensor]:
    described, state, words = backbone.pretrained(folder)
    config = LmConfig(
        codes=32, width=32, text_width=32, heads=4, dictionary=4, rank=4, gestures=5,
        backbone=described,
    )  # fmt: skip
    return config, state, words


@pytest.mark.parametrize('kind', CLASSES)
def test_a_directory_becomes_the_backbone_with_its_weights(
    kind: type[PretrainedConfig], tmp_path: Path
) -> None:
    config, state, words = _config(_directory(tmp_path, kind))
    assert words.shape == (290, 32)
    model = MotionLanguageModel(config).eval()
    left, unexpected = model.backbone.load_state_dict(state, strict=False)
    assert unexpected == []
    assert left == ['embed_tokens.weight']
    # The states are those of the original: only the words have moved out.
    original = AutoModelForCausalLM.from_pretrained(tmp_path).eval().model
    embeddings = torch.randn(1, 6, 32)
    with torch.no_grad():
        found = model.backbone(inputs_embeds=embeddings).last_hidden_state
        wanted = original(inputs_embeds=embeddings).last_hidden_state
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('kind', CLASSES)
def test_training_and_decoding_agree_with_an_expert(
    kind: type[PretrainedConfig], tmp_path: Path
) -> None:
    config, _, _ = _config(_directory(tmp_path, kind))
    torch.manual_seed(0)
    model = MotionLanguageModel(config).eval().requires_grad_(False)
    expert = model.new_expert().requires_grad_(False)
    for up in expert.up:
        torch.nn.init.normal_(up, std=0.1)
    condition = Condition(
        torch.randn(1, 4, 32),
        torch.ones(1, 4, dtype=torch.bool),
        torch.eye(13)[:1],
        torch.ones(1, dtype=torch.bool),
        torch.zeros(1, dtype=torch.int64),
    )
    tokens = torch.randint(32, (5, 2))
    states, _ = model.states(condition, [tokens], expert)
    plain, _ = model.states(condition, [tokens])
    assert float((states - plain).abs().max()) > 1e-3
    prompts, slots, composed = model.prompt(condition, expert)
    readings = Readings(prompts, slots.steering, composed, torch.ones(1))
    decoder = Decoder(model, torch.Generator().manual_seed(0), Sampling())
    for at in range(len(tokens) + 1):
        decoder.prefill(readings, tokens[:at].tolist())
        torch.testing.assert_close(decoder._states[0], states[at], atol=1e-4, rtol=1e-4)


def test_a_model_folder_with_a_foreign_backbone_speaks(tmp_path: Path) -> None:
    source = _directory(tmp_path / 'source', Qwen2Config)
    folder = tiny_model(tmp_path / 'model')
    config, state, words = _config(source)
    lm = MotionLanguageModel(config)
    lm.backbone.load_state_dict(state, strict=False)
    checkpoint.save_words(folder, source, words)
    encoder = checkpoint.encoder(folder)
    assert isinstance(encoder, BackboneEncoder)
    rows = encoder.encode(['wave to the visitor', 'bow'])
    ids = AutoTokenizer.from_pretrained(source)('bow')['input_ids']
    wanted = words[ids].half().float()
    torch.testing.assert_close(torch.from_numpy(rows[1][2:]), wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(torch.from_numpy(rows[1][0]), wanted.mean(dim=0))
    torch.testing.assert_close(torch.from_numpy(rows[1][1]), wanted.amax(dim=0))
    assert rows[0].shape[1] == 32
    for part in (folder / 'experts').rglob('*'):
        if part.is_file():
            part.unlink()
    checkpoint.save_base(folder, lm, encoder.name, {'seed': 0})
    motion = EmpathicGenerator.load(folder, device='cpu').generate(
        'bow to the visitor', emotion='happy', seconds=1.0, seed=0
    )
    assert motion.frames == 30


def test_folders_and_classes_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotLoaded, match='holds no language model'):
        backbone.pretrained(tmp_path)
    with pytest.raises(ModelNotLoaded, match='no tokenizer'):
        BackboneEncoder(tmp_path)
    config = LmConfig(width=32, backbone={'model_type': 'abacus'})
    with pytest.raises(ModelNotLoaded, match="'abacus'"):
        backbone.build(config)
    small, _, _ = _config(_directory(tmp_path, LlamaConfig))
    with pytest.raises(ModelNotLoaded, match='has width 32: expected 64'):
        backbone.build(dataclasses.replace(small, width=64))


def test_models_that_experts_or_streams_cannot_use_are_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    both = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    AutoModel.from_config(both).save_pretrained(tmp_path / 'bert')
    with pytest.raises(ModelNotLoaded, match='both directions'):
        backbone.pretrained(tmp_path / 'bert')
    convolutions = GPT2Config(vocab_size=50, n_embd=32, n_layer=1, n_head=2)
    AutoModel.from_config(convolutions).save_pretrained(tmp_path / 'gpt2')
    with pytest.raises(ModelNotLoaded, match='no linear layer'):
        backbone.pretrained(tmp_path / 'gpt2')
