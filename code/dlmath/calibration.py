"""Error bars that hold: coverage, conformal quantiles, scores, and ensembles.

Errors, standard deviations and half-widths are in one unit, that of the quantity predicted. A level
is the probability with which an interval should contain the truth: 0.95, not 0.05.
"""

import numpy as np
from scipy import stats

from dlmath.linear._validation import check_count, check_floats


def _vector(values, name, shape=None):
    """Return a vector of finite floats, at least one, of a given shape if one is given."""
    values = check_floats(values, name)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} must be a list of at least one number, got shape {values.shape}")
    if shape is not None and values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {values.shape}")
    return values


def _level(level):
    """Return a probability strictly between 0 and 1."""
    try:
        value = float(level)
    except (TypeError, ValueError):
        value = np.nan
    if not 0 < value < 1:
        raise ValueError(f"level must be a probability between 0 and 1, got {level!r}")
    return value


def _deviations(std, shape):
    """Return standard deviations, one for all errors or one each, all positive."""
    std = check_floats(std, "std")
    if std.shape not in ((), shape):
        raise ValueError(f"std must be one number or have shape {shape}, got {std.shape}")
    if np.any(std <= 0):
        raise ValueError("std must be above zero")
    return std


def coverage(error, half_width):
    """Share of the intervals that contain the truth.

    Equation ``eq-nuclear-masses-networks-coverage``.

    Parameters
    ----------
    error : array-like of shape (n_samples,)
        Truth minus the centre of the interval.
    half_width : float or array-like of shape (n_samples,)
        Of the intervals, their ends included; not negative, infinite if need be.

    Returns
    -------
    float
    """
    error = _vector(error, "error")
    half_width = np.asarray(half_width, dtype=float)
    if half_width.shape not in ((), error.shape):
        raise ValueError(
            f"half_width must be one number or have shape {error.shape}, got {half_width.shape}"
        )
    if not np.all(half_width >= 0):
        raise ValueError("half_width must not be negative, and no NaN")
    return float(np.mean(np.abs(error) <= half_width))


def conformal_rank(n, level):
    """Which of n sorted scores is the threshold: the least k with k / (n + 1) >= level.

    Equation ``eq-nuclear-masses-networks-rank``; n + 1 says that no score is large enough.

    Parameters
    ----------
    n : int
        Number of scores.
    level : float
        Between 0 and 1.

    Returns
    -------
    int
        Between 1 and n + 1.

    Examples
    --------
    >>> from dlmath.calibration import conformal_rank
    >>> [conformal_rank(n, 0.95) for n in (18, 19, 99)]
    [19, 19, 95]
    """
    n, level = check_count(n, "n"), _level(level)
    # 0.95 * 20 is 19 and must not become 20 by rounding.
    return int(np.ceil(round((n + 1) * level, 9)))


def conformal_quantile(scores, level):
    """Threshold which the score of a new sample does not exceed with the probability ``level``.

    Equation ``eq-nuclear-masses-networks-quantile``. It is guaranteed, by
    ``thm-nuclear-masses-networks-conformal``, if the scores and the new one are exchangeable.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        Of samples that the model has not seen.
    level : float
        Between 0 and 1.

    Returns
    -------
    float
        In the unit of the scores; infinite where there are too few scores for the level.

    Examples
    --------
    >>> from dlmath.calibration import conformal_quantile
    >>> conformal_quantile([0.3, 0.1, 0.2, 0.4], 0.6), conformal_quantile([0.3, 0.1], 0.95)
    (0.3, inf)
    """
    scores = np.sort(_vector(scores, "scores"))
    rank = conformal_rank(len(scores), level)
    return float(scores[rank - 1]) if rank <= len(scores) else np.inf


def ensemble(predictions):
    """Mean of the members of an ensemble, and their spread.

    Equation ``eq-nuclear-masses-networks-ensemble``.

    Parameters
    ----------
    predictions : array-like of shape (n_members, n_samples)
        Of at least two members.

    Returns
    -------
    mean, spread : ndarray of shape (n_samples,)
        The spread is a standard deviation, with n_members - 1 in the denominator of its square.
    """
    predictions = check_floats(predictions, "predictions")
    if predictions.ndim != 2 or len(predictions) < 2:
        raise ValueError(
            "predictions must have a row for each of at least two members, "
            f"got shape {predictions.shape}"
        )
    return predictions.mean(axis=0), predictions.std(axis=0, ddof=1)


def log_score(error, std):
    """Mean of minus the logarithm of the Gaussian density that was predicted; small is good.

    Equation ``eq-nuclear-masses-networks-log-score``.

    Parameters
    ----------
    error : array-like of shape (n_samples,)
        Truth minus prediction.
    std : float or array-like of shape (n_samples,)
        Predicted standard deviations.

    Returns
    -------
    float
    """
    error = _vector(error, "error")
    std = _deviations(std, error.shape)
    return float(-np.mean(stats.norm.logpdf(error, scale=std)))


def best_scale(error, std):
    """Factor by which to multiply all standard deviations so that the log score is least.

    Equation ``eq-nuclear-masses-networks-scale``.

    Parameters
    ----------
    error : array-like of shape (n_samples,)
        Truth minus prediction, not all zero.
    std : float or array-like of shape (n_samples,)
        Predicted standard deviations.

    Returns
    -------
    float
    """
    error = _vector(error, "error")
    if not np.any(error):
        raise ValueError("error must not be zero for all samples")
    return float(np.sqrt(np.mean((error / _deviations(std, error.shape)) ** 2)))
