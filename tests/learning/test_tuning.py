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

from collections.abc import Callable
from pathlib import Path

from learning import school
import pytest
import torch

from l2emg_ros.learning import tuning
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.lessons import Example, Lessons, Preference
from l2emg_ros.learning.performance import Prompt
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.training.loop import Unfinished

Train = Callable[..., ScenarioExpert]


@pytest.fixture
def train(host: Host, tmp_path: Path) -> Train:
    def trained(lessons: Lessons, **options: object) -> ScenarioExpert:
        given = {
            'parent': None,
            'reference': None,
            'rehearsed': Lessons(),
            'steps': 20,
            'lr': 5e-3,
            'seed': 0,
            'checkpoint': tmp_path / 'expert.ckpt',
            **options,
        }
        return tuning.train(host.model.lm, host.requests, lessons, **given)  # type: ignore[arg-type]

    return trained


def gain(host: Host, examples: list[Example], expert: ScenarioExpert | None) -> list[float]:
    return tuning.gains(host.model.lm, host.requests, examples, expert, None)


def test_a_new_expert_changes_nothing(host: Host, train: Train) -> None:
    lm = host.model.lm
    one = school.example(0)
    fresh = lm.new_expert()
    assert gain(host, [one], fresh) == [0.0]
    condition = host.requests.condition([Prompt(one.text)])
    with torch.no_grad():
        assert torch.equal(
            lm.log_likelihoods(condition, [one.tokens], fresh),
            lm.log_likelihoods(condition, [one.tokens], None),
        )
    assert gain(host, [one], train(Lessons((one,)), steps=0)) == [0.0]


def test_what_is_shown_becomes_likelier(host: Host, train: Train) -> None:
    shown = [school.example(n, f'serve tea {n}', seed=0) for n in range(4)]
    expert = train(Lessons(tuple(shown)))
    assert min(gain(host, shown, expert)) > 0.02


def test_the_better_motion_becomes_likelier_than_the_worse(host: Host, train: Train) -> None:
    better, worse = school.example(0, seed=1), school.example(1, seed=2)
    pair = Preference('p', better.text, None, better.tokens, worse.tokens)
    won, lost = gain(host, [better, worse], train(Lessons((), (pair,)), steps=30))
    assert won - lost > 0.05
    # It has not become less likely itself.
    assert won > 0.0
    other, same = gain(
        host,
        [better, worse],
        train(
            Lessons((), (Preference('p', better.text, None, worse.tokens, better.tokens),)),
            steps=30,
            seed=1,
            checkpoint=_fresh(host),
        ),
    )
    assert same - other > 0.05


def _fresh(host: Host) -> Path:
    """Return the place of a state that nobody has written."""
    path = host.job.work / 'fresh.ckpt'
    path.unlink(missing_ok=True)
    return path


def test_heavy_examples_count_more(host: Host, train: Train) -> None:
    heavy = school.example(0, seed=1, weight=3.0, rated=True)
    light = school.example(1, seed=2, weight=0.05, rated=True)
    first, second = gain(host, [heavy, light], train(Lessons((heavy, light)), steps=30))
    assert first > second + 0.02


def test_what_was_stopped_goes_on_to_the_same_expert(host: Host, train: Train) -> None:
    lessons = Lessons(tuple(school.example(n, f'tea {n}', seed=n) for n in range(6)))
    rehearsed = Lessons(tuple(school.example(n, f'wave {n}', seed=9 + n) for n in range(3)))
    whole = train(lessons, rehearsed=rehearsed, checkpoint=_fresh(host))

    def stop(step: int, figures: dict[str, float]) -> None:
        if step == 10:
            raise Unfinished('stopped')

    with pytest.raises(Unfinished):
        train(lessons, rehearsed=rehearsed, report=stop)
    # Another process begins with other random numbers.
    torch.randn(3)
    seen: list[int] = []
    resumed = train(lessons, rehearsed=rehearsed, report=lambda step, _: seen.append(step))
    assert seen == [15, 20]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_nothing_but_the_new_expert_changes(host: Host, train: Train) -> None:
    lm, parent = host.model.lm, host.experts['ward']
    before = {key: value.clone() for key, value in lm.state_dict().items()}
    others = {
        (name, key): value.clone()
        for name, expert in host.experts.items()
        for key, value in expert.state_dict().items()
    }
    expert = train(Lessons((school.example(0),)), parent=parent, reference=parent, steps=5)
    assert any(
        not torch.equal(value, parent.state_dict()[key])
        for key, value in expert.state_dict().items()
    )
    for key, value in lm.state_dict().items():
        assert torch.equal(value, before[key]), key
    for (name, key), value in others.items():
        assert torch.equal(value, host.experts[name].state_dict()[key]), (name, key)
    assert not any(parameter.requires_grad for parameter in expert.parameters())


def test_rehearsal_is_what_the_model_does_today(host: Host) -> None:
    lm = host.model.lm
    one = tuning.rehearsal(lm, host.requests, None, seed=3, count=5)
    again = tuning.rehearsal(lm, host.requests, None, seed=3, count=5)
    assert len(one) == 5
    assert [e.text for e in one.examples] == [e.text for e in again.examples]
    for first, second in zip(one.examples, again.examples, strict=True):
        assert torch.equal(first.tokens, second.tokens)
