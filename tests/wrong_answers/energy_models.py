"""What readers may hand in to the exercises on energy models, and words of the hint they get."""

import numpy as np


def _local(S, c, h, factor=2.0):
    total = -(S * np.roll(S, 1, 1)).sum(1)
    for i in range(S.shape[1]):
        T = S.copy()
        T[:, i] *= -1
        change = (T * np.roll(T, 1, 1)).sum(1) - (S * np.roll(S, 1, 1)).sum(1)
        total = total - h * np.exp(factor / 2 * c * change)
    return total


def _open(S, c, h):
    def bonds(T):
        return (T[:, 1:] * T[:, :-1]).sum(1)

    total = -bonds(S)
    for i in range(S.shape[1]):
        T = S.copy()
        T[:, i] *= -1
        total = total - h * np.exp(c * (bonds(T) - bonds(S)))
    return total


def _force(e, D):
    return 2 * np.array([np.mean((e - e.mean()) * (o - o.mean())) for o in D.T])


def _J(X, A):
    return (X @ A @ A * X).sum() / len(X) / 2 - np.trace(A)


def _root(x, eps):
    return (1 - eps * len(x) / (x @ x)) ** 0.5


WRONG = {
    "energy-precision": [
        ("steps of length zero", lambda x, eps: len(x) / (x @ x)),
        ("unstable", lambda x, eps: 2 * (1 + _root(x, eps)) / eps),
        ("temperature tau", lambda x, eps: 2 / (1 + _root(x, eps))),
        ("variance of the learnt density", lambda x, eps: eps / 2 / (1 - _root(x, eps))),
        ("n times as much", lambda x, eps: 2 * (1 - (1 - eps / (x @ x)) ** 0.5) / eps),
        ("look at the sign", lambda x, eps: -2 * (1 - _root(x, eps)) / eps),
        ("should have shape", lambda x, eps: [2 * (1 - _root(x, eps)) / eps]),
    ],
    "energy-ascent": [
        ("exchanged", lambda d, c, t, lam: d.mean(0) - c.mean(0) - 2 * lam * t),
        ("factor 2 is missing", lambda d, c, t, lam: c.mean(0) - d.mean(0) - lam * t),
        ("away from zero", lambda d, c, t, lam: c.mean(0) - d.mean(0) + 2 * lam * t),
        ("Both phases are sums", lambda d, c, t, lam: c.sum(0) - d.sum(0) - 2 * lam * t),
        ("penalty is missing", lambda d, c, t, lam: c.mean(0) - d.mean(0)),
        ("look at the sign", lambda d, c, t, lam: d.mean(0) - c.mean(0) + 2 * lam * t),
        ("should have shape", lambda d, c, t, lam: (c.mean(0) - d.mean(0) - 2 * lam * t)[None]),
    ],
    "energy-score-matching": [
        ("curved upwards", lambda X, A: _J(X, A) + 2 * np.trace(A)),
        ("one half", lambda X, A: 2 * _J(X, A) + np.trace(A)),
        ("averaged over coordinates", lambda X, A: ((X @ A) ** 2).mean() / 2 - np.trace(A)),
        ("mean energy", lambda X, A: (X @ A * X).sum() / len(X) / 2 - np.trace(A)),
        ("look at the sign", lambda X, A: -_J(X, A)),
        ("times n", lambda X, A: len(X) * _J(X, A)),
        ("should have shape", lambda X, A: ((X @ A) ** 2).sum(1) / 2 - np.trace(A)),
    ],
    "energy-local": [
        ("psi^2", lambda S, c, h: _local(S, c, h, 4)),
        ("factor 2 is missing", lambda S, c, h: _local(S, c, h, 1)),
        ("upside down", lambda S, c, h: _local(S, c, h, -2)),
        ("not closed", _open),
        ("wrong sign", lambda S, c, h: _local(S, c, -h)),
        ("look at the sign", lambda S, c, h: -_local(S, c, h)),
        ("too much was summed", lambda S, c, h: _local(S, c, h).sum()),
        ("should have shape", lambda S, c, h: _local(S, c, h)[:, None]),
    ],
    "energy-force": [
        ("factor 2 is missing", lambda e, D: _force(e, D) / 2),
        ("not subtracted", lambda e, D: 2 * (e @ D) / len(e)),
        ("n times the mean", lambda e, D: len(e) * _force(e, D)),
        ("n - 1", lambda e, D: _force(e, D) * len(e) / (len(e) - 1)),
        ("look at the sign", lambda e, D: -_force(e, D)),
        ("should have shape", lambda e, D: _force(e, D)[:, None]),
    ],
}
