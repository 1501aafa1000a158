"""Wrong answers to the exercises on momentum and noise, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _ball(H, x0, eta, beta, steps, new=1.0, keep=1.0, pull=1.0):
    x, v, path = x0.copy(), 0 * x0, [x0.copy()]
    for _ in range(steps):
        v = keep * beta * v + new * (H @ x)
        x = x - pull * eta * v
        path.append(x.copy())
    return np.array(path)


def _look_ahead(H, x0, eta, beta, steps):
    x, v, path = x0.copy(), 0 * x0, [x0.copy()]
    for _ in range(steps):
        v = beta * v - eta * H @ (x + beta * v)
        x = x + v
        path.append(x.copy())
    return path


def _late(H, x0, eta, beta, steps):
    x, v, path = x0.copy(), 0 * x0, [x0.copy()]
    for _ in range(steps):
        g = H @ x
        x = x - eta * v
        v = beta * v + g
        path.append(x.copy())
    return path


def _matrices(h, eta, beta):
    return [np.array([[1 + beta - eta * c, -beta], [1, 0]]) for c in h]


def _moduli(matrices):
    return np.abs(np.linalg.eigvals(np.array(matrices)))


def _minus_beta(h, eta, beta):
    return [np.array([[1 - beta - eta * c, -beta], [1, 0]]) for c in h]


def _nesterov_blocks(h, eta, beta):
    return [np.array([[(1 + beta) * (1 - eta * c), -beta * (1 - eta * c)], [1, 0]]) for c in h]


def _solved(theta, divide, sign=1.0):
    out = np.zeros_like(theta)
    out[0] = theta[0]
    for k in range(1, len(theta)):
        out[k] = (theta[k] + sign * out[k - 1] * divide[1]) / divide[0]
    return out


def _noise(X, y):
    best = np.linalg.pinv(X) @ y
    rows = [-2 * (y[i] - X[i] @ best) * X[i] for i in range(len(y))]
    return np.mean([np.outer(g, g) for g in rows], axis=0)


def _kronecker(H, N, eta, second=1.0):
    p = len(H)
    one = np.eye(p)
    matrix = np.kron(H, one) + np.kron(one, H) - second * eta * np.kron(H, H)
    return np.linalg.solve(matrix, eta * N.ravel()).reshape(p, p)


def _H(X):
    return 2 / len(X) * X.T @ X


def _needed(X, s, eta):
    H, n = _H(X), len(X)
    S = 2 * s**2 / n * np.linalg.inv(H)
    return (H @ S + S @ H - eta * H @ S @ H) / eta


def _half_hessian(X, s, eta, B):
    H, n = X.T @ X / len(X), len(X)
    S = 2 * s**2 / n * np.linalg.inv(H)
    return (H @ S + S @ H - eta * H @ S @ H) / eta - 2 * s**2 / B * H


WRONG = {
    "momentum-heavy-ball": [
        (
            "velocity is an average",
            lambda H, x0, eta, beta, steps: _ball(H, x0, eta, beta, steps, new=1 - beta),
        ),
        (
            "sign before beta",
            lambda H, x0, eta, beta, steps: _ball(H, x0, eta, beta, steps, keep=-1),
        ),
        ("uphill", lambda H, x0, eta, beta, steps: _ball(H, x0, eta, beta, steps, pull=-1)),
        ("gradient descent", lambda H, x0, eta, beta, steps: _ball(H, x0, eta, 0, steps)),
        ("Nesterov's method", _look_ahead),
        (
            "cancels the 1/2",
            lambda H, x0, eta, beta, steps: _ball(H, x0, eta, beta, steps, new=2),
        ),
        ("update v first", _late),
        (
            "should have shape",
            lambda H, x0, eta, beta, steps: _ball(H, x0, eta, beta, steps)[1:],
        ),
        (
            "right one times -1: look at the sign",
            lambda H, x0, eta, beta, steps: _ball(H, -x0, eta, beta, steps),
        ),
    ],
    "momentum-radius": [
        ("where all directions oscillate", lambda h, eta, beta: beta**0.5),
        (
            "Only the stiffest",
            lambda h, eta, beta: _moduli(_matrices([max(h)], eta, beta)).max(),
        ),
        ("smallest modulus", lambda h, eta, beta: _moduli(_matrices(h, eta, beta)).min()),
        ("gradient descent", lambda h, eta, beta: max(abs(1 - eta * c) for c in h)),
        ("sign of beta", lambda h, eta, beta: _moduli(_minus_beta(h, eta, beta)).max()),
        (
            "factor 2 is missing",
            lambda h, eta, beta: 2 * _moduli(_matrices(h, eta, beta)).max(),
        ),
        (
            "Nesterov's method",
            lambda h, eta, beta: _moduli(_nesterov_blocks(h, eta, beta)).max(),
        ),
        (
            "should have shape ()",
            lambda h, eta, beta: _moduli(_matrices(h, eta, beta)).max(axis=1),
        ),
        (
            "right one times -1",
            lambda h, eta, beta: -_moduli(_matrices(h, eta, beta)).max(),
        ),
    ],
    "momentum-points": [
        ("saved parameters themselves", lambda theta, eta, beta: theta.copy()),
        (
            "extrapolates once more",
            lambda theta, eta, beta: (
                [theta[0]]
                + [theta[k] + beta * (theta[k] - theta[k - 1]) for k in range(1, len(theta))]
            ),
        ),
        (
            "move of the points themselves",
            lambda theta, eta, beta: (
                [theta[0]]
                + [theta[k] - beta * (theta[k] - theta[k - 1]) for k in range(1, len(theta))]
            ),
        ),
        ("division by 1 + beta", lambda theta, eta, beta: _solved(theta, (1, beta))),
        (
            "the sign before x_(k-1)",
            lambda theta, eta, beta: _solved(theta, (1 + beta, beta), -1),
        ),
        (
            "should have shape",
            lambda theta, eta, beta: _solved(theta, (1 + beta, beta))[-1],
        ),
    ],
    "momentum-cloud": [
        ("division by B", lambda X, y, eta, B: _kronecker(_H(X), _noise(X, y), eta)),
        (
            "(n - B)/(n - 1) does not belong",
            lambda X, y, eta, B: _kronecker(
                _H(X), _noise(X, y) / B * (len(y) - B) / (len(y) - 1), eta
            ),
        ),
        (
            "divided by n",
            lambda X, y, eta, B: _kronecker(_H(X), len(y) * _noise(X, y) / B, eta),
        ),
        ("the 2 is missing", lambda X, y, eta, B: _kronecker(_H(X) / 2, _noise(X, y) / B, eta)),
        (
            "too small by a factor 4",
            lambda X, y, eta, B: _kronecker(_H(X), _noise(X, y) / (4 * B), eta),
        ),
        (
            "first order in eta",
            lambda X, y, eta, B: _kronecker(_H(X), _noise(X, y) / B, eta, second=0),
        ),
        (
            "sign before eta",
            lambda X, y, eta, B: _kronecker(_H(X), _noise(X, y) / B, eta, second=-1),
        ),
        (
            "nothing to do with the features",
            lambda X, y, eta, B: _kronecker(
                _H(X),
                2 * np.mean((y - X @ (np.linalg.pinv(X) @ y)) ** 2) / B * _H(X),
                eta,
            ),
        ),
        (
            "should have shape",
            lambda X, y, eta, B: np.diag(_kronecker(_H(X), _noise(X, y) / B, eta)),
        ),
        (
            "right one times -1",
            lambda X, y, eta, B: -_kronecker(_H(X), _noise(X, y) / B, eta),
        ),
    ],
    "momentum-langevin": [
        ("The batches bring", lambda X, s, eta, B: _needed(X, s, eta)),
        (
            "sign before the noise of the batches",
            lambda X, s, eta, B: _needed(X, s, eta) + 2 * s**2 / B * _H(X),
        ),
        (
            "right to first order",
            lambda X, s, eta, B: (
                4 * s**2 / (eta * len(X)) * np.eye(X.shape[1]) - 2 * s**2 / B * _H(X)
            ),
        ),
        (
            "a factor n is missing",
            lambda X, s, eta, B: len(X) * _needed(X, s, eta) - 2 * s**2 / B * _H(X),
        ),
        ("the 2 is missing in it", _half_hessian),
        (
            "kick on the parameters",
            lambda X, s, eta, B: eta**2 * (_needed(X, s, eta) - 2 * s**2 / B * _H(X)),
        ),
        (
            "division by B is missing",
            lambda X, s, eta, B: _needed(X, s, eta) - 2 * s**2 * _H(X),
        ),
        (
            "should have shape",
            lambda X, s, eta, B: np.linalg.eigvalsh(_needed(X, s, eta) - 2 * s**2 / B * _H(X)),
        ),
    ],
}
