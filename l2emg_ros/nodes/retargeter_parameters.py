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
"""Parameters of the retargeter node."""

from __future__ import annotations

from dataclasses import dataclass

from l2emg_ros.nodes.parameters import parameter, Parameters
from l2emg_ros.retarget.manner import Manner, STRENGTH


@dataclass(frozen=True)
class RetargeterParameters(Parameters):
    """Parameters of the retargeter."""

    robot: str = parameter('g1', 'Robot: a shipped name or the path of a map file', read_only=True)
    output: str = parameter(
        'trajectory',
        'What is published: joint_trajectory plans or joint_command set points',
        choices=('trajectory', 'command'),
        read_only=True,
    )
    follow_action: str = parameter(
        '',
        'Action FollowJointTrajectory that plans are sent to as goals, such as '
        'joint_trajectory_controller/follow_joint_trajectory, instead of joint_trajectory; needs '
        'control_msgs; empty: they are published',
        read_only=True,
    )
    root: str = parameter(
        'fixed',
        'fixed: the pelvis of the robot stands still; kinematic: it follows the person',
        choices=('fixed', 'kinematic'),
        read_only=True,
    )
    command_rate_hz: float = parameter(
        100.0, 'Rate of joint_command', unit='Hz', minimum=10.0, maximum=500.0, read_only=True
    )
    splice_delay_s: float = parameter(
        0.1,
        'Time for which a plan stays as it is while its successor is made and sent',
        unit='s',
        minimum=0.02,
        maximum=1.0,
        read_only=True,
    )
    approach_velocity: float = parameter(
        0.5,
        'Pace of the way to the first pose of a motion',
        unit='rad/s',
        minimum=0.05,
        maximum=2.0,
        read_only=True,
    )
    approach_min_duration: float = parameter(
        0.5,
        'Shortest way to the first pose of a motion',
        unit='s',
        minimum=0.1,
        maximum=10.0,
        read_only=True,
    )
    compiled: bool = parameter(
        False,
        'Solve frames by numba, where it is installed: the same, several times faster',
        read_only=True,
    )
    joint_states_timeout_s: float = parameter(
        1.0, 'Age at which a measured pose no longer counts', unit='s', minimum=0.05, maximum=60.0
    )
    stream_timeout_s: float = parameter(
        1.0,
        'Pause after which an unfinished motion is given up',
        unit='s',
        minimum=0.1,
        maximum=60.0,
    )
    emotion_pace: float = parameter(
        STRENGTH.pace,
        'Change of pace at arousal 1 by the emotion topic; 0: none',
        minimum=0.0,
        maximum=0.5,
    )
    emotion_lean: float = parameter(
        STRENGTH.lean,
        'Bow of the trunk at valence and dominance -1 by the emotion topic; 0: none',
        unit='rad',
        minimum=0.0,
        maximum=0.25,
    )
    emotion_nod: float = parameter(
        STRENGTH.nod,
        'Bow of the head at valence and dominance -1 by the emotion topic; 0: none',
        unit='rad',
        minimum=0.0,
        maximum=0.4,
    )
    emotion_softness: float = parameter(
        STRENGTH.softness,
        'Half the span of averaging at arousal -1 by the emotion topic, for joint_command only',
        unit='s',
        minimum=0.0,
        maximum=0.15,
    )
    emotion_pause: float = parameter(
        STRENGTH.pause,
        'Pace taken where a motion nearly stands at arousal -1 by the emotion topic, for '
        'joint_command only',
        minimum=0.0,
        maximum=0.7,
    )
    emotion_size: float = parameter(
        STRENGTH.size,
        'Change of arm gesture size at dominance 1 by the emotion topic; 0: none',
        minimum=0.0,
        maximum=0.5,
    )

    def strength(self) -> Manner:
        """Return how much the emotion topic changes."""
        return Manner(
            pace=self.emotion_pace,
            size=self.emotion_size,
            lean=self.emotion_lean,
            nod=self.emotion_nod,
            softness=self.emotion_softness,
            pause=self.emotion_pause,
        )
