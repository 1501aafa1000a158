"""The Dirac-GAN: an adversarial game with one number on either side.

The data are the single point 0. The generator's only sample is the number ``theta``, the
discriminator's log odds (or the critic's value) at x are ``psi x``. Everything that happens in
the game near its equilibrium happens here in closed form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

LOSSES = ("saturating", "non-saturating", "wasserstein")
PENALTIES = ("none", "r1", "gradient")


def _check(loss: str, penalty: str, gamma: float) -> None:
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
    if penalty not in PENALTIES:
        raise ValueError(f"penalty must be one of {', '.join(PENALTIES)}, got {penalty!r}")
    if not (np.isfinite(gamma) and gamma >= 0):
        raise ValueError(f"gamma must be a number that is not negative, got {gamma!r}")


def generator_velocity(theta: Any, psi: Any, loss: str = "saturating") -> Any:
    """Give minus the slope of the generator's cost by ``theta``.

    ``eq-adversarial-networks-dirac-flow``.

    Parameters
    ----------
    theta, psi : float or ndarray
        The sample, and the slope of the discriminator's log odds.
    loss : {"saturating", "non-saturating", "wasserstein"}
        The generator's cost: log(1 - D), -log D, or minus the critic's value.
    """
    u = np.asarray(psi * theta, dtype=float)
    if loss == "wasserstein":
        return psi * np.ones_like(u)
    return psi * expit(u if loss == "saturating" else -u)


def discriminator_velocity(
    theta: Any, psi: Any, loss: str = "saturating", penalty: str = "none", gamma: float = 1.0
) -> Any:
    """Give the slope by ``psi`` of what the discriminator maximises.

    ``eq-adversarial-networks-dirac-flow``.

    Parameters
    ----------
    theta, psi : float or ndarray
        The sample, and the slope of the discriminator's log odds.
    loss : {"saturating", "non-saturating", "wasserstein"}
        The first two differ in the generator's cost only.
    penalty : {"none", "r1", "gradient"}
        Subtracted: nothing, ``gamma psi**2 / 2``, or ``gamma (abs(psi) - 1)**2 / 2``.
    gamma : float
        Strength of the penalty.
    """
    u = np.asarray(psi * theta, dtype=float)
    pull = -theta * (np.ones_like(u) if loss == "wasserstein" else expit(u))
    if penalty == "r1":
        return pull - gamma * psi
    if penalty == "gradient":
        return pull - gamma * (psi - np.sign(psi))
    return pull


def dirac_path(
    start: Any,
    eta: float,
    steps: int,
    *,
    loss: str = "saturating",
    penalty: str = "none",
    gamma: float = 1.0,
    alternating: bool = False,
) -> Array:
    """Play the Dirac-GAN by gradient steps.

    Parameters
    ----------
    start : (float, float)
        ``theta`` and ``psi`` at the beginning.
    eta : float
        Learning rate of both players.
    steps : int
        Number of steps.
    loss, penalty, gamma
        As in :func:`discriminator_velocity`.
    alternating : bool
        Whether the discriminator's step sees the generator's new place, or both step at once.

    Returns
    -------
    ndarray of shape (steps + 1, 2)
        ``theta`` and ``psi``; rows after an overflow are not finite.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    _check(loss, penalty, gamma)
    first = np.asarray(start, dtype=float)
    if first.shape != (2,) or not np.isfinite(first).all():
        raise ValueError(f"start must be two finite numbers, got {start!r}")
    if not (np.isfinite(eta) and eta > 0):
        raise ValueError(f"eta must be positive, got {eta!r}")
    if steps < 0:
        raise ValueError(f"steps must not be negative, got {steps!r}")
    path = np.empty((steps + 1, 2))
    path[0] = first
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(steps):
            theta, psi = path[k]
            moved = theta + eta * generator_velocity(theta, psi, loss)
            seen = moved if alternating else theta
            path[k + 1] = (
                moved,
                psi + eta * discriminator_velocity(seen, psi, loss, penalty, gamma),
            )
    return path


def dirac_step_matrix(
    eta: float, *, loss: str = "saturating", gamma: float = 0.0, alternating: bool = False
) -> Array:
    """Linearise one step of the game (``eq-adversarial-networks-step-matrix``).

    Parameters
    ----------
    eta : float
        Learning rate.
    loss : {"saturating", "non-saturating", "wasserstein"}
        Sets the coupling at the equilibrium: 1/2 for the first two, 1 for the last.
    gamma : float
        Strength of the R1 penalty.
    alternating : bool
        Whether the discriminator's step sees the generator's new place.

    Returns
    -------
    ndarray of shape (2, 2)
        The matrix that maps (theta, psi) to its successor.
    """
    _check(loss, "r1", gamma)
    a = eta * (1.0 if loss == "wasserstein" else 0.5)
    return np.array([[1.0, a], [-a, 1 - eta * gamma - (a * a if alternating else 0.0)]])
