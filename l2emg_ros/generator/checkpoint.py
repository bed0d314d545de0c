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
"""Model folders: ``model.json`` with sizes and hashes, safetensors beside it, experts below it."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass
from functools import cached_property
import os
from pathlib import Path
import shutil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
import torch
from torch import nn, Tensor

from l2emg_ros.errors import ExpertIntegrityError, ModelNotLoaded
from l2emg_ros.experts.place import registry_for
from l2emg_ros.experts.registry import Registry, Tensors
from l2emg_ros.files import atomic_write, read_json, sha256, write_json
from l2emg_ros.model.config import from_dict, LmConfig, TokenizerConfig
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.model.tokenizer import MotionTokenizer
from l2emg_ros.text.backbone import BackboneEncoder
from l2emg_ros.text.encoder import MiniLmEncoder, TextEncoder

FORMAT = 3
WORDS = 'words'
TOKENIZER, BASE, EMOTION = 'tokenizer.safetensors', 'base.safetensors', 'emotion.safetensors'
# What stage 1 trains.
_EMOTION_PREFIXES = ('content.', 'emotion.', 'emotion_expert.')
NON_COMMERCIAL = 'non-commercial: trained on data that forbids commercial use'
# What only training needs.
_TRAINING_ONLY = ('.counts', '.sums')


@dataclass(frozen=True)
class Model:
    """A loaded model: tokeniser and language model in evaluation mode, and what is known of them.

    Attributes:
        card: The contents of ``model.json``.
        experts: Where learned experts are, as in ``registry_for``; None is beside the model.
    """

    folder: Path
    card: dict[str, Any]
    tokenizer: MotionTokenizer
    lm: MotionLanguageModel
    experts: Path | None = None

    @property
    def name(self) -> str:
        """Name and version, as stored in every motion it makes."""
        return f'{self.card["name"]}@{self.card["version"]}'

    @cached_property
    def registry(self) -> Registry:
        """The experts of the model."""
        return registry_for(self.folder, self.experts)

    def hashes(self) -> dict[str, str]:
        """Return the hashes that an expert's manifest records."""
        files = self.card['files']
        return {'base': files[BASE], 'tokenizer': files[TOKENIZER], 'emotion': files[EMOTION]}

    def expert(self, name: str, version: str = '') -> ScenarioExpert:
        """Load an expert after checking its hashes and that it was trained on this model.

        Raises:
            ExpertIntegrityError: A hash differs, or it belongs to another model.
        """
        manifest, adapter, slots = self.registry.load(name, version)
        for part, digest in self.hashes().items():
            if manifest.get('hashes', {}).get(part) != digest:
                raise ExpertIntegrityError(
                    f'expert {name!r} was trained on another {part}: expected {digest[:12]}...'
                )
        expert = expert_from_tensors(self.lm, adapter, slots)
        if different := set(manifest['target_modules']) ^ set(expert.names):
            raise ExpertIntegrityError(
                f'expert {name!r} has other layers than the model: {sorted(different)[0]}'
            )
        return expert


def card(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the contents of ``model.json``.

    Raises:
        ModelNotLoaded: There is none, or it is damaged or of another format.
    """
    path = Path(folder) / 'model.json'
    if not path.is_file():
        raise ModelNotLoaded(f'{folder} is not a model folder: expected model.json in it')
    try:
        value = dict(read_json(path))
        version = value['format']
    except (ValueError, TypeError, KeyError) as error:
        raise ModelNotLoaded(f'{path} is damaged: {error!r}') from None
    if version != FORMAT:
        raise ModelNotLoaded(f'{path} has format {version}: expected {FORMAT}')
    return value


def device(name: str) -> torch.device:
    """Return the device of a name: 'cpu', 'cuda', or 'auto' for cuda where there is one.

    Raises:
        ModelNotLoaded: The machine has no such device.
    """
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelNotLoaded(f'device {name!r} is not available: {reason}') from None


def load(
    folder: str | os.PathLike[str],
    device: str | torch.device = 'cpu',
    experts: str | os.PathLike[str] | None = None,
) -> Model:
    """Load a model folder.

    Args:
        folder: Model folder.
        device: Torch device.
        experts: Where learned experts are, as in ``registry_for``; None is beside the model.

    Raises:
        ModelNotLoaded: A part is missing or has other sizes than ``model.json`` says.
        ExpertIntegrityError: A file has another hash than ``model.json`` says.
    """
    root = Path(folder)
    described = card(root)
    for name in (TOKENIZER, BASE, EMOTION):
        if name not in described.get('files', {}):
            raise ModelNotLoaded(f'{root}/model.json names no {name}: the model is not complete')
        if not (root / name).is_file():
            raise ModelNotLoaded(f'{root / name} is missing')
        if sha256(root / name) != described['files'][name]:
            raise ExpertIntegrityError(f'{root / name} differs from its hash in model.json')
    tokenizer = load_tokenizer(root)
    lm = MotionLanguageModel(from_dict(LmConfig, described['lm'], f'{root}/model.json'))
    _fill(lm, {**_read(root / BASE), **_read(root / EMOTION)}, root)
    for module in (tokenizer, lm):
        module.eval().requires_grad_(False).to(device)
    place = None if experts is None else Path(experts)
    return Model(root, described, tokenizer, lm, place)


def load_tokenizer(folder: str | os.PathLike[str]) -> MotionTokenizer:
    """Load the tokeniser of a model folder that may hold nothing else yet."""
    root = Path(folder)
    config = from_dict(TokenizerConfig, card(root)['tokenizer'], f'{root}/model.json')
    tokenizer = MotionTokenizer(config)
    _fill(tokenizer, _read(root / TOKENIZER), root)
    return tokenizer.eval()


def encoder(
    folder: str | os.PathLike[str],
    device: str | torch.device = 'cpu',
    minilm: str | os.PathLike[str] | None = None,
) -> TextEncoder:
    """Return the text encoder of a model folder: its own words where it has them, or MiniLM.

    Args:
        folder: Model folder.
        device: Torch device.
        minilm: Folder of all-MiniLM-L6-v2; None looks in the usual places.

    Raises:
        ModelNotLoaded: The encoder is missing or damaged.
        ExpertIntegrityError: The weights of MiniLM are not the expected ones.
    """
    words = Path(folder) / WORDS
    return BackboneEncoder(words, device) if words.is_dir() else MiniLmEncoder(minilm, device)


def save_words(
    folder: str | os.PathLike[str],
    source: str | os.PathLike[str] | None,
    table: Tensor | None,
) -> None:
    """Give a model folder the words of a language model, tokenizer and (V, d) embeddings.

    Without a source and a table it has none of its own: text is read through MiniLM.
    """
    words = Path(folder) / WORDS
    if words.is_dir():
        shutil.rmtree(words)
    if source is not None and table is not None:
        BackboneEncoder.save(source, table, words)


def save_tokenizer(
    folder: str | os.PathLike[str], tokenizer: MotionTokenizer, record: Mapping[str, Any]
) -> None:
    """Write a frozen tokeniser and start the card of its model.

    Args:
        folder: Model folder.
        tokenizer: Trained tokeniser.
        record: How it was made: seed, steps, corpus, metrics.
    """
    root = Path(folder)
    state = {k: v for k, v in tokenizer.state_dict().items() if not k.endswith(_TRAINING_ONLY)}
    digest = _write(root / TOKENIZER, state)
    write_json(
        root / 'model.json',
        {
            'format': FORMAT,
            'name': root.resolve().name,
            'version': '0.1.0',
            'licence': 'Apache-2.0' if record.get('commercial', True) else NON_COMMERCIAL,
            'tokenizer': dataclasses.asdict(tokenizer.config),
            'files': {TOKENIZER: digest},
            'training': {'tokenizer': dict(record)},
        },
    )


def save_base(
    folder: str | os.PathLike[str],
    lm: MotionLanguageModel,
    text_encoder: str,
    record: Mapping[str, Any],
    practice: Mapping[str, Any] | None = None,
) -> None:
    """Write a frozen backbone, its content and emotion blocks, beside their tokeniser.

    Args:
        folder: Model folder.
        lm: Language model.
        text_encoder: Name of the encoder that it reads through.
        record: What the card says of the base stage.
        practice: What it says of practice, or None before it.
    """
    root = Path(folder)
    described = card(root)
    state = {k: v for k, v in lm.state_dict().items() if not k.startswith(_EMOTION_PREFIXES)}
    described['files'][BASE] = _write(root / BASE, state)
    described['lm'] = dataclasses.asdict(lm.config)
    described['text_encoder'] = text_encoder
    described['training']['base'] = dict(record)
    for later in ('practice', 'emotion'):
        described['training'].pop(later, None)
    if practice is not None:
        described['training']['practice'] = dict(practice)
    _save_emotion(root, lm, described)


def save_emotion(
    folder: str | os.PathLike[str], lm: MotionLanguageModel, record: Mapping[str, Any]
) -> None:
    """Write a frozen emotion block and the shared emotion expert into a model folder."""
    root = Path(folder)
    described = card(root)
    described['training']['emotion'] = dict(record)
    _save_emotion(root, lm, described)


def _save_emotion(root: Path, lm: MotionLanguageModel, described: dict[str, Any]) -> None:
    """Write what stage 1 trains, and the card."""
    part = {k: v for k, v in lm.state_dict().items() if k.startswith(_EMOTION_PREFIXES)}
    described['files'][EMOTION] = _write(root / EMOTION, part)
    write_json(root / 'model.json', described)


def expert_tensors(expert: ScenarioExpert) -> tuple[Tensors, Tensors]:
    """Return the adapter tensors in peft's layout, and the slot tensors, in half precision."""

    def stored(tensor: Tensor) -> NDArray[np.floating[Any]]:
        return np.asarray(tensor.detach().half().cpu())

    adapter: Tensors = {}
    for name, down, up in zip(expert.names, expert.down, expert.up, strict=True):
        adapter[f'{name}.lora_A.weight'] = stored(down)
        adapter[f'{name}.lora_B.weight'] = stored(up)
    slots = {'queries': stored(expert.queries), 'gate.weight': stored(expert.gate.weight)}
    return adapter, slots


def expert_from_tensors(
    lm: MotionLanguageModel, adapter: Tensors, slots: Tensors
) -> ScenarioExpert:
    """Build an expert of a language model from its tensors.

    Raises:
        ExpertIntegrityError: A tensor is missing or has another shape.
    """
    expert = lm.new_expert()
    device = lm.base_slots.device
    state = {name: torch.from_numpy(value) for name, value in slots.items()}
    for number, name in enumerate(expert.names):
        for part, key in (('down', 'lora_A'), ('up', 'lora_B')):
            tensor = adapter.get(f'{name}.{key}.weight')
            if tensor is None:
                raise ExpertIntegrityError(f'the expert has no {name}.{key}.weight')
            state[f'{part}.{number}'] = torch.from_numpy(tensor)
    try:
        expert.load_state_dict(state)
    except RuntimeError as error:
        raise ExpertIntegrityError(' '.join(str(error).split())) from None
    return expert.eval().requires_grad_(False).to(device)


def _write(path: Path, state: Mapping[str, Tensor]) -> str:
    """Write tensors in half precision, normalisation in full; return the hash."""
    full = ('mean', 'std')
    stored = {
        k: (v if k in full else v.half()).detach().cpu().contiguous() for k, v in state.items()
    }
    with atomic_write(path) as temporary:
        save_file(stored, temporary)
    return sha256(path)


def _read(path: Path) -> dict[str, Tensor]:
    """Read tensors in full precision."""
    try:
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ModelNotLoaded(f'{path}: {error}') from None


def _fill(module: nn.Module, state: Mapping[str, Tensor], root: Path) -> None:
    """Load a state in which only what training needs may be missing."""
    try:
        missing, unexpected = module.load_state_dict(dict(state), strict=False)
    except RuntimeError as error:
        raise ModelNotLoaded(f'{root}: {" ".join(str(error).split())}') from None
    wrong = [*unexpected, *(name for name in missing if not name.endswith(_TRAINING_ONLY))]
    if wrong:
        raise ModelNotLoaded(f'{root}: tensor {wrong[0]!r} is missing or not expected')
