"""Wrong answers to the exercises on the types of learning, each with words of its hint.

They are written as a reader would write them, not as the checkers recognise them.
"""

import math

import numpy as np
from sklearn.neighbors import KNeighborsRegressor


def _regressor(X, y, X_new, m):
    return KNeighborsRegressor(int(m)).fit(X, y).predict(X_new)


def _scaled(X, y, X_new, m):
    sd = np.std(X, axis=0)
    return _regressor(X / sd, y, X_new / sd, m)


def _farthest(X, y, X_new, m):
    sd = np.std(X, axis=0)
    rows = []
    for x in X_new:
        far = sorted(range(len(X)), key=lambda i: -np.linalg.norm((X[i] - x) / sd))
        rows.append(np.mean([y[i] for i in far[:m]]))
    return rows


def _labels(X, centres):
    return np.array([min(range(len(centres)), key=lambda j: math.dist(x, centres[j])) for x in X])


def _moved(X, centres, empty=None):
    labels, new = _labels(X, centres), []
    for j, centre in enumerate(centres):
        own = [x for x, c in zip(X, labels, strict=True) if c == j]
        new.append(np.mean(own, axis=0) if own else (centre if empty is None else empty))
    return np.array(new)


def _distances2(X, labels, centres):
    return np.array([math.dist(x, centres[c]) ** 2 for x, c in zip(X, labels, strict=True)])


def _round(X, centres, scale=1.0):
    moved = _moved(X, centres)
    return moved, scale * _distances2(X, _labels(X, centres), moved).mean()


def _stencil(B, edge, corner, middle=0.0):
    rows, columns = B.shape
    out = np.zeros((rows - 2, columns - 2))
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            near = B[i + 1, j] + B[i - 1, j] + B[i, j + 1] + B[i, j - 1]
            far = B[i + 1, j + 1] + B[i + 1, j - 1] + B[i - 1, j + 1] + B[i - 1, j - 1]
            out[i - 1, j - 1] = edge * near + corner * far + middle * B[i, j]
    return out


def _total(means, counts):
    best = max(means)
    return [sum((best - m) * c for m, c in zip(means, row, strict=True)) for row in counts]


def _bound(successes, pulls, bonus):
    return np.array([s / N for s, N in zip(successes, pulls, strict=True)]) + bonus


WRONG = {
    "types-neighbours": [
        ("not standardised", _regressor),
        (
            "its own standard deviations",
            lambda X, y, X_new, m: _regressor(X / X.std(0), y, X_new / X_new.std(0), m),
        ),
        ("summed and not averaged", lambda X, y, X_new, m: m * _scaled(X, y, X_new, m)),
        ("farthest away", _farthest),
        ("One neighbour is missing", lambda X, y, X_new, m: _scaled(X, y, X_new, m - 1)),
        ("divided by n", lambda X, y, X_new, m: m * _scaled(X, y, X_new, m) / len(y)),
        ("look at the sign", lambda X, y, X_new, m: -_scaled(X, y, X_new, m)),
        ("should have shape", lambda X, y, X_new, m: _scaled(X, y, X, m)),
    ],
    "types-lloyd": [
        ("divide by n", lambda X, centres: _round(X, centres, len(X))),
        ("number of features", lambda X, centres: _round(X, centres, 0.5)),
        (
            "before the centres have moved",
            lambda X, centres: (
                _moved(X, centres),
                np.mean(_distances2(X, _labels(X, centres), centres)),
            ),
        ),
        (
            "assigned anew",
            lambda X, centres: (
                _moved(X, centres),
                np.mean(_distances2(X, _labels(X, _moved(X, centres)), _moved(X, centres))),
            ),
        ),
        (
            "without the square",
            lambda X, centres: (
                _moved(X, centres),
                np.mean(np.sqrt(_distances2(X, _labels(X, centres), _moved(X, centres)))),
            ),
        ),
        (
            "gone to zero",
            lambda X, centres: (_moved(X, centres, np.zeros(2)), _round(X, centres)[1]),
        ),
        ("look at the sign", lambda X, centres: (_moved(X, centres), -_round(X, centres)[1])),
        ("should have shape", lambda X, centres: (_moved(X, centres)[:3], _round(X, centres)[1])),
        ("should return 2 things", lambda X, centres: _moved(X, centres)),
    ],
    "types-stencil": [
        ("wrong sign", lambda B: _stencil(B, 0.5, 0.25)),
        ("Only the four direct", lambda B: _stencil(B, 0.5, 0)),
        ("plain mean", lambda B: _stencil(B, 0.25, 0)),
        ("exchanged", lambda B: _stencil(B, -0.25, 0.5)),
        ("This is the error", lambda B: _stencil(B, -0.5, 0.25, 1)),
        ("look at the sign", lambda B: _stencil(B, -0.5, 0.25)),
        ("right one times 2", lambda B: _stencil(B, 1, -0.5)),
        ("should have shape", lambda B: np.pad(_stencil(B, 0.5, -0.25), 1)),
    ],
    "types-regret": [
        ("wrong sign", lambda means, counts: -np.mean(_total(means, counts))),
        ("divide by their number", lambda means, counts: sum(_total(means, counts))),
        ("per pull", lambda means, counts: sum(_total(means, counts)) / counts.sum()),
        ("average reward", lambda means, counts: np.mean([means @ row for row in counts])),
        (
            "averaged over the arms",
            lambda means, counts: np.mean(counts * (np.max(means) - means)),
        ),
        ("should have shape", _total),
    ],
    "types-ucb": [
        ("sign of the bonus", lambda s, N: _bound(s, N, -np.sqrt(2 * np.log(sum(N)) / N))),
        ("2 under the root", lambda s, N: _bound(s, N, np.sqrt(np.log(sum(N)) / N))),
        ("pulls of the arm", lambda s, N: _bound(s, N, np.sqrt(2 * np.log(N) / N))),
        ("root is missing", lambda s, N: _bound(s, N, 2 * np.log(sum(N)) / N)),
        ("Only the bonus", lambda s, N: np.sqrt(2 * np.log(sum(N)) / N)),
        ("not divided by the pulls", lambda s, N: s + np.sqrt(2 * np.log(sum(N)) / N)),
        ("number of arms", lambda s, N: _bound(s, N, np.sqrt(2 * np.log(len(N)) / N))),
        ("should have shape", lambda s, N: np.max(_bound(s, N, np.sqrt(2 * np.log(sum(N)) / N)))),
    ],
}
