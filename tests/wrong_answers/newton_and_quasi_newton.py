"""Wrong answers to the exercises on Newton's method, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _eigen(H, g, size, sign=-1):
    nu, V = np.linalg.eigh(H)
    return sign * sum((v @ g) / size(value) * v for value, v in zip(nu, V.T, strict=True))


def _expanded(H, s, y, first=1.0, last=1.0):
    c = np.dot(y, s)
    Hy = H @ y
    mixed = np.outer(s, Hy) + np.outer(Hy, s)
    return H - mixed / c + first * (y @ Hy) / c**2 * np.outer(s, s) + last * np.outer(s, s)


def _two_loops(g, steps, differences, *, forward=False, gamma=None, put_back=True):
    order = range(len(steps)) if forward else range(len(steps) - 1, -1, -1)
    q, alpha = np.array(g), {}
    for i in order:
        alpha[i] = steps[i] @ q / (steps[i] @ differences[i])
        q = q - alpha[i] * differences[i]
    if gamma is None:
        gamma = steps[-1] @ differences[-1] / (differences[-1] @ differences[-1])
    r = gamma * q
    for i in reversed(order):
        beta = differences[i] @ r / (steps[i] @ differences[i])
        r = r + ((alpha[i] if put_back else 0) - beta) * steps[i]
    return r


def _covariance(J, r, divisor):
    R = np.linalg.qr(J, mode="r")
    inverse = np.linalg.inv(R)
    return inverse @ inverse.T * (np.sum(r**2) / divisor)


def _errors(J, r, divisor):
    return np.diag(_covariance(J, r, divisor)) ** 0.5


WRONG = {
    "newton-direction": [
        ("leads uphill", lambda H, g: -np.linalg.inv(H) @ g),
        ("sign is that of an ascent", lambda H, g: _eigen(H, g, abs, sign=1)),
        ("multiplied by the curvatures", lambda H, g: _eigen(H, g, lambda nu: 1 / abs(nu))),
        (
            "transpose stands in the other place",
            lambda H, g: (
                -sum(
                    (v @ g) / abs(nu) * v
                    for nu, v in zip(np.linalg.eigh(H)[0], np.linalg.eigh(H)[1], strict=True)
                )
            ),
        ),
        ("entries of H", lambda H, g: -np.linalg.inv(abs(H)) @ g),
        ("minus the gradient", lambda H, g: -1 * g),
        ("should have shape", lambda H, g: -np.linalg.inv(H)),
        ("a column is another thing", lambda H, g: _eigen(H, g, abs)[:, None]),
        ("times", lambda H, g: len(g) * _eigen(H, g, abs)),
    ],
    "newton-bfgs": [
        ("exchanged: this is", lambda H, s, y: _expanded(H, y, s, last=1 / (s @ y))),
        ("last term, rho s s^T, is missing", lambda H, s, y: _expanded(H, s, y, last=0)),
        ("last term has the wrong sign", lambda H, s, y: _expanded(H, s, y, last=-1 / (s @ y))),
        (
            "y^T s itself",
            lambda H, s, y: (
                (np.eye(len(s)) - (y @ s) * np.outer(s, y))
                @ H
                @ (np.eye(len(s)) - (y @ s) * np.outer(y, s))
                + (y @ s) * np.outer(s, s)
            ),
        ),
        ("has a factor rho", lambda H, s, y: _expanded(H, s, y, last=1.0)),
        (
            "factors around H are exchanged",
            lambda H, s, y: (
                (np.eye(len(s)) - np.outer(y, s) / (y @ s))
                @ H
                @ (np.eye(len(s)) - np.outer(s, y) / (y @ s))
                + np.outer(s, s) / (y @ s)
            ),
        ),
        (
            "update of the Hessian, B",
            lambda H, s, y: H + np.outer(y, y) / (s @ y) - H @ np.outer(s, s) @ H / (s @ H @ s),
        ),
        ("look at the sign", lambda H, s, y: -_expanded(H, s, y, last=1 / (s @ y))),
        ("should have shape", lambda H, s, y: _expanded(H, s, y, last=1 / (s @ y)) @ y),
    ],
    "newton-two-loops": [
        ("in the wrong order", lambda g, S, Y: _two_loops(g, S, Y, forward=True)),
        ("order of the pairs is reversed", lambda g, S, Y: _two_loops(g, S[::-1], Y[::-1])),
        ("multiplied by gamma", lambda g, S, Y: _two_loops(g, S, Y, gamma=1.0)),
        (
            "divided by instead of multiplied",
            lambda g, S, Y: _two_loops(g, S, Y, gamma=(Y[-1] @ Y[-1]) / (S[-1] @ Y[-1])),
        ),
        (
            "not from the oldest",
            lambda g, S, Y: _two_loops(g, S, Y, gamma=(S[0] @ Y[0]) / (Y[0] @ Y[0])),
        ),
        ("This is -H g", lambda g, S, Y: _two_loops(-g, S, Y)),
        ("not put back", lambda g, S, Y: _two_loops(g, S, Y, put_back=False)),
        ("Only the newest pair", lambda g, S, Y: _two_loops(g, S[-1:], Y[-1:])),
        ("should have shape", lambda g, S, Y: S * (_two_loops(g, S, Y) @ g)),
    ],
    "newton-errors": [
        ("their roots", lambda J, r: np.diag(_covariance(J, r, len(r) - J.shape[1]))),
        ("divided by n.", lambda J, r: _errors(J, r, len(r))),
        ("variance of the data", lambda J, r: np.diag(np.linalg.inv(J.T @ J)) ** 0.5),
        (
            "Invert the matrix first",
            lambda J, r: np.sqrt(sum(r**2) / (len(r) - J.shape[1]) / np.diag(J.T @ J)),
        ),
        (
            "factor 2/n",
            lambda J, r: _errors(J, r, len(r) - J.shape[1]) * np.sqrt(len(r) / 2),
        ),
        ("factor n is too much", lambda J, r: _errors(J, r, 1 - J.shape[1] / len(r))),
        ("has to be divided by n - p", lambda J, r: _errors(J, r, 1)),
        ("should have shape", lambda J, r: _covariance(J, r, len(r) - J.shape[1])),
        ("look at the sign", lambda J, r: -_errors(J, r, len(r) - J.shape[1])),
    ],
}
