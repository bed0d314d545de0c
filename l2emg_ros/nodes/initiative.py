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
"""The part of the lifelong node that learns by itself, and watches over what was learned."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
import time
from typing import Any

from l2emg_ros.errors import L2EmgError
from l2emg_ros.files import expanded, read_json, write_json
from l2emg_ros.nodes import diagnostics
from l2emg_ros.nodes.base import BaseNode
from l2emg_ros.nodes.diagnostics import Status
from l2emg_ros.nodes.jobs import Jobs
from l2emg_ros.nodes.learning import job_of

_PERIOD = 1.0
# Share of the time that may be spent on reading the log: a long one takes a second.
_SHARE = 0.05
_TRIED = 'tried.json'


class Initiative:
    """Begins a job when enough was said and there is a need (`learning.trigger`).

    Args:
        node: The node, whose parameters say whether it may.
        jobs: Runs the job.
        registry: Returns the registry of experts.
        count: Returns how many interactions the log holds.
    """

    def __init__(
        self,
        node: BaseNode[Any],
        jobs: Jobs,
        registry: Callable[[], Any],
        count: Callable[[], int],
    ) -> None:
        self._node, self._jobs, self._registry, self._count = node, jobs, registry, count
        self._seen: tuple[int, bool, int] | None = None
        self._looking = False
        self._tried_now: set[str] = set()
        self._next = 0.0
        self._learning = False
        # What could not be learned from is tried again with more.
        self._failed: set[str] = set()
        self._values: dict[str, str] = {}
        self._alarms: list[str] = []
        node.every(_PERIOD, self._on_watch, steady=True)

    async def _on_watch(self) -> None:
        """Look again when there is something new to see; the same data is looked at once."""
        if not self._node.active or self._jobs.busy or self._looking:
            return
        if time.monotonic() < self._next:
            return
        wanted = bool(self._node.parameters.learn_by_itself)
        now = (self._count(), wanted, self._jobs.ended)
        if now == self._seen:
            return
        self._seen, self._looking = now, True
        try:
            found = await self._node.worker.run(self._look)
            # While it looked, any of these may have changed.
            wanted = bool(self._node.parameters.learn_by_itself)
            if found is not None and wanted and not self._jobs.busy and self._node.active:
                await self._learn(found)
        except Exception as error:
            self._node.report(error)
        finally:
            self._looking = False

    async def _learn(self, found: Any) -> None:
        """Learn what is due; what was tried to its end is not tried again."""
        from l2emg_ros.learning.process import TrainerStopped

        self._node.get_logger().info(f'learning {found.scenario} by itself: {found.why}')
        job = job_of(self._node.parameters, scenario=found.scenario, ids=found.ids)
        self._learning = True
        try:
            await self._jobs.run(job, lambda _: None, lambda: False)
        except TrainerStopped as stopped:
            # It goes on when the node is active again.
            self._node.get_logger().info(f'{found.scenario}: {stopped}')
            return
        except Exception as error:
            # Too little could be used, or the trainer was killed: nothing is wrong with the data.
            self._node.report(error)
            self._failed.update(found.fresh)
            return
        finally:
            self._learning = False
        # First in memory: on a full disk it would be tried again and again.
        self._tried_now.update(found.fresh)
        await self._node.worker.run(self._note)

    def stop(self) -> None:
        """Stop what was begun by itself; its state is saved."""
        if self._learning:
            self._jobs.cancel()

    # On the worker's thread.

    def _look(self) -> Any:
        """Return what is due, or None; read the signs of failing on the way."""
        from l2emg_ros.learning import signs, trigger
        from l2emg_ros.lifelong.log import InteractionLog

        began = time.monotonic()
        registry, given = self._registry(), self._node.parameters
        interactions = []
        with suppress(L2EmgError), InteractionLog(given.log_path) as log:
            interactions = log.interactions()
        self._values, self._alarms = signs.signs(registry, interactions)
        used, names = self._tried(), set()
        for name, version in registry.versions():
            names.add(name)
            with suppress(L2EmgError):
                used.update(registry.manifest(name, version).get('data', {}).get('ids', ()))
        active = registry.active()['active']
        found = trigger.due(interactions, active, names, used, given.fewest_lessons, self._failed)
        now = time.monotonic()
        self._next = now + (now - began) / _SHARE
        return found

    @property
    def _file(self) -> Path:
        return expanded(self._node.parameters.log_path) / 'training' / _TRIED

    def _tried(self) -> set[str]:
        """Return the interactions that something was tried to be learned from."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return {*self._tried_now, *map(str, read_json(self._file)['ids'])}
        return set(self._tried_now)

    def _note(self) -> None:
        write_json(self._file, {'ids': sorted(self._tried())})

    # Back on the executor.

    def status(self) -> Status:
        """Return the line `learning` of the diagnostics."""
        values = {**self._jobs.values(), **self._values}
        if self._alarms:
            return Status(diagnostics.WARN, '; '.join(self._alarms), values)
        return Status(values=values)
