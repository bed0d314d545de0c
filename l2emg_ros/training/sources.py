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
"""A user's own recordings as a corpus folder, described by one file (`dataset_file`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
import itertools
import logging
import math
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2emg_ros import files
from l2emg_ros.corpus.folder import write_features, write_lines
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest, MotionFormatError
from l2emg_ros.motion import features, io
from l2emg_ros.training import dataset_file, labels
from l2emg_ros.training.dataset_file import Source, SUFFIXES
from l2emg_ros.training.labels import Piece

_LOG = logging.getLogger(__name__)
_SHORTEST = int(features.FPS)  # frames, 1 s

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


@dataclass(slots=True)
class Summary:
    """What became of the recordings.

    Attributes:
        files: Recordings found.
        clips: Clips written.
        seconds: Their length together.
        short: Pieces left out because they last less than 1 s.
        unlabelled: Recordings left out because nothing is said about them.
        failed: One line for each recording left out because it could not be read.
        styles: Styles that stand for no emotion.
        commercial: Whether every source permits commercial use.
    """

    files: int = 0
    clips: int = 0
    seconds: float = 0.0
    short: int = 0
    unlabelled: int = 0
    failed: list[str] = field(default_factory=list)
    styles: set[str] = field(default_factory=set)
    commercial: bool = True


@dataclass(frozen=True, slots=True)
class _Recording:
    """A motion file, the number of its source, its frame rate if told, and what it shows."""

    path: Path
    name: str
    source: int
    fps: float | None
    pieces: tuple[Piece, ...]


def build(
    dataset: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    workers: int = 1,
    progress: Progress | None = None,
) -> Summary:
    """Write the recordings that a file describes as a corpus folder, at 30 fps.

    ``features.npy`` and ``clips.jsonl`` are as ``corpus.build`` writes them. Each line also has
    ``captions`` (``text`` is one of them), ``source`` (its number) and ``file``. ``corpus.json``
    names sources and licences, and says with ``commercial`` whether all permit commercial use.

    Args:
        dataset: The file, usually ``dataset.yaml``.
        folder: Created where missing; files in it are replaced.
        workers: Processes that share the work; their number does not change the result.
        progress: Passes items through and shows how far the work is, as ``cli.progress`` does.

    Raises:
        BadRequest: The file is not valid, or no recording can be used.
        OSError: The file cannot be read or the folder not written.
    """
    described, target = dataset_file.load(dataset), Path(folder)
    summary = Summary(commercial=all(source.commercial for source in described.sources))
    try:
        recordings = list(_recordings(described.sources, summary))
        motions: Iterable[NDArray[np.float32] | str] = _loaded(recordings, workers)
        if progress is not None:
            motions = progress(motions, 'read motion', len(recordings))
        limit = int(described.seconds * features.FPS)
        clips = _clips(zip(recordings, motions, strict=True), limit, summary)
        lines = write_features(target, clips)
    except BadRequest as error:
        raise BadRequest(f'{described.path}: {error}') from None
    # Before the lines, which make it a corpus: never is there one without its licences.
    files.write_json(
        target / 'corpus.json',
        {
            'clips': summary.clips,
            'commercial': summary.commercial,
            'sources': [
                {
                    'path': source.path,
                    'licence': source.licence,
                    'commercial': source.commercial,
                    'clips': sum(line['source'] == number for line in lines),
                }
                for number, source in enumerate(described.sources)
            ],
        },
    )
    write_lines(target, lines)
    return summary


def _recordings(sources: Sequence[Source], summary: Summary) -> Iterator[_Recording]:
    """Yield the recordings that something is said about."""
    seen: set[Path] = set()
    for number, source in enumerate(sources):
        where = f'sources[{number}]'
        try:
            rows = labels.read_table(source.labels)
        except BadRequest as error:
            raise BadRequest(f'{where}.labels: {error}') from None
        found = [path for path in _found(source, f'{where}.files') if path.resolve() not in seen]
        if not found:
            raise BadRequest(
                f'{where}.files is {list(source.files) or "left out"}: expected motion files '
                f'in {source.folder} that no source above has'
            )
        seen.update(path.resolve() for path in found)
        summary.files += len(found)
        for path in found:
            try:
                pieces = labels.describe(source, path, rows)
            except MotionFormatError as error:
                _fail(summary, str(error))
                continue
            except BadRequest as error:
                raise BadRequest(f'{where}.captions: {error}') from None
            summary.unlabelled += not pieces
            name = path.relative_to(source.folder).as_posix()
            if pieces:
                yield _Recording(path, name, number, source.fps, tuple(pieces))


def _found(source: Source, where: str) -> list[Path]:
    """Return the motion files of a source, sorted."""
    try:
        paths = {path for glob in source.files or ('**/*',) for path in source.folder.glob(glob)}
    except (ValueError, NotImplementedError) as error:
        raise BadRequest(f'{where} is {list(source.files)}: {error}') from None
    return sorted(p for p in paths if p.suffix.lower() in SUFFIXES and p.is_file())


def _fail(summary: Summary, message: str) -> None:
    _LOG.warning('left out: %s', message)
    summary.failed.append(message)


def _load(recording: _Recording) -> NDArray[np.float32] | str:
    """Return the (T, 140) features of a recording, or a line that says what is wrong with it."""
    try:
        motion = io.load(recording.path)
        if recording.fps is not None:
            motion = motion.replace(fps=recording.fps)
        motion = motion.resample(features.FPS)
        # One frame has no velocity; it is too short for a clip anyway.
        return features.encode(motion) if motion.frames > 1 else np.zeros((0, 140), np.float32)
    except MotionFormatError as error:
        return str(error)
    except OSError as error:
        return f'{recording.path}: {error.strerror}'


def _loaded(recordings: Sequence[_Recording], workers: int) -> Iterator[NDArray[np.float32] | str]:
    if workers <= 1 or len(recordings) < 2:
        yield from map(_load, recordings)
        return
    with multiprocessing.get_context('spawn').Pool(workers) as pool:
        yield from pool.imap(_load, recordings, chunksize=4)


def _clips(
    loaded: Iterable[tuple[_Recording, NDArray[np.float32] | str]], limit: int, summary: Summary
) -> Iterator[tuple[NDArray[np.float32], dict[str, Any]]]:
    """Yield the features and the description of every clip of at most `limit` frames."""
    said: Counter[str] = Counter()
    for recording, values in loaded:
        if isinstance(values, str):
            _fail(summary, values)
            continue
        for piece in recording.pieces:
            for window in _windows(values, piece, limit):
                if len(window) < _SHORTEST:
                    summary.short += 1
                    continue
                # Every clip of a gesture takes the next caption, so that all are learned.
                text = piece.texts[said[piece.gesture] % len(piece.texts)]
                said[piece.gesture] += 1
                summary.clips += 1
                summary.seconds += len(window) / features.FPS
                if piece.style and not piece.emotion:
                    summary.styles.add(piece.style)
                where = {'source': recording.source, 'file': recording.name}
                yield window, {**_about(piece, len(window), text), **where}
    if not summary.clips:
        because = f'; the first failed: {summary.failed[0]}' if summary.failed else ''
        raise BadRequest(
            f'none of {summary.files} recordings can be used: {len(summary.failed)} failed, '
            f'{summary.unlabelled} unlabelled, {summary.short} too short{because}'
        )


def _windows(
    values: NDArray[np.float32], piece: Piece, limit: int
) -> Iterator[NDArray[np.float32]]:
    """Yield a piece of (T, 140) features in equal parts of at most `limit` frames."""
    start = min(round(piece.start * features.FPS), len(values))
    stop = min(len(values), round(min(piece.stop, 1e9) * features.FPS))
    parts = max(math.ceil((stop - start) / limit), 1)
    edges = np.linspace(start, stop, parts + 1).round().astype(int)
    for low, high in itertools.pairwise(edges):
        yield values[low:high]


def _about(piece: Piece, frames: int, text: str) -> dict[str, Any]:
    """Return the description of a clip, as `corpus.build` writes it."""
    weights = Emotion(piece.emotion or 'neutral').weights()
    return {
        'frames': frames,
        'gesture': piece.gesture,
        'scenario': piece.scenario,
        'text': text,
        'emotion': piece.emotion,
        'intensity': 1.0,
        'weights': [round(float(weight), 5) for weight in weights],
        'captions': list(piece.texts),
    }
