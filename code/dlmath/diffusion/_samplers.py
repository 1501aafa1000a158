"""Samplers: from noise to data along a grid of times, with any denoiser.

All have the arguments ``denoise`` (a function of states of shape (n, n_features) and a time that
returns the estimate of x_0), ``x`` (the states at the first time), ``schedule`` and ``times``
(decreasing, as `Schedule.times` makes them), and return the states at the last time, or with
``path=True`` those at all times, of shape (n_times, n, n_features).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlmath.diffusion._schedules import Schedule

Floats = NDArray[np.float64]
Denoiser = Callable[[Floats, float], Floats]
Divergence = Callable[[Floats, float], Floats]
Move = Callable[[Floats, float, float], Floats]


def _check_times(times: ArrayLike, schedule: Schedule, *, both_ways: bool = False) -> Floats:
    values = np.asarray(times, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"times must hold at least two times, so that there is a step, got {values}"
        )
    steps = np.diff(values)
    if not ((steps < 0).all() or (both_ways and (steps > 0).all())):
        raise ValueError(f"times must decrease{' or increase' if both_ways else ''}, got {values}")
    if not (values.min() >= 0 and values.max() <= schedule.end * (1 + 1e-12)):
        raise ValueError(
            f"times must lie between 0 and the schedule's end {schedule.end:g}, got "
            f"{values.min():g} to {values.max():g}"
        )
    return values


def _check_share(name: str, value: Any, largest: float = np.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        limit = "0 or more" if largest == np.inf else f"from 0 to {largest:g}"
        raise ValueError(f"{name} must be a number, {limit}, got {value!r}")
    return float(value)


def _walk(x: ArrayLike, times: Floats, move: Move, path: bool) -> Floats:
    """Apply ``move(x, t, s)`` along the grid, and stop if a state is not finite."""
    x = np.array(x, dtype=float)
    if not np.isfinite(x).all():
        raise ValueError("x must be finite")
    states = [x]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t, s in pairwise(times):
            x = move(x, float(t), float(s))
            if not np.isfinite(x).all():
                raise FloatingPointError(
                    f"a state is not finite after the step from {t:g} to {s:g}"
                )
            if path:
                states.append(x)
    return np.array(states) if path else x


def score_of(denoise: Denoiser, schedule: Schedule) -> Denoiser:
    """Return the score that belongs to a denoiser, by Tweedie's formula.

    Equation ``eq-score-and-stochastic-differential-equations-tweedie``.

    Parameters
    ----------
    denoise : callable
        Estimate of x_0.
    schedule : Schedule
        Its schedule.

    Returns
    -------
    score : callable
        ``score(x, t)``, the gradient of log p_t where the denoiser is exact; t must be above 0.
    """

    def score(x: Floats, t: float) -> Floats:
        return (schedule.gamma(t) * denoise(x, t) - x) / schedule.sigma(t) ** 2

    return score


def _between(schedule: Schedule, t: float, s: float) -> tuple[float, float]:
    """Return, for s < t, the factor a of x_s in x_t and the variance of the noise between them."""
    a = float(schedule.gamma(t) / schedule.gamma(s))
    return a, float(schedule.sigma(t) ** 2 - (a * schedule.sigma(s)) ** 2)


def ancestral(
    denoise: Denoiser,
    x: ArrayLike,
    schedule: Schedule,
    times: ArrayLike,
    rng: np.random.Generator,
    *,
    variance: str = "posterior",
    path: bool = False,
) -> Floats:
    """Draw each x_s from q(x_s | x_t, x_0) with the estimate of x_0 in the place of x_0.

    Equation ``eq-denoising-diffusion-ancestral``; the sampler of Ho et al. (2020).

    Parameters
    ----------
    denoise, x, schedule, times, path
        As for all samplers, see the module.
    rng : numpy.random.Generator
        Source of the noise: one array of the shape of ``x`` for each step but one to time 0.
    variance : {"posterior", "forward"}, default="posterior"
        Variance of the noise: that of the posterior (beta-tilde), or of the forward step (beta).

    Returns
    -------
    x : ndarray
        Samples.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    FloatingPointError
        If a state is not finite.
    """
    if variance not in ("posterior", "forward"):
        raise ValueError(f"variance must be 'posterior' or 'forward', got {variance!r}")

    def move(x: Floats, t: float, s: float) -> Floats:
        estimate = denoise(x, t)
        a, added = _between(schedule, t, s)
        before, now = schedule.sigma(s) ** 2, schedule.sigma(t) ** 2
        mean = (a * before * x + schedule.gamma(s) * added * estimate) / now
        if s == 0:
            return mean
        spread = added * before / now if variance == "posterior" else added
        return mean + np.sqrt(spread) * rng.standard_normal(x.shape)

    return _walk(x, _check_times(times, schedule), move, path)


def ddim(
    denoise: Denoiser,
    x: ArrayLike,
    schedule: Schedule,
    times: ArrayLike,
    *,
    churn: float = 0.0,
    rng: np.random.Generator | None = None,
    path: bool = False,
) -> Floats:
    """Keep the estimated noise and put it back with its next amplitude (Song et al. 2021).

    Equation ``eq-score-and-stochastic-differential-equations-ddim``.

    Parameters
    ----------
    denoise, x, schedule, times, path
        As for all samplers, see the module.
    churn : float, default=0
        Share of the posterior's standard deviation that is drawn afresh, from 0 (deterministic) to
        1 (then it is `ancestral`). Others call it eta.
    rng : numpy.random.Generator, optional
        Needed if ``churn`` is above 0.

    Returns
    -------
    x : ndarray
        Samples.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    FloatingPointError
        If a state is not finite.
    """
    churn = _check_share("churn", churn, 1)
    if churn > 0 and rng is None:
        raise ValueError("rng must be given if churn is above 0")

    def move(x: Floats, t: float, s: float) -> Floats:
        estimate = denoise(x, t)
        noise = (x - schedule.gamma(t) * estimate) / schedule.sigma(t)
        before = schedule.sigma(s)
        if churn == 0 or s == 0:
            return schedule.gamma(s) * estimate + before * noise
        _, added = _between(schedule, t, s)
        fresh = churn * np.sqrt(added) * before / schedule.sigma(t)
        kept = np.sqrt(np.maximum(before**2 - fresh**2, 0.0))
        draws = rng.standard_normal(x.shape)  # type: ignore[union-attr]
        return schedule.gamma(s) * estimate + kept * noise + fresh * draws

    return _walk(x, _check_times(times, schedule), move, path)


def dpm_solver(
    denoise: Denoiser, x: ArrayLike, schedule: Schedule, times: ArrayLike, *, path: bool = False
) -> Floats:
    """Extrapolate the estimate of x_0 through the last two times: DPM-Solver++(2M).

    Second order with one evaluation a step (Lu et al. 2022); the first step, and one to time 0,
    are of first order, as `ddim`. Equation
    ``eq-score-and-stochastic-differential-equations-multistep``.

    Parameters
    ----------
    denoise, x, schedule, times, path
        As for all samplers, see the module.

    Returns
    -------
    x : ndarray
        Samples.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    FloatingPointError
        If a state is not finite.
    """
    last: tuple[Floats, float] | None = None

    def move(x: Floats, t: float, s: float) -> Floats:
        nonlocal last
        now = denoise(x, t)
        if s == 0:
            return schedule.gamma(0.0) * now
        # Steps h of lambda, half the logarithm of the signal-to-noise ratio.
        h = float(schedule.log_snr(s) - schedule.log_snr(t)) / 2
        extrapolated = now
        if last is not None:
            extrapolated = now + h / (2 * last[1]) * (now - last[0])
        last = now, h
        factor = schedule.sigma(s) / schedule.sigma(t)
        return factor * x - schedule.gamma(s) * np.expm1(-h) * extrapolated

    return _walk(x, _check_times(times, schedule), move, path)


def heun(
    denoise: Denoiser, x: ArrayLike, schedule: Schedule, times: ArrayLike, *, path: bool = False
) -> Floats:
    """Follow the probability-flow equation of x / gamma in the variable sigma / gamma by Heun.

    There it says that the derivative is the estimated noise; two evaluations a step, one in a step
    to time 0 (Karras et al. 2022). Equation
    ``eq-score-and-stochastic-differential-equations-heun``.

    Parameters
    ----------
    denoise, x, schedule, times, path
        As for all samplers, see the module.

    Returns
    -------
    x : ndarray
        Samples.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    FloatingPointError
        If a state is not finite.
    """

    def slope(x: Floats, t: float) -> Floats:
        return (x - schedule.gamma(t) * denoise(x, t)) / schedule.sigma(t)

    def move(x: Floats, t: float, s: float) -> Floats:
        step = schedule.ratio(s) - schedule.ratio(t)
        first = slope(x, t)
        scaled = x / schedule.gamma(t)
        if s == 0:
            return schedule.gamma(s) * (scaled + step * first)
        second = slope(schedule.gamma(s) * (scaled + step * first), s)
        return schedule.gamma(s) * (scaled + step * (first + second) / 2)

    return _walk(x, _check_times(times, schedule), move, path)


def euler_maruyama(
    denoise: Denoiser,
    x: ArrayLike,
    schedule: Schedule,
    times: ArrayLike,
    rng: np.random.Generator,
    *,
    noise: float = 1.0,
    path: bool = False,
) -> Floats:
    """Walk along dx = (f x - (g^2 + c^2)/2 score) dt + c dB from noise to data, with c = noise g.

    Equation ``eq-score-and-stochastic-differential-equations-family``.

    Parameters
    ----------
    denoise, x, schedule, times, path
        As for all samplers, see the module; the times must end above 0.
    rng : numpy.random.Generator
        Source of the noise: one array of the shape of ``x`` for each step, also if ``noise`` is 0.
    noise : float, default=1
        1 is the time reversal of the forward equation, 0 Euler's method for the probability flow.

    Returns
    -------
    x : ndarray
        States at the last time.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    FloatingPointError
        If a state is not finite.
    """
    noise = _check_share("noise", noise)
    grid = _check_times(times, schedule)
    if grid[-1] == 0:
        raise ValueError("times must end above 0, where the score exists; denoise once from there")
    score = score_of(denoise, schedule)

    def move(x: Floats, t: float, s: float) -> Floats:
        gap, square = t - s, schedule.squared_diffusion(t)
        drift = schedule.drift(t) * x - (1 + noise**2) / 2 * square * score(x, t)
        draws = rng.standard_normal(x.shape)
        return x - gap * drift + noise * np.sqrt(square * gap) * draws

    return _walk(x, grid, move, path)


def probability_flow(
    denoise: Denoiser,
    x: ArrayLike,
    schedule: Schedule,
    times: ArrayLike,
    *,
    divergence: Divergence | None = None,
    path: bool = False,
) -> Any:
    """Follow dx/dt = f x - g^2/2 score with the classical method of Runge and Kutta, either way.

    Equation ``eq-score-and-stochastic-differential-equations-flow``. With a divergence it also
    adds up the change of the log-density along each path.

    Parameters
    ----------
    denoise, x, schedule, path
        As for all samplers, see the module.
    times : array-like of shape (n_times,)
        Decreasing (noise to data) or increasing (data to noise), above 0.
    divergence : callable, optional
        ``divergence(x, t)`` of shape (n,): that of the denoiser, the trace of its Jacobian.

    Returns
    -------
    x : ndarray
        States at the last time.
    change : ndarray of shape (n,)
        Only with ``divergence``: log p at the last state minus log p at the first, each at its
        time. For data, ``log_prob = log p_end(x_end) - change``.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    FloatingPointError
        If a state is not finite.
    """
    grid = _check_times(times, schedule, both_ways=True)
    if grid.min() == 0:
        raise ValueError("times must stay above 0, where the score exists; denoise once from there")
    score = score_of(denoise, schedule)
    change = np.zeros(len(np.asarray(x)))

    def velocity(x: Floats, t: float) -> Floats:
        return schedule.drift(t) * x - schedule.squared_diffusion(t) / 2 * score(x, t)

    def spreading(x: Floats, t: float) -> Floats:
        assert divergence is not None
        of_score = (schedule.gamma(t) * divergence(x, t) - x.shape[1]) / schedule.sigma(t) ** 2
        return schedule.drift(t) * x.shape[1] - schedule.squared_diffusion(t) / 2 * of_score

    def move(x: Floats, t: float, s: float) -> Floats:
        nonlocal change
        gap, middle = s - t, (s + t) / 2
        first = velocity(x, t)
        at_second = x + gap / 2 * first
        second = velocity(at_second, middle)
        at_third = x + gap / 2 * second
        third = velocity(at_third, middle)
        at_last = x + gap * third
        last = velocity(at_last, s)
        if divergence is not None:
            middles = spreading(at_second, middle) + spreading(at_third, middle)
            sums = spreading(x, t) + 2 * middles + spreading(at_last, s)
            change = change - gap / 6 * sums
        return x + gap / 6 * (first + 2 * second + 2 * third + last)

    states = _walk(x, grid, move, path)
    return states if divergence is None else (states, change)
