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
"""What a registry keeps of its past, and what it lets go.

Callers hold the registry's lock. Everything that is removed loses its name first, at once: nobody
ever sees half of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
import logging
import os
from pathlib import Path
import shutil
import stat
import time
from typing import Any, TYPE_CHECKING

from l2emg_ros.errors import BadRequest, ExpertIntegrityError, L2EmgError, ModelNotLoaded
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.experts import state
from l2emg_ros.experts.reading import digest, MAX_JSON, MAX_TENSORS, read
from l2emg_ros.experts.state import Chosen
from l2emg_ros.files import atomic_write, sync_folder

if TYPE_CHECKING:
    from l2emg_ros.experts.catalogue import Catalogue
    from l2emg_ros.experts.registry import Registry
    from l2emg_ros.experts.router import Router

_LOG = logging.getLogger(__name__)
TEMPORARY = '.tmp-'
# No expert can have this name.
HISTORY = '.history'
# Versions of each expert whose last state is kept, so that they come back as they were.
_KEEP = 3

Version = tuple[str, str]


def history(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the kept states of a registry with their files, the latest first.

    A damaged one is left out with a warning: what is active does not depend on it.
    """
    found = []
    for path in reversed(_states(folder)):
        try:
            found.append((path, state.load(folder, HISTORY, path.name)))
        except FileNotFoundError:
            continue
        except ExpertIntegrityError as error:
            _LOG.warning('%s', error)
    return found


def _states(folder: Path) -> list[Path]:
    """Return the files of the kept states, the latest last."""
    return sorted((folder / HISTORY).glob('[0-9]' * 9 + '.json'))


def remember(folder: Path) -> None:
    """Keep the present state; there is none in a new registry."""
    try:
        data = read(folder, state.ACTIVE, limit=MAX_JSON)
    except FileNotFoundError:
        return
    paths = _states(folder)
    make_folder(folder / HISTORY)
    number = int(paths[-1].stem) + 1 if paths else 1
    with atomic_write(folder / HISTORY / f'{number:09d}.json') as temporary:
        temporary.write_bytes(data)


def make_folder(path: Path) -> None:
    """Make a folder where there is none; a link must not lead out of the registry.

    Raises:
        ExpertIntegrityError: Something else has its name.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ExpertIntegrityError(f'{path} is not a folder: nothing is written there')
    if not path.exists():
        path.mkdir()
        sync_folder(path.parent)


def router_for(
    registry: Catalogue, present: Mapping[str, Any], chosen: Chosen
) -> Router | dict[str, Any] | None:
    """Return the router statistics that belong to a choice of versions, or their entry.

    Raises:
        BadRequest: Nothing is known of the texts of a scenario that comes back.
    """
    past = registry.history()
    for before in past:
        if state.chosen(before) == chosen and _intact(registry.folder, before['router']):
            return before['router']
    entry = present['router']
    known = set() if entry is None else set(entry['scenarios'])
    back, gone = set(chosen) - set(present['active']), known - set(chosen)
    if not back and not gone:
        return dict(entry) if entry is not None else None
    router = registry.router(present)
    for scenario in gone:
        assert router is not None
        router.forget(scenario)
    for scenario in back:
        row = _row(registry, past, scenario)
        if router is None:
            router = row
        else:
            router.adopt(row)
    return router if router is not None and router.scenarios else None


def _row(registry: Catalogue, past: list[dict[str, Any]], scenario: str) -> Router:
    """Return what was last known of a scenario's texts."""
    for before in past:
        if before['router'] is not None and scenario in before['router']['scenarios']:
            try:
                router = registry.router(before)
            except (ExpertIntegrityError, ModelNotLoaded) as error:
                _LOG.warning('%s', error)
                continue
            assert router is not None
            return router.row(scenario)
    raise BadRequest(f'nothing is known any more of the texts of {scenario!r}: train it again')


def _intact(folder: Path, entry: Mapping[str, Any] | None) -> bool:
    """Return whether the router file of a state is there and has its hash."""
    if entry is None:
        return True
    try:
        return digest(read(folder, entry['file'], limit=MAX_TENSORS)) == entry['sha256']
    except (FileNotFoundError, ExpertIntegrityError):
        return False


def sweep(folder: Path) -> None:
    """Remove the states, router files and leftovers of crashes that nothing needs."""
    current = state.load(folder, state.ACTIVE)
    kept = [current]
    recent = _recent(folder, current, _KEEP)
    seen = set(state.chosen(current).values())
    for number, (path, past) in enumerate(history(folder)):
        named = set(state.chosen(past).values())
        # The latest is kept in any case: it is the one to go back to if nothing else changed.
        if number == 0 or (named & recent) - seen:
            kept.append(past)
            seen |= named
        else:
            path.unlink()
    routers = {item['router']['file'] for item in kept if item['router'] is not None}
    for path in folder.glob('router-*.safetensors'):
        if path.name not in routers:
            path.unlink()
    for path in _leftovers(folder):
        _delete(path)


def _recent(folder: Path, current: Mapping[str, Any], keep: int) -> set[Version]:
    """Return the last versions of each expert that were active and still exist."""
    count: dict[str, int] = {}
    result: set[Version] = set()
    for past in (current, *(item for _, item in history(folder))):
        for name, version in state.chosen(past).values():
            new = (name, version) not in result and (folder / name / version).is_dir()
            if new and count.get(name, 0) < keep:
                count[name] = count.get(name, 0) + 1
                result.add((name, version))
    return result


def collect(registry: Registry, keep: int, age: float) -> list[str]:
    """Remove old versions and everything that ``sweep`` removes; return the versions."""
    folder, current = registry.folder, registry.active()
    if not (folder / state.ACTIVE).is_file():
        return []
    used = _recent(folder, current, keep) | set(state.chosen(current).values())
    kept = used | _waiting(registry, used, keep)
    removed = []
    for name, version in registry.versions():
        if (name, version) in kept or time.time() - _written(folder / name / version) < age:
            continue
        registry.remove(name, version)
        removed.append(f'{name}@{version}')
    sweep(folder)
    return removed


def _waiting(registry: Registry, used: set[Version], keep: int) -> set[Version]:
    """Return the last versions of each expert that are newer than any used, and not refused.

    They were imported, or learned with ``--no-promote``, and wait for somebody to try them.
    """
    newest: dict[str, int] = {}
    for name, version in used:
        newest[name] = max(newest.get(name, 0), int(version))
    count: dict[str, int] = {}
    result: set[Version] = set()
    for name, version in reversed(registry.versions()):
        if int(version) < newest.get(name, 0) or count.get(name, 0) >= keep:
            continue
        with suppress(L2EmgError):  # Nobody can try a damaged one.
            if not manifests.refused(registry.manifest(name, version)):
                count[name] = count.get(name, 0) + 1
                result.add((name, version))
    return result


def _written(path: Path) -> float:
    """Return when a version was written, s since the epoch."""
    return path.lstat().st_mtime


def discard(path: Path) -> None:
    """Take a version away: first its name, at once, then its files.

    A link or a file with the name of a version goes itself, never what it points at.
    """
    aside = path.with_name(f'{TEMPORARY}removed-{path.name}')
    _delete(aside)
    path.rename(aside)
    sync_folder(path.parent)
    _delete(aside)


def _delete(path: Path) -> None:
    """Delete a folder with everything in it, or a file or link; nothing where there is none."""
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if is_folder:
        shutil.rmtree(path)
    else:
        path.unlink()


def _leftovers(folder: Path) -> Iterator[Path]:
    """Yield what crashes left: while the lock is held, nobody is using it."""
    for inner in (folder, *(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink())):
        for entry in os.scandir(inner):
            if entry.name.startswith(TEMPORARY):
                yield Path(entry.path)
