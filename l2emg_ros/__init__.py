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
"""Emotional full-body motion for humanoid robots from sentences.

The public names are imported when they are first used, so that ``import l2emg_ros`` needs neither
torch nor Pinocchio nor ROS.
"""

from __future__ import annotations

import importlib
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from l2emg_ros.emotion import Emotion
    from l2emg_ros.generator.generator import EmpathicGenerator
    from l2emg_ros.motion.motion import Motion
    from l2emg_ros.retarget.retargeter import Retargeter
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.trajectory import Trajectory

__version__ = '0.1.0'
__all__ = [
    'Emotion',
    'EmpathicGenerator',
    'Motion',
    'Retargeter',
    'Robot',
    'Trajectory',
    '__version__',
]

_MODULES = {
    'Emotion': 'l2emg_ros.emotion',
    'EmpathicGenerator': 'l2emg_ros.generator.generator',
    'Motion': 'l2emg_ros.motion.motion',
    'Retargeter': 'l2emg_ros.retarget.retargeter',
    'Robot': 'l2emg_ros.retarget.robot',
    'Trajectory': 'l2emg_ros.retarget.trajectory',
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use and keep it."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Show the public names before they are imported."""
    return sorted({*globals(), *__all__})
