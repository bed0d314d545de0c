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
"""Emotions: parsing, mixtures and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from l2emg_ros.emotion import Emotion, LABELS, VAD
from l2emg_ros.errors import BadRequest


def test_labels_are_those_of_the_contract_and_lie_apart() -> None:
    assert (
        *('neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised', 'proud'),
        *('tired', 'calm', 'compassion', 'excited', 'shy'),
    ) == LABELS
    for first, second in itertools.combinations(VAD.values(), 2):
        assert np.linalg.norm(np.subtract(first, second)) >= 0.4


@pytest.mark.parametrize('label', LABELS)
def test_weights_of_a_label_scale_with_intensity(label: str) -> None:
    weights = Emotion(label, intensity=0.25).weights()
    assert weights.sum() == pytest.approx(1.0)
    assert weights[LABELS.index(label)] == pytest.approx(1.0 if label == 'neutral' else 0.25)


@pytest.mark.parametrize('label', LABELS)
def test_a_label_s_own_point_is_that_label(label: str) -> None:
    weights = Emotion.from_vad(*VAD[label]).weights()
    assert int(weights.argmax()) == LABELS.index(label)
    assert weights.max() > 0.9


def test_a_point_between_two_labels_mixes_them_evenly() -> None:
    between = np.mean([VAD['happy'], VAD['proud']], axis=0)
    weights = Emotion.from_vad(*between).weights()
    assert weights[LABELS.index('happy')] == pytest.approx(weights[LABELS.index('proud')])
    assert weights[LABELS.index('happy')] > 0.3


@pytest.mark.parametrize('label', [*LABELS, 'vad:0.1,-0.2,0.3'])
def test_parse_reads_what_str_writes(label: str) -> None:
    emotion = Emotion.parse(label, 0.5)
    assert emotion is not None
    assert Emotion.parse(str(emotion), 0.5) == emotion


def test_nothing_is_no_emotion() -> None:
    assert Emotion.parse(None) is None
    assert Emotion.parse('') is None


@pytest.mark.parametrize(
    'value',
    ['joyful', 'vad:1,2', 'vad:a,b,c', (0.1, 0.2), (0.1, 0.2, 3.0), (float('nan'), 0, 0), 7],
)
def test_what_is_no_emotion_is_refused_in_one_line(value: object) -> None:
    with pytest.raises(BadRequest) as caught:
        Emotion.parse(value)  # type: ignore[arg-type]
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('intensity', [-0.1, 1.1, float('nan'), float('inf')])
def test_an_intensity_out_of_range_is_refused(intensity: float) -> None:
    with pytest.raises(BadRequest, match='intensity'):
        Emotion('happy', intensity=intensity)
