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
"""BVH of every rig, its traps, and real motion capture."""

from __future__ import annotations

from pathlib import Path

from bvh_files import rig_text
import numpy as np
from people import angles_between, bone_angles, heap_axes, LIMBS, person, RIGS, write_bvh
import pytest

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import bvh, io, rigs, rotation, skeleton
from l2emg_ros.motion.motion import Motion


def mapped_joints(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (T, 22, 3) and orientations (T, 22, 4) of a BVH file by its rig's table."""
    clip = bvh.read(path)
    rig = rigs.detect(clip.names)
    positions, orientations = clip.kinematics()
    place = {rigs.plain(name): number for number, name in enumerate(clip.names)}
    joints = [
        (1.0 - s.weight) * positions[:, place[s.joint]] + s.weight * positions[:, place[s.toward]]
        for s in rig.sources
    ]
    world = rotation.SMPL_TO_ROS if rig.up == 'y' else [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    turning = orientations[:, [place[source.joint] for source in rig.sources]]
    return np.stack(joints, axis=1) @ np.transpose(world), turning


def columns(*names: str) -> list[int]:
    """Return the columns of `bone_angles` for the bones that end at these joints."""
    return [
        number - 1
        for number, name in enumerate(skeleton.JOINT_NAMES)
        if name.removeprefix('left_').removeprefix('right_') in names
    ]


ARMS = columns('shoulder', 'elbow', 'wrist')
LEGS = columns('knee', 'ankle', 'foot')
SPINE = columns('spine1', 'spine2', 'spine3', 'neck')


@pytest.mark.parametrize('rig', RIGS)
def test_every_rig_keeps_bones_twist_and_path(tmp_path: Path, rig: str) -> None:
    motion = person(4)
    path = write_bvh(tmp_path, rig, motion, unit=17.0, order='ZYX')
    loaded = io.load(path)
    assert loaded.fps == 30.0
    assert loaded.frames == motion.frames
    bones = bone_angles(loaded.joint_positions(), mapped_joints(path)[0])
    assert bones[:, ARMS + LEGS].max() < 0.1
    assert bones[:, SPINE].mean() < 3.0
    turned = angles_between(loaded.joint_orientations(), motion.joint_orientations())
    # The shins of SMPL stand outward of the thighs by 7 degrees: so far a knee is no pure hinge.
    assert turned[:, LIMBS].max() < 9.0
    assert turned[:, [skeleton.index('pelvis'), skeleton.index('head')]].max() < 9.0
    assert np.abs(loaded.trans[:, :2] - motion.trans[:, :2]).max() < 0.02


@pytest.mark.parametrize('seed', range(4))
def test_local_axes_of_the_source_do_not_matter(tmp_path: Path, seed: int) -> None:
    motion = person(seed)
    plain = io.load(write_bvh(tmp_path, 'bandai', motion))
    for order in ('XYZ', 'YXZ'):
        path = write_bvh(
            tmp_path, 'bandai', motion, order=order, six_channels=True, local_axes=heap_axes(seed)
        )
        assert angles_between(io.load(path).rotations, plain.rotations).max() < 0.1


def test_heading_is_kept(tmp_path: Path) -> None:
    still = np.tile([0.0, 0.0, 0.0, 1.0], (5, 22, 1))
    for turn in (0.0, 1.0, -2.5):
        heading = rotation.from_rotvec([0.0, 0.0, turn])
        still[:, 0] = rotation.multiply(heading, rotation.SMPL_TO_ROS_QUAT)
        for rig in ('mixamo', 'fair1'):
            standing = Motion.from_rotations(still, np.tile([0.0, 0.0, 0.9], (5, 1)), 30.0)
            loaded = io.load(write_bvh(tmp_path, rig, standing))
            forward = rotation.apply(loaded.rotations[:, 0], [0.0, 0.0, 1.0])
            assert np.allclose(np.arctan2(forward[:, 1], forward[:, 0]), turn, atol=0.01)


def test_a_person_who_stands_has_level_feet_on_the_floor(tmp_path: Path) -> None:
    motion = person(5)
    standing = motion.rotations.copy()
    legs = [
        skeleton.index(f'{s}_{n}') for s in ('left', 'right') for n in ('hip', 'knee', 'ankle')
    ]
    standing[:, legs] = [0.0, 0.0, 0.0, 1.0]
    standing[:, 0] = rotation.SMPL_TO_ROS_QUAT
    motion = Motion.from_rotations(standing, np.tile([1.0, 2.0, 5.0], (60, 1)), 30.0)
    loaded = io.load(write_bvh(tmp_path, 'lafan1', motion, local_axes=heap_axes(2)))
    feet = [skeleton.index('left_foot'), skeleton.index('right_foot')]
    assert np.allclose(loaded.joint_positions()[:, feet, 2], skeleton.FOOT_HEIGHT, atol=2e-3)
    up = rotation.apply(loaded.joint_orientations()[:, feet], [0.0, 1.0, 0.0])
    assert np.allclose(up, [0.0, 0.0, 1.0], atol=1e-3)


def test_straight_limbs_do_not_spin(tmp_path: Path) -> None:
    motion = person(6, straight=True)
    loaded = io.load(write_bvh(tmp_path, 'bandai', motion, local_axes=heap_axes(3)))
    steps = angles_between(loaded.joint_orientations()[1:], loaded.joint_orientations()[:-1])
    true = angles_between(motion.joint_orientations()[1:], motion.joint_orientations()[:-1])
    assert (steps[:, LIMBS] < true[:, LIMBS] + 5.0).all()


def test_format_traps(tmp_path: Path) -> None:
    motion = person(7)
    rotations, root = motion.rotations, motion.root_translation
    text = rig_text(RIGS['mixamo'], rotations, root, prefix='mixamorig:')
    plain = tmp_path / 'plain.bvh'
    plain.write_text(text)
    expected = io.load(plain)
    odd = text.replace('Frames: ', 'Frames:\t').replace('Frame Time: ', 'Frame Time:\t')
    odd = odd.replace('rotation\n', 'rotation \n').replace(' 0.000000', ' -0')
    odd = odd.replace('Xrotation', 'XROTATION').replace('\n', '\r\n') + '\r\n \t\r\n'
    (tmp_path / 'odd.bvh').write_bytes(b'\xef\xbb\xbf' + odd.encode())
    loaded = io.load(tmp_path / 'odd.bvh')
    assert np.allclose(loaded.poses, expected.poses, atol=1e-5)
    assert np.allclose(loaded.trans, expected.trans, atol=1e-5)


@pytest.mark.parametrize(
    ('written', 'fps'),
    [('0.0333333', 30.0), ('0.03333', 30.0), ('.008333', 120.0), ('0.0333667', 1 / 0.0333667)],
)
def test_frame_rate_is_what_the_exporter_meant(tmp_path: Path, written: str, fps: float) -> None:
    motion = person(1, frames=3)
    text = rig_text(RIGS['mixamo'], motion.rotations, motion.root_translation)
    (tmp_path / 'a.bvh').write_text(text.replace('0.0333333', written))
    assert io.load(tmp_path / 'a.bvh').fps == fps


def test_stray_first_frame_is_dropped(tmp_path: Path) -> None:
    motion = person(8)
    root = motion.root_translation.copy()
    root[0] += [2.5, 0.0, 0.0]
    path = tmp_path / 'a.bvh'
    path.write_text(rig_text(RIGS['mixamo'], motion.rotations, root))
    assert io.load(path).frames == motion.frames - 1
    root[20:] += [2.5, 0.0, 0.0]  # a jump elsewhere stays in
    root[0] -= [2.5, 0.0, 0.0]
    path.write_text(rig_text(RIGS['mixamo'], motion.rotations, root))
    assert io.load(path).frames == motion.frames


def test_unknown_rig_names_the_joints(tmp_path: Path) -> None:
    text = rig_text(RIGS['mixamo'], person().rotations, person().root_translation)
    (tmp_path / 'a.bvh').write_text(text.replace('LeftForeArm', 'Tentacle'))
    with pytest.raises(MotionFormatError, match=r'a\.bvh: .*left_elbow') as error:
        io.load(tmp_path / 'a.bvh')
    assert 'right_elbow' not in str(error.value)


# --- real motion capture


STRAY = {f'007_{n:02}.bvh' for n in (3, 4, 6, 8, 9, 10, 11, 12)} | {'cmu_12_01_walk.bvh'}


@pytest.mark.slow
def test_all_clips_of_the_motion_capture_folder(mocap_dir: Path, tmp_path: Path) -> None:
    clips = sorted(mocap_dir.glob('*/*.bvh'))
    assert len(clips) == 778
    errors: dict[str, list[float]] = {name: [] for name in ('arms', 'legs', 'spine')}
    for number, path in enumerate(clips):
        motion = io.load(path)
        joints, turning = mapped_joints(path)
        dropped = len(joints) - motion.frames
        assert dropped == (path.name in STRAY), path
        bones = bone_angles(motion.joint_positions(), joints[dropped:])
        for name, group in (('arms', ARMS), ('legs', LEGS), ('spine', SPINE)):
            errors[name].append(bones[:, group].mean())
        assert_plausible(motion, turning[dropped:], path)
        if number % 20 == 0:
            motion.save(tmp_path / 'a.npz')
            assert Motion.load(tmp_path / 'a.npz') == motion
            twice = motion.mirror().mirror()
            assert np.abs(twice.joint_positions() - motion.joint_positions()).max() < 1e-5
    assert np.max(errors['arms']) <= 1.0
    assert np.max(errors['legs']) <= 1.0
    assert np.max(errors['spine']) <= 3.0


def assert_plausible(motion: Motion, turning: np.ndarray, path: Path) -> None:
    """Check floor, size and, against the source's orientations (T, 22, 4), sudden turns."""
    heights = motion.joint_positions()[..., 2]
    assert -0.12 < heights.min() < 0.06, path
    assert heights[:, skeleton.index('head')].max() > 1.2, path
    found = motion.joint_orientations()
    steps = angles_between(found[1:], found[:-1])
    true = angles_between(turning[1:], turning[:-1])
    assert (steps[:, LIMBS] < true[:, LIMBS] + 10.0).all(), path
    assert (steps < true.max(axis=1, keepdims=True) + 10.0).all(), path
