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
"""`l2emg bench lifelong`: is what people teach learned, is poison refused, is nothing forgotten?

Everything is learned by the real learner: scenarios and people through the nodes, poisoned
batches in this process. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from functools import partial
import json
from pathlib import Path
import time
from typing import Any, TYPE_CHECKING

import numpy as np

from l2emg_ros import resources
from l2emg_ros.bench.kept import kept
from l2emg_ros.bench.places import invented
from l2emg_ros.cli.progress import progress
from l2emg_ros.corpus import SCENARIOS
from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes import taught_nodes
from l2emg_ros.nodes.graph import Graph
from l2emg_ros.nodes.raters import Rater

if TYPE_CHECKING:
    from l2emg_ros.corpus import Scenario

PARTS = ('loop', 'poison', 'sequence', 'speed')
_TIMED, _REPEATS = 5, 20
_TEXT = 'wave to greet an old friend who is coming up the stairs'
_CLIPS = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument('--part', choices=(*PARTS, 'all'), default='all', help='default: all')
    parser.add_argument('--scenarios', type=int, default=5, help='in a row, 1 to 20; default: 5')
    parser.add_argument(
        '--interactions', type=int, default=64, help='a scenario, a batch, a person; default: 64'
    )
    parser.add_argument('--seeds', type=int, default=1, help='people of the loop; default: 1')
    parser.add_argument('--prompts', type=int, default=200, help='unseen ones a person')
    parser.add_argument(
        '--takes', type=int, default=1, help='performances of each of these; default: 1'
    )
    parser.add_argument(
        '--shows',
        type=int,
        default=16,
        help='every so many encounters a person of the loop shows how it should be; default: 16',
    )
    parser.add_argument('--tests', type=int, default=26, help='requests a scenario; default: 26')
    parser.add_argument('--poisoned', type=int, default=8, help='batches, 4 kinds; default: 8')
    parser.add_argument('--clean', type=int, default=4, help='batches, 2 kinds; default: 4')
    parser.add_argument(
        '--steps', type=int, default=0, help='most of a training; 0, default: as is needed'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the places and the tests')
    parser.add_argument(
        '--work',
        type=Path,
        default=Path('out/bench/lifelong'),
        help='what was measured so far, and what was learned; default: %(default)s',
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts that are asked for."""
    args.model = (args.model or resources.find('models/default')).resolve()
    args.work = args.work.resolve()
    _check(args)
    wanted = PARTS if args.part == 'all' else (args.part,)
    measures = {'loop': _loop, 'poison': _poison, 'sequence': _sequence, 'speed': _speed}
    return {part: measures[part](args) for part in wanted}


def _check(args: argparse.Namespace) -> None:
    """Find bad numbers before anything is measured.

    Raises:
        BadRequest: One is too small, or is not shared out evenly.
    """
    invented(args.scenarios, args.seed)
    for name, least, each in (
        ('interactions', taught_nodes.FEWEST, 1),
        ('seeds', 1, 1),
        ('prompts', 2, 1),
        ('takes', 1, 1),
        ('shows', 1, 1),
        ('tests', len(SCENARIOS), 1),
        ('poisoned', 0, 4),
        ('clean', 0, 2),
        ('steps', 0, 1),
        ('seed', 0, 1),
    ):
        value = getattr(args, name)
        if value < least or value % each:
            multiple = f', a multiple of {each}' if each > 1 else ''
            raise BadRequest(f'{name} is {value}: expected at least {least}{multiple}')


def table(results: dict[str, Any]) -> str:
    """Return the tables of the parts that were measured."""
    from l2emg_ros.bench import closed_loop, poison, sequence

    tables = {
        'loop': closed_loop.table,
        'poison': poison.table,
        'sequence': sequence.table,
        'speed': _speed_table,
    }
    return '\n\n'.join(tables[part](results[part]) for part in PARTS if part in results)


def _loop(args: argparse.Namespace) -> dict[str, Any]:
    """Return the win rates of what people have taught."""
    from l2emg_ros.nodes import loop_bench

    return loop_bench.measure(args)


def _poison(args: argparse.Namespace) -> dict[str, Any]:
    """Return how many batches were promoted."""
    from l2emg_ros.bench import poison

    config = taught_nodes.config(args, 'interactions', 'steps', 'seed')
    return poison.measure(
        args.model,
        taught_nodes.place(args, 'poison', config),
        poisoned=args.poisoned,
        clean=args.clean,
        interactions=args.interactions,
        steps=args.steps,
        seed=args.seed,
    )


# One scenario after the other.


def _sequence(args: argparse.Namespace) -> dict[str, Any]:
    """Teach scenarios through the node, and test all of them after each."""
    from l2emg_ros.bench import sequence
    from l2emg_ros.bench.stage import Stage

    config = taught_nodes.config(args, 'interactions', 'tests', 'steps', 'seed')
    work = taught_nodes.place(args, 'sequence', config)
    places = invented(args.scenarios, args.seed)
    asked = sequence.tests(places, args.tests, args.seed)
    stage = Stage(args.model, work / 'experts')
    before = kept(work / 'before.json', config, lambda: sequence.scored(stage, asked, args.seed))
    steps = []
    with taught_nodes.nodes(args, work) as (graph, rater):
        at_first = _waiting(graph, rater)
        for number, place in enumerate(progress(places, 'scenarios')):
            taught = kept(
                work / f'learned-{number}.json',
                config,
                partial(_taught, args, graph, rater, place, work),
            )
            stage.reload()
            some = {
                name: asked[name] for name in (sequence.SHIPPED, *_names(places[: number + 1]))
            }
            scores = kept(
                work / f'scores-{number}.json',
                config,
                partial(sequence.scored, stage, some, args.seed),
            )
            steps.append({**taught, 'scores': scores})
        last = len(places) - 1
        chunks = kept(
            work / f'chunks-{last}.json',
            config,
            lambda: sequence.first_chunks(args.model, (None, work / 'experts'), _REPEATS),
        )
        rollback = kept(
            work / f'rollback-{last}.json', config, partial(_back, rater, places, work)
        )
    results = {
        'scenarios': _names(places),
        'before': before,
        'steps': steps,
        'first_chunk_ms': chunks,
        'node_mb': at_first['node_mb'],
        'rollback_s': rollback,
    }
    return results | {'summary': sequence.summary(results)}


def _names(places: list[Scenario]) -> list[str]:
    return [place.name for place in places]


def _taught(
    args: argparse.Namespace, graph: Graph, rater: Rater, place: Scenario, work: Path
) -> dict[str, Any]:
    """Have one scenario learned from a folder of clips."""
    from l2emg_ros.bench import batches
    from l2emg_ros.bench.stage import size, wishes

    wanted = wishes(place, args.interactions, args.seed)
    folder = batches.clips(work / 'clips' / place.name, place, wanted, args.seed)
    began = time.monotonic()
    result = rater.learn(place.name, str(folder), steps=args.steps)
    seconds = time.monotonic() - began
    expert = result.expert
    stored = list((work / 'experts').glob(f'*/{expert.name}/{expert.version}'))
    return {
        'scenario': place.name,
        'promoted': bool(result.promoted),
        'message': str(result.message),
        'checks': list(result.gate_checks),
        'seconds': seconds,
        'bytes': sum(size(path) for path in stored),
        'growth': _growth(stored),
        **_waiting(graph, rater),
    }


def _growth(stored: list[Path]) -> str:
    """Return what was decided before learning, as the manifest has it."""
    for path in stored:
        manifest = json.loads((path / 'manifest.json').read_text('utf-8'))
        return str(manifest['training']['growth']).split()[0]
    return ''


def _waiting(graph: Graph, rater: Rater) -> dict[str, float]:
    """Return the memory of the generator, MB, and the median time to its first chunk, ms."""
    from l2emg_ros.bench.stage import resident

    times = [rater.watch(_TEXT, None, seed).first_chunk for seed in range(_TIMED)]
    return {
        'node_mb': resident(graph.pid('generator')),
        'node_chunk_ms': 1e3 * float(np.median(times)),
    }


def _back(rater: Rater, places: list[Scenario], work: Path) -> float | None:
    """Return the median time of rollbacks of the last expert over ROS, s; it is active again then.

    None where no scenario was learned.
    """
    from l2emg_ros.experts.registry import Registry
    from l2emg_ros.experts.state import chosen

    folder = next((work / 'experts').glob('*/active.json')).parent
    active = chosen(Registry(folder).active())
    learned = [name for name in _names(places) if name in active]
    if not learned:
        return None
    last, times = learned[-1], []
    for _ in range(_TIMED):
        times.append(rater.roll_back(last))
        times.append(rater.roll_back(last, active[last][1]))
    return float(np.median(times))


# What could be had.


def _speed(args: argparse.Namespace) -> dict[str, Any]:
    """Compare the first scenario's expert, as the node learns it, with one of many clean clips."""
    from l2emg_ros.bench import clean
    from l2emg_ros.bench.stage import Stage

    config = taught_nodes.config(args, 'interactions', 'tests', 'steps', 'seed')
    work = taught_nodes.place(args, 'speed', config)
    place = invented(1, args.seed)[0]

    def learned() -> dict[str, Any]:
        with taught_nodes.nodes(args, work) as (graph, rater):
            return _taught(args, graph, rater, place, work)

    taught = kept(work / 'learned.json', config, learned)
    compared = kept(
        work / 'clean.json',
        config,
        lambda: clean.compare(
            Stage(args.model, work / 'experts'),
            place,
            work,
            clips=_CLIPS,
            prompts=4 * args.tests,
            seed=args.seed,
        ),
    )
    return {**taught, **compared}


def _speed_table(results: dict[str, Any]) -> str:
    """Return how long one scenario took, and how good it was."""
    ratio = results['learned'] / max(results['clean'], 1e-9)
    return (
        f'{results["scenario"]}: learned in {results["seconds"]:.0f} s, wanted at most 600; '
        f'{"promoted" if results["promoted"] else "NOT promoted"}\n'
        f'weighted F1 {results["nothing"]:.1f} before, {results["learned"]:.1f} after, '
        f'{results["clean"]:.1f} of an expert of {results["clips"]} clean clips: {ratio:.0%} of '
        'it, wanted 90 %'
    )
