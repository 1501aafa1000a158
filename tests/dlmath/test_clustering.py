"""Lloyd's algorithm against scikit-learn and against exhaustive search."""

import itertools

import numpy as np
import pytest
from dlmath.clustering import assign, kmeans_cost, lloyd, move_centres
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans


@pytest.fixture
def cloud():
    rng = np.random.default_rng(3)
    return np.vstack([rng.normal(c, 1.0, (40, 3)) for c in (-2.0, 0.5, 3.0)])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("clusters", [1, 2, 3, 5])
def test_it_ends_where_scikit_learn_ends(cloud, clusters, seed):
    start = cloud[np.random.default_rng(seed).choice(len(cloud), clusters, replace=False)]
    ours = lloyd(cloud, start)
    theirs = KMeans(clusters, init=start, n_init=1, algorithm="lloyd", tol=0, max_iter=1000)
    theirs.fit(cloud)
    assert_array_equal(ours.labels, theirs.labels_)
    assert_allclose(ours.centres, theirs.cluster_centers_, rtol=1e-12, atol=1e-12)
    assert_allclose(len(cloud) * ours.costs[-1], theirs.inertia_, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_half_step_raises_the_cost(cloud, seed):
    start = np.random.default_rng(seed).normal(size=(4, 3))
    costs = lloyd(cloud, start).costs
    assert len(costs) > 2
    assert (np.diff(costs) <= 1e-14).all()


def test_the_best_start_finds_the_best_of_all_partitions():
    X = np.random.default_rng(1).normal(size=(8, 2))
    everything = [
        kmeans_cost(X, labels, move_centres(X, labels, np.zeros((3, 2))))
        for labels in map(np.array, itertools.product(range(3), repeat=8))
        if len(set(labels)) == 3
    ]
    starts = itertools.combinations(X, 3)
    found = [lloyd(X, np.array(start)).costs[-1] for start in starts]
    assert_allclose(min(found), min(everything), rtol=1e-12)
    assert max(found) > 1.05 * min(found)


def test_of_several_nearest_centres_the_lowest_number_wins():
    assert_array_equal(assign([[0.0], [1.0]], [[2.0], [-1.0], [1.0]]), [1, 2])
    assert_array_equal(assign([[0.0]], [[1.0], [-1.0]]), [0])


def test_a_centre_without_samples_stays():
    start = np.array([[0.0], [50.0]])
    found = lloyd([[1.0], [2.0], [6.0]], start)
    assert_allclose(found.centres, [[3.0], [50.0]])
    assert_array_equal(start, [[0.0], [50.0]])


def test_ties_do_not_keep_it_from_ending():
    grid = np.array(list(itertools.product(range(4), repeat=2)), dtype=float)
    for start in itertools.combinations(grid, 3):
        found = lloyd(grid, np.array(start))
        assert_array_equal(assign(grid, found.centres), found.labels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: assign([1.0, 2.0], [[1.0]]), "X must be a matrix"),
        (lambda: assign([[1.0]], np.empty((0, 1))), "centres must be a matrix that is not empty"),
        (lambda: assign([[np.nan]], [[1.0]]), "X contains NaN"),
        (lambda: assign([[1.0]], [[1.0, 2.0]]), "centres must have 1 columns"),
        (lambda: move_centres([[1.0]], [0, 0], [[1.0]]), "labels must be 1 integers"),
        (lambda: move_centres([[1.0]], [0.0], [[1.0]]), "labels must be 1 integers"),
        (lambda: kmeans_cost([[1.0]], [1], [[1.0]]), "labels must lie between 0 and 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
