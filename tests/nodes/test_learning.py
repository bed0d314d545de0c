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
"""The lifelong node learns: real trainers, the tiny model, a robot of six joints."""

from __future__ import annotations

from collections.abc import Callable
import gc
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any
import weakref

from action_msgs.msg import GoalStatus
from l2emg_interfaces.action import GenerateMotion, LearnScenario
from l2emg_interfaces.msg import MotionOutcome, SmplMotion
from learning import school
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
import pytest
from sensor_msgs.msg import BatteryState, Temperature
from std_msgs.msg import String

from l2emg_ros.experts.place import registry_for
from l2emg_ros.experts.state import chosen
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.nodes import qos
from l2emg_ros.nodes.generator_node import GeneratorNode
from l2emg_ros.nodes.lifelong_node import LifelongNode

pytestmark = pytest.mark.slow
Goal, Result = LearnScenario.Goal, LearnScenario.Result
PATIENCE = 120.0
Start = Callable[..., LifelongNode]


class Pupil:
    """A goal of `learn_scenario` and what is told about it."""

    def __init__(self, graph: Graph, **fields: Any) -> None:
        self.graph = graph
        self.told: list[Any] = []
        client = graph.action(LearnScenario, 'learn_scenario')
        given = {'scenario': 'ward', 'max_steps': 20, 'promote': True, **fields}
        self.goal = graph.ask(
            lambda: client.send_goal_async(
                Goal(**given), feedback_callback=lambda m: self.told.append(m.feedback)
            )
        )
        assert self.goal.accepted

    def result(self) -> tuple[int, Any]:
        answer = self.graph.ask(self.goal.get_result_async, PATIENCE)
        return answer.status, answer.result

    def until(self, stage: str) -> None:
        wait_until(lambda: self.told and self.told[-1].stage == stage, stage, PATIENCE)


def patients(tmp_path: Path) -> str:
    return str(school.scenario(tmp_path / 'ward', about='wash an old patient'))


def endless(graph: Graph, tmp_path: Path, **fields: Any) -> Pupil:
    """Return a goal that takes far longer than anybody waits, in the middle of its work."""
    pupil = Pupil(graph, data=patients(tmp_path), max_steps=600, **fields)
    pupil.until('prove')
    return pupil


def states(log: Path) -> list[Path]:
    return list((log / 'training').rglob('*.ckpt'))


def test_a_folder_is_learned_and_the_next_request_is_served_by_it(
    graph: Graph, start: Start, model: Path, tmp_path: Path
) -> None:
    node = start()
    experts = str(tmp_path / 'experts')
    graph.add(GeneratorNode, threads=1, model_path=str(model), experts_path=experts)
    status = graph.collect(String, 'lifelong/status', qos.LATCHED)
    pupil = Pupil(graph, data=patients(tmp_path))
    code, result = pupil.result()
    assert code == GoalStatus.STATUS_SUCCEEDED, result.message
    assert result.promoted, result.message
    assert result.error_code == Result.OK
    assert result.message == 'ward@2 is active'
    assert (result.expert.name, result.expert.version, result.expert.active) == ('ward', '2', True)
    checks = ['target', 'readable', 'meant', 'kept', 'safe', 'quick', 'remembered', 'intact']
    assert [text.split(': ok: ')[0] for text in result.gate_checks] == checks
    assert len(result.before) == len(result.after) == len(checks)
    stages = list(dict.fromkeys(feedback.stage for feedback in pupil.told))
    assert {'prove', 'train', 'gate'} <= set(stages)
    training = [feedback for feedback in pupil.told if feedback.stage == 'train']
    assert training[-1].steps == 20
    assert training[-1].loss > 0.0
    wait_until(lambda: 'last: ward@2' in status[-1].data, 'no status')
    # The three numbers of the growth test.
    assert 'novelty p' in status[-1].data
    assert 'fit' in status[-1].data
    client = graph.action(GenerateMotion, 'generate_motion')
    request = GenerateMotion.Goal(text='comfort a patient', duration=0.5, seed=1)
    handle = graph.ask(lambda: client.send_goal_async(request))
    assert list(graph.ask(handle.get_result_async).result.experts) == ['ward@2']
    wait_until(lambda: node._learning_status().values.get('last_update') == 'ward@2', 'no signs')
    values = node._learning_status().values
    assert values['promoted'] == 1
    assert ' -> ' in values['emotions_read_right']
    assert 'requests' in values['old_requests']


def test_the_log_is_learned(graph: Graph, start: Start, log: Path, tmp_path: Path) -> None:
    with InteractionLog(log, writer=True) as writer:
        ids = [
            writer.add(
                school.interaction(n, rating=(-1.0, 1.0)[n % 2], scenario='ward', id=''), []
            )
            for n in range(9)
        ]
    start()
    code, result = Pupil(graph, max_steps=2, promote=False).result()
    assert code == GoalStatus.STATUS_SUCCEEDED, result.message
    assert not result.promoted
    assert result.expert.version == '2'
    assert not result.expert.active
    registry = registry_for(tmp_path / 'model', tmp_path / 'experts')
    assert registry.manifest('ward', '2')['data']['ids'] == sorted(ids)
    assert chosen(registry.active())['ward'] == ('ward', '1')


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'scenario': '../up'}, 'name'),
        ({'scenario': ''}, 'name'),
        ({'max_seconds': float('nan')}, 'max_seconds is nan'),
        ({'max_seconds': -1.0}, 'max_seconds is -1.0'),
        ({'data': 'no/such/folder'}, "data is 'no/such/folder'"),
        ({}, 'no log of interactions'),
    ],
)
def test_a_bad_goal_is_refused(
    graph: Graph, start: Start, fields: dict[str, Any], said: str, tmp_path: Path
) -> None:
    node = start(log_path=str(tmp_path / 'file' / 'log'))
    if not fields:
        # A log that cannot be made.
        node._recorder.close()
        (tmp_path / 'file').rename(tmp_path / 'gone')
    code, result = Pupil(graph, **fields).result()
    assert (code, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.BAD_REQUEST)
    assert said in result.message
    assert '\n' not in result.message
    assert graph.state('lifelong') == 'active'


def test_one_job_at_a_time_and_a_cancelled_one_goes_on(
    graph: Graph, start: Start, log: Path, tmp_path: Path
) -> None:
    start()
    first = endless(graph, tmp_path)
    code, result = Pupil(graph, data=patients_again(tmp_path)).result()
    assert (code, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.BAD_REQUEST)
    assert result.message.startswith('learning ward: wait for its end, cancel it')
    wait_until(lambda: first.told[-1].step > 10, 'it does not go on')
    graph.ask(first.goal.cancel_goal_async)
    code, result = first.result()
    assert (code, result.error_code) == (GoalStatus.STATUS_CANCELED, Result.CANCELLED)
    assert 'goes on from there' in result.message
    assert states(log)
    done = max(feedback.step for feedback in first.told)
    again = Pupil(graph, data=patients_again(tmp_path), max_steps=600)
    again.until('prove')
    assert again.told[-1].step >= done - 1
    # The node is deactivated: the goal ends, and so does the trainer.
    assert graph.transition('lifelong', 4)
    code, result = again.result()
    assert (code, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.INTERRUPTED)
    assert graph.transition('lifelong', 3)
    timed = Pupil(graph, data=patients_again(tmp_path), max_steps=600, max_seconds=0.5)
    code, result = timed.result()
    assert (code, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.INTERRUPTED)
    assert '0.5 s are over' in result.message


def patients_again(tmp_path: Path) -> str:
    return str(tmp_path / 'ward')


def test_a_killed_trainer_is_told_and_the_node_goes_on(
    graph: Graph, start: Start, tmp_path: Path
) -> None:
    node = start()
    pupil = endless(graph, tmp_path)
    assert node._jobs is not None
    os.kill(node._jobs.pid, signal.SIGKILL)
    code, result = pupil.result()
    assert (code, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.OTHER)
    assert 'it was ended by SIGKILL' in result.message
    assert graph.state('lifelong') == 'active'
    endless_again = Pupil(graph, data=patients_again(tmp_path), max_steps=600)
    endless_again.until('prove')
    assert node._learning_status().values['failed'] == 1


def test_a_node_that_is_ended_answers_first(
    graph: Graph, model: Path, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', str(graph.context.get_domain_id()))
    given = {
        'model_path': model,
        'experts_path': tmp_path / 'experts',
        'log_path': log,
        'fewest_lessons': 8,
        'idle_only': 'false',
    }
    command = [sys.executable, '-m', 'l2emg_ros.nodes.lifelong_node', '--ros-args']
    for name, value in given.items():
        command += ['-p', f'{name}:={value}']
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        graph.announce(LearnScenario, 'learn_scenario')
        graph.configure_and_activate('lifelong')
        pupil = endless(graph, tmp_path)
        graph.keep_busy(0.2)
        process.terminate()
        code, result = pupil.result()
        complaints = process.communicate(timeout=PATIENCE)[1]
    finally:
        process.kill()
    assert (code, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.INTERRUPTED)
    assert 'Traceback' not in complaints
    assert process.returncode == 0
    assert states(log)


def test_a_node_that_has_gone_while_it_learns_is_left_alone(
    graph: Graph, start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    node = weakref.ref(start())
    endless(graph, tmp_path)
    graph.close()

    def collected() -> bool:
        gc.collect()
        return node() is None

    # What waits for the trainer has nobody who resumes it, and ends as garbage: after the seconds
    # for which it is held by the timer that would kill a trainer.
    wait_until(collected, 'something still holds the node')
    assert 'Error' not in capfd.readouterr().err


def test_reasons_to_pause(graph: Graph, start: Start, tmp_path: Path) -> None:
    node = start()
    status = graph.collect(String, 'lifelong/status', qos.LATCHED)
    motions = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    outcomes = graph.publisher(MotionOutcome, 'motion_outcome', qos.OUTCOME)
    battery = graph.publisher(BatteryState, 'battery_state', qos.STATE)
    heat = graph.publisher(Temperature, 'temperature', qos.STATE)
    pupil = endless(graph, tmp_path)
    pid = node._jobs.pid

    def stopped() -> bool:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] == 'T'

    def told(what: str) -> None:
        wait_until(lambda: status[-1].data == f'learning ward{what}', f'no status: {what}')
        wait_until(lambda: stopped() == bool(what), f'{what}: {status[-1].data}')

    told('')
    for message in chunks(gesture(), 'm'):
        motions.publish(message)
    told(', paused: robot moving')
    outcomes.publish(MotionOutcome(motion_id='m', completed=True))
    told('')
    drained = {'power_supply_status': BatteryState.POWER_SUPPLY_STATUS_DISCHARGING}
    battery.publish(BatteryState(percentage=0.19, **drained))
    told(', paused: battery low')
    heat.publish(Temperature(temperature=81.0))
    told(', paused: battery low, too hot')
    # It must be clearly better, not just no worse.
    battery.publish(BatteryState(percentage=0.22, **drained))
    battery.publish(BatteryState(percentage=float('nan'), **drained))
    heat.publish(Temperature(temperature=78.0))
    heat.publish(Temperature(temperature=float('nan')))
    battery.publish(BatteryState(percentage=0.26, **drained))
    told(', paused: too hot')
    heat.publish(Temperature(temperature=74.0))
    told('')
    charging = BatteryState.POWER_SUPPLY_STATUS_CHARGING
    battery.publish(BatteryState(percentage=0.01, power_supply_status=charging))
    heat.publish(Temperature(temperature=90.0))
    told(', paused: too hot')
    assert node._learning_status().values['paused'] == 'too hot'
    # Cancelled while it is paused it ends at once.
    graph.ask(pupil.goal.cancel_goal_async)
    assert pupil.result()[1].error_code == Result.CANCELLED
