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
"""`l2emg up` for real: the retargeter and the simulator as processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy', reason='needs rclpy')

from l2emg_ros import processes
from l2emg_ros.nodes.graph import Graph, GraphError

# These two need no model.
LIGHT = (processes.SIMULATOR, processes.RETARGETER)
# Generous: a busy machine with two cores loads a model in half a minute.
TIMEOUT = 240.0


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    with Graph('g1', nodes=LIGHT, log_dir=tmp_path / 'logs') as running:
        yield running


def test_nodes_become_active_and_stop(graph: Graph) -> None:
    graph.wait_active(TIMEOUT)
    graph.check()
    pids = [graph.pid(process.executable) for process in LIGHT]
    assert all(alive(pid) for pid in pids)
    # Asking again finds them active.
    graph.wait_active(TIMEOUT)
    graph.stop()
    assert not any(alive(pid) for pid in pids)


def test_a_node_that_dies_ends_the_wait(graph: Graph) -> None:
    graph.wait_active(TIMEOUT)
    os.kill(graph.pid('simulator'), signal.SIGKILL)
    with pytest.raises(GraphError, match=r'simulator has ended \(signal SIGKILL\)'):
        graph.wait()


def test_a_refused_parameter_is_reported(tmp_path: Path) -> None:
    wrong = {'retargeter': {'robot': 3}}
    with (
        pytest.raises(GraphError, match=r'retargeter has ended \(exit code 2\)'),
        Graph('g1', nodes=LIGHT, parameters=wrong, log_dir=tmp_path) as graph,
    ):
        graph.wait_active(TIMEOUT)
    assert 'robot' in (tmp_path / 'retargeter.log').read_text()


def test_an_unknown_robot_fails_to_configure(tmp_path: Path) -> None:
    with (
        pytest.raises(GraphError, match='failed to leave unconfigured'),
        Graph('nobody', nodes=LIGHT, log_dir=tmp_path) as graph,
    ):
        graph.wait_active(TIMEOUT)
    logs = ''.join(path.read_text() for path in tmp_path.glob('*.log'))
    assert "unknown robot 'nobody'" in logs


def test_the_bridge_as_a_process(tmp_path: Path) -> None:
    assert Graph('g1', hri=True).nodes == (*processes.NODES, processes.HRI_BRIDGE)
    with Graph('g1', nodes=[processes.HRI_BRIDGE], log_dir=tmp_path) as graph:
        graph.wait_active(TIMEOUT)
        graph.check()
    words = (tmp_path / 'hri_bridge.log').read_text()
    try:
        import hri_msgs.msg  # noqa: F401
    except ImportError:
        assert words.count('hri_msgs is not installed') == 1
    assert 'Traceback' not in words


def test_no_time_at_all(graph: Graph) -> None:
    with pytest.raises(GraphError, match=r'not active within 0\.1 s: simulator .*, retargeter'):
        graph.wait_active(0.1)


def test_arguments_survive_the_command_line() -> None:
    words = processes.ros_arguments(
        processes.GENERATOR,
        {'model_path': '12', 'rate': 2.0, 'flag': True, 'name': 'a "b": c'},
        ('a.yaml', 'b.yaml'),
        namespace='/robot1/',
        log_level='warn',
    )
    assert words[:5] == ['--ros-args', '-r', '__node:=generator', '--log-level', 'warn']
    assert '__ns:=/robot1' in words
    assert words.index('a.yaml') < words.index('b.yaml')
    assert 'model_path:="12"' in words
    assert 'rate:=2.0' in words
    assert 'flag:=true' in words
    assert r'name:="a \"b\": c"' in words


def l2emg(home: Path, *words: str) -> subprocess.Popen[str]:
    """Start a command as a script does in its background: with SIGINT ignored.

    The log of interactions is where it is by default, in a home of its own.
    """
    background = ['sh', '-c', 'trap "" INT; exec "$0" "$@"', sys.executable]
    return subprocess.Popen(
        [*background, '-m', 'l2emg_ros.cli.main', *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {'HOME': str(home)},
    )


def children(pid: int) -> list[int]:
    text = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    return [int(word) for word in text.split()]


def children_of(program: subprocess.Popen[str], count: int) -> list[int]:
    """Wait until a program has so many children."""
    deadline = time.monotonic() + TIMEOUT
    while len(children(program.pid)) < count:
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return children(program.pid)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['ctrl-c', 'sigterm'])
def test_a_signal_while_starting_stops_everything(number: signal.Signals, tmp_path: Path) -> None:
    program = l2emg(tmp_path, 'up', '--sim')
    pids = children_of(program, 4)
    program.send_signal(number)
    _, errors = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 0
    assert 'Traceback' not in errors
    assert not any(alive(pid) for pid in pids)


def test_a_benchmark_that_is_ended_leaves_no_nodes(tmp_path: Path) -> None:
    program = l2emg(tmp_path, 'bench', 'lifelong', '--part', 'loop', '--work', str(tmp_path))
    pids = children_of(program, 2)
    program.send_signal(signal.SIGTERM)
    _, errors = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 130
    assert 'Traceback' not in errors
    assert not any(alive(pid) for pid in pids)


@pytest.mark.slow
def test_the_whole_graph_until_it_is_told_to_stop(tiny: Path, tmp_path: Path) -> None:
    program = l2emg(tmp_path, 'up', '--sim', '--model-path', str(tiny), '--timeout', str(TIMEOUT))
    assert program.stdout is not None
    line = next(line for line in program.stdout if line.startswith('active: '))
    assert line.split() == ['active:', 'simulator,', 'generator,', 'retargeter,', 'lifelong']
    pids = children(program.pid)
    program.send_signal(signal.SIGTERM)
    _, errors = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 0
    assert 'Traceback' not in errors
    assert not any(alive(pid) for pid in pids)
    assert (tmp_path / '.ros' / 'l2emg' / 'log' / 'index.sqlite').is_file()
