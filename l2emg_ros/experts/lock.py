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
"""Writers of a folder take turns, whatever process or thread they are in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path
import threading
import time

from l2emg_ros.errors import BadRequest

# Writers need milliseconds; one that is stopped in the middle must not stop the others for ever.
_PATIENCE, _PAUSE = 10.0, 0.002


class FolderLock:
    """A lock on a folder, nested within a thread.

    It is the kernel's lock on the folder itself: it needs no file, and ends with its process.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self._held = threading.local()

    @contextmanager
    def held(self, folder: Path) -> Iterator[None]:
        """Hold the lock during a block.

        Raises:
            BadRequest: Somebody else does not let go of it.
        """
        if getattr(self._held, 'yes', False):
            yield
            return
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _take(handle, folder)
            self._held.yes = True
            yield
        finally:
            self._held.yes = False
            # Closing it releases the lock.
            os.close(handle)


def _take(handle: int, folder: Path) -> None:
    """Wait for the lock on an open folder."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BadRequest(
                    f'{folder} is being written by another process for {_PATIENCE:g} s: try again'
                ) from None
            time.sleep(_PAUSE)
