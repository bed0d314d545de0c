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
"""`l2emg train expert --scenario DIR`: teach the model a scenario of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

NOT_PROMOTED = 1
"""Exit code where an expert was trained that did not pass the gate."""
_SUFFIX = '.jsonl'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a scenario of one's own."""
    group = parser.add_argument_group('expert of your own scenario')
    group.add_argument(
        '--log', type=Path, help='learn --scenario NAME from this log of interactions'
    )
    group.add_argument('--name', help="of the scenario; default: the folder's or file's")
    group.add_argument(
        '--experts',
        type=Path,
        default=Path('~/.ros/l2emg/experts'),
        help='where learned experts go; default: %(default)s, which the nodes read',
    )
    group.add_argument('--robot', default='g1', help='that has to perform it; default: g1')
    group.add_argument(
        '--no-promote', action='store_true', help='store the expert, do not make it active'
    )
    group.add_argument(
        '--fewest', type=int, default=32, help='lessons that are needed; default: 32'
    )


def asked(args: argparse.Namespace) -> bool:
    """Return whether a scenario of one's own is meant: a path, or a log."""
    place = Path(args.scenario)
    named = place.suffix == _SUFFIX or len(place.parts) > 1 or place.is_dir()
    return args.stage == 'expert' and (args.log is not None or named)


def run(args: argparse.Namespace, until: float) -> int:
    """Learn one scenario, print the checks and say what came of it.

    Raises:
        BadRequest: The data cannot be used.
        Unfinished: ``--minutes`` are over.
    """
    from l2emg_ros import resources
    from l2emg_ros.cli.train import report
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.files import expanded
    from l2emg_ros.learning.job import Job
    from l2emg_ros.learning.learner import forget, learn
    from l2emg_ros.training.loop import Unfinished

    if args.batch is not None:
        raise BadRequest('--batch is for the stages of a model: not for a scenario of your own')
    place = Path(args.scenario)
    given = args.model != args.default_model
    job = Job(
        scenario=args.name or place.name.removesuffix(_SUFFIX),
        model=args.model if given else resources.find('models/default'),
        work=args.work / 'expert',
        data=None if args.log is not None else place,
        log=args.log,
        experts=expanded(args.experts),
        robot=args.robot,
        steps=args.steps or 0,
        promote=not args.no_promote,
        seed=args.seed,
        device=args.device,
        lr=args.lr or Job.lr,
        fewest=args.fewest,
    )
    if args.restart:
        forget(job)

    def told(stage: str, step: int, steps: int, seconds: float, figures: dict[str, float]) -> None:
        report(stage, step, steps, seconds, figures)
        if seconds > until:
            raise Unfinished(f'{stage} has done {step} of {steps} steps')

    verdict = learn(job, told)
    if verdict.refused:
        raise BadRequest(verdict.message)
    if verdict.growth is not None:
        print(f'{job.scenario}: {verdict.growth}')
    for check in verdict.checks:
        print(f'{check.name:<10}{"ok" if check.ok else "FAILED":<8}{check.said}')
    # It may have passed, and the active experts have changed meanwhile.
    done = verdict.promoted or (not job.promote and all(check.ok for check in verdict.checks))
    print(verdict.message, file=sys.stdout if done else sys.stderr)
    return 0 if done else NOT_PROMOTED
