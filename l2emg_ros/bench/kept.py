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
"""Results that a run which was stopped need not measure again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from l2emg_ros.bench.report import plain
from l2emg_ros.files import read_json, write_json


def kept(path: Path, config: Mapping[str, Any], measure: Callable[[], Any]) -> Any:
    """Return what a file holds for a configuration, or measure and keep it there.

    Args:
        path: A JSON file.
        config: What the result depends on; a file of another one is measured anew.
        measure: Returns the result, in terms that ``report.plain`` takes.
    """
    wanted = plain(config)
    try:
        found = read_json(path)
        if found['config'] == wanted:
            return found['results']
    except (OSError, ValueError, TypeError, KeyError):
        pass  # Not measured yet, or not to its end.
    results = plain(measure())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {'config': wanted, 'results': results})
    return results
