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

"""Recognises a person's figure in a robot: which limbs are arms, legs and head, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import RobotMapError
from l2emg_ros.retarget import limbs, urdf
from l2emg_ros.retarget.limbs import Limb, Tree

Array = NDArray[np.float64]
# Two chains of joints that mirror each other, and the axis between them.
Pair = tuple[list[int], list[int], int]

# Arms begin at least this much higher than legs, m.
_ABOVE = 0.05
# What a joint is near the middle plane, as a share of the distance of the shoulders from it.
_MIDDLE = 0.3
# What each sign of facing forward counts: names of sides are seldom wrong, REP-103 says +x.
_BY_NAME, _BY_FOOT, _BY_KNEE, _BY_ELBOW, _BY_CONVENTION = 4.0, 1.5, 1.0, 0.5, 0.75
# Parts of a foot this close to its lowest point are its sole, m.
_SOLE = 0.01


@dataclass(frozen=True, eq=False)
class Figure:
    """A robot seen as a person; places and directions are in the frame of the root link.

    Attributes:
        tree: The robot in its zero pose.
        arms: By side, 'l' and 'r'.
        legs: By side; empty without legs.
        torso: Number of the joint that carries both arms, 0: the root.
        waist: Numbers of the joints that move the torso.
        head: Numbers of the joints of neck and head, from the torso outwards; may be empty.
        forward: (3,) unit vector.
        up: (3,) unit vector.
        feet: By side, points (K, 3) m of the sole; empty where the shapes cannot be read.
        doubts: What to look at -> why.
    """

    tree: Tree
    arms: dict[str, Limb]
    legs: dict[str, Limb]
    torso: int
    waist: list[int]
    head: list[int]
    forward: Array
    up: Array
    feet: dict[str, Array] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> Array:
        """Unit vector (3,) to the left."""
        return np.cross(self.up, self.forward)

    @property
    def moving(self) -> list[int]:
        """Numbers of the joints that follow a person: limbs, waist and head."""
        sides = [*self.arms.values(), *self.legs.values()]
        return sorted({*self.waist, *self.head, *(j for limb in sides for j in limb.joints)})


def recognise(model: Any, path: Path) -> Figure:
    """Find the figure of a person.

    Args:
        model: From `urdf.read`.
        path: The URDF, for the shapes of the feet.

    Raises:
        RobotMapError: It has no two arms; the message says what was found.
    """
    tree = Tree(model)
    arms, legs = _arms_and_legs(tree)
    doubts: dict[str, str] = {}
    lateral = arms[2]
    up = np.eye(3)[2 if lateral != 2 else 1]
    if legs is not None and up @ (tree.at[arms[0][0]] - tree.at[legs[0][0]]) < 0:
        up = -up
    found = [(limbs.limb(tree, arms[0]), limbs.limb(tree, arms[1]))]
    if legs is not None:
        found.append((limbs.limb(tree, legs[0]), limbs.limb(tree, legs[1])))
    soles = [_sole(tree, path, limb, up, lateral) for limb in found[1]] if legs is not None else []
    forward = _forward(tree, found, soles, lateral, up, doubts)
    left = np.cross(up, forward)
    sided = [dict(zip('lr', _left_first(pair, left), strict=True)) for pair in found]
    if soles and found[1][0] is not sided[1]['l']:
        soles.reverse()
    torso = int(model.parents[sided[0]['l'].joints[0]])
    waist = [j for j in tree.supports(torso) if tree.axes[j].any()]
    head = _head(tree, torso, sided, up, left)
    return Figure(
        tree=tree,
        arms=sided[0],
        legs=sided[1] if legs is not None else {},
        torso=torso,
        waist=waist,
        head=head,
        forward=forward,
        up=up,
        feet={s: points for s, points in zip('lr', soles, strict=False) if len(points)},
        doubts=doubts,
    )


def _arms_and_legs(tree: Tree) -> tuple[Pair, Pair | None]:
    """Return the two pairs of chains; names decide, then height."""
    measured = []
    for pair in limbs.pairs(tree):
        try:
            length = min(limbs.limb(tree, chain).length for chain in pair[:2])
        except RobotMapError:
            continue
        measured.append((length, pair))
    # Of several pairs of arms or legs the longest counts.
    found = [pair for _, pair in sorted(measured, key=lambda entry: -entry[0])]
    kinds = [_kind(tree, pair) for pair in found]
    arms = [pair for pair, kind in zip(found, kinds, strict=True) if kind == 'arm']
    legs = [pair for pair, kind in zip(found, kinds, strict=True) if kind == 'leg']
    unnamed = [pair for pair, kind in zip(found, kinds, strict=True) if not kind]
    if not arms and unnamed:
        height = 2 if unnamed[0][2] != 2 else 1
        unnamed.sort(key=lambda pair: -tree.at[pair[0][0]][height])
        apart = tree.at[unnamed[0][0][0]][height] - tree.at[unnamed[-1][0][0]][height]
        if len(unnamed) == 1 or apart > _ABOVE:
            arms = unnamed[:1]
            if not legs and len(unnamed) == 2:
                legs = unnamed[1:]
    if not arms:
        names = ', '.join(
            f'{tree.model.names[p[0][0]]} and {tree.model.names[p[1][0]]}' for p in found
        )
        raise RobotMapError(
            'no two arms found: expected two chains of joints that mirror each other, above the '
            f'legs if there are any; found {names or "no such chains"}'
        )
    # A person has two legs: with four none is mapped.
    return arms[0], legs[0] if len(legs) == 1 else None


def _kind(tree: Tree, pair: Pair) -> str:
    """Return 'arm' or 'leg' by the names of a chain, '' where they say neither."""
    arm = limbs.votes(tree, pair[0], limbs.ARM_WORDS)
    leg = limbs.votes(tree, pair[0], limbs.LEG_WORDS)
    return 'arm' if arm > leg else 'leg' if leg > arm else ''


def _forward(
    tree: Tree,
    found: Sequence[tuple[Limb, Limb]],
    soles: Sequence[Array],
    lateral: int,
    up: Array,
    doubts: dict[str, str],
) -> Array:
    """Return the direction in which the robot faces; signs that disagree become a doubt."""
    axis = np.abs(np.cross(np.eye(3)[lateral], up))
    scores: dict[str, Any] = {'the convention of REP-103': _BY_CONVENTION}
    for number, (one, other) in enumerate(found):
        sides = [limbs.side_of(tree.model.names[limb.joints[0]]) for limb in (one, other)]
        if sorted(sides) == ['l', 'r']:
            left = (one.socket_at - other.socket_at) * (1 if sides[0] == 'l' else -1)
            scores['the names of the sides'] = _BY_NAME * np.sign(np.cross(left, up) @ axis)
        bends = sum(_bending(tree, limb) @ axis for limb in (one, other))
        hanging = (one.end_at - one.bend_at) @ -up > 0.8 * np.linalg.norm(one.end_at - one.bend_at)
        if number == 1:
            scores['how the knees bend'] = -_BY_KNEE * np.sign(np.round(bends, 2))
        elif hanging:
            scores['how the elbows bend'] = _BY_ELBOW * np.sign(np.round(bends, 2))
    if soles and all(len(points) for points in soles):
        longer = sum(
            (points @ axis).max() + (points @ axis).min() - 2 * limb.end_at @ axis
            for points, limb in zip(soles, found[1], strict=True)
        )
        scores['where the feet point'] = _BY_FOOT * np.sign(np.round(longer, 1))
    total = sum(scores.values())
    against = [why for why, score in scores.items() if score * total < 0]
    if against:
        doubts['forward'] = f'{" and ".join(against)} would say the other way'
    return axis * (1.0 if total >= 0 else -1.0)


def _bending(tree: Tree, limb: Limb) -> Array:
    """Return the way (3,) that the end of a limb takes when the bend turns where it can most."""
    index = tree.model.joints[limb.bend].idx_q
    low, high = tree.model.lowerPositionLimit[index], tree.model.upperPositionLimit[index]
    sign = np.sign(np.round(high + low, 1))
    return np.asarray(sign * np.cross(tree.axes[limb.bend], limb.end_at - limb.bend_at))


def flexion(figure: Figure, limb: Limb) -> Array:
    """Return the axis (3,) about which the bend of a limb turns where it can most."""
    index = figure.tree.model.joints[limb.bend].idx_q
    model = figure.tree.model
    sign = 1.0 if model.upperPositionLimit[index] >= -model.lowerPositionLimit[index] else -1.0
    return np.asarray(sign * figure.tree.axes[limb.bend])


def _left_first(pair: tuple[Limb, Limb], left: Array) -> tuple[Limb, Limb]:
    one, other = pair
    return (one, other) if (one.socket_at - other.socket_at) @ left > 0 else (other, one)


def _head(
    tree: Tree, torso: int, sided: Sequence[dict[str, Limb]], up: Array, left: Array
) -> list[int]:
    """Return the joints of the chain in the middle that ends highest above the shoulders."""
    taken = {limb.joints[0] for pair in sided for limb in pair.values()}
    shoulders = [limb.socket_at for limb in sided[0].values()]
    middle, width = sum(shoulders) / 2, np.linalg.norm(shoulders[0] - shoulders[1]) / 2
    best: list[int] = []
    for child in tree.children(torso):
        chain = [j for j in tree.chain(child) if tree.axes[j].any()]
        if child in taken or not chain or len(chain) > 4:
            continue
        named = any(tree.has_word(j, limbs.HEAD_WORDS) for j in chain)
        at = tree.at[chain[-1]]
        central = abs((at - middle) @ left) < _MIDDLE * width
        if (named or (central and (at - middle) @ up > 0)) and (named or not best):
            best = chain
    return best


def _sole(tree: Tree, path: Path, limb: Limb, up: Array, lateral: int) -> Array:
    """Return the points (K, 3) m of the lowest part of a foot; empty without shapes.

    Collision shapes come first; those broader than long (a cylinder for a foot) are no sole.
    """
    foot = limb.joints[-1]
    for collision in (True, False):
        try:
            shapes = urdf.shapes(tree.model, path, collision)
        except RobotMapError:
            continue
        points = [
            _points(item)
            for item in shapes.geometryObjects
            if foot in tree.supports(item.parentJoint)
        ]
        if points:
            placed = tree.placed(foot, np.concatenate(points))
            height = placed @ up
            lowest = placed[height < height.min() + _SOLE]
            size = np.ptp(lowest, axis=0)
            long = size @ np.abs(np.cross(np.eye(3)[lateral], up)) > size[lateral]
            if len(lowest) >= 3 and long and limb.end_at @ up > height.min():
                return lowest
    return np.empty((0, 3))


def _points(item: Any) -> Array:
    """Return points (K, 3) m on a shape in the frame of its joint: of a mesh all, else a box."""
    shape = item.geometry
    if hasattr(shape, 'vertices'):
        points = np.asarray(shape.vertices())
    else:
        shape.computeLocalAABB()
        low, high = np.asarray(shape.aabb_local.min_), np.asarray(shape.aabb_local.max_)
        points = np.array(
            [
                [x, y, z]
                for x in (low[0], high[0])
                for y in (low[1], high[1])
                for z in (low[2], high[2])
            ]
        )
    return np.asarray(points @ item.placement.rotation.T + item.placement.translation)
