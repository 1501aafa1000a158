"""Linear iterations of optimisers, against eigenvalues and simulated walks."""

import numpy as np
import pytest
from dlmath.iterations import (
    heavy_ball_parameters,
    iteration_matrix,
    least_squares_cloud,
    nesterov_parameters,
    stationary_covariance,
)
from numpy.testing import assert_allclose
from scipy import linalg


def radius(h, eta, beta, **form):
    return max(np.abs(np.linalg.eigvals(iteration_matrix(c, eta, beta, **form))).max() for c in h)


@pytest.mark.parametrize(("mu", "L"), [(1.0, 100.0), (0.3, 2.0), (5.0, 5.5)])
def test_parameters_reach_their_rates(mu, L):
    h, root = np.linspace(mu, L, 40), np.sqrt(L / mu)
    assert_allclose(radius(h, *heavy_ball_parameters(mu, L)), (root - 1) / (root + 1), atol=1e-7)
    assert_allclose(radius(h, *nesterov_parameters(mu, L), nesterov=True), 1 - 1 / root, atol=1e-7)


def test_equal_curvatures_need_no_momentum():
    assert_allclose(heavy_ball_parameters(4, 4), (0.25, 0), atol=1e-15)
    assert_allclose(nesterov_parameters(4, 4), (0.25, 0), atol=1e-15)


@pytest.fixture
def fit():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(30, 3)) + 0.3
    return X, X @ [1.0, 2.0, -1.0] + rng.normal(size=30)


def test_covariance_solves_the_discrete_lyapunov_equation():
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(2, 4, 4))
    H, N = A @ A.T + np.eye(4), B @ B.T
    eta = 1.9 / np.linalg.eigvalsh(H)[-1]
    expected = linalg.solve_discrete_lyapunov(np.eye(4) - eta * H, eta**2 * N)
    assert_allclose(stationary_covariance(H, N, eta), expected, rtol=1e-9)


@pytest.mark.parametrize("replace", [False, True])
def test_cloud_is_where_simulated_walks_stay(fit, replace):
    X, y = fit
    rng, best = np.random.default_rng(3), np.linalg.lstsq(*fit, rcond=None)[0]
    eta, B, walks, total = 0.08, 3, np.tile(best, (2000, 1)), 0
    for k in range(400):
        if replace:
            rows = rng.integers(30, size=(2000, B))
        else:
            rows = np.argsort(rng.random((2000, 30)), axis=1)[:, :B]
        miss = np.einsum("wbp,wp->wb", X[rows], walks) - y[rows]
        walks = walks - eta * 2 / B * np.einsum("wbp,wb->wp", X[rows], miss)
        if k >= 150:
            total = total + (walks - best).T @ (walks - best) / 2000 / 250
    cloud = least_squares_cloud(X, y, eta, B, replace=replace)
    assert_allclose(total, cloud, atol=0.03 * np.abs(cloud).max())


def test_the_full_batch_has_no_cloud(fit):
    assert_allclose(least_squares_cloud(*fit, 0.1, 30), np.zeros((3, 3)), atol=1e-15)


def test_small_rates_agree_with_the_simple_equation(fit):
    X, y = fit
    residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    noise = 4 * (X * residual[:, np.newaxis] ** 2).T @ X / 30
    simple = stationary_covariance(2 * X.T @ X / 30, noise, 1e-6)
    assert_allclose(least_squares_cloud(X, y, 1e-6, 1, replace=True), simple, rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: heavy_ball_parameters(2, 1), "mu must not be larger than L"),
        (lambda: heavy_ball_parameters(0, 1), "mu must be"),
        (lambda: nesterov_parameters(1, np.inf), "L must be"),
        (lambda: iteration_matrix(1.0, -1.0, 0.5), "eta must be"),
        (lambda: stationary_covariance([[1.0, 2.0]], np.eye(2), 0.1), "hessian must be square"),
        (lambda: stationary_covariance([[1, 1], [0, 1]], np.eye(2), 0.1), "hessian must be symm"),
        (lambda: stationary_covariance(-np.eye(2), np.eye(2), 0.1), "positive definite"),
        (lambda: stationary_covariance(np.eye(2), np.eye(3), 0.1), r"noise must be of shape"),
        (lambda: stationary_covariance(np.eye(2), np.eye(2), 2.0), "eta must be below 2 / L"),
        (lambda: stationary_covariance(np.eye(2), np.eye(2), 0.0), "eta must be"),
        (lambda: least_squares_cloud(np.eye(3), np.ones(2), 0.1, 1), r"y must have shape \(3,\)"),
        (lambda: least_squares_cloud(np.eye(3), np.ones(3), 0.1, 4), "size must be at most 3"),
        (lambda: least_squares_cloud(np.eye(3), np.ones(3), 0.1, 0), "size must be an integer"),
        (lambda: least_squares_cloud(np.eye(3), np.ones(3), 5.0, 1), "variance grows"),
        (lambda: least_squares_cloud([[np.nan], [1.0]], np.ones(2), 0.1, 1), "X contains NaN"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
