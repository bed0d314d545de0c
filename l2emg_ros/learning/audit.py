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
"""Whether lessons agree with themselves, before anything is learned from them.

Poisoned or mixed-up data teaches as eagerly as good data does, and what an expert learns from it
looks like progress by its own lights. So it is looked for where it can be seen: in the motions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import pdist, squareform
import torch
from torch import Tensor

from l2emg_ros.bench.evaluator import Evaluator
from l2emg_ros.emotion import Emotion, LABELS
from l2emg_ros.learning.correction import understood
from l2emg_ros.learning.lessons import Example
from l2emg_ros.learning.performance import decoded
from l2emg_ros.learning.verdict import Finding
from l2emg_ros.lifelong.interaction import Interaction
from l2emg_ros.model.tokenizer import MotionTokenizer
from l2emg_ros.text.encoder import MINILM_WIDTH, TextEncoder

# Below so many there is no telling.
_ENOUGH, _MOST = 12, 192
# Corrections below which even three of four that agree are not told from chance at ``_SURE``.
_SAID = 24
_SURE, _LEVEL, _DRAWS = 0.02, 0.002, 999
# Share of named emotions that a reader of motions may see contradicted; it is wrong itself at
# times, and a scenario's own manner confuses it further.
_CONTRADICTED = 0.3
# A reader that doubts a claim so much, and is so sure of something else, contradicts it.
_DOUBT, _ELSE = 0.05, 0.6

Array = NDArray[np.float64]


def audit(
    examples: Sequence[Example],
    interactions: Sequence[Interaction],
    judge: Evaluator,
    tokenizer: MotionTokenizer,
    encoder: TextEncoder,
    seed: int,
) -> list[Finding]:
    """Return what was found out about lessons and the interactions that they come from."""
    rng = np.random.default_rng(seed)
    shown = [example for example in examples if not example.rated]
    return [
        _emotions(shown, judge, tokenizer),
        _requests(shown, judge, tokenizer, encoder, rng),
        _corrections(interactions, tokenizer),
    ]


@torch.no_grad()
def _emotions(
    examples: Sequence[Example], judge: Evaluator, tokenizer: MotionTokenizer
) -> Finding:
    """Ask whether motions show the emotions that they are said to show."""
    named = [e for e in examples if e.emotion is not None and e.emotion.intensity >= 0.4]
    if len(named) < _ENOUGH:
        return _too_few('emotions', len(named), 'motions with a named emotion')
    _, logits = judge(decoded(tokenizer, [example.tokens for example in named]))
    read = logits.softmax(dim=1).double().numpy()
    claimed = np.array([np.argmax(e.emotion.weights()) for e in named if e.emotion is not None])
    own = read[np.arange(len(named)), claimed]
    against = (own < _DOUBT) & (read.max(axis=1) > _ELSE)
    share = float(against.mean())
    worst = [LABELS[label] for label in claimed[against]]
    told = f', most often {max(set(worst), key=worst.count)}' if worst else ''
    return Finding(
        'emotions',
        share <= _CONTRADICTED,
        f'{share:.0%} of {len(named)} motions show another emotion than they are said to{told}: '
        f'expected at most {_CONTRADICTED:.0%}',
    )


@torch.no_grad()
def _requests(
    examples: Sequence[Example],
    judge: Evaluator,
    tokenizer: MotionTokenizer,
    encoder: TextEncoder,
    rng: np.random.Generator,
) -> Finding:
    """Ask whether motions are those that were asked for, or at least alike where requests are.

    The first tells at once where the judge knows the gestures, whatever the emotions; the second
    (Mantel's test) needs more motions, but new gestures pass it too.
    """
    different = {example.text for example in examples}
    if len(different) < _ENOUGH:
        return _too_few('requests', len(different), 'different requests')
    if len(examples) > _MOST:
        examples = [examples[n] for n in rng.choice(len(examples), _MOST, replace=False)]
    texts = np.stack([rows[0] for rows in encoder.encode([e.text for e in examples])])
    rows = decoded(tokenizer, [e.tokens for e in examples])
    # The judge reads sentences through one encoder only.
    known = texts.shape[1] == MINILM_WIDTH
    near = _nearness(texts, examples, rows, judge) if known else np.zeros((0, 0))

    def matched(order: NDArray[np.intp]) -> float:
        return float(near[np.arange(len(order)), order].mean())

    bodies = judge.pooled(rows).numpy()
    words = pdist(texts, 'cosine')
    apart = squareform(pdist(bodies / (bodies.std(axis=0) + 1e-6)))

    def alike(order: NDArray[np.intp]) -> float:
        return float(stats.spearmanr(words, squareform(apart[np.ix_(order, order)])).statistic)

    fit, p_fit = _permuted(matched, len(examples), rng) if known else (0.0, 1.0)
    # Where all are the same there is no correlation.
    differ = bool(words.any() and apart.any())
    found, p_found = _permuted(alike, len(examples), rng) if differ else (0.0, 1.0)
    return Finding(
        'requests',
        min(p_fit, p_found) <= _SURE / 2,
        f'motions are near their requests: {fit:.2f}, p {p_fit:.3f}; like requests have like '
        f'motions: correlation {found:.2f}, p {p_found:.3f}: expected one p at most {_SURE / 2}',
    )


def _nearness(
    texts: NDArray[np.float32],
    examples: Sequence[Example],
    rows: Sequence[Tensor],
    judge: Evaluator,
) -> Array:
    """Return (n, n) cosines of the i-th motion and the j-th words with the i-th emotion."""
    words = torch.from_numpy(texts)
    emotions = np.stack([(e.emotion or Emotion('neutral')).weights() for e in examples])
    placed = judge.motion_features(rows)
    near = [
        judge.request_features(words, emotion.expand(len(words), -1)) @ motion
        for emotion, motion in zip(torch.from_numpy(emotions).float(), placed, strict=True)
    ]
    return np.asarray(torch.stack(near).double().numpy())


def _permuted(
    statistic: Callable[[NDArray[np.intp]], float], size: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return a statistic, and the share of shuffled data that has as large a one."""
    found = statistic(np.arange(size))
    above = sum(statistic(rng.permutation(size)) >= found for _ in range(_DRAWS))
    return found, (above + 1) / (_DRAWS + 1)


def _corrections(interactions: Sequence[Interaction], tokenizer: MotionTokenizer) -> Finding:
    """Ask whether corrections want one thing, or the more of it the less of it there is.

    Pace and size are asked apart, for people may want one quicker and the other smaller; what is
    spoken of most decides.
    """
    wanted: dict[str, list[tuple[Interaction, float]]] = {'pace': [], 'size': []}
    for interaction in interactions:
        asked = understood(interaction.feedback.correction)
        for axis, found in wanted.items():
            change = float(np.log(getattr(asked, axis)))
            if change and len(interaction.tokens):
                found.append((interaction, float(np.sign(change))))
    axis = max(wanted, key=lambda name: len(wanted[name]))
    corrections = wanted[axis]
    if len(corrections) < _SAID:
        return _too_few('corrections', len(corrections), f'corrections of {axis}', _SAID)
    signs = np.array([sign for _, sign in corrections])
    more = int((signs > 0).sum())
    one_way = float(stats.binomtest(more, len(signs)).pvalue)
    levelling = 1.0
    if 0 < more < len(signs):
        moved = _speeds([interaction for interaction, _ in corrections], tokenizer)
        levelling = float(stats.spearmanr(moved, signs, alternative='less').pvalue)
    return Finding(
        'corrections',
        one_way <= _SURE or levelling <= _LEVEL,
        f'{more} of {len(signs)} corrections ask for more {axis}, the others for less, whatever '
        f'the motion was like (p {one_way:.3f}, {levelling:.3f}): expected at most {_SURE} or '
        f'{_LEVEL}',
    )


@torch.no_grad()
def _speeds(interactions: Sequence[Interaction], tokenizer: MotionTokenizer) -> Array:
    """Return (n,) log mean rates of change of the features of the motions."""
    tokens = [torch.from_numpy(np.array(interaction.tokens)) for interaction in interactions]
    moved = [float((row[1:] - row[:-1]).abs().mean()) for row in decoded(tokenizer, tokens)]
    return np.asarray(np.log(np.array(moved) + 1e-9))


def _too_few(name: str, count: int, what: str, enough: int = _ENOUGH) -> Finding:
    return Finding(name, True, f'{count} {what}: too few to tell, {enough} are needed')
