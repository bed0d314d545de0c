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
"""BVH files: joint tree, channels and frames as they stand in the file, and their kinematics.

The parser knows nothing about skeleton conventions; `rigs.py` does. It reads what exporters write
(tabs, trailing blanks, six channels on every joint, any Euler order) and refuses what is broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import re
import warnings

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import rotation

POSITIONS = ('Xposition', 'Yposition', 'Zposition')
ROTATIONS = ('Xrotation', 'Yrotation', 'Zrotation')
_CHANNELS = {name.lower(): name for name in POSITIONS + ROTATIONS}

# An hour at 120 Hz with 100 joints of six channels is 3 GB of text; the largest clip of the public
# collections is 60 MB. Beyond this a file is not read into memory.
MAX_BYTES = 1 << 30
MAX_JOINTS = 1000
MAX_VALUE = 1e7  # 100 km in centimetres

_MOTION = re.compile(rb'^[ \t]*MOTION[ \t\r]*$', re.MULTILINE)
_COUNTS = re.compile(rb'\s*Frames:\s*(\S+)\s+Frame[ \t]+Time:\s*(\S+)')


@dataclass(frozen=True)
class Bvh:
    """A parsed BVH file; units and axes are the file's own.

    Attributes:
        names: J joint names, parents before children; end sites are left out.
        parents: J indices, -1 for the root.
        offsets: (J, 3), `OFFSET` of each joint from its parent.
        channels: J tuples of channel names such as 'Xposition' or 'Zrotation', in file order.
        frame_time: seconds from frame to frame.
        values: (T, C) channel values, the columns joint by joint; angles in degrees.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: NDArray[np.float64]
    channels: tuple[tuple[str, ...], ...]
    frame_time: float
    values: NDArray[np.float64]

    def kinematics(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the joints are in every frame.

        Position channels replace `OFFSET`: the format has them repeat it, so adding both would
        double the body.

        Returns:
            Positions (T, J, 3) in file units and orientations (T, J, 4) xyzw, in file axes.
        """
        offsets, local = self._local_motion()
        positions, orientations = offsets, local
        for level in self._levels():
            parents = [self.parents[joint] for joint in level]
            above = orientations[:, parents]
            moved = rotation.apply(above, offsets[:, level])
            positions[:, level] = positions[:, parents] + moved
            orientations[:, level] = rotation.multiply(above, local[:, level])
        return positions, orientations

    def _local_motion(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return offsets (T, J, 3) and rotations (T, J, 4) of all joints from their parents."""
        frames = len(self.values)
        offsets = np.tile(self.offsets, (frames, 1, 1))
        local = np.tile([0.0, 0.0, 0.0, 1.0], (frames, len(self.names), 1))
        turns: dict[str, list[tuple[int, list[int]]]] = {}  # Euler order: joints and their columns
        column = 0
        for joint, channels in enumerate(self.channels):
            places = range(column, column + len(channels))
            column += len(channels)
            for name, place in zip(channels, places, strict=True):
                if name in POSITIONS:
                    offsets[:, joint, POSITIONS.index(name)] = self.values[:, place]
            angles = [
                (n[0], place) for n, place in zip(channels, places, strict=True) if n in ROTATIONS
            ]
            if angles:
                order = ''.join(axis for axis, _ in angles)
                turns.setdefault(order, []).append((joint, [place for _, place in angles]))
        for order, entries in turns.items():  # one call an order: upper case is moving axes
            angles_of = np.radians(self.values[:, [places for _, places in entries]])
            local[:, [joint for joint, _ in entries]] = rotation.from_euler(order, angles_of)
        return offsets, local

    def _levels(self) -> list[list[int]]:
        """Return the joints below the root by their depth, the shallowest first."""
        depth = [0] * len(self.names)
        for joint, parent in enumerate(self.parents):
            depth[joint] = depth[parent] + 1 if parent >= 0 else 0
        return [
            [j for j, d in enumerate(depth) if d == level] for level in range(1, max(depth) + 1)
        ]


def read(path: str | os.PathLike[str]) -> Bvh:
    """Read a BVH file.

    Raises:
        MotionFormatError: if the file is not a complete BVH file; one line says where.
        OSError: if it cannot be read.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise MotionFormatError(f'{size} bytes: expected at most {MAX_BYTES}')
    return parse(path.read_bytes())


def parse(data: bytes) -> Bvh:
    """Parse the content of a BVH file; see `read`."""
    motion = _MOTION.search(data)
    if motion is None:
        raise MotionFormatError('no line MOTION: expected a BVH file (HIERARCHY, then MOTION)')
    names, parents, offsets, channels = _parse_hierarchy(data[: motion.start()])
    counts = _COUNTS.match(data, motion.end())
    if counts is None:
        raise MotionFormatError('expected the lines "Frames: <n>" and "Frame Time: <s>"')
    frames, frame_time = _parse_counts(*counts.groups())
    columns = sum(map(len, channels))
    values = _parse_values(data[counts.end() :])
    if values.size != frames * columns:
        raise MotionFormatError(
            f'{values.size} motion values: expected {frames * columns} '
            f'({frames} frames of {columns} channels)'
        )
    values = values.reshape(frames, columns)
    return Bvh(names, parents, offsets, channels, frame_time, values)


def _parse_hierarchy(
    header: bytes,
) -> tuple[tuple[str, ...], tuple[int, ...], NDArray[np.float64], tuple[tuple[str, ...], ...]]:
    """Read the joint tree with an explicit stack, so that no depth of nesting can hurt."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float] | None] = []
    channels: list[tuple[str, ...]] = []
    stack: list[int] = []  # open blocks: joint index, or END for an end site
    end = -2
    opening: int | None = None
    for number, tokens in _header_lines(header):
        word = tokens[0]
        where = f'line {number}'
        if word in ('ROOT', 'JOINT') and opening is None:
            if len(names) >= MAX_JOINTS:
                raise MotionFormatError(f'{where}: more than {MAX_JOINTS} joints')
            if (word == 'ROOT') != (not stack) or (word == 'ROOT' and names) or end in stack:
                raise MotionFormatError(f'{where}: {word} in the wrong place')
            opening = len(names)
            names.append(' '.join(tokens[1:]))
            if not names[-1] or names[-1] in names[:-1]:
                raise MotionFormatError(f'{where}: joint name {names[-1]!r} is empty or repeated')
            parents.append(stack[-1] if stack else -1)
            offsets.append(None)
            channels.append(())
        elif word == 'End' and opening is None and stack and end not in stack:
            opening = end
        elif word == '{' and opening is not None:
            stack.append(opening)
            opening = None
        elif word == '}' and opening is None and stack:
            stack.pop()
        elif word == 'OFFSET' and stack and opening is None:
            offset = _parse_offset(tokens, where)
            if stack[-1] != end:
                offsets[stack[-1]] = offset
        elif word == 'CHANNELS' and stack and opening is None and stack[-1] != end:
            channels[stack[-1]] = _parse_channels(tokens, where)
        else:
            raise MotionFormatError(f'{where}: unexpected {" ".join(tokens)[:40]!r}')
    if stack or opening is not None or not names:
        raise MotionFormatError('the joint tree is incomplete: a block is not closed')
    placed = [offset for offset in offsets if offset is not None]
    if len(placed) < len(names):
        raise MotionFormatError(f'joint {names[offsets.index(None)]!r} has no OFFSET')
    return tuple(names), tuple(parents), np.array(placed), tuple(channels)


def _header_lines(header: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and words of the tree; a brace always stands alone."""
    text = header.decode('utf-8-sig', errors='replace')
    lines = ((number, line.strip()) for number, line in enumerate(text.split('\n'), 1))
    filled = ((number, line) for number, line in lines if line)
    number, first = next(filled, (0, ''))
    if first != 'HIERARCHY':
        raise MotionFormatError(f'starts with {first[:40]!r}: expected HIERARCHY')
    for number, line in filled:
        for part in re.findall(r'[{}]|[^{}]+', line):
            if part.strip():
                yield number, part.split()


def _parse_offset(tokens: list[str], where: str) -> list[float]:
    try:
        offset = [float(token) for token in tokens[1:]]
    except ValueError:
        offset = []
    if len(offset) != 3 or not (np.abs(offset) < MAX_VALUE).all():
        raise MotionFormatError(f'{where}: {" ".join(tokens)[:60]!r}: expected three numbers')
    return offset


def _parse_channels(tokens: list[str], where: str) -> tuple[str, ...]:
    names = tuple(_CHANNELS.get(token.lower(), '') for token in tokens[2:])
    if len(tokens) < 2 or tokens[1] != str(len(names)) or len(set(names)) < len(names):
        raise MotionFormatError(
            f'{where}: {" ".join(tokens)[:60]!r}: expected a count and that many channels'
        )
    if '' in names:
        unknown = tokens[2 + names.index('')]
        raise MotionFormatError(
            f'{where}: channel {unknown[:40]!r}: expected Xposition ... Zrotation'
        )
    return names


def _parse_counts(frames: bytes, frame_time: bytes) -> tuple[int, float]:
    """Check "Frames:" and "Frame Time:"; nothing is allocated by what they claim."""
    if not (frames.isdigit() and len(frames) < 10 and int(frames) > 0):
        raise MotionFormatError(f'Frames: {_shown(frames)}: expected a positive whole number')
    try:
        seconds = float(frame_time)
    except ValueError:
        seconds = 0.0
    if not 0.001 <= seconds <= 1.0:
        raise MotionFormatError(f'Frame Time: {_shown(frame_time)}: expected 0.001 to 1 seconds')
    return int(frames), seconds


def _parse_values(data: bytes) -> NDArray[np.float64]:
    """Read all motion values at once, whatever the line breaks."""
    data = data.strip()
    if not data:  # fromstring would read one number from nothing
        return np.empty(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            values = np.fromstring(data, dtype=np.float64, sep=' ')
    except (ValueError, DeprecationWarning):
        raise MotionFormatError('a motion value is not a number') from None
    if not (np.abs(values) < MAX_VALUE).all():
        raise MotionFormatError('a motion value is NaN, infinite or absurdly large')
    return values


def _shown(word: bytes) -> str:
    return repr(word[:40].decode('ascii', errors='replace'))
