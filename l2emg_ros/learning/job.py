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
"""What is to be learned."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
from dataclasses import dataclass
import json
from pathlib import Path

FEWEST = 32
"""Usable lessons below which nothing is learned."""

# Stage, step, steps, seconds since the job began, figures.
Report = Callable[[str, int, int, float, dict[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be learned, and within which limits.

    Attributes:
        scenario: Name of the scenario.
        data: Scenario folder or ``.jsonl``; None is the log.
        ids: Interactions of the log to learn from; empty is those of a scenario that is known,
            or, for a new one, all that no expert has learned from.
        log: Folder of the log of interactions, or None.
        model: Model folder.
        experts: Where learned experts are, as in ``registry_for``; None is beside the model.
        work: Folder of the states, so that a run that was stopped goes on.
        robot: Which is to perform: a shipped name or a map file.
        steps: Most training steps; 0 is as the lessons need.
        seconds: Most seconds; 0 is no limit. Then the run stops, and goes on when asked again.
        promote: Whether to make the expert active if it passes.
        seed: Of everything.
        device: Torch device.
        lr: Peak learning rate.
        fewest: Lessons that are needed.
        idle_only: Whether a trainer works only while nothing else wants the processor; else it has
            the lowest priority of its session, and goes on where others are always busy.
    """

    scenario: str
    model: Path
    work: Path
    data: Path | None = None
    ids: tuple[str, ...] = ()
    log: Path | None = None
    experts: Path | None = None
    robot: str = 'g1'
    steps: int = 0
    seconds: float = 0.0
    promote: bool = True
    seed: int = 0
    device: str = 'cpu'
    lr: float = 5e-4
    fewest: int = FEWEST
    idle_only: bool = True

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(
            {k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(self).items()}
        )

    @classmethod
    def from_json(cls, line: str) -> Job:
        """Return the job of ``to_json``."""
        value = json.loads(line)
        for name in ('model', 'work', 'data', 'log', 'experts'):
            value[name] = None if value[name] is None else Path(value[name])
        return cls(**{**value, 'ids': tuple(value['ids'])})
