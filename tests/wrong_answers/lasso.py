"""Wrong answers to the exercises on the lasso, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from sklearn.linear_model import Lasso


def _shrink(x, t):
    return np.where(x > t, x - t, np.where(x < -t, x + t, 0.0))


def _coordinates(X, y, theta, order, threshold, n, divide=True, own=True, fresh=True):
    theta = np.array(theta)
    start = theta.copy()
    for j in order:
        seen = theta if fresh else start
        rest = y - X @ seen + (X[:, j] * seen[j] if own else 0)
        theta[j] = _shrink(X[:, j] @ rest / n, threshold)
        if divide:
            theta[j] /= np.sum(X[:, j] ** 2) / n
    return theta


def _sweep(X, y, theta, threshold, n=None, **options):
    return _coordinates(X, y, theta, range(len(theta)), threshold, n or len(y), **options)


def _bound(X, y, theta, a):
    q = a * (y - X @ theta)
    return (2 * q @ y - q @ q) / len(y)


def _objective(X, y, theta, lam):
    return np.sum((y - X @ theta) ** 2) / len(y) + lam * np.linalg.norm(theta, 1)


def _gap(X, y, theta, lam, factor=2.0, per_n=True, most=1.0):
    pull = factor * np.abs(X.T @ (y - X @ theta)).max() / (len(y) if per_n else 1)
    a = lam / pull if most is None else min(most, lam / pull)
    return _objective(X, y, theta, lam) - _bound(X, y, theta, a)


def _proximal(X, y, k, eta, threshold, gradient=2.0):
    theta = np.zeros(X.shape[1])
    for _ in range(k):
        theta = _shrink(theta - eta * gradient / len(y) * X.T @ (X @ theta - y), threshold)
    return theta


def _eta(X):
    return len(X) / 2 / np.linalg.svd(X)[1][0] ** 2


def _theirs(X, y, alpha):
    model = Lasso(alpha, fit_intercept=False, tol=1e-12, max_iter=100_000)
    return model.fit(X, y).coef_


def _second(X, y, pick, keep=None, signs=(1, -1)):
    n = len(y)
    j = np.abs(X.T @ y).argmax()
    first = 2 / n * np.abs(X[:, j] @ y)
    theta = X[:, j] @ y / np.sum(X[:, j] ** 2)
    found = []
    for k in range(X.shape[1]):
        if k != j:
            force = 2 / n * X[:, k] @ (y - X[:, j] * theta)
            along = np.sign(theta) * (X[:, k] @ X[:, j]) / np.sum(X[:, j] ** 2)
            found += [force / (sign - along) for sign in signs]
    found = [lam for lam in found if keep is None or 0 < lam < keep * first]
    return pick(found)


def _largest_force(X, y):
    """Return the largest force when the first feature alone is fitted without a penalty."""
    j = np.abs(X.T @ y).argmax()
    theta = np.linalg.lstsq(X[:, [j]], y, rcond=None)[0]
    return np.max(2 / len(y) * np.abs(X.T @ (y - X[:, [j]] @ theta)))


def _knot(X, y):
    return _second(X, y, max, keep=1.0)


WRONG = {
    "lasso-sweep": [
        ("lambda/2 and not lambda", lambda X, y, theta, lam: _sweep(X, y, theta, lam)),
        ("too small by the factor n", lambda X, y, theta, lam: _sweep(X, y, theta, lam / 2, n=1)),
        (
            "division by c_j",
            lambda X, y, theta, lam: _sweep(X, y, theta, lam / 2, divide=False),
        ),
        (
            "A sweep is sequential",
            lambda X, y, theta, lam: _sweep(X, y, theta, lam / 2, fresh=False),
        ),
        (
            "must be added back",
            lambda X, y, theta, lam: _sweep(X, y, theta, lam / 2, own=False),
        ),
        (
            "begin with the first",
            lambda X, y, theta, lam: _coordinates(
                X, y, theta, reversed(range(len(theta))), lam / 2, len(y)
            ),
        ),
        ("sweep for least squares", lambda X, y, theta, lam: _sweep(X, y, theta, 0)),
        ("look at the sign", lambda X, y, theta, lam: -_sweep(X, y, theta, lam / 2)),
        ("should have shape", lambda X, y, theta, lam: X @ _sweep(X, y, theta, lam / 2)),
    ],
    "lasso-gap": [
        (
            "residual is not shrunk",
            lambda X, y, theta, lam: _objective(X, y, theta, lam) - _bound(X, y, theta, 1),
        ),
        ("Take a = min(1, ...)", lambda X, y, theta, lam: _gap(X, y, theta, lam, most=None)),
        (
            "nearly by the factor n/2",
            lambda X, y, theta, lam: _gap(X, y, theta, lam, factor=1, per_n=False),
        ),
        ("a 2 is missing", lambda X, y, theta, lam: _gap(X, y, theta, lam, factor=1)),
        (
            "lower bound D itself",
            lambda X, y, theta, lam: _objective(X, y, theta, lam) - _gap(X, y, theta, lam),
        ),
        ("This is the cost", _objective),
        ("look at the sign", lambda X, y, theta, lam: -_gap(X, y, theta, lam)),
        ("right one times n", lambda X, y, theta, lam: len(y) * _gap(X, y, theta, lam)),
        ("should have shape", lambda X, y, theta, lam: _gap(X, y, theta, lam) * np.ones(len(y))),
    ],
    "lasso-ista-steps": [
        ("length of the step", lambda X, y, lam, k: _proximal(X, y, k, _eta(X), lam)),
        (
            "belongs to coordinate descent",
            lambda X, y, lam, k: _proximal(X, y, k, _eta(X), _eta(X) * lam / 2),
        ),
        (
            "misses its factor 2",
            lambda X, y, lam, k: _proximal(X, y, k, _eta(X), _eta(X) * lam, gradient=1),
        ),
        (
            "too short by the factor n",
            lambda X, y, lam, k: _proximal(X, y, k, _eta(X) / len(y), _eta(X) / len(y) * lam),
        ),
        (
            "twice too long",
            lambda X, y, lam, k: _proximal(X, y, k, 2 * _eta(X), 2 * _eta(X) * lam),
        ),
        ("gradient descent on the squares", lambda X, y, lam, k: _proximal(X, y, k, _eta(X), 0)),
        ("k - 1 steps", lambda X, y, lam, k: _proximal(X, y, k - 1, _eta(X), _eta(X) * lam)),
        ("k + 1 steps", lambda X, y, lam, k: _proximal(X, y, k + 1, _eta(X), _eta(X) * lam)),
        (
            "sign of the step",
            lambda X, y, lam, k: _proximal(X, y, k, _eta(X), _eta(X) * lam, gradient=-2),
        ),
        (
            "right one times -1",
            lambda X, y, lam, k: -_proximal(X, y, k, _eta(X), _eta(X) * lam),
        ),
        (
            "should have shape",
            lambda X, y, lam, k: _proximal(X, y, k, _eta(X), _eta(X) * lam)[:, None],
        ),
    ],
    "lasso-weights": [
        ("Scale it back", lambda X, y, lam, w: _theirs(X / w, y, lam / 2)),
        ("upside down", lambda X, y, lam, w: w * _theirs(X * w, y, lam / 2)),
        ("without the weights", lambda X, y, lam, w: _theirs(X, y, lam / 2)),
        ("alpha is our lambda/2", lambda X, y, lam, w: _theirs(X / w, y, lam) / w),
        ("by the factor n", lambda X, y, lam, w: _theirs(X / w, y, lam / 2 / len(y)) / w),
        ("weights are squared", lambda X, y, lam, w: _theirs(X / w**2, y, lam / 2) / w**2),
        ("look at the sign", lambda X, y, lam, w: _theirs(-X / w, y, lam / 2) / w),
        ("should have shape", lambda X, y, lam, w: X @ _theirs(X / w, y, lam / 2)),
    ],
    "lasso-second-knot": [
        ("where the first feature enters", lambda X, y: 2 * np.abs(y @ X).max() / len(y)),
        ("second largest force", lambda X, y: sorted(2 * np.abs(y @ X) / len(y))[-2]),
        ("at lambda = 0", _largest_force),
        ("too large by the factor n/2", lambda X, y: len(y) * _knot(X, y) / 2),
        (
            "positive coefficient",
            lambda X, y: _second(X, y, lambda found: max(found, default=0), 1.0, signs=(1,)),
        ),
        ("lies above lambda_max", lambda X, y: _second(X, y, max)),
        ("smallest candidate", lambda X, y: _second(X, y, min, keep=np.inf)),
        ("look at the sign", lambda X, y: -_knot(X, y)),
        ("right one times 1/2", lambda X, y: _knot(X, y) / 2),
        ("should have shape", lambda X, y: np.full(2, _knot(X, y))),
    ],
}
