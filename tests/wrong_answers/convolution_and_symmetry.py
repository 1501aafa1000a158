"""Wrong answers on convolution and symmetry, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy import linalg, ndimage


def _undo(y, w, matrix):
    return np.linalg.solve(matrix(w), y)


def _flip(w):
    return np.concatenate([w[:1], w[:0:-1]])


def _gradient(X, Y, w, factor):
    """Sum over all samples and sites in a loop."""
    n, N = X.shape
    slope = np.zeros(len(w))
    for a in range(n):
        for i in range(N):
            z = sum(w[u] * X[a, (i + u) % N] for u in range(len(w)))
            for u in range(len(w)):
                slope[u] += factor(n, N) * (z - Y[a, i]) * X[a, (i + u) % N]
    return slope


def _convolved(X, Y, w, same):
    padded = np.zeros((len(w), X.shape[1]))
    padded[np.arange(len(w)), np.arange(len(w))] = 1
    shifts = [linalg.circulant(row) for row in padded]
    Z = sum(wu * X @ (S.T if same else S) for wu, S in zip(w, shifts, strict=True))
    return np.array([2 * np.mean(np.sum((Z - Y) * (X @ S.T), axis=1)) for S in shifts])


def _scatter(delta, w, N, place):
    r = N // len(delta)
    found = np.zeros(N)
    for i, d in enumerate(delta):
        for u, tap in enumerate(w):
            found[place(r, i, u) % N] += d * tap
    return found


def _cut(delta, w, N):
    r = N // len(delta)
    found = np.zeros(N)
    for i, d in enumerate(delta):
        for u, tap in enumerate(w):
            if r * i + u < N:
                found[r * i + u] += d * tap
    return found


def _values(X, w, b):
    maps = np.array([ndimage.correlate(x, w, mode="wrap") for x in X])
    return np.maximum(maps + b, 0).reshape(len(X), -1)


def _row_shifts(X, w, b):
    shifted = [np.roll(X, j, axis=2) for j in range(X.shape[2])]
    return np.mean([np.clip((Z * w).sum((1, 2)) + b, 0, None) for Z in shifted], axis=0)


def _fit(A):
    N = len(A)
    design = np.column_stack([np.eye(N).ravel(), np.full(N * N, 1 / N)])
    return np.linalg.lstsq(design, A.ravel(), rcond=None)[0]


WRONG = {
    "convolution-deconvolve": [
        ("complex conjugate", lambda y, w: _undo(y, _flip(w), linalg.circulant)),
        ("blurs once more", lambda y, w: linalg.circulant(w) @ y),
        (
            "has a phase",
            lambda y, w: np.real(np.fft.ifft(np.fft.fft(y) / abs(np.fft.fft(w)))),
        ),
        (
            "n times too large",
            lambda y, w: len(y) * _flip(_undo(y, w, linalg.circulant)),
        ),
        ("look at the sign", lambda y, w: _undo(-y, w, linalg.circulant)),
        ("right one times 1/n", lambda y, w: _undo(y, w, linalg.circulant) / len(y)),
        ("should have shape", lambda y, w: np.fft.irfft(np.fft.rfft(y) / np.fft.rfft(w), 4)),
        ("dtype complex128", lambda y, w: np.fft.ifft(np.fft.fft(y) / np.fft.fft(w))),
    ],
    "convolution-kernel-gradient": [
        ("1/n of the cost is missing", lambda X, Y, w: _gradient(X, Y, w, lambda n, N: 2)),
        ("factor 2", lambda X, Y, w: _gradient(X, Y, w, lambda n, N: 1 / n)),
        ("mean over the sites", lambda X, Y, w: _gradient(X, Y, w, lambda n, N: 2 / n / N)),
        ("look at the sign", lambda X, Y, w: _gradient(X, Y, w, lambda n, N: -2 / n)),
        ("gradient for the convolution", lambda X, Y, w: _convolved(X, Y, w, True)),
        ("forward pass is right", lambda X, Y, w: _convolved(X, Y, w, False)),
        (
            "should have shape",
            lambda X, Y, w: [_gradient(X, Y, w, lambda n, N: 2 / n)],
        ),
    ],
    "convolution-transposed": [
        (
            "wrong way round",
            lambda delta, w, N: _scatter(delta, w, N, lambda r, i, u: r * i - u),
        ),
        (
            "zeros between",
            lambda delta, w, N: _scatter(
                np.kron(delta, np.ones(N // len(delta))), w, N, lambda r, i, u: i + u
            ),
        ),
        (
            "not a mean",
            lambda delta, w, N: _scatter(delta, w, N, lambda r, i, u: r * i + u) / len(w),
        ),
        ("form a ring", _cut),
        (
            "look at the sign",
            lambda delta, w, N: _scatter(-delta, w, N, lambda r, i, u: r * i + u),
        ),
        (
            "right one times n",
            lambda delta, w, N: len(delta) * _scatter(delta, w, N, lambda r, i, u: r * i + u),
        ),
        (
            "should have shape",
            lambda delta, w, N: _scatter(delta, w, N, lambda r, i, u: r * i + u)[: len(delta)],
        ),
    ],
    "convolution-average": [
        ("sum over the translations", lambda X, w, b: _values(X, w, b).sum(axis=1)),
        (
            "outside the mean",
            lambda X, w, b: np.clip(X.mean(axis=(1, 2)) * w.sum() + b, 0, None),
        ),
        ("bias is missing", lambda X, w, b: _values(X, w, 0).mean(axis=1)),
        ("after the relu", lambda X, w, b: _values(X, w, 0).mean(axis=1) + b),
        ("all pairs of both", _row_shifts),
        (
            "not averaged at all",
            lambda X, w, b: np.clip(np.tensordot(X, w, 2) + b, 0, None),
        ),
        ("wrong sign", lambda X, w, b: _values(X, w, -b).mean(axis=1)),
        ("right one times n", lambda X, w, b: len(X) * _values(X, w, b).mean(axis=1)),
        ("should have shape", _values),
    ],
    "convolution-sets": [
        ("factor n is missing", lambda A: (_fit(A)[0], _fit(A)[1] / len(A))),
        ("subtract it", lambda A: (np.mean(np.diag(A)), _fit(A)[1])),
        (
            "mean of all elements",
            lambda A: (np.mean(np.diag(A)) - np.mean(A), np.sum(A) / len(A)),
        ),
        ("without the division by n", lambda A: (np.trace(A) - _fit(A)[1] / len(A), _fit(A)[1])),
        (
            "sign of what is subtracted",
            lambda A: (np.mean(np.diag(A)) + _fit(A)[1] / len(A), _fit(A)[1]),
        ),
        ("right one times -1", lambda A: (_fit(A)[0], -_fit(A)[1])),
        ("should have shape", lambda A: (np.diag(A) - _fit(A)[1] / len(A), _fit(A)[1])),
    ],
}
