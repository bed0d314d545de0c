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
"""What the model performs for many requests at once."""

from __future__ import annotations

import torch

from l2emg_ros.emotion import Emotion
from l2emg_ros.learning.host import Host
from l2emg_ros.learning.performance import performed, performed_by, Prompt

WAVE, BOW = Prompt('wave', Emotion('happy')), Prompt('bow', Emotion('sad'))


def test_a_request_is_performed_alike_whatever_is_beside_it(host: Host) -> None:
    lm = host.model.lm
    alone = performed(lm, host.requests, [BOW, WAVE], None, 3)[1]
    other = lm.new_expert().eval()
    beside = performed_by(lm, host.requests, [BOW, WAVE, BOW], [other, None, other], 3)[1]
    assert torch.equal(alone, beside)


def test_the_same_request_twice_is_performed_twice(host: Host) -> None:
    first, second = performed(host.model.lm, host.requests, [WAVE, WAVE], None, 3)
    assert first.shape != second.shape or not torch.equal(first, second)
