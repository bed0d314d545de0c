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
"""The demo's client, measurements and files, on the running system."""

from __future__ import annotations

from collections.abc import Iterator
import json
from pathlib import Path

from e2e.system import System
import imageio.v2 as imageio
import numpy as np
import pytest

from l2emg_ros.cli import demo
from l2emg_ros.emotion import Emotion
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes.client import GestureClient, Performance, PerformanceError
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory
from l2emg_ros.sim.tracking import compare, delay


@pytest.fixture(scope='module')
def robot() -> Robot:
    return Robot.load('g1')


@pytest.fixture(scope='module')
def client(system: System, robot: Robot) -> Iterator[GestureClient]:
    with GestureClient(robot, system.namespace) as client:
        yield client


@pytest.fixture(scope='module')
def performance(client: GestureClient) -> Performance:
    return client.perform('wave to a visitor', Emotion('happy'), seconds=2.0, seed=3)


def test_what_was_commanded_is_a_whole_trajectory(performance: Performance, robot: Robot) -> None:
    performance.commanded.check(robot)
    assert performance.motion.frames == 60
    # The approach comes before the motion, braking after it.
    assert performance.commanded.duration > performance.motion.duration + 0.4
    assert performance.experts
    assert 0.0 < performance.time_to_first_chunk <= performance.total_time


def test_what_was_executed_follows_it(performance: Performance, robot: Robot) -> None:
    tracking = compare(robot, performance.commanded, performance.executed)
    assert tracking.samples > 50
    assert tracking.wrist_rms < 0.02
    assert tracking.wrist_rms <= tracking.wrist_peak
    assert tracking.limit_hits == 0
    begin = delay(robot, performance.motion, performance.executed)
    assert 0.0 <= begin <= performance.executed.duration


def test_files_report_and_table(
    performance: Performance, robot: Robot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, scene = tmp_path / '1-happy', demo.SCENES[0]
    demo.save(robot, performance, folder, fps=3.0)
    assert Motion.load(folder / 'motion.npz') == performance.motion
    Trajectory.load(folder / 'trajectory.npz').check(robot)
    executed = Trajectory.load(folder / 'executed.npz')
    np.testing.assert_array_equal(executed.positions, performance.executed.positions)
    images = imageio.mimread(folder / 'video.mp4')
    assert len(images) >= 5
    left, right = np.split(np.array(images, dtype=float), 2, axis=2)
    assert left.std() > 10.0
    assert right.std() > 10.0
    tracking = compare(robot, performance.commanded, performance.executed)
    row = demo.summary(scene, performance, tracking, folder)
    demo.write_report(tmp_path / 'report.json', [row], 1.0)
    result = json.loads((tmp_path / 'report.json').read_text())['results'][0]
    assert all(Path(file).is_file() for file in result['files'])
    assert result['tracking']['limit_hits'] == 0
    demo.print_table([row])
    printed = capsys.readouterr().out
    assert scene.text in printed
    assert performance.experts[0] in printed


def test_a_refused_request_is_named(client: GestureClient) -> None:
    with pytest.raises(PerformanceError, match=r'failed \(74\): text is empty'):
        client.perform('')


def test_time_runs_out(client: GestureClient) -> None:
    with pytest.raises(PerformanceError, match='in time'):
        client.perform('wave to a visitor', seconds=5.0, timeout=0.5)
