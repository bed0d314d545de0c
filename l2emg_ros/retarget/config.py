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

"""How motions become trajectories, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from l2emg_ros.retarget.targets import Root


@dataclass(frozen=True)
class IkConfig:
    """Costs and limits of the solver.

    Elbows and wrists count 1 per m^2, so an orientation cost of 0.04 makes 0.1 rad as bad as 2 cm.
    """

    ankle_cost: float = field(
        default=8.0, metadata={'help': 'places of standing ankles', 'min': 0.0}
    )
    knee_cost: float = field(default=0.3, metadata={'help': 'places of the knees', 'min': 0.0})
    torso_cost: float = field(
        default=0.04,
        metadata={'help': 'orientation of the torso', 'unit': 'm^2/rad^2', 'min': 0.0},
    )
    root_cost: float = field(
        default=0.2, metadata={'help': 'orientation of the root', 'unit': 'm^2/rad^2', 'min': 0.0}
    )
    sole_cost: float = field(
        default=0.8, metadata={'help': 'orientation of the feet', 'unit': 'm^2/rad^2', 'min': 0.0}
    )
    hand_cost: float = field(
        default=0.025,
        metadata={'help': 'orientation of the hands', 'unit': 'm^2/rad^2', 'min': 0.0},
    )
    velocity_cost: float = field(
        default=2e-3,
        metadata={'help': 'change since the last frame', 'unit': 'm^2/rad^2', 'min': 0.0},
    )
    posture_cost: float = field(
        default=1.5e-4, metadata={'help': 'distance from home', 'unit': 'm^2/rad^2', 'min': 0.0}
    )
    caution: float = field(
        default=0.3,
        metadata={'help': 'damping of a step for each unit of cost that is left', 'min': 0.0},
    )
    iterations: int = field(
        default=2, metadata={'help': 'Gauss-Newton steps a frame', 'min': 1, 'max': 50}
    )
    speed_headroom: float = field(
        default=1.2,
        metadata={'help': 'velocity limit of a frame over that of the robot', 'min': 1.0},
    )
    compiled: bool = field(
        default=False,
        metadata={'help': 'solve frames by numba, where it is installed: the same, faster'},
    )

    def cost(self, key: str) -> float:
        """Return the cost of a target point or part by its neutral name."""
        part = key.rpartition('_')[2]
        costs = {
            'torso': self.torso_cost,
            'gaze': self.torso_cost,
            'sole': self.sole_cost,
            'gripper': self.hand_cost,
            'ankle': self.ankle_cost,
            'knee': self.knee_cost,
        }
        return costs.get(part, 1.0)


@dataclass(frozen=True)
class RetargetConfig:
    """How motions become trajectories."""

    rate: float = field(
        default=30.0,
        metadata={'help': 'samples a second', 'unit': 'Hz', 'min': 10.0, 'max': 200.0},
    )
    root: Root = field(
        default='kinematic',
        metadata={'help': 'kinematic: the root follows the pelvis; fixed: it stands still'},
    )
    joint_groups: tuple[str, ...] = field(
        default=(), metadata={'help': 'groups or joints that move; empty: all'}
    )
    smoothing: float = field(
        default=1.87, metadata={'help': 'weight of the jerk against the distance', 'min': 0.0}
    )
    root_smoothing: float = field(
        default=60.0,
        metadata={'help': 'weight of the jerk of the pelvis against its distance', 'min': 0.0},
    )
    approach_min_duration: float = field(
        default=0.5, metadata={'help': 'shortest way to the first pose', 'unit': 's', 'min': 0.0}
    )
    approach_velocity: float = field(
        default=0.5,
        metadata={'help': 'pace of the way to the first pose', 'unit': 'rad/s', 'min': 0.01},
    )
    lag: float = field(
        default=0.1285,
        metadata={'help': 'distance at which time is stretched', 'unit': 'rad', 'min': 0.0},
    )
    max_stretch: float = field(
        default=4.0, metadata={'help': 'slowest pace of a passage, as a factor', 'min': 1.0}
    )
    ik: IkConfig = field(default_factory=IkConfig)
