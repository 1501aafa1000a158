"""Wrong answers to the exercises on discriminative and generative models, with words of the hint.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy import stats
from scipy.special import expit, logit


def _lda(X, y, divisor=None, total=False, shares=True, half=0.5, sign=1, invert=True):
    A, B = X[y == 0], X[y == 1]
    n = len(y)
    if total:
        S = np.cov(X, rowvar=False) * (n - 1) / n
    else:
        S = (np.cov(A, rowvar=False) * (len(A) - 1) + np.cov(B, rowvar=False) * (len(B) - 1)) / (
            divisor or n
        )
    difference = B.mean(0) - A.mean(0)
    w = np.linalg.inv(S) @ difference if invert else difference
    b = -half * w @ (A.mean(0) + B.mean(0))
    if shares:
        b += np.log(len(B)) - np.log(len(A))
    return sign * b, sign * w


def _mean_of_covariances(X, y):
    A, B = X[y == 0], X[y == 1]
    S = (np.cov(A.T, ddof=0) + np.cov(B.T, ddof=0)) / 2
    w = np.linalg.inv(S) @ (B.mean(0) - A.mean(0))
    return np.log(len(B) / len(A)) - 0.5 * w @ (A.mean(0) + B.mean(0)), w


def _moved(probability, old, new, sign=1):
    return expit(logit(probability) + sign * (logit(new) - logit(old)))


def _bayes(x, priors, means, Sigma):
    joint = [q * stats.multivariate_normal(m, Sigma).pdf(x) for q, m in zip(priors, means)]  # noqa: B905
    return joint[1] / sum(joint)


def _seen(x, priors, means, Sigma):
    keep = np.flatnonzero(~np.isnan(x))
    return x[keep], priors, means[:, keep], Sigma[keep][:, keep]


def _of_the_inverse(x, priors, means, Sigma):
    keep = np.flatnonzero(~np.isnan(x))
    block = np.linalg.inv(np.linalg.inv(Sigma)[keep][:, keep])
    return _bayes(x[keep], priors, means[:, keep], block)


def _poisson(X, y, rates=-1, shares=1, sign=1, log=True):
    a, b = X[y == 0].mean(0), X[y == 1].mean(0)
    intercept = shares * logit(np.mean(y)) + rates * (b.sum() - a.sum())
    return sign * intercept, sign * (np.log(b) - np.log(a) if log else b - a)


WRONG = {
    "generative-logit": [
        ("divided by n - 2", lambda X, y: _lda(X, y, divisor=len(y) - 2)),
        ("about the mean of all samples", lambda X, y: _lda(X, y, total=True)),
        ("weight each by its share", _mean_of_covariances),
        ("lacks the logarithm", lambda X, y: _lda(X, y, shares=False)),
        ("factor 1/2", lambda X, y: _lda(X, y, half=1)),
        ("both signs", lambda X, y: _lda(X, y, sign=-1)),
        ("difference of the means itself", lambda X, y: _lda(X, y, invert=False)),
        ("w is the right one times 1/n", lambda X, y: (_lda(X, y)[0], _lda(X, y, divisor=1)[1])),
        ("should return 2 things", lambda X, y: np.append(*_lda(X, y))),
        ("b should have shape ()", lambda X, y: (np.atleast_1d(_lda(X, y)[0]), _lda(X, y)[1])),
    ],
    "generative-shift": [
        ("not normalised", lambda probability, old, new: new * probability / old),
        ("wrong sign", lambda probability, old, new: _moved(probability, old, new, -1)),
        (
            "divide by them",
            lambda probability, old, new: expit(logit(probability) + logit(new)),
        ),
        (
            "Only class 1",
            lambda probability, old, new: expit(logit(probability) + np.log(new / old)),
        ),
        ("should have shape", lambda probability, old, new: _moved(probability, old, new)[:, None]),
        ("other values", lambda probability, old, new: probability),
    ],
    "generative-missing": [
        ("Take the block of Sigma first", _of_the_inverse),
        ("filled with zeros", lambda x, *rest: _bayes(np.where(np.isnan(x), 0, x), *rest)),
        (
            "integrate over it",
            lambda x, q, m, S: _bayes(np.where(np.isnan(x), q[0] * m[0] + q[1] * m[1], x), q, m, S),
        ),
        ("look at the sign", lambda *given: 1 - _bayes(*_seen(*given))),
        (
            "shares of the classes are missing",
            lambda x, q, m, S: _bayes(*_seen(x, [0.5, 0.5], m, S)),
        ),
        ("should have shape ()", lambda *given: np.array([_bayes(*_seen(*given))])),
        ("contains NaN", lambda x, q, m, S: expit((m[1] - m[0]) @ np.linalg.inv(S) @ x)),
    ],
    "generative-poisson": [
        ("lacks the rates", lambda X, y: _poisson(X, y, rates=0)),
        ("with the wrong sign", lambda X, y: _poisson(X, y, rates=1)),
        ("not in b", lambda X, y: _poisson(X, y, shares=0)),
        ("difference of the rates", lambda X, y: _poisson(X, y, log=False)),
        ("both signs", lambda X, y: _poisson(X, y, sign=-1)),
        (
            "w should have shape",
            lambda X, y: (_poisson(X, y)[0], _poisson(X, y)[1][:, np.newaxis]),
        ),
        ("right one times n", lambda X, y: (_poisson(X, y)[0], len(y) * _poisson(X, y)[1])),
    ],
}
