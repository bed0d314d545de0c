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
"""Practice: the model performs what its corpus lacks and keeps what can be read in it.

Recordings never have every gesture with every emotion. The model performs the pairs that are rare,
guided, again and again; a reader of motions that was trained on the corpus alone says how surely
they show both; the best join the clips of training (as in RAFT, Dong et al., 2023: training on the
best of several samples). What a round makes easier, the next performs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from l2emg_ros.bench.evaluator import Evaluator
from l2emg_ros.corpus import GESTURES
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.experts import composition
from l2emg_ros.files import atomic_write
from l2emg_ros.generator.sampling import guided, Sampling, SHORTEST, speak
from l2emg_ros.model.condition import Condition
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.training.dataset import Batch, Batches, Corpus, TextFeatures
from l2emg_ros.training.tokenizer import decoded

# Clips that every pair of gesture and emotion has in the end, of the corpus or of practice.
LEAST = 16
# Performances in a wave for each one that is wanted, and waves: what the reader is not sure of is
# tried again.
_TRIES, WAVES = 3, 8
# The reader has never seen the pairs that are missing most and doubts some of them whoever
# performs them. So the best are kept in the end, sure or not, unless they show something else.
_GOOD, _LEAST_GOOD = 0.5, 0.1
READER_STEPS = 900
TOGETHER = 48
# Weak feelings are hard to read, for people and readers alike.
_INTENSITY = (0.7, 1.0)

# From (L, levels) tokens and pairs of gesture and emotion to how surely each motion shows its
# pair, in [0, 1].
Reader = Callable[[Sequence[Tensor], Sequence[tuple[str, str]]], list[float]]
# Performances, of how many, figures.
Report = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class Practised:
    """What came of practice.

    Attributes:
        clips: Records as those of a corpus; they have no features.
        tokens: (L, levels) each.
        tried: Performances.
    """

    clips: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[Tensor] = field(default_factory=list)
    tried: int = 0

    def joined(
        self, corpus: Corpus, tokens: Sequence[Tensor]
    ) -> tuple[Corpus, list[Tensor], range]:
        """Return a corpus and its tokens with the practised clips behind its own, and which."""
        both = dataclasses.replace(corpus, clips=[*corpus.clips, *self.clips])
        longer = [*tokens, *self.tokens]
        return both, longer, range(len(tokens), len(longer))


def stored(path: Path) -> Practised:
    """Read what an earlier run kept in a file.

    Raises:
        BadRequest: The file is damaged.
    """
    try:
        return Practised(**torch.load(path, weights_only=True))
    except (OSError, EOFError, TypeError, ValueError, RuntimeError, UnpicklingError) as error:
        reason = ' '.join(str(error).split())[:200]
        raise BadRequest(
            f'{path} holds no practised motions ({reason}): remove it or use --restart'
        ) from None


def kept_in(path: Path, practise: Callable[[], Practised]) -> Practised:
    """Return what an earlier run kept in a file, or practise and keep it there.

    Raises:
        BadRequest: The file is damaged.
    """
    if path.is_file():
        return stored(path)
    made = practise()
    with atomic_write(path) as temporary:
        torch.save({f.name: getattr(made, f.name) for f in dataclasses.fields(made)}, temporary)
    return made


def lacking(clips: Sequence[dict[str, Any]], least: int = LEAST) -> Counter[tuple[str, str]]:
    """Return how many clips are missing of the pairs of gesture and emotion that have too few.

    Gestures that this package has no sentences for are left out: nothing could ask for them.

    Raises:
        BadRequest: None are missing.
    """
    counts = Counter((c['gesture'], LABELS[int(np.argmax(c['weights']))]) for c in clips)
    gestures = sorted({clip['gesture'] for clip in clips} & set(GESTURES))
    emotions = sorted({label for _, label in counts})
    pairs = [(gesture, label) for gesture in gestures for label in emotions]
    missing = Counter({pair: least - counts[pair] for pair in pairs if counts[pair] < least})
    if not missing:
        raise BadRequest(f'there are {least} clips or more of every pair: nothing is lacking')
    return missing


@torch.no_grad()
def practise(
    model: MotionLanguageModel,
    corpus: Corpus,
    texts: TextFeatures,
    wanted: Counter[tuple[str, str]],
    read: Reader,
    seed: int,
    *,
    together: int = TOGETHER,
    before: Practised | None = None,
    report: Report | None = None,
) -> Practised:
    """Perform pairs of gesture and emotion, and keep the performances that show them best.

    Args:
        model: Whose backbone performs; it reads no words.
        corpus: Clips.
        texts: Features of the free sentences.
        wanted: How many clips of which pairs.
        read: Says how surely motions show pairs.
        seed: Of every choice.
        together: How many are performed at once.
        before: What came of earlier rounds.
        report: Told about progress; of how many grows with the waves.

    Returns:
        What was there before, and what was kept now.
    """
    device, made, missing = model.base_slots.device, before or Practised(), wanted.copy()
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    shown: dict[tuple[str, str], list[_Shown]] = {pair: [] for pair in wanted}
    tried = 0
    for _ in range(WAVES):
        pairs = [pair for pair in missing.elements() for _ in range(_TRIES)]
        trials = [_request(*pair, texts, rng) for pair in pairs]
        known = Corpus(corpus.folder, corpus.features, trials, corpus.origin)
        nothing = [torch.zeros(1, model.config.levels, dtype=torch.long)] * len(trials)
        requests = Batches(known, texts, nothing, range(len(trials)), seed, device)
        for start in range(0, len(trials), together):
            some = range(start, min(start + together, len(trials)))
            batch = requests.collect(some, rng).to(device)
            motions = _performed(model, batch, generator)
            sure = read(motions, [pairs[number] for number in some])
            for number, motion, score in zip(some, motions, sure, strict=True):
                clip = trials[number] | {'frames': FRAMES_PER_TOKEN * len(motion)}
                shown[pairs[number]].append(_Shown(score, clip, motion))
                missing[pairs[number]] -= score >= _GOOD
            tried += len(some)
            if report is not None:
                found = 1.0 - sum(max(left, 0) for left in missing.values()) / wanted.total()
                report(tried, tried + len(trials) - some[-1] - 1, {'found': found})
        if not any(left > 0 for left in missing.values()):
            break
    best = [
        take
        for pair, takes in shown.items()
        for take in sorted(takes, key=lambda take: -take.score)[: wanted[pair]]
        if take.score >= _LEAST_GOOD
    ]
    return Practised(
        [*made.clips, *(take.clip for take in best)],
        [*made.tokens, *(take.tokens for take in best)],
        made.tried + tried,
    )


class _Shown(NamedTuple):
    """A performance, and how surely a reader saw in it what was asked for."""

    score: float
    clip: dict[str, Any]
    tokens: Tensor


def _performed(
    model: MotionLanguageModel, batch: Batch, generator: torch.Generator
) -> list[Tensor]:
    """Return the tokens of one performance of each request, as long as the model likes."""
    length = torch.zeros_like(batch.condition.duration)
    condition = dataclasses.replace(batch.condition, duration=length)
    return perform(model, condition, Sampling(), [generator] * len(length))


def reader(judge: Evaluator, tokenizer: MotionTokenizer) -> Reader:
    """Return a reader of tokens that lets a judge see the motions they stand for."""

    @torch.no_grad()
    def read(motions: Sequence[Tensor], pairs: Sequence[tuple[str, str]]) -> list[float]:
        gesture, emotion = (x.softmax(dim=1) for x in judge(decoded(tokenizer, motions)))
        return [
            float(gesture[row, judge.gestures.index(name)] * emotion[row, LABELS.index(label)])
            for row, (name, label) in enumerate(pairs)
        ]

    return read


def _request(
    gesture: str, label: str, texts: TextFeatures, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the record of a clip that is yet to be performed."""
    emotion = Emotion(label, intensity=round(float(rng.uniform(*_INTENSITY)), 2))
    return {
        'frames': FRAMES_PER_TOKEN,
        'gesture': gesture,
        'scenario': '',
        'text': str(rng.choice(texts.wordings.requests[gesture])),
        'emotion': str(emotion),
        'weights': [round(float(w), 5) for w in emotion.weights()],
    }


@torch.no_grad()
def perform(
    model: MotionLanguageModel,
    condition: Condition,
    sampling: Sampling,
    generators: Sequence[torch.Generator],
    expert: ScenarioExpert | None = None,
) -> list[Tensor]:
    """Return the (L, levels) tokens of one performance for each of B requests.

    Args:
        model: Language model.
        condition: B requests, of prompts of one length: the backbone reads no words.
        sampling: How tokens are drawn.
        generators: Random streams of the B requests: with one of its own, a request is performed
            alike whatever is performed beside it.
        expert: Of a scenario, or None.
    """
    withheld, weights = sampling.readings()
    readings, size = len(weights), len(condition.given)
    each = {n: getattr(withheld, n).repeat_interleave(size) for n in ('content', 'emotion')}
    prompts, slots, composed = model.prompt(
        condition.repeated(readings), expert, dataclasses.replace(withheld, **each)
    )
    weights = weights.to(slots.steering.device)

    cache, inputs = DynamicCache(), torch.stack(prompts)
    tokens: list[Tensor] = []
    over = torch.full((size,), model.config.longest)
    for count in range(model.config.longest):
        with composition.active(composed):
            states = model.backbone(
                inputs_embeds=inputs, past_key_values=cache, use_cache=True
            ).last_hidden_state[:, -1]
        logits = guided(model.head(states), weights)
        if count >= SHORTEST:
            chance = torch.stack([torch.rand((), generator=stream) for stream in generators])
            ends = chance < logits.softmax(dim=-1)[:, model.eos].cpu()
            over[ends & (over > count)] = count
            if bool((over <= count).all()):
                break
        codes = speak(model, states, weights, logits, sampling, generators)
        tokens.append(codes)
        spoken = codes.repeat(readings, 1).to(states.device)
        inputs = model.embed(spoken, slots.steering)[:, None]
    made = torch.stack(tokens, dim=1)
    return [row[: int(length)].clone() for row, length in zip(made, over, strict=True)]
