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
"""What people leave to learn from: logs of encounters and folders of clips, clean or poisoned."""

from __future__ import annotations

from collections.abc import Sequence
import json
import math
from pathlib import Path
import tempfile

import numpy as np
import torch

from l2emg_ros.bench import people
from l2emg_ros.bench.people import Person
from l2emg_ros.bench.stage import Stage, Wish
from l2emg_ros.corpus import Scenario, synthesise
from l2emg_ros.errors import BadRequest
from l2emg_ros.lifelong.interaction import Feedback, Interaction, Outcome
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.motion.motion import Motion

POISONS = ('emotions', 'motions', 'corrections', 'ratings')
"""Clips with shuffled emotions or motions; encounters with random corrections or ratings."""
_BEGAN = 1.7e9


def clips(
    folder: Path, place: Scenario, wanted: Sequence[Wish], seed: int, poison: str = ''
) -> Path:
    """Write a scenario folder: how people of a place perform its requests.

    Args:
        folder: Made where missing.
        place: Whose dialect colours the motions.
        wanted: The requests, a clip each.
        seed: Of the performances and of the poison.
        poison: 'emotions' deals the emotions out anew, 'motions' the motions, each with the
            emotion it shows; '' is as it was.

    Raises:
        BadRequest: ``poison`` is none of these.
    """
    if poison not in ('', 'emotions', 'motions'):
        raise BadRequest(f"poison of clips is {poison!r}: expected '', 'emotions' or 'motions'")
    folder.mkdir(parents=True, exist_ok=True)
    dealt = np.random.default_rng((seed, 8)).permutation(len(wanted))
    texts = dealt if poison == 'motions' else np.arange(len(wanted))
    emotions = dealt if poison == 'emotions' else np.arange(len(wanted))
    rows = []
    for number, wish in enumerate(wanted):
        rng = np.random.default_rng((seed, 9, number))
        motion = synthesise(wish.gesture, wish.emotion.weights(), rng, scenario=place)
        said = wanted[int(emotions[number])].emotion
        name = f'{number:04d}.npz'
        motion.save(folder / name)
        rows.append(
            {
                'motion': name,
                'text': wanted[int(texts[number])].text,
                'emotion': str(said),
                'intensity': said.intensity,
            }
        )
    (folder / 'clips.jsonl').write_text(''.join(f'{json.dumps(row)}\n' for row in rows), 'utf-8')
    return folder


def encounters(
    folder: Path,
    stage: Stage,
    person: Person,
    wanted: Sequence[Wish],
    seed: int,
    poison: str = '',
) -> Path:
    """Write a log of what a person said of a model's performances.

    Args:
        folder: Of the log; it must be new.
        stage: Performs.
        person: Watches.
        wanted: The requests.
        seed: Of the performances and of the poison.
        poison: 'corrections' replaces everything that is said by words at random, 'ratings' all
            that is shown by ratings at random; '' is as it was.

    Raises:
        BadRequest: ``poison`` is none of these.
    """
    if poison not in ('', 'corrections', 'ratings'):
        raise BadRequest(
            f"poison of encounters is {poison!r}: expected '', 'corrections' or 'ratings'"
        )
    rng = np.random.default_rng((seed, 10))
    first = stage.perform(wanted, seed)
    again = [n for n in range(len(wanted)) if person.compares(n) and not poison]
    second = dict(zip(again, stage.perform([wanted[n] for n in again], seed + 1), strict=True))
    with tempfile.TemporaryDirectory() as shown, InteractionLog(folder, writer=True) as log:
        for number, wish in enumerate(wanted):
            compares = number in second
            tokens = [first[number], *([second[number]] if compares else [])]
            motions = stage.motions(tokens)
            best = person.prefers(motions, wish.gesture, wish.emotion, number)
            worse = 1 - best if compares else 0
            said = _said(person, motions[worse], wish, number, poison, rng)
            if compares:
                said |= {'preferred_motion_id': f'{number}-{best}'}
                log.add(_entry(wish, number, best, tokens[best], motions[best], {}), ())
            elif person.shows(number) and not poison:
                path = Path(shown, f'{number}.npz')
                person.demonstrate(wish.gesture, wish.emotion, number).save(path)
                said |= {'demonstration': str(path), 'correction': ''}
            log.add(_entry(wish, number, worse, tokens[worse], motions[worse], said), ())
    return folder


def _said(
    person: Person,
    motion: Motion,
    wish: Wish,
    number: int,
    poison: str,
    rng: np.random.Generator,
) -> dict[str, object]:
    if poison == 'ratings':
        return {'rating': float(rng.uniform(-1.0, 1.0))}
    opinion = person.opinion(motion, wish.gesture, wish.emotion, number)
    return {
        'rating': opinion.rating,
        'correction': people.words(rng) if poison == 'corrections' else opinion.correction,
        'human_before': opinion.before,
        'human_after': opinion.after,
        'confidence_before': 0.8,
        'confidence_after': 0.8,
    }


def _entry(
    wish: Wish,
    number: int,
    take: int,
    tokens: torch.Tensor,
    motion: Motion,
    said: dict[str, object],
) -> Interaction:
    name = f'{number}-{take}'
    return Interaction(
        feedback=Feedback(motion_id=name, **said),  # type: ignore[arg-type]
        motion_id=name,
        text=wish.text,
        emotion=wish.emotion,
        tokens=tokens.numpy(),
        seconds=motion.duration,
        recorded=_BEGAN + 10.0 * number + take,
        keep_until=math.inf,
        outcome=Outcome(True),
    )
