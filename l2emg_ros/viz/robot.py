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
"""Draws a robot that follows a trajectory, with MuJoCo's renderer and no display."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import os
from pathlib import Path
from typing import Any, TYPE_CHECKING
from xml.etree import ElementTree

import mujoco
import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import ResourceNotFound, RobotMapError
from l2emg_ros.motion import rotation
from l2emg_ros.retarget.urdf import resolve
from l2emg_ros.viz import shapes, video

if TYPE_CHECKING:
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.trajectory import Trajectory

Array = NDArray[np.float64]
Frame = NDArray[np.uint8]

_AZIMUTH = 32.0  # degrees off the facing direction, as in the drawings of people
_ELEVATION = -14.0
_MARGIN = 1.25
_ROOT_JOINT = 'viz_root'
_INERTIA = {'ixx': '1', 'iyy': '1', 'izz': '1', 'ixy': '0', 'ixz': '0', 'iyz': '0'}


class RobotRenderer:
    """Images of a robot in given poses; a context manager, as it holds an OpenGL context.

    Args:
        robot: the robot; its root moves freely.
        size: width and height in pixels.
        fine: smooth edges and shadows, at three times the cost (0.3 s an image on one core).

    Raises:
        RobotMapError: if MuJoCo cannot read the URDF or its meshes.
        ResourceNotFound: if there is no OpenGL without a display; it says what to install.
    """

    def __init__(
        self, robot: Robot, size: tuple[int, int] = (640, 480), fine: bool = False
    ) -> None:
        self._model = _load_model(robot, size, fine)
        self._data = mujoco.MjData(self._model)
        joints = [self._model.joint(name) for name in robot.joint_names]
        self._columns = np.array([int(joint.qposadr[0]) for joint in joints])
        self._size = size
        self._context = _context(size)
        self._context.make_current()
        self._render = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._render)
        self._scene = mujoco.MjvScene(self._model, maxgeom=2000)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = int(fine)
        self._options = mujoco.MjvOption()
        self.camera = mujoco.MjvCamera()
        self.camera.elevation = _ELEVATION

    def __enter__(self) -> RobotRenderer:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free the OpenGL context."""
        self.close()

    def close(self) -> None:
        """Free the OpenGL context."""
        self._render.free()
        self._context.free()

    def pose(self, joints: Array, position: Array, orientation: Array) -> None:
        """Place the robot.

        Args:
            joints: (N,) rad.
            position: (3,) m, of the root link in the z-up world.
            orientation: (4,) xyzw.
        """
        self._data.qpos[:3] = position
        self._data.qpos[3:7] = np.roll(orientation, 1)  # MuJoCo has w first
        self._data.qpos[self._columns] = joints
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)

    def extent(self) -> Array:
        """Return (2, 3) m, the corners of the box around all links of the present pose."""
        bodies = self._data.xpos[1:]
        return np.stack([bodies.min(axis=0), bodies.max(axis=0)])

    def draw(self) -> Frame:
        """Return the present pose as (height, width, 3) uint8."""
        width, height = self._size
        self._context.make_current()
        category = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(
            self._model, self._data, self._options, None, self.camera, category, self._scene
        )
        rectangle = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(rectangle, self._scene, self._render)
        image = np.empty((height, width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(image, None, rectangle, self._render)
        return image[::-1]


def render_trajectory(
    robot: Robot,
    trajectory: Trajectory,
    size: tuple[int, int] = (640, 480),
    fps: float = 30.0,
    times: Sequence[float] | None = None,
    fine: bool = False,
) -> Iterator[Frame]:
    """Draw a trajectory from a 3/4 view that follows the robot.

    Args:
        robot: the robot the trajectory is for.
        trajectory: what to draw.
        size: width and height in pixels.
        fps: images a second.
        times: instants to draw instead, s.
        fine: smooth edges and shadows, at three times the cost.

    Yields:
        (height, width, 3) uint8 images.

    Raises:
        RobotMapError: if the trajectory is for other joints.
    """
    if trajectory.joint_names != robot.joint_names:
        raise RobotMapError(
            f'the trajectory moves {len(trajectory.joint_names)} joints of '
            f'{trajectory.robot or "a robot"}: expected those of {robot.name}'
        )
    instants = frame_times(trajectory.duration, fps) if times is None else np.asarray(times)
    joints = trajectory.sample(instants)[0]
    positions, orientations = trajectory.sample_root(instants)
    path = _calm_path(trajectory, instants)
    with RobotRenderer(robot, size, fine) as renderer:
        boxes = []
        for state in zip(joints, positions, orientations, strict=True):
            renderer.pose(*state)
            boxes.append(renderer.extent())
        low, high = float(np.min(boxes, axis=(0, 1))[2]), float(np.max(boxes, axis=(0, 1))[2])
        reach = float(np.abs(np.array(boxes)[..., :2] - path[:, None]).max())
        half = max(0.5 * (high - low) + 0.1, reach * size[1] / size[0])
        renderer.camera.distance = _MARGIN * half / np.tan(np.radians(22.5))
        ahead = robot.map.links['base_link'].axes[:, 0]
        forward = rotation.apply(orientations, ahead)[:, :2].sum(axis=0)
        heading = np.degrees(np.arctan2(forward[1], forward[0]))
        renderer.camera.azimuth = heading + _AZIMUTH + 180.0
        for centre, state in zip(
            path, zip(joints, positions, orientations, strict=True), strict=True
        ):
            renderer.pose(*state)
            renderer.camera.lookat[:] = [*centre, 0.5 * (low + high)]
            yield renderer.draw()


def write_sheet(
    robot: Robot,
    trajectory: Trajectory,
    path: str | os.PathLike[str],
    poses: int = 10,
    title: str = '',
    size: tuple[int, int] = (240, 320),
) -> None:
    """Write a contact sheet of evenly spaced poses, each with its time, as PNG."""
    times = np.linspace(0.0, trajectory.duration, poses)
    images = list(render_trajectory(robot, trajectory, size, times=times.tolist(), fine=True))
    labels = [f'{time:.2f} s' for time in times]
    video.write_sheet(images, path, title or trajectory.source, labels)


def frame_times(duration: float, fps: float) -> Array:
    """Return the instants of the images of a video of `duration` seconds."""
    return np.arange(int(duration * fps + 1e-6) + 1) / fps


def _calm_path(trajectory: Trajectory, times: Array) -> Array:
    """Return (T, 2) m, the root's path averaged over a second, for the camera."""
    around = np.linspace(-0.5, 0.5, 11)
    return np.asarray(trajectory.sample_root(times[:, None] + around)[0].mean(axis=1)[:, :2])


def _context(size: tuple[int, int]) -> Any:
    """Return an OpenGL context that needs no display: EGL, or OSMesa where MUJOCO_GL says so."""
    try:
        if os.environ.get('MUJOCO_GL', '').lower() == 'osmesa':
            from mujoco.osmesa import GLContext
        else:
            from mujoco.egl import GLContext
        return GLContext(*size)
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise ResourceNotFound(
            f'no OpenGL without a display ({error}): install libegl1, libegl-mesa0 and '
            'libgl1-mesa-dri, or libosmesa6 and set MUJOCO_GL=osmesa'
        ) from None


def _load_model(robot: Robot, size: tuple[int, int], fine: bool) -> Any:
    """Compile the visual shapes of a URDF on a floating root, with floor and light."""
    try:
        root = ElementTree.parse(robot.urdf_path).getroot()
        others = _prepare(root, robot.urdf_path.parent)
        spec = mujoco.MjSpec.from_string(ElementTree.tostring(root, encoding='unicode'))
        if others:
            shapes.add_meshes(spec, robot)
        for mesh in spec.meshes:
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL  # flat meshes have no volume
        _add_surroundings(spec, size, fine)
        return spec.compile()
    except (ElementTree.ParseError, ValueError) as error:
        message = ' '.join(str(error).split())
        raise RobotMapError(f'{robot.urdf_path} cannot be drawn: {message}') from None


def _prepare(root: ElementTree.Element, folder: Path) -> bool:
    """Drop collision shapes, find meshes and hang the root link on a free joint.

    Returns:
        Whether there are meshes that MuJoCo does not read; they are dropped, too.
    """
    others = False
    for link in root.iter('link'):
        for part in [*link.findall('collision'), *link.findall('inertial')]:
            link.remove(part)
        # Nothing is moved by forces here, and many a URDF has links without mass.
        inertial = ElementTree.SubElement(link, 'inertial')
        ElementTree.SubElement(inertial, 'mass', value='1')
        ElementTree.SubElement(inertial, 'inertia', _INERTIA)
        for shape in link.findall('visual'):
            mesh = shape.find('geometry/mesh')
            if mesh is None:
                continue
            address = mesh.get('filename', '')
            if Path(address).suffix.lower() in shapes.READABLE:
                mesh.set('filename', str(resolve(address, folder)))
            else:
                link.remove(shape)
                others = True
    if not others and root.find('link/visual') is None:
        shapes.add_sticks(root)
    children = {joint.find('child').get('link') for joint in root.findall('joint')}  # type: ignore[union-attr]
    base = next(link for link in root.iter('link') if link.get('name') not in children)
    ElementTree.SubElement(root, 'link', name='world')
    joint = ElementTree.SubElement(root, 'joint', name=_ROOT_JOINT, type='floating')
    ElementTree.SubElement(joint, 'parent', link='world')
    ElementTree.SubElement(joint, 'child', link=base.get('name', ''))
    settings = ElementTree.Element('mujoco')
    ElementTree.SubElement(
        settings,
        'compiler',
        strippath='false',
        discardvisual='false',
        fusestatic='false',
        balanceinertia='true',
    )
    root.insert(0, settings)
    return others


def _add_surroundings(spec: Any, size: tuple[int, int], fine: bool) -> None:
    """Add floor, sky and light, and make room for the image."""
    spec.visual.global_.offwidth, spec.visual.global_.offheight = size
    spec.visual.quality.offsamples = 4 if fine else 0
    spec.visual.quality.shadowsize = 2048
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.headlight.diffuse = [0.35, 0.35, 0.35]
    spec.visual.headlight.specular = [0.1, 0.1, 0.1]
    spec.add_texture(
        name='viz_sky',
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.96, 0.97, 0.98],
        rgb2=[0.82, 0.85, 0.89],
        width=64,
        height=384,
    )
    spec.add_texture(
        name='viz_floor',
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.86, 0.88, 0.9],
        rgb2=[0.8, 0.83, 0.86],
        width=256,
        height=256,
    )
    material = spec.add_material(name='viz_floor', texrepeat=[1, 1], texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = 'viz_floor'
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=[20, 20, 0.1], material='viz_floor'
    )
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[1.5, 1.5, 4.0],
        dir=[-0.35, -0.15, -1.0],
        diffuse=[0.5] * 3,
        castshadow=True,
    )
