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
"""Generation: deterministic, streamed as a whole, steerable, stoppable, exact in length."""

from __future__ import annotations

from pathlib import Path
import shutil
import threading

import numpy as np
import pytest
import torch

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest, ExpertIntegrityError, ModelNotLoaded
from l2emg_ros.files import read_json, write_json
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.generator.request import Request
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN
from l2emg_ros.motion.finish import finished
from l2emg_ros.motion.motion import Motion

TEXT = 'wave to greet a visitor'


@pytest.fixture(scope='module')
def generator(tiny: Path) -> EmpathicGenerator:
    return EmpathicGenerator.load(tiny, device='cpu')


def test_the_same_seed_gives_the_same_motion(generator: EmpathicGenerator) -> None:
    first = generator.generate(TEXT, emotion='happy', seconds=3, seed=5)
    assert generator.generate(TEXT, emotion='happy', seconds=3, seed=5) == first
    other = generator.generate(TEXT, emotion='happy', seconds=3, seed=6)
    assert not np.array_equal(other.poses, first.poses)


def test_the_stream_joined_is_the_whole(generator: EmpathicGenerator) -> None:
    chunks = list(generator.stream(TEXT, emotion='happy', seconds=3, seed=5))
    assert len(chunks) > 3
    assert all(6 <= chunk.frames <= 12 for chunk in chunks[:-1])
    whole = generator.generate(TEXT, emotion='happy', seconds=3, seed=5)
    assert Motion.concatenate(chunks) == whole


def test_chunks_carry_the_tokens_that_they_are_decoded_from(generator: EmpathicGenerator) -> None:
    session = generator.open(Request(TEXT, Emotion('happy'), 3.0, 5))
    chunks = list(session)
    tokens = session.tokens()
    assert np.array_equal(np.concatenate([chunk.tokens for chunk in chunks]), tokens)
    assert len(tokens) == np.ceil(90 / FRAMES_PER_TOKEN)
    # Decoded once more and finished in one piece they are the motion that was streamed.
    model = generator._model
    with torch.inference_mode():
        features = model.tokenizer.decode(torch.from_numpy(tokens)[None], {})[0].numpy()
    whole = session.motion()
    again = finished(features[:90])
    assert np.abs(again.joint_positions() - whole.joint_positions()).max() < 1e-4
    assert (session.seed, session.model) == (5, generator.name)
    assert session.scenario == whole.scenario == 'reception'


@pytest.mark.parametrize('seconds', [0.5, 1.0, 2.03, 7.7, 20.0])
def test_a_wanted_length_is_met_to_the_frame(generator: EmpathicGenerator, seconds: float) -> None:
    assert generator.generate(TEXT, seconds=seconds, seed=1).frames == round(seconds * 30)


def test_the_model_decides_the_length_where_none_is_wanted(generator: EmpathicGenerator) -> None:
    frames = {generator.generate(TEXT, seed=seed).frames for seed in range(6)}
    assert len(frames) > 1
    assert all(30 <= n <= 600 for n in frames)


def test_a_motion_longer_than_any_of_training_is_urged_to_end(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    shutil.copytree(tiny, folder)
    card = read_json(folder / 'model.json')
    write_json(folder / 'model.json', {**card, 'lm': {**card['lm'], 'longest': 10}})
    hurried = EmpathicGenerator.load(folder, device='cpu')
    made = [hurried.generate(TEXT, seed=seed).frames // 4 for seed in range(8)]
    assert max(made) < 35
    free = EmpathicGenerator.load(tiny, device='cpu')
    assert max(free.generate(TEXT, seed=seed).frames // 4 for seed in range(8)) > 35


def test_a_motion_carries_its_request(generator: EmpathicGenerator) -> None:
    motion = generator.generate(TEXT, emotion='sad', intensity=0.4, seconds=1, seed=9)
    assert (motion.text, motion.emotion, motion.intensity) == (TEXT, 'sad', 0.4)
    assert (motion.seed, motion.fps, motion.generator) == (9, 30.0, generator.name)
    assert motion.scenario in ('reception', 'ward')


def test_emotion_and_scenario_reach_the_tokens(generator: EmpathicGenerator) -> None:
    happy = generator.generate(TEXT, emotion='happy', seconds=4, seed=2)
    angry = generator.generate(TEXT, emotion='angry', seconds=4, seed=2)
    assert not np.array_equal(happy.poses, angry.poses)


def test_the_router_chooses_the_expert_of_the_scenario(generator: EmpathicGenerator) -> None:
    for text, scenario in (('bow to a guest', 'reception'), ('comfort a patient', 'ward')):
        session = generator.open(Request(text, seed=0))
        assert session.experts == (f'{scenario}@1',)
        assert 0.5 < session.expert_weights[0] <= 1.0
        assert 0.0 < session.novelty_p_value <= 1.0


def test_a_request_unlike_every_scenario_gets_no_expert(
    generator: EmpathicGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('l2emg_ros.experts.router._NOVEL', 2.0)
    session = generator.open(Request(TEXT, seed=0))
    assert session.experts == ('base',)
    assert session.novelty_p_value > 0.0
    next(iter(session))
    assert session.motion().scenario == ''


def test_a_cancelled_request_stops_before_its_next_chunk(generator: EmpathicGenerator) -> None:
    cancel = threading.Event()
    session = generator.open(Request(TEXT, seconds=10, seed=0), cancel)
    chunks = iter(session)
    next(chunks)
    next(chunks)
    cancel.set()
    assert list(chunks) == []
    assert session.cancelled
    # Two chunks, less the two frames that the smoother holds back.
    assert session.motion().frames == 18


def test_a_changed_emotion_acts_from_the_next_chunk(generator: EmpathicGenerator) -> None:
    request = Request(TEXT, Emotion('happy'), 6.0, 3)
    plain = generator.generate(TEXT, emotion='happy', seconds=6, seed=3)
    session = generator.open(request)
    chunks = iter(session)
    first = [next(chunks), next(chunks)]
    before = session.emotion_embedding
    session.set_emotion(Emotion('sad'))
    rest = list(chunks)
    motion = session.motion()
    kept = sum(chunk.motion.frames for chunk in first)
    assert np.array_equal(motion.poses[:kept], plain.poses[:kept])
    assert not np.array_equal(motion.poses, plain.poses)
    assert motion.frames == plain.frames
    assert rest[-1].motion.emotion == 'sad'
    assert not np.array_equal(session.emotion_embedding, before)


def test_indices_count_and_only_the_last_chunk_is_last(generator: EmpathicGenerator) -> None:
    chunks = list(generator.open(Request(TEXT, seconds=2, seed=0)))
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


def test_interleaved_requests_do_not_disturb_each_other(generator: EmpathicGenerator) -> None:
    texts = ('bow to a guest', 'comfort a patient')
    alone = [generator.generate(text, seconds=2, seed=1) for text in texts]
    sessions = [generator.open(Request(text, seconds=2, seed=1)) for text in texts]
    for _ in zip(*sessions, strict=True):
        pass
    assert [session.motion() for session in sessions] == alone


def test_bad_requests_are_refused(generator: EmpathicGenerator) -> None:
    with pytest.raises(BadRequest, match='empty'):
        generator.generate('')
    with pytest.raises(BadRequest, match='unknown emotion'):
        generator.generate(TEXT, emotion='joyful')
    assert generator.generate(TEXT, seconds=1, seed=0).frames == 30


def test_a_damaged_file_is_refused(tiny: Path, tmp_path: Path) -> None:

    folder = tmp_path / 'model'
    shutil.copytree(tiny, folder)
    weights = folder / 'base.safetensors'
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(ExpertIntegrityError, match=r'base\.safetensors'):
        EmpathicGenerator.load(folder)
    weights.unlink()
    with pytest.raises(ModelNotLoaded, match='missing'):
        EmpathicGenerator.load(folder)
    with pytest.raises(ModelNotLoaded, match=r'model\.json'):
        EmpathicGenerator.load(tmp_path)


def test_a_card_of_another_format_or_with_unknown_settings_is_refused(
    tiny: Path, tmp_path: Path
) -> None:
    folder = tmp_path / 'model'
    shutil.copytree(tiny, folder)
    card = read_json(folder / 'model.json')
    write_json(folder / 'model.json', {**card, 'format': 99})
    with pytest.raises(ModelNotLoaded, match='format 99'):
        EmpathicGenerator.load(folder)
    write_json(folder / 'model.json', {**card, 'lm': {**card['lm'], 'depth': 3}})
    with pytest.raises(ModelNotLoaded, match='depth'):
        EmpathicGenerator.load(folder)


def test_an_unknown_device_is_refused(tiny: Path) -> None:
    with pytest.raises(ModelNotLoaded, match='abacus'):
        EmpathicGenerator.load(tiny, device='abacus')
