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
"""Measure what learning beside it costs: time to the first chunk, and how late set points are.

Three cases in turns, in the same run: alone, beside a trainer that learns, and beside a process of
idle priority that computes all the time. The trainer may cost no more than that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
import multiprocessing
from multiprocessing.synchronize import Event
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from l2emg_ros import corpus, resources
from l2emg_ros.bench.report import lines
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import L2EmgError
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.generator.request import Request
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.process import Progress, Trainer
from l2emg_ros.learning.trainer import yield_to_others
from l2emg_ros.learning.verdict import Verdict
from l2emg_ros.retarget.retargeter import Retargeter
from l2emg_ros.retarget.robot import Robot

CASES = ('alone', 'learning', 'idle')
_TEXT = 'wave to greet an old friend who is coming up the stairs'
_RATE = 100.0
# Between requests the processor rests: to be woken late is part of what others cost.
_PAUSE = 0.05
_WARM_UP = 3
_PATIENCE = 600.0
_BUSY = (
    'import os, numpy as np\n'
    'os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\n'
    'a = np.ones((384, 384), dtype=np.float32)\n'
    'while True:\n'
    '    a @ a\n'
)

Array = NDArray[np.float64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument('--robot', default='g1', help='whose set points are computed')
    parser.add_argument('--rounds', type=int, default=6, help='of the three cases')
    parser.add_argument('--repeats', type=int, default=20, help='requests in each case and round')
    parser.add_argument(
        '--nice-only',
        action='store_true',
        help='a trainer of low priority within its session only, as with idle_only: false',
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures."""
    torch.set_num_threads(1)
    model = args.model or resources.find('models/default')
    generator = EmpathicGenerator.load(model)
    first: dict[str, list[float]] = {case: [] for case in CASES}
    spans: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    for seed in range(_WARM_UP):
        _first_chunk(generator, seed)
    with _set_points(args.robot) as ticks, _neighbours(model, args) as neighbours:
        for number in range(args.rounds):
            for case in CASES:
                neighbours.only(case)
                began = time.monotonic()
                for repeat in range(args.repeats):
                    first[case].append(_first_chunk(generator, number * args.repeats + repeat))
                    time.sleep(_PAUSE)
                spans[case].append((began, time.monotonic()))
        neighbours.only('alone')
    return _figures(first, _late(ticks, spans))


def table(results: dict[str, Any]) -> str:
    """Return one figure a line."""
    return lines(results)


def _first_chunk(generator: EmpathicGenerator, seed: int) -> float:
    """Return the milliseconds until the first chunk of a request."""
    began = time.perf_counter()
    next(iter(generator.open(Request(_TEXT, None, 4.0, seed))))
    return 1e3 * (time.perf_counter() - began)


def _figures(first: dict[str, list[float]], late: dict[str, Array]) -> dict[str, float]:
    """Return percentiles by case, and ratios to what is compared with."""
    found: dict[str, float] = {}
    for case in CASES:
        for percent in (50, 95):
            found[f'first_chunk_{case}_p{percent}_ms'] = float(np.percentile(first[case], percent))
            found[f'late_{case}_p{percent}_ms'] = float(np.percentile(late[case], percent))
        found[f'late_{case}_p99_ms'] = float(np.percentile(late[case], 99))
    for percent in (50, 95):
        alone = found[f'first_chunk_alone_p{percent}_ms']
        for case in CASES[1:]:
            ratio = found[f'first_chunk_{case}_p{percent}_ms'] / alone
            found[f'first_{case}_over_alone_p{percent}'] = ratio
    for percent in (95, 99):
        ratio = found[f'late_learning_p{percent}_ms'] / found[f'late_idle_p{percent}_ms']
        found[f'late_learning_over_idle_p{percent}'] = ratio
    return found


class _Neighbours:
    """A trainer that learns and a process that computes; at most one of them runs at a time."""

    def __init__(self, trainer: Trainer, busy: subprocess.Popen[bytes], run: Future[Any]) -> None:
        self._trainer, self._busy, self._run = trainer, busy, run

    def only(self, case: str) -> None:
        """Let the neighbour of a case work, and the other rest.

        Raises:
            L2EmgError: The trainer has ended.
        """
        if self._run.done():
            raise L2EmgError(f'the trainer ended before the measurement: {self._run.exception()}')
        (self._trainer.resume if case == 'learning' else self._trainer.pause)()
        self._busy.send_signal(signal.SIGCONT if case == 'idle' else signal.SIGSTOP)


@contextmanager
def _neighbours(model: Path, args: argparse.Namespace) -> Iterator[_Neighbours]:
    """Yield the neighbours, both ready to work."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        learns: list[Progress] = []
        job = Job(
            scenario='load',
            model=model,
            work=Path(folder, 'work'),
            data=_lessons(Path(folder, 'load')),
            experts=Path(folder, 'experts'),
            promote=False,
            fewest=8,
            steps=600,
            # Only once it learns: until then nothing is measured.
            idle_only=False,
        )
        trainer = Trainer(job, learns.append)
        running: Future[Verdict] = pool.submit(trainer.run)
        busy = subprocess.Popen([sys.executable, '-c', _BUSY], start_new_session=True)
        try:
            deadline = time.monotonic() + _PATIENCE
            while not (learns and learns[-1].stage == 'prove'):
                if running.done() or time.monotonic() > deadline:
                    why = running.exception() if running.done() else 'it takes too long'
                    raise L2EmgError(f'the trainer does not learn: {why}')
                time.sleep(0.1)
            if not args.nice_only and trainer.pid is not None:
                yield_to_others(trainer.pid)
            yield _Neighbours(trainer, busy, running)
        finally:
            busy.kill()
            busy.wait()
            if trainer.pid is not None:
                os.kill(trainer.pid, signal.SIGKILL)


def _lessons(folder: Path) -> Path:
    """Write a scenario to learn."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(16):
        motion = corpus.synthesise('wave', Emotion('neutral').weights(), rng, seconds=4.0)
        text = f'wave to guest number {number % 10}'
        motion.replace(text=text, emotion='').save(folder / f'{number}.npz')
    return folder


class _Ticks:
    """What the process of the set points has measured, once it has ended."""

    def __init__(self) -> None:
        self.rows: Array = np.zeros((0, 2))


@contextmanager
def _set_points(robot: str) -> Iterator[_Ticks]:
    """Yield what fills, at the end, with the time of every set point and how late it was."""
    context = multiprocessing.get_context('spawn')
    ready, stop = context.Event(), context.Event()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_tick, args=(robot, ready, stop, sender), daemon=True)
    process.start()
    ticks = _Ticks()
    try:
        if not ready.wait(_PATIENCE):
            raise L2EmgError('the process of the set points does not start')
        yield ticks
        stop.set()
        ticks.rows = np.asarray(receiver.recv())
    finally:
        process.kill()
        process.join()


def _tick(robot: str, ready: Event, stop: Event, sender: Any) -> None:
    """Compute set points of a motion again and again at 100 Hz, as the retargeter does."""
    rng = np.random.default_rng(0)
    motion = corpus.synthesise('wave', Emotion('happy').weights(), rng, seconds=4.0)
    trajectory = Retargeter(Robot.load(robot)).retarget(motion)
    ready.set()
    rows = []
    began = due = time.monotonic()
    while not stop.is_set():
        due += 1.0 / _RATE
        time.sleep(max(due - time.monotonic(), 0.0))
        now = time.monotonic()
        rows.append((now, now - due))
        at = (now - began) % trajectory.time_from_start[-1]
        for values in (trajectory.positions, trajectory.velocities):
            for joint in values.T:
                np.interp(at, trajectory.time_from_start, joint)
        # Those that were missed are not made up for.
        due = max(due, now - 1.0 / _RATE)
    sender.send(rows)


def _late(ticks: _Ticks, spans: dict[str, list[tuple[float, float]]]) -> dict[str, Array]:
    """Return the milliseconds by which the set points of each case were late."""
    at, late = ticks.rows.T
    found = {}
    for case, parts in spans.items():
        chosen = np.zeros(len(at), dtype=bool)
        for begin, end in parts:
            chosen |= (at >= begin) & (at < end)
        found[case] = 1e3 * late[chosen]
    return found
