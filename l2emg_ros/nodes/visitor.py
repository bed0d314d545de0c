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
"""A node of this process that looks at a graph of others."""

from __future__ import annotations

from collections.abc import Callable
import threading
import time
from types import TracebackType
from typing import Any, ClassVar, Self

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from l2emg_ros.errors import L2EmgError
from l2emg_ros.nodes.base import spin

_POLL = 0.005


class Visitor:
    """Has a context, a node and a thread of its own, until ``close`` or the end of ``with``.

    Args:
        name: Of the node.
        namespace: Of the nodes that it looks at.
    """

    # What is raised when time runs out.
    failure: ClassVar[type[L2EmgError]] = L2EmgError

    def __init__(self, name: str, namespace: str = '') -> None:
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node(name, namespace=namespace, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._thread = threading.Thread(target=spin, args=(self._executor, self._context))

    def _enter(self) -> None:
        """Begin to take messages, once there are readers for them."""
        self._executor.add_node(self._node)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def _until(self, condition: Callable[[], Any], deadline: float, what: str) -> None:
        """Wait for a condition until a moment of ``time.monotonic``."""
        while not condition():
            if time.monotonic() > deadline:
                raise self.failure(f'{what} in time')
            time.sleep(_POLL)

    def _ask(self, request: Callable[[], Any], deadline: float, what: str) -> Any:
        """Begin a request where its answer is taken, lest the answer come first; wait for it."""
        begun = self._executor.create_task(request)
        self._until(begun.done, deadline, what)
        future = begun.result()
        self._until(future.done, deadline, what)
        return future.result()
