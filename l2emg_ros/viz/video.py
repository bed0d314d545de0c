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
"""Writes frames as MP4, GIF or a contact-sheet PNG, chosen by the extension."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
import os
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from l2emg_ros.errors import BadRequest
from l2emg_ros.files import atomic_write

Frame = NDArray[np.uint8]

FORMATS = ('.mp4', '.gif', '.png')
# Browsers slow GIF frames of less than 20 ms down to 100 ms: 25 fps is safe everywhere.
_GIF_FPS = 25.0
_MACRO_BLOCK = 16


def write(frames: Iterable[Frame], path: str | os.PathLike[str], fps: float) -> None:
    """Write images as a video, or as a contact sheet of all of them.

    Args:
        frames: (H, W, 3) uint8 images of one size; sides are padded to multiples of 16 for MP4.
        path: ends in .mp4, .gif or .png; replaced atomically.
        fps: frames a second; a GIF of more than 25 fps leaves frames out.

    Raises:
        BadRequest: if the extension is another or there is no frame.
    """
    suffix = check_format(path)
    if suffix == '.png':
        write_sheet(list(frames), path)
    elif suffix == '.gif':
        _write_gif(list(frames), path, fps)
    else:
        _write_mp4(frames, path, fps)


def check_format(path: str | os.PathLike[str]) -> str:
    """Return the lower-case extension of `path`; BadRequest where it is none of `FORMATS`."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise BadRequest(f'{path}: expected a name that ends in {", ".join(FORMATS)}')
    return suffix


def evenly_spaced(frames: int, count: int) -> list[int]:
    """Return up to `count` frame numbers from the first to the last of `frames`."""
    return sorted({round(at) for at in np.linspace(0, frames - 1, min(count, frames))})


def contact_sheet(
    images: Sequence[Frame],
    title: str = '',
    labels: Sequence[str] = (),
    columns: int | None = None,
) -> Frame:
    """Lay images out in rows, with a title above and a label in each.

    Args:
        images: (H, W, 3) uint8 images of one size.
        title: text of the first line; empty leaves the line out.
        labels: one short text an image, such as its time.
        columns: images in a row; default a sheet about twice as wide as high.

    Returns:
        The sheet, (H', W', 3) uint8.
    """
    if not images:
        raise BadRequest('no frame to draw: expected at least one')
    height, width = images[0].shape[:2]
    if columns is None:
        columns = max(1, round(np.sqrt(2.0 * len(images) * height / width)))
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    top = 34 if title else 0
    sheet = Image.new('RGB', (columns * width, rows * height + top), tuple(images[0][0, 0]))
    draw = ImageDraw.Draw(sheet)
    draw.text((10, 7), title, fill=(20, 20, 24), font=ImageFont.load_default(18))
    for number, image in enumerate(images):
        x, y = number % columns * width, number // columns * height + top
        sheet.paste(Image.fromarray(image), (x, y))
        if number < len(labels):
            font = ImageFont.load_default(13)
            draw.text((x + 7, y + 5), labels[number], fill=(90, 96, 104), font=font)
    return np.asarray(sheet)


def write_sheet(
    images: Sequence[Frame],
    path: str | os.PathLike[str],
    title: str = '',
    labels: Sequence[str] = (),
    columns: int | None = None,
) -> None:
    """Write `contact_sheet` of the images as PNG."""
    sheet = contact_sheet(images, title, labels, columns)
    with atomic_write(path) as temporary:
        Image.fromarray(sheet).save(temporary, format='PNG', optimize=True)


def _write_mp4(frames: Iterable[Frame], path: str | os.PathLike[str], fps: float) -> None:
    with atomic_write(path) as temporary:
        writer = imageio.get_writer(
            temporary,
            format='FFMPEG',
            fps=fps,
            codec='libx264',
            quality=7,
            macro_block_size=None,
        )
        empty = True
        with closing(writer):  # the writer's own context leaves the encoder running on errors
            for frame in frames:
                writer.append_data(_padded(frame))
                empty = False
        if empty:
            raise BadRequest('no frame to draw: expected at least one')


def _write_gif(frames: Sequence[Frame], path: str | os.PathLike[str], fps: float) -> None:
    if not frames:
        raise BadRequest('no frame to draw: expected at least one')
    rate = min(fps, _GIF_FPS)
    count = max(1, round(len(frames) * rate / fps))
    images = [Image.fromarray(frames[at]) for at in evenly_spaced(len(frames), count)]
    palette = [image.quantize(128, method=Image.Quantize.FASTOCTREE) for image in images]
    with atomic_write(path) as temporary:
        palette[0].save(
            temporary,
            format='GIF',
            save_all=True,
            append_images=palette[1:],
            duration=round(1000 / rate / 10) * 10,
            loop=0,
        )


def _padded(frame: Frame) -> Frame:
    """Repeat the border until both sides are multiples of 16, as the encoder wants them."""
    bottom, right = -frame.shape[0] % _MACRO_BLOCK, -frame.shape[1] % _MACRO_BLOCK
    return np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode='edge')
