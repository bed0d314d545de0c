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
"""The files of a version: tensors and JSON to bytes, and back."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts import manifest as manifests
from l2emg_ros.experts.manifest import ADAPTER, CONFIG, SLOTS
from l2emg_ros.experts.reading import parse, Tensors, tensors

# Of the names of the tensors in peft's files.
_PREFIX = 'base_model.model.'


def unpack(
    manifest: Mapping[str, Any], found: Mapping[str, bytes], where: Path
) -> tuple[Tensors, Tensors]:
    """Return the adapter tensors by layer name and the slot tensors of verified files.

    Raises:
        ExpertIntegrityError: They are not what the manifest says.
    """
    adapter = tensors(found[ADAPTER], where / ADAPTER)
    adapter = {key.removeprefix(_PREFIX): value for key, value in adapter.items()}
    slots = tensors(found[SLOTS], where / SLOTS)
    manifests.check_tensors(manifest, adapter, slots, where)
    return adapter, slots


def pack(
    manifest: Mapping[str, Any], adapter: Tensors, slots: Tensors, extras: Mapping[str, object]
) -> dict[str, bytes]:
    """Return the files of a version, except its manifest.

    Raises:
        BadRequest: A further file has a name that is not allowed or is not a JSON object.
        ExpertIntegrityError: The tensors do not fit the manifest or are not finite.
    """
    name = str(manifest['name'])
    manifests.check_tensors(manifest, adapter, slots, f'expert {name}')
    layers = [str(layer) for layer in manifest['target_modules']]
    files = {
        CONFIG: to_json(manifests.adapter_config(int(manifest['rank']), layers)),
        ADAPTER: save({_PREFIX + key: value for key, value in adapter.items()}),
        SLOTS: save(dict(slots)),
    }
    for file, value in extras.items():
        if not manifests.is_extra(file):
            raise BadRequest(f'{file!r} cannot be a file of an expert: expected NAME.json')
        data = value if isinstance(value, bytes) else to_json(value)
        try:
            parse(data, file)
        except ExpertIntegrityError as error:
            raise BadRequest(f'{error}: expected a JSON object') from None
        files[file] = data
    return files


def to_json(value: object) -> bytes:
    """Return indented JSON."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + '\n').encode()
