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
from collections.abc import Iterator
import contextlib
from functools import partial
import hashlib
import json
import os
from pathlib import Path
import shutil
import time
from typing import Any, TYPE_CHECKING

import numpy as np

from l2emg_ros import processes, resources
from l2emg_ros.bench.kept import kept
from l2emg_ros.bench.places import invented
from l2emg_ros.cli.progress import progress
from l2emg_ros.corpus import SCENARIOS
from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes.graph import Graph
from l2emg_ros.nodes.raters import Rater

if TYPE_CHECKING:
    from l2emg_ros.corpus import Scenario

PARTS = ('loop', 'poison', 'sequence', 'speed')
_START = 120.0
_TIMED, _REPEATS = 5, 20
_TEXT = 'wave to greet an old friend who is coming up the stairs'
# People speak this much sooner than their delays, so that hours become minutes.
_HURRY = 0.1
_CLIPS = 256
_FEWEST = 8
_PEOPLE = 1000
_PLACES = 20


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
        ('interactions', _FEWEST, 1),
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


def _config(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return what a result depends on."""
    given = {name: getattr(args, name) for name in names}
    model = json.loads((args.model / 'model.json').read_text('utf-8'))
    return {**given, 'files': model['files']}


def _place(args: argparse.Namespace, name: str, config: dict[str, Any]) -> Path:
    """Return a folder that belongs to a configuration, for what was learned in another one."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    folder = Path(args.work, f'{name}-{digest}')
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _nodes(args: argparse.Namespace, work: Path) -> Iterator[tuple[Graph, Rater]]:
    """Start a generator and a lifelong node whose experts and log are in a folder."""
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    namespace = f'l2emg_bench_{os.getpid()}'
    fewest = min(32, max(_FEWEST, args.interactions // 2))
    given = {'lifelong': {'log_path': str(work / 'log'), 'fewest_lessons': fewest}}
    with Graph(
        namespace=namespace,
        nodes=(processes.GENERATOR, processes.LIFELONG),
        parameters=given,
        log_dir=work / 'logs',
        model_path=str(args.model),
        experts_path=str(work / 'experts'),
        device='cpu',
    ) as graph:
        graph.wait_active(_START)
        with Rater(namespace, _HURRY) as rater:
            rater.wait()
            yield graph, rater


# People who are rated by.


def _loop(args: argparse.Namespace) -> dict[str, Any]:
    """Return the win rates of what people have taught."""
    from l2emg_ros.bench import closed_loop

    config = _config(args, 'interactions', 'shows', 'steps', 'seed')
    asked = _config(args, 'prompts', 'takes') | {'requests': ['alone', 'in context']}
    work = _place(args, 'loop', config)
    people = []
    for number in range(args.seed, args.seed + args.seeds):
        folder = work / str(number)
        teach = partial(_teach, args, number, folder)
        taught = kept(work / f'{number}-taught.json', config, teach)
        judge = partial(_judge, args, number, folder)
        judged = kept(work / f'{number}.json', config | asked, judge)
        people.append({**taught, **judged})
    return {'people': people, 'summary': closed_loop.summary(people)}


def _teach(args: argparse.Namespace, number: int, work: Path) -> dict[str, Any]:
    """Let one person rate, and have it learned."""
    from l2emg_ros.bench.people import Person
    from l2emg_ros.bench.stage import wishes

    # Half an encounter is worth nothing: a person begins anew.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    person = Person(number, shows=args.shows)
    place = invented(_PLACES, number)[0]
    asked = wishes(place, args.interactions, number)
    began = time.monotonic()
    with _nodes(args, work) as (_, rater):
        for count, wish in enumerate(progress(asked, f'person {number}')):
            rater.encounter(person, wish, count, 2 * count)
        rater.settle()
        rated = time.monotonic()
        result = rater.learn(place.name, steps=args.steps)
        learned = time.monotonic()
    return {
        'person': number,
        'scenario': place.name,
        'promoted': bool(result.promoted),
        'message': str(result.message),
        'checks': list(result.gate_checks),
        'seconds_rating': rated - began,
        'seconds_learning': learned - rated,
    }


def _judge(args: argparse.Namespace, number: int, work: Path) -> dict[str, Any]:
    """Ask a person about requests they never made, performed before and after."""
    from l2emg_ros.bench import closed_loop
    from l2emg_ros.bench.people import Person
    from l2emg_ros.bench.stage import Stage, wishes

    person, place = Person(number, shows=args.shows), invented(_PLACES, number)[0]
    asked = wishes(place, args.interactions, number)
    unseen = wishes(place, args.prompts, number + 1, asked)
    untaught, taught = (Stage(args.model, work / folder) for folder in ('none', 'experts'))
    # Takes of one person, and people, have random numbers of their own.
    seeds = [number + _PEOPLE * take for take in range(args.takes)]
    found = []
    # A robot that has learned a place is told when it is there.
    for context in progress(('', ' '.join(place.places)), f'unseen requests of {number}'):
        before = closed_loop.liked(untaught, person, unseen, seeds, context)
        after = closed_loop.liked(taught, person, unseen, seeds, context)
        found.append(closed_loop.compared(before, after, number))
    alone, in_context = found
    return {**alone, 'in_context': in_context}


def _poison(args: argparse.Namespace) -> dict[str, Any]:
    """Return how many batches were promoted."""
    from l2emg_ros.bench import poison

    config = _config(args, 'interactions', 'steps', 'seed')
    return poison.measure(
        args.model,
        _place(args, 'poison', config),
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

    config = _config(args, 'interactions', 'tests', 'steps', 'seed')
    work = _place(args, 'sequence', config)
    places = invented(args.scenarios, args.seed)
    asked = sequence.tests(places, args.tests, args.seed)
    stage = Stage(args.model, work / 'experts')
    before = kept(work / 'before.json', config, lambda: sequence.scored(stage, asked, args.seed))
    steps = []
    with _nodes(args, work) as (graph, rater):
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
            work / f'rollback-{last}.json', config, partial(_back, rater, places[-1], work)
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


def _back(rater: Rater, place: Scenario, work: Path) -> float | None:
    """Return the median time of rollbacks over ROS, s; what was active is active again then.

    None where the scenario has no active expert.
    """
    from l2emg_ros.experts.registry import Registry
    from l2emg_ros.experts.state import chosen

    folder = next((work / 'experts').glob('*/active.json')).parent
    active = chosen(Registry(folder).active())
    if place.name not in active:
        return None
    times = []
    for _ in range(_TIMED):
        times.append(rater.roll_back(place.name))
        times.append(rater.roll_back(place.name, active[place.name][1]))
    return float(np.median(times))


# What could be had.


def _speed(args: argparse.Namespace) -> dict[str, Any]:
    """Compare the first scenario's expert, as the node learns it, with one of many clean clips."""
    from l2emg_ros.bench import clean
    from l2emg_ros.bench.stage import Stage

    config = _config(args, 'interactions', 'tests', 'steps', 'seed')
    work = _place(args, 'speed', config)
    place = invented(1, args.seed)[0]

    def learned() -> dict[str, Any]:
        with _nodes(args, work) as (graph, rater):
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
