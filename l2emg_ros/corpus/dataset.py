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
from functools import partial
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros import files
from l2emg_ros.corpus import gestures_active, gestures_extra, gestures_social, gestures_telling
from l2emg_ros.corpus.effort import mixed
from l2emg_ros.corpus.folder import write_features, write_lines
from l2emg_ros.corpus.language import caption, PHRASES, REQUESTS, SENTENCES
from l2emg_ros.corpus.poses import CHOREOGRAPHIES
from l2emg_ros.corpus.protocol import Protocol, SHIPPED
from l2emg_ros.corpus.scenarios import find, Scenario, SCENARIOS
from l2emg_ros.corpus.score import play, Score
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion

MODULES = (gestures_social, gestures_telling, gestures_active, gestures_extra)
"""Modules that define gestures; importing them fills ``CHOREOGRAPHIES``."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """A kind of movement and the words for it.

    Attributes:
        name: Of the gesture.
        scenarios: Where it occurs.
        templates: Training captions, in the notation of ``phrases_social``.
        sentences: Free training sentences, each written by hand, without scenario or emotion.
        heldout: Sentences that occur in no template; models were chosen by them.
        requests: Sentences that occur in no template and that no choice was made by, for tests.
        seconds: Natural shortest and longest length, neutral tempo.
    """

    name: str
    scenarios: tuple[str, ...]
    templates: tuple[str, ...]
    sentences: tuple[str, ...]
    heldout: tuple[str, ...]
    requests: tuple[str, ...]
    seconds: tuple[float, float]


GESTURES: dict[str, Gesture] = {
    name: Gesture(
        name,
        tuple(s.name for s in SCENARIOS.values() if name in s.gestures),
        tuple(PHRASES[name][0]),
        tuple(SENTENCES.get(name, ())),
        tuple(PHRASES[name][1]),
        tuple(REQUESTS.get(name, ())),
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
        scenario: Where; '' nowhere in particular.
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
    scenario: str | Scenario | None = None,
    seconds: float | None = None,
    divergence: float = 1.0,
) -> Motion:
    """Return a performance of a gesture.

    Args:
        gesture: Name of the gesture.
        weights: (13,) convex mixture over ``emotion.LABELS``.
        rng: Source of every choice.
        scenario: Whose dialect colours it; None for none.
        seconds: Wanted length; None takes the natural one.
        divergence: Strength of the dialect.

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
        effort = find(scenario).dialect.scaled(divergence).colour(effort)
    score = Score(rng, effort)
    CHOREOGRAPHIES[gesture].write(score)
    return play(score, seconds)


def sample(
    rng: np.random.Generator, scenario: str | None = None, protocol: Protocol = SHIPPED
) -> Sample:
    """Draw a gesture, a feeling, words for both and a performance.

    Seven in ten requests carry a label of intensity 0.4 to 1, one a point or mixture between
    labels, two none: then the body does what the words say, and is neutral where they say nothing.
    Words of feeling that accompany an explicit emotion agree with it, but the explicit one rules.

    Args:
        rng: Source of every choice.
        scenario: Where; '' nowhere in particular, None as the protocol has it.
        protocol: How feelings are dealt out.

    Raises:
        BadRequest: An unknown scenario.
    """
    place, gesture, text, emotion, weights = _request(rng, scenario, protocol)
    motion = synthesise(
        gesture, weights, rng, scenario=place or None, divergence=protocol.divergence
    )
    return Sample(gesture, place, text, emotion, weights, motion)


def sample_request(
    rng: np.random.Generator, scenario: str | None = None, protocol: Protocol = SHIPPED
) -> tuple[str, str]:
    """Return gesture and text of a request as ``sample`` draws it, without its performance."""
    _, gesture, text, _, _ = _request(rng, scenario, protocol)
    return gesture, text


def _request(
    rng: np.random.Generator, scenario: str | None, protocol: Protocol
) -> tuple[str, str, str, Emotion | None, NDArray[np.float64]]:
    """Draw scenario, gesture, text, emotion and what the body shows of it."""
    if scenario is None:
        general = rng.random() < protocol.general
        scenario = '' if general else str(rng.choice(list(SCENARIOS)))
    gesture = str(rng.choice(find(scenario).gestures if scenario else sorted(GESTURES)))
    label = protocol.draw(gesture, rng)
    kind = rng.random()
    spoken: str | None = None
    emotion: Emotion | None = None
    if kind < 0.7:
        emotion = Emotion(label, intensity=round(float(rng.uniform(0.4, 1.0)), 2))
        spoken = label if rng.random() < 0.35 else None
    elif kind < 0.8:
        emotion = _between(label, gesture, rng, protocol)
    else:
        spoken = label if rng.random() < 0.6 else None
    weights = (emotion or Emotion(spoken or 'neutral', intensity=0.85)).weights()
    text = caption(gesture, spoken, rng, scenario or None)
    return scenario, gesture, text, emotion, weights


def _between(label: str, gesture: str, rng: np.random.Generator, protocol: Protocol) -> Emotion:
    """Return a point between two labels' coordinates, or anywhere, away from the kept pair."""
    kept = protocol.kept_out(gesture)
    while True:
        first = np.array(Emotion(label).vad)
        second = np.array(Emotion(protocol.draw(gesture, rng)).vad)
        share = rng.random()
        anywhere = rng.random() > 0.6
        point = rng.uniform(-1, 1, 3) if anywhere else share * first + (1 - share) * second
        intensity = round(float(rng.uniform(0.4, 1.0)), 2)
        valence, arousal, dominance = (round(float(v), 3) for v in point)
        emotion = Emotion.from_vad(valence, arousal, dominance, intensity)
        if kept is None or emotion.weights()[LABELS.index(kept)] < 0.25:
            return emotion


def _clip(seed: tuple[int, int], protocol: Protocol) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the features and the description of one clip; the same seed gives the same clip."""
    drawn = sample(np.random.default_rng(seed), None, protocol)
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


def _clips(
    clips: int, seed: int, workers: int, protocol: Protocol
) -> Iterator[tuple[NDArray[Any], dict[str, Any]]]:
    seeds = [(seed, number) for number in range(clips)]
    make = partial(_clip, protocol=protocol)
    if workers <= 1:
        yield from map(make, seeds)
        return
    with multiprocessing.get_context('spawn').Pool(workers) as pool:
        yield from pool.imap(make, seeds, chunksize=16)


def build(
    folder: str | os.PathLike[str],
    clips: int,
    seed: int = 0,
    workers: int = 1,
    protocol: Protocol = SHIPPED,
) -> None:
    """Write a data set: ``features.npy``, ``clips.jsonl`` and ``corpus.json``.

    Each line of ``clips.jsonl`` describes one clip: ``start`` and ``frames`` in the (sum T, 140)
    features, ``gesture``, ``scenario``, ``text``, ``emotion`` (as ``Emotion.parse`` reads it, ''
    where the request names none), ``intensity``, and ``weights``: what the body did.
    ``corpus.json`` holds the seed and the knobs of the protocol.

    Args:
        folder: Created where missing; files in it are replaced.
        clips: How many.
        seed: The same seed gives the same files, whatever the number of workers.
        workers: Processes that share the work.
        protocol: How feelings are dealt out.

    Raises:
        BadRequest: Fewer than one clip.
    """
    if clips < 1:
        raise BadRequest(f'clips is {clips}: expected at least 1')
    target = Path(folder)
    lines = write_features(target, _clips(clips, seed, workers, protocol))
    files.write_json(
        target / 'corpus.json', {'seed': seed, 'clips': clips, 'protocol': protocol.record()}
    )
    write_lines(target, lines)
