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
"""Video files and contact sheets, read back."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from PIL import Image
import pytest

from l2emg_ros.errors import BadRequest
from l2emg_ros.viz import video


def frames(count: int, size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """Return images that grow brighter from one to the next."""
    return [np.full((*size, 3), 20 + 200 * n // count, dtype=np.uint8) for n in range(count)]


@pytest.mark.parametrize('size', [(48, 64), (50, 70), (33, 31)])
def test_mp4_keeps_frames_rate_and_order(tmp_path: Path, size: tuple[int, int]) -> None:
    video.write(iter(frames(12, size)), tmp_path / 'a.mp4', 24.0)
    read = imageio.imread(tmp_path / 'a.mp4', plugin='FFMPEG')
    assert len(read) == 12
    assert read.shape[1] % 16 == read.shape[2] % 16 == 0
    assert read.shape[1] >= size[0]
    brightness = read[:, : size[0], : size[1]].mean(axis=(1, 2, 3))
    assert (np.diff(brightness) > 0).all()
    assert imageio.immeta(tmp_path / 'a.mp4', plugin='FFMPEG')['fps'] == 24.0
    assert list(tmp_path.iterdir()) == [tmp_path / 'a.mp4']


def test_gif_plays_at_most_25_images_a_second(tmp_path: Path) -> None:
    video.write(frames(60), tmp_path / 'a.gif', 60.0)
    with Image.open(tmp_path / 'a.gif') as gif:
        assert gif.n_frames == 25
        assert gif.info['duration'] == 40
        assert gif.info['loop'] == 0


def test_png_is_a_sheet_of_all_frames(tmp_path: Path) -> None:
    video.write(frames(7), tmp_path / 'a.png', 30.0)
    with Image.open(tmp_path / 'a.png') as sheet:
        assert sheet.size[0] * sheet.size[1] >= 7 * 48 * 64


def test_evenly_spaced() -> None:
    assert video.evenly_spaced(100, 5) == [0, 25, 50, 74, 99]
    assert video.evenly_spaced(3, 10) == [0, 1, 2]
    assert video.evenly_spaced(1, 10) == [0]


def test_nothing_is_left_where_drawing_fails(tmp_path: Path) -> None:
    def broken() -> object:
        yield from frames(2)
        raise BadRequest('stop')

    with pytest.raises(BadRequest, match='stop'):
        video.write(broken(), tmp_path / 'a.mp4', 30.0)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('name', ['a.mp4', 'a.gif', 'a.png'])
def test_no_frames(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match='no frame'):
        video.write([], tmp_path / name, 30.0)
    assert list(tmp_path.iterdir()) == []


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r'\.mp4, \.gif, \.png'):
        video.write(frames(2), tmp_path / 'a.avi', 30.0)
