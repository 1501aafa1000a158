"""Wrong answers to the exercises on feed-forward networks, each with words of its hint.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _perceptron(X, y, update, passes=200, wrong=lambda value: value <= 0):
    theta, mistakes = np.zeros(X.shape[1]), 0
    for _ in range(passes):
        found = False
        for i in range(len(y)):
            if wrong(y[i] * np.dot(theta, X[i])):
                theta = update(theta, X[i], y[i])
                mistakes += 1
                found = True
        if not found:
            break
    return theta, mistakes


def _count_passes(X, y):
    theta, passes = np.zeros(X.shape[1]), 0
    while True:
        passes += 1
        found = 0
        for x, label in zip(X, y, strict=True):
            if label * (theta @ x) <= 0:
                theta = theta + label * x
                found += 1
        if found == 0:
            return theta, passes


def _error(X, Y, W1, b1, W2, b2, activation=np.tanh):
    return Y - (activation(X @ W1 + b1) @ W2 + b2)


def _naive(Z, Y):
    with np.errstate(all="ignore"):
        probabilities = np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)
        return -np.sum(Y * np.log(probabilities)) / len(Z)


def _shifted(Z, axis=1):
    E = np.exp(Z - Z.max(axis=axis, keepdims=True))
    return E / E.sum(axis=axis, keepdims=True)


def _lost(Z, Y):
    logarithm = np.log(np.sum(np.exp(Z - np.max(Z, axis=1)[:, None]), axis=1))
    return np.mean(logarithm - Z[Y == 1])


def _entropy(Z, Y, axis=1):
    shifted = Z - Z.max(axis=axis, keepdims=True)
    return -np.sum(Y * (shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))))


def _signs(m, j):
    s = np.ones(m)
    s[j] = -1
    return s


def _flip(W1, b1, W2, b2, j, more):
    s = _signs(len(b1), j)
    return W1 * s, b1 * s, W2 * s[:, None], b2 + more


WRONG = {
    "feed-forward-collapse": [
        ("goes through the second layer", lambda W1, b1, W2, b2: (np.dot(W1, W2), b2)),
        ("a bias of its own", lambda W1, b1, W2, b2: (W1 @ W2, W2.T @ b1)),
        ("samples in columns", lambda W1, b1, W2, b2: (W2.T @ W1.T, W2.T @ b1 + b2)),
        ("sign of b1", lambda W1, b1, W2, b2: (W1 @ W2, b2 - W2.T @ b1)),
        ("should have shape", lambda W1, b1, W2, b2: (W2 @ W1, b1 + W1.T @ b2)),
        (
            "b is the right one times n",
            lambda W1, b1, W2, b2: (W1 @ W2, len(W1) * (b1 @ W2 + b2)),
        ),
        ("should return 2 things", lambda W1, b1, W2, b2: (W1, W1 @ W2, b1 @ W2 + b2)),
    ],
    "feed-forward-perceptron": [
        (
            "a zero is a mistake too",
            lambda X, y: _perceptron(X, y, lambda t, x, s: t + s * x, wrong=lambda v: v < 0),
        ),
        ("one pass", lambda X, y: _perceptron(X, y, lambda t, x, s: t + s * x, passes=1)),
        (
            "divided by the number of samples",
            lambda X, y: _perceptron(X, y, lambda t, x, s: t + s * x / len(y)),
        ),
        ("The sign is wrong", lambda X, y: _perceptron(X, y, lambda t, x, s: t - s * x)),
        ("passes over the samples", _count_passes),
        (
            "should have shape",
            lambda X, y: (y, _perceptron(X, y, lambda t, x, s: t + s * x)[1]),
        ),
        ("should return 2 things", lambda X, y: _perceptron(X, y, lambda t, x, s: t + s * x)[0]),
    ],
    "feed-forward-cost": [
        ("MSELoss", lambda X, Y, *layers: np.mean(_error(X, Y, *layers) ** 2)),
        (
            "activation, tanh, is missing",
            lambda X, Y, *layers: np.sum(_error(X, Y, *layers, lambda Z: Z) ** 2) / len(X),
        ),
        (
            "identity as its activation",
            lambda X, Y, W1, b1, W2, b2: (
                np.sum((np.tanh(np.tanh(X @ W1 + b1) @ W2 + b2) - Y) ** 2) / len(X)
            ),
        ),
        (
            "biases are missing",
            lambda X, Y, W1, b1, W2, b2: np.mean(np.sum((np.tanh(X @ W1) @ W2 - Y) ** 2, axis=1)),
        ),
        (
            "sign of the output's bias",
            lambda X, Y, W1, b1, W2, b2: np.mean(
                np.sum((Y - np.tanh(X @ W1 + b1) @ W2 + b2) ** 2, axis=1)
            ),
        ),
        (
            "squares without a root",
            lambda X, Y, *layers: np.mean(np.sqrt(np.sum(_error(X, Y, *layers) ** 2, axis=1))),
        ),
        ("right one times n", lambda X, Y, *layers: np.sum(_error(X, Y, *layers) ** 2)),
        (
            "should have shape",
            lambda X, Y, *layers: np.mean(_error(X, Y, *layers) ** 2, axis=0),
        ),
    ],
    "feed-forward-softmax": [
        ("NaN or infinite", _naive),
        ("divides by n alone", lambda Z, Y: _entropy(Z, Y) / Z.size),
        ("added to the logarithm again", _lost),
        ("runs over the samples", lambda Z, Y: _entropy(Z, Y, axis=0) / len(Z)),
        (
            "small constant",
            lambda Z, Y: -np.mean(np.log(np.maximum(_shifted(Z)[Y == 1], 1e-12))),
        ),
        ("right one times n", _entropy),
        ("look at the sign", lambda Z, Y: -_entropy(Z, Y) / len(Z)),
        (
            "should have shape",
            lambda Z, Y: np.array([_entropy(Z[[i]], Y[[i]]) for i in range(len(Z))]),
        ),
    ],
    "feed-forward-flip": [
        ("right for tanh", lambda W1, b1, W2, b2, j: _flip(W1, b1, W2, b2, j, 0)),
        ("sign of what is added", lambda W1, b1, W2, b2, j: _flip(W1, b1, W2, b2, j, -W2[j])),
        (
            "bias of the hidden unit",
            lambda W1, b1, W2, b2, j: (
                W1 @ np.diag(_signs(len(b1), j)),
                b1,
                np.diag(_signs(len(b1), j)) @ W2,
                b2 + W2[j],
            ),
        ),
        (
            "is the column",
            lambda W1, b1, W2, b2, j: (
                np.diag(_signs(len(b1), j)) @ W1,
                *_flip(W1, b1, W2, b2, j, W2[j])[1:],
            ),
        ),
        (
            "not unit j alone",
            lambda W1, b1, W2, b2, j: (-W1, -b1, -W2, b2 + np.ones(len(b1)) @ W2),
        ),
        (
            "b2 is the right one times 2",
            lambda W1, b1, W2, b2, j: _flip(W1, b1, W2, b2, j, b2 + 2 * W2[j]),
        ),
        (
            "should have shape",
            lambda W1, b1, W2, b2, j: (W1[:, j], b1, W2, b2),
        ),
    ],
}
