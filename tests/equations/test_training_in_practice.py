"""The numbered equations of the chapter on training in practice."""

import itertools
from fractions import Fraction
from math import comb

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath import training
from dlmath.linear import Ridge
from dlmath.networks import FeedForwardNetwork
from dlmath.optimizers import GradientDescent
from scipy import integrate, optimize, special, stats

torch.set_num_threads(1)


def signs(count):
    """List all vectors of plus and minus one."""
    return np.array(list(itertools.product([-1.0, 1.0], repeat=count)))


def torch_network(network, X, Y, sigma=torch.tanh):
    """Return torch's gradients of the squared error, with a network's weights and biases."""
    leaves = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    A = torch.tensor(X)
    for W, b in zip(leaves[:-2:2], leaves[1:-2:2], strict=True):
        A = sigma(A @ W + b)
    cost = torch.sum((A @ leaves[-2] + leaves[-1] - torch.tensor(Y)) ** 2) / len(X)
    cost.backward()
    return [leaf.grad.numpy() for leaf in leaves]


# Equal units.


@pytest.mark.verifies(
    "eq-training-in-practice-symmetry", routes=("torch", "dlmath.networks.FeedForwardNetwork")
)
def test_equal_units_have_equal_gradients(verify):
    """Torch's gradients of one unit are dlmath's of its twin, also after ten steps with both."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    network = FeedForwardNetwork([3, 4, 5, 2], seed=1)
    W2, b2, W3 = network.parameters[2:5]
    W2[:, 3], b2[3], W3[3] = W2[:, 1], b2[1], W3[1]
    for _ in range(2):
        theirs, ours = torch_network(network, X, Y), network.gradients(X, Y)
        for k, one, twin in ((2, np.s_[:, 1], np.s_[:, 3]), (3, 1, 3), (4, 1, 3)):
            other = np.s_[:, 0] if k == 2 else 0
            verify.agree(theirs[k][one], ours[k][twin], rtol=1e-12, atol=1e-14)
            verify.refutes(theirs[k][other], ours[k][twin], why="another unit")
        optimizer = GradientDescent(0.1)
        for _ in range(10):
            optimizer.step(network.parameters, network.gradients(X, Y))
    untied = network.copy()
    untied.parameters[4][3] += 0.1
    apart = torch_network(untied, X, Y)[2][:, 1]
    verify.agree(ours[2][:, 1], ours[2][:, 3], rtol=1e-12, atol=1e-14)
    verify.refutes(apart, untied.gradients(X, Y)[2][:, 3], why="other weights out of the unit")


@pytest.mark.verifies(
    "eq-training-in-practice-zero", routes=("torch", "dlmath.networks.FeedForwardNetwork")
)
def test_zero_weights_have_zero_gradients(verify):
    """With all parameters zero only the biases of the output have a gradient, in torch and here."""
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(6, 3)), 1 + rng.normal(size=(6, 2))

    def gradients(activation, sigma):
        network = FeedForwardNetwork([3, 4, 4, 2], activation)
        for parameter in network.parameters:
            parameter[:] = 0
        theirs, ours = torch_network(network, X, Y, sigma), network.gradients(X, Y)
        return [np.concatenate([g.ravel() for g in all_[:-1]]) for all_ in (theirs, ours)]

    theirs, ours = gradients("tanh", torch.tanh)
    verify.agree(theirs, np.zeros(theirs.size), atol=1e-15)
    verify.agree(ours, np.zeros(ours.size), atol=1e-15)
    moved, _ = gradients("sigmoid", torch.sigmoid)
    verify.refutes(moved, np.zeros(moved.size), why="an activation that is not zero at zero")
    network = FeedForwardNetwork([3, 4, 4, 2])
    for parameter in network.parameters:
        parameter[:] = 0
    last = torch_network(network, X, Y)[-1]
    verify.agree(last, -2 * Y.mean(axis=0), rtol=1e-13)
    verify.refutes(np.zeros(2), -2 * Y.mean(axis=0), why="no output bias either")


# One layer.


@pytest.mark.verifies(
    "eq-training-in-practice-forward",
    "eq-training-in-practice-backward",
    routes=("all signs of the weights", "the formula"),
)
def test_one_random_matrix(verify):
    """Averaged over all matrices of signs, both mean squares are multiplied as stated."""
    fan_in, fan_out, v = 2, 4, 0.7
    Ws = np.sqrt(v) * signs(fan_in * fan_out).reshape(-1, fan_in, fan_out)
    a, delta = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[0.3, 1, -1, 2], [2.0, 0, 1, 1]])
    Z = np.einsum("si,wij->wsj", a, Ws).reshape(-1, fan_out)
    G = np.einsum("sj,wij->wsi", delta, Ws).reshape(-1, fan_in)

    out = np.mean(Z**2)
    verify.agree(out, fan_in * v * np.mean(a**2), rtol=1e-13)
    verify.refutes(out, fan_out * v * np.mean(a**2), why="fan-out for fan-in")
    verify.refutes(out, 2 * fan_in * v * np.mean(a**2), why="factor 2")
    verify.refutes(out, fan_in * np.sqrt(v) * np.mean(a**2), why="standard deviation")
    covariance = Z.T @ Z / len(Z)
    size = np.mean(np.sum(a**2, axis=1))
    verify.agree(covariance, v * size * np.eye(fan_out), rtol=1e-13, atol=1e-13)
    verify.refutes(covariance, v * size * np.ones((fan_out, fan_out)), why="correlated")
    verify.refutes(covariance, v * size / fan_in * np.eye(fan_out), why="mean for sum")
    back = np.mean(G**2)
    verify.agree(back, fan_out * v * np.mean(delta**2), rtol=1e-13)
    verify.refutes(back, fan_in * v * np.mean(delta**2), why="fan-in on the way back")
    verify.refutes(back, fan_out * v * np.mean(delta**2) / 2, why="half")


def initial(rule, sizes=(400, 100)):
    """Draw the first weights of a network of ours."""
    return FeedForwardNetwork(list(sizes), initialisation=rule, seed=3).parameters[0]


@pytest.mark.verifies(
    "eq-training-in-practice-glorot", routes=("dlmath.networks", "torch", "the mean of the fans")
)
def test_glorot(verify):
    """Weights drawn by dlmath and by torch have the variance; its inverse is the mean fan."""
    a, b, v = sympy.symbols("a b v", positive=True)
    (solved,) = sympy.solve(sympy.Eq(a * v + b * v, 2), v)
    verify.identical(solved, 2 / (a + b))
    verify.refutes(solved, 1 / (a + b), why="factor 2")
    verify.refutes(solved, 1 / a, why="fan-in alone")
    theirs = torch.nn.init.xavier_normal_(
        torch.empty(100, 400), generator=torch.Generator().manual_seed(0)
    ).numpy()
    for drawn in (initial("glorot"), theirs):
        # The sample variance of n normal numbers has the relative error sqrt(2/n): five of them.
        verify.agree(np.mean(drawn**2), 2 / 500, rtol=5 * np.sqrt(2 / 40_000))
        verify.refutes(np.mean(initial("he") ** 2), 2 / 500, why="He")
        verify.refutes(np.mean(initial("lecun") ** 2), 2 / 500, why="LeCun")


@pytest.mark.verifies("eq-training-in-practice-uniform", routes=("sympy", "torch"))
def test_uniform(verify):
    """The integral of w^2 is a third of r^2; torch's bound is the one of the text."""
    w, r, a, b = sympy.symbols("w r a b", positive=True)
    variance = sympy.integrate(w**2 / (2 * r), (w, -r, r))
    verify.identical(variance, r**2 / 3)
    verify.refutes(variance, r**2 / 12, why="the width for its half")
    verify.refutes(variance, r**2, why="factor 3")
    verify.identical(variance.subs(r, sympy.sqrt(6 / (a + b))), 2 / (a + b))
    verify.refutes(variance.subs(r, sympy.sqrt(3 / (a + b))), 2 / (a + b), why="three for six")
    theirs = torch.nn.init.xavier_uniform_(
        torch.empty(200, 300), generator=torch.Generator().manual_seed(0)
    ).abs()
    verify.agree(float(theirs.max()), np.sqrt(6 / 500), rtol=1e-3)
    verify.refutes(float(theirs.max()), np.sqrt(6 / 300), why="fan-in alone")


@pytest.mark.verifies("eq-training-in-practice-half", routes=("sympy", "exact fractions"))
def test_a_rectifier_halves(verify):
    """Integrals over a normal and a Laplace density, and a sum over a symmetric lattice."""
    z, s = sympy.symbols("z s", positive=True)
    for density, variance in (
        (sympy.exp(-(z**2) / (2 * s**2)) / (s * sympy.sqrt(2 * sympy.pi)), s**2),
        (sympy.exp(-z / s) / (2 * s), 2 * s**2),
    ):
        right = sympy.integrate(z**2 * density, (z, 0, sympy.oo))
        mean = sympy.integrate(z * density, (z, 0, sympy.oo))
        verify.agree(float(right.subs(s, 2)), float(variance.subs(s, 2)) / 2, rtol=1e-14)
        verify.refutes(float(right.subs(s, 2)), float(variance.subs(s, 2)), why="nothing lost")
        verify.refutes(
            float((right - mean**2).subs(s, 2)),
            float(variance.subs(s, 2)) / 2,
            why="variance for mean square",
        )
    law = {Fraction(-3): Fraction(1, 8), Fraction(-1): Fraction(3, 8)}
    law |= {-k: p for k, p in law.items()}
    halved = sum(p * max(k, 0) ** 2 for k, p in law.items())
    full = sum(p * k**2 for k, p in law.items())
    verify.agree(float(halved), float(full / 2), rtol=1e-15)
    shifted = sum(p * max(k + 1, 0) ** 2 for k, p in law.items())
    verify.refutes(
        float(shifted),
        float(sum(p * (k + 1) ** 2 for k, p in law.items()) / 2),
        why="a law that is not symmetric",
    )
    verify.refutes(float(halved), float(full / 4), why="factor 2")


@pytest.mark.verifies("eq-training-in-practice-he", routes=("dlmath.networks", "torch", "sympy"))
def test_he(verify):
    """The variance solves the equation of a factor one; dlmath and torch draw with it."""
    m, v = sympy.symbols("m v", positive=True)
    (solved,) = sympy.solve(sympy.Eq(m * v / 2, 1), v)
    verify.identical(solved, 2 / m)
    verify.refutes(solved, 1 / m, why="factor 2")
    theirs = torch.nn.init.kaiming_normal_(
        torch.empty(100, 400), generator=torch.Generator().manual_seed(0)
    ).numpy()
    for drawn in (initial("he"), theirs):
        verify.agree(np.mean(drawn**2), 2 / 400, rtol=5 * np.sqrt(2 / 40_000))
        verify.refutes(np.mean(drawn**2), 2 / 100, why="fan-out for fan-in")
        verify.refutes(np.mean(initial("glorot") ** 2), 2 / 400, why="Glorot")


# Rectifiers, exactly.


def all_networks(widths, variances):
    """All sign patterns of the weights, with magnitudes a billionth apart that break ties."""
    rng = np.random.default_rng(5)
    shapes = list(itertools.pairwise(widths))
    bits = [a * b for a, b in shapes]
    patterns = signs(sum(bits))
    parts = np.split(patterns, np.cumsum(bits)[:-1], axis=1)
    return [
        np.sqrt(v) * part.reshape(-1, *shape) * (1 + 1e-9 * rng.normal(size=shape))
        for part, shape, v in zip(parts, shapes, variances, strict=True)
    ]


@pytest.mark.verifies(
    "eq-training-in-practice-relu-forward",
    "eq-training-in-practice-relu-backward",
    routes=("all signs of all weights", "torch", "the formula"),
)
def test_rectifier_networks(verify):
    """The mean over all 4096 networks of signs, with torch's derivatives, is the product."""
    widths, variances = [3, 2, 2, 1], [0.8, 1.3, 0.6]
    Ws = [torch.tensor(W) for W in all_networks(widths, variances)]
    count = len(Ws[0])
    x = torch.tensor([[1.0, -1.7, 0.6]], dtype=torch.float64).repeat(count, 1).requires_grad_()
    A, squares = x, [np.mean([1.0, 1.7**2, 0.6**2])]
    for W in Ws[:-1]:
        A = torch.relu(torch.bmm(A[:, None], W)[:, 0])
        squares.append(float((A.detach() ** 2).mean()))
    torch.bmm(A[:, None], Ws[-1]).sum().backward()
    for layer in (1, 2):
        factor = widths[layer - 1] * variances[layer - 1] / 2
        verify.agree(squares[layer], factor * squares[layer - 1], rtol=1e-8)
        verify.refutes(squares[layer], 2 * factor * squares[layer - 1], why="the half")
        wrong = (widths[layer - 1] + 1) * variances[layer - 1] / 2
        verify.refutes(squares[layer], wrong * squares[layer - 1], why="a bias counted as input")
    verify.agree(squares[1], widths[0] * variances[0] / 2 * squares[0], rtol=1e-8)
    verify.refutes(squares[1], widths[1] * variances[0] / 2 * squares[0], why="fan-out forwards")
    derivatives = (x.grad**2).mean(dim=0).numpy()
    product = variances[2] * (2 * variances[0] / 2) * (2 * variances[1] / 2)
    verify.agree(derivatives, np.full(3, product), rtol=1e-8)
    verify.refutes(derivatives, np.full(3, product / 2), why="a half in the last layer")
    verify.refutes(derivatives, np.full(3, 1.5 * product), why="fan-in for fan-out")
    verify.refutes(derivatives, np.full(3, 4 * product), why="no halves")
    verify.refutes(derivatives, np.full(3, product / variances[2]), why="last layer forgotten")


@pytest.mark.verifies(
    "eq-training-in-practice-flip", routes=("both signs of a column", "Gaussian quadrature")
)
def test_turning_a_column(verify):
    """Over both signs of any column half of its square comes from active units."""
    rng = np.random.default_rng(6)
    a, u = rng.normal(size=(2, 3))
    W = rng.normal(size=(3, 50))
    both = np.hstack([W, -W])
    active = np.mean((both.T @ a > 0) * (both.T @ u) ** 2)
    verify.agree(active, np.mean((W.T @ u) ** 2) / 2, rtol=1e-13)
    verify.refutes(active, np.mean((W.T @ u) ** 2), why="factor 2")
    verify.refutes(
        np.mean((W.T @ a > 0) * (W.T @ u) ** 2), np.mean((W.T @ u) ** 2) / 2, why="one sign only"
    )
    v = 0.7
    # A Gaussian column, integrated on polar coordinates in the plane of a and u.
    e1 = a / np.linalg.norm(a)
    e2 = u - (u @ e1) * e1
    along, across = u @ e1, np.linalg.norm(e2)

    def angle(phi):
        return (np.cos(phi) > 0) * (along * np.cos(phi) + across * np.sin(phi)) ** 2

    integral = integrate.quad(angle, -np.pi, np.pi, points=[-np.pi / 2, np.pi / 2])[0]
    found = v * 2 * integral / (2 * np.pi)
    verify.agree(found, v * (u @ u) / 2, rtol=1e-10)
    verify.refutes(found, v * (u @ u), why="factor 2, Gaussian")
    verify.refutes(found, v * (a @ a) / 2, why="the wrong vector")


@pytest.mark.verifies(
    "eq-training-in-practice-fluctuation", routes=("binomial and chi-square laws", "simulation")
)
def test_fluctuations(verify):
    """The number of active units is binomial and the rest chi-square; two layers are drawn."""
    ms = np.array([1, 3, 4, 17])
    moments = []
    for m in ms:
        chance = [comb(m, k) / 2.0**m for k in range(m + 1)]
        first = sum(p * k for k, p in enumerate(chance))
        second = sum(p * k * (k + 2) for k, p in enumerate(chance))
        moments.append(second / first**2)
    verify.agree(moments, 1 + 5 / ms, rtol=1e-13)
    verify.refutes(moments, 1 + 3 / ms, why="without the rectifier's own spread")
    verify.refutes(moments, 1 + 2 / ms, why="chi-square alone")
    verify.refutes(moments, (1 + 5 / ms) ** 2, why="squared")
    rng = np.random.default_rng(7)
    A = np.ones((300_000, 2))
    for m in (6, 8):
        W = rng.normal(size=(len(A), A.shape[1], m))
        A = np.maximum(np.einsum("ni,nij->nj", A, W), 0)
    squares = np.sum(A**2, axis=1)
    drawn = np.mean(squares**2) / squares.mean() ** 2
    verify.agree(drawn, (1 + 5 / 6) * (1 + 5 / 8), rtol=0.05)
    verify.refutes(drawn, 1 + 5 / 6, why="one layer")
    verify.refutes(drawn, 1 + 5 / 6 + 5 / 8, why="sum for product")


# Wide layers.


def gaussian_mean(function, q):
    """Integrate function(sqrt(q) g)^2 with scipy."""
    return integrate.quad(
        lambda g: function(np.sqrt(q) * g) ** 2 * stats.norm.pdf(g), -12, 12, limit=200
    )[0]


@pytest.mark.verifies(
    "eq-training-in-practice-map",
    "eq-training-in-practice-chi",
    routes=("closed forms of the sine", "scipy.integrate", "dlmath.training"),
)
def test_variance_map(verify):
    """For the sine both integrals are elementary; for tanh scipy integrates them."""
    c, q = 1.4, np.array([0.05, 0.6, 2.5])
    sine = training.variance_map("sine", q, weights=c)
    verify.agree(sine, c * (1 - np.exp(-2 * q)) / 2, rtol=1e-12)
    verify.refutes(sine, (1 - np.exp(-2 * q)) / 2, why="the scale c")
    verify.refutes(sine, c * (1 - np.exp(-(q**2) / 2)) / 2, why="q for its root")
    verify.refutes(sine, c * (1 + np.exp(-2 * q)) / 2, why="sign")
    slope = training.gradient_factor("sine", q, weights=c)
    verify.agree(slope, c * (1 + np.exp(-2 * q)) / 2, rtol=1e-12)
    verify.refutes(slope, c * (1 - np.exp(-2 * q)) / 2, why="the map itself")
    verify.refutes(slope, c * np.exp(-q), why="derivative averaged before the square")
    tanh = training.variance_map("tanh", q, weights=c)
    verify.agree(tanh, [c * gaussian_mean(np.tanh, v) for v in q], rtol=1e-9)
    verify.refutes(tanh, [gaussian_mean(np.tanh, v) for v in q], why="c, for tanh")
    back = training.gradient_factor("tanh", q, weights=c)
    verify.agree(back, [c * gaussian_mean(lambda z: np.cosh(z) ** -2, v) for v in q], rtol=1e-9)
    verify.refutes(back, tanh, why="value for derivative")


@pytest.mark.verifies("eq-training-in-practice-wide", routes=("wide random networks", "the map"))
def test_wide_networks(verify):
    """The mean squares in layers of 3000 units follow the map within their statistical error."""
    rng = np.random.default_rng(8)
    c, m, x = 1.9, 3000, rng.normal(size=10)
    A, Qs = x, []
    for fan_in, fan_out in itertools.pairwise([10, m, m, m]):
        W = rng.normal(size=(fan_in, fan_out), scale=np.sqrt(c / fan_in)).astype(np.float32)
        Qs.append(c * np.mean(A**2))
        A = np.tanh(A @ W)
    Qs.append(c * np.mean(A**2))
    q = [c * np.mean(x**2)]
    for _ in range(3):
        q.append(c * gaussian_mean(np.tanh, q[-1]))
    verify.agree(Qs, q, rtol=0.06)
    verify.refutes(Qs, training.variance_profile("tanh", 4, q[0], weights=1.6), why="scale c")
    verify.refutes(Qs, [q[0]] * 4, why="no activation")
    verify.refutes([*Qs[1:], Qs[-1]], q, why="a layer too many")


@pytest.mark.verifies(
    "eq-training-in-practice-fixed-point", routes=("scipy's root", "dlmath.training")
)
def test_fixed_point(verify):
    """A root of F(q) - q by scipy is where the iteration goes, monotonically from both sides."""
    for c in (1.3, 25 / 9):
        root = optimize.brentq(lambda q, c=c: c * gaussian_mean(np.tanh, q) - q, 1e-3, 20)
        verify.agree(training.fixed_point_variance("tanh", weights=c), root, rtol=1e-8)
        verify.refutes(training.fixed_point_variance("tanh", weights=1.1 * c), root, why="scale")
        below = training.variance_profile("tanh", 200, root / 10, weights=c)
        above = training.variance_profile("tanh", 200, 10 * root, weights=c)
        verify.agree([below[-1], above[-1]], [root, root], rtol=1e-6)
        verify.refutes([below[3], above[3]], [root, root], why="three steps")
        verify.at_most(below[:60], below[1:61])
        verify.refutes(above[:60], above[1:61], why="direction, from above")
        verify.at_most(above[1:61], above[:60])
        verify.refutes(below[1:61], below[:60], why="direction, from below")
    dying = training.variance_profile("tanh", 300, 5.0, weights=0.9)
    verify.at_most(dying[-1], 1e-10)
    verify.refutes(training.variance_profile("tanh", 300, 5.0, weights=1.2)[-1], 1e-10, why="c > 1")


@pytest.mark.verifies("eq-training-in-practice-critical", routes=("mpmath", "the iteration"))
def test_slow_death(verify):
    """1/F(q) - 1/q is two for small q in mpmath; after many layers 2 l q is one."""
    mpmath.mp.dps = 30

    def F(q):
        density = lambda g: mpmath.exp(-(g**2) / 2) / mpmath.sqrt(2 * mpmath.pi)  # noqa: E731
        integrand = lambda g: 2 * mpmath.tanh(mpmath.sqrt(q) * g) ** 2 * density(g)  # noqa: E731
        return mpmath.quad(integrand, [0, 2, 5, 10, 20])

    q = mpmath.mpf("1e-6")
    growth = float(1 / F(q) - 1 / q)
    verify.agree(growth, 2.0, rtol=1e-4)
    verify.refutes(growth, 1.0, why="factor 2")
    verify.refutes(growth, 2 / 3, why="the mean of the fourth power")
    q, depth = 1.0, 8000
    for _ in range(depth - 1):
        q = float(training.variance_map("tanh", q, weights=1.0))
    verify.agree(2 * depth * q, 1.0, rtol=2e-3)
    verify.refutes(depth * q, 1.0, why="factor 2 after many layers")
    verify.refutes(2 * np.sqrt(depth) * q, 1.0, why="root of the depth")


@pytest.mark.verifies(
    "eq-training-in-practice-explode", routes=("scipy.integrate", "dlmath.training")
)
def test_gradients_explode(verify):
    """At scipy's fixed point the factor is above one; without a signal it is c."""
    for c in (1.05, 2.0, 6.0):
        root = optimize.brentq(lambda q, c=c: c * gaussian_mean(np.tanh, q) - q, 1e-4, 50)
        chi = c * gaussian_mean(lambda z: np.cosh(z) ** -2, root)
        verify.agree(chi, training.gradient_factor("tanh", root, weights=c), rtol=1e-9)
        verify.refutes(chi / c, training.gradient_factor("tanh", root, weights=c), why="c")
        verify.at_most(1 + 1e-4, chi)
        verify.refutes(1 + 1e-4, c * gaussian_mean(np.tanh, root) / root, why="forward factor")
        # The slope of F at the fixed point is below one: chi is another thing.
        slope = (
            float(
                np.diff(training.variance_map("tanh", root + np.array([-1e-5, 1e-5]), weights=c))[0]
            )
            / 2e-5
        )
        verify.refutes(1 + 1e-4, slope, why="slope of the map")
    verify.agree(training.gradient_factor("tanh", 0.0, weights=1.7), 1.7, rtol=1e-12)
    verify.refutes(training.gradient_factor("sigmoid", 0.0, weights=1.7), 1.7, why="sigmoid")


@pytest.mark.verifies(
    "eq-training-in-practice-poincare", routes=("Gaussian moments in sympy", "Hermite coefficients")
)
def test_poincare(verify):
    """Exact moments of polynomials are the sums over Hermite coefficients, and ordered."""
    x = sympy.symbols("x")
    density = sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)

    def mean(f):
        return sympy.integrate(sympy.expand(f) * density, (x, -sympy.oo, sympy.oo))

    coefficients = [0, 2, -1, 3]
    He = [1, x, x**2 - 1, x**3 - 3 * x]
    h = sum(
        a * H / sympy.sqrt(sympy.factorial(k))
        for k, (a, H) in enumerate(zip(coefficients, He, strict=True))
    )
    squares, slopes = mean(h**2), mean(sympy.diff(h, x) ** 2)
    square_sum = sum(a**2 for a in coefficients)
    verify.agree(float(squares), square_sum, rtol=1e-14)
    verify.refutes(float(squares), sum(coefficients) ** 2, why="square of the sum")
    weighted = sum(k * a**2 for k, a in enumerate(coefficients))
    verify.agree(float(slopes), weighted, rtol=1e-14)
    verify.refutes(
        float(slopes), sum((k * a) ** 2 for k, a in enumerate(coefficients)), why="k squared"
    )
    verify.refutes(float(slopes), square_sum, why="no k")
    verify.at_most(float(squares), float(slopes))
    verify.refutes(float(slopes), float(squares), why="direction")
    shifted = 1 + x / 10
    verify.refutes(
        float(mean(shifted**2)), float(mean(sympy.diff(shifted, x) ** 2)), why="mean not zero"
    )
    verify.agree(float(mean((3 * x) ** 2)), float(mean(sympy.diff(3 * x, x) ** 2)), rtol=1e-14)
    verify.refutes(float(mean((3 * x) ** 2)), float(mean(sympy.diff(3 * x, x))), why="no square")


# Inputs and the learning rate.


@pytest.mark.verifies(
    "eq-training-in-practice-condition",
    "eq-training-in-practice-correlated",
    routes=("eigenvalues of the Hessian of data", "the formula"),
)
def test_condition_numbers(verify):
    """NumPy's condition number of the Hessian of drawn data obeys both formulas."""
    rng = np.random.default_rng(9)
    for mean, sd in ((0.0, 1.0), (3.0, 0.5), (-20.0, 4.0)):
        x = rng.normal(size=30)
        x = mean + sd * (x - x.mean()) / x.std()
        D = np.column_stack([np.ones(30), x])
        kappa = np.linalg.cond(2 / 30 * D.T @ D)
        side = kappa + 2 + 1 / kappa
        verify.agree(side, (1 + mean**2 + sd**2) ** 2 / sd**2, rtol=1e-9)
        verify.refutes(side - 2, (1 + mean**2 + sd**2) ** 2 / sd**2, why="the two")
        verify.refutes(side, (mean**2 + sd**2 + 2) ** 2 / sd**2, why="the trace")
        verify.refutes(side, 4 * (1 + mean**2 + sd**2) ** 2 / sd**2, why="factor 4 of the Hessian")
    for rho in (0.9, -0.6):
        L = np.linalg.cholesky([[1, rho], [rho, 1]])
        F = rng.normal(size=(40, 2))
        F = (F - F.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(F.T, ddof=0))).T @ L.T
        D = np.column_stack([np.ones(40), F])
        kappa = np.linalg.cond(2 / 40 * D.T @ D)
        verify.agree(kappa, (1 + abs(rho)) / (1 - abs(rho)), rtol=1e-10)
        verify.refutes(kappa, (1 + rho**2) / (1 - rho**2), why="square of the correlation")
        verify.refutes(kappa, 1 / (1 - abs(rho)), why="the intercept's eigenvalue as largest")
        verify.refutes(1 / kappa, (1 + abs(rho)) / (1 - abs(rho)), why="sign of rho")


@pytest.mark.verifies("eq-training-in-practice-rates", routes=("the walk itself", "the product"))
def test_changing_rates(verify):
    """Gradient descent on a full matrix, step by step, has the components of the product."""
    rng = np.random.default_rng(10)
    Q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    h = np.array([0.2, 1.0, 2.5, 4.0])
    H, goal, theta = Q @ np.diag(h) @ Q.T, rng.normal(size=4), rng.normal(size=4)
    start, etas = Q.T @ (theta - goal), [0.1, 0.4, 0.3, 0.6]
    for eta in etas:
        theta = theta - eta * H @ (theta - goal)
    product = start * np.prod([1 - eta * h for eta in etas], axis=0)
    verify.agree(Q.T @ (theta - goal), product, rtol=1e-12, atol=1e-14)
    verify.refutes(Q.T @ (theta - goal), start * (1 - np.mean(etas) * h) ** 4, why="the mean rate")
    verify.refutes(
        Q.T @ (theta - goal), start * np.prod([1 - 2 * e * h for e in etas], axis=0), why="factor 2"
    )
    cost = 0.5 * (theta - goal) @ H @ (theta - goal)
    verify.agree(cost, 0.5 * np.sum(h * product**2), rtol=1e-12)
    verify.refutes(cost, np.sum(h * product**2), why="half of the cost")
    verify.refutes(cost, 0.5 * np.sum(product**2), why="curvatures forgotten")


@pytest.mark.verifies("eq-training-in-practice-best-rate", routes=("scipy's search", "sympy"))
def test_best_rate(verify):
    """A search over rates for the smallest factor finds the formula, whatever lies between."""
    h = np.array([0.3, 0.5, 1.1, 2.9, 3.7])
    found = optimize.minimize_scalar(
        lambda eta: np.max(np.abs(1 - eta * h)), bounds=(0, 1), options={"xatol": 1e-12}
    )
    verify.agree(found.x, 2 / (h[0] + h[-1]), rtol=1e-6)
    verify.refutes(found.x, 1 / h[-1], why="1/L")
    verify.refutes(found.x, 2 / h[-1], why="2/L")
    verify.agree(found.fun, (h[-1] - h[0]) / (h[-1] + h[0]), rtol=1e-6)
    verify.refutes(found.fun, 1 - h[0] / h[-1], why="rate of 1/L")
    mu, L, eta = sympy.symbols("mu L eta", positive=True)
    (equal,) = sympy.solve(sympy.Eq(1 - eta * mu, eta * L - 1), eta)
    verify.identical(equal, 2 / (mu + L))
    verify.refutes(equal, 1 / (mu + L), why="factor 2, in symbols")


@pytest.mark.verifies(
    "eq-training-in-practice-decay", routes=("torch.optim.SGD", "dlmath.networks", "the formula")
)
def test_weight_decay(verify):
    """Torch's decay of 2 lambda, dlmath's penalty and the formula make the same step."""
    rng = np.random.default_rng(11)
    X, Y, lam, eta = rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), 0.07, 0.2
    network = FeedForwardNetwork([3, 4, 2], seed=2)
    network.parameters[1][:] = rng.normal(size=4)
    plain = torch_network(network, X, Y)
    right = [
        ((1 - 2 * eta * lam) if p.ndim == 2 else 1) * p - eta * g
        for p, g in zip(network.parameters, plain, strict=True)
    ]
    leaves = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    for leaf, g in zip(leaves, plain, strict=True):
        leaf.grad = torch.tensor(g)
    torch.optim.SGD(
        [{"params": leaves[::2], "weight_decay": 2 * lam}, {"params": leaves[1::2]}], lr=eta
    ).step()
    _, ours = network.value_and_gradients(X, Y, lam=lam)

    def flat(arrays):
        return np.concatenate([np.asarray(a).ravel() for a in arrays])

    moved = [p - eta * g for p, g in zip(network.parameters, ours, strict=True)]
    verify.agree(flat(moved), flat(right), rtol=1e-12, atol=1e-14)
    verify.refutes(
        flat(
            [(1 - eta * lam) * p - eta * g for p, g in zip(network.parameters, plain, strict=True)]
        ),
        flat(right),
        why="factor 2",
    )
    verify.agree(
        flat([leaf.detach().numpy() for leaf in leaves]), flat(right), rtol=1e-12, atol=1e-14
    )
    everything = [
        (1 - 2 * eta * lam) * p - eta * g for p, g in zip(network.parameters, plain, strict=True)
    ]
    verify.refutes(flat(everything), flat(right), why="biases penalised")
    verify.refutes(
        flat([p - eta * g for p, g in zip(network.parameters, plain, strict=True)]),
        flat(right),
        why="no decay",
    )
    value, _ = network.value_and_gradients(X, Y, lam=lam)
    penalty = sum(float(np.linalg.norm(W)) ** 2 for W in network.parameters[::2])
    verify.agree(value - network.cost_value(X, Y), lam * penalty, rtol=1e-12)
    verify.refutes(value - network.cost_value(X, Y), lam * penalty / 8, why="factor n")


# Dropout.


@pytest.mark.verifies("eq-training-in-practice-mask", routes=("dlmath.training", "torch"))
def test_mask(verify):
    """Masks of dlmath and of torch have the two values, with the frequencies of the text."""
    r, count = 0.3, 200_000
    ours = training.dropout_mask(count, r, np.random.default_rng(0))
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(torch.ones(count, dtype=torch.float64), r).numpy()
    error = np.sqrt(r * (1 - r) / count)
    for mask in (ours, theirs):
        verify.agree(np.unique(mask), [0, 1 / (1 - r)], rtol=1e-12)
        verify.refutes(np.unique(mask), [0, 1], why="not inverted")
        verify.refutes(np.unique(mask), [0, 1 / r], why="divided by the rate")
        verify.agree(np.mean(mask == 0), r, atol=5 * error)
        verify.refutes(np.mean(mask == 0), 1 - r, why="kept for dropped")


def masks(count, r):
    """List all masks with their probabilities."""
    kept = (signs(count) + 1) / 2
    return kept / (1 - r), np.prod(np.where(kept > 0, 1 - r, r), axis=1)


@pytest.mark.verifies(
    "eq-training-in-practice-mask-moments", routes=("all masks", "exact fractions")
)
def test_moments_of_the_mask(verify):
    """Sums over two values in fractions, and over all masks for a sum of four terms."""
    r = Fraction(3, 10)
    law = {Fraction(0): r, 1 / (1 - r): 1 - r}
    mean = sum(p * m for m, p in law.items())
    variance = sum(p * m**2 for m, p in law.items()) - mean**2
    verify.agree(float(mean), 1.0, rtol=1e-15)
    verify.refutes(float(mean * (1 - r)), 1.0, why="not inverted")
    verify.agree(float(variance), float(r / (1 - r)), rtol=1e-15)
    verify.refutes(float(variance), float(r * (1 - r)), why="mask of zeros and ones")
    verify.refutes(float(variance), float(1 / (1 - r)), why="mean square for variance")
    a, w = np.array([1.0, -2, 0.5, 3]), np.array([0.7, 1, -1, 0.2])
    M, P = masks(4, 0.3)
    sums = M @ (a * w)
    spread = P @ (sums - P @ sums) ** 2
    verify.agree(spread, 0.3 / 0.7 * np.sum((a * w) ** 2), rtol=1e-13)
    verify.refutes(spread, 0.3 / 0.7 * (a @ w) ** 2, why="square of the sum")
    verify.refutes(spread, 0.3 * 0.7 * np.sum((a * w) ** 2), why="mask of zeros and ones, summed")


@pytest.mark.verifies(
    "eq-training-in-practice-dropout-cost",
    "eq-training-in-practice-dropout-ridge",
    routes=("all masks", "dlmath.linear.Ridge", "the formula"),
)
def test_dropout_is_ridge(verify):
    """The mean over all 4096 masks is the penalised cost; its normal equations give the ridge."""
    rng = np.random.default_rng(12)
    n, p, r = 4, 3, 0.35
    X = rng.normal(size=(n, p)) * [1, 4, 0.3]
    y, theta = rng.normal(size=n), rng.normal(size=p)
    M, P = masks(n * p, r)
    masked = M.reshape(-1, n, p) * X
    cost = P @ np.mean((y - masked @ theta) ** 2, axis=1)
    fit, size = np.mean((y - X @ theta) ** 2), np.sum(theta**2 * np.mean(X**2, axis=0))
    verify.agree(cost, fit + r / (1 - r) * size, rtol=1e-12)
    verify.refutes(cost, fit + r / (1 - r) * n * size, why="factor n")
    verify.refutes(cost, fit + r * size, why="division by 1 - r")
    verify.refutes(cost, fit - r / (1 - r) * size, why="sign")
    verify.refutes(cost, fit + 2 * r / (1 - r) * size, why="factor 2")
    verify.refutes(cost, fit + r / (1 - r) * (theta @ theta), why="columns forgotten")

    left = np.einsum("k,kni,knj->ij", P, masked, masked)
    best = np.linalg.solve(left, np.einsum("k,kni,n->i", P, masked, y))
    gram = X.T @ X

    def ridge(factor, matrix):
        return np.linalg.solve(gram + factor * matrix, X.T @ y)

    diagonal = np.diag(np.diag(gram))
    verify.agree(best, ridge(r / (1 - r), diagonal), rtol=1e-11)
    verify.refutes(best, ridge(n * r / (1 - r), diagonal), why="factor n in the solution")
    verify.refutes(best, ridge(r / (1 - r), gram), why="all of the matrix")
    verify.refutes(best, ridge(r / (1 - r), np.eye(p)), why="identity")
    unit = X / np.sqrt(np.mean(X**2, axis=0))
    gram, X = unit.T @ unit, unit
    theirs = Ridge(r / (1 - r), fit_intercept=False).fit(unit, y).coef_
    verify.agree(theirs, ridge(r / (1 - r), np.diag(np.diag(gram))), rtol=1e-11)
    wrong = Ridge(n * r / (1 - r), fit_intercept=False).fit(unit, y).coef_
    verify.refutes(wrong, ridge(r / (1 - r), np.diag(np.diag(gram))), why="lambda times n")


@pytest.mark.verifies(
    "eq-training-in-practice-geometric", routes=("all masks", "scipy.special.softmax")
)
def test_geometric_mean(verify):
    """The renormalised geometric mean over all 32 masks is the prediction without a mask."""
    rng = np.random.default_rng(13)
    W, b, a, r = rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=5), 0.4
    M, P = masks(5, r)
    votes = special.softmax((M * a) @ W + b, axis=1)
    mean = np.exp(P @ np.log(votes))
    plain = special.softmax(W.T @ a + b)
    verify.agree(mean / mean.sum(), plain, rtol=1e-12)
    verify.refutes(mean, plain, why="not renormalised")
    verify.refutes(P @ votes, plain, why="arithmetic mean")
    halved = np.exp(P @ np.log(special.softmax(((1 - r) * M * a) @ W + b, axis=1)))
    verify.refutes(halved / halved.sum(), plain, why="not inverted")


# Normalisation.


def batch(seed=14):
    rng = np.random.default_rng(seed)
    return 2 + rng.normal(size=(5, 4)), *rng.normal(size=(2, 4)), rng.normal(size=(5, 4))


@pytest.mark.verifies(
    "eq-training-in-practice-batch-norm",
    "eq-training-in-practice-layer-norm",
    routes=("torch", "dlmath.training", "one column at a time"),
)
def test_normalisations(verify):
    """Torch's two normalisations are dlmath's and the formulas, written out for one unit."""
    Z, gain, shift, _ = batch()
    epsilon = 0.1
    z, g, b = (torch.tensor(v) for v in (Z, gain, shift))

    def by_hand(axis, less=0, inside=True):
        columns = []
        for k in range(Z.shape[1 - axis]):
            v = Z[:, k] if axis == 0 else Z[k]
            n = len(v)
            variance = sum((t - sum(v) / n) ** 2 for t in v) / (n - less)
            s = np.sqrt(variance + epsilon) if inside else np.sqrt(variance) + epsilon
            columns.append((v - sum(v) / n) / s)
        made = np.array(columns)
        return (made.T if axis == 0 else made) * gain + shift

    theirs = torch.nn.functional.batch_norm(z, None, None, g, b, training=True, eps=epsilon)
    verify.agree(theirs.numpy(), by_hand(0), rtol=1e-12)
    verify.refutes(theirs.numpy(), by_hand(0, less=1), why="n - 1 in the variance")
    verify.refutes(theirs.numpy(), by_hand(0, inside=False), why="epsilon outside the root")
    verify.refutes(theirs.numpy(), by_hand(1), why="samples for units")
    verify.refutes(theirs.numpy(), 2 * by_hand(0) - shift, why="factor 2 of the gain")
    verify.agree(training.batch_norm(Z, gain, shift, epsilon=epsilon)[0], by_hand(0), rtol=1e-12)
    verify.refutes(training.batch_norm(Z, gain, -shift, epsilon=epsilon)[0], by_hand(0), why="sign")
    theirs = torch.nn.functional.layer_norm(z, (4,), g, b, eps=epsilon)
    verify.agree(theirs.numpy(), by_hand(1), rtol=1e-12)
    verify.refutes(theirs.numpy(), by_hand(0), why="units for samples")
    verify.refutes(theirs.numpy(), by_hand(1, less=1), why="m - 1 in the variance")
    verify.agree(training.layer_norm(Z, gain, shift, epsilon=epsilon)[0], by_hand(1), rtol=1e-12)
    verify.refutes(
        training.batch_norm(Z, gain, shift, epsilon=epsilon)[0], by_hand(1), why="the other one"
    )


@pytest.mark.verifies(
    "eq-training-in-practice-norm-jacobian", routes=("torch's Jacobian", "the formula")
)
def test_jacobian_of_a_normalisation(verify):
    """Torch's Jacobian matrix of one normalised vector, with a large epsilon, is the formula."""
    z, epsilon = np.array([0.3, -1.2, 2.0, 0.9, 0.1]), 0.4

    def normalise(v):
        centred = v - v.mean()
        return centred / torch.sqrt((centred**2).mean() + epsilon)

    found = torch.autograd.functional.jacobian(normalise, torch.tensor(z)).numpy()
    s = np.sqrt(np.var(z) + epsilon)
    h, n = (z - z.mean()) / s, len(z)
    right = (np.eye(n) - 1 / n - np.outer(h, h) / n) / s
    verify.agree(found, right, rtol=1e-12, atol=1e-15)
    verify.refutes(found, (np.eye(n) - 1 / n + np.outer(h, h) / n) / s, why="sign")
    verify.refutes(found, (np.eye(n) - 1 / n - np.outer(h, h)) / s, why="factor n")
    verify.refutes(found, (np.eye(n) - 1 / n) / s, why="spread as a constant")
    verify.refutes(found, right * s, why="division by s")
    verify.refutes(found, (np.eye(n) - 1 / n - 2 * np.outer(h, h) / n) / s, why="factor 2")


@pytest.mark.verifies(
    "eq-training-in-practice-norm-backward",
    routes=("torch", "central differences", "dlmath.training"),
)
def test_backwards_through_a_normalisation(verify):
    """Torch, differences and dlmath agree on all three gradients of both normalisations."""
    Z, gain, shift, D = batch(15)
    for forward, backward, axis in (
        (training.batch_norm, training.batch_norm_backward, 0),
        (training.layer_norm, training.layer_norm_backward, 1),
    ):
        output, state = forward(Z, gain, shift, epsilon=0.2)
        ours = backward(D, state)
        leaves = [torch.tensor(v, requires_grad=True) for v in (Z, gain, shift)]
        z = leaves[0]
        centred = z - z.mean(dim=axis, keepdim=True)
        s = torch.sqrt((centred**2).mean(dim=axis, keepdim=True) + 0.2)
        (centred / s * leaves[1] + leaves[2]).backward(torch.tensor(D))
        for found, leaf in zip(ours, leaves, strict=True):
            verify.agree(leaf.grad.numpy(), found, rtol=1e-11, atol=1e-14)
            verify.refutes(-leaf.grad.numpy(), found, why="sign")
            verify.refutes(leaf.grad.numpy() / 5, found, why="factor n")
        G, h = D * gain, state.standard
        mean = {"axis": axis, "keepdims": True}
        right = (G - G.mean(**mean) - h * (G * h).mean(**mean)) / state.spread
        verify.agree(leaves[0].grad.numpy(), right, rtol=1e-11, atol=1e-14)
        verify.refutes((G - G.mean(**mean)) / state.spread, right, why="term along z-hat")
        verify.refutes((G - h * (G * h).mean(**mean)) / state.spread, right, why="mean of G")
        verify.refutes(right * state.spread, right, why="division by s")
        step = np.zeros_like(Z)
        step[2, 1] = 1e-5
        ends = [np.sum(D * forward(Z + e, gain, shift, epsilon=0.2)[0]) for e in (step, -step)]
        verify.agree((ends[0] - ends[1]) / 2e-5, right[2, 1], rtol=1e-6)
        verify.refutes((ends[0] - ends[1]) / 1e-5, right[2, 1], why="factor 2")
    del output


@pytest.mark.verifies(
    "eq-training-in-practice-invariance",
    "eq-training-in-practice-growth",
    routes=("torch", "lengths of vectors"),
)
def test_scale_invariance(verify):
    """Torch's gradient of a normalised unit is orthogonal to its weights and shrinks with them."""
    rng = np.random.default_rng(16)
    X, y, w = rng.normal(size=(12, 3)), rng.normal(size=12), rng.normal(size=3)

    def gradient(v, epsilon=0.0):
        v = torch.tensor(v, requires_grad=True)
        z = torch.tensor(X) @ v + 0.3
        z = (z - z.mean()) / torch.sqrt(z.var(unbiased=False) + epsilon)
        torch.mean((torch.tanh(z) - torch.tensor(y)) ** 2).backward()
        return v.grad.numpy()

    slope = gradient(w)
    verify.agree(w @ slope, 0.0, atol=1e-15)
    verify.refutes(w @ gradient(w, 0.5), 0.0, why="an epsilon")
    verify.refutes(np.abs(w) @ np.abs(slope), 0.0, why="signs ignored")
    verify.agree(gradient(3 * w), slope / 3, rtol=1e-12, atol=1e-15)
    verify.refutes(gradient(3 * w), slope, why="no factor")
    verify.refutes(gradient(3 * w), 3 * slope, why="inverted")
    verify.refutes(gradient(3 * w), slope / 9, why="squared")
    eta = 0.8
    after = np.sum((w - eta * slope) ** 2)
    verify.agree(after, np.sum(w**2) + eta**2 * np.sum(slope**2), rtol=1e-13)
    verify.refutes(after, np.sum(w**2) - eta**2 * np.sum(slope**2), why="shrinking")
    verify.refutes(after, np.sum(w**2) + eta * np.sum(slope**2), why="rate not squared")
    verify.refutes(after, np.sum(w**2), why="no growth")
    # A whole matrix with layer normalisation behind it.
    W = torch.tensor(rng.normal(size=(3, 4)), requires_grad=True)
    out = torch.nn.functional.layer_norm(torch.tensor(X) @ W, (4,), eps=0.0)
    torch.sum(torch.tanh(out) * torch.tensor(rng.normal(size=(12, 4)))).backward()
    product = (W * W.grad).detach().numpy()
    verify.agree(product.sum(), 0.0, atol=1e-13)
    verify.refutes(product[:, 0].sum(), 0.0, why="one unit of a layer")


# Clipping, seeds, guessing.


@pytest.mark.verifies(
    "eq-training-in-practice-clip", routes=("torch", "dlmath.training.clip_gradients")
)
def test_clipping(verify):
    """Torch's clipped gradients are dlmath's, long or short, and parallel to the old ones."""
    rng = np.random.default_rng(17)
    gradients = [rng.normal(size=(2, 3)), rng.normal(size=4)]
    flat = np.concatenate([g.ravel() for g in gradients])
    for rho in (0.5, 50.0):
        leaves = [torch.zeros(g.shape, dtype=torch.float64) for g in gradients]
        for leaf, g in zip(leaves, gradients, strict=True):
            leaf.requires_grad_()
            leaf.grad = torch.tensor(g)
        torch.nn.utils.clip_grad_norm_(leaves, rho)
        theirs = np.concatenate([leaf.grad.numpy().ravel() for leaf in leaves])
        ours = np.concatenate([g.ravel() for g in training.clip_gradients(gradients, rho)[0]])
        # Torch adds 1e-6 to the norm.
        verify.agree(theirs, ours, rtol=1e-5)
        verify.refutes(theirs, 2 * ours, why="factor 2")
        right = min(1, rho / np.sqrt(np.sum(flat**2))) * flat
        verify.agree(ours, right, rtol=1e-13)
        verify.refutes(-ours, right, why="sign")
    verify.agree(
        np.linalg.norm(training.clip_gradients(gradients, 0.5)[0][0]),
        np.linalg.norm(gradients[0]) * 0.5 / np.linalg.norm(flat),
        rtol=1e-13,
    )
    verify.refutes(
        0.5, np.linalg.norm(gradients[0]) * 0.5 / np.linalg.norm(flat), why="each array by itself"
    )
    verify.refutes(
        np.linalg.norm(np.clip(gradients[0], -0.5, 0.5)),
        np.linalg.norm(gradients[0]) * 0.5 / np.linalg.norm(flat),
        why="each entry by itself",
    )
    verify.refutes(
        np.linalg.norm(gradients[0]) * 0.5 / np.sum(flat**2),
        np.linalg.norm(gradients[0]) * 0.5 / np.linalg.norm(flat),
        why="square of the norm",
    )


@pytest.mark.verifies(
    "eq-training-in-practice-paired", routes=("all outcomes of three seeds", "the formula")
)
def test_paired_difference(verify):
    """Over all outcomes of three seeds the mean difference has the variance of the formula."""
    outcomes = np.array([[0.10, 0.08], [0.14, 0.11], [0.09, 0.09], [0.15, 0.12]])
    m = 3
    draws = np.array(list(itertools.product(outcomes, repeat=m)))  # (64, m, 2)
    means = np.mean(draws[:, :, 1] - draws[:, :, 0], axis=1)
    a, b = outcomes.T
    covariance = np.mean((a - a.mean()) * (b - b.mean()))
    right = (a.var() + b.var() - 2 * covariance) / m
    verify.agree(means.var(), right, rtol=1e-12)
    verify.refutes(means.var(), (a.var() + b.var()) / m, why="pairs ignored")
    verify.refutes(means.var(), (a.var() + b.var() - covariance) / m, why="factor 2")
    verify.refutes(means.var(), (a.var() + b.var() + 2 * covariance) / m, why="sign")
    verify.refutes(means.var(), m * right, why="factor m")
    verify.agree(means.mean(), np.mean(b) - np.mean(a), rtol=1e-12)
    verify.refutes(means.mean(), np.mean(a) - np.mean(b), why="order of the difference")


@pytest.mark.verifies(
    "eq-training-in-practice-log-k", routes=("dlmath.networks", "scipy.stats.entropy")
)
def test_the_cost_of_guessing(verify):
    """A network of zeros has the cost of guessing, which is the entropy of equal chances."""
    rng = np.random.default_rng(18)
    K = 7
    network = FeedForwardNetwork([3, K], output="softmax", cost="cross_entropy")
    for parameter in network.parameters:
        parameter[:] = 0
    for n in (5, 11):
        Y = np.eye(K)[rng.integers(0, K, n)]
        cost = network.cost_value(rng.normal(size=(n, 3)), Y)
        verify.agree(cost, np.log(K), rtol=1e-14)
        verify.refutes(cost, n * np.log(K), why="factor n")
        verify.refutes(cost, np.log2(K), why="bits")
        verify.refutes(-cost, np.log(K), why="sign")
        verify.refutes(cost, np.log(K) / K, why="mean over the classes")
    verify.agree(cost, stats.entropy(np.full(K, 1 / K)), rtol=1e-14)
    verify.refutes(cost, stats.entropy([0.5, 0.5]), why="two classes")
