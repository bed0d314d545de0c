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
"""EmpathicGenerator: sentences and emotions to motion, whole or streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import os
import threading
from typing import Any

import torch

from l2emg_ros import resources
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.experts.registry import ExpertInfo
from l2emg_ros.experts.router import Route
from l2emg_ros.generator import checkpoint
from l2emg_ros.generator.active import ActiveExperts
from l2emg_ros.generator.checkpoint import Model
from l2emg_ros.generator.request import Request
from l2emg_ros.generator.sampling import Sampling
from l2emg_ros.generator.session import Session
from l2emg_ros.model.expert import ScenarioExpert
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.model.tokenizer import MotionTokenizer
from l2emg_ros.motion.motion import Motion
from l2emg_ros.text.encoder import TextEncoder


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a request in flight reads; never changed, so a swap cannot disturb it."""

    model: str
    lm: MotionLanguageModel
    tokenizer: MotionTokenizer
    expert: ScenarioExpert | None
    experts: tuple[str, ...]
    expert_weights: tuple[float, ...]
    scenario: str
    novelty_p_value: float

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.lm.base_slots.device


class EmpathicGenerator:
    """Hosts a model; one request at a time a thread, any number in flight.

    Attributes:
        sampling: How tokens are drawn.
    """

    def __init__(
        self, model: Model, encoder: TextEncoder, sampling: Sampling | None = None
    ) -> None:
        """Use a loaded model; ``load`` is the usual way in.

        Raises:
            ModelNotLoaded: The model was trained on another text encoder.
        """
        wanted = model.card.get('text_encoder')
        if wanted != encoder.name:
            raise ModelNotLoaded(
                f'{model.folder} reads text through {wanted}: got the encoder {encoder.name}'
            )
        self._model, self._encoder = model, encoder
        self.sampling = sampling or Sampling()
        self._experts = ActiveExperts(model)
        # The text encoder serves one thread at a time.
        self._reading = threading.Lock()

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        device: str = 'auto',
        text_encoder: str | os.PathLike[str] | None = None,
        experts: str | os.PathLike[str] | None = None,
    ) -> EmpathicGenerator:
        """Load a model folder.

        Args:
            path: Model folder; None is the shipped one.
            device: 'cpu', 'cuda' or 'auto' (cuda where there is one).
            text_encoder: Folder of all-MiniLM-L6-v2; None looks in the usual places.
            experts: Folder of learned experts, as in ``registry_for``; None is beside the model.

        Raises:
            ModelNotLoaded: The folder, the device or the text encoder is not there.
            ExpertIntegrityError: A file differs from its recorded hash.
        """
        place = checkpoint.device(device)
        folder = resources.find('models/default') if path is None else path
        model = checkpoint.load(folder, place, experts)
        return cls(model, checkpoint.encoder(folder, place, text_encoder))

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return self._model.name

    @property
    def card(self) -> dict[str, Any]:
        """The contents of ``model.json``."""
        return self._model.card

    @property
    def backbone_bytes(self) -> int:
        """Bytes of weights that one more token reads."""
        return sum(p.nbytes for p in self._model.lm.backbone.parameters())

    def generate(
        self,
        text: str,
        *,
        emotion: str | Sequence[float] | Emotion | None = None,
        intensity: float | None = None,
        seconds: float | None = None,
        seed: int | None = None,
    ) -> Motion:
        """Return a motion at 30 fps that starts at the origin and faces world x.

        Args:
            text: What to do, up to 500 characters.
            emotion: A label, a valence-arousal-dominance triple, or None: the words decide.
            intensity: How strongly, in [0, 1]; 1 if not given.
            seconds: Length in [0.5, 20]; None lets the model decide.
            seed: The same seed gives the same motion; None draws one.

        Raises:
            BadRequest: A value cannot be served.
        """
        session = self.open(Request(text, Emotion.parse(emotion, intensity), seconds, seed))
        for _ in session:
            pass
        return session.motion()

    def stream(
        self,
        text: str,
        *,
        emotion: str | Sequence[float] | Emotion | None = None,
        intensity: float | None = None,
        seconds: float | None = None,
        seed: int | None = None,
    ) -> Iterator[Motion]:
        """Yield the motion that ``generate`` returns in chunks of 6 to 14 frames, in order."""
        request = Request(text, Emotion.parse(emotion, intensity), seconds, seed)
        for chunk in self.open(request):
            yield chunk.motion

    def open(self, request: Request, cancel: threading.Event | None = None) -> Session:
        """Start a request that can be steered and stopped while it runs.

        Args:
            request: What to generate.
            cancel: Set it to stop before the next chunk.
        """
        with self._reading:
            features = self._encoder.encode([request.text])[0]
        return Session(self._snapshot(request), request, features, self.sampling, cancel)

    def experts(self) -> list[ExpertInfo]:
        """Return every expert of the model's registry."""
        return self._model.registry.list()

    def active_experts(self) -> list[str]:
        """Return name and version of the experts in use at this moment."""
        return self._experts.current().names()

    @property
    def experts_error(self) -> str:
        """Why the experts in use are not those of ``active.json``; empty when they are."""
        return self._experts.error

    def reload_experts(self) -> list[str]:
        """Read the active experts again; requests in flight keep theirs.

        A request looks by itself whether ``active.json`` has changed; this says at once whether
        what it names can be used.

        Returns:
            Name and version of every active expert.

        Raises:
            ExpertIntegrityError: One is damaged; the experts in use stay.
        """
        return self._experts.reload().names()

    def route(self, text: str) -> Route | None:
        """Return the scenarios that a text may belong to; None where the model has no router."""
        router = self._experts.current().router
        if router is None:
            return None
        with self._reading:
            return router.route(text, self._encoder)

    def _snapshot(self, request: Request) -> Snapshot:
        """Choose the expert for a request: the most likely scenario's, or none if it is novel."""
        current = self._experts.current()
        expert, names, weights, scenario, novelty = None, ('base',), (1.0,), '', 1.0
        if current.router is not None:
            with self._reading:
                route = current.router.route(request.routed, self._encoder)
            # Where it is '', the emotion expert alone serves what no expert has learned.
            scenario, novelty = route.scenario, route.novelty_p_value
            if scenario:
                chosen = current.loaded[scenario]
                expert, names = chosen.expert, (chosen.name,)
                weights = (route.probabilities[0],)
        return Snapshot(
            self.name,
            self._model.lm,
            self._model.tokenizer,
            expert,
            names,
            weights,
            scenario,
            novelty,
        )
