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
"""The launch files, executed against recorders of the launch API.

ROS's launch is in no wheel. The recorders keep what a launch file builds; the checks are about the
files of this repository: arguments, programs, parameters and files that they name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module, metadata
from pathlib import Path
import runpy
import sys
from types import ModuleType
from typing import Any

import pytest
import yaml

from l2emg_ros import processes, resources

pytest.importorskip('lifecycle_msgs', reason='needs the ROS messages')
ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.name for path in (ROOT / 'launch').iterdir() if path.is_file())
ALL = processes.select(sim=True, hri=True)
MODULES = (
    'launch',
    'launch.actions',
    'launch.conditions',
    'launch.event_handlers',
    'launch.events',
    'launch.launch_description_sources',
    'launch.substitutions',
    'launch_ros',
    'launch_ros.actions',
    'launch_ros.event_handlers',
    'launch_ros.events',
    'launch_ros.events.lifecycle',
    'launch_ros.parameter_descriptions',
    'launch_ros.substitutions',
)


class Recorder:
    """Any class of the launch API: keeps its name and arguments."""

    def __init__(self, kind: str, words: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.kind, self.words, self.options = kind, words, options

    def perform(self, context: dict[str, str]) -> str:
        return context[self.words[0]]


class Api(ModuleType):
    """A module of the launch API whose every name builds a recorder."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        return lambda *words, **options: Recorder(name, words, options)


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, Api(name))
    monkeypatch.delitem(sys.modules, 'l2emg_ros.nodes.launching', raising=False)


@pytest.fixture(autouse=True)
def forget(api: None) -> Iterator[None]:
    yield
    sys.modules.pop('l2emg_ros.nodes.launching', None)


def load(file: str) -> Recorder:
    return runpy.run_path(str(ROOT / 'launch' / file))['generate_launch_description']()


def walk(item: Any) -> Iterator[Recorder]:
    if isinstance(item, Recorder):
        yield item
        yield from walk(item.words)
        yield from walk(item.options)
    elif isinstance(item, dict):
        yield from walk(list(item.items()))
    elif isinstance(item, list | tuple | type({}.items())):
        for part in item:
            yield from walk(part)


def of_kind(tree: Recorder, kind: str) -> list[Recorder]:
    return [item for item in walk(tree) if item.kind == kind]


def included(tree: Recorder) -> list[str]:
    """Return the launch files of this package that a description includes."""
    names = []
    for item in of_kind(tree, 'IncludeLaunchDescription'):
        package, _, file = of_kind(item, 'PathJoinSubstitution')[0].words[0]
        if package.words == ('l2emg_ros',):
            names.append(file)
    return names


def declared(tree: Recorder) -> list[str]:
    return [item.words[0] for item in of_kind(tree, 'DeclareLaunchArgument')]


def used(file: str) -> set[str]:
    """Return the launch arguments that a file and the files it includes read."""
    tree = load(file)
    names = {item.words[0] for item in of_kind(tree, 'LaunchConfiguration')}
    for item in of_kind(tree, 'OpaqueFunction'):
        context = Context(robot='g1', namespace='', use_sim_time='false', fixed_base='true')
        assert all(node.kind == 'Node' for node in item.options['function'](context))
        names |= context.read
    return names.union(*(used(name) for name in included(tree)))


class Context(dict[str, str]):
    """A launch context that remembers what was read."""

    def __init__(self, **values: str) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


def test_the_files() -> None:
    assert all(name.endswith('.launch.py') for name in FILES)
    expected = ('generator', 'retarget', 'lifelong', 'hri_bridge', 'l2emg', 'gazebo', 'display')
    assert {f'{name}.launch.py' for name in expected} <= set(FILES)


@pytest.mark.parametrize('file', FILES)
def test_declared_arguments_are_the_used_ones(file: str) -> None:
    names = declared(load(file))
    assert len(names) == len(set(names))
    # The stand of Gazebo: the only place with controllers, which have no namespace.
    inherited = {'namespace', 'sim'} if file == 'gazebo.launch.py' else set()
    assert used(file) - inherited == set(names)


@pytest.mark.parametrize('file', FILES)
def test_arguments_are_described(file: str) -> None:
    for item in of_kind(load(file), 'DeclareLaunchArgument'):
        assert item.options['description']
        choices = item.options.get('choices')
        assert choices is None or item.options['default_value'] in choices


@pytest.mark.parametrize('file', FILES)
def test_programs_and_files_exist(file: str) -> None:
    tree = load(file)
    programs = metadata.distribution('l2emg_ros').entry_points.names
    for item in [*of_kind(tree, 'Node'), *of_kind(tree, 'LifecycleNode')]:
        if item.options['package'] == 'l2emg_ros':
            assert item.options['executable'] in programs
    for item in of_kind(tree, 'PathJoinSubstitution'):
        package, *parts = item.words[0]
        if package.words == ('l2emg_ros',):
            # The only part that is not a plain word is the robot.
            words = [part if isinstance(part, str) else 'g1' for part in parts]
            assert resources.find('/'.join(words)).is_file()


@pytest.mark.parametrize('process', ALL)
def test_each_node_is_started_once_and_activated(process: processes.Process) -> None:
    file = {'retargeter': 'retarget'}.get(process.executable, process.executable)
    tree = load(f'{file}.launch.py')
    nodes = {id(item): item for item in of_kind(tree, 'LifecycleNode')}
    assert len(nodes) == 1
    (node,) = nodes.values()
    assert node.options['executable'] == node.options['name'] == process.executable
    assert f'{file}.launch.py' in included(load('l2emg.launch.py'))
    handlers = of_kind(tree, 'RegisterEventHandler')
    assert len(handlers) == 2
    assert all(item.options['condition'].kind == 'IfCondition' for item in handlers)
    steps = [item.options['transition_id'] for item in of_kind(tree, 'ChangeState')]
    assert steps == [1, 3]


def test_the_bridge_is_started_where_it_is_wanted() -> None:
    tree = load('l2emg.launch.py')
    for item in of_kind(tree, 'IncludeLaunchDescription'):
        file = of_kind(item, 'PathJoinSubstitution')[0].words[0][2]
        asked = {'simulator.launch.py': 'sim', 'hri_bridge.launch.py': 'hri'}.get(file)
        conditions = of_kind(item, 'IfCondition')
        assert [c.words[0].words[0] for c in conditions] == ([asked] if asked else [])
    assert processes.HRI_BRIDGE not in processes.select(sim=True)


def test_simulator_never_runs_beside_gazebo() -> None:
    (group,) = {id(i): i for i in of_kind(load('gazebo.launch.py'), 'GroupAction')}.values()
    (graph,) = of_kind(group, 'IncludeLaunchDescription')
    assert dict(graph.options['launch_arguments']) == {'sim': 'false'}


@pytest.mark.parametrize('process', ALL)
def test_processes_match_the_nodes(process: processes.Process) -> None:
    import l2emg_ros.nodes.parameters as parameters

    module = import_module(process.module)
    tables = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, parameters.Parameters)
        and value is not parameters.Parameters
    ]
    assert len(tables) == 1
    names = {field.name for field in fields(tables[0])}
    assert set(process.arguments) <= names
    file = yaml.safe_load(resources.find(f'config/{process.parameters}').read_text())
    assert set(file) == {'/**'}
    given = file['/**']['ros__parameters']
    assert set(given) <= names
    tables[0](**given)
    points = {p.name: p.value for p in metadata.distribution('l2emg_ros').entry_points}
    assert points[process.executable] == f'{process.module}:main'


@pytest.mark.parametrize('file', FILES)
def test_real_launch_reads_the_file(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    # Not `launch` itself: the folder of this repository answers to that name.
    pytest.importorskip('launch_ros', reason='needs a full ROS 2 installation')
    source = import_module('launch.launch_description_sources')
    path = str(ROOT / 'launch' / file)
    assert source.get_launch_description_from_python_launch_file(path).entities
