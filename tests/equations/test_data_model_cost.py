"""The numbered equations of the chapter on data, model and cost."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch
from dlmath.learning import (
    descend,
    minibatch,
    minibatch_covariance,
    pinball_cost,
    uniform_bound,
)
from scipy import integrate, optimize, special, stats
from sklearn import metrics

torch.set_num_threads(1)

# A joint distribution of X in {0, 1, 2} and Y in R^2, as atoms (x, y, probability); the outputs
# scatter differently at each x, and the conditional mean is no line.
ATOMS = [
    (0, (1.0, -2.0), Fraction(1, 12)),
    (0, (4.0, 0.5), Fraction(2, 12)),
    (1, (-1.0, 3.0), Fraction(3, 12)),
    (1, (0.0, 1.0), Fraction(1, 12)),
    (1, (2.5, 1.0), Fraction(1, 12)),
    (2, (5.0, -1.0), Fraction(1, 12)),
    (2, (-3.0, 2.0), Fraction(3, 12)),
]
AT = np.array([x for x, _, _ in ATOMS])
OUT = np.array([y for _, y, _ in ATOMS])
WEIGHT = np.array([float(w) for *_, w in ATOMS])
G = np.array([[0.5, 1.0], [-1.0, 0.25], [2.0, -0.5]])


def mean_over(values):
    """Take the expectation of numbers or vectors that belong to the atoms."""
    return np.tensordot(WEIGHT, values, axes=1)


def conditional_means():
    """Average the atoms of each x, term by term, in fractions."""
    means = []
    for x in range(3):
        total = sum(w for a, _, w in ATOMS if a == x)
        means.append(
            [float(sum(Fraction(y[k]) * w for a, y, w in ATOMS if a == x) / total) for k in (0, 1)]
        )
    return np.array(means)


def sample_sets(size, atoms):
    """List all data sets of independent draws with their probabilities."""
    for chosen in itertools.product(range(len(atoms)), repeat=size):
        probability = np.prod([float(atoms[i][-1]) for i in chosen])
        yield [atoms[i] for i in chosen], probability


# Costs.


@pytest.mark.verifies(
    "eq-data-model-cost-cost",
    "eq-data-model-cost-squared",
    routes=("exact fractions", "torch", "scikit-learn"),
)
def test_cost_of_several_outputs(verify):
    """Squares and absolute values, summed in fractions, are n-ths of what torch sums."""
    rng = np.random.default_rng(0)
    n, q = 5, 3
    Y, F = rng.integers(-5, 6, (2, n, q)) / 4
    squares = sum((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(Y.flat, F.flat, strict=True))
    loss = torch.nn.MSELoss(reduction="sum")
    torch_cost = loss(torch.tensor(F), torch.tensor(Y)).item() / n
    verify.agree(torch_cost, float(squares / n), rtol=1e-14)
    verify.refutes(n * torch_cost, float(squares / n), why="factor n")
    verify.refutes(torch_cost / 2, float(squares / n), why="factor 1/2")
    verify.refutes(torch_cost / q, float(squares / n), why="mean over the outputs")
    verify.refutes(np.linalg.norm(Y - F, axis=1).mean(), float(squares / n), why="norm not squared")
    verify.refutes(np.mean(np.sum((Y + F) ** 2, axis=1)), float(squares / n), why="sign")
    absolute = sum(abs(Fraction(a) - Fraction(b)) for a, b in zip(Y[:, 0], F[:, 0], strict=True))
    theirs = metrics.mean_absolute_error(Y[:, 0], F[:, 0])
    verify.agree(theirs, float(absolute / n), rtol=1e-14)
    verify.refutes(n * theirs, float(absolute / n), why="factor n, absolute loss")


@pytest.mark.verifies(
    "eq-data-model-cost-linear", routes=("a loop over rows in fractions", "numpy's norm")
)
def test_cost_of_a_linear_model(verify):
    """The squared length of y - X theta over n is the mean over the rows."""
    rng = np.random.default_rng(1)
    X, y = rng.integers(-4, 5, (3, 3)).astype(float), rng.integers(-4, 5, 3).astype(float)
    theta = np.array([0.5, -1.25, 2.0])
    rows = [
        (Fraction(v) - sum(Fraction(a) * Fraction(b) for a, b in zip(row, theta, strict=True))) ** 2
        for row, v in zip(X, y, strict=True)
    ]
    right = float(sum(rows) / 3)
    verify.agree(np.linalg.norm(y - X @ theta) ** 2 / 3, right, rtol=1e-14)
    verify.refutes(np.linalg.norm(y - X.T @ theta) ** 2 / 3, right, why="transpose")
    verify.refutes(np.linalg.norm(y - X @ theta) ** 2, right, why="factor n")
    verify.refutes(np.linalg.norm(y - X @ theta) ** 2 / 6, right, why="factor 2")
    verify.refutes(np.linalg.norm(y + X @ theta) ** 2 / 3, right, why="sign")


# Risk and empirical risk.


@pytest.mark.verifies("eq-data-model-cost-risk", routes=("sympy", "quadrature over X and Y"))
def test_risk(verify):
    """For Y = X^2 + noise and g(X) = X the integral in symbols is the one by quadrature."""
    s = 0.3
    x = sympy.symbols("x")
    symbolic = sympy.Rational(9, 100) + sympy.integrate((x**2 - x) ** 2, (x, 0, 1))

    def integral(g, scale=1.0):
        density = stats.norm(0, s).pdf
        return (
            scale
            * integrate.dblquad(
                lambda e, u: (u**2 + e - g(u)) ** 2 * density(e), 0, 1, -8 * s, 8 * s
            )[0]
        )

    verify.agree(integral(lambda u: u), float(symbolic), rtol=1e-12)
    verify.refutes(integral(lambda u: -u), float(symbolic), why="sign")
    verify.refutes(integral(lambda u: u, 0.5), float(symbolic), why="factor 2")
    verify.refutes(integral(lambda u: u**2), float(symbolic), why="noise only")
    verify.refutes(integral(lambda u: u) - s**2, float(symbolic), why="noise forgotten")


SMALL = [
    (0.0, 1.0, Fraction(1, 6)),
    (0.0, 3.0, Fraction(1, 3)),
    (1.0, -1.0, Fraction(1, 4)),
    (1.0, 0.5, Fraction(1, 4)),
]


def absolute_risk(g):
    return float(sum(w * abs(Fraction(y) - Fraction(g(x))) for x, y, w in SMALL))


@pytest.mark.verifies(
    "eq-data-model-cost-empirical-risk",
    "eq-data-model-cost-unbiased",
    routes=("all data sets", "scikit-learn's metric", "the distribution itself"),
)
def test_empirical_risk_of_a_fixed_model(verify):
    """Over all data sets of four draws its mean is the risk, its variance that of a loss over n."""
    n = 4

    def g(x):
        return 2 - x

    mean, square = 0.0, 0.0
    for data, probability in sample_sets(n, SMALL):
        risk = metrics.mean_absolute_error([y for _, y, _ in data], [g(x) for x, _, _ in data])
        mean += probability * risk
        square += probability * risk**2
    loss = np.array([abs(y - g(x)) for x, y, _ in SMALL])
    weight = np.array([float(w) for *_, w in SMALL])
    variance = weight @ loss**2 - (weight @ loss) ** 2
    verify.agree(mean, absolute_risk(g), rtol=1e-13)
    verify.refutes(n * mean, absolute_risk(g), why="sum for mean")
    verify.refutes(mean, absolute_risk(lambda x: x - 2), why="sign of the model")
    verify.agree(square - mean**2, variance / n, rtol=1e-12)
    verify.refutes(square - mean**2, variance, why="factor n")
    verify.refutes(square - mean**2, variance / n**2, why="factor n squared")
    verify.refutes(square - mean**2, variance / (n - 1), why="n - 1 for n")


@pytest.mark.verifies(
    "eq-data-model-cost-optimism", routes=("all data sets, fitted", "the risk of each model")
)
def test_optimism_of_a_fitted_model(verify):
    """Averaged over all data sets, training cost, best risk and risk of the fit stand in order."""
    family = [lambda x, a=a, b=b: a + b * x for a in (0.0, 1.0, 2.0) for b in (-3.0, -1.0, 0.0)]
    training = risk = 0.0
    for data, probability in sample_sets(3, SMALL):
        costs = [np.mean([abs(y - g(x)) for x, y, _ in data]) for g in family]
        training += probability * min(costs)
        risk += probability * absolute_risk(family[int(np.argmin(costs))])
    best = min(absolute_risk(g) for g in family)
    verify.at_most([training, best], [best, risk])
    verify.refutes([best, best], [training, risk], why="training cost not optimistic")
    verify.refutes([training, risk], [best, best], why="the fit at least as good as the best")
    verify.refutes([risk, best], [best, risk], why="training cost and risk exchanged")


@pytest.mark.verifies("eq-data-model-cost-one-constant", routes=("all data sets", "the formula"))
def test_optimism_of_a_mean(verify):
    """Over all data sets of four draws from three values the two means are s^2(1 -+ 1/n)."""
    n, values = 4, [Fraction(-2), Fraction(1), Fraction(5)]
    mu = sum(values) / 3
    s2 = sum((v - mu) ** 2 for v in values) / 3
    training = risk = Fraction(0)
    for data in itertools.product(values, repeat=n):
        mean = sum(data) / n
        training += sum((v - mean) ** 2 for v in data) / n / 3**n
        risk += sum((v - mean) ** 2 for v in values) / 3 / 3**n
    found = [float(training), float(risk)]
    verify.agree(found, [float(s2 * (1 - Fraction(1, n))), float(s2 * (1 + Fraction(1, n)))])
    verify.refutes(found, [float(s2), float(s2)], why="no optimism")
    verify.refutes(found, [float(s2) * (1 + 1 / n), float(s2) * (1 - 1 / n)], why="sign")
    verify.refutes(found, [float(s2) * (1 - 2 / n), float(s2) * (1 + 2 / n)], why="factor 2")
    verify.refutes(
        found, [float(s2) * (1 - 1 / (n - 1)), float(s2) * (1 + 1 / n)], why="n - 1 for n"
    )


# One number for many.


@pytest.mark.verifies("eq-data-model-cost-mean", routes=("quadrature", "moments of scipy"))
def test_mean_square_splits(verify):
    """For a gamma distribution the integral of the square is the variance plus a square."""
    gamma, c = stats.gamma(2.5, scale=0.7), 0.4
    cost = integrate.quad(lambda y: (y - c) ** 2 * gamma.pdf(y), 0, 60, limit=200)[0]
    mean, variance = gamma.mean(), gamma.var()
    verify.agree(cost, variance + (mean - c) ** 2, rtol=1e-13)
    verify.refutes(cost, variance - (mean - c) ** 2, why="sign")
    verify.refutes(cost, variance + abs(mean - c), why="square forgotten")
    verify.refutes(cost, variance + (gamma.median() - c) ** 2, why="median for mean")
    verify.refutes(cost, variance + 2 * (mean - c) ** 2, why="factor 2")


@pytest.mark.verifies(
    "eq-data-model-cost-pinball", routes=("scikit-learn", "dlmath.learning", "two cases")
)
def test_pinball(verify):
    """The two cases, written out, are scikit-learn's loss and dlmath's."""
    y, c, tau = np.array([0.2, 1.5, -0.7, 3.0]), 0.9, 0.3

    def cases(up, down):
        return sum(up * (v - c) if v >= c else down * (c - v) for v in y) / 4

    for theirs in (
        metrics.mean_pinball_loss(y, np.full(4, c), alpha=tau),
        pinball_cost(y, c, tau),
    ):
        verify.agree(theirs, cases(tau, 1 - tau), rtol=1e-14)
        verify.refutes(theirs, cases(1 - tau, tau), why="tau exchanged")
        verify.refutes(theirs, cases(2 * tau, 2 * (1 - tau)), why="factor 2")
        verify.refutes(theirs, cases(tau, tau - 1), why="sign")
    verify.agree(pinball_cost(y, c), metrics.mean_absolute_error(y, np.full(4, c)) / 2, rtol=1e-14)
    verify.refutes(
        pinball_cost(y, c),
        metrics.mean_absolute_error(y, np.full(4, c)),
        why="half of the absolute error",
    )


@pytest.mark.verifies(
    "eq-data-model-cost-quantile-difference", routes=("expectations", "integral of F - tau")
)
@pytest.mark.parametrize("tau", [0.2, 0.7])
def test_difference_of_pinball_costs(verify, tau):
    """For exponential and for discrete Y the difference of two costs is an integral of F - tau."""
    a, b = 0.3, 2.2
    law = stats.expon(scale=1.3)

    def cost(c, tau=tau):
        below = integrate.quad(lambda y: (1 - tau) * (c - y) * law.pdf(y), 0, c)[0]
        return below + integrate.quad(lambda y: tau * (y - c) * law.pdf(y), c, 80, limit=200)[0]

    difference = cost(b) - cost(a)
    verify.agree(difference, integrate.quad(lambda t: law.cdf(t) - tau, a, b)[0], rtol=1e-13)
    verify.refutes(difference, integrate.quad(lambda t: tau - law.cdf(t), a, b)[0], why="sign")
    verify.refutes(
        difference, integrate.quad(lambda t: law.cdf(t) - 1 + tau, a, b)[0], why="1 - tau for tau"
    )
    verify.refutes(
        difference, integrate.quad(lambda t: 2 * (law.cdf(t) - tau), a, b)[0], why="factor 2"
    )
    values = np.array([-1.0, 0.5, 0.5, 4.0])
    # F is a quarter up to 0.5 and three quarters from there on.
    by_hand = (0.5 - 0.3) * (0.25 - tau) + (2.2 - 0.5) * (0.75 - tau)
    verify.agree(pinball_cost(values, b, tau) - pinball_cost(values, a, tau), by_hand, rtol=1e-12)
    verify.refutes(
        pinball_cost(values, a, tau) - pinball_cost(values, b, tau), by_hand, why="sign, discrete"
    )


@pytest.mark.verifies(
    "eq-data-model-cost-median", routes=("a search among fractions", "the definition of a median")
)
@pytest.mark.parametrize(
    ("values", "medians"), [((0, 1, 3, 7), (1, 3)), ((0, 1, 1, 7, 9), (1, 1)), ((2, 2, 5), (2, 2))]
)
def test_medians_minimise_the_absolute_error(verify, values, medians):
    """Among quarters the minimisers of the mean distance have half the weight on either side."""
    grid = [Fraction(k, 4) for k in range(-4, 41)]
    n = len(values)
    cost = [sum(abs(v - c) for v in values) for c in grid]
    found = [float(c == min(cost)) for c in cost]

    def quantiles(level):
        return [
            float(
                sum(v <= c for v in values) >= level * n
                and sum(v >= c for v in values) >= (1 - level) * n
            )
            for c in grid
        ]

    verify.agree(found, quantiles(Fraction(1, 2)))
    verify.refutes(found, quantiles(Fraction(9, 10)), why="another quantile")
    verify.refutes(found, [float(c == Fraction(sum(values), n)) for c in grid], why="the mean")
    worst = [float(c == max(cost)) for c in cost]
    verify.refutes(worst, quantiles(Fraction(1, 2)), why="sign of the cost")
    ends = [float(c) for c, best in zip(grid, found, strict=True) if best]
    verify.agree([ends[0], ends[-1]], [float(m) for m in medians])
    verify.refutes([ends[0], ends[-1]], [float(m) + 0.25 for m in medians], why="next quarter")


# The projection lemma.


@pytest.mark.verifies(
    "eq-data-model-cost-conditional", routes=("the defining equations", "means at each x")
)
def test_conditional_expectation(verify):
    """The equations for three functions h determine m, and it is the mean at each x."""
    tests = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 2.0], [0.3, -1.0, 0.7]])
    # E[Y h(X)] = sum_x m(x) h(x) P(X = x), for each component of Y.
    left = np.array([mean_over(OUT * h[AT][:, np.newaxis]) for h in tests])
    chance = np.array([WEIGHT[x == AT].sum() for x in range(3)])
    solved = np.linalg.solve(tests * chance, left)
    verify.agree(solved, conditional_means(), rtol=1e-13, atol=1e-15)
    verify.refutes(-solved, conditional_means(), why="sign")
    verify.refutes(np.linalg.solve(tests, left), conditional_means(), why="weights of x forgotten")
    plain = np.array([OUT[x == AT].mean(axis=0) for x in range(3)])
    verify.refutes(plain, conditional_means(), why="weights of y forgotten")
    verify.refutes(np.tile(mean_over(OUT), (3, 1)), conditional_means(), why="not conditional")
    # Two correlated normal variables: m is a line; the test function is none of its kind.
    rho, h = 0.6, np.cos
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    x, e = np.meshgrid(nodes, nodes, indexing="ij")
    y = rho * x + np.sqrt(1 - rho**2) * e
    both = np.outer(weights, weights)
    shifted = np.sum(both * y * h(x + 1))
    right = np.sum(weights * rho * nodes * h(nodes + 1))
    verify.agree(shifted, right, rtol=1e-14)
    verify.refutes(np.sum(both * x * h(y + 1) / rho), right, why="x and y exchanged")


@pytest.mark.verifies(
    "eq-data-model-cost-projection",
    "eq-data-model-cost-orthogonal",
    routes=(
        "sums over a joint distribution",
        "Gauss-Hermite quadrature",
        "cos and sin in closed form",
    ),
)
def test_projection(verify):
    """Cost = noise + misfit for vectors on seven atoms, and for a normal X with unequal noise."""
    m = conditional_means()
    cost = mean_over(np.sum((OUT - G[AT]) ** 2, axis=1))
    noise = mean_over(np.sum((OUT - m[AT]) ** 2, axis=1))
    misfit = mean_over(np.sum((m[AT] - G[AT]) ** 2, axis=1))
    verify.agree(cost, noise + misfit, rtol=1e-13)
    verify.refutes(cost, noise - misfit, why="sign")
    verify.refutes(cost, noise + 2 * misfit, why="factor 2")
    verify.refutes(cost, noise + np.sqrt(misfit), why="square forgotten")
    flat = mean_over(OUT)
    wrong = mean_over(np.sum((OUT - flat) ** 2, axis=1)) + mean_over(
        np.sum((flat - G[AT]) ** 2, axis=1)
    )
    verify.refutes(cost, wrong, why="mean of Y for the conditional mean")
    left = mean_over(np.sum((OUT - m[AT]) * G[AT], axis=1))
    verify.agree(left, 0.0, atol=1e-14)
    verify.refutes(mean_over(np.sum((OUT + m[AT]) * G[AT], axis=1)), 0.0, why="sign, orthogonal")
    verify.refutes(mean_over(np.sum((OUT - m[AT]) * OUT, axis=1)), 0.0, why="a function of Y")

    # Y = cos X + (1 + X^2)^{1/2} e with normal X and e; g(X) = X: unbounded, unequal noise.
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    x, e = np.meshgrid(nodes, nodes, indexing="ij")
    by_quadrature = np.sum(
        np.outer(weights, weights) * (np.cos(x) + np.sqrt(1 + x**2) * e - x) ** 2
    )
    # E(1 + X^2) = 2; E(cos X - X)^2 = (1 + e^-2)/2 + 1, since E[X cos X] = 0.
    closed = 2 + (1 + np.exp(-2)) / 2 + 1
    verify.agree(by_quadrature, closed, rtol=1e-14)
    verify.refutes(by_quadrature, closed - 2, why="noise left out")
    verify.refutes(by_quadrature, 2 - (closed - 2), why="sign, normal")


@pytest.mark.verifies(
    "eq-data-model-cost-regression", routes=("descent on a table g", "means at each x")
)
def test_regression_function(verify):
    """A search over all functions of three inputs ends at the conditional means."""

    def cost(table):
        return mean_over(np.sum((OUT - table.reshape(3, 2)[AT]) ** 2, axis=1))

    found = optimize.minimize(cost, np.zeros(6), tol=1e-12).x.reshape(3, 2)
    verify.agree(found, conditional_means(), atol=1e-6)
    verify.refutes(-found, conditional_means(), why="sign")
    verify.refutes(np.tile(mean_over(OUT), (3, 1)), conditional_means(), why="a constant")

    def absolute(table):
        return mean_over(np.sum(np.abs(OUT - table.reshape(3, 2)[AT]), axis=1))

    start = conditional_means().ravel()
    other = optimize.minimize(absolute, start, method="Nelder-Mead", options={"maxiter": 4000}).x
    verify.refutes(other.reshape(3, 2), conditional_means(), why="absolute loss")


@pytest.mark.verifies(
    "eq-data-model-cost-variance", routes=("numpy's covariance", "conditional variances and means")
)
def test_variance_splits(verify):
    """The trace of the covariance is the mean of the variances plus the variance of the means."""
    counts = np.array([int(12 * w) for *_, w in ATOMS])
    copies, x = np.repeat(OUT, counts, axis=0), np.repeat(AT, counts)
    total = np.trace(np.cov(copies.T, bias=True))
    share = np.array([np.mean(x == k) for k in range(3)])
    inside = share @ [copies[x == k].var(axis=0).sum() for k in range(3)]
    means = np.array([copies[x == k].mean(axis=0) for k in range(3)])
    between = share @ np.sum((means - share @ means) ** 2, axis=1)
    verify.agree(total, inside + between, rtol=1e-13)
    verify.refutes(total, inside - between, why="sign")
    verify.refutes(total, inside, why="means forgotten")
    verify.refutes(total, inside + means.var(axis=0).sum(), why="weights forgotten")
    verify.refutes(total, (inside + between) * 12 / 11, why="n - 1 for n")


def network(x, theta):
    """Give two outputs from two parameters, so that the matrix of derivatives is square."""
    return torch.stack(
        [torch.tanh(theta[0] * x + theta[1]), theta[1] * x**2 + torch.sin(theta[0])], dim=-1
    )


@pytest.mark.verifies(
    "eq-data-model-cost-target",
    "eq-data-model-cost-target-gradient",
    routes=("noisy targets, atom by atom", "conditional means", "torch"),
)
def test_noisy_target(verify):
    """For a nonlinear model the costs differ by K at every theta, and the gradients not at all."""
    m = torch.tensor(conditional_means())[torch.tensor(AT)]
    x, out = torch.tensor(AT, dtype=torch.float64), torch.tensor(OUT)
    weight = torch.tensor(WEIGHT)

    def cost(target, theta):
        return torch.sum(weight * torch.sum((target - network(x, theta)) ** 2, dim=1))

    K = torch.sum(weight * torch.sum((out - m) ** 2, dim=1)).item()
    rng = np.random.default_rng(2)
    thetas = [torch.tensor(t, requires_grad=True) for t in rng.normal(size=(4, 2))]
    noisy = [cost(out, t) for t in thetas]
    clean = [cost(m, t) for t in thetas]
    values = np.array([c.item() for c in clean])
    verify.agree([c.item() for c in noisy], values + K, rtol=1e-13)
    verify.refutes([c.item() for c in noisy], values - K, why="sign of K")
    verify.refutes([c.item() for c in noisy], values, why="K forgotten")
    verify.refutes([cost(out + 0.1, t).item() for t in thetas], values + K, why="biased target")

    def gradients(costs):
        pairs = zip(costs, thetas, strict=True)
        return np.array([torch.autograd.grad(c, t, retain_graph=True)[0].numpy() for c, t in pairs])

    noisy_gradient = gradients(noisy)
    verify.agree(noisy_gradient, gradients(clean), rtol=1e-12, atol=1e-13)
    verify.refutes(-noisy_gradient, gradients(clean), why="sign of the gradient")
    verify.refutes(2 * noisy_gradient, gradients(clean), why="factor 2")
    shifted = gradients([cost(out + 0.1, t) for t in thetas])
    verify.refutes(shifted, gradients(clean), why="biased target, gradient")


@pytest.mark.verifies(
    "eq-data-model-cost-target-sample",
    routes=("torch, averaged over the targets", "-2 J^T (m - f)"),
)
def test_gradient_of_a_sample(verify):
    """At each x the mean gradient over the targets is the one of the conditional mean."""
    theta = torch.tensor([0.4, -0.9], dtype=torch.float64, requires_grad=True)
    m = conditional_means()
    averaged, formula, transposed = [], [], []
    for k in range(3):
        x = torch.tensor(float(k), dtype=torch.float64)
        here = k == AT
        shares = WEIGHT[here] / WEIGHT[here].sum()
        each = []
        for target in OUT[here]:
            loss = torch.sum((torch.tensor(target) - network(x, theta)) ** 2)
            each.append(torch.autograd.grad(loss, theta)[0].numpy())
        averaged.append(shares @ np.array(each))
        J = torch.autograd.functional.jacobian(lambda t, x=x: network(x, t), theta).numpy()
        gap = m[k] - network(x, theta).detach().numpy()
        formula.append(-2 * J.T @ gap)
        transposed.append(-2 * J @ gap)
    verify.agree(averaged, formula, rtol=1e-12, atol=1e-13)
    verify.refutes(averaged, np.negative(formula), why="sign")
    verify.refutes(averaged, np.array(formula) / 2, why="factor 2")
    verify.refutes(averaged, transposed, why="transpose")


# Where costs come from.


@pytest.mark.verifies("eq-data-model-cost-likelihood", routes=("the product itself", "scipy"))
def test_likelihood(verify):
    """The logarithm of a product of densities, over n, is the mean of scipy's logarithms."""
    y, mean = np.array([0.3, -1.2, 2.0, 0.1]), np.array([0.0, -1.0, 1.0, 1.0])
    product = np.prod(np.exp(-((y - mean) ** 2) / 2) / np.sqrt(2 * np.pi))
    cost = -np.mean(stats.norm.logpdf(y, mean))
    verify.agree(cost, -np.log(product) / 4, rtol=1e-13)
    verify.refutes(cost, np.log(product) / 4, why="sign")
    verify.refutes(cost, -np.log(product), why="factor n")
    verify.refutes(cost, -np.log(product) / 2, why="factor 2")


@pytest.mark.verifies(
    "eq-data-model-cost-gaussian", routes=("scipy's multivariate normal", "the formula")
)
def test_gaussian_noise(verify):
    """Minus scipy's logarithm in three dimensions is the square over 2 s^2 plus a constant."""
    y, f, s, q = np.array([0.4, -1.0, 2.2]), np.array([0.0, 0.5, 1.0]), 0.6, 3
    logarithm = -stats.multivariate_normal(f, s**2 * np.eye(3)).logpdf(y)
    square = np.sum((y - f) ** 2)
    constant = q / 2 * np.log(2 * np.pi * s**2)
    verify.agree(logarithm, square / (2 * s**2) + constant, rtol=1e-13)
    verify.refutes(logarithm, square / s**2 + constant, why="factor 2")
    verify.refutes(logarithm, square / (2 * s) + constant, why="s for s squared")
    verify.refutes(logarithm, square / (2 * s**2) + constant / q, why="factor q")
    verify.refutes(logarithm, square / (2 * s**2) - constant, why="sign of the constant")


@pytest.mark.verifies("eq-data-model-cost-laplace", routes=("scipy's Laplace", "the formula"))
def test_laplace_noise(verify):
    """Minus scipy's logarithm is the distance over b plus log 2b; the density sums to one."""
    y, f, b = 1.7, 0.4, 0.8
    logarithm = -stats.laplace(f, b).logpdf(y)
    verify.agree(logarithm, abs(y - f) / b + np.log(2 * b), rtol=1e-13)
    verify.refutes(logarithm, abs(y - f) / b + np.log(b), why="factor 2 in the logarithm")
    verify.refutes(logarithm, abs(y - f) / (2 * b) + np.log(2 * b), why="factor 2")
    verify.refutes(logarithm, abs(y - f) * b + np.log(2 * b), why="b inverted")
    mass = integrate.quad(lambda t: 2 * np.exp(-t / b - np.log(2 * b)), 0, 60)[0]
    verify.agree(mass, 1.0, rtol=1e-12)
    verify.refutes(mass, 2.0, why="normalisation")


@pytest.mark.verifies(
    "eq-data-model-cost-cross-entropy", routes=("torch", "scikit-learn", "scipy's Bernoulli")
)
def test_cross_entropy(verify):
    """The sum over classes is torch's loss; with two classes it is Bernoulli's logarithm."""
    scores = torch.tensor([[0.3, -1.2, 0.9, 0.0]], dtype=torch.float64)
    shares = torch.softmax(scores, dim=1).numpy()[0]
    truth = np.array([0.0, 0.0, 1.0, 0.0])
    theirs = torch.nn.functional.cross_entropy(scores, torch.tensor([2])).item()
    verify.agree(theirs, -np.sum(truth * np.log(shares)), rtol=1e-13)
    verify.refutes(theirs, np.sum(truth * np.log(shares)), why="sign")
    verify.refutes(theirs, -np.sum(truth * np.log(shares)) / 4, why="mean over the classes")
    verify.refutes(theirs, -np.sum(np.log(shares)), why="all classes")
    y, guess = np.array([1, 0, 0, 1]), np.array([0.8, 0.3, 0.6, 0.4])

    def two(y, p):
        return -y * np.log(p) - (1 - y) * np.log(1 - p)

    verify.agree(two(y, guess), -stats.bernoulli.logpmf(y, guess), rtol=1e-13)
    verify.refutes(two(1 - y, guess), -stats.bernoulli.logpmf(y, guess), why="classes exchanged")
    verify.refutes(-two(y, guess), -stats.bernoulli.logpmf(y, guess), why="sign, two classes")
    verify.agree(metrics.log_loss(y, guess), np.mean(two(y, guess)), rtol=1e-13)
    verify.refutes(metrics.log_loss(y, guess), np.sum(two(y, guess)), why="factor n")


P, Q = np.array([0.5, 0.2, 0.3, 0.0]), np.array([0.1, 0.4, 0.25, 0.25])


@pytest.mark.verifies(
    "eq-data-model-cost-kl", routes=("scipy's entropy", "quadrature", "two normal distributions")
)
def test_kl(verify):
    """The sum is that of scipy, and the integral for normal densities has its closed form."""
    inside = P > 0
    by_hand = sum(p * (np.log(p) - np.log(q)) for p, q in zip(P[inside], Q[inside], strict=True))
    verify.agree(stats.entropy(P, Q), by_hand, rtol=1e-13)
    verify.refutes(-stats.entropy(P, Q), by_hand, why="sign")
    verify.refutes(stats.entropy(P, Q, base=2), by_hand, why="base of the logarithm")
    weighted = np.sum((Q * np.log(np.where(inside, P, 1) / Q))[inside])
    verify.refutes(weighted, by_hand, why="weights q for p")
    p, q = stats.norm(0.3, 0.8), stats.norm(-0.5, 1.1)
    integral = integrate.quad(lambda y: p.pdf(y) * (p.logpdf(y) - q.logpdf(y)), -12, 12)[0]
    closed = np.log(1.1 / 0.8) + (0.8**2 + 0.8**2) / (2 * 1.1**2) - 0.5
    verify.agree(integral, closed, rtol=1e-10)
    verify.refutes(
        integral,
        np.log(0.8 / 1.1) + (1.1**2 + 0.8**2) / (2 * 0.8**2) - 0.5,
        why="p and q exchanged",
    )
    verify.refutes(2 * integral, closed, why="factor 2")


@pytest.mark.verifies(
    "eq-data-model-cost-gibbs", routes=("random pairs", "a search over the simplex")
)
def test_gibbs(verify):
    """No pair of distributions has a negative divergence, and the nearest one to p is p."""
    rng = np.random.default_rng(3)
    pairs = rng.dirichlet(np.ones(4), size=(2, 300))
    divergence = np.array([np.sum(special.rel_entr(p, q)) for p, q in zip(*pairs, strict=True)])
    verify.at_most(np.zeros(300), divergence, atol=1e-15)
    verify.refutes(np.zeros(300), -divergence, why="sign")
    heavy = np.array([np.sum(special.rel_entr(p, 1.3 * q)) for p, q in zip(*pairs, strict=True)])
    verify.refutes(np.zeros(300), heavy, why="q not normalised")
    p = pairs[0, 0]
    found = optimize.minimize(
        lambda t: np.sum(special.rel_entr(p, special.softmax(t))), np.zeros(4), tol=1e-12
    )
    verify.agree(special.softmax(found.x), p, atol=1e-5)
    verify.refutes(np.full(4, 0.25), p, why="equality at another q")
    verify.agree(found.fun, 0.0, atol=1e-10)
    verify.refutes(divergence[0], 0.0, why="equality for p other than q")


@pytest.mark.verifies(
    "eq-data-model-cost-entropy-kl", routes=("expectation of -log q", "scipy's entropies")
)
def test_cross_entropy_splits(verify):
    """The mean of -log q is entropy plus divergence, for outcomes and for a density."""
    cost = -np.sum(P * np.log(Q))
    entropy, divergence = stats.entropy(P), stats.entropy(P, Q)
    verify.agree(cost, entropy + divergence, rtol=1e-13)
    verify.refutes(cost, entropy - divergence, why="sign")
    verify.refutes(cost, divergence - entropy, why="sign of the entropy")
    backwards = np.sum(special.rel_entr(Q[:3] / Q[:3].sum(), P[:3]))
    verify.refutes(cost, entropy + backwards, why="p and q exchanged")
    verify.refutes(cost, stats.entropy(Q) + divergence, why="entropy of the model")
    p, q = stats.gamma(2.0), stats.expon(scale=1.5)
    by_quadrature = integrate.quad(lambda y: -p.pdf(y) * q.logpdf(y), 0, 80)[0]
    gap = integrate.quad(lambda y: p.pdf(y) * (p.logpdf(y) - q.logpdf(y)), 1e-12, 80, limit=200)[0]
    verify.agree(by_quadrature, float(p.entropy()) + gap, rtol=1e-7)
    verify.refutes(by_quadrature, float(p.entropy()) - gap, why="sign, density")


@pytest.mark.verifies(
    "eq-data-model-cost-log-risk", routes=("sums over the joint distribution", "scipy at each x")
)
def test_log_risk_splits(verify):
    """With an input, cross-entropy is the mean entropy plus the mean divergence at each x."""
    joint = np.array([[0.1, 0.25, 0.05], [0.3, 0.1, 0.2]])
    model = np.array([[0.3, 0.3, 0.4], [0.6, 0.3, 0.1]])
    cost = -np.sum(joint * np.log(model))
    chance = joint.sum(axis=1)
    truth = joint / chance[:, np.newaxis]
    entropy = chance @ [stats.entropy(row) for row in truth]
    divergence = np.array([stats.entropy(p, q) for p, q in zip(truth, model, strict=True)])
    verify.agree(cost, entropy + chance @ divergence, rtol=1e-13)
    verify.refutes(cost, entropy - chance @ divergence, why="sign")
    verify.refutes(cost, entropy + divergence.mean(), why="weights of x forgotten")
    verify.refutes(cost, stats.entropy(joint.ravel()) + chance @ divergence, why="joint entropy")
    marginal = joint.sum(axis=0)
    verify.refutes(cost, stats.entropy(marginal) + chance @ divergence, why="not conditional")


# One step downhill.


@pytest.mark.verifies(
    "eq-data-model-cost-step", routes=("torch.optim.SGD", "dlmath.learning.descend")
)
def test_steps_downhill(verify):
    """Ten steps on Rosenbrock's valley are torch's."""
    eta = 0.001

    def cost(t):
        return (1 - t[0]) ** 2 + 100 * (t[1] - t[0] ** 2) ** 2

    theta = torch.tensor([-1.0, 0.8], dtype=torch.float64, requires_grad=True)
    optimizer, walk = torch.optim.SGD([theta], lr=eta), [theta.detach().numpy().copy()]
    for _ in range(10):
        optimizer.zero_grad()
        cost(theta).backward()
        optimizer.step()
        walk.append(theta.detach().numpy().copy())

    def gradient(t, factor=1.0):
        slope = -2 * (1 - t[0]) - 400 * t[0] * (t[1] - t[0] ** 2)
        return factor * np.array([slope, 200 * (t[1] - t[0] ** 2)])

    start = np.array([-1.0, 0.8])
    verify.agree(walk, descend(gradient, start, eta, 10), rtol=1e-12)
    verify.refutes(walk, descend(lambda t: gradient(t, -1.0), start, eta, 10), why="uphill")
    verify.refutes(walk, descend(lambda t: gradient(t, 2.0), start, eta, 10), why="factor 2")


@pytest.mark.verifies("eq-data-model-cost-parabola", routes=("sympy", "the formula"))
def test_parabola(verify):
    """The cost of one slope, expanded in symbols, is a parabola with the curvature 2h."""
    n, theta = 3, sympy.symbols("theta", real=True)
    x, y = sympy.symbols(f"x:{n}", real=True), sympy.symbols(f"y:{n}", real=True)
    cost = sum((v - theta * u) ** 2 for u, v in zip(x, y, strict=True)) / n
    best = sum(u * v for u, v in zip(x, y, strict=True)) / sum(u**2 for u in x)

    def parabola(h):
        return h * (theta - best) ** 2 + cost.subs(theta, best)

    h = sum(u**2 for u in x) / n
    verify.identical(cost, parabola(h))
    verify.refutes(cost, parabola(n * h), why="factor n")
    verify.refutes(cost, parabola(2 * h), why="factor 2")
    verify.refutes(cost, parabola(-h), why="sign")
    verify.identical(sympy.diff(cost, theta), 2 * h * (theta - best))
    verify.refutes(sympy.diff(cost, theta), h * (theta - best), why="factor 2 of the slope")


@pytest.mark.verifies(
    "eq-data-model-cost-contraction",
    "eq-data-model-cost-step-limit",
    routes=("walks in fractions", "the powers", "dlmath.learning.descend"),
)
def test_contraction(verify):
    """Walks in fractions shrink by powers of 1 - 2 eta h, and arrive where eta is below 1/h."""
    x, y = [Fraction(1), Fraction(-2), Fraction(3)], [Fraction(2), Fraction(-1), Fraction(4)]
    h = sum(u * u for u in x) / 3
    best = sum(u * v for u, v in zip(x, y, strict=True)) / sum(u * u for u in x)

    def slope(theta):
        return sum(-2 * u * (v - theta * u) for u, v in zip(x, y, strict=True)) / 3

    def walk(eta, steps, theta=Fraction(7)):
        for _ in range(steps):
            theta = theta - eta * slope(theta)
        return theta - best

    eta, k = Fraction(1, 7), 5
    start = Fraction(7) - best
    verify.agree(float(walk(eta, k)), float((1 - 2 * eta * h) ** k * start), rtol=1e-15)
    verify.refutes(float(walk(eta, k)), float((1 - eta * h) ** k * start), why="factor 2")
    verify.refutes(float(walk(eta, k)), float((1 + 2 * eta * h) ** k * start), why="sign")
    verify.refutes(float(walk(eta, k)), float((1 - 6 * eta * h) ** k * start), why="factor n")
    verify.refutes(float(walk(eta, k)), float((1 - 2 * eta * h) ** (k - 1) * start), why="a step")
    shares = [Fraction(s, 20) for s in (1, 9, 10, 11, 19, 21, 30, 39, 41)]
    arrives = [
        float(
            abs(
                descend(lambda t: np.array([float(slope(t[0]))]), [7.0], float(s / h), 400)[-1][0]
                - float(best)
            )
            < 1e-6
        )
        for s in shares
    ]
    verify.agree(arrives, [float(s < 1) for s in shares])
    verify.refutes(arrives, [float(s < 2) for s in shares], why="2/h for 1/h")
    verify.refutes(arrives, [float(s < Fraction(1, 2)) for s in shares], why="1/(2h) for 1/h")
    verify.refutes(arrives, [float(s > 1) for s in shares], why="longer steps")
    verify.agree(arrives, [float(abs(1 - 2 * s) < 1) for s in shares])
    verify.refutes(
        arrives, [float(abs(1 - s) < 1) for s in shares], why="factor 2 in the condition"
    )


@pytest.mark.verifies(
    "eq-data-model-cost-minibatch", routes=("torch on the batch", "dlmath.learning.minibatch")
)
def test_minibatch_gradient(verify):
    """A batch's gradient is the mean of its samples'; the mean over all batches is the full one."""
    rng = np.random.default_rng(4)
    X, y, theta = rng.normal(size=(7, 2)), rng.normal(size=7), np.array([0.3, -0.8])
    each = 2 * (X @ theta - y)[:, np.newaxis] * X

    def gradient(t, rows):
        return 2 * X[rows].T @ (X[rows] @ t - y[rows]) / len(rows)

    ours = minibatch(gradient, 7, 3, np.random.default_rng(5))(theta)
    rows = np.random.default_rng(5).choice(7, 3, replace=False)
    t = torch.tensor(theta, requires_grad=True)
    cost = torch.mean((torch.tensor(y[rows]) - torch.tensor(X[rows]) @ t) ** 2)
    theirs = torch.autograd.grad(cost, t)[0].numpy()
    verify.agree(theirs, each[rows].mean(axis=0), rtol=1e-13)
    verify.refutes(theirs, each[rows].sum(axis=0), why="factor B")
    verify.refutes(theirs, each[rows].sum(axis=0) / 7, why="n for B")
    verify.refutes(theirs, -each[rows].mean(axis=0), why="sign")
    verify.agree(ours, theirs, rtol=1e-13)
    verify.refutes(2 * ours, theirs, why="factor 2")
    everyone = [each[list(s)].mean(axis=0) for s in itertools.combinations(range(7), 3)]
    verify.agree(np.mean(everyone, axis=0), each.mean(axis=0), rtol=1e-12)
    verify.refutes(np.mean(everyone, axis=0), each.sum(axis=0), why="factor n")


@pytest.mark.verifies(
    "eq-data-model-cost-minibatch-covariance",
    "eq-data-model-cost-inclusion",
    routes=("all subsets", "the formula", "dlmath.learning.minibatch_covariance"),
)
@pytest.mark.parametrize("B", [2, 5])
def test_minibatch_covariance(verify, B):
    """Over all subsets of seven samples the covariances are those of the theorem."""
    n = 7
    g = np.random.default_rng(6).normal(size=(n, 3)) + 1
    subsets = list(itertools.combinations(range(n), B))
    inside = np.array([[float(i in s) for i in range(n)] for s in subsets])
    joint = np.cov(inside.T, bias=True)
    verify.agree(np.diag(joint), np.full(n, B * (n - B) / n**2), rtol=1e-12)
    verify.refutes(np.diag(joint), np.full(n, B / n), why="mean for variance")
    pair = -B * (n - B) / (n**2 * (n - 1))
    verify.agree(joint[0, 1:], np.full(n - 1, pair), rtol=1e-12)
    verify.refutes(joint[0, 1:], np.full(n - 1, -pair), why="sign")
    verify.refutes(joint[0, 1:], np.zeros(n - 1), why="independent draws")
    verify.refutes(joint[0, 1:], np.full(n - 1, pair * (n - 1) / n), why="n for n - 1, pairs")

    means = np.array([g[list(s)].mean(axis=0) for s in subsets])
    found = np.cov(means.T, bias=True)
    sigma = np.cov(g.T, bias=True)
    verify.agree(found, sigma / B * (n - B) / (n - 1), rtol=1e-11)
    verify.refutes(found, sigma / B, why="with replacement")
    verify.refutes(found, sigma / B * (n - B) / n, why="n for n - 1")
    verify.refutes(found, sigma * (n - B) / (n - 1), why="factor B")
    verify.refutes(found, g.T @ g / n / B * (n - B) / (n - 1), why="not centred")
    verify.agree(minibatch_covariance(g, B), found, rtol=1e-11)
    verify.refutes(2 * minibatch_covariance(g, B), found, why="factor 2")


@pytest.mark.verifies(
    "eq-data-model-cost-test-bar", routes=("all test sets", "scipy's standard error")
)
def test_standard_error_of_a_test(verify):
    """v/n_t is unbiased for the variance of the mean loss, and its root is scipy's."""
    losses, n = np.array([0.0, 0.5, 3.0]), 4
    true = losses.var() / n
    sets = np.array(list(itertools.product(losses, repeat=n)))
    v = np.sum((sets - sets.mean(axis=1, keepdims=True)) ** 2, axis=1) / (n - 1)
    verify.agree(np.mean(v / n), true, rtol=1e-12)
    verify.refutes(np.mean(v / n) * (n - 1) / n, true, why="n for n - 1")
    verify.refutes(np.mean(v), true, why="factor n")
    verify.refutes(np.mean(np.sqrt(v / n)), true, why="root of the variance")
    bars = stats.sem(sets, axis=1)
    verify.agree(np.sqrt(v / n), bars, rtol=1e-12)
    verify.refutes(np.sqrt(v) / n, bars, why="n outside the root")


# The bound.


@pytest.mark.verifies(
    "eq-data-model-cost-hoeffding-lemma", routes=("exact means over outcomes", "the bound")
)
def test_hoeffding_lemma(verify):
    """For coins of all kinds and for other laws on [0, 1] the mean stays below e^(lambda^2/8)."""
    lam = np.linspace(-4, 4, 81)
    laws = [(np.array([0.0, 1.0]), np.array([1 - p, p])) for p in (0.1, 0.3, 0.5, 0.9)]
    laws.append((np.array([0.0, 0.2, 0.7, 1.0]), np.array([0.1, 0.4, 0.2, 0.3])))

    def means(centre=1.0):
        return np.array([np.exp(np.outer(lam, u - centre * (w @ u))) @ w for u, w in laws])

    bound = np.tile(np.exp(lam**2 / 8), (len(laws), 1))
    verify.at_most(means(), bound, atol=1e-14)
    verify.refutes(means(), np.tile(np.exp(lam**2 / 16), (5, 1)), why="factor 2 in the exponent")
    verify.refutes(means(), np.tile(np.exp(-(lam**2) / 8), (5, 1)), why="sign")
    verify.refutes(means(centre=0.0), bound, why="not centred")
    # Sharp for a fair coin: log cosh(lambda/2) = lambda^2/8 + O(lambda^4).
    t = sympy.symbols("t")
    coin = sympy.log((sympy.exp(-t / 2) + sympy.exp(t / 2)) / 2)
    second = sympy.simplify(sympy.diff(coin, t, 2).subs(t, 0))
    verify.identical(second, sympy.Rational(1, 4))
    verify.refutes(second, sympy.Rational(1, 8), why="curvature of half the bound")


@pytest.mark.verifies(
    "eq-data-model-cost-hoeffding", routes=("binomial tails of independent models", "the bound")
)
def test_many_models(verify):
    """The exact chance that one of M coins strays stays below the bound, which is nearly needed."""

    def chance(n, eps, models, p=0.5):
        law = stats.binom(n, p)
        k = np.arange(n + 1)
        one = np.sum(law.pmf(k)[np.abs(k / n - p) >= eps - 1e-12])
        return 1 - (1 - one) ** models

    cases = [(1, 0.5, 1), (20, 0.25, 1), (20, 0.25, 10), (60, 0.2, 100), (200, 0.1, 5)]
    exact = np.array([chance(*case) for case in cases])
    exact_uneven = np.array([chance(*case, p=0.3) for case in cases])

    def bound(front=2.0, rate=2.0, count=True):
        return np.array(
            [front * (m if count else 1) * np.exp(-rate * n * e**2) for n, e, m in cases]
        )

    verify.at_most(exact, bound())
    verify.refutes(exact, bound(front=1.0), why="factor 2: one side only")
    verify.refutes(exact, bound(rate=4.0), why="factor 2 in the exponent")
    verify.refutes(exact, bound(count=False), why="number of models forgotten")
    verify.at_most(exact_uneven, bound())


@pytest.mark.verifies(
    "eq-data-model-cost-bound", routes=("a root of the tail", "dlmath.learning.uniform_bound")
)
def test_bound_for_all_models(verify):
    """The deviation at which the tail's bound is delta is the root of a logarithm."""
    cases = [(50, 1, 0.05), (94, 6, 0.05), (2000, 1000, 0.01)]
    solved = [
        optimize.brentq(lambda e, c=c: np.log(2 * c[1] / c[2]) - 2 * c[0] * e**2, 0, 10, xtol=1e-14)
        for c in cases
    ]

    def formula(inside=2.0, below=2.0):
        return [np.sqrt(np.log(inside * m / d) / (below * n)) for n, m, d in cases]

    verify.agree([uniform_bound(*c) for c in cases], solved, rtol=1e-11)
    verify.agree(formula(), solved, rtol=1e-11)
    verify.refutes(formula(inside=1.0), solved, why="factor 2 in the logarithm")
    verify.refutes(formula(below=1.0), solved, why="factor 2 below")
    verify.refutes(
        [np.sqrt(2 * n) * v for (n, *_), v in zip(cases, formula(), strict=True)],
        solved,
        why="factor n",
    )
    # Fair coins: the share of data sets on which the bound fails is at most delta.
    n, m, delta = 50, 6, 0.05
    law, k = stats.binom(n, 0.5), np.arange(n + 1)
    fails = 1 - np.sum(law.pmf(k)[k / n + uniform_bound(n, m, delta) >= 0.5]) ** m
    verify.at_most(fails, delta)
    verify.refutes(
        1 - np.sum(law.pmf(k)[k / n - uniform_bound(n, m, delta) >= 0.5]) ** m, delta, why="sign"
    )
