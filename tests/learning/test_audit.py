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
"""With the shipped model and judge: whether data agrees with itself is read from real motions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses

from learning import school
import numpy as np
import pytest

from l2emg_ros import corpus, resources
from l2emg_ros.bench import evaluator
from l2emg_ros.bench.evaluator import Evaluator
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.generator import checkpoint
from l2emg_ros.generator.checkpoint import Model
from l2emg_ros.learning.audit import audit
from l2emg_ros.learning.lessons import Example
from l2emg_ros.learning.scenario import spoken
from l2emg_ros.learning.verdict import Finding
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.text.encoder import MiniLmEncoder

COUNT = 40
Audit = Callable[..., dict[str, Finding]]


@pytest.fixture(scope='module')
def shipped() -> Model:
    return checkpoint.load(resources.find('models/default'))


@pytest.fixture(scope='module')
def judge() -> Evaluator:
    return evaluator.load()


@pytest.fixture(scope='module')
def examples(shipped: Model) -> list[Example]:
    rng = np.random.default_rng(5)
    found = []
    for number in range(COUNT):
        sample = corpus.sample(rng, 'reception')
        emotion = Emotion(LABELS[int(np.argmax(sample.weights))], intensity=0.9)
        motion = corpus.synthesise(sample.gesture, emotion.weights(), rng, seconds=3.0)
        said = spoken(shipped.tokenizer, motion, shipped.lm.config.longest)
        found.append(Example(f'{number}', sample.text, emotion, said))
    return found


@pytest.fixture(scope='module')
def asked(shipped: Model, judge: Evaluator, minilm: MiniLmEncoder) -> Audit:
    def found(
        examples: Sequence[Example] = (), interactions: Sequence[Interaction] = ()
    ) -> dict[str, Finding]:
        findings = audit(examples, interactions, judge, shipped.tokenizer, minilm, seed=1)
        return {finding.name: finding for finding in findings}

    return found


def test_clean_data_passes(asked: Audit, examples: list[Example]) -> None:
    found = asked(examples)
    assert found['emotions'].ok, found['emotions'].said
    assert found['requests'].ok, found['requests'].said
    assert 'too few' not in found['emotions'].said + found['requests'].said


def test_mixed_up_emotions_are_found(asked: Audit, examples: list[Example]) -> None:
    shuffled = [
        dataclasses.replace(example, emotion=other.emotion)
        for example, other in zip(examples, examples[7:] + examples[:7], strict=True)
    ]
    found = asked(shuffled)
    assert not found['emotions'].ok, found['emotions'].said
    assert found['requests'].ok


def test_mixed_up_motions_are_found(asked: Audit, examples: list[Example]) -> None:
    order = np.random.default_rng(2).permutation(len(examples))
    shuffled = [
        dataclasses.replace(example, tokens=examples[n].tokens, emotion=None)
        for example, n in zip(examples, order, strict=True)
    ]
    found = asked(shuffled)
    assert not found['requests'].ok, found['requests'].said
    assert found['emotions'].ok


def test_one_motion_for_every_request_is_found(asked: Audit, examples: list[Example]) -> None:
    same = [
        dataclasses.replace(example, tokens=examples[0].tokens, emotion=None)
        for example in examples
    ]
    found = asked(same)
    assert not found['requests'].ok, found['requests'].said


def test_too_little_is_no_finding(asked: Audit, examples: list[Example]) -> None:
    found = asked(examples[:5])
    assert all(finding.ok and 'too few to tell' in finding.said for finding in found.values())


def test_what_was_rated_is_no_claim(asked: Audit, examples: list[Example]) -> None:
    rated = [dataclasses.replace(example, rated=True) for example in examples]
    assert all('too few' in finding.said for finding in asked(rated).values())


def corrected(
    examples: list[Example], said: Callable[[int, float], str], shipped: Model
) -> list[Interaction]:
    from l2emg_ros.learning.performance import decoded

    rows = decoded(shipped.tokenizer, [example.tokens for example in examples])
    pace = np.array([float((row[1:] - row[:-1]).abs().mean()) for row in rows])
    rank = pace.argsort().argsort() / len(pace)
    return [
        school.interaction(n, correction=said(n, rank[n]), tokens=example.tokens.numpy())
        for n, example in enumerate(examples)
    ]


@pytest.mark.parametrize(
    ('said', 'agrees'),
    [
        (lambda n, fast: 'slower', True),
        (lambda n, fast: 'slower' if fast > 0.5 else 'faster', True),
        (lambda n, fast: ('slower', 'faster')[n % 2], False),
        (lambda n, fast: 'faster' if fast > 0.5 else 'slower', False),
    ],
    ids=['all want one thing', 'less of much', 'anything', 'more of much'],
)
def test_corrections_want_something(
    asked: Audit,
    examples: list[Example],
    shipped: Model,
    said: Callable[[int, float], str],
    agrees: bool,
) -> None:
    found = asked((), corrected(examples, said, shipped))['corrections']
    assert found.ok is agrees, found.said
    assert 'too few' not in found.said
