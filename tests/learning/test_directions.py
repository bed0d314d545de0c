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
"""What corrections of pace and size teach, and when a batch contradicts itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l2emg_ros import resources
from l2emg_ros.bench import batches, evaluator
from l2emg_ros.bench.places import invented
from l2emg_ros.bench.stage import Stage, wishes
from l2emg_ros.emotion import Emotion
from l2emg_ros.generator import checkpoint
from l2emg_ros.learning import audit, gate, scenario, tuning
from l2emg_ros.learning.lessons import Lessons, Preference
from l2emg_ros.learning.pairs import Teacher
from l2emg_ros.lifelong.interaction import Feedback, Interaction


@pytest.fixture(scope='module')
def stage(tiny: Path) -> Stage:
    return Stage(tiny)


def corrected(words: str, number: int = 0, length: int = 24) -> Interaction:
    rng = np.random.default_rng(number)
    return Interaction(
        Feedback(str(number), rating=0.0, correction=words),
        str(number),
        text=f'wave to visitor {number}',
        emotion=Emotion('happy'),
        tokens=rng.integers(0, 32, (length, 2)),
        recorded=float(number),
        id=f'{number:032x}',
    )


def lessons(stage: Stage, *said: Interaction):
    model = stage.model
    return Teacher(model.lm, model.tokenizer, stage.requests, None).lessons(said, 0)


def test_slower_is_preferred_to_faster(stage: Stage) -> None:
    found = lessons(stage, corrected('slower'))
    (example,), (pair,) = found.examples, found.preferences
    assert example.played
    assert len(example.tokens) in (31, 32)
    assert torch.equal(pair.better, example.tokens)
    assert len(pair.worse) in (17, 18)


def test_what_would_be_too_long_is_as_slow_as_fits(stage: Stage) -> None:
    longest = stage.model.lm.config.longest
    found = lessons(stage, corrected('much slower', length=longest - 4))
    assert longest - 1 <= len(found.examples[0].tokens) <= longest
    assert not found.left_out


def test_words_that_are_not_understood_leave_the_rating(stage: Stage) -> None:
    found = lessons(stage, corrected('more pepper'))
    assert [example.rated for example in found.examples] == [True]
    assert not found.preferences
    assert found.left_out == {'correction not understood': 1}


def test_another_feeling_is_performed_anew(stage: Stage) -> None:
    found = lessons(stage, corrected('sadder'))
    assert [example.played for example in found.examples] == [False]
    assert not found.preferences


def test_the_reference_of_pairs_is_what_it_was(stage: Stage) -> None:
    """Known log-likelihoods are those of each motion by itself."""
    pairs = lessons(stage, *(corrected('slower', n) for n in range(10))).preferences
    known = tuning._known(stage.model.lm, stage.requests, pairs, None)
    assert known.shape == (10, 2)
    for number in (0, 9):
        with torch.no_grad():
            alone = tuning._both(stage.model.lm, stage.requests, [pairs[number]], None)[0]
        assert torch.allclose(known[number], alone, atol=1e-4)


def test_a_preference_is_learned(stage: Stage, tmp_path: Path) -> None:
    pairs = lessons(stage, *(corrected('slower', n) for n in range(6))).preferences
    assert all(isinstance(pair, Preference) for pair in pairs)
    lm = stage.model.lm
    expert = tuning.train(
        lm,
        stage.requests,
        Lessons((), pairs),
        parent=None,
        reference=None,
        rehearsed=Lessons(),
        steps=30,
        seed=0,
        checkpoint=tmp_path / 'a.ckpt',
        lr=5e-3,
    )
    with torch.no_grad():
        gained = tuning._both(lm, stage.requests, pairs, expert)
    before = tuning._known(lm, stage.requests, pairs, None)
    assert ((gained - before)[:, 0] > (gained - before)[:, 1]).all()


def ask(stage: Stage, said: list[str]) -> audit.Finding:
    asked = [corrected(words, n, 12) for n, words in enumerate(said)]
    return audit._corrections(asked, stage.model.tokenizer)


def test_quicker_and_smaller_is_no_contradiction(stage: Stage) -> None:
    assert ask(stage, ['faster'] * 12 + ['smaller'] * 11).ok


def test_as_often_quicker_as_slower_is_one(stage: Stage) -> None:
    found = ask(stage, ['faster', 'slower'] * 12)
    assert not found.ok
    assert '12 of 24 corrections ask for more pace' in found.said


def test_one_request_that_is_answered_worse_proves_nothing() -> None:
    losses = np.zeros(32)
    losses[0] = 0.375
    assert gate._surely(losses) <= gate._FORGOTTEN < losses.mean()
    losses[:6] = 0.375
    assert gate._surely(losses) > gate._FORGOTTEN
    assert gate._surely(np.full(8, 0.02)) == pytest.approx(0.02)
    assert gate._surely(np.array([0.02])) == pytest.approx(0.02)


def test_few_corrections_tell_nothing(stage: Stage) -> None:
    assert ask(stage, ['faster', 'slower'] * 11).ok


@pytest.mark.parametrize('number', [0, 1])
def test_clips_that_answer_their_requests_pass_and_shuffled_ones_do_not(
    tmp_path: Path, number: int, minilm: object
) -> None:
    """Emotions make motions differ more than gestures do: place 1 was refused for it once."""
    tokenizer = checkpoint.load_tokenizer(resources.find('models/default'))
    place, judge = invented(2, 0)[number], evaluator.load()
    wanted = wishes(place, 48, number)
    for poison, ok in (('', True), ('motions', False)):
        folder = batches.clips(tmp_path / f'clips-{poison}', place, wanted, number, poison)
        examples = scenario.read(folder, tokenizer, 60).examples
        rng = np.random.default_rng(0)
        found = audit._requests(examples, judge, tokenizer, minilm, rng)
        assert found.ok is ok, found.said
