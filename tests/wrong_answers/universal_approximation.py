"""Wrong answers to the exercises on universal approximation, with words of the hints they get.

They are written as a reader would write them, not as the checkers recognise them.
"""

import math

import numpy as np


def _logistic(z):
    return 1 / (1 + np.exp(-z))


def _loop(values, q, x, place, first=True, sign=1, inside=None):
    m = len(values) - 1
    out = np.full(len(x), values[0] if first else 0.0)
    for j in range(1, m + 1):
        z = q * (x - place(j, m)) if inside is None else inside(q, x, j, m)
        out += sign * (values[j] - values[j - 1]) * _logistic(z)
    return out


def _middle(j, m):
    return (j - 0.5) / m


def _parts(y):
    flipped = np.flip(y)
    return 0.5 * (y - flipped), 0.5 * (y + flipped)


def _null(x):
    """Find the vector that is orthogonal to all powers below n - 1."""
    powers = np.vander(x, len(x) - 1, increasing=True)
    v = np.linalg.svd(powers.T)[2][-1]
    return v * np.sign(v[-1])


def _unscaled(x):
    n = len(x)
    return [1 / math.prod(x[i] - x[j] for j in range(n) if j != i) for i in range(n)]


def _changes(x, y):
    s = np.diff(y) / np.diff(x)
    return np.append(s[0], s[1:] - s[:-1])


def _sum(sigma, r, b, h, x, weights):
    return sum(w * sigma(h * i * x + b) for i, w in enumerate(weights))


def _alternating(r):
    return [(-1) ** (r - i) * math.comb(r, i) for i in range(r + 1)]


WRONG = {
    "universal-steps": [
        ("first term is missing", lambda v, q, x: _loop(v, q, x, _middle, first=False)),
        ("nodes j/m on the right", lambda v, q, x: _loop(v, q, x, lambda j, m: j / m)),
        ("(j - 1)/m on the left", lambda v, q, x: _loop(v, q, x, lambda j, m: (j - 1) / m)),
        (
            "divided by m + 1, the number of nodes",
            lambda v, q, x: _loop(v, q, x, lambda j, m: (j - 0.5) / (m + 1)),
        ),
        ("A sign: the steps go down", lambda v, q, x: _loop(v, q, x, _middle, sign=-1)),
        (
            "belongs to the whole bracket",
            lambda v, q, x: _loop(v, q, x, None, inside=lambda q, x, j, m: q * x - _middle(j, m)),
        ),
        ("should have shape", lambda v, q, x: _loop(v, q, x, _middle)[:, np.newaxis]),
    ],
    "universal-odd": [
        ("sign between f(x) and", lambda y: (_parts(y)[1], abs(_parts(y)[0]).max())),
        ("by a factor 2", lambda y: (2 * _parts(y)[0], 2 * abs(_parts(y)[1]).max())),
        ("over the n points", lambda y: (_parts(y)[0], np.sqrt((_parts(y)[1] ** 2).mean()))),
        ("less their mean", lambda y: (y - np.mean(y), abs(np.mean(y)))),
        ("should have shape", lambda y: (_parts(y)[0], abs(_parts(y)[1]))),
    ],
    "universal-certificate": [
        ("do not sum to 1", _unscaled),
        ("the sum of its squares is 1", _null),
        ("no sign changes", lambda x: abs(_null(x)) / abs(_null(x)).sum()),
        ("look at the sign", lambda x: -_null(x) / abs(_null(x)).sum()),
        (
            "of n equally spaced points",
            lambda x: np.array(_alternating(len(x) - 1)) / 2 ** (len(x) - 1),
        ),
        ("should have shape", lambda x: _null(x[1:])),
    ],
    "universal-polygon": [
        (
            "the slopes themselves",
            lambda x, y: (y[0], -x[:-1], np.diff(y) / np.diff(x)),
        ),
        ("sign of the biases", lambda x, y: (y[0], x[:-1], _changes(x, y))),
        (
            "distance of the n points",
            lambda x, y: (y[0], -x[:-1], np.append(y[1] - y[0], np.diff(np.diff(y)))),
        ),
        ("right end of their pieces", lambda x, y: (y[0], -x[1:], _changes(x, y))),
        ("should have shape", lambda x, y: (y[0], -x, _changes(x, y))),
    ],
    "universal-power": [
        (
            "signs begin at the wrong end",
            lambda s, d, r, b, h, x: (
                _sum(s, r, b, h, x, [(-1) ** i * math.comb(r, i) for i in range(r + 1)]) / h**r / d
            ),
        ),
        (
            "division by the derivative",
            lambda s, d, r, b, h, x: _sum(s, r, b, h, x, _alternating(r)) / h**r,
        ),
        (
            "divided by h to the power r",
            lambda s, d, r, b, h, x: _sum(s, r, b, h, x, _alternating(r)) / (h * d),
        ),
        (
            "binomial coefficients are missing",
            lambda s, d, r, b, h, x: (
                _sum(s, r, b, h, x, [(-1) ** (r - i) for i in range(r + 1)]) / (h**r * d)
            ),
        ),
        (
            "The bias is missing",
            lambda s, d, r, b, h, x: _sum(s, r, 0, h, x, _alternating(r)) / (h**r * d),
        ),
        (
            "should have shape",
            lambda s, d, r, b, h, x: sum(_sum(s, r, b, h, x, _alternating(r))) / (h**r * d),
        ),
    ],
}
