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
"""The decoder that reads prompt and motion tokens: a small one of ours, or a Hugging Face one."""

from __future__ import annotations

import os
from typing import Any

from safetensors import SafetensorError
import torch
from torch import nn, Tensor
from transformers import AutoConfig, AutoModel, LlamaConfig, LlamaModel, PreTrainedModel

from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.model.config import LmConfig

# Tokens of motion and prompt have embeddings outside the decoder.
_WORDLESS: dict[str, Any] = {
    'vocab_size': 1,
    'pad_token_id': None,
    'bos_token_id': None,
    'eos_token_id': None,
}


def build(config: LmConfig) -> nn.Module:
    """Return a decoder of ``config.width`` with fresh weights.

    It reads embeddings and gives states; motion tokens have embeddings and heads of their own, so
    a table of words is kept only where the words are read through it.

    Raises:
        ModelNotLoaded: The configuration is of no class that transformers has, or of another
            width.
    """
    if config.backbone is None:
        return LlamaModel(
            LlamaConfig(
                hidden_size=config.width,
                intermediate_size=config.ff,
                num_hidden_layers=config.layers,
                num_attention_heads=config.heads,
                max_position_embeddings=1024,
                **_WORDLESS,
            )
        )
    described = dict(config.backbone)
    kind = described.pop('model_type', None)
    try:
        read = AutoConfig.for_model(kind, **{**described, **_WORDLESS})
        model: nn.Module = AutoModel.from_config(read)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelNotLoaded(f'backbone of type {kind!r}: {error}') from None
    if read.hidden_size != config.width:
        raise ModelNotLoaded(
            f'the backbone has width {read.hidden_size}: expected {config.width} as configured'
        )
    return model


def pretrained(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Tensor], Tensor]:
    """Return what a Hugging Face model directory holds; nothing is downloaded.

    Args:
        folder: Directory with ``config.json`` and weights of a causal language model.

    Returns:
        ``LmConfig.backbone``; the decoder's weights without its words; the (V, d) embeddings of
        its words.

    Raises:
        ModelNotLoaded: The directory holds none that transformers can load.
    """
    try:
        model = AutoModel.from_pretrained(
            str(folder), local_files_only=True, dtype=torch.float32, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ModelNotLoaded(f'{folder} holds no language model: {reason}') from None
    _check_decoder(model, str(folder))
    table = model.get_input_embeddings().weight
    state = {
        name: value
        for name, value in model.state_dict().items()
        if value.data_ptr() != table.data_ptr()
    }
    described = {**model.config.to_diff_dict(), 'model_type': model.config.model_type}
    return described, state, table.detach()


@torch.no_grad()
def _check_decoder(model: PreTrainedModel, where: str) -> None:
    """Check that a model reads from left to right and has layers that experts can adapt.

    Raises:
        ModelNotLoaded: A later input changes an earlier state, or no layer is ``nn.Linear``.
    """
    if not any(isinstance(module, nn.Linear) for module in model.modules()):
        raise ModelNotLoaded(f'{where} has no linear layer: expected some for the experts')
    first = torch.randn(1, 4, model.config.hidden_size)
    changed = torch.cat([first[:, :-1], -first[:, -1:]], dim=1)
    state, other = (model.eval()(inputs_embeds=x).last_hidden_state for x in (first, changed))
    if not torch.allclose(state[:, 0], other[:, 0], atol=1e-4):
        raise ModelNotLoaded(f'{where} reads in both directions: expected a causal decoder')
