"""Wrong answers to the exercises on comparing models, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np
from scipy.ndimage import convolve
from scipy.stats import entropy

CROSS = np.array([[[0, 1, 0], [1, 0, 1], [0, 1, 0]]])


def _law(delta, a):
    return [delta, 1 - delta], [delta * np.exp(-a), 1 - delta * np.exp(-a)]


def _variation(delta, a):
    return delta - delta * np.exp(-a)


def _loop(costs, beats):
    n = len(costs)
    return np.array([not any(beats(costs[i], costs[j]) for i in range(n)) for j in range(n)])


def _needle(spins, K, mode="wrap", kernel=CROSS, power=1):
    h = convolve(spins, kernel, mode=mode, cval=0)
    return np.mean(h**power * (spins - np.tanh(K * h)))


def _length(spins, factor=2, half=True, power=0.5, less=1):
    L = spins.shape[1]
    S = np.mean(np.abs(np.fft.fft2(spins)) ** 2, axis=0)
    angle = np.pi / L if half else 2 * np.pi / L
    return (S[0, 0] / S[1, 0] - less) ** power / (factor * np.sin(angle))


WRONG = {
    "comparing-hole": [
        (
            "a factor 2 is missing",
            lambda delta, a: (2 * _variation(delta, a), entropy(*_law(delta, a))),
        ),
        (
            "the other way round",
            lambda delta, a: (_variation(delta, a), entropy(*_law(delta, a)[::-1])),
        ),
        (
            "has not been scaled up",
            lambda delta, a: (_variation(delta, a) / 2, delta * a),
        ),
        (
            "become more probable",
            lambda delta, a: (
                min(delta * np.exp(a), 1 - 1e-9) - delta,
                entropy(
                    [delta, 1 - delta],
                    [min(delta * np.exp(a), 1 - 1e-9), 1 - min(delta * np.exp(a), 1 - 1e-9)],
                ),
            ),
        ),
        (
            "in the wrong order",
            lambda delta, a: (entropy(*_law(delta, a)), _variation(delta, a)),
        ),
        (
            "should have shape",
            lambda delta, a: (np.array([_variation(delta, a)]), entropy(*_law(delta, a))),
        ),
    ],
    "comparing-front": [
        ("only one cost that is really", lambda c: _loop(c, lambda i, j: (i < j).all())),
        ("equal costs beat nobody", lambda c: _loop(c, lambda i, j: (i <= j).all())),
        (
            "that are beaten",
            lambda c: ~_loop(c, lambda i, j: (i <= j).all() and (i < j).any()),
        ),
        (
            "for the largest",
            lambda c: _loop(c, lambda i, j: (i >= j).all() and (i > j).any()),
        ),
        ("should have shape", lambda c: np.zeros((len(c), len(c)), dtype=bool)),
    ],
    "comparing-thermometer": [
        ("factor h before the bracket", lambda spins, K: _needle(spins, K, power=0)),
        ("the lattice is a torus", lambda spins, K: _needle(spins, K, mode="constant")),
        (
            "two of the four",
            lambda spins, K: _needle(
                spins, K, kernel=np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
            ),
        ),
        (
            "divide by their number N",
            lambda spins, K: _needle(spins, K) * spins.shape[1] * spins.shape[2],
        ),
        ("is not divided", lambda spins, K: _needle(spins, K) * spins.size),
        ("factor 2 in the hyperbolic", lambda spins, K: _needle(spins, 2 * K)),
        ("right one times -1", lambda spins, K: -_needle(spins, K)),
        ("should have shape", lambda spins, K: np.full(len(spins), _needle(spins, K))),
    ],
    "comparing-length": [
        ("factor 2 before the sine", lambda spins: _length(spins, factor=1)),
        ("a root is missing", lambda spins: _length(spins, power=1)),
        ("half of it belongs there", lambda spins: _length(spins, half=False)),
        ("not subtracted", lambda spins: _length(spins, less=0)),
        ("right one times -1", lambda spins: -_length(spins)),
        ("should have shape", lambda spins: np.full(3, _length(spins))),
    ],
}
