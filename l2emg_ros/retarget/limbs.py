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

"""Finds arms, legs and head in a kinematic tree, by its shape first and its names second.

A limb is two long segments between three places: a socket (shoulder, hip) that several axes pass
near, a bend (elbow, knee) whose axis does not, and an end (wrist, ankle) whose axis passes far
from the bend. Axes of twist pass through both ends of their segment and are told apart by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin

from l2emg_ros.errors import RobotMapError

Array = NDArray[np.float64]

ARM_WORDS = ('arm', 'shoulder', 'elbow', 'wrist', 'hand', 'finger', 'gripper', 'clavicle')
LEG_WORDS = ('leg', 'hip', 'knee', 'ankle', 'foot', 'thigh', 'shin', 'toe')
HAND_WORDS = ('finger', 'thumb', 'gripper', 'index', 'pinky')
BEND_WORDS = ('elbow', 'knee')
HEAD_WORDS = ('head', 'neck', 'gaze')

# Two places mirror each other when they do so to this distance, m.
_MIRRORED = 0.03
# Shorter chains of joints are fingers or wheels, m.
_SHORTEST = 0.1
# An axis passes a place when it is nearer than this share of the limb.
_NEAR = 0.08
# The centre of a sphere that is farther from the axes, as a share of the segment, is chance.
_FAR = 0.25
# A hand reaches from the wrist to the last axis nearer than this share of the limb.
_HAND = 0.16
# Where the person's range of a socket is looked for: to either side of the zero pose, rad.
_RANGE = 1.0
_SAMPLES = 200
# An origin farther than this share of the limb to the side of it is moved along its axis.
_OFF = 0.1


@dataclass(frozen=True, eq=False)
class Limb:
    """An arm or a leg; places are in the frame of the root, in the zero pose.

    Attributes:
        joints: Numbers of its joints from the trunk to hand or foot, without fingers and toes.
        bend: Number of the joint of elbow or knee.
        end: Number of the joint of wrist or ankle; that of the last joint where there is none.
        hinged: Whether wrist or ankle is a joint; otherwise it is the end of the last link.
        sockets: Numbers of the joints that shoulder or hip consists of.
        socket_at: (3,) m, centre of the sphere on which the bend moves.
        bend_at: (3,) m.
        end_at: (3,) m.
        spread: RMS of the distance of the bend from that sphere, m.
    """

    joints: tuple[int, ...]
    bend: int
    end: int
    hinged: bool
    sockets: tuple[int, ...]
    socket_at: Array
    bend_at: Array
    end_at: Array
    spread: float

    @property
    def length(self) -> float:
        """Length of both segments, m."""
        upper = np.linalg.norm(self.bend_at - self.socket_at)
        return float(upper + np.linalg.norm(self.end_at - self.bend_at))


class Tree:
    """A model in its zero pose, moved into its limits.

    Attributes:
        model: ``pinocchio.Model`` with a fixed root.
        pose: (nq,) the zero pose.
        at: (J, 3) m, origin of every joint; row 0 is the root.
        axes: (J, 3) direction of every axis of rotation; zero for other joints.
    """

    def __init__(self, model: Any) -> None:
        """Compute the zero pose."""
        self.model, self._data = model, model.createData()
        self.pose = pin.neutral(model)
        for joint in range(1, model.njoints):
            if model.joints[joint].nq == 1:
                i = model.joints[joint].idx_q
                low, high = model.lowerPositionLimit[i], model.upperPositionLimit[i]
                if low <= high:
                    self.pose[i] = np.clip(0.0, low, high)
        pin.computeJointJacobians(model, self._data, self.pose)
        pin.updateFramePlacements(model, self._data)
        self.at = np.array([placement.translation for placement in self._data.oMi])
        self.axes = np.zeros((model.njoints, 3))
        for joint in range(1, model.njoints):
            if model.joints[joint].nv == 1:
                self.axes[joint] = self._data.J[3:, model.joints[joint].idx_v]
        self._children: list[list[int]] = [[] for _ in range(model.njoints)]
        for joint in range(1, model.njoints):
            self._children[model.parents[joint]].append(joint)

    def children(self, joint: int) -> list[int]:
        """Return the joints that hang on a joint."""
        return self._children[joint]

    def chain(self, joint: int) -> list[int]:
        """Return a joint and those beyond it, at every fork on the side with more joints."""
        found = [joint]
        while self._children[found[-1]]:
            found.append(max(self._children[found[-1]], key=self._size))
        return found

    def supports(self, joint: int) -> list[int]:
        """Return the joints from the root to a joint, included."""
        return [int(j) for j in self.model.supports[joint] if j > 0]

    def links(self, joint: int) -> list[tuple[str, Array, Array]]:
        """Return the links that a joint carries: name, place (3,) m and rotation (3, 3)."""
        return [
            (frame.name, place.translation.copy(), place.rotation.copy())
            for frame, place in zip(self.model.frames, self._data.oMf, strict=True)
            if frame.parentJoint == joint and frame.type == pin.FrameType.BODY
        ]

    def placed(self, joint: int, points: Array) -> Array:
        """Return points (K, 3) in the frame of a joint as points in that of the root."""
        place = self._data.oMi[joint]
        return np.asarray(points @ place.rotation.T + place.translation)

    def words(self, joints: Iterable[int]) -> list[str]:
        """Return the names of joints and of the links that they carry."""
        return [
            name
            for joint in joints
            for name in (self.model.names[joint], *(link[0] for link in self.links(joint)[:1]))
        ]

    def has_word(self, joint: int, words: Sequence[str]) -> bool:
        """Tell whether the name of a joint or of its link contains one of the words."""
        return any(word in name.lower() for name in self.words([joint]) for word in words)

    def positions(self, joint: int, moved: Sequence[int], count: int) -> Array:
        """Return where a joint gets (count, 3) when others move within their limits."""
        rng, data, model = np.random.default_rng(0), self.model.createData(), self.model
        indices = [model.joints[j].idx_q for j in moved]
        middle = self.pose[indices]
        low = np.maximum(model.lowerPositionLimit[indices], middle - _RANGE)
        high = np.minimum(model.upperPositionLimit[indices], middle + _RANGE)
        places = np.empty((count, 3))
        for row in places:
            q = self.pose.copy()
            q[indices] = rng.uniform(low, np.maximum(low, high))
            pin.forwardKinematics(model, data, q)
            row[:] = data.oMi[joint].translation
        return places

    def _size(self, joint: int) -> int:
        return 1 + sum(self._size(child) for child in self._children[joint])


def pairs(tree: Tree) -> list[tuple[list[int], list[int], int]]:
    """Return the mirrored pairs of chains nearest to the root, and the axis (0-2) between them."""
    found, waiting = [], [0]
    while waiting:
        children = tree.children(waiting.pop(0))
        taken: set[int] = set()
        for one, other in combinations(children, 2):
            if taken & {one, other}:
                continue
            chains = tree.chain(one), tree.chain(other)
            axis = _mirror(tree, *chains)
            if axis is not None:
                taken |= {one, other}
                found.append((*chains, axis))
        waiting += [child for child in children if child not in taken]
    return found


def _mirror(tree: Tree, one: list[int], other: list[int]) -> int | None:
    """Return the axis across which two chains mirror each other, None where they do not."""
    if len(one) != len(other) or len(one) < 2:
        return None
    places = tree.at[one], tree.at[other]
    if np.linalg.norm(np.diff(places[0], axis=0), axis=1).sum() < _SHORTEST:
        return None
    apart = places[0] - places[1]
    axis = int(np.abs(apart).sum(axis=0).argmax())
    off = np.delete(apart, axis, axis=1)
    named = all(
        mirrored_name(tree.model.names[a]) == tree.model.names[b]
        for a, b in zip(one, other, strict=True)
    )
    # Names alone are enough: zero poses of two arms need not mirror each other.
    return axis if named or np.abs(off).max() < _MIRRORED else None


def side_of(name: str) -> str:
    """Return 'l' or 'r' by the name of a joint or link, '' where it does not say."""
    for pattern in (
        r'(left|right)',
        r'^([lr])(?=_)',
        r'^([LR])(?=[A-Z_])',
        r'_([lr])(?=_|$)',
        r'_([LR])(?=_|$)',
    ):
        flags = re.IGNORECASE if 'left' in pattern else 0
        if match := re.search(pattern, name, flags):
            return match[1][0].lower()
    return ''


def mirrored_name(name: str) -> str:
    """Return the name of the same part on the other side; '' where the name says no side."""
    swapped = {'left': 'right', 'right': 'left', 'l': 'r', 'r': 'l'}
    for pattern in (r'left|right|Left|Right|LEFT|RIGHT', r'^[lrLR](?=[A-Z_])', r'_[lrLR](?=_|$)'):
        if match := re.search(pattern, name):
            word = match[0].lstrip('_')
            other = swapped[word.lower()]
            other = other.upper() if word.isupper() else other
            other = other.capitalize() if word.istitle() and len(word) > 1 else other
            return name[: match.end() - len(word)] + other + name[match.end() :]
    return ''


def votes(tree: Tree, joints: Iterable[int], words: Sequence[str]) -> int:
    """Return how many joints have a name (their own or their link's) with one of the words."""
    return sum(tree.has_word(joint, words) for joint in joints)


def limb(tree: Tree, chain: Sequence[int]) -> Limb:
    """Find socket, bend and end of a chain of joints.

    Raises:
        RobotMapError: No joint divides the chain into two segments.
    """
    reach = float(np.linalg.norm(np.diff(tree.at[list(chain)], axis=0), axis=1).sum())
    best: tuple[float, int, list[int], int | None, Array] | None = None
    for number in range(1, len(chain)):
        bend = chain[number]
        before = [j for j in chain[:number] if tree.axes[j].any()][-3:]
        if not before or not tree.axes[bend].any() or tree.has_word(bend, HAND_WORDS):
            continue
        socket = meeting(tree.at[before], tree.axes[before])
        if line_distance(socket, tree.at[bend], tree.axes[bend]) < _NEAR * reach:
            continue
        end, end_at = _end(tree, chain[number:], reach)
        score = min(
            float(np.linalg.norm(tree.at[bend] - socket)),
            float(np.linalg.norm(end_at - tree.at[bend])),
        )
        # A name counts twice what the lengths say.
        score *= 2.0 if tree.has_word(bend, BEND_WORDS) else 1.0
        if best is None or score > best[0]:
            best = score, bend, before, end, end_at
    if best is None or best[0] < 0.02:
        raise RobotMapError(
            f'no elbow or knee found between {tree.model.names[chain[0]]} and '
            f'{tree.model.names[chain[-1]]}: expected a joint whose axis misses the first one'
        )
    _, bend, sockets, end, end_at = best
    centre, spread = _socket(tree, bend, sockets)
    length = float(np.linalg.norm(tree.at[bend] - centre) + np.linalg.norm(end_at - tree.at[bend]))
    # The joint's origin may lie anywhere on its axis: what counts is where the limb crosses it.
    along = ((centre + end_at) / 2 - tree.at[bend]) @ tree.axes[bend]
    bend_at = tree.at[bend] + (along * tree.axes[bend] if abs(along) > _OFF * length else 0.0)
    last = len(chain) if end is None else _extent(tree, chain, end, _HAND * length)
    joints = tuple(chain[:last])
    return Limb(
        joints=joints,
        bend=bend,
        end=joints[-1] if end is None else end,
        hinged=end is not None,
        sockets=tuple(sockets),
        socket_at=centre,
        bend_at=bend_at,
        end_at=end_at,
        spread=spread,
    )


def _socket(tree: Tree, bend: int, joints: Sequence[int]) -> tuple[Array, float]:
    """Return the place (3,) that the bend keeps its distance from, and the RMS of the rest.

    That is the centre of a sphere through the places it gets to, unless these say little about it
    (one axis far from the others, as of a collarbone): then where the two nearest axes meet.
    """
    places = tree.positions(bend, joints, _SAMPLES)
    centre, spread = sphere(places)
    nearest = list(joints[-2:])
    met = meeting(tree.at[nearest], tree.axes[nearest])
    off = np.linalg.norm(centre - met) > _FAR * np.linalg.norm(tree.at[bend] - met)
    if off and len(joints) > 1:
        return met, float(np.linalg.norm(places - met, axis=1).std())
    return centre, spread


def _end(tree: Tree, chain: Sequence[int], reach: float) -> tuple[int | None, Array]:
    """Return the first joint whose axis passes far from the first of a chain, and the end."""
    bend = tree.at[chain[0]]
    last = chain[0]
    for joint in chain[1:]:
        if tree.has_word(joint, HAND_WORDS):
            return None, _tip(tree, last, bend, tree.at[joint])
        if (
            tree.axes[joint].any()
            and line_distance(bend, tree.at[joint], tree.axes[joint]) > _NEAR * reach
        ):
            return joint, tree.at[joint]
        last = joint
    return None, _tip(tree, last, bend, None)


def _tip(tree: Tree, joint: int, bend: Array, beyond: Array | None) -> Array:
    """Return the end of the last link: where the next joint or its farthest frame is."""
    places = [place for _, place, _ in tree.links(joint)]
    if beyond is not None:
        places.append(beyond)
    tip = max(places, key=lambda place: float(np.linalg.norm(place - bend)))
    if np.linalg.norm(tip - bend) < 0.03 and tree.model.inertias[joint].mass > 0:
        # Nothing is fixed to it: twice as far as its centre of mass.
        centre = tree.placed(joint, tree.model.inertias[joint].lever)
        return 2 * centre - bend
    return tip


def _extent(tree: Tree, chain: Sequence[int], end: int, near: float) -> int:
    """Return how many joints of a chain belong to the limb: those of fingers and toes do not."""
    last = list(chain).index(end)
    for number in range(last + 1, len(chain)):
        joint = chain[number]
        forked = len(tree.children(chain[number - 1])) > 1
        turns = tree.axes[joint].any()
        if (
            forked
            or not turns
            or line_distance(tree.at[end], tree.at[joint], tree.axes[joint]) > near
        ):
            break
        last = number
    return last + 1


def line_distance(point: Array, origin: Array, axis: Array) -> float:
    """Return the distance of a point (3,) from a line through ``origin`` along a unit axis, m."""
    return float(np.linalg.norm(np.cross(point - origin, axis)))


def meeting(origins: Array, axes: Array) -> Array:
    """Return the point (3,) with the least squared distances from lines, m.

    Where the lines leave it open (parallel ones, or one alone) it is close to their origins.
    """
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    matrix = across.sum(axis=0) + 1e-3 * len(axes) * np.eye(3)
    right = (across @ origins[:, :, None])[..., 0].sum(axis=0) + 1e-3 * origins.sum(axis=0)
    return np.linalg.solve(matrix, right)


def sphere(points: Array) -> tuple[Array, float]:
    """Fit a sphere to points (T, 3): centre (3,) and RMS of the distance from the surface, m.

    ``|p|^2 = 2 c p + (r^2 - |c|^2)`` is linear in the centre c. Points on a circle leave the
    centre open along one line; the solution of least norm lies in the plane of the circle.
    """
    mean = points.mean(axis=0)
    away = points - mean
    system = np.column_stack([2 * away, np.ones(len(away))])
    centre = np.linalg.lstsq(system, (away**2).sum(axis=1), rcond=1e-6)[0][:3]
    radius = np.linalg.norm(away - centre, axis=1)
    return mean + centre, float(radius.std())
