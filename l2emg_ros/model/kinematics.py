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
"""Differentiable forward kinematics on model features, for the tokeniser's losses."""

from __future__ import annotations

import torch
from torch import Tensor

from l2emg_ros.motion import skeleton
from l2emg_ros.motion.features import ROTATIONS


def matrices(values: Tensor) -> Tensor:
    """Return (..., 3, 3) rotation matrices of (..., 6) numbers by Gram-Schmidt."""
    first = torch.nn.functional.normalize(values[..., :3], dim=-1)
    rest = values[..., 3:] - (first * values[..., 3:]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(rest, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def joint_positions(features: Tensor) -> Tensor:
    """Return joint positions relative to the heading, the pelvis above the ground origin.

    Args:
        features: (B, T, 140) features as ``motion.features`` defines them.

    Returns:
        (B, T, 22, 3) m.
    """
    local = matrices(features[..., ROTATIONS].unflatten(-1, (len(skeleton.PARENTS), 6)))
    offsets = torch.tensor(skeleton.REST_OFFSETS, dtype=local.dtype, device=local.device)
    ground = torch.zeros_like(features[..., 3:4])
    turned = [local[..., 0, :, :]]
    placed = [torch.cat([ground, ground, features[..., 3:4]], dim=-1)]
    for joint in range(1, len(skeleton.PARENTS)):
        parent = skeleton.PARENTS[joint]
        turned.append(turned[parent] @ local[..., joint, :, :])
        placed.append(placed[parent] + turned[parent] @ offsets[joint])
    return torch.stack(placed, dim=-2)
