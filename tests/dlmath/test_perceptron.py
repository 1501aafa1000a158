"""The perceptron: against scikit-learn's, on what it refuses, and where it never ends."""

import numpy as np
import pytest
from dlmath.perceptron import perceptron
from sklearn.linear_model import Perceptron

XOR = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1.0]])


def test_it_ends_where_scikit_learns_does():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = np.sign(X @ [1.0, -2.0, 0.5])
    theta, mistakes, separated = perceptron(X, y)
    theirs = Perceptron(fit_intercept=False, shuffle=False, tol=None, max_iter=200).fit(X, y)
    np.testing.assert_allclose(theta, theirs.coef_[0], rtol=1e-12)
    assert separated
    assert mistakes > 3
    assert (np.sign(X @ theta) == y).all()


def test_xor_is_never_separated():
    result = perceptron(XOR, [-1, 1, 1, -1], passes=50)
    assert not result.separated
    assert result.mistakes >= 50


def test_a_sample_on_the_plane_is_a_mistake():
    assert perceptron([[2.0]], [1]).mistakes == 1


@pytest.mark.parametrize(
    ("X", "y", "passes", "message"),
    [
        ([1.0, 2.0], [1, -1], 1, r"X must have shape \(n_samples, n_features\), got \(2,\)"),
        (np.zeros((0, 2)), [], 1, "X must have shape"),
        ([[1.0]], [1, -1], 1, r"y must have shape \(1,\), got \(2,\)"),
        ([[np.nan]], [1], 1, "X contains NaN"),
        ([[1.0]], [0], 1, "y must hold -1 and 1"),
        ([[1.0]], [1], 0, "passes must be a positive integer, got 0"),
        ([[1.0]], [1], True, "passes must be a positive integer"),
        ([[1.0]], [1], 2.0, "passes must be a positive integer"),
    ],
)
def test_bad_input_is_named(X, y, passes, message):
    with pytest.raises(ValueError, match=message):
        perceptron(X, y, passes=passes)
