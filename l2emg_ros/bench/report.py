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

"""The file a benchmark leaves: name, commit, machine, configuration, results."""

from __future__ import annotations

from collections.abc import Mapping
import os
from pathlib import Path
import platform
import shutil
import subprocess
from typing import Any

import numpy as np

from l2emg_ros import files

_PATIENCE = 10.0


def write(
    path: str | os.PathLike[str], name: str, config: Mapping[str, Any], results: Any
) -> None:
    """Write one benchmark's JSON object, atomically.

    Args:
        path: File to write.
        name: Name of the benchmark.
        config: What it was asked to do.
        results: What it measured; NumPy values and paths are converted.
    """
    content = {
        'name': name,
        'commit': commit(),
        'machine': machine(),
        'config': plain(config),
        'results': plain(results),
    }
    files.write_json(path, content)


def lines(results: Mapping[str, float]) -> str:
    """Return one figure a line."""
    return '\n'.join(f'{name:<32}{value:.3f}' for name, value in results.items())


def commit() -> str | None:
    """Return the commit of the checkout, ``-dirty`` where files differ; None outside of one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / '.git').exists():
        return None
    return _answer('git', '-C', str(root), 'describe', '--always', '--dirty', '--abbrev=40')


def machine() -> dict[str, Any]:
    """Return the processor, the cores this process may use and the graphics processor."""
    gpus = _answer('nvidia-smi', '--query-gpu=name', '--format=csv,noheader')
    return {'cpu': _cpu(), 'cores': _cores(), 'gpu': gpus.splitlines()[0] if gpus else None}


def plain(value: Any) -> Any:
    """Return a value in terms of JSON; numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _cpu() -> str:
    info = Path('/proc/cpuinfo')
    if info.is_file():
        for line in info.read_text('utf-8', 'replace').splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _answer(*command: str) -> str | None:
    """Return what a program prints, or None where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
