"""Wrong answers to the exercises on kernels, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy import stats
from scipy.linalg import cho_factor, cho_solve


def _solve(A, b):
    return np.linalg.inv(A) @ b


def _eye(a):
    return np.identity(len(a))


def _posterior(K, k_new, prior, y, noise, sign=-1, extra=0.0):
    inverse = np.linalg.inv(K + noise * _eye(y))
    mean = k_new @ inverse @ y
    reduction = np.einsum("mi,ij,mj->m", k_new, inverse, k_new)
    return mean, prior + sign * reduction + extra


def _evidence(K, y, fit=0.5, volume=1.0, constant=True):
    factor = cho_factor(K, lower=True)
    value = -fit * y @ cho_solve(factor, y)
    value -= volume * np.log(np.diagonal(factor[0])).sum()
    return value - constant * len(y) * 0.5 * np.log(2 * np.pi)


def _by_leaving(K, y):
    means, variances = [], []
    for i in range(len(y)):
        rest = [j for j in range(len(y)) if j != i]
        w = _solve(K[np.ix_(rest, rest)], K[rest, i])
        means.append(w @ y[rest])
        variances.append(K[i, i] - w @ K[rest, i])
    return np.array(means), np.array(variances)


def _slope(x, y, length, s, by=np.exp, noise=None, part=None):
    """Differences of the density, by a parameter of which the length is a function."""
    noise = s**2 if noise is None else noise

    def value(ell):
        K = np.exp(-(np.subtract.outer(x, x) ** 2) / (2 * ell**2)) + noise * _eye(x)
        if part == "fit":
            return -y @ _solve(K, y) / 2
        if part == "plus":
            return -y @ _solve(K, y) / 2 + np.linalg.slogdet(K)[1] / 2
        return stats.multivariate_normal(cov=K).logpdf(y)

    step = 1e-4
    at = np.log(length) if by is np.exp else length
    ends = [value(by(at + k * step)) for k in (-2, -1, 1, 2)]
    return (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)


WRONG = {
    "kernels-ridge": [
        ("here it is lambda alone", lambda K, y, lam: _solve(K + lam * _eye(y), y)),
        ("sign before n lambda", lambda K, y, lam: _solve(K - len(y) * lam * _eye(y), y)),
        ("not 2 n lambda", lambda K, y, lam: _solve(K + 2 * len(y) * lam * _eye(y), y)),
        ("fitted values", lambda K, y, lam: K @ _solve(K + len(y) * lam * _eye(y), y)),
        ("every element", lambda K, y, lam: _solve(K + len(y) * lam, y)),
        ("one K cancels", lambda K, y, lam: _solve(K @ K + len(y) * lam * _eye(y), K @ y)),
        (
            "right one times n",
            lambda K, y, lam: _solve(K / len(y) + lam * _eye(y), y),
        ),
        (
            "right one times -1: look at the sign",
            lambda K, y, lam: -_solve(K + len(y) * lam * _eye(y), y),
        ),
        (
            "should have shape",
            lambda K, y, lam: _solve(K + len(y) * lam * _eye(y), y[:, None]),
        ),
    ],
    "kernels-posterior": [
        (
            "here it is s",
            lambda K, k_new, prior, y, s: _posterior(K, k_new, prior, y, s),
        ),
        (
            "a factor n too many",
            lambda K, k_new, prior, y, s: _posterior(K, k_new, prior, y, len(y) * s * s),
        ),
        (
            "of a new measurement",
            lambda K, k_new, prior, y, s: _posterior(K, k_new, prior, y, s * s, extra=s * s),
        ),
        (
            "sign in the variance",
            lambda K, k_new, prior, y, s: _posterior(K, k_new, prior, y, s * s, sign=1),
        ),
        (
            "not its root",
            lambda K, k_new, prior, y, s: (
                _posterior(K, k_new, prior, y, s * s)[0],
                _posterior(K, k_new, prior, y, s * s)[1] ** 0.5,
            ),
        ),
        (
            "whole matrix is returned",
            lambda K, k_new, prior, y, s: (
                _posterior(K, k_new, prior, y, s * s)[0],
                prior[0] - k_new @ _solve(K + s * s * _eye(y), k_new.T),
            ),
        ),
        (
            "should have shape",
            lambda K, k_new, prior, y, s: (K @ _solve(K + s * s * _eye(y), y), prior),
        ),
    ],
    "kernels-evidence": [
        (
            "before log det K is missing",
            lambda K, y, s: _evidence(K + s * s * _eye(y), y, volume=2.0),
        ),
        (
            "half of the volume",
            lambda K, y, s: _evidence(K + s * s * _eye(y), y, volume=0.5),
        ),
        ("before the fit term", lambda K, y, s: _evidence(K + s * s * _eye(y), y, fit=1)),
        (
            "sign of the volume",
            lambda K, y, s: _evidence(K + s * s * _eye(y), y, volume=-1),
        ),
        ("here it is s", lambda K, y, s: _evidence(K + s * _eye(y), y)),
        (
            "with the factor n",
            lambda K, y, s: _evidence(K + s * s * _eye(y), y, constant=False),
        ),
        (
            "a factor 1/n that",
            lambda K, y, s: _evidence(K + s * s * _eye(y), y) / len(y),
        ),
        (
            "right one times -1: look at the sign",
            lambda K, y, s: -_evidence(K + s * s * _eye(y), y),
        ),
        (
            "NaN or infinite",
            lambda K, y, s: (
                -np.log(max(np.linalg.det(K + s * s * _eye(y)), 0.0) or np.finfo(float).tiny)
                * np.inf
            ),
        ),
        (
            "should have shape",
            lambda K, y, s: np.array([_evidence(K + s * s * _eye(y), y)]),
        ),
    ],
    "kernels-loo": [
        (
            "y minus them",
            lambda K_y, y: (y - _by_leaving(K_y, y)[0], _by_leaving(K_y, y)[1]),
        ),
        (
            "sign in the mean",
            lambda K_y, y: (2 * y - _by_leaving(K_y, y)[0], _by_leaving(K_y, y)[1]),
        ),
        (
            "not of its inverse",
            lambda K_y, y: (y - _solve(K_y, y) * K_y.diagonal(), K_y.diagonal()),
        ),
        (
            "the reciprocal is missing",
            lambda K_y, y: (_by_leaving(K_y, y)[0], np.linalg.inv(K_y).diagonal()),
        ),
        (
            "not their roots",
            lambda K_y, y: (_by_leaving(K_y, y)[0], _by_leaving(K_y, y)[1] ** 0.5),
        ),
        (
            "right one times n",
            lambda K_y, y: (_by_leaving(K_y, y)[0], len(y) * _by_leaving(K_y, y)[1]),
        ),
        (
            "should have shape",
            lambda K_y, y: (_by_leaving(K_y, y)[0], np.linalg.inv(K_y)),
        ),
    ],
    "kernels-gradient": [
        (
            "one factor length more",
            lambda x, y, length, s: _slope(x, y, length, s, by=lambda ell: ell),
        ),
        (
            "sign before the inverse",
            lambda x, y, length, s: _slope(x, y, length, s, part="plus"),
        ),
        (
            "of the fit alone",
            lambda x, y, length, s: _slope(x, y, length, s, part="fit"),
        ),
        ("here it is s", lambda x, y, length, s: _slope(x, y, length, s, noise=s)),
        ("only the diagonals", lambda x, y, length, s: np.trace(np.subtract.outer(x, x) ** 2)),
        (
            "divided by n",
            lambda x, y, length, s: _slope(x, y, length, s) / len(y),
        ),
        ("right one times 2", lambda x, y, length, s: 2 * _slope(x, y, length, s)),
        ("right one times -1", lambda x, y, length, s: -_slope(x, y, length, s)),
        (
            "should have shape",
            lambda x, y, length, s: np.full(len(x), _slope(x, y, length, s)),
        ),
    ],
}
