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
"""Chunks in, one continuous motion out."""

from __future__ import annotations

import numpy as np
import pytest

from l2emg_ros import corpus
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.manner import AS_PLANNED, Manner
from l2emg_ros.retarget.plan import Account
from l2emg_ros.retarget.report import violations
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.stream import StreamRetargeter
from l2emg_ros.retarget.trajectory import Trajectory


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


@pytest.fixture(scope='module')
def wave() -> Motion:
    return corpus.synthesise('wave', np.eye(13)[1], np.random.default_rng(1), seconds=4.0)


@pytest.fixture(scope='module')
def clap() -> Motion:
    return corpus.synthesise('clap', np.eye(13)[11], np.random.default_rng(2), seconds=3.0)


class Listener:
    """Does what a controller does: follows the newest trajectory, and writes down where it was."""

    def __init__(self, robot: Robot, stream: StreamRetargeter) -> None:
        self.robot, self.stream = robot, stream
        self.now = 50.0
        self.sent = 0.0
        self.trajectory: Trajectory | None = None
        self.times: list[float] = []
        self.path: list[np.ndarray] = []
        self.root: list[np.ndarray] = []

    def receive(self, trajectory: Trajectory | None) -> None:
        """Check a new trajectory against the one in force."""
        assert trajectory is not None
        trajectory.check(self.robot)
        if self.trajectory is not None:
            for ahead in np.linspace(0.0, self.stream.splice_delay, 6):
                at = self.now + ahead
                if at - self.now < trajectory.time_from_start[0]:
                    continue
                old, new = self.trajectory.sample(at - self.sent), trajectory.sample(ahead)
                assert new[0] == pytest.approx(old[0], abs=1e-9)
                assert new[1] == pytest.approx(old[1], abs=1e-6)
        self.trajectory, self.sent = trajectory, self.now

    def play(self, seconds: float) -> None:
        """Let time pass; the state of the stream is what the trajectory says."""
        stop = self.now + seconds
        while self.now < stop:
            q, v, _ = self.stream.state(self.now)
            self.times.append(self.now)
            self.path.append(q)
            self.root.append(self.stream.root_state(self.now)[0])
            assert self.trajectory is not None
            if self.now - self.sent >= self.trajectory.time_from_start[0]:
                told = self.trajectory.sample(self.now - self.sent)
                assert np.abs(q - told[0]).max() < 1e-9
                assert np.abs(v - told[1]).max() < 1e-6
            self.now += 0.02

    def finish(self) -> None:
        """Play until the robot rests."""
        while not self.stream.finished(self.now):
            self.play(0.1)
        assert not self.stream.state(self.now)[1].any()

    def check_path(self) -> None:
        """The whole way at 50 Hz is continuous and inside the limits."""
        path, times = np.array(self.path), np.array(self.times)
        assert np.all((path >= self.robot.lower) & (path <= self.robot.upper))
        step = np.diff(times)[:, None]
        speed = np.diff(path, axis=0) / step
        assert np.all(np.abs(speed) <= self.robot.velocity + 1e-6)
        change = np.diff(speed, axis=0) / step[1:]
        assert np.all(np.abs(change) <= self.robot.acceleration + 1e-3)
        assert np.linalg.norm(np.diff(self.root, axis=0), axis=1).max() < 0.05


def chunks(motion: Motion, rng: np.random.Generator) -> list[Motion]:
    result, start = [], 0
    while start < motion.frames:
        size = int(rng.integers(8, 17))
        result.append(motion.slice(start, start + size))
        start += size
    return result


@pytest.mark.parametrize('seed', range(6))
def test_any_timing_is_one_continuous_motion(g1: Robot, wave: Motion, seed: int) -> None:
    """Chunks early, late or much too late: no jump, no limit broken, rest at the end."""
    rng = np.random.default_rng(seed)
    stream = StreamRetargeter(g1)
    listener = Listener(g1, stream)
    parts = chunks(wave, rng)
    start = np.clip(g1.home + rng.normal(scale=0.2, size=29), g1.lower, g1.upper)
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        measured = start if number == 0 else None
        listener.receive(stream.push(part, last, listener.now, measured))
        if number == 0:
            assert stream.state(listener.now)[0] == pytest.approx(start, abs=2e-5)
        listener.play(float(rng.choice([0.0, 0.1, 0.3, 0.6, 2.0])))
    listener.finish()
    listener.check_path()


def test_chunks_in_time_give_what_the_whole_motion_gives(g1: Robot, wave: Motion) -> None:
    whole = Retargeter(g1).retarget(wave, start=g1.home)
    stream = StreamRetargeter(g1)
    parts = chunks(wave, np.random.default_rng(0))
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        trajectory = stream.push(part, last, 10.0, g1.home if number == 0 else None)
    assert trajectory.duration == pytest.approx(whole.duration, abs=0.2)
    fine = np.linspace(0.1, whole.duration - 0.2, 300)
    # A passage may be slowed down in one chunk and not in the whole, or the other way round.
    gap = np.abs(trajectory.sample(fine)[0] - whole.sample(fine)[0])
    assert gap.max() < 0.2
    assert gap.mean() < 0.01
    assert trajectory.source_time[-1] == pytest.approx(whole.source_time[-1])
    assert trajectory.source == wave.text


def test_a_new_motion_in_full_movement(g1: Robot, wave: Motion, clap: Motion) -> None:
    stream = StreamRetargeter(g1)
    listener = Listener(g1, stream)
    for part in chunks(wave, np.random.default_rng(1)):
        listener.receive(stream.push(part, False, listener.now))
    listener.play(2.3)
    assert np.abs(stream.state(listener.now)[1]).max() > 0.3
    parts = chunks(clap, np.random.default_rng(1))
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        listener.receive(stream.push(part, last, listener.now, start=number == 0))
    listener.finish()
    listener.check_path()
    final = Retargeter(g1).retarget(clap).positions[-1]
    assert stream.state(listener.now)[0] == pytest.approx(final, abs=0.03)


def test_motions_follow_each_other_where_the_robot_stands(g1: Robot, wave: Motion) -> None:
    """The second motion was made facing elsewhere, elsewhere: the robot does not glide there."""
    stream = StreamRetargeter(g1)
    listener = Listener(g1, stream)
    listener.receive(stream.push(wave, True, listener.now))
    listener.finish()
    turn = rotation.from_euler('z', [1.5])
    turned = Motion.from_rotations(
        np.concatenate(
            [rotation.multiply(turn, wave.rotations[:, :1]), wave.rotations[:, 1:]], axis=1
        ),
        rotation.apply(turn, wave.root_translation) + np.array([2.0, 1.0, 0.0]),
        30.0,
    )
    place, facing = stream.root_state(listener.now)
    listener.receive(stream.push(turned, True, listener.now))
    listener.finish()
    listener.check_path()
    later, towards = stream.root_state(listener.now)
    assert np.linalg.norm((later - place)[:2]) < 0.1
    angle = rotation.to_rotvec(rotation.multiply(towards, rotation.inverse(facing)))
    assert np.abs(angle).max() < 0.1


@pytest.mark.parametrize('when', [0.05, 0.4, 1.7, 2.6, 3.3])
def test_stop(g1: Robot, wave: Motion, when: float) -> None:
    stream = StreamRetargeter(g1)
    listener = Listener(g1, stream)
    listener.receive(stream.push(wave, False, listener.now))
    listener.play(when)
    stopped = stream.stop(listener.now)
    listener.receive(stopped)
    assert stopped.duration < 0.6
    listener.finish()
    listener.check_path()
    assert stream.finished(listener.now)
    # What comes next is a new motion.
    listener.receive(stream.push(wave.slice(0, 30), True, listener.now))
    listener.finish()
    listener.check_path()


def test_modulate(g1: Robot, wave: Motion) -> None:
    arm = g1.joint_names.index('right_elbow_joint')
    spans, lengths = {}, {}
    for pace, size in ((1.0, 1.0), (0.6, 1.0), (1.0, 0.5)):
        stream = StreamRetargeter(g1)
        listener = Listener(g1, stream)
        listener.receive(stream.push(wave, True, listener.now, g1.home))
        listener.play(1.0)
        listener.receive(stream.modulate(listener.now, Manner(pace, size)))
        assert listener.trajectory is not None
        lengths[pace, size] = listener.trajectory.duration
        listener.finish()
        listener.check_path()
        spans[pace, size] = np.ptp(np.array(listener.path)[125:, arm])
    assert lengths[0.6, 1.0] > 1.3 * lengths[1.0, 1.0]
    assert lengths[1.0, 0.5] == pytest.approx(lengths[1.0, 1.0], abs=0.3)
    assert spans[1.0, 0.5] < 0.75 * spans[1.0, 1.0]
    assert spans[0.6, 1.0] == pytest.approx(spans[1.0, 1.0], rel=0.15)
    for pace, size in ((0.1, 1.0), (1.0, 9.0), (float('nan'), 1.0)):
        with pytest.raises(BadRequest, match=r'expected 0\.25 to 2'):
            stream.modulate(listener.now, Manner(pace, size))
    with pytest.raises(BadRequest, match='lean is 3'):
        stream.modulate(listener.now, Manner(lean=3.0))
    assert stream.modulate(listener.now, AS_PLANNED) is None


def test_a_lean_bows_the_rest_of_the_motion(g1: Robot, wave: Motion) -> None:
    stream = StreamRetargeter(g1)
    listener = Listener(g1, stream)
    listener.receive(stream.push(wave, True, listener.now, g1.home))
    listener.play(1.0)
    before = stream.state(listener.now + 1.0)[0]
    listener.receive(stream.modulate(listener.now, Manner(lean=0.2)))
    after = stream.state(listener.now + 1.0)[0]
    waist = g1.joint_names.index('waist_pitch_joint')
    assert after[waist] - before[waist] == pytest.approx(0.2, abs=0.03)
    listener.finish()
    listener.check_path()


def test_modulating_often_does_not_slow_down(g1: Robot, wave: Motion) -> None:
    """Feelings may arrive ten times a second."""
    wild = wave.replace(poses=np.clip(2.5 * wave.poses, -2.5, 2.5))
    stream = StreamRetargeter(g1)
    planned = stream.push(wild, True, 0.0, g1.home).duration
    for number in range(1, 11):
        changed = stream.modulate(0.1 * number, AS_PLANNED)
        assert changed is not None
        changed.check(g1)
    assert changed.duration + 1.0 < planned + 0.5


def test_chunks_at_another_rate(g1: Robot, wave: Motion) -> None:
    """60 fps in odd pieces, down to single frames."""
    dense = wave.resample(60.0)
    stream, whole = StreamRetargeter(g1), StreamRetargeter(g1)
    expected = whole.push(wave, True, 5.0, g1.home)
    start = 0
    for size in [1, 1, 7, 30, 1, 16] * 100:
        if start >= dense.frames:
            break
        part = dense.slice(start, start + size)
        start += size
        got = stream.push(part, start >= dense.frames, 5.0, g1.home)
        got.check(g1)
    assert got.duration == pytest.approx(expected.duration, abs=0.1)
    fine = np.linspace(0.1, expected.duration, 100)
    gap = np.abs(got.sample(fine)[0] - expected.sample(fine)[0])
    assert gap.max() < 0.2
    assert gap.mean() < 0.01


def test_measured_pose_counts_only_when_it_matters(g1: Robot, wave: Motion) -> None:
    stream = StreamRetargeter(g1)
    stream.push(wave.slice(0, 30), True, 0.0, g1.home)
    end = stream.state(99.0)[0]
    # Sagging a little under gravity is no reason to step aside.
    stream.push(wave.slice(0, 30), True, 100.0, end + 0.05)
    assert stream.state(100.0)[0] == pytest.approx(end, abs=1e-4)
    # Carried elsewhere, it starts from there.
    moved = np.clip(stream.state(200.0)[0] + 0.6, g1.lower, g1.upper)
    stream.push(wave.slice(0, 30), True, 200.0, moved).check(g1)
    assert stream.state(200.0)[0] == pytest.approx(moved, abs=1e-4)
    with pytest.raises(BadRequest, match='29 finite joint angles'):
        stream.push(wave, True, 300.0, np.full(29, np.inf))


def test_before_the_first_chunk(g1: Robot, wave: Motion) -> None:
    stream = StreamRetargeter(g1)
    assert stream.finished(0.0)
    for call in (stream.stop, stream.state, stream.root_state):
        with pytest.raises(BadRequest, match='push a chunk first'):
            call(0.0)
    stream.push(wave, True, 0.0)
    stream.reset()
    assert stream.finished(0.0)


def test_fixed_root(g1: Robot, wave: Motion) -> None:
    stream = StreamRetargeter(g1, RetargetConfig(root='fixed'))
    trajectory = stream.push(wave, True, 0.0)
    trajectory.check(g1)
    assert np.ptp(trajectory.root_position, axis=0) == pytest.approx(0.0)


def test_a_long_session_does_not_grow(g1: Robot, wave: Motion) -> None:
    stream = StreamRetargeter(g1)
    now = 0.0
    for _ in range(12):
        trajectory = stream.push(wave.slice(0, 40), True, now)
        now += 60.0
    assert len(trajectory) < 250
    assert stream._plan is not None
    assert len(stream._plan.control) < 300


@pytest.mark.parametrize('seed', range(6))
def test_noise_in_everything(g1: Robot, seed: int) -> None:
    """No person moves and no caller acts like this: the limits hold, without any rounding."""
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(1, 60))
    poses = rng.normal(scale=rng.choice([0.3, 1.0, 3.0]), size=(frames, 66))
    noise = Motion(poses, rng.normal(size=(frames, 3)) * rng.choice([0.1, 1e4]), 30.0)
    config = RetargetConfig(root='fixed' if seed % 2 else 'kinematic')
    whole = Retargeter(g1, config).retarget(noise, start=rng.uniform(g1.lower, g1.upper))
    assert violations(g1, whole, tolerance=0.0) == 0
    stream = StreamRetargeter(g1, config)
    now = 0.0
    for start in range(0, frames, 9):
        measured = rng.uniform(g1.lower, g1.upper)
        trajectory = stream.push(noise.slice(start, start + 9), start + 9 >= frames, now, measured)
        assert violations(g1, trajectory, tolerance=0.0) == 0
        changed = stream.modulate(
            now, Manner(*rng.uniform(0.3, 2.0, 2), *rng.uniform(-0.3, 0.3, 2))
        )
        for given in (trajectory, changed, stream.stop(now) if rng.random() < 0.2 else None):
            if given is not None:
                given.check(g1)
        now += rng.uniform(0.0, 0.6)


def accounted(robot: Robot, motion: Motion, apart: float = 0.0) -> Account:
    """Play a motion to its end; every other pose is moved apart by some radians."""
    stream = StreamRetargeter(robot)
    stream.retargeter.apart = lambda joints: (  # type: ignore[method-assign]
        joints + apart * (np.arange(len(joints)) % 2)[:, None]
    )
    listener = Listener(robot, stream)
    pieces = chunks(motion, np.random.default_rng(0))
    for number, piece in enumerate(pieces):
        listener.receive(stream.push(piece, number == len(pieces) - 1, listener.now))
        listener.play(0.1)
    listener.finish()
    return stream.account


def test_what_limits_and_self_collision_change_is_told(g1: Robot, wave: Motion) -> None:
    """The more hurried a motion is, the more of it is slowed down."""
    calm = accounted(g1, wave.replace(fps=10.0))
    hurried = accounted(g1, wave.replace(fps=90.0))
    for account, seconds in ((calm, wave.frames / 10.0), (hurried, wave.frames / 90.0)):
        assert account.last
        assert account.frames * account.step == pytest.approx(seconds, abs=0.2)
    assert calm.trimmed == 0.0
    assert calm.stretch == pytest.approx(1.0, abs=0.02)
    assert 0.3 < hurried.trimmed <= 1.0
    assert hurried.stretch > 1.1
    assert accounted(g1, wave.replace(fps=10.0), 0.02).trimmed == pytest.approx(0.5, abs=0.05)
    assert accounted(g1, wave.replace(fps=10.0), 0.005).trimmed == 0.0
