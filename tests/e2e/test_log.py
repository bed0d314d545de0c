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

from action_msgs.msg import GoalStatus
from e2e.system import System
from l2emg_interfaces.msg import Emotion, InteractionFeedback
from nodes.graph import wait_until
import numpy as np
import pytest
from std_msgs.msg import String

from l2emg_ros.cli.main import main
from l2emg_ros.emotion import Emotion as Feeling
from l2emg_ros.lifelong import recording
from l2emg_ros.lifelong.log import InteractionLog
from l2emg_ros.nodes import qos


def test_what_a_person_says_of_a_motion_is_recorded(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence becomes a motion, a person rates it, and all of that is found again."""
    system.rest()
    ids = system.client.collect(String, 'lifelong/recorded', qos.STREAM)
    publisher = system.client.publisher(InteractionFeedback, 'interaction_feedback', qos.FEEDBACK)
    handle = system.send(
        'bow to a guest', duration=1.0, seed=7, emotion=Emotion(label='proud', intensity=0.5)
    )
    status, result = system.finish(handle)
    assert status == GoalStatus.STATUS_SUCCEEDED
    motion = result.motion
    publisher.publish(
        InteractionFeedback(
            motion_id=motion.motion_id,
            session_id='e2e',
            consent=True,
            rating=0.75,
            human_after=Emotion(label='happy', intensity=1.0),
        )
    )
    wait_until(lambda: ids, 'nothing was recorded')
    with InteractionLog(system.log) as log:
        (found,) = log.interactions(session='e2e')
        assert found.id == ids[0].data
        # What it takes to generate the same once more, and to learn from it.
        assert (found.text, found.seed) == ('bow to a guest', 7)
        assert found.emotion == Feeling('proud', intensity=0.5)
        assert found.model == motion.model != ''
        assert found.experts == tuple(result.experts)
        assert found.expert_weights == pytest.approx(list(result.expert_weights))
        assert found.novelty_p_value == pytest.approx(result.novelty_p_value)
        assert found.scenario == motion.scenario
        assert len(found.tokens) > 5
        np.testing.assert_array_equal(found.tokens.ravel(), motion.tokens)
        assert found.tokens.shape[1] == motion.token_levels
        assert found.feedback.rating == 0.75
        (whole,) = recording.motions(log.recording(found.id)).values()
        np.testing.assert_allclose(whole.trans.ravel(), motion.root_translation, atol=1e-6)
        # It is still being played: how that ended is added when the robot has come to rest.
        system.rest()
        outcome = wait_until(lambda: log.get(found.id).outcome, 'no outcome')
        assert outcome.completed
        assert outcome.time_stretch > 0.9
        assert outcome.tracking_error is not None
        assert outcome.tracking_error < 0.1
    assert main(['log', 'list', '--log', str(system.log), '--session', 'e2e']) == 0
    assert 'bow to a guest' in capsys.readouterr().out
    # While the node goes on, another process erases.
    assert main(['log', 'erase', '--log', str(system.log), '--session', 'e2e', '--yes']) == 0
    publisher.publish(
        InteractionFeedback(motion_id=motion.motion_id, consent=True, session_id='x')
    )
    wait_until(lambda: len(ids) == 2, 'nothing was recorded after that')
    with InteractionLog(system.log) as log:
        assert log.interactions(session='e2e') == []
        assert [item.id for item in log.interactions(session='x')] == [ids[1].data]
