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
from __future__ import annotations

import pytest

pytest.importorskip('rclpy')

from nodes.chunked import chunks, gesture

from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes import joints
from l2emg_ros.nodes.chunks import ChunkQueue


def test_chunks_come_out_in_order() -> None:
    queue = ChunkQueue()
    messages = chunks(gesture(), 'm')
    for message in messages:
        queue.add(message, 5.0)
    out = list(queue.due(5.0))
    assert sum(chunk.motion.frames for chunk in out) == gesture().frames
    assert [chunk.first for chunk in out] == [True] + [False] * (len(messages) - 1)
    assert [chunk.last for chunk in out] == [False] * (len(messages) - 1) + [True]
    assert not queue.running
    assert not list(queue.due(6.0))


def test_half_a_motion_is_not_played() -> None:
    queue = ChunkQueue()
    messages = chunks(gesture(), 'm')
    with pytest.raises(BadRequest, match='chunk 3 of a motion that was not seen to begin'):
        queue.add(messages[3], 0.0)
    # Said once, not for each of its chunks.
    for message in messages[4:]:
        queue.add(message, 0.0)
    assert not list(queue.due(0.0))
    assert queue.refused == len(messages) - 3


def test_a_gap_ends_the_motion() -> None:
    queue = ChunkQueue()
    messages = chunks(gesture(), 'm')
    queue.add(messages[0], 0.0)
    with pytest.raises(BadRequest, match='chunk 2 came where 1 was expected'):
        queue.add(messages[2], 0.0)
    queue.add(messages[3], 0.0)
    assert len(list(queue.due(0.0))) == 1
    assert not queue.running


def test_a_bad_chunk_ends_only_its_own_motion() -> None:
    queue = ChunkQueue()
    good, bad = chunks(gesture(), 'good'), chunks(gesture(), 'bad')[0]
    queue.add(good[0], 0.0)
    bad.rotations[0] = float('nan')
    with pytest.raises(BadRequest):
        queue.add(bad, 0.0)
    queue.add(good[1], 0.0)
    assert len(list(queue.due(0.0))) == 2
    good[2].fps = -1.0
    with pytest.raises(BadRequest):
        queue.add(good[2], 0.0)
    queue.add(good[3], 0.0)
    assert not list(queue.due(0.0))


def test_a_new_motion_replaces_the_old_and_may_come_again() -> None:
    queue = ChunkQueue()
    first, second = chunks(gesture(), 'a'), chunks(gesture(), 'b')
    queue.add(first[0], 0.0)
    assert [chunk.first for chunk in queue.due(0.0)] == [True]
    queue.add(second[0], 0.1)
    queue.add(first[1], 0.1)
    queue.add(second[1], 0.2)
    assert [chunk.first for chunk in queue.due(0.2)] == [True, False]
    queue.add(second[0], 0.3)
    assert [chunk.first for chunk in queue.due(0.3)] == [True]


def test_a_stamp_in_the_future_is_waited_for() -> None:
    queue = ChunkQueue()
    messages = chunks(gesture(), 'm')
    for message in messages:
        message.header.stamp = joints.time_message(12.0)
        queue.add(message, 10.0)
    assert queue.waiting
    assert not list(queue.due(11.9))
    assert len(list(queue.due(12.0))) == len(messages)
    messages[0].header.stamp = joints.time_message(1000.0)
    with pytest.raises(BadRequest, match='990 s ahead'):
        queue.add(messages[0], 10.0)


def test_silence_is_measured_while_a_motion_runs() -> None:
    queue = ChunkQueue()
    messages = chunks(gesture(), 'm')
    assert queue.silent(100.0) == 0.0
    queue.add(messages[0], 10.0)
    assert queue.silent(10.5) == 0.5
    queue.clear()
    assert queue.silent(100.0) == 0.0
    assert not list(queue.due(100.0))
