"""Initial scales, dropout, normalisation, clipping and the range test."""

import numpy as np
import pytest
from dlmath import activations, training
from dlmath.networks import FeedForwardNetwork
from numpy.testing import assert_allclose
from scipy import integrate, stats


@pytest.mark.parametrize("name", sorted(activations.ACTIVATIONS))
@pytest.mark.parametrize("q", [0.0, 2.0])
def test_the_maps_are_the_integrals(name, q):
    """Adaptive quadrature of both integrals, cut at the kink."""
    sigma = activations.get(name)

    def mean_square(function):
        def integrand(g):
            return float(function(np.array([np.sqrt(q) * g]))[0]) ** 2 * stats.norm.pdf(g)

        parts = [integrate.quad(integrand, *ends, limit=200)[0] for ends in ((-12, 0), (0, 12))]
        return sum(parts)

    found = training.variance_map(name, q, weights=1.7, biases=0.2)
    assert_allclose(found, 1.7 * mean_square(sigma) + 0.2, rtol=1e-8)
    if q > 0:
        factor = training.gradient_factor(name, q, weights=0.6)
        assert_allclose(factor, 0.6 * mean_square(sigma.derivative), rtol=1e-8)


def test_maps_keep_the_shape_of_the_variances():
    q = np.array([[0.1, 1.0], [2.0, 3.0]])
    assert training.variance_map("tanh", q).shape == (2, 2)
    assert_allclose(training.variance_map("relu", q, weights=2.0), q, rtol=1e-12)
    assert_allclose(training.gradient_factor("relu", q, weights=2.0), 1, rtol=1e-12)


def test_profile_and_fixed_point():
    profile = training.variance_profile("tanh", 60, 0.2, weights=2.0)
    assert profile.shape == (60,)
    assert profile[0] == 0.2
    assert_allclose(profile[1:], training.variance_map("tanh", profile[:-1], weights=2.0))
    settled = training.fixed_point_variance("tanh", weights=2.0)
    assert_allclose(profile[-1], settled, rtol=1e-6)
    assert_allclose(training.variance_map("tanh", settled, weights=2.0), settled, rtol=1e-12)


def test_there_is_no_fixed_point_to_settle_at():
    with pytest.raises(ValueError, match="has not settled, it is"):
        training.fixed_point_variance("relu", weights=2.5)
    with pytest.raises(ValueError, match="has not settled"):
        training.fixed_point_variance("tanh", weights=1.0, steps=100)


def test_mask_has_two_values_the_rate_and_the_mean_one():
    mask = training.dropout_mask((400, 500), 0.3, np.random.default_rng(0))
    assert set(np.unique(mask)) == {0.0, 1 / 0.7}
    assert abs(np.mean(mask == 0) - 0.3) < 5 * np.sqrt(0.21 / mask.size)
    assert abs(mask.mean() - 1) < 5 * np.sqrt(0.3 / 0.7 / mask.size)
    assert (training.dropout_mask(7, 0.0, np.random.default_rng(0)) == 1).all()


def problem(seed=0):
    rng = np.random.default_rng(seed)
    return (
        3 + 2 * rng.normal(size=(7, 5)),
        rng.normal(size=5),
        rng.normal(size=5),
        rng.normal(size=(7, 5)),
    )


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_normalisation_is_torchs_forwards_and_backwards(kind, torch):
    Z, gain, shift, D = problem()
    forward, backward, theirs = {
        "batch": (
            training.batch_norm,
            training.batch_norm_backward,
            lambda z, g, b: torch.nn.functional.batch_norm(z, None, None, g, b, training=True),
        ),
        "layer": (
            training.layer_norm,
            training.layer_norm_backward,
            lambda z, g, b: torch.nn.functional.layer_norm(z, (5,), g, b),
        ),
    }[kind]
    output, state = forward(Z, gain, shift)
    leaves = [torch.tensor(v, requires_grad=True) for v in (Z, gain, shift)]
    their_output = theirs(*leaves)
    their_output.backward(torch.tensor(D))
    assert_allclose(output, their_output.detach().numpy(), rtol=1e-12, atol=1e-13)
    for ours, leaf in zip(backward(D, state), leaves, strict=True):
        assert_allclose(ours, leaf.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_the_state_has_the_statistics_of_the_batch():
    Z, gain, shift, _ = problem(1)
    _, state = training.batch_norm(Z, gain, shift)
    assert_allclose(state.mean, [Z.mean(axis=0)])
    assert_allclose(state.variance, [Z.var(axis=0)])
    assert_allclose(state.standard.std(axis=0), 1, rtol=1e-5)


def test_clipping_shortens_all_gradients_by_one_factor(torch):
    rng = np.random.default_rng(2)
    gradients = [rng.normal(size=shape) for shape in ((3, 4), (4,), (4, 1))]
    kept = [g.copy() for g in gradients]
    flat = np.concatenate([g.ravel() for g in gradients])
    clipped, norm = training.clip_gradients(gradients, 0.5)
    assert_allclose(norm, np.linalg.norm(flat))
    leaves = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for leaf, g in zip(leaves, gradients, strict=True):
        leaf.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(leaves, 0.5)
    for ours, leaf, before, g in zip(clipped, leaves, kept, gradients, strict=True):
        assert_allclose(ours, leaf.grad.numpy(), rtol=1e-5)
        assert (g == before).all()
    untouched, _ = training.clip_gradients(gradients, 100)
    for a, b in zip(untouched, gradients, strict=True):
        assert (a == b).all()
    assert training.clip_gradients([np.zeros(3)], 1.0)[1] == 0


def linear_problem(n=60):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 4))
    return FeedForwardNetwork([4, 1], seed=1), X, X @ rng.normal(size=(4, 1))


def test_the_range_test_walks_on_a_copy_and_ends_where_the_cost_explodes():
    network, X, Y = linear_problem()
    before = [p.copy() for p in network.parameters]
    found = training.learning_rate_range(network, X, Y, low=1e-4, high=100, steps=80)
    for p, q in zip(network.parameters, before, strict=True):
        assert (p == q).all()
    assert len(found.etas) == len(found.costs) < 80
    assert found.costs[-1] > 4 * found.costs[0]
    assert (found.costs[:-1] <= 4 * found.costs[0]).all()
    assert_allclose(found.etas[1:] / found.etas[:-1], (100 / 1e-4) ** (1 / 79))


def test_the_range_test_on_the_full_batch_is_gradient_descent():
    network, X, Y = linear_problem()
    found = training.learning_rate_range(network, X, Y, low=1e-3, high=1e-2, steps=5, batch_size=60)
    W, b = (p.copy() for p in network.parameters)
    for eta, cost in zip(found.etas, found.costs, strict=True):
        error = X @ W + b - Y
        assert_allclose(cost, np.mean(error**2), rtol=1e-12)
        W -= eta * 2 / 60 * X.T @ error
        b -= eta * 2 / 60 * error.sum(axis=0)


def ranged(**change):
    network, X, Y = linear_problem()
    given = {"network": network, "X": X, "Y": Y} | change
    return training.learning_rate_range(**given)


Z, GAIN, SHIFT, D = problem()
STATE = training.batch_norm(Z, GAIN, SHIFT)[1]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training.variance_map("tan", 1.0), "activation must be one of"),
        (lambda: training.variance_map("tanh", -1.0), "q must be finite and not negative"),
        (lambda: training.variance_map("tanh", np.nan), "q must be finite"),
        (lambda: training.variance_map("tanh", 1.0, weights=-1), "weights must be finite and at"),
        (lambda: training.variance_map("tanh", 1.0, biases="b"), "biases must be a number"),
        (lambda: training.gradient_factor("tanh", [-1.0]), "q must be finite and not negative"),
        (lambda: training.variance_profile("tanh", 0, 1.0), "depth must be an integer of at"),
        (lambda: training.variance_profile("tanh", 2.0, 1.0), "depth must be an integer"),
        (lambda: training.variance_profile("tanh", 2, -1.0), "q must be finite and at least 0"),
        (lambda: training.fixed_point_variance("tanh", weights=2, q=0), "q must be .* above 0"),
        (lambda: training.dropout_mask(3, 1.0, RNG), "rate must be below 1"),
        (lambda: training.dropout_mask(3, -0.1, RNG), "rate must be finite and at least 0"),
        (lambda: training.batch_norm(Z[0], GAIN, SHIFT), r"Z must be a matrix .* got shape \(5,\)"),
        (lambda: training.batch_norm(Z * np.inf, GAIN, SHIFT), "Z contains NaN or infinity"),
        (lambda: training.batch_norm(Z, GAIN[:4], SHIFT), "gain must be a finite vector with 5"),
        (lambda: training.layer_norm(Z, GAIN, SHIFT[:, None]), "shift must be a finite vector"),
        (lambda: training.batch_norm(Z, GAIN, SHIFT, epsilon=-1), "epsilon must be finite"),
        (
            lambda: training.batch_norm(Z[:1], GAIN, SHIFT, epsilon=0),
            "epsilon must be above 0 where all values",
        ),
        (lambda: training.batch_norm_backward(D[:, :3], STATE), "D must have 5 columns, got 3"),
        (lambda: training.batch_norm_backward(D[:3], STATE), r"D must have shape \(7, 5\)"),
        (lambda: training.clip_gradients([], 1.0), "gradients must not be empty"),
        (lambda: training.clip_gradients([np.ones(2)], 0.0), "largest must be finite and above 0"),
        (lambda: training.clip_gradients([[np.nan]], 1.0), "gradients must be finite, their norm"),
        (lambda: ranged(low=0.0), "low must be finite and above 0"),
        (lambda: ranged(low=1.0, high=0.5), "low must be below high"),
        (lambda: ranged(steps=1), "steps must be an integer of at least 2"),
        (lambda: ranged(batch_size=0), "batch_size must be an integer of at least 1"),
        (lambda: ranged(batch_size=61), "as many rows, at least 61"),
        (lambda: ranged(Y=np.ones((3, 1))), "X and Y must have as many rows"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
