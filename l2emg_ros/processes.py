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
"""The one description of the ROS processes; `l2emg up` and every launch file are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json


@dataclass(frozen=True, slots=True)
class Process:
    """One node in a process of its own.

    Attributes:
        executable: console script of this package; also the default node name.
        module: Python module that the console script starts.
        parameters: file below `config/` with the defaults.
        arguments: launch arguments that this node takes as parameters.
        lifecycle: state that a start leads to.
    """

    executable: str
    module: str
    parameters: str
    arguments: tuple[str, ...]
    lifecycle: str = 'active'


@dataclass(frozen=True, slots=True)
class Argument:
    """One launch argument, the same word on the command line of `l2emg up`."""

    default: str
    help: str
    choices: tuple[str, ...] = ()


GENERATOR = Process(
    'generator',
    'l2emg_ros.nodes.generator_node',
    'generator.yaml',
    ('robot', 'model_path', 'experts_path', 'device'),
)
RETARGETER = Process(
    'retargeter', 'l2emg_ros.nodes.retargeter_node', 'retargeter.yaml', ('robot',)
)
LIFELONG = Process(
    'lifelong',
    'l2emg_ros.nodes.lifelong_node',
    'lifelong.yaml',
    ('model_path', 'experts_path'),
)
HRI_BRIDGE = Process('hri_bridge', 'l2emg_ros.nodes.hri_bridge', 'hri_bridge.yaml', ())
SIMULATOR = Process('simulator', 'l2emg_ros.nodes.simulator_node', 'simulator.yaml', ('robot',))

# What turns sentences into joint trajectories; the simulator stands in for a robot, the bridge
# speaks ROS4HRI.
NODES = (GENERATOR, RETARGETER, LIFELONG)

ARGUMENTS: Mapping[str, Argument] = {
    'robot': Argument('g1', 'robot: a name of `l2emg robots list` or the path of a map file'),
    'model_path': Argument('', 'folder of the model; empty: the one that ships with the package'),
    'experts_path': Argument('~/.ros/l2emg/experts', 'folder of learned experts'),
    'device': Argument('auto', 'where the model runs', ('auto', 'cpu', 'cuda')),
    'params_file': Argument('', 'YAML file with parameters that replace the defaults'),
    'namespace': Argument('', 'namespace of the nodes'),
    'use_sim_time': Argument('false', 'take the time from /clock', ('true', 'false')),
    'log_level': Argument('info', 'least log level', ('debug', 'info', 'warn', 'error', 'fatal')),
    'autostart': Argument('true', 'configure and activate the nodes', ('true', 'false')),
}
# The arguments that every node takes; the others are those of Process.arguments.
COMMON = ('params_file', 'namespace', 'use_sim_time', 'log_level', 'autostart')


def select(*, sim: bool, hri: bool = False) -> tuple[Process, ...]:
    """Return the processes of a graph: the simulator first, the bridge last, where wanted."""
    return (*((SIMULATOR,) if sim else ()), *NODES, *((HRI_BRIDGE,) if hri else ()))


def ros_arguments(
    process: Process,
    parameters: Mapping[str, str | float | bool],
    files: tuple[str, ...] = (),
    *,
    namespace: str = '',
    log_level: str = 'info',
) -> list[str]:
    """Return the words after a node's program.

    Args:
        process: the node.
        parameters: values that win over the files.
        files: parameter files, later ones win.
        namespace: of the node.
        log_level: least log level.
    """
    words = ['--ros-args', '-r', f'__node:={process.executable}', '--log-level', log_level]
    if namespace:
        words += ['-r', f'__ns:=/{namespace.strip("/")}']
    for file in files:
        words += ['--params-file', file]
    for name, value in parameters.items():
        # JSON is YAML that keeps a string a string, whatever it looks like.
        words += ['-p', f'{name}:={json.dumps(value)}']
    return words
