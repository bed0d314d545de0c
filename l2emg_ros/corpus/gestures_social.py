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
"""Gestures of greeting, care and feeling."""

from __future__ import annotations

from l2emg_ros.corpus.poses import AHEAD, both, DOWN, gesture, hand, IN, other, SELF, sign, UP
from l2emg_ros.corpus.score import Score


@gesture('wave', 2.4, 5.0)
def wave(score: Score) -> None:
    """Raise one hand beside the head and swing the forearm."""
    s = score.side()
    # However small it is, a wave stays beside the face.
    up = score.rng.uniform(0.12, 0.22) + 0.4 * max(1.0 - score.effort.amp, 0.0)
    turn = 4.0 * sign(s)
    score.to(0.7, hand(s, 0.18, up, 0.17, AHEAD, elbow=18, flex=-8), tilt=turn, side=-0.5 * turn)
    score.loop(
        (2, 4),
        (0.3, hand(s, 0.31, up - 0.02, 0.15, AHEAD, dev=-22)),
        (0.3, hand(s, 0.06, up + 0.02, 0.19, AHEAD, dev=18)),
    )
    score.to(0.2, hand(s, 0.18, up, 0.17, AHEAD, dev=0))
    score.rest(0.8)


@gesture('wave_both', 2.4, 5.0)
def wave_both(score: Score) -> None:
    """Swing both raised arms over the head."""
    score.to(0.75, both(0.25, 0.32, 0.1, AHEAD, elbow=15), nod=-6, chest=6)
    score.loop(
        (2, 4),
        (0.38, {**both(0.4, 0.24, 0.08, AHEAD, dev=-15), 'crouch': 0.0}),
        (0.38, {**both(0.05, 0.36, 0.12, AHEAD, dev=15), 'crouch': 0.015}),
    )
    score.rest(0.9)


@gesture('bow', 2.2, 4.5)
def bow(score: Score) -> None:
    """Bend the trunk forward with the arms at the sides."""
    depth = score.rng.uniform(26, 44)
    score.to(
        0.9,
        both(0.03, -0.47, 0.07, IN),
        bend=depth,
        pelvis_pitch=0.45 * depth,
        surge=-0.07,
        nod=0.7 * depth,
    )
    score.hold(0.6)
    score.rest(1.0)


@gesture('salute', 2.0, 4.0)
def salute(score: Score) -> None:
    """Bring the flat hand to the brow."""
    s = score.side(0.05)
    score.to(0.2, chest=8, nod=-4)
    score.to(0.5, hand(s, 0.015, 0.19, 0.16, DOWN, elbow=42, flex=0, dev=0, at='head'))
    score.hold(1.0)
    score.to(0.35, hand(s, 0.15, -0.1, 0.25, IN, elbow=15))
    score.rest(0.5)


@gesture('handshake', 2.4, 4.5)
def handshake(score: Score) -> None:
    """Hold out a hand at waist height and shake."""
    s = 'R'
    score.to(0.7, hand(s, -0.06, -0.2, 0.37, IN, elbow=2, flex=0), bend=7, surge=0.03, nod=3)
    score.loop(
        (2, 4),
        (0.22, hand(s, -0.06, -0.13, 0.38, IN, dev=8)),
        (0.22, hand(s, -0.06, -0.24, 0.38, IN, dev=-8)),
    )
    score.hold(0.3, hand(s, -0.06, -0.2, 0.37, IN, dev=0))
    score.rest(0.8)


@gesture('hug', 2.8, 5.5)
def hug(score: Score) -> None:
    """Open both arms wide, then close them in front of the chest."""
    score.to(0.8, both(0.34, -0.06, 0.24, AHEAD, elbow=20), chest=8, bend=-2, surge=0.01)
    score.hold(0.25)
    score.to(
        0.8,
        hand('L', -0.2, -0.08, 0.3, SELF, elbow=40, at='chest'),
        hand('R', -0.19, -0.17, 0.31, SELF, elbow=34, at='chest'),
        chest=-8,
        bend=10,
        surge=0.05,
        tilt=10,
        turn=14,
        nod=8,
    )
    score.hold(0.8)
    for name in 'LR':
        score.pose.update({f'{name}.at_chest': 0.0, f'{name}.fixed': 0.0})
    score.to(0.5, both(0.18, -0.2, 0.28, IN), bend=2, surge=0.0, tilt=0, turn=0, nod=0)
    score.rest(0.7)


@gesture('welcome', 2.4, 4.8)
def welcome(score: Score) -> None:
    """Open both arms with the palms up and show them to the visitor."""
    score.to(0.35, both(-0.05, -0.24, 0.24, UP, elbow=4), nod=4, bend=2)
    score.to(0.7, both(0.3, -0.15, 0.28, (0.2, 1.0, 0.3), elbow=8), chest=10, nod=-4, surge=0.02)
    score.hold(0.8, both(0.33, -0.12, 0.27, (0.2, 1.0, 0.3)), nod=6, bend=5)
    score.rest(0.8)


@gesture('beckon', 2.2, 4.8)
def beckon(score: Score) -> None:
    """Pull the hand towards the body again and again."""
    s = score.side()
    score.to(0.7, hand(s, 0.06, -0.06, 0.4, UP, elbow=10, flex=-10), surge=0.01)
    score.loop(
        (2, 4),
        (0.34, {**hand(s, 0.02, 0.06, 0.17, (-0.2, 0.2, -1.0), flex=50), 'nod': -5}),
        (0.34, {**hand(s, 0.06, -0.06, 0.38, (0.0, 1.0, -0.2), flex=-10), 'nod': 2}),
    )
    score.rest(0.8)


@gesture('comfort', 3.2, 6.0)
def comfort(score: Score) -> None:
    """Lean in with a tilted head, one hand on the heart, the other stroking softly."""
    s = score.side(0.3)
    o = other(s)
    lean = 10.0 * sign(s)
    score.to(
        0.9,
        hand(o, -0.12, -0.12, 0.19, SELF, elbow=18, at='chest'),
        hand(s, 0.02, -0.12, 0.34, DOWN, elbow=8),
        bend=12,
        surge=0.05,
        tilt=1.2 * lean,
        nod=10,
        crouch=0.015,
    )
    score.loop(
        (1, 3),
        (0.55, {**hand(s, 0.07, -0.2, 0.41, DOWN, flex=12), 'nod': 13.0}),
        (0.55, {**hand(s, 0.0, -0.09, 0.33, DOWN, flex=-8), 'nod': 9.0}),
    )
    score.hold(0.4, nod=14)
    score.to(0.1, {f'{o}.at_chest': 0.6})
    score.rest(1.0)


@gesture('pat', 2.4, 5.0)
def pat(score: Score) -> None:
    """Pat a shoulder in front."""
    s = score.side()
    score.to(0.8, hand(s, 0.02, 0.06, 0.4, DOWN, elbow=14, flex=5), bend=8, surge=0.04)
    score.loop(
        (2, 4),
        (0.22, hand(s, 0.02, -0.05, 0.42, DOWN, flex=-12)),
        (0.28, hand(s, 0.02, 0.08, 0.4, DOWN, flex=22)),
    )
    score.rest(0.8)


@gesture('hand_on_heart', 2.2, 4.5)
def hand_on_heart(score: Score) -> None:
    """Lay a hand on the chest and bow the head a little."""
    s = score.side(0.1)
    score.to(0.8, hand(s, -0.13, -0.1, 0.18, SELF, elbow=20, flex=5, at='chest'), nod=6)
    score.hold(0.9, nod=14, bend=5)
    score.rest(0.9)


@gesture('wipe_tears', 2.8, 5.2)
def wipe_tears(score: Score) -> None:
    """Wipe the eyes with the back of the hand."""
    s = score.side(0.15)
    near = hand(s, -0.07, 0.12, 0.25, SELF, elbow=22, flex=18, dev=8, at='head')
    far = hand(s, -0.01, 0.11, 0.22, SELF, elbow=30, flex=22, dev=-8, at='head')
    score.to(0.8, near, nod=14, bend=7, chest=-6)
    score.loop((2, 3), (0.36, {**far, 'nod': 17.0}), (0.36, {**near, 'nod': 12.0}))
    score.rest(0.9)


@gesture('calm_down', 2.6, 5.2)
def calm_down(score: Score) -> None:
    """Press both open palms slowly downwards."""
    score.to(0.7, both(0.03, -0.02, 0.33, DOWN, elbow=12, flex=-15))
    score.loop(
        (2, 3),
        (0.55, {**both(0.05, -0.27, 0.34, DOWN, flex=-30), 'crouch': 0.02}),
        (0.45, {**both(0.03, -0.06, 0.33, DOWN, flex=-8), 'crouch': 0.0}),
    )
    score.to(0.45, both(0.05, -0.27, 0.34, DOWN, flex=-30))
    score.rest(0.8)


@gesture('listen', 2.4, 4.8)
def listen(score: Score) -> None:
    """Cup a hand behind the ear and lean towards the speaker."""
    s = score.side(0.3)
    turn = sign(s)
    cup = hand(s, -0.025, 0.12, 0.1, (0.0, 0.0, 1.0), elbow=22, flex=15, at='head')
    score.to(0.8, cup, turn=-26 * turn, bend=9, surge=0.03, twist=-8 * turn)
    score.hold(1.2, tilt=8 * turn, nod=4, bend=11)
    score.rest(0.8)


@gesture('apologise', 2.8, 5.2)
def apologise(score: Score) -> None:
    """Put the palms together before the chest and bow."""
    palms = both(-0.135, -0.13, 0.27, IN, elbow=16, flex=-12, dev=20, at='chest')
    score.to(0.7, palms)
    score.to(0.6, bend=24, pelvis_pitch=6, surge=-0.02, nod=22)
    score.loop(
        (1, 2),
        (0.35, {**both(-0.135, -0.1, 0.29, IN, at='chest'), 'nod': 26.0}),
        (0.35, {**palms, 'nod': 20.0}),
    )
    score.hold(0.3)
    score.to(0.6, bend=4, pelvis_pitch=0, surge=0, nod=4)
    score.rest(0.8)


@gesture('blow_kiss', 2.4, 4.5)
def blow_kiss(score: Score) -> None:
    """Bring the fingers to the lips and send the kiss forward."""
    s = score.side()
    score.to(0.6, hand(s, -0.13, 0.04, 0.25, SELF, elbow=10, flex=10, at='head'), nod=4)
    score.hold(0.35)
    score.to(0.45, hand(s, 0.1, 0.06, 0.42, UP, elbow=5, flex=-15), nod=-6, surge=0.03)
    score.hold(0.5, hand(s, 0.14, 0.08, 0.42, UP))
    score.rest(0.8)
