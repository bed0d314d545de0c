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
"""Clips of every gesture for tests of the corpus, and measures on the body."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.corpus import GESTURES, synthesise
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]
SIDES = ('left', 'right')


def perform(
    gesture: str,
    emotion: str = 'neutral',
    seed: int = 0,
    scenario: str | None = None,
    seconds: float | None = None,
) -> Motion:
    rng = np.random.default_rng(seed)
    return synthesise(gesture, Emotion(emotion).weights(), rng, scenario=scenario, seconds=seconds)


@cache
def clips() -> dict[str, Motion]:
    """Return every gesture twice: an emotion and place of the round, and the wildest there is."""
    result = {}
    for number, gesture in enumerate(GESTURES.values()):
        places = gesture.scenarios
        label = LABELS[number % len(LABELS)]
        place = places[number % len(places)]
        result[f'{gesture.name}, {label}'] = perform(gesture.name, label, number, place)
        wild = ('excited', 'surprised', 'angry')[number % 3]
        result[f'{gesture.name}, wildly {wild}'] = perform(gesture.name, wild, number, places[-1])
    return result


def joint(motion: Motion, name: str) -> Array:
    """Return the (T, 3) m path of a joint."""
    return motion.joint_positions()[:, skeleton.index(name)]


def pointing(motion: Motion, name: str, direction: ArrayLike) -> Array:
    """Return the (T, 3) world direction of a vector fixed to a joint."""
    return rotation.apply(motion.joint_orientations()[:, skeleton.index(name)], direction)


def distance_to_segment(points: Array, start: Array, stop: Array) -> Array:
    """Return the (T,) m distances of (T, 3) points to (T, 3) segments."""
    line = stop - start
    share = ((points - start) * line).sum(-1) / (line**2).sum(-1)
    return np.linalg.norm(points - start - np.clip(share, 0, 1)[:, None] * line, axis=-1)


def flexion(motion: Motion, side: str, hinge: str) -> Array:
    """Return the (T,) deg angle of elbow or knee, positive the way it can bend.

    The angle is signed about the body's own hinge axis, so it is negative where a limb bends
    backwards: in the rest pose, arms out, the forearm flexes forward and the shank backward.
    """
    above = skeleton.index(f'{side}_{hinge}')
    below = skeleton.index(f'{side}_{"wrist" if hinge == "elbow" else "ankle"}')
    upper, lower = skeleton.REST_OFFSETS[above], skeleton.REST_OFFSETS[below]
    towards = np.array([0, 0, 1.0] if hinge == 'elbow' else [0, 0, -1.0])
    along = upper / np.linalg.norm(upper)
    towards = towards - (towards @ along) * along
    turned = rotation.apply(motion.rotations[:, above], lower)
    bent = np.arctan2(turned @ (towards / np.linalg.norm(towards)), turned @ along)
    return np.asarray(np.degrees(bent))


def foot_slide(motion: Motion) -> float:
    """Return the largest m that a foot strays while its ball is within 2 mm of the floor."""
    worst = 0.0
    for side in SIDES:
        ball = joint(motion, f'{side}_foot')
        planted = ball[:, 2] < skeleton.FOOT_HEIGHT + 0.002
        edges = np.flatnonzero(np.diff(planted.astype(int), prepend=0, append=0))
        for start, stop in edges.reshape(-1, 2):
            place = ball[start:stop, :2]
            strayed = np.linalg.norm(place - np.median(place, axis=0), axis=1)
            worst = max(worst, float(strayed.max()))
    return worst
