"""Markov chains that draw from a density known up to a factor, and what their samples are worth.

Chains walk side by side: a state is an array of shape (n_chains, n_features), a log-density maps it
to (n_chains,) and a score, the gradient of the log-density, to (n_chains, n_features). The chapter
*Stochastic dynamics* derives what is computed here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.utils import Bunch, check_array

from dlmath._checks import check_above_zero, check_count
from dlmath.ising import integrated_autocorrelation_time

__all__ = [
    "annealed_importance_sampling",
    "effective_sample_size",
    "geometric_path",
    "gibbs_gaussian",
    "langevin_log_acceptance",
    "log_mean_exp",
    "mala",
    "mala_step",
    "metropolis",
    "r_hat",
    "reverse_annealed_importance_sampling",
    "ula",
]

Floats = NDArray[np.float64]
Field = Callable[[Floats], Floats]
Kernel = Callable[[Floats], Floats]


def _check_start(x0: ArrayLike) -> Floats:
    return check_array(x0, dtype=float, copy=True, input_name="x0")


def _values(function: Field, x: Floats, shape: tuple[int, ...], name: str) -> Floats:
    """Evaluate a log-density or a score and check the shape of what it returns."""
    found = np.asarray(function(x), dtype=float)
    if found.shape != shape:
        raise ValueError(f"{name} must return an array of shape {shape}, got {found.shape}")
    return found


def _accept(
    x: Floats, proposal: Floats, log_ratio: Floats, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Move the chains that accept; a ratio that is not a number is refused."""
    accepted = np.log(rng.uniform(size=len(x))) < log_ratio
    return np.where(accepted[:, np.newaxis], proposal, x), accepted


def metropolis(
    log_density: Field, x0: ArrayLike, scale: float, steps: int, rng: np.random.Generator
) -> Bunch:
    """Walk at random with Gaussian steps that are accepted or refused.

    Equation ``eq-stochastic-dynamics-metropolis`` with a symmetric proposal.

    Parameters
    ----------
    log_density : callable
        Log-density up to a constant: (n_chains, n_features) to (n_chains,).
    x0 : array-like of shape (n_chains, n_features)
        Where the chains begin; the density must be positive there.
    scale : float
        Standard deviation of the proposed step in each feature.
    steps : int
        Steps of each chain.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    walk : Bunch
        ``samples`` of shape (n_chains, steps, n_features), the states after each step, and
        ``acceptance``, the share of accepted proposals.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    x, steps = _check_start(x0), check_count("steps", steps)
    scale = check_above_zero("scale", scale)
    samples, accepted = np.empty((len(x), steps, x.shape[1])), 0
    here = _values(log_density, x, (len(x),), "log_density")
    if not np.isfinite(here).all():
        raise ValueError("log_density must be finite at x0")
    for k in range(steps):
        proposal = x + scale * rng.standard_normal(x.shape)
        there = _values(log_density, proposal, (len(x),), "log_density")
        x, moved = _accept(x, proposal, there - here, rng)
        here = np.where(moved, there, here)
        samples[:, k] = x
        accepted += int(moved.sum())
    return Bunch(samples=samples, acceptance=accepted / (steps * len(x)))


def gibbs_gaussian(
    mean: ArrayLike, covariance: ArrayLike, x0: ArrayLike, sweeps: int, rng: np.random.Generator
) -> Bunch:
    """Draw from a Gaussian one coordinate after the other, each given all others.

    Parameters
    ----------
    mean : array-like of shape (n_features,)
        Mean of the target.
    covariance : array-like of shape (n_features, n_features)
        Its covariance: symmetric and positive definite.
    x0 : array-like of shape (n_chains, n_features)
        Where the chains begin.
    sweeps : int
        Sweeps over all coordinates, in their order.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    walk : Bunch
        ``samples`` of shape (n_chains, sweeps, n_features), the states after each sweep.

    Raises
    ------
    ValueError
        If shapes do not fit, or the covariance is not symmetric and positive definite.
    """
    x, sweeps = _check_start(x0), check_count("sweeps", sweeps)
    m, S = np.asarray(mean, dtype=float), np.asarray(covariance, dtype=float)
    d = x.shape[1]
    if m.shape != (d,) or S.shape != (d, d):
        raise ValueError(f"mean and covariance must fit x0 with {d} features")
    if not np.allclose(S, S.T) or np.linalg.eigvalsh(S)[0] <= 0:
        raise ValueError("covariance must be symmetric and positive definite")
    precision = np.linalg.inv(S)
    samples = np.empty((len(x), sweeps, d))
    for k in range(sweeps):
        for i in range(d):
            pull = (x - m) @ precision[i] - precision[i, i] * (x[:, i] - m[i])
            centre = m[i] - pull / precision[i, i]
            x[:, i] = centre + rng.standard_normal(len(x)) / np.sqrt(precision[i, i])
        samples[:, k] = x
    return Bunch(samples=samples)


def ula(score: Field, x0: ArrayLike, eta: float, steps: int, rng: np.random.Generator) -> Floats:
    """Walk by Langevin's equation with a finite step, unadjusted.

    Equation ``eq-stochastic-dynamics-ula``: x + (eta/2) score(x) + sqrt(eta) xi.

    Parameters
    ----------
    score : callable
        Gradient of the log-density: (n_chains, n_features) to the same shape.
    x0 : array-like of shape (n_chains, n_features)
        Where the chains begin.
    eta : float
        Step.
    steps : int
        Steps of each chain.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    samples : ndarray of shape (n_chains, steps, n_features)
        The states after each step.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    FloatingPointError
        If the walk runs away: the step is named.
    """
    x, eta, steps = _check_start(x0), check_above_zero("eta", eta), check_count("steps", steps)
    samples = np.empty((len(x), steps, x.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(steps):
            drift = _values(score, x, x.shape, "score")
            x = x + eta / 2 * drift + np.sqrt(eta) * rng.standard_normal(x.shape)
            if not np.isfinite(x).all():
                raise FloatingPointError(f"the walk ran away at step {k + 1}: take a smaller eta")
            samples[:, k] = x
    return samples


def langevin_log_acceptance(
    x: Floats, y: Floats, log_densities: Sequence[Floats], scores: Sequence[Floats], eta: float
) -> Floats:
    """Log of the ratio by which a step of Langevin's equation is accepted.

    Equation ``eq-stochastic-dynamics-mala``; the ratio itself may be above one.

    Parameters
    ----------
    x, y : ndarray of shape (n_chains, n_features)
        Where the step begins and ends.
    log_densities : pair of ndarray of shape (n_chains,)
        At ``x`` and at ``y``.
    scores : pair of ndarray of shape (n_chains, n_features)
        At ``x`` and at ``y``.
    eta : float
        Step.

    Returns
    -------
    log_ratio : ndarray of shape (n_chains,)
    """
    trapezium = np.sum((y - x) * (scores[0] + scores[1]), axis=1) / 2
    squares = np.sum(scores[0] ** 2 - scores[1] ** 2, axis=1)
    return log_densities[1] - log_densities[0] - trapezium + eta / 8 * squares


def mala_step(
    log_density: Field, score: Field, x: Floats, eta: float, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Propose one step of Langevin's equation, and accept it or stay.

    Parameters
    ----------
    log_density, score : callable
        As in ``metropolis`` and ``ula``.
    x : ndarray of shape (n_chains, n_features)
        Where the chains stand.
    eta : float
        Step.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    x : ndarray of shape (n_chains, n_features)
        The next states.
    accepted : ndarray of bool, of shape (n_chains,)
    """
    before = _values(score, x, x.shape, "score")
    y = x + eta / 2 * before + np.sqrt(eta) * rng.standard_normal(x.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        after = _values(score, y, x.shape, "score")
        heights = [_values(log_density, at, (len(x),), "log_density") for at in (x, y)]
        ratio = langevin_log_acceptance(x, y, heights, [before, after], eta)
    return _accept(x, y, ratio, rng)


def mala(
    log_density: Field,
    score: Field,
    x0: ArrayLike,
    eta: float,
    steps: int,
    rng: np.random.Generator,
) -> Bunch:
    """Walk by Langevin's equation, with each step accepted or refused.

    Equation ``eq-stochastic-dynamics-mala``. The density is exactly invariant, whatever the step
    is.

    Parameters
    ----------
    log_density, score : callable
        Log-density up to a constant, (n_chains, n_features) to (n_chains,), and its gradient.
    x0 : array-like of shape (n_chains, n_features)
        Where the chains begin; the density must be positive there.
    eta : float
        Step.
    steps : int
        Steps of each chain.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    walk : Bunch
        ``samples`` of shape (n_chains, steps, n_features) and ``acceptance``.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    x, eta, steps = _check_start(x0), check_above_zero("eta", eta), check_count("steps", steps)
    if not np.isfinite(_values(log_density, x, (len(x),), "log_density")).all():
        raise ValueError("log_density must be finite at x0")
    samples, accepted = np.empty((len(x), steps, x.shape[1])), 0
    for k in range(steps):
        x, moved = mala_step(log_density, score, x, eta, rng)
        samples[:, k] = x
        accepted += int(moved.sum())
    return Bunch(samples=samples, acceptance=accepted / (steps * len(x)))


def effective_sample_size(series: ArrayLike, window: float = 5.0) -> float:
    """How many independent samples have the same error of the mean.

    Equation ``eq-stochastic-dynamics-effective``: n / (2 tau). It is at most n: a series that is
    better than independent samples is not given credit for it.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_chains, n_steps)
        One observable in the order of time, in equilibrium.
    window : float, default=5.0
        As in ``dlmath.ising.integrated_autocorrelation_time``.

    Returns
    -------
    size : float
    """
    tau = max(0.5, integrated_autocorrelation_time(series, window))
    return float(np.size(series) / (2 * tau))


def r_hat(chains: ArrayLike) -> float:
    """Compare the variance of all chains with that within them: about 1 if they agree.

    Parameters
    ----------
    chains : array-like of shape (n_chains, n_steps)
        One observable, from at least two chains that began apart, with at least two steps.

    Returns
    -------
    r_hat : float
        Infinite if no chain moves and they differ.

    References
    ----------
    A. Gelman and D.B. Rubin, Statistical Science 7 (1992) 457.
    """
    values = check_array(chains, dtype=float, input_name="chains")
    if min(values.shape) < 2:
        raise ValueError(f"chains must be at least 2 with 2 steps, got the shape {values.shape}")
    n = values.shape[1]
    within = values.var(axis=1, ddof=1).mean()
    between = values.mean(axis=1).var(ddof=1)
    if within == 0:
        return float("inf") if between > 0 else 1.0
    return float(np.sqrt((n - 1) / n + between / within))


def log_mean_exp(log_weights: ArrayLike) -> float:
    """Log of the mean of weights that are given by their logs, without overflow."""
    values = np.asarray(log_weights, dtype=float)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"log_weights must be a vector, got the shape {values.shape}")
    return float(logsumexp(values) - np.log(values.size))


def geometric_path(start: Field, end: Field, betas: ArrayLike) -> list[Field]:
    """Interpolate between two log-densities, or between their scores.

    Parameters
    ----------
    start, end : callable
        Log-densities or scores.
    betas : array-like of shape (n_steps + 1,)
        Shares of the end, between 0 and 1.

    Returns
    -------
    path : list of callable
        ``(1 - beta) start + beta end`` for each beta.
    """
    shares = np.asarray(betas, dtype=float)
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("betas must be a vector of numbers between 0 and 1")

    def mixed(beta: float) -> Field:
        return lambda x: (1 - beta) * start(x) + beta * end(x)

    return [mixed(float(beta)) for beta in shares]


def _check_path(log_densities: Sequence[Any], kernels: Sequence[Any]) -> int:
    if len(kernels) < 1 or len(log_densities) != len(kernels) + 1:
        raise ValueError(
            "log_densities must be one more than the kernels, of which there is at least one, "
            f"got {len(log_densities)} and {len(kernels)}"
        )
    return len(kernels)


def _log_ratio(log_densities: Sequence[Field], k: int, x: Floats) -> Floats:
    """Log of the next density over this one: minus the work of a switch at ``x``."""
    this, following = (
        _values(density, x, (len(x),), "log_densities") for density in log_densities[k : k + 2]
    )
    return following - this


def annealed_importance_sampling(
    log_densities: Sequence[Field], kernels: Sequence[Kernel], x0: ArrayLike
) -> Bunch:
    """Weigh samples while one density is turned into another.

    Equation ``eq-stochastic-dynamics-jarzynski``: the weights are exp(-W), with the work W, and
    their mean is the ratio of the normalising constants. The weighted samples belong to the last
    density.

    Parameters
    ----------
    log_densities : sequence of K + 1 callables
        Log-densities up to constants, the first that of ``x0``.
    kernels : sequence of K callables
        ``kernels[k]`` moves an array of states and leaves ``log_densities[k + 1]`` invariant.
    x0 : array-like of shape (n_samples, n_features)
        Independent samples of the first density.

    Returns
    -------
    result : Bunch
        ``log_weights`` of shape (n_samples,), and ``samples`` of shape (n_samples, n_features).

    Raises
    ------
    ValueError
        If the numbers of densities and kernels do not fit, or ``x0`` is no table.
    """
    steps, x = _check_path(log_densities, kernels), _check_start(x0)
    log_weights = np.zeros(len(x))
    for k in range(steps):
        log_weights += _log_ratio(log_densities, k, x)
        x = kernels[k](x)
    return Bunch(log_weights=log_weights, samples=x)


def reverse_annealed_importance_sampling(
    log_densities: Sequence[Field], kernels: Sequence[Kernel], x_end: ArrayLike
) -> Bunch:
    """Weigh samples of the last density while it is turned back into the first.

    Equation ``eq-stochastic-dynamics-bracket``. The kernels must be in detailed balance. The mean
    of exp(-log_weights) is the inverse ratio of the constants, so that on average the log-weights
    lie above its logarithm, as those of ``annealed_importance_sampling`` lie below it.

    Parameters
    ----------
    log_densities, kernels : sequence of callables
        As for the way there; both are used from the end.
    x_end : array-like of shape (n_samples, n_features)
        Independent samples of the last density.

    Returns
    -------
    result : Bunch
        ``log_weights`` of shape (n_samples,), minus the work of the way there, and ``samples``.

    Raises
    ------
    ValueError
        If the numbers of densities and kernels do not fit, or ``x_end`` is no table.
    """
    steps, x = _check_path(log_densities, kernels), _check_start(x_end)
    log_weights = np.zeros(len(x))
    for k in reversed(range(steps)):
        x = kernels[k](x)
        log_weights += _log_ratio(log_densities, k, x)
    return Bunch(log_weights=log_weights, samples=x)
