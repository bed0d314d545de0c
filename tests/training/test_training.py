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
"""The training stages: they learn, resume where they stopped, and leave a model that loads."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn, Tensor

from l2emg_ros import corpus
from l2emg_ros.bench import evaluator
from l2emg_ros.corpus import GESTURES
from l2emg_ros.errors import BadRequest, MotionFormatError
from l2emg_ros.generator import checkpoint
from l2emg_ros.model.config import LmConfig, TokenizerConfig
from l2emg_ros.text.encoder import MiniLmEncoder
from l2emg_ros.training import base, loop, tokenizer
from l2emg_ros.training.dataset import Batches, Corpus, TextFeatures, UNKNOWN
from l2emg_ros.training.decoupling import Weights
from l2emg_ros.training.wordings import wordings


@pytest.fixture(scope='module')
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp('corpus')
    corpus.build(folder, 60, seed=1)
    return Corpus.load(folder)


def _train(folder: Path, small: Corpus, steps: int) -> tuple[tokenizer.MotionTokenizer, float]:
    figures: dict[str, float] = {}
    trained = tokenizer.train(
        small,
        TokenizerConfig(codes=32, width=32, blocks=1),
        steps=steps,
        seed=0,
        checkpoint=folder / 'tokenizer.ckpt',
        report=lambda _, values: figures.update(values),
    )
    return trained, figures.get('loss', float('nan'))


def test_stages_end_in_a_model_that_loads_and_speaks(
    small: Corpus, tmp_path: Path, minilm: MiniLmEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, _ = _train(tmp_path, small, 30)
    kept = [torch.from_numpy(small.motion(number)) for number in small.split()[1]]
    assert tokenizer.evaluate(trained, kept)['mpjpe_mm'] < 150
    checkpoint.save_tokenizer(tmp_path / 'model', trained, {'seed': 0})
    again = checkpoint.load_tokenizer(tmp_path / 'model')
    tokens = tokenizer.tokenize(again, small)
    assert [len(t) for t in tokens] == [clip['frames'] // 4 for clip in small.clips]
    for number in (0, 17):
        (alone,) = again.encode(torch.from_numpy(small.motion(number))[None])
        assert torch.equal(tokens[number], alone)

    texts = TextFeatures(small, minilm, wordings(4))
    losses: list[float] = []
    numbers, _ = small.split()
    batches = Batches(small, texts, tokens, numbers, 0)
    lm = base.train(
        batches,
        LmConfig(codes=32, width=32, layers=1, heads=2, ff=48, dictionary=4, rank=2),
        steps=60,
        seed=0,
        batch=16,
        checkpoint=tmp_path / 'base.ckpt',
        lr=3e-3,
        report=lambda _, values: losses.append(values['nll']),
    )
    assert losses[-1] < np.log(33) - 0.1
    assert bool(lm.emotion.masses.any())
    checkpoint.save_base(tmp_path / 'model', lm, minilm.name, {'seed': 0})
    model = checkpoint.load(tmp_path / 'model')
    _train_emotion(model, batches, tmp_path)

    frozen = {k: v.clone() for k, v in model.lm.state_dict().items()}
    fresh = model.lm.new_expert()
    before = base.validate(model.lm, batches, numbers)['nll']
    unchanged = base.validate(model.lm, batches, numbers, fresh)['nll']
    assert unchanged == pytest.approx(before, abs=1e-5)
    drawn: list[tuple[Batches, int]] = []
    draw = Batches.draw
    monkeypatch.setattr(
        Batches, 'draw', lambda self, *of: drawn.append((self, of[1])) or draw(self, *of)
    )
    rehearsal = Batches(small, texts, tokens, numbers[:20], 0)
    expert = base.train_expert(
        model.lm,
        batches,
        rehearsal=rehearsal,
        steps=25,
        seed=0,
        checkpoint=tmp_path / 'expert.ckpt',
        lr=1e-2,
    )
    assert drawn == [(rehearsal if number % 2 else batches, number) for number in range(25)]
    assert base.validate(model.lm, batches, numbers, expert)['nll'] < before
    for name, value in model.lm.state_dict().items():
        assert torch.equal(value, frozen[name]), name


def _train_emotion(model: checkpoint.Model, batches: Batches, folder: Path) -> None:
    """Train stage 1 with every loss; what belongs to stage 0 must stay as it is."""
    before = {k: v.clone() for k, v in model.lm.state_dict().items()}
    seen: dict[str, float] = {}
    base.train_emotion(
        model.lm,
        batches,
        steps=6,
        seed=0,
        checkpoint=folder / 'emotion.ckpt',
        weights=Weights(adversarial=0.5, independence=0.1, transfer=0.2, swap=0.2, front_door=0.2),
        report=lambda _, figures: seen.update(figures),
    )
    assert {'adversarial', 'independence', 'transfer', 'swap', 'front_door'} <= set(seen)
    after = model.lm.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert {name.split('.')[0] for name in moved} == {'content', 'emotion', 'emotion_expert'}
    checkpoint.save_emotion(folder / 'model', model.lm, {'seed': 0})
    stored = checkpoint.load(folder / 'model').lm
    assert not stored.emotion_expert.idle()


def test_a_stopped_run_continues_to_the_same_weights(small: Corpus, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def problem() -> tuple[nn.Module, loop.Step]:
        torch.manual_seed(0)
        module = nn.Linear(4, 2)

        def step(number: int) -> tuple[Tensor, dict[str, float]]:
            rng = np.random.default_rng(number)
            x = torch.from_numpy(rng.normal(size=(8, 4))).float() + 0.1 * torch.randn(8, 4)
            return (module(x) - x[:, :2]).square().mean(), {}

        return module, step

    whole, step = problem()
    loop.run(whole, step, steps=40, lr=0.01, checkpoint=tmp_path / 'whole.ckpt')

    first, step = problem()

    def stopping(number: int) -> tuple[Tensor, dict[str, float]]:
        if number == 23:
            raise Stop
        return step(number)

    period = loop._CHECKPOINT_SECONDS
    loop._CHECKPOINT_SECONDS = 0.0
    try:
        with pytest.raises(Stop):
            loop.run(first, stopping, steps=40, lr=0.01, checkpoint=tmp_path / 'part.ckpt')
    finally:
        loop._CHECKPOINT_SECONDS = period
    second, step = problem()
    loop.run(second, step, steps=40, lr=0.01, checkpoint=tmp_path / 'part.ckpt')
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value)


def test_a_report_can_end_a_run_that_goes_on_later(tmp_path: Path) -> None:
    def problem() -> nn.Module:
        torch.manual_seed(0)
        return nn.Linear(4, 2)

    def run(module: nn.Module, name: str, report: base.Report | None) -> None:
        def step(number: int) -> tuple[Tensor, dict[str, float]]:
            x = torch.from_numpy(np.random.default_rng(number).normal(size=(8, 4))).float()
            return (module(x) - x[:, :2]).square().mean(), {}

        loop.run(module, step, steps=120, lr=0.01, checkpoint=tmp_path / name, report=report)

    def enough(step: int, _: dict[str, float]) -> None:
        if step == 50:
            raise loop.Unfinished

    whole, parts = problem(), problem()
    run(whole, 'whole.ckpt', None)
    with pytest.raises(loop.Unfinished):
        run(parts, 'parts.ckpt', enough)
    assert torch.load(tmp_path / 'parts.ckpt', weights_only=True)['step'] == 50
    parts = problem()
    run(parts, 'parts.ckpt', enough)
    assert torch.equal(whole.weight, parts.weight)


def test_half_precision_is_used_where_the_hardware_has_it() -> None:
    has = torch.cpu.get_capabilities()
    wanted = has.get('amx_bf16') or has.get('avx512_bf16') or has.get('bf16')
    with loop.precision(torch.device('cpu')):
        product = torch.ones(4, 4) @ torch.ones(4, 4)
    assert product.dtype == (torch.bfloat16 if wanted else torch.float32)


def test_the_judge_learns_to_tell_gestures(small: Corpus, tmp_path: Path) -> None:
    reported: list[float] = []
    judge = evaluator.train(
        small,
        steps=50,
        seed=0,
        checkpoint=tmp_path / 'judge.ckpt',
        lr=5e-3,
        report=lambda _, values: reported.append(values['content_accuracy']),
    )
    assert reported[-1] > 3 / len(judge.gestures)
    evaluator.save(judge, tmp_path, {})
    again = evaluator.load(tmp_path)
    motion = [torch.from_numpy(small.motion(0))]
    torch.testing.assert_close(again(motion)[0], judge(motion)[0])


def test_folders_that_are_no_corpus_are_named(small: Corpus, tmp_path: Path) -> None:
    with pytest.raises(MotionFormatError, match='l2emg train corpus'):
        Corpus.load(tmp_path)
    with pytest.raises(BadRequest, match='clips'):
        corpus.build(tmp_path, 0)
    np.save(tmp_path / 'features.npy', np.zeros((5, 140), dtype=np.float32))
    (tmp_path / 'clips.jsonl').write_text('{"start": 0, "frames": 4}\n')
    with pytest.raises(MotionFormatError, match='differ in length'):
        Corpus.load(tmp_path)


def test_batches_draw_every_gesture_as_often(small: Corpus, minilm: MiniLmEncoder) -> None:
    texts = TextFeatures(small, minilm, wordings(4))
    tokens = [torch.zeros(4, 2, dtype=torch.long) for _ in small.clips]
    numbers, _ = small.split()
    drawn = torch.cat(
        [Batches(small, texts, tokens, numbers, s).draw(300, 0).gesture for s in range(4)]
    )
    present = {small.clips[n]['gesture'] for n in numbers}
    counts = torch.bincount(drawn)
    counts = counts[counts > 0]
    assert len(counts) == len(present)
    wanted = 1200 / len(present)
    assert float((counts - wanted).abs().max()) < 5 * wanted**0.5


def test_recordings_of_unknown_gestures_train_all_the_same(
    small: Corpus, minilm: MiniLmEncoder, tmp_path: Path
) -> None:
    clips = [
        {**clip, 'gesture': f'juggle {n % 3}', 'captions': [clip['text'], 'keep balls in the air']}
        for n, clip in enumerate(small.clips)
    ]
    own = dataclasses.replace(small, clips=clips)
    texts = TextFeatures(own, minilm, wordings(4))
    assert 'keep balls in the air' in texts.texts
    tokens = [torch.zeros(4, 2, dtype=torch.long) for _ in clips]
    batches = Batches(own, texts, tokens, own.split()[0], 0)
    assert set(batches.draw(30, 0).gesture.tolist()) == {UNKNOWN}
    config = LmConfig(codes=4, width=32, layers=1, heads=2, ff=48, dictionary=4, rank=2)
    losses: list[float] = []
    base.train(
        batches,
        config,
        steps=3,
        seed=0,
        checkpoint=tmp_path / 'own.ckpt',
        report=lambda _, values: losses.append(values['loss']),
    )
    assert np.isfinite(losses).all()


def test_a_card_says_where_recordings_come_from(small: Corpus, tmp_path: Path) -> None:
    assert small.origin == {
        'corpus': 'procedural',
        'commercial': True,
        'licences': ['Apache-2.0'],
        'protocol': corpus.SHIPPED.record(),
    }
    for name in ('features.npy', 'clips.jsonl'):
        (tmp_path / name).symlink_to(small.folder / name)
    sources = [
        {'path': 'a', 'licence': 'CC-BY-NC-4.0', 'commercial': False, 'clips': 1},
        {'path': 'b', 'licence': 'MIT', 'commercial': True, 'clips': 2},
    ]
    (tmp_path / 'corpus.json').write_text(
        json.dumps({'clips': 3, 'commercial': False, 'sources': sources})
    )
    origin = Corpus.load(tmp_path).origin
    assert origin == {
        'corpus': 'recordings', 'commercial': False, 'licences': ['CC-BY-NC-4.0', 'MIT']
    }  # fmt: skip
    untrained = tokenizer.MotionTokenizer(TokenizerConfig(codes=4, width=16, blocks=1))
    for name, record in (('own', origin), ('ours', small.origin)):
        checkpoint.save_tokenizer(tmp_path / name, untrained, record)
    assert 'non-commercial' in checkpoint.card(tmp_path / 'own')['licence']
    assert checkpoint.card(tmp_path / 'ours')['licence'] == 'Apache-2.0'


def test_clips_too_short_for_a_window_are_refused(small: Corpus, tmp_path: Path) -> None:
    short = dataclasses.replace(small, clips=[{**c, 'frames': 40} for c in small.clips])
    with pytest.raises(BadRequest, match='no training clip of 64 frames'):
        _train(tmp_path, short, 1)


def test_free_sentences_come_with_their_gesture(small: Corpus, minilm: MiniLmEncoder) -> None:
    texts = TextFeatures(small, minilm, wordings(4))
    batches = Batches(small, texts, [], small.split()[0], 0)
    text, mask, gestures = batches.draw_sentences(20, 3)
    again = batches.draw_sentences(20, 3)
    assert torch.equal(text, again[0])
    assert torch.equal(gestures, again[2])
    assert bool(mask[:, 0].all())
    names = sorted(GESTURES)
    for row, gesture in zip(text[:, 0], gestures, strict=True):
        sentences = texts.wordings.requests[names[int(gesture)]]
        nearest = min(float((texts[s][0] - row).square().mean()) for s in sentences)
        # What is left is the noise of the draw, 0.2 squared; another sentence is further away.
        assert nearest < 0.05
