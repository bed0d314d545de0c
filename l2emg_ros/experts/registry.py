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

The registry is all that learning and generating share. A version is complete before it is named in
``active.json``, and nothing is loaded whose hash differs from its manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
import hashlib
import os
from pathlib import Path
import re
import shutil
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.numpy import load_file, save, save_file

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts.router import Router
from l2emg_ros.files import atomic_write, read_json, sha256, sync_folder, write_json

_NAME = re.compile(r'[a-z][a-z0-9_]{1,63}')
_FILES = ('adapter_config.json', 'adapter_model.safetensors', 'slots.safetensors')
_PREFIX = 'base_model.model.'

Tensors = dict[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True)
class ExpertInfo:
    """What is known of one version of an expert without loading it.

    Attributes:
        sha256: Hash of ``adapter_model.safetensors``.
        created: Seconds since the epoch.
        active: Whether ``active.json`` names it.
    """

    name: str
    version: str
    scenario: str
    base_model: str
    rank: int
    sha256: str
    created: float
    active: bool
    metrics: Mapping[str, float] = field(default_factory=dict)


class Registry:
    """A folder of experts."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Open a registry; the folder need not exist yet."""
        self.folder = Path(folder)

    def active(self) -> dict[str, Any]:
        """Return ``active.json``: schema, scenario to name and version, router file and hash.

        Raises:
            ExpertIntegrityError: It is damaged.
        """
        path = self.folder / 'active.json'
        if not path.is_file():
            return {'schema': 1, 'active': {}, 'router': None}
        try:
            value = read_json(path)
            entries = {k: (v['name'], v['version']) for k, v in value['active'].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExpertIntegrityError(f'{path} is damaged: {error!r}') from None
        for name, version in entries.values():
            self._path(name, version)
        return dict(value)

    def list(self, scenario: str = '') -> list[ExpertInfo]:
        """Return every version of every expert, of one scenario or of all, in order."""
        current = {(v['name'], v['version']) for v in self.active()['active'].values()}
        found = []
        for path in sorted(self.folder.glob('*/[0-9]*/manifest.json'), key=_order):
            name, version = path.parts[-3:-1]
            manifest = self.manifest(name, version)
            if scenario in ('', manifest['scenario']):
                found.append(_info(manifest, (name, version) in current))
        return found

    def manifest(self, name: str, version: str = '') -> dict[str, Any]:
        """Return the manifest of a version; '' is the newest.

        Raises:
            BadRequest: No such expert or version.
            ExpertIntegrityError: The manifest is damaged.
        """
        path = self._path(name, version or self.newest(name)) / 'manifest.json'
        if not path.is_file():
            raise BadRequest(f'no expert {name!r} version {version!r} in {self.folder}')
        try:
            manifest = dict(read_json(path))
            _info(manifest, active=False)
        except (ValueError, KeyError, TypeError) as error:
            raise ExpertIntegrityError(f'{path} is damaged: {error!r}') from None
        if manifest['name'] != name:
            raise ExpertIntegrityError(f'{path} is the manifest of {manifest["name"]!r}')
        return manifest

    def newest(self, name: str) -> str:
        """Return the highest version of an expert.

        Raises:
            BadRequest: There is none.
        """
        versions = sorted(self._path(name, '').glob('[0-9]*/manifest.json'), key=_order)
        if not versions:
            known = ', '.join(sorted({p.parts[-3] for p in self.folder.glob('*/*/manifest.json')}))
            raise BadRequest(f'unknown expert {name!r}: the registry has {known or "none"}')
        return versions[-1].parts[-2]

    def verify(self, name: str, version: str = '') -> dict[str, Any]:
        """Check every file of a version against its manifest, and return that.

        Raises:
            ExpertIntegrityError: A file is missing or has another hash.
        """
        manifest = self.manifest(name, version)
        folder = self._path(name, manifest['version'])
        for file in _FILES:
            path = folder / file
            if not path.is_file():
                raise ExpertIntegrityError(f'{path} is missing: expected by its manifest')
            found, wanted = sha256(path), manifest['sha256'].get(file)
            if found != wanted:
                raise ExpertIntegrityError(
                    f'{path} has SHA-256 {found[:12]}...: the manifest says {str(wanted)[:12]}...'
                )
        return manifest

    def load(self, name: str, version: str = '') -> tuple[dict[str, Any], Tensors, Tensors]:
        """Return manifest, adapter tensors by layer name and slot tensors, hashes checked.

        Raises:
            ExpertIntegrityError: A file is not what the manifest says.
        """
        manifest = self.verify(name, version)
        folder = self._path(name, manifest['version'])
        try:
            adapter = load_file(folder / 'adapter_model.safetensors')
            slots = load_file(folder / 'slots.safetensors')
        except SafetensorError as error:
            raise ExpertIntegrityError(f'{folder}: {error}') from None
        return manifest, {k.removeprefix(_PREFIX): v for k, v in adapter.items()}, slots

    def add(self, manifest: Mapping[str, Any], adapter: Tensors, slots: Tensors) -> str:
        """Store a new version; it is complete on disk before it has its name.

        Args:
            manifest: ``name``, ``scenario``, ``rank``, ``target_modules``, ``base_model`` and
                whatever else should be recorded; version, time and hashes are filled in.
            adapter: ``<layer>.lora_A.weight`` and ``<layer>.lora_B.weight``.
            slots: Scenario slots and gates.

        Returns:
            The version.
        """
        name = str(manifest['name'])
        versions = [int(p.name) for p in self._path(name, '').glob('*') if p.name.isdigit()]
        version = str(max(versions, default=0) + 1)
        parent = self._path(name, '')
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=parent, prefix='.tmp-'))
        try:
            config = LoraConfig(
                r=int(manifest['rank']),
                lora_alpha=2 * int(manifest['rank']),
                target_modules=sorted(manifest['target_modules']),
                inference_mode=True,
            )
            described = config.to_dict()
            described['target_modules'] = sorted(described['target_modules'])
            write_json(staging / _FILES[0], described)
            save_file({_PREFIX + k: v for k, v in adapter.items()}, staging / _FILES[1])
            save_file(dict(slots), staging / _FILES[2])
            write_json(
                staging / 'manifest.json',
                {
                    **manifest,
                    'version': version,
                    'created': datetime.now(timezone.utc).isoformat(timespec='seconds'),
                    'sha256': {file: sha256(staging / file) for file in _FILES},
                },
            )
            staging.chmod(0o755)
            staging.rename(parent / version)
            sync_folder(parent)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        return version

    def activate(
        self, chosen: Mapping[str, tuple[str, str]], router: Router, emotion_block: str
    ) -> None:
        """Make versions active together with the router statistics that know their scenarios.

        Args:
            chosen: Scenario to expert name and version.
            router: Statistics to store beside them.
            emotion_block: Hash of the emotion block they were trained with.
        """
        for name, version in chosen.values():
            self.verify(name, version)
        serialised = save(router.state())
        digest = hashlib.sha256(serialised).hexdigest()
        # The name carries the hash: the file that the present active.json names stays as it is.
        final = self.folder / f'router-{digest[:12]}.safetensors'
        with atomic_write(final) as temporary:
            temporary.write_bytes(serialised)
        write_json(
            self.folder / 'active.json',
            {
                'schema': 1,
                'active': {k: {'name': n, 'version': v} for k, (n, v) in chosen.items()},
                'router': {
                    'file': final.name,
                    'sha256': digest,
                    'scenarios': router.scenarios,
                },
                'emotion_block': emotion_block,
            },
        )
        for old in self.folder.glob('router-*.safetensors'):
            if old != final:
                old.unlink()

    def router(self) -> Router | None:
        """Return the active router, or None where there is none.

        Raises:
            ExpertIntegrityError: Its file is missing or differs from ``active.json``.
        """
        entry = self.active()['router']
        if entry is None:
            return None
        path = self.folder / str(entry['file'])
        if not path.is_file() or sha256(path) != entry['sha256']:
            raise ExpertIntegrityError(f'{path} is missing or differs from active.json')
        return Router.from_state(entry['scenarios'], load_file(path))

    def _path(self, name: str, version: str) -> Path:
        """Return the folder of a version, or of all versions for ''."""
        if not _NAME.fullmatch(name):
            raise BadRequest(f'expert name {name!r}: expected lower-case letters, digits and _')
        if version and not version.isdigit():
            raise BadRequest(f'expert version {version!r}: expected a number')
        return self.folder / name / version if version else self.folder / name


def _order(path: Path) -> tuple[str, int]:
    """Sort manifests by name, then by version as a number."""
    version = path.parts[-2]
    return path.parts[-3], int(version) if version.isdigit() else -1


def _info(manifest: Mapping[str, Any], active: bool) -> ExpertInfo:
    """Read the fields of a manifest that a list shows."""
    return ExpertInfo(
        name=str(manifest['name']),
        version=str(manifest['version']),
        scenario=str(manifest['scenario']),
        base_model=str(manifest['base_model']),
        rank=int(manifest['rank']),
        sha256=str(manifest['sha256']['adapter_model.safetensors']),
        created=datetime.fromisoformat(manifest['created']).timestamp(),
        active=active,
        metrics={k: float(v) for k, v in manifest.get('metrics', {}).items()},
    )
