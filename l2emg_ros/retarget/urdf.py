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

"""URDF files: found, read by Pinocchio, with their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
import os
from pathlib import Path
import re
import sys
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.errors import RobotMapError

PACKAGE = 'package://'
# An axis that turns without end is taken as one that turns half a turn to either side: a
# trajectory of angles then says where it is.
_HALF_TURN = str(np.pi)
# Where Collada files say which axis is up, bytes; and the rotation that turns y up into z up.
_HEADER = 4096
_STAND_UP = pin.SE3(np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), np.zeros(3))


def read(path: Path) -> Any:
    """Return the ``pinocchio.Model`` of a URDF with its root link fixed.

    Continuous joints become revolute ones from -pi to pi rad.

    Raises:
        RobotMapError: It is not a URDF.
        OSError: It cannot be read.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
        if root.tag != 'robot':
            raise RobotMapError(f'{path} is not a URDF: expected <robot>, found <{root.tag}>')
        for joint in root.iter('joint'):
            if joint.get('type') == 'continuous':
                joint.set('type', 'revolute')
                limit = joint.find('limit')
                if limit is None:
                    limit = ElementTree.SubElement(joint, 'limit', effort='0', velocity='0')
                limit.set('lower', f'-{_HALF_TURN}')
                limit.set('upper', _HALF_TURN)
        return pin.buildModelFromXML(ElementTree.tostring(root, encoding='unicode'))
    except ElementTree.ParseError as error:
        raise RobotMapError(f'{path} is not a URDF: {error}') from None
    except (RuntimeError, ValueError) as error:
        raise RobotMapError(f'{path} cannot be read: {" ".join(str(error).split())}') from None


def mimics(path: Path) -> set[str]:
    """Return the names of the joints of a URDF that follow other joints."""
    joints = ElementTree.parse(path).getroot().findall('joint')
    return {str(joint.get('name')) for joint in joints if joint.find('mimic') is not None}


def shapes(model: Any, path: Path, collision: bool = False) -> Any:
    """Return the visual or collision shapes of a URDF as ``pinocchio.GeometryModel``.

    Args:
        model: From `read`, or a reduced form of it.
        path: The URDF.
        collision: Whether to read the collision shapes.

    Raises:
        RobotMapError: A mesh is not there.
    """
    kind = pin.GeometryType.COLLISION if collision else pin.GeometryType.VISUAL
    try:
        geometry = pin.buildGeomFromUrdf(model, str(path), kind, package_dirs=_mesh_folders(path))
    except (RuntimeError, ValueError) as error:
        raise RobotMapError(f'{path}: {" ".join(str(error).split())}') from None
    for item in geometry.geometryObjects:
        if _lies(item.meshPath):
            item.placement = item.placement * _STAND_UP
    return geometry


@dataclass(frozen=True, eq=False)
class Mesh:
    """A visual mesh.

    Attributes:
        link: Name of the link that carries it.
        points: (V, 3) m in the frame of the link.
        triangles: (F, 3) numbers of points.
    """

    link: str
    points: NDArray[np.float64]
    triangles: NDArray[np.int32]


def meshes(model: Any, path: Path, without: Sequence[str] = ()) -> list[Mesh]:
    """Return the visual meshes of a URDF.

    Args:
        model: From `read`, or a reduced form of it.
        path: The URDF.
        without: Endings of file names to leave out, in lower case.

    Raises:
        RobotMapError: A mesh is not there.
    """
    found = []
    for item in shapes(model, path).geometryObjects:
        if not item.meshPath or item.meshPath.lower().endswith(tuple(without)):
            continue
        frame, shape = model.frames[item.parentFrame], item.geometry
        place = frame.placement.actInv(item.placement)
        corners = [shape.tri_indices(i) for i in range(shape.num_tris)]
        found.append(
            Mesh(
                link=frame.name,
                points=np.asarray(shape.vertices()) @ place.rotation.T + place.translation,
                triangles=np.array([(c[0], c[1], c[2]) for c in corners], dtype=np.int32),
            )
        )
    return found


def _lies(mesh: str) -> bool:
    """Tell whether a mesh is Collada with y up, which Pinocchio's loader takes as it is."""
    if not mesh.lower().endswith('.dae'):
        return False
    with Path(mesh).open('rb') as file:
        return b'<up_axis>Y_UP' in file.read(_HEADER)


def _mesh_folders(path: Path) -> list[str]:
    """Where the packages that the URDF's meshes name may lie."""
    packages = set(re.findall(rf'{PACKAGE}([^/"]+)/', path.read_text('utf-8', 'replace')))
    shares = [folder.parent for name in sorted(packages) for folder in share_folders(name)]
    return [str(folder) for folder in (*path.resolve().parents, *dict.fromkeys(shares))]


def resolve(address: str, base: Path) -> Path:
    """Find a file by ``package://NAME/...`` address or by its path relative to ``base``.

    A package is looked for around the URDF (``base`` and the folders above it), then as ROS does
    (share folders of AMENT_PREFIX_PATH and of this interpreter) and among the installed wheels.

    Raises:
        RobotMapError: It is not there; the message lists every place tried.
    """
    if not address.startswith(PACKAGE):
        path = base / address.removeprefix('file://')
        if path.is_file():
            return path.resolve()
        raise RobotMapError(f'urdf is {address!r}: {path} is not a file')
    package, _, inside = address.removeprefix(PACKAGE).partition('/')
    base = base.resolve()
    around = [folder for folder in (base, *base.parents) if folder.name == package]
    tried = [folder / inside for folder in (*around, *share_folders(package))]
    for path in tried:
        if path.is_file():
            return path
    listed = ', '.join(map(str, tried))
    raise RobotMapError(f'urdf is {address!r}: install the package {package} (tried {listed})')


def share_folders(package: str) -> list[Path]:
    """Return where the files of a package may lie; the folders need not exist."""
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    folders = [Path(prefix, 'share', package) for prefix in [*prefixes, sys.prefix]]
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    marker = f'share/{package}/package.xml'
    folders += [Path(str(f.locate())).parent for f in files if f.as_posix().endswith(marker)]
    return folders
