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
"""Trajectories, joint states and times to messages and back, checked on the way in."""

from __future__ import annotations

import array
from collections.abc import Sequence
import math

from builtin_interfaces.msg import Duration, Time
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from l2emg_ros.errors import BadRequest
from l2emg_ros.retarget.trajectory import Trajectory

# Bound of what can be a plan for a robot: a quarter of an hour at 100 Hz.
_MAX_POINTS = 100_000


def floats(values: ArrayLike, code: str = 'f') -> array.array:
    """Return the flat array that fills a message field quickest.

    ``code``: 'f' float32, 'd' float64, 'H' uint16.
    """
    return array.array(code, np.ascontiguousarray(values, dtype=code).tobytes())


def time_message(seconds: float) -> Time:
    """Return a time stamp."""
    whole = math.floor(seconds)
    return Time(sec=int(whole), nanosec=min(int((seconds - whole) * 1e9), 999_999_999))


def stamp_seconds(stamp: Time | Duration) -> float:
    """Return a time stamp or duration in seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def duration_message(seconds: float) -> Duration:
    """Return a duration."""
    stamp = time_message(seconds)
    return Duration(sec=stamp.sec, nanosec=stamp.nanosec)


def trajectory_to_message(trajectory: Trajectory, stamp: float) -> JointTrajectory:
    """Return a trajectory as a joint trajectory controller accepts it.

    The sample at time 0, where the robot already is, is left out: a controller wants the first
    point later than the stamp.

    Args:
        trajectory: What to play.
        stamp: Clock time of the trajectory's time 0, s.
    """
    message = JointTrajectory(joint_names=list(trajectory.joint_names))
    message.header.stamp = time_message(stamp)
    rows = zip(
        trajectory.time_from_start,
        trajectory.positions,
        trajectory.velocities,
        trajectory.accelerations,
        strict=True,
    )
    message.points = [
        JointTrajectoryPoint(
            positions=floats(q, 'd'),
            velocities=floats(v, 'd'),
            accelerations=floats(a, 'd'),
            time_from_start=duration_message(float(t)),
        )
        for t, q, v, a in rows
        if t > 0.0
    ]
    return message


def trajectory_from_message(
    message: JointTrajectory, joint_names: Sequence[str], robot: str
) -> Trajectory | None:
    """Return the plan of a message, by the rules of Jazzy's joint trajectory controller.

    Args:
        message: The message.
        joint_names: The robot's joints; the message names all of them in any order.
        robot: Name of the robot.

    Returns:
        The trajectory with joints in the robot's order, or None for an empty message (hold).

    Raises:
        BadRequest: Joints, lengths, times or values break a rule.
    """
    if not message.points:
        return None
    order = _joint_order(message.joint_names, joint_names)
    if len(message.points) > _MAX_POINTS:
        raise BadRequest(f'{len(message.points)} points: expected at most {_MAX_POINTS}')
    times = np.array([stamp_seconds(point.time_from_start) for point in message.points])
    if times[0] < 0.0 or (np.diff(times) <= 0.0).any():
        raise BadRequest('time_from_start must start at 0 or later and increase strictly')
    positions = _rows(message, 'positions', order)
    if positions is None:
        raise BadRequest('points have no positions')
    velocities = _rows(message, 'velocities', order)
    accelerations = _rows(message, 'accelerations', order)
    if velocities is None:
        velocities = np.gradient(positions, times, axis=0) if len(times) > 1 else 0 * positions
        velocities[-1] = 0.0
    if velocities[-1].any():
        raise BadRequest('the velocity of the last point is not zero')
    if accelerations is None:
        accelerations = np.gradient(velocities, times, axis=0) if len(times) > 1 else 0 * positions
    return Trajectory(
        joint_names=tuple(joint_names),
        time_from_start=times,
        source_time=times,
        positions=positions,
        velocities=velocities,
        accelerations=accelerations,
        root_position=np.zeros((len(times), 3)),
        root_orientation=np.tile([0.0, 0.0, 0.0, 1.0], (len(times), 1)),
        robot=robot,
        source='joint_trajectory',
    )


def _joint_order(given: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return where each wanted joint stands in the message."""
    places = {name: index for index, name in enumerate(given)}
    unknown = sorted(set(given) - set(wanted))
    if unknown:
        raise BadRequest(f'unknown joint {unknown[0]!r}')
    missing = [name for name in wanted if name not in places]
    if missing or len(given) != len(wanted):
        raise BadRequest(
            f'{len(given)} joints named: expected each of the {len(wanted)} joints once'
            + (f', {missing[0]!r} is missing' if missing else '')
        )
    return [places[name] for name in wanted]


def _rows(
    message: JointTrajectory, field: str, order: Sequence[int]
) -> NDArray[np.float64] | None:
    """Return (T, N) values of one field of every point, or None where no point has any."""
    rows = [getattr(point, field) for point in message.points]
    if not any(len(row) for row in rows):
        return None
    for index, row in enumerate(rows):
        if len(row) != len(order):
            raise BadRequest(
                f'point {index} has {len(row)} {field}: expected {len(order)}, one a joint'
            )
    values = np.array(rows, dtype=np.float64)[:, order]
    if not np.isfinite(values).all():
        raise BadRequest(f'{field} hold a value that is not finite')
    return values


def joint_positions(
    message: JointState, joint_names: Sequence[str], *, partial: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions and velocities of a joint state in the robot's order.

    Args:
        message: The message; joints of other devices are ignored.
        joint_names: The robot's joints.
        partial: True to return NaN for joints that the message does not name.

    Returns:
        (N,) positions in rad and (N,) velocities in rad/s (0 where the message has none).

    Raises:
        BadRequest: Lengths differ, a value is not finite, or a joint is missing.
    """
    count = len(message.name)
    if len(message.position) != count or len(message.velocity) not in (0, count):
        raise BadRequest(
            f'{len(message.position)} positions and {len(message.velocity)} velocities '
            f'for {count} joints'
        )
    places = {name: index for index, name in enumerate(message.name)}
    found = [(slot, places[name]) for slot, name in enumerate(joint_names) if name in places]
    if not found or (len(found) < len(joint_names) and not partial):
        raise BadRequest(f'{len(found)} of the {len(joint_names)} joints of the robot are named')
    slots, sources = (list(column) for column in zip(*found, strict=True))
    q = np.full(len(joint_names), np.nan)
    v = np.zeros(len(joint_names))
    q[slots] = np.asarray(message.position, dtype=np.float64)[sources]
    if len(message.velocity):
        v[slots] = np.asarray(message.velocity, dtype=np.float64)[sources]
    if not (np.isfinite(q[slots]).all() and np.isfinite(v).all()):
        raise BadRequest('a joint state holds a value that is not finite')
    return q, v


def joint_state_message(
    joint_names: Sequence[str], positions: ArrayLike, velocities: ArrayLike, stamp: float
) -> JointState:
    """Return a joint state."""
    message = JointState(
        name=list(joint_names), position=floats(positions, 'd'), velocity=floats(velocities, 'd')
    )
    message.header.stamp = time_message(stamp)
    return message
