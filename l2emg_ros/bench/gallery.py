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
"""Contact sheets and films of what the model generates, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import os
from pathlib import Path
import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from l2emg_ros.files import atomic_write
from l2emg_ros.motion.motion import Motion
from l2emg_ros.viz import skeleton, video

if TYPE_CHECKING:
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.trajectory import Trajectory

    Row = tuple[str, Motion, Trajectory]

_POSES = 8
_SIZE = (132, 168)
# Person above robot: wide enough for spread arms, seven abreast on a page of a browser.
_COLUMNS = 7
_CELL = (160, 188)
_TITLE, _HEADING = 34, 26
_INK, _GREY = (20, 20, 24), (90, 96, 104)
_PANEL = (264, 300)
# A GIF counts hundredths of a second: 7 of them come nearest to 15 images a second.
_FILM_FPS = 100.0 / 7.0


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
        images += skeleton.render_motion(motion, _SIZE, _inner(motion, _POSES))
        labels += [label, f'{motion.duration:.1f} s', *[''] * (_POSES - 2)]
    video.write_sheet(images, path, title, labels, columns=_POSES)


def write_comparison(
    path: str | os.PathLike[str], title: str, robot: Robot, rows: Sequence[Row]
) -> None:
    """Write one PNG with, for each row, a strip of the person above a strip of the robot.

    Both strips of a row show the same instants of the motion, also where the robot had to be
    slower; the heading tells how long either takes.

    Args:
        path: File to write; a palette of 128 colours, a third of the size of the full colours.
        title: First line of the sheet.
        robot: The robot of the trajectories.
        rows: Name, motion and trajectory of each row.
    """
    width, height = _CELL
    block = _HEADING + 2 * height
    sheet = Image.new(
        'RGB', (_COLUMNS * width, _TITLE + block * len(rows)), color=skeleton.BACKGROUND
    )
    draw = ImageDraw.Draw(sheet)
    draw.text((10, 7), title, fill=_INK, font=ImageFont.load_default(18))
    for number, (name, motion, trajectory) in enumerate(rows):
        top = _TITLE + number * block
        heading = (
            f'{name}   person {motion.duration:.1f} s, {robot.name} {trajectory.duration:.1f} s'
        )
        draw.text((10, top + 4), heading, fill=_INK, font=ImageFont.load_default(15))
        frames = _inner(motion, _COLUMNS)
        times = np.array(frames) / motion.fps
        people = skeleton.render_motion(motion, _CELL, frames)
        robots = _draw_robot(robot, trajectory, _CELL, performed_at(trajectory, times))
        for column, images in enumerate(zip(people, robots, strict=True)):
            at = (column * width, top + _HEADING)
            sheet.paste(Image.fromarray(np.vstack(images)), at)
            label = f'{times[column]:.1f} s'
            draw.text((at[0] + 8, at[1] + 4), label, fill=_GREY, font=ImageFont.load_default(13))
    palette = sheet.quantize(128, dither=Image.Dither.NONE)
    with atomic_write(path) as temporary:
        palette.save(temporary, format='PNG', optimize=True)


def write_film(
    path: str | os.PathLike[str], robot: Robot, motion: Motion, trajectory: Trajectory
) -> None:
    """Write a GIF of the person beside the robot; both begin at once, each at its own pace."""
    times = np.arange(0.0, max(motion.duration, trajectory.duration), 1.0 / _FILM_FPS)
    frames = np.minimum((times * motion.fps).round().astype(int), motion.frames - 1)
    people = skeleton.render_motion(motion, _PANEL, frames.tolist())
    robots = _draw_robot(robot, trajectory, _PANEL, times)
    pairs = (np.hstack(pair) for pair in zip(people, robots, strict=True))
    video.write(pairs, path, _FILM_FPS)


def performed_at(trajectory: Trajectory, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return when the robot performs the instants ``times`` (K,) s of the motion, (K,) s."""
    return np.interp(times, trajectory.source_time, trajectory.time_from_start)


def _draw_robot(
    robot: Robot, trajectory: Trajectory, size: tuple[int, int], times: NDArray[np.float64]
) -> Iterator[NDArray[np.uint8]]:
    """Draw at twice the size and reduce: smooth edges at a third of the price of ``fine``."""
    # People alone can be drawn without MuJoCo.
    from l2emg_ros.viz.robot import render_trajectory

    double = (2 * size[0], 2 * size[1])
    for image in render_trajectory(robot, trajectory, double, times=times.tolist()):
        yield np.asarray(Image.fromarray(image).reduce(2))


def _inner(motion: Motion, count: int) -> list[int]:
    """Return ``count`` evenly spaced frames without the first and the last.

    The ends of a gesture are a person standing; what lies between tells it apart.
    """
    spaced = np.linspace(0, motion.frames - 1, count + 2).round().astype(int)
    return [int(frame) for frame in spaced[1:-1]]


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
