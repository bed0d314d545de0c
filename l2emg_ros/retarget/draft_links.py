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

"""Drafts which links stand for which parts of a person, with what is doubtful about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.retarget import limbs
from l2emg_ros.retarget.figure import Figure, flexion
from l2emg_ros.retarget.limbs import Limb

Array = NDArray[np.float64]
# One line of YAML and the comment behind it.
Line = tuple[str, Any, str]

# A point nearer to the origin of its link than this is the origin, m.
_AT_ORIGIN = 0.004
# An axis of a link counts as the direction of a body part when their cosine is above this.
_ALIGNED = 0.95
# An axis points sideways when its cosine with left is above this.
_SIDEWAYS = 0.7
# Sizes as shares: of the half width of shoulders and hips, and of the length of arm and leg.
_TRUNK, _THIGH, _HAND, _HAND_LENGTH = 0.7, 0.9, 0.15, 0.45
_FOOT = {'heel': -0.08, 'toe': 0.2, 'half': 0.05, 'height': 0.08}
# A socket that moves more than this while the limb does is worth a look, m.
_SPREAD = 0.01


def links(figure: Figure) -> list[Line]:
    """Return the entries of ``links``, each with what is doubtful about it."""
    tree = figure.tree
    base = tree.links(0)[0][0]
    doubt = figure.doubts.get('forward', '')
    forward, up = (_axis(np.eye(3), v) for v in (figure.forward, figure.up))
    lines: list[Line] = [
        ('base_link', {'link': base, 'forward': forward, 'up': up}, doubt and f'forward: {doubt}'),
        _torso(figure),
    ]
    if figure.head:
        line = _oriented(
            figure, 'gaze', figure.head[-1], {'forward': figure.forward, 'up': figure.up}
        )
        if line:
            lines.append(line)
    for side, arm in figure.arms.items():
        lines += _limb_lines(figure, side, arm, ('shoulder', 'elbow', 'wrist'))
        if line := _gripper(figure, side, arm):
            lines.append(line)
    for side, leg in figure.legs.items():
        lines += _limb_lines(figure, side, leg, ('hip', 'knee', 'ankle'))
        lines.append(_sole(figure, side, leg))
    return lines


def body(figure: Figure) -> dict[str, float]:
    """Guess ``body`` from the lengths of the limbs: the sizes that keep hands out of it, m."""
    arm = figure.arms['l']
    shoulders = figure.arms['l'].socket_at - figure.arms['r'].socket_at
    hips = (
        figure.legs['l'].socket_at - figure.legs['r'].socket_at if figure.legs else shoulders * 0.6
    )
    sizes: dict[str, Any] = {
        'trunk': _TRUNK * np.linalg.norm(shoulders) / 2,
        'thigh': _THIGH * np.linalg.norm(hips) / 2,
        'hand': _HAND * arm.length,
        'hand_length': _HAND_LENGTH * arm.length,
    }
    return {key: round(float(size), 3) for key, size in sizes.items()}


def _torso(figure: Figure) -> Line:
    """The link that carries the arms; its point is what stays in place when the waist bends."""
    tree = figure.tree
    turning = [j for j in figure.waist if tree.axes[j].any()]
    at = limbs.meeting(tree.at[turning], tree.axes[turning]) if turning else tree.at[0]
    directions = {'forward': figure.forward, 'up': figure.up}
    line = _oriented(figure, 'torso', figure.torso, directions, at)
    if line is None:
        name, _, turn = tree.links(figure.torso)[0]
        nearest = {key: _axis(turn, way, 0.0) for key, way in directions.items()}
        return 'torso', {'link': name, **nearest}, 'no link of the torso is aligned with the root'
    return line


def _oriented(
    figure: Figure, key: str, joint: int, directions: Mapping[str, Array], at: Array | None = None
) -> Line | None:
    """Return the first link of a joint whose axes are aligned with the directions."""
    for name, place, turn in figure.tree.links(joint):
        axes = {word: _axis(turn, way) for word, way in directions.items()}
        if all(axes.values()):
            point = {} if at is None else _point(turn, at - place)
            return key, {'link': name, **point, **axes}, ''
    return None


def _limb_lines(figure: Figure, side: str, limb: Limb, parts: Sequence[str]) -> list[Line]:
    tree = figure.tree
    nearest = min(
        limb.sockets, key=lambda j: float(np.round(np.linalg.norm(tree.at[j] - limb.socket_at), 3))
    )
    doubts = ['', '', '']
    if limb.spread > _SPREAD:
        doubts[0] = (
            f'the axes do not meet, {parts[1]} leaves its sphere by {1e3 * limb.spread:.0f} mm'
        )
    if not limb.hinged:
        doubts[2] = 'no joint found here, taken as the end of the last link'
    lines = []
    for part, joint, at, doubt in zip(
        parts,
        (nearest, limb.bend, limb.end),
        (limb.socket_at, limb.bend_at, limb.end_at),
        doubts,
        strict=True,
    ):
        name, place, turn = tree.links(joint)[0]
        point = _point(turn, at - place)
        if point and not limb.hinged and joint == limb.end:
            # A fixed link right there says it better than numbers.
            there = [n for n, p, _ in tree.links(joint) if np.linalg.norm(p - at) < _AT_ORIGIN]
            name, point = (there[0], {}) if there else (name, point)
        lines.append((f'{side}_{part}', {'link': name, **point} if point else name, doubt))
    return lines


def _gripper(figure: Figure, side: str, arm: Limb) -> Line | None:
    """Return the hand: fingers go on where the forearm ends, the palm is the axis of the elbow.

    An elbow that bends forward turns about an axis that points to the right on both sides, as
    does the palm of the left hand: it is the axis of bending, that of the right hand its opposite.
    Where it points sideways the palm faces the body, whatever the range of the elbow says.
    """
    fingers = arm.end_at - arm.bend_at
    palm = flexion(figure, arm) * (1.0 if side == 'l' else -1.0)
    inwards = figure.left @ palm * (-1.0 if side == 'l' else 1.0)
    if abs(inwards) > _SIDEWAYS:
        palm = palm * np.sign(inwards)
    directions = {'fingers': fingers / np.linalg.norm(fingers), 'palm': palm}
    line = _oriented(figure, f'{side}_gripper', arm.joints[-1], directions)
    if line is None or line[1]['fingers'][1] == line[1]['palm'][1]:
        return None
    return line[0], line[1], 'the directions of fingers and palm'


def _sole(figure: Figure, side: str, leg: Limb) -> Line:
    """Return the foot with the corners of its sole."""
    tree, key = figure.tree, f'{side}_sole'
    foot = leg.joints[-1]
    directions = {'forward': figure.forward, 'up': figure.up}
    line = _oriented(figure, key, foot, directions)
    doubts = [] if line else ['no link of the foot is aligned with the root in the zero pose']
    name = line[1]['link'] if line else tree.links(foot)[0][0]
    place, turn = next((p, r) for n, p, r in tree.links(foot) if n == name)
    axes = {word: _axis(turn, way, 0.0) for word, way in directions.items()}
    ways = np.array([figure.forward, figure.left, figure.up])
    if side in figure.feet:
        points = figure.feet[side] @ ways.T
        (back, inner, low), (front, outer, _) = points.min(axis=0), points.max(axis=0)
    else:
        at = ways @ leg.end_at
        back, front = at[0] + leg.length * _FOOT['heel'], at[0] + leg.length * _FOOT['toe']
        inner, outer = at[1] - leg.length * _FOOT['half'], at[1] + leg.length * _FOOT['half']
        low = at[2] - leg.length * _FOOT['height']
        doubts.append('the foot has no shapes, a careful rectangle; measure the sole')
    corners = [
        np.round(turn.T @ (ways.T @ [x, y, low] - place), 3) + 0.0
        for x, y in ((front, outer), (front, inner), (back, outer), (back, inner))
    ]
    entry = {'link': name, **axes, 'corners': [corner.tolist() for corner in corners]}
    return key, entry, '; '.join(doubts)


def _axis(turn: Array, way: Array, aligned: float = _ALIGNED) -> str:
    """Return the axis of a link (its rotation given) along a direction; '' where none is."""
    local = turn.T @ way
    number = int(np.abs(local).argmax())
    if abs(local[number]) < aligned:
        return ''
    return f'{"+" if local[number] > 0 else "-"}{"xyz"[number]}'


def _point(turn: Array, away: Array) -> dict[str, list[float]]:
    local = turn.T @ away
    if np.linalg.norm(local) < _AT_ORIGIN:
        return {}
    return {'point': (np.round(local, 3) + 0.0).tolist()}
