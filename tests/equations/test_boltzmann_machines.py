"""The numbered equations of the chapter on Boltzmann machines."""

import itertools
import math

import numpy as np
import pytest
import torch
from dlmath.boltzmann import (
    exact_moments,
    expected_update,
    fit_spins,
    gibbs_matrix,
    mean_field_couplings,
    rbm_tables,
)
from dlmath.generative import RBM
from dlmath.ising import finite_lattice
from scipy.special import expit, logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import BernoulliRBM

torch.set_num_threads(1)

W = np.array([[1.2, -0.7], [-0.4, 0.9], [0.8, 1.1]])
B = np.array([0.3, -0.6, 0.1])
C = np.array([-0.5, 0.4])


def bits(n):
    """List the states of n units in the order of binary numbers, the lowest digit first."""
    return np.array([s[::-1] for s in itertools.product([0, 1], repeat=n)], dtype=float)


X, H = bits(3), bits(2)


def energies(W=W, b=B, c=C):
    """Write out the energy of every pair of states, term by term."""
    d, m = W.shape
    return np.array(
        [
            [
                -sum(x[i] * W[i, j] * h[j] for i in range(d) for j in range(m))
                - sum(b[i] * x[i] for i in range(d))
                - sum(c[j] * h[j] for j in range(m))
                for h in bits(m)
            ]
            for x in bits(d)
        ]
    )


def joint(W=W, b=B, c=C):
    """Normalise the Boltzmann factors of all pairs."""
    factors = np.exp(-energies(W, b, c))
    return factors / factors.sum()


def spins(n):
    return 2 * bits(n) - 1


def glass(n, seed=0, scale=0.5):
    """Draw fields and symmetric couplings."""
    rng = np.random.default_rng(seed)
    J = np.triu(scale * rng.normal(size=(n, n)), 1)
    return scale * rng.normal(size=n), J + J.T


def statistics(n):
    """List the statistics s_i and s_i s_j of all states."""
    s = spins(n)
    return np.hstack([s, [[a[i] * a[j] for i in range(n) for j in range(i + 1, n)] for a in s]])


def central(function, theta, step=1e-5):
    """Differentiate a function by central differences."""
    columns = [
        (function(theta + step * e) - function(theta - step * e)) / (2 * step)
        for e in np.eye(len(theta))
    ]
    return np.array(columns)


# A law made of energies.


@pytest.mark.verifies(
    "eq-boltzmann-machines-law",
    "eq-boltzmann-machines-visible",
    routes=("transfer matrix, Kaufman's formula", "sum over all states"),
)
def test_boltzmann_law_of_coupled_spins(verify):
    """A ring in a field has the Z of its transfer matrix, a lattice that of Kaufman's formula."""
    n, J, h = 7, 0.6, 0.25

    def total(sign=1.0, field=h, bonds=range(n)):
        values = []
        for s in itertools.product([-1, 1], repeat=n):
            E = -field * sum(s) - J * sum(s[i] * s[(i + 1) % n] for i in bonds)
            values.append(math.exp(-sign * E))
        return math.log(sum(values))

    T = np.array([[math.exp(J * a * b + h * (a + b) / 2) for b in (-1, 1)] for a in (-1, 1)])
    by_matrix = math.log(np.trace(np.linalg.matrix_power(T, n)))
    verify.agree(by_matrix, total(), rtol=1e-13)
    verify.refutes(by_matrix, total(sign=-1.0), why="sign of the energy in the exponent")
    verify.refutes(by_matrix, total(field=2 * h), why="factor 2 in the field")
    verify.refutes(by_matrix, total(bonds=range(n - 1)), why="one bond missing")

    # The probability of one state, from two transfer matrices' elements and from dlmath.
    ring = np.zeros((n, n))
    for i in range(n):
        ring[i, (i + 1) % n] = ring[(i + 1) % n, i] = J
    exact = exact_moments(np.full(n, h), ring)
    state = [1, 1, -1, 1, -1, -1, 1]
    index = [(a + 1) // 2 for a in state]
    weight = np.prod([T[index[i], index[(i + 1) % n]] for i in range(n)])
    row = int(np.dot(index, 2 ** np.arange(n)))
    verify.agree(weight / math.exp(by_matrix), exact.probabilities[row], rtol=1e-12)
    verify.refutes(weight, exact.probabilities[row], why="not normalised")

    tau, sites, lattice = 2.3, np.arange(16).reshape(4, 4), np.zeros((16, 16))
    for axis in (0, 1):
        lattice[sites, np.roll(sites, 1, axis)] = lattice[np.roll(sites, 1, axis), sites] = 1 / tau
    both = exact_moments(np.zeros(16), lattice).log_partition
    kaufman = finite_lattice(4, tau).log_partition
    verify.agree(both, kaufman, rtol=1e-12)
    doubled = exact_moments(np.zeros(16), 2 * lattice).log_partition
    verify.refutes(doubled, kaufman, why="each pair counted twice")


@pytest.mark.verifies(
    "eq-boltzmann-machines-likelihood", routes=("probabilities of each sample", "dlmath.fit_spins")
)
def test_mean_log_likelihood(verify):
    """The mean of log p over the samples is minus the mean energy less log Z."""
    h, J = glass(4)
    s = spins(4)
    E = np.array(
        [-h @ a - sum(J[i, j] * a[i] * a[j] for i in range(4) for j in range(i)) for a in s]
    )
    rows = np.random.default_rng(1).integers(0, 16, 30)
    p = exact_moments(h, J).probabilities
    by_each = np.log(p[rows]).sum() / 30
    formula = -E[rows].mean() - logsumexp(-E)
    verify.agree(by_each, formula, rtol=1e-13)
    verify.refutes(by_each, -E[rows].sum() - logsumexp(-E), why="factor n")
    verify.refutes(by_each, -E[rows].mean() - logsumexp(-E) / 30, why="one Z for all n samples")
    verify.refutes(by_each, E[rows].mean() - logsumexp(-E), why="sign of the energy")
    # The optimum that the library reports is this function, at its parameters.
    fit = fit_spins(s[rows])
    at = exact_moments(fit.fields, fit.couplings).probabilities
    verify.agree(-fit.cost, np.log(at[rows]).mean(), rtol=1e-12)
    verify.refutes(-fit.cost, np.log(at[rows]).sum(), why="sum for mean")


# The gradient, the Hessian, and machines without hidden units.


@pytest.mark.verifies(
    "eq-boltzmann-machines-free-energy-def", routes=("table of p(x, h)", "sum of e^(-E)")
)
def test_free_energy_of_a_marginal(verify):
    """Summing the table over h gives e^(-F)/Z, with F minus the logarithm of a sum."""
    marginal, E = joint().sum(axis=1), energies()
    F = -np.log(np.exp(-E).sum(axis=1))
    Z = np.exp(-F).sum()
    verify.agree(marginal, np.exp(-F) / Z, rtol=1e-13)
    verify.refutes(marginal, np.exp(F) / np.exp(F).sum(), why="sign of F")
    mean = (joint() * E).sum(axis=1) / marginal
    verify.refutes(marginal, np.exp(-mean) / np.exp(-mean).sum(), why="mean energy for F")
    best = E.min(axis=1)
    verify.refutes(marginal, np.exp(-best) / np.exp(-best).sum(), why="least energy for F")


def tower(theta):
    """Give a nonlinear energy of three visible and two hidden units, in torch."""
    x, h = torch.tensor(X), torch.tensor(H)
    inner = torch.tanh(x @ theta[:6].reshape(3, 2) + theta[6:8])
    return -(inner @ h.T) * theta[8] - torch.sin(x @ theta[:3])[:, None]


@pytest.mark.verifies(
    "eq-boltzmann-machines-gradient", routes=("automatic differentiation", "two phases")
)
def test_positive_and_negative_phase(verify):
    """For an energy that is nonlinear in its parameters too."""
    theta = torch.tensor(np.random.default_rng(3).normal(size=9), requires_grad=True)
    seen = 5
    E = tower(theta)
    log_p = torch.logsumexp(-E[seen], 0) - torch.logsumexp(-E.reshape(-1), 0)
    (by_torch,) = torch.autograd.grad(log_p, theta)
    slopes = torch.autograd.functional.jacobian(tower, theta.detach()).numpy()
    table = np.exp(-E.detach().numpy())
    positive = np.einsum("h,ht->t", table[seen] / table[seen].sum(), slopes[seen])
    negative = np.einsum("xh,xht->t", table / table.sum(), slopes)
    verify.agree(by_torch, -positive + negative, rtol=1e-11, atol=1e-13)
    verify.refutes(by_torch, positive - negative, why="sign")
    verify.refutes(by_torch, -positive - negative, why="sign of the negative phase")
    verify.refutes(by_torch, -positive, why="no negative phase")
    prior = table.sum(axis=0) / table.sum()
    unconditioned = np.einsum("h,ht->t", prior, slopes[seen])
    verify.refutes(by_torch, -unconditioned + negative, why="p(h) for p(h given x)")


@pytest.mark.verifies(
    "eq-boltzmann-machines-curvature", routes=("second automatic derivative", "covariances")
)
def test_curvature_with_hidden_units(verify):
    """The Hessian of the likelihood of a restricted machine, whose energy is linear."""
    phi = np.array(
        [[np.concatenate([np.outer(x, h).ravel(), x, h]) for h in H] for x in X]
    )  # (8, 4, 11)
    theta = np.concatenate([W.ravel(), B, C])
    data = [0, 3, 3, 6]
    features = torch.tensor(phi)

    def likelihood(t):
        logs = features @ t
        return torch.logsumexp(logs[data], 1).mean() - torch.logsumexp(logs.reshape(-1), 0)

    by_torch = torch.autograd.functional.hessian(likelihood, torch.tensor(theta)).numpy()

    def covariance(weights, values):
        away = values - weights @ values
        return away.T @ (weights[:, None] * away)

    logs = phi @ theta
    given = [np.exp(logs[x]) / np.exp(logs[x]).sum() for x in data]
    positive = np.mean([covariance(w, phi[x]) for w, x in zip(given, data, strict=True)], axis=0)
    everything = np.exp(logs.ravel()) / np.exp(logs).sum()
    negative = covariance(everything, phi.reshape(-1, 11))
    verify.agree(by_torch, positive - negative, atol=1e-13)
    verify.refutes(by_torch, negative - positive, why="sign")
    verify.refutes(by_torch, -negative, why="hidden units forgotten")
    verify.refutes(by_torch, 4 * positive - negative, why="factor n")


@pytest.mark.verifies(
    "eq-boltzmann-machines-moments", routes=("central differences", "moments", "dlmath.fit_spins")
)
def test_matching_moments(verify):
    """Gradient and Hessian by differences, and the maximum where the moments match."""
    phi = statistics(3)
    theta = np.random.default_rng(0).normal(size=6)
    counts = np.array([3, 1, 2, 2, 1, 4, 1, 2])
    target = counts @ phi / counts.sum()

    def likelihood(t):
        return target @ t - logsumexp(phi @ t)

    def mean(t):
        p = np.exp(phi @ t - logsumexp(phi @ t))
        return p @ phi

    p = np.exp(phi @ theta - logsumexp(phi @ theta))
    away = phi - p @ phi
    covariance = away.T @ (p[:, None] * away)
    gradient = central(likelihood, theta)
    verify.agree(gradient, target - p @ phi, atol=1e-8)
    verify.refutes(gradient, p @ phi - target, why="sign")
    verify.refutes(gradient, counts @ phi - p @ phi, why="factor n in the gradient")
    hessian = central(lambda t: target - mean(t), theta)
    verify.agree(hessian, -covariance, atol=1e-8)
    verify.refutes(hessian, covariance, why="sign of the Hessian")
    verify.refutes(hessian, -(covariance + np.outer(p @ phi, p @ phi)), why="not centred")
    assert np.linalg.eigvalsh(covariance)[0] > 1e-3
    fit = fit_spins(np.repeat(spins(3), counts, axis=0))
    model = exact_moments(fit.fields, fit.couplings)
    found = np.append(model.means, model.correlations[np.triu_indices(3, 1)])
    verify.agree(found, target, atol=1e-6)
    other = exact_moments(fit.fields, 1.05 * fit.couplings)
    wrong = np.append(other.means, other.correlations[np.triu_indices(3, 1)])
    verify.refutes(wrong, target, why="couplings off by a twentieth")


@pytest.mark.verifies(
    "eq-boltzmann-machines-fisher", routes=("spread of many estimates", "inverse covariance")
)
def test_spread_of_the_estimates(verify):
    """The covariance of 250 estimates from 800 samples each, within its statistical error."""
    h, J = glass(3, scale=0.3)
    n, repeats = 800, 250
    p = exact_moments(h, J).probabilities
    rng = np.random.default_rng(0)
    found = []
    for counts in rng.multinomial(n, p, size=repeats):
        fit = fit_spins(np.repeat(spins(3), counts, axis=0))
        found.append(np.append(fit.fields, fit.couplings[np.triu_indices(3, 1)]))
    phi = statistics(3)
    away = phi - p @ phi
    fisher = away.T @ (p[:, None] * away)
    predicted = np.diag(np.linalg.inv(fisher)) / n
    measured = np.var(found, axis=0)
    # A variance of 250 numbers has the relative error sqrt(2/250) = .09.
    verify.agree(measured / predicted, np.ones(6), atol=0.35)
    verify.refutes(measured / predicted * n, np.ones(6), why="factor n")
    verify.refutes(measured / (2 * predicted), np.ones(6), why="factor 2")
    verify.refutes(measured / (np.diag(fisher) / n), np.ones(6), why="not inverted")


@pytest.mark.verifies(
    "eq-boltzmann-machines-pseudo", routes=("conditionals of the table", "logistic function")
)
def test_pseudo_likelihood(verify):
    """Each conditional is a logistic function; the library climbs the sum of their logarithms."""
    h, J = glass(4)
    p, s = exact_moments(h, J).probabilities, spins(4)
    table = []
    for i in range(4):
        flipped = s.copy()
        flipped[:, i] *= -1
        partner = ((flipped + 1) / 2) @ 2 ** np.arange(4)
        table.append(p / (p + p[partner.astype(int)]))
    table = np.transpose(table)
    formula = expit(2 * s * (h + s @ J))
    verify.agree(table, formula, rtol=1e-12)
    verify.refutes(table, expit(s * (h + s @ J)), why="factor 2")
    verify.refutes(table, expit(-2 * s * (h + s @ J)), why="sign")
    verify.refutes(table, expit(2 * s * (h + s @ J / 2)), why="each pair counted half")
    counts = np.random.default_rng(0).multinomial(400, p)
    fit = fit_spins(np.repeat(s, counts, axis=0), "pseudo")
    logs = np.log(expit(2 * s * (fit.fields + s @ fit.couplings))).sum(axis=1)
    verify.agree(-fit.cost, counts @ logs / 400, rtol=1e-12)
    verify.refutes(-fit.cost, counts @ logs, why="factor n")
    verify.refutes(-fit.cost, counts @ logs / 1600, why="mean over the spins")
    # For two spins the conditional of one is scikit-learn's logistic regression.
    two = np.repeat(spins(2), [30, 12, 9, 27], axis=0)
    by_regression = []
    for i in (0, 1):
        model = LogisticRegression(C=1e10, tol=1e-12).fit(two[:, [1 - i]], two[:, i])
        by_regression.append(model.coef_[0, 0] / 2)
    coupling = fit_spins(two, "pseudo").couplings[0, 1]
    verify.agree(coupling, by_regression[0], atol=1e-5)
    verify.refutes(coupling, 2 * by_regression[0], why="factor 2 of the logistic function")


@pytest.mark.verifies(
    "eq-boltzmann-machines-mean-field",
    routes=("numerical derivative of the fixed point", "matrix inversion", "exact covariances"),
)
def test_mean_field_inverse(verify):
    """The fixed point's response has the inverse of the formula; errors are of third order."""
    h, J = glass(4, scale=0.2)

    def means(fields):
        m = np.zeros(4)
        for _ in range(300):
            m = np.tanh(fields + J @ m)
        return m

    m = means(h)
    response = central(means, h)
    formula = np.diag(1 / (1 - m**2)) - J
    verify.agree(np.linalg.inv(response), formula, atol=1e-8)
    verify.refutes(np.linalg.inv(response), np.diag(1 / (1 - m**2)) + J, why="sign")
    verify.refutes(np.linalg.inv(response), np.diag(1 - m**2) - J, why="diagonal not inverted")
    verify.refutes(response, formula, why="covariance for its inverse")

    def error(scale, estimate):
        small = scale * J
        C = exact_moments(np.zeros(4), small).correlations
        off = ~np.eye(4, dtype=bool)
        return np.abs(estimate(C) - small)[off].max()

    def order(estimate):
        return np.log2(error(0.2, estimate) / error(0.1, estimate))

    verify.agree(order(lambda C: -np.linalg.inv(C)), 3, atol=0.15)
    verify.refutes(order(lambda C: C), 3, why="correlations for couplings")
    verify.refutes(order(np.linalg.inv), 3, why="sign of the inverse")
    S = np.repeat(spins(4), np.random.default_rng(0).multinomial(500, np.full(16, 1 / 16)), axis=0)
    C = np.cov(S.T, bias=True)
    off = np.triu_indices(4, 1)
    verify.agree(mean_field_couplings(S)[off], -np.linalg.inv(C)[off], atol=1e-14)
    verify.refutes(mean_field_couplings(S)[off], C[off], why="not inverted")


# The restricted machine.


@pytest.mark.verifies(
    "eq-boltzmann-machines-rbm",
    "eq-boltzmann-machines-conditionals",
    routes=("table of all pairs", "scikit-learn's BernoulliRBM", "dlmath.generative.RBM"),
)
def test_conditionals(verify):
    """Conditionals of the table; their product is the conditional of a whole layer."""
    p = joint()
    h_given_x = p / p.sum(axis=1, keepdims=True)
    theirs = BernoulliRBM(n_components=2)
    theirs.components_, theirs.intercept_visible_, theirs.intercept_hidden_ = W.T, B, C
    theirs.n_features_in_ = 3
    on = h_given_x @ H
    verify.agree(on, theirs.transform(X), rtol=1e-13)
    wrong = joint(-W) / joint(-W).sum(axis=1, keepdims=True)
    verify.refutes(wrong @ H, theirs.transform(X), why="sign of the couplings in E")
    verify.refutes(1 - on, theirs.transform(X), why="sign of the energy")
    ours = RBM.from_parameters(W, B, C)
    verify.agree(ours.hidden_probabilities(X), on, rtol=1e-13)
    verify.refutes(expit(X @ W), on, why="bias missing")
    verify.refutes(expit(2 * (X @ W + C)), on, why="factor 2 of spins")
    x_on = (p / p.sum(axis=0)).T @ X
    verify.agree(ours.visible_probabilities(H), x_on, rtol=1e-13)
    verify.refutes(expit(H @ W.T), x_on, why="visible bias missing")
    product = np.array([[np.prod(np.where(h == 1, a, 1 - a)) for h in H] for a in expit(C + X @ W)])
    verify.agree(h_given_x, product, rtol=1e-12)
    verify.refutes(joint().sum(axis=0) * np.ones((8, 1)), product, why="independent of x")


@pytest.mark.verifies(
    "eq-boltzmann-machines-free-energy",
    "eq-boltzmann-machines-experts",
    routes=("sum over hidden states", "softplus in closed form", "dlmath.generative.RBM"),
)
def test_free_energy_and_experts(verify):
    """F in closed form and the product of experts give the marginal of the table."""
    F = -np.log(np.exp(-energies()).sum(axis=1))
    votes = np.log1p(np.exp(C + X @ W))
    verify.agree(F, -X @ B - votes.sum(axis=1), rtol=1e-13, atol=1e-14)
    verify.refutes(F, X @ B - votes.sum(axis=1), why="sign of the visible biases")
    verify.refutes(F, -X @ B + votes.sum(axis=1), why="sign of the votes")
    verify.refutes(F, -X @ B - (expit(C + X @ W) * (C + X @ W)).sum(axis=1), why="no entropy")
    machine = RBM.from_parameters(W, B, C)
    verify.agree(machine.free_energy(X), F, rtol=1e-13, atol=1e-14)
    verify.refutes(-machine.free_energy(X), F, why="sign")
    marginal = joint().sum(axis=1)
    experts = np.prod(np.exp(B * X), axis=1) * np.prod(1 + np.exp(C + X @ W), axis=1)
    verify.agree(marginal, experts / np.exp(-energies()).sum(), rtol=1e-13)
    mixture = np.prod(np.exp(B * X), axis=1) * np.sum(1 + np.exp(C + X @ W), axis=1)
    verify.refutes(marginal, mixture / mixture.sum(), why="sum of experts")
    verify.refutes(marginal, experts, why="not normalised")


@pytest.mark.verifies(
    "eq-boltzmann-machines-mediated", routes=("log odds ratio of the table", "formula")
)
def test_mediated_coupling(verify):
    """The odds ratio of two pixels in the table of a machine with one hidden unit."""
    w1, w2, c = 1.3, -0.8, 0.4
    p = joint(np.array([[w1], [w2]]), np.array([0.3, -0.2]), np.array([c])).sum(axis=1)
    odds = math.log(p[3] * p[0] / (p[1] * p[2]))

    def formula(w1, w2, c):
        up = math.log1p(math.exp(c + w1 + w2)) + math.log1p(math.exp(c))
        return up - math.log1p(math.exp(c + w1)) - math.log1p(math.exp(c + w2))

    verify.agree(odds, formula(w1, w2, c), rtol=1e-11)
    verify.refutes(odds, formula(-w1, w2, c), why="sign of a weight")
    verify.refutes(odds, w1 * w2, why="product of the weights")
    verify.refutes(odds, formula(w1, w2, 0), why="bias missing")
    verify.refutes(odds, -formula(w1, w2, c), why="sign")
    rng = np.random.default_rng(0)
    many = rng.normal(scale=3, size=(300, 3))
    size = np.array([abs(formula(*w)) for w in many])
    bound = np.abs(many[:, :2]).min(axis=1)
    verify.at_most(size, bound, atol=1e-12)
    verify.refutes(size, bound / 2, why="half the bound")


@pytest.mark.verifies(
    "eq-boltzmann-machines-rbm-gradient",
    routes=("automatic differentiation", "dlmath.boltzmann.expected_update"),
)
def test_gradient_of_the_restricted_machine(verify):
    """The exact update of the library against torch's derivative of the exact likelihood."""
    data = np.array([3, 0, 1, 2, 0, 5, 4, 1]) / 16
    parameters = [torch.tensor(v, requires_grad=True) for v in (W, B, C)]
    w, b, c = parameters
    x = torch.tensor(X)
    logs = x @ b + torch.nn.functional.softplus(x @ w + c).sum(dim=1)
    likelihood = torch.tensor(data) @ (logs - torch.logsumexp(logs, 0))
    by_torch = [g.numpy() for g in torch.autograd.grad(likelihood, parameters)]
    found = expected_update(W, B, C, data)
    flat = np.concatenate([np.ravel(g) for g in by_torch])
    verify.agree(flat, np.concatenate([np.ravel(g) for g in found]), atol=1e-14)
    verify.refutes(-flat, np.concatenate([np.ravel(g) for g in found]), why="sign")
    p = joint().sum(axis=1)
    hat = expit(C + X @ W)
    drawn = X.T @ (data[:, None] * hat)
    verify.agree(by_torch[0], drawn - X.T @ (p[:, None] * hat), atol=1e-14)
    verify.refutes(by_torch[0], drawn, why="no negative phase")
    wrong = np.outer(data @ X, data @ hat) - np.outer(p @ X, p @ hat)
    verify.refutes(by_torch[0], wrong, why="product of means")
    verify.refutes(by_torch[0], 16 * (drawn - X.T @ (p[:, None] * hat)), why="factor n")


# The chain.


@pytest.mark.verifies(
    "eq-boltzmann-machines-sweep",
    "eq-boltzmann-machines-balance",
    routes=("path sum over h", "dlmath.boltzmann.gibbs_matrix", "many simulated sweeps"),
)
def test_block_gibbs_keeps_the_law(verify):
    """The matrix by a sum written out, its balance, and 60,000 sweeps of dlmath.generative.RBM."""
    p = joint()
    marginal, hidden = p.sum(axis=1), p.sum(axis=0)
    K = np.array(
        [
            [sum(p[a, h] / marginal[a] * p[b, h] / hidden[h] for h in range(4)) for b in range(8)]
            for a in range(8)
        ]
    )
    verify.agree(gibbs_matrix(W, B, C), K, rtol=1e-12)
    verify.refutes(gibbs_matrix(W, B, C).T, K, why="transpose")
    flow = marginal[:, None] * K
    verify.agree(flow, flow.T, atol=1e-16)
    verify.refutes(K, K.T, why="without p")
    independent = marginal[:, None] * gibbs_matrix(0.8 * W, B, C)
    verify.refutes(independent, independent.T, why="sweep of another machine")
    verify.agree(marginal @ K, marginal, rtol=1e-12)
    verify.refutes(K @ marginal, marginal, why="columns for rows")
    start = np.repeat(X[[5]], 60_000, axis=0)
    after = RBM.from_parameters(W, B, C).gibbs(start, 1, seed=0)
    share = np.bincount(after @ 2 ** np.arange(3), minlength=8) / 60_000
    verify.agree(share, K[5], atol=0.008)
    verify.refutes(share, marginal, why="forgets at once")


@pytest.mark.verifies(
    "eq-boltzmann-machines-mixing",
    "eq-boltzmann-machines-self-adjoint",
    routes=("numerical eigenvalues", "conditional means", "powers of the matrix"),
)
def test_spectrum_of_the_sweep(verify):
    """The scalar product by conditional means; covariances between zero and the bound."""
    strong = 3 * W
    p = joint(strong)
    marginal, hidden = p.sum(axis=1), p.sum(axis=0)
    K = gibbs_matrix(strong, B, C)
    rng = np.random.default_rng(0)
    f, g = rng.normal(size=(2, 8))
    by_means = np.sum(hidden * (f @ p / hidden) * (g @ p / hidden))
    verify.agree(np.sum(marginal * f * (K @ g)), by_means, rtol=1e-12)
    verify.refutes(np.sum(marginal * f * (g @ K)), by_means, why="transpose")
    verify.refutes(np.sum(f * (K @ g)), by_means, why="without p")
    nu = np.sort(np.linalg.eigvals(K).real)[::-1]
    assert np.abs(np.linalg.eigvals(K).imag).max() < 1e-12
    assert abs(nu[0] - 1) < 1e-12
    functions = rng.normal(size=(200, 8))
    functions -= (functions @ marginal)[:, None]
    variance = functions**2 @ marginal
    covariances = np.array(
        [
            np.einsum("fx,x,fx->f", functions, marginal, functions @ np.linalg.matrix_power(K, k).T)
            for k in (1, 2, 5)
        ]
    )
    bounds = np.array([nu[1] ** k * variance for k in (1, 2, 5)])
    verify.at_most(covariances, bounds, atol=1e-12)
    smaller = np.array([nu[2] ** k * variance for k in (1, 2, 5)])
    verify.refutes(covariances, smaller, why="the third eigenvalue")
    verify.refutes(covariances, bounds / 2, why="factor 2")
    verify.at_most(-covariances, 0 * covariances, atol=1e-14)
    verify.refutes(covariances, 0 * covariances, why="sign")
    # The bound is reached by the second eigenfunction.
    values, vectors = np.linalg.eig(K)
    e = vectors[:, np.argsort(values.real)[-2]].real
    e -= marginal @ e
    reached = np.sum(marginal * e * (np.linalg.matrix_power(K, 3) @ e)) / np.sum(marginal * e**2)
    verify.agree(reached, nu[1] ** 3, rtol=1e-9)
    verify.refutes(reached, nu[1] ** 2, why="exponent")


@pytest.mark.verifies(
    "eq-boltzmann-machines-clamped", routes=("table", "chains of dlmath.generative.RBM")
)
def test_clamped_units(verify):
    """Chains with one pixel held have the conditional law of the table."""
    p = joint().sum(axis=1)
    rows = [1, 3, 5, 7]  # states with the first pixel on
    machine = RBM.from_parameters(W, B, C)
    start = np.repeat([[1, 0, 0]], 60_000, axis=0)
    x = machine.gibbs(start, 30, seed=0, clamped=[True, False, False])
    share = np.bincount(x @ 2 ** np.arange(3), minlength=8)[rows] / 60_000
    verify.agree(share, p[rows] / p[rows].sum(), atol=0.008)
    verify.refutes(share, p[rows], why="not normalised")
    other = [0, 2, 4, 6]
    verify.refutes(share, p[other] / p[other].sum(), why="held at the other value")
    both = p[rows] + p[other]
    verify.refutes(share, both / both.sum(), why="marginal for conditional")


# Contrastive divergence.


DATA = np.array([0.3, 0.0, 0.1, 0.25, 0.0, 0.05, 0.1, 0.2])


def unpack(theta):
    return theta[:6].reshape(3, 2), theta[6:9], theta[9:]


def slopes_of_free_energy(theta):
    """Differentiate F of each state by all parameters, numerically."""

    def F(t):
        w, b, c = unpack(t)
        return -X @ b - np.logaddexp(0, X @ w + c).sum(axis=1)

    return central(F, theta)


@pytest.mark.verifies(
    "eq-boltzmann-machines-cd",
    "eq-boltzmann-machines-cd-dropped",
    routes=("central differences of two divergences", "dlmath.boltzmann.expected_update"),
)
def test_what_contrastive_divergence_drops(verify):
    """The derivative of the difference of divergences is the update and the dropped term."""
    theta, k = np.concatenate([W.ravel(), B, C]), 2

    def chain(t, steps=k):
        return DATA @ np.linalg.matrix_power(gibbs_matrix(*unpack(t)), steps)

    def divergence(q, t):
        p = rbm_tables(*unpack(t)).visible
        seen = q > 0
        return np.sum(q[seen] * np.log(q[seen] / p[seen]))

    slopes = slopes_of_free_energy(theta)
    update = -slopes @ DATA + slopes @ chain(theta)
    found = np.concatenate([np.ravel(g) for g in expected_update(*unpack(theta), DATA, k)])
    verify.agree(found, update, atol=1e-9)
    verify.refutes(-found, update, why="sign of the update")
    once = np.concatenate([np.ravel(g) for g in expected_update(*unpack(theta), DATA, 1)])
    verify.refutes(once, update, why="another number of sweeps")
    exact = np.concatenate([np.ravel(g) for g in expected_update(*unpack(theta), DATA)])
    verify.refutes(exact, update, why="the true gradient")

    gradient = central(lambda t: divergence(DATA, t) - divergence(chain(t), t), theta)
    p, p_k = rbm_tables(*unpack(theta)).visible, chain(theta)
    dropped = central(chain, theta) @ np.log(p_k / p)
    verify.agree(gradient, -update - dropped, atol=1e-8)
    verify.refutes(gradient, -update, why="dropped term forgotten")
    verify.refutes(gradient, update - dropped, why="sign of the update in the gradient")
    verify.refutes(gradient, -update + dropped, why="sign of the dropped term")
    contracted = [divergence(chain(theta, j), theta) for j in range(4)]
    assert np.all(np.diff(contracted) < 0)


@pytest.mark.verifies(
    "eq-boltzmann-machines-circulation", routes=("work along a circle", "asymmetry of the slopes")
)
def test_circulation(verify):
    """The exact gradient does no work on a circle, CD-1 does; so say the derivatives inside."""
    data = np.array([0.4, 0.2, 0.0, 0.4])

    def field(w, k):
        return expected_update(w[:, None], [0, 0], [0], data, k)[0][:, 0]

    def work(k, centre, radius):
        angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        turn = np.stack([-np.sin(angles), np.cos(angles)], axis=1)
        g = np.array([field(w, k) for w in centre + radius * ring])
        return 2 * np.pi * radius * np.mean(np.sum(g * turn, axis=1))

    centre = np.array([2.0, 0.5])
    verify.agree(work(None, centre, 1.0), 0.0, atol=1e-14)
    verify.refutes(work(1, centre, 1.0), 0.0, why="CD-1 for the gradient")
    verify.refutes(work(2, centre, 1.0), 0.0, why="CD-2 for the gradient")
    slopes = central(lambda w: field(w, 1), centre)
    curl = slopes[0, 1] - slopes[1, 0]
    small = work(1, centre, 0.05) / (np.pi * 0.05**2)
    verify.agree(small, curl, rtol=5e-3)
    verify.refutes(small, -curl, why="sign")
    verify.refutes(small, slopes[0, 1] + slopes[1, 0], why="symmetric part")
    exact = central(lambda w: field(w, None), centre)
    verify.agree(exact[0, 1], exact[1, 0], atol=1e-9)
    verify.refutes(slopes[0, 1], slopes[1, 0], why="CD-1 has a potential")


# The partition function.

STAGES = np.array([0.0, 0.3, 0.6, 1.0])
BASE = np.array([0.5, -0.2, 0.4])


def stage(beta):
    """Give the unnormalised law and the sweep of one stage, from tables of all pairs."""
    logs = -energies(beta * W, (1 - beta) * BASE + beta * B, beta * C)
    factors = np.exp(logs)
    down, up = factors / factors.sum(axis=0), factors / factors.sum(axis=1, keepdims=True)
    return factors.sum(axis=1), up @ down.T


@pytest.mark.verifies(
    "eq-boltzmann-machines-path", routes=("sum over hidden states", "closed form", "RBM.log_ratio")
)
def test_path_of_stages(verify):
    """Each stage in closed form, the ends as they should be, and the library's ratios."""

    def closed(beta, base=BASE):
        field = beta * (C + X @ W)
        return X @ ((1 - beta) * base + beta * B) + np.log1p(np.exp(field)).sum(axis=1)

    for beta in (0.0, 0.3, 1.0):
        summed = np.log(stage(beta)[0])
        verify.agree(summed, closed(beta), rtol=1e-12, atol=1e-14)
    beta = 0.3
    summed = np.log(stage(beta)[0])
    verify.agree(summed, closed(beta), rtol=1e-12)
    verify.refutes(summed, closed(1 - beta), why="the way back")
    wrong = closed(beta) - X @ ((1 - beta) * BASE)
    verify.refutes(summed, wrong, why="base biases missing")
    power = (1 - beta) * np.log(stage(0.0)[0]) + beta * np.log(stage(1.0)[0])
    verify.refutes(summed, power, why="geometric mean of the marginals")
    Z_0 = 2**2 * np.prod(1 + np.exp(BASE))
    verify.agree(stage(0.0)[0].sum(), Z_0, rtol=1e-13)
    verify.refutes(stage(0.0)[0].sum(), np.prod(1 + np.exp(BASE)), why="2^m missing")
    network = RBM.from_parameters(W, B, C).network_
    network.base.copy_(torch.tensor(BASE))
    ratio = network.log_ratio(torch.tensor(X), 0.3, 0.6).detach().numpy()
    verify.agree(ratio, closed(0.6) - closed(0.3), rtol=1e-12, atol=1e-14)
    verify.refutes(ratio, closed(0.3) - closed(0.6), why="inverted")


def all_paths():
    """List all forward paths of three states, with P, Q and the weight of each."""
    laws, sweeps = zip(*(stage(beta) for beta in STAGES), strict=True)
    start, end = laws[0] / laws[0].sum(), laws[-1] / laws[-1].sum()
    rows = []
    for a, b, c in itertools.product(range(8), repeat=3):
        P = start[a] * sweeps[1][a, b] * sweeps[2][b, c]
        Q = end[c] * sweeps[2][c, b] * sweeps[1][b, a]
        w = laws[1][a] / laws[0][a] * laws[2][b] / laws[1][b] * laws[3][c] / laws[2][c]
        rows.append((P, Q, w))
    ratio = laws[-1].sum() / laws[0].sum()
    return (*np.transpose(rows), ratio)


@pytest.mark.verifies(
    "eq-boltzmann-machines-weight",
    "eq-boltzmann-machines-unbiased",
    "eq-boltzmann-machines-ratio",
    routes=("sum over all paths", "ratio of exact partition functions", "dlmath.generative.RBM"),
)
def test_weights_are_unbiased(verify):
    """Every path of three stages is listed, with its probability both ways and its weight."""
    P, Q, w, ratio = all_paths()
    verify.agree([P.sum(), Q.sum()], [1, 1], rtol=1e-12)
    verify.refutes([(P * w).sum(), Q.sum()], [1, 1], why="weights not needed")
    verify.agree(P @ w, ratio, rtol=1e-12)
    verify.refutes(Q @ w, ratio, why="backward paths for forward ones")
    verify.refutes(P @ (1 / w), ratio, why="inverted weights")
    verify.refutes(np.exp(P @ np.log(w)), ratio, why="mean of the logarithm")
    verify.agree(Q @ (1 / w), 1 / ratio, rtol=1e-12)
    verify.refutes(1 / (Q @ w), 1 / ratio, why="inverse of the mean")
    verify.agree(Q / P, w / ratio, rtol=1e-11)
    verify.refutes(Q / P, w * ratio, why="ratio inverted")
    verify.refutes(P / Q, w / ratio, why="forward over backward")
    # The same mean weight from many runs of the library, whose stages are equally spaced.
    machine = RBM.from_parameters(W, B, C)
    result = machine.ais(4000, 4, seed=1)
    exact = rbm_tables(W, B, C).log_partition
    verify.agree(np.exp(result.log_weights - exact).mean(), 1.0, atol=0.05)
    verify.refutes(np.exp(-(result.log_weights - exact)).mean() ** 2, 1.0, why="inverse weights")


@pytest.mark.verifies(
    "eq-boltzmann-machines-bracket",
    "eq-boltzmann-machines-sandwich",
    routes=("sum over all paths", "divergences of path laws", "pairs of paths"),
)
def test_bracket(verify):
    """Mean logarithms differ from the truth by the two divergences; averages of two runs too."""
    P, Q, w, ratio = all_paths()
    truth, logs = np.log(ratio), np.log(w)
    KL_PQ, KL_QP = P @ np.log(P / Q), Q @ np.log(Q / P)
    verify.agree([P @ logs, Q @ logs], [truth - KL_PQ, truth + KL_QP], rtol=1e-11)
    verify.refutes([P @ logs, Q @ logs], [truth + KL_PQ, truth - KL_QP], why="sign")
    verify.refutes([P @ logs, Q @ logs], [truth - KL_QP, truth + KL_PQ], why="divergences swapped")
    verify.refutes([P @ logs, Q @ logs], [truth, truth], why="unbiased in the logarithm")
    # M = 2: all pairs of paths.
    forward = np.log((w[:, None] + w) / 2)
    backward = -np.log((1 / w[:, None] + 1 / w) / 2)
    low, high = P @ forward @ P, Q @ backward @ Q
    verify.at_most([low, truth], [truth, high])
    verify.refutes([high, truth], [truth, low], why="the sides exchanged")
    verify.refutes([low, truth], [P @ logs, Q @ logs - 1], why="shifted")
    # More runs bring both nearer.
    verify.at_most([P @ logs, high], [low, Q @ logs])
    verify.refutes([low, Q @ logs], [P @ logs, high], why="more runs make it worse")


@pytest.mark.verifies(
    "eq-boltzmann-machines-flatters",
    "eq-boltzmann-machines-error",
    routes=("300 repetitions", "exact log Z", "linear propagation"),
)
def test_annealing_flatters_and_its_error_bar(verify):
    """Repeated estimates spread as the error bar says, and the mean likelihood is too good."""
    rng = np.random.default_rng(2)
    strong = 1.6 * rng.normal(size=(6, 4)), rng.normal(size=6), rng.normal(size=4)
    machine = RBM.from_parameters(*strong)
    exact, F = machine.log_partition(), machine.free_energy(bits(6)[:20])
    truth = -F.mean() - exact
    logs = machine.ais(300 * 20, 2, seed=0).log_weights.reshape(300, 20)
    estimates = logsumexp(logs, axis=1) - np.log(20)
    reported = -F.mean() - estimates
    gap = reported.mean() - truth
    significance = gap / (reported.std() / np.sqrt(300))
    verify.at_most(4.0, significance)
    verify.refutes(4.0, -significance, why="sign of log Z")
    fine = machine.ais(12_000, 60, seed=0).log_weights.reshape(300, 40)
    spread = np.std(logsumexp(fine, axis=1) - np.log(40))
    weights = np.exp(fine - fine.max())
    bars = weights.std(axis=1, ddof=1) / weights.mean(axis=1) / np.sqrt(40)
    verify.agree(np.sqrt(np.mean(bars**2)) / spread, 1.0, atol=0.15)
    verify.refutes(np.sqrt(np.mean(bars**2)) * np.sqrt(40) / spread, 1.0, why="factor root of M")
    verify.refutes(np.sqrt(np.mean(bars**2)) / np.sqrt(40) / spread, 1.0, why="factor 1/M")
    one = machine.ais(40, 60, seed=5)
    by_hand = np.exp(one.log_weights - one.log_weights.max())
    error = by_hand.std(ddof=1) / by_hand.mean() / np.sqrt(40)
    verify.agree(one.error, error, rtol=1e-12)
    verify.refutes(one.error, by_hand.std(ddof=1) / np.sqrt(40), why="not relative")


@pytest.mark.verifies(
    "eq-boltzmann-machines-mixture", routes=("sum over all pictures", "two-stage simulation")
)
def test_mixture_of_independent_pixels(verify):
    """The mixture adds up to one and has the frequencies of drawing a component, then pixels."""
    weights = np.array([0.3, 0.7])
    mu = np.array([[0.9, 0.2, 0.6], [0.1, 0.5, 0.3]])

    def law(weights, mu):
        return sum(
            w * np.prod(m**X * (1 - m) ** (1 - X), axis=1) for w, m in zip(weights, mu, strict=True)
        )

    verify.agree(law(weights, mu).sum(), 1.0, rtol=1e-13)
    verify.refutes(law(2 * weights, mu).sum(), 1.0, why="factor 2")
    rng = np.random.default_rng(0)
    which = rng.choice(2, 80_000, p=weights)
    drawn = (rng.random((80_000, 3)) < mu[which]).astype(int)
    share = np.bincount(drawn @ 2 ** np.arange(3), minlength=8) / 80_000
    verify.agree(share, law(weights, mu), atol=0.007)
    verify.refutes(share, law([1.0], [weights @ mu]), why="pixels of the mean")
    verify.refutes(share, law(weights[::-1], mu), why="weights exchanged")
    verify.refutes(share, law(weights, 1 - mu), why="ink and paper exchanged")
