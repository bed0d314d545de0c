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
"""Reading experts from a folder: lists, manifests, verified tensors, the router's statistics."""

from __future__ import annotations

from collections.abc import Mapping
import logging
import os
from pathlib import Path
from typing import Any

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts import contents, retention, state
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.experts.manifest import ExpertInfo, MANIFEST
from l2emg_ros.experts.reading import digest, MAX_JSON, MAX_TENSORS, parse, read, Tensors, tensors
from l2emg_ros.experts.router import Router

_LOG = logging.getLogger(__name__)


class Catalogue:
    """A folder of experts, to be read: nothing here changes it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Open a registry; the folder need not exist yet."""
        self._folder = Path(folder)

    @property
    def folder(self) -> Path:
        """Where the registry is."""
        return self._folder

    @property
    def model_folder(self) -> Path:
        """The model that the experts belong to."""
        return self._folder.parent

    def active(self) -> dict[str, Any]:
        """Return ``active.json``: schema, scenario to name and version, router file and hash.

        Raises:
            ExpertIntegrityError: It is damaged.
        """
        try:
            return state.load(self.folder, state.ACTIVE)
        except FileNotFoundError:
            return state.empty()

    def versions(self, name: str = '') -> list[tuple[str, str]]:
        """Return name and version of everything stored, in order, without reading it."""
        names = [manifests.check_name(name)] if name else _experts(self.folder)
        found = []
        for each in names:
            numbers = [v for v in _listed(self.folder / each) if manifests.is_version(v)]
            found += [(each, version) for version in sorted(numbers, key=int)]
        return found

    def history(self) -> list[dict[str, Any]]:
        """Return the states before the present one that are kept, the latest first."""
        return [kept for _, kept in retention.history(self.folder)]

    def list(self, scenario: str = '') -> list[ExpertInfo]:
        """Return every version of every expert, of one scenario or of all, in order.

        A damaged version is left out with a warning: the others are still of use.

        Raises:
            ExpertIntegrityError: ``active.json`` is damaged.
        """
        current = set(state.chosen(self.active()).values())
        found = []
        for name, version in self.versions():
            try:
                manifest = self.manifest(name, version)
            except ExpertIntegrityError as error:
                _LOG.warning('%s', error)
            except BadRequest:
                # Removed, or no version at all, since the folder was looked at.
                continue
            else:
                if scenario in ('', manifest['scenario']):
                    found.append(manifests.info(manifest, (name, version) in current))
        return found

    def manifest(self, name: str, version: str = '') -> dict[str, Any]:
        """Return the manifest of a version; '' is the newest.

        Raises:
            BadRequest: No such expert or version.
            ExpertIntegrityError: The manifest is damaged.
        """
        manifests.check_name(name)
        version = manifests.check_version(version or self.newest(name))
        path = self.folder / name / version / MANIFEST
        try:
            manifest = parse(read(self.folder, name, version, MANIFEST, limit=MAX_JSON), path)
        except FileNotFoundError:
            raise BadRequest(f'no expert {name!r} version {version!r} in {self.folder}') from None
        manifests.check(manifest, path)
        if (manifest['name'], manifest['version']) != (name, version):
            said = f'{manifest["name"]}@{manifest["version"]}'
            raise ExpertIntegrityError(f'{path} is the manifest of {said}')
        return manifest

    def newest(self, name: str) -> str:
        """Return the highest version of an expert.

        Raises:
            BadRequest: There is none.
        """
        versions = self.versions(manifests.check_name(name))
        if not versions:
            known = ', '.join(sorted({each for each, _ in self.versions()}))
            raise BadRequest(f'unknown expert {name!r}: the registry has {known or "none"}')
        return versions[-1][1]

    def files(self, name: str, version: str = '') -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return the manifest of a version and its files, hashes checked.

        Raises:
            BadRequest: No such expert or version.
            ExpertIntegrityError: A file is not what the manifest says.
        """
        manifest = self.manifest(name, version)
        name, version = manifest['name'], manifest['version']
        found = {}
        for file, wanted in manifest['sha256'].items():
            path = self.folder / name / version / file
            limit = MAX_JSON if file.endswith('.json') else MAX_TENSORS
            try:
                found[file] = read(self.folder, name, version, file, limit=limit)
            except FileNotFoundError:
                raise ExpertIntegrityError(
                    f'{path} is missing: expected by its manifest'
                ) from None
            if (has := digest(found[file])) != wanted:
                raise ExpertIntegrityError(
                    f'{path} has SHA-256 {has[:12]}...: the manifest says {wanted[:12]}...'
                )
        return manifest, found

    def verify(self, name: str, version: str = '') -> dict[str, Any]:
        """Check every file of a version against its manifest, and return that.

        Raises:
            BadRequest: No such expert or version.
            ExpertIntegrityError: A file is missing or has another hash.
        """
        return self.files(name, version)[0]

    def load(self, name: str, version: str = '') -> tuple[dict[str, Any], Tensors, Tensors]:
        """Return manifest, adapter tensors by layer name and slot tensors, hashes checked.

        Raises:
            BadRequest: No such expert or version.
            ExpertIntegrityError: A file is not what the manifest says.
        """
        manifest, found = self.files(name, version)
        folder = self.folder / manifest['name'] / manifest['version']
        return manifest, *contents.unpack(manifest, found, folder)

    def extra(self, name: str, version: str, file: str) -> dict[str, Any] | None:
        """Return a further JSON file of a version, or None where it has none of that name.

        Raises:
            BadRequest: No such expert or version.
            ExpertIntegrityError: A file is not what the manifest says.
        """
        _, found = self.files(name, version)
        return parse(found[file], self.folder / name / version / file) if file in found else None

    def router(self, of: Mapping[str, Any] | None = None) -> Router | None:
        """Return the router of a state, of the present one by default; None where it has none.

        Raises:
            ExpertIntegrityError: Its file is missing or differs from the state.
        """
        if of is not None:
            return self._router(of)
        present = self.active()
        try:
            return self._router(present)
        except ExpertIntegrityError:
            # Replaced, and the old file collected, between the two reads.
            if (again := self.active()) == present:
                raise
            return self._router(again)

    def _router(self, of: Mapping[str, Any]) -> Router | None:
        entry = of['router']
        if entry is None:
            return None
        path = self.folder / entry['file']
        try:
            data = read(self.folder, entry['file'], limit=MAX_TENSORS)
        except FileNotFoundError:
            data = b''
        if digest(data) != entry['sha256']:
            raise ExpertIntegrityError(f'{path} is missing or differs from active.json')
        return Router.from_state(entry['scenarios'], tensors(data, path))


def _experts(folder: Path) -> list[str]:
    """Return the sorted names of the experts in a registry."""
    return [name for name in _listed(folder) if manifests.is_name(name)]


def _listed(folder: Path) -> list[str]:
    """Return the sorted names in a folder; none where there is no folder."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
