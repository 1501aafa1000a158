"""Wrong answers to the exercises on model assessment, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _solve(X, y, penalty):
    return np.linalg.inv(X.T @ X + penalty * np.identity(X.shape[1])) @ X.T @ y


def _hat(X, penalty):
    return np.column_stack([X @ _solve(X, e, penalty) for e in np.eye(len(X))])


def _refits(X, y, penalty):
    """Leave each sample out and fit again."""
    out = []
    for i in range(len(y)):
        theta = _solve(np.delete(X, i, axis=0), np.delete(y, i), penalty)
        out.append(y[i] - X[i] @ theta)
    return np.array(out)


def _fold_refits(X, y, fold, penalty):
    out = np.zeros(len(y))
    for k in range(max(fold) + 1):
        theta = _solve(X[fold != k], y[fold != k], penalty(np.sum(fold != k)))
        out[fold == k] = y[fold == k] - X[fold == k] @ theta
    return out


def _blocks(X, y, lam, fold, sign=-1, divide=True):
    n = len(y)
    H = _hat(X, n * lam)
    e, out = y - H @ y, np.zeros(n)
    for k in range(max(fold) + 1):
        F = np.where(fold == k)[0]
        M = np.identity(F.size) + sign * H[F][:, F]
        out[F] = np.linalg.inv(M) @ e[F] if divide else M @ e[F]
    return out


def _curve(X, y, lams, value):
    n = len(y)
    out = []
    for lam in lams:
        H = _hat(X, n * lam)
        out.append(value(y - H @ y, np.trace(H), n, H))
    return np.array(out)


def _risk(theta, s, n, p, noise=None, extra=None, one=1, bias=1):
    t2 = sum(theta[p:] ** 2)
    noise = s**2 + t2 if noise is None else noise
    extra = t2 if extra is None else extra
    few, spare = min(n, p), abs(n - p) - one
    seen = bias * sum(theta[:p] ** 2) * (1 - n / p) if p > n else 0
    return extra + seen + noise * few / spare


WRONG = {
    "assessment-paired": [
        (
            "two independent test sets",
            lambda a, b: (
                a.mean() - b.mean(),
                np.sqrt(np.var(a, ddof=1) / a.size + np.var(b, ddof=1) / b.size),
            ),
        ),
        (
            "smaller by the root of n",
            lambda a, b: (np.mean(a - b), np.std(a - b, ddof=1)),
        ),
        ("asks for m - 1", lambda a, b: (np.mean(a - b), np.std(a - b) / len(a) ** 0.5)),
        (
            "its root is the standard error",
            lambda a, b: (np.mean(a - b), np.cov(a - b) / len(a)),
        ),
        (
            "has the wrong sign",
            lambda a, b: (np.mean(b - a), np.std(b - a, ddof=1) / np.sqrt(len(a))),
        ),
        ("should return 2 things", lambda a, b: np.mean(a - b)),
        ("should have shape", lambda a, b: (a - b, np.std(a - b, ddof=1) / np.sqrt(len(a)))),
    ],
    "assessment-loo": [
        ("plain residuals", lambda X, y, lam: y - X @ _solve(X, y, len(y) * lam)),
        ("a factor n is missing", lambda X, y, lam: _refits(X, y, lam)),
        (
            "the same number",
            lambda X, y, lam: (
                (y - X @ _solve(X, y, len(y) * lam))
                / (1 - np.trace(_hat(X, len(y) * lam)) / len(y))
            ),
        ),
        (
            "sign before the leverage",
            lambda X, y, lam: (
                (y - X @ _solve(X, y, len(y) * lam)) / (1 + _hat(X, len(y) * lam).diagonal())
            ),
        ),
        ("same lambda with n - 1", lambda X, y, lam: _refits(X, y, (len(y) - 1) * lam)),
        ("right for least squares", lambda X, y, lam: _refits(X, y, 0)),
        ("look at the sign", lambda X, y, lam: -_refits(X, y, len(y) * lam)),
        ("should have shape", lambda X, y, lam: np.mean(_refits(X, y, len(y) * lam) ** 2)),
    ],
    "assessment-same-lambda": [
        ("shortcut at fixed n lambda", lambda X, y, lam: _refits(X, y, len(y) * lam)),
        ("n lambda + lambda", lambda X, y, lam: _refits(X, y, (len(y) + 1) * lam)),
        ("number of samples is missing", lambda X, y, lam: _refits(X, y, lam)),
        (
            "plain residuals",
            lambda X, y, lam: y - X @ _solve(X, y, (len(y) - 1) * lam),
        ),
        (
            "two different fits",
            lambda X, y, lam: (
                (y - X @ _solve(X, y, len(y) * lam)) / (1 - np.diag(_hat(X, (len(y) - 1) * lam)))
            ),
        ),
        ("look at the sign", lambda X, y, lam: -_refits(X, y, (len(y) - 1) * lam)),
        ("should have shape", lambda X, y, lam: _refits(X, y, (len(y) - 1) * lam)[:, None]),
    ],
    "assessment-fold": [
        ("single samples left out", lambda X, y, lam, fold: _refits(X, y, len(y) * lam)),
        (
            "a factor n is missing",
            lambda X, y, lam, fold: _fold_refits(X, y, fold, lambda rest: lam),
        ),
        (
            "nothing has been left out",
            lambda X, y, lam, fold: y - X @ _solve(X, y, len(y) * lam),
        ),
        (
            "should be divided",
            lambda X, y, lam, fold: _blocks(X, y, lam, fold, divide=False),
        ),
        ("sign before the block", lambda X, y, lam, fold: _blocks(X, y, lam, fold, sign=1)),
        (
            "refits with the same lambda",
            lambda X, y, lam, fold: _fold_refits(X, y, fold, lambda rest: rest * lam),
        ),
        ("should have shape", lambda X, y, lam, fold: _blocks(X, y, lam, fold)[fold == 0]),
    ],
    "assessment-gcv": [
        (
            "the square is missing",
            lambda X, y, lams: _curve(X, y, lams, lambda e, df, n, H: e @ e / n / (1 - df / n)),
        ),
        (
            "a factor n is missing",
            lambda X, y, lams: _curve(
                X, y, lams / len(y), lambda e, df, n, H: e @ e / n / (1 - df / n) ** 2
            ),
        ),
        (
            "outside the range",
            lambda X, y, lams: _curve(
                X,
                np.linalg.qr(X)[0] @ (np.linalg.qr(X)[0].T @ y),
                lams,
                lambda e, df, n, H: e @ e / n / (1 - df / n) ** 2,
            ),
        ),
        (
            "sign in the denominator",
            lambda X, y, lams: _curve(
                X, y, lams, lambda e, df, n, H: e @ e / n / (1 + df / n) ** 2
            ),
        ),
        (
            "division by (1 - df/n)^2 is missing",
            lambda X, y, lams: _curve(X, y, lams, lambda e, df, n, H: np.mean(e**2)),
        ),
        (
            "own leverage",
            lambda X, y, lams: _curve(
                X, y, lams, lambda e, df, n, H: np.mean((e / (1 - np.diag(H))) ** 2)
            ),
        ),
        (
            "right one times n",
            lambda X, y, lams: _curve(X, y, lams, lambda e, df, n, H: e @ e / (1 - df / n) ** 2),
        ),
        (
            "should have shape",
            lambda X, y, lams: _curve(X, y, lams[:1], lambda e, df, n, H: np.mean(e**2)),
        ),
    ],
    "assessment-features": [
        ("once more", lambda theta, s, n, p: _risk(theta, s, n, p, extra=0)),
        ("more noise than s^2", lambda theta, s, n, p: _risk(theta, s, n, p, noise=s**2)),
        (
            "no omitted features",
            lambda theta, s, n, p: _risk(theta, s, n, p, noise=s**2, extra=0),
        ),
        ("has a 1 less", lambda theta, s, n, p: _risk(theta, s, n, p, one=0)),
        ("the share 1 - n/p", lambda theta, s, n, p: _risk(theta, s, n, p, bias=0)),
        ("sign of the bias", lambda theta, s, n, p: _risk(theta, s, n, p, bias=-1)),
        (
            "factor n or p is missing",
            lambda theta, s, n, p: _risk(
                theta, s, n, p, noise=(s**2 + theta[p:] @ theta[p:]) / min(n, p)
            ),
        ),
        ("should have shape", lambda theta, s, n, p: np.array([_risk(theta, s, n, p)])),
    ],
}
