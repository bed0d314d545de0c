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
from __future__ import annotations

from pathlib import Path

from learning import school
import numpy as np
import pytest
import torch

from l2emg_ros.learning import evidence
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.lessons import Example, Lessons, Preference


def different(texts: str, rated: bool = False) -> Lessons:
    """Return an example for each letter, each of a motion of its own."""
    return Lessons(
        tuple(school.example(n, text, seed=n, rated=rated) for n, text in enumerate(texts))
    )


def motions(some: Lessons) -> set[bytes]:
    return {motion for one in (*some.examples, *some.preferences) for motion in one.motions}


def lessons(texts: str) -> Lessons:
    """Return an example for each letter, and a preference for the first three."""
    examples = tuple(school.example(n, text) for n, text in enumerate(texts))
    better, worse = examples[0].tokens, examples[1].tokens
    pairs = tuple(
        Preference(f'p{n}', text, None, better, worse, against=f'w{n}')
        for n, text in enumerate(texts[:3])
    )
    return Lessons(examples, pairs, {'too long': 2})


def proved(
    host: Host, some: Lessons, work: Path, steps: int, told: list[tuple[int, int]]
) -> list[evidence.Gain]:
    """Cross-validate lessons that begin from nothing; `told` takes what is reported."""
    return evidence.cross_validated(
        host.model.lm,
        host.requests,
        some,
        parent=None,
        active=None,
        rehearsed=Lessons(),
        steps=steps,
        seed=0,
        lr=1e-3,
        work=work,
        report=lambda step, of, _: told.append((step, of)),
    )


@pytest.mark.parametrize('seed', range(5))
def test_a_split_keeps_requests_together(seed: int) -> None:
    whole = lessons('aabbbcddddeffgh')
    learned, held = whole.split(0.25, seed)
    assert not set(learned.texts) & set(held.texts)
    assert len(learned) + len(held) == len(whole)
    assert 0.25 * len(whole) <= len(held) < len(whole)
    assert learned.left_out == {'too long': 2}
    assert whole.split(0.25, seed)[1].ids == held.ids


def test_of_one_request_nothing_is_held_back() -> None:
    learned, held = lessons('aaaa').split(0.5, 0)
    assert (len(learned), len(held)) == (7, 0)


def test_both_sides_of_a_choice_are_sources() -> None:
    assert lessons('abc').ids == ['0', '1', '2', 'p0', 'p1', 'p2', 'w0', 'w1', 'w2']
    assert lessons('abc').sources == ['0', '1', '2', 'p0', 'p1', 'p2']


@pytest.mark.parametrize('texts', ['abcdefghijkl', 'aabbccddeeffgghh'])
def test_folds_hold_out_each_request_once(texts: str) -> None:
    whole = different(texts)
    folds = evidence._folds(whole, seed=3)
    assert len(folds) == evidence.FOLDS
    held = [lesson.id for _, part in folds for lesson in (*part.examples, *part.preferences)]
    assert sorted(held) == sorted(whole.sources)
    for learned, part in folds:
        assert not set(learned.texts) & set(part.texts)
        assert len(learned) + len(part) == len(whole)


@pytest.mark.parametrize('texts', ['a' * 40, 'aabbccddeeffgghhiijjkkllmmnnoopp', 'ab' * 20])
def test_folds_share_no_motion_whatever_was_compared_with_what(texts: str) -> None:
    """Who has learned by heart which motions were disliked must not look as if it could tell."""
    rng = np.random.default_rng(0)
    whole = different(texts, rated=True)
    shown = whole.examples
    pairs = []
    # With one of the next three, as requests that are much alike are compared.
    for one in rng.integers(len(shown), size=80):
        other = (one + rng.integers(1, 4)) % len(shown)
        about = (shown[one].id, shown[one].text, None, shown[one].tokens, shown[other].tokens)
        pairs.append(Preference(*about, against=shown[other].id))
    whole = Lessons(shown, tuple(pairs))
    folds = evidence._folds(whole, seed=3)
    assert len(folds) == evidence.FOLDS
    judged = 0
    for learned, part in folds:
        assert not motions(learned) & motions(part)
        assert len(learned.examples) > len(shown) / 4
        judged += len(part.preferences)
    assert judged > evidence._ENOUGH
    # Each motion that was shown is judged once.
    held = [example.id for _, part in folds for example in part.examples]
    assert sorted(held) == sorted(example.id for example in shown)


def test_many_words_about_one_motion_prove_nothing() -> None:
    tokens = school.example(1, 'a').tokens
    same = tuple(Example(str(n), 'a', None, tokens, rated=True) for n in range(40))
    assert evidence._folds(Lessons(same), seed=0) == []


@pytest.mark.parametrize(('implied', 'kinds'), [(False, ['preferred']), (True, [])])
def test_what_nobody_chose_proves_nothing(
    host: Host, tmp_path: Path, implied: bool, kinds: list[str]
) -> None:
    pairs = [school.example(n, f'serve tea {n}', seed=n) for n in range(8)]
    lessons = tuple(
        Preference(e.id, e.text, None, e.tokens, torch.flip(e.tokens, (0,)), implied=implied)
        for e in pairs
    )
    told: list[tuple[int, int]] = []
    gains = proved(host, Lessons((), lessons), tmp_path, 4, told)
    assert [gain.kind for gain in gains] == kinds
    # Three steps of four for five or six of eight lessons, three times.
    assert told == [(3, 9), (6, 9), (9, 9)]


@pytest.mark.parametrize(('spread', 'folds'), [(0.01, 1), (5.0, evidence.FOLDS)])
def test_folds_are_spared_where_there_is_no_doubt(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spread: float, folds: int
) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(
        evidence.tuning,
        'gains',
        lambda lm, requests, some, expert, reference: rng.normal(0.5, spread, len(some)).tolist(),
    )
    whole = different('abcdefghijklmnopqrstuvwxyzABCDEF')
    gains = proved(host, whole, tmp_path, 2, [])
    assert len(list(tmp_path.glob('fold-*.ckpt'))) == folds
    held = [part for _, part in evidence._folds(whole, seed=0)]
    assert [gain.count for gain in gains] == [sum(len(part) for part in held[:folds])]


@pytest.mark.parametrize(
    ('kinds', 'expected'),
    [
        ({'shown': [0.4, 0.5, 0.6] * 4}, True),
        # Too few requests, whatever they say.
        ({'shown': [0.4, 0.5, 0.6] * 2}, False),
        # Sure enough for the last look, and not for an earlier one.
        ({'shown': [-0.2, 0.5, 0.1] * 4}, False),
        ({'shown': [0.4, 0.5, 0.6] * 4, 'preferred': [0.1, 0.1]}, True),
        # What seems to do harm is looked into.
        ({'shown': [0.4, 0.5, 0.6] * 4, 'preferred': [0.1, -0.2]}, False),
        ({}, False),
    ],
)
def test_doubt_is_judged_by_requests(kinds: dict[str, list[float]], expected: bool) -> None:
    apart = {kind: [(v, n) for n, v in enumerate(values)] for kind, values in kinds.items()}
    assert evidence.clear(apart) is expected
    # As much about two requests is no more than two.
    again = {kind: [(v, n % 2) for n, v in enumerate(values)] for kind, values in kinds.items()}
    assert not evidence.clear(again)


def test_looking_early_promotes_nothing_that_is_random() -> None:
    rng = np.random.default_rng(1)
    early = sum(
        evidence.clear({'rated': [(v, n) for n, v in enumerate(rng.normal(size=21))]})
        for _ in range(2000)
    )
    assert early <= 10


@pytest.mark.parametrize(('motions', 'groups'), [(32, 8), (40, 40)])
def test_what_is_random_is_rarely_promoted(motions: int, groups: int) -> None:
    """An expert that has learned nothing, ratings at random, and pairs made of them."""
    rng = np.random.default_rng(2)
    passed = 0
    for _ in range(1000):
        likelier, liked = rng.normal(size=motions), rng.normal(size=motions)
        halves = rng.permutation(motions).reshape(2, -1).T
        pairs = [(a, b) if liked[a] > liked[b] else (b, a) for a, b in halves]
        gains = evidence._gains(
            {
                'preferred': [(likelier[a] - likelier[b], a % groups) for a, b in pairs],
                'rated': [(likelier[n] * liked[n], n % groups) for n in range(motions)],
            }
        )
        passed += evidence.helps(gains)
    assert 20 < passed < 65


def test_every_correction_of_a_few_requests_is_judged() -> None:
    pairs = tuple(
        Preference(e.id, e.text, None, e.tokens, torch.flip(e.tokens, (0,)))
        for e in different('ab' * 16).examples
    )
    folds = evidence._folds(Lessons((), pairs), seed=1)
    assert sum(len(held) for _, held in folds) == 32


def test_several_kinds_of_proof_share_the_risk() -> None:
    rng = np.random.default_rng(0)
    values = [(float(v), n) for n, v in enumerate(rng.normal(0.5, 1.0, 20))]
    (alone,) = evidence._gains({'shown': values})
    one, other, rated = evidence._gains({'shown': values, 'preferred': values, 'rated': values})
    assert one.low == other.low == rated.low < alone.low < alone.mean
    assert one.high == alone.high > alone.mean
    (with_ratings, _) = evidence._gains({'shown': values, 'rated': values})
    assert with_ratings == alone


def test_gains_need_to_be_sure() -> None:
    def gain(low: float, high: float, kind: str = 'shown') -> evidence.Gain:
        return evidence.Gain(kind, 9, (low + high) / 2, low, high)

    assert evidence.helps([gain(0.01, 0.2)])
    assert evidence.helps([gain(0.01, 0.2), gain(-0.1, 0.1)])
    assert not evidence.helps([gain(-0.01, 0.2)])
    assert not evidence.helps([gain(0.01, 0.2), gain(-0.2, -0.01)])
    assert not evidence.helps([])
    # Ratings prove something only where no motions of them could be compared.
    assert evidence.helps([gain(0.01, 0.2, 'rated')])
    assert not evidence.helps([gain(-0.01, 0.2, 'preferred'), gain(0.01, 0.2, 'rated')])
    assert not evidence.helps([gain(0.01, 0.2, 'preferred'), gain(-0.2, -0.01, 'rated')])
