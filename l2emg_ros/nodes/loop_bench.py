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
"""The loop of `l2emg bench lifelong`: people rate and show, it is learned, they judge again."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
import shutil
import time
from typing import Any

from l2emg_ros.bench import closed_loop
from l2emg_ros.bench.kept import kept
from l2emg_ros.bench.people import Person
from l2emg_ros.bench.places import invented
from l2emg_ros.bench.stage import Stage, wishes
from l2emg_ros.cli.progress import progress
from l2emg_ros.nodes import taught_nodes

_PEOPLE = 1000


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return the win rates of what people have taught."""
    config = taught_nodes.config(args, 'interactions', 'shows', 'steps', 'seed')
    asked = {**config, 'prompts': args.prompts, 'takes': args.takes}
    work = taught_nodes.place(args, 'loop', config)
    people = []
    for number in range(args.seed, args.seed + args.seeds):
        folder = work / str(number)
        teach = partial(_teach, args, number, folder)
        taught = kept(work / f'{number}-taught.json', config, teach)
        judge = partial(_judge, args, number, folder, taught['promoted'])
        judged = kept(work / f'{number}.json', asked, judge)
        people.append({**taught, **judged})
    return {'people': people, 'summary': closed_loop.summary(people)}


def _teach(args: argparse.Namespace, number: int, work: Path) -> dict[str, Any]:
    """Let one person rate, and have it learned."""
    # Half an encounter is worth nothing: a person begins anew.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    person = Person(number, shows=args.shows)
    place = invented(1, number)[0]
    asked = wishes(place, args.interactions, number)
    began = time.monotonic()
    with taught_nodes.nodes(args, work) as (_, rater):
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


def _judge(args: argparse.Namespace, number: int, work: Path, promoted: bool) -> dict[str, Any]:
    """Ask a person about requests they never made, performed before and after."""
    person, place = Person(number, shows=args.shows), invented(1, number)[0]
    asked = wishes(place, args.interactions, number)
    unseen = wishes(place, args.prompts, number + 1, asked)
    untaught = Stage(args.model, work / 'none')
    # What was refused has changed nothing.
    taught = Stage(args.model, work / 'experts') if promoted else None
    # Takes of one person, and people, have random numbers of their own.
    seeds = [number + _PEOPLE * take for take in range(args.takes)]
    found = []
    # A robot that has learned a place is told when it is there.
    for context in progress(('', ' '.join(place.places)), f'unseen requests of {number}'):
        before = closed_loop.liked(untaught, person, unseen, seeds, context)
        after = before
        if taught is not None:
            after = closed_loop.liked(taught, person, unseen, seeds, context)
        found.append(closed_loop.compared(before, after, number))
    alone, in_context = found
    return {**alone, 'in_context': in_context}
