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
"""MCAP files of raw ROS messages with their definitions: written, read and decoded without ROS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import struct
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Schema
from mcap.well_known import MessageEncoding, Profile, SchemaEncoding
from mcap.writer import CompressionType, Writer
from mcap_ros2.decoder import DecoderFactory
import numpy as np
from numpy.typing import NDArray

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import LogError
from l2emg_ros.motion.motion import Motion

# Small, so that a torn copy of a file still gives back all but its last pieces.
_CHUNK_SIZE = 4096
# Numbers hardly compress; plain bytes can be searched for what should have been erased.
_COMPRESSION = CompressionType.NONE
_MOTION = 'l2emg_interfaces/msg/SmplMotion'
_JOINTS = 22


@dataclass(frozen=True, slots=True)
class Record:
    """One message as it came.

    Attributes:
        topic: Where it came from.
        type: Its type, such as ``std_msgs/msg/String``.
        definition: The text of that type and of every type in it, as ``ros2msg`` schemas have it.
        stamp: When it came, ns since the epoch.
        data: The serialised message (CDR).
    """

    topic: str
    type: str
    definition: str
    stamp: int
    data: bytes


def write(path: str | os.PathLike[str], records: Iterable[Record]) -> None:
    """Write messages as an MCAP file that `ros2 bag` and Foxglove read.

    Raises:
        OSError: It cannot be written.
    """
    with Path(path).open('wb') as file:
        writer = Writer(file, chunk_size=_CHUNK_SIZE, compression=_COMPRESSION)
        writer.start(profile=Profile.ROS2, library='l2emg_ros')
        schemas: dict[str, int] = {}
        channels: dict[tuple[str, str], int] = {}
        for number, record in enumerate(records):
            if record.type not in schemas:
                schemas[record.type] = writer.register_schema(
                    record.type, SchemaEncoding.ROS2, record.definition.encode()
                )
            key = (record.topic, record.type)
            if key not in channels:
                channels[key] = writer.register_channel(
                    record.topic,
                    MessageEncoding.CDR,
                    schemas[record.type],
                    {'offered_qos_profiles': ''},
                )
            writer.add_message(channels[key], record.stamp, record.data, record.stamp, number)
        writer.finish()


def read(path: str | os.PathLike[str]) -> list[Record]:
    """Return the messages of a file in the order in which they were written.

    Raises:
        LogError: It is not an MCAP file, or damaged.
        OSError: It cannot be read.
    """
    return [
        Record(channel.topic, schema.name, schema.data.decode(), message.log_time, message.data)
        for schema, channel, message in _messages(path)
    ]


def decoded(path: str | os.PathLike[str]) -> Iterator[tuple[Record, Any]]:
    """Yield every message of a file with its fields as attributes.

    They are read by the definitions in the file: later versions of a type do not matter.

    Raises:
        LogError: The file is damaged.
        OSError: It cannot be read.
    """
    factory = DecoderFactory()
    numbers: dict[str, int] = {}
    for record in read(path):
        schema = Schema(
            data=record.definition.encode(),
            encoding=SchemaEncoding.ROS2,
            # The factory keeps decoders by it.
            id=numbers.setdefault(record.type, len(numbers)),
            name=record.type,
        )
        try:
            decoder = factory.decoder_for(MessageEncoding.CDR, schema)
            if decoder is None:
                raise LogError(f'{path}: no definition of {record.type}')
            yield record, decoder(record.data)
        except (McapError, ValueError, KeyError, struct.error) as error:
            raise LogError(f'{path} holds a damaged {record.type}: {error}') from None


def fields(message: Any) -> Any:
    """Return a decoded message as dicts, lists, numbers and strings."""
    if hasattr(message, '__slots__') and not isinstance(message, str | bytes):
        return {name: fields(getattr(message, name)) for name in message.__slots__}
    if isinstance(message, list | tuple):
        return [fields(item) for item in message]
    return list(message) if isinstance(message, bytes | memoryview) else message


def motions(path: str | os.PathLike[str]) -> dict[str, Motion]:
    """Return the motions of a file, joined from their chunks, by motion_id.

    Raises:
        LogError: The file is damaged.
        MotionFormatError: A chunk holds no motion.
        OSError: The file cannot be read.
    """
    chunks: dict[str, list[Motion]] = {}
    for record, message in decoded(path):
        if record.type == _MOTION:
            chunks.setdefault(message.motion_id, []).append(_chunk(message))
    return {name: Motion.concatenate(parts) for name, parts in chunks.items()}


def tokens(path: str | os.PathLike[str], motion_id: str) -> NDArray[np.int64] | None:
    """Return the (L, levels) tokens of a motion of a file; None where a chunk of it has none.

    Raises:
        LogError: The file is damaged.
        OSError: The file cannot be read.
    """
    rows: list[NDArray[np.int64]] = []
    whole = False
    for record, message in decoded(path):
        if record.type != _MOTION or message.motion_id != motion_id:
            continue
        levels = int(message.token_levels)
        part = np.array(message.tokens, dtype=np.int64)
        if message.chunk_index != len(rows) or not levels or not part.size or part.size % levels:
            return None
        rows.append(part.reshape(-1, levels))
        whole = bool(message.last)
    if not whole or len({part.shape[1] for part in rows}) != 1:
        return None
    return np.concatenate(rows)


def _chunk(message: Any) -> Motion:
    label, numbers = message.emotion.label, message.emotion
    point = (numbers.valence, numbers.arousal, numbers.dominance)
    given = bool(label) or any((*point, numbers.intensity))
    emotion = Emotion(label, *point, intensity=numbers.intensity) if given else None
    return Motion.from_rotations(
        np.reshape(message.rotations, (-1, _JOINTS, 4)),
        np.reshape(message.root_translation, (-1, 3)),
        message.fps,
        text=message.text,
        emotion='' if emotion is None else str(emotion),
        intensity=1.0 if emotion is None else emotion.intensity,
        scenario=message.scenario,
        seed=message.seed,
        generator=message.model,
    )


def _messages(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any, Any]]:
    with Path(path).open('rb') as file:
        try:
            yield from make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)
        except (McapError, ValueError, KeyError, struct.error, EOFError) as error:
            raise LogError(f'{path} is not a readable MCAP file: {error}') from None
