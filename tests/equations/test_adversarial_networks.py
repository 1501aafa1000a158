"""The numbered equations of the chapter on adversarial networks."""

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath.adversarial import (
    dirac_path,
    dirac_step_matrix,
    discriminator_velocity,
    generator_velocity,
)
from dlmath.linear import LogisticRegression
from scipy import integrate, optimize, special, stats

torch.set_num_threads(1)

X = np.linspace(-12, 12, 4001)
DX = X[1] - X[0]


def mixture(x):
    """Give a density with two humps."""
    return 0.35 * stats.norm.pdf(x, -1.5, 0.8) + 0.65 * stats.norm.pdf(x, 1.2, 1.1)


def moved(x, theta=0.4, s=1.3):
    return stats.norm.pdf(x, theta, s)


def quad(function, low=-14, high=14):
    return integrate.quad(function, low, high, epsabs=1e-13, limit=400)[0]


def kl(p, q):
    return quad(lambda x: special.xlogy(p(x), p(x) / q(x)))


def js(p, q):
    """Jensen-Shannon divergence by the two divergences from the mean density."""

    def mean(x):
        return (p(x) + q(x)) / 2

    return (kl(p, mean) + kl(q, mean)) / 2


# The game and its optimal discriminator.


@pytest.mark.verifies(
    "eq-adversarial-networks-game", routes=("scikit-learn's log loss", "the sum of two means")
)
def test_value_is_minus_twice_the_cross_entropy(verify):
    """With as many samples of either kind the value is minus twice scikit-learn's log loss."""
    from sklearn.metrics import log_loss

    rng = np.random.default_rng(0)
    real, fake = rng.uniform(0.1, 0.9, 40), rng.uniform(0.05, 0.8, 40)
    loss = log_loss(np.repeat([1, 0], 40), np.concatenate([real, fake]))
    value = np.log(real).mean() + np.log(1 - fake).mean()
    verify.agree(-2 * loss, value, rtol=1e-13)
    verify.refutes(-loss, value, why="factor 2")
    verify.refutes(2 * loss, value, why="sign")
    verify.refutes(-2 * loss, np.log(real).sum() + np.log(1 - fake).sum(), why="factor n")
    verify.refutes(
        -2 * loss, np.log(fake).mean() + np.log(1 - real).mean(), why="real and fake exchanged"
    )


@pytest.mark.verifies(
    "eq-adversarial-networks-gap",
    "eq-adversarial-networks-value",
    "eq-adversarial-networks-coins",
    "eq-adversarial-networks-entropy",
    routes=("quadrature of the value", "divergences by quadrature"),
)
def test_value_and_gap(verify):
    """The value of any discriminator, integrated directly, is 2 JS - log 4 less the coins' gap."""
    p, q = mixture, moved

    def any_discriminator(x):
        return special.expit(0.7 * np.sin(x) + 0.3)

    def coins(a, b):
        return special.rel_entr(a, b) + special.rel_entr(1 - a, 1 - b)

    def best(x):
        return p(x) / (p(x) + q(x))

    def value(D):
        return quad(lambda x: p(x) * np.log(D(x)) + q(x) * np.log1p(-D(x)))

    gap = quad(lambda x: (p(x) + q(x)) * coins(best(x), any_discriminator(x)))
    found, divergence = value(any_discriminator), js(p, q)
    verify.agree(found, 2 * divergence - 2 * np.log(2) - gap, atol=1e-10)
    verify.refutes(found, 2 * divergence - 2 * np.log(2) + gap, why="sign of the gap")
    verify.refutes(found, 2 * divergence - 2 * np.log(2) - gap / 2, why="factor 2 of the gap")
    swapped = quad(lambda x: (p(x) + q(x)) * coins(any_discriminator(x), best(x)))
    verify.refutes(found, 2 * divergence - 2 * np.log(2) - swapped, why="coins exchanged")

    top = value(best)
    verify.agree(top, 2 * divergence - 2 * np.log(2), atol=1e-10)
    verify.refutes(top, divergence - 2 * np.log(2), why="factor 2 of JS")
    verify.refutes(top, 2 * divergence - np.log(2), why="log 2 for log 4")
    verify.refutes(value(lambda x: 1 - best(x)), 2 * divergence - 2 * np.log(2), why="p for q")

    def entropy(a):
        return special.entr(a) + special.entr(1 - a)

    mixed = -quad(lambda x: (p(x) + q(x)) * entropy(best(x)))
    verify.agree(mixed, 2 * divergence - 2 * np.log(2), atol=1e-10)
    verify.refutes(-mixed, 2 * divergence - 2 * np.log(2), why="sign of the entropy")
    verify.refutes(mixed / 2, 2 * divergence - 2 * np.log(2), why="mean density for the sum")
    # The identity before integration, at single points and for several D.
    at, D = np.linspace(-3, 3, 7), np.linspace(0.05, 0.9, 7)
    left = p(at) * np.log(D) + q(at) * np.log(1 - D)
    m, star = p(at) + q(at), best(at)
    verify.agree(left, -m * (entropy(star) + coins(star, D)), rtol=1e-12)
    verify.refutes(left, -m * (entropy(star) - coins(star, D)), why="sign of the coins")
    verify.refutes(left, -m * (entropy(star) + coins(D, star)), why="coins exchanged, pointwise")


@pytest.mark.verifies(
    "eq-adversarial-networks-optimal", routes=("scipy's search at each point", "p / (p + q)")
)
def test_optimal_discriminator(verify):
    """At each point a bounded search for the best D finds p / (p + q)."""
    at = np.linspace(-3, 3, 9)
    p, q = mixture(at), moved(at)
    found = [
        optimize.minimize_scalar(
            lambda D, u=u, v=v: -u * np.log(D) - v * np.log1p(-D),
            bounds=(1e-9, 1 - 1e-9),
            method="bounded",
            options={"xatol": 1e-11},
        ).x
        for u, v in zip(p, q, strict=True)
    ]
    verify.agree(found, p / (p + q), atol=1e-6)
    verify.refutes(found, q / (p + q), why="p and q exchanged")
    verify.refutes(found, p / (p + 2 * q), why="factor 2")
    verify.refutes(found, p**2 / (p**2 + q**2), why="squares")


@pytest.mark.verifies(
    "eq-adversarial-networks-log-odds",
    "eq-adversarial-networks-gaussians",
    routes=("scipy's densities", "closed form", "dlmath.linear.LogisticRegression"),
)
def test_gaussians_of_equal_covariance(verify):
    """The log density ratio is linear, with the stated slope; a fitted regression finds it."""
    S = np.array([[1.0, 0.4], [0.4, 0.5]])
    m1, m2 = np.array([1.0, 0.5]), np.array([-0.3, -0.6])
    rng = np.random.default_rng(1)
    points = rng.normal(size=(6, 2))
    one, two = stats.multivariate_normal(m1, S), stats.multivariate_normal(m2, S)
    D = one.pdf(points) / (one.pdf(points) + two.pdf(points))
    ratio = one.logpdf(points) - two.logpdf(points)
    verify.agree(special.logit(D), ratio, rtol=1e-10)
    verify.refutes(special.logit(1 - D), ratio, why="sign of the log odds")
    inverse = np.linalg.inv(S)
    w, b = inverse @ (m1 - m2), -(m1 @ inverse @ m1 - m2 @ inverse @ m2) / 2
    verify.agree(points @ w + b, ratio, rtol=1e-12, atol=1e-13)
    verify.refutes(points @ -w + b, ratio, why="p and q exchanged")
    verify.refutes(points @ w - b, ratio, why="sign of the intercept")
    verify.refutes(points @ w + 2 * b, ratio, why="factor 2")
    verify.refutes(points @ (S @ (m1 - m2)) + b, ratio, why="covariance not inverted")
    X = np.vstack([rng.multivariate_normal(m, S, 20_000) for m in (m1, m2)])
    fit = LogisticRegression(lam=0).fit(X, np.repeat([1, 0], 20_000))
    verify.agree(np.append(fit.coef_, fit.intercept_), np.append(w, b), atol=0.08)
    verify.refutes(np.append(fit.coef_, fit.intercept_), np.append(-w, b), why="sign, by a fit")
    verify.refutes(
        np.append(fit.coef_, fit.intercept_), np.append(w, 2 * b), why="factor 2, by a fit"
    )


@pytest.mark.verifies(
    "eq-adversarial-networks-best-answer",
    routes=("linear programme over distributions", "the formula"),
)
def test_best_answer_to_a_fixed_discriminator(verify):
    """On a grid, a programme over all distributions puts the mass where D is largest."""
    rng = np.random.default_rng(8)
    p = rng.dirichlet(np.ones(6), size=5)
    D = rng.uniform(0.05, 0.95, (5, 6))
    D[4] = 0.5
    found, answers = [], []
    for row, d in zip(p, D, strict=True):
        best = optimize.linprog(np.log(1 - d), A_eq=np.ones((1, 6)), b_eq=[1.0])
        found.append(row @ np.log(d) + best.fun)
        answers.append(best.x)
    first = np.sum(p * np.log(D), axis=1)
    verify.agree(found, first + np.log(1 - D.max(axis=1)), rtol=1e-10)
    verify.refutes(found, first + np.log(1 - D.min(axis=1)), why="where D is smallest")
    verify.refutes(found, first - np.log(1 - D.max(axis=1)), why="sign")
    verify.refutes(found, first + np.sum(p * np.log(1 - D), axis=1), why="the data as the answer")
    verify.agree(np.array(answers[:4]).max(axis=1), np.ones(4), atol=1e-9)
    verify.refutes(p[:4].max(axis=1), np.ones(4), why="spread out")
    verify.at_most(found, np.full(5, -2 * np.log(2)), atol=1e-12)
    verify.refutes(np.divide(found, 2), np.full(5, -2 * np.log(2)), why="factor 2 of the bound")


# Divergences by duality.

FAMILIES = {
    "gan": (lambda u: u * np.log(u) - (1 + u) * np.log1p(u), lambda t: -np.log1p(-np.exp(t))),
    "kl": (lambda u: u * np.log(u), lambda t: np.exp(t - 1)),
    "chi2": (lambda u: (u - 1) ** 2, lambda t: t + t**2 / 4),
}
SLOPES = {
    "gan": lambda u: np.log(u / (1 + u)),
    "kl": lambda u: 1 + np.log(u),
    "chi2": lambda u: 2 * (u - 1),
}


@pytest.mark.verifies(
    "eq-adversarial-networks-conjugate",
    "eq-adversarial-networks-gan-f",
    routes=("scipy's search for the supremum", "closed forms", "quadrature"),
)
def test_conjugates(verify):
    """A search for each supremum gives the stated conjugate; D_f of the game's f is its value."""
    ts = {"gan": [-3.0, -1.0, -0.2], "kl": [-1.0, 0.5, 2.0], "chi2": [-1.5, 0.4, 3.0]}
    found = [
        -optimize.minimize_scalar(
            lambda v, f=FAMILIES[name][0], t=t: f(np.exp(v)) - np.exp(v) * t,
            bounds=(-12, 6),
            method="bounded",
            options={"xatol": 1e-10},
        ).fun
        for name in FAMILIES
        for t in ts[name]
    ]
    stated = [FAMILIES[name][1](t) for name in FAMILIES for t in ts[name]]
    verify.agree(found, stated, rtol=1e-9)
    verify.refutes(found, [-value for value in stated], why="sign of the conjugate")
    wrong = [np.log1p(np.exp(t)) for t in ts["gan"]] + stated[3:]
    verify.refutes(found, wrong, why="sign in the logarithm")
    verify.refutes(found, stated[:3] + [np.exp(t) for t in ts["kl"]] + stated[6:], why="no -1")
    wrong = stated[:6] + [t + t**2 / 2 for t in ts["chi2"]]
    verify.refutes(found, wrong, why="factor 2 of chi squared")

    divergence = quad(lambda x: moved(x) * FAMILIES["gan"][0](mixture(x) / moved(x)))
    value = 2 * js(mixture, moved) - 2 * np.log(2)
    verify.agree(divergence, value, atol=1e-10)
    verify.refutes(
        quad(lambda x: moved(x) * FAMILIES["gan"][0](moved(x) / mixture(x))),
        value,
        why="ratio inverted",
    )
    verify.refutes(divergence, value / 2, why="factor 2")


@pytest.mark.verifies(
    "eq-adversarial-networks-dual", routes=("divergence by quadrature", "the dual by quadrature")
)
def test_dual(verify):
    """No T exceeds the divergence, the slope of f at the ratio attains it."""
    p, q = mixture, moved

    def primal(name):
        return quad(lambda x: q(x) * FAMILIES[name][0](p(x) / q(x)), -9, 9)

    def dual(name, T, exchanged=False):
        first, second = (q, p) if exchanged else (p, q)
        return quad(lambda x: first(x) * T(x) - second(x) * FAMILIES[name][1](T(x)), -9, 9)

    names = list(FAMILIES)
    best = {name: lambda x, name=name: SLOPES[name](p(x) / q(x)) for name in names}
    right = np.array([primal(name) for name in names])
    verify.agree([dual(name, best[name]) for name in names], right, atol=1e-9)
    verify.refutes([dual(n, best[n], True) for n in names], right, why="p and q exchanged")
    verify.refutes([dual(n, best[n]) / 2 for n in names], right, why="factor 2")
    shapes = (lambda x: -0.4 + 0.3 * np.sin(x), lambda x: -1.0 + 0 * x, lambda x: -0.7 - 0.1 * x**2)
    lower = np.array([[dual(name, T) for name in names] for T in shapes])
    verify.at_most(lower, np.tile(right, (3, 1)))
    verify.refutes(-lower, np.tile(right, (3, 1)), why="sign")


# Saturation.


def missing(theta, s):
    """Integrate what JS of two Gaussians lacks of log 2, E_p log(1 + q/p), in many digits."""
    with mpmath.workdps(20):
        theta, s = mpmath.mpf(theta), mpmath.mpf(s)

        def integrand(x):
            a = theta * (theta / 2 - x) / s**2
            return mpmath.npdf(x, 0, s) * mpmath.log1p(mpmath.exp(-a))

        points = [-12 * s, 0, theta / 2, theta, theta + 12 * s]
        return float(mpmath.quad(integrand, points))


@pytest.mark.verifies(
    "eq-adversarial-networks-saturation",
    "eq-adversarial-networks-saturation-exact",
    routes=("quadrature in 20 digits", "the text's integral and its limit"),
)
def test_saturation(verify):
    """What is missing from log 2 is the text's integral, and tends to the stated exponential."""

    def entropy(a):
        p = special.expit(a)
        return special.entr(p) + special.entr(1 - p)

    def text(theta, s, outer=0.5):
        # Far out the entropy and the hyperbolic cosine cancel: combine their exponents.
        inside = quad(
            lambda a: np.exp(-(s**2) * a**2 / (2 * theta**2)) * np.cosh(a / 2) * entropy(a),
            -80,
            80,
        )
        return s / theta * stats.norm.pdf(outer * theta / s) * inside

    cases = [(1.0, 0.5), (2.0, 0.6), (3.0, 0.4)]
    exact = [missing(*case) for case in cases]
    verify.agree(exact, [text(*case) for case in cases], rtol=1e-8)
    verify.refutes(exact, [2 * text(*case) for case in cases], why="factor 2")
    verify.refutes(exact, [text(*case, outer=1.0) for case in cases], why="theta for its half")
    verify.refutes(exact, [text(t, s) * (t / s) ** 2 for t, s in cases], why="s / theta inverted")

    theta, s = 20.0, 1.0
    far = missing(theta, s)
    limit = np.sqrt(2 * np.pi) * s / theta * np.exp(-(theta**2) / (8 * s**2))
    verify.agree(far / limit, 1.0, atol=0.05)
    verify.refutes(far / limit, 2.0, why="factor 2 of the limit")
    verify.refutes(far / limit, np.sqrt(2 * np.pi), why="no root of 2 pi")
    wrong = limit * np.exp(theta**2 / 8 - theta**2 / 2)
    verify.refutes(far / wrong, 1.0, why="exponent of one Gaussian")


@pytest.mark.verifies(
    "eq-adversarial-networks-points",
    routes=("scipy's Jensen-Shannon distance on cells", "closed form", "scipy's linear programme"),
)
def test_two_points(verify):
    """On cells JS is log 2 unless the points share a cell; the transport programme gives theta."""
    from scipy.spatial.distance import jensenshannon

    places = [0, 3, 1]
    found = [jensenshannon(np.eye(4)[0], np.eye(4)[k]) ** 2 for k in places]
    verify.agree(found, [0.0, np.log(2), np.log(2)], atol=1e-12)
    verify.refutes(found, [0.0, 2 * np.log(2), 2 * np.log(2)], why="factor 2")
    verify.refutes(found, [0.0, 3 * np.log(2), np.log(2)], why="growing with the distance")
    verify.refutes([np.sqrt(f) for f in found], [0.0, np.log(2), np.log(2)], why="square root")
    thetas = [-1.3, 0.0, 2.4]
    carried = [transport([0.0], [theta]) for theta in thetas]
    verify.agree(carried, np.abs(thetas), atol=1e-12)
    verify.refutes(carried, thetas, why="sign")
    verify.refutes(carried, np.square(thetas), why="square")


# The generator's cost.


@pytest.mark.verifies(
    "eq-adversarial-networks-weights", routes=("torch", "the weights D and 1 - D")
)
def test_weights(verify):
    """Automatic differentiation of both costs gives the weights times the slope of the log odds."""
    theta = torch.linspace(-2, 1.5, 6, dtype=torch.float64, requires_grad=True)
    a = theta**3 - 2 * theta
    (slope,) = torch.autograd.grad(a.sum(), theta, retain_graph=True)
    D = torch.sigmoid(a)
    costs = torch.log(1 - D).sum(), -torch.log(D).sum()
    derived = [torch.autograd.grad(c, theta, retain_graph=True)[0].numpy() for c in costs]
    D, slope = D.detach().numpy(), slope.numpy()
    verify.agree(derived, [-D * slope, -(1 - D) * slope], rtol=1e-12)
    verify.refutes(derived, [D * slope, (1 - D) * slope], why="sign")
    verify.refutes(derived, [-(1 - D) * slope, -D * slope], why="weights exchanged")
    verify.refutes(derived, [-D * (1 - D) * slope, -(1 - D) * slope], why="slope of expit twice")
    verify.refutes(derived, [-2 * D * slope, -2 * (1 - D) * slope], why="factor 2")


@pytest.mark.verifies(
    "eq-adversarial-networks-non-saturating",
    "eq-adversarial-networks-js-slope",
    routes=("differences of the divergences", "quadrature of the slope"),
)
def test_non_saturating(verify):
    """Differences of KL(q, p) - 2 JS agree with the slope of the cost at a fixed discriminator."""
    theta, step = 0.4, 1e-4

    def at(t):
        return lambda x: moved(x, t)

    def difference(function):
        return (function(theta + step) - function(theta - step)) / (2 * step)

    def dot(x):
        return moved(x, theta) * (x - theta) / 1.3**2

    def cost(t):
        return quad(
            lambda x: -moved(x, t) * np.log(mixture(x) / (mixture(x) + moved(x, theta))), -11, 11
        )

    reverse = difference(lambda t: kl(at(t), mixture))
    forward = difference(lambda t: kl(mixture, at(t)))
    shannon = difference(lambda t: js(mixture, at(t)))
    slope = difference(cost)
    verify.agree(slope, reverse - 2 * shannon, atol=2e-7)
    verify.refutes(slope, reverse + 2 * shannon, why="sign of JS")
    verify.refutes(slope, reverse - shannon, why="factor 2")
    verify.refutes(slope, forward - 2 * shannon, why="forward for reverse KL")
    verify.refutes(slope, 2 * shannon, why="the saturating cost")

    text = quad(
        lambda x: dot(x) * np.log(moved(x, theta) / (mixture(x) + moved(x, theta))), -11, 11
    )
    verify.agree(2 * shannon, text, atol=2e-7)
    verify.refutes(shannon, text, why="factor 2 in the slope of JS")
    verify.refutes(-2 * shannon, text, why="sign of the slope")


# Transport.


def transport(x, y):
    """W1 of two samples with equal weights by the linear programme over all couplings."""
    n, m = len(x), len(y)
    cost = np.abs(np.subtract.outer(x, y)).ravel()
    rows = [np.kron(np.eye(n)[i], np.ones(m)) for i in range(n)]
    columns = [np.kron(np.ones(n), np.eye(m)[j]) for j in range(m)]
    right = [1 / n] * n + [1 / m] * m
    return optimize.linprog(cost, A_eq=np.array(rows + columns), b_eq=right).fun


def critic(x, y):
    """Find the largest difference of means over functions of slope one, by a linear programme."""
    at = np.concatenate([x, y])
    weights = np.concatenate([np.full(len(x), 1 / len(x)), np.full(len(y), -1 / len(y))])
    pairs = [(i, j) for i in range(len(at)) for j in range(len(at)) if i != j]
    rows = np.array([np.eye(len(at))[i] - np.eye(len(at))[j] for i, j in pairs])
    bounds = [abs(at[i] - at[j]) for i, j in pairs]
    free = [(0, 0)] + [(None, None)] * (len(at) - 1)
    return -optimize.linprog(-weights, A_ub=rows, b_ub=bounds, bounds=free).fun


@pytest.mark.verifies(
    "eq-adversarial-networks-transport",
    "eq-adversarial-networks-kantorovich",
    "eq-adversarial-networks-sorted",
    routes=("programme over couplings", "programme over critics", "sorted samples"),
)
def test_transport(verify):
    """Two linear programmes, over couplings and over critics, and the sorted formula agree."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=7), rng.normal(0.6, 1.7, size=7)
    moved_mass, told = transport(x, y), critic(x, y)
    verify.agree(moved_mass, told, rtol=1e-9)
    verify.refutes(moved_mass, 2 * told, why="factor 2")
    verify.refutes(moved_mass, abs(x.mean() - y.mean()), why="difference of the means")
    by_order = np.mean(np.abs(np.sort(x) - np.sort(y)))
    verify.agree(moved_mass, by_order, rtol=1e-9)
    verify.refutes(moved_mass, np.mean(np.abs(x - y)), why="not sorted")
    verify.refutes(moved_mass, 7 * by_order, why="factor n")
    verify.refutes(moved_mass, np.mean((np.sort(x) - np.sort(y)) ** 2), why="squares")
    verify.refutes(moved_mass, np.mean(np.abs(np.sort(x) - np.sort(y)[::-1])), why="reverse order")


@pytest.mark.verifies(
    "eq-adversarial-networks-quantiles",
    routes=("integral over distribution functions", "integral over quantiles", "scipy"),
)
def test_quantiles(verify):
    """Both integrals agree for two densities, and with scipy's distance of many samples."""
    one, two = stats.norm(0, 1), stats.gamma(2, loc=-1.8)
    over_x = quad(lambda x: abs(one.cdf(x) - two.cdf(x)), -9, 30)
    over_u = integrate.quad(lambda u: abs(one.ppf(u) - two.ppf(u)), 0, 1, limit=400, epsabs=1e-10)[
        0
    ]
    verify.agree(over_x, over_u, rtol=1e-7)
    verify.refutes(over_x, 2 * over_u, why="factor 2")
    signed = integrate.quad(lambda u: one.ppf(u) - two.ppf(u), 0, 1, limit=400)[0]
    verify.refutes(over_x, abs(signed), why="modulus outside the integral")
    u = (np.arange(20_000) + 0.5) / 20_000
    samples = stats.wasserstein_distance(one.ppf(u), two.ppf(u))
    verify.agree(over_x, samples, rtol=1e-3)
    verify.refutes(over_x, samples / 2, why="half")
    squared = quad(lambda x: (one.cdf(x) - two.cdf(x)) ** 2, -9, 30)
    verify.refutes(squared, samples, why="squared difference")


def gradient(f, x):
    """Slope of a small network's output at each row of x by central differences."""
    step = 1e-5
    return np.array(
        [[(f(row + step * e) - f(row - step * e)) / (2 * step) for e in np.eye(2)] for row in x]
    )


def small_critic():
    """Give a smooth function of the plane, in torch and in NumPy."""
    rng = np.random.default_rng(5)
    W, v = rng.normal(size=(2, 5)), rng.normal(size=5)

    def in_torch(x):
        return torch.tanh(x @ torch.tensor(W)) @ torch.tensor(v)

    return in_torch, lambda row: np.tanh(row @ W) @ v


@pytest.mark.verifies(
    "eq-adversarial-networks-gradient-penalty",
    "eq-adversarial-networks-r1",
    routes=("dlmath.generative", "finite differences"),
)
def test_penalties(verify):
    """The penalties of GAN are those of slopes found by differences, at the points of the text."""
    from dlmath.generative._gan import discriminator_cost, gradient_penalty, r1_penalty

    rng = np.random.default_rng(6)
    real, fake = rng.normal(size=(6, 2)), rng.normal(1.0, 1.0, size=(6, 2))
    in_torch, plain = small_critic()
    x = torch.tensor(real, requires_grad=True)
    penalty = r1_penalty(in_torch(x), x, 0.7).item()
    squares = np.sum(gradient(plain, real) ** 2, axis=1)
    verify.agree(penalty, 0.7 / 2 * squares.mean(), rtol=1e-7)
    verify.refutes(penalty, 0.7 * squares.mean(), why="factor 2")
    verify.refutes(penalty, 0.7 / 2 * squares.sum(), why="factor n")
    verify.refutes(penalty, 0.7 / 2 * np.sqrt(squares).mean(), why="norm not squared")
    elsewhere = np.sum(gradient(plain, fake) ** 2, axis=1).mean()
    verify.refutes(penalty, 0.7 / 2 * elsewhere, why="at the samples")

    torch.manual_seed(3)
    u = torch.rand(6, 1, dtype=torch.float64).numpy()
    torch.manual_seed(3)
    real_, fake_ = torch.tensor(real), torch.tensor(fake)
    found = gradient_penalty(in_torch, real_, fake_, 0.7).item()
    value = -discriminator_cost(in_torch(real_), in_torch(fake_), "wasserstein").item()

    def critic(sign=1, target=1.0, at=None):
        at = u * real + (1 - u) * fake if at is None else at
        norms = np.linalg.norm(gradient(plain, at), axis=1)
        means = np.mean([plain(row) for row in real]) - np.mean([plain(row) for row in fake])
        return sign * means - 0.7 / 2 * np.mean((norms - target) ** 2)

    verify.agree(value - found, critic(), rtol=1e-7)
    verify.refutes(value - found, critic(sign=-1), why="sign of the game")
    verify.refutes(value + found, critic(), why="sign of the penalty")
    verify.refutes(value - found, critic(target=0.0), why="slope zero")
    verify.refutes(value - found, critic(at=real), why="at the data only")
    verify.refutes(value - 2 * found, critic(), why="factor 2 of the gradient penalty")


# The Dirac-GAN.


def costs(theta, psi, loss, gamma=0.0, penalty="r1"):
    """Write the two players' costs in torch, from the definition of the game."""
    a = psi * theta
    if loss == "wasserstein":
        discriminator, generator = a, -a
    else:
        D = torch.sigmoid(a)
        discriminator = -torch.log(torch.tensor(0.5, dtype=a.dtype)) - torch.log(1 - D)
        generator = torch.log(1 - D) if loss == "saturating" else -torch.log(D)
    extra = psi**2 if penalty == "r1" else (psi.abs() - 1) ** 2
    return generator, discriminator + gamma / 2 * extra


def velocity(theta, psi, loss, gamma=0.0, penalty="r1"):
    """Minus the slope of each cost by its own player, by automatic differentiation."""
    t, s = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (theta, psi))
    generator, discriminator = costs(t, s, loss, gamma, penalty)
    slopes = (
        torch.autograd.grad(generator, t, retain_graph=True)[0],
        torch.autograd.grad(discriminator, s)[0],
    )
    return [-slope.item() for slope in slopes]


PLACES = [(0.7, -1.1), (-1.3, 0.4), (0.5, 1.2)]
GAMES = ("saturating", "non-saturating", "wasserstein")


@pytest.mark.verifies(
    "eq-adversarial-networks-dirac-flow", routes=("torch on both costs", "dlmath.adversarial")
)
def test_dirac_flow(verify):
    """Each player's slope of the cost that the game gives it is the stated velocity."""
    cases = [(place, loss) for place in PLACES for loss in GAMES]
    found = [velocity(*place, loss, 0.6) for place, loss in cases]

    def stated(gamma=0.6, flip=1, swap=False):
        names = {"saturating": "non-saturating", "non-saturating": "saturating"} if swap else {}
        return [
            [
                float(generator_velocity(t, s, names.get(loss, loss))),
                flip * float(discriminator_velocity(t, s, loss, "r1", gamma)),
            ]
            for (t, s), loss in cases
        ]

    verify.agree(found, stated(), rtol=1e-12)
    verify.refutes(found, stated(gamma=1.2), why="factor 2 of the penalty")
    verify.refutes(found, stated(gamma=-0.6), why="sign of the penalty")
    verify.refutes(found, stated(flip=-1), why="sign of the discriminator")
    verify.refutes(found, stated(swap=True), why="costs of the generator exchanged")


@pytest.mark.verifies(
    "eq-adversarial-networks-conserved",
    "eq-adversarial-networks-slow",
    "eq-adversarial-networks-ring",
    routes=("the flow by torch", "the stated rates", "scipy's integration"),
)
def test_rates_of_the_distance(verify):
    """How fast the squared distance changes along the flows, and what a long integration keeps."""

    def rate(place, loss, gamma=0.0, penalty="r1"):
        v = velocity(*place, loss, gamma, penalty)
        return 2 * (place[0] * v[0] + place[1] * v[1])

    zero_sum = [rate(place, loss) for place in PLACES for loss in ("saturating", "wasserstein")]
    verify.agree(zero_sum, np.zeros(6), atol=1e-13)
    others = [rate(place, "non-saturating") for place in PLACES for _ in range(2)]
    verify.refutes(others, np.zeros(6), why="not a zero-sum game")
    wrong = [
        2 * (t * velocity(t, s, "saturating")[0] - s * velocity(t, s, "saturating")[1])
        for t, s in PLACES
        for _ in range(2)
    ]
    verify.refutes(wrong, np.zeros(6), why="difference of the squares")

    u = np.array([t * s for t, s in PLACES])
    slow = [rate(place, "non-saturating") for place in PLACES]
    verify.agree(slow, -2 * u * np.tanh(u / 2), rtol=1e-12)
    verify.refutes(slow, 2 * u * np.tanh(u / 2), why="sign")
    verify.refutes(slow, -u * np.tanh(u / 2), why="factor 2")
    verify.refutes(slow, -2 * u * np.tanh(u), why="argument not halved")

    ring = [rate(place, "wasserstein", 0.8, "gradient") / 2 for place in PLACES]
    psi = np.abs([s for _, s in PLACES])
    verify.agree(ring, 0.8 * psi * (1 - psi), rtol=1e-12)
    verify.refutes(ring, 0.8 * psi * (psi - 1), why="sign of the ring")
    verify.refutes(ring, 1.6 * psi * (1 - psi), why="factor 2 of the ring")
    verify.refutes(ring, 0.8 * (1 - psi), why="psi missing")

    def flow(_, y):
        t, s = y
        return [s * special.expit(s * t), -t * special.expit(s * t)]

    path = integrate.solve_ivp(flow, (0, 60), (1.1, 0.3), rtol=1e-11, atol=1e-12).y
    distance = np.sum(path[:, ::50] ** 2, axis=0)
    verify.agree(distance, np.full(distance.size, 1.1**2 + 0.3**2), rtol=1e-8)
    verify.refutes(path[0, ::50] ** 2, np.full(distance.size, 1.3), why="theta alone")


@pytest.mark.verifies(
    "eq-adversarial-networks-outwards",
    routes=("steps by torch", "dlmath.adversarial.dirac_path", "the stated factor"),
)
def test_simultaneous_steps_lead_outwards(verify):
    """Each simultaneous step multiplies the squared distance by the stated factor, exactly."""
    eta = 0.35
    for loss, h in (("saturating", special.expit), ("wasserstein", np.ones_like)):
        place, seen = np.array([0.6, -0.9]), []
        for _ in range(30):
            seen.append(place)
            place = place + eta * np.array(velocity(*place, loss))
        seen = np.array(seen)
        squares = np.sum(seen**2, axis=1)
        u = seen[:-1, 0] * seen[:-1, 1]
        found = squares[1:] / squares[:-1]
        verify.agree(found, 1 + eta**2 * h(u) ** 2, rtol=1e-12)
        if loss == "saturating":
            verify.refutes(found, 1 - eta**2 * h(u) ** 2, why="sign")
            verify.refutes(found, 1 + eta * h(u), why="square of the learning rate")
            verify.refutes(found, 1 + 2 * eta**2 * h(u) ** 2, why="factor 2")
            verify.refutes(found, np.sqrt(1 + eta**2 * h(u) ** 2), why="distance for its square")
        path = dirac_path((0.6, -0.9), eta, 29, loss=loss)
        verify.agree(path, seen, rtol=1e-12)
        if loss == "saturating":
            wrong = dirac_path((0.6, -0.9), eta, 29, loss=loss, alternating=True)
            verify.refutes(wrong, seen, why="players in turn")


@pytest.mark.verifies(
    "eq-adversarial-networks-eigenvalues",
    routes=("eigenvalues of torch's Jacobian", "closed form", "scipy's integration"),
)
def test_eigenvalues_of_the_flow(verify):
    """The Jacobian of the velocities has the stated eigenvalues; decay is measured on the flow."""

    def jacobian(loss, gamma):
        def field(y):
            t, s = y
            generator, discriminator = costs(t, s, loss, gamma)
            by_t = torch.autograd.grad(generator, y, create_graph=True)[0][0]
            by_s = torch.autograd.grad(discriminator, y, create_graph=True)[0][1]
            return -by_t, -by_s

        y = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        return torch.stack([torch.autograd.grad(v, y, retain_graph=True)[0] for v in field(y)])

    def closed(c, gamma, sign=-1):
        root = np.sqrt(complex(gamma**2 / 4 - c**2))
        return np.array([sign * gamma / 2 - root, sign * gamma / 2 + root])

    def key(values):
        return values[np.lexsort((values.real.round(9), values.imag.round(9)))]

    cases = [("saturating", 0.5, 0.3), ("non-saturating", 0.5, 1.6), ("wasserstein", 1.0, 0.7)]
    found = [key(torch.linalg.eigvals(jacobian(n, g)).numpy()) for n, _, g in cases]
    verify.agree(found, [key(closed(c, g)) for _, c, g in cases], atol=1e-12)
    verify.refutes(found, [key(closed(c, g, 1)) for _, c, g in cases], why="sign of the friction")
    verify.refutes(found, [key(closed(c, 2 * g)) for _, c, g in cases], why="factor 2 of gamma")
    verify.refutes(found, [key(closed(1.0, g)) for _, _, g in cases], why="slope at the origin")
    verify.refutes(found, [key(closed(c, 0)) for _, c, _ in cases], why="no friction")

    def flow(_, y):
        t, s = y
        return [s * special.expit(s * t), -t * special.expit(s * t) - 0.4 * s]

    period = 2 * np.pi / np.sqrt(0.25 - 0.04)
    path = integrate.solve_ivp(
        flow, (0, 6 * period), (0.2, 0), rtol=1e-11, atol=1e-14, t_eval=[5 * period, 6 * period]
    ).y
    rate = np.log(path[0, 1] / path[0, 0]) / period
    verify.agree(rate, -0.2, rtol=1e-4)
    verify.refutes(rate, -0.4, why="factor 2 of the decay")
    verify.refutes(-rate, -0.2, why="sign of the decay")


@pytest.mark.verifies(
    "eq-adversarial-networks-step-matrix",
    "eq-adversarial-networks-ellipse",
    "eq-adversarial-networks-modulus",
    routes=("steps of the game", "sympy", "dlmath.adversarial.dirac_step_matrix"),
)
def test_steps_near_the_equilibrium(verify):
    """Unit vectors stepped through the game give the matrix; sympy its invariant and moduli."""
    eta, gamma = 0.3, 0.8

    def stepped(alternating, loss="wasserstein", size=1.0, g=gamma):
        columns = [
            dirac_path(size * e, eta, 1, loss=loss, penalty="r1", gamma=g, alternating=alternating)[
                1
            ]
            for e in np.eye(2)
        ]
        return np.transpose(columns) / size

    bare = stepped(True, g=0.0)
    verify.agree(bare, [[1, eta], [-eta, 1 - eta**2]], rtol=1e-13)
    verify.refutes(bare, [[1, -eta], [eta, 1 - eta**2]], why="transpose")
    verify.refutes(bare, [[1, eta], [-eta, 1 + eta**2]], why="sign of the square")
    verify.refutes(bare, [[1, eta], [-eta, 1]], why="players at once")
    small = stepped(True, "saturating", 1e-5)
    verify.agree(small, dirac_step_matrix(eta, gamma=gamma, alternating=True), atol=1e-9)
    wrong = dirac_step_matrix(eta, loss="wasserstein", gamma=gamma, alternating=True)
    verify.refutes(small, wrong, why="factor 2 of the coupling")

    a, t, s = sympy.symbols("a theta psi", positive=True)
    M = sympy.Matrix([[1, a], [-a, 1 - a**2]])
    verify.agree(np.linalg.det(bare), 1.0, rtol=1e-13)
    verify.refutes(np.linalg.det(stepped(False, g=0.0)), 1.0, why="players at once, determinant")

    def form(v, sign=1):
        return v[0] ** 2 + sign * a * v[0] * v[1] + v[1] ** 2

    v = sympy.Matrix([t, s])
    verify.identical(sympy.expand(form(M * v)), sympy.expand(form(v)))
    verify.refutes(sympy.expand(form(M * v, -1)), sympy.expand(form(v, -1)), why="sign of the form")
    circle = (M * v).dot(M * v)
    verify.refutes(sympy.expand(circle), sympy.expand(v.dot(v)), why="a circle")

    radii = [np.abs(np.linalg.eigvals(stepped(order))).max() for order in (False, True)]
    text = [np.sqrt(1 - eta * gamma + eta**2), np.sqrt(1 - eta * gamma)]
    verify.agree(radii, text, rtol=1e-12)
    verify.refutes(radii, text[::-1], why="orders exchanged")
    verify.refutes(
        radii, [np.sqrt(1 - eta * gamma - eta**2), text[1]], why="sign of the square, R1"
    )
    verify.refutes(radii, np.square(text), why="no root")
    outside = np.abs(
        np.linalg.eigvals(dirac_step_matrix(2.1, loss="wasserstein", alternating=True))
    )
    inside = np.abs(np.linalg.eigvals(dirac_step_matrix(1.9, loss="wasserstein", alternating=True)))
    verify.agree(inside, np.ones(2), rtol=1e-12)
    verify.refutes(outside, np.ones(2), why="beyond a = 2")
