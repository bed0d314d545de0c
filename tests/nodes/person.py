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
"""A person who watches motions and says what they think."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l2emg_interfaces.msg import InteractionFeedback, MotionOutcome, SmplMotion
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
from std_msgs.msg import String

from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.nodes import qos
from l2emg_ros.nodes.lifelong_node import LifelongNode


class Person:
    """Watches motions, has opinions, and learns the ids under which they are stored."""

    def __init__(self, graph: Graph, node: LifelongNode) -> None:
        self.node = node
        self.ids: list[str] = []
        self._motions = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
        self._outcomes = graph.publisher(MotionOutcome, 'motion_outcome', qos.OUTCOME)
        self._feedback = graph.publisher(InteractionFeedback, 'interaction_feedback', qos.FEEDBACK)
        messages = graph.collect(String, 'lifelong/recorded', qos.STREAM)
        self.recorded = lambda: [message.data for message in messages]

    def status(self) -> dict:
        return self.node._log_status().values

    def watch(self, motion_id: str, count: int | None = None) -> list[SmplMotion]:
        before = self.status()['pending']
        messages = chunks(gesture(), motion_id)[:count]
        for message in messages:
            self._motions.publish(message)
        wait_until(lambda: self.status()['pending'] > before, 'the motion was not kept')
        return messages

    def finish(self, motion_id: str, **fields: Any) -> None:
        self._outcomes.publish(MotionOutcome(motion_id=motion_id, **fields))

    def say(self, motion_id: str, *, consent: bool = True, **fields: Any) -> InteractionFeedback:
        message = InteractionFeedback(motion_id=motion_id, consent=consent, **fields)
        self._feedback.publish(message)
        return message

    def stored(self, count: int) -> list[str]:
        """Wait for so many ids and return them."""
        wait_until(lambda: len(self.recorded()) >= count, f'not {count} ids')
        return self.recorded()


def entries(log: Path) -> list[Interaction]:
    with InteractionLog(log) as reader:
        return reader.interactions()
