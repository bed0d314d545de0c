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
"""A scenario as files: rows of motion, text, emotion and intensity."""

from __future__ import annotations

from collections.abc import Iterator
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.generator.request import Request
from l2emg_ros.learning.lessons import Example, Lessons
from l2emg_ros.lifelong import demonstration
from l2emg_ros.model.tokenizer import FRAMES_PER_TOKEN, MotionTokenizer
from l2emg_ros.motion import features
from l2emg_ros.motion.motion import Motion

SHORTEST = 8
"""Tokens of the shortest motion that teaches anything: about a second."""
_SUFFIXES = ('.npz', '.bvh', '.npy')
# Wrong rows that are named; of more it is said how many.
_TOLD = 5


@torch.no_grad()
def spoken(tokenizer: MotionTokenizer, motion: Motion, longest: int) -> Tensor:
    """Return the (L, levels) tokens of a motion.

    Raises:
        BadRequest: It is shorter than a gesture, or longer than ``longest`` tokens.
    """
    fitted = motion if motion.fps == features.FPS else motion.resample(features.FPS)
    rows = torch.from_numpy(features.encode(fitted))[None].to(tokenizer.std.device)
    tokens = tokenizer.encode(rows)[0].cpu()
    if not SHORTEST <= len(tokens) <= longest:
        least, most = (FRAMES_PER_TOKEN * n / features.FPS for n in (SHORTEST, longest))
        raise BadRequest(
            f'motion lasts {motion.duration:.1f} s: expected {least:.1f} to {most:.1f} s'
        )
    return tokens


def read(
    path: str | os.PathLike[str], tokenizer: MotionTokenizer, longest: int, robot: str = ''
) -> Lessons:
    """Return the examples of a scenario.

    Args:
        path: A ``.jsonl`` file; or a folder with some, or with motion files that say in themselves
            what they show (``text``, ``emotion``, ``intensity``). Trajectories of robots are
            taken as the motions of people that they stand for.
        tokenizer: Of the model that is to learn.
        longest: Tokens of the longest motion that it can learn.
        robot: Of trajectories that do not name a shipped one: a shipped name or a map file.

    Raises:
        BadRequest: A row or a motion cannot be used; nothing is learned from half a scenario. It
            names every one.
    """
    root = Path(path)
    if not root.exists():
        raise BadRequest(f'{root} does not exist: expected a scenario folder or a .jsonl file')
    examples, wrong = [], []
    for name, row, where in _rows(root):
        try:
            examples.append(_example(name, row, tokenizer, longest, robot))
        except (L2EmgError, OSError) as error:
            wrong.append(f'{where}: {" ".join(str(error).split())}')
    if wrong:
        more = f'; and {len(wrong) - _TOLD} more' if len(wrong) > _TOLD else ''
        raise BadRequest('; '.join(wrong[:_TOLD]) + more)
    if not examples:
        raise BadRequest(f'{root} holds no motions: expected rows of motion, text and emotion')
    return Lessons(tuple(examples))


def _example(name: str, row: Any, tokenizer: MotionTokenizer, longest: int, robot: str) -> Example:
    """Return the example of a row.

    Raises:
        L2EmgError: The row or its motion cannot be used.
        OSError: The motion cannot be read.
    """
    if isinstance(row, BadRequest):
        raise row
    motion = demonstration.load_for(robot, row['motion'])
    text = row.get('text') or motion.text
    if not isinstance(text, str):
        raise BadRequest(f'text is {text!r}: expected what to do, in words')
    emotion = Emotion.parse(row.get('emotion', motion.emotion), _intensity(row, motion.intensity))
    Request(text, emotion)
    return Example(name, text, emotion, spoken(tokenizer, motion, longest))


def _intensity(row: dict[str, Any], given: float) -> float:
    """Return the intensity of a row.

    Raises:
        BadRequest: It is no number.
    """
    value = row.get('intensity', given)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f'intensity is {value!r}: expected a number in [0, 1]')
    return float(value)


def _rows(root: Path) -> Iterator[tuple[str, Any, str]]:
    """Yield name, row with the path of its motion or what is wrong with it, and where it is.

    Raises:
        BadRequest: A file cannot be read.
    """
    listed = [root] if root.is_file() else sorted(root.glob('*.jsonl'))
    if not listed:
        for path in sorted(root.iterdir()):
            if path.suffix.lower() in _SUFFIXES:
                yield path.name, {'motion': path}, str(path)
        return
    for file in listed:
        try:
            lines = file.read_text('utf-8').split('\n')
        except (OSError, ValueError) as error:
            raise BadRequest(f'{file} cannot be read: {error}') from None
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f'{file.name}:{number}', _row(line, file.parent), f'{file}:{number}'


def _row(line: str, folder: Path) -> dict[str, Any] | BadRequest:
    """Return a row with the path of its motion, or what is wrong with it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadRequest(f'is not valid JSON: {error}')
    if not isinstance(row, dict) or not isinstance(row.get('motion'), str):
        return BadRequest('expected an object with motion, text and emotion')
    return {**row, 'motion': folder / row['motion']}
