"""Wrong answers to the exercises on logistic regression, each with words of its hint.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.special import expit, logit


def _probability(X, theta):
    return expit(X @ theta)


def _lstsq(X, y, theta, lam, *, rows, weights=np.sqrt, sign=1, start=1):
    p = _probability(X, theta)
    s = p * (1 - p)
    response = start * X @ theta + sign * (y - p) / s
    A = np.vstack([weights(s)[:, None] * X, np.sqrt(rows) * np.eye(X.shape[1])])
    b = np.concatenate([weights(s) * response, np.zeros(X.shape[1])])
    return np.linalg.lstsq(A, b, rcond=None)[0]


def _count(score, y, tie):
    won = 0.0
    for a in score[y == 1]:
        for b in score[y == 0]:
            won += 1 if a > b else tie if a == b else 0
    return won


def _near(spins, steps=((1, 0), (-1, 0), (1, 1), (-1, 1))):
    return sum(np.roll(spins, step, axis) for step, axis in steps)


def _metropolis(spins, temperature, factor=-2.0, near=_near):
    return np.clip(np.exp(factor * spins * near(spins) / temperature), 0, 1)


def _open(spins):
    near = np.zeros(spins.shape)
    near[1:] += spins[:-1]
    near[:-1] += spins[1:]
    near[:, 1:] += spins[:, :-1]
    near[:, :-1] += spins[:, 1:]
    return near


def _sum_rule(E1, E2, z, total):
    """Solve sum of 1/(1 + exp(F - z)) = total by halving."""
    z = z(np.append(E1, E2))
    low, high = min(z) - 60, max(z) + 60
    for _ in range(200):
        middle = (low + high) / 2
        too_many = np.sum(1 / (1 + np.exp(middle - z))) > total
        low, high = (middle, high) if too_many else (low, middle)
    return low


def _bennett(E1, E2, tau1, tau2, odds=None, slope=None):
    odds = np.log(len(E1)) - np.log(len(E2)) if odds is None else odds
    slope = 1 / tau2 - 1 / tau1 if slope is None else slope
    return _sum_rule(E1, E2, lambda E: slope * E + odds, len(E1))


WRONG = {
    "logistic-gradient": [
        (
            "divide the first term by n",
            lambda X, y, t, lam: (_probability(X, t) - y) @ X + 2 * lam * t,
        ),
        (
            "has the wrong sign",
            lambda X, y, t, lam: X.T @ (y - _probability(X, t)) / len(y) + 2 * lam * t,
        ),
        (
            "has a factor 2.",
            lambda X, y, t, lam: np.mean((_probability(X, t) - y)[:, None] * X, axis=0) + lam * t,
        ),
        (
            "as the squares of least squares give one",
            lambda X, y, t, lam: 2 / len(y) * X.T @ (_probability(X, t) - y) + 2 * lam * t,
        ),
        (
            "In the cross-entropy the slope cancels",
            lambda X, y, t, lam: (
                X.T @ (expit(X @ t) * expit(-X @ t) * (expit(X @ t) - y)) / len(y) + 2 * lam * t
            ),
        ),
        (
            "send it through the logistic",
            lambda X, y, t, lam: X.T @ (X @ t - y) / len(y) + 2 * lam * t,
        ),
        (
            "should have shape",
            lambda X, y, t, lam: X * (_probability(X, t) - y)[:, None] / len(y) + 2 * lam * t,
        ),
        (
            "look at the sign",
            lambda X, y, t, lam: X.T @ (y - _probability(X, t)) / len(y) - 2 * lam * t,
        ),
    ],
    "logistic-irls": [
        ("too weak by a factor n", lambda X, y, t, lam: _lstsq(X, y, t, lam, rows=2 * lam)),
        (
            "The penalty lacks its factor 2",
            lambda X, y, t, lam: _lstsq(X, y, t, lam, rows=len(y) * lam),
        ),
        (
            "The sign of the error",
            lambda X, y, t, lam: _lstsq(X, y, t, lam, rows=2 * len(y) * lam, sign=-1),
        ),
        ("without the penalty", lambda X, y, t, lam: _lstsq(X, y, t, lam, rows=0)),
        (
            "not by their roots",
            lambda X, y, t, lam: _lstsq(X, y, t, lam, rows=2 * len(y) * lam, weights=np.abs),
        ),
        (
            "The present scores X theta belong to it",
            lambda X, y, t, lam: _lstsq(X, y, t, lam, rows=2 * len(y) * lam, start=0),
        ),
        (
            "should have shape",
            lambda X, y, t, lam: _lstsq(X, y, t, lam, rows=2 * len(y) * lam)[:, None],
        ),
    ],
    "logistic-auc": [
        ("Ties do not count at all", lambda s, y: _count(s, y, 0) / np.sum(y) / np.sum(1 - y)),
        ("Ties count as won", lambda s, y: _count(s, y, 1) / np.sum(y) / np.sum(1 - y)),
        (
            "The sign of the comparison",
            lambda s, y: _count(-s, y, 0.5) / np.sum(y) / np.sum(1 - y),
        ),
        ("is divided by n^2", lambda s, y: _count(s, y, 0.5) / len(s) ** 2),
        ("the number of pairs, n1 n0", lambda s, y: _count(s, y, 0.5)),
        (
            "should have shape",
            lambda s, y: np.mean(np.sign(s[y == 1][:, None] - s[y == 0]) / 2 + 0.5, axis=1),
        ),
    ],
    "logistic-prior": [
        ("has the wrong sign", lambda p, a, b: expit(logit(p) - logit(b) + logit(a))),
        ("It is the odds that are", lambda p, a, b: p / a * b),
        ("divide by those of the training", lambda p, a, b: expit(logit(p) + logit(b))),
        ("The shares of the background", lambda p, a, b: expit(logit(p) + np.log(b / a))),
        ("odds / (1 + odds)", lambda p, a, b: np.exp(logit(p) + logit(b) - logit(a))),
        (
            "should have shape",
            lambda p, a, b: np.column_stack([1 - p, p]) * [(1 - b) / (1 - a), b / a],
        ),
        ("times n", lambda p, a, b: len(p) * expit(logit(p) + logit(b) - logit(a))),
    ],
    "ising-acceptance": [
        ("lacks its factor 2", lambda s, t: _metropolis(s, t, factor=-1)),
        ("sign of the cost is wrong", lambda s, t: _metropolis(s, t, factor=2)),
        ("exceed 1", lambda s, t: np.exp(-2 * s * _near(s) / t)),
        ("neighbours are missing", lambda s, t: _metropolis(s, t, near=_open)),
        (
            "Only the neighbours to the right and below",
            lambda s, t: _metropolis(s, t, near=lambda s: _near(s, ((-1, 0), (-1, 1)))),
        ),
        ("heat bath", lambda s, t: 1 / (1 + np.exp(2 * s * _near(s) / t))),
        ("right one times 1/n", lambda s, t: _metropolis(s, t) / len(s)),
        ("Somewhere too much was summed", lambda s, t: _metropolis(s, t).mean()),
        ("should have shape", lambda s, t: _metropolis(s, t).ravel()),
    ],
    "ising-free-energy": [
        ("numbers of samples differ", lambda *a: _bennett(*a, odds=0)),
        (
            "upside down",
            lambda E1, E2, *taus: _bennett(E1, E2, *taus, odds=np.log(len(E2) / len(E1))),
        ),
        (
            "slope has the wrong sign",
            lambda E1, E2, t1, t2: _bennett(E1, E2, t1, t2, slope=1 / t1 - 1 / t2),
        ),
        (
            "difference of the temperatures",
            lambda E1, E2, t1, t2: _bennett(E1, E2, t1, t2, slope=t1 - t2),
        ),
        (
            "one temperature only",
            lambda E1, E2, t1, t2: np.log(np.mean(np.exp((1 / t2 - 1 / t1) * E2))),
        ),
        ("right one times -1: look at the sign", lambda *a: -_bennett(*a)),
        ("right one times n", lambda E1, *a: len(E1) * _bennett(E1, *a)),
        ("should have shape", lambda E1, *a: np.full(len(E1), _bennett(E1, *a))),
    ],
}
