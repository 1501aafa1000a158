"""Wrong answers to the exercises on networks for masses, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import math

import numpy as np
from scipy.stats import norm


def _half_widths(scores, new, alpha, more=1):
    ordered = sorted(scores)
    rank = math.ceil((len(ordered) + more) * (1 - alpha) - 1e-9)
    return np.array([ordered[rank - 1] * s for s in new])


def _squares(P, y, ddof=0):
    average = sum(P) / len(P)
    return (
        ((P - y) ** 2).mean(),
        P.var(axis=0, ddof=ddof).mean(),
        ((average - y) ** 2).mean(),
    )


def _bound(mean, cov, combine=lambda a, b, c: a + b - 2 * c, power=0.5):
    out = []
    for (one, two), S in zip(mean, cov, strict=True):
        out.append(norm.cdf((one - two) / combine(S[0, 0], S[1, 1], S[1, 0]) ** power))
    return np.array(out)


def _shuffled(predict, X, y, order):
    losses = []
    for j in range(X.shape[1]):
        columns = [X[order, i] if i == j else X[:, i] for i in range(X.shape[1])]
        losses.append((y - predict(np.column_stack(columns))) ** 2)
    return np.array(losses), (y - predict(X)) ** 2


def _in_place(predict, X, y, order):
    _, before = _shuffled(predict, X, y, order)
    out, work = [], np.array(X)
    for j in range(X.shape[1]):
        work[:, j] = work[order, j]
        out.append(((y - predict(work)) ** 2).mean() - before.mean())
    return np.array(out)


def _together(predict, X, y, order):
    _, before = _shuffled(predict, X, y, order)
    after = ((y - predict(X[order])) ** 2).mean()
    return np.full(X.shape[1], after - before.mean())


WRONG = {
    "massnet-conformal": [
        ("quantile of n scores", lambda e, s, new, a: _half_widths(abs(e) / s, new, a, more=0)),
        ("numpy's quantile", lambda e, s, new, a: np.percentile(abs(e) / s, 100 - 100 * a) * new),
        ("signed", lambda e, s, new, a: _half_widths(e / s, new, a)),
        ("coverage of alpha", lambda e, s, new, a: _half_widths(abs(e) / s, new, 1 - a)),
        ("not divided by their bars", lambda e, s, new, a: _half_widths(abs(e), new, a)),
        ("same width", lambda e, s, new, a: _half_widths(abs(e) / s, 0 * new + 1, a)),
        ("widths of the intervals", lambda e, s, new, a: 2 * _half_widths(abs(e) / s, new, a)),
        ("look at the sign", lambda e, s, new, a: -_half_widths(abs(e) / s, new, a)),
        ("times n", lambda e, s, new, a: len(e) * _half_widths(abs(e) / s, new, a)),
        ("should have shape", lambda e, s, new, a: _half_widths(abs(e) / s, s, a)),
    ],
    "massnet-ambiguity": [
        ("M - 1 in the denominator", lambda P, y: _squares(P, y, ddof=1)),
        (
            "axis is wrong",
            lambda P, y: (*_squares(P, y)[:1], P.T.var(0).mean(), *_squares(P, y)[2:]),
        ),
        (
            "disagreement makes the ensemble better",
            lambda P, y: (*_squares(P, y)[:2], sum(_squares(P, y)[:2])),
        ),
        ("root mean squares", lambda P, y: tuple(v**0.5 for v in _squares(P, y))),
        ("sums over the nuclides", lambda P, y: tuple(v * y.size for v in _squares(P, y))),
        ("should have shape", lambda P, y: (((P - y) ** 2).mean(axis=1), *_squares(P, y)[1:])),
    ],
    "massnet-bound": [
        ("covariance of the two energies", lambda m, S: _bound(m, S, lambda a, b, c: a + b)),
        ("variance of the sum", lambda m, S: _bound(m, S, lambda a, b, c: a + b + 2 * c)),
        ("factor 2 is missing", lambda m, S: _bound(m, S, lambda a, b, c: abs(a + b - c))),
        ("not bound", lambda m, S: 1 - _bound(m, S)),
        ("divided by its variance", lambda m, S: _bound(m, S, power=1)),
        ("density", lambda m, S: norm.pdf(norm.ppf(_bound(m, S)))),
        ("should have shape", lambda m, S: _bound(m, S).mean()),
    ],
    "massnet-importance": [
        ("errors after shuffling", lambda f, X, y, o: _shuffled(f, X, y, o)[0].mean(axis=1)),
        ("remain shuffled", _in_place),
        ("shuffled together", _together),
        (
            "root mean square errors",
            lambda f, X, y, o: (
                _shuffled(f, X, y, o)[0].mean(axis=1) ** 0.5
                - _shuffled(f, X, y, o)[1].mean() ** 0.5
            ),
        ),
        (
            "sums over the samples",
            lambda f, X, y, o: (
                _shuffled(f, X, y, o)[0].sum(axis=1) - _shuffled(f, X, y, o)[1].sum()
            ),
        ),
        (
            "turned round",
            lambda f, X, y, o: (
                _shuffled(f, X, y, o)[1].mean() - _shuffled(f, X, y, o)[0].mean(axis=1)
            ),
        ),
        (
            "should have shape",
            lambda f, X, y, o: _shuffled(f, X, y, o)[0] - _shuffled(f, X, y, o)[1],
        ),
    ],
}
