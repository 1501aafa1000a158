"""Wrong answers to the exercises on nuclear masses, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _per_nucleon(Z, N, excess, hydrogen, neutron):
    return (Z * hydrogen + N * neutron - excess) / (1000 * (Z + N))


def _columns(Z, N, **changed):
    A = Z + N
    columns = {
        "volume": A * 1.0,
        "surface": -(A ** (2 / 3)),
        "coulomb": -Z * (Z - 1) / A ** (1 / 3),
        "asymmetry": -((N - Z) ** 2) / A,
        "pairing": ((-1.0) ** Z + (-1.0) ** N) / 2 / A**0.5,
    }
    return np.stack(list((columns | changed).values()), axis=1)


def _rows(links, sign=-1):
    X = np.zeros((len(links), max(map(max, links)) + 1))
    for row, (i, j) in zip(X, links, strict=True):
        row[i] += 1
        if j != -1:
            row[j] += sign
    return X


def _adjust(links, values, w, **how):
    X = _rows(links, **how)
    inverse = np.linalg.inv(X.T @ np.diag(w) @ X)
    return inverse @ X.T @ np.diag(w) @ values, inverse


def _unguarded(links, values, s):
    X = np.zeros((len(links), links.max() + 1))
    for row, (i, j) in enumerate(links):
        X[row, i] = 1
        X[row, j] = -1
    weighted = X / s[:, None]
    inverse = np.linalg.inv(weighted.T @ weighted)
    return inverse @ weighted.T @ (values / s), inverse


def _scaled(links, values, s):
    masses, covariance = _adjust(links, values, s**-2.0)
    chi2 = np.sum(((values - _rows(links) @ masses) / s) ** 2)
    return masses, covariance * chi2 / (len(s) - len(masses))


def _h(X, new):
    return np.diag(new @ np.linalg.pinv(X.T @ X) @ new.T)


def _alternate(X_s, X_d, y, deformed, steps, better=lambda s, d, y: d > s, flip=False):
    for _ in range(steps):
        X = np.array([d if c ^ flip else s for s, d, c in zip(X_s, X_d, deformed, strict=True)])
        theta = np.linalg.lstsq(X, y, rcond=None)[0]
        deformed = better(X_s @ theta, X_d @ theta, y)
    return theta, deformed


WRONG = {
    "masses-binding-energy": [
        ("whole nucleus", lambda Z, N, D, H, n: (Z * H + N * n - D) / 1e3),
        ("in keV", lambda Z, N, D, H, n: 1e3 * _per_nucleon(Z, N, D, H, n)),
        ("The sign is wrong", lambda Z, N, D, H, n: -_per_nucleon(Z, N, D, H, n)),
        ("is added", lambda Z, N, D, H, n: _per_nucleon(Z, N, -D, H, n)),
        ("exchanged", lambda Z, N, D, H, n: _per_nucleon(Z, N, D, n, H)),
        ("measures from carbon-12", lambda Z, N, D, H, n: _per_nucleon(Z, N, D, 0, 0)),
        ("times 1/n", lambda Z, N, D, H, n: _per_nucleon(Z, N, D, H, n) / len(Z)),
        ("should have shape", lambda Z, N, D, H, n: np.mean(_per_nucleon(Z, N, D, H, n))),
    ],
    "masses-liquid-drop": [
        ("these three columns are negative", lambda Z, N: _columns(Z, N) * [1, -1, -1, -1, 1]),
        ("repel itself", lambda Z, N: _columns(Z, N, coulomb=-(Z**2) / np.cbrt(Z + N))),
        (
            "number of pairs",
            lambda Z, N: _columns(Z, N, coulomb=-Z * (Z - 1) / 2 / np.cbrt(Z + N)),
        ),
        ("not A^(1/3)", lambda Z, N: _columns(Z, N, surface=-np.cbrt(Z + N))),
        (
            "positive where Z and N are odd",
            lambda Z, N: _columns(Z, N, pairing=-_columns(Z, N)[:, 4]),
        ),
        ("parity of A", lambda Z, N: _columns(Z, N, pairing=((Z + N) % 2 == 0) / (Z + N) ** 0.5)),
        ("+2 or -2", lambda Z, N: _columns(Z, N, pairing=2 * _columns(Z, N)[:, 4])),
        (
            "divided by the root",
            lambda Z, N: _columns(Z, N, pairing=np.cos(np.pi * Z) * ((Z + N) % 2 == 0)),
        ),
        ("not by A^2", lambda Z, N: _columns(Z, N, asymmetry=-(((N - Z) / (N + Z)) ** 2))),
        ("should be divided by A.", lambda Z, N: _columns(Z, N, asymmetry=-((N - Z) ** 2))),
        ("-1: look at the sign", lambda Z, N: -_columns(Z, N)),
        ("transpose", lambda Z, N: _columns(Z, N).T),
        ("should have shape", lambda Z, N: _columns(Z, N)[:, :4]),
        ("times 1/n", lambda Z, N: _columns(Z, N) / len(Z)),
    ],
    "masses-network": [
        ("Sums of masses", lambda ij, y, s: _adjust(ij, y, s**-2.0, sign=1)),
        ("same weight", lambda ij, y, s: _adjust(ij, y, s**0)),
        ("weights here are 1/s", lambda ij, y, s: _adjust(ij, y, 1 / s)),
        ("last element", _unguarded),
        ("chi^2 per degree of freedom", _scaled),
        (
            "links of error 1",
            lambda ij, y, s: (_adjust(ij, y, s**-2.0)[0], _adjust(ij, y, s**0)[1]),
        ),
        (
            "the inverse is missing",
            lambda ij, y, s: (
                _adjust(ij, y, s**-2.0)[0],
                _rows(ij).T @ np.diag(s**-2.0) @ _rows(ij),
            ),
        ),
        (
            "the masses is the right one times -1",
            lambda ij, y, s: (-_adjust(ij, y, s**-2.0)[0], _adjust(ij, y, s**-2.0)[1]),
        ),
        (
            "covariance matrix is the right one times 1/n",
            lambda ij, y, s: (
                _adjust(ij, y, s**-2.0)[0],
                _adjust(ij, y, s**-2.0)[1] / len(ij),
            ),
        ),
        ("should return 2 things", lambda ij, y, s: _adjust(ij, y, s**-2.0)[0]),
        (
            "should have shape",
            lambda ij, y, s: (
                _adjust(ij, y, s**-2.0)[0],
                np.sqrt(np.diag(_adjust(ij, y, s**-2.0)[1])),
            ),
        ),
    ],
    "masses-leverage": [
        ("inverse is missing", lambda X, Z: np.diag(Z @ X.T @ X @ Z.T)),
        ("root of the leverage", lambda X, Z: np.sqrt(_h(X, Z))),
        ("variance of a new observation", lambda X, Z: _h(X, Z) + 1),
        ("belongs to the data", lambda X, Z: _h(Z, Z)),
        ("X has been centred", lambda X, Z: _h(X - X.mean(0), Z - X.mean(0))),
        ("too large by the factor n", lambda X, Z: _h(X / np.sqrt(len(X)), Z)),
        ("-1: look at the sign", lambda X, Z: -_h(X, Z)),
        ("should have shape", lambda X, Z: Z @ np.linalg.inv(X.T @ X) @ Z.T),
    ],
    "masses-alternating": [
        ("one fit and one choice", lambda s, d, y, c, k: _alternate(s, d, y, c, 1)),
        (
            "smaller of the two",
            lambda s, d, y, c, k: _alternate(s, d, y, c, k, lambda a, b, y: a > b),
        ),
        (
            "nearer to y",
            lambda s, d, y, c, k: _alternate(
                s, d, y, c, k, lambda a, b, y: (y - b) ** 2 < (y - a) ** 2
            ),
        ),
        ("rows are exchanged", lambda s, d, y, c, k: _alternate(s, d, y, c, k, flip=True)),
        (
            "fitted once more",
            lambda s, d, y, c, k: (
                _alternate(s, d, y, c, k + 1)[0],
                _alternate(s, d, y, c, k)[1],
            ),
        ),
        (
            "the fit before",
            lambda s, d, y, c, k: (
                _alternate(s, d, y, c, k)[0],
                _alternate(s, d, y, c, k - 1)[1],
            ),
        ),
        (
            "True stands for spherical",
            lambda s, d, y, c, k: (
                _alternate(s, d, y, c, k)[0],
                np.logical_not(_alternate(s, d, y, c, k)[1]),
            ),
        ),
        (
            "theta is the right one times -1: look at the sign",
            lambda s, d, y, c, k: (-_alternate(s, d, y, c, k)[0], _alternate(s, d, y, c, k)[1]),
        ),
        (
            "theta is the right one times n",
            lambda s, d, y, c, k: (
                len(y) * _alternate(s, d, y, c, k)[0],
                _alternate(s, d, y, c, k)[1],
            ),
        ),
        ("should return 2 things", lambda s, d, y, c, k: _alternate(s, d, y, c, k)[0]),
        (
            "should have shape",
            lambda s, d, y, c, k: (_alternate(s, d, y, c, k)[1], _alternate(s, d, y, c, k)[0]),
        ),
    ],
}
