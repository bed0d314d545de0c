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
"""Every file of the repository: licence header, no private paths, nothing left to do."""

from __future__ import annotations

from pathlib import Path
import re
import subprocess

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ('.cmake', '.launch.py', '.py', '.sdf', '.sh', '.toml', '.cfg', '.xacro', '.xml', '.yaml')
NAMED = ('.ci/run', 'CMakeLists.txt', 'Makefile')
LICENCE = (
    'Copyright 2026 l2emg_ros authors',
    'Licensed under the Apache License, Version 2.0 (the "License");',
    'http://www.apache.org/licenses/LICENSE-2.0',
    'distributed under the License is distributed on an "AS IS" BASIS,',
    'limitations under the License.',
)
MACHINE_PATH = re.compile(r'(?<![\w.$}{<])/(?:home|root|work|tmp|Users)/\w')
UNFINISHED = re.compile(r'\b(?:TODO|FIXME|XXX|raise NotImplementedError)\b')


def tracked() -> list[Path]:
    listed = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip('needs the git history: this is not a clone')
    paths = [ROOT / name for name in listed.stdout.split('\0') if name]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ''


def test_licence_headers() -> None:
    files = [p for p in tracked() if p.name.endswith(CODE) or str(p).endswith(NAMED)]
    assert len(files) > 60
    missing = [
        str(path.relative_to(ROOT))
        for path in files
        if not all(line in text_of(path)[:1500] for line in LICENCE)
    ]
    assert not missing


def test_licence_text() -> None:
    text = (ROOT / 'LICENSE').read_text()
    assert 'Version 2.0, January 2004' in text
    assert 'END OF TERMS AND CONDITIONS' in text


def test_no_machine_paths_and_nothing_unfinished() -> None:
    this = Path(__file__).resolve()
    found = []
    for path in tracked():
        if path == this or path.suffix == '.json':
            continue
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            if MACHINE_PATH.search(line) or UNFINISHED.search(line):
                found.append(f'{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}')
    assert not found


def test_cards_name_no_machine() -> None:
    cards = [path for path in tracked() if path.suffix == '.json' and 'models' in path.parts]
    assert not [path for path in cards if MACHINE_PATH.search(text_of(path))]


def test_shipped_models_are_small_and_safe() -> None:
    files = [path for path in tracked() if (ROOT / 'models') in path.parents]
    allowed = {'.safetensors', '.json', '.md'}
    assert {path.suffix for path in files} <= allowed
    assert sum(path.stat().st_size for path in files) <= 35e6
    assert all(path.stat().st_size <= 15e6 for path in files)


def test_module_sizes() -> None:
    large = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix == '.py'
        and (ROOT / 'l2emg_ros') in path.parents
        and (lines := len(text_of(path).splitlines())) > 415
    }
    assert not large
