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
"""Clean and poisoned batches differ in what is claimed, and in nothing else."""

from __future__ import annotations

from collections import Counter
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from l2emg_ros.bench import batches, evaluator, people
from l2emg_ros.bench.people import Person
from l2emg_ros.bench.places import invented
from l2emg_ros.bench.stage import Stage, wishes
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.generator.request import Request
from l2emg_ros.learning.correction import understood
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion

PLACE = invented(1, 0)[0]
WISHES = wishes(PLACE, 32, 0)


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / 'clips.jsonl').read_text().splitlines()]


def agreement(folder: Path) -> tuple[float, float]:
    """Return how often the shipped judge reads the emotion and the gesture that a row says."""
    judge, found = evaluator.load(), rows(folder)
    motions = [Motion.load(folder / row['motion']) for row in found]
    with torch.no_grad():
        content, emotion = judge([torch.from_numpy(features.encode(m)) for m in motions])
    said = [Emotion(row['emotion'], intensity=row['intensity']).weights() for row in found]
    gestures = {wish.text: wish.gesture for wish in WISHES}
    meant = [judge.gestures.index(gestures[row['text']]) for row in found]
    return (
        float(np.mean(emotion.argmax(dim=1).numpy() == np.argmax(said, axis=1))),
        float(np.mean(content.argmax(dim=1).numpy() == meant)),
    )


def test_wishes_are_new_and_the_same_by_seed() -> None:
    assert wishes(PLACE, 32, 0) == WISHES
    texts = {wish.text.lower() for wish in WISHES}
    others = wishes(PLACE, 64, 1, WISHES)
    assert len(texts) == 32
    assert not texts & {wish.text.lower() for wish in others}
    assert {wish.gesture for wish in WISHES} == set(PLACE.gestures)


def test_clean_clips_show_what_they_say(tmp_path: Path) -> None:
    emotion, gesture = agreement(batches.clips(tmp_path, PLACE, WISHES, 0))
    assert emotion > 0.9
    assert gesture > 0.9


def test_shuffled_emotions_leave_words_and_motions(tmp_path: Path) -> None:
    clean = batches.clips(tmp_path / 'clean', PLACE, WISHES, 0)
    bad = batches.clips(tmp_path / 'bad', PLACE, WISHES, 0, 'emotions')
    emotion, gesture = agreement(bad)
    assert emotion < 0.3
    assert gesture > 0.9
    assert Counter(r['emotion'] for r in rows(bad)) == Counter(r['emotion'] for r in rows(clean))
    for row in rows(clean):
        assert Motion.load(clean / row['motion']) == Motion.load(bad / row['motion'])


def test_shuffled_motions_keep_their_emotions(tmp_path: Path) -> None:
    bad = batches.clips(tmp_path / 'bad', PLACE, WISHES, 0, 'motions')
    emotion, gesture = agreement(bad)
    assert emotion > 0.9
    assert gesture < 0.4
    assert sorted(row['text'] for row in rows(bad)) == sorted(wish.text for wish in WISHES)


def test_unknown_poison_is_refused(tmp_path: Path, stage: Stage) -> None:
    with pytest.raises(BadRequest, match="poison of clips is 'salt'"):
        batches.clips(tmp_path / 'clips', PLACE, WISHES, 0, 'salt')
    with pytest.raises(BadRequest, match="poison of encounters is 'salt'"):
        batches.encounters(tmp_path / 'log', stage, Person(0), WISHES, 0, 'salt')


@pytest.fixture(scope='module')
def stage(tiny: Path) -> Stage:
    return Stage(tiny)


def test_people_see_what_the_generator_plays(tiny: Path, stage: Stage) -> None:
    generator = EmpathicGenerator.load(tiny, device='cpu')
    session = generator.open(Request('wave to a visitor', Emotion('happy'), seed=5))
    list(session)
    (seen,) = stage.motions([torch.from_numpy(session.tokens())])
    played = session.motion().joint_positions()
    assert np.abs(seen.joint_positions() - played).max() < 1e-4


@pytest.fixture(scope='module')
def logs(tmp_path_factory: pytest.TempPathFactory, stage: Stage) -> dict[str, list[Interaction]]:
    """Return what the same person leaves of the same requests, by kind of poison."""
    root, found = tmp_path_factory.mktemp('logs'), {}
    for poison in ('', 'corrections', 'ratings'):
        folder = root / f'log-{poison}'
        batches.encounters(folder, stage, Person(3), WISHES[:16], 0, poison)
        with InteractionLog(folder) as log:
            found[poison] = log.interactions()
    return found


def test_clean_encounters_hold_every_kind_of_feedback(logs: dict) -> None:
    found = logs['']
    assert len(found) == 16 + 16 // people.COMPARES
    known = {item.motion_id for item in found}
    chosen = [i.feedback.preferred_motion_id for i in found if i.feedback.preferred_motion_id]
    assert len(chosen) == 16 // people.COMPARES
    assert set(chosen) <= known
    shown = [i.feedback.demonstration for i in found if i.feedback.demonstration]
    assert len(shown) == 1
    assert all(Motion.load(path).frames > 8 for path in shown)
    assert any(item.feedback.correction for item in found)
    assert len({item.feedback.rating for item in found}) > 8


def test_random_corrections_point_everywhere_and_leave_the_ratings(logs: dict) -> None:
    found = logs['corrections']
    asked = [understood(item.feedback.correction) for item in found]
    assert all(asked)
    assert len({(np.sign(c.pace - 1.0), np.sign(c.size - 1.0)) for c in asked}) == 4
    rated = {item.motion_id: item.feedback.rating for item in logs['']}
    same = [item.feedback.rating == rated[item.motion_id] for item in found]
    assert np.mean(same) > 0.8


def test_random_ratings_are_all_there_is(logs: dict) -> None:
    found = logs['ratings']
    assert len(found) == 16
    for item in found:
        assert not item.feedback.correction
        assert not item.feedback.demonstration
        assert not item.feedback.preferred_motion_id
    honest = {item.motion_id: item.feedback.rating for item in logs['']}
    pairs = [(item.feedback.rating, honest[item.motion_id]) for item in found]
    assert abs(np.corrcoef([p for p in pairs if p[1] is not None], rowvar=False)[0, 1]) < 0.5


def test_labels_are_those_of_the_judge() -> None:
    assert all(wish.emotion.label in LABELS for wish in WISHES)
