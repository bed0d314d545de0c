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
"""Do requests that nobody has learned from come closer to what people like, and how surely?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.bench.continual import mean_interval
from l2emg_ros.bench.people import DESCRIPTORS, observed, Person
from l2emg_ros.bench.stage import Stage, Wish
from l2emg_ros.generator.request import Request

Array = NDArray[np.float64]
_DRAWS = 10_000


def liked(
    stage: Stage, person: Person, wanted: Sequence[Wish], seeds: Sequence[int], context: str = ''
) -> tuple[Array, Array]:
    """Return how much a person likes performances, and how far off those are.

    Args:
        stage: Performs.
        person: Watches; nothing they say is noisy here.
        wanted: The requests.
        seeds: Of the performances, one of each request a seed.
        context: Where it happens, in words; the router reads it with each request.

    Returns:
        (seeds, n) utilities and (seeds, n, 4) differences from the ideal in standard units.
    """
    served = stage.served([Request(wish.text, context=context).routed for wish in wanted])
    utilities, off = [], []
    for seed in seeds:
        motions = stage.motions(stage.perform(wanted, seed, served))
        pairs = list(zip(motions, wanted, strict=True))
        utilities.append([person.utility(motion, w.gesture, w.emotion) for motion, w in pairs])
        off.append([observed(motion) - person.ideal(w.gesture, w.emotion) for motion, w in pairs])
    return np.array(utilities), np.array(off) / np.array(list(DESCRIPTORS.values()))


def compared(before: tuple[Array, Array], after: tuple[Array, Array], seed: int) -> dict[str, Any]:
    """Return the share of performances that are liked better than before, ties half of one.

    Args:
        before: As of ``liked``.
        after: The same requests and seeds with what was learned.
        seed: Of the bootstrap, which draws requests.
    """
    wins = np.where(after[0] == before[0], 0.5, after[0] > before[0]).mean(axis=0)
    rng = np.random.default_rng(seed)
    draws = wins[rng.integers(len(wins), size=(_DRAWS, len(wins)))].mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return {
        'wins': wins.tolist(),
        'prompts': len(wins),
        'win_rate': float(wins.mean()),
        'interval': [float(low), float(high)],
        'utility_before': float(before[0].mean()),
        'utility_after': float(after[0].mean()),
        'off_before': dict(zip(DESCRIPTORS, before[1].mean(axis=(0, 1)).tolist(), strict=True)),
        'off_after': dict(zip(DESCRIPTORS, after[1].mean(axis=(0, 1)).tolist(), strict=True)),
    }


def summary(people: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the win rates over people: requests are made alone, or with their context."""
    told = {'people': len(people), 'promoted': sum(row['promoted'] for row in people)}
    return told | _rate(people) | {'in_context': _rate([row['in_context'] for row in people])}


def _rate(people: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean win rate over people, with the t-interval where there are several."""
    rates = [row['win_rate'] for row in people]
    wins = np.concatenate([row['wins'] for row in people])
    half = mean_interval(rates)[1] if len(rates) > 1 else float('nan')
    # One request and its person are drawn together: prompts of one person are alike.
    spread = 1.96 * float(wins.std(ddof=1)) / len(wins) ** 0.5
    return {
        'prompts': len(wins),
        'win_rate': float(np.mean(rates)),
        'half_over_people': half,
        'low_over_prompts': float(wins.mean()) - spread,
    }


def table(results: dict[str, Any]) -> str:
    """Return one line a person, from the interval on for requests in context, and the summary."""
    lines = [
        f'{"person":<8}{"promoted":>9}{"learning":>10}{"alone":>8}{"in context":>12}{"95 %":>14}'
        f'{"utility":>16}{"speed off":>16}{"size off":>16}'
    ]
    for row in results['people']:
        found = row['in_context']
        before, after = found['off_before'], found['off_after']
        pairs = [
            (found['utility_before'], found['utility_after']),
            *((before[name], after[name]) for name in list(DESCRIPTORS)[:2]),
        ]
        told = ''.join(f'{f"{a:+.2f} -> {b:+.2f}":>16}' for a, b in pairs)
        promoted, seconds = 'yes' if row['promoted'] else 'NO', row['seconds_learning']
        interval = '[{:.2f}, {:.2f}]'.format(*found['interval'])
        lines.append(
            f'{row["person"]:<8}{promoted:>9}{seconds:>8.0f} s{row["win_rate"]:>8.1%}'
            f'{found["win_rate"]:>12.1%}{interval:>14}{told}'
        )
    mean = results['summary']
    for title, rate in (('requests alone', mean), ('with their context', mean['in_context'])):
        lines.append(
            f'{title}: win rate {rate["win_rate"]:.1%} on {rate["prompts"]} unseen requests of '
            f'{mean["people"]} people (95 %: above {rate["low_over_prompts"]:.1%} over requests'
            + (f', +- {rate["half_over_people"]:.1%} over people)' if mean['people'] > 1 else ')')
            + ', wanted 60 %'
        )
    return '\n'.join(lines)
