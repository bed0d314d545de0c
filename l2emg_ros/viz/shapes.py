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

"""Shapes of a robot that MuJoCo cannot read from its URDF: Collada meshes, and none at all."""

from __future__ import annotations

from typing import Any, TYPE_CHECKING
from xml.etree import ElementTree

import mujoco
import numpy as np

from l2emg_ros.retarget import urdf

if TYPE_CHECKING:
    from l2emg_ros.retarget.robot import Robot

# Meshes that MuJoCo reads itself.
READABLE = ('.stl', '.obj')
# Radius of the sticks that stand for links without shapes, and the shortest of them, m.
_STICK, _SHORTEST = 0.025, 0.02
_GREY = (0.6, 0.62, 0.65, 1.0)


def add_meshes(spec: Any, robot: Robot) -> None:
    """Add the visual meshes that MuJoCo does not read, through Pinocchio.

    Raises:
        RobotMapError: A mesh is not there.
    """
    meshes = urdf.meshes(robot.model, robot.urdf_path, without=READABLE)
    for number, mesh in enumerate(meshes):
        name = f'viz_mesh_{number}'
        spec.add_mesh(
            name=name, uservert=mesh.points.ravel(), userface=mesh.triangles.ravel().tolist()
        )
        spec.body(mesh.link).add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            rgba=_GREY,
            contype=0,
            conaffinity=0,
        )


def add_sticks(root: ElementTree.Element) -> None:
    """Give a URDF without visual shapes a cylinder from every joint to the next."""
    links = {link.get('name'): link for link in root.iter('link')}
    for joint in root.findall('joint'):
        parent, origin = joint.find('parent'), joint.find('origin')
        if parent is None or origin is None:
            continue
        way = np.array([float(value) for value in origin.get('xyz', '0 0 0').split()])
        length = float(np.linalg.norm(way))
        if length < _SHORTEST:
            continue
        pitch, yaw = np.arccos(way[2] / length), np.arctan2(way[1], way[0])
        visual = ElementTree.SubElement(links[parent.get('link')], 'visual')
        middle = ' '.join(f'{value / 2:.6g}' for value in way)
        ElementTree.SubElement(visual, 'origin', xyz=middle, rpy=f'0 {pitch:.6g} {yaw:.6g}')
        shape = ElementTree.SubElement(visual, 'geometry')
        ElementTree.SubElement(shape, 'cylinder', radius=str(_STICK), length=f'{length:.6g}')
