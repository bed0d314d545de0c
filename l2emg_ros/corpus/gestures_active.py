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
"""Gestures of sport, stage and home."""

from __future__ import annotations

from l2emg_ros.corpus.poses import AHEAD, both, DOWN, gesture, hand, IN, other, SELF, sign, UP
from l2emg_ros.corpus.score import Score, Step


@gesture('clap', 2.2, 4.8)
def clap(score: Score) -> None:
    """Clap the hands before the chest."""
    high = score.rng.uniform(-0.14, -0.02)
    # Bent back, the hands meet palm to palm: the forearms come together at an angle.
    score.to(0.6, both(-0.02, high, 0.31, IN, elbow=10, flex=-30, dev=10))
    score.loop(
        (4, 7),
        (0.16, both(-0.131, high + 0.01, 0.33, IN, flex=-34, at='fixed')),
        (0.2, both(0.02, high - 0.01, 0.31, IN, flex=-26)),
    )
    score.rest(0.8)


@gesture('cheer', 2.4, 5.0)
def cheer(score: Score) -> None:
    """Throw both arms up and pump the fists."""
    score.to(0.25, both(0.1, -0.2, 0.2, IN), crouch=0.06, bend=5)
    score.to(0.4, both(0.16, 0.42, 0.08, AHEAD, elbow=5), crouch=0.0, bend=-3, nod=-12, chest=8)
    score.loop(
        (2, 4),
        (0.24, {**both(0.2, 0.22, 0.12, AHEAD), 'crouch': 0.05}),
        (0.26, {**both(0.16, 0.44, 0.08, AHEAD), 'crouch': 0.0}),
    )
    score.rest(0.9)


@gesture('raise_fist', 2.2, 4.4)
def raise_fist(score: Score) -> None:
    """Pump one fist beside the head: yes!"""
    s = score.side()
    score.to(0.35, hand(s, 0.1, -0.12, 0.3, IN, elbow=12), crouch=0.04)
    score.loop(
        (1, 3),
        (0.3, {**hand(s, 0.14, 0.24, 0.18, IN, elbow=8), 'crouch': 0.0, 'chest': 8.0}),
        (0.24, {**hand(s, 0.08, -0.12, 0.2, IN, elbow=4), 'crouch': 0.03}),
    )
    score.to(0.28, hand(s, 0.14, 0.26, 0.18, IN), crouch=0.0)
    score.hold(0.35)
    score.rest(0.8)


@gesture('thumbs_up', 2.0, 4.2)
def thumbs_up(score: Score) -> None:
    """Show a raised thumb before the chest."""
    s = score.side()
    score.to(0.55, hand(s, 0.02, -0.12, 0.36, IN, elbow=8, dev=12), nod=2)
    score.to(0.2, hand(s, 0.02, -0.07, 0.39, IN, dev=20), nod=10)
    score.hold(0.8, hand(s, 0.02, -0.09, 0.38, IN, dev=18), nod=2)
    score.rest(0.7)


@gesture('stretch', 3.2, 6.0)
def stretch(score: Score) -> None:
    """Stretch both arms over the head and lean to either side."""
    t = sign(score.side(0.5))
    over = both(-0.06, 0.47, 0.06, UP, elbow=0, flex=-20)
    score.to(0.5, both(0.24, 0.0, 0.28, DOWN, elbow=10))
    score.to(0.8, over, bend=-8, nod=-10, chest=10)
    score.to(0.7, side=16 * t, pelvis_roll=3 * t, tilt=6 * t, sway=-0.03 * t)
    score.hold(0.3)
    score.to(0.9, side=-16 * t, pelvis_roll=-3 * t, tilt=-6 * t, sway=0.03 * t)
    score.hold(0.2)
    score.to(0.5, both(0.3, 0.0, 0.28, DOWN, flex=0), side=0, pelvis_roll=0, tilt=0, sway=0)
    score.rest(0.7)


@gesture('dance', 3.0, 6.0)
def dance(score: Score) -> None:
    """Sway from foot to foot with swinging arms."""
    t = score.side(0.5)
    o = other(t)
    score.to(0.5, both(0.12, -0.16, 0.24, DOWN, elbow=14))
    swings = []
    for s, r in ((t, o), (o, t)):
        g = sign(s)
        pose = {
            **hand(s, 0.34, 0.08, 0.16, DOWN, elbow=14, flex=12),
            **hand(r, 0.0, -0.2, 0.28, DOWN, elbow=20, flex=-8),
            'sway': 0.075 * g,
            'pelvis_roll': -5.0 * g,
            'side': 6.0 * g,
            'twist': 9.0 * g,
            'tilt': 7.0 * g,
            'turn': 8.0 * g,
            'crouch': 0.0,
        }
        middle = {**both(0.14, -0.14, 0.24, DOWN), 'crouch': 0.055, 'sway': 0.0}
        swings += [(0.28, pose), (0.26, middle)]
    score.loop((2, 3), *swings)
    score.rest(0.8)


@gesture('squat', 2.6, 5.2)
def squat(score: Score) -> None:
    """Bend the knees deeply with the arms held out in front."""
    score.to(0.5, both(-0.02, -0.06, 0.42, DOWN, elbow=4))
    down = {'crouch': 0.3, 'bend': 20.0, 'pelvis_pitch': 16.0, 'surge': -0.12, 'nod': -4.0}
    rise = {'crouch': 0.0, 'bend': 0.0, 'pelvis_pitch': 0.0, 'surge': 0.0, 'nod': 0.0}
    score.loop((1, 2), (0.8, down), (0.7, rise))
    score.rest(0.8)


@gesture('pick_up', 3.0, 5.6)
def pick_up(score: Score) -> None:
    """Bend down, take something from the floor and lift it to the waist."""
    reach = both(-0.02, -0.4, 0.28, IN, elbow=4)
    score.to(1.0, reach, crouch=0.3, bend=48, pelvis_pitch=28, surge=-0.1, nod=12)
    score.hold(0.35)
    lifted = both(-0.03, -0.24, 0.3, (-1.0, 0.4, 0.0), elbow=6)
    score.to(1.0, lifted, crouch=0.0, bend=0, pelvis_pitch=0, surge=0.0, nod=10)
    score.hold(0.5)
    score.rest(0.7)


@gesture('drink', 2.6, 5.0)
def drink(score: Score) -> None:
    """Lift a cup to the lips and tip the head back."""
    s = score.side()
    score.to(0.5, hand(s, 0.02, -0.22, 0.3, IN, elbow=6))
    lips = hand(s, -0.11, 0.08, 0.27, IN, elbow=22, flex=10, at='head')
    score.to(0.6, lips, nod=0)
    score.hold(0.6, hand(s, -0.11, 0.11, 0.26, IN, elbow=36, at='head'), nod=-16)
    score.to(0.5, hand(s, 0.02, -0.2, 0.3, IN, elbow=6), nod=0)
    score.rest(0.7)


@gesture('curtsy', 2.6, 4.8)
def curtsy(score: Score) -> None:
    """Spread the arms, cross one foot behind and sink with a bowed head."""
    s = score.side(0.5)
    x = 0.12 * sign(s)
    back = Step(s, -0.1 * sign(s), -0.18, 0.0)
    score.to(0.55, both(0.34, -0.3, 0.12, DOWN, elbow=6), nod=-4, step=back)
    score.to(0.6, both(0.38, -0.26, 0.08, DOWN), crouch=0.085, bend=10, nod=22, z=-0.09)
    score.hold(0.45)
    score.to(0.55, crouch=0.0, bend=0, nod=0, z=-0.04)
    score.to(0.5, z=0.0, step=Step(s, x, 0.0))
    score.rest(0.6)


@gesture('cover_face', 2.4, 4.8)
def cover_face(score: Score) -> None:
    """Hide the face in both hands."""
    face = both(-0.125, 0.07, 0.24, SELF, elbow=6, flex=8, at='head')
    score.to(0.65, face, nod=16, bend=8, chest=-8)
    score.hold(0.7, nod=20)
    score.loop((1, 2), (0.4, {'turn': 9.0}), (0.4, {'turn': -9.0}))
    score.to(0.3, turn=0)
    score.rest(0.9)


@gesture('cross_arms', 2.4, 5.0)
def cross_arms(score: Score) -> None:
    """Fold the arms before the chest and wait."""
    score.to(
        0.9,
        hand('L', -0.17, -0.15, 0.22, SELF, elbow=14, at='chest'),
        hand('R', -0.15, -0.2, 0.26, SELF, elbow=18, at='chest'),
        chest=2,
    )
    score.hold(0.8, nod=-3, turn=6)
    score.hold(0.6, nod=3, turn=-4)
    score.rest(0.9)
