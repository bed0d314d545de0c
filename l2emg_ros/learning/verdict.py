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
"""What came of learning: findings of the audit, conditions of the gate, and the verdict."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
import math
from typing import Any

import numpy as np

REUSE, CLONE, NEW = 'reuse', 'clone', 'new'


@dataclass(frozen=True, slots=True)
class Growth:
    """What was found, and what follows from it.

    Attributes:
        decision: 'reuse' the nearest expert, 'clone' it and tune the copy, or begin a 'new' one.
        nearest: Scenario of the active expert to which the motions are likeliest; '' for none.
        novelty: Smallest mean p-value of 16 requests coming from any known scenario.
        fit: Negative log-likelihood of the motions under the nearest expert over what experts
            reach on their own scenarios; infinite where there is none.
        head_start: How much likelier held-out motions become in 50 steps from the nearest expert
            than from nothing, nats a token; NaN where it was not tried.
    """

    decision: str
    nearest: str
    novelty: float
    fit: float
    head_start: float

    def __str__(self) -> str:
        """Return the decision with its three numbers."""
        return (
            f'{self.decision} ({self.nearest or "no expert"} is nearest; novelty p '
            f'{self.novelty:.3f}, fit {self.fit:.2f}, head start {self.head_start:.3f} nats)'
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One question that was put to the data.

    Attributes:
        name: What was looked at.
        ok: Whether it agrees with itself, as far as there is enough to tell.
        said: What was found, with its numbers.
    """

    name: str
    ok: bool
    said: str


@dataclass(frozen=True, slots=True)
class Check:
    """One condition, with its figures.

    Attributes:
        name: Of the condition.
        ok: Whether it holds.
        before: Figure of what is active.
        after: Figure of the candidate.
        said: Both in words, with what was expected.
    """

    name: str
    ok: bool
    before: float
    after: float
    said: str

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return dict(_plain(asdict(self)))


@dataclass(frozen=True)
class Verdict:
    """What came of a job.

    Attributes:
        promoted: Whether the new version is active.
        message: In a sentence.
        version: Name and version of what was stored, ``ward@2``, or ''.
        checks: Conditions of the gate; empty where it was not reached.
        findings: What the audit found.
        growth: What was decided before learning, or None.
        refused: Whether the data was refused before anything was learned.
    """

    promoted: bool
    message: str
    version: str = ''
    checks: tuple[Check, ...] = ()
    findings: tuple[Finding, ...] = ()
    growth: Growth | None = None
    refused: bool = False

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return dict(_plain(dataclasses.asdict(self)))

    @classmethod
    def of(cls, record: dict[str, Any]) -> Verdict:
        """Return the verdict of ``record``."""
        found = record['growth']
        return cls(
            **{
                **record,
                'checks': tuple(Check(**_numbers(Check, row)) for row in record['checks']),
                'findings': tuple(Finding(**row) for row in record['findings']),
                'growth': None if found is None else Growth(**_numbers(Growth, found)),
            }
        )


def _plain(value: Any) -> Any:
    """Return a value in terms of JSON, which has no infinity and no NaN: strings are, here."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(kind: type, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose numbers are numbers again."""
    numbers = {field.name for field in dataclasses.fields(kind) if field.type == 'float'}
    return {key: float(item) if key in numbers else item for key, item in record.items()}
