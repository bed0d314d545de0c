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
from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import MotionFormatError
from l2emg_ros.files import atomic_write, read_json
from l2emg_ros.model.condition import Condition, duration_bucket
from l2emg_ros.motion.features import FEATURE_DIM, FPS
from l2emg_ros.text.encoder import MAX_ROWS, SENTENCE_ROWS, TextEncoder
from l2emg_ros.training.wordings import Wordings

# Number of a gesture that this package's corpus does not have; ``cross_entropy`` leaves it out.
UNKNOWN = -100
CPU = torch.device('cpu')
# Every 20th clip is kept for validation.
_VALIDATION = 20
# Shares of the requests of a batch, and the noise on their features (whose deviation is 0.4).
_LENGTH_HIDDEN, _FREE_SENTENCES, _HIDDEN, _NOISE = 0.3, 0.5, 0.3, 0.2
# Share of that noise on requests whose motion is learned: where the gesture cannot be read any
# more, the backbone learns not to rely on what it is told.
_MILD = 0.5


@dataclass(frozen=True)
class Corpus:
    """Clips of one corpus folder.

    Attributes:
        features: (sum T, 140) float32, memory-mapped.
        clips: One record a clip: start, frames, gesture, scenario, text, emotion, weights, ...
        origin: What cards say of the data: ``corpus``, ``commercial`` and the ``licences``.
    """

    folder: Path
    features: NDArray[np.float32]
    clips: list[dict[str, Any]]
    origin: dict[str, Any]

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
        return cls(root, features, clips, _origin(root))

    def split(self, scenario: str | None = None) -> tuple[list[int], list[int]]:
        """Return the clip numbers for training and for validation, of one scenario or of all."""
        chosen = [i for i, c in enumerate(self.clips) if scenario in (None, c['scenario'])]
        kept = [i for i in chosen if not i % _VALIDATION]
        # A small scenario may own none of every twentieth clip of the corpus, or no other.
        if not kept or len(kept) == len(chosen):
            kept = chosen[::_VALIDATION]
        return sorted(set(chosen) - set(kept)), kept

    def general(self) -> tuple[list[int], list[int]]:
        """Return the split of the clips of no scenario; of all, where every clip has one."""
        training, kept = self.split('')
        return (training, kept) if training and kept else self.split()

    def motion(self, number: int) -> NDArray[np.float32]:
        """Return the (T, 140) features of a clip."""
        clip = self.clips[number]
        return np.array(self.features[clip['start'] : clip['start'] + clip['frames']])


def _origin(folder: Path) -> dict[str, Any]:
    """Return where the clips of a corpus folder come from, of ``corpus.json`` if it is there."""
    path = folder / 'corpus.json'
    about = read_json(path) if path.is_file() else {}
    if 'sources' not in about:
        licences = {'commercial': True, 'licences': ['Apache-2.0']}
        protocol = {'protocol': about['protocol']} if 'protocol' in about else {}
        return {'corpus': 'procedural', **licences, **protocol}
    return {
        'corpus': 'recordings',
        'commercial': about['commercial'],
        'licences': sorted({source['licence'] for source in about['sources']}),
    }


def _texts(clip: dict[str, Any]) -> list[str]:
    """Return every caption of a clip; a user's own may have several."""
    return list(clip.get('captions', [clip['text']]))


class TextFeatures:
    """Features of every text that a stage reads, computed once and kept beside the corpus."""

    def __init__(self, corpus: Corpus, encoder: TextEncoder, wordings: Wordings) -> None:
        """Load the features of the texts of the corpus and the wordings, or compute them."""
        self.width, self.wordings = encoder.width, wordings
        # Texts of like length together: a batch is as wide as its longest text.
        texts = {text for clip in corpus.clips for text in _texts(clip)} | wordings.texts
        self.texts = sorted(texts, key=lambda text: (len(text), text))
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


@dataclass(frozen=True, slots=True)
class Batch:
    """B requests and their motions.

    Attributes:
        condition: The requests.
        tokens: Motion tokens, (L, levels) each.
        gesture: (B,) int64 numbers of the gestures, sorted by name, or ``UNKNOWN``.
    """

    condition: Condition
    tokens: list[Tensor]
    gesture: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(
            self.condition.to(device),
            [motion.to(device) for motion in self.tokens],
            self.gesture.to(device),
        )


def disturbed(
    text: Tensor, mask: Tensor, rng: np.random.Generator, strength: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return features with noise and a mask that hides some tokens, never the sentence."""
    hidden = torch.from_numpy(rng.random(mask.shape) < strength * _HIDDEN)
    hidden[:, :SENTENCE_ROWS] = False
    # Millions of numbers: they are drawn where they are needed.
    source = torch.Generator(text.device).manual_seed(int(rng.integers(2**63)))
    noise = torch.randn(text.shape, generator=source, device=text.device)
    return text + strength * _NOISE * noise, mask & ~hidden.to(mask.device)


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
        device: torch.device = CPU,
    ) -> None:
        """Prepare to draw from the clips ``numbers``; ``tokens`` holds every clip's tokens.

        Args:
            corpus: Clips.
            texts: Features of their captions and of the free sentences.
            tokens: Of every clip of the corpus.
            numbers: Clips to draw from.
            seed: Of every choice.
            device: Where what is drawn shall lie.
        """
        self.device = device
        self._corpus, self._texts, self._tokens = corpus, texts, tokens
        self._numbers, self._seed = np.array(numbers), seed
        self._gestures = {name: number for number, name in enumerate(sorted(GESTURES))}
        self._requests = texts.wordings.requests
        self._sentences = [
            (self._gestures[name], text)
            for name, listed in self._requests.items()
            for text in listed
        ]
        self._feelings = [(LABELS.index(name), text) for name, text in texts.wordings.feelings]
        # Every gesture is drawn as often as any other, in however many scenarios it occurs.
        names = [corpus.clips[n]['gesture'] for n in numbers]
        _, drawn, counts = np.unique(names, return_inverse=True, return_counts=True)
        shares = 1.0 / counts[drawn]
        self._shares = shares / shares.sum()
        self._captions: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for number in numbers:
            clip = corpus.clips[number]
            self._captions[self._key(clip)] += _texts(clip)

    @staticmethod
    def _key(clip: dict[str, Any]) -> tuple[str, str, str]:
        """Return what a caption depends on."""
        wording = clip['emotion'] or f'none:{int(np.argmax(clip["weights"]))}'
        return clip['gesture'], clip['scenario'], wording

    def draw(self, size: int, number: int) -> Batch:
        """Return batch ``number``: ``size`` random requests and their motion tokens."""
        rng = np.random.default_rng((self._seed, number))
        batch = self.collect(rng.choice(self._numbers, size, p=self._shares).tolist(), rng)
        batch = batch.to(self.device)
        text, mask = disturbed(batch.condition.text, batch.condition.mask, rng, _MILD)
        noisy = dataclasses.replace(batch.condition, text=text, mask=mask)
        return dataclasses.replace(batch, condition=noisy)

    def draw_sentences(self, size: int, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the text, mask and gestures of random free sentences; they need no motion."""
        return self._draw_texts(
            self._sentences, size, np.random.default_rng((self._seed, number, 1))
        )

    def draw_feelings(self, size: int, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the text, mask and labels of random sentences that say an emotion."""
        return self._draw_texts(
            self._feelings, size, np.random.default_rng((self._seed, number, 2))
        )

    def _draw_texts(
        self, listed: Sequence[tuple[int, str]], size: int, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the text, mask and numbers of random pairs of a number and a text."""
        chosen = [listed[i] for i in rng.integers(len(listed), size=size)]
        text, mask = self._padded([sentence for _, sentence in chosen])
        text, mask = disturbed(text.to(self.device), mask.to(self.device), rng)
        return text, mask, torch.tensor([number for number, _ in chosen], device=self.device)

    def _padded(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return (B, L, width) features and their (B, L) mask."""
        # One width for every batch: each new shape costs the CPU kernels a compilation.
        mask = torch.zeros(len(texts), MAX_ROWS, dtype=torch.bool)
        features = torch.zeros(len(texts), MAX_ROWS, self._texts.width)
        for row, text in enumerate(texts):
            rows = self._texts[text]
            mask[row, : len(rows)] = True
            features[row, : len(rows)] = rows
        return features, mask

    def collect(self, numbers: Sequence[int], rng: np.random.Generator) -> Batch:
        """Return the requests and motion tokens of given clips, in the memory of the CPU."""
        clips = [self._corpus.clips[number] for number in numbers]
        text, mask = self._padded([self._caption(clip, rng) for clip in clips])
        told = rng.random(len(clips)) > _LENGTH_HIDDEN
        seconds = [c['frames'] / FPS if t else None for c, t in zip(clips, told, strict=True)]
        condition = Condition(
            text=text,
            mask=mask,
            emotion=torch.tensor([c['weights'] for c in clips], dtype=torch.float32),
            given=torch.tensor([bool(c['emotion']) for c in clips]),
            duration=torch.tensor([duration_bucket(s) for s in seconds]),
        )
        return Batch(
            condition,
            [self._tokens[number] for number in numbers],
            torch.tensor([self._gestures.get(clip['gesture'], UNKNOWN) for clip in clips]),
        )

    def _caption(self, clip: dict[str, Any], rng: np.random.Generator) -> str:
        """Return words for a clip."""
        free = self._requests.get(clip['gesture'], ())
        # Without a named emotion the words must say what the body does, unless that is nothing.
        silent = bool(clip['emotion']) or clip['weights'][0] > 0.99
        if free and silent and rng.random() < _FREE_SENTENCES:
            return str(rng.choice(free))
        return str(rng.choice(self._captions.get(self._key(clip), [clip['text']])))
