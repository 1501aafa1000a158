"""The numbered equations of the chapter on discriminative and generative models."""

import itertools

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath.gaussian_classifiers import (
    GaussianClassifier,
    efron_efficiency,
    gaussian_log_density,
    linear_logit,
)
from scipy import integrate, linalg, optimize, special, stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

torch.set_num_threads(1)


def definite(p, seed):
    """Draw a positive definite matrix that is far from diagonal."""
    A = np.random.default_rng(seed).normal(size=(p, p))
    return A @ A.T + 0.5 * np.eye(p)


def labelled(n=60, p=3, seed=0):
    """Draw two classes of unequal shares, and their labels."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(int)
    mix = np.linalg.cholesky(definite(p, seed + 1))
    return rng.normal(size=(n, p)) @ mix.T + np.outer(y, rng.normal(size=p)), y


# Four densities and one rule.


@pytest.mark.verifies(
    "eq-discriminative-and-generative-joint",
    "eq-discriminative-and-generative-bayes",
    routes=("counting equally likely outcomes", "the formulas"),
)
def test_two_dice(verify):
    """A die of four or of eight sides is chosen and thrown: counting gives what the rules say."""
    # Of 32 equally likely outcomes, 6 are each face of the small die, 1 each face of the large.
    table = np.zeros((2, 8))
    for outcome in range(32):
        table[(0, outcome % 4) if outcome < 24 else (1, outcome - 24)] += 1
    joint = table / table.sum()
    prior = np.array([24, 8]) / 32
    given = np.array([np.r_[np.full(4, 1 / 4), np.zeros(4)], np.full(8, 1 / 8)])
    verify.agree(joint, prior[:, np.newaxis] * given, rtol=1e-15)
    verify.refutes(joint, given, why="shares left out")
    verify.agree(joint.sum(axis=0), prior @ given, rtol=1e-15)
    verify.refutes(joint.sum(axis=0), given.sum(axis=0), why="sum not weighted")
    posterior = table / table.sum(axis=0)
    bayes = prior[:, np.newaxis] * given / (prior @ given)
    verify.agree(posterior, bayes, rtol=1e-15)
    verify.refutes(posterior, given / given.sum(axis=0), why="shares left out")
    verify.refutes(posterior, prior[:, np.newaxis] * given, why="not normalised")
    verify.agree(joint, posterior * joint.sum(axis=0), rtol=1e-15)
    verify.refutes(joint, posterior, why="p(x) left out")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-missing",
    routes=("quadrature over the missing feature", "LDA fitted without the feature"),
)
def test_missing_feature(verify):
    """To integrate a feature out is the same as never to have measured it."""
    X, y = labelled(p=2)
    full, part = (GaussianClassifier(jitter=0).fit(Z, y) for Z in (X, X[:, :1]))

    def joint(k, x_m, at):
        density = gaussian_log_density([[at, x_m]], full.means_[k], full.covariances_[k])
        return full.priors_[k] * np.exp(density[0])

    at = np.array([-1.3, 0.2, 2.0])
    integrals = np.array(
        [
            [
                integrate.quad(lambda v, k=k, u=u: joint(k, v, u), -30, 30, epsabs=1e-13)[0]
                for k in (0, 1)
            ]
            for u in at
        ]
    )
    by_quadrature = integrals / integrals.sum(axis=1, keepdims=True)
    verify.agree(by_quadrature, part.predict_proba(at[:, np.newaxis]), rtol=1e-9)
    zeros = full.predict_proba(np.column_stack([at, 0 * at]))
    verify.refutes(zeros, part.predict_proba(at[:, np.newaxis]), why="gap filled with zero")
    filled = full.predict_proba(np.column_stack([at, np.full(3, X[:, 1].mean())]))
    verify.refutes(filled, part.predict_proba(at[:, np.newaxis]), why="gap filled with the mean")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-inverse", routes=("rejection sampling", "quadrature")
)
def test_posterior_of_an_inverse_problem(verify):
    """Of simulated pairs, those with the measured z have the moments of the formula."""
    rng = np.random.default_rng(0)
    # x is exponential and is seen through z = x^2 + noise; keep the pairs with z near 1.
    x = rng.exponential(size=4_000_000)
    z = x**2 + 0.5 * rng.standard_normal(x.size)
    kept = x[np.abs(z - 1) < 0.01]

    def moment(power, prior=True, sd=0.5):
        def weight(v):
            return (np.exp(-v) if prior else 1.0) * np.exp(-((1 - v**2) ** 2) / (2 * sd**2))

        top = integrate.quad(lambda v: v**power * weight(v), 0, 8)[0]
        return top / integrate.quad(weight, 0, 8)[0]

    error = kept.std() / np.sqrt(kept.size)
    verify.agree(kept.mean(), moment(1), atol=4 * error)
    verify.refutes(kept.mean(), moment(1, prior=False), why="no prior")
    verify.refutes(kept.mean(), moment(1, sd=1.0), why="width of the noise")
    verify.refutes(kept.mean(), 1.0, why="the measurement inverted")
    square = (kept**2).std() / np.sqrt(kept.size)
    verify.agree(np.mean(kept**2), moment(2), atol=4 * square)
    verify.refutes(np.mean(kept**2), moment(2, prior=False), why="no prior")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-conditional",
    routes=("sums and products of precisions", "the formulas"),
)
def test_gaussian_inverse_problem(verify):
    """Precisions add, which shares no matrix with the gain; the classes follow from the joint."""
    rng = np.random.default_rng(3)
    p, m, s = 4, 2, 0.3
    B, z = rng.normal(size=(m, p)), rng.normal(size=m)
    mus, Sigmas, prior = rng.normal(size=(2, p)), (definite(p, 1), definite(p, 2)), (0.3, 0.7)
    evidence = []
    for mu, Sigma in zip(mus, Sigmas, strict=True):
        M = B @ Sigma @ B.T + s**2 * np.eye(m)
        G = Sigma @ B.T @ linalg.inv(M)
        precision = linalg.inv(Sigma) + B.T @ B / s**2
        mean = linalg.solve(precision, linalg.solve(Sigma, mu) + B.T @ z / s**2)
        verify.agree(mu + G @ (z - B @ mu), mean, rtol=1e-10)
        verify.refutes(mu - G @ (z - B @ mu), mean, why="sign of the correction")
        wrong = Sigma @ B.T @ linalg.inv(B @ Sigma @ B.T + s * np.eye(m))
        verify.refutes(mu + wrong @ (z - B @ mu), mean, why="s for s^2")
        verify.refutes(mu + G @ z, mean, why="prediction not subtracted")
        covariance = linalg.inv(precision)
        verify.agree(Sigma - G @ B @ Sigma, covariance, rtol=1e-9, atol=1e-12)
        verify.refutes(Sigma + G @ B @ Sigma, covariance, why="sign")
        verify.refutes(Sigma, covariance, why="nothing learned")
        # The density of z from the joint Gaussian of (x, z), at any x: p(x, z) / p(x | z).
        joint_mean = np.r_[mu, B @ mu]
        joint = np.block([[Sigma, Sigma @ B.T], [B @ Sigma, M]])
        x = rng.normal(size=p)
        log_z = stats.multivariate_normal(joint_mean, joint).logpdf(np.r_[x, z])
        log_z -= stats.multivariate_normal(mean, covariance).logpdf(x)
        evidence.append((log_z, stats.multivariate_normal(B @ mu, M).logpdf(z)))
    logs, formula = np.transpose(evidence)
    chance = special.softmax(np.log(prior) + formula)
    verify.agree(special.softmax(np.log(prior) + logs), chance, rtol=1e-9)
    verify.refutes(special.softmax(logs), chance, why="shares left out")


# Maximum likelihood.


@pytest.mark.verifies(
    "eq-discriminative-and-generative-likelihood",
    routes=("a mean over the samples", "scipy.stats.entropy"),
)
def test_likelihood_is_entropy_plus_divergence(verify):
    """The mean of minus the log-likelihood is the entropy of the counts and the divergence."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, 60)
    share, model = np.bincount(x) / 60, rng.dirichlet(np.ones(5))
    cost = -np.mean([np.log(model[value]) for value in x])
    cross = special.entr(share).sum() + special.rel_entr(share, model).sum()
    verify.agree(cost, stats.entropy(share) + stats.entropy(share, model), rtol=1e-13)
    verify.refutes(cost, stats.entropy(share, model), why="entropy left out")
    verify.refutes(
        cost, stats.entropy(share) + stats.entropy(model, share), why="divergence turned round"
    )
    verify.refutes(cost, stats.entropy(model) + stats.entropy(share, model), why="model's entropy")
    verify.refutes(60 * cost, cross, why="factor n")
    verify.agree(cost, -share @ np.log(model), rtol=1e-13)
    verify.refutes(cost, -model @ np.log(share), why="roles exchanged")
    # Nothing is below the entropy, and the search ends at the shares.
    best = optimize.minimize(lambda t: -np.mean(special.log_softmax(t)[x]), np.zeros(5), tol=1e-12)
    verify.agree(special.softmax(best.x), share, atol=1e-5)
    verify.refutes(special.softmax(best.x), np.full(5, 0.2), why="the start")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-population", routes=("quadrature", "closed forms")
)
def test_expected_cost_of_densities(verify):
    """For a gamma density under an exponential model both sides are known in closed form."""
    shape, rate = 3.0, 0.7
    data = stats.gamma(shape)

    def expected(f):
        return integrate.quad(lambda x: data.pdf(x) * f(x), 0, 80, epsabs=1e-13)[0]

    cost = expected(lambda x: rate * x - np.log(rate))
    closed = rate * shape - np.log(rate)
    divergence = expected(lambda x: data.logpdf(x) - np.log(rate) + rate * x)
    h = shape + special.gammaln(shape) + (1 - shape) * special.digamma(shape)
    verify.agree([cost, cost], [closed, h + divergence], rtol=1e-9)
    verify.refutes([cost, cost], [closed, divergence - h], why="sign of the entropy")
    verify.refutes([cost, cost], [closed, divergence], why="entropy left out")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-free-energy",
    routes=("summing the states of a small Ising chain", "the formula"),
)
def test_reverse_divergence_is_a_free_energy(verify):
    """For independent spins as a model of a chain the sum over all states gives the formula."""
    spins = np.array(list(itertools.product([-1, 1], repeat=4)))
    E = -0.8 * np.sum(spins[:, 1:] * spins[:, :-1], axis=1) - 0.3 * spins.sum(axis=1)
    p = np.exp(-E) / np.exp(-E).sum()
    up = np.array([0.6, 0.7, 0.2, 0.9])
    q = np.where(spins == 1, up, 1 - up).prod(axis=1)
    divergence = q @ np.log(q / p)
    entropy = np.sum(stats.entropy([up, 1 - up]))
    log_Z = np.log(np.exp(-E).sum())
    verify.agree(divergence, q @ E - entropy + log_Z, rtol=1e-12)
    verify.refutes(divergence, q @ E + entropy + log_Z, why="sign of the entropy")
    verify.refutes(divergence, q @ E - entropy - log_Z, why="sign of log Z")
    verify.refutes(p @ np.log(p / q), q @ E - entropy + log_Z, why="divergence turned round")
    # For a density: the same with a Gaussian q and E = x^4 / 4.
    s = 0.8
    Z = integrate.quad(lambda x: np.exp(-(x**4) / 4), -9, 9)[0]
    law = stats.norm(0, s)
    gap = integrate.quad(
        lambda x: law.pdf(x) * (law.logpdf(x) + x**4 / 4 + np.log(Z)), -9, 9, epsabs=1e-13
    )[0]
    formula = 3 * s**4 / 4 - 0.5 * np.log(2 * np.pi * np.e * s**2) + np.log(Z)
    verify.agree(gap, formula, rtol=1e-8)
    verify.refutes(gap, formula - 2 * np.log(Z), why="sign of log Z")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-moments",
    "eq-discriminative-and-generative-gaussian-cost",
    routes=("quadrature and descent", "the formulas"),
)
def test_forward_divergence_matches_moments(verify):
    """A search over Gaussians ends at the moments of a two-dimensional mixture."""
    # Gauss-Hermite nodes for each part of a mixture of two Gaussians in the plane.
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    unit = np.array(list(itertools.product(nodes, nodes)))
    w = np.outer(weights, weights).ravel() / (2 * np.pi)
    parts = ((0.3, np.array([-2.0, 0.0]), definite(2, 1)), (0.7, np.array([1.0, 1.5]), np.eye(2)))
    points = np.vstack([m + unit @ np.linalg.cholesky(S).T for _, m, S in parts])
    weights = np.concatenate([share * w for share, *_ in parts])
    mu = sum(share * m for share, m, _ in parts)
    Sigma = sum(share * (S + np.outer(m - mu, m - mu)) for share, m, S in parts)

    def cost(m, S):
        return -weights @ stats.multivariate_normal(m, S).logpdf(points)

    m, S = np.array([0.4, -0.3]), definite(2, 5)
    inverse = linalg.inv(S)

    def formula(trace=0.5, bias=0.5):
        return (
            0.5 * np.log(linalg.det(2 * np.pi * S))
            + trace * np.trace(inverse @ Sigma)
            + bias * (mu - m) @ inverse @ (mu - m)
        )

    verify.agree(cost(m, S), formula(), rtol=1e-11)
    verify.refutes(cost(m, S), formula(trace=1), why="factor 2 of the trace")
    verify.refutes(cost(m, S), formula(bias=-0.5), why="sign of the distance")
    verify.refutes(cost(m, S), formula(bias=0), why="means taken as equal")

    def unpacked(t):
        L = np.array([[np.exp(t[2]), 0], [t[3], np.exp(t[4])]])
        return t[:2], L @ L.T

    found = optimize.minimize(lambda t: cost(*unpacked(t)), np.zeros(5), tol=1e-10)
    mean, covariance = unpacked(found.x)
    verify.agree(np.r_[mean, covariance.ravel()], np.r_[mu, Sigma.ravel()], atol=1e-4)
    verify.refutes(np.r_[mean, covariance.ravel()], np.r_[mu, S.ravel()], why="another covariance")
    verify.refutes(
        np.r_[mean, covariance.ravel()],
        np.r_[mu, sum(share * part for share, _, part in parts).ravel()],
        why="scatter of the parts left out",
    )
    least = 0.5 * np.log(linalg.det(2 * np.pi * np.e * Sigma))
    verify.agree(found.fun, least, rtol=1e-9)
    verify.refutes(found.fun, least - 1, why="e left out, half the dimension")
    verify.refutes(found.fun, 2 * least, why="factor 2")
    # The entropy enters with a minus: the divergence itself, in one dimension.
    law = stats.laplace()
    divergence = integrate.quad(
        lambda x: law.pdf(x) * (law.logpdf(x) - stats.norm(0, np.sqrt(2)).logpdf(x)), -50, 50
    )[0]
    formula_1 = 0.5 * np.log(2 * np.pi * np.e * 2) - law.entropy()
    verify.agree(divergence, formula_1, rtol=1e-8)
    verify.refutes(divergence, formula_1 + 2 * law.entropy(), why="sign of the entropy")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-one-hump", routes=("mpmath quadrature", "the formula")
)
def test_price_of_forgetting_one_hump(verify):
    """The divergence of one hump from both is below log 2, at every distance."""
    mpmath.mp.dps = 20

    def q(x, a):
        return mpmath.npdf(x, a, 1)

    divergences, formulas, wrong = [], [], []
    for a in (0.3, 1.0, 2.5):
        reach = [a - 10, a - 2, a, a + 2, a + 10]
        divergences.append(
            mpmath.quad(
                lambda x, a=a: q(x, a) * mpmath.log(2 * q(x, a) / (q(x, a) + q(x, -a))), reach
            )
        )
        # The ratio of the two humps is exp(-2 a x).
        mean = mpmath.quad(lambda x, a=a: q(x, a) * mpmath.log1p(mpmath.exp(-2 * a * x)), reach)
        formulas.append(mpmath.log(2) - mean)
        wrong.append(mpmath.log(2) + mean)
    left, right = (np.array(values, dtype=float) for values in (divergences, formulas))
    verify.agree(left, right, rtol=1e-12)
    verify.refutes(left, np.array(wrong, dtype=float), why="sign")
    verify.refutes(left, right + np.log(2), why="weight 1/4 for 1/2")
    verify.at_most(left, np.full(3, np.log(2)))
    verify.refutes(2 * left, np.full(3, np.log(2)), why="factor 2")


# Gaussian classes.


@pytest.mark.verifies(
    "eq-discriminative-and-generative-scalar", routes=("sympy", "the formula as printed")
)
def test_two_gaussians_on_a_line(verify):
    """The difference of the log-densities, simplified, is a straight line."""
    x, m0, m1 = sympy.symbols("x mu0 mu1", real=True)
    s, p1 = sympy.symbols("s pi1", positive=True)
    ratio = sympy.log(p1 / (1 - p1))

    def log_density(m):
        return sympy.log(sympy.exp(-((x - m) ** 2) / (2 * s**2)) / (s * sympy.sqrt(2 * sympy.pi)))

    odds = sympy.expand_log(ratio + log_density(m1) - log_density(m0), force=True)
    printed = ratio + (m1 - m0) / s**2 * (x - (m0 + m1) / 2)
    squares = ratio + ((x - m0) ** 2 - (x - m1) ** 2) / (2 * s**2)
    verify.identical(sympy.expand_log(squares, force=True), odds)
    verify.refutes(
        sympy.expand_log(ratio + ((x - m1) ** 2 - (x - m0) ** 2) / (2 * s**2), force=True),
        odds,
        why="sign of the squares",
    )
    verify.identical(sympy.expand_log(printed, force=True), odds)
    for wrong, why in (
        (ratio - (m1 - m0) / s**2 * (x - (m0 + m1) / 2), "sign"),
        (ratio + (m1 - m0) / s * (x - (m0 + m1) / 2), "s for s^2"),
        (ratio + (m1 - m0) / s**2 * (x - (m0 + m1)), "factor 2"),
        (-ratio + (m1 - m0) / s**2 * (x - (m0 + m1) / 2), "sign of the shares"),
    ):
        verify.refutes(sympy.expand_log(wrong, force=True), odds, why=why)


@pytest.mark.verifies(
    "eq-discriminative-and-generative-logit",
    "eq-discriminative-and-generative-quadratic",
    routes=("Bayes' rule with scipy's densities", "the formulas", "dlmath", "scikit-learn"),
)
def test_log_odds_of_gaussians(verify):
    """Bayes' rule with scipy's densities gives the linear and the quadratic log-odds."""
    rng = np.random.default_rng(0)
    mus, prior = rng.normal(size=(2, 3)), np.array([0.3, 0.7])
    S = (definite(3, 1), definite(3, 2))
    X = rng.normal(size=(8, 3))

    def posterior(covariances):
        joint = [
            q * stats.multivariate_normal(m, C).pdf(X)
            for q, m, C in zip(prior, mus, covariances, strict=True)
        ]
        return joint[1] / (joint[0] + joint[1])

    def linear(half=0.5, odds=1, sign=1, C=S[0]):
        w = linalg.inv(C) @ (mus[1] - mus[0])
        b = odds * np.log(prior[1] / prior[0]) - half * (mus[1] + mus[0]) @ w
        return special.expit(b + sign * X @ w)

    bayes = posterior((S[0], S[0]))
    verify.agree(bayes, linear(), rtol=1e-10)
    verify.refutes(bayes, linear(half=1), why="factor 2")
    verify.refutes(bayes, linear(odds=-1), why="sign of the shares")
    verify.refutes(bayes, linear(odds=0), why="shares left out")
    verify.refutes(bayes, linear(sign=-1), why="sign of w")
    verify.refutes(bayes, linear(C=linalg.inv(S[0])), why="covariance not inverted")
    b, w = linear_logit(prior, mus, S[0])
    verify.agree(special.expit(b + X @ w), bayes, rtol=1e-10)
    verify.refutes(special.expit(-b + X @ w), bayes, why="sign of b")

    inverses = [linalg.inv(C) for C in S]

    def quadratic(A_sign=1, determinants=0.5, c_sign=1):
        A = A_sign * 0.5 * (inverses[0] - inverses[1])
        w = inverses[1] @ mus[1] - inverses[0] @ mus[0]
        squares = [0.5 * m @ P @ m for m, P in zip(mus, inverses, strict=True)]
        c = np.log(prior[1] / prior[0]) + c_sign * (squares[0] - squares[1])
        c += determinants * np.log(linalg.det(S[0]) / linalg.det(S[1]))
        return special.expit(c + X @ w + np.einsum("ni,ij,nj->n", X, A, X))

    bayes = posterior(S)
    verify.agree(bayes, quadratic(), rtol=1e-9)
    verify.refutes(bayes, quadratic(A_sign=-1), why="sign of A")
    verify.refutes(bayes, quadratic(A_sign=2), why="factor 2 in A")
    verify.refutes(bayes, quadratic(determinants=-0.5), why="sign of the determinants")
    verify.refutes(bayes, quadratic(determinants=1), why="factor 2 of the determinants")
    verify.refutes(bayes, quadratic(c_sign=-1), why="sign in c")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-best-error",
    routes=("quadrature in the plane", "the formula"),
)
def test_error_of_the_best_rule(verify):
    """The overlap of two Gaussians, integrated, is the tail at half the Mahalanobis distance."""
    S, difference = definite(2, 4), np.array([1.5, -0.7])
    at = np.linspace(-12, 13, 1601)
    grid = np.stack(np.meshgrid(at, at), axis=-1)
    parts = [stats.multivariate_normal(m, S).pdf(grid) for m in (np.zeros(2), difference)]
    error = 0.5 * np.minimum(*parts).sum() * (at[1] - at[0]) ** 2
    distance = np.sqrt(difference @ linalg.inv(S) @ difference)
    verify.agree(error, stats.norm.cdf(-distance / 2), rtol=1e-5)
    verify.refutes(error, stats.norm.cdf(-distance), why="factor 2")
    verify.refutes(error, stats.norm.cdf(distance / 2), why="sign")
    euclidean = np.linalg.norm(difference)
    verify.refutes(error, stats.norm.cdf(-euclidean / 2), why="covariance left out")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-mle",
    "eq-discriminative-and-generative-mle-cost",
    routes=("torch's gradient of the likelihood", "the averages", "scikit-learn"),
)
def test_maximum_likelihood_of_gaussian_classes(verify):
    """The gradient of the likelihood by automatic differentiation vanishes at the averages."""
    X, y = labelled(p=2)
    n, counts = len(y), np.bincount(y)
    means = np.array([X[y == k].mean(axis=0) for k in (0, 1)])
    spread = X - means[y]
    S = spread.T @ spread / n
    data, label = torch.tensor(X), torch.tensor(y)

    def gradient(share, means, S):
        given = [torch.tensor(np.asarray(v), dtype=torch.float64) for v in (share, means, S)]
        for tensor in given:
            tensor.requires_grad_(True)
        share, means, S = given
        law = torch.distributions.MultivariateNormal(means[label], S)
        log_share = torch.where(label == 1, torch.log(share), torch.log(1 - share))
        (law.log_prob(data) + log_share).mean().backward()
        parts = (share.grad, means.grad, S.grad)
        return np.concatenate([np.atleast_1d(part.numpy()).ravel() for part in parts])

    share = counts[1] / n
    zero = np.zeros(9)
    verify.agree(gradient(share, means, S), zero, atol=1e-13)
    verify.refutes(gradient(share, means, S * n / (n - 2)), zero, why="divisor n - 2")
    verify.refutes(gradient(share, means, S * n), zero, why="factor n")
    verify.refutes(gradient(0.5, means, S), zero, why="equal shares")
    verify.refutes(gradient(share, means[::-1].copy(), S), zero, why="classes exchanged")
    verify.refutes(gradient(share, means, np.cov(X.T, bias=True)), zero, why="about one mean")
    theirs = LinearDiscriminantAnalysis(store_covariance=True).fit(X, y)
    verify.agree(theirs.covariance_, S, rtol=1e-12)
    verify.refutes(theirs.covariance_ * n / (n - 2), S, why="divisor n - 2")

    # The cost away from the minimum, and separate covariances.
    other, C = means + np.array([[0.3, -0.2], [0.1, 0.5]]), definite(2, 7)
    laws = [stats.multivariate_normal(m, C) for m in other]
    cost = -np.mean([laws[k].logpdf(x) for x, k in zip(X, y, strict=True)])
    inverse = linalg.inv(C)

    def printed(bias=0.5, weights=counts / n, trace=0.5):
        distances = [(m - o) @ inverse @ (m - o) for m, o in zip(means, other, strict=True)]
        return (
            0.5 * np.log(linalg.det(2 * np.pi * C))
            + trace * np.trace(inverse @ S)
            + bias * weights @ distances
        )

    verify.agree(cost, printed(), rtol=1e-12)
    verify.refutes(cost, printed(bias=1), why="factor 2")
    verify.refutes(cost, printed(trace=1), why="factor 2 of the trace")
    verify.refutes(cost, printed(weights=counts), why="factor n")
    verify.refutes(cost, printed(bias=-0.5), why="sign")
    separate = GaussianClassifier("separate", jitter=0).fit(X, y).covariances_
    verify.agree(separate, [np.cov(X[y == k].T, bias=True) for k in (0, 1)], rtol=1e-12)
    verify.refutes(separate, [np.cov(X[y == k].T) for k in (0, 1)], why="divisor n_k - 1")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-split",
    routes=("the joint density of dlmath", "posterior and marginal by scipy"),
)
def test_joint_likelihood_splits(verify):
    """The joint log-likelihood is the conditional one plus that of the features."""
    X, y = labelled(p=2)
    model = GaussianClassifier(jitter=0).fit(X, y)
    joint = sum(
        np.log(model.priors_[k])
        + gaussian_log_density(x[np.newaxis], model.means_[k], model.covariances_[k])[0]
        for x, k in zip(X, y, strict=True)
    )
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(X, y)
    conditional = np.sum(np.log(theirs.predict_proba(X)[np.arange(len(y)), y]))
    laws = [
        stats.multivariate_normal(m, S)
        for m, S in zip(model.means_, model.covariances_, strict=True)
    ]
    mixture = sum(q * law.pdf(X) for q, law in zip(model.priors_, laws, strict=True))
    marginal = np.sum(np.log(mixture))
    verify.agree(joint, conditional + marginal, rtol=1e-11)
    verify.refutes(joint, conditional - marginal, why="sign")
    verify.refutes(joint, conditional + marginal / len(y), why="factor n")
    verify.refutes(joint, conditional, why="p(x) left out")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-naive",
    routes=("scikit-learn's GaussianNB", "sums over single features"),
)
def test_naive_bayes_adds_up_single_features(verify):
    """The log-odds of scikit-learn's classifier are a sum of one-dimensional ones."""
    X, y = labelled()
    theirs = GaussianNB(var_smoothing=0).fit(X, y)
    logs = theirs.predict_log_proba(X)
    odds = logs[:, 1] - logs[:, 0]
    laws = [[stats.norm(X[y == k, j].mean(), X[y == k, j].std()) for j in range(3)] for k in (0, 1)]
    terms = np.transpose(
        [laws[1][j].logpdf(X[:, j]) - laws[0][j].logpdf(X[:, j]) for j in range(3)]
    )
    prior = np.log(y.mean() / (1 - y.mean()))
    verify.agree(odds, prior + terms.sum(axis=1), rtol=1e-9, atol=1e-10)
    verify.refutes(odds, terms.sum(axis=1), why="shares left out")
    verify.refutes(odds, prior - terms.sum(axis=1), why="sign")
    verify.refutes(odds, prior + terms.mean(axis=1), why="factor p")
    verify.refutes(odds, 3 * prior + terms.sum(axis=1), why="shares counted for each feature")
    joint = [np.prod([law.pdf(X[:, j]) for j, law in enumerate(row)], axis=0) for row in laws]
    ours = GaussianClassifier("diagonal", jitter=0).fit(X, y)
    verify.agree(np.exp(ours.log_prob(X)), ours.priors_ @ joint, rtol=1e-10)
    full = GaussianClassifier("separate", jitter=0).fit(X, y)
    verify.refutes(np.exp(full.log_prob(X)), ours.priors_ @ joint, why="with correlations")


# How many samples.


def rule_error(b, w, distance):
    """Evaluate the error of a rule by quadrature along its normal; classes at -+ distance/2 e_1."""
    length = np.linalg.norm(w)
    centre = w[0] * distance / 2
    up = integrate.quad(lambda r: stats.norm.pdf(r, b - centre, length), 0, 60, points=[b, 5])[0]
    down = integrate.quad(lambda r: stats.norm.pdf(r, b + centre, length), -60, 0, points=[b, -5])[
        0
    ]
    return 0.5 * up + 0.5 * down


@pytest.mark.verifies(
    "eq-discriminative-and-generative-error",
    "eq-discriminative-and-generative-expansion",
    routes=("simulation and quadrature", "the formulas"),
)
def test_error_of_any_linear_rule(verify):
    """Integrals over the wrong sides give the error, which is quadratic near the best rule."""
    D = 1.8

    def printed(b, w, sign=1, half=0.5):
        up, length = w[0] * D / 2, np.linalg.norm(w)
        first = stats.norm.cdf((b - up) / length)
        return half * (first + stats.norm.cdf((-sign * b - up) / length))

    rules = [(0.3, np.array([1.5, -0.4, 0.9])), (-1.0, np.array([2.0, 0.5, 0.0]))]
    integrals = [rule_error(b, w, D) for b, w in rules]
    verify.agree(integrals, [printed(*rule) for rule in rules], rtol=1e-9)
    verify.refutes(integrals, [printed(*rule, sign=-1) for rule in rules], why="sign of b")
    verify.refutes(integrals, [printed(*rule, half=1) for rule in rules], why="factor 2")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400_000)
    X = rng.standard_normal((y.size, 3))
    X[:, 0] += D * (y - 0.5)
    counted = [np.mean((b + X @ w > 0) != y) for b, w in rules]
    verify.agree(counted, [printed(*rule) for rule in rules], atol=4 * 0.5 / np.sqrt(y.size))
    verify.refutes(counted, [printed(*rule, half=1) for rule in rules], why="factor 2")

    # Third-order terms: the remainder shrinks as the cube, here below one per cent.
    step = 1e-3 * np.array([0.8, 0.5, -0.7, 0.4])
    b, w = step[0], np.array([D + step[1], step[2], step[3]])
    with mpmath.workdps(30):
        length = mpmath.sqrt(sum(mpmath.mpf(v) ** 2 for v in w))
        up = mpmath.mpf(w[0]) * D / 2
        excess = (mpmath.ncdf((b - up) / length) + mpmath.ncdf((-b - up) / length)) / 2
        excess = float(excess - mpmath.ncdf(-mpmath.mpf(D) / 2))
    square = b**2 + step[2] ** 2 + step[3] ** 2
    unit = stats.norm.pdf(D / 2) / (4 * D)
    verify.agree(excess, unit * square, rtol=5e-3)
    verify.refutes(excess, 2 * unit * square, why="factor 2")
    verify.refutes(excess, unit * (square + step[1] ** 2), why="length of w counted")
    verify.refutes(excess, stats.norm.pdf(D) / (4 * D) * square, why="density at the mean")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-delta",
    routes=("derivatives of dlmath's estimate", "the formulas"),
)
def test_first_order_errors_of_lda(verify):
    """Small changes of shares, means and covariance move the estimate as the formulas say."""
    D, p, h = 1.7, 3, 1e-6
    rng = np.random.default_rng(2)
    dm, dS, dq = rng.normal(size=(2, p)), rng.normal(size=(p, p)), 0.4
    dS = dS + dS.T
    means = np.zeros((2, p))
    means[:, 0] = -D / 2, D / 2

    def estimate(t):
        prior = [0.5 - t * dq, 0.5 + t * dq]
        b, w = linear_logit(prior, means + t * dm, np.eye(p) + t * dS)
        return np.r_[b, w[1:]]

    slope = (estimate(h) - estimate(-h)) / (2 * h)

    def printed(shape=-D, odds=4, mean=-D / 2):
        w = (dm[1] - dm[0])[1:] + shape * dS[0, 1:]
        return np.r_[odds * dq + mean * (dm[1] + dm[0])[0], w]

    verify.agree(slope, printed(), rtol=1e-8, atol=1e-8)
    verify.refutes(slope, printed(shape=D), why="sign of the covariance")
    verify.refutes(slope, printed(mean=D / 2), why="sign of the means")
    verify.refutes(slope, printed(mean=-D), why="factor 2")
    verify.refutes(slope, printed(odds=2), why="factor 2 of the shares")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-information",
    routes=("torch's Hessian of the expected cost", "quadrature"),
)
def test_information_of_logistic_regression(verify):
    """The Hessian of the expected cross-entropy at the truth is the mean of the formula."""
    D = 1.6
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    grid = np.array(list(itertools.product(nodes, nodes)))
    w = np.outer(weights, weights).ravel() / (2 * np.pi)
    points = np.vstack([grid + np.array([side * D / 2, 0]) for side in (-1, 1)])
    mass = 0.5 * np.r_[w, w]
    label = np.repeat([0.0, 1.0], len(w))
    A = np.column_stack([np.ones(len(points)), points])
    tensors = [torch.tensor(v) for v in (A, label, mass)]

    def cost(theta):
        a, y, m = tensors
        r = a @ theta
        return torch.sum(m * (torch.nn.functional.softplus(r) - y * r))

    theta = torch.tensor([0.0, D, 0.0], dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(cost, theta).numpy()
    prob = special.expit(D * points[:, 0])
    information = A.T @ (A * (mass * prob * (1 - prob))[:, np.newaxis])
    verify.agree(hessian, information, rtol=1e-9, atol=1e-10)
    verify.refutes(2 * hessian, information, why="factor 2")
    verify.refutes(hessian, A.T @ (A * (mass * prob)[:, np.newaxis]), why="1 - y-hat left out")
    # What the proof uses: no mixed terms, and one entry for b and for the other direction.
    entry = integrate.quad(
        lambda u: (
            0.5
            * (stats.norm.pdf(u - D / 2) + stats.norm.pdf(u + D / 2))
            / (4 * np.cosh(D * u / 2) ** 2)
        ),
        -15,
        15,
    )[0]
    verify.agree(
        [hessian[0, 0], hessian[2, 2], hessian[0, 1], hessian[0, 2], hessian[1, 2]],
        [entry, entry, 0, 0, 0],
        atol=1e-8,
    )
    verify.refutes(
        [hessian[0, 0], hessian[1, 1], hessian[0, 1], hessian[0, 2], hessian[1, 2]],
        [entry, entry, 0, 0, 0],
        why="the direction of the means",
    )


def simulated_excess(D, n, p, draws, seed):
    """Fit both models to many data sets; give n times their excess errors by the exact formula."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, (draws, n))
    X = rng.standard_normal((draws, n, p))
    X[..., 0] += D * (y - 0.5)
    n1 = y.sum(axis=1)
    m1 = np.einsum("rn,rnp->rp", y, X) / n1[:, np.newaxis]
    m0 = np.einsum("rn,rnp->rp", 1 - y, X) / (n - n1)[:, np.newaxis]
    spread = X - np.where(y[..., np.newaxis] == 1, m1[:, np.newaxis], m0[:, np.newaxis])
    S = np.einsum("rni,rnj->rij", spread, spread) / n
    w = np.linalg.solve(S, (m1 - m0)[..., np.newaxis])[..., 0]
    b = np.log(n1 / (n - n1)) - 0.5 * np.sum((m0 + m1) * w, axis=1)
    A = np.concatenate([np.ones((draws, n, 1)), X], axis=2)
    theta = np.zeros((draws, p + 1))
    for _ in range(9):
        prob = special.expit(np.einsum("rnj,rj->rn", A, theta))
        H = np.einsum("rni,rnj->rij", A * (prob * (1 - prob))[..., np.newaxis], A)
        step = np.einsum("rn,rni->ri", y - prob, A)
        theta += np.linalg.solve(H, step[..., np.newaxis])[..., 0]

    def excess(b, w):
        length, up = np.linalg.norm(w, axis=1), w[:, 0] * D / 2
        error = stats.norm.cdf((b - up) / length) + stats.norm.cdf((-b - up) / length)
        return n * (error / 2 - stats.norm.cdf(-D / 2))

    return excess(b, w), excess(theta[:, 0], theta[:, 1:])


@pytest.mark.verifies(
    "eq-discriminative-and-generative-excess", routes=("simulation", "the formula")
)
def test_excess_error_is_a_chi_squared(verify):
    """Mean and quantiles of many simulated fits are those of the scaled chi-squared."""
    D, n, p, draws = 2.0, 2000, 3, 1200
    lda, logistic = simulated_excess(D, n, p, draws, seed=1)
    curvature = integrate.quad(
        lambda u: stats.norm.pdf(u - D / 2) * special.expit(D * u) * special.expit(-D * u), -15, 15
    )[0]
    unit = stats.norm.pdf(D / 2) / (4 * D)
    for found, V, wrong in ((lda, 4 + D**2, 1 + D**2), (logistic, 1 / curvature, 1 / curvature**2)):
        scaled = found / (unit * V)
        error = scaled.std() / np.sqrt(draws)
        verify.agree(scaled.mean(), p, atol=3.5 * error)
        verify.refutes(2 * scaled.mean(), p, why="factor 2")
        verify.refutes(scaled.mean() * V / wrong, p, why="another variance")
        verify.refutes(scaled.mean(), p + 1, why="p + 1 degrees of freedom")
        shares = [np.mean(scaled < stats.chi2(p).ppf(q)) for q in (0.1, 0.5, 0.9)]
        verify.agree(shares, [0.1, 0.5, 0.9], atol=0.05)
        verify.refutes(
            [np.mean(scaled < stats.chi2(1).ppf(q)) for q in (0.1, 0.5, 0.9)],
            [0.1, 0.5, 0.9],
            why="one degree of freedom",
        )


@pytest.mark.verifies(
    "eq-discriminative-and-generative-efron",
    routes=("mpmath's mean of y-hat (1 - y-hat)", "the integral", "dlmath"),
)
def test_efficiency(verify):
    """The variances of the proof, integrated over one class, have the ratio of the formula."""
    distances = (0.5, 1.0, 2.0, 3.5)
    with mpmath.workdps(25):

        def curvature(D):
            """Average over one class: by symmetry the other has the same mean."""
            return mpmath.quad(
                lambda u: mpmath.npdf(u, D / 2, 1) / (2 + 2 * mpmath.cosh(D * u)),
                [-12, -3, 0, 3, 12],
            )

        ratios = [float((4 + D**2) * curvature(D)) for D in distances]

    def printed(D, head=4, tail=8, inner=2):
        integral = integrate.quad(
            lambda u: stats.norm.pdf(u) / np.cosh(D * u / inner), -12, 12, epsabs=1e-13
        )[0]
        return (1 + D**2 / head) * np.exp(-(D**2) / tail) * integral

    formula = [printed(D) for D in distances]
    verify.agree(ratios, formula, rtol=1e-10)
    verify.refutes(ratios, [printed(D, head=2) for D in distances], why="factor 2")
    verify.refutes(ratios, [printed(D, tail=4) for D in distances], why="exponent")
    verify.refutes(ratios, [printed(D, tail=-8) for D in distances], why="sign in the exponent")
    verify.refutes(ratios, [printed(D, inner=1) for D in distances], why="argument of cosh")
    verify.agree([efron_efficiency(D) for D in distances], ratios, rtol=1e-10)
    verify.refutes([efron_efficiency(2 * D) for D in distances], ratios, why="half the distance")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-series", routes=("sympy's series", "dlmath's quadrature")
)
def test_series_of_the_efficiency(verify):
    """The moments inserted into the series of 1/cosh give the sixth order as the first loss."""
    v, z = sympy.symbols("v z", positive=True)
    series = sympy.series(1 / sympy.cosh(z), z, 0, 8).removeO()
    mean = sum(
        series.coeff(z, k) * sympy.factorial2(k - 1) * v ** (k // 2) if k else series.coeff(z, 0)
        for k in (0, 2, 4, 6)
    )
    whole = sympy.series(sympy.expand((1 + v) * sympy.exp(-v / 2) * mean), v, 0, 4).removeO()
    verify.identical(sympy.expand(whole), 1 - sympy.Rational(2, 3) * v**3)
    verify.refutes(sympy.expand(whole), 1 + sympy.Rational(2, 3) * v**3, why="sign")
    verify.refutes(sympy.expand(whole), 1 - sympy.Rational(1, 3) * v**3, why="factor 2")
    # Numerically: the next order is of relative size D^2.
    D = 0.2
    loss = (1 - efron_efficiency(D)) / D**6
    verify.agree(loss, 1 / 96, rtol=0.06)
    verify.refutes(loss, 1 / 48, why="factor 2")
    verify.refutes(loss, -1 / 96, why="sign")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-naive-error",
    routes=("naive Bayes fitted to many samples", "the formula"),
)
def test_limit_of_naive_bayes(verify):
    """Naive Bayes fitted to 200,000 correlated samples errs as the formula says."""
    S, difference = definite(3, 8), np.array([1.0, -0.5, 0.8])
    rng = np.random.default_rng(0)
    n = 200_000
    y = rng.integers(0, 2, n)
    X = rng.standard_normal((n, 3)) @ np.linalg.cholesky(S).T + np.outer(y, difference)
    model = GaussianClassifier("shared diagonal").fit(X[: n // 2], y[: n // 2])
    error = np.mean(model.predict(X[n // 2 :]) != y[n // 2 :])

    def printed(w, half=2):
        return stats.norm.cdf(-w @ difference / (half * np.sqrt(w @ S @ w)))

    w = difference / np.diag(S)
    atol = 4 * np.sqrt(0.25 / (n // 2))
    verify.agree(error, printed(w), atol=atol)
    verify.refutes(error, printed(w, half=1), why="factor 2")
    verify.refutes(error, printed(-w), why="sign")
    best = printed(linalg.solve(S, difference))
    verify.refutes(error, best, why="the best rule")
    naive = stats.norm.cdf(-np.sqrt(np.sum(difference**2 / np.diag(S))) / 2)
    verify.refutes(error, naive, why="what naive Bayes believes")
    verify.at_most(best, printed(w))
    verify.refutes(1 - best, printed(w), why="sign of the inequality")


@pytest.mark.verifies(
    "eq-discriminative-and-generative-poisson", routes=("scipy's Poisson", "the formula")
)
def test_log_odds_of_counts(verify):
    """Bayes' rule with scipy's Poisson probabilities is linear in the counts."""
    rates, prior = np.array([[3.0, 7.0, 1.5], [4.0, 2.0, 6.0]]), np.array([0.4, 0.6])
    X = np.array([[0, 1, 2], [5, 3, 0], [9, 2, 4]])
    joint = [
        np.log(q) + stats.poisson(r).logpmf(X).sum(axis=1)
        for q, r in zip(prior, rates, strict=True)
    ]
    odds = joint[1] - joint[0]

    logs = np.log(rates[1] / rates[0])

    def printed(total=-1, shares=1, w=logs):
        return shares * np.log(prior[1] / prior[0]) + total * np.sum(rates[1] - rates[0]) + X @ w

    verify.agree(odds, printed(), rtol=1e-12)
    verify.refutes(odds, printed(total=1), why="sign of the rates")
    verify.refutes(odds, printed(total=0), why="rates left out")
    verify.refutes(odds, printed(shares=-1), why="sign of the shares")
    verify.refutes(odds, printed(w=rates[1] - rates[0]), why="differences for logarithms")
