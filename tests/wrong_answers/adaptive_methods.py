"""Wrong answers to the exercises on adaptive methods, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.optimize import brentq


def _adam(
    theta,
    m,
    v,
    g,
    k,
    eta,
    beta1,
    beta2,
    epsilon,
    *,
    correct=True,
    sign=-1.0,
    shift=0,
    inside=False,
    root=True,
    exchanged=False,
    corrected_out=False,
    flat=False,
):
    if exchanged:
        beta1, beta2 = 1 - beta1, 1 - beta2
    new_m = m + (1 - beta1) * (g - m)
    new_v = v + (1 - beta2) * (g * g - v)
    if exchanged:
        beta1, beta2 = 1 - beta1, 1 - beta2
    mh, vh = new_m.copy(), new_v.copy()
    if correct:
        mh /= 1 - beta1 ** (k + shift)
        vh /= 1 - beta2 ** (k + shift)
    below = vh**0.5 + epsilon if root else vh + epsilon
    if inside:
        below = (vh + epsilon) ** 0.5
    new = theta + sign * eta * mh / below
    if flat:
        return new
    return (new, mh, vh) if corrected_out else (new, new_m, new_v)


def _with(**change):
    return lambda *given: _adam(*given, **change)


def _limit(k, b1, b2, factor):
    weights = [(1 - b1) * b1**a for a in range(k)]
    second = [(1 - b2) * b2**a for a in range(k)]
    largest = sum(x * x / y for x, y in zip(weights, second, strict=True)) ** 0.5
    correction = (1 - b2**k) ** 0.5 / (1 - b1**k)
    grads = np.array([(b2 / b1) ** (i - k) for i in range(1, k + 1)])
    return factor(largest, correction, grads, k, b1, b2)


def _longest(factor):
    return lambda k, beta1, beta2: _limit(k, beta1, beta2, factor)


def _game(G, eta, *, late=False, project=True, total=False, D=2.0, best="fixed", one_norm=False):
    K, p = G.shape
    theta, S, paid = np.zeros(p), np.zeros(p), 0.0
    for k in range(K):
        if not late:
            paid += sum(G[k] * theta)
        S += np.sum(G[k] ** 2) if total else G[k] ** 2
        theta = theta - eta / S**0.5 * G[k]
        if project:
            theta = np.minimum(np.maximum(theta, -1), 1)
        if late:
            paid += sum(G[k] * theta)
    choice = -np.sign(np.sum(G, axis=0))
    other = {"fixed": np.sum(G @ choice), "none": 0.0, "moving": -np.sum(np.abs(G))}[best]
    norms = np.sqrt(np.sum(G**2)) if one_norm else np.sum(np.sqrt(np.sum(G**2, axis=0)))
    return paid - other, (D * D / 2 / eta + eta) * norms


def _playing(**change):
    return lambda G, eta: _game(G, eta, **change)


def _zero(h, a, s, w):
    def one(h, a, s):
        return brentq(
            lambda t: h * (t - a) / np.hypot(h * (t - a), s) + w * t, -abs(a), abs(a), xtol=1e-14
        )

    return np.array([one(*row) for row in zip(h, a, s, strict=True)])


WRONG = {
    "adaptive-methods-adam": [
        ("without its bias correction", _with(correct=False)),
        ("corrected means are returned", _with(corrected_out=True)),
        ("goes uphill", _with(sign=1.0)),
        ("under the root", _with(inside=True)),
        ("not by its root", _with(root=False)),
        ("weights of the running means are exchanged", _with(exchanged=True)),
        ("counted from 1 already", _with(shift=1)),
        ("should return 3 things", _with(flat=True)),
        (
            "theta should have shape",
            lambda theta, *rest: (_adam(theta, *rest)[0][:, np.newaxis], *_adam(theta, *rest)[1:]),
        ),
    ],
    "adaptive-methods-longest": [
        (
            "after a long silence",
            _longest(lambda top, c, g, k, b1, b2: ((1 - b1) / (1 - b2) ** 0.5, g)),
        ),
        ("without bias correction", _longest(lambda top, c, g, k, b1, b2: (top, g))),
        (
            "limit of the bound",
            _longest(
                lambda top, c, g, k, b1, b2: (
                    ((1 - b1) ** 2 / ((1 - b2) * (1 - b1 * b1 / b2))) ** 0.5,
                    g,
                )
            ),
        ),
        ("square of the bound", _longest(lambda top, c, g, k, b1, b2: ((top * c) ** 2, g))),
        ("opposite order", _longest(lambda top, c, g, k, b1, b2: (top * c, np.flip(g)))),
        ("Equal gradients", _longest(lambda top, c, g, k, b1, b2: (top * c, 0 * g + 1))),
        (
            "the gradients is the right one times -1",
            _longest(lambda top, c, g, k, b1, b2: (top * c, -g)),
        ),
        ("should have shape", _longest(lambda top, c, g, k, b1, b2: (top * c, g[1:]))),
    ],
    "adaptive-methods-regret": [
        ("looked into the future", _playing(late=True)),
        ("leave the box", _playing(project=False)),
        ("side of the box", _playing(D=1.0)),
        ("what was paid", _playing(best="none")),
        ("another one in each round", _playing(best="moving")),
        ("share one sum of squares", _playing(total=True)),
        ("all gradients together", _playing(one_norm=True)),
        (
            "the regret is the right one times -1",
            lambda G, eta: (-_game(G, eta)[0], _game(G, eta)[1]),
        ),
        ("should return 2 things", lambda G, eta: _game(G, eta)[0]),
        ("should have shape", lambda G, eta: (np.full(len(G), _game(G, eta)[0]), 0.0)),
    ],
    "adaptive-methods-rest": [
        ("minimum with the penalty", lambda h, a, s, w: a / (1 + w / h)),
        ("approximation for small w", lambda h, a, s, w: a / (1 + s * w / h)),
        (
            "without noise",
            lambda h, a, s, w: np.array([x if abs(x) < 1 / w else np.sign(x) / w for x in a]),
        ),
        ("enters squared", lambda h, a, s, w: _zero(h, a, s**0.5, w)),
        ("half or twice", lambda h, a, s, w: _zero(h, a, s, w / 2)),
        ("2 lambda is the penalty's", lambda h, a, s, w: _zero(h, a, s, 2 * w)),
        ("signs of the a_j", lambda h, a, s, w: _zero(h, abs(a), s, w)),
        ("right one times -1", lambda h, a, s, w: _zero(h, -a, s, w)),
        ("should have shape", lambda h, a, s, w: _zero(h, a, s, w)[:, np.newaxis]),
    ],
}
