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
"""What a model performs, and which of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.generator.sampling import Decoder, Readings, Sampling
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.text.encoder import MiniLmEncoder
from l2emg_ros.training import base, practice
from l2emg_ros.training.dataset import Batches, Corpus, TextFeatures
from l2emg_ros.training.wordings import wordings

_GESTURES = ('bow', 'clap', 'cheer', 'hug', 'nod', 'yawn')
_LABELS = ('neutral', 'happy', 'sad', 'angry', 'tired')
_CONFIG = LmConfig(codes=16, width=32, layers=2, heads=2, ff=48, dictionary=4, longest=12)


def _clip(gesture: str, label: str) -> dict[str, Any]:
    weights = Emotion(label).weights().tolist()
    words = {'gesture': gesture, 'scenario': '', 'text': gesture, 'emotion': label}
    return {**words, 'frames': 48, 'weights': weights}


def _motion(gesture: str, label: str) -> Tensor:
    """Return (12, 2) codes that tell the gesture and the emotion in turn."""
    told = [_GESTURES.index(gesture), len(_GESTURES) + _LABELS.index(label)] * 6
    return torch.tensor([told, told]).T


def _read(motions: Sequence[Tensor], pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Return the share of codes that tell each pair, at most half of them gesture or emotion."""
    scores = []
    for motion, (gesture, label) in zip(motions, pairs, strict=True):
        told = (_GESTURES.index(gesture), len(_GESTURES) + _LABELS.index(label))
        shares = [float((motion[:, 0] == code).float().mean()) for code in told]
        scores.append(2.0 * min(shares))
    return scores


def _corpus(folder: Path, *missing: tuple[str, str]) -> tuple[Corpus, list[Tensor]]:
    """Return four clips of every pair but the missing ones, and their tokens."""
    pairs = [(g, e) for g in _GESTURES for e in _LABELS if (g, e) not in missing] * 4
    clips = [_clip(*pair) for pair in pairs]
    corpus = Corpus(folder, np.zeros((1, 140), dtype=np.float32), clips, {})
    return corpus, [_motion(*pair) for pair in pairs]


def test_what_is_lacking_is_counted_for_every_gesture_and_emotion_of_the_clips() -> None:
    clips = [_clip('bow', 'happy')] * 3 + [_clip('yawn', 'sad')]
    wanted = {('bow', 'sad'): 2, ('yawn', 'happy'): 2, ('yawn', 'sad'): 1}
    assert practice.lacking(clips, 2) == wanted
    with pytest.raises(BadRequest, match='nothing is lacking'):
        practice.lacking(clips, 0)


def test_a_pair_that_no_clip_shows_is_performed_and_what_shows_it_best_is_kept(
    tmp_path: Path, minilm: MiniLmEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, 'WAVES', 3)
    corpus, tokens = _corpus(tmp_path, ('clap', 'sad'))
    texts, numbers = TextFeatures(corpus, minilm, wordings(1)), range(len(tokens))
    model = base.train(
        Batches(corpus, texts, tokens, numbers, 0),
        _CONFIG,
        steps=100,
        seed=0,
        checkpoint=tmp_path / 'base.ckpt',
        lr=1e-2,
    )
    seen: list[tuple[int, int]] = []
    before = practice.Practised([_clip('clap', 'sad')], [_motion('clap', 'sad')], 5)
    made = practice.practise(
        model,
        corpus,
        texts,
        practice.lacking([*corpus.clips, *before.clips], 4),
        _read,
        0,
        before=before,
        report=lambda done, of, _: seen.append((done, of)),
    )
    # Three clips are lacking, each is tried three times, and again where none was right.
    assert seen[0] == (9, 9)
    assert made.tried == 5 + seen[-1][0]
    assert len(seen) == 3 or len(made.clips) == 4
    assert 2 <= len(made.clips) <= 4
    assert made.clips[0] is before.clips[0]
    for clip, motion in zip(made.clips, made.tokens, strict=True):
        assert (clip['gesture'], LABELS[int(np.argmax(clip['weights']))]) == ('clap', 'sad')
        assert clip['frames'] == 4 * len(motion)
        assert _read([motion], [('clap', 'sad')])[0] >= 0.1
    both, longer, own = made.joined(corpus, tokens)
    assert own == range(len(tokens), len(longer))
    assert len(both.clips) == len(longer) == len(tokens) + len(made.clips)
    assert torch.equal(longer[len(tokens)], made.tokens[0])


def test_a_performance_is_what_the_generator_would_say(
    tmp_path: Path, minilm: MiniLmEncoder
) -> None:
    """One request performed in a batch of its own, against the decoder of a running robot."""
    torch.manual_seed(0)
    model = MotionLanguageModel(_CONFIG).eval()
    torch.nn.init.normal_(model.head.weight, std=1.0)
    corpus, tokens = _corpus(tmp_path)
    batches = Batches(corpus, TextFeatures(corpus, minilm, wordings(1)), tokens, [0], 0)
    condition = batches.collect([0], np.random.default_rng(0)).condition
    sampling = Sampling(content_guidance=2.0, emotion_guidance=1.5)
    (made,) = practice.perform(model, condition, sampling, [torch.Generator().manual_seed(3)])
    withheld, weights = sampling.readings()
    with torch.no_grad():
        prompts, slots, composed = model.prompt(condition.repeated(3), None, withheld)
    decoder = Decoder(model, torch.Generator().manual_seed(3), sampling)
    decoder.prefill(Readings(prompts, slots.steering, composed, weights), [])
    spoken: list[list[int]] = []
    while len(spoken) < _CONFIG.longest:
        token = decoder.next(len(spoken) >= 8)
        if token is None:
            break
        spoken.append(token)
    assert made.tolist() == spoken


def test_requests_are_performed_as_many_as_there_are_and_no_longer_than_training(
    tmp_path: Path, minilm: MiniLmEncoder
) -> None:
    torch.manual_seed(0)
    model = MotionLanguageModel(_CONFIG).eval()
    corpus, tokens = _corpus(tmp_path)
    texts = TextFeatures(corpus, minilm, wordings(1))
    batches = Batches(corpus, texts, tokens, range(len(tokens)), 0)
    condition = batches.collect(range(7), np.random.default_rng(0)).condition
    made = practice.perform(model, condition, Sampling(), [torch.Generator().manual_seed(0)] * 7)
    assert len(made) == 7
    assert all(8 <= len(motion) <= 12 and motion.shape[1] == 2 for motion in made)
    assert len({tuple(motion.flatten().tolist()) for motion in made}) > 1


def test_practice_is_kept_and_read_back_instead_of_being_repeated(tmp_path: Path) -> None:
    made = practice.Practised([_clip('bow', 'sad')], [_motion('bow', 'sad')], 3)
    path = tmp_path / 'practice.motions'
    assert practice.kept_in(path, lambda: made) is made

    def never() -> practice.Practised:
        pytest.fail('practised again')

    again = practice.kept_in(path, never)
    assert again.clips == made.clips
    assert torch.equal(again.tokens[0], made.tokens[0])
    assert again.tried == 3
    for damage in (b'', path.read_bytes()[:200], b'not a file of torch'):
        path.write_bytes(damage)
        with pytest.raises(BadRequest, match='no practised motions'):
            practice.kept_in(path, never)
