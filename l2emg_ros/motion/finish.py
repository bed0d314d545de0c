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
"""From generated features to the motion that is played, and that people see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.motion import anatomy
from l2emg_ros.motion.features import CONTACTS, FeatureDecoder, FPS, Smoother
from l2emg_ros.motion.feet import FootLock
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]


class Finisher:
    """Smooths features, holds feet in contact still and forearms in their ranges, piece by piece.

    Pieces of any size give the same result; what comes out is ``Smoother.LOOK_AHEAD`` frames late.
    """

    def __init__(self) -> None:
        """Start at the ground origin, facing world x."""
        self._smoother, self._decoder, self._feet = Smoother(), FeatureDecoder(), FootLock()

    def push(self, features: ArrayLike, *, last: bool) -> tuple[Array, Array]:
        """Finish the next frames.

        Args:
            features: (T, 140).
            last: Whether no more will come.

        Returns:
            Rotations (T', 22, 4) xyzw and root translation (T', 3) m of all frames known now.
        """
        smooth = self._smoother.push(features, last=last)
        rotations, translation = self._feet.push(*self._decoder.push(smooth), smooth[:, CONTACTS])
        return anatomy.hold_forearms(rotations), translation


def finished(features: ArrayLike, **meta: Any) -> Motion:
    """Return the motion of (T, 140) generated features as the generator plays it.

    ``features.decode`` is for the features of a motion that there has been: it changes nothing.
    """
    return Motion.from_rotations(*Finisher().push(features, last=True), FPS, **meta)
