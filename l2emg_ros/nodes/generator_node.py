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
"""Node `generator`: sentences to motion, chunk by chunk, as an action."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
from dataclasses import dataclass
import sys
import time
from typing import Any, TYPE_CHECKING
import uuid

from l2emg_interfaces.action import GenerateMotion
from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import SmplMotion
from rclpy.action.server import ActionServer, CancelResponse, ServerGoalHandle
from std_srvs.srv import Trigger

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.nodes import convert, diagnostics, qos
from l2emg_ros.nodes.base import answered, BaseNode, guarded, run
from l2emg_ros.nodes.diagnostics import Meter, Status
from l2emg_ros.nodes.joints import floats
from l2emg_ros.nodes.parameters import folder, parameter, Parameters
from l2emg_ros.nodes.worker import end, GoalSlot, Ticket

if TYPE_CHECKING:
    from l2emg_ros.generator.generator import EmpathicGenerator
    from l2emg_ros.generator.request import Request

Result: Any = GenerateMotion.Result
# Time to first chunk above which the diagnostics warn, ms.
_SLOW_MS = 500.0


@dataclass(frozen=True)
class GeneratorParameters(Parameters):
    """Parameters of the generator."""

    model_path: str = parameter(
        '', 'Model folder; empty for the one that ships with the package', read_only=True
    )
    experts_path: str = parameter(
        '~/.ros/l2emg/experts',
        'Folder of learned experts; empty for those beside the model',
        read_only=True,
    )
    device: str = parameter(
        'auto', 'Where the model runs', choices=('auto', 'cpu', 'cuda'), read_only=True
    )
    threads: int = parameter(
        0,
        'Threads of the model on the CPU; 0 for the library default',
        minimum=0,
        maximum=256,
        read_only=True,
    )
    robot: str = parameter(
        'g1',
        'Robot that performs the motions, to say what of a goal it cannot do: a shipped name or '
        'the path of a map file',
        read_only=True,
    )
    frame_id: str = parameter('odom', 'Frame of the motions: z up, x forward')
    max_duration_s: float = parameter(
        20.0, 'Longest motion a goal may ask for', unit='s', minimum=0.5, maximum=20.0
    )


class Unsupported(L2EmgError):
    """A goal asks for what the robot cannot do."""


class GeneratorNode(BaseNode[GeneratorParameters]):
    """Serves `generate_motion` and publishes the chunks on `smpl_motion`.

    One goal at a time: a new one interrupts the one before (code 4), a cancel ends it within a
    chunk (code 125), a bad one is aborted with the reason (code 74) and interrupts nothing.
    """

    def __init__(self, **options: Any) -> None:
        """Declare the parameters."""
        self._generator: Any = None
        self._slot = GoalSlot()
        self._emotion: Emotion | None = None
        self._session: Any = None
        self._robot: Any = None
        self._first_chunks, self._chunks = Meter(), Meter()
        self._outcomes = dict.fromkeys(('ok', 'interrupted', 'bad', 'cancelled', 'failed'), 0)
        super().__init__('generator', GeneratorParameters, **options)

    def load(self) -> None:
        """Load the model and generate once, so that the first goal finds it warm."""
        started = time.monotonic()
        self._generator = self.worker.wait(self._load_model)
        self.get_logger().info(f'model loaded in {time.monotonic() - started:.1f} s')

    def _load_model(self) -> EmpathicGenerator:
        from l2emg_ros.generator.generator import EmpathicGenerator

        if self.parameters.threads:
            import torch

            torch.set_num_threads(self.parameters.threads)
        generator = EmpathicGenerator.load(
            self.parameters.model_path or None,
            device=self.parameters.device,
            experts=folder(self.parameters.experts_path),
        )
        generator.generate('wave', emotion='happy', seconds=1.0, seed=0)
        return generator

    def create(self) -> None:
        """Make the topics, the service and the action server."""
        self._motions = self.publish_to(SmplMotion, 'smpl_motion', qos.STREAM)
        self.subscribe(EmotionMessage, 'emotion', self._on_emotion, qos.NEWEST)
        self.serve(Trigger, 'reload_experts', self._on_reload)
        self._server = ActionServer(
            self,
            GenerateMotion,
            'generate_motion',
            self._execute,
            callback_group=self.group,
            cancel_callback=self._on_cancel,
        )

    def start(self) -> None:
        """Begin without a remembered emotion."""
        self._emotion = None

    def halt(self) -> None:
        """Interrupt the running goal; the weights stay."""
        self._slot.interrupt()

    def unload(self) -> None:
        """Free the model once the running chunk is done."""
        self._generator = self._robot = None
        self.worker.wait(_free_memory)

    @property
    def idle(self) -> bool:
        """Whether no goal is running."""
        return not self._slot.busy

    # Goals.

    def _on_cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        self._slot.cancel(bytes(goal.goal_id.uuid))
        return CancelResponse.ACCEPT

    async def _execute(self, goal: ServerGoalHandle) -> Any:
        """Answer a goal; every answer sets its final state and says why."""
        result, started = Result(), time.monotonic()
        goal_id = bytes(goal.goal_id.uuid)
        try:
            request = self._request(goal.request)
            if goal.request.targets or goal.request.joint_groups:
                await self.worker.run(self._check_wish, goal.request)
            ticket = self._slot.claim(goal_id)
            if goal.is_cancel_requested:
                ticket.stop.set()
            await self._generate(goal, request, ticket, result, started)
            if goal.is_cancel_requested:
                result.error_code, result.message = Result.CANCELLED, 'cancelled'
            elif ticket.interrupted:
                result.error_code, result.message = Result.INTERRUPTED, 'interrupted'
        except Unsupported as error:
            result.error_code, result.message = Result.UNSUPPORTED, self.report(error)
        except BadRequest as error:
            result.error_code, result.message = Result.BAD_REQUEST, self.report(error)
        except Exception as error:
            result.error_code, result.message = Result.OTHER, self.report(error)
        self._slot.release(goal_id)
        self._finish(goal, result)
        result.total_time = time.monotonic() - started
        return result

    def _request(self, goal: GenerateMotion.Goal) -> Request:
        """Check a goal before it may interrupt another."""
        self.require_active()
        request = convert.request_from_goal(goal)
        limit = self.parameters.max_duration_s
        if request.seconds is not None and request.seconds > limit:
            raise BadRequest(f'duration is {request.seconds:g} s: expected at most {limit:g}')
        return request

    def _check_wish(self, goal: GenerateMotion.Goal) -> None:
        """Check what a goal wants of the robot, on the worker's thread.

        Raises:
            BadRequest: A target or a joint group is not well formed.
            Unsupported: The robot cannot reach a target.
        """
        from l2emg_ros.retarget.robot import Robot
        from l2emg_ros.retarget.scene_report import unreachable

        if self._robot is None:
            self._robot = Robot.load(self.parameters.robot)
        for target in convert.wish_from_message(goal, self._robot).targets:
            if (why := unreachable(self._robot, target, 'fixed')) is not None:
                raise Unsupported(why)

    async def _generate(
        self,
        goal: ServerGoalHandle,
        request: Request,
        ticket: Ticket,
        result: Any,
        started: float,
    ) -> None:
        """Publish chunk after chunk until the motion ends or the ticket is stopped."""
        emotion = request.emotion or self._emotion
        motion_id, experts = str(uuid.uuid4()), {}
        wish = {'targets': goal.request.targets, 'joint_groups': goal.request.joint_groups}
        request = dataclasses.replace(request, emotion=emotion)
        session = await self.worker.run(self._open, request, ticket)
        self._session = session
        frames = 0
        chunks = iter(session)
        while (chunk := await self.worker.run(next, chunks, None)) is not None:
            if ticket.stop.is_set():
                break
            experts = {
                'emotion': Emotion.parse(chunk.motion.emotion, chunk.motion.intensity),
                'embedding': session.emotion_embedding,
                'experts': session.experts,
                'expert_weights': session.expert_weights,
                'novelty_p_value': session.novelty_p_value,
            }
            self._motions.publish(
                convert.motion_to_message(
                    chunk.motion,
                    motion_id=motion_id,
                    frame_id=self.parameters.frame_id,
                    chunk_index=chunk.index,
                    last=chunk.last,
                    tokens=chunk.tokens,
                    **(wish if chunk.index == 0 else {}),
                    **experts,
                )
            )
            if chunk.index == 0:
                result.time_to_first_chunk = time.monotonic() - started
                self._first_chunks.mark(result.time_to_first_chunk)
            self._chunks.mark()
            frames += chunk.motion.frames
            goal.publish_feedback(
                GenerateMotion.Feedback(
                    chunk_index=chunk.index, seconds_generated=frames / chunk.motion.fps
                )
            )
        if self._session is session:
            self._session = None
        if frames:
            result.motion = convert.motion_to_message(
                session.motion(),
                motion_id=motion_id,
                frame_id=self.parameters.frame_id,
                tokens=session.tokens(),
                **wish,
                **experts,
            )
        result.experts = list(session.experts)
        result.expert_weights = floats(session.expert_weights)
        result.novelty_p_value = float(session.novelty_p_value)

    def _open(self, request: Request, ticket: Ticket) -> Any:
        """Start a generation; on the worker's thread."""
        if self._generator is None:
            raise BadRequest('no model is loaded: configure the node first')
        return self._generator.open(request, cancel=ticket.stop)

    def _finish(self, goal: ServerGoalHandle, result: Any) -> None:
        """Count the outcome and set the goal's final state."""
        names = {
            Result.OK: 'ok',
            Result.INTERRUPTED: 'interrupted',
            Result.CANCELLED: 'cancelled',
            Result.BAD_REQUEST: 'bad',
            Result.UNSUPPORTED: 'bad',
        }
        self._outcomes[names.get(result.error_code, 'failed')] += 1
        end(goal, result)

    # Topics and services.

    @guarded
    def _on_emotion(self, message: EmotionMessage) -> None:
        if not self.active:
            return
        self._emotion = convert.emotion_from_message(message)
        if self._session is not None:
            self._session.set_emotion(self._emotion)

    @answered
    async def _on_reload(self, request: Trigger.Request, response: Any) -> Any:
        self.require_active()
        names = await self.worker.run(self._generator.reload_experts)
        response.success, response.message = True, 'active: ' + (', '.join(names) or 'none')
        return response

    # Diagnostics.

    def status_lines(self) -> dict[str, Callable[[], Status]]:
        """Return the lines `generator: model` and `generator: goals`."""
        return {'model': self._model_status, 'goals': self._goal_status}

    def _model_status(self) -> Status:
        if self._generator is None:
            return Status(diagnostics.WARN, 'no model loaded')
        values = {'active_experts': ', '.join(self._generator.active_experts())}
        if error := self._generator.experts_error:
            return Status(diagnostics.WARN, error, values)
        return Status(values=values)

    def _goal_status(self) -> Status:
        values: dict[str, Any] = {
            **self._outcomes,
            'busy': self._slot.busy,
            **self._first_chunks.values('first_chunk'),
            **self._chunks.values('chunk'),
        }
        if self._outcomes['failed']:
            return Status(diagnostics.ERROR, 'a goal failed', values)
        if float(values.get('first_chunk_p95_ms', 0)) > _SLOW_MS:
            return Status(diagnostics.WARN, 'the first chunk is slow', values)
        return Status(values=values)


def _free_memory() -> None:
    """Give the model's memory back; on the worker's thread."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main(arguments: list[str] | None = None) -> int:
    """Run the node as a process."""
    return run(GeneratorNode, arguments)


if __name__ == '__main__':
    sys.exit(main())
