"""Wrong answers to the exercises on stochastic dynamics, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _chain(x0, rho, noise, width):
    x, out = x0.copy(), []
    for pair in noise:
        x[0] = rho * x[1] + width * pair[0]
        x[1] = rho * x[0] + width * pair[1]
        out.append(x.copy())
    return np.array(out)


def _at_once(x0, rho, noise):
    x, out = x0.copy(), []
    for pair in noise:
        x = rho * x[::-1] + np.sqrt(1 - rho**2) * pair
        out.append(x)
    return np.array(out)


def _good_chain(x0, rho, noise):
    return _chain(x0, rho, noise, np.sqrt(1 - rho**2))


def _log_normal(to, centre, variance):
    return -np.sum((to - centre) ** 2, axis=1) / (2 * variance)


def _mala(x, y, E_x, E_y, g_x, g_y, eta, sign=1.0, variance=1.0, ways=1.0):
    there = _log_normal(y, x - eta / 2 * g_x, variance * eta)
    back = _log_normal(x, y - eta / 2 * g_y, variance * eta)
    return sign * (E_x - E_y) + ways * (back - there)


def _expanded(x, y, E_x, E_y, g_x, g_y, eta):
    return E_x - E_y + np.einsum("ij,ij->i", y - x, g_x + g_y) / 2


def _fixed_point(H, eta, noise=1.0, half=0.5):
    S = np.zeros_like(H)
    step = np.eye(len(H)) - half * eta * H
    for _ in range(4000):
        S = step @ S @ step + noise * eta * np.eye(len(H))
    return S


def _euler(S0, mu, s, gap, increments, extra=lambda s, dB, gap: 0.0):
    S = [S0]
    for dB in increments:
        S.append(S[-1] + mu * S[-1] * gap + s * S[-1] * dB + S[-1] * extra(s, dB, gap))
    return np.array(S)


def _exact(S0, mu, s, gap, increments):
    B = np.concatenate([[0], np.cumsum(increments)])
    t = gap * np.arange(len(B))
    return S0 * np.exp((mu - s**2 / 2) * t + s * B)


def _shifted(work, sign=-1.0):
    top = np.max(sign * work)
    return top + np.log(np.sum(np.exp(sign * work - top)))


def _both(work):
    n = len(work)
    return -(_shifted(work) - np.log(n)), np.mean(work) - np.var(work, ddof=1) / 2


WRONG = {
    "stochastic-gibbs": [
        ("lose their correlation", _at_once),
        ("its root", lambda x0, rho, noise: _chain(x0, rho, noise, 1 - rho**2)),
        ("given it, only", lambda x0, rho, noise: _chain(x0, rho, noise, 1.0)),
        (
            "sign of rho",
            lambda x0, rho, noise: _chain(x0, -rho, noise, np.sqrt(1 - rho**2)),
        ),
        ("shape", lambda x0, rho, noise: _good_chain(x0, rho, noise).T),
        (
            "shape",
            lambda x0, rho, noise: np.vstack([x0, _good_chain(x0, rho, noise)]),
        ),
        ("-1: look at the sign", lambda x0, rho, noise: -_good_chain(x0, rho, noise)),
    ],
    "stochastic-mala": [
        ("minimum with zero", lambda *a: np.minimum(_mala(*a), 0)),
        ("symmetric proposal", lambda x, y, E_x, E_y, g_x, g_y, eta: E_x - E_y),
        ("wrong sign", lambda *a: _mala(*a, sign=-1.0)),
        ("exchanged", lambda *a: _mala(*a, ways=-1.0)),
        ("not over 4 eta", lambda *a: _mala(*a, variance=2.0)),
        ("squares of the gradients is missing", _expanded),
        ("look at the sign", lambda *a: -_mala(*a)),
        ("shape", lambda *a: np.sum(_mala(*a))),
        ("times 1/n", lambda *a: _mala(*a) / len(a[0])),
    ],
    "stochastic-ula": [
        ("density itself", lambda H, eta: np.linalg.inv(H)),
        ("eta/2 stands", lambda H, eta: _fixed_point(H, eta, noise=2.0, half=1.0)),
        (
            "too wide and never too narrow",
            lambda H, eta: np.linalg.inv(H @ (np.eye(len(H)) + eta / 4 * H)),
        ),
        ("one by one", lambda H, eta: np.linalg.inv(H - eta * H * H / 4)),
        ("times 2", lambda H, eta: _fixed_point(H, eta, noise=2.0)),
        ("shape", lambda H, eta: np.diag(_fixed_point(H, eta))),
        ("times n", lambda H, eta: len(H) * _fixed_point(H, eta)),
        ("sign", lambda H, eta: -_fixed_point(H, eta)),
    ],
    "stochastic-milstein": [
        ("Euler and Maruyama", _euler),
        ("Stratonovich", lambda *a: _euler(*a, extra=lambda s, dB, gap: s**2 * dB**2 / 2)),
        ("lost its 1/2", lambda *a: _euler(*a, extra=lambda s, dB, gap: s**2 * (dB**2 - gap))),
        (
            "added, not subtracted",
            lambda *a: _euler(*a, extra=lambda s, dB, gap: s**2 * (gap - dB**2) / 2),
        ),
        ("exact solution", _exact),
        (
            "shape",
            lambda *a: _euler(*a, extra=lambda s, dB, gap: s**2 * (dB**2 - gap) / 2)[1:],
        ),
    ],
    "stochastic-jarzynski": [
        ("too low by log n", lambda work: (-_shifted(work), _both(work)[1])),
        (
            "sign in the exponent",
            lambda work: (_shifted(work, 1.0) - np.log(len(work)), _both(work)[1]),
        ),
        (
            "half of it",
            lambda work: (_both(work)[0], np.mean(work) - np.var(work, ddof=1)),
        ),
        (
            "sign is wrong",
            lambda work: (_both(work)[0], np.mean(work) + np.var(work, ddof=1) / 2),
        ),
        ("upper bound by the second law", lambda work: (np.mean(work), _both(work)[1])),
        ("shape", lambda work: (work, _both(work)[1])),
    ],
}
