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
"""Captions: the words that ask for a gesture, with or without words of feeling."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
import json
import re

import numpy as np

from l2emg_ros.corpus import (
    phrases_active,
    phrases_extra,
    phrases_more,
    phrases_social,
    phrases_telling,
)
from l2emg_ros.corpus.scenarios import find, Scenario, SCENARIOS
from l2emg_ros.errors import BadRequest

PHRASES: dict[str, tuple[list[str], list[str]]] = {
    **phrases_social.PHRASES,
    **phrases_telling.PHRASES,
    **phrases_active.PHRASES,
    **phrases_extra.PHRASES,
    **phrases_more.PHRASES,
}
"""Training templates and held-out sentences of every gesture."""

SENTENCES: dict[str, list[str]] = json.loads(
    (files('l2emg_ros') / 'data' / 'sentences.json').read_text('utf-8')
)
"""Free training sentences of every gesture, written without knowing the held-out ones."""

REQUESTS: dict[str, list[str]] = json.loads(
    (files('l2emg_ros') / 'data' / 'requests.json').read_text('utf-8')
)
"""Three test requests of every gesture, written without knowing any other sentence."""

GENERAL_PEOPLE = (
    *('someone', 'somebody', 'a friend', 'an old friend', 'a child', 'a stranger', 'everyone'),
    *('a little girl', 'a boy', 'a woman', 'an old man', 'people', 'a colleague', 'your mother'),
)
"""Addressees anywhere; they tell no scenario, also where one has them too."""
_WHO_IS = (
    *('across the room', 'in front of you', 'who has just arrived', 'on the other side'),
    *('nearby', 'who is passing by', 'you know well', 'you have not seen for long', 'over there'),
)

# Adverbs, states and reasons that say how somebody feels.
EMOTION_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    'neutral': (
        ('normally', 'in a neutral way', 'in a matter-of-fact way', 'as usual', 'without emotion'),
        ('neutral', 'neither happy nor sad', 'indifferent'),
        ('as part of the routine', 'as on any other day'),
    ),
    'happy': (
        ('happily', 'cheerfully', 'joyfully', 'with joy', 'merrily', 'with a big smile', 'gladly'),
        ('happy', 'in a good mood', 'full of joy', 'delighted', 'glad', 'cheerful'),
        (
            *('because the sun is shining', 'after hearing good news', 'on your birthday'),
            *('because your friend is finally back', 'because everything went well'),
            *('after a wonderful day', 'because you are so pleased to be here'),
        ),
    ),
    'sad': (
        ('sadly', 'with sorrow', 'mournfully', 'unhappily', 'with a heavy heart', 'gloomily'),
        ('sad', 'heartbroken', 'depressed', 'full of grief', 'down', 'miserable'),
        (
            *('because a dear friend has died', 'after losing everything', 'at the funeral'),
            *('because it is a farewell for ever', 'after hearing terrible news'),
            *('because you miss someone badly', 'after the breakup'),
        ),
    ),
    'angry': (
        ('angrily', 'furiously', 'in anger', 'with rage', 'aggressively', 'in a fit of temper'),
        ('angry', 'furious', 'mad', 'full of rage', 'irritated', 'outraged'),
        (
            *('because somebody insulted you', 'after being cheated', 'after an unfair decision'),
            *('because nobody listens to you', 'because they are late again'),
            *('after a heated argument', 'because someone scratched your car'),
        ),
    ),
    'fearful': (
        ('fearfully', 'anxiously', 'nervously', 'in fear', 'trembling', 'in panic', 'timorously'),
        ('afraid', 'scared', 'terrified', 'anxious', 'frightened', 'nervous'),
        (
            *('because there is a noise in the dark', 'because a big dog is growling'),
            *('as if in great danger', 'after a nightmare', 'because someone is following you'),
            'because the ground is shaking',
        ),
    ),
    'disgusted': (
        ('with disgust', 'in disgust', 'with repulsion', 'with contempt', 'squeamishly'),
        ('disgusted', 'repelled', 'revolted', 'sickened'),
        (
            *('because of the terrible smell', 'because there are insects in the food'),
            *('because it is so dirty here', 'after seeing something rotten'),
            'because the behaviour is revolting',
        ),
    ),
    'surprised': (
        ('in surprise', 'with astonishment', 'in amazement', 'startled', 'in disbelief'),
        ('surprised', 'astonished', 'amazed', 'taken aback', 'stunned'),
        (
            *('because nobody expected this', 'after an unexpected turn', 'all of a sudden'),
            *('because you cannot believe your eyes', 'at a surprise party'),
            'because someone appears out of nowhere',
        ),
    ),
    'proud': (
        ('proudly', 'with pride', 'confidently', 'with the head held high', 'majestically'),
        ('proud', 'confident', 'full of self-esteem', 'like a champion', 'important'),
        (
            *('after winning first prize', 'because your plan has worked', 'like a king'),
            *('because your daughter graduated', 'after a great achievement'),
            'because you built this yourself',
        ),
    ),
    'tired': (
        (
            *('tiredly', 'wearily', 'sleepily', 'without energy', 'sluggishly'),
            'with your last strength',
        ),
        ('tired', 'exhausted', 'sleepy', 'worn out', 'weary', 'drowsy'),
        (
            *('after a long night shift', 'at the end of a long day', 'after running a marathon'),
            *('because you have not slept for days', 'late at night'),
            'after hours of hard work',
        ),
    ),
    'calm': (
        ('calmly', 'peacefully', 'serenely', 'in a relaxed way', 'quietly', 'with composure'),
        ('calm', 'relaxed', 'at peace', 'serene', 'composed'),
        (
            *('after a long meditation', 'on a quiet Sunday', 'because there is no hurry'),
            *('as the sea lies still', 'because all is well', 'on a lazy afternoon'),
        ),
    ),
    'compassion': (
        ('with compassion', 'tenderly', 'gently', 'with sympathy', 'kindly', 'lovingly', 'softly'),
        ('full of compassion', 'sympathetic', 'caring', 'touched by their pain', 'merciful'),
        (
            *('because they are suffering', 'because they have lost someone', 'to ease the pain'),
            *('because you feel sorry for them', 'because they are in tears'),
            'to show that you care',
        ),
    ),
    'excited': (
        ('excitedly', 'enthusiastically', 'full of energy', 'wildly', 'euphorically', 'eagerly'),
        ('excited', 'thrilled', 'euphoric', 'overjoyed', 'full of energy', 'ecstatic'),
        (
            *('because the concert is about to begin', 'after winning the lottery'),
            *('because the holidays start today', 'because your team scored in the last minute'),
            *('because you cannot wait any longer', 'on the roller coaster'),
        ),
    ),
    'shy': (
        ('shyly', 'bashfully', 'timidly', 'with embarrassment', 'hesitantly', 'coyly'),
        ('shy', 'embarrassed', 'insecure', 'bashful', 'self-conscious', 'unsure of yourself'),
        (
            *('because everybody is looking at you', 'on the first day at school'),
            *('because you do not know anybody here', 'after being praised in public'),
            'because you are secretly in love',
        ),
    ),
}
"""By label: adverbs, states and reasons."""

_ALTERNATIVE = re.compile(r'\[([^\[\]]*)\]')
_DOUBLING = (
    *('nod', 'clap', 'hug', 'pat', 'stop', 'step', 'shrug', 'tip', 'put', 'squat', 'sip', 'sob'),
    *('drop', 'get', 'beg', 'wrap', 'tap', 'flag', 'chat', 'hit', 'let', 'rub', 'shed', 'sit'),
    *('slap', 'cup'),
)
_SUBJECTS = ('a person', 'someone', 'the robot', 'a man', 'a woman', 'the person', 'a humanoid')
_REQUESTS = (
    *('please {}', 'can you {}?', 'you should {}', 'the robot should {}', 'now {}'),
    *('could you {}', '{} please', "let's see you {}", 'try to {}', 'I want you to {}'),
)


def caption(
    gesture: str,
    emotion: str | None,
    rng: np.random.Generator,
    scenario: str | Scenario | None = None,
) -> str:
    """Return a sentence that asks for a gesture.

    Args:
        gesture: Name of the gesture.
        emotion: Label that the words express; None leaves feelings out.
        rng: Source of every choice.
        scenario: Where it happens: supplies people, places and things; None speaks generally.

    Raises:
        BadRequest: An unknown gesture, label or scenario.
    """
    if gesture not in PHRASES:
        raise BadRequest(f'unknown gesture {gesture!r}: use one of {", ".join(PHRASES)}')
    if emotion is not None and emotion not in EMOTION_WORDS:
        raise BadRequest(f'unknown emotion {emotion!r}: use one of {", ".join(EMOTION_WORDS)}')
    place = None if scenario is None else find(scenario)
    text = expand(_pick(PHRASES[gesture][0], rng), rng)
    text = _fill(text, place, rng)
    if place is not None and rng.random() < 0.3:
        text = f'{text} {_pick(place.places, rng)}'
    if emotion is not None:
        text = _with_feeling(text, emotion, rng)
    text = _in_form(text, rng)
    if rng.random() < 0.15:
        text = text[:1].upper() + text[1:].removesuffix('?') + ('?' if text[-1] == '?' else '.')
    return text


def expand(template: str, rng: np.random.Generator) -> str:
    """Replace every ``[a|b|c]``, innermost first, by one of its alternatives."""
    while match := _ALTERNATIVE.search(template):
        choice = _pick(match.group(1).split('|'), rng)
        template = template[: match.start()] + choice + template[match.end() :]
    return ' '.join(template.split())


def _pick(options: tuple[str, ...] | list[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _fill(text: str, place: Scenario | None, rng: np.random.Generator) -> str:
    """Put people, things and goals into a template."""
    here = place if place is not None else SCENARIOS[_pick(tuple(SCENARIOS), rng)]
    general = place is None or rng.random() < 0.3
    who = _pick(GENERAL_PEOPLE if general else here.people, rng)
    if rng.random() < 0.15:
        who = f'{who} {_pick(_WHO_IS, rng)}'
    text = text.replace('{who}', who).replace('{thing}', _pick(here.things, rng))
    return text.replace('{goal}', _pick(here.goals, rng))


def _with_feeling(text: str, emotion: str, rng: np.random.Generator) -> str:
    """Add an adverb, a state or a reason."""
    adverbs, states, reasons = EMOTION_WORDS[emotion]
    kind = rng.random()
    if kind < 0.4:
        adverb = _pick(adverbs, rng)
        first = adverb.endswith('ly') and rng.random() < 0.35
        return f'{adverb} {text}' if first else f'{text} {adverb}'
    if kind < 0.7:
        state = _pick(states, rng)
        forms = ('{text}, feeling {s}', '{text} while you are {s}', '{text} because you are {s}')
        return _pick((*forms, '{text}, you are {s}'), rng).format(text=text, s=state)
    return f'{text} {_pick(reasons, rng)}'


def _in_form(text: str, rng: np.random.Generator) -> str:
    """Turn ``<verb>`` marks into a command, a request, a description or a title."""
    kind = rng.random()
    if kind < 0.55:
        return _inflect(text, lambda verb: verb)
    if kind < 0.72:
        return _pick(_REQUESTS, rng).format(_inflect(text, lambda verb: verb))
    told = text.replace('yourself', 'themselves').replace('your ', 'their ')
    told = re.sub(r'\byou are\b', 'they are', told)
    told = re.sub(r'\byou\b', 'they', told)
    if kind < 0.9:
        return f'{_pick(_SUBJECTS, rng)} {_inflect(told, third_person)}'
    return _inflect(told, gerund)


def _inflect(text: str, form: Callable[[str], str]) -> str:
    return re.sub(r'<(\w+)>', lambda match: form(match.group(1)), text)


def third_person(verb: str) -> str:
    """Return the form after he or she."""
    if verb in ('be', 'have', 'do', 'go'):
        return {'be': 'is', 'have': 'has', 'do': 'does', 'go': 'goes'}[verb]
    if verb.endswith(('s', 'sh', 'ch', 'x', 'z')):
        return verb + 'es'
    if verb.endswith('y') and verb[-2] not in 'aeiou':
        return verb[:-1] + 'ies'
    return verb + 's'


def gerund(verb: str) -> str:
    """Return the -ing form."""
    if verb.endswith('e') and not verb.endswith(('ee', 'oe')) and verb != 'be':
        return verb[:-1] + 'ing'
    return (verb + verb[-1] if verb in _DOUBLING else verb) + 'ing'
