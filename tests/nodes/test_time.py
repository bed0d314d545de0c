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
"""Simulated time, and what happens to a moving robot when its node is told to end."""

from __future__ import annotations

import os
from pathlib import Path
import signal

from l2emg_interfaces.msg import SmplMotion
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
import numpy as np
from sensor_msgs.msg import JointState

from l2emg_ros import processes
from l2emg_ros.nodes import joints, qos
from l2emg_ros.nodes.graph import Graph as Processes
from l2emg_ros.nodes.retargeter_node import RetargeterNode
from l2emg_ros.nodes.simulator_node import SimulatorNode


def test_a_gesture_is_played_in_simulated_time(graph: Graph) -> None:
    simulator = graph.add(SimulatorNode, publish_clock=True)
    retargeter = graph.add(RetargeterNode, use_sim_time=True)
    states = graph.collect(JointState, 'joint_states', qos.STATE)
    wait_until(lambda: retargeter.seconds() > 0.0, 'no simulated time')
    publisher = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
    for message in chunks(gesture(seconds=1.0), 'm'):
        publisher.publish(message)
    wait_until(lambda: retargeter._plans.count == 4, 'not every chunk was planned')
    wait_until(lambda: retargeter._plan and retargeter._resting(), 'it does not come to rest')
    stamp, plan = retargeter._plan
    assert 0.0 < stamp < 100.0
    end = plan.positions[-1]
    wait_until(lambda: np.abs(np.array(states[-1].position) - end).max() < 0.02, 'off its goal')
    assert joints.stamp_seconds(states[-1].header.stamp) < 100.0
    assert [simulator.errors, retargeter.errors] == [0, 0]


def test_a_signal_brings_the_robot_to_rest(tmp_path: Path) -> None:
    """The last set points of a process that is told to end lead to a standstill."""
    namespace = f'rest_{os.getpid()}'
    with Processes(
        'g1',
        nodes=(processes.RETARGETER,),
        namespace=namespace,
        log_dir=tmp_path,
        parameters={'retargeter': {'output': 'command'}},
    ) as running:
        running.wait_active(60.0)
        client = Graph(namespace)
        try:
            commands = client.collect(JointState, 'joint_command', qos.STREAM)
            publisher = client.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
            for message in chunks(gesture(seconds=3.0), 'm'):
                publisher.publish(message)

            def moving() -> bool:
                return bool(commands) and float(np.abs(commands[-1].velocity).max()) > 0.5

            wait_until(moving, 'it does not move')
            child = running._children['retargeter']
            child.send_signal(signal.SIGINT)
            assert child.wait(20.0) == 0
            wait_until(lambda: not np.any(commands[-1].velocity), 'it was left moving')
        finally:
            client.close()
            running._children.clear()
