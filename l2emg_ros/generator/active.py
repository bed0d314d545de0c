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
"""The active experts of a model in memory, one immutable set at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import logging
import os
import threading
from typing import Any

from l2emg_ros.errors import ExpertIntegrityError, L2EmgError
from l2emg_ros.experts import state
from l2emg_ros.experts.router import Router
from l2emg_ros.generator.checkpoint import Model
from l2emg_ros.model.expert import ScenarioExpert

_LOG = logging.getLogger(__name__)
# A file may be collected between the moment it was named and the moment it is read, each time.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Loaded:
    """One expert in memory.

    Attributes:
        name: Name and version, ``ward@2``.
        hashes: Hashes of its files.
    """

    name: str
    hashes: Mapping[str, str]
    expert: ScenarioExpert


@dataclass(frozen=True, slots=True)
class Experts:
    """The active experts at one moment: every request reads one such set from start to end.

    Attributes:
        router: What tells them apart, or None.
        router_hash: Hash of its file.
        loaded: Scenario to its expert.
    """

    router: Router | None
    router_hash: str
    loaded: Mapping[str, Loaded]

    def names(self) -> list[str]:
        """Return name and version of every expert, sorted."""
        return sorted(item.name for item in self.loaded.values())


class ActiveExperts:
    """Follows ``active.json`` of a model's registry; what has not changed is not loaded again.

    Attributes:
        error: Why the experts in use are not those of ``active.json``; empty when they are.
    """

    def __init__(self, model: Model) -> None:
        """Read the active experts.

        Raises:
            ExpertIntegrityError: One is damaged or belongs to another model.
        """
        self._model = model
        self._lock = threading.Lock()
        self._experts = Experts(None, '', {})
        self._seen: object = None
        self.error = ''
        self.reload()

    def current(self) -> Experts:
        """Return the experts for a request that begins now.

        Where they cannot be read, those in use stay, and the reason is logged once.
        """
        if self._mark() == self._seen:
            return self._experts
        with self._lock:
            if (mark := self._mark()) != self._seen:
                try:
                    self._read(mark)
                except (L2EmgError, OSError) as error:
                    self._seen, self.error = mark, str(error)
                    _LOG.error('the experts stay as they are: %s', error)
            return self._experts

    def reload(self) -> Experts:
        """Read ``active.json`` again.

        Raises:
            ExpertIntegrityError: An expert is damaged; those in use stay.
        """
        with self._lock:
            self._read(self._mark())
            return self._experts

    def _read(self, mark: object) -> None:
        """Replace the set by what ``active.json`` says, whole or not at all."""
        for _ in range(_ATTEMPTS):
            try:
                self._experts = self._load()
            except (L2EmgError, OSError):
                if (now := self._mark()) == mark:
                    raise
                mark = now
            else:
                self._seen, self.error = mark, ''
                return
        raise ExpertIntegrityError(
            f'{self._model.registry.folder} changes faster than it can be read'
        )

    def _load(self) -> Experts:
        registry, before = self._model.registry, self._experts
        present = registry.active()
        known = {item.name: item for item in before.loaded.values()}
        loaded = {}
        for scenario, (name, version) in state.chosen(present).items():
            manifest = registry.manifest(name, version)
            if manifest['scenario'] != scenario:
                raise ExpertIntegrityError(
                    f'{name}@{version} is an expert of {manifest["scenario"]!r}: '
                    f'active.json has it for {scenario!r}'
                )
            item = known.get(f'{name}@{version}')
            if item is None or item.hashes != manifest['sha256']:
                expert = self._model.expert(name, version)
                item = Loaded(f'{name}@{version}', manifest['sha256'], expert)
            loaded[scenario] = item
        router, digest = self._router(present)
        return Experts(router if loaded else None, digest, loaded)

    def _router(self, present: Mapping[str, Any]) -> tuple[Router | None, str]:
        """Return the router of a state and the hash of its file."""
        entry = present['router']
        if entry is None:
            return None, ''
        before = self._experts
        known = before.router is not None and before.router.scenarios == entry['scenarios']
        if known and entry['sha256'] == before.router_hash:
            return before.router, before.router_hash
        return self._model.registry.router(present), entry['sha256']

    def _mark(self) -> object:
        """Return what changes whenever ``active.json`` is replaced; cheap."""
        try:
            status = os.stat(self._model.registry.folder / state.ACTIVE)
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
