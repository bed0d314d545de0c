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
"""A gesture as the messages that the generator would send."""

from __future__ import annotations

from functools import cache

from l2emg_interfaces.msg import SmplMotion
import numpy as np

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import convert

# Of a chunk; that it is as long as its frames ask for, nobody checks.
TOKENS = np.array([[1, 2, 3], [7, 8, 9]])


@cache
def gesture(name: str = 'wave', seconds: float = 3.0, emotion: str = 'happy') -> Motion:
    """Return a synthetic gesture."""
    weights = Emotion(emotion).weights()
    motion = synthesise(name, weights, np.random.default_rng(0), seconds=seconds)
    return motion.replace(emotion=emotion)


def chunks(motion: Motion, motion_id: str, frames: int = 10) -> list[SmplMotion]:
    """Cut a motion into messages."""
    starts = range(0, motion.frames, frames)
    emotion = Emotion.parse(motion.emotion, motion.intensity)
    return [
        convert.motion_to_message(
            motion.slice(start, start + frames),
            motion_id=motion_id,
            frame_id='odom',
            chunk_index=index,
            last=start + frames >= motion.frames,
            emotion=emotion,
            experts=['reception@1'],
            expert_weights=[0.75],
            novelty_p_value=0.5,
            tokens=TOKENS + index,
        )
        for index, start in enumerate(starts)
    ]
