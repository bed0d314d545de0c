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
"""`l2emg generate`: a sentence and an emotion to a motion file."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = 'Generate an emotional motion from a sentence.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        'example: l2emg generate "wave to greet an old friend" --emotion happy --intensity 0.8 '
        '--seconds 4 --seed 0 -o wave.npz'
    )
    parser.add_argument('text', help='what to do, in words')
    parser.add_argument(
        '--emotion', help='a label such as happy, or vad:V,A,D; default: the words decide'
    )
    parser.add_argument('--intensity', type=float, help='0 to 1; default 1')
    parser.add_argument('--seconds', type=float, help='0.5 to 20; default: the model decides')
    parser.add_argument('--seed', type=int, help='for a reproducible motion')
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument(
        '--experts', type=Path, metavar='DIR', help='learned experts; default: of the model'
    )
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda')
    parser.add_argument('-o', '--output', type=Path, required=True, help='motion file, .npz')


def run(args: argparse.Namespace) -> int:
    """Generate and save."""
    from l2emg_ros.emotion import Emotion
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.generator.request import Request

    if args.output.suffix != '.npz':
        raise BadRequest(f'{args.output}: expected a file name that ends in .npz')
    # A bad request is refused before seconds go into loading the model.
    request = Request(
        args.text, Emotion.parse(args.emotion, args.intensity), args.seconds, args.seed
    )
    from l2emg_ros.generator.generator import EmpathicGenerator

    generator = EmpathicGenerator.load(args.model, device=args.device, experts=args.experts)
    session = generator.open(request)
    for _ in session:
        pass
    motion = session.motion()
    motion.save(args.output)
    print(f'{motion} by {", ".join(session.experts)}, seed {session.seed} -> {args.output}')
    return 0
