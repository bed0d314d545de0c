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
"""Folders, seeds, checkpoints and records that the stages of the recipe share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
from pathlib import Path
import time
from typing import Any, cast, TypedDict
import zlib

import torch

from l2emg_ros.errors import BadRequest
from l2emg_ros.experts.registry import Registry
from l2emg_ros.files import sha256
from l2emg_ros.text.encoder import TextEncoder
from l2emg_ros.training import loop
from l2emg_ros.training.dataset import Batches, Corpus, CPU, TextFeatures
from l2emg_ros.training.wordings import wordings

# Stage, step, steps, seconds since this run began, figures.
Report = Callable[[str, int, int, float, dict[str, float]], None]


class Pace(TypedDict, total=False):
    """Learning rate and size of a batch, where they are told."""

    lr: float
    batch: int


@dataclass
class Workshop:
    """One model folder and one work folder, and how a stage runs against them.

    Attributes:
        model: Model folder that grows from stage to stage.
        work: Folder of the corpus and of the checkpoints.
        seed: Seed of the stage.
        restart: Forget an earlier checkpoint of the stage.
        report: Told about progress.
        sentences: Free sentences of each gesture, and expressions of each emotion, to train on;
            None is all.
        backbone: Hugging Face model directory for the base stage, or None for our own small one.
        device: Where the networks train; the small evaluator always trains on the CPU.
        start: Model folder with whose weights the base stage begins, or None for fresh ones.
        lr: Peak learning rate instead of the stage's own.
        batch: Clips a step instead of the stage's own number.
        until: Value of ``time.monotonic()`` after which a stage stops with `Unfinished`.
    """

    model: Path
    work: Path
    seed: int
    restart: bool
    report: Report
    sentences: int | None = None
    backbone: Path | None = None
    device: torch.device = CPU
    start: Path | None = None
    lr: float | None = None
    batch: int | None = None
    until: float = math.inf

    def _batches(
        self,
        corpus: Corpus,
        texts: TextFeatures,
        tokens: list[torch.Tensor],
        numbers: list[int],
    ) -> Batches:
        """Return batches of some clips where the networks train."""
        return Batches(corpus, texts, tokens, numbers, self.seed, self.device)

    def _texts(self, corpus: Corpus, encoder: TextEncoder) -> TextFeatures:
        """Return the features of every text that a stage reads."""
        return TextFeatures(corpus, encoder, wordings(self.sentences))

    def _corpus(self) -> Corpus:
        """Open the corpus of the work folder."""
        return Corpus.load(self.work / 'corpus')

    def _record(
        self,
        seed: int,
        steps: int,
        corpus: Corpus,
        metrics: dict[str, float],
        **more: object,
    ) -> dict[str, Any]:
        """Return what a card says of a stage."""
        plan = {'seed': seed, 'steps': steps, **self._pace(), **more}
        return {**plan, 'metrics': metrics, **self._data(corpus)}

    @staticmethod
    def _data(corpus: Corpus) -> dict[str, object]:
        """Return what a card says about the data."""
        digest = sha256(corpus.folder / 'clips.jsonl')
        return {**corpus.origin, 'clips': len(corpus.clips), 'clips_sha256': digest}

    def _without_experts(self) -> None:
        """Check that no expert depends on what is about to be trained.

        Raises:
            BadRequest: The model has active experts.
        """
        if Registry(self.model / 'experts').active()['active']:
            raise BadRequest(
                f'{self.model} has experts, trained with the parts before them: remove its '
                'experts folder to train those again'
            )

    def _pace(self) -> Pace:
        """Return learning rate and size of a batch as arguments, if they are told."""
        told = {'lr': self.lr, 'batch': self.batch}
        return cast(Pace, {name: value for name, value in told.items() if value is not None})

    def _run(self, steps: int, corpus: Corpus, *before: object) -> str:
        """Return the identity of a run: what it learns from and what it starts with."""
        data = sha256(corpus.folder / 'clips.jsonl')
        told = (self.seed, steps, self.sentences, self._pace(), data, before)
        return f'{zlib.crc32(repr(told).encode()):08x}'

    def _checkpoint(self, stage: str, run: str) -> Path:
        """Return the checkpoint of a run, removed first where a restart is asked for.

        A stage with other settings is another run, so that no state is continued by mistake.
        """
        path = self.work / f'{stage}-{run}.ckpt'
        if self.restart:
            path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _progress(self, stage: str, steps: int) -> Callable[[int, dict[str, float]], None]:
        """Return a reporter for one stage."""
        began = time.monotonic()

        def report(step: int, figures: dict[str, float]) -> None:
            self.report(stage, step, steps, time.monotonic() - began, figures)
            if step < steps and time.monotonic() > self.until:
                raise loop.Unfinished(f'{stage} has done {step} of {steps} steps')

        return report
