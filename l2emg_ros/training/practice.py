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
guided; a reader that was trained on the tokens of the corpus alone sorts out what is not read as
both; the rest joins the clips of training (as in RAFT, Dong et al., 2023: rejection sampling, then
training on what was kept).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from l2emg_ros.corpus import GESTURES
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.errors import BadRequest
from l2emg_ros.experts import composition
from l2emg_ros.files import atomic_write
from l2emg_ros.generator.sampling import guided, Sampling, SHORTEST, speak
from l2emg_ros.model.condition import Condition
from l2emg_ros.model.config import LmConfig
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN
from l2emg_ros.training.dataset import Batches, Corpus, TextFeatures, UNKNOWN
from l2emg_ros.training.decoupling import MotionReader

# Clips that every pair of gesture and emotion has in the end, of the corpus or of practice.
LEAST = 16
# Performances for each one that is wanted; what the reader does not recognise is dropped.
_TRIES = 3
READER_STEPS, _READER_BATCH, _READER_WIDTH = 1500, 64, 256
_TOGETHER = 48
# Weak feelings are hard to read, for people and readers alike.
_INTENSITY = (0.7, 1.0)

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

    clips: list[dict[str, Any]]
    tokens: list[Tensor]
    tried: int

    def joined(self, corpus: Corpus, tokens: Sequence[Tensor]) -> tuple[Corpus, list[Tensor]]:
        """Return a corpus and its tokens with the practised clips behind its own."""
        both = dataclasses.replace(corpus, clips=[*corpus.clips, *self.clips])
        return both, [*tokens, *self.tokens]


def kept_in(path: Path, practise: Callable[[], Practised]) -> Practised:
    """Return what an earlier run kept in a file, or practise and keep it there.

    Raises:
        BadRequest: The file is damaged.
    """
    if path.is_file():
        try:
            return Practised(**torch.load(path, weights_only=True))
        except (OSError, EOFError, TypeError, ValueError, RuntimeError, UnpicklingError) as error:
            reason = ' '.join(str(error).split())[:200]
            raise BadRequest(
                f'{path} holds no practised motions ({reason}): remove it or use --restart'
            ) from None
    made = practise()
    with atomic_write(path) as temporary:
        torch.save({f.name: getattr(made, f.name) for f in dataclasses.fields(made)}, temporary)
    return made


def lacking(clips: Sequence[dict[str, Any]], least: int = LEAST) -> list[tuple[str, str]]:
    """Return the pairs of gesture and emotion of which there are too few clips, once a clip.

    Gestures that this package has no sentences for are left out: nothing could ask for them.
    """
    counts = Counter((c['gesture'], LABELS[int(np.argmax(c['weights']))]) for c in clips)
    gestures = sorted({clip['gesture'] for clip in clips} & set(GESTURES))
    emotions = sorted({label for _, label in counts})
    pairs = [(gesture, label) for gesture in gestures for label in emotions]
    return [pair for pair in pairs for _ in range(least - counts[pair])]


@torch.no_grad()
def practise(
    model: MotionLanguageModel,
    corpus: Corpus,
    texts: TextFeatures,
    tokens: Sequence[Tensor],
    numbers: Sequence[int],
    seed: int,
    *,
    least: int = LEAST,
    report: Report | None = None,
) -> Practised:
    """Perform the pairs of which a corpus has too few clips, and keep what can be read.

    Args:
        model: Whose backbone performs.
        corpus: Clips.
        texts: Features of the free sentences.
        tokens: Of every clip of the corpus.
        numbers: Clips of the corpus that are trained on.
        seed: Of every choice.
        least: Clips that every pair shall have.
        report: Told about progress.

    Raises:
        BadRequest: Nothing is lacking, or the backbone reads words: prompts of several lengths
            cannot be performed together.
    """
    if model.config.words:
        raise BadRequest('the backbone reads the words: only one that does not can practise')
    device = model.base_slots.device
    wanted = lacking([corpus.clips[n] for n in numbers], least)
    if not wanted:
        raise BadRequest(f'the corpus has {least} clips or more of every pair: nothing is lacking')
    reader = train_reader(model.config, corpus, tokens, numbers, seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    trials = [_request(*pair, texts, rng) for pair in wanted for _ in range(_TRIES)]
    known = Corpus(corpus.folder, corpus.features, trials, corpus.origin)
    nothing = [tokens[0]] * len(trials)
    requests = Batches(known, texts, nothing, range(len(trials)), seed, device)
    missing = Counter(wanted)
    clips: list[dict[str, Any]] = []
    kept: list[Tensor] = []
    for start in range(0, len(trials), _TOGETHER):
        some = range(start, min(start + _TOGETHER, len(trials)))
        batch = requests.collect(some, rng).to(device)
        condition = dataclasses.replace(
            batch.condition, duration=torch.zeros_like(batch.condition.duration)
        )
        made = perform(model, condition, Sampling(), generator)
        _, gesture, emotion = reader([motion[:, 0] for motion in made])
        label = batch.condition.emotion.argmax(dim=1).cpu()
        right = (gesture.argmax(dim=1) == batch.gesture.cpu()) & (emotion.argmax(dim=1) == label)
        for number, motion, good in zip(some, made, right.tolist(), strict=True):
            pair = wanted[number // _TRIES]
            if good and missing[pair]:
                missing[pair] -= 1
                clips.append(trials[number] | {'frames': FRAMES_PER_TOKEN * len(motion)})
                kept.append(motion)
        if report is not None:
            report(some[-1] + 1, len(trials), {'kept': len(kept) / (some[-1] + 1)})
    return Practised(clips, kept, len(trials))


@torch.enable_grad()
def train_reader(
    config: LmConfig,
    corpus: Corpus,
    tokens: Sequence[Tensor],
    numbers: Sequence[int],
    seed: int,
) -> MotionReader:
    """Return a reader of gesture and emotion, trained on the tokens of some clips of a corpus."""
    torch.manual_seed(seed)
    reader = MotionReader(config.codes, config.gestures, _READER_WIDTH)
    gestures = {name: number for number, name in enumerate(sorted(GESTURES))}
    optimiser = torch.optim.AdamW(reader.parameters(), lr=3e-3)
    pace = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, READER_STEPS)
    for number in range(READER_STEPS):
        chosen = np.random.default_rng((seed, number)).choice(np.array(numbers), _READER_BATCH)
        clips = [corpus.clips[n] for n in chosen]
        gesture = torch.tensor([gestures.get(clip['gesture'], UNKNOWN) for clip in clips])
        emotion = torch.tensor([clip['weights'] for clip in clips], dtype=torch.float32)
        loss, _ = reader.loss([tokens[n] for n in chosen], gesture, emotion)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        pace.step()
    return reader.eval()


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
    generator: torch.Generator,
) -> list[Tensor]:
    """Return the (L, levels) tokens of one performance for each of B requests.

    Args:
        model: Language model.
        condition: B requests, of prompts of one length: the backbone reads no words.
        sampling: How tokens are drawn.
        generator: Random stream.
    """
    withheld, weights = sampling.readings()
    readings, size = len(weights), len(condition.given)
    each = {n: getattr(withheld, n).repeat_interleave(size) for n in ('content', 'emotion')}
    prompts, slots, composed = model.prompt(
        condition.repeated(readings), None, dataclasses.replace(withheld, **each)
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
            chance = torch.rand(size, generator=generator)
            ends = chance < logits.softmax(dim=-1)[:, model.eos].cpu()
            over[ends & (over > count)] = count
            if bool((over <= count).all()):
                break
        codes = speak(model, states, weights, logits, sampling, generator)
        tokens.append(codes)
        spoken = codes.repeat(readings, 1).to(states.device)
        inputs = model.embed(spoken, slots.steering)[:, None]
    made = torch.stack(tokens, dim=1)
    return [row[: int(length)].clone() for row, length in zip(made, over, strict=True)]
