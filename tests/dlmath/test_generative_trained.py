"""What is needed, computed again from the weights of two models that are quick to judge."""

import numpy as np
from dlmath.aims import AIMS, measured
from dlmath.datasets import load_digits
from dlmath.densities import eight_gaussians
from dlmath.generative import load_trained
from numpy.testing import assert_allclose
from scipy.special import logsumexp


def needed(model, measure):
    [limit] = [a.must for a in AIMS if (a.model, a.measure, a.over) == (model, measure, "")]
    return limit


def test_a_small_machine_has_its_likelihood_with_every_state_summed():
    """All 2^20 states of the hidden units, ten of them at a time, in NumPy."""
    network = load_trained("rbm-digits-20").network_
    W, b, c = (x.detach().numpy().astype(float) for x in (network.W, network.b, network.c))
    W = W if W.shape == (64, 20) else W.T
    states = (np.arange(1024)[:, np.newaxis] >> np.arange(10)) & 1
    first, second = states @ W[:, :10].T + b, states @ W[:, 10:].T
    sums = [
        np.logaddexp(0, first + row).sum(axis=1) + states @ c[:10] + state @ c[10:]
        for row, state in zip(second, states, strict=True)
    ]
    black = (load_digits().test >= 8).astype(int)
    free = black @ b + np.logaddexp(0, black @ W + c).sum(axis=1)
    nats = logsumexp(sums) - free.mean()
    assert_allclose(nats, measured("rbm-digits-20")["nats"], atol=1e-4)
    assert nats <= needed("rbm-digits-20", "nats")


def test_splines_are_near_the_eight_gaussians():
    law = eight_gaussians()
    X = law.sample(5000, seed=21)
    gaps = law.log_prob(X) - load_trained("spline-eight").log_prob(X)
    error = gaps.std() / np.sqrt(len(X))
    assert_allclose(gaps.mean(), measured("spline-eight")["divergence"], atol=4 * error)
    assert gaps.mean() + 2 * error <= needed("spline-eight", "divergence")
