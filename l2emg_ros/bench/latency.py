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
"""`l2emg bench latency`: time to the first chunk and speed of generation.

The floor measured in the same run is the time to read the backbone's weights from memory once a
token: no batch-1 decoder can be faster than that.
"""

from __future__ import annotations

import argparse
from pathlib import Path
import time
from typing import Any

import numpy as np
import torch

from l2emg_ros.bench.report import lines
from l2emg_ros.generator.generator import EmpathicGenerator
from l2emg_ros.generator.request import Request
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN
from l2emg_ros.motion.features import FPS

_TEXT = 'wave to greet an old friend who is coming up the stairs'
_SECONDS = 4.0
# Caches and allocators settle in the first two.
_WARM_UP = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--threads', type=int, default=1, help='CPU threads')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures."""
    torch.set_num_threads(args.threads)
    began = time.perf_counter()
    generator = EmpathicGenerator.load(args.model, device=args.device)
    loading = time.perf_counter() - began
    first, total, cpu = [], [], []
    for seed in range(args.repeats + _WARM_UP):
        start, used = time.perf_counter(), time.process_time()
        chunks = iter(generator.open(Request(_TEXT, None, _SECONDS, seed)))
        next(chunks)
        first.append(1e3 * (time.perf_counter() - start))
        for _ in chunks:
            pass
        total.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    token = float(np.median(total[_WARM_UP:])) / (_SECONDS * FPS / FRAMES_PER_TOKEN)
    floor = _read_seconds(generator.backbone_bytes, args.device)
    return {
        'load_s': loading,
        'first_chunk_median_ms': float(np.median(first[_WARM_UP:])),
        'first_chunk_p95_ms': float(np.percentile(first[_WARM_UP:], 95)),
        'total_s': float(np.median(total[_WARM_UP:])),
        'motion_seconds_per_cpu_second': _SECONDS / float(np.median(cpu[_WARM_UP:])),
        'token_ms': 1e3 * token,
        'floor_token_ms': 1e3 * floor,
        'token_over_floor': token / floor,
    }


def table(results: dict[str, Any]) -> str:
    """Return one figure a line."""
    return lines(results)


def _read_seconds(size: int, device: str) -> float:
    """Return the best time of five to read ``size`` bytes of float32 from the device's memory."""
    array = torch.ones(max(size // 4, 1), device=device)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        array.sum().item()
        times.append(time.perf_counter() - start)
    return min(times)
