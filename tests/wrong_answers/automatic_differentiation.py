"""Wrong answers to the exercises on automatic differentiation, each with words of its hint.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _run(inputs, lines):
    v = [float(x) for x in inputs]
    for line in lines:
        a, b = v[line[1]], v[line[2]]
        v.append(a + b if line[0] == 0 else a * b)
    return v


def _last_use_only(inputs, lines):
    v = _run(inputs, lines)
    grads = dict.fromkeys(range(len(v)), 0.0)
    grads[len(v) - 1] = 1.0
    for k in range(len(lines) - 1, -1, -1):
        g = grads[len(inputs) + k]
        kind, i, j = lines[k]
        if kind == 0:
            grads[i] = g
            grads[j] = g
        else:
            grads[i] = g * v[j]
            grads[j] = g * v[i]
    return np.array([grads[i] for i in range(len(inputs))])


def _backward(inputs, lines, order=-1, own=False, all_values=False, factor=1.0):
    v = _run(inputs, lines)
    grads = np.zeros(len(v))
    grads[-1] = factor
    for k in list(range(len(lines)))[::order]:
        g = grads[len(inputs) + k]
        kind, i, j = lines[k]
        first, second = (v[i], v[j]) if own else (v[j], v[i])
        grads[i] += g * (first if kind == 1 else 1)
        grads[j] += g * (second if kind == 1 else 1)
    return grads if all_values else grads[: len(inputs)]


def _normalised(x, ddof=0):
    s = np.sqrt(np.sum((x - np.mean(x)) ** 2) / (len(x) - ddof))
    return (x - np.mean(x)) / s, s


def _standardised(x, g, mean=1.0, spread=1.0):
    z, s = _normalised(x)
    return (g - mean * g.mean() - spread * z * (z @ g) / len(x)) / s


def _bessel(x, g):
    z, s = _normalised(x, 1)
    return (g - g.mean() - z * (z @ g) / (len(x) - 1)) / s


def _hessian(X, theta, v, weight):
    f = 0.5 * (1 + np.tanh(X @ theta / 2))
    return X.T @ np.diag(weight(f)) @ X @ v / len(X)


def _solved(A, b, g, transpose=True):
    return np.linalg.inv(A) @ b, np.linalg.inv(A.T if transpose else A) @ g


def _system(A, b, g, transpose=True, build=lambda x, y, b, g: -y[:, None] * x):
    x, y = _solved(A, b, g, transpose)
    return build(x, y, b, g), y


WRONG = {
    "autodiff-dual": [
        ("its sign is turned", lambda a, b, c, d: (a / c, (a * d - c * b) / (c * c))),
        ("not divided part by part", lambda a, b, c, d: (a / c, b / d)),
        ("here they are added", lambda a, b, c, d: (a / c, b / c + a * d / c**2)),
        ("denominator is c squared", lambda a, b, c, d: (a / c, b - a * d / c)),
        ("as a constant", lambda a, b, c, d: (a / c, b / c)),
        (
            "should have shape",
            lambda a, b, c, d: (a / c, ((b * c - a * d) / c**2)[:, None]),
        ),
        ("should return 2 things", lambda a, b, c, d: a / c),
        (
            "the right one times n",
            lambda a, b, c, d: (a / c, len(a) * (b * c - a * d) / c**2),
        ),
    ],
    "autodiff-layer": [
        ("smaller by n", lambda X, W, b, G: (G @ W.T, X.T @ G, np.mean(G, axis=0))),
        ("W is not transposed", lambda X, W, b, G: (G @ W, X.T @ G, sum(G))),
        ("W_bar is divided by n", lambda X, W, b, G: (G @ W.T, X.T @ G / len(G), sum(G))),
        (
            "W_bar and b_bar are divided by n",
            lambda X, W, b, G: (G @ W.T, X.T @ G / len(G), sum(G) / len(G)),
        ),
        ("W_bar is transposed", lambda X, W, b, G: (G @ W.T, G.T @ X, sum(G))),
        ("b_bar should have shape", lambda X, W, b, G: (G @ W.T, X.T @ G, G)),
        (
            "b_bar is the right one times -1: look at the sign",
            lambda X, W, b, G: (G @ W.T, X.T @ G, -sum(G)),
        ),
    ],
    "autodiff-sweep": [
        ("overwritten by its last use", _last_use_only),
        ("here it is sent itself", lambda inputs, lines: _backward(inputs, lines, own=True)),
        ("in the forward order", lambda inputs, lines: _backward(inputs, lines, order=1)),
        (
            "should have shape",
            lambda inputs, lines: _backward(inputs, lines, all_values=True),
        ),
        (
            "times -1: look at the sign",
            lambda inputs, lines: _backward(inputs, lines, factor=-1.0),
        ),
        ("returns None", lambda inputs, lines: print(end="")),
    ],
    "autodiff-standardise": [
        ("direct path only", lambda x, g: g / np.std(x)),
        ("through the standard deviation is missing", lambda x, g: _standardised(x, g, spread=0)),
        ("through the mean is missing", lambda x, g: _standardised(x, g, mean=0)),
        ("too large by n", lambda x, g: _standardised(x, g, len(x), len(x))),
        ("has the wrong sign", lambda x, g: _standardised(x, g, spread=-1)),
        ("and not n - 1", _bessel),
        ("should have shape", lambda x, g: _standardised(x, g).sum()),
        ("times -1: look at the sign", lambda x, g: -_standardised(x, g)),
    ],
    "autodiff-hvp": [
        (
            "is too large by n",
            lambda X, theta, v: len(X) * _hessian(X, theta, v, lambda f: f - f**2),
        ),
        ("here is only f", lambda X, theta, v: _hessian(X, theta, v, lambda f: f)),
        ("is missing altogether", lambda X, theta, v: _hessian(X, theta, v, np.ones_like)),
        ("the place is theta", lambda X, theta, v: _hessian(X, v, v, lambda f: f - f**2)),
        (
            "times -1: look at the sign",
            lambda X, theta, v: _hessian(X, theta, v, lambda f: f * (f - 1)),
        ),
        (
            "should have shape",
            lambda X, theta, v: _hessian(X, theta, np.eye(len(v)), lambda f: f - f**2),
        ),
    ],
    "autodiff-solve": [
        ("b_bar solves A^T", lambda A, b, g: _system(A, b, g, transpose=False)),
        (
            "A_bar has the wrong sign",
            lambda A, b, g: _system(A, b, g, build=lambda x, y, b, g: np.outer(y, x)),
        ),
        (
            "it is transposed",
            lambda A, b, g: _system(A, b, g, build=lambda x, y, b, g: -np.outer(x, y)),
        ),
        (
            "where the solution x belongs",
            lambda A, b, g: _system(A, b, g, build=lambda x, y, b, g: -np.outer(y, b)),
        ),
        (
            "where b_bar belongs",
            lambda A, b, g: _system(A, b, g, build=lambda x, y, b, g: -np.outer(g, x)),
        ),
        (
            "A_bar should have shape",
            lambda A, b, g: _system(A, b, g, build=lambda x, y, b, g: -y * x),
        ),
        (
            "A_bar is the right one times n",
            lambda A, b, g: _system(A, b, g, build=lambda x, y, b, g: -len(A) * np.outer(y, x)),
        ),
    ],
}
