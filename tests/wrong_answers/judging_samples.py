"""Wrong answers to the exercises on judging samples, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.special import logsumexp


def _distance(X, Y, bias=False, factor=2, power=2, entries=False):
    S, T = np.cov(X, rowvar=False, bias=bias), np.cov(Y, rowvar=False, bias=bias)
    root = np.sqrt(np.diag(np.diag(S) * np.diag(T))) if entries else sqrtm(S @ T).real
    return np.linalg.norm(X.mean(0) - Y.mean(0)) ** power + np.trace(S + T - factor * root)


def _mean_of_pairs(K, terms=None):
    upper = K[np.triu_indices(len(K), 1)]
    return 2 * upper.sum() / (len(K) ** 2 - len(K) if terms is None else terms)


def _share(samples, train, held_out, reduce=np.min):
    return np.mean(reduce(cdist(samples, train), axis=1) < reduce(cdist(samples, held_out), axis=1))


WRONG = {
    "judging-frechet": [
        ("asks for n - 1", lambda X, Y: _distance(X, Y, bias=True)),
        ("factor 2 before the root", lambda X, Y: _distance(X, Y, factor=1)),
        ("should be subtracted", lambda X, Y: _distance(X, Y, factor=-2)),
        ("has to be squared", lambda X, Y: _distance(X, Y, power=1)),
        ("means is missing", lambda X, Y: _distance(X - X.mean(0), Y - Y.mean(0))),
        ("root of the answer", lambda X, Y: _distance(X, Y) ** 0.5),
        ("Only the diagonals", lambda X, Y: _distance(X, Y, entries=True)),
        ("right one times -1", lambda X, Y: -_distance(X, Y)),
        ("should have shape", lambda X, Y: np.full(X.shape[1], _distance(X, Y))),
    ],
    "judging-mmd": [
        ("pairs of a sample with itself", lambda K, L, M: np.mean(K) + np.mean(L) - 2 * np.mean(M)),
        (
            "n(n - 1) terms",
            lambda K, L, M: (
                _mean_of_pairs(K, len(K) ** 2) + _mean_of_pairs(L, len(L) ** 2) - 2 * np.mean(M)
            ),
        ),
        (
            "diagonals are in the sums",
            lambda K, L, M: (
                K.sum() / len(K) / (len(K) - 1) + L.sum() / len(L) / (len(L) - 1) - 2 * np.mean(M)
            ),
        ),
        (
            "factor 2 before the mixed",
            lambda K, L, M: _mean_of_pairs(K) + _mean_of_pairs(L) - np.mean(M),
        ),
        (
            "should be subtracted",
            lambda K, L, M: _mean_of_pairs(K) + _mean_of_pairs(L) + 2 * np.mean(M),
        ),
        (
            "a factor 2 is missing",
            lambda K, L, M: _mean_of_pairs(K) / 2 + _mean_of_pairs(L) / 2 - 2 * np.mean(M),
        ),
        (
            "right one times -1",
            lambda K, L, M: 2 * np.mean(M) - _mean_of_pairs(K) - _mean_of_pairs(L),
        ),
        (
            "should have shape",
            lambda K, L, M: _mean_of_pairs(K) + _mean_of_pairs(L) - 2 * M.mean(axis=0),
        ),
    ],
    "judging-memorisation": [
        ("This is M itself", lambda samples, train, held_out: _share(samples, train, held_out)),
        (
            "for the wrong side",
            lambda samples, train, held_out: 0.5 + _share(samples, train, held_out) / 2,
        ),
        (
            "counts samples",
            lambda samples, train, held_out: (
                len(samples) * (2 * _share(samples, train, held_out) - 1)
            ),
        ),
        (
            "mean distances",
            lambda samples, train, held_out: 2 * _share(samples, train, held_out, np.mean) - 1,
        ),
        (
            "roles are exchanged",
            lambda samples, train, held_out: 2 * _share(train, samples, held_out) - 1,
        ),
        (
            "right one times -1",
            lambda samples, train, held_out: 1 - 2 * _share(samples, train, held_out),
        ),
        (
            "should have shape",
            lambda samples, train, held_out: [2 * _share(samples, train, held_out) - 1],
        ),
    ],
    "judging-dequantised": [
        ("change of units is missing", lambda log_q, levels, pixels: -np.mean(log_q, axis=0)),
        (
            "the number of pixels, is missing",
            lambda log_q, levels, pixels: np.log(levels) - np.mean(log_q, axis=0),
        ),
        (
            "sign of the change of units",
            lambda log_q, levels, pixels: -np.mean(log_q + pixels * np.log(levels), axis=0),
        ),
        (
            "logarithm of the mean",
            lambda log_q, levels, pixels: (
                pixels * np.log(levels) + np.log(len(log_q)) - logsumexp(log_q, axis=0)
            ),
        ),
        (
            "bits per pixel",
            lambda log_q, levels, pixels: (
                np.log2(levels) - np.mean(log_q, axis=0) / np.log(2) / pixels
            ),
        ),
        (
            "divide by their number",
            lambda log_q, levels, pixels: pixels * np.log(levels) - np.sum(log_q, axis=0),
        ),
        (
            "right one times -1",
            lambda log_q, levels, pixels: np.mean(log_q, axis=0) - pixels * np.log(levels),
        ),
        (
            "should have shape",
            lambda log_q, levels, pixels: pixels * np.log(levels) - np.mean(log_q, axis=1),
        ),
    ],
}
