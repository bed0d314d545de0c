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
"""Emotion shows in how a gesture moves and stands; a length can be asked for."""

from __future__ import annotations

from corpus.performances import joint, perform, pointing
import numpy as np
import pytest

from l2emg_ros.corpus import GESTURES, synthesise
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion.motion import Motion

SPREAD = tuple(GESTURES)[::4]
"""Every fourth gesture: some of greeting, care, telling, sport and home."""


def _pace(motion: Motion) -> float:
    """Return the m/s that the faster hand exceeds in a tenth of the frames."""
    pelvis = joint(motion, 'pelvis')
    paths = [joint(motion, name) - pelvis for name in ('left_wrist', 'right_wrist')]
    speed = [np.linalg.norm(np.diff(path, axis=0), axis=1) * motion.fps for path in paths]
    return float(np.percentile(np.max(speed, axis=0), 90))


@pytest.mark.parametrize('gesture', SPREAD)
def test_happy_and_angry_are_faster_than_neutral_and_sad_and_tired_slower(gesture: str) -> None:
    pace = {
        label: np.mean([_pace(perform(gesture, label, seed)) for seed in range(3)])
        for label in ('happy', 'angry', 'neutral', 'sad', 'tired')
    }
    assert min(pace['happy'], pace['angry']) > pace['neutral'], pace
    assert max(pace['sad'], pace['tired']) < pace['neutral'], pace


def _pitch(motion: Motion) -> float:
    """Return the mean deg by which the face looks down."""
    return float(-np.degrees(np.arcsin(pointing(motion, 'head', [0.0, 0.0, 1.0])[:, 2])).mean())


@pytest.mark.parametrize('gesture', ['wave', 'point_left', 'stop'])
def test_the_sad_look_down_and_the_proud_up(gesture: str) -> None:
    sad, neutral, proud = (_pitch(perform(gesture, e, 5)) for e in ('sad', 'neutral', 'proud'))
    assert sad > neutral + 5 > proud + 10


def test_intensity_lies_between_neutral_and_the_full_emotion() -> None:
    pitch = [
        _pitch(synthesise('wave', Emotion('sad', intensity=i).weights(), np.random.default_rng(2)))
        for i in (0.0, 0.5, 1.0)
    ]
    assert pitch[0] < pitch[1] < pitch[2]
    np.testing.assert_allclose(
        synthesise('wave', Emotion('sad', intensity=0).weights(), np.random.default_rng(2)).poses,
        perform('wave', 'neutral', 2).poses,
    )


def test_every_label_changes_the_motion() -> None:
    neutral = perform('wave', 'neutral', 3, seconds=3.0).joint_positions()
    for label in LABELS[1:]:
        other = perform('wave', label, 3, seconds=3.0).joint_positions()
        assert np.abs(other - neutral).max() > 0.05, label


def test_a_scenario_colours_the_gesture() -> None:
    quiet, loud = (perform('hug', 'happy', 1, place) for place in ('ward', 'stage'))
    assert _pace(quiet) < 0.95 * _pace(loud)


@pytest.mark.parametrize('seconds', [1.0, 3.3, 8.0, 20.0])
@pytest.mark.parametrize('gesture', ['wave', 'bow', 'walk_guide'])
def test_a_wanted_length_is_kept(gesture: str, seconds: float) -> None:
    assert perform(gesture, seconds=seconds).duration == pytest.approx(seconds, abs=1 / 60)


def test_a_seed_decides_everything_and_another_seed_differs() -> None:
    assert perform('dance', 'happy', 4) == perform('dance', 'happy', 4)
    assert perform('dance', 'happy', 4) != perform('dance', 'happy', 5)


@pytest.mark.parametrize(
    ('gesture', 'scenario', 'seconds', 'named'),
    [
        ('moonwalk', None, None, 'moonwalk'),
        ('wave', 'moon', None, 'moon'),
        ('wave', None, 0.9, '0.9'),
        ('wave', None, 20.1, '20.1'),
        ('wave', None, float('nan'), 'nan'),
    ],
)
def test_bad_requests_name_what_was_wrong(
    gesture: str, scenario: str | None, seconds: float | None, named: str
) -> None:
    with pytest.raises(BadRequest, match=named):
        perform(gesture, scenario=scenario, seconds=seconds)


@pytest.mark.parametrize(
    'weights', [[1.0], np.full(13, 0.5), [2.0, -1.0, *[0.0] * 11], np.full(13, np.nan)]
)
def test_weights_that_are_no_mixture_are_refused(weights: list[float]) -> None:
    with pytest.raises(BadRequest, match='expected 13 shares of sum 1'):
        synthesise('wave', weights, np.random.default_rng(0))
