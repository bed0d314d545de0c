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
"""Does the router find the scenario that nobody names, and notice one that it does not know?"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from l2emg_ros.bench import continual
from l2emg_ros.corpus import sample_request, SCENARIOS, UNSEEN
from l2emg_ros.corpus.language import GENERAL_PEOPLE
from l2emg_ros.corpus.scenarios import Scenario
from l2emg_ros.errors import ModelNotLoaded
from l2emg_ros.generator.generator import EmpathicGenerator

_PROMPTS = 100


def measure(generator: EmpathicGenerator, prompts: int = _PROMPTS) -> dict[str, Any]:
    """Return routing accuracy, its ceiling and how well unseen scenarios stand out.

    Args:
        generator: Whose router is asked.
        prompts: Requests of each scenario, known or not, drawn as the corpus draws them.

    Raises:
        ModelNotLoaded: The model has no router.
    """
    hits: list[bool] = []
    best: list[float] = []
    known: list[float] = []
    for place in SCENARIOS:
        rng = np.random.default_rng((11, len(hits)))
        for gesture, text in (sample_request(rng, place) for _ in range(prompts)):
            route = generator.route(text)
            if route is None:
                raise ModelNotLoaded(f'{generator.name} has no router: train its experts')
            hits.append(route.scenarios[0] == place)
            best.append(_certainty(gesture, text))
            known.append(1 - route.novelty_p_value)
    novel: dict[str, list[float]] = {}
    for place in UNSEEN:
        rng = np.random.default_rng((12, len(novel)))
        texts = [sample_request(rng, place)[1] for _ in range(prompts)]
        routes = [generator.route(text) for text in texts]
        novel[place] = [1 - route.novelty_p_value for route in routes if route is not None]
    accuracy, ceiling = float(np.mean(hits)), float(np.mean(best))
    rng = np.random.default_rng(0)
    return {
        'prompts': len(hits),
        'accuracy': accuracy,
        'ceiling': ceiling,
        'share_of_ceiling': accuracy / ceiling,
        'unseen': {
            place: {
                'auroc_prompt': continual.auroc(known, scores),
                'auroc_16': float(
                    np.mean([continual.pooled_auroc(known, scores, rng) for _ in range(20)])
                ),
            }
            for place, scores in novel.items()
        },
    }


def _certainty(gesture: str, text: str) -> float:
    """Return the chance of one who knows how the corpus draws to name the scenario right.

    A scenario comes into question where the gesture is made and the text's people, places, things
    and goals occur; those that several scenarios share do not tell them apart.
    """
    said = _terms(text)
    fitting = [
        place
        for place in SCENARIOS.values()
        if gesture in place.gestures and said <= set(_vocabulary(place))
    ]
    # A template's own words may be another scenario's; then they tell nothing.
    fitting = fitting or [place for place in SCENARIOS.values() if gesture in place.gestures]
    shares = [1 / len(place.gestures) for place in fitting]
    return max(shares) / sum(shares)


def _vocabulary(place: Scenario) -> tuple[str, ...]:
    """Return the words that a scenario lends to captions."""
    return (*place.people, *place.places, *place.things, *place.goals)


def _terms(text: str) -> set[str]:
    """Return the scenario words in a text, the longest where one contains another."""
    # Descriptions speak of "their" where commands say "your".
    lower = re.sub(r'\btheir\b', 'your', text.lower())
    terms = {t for place in SCENARIOS.values() for t in _vocabulary(place)} - set(GENERAL_PEOPLE)
    found = {t for t in terms if re.search(rf'\b{re.escape(t.lower())}\b', lower)}
    return {t for t in found if not any(t != other and t in other for other in found)}
