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
"""A small ROS graph inside the test process: nodes on one thread, the test's client on another."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import threading
import time
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from l2emg_ros.nodes.base import spin

TIMEOUT = 20.0
TRIES = 3
_NEXT = {
    'unconfigured': Transition.TRANSITION_CONFIGURE,
    'inactive': Transition.TRANSITION_ACTIVATE,
}


class Unanswered(AssertionError):
    """Nothing came back in time."""


class Graph:
    """Runs nodes in a context of their own and gives the test a client node."""

    def __init__(self, namespace: str = '', domain: int | None = None) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self._executors: list[SingleThreadedExecutor] = []
        self._threads: list[threading.Thread] = []
        self.nodes: dict[str, Any] = {}
        self.client = rclpy.create_node('test_client', namespace=namespace, context=self.context)
        self._spin(self.client)
        self._clients: dict[tuple, Any] = {}

    def _spin(self, *nodes: Any) -> None:
        executor = SingleThreadedExecutor(context=self.context)
        for node in nodes:
            executor.add_node(node)
        thread = threading.Thread(target=spin, args=(executor, self.context))
        thread.start()
        self._executors.append(executor)
        self._threads.append(thread)

    def add(self, kind: Callable[..., Any], *, active: bool = True, **parameters: Any) -> Any:
        """Start a node with parameters; by default bring it to active."""
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = kind(context=self.context, parameter_overrides=overrides)
        self.nodes[node.get_name()] = node
        self._spin(node)
        if active:
            self.configure_and_activate(node.get_name())
        return node

    def configure_and_activate(self, name: str) -> None:
        """Bring a node to active, from where it is.

        A server drops its answer to a client that it has not yet discovered, as can happen where
        one of them is new and the machine busy: no answer says nothing, and it is asked again.
        """
        for _ in range(TRIES):
            with contextlib.suppress(Unanswered):
                while (state := self.state(name)) != 'active':
                    assert self.transition(name, _NEXT[state]), f'{name} stays {state}'
                return
        raise Unanswered(f'{name} does not answer')

    def call(self, kind: Any, name: str, request: Any, timeout: float = TIMEOUT) -> Any:
        """Call a service and return its response."""
        key = (kind, name)
        client = self._clients.get(key)
        if client is None:
            client = self.client.create_client(kind, name)
            # Once found, a server of the same process stays; asking again only races discovery.
            assert client.wait_for_service(timeout), f'no service {name}'
            self._clients[key] = client
        return self.ask(lambda: client.call_async(request), timeout)

    def keep_busy(self, seconds: float) -> None:
        """Make the client take what it gets only so often, as on a machine with much to do."""

        def work() -> None:
            time.sleep(seconds)
            self.keep_busy(seconds)

        self._executors[0].create_task(work)

    def start(self, request: Callable[[], Any], timeout: float = TIMEOUT) -> Any:
        """Begin a request on the client's executor and return its future.

        Begun elsewhere, the answer can overtake the bookkeeping of rclpy's clients and is lost.
        """
        return self.result(self._executors[0].create_task(request), timeout)

    def ask(self, request: Callable[[], Any], timeout: float = TIMEOUT) -> Any:
        """Begin a request and wait for its answer."""
        return self.result(self.start(request), timeout)

    def result(self, future: Any, timeout: float = TIMEOUT) -> Any:
        """Wait for a future of the client node."""
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        if not done.wait(timeout):
            raise Unanswered('no answer in time')
        return future.result()

    def transition(self, name: str, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return self.call(ChangeState, f'{name}/change_state', request).success

    def state(self, name: str) -> str:
        return self.call(GetState, f'{name}/get_state', GetState.Request()).current_state.label

    def set_parameter(self, node: str, name: str, value: Any) -> tuple[bool, str]:
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()]
        )
        result = self.call(SetParameters, f'{node}/set_parameters', request).results[0]
        return result.successful, result.reason

    def announce(self, kind: Any, name: str) -> ActionClient:
        """Return the client of an action that may not be there yet.

        What a server answers to a client that was announced before others, to which it has
        answered, is not dropped; a goal cannot be asked for twice.
        """
        key = (kind, name)
        if key not in self._clients:
            self._clients[key] = ActionClient(self.client, kind, name)
        return self._clients[key]

    def action(self, kind: Any, name: str) -> ActionClient:
        """Return the client of an action, once that is there."""
        client = self.announce(kind, name)
        assert client.wait_for_server(TIMEOUT), f'no action {name}'
        return client

    def publisher(self, kind: Any, topic: str, profile: Any) -> Any:
        """Return a publisher that has found its reader."""
        publisher = self.client.create_publisher(kind, topic, profile)
        wait_until(lambda: publisher.get_subscription_count() > 0, f'no reader of {topic}')
        return publisher

    def collect(self, kind: Any, topic: str, profile: Any) -> list[Any]:
        """Return a list that fills with the messages of a topic, once a writer is found."""
        messages: list[Any] = []
        subscription = self.client.create_subscription(kind, topic, messages.append, profile)
        wait_until(lambda: subscription.get_publisher_count() > 0, f'no writer of {topic}')
        return messages

    def close(self) -> None:
        """Take everything down and forget it; a second time this does nothing."""
        if not self.context.ok():
            return
        for executor in self._executors:
            executor.shutdown()
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()
        for node in [*self.nodes.values(), self.client]:
            node.destroy_node()
        rclpy.shutdown(context=self.context)
        self._executors.clear()
        self._threads.clear()
        self.nodes.clear()


def wait_until(condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> Any:
    """Return the condition's value once it is true."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
    return value
