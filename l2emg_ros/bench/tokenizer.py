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
"""`l2emg bench tokenizer`: how well do motion tokens say what bodies do?

Performances that the corpus draws anew show what the tokeniser was trained for, recordings of
people what it was not; ``rho`` is how much worse it says those.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l2emg_ros import resources
from l2emg_ros.bench import motions
from l2emg_ros.cli.progress import progress
from l2emg_ros.generator import checkpoint
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion
from l2emg_ros.training import growth, tokenizer

_UNITS = {
    'mpjpe_mm': 'mean joint position error, mm',
    'mpjpe_p95_mm': '95th percentile of it, mm',
    'skate_mm_s': 'speed of standing feet beyond the data, mm/s',
    'jerk_ratio': 'jerk over that of the data',
    'perplexity': 'perplexity of the first level',
    'codes_used': 'share of its codes in use',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    motions.add_folder(parser, 'performances only')
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument('--clips', type=int, default=200, help='of each kind; 0: all recordings')
    parser.add_argument('--seed', type=int, default=1, help='of the performances')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Code and decode, and return the figures.

    Raises:
        BadRequest: The folder holds no motion, or an option is out of range.
    """
    motions.check_count(args.clips)
    frozen = checkpoint.load_tokenizer(args.model or resources.find('models/default'))
    made = motions.performed(args.clips or 200, args.seed)
    rows = {'performed': tokenizer.evaluate(frozen, _features(made, 'performed'))}
    folder = motions.recordings(args.folder)
    if folder is None:
        return {'rows': rows}
    rows['recorded'] = tokenizer.evaluate(
        frozen, _features(motions.read(folder, args.clips), 'recorded')
    )
    known, new = (growth.Fit.of(rows[kind]) for kind in ('performed', 'recorded'))
    return {'rows': rows, 'rho': new.ratio(known), 'grow': new.asks_for_growth(known)}


def _features(named: Iterable[tuple[str, Motion]], title: str) -> list[Tensor]:
    """Return (T, 140) features of motions."""
    return [
        torch.from_numpy(features.encode(motion.resample(features.FPS)))
        for _, motion in progress(named, title)
    ]


def table(results: dict[str, Any]) -> str:
    """Return one figure a line."""
    rows = results['rows']
    lines = [f'{"":<46}' + ''.join(f'{kind:>11}' for kind in rows)]
    for name, title in _UNITS.items():
        lines.append(f'{title:<46}' + ''.join(f'{row[name]:>11.3g}' for row in rows.values()))
    if 'rho' in results:
        verdict = 'asks' if results['grow'] else 'does not ask'
        lines.append(f'recorded over performed, rho {results["rho"]:.2f}: {verdict} for growth')
    return '\n'.join(lines)
