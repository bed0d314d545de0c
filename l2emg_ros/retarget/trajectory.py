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

"""A robot trajectory: what a joint trajectory controller needs, on a file or in memory."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, fields
import io
import os
from pathlib import Path
from typing import Any, TYPE_CHECKING
import zipfile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.errors import LimitViolation, MotionFormatError
from l2emg_ros.files import atomic_write
from l2emg_ros.motion import rotation

if TYPE_CHECKING:
    from l2emg_ros.retarget.report import Report
    from l2emg_ros.retarget.robot import Robot

Array = NDArray[np.float64]

# Rounding of a float32 copy must not turn a limit that holds into one that is violated.
_TOLERANCE = 1e-6
_ROOT_COLUMNS = ('root_x', 'root_y', 'root_z', 'root_qx', 'root_qy', 'root_qz', 'root_qw')


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Joint states over time; arrays are read-only.

    Attributes:
        joint_names: (N,) names.
        time_from_start: (T,) s, strictly increasing, the first above 0.
        source_time: (T,) s, which instant of the motion each sample answers; 0 during the approach
            and the last instant during the final deceleration.
        positions: (T, N) rad.
        velocities: (T, N) rad/s.
        accelerations: (T, N) rad/s^2.
        root_position: (T, 3) m, root link in the z-up world.
        root_orientation: (T, 4) xyzw.
        robot: Name of the robot.
        source: What it was made from (the text of the motion).
        report: How well it follows the motion; not saved.

    Raises:
        MotionFormatError: Shapes disagree or a value is not finite.
    """

    joint_names: tuple[str, ...]
    time_from_start: Array
    source_time: Array
    positions: Array
    velocities: Array
    accelerations: Array
    root_position: Array
    root_orientation: Array
    robot: str = ''
    source: str = ''
    report: Report | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check and freeze the arrays."""
        names = tuple(str(name) for name in self.joint_names)
        count, joints = len(np.atleast_1d(self.time_from_start)), len(names)
        shapes = {
            'time_from_start': (count,),
            'source_time': (count,),
            **dict.fromkeys(('positions', 'velocities', 'accelerations'), (count, joints)),
            'root_position': (count, 3),
            'root_orientation': (count, 4),
        }
        if count == 0 or joints == 0:
            raise MotionFormatError(f'trajectory has {count} samples of {joints} joints')
        for name, shape in shapes.items():
            try:
                array = np.array(getattr(self, name), dtype=np.float64)
            except (TypeError, ValueError):
                raise MotionFormatError(f'{name} is not an array of numbers') from None
            if array.shape != shape:
                raise MotionFormatError(f'{name} has shape {array.shape}: expected {shape}')
            if not np.isfinite(array).all():
                raise MotionFormatError(f'{name} holds a value that is not finite')
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, 'joint_names', names)

    @property
    def duration(self) -> float:
        """Seconds from the start to the last sample."""
        return float(self.time_from_start[-1])

    def sample(self, time: ArrayLike) -> tuple[Array, Array, Array]:
        """Interpolate with the quintic through position, velocity and acceleration.

        Trajectories of this package are piecewise cubic, so the quintic (and the cubic that a
        controller uses without accelerations) reproduces them exactly between the samples.

        Args:
            time: (...) s from the start; outside, the first or last position is held.

        Returns:
            Positions, velocities, accelerations, each (..., N).
        """
        at = np.asarray(time, dtype=np.float64)
        times = self.time_from_start
        if len(times) == 1:
            held = np.broadcast_to(self.positions[0], (*at.shape, len(self.joint_names)))
            return held.copy(), np.zeros_like(held), np.zeros_like(held)
        low = np.clip(np.searchsorted(times, at, side='right') - 1, 0, len(times) - 2)
        step = (times[low + 1] - times[low])[..., None]
        phase = np.clip((at - times[low])[..., None] / step, 0.0, 1.0)
        result = _quintic(
            phase,
            step,
            (self.positions[low], self.velocities[low], self.accelerations[low]),
            (self.positions[low + 1], self.velocities[low + 1], self.accelerations[low + 1]),
        )
        inside = ((at >= times[0]) & (at <= times[-1]))[..., None]
        return result[0], result[1] * inside, result[2] * inside

    def sample_root(self, time: ArrayLike) -> tuple[Array, Array]:
        """Interpolate the root: positions (..., 3) m and orientations (..., 4) xyzw."""
        at = np.clip(time, self.time_from_start[0], self.time_from_start[-1])
        low = np.clip(
            np.searchsorted(self.time_from_start, at, side='right') - 1, 0, max(len(self) - 2, 0)
        )
        high = np.minimum(low + 1, len(self) - 1)
        span = np.maximum(self.time_from_start[high] - self.time_from_start[low], 1e-9)
        share = np.asarray((at - self.time_from_start[low]) / span)
        start, stop = self.root_position[low], self.root_position[high]
        orientation = rotation.slerp(
            self.root_orientation[low], self.root_orientation[high], share
        )
        return start + share[..., None] * (stop - start), orientation

    def check(self, robot: Robot) -> None:
        """Check everything a controller relies on.

        Times start above 0 and increase; the last velocity is exactly zero; positions, velocities
        and accelerations are inside the limits, and so are the finite differences of the samples.

        Raises:
            LimitViolation: The message names the joint, the time, the value and the limit.
        """
        if self.joint_names != robot.joint_names:
            raise LimitViolation(f'trajectory is for other joints than those of {robot.name}')
        steps = np.diff(self.time_from_start, prepend=0.0)
        if (steps <= 0).any():
            late = self.time_from_start[int(np.argmin(steps))]
            raise LimitViolation(f'time_from_start does not increase at {late:.3f} s')
        if np.any(self.velocities[-1] != 0.0):
            joint = self.joint_names[int(np.abs(self.velocities[-1]).argmax())]
            raise LimitViolation(f'{joint} still moves at the end: expected velocity 0')
        centre, half = (robot.upper + robot.lower) / 2, (robot.upper - robot.lower) / 2
        step = steps[1:, None]
        for what, unit, values, limit in (
            ('position, from the middle of its range,', 'rad', self.positions - centre, half),
            ('velocity', 'rad/s', self.velocities, robot.velocity),
            ('velocity', 'rad/s', np.diff(self.positions, axis=0) / step, robot.velocity),
            ('acceleration', 'rad/s^2', self.accelerations, robot.acceleration),
            (
                'acceleration',
                'rad/s^2',
                np.diff(self.velocities, axis=0) / step,
                robot.acceleration,
            ),
        ):
            excess = np.abs(values) - limit
            if excess.size and excess.max() > _TOLERANCE:
                row, column = np.unravel_index(excess.argmax(), excess.shape)
                raise LimitViolation(
                    f'{self.joint_names[column]} at {self.time_from_start[row]:.3f} s: {what} is '
                    f'{abs(values[row, column]):.4g} {unit}, the limit {limit[column]:.4g}'
                )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``.npz`` or, by suffix, ``.csv`` (one row a sample); replaces the file atomically.

        Raises:
            MotionFormatError: The suffix is neither.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in ('.npz', '.csv'):
            raise MotionFormatError(f'{path}: expected a trajectory file name in .npz or .csv')
        with atomic_write(path) as temporary:
            if suffix == '.csv':
                temporary.write_text(self._csv(), 'utf-8')
            else:
                arrays = {
                    f.name: getattr(self, f.name) for f in fields(self) if f.name != 'report'
                }
                with temporary.open('wb') as file:
                    np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trajectory:
        """Read a file written by `save`.

        Raises:
            MotionFormatError: It is no trajectory file.
            OSError: It cannot be read.
        """
        try:
            content = _read_csv(path) if Path(path).suffix.lower() == '.csv' else _read_npz(path)
            return cls(**content)
        except MotionFormatError as error:
            raise MotionFormatError(f'{path}: {error}') from None

    def __len__(self) -> int:
        return len(self.time_from_start)

    def __repr__(self) -> str:
        """Tell the story in one line."""
        size = f'{len(self)} samples, {len(self.joint_names)} joints'
        return f'Trajectory({self.robot}, {size}, {self.duration:.1f} s)'

    def _csv(self) -> str:
        """One header line, then one row a sample; robot and source in the last two columns."""
        kinds = ('position', 'velocity', 'acceleration')
        header = ['time_from_start', 'source_time', *_ROOT_COLUMNS]
        header += [f'{kind}/{joint}' for kind in kinds for joint in self.joint_names]
        numbers = np.column_stack(
            [
                *(self.time_from_start, self.source_time, self.root_position),
                *(self.root_orientation, self.positions, self.velocities, self.accelerations),
            ]
        )
        text = io.StringIO()
        writer = csv.writer(text, lineterminator='\n')
        writer.writerow([*header, 'robot', 'source'])
        for row in numbers:
            writer.writerow([*map(repr, row.tolist()), self.robot, self.source])
        return text.getvalue()


def _quintic(
    phase: Array,
    step: Array,
    start: tuple[Array, Array, Array],
    stop: tuple[Array, Array, Array],
) -> tuple[Array, Array, Array]:
    """Quintic Hermite interpolation in phase (..., 1) over segments of step (..., 1) seconds."""
    (q0, v0, a0), (q1, v1, a1) = start, stop
    v0, v1, a0, a1 = v0 * step, v1 * step, a0 * step**2 / 2, a1 * step**2 / 2
    rest = q1 - q0 - v0 - a0
    slope = v1 - v0 - 2 * a0
    curve = a1 - a0
    c3 = 10 * rest - 4 * slope + curve
    c4 = -15 * rest + 7 * slope - 2 * curve
    c5 = 6 * rest - 3 * slope + curve
    u = phase
    position = q0 + u * (v0 + u * (a0 + u * (c3 + u * (c4 + u * c5))))
    velocity = v0 + u * (2 * a0 + u * (3 * c3 + u * (4 * c4 + u * 5 * c5)))
    acceleration = 2 * a0 + u * (6 * c3 + u * (12 * c4 + u * 20 * c5))
    return position, velocity / step, acceleration / step**2


def _read_npz(path: str | os.PathLike[str]) -> dict[str, Any]:
    names = [f.name for f in fields(Trajectory) if f.name != 'report']
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in names[:-2] if name not in file]
            if missing:
                raise MotionFormatError(f'no trajectory: {missing[0]} is missing')
            content: dict[str, Any] = {name: file[name] for name in names if name in file}
    except (
        ValueError,
        EOFError,
        KeyError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
    ) as error:
        raise MotionFormatError(f'no trajectory file: {" ".join(str(error).split())}') from None
    if content['joint_names'].ndim != 1:
        raise MotionFormatError('joint_names is not a list of names')
    content['joint_names'] = tuple(content['joint_names'].tolist())
    for name in ('robot', 'source'):
        content[name] = str(content.get(name, ''))
    return content


def _read_csv(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        with Path(path).open(encoding='utf-8', newline='') as file:
            header, *rows = csv.reader(file)
        count = len(header) - 2
        numbers = np.array([[float(cell) for cell in row[:count]] for row in rows])
        table = dict(zip(header, numbers.T, strict=False))
        joints = [
            name.removeprefix('position/') for name in header if name.startswith('position/')
        ]
        return {
            'joint_names': tuple(joints),
            'time_from_start': table['time_from_start'],
            'source_time': table['source_time'],
            'root_position': np.column_stack([table[name] for name in _ROOT_COLUMNS[:3]]),
            'root_orientation': np.column_stack([table[name] for name in _ROOT_COLUMNS[3:]]),
            **{
                field_name: np.column_stack([table[f'{kind}/{joint}'] for joint in joints])
                for kind, field_name in (
                    ('position', 'positions'),
                    ('velocity', 'velocities'),
                    ('acceleration', 'accelerations'),
                )
            },
            'robot': rows[0][count],
            'source': rows[0][count + 1],
        }
    except (ValueError, KeyError, IndexError) as error:
        raise MotionFormatError(f'no trajectory file: {" ".join(str(error).split())}') from None
