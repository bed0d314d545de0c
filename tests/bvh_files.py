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
"""BVH text made on the spot for tests: any rig of the package's table, from SMPL rotations."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from l2emg_ros.motion import rigs, rotation, skeleton

Array = NDArray[np.float64]


def bvh_text(
    names: list[str],
    parents: list[int],
    offsets: Array,
    channels: list[list[str]],
    values: Array,
    frame_time: float = 1 / 30,
    newline: str = '\n',
    padding: str = '',
) -> str:
    """Return the text of a BVH file; `padding` ends the CHANNELS lines."""
    lines = ['HIERARCHY']

    def block(joint: int, indent: str) -> None:
        word = 'ROOT' if parents[joint] < 0 else 'JOINT'
        numbers = ' '.join(f'{x:.6f}' for x in offsets[joint])
        words = ' '.join(channels[joint])
        lines.append(f'{indent}{word} {names[joint]}')
        lines.append(indent + '{')
        lines.append(f'{indent}\tOFFSET {numbers}')
        lines.append(f'{indent}\tCHANNELS {len(channels[joint])} {words}{padding}')
        children = [child for child, parent in enumerate(parents) if parent == joint]
        for child in children:
            block(child, indent + '\t')
        if not children:
            lines.extend([f'{indent}\tEnd Site', indent + '\t{'])
            lines.extend([f'{indent}\t\tOFFSET 0.0 0.0 0.0', indent + '\t}'])
        lines.append(indent + '}')

    block(0, '')
    lines.extend(['MOTION', f'Frames: {len(values)}', f'Frame Time: {frame_time:.7f}'])
    lines.extend(' '.join(f'{x:.6f}' for x in row) for row in values)
    return newline.join(lines) + newline


def rig_text(
    rig: rigs.Rig,
    rotations: Array,
    root: Array,
    *,
    unit: float = 100.0,
    order: str = 'ZXY',
    six_channels: bool = False,
    local_axes: Array | None = None,
    prefix: str = '',
    frame_time: float = 1 / 30,
    **layout: str,
) -> str:
    """Write SMPL motion on a skeleton that has a rig's joint names.

    Joints that the rig gives as points between two others are left out of the tree, so their
    rotations must be zero.

    Args:
        rig: the table to take names from.
        rotations: (T, 22, 4) parent-local, the pelvis relative to the z-up world.
        root: (T, 3) m.
        unit: file units in a metre.
        order: Euler order.
        six_channels: give every joint position channels and a wrong OFFSET to the root.
        local_axes: (22, 3, 3) columns are the SMPL axes in the local axes of the source;
            default: axes parallel to the world in the rest pose.
        prefix: namespace before each name.
        frame_time: seconds.
        **layout: for `bvh_text`.
    """
    positions, orientations = skeleton.forward_kinematics(rotations, root)
    world = rotation.SMPL_TO_ROS if rig.up == 'y' else _Z_UP
    positions, turned = positions @ world, _turned(world.T, orientations)
    if local_axes is None:
        # A file's zero pose has axes parallel to the file's own.
        local_axes = np.tile(world.T @ rotation.SMPL_TO_ROS, (22, 1, 1))
    turned = turned * _matrices(np.swapaxes(local_axes, 1, 2), len(positions))
    nodes = _nodes(rig)
    tree = _parents(nodes)
    order_of_file = _depth_first(tree)
    names = [nodes[node][0] for node in order_of_file]
    joints = [nodes[node][1] for node in order_of_file]
    parents = [order_of_file.index(tree[n]) if tree[n] >= 0 else -1 for n in order_of_file]
    frames = len(positions)
    quaternions = turned.as_quat().reshape(frames, 22, 4)
    offsets = np.zeros((len(names), 3))
    columns: list[Array] = []
    channels = []
    for node, joint in enumerate(joints):
        parent = parents[node]
        own = Rotation.from_quat(quaternions[:, joint])
        place = positions[:, joint]
        local = own
        if parent >= 0:
            above = Rotation.from_quat(quaternions[:, joints[parent]])
            local = above.inv() * own
            place = above.inv().apply(positions[:, joint] - positions[:, joints[parent]])
            offsets[node] = place[0] * unit
        elif six_channels:
            offsets[node] = [4.0, 91.0, -427.0]
        channels.append([f'{axis}rotation' for axis in order])
        if parent < 0 or six_channels:
            channels[-1][:0] = ['Xposition', 'Yposition', 'Zposition']
            columns.append(place * unit)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', UserWarning)  # gimbal lock loses nothing here
            columns.append(local.as_euler(order, degrees=True))
    values = np.concatenate(columns, axis=1)
    names = [prefix + name for name in names]
    return bvh_text(names, parents, offsets, channels, values, frame_time, **layout)


_Z_UP = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def _turned(world: Array, orientations: Array) -> Rotation:
    """Return the orientations, flattened, in the axes of the file."""
    flat = Rotation.from_quat(orientations.reshape(-1, 4))
    return Rotation.from_matrix(world) * flat


def _matrices(axes: Array, frames: int) -> Rotation:
    return Rotation.from_matrix(np.tile(axes, (frames, 1, 1)))


def _nodes(rig: rigs.Rig) -> list[tuple[str, int]]:
    """Return (name, SMPL joint at whose place it is), parents first."""
    nodes: list[tuple[str, int]] = []
    for joint, source in enumerate(rig.sources):
        if source.weight in (0.0, 1.0):
            nodes.append((source.toward if source.weight else source.joint, joint))
    present = {name for name, _ in nodes}
    for joint, source in enumerate(rig.sources):
        for name in source.names:
            if name not in present:  # a collar that starts at the chest
                present.add(name)
                nodes.append((name, skeleton.PARENTS[joint]))
    return nodes


def _depth_first(parents: list[int], node: int = 0) -> list[int]:
    children = [child for child, parent in enumerate(parents) if parent == node]
    return [node] + [deep for child in children for deep in _depth_first(parents, child)]


def _parents(nodes: list[tuple[str, int]]) -> list[int]:
    """Return for every node the node of the nearest SMPL joint above it."""
    own = {joint: node for node, (_, joint) in reversed(list(enumerate(nodes)))}
    parents = []
    for node, (_, joint) in enumerate(nodes):
        above = joint if own[joint] != node else skeleton.PARENTS[joint]
        while above >= 0 and above not in own:
            above = skeleton.PARENTS[above]
        parents.append(own[above] if above >= 0 else -1)
    return parents
