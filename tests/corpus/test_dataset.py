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
"""Data sets: the same seed gives the same files, and the lines say what the features are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from l2emg_ros import corpus
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import features

CLIPS = 20


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('corpus')
    corpus.build(path, CLIPS, seed=3)
    return path


@pytest.fixture(scope='module')
def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / 'clips.jsonl').read_text('utf-8').splitlines()]


def test_two_workers_write_the_same_bytes_as_one(folder: Path, tmp_path: Path) -> None:
    corpus.build(tmp_path / 'new' / 'place', CLIPS, seed=3, workers=2)
    for name in ('features.npy', 'clips.jsonl', 'corpus.json'):
        assert (tmp_path / 'new' / 'place' / name).read_bytes() == (folder / name).read_bytes()


def test_another_seed_and_fewer_clips(folder: Path, lines: list[dict], tmp_path: Path) -> None:
    corpus.build(tmp_path, 2, seed=3)
    first = [json.loads(line) for line in (tmp_path / 'clips.jsonl').read_text().splitlines()]
    assert first == lines[:2]
    corpus.build(tmp_path, 2, seed=4)
    other = [json.loads(line) for line in (tmp_path / 'clips.jsonl').read_text().splitlines()]
    assert [line['text'] for line in other] != [line['text'] for line in first]
    names = ['clips.jsonl', 'corpus.json', 'features.npy']
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_lines_cover_the_features(folder: Path, lines: list[dict]) -> None:
    values = np.load(folder / 'features.npy')
    assert values.dtype == np.float32
    assert values.shape == (sum(line['frames'] for line in lines), features.FEATURE_DIM)
    assert np.isfinite(values).all()
    assert len(lines) == CLIPS
    start = 0
    for line in lines:
        assert line['start'] == start
        start += line['frames']


def test_lines_say_what_the_body_did(lines: list[dict]) -> None:
    for line in lines:
        assert line['gesture'] in corpus.GESTURES
        if line['scenario']:
            assert line['gesture'] in corpus.SCENARIOS[line['scenario']].gestures
        assert line['text']
        weights = np.array(line['weights'])
        assert weights.shape == (len(LABELS),)
        assert weights.min() >= 0
        assert weights.sum() == pytest.approx(1, abs=1e-3)
        emotion = Emotion.parse(line['emotion'], line['intensity'])
        if emotion is not None:
            np.testing.assert_allclose(emotion.weights(), weights, atol=1e-4)
    assert {line['emotion'] == '' for line in lines} == {True, False}


def test_features_decode_to_the_clip(folder: Path, lines: list[dict]) -> None:
    drawn = corpus.sample(np.random.default_rng((3, 0)))
    values = np.load(folder / 'features.npy')[: lines[0]['frames']]
    assert drawn.text == lines[0]['text']
    assert len(values) == drawn.motion.frames
    decoded = features.decode(values).joint_positions()
    clip = drawn.motion.joint_positions()
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(decoded, axis=0), axis=-1),
        np.linalg.norm(np.diff(clip, axis=0), axis=-1),
        atol=1e-4,
    )


def test_a_sample_stays_in_its_scenario() -> None:
    rng = np.random.default_rng(8)
    drawn = [corpus.sample(rng, 'ward') for _ in range(5)]
    assert {sample.scenario for sample in drawn} == {'ward'}
    assert {sample.gesture for sample in drawn} <= set(corpus.SCENARIOS['ward'].gestures)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(BadRequest, match='moon'):
        corpus.sample(np.random.default_rng(0), 'moon')


@pytest.mark.parametrize('clips', [0, -3])
def test_fewer_than_one_clip_is_refused(clips: int, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=f'clips is {clips}'):
        corpus.build(tmp_path / 'none', clips)
    assert not (tmp_path / 'none').exists()
