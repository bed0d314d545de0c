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
"""The lifelong node learns by itself: real trainers, the tiny model, a robot of six joints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import threading
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from learning import school
from lifecycle_msgs.msg import Transition
from nodes.graph import Graph, wait_until
import pytest

from l2emg_ros.experts.place import registry_for
from l2emg_ros.learning import trigger
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.nodes import qos
from l2emg_ros.nodes.lifelong_node import LifelongNode

pytestmark = pytest.mark.slow
PATIENCE = 120.0
Start = Callable[..., LifelongNode]


def strange(number: int, **fields: Any) -> Any:
    """Return an interaction about a request that no expert served."""
    return school.interaction(
        number,
        rating=1.0,
        scenario='',
        experts=('base',),
        expert_weights=(1.0,),
        novelty_p_value=0.001,
        id='',
        **fields,
    )


def test_what_could_not_be_used_keeps_nothing_else_from_being_learned(
    graph: Graph, start: Start, log: Path, tmp_path: Path
) -> None:
    with InteractionLog(log, writer=True) as writer:
        others = ['another model' if n < 3 else '' for n in range(9)]
        ids = [writer.add(strange(n, model=model), []) for n, model in enumerate(others)]
    node = start(learn_by_itself=True)
    wait_until(lambda: '6 usable lessons' in node.last_error, 'it was not tried', PATIENCE)
    tried = log / 'training' / 'tried.json'
    assert not tried.exists()
    assert graph.transition('lifelong', Transition.TRANSITION_DEACTIVATE)
    assert graph.transition('lifelong', Transition.TRANSITION_CLEANUP)
    with InteractionLog(log, writer=True) as writer:
        ids += [writer.add(strange(n), []) for n in range(9, 13)]
    graph.configure_and_activate('lifelong')
    wait_until(tried.exists, 'it was not tried again', PATIENCE)
    manifest = registry_for(tmp_path / 'model', tmp_path / 'experts').manifest('situation_1', '1')
    assert manifest['data']['ids'] == sorted(ids[3:])


def test_it_learns_by_itself_and_never_twice_from_the_same(
    graph: Graph, start: Start, log: Path, tmp_path: Path
) -> None:
    with InteractionLog(log, writer=True) as writer:
        ids = [writer.add(strange(n), []) for n in range(9)]
    node = start(learn_by_itself=False)
    registry = registry_for(tmp_path / 'model', tmp_path / 'experts')
    wait_until(lambda: node._learning_status().values.get('requests_of_none') == '9', 'no signs')
    assert graph.set_parameter('lifelong', 'learn_by_itself', True)[0]
    tried = log / 'training' / 'tried.json'
    wait_until(lambda: node._jobs.busy, 'it does not begin')
    # Whoever wants it no more need not wait for its end.
    assert graph.set_parameter('lifelong', 'learn_by_itself', False)[0]
    wait_until(lambda: not node._jobs.busy, 'it does not stop')
    assert not tried.exists()
    assert graph.set_parameter('lifelong', 'learn_by_itself', True)[0]
    wait_until(tried.exists, 'it does not learn', PATIENCE)
    assert registry.versions('situation_1') == [('situation_1', '1')]
    manifest = registry.manifest('situation_1', '1')
    assert manifest['data']['ids'] == sorted(ids)
    done = dict(node._learning_status().values)
    assert done['promoted'] + done['kept_back'] == 1, done
    reports = graph.collect(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
    wait_until(lambda: len(reports) > 3, 'no reports')
    assert registry.versions('situation_2') == []
    assert node._learning_status().values['doing'] == 'idle'


def test_who_wants_it_no_more_while_it_looks_is_obeyed(
    graph: Graph, start: Start, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with InteractionLog(log, writer=True) as writer:
        for n in range(9):
            writer.add(strange(n), [])
    looking, done, due = threading.Event(), threading.Event(), trigger.due

    def slowly(*given: Any) -> Any:
        looking.set()
        assert done.wait(PATIENCE)
        return due(*given)

    monkeypatch.setattr(trigger, 'due', slowly)
    node = start(learn_by_itself=True)
    assert looking.wait(PATIENCE)
    assert graph.set_parameter('lifelong', 'learn_by_itself', False)[0]
    began: list[Any] = []
    monkeypatch.setattr(node._jobs, 'run', lambda *given: began.append(given))
    done.set()
    wait_until(lambda: not node._initiative._looking, 'it looks for ever')
    assert not began
