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
"""Simulated people before the real nodes: they ask for motions, watch, and say what they think."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import tempfile
import time
from typing import Any, TYPE_CHECKING
import uuid

from l2emg_interfaces.action import GenerateMotion, LearnScenario
from l2emg_interfaces.msg import InteractionFeedback, SmplMotion
from l2emg_interfaces.srv import RollbackExpert
from rclpy.action.client import ActionClient
from std_msgs.msg import String

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import L2EmgError
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import convert, qos
from l2emg_ros.nodes.visitor import Visitor

if TYPE_CHECKING:
    from l2emg_ros.bench.people import Person
    from l2emg_ros.bench.stage import Wish

_SURE = 0.8
_TICK = 0.02
_PATIENCE = 60.0


class RaterError(L2EmgError):
    """A node did not answer in time, or refused what was asked of it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A motion that a person has watched.

    Attributes:
        motion_id: Its id.
        motion: The motion.
        first_chunk: Seconds from the accepted goal to the first chunk, as the generator says.
        experts: Who wrote it.
    """

    motion_id: str
    motion: Motion
    first_chunk: float
    experts: tuple[str, ...]


class Rater(Visitor):
    """Plays people against the nodes `generator` and `lifelong`.

    Args:
        namespace: Of the nodes.
        hurry: Factor on the delays after which people speak.
    """

    failure = RaterError

    def __init__(self, namespace: str = '', hurry: float = 1.0) -> None:
        super().__init__('rater', namespace)
        self._hurry, self._session = hurry, uuid.uuid4().hex
        self._watched: set[str] = set()
        self._recorded: list[str] = []
        self._due: list[tuple[float, InteractionFeedback]] = []
        self._shown = tempfile.TemporaryDirectory(prefix='l2emg_rater_')
        self.said = 0
        node = self._node
        node.create_subscription(SmplMotion, 'smpl_motion', self._on_motion, qos.STREAM)
        node.create_subscription(String, 'lifelong/recorded', self._on_recorded, qos.STREAM)
        self._feedback = node.create_publisher(
            InteractionFeedback, 'interaction_feedback', qos.FEEDBACK
        )
        self._generate = ActionClient(node, GenerateMotion, 'generate_motion')
        self._learn = ActionClient(node, LearnScenario, 'learn_scenario')
        self._rollback = node.create_client(RollbackExpert, 'rollback_expert')
        node.create_timer(_TICK, self._speak)
        self._enter()

    def close(self) -> None:
        """Leave the graph; what was shown is removed."""
        super().close()
        self._shown.cleanup()

    def wait(self, timeout: float = _PATIENCE) -> None:
        """Return once the nodes are there: a reader that is found later misses chunks."""
        count = self._node.count_subscribers
        for ready, what in (
            (self._generate.server_is_ready, 'no generate_motion server'),
            (lambda: count('smpl_motion') >= 2, 'no reader of smpl_motion'),
            (self._feedback.get_subscription_count, 'no reader of interaction_feedback'),
            (lambda: self._node.count_publishers('lifelong/recorded'), 'no lifelong/recorded'),
        ):
            self._until(ready, time.monotonic() + timeout, what)

    def watch(self, text: str, emotion: Emotion | None, seed: int) -> Seen:
        """Ask for a motion and watch it to its end.

        Raises:
            RaterError: The goal was refused or failed, or time ran out.
        """
        goal = GenerateMotion.Goal(
            text=text, emotion=convert.emotion_to_message(emotion), seed=int(seed)
        )
        result = self._goal(self._generate, goal, _PATIENCE).result
        if result.error_code != GenerateMotion.Result.OK:
            raise RaterError(f'{text!r} failed ({result.error_code}): {result.message}')
        name = str(result.motion.motion_id)
        self._until(
            lambda: name in self._watched, time.monotonic() + _PATIENCE, f'no motion {name}'
        )
        return Seen(
            name,
            convert.motion_from_message(result.motion),
            float(result.time_to_first_chunk),
            tuple(result.experts),
        )

    def encounter(self, person: Person, wish: Wish, number: int, seed: int) -> Seen:
        """Let a person ask for a motion, watch it and say what they think, after their delay.

        Now and then they compare two motions, or show how it should be.

        Args:
            person: Who.
            wish: What they ask for.
            number: Of the encounter, for the noise in what they say.
            seed: Of the motion.

        Returns:
            What they spoke of.
        """
        seen = self.watch(wish.text, wish.emotion, seed)
        fields: dict[str, Any] = {}
        if person.compares(number):
            other = self.watch(wish.text, wish.emotion, seed + 1)
            motions = (seen.motion, other.motion)
            if person.prefers(motions, wish.gesture, wish.emotion, number) == 0:
                seen, other = other, seen
            # Only what somebody has spoken of is kept.
            self._say(other.motion_id, 0.0)
            fields['preferred_motion_id'] = other.motion_id
        opinion = person.opinion(seen.motion, wish.gesture, wish.emotion, number)
        fields['correction'] = opinion.correction
        if person.shows(number):
            path = Path(self._shown.name, f'{number}.npz')
            person.demonstrate(wish.gesture, wish.emotion, number).save(path)
            fields |= {'demonstration': str(path), 'correction': ''}
        for name, emotion in (('human_before', opinion.before), ('human_after', opinion.after)):
            fields[name] = convert.emotion_to_message(emotion)
            fields[name].confidence = _SURE
        rating = float('nan') if opinion.rating is None else float(opinion.rating)
        self._say(seen.motion_id, opinion.delay, rating=rating, **fields)
        return seen

    def settle(self, timeout: float = _PATIENCE) -> None:
        """Return once everything that was said is on disk.

        Raises:
            RaterError: Something was not stored in time.
        """
        self._until(
            lambda: len(self._recorded) >= self.said,
            time.monotonic() + timeout,
            f'{self.said} feedbacks were not stored',
        )

    def learn(
        self, scenario: str, data: str = '', *, steps: int = 0, timeout: float = 3600.0
    ) -> LearnScenario.Result:
        """Have a scenario learned and return what came of it.

        Raises:
            RaterError: The goal was refused, or time ran out.
        """
        goal = LearnScenario.Goal(scenario=scenario, data=data, max_steps=int(steps), promote=True)
        return self._goal(self._learn, goal, timeout).result

    def roll_back(self, scenario: str, version: str = '') -> float:
        """Go back to an earlier version and return how long that took, s.

        Raises:
            RaterError: It was refused, or time ran out.
        """
        deadline = time.monotonic() + _PATIENCE
        self._until(self._rollback.service_is_ready, deadline, 'no rollback_expert')
        request = RollbackExpert.Request(scenario=scenario, version=version)
        began = time.monotonic()
        answer = self._ask(lambda: self._rollback.call_async(request), deadline, 'no answer')
        if not answer.success:
            raise RaterError(f'{scenario}: {answer.message}')
        return time.monotonic() - began

    def _say(self, motion_id: str, delay: float, **fields: Any) -> None:
        """Say something about a motion, later."""
        fields.setdefault('rating', float('nan'))
        message = InteractionFeedback(
            motion_id=motion_id, session_id=self._session, consent=True, **fields
        )
        self.said += 1
        self._due.append((time.monotonic() + delay * self._hurry, message))

    def _speak(self) -> None:
        """Publish what is due; called by the node's timer."""
        now = time.monotonic()
        for entry in [entry for entry in self._due if entry[0] <= now]:
            self._due.remove(entry)
            self._feedback.publish(entry[1])

    def _on_motion(self, message: SmplMotion) -> None:
        if message.last:
            self._watched.add(str(message.motion_id))

    def _on_recorded(self, message: String) -> None:
        self._recorded.append(str(message.data))

    def _goal(self, client: ActionClient, goal: Any, timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        self._until(client.server_is_ready, deadline, 'no action server')
        handle = self._ask(lambda: client.send_goal_async(goal), deadline, 'no answer')
        if not handle.accepted:
            raise RaterError('the goal was rejected')
        return self._ask(handle.get_result_async, deadline, 'no result')
