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
"""When a robot has no strength to learn: it moves, its battery is low, or it is hot."""

from __future__ import annotations

from collections.abc import Callable
import math
import time
from typing import Any

from sensor_msgs.msg import BatteryState, Temperature

from l2emg_ros.nodes import qos
from l2emg_ros.nodes.base import BaseNode

MOVING, BATTERY, HOT = 'robot moving', 'battery low', 'too hot'
# How far a value must come back before its reason ends: share of the charge, degrees C.
_RECOVERED, _COOLED = 0.05, 5.0
# A value that nobody has repeated for so long says nothing any more, s.
_STALE = 60.0
_PERIOD = 0.1


class Holds:
    """Watches the robot and says which reasons to pause hold.

    Args:
        node: The node, whose parameters say how much is too much.
        moving: Whether the robot performs a motion.
        hold: Called with a reason and whether it holds.
    """

    def __init__(
        self, node: BaseNode[Any], moving: Callable[[], bool], hold: Callable[[str, bool], None]
    ) -> None:
        self._node, self._moving, self._hold = node, moving, hold
        self._held: dict[str, float] = {}
        node.subscribe(BatteryState, 'battery_state', self._on_battery, qos.SENSOR)
        node.subscribe(Temperature, 'temperature', self._on_temperature, qos.SENSOR)
        node.every(_PERIOD, self._on_watch, steady=True)

    def _on_battery(self, message: BatteryState) -> None:
        charge = float(message.percentage)
        if not 0.0 <= charge <= 1.0:
            return  # Not measured.
        status = message.power_supply_status
        drained = status == BatteryState.POWER_SUPPLY_STATUS_DISCHARGING or (
            status == BatteryState.POWER_SUPPLY_STATUS_UNKNOWN and message.current < 0.0
        )
        least = self._node.parameters.min_battery
        least += _RECOVERED if BATTERY in self._held else 0.0
        self._set(BATTERY, drained and charge < least)

    def _on_temperature(self, message: Temperature) -> None:
        degrees = float(message.temperature)
        if math.isfinite(degrees):
            most = self._node.parameters.max_temperature
            self._set(HOT, degrees > most - (_COOLED if HOT in self._held else 0.0))

    def _on_watch(self) -> None:
        self._set(MOVING, self._node.parameters.pause_while_moving and self._moving())
        now = time.monotonic()
        for reason in [name for name, since in self._held.items() if now - since > _STALE]:
            self._set(reason, False)

    def _set(self, reason: str, holds: bool) -> None:
        if holds:
            self._held[reason] = time.monotonic()
        else:
            self._held.pop(reason, None)
        self._hold(reason, holds)
