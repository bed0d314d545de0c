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
"""Files that anybody may have touched: read once, bounded, and only where they really lie.

What is hashed is what is parsed: a file is read into memory and never opened a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
import errno
import hashlib
import json
import os
from pathlib import Path
import stat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from l2emg_ros.errors import ExpertIntegrityError

Tensors = dict[str, NDArray[np.floating[Any]]]

# Largest JSON and safetensors file that is read, bytes: a hundred times what experts need.
MAX_JSON, MAX_TENSORS = 4 << 20, 256 << 20


def read(root: Path, *parts: str, limit: int) -> bytes:
    """Read a regular file below a folder, following no symbolic link below it.

    Args:
        root: Folder; may itself be reached through links.
        parts: Folders below it and the name of the file, each without a separator.
        limit: Largest size, bytes.

    Raises:
        FileNotFoundError: There is none.
        ExpertIntegrityError: It is a link, no regular file (a FIFO would block) or too large.
        OSError: It cannot be read.
    """
    path = root.joinpath(*parts)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = -1
    try:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts:
            inner = os.open(part, flags, dir_fd=handle)
            os.close(handle)
            handle = inner
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ExpertIntegrityError(f'{path} is not a regular file: it is not read')
        data = b''
        if status.st_size <= limit:
            with os.fdopen(handle, 'rb', closefd=False) as file:
                data = file.read(limit + 1)
        if status.st_size > limit or len(data) > limit:
            raise ExpertIntegrityError(f'{path} is larger than {limit >> 20} MiB: it is not read')
        return data
    except OSError as error:
        if error.errno == errno.ELOOP:
            why = 'is or lies behind a symbolic link: it is not followed'
        elif error.errno in (errno.ENOTDIR, errno.ENXIO):
            why = 'is not a regular file in a folder'
        else:
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise ExpertIntegrityError(f'{path} {why}') from None
    finally:
        if handle >= 0:
            os.close(handle)


def parse(data: bytes, path: Path | str) -> dict[str, Any]:
    """Parse a JSON object in which no key comes twice.

    Args:
        data: UTF-8 text.
        path: What to call it in an error.

    Raises:
        ExpertIntegrityError: It is anything else.
    """
    try:
        value = json.loads(data.decode('utf-8'), object_pairs_hook=_unique)
    except RecursionError:
        raise ExpertIntegrityError(f'{path} is damaged: nested too deeply') from None
    except ValueError as error:
        raise ExpertIntegrityError(f'{path} is damaged: {error}') from None
    if not isinstance(value, dict):
        raise ExpertIntegrityError(f'{path} is damaged: expected a JSON object')
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; refuse what another reader could understand differently."""
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'the key {twice!r} comes twice')
    return result


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def tensors(data: bytes, path: Path | str) -> Tensors:
    """Parse safetensors; every number must be a finite floating-point one.

    Raises:
        ExpertIntegrityError: It is anything else (a pickle, for example, which is never opened).
    """
    try:
        found = {name: np.array(value) for name, value in load(data).items()}
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ExpertIntegrityError(f'{path} is not a readable safetensors file: {error}') from None
    check_finite(found, path)
    return found


def check_finite(values: Mapping[str, NDArray[Any]], path: Path | str) -> None:
    """Refuse tensors that are not floating-point or not finite.

    Raises:
        ExpertIntegrityError: Naming the tensor.
    """
    for name, value in values.items():
        if not np.issubdtype(value.dtype, np.floating):
            raise ExpertIntegrityError(
                f'{path}: {name} has the type {value.dtype}: expected floating-point numbers'
            )
        if not np.isfinite(value).all():
            raise ExpertIntegrityError(f'{path}: {name} holds numbers that are not finite')
