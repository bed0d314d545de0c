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
"""The node as a process, killed: what it has acknowledged is in the log."""

from __future__ import annotations

import json
import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import time

from l2emg_interfaces.msg import InteractionFeedback, SmplMotion
from nodes.chunked import chunks, gesture
from nodes.graph import Graph, wait_until
import pytest
from std_msgs.msg import String

from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.nodes import qos


def start(model: Path, log: Path) -> subprocess.Popen[bytes]:
    words = [f'model_path:={json.dumps(str(model))}', f'log_path:={json.dumps(str(log))}']
    arguments = [argument for word in words for argument in ('-p', word)]
    command = [sys.executable, '-m', 'l2emg_ros.nodes.lifelong_node', '--ros-args', *arguments]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.parametrize('attempt', range(2))
def test_what_was_published_is_in_the_log(
    graph: Graph, tiny: Path, log: Path, attempt: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', str(graph.context.get_domain_id()))
    process = start(tiny, log)
    try:
        graph.configure_and_activate('lifelong')
        recorded = graph.collect(String, 'lifelong/recorded', qos.STREAM)
        motions = graph.publisher(SmplMotion, 'smpl_motion', qos.STREAM)
        feedback = graph.publisher(InteractionFeedback, 'interaction_feedback', qos.FEEDBACK)
        for message in chunks(gesture(), 'm'):
            motions.publish(message)
        for number in range(40):
            feedback.publish(
                InteractionFeedback(motion_id='m', consent=True, correction=f'{number}')
            )
        wait_until(lambda: len(recorded) > 2 + attempt, 'nothing is recorded')
        time.sleep(random.uniform(0.0, 0.05))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    ids = {message.data for message in list(recorded)}
    with InteractionLog(log) as reader:
        found = {item.id: item for item in reader.interactions()}
        assert ids <= set(found)
        for identifier, item in found.items():
            said = list(recording.decoded(reader.recording(identifier)))[-1][1]
            assert said.correction == item.feedback.correction
    # Another node goes on where this one was killed.
    InteractionLog(log, writer=True).close()
