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
"""Interactions and messages to fill a log with, without ROS."""

from __future__ import annotations

from pathlib import Path
import struct
import time
from typing import Any

import numpy as np

from l2emg_ros.emotion import Emotion
from l2emg_ros.lifelong.interaction import Feedback, Interaction, Outcome
from l2emg_ros.lifelong.recording import Record

DAY = 86400.0


def interaction(motion_id: str = 'm', **fields: Any) -> Interaction:
    """Return an interaction with a value in every field."""
    said = {
        'session_id': 's',
        'rating': 0.5,
        'human_before': Emotion('sad', intensity=0.3),
        'human_after': Emotion.from_vad(0.1, 0.2, -0.3, 0.7),
        'confidence_after': 0.75,
        'correction': 'größer, ⚡',
        'preferred_motion_id': 'other',
    }
    said |= {key: fields.pop(key) for key in list(fields) if key in Feedback.__slots__}
    recorded = time.time()
    given: dict[str, Any] = {
        'text': 'wave to a visitor',
        'scenario': 'reception',
        'emotion': Emotion('happy', intensity=0.5),
        'model': 'tiny@1',
        'experts': ('reception@1', 'ward@2'),
        'expert_weights': (0.75, 0.25),
        'novelty_p_value': 0.4,
        'seed': 2**40,
        'tokens': np.arange(12).reshape(6, 2) * 5000,
        'seconds': 0.8,
        'recorded': recorded,
        'keep_until': recorded + DAY,
        'outcome': Outcome(True, 1.25, 0.1, 0.02),
    }
    feedback = Feedback(motion_id, **said)
    return Interaction(feedback=feedback, motion_id=motion_id, **{**given, **fields})


def record(text: str = 'hello', stamp: int = 10, topic: str = 'chat') -> Record:
    """Return a std_msgs/String as ROS would have serialised it."""
    data = text.encode() + b'\0'
    content = b'\0\1\0\0' + struct.pack('<I', len(data)) + data
    return Record(topic, 'std_msgs/msg/String', 'string data\n', stamp, content)


def bytes_of(folder: Path) -> bytes:
    """Return everything that the files of a log hold."""
    return b''.join(path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file())
