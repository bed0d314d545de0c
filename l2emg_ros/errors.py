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

"""Errors that a user can cause: one line each, with the offending value and what was expected."""

from __future__ import annotations


class L2EmgError(Exception):
    """Base of every error this package raises on purpose."""


class BadRequest(L2EmgError):
    """A request (text, emotion, duration, joint name, ...) cannot be served as it stands."""


class MotionFormatError(L2EmgError):
    """A motion or trajectory file, or the arrays in it, do not have the expected form."""


class RobotMapError(L2EmgError):
    """A robot description or its map file is incomplete or contradicts itself."""


class LimitViolation(L2EmgError):
    """A trajectory would leave the position, velocity or acceleration limits of the robot."""


class ExpertIntegrityError(L2EmgError):
    """An expert or a model file differs from what its manifest promises."""


class ModelNotLoaded(L2EmgError):
    """A model folder is missing, incomplete or made for another version."""


class ResourceNotFound(L2EmgError):
    """A file that ships with the package was found in none of the places looked at."""


class LogError(L2EmgError):
    """The log of interactions is damaged, in use, missing or made by another version."""
