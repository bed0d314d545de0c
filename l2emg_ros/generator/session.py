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
"""One request in progress: an iterator of chunks that can be steered and stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
import torch

from l2emg_ros.emotion import Emotion
from l2emg_ros.generator.request import MAX_SECONDS, MIN_SECONDS, Request
from l2emg_ros.generator.sampling import Decoder, Readings, Sampling, SHORTEST
from l2emg_ros.model.condition import Condition, duration_bucket
from l2emg_ros.model.tokenizer import Cache, FRAMES_PER_TOKEN
from l2emg_ros.motion.features import FPS
from l2emg_ros.motion.finish import Finisher
from l2emg_ros.motion.motion import Motion

if TYPE_CHECKING:
    from l2emg_ros.generator.generator import Snapshot

# The first chunk is short, so that the robot starts moving early; later ones cost fewer messages.
_FIRST_CHUNK, _CHUNK = 2, 3
# Growth of the urge to end with every token beyond the longest of training.
_URGE = 0.5


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of motion; chunks joined end to end are the whole motion.

    Attributes:
        motion: The frames.
        index: Number of the chunk, from 0.
        last: Whether the motion ends with it.
        tokens: (L, levels) int, what the frames were decoded from.
    """

    motion: Motion
    index: int
    last: bool
    tokens: NDArray[np.int64]


class Session:
    """Generates one request; iterate for chunks.

    Attributes:
        experts: Names and versions of the experts in use.
        expert_weights: Their weights.
        novelty_p_value: Small where the text is unlike every known scenario.
        emotion_embedding: (d,) float32, mean of the emotion slots.
        cancelled: Whether the cancel event ended it early.
        seed: Gives the same motion again.
        scenario: The scenario that the text was taken for; '' where it is like none.
        model: Name and version of the model.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        request: Request,
        text: NDArray[np.float32],
        sampling: Sampling,
        cancel: threading.Event | None,
    ) -> None:
        """Prepare; nothing is generated before the first ``next``."""
        self.request, self.cancelled = request, False
        self.experts, self.expert_weights = snapshot.experts, snapshot.expert_weights
        self.novelty_p_value = snapshot.novelty_p_value
        self.scenario, self.model = snapshot.scenario, snapshot.model
        self.seed = request.seed
        if self.seed is None:
            self.seed = int(np.random.default_rng().integers(2**31))
        self._snapshot, self._cancel = snapshot, cancel or threading.Event()
        self._emotion, self._changed = request.emotion, False
        self._text = torch.from_numpy(text).to(snapshot.device)[None]
        generator = torch.Generator().manual_seed(self.seed)
        self._decoder = Decoder(snapshot.lm, generator, sampling)
        self._withheld, self._weights = sampling.readings()
        self._cache: Cache = {}
        self._finisher = Finisher()
        self._spoken: list[list[int]] = []
        self._chunks: list[Chunk] = []
        self.emotion_embedding = np.zeros(snapshot.lm.config.width, dtype=np.float32)

    def set_emotion(self, emotion: Emotion | None) -> None:
        """Change the emotion; the prompt is computed again at the next chunk boundary."""
        self._emotion, self._changed = emotion, True

    def motion(self) -> Motion:
        """Return everything generated so far as one motion."""
        return Motion.concatenate([chunk.motion for chunk in self._chunks])

    def tokens(self) -> NDArray[np.int64]:
        """Return the tokens of everything generated so far, (L, levels)."""
        return np.concatenate([chunk.tokens for chunk in self._chunks])

    def __iter__(self) -> Iterator[Chunk]:
        """Generate; stops early, without a last chunk, when the cancel event is set."""
        wanted = None if self.request.seconds is None else round(self.request.seconds * FPS)
        made = 0
        pending: list[list[int]] = []
        self._prefill(self.request.seconds)
        for token in self._tokens(wanted):
            # A full chunk waits for the next token: only then is it known not to be the last.
            if len(pending) == (_CHUNK if made else _FIRST_CHUNK):
                if self._stopped():
                    return
                yield self._chunk(pending, last=False)
                made += len(pending) * FRAMES_PER_TOKEN
                pending = []
                if self._changed:
                    self._changed = False
                    left = None if wanted is None else max((wanted - made) / FPS, MIN_SECONDS)
                    self._prefill(left, keep=True)
            pending.append(token)
        if not self._stopped():
            frames = None if wanted is None else wanted - made
            yield self._chunk(pending, last=True, frames=frames)

    def _stopped(self) -> bool:
        """Return whether the cancel event is set, and remember it."""
        self.cancelled = self._cancel.is_set()
        return self.cancelled

    def _tokens(self, wanted: int | None) -> Iterator[list[int]]:
        """Yield motion tokens until the motion is over.

        A request longer than the gesture starts the gesture again where the first one ended.
        """
        most = round(MAX_SECONDS * FPS) if wanted is None else wanted
        count = 0
        while count * FRAMES_PER_TOKEN < most:
            left = most - count * FRAMES_PER_TOKEN
            long_enough = len(self._spoken) >= SHORTEST
            worth_more = wanted is None or left >= SHORTEST * FRAMES_PER_TOKEN
            over = len(self._spoken) - self._snapshot.lm.config.longest
            token = self._decoder.next(long_enough and worth_more, _URGE * max(over, 0))
            if token is None:
                if wanted is None:
                    return
                self._prefill(left / FPS)
                continue
            self._spoken.append(token)
            count += 1
            yield token

    def _prefill(self, seconds: float | None, keep: bool = False) -> None:
        """Compute the prompt; with ``keep``, go on from the tokens of the running gesture."""
        if not keep:
            self._spoken = []
        emotion = self._emotion
        mixture = (emotion or Emotion('neutral')).weights()
        device = self._text.device
        condition = Condition(
            text=self._text,
            mask=torch.ones(self._text.shape[:2], dtype=torch.bool, device=device),
            emotion=torch.from_numpy(mixture).float().to(device)[None],
            given=torch.tensor([emotion is not None], device=device),
            duration=torch.tensor([duration_bucket(seconds)], device=device),
        )
        lm, expert = self._snapshot.lm, self._snapshot.expert
        with torch.inference_mode():
            prompts, slots, composed = lm.prompt(
                condition.repeated(len(self._weights)), expert, self._withheld
            )
            self.emotion_embedding = slots.emotion[0].mean(dim=0).cpu().numpy()
        readings = Readings(prompts, slots.steering, composed, self._weights)
        self._decoder.prefill(readings, self._spoken)

    def _chunk(self, tokens: list[list[int]], *, last: bool, frames: int | None = None) -> Chunk:
        """Decode tokens into the next piece of motion."""
        at = torch.tensor([tokens], device=self._text.device)
        with torch.inference_mode():
            features = self._snapshot.tokenizer.decode(at, self._cache)[0].cpu().numpy()
        rotations, translation = self._finisher.push(features[:frames], last=last)
        emotion = self._emotion
        motion = Motion.from_rotations(
            rotations,
            translation,
            FPS,
            text=self.request.text,
            emotion='' if emotion is None else str(emotion),
            intensity=1.0 if emotion is None else emotion.intensity,
            scenario=self.scenario,
            seed=self.seed,
            generator=self.model,
        )
        chunk = Chunk(motion, len(self._chunks), last, np.array(tokens, dtype=np.int64))
        self._chunks.append(chunk)
        return chunk
