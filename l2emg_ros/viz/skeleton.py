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
"""Draws a `Motion` as a solid body: capsule limbs, floor, shadow, trails of the wrists.

Everything is drawn with Pillow at twice the size and reduced, back to front; a frame of 480 x 480
costs about 15 ms. Left limbs are blue, right limbs orange.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.viz import video

Array = NDArray[np.float64]
Colour = tuple[int, int, int]
Point = tuple[float, float, float]

LEFT: Colour = (52, 120, 202)
RIGHT: Colour = (222, 108, 46)
TORSO: Colour = (122, 132, 148)
SKIN: Colour = (226, 188, 160)
BACKGROUND: Colour = (245, 246, 248)
GRID: Colour = (218, 222, 227)
SHADOW: Colour = (196, 201, 208)

_SUPERSAMPLE = 2
_FIELD_OF_VIEW = np.radians(28.0)
_ELEVATION = np.radians(13.0)
_AZIMUTH = np.radians(32.0)  # 3/4 view: off the facing direction, so that no limb hides all others
_TRAIL_SECONDS = 0.6


@dataclass(frozen=True)
class _Piece:
    """A tapered capsule between two points fixed to joints; SMPL axes, metres."""

    joints: tuple[str, str]
    offsets: tuple[Point, Point]
    radii: tuple[float, float]
    colour: Colour


def _limbs(side: str, sign: float, colour: Colour) -> list[_Piece]:
    """Return the pieces of one side of the body; `sign` is +1 on the left, where x is positive."""
    zero = (0.0, 0.0, 0.0)

    def piece(
        a: str,
        b: str,
        radii: tuple[float, float],
        from_: Point = zero,
        to: Point = zero,
        colour: Colour = colour,
    ) -> _Piece:
        names = [name if name in skeleton.JOINT_NAMES else f'{side}_{name}' for name in (a, b)]
        start, stop = ((sign * x, y, z) for x, y, z in (from_, to))
        return _Piece((names[0], names[1]), (start, stop), radii, colour)

    return [
        piece('pelvis', 'spine3', (0.095, 0.10), (0.055, 0.0, 0.01), (0.062, 0.04, 0.0), TORSO),
        piece('spine3', 'shoulder', (0.085, 0.062), (0.05, 0.12, -0.02), (0.0, -0.01, 0.0), TORSO),
        piece('pelvis', 'hip', (0.09, 0.088), (0.04, -0.05, 0.0)),
        piece('hip', 'knee', (0.086, 0.058)),
        piece('knee', 'ankle', (0.056, 0.038)),
        piece('ankle', 'foot', (0.038, 0.034), (0.0, -0.032, -0.045)),
        piece('foot', 'foot', (0.034, 0.026), zero, (0.0, 0.0, 0.07)),
        piece('shoulder', 'elbow', (0.052, 0.042)),
        piece('elbow', 'wrist', (0.041, 0.031)),
        piece('wrist', 'wrist', (0.034, 0.024), (0.02, 0.0, 0.0), (0.145, -0.01, 0.0), SKIN),
        piece('wrist', 'wrist', (0.016, 0.013), (0.035, 0.0, 0.02), (0.085, -0.01, 0.06), SKIN),
    ]


_PIECES = (
    *_limbs('left', 1.0, LEFT),
    *_limbs('right', -1.0, RIGHT),
    _Piece(('pelvis', 'spine2'), ((0, 0.02, 0.01), (0, 0, 0.01)), (0.10, 0.10), TORSO),
    _Piece(('neck', 'head'), ((0, -0.03, 0.0), (0, 0.02, -0.01)), (0.055, 0.052), SKIN),
    _Piece(('head', 'head'), ((0, 0.055, 0.015), (0, 0.125, 0.01)), (0.082, 0.095), SKIN),
    _Piece(('head', 'head'), ((0, 0.075, 0.095), (0, 0.06, 0.112)), (0.016, 0.018), SKIN),
)
_EYES = ((0.034, 0.105, 0.088), (-0.034, 0.105, 0.088))


@dataclass(frozen=True)
class _Camera:
    """A pinhole camera that looks at `target` from `distance`."""

    azimuth: float
    distance: float
    size: tuple[int, int]
    target: Array

    def project(self, points: Array) -> tuple[Array, Array, Array]:
        """Project (..., 3) world points to pixels.

        Returns:
            Pixels (..., 2), depth (...) in metres, pixels per metre (...).
        """
        cos_e, sin_e = np.cos(_ELEVATION), np.sin(_ELEVATION)
        cos_a, sin_a = np.cos(self.azimuth), np.sin(self.azimuth)
        back = np.array([cos_e * cos_a, cos_e * sin_a, sin_e])
        right = np.array([-sin_a, cos_a, 0.0])
        up = np.cross(back, right)
        moved = points - self.target
        depth = np.maximum(self.distance - moved @ back, 0.1)
        scale = 0.5 * self.size[1] / np.tan(_FIELD_OF_VIEW / 2) / depth
        x = 0.5 * self.size[0] + scale * (moved @ right)
        y = 0.5 * self.size[1] - scale * (moved @ up)
        return np.stack([x, y], axis=-1), depth, scale


def render_motion(
    motion: Motion,
    size: tuple[int, int] = (480, 480),
    frames: Iterable[int] | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Draw a motion from a 3/4 view that follows the person.

    Args:
        motion: what to draw.
        size: width and height in pixels.
        frames: frame numbers to draw; default all.

    Yields:
        (height, width, 3) uint8 images.
    """
    inner = (size[0] * _SUPERSAMPLE, size[1] * _SUPERSAMPLE)
    positions, orientations = motion.joint_positions(), motion.joint_orientations()
    targets = _camera_targets(positions, motion.fps)
    distance = _camera_distance(positions, targets, size)
    azimuth = _facing(orientations[:, 0]) + _AZIMUTH
    for frame in range(motion.frames) if frames is None else frames:
        image = Image.new('RGB', inner, BACKGROUND)
        camera = _Camera(azimuth, distance, inner, targets[frame])
        _draw_floor(image, camera)
        start = max(0, frame - round(_TRAIL_SECONDS * motion.fps))
        _draw_trails(image, camera, positions[start : frame + 1])
        _draw_body(image, camera, positions[frame], orientations[frame])
        yield np.asarray(image.reduce(_SUPERSAMPLE))


def write_sheet(
    motion: Motion,
    path: str | os.PathLike[str],
    poses: int = 10,
    title: str = '',
    size: tuple[int, int] = (240, 320),
) -> None:
    """Write a contact sheet of evenly spaced poses, each with its time, as PNG."""
    frames = video.evenly_spaced(motion.frames, poses)
    labels = [f'{frame / motion.fps:.2f} s' for frame in frames]
    images = list(render_motion(motion, size, frames))
    video.write_sheet(images, path, title or motion.text, labels)


def _facing(pelvis: Array) -> float:
    """Return the heading of the body, averaged over the clip, in radians."""
    forward = rotation.apply(pelvis, [0.0, 0.0, 1.0])[:, :2].sum(axis=0)
    return float(np.arctan2(forward[1], forward[0]))


def _camera_targets(positions: Array, fps: float) -> Array:
    """Follow the pelvis in the plane, smoothed over a second, at a fixed height."""
    path = positions[:, 0, :2]
    window = max(1, min(round(fps), len(path)))
    padded = np.pad(path, ((window // 2, window - 1 - window // 2), (0, 0)), mode='edge')
    kernel = np.full(window, 1.0 / window)
    smooth = np.stack([np.convolve(column, kernel, 'valid') for column in padded.T], axis=-1)
    top = max(float(positions[..., 2].max()) + 0.25, 1.75)
    return np.column_stack([smooth, np.full(len(path), top / 2 - 0.05)])


def _camera_distance(positions: Array, targets: Array, size: tuple[int, int]) -> float:
    """Stand back far enough to see every joint of every frame."""
    away = positions - targets[:, None]
    reach = float(np.linalg.norm(away[..., :2], axis=-1).max()) + 0.15
    height = 2.0 * float(targets[0, 2]) + 0.2
    extent = max(height, 2.0 * reach * size[1] / size[0])
    return 0.5 * extent / np.tan(_FIELD_OF_VIEW / 2) + 0.3


def _draw_floor(image: Image.Image, camera: _Camera) -> None:
    """Draw a grid of 0.5 m squares around the camera's target."""
    draw = ImageDraw.Draw(image)
    centre = np.round(camera.target[:2] * 2.0) / 2.0
    ticks = np.arange(-2.5, 2.51, 0.5)
    for axis in (0, 1):
        ends = np.zeros((len(ticks), 2, 3))
        ends[:, :, axis] = centre[axis] + ticks[:, None]
        ends[:, :, 1 - axis] = centre[1 - axis] + np.array([-2.5, 2.5])
        pixels = camera.project(ends)[0]
        for line in pixels:
            draw.line([tuple(line[0]), tuple(line[1])], fill=GRID, width=_SUPERSAMPLE)


def _draw_trails(image: Image.Image, camera: _Camera, positions: Array) -> None:
    """Draw where the wrists have just been."""
    draw = ImageDraw.Draw(image)
    for name, colour in (('left_wrist', LEFT), ('right_wrist', RIGHT)):
        pixels = camera.project(positions[:, skeleton.index(name)])[0]
        for step in range(len(pixels) - 1):
            share = (step + 1) / len(pixels)
            tint = _mix(BACKGROUND, colour, 0.65 * share)
            ends = [tuple(pixels[step]), tuple(pixels[step + 1])]
            draw.line(ends, fill=tint, width=round(3 * _SUPERSAMPLE * share) + 1)


def _draw_body(image: Image.Image, camera: _Camera, positions: Array, orientations: Array) -> None:
    """Draw shadow, then the capsules from back to front."""
    draw = ImageDraw.Draw(image)
    ends = _piece_ends(positions, orientations)
    ground = ends * [1.0, 1.0, 0.0]
    radii = np.array([piece.radii for piece in _PIECES])
    pixels, _, scale = camera.project(ground)
    for line, radius in zip(pixels, radii * scale, strict=True):
        _capsule(draw, line, radius * [0.8, 0.8], SHADOW, flat=0.45)
    pixels, depth, scale = camera.project(ends)
    nearness = depth.mean(axis=1) - 0.5 * radii.max(axis=1)
    # The trunk is one body: its pieces share a depth and an outline.
    trunk = [index for index, piece in enumerate(_PIECES) if piece.colour == TORSO]
    nearness[trunk] = nearness[trunk].mean()
    for index in np.argsort(-nearness, kind='stable'):
        if index in trunk[1:]:
            continue
        group = trunk if index == trunk[0] else [index]
        _solid(draw, pixels[group], radii[group] * scale[group], _PIECES[index].colour)
        if index == len(_PIECES) - 1:
            _draw_eyes(draw, camera, positions, orientations)


def _piece_ends(positions: Array, orientations: Array) -> Array:
    """Return (K, 2, 3) end points of the pieces in the world."""
    joints = np.array([[skeleton.index(name) for name in piece.joints] for piece in _PIECES])
    offsets = np.array([piece.offsets for piece in _PIECES], dtype=np.float64)
    return positions[joints] + rotation.apply(orientations[joints], offsets)


def _draw_eyes(
    draw: ImageDraw.ImageDraw, camera: _Camera, positions: Array, orientations: Array
) -> None:
    """Draw the eyes where they are turned to the camera."""
    head = skeleton.index('head')
    points = positions[head] + rotation.apply(orientations[head], np.array(_EYES))
    centre = positions[head] + rotation.apply(orientations[head], [0.0, 0.1, 0.01])
    depth_of_head = camera.project(centre)[1]
    pixels, depth, scale = camera.project(points)
    for (x, y), far, size in zip(pixels, depth, scale * 0.012, strict=True):
        if far < depth_of_head - 0.02:
            draw.ellipse([x - size, y - size, x + size, y + size], fill=(40, 40, 46))


def _solid(draw: ImageDraw.ImageDraw, ends: Array, radii: Array, colour: Colour) -> None:
    """Draw capsules (K, 2, 2) as one body with a dark outline and a lit upper side."""
    outline, lit = _mix(colour, (0, 0, 0), 0.55), _mix(colour, (255, 255, 255), 0.22)
    for line, radius in zip(ends, radii, strict=True):
        _capsule(draw, line, radius + 0.8 * _SUPERSAMPLE, outline)
    for line, radius in zip(ends, radii, strict=True):
        _capsule(draw, line, radius, colour)
    for line, radius in zip(ends, radii, strict=True):
        _capsule(draw, line + radius[:, None] * np.array([-0.22, -0.28]), radius * 0.5, lit)


def _capsule(
    draw: ImageDraw.ImageDraw, ends: Array, radii: Array, colour: Colour, flat: float = 1.0
) -> None:
    """Fill two discs and the quadrangle between them; `flat` squeezes them vertically."""
    for (x, y), radius in zip(ends, radii, strict=True):
        draw.ellipse([x - radius, y - radius * flat, x + radius, y + radius * flat], fill=colour)
    along = (ends[1] - ends[0]) / [1.0, flat]
    length = float(np.linalg.norm(along))
    if length < 1e-6:
        return
    normal = np.array([-along[1], along[0] * flat]) / length
    quad = [ends[0] + normal * radii[0], ends[1] + normal * radii[1]]
    quad += [ends[1] - normal * radii[1], ends[0] - normal * radii[0]]
    draw.polygon([tuple(point) for point in quad], fill=colour)


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return the colour that is `share` of the way from `a` to `b`."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )
