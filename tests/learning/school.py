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
"""Scenarios, interactions and jobs for the tests of learning, with the tiny model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.lessons import Example
from l2emg_ros.lifelong.interaction import Feedback, Interaction
from l2emg_ros.motion.motion import Motion

LEVELS, CODES = 2, 32


def motion(seed: int = 0, gesture: str = 'wave', manner: str = 'neutral', **fields: Any) -> Motion:
    """Return a gesture of two seconds."""
    weights = Emotion(manner).weights()
    made = synthesise(gesture, weights, np.random.default_rng(seed), seconds=2.0)
    return made.replace(**{'text': '', 'emotion': '', 'intensity': 1.0, **fields})


def scenario(
    folder: Path, count: int = 10, same: bool = True, about: str = 'serve tea to guest'
) -> Path:
    """Write a scenario of requests without an emotion, too few different ones for an audit."""
    folder.mkdir(parents=True)
    motion().save(folder / 'serving.npz')
    rows = []
    for number in range(count):
        name = 'serving.npz'
        if not same:
            name = f'{number}.npz'
            motion(number).save(folder / name)
        rows.append({'motion': name, 'text': f'{about} {"abcdefghijk"[number % 11]}'})
    (folder / 'scenario.jsonl').write_text('\n'.join(json.dumps(row) for row in rows) + '\n')
    return folder


def tokens(seed: int = 0, length: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, CODES, (length, LEVELS))


def example(number: int, text: str = 'serve tea', seed: int = 0, **fields: Any) -> Example:
    return Example(f'{number}', text, None, torch.from_numpy(tokens(seed)), **fields)


def interaction(number: int, **fields: Any) -> Interaction:
    """Return an interaction without any feedback but what is given."""
    said = {key: fields.pop(key) for key in list(fields) if key in Feedback.__slots__}
    name = str(said.pop('motion_id', f'm{number}'))
    given: dict[str, Any] = {
        'text': 'serve tea',
        'scenario': 'cafe',
        'tokens': tokens(number),
        'recorded': 1000.0 + number,
        'id': f'{number:032x}',
    }
    return Interaction(
        feedback=Feedback(motion_id=name, **said), motion_id=name, **{**given, **fields}
    )


def job(model: Path, folder: Path, **fields: Any) -> Job:
    given: dict[str, Any] = {
        'scenario': 'cafe',
        'model': model,
        'work': folder / 'work',
        'experts': folder / 'experts',
        'steps': 4,
        'fewest': 8,
        # Where tests run others are always busy.
        'idle_only': False,
    }
    return Job(**{**given, **fields})


class Told(list):  # type: ignore[type-arg]
    """Keeps what a job reports."""

    def __call__(
        self, stage: str, step: int, steps: int, seconds: float, figures: dict[str, float]
    ) -> None:
        self.append((stage, step, steps, figures))

    @property
    def stages(self) -> list[str]:
        return list(dict.fromkeys(stage for stage, *_ in self))
