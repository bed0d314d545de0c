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
"""Weights of another model that the base stage begins with."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from torch import Tensor

from l2emg_ros.errors import BadRequest
from l2emg_ros.generator import checkpoint
from l2emg_ros.model.config import LmConfig


def begin(folder: Path, config: LmConfig, digest: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights that a base begins with, and whose they are.

    Args:
        folder: Model folder to begin with.
        config: Sizes of the model to train.
        digest: Hash of its tokeniser.

    Raises:
        BadRequest: The model to begin with has another tokeniser or other sizes.
    """
    model = checkpoint.load(folder)
    if model.hashes()['tokenizer'] != digest:
        raise BadRequest(f'{folder} has another tokeniser: its codes mean other movements')
    sizes = dataclasses.replace(model.lm.config, longest=config.longest)
    if sizes != config:
        raise BadRequest(f'{folder} has other sizes: {sizes}, expected {config}')
    # The shared emotion expert belongs to stage 1, which begins anew.
    kept = {k: v for k, v in model.lm.state_dict().items() if not k.startswith('emotion_expert.')}
    return kept, {**model.hashes(), 'training': model.card['training']}
