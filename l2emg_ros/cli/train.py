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
"""`l2emg train`: the stages that make a model, each resumable."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import math
from pathlib import Path
import sys
import time

from l2emg_ros.cli import learn

HELP = 'Train a model: corpus, evaluator, tokenizer, base, practice, emotion, expert; resumable.'
UNFINISHED = 75
"""Exit code of a stage that ``--minutes`` ended early: EX_TEMPFAIL of sysexits.h."""
_LEAST = {
    'seed': 0,
    'steps': 1,
    'rounds': 1,
    'batch': 1,
    'clips': 1,
    'workers': 1,
    'sentences': 1,
    'threads': 1,
}
_MODEL = Path('out/model')
_STAGES = ('corpus', 'evaluator', 'tokenizer', 'base', 'practice', 'emotion', 'expert')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of every stage."""
    parser.epilog = (
        'example:\n'
        '  l2emg train corpus                           # or --dataset dataset.yaml, your data\n'
        '  l2emg train evaluator\n'
        '  l2emg train tokenizer\n'
        '  l2emg train base\n'
        '  l2emg train practice                         # pairs that the corpus lacks\n'
        '  l2emg train emotion\n'
        '  l2emg train expert --scenario all\n'
        '  l2emg train expert --scenario my_ward        # a folder of motions, or a .jsonl file\n'
        'Run a stopped stage again with the same options to continue it; '
        '--restart begins it anew.'
    )
    parser.add_argument('stage', choices=_STAGES)
    parser.add_argument(
        '--model',
        type=Path,
        default=_MODEL,
        help='model folder; default: %(default)s, for a scenario of your own the shipped one',
    )
    parser.set_defaults(default_model=_MODEL)
    parser.add_argument(
        '--work', type=Path, default=Path('out/train'), help='corpus and checkpoints'
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of this stage')
    parser.add_argument('--lr', type=float, help="peak learning rate; default: the stage's own")
    parser.add_argument('--batch', type=int, help="clips a step; default: the stage's own number")
    parser.add_argument('--steps', type=int, help='training steps; default: the shipped recipe')
    parser.add_argument('--clips', type=int, default=32000, help='corpus: number of clips')
    parser.add_argument(
        '--dataset', type=Path, help='corpus: of your recordings that this YAML file describes'
    )
    parser.add_argument('--workers', type=int, default=2, help='corpus: processes')
    parser.add_argument(
        '--protocol',
        choices=('shipped', 'benchmark', 'complete'),
        default='shipped',
        help='corpus: all thirteen emotions, lightly confounded; or eight, heavily; or all with '
        'every gesture, for the evaluator',
    )
    parser.add_argument(
        '--confounding', type=float, help="corpus: share of a gesture's dominant emotion"
    )
    parser.add_argument('--divergence', type=float, help='corpus: strength of the dialects')
    parser.add_argument('--general', type=float, help='corpus: share of clips of no scenario')
    parser.add_argument(
        '--scenario',
        default='all',
        help='expert: a scenario of the corpus, or all in sequence; or a folder or .jsonl file of '
        'your own: rows of motion, text, emotion, intensity',
    )
    parser.add_argument(
        '--rounds', type=int, help='practice: rounds in all; default: the shipped recipe'
    )
    parser.add_argument(
        '--sentences', type=int, help='free sentences of each gesture and emotion; default: all'
    )
    parser.add_argument(
        '--backbone',
        type=Path,
        help='base: Hugging Face model directory instead of our own decoder',
    )
    parser.add_argument(
        '--start',
        type=Path,
        help='base: model folder with whose weights to begin, e.g. the shipped',
    )
    parser.add_argument('--device', default='cpu', help='cpu or cuda; default cpu')
    parser.add_argument(
        '--minutes',
        type=float,
        help=f'stop after so long with exit code {UNFINISHED}; the command again goes on',
    )
    parser.add_argument('--threads', type=int, help='CPU threads; default: all cores')
    parser.add_argument('--restart', action='store_true', help="forget this stage's checkpoint")
    learn.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run one stage."""
    logging.getLogger('l2emg_ros').setLevel(logging.INFO)
    _check(args)
    if args.dataset is not None:
        return _recordings(args)
    if args.stage == 'corpus':
        from l2emg_ros import corpus

        knobs = ('confounding', 'divergence', 'general')
        told = {name: getattr(args, name) for name in knobs if getattr(args, name) is not None}
        protocol = dataclasses.replace(corpus.PROTOCOLS[args.protocol], **told)
        corpus.build(args.work / 'corpus', args.clips, args.seed, args.workers, protocol)
        return 0
    import torch

    from l2emg_ros.generator.checkpoint import device
    from l2emg_ros.training import loop, recipe

    if args.threads:
        torch.set_num_threads(args.threads)
    stages = recipe.Stages(
        args.model,
        args.work,
        args.seed,
        args.restart,
        report,
        args.sentences,
        args.backbone,
        device(args.device),
        args.start,
        args.lr,
        args.batch,
        math.inf if args.minutes is None else time.monotonic() + 60.0 * args.minutes,
    )
    try:
        if learn.asked(args):
            return learn.run(args, math.inf if args.minutes is None else 60.0 * args.minutes)
        if args.stage == 'expert':
            stages.experts(args.scenario, args.steps)
        elif args.stage == 'practice':
            stages.practice(args.steps, args.rounds)
        else:
            getattr(stages, args.stage)(args.steps)
    except loop.Unfinished as stopped:
        print(f'{stopped}: run the command again, without --restart', flush=True)
        return UNFINISHED
    return 0


def _check(args: argparse.Namespace) -> None:
    """Check the numbers before any work is done.

    Raises:
        BadRequest: One is out of its range.
    """
    from l2emg_ros.errors import BadRequest

    for name, least in _LEAST.items():
        value = getattr(args, name)
        if value is not None and value < least:
            raise BadRequest(f'--{name} is {value}: expected at least {least}')
    for name in ('minutes', 'lr'):
        value = getattr(args, name)
        if value is not None and not value > 0.0:
            raise BadRequest(f'--{name} is {value}: expected more than 0')


def _recordings(args: argparse.Namespace) -> int:
    """Make a corpus of recordings and print what became of them."""
    from l2emg_ros.cli.progress import progress
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.training import sources

    if args.stage != 'corpus':
        raise BadRequest(f'--dataset is for the stage corpus: {args.stage} takes --work')
    folder = args.work / 'corpus'
    made = sources.build(args.dataset, folder, args.workers, progress)
    print(f'{folder}: {made.clips} clips, {made.seconds / 60:.1f} min of {made.files} recordings')
    print(
        f'left out: {len(made.failed)} unreadable, {made.unlabelled} without labels, '
        f'{made.short} pieces shorter than 1 s'
    )
    if made.styles:
        print(f'styles without an emotion: {", ".join(sorted(made.styles))}')
    if not made.commercial:
        print('non-commercial data: weights trained on it must not be shipped')
    return 0


def report(stage: str, step: int, steps: int, seconds: float, figures: dict[str, float]) -> None:
    """Print one line of progress."""
    told = '  '.join(f'{name} {value:.3f}' for name, value in figures.items())
    left = seconds / max(step, 1) * (steps - step)
    line = f'{stage}: step {step}/{steps}  {told}  {seconds:.0f} s, {left:.0f} s left'
    if sys.stdout.isatty():
        print(f'\r\033[K{line}', end='\n' if step == steps else '', flush=True)
    else:
        print(line, flush=True)
