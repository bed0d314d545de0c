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
"""A goal becomes chunks, a trajectory and the movement of the simulated robot."""

from __future__ import annotations

import time

from action_msgs.msg import GoalStatus
from e2e.system import Result, System
from l2emg_interfaces.msg import Emotion, SmplMotion
from nodes.chunked import chunks, gesture
from nodes.graph import wait_until
import numpy as np
import pytest

from l2emg_ros.nodes import joints, qos
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.sim.simulator import Simulator

WRISTS = ('left_wrist_yaw_link', 'right_wrist_yaw_link')


def raise_the_arms(system: System) -> None:
    """Leave the robot in a pose from which the next motion is a long way."""
    system.rest()
    plans, motion = len(system.plans), gesture('cheer', 3.0, 'excited')
    wrists = motion.joint_positions()[:, 20:22, 2].mean(axis=1)
    publisher = system.client.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    (message,) = chunks(motion.slice(0, int(wrists.argmax()) + 1), 'arms up', motion.frames)
    publisher.publish(message)
    wait_until(lambda: len(system.plans) > plans, 'no plan')
    system.rest()


def test_a_sentence_moves_the_robot(system: System) -> None:
    raise_the_arms(system)
    errors, motions, planned = system.errors(), len(system.motions), system.planned()
    seen = len(system.states)
    emotion = Emotion(label='happy', intensity=1.0)
    handle = system.send(duration=2.0, seed=1, emotion=emotion)
    status, result = system.finish(handle)
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.OK)
    wait_until(lambda: len(system.motions) > motions and system.motions[-1].last, 'no last chunk')
    count = len(system.motions) - motions
    wait_until(lambda: system.planned() - planned == count, 'not every chunk became a plan')
    system.rest()
    positions = np.array([state.position for state in system.states[seen:]])
    assert np.ptp(positions, axis=0).max() > 0.3
    end = np.array(system.plans[-1].points[-1].positions)
    assert np.abs(np.array(system.states[-1].position) - end).max() < 0.02
    assert system.errors() == errors


def test_simulated_wrists_follow_within_two_centimetres(system: System) -> None:
    """Commanded against simulated, both at the stamp of the joint state, over a lively gesture."""
    system.rest()
    plans, states = len(system.plans), len(system.states)
    publisher = system.client.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    for message in chunks(gesture('cheer', 3.0, 'excited'), 'cheer'):
        publisher.publish(message)
    wait_until(lambda: len(system.plans) > plans, 'no plan')
    system.rest()
    robot = Robot.load('g1')
    simulator = Simulator(robot)
    messages = system.plans[plans:]
    kept = [joints.trajectory_from_message(plan, robot.joint_names, 'g1') for plan in messages]
    starts = np.array([joints.stamp_seconds(plan.header.stamp) for plan in messages])
    errors, moved = [], []
    for state in system.states[states:]:
        stamp = joints.stamp_seconds(state.header.stamp)
        index = int(np.searchsorted(starts, stamp)) - 1
        if index < 0 or stamp < starts[index] + kept[index].time_from_start[0]:
            continue
        wanted = kept[index].sample(stamp - starts[index])[0]
        for wrist in WRISTS:
            moved.append(simulator.link_position(wrist, state.position))
            errors.append(np.linalg.norm(moved[-1] - simulator.link_position(wrist, wanted)))
    assert len(errors) > 200
    assert np.ptp(np.array(moved), axis=0).max() > 0.2
    rms = float(np.sqrt(np.mean(np.square(errors))))
    print(f'wrist tracking: {1e3 * rms:.1f} mm RMS of {len(errors)}')
    assert rms < 0.02


def busyness(system: System) -> float:
    """Return how long an idle node takes to answer, s: what a busy machine adds to it all."""
    delays = []
    for _ in range(20):
        sent = time.monotonic()
        system.client.state('lifelong')
        delays.append(time.monotonic() - sent)
    return float(np.percentile(delays, 95))


def first_chunk_p95(system: System) -> float:
    """Return the 95th percentile over 20 goals of the time from sending to the first chunk, s."""
    delays = []
    for _ in range(20):
        count = len(system.motions)
        sent = time.monotonic()
        handle = system.send(duration=1.0)
        wait_until(lambda: len(system.motions) > count, 'no chunk')  # noqa: B023
        delays.append(time.monotonic() - sent)
        assert system.finish(handle)[0] == GoalStatus.STATUS_SUCCEEDED
    return float(np.percentile(delays, 95))


def test_the_first_chunk_comes_soon(system: System) -> None:
    # Whatever else the machine does can spoil a round; a slow node spoils all three.
    rounds: list[float] = []
    while len(rounds) < 3 and (not rounds or rounds[-1] >= 0.5):
        rounds.append(first_chunk_p95(system))
    print('goal sent to first chunk, p95 of 20:', [f'{1e3 * p95:.0f} ms' for p95 in rounds])
    assert rounds[-1] < 0.5


def test_cancel_is_acknowledged_within_a_tenth_of_a_second(system: System) -> None:
    delays, busy = [], busyness(system)
    for _ in range(5):
        handle = system.send(duration=20.0)
        count = len(system.motions)
        wait_until(lambda: len(system.motions) > count, 'no chunk')  # noqa: B023
        sent = time.monotonic()
        answer = system.client.ask(handle.cancel_goal_async)
        delays.append(time.monotonic() - sent)
        assert len(answer.goals_canceling) == 1
        status, result = system.finish(handle)
        assert (status, result.error_code) == (GoalStatus.STATUS_CANCELED, Result.CANCELLED)
        assert not system.motions[-1].last
    late = float(np.median(delays))
    print(f'cancel acknowledged: median {1e3 * late:.0f} ms of 5, busy {1e3 * busy:.0f} ms')
    assert late < 0.1 + busy


def test_a_new_goal_preempts_the_motion_of_the_robot(system: System) -> None:
    count = len(system.plans)
    first = system.send(duration=20.0)
    wait_until(lambda: len(system.plans) > count, 'no plan')
    second = system.send('bow to a guest', duration=1.0)
    status, result = system.finish(first)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.INTERRUPTED)
    status, result = system.finish(second)
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Result.OK)
    # Twenty seconds were asked for first; only the second motion is still to be played.
    left = wait_until(lambda: system.motions[-1].last and system.plans[-1], 'no last plan')
    system.rest()
    left = system.plans[-1].points[-1].time_from_start
    assert joints.stamp_seconds(left) < 8.0


def test_every_node_reports_itself(system: System) -> None:
    expected = {
        'generator: model',
        'generator: goals',
        'retargeter: ik',
        'lifelong: log',
        'lifelong: experts',
        'simulator: physics',
    }
    wait_until(lambda: expected <= set(system.diagnostics()), 'not every line came')
    lines = system.diagnostics()
    assert lines['generator: node']['state'] == 'active'
    assert 'reception' in lines['generator: model']['active_experts']
    assert lines['retargeter: ik']['limit_violations'] == '0'
    assert float(lines['simulator: physics']['step_rate_hz']) > 5.0


@pytest.mark.parametrize('name', ['generator', 'retargeter', 'lifelong', 'simulator'])
def test_names_are_relative(system: System, name: str) -> None:
    services = {service for service, _ in system.client.client.get_service_names_and_types()}
    assert f'/{system.namespace}/{name}/change_state' in services
    assert f'/{system.namespace}/{name}/set_parameters' in services
