"""Costs: by the definition, far out, and with outputs that do not belong to them."""

import numpy as np
import pytest
from dlmath import losses
from scipy import special


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_softmax_is_scipys(rng):
    Z = 40 * rng.standard_normal((6, 4))
    assert np.allclose(losses.softmax(Z), special.softmax(Z, axis=1), rtol=1e-13, atol=0)
    far = losses.softmax(np.array([[1e4, 0.0, -1e4]]))
    assert far.tolist() == [[1.0, 0.0, 0.0]]


def test_the_squared_error_sums_over_outputs_and_has_no_half(rng, torch):
    A, Y = rng.standard_normal((2, 7, 3))
    exact = sum((A[i, k] - Y[i, k]) ** 2 for i in range(7) for k in range(3)) / 7
    assert np.isclose(losses.mse(A, Y), exact, rtol=1e-14)
    theirs = torch.nn.functional.mse_loss(torch.tensor(A), torch.tensor(Y)).item()
    assert np.isclose(losses.mse(A, Y), 3 * theirs, rtol=1e-14)


def test_the_cross_entropies_are_those_of_the_probabilities(rng, torch):
    Z, classes = 3 * rng.standard_normal((8, 4)), rng.integers(0, 4, 8)
    P = special.softmax(Z, axis=1)
    exact = -np.mean([np.log(P[i, classes[i]]) for i in range(8)])
    assert np.isclose(losses.softmax_cross_entropy(Z, np.eye(4)[classes]), exact, rtol=1e-13)
    soft = rng.dirichlet(np.ones(4), 8)
    theirs = torch.nn.functional.cross_entropy(torch.tensor(Z), torch.tensor(soft)).item()
    assert np.isclose(losses.softmax_cross_entropy(Z, soft), theirs, rtol=1e-13)
    labels = rng.integers(0, 2, (8, 4)).astype(float)
    f = special.expit(Z)
    exact = -np.sum(labels * np.log(f) + (1 - labels) * np.log(1 - f)) / 8
    assert np.isclose(losses.sigmoid_cross_entropy(Z, labels), exact, rtol=1e-12)


def test_a_certain_and_wrong_prediction_costs_much_but_not_infinity():
    Z, Y = np.array([[800.0, -800.0]]), np.array([[0.0, 1.0]])
    assert losses.softmax_cross_entropy(Z, Y) == 1600
    assert losses.sigmoid_cross_entropy(Z, Y) == 1600


@pytest.mark.parametrize(
    ("cost", "output", "message"),
    [
        ("mae", "identity", "cost must be one of mse, cross_entropy, got 'mae'"),
        (None, "identity", "cost must be one of"),
        ("mse", "linear", "output must be one of identity, .*softmax, got 'linear'"),
        ("mse", "softmax", "output 'softmax' belongs to cost 'cross_entropy'"),
        ("cross_entropy", "identity", "needs probabilities.*not 'identity'"),
        ("cross_entropy", "tanh", "needs probabilities.*not 'tanh'"),
    ],
)
def test_a_cost_and_an_output_that_do_not_belong_together_are_refused(cost, output, message):
    with pytest.raises(ValueError, match=message):
        losses.get(cost, output)
