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
"""The robot's joints in MuJoCo: fixed pelvis, inertia and torque limits, no contacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TYPE_CHECKING
from xml.etree import ElementTree

import mujoco
import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import BadRequest, RobotMapError
from l2emg_ros.sim.player import Player

if TYPE_CHECKING:
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.trajectory import Trajectory

# Inertia of a geared motor's rotor seen at the joint, kg m^2: the order of magnitude of the G1's.
_ARMATURE = 0.01
# Natural frequency (rad/s) of the critically damped joint servos; 5 Hz is what position-controlled
# humanoid arms reach.
_BANDWIDTH = 32.0
# A gap longer than this is not caught up with: the process was stopped, not the robot, s.
_MAX_LAG = 0.25
_LEAST_MASS, _LEAST_INERTIA = '1e-3', '1e-6'  # kg, kg m^2


def load_model(urdf_path: Path, timestep: float) -> Any:
    """Compile a URDF without its shapes: links, joints, inertia, limits.

    Args:
        urdf_path: The description; meshes it refers to need not exist.
        timestep: Integration step, s.

    Returns:
        A ``mujoco.MjModel`` with the root link fixed in the world.

    Raises:
        RobotMapError: MuJoCo cannot read it.
    """
    try:
        root = ElementTree.parse(urdf_path).getroot()
        for link in root.iter('link'):
            for shape in [*link.findall('visual'), *link.findall('collision')]:
                link.remove(shape)
            for inertial in link.findall('inertial'):
                if not _possible(inertial):
                    link.remove(inertial)
        extension = ElementTree.Element('mujoco')
        # Links without mass (frames of sensors, fingers) get the least that can be integrated.
        ElementTree.SubElement(
            extension,
            'compiler',
            fusestatic='false',
            balanceinertia='true',
            strippath='false',
            boundmass=_LEAST_MASS,
            boundinertia=_LEAST_INERTIA,
        )
        root.insert(0, extension)
        spec = mujoco.MjSpec.from_string(ElementTree.tostring(root, encoding='unicode'))
        spec.option.timestep = timestep
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        for joint in spec.joints:
            joint.armature = _ARMATURE
        return spec.compile()
    except (ElementTree.ParseError, ValueError) as error:
        raise RobotMapError(f'{urdf_path} cannot be simulated: {error}') from None


def _possible(inertial: ElementTree.Element) -> bool:
    """Tell whether a body can have such an inertia: a positive definite matrix."""
    inertia = inertial.find('inertia')
    if inertia is None:
        return False
    xx, xy, xz, yy, yz, zz = (
        float(inertia.get(key, 0.0)) for key in ('ixx', 'ixy', 'ixz', 'iyy', 'iyz', 'izz')
    )
    matrix = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return bool(np.linalg.eigvalsh(matrix).min() > 0)


class Simulator:
    """Joint dynamics of a robot under computed-torque position servos.

    The servo torque is ``M(q) (a + 2 w (v_des - v) + w^2 (q_des - q)) + bias(q, v)``, cut to the
    effort limits of the URDF: gravity and inertia are compensated as on a robot whose drives know
    its model, and what remains is a critically damped error of natural frequency ``w``.

    Args:
        robot: The robot; every joint of its URDF is simulated; those it does not map are
            held at 0.
        timestep: Integration step, s.

    Attributes:
        time: Simulated seconds.
        player: What the joints are asked to do.
    """

    def __init__(self, robot: Robot, timestep: float = 0.002) -> None:
        self.robot = robot
        self._model = load_model(Path(robot.urdf_path), timestep)
        self._data = mujoco.MjData(self._model)
        self._posed = mujoco.MjData(self._model)
        self._qpos = np.array([self._joint(name).qposadr[0] for name in robot.joint_names])
        self._dofs = np.array([self._joint(name).dofadr[0] for name in robot.joint_names])
        limits = np.abs(self._model.jnt_actfrcrange).max(axis=1)
        self._effort = np.where(self._model.jnt_actfrclimited, limits, np.inf)
        home = np.asarray(robot.home, dtype=np.float64)
        self.player = Player(home)
        self._data.qpos[self._qpos] = home
        mujoco.mj_forward(self._model, self._data)
        self._lag = 0.0

    def _joint(self, name: str) -> Any:
        try:
            return self._model.joint(name)
        except KeyError:
            raise RobotMapError(
                f'joint {name!r} of {self.robot.name} is not in its URDF'
            ) from None

    @property
    def time(self) -> float:
        """Simulated time, s."""
        return float(self._data.time)

    @property
    def pending(self) -> float:
        """Time that has passed but does not fill an integration step yet, s."""
        return self._lag

    @property
    def positions(self) -> NDArray[np.float64]:
        """(N,) rad."""
        return self._data.qpos[self._qpos]

    @property
    def velocities(self) -> NDArray[np.float64]:
        """(N,) rad/s."""
        return self._data.qvel[self._dofs]

    @property
    def desired(self) -> NDArray[np.float64]:
        """(N,) rad, where the joints should be now."""
        return self.player.state(self.time)[0]

    @property
    def tracking_error(self) -> float:
        """Largest difference between desired and simulated joint position now, rad."""
        return float(np.abs(self.desired - self.positions).max())

    def link_position(self, name: str, positions: Sequence[float] | None = None) -> NDArray[Any]:
        """Return (3,) m, the origin of a link relative to the pelvis.

        Args:
            name: Name of the link in the URDF.
            positions: (N,) joint positions to answer for; None for the simulated ones.

        Raises:
            BadRequest: There is no such link.
        """
        body = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_BODY, name)
        if body < 0:
            raise BadRequest(f'link {name!r} is not in the URDF of {self.robot.name}')
        if positions is None:
            return self._data.xpos[body].copy()
        self._posed.qpos[self._qpos] = positions
        mujoco.mj_kinematics(self._model, self._posed)
        return self._posed.xpos[body].copy()

    def set_trajectory(self, trajectory: Trajectory, start: float | None = None) -> None:
        """Follow a trajectory from now on, in place of what was followed before.

        Args:
            trajectory: The plan, for all joints of the robot in its order.
            start: Simulated time of the trajectory's time 0, s; None for now.
        """
        self.player.play(trajectory, self.time if start is None else start, self.time)

    def set_command(
        self, positions: NDArray[np.float64], velocities: NDArray[np.float64] | None = None
    ) -> None:
        """Follow one set point, (N,) rad and rad/s, until the next; NaN keeps a joint as it is."""
        q = np.where(np.isfinite(positions), positions, self.desired)
        v = np.zeros(len(q)) if velocities is None else velocities
        self.player.command(q, v, self.time)

    def hold(self) -> None:
        """Stay where the joints are asked to be now."""
        self.player.hold(self.desired)

    def step(self, seconds: float) -> None:
        """Let time pass; what does not fill an integration step is kept for the next call."""
        self._lag = min(self._lag + seconds, _MAX_LAG)
        timestep = self._model.opt.timestep
        while self._lag >= timestep:
            self._lag -= timestep
            self._apply_servos()
            mujoco.mj_step(self._model, self._data)

    def _apply_servos(self) -> None:
        q, v, a = self.player.state(self.time)
        q_all, v_all, wanted = (np.zeros(self._model.nv) for _ in range(3))
        q_all[self._dofs], v_all[self._dofs], wanted[self._dofs] = q, v, a
        wanted += 2 * _BANDWIDTH * (v_all - self._data.qvel)
        wanted += _BANDWIDTH**2 * (q_all - self._data.qpos)
        torque = np.empty(self._model.nv)
        mujoco.mj_mulM(self._model, self._data, torque, wanted)
        torque += self._data.qfrc_bias - self._data.qfrc_passive
        self._data.qfrc_applied[:] = np.clip(torque, -self._effort, self._effort)
