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
"""From what a robot did back to a person: to and fro nothing is lost but what the robot cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest
import toy_robot

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest, MotionFormatError
from l2emg_ros.motion import anatomy, limbs, rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.human import to_motion
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import RootPlanner
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

BONES = {
    'upper arm': ('shoulder', 'elbow'),
    'forearm': ('elbow', 'wrist'),
    'thigh': ('hip', 'knee'),
    'shin': ('knee', 'ankle'),
}
FEET = [skeleton.index(name) for name in ('left_ankle', 'left_foot', 'right_ankle', 'right_foot')]
FLAT = np.array([skeleton.ANKLE_HEIGHT, skeleton.FOOT_HEIGHT] * 2)


@cache
def retargeter(name: str) -> Retargeter:
    return Retargeter(Robot.load(name))


@cache
def performed(gesture: str, seconds: float = 3.0) -> Motion:
    weights = Emotion('happy').weights()
    motion = synthesise(gesture, weights, np.random.default_rng(0), seconds=seconds)
    return motion.replace(text=gesture)


def still(robot: Robot, positions: Array, **changes: Any) -> Trajectory:
    """Return a trajectory at 30 Hz of joint angles (T, N) whose root is 0.8 m high."""
    count = len(positions)
    step = np.gradient(positions, 1 / 30, axis=0) if count > 1 else np.zeros_like(positions)
    values: dict[str, Any] = {
        'joint_names': robot.joint_names,
        'time_from_start': (1.0 + np.arange(count)) / 30,
        'source_time': np.arange(count) / 30,
        'positions': positions,
        'velocities': step,
        'accelerations': np.zeros_like(positions),
        'root_position': np.tile([0.0, 0.0, 0.8], (count, 1)),
        'root_orientation': np.tile([0.0, 0.0, 0.0, 1.0], (count, 1)),
        'robot': robot.name,
    }
    return Trajectory(**{**values, **changes})


def bone(motion: Motion, side: str, name: str) -> Array:
    start, stop = (skeleton.index(f'{side}_{joint}') for joint in BONES[name])
    positions = motion.joint_positions()
    return limbs.unit(positions[:, stop] - positions[:, start])


def steps(motion: Motion) -> float:
    """Return the largest turn of a joint between two frames, degrees."""
    before, after = motion.rotations[:-1], motion.rotations[1:]
    turn = rotation.to_rotvec(rotation.multiply(rotation.inverse(before), after))
    return float(np.degrees(np.linalg.norm(turn, axis=-1)).max())


# Degrees from bone to bone, mean: what the limits of the robot, its hands kept from the body and
# its feet under its mass take away; measured 6.6, 7.5, 2.0 and 1.8 at most.
@pytest.mark.parametrize('name', ['g1', 'talos'])
@pytest.mark.parametrize('gesture', ['wave', 'bow', 'walk_guide'])
def test_there_and_back(name: str, gesture: str) -> None:
    motion, robot = performed(gesture), retargeter(name)
    first = robot.retarget(motion, report=False)
    back = to_motion(robot.robot, first)
    assert back.fps == 30.0
    assert back.text == gesture
    assert back.duration == pytest.approx(first.duration - first.time_from_start[0], abs=1 / 30)
    rows = np.round(first.source_time[: back.frames] * motion.fps).astype(int)
    for part, most in (('upper arm', 10.0), ('forearm', 10.0), ('thigh', 4.0), ('shin', 4.0)):
        apart = [
            limbs.angle(bone(back, side, part), bone(motion, side, part)[rows])
            for side in skeleton.SIDES
        ]
        assert np.degrees(np.mean(apart)) < most, part
    for joint, most in (('pelvis', 3.0), ('spine3', 6.0), ('left_wrist', 8.0), ('left_ankle', 6)):
        column = skeleton.index(joint)
        one = back.joint_orientations()[:, column]
        other = motion.joint_orientations()[rows, column]
        turn = rotation.to_rotvec(rotation.multiply(rotation.inverse(one), other))
        assert np.degrees(np.linalg.norm(turn, axis=-1).mean()) < most, joint
    second = robot.retarget(back, report=False)
    again = first.sample(first.time_from_start[0] + second.source_time)[0]
    # Measured: 0.033 at most.
    assert np.abs(second.positions - again).mean() < 0.05
    # The whole way of somebody who walks, at the scale of their legs.
    assert np.abs(back.trans[-1] - motion.trans[-1])[:2].max() < 0.15


@pytest.mark.parametrize('gesture', ['wave', 'dance', 'turn_left', 'squat'])
def test_the_body_stays_a_person(gesture: str) -> None:
    back = to_motion(retargeter('g1').robot, retargeter('g1').retarget(performed(gesture)))
    for name, excess in anatomy.joint_excess(back.rotations).items():
        assert excess.max() < anatomy.TOLERANCE, name
    # Straight limbs do not flip about themselves.
    assert steps(back) < 1.3 * steps(performed(gesture))
    heights = back.joint_positions()[:, FEET, 2] - FLAT
    assert heights.min() > -1e-3
    assert heights.min(axis=1).max() < 0.02


def test_arms_of_the_toy_are_exact(tmp_path: Path) -> None:
    robot = Robot.load(toy_robot.write(tmp_path))
    q = np.random.default_rng(0).uniform(-1.2, 0.0, (20, 6))
    back, person = to_motion(robot, still(robot, q)), toy_robot.person(q)
    for side in skeleton.SIDES:
        for part in ('upper arm', 'forearm'):
            assert np.allclose(bone(back, side, part), bone(person, side, part), atol=1e-5)
    # It has no legs, no neck and no hands: a person stands at rest there.
    resting = ('hip', 'knee', 'ankle', 'foot', 'wrist', 'collar')
    names = [f'{side}_{joint}' for side in skeleton.SIDES for joint in resting]
    for name in (*names, 'neck', 'head', 'spine1', 'spine2', 'spine3'):
        turned = back.rotations[:, skeleton.index(name), :3]
        assert np.abs(turned).max() < 1e-6, name
    assert np.allclose(back.joint_positions()[:, FEET, 2], FLAT, atol=1e-5)


def test_elbows_are_hinges(tmp_path: Path) -> None:
    robot = Robot.load(toy_robot.write(tmp_path))
    # Arms that point forward and forearms that point up: not without a twist of the upper arms.
    q = np.tile([-0.1, -1.4, -1.2, 0.1, -1.4, -1.2], (5, 1))
    angles = anatomy.joint_angles(to_motion(robot, still(robot, q)).rotations)
    assert np.allclose(angles['elbow flexion'], np.degrees(1.2), atol=4.0)
    # The rest pose is bent sideways by three.
    assert np.abs(angles['elbow side bending']).max() < 4.0


def test_the_root_turns_and_carries_the_person() -> None:
    robot = retargeter('g1').robot
    first = retargeter('g1').retarget(performed('walk_guide'), report=False)
    turn = rotation.from_euler('z', [1.2])
    moved = replace(
        first,
        root_position=rotation.apply(turn, first.root_position) + np.array([1.0, -2.0, 0.5]),
        root_orientation=rotation.multiply(turn, first.root_orientation),
    )
    before, after = to_motion(robot, first), to_motion(robot, moved)
    start = rotation.apply(turn, before.joint_positions()[0, 0])
    wanted = rotation.apply(turn, before.joint_positions()) - start
    found = after.joint_positions() - after.joint_positions()[0, 0]
    assert np.allclose(found, wanted, atol=1e-4)
    # The floor of a recording may be anywhere; the feet of the person are on theirs.
    assert np.allclose(after.trans[:, 2], before.trans[:, 2], atol=1e-4)


def test_standing_feet_stay_while_the_root_is_on_a_stand() -> None:
    robot = retargeter('g1').robot
    q = np.tile(robot.home, (60, 1))
    bend = 0.5 * (1 - np.cos(np.linspace(0, 2 * np.pi, 60))) / 2
    for side in ('left', 'right'):
        for joint, share in (('hip_pitch', -1.4), ('knee', 2.0), ('ankle_pitch', -0.6)):
            q[:, robot.joint_names.index(f'{side}_{joint}_joint')] += share * bend
    back = to_motion(robot, still(robot, q))
    feet = back.joint_positions()[:, FEET]
    # It is the pelvis that goes back.
    assert np.ptp(back.trans[:, 0]) > 0.04
    assert np.ptp(feet, axis=0).max() < 0.01
    assert np.allclose(feet[..., 2], FLAT, atol=0.01)


def test_a_jump_is_as_high_as_the_legs_are_long() -> None:
    robot = retargeter('g1').robot
    q = np.tile(robot.home, (40, 1))
    sole = -RootPlanner(robot).corners(q[:1], np.eye(3)[None])[..., 2].min()
    height = 0.2 * np.clip(np.sin(np.linspace(-np.pi / 2, 3 * np.pi / 2, 40)), 0.0, None)
    place = np.column_stack([np.zeros((40, 2)), sole + height])
    back = to_motion(robot, still(robot, q, root_position=place))
    lifted = (back.joint_positions()[:, FEET, 2] - FLAT).min(axis=1)
    assert lifted[0] == pytest.approx(0.0, abs=1e-4)
    assert lifted.max() == pytest.approx(height.max() / robot.leg_scale(), abs=0.02)


def test_joints_that_were_not_recorded_rest() -> None:
    robot = retargeter('g1').robot
    whole = retargeter('g1').retarget(performed('wave'), report=False)
    arms = robot.indices(['arms'])[::-1]
    some = replace(
        whole,
        joint_names=tuple(robot.joint_names[n] for n in arms),
        **{key: getattr(whole, key)[:, arms] for key in ('positions', 'velocities')},
        accelerations=whole.accelerations[:, arms],
    )
    rest = whole.positions.copy()
    others = np.setdiff1d(np.arange(len(robot.joint_names)), arms)
    rest[:, others] = robot.home[others]
    filled = replace(
        whole,
        positions=rest,
        velocities=np.where(np.isin(np.arange(rest.shape[1]), arms), whole.velocities, 0.0),
        accelerations=np.where(np.isin(np.arange(rest.shape[1]), arms), whole.accelerations, 0.0),
    )
    assert to_motion(robot, some) == to_motion(robot, filled)


def test_locked_joints_may_have_been_recorded_too() -> None:
    robot = Robot.load('talos')
    q = np.tile(robot.home, (3, 1))
    locked = next(iter(robot.map.locked)).replace('*', 'x')
    more = still(
        robot,
        np.column_stack([q, np.ones(3)]),
        joint_names=(*robot.joint_names, locked),
    )
    assert to_motion(robot, more) == to_motion(robot, still(robot, q))


@pytest.mark.parametrize('count', [1, 40])
def test_who_stands_still_stands_still(count: int) -> None:
    robot = retargeter('g1').robot
    back = to_motion(robot, still(robot, np.tile(robot.home, (count, 1))))
    assert back.frames == count
    assert np.ptp(back.poses, axis=0).max() < 1e-5
    assert np.ptp(back.trans, axis=0).max() < 1e-5
    second = retargeter('g1').retarget(back, report=False)
    assert np.abs(second.positions - robot.home).mean() < 0.05


def test_any_times_become_thirty_frames_a_second() -> None:
    robot = retargeter('g1').robot
    whole = retargeter('g1').retarget(performed('wave'), report=False)
    times = np.sort(np.random.default_rng(0).uniform(0.1, whole.duration, 400))
    places, turns = whole.sample_root(times)
    q, v, a = whole.sample(times)
    uneven = replace(
        whole,
        time_from_start=times,
        source_time=times,
        positions=q,
        velocities=v,
        accelerations=a,
        root_position=places,
        root_orientation=turns,
    )
    back = to_motion(robot, uneven)
    assert back.frames == int((times[-1] - times[0]) * 30) + 1
    at = times[0] + np.arange(back.frames) / 30
    exact = whole.sample(at)[0]
    places, turns = whole.sample_root(at)
    same = replace(
        still(robot, exact), root_position=places, root_orientation=turns, source='wave'
    )
    assert np.allclose(back.poses, to_motion(robot, same).poses, atol=2e-3)


def _late(trajectory: Trajectory) -> Trajectory:
    times = trajectory.time_from_start.copy()
    times[2] = times[1]
    return replace(trajectory, time_from_start=times)


BAD: dict[str, tuple[Callable[[Trajectory], Trajectory], str]] = {
    'joint': (
        lambda t: replace(t, joint_names=('tail', *t.joint_names[1:])),
        "g1 has no joint 'tail': expected some of left_hip_pitch_joint",
    ),
    'twice': (
        lambda t: replace(t, joint_names=(t.joint_names[1], *t.joint_names[1:])),
        'or one twice: expected each once',
    ),
    'times': (_late, 'time_from_start does not increase at 0.067 s'),
    'long': (
        lambda t: replace(t, time_from_start=t.time_from_start * 1e9),
        'expected at most 3600',
    ),
    'root': (
        lambda t: replace(t, root_orientation=t.root_orientation * 0.0),
        'root_orientation at 0.033 s is no unit quaternion',
    ),
}


@pytest.mark.parametrize('case', BAD)
def test_what_is_wrong_is_named(case: str) -> None:
    robot = retargeter('g1').robot
    change, message = BAD[case]
    trajectory = change(still(robot, np.tile(robot.home, (4, 1))))
    with pytest.raises((BadRequest, MotionFormatError), match=message) as refused:
        to_motion(robot, trajectory)
    assert '\n' not in str(refused.value)
