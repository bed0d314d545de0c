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
"""Each condition of the gate, held and broken, by experts, routers and robots that are so."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from learning import school
import numpy as np
import pytest
import tiny
import torch
import toy_robot

from l2emg_ros import resources
from l2emg_ros.emotion import Emotion
from l2emg_ros.experts.router import Router
from l2emg_ros.learning.evidence import Gain
from l2emg_ros.learning.gate import Gate
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.performance import Prompt
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.retarget.robot import Robot

PROMPTS = [Prompt(f'serve tea to guest {n}') for n in range(8)]


def gate_of(host: Host, robot: Robot) -> Gate:
    model = host.model
    return Gate(model.lm, model.tokenizer, host.encoder, host.requests, host.judge, robot, seed=0)


@pytest.fixture(scope='module')
def robot(tmp_path_factory: pytest.TempPathFactory) -> Robot:
    return Robot.load(toy_robot.write(tmp_path_factory.mktemp('robot')))


@pytest.fixture
def gate(host: Host, robot: Robot) -> Gate:
    return gate_of(host, robot)


def wild(host: Host, std: float = 1.0, rank: int = 0) -> ScenarioExpert:
    """Return an expert that makes of every request something else."""
    lm = host.model.lm
    torch.manual_seed(1)
    config = dataclasses.replace(lm.config, rank=rank or lm.config.rank)
    expert = ScenarioExpert(config, lm.expert_layers, lm.base_slots)
    for up in expert.up:
        torch.nn.init.normal_(up, std=std)
    return expert.eval().requires_grad_(False)


def test_target(gate: Gate) -> None:
    sure = Gain('shown', 9, 0.2, 0.1, 0.3)
    assert gate.target([sure]).ok
    assert gate.target([sure]).after == 0.1
    for gains in ([], [Gain('shown', 9, 0.1, -0.1, 0.3)], [sure, Gain('rated', 9, -1, -2, -0.5)]):
        assert not gate.target(gains).ok
    assert 'too few lessons to tell' in gate.target([]).said


def test_a_robot_that_stays_inside_its_limits_is_safe(gate: Gate, host: Host) -> None:
    check = gate.safe(PROMPTS, None, host.experts['ward'])
    assert check.ok, check.said
    assert '0 samples beyond a limit of toy' in check.said


def test_a_robot_that_cannot_stay_inside_its_limits_is_not_safe(
    gate: Gate, host: Host, robot: Robot
) -> None:
    # Less is left to move in than the solver is exact.
    lower = robot.lower + 1.0
    absurd = copy.copy(robot)
    object.__setattr__(absurd, 'lower', lower)
    object.__setattr__(absurd, 'upper', lower + 1e-7)
    check = dataclasses.replace(gate, robot=absurd).safe(PROMPTS[:2], None, host.experts['ward'])
    assert not check.ok, check.said


@pytest.mark.parametrize(
    ('after', 'ok'),
    [
        # One motion of eight that touches half the time proves nothing of the others: by how
        # much on average, and how much once, is bounded each by itself.
        ([0.6] + [0.0] * 7, False),
        ([0.2] * 2 + [0.0] * 6, False),
        ([0.2] + [0.0] * 7, True),
        ([0.9, -0.9] + [0.0] * 6, False),
        ([0.02] * 8, False),
    ],
)
def test_harm_that_is_not_sure_is_bounded(
    gate: Gate, host: Host, monkeypatch: pytest.MonkeyPatch, after: list[float], ok: bool
) -> None:
    touching = iter([[0.0] * 8, after])
    monkeypatch.setattr(
        Gate, '_retargeted', lambda *_: (0, np.array(next(touching), dtype=np.float64))
    )
    check = gate.safe(PROMPTS, None, host.experts['ward'])
    assert check.ok is ok, check.said
    assert f'{max(after):.0%} in the worst' in check.said


@pytest.mark.parametrize(('after', 'ok'), [(0.95, True), (0.85, False)])
def test_an_expert_remembers_what_it_was_taught_before(
    gate: Gate, host: Host, monkeypatch: pytest.MonkeyPatch, after: float, ok: bool
) -> None:
    golden = [Prompt(text, Emotion('happy')) for text in tiny.TEXTS['ward']]
    now = host.registry.router()
    assert now is not None
    check = gate.remembered(golden, (now, now), (host.experts, host.experts))
    assert check.ok, check.said
    assert check.before == check.after
    candidate = wild(host)
    new = {**host.experts, 'ward': candidate}
    served: list[Any] = []

    def read(_: Gate, prompts: list[Prompt], experts: list[Any]) -> Any:
        served.append(experts)
        return np.array([after if len(served) > 1 else 1.0]), None

    monkeypatch.setattr(Gate, '_read', read)
    check = gate.remembered(golden, (now, now), (host.experts, new))
    assert (check.ok, check.before, check.after) == (ok, 1.0, after)
    assert host.experts['ward'] in served[0]
    assert candidate in served[1]
    # What a new router sends elsewhere is judged as it is served there.
    elsewhere = Router(host.encoder.width)
    elsewhere.learn('reception', tiny.TEXTS['reception'], host.encoder)
    gate.remembered(golden, (now, elsewhere), (host.experts, new))
    assert candidate not in served[3]


def test_a_slow_candidate_is_refused(gate: Gate, host: Host) -> None:
    check = gate.quick(PROMPTS, host.experts['ward'], host.experts['reception'])
    assert check.before > 0.0
    slow = gate.quick(PROMPTS[:2], host.experts['ward'], wild(host, 0.1, rank=20_000))
    assert not slow.ok, slow.said
    assert slow.after > 1.25 * slow.before


@pytest.mark.parametrize(
    ('before', 'after', 'ok'),
    [
        # Once the processor was free for what is active, and never again.
        ([0.06] + [0.09] * 23, [0.09] * 24, True),
        # Twice as busy from the third prompt on.
        ([0.06] * 2 + [0.12] * 22, [0.06] * 2 + [0.12] * 22, True),
        ([0.06] * 24, [0.08] * 24, False),
        # Once the processor was free for the candidate.
        ([0.06] * 24, [0.08] * 23 + [0.05], False),
    ],
)
def test_what_else_runs_makes_nobody_slow(
    gate: Gate,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    before: list[float],
    after: list[float],
    ok: bool,
) -> None:
    candidate, times = wild(host), {True: iter(after), False: iter(before)}
    monkeypatch.setattr(
        Gate, '_first_chunk', lambda _, prompt, expert: next(times[expert is candidate])
    )
    check = gate.quick(PROMPTS, host.experts['ward'], candidate)
    assert check.ok is ok, check.said


def taught(host: Host, cafe: list[str], ward: list[str]) -> Router:
    router = Router(host.encoder.width)
    router.learn('reception', tiny.TEXTS['reception'], host.encoder)
    if ward:
        router.learn('ward', ward, host.encoder)
    if cafe:
        router.learn('cafe', cafe, host.encoder)
    texts = {'reception': tiny.TEXTS['reception'], 'ward': ward, 'cafe': cafe}
    router.calibrate(texts, host.encoder)
    return router


def test_requests_that_go_where_they_went_are_kept(gate: Gate, host: Host) -> None:
    texts = tiny.TEXTS['ward']
    before = taught(host, [], texts)
    after = taught(host, ['serve tea', 'pour coffee for a guest', 'bring the bill'], texts)
    golden = {'ward': [Prompt(text) for text in texts]}
    experts = (host.experts, {**host.experts, 'cafe': wild(host)})
    check = gate.kept(golden, (before, after), experts)
    assert check.ok, check.said
    assert 'no request of 1 scenarios goes elsewhere' in check.said


def test_a_router_that_sends_old_requests_elsewhere_is_refused(gate: Gate, host: Host) -> None:
    old = [f'comfort patient {name}' for name in 'ABCDEFGH']
    golden = {'ward': [Prompt(text) for text in old]}
    routers = (taught(host, [], old), taught(host, old * 4, ['calm a child down']))
    experts = (host.experts, {**host.experts, 'cafe': wild(host)})
    check = gate.kept(golden, routers, experts)
    assert not check.ok, check.said
    assert 'ward: 8 of 8 requests go elsewhere' in check.said


@pytest.mark.parametrize(
    ('scenarios', 'each', 'gains', 'ok'),
    [
        # One request proves nothing; two of one scenario, or one of very many, are too much.
        (1, 1, False, True),
        (1, 2, False, False),
        (3, 1, False, True),
        (4, 1, False, False),
        # What the other six gain is no comfort to them.
        (4, 1, True, False),
    ],
)
def test_few_old_requests_may_be_lost(
    gate: Gate,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    scenarios: int,
    each: int,
    gains: bool,
    ok: bool,
) -> None:
    """Of ten scenarios with 32 requests `each` go elsewhere, and are read wrong in `scenarios`."""
    golden = {f's{n}': [Prompt(f'{n}')] * 32 for n in range(10)}
    old, new = host.experts['ward'], wild(host)
    monkeypatch.setattr(
        Gate, '_served', lambda *asked: [asked[-1]['x']] * each + [old] * (32 - each)
    )
    left = {f'{n}' for n in range(scenarios)}

    def read(_: Gate, prompts: list[Prompt], served: list[ScenarioExpert], *__: int) -> Any:
        wrong = [
            e is new if prompt.text in left else gains and e is old
            for e, prompt in zip(served, prompts, strict=True)
        ]
        return 1.0 - np.array(wrong, dtype=float), np.zeros((len(prompts), 2))

    monkeypatch.setattr(Gate, '_read', read)
    router = Router(host.encoder.width)
    check = gate.kept(golden, (router, router), ({'x': old}, {'x': new}))
    assert check.ok is ok, check.said


@pytest.fixture(scope='module')
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """Return a host of the shipped model, whose motions show emotions."""
    job = school.job(resources.find('models/default'), tmp_path_factory.mktemp('shipped'))
    return Host(job, school.Told())


def named(count: int = 26) -> list[Prompt]:
    labels = ('happy', 'sad', 'angry', 'tired', 'calm', 'excited')
    some = [Emotion(labels[n % len(labels)], intensity=0.9) for n in range(count)]
    return [Prompt('greet a patient', emotion) for emotion in some]


@pytest.mark.slow
def test_an_expert_whose_emotions_cannot_be_read_is_refused(shipped: Host, robot: Robot) -> None:
    gate = gate_of(shipped, robot)
    active = shipped.experts['ward']
    check = gate.readable(named(), active, active)
    assert check.ok
    assert check.before > 0.6, check.said
    dull = gate.readable(named(), active, wild(shipped, 0.3))
    assert not dull.ok, dull.said
    assert gate.readable([Prompt('greet a patient')], active, active).said.startswith('no request')


@pytest.mark.slow
def test_the_performances_are_the_same_twice(shipped: Host, robot: Robot) -> None:
    gate = gate_of(shipped, robot)
    first, again = (gate._read(named(4), [None] * 4) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_golden_prompts_of_what_the_package_comes_with(shipped: Host) -> None:
    prompts = shipped.probes()['ward'].prompts
    assert len(prompts) == 32
    assert prompts == shipped.probes()['ward'].prompts
    assert all(prompt.emotion is not None for prompt in prompts)
