"""Wrong answers to the exercises on flow matching, with words of the hint meant for each."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def _mean_point(x, points, scale, variance, half=0.5):
    away = x[:, None, :] - scale * points[None]
    logs = -half * np.einsum("nkd,nkd->nk", away, away) / variance
    weights = np.exp(logs)
    return (weights / weights.sum(1)[:, None]) @ points


def _u(x, t, points):
    return (_mean_point(x, points, t, (1 - t) ** 2) - x) / (1 - t)


def _errors(x0, x1, t, W, place=None, target=None):
    place = x0 + (x1 - x0) * t[:, None] if place is None else place
    target = x1 - x0 if target is None else target
    model = place @ W[:-2] + np.outer(t, W[-2]) + W[-1]
    return np.sum((target - model) ** 2, axis=1)


def _steps(nu, times, h):
    z = 1.0
    for t in times:
        z += h * (t * nu - 1 + t) / (t * t * nu + (1 - t) ** 2) * z
    return z


def _costs(x0, x1):
    return ((x0[:, None] - x1[None]) ** 2).sum(-1)


def _order(costs):
    return linear_sum_assignment(costs)[1]


WRONG = {
    "flow-matching-velocity": [
        ("This is the denoiser", lambda x, t, p: _mean_point(x, p, t, (1 - t) ** 2)),
        ("divided by the time left", lambda x, t, p: _u(x, t, p) * (1 - t)),
        ("other clock", lambda x, t, p: _u(x, 1 - t, p)),
        (
            "where its square belongs",
            lambda x, t, p: (_mean_point(x, p, t, 1 - t) - x) / (1 - t),
        ),
        ("factor 1/2", lambda x, t, p: (_mean_point(x, p, t, (1 - t) ** 2, 1.0) - x) / (1 - t)),
        (
            "not multiplied by t",
            lambda x, t, p: (_mean_point(x, p, 1, (1 - t) ** 2) - x) / (1 - t),
        ),
        ("look at the sign", lambda x, t, p: -_u(x, t, p)),
        ("times n", lambda x, t, p: len(x) * _u(x, t, p)),
        ("should have shape", lambda x, t, p: _u(x, t, p).T),
    ],
    "flow-matching-loss": [
        ("averaged over the columns", lambda a, b, t, W: _errors(a, b, t, W).mean() / a.shape[1]),
        (
            "places are on the other clock",
            lambda a, b, t, W: _errors(a, b, t, W, b + (a - b) * t[:, None]).mean(),
        ),
        ("wrong sign", lambda a, b, t, W: _errors(a, b, t, W, target=a - b).mean()),
        ("data point x1", lambda a, b, t, W: _errors(a, b, t, W, target=b).mean()),
        ("mean of their squares", lambda a, b, t, W: np.sqrt(_errors(a, b, t, W)).mean()),
        ("times n", lambda a, b, t, W: _errors(a, b, t, W).sum()),
        ("times 1/2", lambda a, b, t, W: _errors(a, b, t, W).mean() / 2),
        ("should have shape", _errors),
    ],
    "flow-matching-euler": [
        ("infinitely many steps", lambda nu, n: nu**0.5),
        ("end of each step", lambda nu, n: _steps(nu, (np.arange(n) + 1) / n, 1 / n)),
        ("steps have the length 1", lambda nu, n: _steps(nu, np.arange(n) / n, 1)),
        ("include t = 1", lambda nu, n: _steps(nu, np.linspace(0, 1, n), 1 / n)),
        ("sign of the velocity", lambda nu, n: _steps(nu, np.arange(n) / n, -1 / n)),
        ("here it is squared", lambda nu, n: _steps(nu * nu, np.arange(n) / n, 1 / n)),
        ("look at the sign", lambda nu, n: -_steps(nu, np.arange(n) / n, 1 / n)),
        ("should have shape", lambda nu, n: np.full(n, _steps(nu, np.arange(n) / n, 1 / n))),
    ],
    "flow-matching-pairs": [
        ("not squared", lambda a, b: b[_order(np.sqrt(_costs(a, b)))]),
        ("nearest data point", lambda a, b: b[np.argmin(_costs(a, b), axis=1)]),
        ("inverse permutation", lambda a, b: b[np.argsort(_order(_costs(a, b)))]),
        ("worst pairs", lambda a, b: b[_order(-_costs(a, b))]),
        ("nothing was paired", lambda a, b: b.copy()),
        ("rows of x0", lambda a, b: a[np.argsort(_order(_costs(a, b)))]),
        ("times n", lambda a, b: len(a) * b[_order(_costs(a, b))]),
        ("should have shape", lambda a, b: _order(_costs(a, b))),
    ],
}
