"""What a fitted model is worth: leave-one-out in closed form, and the risk of least squares.

Only what scikit-learn does not have: for folds, scores and searches use
`sklearn.model_selection`. Samples are the rows of ``X``, and every cost carries the factor 1/n.
"""

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state, check_X_y, indexable
from sklearn.utils.validation import check_array

from dlmath.linear._ridge import ridge_filter
from dlmath.linear._validation import (
    centre,
    check_count,
    check_penalties,
    check_penalty,
    truncated_svd,
)

# A leverage this near to one is one: the sample alone determines a direction.
CLOSEST = 1e-12


def _filtered(X, y, lams, fit_intercept):
    """Residuals and leverages of ridge for each penalty, a row each, from one decomposition."""
    X, y = check_X_y(X, y, dtype=float, y_numeric=True)
    A, b, *_, n = centre(X, y.astype(float), None, fit_intercept)
    U, d, _ = truncated_svd(A)
    factors = ridge_filter(d, n, lams[:, np.newaxis])
    residuals = b - (factors * (U.T @ b)) @ U.T
    leverages = factors @ (U**2).T + bool(fit_intercept) / n
    return residuals, leverages


def _counts(values, name):
    """Return numbers of things as floats: whole, and at least one."""
    counts = np.asarray(values)
    if counts.dtype.kind not in "iu" or np.any(counts < 1):
        raise ValueError(f"{name} must be an integer of at least 1, got {values!r}")
    return counts.astype(float)


def _losses(model, X, y):
    """Loss of each sample: wrong or not for a classifier, the squared error for a regressor."""
    predicted = model.predict(X)
    return (predicted != y).astype(float) if is_classifier(model) else (predicted - y) ** 2


def leave_one_out_residuals(X, y, lam=0.0, *, fit_intercept=True):
    """Errors of n fits, each on all samples but one, from a single fit.

    Equation ``eq-model-assessment-loo``. Without sample i the fit has the penalty
    ``n lam / (n - 1)``, so that the product of penalty and number of samples, the strength of a
    prior, stays as it is. The intercept is not penalised. With ``lam = 0``, least squares.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    lam : float, default=0.0
        Not negative.
    fit_intercept : bool, default=True

    Returns
    -------
    ndarray of shape (n_samples,)
        ``y_i`` minus its prediction by the fit that has not seen it, in the unit of ``y``.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, a negative penalty, or a sample without which
        the fit is not unique: its leverage is one.
    """
    lams = np.array([check_penalty(lam)])
    (residuals,), (leverages,) = _filtered(X, y, lams, fit_intercept)
    alone = np.flatnonzero(leverages > 1 - CLOSEST)
    if alone.size:
        raise ValueError(f"X: without sample {alone[0]} the fit is not unique")
    return residuals / (1 - leverages)


def generalised_cross_validation(X, y, lams, *, fit_intercept=True):
    """Generalised cross-validation for several penalties: equation ``eq-model-assessment-gcv``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    lams : array-like of shape (n_lams,)
        Not negative.
    fit_intercept : bool, default=True

    Returns
    -------
    ndarray of shape (n_lams,)
        Mean squared residual over ``(1 - df / n)^2``, in the unit of ``y`` squared; infinite
        where the fit has as many degrees of freedom as there are samples.
    """
    residuals, leverages = _filtered(X, y, check_penalties(lams), fit_intercept)
    left = 1 - np.mean(leverages, axis=1)
    value = np.full(len(left), np.inf)
    np.divide(np.mean(residuals**2, axis=1), left**2, out=value, where=left > CLOSEST)
    return value


def bias_and_variance(predictions, truth):
    """Split the error of many fits into squared bias and variance, without bias.

    Equation ``eq-model-assessment-measured``. The mean of B predictions still scatters by the
    B-th part of the variance, which would pass for a bias; it is subtracted, so that the squared
    bias may come out slightly negative where it is small.

    Parameters
    ----------
    predictions : array-like of shape (n_fits, n_points)
        A row for each training set.
    truth : array-like of shape (n_points,)
        The mean of y given x at the points.

    Returns
    -------
    bias2, variance : ndarray of shape (n_points,)
    """
    predictions = check_array(predictions, dtype=float, input_name="predictions")
    truth = check_array(truth, dtype=float, ensure_2d=False, input_name="truth")
    n_fits, n_points = predictions.shape
    if n_fits < 2:
        raise ValueError("predictions must have at least two rows, one for each training set")
    if truth.shape != (n_points,):
        raise ValueError(f"truth must have shape ({n_points},), got {truth.shape}")
    variance = np.var(predictions, axis=0, ddof=1)
    return (np.mean(predictions, axis=0) - truth) ** 2 - variance / n_fits, variance


def minimum_norm_risk(n, p, s, r):
    """Mean excess risk of least squares of minimum norm on Gaussian features.

    Theorem ``thm-model-assessment-double-descent``: n samples of p independent standard normal
    features, noise of standard deviation ``s``, a true parameter of norm ``r``.

    Parameters
    ----------
    n, p : int or array-like of int
        At least one.
    s, r : float
        Not negative.

    Returns
    -------
    ndarray of the shape of ``n`` and ``p`` together
        ``E ||theta^+ - theta||^2``; infinite for p = n - 1, n and n + 1 if there is noise.
    """
    n, p = np.broadcast_arrays(_counts(n, "n"), _counts(p, "p"))
    s, r = check_penalty(s, "s"), check_penalty(r, "r")
    missed = r**2 * np.maximum(0, 1 - n / p)
    if s == 0:
        return missed
    # The smaller of the two numbers over what the larger has in excess, less one.
    spare = np.abs(n - p) - 1
    noise = np.full(missed.shape, np.inf)
    np.divide(s**2 * np.minimum(n, p), spare, out=noise, where=spare > 0)
    return missed + noise


def ridge_risk_limit(gamma, lam, s, r):
    """Excess risk of ridge on Gaussian features in the limit of many samples.

    Equation ``eq-model-assessment-ridge-limit``, from the law of Marchenko and Pastur.

    Parameters
    ----------
    gamma : float or array-like
        Features per sample, positive.
    lam : float or array-like
        Positive.
    s, r : float
        Standard deviation of the noise, norm of the true parameter.

    Returns
    -------
    ndarray
    """
    gamma, lam = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (gamma, lam)))
    if not (np.all(gamma > 0) and np.all(lam > 0)):
        raise ValueError("gamma and lam must be positive")
    s, r = check_penalty(s, "s"), check_penalty(r, "r")
    b = 1 - gamma + lam
    root = np.sqrt(b**2 + 4 * gamma * lam)
    # The positive root of gamma lam m^2 + b m = 1, written without a difference of near numbers.
    m = np.where(b > 0, 2 / (b + root), (root - b) / (2 * gamma * lam))
    slope = m * (gamma * m + 1) / root  # minus the derivative of m
    return (lam * r) ** 2 * slope + s**2 * gamma * (m - lam * slope)


def bootstrap_error(estimator, X, y, *, n_resamples=100, random_state=None):
    """Errors on the training data and out of the bag, and their .632 mix.

    Equation ``eq-model-assessment-632``. For a regressor squared errors, for a classifier the
    share of wrong answers.

    Parameters
    ----------
    estimator : object
        A scikit-learn estimator; it is cloned and not changed.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    n_resamples : int, default=100
    random_state : int, numpy.random.RandomState or None

    Returns
    -------
    training, out_of_bag, mixed : float
        The error of a fit to all data on these data; the mean error on samples that a resample
        did not draw; and ``0.368 training + 0.632 out_of_bag``.
    """
    X, y = indexable(np.asarray(X), np.asarray(y))
    if check_count(n_resamples, "n_resamples") == 0:
        raise ValueError("n_resamples must be at least 1")
    random, n = check_random_state(random_state), len(y)
    wrong, counted = np.zeros(n), np.zeros(n)
    for _ in range(n_resamples):
        drawn = random.randint(n, size=n)
        out = np.setdiff1d(np.arange(n), drawn)
        if out.size:
            wrong[out] += _losses(clone(estimator).fit(X[drawn], y[drawn]), X[out], y[out])
            counted[out] += 1
    if not np.all(counted):
        raise ValueError("n_resamples is too small: some samples were drawn by every resample")
    training = float(np.mean(_losses(clone(estimator).fit(X, y), X, y)))
    out_of_bag = float(np.mean(wrong / counted))
    return training, out_of_bag, np.exp(-1) * training + (1 - np.exp(-1)) * out_of_bag
