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
"""Experts on disk: ``<name>/<version>/`` folders and one ``active.json``, replaced atomically.

The registry is all that learning and generating share. A version is complete before it has its
name, it never changes afterwards, and nothing is loaded whose hash differs from its manifest.
Writers take turns; readers never wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
import errno
import logging
import os
from pathlib import Path
import shutil
import tempfile
from typing import Any

from safetensors.numpy import save

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts import contents, retention, state
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.experts.catalogue import Catalogue
from l2emg_ros.experts.lock import FolderLock
from l2emg_ros.experts.manifest import ExpertInfo, MANIFEST
from l2emg_ros.experts.reading import digest, MAX_JSON, MAX_TENSORS, parse, read, Tensors
from l2emg_ros.experts.router import Router
from l2emg_ros.files import atomic_write, sync_folder, write_json, write_synced

__all__ = ['ExpertInfo', 'Registry', 'Tensors']

_LOG = logging.getLogger(__name__)
# Kept beside the versions once one has been removed: its number is not given again.
LAST = 'last.json'
_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


class Registry(Catalogue):
    """A folder of experts; any number of processes may read and write it at once."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Open a registry; the folder need not exist yet."""
        super().__init__(folder)
        self._lock = FolderLock()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out, of this process and of others.

        Use it around a decision that depends on ``active()``. Blocks of one registry object may be
        nested; another object of the same folder waits, in the same thread in vain.

        Raises:
            BadRequest: The folder cannot be written, or another process does not finish.
        """
        try:
            self._prepare()
            self._folder.mkdir(parents=True, exist_ok=True)
            writable = os.access(self._folder, os.W_OK | os.X_OK)
            why = 'no permission'
        except OSError as error:
            if error.errno not in _UNWRITABLE:
                raise
            writable, why = False, str(error.strerror).lower()
        if not writable:
            raise BadRequest(
                f'{self._folder} cannot be written ({why}): choose another place for experts, '
                'with --registry or the parameter experts_path'
            )
        with self._lock.held(self._folder):
            yield

    def _prepare(self) -> None:
        """Make ready for the first write."""

    def add(
        self,
        manifest: Mapping[str, Any],
        adapter: Tensors,
        slots: Tensors,
        extras: Mapping[str, object] | None = None,
    ) -> str:
        """Store a new version; it is complete on disk before it has its name.

        Args:
            manifest: ``name``, ``scenario``, ``rank``, ``target_modules``, ``base_model``,
                ``hashes`` and whatever else should be recorded; version, time and hashes are
                filled in.
            adapter: ``<layer>.lora_A.weight`` and ``<layer>.lora_B.weight``.
            slots: Scenario slots and gates.
            extras: Further JSON objects by file name (``probe.json``), as such or as UTF-8
                bytes; verified from then on like the other files.

        Returns:
            The version: one more than the highest there ever was.

        Raises:
            BadRequest: The name is not one, or the registry cannot be written.
            ExpertIntegrityError: The tensors do not fit the manifest or are not finite.
        """
        name = manifests.check_name(manifest['name'])
        files = contents.pack(manifest, adapter, slots, extras or {})
        with self.writing():
            parent = self.folder / name
            retention.make_folder(parent)
            version = str(self._last(name) + 1)
            described = manifests.sealed(
                {
                    **manifest,
                    'version': version,
                    'created': datetime.now(timezone.utc).isoformat(timespec='seconds'),
                    'sha256': {file: digest(data) for file, data in files.items()},
                }
            )
            manifests.check(described, f'the manifest of {name}')
            staging = Path(tempfile.mkdtemp(dir=parent, prefix=retention.TEMPORARY))
            try:
                for file, data in {**files, MANIFEST: contents.to_json(described)}.items():
                    write_synced(staging / file, data)
                staging.chmod(0o755)
                sync_folder(staging)
                staging.rename(parent / version)
                sync_folder(parent)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
        return version

    def activate(
        self, chosen: Mapping[str, tuple[str, str]], router: Router | None, emotion_block: str
    ) -> None:
        """Make versions active together with the router statistics that know their scenarios.

        The state before is kept for ``restore``.

        Args:
            chosen: Scenario to expert name and version.
            router: Statistics to store beside them.
            emotion_block: Hash of the emotion block they were trained with.

        Raises:
            BadRequest: There is no such version, or the router knows a scenario without one.
            ExpertIntegrityError: A version is damaged or belongs to another scenario.
        """
        if router is not None and (unknown := sorted(set(router.scenarios) - set(chosen))):
            raise BadRequest(f'the router knows {unknown[0]!r}, which has no expert')
        with self.writing():
            for scenario, (name, version) in chosen.items():
                self._verify_for(scenario, name, version)
            stored = None if router is None else self._store(router)
            self._replace(self.active(), chosen, stored, emotion_block)

    def restore(self, chosen: Mapping[str, tuple[str, str]]) -> None:
        """Make other versions active, with the router statistics that belonged to them.

        Where exactly these were active before, with the statistics of then. Else the present
        statistics lose the scenarios that are left out and get those that come back from the
        latest state that had them. Only what changes is verified: this is quick.

        Args:
            chosen: Scenario to expert name and version.

        Raises:
            BadRequest: There is no such version, or nothing is known of a scenario's texts.
            ExpertIntegrityError: A version is damaged or belongs to another scenario.
        """
        with self.writing():
            present = self.active()
            before = state.chosen(present)
            for scenario, (name, version) in chosen.items():
                if before.get(scenario) == (name, version):
                    continue
                made_for = self._verify_for(scenario, name, version).get('hashes', {})
                if (block := made_for.get('emotion')) != present.get('emotion_block', block):
                    raise ExpertIntegrityError(
                        f'{name}@{version} was trained on another emotion block than is active'
                    )
            router = retention.router_for(self, present, dict(chosen))
            entry = self._store(router) if isinstance(router, Router) else router
            self._replace(present, chosen, entry, present.get('emotion_block', ''))

    def remove(self, name: str, version: str) -> None:
        """Remove a version that is not active; its number is not given again.

        Raises:
            BadRequest: There is none, or it is active.
        """
        manifests.check_name(name)
        manifests.check_version(version)
        with self.writing():
            if (name, version) not in self.versions(name):
                raise BadRequest(f'no expert {name!r} version {version!r} in {self.folder}')
            if (name, version) in state.chosen(self.active()).values():
                raise BadRequest(f'{name}@{version} is active: roll it back or take it out first')
            if int(version) >= self._last(name):
                write_json(self.folder / name / LAST, {'last': int(version)})
            retention.discard(self.folder / name / version)

    def collect(self, keep: int = 3, age: float = 3600.0) -> list[str]:
        """Remove what nobody needs any more.

        Kept are the last versions of each expert that were ever active, whatever ``active.json``
        names, as many that are newer than these and were not refused, and young ones, which a
        trainer may be about to make active. Without an ``active.json`` nothing says what is of
        use, and nothing is removed.

        Args:
            keep: How many versions of each expert.
            age: Seconds during which a version is young.

        Returns:
            The removed versions, as ``name@version``.

        Raises:
            BadRequest: ``keep`` is less than 1, or the registry cannot be written.
            ExpertIntegrityError: ``active.json`` is damaged: nothing is removed.
        """
        if keep < 1:
            raise BadRequest(f'keep is {keep}: expected at least 1')
        with self.writing():
            return retention.collect(self, keep, age)

    def _verify_for(self, scenario: str, name: str, version: str) -> dict[str, Any]:
        """Verify a version and that it is an expert of a scenario; return its manifest."""
        manifest = self.verify(name, version)
        if (of := manifest['scenario']) != scenario:
            raise ExpertIntegrityError(
                f'{name}@{version} is an expert of {of!r}: expected one of {scenario!r}'
            )
        return manifest

    def _last(self, name: str) -> int:
        """Return the highest version that an expert ever had; 0 where it had none."""
        path, last = self.folder / name / LAST, 0
        with suppress(FileNotFoundError):
            last = parse(read(self.folder, name, LAST, limit=MAX_JSON), path).get('last', -1)
            if type(last) is not int or last < 0:
                raise ExpertIntegrityError(f'{path} is damaged: expected the last version')
        return max([last, *(int(version) for _, version in self.versions(name))])

    def _store(self, router: Router) -> dict[str, Any]:
        """Store statistics under the name of their hash and return their entry."""
        serialised = save(router.state())
        value = digest(serialised)
        # The file that the present active.json names stays as it is.
        final = self.folder / f'router-{value[:12]}.safetensors'
        try:
            known = read(self.folder, final.name, limit=MAX_TENSORS) == serialised
        except (FileNotFoundError, ExpertIntegrityError):
            known = False
        if not known:
            with atomic_write(final) as temporary:
                temporary.write_bytes(serialised)
        return {'file': final.name, 'sha256': value, 'scenarios': list(router.scenarios)}

    def _replace(
        self,
        present: Mapping[str, Any],
        chosen: Mapping[str, tuple[str, str]],
        router: Mapping[str, Any] | None,
        emotion_block: str,
    ) -> None:
        """Keep the present state and put another in its place."""
        for scenario in chosen:
            manifests.check_scenario(scenario)
        retention.remember(self.folder)
        write_json(
            self.folder / state.ACTIVE,
            {
                'schema': state.SCHEMA,
                'active': state.entries(present, chosen),
                'router': router,
                'emotion_block': emotion_block,
            },
        )
        try:
            retention.sweep(self.folder)
        except OSError as error:
            # What is active is on disk; what is too much goes another time.
            _LOG.warning('%s could not be tidied: %s', self.folder, error)
