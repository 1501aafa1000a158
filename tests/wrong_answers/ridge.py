"""Wrong answers to the exercises on ridge regression, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.optimize import brentq


def _ridge(X, y, penalty):
    """Least squares on augmented data."""
    p = X.shape[1]
    rows = np.sqrt(penalty) * np.eye(p)
    return np.linalg.lstsq(np.vstack([X, rows]), np.append(y, np.zeros(p)), rcond=None)[0]


def _normal(X, y, penalty):
    return np.linalg.inv(X.T @ X + penalty) @ X.T @ y


def _centre(X, y):
    return X - np.mean(X, axis=0), y - np.mean(y)


def _both(X, y, lam, sign=-1.0, factor=None):
    theta = _ridge(*_centre(X, y), (len(y) if factor is None else factor) * lam)
    return np.mean(y) + sign * np.mean(X @ theta), theta


def _column_of_ones(X, y, lam):
    theta = _ridge(np.insert(X, 0, 1, axis=1), y, len(y) * lam)
    return theta[0], theta[1:]


def _uncentred(X, y, lam, target):
    theta = _ridge(X, target, len(y) * lam)
    return np.mean(y - X @ theta), theta


def _rows(X, y, lams, factor):
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    n = len(y)
    return np.array([Vt.T @ np.diag(factor(d, lam, n)) @ U.T @ y for lam in lams])


def _stacked(X, y, rows):
    XX, yy = np.concatenate([X, rows]), np.concatenate([y, np.zeros(rows.shape[0])])
    return np.linalg.pinv(XX) @ yy


def _trace(X, lam, centre=True):
    if centre:
        X = X - X.mean(axis=0)
    return np.trace(X @ np.linalg.inv(X.T @ X + len(X) * lam * np.eye(X.shape[1])) @ X.T)


def _find(function):
    return np.exp(brentq(lambda t: function(np.exp(t)), -30, 30, xtol=1e-13))


def _by_trace(X, total, centre=True):
    return _find(lambda lam: _trace(X, lam, centre) - total)


def _by_singular_values(X, total):
    d = np.linalg.svd(X - X.mean(axis=0))[1]
    return _find(lambda lam: sum(d / (d + len(X) * lam)) - total)


def _by_residual(X, y, squares):
    return _find(lambda lam: sum((y - X @ _ridge(X, y, len(y) * lam)) ** 2) - squares)


def _by_components(X, y, s, power):
    U, d, _ = np.linalg.svd(X, full_matrices=False)
    n, b = len(y), U.T @ y
    outside = y @ y - b @ b if power == 1 else 0
    return _find(lambda lam: sum((n * lam / (d**2 + n * lam)) ** power * b**2) + outside - n * s**2)


WRONG = {
    "ridge-solution": [
        ("n lambda is what stands beside", lambda X, y, lam: _ridge(X, y, lam)),
        (
            "one of the two is enough",
            lambda X, y, lam: np.linalg.solve(
                X.T @ X / len(y) + len(y) * lam * np.eye(X.shape[1]), X.T @ y / len(y)
            ),
        ),
        ("squares have lost", lambda X, y, lam: _ridge(X, y, 2 * len(y) * lam)),
        ("only half its weight", lambda X, y, lam: _ridge(X, y, len(y) * lam / 2)),
        (
            "wrong sign",
            lambda X, y, lam: _normal(X, y, -len(y) * lam * np.eye(X.shape[1])),
        ),
        ("number of features", lambda X, y, lam: _ridge(X, y, X.shape[1] * lam)),
        ("no effect", lambda X, y, lam: np.linalg.pinv(X) @ y),
        ("every element", lambda X, y, lam: _normal(X, y, len(y) * lam)),
        ("fit to centred data", lambda X, y, lam: _ridge(*_centre(X, y), len(y) * lam)),
        (
            "right one times n",
            lambda X, y, lam: np.linalg.solve(X.T @ X / len(y) + lam * np.eye(X.shape[1]), X.T @ y),
        ),
        ("right one times -1: look at the sign", lambda X, y, lam: _ridge(X, -y, len(y) * lam)),
        ("should have shape", lambda X, y, lam: X @ _ridge(X, y, len(y) * lam)),
        ("a column is another thing", lambda X, y, lam: _ridge(X, y, len(y) * lam)[:, None]),
    ],
    "ridge-intercept": [
        ("intercept is penalised", _column_of_ones),
        ("from each column of X its mean", lambda X, y, lam: _uncentred(X, y, lam, y)),
        ("y is centred and X is not", lambda X, y, lam: _uncentred(X, y, lam, y - y.mean())),
        ("of the centred columns", lambda X, y, lam: (np.mean(y), _both(X, y, lam)[1])),
        ("sign before the means", lambda X, y, lam: _both(X, y, lam, sign=1)),
        ("a factor n is missing", lambda X, y, lam: _both(X, y, lam, factor=1)),
        (
            "theta is the right one times -1",
            lambda X, y, lam: (_both(X, y, lam)[0], -_both(X, y, lam)[1]),
        ),
        ("should return 2 things", lambda X, y, lam: np.append(*_both(X, y, lam))),
        (
            "intercept should have shape ()",
            lambda X, y, lam: (y - X @ _both(X, y, lam)[1], _both(X, y, lam)[1]),
        ),
    ],
    "ridge-filter": [
        (
            "a factor n is missing",
            lambda X, y, lams: _rows(X, y, lams, lambda d, lam, n: d / (d**2 + lam)),
        ),
        (
            "division by d",
            lambda X, y, lams: _rows(X, y, lams, lambda d, lam, n: 1 / (1 + n * lam / d**2)),
        ),
        (
            "squares of the singular values",
            lambda X, y, lams: _rows(X, y, lams, lambda d, lam, n: d / (d + n * lam) / d),
        ),
        (
            "takes away",
            lambda X, y, lams: _rows(X, y, lams, lambda d, lam, n: 1 / d - d / (d**2 + n * lam)),
        ),
        (
            "sign before the penalty",
            lambda X, y, lams: np.array(
                [_normal(X, y, -len(y) * lam * np.eye(X.shape[1])) for lam in lams]
            ),
        ),
        ("do not depend on lambda", lambda X, y, lams: [np.linalg.pinv(X) @ y for _ in lams]),
        (
            "reverse order",
            lambda X, y, lams: [_ridge(X, y, len(y) * lam) for lam in sorted(lams)[::-1]],
        ),
        (
            "right one times -1",
            lambda X, y, lams: [_ridge(X, -y, len(y) * lam) for lam in lams],
        ),
        (
            "A transpose is missing",
            lambda X, y, lams: np.transpose([_ridge(X, y, len(y) * lam) for lam in lams]),
        ),
        ("should have shape", lambda X, y, lams: _ridge(X, y, len(y) * lams[0])),
    ],
    "ridge-augmented": [
        ("need a factor n", lambda X, y, L, lam: _stacked(X, y, lam**0.5 * L)),
        ("the root is missing", lambda X, y, L, lam: _stacked(X, y, len(X) * lam * L)),
        ("root of lambda is missing", lambda X, y, L, lam: _stacked(X, y, len(X) ** 0.5 * lam * L)),
        (
            "that were added too",
            lambda X, y, L, lam: _stacked(X, y, np.sqrt(len(np.vstack([X, L])) * lam) * L),
        ),
        ("plain ridge", lambda X, y, L, lam: _ridge(X, y, len(X) * lam)),
        ("sign of the penalty", lambda X, y, L, lam: _normal(X, y, -len(X) * lam * L.T @ L)),
        ("no effect", lambda X, y, L, lam: np.linalg.lstsq(X, y, rcond=None)[0]),
        (
            "right one times -1",
            lambda X, y, L, lam: _stacked(-X, y, np.sqrt(len(X) * lam) * L),
        ),
        (
            "should have shape",
            lambda X, y, L, lam: L @ _normal(X, y, len(X) * lam * L.T @ L),
        ),
    ],
    "ridge-dof": [
        ("whole degree of freedom", lambda X, dof: _by_trace(X, dof)),
        ("of the centred columns", lambda X, dof: _by_trace(X, dof - 1, centre=False)),
        ("Neither is X centred", lambda X, dof: _by_trace(X, dof, centre=False)),
        ("the factor n has still", lambda X, dof: len(X) * _by_trace(X, dof - 1)),
        ("squares of the singular values", lambda X, dof: _by_singular_values(X, dof - 1)),
        ("what is left", lambda X, dof: _by_trace(X, X.shape[1] + 1 - dof)),
        ("right one times -1: look at the sign", lambda X, dof: -_by_trace(X, dof - 1)),
        ("should have shape", lambda X, dof: np.full(X.shape[1], _by_trace(X, dof - 1))),
    ],
    "ridge-discrepancy": [
        ("their mean that should be", lambda X, y, s: _by_residual(X, y, s**2)),
        ("not squared", lambda X, y, s: _by_residual(X, y, len(y) * s)),
        ("(n - p) s^2", lambda X, y, s: _by_residual(X, y, (len(y) - X.shape[1]) * s**2)),
        ("This is n lambda", lambda X, y, s: len(y) * _by_residual(X, y, len(y) * s**2)),
        ("outside the range of X", lambda X, y, s: _by_components(X, y, s, 2)),
        ("the square is missing", lambda X, y, s: _by_components(X, y, s, 1)),
        ("look at the sign", lambda X, y, s: -_by_residual(X, y, len(y) * s**2)),
        ("should have shape", lambda X, y, s: [_by_residual(X, y, len(y) * s**2)]),
    ],
}
