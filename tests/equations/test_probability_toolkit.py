"""The numbered equations of the chapter on distances between laws."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch
from dlmath import ising
from dlmath.densities import GaussianMixture
from dlmath.divergences import (
    f_divergence,
    f_divergence_on_grid,
    fisher_divergence_on_grid,
    fisher_gaussians,
    jensen_shannon,
    kl_gaussians,
    optimal_map_gaussians,
    wasserstein_gaussians,
    wasserstein_on_line,
)
from scipy import integrate, linalg, optimize, stats
from scipy.spatial.distance import jensenshannon
from scipy.special import expit, logsumexp, rel_entr

torch.set_num_threads(1)


def laws(size, count=2, seed=0):
    """Draw laws on a finite set."""
    return np.random.default_rng(seed).dirichlet(np.ones(size), size=count)


def covariances(p, count=2, seed=0):
    """Draw positive definite matrices."""
    factors = np.random.default_rng(seed).normal(size=(count, p, p + 2))
    return factors @ factors.swapaxes(1, 2) / p


def humps(weights, centres, sd=1.0):
    return GaussianMixture(weights, np.reshape(centres, (-1, 1)), sd**2)


def on(x, *densities):
    """Give log-densities and scores on a grid."""
    column = x[:, np.newaxis]
    return [(law.log_prob(column), law.score(column)[:, 0]) for law in densities]


def quad(function, low=-np.inf, high=np.inf, **options):
    return integrate.quad(function, low, high, epsabs=1e-12, epsrel=1e-12, limit=400, **options)[0]


# Kullback and Leibler.


@pytest.mark.verifies(
    "eq-probability-toolkit-kl",
    routes=("scipy.special.rel_entr", "dlmath.divergences", "adaptive quadrature"),
)
def test_divergence(verify):
    """The sum over states and the integral over the line are dlmath's divergences."""
    p, q = laws(6)
    verify.agree(f_divergence(p, q), rel_entr(p, q).sum(), rtol=1e-13)
    verify.refutes(f_divergence(q, p), rel_entr(p, q).sum(), why="the other direction")
    verify.refutes(-f_divergence(p, q), rel_entr(p, q).sum(), why="sign")
    verify.refutes(f_divergence(p, q) / np.log(2), rel_entr(p, q).sum(), why="bits for nats")

    x = np.linspace(-20, 25, 9001)
    a, b = humps([0.3, 0.7], [-1, 2], 0.8), stats.norm(0.5, 1.9)
    grid = f_divergence_on_grid(a.log_prob(x[:, np.newaxis]), b.logpdf(x), x)

    def log_a(t):
        return a.log_prob([[t]])[0]

    adaptive = quad(lambda t: np.exp(log_a(t)) * (log_a(t) - b.logpdf(t)), -10, 12)
    verify.agree(grid, adaptive, rtol=1e-9)
    turned = quad(lambda t: b.pdf(t) * (b.logpdf(t) - log_a(t)), -20, 25)
    verify.refutes(turned, adaptive, why="mean under the other law")
    verify.refutes(2 * grid, adaptive, why="factor 2")


@pytest.mark.verifies(
    "eq-probability-toolkit-chain", routes=("the joint table", "marginals and conditionals")
)
def test_chain_rule(verify):
    """The divergence of two joint tables is that of a margin plus the mean conditional one."""
    p, q = laws(12, seed=1).reshape(2, 3, 4)
    joint = rel_entr(p, q).sum()
    p_x, q_x = p.sum(axis=1), q.sum(axis=1)
    inner = [f_divergence(a / a.sum(), b / b.sum()) for a, b in zip(p, q, strict=True)]
    verify.agree(joint, f_divergence(p_x, q_x) + p_x @ inner, rtol=1e-13)
    verify.refutes(joint, f_divergence(p_x, q_x) + q_x @ inner, why="conditionals averaged over q")
    verify.refutes(joint, f_divergence(p_x, q_x) + np.sum(inner), why="summed, not averaged")
    verify.refutes(joint, f_divergence(p_x, q_x) - p_x @ inner, why="sign")
    p_z, q_z = p.sum(axis=0), q.sum(axis=0)
    margins = f_divergence(p_x, q_x) + f_divergence(p_z, q_z)
    verify.refutes(joint, margins, why="two margins, as if independent")


@pytest.mark.verifies(
    "eq-probability-toolkit-invariance", routes=("quadrature before", "quadrature after the map")
)
def test_invariance(verify):
    """Gaussian laws and their lognormal images have one divergence, but not one entropy."""
    (m1, s1), (m2, s2) = (0.2, 0.5), (-0.3, 0.8)
    before = quad(
        lambda x: (
            stats.norm.pdf(x, m1, s1)
            * (stats.norm.logpdf(x, m1, s1) - stats.norm.logpdf(x, m2, s2))
        ),
        -6,
        7,
    )

    def image(y, m, s):  # the density of exp(X), from scipy
        return stats.lognorm.logpdf(y, s, scale=np.exp(m))

    after = quad(lambda y: np.exp(image(y, m1, s1)) * (image(y, m1, s1) - image(y, m2, s2)), 0, 60)
    verify.agree(after, before, rtol=1e-8)

    def forgotten(y, m, s):  # the factor of the map put into one of the two only
        return image(y, m, s) + np.log(y)

    wrong = quad(
        lambda y: np.exp(image(y, m1, s1)) * (image(y, m1, s1) - forgotten(y, m2, s2)), 0, 60
    )
    verify.refutes(wrong, before, why="the Jacobian in one density only")
    entropies = stats.lognorm(s1, scale=np.exp(m1)).entropy(), stats.norm(m1, s1).entropy()
    verify.refutes(*entropies, why="the same for entropies")


@pytest.mark.verifies(
    "eq-probability-toolkit-kl-gaussians",
    routes=("torch.distributions", "dlmath.divergences.kl_gaussians", "quadrature"),
)
def test_divergence_of_gaussians(verify):
    """The closed form is torch's and, on the line, that of a quadrature."""
    S1, S2 = covariances(4)
    m1, m2 = np.random.default_rng(2).normal(size=(2, 4))
    normal = torch.distributions.MultivariateNormal
    P, Q = (normal(torch.tensor(m), torch.tensor(S)) for m, S in ((m1, S1), (m2, S2)))
    theirs = torch.distributions.kl_divergence(P, Q).item()
    verify.agree(kl_gaussians(m1, S1, m2, S2), theirs, rtol=1e-12)
    inv, gap = np.linalg.inv(S2), m1 - m2
    logs = np.linalg.slogdet(S2)[1] - np.linalg.slogdet(S1)[1]
    trace, shift = np.trace(inv @ S1), gap @ inv @ gap
    verify.agree((trace - 4 + logs + shift) / 2, theirs, rtol=1e-12)
    verify.refutes(trace - 4 + logs + shift, theirs, why="factor 2")
    verify.refutes((trace - 4 - logs + shift) / 2, theirs, why="sign of the determinants")
    verify.refutes((trace + logs + shift) / 2, theirs, why="without the dimension")
    other = gap @ np.linalg.inv(S1) @ gap
    verify.refutes((trace - 4 + logs + other) / 2, theirs, why="distance in units of the first")
    verify.refutes(kl_gaussians(m2, S2, m1, S1), theirs, why="the other direction")

    a, b = stats.norm(0.3, 0.7), stats.norm(-0.5, 1.3)
    line = quad(lambda x: a.pdf(x) * (a.logpdf(x) - b.logpdf(x)), -8, 9)
    verify.agree(kl_gaussians(0.3, 0.49, -0.5, 1.69), line, rtol=1e-9)
    verify.refutes(kl_gaussians(0.3, 0.7, -0.5, 1.3), line, why="widths for variances")


# Which way round.


def family(theta, features, base):
    """Give the member of an exponential family on a finite set."""
    log_q = np.log(base) + features @ theta
    return np.exp(log_q - logsumexp(log_q))


@pytest.mark.verifies(
    "eq-probability-toolkit-exponential-family",
    routes=("normalised by a sum", "normalised by A", "torch"),
)
def test_exponential_family(verify):
    """The members sum to one, and the gradient of A is the mean of the features."""
    rng = np.random.default_rng(3)
    features, base, theta = rng.normal(size=(8, 3)), rng.uniform(0.5, 2, 8), rng.normal(size=3)
    weights = base * np.exp(features @ theta)
    A = logsumexp(features @ theta, b=base)
    verify.agree(weights / weights.sum(), base * np.exp(features @ theta - A), rtol=1e-13)
    without = np.exp(features @ theta - logsumexp(features @ theta))
    verify.refutes(weights / weights.sum(), without, why="without h")
    verify.refutes(weights / weights.sum(), base * np.exp(features @ theta + A), why="sign of A")

    t = torch.tensor(theta, requires_grad=True)
    inside = torch.tensor(features) @ t + torch.tensor(np.log(base))
    torch.logsumexp(inside, 0).backward()
    mean = family(theta, features, base) @ features
    verify.agree(t.grad.numpy(), mean, rtol=1e-12)
    verify.refutes(t.grad.numpy(), features.mean(axis=0), why="mean under the uniform law")
    verify.refutes(t.grad.numpy(), -mean, why="sign")


@pytest.mark.verifies(
    "eq-probability-toolkit-moments",
    "eq-probability-toolkit-pythagoras",
    routes=("minimisation by scipy", "moments", "scipy.special.rel_entr"),
)
def test_forward_divergence_matches_moments(verify):
    """A search for the smallest divergence ends at equal moments; the excess is a divergence."""
    rng = np.random.default_rng(4)
    features, base = rng.normal(size=(9, 2)), np.ones(9)
    p = laws(9, 1, seed=5)[0]

    def forward(theta):
        return rel_entr(p, family(theta, features, base)).sum()

    best = optimize.minimize(forward, np.zeros(2), method="BFGS", options={"gtol": 1e-10}).x
    q = family(best, features, base)
    verify.agree(q @ features, p @ features, atol=1e-6)

    def reverse(theta):
        return rel_entr(family(theta, features, base), p).sum()

    other = optimize.minimize(reverse, np.zeros(2), method="BFGS").x
    verify.refutes(family(other, features, base) @ features, p @ features, why="reverse divergence")
    verify.refutes(base / 9 @ features, p @ features, why="not fitted")

    theta = np.array([0.7, -0.4])
    trial = family(theta, features, base)
    parts = forward(best), rel_entr(q, trial).sum()
    verify.agree(forward(theta), sum(parts), rtol=1e-7)
    verify.refutes(forward(theta), parts[0] - parts[1], why="sign")
    verify.refutes(forward(theta), parts[0] + rel_entr(trial, q).sum(), why="second part turned")
    elsewhere = family(best + 0.3, features, base)
    wrong = rel_entr(p, elsewhere).sum() + rel_entr(elsewhere, trial).sum()
    verify.refutes(forward(theta), wrong, why="through a member with other moments")


@pytest.mark.verifies(
    "eq-probability-toolkit-gibbs",
    "eq-probability-toolkit-mean-field",
    routes=("enumeration of all states", "the free energies", "dlmath.ising"),
)
def test_free_energy_of_the_mean_field(verify):
    """On sixteen spins the excess free energy over k_B T is the divergence, summed over states."""
    states, tau, m = ising.all_states(4), 2.7, 0.6
    flat = states.reshape(-1, 16)
    # The energy once more, bond by bond.
    spins = flat.reshape(-1, 4, 4).astype(int)
    bonds = [
        spins[:, i, j] * (spins[:, (i + 1) % 4, j] + spins[:, i, (j + 1) % 4])
        for i in range(4)
        for j in range(4)
    ]
    E = -np.sum(bonds, axis=0)
    log_Z = ising.exact_enumeration(4, tau).log_partition
    p = np.exp(-E / tau - log_Z)
    q = np.prod(np.where(flat == 1, (1 + m) / 2, (1 - m) / 2), axis=1)
    F, F_q = -tau * log_Z, q @ E + tau * np.sum(q * np.log(q))
    divergence = rel_entr(q, p).sum()
    verify.agree(divergence, (F_q - F) / tau, rtol=1e-11)
    verify.refutes(divergence, F_q - F, why="not divided by k_B T")
    verify.refutes(divergence, (F - F_q) / tau, why="sign")
    verify.refutes(rel_entr(p, q).sum(), (F_q - F) / tau, why="the other direction")
    verify.refutes(divergence, (q @ E - tau * np.sum(q * np.log(q)) - F) / tau, why="sign of S")

    a, b = (1 + m) / 2, (1 - m) / 2
    entropy = -(a * np.log(a) + b * np.log(b))
    verify.agree(F_q / 16, -2 * m**2 - tau * entropy, rtol=1e-11)
    verify.refutes(F_q / 16, -4 * m**2 - tau * entropy, why="bonds counted twice (factor 2)")
    verify.refutes(F_q, -2 * m**2 - tau * entropy, why="factor n, the number of spins")
    verify.refutes(F_q / 16, -2 * m**2 + tau * entropy, why="sign of the entropy")
    stationary = optimize.minimize_scalar(
        lambda u: (
            -2 * u**2
            + tau * ((1 + u) / 2 * np.log((1 + u) / 2) + (1 - u) / 2 * np.log((1 - u) / 2))
        ),
        bounds=(0.1, 0.999),
        method="bounded",
        options={"xatol": 1e-9},
    ).x
    verify.agree(np.tanh(4 * stationary / tau), stationary, atol=1e-6)
    verify.refutes(np.tanh(2 * stationary / tau), stationary, why="two neighbours (factor 2)")


# The family of f.

GENERATORS = {
    "kl": (lambda u: u * sympy.log(u), np.inf),
    "reverse kl": (lambda u: -sympy.log(u), 0),
    "jensen-shannon": (
        lambda u: (u * sympy.log(u) - (1 + u) * sympy.log((1 + u) / 2)) / 2,
        np.log(2) / 2,
    ),
    "total variation": (lambda u: sympy.Abs(u - 1) / 2, 0.5),
    "hellinger": (lambda u: (sympy.sqrt(u) - 1) ** 2, 1),
    "chi2": (lambda u: (u - 1) ** 2, np.inf),
}


@pytest.mark.verifies(
    "eq-probability-toolkit-f-divergence",
    routes=("sympy's generators in fractions", "dlmath.divergences.f_divergence"),
)
def test_f_divergences(verify):
    """For each generator of the table the sum over states is dlmath's, zeros included."""
    p = [Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)]
    q = [Fraction(1, 4), Fraction(5, 8), Fraction(1, 8)]
    u = sympy.Symbol("u", positive=True)
    by_hand, swapped = [], []
    for f, _ in GENERATORS.values():
        values = [
            float(sympy.Rational(b) * f(u).subs(u, sympy.Rational(a / b)))
            for a, b in zip(p, q, strict=True)
        ]
        by_hand.append(sum(values))
        mistaken = [
            float(sympy.Rational(a) * f(u).subs(u, sympy.Rational(a / b)))
            for a, b in zip(p, q, strict=True)
        ]
        swapped.append(sum(mistaken))
    found = [f_divergence(np.array(p, float), np.array(q, float), kind) for kind in GENERATORS]
    verify.agree(found, by_hand, rtol=1e-12)
    turned = [f_divergence(np.array(q, float), np.array(p, float), kind) for kind in GENERATORS]
    verify.refutes(found, swapped, why="mean under p")
    verify.refutes(turned, by_hand, why="the ratio turned over")
    verify.refutes(2 * np.array(found), by_hand, why="factor 2")

    # Where q vanishes p counts with the slope of f at infinity.
    finite = [kind for kind, (_, slope) in GENERATORS.items() if np.isfinite(slope)]
    p, q = np.array([0.3, 0.3, 0.4]), np.array([0.6, 0.4, 0.0])
    limits = []
    for kind in finite:
        f, slope = GENERATORS[kind]
        inner = sum(b * float(f(u).subs(u, a / b)) for a, b in zip(p[:2], q[:2], strict=True))
        limits.append(inner + 0.4 * slope)
    found = [f_divergence(p, q, kind) for kind in finite]
    verify.agree(found, limits, rtol=1e-12)
    dropped = np.array(limits) - 0.4 * np.array([GENERATORS[k][1] for k in finite], float)
    verify.refutes(found, dropped, why="states without q left out")


@pytest.mark.verifies(
    "eq-probability-toolkit-data-processing",
    "eq-probability-toolkit-conditional-ratio",
    routes=("random channels", "Bayes' rule", "zero"),
)
def test_data_processing(verify):
    """Through random channels no divergence of the table grows, and the ratio is averaged."""
    rng = np.random.default_rng(6)
    before, after = [], []
    for _ in range(20):
        p, q = rng.dirichlet(np.ones(5), size=2)
        K = rng.dirichlet(0.5 * np.ones(4), size=5)  # rows: outputs given an input
        before.append([f_divergence(p, q, kind) for kind in GENERATORS])
        after.append([f_divergence(p @ K, q @ K, kind) for kind in GENERATORS])
    verify.at_most(np.array(after), np.array(before), atol=1e-14)
    verify.refutes(np.array(before), np.array(after), why="growing")
    verify.at_most(np.zeros((20, 6)), np.array(after), atol=1e-14)
    verify.refutes(np.zeros((20, 6)), -np.array(after), why="sign")

    posterior = K * q[:, np.newaxis] / (q @ K)
    verify.agree((p @ K) / (q @ K), posterior.T @ (p / q), rtol=1e-12)
    verify.refutes((p @ K) / (q @ K), K.T @ (p / q), why="the channel for the posterior")
    other = K * p[:, np.newaxis] / (p @ K)
    verify.refutes((p @ K) / (q @ K), other.T @ (p / q), why="posterior under p")


@pytest.mark.verifies(
    "eq-probability-toolkit-jensen-shannon",
    routes=("scipy.spatial.distance.jensenshannon", "dlmath.divergences", "information of a coin"),
)
def test_jensen_shannon(verify):
    """Dlmath's value is scipy's distance squared, and what a sample tells about a fair coin."""
    p, q = laws(7, seed=7)
    verify.agree(jensen_shannon(p, q), jensenshannon(p, q) ** 2, rtol=1e-12)
    verify.refutes(jensen_shannon(p, q), jensenshannon(p, q), why="distance, not its square")
    verify.refutes(2 * jensen_shannon(p, q), jensenshannon(p, q) ** 2, why="factor 2")
    middle = (f_divergence((p + q) / 2, p) + f_divergence((p + q) / 2, q)) / 2
    verify.refutes(middle, jensenshannon(p, q) ** 2, why="the mixture in front")
    joint = np.array([p, q]) / 2
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    verify.agree(jensen_shannon(p, q), rel_entr(joint, product).sum(), rtol=1e-12)
    verify.refutes(jensen_shannon(p, q), rel_entr(product, joint).sum(), why="information turned")

    pairs = np.random.default_rng(8).dirichlet(0.1 * np.ones(6), size=(200, 2))
    values = np.array([jensen_shannon(*pair) for pair in pairs])
    verify.at_most(values, np.full(200, np.log(2)), atol=1e-14)
    verify.refutes(2 * values, np.full(200, np.log(2)), why="sum instead of mean (factor 2)")
    verify.at_most(np.zeros(200), values, atol=1e-14)
    verify.refutes(np.zeros(200), -values, why="sign")


@pytest.mark.verifies(
    "eq-probability-toolkit-pinsker",
    "eq-probability-toolkit-binary",
    routes=("many random laws", "sympy"),
)
def test_pinsker(verify):
    """The bound holds for random laws and is sharp for near ones; the slope is the text's."""
    pairs = np.random.default_rng(9).dirichlet(np.ones(4), size=(500, 2))
    pairs[0] = [0.25, 0.25, 0.25, 0.25], [0.26, 0.26, 0.24, 0.24]
    kl = np.array([f_divergence(*pair) for pair in pairs])
    tv = np.array([np.abs(p - q).sum() / 2 for p, q in pairs])
    verify.at_most(2 * tv**2, kl, atol=1e-12)
    verify.refutes(2.01 * tv**2, kl, why="a larger constant")
    verify.refutes(8 * tv**2, kl, why="total variation without 1/2 (factor 2)")
    verify.refutes(tv, kl, why="not squared")

    a, b = sympy.symbols("a b", positive=True)
    g = a * sympy.log(a / b) + (1 - a) * sympy.log((1 - a) / (1 - b)) - 2 * (a - b) ** 2
    verify.identical(sympy.diff(g, b), (b - a) * (1 / (b * (1 - b)) - 4))
    verify.refutes(sympy.diff(g, b), (a - b) * (1 / (b * (1 - b)) - 4), why="sign")
    verify.refutes(sympy.diff(g, b), (b - a) * (1 / (b * (1 - b)) - 2), why="factor 2")
    verify.identical(sympy.diff(g, b), -a / b + (1 - a) / (1 - b) + 4 * (a - b))
    wrong = a / b + (1 - a) / (1 - b) + 4 * (a - b)
    verify.refutes(sympy.diff(g, b), wrong, why="sign of the first term")


# Transport.


@pytest.mark.verifies(
    "eq-probability-toolkit-wasserstein",
    "eq-probability-toolkit-quantiles",
    routes=("linear programming over plans", "sorting", "dlmath.divergences.wasserstein_on_line"),
)
def test_transport_on_the_line(verify):
    """The cheapest plan between two samples, found among all, pairs them in order."""
    rng = np.random.default_rng(10)
    n = 7
    x, y = rng.normal(size=n), 2 + 0.5 * rng.normal(size=n)
    cost = (x[:, np.newaxis] - y) ** 2
    margins = np.vstack([np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))])
    plan = optimize.linprog(cost.ravel(), A_eq=margins, b_eq=np.full(2 * n, 1 / n))
    in_order = np.mean((np.sort(x) - np.sort(y)) ** 2)
    verify.agree(plan.fun, in_order, rtol=1e-9)
    verify.refutes(plan.fun, np.mean((x - y) ** 2), why="paired as they come")
    turned = np.mean((np.sort(x) - np.sort(y)[::-1]) ** 2)
    verify.refutes(plan.fun, turned, why="the largest to the smallest")
    verify.refutes(plan.fun, in_order**0.5, why="the distance, not its square")
    verify.refutes(n * plan.fun, in_order, why="factor n")
    everyone = min(np.mean((x - y[list(order)]) ** 2) for order in itertools.permutations(range(n)))
    verify.agree(everyone, in_order, rtol=1e-12)
    verify.refutes(np.mean((x - y) ** 2), in_order, why="one permutation")

    grid = np.linspace(-12, 25, 20001)
    p, q = stats.norm(0.3, 0.8), stats.gamma(3.0, scale=1.1)
    log_q = np.full(grid.size, -np.inf)
    log_q[grid > 0] = q.logpdf(grid[grid > 0])
    found = wasserstein_on_line(p.logpdf(grid), log_q, grid, levels=40_000) ** 2
    z = np.linspace(-8, 8, 1601)
    other = np.where(z < 0, q.ppf(stats.norm.cdf(z)), q.isf(stats.norm.sf(z)))
    by_quantiles = np.trapezoid((0.3 + 0.8 * z - other) ** 2 * stats.norm.pdf(z), z)
    verify.agree(found, by_quantiles, rtol=1e-3)
    areas = np.trapezoid((p.cdf(grid) - q.cdf(grid)) ** 2, grid)
    verify.refutes(found, areas, why="distribution functions for quantiles")


@pytest.mark.verifies(
    "eq-probability-toolkit-frechet-bound",
    routes=("random couplings", "the minimum of two tails"),
)
def test_bound_on_joint_tails(verify):
    """In random plans no joint tail exceeds the smaller margin; in order all reach it."""
    rng = np.random.default_rng(11)
    x, y = np.sort(rng.normal(size=6)), np.sort(rng.normal(size=6))
    tails_x, tails_y = (v[:, np.newaxis] > v for v in (x, y))  # rows: points, columns: levels
    bound = np.minimum(tails_x.mean(axis=0)[:, np.newaxis], tails_y.mean(axis=0))

    def joint(order):
        return tails_x.T.astype(float) @ tails_y[order] / 6

    plans = np.array([joint(rng.permutation(6)) for _ in range(50)])
    verify.at_most(plans, np.broadcast_to(bound, plans.shape), atol=1e-14)
    products = np.outer(tails_x.mean(axis=0), tails_y.mean(axis=0))
    verify.refutes(plans, np.broadcast_to(products, plans.shape), why="product of the tails")
    verify.agree(joint(np.arange(6)), bound, atol=1e-14)
    verify.refutes(joint(np.arange(6)[::-1]), bound, why="the reverse order")


@pytest.mark.verifies(
    "eq-probability-toolkit-wasserstein-gaussians",
    "eq-probability-toolkit-trace-bound",
    "eq-probability-toolkit-coupling-cost",
    routes=("maximisation over couplings", "scipy.linalg.sqrtm", "dlmath.divergences"),
)
def test_wasserstein_distance_of_gaussians(verify):
    """The best of all couplings, found by a search, costs what the formula says."""
    S1, S2 = covariances(3, seed=12)
    m1, m2 = np.random.default_rng(13).normal(size=(2, 3))
    L1, L2 = np.linalg.cholesky(S1), np.linalg.cholesky(S2)

    # Every coupling of Gaussians: C = L1 K L2^T with |K| <= 1; the largest trace has K orthogonal.
    def negative_trace(angles, mirror):
        skew = np.zeros((3, 3))
        skew[np.triu_indices(3, 1)] = angles
        K = linalg.expm(skew - skew.T) @ np.diag([1.0, 1.0, mirror])
        return -np.trace(L1 @ K @ L2.T)

    starts = np.random.default_rng(14).normal(size=(6, 3))
    traces = [
        -optimize.minimize(negative_trace, start, (mirror,), options={"gtol": 1e-10}).fun
        for start in starts
        for mirror in (1.0, -1.0)
    ]
    root = linalg.sqrtm(S1)
    overlap = np.trace(linalg.sqrtm(root @ S2 @ root)).real
    verify.agree(max(traces), overlap, rtol=1e-9)
    verify.refutes(max(traces), np.trace(root @ linalg.sqrtm(S2)), why="product of the roots")
    verify.refutes(max(traces), np.trace(root @ S2 @ root), why="root left out")
    verify.refutes(max(traces), np.trace(L1 @ L2.T), why="K = I in Cholesky's factors")
    diagonal = np.sqrt(np.diag(S1) * np.diag(S2)).sum()
    verify.refutes(max(traces), diagonal, why="diagonals only")

    # No contraction gives more.
    K = np.random.default_rng(15).normal(size=(200, 3, 3))
    K /= np.linalg.norm(K, ord=2, axis=(1, 2), keepdims=True)
    random = np.trace(L1 @ K @ L2.T, axis1=1, axis2=2)
    verify.at_most(random, np.full(200, overlap), atol=1e-12)
    verify.refutes(3 * random, np.full(200, overlap), why="cross-covariances beyond the bound")

    formula = (m1 - m2) @ (m1 - m2) + np.trace(S1 + S2) - 2 * overlap
    ours = wasserstein_gaussians(m1, S1, m2, S2)
    verify.agree(ours, formula, rtol=1e-10)
    verify.refutes(ours, formula + overlap, why="factor 2 of the overlap")
    verify.refutes(ours, formula - (m1 - m2) @ (m1 - m2), why="means left out")
    verify.refutes(np.sqrt(ours), formula, why="the distance, not its square")
    verify.refutes(kl_gaussians(m1, S1, m2, S2), formula, why="another distance")

    # The cost of one coupling that is not optimal, by its moments and by sampling its two halves.
    C = 0.4 * L1 @ L2.T
    cost = (m1 - m2) @ (m1 - m2) + np.trace(S1) + np.trace(S2) - 2 * np.trace(C)
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    joint = np.block([[S1, C], [C.T, S2]])
    points = np.array(list(itertools.product(nodes, repeat=6))) @ np.linalg.cholesky(joint).T
    mass = np.prod(list(itertools.product(weights / np.sqrt(2 * np.pi), repeat=6)), axis=1)
    ways = np.sum((points[:, :3] + m1 - points[:, 3:] - m2) ** 2, axis=1)
    verify.agree(mass @ ways, cost, rtol=1e-11)
    verify.refutes(mass @ ways, cost + 4 * np.trace(C), why="sign of the cross-covariance")
    verify.refutes(mass @ ways, cost + np.trace(C), why="factor 2")


@pytest.mark.verifies(
    "eq-probability-toolkit-optimal-map",
    routes=("Riccati's equation", "optimal assignment", "dlmath.divergences"),
)
def test_optimal_map(verify):
    """The map carries one covariance to the other, and no assignment of its points is better."""
    S1, S2 = covariances(2, seed=16)
    A = optimal_map_gaussians(S1, S2)
    verify.agree(A @ S1 @ A, S2, rtol=1e-11)
    L1, L2 = np.linalg.cholesky(S1), np.linalg.cholesky(S2)
    verify.refutes(A @ A @ S1, S2, why="not on both sides")
    verify.refutes(A @ S2 @ A, S1, why="the other direction")
    # The same matrix as a geometric mean, from eigenvectors of S1 S2.
    geometric = linalg.solve(S1, linalg.sqrtm(S1 @ S2)).real
    verify.agree(A, geometric, atol=1e-11)
    verify.refutes(L2 @ np.linalg.inv(L1), geometric, why="Cholesky's map, which is not symmetric")
    roots = linalg.sqrtm(S2) @ np.linalg.inv(linalg.sqrtm(S1))
    verify.refutes(roots, geometric, why="roots one after the other")

    X = np.random.default_rng(17).multivariate_normal([0, 0], S1, 150)

    def cheapest(M):
        """Give the cost of the pairs x, Mx, and that of the best assignment of the same points."""
        cost = ((X[:, np.newaxis] - X @ M.T) ** 2).sum(axis=2)
        return np.trace(cost), cost[optimize.linear_sum_assignment(cost)].sum()

    verify.agree(*cheapest(A), rtol=1e-12)
    turned = linalg.sqrtm(S2) @ linalg.expm([[0, -0.8], [0.8, 0]]) @ linalg.inv(linalg.sqrtm(S1))
    verify.refutes(*cheapest(turned), why="a rotation between the roots")
    verify.refutes(*cheapest(-A), why="sign")


@pytest.mark.verifies(
    "eq-probability-toolkit-geodesic",
    routes=("moments of points on their way", "dlmath.divergences"),
)
def test_geodesic(verify):
    """Points on straight lines have the covariance of the text and keep equal distances."""
    S1, S2 = covariances(3, seed=18)
    m1, m2 = np.random.default_rng(19).normal(size=(2, 3))
    A, s = optimal_map_gaussians(S1, S2), 0.3
    # Six points with exactly the moments of the first law, and their images.
    directions = np.vstack([np.eye(3), -np.eye(3)]) * np.sqrt(3)
    X = m1 + directions @ np.linalg.cholesky(S1).T
    way = (1 - s) * X + s * (m2 + (X - m1) @ A.T)
    B = (1 - s) * np.eye(3) + s * A
    verify.agree(np.cov(way.T, bias=True), B @ S1 @ B, atol=1e-12)
    verify.refutes(np.cov(way.T, bias=True), (1 - s) * S1 + s * S2, why="covariances averaged")
    C = s * np.eye(3) + (1 - s) * A
    verify.refutes(np.cov(way.T, bias=True), C @ S1 @ C, why="the way walked backwards")
    law = way.mean(axis=0), B @ S1 @ B
    whole = np.sqrt(wasserstein_gaussians(m1, S1, m2, S2))
    verify.agree(np.sqrt(wasserstein_gaussians(m1, S1, *law)), s * whole, rtol=1e-9)
    squared = wasserstein_gaussians(m1, S1, *law)
    verify.refutes(squared, s * whole, why="squared distance")
    mixed = way.mean(axis=0), (1 - s) * S1 + s * S2
    aside = np.sqrt(wasserstein_gaussians(m1, S1, *mixed))
    verify.refutes(aside, s * whole, why="covariances averaged, the distance")


@pytest.mark.verifies(
    "eq-probability-toolkit-kantorovich",
    routes=("linear programme over functions", "scipy.stats.wasserstein_distance"),
)
def test_duality(verify):
    """The best function of slope at most one has the value that scipy finds by sorting."""
    rng = np.random.default_rng(20)
    points, (p, q) = np.sort(rng.uniform(-2, 3, 9)), laws(9, seed=21)
    gaps = np.diff(points)
    D = np.diff(np.eye(9), axis=0)

    def best(limit):
        bounds = np.concatenate([limit * gaps, limit * gaps])
        found = optimize.linprog(
            -(p - q), A_ub=np.vstack([D, -D]), b_ub=bounds, bounds=[(-9, 9)] * 9
        )
        return -found.fun

    theirs = stats.wasserstein_distance(points, points, p, q)
    verify.agree(best(1.0), theirs, rtol=1e-9)
    verify.refutes(best(2.0), theirs, why="slope up to 2 (factor 2)")
    verify.refutes(np.abs(p - q).sum() / 2, theirs, why="bounded functions: total variation")
    verify.refutes(abs(points @ (p - q)), theirs, why="the identity only: difference of the means")


# Change of variables.


def warp(x):
    """Stretch one coordinate, then shift the other, in torch."""
    u = torch.stack([x[0] * torch.exp(x[1] / 2), x[1]])
    return torch.stack([u[0], u[1] + u[0] ** 2 / 4 + 0.3 * torch.sin(u[0])])


@pytest.mark.verifies(
    "eq-probability-toolkit-change-of-variables",
    routes=("quadrature of the image", "automatic differentiation", "sampling"),
)
def test_change_of_variables(verify):
    """The determinant is torch's, and the density gives a box the probability of samples."""
    at = np.linspace(-11, 11, 221)
    h = at[1] - at[0]

    def unwarp(y):
        x2 = y[:, 1] - y[:, 0] ** 2 / 4 - 0.3 * np.sin(y[:, 0])
        return np.column_stack([y[:, 0] * np.exp(-x2 / 2), x2])

    probe = np.random.default_rng(22).normal(size=(6, 2))
    logdets = [
        torch.linalg.slogdet(torch.autograd.functional.jacobian(warp, torch.tensor(x)))[1].item()
        for x in probe
    ]
    verify.agree(logdets, probe[:, 1] / 2, atol=1e-14)
    verify.refutes(logdets, -probe[:, 1] / 2, why="sign of the log-determinant")
    verify.refutes(logdets, probe[:, 1], why="factor 2")

    # The probability of a box, from the density of the image and from the box's origin.
    grid = np.dstack(np.meshgrid(at, at + 4)).reshape(-1, 2)
    x = unwarp(grid)

    def mass(sign):
        density = np.exp(stats.norm.logpdf(x).sum(axis=1) - sign * x[:, 1] / 2)
        inside = (np.abs(grid[:, 0]) < 2.05) & (grid[:, 1] < 1.05)
        return density[inside].sum() * h**2

    draws = np.random.default_rng(23).standard_normal((400_000, 2))
    images = warp(torch.tensor(draws.T)).numpy().T
    share = np.mean((np.abs(images[:, 0]) < 2.05) & (images[:, 1] < 1.05))
    error = np.sqrt(share * (1 - share) / len(draws))
    verify.agree(mass(1), share, atol=5 * error)
    verify.refutes(mass(-1), share, why="multiplied by the determinant")
    verify.refutes(mass(0), share, why="determinant left out")


@pytest.mark.verifies(
    "eq-probability-toolkit-composition",
    routes=("Jacobian of the composition", "sum over the steps"),
)
def test_composition(verify):
    """The log-determinant of three random maps in a row is the sum taken along the way."""
    rng = np.random.default_rng(24)
    maps = [
        (torch.tensor(rng.normal(size=(3, 3))), torch.tensor(rng.normal(size=3))) for _ in range(3)
    ]

    def step(x, which):
        W, b = maps[which]
        return W @ x + b + 0.1 * torch.tanh(x)

    def logdet(function, x):
        return torch.linalg.slogdet(torch.autograd.functional.jacobian(function, x))[1].item()

    x = torch.tensor(rng.normal(size=3))
    whole = logdet(lambda v: step(step(step(v, 0), 1), 2), x)
    inputs = [x, step(x, 0), step(step(x, 0), 1)]
    parts = [logdet(lambda v, k=k: step(v, k), inputs[k]) for k in range(3)]
    verify.agree(whole, sum(parts), rtol=1e-11)
    first = sum(logdet(lambda v, k=k: step(v, k), x) for k in range(3))
    verify.refutes(whole, first, why="all at the first input")
    verify.refutes(whole, -sum(parts), why="sign")
    verify.refutes(whole, np.prod(parts), why="product of the logarithms")


# Ratios.


@pytest.mark.verifies(
    "eq-probability-toolkit-density-ratio",
    "eq-probability-toolkit-excess",
    "eq-probability-toolkit-best-cost",
    routes=("minimisation of the cross-entropy", "the formulas", "scipy"),
)
def test_classifier_knows_the_ratio(verify):
    """Free logits that minimise the expected cross-entropy are the log-ratio and the prior odds."""
    p, q = laws(6, seed=25)
    share = 0.3

    def cost(D, share=share):
        return -share * p @ np.log(D) - (1 - share) * q @ np.log1p(-D)

    found = optimize.minimize(
        lambda z: cost(expit(z)), np.zeros(6), method="BFGS", options={"gtol": 1e-11}
    )
    best = share * p / (share * p + (1 - share) * q)
    verify.agree(expit(found.x), best, atol=1e-5)
    verify.refutes(expit(-found.x), best, why="labels exchanged (sign)")
    verify.refutes(expit(found.x), p / (p + q), why="prior left out")
    odds = np.log(share / (1 - share))
    verify.agree(found.x - odds, np.log(p / q), atol=1e-4)
    verify.refutes(found.x + odds, np.log(p / q), why="sign of the prior odds")
    verify.refutes(found.x, np.log(p / q), why="prior odds left in")
    verify.refutes(found.x - np.log(share), np.log(p / q), why="share for odds")

    D = np.random.default_rng(26).uniform(0.1, 0.9, 6)
    mixed = share * p + (1 - share) * q
    coins = best * np.log(best / D) + (1 - best) * np.log((1 - best) / (1 - D))
    verify.agree(cost(D) - cost(best), mixed @ coins, rtol=1e-11)
    verify.refutes(cost(D) - cost(best), coins @ (p + q) / 2, why="averaged over an even mixture")
    turned = D * np.log(D / best) + (1 - D) * np.log((1 - D) / (1 - best))
    verify.refutes(cost(D) - cost(best), mixed @ turned, why="coins turned round")
    verify.refutes(cost(best) - cost(D), mixed @ coins, why="sign")

    even = cost(p / (p + q), 0.5)
    js = jensenshannon(p, q) ** 2
    verify.agree(even, np.log(2) - js, rtol=1e-12)
    verify.refutes(even, np.log(2) + js, why="sign")
    verify.refutes(even, 2 * np.log(2) - 2 * js, why="factor 2, of two summed costs")


@pytest.mark.verifies(
    "eq-probability-toolkit-variational",
    routes=("random functions", "scipy.special.rel_entr", "maximisation"),
)
def test_variational_bounds(verify):
    """No function gives more than the divergence, and a search for the best one reaches it."""
    p, q = laws(6, seed=27)
    exact = rel_entr(p, q).sum()
    t = np.random.default_rng(28).normal(size=(300, 6), scale=0.7) + np.log(p / q)
    first = t @ p - np.log(np.exp(t) @ q)
    second = t @ p - np.exp(t) @ q + 1
    verify.at_most(first, np.full(300, exact), atol=1e-13)
    verify.refutes(t @ p, np.full(300, exact), why="normalisation left out")
    verify.at_most(second, first, atol=1e-13)
    verify.refutes(first, second, why="the order of the two bounds")
    verify.refutes(second + 1, first, why="constant 2 for 1")
    for bound in (
        lambda t: t @ p - np.log(np.exp(t) @ q),
        lambda t: t @ p - np.exp(t) @ q + 1,
    ):
        top = optimize.minimize(lambda t, b=bound: -b(t), np.zeros(6), options={"gtol": 1e-10})
        verify.agree(-top.fun, exact, rtol=1e-9)
        verify.refutes(bound(np.log(q / p)), exact, why="the ratio turned over (sign)")
        verify.refutes(bound(2 * np.log(p / q)), exact, why="factor 2")


@pytest.mark.verifies(
    "eq-probability-toolkit-reweighting",
    routes=("expectation under the new law", "weighted expectation under the old law"),
)
def test_reweighting(verify):
    """A mean of squares under one Gaussian is the weighted mean under another."""
    new, old = stats.norm(0.7, 0.9), stats.norm(0.0, 1.2)

    def squared(x):
        return (np.sin(2 * x) + 0.3 * x) ** 2

    def weighted(power):
        return quad(lambda x: old.pdf(x) * (new.pdf(x) / old.pdf(x)) ** power * squared(x), -9, 9)

    direct = quad(lambda x: new.pdf(x) * squared(x), -9, 9)
    verify.agree(weighted(1), direct, rtol=1e-9)
    verify.refutes(weighted(0), direct, why="no weights")
    verify.refutes(weighted(-1), direct, why="the ratio turned over")
    verify.refutes(weighted(2), direct, why="the weight squared")


# Scores.


@pytest.mark.verifies(
    "eq-probability-toolkit-stein", routes=("quadrature in the plane", "zero", "torch")
)
def test_stein(verify):
    """For a mixture in the plane and some field the mean of both terms is zero."""
    law = GaussianMixture([0.4, 0.6], [[-1.0, 0.5], [1.0, -0.5]], [[[1, 0.3], [0.3, 0.5]]] * 2)
    at = np.linspace(-9, 9, 361)
    points = np.dstack(np.meshgrid(at, at)).reshape(-1, 2)
    mass = np.exp(law.log_prob(points)) * (at[1] - at[0]) ** 2
    x = torch.tensor(points, requires_grad=True)
    field = torch.stack([torch.sin(x[:, 0]) * x[:, 1], x[:, 0] ** 2 + x[:, 1] ** 3 / 5], dim=1)
    slopes = [torch.autograd.grad(field[:, k].sum(), x, retain_graph=True)[0][:, k] for k in (0, 1)]
    spread = (slopes[0] + slopes[1]).detach().numpy()
    push = np.sum(field.detach().numpy() * law.score(points), axis=1)
    verify.agree(mass @ (push + spread), 0.0, atol=1e-11)
    verify.refutes(mass @ (push - spread), 0.0, why="sign of the divergence")
    verify.refutes(mass @ (push + spread / 2), 0.0, why="factor 2")
    other = GaussianMixture([0.6, 0.4], law.means, law.covariances).score(points)
    wrong = np.sum(field.detach().numpy() * other, axis=1)
    verify.refutes(mass @ (wrong + spread), 0.0, why="the score of another law")


@pytest.mark.verifies(
    "eq-probability-toolkit-fisher",
    "eq-probability-toolkit-fisher-gaussians",
    routes=("Gauss-Hermite quadrature with torch's scores", "dlmath.divergences"),
)
def test_fisher_divergence(verify):
    """The mean squared difference of torch's scores is dlmath's closed form for Gaussians."""
    S1, S2 = covariances(2, seed=29)
    m1, m2 = np.random.default_rng(30).normal(size=(2, 2))
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    unit = np.array(list(itertools.product(nodes, repeat=2)))
    mass = np.prod(list(itertools.product(weights / np.sqrt(2 * np.pi), repeat=2)), axis=1)
    x = torch.tensor(m1 + unit @ np.linalg.cholesky(S1).T, requires_grad=True)
    normal = torch.distributions.MultivariateNormal
    scores = [
        torch.autograd.grad(normal(torch.tensor(m), torch.tensor(S)).log_prob(x).sum(), x)[0]
        for m, S in ((m1, S1), (m2, S2))
    ]
    mean = mass @ ((scores[0] - scores[1]) ** 2).sum(dim=1).numpy()
    verify.agree(mean, fisher_gaussians(m1, S1, m2, S2), rtol=1e-11)
    verify.refutes(mean, fisher_gaussians(m1, S1, m2, S2) / 2, why="factor 1/2")
    verify.refutes(mean, fisher_gaussians(m2, S2, m1, S1), why="mean under the other law")
    P1, P2 = np.linalg.inv(S1), np.linalg.inv(S2)
    gap = P2 @ (m1 - m2)
    verify.agree(mean, gap @ gap + np.trace((P2 - P1) @ S1 @ (P2 - P1)), rtol=1e-11)
    verify.refutes(mean, gap @ (m1 - m2) + np.trace((P2 - P1) @ S1 @ (P2 - P1)), why="one inverse")
    verify.refutes(mean, gap @ gap + np.trace((P2 - P1) @ S2 @ (P2 - P1)), why="S2 inside")
    verify.refutes(mean, gap @ gap - np.trace((P2 - P1) @ S1 @ (P2 - P1)), why="sign")

    grid = np.linspace(-14, 14, 5601)
    p, q = humps([0.3, 0.7], [-1.5, 1.0]), humps([0.5, 0.5], [-1.0, 2.0], 1.2)
    (log_p, score_p), (_, score_q) = on(grid, p, q)
    ours = fisher_divergence_on_grid(log_p, score_p, score_q, grid)
    h = 1e-4

    def slope(law, t):
        return (law.log_prob([[t + h]])[0] - law.log_prob([[t - h]])[0]) / (2 * h)

    coarse = np.linspace(-10, 10, 401)
    density = np.exp(p.log_prob(coarse[:, np.newaxis]))
    gaps = np.array([slope(p, t) - slope(q, t) for t in coarse])
    verify.agree(ours, np.trapezoid(density * gaps**2, coarse), rtol=1e-6)
    verify.refutes(ours, np.trapezoid(density * np.abs(gaps), coarse), why="not squared")
    verify.refutes(2 * ours, np.trapezoid(density * gaps**2, coarse), why="factor 2")


@pytest.mark.verifies(
    "eq-probability-toolkit-hyvarinen", routes=("the Fisher divergence", "integration by parts")
)
def test_hyvarinen(verify):
    """Half the Fisher divergence is the part without the data's score, plus their information."""
    grid = np.linspace(-16, 16, 6401)
    p, q = humps([0.3, 0.7], [-1.5, 1.0]), humps([0.6, 0.4], [-0.5, 2.0], 1.3)
    (log_p, score_p), (_, score_q) = on(grid, p, q)
    density = np.exp(log_p)
    half = fisher_divergence_on_grid(log_p, score_p, score_q, grid) / 2
    h = 1e-5
    bend = (q.score(grid[:, np.newaxis] + h) - q.score(grid[:, np.newaxis] - h))[:, 0] / (2 * h)

    def formula(square=0.5, sign=1.0, information=0.5):
        inside = square * score_q**2 + sign * bend
        return np.trapezoid(density * (inside + information * score_p**2), grid)

    verify.agree(half, formula(), rtol=1e-8)
    verify.refutes(half, formula(sign=-1.0), why="sign of the divergence")
    verify.refutes(half, formula(square=1.0), why="factor 2 of the square")
    verify.refutes(half, formula(sign=2.0), why="factor 2 of the divergence")
    verify.refutes(half, formula(information=0.0), why="information of the data left out")
    verify.refutes(2 * half, formula(), why="factor 2")


@pytest.mark.verifies(
    "eq-probability-toolkit-blind",
    "eq-probability-toolkit-coins",
    routes=("dlmath.densities", "posterior probabilities", "two coins"),
)
def test_scores_do_not_see_weights(verify):
    """Scores of two mixtures differ by their posteriors; KL is at most that of two coins."""
    grid = np.linspace(-16, 16, 6401)
    w, v, a = 0.3, 0.8, 1.6
    centres, widths = [-a, a], [0.8, 1.1]
    p, q = (
        GaussianMixture([u, 1 - u], np.reshape(centres, (2, 1)), np.square(widths)) for u in (w, v)
    )
    (log_p, score_p), (log_q, score_q) = on(grid, p, q)
    fisher = fisher_divergence_on_grid(log_p, score_p, score_q, grid)
    first, second = (stats.norm(c, s).pdf(grid) for c, s in zip(centres, widths, strict=True))
    density = w * first + (1 - w) * second
    posteriors = w * first / density, v * first / (v * first + (1 - v) * second)
    slopes = -(grid + a) / widths[0] ** 2 + (grid - a) / widths[1] ** 2
    gap = (posteriors[0] - posteriors[1]) * slopes
    verify.agree(fisher, np.trapezoid(density * gap**2, grid), rtol=1e-9)
    verify.refutes(fisher, np.trapezoid(density * ((w - v) * slopes) ** 2, grid), why="priors")
    verify.refutes(fisher, np.trapezoid(density * np.abs(gap), grid), why="not squared")
    verify.refutes(2 * fisher, np.trapezoid(density * gap**2, grid), why="factor 2")

    def coins(w, v):
        return w * np.log(w / v) + (1 - w) * np.log((1 - w) / (1 - v))

    found, bounds = [], []
    for distance in (0.5, 1.5, 4.0):
        pair = (humps([u, 1 - u], [-distance, distance]) for u in (w, v))
        (log_p, _), (log_q, _) = on(grid, *pair)
        found.append(f_divergence_on_grid(log_p, log_q, grid))
        bounds.append(coins(w, v))
    verify.at_most(np.array(found), np.array(bounds), atol=1e-9)
    verify.refutes(np.array(found), np.full(3, coins(v, w)), why="the coins turned round")
    verify.refutes(np.array(found), np.array(bounds) / 2, why="factor 2")


@pytest.mark.verifies(
    "eq-probability-toolkit-heat",
    "eq-probability-toolkit-by-parts",
    routes=("differences of KL in the noise", "Fisher divergence", "quadrature of both integrals"),
)
def test_noise_and_divergence(verify):
    """The slope of the divergence in the variance of the noise is minus half of Fisher's."""
    grid = np.linspace(-24, 24, 9601)

    def pair(tau):
        first = GaussianMixture([0.3, 0.7], [[-2.0], [1.5]], [0.6 + tau] * 2)
        second = GaussianMixture([0.7, 0.3], [[-1.5], [2.5]], [1.1 + tau] * 2)
        return on(grid, first, second)

    def kl(tau):
        (log_p, _), (log_q, _) = pair(tau)
        return f_divergence_on_grid(log_p, log_q, grid)

    tau, h = 0.5, 1e-3
    slope = (8 * (kl(tau + h) - kl(tau - h)) - (kl(tau + 2 * h) - kl(tau - 2 * h))) / (12 * h)
    (log_p, score_p), (log_q, score_q) = pair(tau)
    fisher = fisher_divergence_on_grid(log_p, score_p, score_q, grid)
    verify.agree(slope, -fisher / 2, rtol=1e-8)
    verify.refutes(slope, -fisher, why="factor 2")
    verify.refutes(slope, fisher / 2, why="sign")
    turned = fisher_divergence_on_grid(log_q, score_q, score_p, grid)
    verify.refutes(slope, -turned / 2, why="mean under the model")

    # The two sides of the integration by parts, with derivatives in tau by differences.
    p, q = np.exp(log_p), np.exp(log_q)
    (up_p, _), (up_q, _) = pair(tau + h)
    (down_p, _), (down_q, _) = pair(tau - h)
    dp, dq = ((np.exp(u) - np.exp(d)) / (2 * h) for u, d in ((up_p, down_p), (up_q, down_q)))
    left = np.trapezoid(dp * (log_p - log_q) - p / q * dq, grid)
    slope_r = p / q * (score_p - score_q)

    def right(first=-0.5, second=0.5):
        inside = first * p * score_p * (score_p - score_q) + second * slope_r * q * score_q
        return np.trapezoid(inside, grid)

    verify.agree(left, right(), rtol=1e-5)
    verify.refutes(left, right(first=0.5), why="sign of the first integral")
    verify.refutes(left, right(second=-0.5), why="sign of the second integral")
    verify.refutes(left, right(-1.0, 1.0), why="factor 2 of the heat equation")


@pytest.mark.verifies(
    "eq-probability-toolkit-smoothed",
    "eq-probability-toolkit-area",
    routes=("quadrature over the noise", "divergence", "transport distance"),
)
def test_divergence_is_the_area_under_the_scores(verify):
    """Half the Fisher divergences, added up over all noise, are the divergence without noise."""
    weights = [0.2, 0.8], [0.6, 0.4]

    def at_noise(tau):
        sd = np.sqrt(1 + tau)
        grid = np.linspace(-9 * sd - 2, 9 * sd + 2, 1601)
        return grid, on(grid, *(humps(w, [-2, 2], sd) for w in weights))

    def half_fisher(tau):
        grid, ((log_p, score_p), (_, score_q)) = at_noise(tau)
        return fisher_divergence_on_grid(log_p, score_p, score_q, grid) / 2

    def kl(tau):
        grid, ((log_p, _), (log_q, _)) = at_noise(tau)
        return f_divergence_on_grid(log_p, log_q, grid)

    logs, steps = np.polynomial.legendre.leggauss(80)
    low, high = np.log(1e-5), np.log(1e7)
    taus = np.exp((high - low) / 2 * logs + (high + low) / 2)
    area = (high - low) / 2 * steps @ [tau * half_fisher(tau) for tau in taus]
    verify.agree(area, kl(0.0), rtol=1e-5)
    verify.refutes(2 * area, kl(0.0), why="factor 2")
    first = taus < 1
    part = (high - low) / 2 * steps[first] @ [tau * half_fisher(tau) for tau in taus[first]]
    verify.refutes(part, kl(0.0), why="small noise only")

    grid, ((log_p, _), (log_q, _)) = at_noise(0.0)
    squared = wasserstein_on_line(log_p, log_q, grid, levels=20_000) ** 2
    noise = np.array([0.1, 1.0, 10.0, 100.0])
    values = np.array([kl(tau) for tau in noise])
    verify.at_most(values, squared / (2 * noise), atol=1e-6)
    verify.refutes(values, squared**0.5 / (20 * noise), why="distance not squared, and too small")
    # Point masses, and so Gaussians of one width, reach the bound.
    delta = 1.3
    reached = np.array([kl_gaussians(0, tau, delta, tau) for tau in noise])
    verify.at_most(reached, delta**2 / (2 * noise), atol=1e-12)
    verify.refutes(reached, delta**2 / (4 * noise), why="factor 2 in the bound")


@pytest.mark.verifies(
    "eq-probability-toolkit-histogram",
    routes=("all tables of counts", "the bound", "zero"),
)
def test_bias_of_a_histogram(verify):
    """The exact mean over all tables of six samples in three bins lies below the bound."""
    n, laws_of_bins = 6, np.array([[1 / 3, 1 / 3, 1 / 3], [0.2, 0.3, 0.5], [0.05, 0.15, 0.8]])
    tables = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)])
    means, mean_logs = [], []
    for p in laws_of_bins:
        chances = stats.multinomial.pmf(tables, n, p)
        means.append(chances @ [f_divergence(row / n, p) for row in tables])
        mean_logs.append(np.log(chances @ np.sum((tables / n) ** 2 / p, axis=1)))
    bound = np.full(3, np.log1p(2 / n))
    verify.at_most(np.array(means), bound, atol=1e-14)
    verify.refutes(np.array(means), np.full(3, np.log1p(2 / n**2)), why="factor n")
    verify.refutes(np.array(means), bound / 2, why="factor 2: the value for large n as a bound")
    verify.agree(np.array(mean_logs), bound, rtol=1e-12)
    verify.refutes(np.array(mean_logs), np.full(3, np.log1p(3 / n)), why="K for K - 1")
    verify.refutes(np.array(mean_logs), -bound, why="sign")
    verify.at_most(np.zeros(3), np.array(means), atol=0.0)
    verify.refutes(np.zeros(3), -np.array(means), why="biased downwards")
