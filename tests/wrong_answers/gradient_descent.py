"""Wrong answers to the exercises on gradient descent, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.linalg import expm


def _eigenvalues(H):
    nu = np.linalg.eigvalsh(H)
    return nu[nu > 1e-9 * nu[-1]]


def _three(H):
    nu = _eigenvalues(H)
    return nu[-1], nu[0], 2 / (nu[0] + nu[-1])


def _singular(X, rate):
    nu = _eigenvalues(2 / len(X) * X.T @ X)
    return nu[-1], nu[0], rate(nu[-1], nu[0])


def _smallest(X):
    d = np.linalg.svd(X)[1]
    d = d[d > 1e-10 * d[0]]
    return 2 * d[0] / len(X), 2 * d[-1] / len(X), len(X) / (d[0] + d[-1])


def _flow(X, y, theta, H):
    best = np.linalg.pinv(X) @ y
    return best + expm(-H) @ (theta - best)


def _search(X, y, theta, numerator=2.0, denominator=2.0, sign=-1.0):
    """Step with a gradient and a Hessian that may have lost something."""
    n = len(y)
    g = X.T @ (X @ theta - y) * 2 / n
    top = numerator / 2 * g @ g
    return theta + sign * top / (g @ (denominator / n * X.T @ X) @ g) * g


def _armijo(X, y, theta, eta, c=0.5, scale=2.0, power=1, sign=-1, refused=False):
    n = len(y)

    def cost(at):
        return np.sum((X @ at - y) ** 2) / n**power

    g = scale / n**power * X.T @ (X @ theta - y)
    last = eta
    while cost(theta + sign * eta * g) > cost(theta) - c * eta * np.dot(g, g):
        last, eta = eta, 0.5 * eta
    return last if refused else eta


def _too_often(X, y, theta, eta):
    return _armijo(X, y, theta, eta) / 2


def _chebyshev(mu, L):
    s0 = (L + mu) / (L - mu)
    nodes = np.cos(np.pi * np.array([1, 3]) / 4)
    places = (L + mu - nodes * (L - mu)) / 2
    return places, 1 / np.polynomial.chebyshev.chebval(s0, [0, 0, 1])


def _rates(mu, L, change=lambda factor: factor):
    places, factor = _chebyshev(mu, L)
    return 1 / places[0], 1 / places[1], change(factor)


def _both_ends(mu, L):
    middle = (mu + L) / 2
    return 1 / mu, 1 / L, abs((1 - middle / mu) * (1 - middle / L))


WRONG = {
    "descent-least-squares": [
        ("lack the 1/n", lambda X: _three(2 * X.T @ X)),
        ("factor 2 is missing", lambda X: _three(X.T @ X / len(X))),
        ("singular values themselves", _smallest),
        ("sure to gain most", lambda X: _singular(X, lambda L, mu: 1 / L)),
        ("twice as far", lambda X: _singular(X, lambda L, mu: 1 / (L + mu))),
        (
            "look at the sign",
            lambda X: (-_three(2 / len(X) * X.T @ X)[0], *_three(2 / len(X) * X.T @ X)[1:]),
        ),
        ("should have shape", lambda X: (_eigenvalues(2 / len(X) * X.T @ X), 0.1, 0.2)),
        ("should return 3 things", lambda X: _three(2 / len(X) * X.T @ X)[:2]),
    ],
    "descent-flow": [
        ("n times too fast", lambda X, y, theta, u: _flow(X, y, theta, 2 * u * X.T @ X)),
        ("too slow", lambda X, y, theta, u: _flow(X, y, theta, u * X.T @ X / len(y))),
        (
            "sign of the exponents",
            lambda X, y, theta, u: _flow(X, y, theta, -2 * u / len(y) * X.T @ X),
        ),
        ("begins at zero", lambda X, y, theta, u: _flow(X, y, 0 * theta, 2 * u / len(y) * X.T @ X)),
        (
            "one step of gradient descent",
            lambda X, y, theta, u: theta + 2 * u / len(y) * X.T @ (y - X @ theta),
        ),
        (
            "decays to zero instead",
            lambda X, y, theta, u: expm(-2 * u / len(y) * X.T @ X) @ theta,
        ),
        (
            "should have shape",
            lambda X, y, theta, u: X @ _flow(X, y, theta, 2 * u / len(y) * X.T @ X),
        ),
    ],
    "descent-exact": [
        (
            "n times too short",
            lambda X, y, theta: _search(X, y, theta, denominator=2 * len(y)),
        ),
        ("n times too long", lambda X, y, theta: _search(X, y, theta, denominator=2 / len(y))),
        ("same height on the other side", lambda X, y, theta: _search(X, y, theta, denominator=1)),
        ("half as long", lambda X, y, theta: _search(X, y, theta, numerator=1)),
        ("look at the sign", lambda X, y, theta: _search(X, y, theta, sign=1)),
        (
            "constant rate 1/L",
            lambda X, y, theta: theta - X.T @ (X @ theta - y) / np.linalg.eigvalsh(X.T @ X).max(),
        ),
        ("not the lowest point", lambda X, y, theta: np.linalg.pinv(X) @ y),
        ("should have shape", lambda X, y, theta: X @ _search(X, y, theta)),
    ],
    "descent-backtrack": [
        ("twice the right rate", lambda X, y, theta, eta: _armijo(X, y, theta, eta, c=0)),
        ("half the right rate", _too_often),
        ("Look at the sign", lambda X, y, theta, eta: _armijo(X, y, theta, eta, sign=1)),
        ("divided by n", lambda X, y, theta, eta: _armijo(X, y, theta, eta, power=0)),
        ("lacks its factor 2", lambda X, y, theta, eta: _armijo(X, y, theta, eta, scale=1)),
        ("should have shape", lambda X, y, theta, eta: np.array([_armijo(X, y, theta, eta)])),
    ],
    "descent-two-rates": [
        (
            "used twice",
            lambda mu, L: (2 / (L + mu), 2 / (L + mu), ((L - mu) / (L + mu)) ** 2),
        ),
        ("kill the two ends", _both_ends),
        ("one step on average", lambda mu, L: _rates(mu, L, np.sqrt)),
        ("T_2(s_0) itself", lambda mu, L: _rates(mu, L, lambda factor: 1 / factor)),
        ("their reciprocals", lambda mu, L: (*_chebyshev(mu, L)[0][::-1], _chebyshev(mu, L)[1])),
        (
            "exchanged",
            lambda mu, L: (_rates(mu, L)[1], _rates(mu, L)[0], _rates(mu, L)[2]),
        ),
        ("look at the sign", lambda mu, L: _rates(mu, L, lambda factor: -factor)),
        ("should have shape", lambda mu, L: (*_rates(mu, L)[:2], np.array([0.5]))),
    ],
}
