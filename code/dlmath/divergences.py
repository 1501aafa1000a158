"""How far apart two laws are: the distances that generative models minimise or are judged by.

Laws on a finite set are vectors of probabilities; laws on the line are logarithms of densities on
a grid, integrated by the trapezoidal rule, which for smooth densities that die out within the grid
is as good as exact; Gaussians have closed forms in every dimension. All logarithms are natural, so
that divergences come in nats.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "F_DIVERGENCES",
    "f_divergence",
    "f_divergence_on_grid",
    "fisher_divergence_on_grid",
    "fisher_gaussians",
    "jensen_shannon",
    "kl_gaussians",
    "optimal_map_gaussians",
    "wasserstein_gaussians",
    "wasserstein_on_line",
]

Floats = NDArray[np.float64]
NORMALISED = 1e-6
"""How far a sum of probabilities may be from one."""


def _kl(log_p: Floats, log_q: Floats) -> Floats:
    """Give p log(p/q): zero where p is zero, infinite where only q is."""
    there = log_p > -np.inf
    p = np.exp(log_p)
    gap = np.subtract(log_p, log_q, where=there, out=np.zeros_like(p))
    return np.multiply(p, gap, where=p > 0, out=np.zeros_like(p))


def _jensen_shannon(log_p: Floats, log_q: Floats) -> Floats:
    middle = np.logaddexp(log_p, log_q) - np.log(2)
    return (_kl(log_p, middle) + _kl(log_q, middle)) / 2


def _chi2(log_p: Floats, log_q: Floats) -> Floats:
    p, q = np.exp(log_p), np.exp(log_q)
    gap = np.where(p > 0, np.inf, 0.0)
    return np.divide((p - q) ** 2, q, where=q > 0, out=gap)


# What is summed: q f(p/q), as a function of the logarithms of p and q.
_TERMS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "kl": _kl,
    "reverse kl": lambda log_p, log_q: _kl(log_q, log_p),
    "jensen-shannon": _jensen_shannon,
    "total variation": lambda log_p, log_q: np.abs(np.exp(log_p) - np.exp(log_q)) / 2,
    "hellinger": lambda log_p, log_q: (np.exp(log_p / 2) - np.exp(log_q / 2)) ** 2,
    "chi2": _chi2,
}
F_DIVERGENCES = tuple(_TERMS)
"""Names of the f-divergences."""


def _term(kind: str) -> Callable[[Floats, Floats], Floats]:
    if kind not in _TERMS:
        raise ValueError(f"kind must be one of {', '.join(F_DIVERGENCES)}, got {kind!r}")
    return _TERMS[kind]


def _check_law(name: str, law: ArrayLike) -> Floats:
    found = np.asarray(law, dtype=float)
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all() or found.min() < 0:
        raise ValueError(f"{name} must be a vector of probabilities, got shape {found.shape}")
    if abs(found.sum() - 1) > NORMALISED:
        raise ValueError(f"{name} must sum to 1, its sum is {found.sum():.6g}")
    return found


def f_divergence(p: ArrayLike, q: ArrayLike, kind: str = "kl") -> float:
    """Divergence of two laws on a finite set.

    Implements {eq}`eq-probability-toolkit-f-divergence`: the sum of ``q f(p/q)``. The generators
    f are ``u log u`` ("kl"), ``-log u`` ("reverse kl"), ``u log(u)/2 - (1 + u) log((1 + u)/2)/2``
    ("jensen-shannon"), ``|u - 1|/2`` ("total variation"), ``(sqrt(u) - 1)**2`` ("hellinger") and
    ``(u - 1)**2`` ("chi2").

    Parameters
    ----------
    p, q : array-like of shape (n_states,)
        Probabilities.
    kind : str, default="kl"
        One of `F_DIVERGENCES`.

    Returns
    -------
    divergence : float
        Not negative; infinite for "kl" and "chi2" if ``p > 0 = q`` somewhere, for "reverse kl" if
        ``q > 0 = p`` somewhere.

    Raises
    ------
    ValueError
        If p or q is not a vector of probabilities, if their lengths differ, or kind is unknown.

    Examples
    --------
    >>> from dlmath.divergences import f_divergence
    >>> round(f_divergence([0.5, 0.5], [0.25, 0.75]), 4)
    0.1438
    """
    term = _term(kind)
    p, q = _check_law("p", p), _check_law("q", q)
    if p.shape != q.shape:
        raise ValueError(f"q must have {p.size} entries like p, got {q.size}")
    with np.errstate(divide="ignore"):
        return float(term(np.log(p), np.log(q)).sum())


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon divergence of two laws on a finite set, in nats.

    Implements {eq}`eq-probability-toolkit-jensen-shannon`. The *distance* of
    ``scipy.spatial.distance.jensenshannon`` is its square root.

    Parameters
    ----------
    p, q : array-like of shape (n_states,)
        Probabilities.

    Returns
    -------
    divergence : float
        From 0 to log 2.

    Raises
    ------
    ValueError
        If p or q is not a vector of probabilities, or if their lengths differ.
    """
    return f_divergence(p, q, "jensen-shannon")


def _check_grid(x: ArrayLike, **functions: ArrayLike) -> tuple[Floats, list[Floats]]:
    grid = np.asarray(x, dtype=float)
    if grid.ndim != 1 or grid.size < 2 or not (np.diff(grid) > 0).all():
        raise ValueError("x must be a vector of at least two increasing numbers")
    values = []
    for name, function in functions.items():
        found = np.asarray(function, dtype=float)
        if found.shape != grid.shape or np.isnan(found).any():
            raise ValueError(f"{name} must have {grid.size} entries like x and no NaN")
        if name.startswith("log_"):
            total = _integral(np.exp(found), grid)
            if abs(total - 1) > NORMALISED:
                raise ValueError(f"{name} must be normalised on x, its integral is {total:.6g}")
        values.append(found)
    return grid, values


def _integral(values: Floats, x: Floats) -> float:
    return float(((values[1:] + values[:-1]) / 2 * np.diff(x)).sum())


def f_divergence_on_grid(
    log_p: ArrayLike, log_q: ArrayLike, x: ArrayLike, kind: str = "kl"
) -> float:
    """Divergence of two densities on the line, by the trapezoidal rule.

    Logarithms are asked for because the divergences weigh tails in which the densities themselves
    are zero in floating-point numbers.

    Parameters
    ----------
    log_p, log_q : array-like of shape (n_points,)
        Logarithms of the densities.
    x : array-like of shape (n_points,)
        Increasing points, outside of which nearly nothing of either density lies.
    kind : str, default="kl"
        One of `F_DIVERGENCES`.

    Returns
    -------
    divergence : float
        The integral of ``q f(p/q)``, as in `f_divergence`.

    Raises
    ------
    ValueError
        If shapes do not fit, a density has not the integral 1 on the grid, or kind is unknown.
    """
    term = _term(kind)
    x, (log_p, log_q) = _check_grid(x, log_p=log_p, log_q=log_q)
    return _integral(term(log_p, log_q), x)


def fisher_divergence_on_grid(
    log_p: ArrayLike, score_p: ArrayLike, score_q: ArrayLike, x: ArrayLike
) -> float:
    """Fisher divergence of two densities on the line, by the trapezoidal rule.

    Implements {eq}`eq-probability-toolkit-fisher`: the mean under p of the squared difference of
    the scores, without a factor 1/2.

    Parameters
    ----------
    log_p : array-like of shape (n_points,)
        Logarithm of the density under which the mean is taken.
    score_p, score_q : array-like of shape (n_points,)
        Derivatives of both log-densities.
    x : array-like of shape (n_points,)
        Increasing points.

    Returns
    -------
    divergence : float
        In units of 1/x^2.

    Raises
    ------
    ValueError
        If shapes do not fit or the density has not the integral 1 on the grid.
    """
    x, (log_p, score_p, score_q) = _check_grid(x, log_p=log_p, score_p=score_p, score_q=score_q)
    return _integral(np.exp(log_p) * (score_p - score_q) ** 2, x)


def wasserstein_on_line(
    log_p: ArrayLike, log_q: ArrayLike, x: ArrayLike, order: float = 2.0, levels: int = 4000
) -> float:
    """Wasserstein distance of two densities on the line, from their quantiles.

    Implements {eq}`eq-probability-toolkit-quantiles` by the midpoint rule in the level u. For
    samples of order 1 there is ``scipy.stats.wasserstein_distance``.

    Parameters
    ----------
    log_p, log_q : array-like of shape (n_points,)
        Logarithms of the densities.
    x : array-like of shape (n_points,)
        Increasing points.
    order : float, default=2
        The power, at least 1.
    levels : int, default=4000
        Number of quantiles.

    Returns
    -------
    distance : float
        The distance itself, in the units of x, not its power.

    Raises
    ------
    ValueError
        If shapes do not fit, a density has not the integral 1 on the grid, or order is below 1.
    """
    if not order >= 1:
        raise ValueError(f"order must be at least 1, got {order!r}")
    x, (log_p, log_q) = _check_grid(x, log_p=log_p, log_q=log_q)
    u = (np.arange(levels) + 0.5) / levels
    gap = _quantiles(log_p, x, u) - _quantiles(log_q, x, u)
    return float(np.mean(np.abs(gap) ** order) ** (1 / order))


def _quantiles(log_density: Floats, x: Floats, u: Floats) -> Floats:
    density = np.exp(log_density)
    steps = (density[1:] + density[:-1]) / 2 * np.diff(x)
    cumulative = np.append(0.0, np.cumsum(steps))
    rising = np.append(True, np.diff(cumulative) > 0)
    return np.interp(u * cumulative[-1], cumulative[rising], x[rising])


def _check_gaussian(which: int, mean: ArrayLike, covariance: ArrayLike) -> tuple[Floats, Floats]:
    m = np.atleast_1d(np.asarray(mean, dtype=float))
    S = np.atleast_2d(np.asarray(covariance, dtype=float))
    if m.ndim != 1 or S.shape != (m.size, m.size):
        raise ValueError(
            f"mean{which} and cov{which} must have the shapes (p,) and (p, p), "
            f"got {m.shape} and {S.shape}"
        )
    if not np.isfinite(m).all() or not np.isfinite(S).all():
        raise ValueError(f"mean{which} and cov{which} must be finite")
    scale = np.abs(S).max()
    if not np.allclose(S, S.T, rtol=0, atol=1e-10 * scale):
        raise ValueError(f"cov{which} must be symmetric")
    S = np.asarray((S + S.T) / 2, dtype=float)
    if np.linalg.eigvalsh(S)[0] < -1e-10 * scale:
        raise ValueError(f"cov{which} must be positive semi-definite")
    return m, S


def _two_gaussians(
    mean1: ArrayLike, cov1: ArrayLike, mean2: ArrayLike, cov2: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    m1, S1 = _check_gaussian(1, mean1, cov1)
    m2, S2 = _check_gaussian(2, mean2, cov2)
    if m1.size != m2.size:
        raise ValueError(f"mean2 must have {m1.size} entries like mean1, got {m2.size}")
    return m1, S1, m2, S2


def _factor(which: int, S: Floats) -> Floats:
    """Give the Cholesky factor of a covariance that must be invertible."""
    try:
        return np.asarray(np.linalg.cholesky(S), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise ValueError(f"cov{which} must be positive definite, not only semi-definite") from None


def kl_gaussians(mean1: ArrayLike, cov1: ArrayLike, mean2: ArrayLike, cov2: ArrayLike) -> float:
    """Kullback-Leibler divergence KL(N(mean1, cov1) || N(mean2, cov2)), in nats.

    Implements {eq}`eq-probability-toolkit-kl-gaussians`.

    Parameters
    ----------
    mean1, mean2 : array-like of shape (p,)
        Means; numbers for p = 1.
    cov1, cov2 : array-like of shape (p, p)
        Positive definite covariances; numbers for p = 1.

    Returns
    -------
    divergence : float
        Not negative.

    Raises
    ------
    ValueError
        If shapes do not fit or a covariance is not symmetric and positive definite.

    Examples
    --------
    >>> from dlmath.divergences import kl_gaussians
    >>> kl_gaussians([0.0, 0.0], [[1, 0], [0, 1]], [3.0, 4.0], [[1, 0], [0, 1]])
    12.5
    """
    m1, S1, m2, S2 = _two_gaussians(mean1, cov1, mean2, cov2)
    L1, L2 = _factor(1, S1), _factor(2, S2)
    ratio, shift = np.linalg.solve(L2, L1), np.linalg.solve(L2, m2 - m1)
    log_volumes = np.log(np.diagonal(L2)).sum() - np.log(np.diagonal(L1)).sum()
    return float((np.sum(ratio**2) - m1.size + shift @ shift) / 2 + log_volumes)


def fisher_gaussians(mean1: ArrayLike, cov1: ArrayLike, mean2: ArrayLike, cov2: ArrayLike) -> float:
    """Fisher divergence of two Gaussians, with the mean taken under the first.

    Implements {eq}`eq-probability-toolkit-fisher-gaussians`.

    Parameters
    ----------
    mean1, mean2 : array-like of shape (p,)
        Means; numbers for p = 1.
    cov1, cov2 : array-like of shape (p, p)
        Positive definite covariances; numbers for p = 1.

    Returns
    -------
    divergence : float
        In inverse squared units of the variables, without a factor 1/2.

    Raises
    ------
    ValueError
        If shapes do not fit or a covariance is not symmetric and positive definite.
    """
    m1, S1, m2, S2 = _two_gaussians(mean1, cov1, mean2, cov2)
    L1 = _factor(1, S1)
    _factor(2, S2)
    pull = np.linalg.solve(S2, m1 - m2)
    slopes = np.linalg.solve(S2, L1) - np.linalg.solve(S1, L1)
    return float(pull @ pull + np.sum(slopes**2))


def _root(S: Floats) -> Floats:
    """Give the symmetric square root of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(S)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def wasserstein_gaussians(
    mean1: ArrayLike, cov1: ArrayLike, mean2: ArrayLike, cov2: ArrayLike
) -> float:
    """Squared Wasserstein distance of order 2 of two Gaussians: their Frechet distance.

    Implements {eq}`eq-probability-toolkit-wasserstein-gaussians`. The trace of the root of
    ``S1^(1/2) S2 S1^(1/2)`` is the sum of the singular values of ``S1^(1/2) S2^(1/2)``, which has
    the better condition; covariances may be singular.

    Parameters
    ----------
    mean1, mean2 : array-like of shape (p,)
        Means; numbers for p = 1.
    cov1, cov2 : array-like of shape (p, p)
        Positive semi-definite covariances; numbers for p = 1.

    Returns
    -------
    squared_distance : float
        In squared units of the variables.

    Raises
    ------
    ValueError
        If shapes do not fit or a covariance is not symmetric and positive semi-definite.

    Examples
    --------
    >>> from dlmath.divergences import wasserstein_gaussians
    >>> round(wasserstein_gaussians([0.0], [[4.0]], [3.0], [[1.0]]), 10)
    10.0
    """
    m1, S1, m2, S2 = _two_gaussians(mean1, cov1, mean2, cov2)
    overlap = np.linalg.svd(_root(S1) @ _root(S2), compute_uv=False).sum()
    spread = np.trace(S1) + np.trace(S2) - 2 * overlap
    return float((m1 - m2) @ (m1 - m2) + max(spread, 0.0))


def optimal_map_gaussians(cov1: ArrayLike, cov2: ArrayLike) -> Floats:
    """Matrix of the optimal map from one centred Gaussian to another.

    Implements {eq}`eq-probability-toolkit-optimal-map`.

    Parameters
    ----------
    cov1 : array-like of shape (p, p)
        Positive definite covariance of the law that is moved.
    cov2 : array-like of shape (p, p)
        Positive semi-definite covariance of the law that is reached.

    Returns
    -------
    A : ndarray of shape (p, p)
        The symmetric positive semi-definite matrix with ``A cov1 A = cov2``.

    Raises
    ------
    ValueError
        If shapes do not fit, or a covariance is not symmetric and positive (semi-)definite.
    """
    S1, S2 = (np.atleast_2d(np.asarray(S, dtype=float)) for S in (cov1, cov2))
    _, S1, _, S2 = _two_gaussians(np.zeros(len(S1)), S1, np.zeros(len(S2)), S2)
    _factor(1, S1)
    root = _root(S1)
    back = np.linalg.inv(root)
    A = back @ _root(root @ S2 @ root) @ back
    symmetric: Floats = (A + A.T) / 2
    return symmetric
