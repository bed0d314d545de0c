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
"""Atomic replacement of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2emg_ros.files import atomic_write, read_json, write_json


def test_a_writer_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / 'value.json'
    write_json(path, {'a': 1})

    def crash() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text('half')
            raise RuntimeError('power cut')

    with pytest.raises(RuntimeError):
        crash()
    assert read_json(path) == {'a': 1}
    assert [p.name for p in tmp_path.iterdir()] == ['value.json']


def test_missing_folders_are_made_and_the_suffix_is_kept(tmp_path: Path) -> None:
    with atomic_write(tmp_path / 'a' / 'b' / 'clip.npz') as temporary:
        assert temporary.suffix == '.npz'
        temporary.write_bytes(b'x')
    assert (tmp_path / 'a' / 'b' / 'clip.npz').read_bytes() == b'x'


def test_a_damaged_json_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'broken.json'
    path.write_text('{')
    with pytest.raises(ValueError, match=r'broken\.json'):
        read_json(path)
