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
"""`l2emg bench style`: does an emotion change movement in the direction it does in real people?

The real data are the styles of Bandai-Namco-Research-Motiondataset-1, (c) 2022 Bandai Namco
Research Inc., CC BY-NC 4.0 (Kobayashi et al., arXiv 2306.08861): read, never shipped; the results
hold aggregates only. They play contents that differ from our gestures, so what is compared is the
sign of a change against neutral, and only where the real data have one.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.cli.progress import progress
from l2emg_ros.corpus import GESTURES, synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.motion import skeleton
from l2emg_ros.motion.motion import Motion

Array = NDArray[np.float64]

EMOTIONS = ('happy', 'angry', 'sad', 'tired', 'proud')
# Everyday gestures like those of the real data; each is asked for by its first held-out sentence.
CONTENTS = (
    *('bow', 'wave', 'wave_both', 'walk_guide', 'present', 'beckon', 'nod', 'shrug'),
    *('step_back', 'point_left', 'raise_hand', 'stop', 'welcome', 'explain', 'clap'),
)
# Each measure and the unit of its change: an angle has no zero that a share could refer to.
MEASURES = {
    'wrist speed': '%',
    'wrist acceleration': '%',
    'wrist amplitude': '%',
    'trunk pitch': 'deg',
    'neck pitch': 'deg',
    'arm opening': '%',
    'tempo': '%',
}
# Share of contents whose change must have one sign, and of cells that must agree with the real.
WANTED = 0.8

Figures = Mapping[str, Mapping[str, Array]]
"""Content -> label -> (7,) measures; every content has 'neutral'."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        '--mocap', type=Path, help='folder that holds bandai1/; default: L2EMG_MOCAP_DIR'
    )
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument(
        '--corpus', action='store_true', help='measure the procedural corpus, not the model'
    )
    parser.add_argument('--seeds', type=int, default=2, help='motions a sentence and emotion')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure both sides and return the cells.

    Raises:
        BadRequest: There is no real data, or an option is out of range.
    """
    if args.seeds < 1:
        raise BadRequest(f'--seeds is {args.seeds}: expected 1 or more')
    capture = args.mocap or os.environ.get('L2EMG_MOCAP_DIR')
    if not capture:
        raise BadRequest('no real motion: expected --mocap DIR or L2EMG_MOCAP_DIR')
    real = _figures(_real(Path(capture) / 'bandai1'), 'real')
    made_by = 'corpus' if args.corpus else 'model'
    motions = _corpus(args.seeds) if args.corpus else _generated(args.model, args.seeds)
    return {'made_by': made_by, **compare(real, _figures(motions, made_by))}


def measure(motion: Motion) -> dict[str, float]:
    """Return what an observer sees of the style, means over the motion and both arms.

    With w the place of a wrist relative to the pelvis, in axes that turn with the hips:

    - wrist speed, m/s: mean ``|w'|``; wrist acceleration, m/s^2: mean ``|w''|``
    - wrist amplitude, m: ``rms |w - mean w|``
    - trunk pitch, degrees: of pelvis to neck from the vertical, forward positive
    - neck pitch, degrees: of neck to head relative to the trunk, down positive; the rest pose has
      a value of its own, so only changes count
    - arm opening, m: mean distance of the elbows from the line of the trunk
    - tempo, Hz: ``rms |w'| / (2 pi rms |w - mean w|)``, which is f for a swing of f hertz (the
      mean frequency of Rice, 1944) and needs neither a threshold nor a long clip

    Raises:
        BadRequest: The motion has fewer than 3 frames.
    """
    if motion.frames < 3:
        raise BadRequest(f'motion of {motion.frames} frames: expected at least 3')
    joints = _in_body_axes(motion.joint_positions())
    neck, elbows, wrists = joints[:, 12], joints[:, 18:20], joints[:, 20:22]
    velocity = np.diff(wrists, axis=0) * motion.fps
    acceleration = np.diff(velocity, axis=0) * motion.fps
    amplitude = _rms(wrists - wrists.mean(axis=0))
    axis = (neck / np.linalg.norm(neck, axis=-1, keepdims=True))[:, None]
    beside = elbows - (elbows * axis).sum(axis=-1, keepdims=True) * axis
    head = joints[:, 15] - neck
    # From the trunk to the head in the sagittal plane; two separate angles would wrap around.
    bent = np.arctan2(
        neck[:, 2] * head[:, 0] - neck[:, 0] * head[:, 2],
        neck[:, 0] * head[:, 0] + neck[:, 2] * head[:, 2],
    )
    return {
        'wrist speed': float(np.linalg.norm(velocity, axis=-1).mean()),
        'wrist acceleration': float(np.linalg.norm(acceleration, axis=-1).mean()),
        'wrist amplitude': float(amplitude.mean()),
        'trunk pitch': float(np.degrees(np.arctan2(neck[:, 0], neck[:, 2])).mean()),
        'neck pitch': float(np.degrees(bent).mean()),
        'arm opening': float(np.linalg.norm(beside, axis=-1).mean()),
        'tempo': float(_rms(velocity).mean() / max(2 * np.pi * amplitude.mean(), 1e-9)),
    }


def compare(real: Figures, made: Figures) -> dict[str, Any]:
    """Return the changes of both sides in every cell (emotion x measure) and where they agree.

    A cell counts when at least 80 % of the real contents change in one direction; it agrees when
    the mean change of the motions made has that sign.

    Args:
        real: Figures of recorded people.
        made: Figures of generated or synthesised motions.
    """
    cells: dict[str, dict[str, Any]] = {}
    for emotion in EMOTIONS:
        there, here = _changes(real, emotion), _changes(made, emotion)
        cells[emotion] = {}
        for name in MEASURES:
            sign = _sign(there[name])
            agree = None if not sign else bool(np.sign(here[name]['change']) == sign)
            cells[emotion][name] = {'real': there[name], 'made': here[name], 'agree': agree}
    verdicts = [cell['agree'] for row in cells.values() for cell in row.values()]
    counted = [verdict for verdict in verdicts if verdict is not None]
    return {
        'cells': cells,
        'agreeing': sum(counted),
        'of': len(counted),
        'share': sum(counted) / len(counted) if counted else 0.0,
    }


def table(results: dict[str, Any]) -> str:
    """Return one line a cell, and how many agree."""
    made_by = results['made_by']
    title = f'{"real":>12}{"rising":>8}{made_by:>12}{"rising":>8}'
    lines = [f'{"change against neutral":<29}{title}   agree']
    for emotion, row in results['cells'].items():
        for name, cell in row.items():
            told = ''
            for side in ('real', 'made'):
                figures = cell[side]
                told += f'{figures["change"]:>+8.1f} {MEASURES[name]:<3}'
                told += f'{figures["rising"]:>5}/{figures["of"]}'.ljust(8)
            verdict = {True: 'yes', False: 'NO', None: '-'}[cell['agree']]
            lines.append(f'{emotion:<8}{name:<21}{told}   {verdict}')
    return '\n'.join(
        [
            *lines,
            f'signs agree in {results["agreeing"]} of {results["of"]} cells in which the real '
            f'contents agree: {results["share"]:.0%}, wanted {WANTED:.0%}',
        ]
    )


def _in_body_axes(positions: Array) -> Array:
    """Return (T, 22, 3) m relative to the pelvis: forward, left, up by the line of the hips."""
    left = positions[:, skeleton.index('left_hip')] - positions[:, skeleton.index('right_hip')]
    left = left * [1.0, 1.0, 0.0]
    left /= np.linalg.norm(left, axis=-1, keepdims=True)
    up = np.broadcast_to([0.0, 0.0, 1.0], left.shape)
    axes = np.stack([np.cross(left, up), left, up], axis=1)
    relative = positions - positions[:, :1]
    return np.asarray(np.einsum('tij,tnj->tni', axes, relative), dtype=np.float64)


def _rms(vectors: Array) -> Array:
    """Return the (N,) root mean square length of (T, N, 3) vectors over time."""
    return np.asarray(np.sqrt((vectors**2).sum(axis=-1).mean(axis=0)), dtype=np.float64)


def _figures(motions: Iterator[tuple[str, str, Motion]], desc: str) -> Figures:
    """Return the mean measures of every content and label that has a neutral counterpart."""
    rows: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for content, label, motion in progress(motions, desc):
        rows[content][label].append(list(measure(motion).values()))
    return {
        content: {label: np.mean(values, axis=0) for label, values in labels.items()}
        for content, labels in rows.items()
        if 'neutral' in labels
    }


def _changes(figures: Figures, emotion: str) -> dict[str, dict[str, Any]]:
    """Return by measure the mean change, and in how many contents it rises and falls."""
    pairs = [(row[emotion], row['neutral']) for row in figures.values() if emotion in row]
    if not pairs:
        raise BadRequest(f'no content is played both {emotion} and neutral')
    shown, neutral = np.swapaxes(np.array(pairs), 0, 1)
    difference = shown - neutral
    changes = {}
    for number, (name, unit) in enumerate(MEASURES.items()):
        column = difference[:, number]
        scale = 100.0 / neutral[:, number].mean() if unit == '%' else 1.0
        changes[name] = {
            'change': float(column.mean() * scale),
            'rising': int((column > 0).sum()),
            'falling': int((column < 0).sum()),
            'of': len(column),
        }
    return changes


def _sign(change: Mapping[str, Any]) -> int:
    """Return the direction that enough contents share, 0 for none."""
    enough = WANTED * change['of'] - 1e-9
    return int(change['rising'] >= enough) - int(change['falling'] >= enough)


def _real(folder: Path) -> Iterator[tuple[str, str, Motion]]:
    """Yield (content, label, motion) of ``dataset-1_CONTENT_STYLE_NUMBER.bvh`` files."""
    paths = sorted(folder.glob('dataset-1_*_*_*.bvh'))
    if not paths:
        raise BadRequest(f'{folder} holds no dataset-1_CONTENT_STYLE_NUMBER.bvh')
    for path in paths:
        _, content, style, *_ = path.stem.split('_')
        label = 'neutral' if style == 'normal' else style
        if label in ('neutral', *EMOTIONS):
            yield content, label, Motion.load(path)


def _generated(model: Path | None, seeds: int) -> Iterator[tuple[str, str, Motion]]:
    """Yield (gesture, label, motion) as the model answers sentences it has not seen."""
    generator = EmpathicGenerator.load(model)
    for content, label, seed in product(CONTENTS, ('neutral', *EMOTIONS), range(seeds)):
        sentence = GESTURES[content].heldout[0]
        yield content, label, generator.generate(sentence, emotion=label, seed=seed)


def _corpus(seeds: int) -> Iterator[tuple[str, str, Motion]]:
    """Yield (gesture, label, motion) as the corpus performs it: the same choices in each label."""
    for content, label, seed in product(CONTENTS, ('neutral', *EMOTIONS), range(seeds)):
        yield (
            content,
            label,
            synthesise(content, Emotion(label).weights(), np.random.default_rng(seed)),
        )
