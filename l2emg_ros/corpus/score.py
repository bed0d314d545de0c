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
"""A score: via-points on the channels of the body, played with an effort.

A choreography writes segments (move to a pose, hold it, repeat a few) in nominal seconds; playing
decides how often loops repeat and how long everything takes, sends smooth curves through the
via-points and adds what a living body never stops doing: breathing, shifting its weight, small
unrest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from l2emg_ros.corpus.body import Feet, FPS, REST, SIDES, solve
from l2emg_ros.corpus.effort import Effort
from l2emg_ros.motion import skeleton
from l2emg_ros.motion.blend import minimum_jerk
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]
Pose = Mapping[str, float]

SHORTEST, LONGEST = 2.0, 6.0
"""Range of the length a choreography takes when nobody asks for one, seconds."""
# Seconds by which channels run ahead of the hands: the trunk starts, the wrist follows.
_LEAD = {'trunk': 0.07, 'head': 0.05, 'hand': 0.0, 'wrist': -0.04}
_GROUND = ('x', 'z', 'heading')
_FLOWING = (*_GROUND, 'seat')
_HEAD = ('nod', 'turn', 'tilt')
_WRIST = ('flex', 'dev')
# Largest magnitudes, degrees: beyond 70 % of them an angle is compressed. A back bends forward
# much further than backwards.
_BEND_BACK = 20.0
_LIMITS = {'bend': 80.0, 'nod': 62.0, 'turn': 70.0, 'tilt': 40.0, 'twist': 45.0, 'side': 30.0}
_HEIGHT_OF_STEP = 0.07
# A pelvis this much lower rests on a seat, m.
_SEATED = 0.35
# Room around the shoulder that free hands go around, m, and the fastest hand, m/s.
_SHOULDER_ROOM = 0.3
_FASTEST = 3.4
_AXES = ('out', 'up', 'fwd')


@dataclass(frozen=True, slots=True)
class Step:
    """One foot put somewhere: side, ground position (x left, z forward, m) and heading (deg)."""

    side: str
    x: float
    z: float
    yaw: float = 0.0


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of time that ends in a pose."""

    seconds: float
    pose: dict[str, float]
    kind: str
    step: Step | None = None


@dataclass
class Score:
    """What a choreography writes.

    Attributes:
        rng: Source of every choice.
        effort: How it will be performed, for choices that depend on it.
        segments: Written so far.
        repeats: Least and largest natural number of rounds of the loop.
    """

    rng: np.random.Generator
    effort: Effort
    segments: list[Segment] = field(default_factory=list)
    repeats: tuple[int, int] = (1, 1)
    pose: dict[str, float] = field(default_factory=lambda: dict(REST))

    def to(
        self, seconds: float, *parts: Pose, step: Step | None = None, **channels: float
    ) -> None:
        """Move to a pose; channels that are not named stay where they are."""
        self._add(seconds, 'move', parts, channels, step)

    def hold(self, seconds: float, *parts: Pose, **channels: float) -> None:
        """Stay, or drift slowly to a pose that differs little; the first to be stretched."""
        self._add(seconds, 'hold', parts, channels, None)

    def loop(self, repeats: tuple[int, int], *beats: tuple[float, Pose]) -> None:
        """Repeat beats, each a time and a pose."""
        self.repeats = repeats
        for seconds, pose in beats:
            self._add(seconds, 'loop', (pose,), {}, None)

    def rest(self, seconds: float = 0.8, *keep: str) -> None:
        """Return to the relaxed pose; the place on the ground and ``keep`` stay."""
        stay = (*_GROUND, *keep)
        pose = {name: value for name, value in REST.items() if name not in stay}
        self._add(seconds, 'move', (pose,), {}, None)

    def side(self, left: float = 0.2) -> str:
        """Choose a hand; ``left`` is the probability of the left one."""
        return 'L' if self.rng.random() < left else 'R'

    def _add(
        self,
        seconds: float,
        kind: str,
        parts: Sequence[Pose],
        channels: Mapping[str, float],
        step: Step | None,
    ) -> None:
        for part in (*parts, channels):
            self.pose.update(part)
        self.segments.append(Segment(seconds, dict(self.pose), kind, step))


def play(score: Score, seconds: float | None) -> Motion:
    """Perform a score.

    Args:
        score: What a choreography wrote.
        seconds: Wanted length; None takes the natural one of the score and the effort.
    """
    segments, times = _schedule(score, seconds)
    frames = max(round(times[-1] * FPS), 8)
    clock = np.arange(frames + 1) / FPS
    channels = _curves(score, segments, times, clock)
    _round_shoulders(channels)
    _counterbalance(channels)
    _posture(channels, score.effort, score.rng)
    _life(channels, score.effort, score.rng, clock)
    _restrain(channels)
    _sit(channels)
    return solve(channels, _feet(score, segments, times, clock))


def _schedule(score: Score, seconds: float | None) -> tuple[list[Segment], Array]:
    """Return the segments with loops written out and the (S,) times at which they end."""
    rng, effort = score.rng, score.effort
    tempo = effort.tempo * float(np.exp(rng.normal(0.0, 0.06)))
    lead = Segment(rng.uniform(0.1, 0.25), dict(REST), 'edge')
    tail = Segment(rng.uniform(0.2, 0.35), score.segments[-1].pose, 'edge')
    written = _unhurried(score, tempo)
    base = [lead, *written, tail]
    length = {'move': 0.0, 'hold': 0.0, 'loop': 0.0, 'edge': lead.seconds + tail.seconds}
    rate = {'move': 1 / tempo, 'hold': effort.pause, 'loop': 1 / tempo, 'edge': 1.0}
    for segment in written:
        length[segment.kind] += segment.seconds * rate[segment.kind]
    fixed = length['move'] + length['edge']
    low, high = score.repeats
    count = int(rng.integers(low, high + 1))
    total = fixed + length['hold'] + count * length['loop']
    wanted = seconds if seconds is not None else float(np.clip(total, SHORTEST, LONGEST))
    if length['loop']:
        room = (wanted - fixed - length['hold']) / length['loop']
        # Never faster than 1.15 times the tempo: a slow emotion would lose its slowness.
        count = max(int(np.floor(room + 0.4)), 1) if seconds is not None else count
        count = max(min(count, int(np.floor(room * 1.15 + 0.01))), 1)
    rest = wanted - fixed - count * length['loop']
    holds = max(rest, 0.25 * length['hold']) / length['hold'] if length['hold'] else 1.0
    scale = {'hold': rate['hold'] * holds, 'edge': 1.0}
    expanded: list[Segment] = []
    loop = [s for s in base if s.kind == 'loop']
    for segment in base:
        if segment.kind != 'loop':
            expanded.append(segment)
        elif segment is loop[-1]:
            expanded.extend(loop * count)
    parts = np.array([s.seconds * scale.get(s.kind, 1 / tempo) for s in expanded])
    return expanded, np.cumsum(parts * wanted / parts.sum())


def _unhurried(score: Score, tempo: float) -> list[Segment]:
    """Return the segments, lengthened where a hand would exceed ``_FASTEST``."""
    result = []
    before: Mapping[str, float] = REST
    for segment in score.segments:
        way = max(
            np.linalg.norm([segment.pose[f'{s}.{a}'] - before[f'{s}.{a}'] for a in _AXES])
            for s in SIDES
        )
        # A smooth stroke peaks at about 1.6 times its mean speed, and an abrupt one takes less
        # than its time.
        least = 1.6 * way * score.effort.amp / (_FASTEST * (1.0 - 0.4 * score.effort.sharp))
        result.append(replace(segment, seconds=max(segment.seconds, float(least) * tempo)))
        before = segment.pose
    return result


def _curves(score: Score, segments: list[Segment], times: Array, clock: Array) -> dict[str, Array]:
    """Return every channel over time: smooth through the via-points, flat at holds."""
    effort, rng = score.effort, score.rng
    keys = {name: np.array([s.pose[name] for s in segments]) for name in REST}
    wobble = rng.normal(1.0, 0.1, len(segments))
    size = max(effort.amp, 0.55) * float(np.clip(rng.normal(1.0, 0.06), 0.85, 1.15))
    _scale_hands(keys, effort, size, segments, rng)
    for name in ('bend', 'twist', 'side', 'nod', 'turn', 'tilt', 'sway', 'crouch', 'surge'):
        loops = np.array([s.kind == 'loop' for s in segments])
        keys[name] = keys[name] * size**0.6 * np.where(loops, wobble, 1.0)
    starts = np.concatenate([[0.0], times[:-1]])
    quick = {'move': 1.0 - 0.45 * effort.sharp, 'loop': 1.0 - 0.2 * effort.sharp}
    arrive = starts + (times - starts) * np.array([quick.get(s.kind, 1.0) for s in segments])
    # Smoothing must not eat quick beats: clapping hands shall meet.
    beats = (times - starts)[[s.kind == 'loop' for s in segments]]
    soft = min(0.03 + 0.05 * (1.0 - effort.sharp), 0.18 * float(beats.min(initial=1.0)))
    curves = {}
    for name, values in keys.items():
        if np.ptp(values) == 0.0:
            curves[name] = np.full(len(clock), values[0])
            continue
        # Strokes arrive early and wait; the way over the ground flows.
        early = times if name in _FLOWING else arrive
        kept = np.stack([times - early > 0.02, np.full(len(times), True)], axis=1).ravel()
        knots = np.concatenate([[-1.0], np.stack([early, times], axis=1).ravel()[kept], [1e3]])
        points = np.concatenate([[values[0]], np.repeat(values, 2)[kept], [values[-1]]])
        lead = _LEAD[_group(name)] * (1.3 - 0.6 * effort.sharp)
        track = PchipInterpolator(knots, points)(clock + lead)
        curves[name] = gaussian_filter1d(track, soft * FPS, mode='nearest')
    return curves


def _group(name: str) -> str:
    if name in _HEAD:
        return 'head'
    if name.endswith(_WRIST):
        return 'wrist'
    return 'hand' if name[1:2] == '.' else 'trunk'


def _scale_hands(
    keys: dict[str, Array],
    effort: Effort,
    size: float,
    segments: list[Segment],
    rng: np.random.Generator,
) -> None:
    """Grow or shrink what the hands do about their rest, except where they touch something."""
    for s in SIDES:
        free = 1.0 - keys[f'{s}.fixed']
        raised = np.clip((keys[f'{s}.up'] - REST[f'{s}.up']) / 0.3, 0.0, 1.0)
        moved = raised + np.abs(keys[f'{s}.fwd'] - REST[f'{s}.fwd']) > 0.05
        for name in _AXES:
            channel = f'{s}.{name}'
            gain = 1.0 + (size - 1.0) * free
            # A raised hand sinks less than strokes shrink: how high it is carries the meaning.
            gain = 1.0 + (0.4 if name == 'up' and size < 1.0 else 0.8) * (gain - 1.0)
            values = REST[channel] + gain * (keys[channel] - REST[channel])
            noise = np.array([rng.normal(0.0, 0.012) for _ in segments])
            keys[channel] = values + noise * moved * (0.3 + 0.7 * free)
        keys[f'{s}.up'] = keys[f'{s}.up'] + effort.lift * raised * free


def _round_shoulders(channels: dict[str, Array]) -> None:
    """Lead free hands around the shoulder, as a straight way to overhead would fold the arm.

    Within ``_SHOULDER_ROOM`` of the shoulder the path bulges outwards and forward.
    """
    for s in SIDES:
        point = np.stack([channels[f'{s}.{name}'] for name in _AXES])
        near = np.maximum(1.0 - (point**2).sum(axis=0) / _SHOULDER_ROOM**2, 0.0)
        bulge = 1.2 * _SHOULDER_ROOM * near * (1.0 - channels[f'{s}.fixed'])
        bulge = gaussian_filter1d(bulge, 0.07 * FPS, mode='nearest')
        channels[f'{s}.out'] = channels[f'{s}.out'] + 0.6 * bulge
        channels[f'{s}.fwd'] = channels[f'{s}.fwd'] + 0.8 * bulge


def _counterbalance(channels: dict[str, Array]) -> None:
    """Shift the pelvis against the arms, as a standing body does to keep its balance.

    Both arms weigh about a tenth of the body, so a hand that goes out by half a metre asks for a
    few centimetres; the pelvis is a little ahead of the hands (Bouisset and Zattara 1987:
    anticipatory postural adjustments).
    """
    out = channels['L.out'] - channels['R.out']
    ahead = channels['L.fwd'] + channels['R.fwd'] - 2.0 * REST['L.fwd']
    early = int(_LEAD['trunk'] * FPS)
    for name, away in (('sway', -0.06 * out), ('surge', -0.035 * ahead)):
        shift = gaussian_filter1d(np.roll(away, -early), 0.12 * FPS, mode='nearest')
        shift[-early:] = shift[-early - 1]
        channels[name] = channels[name] + shift


def _posture(channels: dict[str, Array], effort: Effort, rng: np.random.Generator) -> None:
    """Add what the emotion does to the whole body, whatever the gesture."""
    away = 1.0 if rng.random() < 0.5 else -1.0
    offsets = {
        'bend': effort.bend,
        'chest': effort.chest,
        'nod': effort.nod,
        'turn': away * effort.turn,
        'twist': away * 0.4 * effort.turn,
        'tilt': away * effort.tilt,
        'side': away * 0.25 * effort.tilt,
        'surge': effort.surge,
        'crouch': effort.crouch,
    }
    for name, value in offsets.items():
        channels[name] = channels[name] + value * rng.uniform(0.85, 1.15)
    for s in SIDES:
        hanging = np.clip((REST[f'{s}.up'] + 0.2 - channels[f'{s}.up']) / 0.2, 0.0, 1.0)
        channels[f'{s}.shrug'] = channels[f'{s}.shrug'] + effort.shrug
        channels[f'{s}.round'] = channels[f'{s}.round'] - 0.4 * min(effort.chest, 0.0)
        channels[f'{s}.elbow'] = channels[f'{s}.elbow'] + effort.open
        # Anger and excitement hold hanging arms bent and wide; sadness lets them fall.
        tension = 0.08 * effort.sharp + 0.002 * effort.open
        channels[f'{s}.out'] = channels[f'{s}.out'] + hanging * tension
        channels[f'{s}.up'] = channels[f'{s}.up'] + hanging * max(tension, 0.0) * 0.6


def _life(
    channels: dict[str, Array], effort: Effort, rng: np.random.Generator, clock: Array
) -> None:
    """Add breathing, shifting weight, unrest, trembling and bobbing."""
    fade = np.clip(clock / 0.5, 0.0, 1.0) * np.clip((clock[-1] - clock) / 0.5, 0.0, 1.0)
    breath = np.sin(2 * np.pi * (0.28 * effort.tempo**0.5 * clock + rng.random()))
    channels['chest'] = channels['chest'] + 1.5 * breath

    def unrest(size: float, seconds: float) -> Array:
        pad = int(4 * seconds * FPS)
        noise = gaussian_filter1d(rng.standard_normal(len(clock) + 2 * pad), seconds * FPS)
        noise = noise[pad : pad + len(clock)] * np.sqrt(2 * np.sqrt(np.pi) * seconds * FPS)
        return np.asarray(size * effort.idle * noise)

    for name, size, seconds in (
        ('sway', 0.008, 0.7),
        ('surge', 0.005, 0.7),
        ('pelvis_roll', 0.6, 0.7),
        ('twist', 1.2, 0.5),
        ('nod', 1.2, 0.35),
        ('turn', 2.0, 0.45),
        ('tilt', 0.8, 0.5),
    ):
        channels[name] = channels[name] + unrest(size, seconds)
    for s in SIDES:
        channels[f'{s}.shrug'] = channels[f'{s}.shrug'] + 0.8 * breath
        loose = 1.0 - 0.7 * channels[f'{s}.fixed']
        for name in _AXES:
            shake = np.sin(2 * np.pi * (5.5 * clock + rng.random()))
            extra = unrest(0.007, 0.3) * loose + effort.tremor * shake * fade
            channels[f'{s}.{name}'] = channels[f'{s}.{name}'] + extra
    bob = 0.5 - 0.5 * np.cos(2 * np.pi * 1.35 * effort.tempo * clock)
    channels['crouch'] = channels['crouch'] + effort.bounce * bob * fade
    for s in SIDES:
        channels[f'{s}.up'] = channels[f'{s}.up'] + 0.5 * effort.bounce * (bob - 0.5) * fade


def _restrain(channels: dict[str, Array]) -> None:
    """Compress angles near the end of their human range."""
    for name, limit in _LIMITS.items():
        values = channels[name]
        most = np.where(values < 0, _BEND_BACK, limit) if name == 'bend' else limit
        knee = 0.7 * most
        over = np.maximum(np.abs(values) - knee, 0.0)
        squeezed = knee + (most - knee) * np.tanh(over / (most - knee))
        channels[name] = np.where(over > 0, np.sign(values) * squeezed, values)


def _sit(channels: dict[str, Array]) -> None:
    """Rest on the seat: who sits neither sinks, bobs nor shifts the pelvis."""
    standing = np.clip(1.0 - channels['seat'] / _SEATED, 0.0, 1.0)
    for name in ('crouch', 'sway', 'surge', 'pelvis_roll'):
        channels[name] = channels[name] * standing


def _feet(score: Score, segments: list[Segment], times: Array, clock: Array) -> Feet:
    """Return planted feet and the arcs of the steps between them."""
    rng = score.rng
    half = 0.125 * score.effort.stance
    toe, yaw, pitch = np.zeros((2, len(clock), 3)), np.zeros((2, len(clock))), []
    starts = np.concatenate([[0.0], times[:-1]])
    for k, (s, sign) in enumerate(zip(SIDES, (1.0, -1.0), strict=True)):
        place = np.array([sign * half * rng.uniform(0.9, 1.15), 0.085 + rng.normal(0.0, 0.012)])
        angle = np.radians(sign * rng.uniform(4.0, 12.0))
        home = angle
        toe[k, :, (0, 2)] = place[:, None]
        yaw[k] = angle
        bent = np.zeros(len(clock))
        for segment, start, stop in zip(segments, starts, times, strict=True):
            if segment.step is None or segment.step.side != s:
                continue
            step = segment.step
            aim = np.array([step.x, step.z + 0.085])
            turn = np.radians(step.yaw) + home
            phase = np.clip((clock - start) / (stop - start), 0.0, 1.0)
            ease = minimum_jerk(phase)
            toe[k, :, (0, 2)] += (aim - place)[:, None] * ease
            yaw[k] += (turn - angle) * ease
            toe[k, :, 1] += _HEIGHT_OF_STEP * np.sin(np.pi * phase) ** 2
            push = np.clip((clock - start + 0.12) / 0.12, 0.0, 1.0)
            bent += np.radians(24.0) * np.sin(np.pi / 2 * push) ** 2 * (1.0 - ease)
            place, angle = aim, turn
        pitch.append(bent)
    toe[:, :, 1] += skeleton.FOOT_HEIGHT
    return Feet(toe, yaw, np.array(pitch))
