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
"""The log of interactions: a folder with an index and one recording of each, personal and private.

    index.sqlite               what is known of every interaction, one row each
    interactions/ID.mcap       the messages of its motion and the feedback, never changed
    interactions/ID.demo.*     what a person has shown: a motion, or a trajectory of a robot
    lock                       held by the one process that records
    reserve                    zeros, given up to erase something where the disk is full

A recording is complete on disk before its row is; a row is complete before its id is returned.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
import dataclasses
import fcntl
import os
from pathlib import Path
import re
import stat
from typing import Any
import uuid
import zipfile

from l2emg_ros.errors import BadRequest, L2EmgError, LogError
from l2emg_ros.files import atomic_write, expanded, sha256, sync_folder
from l2emg_ros.lifelong import demonstration, recording
from l2emg_ros.lifelong.index import FILES, Index, OURS
from l2emg_ros.lifelong.interaction import Interaction, Outcome
from l2emg_ros.lifelong.recording import Record

_INDEX = 'index.sqlite'
_RESERVE, _RESERVED = 'reserve', 256 << 10
_MODE = 0o600
_MAX_DEMONSTRATION = 50_000_000
# A file of 50 MB can unfold to far more than a motion.
_MAX_UNFOLDED = 500_000_000
_SUFFIXES = ('.npz', '.npy', '.bvh', '.csv')


class InteractionLog:
    """An open log; use it as a context manager, or close it.

    Reading and erasing may go on in any number of processes while one records. An object serves
    one thread at a time.

    Args:
        folder: Where the log is.
        writer: Open it for `add`: the folder is made, what a crash has left is cleared away, and
            no other process can record until it is closed.

    Raises:
        LogError: There is no log, it is damaged or newer than this software, or another process
            records into it.
        OSError: The folder cannot be read, or made.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        writer: bool = False,
    ) -> None:
        self.folder = expanded(folder)
        self._files = self.folder / FILES
        self._lock = -1
        path = self.folder / _INDEX
        if self.folder.exists() and not self.folder.is_dir():
            raise LogError(f'{self.folder} is a file: expected the folder of a log')
        if not writer and not path.is_file():
            raise LogError(f'no log of interactions in {self.folder}: expected {_INDEX}')
        if writer:
            self._take()
        try:
            self._index = Index(path, create=writer)
            if writer:
                self._clear()
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> InteractionLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the index and let others record; idempotent."""
        self._index.close()
        self._release()

    @property
    def present(self) -> bool:
        """Whether the log that is open still lies in its folder: somebody may have removed it."""
        return self._files.is_dir() and self._index.present

    # Recording.

    def add(self, interaction: Interaction, messages: Iterable[Record]) -> str:
        """Store an interaction; on return all of it is on disk.

        A demonstration that the feedback names is copied into the log.

        Args:
            interaction: What to store; an empty id is filled in.
            messages: The messages of its motion and the feedback, as they came.

        Returns:
            Its id.

        Raises:
            BadRequest: The demonstration cannot be taken.
            LogError: The index cannot be written; nothing was stored.
            OSError: A file cannot be written; nothing was stored.
        """
        if self._lock < 0:
            raise LogError(f'{self.folder} is open for reading: expected writer=True')
        if not self.present:
            raise LogError(f'{self.folder} was removed while it was open: open it anew')
        identifier = interaction.id or uuid.uuid4().hex
        if not re.fullmatch('[0-9a-f]{32}', identifier) or self._index.files(identifier):
            raise BadRequest(f'id {identifier!r}: expected 32 hexadecimal digits, not yet in use')
        record = self._files / f'{identifier}.mcap'
        shown = interaction.feedback.demonstration
        kept = self._files / f'{identifier}.demo{Path(shown).suffix.lower()}'
        try:
            if shown:
                self._copy(expanded(shown), kept)
            with atomic_write(record, _MODE) as temporary:
                recording.write(temporary, messages)
            self._index.insert(
                dataclasses.replace(interaction, id=identifier),
                (record.name, kept.name if shown else ''),
                (sha256(record), sha256(kept) if shown else ''),
            )
        except BaseException as error:
            self._undo(identifier, (record, kept))
            if isinstance(error, OSError) and error.filename is None:
                raise OSError(error.errno, error.strerror, str(self._files)) from None
            raise
        return identifier

    def outcome(self, motion_id: str, outcome: Outcome) -> bool:
        """Store what became of a motion that interactions are about.

        Returns:
            Whether there are any; else nothing is stored.

        Raises:
            LogError: The index cannot be written.
        """
        return self._index.outcome(motion_id, outcome)

    # Reading.

    def interactions(
        self, scenario: str = '', session: str = '', since: float = 0.0
    ) -> list[Interaction]:
        """Return interactions in the order in which they were recorded.

        Args:
            scenario: Only those of this scenario; '' for all.
            session: Only those of this session; '' for all.
            since: Only those recorded at this time or later, s since the epoch.

        Raises:
            LogError: The index is damaged.
        """
        condition = 'i.recorded >= ?'
        values: list[Any] = [since]
        for column, value in (('scenario', scenario), ('session_id', session)):
            if value:
                condition += f' AND i.{column} = ?'
                values.append(value)
        return self._index.select(condition, *values)

    def about(self, motion_id: str) -> list[Interaction]:
        """Return the interactions about a motion."""
        return self._index.select('i.motion_id = ?', motion_id)

    def get(self, identifier: str) -> Interaction:
        """Return one interaction.

        Raises:
            BadRequest: There is none of this id.
            LogError: The index is damaged.
        """
        found = self._index.select('i.id = ?', identifier)
        if not found:
            raise BadRequest(f'no interaction {identifier!r} in {self.folder}')
        return found[0]

    def recording(self, identifier: str) -> Path:
        """Return the MCAP file of an interaction, its hash and that of its demonstration checked.

        Raises:
            BadRequest: There is none of this id.
            LogError: A file is missing or differs from the index.
        """
        files = self._index.files(identifier)
        if not files:
            raise BadRequest(f'no interaction {identifier!r} in {self.folder}')
        for name, wanted in files:
            path = self._files / name
            if not path.is_file():
                raise LogError(f'{path} is missing: expected by the index')
            if (found := sha256(path)) != wanted:
                raise LogError(
                    f'{path} has SHA-256 {found[:12]}...: the index says {wanted[:12]}...'
                )
        return self._files / files[0][0]

    def count(self) -> int:
        """Return the number of interactions."""
        return self._index.count()

    def size(self) -> int:
        """Return the bytes that the log takes."""
        total = 0
        for path in (*self.folder.glob(f'{_INDEX}*'), *self._files.glob('*')):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue  # erased meanwhile
        return total

    # Forgetting.

    def erase(self, session: str = '', id: str = '', *, everything: bool = False) -> int:
        """Erase interactions with their recordings, demonstrations and outcomes, without a trace.

        Args:
            session: Those of this session.
            id: This one.
            everything: All.

        Returns:
            How many there were.

        Raises:
            BadRequest: Not exactly one of the three was given.
            LogError: The index cannot be written, or is being read for too long; erase again.
            OSError: A file cannot be removed; erase again.
        """
        if (session != '') + (id != '') + everything != 1:
            raise BadRequest('what is to be erased? expected a session, an id or everything')
        if everything:
            return self._erase('1')
        return self._erase('id = ?', id) if id else self._erase('session_id = ?', session)

    def prune(self, now: float) -> int:
        """Erase what is kept no longer.

        Args:
            now: s since the epoch.

        Returns:
            How many there were.

        Raises:
            LogError: As of `erase`.
            OSError: As of `erase`.
        """
        return self._erase('keep_until <= ?', now)

    def _erase(self, condition: str, *values: Any) -> int:
        try:
            count = self._index.doom(condition, *values)
        except LogError as error:
            # To delete takes some room too, before it gives any.
            reserve = self.folder / _RESERVE
            if 'full' not in str(error) or not reserve.exists():
                raise
            reserve.unlink()
            count = self._index.doom(condition, *values)
        self._finish()
        return count

    def _finish(self) -> None:
        """Remove the files whose rows are gone, also those that a crash has left."""
        names = self._index.doomed()
        if not names:
            return
        for name in names:
            (self._files / name).unlink(missing_ok=True)
        sync_folder(self._files)
        self._index.scrub(names)

    # Writing.

    def _take(self) -> None:
        """Make the folder and become the one who records."""
        new = not self.folder.exists()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if new:
            sync_folder(self.folder.parent)
        if not (self.folder / _INDEX).exists():
            # Personal: also where the folder had been made for it beforehand.
            self.folder.chmod(0o700)
        self._files.mkdir(mode=0o700, exist_ok=True)
        self._lock = os.open(self.folder / 'lock', os.O_CREAT | os.O_RDWR, _MODE)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
            raise LogError(f'another process records into {self.folder}: stop it first') from None

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _clear(self) -> None:
        """Remove what a crash has left: files without a row, and rows without a file to be."""
        self._finish()
        known = self._index.names()
        for path in self._files.iterdir():
            if path.name not in known and OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        reserve = self.folder / _RESERVE
        if not reserve.exists():
            # Without it the log works as well, until the disk is full.
            with suppress(OSError), atomic_write(reserve, _MODE) as temporary:
                temporary.write_bytes(bytes(_RESERVED))

    def _undo(self, identifier: str, files: Iterable[Path]) -> None:
        """Remove the files of an interaction that could not be stored."""
        # Where that fails too, the next who records clears them away.
        with suppress(LogError, OSError):
            if not self._index.files(identifier):
                for path in files:
                    path.unlink(missing_ok=True)

    def _copy(self, source: Path, target: Path) -> None:
        """Copy a demonstration that can be loaded into the log."""
        if target.suffix not in _SUFFIXES:
            raise BadRequest(
                f'demonstration {source}: expected a name that ends in {", ".join(_SUFFIXES)}'
            )
        try:
            # Not blocking: the name may be that of a pipe.
            with open(os.open(source, os.O_RDONLY | os.O_NONBLOCK), 'rb') as file:
                about = os.fstat(file.fileno())
                if not stat.S_ISREG(about.st_mode):
                    raise BadRequest(f'demonstration {source} is not a file')
                content = file.read(_MAX_DEMONSTRATION + 1)
        except OSError as error:
            raise BadRequest(f'demonstration {source}: {error.strerror}') from None
        if len(content) > _MAX_DEMONSTRATION:
            most = _MAX_DEMONSTRATION // 1_000_000
            raise BadRequest(f'demonstration {source} is larger than {most} MB')
        with atomic_write(target, _MODE) as temporary:
            temporary.write_bytes(content)
            try:
                _check_size(temporary)
                demonstration.check(temporary)
            except (L2EmgError, zipfile.BadZipFile) as error:
                why = str(error).replace(str(temporary), str(source))
                raise BadRequest(f'demonstration {source} cannot be loaded: {why}') from None


def _check_size(path: Path) -> None:
    """Check what a compressed file unfolds to, before it is read."""
    if path.suffix == '.npz':
        with zipfile.ZipFile(path) as archive:
            unfolded = sum(entry.file_size for entry in archive.infolist())
        if unfolded > _MAX_UNFOLDED:
            raise BadRequest(f'it unfolds to {unfolded // 1_000_000} MB')
