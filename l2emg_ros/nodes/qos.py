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
"""Quality of service of every topic, in one place."""

from __future__ import annotations

import copy

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions


def _reliable(depth: int, durability: DurabilityPolicy = DurabilityPolicy.VOLATILE) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=durability,
    )


# Every chunk must arrive, in order, also in a burst; a late joiner must not replay half a gesture.
STREAM = _reliable(64)
# Plans, set points and emotions: the newest supersedes.
NEWEST = _reliable(1)
# State that a late joiner still needs ("latched").
LATCHED = _reliable(1, DurabilityPolicy.TRANSIENT_LOCAL)
# Volatile on purpose: a transient-local reader would refuse `ros2 topic pub` and most bridges.
FEEDBACK = _reliable(50)
# What became of motions: of each it is said once.
OUTCOME = _reliable(10)
DIAGNOSTICS = _reliable(10)
# Joint states out: reliable, so that both kinds of reader can connect.
STATE = _reliable(5)
# Joint states and clock in: best effort connects to both kinds of publisher.
SENSOR = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=5,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)


def entity_options(profile: QoSProfile) -> dict:
    """Return the keyword arguments that give an entity this profile, overridable from YAML.

    The profile is copied: rclpy writes overrides into the object it is given.
    """
    return {
        'qos_profile': copy.copy(profile),
        'qos_overriding_options': QoSOverridingOptions.with_default_policies(),
    }
