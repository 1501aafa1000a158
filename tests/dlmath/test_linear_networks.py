"""Deep linear networks, conserved quantities and the diagonal network."""

import numpy as np
import pytest
from dlmath.linear_networks import (
    conserved,
    diagonal_descent,
    factor_gradients,
    hyperbolic_entropy,
    least_hyperbolic_entropy,
    mode_strength,
    switch_time,
)
from numpy.testing import assert_allclose


@pytest.mark.parametrize("depth", [1, 2, 3, 7])
def test_a_mode_begins_at_its_start_and_ends_at_the_fit(depth):
    strength = mode_strength([0.0, 1.0, 400.0], 0.5, 0.01, depth=depth, curvature=2.0)
    assert_allclose(strength[[0, 2]], [0.01, 0.25], rtol=1e-8)
    assert 0.01 < strength[1] < 0.25


@pytest.mark.parametrize("depth", [2, 4])
def test_a_mode_above_its_end_falls(depth):
    strength = mode_strength(np.linspace(0, 3, 7), 1.0, 2.0, depth=depth)
    assert np.all(np.diff(strength) < 0)
    assert_allclose(strength[-1], 1, rtol=1e-3)


def test_two_and_more_layers_join_smoothly_with_the_general_solver():
    """The closed form of two layers solves the equation that three layers obey with N = 2."""
    tau, h = np.linspace(0.5, 5, 6), 1e-5
    p, up, down = (mode_strength(tau + shift, 0.7, 0.02) for shift in (0, h, -h))
    assert_allclose((up - down) / (2 * h), 4 * p * (0.7 - p), rtol=1e-5)


def test_one_time_is_enough():
    assert_allclose(mode_strength([0.0], 1.0, 0.1, depth=3), [0.1])
    assert mode_strength([2.0], 1.0, 0.1, depth=3).shape == (1,)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_time_is_the_inverse_of_the_strength(depth, share):
    time = switch_time(0.8, 1e-3, depth=depth, curvature=1.5, share=share)
    reached = mode_strength([time], 0.8, 1e-3, depth=depth, curvature=1.5)
    assert_allclose(reached, share * 0.8 / 1.5, rtol=1e-7)


def test_gradients_of_one_factor_and_of_two():
    rng = np.random.default_rng(0)
    A, B, D = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    assert_allclose(factor_gradients([D], D), [D])
    first, second = factor_gradients([A, B], D)
    assert_allclose(first, D @ B.T)
    assert_allclose(second, A.T @ D)
    # What comes back is not what went in.
    (one,) = factor_gradients([D], D)
    one[...] = 0
    assert D.any()


def test_conserved_of_each_layer():
    rng = np.random.default_rng(1)
    shapes = [(2, 3), (3,), (3, 4), (4,), (4, 1), (1,)]
    parameters = [rng.normal(size=shape) for shape in shapes]
    W1, b1, W2, b2, W3, _ = parameters
    assert_allclose(conserved(parameters), W1.T @ W1 + np.outer(b1, b1) - W2 @ W2.T)
    assert_allclose(conserved(parameters, 2), W2.T @ W2 + np.outer(b2, b2) - W3 @ W3.T)


def regression(n=8, p=20):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n, p))
    theta = np.zeros(p)
    theta[3] = 1.0
    return X, X @ theta, theta


def test_a_small_start_finds_the_sparse_solution_and_a_large_one_the_shortest():
    X, y, theta = regression()
    errors = [np.linalg.norm(least_hyperbolic_entropy(X, y, a) - theta) for a in (1e-8, 1e-4, 1)]
    assert errors == sorted(errors)
    assert errors[0] < 1e-3
    assert_allclose(least_hyperbolic_entropy(X, y, 100.0), np.linalg.pinv(X) @ y, atol=1e-7)


def test_descent_comes_to_the_named_solution():
    X, y, _ = regression()
    found = diagonal_descent(X, y, start=0.1, eta=0.002, steps=20_000)
    assert_allclose(found, least_hyperbolic_entropy(X, y, 0.1), atol=5e-3)
    assert_allclose(X @ found, y, atol=5e-3)


def test_entropy_of_zero_and_of_both_signs():
    assert hyperbolic_entropy([0.0, 0.0], 0.3) == 0
    assert_allclose(hyperbolic_entropy([1.2], 0.3), hyperbolic_entropy([-1.2], 0.3))


def test_steps_that_are_too_large_are_told():
    X, y, _ = regression()
    with pytest.raises(FloatingPointError, match="not finite after"):
        diagonal_descent(X, y, start=1.0, eta=10.0, steps=1000)
    with pytest.raises(FloatingPointError, match="not finite after 30"):
        diagonal_descent(X, y, start=1.0, eta=10.0, steps=30)


def test_newton_says_when_it_does_not_end():
    X, y, _ = regression()
    with pytest.raises(RuntimeError, match="no solution to"):
        least_hyperbolic_entropy(X, y, 1e-6, max_iter=2)


W = np.ones((2, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mode_strength([-1.0], 1, 1), "tau must be times from zero on"),
        (lambda: mode_strength([1.0, 0.5], 1, 1), "in rising order"),
        (lambda: mode_strength(1.0, 1, 1), "tau must have 1 dimensions"),
        (lambda: mode_strength([np.nan], 1, 1), "tau contains NaN"),
        (lambda: mode_strength([1.0], 0, 1), "s must be a positive number"),
        (lambda: mode_strength([1.0], 1, -1), "start must be a positive number"),
        (lambda: mode_strength([1.0], 1, 1, depth=0), "depth must be an integer"),
        (lambda: mode_strength([1.0], 1, 1, curvature=0), "curvature must be a positive"),
        (lambda: switch_time(1, 0.5, share=0.4), "share must lie between 0.5 and 1"),
        (lambda: switch_time(1, 0.1, share=1.0), "share must lie between"),
        (lambda: factor_gradients([], W), "at least one matrix"),
        (lambda: factor_gradients([W, np.ones((3, 2))], W), r"factors\[0\] has 2 columns"),
        (lambda: factor_gradients([W], np.ones((2, 3))), "slope has shape"),
        (lambda: factor_gradients([np.ones(2)], W), r"factors\[0\] must have 2 dimensions"),
        (lambda: conserved([W, np.ones(2)]), "layer must have a layer behind it"),
        (lambda: conserved([W, np.ones(2), W, np.ones(2)], 2), "layer must have a layer behind"),
        (lambda: conserved([W, np.ones(2), W, np.ones(2)], 0), "layer must be an integer"),
        (lambda: conserved([W, np.ones(3), W, np.ones(2)]), "biases of layer 1 must have 2"),
        (lambda: diagonal_descent(W, [1.0], start=1, eta=1, steps=1), "X has 2 rows, but y has 1"),
        (lambda: diagonal_descent(W, [1, 1], start=0, eta=1, steps=1), "start must be a positive"),
        (lambda: diagonal_descent(W, [1, 1], start=1, eta=0, steps=1), "eta must be a positive"),
        (lambda: diagonal_descent(W, [1, 1], start=1, eta=1, steps=0), "steps must be an integer"),
        (lambda: hyperbolic_entropy([1.0], 0), "start must be a positive number"),
        (lambda: least_hyperbolic_entropy(W, [1.0], 1), "X has 2 rows"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
