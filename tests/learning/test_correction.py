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
from __future__ import annotations

from learning import school
import numpy as np
import pytest

from l2emg_ros.emotion import Emotion
from l2emg_ros.learning.correction import corrected, Correction, understood
from l2emg_ros.motion import skeleton


@pytest.mark.parametrize(
    ('said', 'wanted'),
    [
        ('slower', Correction(pace=0.75)),
        ('a bit slower', Correction(pace=0.875)),
        ('Much slower, please!', Correction(pace=0.625)),
        ('too fast', Correction(pace=0.75)),
        ('too slow', Correction(pace=1.25)),
        ('not so fast', Correction(pace=0.75)),
        ('bigger', Correction(size=1.25)),
        ('a little smaller', Correction(size=0.875)),
        ('calmer', Correction(pace=0.75, size=0.75)),
        ('not so wild', Correction(pace=0.75, size=0.75)),
        ('more energetic', Correction(pace=1.25, size=1.25)),
        ('slower and bigger', Correction(pace=0.75, size=1.25)),
        ('happier', Correction(label='happy')),
        ('not slower but happier', Correction(pace=1.25, label='happy')),
        ('still too fast', Correction(pace=0.75)),
        ('you did not move slow enough', Correction(pace=0.75)),
        ('that was slow enough', Correction()),
        ('less angry', Correction(intensity=0.5)),
        ('too sad', Correction(intensity=0.5)),
        ('', Correction()),
        ('lorem ipsum', Correction()),
        ('größer, ⚡', Correction()),
    ],
)
def test_words_are_understood(said: str, wanted: Correction) -> None:
    assert understood(said) == wanted
    assert bool(understood(said)) == (wanted != Correction())


def test_the_emotion_that_should_have_been_asked_for() -> None:
    sad = Emotion('sad', intensity=0.6)
    assert Correction(label='happy').emotion(sad) == Emotion('happy', intensity=0.6)
    assert Correction(label='happy').emotion(None) == Emotion('happy')
    assert Correction(intensity=0.5).emotion(sad) == Emotion('sad', intensity=0.3)
    assert Correction(intensity=0.5).emotion(None) is None
    assert Correction(pace=2.0).emotion(sad) == sad


def test_a_corrected_motion_has_another_pace_and_size() -> None:
    given = school.motion()
    slow = corrected(given, Correction(pace=0.5))
    assert slow.duration == pytest.approx(2 * given.duration, rel=0.05)
    assert slow.fps == 30
    small = corrected(given, Correction(size=0.5))
    wrist, foot = skeleton.index('right_wrist'), skeleton.index('left_foot')

    def reach(motion: object, joint: int) -> float:
        places = motion.joint_positions()[:, joint]  # type: ignore[attr-defined]
        return float(np.linalg.norm(places - places[0], axis=1).max())

    assert reach(small, wrist) < 0.75 * reach(given, wrist)
    assert reach(small, foot) == pytest.approx(reach(given, foot), abs=1e-3)
    same = corrected(given, Correction())
    np.testing.assert_allclose(same.joint_positions(), given.joint_positions(), atol=1e-5)
