"""The measures of samples: against other routes to the same number, and at the door."""

import numpy as np
import pytest
from dlmath.divergences import wasserstein_gaussians
from dlmath.metrics import (
    class_entropy,
    frechet_distance,
    memorisation_share,
    mmd,
    precision_recall,
    sliced_wasserstein,
    two_sample_accuracy,
    wasserstein_1d,
)
from numpy.testing import assert_allclose
from scipy import linalg, optimize, stats
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors


@pytest.fixture
def clouds():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((90, 3))
    return X, 0.4 + rng.standard_normal((60, 3)) @ rng.standard_normal((3, 3))


def test_frechet_distance_by_the_root_of_a_product(clouds):
    X, Y = clouds
    S, T = np.cov(X, rowvar=False), np.cov(Y, rowvar=False)
    difference = X.mean(axis=0) - Y.mean(axis=0)
    root = linalg.sqrtm(S @ T).real
    expected = difference @ difference + np.trace(S + T - 2 * root)
    assert_allclose(frechet_distance(X, Y), expected, rtol=1e-11)
    given = X.mean(axis=0), S, Y.mean(axis=0), T
    assert_allclose(wasserstein_gaussians(*given), expected, rtol=1e-11)


def test_frechet_distance_of_singular_covariances():
    """Two needles in the plane at an angle: the trace of the root is the cosine."""
    needles = [np.outer([-1.0, 0.0, 1.0], v) for v in ([1.0, 0.0], [0.6, 0.8])]
    assert_allclose(frechet_distance(*needles), 2 - 1.2)
    assert frechet_distance(needles[1], needles[1]) < 1e-14


def test_kernel_distances_by_scikit_learn(clouds):
    X, Y = clouds
    n, m = len(X), len(Y)

    def estimate(K, L, M):
        return (
            (K.sum() - np.trace(K)) / (n * (n - 1))
            + (L.sum() - np.trace(L)) / (m * (m - 1))
            - 2 * M.mean()
        )

    pairs = (X, X), (Y, Y), (X, Y)
    cubic = [polynomial_kernel(*pair, degree=3, gamma=1 / 3, coef0=1) for pair in pairs]
    assert_allclose(mmd(X, Y), estimate(*cubic), rtol=1e-11)
    rbf = [rbf_kernel(*pair, gamma=1 / (2 * 0.7**2)) for pair in pairs]
    assert_allclose(mmd(X, Y, "rbf", 0.7), estimate(*rbf), rtol=1e-11)


def test_blocks_make_no_difference(clouds, monkeypatch):
    X, Y = clouds
    before = mmd(X, Y), precision_recall(X, Y), two_sample_accuracy(X[:60], Y)
    monkeypatch.setattr("dlmath.metrics.BLOCK", 7)
    after = mmd(X, Y), precision_recall(X, Y), two_sample_accuracy(X[:60], Y)
    assert_allclose(after[0], before[0], rtol=1e-12)
    assert after[1:] == before[1:]


@pytest.mark.parametrize("sizes", [(13, 13), (13, 29), (8, 12)])
def test_wasserstein_in_one_dimension(sizes):
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal(sizes[0]), 1 + rng.standard_exponential(sizes[1])
    assert_allclose(wasserstein_1d(x, y), stats.wasserstein_distance(x, y), rtol=1e-12)
    # The cheapest assignment of equally many copies of both.
    many = np.lcm(*sizes)
    cost = np.abs(np.subtract.outer(*(np.repeat(v, many // len(v)) for v in (x, y)))) ** 3
    rows, columns = optimize.linear_sum_assignment(cost)
    assert_allclose(wasserstein_1d(x, y, 3), np.mean(cost[rows, columns]) ** (1 / 3), rtol=1e-12)


def test_sliced_distance_of_a_shift():
    """Along u a shift by s moves everything by s.u, whose mean size is known on the sphere."""
    X = np.random.default_rng(0).standard_normal((200, 3))
    shift = np.array([0.0, 2.0, 0.0])
    found = sliced_wasserstein(X, X + shift, directions=20_000)
    assert_allclose(found, 2 * 0.5, rtol=0.02)  # E|u_1| = 1/2 in three dimensions
    squared = sliced_wasserstein(X, X + shift, directions=20_000, order=2)
    assert_allclose(squared, 2 / np.sqrt(3), rtol=0.02)
    assert sliced_wasserstein(X, X + shift, 5, 1) == sliced_wasserstein(X, X + shift, 5, 1)
    assert sliced_wasserstein(X, X + shift, 5, 1) != sliced_wasserstein(X, X + shift, 5, 2)


def test_sliced_distance_in_one_dimension(clouds):
    x, y = (Z[:, :1] for Z in clouds)
    expected = stats.wasserstein_distance(x[:, 0], y[:, 0])
    assert_allclose(sliced_wasserstein(x, y, 3), expected, rtol=1e-12)


def test_precision_and_recall_by_neighbours(clouds):
    X, Y = clouds

    def inside(points, centres):
        search = NearestNeighbors(algorithm="brute").fit(centres)
        radii = search.kneighbors(centres, 4)[0][:, -1]  # the first neighbour is the point itself
        return (cdist(points, centres) <= radii).any(axis=1).mean()

    assert precision_recall(X, Y, k=3) == (inside(Y, X), inside(X, Y))
    swapped = precision_recall(Y, X, k=3)
    assert precision_recall(X, Y, k=3) == swapped[::-1]
    assert precision_recall(X, X + 100) == (0, 0)


def test_two_sample_accuracy_by_leaving_one_out(clouds):
    X, Y = clouds[0][:60], clouds[1]
    both, label = np.vstack([X, Y]), np.repeat([0, 1], 60)
    scores = cross_val_score(KNeighborsClassifier(1), both, label, cv=LeaveOneOut())
    assert_allclose(two_sample_accuracy(X, Y), scores.mean(), rtol=1e-14)
    assert two_sample_accuracy(X, X + 100) == 1
    assert two_sample_accuracy(X, X + 1e-9) == 0


def test_memorisation(clouds):
    train, held_out = clouds[0][:30], clouds[0][30:60]
    assert memorisation_share(train + 1e-9, train, held_out) == 1
    assert memorisation_share(held_out, train, held_out) == 0
    assert memorisation_share([[0.0], [3.0]], [[1.0]], [[-1.0]]) == 0.75
    samples = clouds[0][60:]
    nearest = KNeighborsClassifier(1).fit(clouds[0][:60], np.repeat([1, 0], 30))
    expected = nearest.predict(samples).mean()
    assert_allclose(memorisation_share(samples, train, held_out), expected, rtol=1e-14)


def test_entropy_of_classes():
    assert_allclose(np.exp(class_entropy(np.eye(7))), 7)
    assert class_entropy(np.eye(7)[[2, 2]]) == 0
    P = np.random.default_rng(0).dirichlet(np.ones(4), 9)
    assert_allclose(class_entropy(P), stats.entropy(P.mean(axis=0)), rtol=1e-12)


ONE, TWO = np.ones((1, 2)), np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frechet_distance(TWO[:2], TWO), "X has 2 samples, but a covariance of 2 features"),
        (lambda: frechet_distance(TWO, TWO[:1]), "Y has 1 samples, but a covariance needs at lea"),
        (lambda: frechet_distance(TWO, TWO[:, :1]), "X has 2 features and Y 1"),
        (lambda: frechet_distance([[np.nan, 1], [0, 1], [1, 1]], TWO), "X contains NaN"),
        (lambda: mmd(ONE, TWO), "X has 1 samples, but the unbiased estimate needs at least 2"),
        (lambda: mmd(TWO, TWO, "linear"), "kernel must be 'cubic' or 'rbf', got 'linear'"),
        (lambda: mmd(TWO, TWO, "rbf"), "length_scale must be a positive number, got None"),
        (lambda: mmd(TWO, TWO, length_scale=1.0), "length_scale belongs to the kernel 'rbf'"),
        (lambda: wasserstein_1d([1.0], [[1.0]]), "x and y must be vectors"),
        (lambda: wasserstein_1d([1.0], [2.0], 0.5), "order must be at least 1"),
        (lambda: sliced_wasserstein(TWO, TWO, 0), "directions must be an integer of at least 1"),
        (lambda: sliced_wasserstein(TWO, TWO, order=0.5), "order must be at least 1"),
        (lambda: precision_recall(TWO[:3], TWO), "real has 3 samples, but a neighbour of order 3"),
        (lambda: precision_recall(TWO, TWO[:3]), "fake has 3 samples"),
        (lambda: precision_recall(TWO, TWO, k=0), "k must be an integer of at least 1"),
        (lambda: two_sample_accuracy(TWO, TWO[:3]), "equally many samples, got 4 and 3"),
        (lambda: two_sample_accuracy(ONE, ONE), "X has 1 samples, but leaving one out needs"),
        (lambda: memorisation_share(TWO, TWO, TWO[:3]), "train and held_out must have equally"),
        (lambda: class_entropy([[0.5, 0.6]]), "each row must sum to one"),
        (lambda: class_entropy([[-0.5, 1.5]]), "probabilities must not be negative"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
