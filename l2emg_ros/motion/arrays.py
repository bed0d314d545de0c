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
"""Reads NumPy files without trusting them: no pickles, no allocation that the file cannot fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
import math
import os
from pathlib import Path
from typing import Any, IO
import zipfile

import numpy as np
from numpy.typing import NDArray

from l2emg_ros.errors import MotionFormatError

# 10,000 s of SMPL-H motion at 120 Hz; a damaged or hostile file may claim any size.
MAX_BYTES = 1 << 30


def read_npy(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read the array of an ``.npy`` file.

    Raises:
        MotionFormatError: if it is damaged, holds Python objects or is larger than 1 GiB.
        OSError: if it cannot be read.
    """
    path = Path(path)
    with path.open('rb') as file:
        try:
            return _read_array(file, path.stat().st_size)
        except OSError:
            raise
        except Exception as error:  # NumPy and zipfile raise almost anything on a hostile header
            raise MotionFormatError(f'{_one_line(error)}: expected an .npy file') from None


def read_npz(path: str | os.PathLike[str], names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file that are in it and in `names`.

    Raises:
        MotionFormatError: if it is damaged, holds Python objects or is larger than 1 GiB.
        OSError: if it cannot be read.
    """
    arrays = {}
    with _archive(path) as archive:
        members = set(archive.namelist())
        for name in names:
            member = f'{name}.npy'
            if member in members:
                with archive.open(member) as file:
                    arrays[name] = _read_array(file, archive.getinfo(member).file_size)
    return arrays


def list_npz(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the arrays in an ``.npz`` file; errors as `read_npz`."""
    with _archive(path) as archive:
        return [name.removesuffix('.npy') for name in archive.namelist()]


@contextmanager
def _archive(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    """Open an ``.npz`` file and turn whatever goes wrong with its content into one line."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError:
        raise
    except Exception as error:  # as above
        raise MotionFormatError(f'{_one_line(error)}: expected an .npz file') from None


def _read_array(file: IO[bytes], size: int) -> NDArray[Any]:
    """Read one array from an open file of `size` bytes after checking what its header claims."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f'NumPy format {version[0]}.{version[1]} is not supported')
    if dtype.hasobject:
        raise ValueError('holds Python objects, which are never loaded')
    count = math.prod(shape)
    claimed = count * dtype.itemsize
    if any(length < 0 for length in shape) or claimed > min(size, MAX_BYTES):
        raise ValueError(f'claims an array of shape {shape} in {size} bytes')
    data = file.read(claimed)
    if len(data) < claimed:
        raise ValueError(f'holds {len(data)} bytes of an array of {claimed}')
    array = np.frombuffer(data, dtype=dtype, count=count)
    return array.reshape(shape, order='F' if fortran else 'C')


def _one_line(error: BaseException) -> str:
    """Return the first line of a message; NumPy's can be long."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
