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
"""The definition of a message type as text, to be kept beside recorded messages."""

from __future__ import annotations

from functools import cache
import importlib
import re
from typing import Any

_RULE = '=' * 80
# Names of IDL that .msg files have others for.
_NAMES = {'boolean': 'bool', 'octet': 'byte', 'float': 'float32', 'double': 'float64'}
_TYPE = re.compile(r'(?:sequence<)?(?P<name>[\w/]+)(?P<length><\d+>)?(?P<rest>.*)')


def type_name(kind: type) -> str:
    """Return the full name of a message class, such as ``std_msgs/msg/String``."""
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


@cache
def definition(kind: type) -> str:
    """Return the fields of a message class and of every class in it.

    The format is that of ``ros2msg`` schemas in MCAP files; constants and comments are left out.
    """
    texts: dict[str, str] = {}
    _collect(kind, texts)
    first, *others = texts.items()
    return _RULE.join([first[1], *(f'\nMSG: {name}\n{text}' for name, text in others)])


def _collect(kind: Any, texts: dict[str, str]) -> None:
    name = type_name(kind).replace('/msg/', '/')
    if name in texts:
        return
    lines, inner = [], []
    for field, described in kind.get_fields_and_field_types().items():
        match = _TYPE.fullmatch(described)
        assert match is not None, described
        element = _NAMES.get(match['name'], match['name'])
        if match['length']:
            element += f'<={match["length"][1:-1]}'
        lines.append(f'{element}{_array(described, match["rest"])} {field}\n')
        if '/' in element:
            package, word = element.split('/')
            inner.append(getattr(importlib.import_module(f'{package}.msg'), word))
    texts[name] = ''.join(lines)
    for part in inner:
        _collect(part, texts)


def _array(described: str, rest: str) -> str:
    """Return what a .msg file writes after the type of an element."""
    if not described.startswith('sequence<'):
        return rest
    bound = re.search(r', (\d+)>', rest)
    return f'[<={bound[1]}]' if bound else '[]'
