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
"""Does more emotion look like more, and the way between two emotions like a way?

The same requests are made with growing intensity, and along a line in valence, arousal and
dominance; the judge reads an arousal in each motion, and the ranks of both are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr
import torch

from l2emg_ros.bench.evaluator import Evaluator
from l2emg_ros.cli.progress import progress
from l2emg_ros.corpus import GESTURES
from l2emg_ros.emotion import Emotion, VAD
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion

# Each is asked for by its test sentences.
CONTENTS = ('beckon', 'explain', 'present', 'wave')
STEPS = 6
_AROUSAL = np.array([arousal for _, arousal, _ in VAD.values()])


def ways() -> dict[str, list[Emotion]]:
    """Return the series of emotions, from little arousal to much or the other way round."""
    shares = np.linspace(0.0, 1.0, STEPS)
    tired, excited = np.array(VAD['tired']), np.array(VAD['excited'])
    grown = {
        f'neutral to {label}': [Emotion(label, intensity=float(s)) for s in shares]
        for label in ('excited', 'angry', 'sad', 'tired')
    }
    between = [Emotion.from_vad(*(tired + s * (excited - tired)).tolist()) for s in shares]
    return {**grown, 'tired to excited': between}


@torch.inference_mode()
def arousal(judge: Evaluator, motion: Motion) -> float:
    """Return the arousal in [-1, 1] read in a motion: the mean over the labels, as likely."""
    _, emotion = judge([torch.from_numpy(features.encode(motion))])
    return float(emotion[0].double().softmax(dim=-1).numpy() @ _AROUSAL)


def monotony(commanded: Sequence[float], read: Sequence[float]) -> float:
    """Return Spearman's rank correlation of commanded and read arousal."""
    return float(spearmanr(commanded, read).statistic)


def measure(generator: EmpathicGenerator, judge: Evaluator) -> dict[str, Any]:
    """Return commanded and read arousal along every way and their rank correlation."""
    rows: dict[str, Any] = {}
    for title, emotions in progress(list(ways().items()), 'intensity'):
        read = [
            np.mean(
                [
                    arousal(judge, generator.generate(sentence, emotion=emotion, seed=seed))
                    for name in CONTENTS
                    for seed, sentence in enumerate(GESTURES[name].requests[:2])
                ]
            ).item()
            for emotion in emotions
        ]
        told = [commanded(emotion) for emotion in emotions]
        rows[title] = {'commanded': told, 'read': read, 'spearman': monotony(told, read)}
    return rows


def commanded(emotion: Emotion) -> float:
    """Return the arousal in [-1, 1] that a request asks for: that of its mixture of labels."""
    return float(emotion.weights() @ _AROUSAL)
