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
"""A user's recordings become a corpus folder, with the words and licences that the file gives."""

from __future__ import annotations

import json
from pathlib import Path
import re
import textwrap
from typing import Any

from bvh_files import rig_text
import numpy as np
from people import person, RIGS
import pytest
import yaml

from l2emg_ros.cli.main import main
from l2emg_ros.corpus import GESTURES
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import features, io, rotation
from l2emg_ros.training import dataset_file, sources
from l2emg_ros.training.dataset import Corpus

BVH = """
    licence: CC-BY-NC-4.0
    commercial: false
    names: 'dataset-1_(?P<content>.+)_(?P<style>[^_]+)_\\d+$'
    emotions: {normal: neutral, exhausted: tired, giant: ''}
    captions: ['someone does {content}', '{content} when {emotion}']
"""
PLAIN = "licence: MIT, commercial: true, captions: 'a person moves'"


def write_bvh(path: Path, seed: int = 0, frames: int = 40) -> None:
    motion = person(seed, frames)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rig_text(RIGS['bandai'], motion.rotations, motion.root_translation))


def write_amass(path: Path, seed: int, frames: int, fps: float) -> None:
    motion = person(seed, frames)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, poses=motion.poses, trans=motion.trans, mocap_framerate=fps)


def write_joints(path: Path, seed: int, frames: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, person(seed, frames).joint_positions() @ rotation.SMPL_TO_ROS)


def described(folder: Path, *entries: str, top: str = '') -> Path:
    """Write dataset.yaml with one source for each entry, a text of ``path: ...`` and the rest."""
    lines = [top, 'sources:'] + [f'  - {textwrap.dedent(entry).strip()}' for entry in entries]
    path = folder / 'dataset.yaml'
    path.write_text('\n'.join(lines) + '\n')
    return path


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / 'clips.jsonl').read_text().splitlines()]


def encoded(path: Path, fps: float | None = None) -> np.ndarray:
    motion = io.load(path)
    return features.encode(motion.replace(fps=fps or motion.fps).resample(30.0))


def test_bvh_labelled_by_name(tmp_path: Path) -> None:
    styles = ('normal', 'exhausted', 'giant', 'angry', 'youthful')
    for seed, style in enumerate(styles):
        write_bvh(tmp_path / 'mocap' / f'dataset-1_wave-both-hands_{style}_001.bvh', seed)
    made = sources.build(described(tmp_path, f'path: mocap{BVH}'), tmp_path / 'out')
    assert (made.files, made.clips, made.short, made.unlabelled, made.failed) == (5, 5, 0, 0, [])
    assert made.seconds == pytest.approx(5 * 40 / 30)
    assert made.styles == {'giant', 'youthful'}
    by_style = {row['file'].split('_')[2]: row for row in rows(tmp_path / 'out')}
    assert {style: row['emotion'] for style, row in by_style.items()} == {
        **{'normal': 'neutral', 'exhausted': 'tired', 'angry': 'angry'},
        **{'giant': '', 'youthful': ''},
    }
    for row in by_style.values():
        assert row['gesture'] == 'wave-both-hands'
        assert row['scenario'] == ''
        assert row['intensity'] == 1.0
        emotion = Emotion.parse(row['emotion']) or Emotion('neutral')
        assert np.allclose(row['weights'], emotion.weights(), atol=1e-5)
        assert row['text'] in row['captions']
    assert by_style['exhausted']['captions'] == [
        'someone does wave both hands',
        'wave both hands when tired',
    ]
    assert by_style['giant']['captions'] == ['someone does wave both hands']
    # Captions take turns among the clips of a gesture.
    assert {row['text'] for row in by_style.values()} > {'someone does wave both hands'}


def test_features_and_corpus_are_what_training_reads(tmp_path: Path) -> None:
    write_bvh(tmp_path / 'a' / 'one.bvh', 0, 40)
    write_amass(tmp_path / 'a' / 'S1' / 'two_poses.npz', 1, 480, 120.0)
    write_joints(tmp_path / 'a' / 'three.npy', 2, 50)
    sources.build(described(tmp_path, f'{{path: a, {PLAIN}}}'), tmp_path / 'out')
    corpus = Corpus.load(tmp_path / 'out')
    assert corpus.features.dtype == np.float32
    assert [clip['file'] for clip in corpus.clips] == ['S1/two_poses.npz', 'one.bvh', 'three.npy']
    # 479 steps at 120 fps are 119.75 at 30, 49 steps at 20 fps are 73.5.
    assert [clip['frames'] for clip in corpus.clips] == [120, 40, 74]
    assert [clip['start'] for clip in corpus.clips] == [0, 120, 160]
    assert [clip['gesture'] for clip in corpus.clips] == ['two_poses', 'one', 'three']
    for number, clip in enumerate(corpus.clips):
        assert np.array_equal(corpus.motion(number), encoded(tmp_path / 'a' / clip['file']))
    assert json.loads((tmp_path / 'out' / 'corpus.json').read_text()) == {
        'clips': 3,
        'commercial': True,
        'sources': [{'path': 'a', 'licence': 'MIT', 'commercial': True, 'clips': 3}],
    }


def test_long_recordings_are_cut_evenly_and_short_ones_left_out(tmp_path: Path) -> None:
    write_bvh(tmp_path / 'a' / 'long.bvh', 0, 640)
    write_bvh(tmp_path / 'a' / 'just.bvh', 1, 30)
    write_bvh(tmp_path / 'a' / 'short.bvh', 2, 29)
    write_bvh(tmp_path / 'a' / 'single.bvh', 2, 1)
    made = sources.build(described(tmp_path, f'{{path: a, {PLAIN}}}'), tmp_path / 'out')
    corpus = Corpus.load(tmp_path / 'out')
    assert made.short == 2
    assert [clip['frames'] for clip in corpus.clips] == [30, 213, 214, 213]
    whole = np.concatenate([corpus.motion(number) for number in (1, 2, 3)])
    assert np.array_equal(whole, encoded(tmp_path / 'a' / 'long.bvh'))
    top = described(tmp_path, f'{{path: a, {PLAIN}}}', top='seconds: 20')
    sources.build(top, tmp_path / 'out')
    assert [row['frames'] for row in rows(tmp_path / 'out')] == [30, 320, 320]


def test_frame_rate_may_be_told(tmp_path: Path) -> None:
    write_bvh(tmp_path / 'a' / 'b.bvh', 0, 121)
    sources.build(described(tmp_path, f'{{path: a, fps: 60, {PLAIN}}}'), tmp_path / 'out')
    corpus = Corpus.load(tmp_path / 'out')
    assert corpus.clips[0]['frames'] == 61
    assert np.array_equal(corpus.motion(0), encoded(tmp_path / 'a' / 'b.bvh', 60.0))


def test_subject_folders_and_words_of_the_folder(tmp_path: Path) -> None:
    for name in ('S1/walk_fast_01_poses', 'S2/walk_fast_02_poses', 'S2/jump_01_poses'):
        write_amass(tmp_path / 'amass' / f'{name}.npz', 0, 60, 30.0)
    (tmp_path / 'amass' / 'S2' / 'shape.npz').write_bytes(b'not a motion')
    entry = """path: amass
    licence: LicenseRef-AMASS
    commercial: false
    files: '**/*_poses.npz'
    names: ['/(?P<content>walk)_(?P<style>[a-z]+)_', '/(?P<content>[a-z]+)_']
    scenario: stage
    style: slow
    contents: {jump: hop}
    emotions: {fast: excited, slow: calm}
    captions: 'a {style} {content} on the {scenario}, {emotion}'
    """
    made = sources.build(described(tmp_path, entry), tmp_path / 'out')
    assert (made.files, made.clips, made.failed) == (3, 3, [])
    found = [
        (row['gesture'], row['scenario'], row['emotion'], row['text'])
        for row in rows(tmp_path / 'out')
    ]
    assert found == [
        ('walk', 'stage', 'excited', 'a fast walk on the stage, excited'),
        ('hop', 'stage', 'calm', 'a slow jump on the stage, calm'),
        ('walk', 'stage', 'excited', 'a fast walk on the stage, excited'),
    ]


def test_labels_of_a_table(tmp_path: Path) -> None:
    for number, name in enumerate(('one', 'two.v2', 'three')):
        write_bvh(tmp_path / 'data' / 'set' / f'{name}.bvh', number)
    (tmp_path / 'labels.csv').write_text(
        '\ufefffile,what,how,where,say,also\n'
        'set/one.bvh,wave,happy,hall,a happy wave,waves gladly\n'
        'two.v2,bow,old,,"an old bow, deep",\n'
    )
    entry = """path: data
    licence: MIT
    commercial: true
    scenario: shop
    labels: {csv: labels.csv, file: file, content: what, style: how, scenario: where,
             text: [say, also]}
    """
    made = sources.build(described(tmp_path, entry), tmp_path / 'out')
    assert (made.files, made.clips, made.unlabelled) == (3, 2, 1)
    one, two = rows(tmp_path / 'out')
    assert (one['gesture'], one['emotion'], one['scenario']) == ('wave', 'happy', 'hall')
    assert one['captions'] == ['a happy wave', 'waves gladly']
    assert (two['gesture'], two['emotion'], two['scenario']) == ('bow', '', 'shop')
    assert two['captions'] == [two['text']] == ['an old bow, deep']


@pytest.mark.parametrize(
    ('table', 'message'),
    [
        ('file,what\n', r"sources\[0\]\.labels: .*labels\.csv has no column 'say': file, what"),
        ('', "has no column 'file'"),
        ('file,say\na.bvh,x\na,y\n', r'labels\.csv line 3 names a again'),
    ],
)
def test_bad_tables(tmp_path: Path, table: str, message: str) -> None:
    write_bvh(tmp_path / 'data' / 'a.bvh')
    (tmp_path / 'labels.csv').write_text(table)
    entry = """path: data
    licence: MIT
    commercial: true
    labels: {csv: labels.csv, file: file, text: say}
    """
    with pytest.raises(BadRequest, match=message):
        sources.build(described(tmp_path, entry), tmp_path / 'out')


def humanml3d(folder: Path, **texts: str) -> Path:
    """Write recordings of 200 frames, 10 s at 20 fps, with these caption files."""
    for number, (name, text) in enumerate(texts.items()):
        write_joints(folder / 'new_joints' / f'{name}.npy', number, 200)
        (folder / 'texts').mkdir(exist_ok=True)
        (folder / 'texts' / f'{name}.txt').write_text(text)
    entry = """path: new_joints
    licence: LicenseRef-HumanML3D
    commercial: false
    texts: texts
    """
    return described(folder, entry)


def test_captions_of_humanml3d(tmp_path: Path) -> None:
    dataset = humanml3d(
        tmp_path,
        whole='a man walks #1.#a/DET man/NOUN#0.0#0.0\n\nwalks on#walk/VERB#nan#nan\n',
        parts='turns#turn/VERB#1.5#4.0\nsits#sit/VERB#4.0#30.0\nblinks#x#2.0#2.5\n',
    )
    write_joints(tmp_path / 'new_joints' / 'silent.npy', 5, 100)
    made = sources.build(dataset, tmp_path / 'out')
    assert (made.files, made.clips, made.unlabelled, made.short) == (3, 3, 1, 1)
    corpus = Corpus.load(tmp_path / 'out')
    parts = encoded(tmp_path / 'new_joints' / 'parts.npy')
    assert [(clip['text'], clip['frames']) for clip in corpus.clips] == [
        ('turns', 75),
        ('sits', len(parts) - 120),
        ('a man walks #1.', 299),
    ]
    assert np.array_equal(corpus.motion(0), parts[45:120])
    assert np.array_equal(corpus.motion(1), parts[120:])
    assert corpus.clips[2]['captions'] == ['a man walks #1.', 'walks on']
    # Captions are exchanged within a gesture: every recording is one of its own.
    assert [clip['gesture'] for clip in corpus.clips] == ['parts', 'parts', 'whole']


@pytest.mark.parametrize('line', ['just words', 'a#b#c#d', 'a#b#3#2', '#b#0#0', 'a#b#-1#2'])
def test_damaged_caption_file_costs_one_recording(tmp_path: Path, line: str) -> None:
    dataset = humanml3d(tmp_path, bad=f'fine#x#0#0\n{line}\n', good='fine#x#0#0')
    made = sources.build(dataset, tmp_path / 'out')
    assert made.clips == 1
    (message,) = made.failed
    assert message.startswith(f'{tmp_path / "texts" / "bad.txt"} line 2 is ')
    assert message.endswith('expected caption#tokens#from#to')


def test_unreadable_recordings_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_bvh(tmp_path / 'a' / 'good.bvh')
    (tmp_path / 'a' / 'bad.bvh').write_text('HIERARCHY')
    (tmp_path / 'a' / 'notes.txt').write_text('no motion')
    dataset = described(tmp_path, f'{{path: a, {PLAIN}}}')
    made = sources.build(dataset, tmp_path / 'out')
    assert (made.files, made.clips, len(made.failed)) == (2, 1, 1)
    assert made.failed[0].startswith(f'{tmp_path / "a" / "bad.bvh"}: ')
    assert made.failed[0] in caplog.text
    before = (tmp_path / 'out' / 'features.npy').read_bytes()
    (tmp_path / 'a' / 'good.bvh').write_text('HIERARCHY')
    with pytest.raises(
        BadRequest, match=r'dataset\.yaml: none of 2 recordings .* 2 failed, .*bad\.bvh'
    ):
        sources.build(dataset, tmp_path / 'out')
    # What was there stays, and nothing half-written is left.
    assert (tmp_path / 'out' / 'features.npy').read_bytes() == before
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert names == {'features.npy', 'clips.jsonl', 'corpus.json'}


def test_first_source_that_matches_has_the_recording(tmp_path: Path) -> None:
    for name in ('walk', 'bow'):
        write_bvh(tmp_path / 'a' / f'{name}.bvh')
    first = f"{{path: a, files: 'b*', scenario: desk, {PLAIN}}}"
    rest = (
        '{path: a/../a, scenario: hall, licence: CC-BY-NC-SA-4.0, commercial: false, captions: x}'
    )
    made = sources.build(described(tmp_path, first, rest), tmp_path / 'out')
    found = [(row['file'], row['scenario'], row['source']) for row in rows(tmp_path / 'out')]
    assert found == [('bow.bvh', 'desk', 0), ('walk.bvh', 'hall', 1)]
    assert not made.commercial
    record = json.loads((tmp_path / 'out' / 'corpus.json').read_text())
    assert record['commercial'] is False
    assert [source['commercial'] for source in record['sources']] == [True, False]
    with pytest.raises(BadRequest, match=r'sources\[2\]\.files .* no source above has'):
        sources.build(described(tmp_path, first, rest, rest), tmp_path / 'out')


def test_two_workers_write_the_same_bytes_as_one(tmp_path: Path) -> None:
    for seed in range(3):
        write_bvh(tmp_path / 'a' / f'{seed}.bvh', seed)
    (tmp_path / 'a' / '1.bvh').write_text('broken')
    dataset = described(tmp_path, f'{{path: a, {PLAIN}}}')
    shown: list[tuple[str, int]] = []

    def progress(items: Any, what: str, total: int) -> Any:
        for item in items:
            shown.append((what, total))
            yield item

    made = sources.build(dataset, tmp_path / 'one')
    assert sources.build(dataset, tmp_path / 'two', workers=2, progress=progress) == made
    for name in ('features.npy', 'clips.jsonl', 'corpus.json'):
        assert (tmp_path / 'one' / name).read_bytes() == (tmp_path / 'two' / name).read_bytes()
    assert shown == [('read motion', 3)] * 3


def test_caption_must_fit(tmp_path: Path) -> None:
    write_bvh(tmp_path / 'a' / 'b.bvh')
    entry = "{path: a, licence: MIT, commercial: true, captions: 'a {emotion} wave'}"
    with pytest.raises(BadRequest, match=r'yaml: sources\[0\]\.captions: .*b\.bvh: no caption'):
        sources.build(described(tmp_path, entry), tmp_path / 'out')


OWN = 'path: a, licence: MIT, commercial: true'


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('sources: [', 'is not valid YAML'),
        ('', "the file is None: expected 'name: value'"),
        ('sources: []', r'sources is \[\]: expected a list of folders'),
        (f'folders: [{{{OWN}}}]', "unknown entry 'folders'"),
        (f'seconds: 1.5\nsources: [{{{OWN}, captions: x}}]', r'seconds is 1\.5: .*\[2, 20\]'),
        (f'seconds: .nan\nsources: [{{{OWN}, captions: x}}]', 'seconds is nan'),
        ('sources: [a]', r"sources\[0\] is 'a'"),
        (f'sources: [{{{OWN}, caption: x}}]', r"sources\[0\] has unknown entry 'caption'"),
        ('sources: [{path: a, captions: x}]', r'sources\[0\] lacks licence, commercial'),
        ('sources: [{path: a, licence: MIT, captions: x}]', r'lacks commercial'),
        ("sources: [{path: a, licence: MIT, commercial: 'no'}]", r"commercial is 'no'.*true or"),
        ('sources: [{path: a, licence: ask me, commercial: true}]', r"licence is 'ask me'.*SPDX"),
        ('sources: [{path: a, licence: 4.0, commercial: true}]', r'licence is 4\.0'),
        (
            'sources: [{path: a, licence: MIT OR CC-BY-NC-4.0, commercial: true}]',
            r'sources\[0\]\.commercial is true, but .*CC-BY-NC-4\.0 forbids',
        ),
        ('sources: [{path: b, licence: MIT, commercial: true, captions: x}]', 'no folder .*b'),
        ('sources: [{path: $HOME, licence: MIT, commercial: true, captions: x}]', r'\$HOME'),
        (f'sources: [{{{OWN}}}]', r'sources\[0\] has no words: expected captions, texts or'),
        (f'sources: [{{{OWN}, texts: b}}]', r'sources\[0\]\.texts: there is no folder'),
        (f"sources: [{{{OWN}, captions: ''}}]", r"captions is '': expected a text"),
        (f"sources: [{{{OWN}, captions: '{{mood}}'}}]", r'captions holds .*\{content\}, \{style'),
        (f"sources: [{{{OWN}, captions: '{{style.x}}'}}]", 'expected no fields but'),
        (f"sources: [{{{OWN}, captions: '{{'}}]", 'captions holds'),
        (f'sources: [{{{OWN}, captions: x, fps: 0}}]', r'fps is 0: .*\[1, 1000\]'),
        (f'sources: [{{{OWN}, captions: x, fps: yes}}]', r'fps is True'),
        (f"sources: [{{{OWN}, captions: x, names: '('}}]", r"names is '\(': "),
        (f"sources: [{{{OWN}, captions: x, names: '.*'}}]", r'groups .*content, style, scenario'),
        (f"sources: [{{{OWN}, captions: x, names: '(?P<mood>.)'}}]", 'names .* expected groups'),
        (
            f'sources: [{{{OWN}, captions: x, emotions: {{old: aged}}}}]',
            r"emotions\.old is 'aged': expected one of neutral, happy",
        ),
        (f'sources: [{{{OWN}, captions: x, emotions: {{old: 3}}}}]', r'emotions\.old is 3'),
        (f"sources: [{{{OWN}, captions: x, contents: {{a: ''}}}}]", r"contents\.a is ''"),
        (f'sources: [{{{OWN}, labels: {{csv: a.csv}}}}]', r'labels lacks file'),
        (f'sources: [{{{OWN}, labels: {{csv: a.csv, file: x}}}}]', r"labels\.csv is 'a\.csv'"),
        (f"sources: [{{{OWN}, captions: x, files: '*.fbx'}}]", r'files is .*expected motion'),
        (f'sources: [{{{OWN}, captions: x, files: /tmp/*.bvh}}]', r'sources\[0\]\.files is '),
    ],
)
def test_bad_files_give_one_line(tmp_path: Path, content: str, message: str) -> None:
    write_bvh(tmp_path / 'a' / 'b.bvh')
    path = tmp_path / 'dataset.yaml'
    path.write_text(content)
    with pytest.raises(BadRequest, match=message.replace("'name: value'", '"name: value"')) as bad:
        sources.build(path, tmp_path / 'out')
    assert str(bad.value).startswith(f'{path}')
    assert len(str(bad.value).splitlines()) == 1
    assert not (tmp_path / 'out').exists()


def test_binary_file_is_no_yaml(tmp_path: Path) -> None:
    (tmp_path / 'dataset.yaml').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(BadRequest, match='not valid YAML'):
        dataset_file.load(tmp_path / 'dataset.yaml')


def test_examples_of_the_guide_are_valid(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / 'docs' / 'my-data.md'
    examples = re.findall(r'```yaml\n(.*?)```', guide.read_text('utf-8'), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        (tmp_path / 'dataset.yaml').write_text(example)
        for source in yaml.safe_load(example)['sources']:
            for folder in (source['path'], source.get('texts', '.')):
                (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / source.get('labels', {}).get('csv', 'unused')).touch()
            assert set(source.get('contents', {}).values()) <= GESTURES.keys()
        assert dataset_file.load(tmp_path / 'dataset.yaml').sources


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bvh(tmp_path / 'mocap' / 'dataset-1_bow_giant_001.bvh')
    write_bvh(tmp_path / 'mocap' / 'other.bvh')
    dataset = described(tmp_path, f'path: mocap{BVH}')
    words = ['train', 'corpus', '--work', str(tmp_path / 'work'), '--workers', '1', '--dataset']
    assert main([*words, str(dataset)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f'{tmp_path}/work/corpus: 1 clips, 0.0 min of 2 recordings',
        'left out: 0 unreadable, 1 without labels, 0 pieces shorter than 1 s',
        'styles without an emotion: giant',
        'non-commercial data: weights trained on it must not be shipped',
    ]
    assert len(Corpus.load(tmp_path / 'work' / 'corpus').clips) == 1
    assert main([*words, str(tmp_path / 'none.yaml')]) == 2
    assert main(['train', 'base', '--dataset', str(dataset)]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors == [
        f'l2emg: {tmp_path}/none.yaml: No such file or directory',
        'l2emg: --dataset is for the stage corpus: base takes --work',
    ]


def test_real_motion_capture(mocap_dir: Path, tmp_path: Path) -> None:
    entry = f"path: {mocap_dir}/bandai1{BVH}    files: '*_bow_*'"
    table = f"""path: {mocap_dir}/bandai1
    licence: CC-BY-NC-4.0
    commercial: false
    files: '*_dash_*'
    labels: {{csv: {mocap_dir}/labels.csv, file: file, content: content, style: emotion}}
    captions: a person does a {{content}}
    """
    made = sources.build(described(tmp_path, entry, table), tmp_path / 'out')
    assert made.files == 30
    assert made.failed == []
    assert made.unlabelled == 0
    assert {'giant', 'childish'} < made.styles
    corpus = Corpus.load(tmp_path / 'out')
    assert {clip['gesture'] for clip in corpus.clips} == {'bow', 'dash'}
    emotions = {clip['emotion'] for clip in corpus.clips if clip['gesture'] == 'bow'}
    assert {'happy', 'sad', 'angry', 'proud', 'tired', 'neutral', ''} == emotions
    assert all(30 <= clip['frames'] <= 300 for clip in corpus.clips)
    assert np.isfinite(corpus.features).all()
    heights = corpus.features[:, 3]
    assert 0.4 < heights.min() < heights.max() < 1.4
