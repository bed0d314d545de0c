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
"""YAML files that people write: read, and checked entry by entry with errors that name them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from l2emg_ros.errors import BadRequest


def read(path: Path) -> Any:
    """Return the content of a file.

    Raises:
        BadRequest: It is not YAML.
        OSError: It cannot be read.
    """
    try:
        return yaml.safe_load(path.read_text('utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRequest(f'{path} is not valid YAML: {" ".join(str(error).split())}') from None


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Return a value that maps names to values; BadRequest names ``where`` it is none."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise BadRequest(f'{where} is {value!r}: expected "name: value" entries')
    return value


def known(entry: Iterable[str], allowed: Iterable[str], where: str) -> None:
    """Raise BadRequest where an entry has a name that is not allowed."""
    if unknown := sorted(set(entry) - set(allowed)):
        raise BadRequest(
            f'{where} has unknown entry {unknown[0]!r}: expected {", ".join(sorted(allowed))}'
        )


def text(value: Any, where: str) -> str:
    """Return a value that is a text of at least one letter; BadRequest names one that is not."""
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f'{where} is {value!r}: expected a text')
    return value
