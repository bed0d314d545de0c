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
"""Motions that a benchmark measures with: recordings, or performances of the corpus."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
import os
from pathlib import Path

import numpy as np

from l2emg_ros import corpus
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion.motion import Motion

_SUFFIXES = ('.bvh', '.npz', '.npy')


def add_folder(parser: argparse.ArgumentParser, otherwise: str) -> None:
    """Declare the folder of recordings; ``otherwise`` says what is measured without one."""
    parser.add_argument(
        'folder',
        type=Path,
        nargs='?',
        help='folder of recordings, searched in depth; default: bandai1 of L2EMG_MOCAP_DIR, '
        f'else {otherwise}',
    )


def check_count(clips: int, option: str = '--clips') -> None:
    """Check an option that counts clips.

    Raises:
        BadRequest: It is negative.
    """
    if clips < 0:
        raise BadRequest(f'{option} is {clips}: expected 0 or more')


def recordings(folder: Path | None) -> Path | None:
    """Return the folder, or bandai1 of ``L2EMG_MOCAP_DIR``, or None where neither is named."""
    capture = os.environ.get('L2EMG_MOCAP_DIR')
    return folder or (Path(capture) / 'bandai1' if capture else None)


def read(
    folder: Path, count: int = 0, held_out: int = 0, without: Sequence[str] = ()
) -> Iterator[tuple[str, Motion]]:
    """Yield (name, motion) of a folder, searched in depth.

    Args:
        folder: Where BVH, AMASS and HumanML3D files lie.
        count: How many, evenly spread; 0 is all.
        held_out: Leave out those that this ``count`` would give.
        without: Leave out the names that match one of these shell patterns.

    Raises:
        BadRequest: The folder holds no motion, or none is left.
    """
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise BadRequest(f'{folder} holds no motion: expected {", ".join(_SUFFIXES)} files')
    if held_out:
        taken = set(_spread(len(paths), held_out))
        paths = [path for number, path in enumerate(paths) if number not in taken]
    paths = [
        path for path in paths if not any(fnmatchcase(path.stem, pattern) for pattern in without)
    ]
    if not paths:
        raise BadRequest(f'no motion of {folder} is left: expected fewer to be left out')
    for index in _spread(len(paths), count or len(paths)):
        yield paths[index].stem, Motion.load(paths[index])


def _spread(size: int, count: int) -> list[int]:
    """Return up to ``count`` numbers evenly spread from 0 to ``size - 1``."""
    chosen = np.linspace(0, size - 1, min(count, size))
    return [int(index) for index in chosen.round()]


def performed(count: int, seed: int) -> Iterator[tuple[str, Motion]]:
    """Yield (name, motion) as the corpus draws them."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        sample = corpus.sample(rng)
        yield f'{sample.gesture} ({sample.scenario})', sample.motion
