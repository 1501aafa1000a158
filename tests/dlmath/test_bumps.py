"""Networks that are written down by hand: bumps, kinks and powers."""

import numpy as np
import pytest
from dlmath.bumps import (
    bump_network,
    bump_weights,
    modulus_of_continuity,
    power_network,
    relu_interpolant,
    single_layer,
)
from numpy.testing import assert_allclose

X = np.linspace(0, 1, 201)


def ramp(z):
    """Rise from 0 to 1 along a straight line."""
    return np.clip(z + 0.5, 0, 1)


def test_a_layer_is_a_sum_over_its_units():
    rng = np.random.default_rng(0)
    inputs, W, b, c = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), *rng.normal(size=(2, 4))
    one_by_one = [sum(c[j] * np.tanh(W[:, j] @ x + b[j]) for j in range(4)) for x in inputs]
    assert_allclose(single_layer(inputs, W, b, c, np.tanh), one_by_one, rtol=1e-13)


@pytest.mark.parametrize("activation", [ramp, None])
def test_bumps_sum_to_one_and_make_the_network(activation):
    chosen = {} if activation is None else {"activation": activation}
    values = np.cos(5 * np.arange(7))
    bumps = bump_weights(6, 35.0, X, **chosen)
    assert bumps.shape == (201, 7)
    assert bumps.min() >= 0
    assert_allclose(bumps.sum(axis=1), 1, rtol=1e-14)
    assert_allclose(bumps @ values, bump_network(values, 35.0, X, **chosen), atol=1e-14)


def test_steep_steps_are_a_staircase_through_the_nodes():
    values = np.array([2.0, -1.0, 0.5, 4.0])
    found = bump_network(values, 1e5, X)
    nearest = values[np.rint(3 * X).astype(int)]
    away = np.abs(3 * X % 1 - 0.5) > 0.02
    assert_allclose(found[away], nearest[away], atol=1e-12)


def test_linear_steps_of_the_width_of_a_cell_interpolate():
    values = np.array([0.3, 1.0, -2.0, 0.0, 0.7])
    found = bump_network(values, 4.0, X, ramp)
    assert_allclose(found, np.interp(X, np.arange(5) / 4, values), atol=1e-14)


@pytest.mark.parametrize("h", [0.01, 0.2, 0.7, 3.0])
def test_the_modulus_of_a_root_and_of_a_parabola(h):
    assert_allclose(modulus_of_continuity(np.sqrt, h), np.sqrt(min(h, 1)), atol=1e-12)
    inside = min(h, 1)
    assert_allclose(modulus_of_continuity(np.square, h), 2 * inside - inside**2, atol=1e-12)
    assert modulus_of_continuity(np.sqrt, 1e-9) == 0


def test_a_polygon_passes_through_its_corners_and_is_straight_between():
    t, y = np.array([-1.0, 0.5, 0.7, 3.0]), np.array([2.0, -1.0, 4.0, 4.5])
    offset, w, b, c = relu_interpolant(t, y)
    at = np.linspace(-1, 3, 301)
    layer = single_layer(at[:, np.newaxis], w[np.newaxis], b, c, lambda z: np.maximum(z, 0))
    assert_allclose(offset + layer, np.interp(at, t, y), atol=1e-12)


@pytest.mark.parametrize("r", [0, 1, 2, 3])
def test_powers_out_of_exponentials(r):
    w, b, c = power_network(r, 0.3, 1e-3, np.exp(0.3))
    x = np.linspace(-1, 1, 21)
    found = single_layer(x[:, np.newaxis], w[np.newaxis], b, c, np.exp)
    assert_allclose(found, x**r, atol=3e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: single_layer(np.ones(3), np.ones((1, 2)), [0, 0], [0, 0]), "X and W must be"),
        (lambda: single_layer(np.ones((3, 2)), np.ones((3, 2)), [0, 0], [0, 0]), "X and W must"),
        (lambda: single_layer(np.ones((3, 1)), np.ones((1, 2)), [0], [0, 0]), "b must have 2"),
        (lambda: single_layer(np.ones((3, 1)), np.ones((1, 2)), [0, 0], [0]), "c must have 2"),
        (lambda: bump_network([1.0], 3.0, X), "values must be a vector of 2"),
        (lambda: bump_network([1.0, np.nan], 3.0, X), "values contains NaN"),
        (lambda: bump_network([1.0, 2.0], 0.0, X), "q must be a positive number"),
        (lambda: bump_network([1.0, 2.0], 3.0, [[0.0]]), "x must be a vector"),
        (lambda: bump_weights(0, 3.0, X), "m must be a whole number"),
        (lambda: bump_weights(3, np.inf, X), "q must be a positive number"),
        (lambda: modulus_of_continuity(np.sqrt, -0.1), "h must be a positive number"),
        (lambda: modulus_of_continuity(np.sqrt, 0.1, 1), "n_points must be"),
        (lambda: relu_interpolant([0.0, 1.0], [0.0]), "y must be a vector of 2"),
        (lambda: relu_interpolant([0.0, 1.0], [0.0, 1.0, 2.0]), "y must have 2 entries"),
        (lambda: relu_interpolant([0.0, 0.0], [0.0, 1.0]), "x must increase"),
        (lambda: power_network(-1, 0.0, 0.1, 1.0), "r must be a whole number"),
        (lambda: power_network(2, 0.0, 0.0, 1.0), "h must be a positive number"),
        (lambda: power_network(2, 0.0, 0.1, 0.0), "derivative must be"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
