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
"""The trainer seen from the process that starts it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.verdict import Verdict

_PATIENCE = 30.0
# Who computes little matrices with many threads mostly waits, and keeps others from working.
_THREADS = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        stage: What is being done.
        step: Steps of it that are done.
        steps: Of how many.
        seconds: Since the job began, pauses left out.
        loss: Of the last steps, or None.
        pace: Seconds a step of this stage, or None.
    """

    stage: str
    step: int
    steps: int
    seconds: float
    loss: float | None = None
    pace: float | None = None

    @property
    def eta(self) -> float | None:
        """Seconds that this stage still takes at the pace so far; None before it has one."""
        return None if self.pace is None else self.pace * (self.steps - self.step)


class TrainerFailed(L2EmgError):
    """The trainer ended without a verdict."""


class TrainerStopped(L2EmgError):
    """The trainer was stopped or its time is over; the same job again goes on from there."""


class Trainer:
    """One job in a process of its own.

    Args:
        job: What to learn.
        on_progress: Called on the thread that runs ``run``.
    """

    def __init__(self, job: Job, on_progress: Callable[[Progress], None]) -> None:
        self._job, self._on_progress = job, on_progress
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._cancelled = self._paused = self._ready = False
        self._stopped_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Process number while it runs."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def run(self) -> Verdict:
        """Learn; blocks until the trainer has ended.

        Raises:
            BadRequest: The data or a name cannot be used.
            TrainerStopped: It was cancelled, or its time is over.
            TrainerFailed: It ended without a verdict.
        """
        with self._lock:
            if self._cancelled:
                raise TrainerStopped('cancelled')
            self._process = process = subprocess.Popen(
                [sys.executable, '-m', 'l2emg_ros.learning.trainer'],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors='replace',
                env={**os.environ, **dict.fromkeys(_THREADS, '1')},
                start_new_session=True,
            )
        # Its complaints lie in memory: a disk that is full is one of the things to complain of.
        complaints: deque[str] = deque(maxlen=20)
        reader = threading.Thread(target=complaints.extend, args=(process.stderr,), daemon=True)
        reader.start()
        answer: dict[str, Any] = {}
        # One that has ended before it could read its job has no more use for it.
        with suppress(BrokenPipeError), process:
            self._write(self._job.to_json())
            answer = self._answer(process)
            reader.join()
        return self._concluded(answer, process.returncode, list(complaints))

    def _answer(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """Return the last thing that the process says; blocks until it has ended."""
        answer: dict[str, Any] = {}
        for line in process.stdout or ():
            value = _parsed(line)
            if 'stage' in value:
                self._on_progress(Progress(**value))
            elif 'ready' in value:
                self._now_ready()
            elif value:
                answer = value
        return answer

    def _concluded(self, answer: dict[str, Any], code: int, complaints: list[str]) -> Verdict:
        """Return the verdict, or raise what came instead of one."""
        if 'verdict' in answer:
            return Verdict.of(answer['verdict'])
        kind, said = answer.get('kind', ''), str(answer.get('error', ''))
        if kind == 'bad':
            raise BadRequest(said)
        if kind == 'unfinished' or self._cancelled:
            raise TrainerStopped(said or 'cancelled')
        reason = said
        if not reason and code < 0:
            reason = f'it was ended by {signal.Signals(-code).name}'
        elif not reason:
            lines = [line.strip() for line in complaints if line.strip()]
            reason = lines[-1] if lines else f'exit code {code}'
        raise TrainerFailed(f'the trainer ended without a verdict: {reason}')

    def pause(self) -> None:
        """Stop the process where it is; it keeps its memory and uses no processor.

        One that is being cancelled is left to end.
        """
        with self._lock:
            self._paused = True
            self._hold()

    def resume(self) -> None:
        """Let it go on; the time in between is not counted."""
        with self._lock:
            self._paused = False
            if self._stopped_at is not None:
                self._write(f'{time.monotonic() - self._stopped_at:.3f}')
                self._stopped_at = None
                self._signal(signal.SIGCONT)

    def cancel(self, patience: float = _PATIENCE) -> None:
        """End it with its state saved; kill it if it does not end by itself.

        Args:
            patience: Time that it gets for it, s. Killed, it goes on from the state before.
        """
        with self._lock:
            self._cancelled = True
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
        killer = threading.Timer(patience, self._kill)
        killer.daemon = True
        killer.start()

    def _now_ready(self) -> None:
        """Take note that the process can be paused without being forgotten so."""
        with self._lock:
            self._ready = True
            if self._paused:
                self._hold()

    def _hold(self) -> None:
        if self._ready and not self._cancelled and self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self._signal(signal.SIGSTOP)

    def _write(self, line: str) -> None:
        """Write a line to the process; one that is gone has said why, or was ended."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.write(line + '\n')
                process.stdin.flush()

    def _kill(self) -> None:
        with self._lock:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(number)


def _parsed(line: str) -> dict[str, Any]:
    """Return the object of a line; nothing of what a library may have printed."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
