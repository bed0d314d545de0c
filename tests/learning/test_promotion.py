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
"""Whole jobs, in this process, with the tiny model and a robot of six joints."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
import shutil
from typing import Any

from learning import school
import pytest
import toy_robot

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.experts.place import registry_for
from l2emg_ros.experts.registry import Registry
from l2emg_ros.experts.state import chosen
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.learning import learner, probe, promotion
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.job import Job
from l2emg_ros.learning.learner import learn
from l2emg_ros.learning.lessons import Lessons
from l2emg_ros.learning.performance import Prompt
from l2emg_ros.learning.verdict import Verdict
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.lifelong.rollback import rollback
from l2emg_ros.training.loop import Unfinished

STEPS = 8
# Of the first trainings of cross-validation: on six and seven of ten lessons.
FOLDS = 5, 6


@pytest.fixture(scope='module')
def robot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(toy_robot.write(tmp_path_factory.mktemp('robot')))


def active(registry: Registry) -> dict[str, str]:
    return {name: '@'.join(version) for name, version in chosen(registry.active()).items()}


@pytest.fixture(scope='module')
def learned(
    tiny: Path, robot: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Job, Verdict, school.Told]:
    """Return a job whose motions are all alike, which even the tiny model learns."""
    folder = tmp_path_factory.mktemp('learned')
    job = school.job(
        tiny, folder, data=school.scenario(folder / 'cafe'), steps=STEPS, robot=robot, lr=3e-2
    )
    told = school.Told()
    return job, learn(job, told), told


def test_what_passes_is_active(learned: tuple[Job, Verdict, school.Told]) -> None:
    job, verdict, told = learned
    assert verdict.promoted, verdict.message
    assert verdict.message == 'cafe@1 is active'
    assert told.stages == ['read', 'audit', 'compare', 'rehearse', 'prove', 'train', 'gate']
    names = ['target', 'readable', 'meant', 'kept', 'safe', 'quick', 'intact']
    assert [check.name for check in verdict.checks] == names
    assert verdict.growth is not None
    assert verdict.growth.decision == 'new'
    assert Verdict.of(json.loads(json.dumps(verdict.record(), allow_nan=False))).promoted
    registry = registry_for(job.model, job.experts)
    assert active(registry) == {'cafe': 'cafe@1', 'reception': 'reception@1', 'ward': 'ward@1'}
    manifest = registry.manifest('cafe', '1')
    assert manifest['gate']['verdict'] == 'passed'
    assert [check['name'] for check in manifest['gate']['checks']] == names[:-1]
    assert manifest['data']['ids'] == sorted(f'scenario.jsonl:{n}' for n in range(1, 11))
    assert manifest['metrics']['nll'] < manifest['metrics']['nll_before']
    router = registry.router()
    assert router is not None
    assert set(router.scenarios) == {'cafe', 'reception', 'ward'}
    assert len(probe.load(registry, 'cafe', 'cafe', '1').prompts) == 10
    # The place is the user's: the model's own registry is as it was.
    assert Registry(job.model / 'experts').versions('cafe') == []
    # A run that has ended leaves no state.
    assert not list(job.work.rglob('*.ckpt'))


def test_what_was_learned_before_is_not_counted_twice(
    learned: tuple[Job, Verdict, school.Told], tmp_path: Path
) -> None:
    """Texts that are learned again would make the router ever surer that no other will come."""
    data = Path(shutil.copytree(learned[0].data, tmp_path / 'cafe'))
    job = dataclasses.replace(learned[0], data=data)
    before = Host(job, school.Told()).router.row('cafe').state()
    marks = Host(job, school.Told()).probes()['cafe'].learned
    assert 0 < before['sizes'][0] == len(marks) < 10
    for more in (False, True):
        if more:
            row = {'motion': 'new.npz', 'text': 'carry the empty cups away', 'emotion': 'happy'}
            school.motion().save(data / 'new.npz')
            with (data / 'scenario.jsonl').open('a', encoding='utf-8') as file:
                file.write(json.dumps(row) + '\n')
        host = Host(job, school.Told())
        router, prompts, record = promotion._taught(host, learner._read(host)[0], host.probes())
        size, known = router.row('cafe').state()['sizes'][0], record['learned']
        assert size == len(known)
        # What was held back the first time may be learned now, once.
        assert marks <= set(known)
        assert len(prompts) == 10 + more
        held = {probe.mark(row['text']) for row in record['prompts'] if row['held']}
        assert held
        assert not held & set(known)


def test_golden_prompts_of_before_stay() -> None:
    old, new = ([Prompt(f'{word} {n}') for n in range(40)] for word in ('old', 'new'))
    both = probe.merged(new, old)
    assert len(both) == probe.SIZE
    assert sum(prompt.text.startswith('old') for prompt in both) == probe.SIZE // 2
    some = probe.merged(new[:3], old)
    assert some[:3] == new[:3]
    assert len(set(some)) == probe.SIZE
    assert set(some[3:]) < set(old)
    assert probe.merged(new[:3], old[:5]) == [*new[:3], *old[:5]]
    assert probe.merged(new[:3], []) == new[:3]
    for word in ('later', 'last'):
        both = probe.merged([Prompt(f'{word} {n}') for n in range(40)], both)
        # The oldest are never lost at once.
        ages = [prompt.text.split()[0] for prompt in both]
        assert {'old', 'new', word} <= set(ages), ages


def test_what_passes_is_served(learned: tuple[Job, Verdict, school.Told]) -> None:
    job = learned[0]
    generator = EmpathicGenerator.load(job.model, experts=job.experts)
    assert 'cafe@1' in generator.active_experts()


def test_what_is_refused_is_stored_and_not_active(tiny: Path, robot: str, tmp_path: Path) -> None:
    data = school.scenario(tmp_path / 'cafe', same=False)
    job = school.job(tiny, tmp_path, data=data, robot=robot, steps=2)
    verdict = learn(job, school.Told())
    assert not verdict.promoted
    assert verdict.version == 'cafe@1'
    assert 'cafe@1 is not promoted: target: ' in verdict.message
    registry = registry_for(tiny, job.experts)
    assert active(registry) == {'reception': 'reception@1', 'ward': 'ward@1'}
    gate = registry.manifest('cafe', '1')['gate']
    assert gate['verdict'] == 'refused'
    assert [check['ok'] for check in gate['checks'] if check['name'] == 'target'] == [False]
    registry.verify('cafe', '1')


def test_experts_that_change_meanwhile_are_noticed(
    learned: tuple[Job, Verdict, school.Told], tmp_path: Path
) -> None:
    job = dataclasses.replace(learned[0], experts=tmp_path / 'experts', work=tmp_path / 'work')
    registry = registry_for(job.model, job.experts)

    def meddle(stage: str, step: int, *_: Any) -> None:
        if (stage, step) == ('gate', 0):
            rollback(registry, 'ward')

    verdict = learn(job, meddle)
    assert not verdict.promoted
    assert 'the active experts have changed meanwhile: learn again' in verdict.message
    assert active(registry) == {'reception': 'reception@1'}


def test_a_run_goes_on_where_it_was_stopped(
    learned: tuple[Job, Verdict, school.Told], tmp_path: Path
) -> None:
    job = dataclasses.replace(
        learned[0], experts=tmp_path / 'experts', work=tmp_path / 'work', promote=False
    )
    stale = job.work / 'cafe-0123456789ab'
    other = job.work / 'cafe-2-0123456789ab'
    for path in (stale, other):
        path.mkdir(parents=True)

    def stop(stage: str, step: int, *_: Any) -> None:
        if (stage, step) == ('prove', FOLDS[0] + 5):
            raise Unfinished('stopped')

    with pytest.raises(Unfinished):
        learn(job, stop)
    # States of other data will never go on.
    assert not stale.exists()
    assert other.exists()
    assert {path.name for path in job.work.rglob('*.ckpt')} == {'fold-0.ckpt', 'fold-1.ckpt'}
    told = school.Told()
    verdict = learn(job, told)
    # Nothing is promoted against the wish.
    assert (verdict.promoted, verdict.message) == (False, 'cafe@1 passed every check')
    registry = registry_for(job.model, job.experts)
    assert 'cafe' not in active(registry)
    assert registry.manifest('cafe', '1')['gate']['verdict'] == 'passed'
    proved = [step for stage, step, *_ in told if stage == 'prove']
    # Of the fold that was finished nothing is done again.
    assert proved[0] == sum(FOLDS)
    again, first = (registry_for(j.model, j.experts).load('cafe', '1') for j in (job, learned[0]))
    for mine, wanted in zip(again[1:], first[1:], strict=True):
        assert all((mine[name] == value).all() for name, value in wanted.items())


def test_another_intensity_is_another_run(tiny: Path, tmp_path: Path) -> None:
    host = Host(school.job(tiny, tmp_path), school.Told())
    names = set()
    for intensity in (0.3, 1.0):
        asked = dataclasses.replace(
            school.example(0), emotion=Emotion('happy', intensity=intensity)
        )
        names.add(learner._identity(host, Lessons((asked,))))
    assert len(names) == 2


def test_too_little_is_not_learned(tiny: Path, tmp_path: Path, robot: str) -> None:
    data = school.scenario(tmp_path / 'cafe', count=7)
    with pytest.raises(BadRequest, match="7 usable lessons for 'cafe': expected at least 8"):
        learn(school.job(tiny, tmp_path, data=data, robot=robot), school.Told())
    with pytest.raises(BadRequest, match='no data'):
        learn(school.job(tiny, tmp_path, robot=robot), school.Told())
    with pytest.raises(BadRequest, match='name'):
        learn(school.job(tiny, tmp_path, scenario='../x', data=data), school.Told())


def test_one_request_rated_often_is_learned_from_the_log(
    tiny: Path, tmp_path: Path, robot: str
) -> None:
    with InteractionLog(tmp_path / 'log', writer=True) as log:
        ids = [
            log.add(school.interaction(n, rating=1.0 if n % 2 else -1.0, id='', scenario=''), [])
            for n in range(8)
        ]
        ward = log.add(school.interaction(9, rating=1.0, id='', scenario='ward'), [])
    job = school.job(tiny, tmp_path, log=tmp_path / 'log', robot=robot, steps=2, promote=False)
    with pytest.raises(BadRequest, match='7 usable lessons'):
        learn(dataclasses.replace(job, ids=(*ids[:6], ward)), school.Told())
    verdict = learn(dataclasses.replace(job, ids=tuple(ids)), school.Told())
    registry = registry_for(tiny, job.experts)
    data = registry.manifest('cafe', '1')['data']
    assert data['ids'] == sorted(ids)
    assert data['preferences'] > 0
    assert data['source'] == 'log'
    assert 'rated: ' in verdict.checks[0].said
    # What an expert of another name has learned is not new any more; what was refused under
    # the same name may be learned with more beside it.
    with pytest.raises(BadRequest, match='1 usable lessons'):
        learn(dataclasses.replace(job, scenario='bar'), school.Told())
    again = learn(job, school.Told())
    assert again.version == 'cafe@2'
    assert registry.manifest('cafe', '2')['data']['ids'] == sorted([*ids, ward])


def test_a_job_comes_back_from_json(tmp_path: Path) -> None:
    job = school.job(tmp_path, tmp_path, ids=('a', 'b'), data=None, log=tmp_path)
    assert Job.from_json(job.to_json()) == job
