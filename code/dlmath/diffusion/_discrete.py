"""The schedule of a chain of finitely many steps."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlmath._checks import check_count
from dlmath.diffusion._schedules import LARGEST_TERMINAL_SNR, Schedule

Floats = NDArray[np.float64]
# A single step may not remove more than this share of the variance (Nichol and Dhariwal 2021).
LARGEST_BETA = 0.999


def _ratio(alpha_bar: float) -> float:
    """Return the signal-to-noise ratio, infinite where there is no noise."""
    return max(alpha_bar, 0.0) / (1 - alpha_bar) if alpha_bar < 1 else float("inf")


class DiscreteSchedule:
    """The chain x_k = sqrt(1 - beta_k) x_{k-1} + sqrt(beta_k) eps_k, for k from 1 to T.

    Arrays have T + 1 entries, so that the index is the step; entry 0 belongs to the data.

    Parameters
    ----------
    beta : array-like of shape (T,)
        Variance that each step adds, between 0 and 1.

    Attributes
    ----------
    T : int
        Number of steps.
    beta, alpha, alpha_bar : ndarray of shape (T + 1,)
        ``alpha = 1 - beta``, ``alpha_bar`` its running product, with beta_0 = 0.
    gamma, sigma : ndarray of shape (T + 1,)
        Amplitudes of data and noise: square roots of ``alpha_bar`` and of ``1 - alpha_bar``.
    beta_tilde : ndarray of shape (T + 1,)
        Variance of q(x_{k-1} | x_k, x_0), equation ``eq-denoising-diffusion-posterior``.

    Raises
    ------
    ValueError
        If a beta is not between 0 and 1.

    Warns
    -----
    UserWarning
        If the chain does not end in noise: the terminal signal-to-noise ratio is named.
    """

    def __init__(self, beta: ArrayLike) -> None:
        values = np.asarray(beta, dtype=float)
        if values.ndim != 1 or values.size == 0:
            raise ValueError(f"beta must be a vector that is not empty, got shape {values.shape}")
        wrong = ~((values > 0) & (values < 1))
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(f"beta must lie between 0 and 1, got {values[k]:g} in step {k + 1}")
        self.T = len(values)
        self.beta = np.concatenate([[0.0], values])
        self.alpha = 1 - self.beta
        self.alpha_bar = np.cumprod(self.alpha)
        self.gamma = np.sqrt(self.alpha_bar)
        variance = -np.expm1(np.cumsum(np.log1p(-self.beta)))
        self.sigma = np.sqrt(variance)
        self.beta_tilde = np.zeros(self.T + 1)
        self.beta_tilde[1:] = variance[:-1] / variance[1:] * values
        if self.terminal_snr > LARGEST_TERMINAL_SNR:
            warnings.warn(
                f"The chain does not end in noise: its terminal signal-to-noise ratio is "
                f"{self.terminal_snr:.3g} (data keep the amplitude {self.gamma[-1]:.3g}). Samples "
                f"that start from N(0, I) are wrong by that; use more steps or larger beta.",
                stacklevel=2,
            )

    @property
    def terminal_snr(self) -> float:
        """Signal-to-noise ratio after the last step."""
        return _ratio(float(self.alpha_bar[-1]))

    @classmethod
    def linear(cls, T: int = 1000, first: float = 1e-4, last: float = 0.02) -> Self:
        """Return the schedule of Ho et al. (2020): beta grows linearly."""
        return cls(np.linspace(first, last, check_count("T", T)))

    @classmethod
    def of(cls, schedule: Schedule, T: int) -> Self:
        """Return the chain with the marginals of a schedule in continuous time, at T equal steps.

        Parameters
        ----------
        schedule : Schedule
            One with gamma^2 + sigma^2 = 1.
        T : int
            Number of steps.

        Raises
        ------
        ValueError
            If the schedule does not keep the variance.
        """
        T = check_count("T", T)
        times = np.arange(T + 1) * (schedule.end / T)
        squares = np.square(schedule.gamma(times)) + np.square(schedule.sigma(times))
        if not np.allclose(squares, 1):
            raise ValueError(
                f"schedule must keep the variance (gamma^2 + sigma^2 = 1), but "
                f"{type(schedule).__name__} does not"
            )
        return cls.from_alpha_bar(np.square(schedule.gamma(times[1:])))

    @classmethod
    def from_alpha_bar(cls, alpha_bar: ArrayLike) -> Self:
        """Return the chain with given products; a step is at most `LARGEST_BETA`.

        Parameters
        ----------
        alpha_bar : array-like of shape (T,)
            Decreasing, between 1 and 0.

        Raises
        ------
        ValueError
            If they do not decrease; the step and the terminal ratio are named.
        """
        values = np.concatenate([[1.0], np.asarray(alpha_bar, dtype=float)])
        wrong = ~(np.diff(values) < 0)
        if wrong.any() or values[-1] < 0:
            k = int(np.argmax(wrong)) + 1 if wrong.any() else len(values) - 1
            raise ValueError(
                "alpha_bar must decrease from 1 towards 0, but goes from "
                f"{values[k - 1]:g} to {values[k]:g} in step {k}; "
                f"it ends at {values[-1]:g}, a terminal "
                f"signal-to-noise ratio of {_ratio(values[-1]):.3g}"
            )
        return cls(np.minimum(1 - values[1:] / values[:-1], LARGEST_BETA))

    def posterior(
        self,
        x0: ArrayLike,
        xk: ArrayLike,
        k: int,
    ) -> tuple[Floats, float]:
        """Mean and variance of q(x_{k-1} | x_k, x_0).

        Equation ``eq-denoising-diffusion-posterior``.

        Parameters
        ----------
        x0, xk : array-like
            Data and state, of equal shapes.
        k : int
            Step, from 1 to T.

        Returns
        -------
        mean : ndarray
        variance : float
        """
        k = self._check_step(k)
        before, now = self.sigma[k - 1] ** 2, self.sigma[k] ** 2
        of_data = self.gamma[k - 1] * self.beta[k] / now
        of_state = np.sqrt(self.alpha[k]) * before / now
        x0, xk = np.asarray(x0, dtype=float), np.asarray(xk, dtype=float)
        mean = of_data * x0 + of_state * xk
        return mean, float(self.beta_tilde[k])

    def _check_step(self, k: Any) -> int:
        k = check_count("k", k)
        if k > self.T:
            raise ValueError(f"k must be a step from 1 to {self.T}, got {k}")
        return k
