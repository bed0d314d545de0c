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
"""The ROS graph as child processes: started, brought to active and stopped together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
import contextlib
from pathlib import Path
import signal
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any, IO

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from l2emg_ros import processes, resources
from l2emg_ros.errors import L2EmgError
from l2emg_ros.processes import Process

# Seconds that an answer may take before the state is asked for again: a request can be lost while
# two processes are still discovering each other, and a busy node answers late.
ANSWER_TIMEOUT = 5.0
# Longer than a node takes at most: to come to rest, and until its last words have been read.
STOP_TIMEOUT = 12.0


class GraphError(L2EmgError):
    """A node did not start, did not become active in time, or died."""


class Graph:
    """Nodes as child processes of this interpreter.

        with Graph(robot='g1', sim=True) as graph:
            graph.wait_active(60)

    Args:
        robot: name or map file of the robot.
        sim: also start the simulator.
        hri: also start the bridge to ROS4HRI.
        parameters: node name -> parameters that win over the defaults.
        files: parameter files for every node.
        namespace: of the nodes.
        log_level: least log level of the nodes.
        log_dir: folder for one log file a node; None lets the nodes write to this terminal.
        nodes: the processes; None chooses by `sim` and `hri`.
        **arguments: `model_path`, `experts_path`, `device`: passed to the nodes that take them.
    """

    def __init__(
        self,
        robot: str = 'g1',
        *,
        sim: bool = False,
        hri: bool = False,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        files: Sequence[str | Path] = (),
        namespace: str = '',
        log_level: str = 'info',
        log_dir: str | Path | None = None,
        nodes: Sequence[Process] | None = None,
        **arguments: str,
    ) -> None:
        chosen = processes.select(sim=sim, hri=hri) if nodes is None else nodes
        self.nodes = tuple(chosen)
        self.namespace = namespace.strip('/')
        self._arguments = {'robot': robot, **arguments}
        self._parameters = parameters or {}
        self._files = [str(file) for file in files]
        self._log_level = log_level
        self._log_dir = Path(log_dir) if log_dir is not None else None
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []

    def __enter__(self) -> Graph:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the processes; they are unconfigured then."""
        if self._log_dir is not None:
            self._log_dir.mkdir(parents=True, exist_ok=True)
        for process in self.nodes:
            command, output = self._command(process), self._log(process)
            with _uninterrupted():
                # A session of its own: Ctrl-C reaches this process only, which stops the nodes.
                self._children[process.executable] = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )

    def wait_active(self, timeout: float) -> None:
        """Configure and activate every node.

        Args:
            timeout: s, for all of them together.

        Raises:
            GraphError: a node died, refused a transition or was not active in time.
        """
        deadline = time.monotonic() + timeout
        context = Context()
        rclpy.init(context=context)
        try:
            node = Node('l2emg_up', namespace=self.namespace, context=context)
            executor = SingleThreadedExecutor(context=context)
            executor.add_node(node)
            bringups = [_Bringup(node, process.executable) for process in self.nodes]
            while waiting := [item for item in bringups if not item.advance()]:
                self.check()
                if time.monotonic() > deadline:
                    names = ', '.join(f'{item.name} ({item.state})' for item in waiting)
                    raise GraphError(f'not active within {timeout:g} s: {names}')
                executor.spin_once(timeout_sec=0.05)
            node.destroy_node()
        finally:
            rclpy.shutdown(context=context)

    def check(self) -> None:
        """Raise GraphError if a node has ended."""
        for name, child in self._children.items():
            code = child.poll()
            if code is not None:
                how = f'signal {signal.Signals(-code).name}' if code < 0 else f'exit code {code}'
                where = f'; its log: {self._log_dir / name}.log' if self._log_dir else ''
                raise GraphError(f'{name} has ended ({how}){where}')

    def wait(self) -> None:
        """Return never; raise GraphError as soon as a node has ended."""
        while True:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop every node: SIGTERM first; SIGKILL after a while or on another Ctrl-C."""
        for child in self._children.values():
            if child.poll() is None:
                # Not SIGINT, which an interpreter that is still starting answers with a traceback.
                child.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                child.kill()
                child.wait()
        self._children.clear()
        for log in self._logs:
            log.close()
        self._logs.clear()

    def pid(self, node: str) -> int:
        """Return the process id of a running node."""
        return self._children[node].pid

    def _command(self, process: Process) -> list[str]:
        defaults = str(resources.find(f'config/{process.parameters}'))
        # An empty argument leaves the default of the file.
        given = {name: value for name in process.arguments if (value := self._arguments.get(name))}
        words = processes.ros_arguments(
            process,
            {**given, **self._parameters.get(process.executable, {})},
            (defaults, *self._files),
            namespace=self.namespace,
            log_level=self._log_level,
        )
        return [sys.executable, '-m', process.module, *words]

    def _log(self, process: Process) -> IO[bytes] | None:
        if self._log_dir is None:
            return None
        log = (self._log_dir / f'{process.executable}.log').open('wb')
        self._logs.append(log)
        return log


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put signals off: one in the middle of a fork would leave a child that nobody knows."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: caught.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        for late in caught:
            signal.raise_signal(late)


class _Bringup:
    """Takes one node from whatever state to active, one question at a time."""

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.state = 'not found'
        self._refused = ''
        self._get = node.create_client(GetState, f'{name}/get_state')
        self._change = node.create_client(ChangeState, f'{name}/change_state')
        self._pending: Any = None
        self._asked = 0.0

    def advance(self) -> bool:
        """Take the next step that is possible now; return whether the node is active."""
        if self._pending is None:
            if self._get.service_is_ready() and self._change.service_is_ready():
                self._ask(self._get, GetState.Request())
        elif self._pending.done():
            self._take(self._pending.result())
        elif time.monotonic() - self._asked > ANSWER_TIMEOUT:
            self._client.remove_pending_request(self._pending)
            self._pending = None
        return self.state == 'active'

    def _ask(self, client: Any, request: Any) -> None:
        self._client = client
        self._pending = client.call_async(request)
        self._asked = time.monotonic()

    def _take(self, response: Any) -> None:
        self._pending = None
        if isinstance(response, ChangeState.Response):
            # On a busy machine a transition may be asked for twice, and the second is refused:
            # only a node that is asked again where it stands has failed.
            if response.success:
                self._refused = ''
            elif self._refused == self.state:
                raise GraphError(f'{self.name} failed to leave {self.state}; see its log')
            else:
                self._refused = self.state
            return
        self.state = response.current_state.label
        steps = {
            State.PRIMARY_STATE_UNCONFIGURED: Transition.TRANSITION_CONFIGURE,
            State.PRIMARY_STATE_INACTIVE: Transition.TRANSITION_ACTIVATE,
        }
        step = steps.get(response.current_state.id)
        if step is not None:
            self._ask(self._change, ChangeState.Request(transition=Transition(id=step)))
