"""The numbered equations of the chapter on variational autoencoders."""

import itertools

import numpy as np
import pytest
import torch
from dlmath.densities import GaussianMixture
from dlmath.generative import VAE
from dlmath.generative._vae import gaussian_kl, log_discretised_logistic
from dlmath.latent import (
    LinearGaussian,
    expectation_maximisation,
    fit_ppca,
    free_energy_bound,
    importance_bound,
    maximise,
    responsibilities,
)
from scipy import integrate, optimize, special, stats
from sklearn.decomposition import PCA

torch.set_num_threads(1)


def over_z(f):
    """Integrate over the line by adaptive quadrature."""
    return integrate.quad(f, -12, 12, limit=300, epsabs=1e-13, epsrel=1e-12, points=(-2, 0, 2))[0]


def hermite(mean, sd, count=60):
    """Give nodes and weights of a Gaussian expectation."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return mean + sd * nodes, weights / np.sqrt(2 * np.pi)


def humps(seed=0, n=40, K=3, d=2):
    """Draw samples of some humps, and a mixture that is not their law."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + rng.choice([-2.0, 1.0, 3.0], n)[:, None]
    B = rng.normal(size=(K, d, d))
    start = GaussianMixture(
        rng.dirichlet(np.full(K, 5.0)), rng.normal(size=(K, d)) * 2, B @ B.mT + np.eye(d)
    )
    return X, start, rng


def densities(X, mixture):
    """Give weight times density of each component by scipy."""
    return np.array(
        [
            w * stats.multivariate_normal(m, S).pdf(X)
            for w, m, S in zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
        ]
    ).T


def data(n=60, d=5, seed=0):
    """Draw centred data with unequal variances."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.array([3.0, 2.0, 1.0, 0.7, 0.4])[:d]
    X = X @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    return X - X.mean(axis=0)


def spectrum(S):
    """Give eigenvalues downwards and eigenvectors as columns."""
    nu, U = np.linalg.eigh(S)
    return nu[::-1], U[:, ::-1]


# Latent variables, and a bound.

NOISE = 0.5


def log_joint(x, z):
    return stats.norm.logpdf(x, z**2 / 2, NOISE) + stats.norm.logpdf(z)


@pytest.mark.verifies(
    "eq-variational-autoencoders-marginal", routes=("quadrature over z", "sum of Gaussians")
)
def test_marginal(verify):
    """For x = w z + noise the integral over z is the density of a sum of two Gaussians."""
    x, w = 0.8, 1.7
    integral = over_z(lambda z: stats.norm.pdf(x, w * z, NOISE) * stats.norm.pdf(z))
    verify.agree(integral, stats.norm.pdf(x, 0, np.hypot(w, NOISE)), rtol=1e-11)
    verify.refutes(integral, stats.norm.pdf(x, 0, w + NOISE), why="deviations added")
    verify.refutes(integral, stats.norm.pdf(x, 0, w), why="without the noise")
    labels = np.random.default_rng(0).dirichlet(np.ones(4))
    table = np.random.default_rng(1).dirichlet(np.ones(3), size=4)
    drawn = np.einsum("z,zx->x", labels, table)
    verify.agree(drawn, labels @ table, rtol=1e-13)
    verify.refutes(drawn, table.mean(axis=0), why="every label equally often")


@pytest.mark.verifies(
    "eq-variational-autoencoders-elbo",
    "eq-variational-autoencoders-gap",
    "eq-variational-autoencoders-reconstruction",
    "eq-variational-autoencoders-free-energy",
    routes=("Gauss-Hermite quadrature under q", "adaptive quadrature of log p(x) and of the KL"),
)
@pytest.mark.parametrize(("m", "s"), [(0.4, 0.5), (-1.5, 0.3)])
def test_gap_is_a_divergence(verify, m, s):
    """For a posterior with two humps the bound plus the divergence gives log p(x)."""
    x, q = 1.5, stats.norm(m, s)
    z, weights = hermite(m, s)
    elbo = weights @ (log_joint(x, z) - q.logpdf(z))
    log_p = np.log(over_z(lambda z: np.exp(log_joint(x, z))))
    kl = over_z(lambda z: q.pdf(z) * (q.logpdf(z) - log_joint(x, z) + log_p))
    reverse = over_z(
        lambda z: np.exp(log_joint(x, z) - log_p) * (log_joint(x, z) - log_p - q.logpdf(z))
    )
    verify.agree(elbo, log_p - kl, rtol=1e-9)
    verify.refutes(elbo, log_p + kl, why="sign of the divergence")
    verify.refutes(elbo, log_p - reverse, why="the other divergence")
    verify.refutes(elbo, log_p, why="no gap")
    rebuilt = over_z(lambda z: q.pdf(z) * stats.norm.logpdf(x, z**2 / 2, NOISE))
    to_prior = over_z(lambda z: q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)))
    verify.agree(elbo, rebuilt - to_prior, rtol=1e-9)
    verify.refutes(elbo, rebuilt + to_prior, why="sign of the divergence to the prior")
    verify.refutes(elbo, rebuilt - 2 * to_prior, why="factor 2")
    energy = over_z(lambda z: -q.pdf(z) * log_joint(x, z))
    verify.agree(-elbo, energy - q.entropy(), rtol=1e-9)
    verify.refutes(-elbo, energy + q.entropy(), why="sign of the entropy")
    verify.at_most(-log_p, energy - q.entropy())
    verify.refutes(-log_p, energy - 5 * q.entropy() - 5, why="an energy without a bound")


# Mixtures, and EM.


@pytest.mark.verifies(
    "eq-variational-autoencoders-em-bound",
    routes=("dlmath.latent.free_energy_bound", "likelihood minus divergences by scipy"),
)
def test_em_bound(verify):
    """For any responsibilities the bound is the mean log-likelihood minus a mean divergence."""
    X, mixture, rng = humps()
    R = rng.dirichlet(np.ones(3), size=len(X))
    joint = densities(X, mixture)
    posterior = joint / joint.sum(axis=1, keepdims=True)
    kl = special.rel_entr(R, posterior).sum(axis=1)
    expected = np.mean(np.log(joint.sum(axis=1)) - kl)
    found = free_energy_bound(X, R, mixture)
    verify.agree(found, expected, rtol=1e-12)
    verify.refutes(len(X) * found, expected, why="factor n")
    verify.refutes(found, np.mean(np.log(joint.sum(axis=1)) + kl), why="sign of the divergence")
    verify.refutes(np.mean((R * np.log(joint)).sum(axis=1)), expected, why="without the entropy")


@pytest.mark.verifies(
    "eq-variational-autoencoders-responsibilities",
    routes=("dlmath.latent.responsibilities", "scipy climbs the bound"),
)
def test_responsibilities(verify):
    """The bound, climbed numerically from equal shares, ends at Bayes' rule."""
    X, mixture, _ = humps(1, n=3)
    joint = densities(X, mixture)

    def negative_bound(flat):
        R = special.softmax(flat.reshape(3, 3), axis=1)
        return -np.sum(R * (np.log(joint) - np.log(R)))

    end = optimize.minimize(negative_bound, np.zeros(9), options={"gtol": 1e-9}).x
    climbed = special.softmax(end.reshape(3, 3), axis=1)
    verify.agree(climbed, responsibilities(X, mixture), atol=1e-6)
    without = joint / mixture.weights
    verify.refutes(without / without.sum(axis=1)[:, None], climbed, why="without the weights")
    verify.refutes(joint / joint.sum(axis=0), climbed, why="normalised over samples")
    verify.refutes(responsibilities(X, mixture).T, climbed, why="transpose")


@pytest.mark.verifies(
    "eq-variational-autoencoders-m-step",
    routes=("dlmath.latent.maximise", "automatic differentiation"),
)
def test_m_step(verify):
    """At the new parameters the gradient of the bound vanishes along all that may change."""
    X, _, rng = humps(2)
    R = rng.dirichlet(np.ones(3), size=len(X))
    rows, shares = torch.tensor(X), torch.tensor(R)

    def gradient(weights, means, covariances):
        raw = [torch.tensor(np.array(a), requires_grad=True) for a in (weights, means, covariances)]
        law = torch.distributions.MultivariateNormal(raw[1], raw[2])
        logs = torch.log_softmax(raw[0].log(), 0) + law.log_prob(rows[:, None])
        (shares * logs).sum().div(len(rows)).backward()
        return np.concatenate([a.grad.ravel().numpy() for a in raw])

    new = maximise(X, R)
    right = gradient(new.weights, new.means, new.covariances)
    verify.agree(right, np.zeros_like(right), atol=1e-13)
    zero = np.zeros_like(right)
    mass = R.sum(axis=0)
    by_n = new.covariances * (mass / len(X))[:, None, None]
    verify.refutes(gradient(new.weights, new.means, by_n), zero, why="covariances divided by n")
    unbiased = new.covariances * (mass / (mass - 1))[:, None, None]
    verify.refutes(gradient(new.weights, new.means, unbiased), zero, why="n_j - 1")
    verify.refutes(gradient(new.weights, -new.means, new.covariances), zero, why="sign of a mean")
    equal = np.full(3, 1 / 3)
    verify.refutes(gradient(equal, new.means, new.covariances), zero, why="equal weights")


@pytest.mark.verifies(
    "eq-variational-autoencoders-monotone",
    routes=("log-likelihood after each step", "log-likelihood before it"),
)
def test_em_never_falls(verify):
    """From five starts no step of EM lowers the likelihood; a step too far does."""
    before, after, beyond = [], [], []
    for seed in range(5):
        X, start, _ = humps(seed, n=150)
        mixture, history = expectation_maximisation(X, start, 15)
        before += history[:-1]
        after += history[1:]
        far = GaussianMixture(
            mixture.weights, 3 * mixture.means - 2 * start.means, mixture.covariances
        )
        beyond += [far.log_prob(X).mean()] * 15
    verify.at_most(before, after, atol=1e-12)
    verify.refutes(after, before, why="the other order")
    verify.refutes(before, beyond, why="three times the way")


# The linear case, solved.


@pytest.mark.verifies(
    "eq-variational-autoencoders-trace", routes=("random orthonormal frames", "eigenvalues")
)
def test_no_subspace_holds_more(verify):
    """The variance along 300 random frames lies between the sums of extreme eigenvalues."""
    X = data()
    S, rng = X.T @ X / len(X), np.random.default_rng(0)
    nu, U = spectrum(S)
    frames = [np.linalg.qr(rng.normal(size=(5, 2)))[0] for _ in range(300)]
    traces = np.array([np.trace(a.T @ S @ a) for a in frames])
    verify.at_most(traces, np.full(300, nu[:2].sum()))
    verify.refutes(traces, np.full(300, nu[1:3].sum()), why="not the largest")
    verify.at_most(np.full(300, nu[-2:].sum()), traces)
    verify.refutes(np.full(300, nu[1:3].sum()), traces, why="not the smallest")
    ends = [np.trace(U[:, :2].T @ S @ U[:, :2]), np.trace(U[:, -2:].T @ S @ U[:, -2:])]
    verify.agree(ends, [nu[:2].sum(), nu[-2:].sum()], rtol=1e-12)
    verify.refutes(ends[::-1], [nu[:2].sum(), nu[-2:].sum()], why="the ends exchanged")


@pytest.mark.verifies(
    "eq-variational-autoencoders-autoencoder",
    routes=("alternating least squares", "eigenvalues of the covariance"),
)
def test_linear_autoencoder(verify):
    """Encoder and decoder, fitted in turns from random ones, end at the discarded variance."""
    X, m = data(), 2
    n = len(X)
    V = np.random.default_rng(3).normal(size=(5, m))
    for _ in range(200):
        W = np.linalg.lstsq(X @ V, X, rcond=None)[0]
        V = np.linalg.pinv(W)
    nu, U = spectrum(X.T @ X / n)
    error = np.sum((X - X @ V @ W) ** 2) / n
    verify.agree(error, nu[m:].sum(), rtol=1e-10)
    verify.refutes(n * error, nu[m:].sum(), why="factor n")
    verify.refutes(error, nu[m - 1 :].sum(), why="one eigenvalue more")
    verify.refutes(error, nu[m:].sum() / 5, why="mean over pixels")
    verify.agree(V @ W, U[:, :m] @ U[:, :m].T, atol=1e-8)
    verify.refutes(V @ W, U[:, 1 : m + 1] @ U[:, 1 : m + 1].T, why="the wrong components")


@pytest.mark.verifies(
    "eq-variational-autoencoders-ppca-model",
    "eq-variational-autoencoders-ppca-marginal",
    routes=("all signs of latents and noise", "dlmath.latent.LinearGaussian.covariance"),
)
def test_ppca_covariance(verify):
    """Random signs have unit variance: the model's exact second moments, by enumeration."""
    W, s2 = np.random.default_rng(0).normal(size=(3, 3)), 0.3
    mean = np.array([1.0, -2.0, 0.5])
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=6)))
    x = signs[:, :3] @ W + mean + np.sqrt(s2) * signs[:, 3:]
    moments = (x - mean).T @ (x - mean) / len(x)
    verify.agree(moments, LinearGaussian(W, mean, s2).covariance, atol=1e-14)
    verify.refutes(moments, W @ W.T + s2 * np.eye(3), why="transpose")
    verify.refutes(moments, W.T @ W + np.sqrt(s2) * np.eye(3), why="s in place of its square")
    verify.refutes(moments, W.T @ W, why="without the noise")
    verify.agree(x.mean(axis=0), mean, atol=1e-14)
    verify.refutes(x.mean(axis=0), -mean, why="sign of the mean")


@pytest.mark.verifies(
    "eq-variational-autoencoders-ppca-posterior",
    routes=("conditional of the joint Gaussian", "dlmath.latent.LinearGaussian.posterior", "ELBO"),
)
def test_ppca_posterior(verify):
    """The formula equals the conditional of the joint law, and with it the bound is exact."""
    rng = np.random.default_rng(1)
    W, s2, mean = rng.normal(size=(3, 8)), 0.4, rng.normal(size=8)
    model, X = LinearGaussian(W, mean, s2), rng.normal(size=(200, 8))
    means, covariance = model.posterior(X)
    Sigma = W.T @ W + s2 * np.eye(8)
    gain = W @ np.linalg.inv(Sigma)
    verify.agree(means, (X - mean) @ gain.T, atol=1e-12)
    M = W @ W.T + s2 * np.eye(3)
    verify.refutes(means, (X - mean) @ np.linalg.solve(W @ W.T, W).T, why="without the noise")
    verify.refutes(-means, (X - mean) @ gain.T, why="sign")
    verify.agree(covariance, np.eye(3) - gain @ W.T, atol=1e-12)
    verify.refutes(np.linalg.inv(M), np.eye(3) - gain @ W.T, why="factor s squared")
    verify.refutes(s2 * M, np.eye(3) - gain @ W.T, why="M in place of its inverse")
    exact = stats.multivariate_normal(mean, Sigma).logpdf(X)
    verify.agree(model.elbo(X, means, covariance), exact, rtol=1e-12, atol=1e-12)
    verify.refutes(model.elbo(X, 1.1 * means, covariance), exact, why="means 10 % too large")
    diagonal = np.diag(np.diag(covariance))
    verify.refutes(model.elbo(X, means, diagonal), exact, why="without correlations")
    # The gap of a wrong covariance is the divergence of two Gaussians.
    gap = exact - model.elbo(X, means, diagonal)
    kl = (
        np.trace(np.linalg.solve(covariance, diagonal))
        - 3
        + np.linalg.slogdet(covariance)[1]
        - np.log(np.diag(covariance)).sum()
    ) / 2
    verify.agree(gap, np.full(200, kl), rtol=1e-10)
    verify.refutes(gap, np.full(200, 2 * kl), why="factor 2")
    verify.refutes(gap, np.full(200, -kl), why="sign of the gap")


def minus_two_log_likelihood(Sigma, S):
    """Give the mean of minus twice the log-likelihood of centred data, without 2 pi."""
    return np.linalg.slogdet(Sigma)[1] + np.trace(np.linalg.solve(Sigma, S))


@pytest.mark.verifies(
    "eq-variational-autoencoders-ppca",
    "eq-variational-autoencoders-ppca-likelihood",
    routes=("dlmath.latent.fit_ppca", "scipy climbs the likelihood", "scikit-learn's PCA"),
)
def test_ppca_is_the_best(verify):
    """From random starts scipy's climb ends at the formula; scikit-learn has the same."""
    X, m = data(), 2
    n, d = X.shape
    S = X.T @ X / n

    def cost(flat):
        W = flat[:-1].reshape(m, d)
        return minus_two_log_likelihood(W.T @ W + np.exp(flat[-1]) * np.eye(d), S)

    start = np.random.default_rng(5).normal(size=m * d + 1)
    end = optimize.minimize(cost, start, options={"gtol": 1e-8, "maxiter": 2000}).x
    W, s2 = end[:-1].reshape(m, d), np.exp(end[-1])
    model = fit_ppca(X, m)
    verify.agree(W.T @ W, model.W.T @ model.W, atol=1e-6)
    nu, U = spectrum(S)
    verify.refutes(U[:, :m] * nu[:m] @ U[:, :m].T, model.W.T @ model.W, why="noise not subtracted")
    verify.refutes(n * W.T @ W, model.W.T @ model.W, why="factor n")
    verify.agree(s2, model.variance, rtol=1e-8)
    verify.refutes(nu[m:].sum() / d, model.variance, why="divided by d")
    verify.refutes(nu[m], model.variance, why="the first discarded eigenvalue")
    theirs = PCA(m).fit(X * np.sqrt((n - 1) / n))
    verify.agree(theirs.get_covariance(), model.covariance, atol=1e-12)
    verify.refutes(PCA(m).fit(X).get_covariance(), model.covariance, why="n - 1")
    formula = (
        -(d * np.log(2 * np.pi) + d + np.log(nu[:m]).sum() + (d - m) * np.log(model.variance)) / 2
    )
    verify.agree(formula, model.log_prob(X).mean(), rtol=1e-12)
    verify.refutes(2 * formula, model.log_prob(X).mean(), why="factor 2")
    verify.refutes(formula + d / 2, model.log_prob(X).mean(), why="without the d")
    verify.at_most(np.full(1, -cost(end) / 2 - d * np.log(2 * np.pi) / 2), [formula], atol=1e-9)
    verify.refutes([formula + 0.1], [formula], why="a likelihood above the maximum")


@pytest.mark.verifies(
    "eq-variational-autoencoders-ppca-spectrum",
    "eq-variational-autoencoders-summation",
    routes=("traces of random matrices", "sums over sorted eigenvalues"),
)
def test_spectrum_bounds_the_likelihood(verify):
    """For 200 random covariances the sorted spectra bound the cost; aligned, they are equal."""
    rng = np.random.default_rng(0)
    left, right, swapped = [], [], []
    for _ in range(200):
        S, Sigma = (B @ B.T + 0.1 * np.eye(4) for B in rng.normal(size=(2, 4, 4)))
        (nu, U), (lam, a) = spectrum(S), spectrum(Sigma)
        left.append(minus_two_log_likelihood(Sigma, S))
        right.append(np.sum(np.log(lam) + nu / lam))
        swapped.append(np.sum(np.log(lam) + nu / lam[::-1]))
    verify.at_most(right, left, atol=1e-12)
    verify.refutes(left, right, why="the other side")
    verify.refutes(swapped, left, why="spectra in opposite orders")
    aligned = minus_two_log_likelihood(U * lam @ U.T, S)
    verify.agree(aligned, np.sum(np.log(lam) + nu / lam), rtol=1e-12)
    verify.refutes(left[-1], np.sum(np.log(lam) + nu / lam), why="not aligned")
    c = np.append(0, 1 / lam)
    held = np.array([a[:, j] @ S @ a[:, j] for j in range(4)])
    by_parts = sum((c[k + 1] - c[k]) * held[k:].sum() for k in range(4))
    verify.agree(by_parts, np.trace(np.linalg.inv(Sigma) @ S), rtol=1e-12)
    wrong = sum((c[k + 1] - c[k]) * held[: k + 1].sum() for k in range(4))
    verify.refutes(wrong, np.trace(np.linalg.inv(Sigma) @ S), why="sums from the other end")
    verify.refutes(-by_parts, np.trace(np.linalg.inv(Sigma) @ S), why="sign")


# Encoder and decoder.


def linear_vae(model, dtype=torch.float64):
    """Make a VAE without hidden layers whose networks are those of a linear-Gaussian model."""
    m, d = model.W.shape
    vae = VAE(m, (), None, dropout=0, steps=1, validation=0).fit(np.eye(d))
    means, covariance = model.posterior(np.vstack([np.zeros(d), np.eye(d)]))
    encoder, decoder, units = (vae.network_[k] for k in ("encoder", "decoder", "units"))
    vae.network_.to(dtype)
    with torch.no_grad():
        units.shift.zero_()
        units.scale.fill_(1)
        units.log_noise.fill_(np.log(model.variance) / 2)
        encoder[-1].weight.zero_()
        encoder[-1].weight[:m] = torch.tensor((means[1:] - means[0]).T)
        encoder[-1].bias[:m] = torch.tensor(means[0])
        encoder[-1].bias[m:] = torch.tensor(np.log(np.diag(covariance)))
        decoder[-1].weight.copy_(torch.tensor(model.W.T))
        decoder[-1].bias.copy_(torch.tensor(model.mean))
    return vae


@pytest.mark.verifies(
    "eq-variational-autoencoders-objective",
    routes=("dlmath.generative.VAE", "the exact likelihood of the linear model"),
)
def test_objective_of_a_linear_autoencoder(verify):
    """With the networks of principal components every draw gives log p(x), without noise."""
    X = data()
    model = fit_ppca(X, 2)
    vae, exact = linear_vae(model), model.log_prob(X)
    verify.agree(vae.elbo(X, 3), exact, rtol=1e-12)
    verify.refutes(vae.elbo(X, 3) / 5, exact, why="mean over features")
    verify.refutes(vae.elbo(X, 3) * len(X), exact, why="factor n")
    rows = torch.tensor(X)
    with torch.no_grad():
        torch.manual_seed(0)
        mean = torch.stack([vae._bound(rows) for _ in range(4000)]).mean().item()
        torch.manual_seed(0)
        doubled = torch.stack([vae._bound(rows, 2.0) for _ in range(1000)]).mean().item()
    verify.agree(mean, exact.mean(), atol=0.02)
    verify.refutes(doubled, exact.mean(), why="twice the divergence")
    verify.refutes(-mean, exact.mean(), why="sign")


@pytest.mark.verifies(
    "eq-variational-autoencoders-closed-kl",
    routes=("adaptive quadrature", "dlmath.generative", "torch.distributions"),
)
def test_closed_divergence(verify):
    """The divergence of two independent latents, by quadrature of each."""
    m, v = np.array([0.7, -1.2]), np.array([0.3, 1.8])
    by_quadrature = 0.0
    for q in map(stats.norm, m, np.sqrt(v)):
        by_quadrature += over_z(lambda z, q=q: q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)))
    formula = np.sum(m**2 + v - 1 - np.log(v)) / 2
    verify.agree(by_quadrature, formula, rtol=1e-10)
    verify.refutes(by_quadrature, 2 * formula, why="factor 2")
    verify.refutes(by_quadrature, formula / 2, why="mean over latents")
    verify.refutes(by_quadrature, np.sum(m**2 + v - 1 + np.log(v)) / 2, why="sign of the logarithm")
    verify.refutes(by_quadrature, np.sum(m**2 + v**2 - 1 - np.log(v)) / 2, why="v squared")
    ours = gaussian_kl(torch.tensor(m[None]), torch.tensor(np.sqrt(v)[None])).item()
    law = torch.distributions.Normal(torch.tensor(m), torch.tensor(np.sqrt(v)))
    unit = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    verify.agree(ours, torch.distributions.kl_divergence(law, unit).sum().item(), rtol=1e-12)
    verify.refutes(-ours, formula, why="sign")


@pytest.mark.verifies(
    "eq-variational-autoencoders-logistic",
    routes=("scipy.stats.logistic", "dlmath.generative", "quadrature of the density"),
)
def test_levels(verify):
    """The mass that rounds to each level, by scipy, by the stable formula and by quadrature."""
    levels, rng = 17, np.random.default_rng(0)
    out = torch.tensor(rng.normal(0, 0.6, size=(1, 2)))
    half = (levels - 1) / 2
    c = half + half * out[0, 0].item()
    b = half * np.exp(out[0, 1].item() - 2)
    k = np.arange(levels)
    edges = np.concatenate([[-np.inf], k[1:] - 0.5, [np.inf]])
    masses = np.diff(stats.logistic.cdf(edges, c, b))
    ours = np.exp(
        [log_discretised_logistic(out, torch.full((1, 1), float(i)), levels).item() for i in k]
    )
    verify.agree(ours, masses, rtol=1e-9, atol=1e-15)
    verify.refutes(stats.logistic.pdf(k, c, b), masses, why="the density at the level")
    bare = stats.logistic.cdf(k + 0.5, c, b) - stats.logistic.cdf(k - 0.5, c, b)
    verify.refutes(bare, masses, why="nothing beyond the ends")
    verify.refutes(ours[::-1], masses, why="upside down")
    inner = [
        integrate.quad(lambda x: stats.logistic.pdf(x, c, b), i - 0.5, i + 0.5, epsabs=1e-14)[0]
        for i in k[1:-1]
    ]
    verify.agree(inner, ours[1:-1], rtol=1e-8)
    verify.refutes(inner, ours[2:], why="the next level")
    verify.agree(ours.sum(), 1.0, rtol=1e-12)
    verify.refutes(bare.sum(), 1.0, why="levels that do not sum to one")


# Gradients through random numbers.


def f(z1, z2):
    return z1**3 * z2 + z2**2 - z1


SLOPES = (lambda z1, z2: 3 * z1**2 * z2 - 1, lambda z1, z2: z1**3 + 2 * z2)


@pytest.mark.verifies(
    "eq-variational-autoencoders-path",
    "eq-variational-autoencoders-score",
    routes=(
        "moments of Gaussians, differentiated in the complex plane",
        "Gauss-Hermite quadrature",
    ),
)
def test_two_gradients(verify):
    """Both expectations give the derivatives of the expectation of a polynomial."""
    m, s = np.array([0.6, -1.1]), np.array([0.8, 0.5])

    def expected(m1, m2, s1, s2):
        return (m1**3 + 3 * m1 * s1**2) * m2 + m2**2 + s2**2 - m1

    base, h = [*m, *s], 1e-30
    exact = []
    for i in range(4):
        moved = [complex(value) for value in base]
        moved[i] += 1j * h
        exact.append(expected(*moved).imag / h)
    nodes, w1 = hermite(0, 1, 20)
    e1, e2 = np.meshgrid(nodes, nodes, indexing="ij")
    weights = np.outer(w1, w1)
    z1, z2 = m[0] + s[0] * e1, m[1] + s[1] * e2

    def mean(values):
        return np.sum(weights * values)

    path = [mean(g(z1, z2)) for g in SLOPES]
    path += [mean(g(z1, z2) * e) for g, e in zip(SLOPES, (e1, e2), strict=True)]
    verify.agree(path, exact, rtol=1e-11)
    forgot = [mean(g(z1, z2)) for g in SLOPES] * 2
    verify.refutes(forgot, exact, why="without epsilon")
    verify.refutes(-np.array(path), exact, why="sign")
    value = f(z1, z2)
    score = [mean(value * e / sd) for e, sd in zip((e1, e2), s, strict=True)]
    score += [mean(value * (e**2 - 1) / sd) for e, sd in zip((e1, e2), s, strict=True)]
    verify.agree(score, exact, rtol=1e-11)
    squares = score[:2] + [mean(value * e**2 / sd) for e, sd in zip((e1, e2), s, strict=True)]
    verify.refutes(squares, exact, why="without the -1")
    verify.refutes(np.array(score) * np.tile(s, 2), exact, why="factor sigma")
    verify.refutes(-np.array(score), exact, why="sign of the score")


@pytest.mark.verifies(
    "eq-variational-autoencoders-variances",
    "eq-variational-autoencoders-variance-dimension",
    routes=("Gauss-Hermite quadrature", "the closed forms", "chi-squared moments"),
)
def test_variances(verify):
    """Variances of both gradients for a square, in one dimension and in many."""
    m, s = 0.7, 0.4
    e, w = hermite(0, 1, 30)
    path, score = 2 * (m + s * e), (m + s * e) ** 2 * e / s
    found = [w @ g**2 - (w @ g) ** 2 for g in (path, score)]
    formula = [4 * s**2, m**4 / s**2 + 14 * m**2 + 15 * s**2]
    verify.agree(found, formula, rtol=1e-11)
    verify.refutes(found, [2 * s**2, formula[1]], why="factor 2")
    raw = [4 * s**2 + 4 * m**2, formula[1] + 4 * m**2]
    verify.refutes(found, raw, why="mean not subtracted")
    verify.refutes(found, formula[::-1], why="exchanged")
    for D in (1, 2, 5):
        # The norm splits into one squared component and a chi-squared variable of D - 1.
        rest = [1, D - 1, (D - 1) * (D + 1)]
        second = 15 + 2 * 3 * rest[1] + rest[2]
        verify.agree(s**2 * second, s**2 * (D + 2) * (D + 4), rtol=1e-13)
    verify.refutes(s**2 * second, s**2 * (D + 2) ** 2, why="another polynomial")
    verify.refutes(s * second, s**2 * (D + 2) * (D + 4), why="s in place of its square")
    e3 = np.stack(np.meshgrid(*[hermite(0, 1, 10)[0]] * 3, indexing="ij"))
    w3 = np.einsum("i,j,k->ijk", *[hermite(0, 1, 10)[1]] * 3)
    by_grid = np.sum(w3 * (s**2 * (e3**2).sum(axis=0) * e3[0] / s) ** 2)
    verify.agree(by_grid, 35 * s**2, rtol=1e-11)
    verify.refutes(by_grid, 15 * s**2, why="independent of the dimension")


# More draws, a tighter bound.


def exact_bound(k, q, weights):
    """Give L_k for a latent of two values: the number of ones among k draws is binomial."""
    ones = np.arange(k + 1)
    average = (ones * weights[1] + (k - ones) * weights[0]) / k
    return stats.binom.pmf(ones, k, q) @ np.log(average)


@pytest.mark.verifies(
    "eq-variational-autoencoders-iwae",
    "eq-variational-autoencoders-iwae-monotone",
    "eq-variational-autoencoders-iwae-gap",
    routes=("exact sums over a binary latent", "dlmath.latent.importance_bound", "Bayes' rule"),
)
def test_importance_bound(verify):
    """With a binary latent every bound is a finite sum: it rises with k, and closes like 1/k."""
    joint, q = np.array([0.02, 0.21]), 0.4
    weights = joint / [1 - q, q]
    log_p = np.log(joint.sum())
    bounds = np.array([exact_bound(k, q, weights) for k in range(1, 40)])
    elbo = (1 - q) * np.log(weights[0]) + q * np.log(weights[1])
    verify.agree(bounds[0], elbo, rtol=1e-13)
    verify.refutes(bounds[1], elbo, why="two draws are not one")
    verify.at_most(bounds, np.append(bounds[1:], log_p))
    verify.refutes(np.append(bounds[1:], log_p), bounds, why="falling with k")
    verify.refutes(bounds + np.log(np.arange(1, 40)), np.append(bounds[1:], log_p), why="no 1/k")
    rng = np.random.default_rng(0)
    for k in (1, 2, 7):
        drawn = np.log(weights)[(rng.random((k, 200_000)) < q).astype(int)]
        verify.agree(importance_bound(drawn).mean(), bounds[k - 1], atol=0.01)
        verify.refutes(drawn.mean() + 0.1 * k - 0.05, bounds[k - 1], why="not the average weight")
    variance = (1 - q) * weights[0] ** 2 + q * weights[1] ** 2 - joint.sum() ** 2
    k = 2000
    gap = k * (log_p - exact_bound(k, q, weights))
    verify.agree(gap, variance / (2 * joint.sum() ** 2), rtol=3e-3)
    verify.refutes(gap, variance / joint.sum() ** 2, why="factor 2")
    verify.refutes(gap, variance / 2, why="not divided by p squared")
    verify.refutes(gap, -variance / (2 * joint.sum() ** 2), why="sign")


@pytest.mark.verifies(
    "eq-variational-autoencoders-leave-one", routes=("mean of means", "mean of all")
)
def test_leave_one_out(verify):
    """The mean of the means that lack one number is the mean of all."""
    w = np.random.default_rng(0).exponential(size=7)
    means = [np.delete(w, i).mean() for i in range(7)]
    verify.agree(np.mean(means), w.mean(), rtol=1e-13)
    verify.refutes(np.mean(means) * 6 / 7, w.mean(), why="divided by k + 1")
    verify.refutes(means[0], w.mean(), why="only one left out")


# The price of a nat.


@pytest.mark.verifies(
    "eq-variational-autoencoders-beta",
    "eq-variational-autoencoders-beta-noise",
    routes=("scipy's Gaussian with the variance s squared", "the bound with beta s squared"),
)
def test_beta_is_noise(verify):
    """The weighted bound of one picture, from two likelihoods with different noise."""
    rng = np.random.default_rng(0)
    x, g, d = rng.normal(size=6), rng.normal(size=6), 6
    s2, beta, kl = 0.7, 2.5, 1.3
    weighted = stats.norm.logpdf(x, g, np.sqrt(s2)).sum() - beta * kl

    def elbo(variance):
        return stats.norm.logpdf(x, g, np.sqrt(variance)).sum() - kl

    constant = d / 2 * (beta * np.log(2 * np.pi * beta * s2) - np.log(2 * np.pi * s2))
    verify.agree(weighted, beta * elbo(beta * s2) + constant, rtol=1e-12)
    verify.refutes(weighted, beta * elbo(s2 / beta) + constant, why="noise divided by beta")
    verify.refutes(weighted, elbo(beta * s2) + constant, why="factor beta")
    verify.refutes(weighted, beta * elbo(beta * s2) - constant, why="sign of the constant")
    verify.refutes(weighted, beta * elbo(beta * s2) + constant / d, why="factor d")


@pytest.mark.verifies(
    "eq-variational-autoencoders-collapse",
    "eq-variational-autoencoders-collapse-encoder",
    "eq-variational-autoencoders-rate",
    routes=("LBFGS on the exact weighted bound", "eigenvalues of the covariance"),
)
def test_collapse(verify):
    """A linear autoencoder, trained without knowing the answer, uses the latents predicted."""
    X, m, s2, beta = data(80), 3, 0.5, 2.4
    n, d = X.shape
    S = torch.tensor(X.T @ X / n)
    nu, U = spectrum(S.numpy())
    assert nu[1] > beta * s2 > nu[2] > s2
    torch.manual_seed(0)
    W, A = (torch.randn(a, b, dtype=torch.float64) for a, b in ((m, d), (d, m)))
    L = torch.eye(m, dtype=torch.float64)
    raw = [t.requires_grad_() for t in (W, A, L)]

    def parts():
        V = L @ L.T
        error = torch.eye(d) - A @ W
        squares = torch.trace(error.T @ S @ error) + torch.trace(W.T @ V @ W)
        kl = (torch.trace(A.T @ S @ A) + torch.trace(V) - m - torch.logdet(V)) / 2
        return squares, kl

    optimizer = torch.optim.LBFGS(
        raw, max_iter=800, tolerance_grad=1e-11, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        squares, kl = parts()
        loss = squares / (2 * s2) + beta * kl
        loss.backward()
        return loss

    optimizer.step(closure)
    squares, rate = (value.item() for value in parts())
    W, A, V = W.detach().numpy(), A.detach().numpy(), (L @ L.T).detach().numpy()
    tau = beta * s2
    excess = np.maximum(nu[:m] - tau, 0)
    expected = U[:, :m] * excess @ U[:, :m].T
    verify.agree(W.T @ W, expected, atol=1e-6)
    forgotten = U[:, :m] * np.maximum(nu[:m] - s2, 0) @ U[:, :m].T
    verify.refutes(forgotten, expected, why="beta forgotten")
    verify.refutes(U[:, :m] * nu[:m] @ U[:, :m].T, expected, why="noise not subtracted")
    verify.refutes(n * W.T @ W, expected, why="factor n")
    lam = excess + tau
    verify.agree(A @ W, U[:, :m] * (excess / lam) @ U[:, :m].T, atol=1e-6)
    verify.refutes(A @ W, U[:, :m] @ U[:, :m].T, why="without shrinkage")
    verify.agree(np.sort(np.linalg.eigvalsh(V)), np.sort(tau / lam), atol=1e-6)
    verify.refutes(np.sort(np.linalg.eigvalsh(V)), np.sort(s2 / lam), why="s squared alone")
    rates = np.maximum(np.log(nu[:m] / tau) / 2, 0)
    verify.agree(rate, rates.sum(), atol=1e-7)
    verify.refutes(rate, 2 * rates.sum(), why="factor 2")
    verify.refutes(rate, np.log(nu[:m] / tau).sum() / 2, why="negative rates counted")
    left = np.minimum(nu[:m], tau).sum() + nu[m:].sum()
    verify.agree(squares, left, atol=1e-7)
    verify.refutes(squares, np.maximum(nu[:m], tau).sum() + nu[m:].sum(), why="max for min")
    verify.refutes(squares, m * tau + nu[m:].sum(), why="water above a collapsed latent")


# Where the codes really are.


@pytest.mark.verifies(
    "eq-variational-autoencoders-surgery",
    "eq-variational-autoencoders-information",
    routes=("closed divergences to the prior", "adaptive quadrature of the mixture"),
)
def test_rate_is_split(verify):
    """Five codes on a line: information plus the divergence of their mixture is the rate."""
    rng = np.random.default_rng(2)
    m, s = rng.normal(size=5), rng.uniform(0.2, 0.6, 5)
    rate = np.mean(m**2 + s**2 - 1 - 2 * np.log(s)) / 2
    codes = [stats.norm(a, b) for a, b in zip(m, s, strict=True)]

    def aggregate(z):
        return np.mean([q.pdf(z) for q in codes], axis=0)

    information = np.mean(
        [over_z(lambda z, q=q: q.pdf(z) * (q.logpdf(z) - np.log(aggregate(z)))) for q in codes]
    )
    off = over_z(lambda z: aggregate(z) * (np.log(aggregate(z)) - stats.norm.logpdf(z)))
    verify.agree(information + off, rate, rtol=1e-9)
    verify.refutes(information - off, rate, why="sign")
    verify.refutes(5 * information + off, rate, why="factor n")
    moments = stats.norm(m.mean(), np.sqrt(np.mean(s**2) + m.var()))
    gaussian = over_z(lambda z: aggregate(z) * (moments.logpdf(z) - stats.norm.logpdf(z)))
    verify.refutes(information + gaussian, rate, why="one Gaussian for the mixture")
    verify.at_most([0.0, information], [information, np.log(5)])
    verify.refutes([0.0, information], [-information, np.log(5)], why="a negative information")
    apart = np.mean([np.log(5) for _ in m])
    verify.refutes([0.0, apart + 0.1], [information, np.log(5)], why="more than log n")
