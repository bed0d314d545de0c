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
"""Contact sheets of what the readability benchmark generates, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path
import re

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.motion.motion import Motion
from l2emg_ros.viz import skeleton, video

_POSES = 8
_SIZE = (132, 168)


def write_rows(
    path: str | os.PathLike[str], title: str, rows: Sequence[tuple[str, Motion]]
) -> None:
    """Write one PNG with a row of evenly spaced poses for each motion.

    Args:
        path: File to write.
        title: First line of the sheet.
        rows: Label and motion of each row.
    """
    images: list[NDArray[np.uint8]] = []
    labels: list[str] = []
    for label, motion in rows:
        # The ends of a gesture are a person standing; what lies between tells it apart.
        frames = np.linspace(0, motion.frames - 1, _POSES + 2).round().astype(int)[1:-1].tolist()
        images += skeleton.render_motion(motion, _SIZE, frames)
        labels += [label, f'{motion.duration:.1f} s', *[''] * (_POSES - 2)]
    video.write_sheet(images, path, title, labels, columns=_POSES)


def file_name(text: str) -> str:
    """Return a file name for a sentence."""
    return re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')[:60] + '.png'


class Gallery:
    """Collects motions and writes them as sheets; does nothing without a folder."""

    def __init__(self, folder: Path | None, rows: int = 8) -> None:
        """Write into ``folder``, pages of ``rows`` motions; None collects nothing."""
        self._folder, self._rows = folder, rows
        self._page: list[tuple[str, Motion]] = []
        self._pages = 0

    def sheet(self, title: str, rows: Sequence[tuple[str, Motion]]) -> None:
        """Write one sheet named after its title."""
        if self._folder:
            write_rows(self._folder / file_name(title), title, rows)

    def add(self, label: str, motion: Motion) -> None:
        """Add a motion to the running page; a full page is written."""
        if self._folder:
            self._page.append((label, motion))
            if len(self._page) == self._rows:
                self.close()

    def close(self) -> None:
        """Write the running page, if there is anything on it."""
        if self._folder and self._page:
            self._pages += 1
            path = self._folder / f'gestures-{self._pages}.png'
            write_rows(path, 'Sentences that occur in no template', self._page)
            self._page = []
