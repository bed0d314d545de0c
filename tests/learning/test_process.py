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
"""The trainer as a process: paused, cancelled, orphaned, killed, without a disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from learning import school
import pytest
import toy_robot

from l2emg_ros.errors import BadRequest
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.process import Progress, Trainer, TrainerFailed, TrainerStopped
from l2emg_ros.learning.verdict import Verdict

pytestmark = pytest.mark.slow
# Far more steps than anybody waits for.
ENDLESS = 600
TIMEOUT = 60.0


@pytest.fixture
def job(tiny: Path, tmp_path: Path) -> Job:
    """Return a job that takes long."""
    data, robot = school.scenario(tmp_path / 'cafe'), str(toy_robot.write(tmp_path))
    return school.job(tiny, tmp_path, data=data, robot=robot, steps=ENDLESS)


class Run:
    """A trainer that runs on a thread, and what it has told."""

    def __init__(self, job: Job, pool: ThreadPoolExecutor, paused: bool = False) -> None:
        self.told: list[Progress] = []
        self.trainer = Trainer(job, self.told.append)
        if paused:
            self.trainer.pause()
        self.verdict: Future[Verdict] = pool.submit(self.trainer.run)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, self.told[-1:]
            assert not self.verdict.done(), self.verdict.exception()
            time.sleep(0.01)

    def until_it_learns(self) -> None:
        self.until(lambda: self.told and self.told[-1].stage == 'prove')


@pytest.fixture
def run(job: Job) -> Iterator[Callable[..., Run]]:
    with ThreadPoolExecutor() as pool:
        runs: list[Run] = []

        def begin(given: Job = job, **options: bool) -> Run:
            runs.append(Run(given, pool, **options))
            return runs[-1]

        yield begin
        for each in runs:
            each.trainer.cancel()


def stat(pid: int) -> list[str]:
    return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()


def ticks(pid: int) -> int:
    """Return the processor time that a process has used."""
    return int(stat(pid)[11]) + int(stat(pid)[12])


def states(job: Job) -> list[Path]:
    return list(job.work.rglob('*.ckpt'))


def test_it_pauses_and_is_cancelled(run: Callable[..., Run], job: Job) -> None:
    one = run()
    one.until_it_learns()
    pid = one.trainer.pid
    assert pid is not None
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    one.trainer.pause()
    one.trainer.pause()
    one.until(lambda: stat(pid)[0] == 'T')
    used, since = ticks(pid), time.monotonic()
    one.until(lambda: time.monotonic() > since + 1.5)
    assert ticks(pid) == used
    before, away = one.told[-1], time.monotonic() - since
    one.trainer.resume()
    one.until(lambda: one.told[-1].step > before.step)
    # What it tells next has taken some time, but not that of the pause.
    clock = time.monotonic() - since
    assert one.told[-1].seconds - before.seconds < clock - away + 0.7
    one.trainer.cancel()
    # A robot that begins to move does not keep it from ending.
    one.trainer.pause()
    with pytest.raises(TrainerStopped, match='stopped'):
        one.verdict.result(TIMEOUT)
    assert one.trainer.pid is None
    assert states(job)


def test_one_that_has_just_begun_is_cancelled(run: Callable[..., Run]) -> None:
    one = run()
    one.until(lambda: one.trainer.pid)
    one.trainer.cancel()
    with pytest.raises(TrainerStopped):
        one.verdict.result(TIMEOUT)


def test_one_that_does_not_end_is_killed(run: Callable[..., Run]) -> None:
    one = run()
    one.until_it_learns()
    pid = one.trainer.pid
    assert pid is not None
    one.trainer.cancel(patience=0.5)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(TrainerStopped):
        one.verdict.result(TIMEOUT)


def test_it_works_only_while_nothing_else_does(run: Callable[..., Run], job: Job) -> None:
    one = run(Job(**{**vars(job), 'idle_only': True}))
    one.until(lambda: one.trainer.pid)
    pid = one.trainer.pid
    assert pid is not None
    one.until(lambda: os.sched_getscheduler(pid) == os.SCHED_IDLE)
    group = Path(f'/proc/{pid}/autogroup')
    if group.exists():
        one.until(lambda: group.read_text().split()[-1] == '19')
    os.kill(pid, signal.SIGKILL)


def test_one_that_begins_paused_does_nothing(run: Callable[..., Run]) -> None:
    one = run(paused=True)
    one.until(lambda: one.trainer.pid and stat(one.trainer.pid)[0] == 'T')
    assert not one.told
    one.trainer.resume()
    one.until(lambda: one.told)


def test_its_time_ends(run: Callable[..., Run], job: Job) -> None:
    one = run(Job(**{**vars(job), 'seconds': 0.5}))
    with pytest.raises(TrainerStopped, match=r'0\.5 s are over'):
        one.verdict.result(TIMEOUT)


def test_one_that_is_killed_says_so(run: Callable[..., Run]) -> None:
    one = run()
    one.until_it_learns()
    assert one.trainer.pid is not None
    os.kill(one.trainer.pid, signal.SIGKILL)
    with pytest.raises(TrainerFailed, match='without a verdict: it was ended by SIGKILL'):
        one.verdict.result(TIMEOUT)


def test_bad_data_is_said_in_one_line(run: Callable[..., Run], job: Job, tmp_path: Path) -> None:
    (tmp_path / 'cafe' / 'scenario.jsonl').write_text('{}\n')
    with pytest.raises(BadRequest, match=r'scenario\.jsonl:1: expected an object'):
        run().verdict.result(TIMEOUT)


@pytest.mark.parametrize('paused', [False, True])
def test_an_orphan_ends_with_its_state_saved(job: Job, paused: bool, tmp_path: Path) -> None:
    """Kill the parent, also while it has the trainer stopped."""
    code = """
import sys
from pathlib import Path
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.process import Trainer

def told(progress):
    if progress.stage == 'prove' and progress.step >= 10 and not trainer._paused:
        if sys.argv[2:]:
            trainer.pause()
        print(trainer.pid, flush=True)

trainer = Trainer(Job.from_json(Path(sys.argv[1]).read_text()), told)
trainer.run()
"""
    (tmp_path / 'job.json').write_text(job.to_json())
    command = [sys.executable, '-c', code, str(tmp_path / 'job.json'), *(['pause'] * paused)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if paused:
            deadline = time.monotonic() + TIMEOUT
            while stat(pid)[0] != 'T':
                assert time.monotonic() < deadline
        parent.kill()
    deadline = time.monotonic() + TIMEOUT
    while Path(f'/proc/{pid}').exists() and stat(pid)[0] != 'Z':
        assert time.monotonic() < deadline, 'it lives on'
        time.sleep(0.01)
    assert states(job)


def test_a_work_folder_that_cannot_be_written_is_named(
    run: Callable[..., Run], job: Job, tmp_path: Path
) -> None:
    job.work.write_text('a file where a folder should be')
    small = Job(**{**vars(job), 'steps': 2})
    with pytest.raises(TrainerFailed, match=str(job.work)):
        run(small).verdict.result(TIMEOUT)


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs a device that is always full')
def test_a_full_disk_is_said(run: Callable[..., Run], job: Job) -> None:
    """Write the states to a file system that has no room, where one can be had."""
    job.work.mkdir()
    mounted = subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'size=8k', 'none', str(job.work)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip('may not mount a small file system here')
    try:
        with pytest.raises(TrainerFailed, match='No space left on device'):
            run(Job(**{**vars(job), 'steps': 2})).verdict.result(TIMEOUT)
        assert not states(job)
        # Nothing half-written stays in the way.
        assert not list(job.work.rglob('.tmp-*'))
    finally:
        subprocess.run(['umount', str(job.work)], check=False)
