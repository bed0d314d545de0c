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
"""Nodes and trainer are killed while they log, learn, promote, swap and roll back.

``L2EMG_KILLS`` is how often each of them is killed: one by default, fifty for a long run.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import time
from typing import Any

from experts import small
from l2emg_interfaces.action import GenerateMotion, LearnScenario
from l2emg_interfaces.msg import InteractionFeedback
from l2emg_interfaces.srv import RollbackExpert
from learning import school
from nodes.graph import Graph, wait_until
import pytest
from std_msgs.msg import String
import toy_robot

from l2emg_ros.experts.place import registry_for
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.nodes import qos

pytestmark = pytest.mark.slow
domain_coordinator = pytest.importorskip('domain_coordinator')
KILLS = int(os.environ.get('L2EMG_KILLS', '1'))
NODES = ('lifelong', 'generator')
PATIENCE = 120.0
STAGES = ('read', 'prove', 'train', 'gate')


class Robot:
    """The two nodes that share a registry, as processes that can be killed and started again."""

    def __init__(self, model: Path, folder: Path, domain: int) -> None:
        self.model, self.folder, self.domain = model, folder, domain
        self.experts, self.log = folder / 'experts', folder / 'log'
        self.data = school.scenario(folder / 'ward', about='comfort a patient')
        robot = toy_robot.write(folder)
        shared = [f'model_path:={model}', f'experts_path:={self.experts}']
        self._words = {
            'generator': [*shared, 'threads:=1'],
            'lifelong': [
                *shared,
                f'log_path:={self.log}',
                f'robot:={robot}',
                'fewest_lessons:=8',
                'idle_only:=false',
                'pause_while_moving:=false',
            ],
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.graph: Graph | None = None
        self.recorded: set[str] = set()

    def start(self, name: str) -> None:
        words = [part for word in self._words[name] for part in ('-p', word)]
        command = [sys.executable, '-m', f'l2emg_ros.nodes.{name}_node', '--ros-args', *words]
        environment = {**os.environ, 'ROS_DOMAIN_ID': str(self.domain)}
        self._processes[name] = subprocess.Popen(
            command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def kill(self, name: str) -> None:
        process = self._processes[name]
        assert process.poll() is None, f'{name} has ended by itself'
        process.kill()
        process.wait()

    def trainers(self) -> list[int]:
        """Return the trainers of the lifelong node, also where it has been killed since."""
        found = []
        for path in Path('/proc').glob('[0-9]*'):
            with contextlib.suppress(OSError):
                words = (path / 'cmdline').read_bytes()
                about = (path / 'environ').read_bytes()
                mine = f'ROS_DOMAIN_ID={self.domain}\0'.encode() in about
                if b'l2emg_ros.learning.trainer' in words and mine:
                    found.append(int(path.name))
        return found

    def meet(self) -> Graph:
        """Return a client that knows none of the dead, and bring the nodes to active."""
        self.leave()
        graph = self.graph = Graph(domain=self.domain)
        graph.announce(LearnScenario, 'learn_scenario')
        graph.announce(GenerateMotion, 'generate_motion')
        for name in NODES:
            graph.configure_and_activate(name)
        self._ids = graph.collect(String, 'lifelong/recorded', qos.STREAM)
        return graph

    def leave(self) -> None:
        if self.graph is not None:
            self.note()
            self.graph.close()
            self.graph = None

    def note(self) -> None:
        self.recorded |= {message.data for message in list(self._ids)}

    def close(self) -> None:
        self.leave()
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pid in self.trainers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def robot(tmp_path: Path, tiny: Path) -> Iterator[Robot]:
    with domain_coordinator.domain_id() as domain:
        made = Robot(tiny, tmp_path, domain)
        try:
            for name in NODES:
                made.start(name)
            yield made
        finally:
            made.close()


def perform(graph: Graph, number: int) -> Any:
    """Ask for a motion and say that it was good."""
    client = graph.action(GenerateMotion, 'generate_motion')
    goal = GenerateMotion.Goal(text='comfort a patient', duration=1.5, seed=number)
    handle = graph.ask(lambda: client.send_goal_async(goal))
    result = graph.ask(handle.get_result_async, PATIENCE).result
    assert result.error_code == 0, result.message
    feedback = graph.publisher(InteractionFeedback, 'interaction_feedback', qos.FEEDBACK)
    for correction in ('slower', 'bigger', ''):
        feedback.publish(
            InteractionFeedback(
                motion_id=result.motion.motion_id,
                consent=True,
                rating=(1.0, -1.0)[number % 2],
                correction=correction,
            )
        )
    return result


def learn(graph: Graph, robot: Robot, stages: list[str]) -> Any:
    client = graph.action(LearnScenario, 'learn_scenario')
    goal = LearnScenario.Goal(scenario='ward', data=str(robot.data), max_steps=20, promote=True)
    return graph.ask(
        lambda: client.send_goal_async(
            goal, feedback_callback=lambda message: stages.append(message.feedback.stage)
        )
    )


def check(robot: Robot) -> None:
    """Check what must hold after every crash."""
    registry = registry_for(robot.model, robot.experts)
    small.check(registry)
    assert set(registry.active()['active']) >= {'reception'}
    with InteractionLog(robot.log) as log:
        kept = {item.id for item in log.interactions()}
        assert robot.recorded <= kept
        for identifier in kept:
            log.recording(identifier)


def test_killed_at_any_moment_everything_comes_up_again(robot: Robot) -> None:
    chance = random.Random(11)
    victims = ['lifelong', 'trainer', 'generator'] * KILLS
    chance.shuffle(victims)
    promoted = 0
    for number, victim in enumerate(victims):
        graph = robot.meet()
        check(robot)
        perform(graph, number)
        stages: list[str] = []
        handle = learn(graph, robot, stages)
        assert handle.accepted
        # What was finished before is not done again, and not told: then it is a later stage.
        later = STAGES[chance.randrange(len(STAGES)) :]
        ending = graph.start(handle.get_result_async)
        wait_until(
            lambda wanted=set(later), told=stages, ended=ending: (
                wanted & set(told) or ended.done()
            ),
            f'never came to {later[0]}',
            PATIENCE,
        )
        if ending.done():
            assert ending.result().result.error_code == 0, ending.result().result.message
        # Random moments are the point here: nothing is waited for.
        time.sleep(chance.random() * 0.5)
        robot.note()
        trainers = robot.trainers()
        if victim == 'trainer':
            for pid in trainers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            result = graph.result(ending, PATIENCE).result
            assert result.error_code in (0, 255), result.message
            assert all(graph.state(name) == 'active' for name in NODES)
            request = RollbackExpert.Request(scenario='ward')
            graph.call(RollbackExpert, 'rollback_expert', request)
        else:
            robot.kill(victim)
            if victim == 'generator':
                # Who learns has not noticed; the next goal is not to meet this one.
                graph.ask(handle.cancel_goal_async)
                graph.result(ending, PATIENCE)
            if victim == 'lifelong':
                # Nobody reads what the trainer says: it ends by itself, its state saved.
                wait_until(lambda: not robot.trainers(), 'the trainer lives on', PATIENCE)
            robot.start(victim)
        check(robot)
    graph = robot.meet()
    # Whatever was killed: the same goal goes on to its end, and what it gives is used and
    # can be taken back.
    result = graph.ask(learn(graph, robot, []).get_result_async, PATIENCE).result
    assert result.error_code == 0, result.message
    promoted += result.promoted
    registry = registry_for(robot.model, robot.experts)
    active = registry.active()['active']
    if promoted:
        assert perform(graph, 99).experts == [f'ward@{active["ward"]["version"]}']
    request = RollbackExpert.Request(scenario='ward', version='1')
    assert graph.call(RollbackExpert, 'rollback_expert', request).success or not promoted
    assert perform(graph, 100).experts == ['ward@1']
    wait_until(lambda: robot.note() or len(robot.recorded) > 3, 'nothing is recorded')
    check(robot)
    assert not robot.trainers()
