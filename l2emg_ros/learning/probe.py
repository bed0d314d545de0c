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
"""Golden prompts: requests of a scenario by which is seen whether it is still served as before."""

from __future__ import annotations

from collections.abc import Sequence
import zlib

import numpy as np

from l2emg_ros import corpus
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import ExpertIntegrityError, L2EmgError
from l2emg_ros.experts.registry import Registry
from l2emg_ros.learning.performance import Prompt

FILE = 'probe.json'
SIZE = 32


def record(prompts: Sequence[Prompt]) -> dict[str, object]:
    """Return prompts as they are stored with a version of an expert."""
    return {'prompts': [prompt.record() for prompt in prompts[:SIZE]]}


def golden(registry: Registry, scenario: str, name: str, version: str) -> list[Prompt]:
    """Return the golden prompts of a version; none where neither it nor the package has any.

    An expert that learned from people keeps some of their requests; for the scenarios that the
    package comes with, requests are made up, always the same.

    Raises:
        ExpertIntegrityError: The stored ones are damaged.
    """
    stored = registry.extra(name, version, FILE)
    if stored is not None:
        try:
            return [Prompt.of(row) for row in stored['prompts']]
        except (KeyError, TypeError, AttributeError, L2EmgError) as error:
            raise ExpertIntegrityError(f'{name}@{version}: {FILE} is damaged: {error}') from None
    if scenario not in corpus.SCENARIOS:
        return []
    rng = np.random.default_rng(zlib.crc32(scenario.encode()))
    prompts = []
    for number in range(SIZE):
        text = corpus.sample_request(rng, scenario)[1]
        label = LABELS[number % len(LABELS)]
        prompts.append(Prompt(text, Emotion(label, intensity=0.8)))
    return prompts
