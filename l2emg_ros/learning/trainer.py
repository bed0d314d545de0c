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
"""The process that learns one scenario.

It reads one job as a line of JSON, and writes progress and the verdict as lines of JSON. It has a
model of its own and the lowest priority. SIGTERM, or the end of its
standard input, which is what the death of its parent looks like, stops it with its state saved;
SIGSTOP and SIGCONT pause it, and its parent then tells how long it was away.
"""

from __future__ import annotations

from contextlib import suppress
import ctypes
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
from l2emg_ros.learning.job import Job

_LOWEST = 19
_PR_SET_PDEATHSIG = 1


class Stopwatch:
    """Counts the seconds in which the process was not paused."""

    def __init__(self) -> None:
        self._began, self._away = time.monotonic(), 0.0

    def leave_out(self, seconds: float) -> None:
        """Do not count some seconds of the past."""
        self._away += seconds

    def elapsed(self) -> float:
        """Return the seconds since the start without those that are left out."""
        return time.monotonic() - self._began - self._away


class _Told:
    """Writes progress, and ends the run when it must end."""

    def __init__(self, seconds: float, watch: Stopwatch) -> None:
        self._seconds, self._watch = seconds, watch
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
        try:
            say(
                stage=stage,
                step=step,
                steps=steps,
                seconds=elapsed,
                loss=figures.get('loss'),
                pace=pace,
            )
        except OSError:
            # Nobody reads it any more, and a finished run would be nobody's wish.
            self.stop.set()
        if self.stop.is_set():
            raise Unfinished('stopped')
        if self._seconds and elapsed > self._seconds:
            raise Unfinished(f'{self._seconds:g} s are over')


def say(**line: Any) -> None:
    """Write one line of JSON.

    Raises:
        OSError: Nobody reads it.
    """
    finite = {
        k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()
    }
    sys.stdout.write(json.dumps(finite) + '\n')
    sys.stdout.flush()


def yield_to_others(pid: int = 0) -> None:
    """Let every other process of the machine have the processor before a process; 0 is this."""
    with suppress(OSError, AttributeError):
        # Whatever wakes up interrupts it at once.
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    # Linux shares processors among sessions first, whatever the priorities within each, where
    # this is on; and a trainer is a session of its own.
    with suppress(OSError), open(f'/proc/{pid or "self"}/autogroup', 'w') as file:
        file.write(str(_LOWEST))


def wake_if_orphaned() -> None:
    """Ask the system to let the process go on, should its parent die while it is paused."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT))


def main() -> int:
    """Learn what the job on standard input says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_LOWEST)
    wake_if_orphaned()
    watch = Stopwatch()
    # From here on it may be paused.
    say(ready=True)
    try:
        job = Job.from_json(sys.stdin.readline())
    except (ValueError, KeyError, TypeError) as error:
        say(error=f'the job cannot be read: {error}', kind='other')
        return 1
    if job.idle_only:
        yield_to_others()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # Late, for they take seconds.
    import torch

    from l2emg_ros.learning.learner import learn
    from l2emg_ros.training.loop import Unfinished

    torch.set_num_threads(1)
    told = _Told(job.seconds, watch)
    signal.signal(signal.SIGTERM, lambda *_: told.stop.set())
    threading.Thread(target=_listen, args=(told.stop, watch), daemon=True).start()
    answer: dict[str, Any] = {}
    try:
        answer = {'verdict': learn(job, told, watch.elapsed).record()}
    except Unfinished as stopped:
        answer = {'error': str(stopped), 'kind': 'unfinished'}
    except L2EmgError as error:
        answer = {'error': ' '.join(str(error).split()), 'kind': 'bad'}
    except OSError as error:
        answer = {'error': ' '.join(str(error).split()), 'kind': 'other'}
    with suppress(BrokenPipeError):
        say(**answer)
    return 0


def _listen(stop: threading.Event, watch: Stopwatch) -> None:
    """Hear how long the process was paused, until the parent's death."""
    for line in sys.stdin:
        with suppress(ValueError):
            watch.leave_out(float(line))
    stop.set()


if __name__ == '__main__':
    sys.exit(main())
