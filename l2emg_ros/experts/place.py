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
"""Where a model's experts are: beside the model, or in a place of the user's that can be written.

A model that comes with the package may lie where nobody may write. What is learned then goes into
a folder of the user's, one a model, which begins as a copy of the model's own registry.
"""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import tempfile
from typing import Any

from l2emg_ros.errors import ExpertIntegrityError, ModelNotLoaded
from l2emg_ros.experts import state
from l2emg_ros.experts.lock import FolderLock
from l2emg_ros.experts.reading import MAX_JSON, MAX_TENSORS, parse, read
from l2emg_ros.experts.registry import Registry
from l2emg_ros.experts.retention import TEMPORARY
from l2emg_ros.files import sync_folder, write_synced

OWN = 'experts'
CARD = 'model.json'
_ATTEMPTS = 3


def registry_for(model_folder: str | os.PathLike[str], root: Path | None = None) -> Registry:
    """Return the registry of a model's experts.

    Args:
        model_folder: The model.
        root: Folder for the experts of any model, each in a folder of its own that is named by
            the model and the hashes of its base and emotion block, made on the first write;
            until then the model's own experts are read. A registry is taken as it is. None is
            the model's own, ``experts``.

    Raises:
        ModelNotLoaded: With a root: the model's card is missing or damaged.
    """
    own = own_folder(model_folder)
    if root is None:
        return Registry(own)
    if (root / state.ACTIVE).is_file():
        return Registry(root)
    return _Learned(own, root / _identity(own.parent))


def own_folder(model_folder: str | os.PathLike[str]) -> Path:
    """Return the folder of a model's own experts.

    An installation by links (``colcon build --symlink-install``) links every single file; links
    are not followed inside a registry, so it is the folder that they lead to.
    """
    card = Path(model_folder) / CARD
    return (card.resolve().parent if card.is_symlink() else Path(model_folder)) / OWN


def model_hashes(model_folder: str | os.PathLike[str]) -> dict[str, str]:
    """Return the hashes of a model's base, tokeniser and emotion block.

    Raises:
        ModelNotLoaded: The model's card is missing or damaged.
    """
    card = _card(Path(model_folder))
    try:
        files = card['files']
        parts = ('base', 'tokenizer', 'emotion')
        return {part: str(files[f'{part}.safetensors']) for part in parts}
    except (KeyError, TypeError) as error:
        raise ModelNotLoaded(f'{model_folder} has no {error}: it is not complete') from None


def _card(folder: Path) -> dict[str, Any]:
    try:
        return parse(read(folder.resolve(), CARD, limit=MAX_JSON), folder / CARD)
    except FileNotFoundError:
        raise ModelNotLoaded(f'{folder} is not a model folder: expected {CARD} in it') from None
    except ExpertIntegrityError as error:
        raise ModelNotLoaded(str(error)) from None


def _identity(folder: Path) -> str:
    """Return the name of a model's folder in a root."""
    hashes = model_hashes(folder)
    name = ''.join(c for c in str(_card(folder).get('name', '')) if c.isalnum() or c in '-_')
    return f'{name or "model"}-{hashes["base"][:8]}-{hashes["emotion"][:8]}'


class _Learned(Registry):
    """A registry that is the model's own until the first write."""

    def __init__(self, own: Path, place: Path) -> None:
        super().__init__(place)
        self._own = own

    @property
    def folder(self) -> Path:
        """Where the experts are now."""
        return self._folder if self._folder.is_dir() else self._own

    @property
    def model_folder(self) -> Path:
        """The model that the experts belong to."""
        return self._own.parent

    def _prepare(self) -> None:
        """Copy the model's own registry; the place appears at once and whole."""
        if self._folder.is_dir():
            return
        root = self._folder.parent
        root.mkdir(parents=True, exist_ok=True)
        with FolderLock().held(root):
            for left in root.glob(f'{TEMPORARY}*'):
                shutil.rmtree(left)
            if self._folder.is_dir() or not self._own.is_dir():
                return
            for attempt in range(_ATTEMPTS):
                staging = Path(tempfile.mkdtemp(dir=root, prefix=TEMPORARY))
                try:
                    if _copied(self._own, staging):
                        staging.chmod(0o755)
                        staging.rename(self._folder)
                        sync_folder(root)
                        return
                except FileNotFoundError:
                    # Collected in the middle of the copy.
                    if attempt == _ATTEMPTS - 1:
                        raise
                finally:
                    shutil.rmtree(staging, ignore_errors=True)
        raise ExpertIntegrityError(f'{self._own} changes too fast to be copied: try again')


def _copied(source: Path, target: Path) -> bool:
    """Copy a registry; return whether it stayed the same meanwhile.

    Raises:
        ExpertIntegrityError: There is a link in it, or something that is no file.
    """
    before = _active(source)
    for folder, folders, files in os.walk(source, onerror=_refuse):
        inner = Path(folder).relative_to(source)
        folders[:] = [name for name in folders if not name.startswith(TEMPORARY)]
        for name in folders:
            if (path := Path(folder, name)).is_symlink():
                raise ExpertIntegrityError(f'{path} is a symbolic link: it is not copied')
            (target / inner / name).mkdir()
        for name in files:
            if not name.startswith(TEMPORARY):
                data = read(source, *inner.parts, name, limit=MAX_TENSORS)
                write_synced(target / inner / name, data)
        sync_folder(target / inner)
    return _active(source) == before == _active(target)


def _refuse(error: OSError) -> None:
    """Let a folder that cannot be read end the copy; it would be left out otherwise."""
    raise error


def _active(folder: Path) -> bytes:
    try:
        return read(folder, state.ACTIVE, limit=MAX_JSON)
    except FileNotFoundError:
        return b''
