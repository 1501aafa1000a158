"""Costs, steps downhill and bounds of dlmath.learning."""

import numpy as np
import pytest
from dlmath.learning import (
    descend,
    minibatch,
    minibatch_covariance,
    pinball_cost,
    uniform_bound,
)
from numpy.testing import assert_allclose
from sklearn.metrics import mean_pinball_loss


@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
def test_pinball_cost_is_that_of_scikit_learn(level):
    rng = np.random.default_rng(0)
    y, prediction = rng.normal(size=(2, 30))
    assert_allclose(
        pinball_cost(y, prediction, level), mean_pinball_loss(y, prediction, alpha=level)
    )
    assert_allclose(pinball_cost(y, 0.3, level), pinball_cost(y, np.full(30, 0.3), level))


def test_descend_returns_the_whole_walk():
    walk = descend(lambda theta: 2 * theta, [1.0, -4.0], 0.25, 3)
    assert_allclose(walk, [[1, -4], [0.5, -2], [0.25, -1], [0.125, -0.5]])
    assert descend(lambda theta: theta, [1.0], 0.1, 0).tolist() == [[1.0]]


def test_a_batch_has_its_size_and_no_row_twice():
    seen = []
    estimate = minibatch(
        lambda theta, rows: seen.append(rows) or theta, 9, 4, np.random.default_rng(1)
    )
    for _ in range(50):
        estimate(np.zeros(1))
    assert {len(set(rows.tolist())) for rows in seen} == {4}
    assert set(np.concatenate(seen).tolist()) == set(range(9))


def test_a_full_batch_has_no_variance():
    gradients = np.random.default_rng(2).normal(size=(7, 3))
    assert_allclose(minibatch_covariance(gradients, 7), np.zeros((3, 3)))
    one = minibatch_covariance(gradients, 1)
    assert_allclose(one, np.cov(gradients, rowvar=False, bias=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pinball_cost([1, np.nan], 0), "y contains NaN"),
        (lambda: pinball_cost([1, 2], [1, 2, 3]), r"prediction must have shape \(2,\)"),
        (lambda: pinball_cost([1, 2], 0, 1.0), "level must lie between 0 and 1"),
        (lambda: descend(abs, [[1.0]], 0.1, 1), "theta must be a vector"),
        (lambda: descend(abs, [np.inf], 0.1, 1), "theta contains infinity"),
        (lambda: descend(abs, [1.0], 0.0, 1), "eta must be a positive number"),
        (lambda: descend(abs, [1.0], "a", 1), "eta must be a positive number"),
        (lambda: descend(abs, [1.0], 0.1, -1), "steps must be a whole number"),
        (lambda: minibatch(abs, 5, 6, np.random.default_rng()), "size must be .* from 1 to 5"),
        (lambda: minibatch_covariance(np.ones((4, 2)), 0), "size must be .* from 1 to 4"),
        (lambda: minibatch_covariance(np.ones((1, 2)), 1), "minimum of 2 is required"),
        (lambda: minibatch_covariance([[1.0], [np.nan]], 1), "gradients contains NaN"),
        (lambda: uniform_bound(0, 1, 0.1), "n must be a whole number"),
        (lambda: uniform_bound(10, 0, 0.1), "models must be a whole number"),
        (lambda: uniform_bound(10, 1, 1.0), "delta must lie between"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
