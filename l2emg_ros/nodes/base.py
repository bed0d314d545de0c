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
"""What the nodes share: lifecycle, parameters, diagnostics, errors that do not end the node."""

from __future__ import annotations

from collections.abc import Callable
import functools
import gc
import logging
import signal
import sys
import threading
import time
import traceback
from typing import Any, Generic

import rclpy
from rclpy import utilities
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.context import Context
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions

from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.nodes import diagnostics, qos
from l2emg_ros.nodes.diagnostics import Diagnostics, Status
from l2emg_ros.nodes.parameters import P, ParameterTable
from l2emg_ros.nodes.worker import Worker

RCLError = rclpy_implementation.RCLError
# Time a node gets to come to rest when it is told to end, seconds.
_STOP_TIME = 10.0
# Time others get to read its last answers and commands, seconds: DDS drops what is still unread
# when its writer goes.
_LAST_WORDS = 0.5


def guarded(callback: Callable) -> Callable:
    """Make a topic or timer callback of a node survive its own errors.

    A bad message is one warning and an entry in the diagnostics; it never ends the node.
    """

    @functools.wraps(callback)
    def wrapper(self: BaseNode, *arguments: Any) -> None:
        try:
            callback(self, *arguments)
        except Exception as error:
            self.report(error)

    return wrapper


def answered(callback: Callable) -> Callable:
    """Make a service callback of a node answer ``success=False`` with the reason on any error."""

    @functools.wraps(callback)
    async def wrapper(self: BaseNode, request: Any, response: Any) -> Any:
        try:
            return await callback(self, request, response)
        except Exception as error:
            response.success = False
            response.message = self.report(error)
            return response

    return wrapper


class _RosHandler(logging.Handler):
    """Sends the core's log records to the node's logger."""

    def __init__(self, node: BaseNode) -> None:
        super().__init__(logging.INFO)
        self._node = node

    def emit(self, record: logging.LogRecord) -> None:
        logger = self._node.get_logger()
        if record.levelno >= logging.ERROR:
            logger.error(record.getMessage())
        elif record.levelno >= logging.WARNING:
            logger.warning(record.getMessage())
        else:
            logger.info(record.getMessage())


class BaseNode(LifecycleNode, Generic[P]):
    """A lifecycle node with parameters, a worker thread and diagnostics.

    Entities are made when the node is first configured and stay until it is destroyed; outside the
    active state messages are dropped, and goals and service calls are answered with that reason.
    Subclasses fill in ``create``, ``load``, ``start``, ``halt`` and ``unload``, which may raise.

    Args:
        name: Default node name.
        kind: Dataclass of its parameters.
        options: Keyword arguments of ``rclpy.node.Node`` (context, overrides, ...).
    """

    def __init__(self, name: str, kind: type[P], **options: Any) -> None:
        super().__init__(name, **options)
        self.group = ReentrantCallbackGroup()
        self._table = ParameterTable(self, kind, self.parameters_changed)
        self._created = False
        self.worker = Worker(self)
        self.last_error = ''
        self.errors = 0
        self._logged = 0.0
        self._log_handler = _RosHandler(self)
        logging.getLogger('l2emg_ros').addHandler(self._log_handler)
        self._answer_invalid_transitions()
        self._diagnostics = Diagnostics(self, {'node': self._node_status, **self.status_lines()})

    # What subclasses fill in.

    def create(self) -> None:
        """Make publishers, subscriptions, services, action servers and timers."""

    def load(self) -> None:
        """Read what the node needs to work (entering *inactive*)."""

    def start(self) -> None:
        """Begin to work (entering *active*)."""

    def halt(self) -> None:
        """Stop working, safely (leaving *active*)."""

    def unload(self) -> None:
        """Free what ``load`` took (leaving *inactive*)."""

    def parameters_changed(self, value: P) -> None:
        """Take over parameters that have just been changed."""

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the node's own lines of the diagnostics."""
        return {}

    @property
    def idle(self) -> bool:
        """Whether everything that was begun has been answered."""
        return True

    # What subclasses use.

    @property
    def parameters(self) -> P:
        """Current parameters."""
        return self._table.value

    @property
    def state(self) -> str:
        """Label of the lifecycle state."""
        return self._state_machine.current_state[1]

    @property
    def active(self) -> bool:
        """Whether the node is in the active state."""
        return self.state == 'active'

    def require_active(self) -> None:
        """Refuse to serve outside the active state.

        Raises:
            BadRequest: The node is not active.
        """
        if not self.active:
            raise BadRequest(f'{self.get_name()} is {self.state}: activate it first')

    def seconds(self) -> float:
        """Return the node's clock in seconds."""
        return self.get_clock().now().nanoseconds * 1e-9

    def report(self, error: BaseException) -> str:
        """Keep an error for the diagnostics, log it, and return it as one line.

        The same error again and again (a bad message at 100 Hz) is logged once a second.
        """
        expected = isinstance(error, L2EmgError | OSError)
        line = str(error) if expected else f'{type(error).__name__}: {error}'
        line = ' '.join(line.split())
        repeated = line == self.last_error and time.monotonic() - self._logged < 1.0
        self.last_error = line
        self.errors += 1
        if not repeated:
            self._logged = time.monotonic()
            # rclpy ties a severity to the line of the call, so each has its own.
            if expected:
                self.get_logger().warning(line)
            else:
                self.get_logger().error(''.join(traceback.format_exception(error)))
        return line

    def publish_to(self, kind: type, topic: str, profile: QoSProfile) -> Any:
        """Make a publisher that users can tune from YAML."""
        return self.create_publisher(kind, topic, **qos.entity_options(profile))

    def subscribe(
        self,
        kind: type,
        topic: str,
        callback: Callable,
        profile: QoSProfile,
        *,
        raw: bool = False,
    ) -> Any:
        """Make a subscription that users can tune from YAML; ``raw``: to the serialised bytes."""
        options = qos.entity_options(profile)
        return self.create_subscription(
            kind, topic, callback, callback_group=self.group, raw=raw, **options
        )

    def serve(self, kind: type, name: str, callback: Callable) -> Any:
        """Make a service whose callback may await the worker."""
        return self.create_service(kind, name, callback, callback_group=self.group)

    def every(self, period: float, callback: Callable, *, steady: bool = False) -> Any:
        """Make a timer of ``period`` seconds of the node's clock, or of a steady one."""
        clock = Clock(clock_type=ClockType.STEADY_TIME) if steady else None
        return self.create_timer(period, callback, callback_group=self.group, clock=clock)

    # Lifecycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Create the entities once and load; on failure the node stays unconfigured."""

        def configure() -> None:
            # First, so that other nodes discover them while a model is being loaded.
            if not self._created:
                self.create()
                self._created = True
            self.load()

        return self._transition('configure', configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to work; on failure the node stays inactive."""
        result = self._transition('activate', self.start)
        return super().on_activate(state) if result == TransitionCallbackReturn.SUCCESS else result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop safely, keep what is loaded."""
        self._transition('deactivate', self.halt)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what was loaded."""
        return self._transition('cleanup', self.unload)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free, from whichever state."""
        if state.label == 'active':
            self._transition('deactivate', self.halt)
        if state.label != 'unconfigured':
            self._transition('cleanup', self.unload)
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, so that the node lands in *unconfigured* and can be tried again."""
        self._transition('cleanup', self.unload)
        return TransitionCallbackReturn.SUCCESS

    def _transition(self, name: str, action: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            action()
        except Exception as error:
            self.get_logger().error(f'{name} failed: {self.report(error)}')
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _answer_invalid_transitions(self) -> None:
        """Answer a transition that the state does not allow; rclpy raises and answers nothing."""
        service = self._service_change_state
        change_state = service.callback

        def callback(request: Any, response: Any) -> Any:
            try:
                return change_state(request, response)
            except RCLError:
                wanted = request.transition.label or request.transition.id
                self.report(BadRequest(f'transition {wanted!r} is not possible in {self.state}'))
                response.success = False
                return response

        service.callback = callback

    def _node_status(self) -> Status:
        values = {'state': self.state, 'errors': self.errors, 'last_error': self.last_error}
        level = diagnostics.OK if self.state in ('active', 'inactive') else diagnostics.WARN
        return Status(level, self.state, values)

    def shut_down(self) -> None:
        """Pass through the shutdown transition, from whichever state."""
        if self.state in ('unconfigured', 'inactive', 'active'):
            self.trigger_shutdown()

    def destroy_node(self) -> None:
        """Join the worker and destroy the node."""
        self.worker.close()
        logging.getLogger('l2emg_ros').removeHandler(self._log_handler)
        super().destroy_node()


def spin(executor: SingleThreadedExecutor, context: Context | None = None) -> None:
    """Spin until shutdown, whatever a callback raises.

    Args:
        executor: Executor with its nodes.
        context: The executor's context; None for the default one.
    """
    while utilities.ok(context=context):
        try:
            executor.spin()
            return
        except (KeyboardInterrupt, ExternalShutdownException):
            return
        except Exception as error:
            for node in executor.get_nodes():
                if isinstance(node, BaseNode):
                    node.report(error)


def run(node_class: Callable[[], BaseNode], arguments: list[str] | None = None) -> int:
    """Run one node as a process until SIGINT or SIGTERM.

    The executor spins on a thread of its own while the main thread waits for a signal: the node
    can then still publish (a robot in motion is brought to rest) before ROS is shut down.

    Returns:
        Exit code: 0 after a clean stop, 2 when a parameter given at start is refused.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = node_class()
    except (BadRequest, ParameterException) as error:
        sys.stderr.write(f'{" ".join(str(error).split())}\n')
        utilities.try_shutdown()
        return 2
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinner = threading.Thread(target=spin, args=(executor,), name='executor')
    spinner.start()
    stop.wait()
    spoke = node.active
    executor.create_task(node.shut_down)
    deadline = time.monotonic() + _STOP_TIME
    while time.monotonic() < deadline and not (node.state == 'finalized' and node.idle):
        time.sleep(0.01)
    if spoke:
        time.sleep(_LAST_WORDS)
    executor.shutdown()
    spinner.join()
    node.destroy_node()
    utilities.try_shutdown()
    # Spares the interpreter's last garbage collection, which with torch loaded takes seconds.
    gc.freeze()
    return 0
