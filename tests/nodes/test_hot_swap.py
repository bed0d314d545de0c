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
"""Generator and lifelong node share nothing but the registry on disk."""

from __future__ import annotations

from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from l2emg_interfaces.action import GenerateMotion
from l2emg_interfaces.srv import ListExperts, RollbackExpert
from nodes.graph import Graph, wait_until
import pytest
from std_srvs.srv import Trigger

from l2emg_ros.experts import state
from l2emg_ros.experts.place import registry_for
from l2emg_ros.experts.registry import Registry
from l2emg_ros.nodes import qos
from l2emg_ros.nodes.generator_node import GeneratorNode
from l2emg_ros.nodes.lifelong_node import LifelongNode

Goal = GenerateMotion.Goal


@pytest.fixture
def registry(graph: Graph, model: Path, tmp_path: Path) -> Registry:
    """Start both nodes and return the registry that they share."""
    shared = {'model_path': str(model), 'experts_path': str(tmp_path / 'experts')}
    graph.add(GeneratorNode, threads=1, **shared)
    graph.add(LifelongNode, log_path=str(tmp_path / 'log'), **shared)
    return registry_for(model, tmp_path / 'experts')


def promote(registry: Registry) -> str:
    manifest, adapter, slots = registry.load('ward')
    version = registry.add(manifest, {name: -value for name, value in adapter.items()}, slots)
    present = registry.active()
    chosen = {**state.chosen(present), 'ward': ('ward', version)}
    registry.activate(chosen, registry.router(present), present['emotion_block'])
    return version


def served_by(graph: Graph) -> list[str]:
    client = graph.action(GenerateMotion, 'generate_motion')
    goal = Goal(text='comfort a patient', duration=0.5, seed=1)
    handle = graph.ask(lambda: client.send_goal_async(goal))
    result = graph.ask(handle.get_result_async).result
    assert result.error_code == 0, result.message
    return list(result.experts)


def test_the_next_goal_uses_what_was_promoted_and_rolled_back(
    graph: Graph, registry: Registry, model: Path
) -> None:
    assert served_by(graph) == ['ward@1']
    promote(registry)
    assert served_by(graph) == ['ward@2']
    experts = graph.call(ListExperts, 'list_experts', ListExperts.Request(scenario='ward')).experts
    assert [(e.version, e.active) for e in experts] == [('1', False), ('2', True)]
    request = RollbackExpert.Request(scenario='ward')
    answer = graph.call(RollbackExpert, 'rollback_expert', request)
    assert answer.success, answer.message
    # Nobody has told the generator.
    assert served_by(graph) == ['ward@1']
    answer = graph.call(Trigger, 'reload_experts', Trigger.Request())
    assert answer.message == 'active: reception@1, ward@1'
    assert Registry(model / 'experts').versions('ward') == [('ward', '1')]


def test_a_damaged_expert_is_told_and_the_old_one_serves(graph: Graph, registry: Registry) -> None:
    version = promote(registry)
    assert served_by(graph) == ['ward@2']
    reports = graph.collect(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
    third = promote(registry)
    path = registry.folder / 'ward' / third / 'slots.safetensors'
    path.write_bytes(b'x')
    assert served_by(graph) == [f'ward@{version}']

    def told() -> list[DiagnosticStatus]:
        lines = [line for report in reports for line in report.status]
        return [n for n in lines if n.name.endswith('model') and 'slots' in n.message]

    wait_until(told, 'the diagnostics say nothing')
    assert told()[0].level == DiagnosticStatus.WARN
    answer = graph.call(Trigger, 'reload_experts', Trigger.Request())
    assert not answer.success
    assert 'slots.safetensors' in answer.message
    request = RollbackExpert.Request(scenario='ward')
    assert graph.call(RollbackExpert, 'rollback_expert', request).success
    assert served_by(graph) == [f'ward@{version}']
    assert graph.call(Trigger, 'reload_experts', Trigger.Request()).success
