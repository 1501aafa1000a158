import numpy as np
import pytest
from dlmath.divergences import (
    F_DIVERGENCES,
    f_divergence,
    f_divergence_on_grid,
    fisher_divergence_on_grid,
    fisher_gaussians,
    jensen_shannon,
    kl_gaussians,
    optimal_map_gaussians,
    wasserstein_gaussians,
    wasserstein_on_line,
)
from numpy.testing import assert_allclose
from scipy import linalg, stats
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

X = np.linspace(-30, 30, 6001)
GENERATORS = {
    "kl": lambda u: u * np.log(u),
    "reverse kl": lambda u: -np.log(u),
    "jensen-shannon": lambda u: (u * np.log(u) - (1 + u) * np.log((1 + u) / 2)) / 2,
    "total variation": lambda u: np.abs(u - 1) / 2,
    "hellinger": lambda u: (np.sqrt(u) - 1) ** 2,
    "chi2": lambda u: (u - 1) ** 2,
}


@pytest.fixture
def laws():
    return np.random.default_rng(0).dirichlet(np.ones(7), size=2)


@pytest.fixture
def gaussians():
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(2, 4, 6))
    m1, m2 = rng.normal(size=(2, 4))
    return m1, A @ A.T / 6, m2, B @ B.T / 6


@pytest.mark.parametrize("kind", F_DIVERGENCES)
def test_divergence_is_the_sum_over_its_generator(laws, kind):
    p, q = laws
    assert_allclose(f_divergence(p, q, kind), q @ GENERATORS[kind](p / q), rtol=1e-12)
    assert f_divergence(p, p, kind) == pytest.approx(0, abs=1e-15)


def test_agrees_with_scipy(laws):
    p, q = laws
    assert_allclose(f_divergence(p, q), rel_entr(p, q).sum(), rtol=1e-13)
    assert_allclose(jensen_shannon(p, q), jensenshannon(p, q) ** 2, rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "value", "turned"),
    [
        ("kl", np.log(2), np.inf),
        ("reverse kl", np.inf, np.log(2)),
        ("chi2", 1.0, np.inf),
        ("total variation", 0.5, 0.5),
        ("hellinger", 2 - np.sqrt(2), 2 - np.sqrt(2)),
    ],
)
def test_zeros_are_where_they_belong(kind, value, turned):
    """Here p lies in one half of the support of q; a third state belongs to neither."""
    p, q = [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]
    assert_allclose(f_divergence(p, q, kind), value, rtol=1e-12)
    assert_allclose(f_divergence(q, p, kind), turned, rtol=1e-12)


def test_jensen_shannon_of_disjoint_laws_is_log_2():
    assert_allclose(jensen_shannon([1, 0], [0, 1]), np.log(2), rtol=1e-15)


def test_quadrature_meets_the_closed_forms_of_gaussians():
    (m1, s1), (m2, s2) = (0.3, 0.8), (-1.0, 1.7)
    p, q = stats.norm(m1, s1), stats.norm(m2, s2)
    log_p, log_q = p.logpdf(X), q.logpdf(X)
    kl = kl_gaussians(m1, s1**2, m2, s2**2)
    assert_allclose(f_divergence_on_grid(log_p, log_q, X), kl, rtol=1e-10)
    scores = -(X - m1) / s1**2, -(X - m2) / s2**2
    fisher = fisher_divergence_on_grid(log_p, *scores, X)
    assert_allclose(fisher, fisher_gaussians(m1, s1**2, m2, s2**2), rtol=1e-10)
    w2 = wasserstein_on_line(log_p, log_q, X, levels=100_000)
    assert_allclose(w2**2, wasserstein_gaussians(m1, s1**2, m2, s2**2), rtol=1e-4)


def test_tails_that_underflow_count():
    p, q = stats.norm(0, 1), stats.norm(0, 0.02)
    assert q.pdf(1.0) == 0.0
    value = f_divergence_on_grid(p.logpdf(X), q.logpdf(X), X)
    assert_allclose(value, kl_gaussians(0, 1, 0, 0.0004), rtol=1e-6)


def test_gaussians_in_four_dimensions(gaussians):
    m1, S1, m2, S2 = gaussians
    P, Q = stats.multivariate_normal(m1, S1), stats.multivariate_normal(m2, S2)
    draws = P.rvs(200_000, random_state=0)
    gap = P.logpdf(draws) - Q.logpdf(draws)
    assert abs(gap.mean() - kl_gaussians(*gaussians)) < 4 * gap.std() / len(gap) ** 0.5
    cross = linalg.sqrtm(S1 @ S2).real  # similar to the root in the formula, same trace
    frechet = (m1 - m2) @ (m1 - m2) + np.trace(S1 + S2 - 2 * cross)
    assert_allclose(wasserstein_gaussians(*gaussians), frechet, rtol=1e-9)
    A = optimal_map_gaussians(S1, S2)
    assert_allclose(A @ S1 @ A, S2, atol=1e-9)
    assert np.linalg.eigvalsh(A)[0] > 0


def test_singular_covariances_have_a_distance_and_no_divergence():
    flat = np.diag([1.0, 0.0])
    assert_allclose(wasserstein_gaussians([0, 0], flat, [0, 0], np.eye(2)), 1, rtol=1e-12)
    with pytest.raises(ValueError, match="cov1 must be positive definite"):
        kl_gaussians([0, 0], flat, [0, 0], np.eye(2))
    with pytest.raises(ValueError, match="cov2 must be positive definite"):
        fisher_gaussians([0, 0], np.eye(2), [0, 0], flat)


EYE = [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: f_divergence([0.5, 0.6], [0.5, 0.5]), "p must sum to 1"),
        (lambda: f_divergence([0.5, 0.5], [1.5, -0.5]), "q must be a vector of probabilities"),
        (lambda: f_divergence([[0.5, 0.5]], [0.5, 0.5]), "p must be a vector of probabilities"),
        (lambda: f_divergence([1.0], [0.5, 0.5]), "q must have 1 entries like p"),
        (lambda: f_divergence([1.0], [1.0], "l2"), "kind must be one of kl"),
        (lambda: f_divergence_on_grid(0 * X, 0 * X, X), "log_p must be normalised on x"),
        (lambda: f_divergence_on_grid(X[1:], X, X), "log_p must have 6001 entries"),
        (lambda: f_divergence_on_grid(X, X, X[::-1]), "x must be a vector of at least two"),
        (
            lambda: wasserstein_on_line(stats.norm.logpdf(X), stats.norm.logpdf(X), X, order=0.5),
            "order must be at least 1",
        ),
        (lambda: kl_gaussians([0], EYE, [0, 0], EYE), "mean1 and cov1 must have the shapes"),
        (lambda: kl_gaussians([0, 0], EYE, 0, 1), "mean2 must have 2 entries"),
        (lambda: kl_gaussians([0, 0], [[1, 2], [0, 1]], [0, 0], EYE), "cov1 must be symmetric"),
        (
            lambda: wasserstein_gaussians([0, 0], EYE, [0, 0], [[1, 2], [2, 1]]),
            "cov2 must be positive semi-definite",
        ),
        (lambda: wasserstein_gaussians([0, np.nan], EYE, [0, 0], EYE), "mean1 and cov1 must be fi"),
        (lambda: optimal_map_gaussians(np.zeros((2, 2)), EYE), "cov1 must be positive definite"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
