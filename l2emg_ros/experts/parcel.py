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
"""One version of an expert in one file, to be carried to another robot.

A zip archive of the version's own files, the router's statistics of its scenario, and
``parcel.json`` with the hash of each. What comes in is parsed and written anew: nothing of the
archive reaches the disk as it is, and nothing in it is ever executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
import os
from pathlib import Path
import stat
from typing import Any
import zipfile
import zlib

from safetensors.numpy import save

from l2emg_ros.errors import BadRequest, ExpertIntegrityError, L2EmgError, ModelNotLoaded
from l2emg_ros.experts import contents, place, state
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.experts.manifest import FILES, MANIFEST
from l2emg_ros.experts.reading import digest, MAX_JSON, MAX_TENSORS, parse, read, Tensors, tensors
from l2emg_ros.experts.registry import Registry
from l2emg_ros.experts.router import Router
from l2emg_ros.files import atomic_write

SCHEMA = 1
CONTENT, ROUTER = 'parcel.json', 'router.safetensors'
# Of a whole archive, packed and unpacked, bytes; and how many files it may hold.
MAX_PARCEL, MAX_FILES = 512 << 20, 64
# The same content gives the same archive.
_TIME = (1980, 1, 1, 0, 0, 0)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What an archive holds, checked.

    Attributes:
        manifest: Of the version, as it was where it comes from.
        adapter: ``<layer>.lora_A.weight``, ``<layer>.lora_B.weight``.
        slots: Scenario slots and gates.
        extras: Further JSON files, as bytes.
        router: What is known of the texts of its scenario, or None.
    """

    manifest: dict[str, Any]
    adapter: Tensors
    slots: Tensors
    extras: dict[str, bytes]
    router: Router | None


def export(registry: Registry, name: str, version: str, path: Path) -> str:
    """Write one version of an expert into a file.

    Args:
        registry: Where it is.
        name: The expert.
        version: Its version; empty for the newest.
        path: The file, ``.zip``.

    Returns:
        What was written, as ``name@version``.

    Raises:
        BadRequest: There is no such version, or the file name does not end in .zip.
        ExpertIntegrityError: The version is damaged.
        OSError: The file cannot be written.
    """
    if path.suffix != '.zip':
        raise BadRequest(f'{path}: expected a file name that ends in .zip')
    manifest, files = registry.files(name, version)
    place_of = registry.folder / manifest['name'] / manifest['version']
    files = {**files, MANIFEST: read(place_of, MANIFEST, limit=MAX_JSON)}
    router = registry.router()
    if router is not None and manifest['scenario'] in router.scenarios:
        files[ROUTER] = save(router.row(manifest['scenario']).state())
    content = {'schema': SCHEMA, 'sha256': {file: digest(data) for file, data in files.items()}}
    files = {CONTENT: (json.dumps(content, indent=2) + '\n').encode(), **files}
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, 'w') as archive:
        for file, data in files.items():
            entry = zipfile.ZipInfo(file, _TIME)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return f'{manifest["name"]}@{manifest["version"]}'


def take(registry: Registry, path: Path, *, activate: bool = False) -> str:
    """Add the expert of a file as a new version of this registry.

    Args:
        registry: Where it goes.
        path: A file that ``export`` wrote.
        activate: Make it active, with what it brings of its scenario's texts.

    Returns:
        What was done, as a sentence.

    Raises:
        BadRequest: It is no such file, or cannot be activated.
        ExpertIntegrityError: It is damaged or was made for another model.
    """
    parcel = open_parcel(path)
    manifest = parcel.manifest
    name, scenario = manifest['name'], manifest['scenario']
    _check_model(registry, manifest, path)
    if activate and manifests.refused(manifest):
        raise BadRequest(f'{path} holds an expert that the gate refused: it cannot be activated')
    with registry.writing():
        present = registry.active()
        _check_sizes(registry, present, parcel, path)
        router = _taught(registry, present, parcel, path) if activate else None
        described = {**manifest, 'imported': {'version': manifest['version'], 'from': path.name}}
        version = registry.add(described, parcel.adapter, parcel.slots, parcel.extras)
        if not activate:
            return f'{name}@{version} is added for {scenario}, not active'
        chosen = {**state.chosen(present), scenario: (name, version)}
        registry.activate(chosen, router, manifest['hashes']['emotion'])
    return f'{name}@{version} is added and active for {scenario}'


def open_parcel(path: Path) -> Parcel:
    """Read an archive and check every byte of it.

    Raises:
        BadRequest: It is not an archive of the known form.
        ExpertIntegrityError: A file in it is damaged.
    """
    files = _unzip(path)
    table = _table(files, path)
    for file, data in files.items():
        if digest(data) != table[file]:
            raise ExpertIntegrityError(f'{path}: {file} differs from its hash in {CONTENT}')
    manifest = parse(files.pop(MANIFEST), f'{path}: {MANIFEST}')
    manifests.check(manifest, f'{path}: {MANIFEST}')
    row = files.pop(ROUTER, None)
    if set(files) != set(manifest['sha256']):
        different = sorted(set(files) ^ set(manifest['sha256']))[0]
        raise ExpertIntegrityError(f'{path}: {different} is not in both archive and manifest')
    for file, data in files.items():
        if digest(data) != manifest['sha256'][file]:
            raise ExpertIntegrityError(f'{path}: {file} differs from its hash in {MANIFEST}')
    adapter, slots = contents.unpack(manifest, files, path)
    router = None
    if row is not None:
        try:
            router = Router.from_state([manifest['scenario']], tensors(row, path / ROUTER))
        except ModelNotLoaded as error:
            raise ExpertIntegrityError(f'{path}: {error}') from None
    extras = {file: data for file, data in files.items() if file not in FILES}
    return Parcel(manifest, adapter, slots, extras, router)


def _unzip(path: Path) -> dict[str, bytes]:
    """Read the files of an archive into memory, within bounds."""
    if path.is_dir():
        raise BadRequest(
            f'{path} is a folder: expected a file that `l2emg experts export` wrote '
            '(an adapter of peft alone has no slots, gates and texts of a scenario)'
        )
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise BadRequest(f'{path} is not a regular file')
    if path.stat().st_size > MAX_PARCEL:
        raise BadRequest(f'{path} is larger than {MAX_PARCEL >> 20} MiB: it is not read')
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(entries, path)
            return {entry.filename: _content(archive, entry, path) for entry in entries}
    except _DAMAGED as error:
        raise BadRequest(
            f'{path} is not a readable archive of an expert: {error or type(error).__name__}'
        ) from None


def _check_entries(entries: list[zipfile.ZipInfo], path: Path) -> None:
    """Refuse names, kinds and sizes that no export has."""
    if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_PARCEL:
        raise BadRequest(f'{path} holds more than an expert can have')
    seen = set()
    for entry in entries:
        # The name as it is stored: zipfile would cut it at a NUL and hide the rest.
        name = entry.orig_filename
        known = name in (CONTENT, MANIFEST, ROUTER, *FILES) or manifests.is_extra(name)
        if not known or name != entry.filename:
            raise BadRequest(f'{path} holds {name!r:.80}: not a file of an expert')
        if name in seen:
            raise BadRequest(f'{path} holds {name} twice')
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise BadRequest(f'{path}: {name} is a link or no regular file')
        limit = MAX_JSON if name.endswith('.json') else MAX_TENSORS
        if entry.file_size > limit:
            raise BadRequest(f'{path}: {name} is larger than {limit >> 20} MiB')
        seen.add(name)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    """Unpack one file; no more than it says, whatever is packed."""
    with archive.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise BadRequest(f'{path}: {entry.filename} has another size than the archive says')
    return data


def _table(files: dict[str, bytes], path: Path) -> Mapping[str, str]:
    """Take the table of hashes out of the files; both must name the same."""
    if CONTENT not in files:
        raise BadRequest(f'{path} has no {CONTENT}: expected what `l2emg experts export` wrote')
    content = parse(files.pop(CONTENT), f'{path}: {CONTENT}')
    if content.get('schema') != SCHEMA:
        raise BadRequest(f'{path} has schema {content.get("schema")!r:.60}: expected {SCHEMA}')
    table = content.get('sha256')
    if not isinstance(table, dict):
        raise ExpertIntegrityError(f'{path}: {CONTENT} has no hashes')
    if missing := sorted((set(table) ^ set(files)) | ({MANIFEST, *FILES} - set(files))):
        raise ExpertIntegrityError(f'{path}: {missing[0]} is missing or not expected')
    return table


def _check_model(registry: Registry, manifest: Mapping[str, Any], path: Path) -> None:
    """Check that an expert was made for the model that the registry belongs to."""
    try:
        wanted = place.model_hashes(registry.model_folder)
    except ModelNotLoaded:
        known = registry.versions()
        if not known:
            raise BadRequest(
                f'{registry.folder} is empty and has no model beside it: '
                'nothing says which model its experts belong to'
            ) from None
        wanted = registry.manifest(*known[-1]).get('hashes', {})
    for part in ('base', 'tokenizer', 'emotion'):
        found, expected = manifest.get('hashes', {}).get(part), wanted.get(part)
        if found is None or found != expected:
            raise ExpertIntegrityError(
                f'{path} was made for another {part} ({str(found)[:12]}...): '
                f'expected {str(expected)[:12]}...'
            )


def _check_sizes(
    registry: Registry, present: Mapping[str, Any], parcel: Parcel, path: Path
) -> None:
    """Check that an expert has the sizes of those in use, whatever their ranks."""
    for name, version in state.chosen(present).values():
        try:
            known = registry.load(name, version)[1:]
        except L2EmgError:
            continue  # A damaged one says nothing of others.
        for tensors_of, others in zip((parcel.adapter, parcel.slots), known, strict=True):
            for key in set(tensors_of) & set(others):
                # The first size of A and the last of B are the rank.
                found, wanted = (
                    shape[1:] if '.lora_A.' in key else shape[:-1] if '.lora_B.' in key else shape
                    for shape in (tensors_of[key].shape, others[key].shape)
                )
                if found != wanted:
                    raise ExpertIntegrityError(
                        f'{path}: {key} has sizes {found}: expected {wanted}, those of {name}'
                    )
        return


def _taught(
    registry: Registry, present: Mapping[str, Any], parcel: Parcel, path: Path
) -> Router | None:
    """Return the present router with what a parcel knows of its scenario's texts."""
    router, row = registry.router(present), parcel.router
    scenario = parcel.manifest['scenario']
    known = router is not None and scenario in router.scenarios
    if row is None:
        if not known:
            raise BadRequest(
                f'{path} brings nothing of the texts of {scenario!r}: it cannot be activated'
            )
        return router
    if router is None:
        return row
    if known:
        # They belong to the version that comes: those of the old one would count twice.
        router.forget(scenario)
    try:
        router.adopt(row)
    except L2EmgError as error:
        raise BadRequest(f'{path}: {error}') from None
    return router
