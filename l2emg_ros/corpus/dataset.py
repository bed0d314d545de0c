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
"""Samples and data sets of the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.corpus import gestures_active, gestures_social, gestures_telling
from l2emg_ros.corpus.effort import mixed
from l2emg_ros.corpus.folder import write_features, write_lines
from l2emg_ros.corpus.language import caption, PHRASES, SENTENCES
from l2emg_ros.corpus.poses import CHOREOGRAPHIES
from l2emg_ros.corpus.scenarios import find, SCENARIOS
from l2emg_ros.corpus.score import play, Score
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion

MODULES = (gestures_social, gestures_telling, gestures_active)
"""Modules that define gestures; importing them fills ``CHOREOGRAPHIES``."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """A kind of movement and the words for it.

    Attributes:
        name: Of the gesture.
        scenarios: Where it occurs.
        templates: Training captions, in the notation of ``phrases_social``.
        sentences: Free training sentences, each written by hand, without scenario or emotion.
        heldout: Sentences that occur in no template, for evaluation only.
        seconds: Natural shortest and longest length, neutral tempo.
    """

    name: str
    scenarios: tuple[str, ...]
    templates: tuple[str, ...]
    sentences: tuple[str, ...]
    heldout: tuple[str, ...]
    seconds: tuple[float, float]


GESTURES: dict[str, Gesture] = {
    name: Gesture(
        name,
        tuple(s.name for s in SCENARIOS.values() if name in s.gestures),
        tuple(PHRASES[name][0]),
        tuple(SENTENCES.get(name, ())),
        tuple(PHRASES[name][1]),
        choreography.seconds,
    )
    for name, choreography in CHOREOGRAPHIES.items()
}
"""Every gesture by name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip with its words.

    Attributes:
        gesture: What the body does.
        scenario: Where.
        text: The request.
        emotion: The emotion of the request; None where it names none.
        weights: (13,) mixture over the labels that the body shows.
        motion: The clip, 30 fps.
    """

    gesture: str
    scenario: str
    text: str
    emotion: Emotion | None
    weights: NDArray[np.float64]
    motion: Motion


def synthesise(
    gesture: str,
    weights: ArrayLike,
    rng: np.random.Generator,
    *,
    scenario: str | None = None,
    seconds: float | None = None,
) -> Motion:
    """Return a performance of a gesture.

    Args:
        gesture: Name of the gesture.
        weights: (13,) convex mixture over ``emotion.LABELS``.
        rng: Source of every choice.
        scenario: Whose dialect colours it; None for none.
        seconds: Wanted length; None takes the natural one.

    Raises:
        BadRequest: An unknown gesture or scenario, weights that are no mixture, or a length
            outside [1, 20].
    """
    if gesture not in GESTURES:
        raise BadRequest(f'unknown gesture {gesture!r}: use one of {", ".join(GESTURES)}')
    if seconds is not None and not 1.0 <= seconds <= 20.0:
        raise BadRequest(f'seconds is {seconds}: expected a length in [1, 20]')
    effort = mixed(weights)
    if scenario is not None:
        effort = find(scenario).dialect.colour(effort)
    score = Score(rng, effort)
    CHOREOGRAPHIES[gesture].write(score)
    return play(score, seconds)


def sample(rng: np.random.Generator, scenario: str | None = None) -> Sample:
    """Draw a gesture, a feeling, words for both and a performance.

    Seven in ten requests carry a label of intensity 0.4 to 1, one a point or mixture between
    labels, two none: then the body does what the words say, and is neutral where they say nothing.
    Words of feeling that accompany an explicit emotion agree with it, but the explicit one rules.

    Args:
        rng: Source of every choice.
        scenario: Where; None draws one.

    Raises:
        BadRequest: An unknown scenario.
    """
    place = str(rng.choice(list(SCENARIOS))) if scenario is None else find(scenario).name
    gesture = str(rng.choice(SCENARIOS[place].gestures))
    label = LABELS[int(rng.integers(len(LABELS)))]
    kind = rng.random()
    spoken: str | None = None
    emotion: Emotion | None = None
    if kind < 0.7:
        emotion = Emotion(label, intensity=round(float(rng.uniform(0.4, 1.0)), 2))
        weights = emotion.weights()
        spoken = label if rng.random() < 0.35 else None
    elif kind < 0.8:
        emotion = _between(label, rng)
        weights = emotion.weights()
    else:
        spoken = label if rng.random() < 0.6 else None
        weights = Emotion(spoken or 'neutral', intensity=0.85).weights()
    text = caption(gesture, spoken, rng, place)
    motion = synthesise(gesture, weights, rng, scenario=place)
    return Sample(gesture, place, text, emotion, weights, motion)


def _between(label: str, rng: np.random.Generator) -> Emotion:
    """Return a point between two labels' coordinates, or anywhere."""
    first = np.array(Emotion(label).vad)
    second = np.array(Emotion(LABELS[int(rng.integers(len(LABELS)))]).vad)
    share = rng.random()
    point = share * first + (1 - share) * second if rng.random() < 0.6 else rng.uniform(-1, 1, 3)
    intensity = round(float(rng.uniform(0.4, 1.0)), 2)
    valence, arousal, dominance = (round(float(v), 3) for v in point)
    return Emotion.from_vad(valence, arousal, dominance, intensity)


def _clip(seed: tuple[int, int]) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the features and the description of one clip; the same seed gives the same clip."""
    drawn = sample(np.random.default_rng(seed))
    values = np.asarray(features.encode(drawn.motion), dtype=np.float32)
    emotion = drawn.emotion
    return values, {
        'frames': len(values),
        'gesture': drawn.gesture,
        'scenario': drawn.scenario,
        'text': drawn.text,
        'emotion': str(emotion) if emotion is not None else '',
        'intensity': emotion.intensity if emotion is not None else 1.0,
        'weights': [round(float(w), 5) for w in drawn.weights],
    }


def _clips(clips: int, seed: int, workers: int) -> Iterator[tuple[NDArray[Any], dict[str, Any]]]:
    seeds = [(seed, number) for number in range(clips)]
    if workers <= 1:
        yield from map(_clip, seeds)
        return
    with multiprocessing.get_context('spawn').Pool(workers) as pool:
        yield from pool.imap(_clip, seeds, chunksize=16)


def build(folder: str | os.PathLike[str], clips: int, seed: int = 0, workers: int = 1) -> None:
    """Write a data set: ``features.npy`` and ``clips.jsonl``.

    Each line of ``clips.jsonl`` describes one clip: ``start`` and ``frames`` in the (sum T, 140)
    features, ``gesture``, ``scenario``, ``text``, ``emotion`` (as ``Emotion.parse`` reads it, ''
    where the request names none), ``intensity``, and ``weights``: what the body did.

    Args:
        folder: Created where missing; files in it are replaced.
        clips: How many.
        seed: The same seed gives the same files, whatever the number of workers.
        workers: Processes that share the work.

    Raises:
        BadRequest: Fewer than one clip.
    """
    if clips < 1:
        raise BadRequest(f'clips is {clips}: expected at least 1')
    target = Path(folder)
    write_lines(target, write_features(target, _clips(clips, seed, workers)))
