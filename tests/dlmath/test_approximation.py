"""Sampled steps, greedy choice, composed tents and counted pieces."""

import itertools

import numpy as np
import pytest
from dlmath import approximation as ap
from numpy.testing import assert_allclose, assert_array_equal

RNG = np.random.default_rng(0)


def test_sampled_network_approximates_and_keeps_its_weights_small():
    d, m = 3, 20_000
    rng = np.random.default_rng(1)
    X = ap.points_on_sphere(50, d, np.sqrt(d), rng)
    assert_allclose(np.linalg.norm(X, axis=1), np.sqrt(d))
    constant = 2 / np.sqrt(np.pi)
    steps = ap.sample_steps(ap.pair_frequencies(m, d, rng), np.zeros(m), 1.8, constant, 1.0, rng)
    error = np.mean((steps(X) - ap.pair_energy(X)) ** 2)
    expected = (ap.pair_second_moment(X, 1.8) - np.mean((ap.pair_energy(X) - 1) ** 2)) / m
    assert expected / 10 < error < 5 * expected
    assert np.abs(steps.c).max() <= 2 * 1.8 * constant / m
    assert_allclose(np.linalg.norm(steps.a, axis=1), 1)
    assert_allclose(steps(X), 1 + steps.terms(X).sum(axis=1))
    assert steps(np.zeros((1, d)))[0] == 1.0


def test_frequencies_lie_along_pairs_and_all_pairs_occur():
    omega = ap.pair_frequencies(500, 4, np.random.default_rng(2))
    assert_array_equal(omega.sum(axis=1), 0)
    assert_array_equal(np.count_nonzero(omega, axis=1), 2)
    assert len(np.unique(omega != 0, axis=0)) == 6


def test_draws_repeat_with_their_seed():
    def draw():
        rng = np.random.default_rng(3)
        return ap.sample_steps(ap.pair_frequencies(9, 2, rng), np.zeros(9), 1.0, 1.0, 0.0, rng)

    for first, second in zip(draw(), draw(), strict=True):
        assert_array_equal(first, second)


def test_greedy_choice_may_return_to_an_element():
    G = np.eye(2) * np.sqrt(2)
    h = G @ [0.75, 0.25]
    chosen, errors = ap.greedy(G, h, 4)
    assert sorted(chosen) == [0, 0, 0, 1]
    assert_allclose(errors[-1], 0, atol=1e-15)


def test_network_of_tents_is_the_sawtooth_for_dlmath_networks():
    from dlmath.networks import FeedForwardNetwork

    x = np.linspace(0, 1, 301)
    for k in (1, 2, 5):
        network = FeedForwardNetwork([1, *[2] * k, 1], activation="relu")
        for own, right in zip(network.parameters, ap.sawtooth_network(k), strict=True):
            own[...] = right
        assert_allclose(network.forward(x[:, np.newaxis])[:, 0], ap.sawtooth(x, k), atol=1e-13)


def test_kinks_of_the_sawtooth_are_its_peaks_and_valleys():
    places, slopes = ap.kinks(ap.sawtooth_network(4), 0, 1)
    assert_allclose(places, np.arange(1, 16) / 16)
    assert_allclose(slopes, 16.0 * (-1) ** np.arange(16))


def test_kinks_that_cancel_and_straight_networks_do_not_count():
    straight = [np.array([[1.0, 1.0]]), np.zeros(2), np.array([[1.0], [-1.0]]), np.zeros(1)]
    places, slopes = ap.kinks(straight, -1, 1)
    assert places.size == 0
    assert_array_equal(slopes, [0])


def test_best_pieces_against_all_cuts():
    y = np.random.default_rng(4).normal(size=8)
    for pieces, error in enumerate(ap.best_pieces(y, 8), start=1):
        least = np.inf
        for cuts in itertools.combinations(range(1, 8), pieces - 1):
            total = 0.0
            for a, b in itertools.pairwise([0, *cuts, 8]):
                design = np.column_stack([np.ones(b - a), np.arange(a, b)])
                rest = y[a:b] - design @ np.linalg.lstsq(design, y[a:b], rcond=None)[0]
                total += rest @ rest
            least = min(least, total)
        assert_allclose(error, least / 8, atol=1e-14)


def test_numbers_that_are_known():
    assert_allclose(ap.gaussian_constant(1), np.sqrt(2 / np.pi))
    assert_allclose(ap.gaussian_constant(3, width=2), np.sqrt(8 / np.pi) / 2)
    assert ap.most_pieces([2, 3, 1]) == 24
    assert ap.most_pieces([9] * 40) == 10**40
    assert ap.least_error(3, 5) == (0.0, 0.0, 0.0)
    assert ap.least_error(3, 1) == (0.25, 1 / 12, 0.5)
    assert_allclose(ap.product(0.3, 0.7, 12), 0.21, atol=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ap.gaussian_constant(0), "d must be an integer of at least 1"),
        (lambda: ap.gaussian_constant(True), "d must be an integer"),
        (lambda: ap.gaussian_constant(2, -1), "width must be a positive number"),
        (lambda: ap.pair_energy([1.0, 2.0]), "X must have 2 axes"),
        (lambda: ap.pair_energy([[1.0]]), "X must have at least 2 columns"),
        (lambda: ap.pair_energy([[1.0, np.nan]]), "X contains NaN"),
        (lambda: ap.pair_energy([["a", "b"]]), "X must hold numbers"),
        (lambda: ap.pair_frequencies(3, 1, RNG), "d must be an integer of at least 2"),
        (lambda: ap.pair_second_moment([[3.0, -3.0]], 1.0), "r must be at least 4.24"),
        (lambda: ap.points_on_sphere(2, 2, 0, RNG), "r must be a positive number"),
        (lambda: ap.sample_steps([[1.0]], [0.0, 1.0], 1, 1, 0, RNG), "theta must have 1 entries"),
        (lambda: ap.sample_steps([[0.0]], [0.0], 1, 1, 0, RNG), "omega must not contain"),
        (lambda: ap.sample_steps([[1.0]], [0.0], 1, np.inf, 0, RNG), "constant must be"),
        (lambda: ap.greedy([[1.0]], [1.0, 2.0], 1), "target must have 1 entries"),
        (lambda: ap.greedy([[1.0]], [1.0], 0), "m must be an integer of at least 1"),
        (lambda: ap.sawtooth(0.5, 0), "k must be an integer of at least 1"),
        (lambda: ap.square(0.5, 1.5), "k must be an integer"),
        (lambda: ap.kinks([np.ones((2, 1)), np.zeros(1)], 0, 1), "with one input"),
        (lambda: ap.kinks([np.ones((1, 2)), np.zeros(2)], 0, 1), "with one output"),
        (lambda: ap.kinks(ap.sawtooth_network(1), 1, 0), "low must be below high"),
        (lambda: ap.most_pieces([3, 0]), "widths must be an integer of at least 1"),
        (lambda: ap.best_pieces([1.0, 2.0], 3), "most must be at most 2"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
