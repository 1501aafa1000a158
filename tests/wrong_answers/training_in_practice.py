"""Wrong answers to the exercises on training, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _scaled(X, W1, W2, size, *, renew=True, between=lambda Z: Z * (Z > 0)):
    """Divide each matrix by a size of what it makes."""
    A = W1 / size(X @ W1)
    hidden = between(X @ (A if renew else W1))
    return A, W2 / size(hidden @ W2)


def _rms(Z):
    return (np.sum(Z * Z) / Z.size) ** 0.5


def _after(Z):
    return _rms(Z * (Z > 0))


def _fit(X, y, weights):
    """Least squares on data with a further row for each coefficient."""
    rows = np.diag(np.sqrt(weights))
    return np.linalg.lstsq(
        np.vstack([X, rows]), np.concatenate([y, np.zeros(len(weights))]), rcond=None
    )[0]


def _squares(X):
    return np.einsum("ij,ij->j", X, X)


def _jacobian(Z, G, epsilon, *, ones=1.0, along=1.0, power=1.0, divisor=None):
    """Multiply by the matrix of derivatives, column by column."""
    n, columns = len(Z), []
    divisor = n if divisor is None else divisor
    for z, g in zip(Z.T, G.T, strict=True):
        s = (np.mean((z - z.mean()) ** 2) + epsilon) ** 0.5
        h = (z - z.mean()) / s
        J = np.eye(n) - ones * np.ones((n, n)) / divisor - along * np.outer(h, h) / divisor
        columns.append(J @ g / s**power)
    return np.array(columns).T


def _joint(g, h, rho, norm):
    k = rho / norm(np.concatenate([g, h]))
    return (g * k, h * k) if k < 1 else (g, h)


def _length(v):
    return sum(v**2) ** 0.5


def _paired(a, b, error):
    d = b - a
    return sum(d) / len(d), error(d)


def _sd(d, less=1):
    return (sum((d - np.mean(d)) ** 2) / (len(d) - less)) ** 0.5


WRONG = {
    "training-calibrate": [
        ("take the root", lambda X, W1, W2: _scaled(X, W1, W2, lambda Z: np.mean(Z**2))),
        ("not with the old one", lambda X, W1, W2: _scaled(X, W1, W2, _rms, renew=False)),
        ("a factor n times", lambda X, W1, W2: _scaled(X, W1, W2, np.linalg.norm)),
        (
            "over the n samples and over",
            lambda X, W1, W2: _scaled(X, W1, W2, lambda Z: np.linalg.norm(Z) / len(X) ** 0.5),
        ),
        (
            "the rectifier is missing",
            lambda X, W1, W2: _scaled(X, W1, W2, _rms, between=lambda Z: Z),
        ),
        ("after the rectifier", lambda X, W1, W2: _scaled(X, W1, W2, _after)),
        ("standard deviation of Z", lambda X, W1, W2: _scaled(X, W1, W2, np.std)),
        (
            "W2 is the right one times -1: look at the sign",
            lambda X, W1, W2: _scaled(X, W1, -W2, _rms),
        ),
        ("should return 2 things", lambda X, W1, W2: _scaled(X, W1, W2, _rms)[0]),
        (
            "W1 should have shape",
            lambda X, W1, W2: (X @ W1, W2),
        ),
    ],
    "training-dropout": [
        ("divided by 1 - r", lambda X, y, r: _fit(X, y, r * _squares(X))),
        ("grow with the rate", lambda X, y, r: _fit(X, y, (1 / r - 1) * _squares(X))),
        ("zeros and ones", lambda X, y, r: _fit(X, y, (r - r * r) * _squares(X))),
        ("one n too many", lambda X, y, r: _fit(X, y, len(X) * r / (1 - r) * _squares(X))),
        (
            "A factor n is missing",
            lambda X, y, r: _fit(X, y, r / (1 - r) * np.mean(X**2, axis=0)),
        ),
        (
            "ridge regression with lambda",
            lambda X, y, r: _fit(X, y, np.full(X.shape[1], len(X) * r / (1 - r))),
        ),
        (
            "sign of the penalty",
            lambda X, y, r: np.linalg.inv(X.T @ X - r / (1 - r) * np.diag(_squares(X))) @ (X.T @ y),
        ),
        ("on the diagonal only", lambda X, y, r: (1 - r) * np.linalg.pinv(X) @ y),
        ("no effect", lambda X, y, r: np.linalg.lstsq(X, y, rcond=None)[0]),
        (
            "right one times -1",
            lambda X, y, r: _fit(X, -y, r / (1 - r) * _squares(X)),
        ),
        ("should have shape", lambda X, y, r: X @ _fit(X, y, r / (1 - r) * _squares(X))),
    ],
    "training-batch-norm": [
        ("spread is treated as a constant", lambda Z, G, e: _jacobian(Z, G, e, along=0)),
        ("The mean is treated as a constant", lambda Z, G, e: _jacobian(Z, G, e, ones=0)),
        ("treated as constants", lambda Z, G, e: G / np.sqrt(np.var(Z, axis=0) + e)),
        ("divided by n", lambda Z, G, e: _jacobian(Z, G, e, divisor=1)),
        ("both terms are subtracted", lambda Z, G, e: _jacobian(Z, G, e, along=-1)),
        ("division by the spread", lambda Z, G, e: _jacobian(Z, G, e, power=0)),
        ("epsilon under the root", lambda Z, G, e: _jacobian(Z, G, 0)),
        ("layer normalisation", lambda Z, G, e: _jacobian(Z.T, G.T, e).T),
        ("right one times -1: look at the sign", lambda Z, G, e: -_jacobian(Z, G, e)),
        ("transpose is missing", lambda Z, G, e: _jacobian(Z, G, e).T),
        ("should have shape", lambda Z, G, e: np.sum(G, axis=0)),
    ],
    "training-clip": [
        (
            "a factor of its own",
            lambda g, h, rho: [v * min(1, rho / _length(v)) for v in (g, h)],
        ),
        (
            "by itself",
            lambda g, h, rho: [np.maximum(np.minimum(v, rho), -rho) for v in (g, h)],
        ),
        ("root of the sum of squares", lambda g, h, rho: _joint(g, h, rho, lambda v: v @ v)),
        (
            "norms of the two arrays are added",
            lambda g, h, rho: _joint(g, h, rho, lambda v: _length(g) + _length(h)),
        ),
        (
            "the number n of entries",
            lambda g, h, rho: _joint(g, h, rho, lambda v: np.mean(v**2) ** 0.5),
        ),
        ("as they were", lambda g, h, rho: (g, h)),
        ("multiply by rho", lambda g, h, rho: _joint(g, h, 1.0, _length)),
        (
            "g is the right one times -1: look at the sign",
            lambda g, h, rho: [-v for v in _joint(g, h, rho, _length)],
        ),
        (
            "g should have shape",
            lambda g, h, rho: (np.concatenate(_joint(g, h, rho, _length)), h),
        ),
    ],
    "training-paired": [
        (
            "ignores the pairs",
            lambda a, b: _paired(a, b, lambda d: np.hypot(_sd(a), _sd(b)) / len(a) ** 0.5),
        ),
        ("error of the mean of n", lambda a, b: _paired(a, b, _sd)),
        (
            "factor 1/n for",
            lambda a, b: _paired(a, b, lambda d: _sd(d, 0) / len(d) ** 0.5),
        ),
        ("divided by n, where", lambda a, b: _paired(a, b, lambda d: _sd(d) / len(d))),
        (
            "sign of the difference",
            lambda a, b: _paired(b, a, lambda d: _sd(d) / len(d) ** 0.5),
        ),
        (
            "square of the standard error",
            lambda a, b: _paired(a, b, lambda d: _sd(d) ** 2 / len(d)),
        ),
        (
            "mean should have shape",
            lambda a, b: (b - a, _sd(b - a) / len(a) ** 0.5),
        ),
        ("should return 2 things", lambda a, b: np.mean(b - a)),
    ],
}
