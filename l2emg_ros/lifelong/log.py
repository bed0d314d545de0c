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
"""The feedback log: what people said about motions, one JSON object a line, never rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
import json
import os
from pathlib import Path
from typing import Any
import uuid

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.files import sync_folder

_MAX_NAME = 256
_MAX_TEXT = 500
_MAX_PATH = 4096


@dataclass(frozen=True, slots=True)
class Feedback:
    """One person's reaction to one motion.

    Attributes:
        motion_id: The motion it is about.
        session_id: The encounter it belongs to, or ''.
        rating: In [-1, 1], or None where none was given.
        human_before: The person's emotion before the motion, or None.
        human_after: The person's emotion after it, or None.
        correction: What the request should have been, or ''.
        preferred_motion_id: The motion they would rather have seen, or ''.
        demonstration: File with a motion shown by a person, or ''.

    Raises:
        BadRequest: A field is not well formed.
    """

    motion_id: str
    session_id: str = ''
    rating: float | None = None
    human_before: Emotion | None = None
    human_after: Emotion | None = None
    correction: str = ''
    preferred_motion_id: str = ''
    demonstration: str = ''

    def __post_init__(self) -> None:
        """Check lengths and ranges."""
        if not self.motion_id:
            raise BadRequest('motion_id is empty: expected the id of the motion it is about')
        for name, limit in (
            ('motion_id', _MAX_NAME),
            ('session_id', _MAX_NAME),
            ('preferred_motion_id', _MAX_NAME),
            ('correction', _MAX_TEXT),
            ('demonstration', _MAX_PATH),
        ):
            value = getattr(self, name)
            if len(value) > limit:
                raise BadRequest(f'{name} has {len(value)} characters: expected at most {limit}')
            if not value.isprintable():
                raise BadRequest(f'{name} holds control characters')
        if self.rating is not None and not -1.0 <= self.rating <= 1.0:
            raise BadRequest(f'rating is {self.rating}: expected -1 to 1, or NaN for none')


class FeedbackLog:
    """An append-only file of feedback; only who owns it can read it, for it is personal.

    Args:
        path: The ``.jsonl`` file; made with its folder when the first entry is written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def append(self, feedback: Feedback) -> str:
        """Store one entry; on return it is on disk.

        Returns:
            The entry's id.

        Raises:
            OSError: It cannot be written.
        """
        entry = {
            'id': uuid.uuid4().hex,
            'recorded': datetime.now(timezone.utc).isoformat(timespec='milliseconds'),
            **asdict(feedback),
        }
        line = json.dumps(entry, ensure_ascii=False, allow_nan=False) + '\n'
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, 'r+b') as file:
            end = file.seek(0, os.SEEK_END)
            if end and os.pread(file.fileno(), 1, end - 1) != b'\n':
                # A crash tore the last line: close it, so that it cannot swallow this one.
                file.write(b'\n')
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(self.path.parent)
        return str(entry['id'])

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the entries in order; lines that a crash tore are left out."""
        if not self.path.exists():
            return
        with self.path.open('rb') as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict) and 'id' in entry:
                    yield entry
