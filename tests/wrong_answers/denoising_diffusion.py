"""Wrong answers to the exercises on denoising diffusion, each with words of the hint for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.special import softmax


def _back(x0, xt, beta, t, gamma=None):
    bars = np.concatenate([[1.0], np.cumprod(1 - beta)])
    b = beta[t - 1]
    gamma = np.sqrt(bars[t - 1]) if gamma is None else gamma(bars, t)
    noise = 1 - bars[t]
    of_data, of_state = gamma * b / noise, np.sqrt(1 - b) * (1 - bars[t - 1]) / noise
    return of_data * x0 + of_state * xt, b * (1 - bars[t - 1]) / noise


def _kl(mean1, cov1, mean2, cov2):
    inverse, away = np.linalg.inv(cov2), mean1 - mean2
    logs = np.linalg.slogdet(cov2)[1] - np.linalg.slogdet(cov1)[1]
    return (np.trace(inverse @ cov1) - len(away) + logs + away @ inverse @ away) / 2


def _end(m, S, beta, gamma=None, noise=None):
    ab = np.prod(1 - beta)
    gamma = np.sqrt(ab) if gamma is None else gamma
    noise = 1 - ab if noise is None else noise
    return gamma * m, ab * S + noise * np.eye(len(m))


def _to_noise(m, S, beta, **change):
    return _kl(*_end(m, S, beta, **change), np.zeros(len(m)), np.eye(len(m)))


def _amplitude_for_square(m, S, beta):
    g = np.sqrt(np.prod(1 - beta))
    return _kl(np.sqrt(g) * m, g * S + (1 - g) * np.eye(len(m)), 0 * m, np.eye(len(m)))


def _weights(bars):
    return -np.diff(1 / (1 - bars))


def _turn(v, x, alpha_bar, sign=1):
    angle = sign * np.arccos(np.sqrt(alpha_bar))
    c, s = np.cos(angle), np.sin(angle)
    return c * x - s * v, s * x + c * v


def _guess(x, points, scale, power):
    distances = np.linalg.norm(x - scale * points, axis=1)
    return softmax(-(distances**2) / power) @ points


WRONG = {
    "diffusion-posterior": [
        ("that of the forward step", lambda x0, xt, b, t: (_back(x0, xt, b, t)[0], b[t - 1])),
        ("answer for the next step", lambda x0, xt, b, t: _back(x0, xt, b, t + 1)),
        ("its square root", lambda x0, xt, b, t: _back(x0, xt, b, t, lambda a, t: a[t - 1])),
        (
            "amplitude of x_t",
            lambda x0, xt, b, t: _back(x0, xt, b, t, lambda a, t: np.sqrt(a[t])),
        ),
        (
            "not its root",
            lambda x0, xt, b, t: (_back(x0, xt, b, t)[0], _back(x0, xt, b, t)[1] ** 0.5),
        ),
        ("changed places", lambda x0, xt, b, t: _back(xt, x0, b, t)),
        (
            "look at the sign",
            lambda x0, xt, b, t: (-_back(x0, xt, b, t)[0], _back(x0, xt, b, t)[1]),
        ),
        ("2 things", lambda x0, xt, b, t: _back(x0, xt, b, t)[0]),
        (
            "should have shape",
            lambda x0, xt, b, t: (_back(x0, xt, b, t)[0][:, None], _back(x0, xt, b, t)[1]),
        ),
    ],
    "diffusion-terminal": [
        ("no factor 1/2", lambda m, S, b: 2 * _to_noise(m, S, b)),
        ("variances are multiplied", _amplitude_for_square),
        ("mean of the data is missing", lambda m, S, b: _to_noise(0 * m, S, b)),
        ("mean has not shrunk", lambda m, S, b: _to_noise(m, S, b, gamma=1)),
        ("noise that has been added", lambda m, S, b: _to_noise(m, S, b, noise=0)),
        (
            "divergence of noise from x_T",
            lambda m, S, b: _kl(0 * m, np.eye(len(m)), *_end(m, S, b)),
        ),
        ("look at the sign", lambda m, S, b: -_to_noise(m, S, b)),
        ("should have shape", lambda m, S, b: np.full(3, _to_noise(m, S, b))),
    ],
    "diffusion-bound": [
        ("factor 1/2 is missing", lambda a, e: _weights(a) @ e[1:]),
        ("less noisy end", lambda a, e: 0.5 * _weights(a) @ e[:-1]),
        ("differences are of alpha-bar", lambda a, e: -0.5 * np.diff(a) @ e[1:]),
        ("as in L_simple", lambda a, e: 0.5 * (a / (1 - a))[1:] @ e[1:]),
        ("mean over the steps", lambda a, e: 0.5 * np.mean(_weights(a) * e[1:])),
        ("look at the sign", lambda a, e: -0.5 * _weights(a) @ e[1:]),
        ("should have shape", lambda a, e: 0.5 * _weights(a) * e[1:]),
    ],
    "diffusion-velocity": [
        ("rotation forwards", lambda v, x, ab: (_turn(v, x, ab, -1)[0], -_turn(v, x, ab, -1)[1])),
        ("take their roots", lambda v, x, ab: (ab * x - (1 - ab) * v, (1 - ab) * x + ab * v)),
        ("amplitudes have changed places", lambda v, x, ab: _turn(v, x, 1 - ab)),
        ("in the other order", lambda v, x, ab: _turn(v, x, ab)[::-1]),
        ("look at the sign", lambda v, x, ab: tuple(-y for y in _turn(v, x, ab))),
        ("2 things", lambda v, x, ab: _turn(v, x, ab)[0]),
    ],
    "diffusion-empirical": [
        ("lacks its factor 1/2", lambda x, p, g, s: _guess(x, p, g, s**2)),
        ("made from gamma times", lambda x, p, g, s: _guess(x, p, 1, 2 * s**2)),
        ("sigma squared, the variance", lambda x, p, g, s: _guess(x, p, g, 2 * s)),
        (
            "nearest training point",
            lambda x, p, g, s: p[np.linalg.norm(x - g * p, axis=1).argmin()],
        ),
        ("gamma times too small", lambda x, p, g, s: g * _guess(x, p, g, 2 * s**2)),
        ("weights are not used", lambda x, p, g, s: np.mean(p, axis=0)),
        ("look at the sign", lambda x, p, g, s: -_guess(x, p, g, 2 * s**2)),
        ("should have shape", lambda x, p, g, s: _guess(x, p, g, 2 * s**2)[None]),
    ],
}
