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
"""Motion files: one `load` for AMASS ``.npz``, BVH and HumanML3D ``.npy``, one `save`.

A body of other proportions is converted to the rest skeleton of this package: bone directions and
twist are the source's (`conversion.py`), the path is scaled by the ratio of the leg lengths, and
the floor, found from the feet, is put at z = 0. The heading stays what the file says; only the
axes change, to x forward and z up.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.files import atomic_write
from l2emg_ros.motion import arrays, bvh, conversion, humanml, rigs, rotation, skeleton
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]

_TEXTS = ('text', 'emotion', 'scenario', 'generator')
_RATES = ('mocap_framerate', 'mocap_frame_rate', 'fps')
_NUMBERS = ('poses', 'root_orient', 'pose_body', 'trans', 'betas', 'intensity', 'seed')

# Y-up files face +z with x to the left, as SMPL does; z-up BVH files face -y (Blender's front).
_FROM_AXES = {
    'y': rotation.SMPL_TO_ROS,
    'z': np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}
# A pitcher's hand reaches 35-40 m/s. A first frame from which a joint would have to be faster is a
# calibration or left-over pose.
_FASTEST = 40.0


def load(path: str | os.PathLike[str]) -> Motion:
    """Read a motion at the file's own frame rate.

    Args:
        path: ``.npz`` with AMASS keys (`poses` of 66 or more columns, `trans`,
            `mocap_framerate`), ``.bvh`` of a known skeleton, or ``.npy`` with HumanML3D joints
            (T, 22, 3) or features (T, 263, not normalised) at 20 fps.

    Raises:
        MotionFormatError: if the file is none of these or damaged; one line says what is wrong.
        OSError: if it cannot be read.
    """
    path = Path(path)
    readers = {'.npz': _load_npz, '.bvh': _load_bvh, '.npy': _load_npy}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise MotionFormatError(f'{path}: expected a name that ends in {", ".join(readers)}')
    try:
        return reader(path)
    except MotionFormatError as error:
        raise MotionFormatError(f'{path}: {error}') from None


def save(motion: Motion, path: str | os.PathLike[str]) -> None:
    """Write an ``.npz`` that AMASS tools read; `load` gives the identical motion back.

    Raises:
        MotionFormatError: if the name does not end in .npz.
        OSError: if it cannot be written.
    """
    if Path(path).suffix.lower() != '.npz':
        raise MotionFormatError(f'{path}: motions are saved as .npz: expected a name that ends so')
    content: dict[str, Any] = {
        'poses': motion.poses,
        'trans': motion.trans,
        'mocap_framerate': np.float64(motion.fps),
        'betas': motion.betas,
        'intensity': np.float64(motion.intensity),
        'seed': np.int64(motion.seed),
    }
    content.update({key: np.array(getattr(motion, key)) for key in _TEXTS})
    with atomic_write(path) as temporary, temporary.open('wb') as file:
        np.savez_compressed(file, **content)


def _load_bvh(path: Path) -> Motion:
    clip = bvh.read(path)
    rig = rigs.detect(clip.names)
    positions, orientations = clip.kinematics()
    joints = {rigs.plain(name): number for number, name in enumerate(clip.names)}
    starts = [joints[source.joint] for source in rig.sources]
    stops = [joints[source.toward] for source in rig.sources]
    weights = np.array([source.weight for source in rig.sources])[:, None]
    points = (1.0 - weights) * positions[:, starts] + weights * positions[:, stops]
    axes = _FROM_AXES[rig.up]
    turned = rotation.multiply(rotation.from_matrix(axes), orientations[:, starts])
    return _from_joints(points @ axes.T, turned, _frame_rate(clip.frame_time))


def _frame_rate(frame_time: float) -> float:
    """Return the rate a BVH file means: 0.0333333 s is how exporters write 30 frames a second."""
    rate = 1.0 / frame_time
    # Four digits are the fewest seen; 29.97 is five times as far from 30.
    return float(round(rate)) if abs(rate / round(rate) - 1.0) < 2e-4 else rate


def _load_npy(path: Path) -> Motion:
    values = _numbers(arrays.read_npy(path), 'array')
    if values.ndim == 2 and values.shape[1] == humanml.FEATURES and len(values):
        values = humanml.joint_positions(values)
    if values.ndim != 3 or values.shape[1:] != (22, 3) or len(values) == 0:
        raise MotionFormatError(
            f'shape {values.shape}: expected HumanML3D joints (T, 22, 3) or features (T, 263)'
        )
    return _from_joints(values @ _FROM_AXES['y'].T, None, humanml.FPS)


def _load_npz(path: Path) -> Motion:
    found = arrays.read_npz(path, (*_NUMBERS, *_RATES, *_TEXTS))
    if 'poses' not in found and {'root_orient', 'pose_body'} <= found.keys():  # AMASS of SMPL-X
        parts = [_numbers(found[key], key) for key in ('root_orient', 'pose_body')]
        if any(part.ndim != 2 for part in parts) or len(parts[0]) != len(parts[1]):
            raise MotionFormatError('root_orient and pose_body do not fit together')
        found['poses'] = np.concatenate(parts, axis=1)
    missing = [key for key in ('poses', 'trans') if key not in found]
    rate = next((found[key] for key in _RATES if key in found), None)
    if missing or rate is None:
        raise MotionFormatError(f'no {", ".join(missing) or _RATES[0]}: expected an AMASS motion')
    poses = _numbers(found['poses'], 'poses')
    if poses.ndim != 2 or poses.shape[1] < 66:
        raise MotionFormatError(f'poses has shape {poses.shape}: expected (T, 66) or more columns')
    betas = np.zeros(10, dtype=np.float32)
    given = _numbers(found.get('betas', betas), 'betas').reshape(-1)[:10]
    betas[: len(given)] = given
    meta: dict[str, Any] = {key: _text(found[key], key) for key in _TEXTS if key in found}
    if 'intensity' in found:
        meta['intensity'] = float(_number(found['intensity'], 'intensity'))
    if 'seed' in found:
        meta['seed'] = int(_number(found['seed'], 'seed'))
    body = poses[:, :66].astype(np.float32)
    trans = _numbers(found['trans'], 'trans').astype(np.float32)
    motion = Motion(body, trans, float(_number(rate, _RATES[0])), betas=betas, **meta)
    # Files of this package are taken as they are; others may be y-up and have their own floor.
    return motion if 'generator' in found else _grounded(_z_up(motion))


def _from_joints(positions: Array, orientations: Array | None, fps: float) -> Motion:
    """Convert (T, 22, 3) joints in a z-up world to the skeleton of this package."""
    legs = [
        skeleton.index(name) for name in ('left_knee', 'right_knee', 'left_ankle', 'right_ankle')
    ]
    parents = [skeleton.PARENTS[leg] for leg in legs]
    source = np.linalg.norm(positions[:, legs] - positions[:, parents], axis=-1).sum(axis=1)
    target = np.linalg.norm(skeleton.REST_OFFSETS[legs], axis=-1).sum()
    if not np.isfinite(source).all() or np.median(source) <= 0.0:
        raise MotionFormatError('the legs have no length: expected joint positions of a person')
    positions = positions * (target / np.median(source))
    if _starts_with_stray_frame(positions, fps):
        positions = positions[1:]
        orientations = None if orientations is None else orientations[1:]
    rotations = conversion.to_smpl(positions, orientations)
    # The middle of the hips is matched rather than the pelvis joint, whose place differs from rig
    # to rig: so the feet go where the source's feet go.
    hips = [skeleton.index('left_hip'), skeleton.index('right_hip')]
    middle = skeleton.REST_OFFSETS[hips].mean(axis=0)
    root = positions[:, hips].mean(axis=1) - rotation.apply(rotations[:, 0], middle)
    return _grounded(Motion.from_rotations(rotation.continuous(rotations), root, fps))


def _starts_with_stray_frame(positions: Array, fps: float) -> bool:
    """Return whether the first of (T, 22, 3) m frames cannot belong to the motion after it."""
    if len(positions) < 3:
        return False
    first, second = np.linalg.norm(np.diff(positions[:3], axis=0), axis=-1).max(axis=-1) * fps
    return bool(first > _FASTEST > second)


def _grounded(motion: Motion) -> Motion:
    """Put the floor, as low as the feet get in 95 % of the frames, at z = 0."""
    positions = motion.joint_positions()[..., 2]
    ankles = positions[:, [skeleton.index('left_ankle'), skeleton.index('right_ankle')]]
    balls = positions[:, [skeleton.index('left_foot'), skeleton.index('right_foot')]]
    soles = np.minimum(ankles - skeleton.ANKLE_HEIGHT, balls - skeleton.FOOT_HEIGHT).min(axis=1)
    return motion.replace(trans=motion.root_translation - [0.0, 0.0, np.percentile(soles, 5.0)])


def _z_up(motion: Motion) -> Motion:
    """Turn a y-up motion, told by a body that stands along +y in most frames, to z-up."""
    positions = motion.joint_positions()
    ankles = [skeleton.index('left_ankle'), skeleton.index('right_ankle')]
    body = positions[:, skeleton.index('neck')] - positions[:, ankles].mean(axis=1)
    if np.mean(body[:, 1] > 2.0 * np.abs(body[:, 2])) < 0.9:
        return motion
    poses = motion.poses.astype(np.float64)
    root = rotation.multiply(rotation.SMPL_TO_ROS_QUAT, rotation.from_rotvec(poses[:, :3]))
    poses[:, :3] = rotation.to_rotvec(root)
    return motion.replace(poses=poses, trans=motion.root_translation @ rotation.SMPL_TO_ROS.T)


def _numbers(values: ArrayLike, name: str) -> Array:
    """Return an array of numbers as float64, or raise."""
    array = np.asarray(values)
    if array.dtype.kind not in 'fiu' or not np.isfinite(array).all():
        raise MotionFormatError(
            f'{name} holds {array.dtype} values or NaN: expected finite numbers'
        )
    return array.astype(np.float64)


def _number(value: NDArray[Any], name: str) -> float | int:
    """Return the single number in an array, or raise."""
    if _numbers(value, name).size != 1:
        raise MotionFormatError(f'{name} has shape {value.shape}: expected one number')
    number: float | int = value.reshape(()).item()
    return number


def _text(value: NDArray[Any], name: str) -> str:
    """Return the text in a 0-d array, or raise."""
    if value.dtype.kind != 'U' or value.size != 1:
        raise MotionFormatError(f'{name} is an array of {value.dtype}: expected one string')
    return str(value.reshape(())[()])
