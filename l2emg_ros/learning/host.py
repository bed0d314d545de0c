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
"""A model with its active experts, as a job finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import time

from l2emg_ros.bench import evaluator
from l2emg_ros.experts.manifest import check_name
from l2emg_ros.experts.registry import Registry
from l2emg_ros.experts.state import chosen
from l2emg_ros.generator import checkpoint
from l2emg_ros.learning import probe
from l2emg_ros.learning.job import Job, Report
from l2emg_ros.learning.performance import Requests
from l2emg_ros.learning.probe import Probe
from l2emg_ros.model.expert import ScenarioExpert


class Host:
    """What a job works on: its own copy of the model, never the generator's.

    Args:
        job: What is to be learned.
        report: Told about progress.
        clock: Tells the seconds that count.

    Raises:
        BadRequest: The scenario's name is none.
        ModelNotLoaded: The model or the device is not there.
        ExpertIntegrityError: A file is damaged.
    """

    def __init__(
        self, job: Job, report: Report, clock: Callable[[], float] = time.monotonic
    ) -> None:
        check_name(job.scenario)
        self.job, self._report, self._clock, self._began = job, report, clock, clock()
        place = checkpoint.device(job.device)
        self.model = checkpoint.load(job.model, place, job.experts)
        self.encoder = checkpoint.encoder(job.model, place)
        self.requests = Requests(self.encoder, place)
        self.registry: Registry = self.model.registry
        self.judge = evaluator.load()
        self.active = chosen(self.registry.active())
        self.router = self.registry.router()
        self.experts = {name: self.model.expert(*version) for name, version in self.active.items()}

    def tell(self, stage: str, step: int, steps: int, **figures: float) -> None:
        """Report progress."""
        self._report(stage, step, steps, self._clock() - self._began, figures)

    def time_left(self) -> float:
        """Return the share of the time that is left, 1 without a limit."""
        if not self.job.seconds:
            return 1.0
        return 1.0 - (self._clock() - self._began) / self.job.seconds

    def serving(self) -> ScenarioExpert | None:
        """Return the expert of the job's own scenario, if it has one."""
        return self.experts.get(self.job.scenario)

    def answering(self, texts: Sequence[str]) -> ScenarioExpert | None:
        """Return the expert that answers most of some requests now; None is the backbone."""
        if (own := self.serving()) is not None or self.router is None:
            return own
        served = [route.scenario for route in self.router.routes(texts, self.encoder)]
        most = max(sorted(set(served)), key=served.count)
        return self.experts.get(most)

    def probes(self) -> dict[str, Probe]:
        """Return what is kept of the requests of each active scenario."""
        return {
            name: probe.load(self.registry, name, *version)
            for name, version in self.active.items()
        }
