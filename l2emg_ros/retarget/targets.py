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

"""What a human pose asks of a robot: its bone directions with the robot's own limb lengths.

All targets are relative to the robot's root link, in its frame. There is no table of scales: a
limb keeps the direction it has in the person and the length it has in the URDF; feet that stand
stay where they came down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion import limbs, rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget.clearance import clear
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import footing
from l2emg_ros.retarget.stance import Stance, steadied
from l2emg_ros.retarget.sway import Masses
from l2emg_ros.retarget.track import smooth, smooth_turns

if TYPE_CHECKING:
    from l2emg_ros.retarget.scene import Scene

Array = NDArray[np.float64]
Root = Literal['kinematic', 'fixed']

_SIDES = {'l': 'left', 'r': 'right'}
# How far the knee of a straight leg is taken to point forward, m.
_FORWARD = 0.02
# What the place of an ankle in the air counts against that of a standing one: in the air the foot
# should rather point where the person's does, as far as the ankle turns.
_IN_THE_AIR = 0.05
# Shares of the length of a leg where pulling it in starts and ends.
_REACH = (0.985, 0.999)
# Robot point -> the point before it in the chain, and the human bone that gives the direction.
_BONES = {
    'elbow': ('shoulder', 'shoulder', 'elbow'),
    'wrist': ('elbow', 'elbow', 'wrist'),
    'knee': ('hip', 'hip', 'knee'),
    'ankle': ('knee', 'knee', 'ankle'),
}
# Link -> human joint whose orientation it takes.
PARTS = {
    'base_link': 'pelvis',
    'torso': 'spine3',
    'gaze': 'head',
    'l_sole': 'left_ankle',
    'r_sole': 'right_ankle',
    'l_gripper': 'left_wrist',
    'r_gripper': 'right_wrist',
}
# Columns: forward, left, up of a human part at rest, in SMPL axes (x left, y up, z forward). A
# hand has fingers, palm x fingers, palm instead: in the T pose the palms look down.
_BODY_AXES = rotation.SMPL_TO_ROS.T
_HAND_AXES = {
    'l_gripper': np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]).T,
    'r_gripper': np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, -1.0, 0]]).T,
}


def rest_axes(key: str) -> Array:
    """Return the axes of a human part at rest, in SMPL axes, by the neutral name of its link.

    Columns (3, 3): forward, left, up; of hands fingers, palm x fingers, palm.
    """
    return _HAND_AXES.get(key, _BODY_AXES)


@dataclass(frozen=True)
class Targets:
    """What T frames of a motion ask for.

    Attributes:
        points: (T, K, 3) m, for `Builder.points`, from the root link in the frame of the root.
        weights: (T, K) in [0, 1], what each point counts against other frames.
        orientations: (T, M, 3, 3), for `Builder.parts`: where each link's own forward, left and up
            (fingers, palm x fingers, palm) should lie in the frame of the root.
        root: (T, 3, 3) orientation of the root link in the world.
    """

    points: Array
    weights: Array
    orientations: Array
    root: Array

    def __len__(self) -> int:
        return len(self.points)

    def frame(self, row: int) -> tuple[Array, Array, Array]:
        """Return points, weights and orientations of a frame."""
        return self.points[row], self.weights[row], self.orientations[row]


class Builder:
    """Turns motions into targets for one robot.

    Attributes:
        points: Neutral names of the target points, in order.
        parts: Neutral names of the oriented links, in order, without the root.
    """

    def __init__(self, robot: Robot, root: Root = 'kinematic') -> None:
        """Read what is fixed from the robot.

        Args:
            robot: The robot.
            root: 'kinematic': the root link follows the human pelvis. 'fixed': it stays upright
                and faces where the person faces, as on a stand; trunk and limbs keep their
                directions in the world as far as the joints allow.
        """
        self.robot = robot
        self.root: Root = root
        joints = ('elbow', 'wrist', *(('knee', 'ankle') if robot.map.has_legs else ()))
        self.points = tuple(f'{side}_{limb}' for limb in joints for side in _SIDES)
        links = robot.map.links
        self.parts = tuple(key for key in PARTS if key in links and key != 'base_link')
        self._lengths = robot.limb_lengths()
        home = robot.home_points()
        self._torso_at = home['torso']
        # Shoulders are fixed to the torso, hips to the root.
        upright = robot.home_axes('torso').T
        self._sockets = {
            f'{side}_shoulder': upright @ (home[f'{side}_shoulder'] - home['torso'])
            for side in _SIDES
        }
        self._sockets |= {
            f'{side}_hip': home[f'{side}_hip'] for side in _SIDES if f'{side}_hip' in home
        }
        self._axes = robot.map.links['base_link'].axes
        if robot.map.has_legs:
            hips = self._sockets['l_hip'], self._sockets['r_hip']
            self._between = (hips[0] + hips[1]) / 2
            self._scale = robot.leg_scale()

    def build(
        self,
        motion: Motion,
        stance: Stance | None = None,
        steady: float = 0.0,
        exact: bool = False,
        scene: Scene | None = None,
    ) -> Targets:
        """Return the targets of every frame.

        Args:
            motion: Any frame rate.
            stance: Knows the feet of the frames before; None: there are none.
            steady: Weight of the jerk of the pelvis against its distance from the person's: what
                a capture trembles is not handed on to the legs, whose feet stand; above 0 flat
                feet turn less, too (`stance.steadied`).
            exact: Whether every bone keeps exactly the direction of the person. Else the hands are
                kept out of the body and standing feet where they stand.
            scene: Lays targets in space over the motion; None: there are none.
        """
        positions = motion.joint_positions()
        joints = [skeleton.index(PARTS[key]) for key in ('base_link', *self.parts)]
        matrices = rotation.to_matrix(motion.joint_orientations()[:, joints])
        # Part axes in the world: human rotation times the part's rest axes.
        parts = {
            key: matrices[:, number] @ rest_axes(key)
            for number, key in enumerate(('base_link', *self.parts))
        }
        if steady:
            parts['base_link'] = smooth_turns(parts['base_link'], steady)
        pelvis = parts['base_link']
        if self.root == 'fixed':
            pelvis = limbs.heading(pelvis)
        root = pelvis @ self._axes.T
        local = np.swapaxes(root, 1, 2)
        orientations = np.stack([local @ parts[key] for key in self.parts], axis=1)
        torso = orientations[:, self.parts.index('torso')]
        points: dict[str, Array] = {}
        for name, offset in self._sockets.items():
            if name.endswith('shoulder'):
                points[name] = self._torso_at + torso @ offset
            else:
                points[name] = np.broadcast_to(offset, (len(local), 3))
        for name in self.points:
            side, limb = name.split('_')
            before, start, stop = _BONES[limb]
            bone = _bone(positions, f'{_SIDES[side]}_{start}', f'{_SIDES[side]}_{stop}')
            reach = limbs.turn(local, bone) * self._lengths[name]
            points[name] = points[f'{side}_{before}'] + reach
        weights = np.ones((len(local), len(self.points)))
        if not exact and self.robot.map.has_legs:
            stance = stance or Stance(self.robot)
            self._plant(points, orientations, motion, local, stance, steady)
            ankles = [self.points.index(f'{side}_ankle') for side in _SIDES]
            weights[:, ankles] = _IN_THE_AIR + (1.0 - _IN_THE_AIR) * stance.held
        if scene is not None:
            columns = {key: orientations[:, column] for column, key in enumerate(self.parts)}
            scene.apply(motion, None if self.root == 'fixed' else root, points, columns)
        if not exact and self.robot.map.body is not None:
            self._clear(points, orientations, torso)
        places = np.stack([points[name] for name in self.points], axis=1)
        return Targets(places, weights, orientations, root)

    def _plant(
        self,
        points: dict[str, Array],
        orientations: Array,
        motion: Motion,
        local: Array,
        stance: Stance,
        steady: float,
    ) -> None:
        """Let standing feet stay, and bend the legs for them.

        Bone directions alone would make feet slide: thigh and shin of a robot have another ratio
        than those of a person, so that a standing ankle would move when the knee bends.
        """
        positions, world = motion.joint_positions(), np.swapaxes(local, 1, 2)
        columns = [self.parts.index(f'{side}_sole') for side in _SIDES]
        hips = [positions[:, skeleton.index(f'{human}_hip')] for human in _SIDES.values()]
        middle = (hips[0] + hips[1]) / 2
        if steady:
            middle = smooth(middle, steady)
        place = self._scale * middle[:, None]
        ends = np.stack([points[f'{side}_ankle'] for side in _SIDES], axis=1) - self._between
        soles = world[:, None] @ orientations[:, columns]
        if steady:
            soles = steadied(soles, footing(motion).flat)
        ankles = place + np.einsum('tij,tsj->tsi', world, ends)
        ankles, soles = stance.push(motion, ankles, soles)
        if self._masses is not None:
            own = np.stack([points[name] for name in self.points], axis=1)
            # The legs are yet to be bent for their feet: that hardly moves their mass.
            centre = self._masses.centre(own, orientations) - self._between
            centre = place[:, 0] + limbs.turn(world, centre)
            step = 1.0 / motion.fps
            ankles = stance.sway.push(centre, ankles, soles, stance.held, step)
        orientations[:, columns] = local[:, None] @ soles
        forward = (local @ limbs.heading(world @ self._axes))[..., 0]
        for number, (side, human) in enumerate(_SIDES.items()):
            away = ankles[:, number] - place[:, 0]
            wanted = self._between + limbs.turn(local, away)
            socket = points[f'{side}_hip']
            knee = positions[:, skeleton.index(f'{human}_knee')]
            # A straight leg bends forward.
            bend = limbs.turn(local, knee - hips[number]) + _FORWARD * forward
            pole = limbs.frame(wanted - socket, bend)[..., 1]
            lengths = self._lengths[f'{side}_knee'], self._lengths[f'{side}_ankle']
            points[f'{side}_knee'], points[f'{side}_ankle'] = limbs.two_bones(
                socket, wanted, pole, lengths, _REACH
            )

    @cached_property
    def _masses(self) -> Masses | None:
        """Return where the mass is; None where nothing can tip: no legs, no mass, on a stand."""
        robot = self.robot
        weightless = not sum(inertia.mass for inertia in robot.model.inertias)
        if self.root == 'fixed' or weightless or not robot.map.has_legs:
            return None
        return Masses(robot, self.points, self.parts)

    def _clear(self, points: dict[str, Array], orientations: Array, torso: Array) -> None:
        """Keep the hands out of the body; without hand links fingers extend the forearm."""
        assert self.robot.map.body is not None
        hands = {}
        for side in _SIDES:
            if f'{side}_gripper' in self.parts:
                hands[side] = orientations[:, self.parts.index(f'{side}_gripper'), :, 0]
            else:
                along = points[f'{side}_wrist'] - points[f'{side}_elbow']
                hands[side] = along / self._lengths[f'{side}_wrist']
        head = (
            self._torso_at
            + torso @ (self._sockets['l_shoulder'] + self._sockets['r_shoulder']) / 2
        )
        clear(points, hands, head, self.robot.map.body)


def lead_in(motion: Motion, frames: int = 12) -> Motion:
    """Return frames that lead from hanging arms and straight legs to the first frame.

    Solving them first puts every joint on the branch that a person would reach the pose on:
    started straight from the home pose, raised arms may end up behind the back.
    """
    first = motion.rotations[0]
    relaxed = np.tile([0.0, 0.0, 0.0, 1.0], (len(first), 1))
    relaxed[0] = first[0]
    for side, sign in (('left', -1.0), ('right', 1.0)):
        relaxed[skeleton.index(f'{side}_shoulder')] = rotation.from_rotvec([0.0, 0.0, sign * 1.2])
        relaxed[skeleton.index(f'{side}_elbow')] = rotation.from_rotvec([0.0, sign * 0.3, 0.0])
    share = np.linspace(0.0, 1.0, frames, endpoint=False)[:, None]
    rotations = rotation.slerp(relaxed[None], first[None], share)
    return Motion.from_rotations(
        rotations, np.tile(motion.root_translation[0], (frames, 1)), motion.fps
    )


def relaxed(fps: float) -> Motion:
    """Return one frame of a person who stands on the floor with hanging arms."""
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (1, len(skeleton.JOINT_NAMES), 1))
    rotations[:, 0] = rotation.SMPL_TO_ROS_QUAT
    straight = Motion.from_rotations(rotations, np.zeros((1, 3)), fps)
    low = straight.joint_positions()[0, skeleton.index('left_foot'), 2]
    up = np.array([[0.0, 0.0, skeleton.FOOT_HEIGHT - low]])
    return lead_in(straight.replace(trans=up), 1)


def _bone(positions: Array, start: str, stop: str) -> Array:
    """Unit direction (T, 3) of a human bone in the world."""
    bone = positions[:, skeleton.index(stop)] - positions[:, skeleton.index(start)]
    return np.asarray(bone / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-9))
