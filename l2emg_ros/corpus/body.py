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

"""A posable body: control channels over time become joint rotations.

The trunk follows angles, the arms reach hand targets, the legs reach planted feet; arms and legs
are two-bone chains solved in closed form, so feet neither slide nor sink and elbows and knees
never bend backwards. Everything is in SMPL axes (x left, y up, z forward) until the last line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.limbs import axis_angle, bone_rotations, turn, two_bones, unit
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]

FPS = 30.0
SIDES = ('L', 'R')
TRUNK_CHANNELS = (
    *('x', 'z', 'heading', 'sway', 'surge', 'crouch', 'seat', 'pelvis_yaw', 'pelvis_pitch'),
    *('pelvis_roll', 'bend', 'twist', 'side', 'chest', 'nod', 'turn', 'tilt'),
)
ARM_CHANNELS = (
    *('out', 'up', 'fwd', 'palm_out', 'palm_up', 'palm_fwd', 'elbow', 'flex', 'dev'),
    *('shrug', 'round', 'at_chest', 'at_head', 'fixed'),
)
# A relaxed standing pose: hands beside the thighs, a little in front, palms inwards.
_ARM_REST = {'out': 0.075, 'up': -0.495, 'fwd': 0.06, 'palm_out': -1.0, 'elbow': 8.0, 'flex': 8.0}
REST: dict[str, float] = {
    **dict.fromkeys(TRUNK_CHANNELS, 0.0),
    **{f'{s}.{c}': _ARM_REST.get(c, 0.0) for s in SIDES for c in ARM_CHANNELS},
}
"""Every channel and its value at rest: metres and degrees, hands relative to the shoulder."""

_X, _Y, _Z = np.eye(3)
_OFFSET = dict(zip(skeleton.JOINT_NAMES, skeleton.REST_OFFSETS, strict=True))
_SIDE_NAME = {'L': 'left', 'R': 'right'}
_SIGN = {'L': 1.0, 'R': -1.0}
_THIGH = float(np.linalg.norm(_OFFSET['left_knee']))
_SHANK = float(np.linalg.norm(_OFFSET['left_ankle']))
_UPPER = float(np.linalg.norm(_OFFSET['left_elbow']))
_FORE = float(np.linalg.norm(_OFFSET['left_wrist']))
STAND_HEIGHT = 0.93
"""Height of the pelvis when standing, m: knees bent by about twenty degrees."""
TRUNK_RADII = np.array([0.185, 0.15])
"""Half-axes of the ellipse around the trunk that wrists stay out of, m (lateral, depth)."""
# Share of the bending of the trunk that each of the three spine joints takes.
_SPINE_SHARE = (0.3, 0.3, 0.4)
# Arms never lock: near full length a small step of the hand is a large one of the elbow.
_ARM_REACH = (0.92, 0.985)
_LEG_REACH = (0.99, 0.998)
_PRONATION_LIMIT = np.radians(78.0)


@dataclass(frozen=True)
class Feet:
    """Where the feet are.

    Attributes:
        toe: (2, T, 3) m, position of the toe joints, left then right, SMPL axes, floor at y = 0.
        yaw: (2, T) rad, heading of the feet, left positive.
        pitch: (2, T) rad, heel raised positive; the foot turns about the toe joint.
    """

    toe: Array
    yaw: Array
    pitch: Array


@dataclass(frozen=True)
class _Trunk:
    """Global rotations and positions of the trunk, and how far the chest has turned."""

    rotations: dict[str, Array]
    positions: dict[str, Array]
    upright: Array

    def place(self, joint: str, parent: str, local: Array) -> None:
        self.rotations[joint] = self.rotations[parent] @ local
        offset = turn(self.rotations[parent], _OFFSET[joint])
        self.positions[joint] = self.positions[parent] + offset


_REST_TRUNK = {'pelvis': np.zeros(3)}
for _name, _parent in zip(skeleton.JOINT_NAMES[1:], skeleton.PARENTS[1:], strict=True):
    _REST_TRUNK[_name] = _REST_TRUNK[skeleton.JOINT_NAMES[_parent]] + _OFFSET[_name]


def _pose_trunk(c: Mapping[str, Array], height: Array) -> _Trunk:
    """Rotate pelvis, spine, neck, head and collar bones by the angle channels."""
    rad = {name: np.radians(values) for name, values in c.items()}
    heading = rad['heading']
    shift = np.stack([c['sway'], np.zeros_like(heading), c['surge']], axis=-1)
    centre = np.stack([c['x'], height, c['z']], axis=-1)
    centre = centre + turn(axis_angle(_Y, heading), shift)
    pelvis = axis_angle(_Y, heading + rad['pelvis_yaw'])
    pelvis = pelvis @ axis_angle(_X, rad['pelvis_pitch']) @ axis_angle(_Z, -rad['pelvis_roll'])
    yaw = heading + rad['pelvis_yaw'] + rad['twist']
    trunk = _Trunk({'pelvis': pelvis}, {'pelvis': centre}, axis_angle(_Y, yaw))
    parent = 'pelvis'
    for joint, share in zip(('spine1', 'spine2', 'spine3'), _SPINE_SHARE, strict=True):
        bend = share * rad['bend']
        if joint == 'spine3':
            bend = bend - 0.5 * rad['chest']
        local = axis_angle(_Y, share * rad['twist']) @ axis_angle(_X, bend)
        trunk.place(joint, parent, local @ axis_angle(_Z, -share * rad['side']))
        parent = joint
    # The eyes stay level: neck and head take back part of what the trunk leans.
    lean = rad['bend'] + rad['pelvis_pitch']
    nod = rad['nod'] - 0.6 * lean + 0.5 * rad['chest']
    side = rad['tilt'] - 0.5 * rad['side'] - rad['pelvis_roll']
    for joint, share in (('neck', 0.45), ('head', 0.55)):
        local = axis_angle(_Y, share * rad['turn']) @ axis_angle(_X, share * nod)
        trunk.place(joint, parent, local @ axis_angle(_Z, -share * side))
        parent = joint
    for s in SIDES:
        raised = np.clip((c[f'{s}.up'] + 0.1) / 0.5, 0.0, 1.0)
        shrug = rad[f'{s}.shrug'] + np.radians(18.0) * raised**2 * (3.0 - 2.0 * raised)
        forward = rad[f'{s}.round'] - 0.35 * rad['chest']
        local = axis_angle(_Y, -_SIGN[s] * forward) @ axis_angle(_Z, _SIGN[s] * shrug)
        collar = f'{_SIDE_NAME[s]}_collar'
        trunk.place(collar, 'spine3', local)
        trunk.place(f'{_SIDE_NAME[s]}_shoulder', collar, np.eye(3)[None])
    return trunk


def _trunk_radius(
    points: Array, trunk_positions: Array, rotation_chest: Array
) -> tuple[Array, Array]:
    """Return how far points are from the axis of the trunk, and in which direction.

    Args:
        points: (T, 3) m.
        trunk_positions: (T, 2, 3) m, pelvis and neck.
        rotation_chest: (T, 3, 3) whose first and third columns are the half-axes' directions.

    Returns:
        (T,) distance, 1 on the safety ellipse, and the (T, 3) m way from the axis to the point.
    """
    bottom, top = trunk_positions[:, 0], trunk_positions[:, 1]
    axis = top - bottom
    share = ((points - bottom) * axis).sum(-1) / (axis**2).sum(-1)
    away = points - bottom - np.clip(share, -0.3, 1.0)[:, None] * axis
    lateral = (away * rotation_chest[:, :, 0]).sum(-1)
    depth = (away * rotation_chest[:, :, 2]).sum(-1)
    radius = np.hypot(lateral / TRUNK_RADII[0], depth / TRUNK_RADII[1])
    # Above the neck there is no trunk; the edge is soft so that a hand passing it does not jump.
    above = np.clip((share - 1.0) / 0.2, 0.0, 1.0)
    flat = lateral[:, None] * rotation_chest[:, :, 0] + depth[:, None] * rotation_chest[:, :, 2]
    return radius + 2.0 * above, flat


def _hand_target(c: Mapping[str, Array], s: str, trunk: _Trunk) -> Array:
    """Return the (T, 3) wrist target, carried by the body, the chest or the head, and clear."""
    shoulder = f'{_SIDE_NAME[s]}_shoulder'
    point = np.stack([_SIGN[s] * c[f'{s}.out'], c[f'{s}.up'], c[f'{s}.fwd']], axis=-1)
    target = trunk.positions[shoulder] + turn(trunk.upright, point)
    still = point + _REST_TRUNK[shoulder]
    for joint, channel in (('spine3', 'at_chest'), ('head', 'at_head')):
        carried = trunk.positions[joint] + turn(trunk.rotations[joint], still - _REST_TRUNK[joint])
        target = target + c[f'{s}.{channel}'][:, None] * (carried - target)
    ends = np.stack([trunk.positions['pelvis'], trunk.positions['neck']], axis=1)
    radius, flat = _trunk_radius(target, ends, trunk.rotations['spine3'])
    wanted = 0.5 * (radius + 1.0 + np.sqrt((radius - 1.0) ** 2 + 0.01))
    push = np.where(radius < 1.4, wanted / np.maximum(radius, 0.2) - 1.0, 0.0)
    return target + push[:, None] * flat


def _elbow_pole(along: Array, swivel: Array, trunk: _Trunk, s: str) -> Array:
    """Return the (T, 3) unit direction in which the elbow leaves the line shoulder to wrist.

    A relaxed elbow hangs down, outwards and back, and comes forward when the hand is raised;
    ``swivel`` (T,) rad lifts it outwards.
    """
    local = np.einsum('tji,tj->ti', trunk.upright, along)
    high = np.clip((local[:, 1] + 0.3) / 0.9, 0.0, 1.0)
    rest = np.stack(
        [np.full_like(high, 0.35 * _SIGN[s]), -np.ones_like(high), -0.6 + 0.9 * high], axis=-1
    )
    rest = turn(trunk.upright, rest)
    pole = unit(rest - (rest * along).sum(-1, keepdims=True) * along)
    return turn(axis_angle(along, _SIGN[s] * swivel), pole)


def _arm(c: Mapping[str, Array], s: str, trunk: _Trunk) -> dict[str, Array]:
    """Return the global rotations of shoulder, elbow and wrist."""
    name = _SIDE_NAME[s]
    start = trunk.positions[f'{name}_shoulder']
    target = _hand_target(c, s, trunk)
    along = unit(target - start)
    swivel = np.radians(c[f'{s}.elbow'])
    ends = np.stack([trunk.positions['pelvis'], trunk.positions['neck']], axis=1)
    lift, total = np.zeros_like(swivel), np.zeros_like(swivel)
    for extra in np.radians([0.0, 15.0, 30.0, 45.0, 60.0]):
        pole = _elbow_pole(along, swivel + extra, trunk, s)
        middle, end = two_bones(start, target, pole, (_UPPER, _FORE), _ARM_REACH)
        clear = np.full_like(swivel, np.inf)
        for point in (middle, 0.5 * (middle + end)):
            clear = np.minimum(clear, _trunk_radius(point, ends, trunk.rotations['spine3'])[0])
        weight = np.exp(-12.0 * np.maximum(1.05 - clear, 0.0) / 0.15 - 2.0 * extra)
        lift, total = lift + weight * extra, total + weight
    swivel = swivel + gaussian_filter1d(lift / total, 2.0, mode='nearest')
    pole = _elbow_pole(along, swivel, trunk, s)
    middle, end = two_bones(start, target, pole, (_UPPER, _FORE), _ARM_REACH)
    rest = (_OFFSET[f'{name}_elbow'], _OFFSET[f'{name}_wrist'])
    shoulder, elbow = bone_rotations((start, middle, end), rest, -_SIGN[s] * _Y)
    forearm = unit(end - middle)
    twist = _pronation(c, s, trunk, elbow, forearm)
    flex, dev = (np.radians(c[f'{s}.{k}']) for k in ('flex', 'dev'))
    hand = axis_angle(-_SIGN[s] * _Z, flex) @ axis_angle(-_SIGN[s] * _Y, dev)
    return {
        f'{name}_shoulder': shoulder,
        f'{name}_elbow': axis_angle(forearm, 0.5 * twist) @ elbow,
        f'{name}_wrist': axis_angle(forearm, twist) @ elbow @ hand,
    }


def _pronation(
    c: Mapping[str, Array], s: str, trunk: _Trunk, elbow: Array, forearm: Array
) -> Array:
    """Return the (T,) turn of the forearm that brings the palm nearest to its wanted side."""
    wanted = np.stack(
        [_SIGN[s] * c[f'{s}.palm_out'], c[f'{s}.palm_up'], c[f'{s}.palm_fwd']], axis=-1
    )
    wanted = turn(trunk.upright, wanted)
    palm = -elbow[:, :, 1]
    palm = unit(palm - (palm * forearm).sum(-1, keepdims=True) * forearm)
    wanted = wanted - (wanted * forearm).sum(-1, keepdims=True) * forearm + 0.25 * palm
    angle = np.unwrap(
        np.arctan2((np.cross(palm, wanted) * forearm).sum(-1), (palm * wanted).sum(-1))
    )
    angle = _PRONATION_LIMIT * np.tanh(angle / _PRONATION_LIMIT)
    return gaussian_filter1d(angle, 2.0, mode='nearest')


def _legs(trunk: _Trunk, feet: Feet) -> dict[str, Array]:
    """Return the global rotations of hips, knees, ankles and toes."""
    result = {}
    for k, s in enumerate(SIDES):
        name = _SIDE_NAME[s]
        ankle, foot = _ankle(feet, k)
        trunk.place(f'{name}_hip', 'pelvis', np.eye(3)[None])
        hip = trunk.positions[f'{name}_hip']
        along = unit(ankle - hip)
        forward = unit(trunk.rotations['pelvis'][:, :, 2] + foot[:, :, 2])
        pole = unit(forward - (forward * along).sum(-1, keepdims=True) * along)
        knee, end = two_bones(hip, ankle, pole, (_THIGH, _SHANK), _LEG_REACH)
        rest = (_OFFSET[f'{name}_knee'], _OFFSET[f'{name}_ankle'])
        result[f'{name}_hip'], result[f'{name}_knee'] = bone_rotations((hip, knee, end), rest, _X)
        result[f'{name}_ankle'] = foot
        result[f'{name}_foot'] = axis_angle(_Y, feet.yaw[k]) @ axis_angle(
            _X, np.minimum(feet.pitch[k], 0.0)
        )
    return result


def _ankle(feet: Feet, k: int) -> tuple[Array, Array]:
    """Return the (T, 3) position of an ankle and the (T, 3, 3) rotation of its foot."""
    foot = axis_angle(_Y, feet.yaw[k]) @ axis_angle(_X, feet.pitch[k])
    return feet.toe[k] - turn(foot, _OFFSET[f'{_SIDE_NAME[SIDES[k]]}_foot']), foot


def _reachable_height(c: Mapping[str, Array], feet: Feet) -> Array:
    """Return the pelvis height, lowered where a leg would not reach its foot."""
    height = STAND_HEIGHT - c['crouch'] - c['seat']
    trunk = _pose_trunk(c, height)
    limit = 0.985 * (_THIGH + _SHANK)
    drop = np.zeros_like(height)
    for k, s in enumerate(SIDES):
        trunk.place(f'{_SIDE_NAME[s]}_hip', 'pelvis', np.eye(3)[None])
        line = trunk.positions[f'{_SIDE_NAME[s]}_hip'] - _ankle(feet, k)[0]
        flat = (line[:, (0, 2)] ** 2).sum(-1)
        most = np.sqrt(np.maximum(limit**2 - flat, 0.01))
        drop = np.maximum(drop, line[:, 1] - most)
    soft = gaussian_filter1d(np.maximum(drop, 0.0), 2.0, mode='nearest')
    return height - np.maximum(soft, drop - 0.015)


def solve(channels: Mapping[str, Array], feet: Feet, **meta: Any) -> Motion:
    """Return the motion of control channels.

    Args:
        channels: (T,) for every name in ``REST``.
        feet: Where the feet are.
        meta: Further fields of the motion.
    """
    height = _reachable_height(channels, feet)
    trunk = _pose_trunk(channels, height)
    world = dict(trunk.rotations)
    for s in SIDES:
        world.update(_arm(channels, s, trunk))
    world.update(_legs(trunk, feet))
    local = np.empty((len(height), len(skeleton.JOINT_NAMES), 3, 3))
    for joint, name in enumerate(skeleton.JOINT_NAMES):
        parent = skeleton.PARENTS[joint]
        local[:, joint] = (
            world[name]
            if parent < 0
            else np.swapaxes(world[skeleton.JOINT_NAMES[parent]], -1, -2) @ world[name]
        )
    rotations = rotation.from_matrix(local)
    rotations[:, 0] = rotation.multiply(rotation.SMPL_TO_ROS_QUAT, rotations[:, 0])
    translation = trunk.positions['pelvis'] @ np.asarray(rotation.SMPL_TO_ROS).T
    return Motion.from_rotations(rotations, translation, FPS, **meta)
