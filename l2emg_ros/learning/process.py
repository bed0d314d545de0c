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

from collections.abc import Callable
from dataclasses import dataclass
import json
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Any

from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.verdict import Verdict

_PATIENCE = 30.0


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
        self._cancelled = self._paused = False

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
        answer: dict[str, Any] = {}
        with tempfile.TemporaryFile('w+') as errors:
            with self._lock:
                if self._cancelled:
                    raise TrainerStopped('cancelled')
                self._process = process = subprocess.Popen(
                    [sys.executable, '-m', 'l2emg_ros.learning.trainer'],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    start_new_session=True,
                )
                if self._paused:
                    process.send_signal(signal.SIGSTOP)
            if process.stdin is None or process.stdout is None:
                raise TrainerFailed('the trainer has no pipes')
            with process, process.stdin, process.stdout:
                try:
                    process.stdin.write(self._job.to_json() + '\n')
                    process.stdin.flush()
                except OSError:
                    pass  # Gone already: what it said is read below.
                for line in process.stdout:
                    value = _parsed(line)
                    if 'stage' in value:
                        self._on_progress(Progress(**value))
                    elif value:
                        answer = value
            errors.seek(0)
            last = errors.read()[-2000:].strip().splitlines()
        if 'verdict' in answer:
            return Verdict.of(answer['verdict'])
        kind, said = answer.get('kind', ''), str(answer.get('error', ''))
        if kind == 'bad':
            raise BadRequest(said)
        if kind == 'unfinished' or self._cancelled:
            raise TrainerStopped(said or 'cancelled')
        reason = said or (last[-1] if last else f'exit code {process.returncode}')
        raise TrainerFailed(f'the trainer ended without a verdict: {reason}')

    def pause(self) -> None:
        """Stop the process where it is; it keeps its memory and uses no processor."""
        with self._lock:
            self._paused = True
            self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        with self._lock:
            self._paused = False
            self._signal(signal.SIGCONT)

    def cancel(self) -> None:
        """End it with its state saved; kill it if it does not end by itself."""
        with self._lock:
            self._cancelled = True
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
        killer = threading.Timer(_PATIENCE, self._kill)
        killer.daemon = True
        killer.start()

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
