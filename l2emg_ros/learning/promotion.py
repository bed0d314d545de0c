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
"""From a trained expert to an active one: router, gate, registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import logging

import torch

from l2emg_ros.errors import ExpertIntegrityError, L2EmgError
from l2emg_ros.experts.router import Router
from l2emg_ros.experts.state import chosen
from l2emg_ros.generator import checkpoint
from l2emg_ros.learning import growth, probe
from l2emg_ros.learning.evidence import Gain
from l2emg_ros.learning.gate import Gate
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.lessons import Lessons
from l2emg_ros.learning.performance import Prompt
from l2emg_ros.learning.probe import Probe
from l2emg_ros.learning.verdict import Check, Verdict
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.retarget.robot import Robot

_LOG = logging.getLogger(__name__)
_HELD = 0.25


@dataclass(frozen=True)
class Candidate:
    """An expert as training left it.

    Attributes:
        expert: Of the job's scenario.
        active: What answers the scenario's requests now; None is the backbone.
        lessons: What it has learned from.
        gains: What cross-validation says of them.
        parent: Name and version of the expert that training began from, or None.
        training: How it was trained, for the manifest.
    """

    expert: ScenarioExpert
    active: ScenarioExpert | None
    lessons: Lessons
    gains: Sequence[Gain]
    parent: str | None
    training: dict[str, object]


def promote(host: Host, candidate: Candidate) -> Verdict:
    """Put an expert to the gate, store it with the verdict, and activate it if it passes."""
    job, model, lessons = host.job, host.model, candidate.lessons
    adapter, slots = checkpoint.expert_tensors(candidate.expert)
    # What is checked is what will be stored: half precision and all.
    expert = checkpoint.expert_from_tensors(model.lm, adapter, slots)
    probes = host.probes()
    router, prompts, record = _taught(host, lessons, probes)
    golden = {name: kept.prompts for name, kept in probes.items()}
    checks = _checks(host, candidate, expert, router, prompts, golden)
    passed = all(check.ok for check in checks)
    version = host.registry.add(
        {
            'name': job.scenario,
            'scenario': job.scenario,
            'parent': candidate.parent,
            'base_model': model.name,
            'rank': expert.rank,
            'target_modules': expert.names,
            'hashes': model.hashes(),
            'data': {
                'ids': lessons.ids,
                'examples': len(lessons.examples),
                'preferences': len(lessons.preferences),
                'left_out': dict(lessons.left_out),
                'source': 'log' if job.data is None else 'files',
            },
            'training': candidate.training,
            'metrics': _metrics(host, candidate, expert),
            'gate': {
                'verdict': 'passed' if passed else 'refused',
                'checks': [check.record() for check in checks],
            },
        },
        adapter,
        slots,
        {probe.FILE: record},
    )
    name = f'{job.scenario}@{version}'
    checks.append(_intact(host, version, expert))
    if failed := [check for check in checks if not check.ok]:
        said = '; '.join(f'{check.name}: {check.said}' for check in failed)
        return Verdict(False, f'{name} is not promoted: {said}', name, tuple(checks))
    if not job.promote:
        return Verdict(False, f'{name} passed every check', name, tuple(checks))
    with host.registry.writing():
        # Another job may have changed what is active since this one began.
        if chosen(host.registry.active()) != host.active:
            said = 'the active experts have changed meanwhile: learn again'
            return Verdict(False, f'{name} passed, but {said}', name, tuple(checks))
        host.registry.activate(
            {**host.active, job.scenario: (job.scenario, version)},
            router,
            model.hashes()['emotion'],
        )
    try:
        host.registry.collect()
    except (L2EmgError, OSError) as error:
        # It is active; what is too much goes another time.
        _LOG.warning('%s could not be tidied: %s', host.registry.folder, error)
    return Verdict(True, f'{name} is active', name, tuple(checks))


def _taught(
    host: Host, lessons: Lessons, probes: Mapping[str, Probe]
) -> tuple[Router, list[Prompt], dict[str, object]]:
    """Return a router that knows the scenario, the lessons' prompts, and the probe to be stored.

    What the router has learned of a scenario before counts once, and it is calibrated with texts
    that it has not learned.
    """
    scenario = host.job.scenario
    own = probes.get(scenario, Probe())
    router = host.registry.router() or Router(host.encoder.width)
    known = set(own.learned)
    learned, held = (
        [text for text in sorted(set(part.texts)) if probe.mark(text) not in known]
        for part in lessons.split(_HELD, host.job.seed)
    )
    if learned:
        router.learn(scenario, learned, host.encoder)
    known.update(map(probe.mark, learned))
    texts = {name: list(kept.held) for name, kept in probes.items()}
    before = [text for text in own.held if probe.mark(text) not in known]
    texts[scenario] = [*before, *held] or learned
    router.calibrate(texts, host.encoder)
    asked: dict[str, Prompt] = {}
    for example in lessons.examples:
        asked.setdefault(example.text, Prompt(example.text, example.emotion))
    for preference in lessons.preferences:
        asked.setdefault(preference.text, Prompt(preference.text, preference.emotion))
    prompts = [asked[text] for text in (*held, *sorted(set(asked) - set(held)))]
    golden = probe.merged(prompts, own.prompts)
    return router, prompts, probe.record(golden, {*before, *held}, known)


def _checks(
    host: Host,
    candidate: Candidate,
    expert: ScenarioExpert,
    router: Router,
    prompts: Sequence[Prompt],
    golden: Mapping[str, Sequence[Prompt]],
) -> list[Check]:
    """Return the conditions of the gate."""
    job, model, active = host.job, host.model, candidate.active
    robot = Robot.load(job.robot)
    gate = Gate(
        model.lm, model.tokenizer, host.encoder, host.requests, host.judge, robot, job.seed
    )
    routers = (host.router, router)
    experts = (host.experts, {**host.experts, job.scenario: expert})
    shown = candidate.lessons.examples[: probe.SIZE]
    checks = []
    before = golden.get(job.scenario)
    others = {name: prompts for name, prompts in golden.items() if name != job.scenario}
    questions = [
        lambda: gate.target(candidate.gains),
        lambda: gate.readable(prompts[: probe.SIZE], active, expert, shown),
        lambda: gate.meant(shown, active, expert),
        lambda: gate.kept(others, routers, experts),
        lambda: gate.safe(prompts, active, expert),
        lambda: gate.quick(prompts, active, expert),
    ]
    if before:
        questions.append(lambda: gate.remembered(before, routers, experts))
    for number, question in enumerate(questions):
        host.tell('gate', number, len(questions))
        checks.append(question())
    host.tell('gate', len(questions), len(questions))
    return checks


def _metrics(host: Host, candidate: Candidate, expert: ScenarioExpert) -> dict[str, float]:
    """Return the log-likelihoods before and after, as the shipped experts record them."""
    examples = candidate.lessons.examples
    if not examples:
        return {}
    lm, requests = host.model.lm, host.requests
    return {
        'nll_before': growth.loss(lm, requests, examples, candidate.active),
        'nll': growth.loss(lm, requests, examples, expert),
    }


def _intact(host: Host, version: str, expert: ScenarioExpert) -> Check:
    """Check that what was stored loads, and is what was checked."""
    try:
        stored = host.model.expert(host.job.scenario, version).state_dict()
        same = all(torch.equal(v, stored[key]) for key, v in expert.state_dict().items())
        said = 'the stored files are what was checked' if same else 'the stored files differ'
    except ExpertIntegrityError as error:
        same, said = False, str(error)
    return Check('intact', same, 1.0, float(same), said)
