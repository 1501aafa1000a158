"""Guidance: two denoisers, one that knows the label and one that does not, made into a third."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray

from dlmath._checks import check_above_zero, check_count
from dlmath.diffusion._schedules import Schedule

NODES = 100
Floats = NDArray[np.float64]
Denoiser = Callable[[Floats, float], Floats]


def guided(
    conditional: Denoiser,
    free: Denoiser,
    weight: float,
    *,
    schedule: Schedule | None = None,
    interval: tuple[float, float] = (0.0, np.inf),
) -> Denoiser:
    """Return the denoiser w D(x | c) + (1 - w) D(x).

    Equation ``eq-guidance-and-latent-diffusion-free``. Scores are linear in denoisers, so that its
    score is w s(x | c) + (1 - w) s(x).

    Parameters
    ----------
    conditional, free : callable
        Estimates of x_0 with the label and without, ``denoise(x, t)``.
    weight : float
        The weight w: 1 gives ``conditional``, 0 gives ``free``, more than 1 overshoots.
    schedule : Schedule, optional
        Tells the noise level sigma_t / gamma_t of a time; needed for an interval.
    interval : (float, float), default=(0, inf)
        Noise levels between which the weight is used (the first of them excluded); outside it is 1,
        and ``free`` is not called.

    Returns
    -------
    denoise : callable
        For the samplers of `dlmath.diffusion`.

    Raises
    ------
    ValueError
        If the weight is not a finite number, or the interval is none, or has no schedule.
    """
    w = _finite("weight", weight)
    low, high = (float(end) for end in interval)
    if not 0 <= low < high:
        raise ValueError(f"interval must satisfy 0 <= first < last, got {interval!r}")
    whole = low == 0 and high == np.inf
    if schedule is None and not whole:
        raise ValueError("schedule must be given with an interval of noise levels")

    def denoise(x: Floats, t: float) -> Floats:
        estimate = conditional(x, t)
        if w == 1 or not (whole or schedule is None or low < schedule.ratio(t) <= high):
            return estimate
        without = free(x, t)
        return without + w * (estimate - without)

    return denoise


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)


class GaussianPair:
    """Two classes on a line, equally frequent, and guidance towards the first of them.

    The classes are N(mean, sd^2) and N(-mean, sd^2), so that all scores are known. What guidance
    makes of them is one differential equation (``eq-guidance-and-latent-diffusion-pair``), solved
    here from infinite noise to none.

    Parameters
    ----------
    mean : float, default=1
        Above 0.
    sd : float, default=0.5
        Above 0.
    """

    def __init__(self, mean: float = 1.0, sd: float = 0.5) -> None:
        self.mean, self.sd = check_above_zero("mean", mean), check_above_zero("sd", sd)

    def tilted(self, x: ArrayLike, weight: float) -> Floats:
        """Return the density proportional to p(x | c)^w p(x)^(1 - w).

        Parameters
        ----------
        x : array-like
            Where.
        weight : float
            The weight w, above 0.

        Returns
        -------
        density : ndarray of the shape of x
        """
        w = check_above_zero("weight", weight)

        def unnormalised(u: Floats) -> Floats:
            other = -2 * self.mean / self.sd**2 * (self.mean + self.sd * u)
            return np.exp(-(u**2) / 2 + (1 - w) * np.logaddexp(0, other))

        # For w < 1 the law leans to the other class: the grid holds that too.
        nodes, h = np.linspace(-9 - 2 * self.mean / self.sd, 9, 4001, retstep=True)
        norm = self.sd * h * unnormalised(nodes).sum()
        return unnormalised((np.asarray(x, dtype=float) - self.mean) / self.sd) / norm

    def transport(
        self,
        u: ArrayLike,
        weight: float,
        *,
        interval: tuple[float, float] = (0.0, np.inf),
        steps: int = 200,
    ) -> tuple[Floats, Floats]:
        """Carry starts along the guided probability flow, by the rule of Runge and Kutta.

        Parameters
        ----------
        u : array-like
            Starts: states at infinite noise, in units of the noise. They are drawn from N(0, 1).
        weight : float
            The weight w.
        interval : (float, float), default=(0, inf)
            Noise levels between which the weight is used; outside it is 1.
        steps : int, default=200

        Returns
        -------
        x : ndarray of the shape of u
            Where they end.
        slope : ndarray of the shape of u
            Derivative of the end by the start. The density at the end is that of the start over it.
        """
        w = _finite("weight", weight)
        low, high = (float(end) for end in interval)
        if not 0 <= low < high:
            raise ValueError(f"interval must satisfy 0 <= first < last, got {interval!r}")
        count = check_count("steps", steps)
        state = np.array([np.asarray(u, dtype=float), np.zeros(np.shape(u))])

        def rate(a: float, state: Floats) -> Floats:
            s = np.tanh(a * (a + state[0]))
            return (w - 1) * np.array([1 - s, -a * (1 - s**2)])

        # Noise has the coordinate a = mean / sqrt(sd^2 + noise^2), from 0 to mean / sd.
        begin, end = (self.mean / np.hypot(self.sd, level) for level in (high, low))
        h = (end - begin) / count
        for k in range(count):
            a = begin + k * h
            k1 = rate(a, state)
            k2 = rate(a + h / 2, state + h / 2 * k1)
            k3 = rate(a + h / 2, state + h / 2 * k2)
            k4 = rate(a + h, state + h * k3)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return self.mean + self.sd * state[0], self.sd * np.exp(state[1])

    def moments(self, weight: float, **others: Any) -> tuple[float, float]:
        """Return mean and standard deviation at the end of the guided flow, by quadrature."""
        nodes, shares = hermegauss(NODES)
        shares = shares / shares.sum()
        x, _ = self.transport(nodes, weight, **others)
        mean = float(shares @ x)
        return mean, float(np.sqrt(shares @ (x - mean) ** 2))
