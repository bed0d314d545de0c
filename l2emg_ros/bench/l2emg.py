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
"""`l2emg bench l2emg`: are gesture and emotion of generated motions readable?"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from l2emg_ros.bench import evaluator
from l2emg_ros.bench.gallery import Gallery
from l2emg_ros.cli.progress import progress
from l2emg_ros.corpus import GESTURES
from l2emg_ros.emotion import LABELS
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
        'content': _content(generator, judge, gallery),
        'wrist_speed': _speed(generator, args.seeds, gallery),
    }


def _content(
    generator: EmpathicGenerator, judge: evaluator.Evaluator, gallery: Gallery
) -> dict[str, Any]:
    """Return which gesture the judge reads in generations from held-out paraphrases."""
    requests = [(g, sentence) for g in judge.gestures for sentence in GESTURES[g].heldout]
    hits: dict[str, list[bool]] = defaultdict(list)
    read: dict[str, list[str]] = defaultdict(list)
    emotions: list[bool] = []
    for number, (gesture, sentence) in enumerate(progress(requests, 'content')):
        label = LABELS[number % len(LABELS)]
        motion = generator.generate(sentence, emotion=label, intensity=0.8, seed=number)
        found, emotion = judge.judge(motion)
        if not hits[gesture]:
            gallery.add(f'{gesture}, {label}', motion)
        hits[gesture].append(found == gesture)
        emotions.append(emotion == label)
        if found != gesture:
            read[gesture].append(found)
    gallery.close()
    flat = [hit for right in hits.values() for hit in right]
    return {
        'share': float(np.mean(flat)),
        'generations': len(flat),
        'emotion_share': float(np.mean(emotions)),
        'gestures': {
            gesture: {'right': sum(right), 'of': len(right), 'read_instead': read[gesture]}
            for gesture, right in hits.items()
        },
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
    """Return the results as the two tables a person reads."""
    content, speed = results['content'], results['wrist_speed']
    lines = [f'{"gesture":<18}{"read":>8}   read instead']
    for gesture, row in content['gestures'].items():
        instead = ', '.join(row['read_instead'])
        lines.append(f'{gesture:<18}{row["right"]:>4}/{row["of"]:<3}   {instead}')
    lines.append(
        f'gesture read in {content["share"]:.1%} of {content["generations"]} generations, '
        f'emotion in {content["emotion_share"]:.1%}\n'
    )
    lines.append(f'wrist speed, m/s{"".join(f"{label:>9}" for label in ORDERED)}  ordered')
    for sentence, row in speed['sentences'].items():
        told = ''.join(f'{row[label]:>9.3f}' for label in ORDERED)
        lines.append(f'{" " * 16}{told}  {"yes" if row["ordered"] else "no":<7}  {sentence}')
    lines.append(
        f'happy, angry > neutral > sad, tired in {speed["ordered"]} '
        f'of {len(speed["sentences"])} sentences'
    )
    return '\n'.join(lines)
