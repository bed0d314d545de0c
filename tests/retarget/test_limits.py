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
"""Curves hold their limits at every instant."""

from __future__ import annotations

from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.interpolate import BSpline

from l2emg_ros.retarget import limits
from l2emg_ros.retarget.limits import Bounds

STEP = 1 / 30
WALL = 1e-9


def random_bounds(rng: np.random.Generator, joints: int) -> tuple[Bounds, np.ndarray, ...]:
    upper = rng.uniform(0.3, 3.0, joints)
    velocity, acceleration = rng.uniform(0.5, 12.0, joints), rng.uniform(5.0, 150.0, joints)
    return Bounds.of(-upper, upper, velocity, acceleration, STEP), upper, velocity, acceleration


def random_reference(rng: np.random.Generator, knots: int, upper: np.ndarray) -> np.ndarray:
    """Smooth, jumping, noisy or at the wall, sometimes far outside the range."""
    time = np.arange(knots)[:, None] * STEP
    joints = len(upper)
    waves = sum(
        rng.normal(size=joints) * np.sin(2 * np.pi * f * time + rng.uniform(0, 6, joints))
        for f in (0.5, 1.5, 4.0)
    )
    jumps = np.cumsum(rng.normal(size=(knots, joints)) * (rng.random((knots, 1)) < 0.05), axis=0)
    noise = rng.normal(scale=rng.choice([0.0, 0.02, 0.3]), size=(knots, joints))
    return (waves + jumps + noise) * upper * rng.choice([0.2, 0.7, 2.0])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), knots=st.integers(1, 120), smoothing=st.floats(0.0, 10.0))
def test_every_instant_is_inside(seed: int, knots: int, smoothing: float) -> None:
    rng = np.random.default_rng(seed)
    bounds, upper, velocity, acceleration = random_bounds(rng, 5)
    reference = random_reference(rng, knots, upper)
    start = np.tile(np.clip(reference[0], bounds.lower, bounds.upper), (3, 1))
    control = limits.follow(reference, start, bounds, smoothing + 1e-3, tail=6)
    assert np.all(bounds.excess(control) <= WALL)
    count = len(control)
    # The same curve by an independent spline, densely, between the knots too.
    knots_vector = (np.arange(count + 4) - 3) * STEP
    spline = BSpline(knots_vector, control, 3)
    fine = np.linspace(0.0, (count - 3) * STEP, 20 * count)
    assert np.all(np.abs(spline(fine)) <= upper)
    assert np.all(np.abs(spline(fine, 1)) <= velocity + WALL)
    assert np.all(np.abs(spline(fine, 2)) <= acceleration + 1e-6)
    q, v, a = limits.evaluate(control, STEP)
    at = np.arange(count - 2) * STEP
    for ours, order in ((q, 0), (v, 1), (a, 2)):
        assert ours == pytest.approx(spline(at, order), abs=1e-6)
    assert np.all(v[-1] == 0.0)
    assert np.all(a[-1] == 0.0)
    assert np.array_equal(control[:3], start)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(1, 50))
def test_continuing_in_full_movement_stays_inside(seed: int, cut: int) -> None:
    """From any knot of an allowed curve another reference can be followed inside the limits."""
    rng = np.random.default_rng(seed)
    bounds, upper, *_ = random_bounds(rng, 4)
    first = random_reference(rng, 60, upper)
    start = np.tile(np.clip(first[0], bounds.lower, bounds.upper), (3, 1))
    control = limits.follow(first, start, bounds, 0.5, tail=6)
    middle = control[cut : cut + 3]
    second = random_reference(rng, 40, upper)
    later = limits.follow(second, middle, bounds, 0.5, tail=6)
    assert np.all(bounds.excess(np.vstack([control[:cut], later])) <= WALL)
    stop = limits.brake(middle, bounds, 3 + limits.braking_steps(middle[2] - middle[1], bounds))
    assert np.all(bounds.excess(np.vstack([control[:cut], stop])) <= WALL)
    assert np.all(limits.evaluate(stop, STEP)[1][-1] == 0.0)


def test_every_joint_has_its_own_smoothing() -> None:
    """Solved together or one by one, with limits in the way of some."""
    rng = np.random.default_rng(5)
    bounds, upper, *_ = random_bounds(rng, 4)
    reference = random_reference(rng, 70, upper)
    start = np.tile(np.clip(reference[0], bounds.lower, bounds.upper), (3, 1))
    weights = np.array([0.05, 10.0, 0.5, 3.0])
    together = limits.follow(reference, start, bounds, weights, tail=6)
    for joint, weight in enumerate(weights):
        chosen = np.array([joint])
        alone = limits.follow(
            reference[:, chosen], start[:, chosen], bounds.columns(chosen), weight, tail=6
        )
        # What the tail does, which follows nothing, depends on how long the sweeps go on.
        assert together[:70, chosen] == pytest.approx(alone[:70], abs=0.02 * upper[joint])
    rough = limits.follow(reference, start, bounds, 0.05, tail=6)
    assert np.abs(np.diff(together[:, 1], 3)).max() < np.abs(np.diff(rough[:, 1], 3)).max()


def test_what_counts_more_is_followed_more_closely() -> None:
    rng = np.random.default_rng(3)
    reference = np.cumsum(rng.normal(scale=0.05, size=(60, 2)), axis=0)
    start, wide = np.tile(reference[0], (3, 1)), np.full(2, 9.0)
    bounds = limits.Bounds(-wide, wide, wide, wide)
    weights = np.ones((60, 2))
    plain = limits.follow(reference, start, bounds, 5.0, 6)
    assert np.array_equal(limits.follow(reference, start, bounds, 5.0, 6, weights), plain)
    weights[20:40, 0] = 100.0
    closer = limits.follow(reference, start, bounds, 5.0, 6, weights)

    def gap(control: np.ndarray) -> np.ndarray:
        return np.abs(limits.evaluate(control, 1.0)[0][20:40] - reference[20:40]).mean(axis=0)

    assert gap(closer)[0] < 0.75 * gap(plain)[0]
    np.testing.assert_allclose(closer[:, 1], plain[:, 1], atol=1e-12)


def test_a_reference_inside_the_limits_is_followed() -> None:
    time = np.arange(120)[:, None] * STEP
    reference = 0.5 * np.cos(2 * np.pi * 0.5 * time + np.array([0.0, np.pi]))
    bounds = Bounds.of(*(np.full(2, x) for x in (-1.0, 1.0, 5.0, 50.0)), STEP)
    control = limits.follow(reference, np.tile(reference[0], (3, 1)), bounds, 1.5, tail=6)
    q = limits.evaluate(control, STEP)[0]
    assert np.abs(q[:118] - reference[:118]).max() < 5e-3


def test_a_hard_step_uses_most_of_the_limits() -> None:
    """Keeping limits by being slow would be too easy."""
    reference = np.concatenate([np.zeros((30, 1)), np.ones((60, 1))])
    bounds = Bounds.of(*(np.full(1, x) for x in (-2.0, 2.0, 3.0, 40.0)), STEP)
    control = limits.follow(reference, np.zeros((3, 1)), bounds, 1e-3, tail=6)
    q, v, a = limits.evaluate(control, STEP)
    assert v.max() > 0.95 * 3.0
    assert a.max() > 0.9 * 40.0
    assert q[45:90] == pytest.approx(1.0, abs=0.02)
    assert q.max() < 1.02
