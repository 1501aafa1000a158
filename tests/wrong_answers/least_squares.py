"""Wrong answers to the exercises on least squares, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy import stats


def _fit(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


def _covariance(X, y, divisor):
    n, p = X.shape
    return np.sum((y - X @ _fit(X, y)) ** 2) / divisor(n, p) * np.linalg.inv(X.T @ X)


def _bands(X, y, X_new, quantile, divisor=lambda n, p: n - p, own_noise=1.0):
    n, p = X.shape
    s2 = np.sum((y - X @ _fit(X, y)) ** 2) / divisor(n, p)
    v = s2 * np.diag(X_new @ np.linalg.pinv(X.T @ X) @ X_new.T)
    return quantile * np.sqrt(v), quantile * np.sqrt(v + own_noise * s2)


def _t(X, level):
    return stats.t.interval(level, len(X) - X.shape[1])[1]


def _weights(X, y, w):
    root = np.sqrt(w)[:, None]
    return _fit(X * root, y * root[:, 0]), np.linalg.inv((X * root).T @ (X * root))


def _cut_svd(X, y, keep):
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    return sum((U[:, j] @ y) / d[j] * Vt[j] for j in range(len(d)) if keep(d, j))


def _descend(X, y, step, k):
    theta = np.zeros(X.shape[1])
    for _ in range(k):
        theta = theta - step * X.T @ (X @ theta - y)
    return theta


def _filter_linear(X, y, eta, k):
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    return Vt.T @ np.diag((1 - (1 - 2 * eta * d / len(y)) ** k) / d) @ U.T @ y


Y = np.array([1.0, 0, 0, -1])
ISO = np.array([0.75, 0, 2, 0.75])


def _octet(masses, s, third=ISO - Y**2 / 4, sign=1, power=1, chi=None):
    X = np.column_stack([np.ones(4), sign * Y, third])
    theta = _weights(X, masses, s ** (-2.0 * power))[0]
    return theta, np.sum(((masses - X @ theta) / (s**power if chi is None else chi)) ** 2)


def _regge(J, y, s):
    theta, covariance = _weights(np.column_stack([J**0, J]), y, s**-2.0)
    return 1 / theta[1], np.sqrt(covariance[1, 1]) / theta[1] ** 2


def _regge_b(J, m, s):
    theta, covariance = _weights(np.column_stack([J**0, J]), m**2, (2 * m * s) ** -2.0)
    return theta[1], covariance[1, 1] ** 0.5


WRONG = {
    "ols-gradient": [
        ("factor 1/n is missing", lambda X, y, theta: -2 * X.T @ (y - X @ theta)),
        ("leaves a factor 2", lambda X, y, theta: np.mean(X.T * (X @ theta - y), axis=1)),
        ("Two factors are missing", lambda X, y, theta: X.T @ X @ theta - X.T @ y),
        ("The sign is wrong", lambda X, y, theta: 2 / len(y) * X.T @ (y - X @ theta)),
        ("number of features", lambda X, y, theta: 2 * X.T @ (X @ theta - y) / X.shape[1]),
        ("right one times -1/2", lambda X, y, theta: X.T @ (y - X @ theta) / len(y)),
        ("too much was summed", lambda X, y, theta: np.sum(2 / len(y) * X.T @ (X @ theta - y))),
        ("a column is another thing", lambda X, y, theta: (X.T @ (X @ theta - y))[:, None]),
        ("matmul", lambda X, y, theta: 2 / len(y) * X @ (X @ theta - y)),
    ],
    "ols-normal-equations": [
        ("right-hand side alone", lambda X, y: X.T @ y),
        ("too small by the factor n", lambda X, y: np.linalg.inv(X.T @ X) @ X.T @ y / len(X)),
        ("too large by the factor n", lambda X, y: np.linalg.solve(X.T @ X / len(X), X.T @ y)),
        ("The sign is wrong", lambda X, y: _fit(X, -y)),
        ("fit to centred data", lambda X, y: _fit(X - X.mean(axis=0), y)),
        ("a column is another thing", lambda X, y: _fit(X, y[:, None])),
        ("Is a `return` missing", lambda X, y: None),
    ],
    "ols-covariance": [
        ("not over n:", lambda X, y: _covariance(X, y, lambda n, p: n)),
        ("and not one", lambda X, y: _covariance(X, y, lambda n, p: n - 1)),
        ("not n - p - 1", lambda X, y: _covariance(X, y, lambda n, p: n - p - 1)),
        ("noise is missing", lambda X, y: np.linalg.pinv(X.T @ X)),
        (
            "The inverse is missing",
            lambda X, y: np.linalg.lstsq(X, y, rcond=None)[1] / (len(X) - X.shape[1]) * (X.T @ X),
        ),
        (
            "takes s^2",
            lambda X, y: (
                np.sqrt(np.sum((y - X @ _fit(X, y)) ** 2) / (len(X) - X.shape[1]))
                * np.linalg.inv(X.T @ X)
            ),
        ),
        (
            "not from the spread of y",
            lambda X, y: np.var(y) * len(y) / (len(X) - X.shape[1]) * np.linalg.inv(X.T @ X),
        ),
        ("right one times -1", lambda X, y: -_covariance(X, y, lambda n, p: n - p)),
        ("right one times 1/n", lambda X, y: _covariance(X, y, lambda n, p: n * (n - p))),
        ("should have shape", lambda X, y: np.diag(_covariance(X, y, lambda n, p: n - p))),
    ],
    "ols-weighted": [
        ("the weights are 1/s^2", lambda X, y, s: _weights(X, y, 1 / s)),
        ("upside down", lambda X, y, s: _weights(X, y, s**2)),
        ("fit without weights", lambda X, y, s: (_fit(X, y), np.linalg.inv(X.T @ X))),
        (
            "both sides need them",
            lambda X, y, s: (
                np.linalg.solve(X.T @ np.diag(s**-2.0) @ X, X.T @ y),
                _weights(X, y, s**-2.0)[1],
            ),
        ),
        (
            "chi^2 per degree of freedom",
            lambda X, y, s: (
                _weights(X, y, s**-2.0)[0],
                _covariance(X / s[:, None], y / s, lambda n, p: n - p),
            ),
        ),
        (
            "the inverse is missing",
            lambda X, y, s: (_weights(X, y, s**-2.0)[0], X.T @ np.diag(s**-2.0) @ X),
        ),
        (
            "has lost the weights",
            lambda X, y, s: (_weights(X, y, s**-2.0)[0], np.linalg.inv(X.T @ X)),
        ),
        (
            "theta is the right one times -1",
            lambda X, y, s: (-_weights(X, y, s**-2.0)[0], _weights(X, y, s**-2.0)[1]),
        ),
        (
            "covariance matrix is the right one times 1/n",
            lambda X, y, s: (_weights(X, y, s**-2.0)[0], _weights(X, y, s**-2.0)[1] / len(y)),
        ),
        ("should return 2 things", lambda X, y, s: _weights(X, y, s**-2.0)[0]),
        (
            "should have shape",
            lambda X, y, s: (
                _weights(X, y, s**-2.0)[0],
                np.sqrt(np.diag(_weights(X, y, s**-2.0)[1])),
            ),
        ),
    ],
    "ols-bands": [
        ("bands are exchanged", lambda X, y, Z, q: _bands(X, y, Z, _t(X, q))[::-1]),
        ("one-sided", lambda X, y, Z, q: _bands(X, y, Z, stats.t(len(X) - X.shape[1]).ppf(q))),
        ("not the normal one", lambda X, y, Z, q: _bands(X, y, Z, stats.norm.interval(q)[1])),
        ("own noise", lambda X, y, Z, q: _bands(X, y, Z, _t(X, q), own_noise=0)),
        ("n in place of n - p", lambda X, y, Z, q: _bands(X, y, Z, _t(X, q), lambda n, p: n)),
        ("one standard deviation wide", lambda X, y, Z, q: _bands(X, y, Z, 1)),
        (
            "add in squares",
            lambda X, y, Z, q: (
                _bands(X, y, Z, _t(X, q))[0],
                _bands(X, y, Z, _t(X, q))[0] + _bands(X, y, 0 * Z, _t(X, q))[1],
            ),
        ),
        ("right one times 2", lambda X, y, Z, q: np.multiply(2, _bands(X, y, Z, _t(X, q)))),
        ("right one times -1", lambda X, y, Z, q: _bands(X, y, Z, -_t(X, q))),
        ("right one times n", lambda X, y, Z, q: _bands(X, y, Z, len(X) * _t(X, q))),
        ("should have shape", lambda X, y, Z, q: _bands(X, y, X, _t(X, q))),
    ],
    "ols-minimum-norm": [
        ("All singular values", lambda X, y, rcond: np.linalg.pinv(X) @ y),
        ("compared with rcond itself", lambda X, y, r: _cut_svd(X, y, lambda d, j: d[j] > r)),
        (
            "truncated X^T y",
            lambda X, y, r: X.T @ X @ _cut_svd(X, y, lambda d, j: d[j] > r * d[0]),
        ),
        (
            "cut at its root",
            lambda X, y, r: np.linalg.pinv(X.T @ X, r) @ X.T @ y,
        ),
        ("The sign is wrong", lambda X, y, r: np.linalg.pinv(X, r) @ -y),
        ("right one times n", lambda X, y, r: len(y) * np.linalg.pinv(X, r) @ y),
        ("should have shape", lambda X, y, r: X @ np.linalg.pinv(X, r) @ y),
    ],
    "ols-gradient-descent-filter": [
        ("1/n of the cost is missing", lambda X, y, eta, k: _descend(X, y, 2 * eta, k)),
        ("2 of the gradient", lambda X, y, eta, k: _descend(X, y, eta / len(y), k)),
        (
            "still missing",
            lambda X, y, eta, k: _fit(X, y) - _descend(X, y, 2 * eta / len(y), k),
        ),
        ("k - 1 steps", lambda X, y, eta, k: _descend(X, y, 2 * eta / len(y), k - 1)),
        ("k + 1 steps", lambda X, y, eta, k: _descend(X, y, 2 * eta / len(y), k + 1)),
        ("where the iteration ends", lambda X, y, eta, k: np.linalg.pinv(X) @ y),
        ("shrinks with d^2", lambda X, y, eta, k: _filter_linear(X, y, eta, k)),
        ("right one times -1", lambda X, y, eta, k: -_descend(X, y, 2 * eta / len(y), k)),
        ("should have shape", lambda X, y, eta, k: X @ _descend(X, y, 2 * eta / len(y), k)),
    ],
    "gell-mann-okubo": [
        ("without errors", lambda m, s: _octet(m, np.ones(4))),
        ("chi^2 asks for 1/s^2", lambda m, s: _octet(m, s, power=0.5)),
        ("without - Y^2/4", lambda m, s: _octet(m, s, third=ISO)),
        ("wrong sign in it", lambda m, s: _octet(m, s, third=ISO + Y**2 / 4)),
        ("nucleon has Y = +1", lambda m, s: _octet(m, s, sign=-1)),
        ("divided by s before", lambda m, s: _octet(m, s, chi=np.ones(4))),
        ("divided by n = 4", lambda m, s: (_octet(m, s)[0], _octet(m, s)[1] / 4)),
        ("chi2 is the right one times -1", lambda m, s: (_octet(m, s)[0], -_octet(m, s)[1])),
        ("chi2 should have shape", lambda m, s: (_octet(m, s)[0], (m - m.mean()) / s)),
    ],
    "regge-trajectory": [
        ("errors are 2 m s", lambda J, m, s: _regge(J, m**2, s)),
        ("but for a factor", lambda J, m, s: _regge(J, m**2, m * s)),
        ("and not s^2", lambda J, m, s: _regge(J, m**2, s**2)),
        ("slope of m^2 against J", lambda J, m, s: _regge_b(J, m, s)),
        (
            "s_b / b^2",
            lambda J, m, s: (_regge(J, m**2, 2 * m * s)[0], _regge_b(J, m, s)[1]),
        ),
        (
            "is a variance",
            lambda J, m, s: (
                _regge(J, m**2, 2 * m * s)[0],
                _regge(J, m**2, 2 * m * s)[1] ** 2,
            ),
        ),
        ("m is fitted against J", lambda J, m, s: _regge(J, m, s)),
        ("same weight", lambda J, m, s: _regge(J, m**2, np.ones(4))),
        (
            "its error is the right one times -1",
            lambda J, m, s: (
                _regge(J, m**2, 2 * m * s)[0],
                -_regge(J, m**2, 2 * m * s)[1],
            ),
        ),
        ("should return 2 things", lambda J, m, s: _regge(J, m**2, 2 * m * s)[0]),
        (
            "should have shape ()",
            lambda J, m, s: np.outer(_regge(J, m**2, 2 * m * s), [1, 1]),
        ),
    ],
}
