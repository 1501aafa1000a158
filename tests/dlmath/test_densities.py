import numpy as np
import pytest
from dlmath.datasets import load_digits, make_eight_gaussians, make_swiss_roll, make_two_moons
from dlmath.densities import GaussianMixture, eight_gaussians
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

WEIGHTS = [0.2, 0.5, 0.3]
MEANS = [[0.0, 1.0], [2.0, -1.0], [-1.5, 0.5]]
COVARIANCES = [[[1.0, 0.3], [0.3, 0.5]], [[0.2, 0.0], [0.0, 2.0]], [[0.7, -0.4], [-0.4, 0.6]]]


@pytest.fixture
def rng():
    return np.random.default_rng(41)


@pytest.fixture
def mixture():
    return GaussianMixture(WEIGHTS, MEANS, COVARIANCES)


def test_density_is_that_of_scipy(mixture, rng):
    X = rng.normal(size=(50, 2), scale=2)
    parts = [
        w * multivariate_normal(m, S).pdf(X)
        for w, m, S in zip(WEIGHTS, MEANS, COVARIANCES, strict=True)
    ]
    assert_allclose(np.exp(mixture.log_prob(X)), np.sum(parts, axis=0), rtol=1e-12)
    assert_allclose(np.exp(mixture.log_prob_components(X)), np.transpose(parts), rtol=1e-12)


def test_score_is_the_slope_of_the_density(mixture, rng):
    X, h = rng.normal(size=(20, 2), scale=2), 1e-5
    slopes = [
        (mixture.log_prob(X + h * e) - mixture.log_prob(X - h * e)) / (2 * h) for e in np.eye(2)
    ]
    assert_allclose(mixture.score(X), np.transpose(slopes), atol=1e-8)


def test_samples_have_the_moments_that_it_names(mixture):
    X = mixture.sample(200_000, 1)
    error = np.sqrt(np.diag(mixture.covariance) / len(X))
    assert (np.abs(X.mean(axis=0) - mixture.mean) < 4 * error).all()
    assert_allclose(np.cov(X.T), mixture.covariance, atol=0.03)
    assert_array_equal(X, mixture.sample(200_000, 1))


def test_far_away_the_density_does_not_underflow():
    far = eight_gaussians().log_prob([[100.0, 0.0]])
    assert_allclose(far, -(98**2) / 0.08 - np.log(8 * 2 * np.pi * 0.04), rtol=1e-12)


def test_covariances_may_be_one_number_for_each_component():
    one = GaussianMixture([0.4, 0.6], [[0.0], [1.0]], [0.25, 4.0])
    assert_array_equal(one.covariances.ravel(), [0.25, 4.0])


def test_eight_gaussians_are_those_of_the_name():
    density, X = eight_gaussians(), make_eight_gaussians(8000, 3)
    assert_allclose(np.hypot(*density.means.T), 2)
    nearest = np.linalg.norm(X[:, None] - density.means, axis=2)
    assert_allclose(np.bincount(nearest.argmin(axis=1)) / 8000, 1 / 8, atol=0.02)
    # A share 1 - exp(-9/2) of a plane Gaussian lies within three standard deviations.
    assert_allclose(np.mean(nearest.min(axis=1) < 0.6), 1 - np.exp(-4.5), atol=0.004)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [0.5, 0.5]}, "weights must be 3 positive numbers"),
        ({"weights": [0.5, 0.6, -0.1]}, "weights must be 3 positive numbers"),
        ({"covariances": np.ones((3, 2))}, "covariances must have shape"),
        ({"covariances": -1.0}, "covariances must be symmetric and positive definite"),
        ({"covariances": [[[1, 2.0], [0, 1]]] * 3}, "covariances must be symmetric"),
        ({"means": [[0, np.nan]] * 3}, "means contains NaN"),
    ],
)
def test_refuses_what_is_no_mixture(change, message):
    given = {"weights": WEIGHTS, "means": MEANS, "covariances": COVARIANCES} | change
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**given)


def test_refuses_points_of_another_dimension(mixture):
    with pytest.raises(ValueError, match="X must have 2 columns, got 3"):
        mixture.log_prob(np.ones((4, 3)))


def test_digits_come_in_halves_that_share_no_picture():
    digits = load_digits()
    assert digits.train.shape == (898, 64)
    assert digits.test.shape == (899, 64)
    assert set(np.unique(digits.train)) == set(range(digits.levels))
    counts = np.bincount(digits.train_labels) - np.bincount(digits.test_labels)
    assert np.abs(counts).max() <= 1
    both = np.unique(np.vstack([digits.train, digits.test]), axis=0)
    assert len(both) == 1797


def test_plane_data_have_the_scale_that_they_name():
    moons, roll = make_two_moons(4000, noise=1e-9), make_swiss_roll(4000, noise=1e-9)
    radius = np.hypot(*(moons[moons[:, 1] > 0.45] + [0.9, 0.45]).T)
    assert_allclose(radius, 1.8, atol=1e-6)
    radius = np.hypot(*roll.T) * 5.5
    assert_allclose([radius.min(), radius.max()], [1.5 * np.pi, 4.5 * np.pi], atol=0.02)
