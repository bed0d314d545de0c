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
"""Sizes of the network; the defaults are those of the shipped model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

from l2emg_ros.errors import ModelNotLoaded

_Config = TypeVar('_Config', bound='TokenizerConfig | LmConfig')


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerConfig:
    """Sizes of the motion tokeniser.

    Attributes:
        codes: Entries of each codebook.
        levels: Codebooks; each quantises what the ones before left over.
        width: Channels of every convolution and length of a code.
        blocks: Residual blocks (dilations 1, 3, 9, 1, ...) before and after the quantiser.
    """

    codes: int = 512
    levels: int = 2
    width: int = 256
    blocks: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LmConfig:
    """Sizes of the language model and of what feeds it.

    Attributes:
        codes: Codes a level; equal to the tokeniser's.
        levels: Codes of a motion token; equal to the tokeniser's.
        text_width: Numbers a text token, from the encoder.
        width: Model width d.
        layers: Decoder layers.
        heads: Attention heads.
        ff: Width of the feed-forward layers.
        emotion_slots: Emotion slots in the prompt, n_e.
        content_slots: Content slots in the prompt, n_c.
        gestures: Gestures that the read-out of the content slots tells apart.
        scenario_slots: Scenario slots in the prompt, P_s.
        dictionary: Entries of the global dictionary, K_D.
        rank: LoRA rank of an expert; its alpha is twice that.
        cs_mode: What the emotion block reads across samples (``emotion_block``).
        words: Whether the backbone reads the words of a request beside the slots. A small one
            learns the wordings of its training by heart and does better without.
        longest: Tokens of the longest motion of training; the end of longer ones is urged.
        backbone: Configuration of a Hugging Face decoder, with its ``model_type``, instead of the
            ``layers``, ``heads`` and ``ff`` above; None is a small Llama.
    """

    codes: int = 512
    levels: int = 2
    text_width: int = 384
    width: int = 256
    layers: int = 6
    heads: int = 4
    ff: int = 768
    emotion_slots: int = 4
    content_slots: int = 4
    gestures: int = 68
    scenario_slots: int = 4
    dictionary: int = 64
    rank: int = 8
    cs_mode: str = 'attention'
    words: bool = False
    longest: int = 45
    backbone: dict[str, Any] | None = None


def from_dict(kind: type[_Config], values: dict[str, Any], where: str) -> _Config:
    """Read a configuration back.

    Raises:
        ModelNotLoaded: A key is unknown; the message names ``where`` it was found.
    """
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ModelNotLoaded(f'{where}: unknown setting {unknown[0]!r}')
    return kind(**values)
