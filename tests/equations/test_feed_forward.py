"""The numbered equations of the chapter on feed-forward networks."""

import itertools
import math
import warnings
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath import activations, losses
from dlmath.networks import FeedForwardNetwork
from dlmath.perceptron import perceptron
from scipy import integrate, optimize, stats
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Perceptron
from sklearn.neural_network import MLPRegressor

torch.set_num_threads(1)

CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
XOR = np.array([0, 1, 1, 0])


def random_network(sizes, activation="tanh", output="identity", cost="mse", seed=0):
    """Draw a network whose biases are not zero."""
    rng = np.random.default_rng(seed)
    network = FeedForwardNetwork(sizes, activation, output, cost, seed=rng)
    for b in network.parameters[1::2]:
        b[:] = rng.normal(size=b.shape)
    return network


def hardly_trained(model, X, y):
    """Fit a model of scikit-learn without a complaint that it has not converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)


def unit_by_unit(x, parameters, activation):
    """Compute the output for one sample with sums over single weights, in plain Python."""
    a = [float(value) for value in x]
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    for number, (W, b) in enumerate(layers, start=1):
        z = [
            sum(a[i] * float(W[i, j]) for i in range(len(a))) + float(b[j])
            for j in range(W.shape[1])
        ]
        a = z if number == len(layers) else [activation(value) for value in z]
    return a


def torch_network(network, activation):
    """Build the same network from torch's layers, which keep the transposed weights."""
    layers = []
    for W, b in zip(network.parameters[::2], network.parameters[1::2], strict=True):
        layer = torch.nn.Linear(*W.shape, dtype=torch.float64)
        layer.weight.data, layer.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
        layers += [layer, activation]
    return torch.nn.Sequential(*layers[:-1])


# Sums of leaps.


@pytest.mark.verifies(
    "eq-feed-forward-sum", routes=("a loop over the leaps", "dlmath.networks", "scikit-learn")
)
def test_a_sum_of_leaps_is_a_network(verify):
    """The sum, leap by leap, is what a network with one hidden layer and scikit-learn's give."""
    x = np.linspace(-2, 2, 9)
    network = random_network([1, 4, 1], "sigmoid", seed=1)
    W1, b1, W2, b2 = network.parameters

    def leaps(sign=1, constant=1.0):
        return [
            constant * b2[0]
            + sum(W2[j, 0] / (1 + math.exp(-(W1[0, j] * value + sign * b1[j]))) for j in range(4))
            for value in x
        ]

    verify.agree(network.forward(x[:, np.newaxis])[:, 0], leaps(), rtol=1e-14, atol=1e-15)
    verify.refutes(network.forward(x[:, np.newaxis])[:, 0], leaps(sign=-1), why="sign of b_j")
    verify.refutes(network.forward(x[:, np.newaxis])[:, 0], leaps(constant=0), why="no constant")
    theirs = MLPRegressor(
        hidden_layer_sizes=(4,), activation="logistic", solver="lbfgs", max_iter=20, random_state=0
    )
    hardly_trained(theirs, x[:, np.newaxis], np.sin(x))
    network.parameters = [
        part for pair in zip(theirs.coefs_, theirs.intercepts_, strict=True) for part in pair
    ]
    W1, b1, W2, b2 = network.parameters
    verify.agree(theirs.predict(x[:, np.newaxis]), leaps(), rtol=1e-13, atol=1e-14)
    verify.refutes(theirs.predict(x[:, np.newaxis]) / 2, leaps(), why="factor 2")


@pytest.mark.verifies("eq-feed-forward-width", routes=("root finding", "the formula"))
def test_width_of_a_leap(verify):
    """The distance from a tenth to nine tenths, by a root finder, is 2 log 9 over |w|."""
    for w, b in ((0.7, 1.3), (-3.0, 0.4)):

        def height(x, share, w=w, b=b):
            return expit(w * x + b) - share

        ends = [optimize.brentq(height, -40, 40, args=(share,), xtol=1e-14) for share in (0.1, 0.9)]
        width = abs(ends[1] - ends[0])
        verify.agree(width, 2 * np.log(9) / abs(w), rtol=1e-13)
        verify.refutes(width, np.log(9) / abs(w), why="factor 2")
        verify.refutes(width, 2 * np.log(9) * abs(w), why="inverted")
        verify.refutes(width, 2 * np.log(10) / abs(w), why="log 10 for log 9")
    verify.agree(2 * np.log(9), 4.4, rtol=2e-3)
    verify.refutes(2 * np.log(10), 4.4, why="log 10 in the number")
    verify.agree(np.mean(ends), -b / w, rtol=1e-12)
    verify.refutes(np.mean(ends), b / w, why="sign of the place")


@pytest.mark.verifies("eq-feed-forward-bump", routes=("search and quadrature", "the formulas"))
def test_bump(verify):
    """A search for the maximum and quadrature give the height and the area of a bump."""
    for w, a, b in ((1.5, -0.5, 2.0), (8.0, 1.0, 1.3)):

        def bump(x, w=w, a=a, b=b):
            return expit(w * (x - a)) - expit(w * (x - b))

        found = optimize.minimize_scalar(
            lambda x: -bump(x), bounds=(a - 1, b + 1), method="bounded", options={"xatol": 1e-11}
        )
        verify.agree(-found.fun, np.tanh(w * (b - a) / 4), rtol=1e-13)
        verify.refutes(-found.fun, np.tanh(w * (b - a) / 2), why="factor 2")
        verify.refutes(-found.fun, np.tanh(w * (a - b) / 4), why="sign of the height")
        verify.refutes(-found.fun, 1.0, why="a box")
        area = integrate.quad(bump, a - 60, b + 60, points=[a, b], epsabs=1e-12, limit=200)[0]
        verify.agree(area, b - a, rtol=1e-13)
        verify.refutes(area, (b - a) / w, why="factor w")
        verify.refutes(area, a - b, why="sign of the area")
        verify.refutes(area, b - a + 1 / w, why="the flanks counted twice")


# The perceptron.


def separable(seed, n=40, p=3, gap=0.2):
    rng = np.random.default_rng(seed)
    star = rng.normal(size=p)
    star /= np.linalg.norm(star)
    X = rng.uniform(-2, 2, size=(6 * n, p))
    score = X @ star
    kept = np.abs(score) >= gap
    return X[kept][:n], np.sign(score[kept][:n]), star


@pytest.mark.verifies(
    "eq-feed-forward-perceptron",
    "eq-feed-forward-perceptron-step",
    routes=("scikit-learn", "dlmath.perceptron", "a sub-gradient by torch"),
)
def test_perceptron_learns_as_scikit_learns(verify):
    """Predictions and parameters are scikit-learn's; the step is one of gradient descent."""
    X, y, _ = separable(1)
    found = perceptron(X, y)
    theirs = Perceptron(fit_intercept=False, shuffle=False, tol=None, max_iter=300).fit(X, y)
    verify.agree(found.theta, theirs.coef_[0], rtol=1e-12)
    verify.refutes(-found.theta, theirs.coef_[0], why="sign of the step")
    verify.refutes(found.theta / len(X), theirs.coef_[0], why="factor n")
    verify.refutes(2 * found.theta, theirs.coef_[0], why="factor 2")
    new = np.random.default_rng(2).normal(size=(20, 3))
    verify.agree(np.sign(new @ found.theta), theirs.predict(new))
    verify.refutes(np.sign(-new @ found.theta), theirs.predict(new), why="classes exchanged")

    theta = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64, requires_grad=True)
    wrong = next(i for i in range(len(X)) if y[i] * (X[i] @ theta.detach().numpy()) < 0)
    torch.relu(-y[wrong] * torch.tensor(X[wrong]) @ theta).backward()
    step = y[wrong] * X[wrong]
    verify.agree(-theta.grad.numpy(), step, rtol=1e-15)
    verify.refutes(theta.grad.numpy(), step, why="uphill")
    verify.refutes(-theta.grad.numpy(), X[wrong] * 2 * y[wrong], why="factor 2 of the step")


@pytest.mark.verifies(
    "eq-feed-forward-margin",
    "eq-feed-forward-mistakes",
    "eq-feed-forward-race",
    routes=("the walk, step by step", "the bound", "a search for the margin"),
)
def test_few_mistakes(verify):
    """At every mistake of many walks the chain holds; on unit vectors the bound is attained."""
    for seed in range(4):
        X, y, star = separable(seed, gap=(0.3, 0.15, 0.08, 0.04)[seed])
        R, gamma = np.linalg.norm(X, axis=1).max(), np.min(y * (X @ star))
        order = np.random.default_rng(seed).integers(0, len(X), size=6000)
        theta, chain = np.zeros(3), []
        for i in order:
            if y[i] * (X[i] @ theta) <= 0:
                theta = theta + y[i] * X[i]
                k = len(chain) + 1
                chain.append([k * gamma, star @ theta, np.linalg.norm(theta), np.sqrt(k) * R])
        low, inner, norm, high = np.array(chain).T
        verify.at_most(low, inner, atol=1e-12)
        verify.refutes(low * R / gamma, inner, why="R for the margin")
        verify.at_most(inner, norm, atol=1e-12)
        verify.refutes(norm, inner, why="the inequality of Cauchy and Schwarz reversed")
        verify.at_most(norm, high, atol=1e-12)
        verify.refutes(norm, high * gamma / R, why="the margin for R")
        verify.refutes(norm, np.full(len(norm), R), why="no growth with the mistakes")
        verify.at_most(len(chain), (R / gamma) ** 2)
        assert (y * (X @ theta) > 0).all()

    for n in (1, 5, 12):
        mistakes = perceptron(np.eye(n), np.ones(n)).mistakes
        star = np.ones(n) / np.sqrt(n)
        bound = (1 / np.min(np.eye(n) @ star)) ** 2
        verify.agree(mistakes, bound, rtol=1e-13)
        verify.refutes(mistakes, bound + 1, why="one more")
        verify.refutes(mistakes, 2 * bound, why="factor 2")
        if n > 1:
            verify.refutes(mistakes, np.sqrt(bound), why="the square forgotten")
            verify.at_most(mistakes, bound, atol=1e-9)
            verify.refutes(mistakes, np.sqrt(bound), why="R over gamma without the square")
            verify.refutes(mistakes, bound / 2, why="half the bound")

    # No unit vector separates the n unit vectors with a larger margin than the one in the text.
    n = 5
    best = optimize.minimize(
        lambda t: -t[-1],
        np.append(np.ones(n) / 3, 0.1),
        constraints=[
            {"type": "ineq", "fun": lambda t: t[:n] - t[-1]},
            {"type": "ineq", "fun": lambda t: 1 - t[:n] @ t[:n]},
        ],
    )
    verify.agree(best.x[-1], 1 / np.sqrt(n), rtol=1e-6)
    verify.refutes(best.x[-1], 1 / n, why="1/n for its root")


# XOR.


@pytest.mark.verifies("eq-feed-forward-xor-sum", routes=("sympy", "linear programming"))
def test_no_unit_computes_xor(verify):
    """The two sums are the same polynomial; no threshold unit exists, and for AND one does."""
    w1, w2, b = sympy.symbols("w1 w2 b")

    def z(x1, x2):
        return w1 * x1 + w2 * x2 + b

    both = w1 + w2 + 2 * b
    verify.identical(sympy.Add(z(0, 0), z(1, 1), evaluate=False), z(1, 0) + z(0, 1))
    verify.refutes(z(0, 0) - z(1, 1), z(1, 0) + z(0, 1), why="sign")
    verify.refutes(z(0, 0) + z(1, 0), z(1, 1) + z(0, 1), why="neighbours for opposite corners")
    verify.refutes(z(0, 0) + z(1, 1) + b, z(1, 0) + z(0, 1), why="one bias too many")
    verify.identical(sympy.Add(z(1, 0), z(0, 1), evaluate=False), both)
    verify.refutes(z(1, 0) + z(0, 1), both - b, why="one bias for two")

    def margin(truth):
        """Largest margin with weights of at most one; zero if no unit does it."""
        signs = np.where(truth, 1, -1)
        rows = np.column_stack(
            [-signs[:, None] * np.column_stack([CORNERS, np.ones(4)]), np.ones(4)]
        )
        bounds = [(-1, 1)] * 3 + [(None, None)]
        return -optimize.linprog([0, 0, 0, -1], rows, np.zeros(4), bounds=bounds).fun

    verify.agree(margin(XOR), 0, atol=1e-9)
    verify.refutes(margin([0, 0, 0, 1]), 0, why="AND")
    verify.refutes(margin([0, 1, 1, 1]), 0, why="OR")
    able = [margin(truth) > 1e-6 for truth in itertools.product([0, 1], repeat=4)]
    verify.agree(float(sum(able)), 14)
    verify.refutes(sum(able) + 1, 14, why="fifteen of sixteen")


@pytest.mark.verifies(
    "eq-feed-forward-xor", "eq-feed-forward-xor-relu", routes=("the truth table", "dlmath.networks")
)
def test_xor_by_hand(verify):
    """Steps and rectifiers give the table of XOR; wrong thresholds and weights do not."""

    def steps(first=0.5, second=1.5, sign=-1):
        s = CORNERS.sum(axis=1)
        return np.heaviside(s - first, 0) + sign * np.heaviside(s - second, 0)

    verify.agree(steps(), XOR)
    verify.refutes(steps(sign=1), XOR, why="sign of the output weight")
    verify.refutes(steps(first=1.5, second=0.5), XOR, why="thresholds exchanged")
    verify.refutes(steps(second=2.5), XOR, why="both is never reached")

    def rectifiers(weight=-2.0, bias=-1.0, activation="relu"):
        network = FeedForwardNetwork([2, 2, 1], activation)
        network.parameters = [
            np.ones((2, 2)),
            np.array([0, bias]),
            np.array([[1.0], [weight]]),
            np.zeros(1),
        ]
        return network.forward(CORNERS)[:, 0]

    verify.agree(rectifiers(), XOR)
    verify.refutes(rectifiers(weight=-1.0), XOR, why="factor 2")
    verify.refutes(rectifiers(weight=2.0), XOR, why="sign")
    verify.refutes(rectifiers(bias=1.0), XOR, why="sign of the bias")
    verify.refutes(rectifiers(activation="identity"), XOR, why="no bend")


# Layers.


@pytest.mark.verifies(
    "eq-feed-forward-unit",
    "eq-feed-forward-layer",
    "eq-feed-forward-network",
    routes=("sums over single weights", "dlmath.networks", "torch", "scikit-learn"),
)
def test_forward_pass(verify):
    """Plain loops over weights, torch's layers and scikit-learn's network give the same."""
    network = random_network([3, 3, 3, 3], seed=2)
    X = np.random.default_rng(3).normal(size=(3, 3))  # all square: a transpose has the same shape
    by_units = [unit_by_unit(x, network.parameters, math.tanh) for x in X]
    verify.agree(network.forward(X), by_units, rtol=1e-13, atol=1e-14)
    verify.agree(network.propagate(X)[1][-1], by_units, rtol=1e-13, atol=1e-14)

    def changed(change):
        other = network.copy()
        other.parameters = [change(p) for p in network.parameters]
        return other.forward(X)

    verify.refutes(changed(lambda p: p.T), by_units, why="weights transposed")
    verify.refutes(network.forward(X.T), by_units, why="samples in columns")
    verify.refutes(changed(lambda p: p if p.ndim == 2 else -p), by_units, why="sign of the biases")
    verify.refutes(changed(lambda p: p if p.ndim == 2 else 0 * p), by_units, why="no biases")
    W1, b1 = network.parameters[:2]
    verify.agree(network.propagate(X)[0][0], X @ W1 + np.outer(np.ones(3), b1), rtol=1e-13)
    verify.refutes(
        network.propagate(X)[0][0], X @ W1 + np.outer(b1, np.ones(3)), why="bias along the samples"
    )

    theirs = torch_network(network, torch.nn.Tanh())(torch.tensor(X)).detach().numpy()
    verify.agree(network.forward(X), theirs, rtol=1e-13, atol=1e-14)
    verify.refutes(np.tanh(network.forward(X)), theirs, why="the last layer bent too")

    network = random_network([4, 6, 5, 2], seed=4)
    X = np.random.default_rng(5).normal(size=(7, 4))
    mlp = MLPRegressor(hidden_layer_sizes=(6, 5), activation="tanh", max_iter=1, random_state=0)
    hardly_trained(mlp, X, X[:, :2])
    mlp.coefs_, mlp.intercepts_ = network.parameters[::2], network.parameters[1::2]
    verify.agree(network.forward(X), mlp.predict(X), rtol=1e-13, atol=1e-14)
    verify.refutes(2 * network.forward(X), mlp.predict(X), why="factor 2")
    verify.agree(
        network.forward(X), [unit_by_unit(x, network.parameters, math.tanh) for x in X], rtol=1e-12
    )


class Counter(float):
    """A number that counts how often it is multiplied."""

    multiplications = 0

    def __mul__(self, other):
        Counter.multiplications += 1
        return Counter(float(self) * float(other))

    __rmul__ = __mul__

    def __add__(self, other):
        return Counter(float(self) + float(other))

    __radd__ = __add__


@pytest.mark.verifies(
    "eq-feed-forward-count",
    "eq-feed-forward-operations",
    routes=("torch's parameters", "counting multiplications", "dlmath.networks"),
)
def test_counting(verify):
    """Torch's numbers of parameters, and multiplications counted one by one, are the sums."""
    for sizes in ([3, 4, 2], [2, 5, 3, 1], [64, 50, 10], [5, 1]):
        network = FeedForwardNetwork(sizes)
        pairs = list(itertools.pairwise(sizes))
        theirs = sum(p.numel() for p in torch_network(network, torch.nn.Tanh()).parameters())
        verify.agree(float(theirs), sum((a + 1) * b for a, b in pairs))
        verify.refutes(theirs, sum(a * b for a, b in pairs), why="no biases")
        verify.refutes(theirs, sum(a * (b + 1) for a, b in pairs), why="a bias for each input")
        verify.refutes(theirs, sum((a + 1) * b for a, b in pairs) + sizes[0], why="biased inputs")
        verify.agree(float(network.n_parameters), theirs)
        verify.refutes(network.n_parameters - sizes[-1], theirs, why="no bias at the output")
    for n, sizes in ((3, [2, 4, 2]), (5, [3, 2, 3, 1])):
        A = np.array([[Counter(1) for _ in range(sizes[0])] for _ in range(n)], dtype=object)
        Counter.multiplications = 0
        for a, b in itertools.pairwise(sizes):
            W = np.array([[Counter(0.5) for _ in range(b)] for _ in range(a)], dtype=object)
            A = A.dot(W) + np.array([Counter(1) for _ in range(b)], dtype=object)
        pairs = list(itertools.pairwise(sizes))
        verify.agree(float(Counter.multiplications), n * sum(a * b for a, b in pairs))
        verify.refutes(Counter.multiplications, sum(a * b for a, b in pairs), why="factor n")
        verify.refutes(
            Counter.multiplications, n * sum((a + 1) * b for a, b in pairs), why="with the biases"
        )
        verify.refutes(
            Counter.multiplications, 2 * n * sum(a * b for a, b in pairs), why="factor 2"
        )


@pytest.mark.verifies(
    "eq-feed-forward-linear",
    "eq-feed-forward-rank",
    routes=("exact fractions", "dlmath.networks", "the theorem's construction"),
)
def test_deep_linear_network(verify):
    """Fractions through three layers are one layer; its rank is bounded, and each rank reached."""
    rng = np.random.default_rng(6)
    sizes = [3, 4, 5, 3]
    network = FeedForwardNetwork(sizes, "identity")
    network.parameters = [
        rng.integers(-3, 4, size=shape).astype(float)
        for a, b in itertools.pairwise(sizes)
        for shape in ((a, b), (b,))
    ]
    W1, b1, W2, b2, W3, b3 = network.parameters
    X = rng.integers(-4, 5, size=(3, 3)).astype(float)
    fractions = [
        [
            float(value)
            for value in unit_by_unit(
                [Fraction(int(v)) for v in x], network.parameters, lambda z: z
            )
        ]
        for x in X
    ]

    W = W1 @ W2 @ W3

    def one_layer(W=W, second=1.0, first=1.0):
        return X @ W + first * b1 @ W2 @ W3 + second * b2 @ W3 + b3

    verify.agree(network.forward(X), fractions)
    verify.agree(one_layer(), fractions)
    verify.refutes(one_layer(W.T), fractions, why="transpose")
    verify.refutes(one_layer(first=0), fractions, why="first bias lost")
    verify.refutes(one_layer(second=-1), fractions, why="sign of a bias")
    verify.refutes(X @ W + b3, fractions, why="only the last bias")
    verify.refutes(X @ W + b1[:3] + b2[:3] + b3, fractions, why="biases added as they are")

    for narrow in (1, 2, 3):
        widths = [5, 6, narrow, 6, 4]
        deep = random_network(widths, "identity", seed=narrow)
        product = np.linalg.multi_dot(deep.parameters[::2])
        rank = np.linalg.matrix_rank(product)
        verify.at_most(rank, min(widths))
        verify.refutes(min(widths[0], widths[-1]), min(widths), why="hidden layers do not bind")

        target = rng.normal(size=(5, narrow)) @ rng.normal(size=(narrow, 4))
        b = rng.normal(size=4)
        U, d, Vt = np.linalg.svd(target)
        first, last = np.zeros((5, 6)), np.zeros((6, 4))
        first[:, :narrow] = U[:, :narrow] * d[:narrow]
        last[:narrow] = Vt[:narrow]
        deep.parameters = [
            first, np.zeros(6), np.eye(6, narrow), np.zeros(narrow), np.eye(narrow, 6), np.zeros(6),
            last, b,
        ]  # fmt: skip
        X5 = rng.normal(size=(4, 5))
        verify.agree(deep.forward(X5), X5 @ target + b, rtol=1e-13, atol=1e-14)
        verify.refutes(deep.forward(X5), X5 @ target, why="bias not reached")


# Activations.

Z = np.array([-30.0, -7.3, -2.0, -0.6, -1e-3, 1e-3, 0.4, 1.7, 5.0, 28.0])

FORMULAS = {
    "sigmoid": (lambda z: 1 / (1 + mpmath.exp(-z)), torch.sigmoid),
    "tanh": (mpmath.tanh, torch.tanh),
    "relu": (lambda z: max(z, mpmath.mpf(0)), torch.relu),
    "leaky_relu": (lambda z: max(z, z / 100), torch.nn.functional.leaky_relu),
    "elu": (lambda z: max(z, mpmath.exp(min(z, mpmath.mpf(0))) - 1), torch.nn.functional.elu),
    "softplus": (lambda z: mpmath.log(1 + mpmath.exp(z)), torch.nn.Softplus(threshold=1e9)),
    "silu": (lambda z: z / (1 + mpmath.exp(-z)), torch.nn.functional.silu),
    "gelu": (lambda z: z * mpmath.ncdf(z), torch.nn.functional.gelu),
}


def text_slopes(z):
    """Write down the right-hand column of the equation."""
    e, normal = expit(z), stats.norm
    positive = (z > 0).astype(float)
    return {
        "sigmoid": e * (1 - e),
        "tanh": 1 - np.tanh(z) ** 2,
        "relu": positive,
        "leaky_relu": 0.01 + 0.99 * positive,
        "elu": np.exp(np.minimum(z, 0)),
        "softplus": e,
        "silu": z * e + (1 - z * e) * e,
        "gelu": normal.cdf(z) + z * normal.pdf(z),
    }


@pytest.mark.verifies(
    "eq-feed-forward-activations",
    routes=("forty digits and their derivative", "dlmath.activations", "torch"),
)
def test_activations_and_their_derivatives(verify):
    """Values and slopes in forty digits are those of dlmath, of torch and of the text."""
    with mpmath.workdps(40):
        exact = {name: [float(f(mpmath.mpf(z))) for z in Z] for name, (f, _) in FORMULAS.items()}
        slopes = {
            name: [float(mpmath.diff(f, mpmath.mpf(z), h=mpmath.mpf(10) ** -12)) for z in Z]
            for name, (f, _) in FORMULAS.items()
        }
    text = text_slopes(Z)
    for name, (_, theirs) in FORMULAS.items():
        ours = activations.get(name)
        verify.agree(ours(Z), exact[name], rtol=1e-14, atol=1e-17)
        verify.refutes(-ours(Z), exact[name], why="sign")
        verify.refutes(2 * ours(Z), exact[name], why="factor 2")
        verify.agree(ours.derivative(Z), slopes[name], rtol=1e-14, atol=1e-16)
        verify.refutes(ours(Z), slopes[name], why="the function for its derivative")
        verify.refutes(2 * ours.derivative(Z), slopes[name], why="factor 2 of the slope")
        verify.agree(text[name], slopes[name], rtol=1e-14, atol=1e-16)
        verify.refutes(-text[name], slopes[name], why="sign of the slope")
        z = torch.tensor(Z, requires_grad=True)
        value = theirs(z)
        value.sum().backward()
        verify.agree(ours(Z), value.detach().numpy(), rtol=1e-13, atol=1e-15)
        verify.agree(ours.derivative(Z), z.grad.numpy(), rtol=1e-14, atol=1e-16)
        verify.refutes(ours.derivative(-Z), z.grad.numpy() + 1e-3, why="sign of the argument")
    at_kink = activations.relu.derivative(np.zeros(1))
    verify.agree(at_kink, [0.0])
    verify.refutes(at_kink + 1, [0.0], why="the slope on the right")


@pytest.mark.verifies("eq-feed-forward-tanh", routes=("sympy", "dlmath.activations"))
def test_tanh_is_logistic(verify):
    """In symbols the difference is zero, and two networks with such units are the same."""
    z = sympy.symbols("z", real=True)

    def logistic(u):
        return 1 / (1 + sympy.exp(-u))

    hyperbolic = sympy.tanh(z).rewrite(sympy.exp)
    verify.identical(hyperbolic, 2 * logistic(2 * z) - 1)
    verify.refutes(hyperbolic, 2 * logistic(z) - 1, why="factor 2 of the argument")
    verify.refutes(hyperbolic, logistic(2 * z) - 1, why="factor 2")
    verify.refutes(hyperbolic, 1 - 2 * logistic(2 * z), why="sign")

    network = random_network([2, 4, 3], "sigmoid", seed=7)
    W1, b1, W2, b2 = network.parameters
    X = np.random.default_rng(8).normal(size=(6, 2))
    other = FeedForwardNetwork([2, 4, 3], "tanh")
    other.parameters = [W1 / 2, b1 / 2, W2 / 2, b2 + W2.sum(axis=0) / 2]
    verify.agree(other.forward(X), network.forward(X), rtol=1e-13, atol=1e-14)
    other.parameters[-1] = b2
    verify.refutes(other.forward(X), network.forward(X), why="the constant forgotten")


@pytest.mark.verifies(
    "eq-feed-forward-stable", routes=("fifty digits", "dlmath.activations", "the branches")
)
def test_stable_forms(verify):
    """Far out the stable forms keep all digits; the naive ones overflow or forget everything."""
    z = np.array([-745.0, -700.0, -40.0, -1.0, 0.0, 3.0, 40.0, 700.0])
    with mpmath.workdps(50):
        logistic = [float(1 / (1 + mpmath.exp(-mpmath.mpf(v)))) for v in z]
        softplus = [float(mpmath.log1p(mpmath.exp(mpmath.mpf(v)))) for v in z]
    e = np.exp(-np.abs(z))
    by_branch = np.where(z >= 0, 1 / (1 + e), e / (1 + e))
    verify.agree(activations.sigmoid(z), logistic, rtol=1e-13, atol=1e-320)
    verify.agree(by_branch, logistic, rtol=1e-13, atol=1e-320)
    verify.refutes(np.where(z >= 0, e / (1 + e), 1 / (1 + e)), logistic, why="branches exchanged")
    stable = np.maximum(z, 0) + np.log1p(e)
    verify.agree(activations.softplus(z), softplus, rtol=1e-13, atol=1e-320)
    verify.agree(stable, softplus, rtol=1e-13, atol=1e-320)
    with np.errstate(over="ignore"):
        verify.refutes(np.log(1 + np.exp(z)), softplus, why="1 + e^z rounds to 1")
        verify.refutes(np.log1p(e), softplus, why="maximum forgotten")
        verify.refutes(np.maximum(z, 0) - np.log1p(e), softplus, why="sign of the logarithm")
        naive = np.log(1 + np.exp(800.0))
    assert np.isinf(naive)
    assert activations.softplus(np.array([800.0])) == 800
    assert activations.sigmoid(np.array([800.0], dtype=np.float32)) == 1


# Outputs and costs.


@pytest.mark.verifies(
    "eq-feed-forward-cost", routes=("exact fractions", "dlmath.networks", "torch's MSELoss")
)
def test_cost(verify):
    """Fractions summed over samples and outputs, and torch's loss times outputs, are the cost."""
    network = random_network([3, 4, 2], seed=9)
    rng = np.random.default_rng(10)
    X, Y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    F = network.forward(X)
    total = sum(
        (Fraction(float(y)) - Fraction(float(f))) ** 2
        for y, f in zip(Y.ravel(), F.ravel(), strict=True)
    )
    cost = network.cost_value(X, Y)
    verify.agree(cost, float(total / 6), rtol=1e-14)
    verify.refutes(cost, float(total / 12), why="factor 1/2, or a mean over outputs")
    verify.refutes(cost, float(total), why="factor n")
    verify.refutes(cost, float(total / 3), why="factor 2")
    linear = np.linalg.lstsq(np.column_stack([X, np.ones(6)]), Y, rcond=None)[0]
    residual = Y - np.column_stack([X, np.ones(6)]) @ linear
    verify.refutes(cost, np.sum(residual**2) / 6, why="X theta for the network")
    theirs = torch.nn.MSELoss()(torch.tensor(F), torch.tensor(Y)).item()
    verify.agree(cost, 2 * theirs, rtol=1e-14)
    verify.refutes(cost, theirs, why="MSELoss divides by the outputs")


@pytest.mark.verifies(
    "eq-feed-forward-softmax",
    "eq-feed-forward-cross-entropy",
    routes=("fifty digits", "dlmath.losses", "torch's CrossEntropyLoss"),
)
def test_softmax_and_cross_entropy(verify):
    """Fifty digits, torch and dlmath agree, also for scores whose exponentials overflow."""
    rng = np.random.default_rng(11)
    scores = rng.normal(size=(5, 4)) * np.array([[1], [3], [10], [30], [100]])
    scores[4] += 900
    Y = np.eye(4)[rng.integers(0, 4, 5)]

    def exact(c=0.0, sign=1):
        with mpmath.workdps(50):
            E = [[mpmath.exp(sign * mpmath.mpf(z) - c) for z in row] for row in scores]
            return [[e / sum(row) for e in row] for row in E]

    probabilities = np.array(exact(), dtype=float)
    ours = losses.softmax(scores)
    verify.agree(ours, probabilities, rtol=1e-12, atol=1e-300)
    verify.agree(ours, np.array(exact(c=17.0), dtype=float), rtol=1e-12, atol=1e-300)
    verify.refutes(ours, np.array(exact(sign=-1), dtype=float), why="sign of the scores")
    by_columns = losses.softmax(scores.T.copy()).T
    verify.refutes(by_columns, probabilities, why="sum over the samples")
    verify.refutes(expit(scores), probabilities, why="logistic for softmax")

    with mpmath.workdps(50):
        logs = [float(-mpmath.log(exact()[i][int(np.argmax(row))])) for i, row in enumerate(Y)]
    cost = losses.softmax_cross_entropy(scores, Y)
    verify.agree(cost, np.mean(logs), rtol=1e-13)
    verify.refutes(cost, np.sum(logs), why="factor n")
    verify.refutes(cost, -np.mean(logs), why="sign of the cost")
    verify.refutes(cost, np.mean(logs) / 4, why="mean over the classes")
    verify.refutes(cost, np.mean(logs) / 2, why="factor 2")
    target = torch.tensor(np.argmax(Y, axis=1))
    theirs = torch.nn.CrossEntropyLoss()(torch.tensor(scores), target).item()
    verify.agree(cost, theirs, rtol=1e-13)
    clipped = -np.mean(np.log(np.maximum(probabilities[Y == 1], 1e-12)))
    verify.refutes(clipped, theirs, why="probabilities kept away from zero")


@pytest.mark.verifies(
    "eq-feed-forward-binary-cross-entropy",
    routes=("fifty digits", "dlmath.losses", "torch's BCEWithLogitsLoss"),
)
def test_binary_cross_entropy(verify):
    """The sum over outputs and mean over samples, in fifty digits, is dlmath's and torch's."""
    rng = np.random.default_rng(12)
    scores = rng.normal(size=(5, 3)) * 20
    Y = rng.integers(0, 2, size=(5, 3)).astype(float)
    with mpmath.workdps(50):
        total = mpmath.mpf(0)
        for z, y in zip(scores.ravel(), Y.ravel(), strict=True):
            f = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
            total -= y * mpmath.log(f) + (1 - y) * mpmath.log(1 - f)
        total = float(total)
    cost = losses.sigmoid_cross_entropy(scores, Y)
    verify.agree(cost, total / 5, rtol=1e-13)
    verify.refutes(cost, total, why="factor n")
    verify.refutes(cost, total / 15, why="mean over the outputs")
    verify.refutes(cost, -total / 5, why="sign")
    theirs = torch.nn.BCEWithLogitsLoss()(torch.tensor(scores), torch.tensor(Y)).item()
    verify.agree(cost, 3 * theirs, rtol=1e-13)
    verify.refutes(cost, theirs, why="torch's mean over the outputs")
    flipped = losses.sigmoid_cross_entropy(scores, 1 - Y)
    verify.refutes(flipped, 3 * theirs, why="classes exchanged")


def _poisson(z):
    """Probabilities of counts with mean e^z, as far as they matter, and A(z)."""
    counts = np.arange(200)
    return counts[:, None], stats.poisson.pmf(counts, np.exp(z[0])), np.exp(z[0])


def _bernoulli(z):
    return np.array([[0], [1]]), np.array([1 - expit(z[0]), expit(z[0])]), np.logaddexp(0, z[0])


def _categorical(z):
    weights = np.exp(z) / np.exp(z).sum()
    return np.eye(len(z)), weights, np.log(np.exp(z).sum())


def _gaussian(z):
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    points = np.array([[z[0] + u, z[1] + v] for u in nodes for v in nodes])
    return points, np.outer(weights, weights).ravel() / (2 * np.pi), z @ z / 2


BASES = {
    _poisson: lambda y: -np.array([math.lgamma(k + 1) for k in y[:, 0]]),
    _bernoulli: lambda y: np.zeros(len(y)),
    _categorical: lambda y: np.zeros(len(y)),
}
OUTPUTS = {
    _poisson: np.exp,
    _bernoulli: expit,
    _categorical: lambda z: losses.softmax(z[np.newaxis])[0],
    _gaussian: lambda z: z,
}
POINTS = {
    _poisson: np.array([0.7]),
    _bernoulli: np.array([-1.2]),
    _categorical: np.array([0.3, -0.8, 1.1]),
    _gaussian: np.array([0.4, -1.3]),
}


@pytest.mark.verifies(
    "eq-feed-forward-family",
    "eq-feed-forward-matched",
    routes=(
        "sums and quadrature over the outcomes",
        "differences of A",
        "the outputs of the table",
    ),
)
def test_outputs_that_belong(verify):
    """For four distributions the mean, the slope and the curvature are what the theorem says."""
    for family, z in POINTS.items():
        outcomes, weights, A = family(z)
        if family in BASES:
            density = np.exp(BASES[family](outcomes) + outcomes @ z - A)
            verify.agree(density, weights, rtol=1e-12, atol=1e-16)
            wrong = np.exp(BASES[family](outcomes) + outcomes @ z + A)
            verify.refutes(wrong, weights, why="sign of A")
            wrong = np.exp(BASES[family](outcomes) + 2 * outcomes @ z - A)
            verify.refutes(wrong, weights, why="factor 2 of the score")
        mean = weights @ outcomes
        covariance = (outcomes - mean).T @ ((outcomes - mean) * weights[:, None])

        steps = 1e-4 * np.eye(len(z))
        gradient = [(family(z + h)[2] - family(z - h)[2]) / 2e-4 for h in steps]
        verify.agree(gradient, mean, rtol=1e-7)
        verify.refutes(gradient, 2 * mean, why="factor 2 of the mean")
        verify.agree(OUTPUTS[family](z), mean, rtol=1e-13)
        verify.refutes(OUTPUTS[family](-z), mean, why="sign of the argument")

        y = outcomes[1]

        def loss(z, family=family, y=y):
            return family(z)[2] - y @ z

        slope = [(loss(z + h) - loss(z - h)) / 2e-4 for h in steps]
        verify.agree(slope, OUTPUTS[family](z) - y, rtol=1e-6, atol=1e-8)
        verify.refutes(slope, y - OUTPUTS[family](z), why="sign")
        verify.refutes(slope, 2 * (OUTPUTS[family](z) - y), why="factor 2")
        curvature = [
            [
                (loss(z + g + h) - loss(z + g - h) - loss(z - g + h) + loss(z - g - h)) / 4e-8
                for g in steps
            ]
            for h in steps
        ]
        verify.agree(curvature, covariance, rtol=1e-6, atol=1e-6)
        verify.refutes(curvature, 2 * covariance, why="factor 2 of the curvature")
        verify.refutes(curvature, -covariance, why="sign of the curvature")

    # The network's own deltas: with n samples the slope has a 1/n, and the square a factor 2.
    rng = np.random.default_rng(13)
    X, labels = rng.normal(size=(5, 2)), np.eye(3)[rng.integers(0, 3, 5)]
    network = random_network([2, 4, 3], output="softmax", cost="cross_entropy", seed=14)
    f = network.forward(X)
    verify.agree(network.deltas(X, labels)[-1], (f - labels) / 5, rtol=1e-12, atol=1e-15)
    verify.refutes(network.deltas(X, labels)[-1], f - labels, why="factor n")
    network = random_network([2, 4, 3], seed=15)
    f = network.forward(X)
    verify.agree(network.deltas(X, labels)[-1], 2 * (f - labels) / 5, rtol=1e-12, atol=1e-15)
    verify.refutes(network.deltas(X, labels)[-1], (f - labels) / 5, why="the square without its 2")


@pytest.mark.verifies("eq-feed-forward-mismatch", routes=("torch", "dlmath.networks", "formulas"))
def test_mismatch(verify):
    """Automatic differentiation and backpropagation give both slopes, out to the plateau."""
    for y in (0.0, 1.0):
        for value in (-10.0, -1.5, 0.3, 4.0):
            a = expit(value)
            z = torch.tensor(value, dtype=torch.float64, requires_grad=True)
            ((torch.sigmoid(z) - y) ** 2).backward()
            square = z.grad.item()
            verify.agree(square, 2 * (a - y) * a * (1 - a), rtol=1e-14)
            verify.refutes(square, (a - y) * a * (1 - a), why="factor 2")
            verify.refutes(square, 2 * (y - a) * a * (1 - a), why="sign")
            verify.refutes(square, 2 * (a - y), why="slope of the activation forgotten")
            z = torch.tensor(value, dtype=torch.float64, requires_grad=True)
            (torch.nn.functional.softplus(z) - y * z).backward()
            entropy = z.grad.item()
            verify.agree(entropy, a - y, rtol=1e-14)
            verify.refutes(entropy, y - a, why="sign of the cross-entropy's slope")
            verify.refutes(entropy, (a - y) * a * (1 - a), why="a factor that cancels")
            for cost, expected in (("mse", square), ("cross_entropy", entropy)):
                network = FeedForwardNetwork([1, 1], output="sigmoid", cost=cost)
                network.parameters[1][:] = value
                found = network.gradients(np.zeros((1, 1)), np.full((1, 1), y))[1][0]
                verify.agree(found, expected, rtol=1e-14)
                verify.refutes(2 * found, expected, why="factor 2 in the network")


# Symmetries.


def moved(parameters, order, signs):
    """Permute the hidden units and change their signs, with matrices."""
    W1, b1, W2, b2 = parameters
    P = np.eye(len(b1))[:, order] * signs
    return [W1 @ P, b1 @ P, P.T @ W2, b2]


@pytest.mark.verifies(
    "eq-feed-forward-permutation",
    "eq-feed-forward-sign-flip",
    routes=("sympy", "all the moved networks of dlmath"),
)
def test_symmetries_leave_the_function(verify):
    """In symbols with an odd polynomial, and for all 48 moved networks, nothing changes."""
    x = sympy.symbols("x")
    v, w, b = (sympy.symbols(f"{name}1:4") for name in "vwb")

    def network_of(v, w, b, sigma=lambda z: z**3 - z):
        return sum(a * sigma(c * x + d) for a, c, d in zip(v, w, b, strict=True))

    original = network_of(v, w, b)

    def permuted(a):
        return (a[2], a[0], a[1])

    verify.identical(sympy.expand(network_of(permuted(v), permuted(w), permuted(b))), original)
    verify.refutes(network_of(v, permuted(w), permuted(b)), original, why="v not permuted")
    verify.refutes(network_of(permuted(v), permuted(w), b), original, why="b not permuted")

    def flipped(a):
        return (-a[0], a[1], -a[2])

    verify.identical(sympy.expand(network_of(flipped(v), flipped(w), flipped(b))), original)
    verify.refutes(network_of(v, flipped(w), flipped(b)), original, why="sign of v forgotten")
    verify.refutes(network_of(flipped(v), flipped(w), b), original, why="sign of b forgotten")
    even = network_of(v, w, b, lambda z: z**2)
    verify.refutes(
        network_of(flipped(v), flipped(w), flipped(b), lambda z: z**2), even, why="not odd"
    )

    network = random_network([2, 3, 2], seed=16)
    rng = np.random.default_rng(17)
    X, Y = rng.normal(size=(8, 2)), rng.normal(size=(8, 2))
    for order in itertools.permutations(range(3)):
        for signs in itertools.product([-1.0, 1.0], repeat=3):
            other = network.copy()
            other.parameters = moved(network.parameters, list(order), np.array(signs))
            verify.agree(other.forward(X), network.forward(X), rtol=1e-12, atol=1e-14)
            ours, theirs = (one.value_and_gradients(X, Y, lam=0.3)[0] for one in (other, network))
            verify.agree(ours, theirs, rtol=1e-13)
    other.parameters[2] = -other.parameters[2]
    verify.agree(network.forward(X), network.copy().forward(X), rtol=1e-12)
    verify.refutes(other.forward(X), network.forward(X), why="only the output weights turned")


@pytest.mark.verifies("eq-feed-forward-orbit", routes=("enumeration of the images", "2^m m!"))
def test_number_of_equivalent_parameters(verify):
    """The different images, put into a set, are as many as the formula says, layer by layer."""
    for m in (1, 2, 3, 4):
        network = random_network([2, m, 1], seed=m)
        images = {
            np.concatenate(
                [p.ravel() for p in moved(network.parameters, list(order), np.array(signs))]
            ).tobytes()
            for order in itertools.permutations(range(m))
            for signs in itertools.product([-1.0, 1.0], repeat=m)
        }
        verify.agree(float(len(images)), 2**m * math.factorial(m))
        if m > 1:
            verify.refutes(len(images), math.factorial(m), why="no signs")
            verify.refutes(len(images), 2**m, why="no permutations")
            verify.refutes(len(images), 2**m + math.factorial(m), why="a sum for the product")
    # Two equal units have fewer images, as the hypothesis of the theorem says.
    network.parameters[0][:, 1] = network.parameters[0][:, 0]
    network.parameters[1][1] = network.parameters[1][0]
    network.parameters[2][1] = network.parameters[2][0]
    images = {
        np.concatenate(
            [p.ravel() for p in moved(network.parameters, list(order), np.array(signs))]
        ).tobytes()
        for order in itertools.permutations(range(4))
        for signs in itertools.product([-1.0, 1.0], repeat=4)
    }
    assert len(images) < 2**4 * 24

    # Two hidden layers: the numbers multiply.
    network = random_network([1, 2, 2, 1], seed=18)
    X = np.random.default_rng(19).normal(size=(5, 1))
    group = [
        np.eye(2)[:, list(order)] * np.array(signs)
        for order in itertools.permutations(range(2))
        for signs in itertools.product([-1.0, 1.0], repeat=2)
    ]
    W1, b1, W2, b2, W3, b3 = network.parameters
    deep = set()
    for P, R in itertools.product(group, group):
        other = network.copy()
        other.parameters = [W1 @ P, b1 @ P, P.T @ W2 @ R, b2 @ R, R.T @ W3, b3]
        verify.agree(other.forward(X), network.forward(X), rtol=1e-12, atol=1e-14)
        deep.add(np.concatenate([p.ravel() for p in other.parameters]).round(12).tobytes())
    verify.agree(float(len(deep)), (2**2 * 2) ** 2)
    verify.refutes(len(deep), 2 * 2**2 * 2, why="added over the layers")


@pytest.mark.verifies("eq-feed-forward-rescaling", routes=("dlmath.networks", "torch"))
def test_rescaling_of_rectifiers(verify):
    """Scaled weights in and out of ReLU units leave the function, and not the penalty."""
    network = random_network([2, 3, 2], "relu", seed=20)
    W1, b1, W2, b2 = network.parameters
    X = np.random.default_rng(21).normal(size=(9, 2))
    c = np.array([0.3, 2.0, 7.0])

    def scaled(c, back, activation="relu"):
        other = FeedForwardNetwork([2, 3, 2], activation)
        other.parameters = [W1 * c, b1 * c, W2 * back[:, None], b2]
        return other.forward(X)

    theirs = torch_network(network, torch.nn.ReLU())(torch.tensor(X)).detach().numpy()
    verify.agree(scaled(c, 1 / c), theirs, rtol=1e-12, atol=1e-14)
    verify.refutes(scaled(c, c), theirs, why="inverse forgotten")
    verify.refutes(scaled(-c, -1 / c), theirs, why="sign: ReLU is not odd")
    verify.refutes(scaled(c, np.ones(3)), theirs, why="not undone")
    tanh = torch_network(network, torch.nn.Tanh())(torch.tensor(X)).detach().numpy()
    verify.agree(scaled(np.ones(3), np.ones(3), "tanh"), tanh, rtol=1e-12, atol=1e-14)
    verify.refutes(scaled(c, 1 / c, "tanh"), tanh, why="tanh for ReLU")


@pytest.mark.verifies("eq-feed-forward-average", routes=("dlmath.networks", "the mean of the data"))
def test_cost_is_not_convex(verify):
    """The two ends cost the same, the midpoint what a constant costs: the inequality fails."""
    for cost, output in (("mse", "identity"), ("cross_entropy", "sigmoid")):
        network = random_network([2, 5, 1], "tanh", output, cost, seed=22)
        X = np.random.default_rng(23).normal(size=(40, 2))
        Y = network.forward(X)
        W1, b1, W2, b2 = network.parameters
        turned, middle = network.copy(), network.copy()
        turned.parameters = [-W1, -b1, -W2, b2]
        middle.parameters = [
            (p + q) / 2 for p, q in zip(network.parameters, turned.parameters, strict=True)
        ]
        verify.agree(turned.cost_value(X, Y), network.cost_value(X, Y), atol=1e-14)
        turned.parameters[-1] = -b2
        verify.refutes(turned.cost_value(X, Y), network.cost_value(X, Y), why="output bias turned")
        constant = b2[0] if output == "identity" else expit(b2[0])
        by_hand = (
            np.mean((Y - constant) ** 2)
            if cost == "mse"
            else -np.mean(Y * np.log(constant) + (1 - Y) * np.log(1 - constant))
        )
        verify.agree(middle.cost_value(X, Y), by_hand, rtol=1e-13)
        verify.refutes(middle.cost_value(X, Y), by_hand * 40, why="factor n")
        verify.refutes(middle.cost_value(X, Y), by_hand * 2, why="factor 2")
        # Convexity would need the midpoint to cost no more than the ends.
        verify.at_most(network.cost_value(X, Y), middle.cost_value(X, Y))
        verify.refutes(
            middle.cost_value(X, Y), network.cost_value(X, Y), why="the cost were convex"
        )
