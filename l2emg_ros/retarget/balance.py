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

A figure for reports. The root is driven kinematically, and a controller that keeps a free-standing
robot up moves joints by itself; slow poses whose centre of mass leaves the soles no controller can
keep.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.retarget.robot import Robot

Array = NDArray[np.float64]

FLOOR = 0.01
"""A corner of a sole below this height carries, m."""


def centre_of_mass(robot: Robot, positions: Array) -> Array:
    """Return centres of mass (K, 3) m in the frame of the root link for angles (K, N) rad."""
    model, data = robot.model, robot.model.createData()
    # Pinocchio leaves out what is fixed to the root, here the root link itself.
    fixed = model.inertias[0]
    moving = np.array([pin.centerOfMass(model, data, q) for q in positions]).reshape(-1, 3)
    mass = pin.computeTotalMass(model)
    return np.asarray((mass * moving + fixed.mass * fixed.lever) / (mass + fixed.mass))


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
