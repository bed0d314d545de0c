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
"""Whether a robot would stand: its centre of mass against the soles that carry it.

The root is driven kinematically, and a controller that keeps a free-standing robot up moves joints
by itself; slow poses whose centre of mass leaves the soles no controller can keep. In fast motion
the centre of mass may be beside the soles, and does not tell whether the robot stays up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.motion import rotation
from l2emg_ros.retarget.robot import Robot
from l2emg_ros.retarget.root import RootPlanner
from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]

FLOOR = 0.01
"""A corner of a sole below this height carries, m."""
SLOW = 0.15
"""A robot that stands moves its root over the floor no faster than this, m/s."""
CALM = 0.5
"""It accelerates its centre of mass over the floor no more than this, m/s^2.

The point at which the floor pushes is then below the centre of mass but for ``height / g`` times
that: 3.5 cm of a G1, 5 cm of a TALOS.
"""
TIPS = 0.5
"""A centre of mass beside the soles for longer than this tips a robot that stands over, s.

An inverted pendulum as high as that of a G1, let go at rest, is 3.4 times as far off by then.
"""


@dataclass(frozen=True)
class Standing:
    """How the robot of a trajectory stands, sample by sample.

    Attributes:
        slow: (T,) it stands slowly: a sole on the floor, the root no faster than `SLOW`, the
            centre of mass no more accelerated than `CALM`.
        distance: (T,) m, of the centre of mass from the soles on the floor: 0 over them, NaN where
            none is there.
    """

    slow: NDArray[np.bool_]
    distance: Array


@dataclass(frozen=True)
class Overhang:
    """A robot that stands slowly has its centre of mass beside its soles for a while.

    Attributes:
        distance: m, at worst.
        start: s, first sample.
        stop: s, last sample; infinite where the trajectory ends so, and rests.
    """

    distance: float
    start: float
    stop: float

    @property
    def tips(self) -> bool:
        """Whether it lasts longer than a robot stays up without a balance controller."""
        return self.stop - self.start > TIPS

    def __str__(self) -> str:
        """Say it in a line."""
        if self.stop == np.inf:
            when = f'from {self.start:.2f} s on'
        elif self.stop > self.start:
            when = f'from {self.start:.2f} to {self.stop:.2f} s'
        else:
            when = f'at {self.start:.2f} s'
        return f'centre of mass {1e3 * self.distance:.0f} mm outside the soles {when}'


def standing(robot: Robot, trajectory: Trajectory) -> Standing:
    """Return how the robot of a trajectory stands; without legs it never does."""
    count = len(trajectory)
    if not robot.map.has_legs:
        return Standing(np.zeros(count, dtype=bool), np.full(count, np.nan))
    root = rotation.to_matrix(trajectory.root_orientation)
    corners = RootPlanner(robot).corners(trajectory.positions, root).reshape(count, -1, 3)
    corners += trajectory.root_position[:, None]
    centres = (root @ centre_of_mass(robot, trajectory.positions)[..., None])[..., 0]
    centres += trajectory.root_position
    distance = np.linalg.norm(beside(centres, corners), axis=1)
    slow = ~np.isnan(distance)
    if count > 1:
        moves = np.hstack([trajectory.root_position[:, :2], centres[:, :2]])
        speed = np.gradient(moves, trajectory.time_from_start, axis=0)
        change = np.gradient(speed[:, 2:], trajectory.time_from_start, axis=0)
        slow &= np.linalg.norm(speed[:, :2], axis=1) <= SLOW
        slow &= np.linalg.norm(change, axis=1) <= CALM
    return Standing(slow, distance)


def overhangs(stands: Standing, times: Array) -> list[Overhang]:
    """Return when the centre of mass of a robot that stands slowly is beside its soles.

    Args:
        stands: T samples.
        times: (T,) s.
    """
    out = stands.slow & (stands.distance > 0.0)
    edges = np.flatnonzero(np.diff(out, prepend=False, append=False)).reshape(-1, 2)
    last = np.append(times[:-1], np.inf)
    return [
        Overhang(
            float(stands.distance[start:stop].max()), float(times[start]), float(last[stop - 1])
        )
        for start, stop in edges.tolist()
    ]


def centre_of_mass(robot: Robot, positions: Array) -> Array:
    """Return centres of mass (K, 3) m in the frame of the root link for angles (K, N) rad."""
    model, data = robot.model, robot.model.createData()
    # Pinocchio leaves out what is fixed to the root, here the root link itself.
    fixed = model.inertias[0]
    moving = np.array([pin.centerOfMass(model, data, q) for q in positions]).reshape(-1, 3)
    mass = pin.computeTotalMass(model)
    return np.asarray((mass * moving + fixed.mass * fixed.lever) / (mass + fixed.mass))


def beside(centres: Array, corners: Array) -> Array:
    """Return how far, and which way, the centre of mass is from the soles on the floor.

    Args:
        centres: (K, 3) m, centres of mass in the z-up world.
        corners: (K, C, 3) m, corners of the soles, floor at z = 0.

    Returns:
        (K, 2) m, from the nearest place of their hull; 0 over it, NaN where no corner touches the
        floor.
    """
    over = supported(centres, corners)
    # The edges of a hull are among the lines between its corners; the others are inside.
    first, second = np.triu_indices(corners.shape[1])
    start, at = corners[:, first, :2], centres[:, None, :2]
    along = corners[:, second, :2] - start
    length = np.maximum((along**2).sum(axis=-1), 1e-12)
    share = np.clip(((at - start) * along).sum(axis=-1) / length, 0.0, 1.0)
    away = at - start - share[..., None] * along
    carrying = corners[..., 2] < FLOOR
    distance = np.linalg.norm(away, axis=-1)
    distance[~(carrying[:, first] & carrying[:, second])] = np.inf
    nearest = away[np.arange(len(away)), distance.argmin(axis=1)]
    nearest[over == 1.0] = 0.0
    nearest[np.isnan(over)] = np.nan
    return np.asarray(nearest)


def supported(centres: Array, corners: Array) -> Array:
    """Return for which samples the centre of mass is over the soles on the floor.

    Args:
        centres: (K, 3) m, centres of mass in the z-up world.
        corners: (K, C, 3) m, corners of the soles, floor at z = 0.

    Returns:
        (K,) 1 where it is, 0 where it is not, NaN where no corner touches the floor.
    """
    if not len(centres):
        return np.zeros(0)
    carrying = corners[..., 2] < FLOOR
    away = corners[..., :2] - centres[:, None, :2]
    bearing = np.arctan2(away[..., 1], away[..., 0])
    # Corners in the air stand where one on the floor does: they change no gap.
    first = np.take_along_axis(bearing, carrying.argmax(axis=1)[:, None], axis=1)
    bearing = np.sort(np.where(carrying, bearing, first), axis=1)
    gaps = np.diff(bearing, axis=1, append=bearing[:, :1] + 2.0 * np.pi)
    # Inside a convex hull no half-plane is free of corners.
    inside = (gaps.max(axis=1) < np.pi).astype(float)
    return np.where(carrying.any(axis=1), inside, np.nan)
