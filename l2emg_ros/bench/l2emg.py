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
"""`l2emg bench l2emg`: are generated motions readable, a body's, and those of the right expert?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from l2emg_ros.bench import evaluator, intensity, readability, routing
from l2emg_ros.bench.gallery import Gallery
from l2emg_ros.cli.progress import progress
from l2emg_ros.generator.generator import EmpathicGenerator

# Sentences written for this measurement; none occurs in the corpus or among its held-out ones.
SENTENCES = (
    'greet the neighbour across the garden fence with a wave',
    'applaud the small orchestra after the last song',
    'show the tourists which way the museum lies',
    'give your grandmother a warm hug at the airport',
    'tell the cyclist to halt right there',
    'cheer because our team scored in the last minute',
    'explain to the pupils how a bridge carries weight',
    'beckon the waiter to the table',
    'dance a little in the kitchen while the coffee brews',
    'wave both arms so the boat on the lake can see you',
)
ORDERED = ('happy', 'angry', 'neutral', 'sad', 'tired')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument('--evaluator', type=Path, help='evaluator folder; default: the shipped')
    parser.add_argument('--gallery', type=Path, help='write contact sheets into this folder')
    parser.add_argument('--seeds', type=int, default=4, help='motions a sentence and emotion')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Generate, judge and return the results."""
    generator = EmpathicGenerator.load(args.model)
    judge = evaluator.load(args.evaluator)
    gallery = Gallery(args.gallery)
    return {
        'readability': readability.measure(generator, judge, gallery),
        'wrist_speed': _speed(generator, args.seeds, gallery),
        'intensity': intensity.measure(generator, judge),
        'routing': routing.measure(generator),
    }


def _speed(generator: EmpathicGenerator, seeds: int, gallery: Gallery) -> dict[str, Any]:
    """Return wrist speeds by emotion for sentences outside the corpus."""
    rows, right = {}, 0
    for sentence in progress(SENTENCES, 'wrist speed'):
        motions = {
            label: [generator.generate(sentence, emotion=label, seed=s) for s in range(seeds)]
            for label in ORDERED
        }
        speeds = {
            label: float(np.mean([evaluator.wrist_speed(motion) for motion in made]))
            for label, made in motions.items()
        }
        gallery.sheet(sentence, [(label, made[0]) for label, made in motions.items()])
        ordered = min(speeds['happy'], speeds['angry']) > speeds['neutral']
        ordered = ordered and speeds['neutral'] > max(speeds['sad'], speeds['tired'])
        right += ordered
        rows[sentence] = {**speeds, 'ordered': ordered}
    return {'ordered': right, 'sentences': rows}


def table(results: dict[str, Any]) -> str:
    """Return the results as the tables a person reads."""
    read = results['readability']
    return '\n\n'.join(
        [
            _gestures(read['gestures']),
            _scores(read),
            _plausibility(read['plausibility']),
            _palms(read['palms_apart']),
            _space(read['space']),
            _speeds(results['wrist_speed']),
            _intensity(results['intensity']),
            _routing(results['routing']),
        ]
    )


def _gestures(rows: dict[str, Any]) -> str:
    lines = [f'{"gesture":<18}{"read":>8}   read instead']
    for gesture, row in rows.items():
        instead = ', '.join(row['read_instead'])
        lines.append(f'{gesture:<18}{row["right"]:>4}/{row["of"]:<3}   {instead}')
    return '\n'.join(lines)


def _scores(read: dict[str, Any]) -> str:
    lines = [f'{"":<38}{"motions":>8}{"gesture":>9}{"emotion":>9}{"w. F1":>7}{"contam.":>9}']
    for name, title in (
        ('requests', 'sentences of no template'),
        ('unseen_pairs', 'gesture and emotion never seen together'),
        ('heldout', 'sentences that settings were chosen by'),
        ('corpus', "the corpus's own performances"),
        ('corpus_unseen_pairs', 'its performances of pairs never seen'),
    ):
        row = read[name]
        lines.append(
            f'{title:<38} {row["motions"]:>7}{row["content"]:>9.1%}{row["emotion"]:>9.1%}'
            f'{row["emotion_weighted_f1"]:>7.3f}{row["contamination"]:>9.1%}'
        )
    told = '  '.join(f'{label} {score:.2f}' for label, score in read['emotions'].items())
    return '\n'.join([*lines, f'F1 of each emotion: {told}'])


def _plausibility(rows: dict[str, Any]) -> str:
    lines = [f'{"":<12}{"foot skate":>12}{"limits broken":>15}{"arms clear":>12}{"jerk":>8}']
    for name, row in rows.items():
        lines.append(
            f'{name:<12}{row["foot_skate"] * 1000:>7.1f} mm/s{row["joint_limits_broken"]:>15.1%}'
            f'{row["arms_clear"]:>12.1%}{row["jerk"]:>8.0f}'
        )
    return '\n'.join(lines)


def _palms(rows: dict[str, Any]) -> str:
    told = '; '.join(
        f'{gesture} {row["generated"] * 100:.1f} cm, in the corpus {row["corpus"] * 100:.1f} cm'
        for gesture, row in rows.items()
    )
    return f'gap between palms that should meet: {told}'


def _space(row: dict[str, Any]) -> str:
    def told(name: str) -> str:
        mean, half = np.atleast_1d(row[name]['mean']), np.atleast_1d(row[name]['half'])
        return ' '.join(f'{m:.3f}+-{h:.3f}' for m, h in zip(mean, half, strict=True))

    return (
        f'evaluator space, N {row["n"]}: FID {row["fid"]:.3f} (halves of real motions '
        f'{row["fid_real_halves"]:.3f}), MM-Dist {row["mm_distance"]:.3f} (real '
        f'{row["mm_distance_real"]:.3f})\n'
        f'R-Precision@1-3 {told("r_precision")} (real {told("r_precision_real")})\n'
        f'Diversity {told("diversity")} (real {told("diversity_real")}), '
        f'MultiModality {told("multimodality")}'
    )


def _speeds(speed: dict[str, Any]) -> str:
    lines = [f'wrist speed, m/s{"".join(f"{label:>9}" for label in ORDERED)}  ordered']
    for sentence, row in speed['sentences'].items():
        told = ''.join(f'{row[label]:>9.3f}' for label in ORDERED)
        lines.append(f'{" " * 16}{told}  {"yes" if row["ordered"] else "no":<7}  {sentence}')
    lines.append(
        f'happy, angry > neutral > sad, tired in {speed["ordered"]} '
        f'of {len(speed["sentences"])} sentences'
    )
    return '\n'.join(lines)


def _intensity(rows: dict[str, Any]) -> str:
    lines = ['arousal read where it is to grow or to fall, and Spearman of commanded and read']
    for title, row in rows.items():
        told = ''.join(f'{value:>8.2f}' for value in row['read'])
        lines.append(f'{title:<20}{told}{row["spearman"]:>8.2f}')
    return '\n'.join(lines)


def _routing(row: dict[str, Any]) -> str:
    lines = [
        f'router: {row["accuracy"]:.1%} of {row["prompts"]} requests, ceiling '
        f'{row["ceiling"]:.1%}: {row["share_of_ceiling"]:.1%} of it'
    ]
    for place, found in row['unseen'].items():
        lines.append(
            f'unseen {place}: AUROC {found["auroc_prompt"]:.3f} a request, '
            f'{found["auroc_16"]:.3f} for 16'
        )
    return '\n'.join(lines)
