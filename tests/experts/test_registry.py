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
"""Experts on disk: complete or absent, verified or refused, readable by peft."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import shutil

import numpy as np
from peft import PeftModel
import pytest
import torch

from l2emg_ros.errors import BadRequest, ExpertIntegrityError
from l2emg_ros.experts import composition
from l2emg_ros.experts.registry import Registry
from l2emg_ros.files import read_json, write_json
from l2emg_ros.generator import checkpoint
from l2emg_ros.model.expert import SCALING


@pytest.fixture
def registry(tiny: Path, tmp_path: Path) -> Registry:
    folder = tmp_path / 'model'
    shutil.copytree(tiny, folder)
    return Registry(folder / 'experts')


def test_lists_what_the_contract_asks_for(registry: Registry) -> None:
    infos = registry.list()
    assert [(i.name, i.version, i.scenario, i.active) for i in infos] == [
        ('reception', '1', 'reception', True),
        ('ward', '1', 'ward', True),
    ]
    assert [i.name for i in registry.list('ward')] == ['ward']
    assert all(len(i.sha256) == 64 and i.rank == 4 and i.created > 1e9 for i in infos)


def test_a_new_version_is_not_active_until_it_is_made_so(registry: Registry) -> None:
    manifest, adapter, slots = registry.load('ward')
    version = registry.add(manifest, adapter, slots)
    assert version == '2'
    assert [(i.version, i.active) for i in registry.list('ward')] == [('1', True), ('2', False)]
    router = registry.router()
    assert router is not None
    registry.activate({'reception': ('reception', '1'), 'ward': ('ward', '2')}, router, 'x')
    assert [(i.version, i.active) for i in registry.list('ward')] == [('1', False), ('2', True)]
    registry.router()


@pytest.mark.parametrize(
    'file', ['adapter_config.json', 'adapter_model.safetensors', 'slots.safetensors']
)
def test_a_flipped_bit_is_refused(registry: Registry, file: str) -> None:
    path = registry.folder / 'ward' / '1' / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ExpertIntegrityError, match=file):
        registry.load('ward')
    registry.verify('reception')


def test_a_damaged_router_or_active_file_is_refused(registry: Registry) -> None:
    (path,) = registry.folder.glob('router-*.safetensors')
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ExpertIntegrityError, match='router'):
        registry.router()
    (registry.folder / 'active.json').write_text('{"active": 3}')
    with pytest.raises(ExpertIntegrityError, match=r'active\.json'):
        registry.list()


@pytest.mark.parametrize(
    'damage',
    [
        lambda m: m.pop('rank'),
        lambda m: m.update(sha256=None),
        lambda m: m.update(name='other'),
        lambda m: m.update(created='yesterday'),
    ],
)
def test_a_damaged_manifest_is_refused(
    registry: Registry, damage: Callable[[dict[str, object]], object]
) -> None:
    path = registry.folder / 'ward' / '1' / 'manifest.json'
    manifest = read_json(path)
    damage(manifest)
    write_json(path, manifest)
    with pytest.raises(ExpertIntegrityError, match=r'manifest\.json'):
        registry.manifest('ward')


@pytest.mark.parametrize('name', ['../ward', 'Ward', 'a', '', 'ward/1', 'x' * 99])
def test_names_cannot_leave_the_folder(registry: Registry, name: str) -> None:
    with pytest.raises(BadRequest):
        registry.load(name)


def test_unknown_experts_and_versions_are_named(registry: Registry) -> None:
    with pytest.raises(BadRequest, match='the registry has reception, ward'):
        registry.manifest('stage')
    with pytest.raises(BadRequest, match="'7'"):
        registry.manifest('ward', '7')


def test_peft_reads_an_expert_and_computes_the_same(tiny: Path) -> None:
    model = checkpoint.load(tiny)
    expert = model.expert('ward')
    inputs = torch.randn(1, 7, model.lm.config.width)
    factors = {
        name: (down, up * SCALING)
        for name, down, up in zip(expert.names, expert.down, expert.up, strict=True)
    }
    with torch.inference_mode(), composition.active(composition.Composition(factors)):
        ours = model.lm.backbone(inputs_embeds=inputs, use_cache=False).last_hidden_state
    # peft wraps plain linear layers: hand it the backbone without our subclass.
    from transformers import LlamaModel

    plain = LlamaModel(model.lm.backbone.config).eval()
    plain.load_state_dict(model.lm.backbone.state_dict())
    wrapped = PeftModel.from_pretrained(plain, tiny / 'experts' / 'ward' / '1')
    with torch.inference_mode():
        theirs = wrapped(inputs_embeds=inputs, use_cache=False).last_hidden_state
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


def test_an_expert_of_another_base_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    shutil.copytree(tiny, folder)
    registry = Registry(folder / 'experts')
    manifest, adapter, slots = registry.load('ward')
    manifest['hashes']['base'] = '0' * 64
    registry.add(manifest, adapter, slots)
    with pytest.raises(ExpertIntegrityError, match='another base'):
        checkpoint.load(folder).expert('ward')
