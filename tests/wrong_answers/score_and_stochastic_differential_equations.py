"""Wrong answers to the exercises on scores, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _rows(s, eps, sigma, sign=1.0, power=1):
    return [
        sum((a + sign * b / level**power) ** 2) for a, b, level in zip(s, eps, sigma, strict=True)
    ]


def _step(x, score, f, g, gap, churn, noise, *, pull=None, time=-1.0, width=None):
    pull = (1 + churn**2) * g**2 / 2 if pull is None else pull
    width = churn * g * gap**0.5 if width is None else width
    return x + time * gap * f * x - time * gap * pull * score + width * noise


def _correlation(nu, gamma, sigma):
    return gamma * nu / np.sqrt(nu * (gamma**2 * nu + sigma**2))


def _second(x, D, D_before, gammas, sigmas, weight=0.5, factor=1.0, keep=None):
    lam = [np.log(g) - np.log(s) for g, s in zip(gammas, sigmas, strict=True)]
    new, old = lam[2] - lam[1], lam[1] - lam[0]
    line = (
        D + weight(new, old) * (D - D_before)
        if callable(weight)
        else D + weight * new / old * (D - D_before)
    )
    keep = sigmas[2] / sigmas[1] if keep is None else keep
    return keep * x + gammas[2] * (1 - np.exp(-factor * new)) * line


WRONG = {
    "score-loss": [
        ("sign of the target", lambda s, eps, sigma: np.mean(_rows(s, eps, sigma, -1))),
        (
            "smaller by the factor d",
            lambda s, eps, sigma: np.mean(_rows(s, eps, sigma)) / s.shape[1],
        ),
        ("factor 1/n is missing", lambda s, eps, sigma: np.sum(_rows(s, eps, sigma))),
        ("not divided by its level", lambda s, eps, sigma: np.mean(_rows(s, eps, sigma, power=0))),
        ("square of sigma", lambda s, eps, sigma: np.mean(_rows(s, eps, sigma, power=2))),
        (
            "weighted with sigma^2",
            lambda s, eps, sigma: np.mean(sigma**2 * np.array(_rows(s, eps, sigma))),
        ),
        ("right one times -1", lambda s, eps, sigma: -np.mean(_rows(s, eps, sigma))),
        ("should have shape", lambda s, eps, sigma: np.array(_rows(s, eps, sigma))),
    ],
    "score-step": [
        ("has been added", lambda *a: _step(*a, time=1.0)),
        ("g^2 of the film", lambda *a: _step(*a, pull=a[3] ** 2)),
        ("belongs to the noise is missing", lambda *a: _step(*a, pull=a[3] ** 2 / 2)),
        ("factor 1/2 before", lambda *a: _step(*a, pull=(1 + a[5] ** 2) * a[3] ** 2)),
        ("sign of the score", lambda *a: _step(*a, pull=-(1 + a[5] ** 2) * a[3] ** 2 / 2)),
        ("root of gap", lambda *a: _step(*a, width=a[5] * a[3] * a[4])),
        ("noise has the size g", lambda *a: _step(*a, width=a[3] * a[4] ** 0.5)),
        ("right one times -1", lambda *a: -_step(*a)),
        ("should have shape", lambda *a: _step(*a)[0]),
    ],
    "score-memory": [
        (
            "square of the churn",
            lambda nu, gamma, sigma, churn: _correlation(nu, gamma, sigma) ** churn,
        ),
        (
            "correlation of the film",
            lambda nu, gamma, sigma, churn: _correlation(nu, gamma, sigma),
        ),
        ("Only the flow", lambda nu, gamma, sigma, churn: nu / nu),
        (
            "factor 2 in the exponent",
            lambda nu, gamma, sigma, churn: (
                (gamma**2 * nu / (gamma**2 * nu + sigma**2)) ** (churn**2)
            ),
        ),
        (
            "taken for one",
            lambda nu, gamma, sigma, churn: (gamma / np.hypot(gamma, sigma)) ** (churn**2),
        ),
        (
            "divide by the deviations",
            lambda nu, gamma, sigma, churn: _correlation(nu, gamma, sigma) ** (0.5 + churn**2 / 2),
        ),
        (
            "right one times -1",
            lambda nu, gamma, sigma, churn: -(_correlation(nu, gamma, sigma) ** churn**2),
        ),
        (
            "should have shape",
            lambda nu, gamma, sigma, churn: [_correlation(nu, gamma, sigma) ** churn**2],
        ),
    ],
    "score-multistep": [
        ("This is DDIM", lambda *a: _second(*a, weight=0.0)),
        ("to the end of the step", lambda *a: _second(*a, weight=1.0)),
        ("sign of the difference", lambda *a: _second(*a, weight=-0.5)),
        ("upside down: it is the new", lambda *a: _second(*a, weight=lambda h, k: k / h / 2)),
        ("should be half", lambda *a: _second(*a, factor=2.0)),
        ("less than one", lambda *a: _second(*a, keep=a[4][1] / a[4][2])),
        ("right one times -1", lambda *a: -_second(*a)),
        ("should have shape", lambda *a: _second(*a).mean(axis=0)),
    ],
}
