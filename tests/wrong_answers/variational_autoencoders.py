"""Wrong answers to the exercises on variational autoencoders, with words of the hint for each."""

import numpy as np
from scipy.special import expit, logsumexp
from scipy.stats import logistic, norm


def _r(x, weights, means, variances):
    joint = weights * norm.pdf(x[:, None], means, np.sqrt(variances))
    return joint / joint.sum(axis=1, keepdims=True)


def _m(x, r, about=None, divide=None):
    mass = r.sum(axis=0)
    means = np.array([np.average(x, weights=column) for column in r.T])
    about = means if about is None else about
    squares = (r * (x[:, None] - about) ** 2).sum(axis=0)
    return mass / len(x), means, squares / (mass if divide is None else divide)


def _em(change):
    return lambda x, w, m, v: change(*_m(x, _r(x, w, m, v)), len(x))


def _no_density_norm(x, w, m, v):
    joint = w * np.exp(-((x[:, None] - m) ** 2) / (2 * v))
    return _m(x, joint / joint.sum(axis=1, keepdims=True))


def _kl(mean, log_variance, one=1, sign=-1):
    return (mean**2 + np.exp(log_variance) - one + sign * log_variance) / 2


def _spectrum(S, m, change):
    nu, U = np.linalg.eigh(S)
    kept, s2 = change(nu[::-1], m)
    return U[:, ::-1] @ np.diag(kept) @ U[:, ::-1].T, s2


def _usual(nu, m):
    s2 = nu[m:].mean()
    return np.concatenate([nu[:m], [s2] * (len(nu) - m)]), s2


def _twice(nu, m):
    kept, s2 = _usual(nu, m)
    return kept + s2 * (np.arange(len(nu)) < m), s2


def _minus(nu, m):
    kept, s2 = _usual(nu, m)
    return kept - 2 * s2, s2


def _by_d(nu, m):
    s2 = nu[m:].sum() / len(nu)
    return np.concatenate([nu[:m], [s2] * (len(nu) - m)]), s2


def _lowest(nu, m):
    s2 = nu[:-m].mean()
    return np.concatenate([[s2] * (len(nu) - m), nu[-m:]]), s2


def _S(X, ddof=0):
    return np.cov(X, rowvar=False, ddof=ddof)


def _mass(k, centre, width, levels, last):
    upper = np.where(k == last, 1, logistic.cdf(k + 0.5, centre, width))
    return upper - np.where(k == 0, 0, logistic.cdf(k - 0.5, centre, width))


WRONG = {
    "variational-em": [
        ("sum to n", _em(lambda w, m, v, n: (n * w, m, v))),
        (
            "about the old means",
            lambda x, w, m, v: _m(x, _r(x, w, m, v), about=m),
        ),
        ("know nothing of the weights", lambda x, w, m, v: _m(x, _r(x, np.ones(3), m, v))),
        ("A factor of the density is missing", _no_density_norm),
        ("The variances divide by n", lambda x, w, m, v: _m(x, _r(x, w, m, v), divide=len(x))),
        ("holds standard deviations", _em(lambda w, m, v, n: (w, m, np.sqrt(v)))),
        ("look at the sign", _em(lambda w, m, v, n: (w, -m, v))),
        ("should have shape", _em(lambda w, m, v, n: (w, m[:, None], v))),
    ],
    "variational-kl": [
        ("mean over the latents", lambda m, lv: _kl(m, lv).mean(axis=1)),
        ("logarithm of the standard deviation", lambda m, lv: _kl(m, 2 * lv).sum(axis=1)),
        ("sign before log v", lambda m, lv: _kl(m, lv, sign=1).sum(axis=1)),
        ("The 1 is missing", lambda m, lv: _kl(m, lv, one=0).sum(axis=1)),
        (
            "mean over the n samples",
            lambda m, lv: _kl(m, lv).sum(axis=1).mean() * np.ones(len(m)),
        ),
        ("right one times 2", lambda m, lv: 2 * _kl(m, lv).sum(axis=1)),
        ("right one times -1", lambda m, lv: -_kl(m, lv).sum(axis=1)),
        ("should have shape", lambda m, lv: _kl(m, lv).sum(axis=0)),
    ],
    "variational-bound": [
        ("the ELBO again", lambda w: w.sum(axis=0) / w.shape[0]),
        ("1/k is missing", lambda w: logsumexp(w, axis=0)),
        ("log k has the wrong sign", lambda w: logsumexp(w, axis=0) + np.log(w.shape[0])),
        ("divides by n", lambda w: logsumexp(w, axis=0) - np.log(w.shape[1])),
        ("only the largest weight", lambda w: np.sort(w, axis=0)[-1]),
        ("look at the sign", lambda w: np.log(len(w)) - logsumexp(w, axis=0)),
        ("should have shape", lambda w: logsumexp(w, axis=1) - np.log(w.shape[1])),
    ],
    "variational-ppca": [
        ("has n - 1", lambda X, m: _spectrum(_S(X, 1), m, _usual)),
        ("not divided by n", lambda X, m: _spectrum(len(X) * _S(X), m, _usual)),
        ("not centred", lambda X, m: _spectrum(X.T @ X / len(X), m, _usual)),
        ("counted twice", lambda X, m: _spectrum(_S(X), m, _twice)),
        ("s^2 has the wrong sign", lambda X, m: _spectrum(_S(X), m, _minus)),
        ("d - m of them", lambda X, m: _spectrum(_S(X), m, _by_d)),
        ("eigh sorts upwards", lambda X, m: _spectrum(_S(X), m, _lowest)),
        ("should have shape", lambda X, m: (np.eye(m), _spectrum(_S(X), m, _usual)[1])),
    ],
    "variational-levels": [
        (
            "do not sum to one",
            lambda k, c, b, n: np.log(logistic.cdf(k + 0.5, c, b) - logistic.cdf(k - 0.5, c, b)),
        ),
        ("logarithms are asked for", lambda k, c, b, n: _mass(k, c, b, n, n - 1)),
        ("n levels end at n - 1", lambda k, c, b, n: np.log(_mass(k, c, b, n, n))),
        ("logistic density", lambda k, c, b, n: logistic.logpdf(k, c, b)),
        ("look at the sign", lambda k, c, b, n: -np.log(_mass(k, c, b, n, n - 1))),
        (
            "should have shape",
            lambda k, c, b, n: np.log(expit((k[:, None] + 0.5 - c) / b)),
        ),
    ],
}
