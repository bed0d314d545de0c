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
"""Gestures that show, tell, direct and warn."""

from __future__ import annotations

from l2emg_ros.corpus.poses import (
    AHEAD,
    both,
    DOWN,
    gesture,
    hand,
    IN,
    other,
    OUT,
    SELF,
    sign,
    UP,
)
from l2emg_ros.corpus.score import Score, Step


def _point_aside(score: Score, s: str) -> None:
    turn = sign(s)
    score.to(0.3, hand(s, 0.12, -0.2, 0.22, IN), turn=12 * turn)
    score.to(0.5, hand(s, 0.48, 0.0, 0.12, DOWN, elbow=5, flex=0), turn=38 * turn, twist=14 * turn)
    score.hold(0.9, hand(s, 0.48, 0.02, 0.13, DOWN))
    score.hold(0.3, turn=4 * turn)
    score.rest(0.8)


@gesture('point_left', 2.2, 4.5)
def point_left(score: Score) -> None:
    """Stretch the left arm to the left and look there."""
    _point_aside(score, 'L')


@gesture('point_right', 2.2, 4.5)
def point_right(score: Score) -> None:
    """Stretch the right arm to the right and look there."""
    _point_aside(score, 'R')


@gesture('point_forward', 2.2, 4.5)
def point_forward(score: Score) -> None:
    """Stretch one arm straight ahead."""
    s = score.side()
    score.to(0.3, hand(s, 0.05, -0.12, 0.2, IN, elbow=12))
    score.to(0.45, hand(s, -0.05, 0.0, 0.49, DOWN, elbow=6, flex=0), surge=0.03)
    score.hold(1.0, twist=-4 * sign(s))
    score.rest(0.8)


@gesture('present', 2.4, 4.8)
def present(score: Score) -> None:
    """Lead the eye to one side with an open palm."""
    s = score.side(0.35)
    turn = sign(s)
    score.to(0.4, hand(s, -0.1, -0.2, 0.27, SELF, elbow=8), turn=-5 * turn)
    score.to(
        0.7,
        hand(s, 0.34, -0.2, 0.28, (-0.2, 1.0, 0.4), elbow=0, flex=-12),
        turn=24 * turn,
        twist=10 * turn,
        bend=5,
    )
    score.hold(0.9, turn=16 * turn, nod=3)
    score.rest(0.9)


@gesture('hand_over', 2.6, 5.0)
def hand_over(score: Score) -> None:
    """Offer something with both hands."""
    score.to(0.7, both(-0.07, -0.24, 0.24, UP, elbow=4))
    score.to(0.7, both(-0.06, -0.14, 0.43, UP, elbow=2), bend=12, surge=0.04, nod=8)
    score.hold(0.8)
    score.to(0.4, both(0.02, -0.22, 0.3, UP), bend=4, surge=0.0, nod=0)
    score.rest(0.7)


@gesture('nod', 2.0, 4.2)
def nod(score: Score) -> None:
    """Nod the head."""
    score.to(0.25, nod=-5)
    score.loop((2, 4), (0.26, {'nod': 24.0, 'bend': 3.0}), (0.26, {'nod': -6.0, 'bend': 0.0}))
    score.rest(0.5)


@gesture('shake_head', 2.0, 4.2)
def shake_head(score: Score) -> None:
    """Turn the head from side to side."""
    score.to(0.25, turn=8, nod=4)
    score.loop((2, 3), (0.3, {'turn': -34.0, 'twist': -3.0}), (0.3, {'turn': 34.0, 'twist': 3.0}))
    score.to(0.25, turn=-8)
    score.rest(0.4)


@gesture('shrug', 2.0, 4.0)
def shrug(score: Score) -> None:
    """Lift the shoulders and turn the palms up."""
    t = score.side(0.5)
    score.to(
        0.5,
        both(0.2, -0.2, 0.22, (0.4, 1.0, 0.3), elbow=-4, flex=-10),
        {'L.shrug': 24.0, 'R.shrug': 24.0},
        tilt=11 * sign(t),
        nod=-2,
    )
    score.hold(0.6)
    score.rest(0.6)


@gesture('explain', 2.8, 5.6)
def explain(score: Score) -> None:
    """Beat time to the words with both hands."""
    s = score.side(0.5)
    o = other(s)
    score.to(0.6, both(0.05, -0.2, 0.3, (-0.6, 0.8, 0.0), elbow=6))
    score.loop(
        (1, 3),
        (0.32, {**hand(s, 0.14, -0.08, 0.33, (-0.5, 0.8, 0.0)), 'turn': 7.0 * sign(s)}),
        (0.26, hand(s, 0.1, -0.24, 0.34, (-0.8, 0.5, 0.0))),
        (0.34, {**hand(o, 0.16, -0.08, 0.3, (-0.5, 0.8, 0.0)), 'turn': -7.0 * sign(s)}),
        (0.28, hand(o, 0.1, -0.24, 0.34, (-0.8, 0.5, 0.0))),
        (0.34, {**both(0.24, -0.14, 0.26, (0.0, 1.0, 0.2)), 'turn': 0.0, 'nod': 4.0}),
        (0.32, {**both(0.05, -0.2, 0.3, (-0.6, 0.8, 0.0)), 'nod': 0.0}),
    )
    score.rest(0.8)


@gesture('count', 2.8, 5.4)
def count(score: Score) -> None:
    """Tick off points on the fingers of the other hand."""
    s = score.side(0.3)
    o = other(s)
    score.to(
        0.7,
        hand(o, -0.08, -0.15, 0.29, (-0.3, 0.5, -1.0), elbow=8),
        hand(s, -0.02, -0.09, 0.24, (-0.6, -0.8, 0.0), elbow=18),
        nod=10,
    )
    score.loop(
        (2, 4),
        (0.24, {**hand(s, -0.1, -0.11, 0.3, (-0.6, -0.8, 0.0)), 'nod': 13.0}),
        (0.34, {**hand(s, 0.03, -0.02, 0.26, (-0.6, -0.8, 0.0)), 'nod': 6.0}),
    )
    score.rest(0.8)


@gesture('think', 2.6, 5.4)
def think(score: Score) -> None:
    """Rest the chin on one hand, the other arm across the body."""
    s = score.side(0.2)
    o = other(s)
    score.to(
        0.9,
        hand(s, -0.12, 0.0, 0.22, SELF, elbow=-6, flex=25, at='head'),
        hand(o, -0.16, -0.23, 0.2, SELF, elbow=4, at='chest'),
        tilt=-7 * sign(s),
        nod=-3,
        turn=10 * sign(s),
    )
    score.hold(0.9, turn=16 * sign(s), nod=-8)
    score.hold(0.9, turn=-6 * sign(s), nod=4)
    score.rest(0.9)


@gesture('raise_hand', 2.2, 4.5)
def raise_hand(score: Score) -> None:
    """Stretch one arm straight up and keep it there."""
    s = score.side()
    score.to(0.4, hand(s, 0.12, -0.1, 0.25, IN, elbow=10))
    score.to(0.5, hand(s, 0.06, 0.47, 0.06, AHEAD, elbow=0, flex=0), chest=5, side=-4 * sign(s))
    score.hold(1.1)
    score.rest(0.9)


@gesture('stop', 2.0, 4.2)
def stop(score: Score) -> None:
    """Hold the flat palm against whoever comes."""
    s = score.side(0.15)
    score.to(0.2, hand(s, 0.1, -0.15, 0.2, AHEAD, elbow=15, flex=-20))
    score.to(0.4, hand(s, -0.02, 0.05, 0.44, AHEAD, elbow=12, flex=-62), surge=0.02, chest=4)
    score.hold(1.1)
    score.rest(0.7)


@gesture('refuse', 2.2, 4.6)
def refuse(score: Score) -> None:
    """Cross and part both palms in front of the body, shaking the head."""
    # One forearm passes before and above the other.
    cross = {
        **hand('L', -0.195, -0.02, 0.4, AHEAD, flex=-45, at='fixed'),
        **hand('R', -0.195, -0.15, 0.27, AHEAD, flex=-45, at='fixed'),
        'turn': 14.0,
    }
    score.to(0.55, both(0.06, -0.1, 0.34, AHEAD, elbow=16, flex=-45), surge=-0.02, bend=-3)
    score.loop(
        (2, 3),
        (0.28, cross),
        (0.32, {**both(0.18, -0.1, 0.33, AHEAD, flex=-45), 'turn': -14.0}),
    )
    score.rest(0.7)


@gesture('look_around', 2.8, 5.6)
def look_around(score: Score) -> None:
    """Look to one side, then to the other, with the whole trunk."""
    t = sign(score.side(0.5))
    score.to(0.7, turn=50 * t, twist=20 * t, pelvis_yaw=6 * t, nod=-2, sway=0.02 * t)
    score.hold(0.4, turn=54 * t)
    score.to(1.0, turn=-50 * t, twist=-20 * t, pelvis_yaw=-6 * t, sway=-0.02 * t)
    score.hold(0.4, turn=-54 * t)
    score.rest(0.8)


@gesture('step_back', 2.2, 4.4)
def step_back(score: Score) -> None:
    """Take two or three steps backwards, hands half raised."""
    s = score.side(0.5)
    stride = -0.26 * score.effort.amp**0.5
    guard = both(0.08, -0.18, 0.26, AHEAD, elbow=10, flex=-35)
    half = 0.12 * (1 if s == 'L' else -1)
    score.to(0.5, guard, z=0.6 * stride, bend=-3, step=Step(s, half, stride))
    score.to(0.5, z=1.6 * stride, step=Step(other(s), -half, 2 * stride))
    score.to(0.45, z=2 * stride, step=Step(s, half, 2 * stride))
    score.hold(0.4)
    score.rest(0.8)


@gesture('walk_guide', 3.4, 6.0)
def walk_guide(score: Score) -> None:
    """Walk forward, one arm showing the way, looking back once."""
    s = score.side(0.3)
    stride = 0.42 * score.effort.amp**0.6
    lead = score.side(0.5)
    lateral = {'L': 0.1, 'R': -0.1}
    show = hand(s, 0.28, -0.2, 0.3, (-0.1, 1.0, 0.3), elbow=2)
    swing = other(s)
    score.to(0.4, show, turn=10 * sign(s))
    place, foot = 0.0, lead
    for k in range(5):
        place = stride * (k + 0.5) if k < 4 else place
        ahead = 1.0 if foot != swing else -1.0
        look = {'turn': 32.0 * sign(s)} if k in (2, 3) else {'turn': 4.0 * sign(s)}
        score.to(
            0.52,
            {f'{swing}.fwd': 0.06 + 0.13 * ahead * (k < 4), f'{swing}.up': -0.46},
            {f'{s}.fwd': 0.3 + 0.03 * ahead},
            look,
            z=place if k == 4 else stride * (k + 0.5),
            sway=(0.02 if other(foot) == 'L' else -0.02) * (k < 4),
            twist=-5.0 * sign(foot) * (k < 4),
            step=Step(foot, lateral[foot], place if k == 4 else stride * (k + 1)),
        )
        foot = other(foot)
        place = stride * (k + 1)
    score.hold(0.2)
    score.rest(0.8)


@gesture('dismiss', 2.4, 4.6)
def dismiss(score: Score) -> None:
    """Send someone away with a sweep of the back of the hand."""
    s = score.side()
    score.to(0.6, hand(s, -0.12, -0.1, 0.26, DOWN, elbow=20, flex=30), nod=2)
    score.loop(
        (1, 3),
        (0.3, {**hand(s, 0.28, -0.08, 0.36, OUT, flex=-20), 'turn': 10.0 * sign(s)}),
        (0.42, {**hand(s, -0.1, -0.1, 0.26, DOWN, flex=30), 'turn': 0.0}),
    )
    score.to(0.3, hand(s, 0.3, -0.1, 0.34, OUT, flex=-20))
    score.rest(0.8)
