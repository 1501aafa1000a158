"""Boltzmann machines so small that every state can be listed, and couplings found from samples.

Spins are +1 or -1 and their law is p(s) proportional to exp(h.s + sum_{i<j} J_ij s_i s_j): fields h
and couplings J contain the inverse temperature. Units of restricted machines are 0 or 1.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special
from sklearn.utils import Bunch

from dlmath._checks import check_count

__all__ = [
    "all_bits",
    "exact_moments",
    "expected_update",
    "fit_spins",
    "gibbs_matrix",
    "mean_field_couplings",
    "rbm_tables",
]

Array = NDArray[np.float64]
LARGEST = 20


def all_bits(n: int) -> Array:
    """List all states of n binary units.

    Parameters
    ----------
    n : int
        Number of units, from 1 to 20.

    Returns
    -------
    states : ndarray of shape (2**n, n)
        Row k has the binary digits of k, from the lowest.

    Raises
    ------
    ValueError
        If n is out of range.
    """
    if check_count("n", n) > LARGEST:
        raise ValueError(f"n must be at most {LARGEST}: there are 2^n states, got {n}")
    return (np.arange(2**n)[:, np.newaxis] >> np.arange(n) & 1).astype(float)


def _check_spins(S: ArrayLike) -> Array:
    spins = np.asarray(S, dtype=float)
    if spins.ndim != 2 or len(spins) < 2 or not (np.abs(spins) == 1).all():
        raise ValueError("S must hold +1 and -1 in at least two rows of spins")
    return spins


def exact_moments(fields: ArrayLike, couplings: ArrayLike) -> Bunch:
    """Sum over all states of a fully visible Boltzmann machine.

    Parameters
    ----------
    fields : array-like of shape (n_spins,)
        h_i.
    couplings : array-like of shape (n_spins, n_spins)
        J_ij, symmetric; the diagonal does not count.

    Returns
    -------
    exact : sklearn.utils.Bunch
        ``log_partition``; ``probabilities`` of the states, in the order of `all_bits`; ``means``
        <s_i> and ``correlations`` <s_i s_j>.

    Raises
    ------
    ValueError
        If shapes do not fit, or there are more than 20 spins.
    """
    h, J = np.asarray(fields, dtype=float), np.asarray(couplings, dtype=float)
    if h.ndim != 1 or J.shape != (h.size, h.size) or not np.allclose(J, J.T):
        raise ValueError("couplings must be a symmetric matrix with a row for each field")
    return _moments(2 * all_bits(h.size) - 1, h, J)


def _moments(S: Array, h: Array, J: Array) -> Bunch:
    """Sum over the given list of all states."""
    pairs = (np.einsum("ki,ki->k", S @ J, S) - np.trace(J)) / 2
    logs = S @ h + pairs
    log_partition = special.logsumexp(logs)
    p = np.exp(logs - log_partition)
    return Bunch(
        log_partition=float(log_partition),
        probabilities=p,
        means=p @ S,
        correlations=S.T @ (p[:, np.newaxis] * S),
    )


def _exact_cost(S: Array) -> Callable[[Array, Array], tuple[float, Array, Array]]:
    """Minus the mean log-likelihood with its gradient by h and by the matrix J."""
    means, correlations = S.mean(axis=0), S.T @ S / len(S)
    states = 2 * all_bits(S.shape[1]) - 1

    def cost(h: Array, J: Array) -> tuple[float, Array, Array]:
        model = _moments(states, h, J)
        value = model.log_partition - h @ means - np.sum(J * correlations) / 2
        return value, model.means - means, model.correlations - correlations

    return cost


def _pseudo_cost(S: Array) -> Callable[[Array, Array], tuple[float, Array, Array]]:
    """Minus the mean sum of log p(s_i | the others), with its gradient by h and J."""

    def cost(h: Array, J: Array) -> tuple[float, Array, Array]:
        field = S * (h + S @ J)
        pull = -2 * S * special.expit(-2 * field) / len(S)
        both = S.T @ pull
        return np.logaddexp(0, -2 * field).sum() / len(S), pull.sum(axis=0), both + both.T

    return cost


def fit_spins(S: ArrayLike, method: str = "exact") -> Bunch:
    """Find the fields and couplings of spins from samples: the inverse Ising problem.

    Both costs are convex. They have no minimiser if two spins never differ, or one never turns.

    Parameters
    ----------
    S : array-like of shape (n_samples, n_spins)
        Samples of +1 and -1.
    method : {"exact", "pseudo"}, default="exact"
        Maximum likelihood with a sum over all states (at most 20 spins), or maximum
        pseudo-likelihood (``eq-boltzmann-machines-pseudo``).

    Returns
    -------
    fit : sklearn.utils.Bunch
        ``fields``, ``couplings`` (symmetric, with zeros on the diagonal), ``cost`` and ``success``.

    Raises
    ------
    ValueError
        If S holds anything but spins, or the method is not known.
    """
    spins = _check_spins(S)
    costs = {"exact": _exact_cost, "pseudo": _pseudo_cost}
    if method not in costs:
        raise ValueError(f"method must be 'exact' or 'pseudo', got {method!r}")
    n = spins.shape[1]
    pairs, cost = np.triu_indices(n, 1), costs[method](spins)

    def unpack(theta: Array) -> tuple[Array, Array]:
        J = np.zeros((n, n))
        J[pairs] = theta[n:]
        return theta[:n], J + J.T

    def value(theta: Array) -> tuple[float, Array]:
        total, by_fields, by_couplings = cost(*unpack(theta))
        return total, np.append(by_fields, by_couplings[pairs])

    found = optimize.minimize(
        value,
        np.zeros(n + len(pairs[0])),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-7},
    )
    fields, couplings = unpack(found.x)
    return Bunch(fields=fields, couplings=couplings, cost=float(found.fun), success=found.success)


def mean_field_couplings(S: ArrayLike) -> Array:
    """Estimate couplings from the inverse of the covariance (``eq-boltzmann-machines-mean-field``).

    Parameters
    ----------
    S : array-like of shape (n_samples, n_spins)
        Samples of +1 and -1.

    Returns
    -------
    J : ndarray of shape (n_spins, n_spins)
        Symmetric, with zeros on the diagonal.

    Raises
    ------
    ValueError
        If S holds anything but spins, or the covariance has no inverse.
    """
    spins = _check_spins(S)
    C = np.atleast_2d(np.cov(spins.T, bias=True))
    if np.linalg.cond(C) > 1e12:
        raise ValueError("S must have a covariance that can be inverted: more samples are needed")
    J = np.asarray(-np.linalg.inv(C), dtype=np.float64)
    np.fill_diagonal(J, 0)
    return J


def rbm_tables(W: ArrayLike, b: ArrayLike, c: ArrayLike) -> Bunch:
    """List the law of a small restricted Boltzmann machine.

    Parameters
    ----------
    W : array-like of shape (n, m)
        Couplings.
    b, c : array-like of shapes (n,) and (m,)
        Biases of the visible and of the hidden units.

    Returns
    -------
    tables : sklearn.utils.Bunch
        ``log_partition``; ``joint``, p(x, h), of shape (2**n, 2**m); ``visible``, p(x);
        ``hidden_given_visible``, p(h | x), with rows x; ``visible_given_hidden``, p(x | h), with
        rows h. States are in the order of `all_bits`.
    """
    W, b, c = (np.asarray(values, dtype=float) for values in (W, b, c))
    x, h = all_bits(b.size), all_bits(c.size)
    logs = x @ W @ h.T + (x @ b)[:, np.newaxis] + h @ c
    log_partition = special.logsumexp(logs)
    joint = np.exp(logs - log_partition)
    return Bunch(
        log_partition=float(log_partition),
        joint=joint,
        visible=joint.sum(axis=1),
        hidden_given_visible=special.softmax(logs, axis=1),
        visible_given_hidden=special.softmax(logs, axis=0).T,
    )


def gibbs_matrix(W: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """Give the transition matrix of one sweep, K(x, x') = sum_h p(h | x) p(x' | h); rows are x."""
    tables = rbm_tables(W, b, c)
    return tables.hidden_given_visible @ tables.visible_given_hidden


def expected_update(
    W: ArrayLike, b: ArrayLike, c: ArrayLike, data: ArrayLike, k: int | None = None
) -> tuple[Any, Any, Any]:
    """Give the mean update of CD-k, or the gradient of the log-likelihood, without sampling.

    Parameters
    ----------
    W, b, c : array-like
        Parameters of a small machine, as for `rbm_tables`.
    data : array-like of shape (2**n,)
        Probability of each state in the data, in the order of `all_bits`.
    k : int, optional
        Sweeps of the chains that begin at the data; the gradient itself if not given.

    Returns
    -------
    dW, db, dc : ndarrays
        Positive minus negative phase.

    Raises
    ------
    ValueError
        If ``data`` is no distribution over the states.
    """
    W, b, c = (np.asarray(values, dtype=float) for values in (W, b, c))
    start = np.asarray(data, dtype=float)
    if start.shape != (2**b.size,) or (start < 0).any() or not np.isclose(start.sum(), 1):
        raise ValueError(f"data must be {2**b.size} probabilities that add up to one")
    if k is None:
        end = rbm_tables(W, b, c).visible
    else:
        end = start @ np.linalg.matrix_power(gibbs_matrix(W, b, c), check_count("k", k))
    x = all_bits(b.size)
    hidden = special.expit(x @ W + c)
    difference = start - end
    return x.T @ (difference[:, np.newaxis] * hidden), difference @ x, difference @ hidden
