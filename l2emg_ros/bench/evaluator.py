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
"""A frozen judge of motions: which gesture and emotion does it read, how near is it to a request?

It has another architecture (a recurrent network on 15 fps features) and another seed than the
generator, and is trained before any generated motion is shown to it. Requests and motions meet in
a space of their own, for FID, R-Precision and the distances of ``metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import os
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file
import torch
from torch import nn, Tensor

from l2emg_ros import resources
from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import ExpertIntegrityError, ModelNotLoaded
from l2emg_ros.files import atomic_write, read_json, sha256, write_json
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion
from l2emg_ros.text.encoder import MINILM_WIDTH, MiniLmEncoder, TextEncoder
from l2emg_ros.training import loop
from l2emg_ros.training.dataset import Corpus

# Every second frame of 30 fps.
_STRIDE = 2
_WIDTH = 96
_SPACE = 128
_BATCH = 32
_TEMPERATURE = 0.1


class Evaluator(nn.Module):
    """Bidirectional GRU over features, pooled over time, with one head for each question."""

    mean: Tensor
    std: Tensor

    def __init__(self, gestures: Sequence[str]) -> None:
        """Build an untrained judge of the named gestures."""
        super().__init__()
        self.gestures = list(gestures)
        self.register_buffer('mean', torch.zeros(features.FEATURE_DIM))
        self.register_buffer('std', torch.ones(features.FEATURE_DIM))
        self.project = nn.Linear(features.FEATURE_DIM, _WIDTH)
        self.recurrent = nn.GRU(_WIDTH, _WIDTH, batch_first=True, bidirectional=True)
        self.content = nn.Linear(4 * _WIDTH, len(self.gestures))
        self.emotion = nn.Linear(4 * _WIDTH, len(LABELS))
        self.place = nn.Linear(4 * _WIDTH, _SPACE)
        self.request = nn.Sequential(
            nn.Linear(MINILM_WIDTH + len(LABELS), 2 * _SPACE),
            nn.ReLU(),
            nn.Linear(2 * _SPACE, _SPACE),
        )

    def forward(self, motions: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return (B, gestures) and (B, 13) logits of B motions' (T, 140) features."""
        pooled = self.pooled(motions)
        return self.content(pooled), self.emotion(pooled)

    def motion_features(self, motions: Sequence[Tensor]) -> Tensor:
        """Return (B, 128) unit features of B motions' (T, 140) features."""
        return nn.functional.normalize(self.place(self.pooled(motions)), dim=-1)

    def request_features(self, sentences: Tensor, emotion: Tensor) -> Tensor:
        """Return (B, 128) unit features of requests.

        Args:
            sentences: (B, 384) features of the sentences by all-MiniLM-L6-v2 as it is.
            emotion: (B, 13) mixtures over the labels that the bodies are to show.
        """
        told = torch.cat([sentences, emotion], dim=-1)
        return nn.functional.normalize(self.request(told), dim=-1)

    def pooled(self, motions: Sequence[Tensor]) -> Tensor:
        """Return (B, 384) states pooled over time of B motions' (T, 140) features."""
        rows = [(m[::_STRIDE] - self.mean) / self.std for m in motions]
        lengths = torch.tensor([len(row) for row in rows])
        padded = torch.relu(self.project(nn.utils.rnn.pad_sequence(rows, batch_first=True)))
        packed = nn.utils.rnn.pack_padded_sequence(
            padded, lengths, batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        mask = (torch.arange(states.shape[1]) < lengths[:, None])[..., None]
        mean = (states * mask).sum(1) / lengths[:, None]
        most = states.masked_fill(~mask, float('-inf')).amax(1)
        return torch.cat([mean, most], dim=-1)

    @torch.inference_mode()
    def judge(self, motion: Motion) -> tuple[str, str]:
        """Return the gesture and the emotion read in a motion at 30 fps."""
        content, emotion = self([torch.from_numpy(features.encode(motion))])
        return self.gestures[int(content.argmax())], LABELS[int(emotion.argmax())]


def train(
    corpus: Corpus,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    lr: float = 2e-3,
    batch: int = _BATCH,
    report: Callable[[int, dict[str, float]], None] | None = None,
) -> Evaluator:
    """Train a judge on a corpus; resumable (``loop.run``)."""
    torch.manual_seed(seed)
    judge = Evaluator(sorted({clip['gesture'] for clip in corpus.clips}))
    sample = torch.from_numpy(np.array(corpus.features[::20]))
    judge.mean.copy_(sample.mean(0))
    judge.std.copy_(sample.std(0).clamp_min(0.05))
    numbers, encoder = np.array(corpus.split()[0]), MiniLmEncoder()

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((seed, number))
        chosen = rng.choice(numbers, batch)
        motions = [torch.from_numpy(corpus.motion(n)) for n in chosen]
        motions = [_disturbed(m, judge.mean, judge.std) for m in motions]
        pooled = judge.pooled(motions)
        content, emotion = judge.content(pooled), judge.emotion(pooled)
        wanted = torch.tensor([judge.gestures.index(corpus.clips[n]['gesture']) for n in chosen])
        mixture = torch.tensor([corpus.clips[n]['weights'] for n in chosen], dtype=torch.float32)
        right = (content.argmax(1) == wanted).float().mean()
        total = nn.functional.cross_entropy(content, wanted)
        total = total + 0.5 * nn.functional.cross_entropy(emotion, mixture)
        texts = sentences(encoder, [corpus.clips[n]['text'] for n in chosen])
        placed = nn.functional.normalize(judge.place(pooled), dim=-1)
        near = judge.request_features(texts, mixture) @ placed.T / _TEMPERATURE
        own = torch.arange(len(near))
        matched = nn.functional.cross_entropy(near, own) + nn.functional.cross_entropy(near.T, own)
        hits = (near.argmax(1) == own).float().mean()
        figures = {'content_accuracy': float(right), 'matched': float(hits)}
        return total + 0.25 * matched, figures

    judge.train()
    loop.run(judge, step, steps=steps, lr=lr, checkpoint=checkpoint, report=report)
    return judge.eval()


def sentences(encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
    """Return (B, 384) features of whole sentences."""
    return torch.from_numpy(np.stack([rows[0] for rows in encoder.encode(texts)]))


def _disturbed(motion: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return (T', 140), T' <= T, features with noise, drift, missing features and cut ends.

    The judge shall read the gesture as a person does, not the fine detail of clean motion: what a
    tokeniser does to a motion is no reason to read another gesture.
    """
    frames = len(motion)
    cut = int(0.12 * frames * torch.rand(()))
    motion = motion[cut : frames - int(0.12 * frames * torch.rand(()))]
    knots = torch.randn(1, motion.shape[1], len(motion) // 8 + 2)
    drift = nn.functional.interpolate(knots, size=len(motion), mode='linear')[0].T
    motion = motion + std * (0.25 * drift + 0.1 * torch.randn_like(motion))
    missing = torch.rand(motion.shape[1]) < 0.1
    return torch.where(missing, mean, motion)


def accuracy(judge: Evaluator, corpus: Corpus) -> dict[str, float]:
    """Return the judge's own accuracy on validation clips: the ceiling of every score it gives.

    Emotions are counted where one label has at least 0.7 of the mixture.
    """
    content, emotion = [], []
    for number in corpus.split()[1]:
        clip = corpus.clips[number]
        with torch.inference_mode():
            gesture, label = judge([torch.from_numpy(corpus.motion(number))])
        content.append(judge.gestures[int(gesture.argmax())] == clip['gesture'])
        if max(clip['weights']) >= 0.7:
            emotion.append(int(label.argmax()) == int(np.argmax(clip['weights'])))
    return {'content': float(np.mean(content)), 'emotion': float(np.mean(emotion))}


def save(judge: Evaluator, folder: str | os.PathLike[str], record: dict[str, object]) -> None:
    """Write a judge: ``evaluator.safetensors`` and ``evaluator.json``."""
    root = Path(folder)
    with atomic_write(root / 'evaluator.safetensors') as temporary:
        save_file(judge.state_dict(), temporary)
    digest = sha256(root / 'evaluator.safetensors')
    write_json(
        root / 'evaluator.json', {'gestures': judge.gestures, 'sha256': digest, 'training': record}
    )


def load(folder: str | os.PathLike[str] | None = None) -> Evaluator:
    """Load a judge; None is the shipped one.

    Raises:
        ModelNotLoaded: The folder holds none.
        ExpertIntegrityError: The weights differ from their recorded hash.
    """
    root = Path(folder) if folder is not None else resources.find('models/evaluator')
    try:
        card = read_json(root / 'evaluator.json')
        gestures, wanted = card['gestures'], card['sha256']
        found = sha256(root / 'evaluator.safetensors')
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelNotLoaded(f'{root} holds no evaluator: {error!r}') from None
    if found != wanted:
        raise ExpertIntegrityError(f'{root}/evaluator.safetensors differs from its hash')
    judge = Evaluator(gestures)
    try:
        judge.load_state_dict(load_file(root / 'evaluator.safetensors'))
    except RuntimeError as error:
        reason = ' '.join(str(error).split())
        raise ModelNotLoaded(f'{root} holds an evaluator of another kind: {reason}') from None
    return judge.eval().requires_grad_(False)


def wrist_speed(motion: Motion) -> float:
    """Return the mean speed of both wrists over a motion, m/s."""
    wrists = motion.joint_positions()[:, 20:22]
    speed = np.linalg.norm(np.diff(wrists, axis=0), axis=-1) * motion.fps
    return float(speed.mean())
