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

from collections.abc import Collection, Sequence
from dataclasses import dataclass
import hashlib
import zlib

import numpy as np

from l2emg_ros import corpus
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import ExpertIntegrityError, L2EmgError
from l2emg_ros.experts.registry import Registry
from l2emg_ros.learning.performance import Prompt

FILE = 'probe.json'
SIZE = 32


@dataclass(frozen=True)
class Probe:
    """What is kept of the requests of an expert, to test later updates on.

    Attributes:
        prompts: Golden prompts.
        held: Texts of theirs that the router has not learned; all where that is not known.
        learned: Marks of the texts that the router has learned, as of ``mark``.
    """

    prompts: Sequence[Prompt] = ()
    held: Sequence[str] = ()
    learned: Collection[str] = ()


def record(
    prompts: Sequence[Prompt], held: Collection[str], learned: Collection[str]
) -> dict[str, object]:
    """Return what is stored with a version of an expert.

    Args:
        prompts: Golden prompts, of which ``SIZE`` are stored.
        held: Texts that the router has not learned.
        learned: Marks of the texts that it has learned, as of ``mark``.
    """
    rows = [{**prompt.record(), 'held': prompt.text in held} for prompt in prompts[:SIZE]]
    return {'prompts': rows, 'learned': sorted(learned)}


def mark(text: str) -> str:
    """Return what tells a text from others without being it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def merged(new: Sequence[Prompt], old: Sequence[Prompt]) -> list[Prompt]:
    """Return golden prompts of which half are of before, as far as there are so many.

    Of those, each time some of every age are kept, so that the oldest are never lost at once.
    """
    texts = {prompt.text for prompt in new}
    before = [prompt for prompt in old if prompt.text not in texts]
    count = min(len(before), max(SIZE // 2, SIZE - len(new)))
    before = [before[number * len(before) // count] for number in range(count)]
    return [*new[: SIZE - count], *before]


def load(registry: Registry, scenario: str, name: str, version: str) -> Probe:
    """Return the probe of a version; an empty one where neither it nor the package has any.

    An expert that learned from people keeps some of their requests; for the scenarios that the
    package comes with, requests are made up, always the same.

    Raises:
        ExpertIntegrityError: The stored one is damaged.
    """
    stored = registry.extra(name, version, FILE)
    if stored is None:
        prompts = _made_up(scenario) if scenario in corpus.SCENARIOS else []
        return Probe(prompts, [prompt.text for prompt in prompts])
    try:
        prompts = [Prompt.of(row) for row in stored['prompts']]
        apart = [str(row['text']) for row in stored['prompts'] if row.get('held')]
        marks = stored.get('learned', [])
        if not isinstance(marks, list) or not all(isinstance(item, str) for item in marks):
            raise TypeError('learned is no list of texts')
    except (KeyError, TypeError, AttributeError, L2EmgError) as error:
        raise ExpertIntegrityError(f'{name}@{version}: {FILE} is damaged: {error}') from None
    return Probe(prompts, apart or [prompt.text for prompt in prompts], set(marks))


def _made_up(scenario: str) -> list[Prompt]:
    """Return requests of a scenario that the package comes with."""
    rng = np.random.default_rng(zlib.crc32(scenario.encode()))
    prompts = []
    for number in range(SIZE):
        text = corpus.sample_request(rng, scenario)[1]
        label = LABELS[number % len(LABELS)]
        prompts.append(Prompt(text, Emotion(label, intensity=0.8)))
    return prompts
