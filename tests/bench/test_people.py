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
"""Simulated people: the same by seed, with a taste that what they say gives away."""

from __future__ import annotations

import numpy as np
import pytest

from l2emg_ros.bench import people
from l2emg_ros.bench.people import Person
from l2emg_ros.corpus.effort import Dialect
from l2emg_ros.emotion import Emotion
from l2emg_ros.learning.correction import understood

CALM = Dialect(tempo=0.72, amp=0.85)
HAPPY = Emotion('happy')
GESTURES = ('wave', 'beckon', 'clap', 'explain')


def strangers() -> list[tuple[str, people.Motion]]:
    """Return performances of somebody without any manners."""
    plain = Person(9, Dialect())
    return [(g, plain.demonstrate(g, HAPPY, take)) for g in GESTURES for take in range(4)]


def test_the_same_seed_is_the_same_person() -> None:
    motion = Person(9, Dialect()).demonstrate('wave', HAPPY)
    said = [Person(seed).opinion(motion, 'wave', HAPPY, 3) for seed in (1, 1, 2)]
    assert said[0] == said[1]
    assert said[0] != said[2]
    assert said[0] != Person(1).opinion(motion, 'wave', HAPPY, 4)
    assert Person(1).demonstrate('wave', HAPPY) == Person(1).demonstrate('wave', HAPPY)


def test_what_people_show_is_what_they_like() -> None:
    """One take may be as slow as it likes: what counts is what they show as a rule."""
    person, plain = Person(0, CALM), Person(9, Dialect())
    for gesture in GESTURES:
        own, strange = (
            np.mean(
                [
                    person.utility(who.demonstrate(gesture, HAPPY, 50 + take), gesture, HAPPY)
                    for take in range(6)
                ]
            )
            for who in (person, plain)
        )
        assert own > strange, gesture


def test_the_taste_can_be_recovered_from_ratings() -> None:
    """Of performances in many tempos, those near the hidden one are rated best."""
    person = Person(0, CALM)
    tempos = np.exp(np.linspace(-0.6, 0.3, 7))
    rated = []
    for tempo in tempos:
        player = Person(5, Dialect(tempo=float(tempo), amp=CALM.amp))
        rated.append(
            np.mean(
                [
                    person.opinion(player.demonstrate(g, HAPPY, n), g, HAPPY, n).rating
                    for n, g in enumerate(GESTURES * 2)
                ]
            )
        )
    assert tempos[int(np.argmax(rated))] == pytest.approx(CALM.tempo, abs=0.12)


def test_corrections_point_to_the_taste() -> None:
    person = Person(0, CALM, talkative=1.0, baffling=0.0)
    said = [person.opinion(m, g, HAPPY, n).correction for n, (g, m) in enumerate(strangers())]
    changes = [understood(words).pace * understood(words).size for words in said if words]
    assert len(changes) > len(said) / 2
    assert np.mean([change < 1.0 for change in changes]) > 0.9


def test_some_corrections_cannot_be_understood_and_some_people_say_nothing() -> None:
    baffling = Person(0, CALM, talkative=1.0, baffling=1.0)
    silent = Person(0, CALM, talkative=0.0)
    gesture, motion = strangers()[0]
    said = [baffling.opinion(motion, gesture, HAPPY, n).correction for n in range(8)]
    assert any(said)
    assert not any(understood(words) for words in said)
    assert not any(silent.opinion(motion, gesture, HAPPY, n).correction for n in range(8))


@pytest.mark.parametrize('axis', ['pace', 'size'])
@pytest.mark.parametrize('direction', [1, -1])
def test_words_mean_what_they_are_said_for(axis: str, direction: int) -> None:
    other = {'pace': 'size', 'size': 'pace'}[axis]
    forms = [form for _, told in people._DEGREES for form in told] + list(people._SLIGHTLY)
    for word in people._SAID[axis, direction]:
        for form in forms:
            found = understood(form.format(word))
            assert np.sign(getattr(found, axis) - 1.0) == direction, form.format(word)
            assert getattr(found, other) == 1.0


def test_feelings_and_choices_follow_the_taste() -> None:
    person, gesture = Person(0, CALM), 'beckon'
    motion = Person(9, Dialect(tempo=1.6, amp=1.3)).demonstrate(gesture, HAPPY)
    own = person.demonstrate(gesture, HAPPY, 50)
    assert person.prefers([motion, own], gesture, HAPPY) == 1
    assert person.prefers([own, motion], gesture, HAPPY) == 0

    def change(seen: people.Motion) -> float:
        told = [person.opinion(seen, gesture, HAPPY, number) for number in range(20)]
        return float(np.mean([o.after.valence - o.before.valence for o in told]))

    assert change(own) > change(motion)
    assert all(person.opinion(own, gesture, HAPPY, n).delay > 0.0 for n in range(20))
