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
"""l2emg_interfaces is exactly what users were promised, and every type survives the wire."""

from __future__ import annotations

import array
import random
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy')
interfaces = pytest.importorskip('l2emg_interfaces', reason='needs l2emg_interfaces built')

from l2emg_interfaces import action, msg, srv  # noqa: E402
from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402

# Names and types in order, as `ros2 interface show` gives them; append-only once released.
FIELDS = {
    msg.Emotion: 'string label, float valence, float arousal, float dominance, float intensity, '
    'float confidence',
    msg.SceneTarget: 'uint8 kind, geometry_msgs/PointStamped point, float radius, string limb, '
    'float start, float duration',
    msg.SmplMotion: 'std_msgs/Header header, string motion_id, uint32 chunk_index, boolean last, '
    'float fps, sequence<float> root_translation, sequence<float> rotations, string text, '
    'l2emg_interfaces/Emotion emotion, sequence<float> emotion_embedding, '
    'sequence<string> experts, sequence<float> expert_weights, '
    'sequence<l2emg_interfaces/SceneTarget> targets, sequence<string> joint_groups, '
    'string scenario, string model, int64 seed, float novelty_p_value, sequence<uint16> tokens, '
    'uint8 token_levels',
    msg.MotionOutcome: 'std_msgs/Header header, string motion_id, boolean completed, '
    'float time_stretch, float trimmed, float tracking_error',
    msg.InteractionFeedback: 'std_msgs/Header header, string motion_id, string session_id, '
    'boolean consent, float rating, l2emg_interfaces/Emotion human_before, '
    'l2emg_interfaces/Emotion human_after, string correction, string preferred_motion_id, '
    'string demonstration',
    msg.Expert: 'string name, string version, string scenario, string base_model, uint32 rank, '
    'string sha256, builtin_interfaces/Time created, boolean active, '
    'sequence<string> metric_names, sequence<float> metric_values',
    action.GenerateMotion.Goal: 'string text, l2emg_interfaces/Emotion emotion, float duration, '
    'int64 seed, string context, sequence<l2emg_interfaces/SceneTarget> targets, '
    'sequence<string> joint_groups',
    action.GenerateMotion.Result: 'l2emg_interfaces/SmplMotion motion, sequence<string> experts, '
    'sequence<float> expert_weights, float novelty_p_value, float time_to_first_chunk, '
    'float total_time, uint8 error_code, string message',
    action.GenerateMotion.Feedback: 'uint32 chunk_index, float seconds_generated',
    action.LearnScenario.Goal: 'string scenario, string data, uint32 max_steps, '
    'float max_seconds, boolean promote',
    action.LearnScenario.Result: 'l2emg_interfaces/Expert expert, boolean promoted, '
    'sequence<string> gate_checks, sequence<float> before, sequence<float> after, '
    'uint8 error_code, string message',
    action.LearnScenario.Feedback: 'string stage, uint32 step, uint32 steps, float loss, '
    'float eta',
    srv.ListExperts.Request: 'string scenario',
    srv.ListExperts.Response: 'sequence<l2emg_interfaces/Expert> experts',
    srv.RollbackExpert.Request: 'string scenario, string version',
    srv.RollbackExpert.Response: 'boolean success, string message',
}
ERROR_CODES = {
    'OK': 0,
    'INTERRUPTED': 4,
    'BAD_REQUEST': 74,
    'CANCELLED': 125,
    'UNSUPPORTED': 134,
    'OTHER': 255,
}


def filled(kind: Any, rng: random.Random) -> Any:
    """Return a message of a kind with a value in every field."""
    message = kind()
    for name, type_name in kind.get_fields_and_field_types().items():
        current = getattr(message, name)
        if type_name == 'sequence<float>':
            value: Any = array.array('f', [rng.randrange(-9, 9) / 4 for _ in range(5)])
        elif type_name == 'sequence<uint16>':
            value = array.array('H', [rng.randrange(65536) for _ in range(6)])
        elif type_name == 'sequence<string>':
            value = ['left_arm', 'Grüße']
        elif type_name.startswith('sequence<'):
            value = [filled(getattr(msg, type_name[:-1].split('/')[1]), rng) for _ in range(2)]
        elif isinstance(current, bool):
            value = True
        elif isinstance(current, int):
            value = rng.randrange(1, 200)
        elif isinstance(current, float):
            value = rng.randrange(-9, 9) / 4
        elif isinstance(current, str):
            value = f'{name} – {rng.random()}'
        else:
            value = filled(type(current), rng)
        setattr(message, name, value)
    return message


@pytest.mark.parametrize('kind', FIELDS, ids=lambda kind: kind.__name__)
def test_fields(kind: Any) -> None:
    actual = ', '.join(f'{t} {n}' for n, t in kind.get_fields_and_field_types().items())
    assert actual == FIELDS[kind]


@pytest.mark.parametrize('kind', FIELDS, ids=lambda kind: kind.__name__)
def test_round_trip(kind: Any) -> None:
    message = filled(kind, random.Random(0))
    assert message != kind()
    assert deserialize_message(serialize_message(message), kind) == message


def test_constants() -> None:
    kinds = ('POINT_AT', 'LOOK_AT', 'REACH', 'HAND_OVER', 'AVOID')
    assert [getattr(msg.SceneTarget, name) for name in kinds] == [0, 1, 2, 3, 4]
    for result in (action.GenerateMotion.Result, action.LearnScenario.Result):
        assert {name: getattr(result, name) for name in ERROR_CODES} == ERROR_CODES
