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
"""Are gesture and emotion of generated motions readable, and are the motions a body's?

Requests are the test sentences of every gesture, which occur in no template and among no free
sentence and by which nothing was chosen, with emotions dealt out evenly; and, apart, each gesture
with the one emotion that training never showed with it. The held-out sentences, by which read-outs
and settings were chosen, are much freer; they are given beside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from l2emg_ros.bench import continual, metrics, plausibility
from l2emg_ros.bench.evaluator import Evaluator, sentences
from l2emg_ros.bench.gallery import Gallery
from l2emg_ros.cli.progress import progress
from l2emg_ros.corpus import GESTURES, Protocol, SHIPPED, synthesise
from l2emg_ros.emotion import Emotion
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion
from l2emg_ros.text.encoder import MiniLmEncoder

_INTENSITY = 0.8
_REPEATED_TEXTS, _REPEATS = 10, 10
# Gestures in which the palms meet.
CLASPING = ('clap', 'plead')


@dataclass(frozen=True, slots=True)
class Reading:
    """A generated motion and what the judge reads in it."""

    gesture: str
    emotion: str
    sentence: str
    motion: Motion
    read_gesture: str
    read_emotion: str


def requests(protocol: Protocol = SHIPPED, heldout: bool = False) -> list[tuple[str, str, str]]:
    """Return gesture, sentence and emotion of every request; pairs seen in training only.

    Args:
        protocol: Of the corpus that the model was trained on.
        heldout: Whether to take the held-out sentences instead of those for tests.
    """
    chosen = []
    dealt = dict.fromkeys(protocol.labels, 0)
    for name in sorted(GESTURES):
        labels = [label for label in protocol.labels if label != protocol.kept_out(name)]
        free: list[str] = []
        for sentence in GESTURES[name].heldout if heldout else GESTURES[name].requests:
            free = free or list(labels)
            # The least frequent so far, another one for each sentence of a gesture.
            label = min(free, key=dealt.__getitem__)
            free.remove(label)
            dealt[label] += 1
            chosen.append((name, sentence, label))
    return chosen


def unseen_pairs(protocol: Protocol = SHIPPED) -> list[tuple[str, str, str]]:
    """Return the requests for each gesture with the emotion that was kept from training."""
    return [
        (name, sentence, kept)
        for name in sorted(GESTURES)
        if (kept := protocol.kept_out(name)) is not None
        for sentence in GESTURES[name].requests
    ]


def read(
    generator: EmpathicGenerator,
    judge: Evaluator,
    wanted: Sequence[tuple[str, str, str]],
    title: str,
) -> list[Reading]:
    """Generate and judge requests; the number of a request is its seed."""
    readings = []
    for seed, (gesture, sentence, label) in enumerate(progress(wanted, title)):
        motion = generator.generate(sentence, emotion=label, intensity=_INTENSITY, seed=seed)
        readings.append(Reading(gesture, label, sentence, motion, *judge.judge(motion)))
    return readings


def measure(generator: EmpathicGenerator, judge: Evaluator, gallery: Gallery) -> dict[str, Any]:
    """Return every figure of readability and plausibility."""
    protocol = _protocol(generator.card)
    seen = read(generator, judge, requests(protocol), 'requests')
    apart = read(generator, judge, unseen_pairs(protocol), 'unseen pairs')
    freer = read(generator, judge, requests(protocol, heldout=True), 'held-out sentences')
    shown: set[str] = set()
    for reading in seen:
        if reading.gesture not in shown:
            shown.add(reading.gesture)
            gallery.add(f'{reading.gesture}, {reading.emotion}', reading.motion)
    gallery.close()
    real = [_performed(reading, seed) for seed, reading in enumerate(seen)]
    rare = [_performed(reading, seed) for seed, reading in enumerate(apart)]
    return {
        'requests': _scores(seen, protocol),
        'unseen_pairs': _scores(apart, protocol),
        'heldout': _scores(freer, protocol),
        'corpus': _scores(_judged(judge, seen, real), protocol),
        'corpus_unseen_pairs': _scores(_judged(judge, apart, rare), protocol),
        'gestures': _by_gesture(seen),
        'emotions': _by_emotion(seen),
        'plausibility': {
            'generated': plausibility.report([r.motion for r in seen]),
            'corpus': plausibility.report(real),
        },
        'palms_apart': _palms_apart([*seen, *apart, *freer], seen, real),
        'space': _space(generator, judge, seen, real),
    }


def _protocol(card: Mapping[str, Any]) -> Protocol:
    """Return how a model's corpus dealt out feelings; the shipped way where its card is silent."""
    stages = card['training'].values()
    stored = next((stage['protocol'] for stage in stages if 'protocol' in stage), None)
    return SHIPPED if stored is None else Protocol(**{**stored, 'labels': tuple(stored['labels'])})


def _performed(reading: Reading, seed: int) -> Motion:
    """Return the corpus's own performance of a request."""
    weights = Emotion(reading.emotion, intensity=_INTENSITY).weights()
    return synthesise(reading.gesture, weights, np.random.default_rng((7, seed)))


def _judged(
    judge: Evaluator, readings: Sequence[Reading], motions: Sequence[Motion]
) -> list[Reading]:
    """Return what the judge reads in other motions for the same requests."""
    return [
        Reading(r.gesture, r.emotion, r.sentence, motion, *judge.judge(motion))
        for r, motion in zip(readings, motions, strict=True)
    ]


def _scores(readings: Sequence[Reading], protocol: Protocol = SHIPPED) -> dict[str, float]:
    """Return the shares of a set of readings."""
    wanted = [r.emotion for r in readings]
    found = [r.read_emotion for r in readings]
    dominant = [protocol.dominant(r.gesture) for r in readings]
    return {
        'motions': len(readings),
        'content': float(np.mean([r.gesture == r.read_gesture for r in readings])),
        'emotion': float(np.mean([a == b for a, b in zip(wanted, found, strict=True)])),
        'emotion_weighted_f1': metrics.weighted_f1(wanted, found),
        'contamination': continual.contamination(wanted, found, dominant),
    }


def _palms_apart(
    made: Sequence[Reading], seen: Sequence[Reading], real: Sequence[Motion]
) -> dict[str, dict[str, float]]:
    """Return the mean gap in m that is left between palms that should meet."""
    performed = [(reading.gesture, motion) for reading, motion in zip(seen, real, strict=True)]
    read = [(r.gesture, r.motion) for r in made if r.read_gesture == r.gesture]
    return {
        gesture: {
            kind: float(np.mean([plausibility.palms_apart(m) for g, m in rows if g == gesture]))
            for kind, rows in (('generated', read), ('corpus', performed))
        }
        for gesture in CLASPING
    }


def _by_gesture(readings: Sequence[Reading]) -> dict[str, dict[str, Any]]:
    """Return hits and misreadings of each gesture."""
    rows: dict[str, list[str]] = defaultdict(list)
    for reading in readings:
        rows[reading.gesture].append(reading.read_gesture)
    return {
        gesture: {
            'right': found.count(gesture),
            'of': len(found),
            'read_instead': [other for other in found if other != gesture],
        }
        for gesture, found in rows.items()
    }


def _by_emotion(readings: Sequence[Reading]) -> dict[str, float]:
    """Return the F1 of each emotion."""
    classes, _, scores = metrics.class_f1(
        [r.emotion for r in readings], [r.read_emotion for r in readings]
    )
    return {str(label): float(score) for label, score in zip(classes, scores, strict=True)}


def _space(
    generator: EmpathicGenerator, judge: Evaluator, seen: Sequence[Reading], real: Sequence[Motion]
) -> dict[str, Any]:
    """Return the distances in the judge's space of requests and motions, with 95 % intervals."""
    rng = np.random.default_rng(0)
    mixtures = [Emotion(r.emotion, intensity=_INTENSITY).weights() for r in seen]
    with torch.inference_mode():
        told = sentences(MiniLmEncoder(), [r.sentence for r in seen])
        texts = judge.request_features(told, torch.from_numpy(np.stack(mixtures)).float()).numpy()
    made, performed = _placed(judge, [r.motion for r in seen]), _placed(judge, real)
    again = [
        generator.generate(r.sentence, emotion=r.emotion, intensity=_INTENSITY, seed=1000 + seed)
        for r in progress(seen[:: len(seen) // _REPEATED_TEXTS][:_REPEATED_TEXTS], 'repeats')
        for seed in range(_REPEATS)
    ]
    spread = _placed(judge, again).reshape(-1, _REPEATS, made.shape[1])

    def interval(draw: Any) -> dict[str, Any]:
        mean, half = metrics.repeated(draw, rng)
        return {'mean': mean, 'half': half}

    return {
        'n': len(made),
        'fid': metrics.fid(performed, made, shrink=True),
        'fid_real_halves': metrics.fid_floor(performed, rng, shrink=True),
        'kid': metrics.kid(performed, made),
        'r_precision': interval(lambda draws: metrics.r_precision(texts, made, draws)),
        'r_precision_real': interval(lambda draws: metrics.r_precision(texts, performed, draws)),
        'mm_distance': metrics.mm_distance(texts, made),
        'mm_distance_real': metrics.mm_distance(texts, performed),
        'diversity': interval(lambda draws: metrics.diversity(made, draws)),
        'diversity_real': interval(lambda draws: metrics.diversity(performed, draws)),
        'multimodality': interval(lambda draws: metrics.multimodality(spread, draws, pairs=5)),
    }


def _placed(judge: Evaluator, motions: Sequence[Motion]) -> Any:
    """Return (n, 128) features of motions."""
    with torch.inference_mode():
        rows = [torch.from_numpy(features.encode(motion)) for motion in motions]
        return torch.cat([judge.motion_features([row]) for row in rows]).double().numpy()
