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
"""Is the arousal that a benchmark reads the one that a motion shows?"""

from __future__ import annotations

import numpy as np
import pytest

from l2emg_ros.bench import evaluator, intensity, plausibility
from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion import skeleton
from l2emg_ros.motion.motion import Motion


def test_ways_begin_and_end_where_they_say() -> None:
    ways = intensity.ways()
    for title, emotions in ways.items():
        assert len(emotions) == intensity.STEPS
        told = [intensity.commanded(emotion) for emotion in emotions]
        steps = np.diff(told)
        assert (steps > 0).all() or (steps < 0).all(), title
    assert intensity.commanded(ways['neutral to angry'][0]) == 0.0
    assert intensity.commanded(ways['neutral to angry'][-1]) == pytest.approx(0.7)


def test_monotony_counts_ranks_and_not_sizes() -> None:
    assert intensity.monotony([0.0, 0.1, 0.9], [0.2, 0.3, 0.31]) == pytest.approx(1.0)
    assert intensity.monotony([0.0, 0.1, 0.9], [0.3, 0.2, 0.1]) == pytest.approx(-1.0)
    # d = (0, 1, -1): 1 - 6 * 2 / (3 * 8)
    assert intensity.monotony([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]) == pytest.approx(0.5)


def test_the_judge_reads_more_arousal_in_an_excited_performance_than_in_a_tired_one() -> None:
    judge = evaluator.load()
    read = [
        intensity.arousal(
            judge, synthesise('wave', Emotion(label).weights(), np.random.default_rng(0))
        )
        for label in ('tired', 'neutral', 'excited')
    ]
    assert read[0] < read[1] - 0.2 < read[2] - 0.4


def test_palms_are_as_far_apart_as_the_arms_put_them() -> None:
    """In the T pose the hands are as far apart as the wrists and two palms."""
    pose = Motion.from_rotations(np.tile([0.0, 0.0, 0.0, 1.0], (4, 22, 1)), np.zeros((4, 3)), 30.0)
    wrists = [skeleton.index(f'{side}_wrist') for side in ('left', 'right')]
    places = pose.joint_positions()[0, wrists]
    between = float(np.linalg.norm(places[0] - places[1]))
    assert plausibility.palms_apart(pose) == pytest.approx(between + 0.09 - 0.036, abs=1e-3)
    clap = synthesise('clap', Emotion('happy').weights(), np.random.default_rng(0))
    assert plausibility.palms_apart(clap) < 0.05
