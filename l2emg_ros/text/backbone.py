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
"""Words as a Hugging Face language model reads them: its tokenizer and its table of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
import torch
from torch import Tensor
from transformers import AutoTokenizer

from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.files import atomic_write, sha256
from l2emg_ros.text.encoder import MAX_ROWS, SENTENCE_ROWS

_TABLE = 'embeddings.safetensors'


class BackboneEncoder:
    """Embeddings of a language model's own tokens, frozen; mean and maximum tell the sentence."""

    def __init__(self, folder: str | os.PathLike[str], device: str | torch.device = 'cpu') -> None:
        """Load a folder that ``save`` wrote.

        Raises:
            ModelNotLoaded: Tokenizer or table is missing or damaged.
        """
        root = Path(folder)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(root), local_files_only=True)
            self._table = load_file(root / _TABLE)['weight'].float().to(device)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise ModelNotLoaded(f'{root} holds no tokenizer with embeddings: {reason}') from None
        self.name = f'embeddings@{sha256(root / _TABLE)[:12]}'
        self.width = self._table.shape[1]

    @staticmethod
    def save(
        source: str | os.PathLike[str], table: Tensor, folder: str | os.PathLike[str]
    ) -> None:
        """Copy a model's tokenizer and its (V, d) table of embeddings into a folder.

        Raises:
            ModelNotLoaded: The source has no tokenizer.
        """
        target = Path(folder)
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(source), local_files_only=True)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ModelNotLoaded(f'{source} holds no tokenizer: {reason}') from None
        target.mkdir(parents=True, exist_ok=True)
        tokenizer.save_pretrained(str(target))
        with atomic_write(target / _TABLE) as temporary:
            save_file({'weight': table.detach().half().cpu().contiguous()}, temporary)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return mean, maximum and embeddings of the tokens, a (2 + tokens, d) array a text."""
        result = []
        for text in texts:
            most = MAX_ROWS - SENTENCE_ROWS
            ids = self._tokenizer(text, truncation=True, max_length=most)['input_ids']
            with torch.inference_mode():
                at = torch.tensor(ids, dtype=torch.int64, device=self._table.device)
                # A tokenizer may find nothing to say of a text, such as a blank.
                rows = self._table[at] if ids else self._table.new_zeros(1, self.width)
                stacked = torch.cat([torch.stack([rows.mean(dim=0), rows.amax(dim=0)]), rows])
            result.append(stacked.cpu().numpy())
        return result
