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
"""The procedural corpus: gestures performed with feeling, and the words that ask for them.

A gesture is a score of via-points for the hands and the trunk; an emotion is a set of effort
parameters; a scenario is a dialect of them. No recorded motion is used.
"""

from l2emg_ros.corpus.dataset import (
    build,
    Gesture,
    GESTURES,
    Sample,
    sample,
    sample_request,
    synthesise,
)
from l2emg_ros.corpus.language import caption
from l2emg_ros.corpus.protocol import BENCHMARK, Protocol, PROTOCOLS, SHIPPED
from l2emg_ros.corpus.scenarios import Scenario, SCENARIOS, UNSEEN

__all__ = [
    'BENCHMARK',
    'GESTURES',
    'PROTOCOLS',
    'SCENARIOS',
    'SHIPPED',
    'UNSEEN',
    'Gesture',
    'Protocol',
    'Sample',
    'Scenario',
    'build',
    'caption',
    'sample',
    'sample_request',
    'synthesise',
]
