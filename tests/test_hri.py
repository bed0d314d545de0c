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
"""Emotions to and from ROS4HRI: by the table, both ways."""

from __future__ import annotations

from hypothesis import given, strategies
import pytest

from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.hri import from_expression, table, to_expression

GRIEFS = ('pleading', 'vulnerable', 'guilty', 'disappointed', 'rejected')
MOODS = ('skeptical', 'suspicious', 'confused', 'bored', 'asleep')
SAME = {
    **{label: label for label in ('neutral', 'happy', 'sad', 'angry', 'disgusted', 'surprised')},
    **{'tired': 'tired', 'excited': 'excited', 'fearful': 'scared', 'shy': 'embarrassed'},
}
FOLDS = {
    'furious': ('angry', 1.0),
    'annoyed': ('angry', 0.5),
    'horrified': ('fearful', 1.0),
    'amazed': ('surprised', 1.0),
    'despaired': ('sad', 1.0),
}
# The constants of hri_msgs/Expression.
THEIRS = (*SAME.values(), *FOLDS, *GRIEFS, *MOODS)


def test_the_table_knows_every_label() -> None:
    assert len(THEIRS) == 25
    assert sorted(table()['inbound']) == sorted(THEIRS)
    assert tuple(table()['outbound']) == LABELS
    assert {ours: theirs for ours, theirs in table()['outbound'].items() if theirs} == SAME


@pytest.mark.parametrize('label', LABELS)
def test_ours_come_back(label: str) -> None:
    emotion = Emotion(label)
    expression, valence, arousal = to_expression(emotion)
    assert expression == SAME.get(label, '')
    assert (valence, arousal) == emotion.vad[:2]
    assert from_expression(expression, valence, arousal) == emotion


@pytest.mark.parametrize('label', [label for label in SAME if label != 'neutral'])
@pytest.mark.parametrize('intensity', [0.1, 0.5, 0.9])
def test_so_does_the_intensity_of_those_with_a_label(label: str, intensity: float) -> None:
    back = from_expression(*to_expression(Emotion(label, intensity=intensity)))
    assert back is not None
    assert back.label == label
    assert back.intensity == pytest.approx(intensity)


@pytest.mark.parametrize('theirs', THEIRS)
def test_theirs_fold_once(theirs: str) -> None:
    emotion = from_expression(theirs)
    assert emotion is not None
    expression, valence, arousal = to_expression(emotion)
    if theirs in SAME.values():
        assert expression == theirs
        assert emotion.intensity == 1.0
    if theirs in FOLDS:
        assert (emotion.label, emotion.intensity) == FOLDS[theirs]
    again = from_expression(expression, valence, arousal)
    assert again is not None
    assert again.label == emotion.label
    assert again.intensity == pytest.approx(emotion.intensity)
    # What has no word of ours keeps its place.
    assert again.vad[:2] == pytest.approx(emotion.vad[:2])


@pytest.mark.parametrize('theirs', GRIEFS)
def test_griefs_are_sad(theirs: str) -> None:
    emotion = from_expression(theirs)
    assert emotion is not None
    assert emotion.label == 'sad'
    assert 0.5 < emotion.intensity < 1.0


@pytest.mark.parametrize('theirs', MOODS)
def test_moods_without_a_word_go_by_their_numbers(theirs: str) -> None:
    emotion = from_expression(theirs)
    assert emotion is not None
    assert not emotion.label
    assert emotion.valence <= 0.0
    assert (emotion.arousal < -0.5) == (theirs in ('bored', 'asleep'))
    measured = from_expression(theirs, -0.125, 0.75)
    assert measured is not None
    assert measured.vad[:2] == (-0.125, 0.75)


def test_numbers_alone() -> None:
    assert from_expression('', 0.0, 0.0) is None
    assert from_expression('', 0.6000000238, 0.2000000030) == Emotion('proud')
    between = from_expression('', 0.4, -0.4)
    assert between is not None
    assert not between.label
    assert between.vad[:2] == (0.4, -0.4)
    # Between compassion and calm.
    assert -0.2 < between.dominance < 0.2
    assert to_expression(Emotion.from_vad(0.5, -0.5, 0.9, 0.5)) == ('', 0.25, -0.25)


def test_the_label_counts() -> None:
    assert from_expression('happy', -0.9, -0.9) == Emotion('happy')
    assert from_expression('annoyed', -0.6, 0.7) == Emotion('angry', intensity=0.5)
    assert from_expression('happy', 1.0, 1.0) == Emotion('happy')
    assert to_expression(Emotion('happy', intensity=0.0)) == ('neutral', 0.0, 0.0)


@given(
    strategies.sampled_from(['', *THEIRS]),
    strategies.floats(-1, 1, width=32),
    strategies.floats(-1, 1, width=32),
)
def test_whatever_is_valid_is_taken_and_can_be_said(label: str, valence: float, arousal: float):
    emotion = from_expression(label, valence, arousal)
    assert (emotion is None) == (not label and not valence and not arousal)
    if emotion is not None:
        expression, *numbers = to_expression(emotion)
        assert expression in ('', *THEIRS)
        assert all(-1.0 <= number <= 1.0 for number in numbers)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('joyful',), "unknown expression 'joyful': expected one of neutral, angry"),
        (('Happy',), "unknown expression 'Happy'"),
        (('x' * 1000,), r"unknown expression 'x{64}': expected"),
        (('happy', float('nan')), r'expression valence is nan: expected a number in \[-1, 1\]'),
        (('', 0.0, float('inf')), r'expression arousal is inf: expected a number in \[-1, 1\]'),
        (('happy', 1.5), r'expression valence is 1\.5'),
        (('happy', 0.0, 0.0, -0.1), r'expression confidence is -0\.1: expected .* in \[0, 1\]'),
    ],
)
def test_what_is_wrong_is_named(arguments: tuple, message: str) -> None:
    with pytest.raises(BadRequest, match=message) as refused:
        from_expression(*arguments)
    assert '\n' not in str(refused.value)
