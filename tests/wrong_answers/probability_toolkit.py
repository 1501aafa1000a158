"""Wrong answers to the exercises on distances between laws, with words of the hint.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from numpy.linalg import det, inv
from scipy.linalg import sqrtm


def _fit(X, shrink=True):
    centred = X - X.mean(0)
    return X.mean(0), centred.T @ centred / (len(X) - (0 if shrink else 1))


def _kl(X, Y, shrink=True, flip=1, d=1, metric=1):
    (a, S), (b, R) = _fit(X, shrink), _fit(Y, shrink)
    P = inv(R) if metric else inv(S)
    log = flip * np.log(det(R) / det(S))
    return 0.5 * (np.trace(inv(R) @ S) - d * len(a) + log + (b - a) @ P @ (b - a))


def _w2(X, Y, shrink=True, factor=2, means=1):
    (a, S), (b, R) = _fit(X, shrink), _fit(Y, shrink)
    h = sqrtm(S).real
    both = np.trace(sqrtm(h @ R @ h).real)
    return means * np.sum((a - b) ** 2) + np.trace(S + R) - factor * both


def _w2_no_root(X, Y):
    (a, S), (b, R) = _fit(X), _fit(Y)
    return np.sum((a - b) ** 2) + np.trace(S + R - 2 * S @ R)


def _w2_diagonal(X, Y):
    (a, S), (b, R) = _fit(X), _fit(Y)
    s, r = np.sqrt(np.diag(S)), np.sqrt(np.diag(R))
    return ((a - b) ** 2 + s**2 + r**2 - 2 * s * r).sum()


def _ratio(f, g, prior=0.0):
    f, g = f - prior, g - prior
    return f.mean(), f.mean() - np.log(np.exp(g).mean())


def _scores(x, sign=-1, over=1, half=1):
    D = np.column_stack([x**0, 2 * x, 4 * x**3])
    bend = np.column_stack([0 * x, 2 * x**0, 12 * x**2])
    return sign * half * inv(D.T @ D / over) @ bend.mean(0)


def _quartic(x):
    F = np.column_stack([x, x**2, x**4])
    return -inv(F.T @ F / len(x)) @ [0, 2, 12 * np.mean(x**2)]


def _flat_bend(x):
    D = np.column_stack([x**0, 2 * x, 4 * x**3])
    return np.linalg.solve(D.T @ D, -len(x) * np.array([0, 2, 12]))


def _magnet(m, J, h, tau, pairs=0.5, slope=1, heat=1, field=1):
    p = (1 + m) / 2
    minus_s = (p * np.log(p) + (1 - p) * np.log(1 - p)).sum()
    F = -pairs * (m * (J @ m)).sum() - field * (h * m).sum() + heat * tau * minus_s
    return F, -slope * (J @ m) - field * h + heat * tau / 2 * np.log((1 + m) / (1 - m))


WRONG = {
    "toolkit-kl": [
        ("the other way round", lambda X, Y: _kl(Y, X)),
        ("divided by n - 1", lambda X, Y: _kl(X, Y, shrink=False)),
        ("The sign of the logarithm", lambda X, Y: _kl(X, Y, flip=-1)),
        ("dimension has to be subtracted", lambda X, Y: _kl(X, Y, d=0)),
        ("in units of the second", lambda X, Y: _kl(X, Y, metric=0)),
        ("the right one times 2", lambda X, Y: 2 * _kl(X, Y)),
        ("-1: look at the sign", lambda X, Y: -_kl(X, Y)),
        ("should have shape ()", lambda X, Y: np.array([_kl(X, Y)])),
    ],
    "toolkit-frechet": [
        ("divided by n - 1", lambda X, Y: _w2(X, Y, shrink=False)),
        ("The root is missing", _w2_no_root),
        ("here it is once", lambda X, Y: _w2(X, Y, factor=1)),
        ("The sign before the root", lambda X, Y: _w2(X, Y, factor=-2)),
        ("Only the diagonals", _w2_diagonal),
        ("the distance itself", lambda X, Y: _w2(X, Y) ** 0.5),
        ("of the means is missing", lambda X, Y: _w2(X, Y, means=0)),
        ("times 1/n", lambda X, Y: _w2(X, Y) / len(X)),
        ("should have shape ()", lambda X, Y: _w2(X, Y) * np.eye(X.shape[1])),
    ],
    "toolkit-ratio": [
        ("still contains the prior odds", lambda f, g, a, b: _ratio(f, g)),
        ("with the wrong sign", lambda f, g, a, b: _ratio(f, g, np.log(b / a))),
        ("taken as a share", lambda f, g, a, b: _ratio(f, g, np.log(a / (a + b)))),
        (
            "over samples of p; the second",
            lambda f, g, a, b: (
                _ratio(f, g, np.log(a / b))[0],
                f.mean() - np.log(np.mean(np.exp(f))),
            ),
        ),
        (
            "the other bound",
            lambda f, g, a, b: (
                np.mean(f - np.log(a / b)),
                np.mean(f - np.log(a / b)) + 1 - np.mean(np.exp(g) * b / a),
            ),
        ),
        (
            "a factor n",
            lambda f, g, a, b: (np.mean(f - np.log(a / b)), f.mean() - np.log(np.exp(g).sum())),
        ),
        ("The estimate should have shape ()", lambda f, g, a, b: (f - np.log(a / b), 0.0)),
        ("should return 2 things", lambda f, g, a, b: np.mean(f)),
    ],
    "toolkit-score-matching": [
        ("The sign is wrong", lambda x: _scores(x, sign=1, over=len(x))),
        ("Half of the right answer", lambda x: _scores(x, over=len(x), half=0.5)),
        ("a factor n is between them", _scores),
        ("The features themselves", _quartic),
        ("The second derivative of x^4", _flat_bend),
        ("should have shape (3,)", lambda x: _scores(x, over=len(x))[:, None]),
        ("other values", lambda x: np.zeros(3)),
    ],
    "toolkit-mean-field": [
        ("Each bond is counted twice", lambda m, J, h, t: _magnet(m, J, h, t, pairs=1)),
        ("J m, and not J m/2", lambda m, J, h, t: _magnet(m, J, h, t, slope=0.5)),
        ("The sign of the entropy", lambda m, J, h, t: _magnet(m, J, h, t, heat=-1)),
        ("The sign of the field", lambda m, J, h, t: _magnet(m, J, h, t, field=-1)),
        (
            "multiply by tau",
            lambda m, J, h, t: tuple(part / t for part in _magnet(m, J, h, t)),
        ),
        (
            "divided by n",
            lambda m, J, h, t: tuple(part / len(m) for part in _magnet(m, J, h, t)),
        ),
        ("should have shape", lambda m, J, h, t: (_magnet(m, J, h, t)[0], np.outer(m, h))),
        ("should return 2 things", lambda m, J, h, t: _magnet(m, J, h, t)[0]),
    ],
}
