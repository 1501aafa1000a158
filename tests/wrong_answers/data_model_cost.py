"""Wrong answers to the exercises on data, model and cost, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler


def _groups(x, y, g):
    """Give for each distinct x: its count, the mean and variance of y, and g there."""
    return [
        (np.sum(x == v), y[x == v].mean(), y[x == v].var(), g[x == v][0]) for v in sorted(set(x))
    ]


def _terms(x, y, g):
    rows = _groups(x, y, g)
    noise = sum(count * variance for count, _, variance, _ in rows) / len(x)
    misfit = sum(count * (mean - at) ** 2 for count, mean, _, at in rows) / len(x)
    return noise, misfit


def _plain(values):
    return sum(values) / len(values)


def _noise_by_value(x, y, g):
    return _plain([variance for _, _, variance, _ in _groups(x, y, g)])


def _misfit_by_value(x, y, g):
    return _plain([(mean - at) ** 2 for _, mean, _, at in _groups(x, y, g)])


def _exposure(t, n, t_max):
    return t.sum() + (n - t.size) * t_max


def _gradients(X, y, theta):
    return np.array([2 * x * (x @ theta - v) for x, v in zip(X, y, strict=True)])


def _cov(X, y, theta):
    return np.cov(_gradients(X, y, theta).T, bias=True)


def _batch(X, y, theta, B):
    n = len(y)
    return _cov(X, y, theta) * (n - B) / (n - 1) / B


def _cross_validate(X, y, fold, m, lam, scale=None, shift=None, rank=None, factor=None, own=False):
    out = np.empty(len(y))
    for k in set(fold):
        inside, outside = np.where(fold != k)[0], np.where(fold == k)[0]
        scaler = StandardScaler().fit(X if scale == "all" else X[inside])
        A = scaler.transform(X)
        base = y.mean() if shift == "all" else y[inside].mean()
        rows = np.arange(len(y)) if rank == "all" else inside
        strength = abs(np.array([np.cov(A[rows, j], y[rows])[0, 1] for j in range(A.shape[1])]))
        keep = np.argsort(strength)[::-1][:m]
        alpha = lam * (len(inside) if factor is None else factor)
        model = Ridge(alpha=alpha, fit_intercept=False).fit(A[inside][:, keep], y[inside] - base)
        new = StandardScaler().fit_transform(X[outside]) if own else A[outside]
        out[outside] = base + model.predict(new[:, keep])
    return out


def _of_itself(X, y, fold, m, lam):
    out = np.empty(len(y))
    for k in set(fold):
        rows = fold == k
        A = StandardScaler().fit_transform(X[rows])
        keep = np.argsort(-abs(A.T @ (y[rows] - y[rows].mean())))[:m]
        out[rows] = Ridge(alpha=lam * rows.sum()).fit(A[:, keep], y[rows]).predict(A[:, keep])
    return out


WRONG = {
    "data-model-cost-projection": [
        (
            "a factor 1/n is due",
            lambda x, y, g: tuple(len(x) * np.array(_terms(x, y, g))),
        ),
        (
            "not over the distinct values",
            lambda x, y, g: (_terms(x, y, g)[0], _misfit_by_value(x, y, g)),
        ),
        (
            "mean of the variances",
            lambda x, y, g: (_noise_by_value(x, y, g), _terms(x, y, g)[1]),
        ),
        (
            "Both terms are means over the distinct",
            lambda x, y, g: (_noise_by_value(x, y, g), _misfit_by_value(x, y, g)),
        ),
        ("in the wrong order", lambda x, y, g: _terms(x, y, g)[::-1]),
        ("the whole cost", lambda x, y, g: (_terms(x, y, g)[0], ((y - g) ** 2).mean())),
        ("mean of all y", lambda x, y, g: (y.std() ** 2, _terms(x, y, g)[1])),
        (
            "has a sign error",
            lambda x, y, g: (_terms(x, y, g)[0], _terms(x, y, -g)[1]),
        ),
        (
            "should have shape",
            lambda x, y, g: (
                np.array([variance for _, _, variance, _ in _groups(x, y, g)]),
                _terms(x, y, g)[1],
            ),
        ),
        ("should return 2 things", lambda x, y, g: sum(_terms(x, y, g))),
    ],
    "data-model-cost-lifetime": [
        ("mean of the recorded", lambda t, n, t_max: t.mean()),
        ("by the number of decays", lambda t, n, t_max: _exposure(t, n, t_max) / n),
        ("at time zero", lambda t, n, t_max: sum(t) / n),
        ("contributes its own time", lambda t, n, t_max: t_max / (len(t) / n)),
        (
            "time is subtracted",
            lambda t, n, t_max: t.mean() - (n / len(t) - 1) * t_max,
        ),
        ("decay rate", lambda t, n, t_max: len(t) / _exposure(t, n, t_max)),
        ("half-life", lambda t, n, t_max: np.log(2) * _exposure(t, n, t_max) / len(t)),
        (
            "look at the sign",
            lambda t, n, t_max: -_exposure(t, n, t_max) / len(t),
        ),
        ("should have shape", lambda t, n, t_max: t + (n - len(t)) * t_max),
    ],
    "data-model-cost-minibatch": [
        ("with replacement", lambda X, y, theta, B: _cov(X, y, theta) / B),
        (
            "or divide that covariance",
            lambda X, y, theta, B: (1 - B / len(y)) * _cov(X, y, theta) / B,
        ),
        (
            "np.cov has divided",
            lambda X, y, theta, B: (
                np.cov(_gradients(X, y, theta).T) * (len(y) - B) / (len(y) - 1) / B
            ),
        ),
        (
            "not centred",
            lambda X, y, theta, B: (
                _gradients(X, y, theta).T
                @ _gradients(X, y, theta)
                / len(y)
                / B
                * (len(y) - B)
                / (len(y) - 1)
            ),
        ),
        ("fourth of the right one", lambda X, y, theta, B: _batch(X / 2, y, 2 * theta, B)),
        ("covariance of the sum", lambda X, y, theta, B: _batch(X, y, theta, B) * B * B),
        ("it falls with B", lambda X, y, theta, B: _cov(X, y, theta)),
        ("-1: look at the sign", lambda X, y, theta, B: -_batch(X, y, theta, B)),
        ("should have shape", lambda X, y, theta, B: np.diag(_batch(X, y, theta, B))),
        ("times n.", lambda X, y, theta, B: len(y) * _batch(X, y, theta, B)),
    ],
    "data-model-cost-leakage": [
        (
            "what the leaky function returns",
            lambda *given: _cross_validate(*given, scale="all", shift="all", rank="all"),
        ),
        ("list of the best columns", lambda *given: _cross_validate(*given, rank="all")),
        ("still standardised before", lambda *given: _cross_validate(*given, scale="all")),
        ("mean of y is still", lambda *given: _cross_validate(*given, shift="all")),
        (
            "Only the choice of the columns",
            lambda *given: _cross_validate(*given, scale="all", shift="all"),
        ),
        ("with their own mean", lambda *given: _cross_validate(*given, own=True)),
        ("factor n of the training part", lambda *given: _cross_validate(*given, factor=1)),
        (
            "counts all samples",
            lambda X, y, fold, m, lam: _cross_validate(X, y, fold, m, lam, factor=len(y)),
        ),
        ("folds are exchanged", _of_itself),
        ("look at the sign", lambda *given: -_cross_validate(*given)),
        (
            "should have shape",
            lambda X, y, fold, m, lam: [
                _cross_validate(X, y, fold, m, lam)[fold == k].mean() for k in set(fold)
            ],
        ),
    ],
}
