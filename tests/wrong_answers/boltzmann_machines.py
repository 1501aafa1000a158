"""Wrong answers to the exercises on Boltzmann machines, with words of the hint meant for each."""

import numpy as np


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _softplus(z):
    return np.log(1 + np.exp(z))


def _right(X, W, b, c):
    return -(X @ b) - _softplus(X @ W + c).sum(1)


def _two(X, V, W, c, n_data, n_chains):
    return X.T @ _sigmoid(X @ W + c) / n_data - V.T @ _sigmoid(V @ W + c) / n_chains


def _J(S, C):
    J = -np.linalg.pinv(C)
    J[np.arange(len(J)), np.arange(len(J))] = 0
    return J


def _C(S, ddof=0):
    return np.cov(S, rowvar=False, ddof=ddof)


def _log_mean(a):
    return np.logaddexp.reduce(a) - np.log(a.size)


def _relative(a, ddof=1):
    w = np.exp(a - np.max(a))
    return np.std(w, ddof=ddof) / (np.mean(w) * np.sqrt(a.size))


WRONG = {
    "boltzmann-free-energy": [
        ("lowers the energy", lambda X, W, b, c: X @ b - _softplus(X @ W + c).sum(1)),
        ("visible biases are missing", lambda X, W, b, c: -_softplus(X @ W + c).sum(1)),
        (
            "mean energy",
            lambda X, W, b, c: -(X @ b) - ((X @ W + c) * _sigmoid(X @ W + c)).sum(1),
        ),
        ("inside the softplus", lambda X, W, b, c: _right(X, W, b, 0)),
        ("best hidden state", lambda X, W, b, c: -(X @ b) - np.clip(X @ W + c, 0, None).sum(1)),
        ("look at the sign", lambda X, W, b, c: -_right(X, W, b, c)),
        ("times n", lambda X, W, b, c: _right(X, W, b, c) * X.shape[0]),
        ("1/n", lambda X, W, b, c: _right(X, W, b, c) / X.shape[0]),
        ("too much was summed", lambda X, W, b, c: _right(X, W, b, c).sum()),
        ("should have shape", lambda X, W, b, c: _right(X, W, b, c)[:, None]),
    ],
    "boltzmann-gradient": [
        ("Only the positive phase", lambda X, V, W, c: X.T @ _sigmoid(X @ W + c) / X.shape[0]),
        ("Both phases are sums", lambda X, V, W, c: _two(X, V, W, c, 1, 1)),
        ("same number", lambda X, V, W, c: _two(X, V, W, c, len(X), len(X))),
        ("both phases are also the same", lambda X, V, W, c: _two(X, X, W, c, len(X), len(X))),
        ("in their probabilities", lambda X, V, W, c: _two(X, V, W, 0, len(X), len(V))),
        ("look at the sign", lambda X, V, W, c: _two(V, X, W, c, len(V), len(X))),
        ("should have shape", lambda X, V, W, c: _two(X, V, W, c, len(X), len(V)).T),
    ],
    "boltzmann-mean-field": [
        ("means are not subtracted", lambda S: _J(S, S.T @ S / len(S))),
        ("divides by n - 1", lambda S: _J(S, _C(S, 1))),
        ("diagonal of the inverse", lambda S: -np.linalg.inv(_C(S))),
        ("These are the correlations", lambda S: _C(S) - np.diag(np.diag(_C(S)))),
        ("not divided by n", lambda S: _J(S, len(S) * _C(S))),
        ("look at the sign", lambda S: -_J(S, _C(S))),
        ("should have shape", lambda S: _J(S, _C(S))[np.triu_indices(S.shape[1], 1)]),
    ],
    "boltzmann-ais": [
        (
            "logarithms are averaged",
            lambda a, z: (z + np.mean(a), np.std(a, ddof=1) / np.sqrt(a.size)),
        ),
        ("added and not averaged", lambda a, z: (z + np.logaddexp.reduce(a), _relative(a))),
        ("wrong sign", lambda a, z: (_log_mean(a) - z, _relative(a))),
        ("add log Z_0", lambda a, z: (_log_mean(a), _relative(a))),
        ("spread of a single run", lambda a, z: (z + _log_mean(a), _relative(a) * a.size**0.5)),
        ("ddof=1", lambda a, z: (z + _log_mean(a), _relative(a, 0))),
        ("should have shape", lambda a, z: (z + a, _relative(a))),
        ("2 things", lambda a, z: z + _log_mean(a)),
    ],
}
