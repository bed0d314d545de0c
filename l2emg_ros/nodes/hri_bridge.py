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
"""Node `hri_bridge`: emotions between this package and ROS4HRI (REP-155), where that is installed.

What a person's face says becomes `human_emotion`, which whoever sends feedback can put into
`human_before` and `human_after`; a request for an expression becomes `emotion`, and what the body
expresses is said as `robot_face/expression`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import importlib
import re
import sys
from typing import Any

from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import SmplMotion

from l2emg_ros import hri
from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.nodes import convert, diagnostics, qos
from l2emg_ros.nodes.base import BaseNode, guarded, run
from l2emg_ros.nodes.diagnostics import Meter, Status
from l2emg_ros.nodes.parameters import parameter, Parameters

# What an id may be so that it can be part of a topic (REP-155 asks for letters and digits).
_ID = re.compile(r'[A-Za-z][A-Za-z0-9_]{0,127}')


@dataclass(frozen=True)
class HriBridgeParameters(Parameters):
    """Parameters of the bridge."""

    faces: str = parameter(
        '/humans/faces', 'Where the topics of faces are, as of REP-155', read_only=True
    )
    face: str = parameter(
        '',
        'Id of the face that is listened to; empty for the first one that is tracked',
        read_only=True,
    )

    def __post_init__(self) -> None:
        """Check that the id can be part of a topic."""
        super().__post_init__()
        if self.face:
            _checked(self.face)


class HriBridgeNode(BaseNode[HriBridgeParameters]):
    """Translates; without hri_msgs it says so and does nothing."""

    def __init__(self, **options: Any) -> None:
        """Declare the parameters."""
        self._expression: Any = None
        self._missing = ''
        self._face = ''
        self._listening: Any = None
        self._human: tuple[Emotion | None, float] | None = None
        self._shown: Emotion | None = None
        self._heard, self._asked, self._said = Meter(), Meter(), Meter()
        super().__init__('hri_bridge', HriBridgeParameters, **options)

    def create(self) -> None:
        """Make the topics whose types are installed."""
        self._emotion = self.publish_to(EmotionMessage, 'emotion', qos.NEWEST)
        self._person = self.publish_to(EmotionMessage, 'human_emotion', qos.LATCHED)
        self._expression = _installed('hri_msgs', 'Expression')
        tracked = _installed('hri_msgs', 'IdsList')
        request = _installed('interaction_skills', 'SetExpression')
        if self._expression is None:
            self._missing = (
                'hri_msgs is not installed: no expression is read or said; expected the package '
                'ros-jazzy-hri-msgs'
            )
            self.get_logger().warning(self._missing)
            return
        if request is None:
            # Not released: so it is with most.
            self._missing = 'without interaction_skills: skill/set_expression is not heard'
            self.get_logger().info(self._missing)
        self._robot = self.publish_to(self._expression, 'robot_face/expression', qos.LATCHED)
        self.subscribe(EmotionMessage, 'emotion', self._on_emotion, qos.NEWEST)
        self.subscribe(SmplMotion, 'smpl_motion', self._on_motion, qos.STREAM)
        # For who recognises one face and gives it no id.
        self.subscribe(self._expression, 'face/expression', self._on_expression, qos.SENSOR)
        if self.parameters.face:
            self._listen(self.parameters.face)
        elif tracked is not None:
            self.subscribe(
                tracked, f'{self.parameters.faces}/tracked', self._on_tracked, qos.SENSOR
            )
        if request is not None:
            self.subscribe(request, 'skill/set_expression', self._on_request, qos.NEWEST)

    def start(self) -> None:
        """Begin without knowing what the body expresses."""
        self._shown = None

    # Of people.

    def _listen(self, face: str) -> None:
        """Hear the expressions of a face, and of no other that is tracked; '' for none."""
        if self._listening is not None:
            self.destroy_subscription(self._listening)
            self._listening = None
        self._face = ''
        if face:
            topic = f'{self.parameters.faces}/{_checked(face)}/expression'
            # Without the parameters of `subscribe`: those of faces that are gone would stay.
            self._listening = self.create_subscription(
                self._expression,
                topic,
                self._on_expression,
                qos.SENSOR,
                callback_group=self.group,
            )
            self._face = face

    @guarded
    def _on_tracked(self, message: Any) -> None:
        """Stay with a face while it is tracked, then turn to the first of the others."""
        if self._face not in message.ids:
            first = str(message.ids[0]) if message.ids else ''
            if first != self._face:
                self._listen(first)

    @guarded
    def _on_expression(self, message: Any) -> None:
        if not self.active:
            return
        emotion = _emotion(message)
        self._heard.mark()
        self._human = emotion, float(message.confidence)
        told = convert.emotion_to_message(emotion)
        told.confidence = float(message.confidence)
        self._person.publish(told)

    # Of the robot.

    @guarded
    def _on_request(self, message: Any) -> None:
        """Ask the body for an expression; an empty one takes the request before back."""
        if self.active:
            emotion = _emotion(message.expression)
            self._asked.mark()
            self._emotion.publish(convert.emotion_to_message(emotion))

    @guarded
    def _on_emotion(self, message: EmotionMessage) -> None:
        if self.active:
            self._show(convert.emotion_from_message(message))

    @guarded
    def _on_motion(self, message: SmplMotion) -> None:
        if self.active and message.chunk_index == 0:
            self._show(convert.emotion_from_message(message.emotion))

    def _show(self, emotion: Emotion | None) -> None:
        """Say what the body expresses, where that has changed."""
        if emotion is None or emotion == self._shown:
            return
        self._shown = emotion
        label, valence, arousal = hri.to_expression(emotion)
        message = self._expression(
            expression=label, valence=float(valence), arousal=float(arousal), confidence=1.0
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._robot.publish(message)
        self._said.mark()

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the line `hri_bridge: hri`."""
        return {'hri': self._status}

    def _status(self) -> Status:
        emotion, confidence = self._human or (None, 0.0)
        values = {
            'face': self._face,
            'human_emotion': emotion or '',
            'human_confidence': f'{confidence:.2f}',
            'robot_emotion': self._shown or '',
            **self._heard.values('expressions'),
            **self._asked.values('requests'),
            **self._said.values('said'),
        }
        if self._expression is None:
            return Status(diagnostics.WARN, self._missing or 'not configured', values)
        return Status(message=self._missing or 'ok', values=values)


def _installed(package: str, name: str) -> Any:
    """Return a message type; None where it is not installed."""
    try:
        return getattr(importlib.import_module(f'{package}.msg'), name, None)
    except ImportError:
        return None


def _emotion(message: Any) -> Emotion | None:
    """Return the emotion of an Expression.

    Raises:
        BadRequest: Its label is unknown or a number is out of range.
    """
    return hri.from_expression(
        str(message.expression),
        float(message.valence),
        float(message.arousal),
        float(message.confidence),
    )


def _checked(face: str) -> str:
    """Return an id that can be part of a topic.

    Raises:
        BadRequest: It cannot.
    """
    if not _ID.fullmatch(face):
        raise BadRequest(f'face {face[:64]!r}: expected an id of letters, digits and _')
    return face


def main(arguments: list[str] | None = None) -> int:
    """Run the node as a process."""
    return run(HriBridgeNode, arguments)


if __name__ == '__main__':
    sys.exit(main())
