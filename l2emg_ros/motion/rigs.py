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
"""Which joint of a motion-capture skeleton stands for which SMPL joint.

The tables are data, in `data/rigs.yaml`; this module reads them and finds the one that fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
import re
from typing import Any, Literal

import yaml

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import skeleton

_SIDES = re.compile(r'\{(.*?)\|(.*?)\}')


@dataclass(frozen=True)
class Source:
    """A point `(1 - weight) * joint + weight * toward` of a skeleton; it turns with `joint`."""

    joint: str
    toward: str
    weight: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The joints it needs."""
        return (self.joint,) if self.joint == self.toward else (self.joint, self.toward)


@dataclass(frozen=True)
class Rig:
    """The table of one kind of skeleton.

    Attributes:
        name: name of the rig.
        up: vertical axis of the file.
        sources: 22 points, in SMPL order.
        absent: joints that must not be there.
    """

    name: str
    up: Literal['y', 'z']
    sources: tuple[Source, ...]
    absent: frozenset[str]

    def missing(self, names: set[str]) -> list[str]:
        """Return the SMPL joints that cannot be placed with the joints `names`."""
        return [
            joint
            for joint, source in zip(skeleton.JOINT_NAMES, self.sources, strict=True)
            if not names.issuperset(source.names)
        ]


def plain(name: str) -> str:
    """Strip a namespace such as 'mixamorig:' from a joint name."""
    return name.rpartition(':')[2]


def detect(names: Sequence[str]) -> Rig:
    """Find the rig of a skeleton by its joint names.

    Args:
        names: joint names of the file, with or without a namespace.

    Raises:
        MotionFormatError: if no table fits; it names the SMPL joints that the nearest one cannot
            place.
    """
    present = {plain(name) for name in names}
    tables = load_rigs()
    for rig in tables:
        if not rig.missing(present) and not rig.absent & present:
            return rig
    lacking = [rig for rig in tables if rig.missing(present)]
    nearest = min(lacking, key=lambda rig: len(rig.missing(present)))
    unplaced = ', '.join(nearest.missing(present))
    raise MotionFormatError(
        f'unknown skeleton: cannot place the SMPL joints {unplaced} '
        f'(nearest of {len(tables)} known skeletons: {nearest.name})'
    )


@lru_cache(maxsize=1)
def load_rigs() -> tuple[Rig, ...]:
    """Read the tables that ship with the package."""
    text = resources.files('l2emg_ros').joinpath('data/rigs.yaml').read_text('utf-8')
    return tuple(_rig(name, table) for name, table in yaml.safe_load(text).items())


def _rig(name: str, table: dict[str, Any]) -> Rig:
    sources = []
    for joint in skeleton.JOINT_NAMES:
        side, _, part = joint.rpartition('_')
        entry = table['joints'][part]
        start, stop, weight = entry if isinstance(entry, list) else (entry, entry, 0.0)
        sources.append(Source(_pick(start, side), _pick(stop, side), weight))
    return Rig(name, table['up'], tuple(sources), frozenset(table.get('absent', ())))


def _pick(name: str, side: str) -> str:
    """Replace {left|right} by the name of one side."""
    return _SIDES.sub(r'\1' if side == 'left' else r'\2', name)
