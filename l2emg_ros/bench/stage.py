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
"""A model with its experts that performs many requests at once, the scenario hidden from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from l2emg_ros.bench import evaluator, metrics
from l2emg_ros.corpus import caption, Scenario
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.experts.state import chosen
from l2emg_ros.generator import checkpoint
from l2emg_ros.learning.performance import decoded, performed_by, Prompt, Requests
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.motion.finish import finished
from l2emg_ros.motion.motion import Motion

_TRIES = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """A request, and what it means.

    Attributes:
        text: What to do.
        gesture: Which gesture that is.
        emotion: How.
        named: Whether the text names people, places or things of its scenario.
    """

    text: str
    gesture: str
    emotion: Emotion
    named: bool = False

    @property
    def prompt(self) -> Prompt:
        """The request without its meaning."""
        return Prompt(self.text, self.emotion)


def wishes(place: Scenario, count: int, seed: int, apart: Sequence[Wish] = ()) -> list[Wish]:
    """Return requests of a place, every emotion and gesture about as often.

    Args:
        place: Whose people and things they speak of.
        count: How many.
        seed: Of every choice.
        apart: None of them has the words of one of these; nor of another while there are any.
    """
    rng = np.random.default_rng((seed, 7))
    said = {wish.text.lower() for wish in apart}
    found: list[Wish] = []
    terms = (*place.people, *place.places, *place.things, *place.goals)
    for number in range(count):
        gesture = place.gestures[number % len(place.gestures)]
        for _ in range(_TRIES):
            text = caption(gesture, None, rng, place)
            if text.lower() not in said:
                break
        said.add(text.lower())
        label = LABELS[int(rng.integers(len(LABELS)))]
        intensity = round(float(rng.uniform(0.6, 1.0)), 2)
        named = any(term.lower() in text.lower() for term in terms)
        found.append(Wish(text, gesture, Emotion(label, intensity=intensity), named))
    return found


@dataclass(frozen=True)
class Reading:
    """What a judge reads in performances.

    Attributes:
        emotion: (n,) emotions asked for, numbers of ``LABELS``.
        read: (n,) emotions read.
        content: (n,) whether the gesture was read.
        routed: (n,) scenario that each request was sent to, '' for none.
    """

    emotion: NDArray[np.int64]
    read: NDArray[np.int64]
    content: NDArray[np.bool_]
    routed: list[str]

    @property
    def f1(self) -> float:
        """Weighted F1 of the emotions."""
        return metrics.weighted_f1(self.emotion, self.read)


class Stage:
    """A model and the experts of a registry.

    Args:
        model: Model folder.
        experts: Folder of learned experts, as in ``registry_for``; None is beside the model.
        device: Torch device.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        experts: Path | None = None,
        device: str = 'cpu',
    ) -> None:
        place = checkpoint.device(device)
        self.model = checkpoint.load(model, place, experts)
        self.encoder = checkpoint.encoder(model, place)
        self.requests = Requests(self.encoder, place)
        self.judge = evaluator.load()
        self.reload()

    def reload(self) -> None:
        """Read the active experts again."""
        self.registry = self.model.registry
        active = chosen(self.registry.active())
        self.router = self.registry.router()
        self.experts = {name: self.model.expert(*version) for name, version in active.items()}

    def routed(self, texts: Sequence[str]) -> list[str]:
        """Return the scenario that serves each text, '' for none, as the generator chooses it."""
        if self.router is None:
            return [''] * len(texts)
        return [route.scenario for route in self.router.routes(texts, self.encoder)]

    def served(self, texts: Sequence[str]) -> list[ScenarioExpert | None]:
        """Return the expert that serves each text."""
        return [self.experts.get(name) for name in self.routed(texts)]

    def perform(
        self,
        wanted: Sequence[Wish],
        seed: int,
        served: Sequence[ScenarioExpert | None] | None = None,
    ) -> list[Tensor]:
        """Return the (L, levels) tokens of one performance of each request.

        Args:
            wanted: The requests.
            seed: The same one draws the same numbers for each expert.
            served: Experts; None leaves the choice to the router.
        """
        if served is None:
            served = self.served([wish.text for wish in wanted])
        prompts = [wish.prompt for wish in wanted]
        return performed_by(self.model.lm, self.requests, prompts, served, seed)

    def motions(self, tokens: Sequence[Tensor]) -> list[Motion]:
        """Return the motions that people see when tokens are played."""
        rows = decoded(self.model.tokenizer, tokens)
        return [finished(row.numpy()) for row in rows]

    @torch.no_grad()
    def read(
        self,
        wanted: Sequence[Wish],
        seed: int,
        served: Sequence[ScenarioExpert | None] | None = None,
    ) -> Reading:
        """Perform requests and let the judge read what is shown."""
        tokens = self.perform(wanted, seed, served)
        content, emotion = self.judge(decoded(self.model.tokenizer, tokens))
        gestures = [self.judge.gestures[int(n)] for n in content.argmax(dim=1)]
        return Reading(
            np.array([int(np.argmax(wish.emotion.weights())) for wish in wanted]),
            emotion.argmax(dim=1).numpy(),
            np.array([g == wish.gesture for g, wish in zip(gestures, wanted, strict=True)]),
            self.routed([wish.text for wish in wanted]),
        )


def size(folder: Path) -> int:
    """Return the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())


def resident(pid: int | str = 'self') -> float:
    """Return the resident memory of a process, MB; 0 where the system does not tell."""
    try:
        lines = Path(f'/proc/{pid}/status').read_text('utf-8').splitlines()
    except OSError:
        return 0.0
    found: list[Any] = [line.split()[1] for line in lines if line.startswith('VmRSS:')]
    return float(found[0]) / 1024.0 if found else 0.0
