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

import dataclasses
from dataclasses import dataclass

from lifecycle_msgs.msg import Transition
from nodes.graph import Graph
import pytest
from rcl_interfaces.srv import DescribeParameters, GetParameters
import yaml

from l2emg_ros import resources
from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes.base import BaseNode
from l2emg_ros.nodes.generator_node import GeneratorParameters
from l2emg_ros.nodes.hri_bridge import HriBridgeParameters
from l2emg_ros.nodes.lifelong_node import LifelongParameters
from l2emg_ros.nodes.parameters import descriptor, parameter, Parameters
from l2emg_ros.nodes.retargeter_node import RetargeterParameters
from l2emg_ros.nodes.simulator_node import SimulatorParameters

KINDS = {
    'generator': GeneratorParameters,
    'hri_bridge': HriBridgeParameters,
    'lifelong': LifelongParameters,
    'retargeter': RetargeterParameters,
    'simulator': SimulatorParameters,
}


@dataclass(frozen=True)
class Sample(Parameters):
    name: str = parameter('a', 'A name', choices=('a', 'b'))
    gain: float = parameter(0.5, 'A gain', unit='1/s', minimum=0.0, maximum=2.0)
    count: int = parameter(3, 'A count', minimum=1, maximum=9)
    free: float = parameter(1.0, 'Any finite number')
    fixed: str = parameter('x', 'Read at start', read_only=True)


class SampleNode(BaseNode[Sample]):
    def __init__(self, **options) -> None:
        self.seen: list[Sample] = []
        super().__init__('sample', Sample, **options)

    def parameters_changed(self, value: Sample) -> None:
        self.seen.append(value)


@pytest.mark.parametrize('name', KINDS)
def test_yaml_files_mirror_the_defaults(name: str) -> None:
    text = resources.find(f'config/{name}.yaml').read_text('utf-8')
    values = yaml.safe_load(text)['/**']['ros__parameters']
    assert values == dataclasses.asdict(KINDS[name]())


@pytest.mark.parametrize('kind', KINDS.values())
def test_every_parameter_is_described(kind: type[Parameters]) -> None:
    for field in dataclasses.fields(kind):
        described = descriptor(field)
        assert described.description
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            assert described.integer_range or described.floating_point_range


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'name': 'c'}, 'expected one of a, b'),
        ({'gain': 2.5}, 'expected 0.0 to 2.0 1/s'),
        ({'gain': float('nan')}, 'finite'),
        ({'free': float('inf')}, 'finite'),
        ({'count': 0}, 'expected 1 to 9'),
        ({'count': 1.5}, 'type int'),
        ({'count': True}, 'type int'),
    ],
)
def test_a_bad_value_is_named(change: dict, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Sample(**change)


def test_set_over_ros(graph: Graph) -> None:
    node = graph.add(SampleNode, active=False, gain=1.5)
    assert node.parameters.gain == 1.5
    for name, value, words in (
        ('name', 'c', 'expected one of a, b'),
        ('gain', 3.0, 'out of range'),
        ('gain', float('nan'), ''),
        ('free', float('-inf'), 'finite'),
        ('count', 10, 'out of range'),
        ('count', 'many', 'Wrong parameter type'),
        ('fixed', 'y', 'read-only'),
        ('nonsense', 1, 'undeclared'),
    ):
        accepted, reason = graph.set_parameter('sample', name, value)
        assert not accepted
        assert words in reason
    assert node.seen == []
    assert graph.set_parameter('sample', 'gain', 0.25) == (True, '')
    assert graph.set_parameter('sample', 'name', 'b') == (True, '')
    assert node.parameters == Sample(name='b', gain=0.25)
    assert node.seen[-1] == node.parameters
    got = graph.call(GetParameters, 'sample/get_parameters', GetParameters.Request(names=['gain']))
    assert got.values[0].double_value == 0.25
    request = DescribeParameters.Request(names=['gain', 'name'])
    gain, name = graph.call(DescribeParameters, 'sample/describe_parameters', request).descriptors
    assert gain.description == 'A gain [1/s]'
    assert gain.floating_point_range[0].to_value == 2.0
    assert name.additional_constraints == 'one of: a, b'


def test_a_bad_value_at_start_ends_the_construction(graph: Graph) -> None:
    with pytest.raises(BadRequest, match='gain'):
        graph.add(SampleNode, active=False, gain=9.0)
    with pytest.raises(BadRequest, match='count'):
        graph.add(SampleNode, active=False, count='three')


def test_invalid_transitions_are_answered(graph: Graph) -> None:
    node = graph.add(SampleNode, active=False)
    assert not graph.transition('sample', Transition.TRANSITION_ACTIVATE)
    assert not graph.transition('sample', 99)
    assert 'not possible in unconfigured' in node.last_error
    graph.configure_and_activate('sample')
    assert not graph.transition('sample', Transition.TRANSITION_CONFIGURE)
    assert not graph.transition('sample', Transition.TRANSITION_CLEANUP)
    assert graph.state('sample') == 'active'
