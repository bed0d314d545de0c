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
"""A corpus folder as arrays for training, with text features computed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any
import zlib

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from l2emg_ros.corpus import GESTURES
from l2emg_ros.errors import MotionFormatError
from l2emg_ros.files import atomic_write
from l2emg_ros.model.language_model import Condition, duration_bucket
from l2emg_ros.motion.features import FEATURE_DIM, FPS
from l2emg_ros.text.encoder import MAX_ROWS, TextEncoder

# Every 20th clip is kept for validation.
_VALIDATION = 20
# Shares of the requests of a batch, and the noise on their features (whose deviation is 0.4).
_LENGTH_HIDDEN, _FREE_SENTENCES, _HIDDEN, _NOISE = 0.3, 0.5, 0.15, 0.1


@dataclass(frozen=True)
class Corpus:
    """Clips of one corpus folder.

    Attributes:
        features: (sum T, 140) float32, memory-mapped.
        clips: One record a clip: start, frames, gesture, scenario, text, emotion, weights, ...
    """

    folder: Path
    features: NDArray[np.float32]
    clips: list[dict[str, Any]]

    @classmethod
    def load(cls, folder: str | Path) -> Corpus:
        """Open a folder that ``l2emg train corpus`` wrote.

        Raises:
            MotionFormatError: The folder is none, or its two files disagree.
        """
        root = Path(folder)
        try:
            features = np.load(root / 'features.npy', mmap_mode='r', allow_pickle=False)
            lines = (root / 'clips.jsonl').read_text('utf-8').splitlines()
            clips = [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            raise MotionFormatError(
                f'{root} is not a corpus folder ({error}): make one with `l2emg train corpus`'
            ) from None
        if features.ndim != 2 or features.shape[1] != FEATURE_DIM or not clips:
            raise MotionFormatError(f'{root}/features.npy has shape {features.shape}')
        if clips[-1]['start'] + clips[-1]['frames'] != len(features):
            raise MotionFormatError(f'{root}: clips.jsonl and features.npy differ in length')
        return cls(root, features, clips)

    def split(self, scenario: str | None = None) -> tuple[list[int], list[int]]:
        """Return the clip numbers for training and for validation, of one scenario or of all."""
        chosen = [i for i, c in enumerate(self.clips) if scenario in (None, c['scenario'])]
        return (
            [i for i in chosen if i % _VALIDATION],
            [i for i in chosen if not i % _VALIDATION],
        )

    def motion(self, number: int) -> NDArray[np.float32]:
        """Return the (T, 140) features of a clip."""
        clip = self.clips[number]
        return np.array(self.features[clip['start'] : clip['start'] + clip['frames']])


class TextFeatures:
    """Features of every text of a corpus, computed once and kept beside it."""

    def __init__(self, corpus: Corpus, encoder: TextEncoder) -> None:
        """Load the features of the corpus's texts, or compute and store them."""
        sentences = {text for gesture in GESTURES.values() for text in gesture.sentences}
        self.texts = sorted({clip['text'] for clip in corpus.clips} | sentences)
        digest = zlib.crc32('\n'.join(self.texts).encode())
        path = corpus.folder / f'text-{encoder.name}-{digest:08x}.npz'
        if not path.is_file():
            rows: list[NDArray[np.float32]] = []
            for start in range(0, len(self.texts), 64):
                rows += encoder.encode(self.texts[start : start + 64])
            with atomic_write(path) as temporary, temporary.open('wb') as file:
                stacked = np.concatenate(rows).astype(np.float16)
                np.savez(file, features=stacked, lengths=np.array([len(row) for row in rows]))
        with np.load(path, allow_pickle=False) as stored:
            features, lengths = stored['features'], stored['lengths']
        if len(lengths) != len(self.texts):
            raise MotionFormatError(f'{path} was made for other texts: delete it')
        self._rows = np.split(features, np.cumsum(lengths)[:-1])
        self._number = {text: i for i, text in enumerate(self.texts)}

    def __getitem__(self, text: str) -> Tensor:
        """Return the (L, width) features of a text."""
        return torch.from_numpy(self._rows[self._number[text]].astype(np.float32))


class Batches:
    """Random batches of requests and motion tokens.

    Captions are exchanged among clips that share gesture, scenario and emotion, so that no caption
    belongs to one motion only; where the words need not tell the emotion, half of them are free
    sentences of the gesture. In drawn batches some tokens are hidden and the features are noisy,
    so that a request is read as a whole.
    """

    def __init__(
        self,
        corpus: Corpus,
        texts: TextFeatures,
        tokens: Sequence[Tensor],
        numbers: Sequence[int],
        seed: int,
    ) -> None:
        """Prepare to draw from the clips ``numbers``; ``tokens`` holds every clip's tokens."""
        self._corpus, self._texts, self._tokens = corpus, texts, tokens
        self._numbers, self._seed = np.array(numbers), seed
        self._captions: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for number in numbers:
            clip = corpus.clips[number]
            self._captions[self._key(clip)].append(clip['text'])

    @staticmethod
    def _key(clip: dict[str, Any]) -> tuple[str, str, str]:
        """Return what a caption depends on."""
        wording = clip['emotion'] or f'none:{int(np.argmax(clip["weights"]))}'
        return clip['gesture'], clip['scenario'], wording

    def draw(self, size: int, number: int) -> tuple[Condition, list[Tensor]]:
        """Return batch ``number``: ``size`` random requests and their motion tokens."""
        rng = np.random.default_rng((self._seed, number))
        condition, tokens = self.collect(rng.choice(self._numbers, size).tolist(), rng)
        shape = condition.mask.shape
        hidden = torch.from_numpy(rng.random(shape) < _HIDDEN)
        hidden[:, 0] = False
        noise = torch.from_numpy(rng.standard_normal(condition.text.shape, dtype=np.float32))
        return dataclasses.replace(
            condition,
            text=condition.text + _NOISE * noise,
            mask=condition.mask & ~hidden,
        ), tokens

    def collect(
        self, numbers: Sequence[int], rng: np.random.Generator
    ) -> tuple[Condition, list[Tensor]]:
        """Return the requests and motion tokens of given clips."""
        clips = [self._corpus.clips[number] for number in numbers]
        texts = [self._texts[self._caption(clip, rng)] for clip in clips]
        # One width for every batch: each new shape costs the CPU kernels a compilation.
        mask = torch.zeros(len(texts), MAX_ROWS, dtype=torch.bool)
        features = torch.zeros(len(texts), MAX_ROWS, texts[0].shape[1])
        for row, text in enumerate(texts):
            mask[row, : len(text)] = True
            features[row, : len(text)] = text
        told = rng.random(len(clips)) > _LENGTH_HIDDEN
        seconds = [c['frames'] / FPS if t else None for c, t in zip(clips, told, strict=True)]
        condition = Condition(
            text=features,
            mask=mask,
            emotion=torch.tensor([c['weights'] for c in clips], dtype=torch.float32),
            given=torch.tensor([bool(c['emotion']) for c in clips]),
            duration=torch.tensor([duration_bucket(s) for s in seconds]),
        )
        return condition, [self._tokens[number] for number in numbers]

    def _caption(self, clip: dict[str, Any], rng: np.random.Generator) -> str:
        """Return words for a clip."""
        free = GESTURES[clip['gesture']].sentences
        # Without a named emotion the words must say what the body does, unless that is nothing.
        silent = bool(clip['emotion']) or clip['weights'][0] > 0.99
        if free and silent and rng.random() < _FREE_SENTENCES:
            return str(rng.choice(free))
        return str(rng.choice(self._captions.get(self._key(clip), [clip['text']])))
