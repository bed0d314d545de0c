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
"""Tells what became of every motion that the robot has begun to play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
import math
from typing import Any

from l2emg_interfaces.msg import MotionOutcome

from l2emg_ros.retarget.plan import Account


@dataclass
class _Performance:
    """One motion being played.

    Attributes:
        motion_id: Its name.
        account: How it is planned.
        begun: Clock time of its first frame, s; NaN before.
        errors: Sum of the mean absolute errors of the joints, rad.
        samples: How many were added up.
    """

    motion_id: str
    account: Account
    begun: float = math.nan
    errors: float = 0.0
    samples: int = 0


class Outcomes:
    """Follows the newest motion and publishes its outcome once.

    A phase is the time on which plans are made, which the manner may stretch against the clock.

    Args:
        publish: Takes the message.
        now: Returns the time of the clock, s.
    """

    def __init__(self, publish: Callable[[MotionOutcome], Any], now: Callable[[], float]) -> None:
        self._publish, self._now = publish, now
        self._current: _Performance | None = None
        self._account: Account | None = None

    @property
    def playing(self) -> bool:
        """Whether a motion has been planned whose outcome is open."""
        return self._current is not None

    def planned(self, motion_id: str, account: Account, phase: float) -> None:
        """Note a plan of a motion; another motion than before takes the place of that.

        Args:
            motion_id: Its name.
            account: How it is planned; the same object as long as it is the same performance.
            phase: The time, s.
        """
        if account is not self._account:
            self.close(phase)
            self._account, self._current = account, _Performance(motion_id, account)
        if self._current is not None:
            # The worker adds to its own.
            self._current.account = replace(account, changed=set(account.changed))

    def measured(self, error: float) -> None:
        """Note the mean absolute error of the joints, rad."""
        current = self._current
        if current is not None and not math.isnan(current.begun):
            current.errors += error
            current.samples += 1

    def watch(self, phase: float) -> None:
        """Publish the outcome when the last frame has been played."""
        current = self._current
        if current is None:
            return
        account = current.account
        if math.isnan(current.begun) and phase >= account.began:
            current.begun = self._now() - (phase - account.began)
        if account.last and phase >= account.end:
            self._tell(current, account.end, self._now() - (phase - account.end), completed=True)

    def close(self, phase: float) -> None:
        """Publish the outcome of a motion that has ended, or is being stopped."""
        self.watch(phase)
        if self._current is not None:
            self._tell(self._current, phase, self._now(), completed=False)

    def _tell(self, done: _Performance, phase: float, clock: float, *, completed: bool) -> None:
        """Publish and forget."""
        self._current = None
        account = done.account
        stretch, elapsed = 1.0, phase - account.began
        if elapsed > account.step and not math.isnan(done.begun):
            stretch = account.stretch * (clock - done.begun) / elapsed
        self._publish(
            MotionOutcome(
                motion_id=done.motion_id,
                completed=completed,
                time_stretch=float(stretch),
                trimmed=float(account.trimmed),
                tracking_error=done.errors / done.samples if done.samples else math.nan,
            )
        )
