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
"""Package metadata of l2emg_ros for pip and colcon (build type ament_python)."""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

NAME = 'l2emg_ros'
ROOT = Path(__file__).resolve().parent
# Folders installed whole, with their structure, into share/l2emg_ros.
SHARED = ('launch', 'models', 'rviz', 'urdf', 'worlds')


def data_files() -> list[tuple[str, list[str]]]:
    """List (destination folder, sources) of everything that lies outside the Python package."""
    files = {
        'share/ament_index/resource_index/packages': [f'resource/{NAME}'],
        f'share/{NAME}': ['package.xml'],
        f'share/{NAME}/config': sorted(
            str(path.relative_to(ROOT)) for path in (ROOT / NAME / 'config').glob('*.yaml')
        ),
    }
    for folder in SHARED:
        for path in sorted((ROOT / folder).rglob('*')):
            source = path.relative_to(ROOT)
            if path.is_file() and '__pycache__' not in source.parts:
                files.setdefault(f'share/{NAME}/{source.parent}', []).append(str(source))
    return list(files.items())


setup(
    name=NAME,
    version='0.1.0',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['py.typed', 'config/*', '**/data/*', '**/*.yaml', '**/*.json']},
    data_files=data_files(),
    zip_safe=False,
    install_requires=['setuptools'],
    extras_require={
        'test': ['pytest'],
        'gpu': ['onnxruntime-gpu'],
        'fast': ['numba'],
    },
    entry_points={
        'console_scripts': [
            'l2emg = l2emg_ros.cli.main:main',
            'generator = l2emg_ros.nodes.generator_node:main',
            'retargeter = l2emg_ros.nodes.retargeter_node:main',
            'lifelong = l2emg_ros.nodes.lifelong_node:main',
            'hri_bridge = l2emg_ros.nodes.hri_bridge:main',
            'simulator = l2emg_ros.nodes.simulator_node:main',
        ],
    },
    maintainer='l2emg_ros authors',
    maintainer_email='l2emg-ros@users.noreply.github.com',
    description='Emotional full-body motion for humanoid robots from sentences, in ROS 2.',
    license='Apache-2.0',
    # The Python version is stated here only: python_requires breaks colcon's reading of setup.py.
    classifiers=[
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering',
    ],
)
