"""Wrong answers to the exercises on adversarial networks, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _logs(D_real, D_fake, combine=np.mean):
    return combine(np.log(D_real)), combine(np.log1p(-D_fake))


def _logistic(u):
    return 1 / (1 + np.exp(-u))


def _linear(m1, m2, P, half=0.5):
    return P @ (m1 - m2), -half * (m1 @ P @ m1 - m2 @ P @ m2)


def _game(theta, psi, eta, gamma):
    h = _logistic(theta * psi)
    return theta + eta * h * psi, psi - eta * h * theta - eta * gamma * psi


def _in_turn(theta, psi, eta, gamma):
    theta = theta + eta * psi * _logistic(theta * psi)
    psi = psi - eta * (theta * _logistic(theta * psi) + gamma * psi)
    return theta, psi


def _friendly(theta, psi, eta, gamma):
    h = _logistic(theta * psi)
    return theta + eta * h * psi, psi + eta * (h * theta - gamma * psi)


def _other_loss(theta, psi, eta, gamma):
    D = _logistic(theta * psi)
    return theta + eta * (1 - D) * psi, psi - eta * (D * theta + gamma * psi)


WRONG = {
    "adversarial-networks-js": [
        ("still a factor 2", lambda r, f: sum(_logs(r, f)) + np.log(4)),
        ("the log 2 is missing", lambda r, f: sum(_logs(r, f)) / 2),
        ("its log 4 is not", lambda r, f: sum(_logs(r, f)) / 2 + np.log(4)),
        ("a factor n too large", lambda r, f: sum(_logs(r, f, np.sum)) / 2 + np.log(2)),
        ("that of 1 - D", lambda r, f: np.mean(np.log(r) + np.log(f)) / 2 + np.log(2)),
        ("are exchanged", lambda r, f: sum(_logs(f, r)) / 2 + np.log(2)),
        ("sign changed", lambda r, f: -sum(_logs(r, f)) / 2 + np.log(2)),
        ("should have shape", lambda r, f: (np.log(r) + np.log(1 - f)) / 2 + np.log(2)),
        ("look at the sign", lambda r, f: -sum(_logs(r, f)) / 2 - np.log(2)),
    ],
    "adversarial-networks-shares": [
        ("odds of D", lambda D, share: 1 / (1 / D - 1)),
        ("should be divided out", lambda D, share: D * share / ((1 - D) * (1 - share))),
        ("turn the ratio over", lambda D, share: (1 / D - 1) * share / (1 - share)),
        (
            "take its exponential",
            lambda D, share: np.log(D) - np.log(1 - D) + np.log(1 - share) - np.log(share),
        ),
        ("left out here", lambda D, share: D / (share - share * D)),
        ("should have shape", lambda D, share: np.mean(D / (1 - D) * (1 - share) / share)),
        ("look at the sign", lambda D, share: D / (D - 1) * (1 - share) / share),
    ],
    "adversarial-networks-gaussians": [
        ("factor 1/2", lambda m1, m2, S: _linear(m1, m2, np.linalg.inv(S), 1.0)),
        ("sign of b", lambda m1, m2, S: _linear(m1, m2, np.linalg.inv(S), -0.5)),
        ("Both signs", lambda m1, m2, S: _linear(m2, m1, np.linalg.inv(S))),
        ("its inverse should", lambda m1, m2, S: _linear(m1, m2, S)),
        ("covariance is missing", lambda m1, m2, S: (m1 - m2, (m2 @ m2 - m1 @ m1) / 2)),
        ("intercept is missing", lambda m1, m2, S: (np.linalg.inv(S) @ (m1 - m2), 0)),
        ("should return 2 things", lambda m1, m2, S: np.linalg.inv(S) @ (m1 - m2)),
        (
            "should have shape ()",
            lambda m1, m2, S: (np.linalg.inv(S) @ (m1 - m2), np.linalg.inv(S) @ (m2 - m1)),
        ),
    ],
    "adversarial-networks-transport": [
        ("sort both first", lambda x, y: abs(x - y).mean()),
        ("carries the mass 1/n", lambda x, y: sum(abs(np.sort(x) - np.sort(y)))),
        ("distance of the means", lambda x, y: abs(np.mean(np.sort(x) - np.sort(y)))),
        ("squared distances", lambda x, y: np.var(np.sort(x) - np.sort(y)) + np.mean(x - y) ** 2),
        ("This is W_2", lambda x, y: np.linalg.norm(np.sort(x) - np.sort(y)) / len(x) ** 0.5),
        ("the other way round", lambda x, y: abs(np.sort(x) + np.sort(-y)).mean()),
        ("look at the sign", lambda x, y: -abs(np.sort(x) - np.sort(y)).mean()),
        ("should have shape", lambda x, y: abs(np.sort(x) - np.sort(y))),
    ],
    "adversarial-networks-step": [
        ("both use the old numbers", _in_turn),
        ("a factor 2 too much", lambda t, p, e, g: _game(t, p, e, 2 * g)),
        ("half its strength", lambda t, p, e, g: _game(t, p, e, g / 2)),
        ("no effect", lambda t, p, e, g: _game(t, p, e, 0)),
        ("wrong sign", lambda t, p, e, g: _game(t, p, e, -g)),
        ("where theta looks real", _friendly),
        ("Wasserstein game", lambda t, p, e, g: (t + e * p, p - e * t - e * g * p)),
        ("non-saturating cost", _other_loss),
        ("by eta", lambda t, p, e, g: _game(t, p, 1, g)),
        ("should return 2 things", lambda t, p, e, g: sum(_game(t, p, e, g))),
        ("should have shape ()", lambda t, p, e, g: np.transpose([_game(t, p, e, g)])),
    ],
}
