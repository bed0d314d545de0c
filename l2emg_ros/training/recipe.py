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
"""The stages of the recipe: what each reads, trains and writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import logging
from pathlib import Path
import time

import torch

from l2emg_ros.bench import evaluator
from l2emg_ros.corpus import GESTURES
from l2emg_ros.errors import BadRequest
from l2emg_ros.experts.router import Router
from l2emg_ros.files import sha256
from l2emg_ros.generator import checkpoint
from l2emg_ros.generator.checkpoint import Model
from l2emg_ros.model.config import LmConfig, TokenizerConfig
from l2emg_ros.text.encoder import MiniLmEncoder
from l2emg_ros.training import base, tokenizer
from l2emg_ros.training.dataset import Batches, Corpus, TextFeatures

_LOG = logging.getLogger(__name__)
TOKENIZER_STEPS, BASE_STEPS, EXPERT_STEPS, EVALUATOR_STEPS = 2200, 2600, 60, 900

# Stage, step, steps, seconds since this run began, figures.
Report = Callable[[str, int, int, float, dict[str, float]], None]


@dataclass
class Stages:
    """Runs stages of the recipe against one model folder and one work folder.

    Attributes:
        model: Model folder that grows from stage to stage.
        work: Folder of the corpus and of the checkpoints.
        seed: Seed of the stage.
        restart: Forget an earlier checkpoint of the stage.
        report: Told about progress.
    """

    model: Path
    work: Path
    seed: int
    restart: bool
    report: Report

    def tokenizer(self, steps: int | None = None) -> None:
        """Train and freeze the tokeniser."""
        count = steps or TOKENIZER_STEPS
        corpus = self._corpus()
        trained = tokenizer.train(
            corpus,
            TokenizerConfig(),
            steps=count,
            seed=self.seed,
            checkpoint=self._checkpoint('tokenizer'),
            report=self._progress('tokenizer', count),
        )
        tokenizer.polish(
            trained,
            corpus,
            steps=max(count // 4, 1),
            seed=self.seed + 1,
            checkpoint=self._checkpoint('polish'),
            report=self._progress('polish', max(count // 4, 1)),
        )
        metrics = tokenizer.evaluate(trained, corpus)
        _LOG.info('tokenizer on validation clips: %s', metrics)
        record = {'seed': self.seed, 'steps': count, 'metrics': metrics, **self._data(corpus)}
        checkpoint.save_tokenizer(self.model, trained, record)

    def evaluator(self, steps: int | None = None) -> None:
        """Train and freeze the judge that reads gestures and emotions in motions."""
        count = steps or EVALUATOR_STEPS
        corpus = self._corpus()
        # Another seed than the generator's: the two must not share initial weights or batches.
        seed = self.seed + 1000
        judge = evaluator.train(
            corpus,
            steps=count,
            seed=seed,
            checkpoint=self._checkpoint('evaluator'),
            report=self._progress('evaluator', count),
        )
        metrics = evaluator.accuracy(judge, corpus)
        _LOG.info('evaluator on validation clips: %s', metrics)
        record = {'seed': seed, 'steps': count, 'metrics': metrics, **self._data(corpus)}
        evaluator.save(judge, self.model.parent / 'evaluator', record)

    def base(self, steps: int | None = None) -> None:
        """Train and freeze backbone, content block and emotion block."""
        count = steps or BASE_STEPS
        corpus, encoder = self._corpus(), MiniLmEncoder()
        texts = TextFeatures(corpus, encoder)
        frozen = checkpoint.load_tokenizer(self.model)
        tokens, sizes = tokenizer.tokenize(frozen, corpus), frozen.config
        model = base.train(
            corpus,
            texts,
            tokens,
            LmConfig(codes=sizes.codes, levels=sizes.levels, gestures=len(GESTURES)),
            steps=count,
            seed=self.seed,
            checkpoint=self._checkpoint('base'),
            report=self._progress('base', count),
        )
        numbers = corpus.split()[1]
        metrics = base.validate(model, Batches(corpus, texts, tokens, numbers, 0), numbers)
        _LOG.info('base on validation clips: %s', metrics)
        record = {'seed': self.seed, 'steps': count, 'metrics': metrics, **self._data(corpus)}
        checkpoint.save_base(self.model, model, encoder.name, record)

    def experts(self, scenario: str = 'all', steps: int | None = None) -> None:
        """Train one scenario's expert, or all in sequence, and make them active.

        Raises:
            BadRequest: The corpus has no such scenario.
        """
        corpus, encoder = self._corpus(), MiniLmEncoder()
        known = sorted({clip['scenario'] for clip in corpus.clips} - {''})
        if scenario not in ('all', *known):
            raise BadRequest(f'unknown scenario {scenario!r}: the corpus has {", ".join(known)}')
        model = checkpoint.load(self.model)
        texts = TextFeatures(corpus, encoder)
        tokens = tokenizer.tokenize(model.tokenizer, corpus)
        for name in known if scenario == 'all' else [scenario]:
            self._expert(name, steps or EXPERT_STEPS, model, corpus, texts, tokens, encoder)

    def _expert(
        self,
        name: str,
        steps: int,
        model: Model,
        corpus: Corpus,
        texts: TextFeatures,
        tokens: list[torch.Tensor],
        encoder: MiniLmEncoder,
    ) -> None:
        """Train, store and activate the expert of one scenario."""
        active = model.registry.active()['active']
        done = self._checkpoint(f'expert-{name}', forget=False)
        if name in active and done.is_file() and not self.restart:
            _LOG.info('expert %s is trained and active', name)
            return
        training, kept = corpus.split(name)
        batches = Batches(corpus, texts, tokens, training, self.seed)
        before = base.validate(model.lm, batches, kept)['nll']
        expert = base.train_expert(
            model.lm,
            batches,
            steps=steps,
            seed=self.seed,
            checkpoint=self._checkpoint(f'expert-{name}'),
            report=self._progress(f'expert {name}', steps),
        )
        after = base.validate(model.lm, batches, kept, expert)['nll']
        adapter, slots = checkpoint.expert_tensors(expert)
        manifest = {
            'name': name,
            'scenario': name,
            'parent': None,
            'base_model': model.name,
            'rank': expert.rank,
            'target_modules': expert.names,
            'hashes': model.hashes(),
            'data': {**self._data(corpus), 'scenario_clips': len(training)},
            'training': {'seed': self.seed, 'steps': steps},
            'metrics': {'nll_before': before, 'nll': after},
            'gate': 'none: first version',
        }
        version = model.registry.add(manifest, adapter, slots)
        _LOG.info('expert %s@%s: nll %.3f -> %.3f', name, version, before, after)
        chosen = {k: (v['name'], v['version']) for k, v in active.items()}
        chosen[name] = (name, version)
        router = self._router(model, corpus, name, encoder)
        model.registry.activate(chosen, router, model.hashes()['emotion'])

    @staticmethod
    def _router(model: Model, corpus: Corpus, scenario: str, encoder: MiniLmEncoder) -> Router:
        """Add a scenario to the active router and calibrate it on every scenario's kept texts."""
        router = model.registry.router() or Router(encoder.width)
        if scenario not in router.scenarios:
            training, _ = corpus.split(scenario)
            router.learn(scenario, [corpus.clips[n]['text'] for n in training], encoder)
        kept = {
            name: [corpus.clips[n]['text'] for n in corpus.split(name)[1]]
            for name in router.scenarios
        }
        router.calibrate({name: texts for name, texts in kept.items() if texts}, encoder)
        return router

    def _corpus(self) -> Corpus:
        """Open the corpus of the work folder."""
        return Corpus.load(self.work / 'corpus')

    @staticmethod
    def _data(corpus: Corpus) -> dict[str, object]:
        """Return what a card says about the data."""
        digest = sha256(corpus.folder / 'clips.jsonl')
        return {**corpus.origin, 'clips': len(corpus.clips), 'clips_sha256': digest}

    def _checkpoint(self, stage: str, forget: bool = True) -> Path:
        """Return the checkpoint of a stage, removed first where a restart is asked for."""
        path = self.work / f'{stage}.ckpt'
        if self.restart and forget:
            path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _progress(self, stage: str, steps: int) -> Callable[[int, dict[str, float]], None]:
        """Return a reporter for one stage."""
        began = time.monotonic()

        def report(step: int, figures: dict[str, float]) -> None:
            self.report(stage, step, steps, time.monotonic() - began, figures)

        return report
