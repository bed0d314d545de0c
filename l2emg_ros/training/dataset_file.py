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
"""The file that describes a user's own recordings, usually ``dataset.yaml``.

Paths in it are relative to its folder. `docs/my-data.md` explains every key by example.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import math
import os
from pathlib import Path
import re
from string import Formatter
from typing import Any

from l2emg_ros import yaml_file
from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import BadRequest

WORDS = ('content', 'style', 'scenario')
"""What a name, a table or the file itself may say about a recording."""

SUFFIXES = ('.npz', '.bvh', '.npy')
"""Of motion files."""

_TOP_KEYS = ('sources', 'seconds')
_NEEDED = ('path', 'licence', 'commercial')
_SOURCE_KEYS = (
    *_NEEDED,
    *('files', 'fps', 'names', 'labels', 'texts', 'captions', 'contents', 'emotions'),
    *WORDS,
)
_LABEL_KEYS = ('csv', 'file', 'text', *WORDS)
_FIELDS = (*WORDS, 'emotion')
# SPDX identifiers, also LicenseRef-..., joined by the words that SPDX joins them with.
_LICENCE = re.compile(r'[\w.+-]+( (AND|OR|WITH) [\w.+-]+)*')
_NON_COMMERCIAL = re.compile(r'(^|-)NC(-|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file with one row a recording.

    Attributes:
        csv: The file.
        file: Column with the path of the recording; its first folders may be missing.
        columns: Word -> column that holds it.
        text: Columns with captions.
    """

    csv: Path
    file: str
    columns: Mapping[str, str]
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of recordings with one licence and one way of naming them.

    Attributes:
        path: The folder as the file names it.
        folder: The folder.
        licence: SPDX expression.
        commercial: Whether the licence permits commercial use.
        files: Glob patterns below the folder; none stands for every motion file.
        fps: Frame rate instead of what the files say, or None.
        names: Patterns with groups named as ``WORDS``, searched in the path without its suffix.
        labels: Table of labels, or None.
        texts: Folder of HumanML3D caption files, or None.
        captions: Templates with ``{content}``, ``{style}``, ``{scenario}`` and ``{emotion}``.
        contents: Content as named -> gesture; others keep their name.
        emotions: Style -> emotion label, or '' for none; a style that is a label needs no entry.
        words: What holds for every recording of the folder where nothing else says it.
    """

    path: str
    folder: Path
    licence: str
    commercial: bool
    files: tuple[str, ...]
    fps: float | None
    names: tuple[re.Pattern[str], ...]
    labels: Table | None
    texts: Path | None
    captions: tuple[str, ...]
    contents: Mapping[str, str]
    emotions: Mapping[str, str]
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """Content of the file.

    Attributes:
        path: Where it lies.
        seconds: Longest clip; longer recordings are cut.
        sources: In order; a recording belongs to the first that matches it.
    """

    path: Path
    seconds: float
    sources: tuple[Source, ...]


def load(path: str | os.PathLike[str]) -> DatasetFile:
    """Read and check the file.

    Raises:
        BadRequest: It is not valid; one line names the file, the key and what was expected.
        OSError: It cannot be read.
    """
    path = Path(path)
    content = yaml_file.read(path)
    try:
        entries = yaml_file.mapping(content, 'the file')
        yaml_file.known(entries, _TOP_KEYS, 'the file')
        sources = entries.get('sources')
        if not isinstance(sources, list) or not sources:
            raise BadRequest(f'sources is {sources!r}: expected a list of folders')
        return DatasetFile(
            path=path,
            seconds=_number(entries.get('seconds', 10.0), 'seconds', 2.0, 20.0),
            sources=tuple(
                _source(value, f'sources[{i}]', path.parent) for i, value in enumerate(sources)
            ),
        )
    except BadRequest as error:
        raise BadRequest(f'{path}: {error}') from None


def _source(value: Any, where: str, base: Path) -> Source:
    entry = yaml_file.mapping(value, where)
    yaml_file.known(entry, _SOURCE_KEYS, where)
    if missing := [key for key in _NEEDED if key not in entry]:
        raise BadRequest(f'{where} lacks {", ".join(missing)}')
    licence = yaml_file.text(entry['licence'], f'{where}.licence')
    if not _LICENCE.fullmatch(licence):
        raise BadRequest(
            f'{where}.licence is {licence!r}: expected an SPDX identifier such as CC-BY-4.0 '
            'or LicenseRef-mine'
        )
    commercial = entry['commercial']
    if not isinstance(commercial, bool):
        raise BadRequest(f'{where}.commercial is {commercial!r}: expected true or false')
    if commercial and any(_NON_COMMERCIAL.search(word) for word in licence.split()):
        raise BadRequest(f'{where}.commercial is true, but {licence} forbids commercial use')
    labels = _table(entry['labels'], f'{where}.labels', base) if 'labels' in entry else None
    captions = _texts(entry, 'captions', where)
    if not captions and 'texts' not in entry and not (labels and labels.text):
        raise BadRequest(f'{where} has no words: expected captions, texts or labels.text')
    _check_captions(captions, f'{where}.captions')
    emotions = _translations(entry, 'emotions', where)
    for style, label in emotions.items():
        if label and label not in LABELS:
            raise BadRequest(
                f'{where}.emotions.{style} is {label!r}: expected one of {", ".join(LABELS)}, '
                "or '' for none"
            )
    fps = entry.get('fps')
    return Source(
        path=yaml_file.text(entry['path'], f'{where}.path'),
        folder=_folder(base / entry['path'], f'{where}.path'),
        licence=licence,
        commercial=commercial,
        files=_texts(entry, 'files', where),
        fps=None if fps is None else _number(fps, f'{where}.fps', 1.0, 1000.0),
        names=tuple(_pattern(text, f'{where}.names') for text in _texts(entry, 'names', where)),
        labels=labels,
        texts=(
            _folder(base / yaml_file.text(entry['texts'], f'{where}.texts'), f'{where}.texts')
            if 'texts' in entry
            else None
        ),
        captions=captions,
        contents=_translations(entry, 'contents', where),
        emotions=emotions,
        words={key: yaml_file.text(entry[key], f'{where}.{key}') for key in WORDS if key in entry},
    )


def _table(value: Any, where: str, base: Path) -> Table:
    entry = yaml_file.mapping(value, where)
    yaml_file.known(entry, _LABEL_KEYS, where)
    if missing := [key for key in ('csv', 'file') if key not in entry]:
        raise BadRequest(f'{where} lacks {", ".join(missing)}')
    path = base / yaml_file.text(entry['csv'], f'{where}.csv')
    if not path.is_file():
        raise BadRequest(f'{where}.csv is {entry["csv"]!r}: there is no file {path}')
    return Table(
        csv=path,
        file=yaml_file.text(entry['file'], f'{where}.file'),
        columns={
            word: yaml_file.text(entry[word], f'{where}.{word}') for word in WORDS if word in entry
        },
        text=_texts(entry, 'text', where),
    )


def _pattern(text: str, where: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadRequest(f'{where} is {text!r}: {error}') from None
    groups = set(pattern.groupindex)
    if not groups or groups - set(WORDS):
        raise BadRequest(
            f'{where} is {text!r}: expected groups (?P<NAME>...) of the names {", ".join(WORDS)}'
        )
    return pattern


def _check_captions(captions: Iterable[str], where: str) -> None:
    for caption in captions:
        try:
            parts = list(Formatter().parse(caption))
        except ValueError as error:
            raise BadRequest(f'{where} holds {caption!r}: {error}') from None
        for _, field, form, conversion in parts:
            if field is not None and (field not in _FIELDS or form or conversion):
                raise BadRequest(
                    f'{where} holds {caption!r}: expected no fields but '
                    + ', '.join(f'{{{name}}}' for name in _FIELDS)
                )


def _folder(path: Path, where: str) -> Path:
    if not path.is_dir():
        raise BadRequest(f'{where}: there is no folder {path}')
    return path


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return the texts of an entry that may be missing, one text or a list."""
    value = entry.get(key, [])
    items = value if isinstance(value, list) else [value]
    return tuple(yaml_file.text(item, f'{where}.{key}') for item in items)


def _translations(entry: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    table = yaml_file.mapping(entry.get(key, {}), f'{where}.{key}')
    for word, meaning in table.items():
        if not isinstance(meaning, str) or not (meaning or key == 'emotions'):
            raise BadRequest(f'{where}.{key}.{word} is {meaning!r}: expected a text')
    return table


def _number(value: Any, where: str, low: float, high: float) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        raise BadRequest(f'{where} is {value!r}: expected a number in [{low:g}, {high:g}]')
    return float(value)
