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
"""Whole motions on the G1: limits, ends, approach, accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from people import leaning
import pytest
from samples import random_motion
import toy_robot

from l2emg_ros import corpus
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.ik import IkConfig
from l2emg_ros.retarget.report import evaluate, Report, violations
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import RootPlanner
from l2emg_ros.retarget.trajectory import Trajectory


@pytest.fixture(scope='module')
def g1() -> Robot:
    return Robot.load('g1')


@pytest.fixture(scope='module')
def made() -> list[Motion]:
    rng = np.random.default_rng(7)
    return [corpus.sample(rng).motion for _ in range(40)]


def accept(trajectory: Trajectory, robot: Robot) -> None:
    """What a controller asks for, checked here and by the trajectory itself."""
    trajectory.check(robot)
    assert violations(robot, trajectory) == 0
    assert trajectory.time_from_start[0] > 0
    assert np.all(np.diff(trajectory.time_from_start) > 0)
    assert np.all(np.diff(trajectory.source_time) >= 0)
    assert not trajectory.velocities[-1].any()
    assert not trajectory.accelerations[-1].any()
    assert np.linalg.norm(trajectory.root_orientation, axis=1) == pytest.approx(1.0)


def test_forty_made_motions(g1: Robot, made: list[Motion]) -> None:
    retargeter = Retargeter(g1)
    reports = []
    for motion in made:
        trajectory = retargeter.retarget(motion)
        accept(trajectory, g1)
        assert trajectory.source_time[-1] == pytest.approx(motion.duration, abs=1 / 29)
        assert trajectory.report is not None
        reports.append(trajectory.report)
    assert np.mean([report.stretch for report in reports]) <= 1.05
    total = Report.mean(reports)
    # Most of it is the way the hands are kept off the thighs.
    assert total['limb_error'] <= 18.0
    assert total['violations'] == total['jumps'] == 0
    assert total['penetration'] < 0.1
    assert max(report.stretch for report in reports) < 1.5


def test_the_same_motion_gives_the_same_trajectory(g1: Robot, made: list[Motion]) -> None:
    retargeter = Retargeter(g1)
    first = retargeter.retarget(made[0])
    retargeter.retarget(made[1])
    assert np.array_equal(retargeter.retarget(made[0]).positions, first.positions)


def test_a_mirrored_motion_gives_the_mirrored_trajectory(g1: Robot, made: list[Motion]) -> None:
    retargeter = Retargeter(g1)
    names = list(g1.joint_names)
    twin = [
        names.index(n.replace('left', '?').replace('right', 'left').replace('?', 'right'))
        for n in names
    ]
    sign = np.array([-1.0 if 'roll' in n or 'yaw' in n else 1.0 for n in names])
    solved = []
    for motion in (made[2], made[2].mirror()):
        retargeter.reset()
        solved.append(retargeter.solve(motion)[0])
    assert sign * solved[1][:, twin] == pytest.approx(solved[0], abs=1e-4)
    one = retargeter.retarget(made[2])
    other = retargeter.retarget(made[2].mirror())
    # Meshes of the two hands, which touch thighs here, are not quite mirror images.
    assert sign * other.positions[:, twin] == pytest.approx(one.positions, abs=0.08)


def test_approach_from_the_measured_pose(g1: Robot, made: list[Motion]) -> None:
    retargeter = Retargeter(g1)
    rng = np.random.default_rng(3)
    start = np.clip(g1.home + rng.normal(scale=0.3, size=29), g1.lower, g1.upper)
    plain, led = retargeter.retarget(made[0]), retargeter.retarget(made[0], start=start)
    accept(led, g1)
    first = int(np.flatnonzero(led.source_time > 0)[0])
    way = led.time_from_start[first - 1]
    distance = np.abs(start - plain.positions[0]).max()
    assert way == pytest.approx(max(0.5, distance / 0.5), abs=0.05)
    assert np.abs(led.positions[0] - start).max() < 0.01
    # Between the two ends it does not wander, and in the end it is the same motion.
    low = np.minimum(start, plain.positions[0]) - 0.05
    high = np.maximum(start, plain.positions[0]) + 0.05
    assert np.all((led.positions[: first - 5] >= low) & (led.positions[: first - 5] <= high))
    assert led.positions[-1] == pytest.approx(plain.positions[-1], abs=0.02)


def test_a_start_outside_the_limits_is_moved_inside(g1: Robot, made: list[Motion]) -> None:
    accept(Retargeter(g1).retarget(made[0], start=g1.upper + 0.02), g1)


@pytest.mark.parametrize('start', [np.zeros(5), np.full(29, np.nan)])
def test_bad_starts_are_refused(g1: Robot, made: list[Motion], start: np.ndarray) -> None:
    with pytest.raises(BadRequest, match='expected 29 finite joint angles'):
        Retargeter(g1).retarget(made[0], start=start)


@pytest.mark.parametrize('frames', [1, 2, 3, 4])
def test_shortest_motions(g1: Robot, made: list[Motion], frames: int) -> None:
    accept(Retargeter(g1).retarget(made[0].slice(0, frames)), g1)
    accept(Retargeter(g1).retarget(made[0].slice(0, frames), start=g1.home), g1)


@pytest.mark.parametrize('fps', [24.0, 60.0, 120.0])
def test_other_frame_rates(g1: Robot, made: list[Motion], fps: float) -> None:
    """Sampled more densely it is the same motion."""
    motion = made[3].resample(fps)
    trajectory = Retargeter(g1).retarget(motion)
    accept(trajectory, g1)
    reference = Retargeter(g1).retarget(made[3])
    assert trajectory.report is not None
    assert reference.report is not None
    assert trajectory.report.limb_error == pytest.approx(reference.report.limb_error, abs=1.5)
    assert trajectory.duration == pytest.approx(motion.duration, abs=0.3 + 1 / fps)


def test_violent_motions_are_slowed_down(g1: Robot) -> None:
    """No person moves like this; the robot must stay inside its limits all the same."""
    for seed in range(4):
        motion = random_motion(seed, frames=30)
        shaken = motion.replace(poses=np.clip(3.0 * motion.poses, -2.5, 2.5))
        trajectory = Retargeter(g1).retarget(shaken, start=g1.home)
        accept(trajectory, g1)
        assert trajectory.report is not None
        assert trajectory.report.stretch > 1.0


def test_fixed_root_bows_with_the_waist(g1: Robot) -> None:
    """On a stand the pelvis stays upright; the waist bends as far as it can."""
    bend = np.zeros((60, 22, 3))
    bend[:, 0, 0] = np.linspace(0.0, 0.4, 60)
    rotations = rotation.from_rotvec(bend)
    rotations[:, 0] = rotation.multiply(rotation.SMPL_TO_ROS_QUAT, rotations[:, 0])
    motion = Motion.from_rotations(rotations, np.tile([0.0, 0.0, 0.93], (60, 1)), 30.0)
    trajectory = Retargeter(g1, RetargetConfig(root='fixed')).retarget(motion)
    accept(trajectory, g1)
    assert trajectory.root_orientation == pytest.approx(
        np.tile([0, 0, 0, 1.0], (len(trajectory), 1))
    )
    assert np.ptp(trajectory.root_position, axis=0) == pytest.approx(0.0)
    waist = trajectory.positions[:, g1.joint_names.index('waist_pitch_joint')]
    assert waist[-1] - waist[0] == pytest.approx(0.4, abs=0.05)
    moving = Retargeter(g1).retarget(motion)
    turned = rotation.to_rotvec(moving.root_orientation[-1])
    # Some more than that: the feet come under the body, and the ankles bend no farther.
    assert turned == pytest.approx([0.0, 0.4, 0.0], abs=0.05)


def test_joint_groups_hold_the_others_still(g1: Robot, made: list[Motion]) -> None:
    retargeter = Retargeter(g1, RetargetConfig(joint_groups=('left_arm', 'waist_yaw_joint')))
    trajectory = retargeter.retarget(made[1])
    accept(trajectory, g1)
    free = g1.indices(['left_arm', 'waist_yaw_joint'])
    still = np.setdiff1d(np.arange(29), free)
    assert np.abs(trajectory.positions[:, still] - g1.home[still]).max() < 1e-4
    assert np.ptp(trajectory.positions[:, free], axis=0).max() > 0.05
    with pytest.raises(BadRequest, match="unknown joint group 'tail'"):
        Retargeter(g1, RetargetConfig(joint_groups=('tail',)))


def test_without_legs_the_root_stands_still(g1: Robot) -> None:
    """For whoever moves the legs meanwhile; the next motion moves everything again."""
    walk = corpus.synthesise('walk_guide', Emotion('calm').weights(), np.random.default_rng(0))
    retargeter = Retargeter(g1)
    trajectory = retargeter.retarget(walk, joint_groups=['upper_body'])
    accept(trajectory, g1)
    legs = g1.indices(['legs'])
    assert np.abs(trajectory.positions[:, legs] - g1.home[legs]).max() < 1e-4
    assert np.ptp(trajectory.root_position, axis=0).max() < 1e-4
    assert np.ptp(trajectory.root_orientation, axis=0).max() < 1e-9
    with pytest.raises(BadRequest, match="unknown joint group 'tail'"):
        retargeter.retarget(walk, joint_groups=['tail'])
    whole = retargeter.retarget(walk)
    assert np.ptp(whole.root_position, axis=0).max() > 0.5
    assert np.array_equal(whole.positions, Retargeter(g1).retarget(walk).positions)


def test_feet_stand_on_the_floor_and_do_not_slide(g1: Robot) -> None:
    """Someone who shifts the weight from leg to leg with both feet planted."""
    time = np.arange(90) / 30
    sway = 0.15 * np.sin(2 * np.pi * 0.5 * time)
    pose = np.zeros((90, 22, 3))
    for side in ('left', 'right'):
        pose[:, skeleton.index(f'{side}_hip'), 2] = sway
        pose[:, skeleton.index(f'{side}_ankle'), 2] = -sway
    rotations = rotation.from_rotvec(pose)
    rotations[:, 0] = rotation.SMPL_TO_ROS_QUAT
    motion = Motion.from_rotations(rotations, np.zeros((90, 3)), 30.0)
    feet = motion.joint_positions()[:, [skeleton.index('left_foot'), skeleton.index('right_foot')]]
    shift = -feet.mean(axis=1) + [0.0, 0.0, skeleton.FOOT_HEIGHT]
    motion = motion.replace(trans=shift)
    trajectory = Retargeter(g1).retarget(motion)
    accept(trajectory, g1)
    assert trajectory.report is not None
    assert trajectory.report.skate < 15.0
    assert trajectory.report.penetration < 0.1
    corners = RootPlanner(g1).corners(
        trajectory.positions, rotation.to_matrix(trajectory.root_orientation)
    )
    lowest = corners[..., 2].min(axis=(1, 2)) + trajectory.root_position[:, 2]
    assert np.abs(lowest).max() < 0.01


def test_legs_do_not_make_up_for_a_pelvis_that_trembles(g1: Robot) -> None:
    """A capture trembles; feet stand, so that the legs would tremble with it."""
    rng = np.random.default_rng(0)
    motion = leaning(np.zeros(60), np.zeros(60))
    noise = rng.normal(scale=0.004, size=(60, 3))
    shaken = motion.replace(trans=motion.trans + noise)
    legs = g1.indices(['legs'])

    def trembling(weight: float) -> float:
        trajectory = Retargeter(g1, RetargetConfig(root_smoothing=weight)).retarget(shaken)
        accept(trajectory, g1)
        return float(np.abs(np.diff(trajectory.positions[:60, legs], 3, axis=0)).mean())

    assert trembling(60.0) < 0.7 * trembling(0.0)


def test_arms_that_cannot_follow_do_not_swing_to_and_fro(g1: Robot) -> None:
    """Raised over the head, the shoulders at their limits: as near as they get, and at rest."""
    local = np.tile([0.0, 0.0, 0.0, 1.0], (80, 22, 1))
    local[:, 0] = rotation.SMPL_TO_ROS_QUAT
    share = np.minimum(np.linspace(0.0, 2.0, 80), 1.0)[:, None]
    for side, sign in (('left', 1.0), ('right', -1.0)):
        for joint, angle in (('shoulder', 1.5), ('collar', 0.25)):
            turn = rotation.from_rotvec(share * [0.0, 0.0, sign * angle])
            local[:, skeleton.index(f'{side}_{joint}')] = turn
    motion = Motion.from_rotations(local, np.tile([0.0, 0.0, 0.93], (80, 1)), 30.0)

    def swing(**ik: float) -> float:
        joints, _ = Retargeter(g1, RetargetConfig(ik=IkConfig(**ik))).solve(motion)
        return float(np.abs(np.diff(joints[-20:], axis=0)).max())

    assert swing() < 0.01
    assert swing(caution=0.0) > 0.1


def test_jumps_leave_the_floor(g1: Robot, made: list[Motion]) -> None:
    still = made[0].slice(0, 1)
    up = np.zeros((60, 3))
    up[20:40, 2] = 0.3 * np.sin(np.linspace(0, np.pi, 20))
    motion = Motion.concatenate([still] * 60)
    motion = motion.replace(trans=motion.trans + up)
    trajectory = Retargeter(g1).retarget(motion)
    rise = np.ptp(trajectory.root_position[:, 2])
    assert 0.15 < rise < 0.3


def test_report_sees_what_is_wrong(g1: Robot, made: list[Motion]) -> None:
    """The judge must not be blind: a distorted trajectory gets worse marks."""
    good = Retargeter(g1).retarget(made[4])
    assert good.report is not None
    bent = good.positions.copy()
    bent[:, g1.joint_names.index('left_elbow_joint')] -= 0.5
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__ if name != 'report'}
    worse = evaluate(g1, made[4], Trajectory(**{**fields, 'positions': bent}))
    assert worse.forearm > good.report.forearm + 5.0
    assert worse.limb_error > good.report.limb_error + 3.0
    sunk = good.root_position - [0.0, 0.0, 0.05]
    worse = evaluate(g1, made[4], Trajectory(**{**fields, 'root_position': sunk}))
    assert worse.penetration == pytest.approx(50.0, abs=1.0)
    slid = good.root_position + np.linspace(0, 1, len(good))[:, None] * [1.0, 0.0, 0.0]
    worse = evaluate(g1, made[4], Trajectory(**{**fields, 'root_position': slid}))
    assert worse.skate > good.report.skate + 50.0
    swung = good.positions.copy()
    legs = [g1.joint_names.index(f'{side}_hip_pitch_joint') for side in ('left', 'right')]
    swung[:, legs] -= 1.0
    low = good.root_position - [0.0, 0.0, 0.5]
    worse = evaluate(
        g1, made[4], Trajectory(**{**fields, 'positions': swung, 'root_position': low})
    )
    assert good.report.balance > 0.9
    assert worse.balance < 0.1
    fast = good.velocities * 50.0
    worse = evaluate(g1, made[4], Trajectory(**{**fields, 'velocities': fast}))
    assert worse.violations > 10


def test_a_robot_without_legs(tmp_path: Path) -> None:
    robot = Robot.load(toy_robot.write(tmp_path))
    motion = toy_robot.person(np.tile([0.5, -0.4, -0.9, -0.5, -0.4, -0.9], (20, 1)))
    for root in ('kinematic', 'fixed'):
        trajectory = Retargeter(robot, RetargetConfig(root=root)).retarget(motion)
        accept(trajectory, robot)
        assert trajectory.report is not None
        assert trajectory.report.limb_error < 10.0


@pytest.mark.slow
def test_real_motion_capture(g1: Robot, mocap_dir: Path) -> None:
    """The gate: every clip inside the limits, at its own pace, close to the person."""
    retargeter = Retargeter(g1)
    reports = []
    for path in sorted((mocap_dir / 'bandai1').glob('*.bvh')):
        trajectory = retargeter.retarget(Motion.load(path))
        accept(trajectory, g1)
        assert trajectory.report is not None
        reports.append(trajectory.report)
    assert len(reports) > 100
    total = Report.mean(reports)
    assert total['violations'] == 0
    assert total['stretch'] <= 1.05
    assert total['limb_error'] <= 16.0
    assert total['jumps'] == 0
