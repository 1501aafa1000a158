"""The numbered equations of the chapter on adaptive methods."""

import itertools

import numpy as np
import pytest
import sympy
import torch
from dlmath.linear import solve_ridge
from dlmath.optimizers import (
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    RMSprop,
    cosine,
    minimize,
    warm_up,
)
from scipy import linalg, optimize, signal

torch.set_num_threads(1)


def play(method, gradients, start=0.0, box=None):
    """Feed a sequence of gradients to a method; the places on the way, the start first."""
    x = np.full(np.shape(gradients[0]), float(start))
    path = [x.copy()]
    for g in gradients:
        method.step([x], [np.asarray(g, dtype=float)])
        if box is not None:
            np.clip(x, *box, out=x)
        path.append(x.copy())
    return np.array(path)


def play_torch(optimizer, gradients, start=0.0, **settings):
    """Play the same with an optimizer of torch."""
    leaf = torch.full(np.shape(gradients[0]), float(start), dtype=torch.float64)
    leaf.requires_grad_()
    method = optimizer([leaf], **settings)
    path = [leaf.detach().numpy().copy()]
    for g in gradients:
        leaf.grad = torch.tensor(np.asarray(g, dtype=float))
        method.step()
        path.append(leaf.detach().numpy().copy())
    return np.array(path)


def stream(K=60, p=3, seed=0):
    """Draw gradients that are neither centred nor alike."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(K, p)) + 0.3) * np.array([0.1, 1.0, 20.0])[:p]


def averaged(g, beta):
    """Filter the recursion of a running mean along the first axis."""
    return signal.lfilter([1 - beta], [1, -beta], g, axis=0)


# One rate and its unit; AdaGrad.


@pytest.mark.verifies(
    "eq-adaptive-methods-units", routes=("a descent in other units", "the one in the old units")
)
def test_the_rate_has_a_unit(verify):
    """With the rate in its own unit, descents in two systems of units visit the same places."""
    a, length, energy, eta = np.array([2.0, -1.0]), 7.0, 0.2, 0.05

    def gradient(x):
        return 4 * (x - a) ** 3 + x

    def elsewhere(rate):
        def translated(x):
            return energy / length * gradient(x / length)

        return minimize(translated, np.zeros(2), GradientDescent(rate), 12) / length

    here = minimize(gradient, np.zeros(2), GradientDescent(eta), 12)
    verify.agree(elsewhere(eta * length**2 / energy), here, rtol=1e-12, atol=1e-14)
    verify.refutes(elsewhere(eta * length / energy), here, why="unit of the parameter not squared")
    verify.refutes(elsewhere(eta * length**2), here, why="unit of the cost left out")
    verify.refutes(elsewhere(eta), here, why="a rate without a unit")


@pytest.mark.verifies(
    "eq-adaptive-methods-adagrad", routes=("torch.optim.Adagrad", "cumulative sums", "dlmath")
)
def test_adagrad(verify):
    """Torch, sums of squares and dlmath agree; constant gradients make steps of eta/sqrt(k)."""
    g, eta = stream(), 0.3
    path = play(AdaGrad(eta), g)
    verify.agree(path, play_torch(torch.optim.Adagrad, g, lr=eta), rtol=1e-12, atol=1e-14)
    steps = -eta * g / (np.sqrt(np.cumsum(g**2, axis=0)) + 1e-10)
    verify.agree(np.diff(path, axis=0), steps, rtol=1e-11, atol=1e-13)
    counts = np.arange(1, 61)[:, np.newaxis]
    mean = -eta * g / np.sqrt(np.cumsum(g**2, axis=0) / counts)
    verify.refutes(np.diff(path, axis=0), mean, why="mean for sum")
    verify.refutes(np.diff(path, axis=0), -steps, why="sign")
    verify.refutes(np.diff(path, axis=0), -eta * g / np.cumsum(g**2, axis=0), why="no root")
    late = -eta * g[1:] / np.sqrt(np.cumsum(g**2, axis=0)[:-1])
    padded = np.vstack([steps[:1], late])
    verify.refutes(np.diff(path, axis=0), padded, why="the newest square left out")
    level = -np.diff(play(AdaGrad(eta, 0.0), np.full((60, 1), 5.0)), axis=0)
    verify.agree(level, eta / np.sqrt(counts), rtol=1e-12)
    verify.refutes(level, eta / counts, why="1/k for 1/sqrt(k)")


# The regret.


def game(seed, eta):
    """Play AdaGrad on convex costs c (theta - b)^2 + d theta in a box; places and gradients."""
    rng, K, p = np.random.default_rng(seed), 80, 3
    c, b, d = rng.uniform(0, 2, (K, p)), rng.uniform(-1, 1, (K, p)), rng.normal(size=(K, p))
    method, theta = AdaGrad(eta, 0.0), np.full(p, 0.9)
    places, gradients = [theta.copy()], []
    for k in range(K):
        g = 2 * c[k] * (theta - b[k]) + d[k]
        method.step([theta], [g])
        np.clip(theta, -1, 1, out=theta)
        places.append(theta.copy())
        gradients.append(g)

    def costs(x):
        return np.sum(c * (x - b) ** 2 + d * x, axis=1)

    return np.array(places), np.array(gradients), costs


@pytest.mark.verifies(
    "eq-adaptive-methods-regret", routes=("cost by cost", "the best fixed choice in closed form")
)
def test_regret(verify):
    """For linear costs the largest regret over all fixed choices is a sum of absolute values."""
    G = stream(40, 2)
    theta = play(AdaGrad(0.5, 0.0), G, box=(-1, 1))
    corners = [np.array(corner) for corner in itertools.product([-1.0, 1.0], repeat=2)]
    paid = sum(g @ place for g, place in zip(G, theta[:-1], strict=True))
    worst = max(
        sum(g @ (place - c) for g, place in zip(G, theta[:-1], strict=True)) for c in corners
    )
    verify.agree(worst, paid + np.abs(G.sum(axis=0)).sum(), rtol=1e-12)
    verify.refutes(worst, paid, why="nothing to compare with")
    verify.refutes(worst, paid + np.abs(G).sum(), why="another choice in every round")
    after = np.sum(G * theta[1:])
    verify.refutes(worst, after + np.abs(G.sum(axis=0)).sum(), why="paid after the move")


@pytest.mark.verifies(
    "eq-adaptive-methods-projected",
    "eq-adaptive-methods-one-step",
    "eq-adaptive-methods-telescope",
    "eq-adaptive-methods-lemma",
    routes=("games in a box", "the bounds of the proof"),
)
def test_the_lemma_and_its_steps(verify):
    """Every line of the proof holds in games, with equality where there is no wall."""
    rng = np.random.default_rng(1)
    K, eta = 50, 0.7
    G = rng.normal(size=K) + 0.2
    a = np.sqrt(np.cumsum(G**2)) / eta
    theta = play(AdaGrad(eta, 0.0), G[:, np.newaxis], box=(-1, 1))[:, 0]
    clipped = [min(max(theta[k] - G[k] / a[k], -1.0), 1.0) for k in range(K)]
    verify.agree(theta[1:], clipped, rtol=1e-12)
    verify.refutes(theta[1:], theta[:-1] - G / a, why="no projection")
    verify.refutes(theta[1:], np.clip(theta[:-1] + G / a, -1, 1), why="sign")

    phi = -0.6
    free = play(AdaGrad(eta, 0.0), G[:, np.newaxis])[:, 0]
    square = (free - phi) ** 2
    cross = 2 * G / a * (free[:-1] - phi)
    verify.agree(square[1:], square[:-1] - cross + (G / a) ** 2, rtol=1e-11, atol=1e-13)
    verify.refutes(square[1:], square[:-1] + cross + (G / a) ** 2, why="sign of the cross term")
    verify.refutes(square[1:], square[:-1] - cross / 2 + (G / a) ** 2, why="factor 2")
    walled = (theta - phi) ** 2
    bound = walled[:-1] - 2 * G / a * (theta[:-1] - phi) + (G / a) ** 2
    verify.at_most(walled[1:], bound, atol=1e-12)
    verify.refutes(walled[1:], bound - (G / a) ** 2, why="without the square of the step")

    left = np.sum(G * (free[:-1] - phi))
    right = 0.5 * np.sum(a * (square[:-1] - square[1:])) + 0.5 * np.sum(G**2 / a)
    verify.agree(left, right, rtol=1e-11)
    verify.refutes(left, 2 * right, why="factor 2")
    verify.refutes(left, right - np.sum(G**2 / a), why="sign of the squares")

    for seed in range(5):
        places, gradients, costs = game(seed, eta)
        a = np.sqrt(np.cumsum(gradients**2, axis=0)) / eta
        best = [
            optimize.minimize_scalar(
                lambda x, j=j, costs=costs: np.sum(costs(np.eye(3)[j] * x)),
                bounds=(-1, 1),
                method="bounded",
            ).x
            for j in range(3)
        ]
        paid = sum(costs(place)[k] for k, place in enumerate(places[:-1]))
        regret = paid - np.sum(costs(np.array(best)))
        verify.at_most(regret, 0.5 * np.sum(4 * a[-1] + np.sum(gradients**2 / a, axis=0)))
    # One round from wall to wall, with the rate that makes the two terms equal, needs all of it.
    D, g = 2.0, 3.0
    verify.at_most(g * D, 0.5 * (D**2 * g / D + g**2 * D / g), atol=1e-12)
    verify.refutes(g * D, 0.25 * (D**2 * g / D + g**2 * D / g), why="factor 2 in the bound")
    verify.refutes(g * D, 0.5 * D**2 * g / D, why="without the second term")
    verify.refutes(g * D, 0.5 * (D * g / D + g**2 * D / g), why="side not squared")


@pytest.mark.verifies(
    "eq-adaptive-methods-adagrad-regret",
    "eq-adaptive-methods-adagrad-best",
    "eq-adaptive-methods-root-sum",
    routes=("games in a box", "the bound", "scipy's search"),
)
def test_adagrads_regret(verify):
    """Games stay within the bound, one round from wall to wall needs most of it."""
    rng = np.random.default_rng(2)
    for G in (stream(200), rng.choice([-1.0, 1.0], (200, 3)), np.abs(stream(50, seed=4))):
        for eta in (0.1, np.sqrt(2), 5.0):
            theta = play(AdaGrad(eta, 0.0), G, box=(-1, 1))
            regret = np.sum(G * theta[:-1]) + np.abs(G.sum(axis=0)).sum()
            norms = np.linalg.norm(G, axis=0).sum()
            verify.at_most(regret, (4 / (2 * eta) + eta) * norms)
    D, g = 4.0, 3.0
    eta = D / np.sqrt(2)
    regret = g * D
    verify.at_most(regret, (D**2 / (2 * eta) + eta) * g)
    verify.refutes(regret, (D**2 / (2 * eta) + eta) * g / 2, why="factor 2")
    verify.refutes(regret, D**2 / (2 * eta) * g, why="without the second term")
    verify.refutes(regret, (D / (2 * eta) + eta) * g, why="side not squared")
    search = optimize.minimize_scalar(lambda e: D**2 / (2 * e) + e, bounds=(0.1, 20))
    verify.agree(search.fun, np.sqrt(2) * D, rtol=1e-10)
    verify.refutes(search.fun, 2 * D, why="root of two")
    verify.agree(search.x, D / np.sqrt(2), rtol=1e-4)
    verify.refutes(search.x, D, why="a rate of one side")

    k = np.arange(1.0, 20_001)
    verify.at_most(np.sum(1 / np.sqrt(k)), 2 * np.sqrt(k[-1]))
    verify.refutes(np.sum(1 / np.sqrt(k)), 1.95 * np.sqrt(k[-1]), why="a smaller factor than 2")
    squares = np.cumsum(stream(300) ** 2, axis=0)
    verify.at_most(np.sum(stream(300) ** 2 / np.sqrt(squares), axis=0), 2 * np.sqrt(squares[-1]))
    verify.refutes(
        np.sum(stream(300) ** 2 / np.sqrt(squares), axis=0), np.sqrt(squares[-1]), why="factor 2"
    )


@pytest.mark.verifies(
    "eq-adaptive-methods-compare", routes=("the best rates in hindsight, by search", "the norms")
)
def test_one_rate_and_separate_rates(verify):
    """Scipy finds the best rates for the lemma's bound; their order is that of the norms."""
    G, D, p = np.array([3.0, 0.2, 0.02, 1.0]), 2.0, 4

    def bound(a):
        return 0.5 * np.sum(D**2 * a + G**2 / a)

    separate = optimize.minimize(
        lambda t: bound(np.exp(t)), np.zeros(p), options={"gtol": 1e-10}
    ).fun
    common = optimize.minimize_scalar(lambda t: bound(np.exp(t) * np.ones(p)), tol=1e-14).fun
    verify.agree([separate, common], D * np.array([G.sum(), 2 * np.linalg.norm(G)]), rtol=1e-9)
    verify.refutes(
        [separate, common], D * np.array([G.sum(), 4 * np.linalg.norm(G)]), why="p for its root"
    )
    verify.refutes(
        [separate, common], D * np.array([np.linalg.norm(G), G.sum()]), why="norms exchanged"
    )
    verify.at_most([D * np.linalg.norm(G), separate], [separate, common])
    verify.refutes([common, separate], [separate, common], why="order reversed")


# RMSprop and Adam.


@pytest.mark.verifies(
    "eq-adaptive-methods-rmsprop", routes=("torch.optim.RMSprop", "a linear filter", "dlmath")
)
def test_rmsprop(verify):
    """Torch, scipy's filter of the squares and dlmath make the same steps."""
    g, eta, rho = stream(), 0.01, 0.9
    path = play(RMSprop(eta, rho), g)
    theirs = play_torch(torch.optim.RMSprop, g, lr=eta, alpha=rho)
    verify.agree(path, theirs, rtol=1e-12, atol=1e-14)
    v = averaged(g**2, rho)
    steps = -eta * g / (np.sqrt(v) + 1e-8)
    verify.agree(np.diff(path, axis=0), steps, rtol=1e-11, atol=1e-13)
    verify.refutes(np.diff(path, axis=0), -steps, why="sign")
    other = -eta * g / (np.sqrt(averaged(g**2, 1 - rho)) + 1e-8)
    verify.refutes(np.diff(path, axis=0), other, why="weights exchanged")
    counts = np.arange(1, 61)[:, np.newaxis]
    corrected = steps * np.sqrt(1 - rho**counts)
    verify.refutes(np.diff(path, axis=0), corrected, why="corrected for the start")


@pytest.mark.verifies(
    "eq-adaptive-methods-adam",
    "eq-adaptive-methods-weights",
    "eq-adaptive-methods-correction",
    routes=("torch.optim.Adam", "a linear filter", "sums with weights", "dlmath"),
)
def test_adam(verify):
    """Torch, scipy's filter and sums with explicit weights give dlmath's steps."""
    g, eta, b1, b2 = stream(), 0.02, 0.8, 0.95
    path = play(Adam(eta, b1, b2), g)
    theirs = play_torch(torch.optim.Adam, g, lr=eta, betas=(b1, b2))
    verify.agree(path, theirs, rtol=1e-11, atol=1e-13)
    k = np.arange(1, 61)[:, np.newaxis]
    m, v = averaged(g, b1), averaged(g**2, b2)
    ages = np.subtract.outer(np.arange(60), np.arange(60))
    weights = np.where(ages >= 0, (1 - b1) * b1 ** np.maximum(ages, 0), 0)
    verify.agree(m, weights @ g, rtol=1e-11, atol=1e-13)
    verify.refutes(m, weights @ g / (1 - b1), why="factor 1 - beta missing")
    verify.refutes(m, weights.T @ g, why="the youngest gradients forgotten first")
    verify.agree(weights.sum(axis=1), 1 - b1 ** k[:, 0], rtol=1e-12)
    verify.refutes(weights.sum(axis=1), 1 - b1 ** (k[:, 0] - 1), why="steps counted from zero")
    verify.refutes(weights.sum(axis=1), np.ones(60), why="weights that add up to one")

    steps = -eta * m / (1 - b1**k) / (np.sqrt(v / (1 - b2**k)) + 1e-8)
    found = np.diff(path, axis=0)
    verify.agree(found, steps, rtol=1e-10, atol=1e-13)
    verify.refutes(found, -steps, why="sign")
    verify.refutes(found, -eta * m / (np.sqrt(v) + 1e-8), why="no correction")
    half = -eta * m / (np.sqrt(v / (1 - b2**k)) + 1e-8)
    verify.refutes(found, half, why="only v corrected")
    squared = -eta * m / (1 - b1**k) / (v / (1 - b2**k) + 1e-8)
    verify.refutes(found, squared, why="no root")
    exchanged = -eta * averaged(g, b2) / (1 - b2**k) / np.sqrt(averaged(g**2, b1) / (1 - b1**k))
    verify.refutes(found, exchanged, why="the two betas exchanged")


@pytest.mark.verifies(
    "eq-adaptive-methods-moments",
    "eq-adaptive-methods-variance",
    routes=("enumeration of all sequences", "the formula"),
)
def test_moments_of_the_running_means(verify):
    """Exact means and variances over all sequences of five gradients with three values."""
    values, chances = np.array([-1.0, 0.5, 3.0]), np.array([0.5, 0.3, 0.2])
    k, b1, b2 = 5, 0.7, 0.9
    sequences = np.array(list(itertools.product(range(3), repeat=k)))
    weight = chances[sequences].prod(axis=1)
    g = values[sequences].T
    m, v = averaged(g, b1)[-1], averaged(g**2, b2)[-1]
    mean, square = chances @ values, chances @ values**2
    found = np.array([weight @ m, weight @ v])
    verify.agree(found, [(1 - b1**k) * mean, (1 - b2**k) * square], rtol=1e-13)
    verify.refutes(found, [mean, square], why="no correction needed")
    verify.refutes(found, [(1 - b1) * mean, (1 - b2) * square], why="power k missing")
    verify.refutes(found, [(1 - b1**k) * mean, (1 - b2**k) * mean**2], why="square of the mean")
    spread = square - mean**2
    variance = weight @ (m / (1 - b1**k) - mean) ** 2
    formula = spread * (1 - b1) / (1 + b1) * (1 + b1**k) / (1 - b1**k)
    verify.agree(variance, formula, rtol=1e-12)
    verify.refutes(variance, spread * (1 - b1) / (1 + b1), why="the limit of many steps")
    verify.refutes(variance, spread * (1 - b1), why="factor 1 + beta")
    verify.refutes(variance, formula * (1 - b1**k) ** 2, why="variance of the uncorrected mean")
    verify.refutes(variance, spread / k, why="equal weights")


@pytest.mark.verifies(
    "eq-adaptive-methods-lag", routes=("sympy, step by step", "a linear filter", "the formula")
)
def test_the_lag_behind_a_drift(verify):
    """A recursion in symbols and a filter of a ramp are late by the mean age of the gradients."""
    beta, mu, delta = sympy.symbols("beta mu delta", positive=True)
    m = sympy.Integer(0)
    for i in range(1, 6):
        m = beta * m + (1 - beta) * (mu + delta * i)
    lag = (mu + 5 * delta - m / (1 - beta**5)) / delta
    formula = beta / (1 - beta) - 5 * beta**5 / (1 - beta**5)
    verify.identical(lag, formula)
    verify.refutes(lag, beta / (1 - beta), why="the limit of many steps")
    verify.refutes(lag, 1 / (1 - beta) - 5 * beta**5 / (1 - beta**5), why="ages counted from one")
    k, b = np.arange(1.0, 41), 0.85
    corrected = averaged(2 - 0.3 * k, b) / (1 - b**k)
    ell = b / (1 - b) - k * b**k / (1 - b**k)
    verify.agree(corrected, 2 - 0.3 * k + 0.3 * ell, rtol=1e-11, atol=1e-12)
    verify.refutes(corrected, 2 - 0.3 * k - 0.3 * ell, why="ahead for behind")


# The length of a step.


@pytest.mark.verifies(
    "eq-adaptive-methods-sign", routes=("dlmath.optimizers.Adam", "numpy.sign", "torch.optim.Adam")
)
def test_sign_descent(verify):
    """Adam without memory and epsilon makes steps of one length."""
    g = stream()
    path = play(Adam(0.1, 0.0, 0.0, 0.0), g)
    verify.agree(np.diff(path, axis=0), -0.1 * np.sign(g), atol=1e-14)
    verify.refutes(np.diff(path, axis=0), 0.1 * np.sign(g), why="sign")
    verify.refutes(np.diff(path, axis=0), -0.1 * g, why="the gradient itself")
    theirs = play_torch(torch.optim.Adam, g, lr=0.1, betas=(0.0, 0.0), eps=0.0)
    verify.agree(path, theirs, atol=1e-13)
    verify.refutes(path, 2 * theirs, why="factor 2")


@pytest.mark.verifies(
    "eq-adaptive-methods-signal", routes=("simulation of Adam", "signal over signal and noise")
)
def test_signal_and_noise(verify):
    """Mean steps of a thousand Adams with long memories; the error bar is below one per cent."""
    rng = np.random.default_rng(3)
    mu, s = np.array([[0.3], [2.0]]), 1.5
    method, x = Adam(1.0, 0.99, 0.999), np.zeros((2, 1000))
    before = None
    for k in range(3000):
        method.step([x], [mu + s * rng.standard_normal((2, 1000))])
        if k == 999:
            before = x.copy()
    mean = (x - before).mean(axis=1) / 2000
    mu = mu[:, 0]
    verify.agree(mean, -mu / np.sqrt(mu**2 + s**2), rtol=0.02)
    verify.refutes(mean, mu / np.sqrt(mu**2 + s**2), why="sign")
    verify.refutes(mean, -mu / s, why="noise alone below")
    verify.refutes(mean, -mu / (mu + s), why="sizes added without squares")
    verify.refutes(mean, -(mu**2) / (mu**2 + s**2), why="squared")


def largest_ratio(k, b1, b2):
    """Maximise m/sqrt(v) over all gradients: the root of a generalised eigenvalue."""
    ages = np.arange(k)[::-1]
    top, below = (1 - b1) * b1**ages / (1 - b1**k), (1 - b2) * b2**ages / (1 - b2**k)
    value, vector = linalg.eigh(np.outer(top, top), np.diag(below), subset_by_index=[k - 1, k - 1])
    return np.sqrt(value[0]), vector[:, 0] / vector[-1, 0]


@pytest.mark.verifies(
    "eq-adaptive-methods-largest",
    "eq-adaptive-methods-longest",
    "eq-adaptive-methods-cauchy",
    routes=("a generalised eigenvalue", "the formula", "dlmath's Adam on the extreme gradients"),
)
def test_the_longest_step(verify):
    """The largest eigenvalue of m^2 against v is the bound, and its vector grows geometrically."""
    for k, b1, b2 in ((1, 0.9, 0.999), (7, 0.9, 0.999), (30, 0.6, 0.9), (5, 0.9, 0.5)):
        found, g = largest_ratio(k, b1, b2)
        series = np.sum((b1**2 / b2) ** np.arange(k))
        factor = (1 - b1) / (1 - b1**k)
        verify.agree(found, factor * np.sqrt((1 - b2**k) / (1 - b2) * series), rtol=1e-10)
        if k > 1:
            verify.refutes(found, (1 - b1) / np.sqrt(1 - b2), why="after silence")
            wrong = (1 - b1) * np.sqrt(series / (1 - b2))
            verify.refutes(found, wrong, why="without correction")
            wrong = factor * np.sqrt((1 - b2**k) / (1 - b2) * (series - 1))
            verify.refutes(found, wrong, why="one term of the series missing")
            path = play(Adam(1.0, b1, b2, 0.0), g[:, np.newaxis])
            verify.agree(-np.diff(path[:, 0])[-1], found, rtol=1e-9)
            verify.refutes(np.diff(path[:, 0])[-1], found, why="sign")
            verify.agree(g, (b2 / b1) ** np.arange(1.0 - k, 1), rtol=1e-9)
            verify.refutes(g, (b1 / b2) ** np.arange(1.0 - k, 1), why="falling for growing")
    rng = np.random.default_rng(4)
    ages, b1, b2 = np.arange(12)[::-1], 0.9, 0.95
    G = rng.normal(size=(200, 12)) * 10.0 ** rng.uniform(-3, 3, (200, 12))
    G[-1] = (b2 / b1) ** np.arange(12)
    left = (G @ b1**ages) ** 2
    right = np.sum((b1**2 / b2) ** ages) * (G**2 @ b2**ages)
    verify.at_most(left / right, np.ones(200), atol=1e-12)
    verify.refutes(left / right, np.full(200, 0.99), why="a smaller bound")
    verify.refutes(left / (right / 2), np.ones(200), why="factor 2")
    b1, b2 = 0.9, 0.99
    late, _ = largest_ratio(2000, b1, b2)
    limit = (1 - b1) / np.sqrt((1 - b2) * (1 - b1**2 / b2))
    verify.agree(late, limit, rtol=1e-7)
    verify.refutes(late, (1 - b1) / np.sqrt(1 - b2), why="a single gradient after silence")
    verify.refutes(late, (1 - b1) / np.sqrt((1 - b2) * (1 - b1**2)), why="division by beta 2")
    verify.refutes(late, limit**2, why="root")


@pytest.mark.verifies(
    "eq-adaptive-methods-diagonal", routes=("the bowl of condition number one", "elongated bowls")
)
def test_no_condition_number_along_the_axes(verify):
    """With an epsilon of zero all four methods take the path of the round bowl."""
    start, nu = np.array([1.0, -0.7, 0.4]), np.array([1.0, 300.0, 1e5])
    turn = linalg.expm(np.array([[0, 1, 2], [-1, 0, 0.5], [-2, -0.5, 0]]))
    for method in (
        AdaGrad(0.2, 0.0),
        RMSprop(0.01, 0.9, 0.0),
        Adam(0.03, epsilon=0.0),
        AMSGrad(0.03, epsilon=0.0),
    ):
        paths = []
        for curvature in (np.ones(3), nu):
            method.reset()
            paths.append(minimize(lambda x, h=curvature: h * x, start, method, 40))
        verify.agree(paths[1], paths[0], rtol=1e-9, atol=1e-10)
        method.reset()
        H = turn @ np.diag(nu) @ turn.T
        turned = minimize(lambda x, H=H: H @ x, turn @ start, method, 40) @ turn
        verify.refutes(turned, paths[0], why="a turned bowl")
        plain = minimize(lambda x: nu * x, start, GradientDescent(1e-5), 40)
        verify.refutes(plain, paths[0], why="gradient descent")


# The counterexample, and its repair.


def reddi(c, method, blocks, start=1.0):
    """Play the periodic costs on [-1, 1]."""
    return play(method, [[c], [-1.0], [-1.0]] * blocks, start, box=(-1, 1))[:, 0]


@pytest.mark.verifies(
    "eq-adaptive-methods-period",
    "eq-adaptive-methods-drift",
    "eq-adaptive-methods-two-steps",
    "eq-adaptive-methods-linear-regret",
    routes=("dlmath.optimizers.Adam", "the bounds of the theorem", "AMSGrad for comparison"),
)
def test_adam_walks_to_the_worst_point(verify):
    """In every block Adam gains as much as the theorem says, and its regret grows linearly."""
    c = 3.0
    total = optimize.minimize_scalar(lambda x: c * x - x - x, bounds=(-1, 1), method="bounded")
    verify.agree(total.x, -1.0, atol=1e-4)
    verify.refutes(-total.x, -1.0, why="sign")
    for c, correct, schedule in itertools.product(
        (2.1, 3.0, 20.0), (True, False), (lambda k: 0.02, lambda k: 0.1 / np.sqrt(k + 2))
    ):
        b2 = 1 / (1 + c**2)
        path = reddi(c, Adam(schedule, 0.0, b2, 0.0, bias_correction=correct), 40, start=-0.9)
        eta = np.array([schedule(k) for k in range(120)]).reshape(-1, 3)
        gain = ((eta[:, 1] + eta[:, 2]) / np.sqrt(2) - eta[:, 0]) / np.sqrt(1 - b2)
        before, after = path[0:-1:3], path[3::3]
        verify.at_most(np.minimum(1, before + gain), after, atol=1e-12)
        greedy = (eta[:, 1] + eta[:, 2] - eta[:, 0]) / np.sqrt(1 - b2)
        verify.refutes(np.minimum(1, before + greedy), after, why="root of two left out")
        squares = np.tile([c**2, 1.0, 1.0], 40)
        k = np.arange(1, 121)
        v = averaged(squares, b2) / (1 - b2**k if correct else 1)
        small = v[squares == 1]
        verify.at_most(small, np.full(80, 2 * (1 - b2)))
        verify.refutes(small, np.full(80, 1 - b2), why="factor 2")
        home = reddi(c, Adam(schedule, 0.0, b2, 0.0, bias_correction=correct), 40)
        verify.agree(home[::3], np.ones(41), atol=1e-14)
        verify.refutes(-home[::3], np.ones(41), why="the other end")
    gentle = {"beta1": 0.0, "beta2": 0.1, "epsilon": 0.0, "bias_correction": False}
    costs = np.tile([3.0, -1.0, -1.0], 200)
    regrets = [
        np.cumsum(costs * (reddi(3.0, method(1e-3, **gentle), 200)[:-1] + 1))[2::3]
        for method in (Adam, AMSGrad)
    ]
    least = 2.0 * np.arange(1, 201)
    verify.at_most(least, regrets[0], atol=1e-10)
    verify.refutes(1.1 * least, regrets[0], why="a larger bound")
    verify.refutes(least, regrets[1], why="AMSGrad, which escapes")


@pytest.mark.verifies(
    "eq-adaptive-methods-amsgrad", routes=("torch with amsgrad", "a running maximum", "dlmath")
)
def test_amsgrad(verify):
    """The running maximum of a filter gives dlmath's steps; torch's are those with correction."""
    g = stream() * np.linspace(2, 0.2, 60)[:, np.newaxis]
    eta, b1, b2 = 0.02, 0.8, 0.9
    found = np.diff(play(AMSGrad(eta, b1, b2, bias_correction=False), g), axis=0)
    m, v = averaged(g, b1), averaged(g**2, b2)
    steps = -eta * m / (np.sqrt(np.maximum.accumulate(v)) + 1e-8)
    verify.agree(found, steps, rtol=1e-11, atol=1e-13)
    verify.refutes(found, -eta * m / (np.sqrt(v) + 1e-8), why="Adam")
    verify.refutes(found, -steps, why="sign")
    least = -eta * m / (np.sqrt(np.minimum.accumulate(v)) + 1e-8)
    verify.refutes(found, least, why="least for largest")
    path = play(AMSGrad(eta, b1, b2), g)
    theirs = play_torch(torch.optim.Adam, g, lr=eta, betas=(b1, b2), amsgrad=True)
    verify.agree(path, theirs, rtol=1e-11, atol=1e-13)
    verify.refutes(path, play(Adam(eta, b1, b2), g), why="without the maximum")


@pytest.mark.verifies("eq-adaptive-methods-amsgrad-regret", routes=("games in a box", "the bound"))
def test_amsgrads_regret(verify):
    """Games stay within the bound, and one round from wall to wall needs most of it."""

    def bound(largest, D, eta, b2, K):
        return np.sqrt(K) * np.sum(largest) * (D**2 / (2 * eta) + eta / np.sqrt(1 - b2))

    for G in (stream(300), np.array([[3.0], [-1.0], [-1.0]] * 100)):
        for eta, b2 in ((0.1, 0.1), (2.0, 0.9)):
            method = AMSGrad(
                lambda k, eta=eta: eta / np.sqrt(k + 1), 0.0, b2, 0.0, bias_correction=False
            )
            theta = play(method, G, box=(-1, 1))
            regret = np.sum(G * theta[:-1]) + np.abs(G.sum(axis=0)).sum()
            verify.at_most(regret, bound(np.abs(G).max(axis=0), 2.0, eta, b2, 300))
    D, g, b2 = 4.0, 3.0, 0.01
    eta = D / np.sqrt(2)
    regret = g * D
    verify.at_most(regret, bound(g, D, eta, b2, 1))
    verify.refutes(regret, bound(g, D, eta, b2, 1) / 2, why="factor 2")
    verify.refutes(regret, g * D**2 / (2 * eta), why="without the second term")
    verify.refutes(regret, g * (D / (2 * eta) + eta), why="side not squared")


# Decay.


@pytest.mark.verifies(
    "eq-adaptive-methods-pull", routes=("the mean step with and without a penalty", "the formula")
)
def test_the_pull_of_a_penalty_inside_adam(verify):
    """The same noise with and without the penalty at a fixed theta: the difference of the steps."""
    rng = np.random.default_rng(5)
    theta, lam, eta = 0.4, 0.05, 1e-2
    sizes = np.array([[0.5], [2.0], [8.0]])
    noise = sizes * rng.standard_normal((2000, 3, 200))
    moved = [
        play(Adam(eta, 0.9, 0.999), noise + pull).mean(axis=2) for pull in (0, 2 * lam * theta)
    ]
    difference = moved[0] - moved[1]
    found = (difference[-1] - difference[1000]) / 1000
    root = sizes[:, 0]
    verify.agree(found, eta * 2 * lam * theta / root, rtol=0.02)
    verify.refutes(found, eta * lam * theta / root, why="factor 2")
    verify.refutes(found, eta * 2 * lam * theta * np.ones(3), why="the same for all")
    verify.refutes(found, eta * 2 * lam * theta / root**2, why="root")
    verify.refutes(found, -eta * 2 * lam * theta / root, why="sign")


@pytest.mark.verifies(
    "eq-adaptive-methods-adamw", routes=("torch.optim.AdamW", "decay, then Adam's step", "dlmath")
)
def test_adamw(verify):
    """Torch, and a decay before each step of Adam, take dlmath's path."""
    g, eta, w = stream(), 0.02, 0.5
    path = play(AdamW(eta, weight_decay=w), g, start=2.0)
    theirs = play_torch(torch.optim.AdamW, g, start=2.0, lr=eta, weight_decay=w)
    verify.agree(path, theirs, rtol=1e-12, atol=1e-14)
    inside = play_torch(torch.optim.Adam, g, start=2.0, lr=eta, weight_decay=w)
    verify.refutes(path, inside, why="the penalty in the gradient")

    def by_hand(factor):
        steps = np.diff(play(Adam(eta), g), axis=0)
        x = [np.full(3, 2.0)]
        for step in steps:
            x.append(factor * x[-1] + step)
        return np.array(x)

    verify.agree(path, by_hand(1 - eta * w), rtol=1e-11, atol=1e-13)
    verify.refutes(path, by_hand(1 - w), why="decay without the rate")
    verify.refutes(path, by_hand(1 - 2 * eta * w), why="factor 2")
    verify.refutes(path, by_hand(1 + eta * w), why="sign")


@pytest.mark.verifies(
    "eq-adaptive-methods-ridge-rest", routes=("Adam on the penalised cost", "ridge regression")
)
def test_a_penalty_inside_adam_has_the_ridge_minimum(verify):
    """Adam with 2 lambda theta in the gradient ends at the solution of the normal equations."""
    rng = np.random.default_rng(6)
    X, y, lam, w = rng.normal(size=(30, 3)) * [1, 3, 0.3], rng.normal(size=30) * 3, 0.2, 0.4

    def gradient(x):
        return 2 / 30 * X.T @ (X @ x - y)

    ends = minimize(lambda x: gradient(x) + 2 * lam * x, np.ones(3), Adam(cosine(0.1, 4000)), 4000)
    verify.agree(ends[-1], solve_ridge(X, y, lam), atol=1e-12)
    verify.refutes(ends[-1], solve_ridge(X, y, lam / 2), why="factor 2")
    verify.refutes(ends[-1], solve_ridge(X, y, 30 * lam), why="factor n")
    outside = minimize(gradient, np.ones(3), AdamW(cosine(0.1, 4000), weight_decay=w), 4000)
    verify.refutes(outside[-1], solve_ridge(X, y, lam), why="AdamW")


@pytest.mark.verifies(
    "eq-adaptive-methods-rest",
    "eq-adaptive-methods-barrier",
    routes=("AdamW", "a root of the condition", "a search for the minimum with the barrier"),
)
def test_where_adamw_rests(verify):
    """With an epsilon that can be seen AdamW, scipy's root and scipy's minimum agree."""
    h, a = np.array([1.0, 2.0, 0.5, 3.0]), np.array([0.3, -0.9, 4.0, 1.5])
    w, epsilon = 0.8, 0.3
    method = AdamW(0.02, 0.9, 0.9, epsilon, weight_decay=w)
    found = minimize(lambda x: h * (x - a), np.zeros(4), method, 6000)[-1]

    def root(condition, wall=1.2499):
        return np.array(
            [
                np.sign(b) * optimize.brentq(condition, 0, wall, args=(k, abs(b)))
                for k, b in zip(h, a, strict=True)
            ]
        )

    right = root(lambda t, k, b: k * (t - b) + epsilon * w * t / (1 - w * t))
    verify.agree(found, right, atol=1e-11)
    verify.refutes(-found, right, why="sign")
    verify.refutes(found, h * a / (h + w), why="ridge")
    verify.refutes(found, np.clip(a, -1 / w, 1 / w), why="no epsilon")
    wrong = root(lambda t, k, b: k * (t - b) + epsilon * w * t, wall=5)
    verify.refutes(found, wrong, why="no wall")

    def cost(x, k, b):
        return k * (x - b) ** 2 / 2 + epsilon * (-x - np.log(1 - w * x) / w)

    best = [
        np.sign(b)
        * optimize.minimize_scalar(
            cost, args=(k, abs(b)), bounds=(0, 1.2499), method="bounded", options={"xatol": 1e-9}
        ).x
        for k, b in zip(h, a, strict=True)
    ]
    verify.agree(found, best, atol=1e-5)
    x = sympy.symbols("x", positive=True)
    rate = sympy.Rational(4, 5)
    slope = sympy.diff(-x - sympy.log(1 - rate * x) / rate, x)
    verify.identical(slope, rate * x / (1 - rate * x))
    verify.refutes(slope, rate * x, why="a ridge penalty")
    verify.refutes(slope, rate * x / (1 + rate * x), why="sign in the denominator")


@pytest.mark.verifies(
    "eq-adaptive-methods-noisy-rest", routes=("simulation of AdamW", "a root of the condition")
)
def test_where_adamw_rests_in_noise(verify):
    """Means over two thousand copies and the last thousand steps; the error is below 0.005."""
    rng = np.random.default_rng(7)
    s, w = np.array([[0.3], [1.0], [3.0]]), 0.6
    x, method, total = np.ones((3, 400)), AdamW(cosine(8e-3, 4000, 1e-3), weight_decay=w), 0.0
    for k in range(4000):
        method.step([x], [x - 1 + s * rng.standard_normal(x.shape)])
        total = total + x.mean(axis=1) * (k >= 3000)
    found = total / 1000
    s = s[:, 0]

    def roots(condition):
        return [optimize.brentq(lambda t, b=b: condition(t, b), 0, 1) for b in s]

    right = roots(lambda t, b: t - 1 + b * w * t / np.sqrt(1 - (w * t) ** 2))
    verify.agree(found, right, atol=5e-3)
    verify.refutes(found, 1 / (1 + w) * np.ones(3), why="ridge")
    verify.refutes(found, 1 / (1 + s * w), why="the approximation for small decay")
    wrong = roots(lambda t, b: t - 1 + b**2 * w * t / np.sqrt(1 - (w * t) ** 2))
    verify.refutes(found, wrong, why="noise squared")
    wrong = roots(lambda t, b: t - 1 + 2 * b * w * t / np.sqrt(1 - (w * t) ** 2 / 4))
    verify.refutes(found, wrong, why="factor 2")
    first = roots(lambda t, b: (t - 1) / np.sqrt((t - 1) ** 2 + b**2) + w * t)
    verify.agree(first, right, rtol=1e-9)
    wrong = roots(lambda t, b: (t - 1) / np.sqrt((t - 1) ** 2 + b**2) + w * t / 2)
    verify.refutes(wrong, right, why="half the decay")


# Schedules, and what goes wrong.


@pytest.mark.verifies(
    "eq-adaptive-methods-noise-ball", routes=("simulation of Adam", "gradient descent's variance")
)
def test_the_cloud_around_a_minimum(verify):
    """The variance of four thousand copies over a hundred places in time; it is off by 3 %."""
    rng = np.random.default_rng(8)
    h, s, eta = np.array([[1.0], [3.0]]), 2.0, 0.01
    x, method, squares = np.zeros((2, 2000)), Adam(eta), []
    for k in range(2500):
        method.step([x], [h * x + s * rng.standard_normal(x.shape)])
        if k >= 1500 and k % 20 == 0:
            squares.append(np.mean(x**2, axis=1))
    found = np.mean(squares, axis=0)
    h = h[:, 0]
    verify.agree(found, eta * s / (2 * h), rtol=0.05)
    verify.refutes(found, eta * s / h, why="factor 2")
    verify.refutes(found, eta * s**2 / (2 * h), why="noise squared")
    verify.refutes(found, eta * s / (2 * h**2), why="curvature squared")


@pytest.mark.verifies(
    "eq-adaptive-methods-schedule",
    routes=("torch's schedulers", "dlmath.optimizers", "the formula"),
)
def test_cosine_with_warm_up(verify):
    """Torch's cosine times torch's linear rise, dlmath's schedule and the formula agree."""
    eta, K, W = 0.3, 40, 8
    k = np.arange(1, K + 1)

    def rates(scheduler, **settings):
        method = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        rule, found = scheduler(method, **settings), []
        for _ in k:
            found.append(method.param_groups[0]["lr"])
            method.step()
            rule.step()
        return np.array(found)

    lr = torch.optim.lr_scheduler
    theirs = eta * rates(lr.CosineAnnealingLR, T_max=K)
    theirs *= rates(lr.LinearLR, start_factor=1 / W, total_iters=W - 1)
    formula = eta / 2 * (1 + np.cos(np.pi * (k - 1) / K)) * np.minimum(1, k / W)
    verify.agree(formula, theirs, rtol=1e-12)
    verify.refutes(eta * (1 + np.cos(np.pi * (k - 1) / K)) * np.minimum(1, k / W), theirs, why="2")
    late = eta / 2 * (1 + np.cos(np.pi * k / K)) * np.minimum(1, k / W)
    verify.refutes(late, theirs, why="steps counted otherwise")
    whole = eta / 2 * (1 + np.cos(2 * np.pi * (k - 1) / K)) * np.minimum(1, k / W)
    verify.refutes(whole, theirs, why="a whole period")
    schedule = warm_up(cosine(eta, K), W)
    verify.agree([schedule(i - 1) for i in k], formula, rtol=1e-12)
    verify.refutes([schedule(i) for i in k], formula, why="one step ahead")


@pytest.mark.verifies(
    "eq-adaptive-methods-uncorrected", routes=("dlmath without correction", "the formula")
)
def test_steps_without_correction(verify):
    """On constant gradients Adam without its correction makes the steps of the formula."""
    k = np.arange(1, 1001)
    for g, b1, b2 in ((3.0, 0.9, 0.999), (-0.2, 0.5, 0.95)):
        path = play(Adam(0.1, b1, b2, 0.0, bias_correction=False), np.full((1000, 1), g))
        found = np.abs(np.diff(path[:, 0]))
        formula = 0.1 * (1 - b1**k) / np.sqrt(1 - b2**k)
        verify.agree(found, formula, rtol=1e-9)
        verify.refutes(found, np.full(1000, 0.1), why="with correction")
        verify.refutes(found, 0.1 * (1 - b1**k) / (1 - b2**k), why="root")
        verify.refutes(found, 0.1 * np.sqrt(1 - b2**k) / (1 - b1**k), why="upside down")


@pytest.mark.verifies(
    "eq-adaptive-methods-large-epsilon",
    routes=("dlmath.optimizers.Adam", "a linear filter", "dlmath.optimizers.Momentum"),
)
def test_a_large_epsilon_leaves_momentum(verify):
    """With an epsilon of 1e9 Adam follows the running mean, and without correction momentum."""
    g, eta, huge, b1 = stream(), 1e7, 1e9, 0.8
    found = np.diff(play(Adam(eta, b1, epsilon=huge), g), axis=0)
    k = np.arange(1, 61)[:, np.newaxis]
    m = averaged(g, b1)
    verify.agree(found, -eta / huge * m / (1 - b1**k), rtol=1e-6, atol=1e-9)
    verify.refutes(found, eta / huge * m / (1 - b1**k), why="sign")
    verify.refutes(found, -eta / huge * m, why="no correction")
    verify.refutes(found, -eta * m / (1 - b1**k), why="epsilon missing")
    plain = play(Adam(eta / (1 - b1), b1, epsilon=huge, bias_correction=False), g)
    verify.agree(plain, play(Momentum(eta / huge, b1), g), rtol=1e-6, atol=1e-8)
    verify.refutes(plain, play(Momentum(eta / huge * (1 - b1), b1), g), why="factor 1 - beta")
