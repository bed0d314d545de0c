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
"""What a version of an expert says of itself: its manifest, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
import json
from pathlib import Path
import re
from typing import Any

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts.reading import check_finite, digest, Tensors

# Manifests without a schema are those of before it: they have no digest of their own.
SCHEMA = 2
MANIFEST = 'manifest.json'
CONFIG, ADAPTER, SLOTS = FILES = (
    'adapter_config.json',
    'adapter_model.safetensors',
    'slots.safetensors',
)
_NAME = re.compile(r'[a-z][a-z0-9_]{1,63}')
_VERSION = re.compile(r'[1-9][0-9]{0,8}')
_EXTRA = re.compile(r'[a-z][a-z0-9_-]{0,63}\.json')
_SHA256 = re.compile(r'[0-9a-f]{64}')
_SCENARIO_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ExpertInfo:
    """What is known of one version of an expert without loading it.

    Attributes:
        sha256: Hash of ``adapter_model.safetensors``.
        created: Seconds since the epoch.
        active: Whether ``active.json`` names it.
    """

    name: str
    version: str
    scenario: str
    base_model: str
    rank: int
    sha256: str
    created: float
    active: bool
    metrics: Mapping[str, float] = field(default_factory=dict)


def check_name(name: object) -> str:
    """Return the name of an expert.

    Raises:
        BadRequest: It is not one; a name is a folder and must not lead anywhere else.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequest(
            f'expert name {_shown(name)}: expected lower-case letters, digits and _, 2 to 64'
        )
    return name


def check_version(version: object) -> str:
    """Return the version of an expert.

    Raises:
        BadRequest: It is not a positive number, written without leading zeros.
    """
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise BadRequest(f'expert version {_shown(version)}: expected a number from 1')
    return version


def check_scenario(scenario: object) -> str:
    """Return the name of a scenario.

    Raises:
        BadRequest: It is empty, long or not printable.
    """
    if (
        not isinstance(scenario, str)
        or not 0 < len(scenario) <= _SCENARIO_LENGTH
        or not scenario.isprintable()
    ):
        raise BadRequest(f'scenario {_shown(scenario)}: expected 1 to 64 printable characters')
    return scenario


def is_name(name: str) -> bool:
    """Return whether a folder name is that of an expert."""
    return bool(_NAME.fullmatch(name))


def is_version(name: str) -> bool:
    """Return whether a folder name is that of a version."""
    return bool(_VERSION.fullmatch(name))


def is_extra(name: str) -> bool:
    """Return whether a file name may be that of a further JSON file of a version."""
    return bool(_EXTRA.fullmatch(name)) and name not in (MANIFEST, CONFIG)


def refused(manifest: Mapping[str, Any]) -> bool:
    """Return whether the gate refused a version: it is stored, but was never to be used."""
    gate = manifest.get('gate')
    # That of a version that shipped is words.
    return isinstance(gate, Mapping) and gate.get('verdict') == 'refused'


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest as it reads from a file, with its schema and its own digest."""
    value = json.loads(json.dumps({**manifest, 'schema': SCHEMA}))
    return {**value, 'digest': _digest(value)}


def check(manifest: Mapping[str, Any], path: Path | str) -> None:
    """Check the fields of a manifest.

    Args:
        manifest: Parsed.
        path: What to call it in an error.

    Raises:
        ExpertIntegrityError: A field is missing or not what it should be.
    """
    if 'schema' in manifest or 'digest' in manifest:
        schema = manifest.get('schema')
        if schema != SCHEMA:
            raise ExpertIntegrityError(f'{path} has schema {_shown(schema)}: expected {SCHEMA}')
        try:
            intact = manifest.get('digest') == _digest(manifest)
        except RecursionError:
            intact = False
        if not intact:
            raise ExpertIntegrityError(f'{path} is damaged: it differs from its own digest')
    try:
        check_name(manifest['name'])
        check_version(manifest['version'])
        check_scenario(manifest['scenario'])
        info(manifest, active=False)
        _check_files(manifest['sha256'])
        layers, rank = manifest['target_modules'], manifest['rank']
        if type(rank) is not int or not 1 <= rank <= 4096:
            raise ValueError(f'rank {_shown(rank)}')
        if not layers or not all(isinstance(layer, str) for layer in layers):
            raise ValueError('target_modules are not names of layers')
        if not isinstance(manifest.get('hashes', {}), dict):
            raise ValueError('hashes are not an object')
    except (BadRequest, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        why = str(error) if isinstance(error, BadRequest | ValueError) else repr(error)
        raise ExpertIntegrityError(f'{path} is damaged: {why}') from None


def check_tensors(
    manifest: Mapping[str, Any], adapter: Tensors, slots: Tensors, where: Path | str
) -> None:
    """Check that tensors are those of the layers and the rank that a manifest names.

    Args:
        manifest: With ``rank`` and ``target_modules``.
        adapter: ``<layer>.lora_A.weight`` (rank, inputs), ``<layer>.lora_B.weight``
            (outputs, rank).
        slots: Scenario slots and gates.
        where: What to call them in an error.

    Raises:
        ExpertIntegrityError: One is missing, not expected, not finite or of another shape.
    """
    rank = int(manifest['rank'])
    wanted = {f'{layer}.lora_{s}.weight' for layer in manifest['target_modules'] for s in 'AB'}
    if different := sorted(wanted ^ set(adapter)):
        what = 'is missing' if different[0] in wanted else 'is not expected'
        raise ExpertIntegrityError(f'{where}: the tensor {different[0]} {what}')
    for name, value in adapter.items():
        axis = 0 if name.endswith('.lora_A.weight') else 1
        if value.ndim != 2 or value.shape[axis] != rank:
            raise ExpertIntegrityError(
                f'{where}: {name} has the shape {value.shape}: expected rank {rank}'
            )
    check_finite(adapter, where)
    check_finite(slots, where)


def info(manifest: Mapping[str, Any], active: bool) -> ExpertInfo:
    """Read the fields of a manifest that a list shows."""
    return ExpertInfo(
        name=str(manifest['name']),
        version=str(manifest['version']),
        scenario=str(manifest['scenario']),
        base_model=str(manifest['base_model']),
        rank=int(manifest['rank']),
        sha256=str(manifest['sha256'][ADAPTER]),
        created=datetime.fromisoformat(manifest['created']).timestamp(),
        active=active,
        metrics={str(k): float(v) for k, v in manifest.get('metrics', {}).items()},
    )


def adapter_config(rank: int, layers: list[str]) -> dict[str, Any]:
    """Return what peft's ``LoraConfig`` reads; written without importing peft and torch."""
    return {
        'peft_type': 'LORA',
        'task_type': None,
        'base_model_name_or_path': None,
        'inference_mode': True,
        'r': rank,
        'lora_alpha': 2 * rank,
        'lora_dropout': 0.0,
        'bias': 'none',
        'fan_in_fan_out': False,
        'modules_to_save': None,
        'target_modules': sorted(layers),
    }


def _check_files(hashes: Mapping[str, str]) -> None:
    """Check the table of the files and their hashes.

    Raises:
        ValueError: A file is missing, has a name that is not allowed, or a hash is none.
    """
    for name in FILES:
        if name not in hashes:
            raise ValueError(f'sha256 has no {name}')
    for name, value in hashes.items():
        if name not in FILES and not is_extra(name):
            raise ValueError(f'sha256 names the file {_shown(name)}')
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise ValueError(f'sha256 of {name} is {_shown(value)}')


def _digest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything in a manifest except its digest."""
    value = {key: item for key, item in manifest.items() if key != 'digest'}
    return digest(json.dumps(value, sort_keys=True, separators=(',', ':')).encode())


def _shown(value: object) -> str:
    """Return a value short enough for one line."""
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:60]}... ({len(text)} characters)'
