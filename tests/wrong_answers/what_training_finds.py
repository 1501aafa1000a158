"""Wrong answers to the exercises on what training finds, each with words of its hint.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _values(M):
    """Singular values by the eigenvalues of M^T M, the largest first."""
    return np.sqrt(np.linalg.eigvalsh(M.T @ M))[::-1]


def _grown(s, start, tau, rate=4):
    growth = np.exp(rate * s * tau)
    return s * start * growth / (s - start + start * growth)


def _product(X, Y, start, tau):
    u, s, vt = np.linalg.svd(np.einsum("ni,nj->ij", X, Y) / len(X))
    return u * _grown(s, start, tau) @ vt


def _residual(X, y, u, v):
    return X @ (u**2 - v**2) - y


def _step(X, y, u, v, eta, factor, signs=(-1, 1)):
    pull = np.mean(_residual(X, y, u, v)[:, None] * X, axis=0)
    return u + signs[0] * factor * eta * u * pull, v + signs[1] * factor * eta * v * pull


def _in_turn(X, y, u, v, eta):
    u, _ = _step(X, y, u, v, eta, 4)
    return u, _step(X, y, u, v, eta, 4)[1]


def _no_chain(X, y, u, v, eta):
    pull = 2 * eta * np.mean(_residual(X, y, u, v)[:, None] * X, axis=0)
    return u - pull, v + pull


def _end(x, y, u, v):
    w, Q = (x @ y) / (x @ x), (u - v) * (u + v)
    return (Q**2 + 4 * w**2) ** 0.5


WRONG = {
    "findings-mode": [
        ("n times too fast", lambda X, Y, start, tau: _grown(_values(X.T @ Y), start, tau)),
        (
            "The rate is 2s",
            lambda X, Y, start, tau: _grown(_values(X.T @ Y / len(X)), start, tau, 2),
        ),
        (
            "sign in the exponent is wrong",
            lambda X, Y, start, tau: _grown(_values(X.T @ Y / len(X)), start, tau, -4),
        ),
        (
            "that of one layer and squared",
            lambda X, Y, start, tau: _grown(_values(X.T @ Y / len(X)), start * start, tau),
        ),
        (
            "a network of one layer",
            lambda X, Y, start, tau: (
                _values(X.T @ Y / len(X)) - (_values(X.T @ Y / len(X)) - start) / np.exp(2 * tau)
            ),
        ),
        (
            "order is reversed",
            lambda X, Y, start, tau: np.sort(_grown(_values(X.T @ Y / len(X)), start, tau)),
        ),
        ("should have shape", _product),
    ],
    "findings-conserved": [
        ("biases are missing", lambda W1, b1, W2: W1.T @ W1 - W2 @ W2.T),
        (
            "sign before the second layer",
            lambda W1, b1, W2: W1.T @ W1 + b1[:, None] * b1 + np.einsum("jk,ik->ij", W2, W2),
        ),
        ("W1 W1^T is indexed", lambda W1, b1, W2: W1 @ W1.T + b1[:, None] * b1 - W2 @ W2.T),
        ("W2^T W2 is indexed", lambda W1, b1, W2: W1.T @ W1 + b1[:, None] * b1 - W2.T @ W2),
        ("b1 @ b1 is a number", lambda W1, b1, W2: W1.T @ W1 + np.sum(b1**2) - W2 @ W2.T),
        (
            "on the diagonal alone",
            lambda W1, b1, W2: W1.T @ W1 + np.eye(len(b1)) * b1**2 - W2 @ W2.T,
        ),
        (
            "should have shape",
            lambda W1, b1, W2: np.sum(W1**2, axis=0) + b1**2 - np.sum(W2**2, axis=1),
        ),
        (
            "times -1",
            lambda W1, b1, W2: W2 @ W2.T - W1.T @ W1 - b1[:, None] * b1,
        ),
        (
            "times 1/n",
            lambda W1, b1, W2: (W1.T @ W1 + b1[:, None] * b1 - W2 @ W2.T) / len(W1),
        ),
    ],
    "findings-diagonal": [
        (
            "the steps are n times too long",
            lambda X, y, u, v, eta: _step(X, y, u, v, eta, 4 * len(y)),
        ),
        ("A factor 2 is missing", lambda X, y, u, v, eta: _step(X, y, u, v, eta, 2)),
        (
            "sign of the step of v",
            lambda X, y, u, v, eta: _step(X, y, u, v, eta, 4, signs=(-1, -1)),
        ),
        ("leads uphill", lambda X, y, u, v, eta: _step(X, y, u, v, eta, 4, signs=(1, -1))),
        ("before either moves", _in_turn),
        ("chain rule is missing", _no_chain),
        (
            "should have shape",
            lambda X, y, u, v, eta: tuple(w[:, None] for w in _step(X, y, u, v, eta, 4)),
        ),
    ],
    "findings-sharpness": [
        ("their sum is n times", lambda x, y, u, v: 2 * (x @ x) * _end(x, y, u, v)),
        ("A factor 2 is missing", lambda x, y, u, v: x @ x / len(x) * _end(x, y, u, v)),
        ("at the start", lambda x, y, u, v: 2 * np.mean(x * x) * np.hypot(u, v) ** 2),
        ("the balanced one", lambda x, y, u, v: 4 * abs(np.mean(x * y))),
        (
            "sign is wrong",
            lambda x, y, u, v: (
                2 * np.mean(x * x) * np.hypot(u * u + v * v, 2 * np.mean(x * y) / np.mean(x * x))
            ),
        ),
        (
            "taken to be one",
            lambda x, y, u, v: 2 * np.mean(x * x) * np.hypot(u * u - v * v, 2),
        ),
        (
            "should have shape",
            lambda x, y, u, v: 2 * x**2 * _end(x, y, u, v),
        ),
    ],
}
