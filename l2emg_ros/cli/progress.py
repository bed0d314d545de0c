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
"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
import sys
import time
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar('Item')
# Seconds between two plain lines: a log of an hour stays readable.
LINE_PERIOD = 10.0


def progress(iterable: Iterable[Item], desc: str, total: int | None = None) -> Iterator[Item]:
    """Pass items through and show how far the work is.

    Args:
        iterable: the items.
        desc: what is being done, a few words.
        total: number of items where `iterable` has no length.

    Yields:
        The items, unchanged.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    if sys.stderr.isatty():
        yield from tqdm(iterable, desc=desc, total=total, dynamic_ncols=True)
        return
    started = shown = time.monotonic()
    count = 0
    for count, item in enumerate(iterable, start=1):
        yield item
        if time.monotonic() - shown >= LINE_PERIOD:
            shown = time.monotonic()
            _line(desc, count, total, shown - started)
    _line(desc, count, total, time.monotonic() - started)


def _line(desc: str, count: int, total: int | None, seconds: float) -> None:
    of = f'/{total}' if total is not None else ''
    print(f'{desc}: {count}{of} ({seconds:.0f} s)', file=sys.stderr, flush=True)
