"""A scalar field with the self-interaction phi^4 on a small square lattice, and ways to sample it.

Fields have the shape (..., size, size); the lattice is periodic, its spacing is the unit of length.
The law of a field is proportional to ``exp(-action)``.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlmath._checks import check_above_zero, check_count

__all__ = [
    "action",
    "force",
    "independence_chain",
    "local_metropolis",
    "weight_efficiency",
]

Floats = NDArray[np.float64]


def _check_fields(fields: ArrayLike) -> Floats:
    found = np.asarray(fields, dtype=float)
    if found.ndim < 2 or found.shape[-1] != found.shape[-2] or found.shape[-1] < 2:
        raise ValueError(f"fields must have the shape (..., size, size), got {found.shape}")
    return found


def action(fields: ArrayLike, mass_squared: float, coupling: float) -> Floats:
    """Return the action of fields: gradients, mass term and self-interaction.

    Sum over sites of ``(1/2) sum_mu (phi(x + mu) - phi(x))^2 + (m^2/2) phi^2 + (g/4) phi^4``
    (equation eq-autoregressive-models-and-flows-action).

    Parameters
    ----------
    fields : array-like of shape (..., size, size)
        Fields.
    mass_squared : float
        m^2; negative for a double well.
    coupling : float
        g > 0.

    Returns
    -------
    action : ndarray of shape (...)
    """
    phi = _check_fields(fields)
    gradients = sum((np.roll(phi, -1, axis) - phi) ** 2 for axis in (-2, -1))
    density = gradients / 2 + mass_squared / 2 * phi**2 + coupling / 4 * phi**4
    return density.sum((-2, -1))


def force(fields: ArrayLike, mass_squared: float, coupling: float) -> Floats:
    """Minus the gradient of the action, of the shape of ``fields``."""
    phi = _check_fields(fields)
    neighbours = sum(np.roll(phi, step, axis) for step in (1, -1) for axis in (-2, -1))
    return neighbours - (4 + mass_squared) * phi - coupling * phi**3


def local_metropolis(
    size: int,
    mass_squared: float,
    coupling: float,
    *,
    sweeps: int,
    chains: int = 1,
    step: float = 1.0,
    start: ArrayLike | None = None,
    seed: int = 0,
) -> tuple[Floats, float]:
    """Sample fields by local Metropolis updates, a chess board's colour at a time.

    Parameters
    ----------
    size : int
        Even side of the lattice.
    mass_squared, coupling : float
        m^2 and g.
    sweeps : int
        Sweeps that are kept; each offers every site one change.
    chains : int, default=1
        Chains that run side by side.
    step : float, default=1.0
        A change is uniform between ``-step`` and ``step``.
    start : array-like of shape (chains, size, size), optional
        Where the chains begin; from standard Gaussian numbers if not given.
    seed : int, default=0
        Of the random numbers.

    Returns
    -------
    fields : ndarray of shape (chains, sweeps, size, size)
        The field after each sweep.
    acceptance : float
        Share of the changes that were accepted.
    """
    if check_count("size", size, 2) % 2:
        raise ValueError(f"size must be even, got {size}")
    check_count("sweeps", sweeps)
    check_above_zero("step", step)
    rng = np.random.default_rng(seed)
    shape = (check_count("chains", chains), size, size)
    phi = rng.standard_normal(shape) if start is None else np.array(start, dtype=float)
    if phi.shape != shape:
        raise ValueError(f"start must have the shape {shape}, got {phi.shape}")
    colours = np.indices((size, size)).sum(0) % 2
    kept = np.empty((chains, sweeps, size, size))
    accepted = 0.0
    for k in range(sweeps):
        for colour in (0, 1):
            new = phi + rng.uniform(-step, step, shape)
            around = sum(np.roll(phi, s, axis) for s in (1, -1) for axis in (-2, -1))
            # With its neighbours held, a site's part of the action is this polynomial.
            change = (
                (2 + mass_squared / 2) * (new**2 - phi**2)
                + coupling / 4 * (new**4 - phi**4)
                - around * (new - phi)
            )
            take = (rng.random(shape) < np.exp(-np.maximum(change, 0))) & (colours == colour)
            phi = np.where(take, new, phi)
            accepted += take.sum()
        kept[:, k] = phi
    return kept, accepted / (chains * sweeps * size**2)


def independence_chain(log_weights: ArrayLike, *, seed: int = 0) -> tuple[NDArray[np.int64], float]:
    """Metropolis's correction of independent proposals.

    Proposal k replaces the present state with the probability ``min(1, w_k / w)``, where w is
    target over proposal density (equation eq-autoregressive-models-and-flows-acceptance).

    Parameters
    ----------
    log_weights : array-like of shape (n,)
        ``log target - log proposal`` of each proposal, up to a constant.
    seed : int, default=0
        Of the random numbers.

    Returns
    -------
    states : ndarray of shape (n,)
        Which proposal is the state of the chain at each step; the first is accepted.
    acceptance : float
        Share of the later proposals that were accepted.
    """
    values = _check_weights(log_weights)
    rng = np.random.default_rng(seed)
    thresholds = np.log(1 - rng.random(values.size))
    states = np.zeros(values.size, dtype=np.int64)
    for k in range(1, values.size):
        here = states[k - 1]
        states[k] = k if thresholds[k] < values[k] - values[here] else here
    moved = np.diff(states) != 0
    return states, float(moved.mean()) if moved.size else 1.0


def weight_efficiency(log_weights: ArrayLike) -> float:
    """Effective sample size of importance weights over their number: (mean w)^2 / mean w^2.

    Parameters
    ----------
    log_weights : array-like of shape (n,)
        Logarithms of the weights, up to a constant.

    Returns
    -------
    efficiency : float
        Between 1/n and 1. (Equation eq-autoregressive-models-and-flows-efficiency.)
    """
    values = _check_weights(log_weights)
    w = np.exp(values - values.max())
    return float(w.mean() ** 2 / np.mean(w**2))


def _check_weights(log_weights: Any) -> Floats:
    values = np.asarray(log_weights, dtype=float)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError("log_weights must be a non-empty vector of finite numbers")
    return values
