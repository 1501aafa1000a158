"""Laws of pixels, and the bound by dequantisation."""

import itertools

import numpy as np
import pytest
from dlmath.datasets import load_digit_baselines, load_digits
from dlmath.pixels import PixelMixture, dequantise, dequantised_bound, fit_pixel_mixture
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

RNG = np.random.default_rng(1)
MIXTURE = PixelMixture([0.3, 0.7], RNG.dirichlet(np.ones(3), (2, 4)))


def test_probabilities_of_all_pictures_sum_to_one():
    everything = np.array(list(itertools.product(range(3), repeat=4)))
    p = np.exp(MIXTURE.log_prob(everything))
    assert_allclose(p.sum(), 1)
    first = MIXTURE.probabilities
    expected = sum(w * first[k, range(4), everything[5]].prod() for k, w in enumerate([0.3, 0.7]))
    assert_allclose(p[5], expected)
    # Samples come with these probabilities.
    samples = MIXTURE.sample(20_000, seed=0)
    assert_array_equal(samples, MIXTURE.sample(20_000, seed=0))
    counts = np.array([(samples == row).all(axis=1).sum() for row in everything])
    assert stats.chisquare(counts, 20_000 * p).pvalue > 1e-3
    share = MIXTURE.responsibilities(everything)
    assert_allclose(p @ share, [0.3, 0.7])


def test_one_component_counts():
    X = RNG.integers(0, 3, (50, 4))
    fitted = fit_pixel_mixture(X, 3, pseudo_count=1e-9)
    counts = (X[:, :, np.newaxis] == np.arange(3)).sum(axis=0)
    assert_allclose(fitted.probabilities[0], counts / 50, atol=1e-8)
    assert fitted.weights == [1]


def test_components_are_found():
    true = PixelMixture([0.5, 0.5], [np.tile([0.9, 0.05, 0.05], (8, 1)), np.tile(1 / 3, (8, 3))])
    X, fresh = true.sample(2000, 0), true.sample(2000, 1)
    fitted, alone = fit_pixel_mixture(X, 3, 2), fit_pixel_mixture(X, 3)
    assert true.log_prob(fresh).mean() - fitted.log_prob(fresh).mean() < 0.03
    assert true.log_prob(fresh).mean() - alone.log_prob(fresh).mean() > 0.3


def test_smoothing_keeps_the_atom_at_zero():
    X = np.array([[0], [0], [5], [0]])
    fitted = fit_pixel_mixture(X, 9, width=1.0, pseudo_count=1e-9)
    p = fitted.probabilities[0, 0]
    assert_allclose(p[0], 3 / 4, atol=1e-6)
    assert p[4] == pytest.approx(p[6])
    assert p[5] > p[6] > p[7] > p[8]


def test_dequantisation():
    X = RNG.integers(0, 17, (6, 3))
    y = dequantise(X, 17, 3)
    assert_array_equal(np.floor(17 * y), X)
    # A density that is flat within each cell loses nothing.
    flat = dequantised_bound(lambda y: np.zeros(len(y)), X, 17, draws=1)
    assert_allclose(flat, -3 * np.log(17))
    slope = dequantised_bound(lambda y: np.log(2 * y).sum(axis=1), X, 17, draws=4000)
    exact = np.log(((X + 1) ** 2 - X**2) / 17**2).sum(axis=1)
    assert (slope < exact + 1e-3).all()
    assert_array_equal(
        dequantised_bound(lambda y: y[:, 0], X, 17, 2, 5),
        dequantised_bound(lambda y: y[:, 0], X, 17, 2, 5),
    )


def test_the_targets_of_the_baselines_are_met():
    """Multiples of the distance of the halves, 1.77, beside the prototype's, of 1.86."""
    table = load_digit_baselines().table
    for name, measured in (
        ("uniform noise", 827),
        ("independent pixels", 365),
        ("Gaussian", 176),
        ("copies, noise 0.15", 7.0),
    ):
        assert abs(table[name]["fd"] / 1.772 - measured / 1.86) < 0.12 * measured / 1.86, name
    for name, nats in (
        ("uniform noise", 181.3),
        ("independent pixels", 108.0),
        ("Gaussian", 132.1),
        ("principal components, 20", 152),
        ("copies, noise 0.15", 152.7),
    ):
        assert abs(table[name]["nats"] - nats) < 0.01 * nats, name
    assert table["pixel mixture, 80"]["nats"] < 94
    assert table["copies, noise 0.15"]["memorisation"] > 0.999


def test_the_pixel_mixture_of_the_table_can_be_fitted_again():
    digits = load_digits()
    fitted = fit_pixel_mixture(digits.train, 17, 80, width=1.7)
    nats = load_digit_baselines().table["pixel mixture, 80"]["nats"]
    assert_allclose(-fitted.log_prob(digits.test).mean(), nats, atol=0.3)


TWO = [[0, 1], [2, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dequantise([[3]], 3), "X must hold integers from 0 to 2"),
        (lambda: dequantise([[0.5]], 3), "X must hold integers from 0 to 2"),
        (lambda: dequantise(TWO, 1), "levels must be an integer of at least 2"),
        (lambda: dequantised_bound(np.sum, TWO, 3, draws=0), "draws must be an integer of at"),
        (lambda: PixelMixture([1], [[1]]), "probabilities must have shape"),
        (lambda: PixelMixture([0.5], [[[1.0, 0]]]), "weights must not be negative and sum to one"),
        (lambda: PixelMixture([1], [[[2.0, -1]]]), "probabilities must not be negative"),
        (lambda: MIXTURE.log_prob(TWO), "X must have 4 columns, got 2"),
        (lambda: MIXTURE.sample(0), "n must be an integer of at least 1"),
        (lambda: fit_pixel_mixture(TWO, 3, 3), "X has 2 samples, but 3 components need as many"),
        (lambda: fit_pixel_mixture(TWO, 3, width=-1), "width must be a positive number"),
        (lambda: fit_pixel_mixture(TWO, 3, pseudo_count=0), "pseudo_count must be a positive"),
        (lambda: fit_pixel_mixture(TWO, 3, iterations=0), "iterations must be an integer"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
