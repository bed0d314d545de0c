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
"""What a recording shows, read from its name, from a table or from caption files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
import csv
from dataclasses import dataclass
import math
from pathlib import Path
from string import Formatter

from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import BadRequest, MotionFormatError
from l2emg_ros.training.dataset_file import Source, SUFFIXES, Table

Rows = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a recording and the words for it.

    Attributes:
        start: s.
        stop: s; infinite for the end.
        gesture: What the body does.
        scenario: Where, or ''.
        style: How, in the word of the data.
        emotion: One of the labels, or ''.
        texts: Captions, at least one.
    """

    start: float
    stop: float
    gesture: str
    scenario: str
    style: str
    emotion: str
    texts: tuple[str, ...]


def read_table(table: Table | None) -> Rows:
    """Return the rows of a table by recording, without suffix; none of no table.

    Raises:
        BadRequest: A column is missing or a recording is named twice.
    """
    if table is None:
        return {}
    rows: dict[str, Mapping[str, str]] = {}
    try:
        with table.csv.open(encoding='utf-8-sig', newline='') as file:
            reader = csv.DictReader(file, restval='')
            columns = reader.fieldnames or []
            for column in (table.file, *table.columns.values(), *table.text):
                if column not in columns:
                    raise BadRequest(f'{table.csv} has no column {column!r}: {", ".join(columns)}')
            for row in reader:
                key = _key(row[table.file].strip().replace('\\', '/'))
                if key in rows:
                    raise BadRequest(f'{table.csv} line {reader.line_num} names {key} again')
                rows[key] = row
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f'{table.csv} is not a CSV file: {error}') from None
    return rows


def describe(source: Source, path: Path, rows: Rows) -> list[Piece]:
    """Return the pieces of a recording; none where nothing is said about it.

    A table wins over the name, the name over what the file says of the whole folder; a content
    that nothing names is the name of the recording, so that its captions stay its own.

    Raises:
        BadRequest: No caption fits.
        MotionFormatError: Its caption file is damaged.
    """
    words = dict(source.words)
    name = _key(path.relative_to(source.folder).as_posix())
    if source.names:
        matches = (pattern.search(name) for pattern in source.names)
        match = next((found for found in matches if found), None)
        if match is None:
            return []
        words.update({word: value for word, value in match.groupdict().items() if value})
    told: tuple[str, ...] = ()
    if source.labels:
        row = _row(rows, path)
        if row is None:
            return []
        cells = {word: row[column].strip() for word, column in source.labels.columns.items()}
        words.update({word: value for word, value in cells.items() if value})
        told = tuple(text for column in source.labels.text if (text := row[column].strip()))
    content, style = words.get('content', path.stem), words.get('style', '')
    emotion = source.emotions.get(style, style if style in LABELS else '')
    stretches = _read_texts(source.texts / f'{path.stem}.txt') if source.texts else {}
    if not stretches:
        fields = {**words, 'content': content, 'emotion': emotion}
        texts = told or _fill(source.captions, fields)
        if not texts and source.captions:
            raise BadRequest(
                f'{path}: no caption fits: expected one without the fields that it lacks'
            )
        stretches = {(0.0, math.inf): texts} if texts else {}
    return [
        Piece(
            start,
            stop,
            gesture=source.contents.get(content, content),
            scenario=words.get('scenario', ''),
            style=style,
            emotion=emotion,
            texts=texts,
        )
        for (start, stop), texts in sorted(stretches.items())
    ]


def _key(path: str) -> str:
    """Return a path without the suffix of a motion file."""
    stem, dot, suffix = path.rpartition('.')
    return stem if f'.{suffix}'.lower() in SUFFIXES and dot else path


def _row(rows: Rows, path: Path) -> Mapping[str, str] | None:
    """Return the row whose path is the longest end of a recording's path."""
    parts = _key(path.absolute().as_posix()).strip('/').split('/')
    ends = ('/'.join(parts[start:]) for start in range(len(parts)))
    return next((rows[end] for end in ends if end in rows), None)


def _fill(templates: tuple[str, ...], fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the templates filled in; those that ask for what nothing says are left out."""
    spoken = {key: value.replace('-', ' ').replace('_', ' ') for key, value in fields.items()}
    asked = {t: {field for _, field, _, _ in Formatter().parse(t) if field} for t in templates}
    fitting = [t for t in templates if all(spoken.get(field) for field in asked[t])]
    return tuple(template.format_map(spoken) for template in fitting)


def _read_texts(path: Path) -> dict[tuple[float, float], tuple[str, ...]]:
    """Return the captions of a HumanML3D file by start and stop in s; none of no file.

    A line reads ``caption#tokens#from#to``, where 0 and 0 stand for the whole recording.
    """
    if not path.is_file():
        return {}
    found: dict[tuple[float, float], list[str]] = defaultdict(list)
    for number, line in enumerate(path.read_text('utf-8', errors='replace').splitlines(), 1):
        if not line.strip():
            continue
        try:
            caption, _, *span = line.rsplit('#', 3)
            start, stop = (0.0 if math.isnan(at := float(text)) else at for text in span)
            if start == stop == 0.0:
                stop = math.inf
            if not caption.strip() or not 0.0 <= start < stop:
                raise ValueError
        except ValueError:
            raise MotionFormatError(
                f'{path} line {number} is {line[:80]!r}: expected caption#tokens#from#to'
            ) from None
        found[start, stop].append(caption.strip())
    return {span: tuple(captions) for span, captions in found.items()}
