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
"""Corpus folders: every clip's features in one array, one line a clip beside it."""

from __future__ import annotations

from collections.abc import Iterable
import json
from pathlib import Path
from typing import Any, IO

import numpy as np
from numpy.typing import NDArray

from l2emg_ros import files
from l2emg_ros.motion import features


def write_features(
    folder: Path, clips: Iterable[tuple[NDArray[np.float32], dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Write ``features.npy``, one clip in memory at a time.

    Args:
        folder: Created where missing.
        clips: (T, 140) features and a description of each clip.

    Returns:
        The descriptions, each with its ``start`` in the (sum T, 140) features.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, Any]] = []
    start = 0
    with files.atomic_write(folder / 'features.npy') as path, path.open('wb') as file:
        _write_header(file, 0)
        for values, about in clips:
            file.write(np.ascontiguousarray(values, dtype='<f4').tobytes())
            lines.append({'start': start, **about})
            start += len(values)
        file.seek(0)
        _write_header(file, start)
    return lines


def write_lines(folder: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write ``clips.jsonl``; it comes last, for without it the folder is no corpus."""
    with files.atomic_write(folder / 'clips.jsonl') as path:
        path.write_text(''.join(f'{json.dumps(line)}\n' for line in lines), 'utf-8')


def _write_header(file: IO[bytes], rows: int) -> None:
    """Write the header of an array of `rows` features; NumPy leaves room for any number."""
    shape = (rows, features.FEATURE_DIM)
    header = {'descr': '<f4', 'fortran_order': False, 'shape': shape}
    np.lib.format.write_array_header_1_0(file, header)
