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
"""The process that learns: ``python -m l2emg_ros.learning.trainer``.

It reads one job as a line of JSON, and writes progress and the verdict as lines of JSON. It runs
at the lowest priority with a model of its own. SIGTERM, or the end of its standard input, which
is what the death of its parent looks like, stops it with its state saved; SIGSTOP and SIGCONT
pause it, and time that it has spent so is not counted.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import sys
import threading
import time
from typing import Any

from l2emg_ros.errors import L2EmgError

_TICK, _GAP = 1.0, 5.0


class Stopwatch:
    """Counts the seconds in which the process runs.

    A process that is stopped does not notice, but its alarms come late.
    """

    def __init__(self) -> None:
        """Start; the alarm of the process belongs to the watch."""
        self._began = self._last = time.monotonic()
        self._away = 0.0
        signal.signal(signal.SIGALRM, self._tick)
        signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)

    def _tick(self, *_: object) -> None:
        now = time.monotonic()
        late = now - self._last - _TICK
        self._away += late if late > _GAP else 0.0
        self._last = now

    def elapsed(self) -> float:
        """Return the seconds since the start without those in which the process was stopped."""
        return time.monotonic() - self._began - self._away


class _Told:
    """Writes progress, and ends the run when it must end."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._watch = seconds, Stopwatch()
        self.stop = threading.Event()
        self._stage, self._from = '', (0.0, 0)

    def __call__(
        self, stage: str, step: int, steps: int, _: float, figures: dict[str, float]
    ) -> None:
        from l2emg_ros.training.loop import Unfinished

        elapsed = self._watch.elapsed()
        if stage != self._stage:
            self._stage, self._from = stage, (elapsed, step)
        began, first = self._from
        pace = (elapsed - began) / (step - first) if step > first else None
        say(
            stage=stage,
            step=step,
            steps=steps,
            seconds=elapsed,
            loss=figures.get('loss'),
            pace=pace,
        )
        if self.stop.is_set():
            raise Unfinished('stopped')
        if self._seconds and elapsed > self._seconds:
            raise Unfinished(f'{self._seconds:g} s are over')


def say(**line: Any) -> None:
    """Write one line of JSON."""
    finite = {
        k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()
    }
    sys.stdout.write(json.dumps(finite) + '\n')
    sys.stdout.flush()


def main() -> int:
    """Learn what the job on standard input says."""
    os.nice(19)
    line = sys.stdin.readline()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # Late, for they take seconds: a job that cannot be read is answered at once.
    import torch

    from l2emg_ros.learning.job import Job
    from l2emg_ros.learning.learner import learn
    from l2emg_ros.training.loop import Unfinished

    torch.set_num_threads(1)
    try:
        job = Job.from_json(line)
    except (ValueError, KeyError, TypeError) as error:
        say(error=f'the job cannot be read: {error}', kind='other')
        return 1
    told = _Told(job.seconds)
    signal.signal(signal.SIGTERM, lambda *_: told.stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_orphaned, args=(told.stop,), daemon=True).start()
    try:
        say(verdict=learn(job, told).record())
    except Unfinished as stopped:
        say(error=str(stopped), kind='unfinished')
    except L2EmgError as error:
        say(error=' '.join(str(error).split()), kind='bad')
    except OSError as error:
        say(error=' '.join(str(error).split()), kind='other')
    return 0


def _orphaned(stop: threading.Event) -> None:
    """Wait for the parent's death."""
    while sys.stdin.readline():
        pass
    stop.set()


if __name__ == '__main__':
    sys.exit(main())
