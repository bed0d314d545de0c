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
"""Motions, emotions, goals and experts to messages and back, checked on the way in.

Whatever arrives is checked here: lengths, finiteness, labels, frames. A ``BadRequest`` says what
was wrong, and nothing that is not well formed reaches the core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TYPE_CHECKING

from l2emg_interfaces.action import GenerateMotion
from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import Expert, SmplMotion
from l2emg_interfaces.msg import SceneTarget as TargetMessage
import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest, L2EmgError
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes.joints import floats, time_message

if TYPE_CHECKING:
    from l2emg_ros.experts.registry import ExpertInfo
    from l2emg_ros.generator.request import Request
    from l2emg_ros.retarget.robot import Robot
    from l2emg_ros.retarget.scene_target import SceneTarget

_JOINTS = 22
# Bounds of what can be a chunk of human motion: ten minutes at 60 Hz, in a hall of 200 m.
_MAX_FRAMES = 36_000
_MAX_DISTANCE = 100.0
_MAX_NAME = 256


def check_name(value: str, what: str) -> str:
    """Return a short printable name.

    Raises:
        BadRequest: It is too long or holds control characters.
    """
    if len(value) > _MAX_NAME:
        raise BadRequest(f'{what} has {len(value)} characters: expected at most {_MAX_NAME}')
    if not value.isprintable():
        raise BadRequest(f'{what} {value!r} holds control characters')
    return value


def emotion_from_message(message: EmotionMessage, *, request: bool = False) -> Emotion | None:
    """Return the emotion of a message, or None where it names none (no label, all numbers 0).

    Args:
        message: The message.
        request: True for the emotion of a goal, where intensity 0 means "not given" and counts as
            1. On the emotion topic it is a state that may fade to 0, and is taken as it is.

    Raises:
        BadRequest: The label is unknown or a number is out of range.
    """
    check_name(message.label, 'emotion label')
    confidence = float(message.confidence)
    if not 0.0 <= confidence <= 1.0:
        raise BadRequest(f'emotion confidence is {confidence}: expected a number in [0, 1]')
    intensity = float(message.intensity)
    numbers = (float(message.valence), float(message.arousal), float(message.dominance))
    if not message.label and not any((*numbers, intensity)):
        return None
    if request and intensity == 0.0:
        intensity = 1.0
    for name, value in zip(('valence', 'arousal', 'dominance'), numbers, strict=True):
        if not -1.0 <= value <= 1.0:
            raise BadRequest(f'emotion {name} is {value}: expected a number in [-1, 1]')
    return Emotion(str(message.label), *numbers, intensity=intensity)


def emotion_to_message(emotion: Emotion | None) -> EmotionMessage:
    """Return an emotion as a message; None gives the message that names none."""
    if emotion is None:
        return EmotionMessage()
    return EmotionMessage(
        label=emotion.label,
        valence=float(emotion.valence),
        arousal=float(emotion.arousal),
        dominance=float(emotion.dominance),
        intensity=float(emotion.intensity),
        confidence=1.0,
    )


def request_from_goal(goal: GenerateMotion.Goal) -> Request:
    """Return the request of a goal.

    Raises:
        BadRequest: A field is not well formed.
    """
    from l2emg_ros.generator.request import Request

    if goal.seed < -1:
        raise BadRequest(f'seed is {goal.seed}: expected 0 or more, or -1 for a random one')
    return Request(
        text=str(goal.text),
        emotion=emotion_from_message(goal.emotion, request=True),
        seconds=float(goal.duration) or None,
        seed=None if goal.seed == -1 else int(goal.seed),
        context=str(goal.context),
    )


@dataclass(frozen=True)
class Wish:
    """What a request wants of the robot beside the motion.

    Attributes:
        targets: What to do with points in space.
        joint_groups: Groups or joints that take part; empty: all.
    """

    targets: tuple[SceneTarget, ...] = ()
    joint_groups: tuple[str, ...] = ()


def wish_from_message(message: GenerateMotion.Goal | SmplMotion, robot: Robot) -> Wish:
    """Return what a message asks of a robot, checked.

    Raises:
        BadRequest: A target or a joint group is not well formed, or there are not hands enough.
    """
    from l2emg_ros.retarget.scene_target import Hands

    groups = tuple(str(name) for name in message.joint_groups)
    robot.indices(groups)
    targets = targets_from_messages(message.targets, robot.map.links['base_link'].link)
    Hands(targets)
    return Wish(tuple(targets), groups)


def targets_from_messages(messages: Sequence[TargetMessage], root_link: str) -> list[SceneTarget]:
    """Return the targets of a request.

    Args:
        messages: The targets.
        root_link: Name of the robot's root link, the only frame that points are taken in.

    Raises:
        BadRequest: One is not well formed, or its point is given in another frame.
    """
    from l2emg_ros.retarget.scene_target import KINDS, SceneTarget

    targets = []
    for message in messages:
        frame = check_name(message.point.header.frame_id, 'frame_id of a target')
        if frame not in ('', root_link):
            raise BadRequest(
                f'a target is given in frame {frame!r}: expected {root_link!r}, or none'
            )
        if message.kind >= len(KINDS):
            raise BadRequest(f'target kind is {message.kind}: expected 0 to {len(KINDS) - 1}')
        point = message.point.point
        targets.append(
            SceneTarget(
                KINDS[message.kind],
                (point.x, point.y, point.z),
                check_name(message.limb, 'limb of a target') or 'either',  # type: ignore[arg-type]
                message.radius,
                message.start,
                message.duration,
            )
        )
    return targets


def motion_to_message(
    motion: Motion,
    *,
    motion_id: str,
    frame_id: str,
    chunk_index: int = 0,
    last: bool = True,
    emotion: Emotion | None = None,
    embedding: ArrayLike = (),
    experts: Sequence[str] = (),
    expert_weights: Sequence[float] = (),
    targets: Sequence[TargetMessage] = (),
    joint_groups: Sequence[str] = (),
    novelty_p_value: float = 1.0,
    tokens: ArrayLike = (),
) -> SmplMotion:
    """Return a motion, or a chunk of one, as a message to be played on receipt (stamp 0).

    ``tokens`` (L, levels) are those of the frames; scenario, seed and model are the motion's.
    """
    rows = np.asarray(tokens, dtype=np.uint16)
    message = SmplMotion(
        motion_id=motion_id,
        chunk_index=int(chunk_index),
        last=bool(last),
        fps=float(motion.fps),
        root_translation=floats(motion.trans),
        rotations=floats(motion.rotations),
        text=motion.text,
        emotion=emotion_to_message(emotion),
        emotion_embedding=floats(embedding),
        experts=[str(name) for name in experts],
        expert_weights=floats(expert_weights),
        targets=list(targets),
        joint_groups=[str(name) for name in joint_groups],
        scenario=motion.scenario,
        model=motion.generator,
        seed=int(motion.seed),
        novelty_p_value=float(novelty_p_value),
        tokens=floats(rows, 'H'),
        token_levels=rows.shape[1] if rows.size else 0,
    )
    message.header.frame_id = frame_id
    return message


def motion_from_message(message: SmplMotion) -> Motion:
    """Return the motion of a message.

    Raises:
        BadRequest: An array has another length, a value is not finite, a quaternion is zero, or a
            name, the frame rate or the emotion is not well formed.
    """
    for value, what in (
        (message.header.frame_id, 'frame_id'),
        (message.motion_id, 'motion_id'),
        (message.scenario, 'scenario'),
        (message.model, 'model'),
    ):
        check_name(value, what)
    if message.header.frame_id.startswith('/') or ' ' in message.header.frame_id:
        raise BadRequest(
            f'frame_id {message.header.frame_id!r}: expected a frame name such as odom'
        )
    if not message.motion_id:
        raise BadRequest('motion_id is empty: expected a name that all chunks of a motion share')
    if len(message.experts) != len(message.expert_weights):
        raise BadRequest(
            f'{len(message.expert_weights)} expert weights for {len(message.experts)} experts'
        )
    if len(message.tokens) % max(message.token_levels, 1) or bool(message.tokens) != bool(
        message.token_levels
    ):
        raise BadRequest(
            f'{len(message.tokens)} tokens in {message.token_levels} levels: expected L*levels'
        )
    fps = float(message.fps)
    if not 1.0 <= fps <= 1000.0:
        raise BadRequest(f'fps is {fps}: expected 1 to 1000 frames a second')
    values, trans = _numbers(message.rotations), _numbers(message.root_translation)
    frames = len(values) // (_JOINTS * 4)
    if frames < 1 or len(values) != frames * _JOINTS * 4 or len(trans) != frames * 3:
        raise BadRequest(
            f'{len(values)} rotation and {len(trans)} translation values: expected '
            f'F*{_JOINTS}*4 and F*3 for at least one frame'
        )
    if frames > _MAX_FRAMES:
        raise BadRequest(f'{frames} frames in one chunk: expected at most {_MAX_FRAMES}')
    if not (np.isfinite(values).all() and np.isfinite(trans).all()):
        raise BadRequest('rotations or root_translation hold a value that is not finite')
    if np.abs(trans).max() > _MAX_DISTANCE:
        raise BadRequest(
            f'root_translation reaches {np.abs(trans).max():g} m: '
            f'expected at most {_MAX_DISTANCE:g}'
        )
    rotations = values.reshape(frames, _JOINTS, 4)
    norms = np.linalg.norm(rotations, axis=-1)
    if norms.min() < 0.5 or norms.max() > 2.0:
        raise BadRequest(
            f'rotations hold quaternions of norm {norms.min():g} to {norms.max():g}: expected 1'
        )
    emotion = emotion_from_message(message.emotion)
    meta: dict[str, Any] = {
        'text': str(message.text),
        'scenario': str(message.scenario),
        'seed': int(message.seed),
        'generator': str(message.model),
    }
    if emotion is not None:
        meta.update(emotion=str(emotion), intensity=emotion.intensity)
    try:
        return Motion.from_rotations(rotations, trans.reshape(frames, 3), fps, **meta)
    except L2EmgError as error:
        raise BadRequest(str(error)) from None


def _numbers(values: Any) -> NDArray[np.float64]:
    """Return a message's float array in float64."""
    return np.asarray(values, dtype=np.float64)


def expert_to_message(expert: ExpertInfo) -> Expert:
    """Return an expert of the registry as a message."""
    metrics = {
        str(name): float(value)
        for name, value in (expert.metrics or {}).items()
        if isinstance(value, int | float)
    }
    return Expert(
        name=str(expert.name),
        version=str(expert.version),
        scenario=str(expert.scenario),
        base_model=str(expert.base_model),
        rank=int(expert.rank),
        sha256=str(expert.sha256),
        created=time_message(expert.created),
        active=bool(expert.active),
        metric_names=list(metrics),
        metric_values=floats(list(metrics.values())),
    )
