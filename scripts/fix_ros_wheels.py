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
"""Point the CMake files of the ROS wheels at this interpreter; they name their builder's folders.

Run with the interpreter of the environment after each pip install. Running it again is harmless.
"""

from __future__ import annotations

from pathlib import Path
import re
import sys
import sysconfig

import numpy as np


def main() -> None:
    """Rewrite the exported Python and NumPy include folders."""
    python_include = sysconfig.get_path('include')
    files = Path(sys.prefix, 'share').glob('*/cmake/export_*__rosidl_generator_pyExport.cmake')
    for file in files:
        text = file.read_text()
        fixed = re.sub(r'/opt/python/[^;"]*/numpy/_core/include', np.get_include(), text)
        fixed = re.sub(r'/opt/python/[^;"]*/include/python3\.\d+', python_include, fixed)
        if fixed != text:
            file.write_text(fixed)


if __name__ == '__main__':
    main()
