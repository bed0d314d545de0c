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
"""A running motion in another manner: at once, smoothly, and inside every limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin
import pytest

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.retarget import modulation
from l2emg_ros.retarget.manner import AS_PLANNED, beyond, Manner, manner, STRENGTH
from l2emg_ros.retarget.modulation import Modulator, Nominal
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.trajectory import Trajectory

_PERIOD = 0.01


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


@pytest.fixture(scope='module')
def plan(g1: Robot) -> Trajectory:
    motion = synthesise('wave', Emotion('happy').weights(), np.random.default_rng(0), seconds=6.0)
    return Retargeter(g1).retarget(motion)


def of(plan: Trajectory, repeated: bool = False) -> Nominal:
    """Return a plan as a function of the phase, once or again and again."""

    def nominal(phase: float) -> tuple[NDArray, NDArray, NDArray]:
        return plan.sample(phase % plan.duration if repeated else phase)

    return nominal


def played(modulator: Modulator, nominal: Nominal, count: int) -> tuple[NDArray, NDArray]:
    points = [modulator.step(nominal) for _ in range(count)]
    q, v = (np.array(column) for column in zip(*points, strict=True))
    return q, v


def within(q: NDArray, v: NDArray, robot: Robot) -> None:
    """Check set points against every limit, by themselves and by their differences."""
    assert np.isfinite(q).all()
    assert (q >= robot.lower - 1e-9).all()
    assert (q <= robot.upper + 1e-9).all()
    assert (np.abs(v) <= robot.velocity + 1e-9).all()
    assert (np.abs(np.diff(q, axis=0)) / _PERIOD <= robot.velocity + 1e-6).all()
    assert (np.abs(np.diff(v, axis=0)) / _PERIOD <= robot.acceleration + 1e-6).all()


def begun(robot: Robot, plan: Trajectory) -> Modulator:
    modulator = Modulator(robot, _PERIOD)
    modulator.start(0.0, plan.sample(0.0)[0])
    return modulator


def test_without_an_emotion_the_plan_is_played(g1: Robot, plan: Trajectory) -> None:
    modulator = begun(g1, plan)
    count = round(plan.duration / _PERIOD)
    q, v = played(modulator, of(plan), count)
    meant = plan.sample(_PERIOD * np.arange(1, count + 1))
    assert np.abs(q - meant[0])[10:].max() < 2e-3
    assert np.abs(v - meant[1])[10:].max() < 0.05
    within(q, v, g1)
    played(modulator, of(plan), 100)
    assert modulator.resting
    np.testing.assert_allclose(modulator.position, plan.positions[-1], atol=1e-4)


def test_the_next_set_point_differs_after_an_emotion(g1: Robot, plan: Trajectory) -> None:
    plain, moved = begun(g1, plan), begun(g1, plan)
    for modulator in (plain, moved):
        played(modulator, of(plan), 150)
    moved.aim(Manner(pace=0.8, lean=0.1))
    assert np.abs(moved.step(of(plan))[0] - plain.step(of(plan))[0]).max() > 1e-6


def test_two_minutes_of_changing_emotions_stay_inside_the_limits(
    g1: Robot, plan: Trajectory
) -> None:
    """Experiment E2: no violation, and the switches are no rougher than the motion itself."""
    rng = np.random.default_rng(0)
    modulator, nominal = begun(g1, plan), of(plan, repeated=True)
    q, v, fresh = [], [], []
    for _ in range(60):
        label = LABELS[rng.integers(len(LABELS))]
        modulator.aim(manner(Emotion(label), STRENGTH))
        more = played(modulator, nominal, 200)
        q.append(more[0])
        v.append(more[1])
        fresh.append(np.arange(200) < 50)
    within(np.vstack(q), np.vstack(v), g1)
    jerk = np.diff(np.vstack(v), n=2, axis=0) / _PERIOD**2
    switching = np.concatenate(fresh)[2:]
    rough, steady = (np.sqrt((jerk[part] ** 2).mean()) for part in (switching, ~switching))
    assert rough <= 1.5 * steady


@pytest.mark.parametrize('seed', range(5))
def test_whatever_is_planned_the_set_points_stay_inside_the_limits(g1: Robot, seed: int) -> None:
    """Targets that jump anywhere, also beyond the limits, with velocities that lie."""
    rng = np.random.default_rng(seed)
    span = g1.upper - g1.lower
    middle = (g1.upper + g1.lower) / 2
    wild = {}

    def nominal(phase: float) -> tuple[NDArray, NDArray, NDArray]:
        piece = int(phase / 0.3)
        if piece not in wild:
            at = middle + rng.uniform(-0.8, 0.8, len(span)) * span
            wild[piece] = (at, rng.normal(0.0, 20.0, len(span)), np.zeros(len(span)))
        return wild[piece]

    modulator = Modulator(g1, _PERIOD)
    modulator.start(0.0, g1.home)
    modulator.aim(Manner(size=1.4, lean=0.25, softness=0.15))
    within(*played(modulator, nominal, 1500), g1)


def test_a_lean_bows_the_trunk_and_a_nod_the_head() -> None:
    for name, nods in (('g1', False), ('talos', True)):
        robot = Robot.load(name)
        lean, nod = modulation.bows(robot)
        assert _pitch(robot, 'torso', 0.1 * lean) == pytest.approx(0.1, abs=0.01), name
        assert nod.any() == nods
        if nods:
            assert _pitch(robot, 'gaze', 0.1 * nod) == pytest.approx(0.1, abs=0.01)


def _pitch(robot: Robot, key: str, offset: NDArray) -> float:
    """Return by how much a displacement from home bows a link forward, rad."""
    joint = robot.placement(key)[0]
    turns = []
    for pose in (robot.home, robot.home + offset):
        data = robot.model.createData()
        pin.forwardKinematics(robot.model, data, pose)
        turns.append(data.oMi[joint].rotation)
    return float(pin.log3(turns[1] @ turns[0].T)[1])


def test_emotions_have_manners() -> None:
    def of_label(label: str, intensity: float = 1.0) -> Manner:
        return manner(Emotion(label, intensity=intensity), STRENGTH)

    assert of_label('neutral') == manner(None, STRENGTH) == AS_PLANNED
    assert of_label('sad').lean > 0 > of_label('proud').lean
    assert of_label('tired').pace < of_label('sad').pace < 1 < of_label('excited').pace
    assert of_label('calm').softness > of_label('angry').softness == 0
    halves = [of_label('tired', strength).pace for strength in (0.0, 0.3, 0.6, 1.0)]
    assert halves == sorted(halves, reverse=True)
    # What a motion expresses by itself is not added once more.
    assert beyond(of_label('sad'), of_label('sad')) == AS_PLANNED
    most = beyond(Manner(pace=9.0, lean=-9.0), AS_PLANNED)
    assert (most.pace, most.lean) == (1.5, -0.25)
