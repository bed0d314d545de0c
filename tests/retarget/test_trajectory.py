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
"""Trajectories: files, interpolation, checks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import pickle

import numpy as np
import pytest
import toy_robot

from l2emg_ros.errors import LimitViolation, MotionFormatError
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory

FIELDS = (
    *('joint_names', 'time_from_start', 'source_time', 'positions', 'velocities'),
    *('accelerations', 'root_position', 'root_orientation', 'robot', 'source'),
)


@pytest.fixture
def robot(tmp_path: Path) -> Robot:
    return Robot.load(toy_robot.write(tmp_path))


@pytest.fixture
def trajectory(robot: Robot) -> Trajectory:
    time = np.arange(45)[:, None] / 30
    angles = [0.5, -0.4, -0.9, -0.5, -0.4, -0.9] + 0.4 * np.sin(4 * time + np.arange(6))
    motion = toy_robot.person(angles).replace(text='wave, "hello"\u2028there')
    return Retargeter(robot).retarget(motion, start=robot.home)


@pytest.mark.parametrize('suffix', ['.npz', '.csv'])
def test_load_returns_what_was_saved(trajectory: Trajectory, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / 'out' / f'a{suffix}'
    trajectory.save(path)
    again = Trajectory.load(path)
    for name in FIELDS:
        assert np.array_equal(getattr(again, name), getattr(trajectory, name)), name


def test_the_file_is_the_contract(trajectory: Trajectory, tmp_path: Path) -> None:
    trajectory.save(tmp_path / 'a.npz')
    with np.load(tmp_path / 'a.npz', allow_pickle=False) as file:
        assert set(file) == set(FIELDS)
        count, joints = len(file['time_from_start']), len(file['joint_names'])
        assert file['positions'].shape == (count, joints) == file['accelerations'].shape
        assert file['root_orientation'].shape == (count, 4)


def test_other_suffixes_are_refused(trajectory: Trajectory, tmp_path: Path) -> None:
    with pytest.raises(MotionFormatError, match=r'\.npz or \.csv'):
        trajectory.save(tmp_path / 'a.json')
    assert not list(tmp_path.glob('*.json'))


def test_hostile_files(trajectory: Trajectory, tmp_path: Path) -> None:
    good = tmp_path / 'good.npz'
    trajectory.save(good)
    data = good.read_bytes()
    rng = np.random.default_rng(0)
    files = {
        'empty.npz': b'',
        'noise.npz': rng.bytes(3000),
        'half.npz': data[: len(data) // 2],
        'pickle.npz': pickle.dumps(print),
        'empty.csv': b'',
        'noise.csv': rng.bytes(3000),
        'header.csv': b'time_from_start,source_time\n',
        'text.csv': b'time_from_start,source_time\nhello,1\n',
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MotionFormatError, match=name.replace('.', r'\.')) as caught:
            Trajectory.load(tmp_path / name)
        assert '\n' not in str(caught.value)
    arrays = {name: getattr(trajectory, name) for name in FIELDS}
    for name, value in (
        ('positions', np.full_like(trajectory.positions, np.nan)),
        ('velocities', trajectory.velocities[:, :2]),
        ('time_from_start', np.array(['a'])),
        ('joint_names', np.array(3)),
        ('positions', np.array([object()], dtype=object)),
    ):
        np.savez(tmp_path / 'bad.npz', **{**arrays, name: value})
        with pytest.raises(MotionFormatError, match=r'bad\.npz') as caught:
            Trajectory.load(tmp_path / 'bad.npz')
        assert '\n' not in str(caught.value)


def test_sample_reproduces_samples_and_is_its_own_derivative(trajectory: Trajectory) -> None:
    q, v, a = trajectory.sample(trajectory.time_from_start)
    assert q == pytest.approx(trajectory.positions, abs=1e-12)
    assert v == pytest.approx(trajectory.velocities, abs=1e-9)
    assert a == pytest.approx(trajectory.accelerations, abs=1e-6)
    rng = np.random.default_rng(1)
    edge = 1e-5
    at = rng.uniform(trajectory.time_from_start[0] + edge, trajectory.duration - edge, 200)
    before, after = trajectory.sample(at - edge), trajectory.sample(at + edge)
    _, v, a = trajectory.sample(at)
    assert (after[0] - before[0]) / (2 * edge) == pytest.approx(v, abs=1e-3)
    assert (after[1] - before[1]) / (2 * edge) == pytest.approx(a, abs=0.1)


def test_between_samples_the_limits_hold(trajectory: Trajectory, robot: Robot) -> None:
    """The controller interpolates at its own rate."""
    fine = np.linspace(trajectory.time_from_start[0], trajectory.duration, 5000)
    q, v, a = trajectory.sample(fine)
    assert np.all((q >= robot.lower) & (q <= robot.upper))
    assert np.all(np.abs(v) <= robot.velocity)
    assert np.all(np.abs(a) <= robot.acceleration)


def test_sample_outside_holds(trajectory: Trajectory) -> None:
    for time, row in ((-1.0, 0), (0.0, 0), (trajectory.duration + 9, -1)):
        q, v, a = trajectory.sample(time)
        assert q == pytest.approx(trajectory.positions[row])
        assert not v.any()
        assert not a.any()


def test_root_is_interpolated(trajectory: Trajectory) -> None:
    times = trajectory.time_from_start
    position, orientation = trajectory.sample_root((times[3] + times[4]) / 2)
    expected = (trajectory.root_position[3] + trajectory.root_position[4]) / 2
    assert position == pytest.approx(expected)
    assert np.linalg.norm(orientation) == pytest.approx(1.0)


def test_check_accepts_and_names_what_is_wrong(trajectory: Trajectory, robot: Robot) -> None:
    trajectory.check(robot)
    middle = len(trajectory) // 2

    def changed(name: str, row: int, value: float) -> Trajectory:
        array = getattr(trajectory, name).copy()
        array[row] = value
        return replace(trajectory, **{name: array})

    for broken, message in (
        (changed('time_from_start', 0, 0.0), 'time_from_start does not increase at 0.000'),
        (changed('time_from_start', middle, 0.01), 'time_from_start does not increase'),
        (changed('velocities', -1, 1e-6), 'still moves at the end'),
        (changed('positions', middle, 3.5), 'position, from the middle of its range, is 4.95 rad'),
        (changed('positions', middle, -1.9), 'velocity is'),
        (changed('velocities', middle, 6.5), 'velocity is 6.5 rad/s, the limit 6'),
        (changed('velocities', middle, 3.0), 'acceleration is'),
        (changed('accelerations', middle, -51.0), 'acceleration is 51 rad/s^2, the limit 50'),
        (replace(trajectory, joint_names=tuple('abcdef')), 'other joints than those of toy'),
    ):
        with pytest.raises(LimitViolation) as caught:
            broken.check(robot)
        assert message in str(caught.value)


def test_arrays_are_read_only(trajectory: Trajectory) -> None:
    with pytest.raises(ValueError, match='read-only'):
        trajectory.positions[0, 0] = 1.0
