"""Wrong answers to the exercises on autoregressive models and flows, as readers write them."""

from itertools import pairwise

import numpy as np
from scipy.special import logsumexp, softmax


def _loops(ranks, degrees, first, second):
    d, m = len(ranks), len(degrees)
    one, two = np.zeros((d, m)), np.zeros((m, d))
    for i in range(d):
        for j in range(m):
            one[i, j] = first(degrees[j], ranks[i])
            two[j, i] = second(ranks[i], degrees[j])
    return one, two


def _right_masks(ranks, degrees):
    return _loops(ranks, degrees, lambda a, b: a >= b, lambda a, b: a > b)


def _price(by_order, axis=0, number=None):
    number = by_order.shape[0] if number is None else number
    together = logsumexp(by_order, axis=axis) - np.log(number)
    return -np.mean(together), np.mean(together) - np.mean(by_order)


def _halves(X):
    return np.split(X, 2, axis=1)


def _couple(X, A, B, move, log_det):
    a, b = _halves(X)
    s = np.tanh(a @ A)
    return np.concatenate([a, move(b, s, a @ B)], axis=1), log_det(s)


def _forth(u, s, t):
    return t + np.exp(s) * u


def _rows(s):
    return np.sum(s, 1)


def _from_the_moved(X, A, B):
    a, b = _halves(X)
    s = np.tanh(b @ A)
    return np.c_[a, b * np.exp(s) + b @ B], s.sum(1)


def _probabilities(log_w):
    return np.array([min(1, np.exp(b - a)) for a, b in pairwise(log_w)])


WRONG = {
    "flows-masks": [
        (
            "not strict",
            lambda r, m: _loops(r, m, lambda a, b: a >= b, lambda a, b: a >= b),
        ),
        (
            "first mask is strict",
            lambda r, m: _loops(r, m, lambda a, b: a > b, lambda a, b: a > b),
        ),
        (
            "signs are turned round",
            lambda r, m: _loops(r, m, lambda a, b: a <= b, lambda a, b: a < b),
        ),
        ("order of the columns", lambda r, m: _right_masks(np.arange(1, len(r) + 1), m)),
        ("should have shape", lambda r, m: tuple(M.T for M in _right_masks(r, m))),
        ("should return 2 things", lambda r, m: _right_masks(r, m)[0] @ _right_masks(r, m)[1]),
        (
            "The rest is right, but the second mask",
            lambda r, m: (_right_masks(r, m)[0], 1 - _right_masks(r, m)[1]),
        ),
    ],
    "flows-mixture": [
        ("logarithms were averaged", lambda L: (-np.mean(L), 0.0)),
        ("summed and not averaged", lambda L: _price(L, number=1)),
        ("best ordering", lambda L: (-L.max(0).mean(), (L.max(0) - L.mean(0)).mean())),
        ("over the samples too", lambda L: _price(L, axis=None, number=L.size)),
        ("sums over the n samples", lambda L: tuple(L.shape[1] * v for v in _price(L))),
        ("look at the sign", lambda L: (-_price(L)[0], _price(L)[1])),
        (
            "should have shape",
            lambda L: (-logsumexp(L, axis=0) + np.log(len(L)), _price(L)[1]),
        ),
        (
            "The rest is right, but the gain",
            lambda L: (
                _price(L)[0],
                np.mean(np.sum(softmax(L, 0) * np.log(len(L) * softmax(L, 0)), 0)),
            ),
        ),
    ],
    "flows-coupling": [
        (
            "This is the inverse",
            lambda X, A, B: _couple(
                X, A, B, lambda u, s, t: (u - t) / np.exp(s), lambda s: -s.sum(1)
            ),
        ),
        ("from the half that moves", _from_the_moved),
        (
            "multiplied by s itself",
            lambda X, A, B: _couple(X, A, B, lambda u, s, t: u * s + t, _rows),
        ),
        ("number n is missing", lambda X, A, B: _couple(X, A, B, _forth, lambda s: s.mean(1))),
        (
            "asked are their logarithms",
            lambda X, A, B: _couple(X, A, B, _forth, lambda s: np.prod(np.exp(s), 1)),
        ),
        (
            "in the other order",
            lambda X, A, B: _couple(X, A, B, lambda u, s, t: (u + t) * np.exp(s), _rows),
        ),
        (
            "look at the sign",
            lambda X, A, B: _couple(X, A, B, _forth, lambda s: -np.sum(s, 1)),
        ),
        ("should have shape", lambda X, A, B: _couple(X, A, B, _forth, np.sum)),
    ],
    "flows-bits": [
        ("d log m is missing", lambda L, d, m: -np.mean(L) / d / np.log(2)),
        ("to the power d", lambda L, d, m: (np.log(m) - np.mean(L)) / d / np.log(2)),
        ("sign of the constant", lambda L, d, m: -np.mean(L / d + np.log(m)) / np.log(2)),
        ("nats per dimension", lambda L, d, m: np.log(m) - np.mean(L) / d),
        ("bits per image", lambda L, d, m: d * np.log2(m) - np.mean(L) / np.log(2)),
        (
            "a tighter bound",
            lambda L, d, m: (
                np.log2(m) - np.mean(logsumexp(L, axis=0) - np.log(len(L))) / d / np.log(2)
            ),
        ),
        (
            "a factor n",
            lambda L, d, m: np.log2(m) - np.sum(np.mean(L, axis=0)) / d / np.log(2),
        ),
        ("look at the sign", lambda L, d, m: np.mean(L) / d / np.log(2) - np.log2(m)),
        ("should have shape", lambda L, d, m: np.log2(m) - np.mean(L, axis=0) / d / np.log(2)),
    ],
    "flows-acceptance": [
        ("sign of log q", lambda S, q: _probabilities(q - S)),
        ("log q does not appear", lambda S, q: _probabilities(-S)),
        ("upside down", lambda S, q: _probabilities(S + q)),
        ("sign of the action", lambda S, q: _probabilities(S - q)),
        (
            "at most one",
            lambda S, q: np.exp(S[:-1] + q[:-1] - S[1:] - q[1:]),
        ),
        ("their number n - 1", lambda S, q: _probabilities(-S - q) / (len(S) - 1)),
        ("should have shape", lambda S, q: np.mean(_probabilities(-S - q))),
    ],
}
