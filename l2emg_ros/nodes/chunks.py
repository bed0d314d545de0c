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
"""The chunks of one motion at a time: in order, from the first on, when their time has come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from l2emg_interfaces.msg import SmplMotion

from l2emg_ros.errors import BadRequest
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import convert, joints
from l2emg_ros.nodes.convert import Wish

# How far ahead a motion may ask to be played, seconds.
_MAX_AHEAD = 60.0


@dataclass(frozen=True)
class Chunk:
    """A checked chunk; the wish comes with the first one."""

    motion: Motion
    motion_id: str
    first: bool
    last: bool
    wish: Wish = field(default_factory=Wish)


class ChunkQueue:
    """Takes chunks as they arrive and gives them out in order.

    A chunk with index 0 begins a new motion, whatever was running. Of a motion that was refused,
    stopped or not seen from its beginning no chunk is taken.

    Attributes:
        refused: Number of chunks that were not taken.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._waiting: deque[Chunk] = deque()
        self._motion_id, self._next, self._arrived = '', 0, 0.0
        self._closed = ''
        self._start = 0.0

    @property
    def running(self) -> bool:
        """Whether further chunks of a motion are expected."""
        return bool(self._motion_id)

    @property
    def waiting(self) -> bool:
        """Whether a motion waits for its stamp."""
        return bool(self._waiting)

    def add(self, message: SmplMotion, now: float, wish: Wish | None = None) -> None:
        """Take a chunk.

        Args:
            message: The chunk.
            now: Time of the clock that stamps count on, s.
            wish: What it asks for beside the motion, checked; None: nothing.

        Raises:
            BadRequest: It is not well formed or not the next one; its motion is closed.
        """
        first, index = message.chunk_index == 0, int(message.chunk_index)
        if not first and message.motion_id != self._motion_id:
            self.refused += 1
            if message.motion_id == self._closed:
                return
            self._closed = message.motion_id
            raise BadRequest(
                f'chunk {index} of a motion that was not seen to begin: the motion is not played'
            )
        try:
            if not first and index != self._next:
                raise BadRequest(
                    f'chunk {index} came where {self._next} was expected: '
                    'the rest of the motion is not played'
                )
            motion = convert.motion_from_message(message)
            start = joints.stamp_seconds(message.header.stamp)
            if start > now + _MAX_AHEAD:
                raise BadRequest(
                    f'stamp is {start - now:.0f} s ahead: expected at most {_MAX_AHEAD:g}'
                )
        except BadRequest:
            self.refused += 1
            if message.motion_id == self._motion_id:
                self.close()
            raise
        if first:
            self.close()
            self._waiting.clear()
            self._start = start
        self._waiting.append(
            Chunk(motion, message.motion_id, first, bool(message.last), wish or Wish())
        )
        self._motion_id, self._next, self._arrived = message.motion_id, index + 1, now
        if message.last:
            self.close()

    def due(self, now: float) -> Iterator[Chunk]:
        """Give out the chunks whose time has come: at once where the motion has no stamp."""
        while self._waiting and now >= self._start:
            yield self._waiting.popleft()

    def silent(self, now: float) -> float:
        """Return for how many seconds no chunk of the running motion has come."""
        return now - self._arrived if self.running else 0.0

    def close(self) -> None:
        """Take no further chunk of the running motion."""
        self._closed = self._motion_id or self._closed
        self._motion_id, self._next = '', 0

    def clear(self) -> None:
        """Also forget the chunks that have not been given out."""
        self._waiting.clear()
        self.close()
