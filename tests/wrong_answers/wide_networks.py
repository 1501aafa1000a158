"""Wrong answers to the exercises on wide networks, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.linalg import expm


def _entry(x, z, sine=1.0, both=1.0, arc=None, long=True):
    lengths = np.sqrt(x @ x) * np.sqrt(z @ z)
    phi = np.arccos(np.clip(x @ z / lengths, -1, 1))
    arc = np.pi - phi if arc is None else arc(phi)
    value = (sine * np.sin(phi) + both * arc * np.cos(phi)) / 2 / np.pi
    return value * lengths if long else value


def _table(X, Z, **changed):
    return np.array([[_entry(x, z, **changed) for z in Z] for x in X])


def _probability(X, Z):
    angle = [[np.arccos(x @ z / np.linalg.norm(x) / np.linalg.norm(z)) for z in Z] for x in X]
    return 0.5 - np.array(angle) / (2 * np.pi)


def _jacobian(X, W, a, outputs=True, hidden=True, amplitude=lambda a: a, along=True, power=0.5):
    rows = []
    for x in X:
        value = np.tanh(W @ x)
        slope = amplitude(a) / np.cosh(W @ x) ** 2
        by_W = np.outer(slope, x).ravel() if along else slope
        rows.append(np.concatenate([outputs * value, hidden * by_W]) / len(a) ** power)
    return np.array(rows)


def _gram(X, W, a, **changed):
    J = _jacobian(X, W, a, **changed)
    return J @ J.T


def _signed(X, W, a):
    outputs, hidden = _gram(X, W, a, hidden=False), _gram(X, W, a, outputs=False)
    return outputs - hidden


def _linear(X, W, a):
    slope = 1 / np.cosh(X @ W.T) ** 2
    return _gram(X, W, a, hidden=False) + X @ X.T * (slope @ np.diag(a) @ slope.T) / len(a)


def _moved(Theta, cross, y, rate):
    rest = expm(-rate * Theta)
    return cross @ np.linalg.inv(Theta) @ (y - rest @ y)


def _value(X, y, W, a, gamma, delta, complexity=4.0, tail=3.0, flip=1):
    n, m = len(X), len(W)
    loss, path = 0.0, 0.0
    for x, label in zip(X, y, strict=True):
        f = sum(aj * max(w @ x, 0) for aj, w in zip(a, W, strict=True)) / np.sqrt(m)
        loss += min(1, max(0, 1 - flip * label * f / gamma)) / n
    path = sum(abs(aj) * np.sqrt(w @ w) for aj, w in zip(a, W, strict=True)) / np.sqrt(m)
    size = np.sqrt(np.trace(X @ X.T)) / n
    return loss + complexity * path * size / gamma + tail * np.sqrt(np.log(2 / delta) / 2 / n)


WRONG = {
    "wide-arc-cosine": [
        ("lengths of the vectors", lambda X, Z: _table(X, Z, long=False)),
        ("not phi", lambda X, Z: _table(X, Z, arc=lambda phi: phi)),
        ("has a plus", lambda X, Z: _table(X, Z, both=-1)),
        ("sine is missing", lambda X, Z: _table(X, Z, sine=0)),
        ("tangent kernel", lambda X, Z: _table(X, Z, both=2)),
        ("kernel of the steps", _probability),
        ("look at the sign", lambda X, Z: -_table(X, Z)),
        ("should have shape", lambda X, Z: _table(X, X)[0]),
    ],
    "wide-tangent": [
        ("part of the w_j", lambda X, W, a: _gram(X, W, a, hidden=False)),
        ("part of the a_j", lambda X, W, a: _gram(X, W, a, outputs=False)),
        ("two derivatives", _linear),
        ("not all of them are signs", lambda X, W, a: _gram(X, W, a, amplitude=np.sign)),
        ("not divided by m", lambda X, W, a: _gram(X, W, a, power=0)),
        ("so 1/m", lambda X, W, a: _gram(X, W, a, power=0.25)),
        ("vector along x", lambda X, W, a: _gram(X, W, a, along=False)),
        ("sign between the parts", _signed),
        ("should have shape", _jacobian),
    ],
    "wide-flow": [
        ("mean over the n samples", lambda T, c, y, tau: _moved(T, c, y, 2 * tau)),
        ("factor 2 in the exponent", lambda T, c, y, tau: _moved(T, c, y, tau / len(T))),
        ("Neither the 2 nor the 1/n", lambda T, c, y, tau: _moved(T, c, y, tau)),
        ("limit of long training", lambda T, c, y, tau: c @ np.linalg.inv(T) @ y),
        (
            "not learned yet",
            lambda T, c, y, tau: c @ np.linalg.inv(T) @ expm(-2 * tau * T / len(y)) @ y,
        ),
        ("residuals decay", lambda T, c, y, tau: _moved(T, c, y, -2 * tau / len(y))),
        (
            "inverse of Theta",
            lambda T, c, y, tau: c @ (y - expm(-2 * tau * T / len(y)) @ y),
        ),
        (
            "of its eigenvalues",
            lambda T, c, y, tau: c @ np.linalg.inv(T) @ (y - np.exp(-2 * tau * T / len(y)) @ y),
        ),
        ("look at the sign", lambda T, c, y, tau: -_moved(T, c, y, 2 * tau / len(y))),
        ("should have shape", lambda T, c, y, tau: _moved(T, T, y, 2 * tau / len(y))),
    ],
    "wide-bound": [
        ("counts half", lambda *given: _value(*given, complexity=2)),
        ("not divided by the margin", lambda *given: _value(*given, complexity=4 * given[4])),
        (
            "missing in the path norm",
            lambda *given: _value(*given, complexity=4 * np.sqrt(len(given[3]))),
        ),
        (
            "one factor 1/sqrt(n) too many",
            lambda *given: _value(*given, complexity=4 / np.sqrt(len(given[1]))),
        ),
        ("and here once", lambda *given: _value(*given, tail=1)),
        ("sign is wrong", lambda *given: _value(*given, flip=-1)),
        ("should have shape", lambda *given: [_value(*given)]),
    ],
}
