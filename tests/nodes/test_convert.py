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
from __future__ import annotations

import array
from collections.abc import Callable

import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from l2emg_interfaces.action import GenerateMotion
from l2emg_interfaces.msg import Emotion as EmotionMessage
from l2emg_interfaces.msg import SmplMotion
import numpy as np

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import BadRequest
from l2emg_ros.motion.motion import Motion
from l2emg_ros.nodes import convert, joints


def some_motion(frames: int = 12) -> Motion:
    rng = np.random.default_rng(0)
    return Motion(
        rng.normal(0, 0.4, (frames, 66)),
        rng.normal(0, 0.5, (frames, 3)),
        30,
        text='wave',
        scenario='ward',
        seed=2**40,
        generator='tiny@1',
    )


def some_message(**changes) -> SmplMotion:
    message = convert.motion_to_message(
        some_motion(),
        motion_id='m',
        frame_id='odom',
        chunk_index=3,
        last=False,
        emotion=Emotion('happy', intensity=0.5),
        experts=['ward@1'],
        expert_weights=[1.0],
        novelty_p_value=0.25,
        tokens=[[1, 2, 65535], [4, 5, 6]],
    )
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def test_a_motion_survives_the_message() -> None:
    motion, message = some_motion(), some_message()
    back = convert.motion_from_message(message)
    np.testing.assert_allclose(back.joint_positions(), motion.joint_positions(), atol=1e-5)
    assert (back.fps, back.text, back.emotion, back.intensity) == (30.0, 'wave', 'happy', 0.5)
    assert (message.motion_id, message.chunk_index, message.last) == ('m', 3, False)
    assert (message.header.stamp, message.header.frame_id) == (Time(), 'odom')
    assert len(message.rotations) == 12 * 22 * 4
    assert (back.scenario, back.seed, back.generator) == ('ward', 2**40, 'tiny@1')
    assert (message.scenario, message.seed, message.model) == ('ward', 2**40, 'tiny@1')
    assert (list(message.tokens), message.token_levels) == ([1, 2, 65535, 4, 5, 6], 3)
    assert message.novelty_p_value == 0.25
    assert len(convert.motion_to_message(motion, motion_id='m', frame_id='').tokens) == 0


def test_quaternions_are_normalised() -> None:
    message = some_message()
    message.rotations = array.array('f', [1.3 * value for value in message.rotations])
    np.testing.assert_allclose(
        convert.motion_from_message(message).poses, some_motion().poses, atol=1e-5
    )


def change(field: str, index: int, value: float) -> Callable[[SmplMotion], None]:
    def apply(message: SmplMotion) -> None:
        getattr(message, field)[index] = value

    return apply


def zero_quaternion(message: SmplMotion) -> None:
    message.rotations[8:12] = array.array('f', [0.0] * 4)


BAD_MOTIONS: dict[str, tuple[Callable[[SmplMotion], object], str]] = {
    'fps zero': (lambda m: setattr(m, 'fps', 0.0), 'fps is 0'),
    'fps nan': (lambda m: setattr(m, 'fps', float('nan')), 'fps is nan'),
    'fps huge': (lambda m: setattr(m, 'fps', 1e9), 'fps is 1'),
    'no frames': (lambda m: setattr(m, 'rotations', array.array('f')), '0 rotation'),
    'short rotations': (lambda m: m.rotations.pop(), '1055 rotation'),
    'short translation': (lambda m: m.root_translation.pop(), '35 translation'),
    'nan rotation': (change('rotations', 100, float('nan')), 'not finite'),
    'inf translation': (change('root_translation', 5, float('inf')), 'not finite'),
    'far away': (change('root_translation', 5, 1e6), 'reaches 1e\\+06 m'),
    'zero quaternion': (zero_quaternion, 'norm 0'),
    'tokens without levels': (lambda m: setattr(m, 'token_levels', 0), '6 tokens in 0 levels'),
    'levels without tokens': (lambda m: setattr(m, 'tokens', array.array('H')), '0 tokens in 3'),
    'odd tokens': (lambda m: m.tokens.pop(), '5 tokens in 3 levels'),
    'long scenario': (lambda m: setattr(m, 'scenario', 'x' * 300), 'scenario has 300'),
    'control model': (lambda m: setattr(m, 'model', 'a\x07'), 'model .* control characters'),
    'no id': (lambda m: setattr(m, 'motion_id', ''), 'motion_id is empty'),
    'long id': (lambda m: setattr(m, 'motion_id', 'x' * 300), '300 characters'),
    'control id': (lambda m: setattr(m, 'motion_id', 'a\x07'), 'control characters'),
    'frame': (lambda m: setattr(m.header, 'frame_id', '/odom'), 'expected a frame name'),
    'emotion': (lambda m: setattr(m.emotion, 'label', 'hungry'), "unknown emotion 'hungry'"),
    'arousal': (lambda m: setattr(m.emotion, 'arousal', -3.0), 'arousal is -3'),
    'experts': (lambda m: setattr(m, 'experts', []), '1 expert weights for 0 experts'),
}


@pytest.mark.parametrize('case', BAD_MOTIONS)
def test_bad_motions_are_named(case: str) -> None:
    damage, words = BAD_MOTIONS[case]
    message = some_message()
    damage(message)
    with pytest.raises(BadRequest, match=words):
        convert.motion_from_message(message)


def test_an_emotion_survives_the_message() -> None:
    for emotion in (
        Emotion('proud', intensity=0.25),
        Emotion('', 0.5, -0.25, 0.75, 0.5),
        None,
    ):
        message = convert.emotion_to_message(emotion)
        assert convert.emotion_from_message(message) == emotion


def test_intensity_zero_is_not_given_in_a_goal_and_faded_on_the_topic() -> None:
    message = EmotionMessage(label='happy')
    asked = convert.emotion_from_message(message, request=True)
    state = convert.emotion_from_message(message)
    assert asked is not None
    assert state is not None
    assert (asked.intensity, state.intensity) == (1.0, 0.0)
    assert convert.emotion_from_message(EmotionMessage(confidence=1.0), request=True) is None


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'label': 'hungry'}, 'unknown emotion'),
        ({'label': 'Happy'}, 'unknown emotion'),
        ({'valence': 1.5}, 'valence is 1.5'),
        ({'dominance': float('nan')}, 'dominance is nan'),
        ({'label': 'happy', 'arousal': float('inf')}, 'arousal is inf'),
        ({'label': 'happy', 'intensity': -0.5}, 'intensity is -0.5'),
        ({'label': 'happy', 'confidence': 2.0}, 'confidence is 2'),
        ({'label': 'happy\n'}, 'control characters'),
    ],
)
def test_bad_emotions_are_named(fields: dict, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        convert.emotion_from_message(EmotionMessage(**fields))


def test_a_goal_becomes_a_request() -> None:
    goal = GenerateMotion.Goal(text='bow', duration=2.5, seed=-1, context='at the ward')
    request = convert.request_from_goal(goal)
    assert (request.text, request.seconds, request.seed) == ('bow', 2.5, None)
    assert (request.emotion, request.context) == (None, 'at the ward')
    goal = GenerateMotion.Goal(text='bow', emotion=EmotionMessage(label='shy'))
    request = convert.request_from_goal(goal)
    assert (request.emotion, request.seconds, request.seed) == (Emotion('shy'), None, 0)


def test_stamps_keep_their_time() -> None:
    for seconds in (0.0, 0.999_999_999, 12.25, 1_800_000_000.123_456):
        message = joints.time_message(seconds)
        assert joints.stamp_seconds(message) == pytest.approx(seconds, abs=1e-6)
        assert 0 <= message.nanosec < 1_000_000_000
