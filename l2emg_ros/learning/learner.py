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
"""Learning one scenario, from reading the data to making the new expert active, or not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import dataclasses
import hashlib
import logging
from pathlib import Path
import re
import shutil
import time

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.learning import growth, scenario, tuning
from l2emg_ros.learning.audit import audit
from l2emg_ros.learning.evidence import cross_validated
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.job import FEWEST, Job, Report
from l2emg_ros.learning.lessons import Lessons
from l2emg_ros.learning.pairs import Teacher
from l2emg_ros.learning.performance import Prompt
from l2emg_ros.learning.promotion import Candidate, promote
from l2emg_ros.learning.verdict import CLONE, Growth, REUSE, Verdict
from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.lifelong.log import InteractionLog

_LOG = logging.getLogger(__name__)
_FEWEST_STEPS, _MOST_STEPS = 60, 600
# Fifteen times through the lessons in batches of 16, every fourth step being rehearsal. An implied
# preference says again what its example says, and is worth less.
_STEPS_A_LESSON, _MOST_EFFORT = 1.25, 2.5
# Share of the time without which the head start of an expert is not tried out.
_TIME_TO_TRY = 0.5


def learn(job: Job, report: Report, clock: Callable[[], float] = time.monotonic) -> Verdict:
    """Learn a scenario; a run that was stopped goes on when it is called again.

    Args:
        job: What, and within which limits.
        report: Told about progress; it may raise ``training.loop.Unfinished`` to stop.
        clock: Tells the seconds that count towards the job's.

    Raises:
        BadRequest: The data or the names cannot be used.
        Unfinished: ``report`` raised it; the state is saved.
    """
    host = Host(job, report, clock)
    host.tell('read', 0, 1)
    lessons, interactions = _read(host)
    # A rating and the pairs that it makes are one person's word.
    if len(lessons.sources) < job.fewest:
        left = ', '.join(f'{count}x {why}' for why, count in lessons.left_out.items())
        raise BadRequest(
            f'{len(lessons.sources)} usable lessons for {job.scenario!r}: expected at least '
            f'{job.fewest}{"; left out: " + left if left else ""}'
        )
    host.tell('audit', 0, 1)
    tokenizer = host.model.tokenizer
    findings = tuple(
        audit(lessons.examples, interactions, host.judge, tokenizer, host.encoder, job.seed)
    )
    if wrong := [finding for finding in findings if not finding.ok]:
        said = '; '.join(f'{finding.name}: {finding.said}' for finding in wrong)
        message = f'the data of {job.scenario!r} contradicts itself and is refused: {said}'
        return Verdict(False, message, findings=findings, refused=True)
    work = job.work / _identity(host, lessons)
    forget(job, work)
    decided = _decide(host, lessons, work)
    _LOG.info('%s: %s', job.scenario, decided)
    verdict = promote(host, _train(host, lessons, decided, work))
    shutil.rmtree(work, ignore_errors=True)
    return dataclasses.replace(verdict, findings=findings, growth=decided)


def _read(host: Host) -> tuple[Lessons, list[Interaction]]:
    """Return the lessons, and the interactions that they come from."""
    job, model = host.job, host.model
    if job.data is not None:
        return scenario.read(job.data, model.tokenizer, model.lm.config.longest, job.robot), []
    if job.log is None:
        raise BadRequest('no data: expected a scenario folder or the folder of a log')
    with InteractionLog(job.log) as log:
        found = _chosen(host, log.interactions())

        def recorded(interaction: Interaction) -> NDArray[np.int64] | None:
            with suppress(L2EmgError, OSError):  # What is damaged or erased teaches nothing.
                path = log.recording(interaction.id)
                return recording.tokens(path, interaction.feedback.preferred_motion_id)
            return None

        teacher = Teacher(
            model.lm,
            model.tokenizer,
            host.requests,
            host.serving(),
            recorded=recorded,
            model=model.name,
            robot=job.robot,
        )
        return teacher.lessons(found, job.seed), found


def _chosen(host: Host, interactions: list[Interaction]) -> list[Interaction]:
    """Return the interactions that a job learns from."""
    job = host.job
    if job.ids:
        return [interaction for interaction in interactions if interaction.id in job.ids]
    if job.scenario in host.active:
        return [i for i in interactions if i.scenario == job.scenario]
    learned: set[str] = set()
    for version in host.registry.versions():
        with suppress(L2EmgError):  # A damaged version has taught nobody anything.
            manifest = host.registry.manifest(*version)
            # What was refused may be learned with more beside it, under this or another name.
            if version[0] != job.scenario and not manifests.refused(manifest):
                learned.update(manifest.get('data', {}).get('ids', ()))
    return [interaction for interaction in interactions if interaction.id not in learned]


def forget(job: Job, work: Path | None = None) -> None:
    """Remove the states of runs of a job's scenario, but that of the folder ``work``.

    Where the data has changed they will never go on.
    """
    name = re.compile(re.escape(job.scenario) + '-[0-9a-f]{12}')
    for path in job.work.glob('*'):
        if path != work and name.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _identity(host: Host, lessons: Lessons) -> str:
    """Return the name of a run: the same lessons on the same model go on where they were."""
    job, digest = host.job, hashlib.sha256()
    for part in (job.seed, job.steps, job.lr, lessons.ids, host.model.hashes(), host.active):
        digest.update(repr(part).encode())
    for pair in lessons.preferences:
        digest.update(pair.better.numpy().tobytes() + pair.worse.numpy().tobytes())
    for example in lessons.examples:
        asked = Prompt(example.text, example.emotion).record()
        digest.update(repr((asked, example.weight)).encode())
        digest.update(example.tokens.numpy().tobytes())
    return f'{job.scenario}-{digest.hexdigest()[:12]}'


def _decide(host: Host, lessons: Lessons, work: Path) -> Growth:
    """Ask whether to tune a copy of an expert or to begin anew."""
    host.tell('compare', 0, 1)
    levels = []
    for version in host.active.values():
        metrics = host.registry.manifest(*version).get('metrics', {})
        levels += [float(metrics['nll'])] if 'nll' in metrics else []
    lm, known = host.model.lm, host.serving() is not None
    trial = None
    enough = len(lessons.examples) >= FEWEST and host.time_left() > _TIME_TO_TRY
    if not known and enough:
        trial = growth.probing(
            lm,
            host.requests,
            lessons,
            work,
            host.job.seed,
            lambda step, figures: host.tell('compare', step, growth.PROBE_STEPS, **figures),
        )
    found = growth.decide(
        lm,
        host.requests,
        lessons,
        host.experts,
        float(np.mean(levels)) if levels else 0.0,
        growth.novelty(host.router, sorted(set(lessons.texts)), host.encoder),
        trial,
    )
    if known:
        return dataclasses.replace(found, decision=CLONE, nearest=host.job.scenario)
    if found.decision == REUSE:
        # Somebody has given the scenario a name: it gets a copy of its own.
        return dataclasses.replace(found, decision=CLONE)
    return found


def _train(host: Host, lessons: Lessons, decided: Growth, work: Path) -> Candidate:
    """Return an expert that has learned the lessons, and what cross-validation says of them."""
    job, lm, requests = host.job, host.model.lm, host.requests
    # What is farther from anything known takes longer to learn.
    effort = min(max(decided.fit, 1.0), _MOST_EFFORT)
    implied = sum(preference.implied for preference in lessons.preferences)
    wanted = round(_STEPS_A_LESSON * effort * (len(lessons) - implied / 2))
    steps = min(max(wanted, _FEWEST_STEPS), _MOST_STEPS, job.steps or _MOST_STEPS)
    cloned = decided.decision == CLONE and not decided.head_start < 0.0
    parent = host.experts.get(decided.nearest) if cloned else None
    active = host.answering(lessons.texts)
    host.tell('rehearse', 0, 1)
    rehearsed = tuning.rehearsal(lm, requests, active, job.seed)

    def told(stage: str) -> Callable[[int, int, dict[str, float]], None]:
        return lambda step, of, figures: host.tell(stage, step, of, **figures)

    gains = cross_validated(
        lm,
        requests,
        lessons,
        parent=parent,
        active=active,
        rehearsed=rehearsed,
        steps=steps,
        seed=job.seed,
        lr=job.lr,
        work=work,
        report=told('prove'),
    )
    train = told('train')
    expert = tuning.train(
        lm,
        requests,
        lessons,
        parent=parent,
        reference=active,
        rehearsed=rehearsed,
        steps=steps,
        seed=job.seed,
        lr=job.lr,
        checkpoint=work / 'expert.ckpt',
        report=lambda step, figures: train(step, steps, figures),
    )
    began = '@'.join(host.active[decided.nearest]) if parent is not None else None
    training = {'seed': job.seed, 'steps': steps, 'growth': str(decided)}
    return Candidate(expert, active, lessons, gains, began, training)
