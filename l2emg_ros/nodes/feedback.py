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
"""What people and the robot say about motions: messages in, checked dataclasses out."""

from __future__ import annotations

import math
from typing import Any

from l2emg_interfaces.msg import InteractionFeedback, MotionOutcome
from rclpy.serialization import deserialize_message

from l2emg_ros.errors import BadRequest
from l2emg_ros.lifelong.interaction import Feedback, Outcome
from l2emg_ros.nodes import convert


def unpack(data: bytes, kind: type, limit: int) -> Any:
    """Return the message in serialised bytes, which are looked at only if they are not too many.

    Raises:
        BadRequest: They are more than ``limit``.
    """
    if len(data) > limit:
        raise BadRequest(f'{kind.__name__} of {len(data)} bytes: expected at most {limit}')
    return deserialize_message(data, kind)


def feedback_from_message(message: InteractionFeedback) -> Feedback:
    """Return the feedback of a message.

    Raises:
        BadRequest: It has no consent, or a field is not well formed. Of feedback without consent
            the message repeats nothing.
    """
    if not message.consent:
        raise BadRequest('feedback without consent: nothing of it is kept')
    rating = float(message.rating)
    before, after = message.human_before, message.human_after
    return Feedback(
        motion_id=str(message.motion_id),
        session_id=str(message.session_id),
        rating=None if math.isnan(rating) else rating,
        human_before=convert.emotion_from_message(before),
        human_after=convert.emotion_from_message(after),
        correction=str(message.correction),
        preferred_motion_id=str(message.preferred_motion_id),
        demonstration=str(message.demonstration),
        confidence_before=float(before.confidence),
        confidence_after=float(after.confidence),
    )


def outcome_from_message(message: MotionOutcome) -> Outcome:
    """Return the outcome of a message.

    Raises:
        BadRequest: A field is not well formed.
    """
    convert.check_name(message.motion_id, 'motion_id')
    error = float(message.tracking_error)
    return Outcome(
        completed=bool(message.completed),
        time_stretch=float(message.time_stretch),
        trimmed=float(message.trimmed),
        tracking_error=None if math.isnan(error) else error,
    )
