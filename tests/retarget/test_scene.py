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
"""Targets in space laid over motions: what is reached, where it stays, what is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_robot

from l2emg_ros.corpus import synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import limbs, rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.reaching import Arm, kept_out
from l2emg_ros.retarget.retargeter import RetargetConfig, Retargeter
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import RootPlanner
from l2emg_ros.retarget.scene import Scene, SceneTarget
from l2emg_ros.retarget.scene_report import judge, unreachable
from l2emg_ros.retarget.stream import StreamRetargeter
from l2emg_ros.retarget.targets import lead_in
from l2emg_ros.retarget.trajectory import Trajectory

HANDS = {'left_hand': 'l', 'right_hand': 'r'}
parse = SceneTarget.parse


@pytest.fixture(scope='module')
def retargeters() -> dict[str, Retargeter]:
    return {name: Retargeter(Robot.load(name)) for name in ('g1', 'talos')}


@pytest.fixture(scope='module')
def g1(retargeters: dict[str, Retargeter]) -> Retargeter:
    return retargeters['g1']


def standing(frames: int = 50, turn: float = 0.0, facing: float = 0.0) -> Motion:
    """Someone with hanging arms who stands and, if asked, turns to the left by ``turn`` rad."""
    local = np.tile([0.0, 0.0, 0.0, 1.0], (1, 22, 1))
    local[:, 0] = rotation.SMPL_TO_ROS_QUAT
    still = Motion.from_rotations(local, np.zeros((1, 3)), 30.0)
    low = still.joint_positions()[0, skeleton.index('left_foot'), 2]
    still = lead_in(still.replace(trans=np.array([[0.0, 0.0, skeleton.FOOT_HEIGHT - low]])))
    rotations = np.repeat(still.rotations[:1], frames, axis=0)
    yaw = np.linspace(facing, facing + turn, frames)[:, None] * [0.0, 0.0, 1.0]
    rotations[:, 0] = rotation.multiply(rotation.from_rotvec(yaw), rotations[:, 0])
    return Motion.from_rotations(rotations, np.repeat(still.trans[:1], frames, axis=0), 30.0)


def performed(gesture: str, frames: int = 75) -> Motion:
    motion = synthesise(gesture, Emotion('happy').weights(), np.random.default_rng(1))
    return motion.resample(30.0).slice(0, frames)


def size(robot: Robot, side: str) -> tuple[np.ndarray, float]:
    """Shoulder (3,) m in the frame of targets, and length of the arm to its gripper."""
    home, lengths = robot.home_points(), robot.limb_lengths()
    axes = robot.map.links['base_link'].axes
    hand = np.linalg.norm(
        home.get(f'{side}_gripper', home[f'{side}_wrist']) - home[f'{side}_wrist']
    )
    length = lengths[f'{side}_elbow'] + lengths[f'{side}_wrist'] + hand
    return axes.T @ home[f'{side}_shoulder'], float(length)


def world(robot: Robot, trajectory: Trajectory, keys: Sequence[str]) -> list[np.ndarray]:
    """Where links are (T, 3) m, seen from where the robot stood in its first sample."""
    points, _ = robot.places(keys, trajectory.positions)
    root = rotation.to_matrix(trajectory.root_orientation)
    at = np.einsum('tij,tkj->tki', root, points) + trajectory.root_position[:, None]
    at -= [*trajectory.root_position[0, :2], RootPlanner(robot).fixed(1)[0, 2]]
    first = limbs.heading(root[0] @ robot.map.links['base_link'].axes)
    return list(np.swapaxes(at @ first, 0, 1))


def in_front(robot: Robot, side: str, rng: np.random.Generator) -> np.ndarray:
    """A point in front of the chest within reach of an arm."""
    shoulder, length = size(robot, side)
    outward = 1.0 if side == 'l' else -1.0
    way = np.array([1.0, outward * rng.uniform(-0.3, 0.8), rng.uniform(-0.7, 0.4)])
    return shoulder + rng.uniform(0.6, 0.9) * length * way / np.linalg.norm(way)


@pytest.mark.parametrize('hand', HANDS)
@pytest.mark.parametrize('name', ['g1', 'talos'])
def test_points_in_front_of_the_chest_are_reached(
    retargeters: dict[str, Retargeter], name: str, hand: Any
) -> None:
    retargeter, side = retargeters[name], HANDS[hand]
    robot, rng = retargeter.robot, np.random.default_rng(5)
    for kind in ('reach', 'hand_over', 'reach'):
        point = in_front(robot, side, rng)
        target = SceneTarget(kind, tuple(point), hand)  # type: ignore[arg-type]
        trajectory = retargeter.retarget(standing(), report=False, targets=[target])
        trajectory.check(robot)
        (gripper,) = world(robot, trajectory, [f'{side}_gripper'])
        miss = np.linalg.norm(gripper - point, axis=1)
        # There it is, and there it stays.
        assert miss[-5:].max() < 0.03
        assert miss[0] > 0.1
        (answer,) = judge(robot, trajectory, [target])
        assert answer.met
        assert answer.limb == hand
        assert answer.miss == pytest.approx(miss.min(), abs=1e-6)
        assert unreachable(robot, target) is None


@pytest.mark.parametrize('name', ['g1', 'talos'])
def test_points_out_of_reach_are_approached_and_told(
    retargeters: dict[str, Retargeter], name: str
) -> None:
    retargeter = retargeters[name]
    robot = retargeter.robot
    shoulder, length = size(robot, 'l')
    for beyond in (0.3, 2.0):
        way = np.array([1.0, 0.2, 0.1])
        point = shoulder + (length + beyond) * way / np.linalg.norm(way)
        target = SceneTarget('reach', tuple(point), 'left_hand')
        trajectory = retargeter.retarget(standing(), report=False, targets=[target])
        trajectory.check(robot)
        (answer,) = judge(robot, trajectory, [target])
        assert not answer.met
        # The shoulder of TALOS comes forward with the arm.
        assert answer.miss == pytest.approx(beyond, abs=0.09 if name == 'talos' else 0.03)
        told = f'unreachable: {answer.miss:.2f} m short'
        assert told in str(answer)
        assert f'the arm of {name} is {length:.2f} m long' in str(answer)
        before = unreachable(robot, target)
        assert before is not None
        assert 'unreachable' in before
        assert f'the arm of {name} is' in before


def test_the_body_is_no_place_to_reach(g1: Retargeter) -> None:
    target = parse('reach 0 0 0.25 limb=left_hand')
    told = unreachable(g1.robot, target)
    assert told is not None
    assert 'm long' not in told


@pytest.mark.parametrize('hand', HANDS)
@pytest.mark.parametrize('name', ['g1', 'talos'])
def test_pointing_in_many_directions(
    retargeters: dict[str, Retargeter], name: str, hand: Any
) -> None:
    robot = retargeters[name].robot
    shoulder, _ = size(robot, HANDS[hand])
    outward = 1.0 if hand == 'left_hand' else -1.0
    for yaw in (-0.4, 0.2, 0.9):
        for pitch in (-0.6, 0.0, 0.5):
            way = [np.cos(yaw) * np.cos(pitch), outward * np.sin(yaw), np.sin(pitch)]
            target = SceneTarget('point_at', tuple(shoulder + 2.5 * np.array(way)), hand)
            assert unreachable(robot, target) is None


def test_pointing_is_a_straight_arm_that_stops_before_the_point(g1: Retargeter) -> None:
    for distance in (3.0, 0.45):
        shoulder, length = size(g1.robot, 'r')
        point = shoulder + distance * np.array([0.8, -0.6, 0.0])
        target = SceneTarget('point_at', tuple(point), 'right_hand')
        trajectory = g1.retarget(standing(), report=False, targets=[target])
        start, hand = (at[-1] for at in world(g1.robot, trajectory, ['r_shoulder', 'r_gripper']))
        along = (hand - start) @ (point - start) / np.linalg.norm(point - start)
        assert np.linalg.norm(hand - start) * np.cos(0.1) < along
        if distance > 1.0:
            assert along > 0.95 * length
        else:
            assert along < distance - 0.04


@pytest.mark.parametrize('name', ['g1', 'talos'])
def test_looking(retargeters: dict[str, Retargeter], name: str) -> None:
    robot = retargeters[name].robot
    for yaw in (-0.8, 0.5):
        point = (3.0 * np.cos(yaw), 3.0 * np.sin(yaw), 0.3)
        target = SceneTarget('look_at', point)
        trajectory = retargeters[name].retarget(standing(), report=False, targets=[target])
        trajectory.check(robot)
        (answer,) = judge(robot, trajectory, [target])
        assert answer.met
        assert answer.limb == ('head' if name == 'talos' else 'trunk')
        key = 'gaze' if name == 'talos' else 'torso'
        forward = robot.places([key], trajectory.positions)[1][-1, 0, :, 0]
        forward = rotation.apply(trajectory.root_orientation[-1], forward)
        assert np.arctan2(forward[1], forward[0]) == pytest.approx(yaw, abs=0.2)
    behind = unreachable(robot, SceneTarget('look_at', (-2.0, 0.1, 0.3)))
    assert behind is not None
    assert 'degrees off' in behind


def test_avoiding_keeps_the_arm_out(g1: Retargeter) -> None:
    motion = performed('hug')
    target = parse('avoid 0.2 0.2 0.05 radius=0.1')
    free = judge(g1.robot, g1.retarget(motion, report=False), [target])[0]
    assert free.miss > 0.04
    assert 'inside' in str(free)
    trajectory = g1.retarget(motion, report=False, targets=[target])
    trajectory.check(g1.robot)
    (answer,) = judge(g1.robot, trajectory, [target])
    assert answer.met
    points = world(g1.robot, trajectory, ['l_elbow', 'l_wrist', 'l_gripper'])
    late = trajectory.source_time > 0.5
    assert min(np.linalg.norm(at - target.point, axis=1)[late].min() for at in points) > 0.1
    # Only the arm that is named makes way.
    other = parse('avoid 0.2 0.2 0.05 radius=0.1 limb=right_hand')
    assert (
        judge(g1.robot, g1.retarget(motion, report=False, targets=[other]), [target])[0].miss > 0
    )


def test_a_hand_through_the_middle_of_a_sphere_goes_round_it() -> None:
    """Pushed from one side of it to the other it would jump."""
    arm = Arm(upper=0.3, fore=0.3, grip=np.zeros(3), tips=0.1, thick=0.0)
    shoulder, up = np.zeros((81, 3)), np.tile([0.0, 0.0, 1.0], (81, 1))
    middle, radius = np.tile([0.4, 0.0, 0.0], (81, 1)), np.full(81, 0.08)
    wrist = middle + np.linspace(-0.2, 0.2, 81)[:, None] * [0.0, 1.0, 0.0]
    elbow, wrist = limbs.two_bones(shoulder, wrist, -up, (0.3, 0.3), (0.999, 1.0))
    along = limbs.unit(wrist - elbow)
    bent, moved, swing = kept_out(arm, (shoulder, elbow, wrist), along, middle, radius, (up, -up))
    assert np.linalg.norm(wrist - middle, axis=1).min() < 1e-3
    assert np.linalg.norm(np.diff(moved, axis=0), axis=1).max() < 0.03
    tips = moved + 0.1 * limbs.turn(swing, along)
    for at in (moved, tips, (bent + moved) / 2):
        assert np.linalg.norm(at - middle, axis=1).min() > 0.08
    assert np.linalg.norm(bent, axis=1) == pytest.approx(0.3)
    assert np.linalg.norm(moved - bent, axis=1) == pytest.approx(0.3)
    # The hand goes on as it did, and what is far away is left alone.
    assert limbs.turn(swing, along) == pytest.approx(limbs.unit(moved - bent), abs=1e-9)
    assert moved[[0, -1]] == pytest.approx(wrist[[0, -1]], abs=1e-9)


def test_limbs_keep_their_length(g1: Retargeter) -> None:
    """On the way too: directions are blended, not places; a hand that makes way keeps its bend."""
    robot, lengths, motion = g1.robot, g1.robot.limb_lengths(), performed('cheer')
    targets = [
        parse('reach 0.1 0.4 0.6 limb=left_hand duration=2'),
        parse('look_at 1 1 0.3'),
        parse('avoid 0.1 -0.25 0.5 radius=0.1'),
    ]
    bends = []
    for scene in (None, Scene(robot, targets)):
        g1.reset()
        built = g1.builder.build(motion, g1.stance, scene=scene)
        at = dict(zip(g1.builder.points, np.swapaxes(built.points, 0, 1), strict=True))
        for side in 'lr':
            fore = np.linalg.norm(at[f'{side}_wrist'] - at[f'{side}_elbow'], axis=1)
            # Hands that are kept out of the body, after all, may stretch a little.
            assert np.median(np.abs(fore - lengths[f'{side}_wrist'])) < 1e-9
            assert np.abs(fore - lengths[f'{side}_wrist']).max() < 0.05
        fingers = built.orientations[:, g1.builder.parts.index('r_gripper'), :, 0]
        bends.append((fingers * limbs.unit(at['r_wrist'] - at['r_elbow'])).sum(axis=1))
        bends.append(at['r_wrist'])
    assert np.abs(bends[3] - bends[1]).max() > 0.05
    assert bends[2] == pytest.approx(bends[0], abs=1e-6)


def test_handing_over_is_done_with_the_palm_up(g1: Retargeter) -> None:
    target = parse('hand_over 0.28 -0.12 0.15 limb=right_hand')
    trajectory = g1.retarget(standing(), report=False, targets=[target])
    _, axes = g1.robot.places(['r_gripper'], trajectory.positions[-1:])
    fingers, _, palm = axes[0, 0].T
    assert palm[2] > 0.8
    assert fingers[0] > 0.7
    elbow, shoulder = (at[-1] for at in world(g1.robot, trajectory, ['r_elbow', 'r_shoulder']))
    assert elbow[2] < shoulder[2] - 0.1


@pytest.mark.parametrize('root', ['kinematic', 'fixed'])
def test_chunks_of_any_size_give_what_the_whole_gives(g1: Retargeter, root: Any) -> None:
    motion = performed('turn_left', 60)
    targets = [
        parse('reach 0.25 0.15 0.2 start=0.2 duration=1.2'),
        parse('point_at 1 -1 0.4 limb=right_hand start=0.3'),
        parse('look_at 2 1 0.5 start=0.1 duration=1.5'),
        parse('avoid 0.2 0.2 0.1 radius=0.1 start=0.4'),
    ]
    whole, pieces = (Retargeter(g1.robot, RetargetConfig(root=root)) for _ in range(2))
    joints, turns = whole.solve(motion, scene=whole.scene(targets))
    plain, _ = Retargeter(g1.robot, RetargetConfig(root=root)).solve(motion)
    assert np.abs(joints - plain).max() > 0.3
    scene = pieces.scene(targets)
    assert scene is not None
    for cuts in ([1, 2, 9, 31, 60], range(1, 61)):
        pieces.reset()
        scene.reset()
        ends = zip([0, *list(cuts)[:-1]], cuts, strict=True)
        parts = [pieces.solve(motion.slice(*pair), scene=scene) for pair in ends]
        assert np.concatenate([part[0] for part in parts]) == pytest.approx(joints, abs=1e-9)
        assert np.concatenate([part[1] for part in parts]) == pytest.approx(turns, abs=1e-9)


@pytest.mark.parametrize('facing', [0.0, -2.0])
def test_the_target_stays_where_it_is_when_the_person_turns(g1: Retargeter, facing: float) -> None:
    motion = standing(80, turn=0.8, facing=facing)
    motion = motion.replace(trans=motion.trans + np.array([1.5, -2.0, 0.0]))
    target = parse('reach 0.28 -0.1 0.2 limb=right_hand')
    trajectory = g1.retarget(motion, report=False, targets=[target])
    trajectory.check(g1.robot)
    turned = rotation.to_rotvec(trajectory.root_orientation[-1])[2]
    assert turned == pytest.approx(facing + 0.8, abs=0.05)
    (gripper,) = world(g1.robot, trajectory, ['r_gripper'])
    late = trajectory.source_time > 0.6
    assert np.linalg.norm(gripper - target.point, axis=1)[late].max() < 0.03
    assert judge(g1.robot, trajectory, [target])[0].met


def test_the_target_stays_where_it_is_when_the_person_walks(g1: Retargeter) -> None:
    motion = performed('walk_guide', 90)
    target = parse('point_at 1.5 1 0.3 limb=left_hand')
    trajectory = g1.retarget(motion, report=False, targets=[target])
    trajectory.check(g1.robot)
    shoulder, hand = world(g1.robot, trajectory, ['l_shoulder', 'l_gripper'])
    assert shoulder[-1, 0] > 1.0
    arm, way = limbs.unit(hand - shoulder), limbs.unit(np.array(target.point) - shoulder)
    late = trajectory.source_time > 0.8
    assert np.arccos((arm * way).sum(axis=1))[late].max() < 0.15


def test_a_fixed_root_does_not_turn_with_the_person(g1: Retargeter) -> None:
    retargeter = Retargeter(g1.robot, RetargetConfig(root='fixed'))
    target = parse('reach 0.28 -0.1 0.2 limb=right_hand')
    trajectory = retargeter.retarget(standing(60, turn=0.8), report=False, targets=[target])
    (gripper,) = world(g1.robot, trajectory, ['r_gripper'])
    late = trajectory.source_time > 0.6
    assert np.linalg.norm(gripper - target.point, axis=1)[late].max() < 0.03
    assert unreachable(g1.robot, target, root='fixed') is None


@pytest.mark.parametrize(
    ('gesture', 'most'), [('bow', 0.01), ('dance', 0.03), ('walk_guide', 0.06)]
)
def test_the_root_is_where_the_trajectory_has_it(
    g1: Retargeter, monkeypatch: pytest.MonkeyPatch, gesture: str, most: float
) -> None:
    motion = performed(gesture)
    trajectory = g1.retarget(motion, report=False)
    known: list[np.ndarray] = []
    place = RootPlanner.place

    def spy(self: RootPlanner, *args: Any) -> np.ndarray:
        known.append(place(self, *args))
        return known[-1]

    monkeypatch.setattr(RootPlanner, 'place', spy)
    g1.reset()
    g1.solve(motion, g1.config.root_smoothing, g1.scene([parse('look_at 1 0 0')]))
    frames = trajectory.source_time * motion.fps
    expected = known[0][np.clip(np.rint(frames).astype(int), 0, motion.frames - 1)]
    found = trajectory.root_position - [*trajectory.root_position[0, :2], 0.0]
    assert np.linalg.norm(found - expected, axis=1).max() < most


def test_legs_that_do_not_follow(g1: Retargeter) -> None:
    retargeter = Retargeter(g1.robot, RetargetConfig(joint_groups=('upper_body',)))
    motion, target = performed('walk_guide'), parse('reach 0.25 0.15 0.2 limb=left_hand')
    trajectory = retargeter.retarget(motion, report=False, targets=[target])
    (gripper,) = world(g1.robot, trajectory, ['l_gripper'])
    late = trajectory.source_time > 0.6
    assert np.linalg.norm(gripper - target.point, axis=1)[late].max() < 0.03


def test_the_way_to_the_first_pose_is_not_the_motion(g1: Retargeter) -> None:
    target = parse('reach 0.25 0.15 0.2 limb=left_hand start=0.2')
    start = np.clip(g1.robot.home + 0.4, g1.robot.lower, g1.robot.upper)
    trajectory = g1.retarget(standing(), start, report=False, targets=[target])
    trajectory.check(g1.robot)
    (answer,) = judge(g1.robot, trajectory, [target])
    assert answer.met
    assert answer.time > trajectory.time_from_start[trajectory.source_time > 0.2][0]


def test_without_targets_nothing_changes(g1: Retargeter) -> None:
    motion = performed('wave', 45)
    plain = g1.retarget(motion, report=False)
    for targets in ([], [parse('reach 0.3 0.1 0.2 start=30')]):
        same = g1.retarget(motion, report=False, targets=targets)
        assert np.array_equal(same.positions, plain.positions)
        assert np.array_equal(same.root_position, plain.root_position)
    (answer,) = judge(g1.robot, plain, [parse('reach 0.3 0.1 0.2 start=30')])
    assert not answer.met
    assert str(answer).endswith('not done, the motion ends at 1.5 s')


def test_afterwards_the_motion_goes_on(g1: Retargeter) -> None:
    motion = performed('wave', 75)
    target = parse('reach 0.25 0.15 0.2 limb=left_hand start=0.2 duration=1')
    g1.reset()
    plain, _ = g1.solve(motion)
    g1.reset()
    joints, _ = g1.solve(motion, scene=g1.scene([target]))
    off = np.abs(joints - plain).max(axis=1)
    assert joints[:7] == pytest.approx(plain[:7], abs=1e-9)
    assert off[20] > 0.3
    assert off[-10:].max() < 0.05


def test_either_hand_is_the_one_on_that_side(g1: Retargeter) -> None:
    for y, hand in ((0.15, 'left_hand'), (-0.15, 'right_hand')):
        target = SceneTarget('reach', (0.25, y, 0.2))
        trajectory = g1.retarget(standing(), report=False, targets=[target])
        assert judge(g1.robot, trajectory, [target])[0].limb == hand
    both = [parse('reach 0.25 0.15 0.2'), parse('point_at 2 0.5 0.2'), parse('look_at 2 0 0.4')]
    trajectory = g1.retarget(standing(), report=False, targets=both)
    answers = judge(g1.robot, trajectory, both)
    assert [answer.limb for answer in answers] == ['left_hand', 'right_hand', 'trunk']
    assert all(answer.met for answer in answers)
    # The hand that is free, although the point is on the other side.
    busy = [parse('reach 0.2 0.05 0.2'), parse('reach 0.25 0.2 0.1 limb=left_hand start=1')]
    trajectory = g1.retarget(standing(), report=False, targets=busy)
    assert judge(g1.robot, trajectory, busy)[0].limb == 'right_hand'


@pytest.mark.parametrize(
    ('texts', 'message'),
    [
        (
            ['reach 0.3 0.2 0.1 limb=left_hand', 'point_at 1 0 0 limb=left_hand start=1'],
            r'reach \(0.30, 0.20, 0.10\) and point_at \(1.00, 0.00, 0.00\) both want left_hand',
        ),
        (['look_at 1 0 0', 'look_at 1 1 0'], 'both want head at the same time'),
        (['reach 0.3 0.2 0.1', 'reach 0.3 0 0.1', 'point_at 1 0 0'], 'no hand is free'),
        (
            [
                'reach 0.3 0.2 0.1 duration=9',
                'reach 0.3 0 0.1 duration=1 limb=left_hand',
                'point_at 1 0 0 start=5 limb=right_hand',
            ],
            'overlap and no hand is free',
        ),
        (['look_at 1 0 0'] * 17, 'there are 17 targets: expected at most 16'),
    ],
)
def test_targets_that_get_in_each_other_s_way(
    g1: Retargeter, texts: list[str], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        g1.retarget(standing(3), targets=[parse(text) for text in texts])


def test_targets_one_after_the_other(g1: Retargeter) -> None:
    texts = ['reach 0.3 0.2 0.1 limb=left_hand duration=1', 'reach 0.3 0.1 0.1 start=1']
    texts += ['avoid 1 0 0 radius=0.1 limb=left_hand', 'avoid 1 1 0 radius=0.1']
    assert g1.scene([parse(text) for text in texts]) is not None
    assert g1.scene([]) is None


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'kind': 'grasp'}, "kind is 'grasp': expected one of point_at, look_at, reach"),
        ({'kind': ['reach']}, r"kind is \['reach'\]"),
        ({'point': (0.1, 0.2)}, r'point of reach is \(0.1, 0.2\): expected three finite numbers'),
        ({'point': (0.1, np.nan, 0.2)}, 'expected three finite numbers'),
        ({'point': 'abc'}, "point of reach is 'abc': expected three finite numbers"),
        ({'point': (100.0, 1.0, 0.0)}, 'point of reach is 100.005 m away: expected at most 100'),
        ({'limb': 'tail'}, "limb of .* is 'tail': expected one of left_hand, right_hand, either"),
        ({'limb': 'head'}, 'is head: expected left_hand, right_hand or either'),
        ({'kind': 'look_at', 'limb': 'left_hand'}, 'is left_hand: expected head'),
        ({'kind': 'avoid', 'limb': 'head', 'radius': 0.1}, 'is head: expected left_hand'),
        ({'kind': 'avoid'}, 'radius of avoid is 0: expected more than 0'),
        ({'kind': 'avoid', 'radius': -1.0}, 'is -1: expected more than 0'),
        ({'radius': 0.1}, 'is 0.1: only avoid has one'),
        ({'radius': np.inf}, 'radius of reach is inf: expected a finite number'),
        ({'start': -0.1}, 'start of reach .* is -0.1: expected 0 s or more'),
        ({'start': np.nan}, 'start of reach is nan: expected a finite number'),
        ({'duration': -2.0}, 'duration of reach .* is -2: expected 0 s or more'),
        ({'duration': None}, 'duration of reach is None: expected a finite number'),
    ],
)
def test_bad_targets_are_refused(change: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {'kind': 'reach', 'point': (0.3, 0.2, 0.1), **change}
    with pytest.raises(BadRequest, match=message):
        SceneTarget(**fields)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'expected KIND X Y Z'),
        ('reach 0.3 0.2', "target 'reach 0.3 0.2': expected KIND X Y Z"),
        ('reach 0.3 zwei 0.1', "y of target .* is 'zwei': expected a number"),
        ('reach 0.3 0.2 0.1 left_hand', "has 'left_hand': expected KIND X Y Z, then limb="),
        ('reach 0.3 0.2 0.1 speed=2', "has 'speed=2'"),
        ('reach 0.3 0.2 0.1 start=1 start=2', 'has start twice'),
        ('reach 0.3 0.2 0.1 start=soon', "start of target .* is 'soon': expected a number"),
        ('reach 0.3 0.2 nan', 'expected three finite numbers'),
        ('hold 0.3 0.2 0.1', "kind is 'hold'"),
    ],
)
def test_bad_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        parse(text)


def test_texts() -> None:
    target = parse('point_at 1.5 0.4 1.2 limb=left_hand start=0.5 duration=2')
    assert target == SceneTarget('point_at', (1.5, 0.4, 1.2), 'left_hand', 0.0, 0.5, 2.0)
    assert parse('look_at 1 0 0').limb == 'head'
    assert parse('reach 1 0 0').limb == 'either'
    assert str(parse('avoid 0.3 0.2 0.1 radius=0.15')) == 'avoid (0.30, 0.20, 0.10) radius 0.15'
    assert SceneTarget('reach', np.array([1, 2, 3])).point == (1.0, 2.0, 3.0)  # type: ignore[arg-type]


def test_weights_rise_and_fall_smoothly() -> None:
    times = np.arange(0.0, 4.0, 0.001)
    for text, ramp in (('start=0.5 duration=2', 0.5), ('start=1 duration=0.6', 0.3)):
        target = parse(f'reach 0.3 0.2 0.1 {text}')
        weight = target.weight(times)
        inside = (times > target.start) & (times < target.end)
        assert not weight[~inside].any()
        assert weight.max() == pytest.approx(1.0, abs=1e-6)
        assert np.abs(np.diff(weight)).max() < 1.9e-3 / ramp
    assert parse('reach 0.3 0.2 0.1').weight(np.array([0.0, 0.5, 9.0])).tolist() == [0.0, 1.0, 1.0]


def test_answers_are_one_plain_line(g1: Retargeter) -> None:
    targets = [
        parse('reach 0.25 0.15 0.2 limb=left_hand duration=1.6'),
        parse('point_at 2 -1 0.4'),
        parse('avoid 1 1 0 radius=0.1'),
    ]
    trajectory = g1.retarget(standing(), report=False, targets=targets)
    told = [str(answer) for answer in judge(g1.robot, trajectory, targets)]
    assert told[0].startswith('reach (0.25, 0.15, 0.20) with left_hand: reached within ')
    assert ' mm at ' in told[0]
    assert told[1].startswith('point_at (2.00, -1.00, 0.40) with right_hand: pointing within ')
    assert 'with both arms: ' in told[2]
    assert ' away at ' in told[2]
    assert not any('\n' in line for line in told)


@pytest.mark.parametrize('name', ['icub', 'romeo', 'simple_humanoid'])
def test_other_robots(name: str) -> None:
    """A root link that looks backwards, hands without a link of their own."""
    robot = Robot.load(name)
    rng = np.random.default_rng(2)
    for hand, side in HANDS.items():
        point = in_front(robot, side, rng)
        assert unreachable(robot, SceneTarget('reach', tuple(point), hand)) is None  # type: ignore[arg-type]


def test_a_robot_without_legs(tmp_path: Path) -> None:
    robot = Robot.load(toy_robot.write(tmp_path))
    motion = toy_robot.person(np.tile([0.5, -0.4, -0.9, -0.5, -0.4, -0.9], (40, 1)))
    target = parse('reach 0.35 0.2 0.3 limb=left_hand')
    for root in ('kinematic', 'fixed'):
        retargeter = Retargeter(robot, RetargetConfig(root=root))  # type: ignore[arg-type]
        trajectory = retargeter.retarget(motion, targets=[target])
        trajectory.check(robot)
        assert judge(robot, trajectory, [target])[0].met


def test_a_stream_reaches_from_where_the_robot_faces(g1: Retargeter) -> None:
    robot = g1.robot
    stream = StreamRetargeter(robot)
    # The first motion leaves the robot turned to the left.
    stream.push(standing(40, turn=0.7), last=True, now=0.0)
    faces = stream.root_state(9.0)
    target = parse('reach 0.28 -0.1 0.2 limb=right_hand')
    motion = standing(60)
    with pytest.raises(BadRequest, match='both want right_hand'):
        stream.push(motion.slice(0, 20), last=False, now=9.0, targets=[target, target])
    stream.push(motion.slice(0, 20), last=False, now=9.0, targets=[target])
    with pytest.raises(BadRequest, match='targets come late'):
        stream.push(motion.slice(20, 40), last=False, now=9.1, targets=[target])
    trajectory = stream.push(motion.slice(20, 60), last=True, now=9.1)
    trajectory.check(robot)
    points, _ = robot.places(['r_gripper'], trajectory.positions[-1:])
    turn = rotation.to_matrix(trajectory.root_orientation[-1])
    gripper = trajectory.root_position[-1] + turn @ points[0, 0]
    start = np.array([*faces[0][:2], RootPlanner(robot).fixed(1)[0, 2]])
    expected = start + limbs.heading(rotation.to_matrix(faces[1])) @ target.point
    assert np.linalg.norm(gripper - expected) < 0.03
    # A motion that follows is free of it.
    trajectory = stream.push(motion, last=True, now=30.0)
    points, _ = robot.places(['r_gripper'], trajectory.positions[-1:])
    assert points[0, 0, 2] < 0.1
