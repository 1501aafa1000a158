"""Wrong answers to the exercises on guidance, with words of the hint meant for each."""

import numpy as np
from sklearn.decomposition import PCA


def _mix(first, second, share):
    return share * first + (1 - share) * second


def _euler(z, rho, lower, D, power=1, sign=1.0):
    return z + sign * (lower - rho) * (z - D) / rho**power


def _normalised(logs, x):
    p = np.exp(logs - np.max(logs))
    return p / np.sum(p) / np.diff(x)[0]


def _inverse(a, b, w):
    return a * b / (w * b + (1 - w) * a)


def _power(a, b, w):
    return np.exp(_mix(np.log(a), np.log(b), w))


def _error(X, q, centre=True):
    if not centre:
        U, d, Vt = np.linalg.svd(X, full_matrices=False)
        return np.sum((X - U[:, :q] * d[:q] @ Vt[:q]) ** 2) / len(X)
    pca = PCA(q, svd_solver="full").fit(X)
    return np.mean(np.sum((X - pca.inverse_transform(pca.transform(X))) ** 2, axis=1))


WRONG = {
    "guidance-noise": [
        ("zero is unguided", lambda c, f, w: c * (1 + w) - f * w),
        ("changed places", lambda c, f, w: _mix(f, c, w)),
        ("should add up to one", lambda c, f, w: w * c + f),
        ("look at the sign", lambda c, f, w: -_mix(c, f, w)),
        ("times 2", lambda c, f, w: 2 * _mix(c, f, w)),
        ("times n", lambda c, f, w: len(c) * _mix(c, f, w)),
        ("should have shape", lambda c, f, w: _mix(c, f, w).T),
    ],
    "guidance-step": [
        ("guidance is missing", lambda z, r, lo, c, f, w: _euler(z, r, lo, c)),
        (
            "away from the estimate",
            lambda z, r, lo, c, f, w: _euler(z, r, lo, _mix(c, f, w), 1, -1),
        ),
        ("not 1 + w and -w", lambda z, r, lo, c, f, w: _euler(z, r, lo, _mix(c, f, 1 + w))),
        ("A factor rho", lambda z, r, lo, c, f, w: _euler(z, r, lo, _mix(c, f, w), 2)),
        ("look at the sign", lambda z, r, lo, c, f, w: -_euler(z, r, lo, _mix(c, f, w))),
        ("no further 1/2", lambda z, r, lo, c, f, w: _euler(z, r, lo, _mix(c, f, w), 1, 0.5)),
        ("times n", lambda z, r, lo, c, f, w: len(z) * _euler(z, r, lo, _mix(c, f, w))),
        ("should have shape", lambda z, r, lo, c, f, w: _euler(z, r, lo, _mix(c, f, w)).mean(0)),
    ],
    "guidance-tilted": [
        (
            "after multiplication by the step",
            lambda c, f, w, x: _normalised(_mix(c, f, w), x) * np.diff(x)[0],
        ),
        ("to the power w alone", lambda c, f, w, x: _normalised(w * c, x)),
        ("zero would be unguided", lambda c, f, w, x: _normalised(_mix(c, f, 1 + w), x)),
        ("changed places", lambda c, f, w, x: _normalised(_mix(f, c, w), x)),
        ("not normalised", lambda c, f, w, x: np.exp(_mix(c, f, w) - _mix(c, f, w).max())),
        ("look at the sign", lambda c, f, w, x: -_normalised(_mix(c, f, w), x)),
        ("times n", lambda c, f, w, x: len(x) * _normalised(_mix(c, f, w), x)),
        ("should have shape", lambda c, f, w, x: _normalised(_mix(c, f, w), x)[:, None]),
    ],
    "guidance-variances": [
        ("in the wrong order", lambda a, b, w: (_inverse(a, b, w), _power(a, b, w))),
        ("standard deviations", lambda a, b, w: (_power(a, b, w) ** 0.5, _inverse(a, b, w))),
        ("inverse variances are combined", lambda a, b, w: (_power(a, b, w), _mix(a, b, w))),
        ("precisions add up", lambda a, b, w: (_power(a, b, w), 1 / _inverse(a, b, w))),
        ("changed places", lambda a, b, w: (_power(b, a, w), _inverse(b, a, w))),
        ("look at the sign", lambda a, b, w: (-_power(a, b, w), _inverse(a, b, w))),
        ("times n", lambda a, b, w: (len(a) * _power(a, b, w), _inverse(a, b, w))),
        ("2 things", lambda a, b, w: _power(a, b, w)),
        ("should have shape", lambda a, b, w: (_power(a, b, w).sum(), _inverse(a, b, w))),
    ],
    "guidance-ceiling": [
        ("variance that is kept", lambda X, q: np.var(X, axis=0).sum() - _error(X, q)),
        ("Subtract the mean", lambda X, q: _error(X, q, centre=False)),
        (
            "not squared",
            lambda X, q: (
                np.sqrt(len(X) * np.linalg.eigvalsh(np.cov(X.T, ddof=0)))[:-q].sum() / len(X)
            ),
        ),
        ("1/(n - 1)", lambda X, q: np.linalg.eigvalsh(np.cov(X.T))[:-q].sum()),
        ("over the pixels too", lambda X, q: _error(X, q) / X.shape[1]),
        ("One component too many", lambda X, q: _error(X, q + 1)),
        ("look at the sign", lambda X, q: -_error(X, q)),
        ("times n", lambda X, q: len(X) * _error(X, q)),
        ("should have shape", lambda X, q: np.full(len(X), _error(X, q))),
    ],
}
