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
"""A person who moves, written as BVH by any rig, and angles to compare what comes back."""

from __future__ import annotations

from pathlib import Path

from bvh_files import rig_text
import numpy as np
from scipy.spatial.transform import Rotation

from l2emg_ros.motion import rigs, rotation, skeleton
from l2emg_ros.motion.motion import Motion

RIGS = {rig.name: rig for rig in rigs.load_rigs()}
LIMBS = [
    skeleton.index(f'{side}_{name}')
    for side in ('left', 'right')
    for name in ('hip', 'knee', 'ankle', 'shoulder', 'elbow', 'wrist')
]


def person(seed: int = 0, frames: int = 60, straight: bool = False) -> Motion:
    """Return a person who stands, turns, bends arms and legs and moves the head.

    Elbows and knees are hinges, the forearms also turn; the spine stays straight, so that rigs
    with fewer spine joints can show the same motion.
    """
    rng = np.random.default_rng(seed)
    times = np.linspace(0.0, 2.0, frames)

    def wave(low: float, high: float) -> np.ndarray:
        phase = np.sin(rng.uniform(1.0, 4.0) * times + rng.uniform(0.0, 6.0))
        return low + (high - low) * (0.5 + 0.5 * phase)

    def turn(axes: str, *angles: np.ndarray) -> np.ndarray:
        return Rotation.from_euler(axes, np.stack(angles, axis=-1)).as_quat()

    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 22, 1))
    heading = turn('ZYX', wave(-1.0, 1.0), wave(-0.2, 0.2), wave(-0.2, 0.2))
    rotations[:, 0] = rotation.multiply(heading, rotation.SMPL_TO_ROS_QUAT)
    bend = 0.0 if straight else 1.0
    for side, sign in (('left', 1.0), ('right', -1.0)):
        shoulder = turn('ZYX', -sign * wave(-0.5, 1.3), -sign * wave(-0.6, 0.9), wave(-0.7, 0.7))
        elbow = turn('YX', -sign * bend * wave(0.2, 1.8), wave(-0.8, 0.8))
        for name, value in (
            ('shoulder', shoulder),
            ('elbow', elbow),
            ('wrist', turn('XYZ', wave(-0.1, 0.1), wave(-0.3, 0.3), wave(-0.4, 0.4))),
            ('hip', turn('XYZ', -wave(0.0, 0.9), wave(-0.2, 0.2), sign * wave(0.0, 0.2))),
            ('knee', turn('X', bend * wave(0.1, 1.2))[:, :]),
            ('ankle', turn('X', wave(-0.3, 0.3))),
        ):
            rotations[:, skeleton.index(f'{side}_{name}')] = value
    rotations[:, skeleton.index('head')] = turn('YX', wave(-0.8, 0.8), wave(-0.4, 0.5))
    root = np.stack([wave(-1.0, 1.0), wave(0.0, 2.0), np.full(frames, 0.9)], axis=-1)
    return Motion.from_rotations(rotations, root, 30.0)


def heap_axes(seed: int) -> np.ndarray:
    """Return (22, 3, 3) local axes as in rigs whose zero pose is a heap: one turn a chain."""
    rng = np.random.default_rng(seed)
    turns = Rotation.create_group('O').as_matrix()
    axes = np.tile(turns[rng.integers(24)], (22, 1, 1))
    for side in ('left', 'right'):
        for chain in (('hip', 'knee', 'ankle', 'foot'), ('shoulder', 'elbow', 'wrist')):
            axes[[skeleton.index(f'{side}_{name}') for name in chain]] = turns[rng.integers(24)]
    return axes


def angles_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angles in degrees between (..., 4) unit quaternions."""
    chord = np.minimum(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    return np.degrees(4.0 * np.arcsin(0.5 * chord))


def bone_angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return (T, 21) degrees between the bones of (T, 22, 3) joints."""
    bones = [x[:, 1:] - x[:, skeleton.PARENTS[1:]] for x in (a, b)]
    sine = np.linalg.norm(np.cross(bones[0], bones[1]), axis=-1)
    return np.degrees(np.arctan2(sine, (bones[0] * bones[1]).sum(axis=-1)))


def write_bvh(folder: Path, rig: str, motion: Motion, **options: object) -> Path:
    text = rig_text(RIGS[rig], motion.rotations, motion.root_translation, **options)  # type: ignore[arg-type]
    path = folder / f'{rig}.bvh'
    path.write_text(text)
    return path


def leaning(bend: np.ndarray, lean: np.ndarray, fps: float = 30.0) -> Motion:
    """Return a person whose feet stand flat side by side, legs straight.

    Args:
        bend: (T,) rad, of the trunk forward over upright legs.
        lean: (T,) rad, of the whole body forward about the ankles.
    """
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (len(bend), 22, 1))

    def pitch(angles: np.ndarray) -> np.ndarray:
        return rotation.from_rotvec(angles[:, None] * [1.0, 0.0, 0.0])

    rotations[:, 0] = rotation.multiply(rotation.SMPL_TO_ROS_QUAT, pitch(bend + lean))
    for side in ('left', 'right'):
        rotations[:, skeleton.index(f'{side}_hip')] = pitch(-bend)
        rotations[:, skeleton.index(f'{side}_ankle')] = pitch(-lean)
    motion = Motion.from_rotations(rotations, np.zeros((len(bend), 3)), fps)
    toe = motion.joint_positions()[:, skeleton.index('left_foot')]
    return motion.replace(trans=[0.0, 0.0, skeleton.FOOT_HEIGHT] - toe)
