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
"""How fast, how smoothly and how safely a running motion takes another manner (experiment E2).

The peer of the same run is the timer of the set points itself: how long after an event the next
set point comes, changed or not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import os
import time
from typing import Any

from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import SmplMotion
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from l2emg_ros import processes
from l2emg_ros.bench import modulation
from l2emg_ros.bench.report import lines
from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import L2EmgError
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import convert, qos
from l2emg_ros.nodes.graph import Graph
from l2emg_ros.nodes.visitor import Visitor

# Two that want different manners.
_EMOTIONS = ('sad', 'proud')
# Set points stand when so many in a row are the same.
_SAME, _CHANGE = 20, 1e-6
# Length of the motion of standing still that is played meanwhile, s, and of one wait.
_STILL, _PATIENCE = 20.0, 10.0
_START = 60.0


class ReactionError(L2EmgError):
    """The set points did not come, or did not change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    modulation.add_arguments(parser)
    parser.add_argument('--events', type=int, default=100, help='emotions sent over ROS; 0: none')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures."""
    results = modulation.run(args)
    if not args.events:
        return results
    waited = measure(args.robot, args.events, np.random.default_rng(args.seed))
    idle, changed = (1e3 * np.percentile(column, [50, 99]) for column in waited.T)
    return results | {
        'events': len(waited),
        'next_set_point_median_ms': idle[0],
        'next_set_point_p99_ms': idle[1],
        'changed_set_point_median_ms': changed[0],
        'changed_set_point_p99_ms': changed[1],
        'excess_p99_ms': changed[1] - idle[1],
    }


def table(results: dict[str, Any]) -> str:
    """Return one figure a line."""
    return lines(results)


def measure(robot: str, events: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Send emotions to a retargeter that plays a person who stands still.

    Args:
        robot: Name or map file.
        events: How many emotions.
        rng: Draws the moments.

    Returns:
        (events, 2) seconds from sending to the next set point, and to the first that differs.

    Raises:
        ReactionError: Set points did not come, or did not change.
    """
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    namespace = f'l2emg_reaction_{os.getpid()}'
    given = {'retargeter': {'output': 'command'}}
    with Graph(
        robot, namespace=namespace, nodes=(processes.RETARGETER,), parameters=given
    ) as graph:
        graph.wait_active(_START)
        with _Watch(namespace) as watch:
            watch.wait()
            return np.array([watch.react(number, rng) for number in range(events)])


def _standing_person() -> Motion:
    """Return the first frame of a gesture, held."""
    begun = synthesise('wave', Emotion('neutral').weights(), np.random.default_rng(0)).slice(0, 1)
    count = round(begun.fps * _STILL)
    return begun.replace(
        poses=np.repeat(begun.poses, count, axis=0), trans=np.repeat(begun.trans, count, axis=0)
    )


class _Watch(Visitor):
    """Keeps the retargeter playing, sends emotions and looks at the set points."""

    failure = ReactionError

    def __init__(self, namespace: str) -> None:
        super().__init__('reaction', namespace)
        self._motions = self._node.create_publisher(SmplMotion, 'smpl_motion', qos.STREAM)
        self._emotions = self._node.create_publisher(EmotionMessage, 'emotion', qos.NEWEST)
        self._points: list[tuple[float, NDArray[np.float64]]] = []
        self._node.create_subscription(JointState, 'joint_command', self._on_point, qos.STREAM)
        self._chunks, self._played = 0, 0.0
        self._enter()

    def wait(self) -> None:
        """Return once the retargeter reads."""
        for publisher in (self._motions, self._emotions):
            self._soon(publisher.get_subscription_count, f'no reader of {publisher.topic_name}')

    def react(self, number: int, rng: np.random.Generator) -> tuple[float, float]:
        """Send one emotion; return how long the next and the first changed set point took."""
        self._keep_playing()
        self._points.clear()
        self._soon(self._standing, 'the set points do not stand still')
        # Anywhere between two set points.
        time.sleep(float(rng.uniform(0.0, 0.02)))
        before, count, sent = self._points[-1][1], len(self._points), time.monotonic()
        self._emotions.publish(EmotionMessage(label=_EMOTIONS[number % 2], intensity=1.0))
        self._soon(lambda: self._changed(count, before), 'no set point changed')
        return self._points[count][0] - sent, float(self._changed(count, before)) - sent

    def _keep_playing(self) -> None:
        """Send more of the motion before it ends."""
        if time.monotonic() < self._played - _STILL / 2:
            return
        chunk = convert.motion_to_message(
            _standing_person(),
            motion_id='still',
            frame_id='odom',
            chunk_index=self._chunks,
            last=False,
        )
        self._motions.publish(chunk)
        self._chunks += 1
        self._played = max(self._played, time.monotonic()) + _STILL

    def _standing(self) -> bool:
        recent = [q for _, q in self._points[-_SAME:]]
        return len(recent) == _SAME and float(np.ptp(recent, axis=0).max()) < _CHANGE

    def _changed(self, count: int, before: NDArray[np.float64]) -> float:
        """Return when the first set point after ``count`` differed, or 0."""
        for at, q in self._points[count:]:
            if np.abs(q - before).max() > _CHANGE:
                return at
        return 0.0

    def _on_point(self, message: JointState) -> None:
        self._points.append((time.monotonic(), np.array(message.position)))

    def _soon(self, condition: Callable[[], Any], what: str) -> None:
        self._until(condition, time.monotonic() + _PATIENCE, what)
