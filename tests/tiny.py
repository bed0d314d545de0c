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
"""An untrained two-layer model folder for tests that need a generator but no quality."""

from __future__ import annotations

from pathlib import Path

import torch

from l2emg_ros.experts.registry import Registry
from l2emg_ros.experts.router import Router
from l2emg_ros.generator import checkpoint
from l2emg_ros.model.config import LmConfig, TokenizerConfig
from l2emg_ros.model.language_model import MotionLanguageModel
from l2emg_ros.model.tokenizer import MotionTokenizer
from l2emg_ros.motion import features, rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.text.encoder import MiniLmEncoder, TextEncoder

TEXTS = {
    'reception': ['wave to a visitor', 'bow to a guest', 'welcome a guest at the door'],
    'ward': ['comfort a patient', 'calm down a crying child', 'pat a patient on the back'],
}


def standing() -> torch.Tensor:
    """Return the (140,) features of a person who stands still with the arms down."""
    rotations = torch.zeros(2, 22, 4)
    rotations[..., 3] = 1.0
    rotations[:, 0] = torch.from_numpy(rotation.SMPL_TO_ROS_QUAT)
    for name, angle in (('left_shoulder', -1.2), ('right_shoulder', 1.2)):
        arm = rotation.from_rotvec([0.0, 0.0, angle])
        rotations[:, skeleton.index(name)] = torch.from_numpy(arm)
    motion = Motion.from_rotations(rotations.numpy(), [[0.0, 0.0, 0.92]] * 2, 30)
    return torch.from_numpy(features.encode(motion)[0])


def tiny_model(folder: Path, encoder: TextEncoder | None = None) -> Path:
    """Write a seeded model with two experts that ``EmpathicGenerator.load`` accepts.

    Its motions are small random movements about a standing pose.
    """
    encoder = encoder or MiniLmEncoder()
    torch.manual_seed(0)
    tokenizer = MotionTokenizer(TokenizerConfig(codes=32, width=16, blocks=1))
    for book in tokenizer.codebooks:
        book.codes.normal_()
    tokenizer.mean.copy_(standing())
    tokenizer.std.fill_(0.02)
    checkpoint.save_tokenizer(folder, tokenizer, {'seed': 0})
    lm = MotionLanguageModel(
        LmConfig(codes=32, width=32, layers=2, heads=2, ff=48, dictionary=4, rank=4)
    )
    checkpoint.save_base(folder, lm, encoder.name, {'seed': 0})
    model = checkpoint.load(folder)
    registry, router, chosen = Registry(folder / 'experts'), Router(encoder.width), {}
    for scenario, texts in TEXTS.items():
        expert = model.lm.new_expert()
        for up in expert.up:
            torch.nn.init.normal_(up, std=0.1)
        adapter, slots = checkpoint.expert_tensors(expert)
        manifest = {
            'name': scenario,
            'scenario': scenario,
            'base_model': model.name,
            'rank': lm.config.rank,
            'target_modules': expert.names,
            'hashes': model.hashes(),
            'metrics': {},
        }
        chosen[scenario] = (scenario, registry.add(manifest, adapter, slots))
        router.learn(scenario, texts, encoder)
    router.calibrate(TEXTS, encoder)
    registry.activate(chosen, router, model.hashes()['emotion'])
    return folder
