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
"""What a node tells about itself on /diagnostics, once a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
import numpy as np
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node

from l2emg_ros.nodes import qos

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
# Time over which a rate counts, seconds: long enough to smooth chunks that come in bursts.
_WINDOW = 10.0
_SAMPLES = 2000


class Meter:
    """Rate and latency of something that happens again and again."""

    def __init__(self) -> None:
        self.count = 0
        self._times: deque[float] = deque(maxlen=_SAMPLES)
        self._latencies: deque[float] = deque(maxlen=_SAMPLES)

    def mark(self, latency: float | None = None) -> None:
        """Note that it happened just now, and how many seconds it took."""
        self.count += 1
        self._times.append(time.monotonic())
        if latency is not None:
            self._latencies.append(latency)

    def values(self, name: str) -> dict[str, str]:
        """Return count, rate over the last seconds, last and 95th percentile of the latency."""
        # Copies: a worker thread may be adding while the executor reads.
        times, latencies = list(self._times), list(self._latencies)
        rate = sum(at > time.monotonic() - _WINDOW for at in times) / _WINDOW
        result = {f'{name}_count': str(self.count), f'{name}_rate_hz': f'{rate:.2f}'}
        if latencies:
            result[f'{name}_last_ms'] = f'{1e3 * latencies[-1]:.1f}'
            result[f'{name}_p95_ms'] = f'{1e3 * np.percentile(latencies, 95):.1f}'
        return result


@dataclass
class Status:
    """One line of the diagnostics: how it is, in a few words and in numbers."""

    level: bytes = OK
    message: str = 'ok'
    values: dict[str, Any] = field(default_factory=dict)


class Diagnostics:
    """Publishes a node's status lines at 1 Hz on a steady clock, in every lifecycle state.

    Args:
        node: The node.
        lines: Name of a line to the function that tells its status.
    """

    def __init__(self, node: Node, lines: dict[str, Callable[[], Status]]) -> None:
        self._node = node
        self._lines = lines
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(1.0, self.publish, clock=self._clock)

    def publish(self) -> None:
        """Publish every line now."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        for name, line in self._lines.items():
            try:
                status = line()
            except Exception as error:  # a broken line is itself a diagnosis
                status = Status(ERROR, f'{type(error).__name__}: {error}')
            message.status.append(
                DiagnosticStatus(
                    level=status.level,
                    name=f'{self._node.get_name()}: {name}',
                    message=status.message,
                    hardware_id=self._node.get_fully_qualified_name(),
                    values=[
                        KeyValue(key=key, value=str(value)) for key, value in status.values.items()
                    ],
                )
            )
        self._publisher.publish(message)
