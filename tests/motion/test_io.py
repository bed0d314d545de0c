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
"""Every file format, and files that are broken or hostile; `test_rigs` holds the BVH rigs."""

from __future__ import annotations

from collections.abc import Iterator
import io as streams
import os
from pathlib import Path
import pickle
import time
import tracemalloc
import zipfile

from bvh_files import rig_text
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from people import angles_between, bone_angles, person, RIGS
import pytest
from samples import random_motion

from l2emg_ros.errors import MotionFormatError
from l2emg_ros.motion import io, rotation, skeleton
from l2emg_ros.motion.motion import Motion

# --- what is saved is what is loaded


def test_saved_motion_is_identical(tmp_path: Path) -> None:
    motion = random_motion(3).replace(
        betas=np.arange(10) / 7, scenario='ward', generator='m 1', intensity=0.3, seed=2**62 + 1
    )
    motion.save(tmp_path / 'a.npz')
    assert Motion.load(tmp_path / 'a.npz') == motion
    assert list(tmp_path.iterdir()) == [tmp_path / 'a.npz']


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    frames=st.integers(1, 30),
    fps=st.floats(1.0, 1000.0),
    text=st.text(st.characters(exclude_categories=('Cs', 'Cc')), max_size=40),
)
def test_any_motion_round_trips(
    tmp_path_factory: pytest.TempPathFactory, seed: int, frames: int, fps: float, text: str
) -> None:
    path = tmp_path_factory.mktemp('io') / 'a.npz'
    motion = random_motion(seed, frames=frames).replace(fps=fps, text=text)
    io.save(motion, path)
    assert io.load(path) == motion


def test_saved_file_has_the_keys_and_types_of_the_contract(tmp_path: Path) -> None:
    random_motion().save(tmp_path / 'a.npz')
    with np.load(tmp_path / 'a.npz', allow_pickle=False) as file:
        assert file['poses'].shape == (40, 66)
        assert file['poses'].dtype == np.float32
        assert file['trans'].shape == (40, 3)
        assert float(file['mocap_framerate']) == 30.0
        assert file['betas'].shape == (10,)
        for key in ('text', 'emotion', 'scenario', 'generator'):
            assert file[key].shape == ()
            assert file[key].dtype.kind == 'U'
        assert file['intensity'].shape == file['seed'].shape == ()


def test_only_npz_is_written(tmp_path: Path) -> None:
    with pytest.raises(MotionFormatError, match=r'saved as \.npz'):
        random_motion().save(tmp_path / 'a.bvh')


def test_unknown_extension_and_missing_file(tmp_path: Path) -> None:
    (tmp_path / 'a.fbx').write_text('x')
    with pytest.raises(MotionFormatError, match=r'\.npz, \.bvh, \.npy'):
        io.load(tmp_path / 'a.fbx')
    with pytest.raises(FileNotFoundError):
        io.load(tmp_path / 'nothing.bvh')


# --- plain AMASS


@pytest.mark.parametrize('columns', [66, 72, 156, 165])
def test_plain_amass_is_grounded(tmp_path: Path, columns: int) -> None:
    motion = person()
    poses = np.zeros((motion.frames, columns))
    poses[:, :66] = motion.poses
    np.savez(
        tmp_path / 'a.npz',
        poses=poses,
        trans=motion.root_translation + np.array([0.0, 0.0, 0.4]),
        mocap_framerate=120.0,
        betas=np.zeros(16),
        gender='neutral',
    )
    loaded = io.load(tmp_path / 'a.npz')
    assert loaded.fps == 120.0
    assert np.allclose(loaded.poses, motion.poses, atol=1e-6)
    assert np.allclose(loaded.trans[:, :2], motion.trans[:, :2], atol=1e-6)
    assert abs(loaded.joint_positions()[:, 10:12, 2].min() - skeleton.FOOT_HEIGHT) < 0.05


def test_amass_of_smplx_and_y_up(tmp_path: Path) -> None:
    motion = person(1)
    back = rotation.inverse(rotation.SMPL_TO_ROS_QUAT)
    root = rotation.to_rotvec(rotation.multiply(back, motion.rotations[:, 0]))
    np.savez(
        tmp_path / 'a.npz',
        root_orient=root,
        pose_body=motion.poses[:, 3:],
        trans=motion.root_translation @ rotation.SMPL_TO_ROS,
        mocap_frame_rate=30,
    )
    loaded = io.load(tmp_path / 'a.npz')
    assert angles_between(loaded.rotations, motion.rotations).max() < 0.1
    assert np.allclose(loaded.trans[:, :2], motion.trans[:, :2], atol=1e-5)


# --- HumanML3D


def test_humanml3d_joints(tmp_path: Path) -> None:
    motion = person(2)
    joints = motion.joint_positions() @ rotation.SMPL_TO_ROS * 1.2
    np.save(tmp_path / 'a.npy', joints.astype(np.float32))
    loaded = io.load(tmp_path / 'a.npy')
    assert loaded.fps == 20.0
    assert bone_angles(loaded.joint_positions(), motion.joint_positions()).max() < 0.1
    # The twist of limbs follows from the hinges; that of forearms and feet is unobservable.
    for name in ('left_hip', 'right_knee', 'left_shoulder', 'right_shoulder', 'spine3', 'pelvis'):
        joint = skeleton.index(name)
        found, true = loaded.joint_orientations()[:, joint], motion.joint_orientations()[:, joint]
        assert angles_between(found, true).max() < 12.0, name


def test_humanml3d_twist_is_steady_where_limbs_are_straight(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    joints = person(3, straight=True).joint_positions() @ rotation.SMPL_TO_ROS
    joints += rng.normal(scale=1e-3, size=joints.shape)
    np.save(tmp_path / 'a.npy', joints)
    loaded = io.load(tmp_path / 'a.npy')
    steps = angles_between(loaded.joint_orientations()[1:], loaded.joint_orientations()[:-1])
    assert steps.max() < 20.0


def test_joints_on_one_point_are_refused(tmp_path: Path) -> None:
    joints = person().joint_positions().copy()
    joints[7, 20] = joints[7, 18]
    np.save(tmp_path / 'a.npy', joints)
    with pytest.raises(MotionFormatError, match='left_wrist lies on its parent'):
        io.load(tmp_path / 'a.npy')


# --- broken and hostile files


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f'touch {self.marker}',)


def good_files() -> dict[str, bytes]:
    motion = person(9, frames=20)
    npz, npy = streams.BytesIO(), streams.BytesIO()
    np.savez(npz, poses=motion.poses, trans=motion.trans, mocap_framerate=30.0)
    np.save(npy, motion.joint_positions())
    text = rig_text(RIGS['bandai'], motion.rotations, motion.root_translation, six_channels=True)
    return {'.bvh': text.encode(), '.npz': npz.getvalue(), '.npy': npy.getvalue()}


def npy_header(shape: object, descr: str = '<f8') -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b' ' * (63 - (10 + len(header)) % 64) + b'\n'
    return b'\x93NUMPY\x01\x00' + len(header).to_bytes(2, 'little') + header


def npz_of(**members: bytes) -> bytes:
    stream = streams.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        for name, content in members.items():
            archive.writestr(f'{name}.npy', content)
    return stream.getvalue()


def arrays_of(**arrays: object) -> bytes:
    stream = streams.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def corrupted(marker: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (extension, content) of at least 200 files, none of which holds a motion."""
    rng = np.random.default_rng(0)
    good = good_files()
    for suffix, data in good.items():
        for cut in rng.uniform(0.0, 0.95, 20):
            yield suffix, data[: int(len(data) * cut)]
        for size in (0, 1, 7, 64, 1000, 100_000):
            yield suffix, rng.integers(0, 256, size, dtype=np.uint8).tobytes()
        for other in good:
            if other != suffix:
                yield suffix, good[other]
    yield from (('.bvh', data) for data in corrupted_bvh(good['.bvh'].decode(), rng))
    yield from (('.npz', data) for data in corrupted_npz(marker))
    for data in corrupted_npy(marker):
        yield '.npy', data


def corrupted_bvh(text: str, rng: np.random.Generator) -> Iterator[bytes]:
    head, body = text.split('MOTION\n')
    rows = body.splitlines()
    for token in ('nan', 'inf', '-inf', '1e400', '1e30', 'x', '1,5', '--1', '0x1p3', '\0'):
        for _ in range(3):
            number = int(rng.integers(2, len(rows)))
            words = rows[number].split()
            words[int(rng.integers(len(words)))] = token
            yield '\n'.join(
                [head + 'MOTION', *rows[:number], ' '.join(words), *rows[number + 1 :]]
            ).encode()
    for count in ('0', '-1', '19', '21', '999999999', '9' * 30, '1.5', 'nan', '', 'many'):
        yield text.replace('Frames: 20', f'Frames: {count}').encode()
    for step in ('0', '-0.03', 'nan', 'inf', '1e-300', '1e9', '', 'fast'):
        yield text.replace('Frame Time: 0.0333333', f'Frame Time: {step}').encode()
    for line in (
        'CHANNELS 6 ',
        'OFFSET',
        'JOINT Spine',
        '{',
        '}',
        'HIERARCHY',
        'MOTION',
        'ROOT',
    ):
        yield text.replace(line, '', 1).encode()
        yield text.replace(line, f'{line} {line}', 1).encode()
    for count in ('5', '7', '0', '-6', '1000000000000', 'six'):
        yield text.replace('CHANNELS 6', f'CHANNELS {count}', 1).encode()
    yield text.replace('Zrotation', 'Zrotatoin', 1).encode()
    yield text.replace('Zrotation', 'Xrotation', 1).encode()
    yield text.replace('OFFSET', 'OFFSET nan', 1).encode()
    yield ('HIERARCHY\nROOT a\n' + '{\nOFFSET 0 0 0\nCHANNELS 0\nJOINT b\n' * 100_000).encode()
    deep = '\n'.join(f'{{\nOFFSET 0 0 0\nCHANNELS 0\nJOINT b{n}' for n in range(100_000))
    yield f'HIERARCHY\nROOT a\n{deep}\nMOTION\nFrames: 1\nFrame Time: 0.1\n1'.encode()
    yield ('HIERARCHY\n' + '{' * 1_000_000 + '\nMOTION\n').encode()
    yield text.replace('Hips', 'H' * 1_000_000).encode()


def corrupted_npz(marker: Path) -> Iterator[bytes]:
    poses, trans = np.zeros((20, 66)), np.zeros((20, 3))
    whole = {'poses': poses, 'trans': trans, 'mocap_framerate': 30.0}
    for key in whole:
        yield arrays_of(**{name: value for name, value in whole.items() if name != key})
        yield arrays_of(**{**whole, key: np.array([Bomb(marker)], dtype=object)})
        yield arrays_of(**{**whole, key: np.array('text')})
        yield arrays_of(**{**whole, key: np.full(np.shape(whole[key]), np.nan)})
        yield arrays_of(**{**whole, key: np.full(np.shape(whole[key]), np.inf)})
        yield arrays_of(**{**whole, key: np.zeros((0, 0))})
        yield arrays_of(**{**whole, key: np.zeros((3, 4, 5))})
    for rate in (0.0, -30.0, 1e9, 0.5, [30.0, 30.0]):
        yield arrays_of(**{**whole, 'mocap_framerate': rate})
    for shape in ((20, 65), (20, 0), (0, 66), (21, 66), (1320,), (20, 66, 1)):
        yield arrays_of(**{**whole, 'poses': np.zeros(shape)})
    yield arrays_of(**whole, text=np.array([Bomb(marker)], dtype=object))
    yield arrays_of(**whole, text=np.array(3.0))
    yield arrays_of(**whole, seed=np.array('seven'))
    yield arrays_of(**whole, betas=np.full(10, np.nan))
    yield arrays_of(root_orient=np.zeros((20, 3)), pose_body=np.zeros((19, 63)), trans=trans)
    for shape in (
        '(1000000000000, 66)',
        '(-1, 66)',
        '(2**9,)',
        '(1e9, 66)',
        "('a',)",
        '20',
        '((' * 90,
    ):
        yield npz_of(poses=npy_header(shape), trans=npy_header('(20, 3)'))
    yield npz_of(poses=pickle.dumps(Bomb(marker)), trans=b'')
    yield npz_of(poses=npy_header('(1,)', '|O') + pickle.dumps(Bomb(marker)))


def corrupted_npy(marker: Path) -> Iterator[bytes]:
    yield pickle.dumps(Bomb(marker))
    yield npy_header('(1,)', '|O') + pickle.dumps(np.array([Bomb(marker)], dtype=object))
    for shape in (
        '(1000000000000, 22, 3)',
        '(-5, 22, 3)',
        '(20, 22)',
        '[20, 22, 3]',
        '()',
        '(0, 22, 3)',
    ):
        yield npy_header(shape) + bytes(20 * 22 * 3 * 8)
    for descr in ('<U4', 'm8[s]', '<c16', 'nonsense', '|V8'):
        yield npy_header('(20, 22, 3)', descr) + bytes(20 * 22 * 3 * 16)
    for value in (np.nan, np.inf, 0.0, 1e300):
        stream = streams.BytesIO()
        np.save(stream, np.full((20, 22, 3), value))
        yield stream.getvalue()
    stream = streams.BytesIO()
    np.save(stream, np.zeros((20, 263)))
    yield stream.getvalue()


def test_corrupted_files_give_one_line_and_run_nothing(tmp_path: Path) -> None:
    marker = tmp_path / 'executed'
    files = list(corrupted(marker))
    assert len(files) >= 200
    for number, (suffix, content) in enumerate(files):
        path = tmp_path / f'{number}{suffix}'
        path.write_bytes(content)
        tracemalloc.start()
        start = time.monotonic()
        with pytest.raises(MotionFormatError) as error:
            io.load(path)
        seconds, (_, peak) = time.monotonic() - start, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        message = str(error.value)
        assert message.startswith(f'{path}: ')
        assert len(message.splitlines()) == 1
        assert len(message) < 400 + len(str(path)), message[:200]
        assert seconds < 10.0, path
        assert peak < 200e6, path
        path.unlink()
    assert not marker.exists()


def test_pickle_bombs_are_live(tmp_path: Path) -> None:
    """What the corrupted files carry would run if it were unpickled."""
    marker = tmp_path / 'executed'
    pickle.loads(pickle.dumps(Bomb(marker)))
    assert marker.exists()
