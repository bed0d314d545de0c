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

from pathlib import Path

from l2emg_interfaces.srv import ListExperts, RollbackExpert
from nodes.graph import Graph
import pytest

from l2emg_ros.nodes.lifelong_node import LifelongNode


@pytest.fixture
def lifelong(graph: Graph, model: Path, tmp_path: Path) -> LifelongNode:
    return graph.add(
        LifelongNode,
        model_path=str(model),
        experts_path=str(tmp_path / 'experts'),
        log_path=str(tmp_path / 'log'),
    )


def test_experts_are_listed(graph: Graph, lifelong: LifelongNode) -> None:
    experts = graph.call(ListExperts, 'list_experts', ListExperts.Request()).experts
    assert {expert.name for expert in experts} == {'reception', 'ward'}
    assert all(expert.active and len(expert.sha256) == 64 for expert in experts)
    assert all(expert.created.sec > 1_500_000_000 for expert in experts)
    one = graph.call(ListExperts, 'list_experts', ListExperts.Request(scenario='ward')).experts
    assert [expert.scenario for expert in one] == ['ward']
    none = graph.call(ListExperts, 'list_experts', ListExperts.Request(scenario='moon')).experts
    assert none == []


def test_rollback(graph: Graph, lifelong: LifelongNode, model: Path, tmp_path: Path) -> None:
    from l2emg_ros.experts import state
    from l2emg_ros.experts.place import registry_for
    from l2emg_ros.experts.registry import Registry

    def ask(scenario: str, version: str = '') -> tuple[bool, str]:
        request = RollbackExpert.Request(scenario=scenario, version=version)
        answer = graph.call(RollbackExpert, 'rollback_expert', request)
        return answer.success, answer.message

    for scenario, version, words in (
        ('moon', '', "no active expert for scenario 'moon'"),
        ('ward', '7', "not '7'"),
    ):
        success, message = ask(scenario, version)
        assert not success
        assert words in message
    registry = registry_for(model, tmp_path / 'experts')
    manifest, adapter, slots = registry.load('ward')
    second = registry.add(manifest, adapter, slots)
    present = registry.active()
    chosen = state.chosen(present)
    registry.activate(
        {**chosen, 'ward': ('ward', second)}, registry.router(), present['emotion_block']
    )
    success, message = ask('ward')
    assert success
    assert 'version 1, was 2' in message
    assert state.chosen(registry.active()) == chosen
    success, message = ask('ward')
    assert success
    assert 'ward@1 was the first: ward is taken out' in message
    assert state.chosen(registry.active()) == {'reception': ('reception', '1')}
    assert ask('ward', second)[0]
    assert state.chosen(registry.active()) == {**chosen, 'ward': ('ward', second)}
    # The experts that came with the model are as they were.
    assert Registry(model / 'experts').versions('ward') == [('ward', '1')]
