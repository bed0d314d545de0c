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
"""A human motion: 22 SMPL joints over time, with what it was asked to express."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from functools import cached_property
import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import rotation, skeleton

_JOINTS = len(skeleton.JOINT_NAMES)
# Mirroring reflects SMPL's x and the world's y, which both point left (rotation.SMPL_TO_ROS).
_MIRROR_WORLD = np.diag([1.0, -1.0, 1.0])
_MIRROR_SMPL = np.diag([-1.0, 1.0, 1.0])


def _frozen(values: ArrayLike, name: str, shape: tuple[int | None, ...]) -> NDArray[np.float32]:
    """Return a read-only float32 copy of ``values`` after checking shape and finiteness."""
    try:
        array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise MotionFormatError(f'{name} is not an array of numbers') from None
    wanted = '(' + ', '.join('T' if size is None else str(size) for size in shape) + ')'
    if array.ndim != len(shape) or any(
        size not in (None, found) for size, found in zip(shape, array.shape, strict=True)
    ):
        raise MotionFormatError(f'{name} has shape {array.shape}: expected {wanted}')
    if not np.isfinite(array).all():
        raise MotionFormatError(f'{name} holds a value that is not finite')
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Motion:
    """A clip of SMPL body motion in a z-up world, x forward, metres.

    The arrays are what a motion file holds, so that a saved motion equals its reloaded self; they
    are read-only.

    Attributes:
        poses: (T, 66) float32, axis-angle in radians of the 22 joints, parent-local, the pelvis
            relative to the world.
        trans: (T, 3) float32, m, position of the pelvis joint in the world.
        fps: Frames a second, in [1, 1000].
        betas: (10,) float32, SMPL shape coefficients (carried along, not used by the kinematics).
        text: The request it answers, or ''.
        emotion: What it expresses, in the form ``Emotion.parse`` reads, or ''.
        intensity: Intensity of the emotion in [0, 1].
        scenario: Scenario it belongs to, or ''.
        seed: Random seed that made it, or -1.
        generator: Name and version of the model that made it, or ''.

    Raises:
        MotionFormatError: An array has another shape, a value is not finite, or there is no frame.
    """

    poses: NDArray[np.float32]
    trans: NDArray[np.float32]
    fps: float
    betas: NDArray[np.float32] = dataclasses.field(
        default_factory=lambda: np.zeros(10, dtype=np.float32)
    )
    text: str = ''
    emotion: str = ''
    intensity: float = 1.0
    scenario: str = ''
    seed: int = -1
    generator: str = ''

    def __post_init__(self) -> None:
        """Check and freeze the arrays."""
        poses = _frozen(self.poses, 'poses', (None, 3 * _JOINTS))
        trans = _frozen(self.trans, 'trans', (None, 3))
        if len(poses) == 0 or len(poses) != len(trans):
            raise MotionFormatError(
                f'poses has {len(poses)} frames and trans {len(trans)}: '
                'expected the same number, at least 1'
            )
        fps = float(self.fps)
        if not 1.0 <= fps <= 1000.0:
            raise MotionFormatError(f'frame rate is {fps}: expected 1 to 1000 frames a second')
        for name, value in (
            ('poses', poses),
            ('trans', trans),
            ('fps', fps),
            ('betas', _frozen(self.betas, 'betas', (10,))),
            ('intensity', float(self.intensity)),
            ('seed', int(self.seed)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def from_rotations(
        cls, rotations: ArrayLike, root_translation: ArrayLike, fps: float, **meta: Any
    ) -> Motion:
        """Build a motion from quaternions.

        Args:
            rotations: (T, 22, 4) xyzw parent-local; need not be normalised.
            root_translation: (T, 3) m.
            fps: Frames a second.
            **meta: ``text``, ``emotion``, ... as the attributes.
        """
        array = np.asarray(rotations, dtype=np.float64)
        if array.ndim != 3 or array.shape[1:] != (_JOINTS, 4):
            raise MotionFormatError(
                f'rotations has shape {array.shape}: expected (T, {_JOINTS}, 4)'
            )
        if not np.isfinite(array).all() or not np.linalg.norm(array, axis=-1).all():
            raise MotionFormatError('rotations holds a quaternion that is zero or not finite')
        poses = rotation.to_rotvec(array).reshape(len(array), 3 * _JOINTS)
        return cls(poses.astype(np.float32), np.asarray(root_translation), fps, **meta)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Motion:
        """Read a motion file: AMASS ``.npz``, BVH or HumanML3D ``.npy``; its own frame rate.

        Raises:
            MotionFormatError: The file is none of these or is damaged.
            OSError: The file cannot be read.
        """
        from l2emg_ros.motion.io import load

        return load(path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an ``.npz`` that AMASS tools read; replaces the file atomically."""
        from l2emg_ros.motion.io import save

        save(self, path)

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.poses)

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last, (T - 1) / fps."""
        return (self.frames - 1) / self.fps

    @cached_property
    def rotations(self) -> NDArray[np.float64]:
        """(T, 22, 4) parent-local quaternions xyzw, sign-continuous over time."""
        result = rotation.continuous(
            rotation.from_rotvec(self.poses.reshape(self.frames, _JOINTS, 3))
        )
        result.setflags(write=False)
        return result

    @property
    def root_translation(self) -> NDArray[np.float64]:
        """(T, 3) m, position of the pelvis in float64."""
        return self.trans.astype(np.float64)

    @cached_property
    def _kinematics(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Joint positions and orientations by forward kinematics."""
        results = skeleton.forward_kinematics(self.rotations, self.trans)
        for array in results:
            array.setflags(write=False)
        return results

    def joint_positions(self) -> NDArray[np.float64]:
        """Return (T, 22, 3) joint positions in the world, metres."""
        return self._kinematics[0]

    def joint_orientations(self) -> NDArray[np.float64]:
        """Return (T, 22, 4) joint orientations in the world, quaternions xyzw."""
        return self._kinematics[1]

    def replace(self, **changes: Any) -> Motion:
        """Return a copy with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def slice(self, start: int, stop: int | None = None) -> Motion:
        """Return frames ``start`` up to, not including, ``stop``, as Python slices count."""
        return self.replace(poses=self.poses[start:stop], trans=self.trans[start:stop])

    def resample(self, fps: float) -> Motion:
        """Return the motion at another frame rate: slerp and linear interpolation.

        The first instant is kept; the last is kept where the new rate divides the duration.
        """
        if fps == self.fps:
            return self
        count = int(np.floor(self.duration * fps + 1e-6)) + 1
        at = np.minimum(np.arange(count) * (self.fps / fps), self.frames - 1)
        low = np.minimum(at.astype(int), max(self.frames - 2, 0))
        high = np.minimum(low + 1, self.frames - 1)
        share = at - low
        rotations = rotation.slerp(self.rotations[low], self.rotations[high], share[:, None])
        start, stop = self.root_translation[low], self.root_translation[high]
        return self.replace(
            poses=rotation.to_rotvec(rotations).reshape(count, 3 * _JOINTS),
            trans=start + (stop - start) * share[:, None],
            fps=float(fps),
        )

    def mirror(self) -> Motion:
        """Return the motion with left and right exchanged (reflection in the plane y = 0)."""
        matrices = rotation.to_matrix(self.rotations)[:, skeleton.MIRROR]
        matrices[:, 1:] = _MIRROR_SMPL @ matrices[:, 1:] @ _MIRROR_SMPL
        matrices[:, 0] = _MIRROR_WORLD @ matrices[:, 0] @ _MIRROR_SMPL
        poses = rotation.to_rotvec(rotation.from_matrix(matrices))
        return self.replace(
            poses=poses.reshape(self.frames, 3 * _JOINTS), trans=self.trans * [1.0, -1.0, 1.0]
        )

    @staticmethod
    def concatenate(motions: Sequence[Motion]) -> Motion:
        """Join motions end to end as they are; what they express is taken from the first.

        Raises:
            MotionFormatError: There is none, or frame rates differ.
        """
        if not motions:
            raise MotionFormatError('nothing to concatenate: expected at least one motion')
        rates = {motion.fps for motion in motions}
        if len(rates) > 1:
            raise MotionFormatError(f'cannot join frame rates {sorted(rates)}: resample first')
        return motions[0].replace(
            poses=np.concatenate([motion.poses for motion in motions]),
            trans=np.concatenate([motion.trans for motion in motions]),
        )

    def __eq__(self, other: object) -> bool:
        """Return whether every array and attribute is identical."""
        if not isinstance(other, Motion):
            return NotImplemented
        for field in dataclasses.fields(self):
            mine, its = getattr(self, field.name), getattr(other, field.name)
            if not np.array_equal(mine, its):
                return False
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Tell the story in one line."""
        emotion = f', {self.emotion} {self.intensity:g}' if self.emotion else ''
        seconds = self.frames / self.fps
        return f'Motion({self.frames} frames, {self.fps:g} fps, {seconds:.1f} s{emotion})'
