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

"""Keeps the hands out of the body by moving the targets.

People are slimmer and softer than robots: with the same bone directions a hanging robot hand lies
in its thigh, and folded forearms lie in each other. Hands are taken as three points from wrist to
finger tips, trunk and thighs as capsules; a target that is inside is pushed to the surface.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.retarget.mapping import Body

Array = NDArray[np.float64]

# Share of a push that the elbow takes with the wrist: most of the arm turns at the shoulder.
_ELBOW_SHARE = 0.5
# Distance of two hands in half thicknesses: they are broader than thick, and may be turned.
_HANDS_APART = 2.5
# Hands clasped behind the back touch whatever is done: beyond this the gesture would be lost, m.
_FARTHEST = 0.1
# What parts the closest points may leave the next ones too close.
_ROUNDS = 3
# Where on the hand distances are taken, from the wrist to the finger tips.
_ON_HAND = (0.0, 0.5, 1.0)


def clear(points: dict[str, Array], hands: Mapping[str, Array], head: Array, body: Body) -> None:
    """Move elbow and wrist targets so that hands touch neither trunk nor thighs nor each other.

    Args:
        points: Targets (T, 3) by name; those of elbows and wrists are replaced.
        hands: Finger directions (T, 3) by side.
        head: (T, 3) m, upper end of the trunk; the lower one is the origin.
        body: Sizes of the robot.
    """
    asked = {key: points[key] for side in hands for key in (f'{side}_wrist', f'{side}_elbow')}
    obstacles = [(np.zeros_like(head), head, body.trunk)]
    obstacles += [
        (points[f'{side}_hip'], points[f'{side}_knee'], body.thigh)
        for side in hands
        if f'{side}_knee' in points
    ]
    for side, fingers in hands.items():
        for start, end, radius in obstacles:
            for share in _ON_HAND:
                at = points[f'{side}_wrist'] + share * body.hand_length * fingers
                _push(points, side, _out_of(at, start, end, radius + body.hand))
    for _ in range(_ROUNDS if len(hands) == 2 else 0):
        _part(points, hands, body)
    for key, at in asked.items():
        push = points[key] - at
        size = np.linalg.norm(push, axis=1, keepdims=True)
        points[key] = at + push * np.minimum(1.0, _FARTHEST / np.maximum(size, 1e-9))


def _out_of(at: Array, start: Array, end: Array, radius: float) -> Array:
    """Return the way (T, 3) from points to the surface of a capsule; zero outside of it."""
    axis = end - start
    along = ((at - start) * axis).sum(axis=1) / np.maximum((axis**2).sum(axis=1), 1e-9)
    away = at - start - np.clip(along, 0.0, 1.0)[:, None] * axis
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    return np.asarray(away * (np.maximum(radius - distance, 0.0) / np.maximum(distance, 1e-3)))


def _part(points: dict[str, Array], hands: Mapping[str, Array], body: Body) -> None:
    """Push two arms apart where their closest points are closer than two hands need."""
    arms = []
    for side, fingers in hands.items():
        elbow, wrist = points[f'{side}_elbow'], points[f'{side}_wrist']
        tips = [wrist + share * body.hand_length * fingers for share in _ON_HAND]
        arms.append(np.stack([(elbow + wrist) / 2, *tips], axis=1))
    apart = arms[0][:, :, None] - arms[1][:, None]
    distance = np.linalg.norm(apart, axis=-1).reshape(len(apart), -1)
    closest = distance.argmin(axis=1)
    rows = np.arange(len(apart))
    nearest = distance[rows, closest][:, None]
    away = apart.reshape(len(apart), -1, 3)[rows, closest]
    half = away * (
        np.maximum(_HANDS_APART * body.hand - nearest, 0.0) / (2 * np.maximum(nearest, 1e-3))
    )
    for side, push in zip(hands, (half, -half), strict=True):
        _push(points, side, push)


def _push(points: dict[str, Array], side: str, push: Array) -> None:
    points[f'{side}_wrist'] = points[f'{side}_wrist'] + push
    points[f'{side}_elbow'] = points[f'{side}_elbow'] + _ELBOW_SHARE * push
