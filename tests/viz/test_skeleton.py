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
"""Drawing people: looked at by pixels here, by eye in the gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from samples import random_motion

from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.viz import skeleton as drawing


def standing(turn: float = 0.0, frames: int = 3) -> Motion:
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 22, 1))
    heading = rotation.from_rotvec([0.0, 0.0, turn])
    rotations[:, 0] = rotation.multiply(heading, rotation.SMPL_TO_ROS_QUAT)
    return Motion.from_rotations(rotations, np.tile([0.0, 0.0, 0.94], (frames, 1)), 30.0)


def columns_of(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return the columns of the pixels that have exactly a limb's colour."""
    return np.nonzero((image == colour).all(axis=-1))[1]


def test_one_image_a_frame_of_the_asked_size() -> None:
    images = list(drawing.render_motion(random_motion(0, frames=5), (96, 128)))
    assert len(images) == 5
    assert {image.shape for image in images} == {(128, 96, 3)}
    assert {image.dtype for image in images} == {np.dtype(np.uint8)}
    assert len(list(drawing.render_motion(random_motion(0), (96, 128), frames=[0, 39]))) == 2


def test_person_is_seen_from_the_front_whatever_the_heading() -> None:
    for turn in (0.0, 1.5, 3.0):
        image = next(iter(drawing.render_motion(standing(turn), (240, 320))))
        left, right = columns_of(image, drawing.LEFT), columns_of(image, drawing.RIGHT)
        assert len(left) > 100
        assert len(right) > 100
        # Seen from the front, the left hand is on the right of the picture.
        assert left.mean() > right.mean() + 20
    first, second = (
        next(iter(drawing.render_motion(standing(t), (240, 320)))) for t in (0.0, 2.0)
    )
    changed = np.any(first != second, axis=-1)[:200]  # the floor grid does not turn along
    assert changed.mean() < 0.1


def test_whole_body_is_in_the_picture_even_when_it_jumps() -> None:
    motion = standing(frames=30)
    trans = motion.trans.copy()
    trans[15:, 2] += 1.0
    arms_up = motion.rotations.copy()
    for side, sign in (('left', 1.0), ('right', -1.0)):
        arms_up[:, skeleton.index(f'{side}_shoulder')] = rotation.from_rotvec([0, 0, sign * 1.5])
    jumping = Motion.from_rotations(arms_up, trans, 30.0)
    for image in drawing.render_motion(jumping, (200, 200), frames=[0, 29]):
        drawn = (image == drawing.SKIN).all(axis=-1)
        assert drawn.any()
        assert not drawn[:2].any()
        assert not drawn[-2:].any()


def test_camera_follows_a_walk() -> None:
    motion = standing(frames=60)
    path = np.outer(np.linspace(0.0, 4.0, 60), [1.0, 0.0, 0.0]).astype(np.float32)
    walking = motion.replace(trans=motion.trans + path)
    for image in drawing.render_motion(walking, (200, 200), frames=[0, 30, 59]):
        centre = columns_of(image, drawing.TORSO).mean()
        assert 40 < centre < 160


def test_sheet_has_a_title_and_all_poses(tmp_path: Path) -> None:
    drawing.write_sheet(
        random_motion(), tmp_path / 'a.png', poses=6, title='a test', size=(80, 96)
    )
    with Image.open(tmp_path / 'a.png') as sheet:
        width, height = sheet.size
    assert width % 80 == 0
    assert (height - 34) % 96 == 0
    assert width // 80 * ((height - 34) // 96) >= 6
