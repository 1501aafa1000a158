"""Schedules in continuous time: gamma_t, sigma_t, and the equation whose marginals they are."""

import warnings
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlmath._checks import check_above_zero, check_count

Floats = NDArray[np.float64]
SPACINGS = ("uniform", "log-snr", "power")
# The exponent that Karras et al. (2022) recommend for grids of noise levels.
POWER = 7.0
# Above this signal-to-noise ratio, data that are not standardised shift what a sampler starts from.
LARGEST_TERMINAL_SNR = 0.01


class Schedule(ABC):
    """How data turn into noise: x_t = gamma_t x_0 + sigma_t eps for times from 0 to ``end``.

    The ratio sigma_t / gamma_t increases with t. The marginals are those of the linear equation
    dx = f_t x dt + g_t dB (equation ``eq-score-and-stochastic-differential-equations-linear``).

    Attributes
    ----------
    begin, end : float
        First and last time at which the schedule is meant to be used. At 0 there is no noise.
    """

    begin: float
    end: float

    @abstractmethod
    def gamma(self, t: ArrayLike) -> Any:
        """Return the amplitude of the data at the times t."""

    @abstractmethod
    def sigma(self, t: ArrayLike) -> Any:
        """Return the amplitude of the noise at the times t."""

    @abstractmethod
    def drift(self, t: ArrayLike) -> Any:
        """Return f_t, the derivative of log gamma_t."""

    @abstractmethod
    def squared_diffusion(self, t: ArrayLike) -> Any:
        """Return g_t squared: the derivative of sigma_t squared, minus 2 f_t sigma_t squared."""

    @abstractmethod
    def time_of_ratio(self, ratio: ArrayLike) -> Any:
        """Return the time at which sigma_t / gamma_t has a value; inverse of `ratio`."""

    def ratio(self, t: ArrayLike) -> Any:
        """Return sigma_t / gamma_t, the standard deviation of noise relative to the data."""
        return self.sigma(t) / self.gamma(t)

    def log_snr(self, t: ArrayLike) -> Any:
        """Return the logarithm of the signal-to-noise ratio gamma_t^2 / sigma_t^2."""
        return -2 * np.log(self.ratio(t))

    def times(
        self,
        steps: int,
        spacing: str = "uniform",
        *,
        start: float | None = None,
        stop: float | None = None,
        to_zero: bool = True,
    ) -> Floats:
        """Return a decreasing grid of times for a sampler.

        Parameters
        ----------
        steps : int
            Number of steps, so that there are ``steps + 1`` times.
        spacing : {"uniform", "log-snr", "power"}, default="uniform"
            Equal steps of the time, of the logarithm of the signal-to-noise ratio, or of the
            seventh root of ``ratio``.
        start : float, optional
            First time; ``end`` if it is not given.
        stop : float, optional
            Last time with noise; ``begin`` if it is not given, but for "uniform" with ``to_zero``,
            where all steps are then equal.
        to_zero : bool, default=True
            Whether the last of the steps goes from ``stop`` to the time 0, where there is no noise.

        Returns
        -------
        times : ndarray of shape (steps + 1,)

        Raises
        ------
        ValueError
            If there are no steps, the spacing is unknown, or the times are not within the schedule.
        """
        steps = check_count("steps", steps)
        equal = stop is None and to_zero and spacing == "uniform"
        start = self.end if start is None else float(start)
        stop = self.begin if stop is None else float(stop)
        if not 0 < stop < start <= self.end:
            raise ValueError(
                f"start and stop must satisfy 0 < stop < start <= {self.end:g}, got "
                f"start={start:g} and stop={stop:g}"
            )
        if spacing not in SPACINGS:
            raise ValueError(f"spacing must be one of {', '.join(SPACINGS)}, got {spacing!r}")
        if equal:
            return np.linspace(start, 0.0, steps + 1)
        count = steps if to_zero else steps + 1
        grid = self._spaced(start, stop, count, spacing)
        return np.append(grid, 0.0) if to_zero else grid

    def _spaced(self, start: float, stop: float, count: int, spacing: str) -> Floats:
        """Return ``count`` times from ``start`` to ``stop``, the ends exactly."""
        if count == 1:
            return np.array([start])
        if spacing == "uniform":
            return np.linspace(start, stop, count)
        with np.errstate(divide="ignore"):
            first, last = self.ratio(start), self.ratio(stop)
        if not np.isfinite(first):
            raise ValueError(
                f"spacing={spacing!r} needs data at the first time, but at start={start:g} there "
                "is nothing but noise; start a little later"
            )
        if spacing == "log-snr":
            ratios = np.geomspace(first, last, count)
        else:
            ratios = np.linspace(first ** (1 / POWER), last ** (1 / POWER), count) ** POWER
        grid = np.asarray(self.time_of_ratio(ratios), dtype=float)
        grid[[0, -1]] = start, stop
        return grid

    def noise(self, x0: ArrayLike, t: float, rng: np.random.Generator) -> Floats:
        """Draw x_t for given data: gamma_t x_0 + sigma_t eps."""
        x0 = np.asarray(x0, dtype=float)
        return self.gamma(t) * x0 + self.sigma(t) * rng.standard_normal(x0.shape)

    def prior(self, n: int, n_features: int, rng: np.random.Generator) -> Floats:
        """Draw from N(0, sigma^2 I) at the time ``end``: where samplers start.

        Warns
        -----
        UserWarning
            If the schedule does not end in noise: the terminal signal-to-noise ratio is named.
        """
        gamma, sigma = float(self.gamma(self.end)), float(self.sigma(self.end))
        if gamma**2 > LARGEST_TERMINAL_SNR * sigma**2:
            warnings.warn(
                f"The schedule does not end in noise: its terminal signal-to-noise ratio is "
                f"{gamma**2 / sigma**2:.3g} (data keep the amplitude {gamma:.3g}). Samples that "
                f"start from noise alone are wrong by that.",
                stacklevel=2,
            )
        return self.sigma(self.end) * rng.standard_normal((n, n_features))


class _PreservingSchedule(Schedule):
    """A schedule with gamma^2 + sigma^2 = 1, given by alpha-bar = gamma^2."""

    @abstractmethod
    def _rate(self, t: ArrayLike) -> Any:
        """Return beta_t = -d log alpha-bar / dt."""

    def drift(self, t: ArrayLike) -> Any:
        """Return f_t = -beta_t / 2."""
        return -self._rate(t) / 2

    def squared_diffusion(self, t: ArrayLike) -> Any:
        """Return g_t^2 = beta_t."""
        return self._rate(t)


class CosineSchedule(_PreservingSchedule):
    """The schedule of Nichol and Dhariwal (2021): alpha-bar is a squared cosine.

    Parameters
    ----------
    offset : float, default=0.008
        Keeps the first steps from being too small.
    end : float, default=0.999
        Last time; at 1 nothing of the data would be left, and epsilon would say nothing of them.
    begin : float, default=0.001
    """

    def __init__(self, offset: float = 0.008, end: float = 0.999, begin: float = 0.001) -> None:
        if not 0 <= offset < 1:
            raise ValueError(f"offset must be from 0 to below 1, got {offset!r}")
        _check_range(begin, end, 1.0)
        self.offset, self.end, self.begin = offset, end, begin
        self._first = self._angle(0.0)

    def _angle(self, t: ArrayLike) -> Any:
        return (np.asarray(t, dtype=float) + self.offset) / (1 + self.offset) * np.pi / 2

    def gamma(self, t: ArrayLike) -> Any:
        """Return cos of the angle at t over cos of that at 0."""
        return np.cos(self._angle(t)) / np.cos(self._first)

    def sigma(self, t: ArrayLike) -> Any:
        """Return the square root of 1 - gamma^2, without cancellation at small t."""
        angle = self._angle(t)
        # cos^2 a - cos^2 b = sin(b - a) sin(b + a).
        square = np.sin(angle - self._first) * np.sin(angle + self._first)
        return np.sqrt(square) / np.cos(self._first)

    def _rate(self, t: ArrayLike) -> Any:
        return np.pi / (1 + self.offset) * np.tan(self._angle(t))

    def time_of_ratio(self, ratio: ArrayLike) -> Any:
        """Return the time at which sigma_t / gamma_t has a value."""
        gamma = 1 / np.sqrt(1 + np.square(ratio))
        angle = np.arccos(gamma * np.cos(self._first))
        return angle * 2 / np.pi * (1 + self.offset) - self.offset


class LinearSchedule(_PreservingSchedule):
    """The schedule whose rate beta_t grows linearly, that of Ho et al. (2020) in continuous time.

    Parameters
    ----------
    beta_min, beta_max : float, default=0.1 and 20
        The rate at the times 0 and 1.
    end, begin : float, default=1 and 0.001
    """

    def __init__(
        self, beta_min: float = 0.1, beta_max: float = 20.0, end: float = 1.0, begin: float = 0.001
    ) -> None:
        beta_min, beta_max = (
            check_above_zero("beta_min", beta_min),
            check_above_zero("beta_max", beta_max),
        )
        if beta_max < beta_min:
            raise ValueError(f"beta_max must be at least beta_min={beta_min:g}, got {beta_max:g}")
        _check_range(begin, end, 1.0)
        self.beta_min, self.beta_max, self.end, self.begin = beta_min, beta_max, end, begin

    def _integral(self, t: ArrayLike) -> Any:
        t = np.asarray(t, dtype=float)
        return self.beta_min * t + (self.beta_max - self.beta_min) * t**2 / 2

    def gamma(self, t: ArrayLike) -> Any:
        """Return exp(-B/2) with the integral B of the rate."""
        return np.exp(-self._integral(t) / 2)

    def sigma(self, t: ArrayLike) -> Any:
        """Return the square root of 1 - exp(-B)."""
        return np.sqrt(-np.expm1(-self._integral(t)))

    def _rate(self, t: ArrayLike) -> Any:
        return self.beta_min + (self.beta_max - self.beta_min) * np.asarray(t, dtype=float)

    def time_of_ratio(self, ratio: ArrayLike) -> Any:
        """Return the time at which sigma_t / gamma_t has a value."""
        integral = np.log1p(np.square(ratio))
        slope = self.beta_max - self.beta_min
        return 2 * integral / (self.beta_min + np.sqrt(self.beta_min**2 + 2 * slope * integral))


class ExplodingSchedule(Schedule):
    """Noise is added and nothing is taken away: gamma = 1, and the time is the noise level itself.

    Parameters
    ----------
    begin, end : float, default=0.002 and 80
        Smallest and largest noise level (Karras et al. 2022).
    """

    def __init__(self, begin: float = 0.002, end: float = 80.0) -> None:
        _check_range(begin, end, np.inf)
        self.begin, self.end = begin, end

    def gamma(self, t: ArrayLike) -> Any:
        """Return 1."""
        return np.ones_like(np.asarray(t, dtype=float))[()]

    def sigma(self, t: ArrayLike) -> Any:
        """Return t."""
        return np.asarray(t, dtype=float)[()]

    def drift(self, t: ArrayLike) -> Any:
        """Return 0."""
        return np.zeros_like(np.asarray(t, dtype=float))[()]

    def squared_diffusion(self, t: ArrayLike) -> Any:
        """Return 2 t."""
        return 2 * np.asarray(t, dtype=float)[()]

    def time_of_ratio(self, ratio: ArrayLike) -> Any:
        """Return the ratio: it is the time."""
        return np.asarray(ratio, dtype=float)[()]


class StraightSchedule(Schedule):
    """The straight line from data to noise: gamma = 1 - t and sigma = t.

    It is the path of flow matching, seen from the data: that chapter's time is 1 - t.

    Parameters
    ----------
    begin, end : float, default=0.001 and 0.999
        At 1 there is nothing but noise, and sigma / gamma is infinite.
    """

    def __init__(self, begin: float = 0.001, end: float = 0.999) -> None:
        _check_range(begin, end, 1.0)
        self.begin, self.end = begin, end

    def gamma(self, t: ArrayLike) -> Any:
        """Return 1 - t."""
        return 1 - np.asarray(t, dtype=float)[()]

    def sigma(self, t: ArrayLike) -> Any:
        """Return t."""
        return np.asarray(t, dtype=float)[()]

    def drift(self, t: ArrayLike) -> Any:
        """Return -1 / (1 - t)."""
        return -1 / self.gamma(t)

    def squared_diffusion(self, t: ArrayLike) -> Any:
        """Return 2 t / (1 - t)."""
        return 2 * self.ratio(t)

    def time_of_ratio(self, ratio: ArrayLike) -> Any:
        """Return ratio / (1 + ratio)."""
        ratio = np.asarray(ratio, dtype=float)[()]
        return ratio / (1 + ratio)


def _check_range(begin: float, end: float, largest: float) -> None:
    if not 0 < begin < end <= largest or not np.isfinite(end):
        raise ValueError(
            f"begin and end must satisfy 0 < begin < end <= {largest:g}, got begin={begin!r} and "
            f"end={end!r}"
        )
