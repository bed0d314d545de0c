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
"""One thread for the long job, so that the executor keeps answering; one goal at a time.

A node spins on a single-threaded executor. What takes long (the model, inverse kinematics) runs on
the worker's only thread and is awaited: callbacks never run at the same time as each other, so
nodes need no locks, and a cancel request is answered while the model is busy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
import threading
from typing import Any

from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future


def _awaitable(node: Node) -> Future:
    """Return a future that wakes the node's executor, so that it resumes who awaits it."""

    def wake(_: Future) -> None:
        if node.executor is not None:
            node.executor.wake()

    future = Future()
    future.add_done_callback(wake)
    return future


class Worker:
    """Runs jobs one after the other on a thread of its own.

    Who awaits a job of a node that has gone is not resumed, and is closed when it is collected as
    garbage: what publishes or answers comes after the ``await``, not in a ``finally``.

    Args:
        node: The node whose executor waits for the results.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f'{node.get_name()}_worker')

    def run(self, job: Callable[..., Any], *arguments: Any) -> Future:
        """Queue a job.

        Returns:
            Future to await on the executor: the job's result, or its exception.
        """
        future = _awaitable(self._node)

        def done(finished: ThreadFuture) -> None:
            if finished.cancelled():
                future.cancel()
            elif finished.exception() is not None:
                future.set_exception(finished.exception())
            else:
                future.set_result(finished.result())

        self._thread.submit(job, *arguments).add_done_callback(done)
        return future

    def wait(self, job: Callable[..., Any], *arguments: Any) -> Any:
        """Run a job after everything queued so far and block until it is done."""
        return self._thread.submit(job, *arguments).result()

    def close(self) -> None:
        """Drop queued jobs and wait for the running one."""
        self._thread.shutdown(wait=True, cancel_futures=True)


class Line:
    """Jobs for the worker whose results come back in the order in which the jobs were added.

    The executor resumes waiting coroutines in any order; where a later result must not be
    overtaken by an earlier one (a stop by a plan), the jobs go through one line.

    Args:
        node: The node whose executor takes the results.
        worker: Where the jobs run.
        done: Called on the executor with each result.
        failed: Called on the executor with the exception of a job or of ``done``.
    """

    def __init__(
        self,
        node: Node,
        worker: Worker,
        done: Callable[[Any], None],
        failed: Callable[[Exception], Any],
    ) -> None:
        self._node, self._worker = node, worker
        self._done, self._failed = done, failed
        self._jobs: deque[tuple[Future, Callable[..., Any], tuple[Any, ...]]] = deque()
        self._running = False

    def add(self, job: Callable[..., Any], *arguments: Any) -> Future:
        """Queue a job.

        Returns:
            Future of its result, done when that has been handed over; of its exception, as a
            value, where it failed; of None where it was cleared.
        """
        future = _awaitable(self._node)
        self._jobs.append((future, job, arguments))
        executor = self._node.executor
        if not self._running and executor is not None:
            self._running = True
            executor.create_task(self._run)
        return future

    @property
    def busy(self) -> bool:
        """Whether a job is running or queued."""
        return self._running

    def clear(self) -> None:
        """Drop the jobs that have not begun."""
        while self._jobs:
            self._jobs.popleft()[0].cancel()

    def finish(self) -> None:
        """Do all that is queued now, and block until it is done."""
        while self._jobs:
            future, job, arguments = self._jobs.popleft()
            try:
                result = self._worker.wait(job, *arguments)
                self._done(result)
                future.set_result(result)
            except Exception as error:
                self._failed(error)
                future.set_result(error)

    async def _run(self) -> None:
        while self._jobs:
            future, job, arguments = self._jobs.popleft()
            try:
                result = await self._worker.run(job, *arguments)
                self._done(result)
                future.set_result(result)
            except Exception as error:
                self._failed(error)
                future.set_result(error)
        self._running = False


def end(goal: ServerGoalHandle, result: Any) -> None:
    """Set a goal's final state from the error code of its result."""
    kind = type(result)
    if result.error_code == kind.CANCELLED:
        goal.canceled()
    elif result.error_code == kind.OK:
        goal.succeed()
    else:
        goal.abort()


class Ticket:
    """The right to use the model, held by one goal.

    Attributes:
        stop: Set when the goal must end early, for whichever reason.
        interrupted: True where the reason is a newer goal or the node's deactivation.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.interrupted = False

    def interrupt(self) -> None:
        """End the goal because something else takes its place."""
        self.interrupted = True
        self.stop.set()


class GoalSlot:
    """Admits one goal at a time; a new one takes the place of the one before."""

    def __init__(self) -> None:
        self._tickets: dict[bytes, Ticket] = {}

    @property
    def busy(self) -> bool:
        """Whether a goal is running or being stopped."""
        return bool(self._tickets)

    def claim(self, goal_id: bytes) -> Ticket:
        """Interrupt every earlier goal and return the new goal's ticket."""
        self.interrupt()
        ticket = self._tickets[goal_id] = Ticket()
        return ticket

    def release(self, goal_id: bytes) -> None:
        """Forget a goal that has ended."""
        self._tickets.pop(goal_id, None)

    def cancel(self, goal_id: bytes) -> None:
        """Stop a goal at its owner's wish; one that has ended is left alone."""
        if goal_id in self._tickets:
            self._tickets[goal_id].stop.set()

    def interrupt(self) -> None:
        """Stop every goal in favour of something else."""
        for ticket in self._tickets.values():
            if not ticket.stop.is_set():
                ticket.interrupt()
