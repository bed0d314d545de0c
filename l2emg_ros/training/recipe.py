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

import dataclasses
import logging
import time

import torch

from l2emg_ros.bench import evaluator
from l2emg_ros.bench.evaluator import Evaluator
from l2emg_ros.corpus import GESTURES
from l2emg_ros.errors import BadRequest
from l2emg_ros.experts.router import Router
from l2emg_ros.generator import checkpoint
from l2emg_ros.generator.checkpoint import Model
from l2emg_ros.model import backbone
from l2emg_ros.model.config import LmConfig, TokenizerConfig
from l2emg_ros.text.backbone import BackboneEncoder
from l2emg_ros.text.encoder import MiniLmEncoder, TextEncoder
from l2emg_ros.training import base, practice, tokenizer
from l2emg_ros.training.dataset import Corpus, TextFeatures
from l2emg_ros.training.practice import Practised, Reader
from l2emg_ros.training.start import begin
from l2emg_ros.training.workshop import Pace, Workshop

_LOG = logging.getLogger(__name__)
TOKENIZER_STEPS, BASE_STEPS, EMOTION_STEPS, EXPERT_STEPS = 2200, 4200, 300, 100
EVALUATOR_STEPS, PRACTICE_STEPS, PRACTICE_ROUNDS = 900, 1000, 3
# Validation clips by which a tokeniser is judged.
_JUDGED = 500


class Stages(Workshop):
    """Runs stages of the recipe against one model folder and one work folder."""

    def tokenizer(self, steps: int | None = None) -> None:
        """Train and freeze the tokeniser."""
        count = steps or TOKENIZER_STEPS
        self._without_experts()
        corpus = self._corpus()
        run = self._run(count, corpus)
        # A restart forgets both states before either is made.
        state, polished = (self._checkpoint(name, run) for name in ('tokenizer', 'polish'))
        trained = tokenizer.train(
            corpus,
            TokenizerConfig(),
            steps=count,
            seed=self.seed,
            checkpoint=state,
            **self._pace(),
            report=self._progress('tokenizer', count),
            device=self.device,
        )
        tokenizer.polish(
            trained,
            corpus,
            steps=max(count // 4, 1),
            seed=self.seed + 1,
            checkpoint=polished,
            batch=self.batch or tokenizer.BATCH,
            report=self._progress('polish', max(count // 4, 1)),
        )
        kept = corpus.split()[1]
        some = kept[:: max(len(kept) // _JUDGED, 1)]
        metrics = tokenizer.evaluate(trained, (torch.from_numpy(corpus.motion(n)) for n in some))
        _LOG.info('tokenizer on validation clips: %s', metrics)
        record = self._record(self.seed, count, corpus, metrics)
        checkpoint.save_tokenizer(self.model, trained, record)

    def evaluator(self, steps: int | None = None) -> None:
        """Train and freeze the judge that reads gestures and emotions in motions."""
        count = steps or EVALUATOR_STEPS
        corpus = self._corpus()
        # Another seed than the generator's: the two must not share initial weights or batches.
        seed = self.seed + 1000
        judge = self._judge('evaluator', corpus, count, seed, self._pace())
        metrics = evaluator.accuracy(judge, corpus)
        _LOG.info('evaluator on validation clips: %s', metrics)
        record = self._record(seed, count, corpus, metrics)
        evaluator.save(judge, self.model.parent / 'evaluator', record)

    def base(self, steps: int | None = None) -> None:
        """Train and freeze backbone, content block and a first emotion block.

        Raises:
            ModelNotLoaded: The directory of the backbone holds none, or no tokenizer.
            BadRequest: The model to start from has another tokeniser or other sizes.
        """
        count = steps or BASE_STEPS
        self._without_experts()
        corpus = self._corpus()
        frozen = checkpoint.load_tokenizer(self.model)
        tokens, sizes = tokenizer.tokenize(frozen.to(self.device), corpus), frozen.config
        config, initial, words = LmConfig(gestures=len(GESTURES)), None, None
        encoder: TextEncoder
        if self.backbone is None:
            encoder = MiniLmEncoder()
        else:
            described, initial, words = backbone.pretrained(self.backbone)
            # The model folder stays as it is until there is something to put into it.
            BackboneEncoder.save(self.backbone, words, self.work / checkpoint.WORDS)
            encoder = BackboneEncoder(self.work / checkpoint.WORDS)
            width = words.shape[1]
            heads = described.get('num_attention_heads', config.heads)
            config = dataclasses.replace(
                config, backbone=described, width=width, text_width=width, heads=heads, words=True
            )
        config = dataclasses.replace(config, codes=sizes.codes, levels=sizes.levels)
        texts = self._texts(corpus, encoder)
        training, kept = corpus.general()
        config = dataclasses.replace(config, longest=max(len(tokens[n]) for n in training))
        digest = checkpoint.card(self.model)['files'][checkpoint.TOKENIZER]
        start, begun = (None, {}) if self.start is None else begin(self.start, config, digest)
        run = self._run(count, corpus, encoder.name, digest, *begun.values())
        model = base.train(
            self._batches(corpus, texts, tokens, training),
            config,
            steps=count,
            seed=self.seed,
            checkpoint=self._checkpoint('base', run),
            **self._pace(),
            report=self._progress('base', count),
            initial=initial,
            start=start,
        )
        metrics = base.validate(model, self._batches(corpus, texts, tokens, kept), kept)
        _LOG.info('base on validation clips: %s', metrics)
        record = self._record(self.seed, count, corpus, metrics, start=begun)
        checkpoint.save_words(self.model, self.backbone, words)
        checkpoint.save_base(self.model, model, encoder.name, record)

    def practice(self, steps: int | None = None, rounds: int | None = None) -> None:
        """Let the base perform what the corpus lacks, train it on what can be read, and again.

        Args:
            steps: Of each round.
            rounds: In all; those that the model has been through are not repeated.

        Raises:
            BadRequest: The model has experts, or its emotion block is trained: practice follows
                the base; nothing is lacking; or the backbone reads words.
        """
        corpus, model, texts, tokens = self._after_base()
        if model.lm.config.words:
            # Prompts of several lengths cannot be performed together.
            raise BadRequest('the backbone reads the words: only one that does not can practise')
        while len(been := _rounds(model)) < (rounds or PRACTICE_ROUNDS):
            self._round(been, steps or PRACTICE_STEPS, model, corpus, texts, tokens)
            model = checkpoint.load(self.model, self.device)
        _LOG.info('%s has been through %d rounds of practice', self.model, len(been))

    def _after_base(self) -> tuple[Corpus, Model, TextFeatures, list[torch.Tensor]]:
        """Open what the stages between the base and the experts train and learn from.

        Raises:
            BadRequest: The model has experts, or its emotion block is trained.
        """
        self._without_experts()
        corpus, model = self._corpus(), checkpoint.load(self.model, self.device)
        if 'emotion' in model.card['training']:
            raise BadRequest(
                f'the emotion block of {self.model} is trained: run `l2emg train base` again to '
                'get back to where it started'
            )
        texts = self._texts(corpus, checkpoint.encoder(self.model))
        return corpus, model, texts, tokenizer.tokenize(model.tokenizer, corpus)

    def _round(
        self,
        been: list[dict[str, int]],
        steps: int,
        model: Model,
        corpus: Corpus,
        texts: TextFeatures,
        tokens: list[torch.Tensor],
    ) -> None:
        """Go through one round of practice after those that the model has been through."""
        seed, began = self.seed + len(been), time.monotonic()
        training, kept = corpus.general()
        run = self._run(steps, corpus, *model.hashes().values())
        state = self._checkpoint('practice', run)
        motions = state.with_suffix('.motions')
        if self.restart:
            motions.unlink(missing_ok=True)
        before = self._practised(model)
        wanted = practice.lacking([*(corpus.clips[n] for n in training), *before.clips])

        def report(done: int, of: int, figures: dict[str, float]) -> None:
            self.report('perform', done, of, time.monotonic() - began, figures)

        def practised() -> Practised:
            read = self._reader(corpus, model)
            return practice.practise(
                model.lm,
                corpus,
                texts,
                wanted,
                read,
                seed,
                together=self.batch or practice.TOGETHER,
                before=before,
                report=report,
            )

        made = practice.kept_in(motions, practised)
        both, longer, own = made.joined(corpus, tokens)
        trained = base.train(
            self._batches(both, texts, longer, [*training, *own]),
            model.lm.config,
            steps=steps,
            seed=seed,
            checkpoint=state,
            **self._pace(),
            report=self._progress('practice', steps),
            start=model.lm.state_dict(),
        )
        metrics = base.validate(trained, self._batches(corpus, texts, tokens, kept), kept)
        _LOG.info('practised base on validation clips: %s', metrics)
        this = {'steps': steps, 'performed': made.tried, 'kept': len(made.clips)}
        record = self._record(
            seed, steps, corpus, metrics, rounds=[*been, this], motions=motions.name
        )
        encoder, first = model.card['text_encoder'], model.card['training']['base']
        checkpoint.save_base(self.model, trained, encoder, first, record)

    def _reader(self, corpus: Corpus, model: Model) -> Reader:
        """Train what sorts performances, or take what an earlier round has trained.

        It is built like the evaluator, but knows neither its data nor its seed.
        """
        judge = self._judge('reader', corpus, practice.READER_STEPS, self.seed + 500)
        return practice.reader(judge, model.tokenizer)

    def _judge(
        self, stage: str, corpus: Corpus, steps: int, seed: int, pace: Pace | None = None
    ) -> Evaluator:
        """Train a network that reads gestures and emotions in motions."""
        return evaluator.train(
            corpus,
            steps=steps,
            seed=seed,
            checkpoint=self._checkpoint(stage, self._run(steps, corpus)),
            **(pace or {}),
            report=self._progress(stage, steps),
        )

    def _practised(self, model: Model) -> Practised:
        """Return what the model has practised, as far as the work folder holds it."""
        record = model.card['training'].get('practice')
        if record is None:
            return Practised()
        path = self.work / record['motions']
        if not path.is_file():
            _LOG.warning('%s is not there: trained without what the model has practised', path)
            return Practised()
        return practice.stored(path)

    def emotion(self, steps: int | None = None) -> None:
        """Train and freeze the emotion block and the shared emotion expert.

        Raises:
            BadRequest: The model has experts, or its emotion block is trained: stage 1 starts
                from the block that stage 0 left.
        """
        count = steps or EMOTION_STEPS
        corpus, model, texts, tokens = self._after_base()
        training, kept = corpus.general()
        both, longer, own = self._practised(model).joined(corpus, tokens)
        run = self._run(count, corpus, len(longer), *model.hashes().values())
        base.train_emotion(
            model.lm,
            self._batches(both, texts, longer, [*training, *own]),
            steps=count,
            seed=self.seed,
            checkpoint=self._checkpoint('emotion', run),
            **self._pace(),
            report=self._progress('emotion', count),
        )
        metrics = base.validate(model.lm, self._batches(corpus, texts, tokens, kept), kept)
        _LOG.info('emotion block on validation clips: %s', metrics)
        losses = dataclasses.asdict(base.DECOUPLING)
        record = self._record(self.seed, count, corpus, metrics, losses=losses)
        checkpoint.save_emotion(self.model, model.lm, record)

    def experts(self, scenario: str = 'all', steps: int | None = None) -> None:
        """Train one scenario's expert, or all in sequence, and make them active.

        Raises:
            BadRequest: The corpus has no such scenario.
        """
        corpus, encoder = self._corpus(), checkpoint.encoder(self.model)
        known = sorted({clip['scenario'] for clip in corpus.clips} - {''})
        if scenario not in ('all', *known):
            raise BadRequest(f'unknown scenario {scenario!r}: the corpus has {", ".join(known)}')
        model = checkpoint.load(self.model, self.device)
        texts = self._texts(corpus, encoder)
        tokens = tokenizer.tokenize(model.tokenizer, corpus)
        practised = self._practised(model)
        for name in known if scenario == 'all' else [scenario]:
            self._expert(
                name, steps or EXPERT_STEPS, model, corpus, texts, tokens, practised, encoder
            )

    def _expert(
        self,
        name: str,
        steps: int,
        model: Model,
        corpus: Corpus,
        texts: TextFeatures,
        tokens: list[torch.Tensor],
        practised: Practised,
        encoder: TextEncoder,
    ) -> None:
        """Train, store and activate the expert of one scenario."""
        active = model.registry.active()['active']
        run = self._run(steps, corpus, len(practised.clips), *model.hashes().values())
        plan = {'seed': self.seed, 'steps': steps, **self._pace(), 'run': run}
        if name in active and not self.restart:
            known = model.registry.manifest(name, active[name]['version'])
            if known['training'] == plan:
                _LOG.info('expert %s is trained and active', name)
                return
        training, kept = corpus.split(name)
        if not training:
            raise BadRequest(f'scenario {name!r} has {len(kept)} clips: expected at least 2')
        # What the scenario does not show, its expert must not forget there.
        shown = {corpus.clips[n]['gesture'] for n in training}
        both, longer, own = practised.joined(corpus, tokens)
        other = [n for n in corpus.general()[0] if corpus.clips[n]['gesture'] not in shown]
        other += own
        unseen = self._batches(corpus, texts, tokens, kept)
        before = base.validate(model.lm, unseen, kept)['nll']
        expert = base.train_expert(
            model.lm,
            self._batches(corpus, texts, tokens, training),
            rehearsal=self._batches(both, texts, longer, other) if other else None,
            steps=steps,
            seed=self.seed,
            checkpoint=self._checkpoint(f'expert-{name}', run),
            **self._pace(),
            report=self._progress(f'expert {name}', steps),
        )
        after = base.validate(model.lm, unseen, kept, expert)['nll']
        adapter, slots = checkpoint.expert_tensors(expert)
        manifest = {
            'name': name,
            'scenario': name,
            'parent': None,
            'base_model': model.name,
            'rank': expert.rank,
            'target_modules': expert.names,
            'hashes': model.hashes(),
            'data': {
                **self._data(corpus),
                'scenario_clips': len(training),
                'rehearsed': len(other),
            },
            'training': plan,
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
    def _router(model: Model, corpus: Corpus, scenario: str, encoder: TextEncoder) -> Router:
        """Add a scenario to the active router and calibrate it on every scenario's kept texts."""
        router = model.registry.router() or Router(encoder.width)
        if scenario not in router.scenarios:
            training, _ = corpus.split(scenario)
            router.learn(scenario, [corpus.clips[n]['text'] for n in training], encoder)
        kept = {
            name: [corpus.clips[n]['text'] for n in corpus.split(name)[1]]
            for name in router.scenarios
        }
        router.calibrate(kept, encoder)
        return router


def _rounds(model: Model) -> list[dict[str, int]]:
    """Return the rounds of practice that a model has been through."""
    return list(model.card['training'].get('practice', {}).get('rounds', []))
