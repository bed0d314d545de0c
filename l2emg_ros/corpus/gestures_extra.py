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
"""Gestures of talk, play and everyday life."""

from __future__ import annotations

import numpy as np

from l2emg_ros.corpus.poses import (
    AHEAD,
    both,
    DOWN,
    gesture,
    hand,
    IN,
    other,
    SELF,
    sign,
    UP,
)
from l2emg_ros.corpus.score import Score, Step


@gesture('laugh', 3.8, 5.2)
def laugh(score: Score) -> None:
    """Throw the head back and double up, shaking, both hands on the belly."""

    def belly(up: float, fwd: float) -> dict[str, float]:
        return {
            **hand('L', -0.1, up, fwd, SELF, elbow=34, flex=20, at='chest'),
            **hand('R', -0.13, up - 0.08, fwd, SELF, elbow=34, flex=20, at='chest'),
        }

    out, back = ({'L.shrug': up, 'R.shrug': up} for up in (11.0, 0.0))
    score.to(0.5, belly(-0.27, 0.2), bend=-16, chest=8, nod=-26, surge=0.02)
    score.loop(
        (3, 5),
        (0.16, {**out, 'bend': -12.0, 'nod': -18.0, 'crouch': 0.012}),
        (0.16, {**back, 'bend': -17.0, 'nod': -27.0, 'crouch': 0.0}),
    )
    # A chest that bends comes nearer to the belly, and the hands with it.
    full = belly(-0.2, 0.24 + 0.003 * max(score.effort.bend, 0.0))
    score.to(0.4, full, bend=22, chest=-2, nod=4, surge=-0.04, pelvis_pitch=8, crouch=0.05)
    for _ in range(2):
        score.to(0.16, out, bend=27, nod=10)
        score.to(0.16, back, bend=21, nod=2)
    score.to(0.5, bend=-3, nod=-8, chest=4, surge=0.0, pelvis_pitch=0, crouch=0.0)
    score.rest(0.7)


@gesture('cry', 4.4, 6.0)
def cry(score: Score) -> None:
    """Sob with a bowed head, the arms around oneself, then a hand over the eyes."""
    s = score.side(0.3)
    o = other(s)
    around = (
        hand(o, -0.2, -0.2, 0.25, SELF, elbow=12, flex=18, at='chest'),
        hand(s, -0.19, -0.1, 0.3, SELF, elbow=24, flex=18, at='chest'),
    )
    out, back = ({'L.shrug': up, 'R.shrug': up} for up in (13.0, 0.0))
    score.to(0.8, *around, bend=14, chest=-12, nod=26, crouch=0.02)
    score.loop(
        (2, 4),
        (0.17, {**out, 'chest': -5.0, 'nod': 21.0}),
        (0.43, {**back, 'chest': -14.0, 'nod': 30.0}),
    )
    score.to(0.45, hand(s, -0.13, 0.15, 0.26, SELF, elbow=14, flex=12, at='head'), bend=17)
    for _ in range(2):
        score.to(0.16, out, chest=-5, nod=24)
        score.to(0.32, back, chest=-14, nod=32)
    score.rest(1.0)


@gesture('talk_seated', 4.6, 7.5)
def talk_seated(score: Score) -> None:
    """Sit down and talk with both hands."""
    s = score.side(0.5)
    o = other(s)
    laps = both(-0.02, -0.4, 0.22, DOWN, elbow=6, flex=5)
    score.to(0.55, both(0.02, -0.36, 0.3, DOWN), bend=26, pelvis_pitch=22, seat=0.12, z=-0.1)
    score.to(0.6, laps, seat=0.4, z=-0.36, pelvis_pitch=0, bend=4)
    score.loop(
        (1, 2),
        (0.4, {**hand(s, 0.1, -0.14, 0.33, (-0.5, 0.8, 0.0), elbow=8), 'turn': 8.0 * sign(s)}),
        (0.32, {**hand(s, 0.06, -0.26, 0.33, (-0.8, 0.5, 0.0)), 'nod': 4.0}),
        (0.4, {**hand(o, 0.14, -0.14, 0.31, (-0.5, 0.8, 0.0), elbow=8), 'turn': -8.0 * sign(s)}),
        (0.36, {**both(0.16, -0.18, 0.3, (0.0, 1.0, 0.2)), 'turn': 0.0, 'nod': 0.0}),
    )
    score.hold(0.4, laps)
    score.to(0.5, both(0.02, -0.36, 0.3, DOWN), bend=28, pelvis_pitch=24, seat=0.26, z=-0.18)
    score.rest(0.7)
    score.segments[-1].pose['z'] = 0.0


def _turn_about(score: Score, s: str) -> None:
    t, o = sign(s), other(s)
    angle = 80.0 * t

    def beside(foot: str) -> Step:
        # Where the foot stands when the whole body has turned on the spot.
        side, ahead, turned = 0.12 * sign(foot), 0.085, np.radians(angle)
        x = ahead * np.sin(turned) + side * np.cos(turned)
        z = ahead * np.cos(turned) - side * np.sin(turned)
        return Step(foot, float(x), float(z) - ahead, angle)

    score.to(0.3, turn=34 * t, twist=12 * t, nod=2)
    # The foot on the side of the turn opens first, the other one closes.
    score.to(0.5, heading=0.5 * angle, turn=26 * t, sway=-0.03 * t, step=beside(s))
    score.to(0.55, heading=angle, turn=6 * t, twist=0, sway=0.03 * t, step=beside(o))
    score.hold(0.6, turn=0, sway=0)
    score.rest(0.4)


@gesture('turn_left', 2.2, 4.4)
def turn_left(score: Score) -> None:
    """Turn the whole body to the left on the spot."""
    _turn_about(score, 'L')


@gesture('turn_right', 2.2, 4.4)
def turn_right(score: Score) -> None:
    """Turn the whole body to the right on the spot."""
    _turn_about(score, 'R')


@gesture('step_forward', 2.2, 4.4)
def step_forward(score: Score) -> None:
    """Take two steps forward and stand."""
    s = score.side(0.5)
    stride = 0.4 * score.effort.amp**0.6
    half = 0.11 * sign(s)
    swing = {f'{other(s)}.fwd': 0.22, f'{s}.fwd': -0.08}
    score.to(
        0.5, swing, z=0.5 * stride, crouch=0.03, sway=-0.02 * sign(s), step=Step(s, half, stride)
    )
    swing = {f'{s}.fwd': 0.2, f'{other(s)}.fwd': -0.06}
    score.to(0.5, swing, z=stride, sway=0.02 * sign(s), step=Step(other(s), -half, stride))
    score.to(0.3, both(0.075, -0.495, 0.06), sway=0, crouch=0)
    score.hold(0.5, nod=3)
    score.rest(0.4)


@gesture('facepalm', 2.2, 4.4)
def facepalm(score: Score) -> None:
    """Clap a palm to the own forehead."""
    s = score.side()
    score.to(0.45, hand(s, 0.0, 0.12, 0.35, SELF, elbow=18, at='fixed'), nod=-6, bend=-2)
    score.to(0.34, hand(s, -0.12, 0.15, 0.25, SELF, elbow=24, flex=18, at='head'), nod=14, bend=5)
    score.hold(0.8, nod=22, bend=8)
    score.loop((1, 2), (0.32, {'turn': 8.0}), (0.32, {'turn': -8.0}))
    score.to(0.2, turn=0)
    score.rest(0.8)


@gesture('scratch_head', 2.4, 4.8)
def scratch_head(score: Score) -> None:
    """Scratch the back of the head, puzzled."""
    s = score.side()
    t = sign(s)
    # The elbow stays where it is whatever the feeling; a bowed head is further from the fingers.
    lift, bent = -10.0 - score.effort.open, 0.8 * score.effort.nod
    # A hand carried by a head that turns away must not drag the shoulder behind the back.
    nape, behind = (0.0, -0.5, 0.9), 0.0 + 0.0015 * score.effort.turn
    near = hand(s, 0.0, 0.22, behind, nape, elbow=lift, flex=20 + bent, dev=8, at='head')
    far = hand(s, 0.02, 0.19, behind, nape, elbow=lift, flex=7 + bent, dev=-8, at='head')
    # The elbow leads outwards: the straight way to the nape goes through the shoulder.
    score.to(0.4, hand(s, 0.26, 0.06, 0.12, (-0.6, 0.0, 0.6), elbow=20, flex=10))
    score.to(0.45, near, tilt=9 * t, nod=8, turn=-8 * t)
    score.loop((3, 5), (0.2, far), (0.2, near))
    score.hold(0.3, turn=8 * t, nod=-2)
    score.to(0.4, hand(s, 0.26, 0.04, 0.12, (-0.6, 0.0, 0.6), elbow=20, flex=10), tilt=0, turn=0)
    score.rest(0.7)


@gesture('check_watch', 2.2, 4.4)
def check_watch(score: Score) -> None:
    """Lift the forearm and look at the watch."""
    s = 'L' if score.rng.random() < 0.85 else 'R'
    t = sign(s)
    look = hand(s, -0.1, -0.12, 0.3, (0.0, -0.7, 0.7), elbow=38, flex=4)
    score.to(0.6, look, nod=22, turn=12 * t, bend=3)
    score.hold(0.9, nod=26, turn=14 * t)
    score.to(0.3, nod=-2, turn=-4 * t)
    score.rest(0.6)


@gesture('thumbs_down', 2.0, 4.2)
def thumbs_down(score: Score) -> None:
    """Show a thumb that points down."""
    s = score.side()
    # The elbow is high and the palm turned away, else the thumb would point up.
    high = hand(s, 0.1, 0.04, 0.34, (0.8, 0.0, 0.6), elbow=55, flex=6, dev=6)
    low = hand(s, 0.08, -0.15, 0.37, (0.8, 0.0, 0.6), elbow=55, flex=6, dev=-20)
    score.to(0.55, high, nod=-3)
    score.loop((1, 2), (0.24, {**low, 'nod': 4.0}), (0.3, {**high, 'nod': -3.0}))
    score.to(0.25, low, turn=-12, nod=0)
    score.hold(0.6, turn=12)
    score.rest(0.7)


@gesture('high_five', 2.2, 4.2)
def high_five(score: Score) -> None:
    """Raise an open hand and slap it against another one in the air."""
    s = score.side()
    back = hand(s, 0.16, 0.3, 0.0, AHEAD, elbow=16, flex=-12)
    score.to(0.55, back, chest=6, nod=-4, twist=10 * sign(s), surge=-0.02)
    score.hold(0.2)
    slap = hand(s, 0.0, 0.24, 0.43, AHEAD, elbow=10, flex=-20)
    score.to(0.22, slap, surge=0.06, bend=5, nod=-6, twist=-12 * sign(s))
    score.hold(0.15)
    score.to(0.35, hand(s, 0.1, 0.14, 0.26, AHEAD, elbow=14), surge=0.0, bend=0, twist=0)
    score.rest(0.7)


@gesture('silence', 2.2, 4.4)
def silence(score: Score) -> None:
    """Put a finger to the lips."""
    s = score.side()
    lips = hand(s, -0.1, 0.075, 0.22, (-1.0, 0.0, -0.2), elbow=0, flex=-12, dev=16, at='head')
    score.to(0.7, lips, nod=4, bend=4)
    score.hold(0.9, nod=8, bend=6, turn=5)
    score.hold(0.4, turn=-5)
    score.rest(0.8)


@gesture('hands_on_hips', 2.4, 5.0)
def hands_on_hips(score: Score) -> None:
    """Plant both hands on the hips and stand there."""
    hips = both(0.03, -0.34, 0.02, (-0.8, 0.3, 0.0), elbow=30, flex=-30, at='chest')
    score.to(0.8, hips, chest=6, nod=-2)
    score.hold(0.9, turn=8, sway=0.02, pelvis_roll=2)
    score.hold(0.7, turn=-6, sway=-0.01, pelvis_roll=-1)
    score.to(0.1, turn=0, sway=0, pelvis_roll=0)
    score.rest(0.8)


@gesture('knock', 2.2, 4.4)
def knock(score: Score) -> None:
    """Knock on a door in front."""
    s = score.side()
    away = hand(s, 0.01, 0.06, 0.26, IN, elbow=12, flex=-5)
    near = hand(s, -0.01, 0.09, 0.4, IN, elbow=10, flex=20)
    score.to(0.65, away, surge=0.02)
    score.loop((2, 4), (0.17, near), (0.19, away))
    score.hold(0.35, turn=10 * -sign(s), tilt=5 * sign(s), nod=4)
    score.rest(0.7)


@gesture('toast', 2.4, 4.6)
def toast(score: Score) -> None:
    """Raise a glass to somebody."""
    s = score.side()
    score.to(0.55, hand(s, 0.0, -0.2, 0.28, IN, elbow=6))
    score.to(0.6, hand(s, 0.0, 0.14, 0.42, IN, elbow=10, dev=10), chest=5, nod=-5)
    score.hold(0.5, nod=8)
    score.hold(0.4, turn=10 * sign(s), nod=0)
    score.to(0.5, hand(s, 0.0, -0.18, 0.3, IN, elbow=6), turn=0)
    score.rest(0.7)


@gesture('flex_muscles', 2.4, 4.8)
def flex_muscles(score: Score) -> None:
    """Show off the biceps of both raised, bent arms."""
    # The upper arms level, the forearms upright, the fists turned to the head.
    palm, more = (-1.0, 0.0, -0.2), 0.045 * score.effort.amp
    up = both(0.22, 0.25, 0.06, palm, elbow=10, flex=30, at='fixed')
    squeeze = both(0.22 - more, 0.25 - more, 0.085, palm, elbow=14, flex=44, at='fixed')
    score.to(0.4, both(0.24, -0.16, 0.16, IN, elbow=20))
    score.to(0.45, up, chest=10, nod=-3)
    t = sign(score.side(0.5))
    score.loop(
        (1, 3),
        (0.3, {**squeeze, 'turn': 18.0 * t, 'crouch': 0.02}),
        (0.35, {**up, 'turn': -12.0 * t, 'crouch': 0.0}),
    )
    score.rest(0.9)


@gesture('conduct', 2.8, 5.6)
def conduct(score: Score) -> None:
    """Conduct an orchestra with both hands."""
    score.to(0.6, both(0.12, 0.02, 0.34, DOWN, elbow=16, flex=-8), chest=5, nod=-3)
    score.loop(
        (2, 4),
        (0.3, {**both(0.06, -0.2, 0.36, DOWN, flex=-14), 'nod': 6.0, 'crouch': 0.012}),
        (0.3, {**both(-0.01, -0.08, 0.37, DOWN, flex=6), 'nod': 0.0, 'crouch': 0.0}),
        (0.3, {**both(0.28, -0.04, 0.3, DOWN, flex=-6), 'nod': 2.0}),
        (0.34, {**both(0.14, 0.1, 0.34, DOWN, flex=10), 'nod': -5.0}),
    )
    score.to(0.3, both(0.1, -0.12, 0.36, DOWN, flex=20))
    score.rest(0.8)


@gesture('point_up', 2.2, 4.4)
def point_up(score: Score) -> None:
    """Point straight up and look there."""
    s = score.side()
    score.to(0.4, hand(s, 0.1, -0.08, 0.28, IN, elbow=12))
    score.to(0.5, hand(s, 0.02, 0.44, 0.18, IN, elbow=4, flex=0), nod=-26, chest=5, bend=-3)
    score.loop((1, 2), (0.26, hand(s, 0.02, 0.38, 0.2, IN)), (0.26, hand(s, 0.02, 0.45, 0.18, IN)))
    score.hold(0.7)
    score.rest(0.8)


@gesture('point_self', 2.0, 4.2)
def point_self(score: Score) -> None:
    """Point at oneself."""
    s = score.side()
    away = hand(s, -0.08, -0.16, 0.3, SELF, elbow=14, flex=10)
    touch = hand(s, -0.14, -0.13, 0.2, SELF, elbow=20, flex=30, at='chest')
    score.to(0.5, away, nod=-2)
    score.loop((2, 3), (0.22, touch), (0.24, {**away, f'{s}.at_chest': 0.0}))
    score.to(0.2, touch, nod=6)
    score.hold(0.6, tilt=5)
    score.to(0.2, {**away, f'{s}.at_chest': 0.0})
    score.rest(0.7)


@gesture('plead', 2.6, 5.0)
def plead(score: Score) -> None:
    """Clasp both hands before the chest and beg, shaking them."""
    near = both(-0.134, -0.06, 0.26, IN, elbow=6, flex=-20, dev=22, at='chest')
    far = both(-0.134, -0.13, 0.32, IN, elbow=6, flex=-20, dev=8, at='chest')
    score.to(0.7, near, bend=10, nod=-10, crouch=0.06)
    score.loop((3, 5), (0.22, {**far, 'bend': 14.0}), (0.24, {**near, 'bend': 10.0}))
    score.hold(0.4, tilt=9)
    score.rest(0.8)


@gesture('throw', 2.8, 5.0)
def throw(score: Score) -> None:
    """Throw a ball overhand, stepping into it."""
    s = score.side()
    t, o = sign(s), other(s)
    score.to(
        0.6,
        hand(s, 0.24, 0.16, -0.1, UP, elbow=30, flex=-14),
        hand(o, 0.12, -0.06, 0.36, DOWN),
        twist=26 * t,
        bend=-7,
        surge=-0.04,
        turn=-20 * t,
        crouch=0.03,
    )
    score.to(0.3, z=0.1, step=Step(o, -0.12 * t, 0.22))
    score.to(0.14, hand(s, 0.1, 0.34, 0.12, AHEAD, flex=-18), twist=4 * t, surge=0.02, turn=0)
    score.to(
        0.16,
        hand(s, -0.02, 0.1, 0.44, DOWN, flex=20),
        hand(o, 0.14, -0.3, 0.02, IN),
        twist=-16 * t,
        bend=12,
        surge=0.05,
        z=0.14,
    )
    score.to(0.3, hand(s, -0.12, -0.22, 0.32, DOWN, flex=10), twist=-24 * t, bend=16)
    score.hold(0.2)
    score.to(0.45, twist=0, bend=4, surge=0.0, z=0.22, step=Step(s, 0.12 * t, 0.22))
    score.rest(0.6)


@gesture('yawn', 3.0, 5.6)
def yawn(score: Score) -> None:
    """Yawn with a hand before the mouth while the other arm stretches."""
    s = score.side()
    o = other(s)
    mouth = hand(s, -0.12, 0.05, 0.24, SELF, elbow=14, flex=14, at='head')
    score.to(0.9, mouth, hand(o, 0.34, -0.02, 0.06, DOWN, elbow=16), nod=-14, chest=10, bend=-5)
    score.hold(0.7, hand(o, 0.4, 0.1, 0.02, DOWN), nod=-22, chest=13, tilt=5 * sign(o))
    score.to(0.6, hand(o, 0.2, -0.3, 0.12, IN), nod=8, chest=-4, bend=4, tilt=0)
    score.rest(0.9)
