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
"""Places that no shipped model knows: words written by hand, gestures and manners dealt out."""

from __future__ import annotations

from importlib.resources import files
import json

import numpy as np

from l2emg_ros.corpus import GESTURES, Scenario
from l2emg_ros.corpus.effort import Dialect
from l2emg_ros.errors import BadRequest

GESTURES_A_PLACE = 12


def invented(count: int, seed: int) -> list[Scenario]:
    """Return scenarios; the same seed gives the same ones, and more of them begin with those.

    Args:
        count: How many.
        seed: Of the order, the gestures and the dialects.

    Raises:
        BadRequest: There are not so many words.
    """
    text = (files('l2emg_ros') / 'data' / 'places.json').read_text('utf-8')
    words: dict[str, list[str]] = json.loads(text)
    if not 1 <= count <= len(words):
        raise BadRequest(f'scenarios is {count}: expected 1 to {len(words)}')
    order = np.random.default_rng(seed).permutation(sorted(words))
    return [
        _place(str(name), words[name], np.random.default_rng((seed, number)))
        for number, name in enumerate(order[:count])
    ]


def _place(name: str, words: list[str], rng: np.random.Generator) -> Scenario:
    gestures = rng.choice(sorted(GESTURES), GESTURES_A_PLACE, replace=False)
    people, places, things, goals = (
        tuple(part.strip() for part in row.split(',')) for row in words
    )
    return Scenario(name, tuple(map(str, gestures)), dialect(rng), people, places, things, goals)


def dialect(rng: np.random.Generator) -> Dialect:
    """Return manners that an observer can tell from none, in the range of the shipped ones."""
    return Dialect(
        tempo=float(np.exp(_apart(rng, 0.08, 0.2))),
        amp=float(np.exp(_apart(rng, 0.05, 0.17))),
        sharp=float(rng.uniform(-0.15, 0.15)),
        chest=float(rng.uniform(-3.0, 5.0)),
        bend=float(rng.uniform(-2.0, 3.0)),
        bounce=float(rng.uniform(0.5, 1.3)),
        stance=float(rng.uniform(0.9, 1.2)),
    )


def _apart(rng: np.random.Generator, least: float, most: float) -> float:
    """Return a number whose size is between two."""
    return float(rng.choice([-1.0, 1.0]) * rng.uniform(least, most))
