"""Error bars of averages over correlated samples."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _check_series(series: Any) -> NDArray[np.float64]:
    try:
        values = np.asarray(series, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"series must hold numbers: {error}") from error
    if values.ndim == 1:
        values = values[np.newaxis]
    if values.ndim != 2 or values.shape[0] == 0 or values.shape[1] < 2:
        raise ValueError(
            "series must have the shape (n_steps,) or (n_chains, n_steps) with at least 2 steps, "
            f"got {np.shape(series)}."
        )
    if not np.isfinite(values).all():
        raise ValueError("series contains NaN or infinity.")
    return values


def autocorrelation(series: Any) -> NDArray[np.float64]:
    """Autocorrelation of a series, averaged over chains.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_chains, n_steps)
        One observable in the order of time. All chains have the same mean, which is estimated
        from them together.

    Returns
    -------
    rho : ndarray of shape (n_steps,)
        rho[0] = 1; all zero after it if the series is constant.

    Raises
    ------
    ValueError
        If the shape is wrong or a value not finite.
    """
    values = _check_series(series)
    deviations = values - values.mean()
    steps = values.shape[1]
    # Padding with zeros keeps the transform's periods apart.
    spectrum = np.fft.rfft(deviations, 2 * steps, axis=1)
    sums = np.fft.irfft(np.mean(np.abs(spectrum) ** 2, axis=0), 2 * steps)[:steps]
    covariance = sums / np.arange(steps, 0, -1)
    if covariance[0] <= 0:
        return np.eye(1, steps)[0]
    return covariance / covariance[0]


def integrated_autocorrelation_time(series: Any, window: float = 5.0) -> float:
    """Integrated autocorrelation time, 1/2 + sum of rho(t), with an automatic window.

    The sum ends at the smallest W with W >= window * tau_int(W): longer sums add noise, shorter
    ones miss correlations. Independent samples have 1/2, and the variance of a mean over n steps
    is 2 tau_int / n times that of one sample.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_chains, n_steps)
        One observable in the order of time.
    window : float, default=5.0
        Length of the window in units of the time itself.

    Returns
    -------
    tau_int : float
        In steps.

    Raises
    ------
    ValueError
        If the shape is wrong, a value not finite or the window not positive.

    References
    ----------
    N. Madras and A.D. Sokal, Journal of Statistical Physics 50 (1988) 109.
    """
    if not 0 < window < np.inf:
        raise ValueError(f"window must be positive, got {window!r}.")
    times = np.cumsum(autocorrelation(series)) - 0.5
    long_enough = np.arange(len(times)) >= window * times
    end = int(np.argmax(long_enough)) if long_enough.any() else len(times) - 1
    return float(times[end])


def mean_and_error(series: Any) -> tuple[float, float]:
    """Mean of a correlated series and its standard error.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_chains, n_steps)
        One observable in the order of time, in equilibrium.

    Returns
    -------
    mean, error : float
        The error is sqrt(2 tau_int / n) times the standard deviation, with n values in all.

    Raises
    ------
    ValueError
        If the shape is wrong or a value not finite.
    """
    values = _check_series(series)
    # An estimated time below that of independent samples is noise, or luck not to rely on.
    tau_int = max(0.5, integrated_autocorrelation_time(values))
    return float(values.mean()), float(values.std() * np.sqrt(2 * tau_int / values.size))
