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
"""Motion: validation, editing and its invariants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples import random_motion

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import skeleton
from l2emg_ros.motion.motion import Motion


@pytest.mark.parametrize('seed', range(5))
def test_mirrored_twice_is_the_original(seed: int) -> None:
    motion = random_motion(seed)
    twice = motion.mirror().mirror()
    np.testing.assert_allclose(twice.joint_positions(), motion.joint_positions(), atol=1e-5)
    np.testing.assert_allclose(twice.poses, motion.poses, atol=1e-5)


def test_a_mirrored_motion_has_mirrored_joint_positions() -> None:
    motion = random_motion()
    expected = motion.joint_positions()[:, list(skeleton.MIRROR)] * [1, -1, 1]
    np.testing.assert_allclose(motion.mirror().joint_positions(), expected, atol=1e-5)


def test_slices_join_to_the_whole() -> None:
    motion = random_motion()
    assert Motion.concatenate([motion.slice(0, 13), motion.slice(13)]) == motion


@pytest.mark.parametrize(('fps', 'stride'), [(15.0, 1), (60.0, 4), (90.0, 6)])
def test_resampling_keeps_the_instants_that_both_rates_share(fps: float, stride: int) -> None:
    motion = random_motion(frames=61)
    other = motion.resample(fps)
    assert other.fps == fps
    assert other.duration == pytest.approx(motion.duration)
    np.testing.assert_allclose(
        other.joint_positions()[::stride], motion.joint_positions()[::2], atol=1e-5
    )


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    motion = random_motion()
    assert motion.resample(30.0) is motion


def test_arrays_are_read_only_and_equality_sees_every_field() -> None:
    motion = random_motion()
    with pytest.raises(ValueError, match='read-only'):
        motion.poses[0, 0] = 1.0
    assert motion == random_motion()
    assert motion != motion.replace(text='another')
    assert motion != motion.replace(trans=motion.trans + 1)


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'poses': np.zeros((40, 65))}, r'poses has shape \(40, 65\)'),
        ({'poses': np.full((40, 66), np.nan)}, 'poses holds a value that is not finite'),
        ({'trans': np.zeros((39, 3))}, '39'),
        ({'fps': 0.0}, 'frame rate'),
        ({'fps': float('nan')}, 'frame rate'),
        ({'betas': np.zeros(9)}, 'betas'),
        ({'poses': np.zeros((0, 66)), 'trans': np.zeros((0, 3))}, '0 frames'),
        ({'poses': 'abc'}, 'poses'),
    ],
)
def test_bad_arrays_are_refused(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(MotionFormatError, match=expected):
        random_motion().replace(**change)


def test_motions_of_different_rates_do_not_join() -> None:
    with pytest.raises(MotionFormatError, match='resample'):
        Motion.concatenate([random_motion(), random_motion(fps=60.0)])
    with pytest.raises(MotionFormatError, match='nothing'):
        Motion.concatenate([])


def test_repr_tells_the_story() -> None:
    assert repr(random_motion()) == 'Motion(40 frames, 30 fps, 1.3 s, happy 1)'
