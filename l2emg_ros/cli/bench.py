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
"""`l2emg bench`: the project's measurements."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

HELP = (
    'Measure: l2emg (readable?), style (as people?), tokenizer, retarget, modulation, latency, '
    'load (while learning), lifelong (is it learned?).'
)
NAMES = ('l2emg', 'style', 'tokenizer', 'retarget', 'modulation', 'latency', 'load', 'lifelong')
# Benchmarks that start nodes.
_OF_NODES = {
    'lifelong': 'l2emg_ros.nodes.lifelong_bench',
    'modulation': 'l2emg_ros.nodes.reaction',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the name; the rest belongs to the benchmark, which is imported only when run."""
    parser.epilog = (
        'example: l2emg bench latency --json out/latency.json\n'
        'Options of one benchmark: l2emg bench NAME --help'
    )
    parser.add_argument('name', choices=NAMES)
    parser.add_argument('options', nargs=argparse.REMAINDER, help='--json FILE and its own')


def run(args: argparse.Namespace) -> int:
    """Run one benchmark and write its report where asked."""
    from l2emg_ros.bench.report import write
    from l2emg_ros.cli.main import Parser

    module = importlib.import_module(_OF_NODES.get(args.name, f'l2emg_ros.bench.{args.name}'))
    parser = Parser(
        prog=f'l2emg bench {args.name}', description=str(module.__doc__).splitlines()[0]
    )
    parser.add_argument('--json', type=Path, help='write the results to this file')
    module.add_arguments(parser)
    options = parser.parse_args(args.options)
    results = module.run(options)
    print(module.table(results))
    if options.json:
        config = {key: value for key, value in vars(options).items() if key != 'json'}
        write(options.json, args.name, config, results)
        print(f'results: {options.json}')
    return 0
