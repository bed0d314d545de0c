#!/usr/bin/env bash
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

# Build and test both packages in a scratch folder with colcon, then use what was installed.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=$root/.venv/bin/python

if [ -z "${ROS_DISTRO:-}" ]; then
  export VIRTUAL_ENV=$root/.venv PATH=$root/.venv/bin:$PATH
  export AMENT_PREFIX_PATH=$VIRTUAL_ENV CMAKE_PREFIX_PATH=$VIRTUAL_ENV
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

colcon() {
  "$python" -m colcon --log-base "$scratch/log" "$@"
}
places=(--base-paths . ros2_ws/src --build-base "$scratch/build" --install-base "$scratch/install")

colcon build "${places[@]}" --cmake-args -DBUILD_TESTING=OFF "-DPython3_EXECUTABLE=$python"
# The packaging tests only: `make test` has run the others in the same environment.
colcon test "${places[@]}" --pytest-args tests/packaging -m 'not slow'
colcon test-result --test-result-base "$scratch/build" --verbose

# What a user would source. The scripts of colcon read variables that need not be set.
set +u
# shellcheck disable=SC1091
. "$scratch/install/setup.bash"
set -u
cd "$scratch"
"$python" "$root/scripts/check_install.py" "$scratch/install"
