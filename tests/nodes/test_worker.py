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

import threading
import time

from nodes.graph import Graph, wait_until
import pytest
from std_srvs.srv import Trigger

from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes.base import answered, BaseNode, guarded
from l2emg_ros.nodes.parameters import Parameters
from l2emg_ros.nodes.worker import GoalSlot


class BusyNode(BaseNode[Parameters]):
    """Answers `quick` at once, also while `slow` waits for the worker."""

    def __init__(self, **options) -> None:
        self.release = threading.Event()
        self.begun = threading.Event()
        self.ticks = 0
        super().__init__('busy', Parameters, **options)

    def create(self) -> None:
        self.serve(Trigger, 'slow', self._on_slow)
        self.serve(Trigger, 'quick', self._on_quick)
        self.serve(Trigger, 'broken', self._on_broken)
        self.every(0.01, self._on_tick, steady=True)

    @answered
    async def _on_slow(self, request: Trigger.Request, response: Trigger.Response):
        response.message = await self.worker.run(self._job)
        response.success = True
        return response

    @answered
    async def _on_quick(self, request: Trigger.Request, response: Trigger.Response):
        response.success = True
        return response

    @answered
    async def _on_broken(self, request: Trigger.Request, response: Trigger.Response):
        def fail() -> None:
            raise BadRequest('not today')

        await self.worker.run(fail)

    @guarded
    def _on_tick(self) -> None:
        self.ticks += 1
        if self.ticks == 3:
            raise RuntimeError('third tick')

    def _job(self) -> str:
        self.begun.set()
        assert self.release.wait(10.0)
        return threading.current_thread().name


def test_the_executor_answers_while_the_worker_is_busy(graph: Graph) -> None:
    node = graph.add(BusyNode)
    client = graph.client.create_client(Trigger, 'slow')
    assert client.wait_for_service(5.0)
    slow = client.call_async(Trigger.Request())
    assert node.begun.wait(5.0)
    for _ in range(5):
        assert graph.call(Trigger, 'quick', Trigger.Request()).success
    assert not slow.done()
    node.release.set()
    assert graph.result(slow).message.startswith('busy_worker')


def test_errors_are_answered_and_do_not_end_the_node(graph: Graph) -> None:
    node = graph.add(BusyNode)
    answer = graph.call(Trigger, 'broken', Trigger.Request())
    assert (answer.success, answer.message) == (False, 'not today')
    wait_until(lambda: node.ticks > 5, 'the timer stopped at its error')
    assert node.errors == 2
    assert graph.state('busy') == 'active'


def test_jobs_run_in_order_and_results_wake_the_executor(graph: Graph) -> None:
    node = graph.add(BusyNode)
    node.release.set()
    order: list[int] = []
    for number in range(20):
        node.worker.run(order.append, number)
    started = time.monotonic()
    assert graph.call(Trigger, 'slow', Trigger.Request()).success
    # The diagnostics' timer alone would wake the executor once a second.
    assert time.monotonic() - started < 0.5
    assert order == list(range(20))


def test_the_slot_belongs_to_the_newest_goal() -> None:
    slot = GoalSlot()
    first = slot.claim(b'1')
    assert not first.stop.is_set()
    second = slot.claim(b'2')
    assert first.stop.is_set()
    assert first.interrupted
    assert not second.stop.is_set()
    slot.cancel(b'2')
    assert second.stop.is_set()
    assert not second.interrupted
    slot.cancel(b'unknown')
    assert slot.busy
    slot.release(b'1')
    slot.release(b'2')
    assert not slot.busy
    with pytest.raises(KeyError):
        slot._tickets[b'1']
