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
"""The recipe: later stages leave earlier ones as they are, and refuse what would break them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
import dataclasses
from pathlib import Path
import shutil

import pytest
import torch

from l2emg_ros import corpus
from l2emg_ros.errors import BadRequest
from l2emg_ros.files import sha256
from l2emg_ros.generator import checkpoint
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.text.encoder import MiniLmEncoder
from l2emg_ros.training import practice
from l2emg_ros.training.recipe import Stages


def _stages(folder: Path, restart: bool = False) -> Stages:
    return Stages(
        folder / 'model', folder / 'train', 0, restart, lambda *_: None, sentences=1, batch=8
    )


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of every stage but the experts, trained for a moment; as it was before practice."""
    root = tmp_path_factory.mktemp('recipe')
    corpus.build(root / 'train' / 'corpus', 120, seed=0)
    stages = _stages(root)
    stages.tokenizer(2)
    stages.base(2)
    shutil.copytree(root / 'model', root / 'begun')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(practice, 'lacking', lambda *_: Counter({('bow', 'sad'): 2}))
        patch.setattr(practice, 'READER_STEPS', 2)
        patch.setattr(practice, 'WAVES', 1)
        stages = dataclasses.replace(stages, report=_note_in(root / 'told'))
        for rounds in (1, 2, 2):
            stages.practice(2, rounds)
    _stages(root).emotion(2)
    return root


def _note_in(path: Path) -> Callable[..., None]:
    """Return a reporter that writes the stage, the step and the steps of every line."""

    def report(stage: str, step: int, steps: int, *_: object) -> None:
        with path.open('a') as file:
            file.write(f'{stage} {step}/{steps}\n')

    return report


def test_experts_leave_each_other_and_everything_before_them_as_they_are(folder: Path) -> None:
    stages = _stages(folder)
    frozen = {p: sha256(p) for p in (folder / 'model').glob('*.safetensors')}
    assert len(frozen) == 3
    stages.experts('ward', 2)
    first = {p: sha256(p) for p in (folder / 'model/experts/ward').rglob('*') if p.is_file()}
    assert len(first) == 4
    stages.experts('stage', 2)
    stages.experts('home', 2)
    assert {p: sha256(p) for p in (frozen | first)} == frozen | first
    model = checkpoint.load(folder / 'model')
    assert set(model.registry.active()['active']) == {'ward', 'stage', 'home'}
    assert model.expert('ward').up[0].any()
    # An expert rehearses the gestures that its scenario lacks.
    assert model.registry.manifest('ward', '1')['data']['rehearsed'] > 0
    # What is there already is not trained again.
    stages.experts('ward', 2)
    assert model.registry.newest('ward') == '1'
    for retrain in (stages.tokenizer, stages.base, stages.emotion):
        with pytest.raises(BadRequest, match='has experts'):
            retrain(2)


def test_what_comes_before_the_emotion_block_is_not_trained_after_it(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / 'train').symlink_to(folder / 'train')
    shutil.copytree(folder / 'model', tmp_path / 'model', ignore=shutil.ignore_patterns('experts'))
    for again in (_stages(tmp_path).emotion, _stages(tmp_path).practice):
        with pytest.raises(BadRequest, match='train base'):
            again(2)


def test_a_base_that_reads_words_does_not_practise(folder: Path, tmp_path: Path) -> None:
    (tmp_path / 'train').symlink_to(folder / 'train')
    shutil.copytree(folder / 'begun', tmp_path / 'model')
    config = checkpoint.load(folder / 'begun').lm.config
    wordy = MotionLanguageModel(dataclasses.replace(config, words=True))
    checkpoint.save_base(tmp_path / 'model', wordy, MiniLmEncoder().name, {'seed': 0})
    with pytest.raises(BadRequest, match='reads the words'):
        _stages(tmp_path).practice(2)


def test_practice_goes_on_from_the_base_round_by_round(folder: Path) -> None:
    before, after = (checkpoint.load(folder / name) for name in ('begun', 'model'))
    # What was gone through is not repeated.
    told = (folder / 'told').read_text().splitlines()
    assert told == ['reader 2/2', *2 * ['perform 6/6', 'practice 2/2']]
    record = after.card['training']['practice']
    first, second = record['rounds']
    assert (first['steps'], first['performed'], second['performed']) == (2, 6, 12)
    assert record['batch'] == 8
    assert first['kept'] <= second['kept'] <= 4
    assert (folder / 'train' / record['motions']).is_file()
    assert after.card['training']['base'] == before.card['training']['base']
    apart = (after.lm.steer.weight - before.lm.steer.weight).abs().max()
    assert 0.0 < float(apart) < 0.5 * float(before.lm.steer.weight.std())


def test_later_stages_learn_from_what_was_practised_where_it_is_still_there(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = checkpoint.load(folder / 'model')
    rounds = model.card['training']['practice']['rounds']
    assert len(_stages(folder)._practised(model).clips) == rounds[-1]['kept']
    assert not caplog.records
    assert _stages(tmp_path)._practised(model).clips == []
    assert 'trained without what the model has practised' in caplog.text
    assert _stages(tmp_path)._practised(checkpoint.load(folder / 'begun')).clips == []


def _copied(folder: Path, target: Path) -> None:
    """Copy the tokeniser's part of a model folder, beside a link to the corpus."""
    (target / 'train').mkdir()
    (target / 'train' / 'corpus').symlink_to(folder / 'train' / 'corpus')
    (target / 'model').mkdir()
    for name in ('model.json', checkpoint.TOKENIZER):
        (target / 'model' / name).write_bytes((folder / 'model' / name).read_bytes())


def test_the_base_begins_with_the_weights_of_another_model(folder: Path, tmp_path: Path) -> None:
    _copied(folder, tmp_path)
    begin = checkpoint.load(folder / 'model')
    # Another seed would begin with other weights.
    stages = dataclasses.replace(_stages(tmp_path), seed=1, start=folder / 'model')
    stages.base(2)
    made = checkpoint.load(tmp_path / 'model')
    assert made.card['training']['base']['start'] == {
        **begin.hashes(),
        'training': begin.card['training'],
    }
    apart = (made.lm.steer.weight - begin.lm.steer.weight).abs().max()
    assert 0.0 < float(apart) < 0.1 * float(begin.lm.steer.weight.std())
    assert made.lm.emotion_expert.idle()


def test_the_base_does_not_begin_with_codes_of_another_tokenizer(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / 'train').mkdir()
    (tmp_path / 'train' / 'corpus').symlink_to(folder / 'train' / 'corpus')
    stages = dataclasses.replace(_stages(tmp_path), seed=1, start=folder / 'model')
    stages.tokenizer(2)
    with pytest.raises(BadRequest, match='another tokeniser'):
        stages.base(2)


def test_another_run_does_not_go_on_from_the_state_of_this_one(folder: Path) -> None:
    stages = _stages(folder)
    data = stages._corpus()
    states = {stages._checkpoint('base', stages._run(steps, data, 'x')) for steps in (2, 3)}
    states.add(stages._checkpoint('base', stages._run(2, data, 'y')))
    assert len(states) == 3
    before = (folder / 'train').glob('tokenizer-*.ckpt')
    assert [torch.load(path, weights_only=True)['step'] for path in before] == [2]


def test_a_scenario_that_the_corpus_lacks_is_named(folder: Path) -> None:
    with pytest.raises(BadRequest, match="unknown scenario 'moon'"):
        _stages(folder).experts('moon')
