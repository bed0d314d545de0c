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
"""The BVH parser, on files written here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import bvh, rigs

ARM = b"""HIERARCHY
ROOT Upper
{
\tOFFSET 1.0 2.0 3.0
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation \t
\tJOINT Lower
\t{
\t\tOFFSET 10.0 0.0 0.0
\t\tCHANNELS 3 Zrotation Xrotation Yrotation
\t\tJOINT Hand
\t\t{
\t\t\tOFFSET 5.0 -0 0.0
\t\t\tCHANNELS 0
\t\t\tEnd Site
\t\t\t{
\t\t\t\tOFFSET 1.0 0.0 0.0
\t\t\t}
\t\t}
\t}
}
MOTION
Frames:\t2
Frame Time:\t0.0333333
0 0 0 0 0 0 0 0 0
7 8 9 90 0 0 -0 0 90
"""


def test_tree_and_values() -> None:
    clip = bvh.parse(ARM)
    assert clip.names == ('Upper', 'Lower', 'Hand')
    assert clip.parents == (-1, 0, 1)
    assert clip.channels[1] == ('Zrotation', 'Xrotation', 'Yrotation')
    assert clip.channels[2] == ()
    assert clip.values.shape == (2, 9)
    assert clip.frame_time == 0.0333333


def test_kinematics_by_hand() -> None:
    positions, orientations = bvh.parse(ARM).kinematics()
    # Position channels replace OFFSET; the zero pose is along x.
    assert np.allclose(positions[0], [[0, 0, 0], [10, 0, 0], [15, 0, 0]])
    # 90 degrees about z carry x to y; then 90 degrees about the moving y carry x to -z.
    assert np.allclose(positions[1], [[7, 8, 9], [7, 18, 9], [7, 18, 4]])
    assert np.allclose(orientations[:, 2], orientations[:, 1])


@pytest.mark.parametrize('order', ['XYZ', 'XZY', 'YXZ', 'YZX', 'ZXY', 'ZYX'])
def test_euler_orders(order: str) -> None:
    rng = np.random.default_rng(1)
    angles = rng.uniform(-170, 170, (1, 3))
    words = ' '.join(f'{axis}rotation' for axis in order)
    numbers = ' '.join(map(str, angles[0]))
    text = (
        f'HIERARCHY\nROOT a\n{{\nOFFSET 0 0 0\nCHANNELS 3 {words}\n}}\n'
        f'MOTION\nFrames: 1\nFrame Time: 0.01\n{numbers}\n'
    )
    _, orientations = bvh.parse(text.encode()).kinematics()
    matrix = np.eye(3)
    for axis, angle in zip(order, angles[0], strict=True):
        matrix = matrix @ Rotation.from_euler(axis.lower(), angle, degrees=True).as_matrix()
    assert np.allclose(Rotation.from_quat(orientations[0, 0]).as_matrix(), matrix)


def test_six_channels_replace_the_offset() -> None:
    six = ARM.replace(b'CHANNELS 3', b'CHANNELS 6 Xposition Yposition Zposition')
    six = six.replace(b'0 0 0 0 0 0 0 0 0', b'0 0 0 0 0 0 4 0 0 0 0 0')
    six = six.replace(b'7 8 9 90 0 0 -0 0 90', b'0 0 0 0 0 0 0 6 0 0 0 0')
    positions, _ = bvh.parse(six).kinematics()
    assert np.allclose(positions[:, 1], [[4, 0, 0], [0, 6, 0]])


def test_layout_does_not_matter() -> None:
    expected = bvh.parse(ARM)
    for odd in (
        ARM.replace(b'\n', b'\r\n'),
        ARM.replace(b'\t', b'    '),
        ARM.replace(b'\n{', b' {').replace(b'\n\t{', b' {'),
        ARM.replace(b'\n7 8 9', b'\n7\n8 9'),
        ARM + b' \n\t\n',
        ARM.rstrip(),
    ):
        clip = bvh.parse(odd)
        assert clip.names == expected.names
        assert np.array_equal(clip.values, expected.values)


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (b'MOTION', b'MOTOIN', 'no line MOTION'),
        (b'HIERARCHY', b'hierarchy', "starts with 'hierarchy': expected HIERARCHY"),
        (b'Frames:\t2', b'Frames: 3', r'18 motion values: expected 27 \(3 frames of 9 channels\)'),
        (b'Frames:\t2', b'Frames: 999999999', 'expected 8999999991'),
        (b'0.0333333', b'0', 'expected 0.001 to 1 seconds'),
        (b'7 8 9', b'7 nan 9', 'NaN'),
        (b'7 8 9', b'7 8 9 9', '19 motion values'),
        (b'7 8 9', b'7 8 #', 'not a number'),
        (b'CHANNELS 3', b'CHANNELS 4', 'line 9: .*expected a count and that many channels'),
        (b'Xrotation', b'Wrotation', "channel 'Wrotation'"),
        (b'JOINT Hand', b'JOINT Lower', "'Lower' is empty or repeated"),
        (b'OFFSET 10.0', b'OFFSET', 'line 8: .*expected three numbers'),
        (b'\t\tOFFSET 10.0 0.0 0.0\n', b'', "joint 'Lower' has no OFFSET"),
        (b'JOINT Lower', b'ROOT Lower', 'ROOT in the wrong place'),
        (b'}\nMOTION', b'MOTION', 'not closed'),
    ],
)
def test_errors_say_what_is_wrong(old: bytes, new: bytes, message: str) -> None:
    assert old in ARM
    with pytest.raises(MotionFormatError, match=message):
        bvh.parse(ARM.replace(old, new, 1))


def test_tables_are_complete_and_tell_the_rigs_apart() -> None:
    tables = rigs.load_rigs()
    assert len(tables) == 10
    for rig in tables:
        names = sorted({name for source in rig.sources for name in source.names})
        assert rigs.detect(names).name == rig.name
        assert rigs.detect([f'ns:{name}' for name in names]).name == rig.name
        mirrored = {n for n in names if 'eft' in n or '_L' in n or n.startswith('l')}
        assert mirrored, rig.name


def test_a_rig_that_lacks_joints_is_refused_by_name() -> None:
    for rig in rigs.load_rigs():
        names = {name for source in rig.sources for name in source.names} - {rig.sources[18].joint}
        with pytest.raises(MotionFormatError, match='left_elbow'):
            rigs.detect(sorted(names))
