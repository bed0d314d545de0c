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
"""Motions made on the spot for tests."""

from __future__ import annotations

import numpy as np

from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion


def random_motion(seed: int = 0, frames: int = 40, fps: float = 30.0) -> Motion:
    """Return a smooth motion with every joint moving."""
    rng = np.random.default_rng(seed)
    knots = rng.normal(scale=0.4, size=(6, 22, 3))
    at = np.linspace(0, 5, frames)
    low = np.minimum(at.astype(int), 4)
    share = (at - low)[:, None, None]
    vectors = knots[low] * (1 - share) + knots[low + 1] * share
    rotations = rotation.from_rotvec(vectors)
    rotations[:, 0] = rotation.multiply(rotations[:, 0], rotation.SMPL_TO_ROS_QUAT)
    walk = np.cumsum(rng.normal(scale=0.01, size=(frames, 3)), axis=0)
    walk[:, 2] += 0.95
    return Motion.from_rotations(rotations, walk, fps, text='a test', emotion='happy', seed=seed)
